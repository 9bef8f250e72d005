"""Regulation: the table of what rules ask, and that no built site breaks one, from the rules themselves."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pandas as pd

from optimizer.errors import Finding
from optimizer.layers.rule import Rule, effects
from optimizer.plan import tolerances
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import broken, compare_tables
from optimizer.plan.verify_context import CONNECTED_KINDS, Context, remembered
from optimizer.units import USD_PER_MUSD

_ASKED_FIRST = ("study_months", "fee_usd", "security_usd_per_mw")
_ASKED_LATER = (
    "minimum_take_share",
    "curtailment_share",
    "curtailment_hours",
    "pue_max",
    "wue_max_l_per_kwh",
    "renewable_share",
    "data_residency",
)


@remembered
def built_sites(context: Context) -> list[dict[str, Any]]:
    """Each built site that rules bind: largest load, voltage of its tie, cooling, first period and jurisdictions."""
    rows = context.placed.assign(load_mw=context.facility_mw.max(axis=1).to_numpy(float))
    rows = rows[rows["kind"].isin(CONNECTED_KINDS)]
    where = context.study.candidates.sites["jurisdictions"] if context.study.rules.rules else {}
    found = []
    for site, group in rows.groupby("site", sort=True):
        tie = group["tie"].iat[0]
        found.append(
            {
                "site": site,
                "load_mw": float(group["load_mw"].max()),
                "base_kv": float(context.case.ties.at[tie, "base_kv"]) if tie else None,
                "first": int(group["period"].min()),
                "pue": float(group["pue_annual"].iat[0]),
                "wue": float(group["wue_m3_per_mwh"].iat[0]),
                "inside": set(str(where.get(site, "")).split(";")),
            }
        )
    return found


def _counts(rule: Rule, site: dict[str, Any], context: Context) -> bool:
    """Whether a rule is to be heeded at a site: place, status, days, load and voltage."""
    asked = context.study.rules.scenarios
    if not site["inside"] & set(rule.jurisdiction) or (rule.status == "proposed" and rule.id not in asked):
        return False
    if rule.status == "ended" and rule.end is None:
        return False
    first, last = _days(rule, context)
    if rule.effective is not None and rule.effective.first > last:
        return False
    if rule.end is not None and rule.end.last < first:
        return False
    in_range = _inside(site["load_mw"], rule.threshold_mw, rule.above_mw, rule.up_to_mw)
    return in_range and (
        site["base_kv"] is None or _inside(site["base_kv"], rule.threshold_kv, rule.above_kv, rule.up_to_kv)
    )


def _days(rule: Rule, context: Context) -> tuple[date, date]:
    """Days that count: of the decision year, of the periods, or all of both for a rule that asks both or neither."""
    study = context.study.config.study
    before = rule.forbid or rule.eia_required or any(getattr(rule, name) is not None for name in _ASKED_FIRST)
    after = bool(rule.water_forbidden) or any(getattr(rule, name) is not None for name in _ASKED_LATER)
    first = study.decision_year if before or not after else min(study.periods)
    last = max(study.periods) if after or not before else study.decision_year
    return date(first, 1, 1), date(last, 12, 31)


def _inside(value: float, threshold: float | None, above: float | None, up_to: float | None) -> bool:
    return (
        value >= (threshold or 0.0)
        and (above is None or value > above)
        and value <= (math.inf if up_to is None else up_to)
    )


def check_rule_lines(context: Context) -> list[Finding]:
    """Every row of the table of rules."""
    rows = [
        _row(site, rule, _days(rule, context), name, value, unit, text)
        for site in built_sites(context)
        for rule in context.study.rules.rules
        if _counts(rule, site, context)
        for name, value, unit, text in ((e.name, e.value, e.unit, e.text) for e in effects(rule))
    ]
    expected = pd.DataFrame(rows, columns=PLAN_TABLES["rules"].names)
    return compare_tables(context.prefix, "rules", context.table("rules"), expected)


def _row(
    site: dict[str, Any], rule: Rule, days: tuple[date, date], name: str, value: float | None, unit: str, text: str
) -> dict[str, str | float | None]:
    load_mw = site["load_mw"]
    amounts = {
        "security_usd_per_mw": ("security", load_mw / USD_PER_MUSD, "M$"),
        "fee_usd": ("fee", 1 / USD_PER_MUSD, "M$"),
        "minimum_take_share": ("minimum_take", load_mw, "MW"),
        "curtailment_share": ("curtailment", load_mw, "MW"),
    }
    if name in amounts and value is not None:
        name, factor, unit = amounts[name]
        value *= factor
    document = rule.source if rule.section is None else f"{rule.source}, {rule.section}"
    texts = {"asks": text, "document": document, "reservations": "; ".join(rule.reservations(*days))}
    plain = {key: " ".join("".join(c if c.isprintable() else " " for c in t).split()) for key, t in texts.items()}
    return {"site": site["site"], "rule": rule.id, "effect": name, "value": value, "unit": unit, **plain}


def check_rules_kept(context: Context) -> list[Finding]:
    """No site stands where a rule forbids it, before a ban ends, or with cooling that a rule rules out."""
    findings = []
    for site in built_sites(context):
        where = f"{context.prefix}tables/sites.csv site {site['site']}"
        for rule in (r for r in context.study.rules.rules if _counts(r, site, context)):
            if rule.forbid and (rule.end is None or rule.end.last >= date(site["first"], 1, 1)):
                message = f"rule {rule.id} forbids a campus of this size here"
                findings.append(Finding("plan.rule.forbidden", where, message, f"{site['load_mw']:.6g} MW"))
            limits = (("pue", rule.pue_max, "PUE"), ("wue", rule.wue_max_l_per_kwh, "WUE"))
            for key, limit, what in limits:
                if limit is not None and site[key] > limit + tolerances.ROUNDING:
                    message = f"rule {rule.id} allows a yearly {what} of {limit:g} at most"
                    findings.append(broken(f"plan.rule.{key}", where, message, site[key], limit, "-"))
    return findings


CHECKS = (check_rule_lines, check_rules_kept)
