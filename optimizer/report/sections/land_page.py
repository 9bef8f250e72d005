"""The page of `gridsite sites`: how much land there is for campuses, what took the rest, and every site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.report.land_map import land_map
from optimizer.report.page import Column, KeyFigures, Section, SwitchedMap, Table, Text, blocks, table
from optimizer.report.sections.land import differences, refusals
from optimizer.report.site_cards import site_cards
from optimizer.report.text import count, number, quantity, rule_words
from optimizer.report.view import refused_by_rule
from optimizer.study.offers import RULES

if TYPE_CHECKING:
    from optimizer.study.sites import Candidates
    from optimizer.study.study import Study

REGION, LAYERS, ALL = "land of the region", "all layers together", "all rules together"
"""Rows of the table of land lost that are no rules."""

_SITES_SHOWN = 25


def land_sections(
    candidates: Candidates,
    area_lost: pd.DataFrame | None,
    column_sources: Mapping[str, tuple[str, str]],
    study: Study | None,
) -> list[Section]:
    """Return the sections of the page, the answer first.

    Parameters
    ----------
    candidates : Candidates
        Sites and refused places.
    area_lost : DataFrame, optional
        ``rule``, ``alone_ha``, ``only_ha`` [ha], with the rows `LAYERS`, `ALL` and `REGION`.
    column_sources : mapping of str to (str, str)
        Unit and source of columns of the sites.
    study : Study, optional
        Adds counties and the network to the map.
    """
    lost = area_lost if area_lost is not None and len(area_lost) else None
    sections = [
        Section("sites", _title(candidates), _answer(candidates, lost)),
        Section("map", "Where", _where(candidates, column_sources, study)),
        Section("lost", "What took the land", blocks(_lost_land(candidates, lost))),
        Section("list", "The sites", () if candidates.sites.empty else _listed(candidates.sites)),
    ]
    return [section for section in sections if section.blocks]


def _title(candidates: Candidates) -> str:
    sites = count(len(candidates.sites), "candidate site")
    land = _usable_ha(candidates.sites)
    return f"{sites} on {quantity(land, 'area_ha')} of usable land" if land else sites


def _answer(candidates: Candidates, lost: pd.DataFrame | None) -> tuple[Text | KeyFigures, ...]:
    refused = f"{count(len(candidates.refused), 'place')} refused, each by the first rule it fails."
    if lost is None:
        return (Text(refused, "lead"),)
    rows, rules = lost.set_index("rule")["alone_ha"], _rules(lost)
    region, joint = float(rows.get(REGION, 0.0)), float(rows.get(ALL, 0.0))
    sentences = []
    figures = [(number(_usable_ha(candidates.sites), "a_ha"), "ha", "usable land of the candidate sites")]
    if region > 0:
        gone = f"{quantity(joint, 'a_ha')} ({number(joint / region, 'a_share')}\u00a0%)"
        sentences.append(f"Of {quantity(region, 'a_ha')} in the region, {gone} are refused.")
        figures.append((number(joint, "a_ha"), "ha", "refused by all rules together"))
        figures.append((number(region, "a_ha"), "ha", "land of the region"))
    layers = rules[rules["rule"].str.startswith("excluded:")]
    if len(rules):
        sentences.append(_taker(rules.iloc[0], "Most is taken by the rule “{}”"))
    if len(layers) and layers.index[0] != 0:
        sentences.append(_taker(layers.iloc[0], "Of the map layers, most is taken by {}"))
    return (Text(" ".join([*sentences, refused]), "lead"), KeyFigures(tuple(figures)))


def _taker(row: pd.Series, start: str) -> str:
    name = rule_words(row["rule"].removeprefix("excluded:"))
    alone, only = quantity(row["alone_ha"], "a_ha"), quantity(row["only_ha"], "a_ha")
    return f"{start.format(name)}: {alone} by itself, {only} of it by no other rule."


def _where(
    candidates: Candidates, column_sources: Mapping[str, tuple[str, str]], study: Study | None
) -> tuple[SwitchedMap | Text, ...]:
    drawn = land_map(candidates, study)
    if drawn is None:
        return (Text("Nothing here has a place on the map."),)
    caption = (
        "Squares: candidate sites; click one for its card. Shaded: refused land, by the first rule that refuses it; "
        "hover for the rule. Drag a box to zoom in, double-click to zoom out."
    )
    figure, switches = drawn
    cards = site_cards(candidates.sites.drop(columns="geometry", errors="ignore"), column_sources)
    return (SwitchedMap("sites", figure, caption, True, switches, cards.content()),)


def _lost_land(candidates: Candidates, lost: pd.DataFrame | None) -> Table | None:
    if lost is None:
        return refusals(refused_by_rule(candidates.refused))
    rules, places = _rules(lost), candidates.refused["rule"].value_counts()
    whole = lost.set_index("rule")["alone_ha"]
    region = float(whole.get(REGION, 0.0))
    rows = rules.assign(
        meaning=[RULES.get(rule.partition(":")[0], ("", ""))[0].partition(";")[0] for rule in rules["rule"]],
        places=[int(places.get(rule, 0)) for rule in rules["rule"]],
        region_share=rules["alone_ha"] / region if region else float("nan"),
    )
    rows["rule"] = rows["rule"].map(rule_words)
    columns = (
        Column("rule", "Rule", text=True),
        Column("meaning", "Refused because", text=True),
        Column("alone_ha", "Takes by itself"),
        Column("region_share", "Of the region"),
        Column("only_ha", "Only it takes"),
        Column("places", "Places it is first to refuse", decimals=0, unit=""),
    )
    total = {"rule": ALL, "alone_ha": whole.get(ALL, float("nan")), "places": len(candidates.refused)}
    total["region_share"] = total["alone_ha"] / region if region else float("nan")
    note = "Rules overlap: their land adds up to more than all take together. A layer can take part of a place."
    return table(rows, columns, "Land lost by rule, most first", note=note, total=total, file="area_lost.csv")


def _rules(lost: pd.DataFrame) -> pd.DataFrame:
    rules = lost[~lost["rule"].isin([REGION, LAYERS, ALL])]
    return rules.sort_values(["alone_ha", "rule"], ascending=[False, True], kind="stable").reset_index(drop=True)


def _listed(sites: pd.DataFrame) -> tuple[Table, ...]:
    by = ["score"] if "score" in sites else ["tie_cost_musd"]
    ordered = sites.sort_values(by, ascending="score" not in sites, kind="stable") if by[0] in sites else sites
    columns = (
        Column("site", "Site", text=True),
        Column("county", "County", text=True),
        Column("score", "Score", decimals=2),
        Column("area_ha", "Usable land"),
        Column("base_kv", "Voltage"),
        Column("tie_km", "Tie"),
        Column("tie_cost_musd", "Cheapest tie"),
        Column("basin", "Water region", text=True),
    )
    order = "highest score first" if "score" in sites else "cheapest tie first"
    rows = ordered.drop(columns="geometry", errors="ignore").rename_axis("site").reset_index()
    shown = table(rows, columns, f"Candidate sites, {order}", most=_SITES_SHOWN, file="sites.csv")
    return blocks(shown, differences(sites))


def _usable_ha(sites: pd.DataFrame) -> float:
    return float(sites["area_ha"].sum()) if "area_ha" in sites else 0.0
