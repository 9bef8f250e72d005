"""IT equipment: what the IT of each built site costs, from the kind of the site and the study's own keys."""

from __future__ import annotations

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.checks_halls import fact
from optimizer.plan.verify_compare import compare_tables, finding
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_facilities import fact_at
from optimizer.study.economics import capital_recovery


def is_account(context: Context) -> bool:
    """Whether the study asks that the cost of IT counts."""
    return context.has_demand and bool(context.study.config.facility.it_cost_counts)


def outfit_musd_per_mw(context: Context, rows: pd.DataFrame) -> pd.Series:
    """One outfit of IT of each row, by its site and the kind of it; a cloud has its own in the rent [M$/MW]."""
    places = zip(rows["site"].astype(str), rows["kind"].astype(str), strict=True)
    costs = [fact_at(context, s, kind, "it_cost_musd_per_mw") or 0.0 for s, kind in places]
    return pd.Series(costs, index=rows.index, dtype=float)


def life_factor(context: Context, site: str) -> float:
    """Yearly amount per M$ of an outfit, over its own life where the study or the archetype gives one [1/year]."""
    config, life = context.study.config, fact(context, site, "refresh_years")
    if life is None or not config.economics.annuitize:
        return float(context.study.yearly_factor)
    return capital_recovery(config.economics.discount_rate, life)


@remembered
def equipment_expected(context: Context) -> pd.DataFrame:
    """Table ``equipment`` from the sites that are built."""
    rows = context.placed[["site", "kind", "period", "it_mw"]].reset_index(drop=True)
    each = outfit_musd_per_mw(context, rows)
    factor = rows["site"].map(lambda s: life_factor(context, str(s))).astype(float)
    once = each * rows["it_mw"]
    years = rows["period"].map(context.annuity_years).astype(float)
    return rows[["site", "period", "it_mw"]].assign(
        it_cost_musd_per_mw=each, investment_musd=once, cost_musd=years * factor * once
    )


def equipment_by_period(context: Context, column: str) -> dict[int, float]:
    """Sum of a column of `equipment_expected` by period, 0 where equipment is no account [M$]."""
    if not is_account(context):
        return dict.fromkeys(context.periods, 0.0)
    sums = equipment_expected(context).groupby("period")[column].sum()
    return {t: float(sums.get(t, 0.0)) for t in context.periods}


def check_equipment(context: Context) -> list[Finding]:
    """The table states what the IT of every built site costs, and is there where it counts."""
    rows, where = context.table("equipment"), f"{context.prefix}tables/equipment.csv"
    if not is_account(context):
        return [finding(where, f"{len(rows)} rows", "no such table")] if len(rows) else []
    expected = equipment_expected(context)
    if "equipment" not in context.tables and len(expected):
        return [finding(where, "no table", "a table of this study")]
    return compare_tables(context.prefix, "equipment", rows, expected)


CHECKS = (check_equipment,)
"""Checks of a study with demand."""
