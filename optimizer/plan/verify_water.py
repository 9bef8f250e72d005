"""Water of a plan, recomputed: what each campus withdraws, and which sources of its basin that draws on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_supply import supply_m3_day
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD


@remembered
def withdrawal_m3_day(context: Context) -> Floats:
    """Water of each row of ``placed``: of its cooling, and of its supply [m3/day]."""
    return cooling_m3_day(context) + supply_m3_day(context)


@remembered
def cooling_m3_day(context: Context) -> Floats:
    """Water of the cooling of each row of ``placed``: IT load x utilization x 24 h x WUE [m3/day]."""
    rows = context.placed
    mwh_day = rows["it_mw"].to_numpy(float) * rows["utilization"].to_numpy(float) * HOURS_PER_DAY
    return mwh_day * rows["wue_m3_per_mwh"].to_numpy(float)


@dataclass(frozen=True)
class Supply:
    """What a basin's sources give for a withdrawal, the cheapest first.

    Parameters
    ----------
    drawn_m3_day : Series
        By source [m3/day].
    cost_usd_day : float
        Price of it [$/day].
    short_m3_day : float
        What no source can give [m3/day].
    """

    drawn_m3_day: pd.Series
    cost_usd_day: float
    short_m3_day: float


def supply(sources: pd.DataFrame, withdrawal: float) -> Supply:
    """Split a withdrawal over sources in order of price, which costs least.

    Parameters
    ----------
    sources : DataFrame, index ``source``
        ``available_m3_day`` [m3/day] and ``price_usd_per_m3`` [$/m3].
    withdrawal : float
        What is withdrawn [m3/day].
    """
    ordered = sources.sort_values("price_usd_per_m3", kind="stable")
    available = ordered["available_m3_day"].to_numpy(float)
    before = np.concatenate([[0.0], np.cumsum(available)[:-1]])
    drawn = np.clip(withdrawal - before, 0.0, available)
    cost = float(drawn @ ordered["price_usd_per_m3"].to_numpy(float))
    return Supply(pd.Series(drawn, index=ordered.index), cost, float(withdrawal - drawn.sum()))


@remembered
def basin_withdrawal(context: Context) -> pd.DataFrame:
    """Water withdrawn by basin (rows) and period (columns), basins with known sources only [m3/day]."""
    rows = context.placed.assign(water=withdrawal_m3_day(context))
    basins = context.case.water.index.unique("basin") if len(context.case.water) else pd.Index([], dtype=object)
    total = rows.pivot_table(index="basin", columns="period", values="water", aggfunc="sum")
    return total.reindex(index=basins, columns=context.periods).fillna(0.0)


@remembered
def supplies(context: Context) -> dict[tuple[str, int], Supply]:
    """Split of every basin's withdrawal in every period, by (basin, period)."""
    total = basin_withdrawal(context)
    return {
        (str(basin), t): supply(context.case.water.loc[basin], float(total.at[basin, t]))
        for basin in total.index
        for t in context.periods
    }


def electricity_m3_per_mwh(context: Context) -> dict[int, float]:
    """Water behind a MWh of electricity by period: the study's number, else the mean over the plan's own outputs."""
    outdoors = context.study.outdoors
    if outdoors.electricity_m3_per_mwh is not None:
        return dict.fromkeys(context.periods, outdoors.electricity_m3_per_mwh)
    factor = [outdoors.carrier_m3_per_mwh.get(c, np.nan) for c in context.case.generators["carrier"]]
    known = np.isfinite(factor)
    hours = np.array([float(context.case.snapshots.at[h, "hours"]) for _, h in context.operating])
    mwh = context.output_mw[known] * hours
    found = {}
    for t in context.periods:
        now = mwh[:, [period == t for period, _ in context.operating]]
        found[t] = float(np.array(factor)[known] @ now.sum(axis=1) / now.sum()) if now.sum() > 0 else np.nan
    return found


def water_cost_musd(context: Context, cost_usd_day: float, period: int) -> float:
    """Present value of a daily cost through a period [M$]."""
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    return context.annuity_years[period] * days * cost_usd_day / USD_PER_MUSD
