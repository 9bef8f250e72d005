"""Candidates, and land refused by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from optimizer.report.page import Column, Section, Table, Text, blocks, table
from optimizer.report.text import count, quantity, rule_words
from optimizer.report.view import View
from optimizer.study.offers import RULES

if TYPE_CHECKING:
    pass

_HA_PER_KM2 = 100.0


def candidates(view: View) -> Section | None:
    """Return how many candidates there were, and how much land each rule refused."""
    offered = view.table("candidates")
    if offered.empty:
        return None
    refused = view.table("refused")
    land = quantity(offered["area_ha"].sum() / _HA_PER_KM2, "area_km2")
    text = f"{count(len(offered), 'candidate site')} with {land} of land; {len(view.sites):,} were chosen."
    if len(refused):
        text += f" {count(len(refused), 'place')} were refused, each by the first rule it fails."
    return Section(
        "candidates",
        "Candidates and refusals",
        blocks(Text(text), refusals(view.refused_area_km2()), differences(offered)),
    )


def refusals(by_rule: pd.DataFrame) -> Table | None:
    """Return the table of refused land by rule.

    Parameters
    ----------
    by_rule : DataFrame
        Columns ``rule``, ``places`` and, where areas are known, ``area_km2``.
    """
    if by_rule.empty:
        return None
    rows = by_rule.assign(
        rule=by_rule["rule"].map(rule_words),
        meaning=[RULES.get(rule.partition(":")[0], ("", ""))[0].partition(";")[0] for rule in by_rule["rule"]],
        places_share=by_rule["places"] / by_rule["places"].sum(),
    )
    columns = (
        Column("rule", "Rule", text=True),
        Column("meaning", "Refused because", text=True),
        Column("places", "Places", decimals=0, unit=""),
        Column("places_share", "Share"),
        Column("area_km2", "Area"),
    )
    total = {"rule": "All rules", "places": rows["places"].sum(), "places_share": 1.0}
    if "area_km2" in rows:
        total["area_km2"] = rows["area_km2"].sum()
    return table(rows, columns, "Refused land, by the first rule that refuses it", total=total)


def differences(offered: pd.DataFrame) -> Table | None:
    """Return how much the candidate sites differ in land, distance and cost."""
    spread = {
        "area_ha": "Land",
        "tie_km": "Distance to the nearest point of interconnection",
        "tie_cost_musd": "Cost of the tie to it",
        "fixed_cost_musd": "Cost of a campus without its blocks",
        "block_cost_musd": "Cost of a block",
    }
    rows = [
        (label, *(quantity(offered[column].quantile(q), column) for q in (0.0, 0.1, 0.5, 0.9, 1.0)))
        for column, label in spread.items()
        if column in offered and offered[column].notna().any()
    ]
    if not rows:
        return None
    heads = ("least", "10 % below", "median", "10 % above", "most")
    columns = (Column("what", "Candidate sites", text=True), *(Column(h, h) for h in heads))
    columns = tuple(Column(c.key, c.label, text=c.text, unit="") for c in columns)
    return Table("What the candidates differ in", columns, tuple(rows))
