"""What binds, and what it is worth: prices from the linear program with all whole decisions fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.formulation.dispatch import buses_of_islands
from optimizer.solve.program import SecureProgram
from optimizer.study.case import Case
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

AT_BOUND_MW = 1e-3
"""A flow this close to its limit is at it [MW]."""

NO_PRICE = 1e-6
"""Prices below this are solver noise [$/unit]."""

COLUMNS = [
    "limit",
    "element",
    "contingency",
    "period",
    "snapshot",
    "value",
    "bound",
    "unit",
    "price_usd_per_unit",
]


@dataclass(frozen=True)
class Side:
    """A bound of a column that moves with a limit.

    Parameters
    ----------
    variable : Var
        The column.
    is_upper : bool
        Which of its bounds.
    factor : float
        Change of the bound per unit of the limit.
    """

    variable: Any
    is_upper: bool
    factor: float = 1.0


def energy_prices(program: SecureProgram) -> pd.DataFrame:
    """Price at the reference bus of the largest island in every period and snapshot, from the last LP."""
    case, model = program.case, program.model
    load = case.load_mw.sum(axis=1)
    islands = buses_of_islands(case)
    main = max(islands, key=lambda i: (float(load.loc[islands[i]].sum()), len(islands[i])))
    rows = []
    for t in case.periods.index:
        for h in case.snapshots.index:
            dual = program.highs.dual(model.dispatch.supply_meets_demand[main, t, h])
            rows.append({"period": t, "snapshot": h, "price_usd_per_mwh": dual / musd_per_usd_per_h(case, t, h)})
    return pd.DataFrame(rows)


def binding_limits(program: SecureProgram) -> pd.DataFrame:
    """Limits of branches and water sources at their bound in the last LP, with the cost saved per unit of more."""
    rows = [*_branch_rows(program), *_angle_rows(program), *_water_rows(program)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["price_usd_per_unit"] = table["price_usd_per_unit"].where(table["price_usd_per_unit"].abs() > NO_PRICE, 0.0)
    return table


def musd_per_usd_per_h(case: Case, t: int, h: str) -> float:
    """Present value of one dollar an hour through a snapshot of a period [M$]."""
    return float(case.periods.at[t, "annuity_years"] * case.snapshots.at[h, "hours"]) / USD_PER_MUSD


def musd_per_usd_per_year(case: Case, t: int) -> float:
    """Present value of one dollar a year in a period [M$]."""
    return float(case.periods.at[t, "annuity_years"]) / USD_PER_MUSD


def hourly_dollar_musd(case: Case) -> dict[tuple[int, str], float]:
    """Present value of one dollar an hour by period and snapshot [M$]."""
    return {(t, h): musd_per_usd_per_h(case, t, h) for t in case.periods.index for h in case.snapshots.index}


def _branch_rows(program: SecureProgram) -> list[dict[str, Any]]:
    units = hourly_dollar_musd(program.case)
    found: list[dict[str, Any]] = []
    for (branch, outage, t, h, side), row in program.limit_rows():
        price = -program.highs.dual(row) / units[t, h]
        slack = float(row.uslack())
        if slack > AT_BOUND_MW and price <= NO_PRICE:
            continue
        flow = program.flow_mw(branch, outage, t, h)
        found.append(
            {
                "limit": "emergency rating" if outage else "normal rating",
                "element": branch,
                "contingency": outage,
                "period": t,
                "snapshot": h,
                "value": flow,
                "bound": side * (abs(flow) + slack),
                "unit": "MW",
                "price_usd_per_unit": price,
            }
        )
    return found


def _angle_rows(program: SecureProgram) -> list[dict[str, Any]]:
    case = program.case
    found: list[dict[str, Any]] = []
    if program.model.component("power_flow") is None:
        return found
    for (branch, t, h), flow in program.model.power_flow.flow_mw.items():
        for bound in (flow.lb, flow.ub):
            if bound is not None and abs(flow.value - bound) <= AT_BOUND_MW:
                price = abs(program.highs.reduced_cost(flow)) / musd_per_usd_per_h(case, t, h)
                values = ("angle difference", branch, "", t, h, flow.value, bound, "MW", price)
                found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def _water_rows(program: SecureProgram) -> list[dict[str, Any]]:
    case = program.case
    found: list[dict[str, Any]] = []
    if not len(case.demand_mw):
        return found
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    for (basin, source, t), drawn in program.model.water.drawn_m3_day.items():
        if not program.highs.has(drawn) or drawn.value is None or drawn.ub - drawn.value > AT_BOUND_MW or not drawn.ub:
            continue
        yearly = days * musd_per_usd_per_year(case, t)
        price = max(0.0, -program.highs.reduced_cost(drawn)) / yearly
        values = ("water available", f"{basin}|{source}", "", t, "", drawn.value, drawn.ub, "m3/day", price)
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def limits_at_bound(case: Case, sites: pd.DataFrame) -> pd.DataFrame:
    """Portfolio limits that are reached; they act on whole blocks, so they have no price."""
    found: list[dict[str, Any]] = []
    share = case.limits.share_per_county
    if share is not None and len(sites):
        block = float(case.sites["block_mw"].min())
        for (county, t), it_mw in sites.groupby(["county", "period"])["serving_mw"].sum().items():
            bound = share * float(case.demand_mw[t])
            if county and it_mw + block > bound + 1e-9:
                values = ("county share", county, "", t, "", it_mw, bound, "MW", np.nan)
                found.append(dict(zip(COLUMNS, values, strict=True)))
    return pd.DataFrame(found, columns=COLUMNS)
