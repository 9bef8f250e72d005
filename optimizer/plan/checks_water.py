"""Water by basin and source: the split in order of price, what the sources can give, and water behind electricity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_water import basin_withdrawal, electricity_m3_per_mwh, supplies, withdrawal_m3_day
from optimizer.units import HOURS_PER_DAY


def _idle(rows: pd.DataFrame) -> np.ndarray:
    return (rows["withdrawal_m3_day"] <= tolerances.WATER_M3_DAY).to_numpy(bool)


def check_basins(context: Context) -> list[Finding]:
    """Withdrawal and limit of every basin."""
    total = basin_withdrawal(context)
    limit = context.case.water.groupby(level="basin")["available_m3_day"].sum()
    rows = [(b, t, total.at[b, t], limit[b]) for b in total.index for t in context.periods]
    expected = pd.DataFrame(rows, columns=["basin", "period", "withdrawal_m3_day", "limit_m3_day"])
    return compare_tables(context.prefix, "water", context.table("water"), expected, may_miss=_idle)


def check_sources(context: Context) -> list[Finding]:
    """What is drawn from every source, the cheapest first, and that it is there."""
    rows = []
    findings = []
    stated = context.table("water_sources")
    drawn = stated.set_index(["basin", "period", "source"])["withdrawal_m3_day"].sort_index()
    for (basin, t), split in supplies(context).items():
        sources = context.case.water.loc[basin]
        expected_drawn = _equal_prices(sources, split.drawn_m3_day, drawn.get((basin, t), pd.Series(dtype=float)))
        for source, given in sources.iterrows():
            figures = (expected_drawn[source], given.available_m3_day, given.price_usd_per_m3)
            rows.append((basin, str(source), t, *figures))
        if split.short_m3_day > tolerances.WATER_M3_DAY:
            available = float(split.drawn_m3_day.sum())
            where = f"{context.prefix}tables/water.csv basin {basin}, period {t}"
            message = f"the sources of the basin give at most {available:.6g} m3/day"
            drawn_in_all = available + split.short_m3_day
            findings.append(broken("plan.water.limit", where, message, drawn_in_all, available, "m3/day"))
    columns = ["basin", "source", "period", "withdrawal_m3_day", "available_m3_day", "price_usd_per_m3"]
    expected = pd.DataFrame(rows, columns=columns)
    return findings + compare_tables(context.prefix, "water_sources", stated, expected, may_miss=_idle)


def _equal_prices(sources: pd.DataFrame, drawn: pd.Series, stated: pd.Series) -> pd.Series:
    """Take over the stated split among sources of one price, if it is a possible one: it costs the same."""
    taken = drawn.copy()
    for _, group in sources.groupby("price_usd_per_m3"):
        own = stated.reindex(group.index).fillna(0.0)
        within = own.between(-tolerances.WATER_M3_DAY, group["available_m3_day"] + tolerances.WATER_M3_DAY).all()
        if len(group) > 1 and within and abs(own.sum() - drawn[group.index].sum()) <= tolerances.WATER_M3_DAY:
            taken[group.index] = own
    return taken


def check_electricity(context: Context) -> list[Finding]:
    """Water behind the electricity of every campus, where the study asks for it."""
    if not context.study.outdoors.reports_electricity:
        return []
    rows, own = context.placed, withdrawal_m3_day(context)
    factor = rows["period"].map(electricity_m3_per_mwh(context)).to_numpy(float)
    mwh_day = (rows["it_mw"] * rows["utilization"] * rows["pue_annual"]).to_numpy(float) * HOURS_PER_DAY
    figures = {"factor_m3_per_mwh": factor, "site_m3_day": own, "indirect_m3_day": mwh_day * factor}
    expected = rows[["site", "period"]].assign(**figures, source_m3_day=own + mwh_day * factor)
    return compare_tables(context.prefix, "electricity_water", context.table("electricity_water"), expected)


CHECKS = (check_basins, check_sources, check_electricity)
