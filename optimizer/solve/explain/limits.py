"""Limits that a planner can change, each with its unit, and a case in which some of them give way.

What is left out here is how things are, not what somebody decided: laws of flow and balance, that a site has one tie,
that what stands stays. Those always hold, and an explanation never names them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.objectives import OBJECTIVES
from optimizer.solve.explain.limit import RATINGS, Limit
from optimizer.solve.explain.parts import PART_LOOSEN, PART_UNITS, counted, raised_in
from optimizer.study.case import Case

DEMAND = "siting.demand_is_met"
SITE = "siting.no_larger_than_the_site"
WORTHWHILE = "siting.no_smaller_than_worthwhile"
TIE = "interconnection.within_firm_capacity"
WATER = "water.drawn_from_the_basin"
COUNTY = "policy.share_of_a_county"
SUBSTATION = "policy.share_of_a_substation"
BUDGET = "policy.budget"
CARBON = "policy.carbon_cap"
PACE = "phasing.construction_pace"
SITE_READY = "phasing.site_not_before_ready"
TIE_READY = "phasing.tie_not_before_ready"
UPGRADE_READY = "phasing.upgrade_not_before_ready"
OUTPUT = "explanation.within_available_output"
LEAST_OUTPUT = "explanation.above_least_output"
NORMAL, EMERGENCY = RATINGS
ANGLE = "explanation.within_angle_difference"
UNSERVED = "explanation.no_load_unserved"
COST = "explanation.costs_no_more"
TOTAL = "totals.within_its_limit"

UNITS: dict[str, str] = {
    LEAST_OUTPUT: "MW",
    OUTPUT: "MW",
    WORTHWHILE: "MW",
    EMERGENCY: "MW",
    NORMAL: "MW",
    ANGLE: "MW",
    UPGRADE_READY: "months",
    TIE: "MW",
    SITE: "MW",
    TIE_READY: "months",
    SITE_READY: "months",
    WATER: "m3/day",
    **PART_UNITS,
    PACE: "MW",
    SUBSTATION: "%",
    COUNTY: "%",
    CARBON: "t/year",
    BUDGET: "M$",
    TOTAL: "",
    DEMAND: "MW",
    UNSERVED: "MW",
    COST: "M$",
}
"""Unit in which each rule gives way (a limit on an objective in that of the objective), in the order in which a
conflict tries to do without: what a planner set is dropped last, so that a conflict names it where it can."""

NETWORK = (EMERGENCY, NORMAL, ANGLE)
"""Rules whose rows are built on demand: without them no flow needs to be looked at."""

MONTHS_PER_YEAR = 12.0

UNLIMITED_MW = 1e6
"""Allowance of a rating that is dropped: more than any grid carries on one branch [MW]."""


def unit_of(limit: Limit) -> str:
    """Unit in which a limit gives way."""
    return UNITS[limit.rule] or OBJECTIVES[limit.element].unit


def wide_case(case: Case, any_angle: bool = True) -> Case:
    """The case with room for larger sites, with any hours of curtailment counted, and, if wanted, any angles.

    Elastic limits are put on it.

    A site has room for all of the demand beyond its own size, so that the rows of its ties are there when it grows.
    """
    case = counted(case)
    branches = case.branches.assign(flow_min_mw=-np.inf, flow_max_mw=np.inf) if any_angle else case.branches
    if not len(case.demand_mw) or not len(case.sites):
        return replace(case, branches=branches)
    return replace(case, branches=branches, sites=case.sites.assign(max_blocks=case.sites["max_blocks"] + room(case)))


def room(case: Case) -> pd.Series:
    """Blocks by which each site could grow to serve the whole demand alone."""
    return np.ceil(float(case.demand_mw.max()) / case.sites["block_mw"]).astype(int)


def loosened(case: Case, amounts: Mapping[Limit, float]) -> Case:
    """The case with limits that give way.

    Parameters
    ----------
    case : Case
        As it is.
    amounts : mapping of Limit to float
        How far each gives way in its unit; infinite for a limit that is dropped. A limit without an element stands for
        all of its rule, period and snapshot.

    Returns
    -------
    Case
        Every other limit as it was.
    """
    for limit, amount in sorted(amounts.items()):
        case = _LOOSEN[limit.rule](case, limit, float(amount))
    return case


def _demand(case: Case, limit: Limit, amount: float) -> Case:
    demand = case.demand_mw.astype(float).copy()
    demand[limit.period] = max(0.0, demand[limit.period] - amount)
    return replace(case, demand_mw=demand)


def _chosen(table: pd.DataFrame, limit: Limit) -> Any:
    return table.index if not limit.element else [limit.element]


def _site(case: Case, limit: Limit, amount: float) -> Case:
    sites = case.sites.copy()
    rows = _chosen(sites, limit)
    blocks = room(case)[rows] if math.isinf(amount) else np.ceil(amount / sites.loc[rows, "block_mw"] - 1e-6)
    sites.loc[rows, "max_blocks"] = (sites.loc[rows, "max_blocks"] + blocks).astype(int)
    return replace(case, sites=sites)


def _worthwhile(case: Case, limit: Limit, amount: float) -> Case:
    sites = case.sites.copy()
    rows = _chosen(sites, limit)
    blocks = np.inf if math.isinf(amount) else np.ceil(amount / sites.loc[rows, "block_mw"] - 1e-6)
    sites.loc[rows, "min_blocks"] = (sites.loc[rows, "min_blocks"] - blocks).clip(lower=0).astype(int)
    return replace(case, sites=sites)


def _ready(table: str, column: str) -> Any:
    def loosen(case: Case, limit: Limit, amount: float) -> Case:
        changed = getattr(case, table).copy()
        rows = _chosen(changed, limit)
        first = int(case.periods.index[0])
        if math.isinf(amount):
            changed.loc[rows, column] = np.minimum(changed.loc[rows, column], first)
        else:
            earlier = changed.loc[rows, column] - math.floor(amount / MONTHS_PER_YEAR + 1e-6)
            changed.loc[rows, column] = earlier.astype(changed[column].dtype)
        return replace(case, **{table: changed})

    return loosen


def _tie(case: Case, limit: Limit, amount: float) -> Case:
    ties = case.ties.astype({"capacity_mw": float}).copy()
    ties.loc[_chosen(ties, limit), "capacity_mw"] += amount
    return replace(case, ties=ties)


def _water(case: Case, limit: Limit, amount: float) -> Case:
    water = case.water.astype({"available_m3_day": float}).copy()
    basins = water.index.get_level_values("basin")
    first = ~basins.duplicated()
    chosen = first & (basins == limit.element) if limit.element else first
    water.loc[chosen, "available_m3_day"] += min(amount, 1e9)
    return replace(case, water=water)


def _policy(case: Case, limit: Limit, amount: float) -> Case:
    limits, t = case.limits, limit.period
    if limit.rule == COUNTY and limits.share_per_county is not None:
        limits = replace(limits, share_per_county=_raised(limits.share_per_county, amount / 100))
    elif limit.rule == SUBSTATION and limits.share_per_substation is not None:
        limits = replace(limits, share_per_substation=_raised(limits.share_per_substation, amount / 100))
    elif limit.rule == PACE and limits.new_it_mw_per_period is not None:
        limits = replace(limits, new_it_mw_per_period=_raised(limits.new_it_mw_per_period, amount))
    elif limit.rule == BUDGET:
        limits = replace(limits, budget_musd=raised_in(limits.budget_musd, t, amount))
    elif limit.rule == TOTAL:
        limits = replace(limits, totals=raised_in(limits.totals, limit.element, amount))
    elif limit.rule == CARBON:
        limits = replace(limits, carbon_t_per_year=raised_in(limits.carbon_t_per_year, t, amount))
    return replace(case, limits=limits)


def _raised(value: float, amount: float) -> float | None:
    return None if math.isinf(amount) else value + amount


def _output(case: Case, limit: Limit, amount: float) -> Case:
    up = limit.rule == OUTPUT
    name = "output_max_mw" if up else "output_min_mw"
    table = getattr(case, name).astype(float).copy()
    amount = min(amount, largest_output_mw(case))
    rows = _chosen(table, limit)
    table.loc[rows, limit.snapshot] += amount if up else -amount
    segments = case.cost_segments.astype({"width_mw": float}).copy()
    last = ~segments.index.get_level_values("generator").duplicated(keep="last")
    mine = segments.index.get_level_values("generator").isin(rows)
    if up:
        segments.loc[last & mine, "width_mw"] += amount
        return replace(case, output_max_mw=table, cost_segments=segments)
    generators = case.generators.astype({"p_min_mw": float}).copy()
    lowest = table.loc[rows].min(axis=1)
    below = (generators.loc[rows, "p_min_mw"] - lowest).clip(lower=0.0)
    generators.loc[rows, "p_min_mw"] -= below
    segments.loc[last & mine, "width_mw"] += amount
    return replace(case, output_min_mw=table, generators=generators, cost_segments=segments)


def _unserved(case: Case, limit: Limit, amount: float) -> Case:
    load = case.load_mw.astype(float).copy()
    rows = _chosen(load, limit)
    here = load.loc[rows]
    load.loc[rows] = here.where(here <= 0.0, (here - amount).clip(lower=0.0))
    return replace(case, load_mw=load)


def relief_at(bus: str) -> str:
    """Name of the generator that gives what is left unserved at a bus: none of the grid's own can have it."""
    return f"\0unserved at {bus}"


def largest_output_mw(case: Case) -> float:
    """More than any generator could ever be asked for [MW]."""
    return 10.0 * (1.0 + float(case.load_mw.abs().sum().max()) + float(case.demand_mw.sum()))


def _rating(case: Case, limit: Limit, amount: float) -> Case:
    if not limit.element:
        column = "rating_mw" if limit.rule == NORMAL else "rating_emergency_mw"
        branches = case.branches.astype({column: float}).copy()
        branches[column] = np.inf
        return replace(case, branches=branches)
    amount = min(amount, UNLIMITED_MW)
    key = {"branch": limit.element, "contingency": limit.outage, "snapshot": limit.snapshot}
    old = case.base_overloads
    same = (old[list(key)] == pd.Series(key)).all(axis=1) if len(old) else pd.Series(dtype=bool)
    before = float(old.loc[same, "overload_mw"].sum()) if len(old) else 0.0
    row = pd.DataFrame([{**key, "overload_mw": before + amount}])
    kept = old[~same] if len(old) else old
    return replace(case, base_overloads=pd.concat([kept, row], ignore_index=True) if len(kept) else row)


def _angle(case: Case, limit: Limit, amount: float) -> Case:
    branches = case.branches.copy()
    rows = _chosen(branches, limit)
    branches.loc[rows, "flow_min_mw"] -= amount
    branches.loc[rows, "flow_max_mw"] += amount
    return replace(case, branches=branches)


_LOOSEN: dict[str, Any] = {
    DEMAND: _demand,
    SITE: _site,
    WORTHWHILE: _worthwhile,
    TIE: _tie,
    WATER: _water,
    COUNTY: _policy,
    SUBSTATION: _policy,
    BUDGET: _policy,
    CARBON: _policy,
    PACE: _policy,
    TOTAL: _policy,
    SITE_READY: _ready("sites", "earliest"),
    TIE_READY: _ready("ties", "ready"),
    UPGRADE_READY: _ready("upgrades", "ready"),
    OUTPUT: _output,
    LEAST_OUTPUT: _output,
    UNSERVED: _unserved,
    NORMAL: _rating,
    EMERGENCY: _rating,
    ANGLE: _angle,
    **PART_LOOSEN,
    # What a plan may cost is asked of it, no part of the case.
    COST: lambda case, limit, amount: case,
}
