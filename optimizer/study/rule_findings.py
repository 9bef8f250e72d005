"""What a study should know of its rules: which are not well proven, and which may hold without being applied."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import shapely

from optimizer.errors import Finding, nearest
from optimizer.layers import regulation
from optimizer.layers.jurisdictions import Jurisdictions, Place, split_names
from optimizer.layers.places import WGS84
from optimizer.layers.regulation import Question, RuleBook, Verdict, judge
from optimizer.layers.rule import Rule
from optimizer.study.rules import Spans, span_of

if TYPE_CHECKING:
    from optimizer.study.study import Study

_NAMED = 5


def rule_findings(study: Study) -> list[Finding]:
    """Findings about the rules that touch a study's region or sites.

    Parameters
    ----------
    study : Study
        The study, everything read.

    Returns
    -------
    list of Finding
        A warning for each rule that is used and not well proven, and for each jurisdiction of a site that is not known;
        one note about rules that may hold, because a place is not known closely enough.
    """
    book = study.rules
    if not book.rules or study.config.demand is None:
        return []
    findings = list(_unknown(study))
    held: dict[str, Rule] = {}
    possible: dict[str, Verdict] = {}
    spans, least = Spans.of(study.config), study.config.facility.min_campus_mw or 0.0
    spanned = [(rule, *span_of(rule, spans)) for rule in book.rules]
    for inside in sorted(_kinds_of_place(study)):
        names = frozenset(split_names(inside))
        place = Place(names, has_point=True)
        for rule, first, last in spanned:
            asked = Question(place, least, math.inf, first, last, study.config.sites.min_base_kv)
            verdict = judge(rule, asked, book.jurisdictions, book.scenarios)
            if verdict.outcome == "does_not_apply":
                continue
            if names.isdisjoint(rule.jurisdiction):
                possible.setdefault(rule.id, verdict)
            else:
                held[rule.id] = rule
    for rule, first, last in (one for one in spanned if one[0].id in held):
        doubts = rule.reservations(first, last)
        findings += [_unproven(rule, book, doubts)] if doubts else []
    return findings + _possible([v for name, v in possible.items() if name not in held])


def _kinds_of_place(study: Study) -> set[str]:
    """Every different set of jurisdictions that places of the study lie in."""
    known, options = study.rules.jurisdictions, regulation.Options(study.config.rules.jurisdictions)
    found: set[str] = set()
    if study.region is not None:
        counties = study.region.counties.reset_index()
        found |= set(regulation.attach(counties, known, options)["jurisdictions"])
        found |= {";".join(sorted(known.closure([code]))) for code in _areas_of(counties, known)}
    if study.own is not None:
        sites = study.own.sites.assign(fips="")
        found |= set(regulation.attach(sites, known, options)["jurisdictions"])
    return found


def _areas_of(counties: gpd.GeoDataFrame, known: Jurisdictions) -> list[str]:
    """Jurisdictions whose area meets a region."""
    codes = sorted(known.areas)
    tree = shapely.STRtree(counties.geometry.to_crs(WGS84).values)
    return [code for code in codes if len(tree.query(known.areas[code], predicate="intersects"))]


def _unproven(rule: Rule, book: RuleBook, doubts: tuple[str, ...]) -> Finding:
    where = f"{book.files.get(rule.id, 'rules')}: {rule.id}"
    text = "the rule is applied, and is not certain"
    remedy = "read its source, and give the rule with what you found in a file of [rules] sources"
    return Finding("study.rules.unproven", where, text, "; ".join(doubts), remedy, "warning")


def _possible(verdicts: list[Verdict]) -> list[Finding]:
    if not verdicts:
        return []
    named = ", ".join(v.rule.id for v in verdicts[:_NAMED])
    more = f" and {len(verdicts) - _NAMED} more" if len(verdicts) > _NAMED else ""
    text = "rules that may hold at some sites are not applied: it is not known who operates or governs there"
    remedy = "name the operator, utility or city in [rules] jurisdictions or with the site, or give its area"
    return [Finding("study.rules.possible", "rules", text, f"{named}{more}", remedy, "info")]


def _unknown(study: Study) -> Iterator[Finding]:
    """Names of jurisdictions, given with the user's sites, that no rule knows."""
    if study.own is None:
        return
    known = study.rules.jurisdictions
    said: pd.Series = study.own.sites["jurisdiction"]
    for site, text in said.items():
        for name in split_names(text):
            codes = known.named(name)
            if not codes:
                message, remedy = "no rules are known for the jurisdiction", nearest(name, known.by_id)
                where = f"sites, site {site}, jurisdiction"
                yield Finding("study.rules.unknown_jurisdiction", where, message, repr(name), remedy, "warning")
