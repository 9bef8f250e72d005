"""Money of a plan, recomputed: every account in every period, and the cost of a dispatch."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.plan import verify_tariffs
from optimizer.plan.checks_equipment import equipment_by_period, is_account, life_factor, outfit_musd_per_mw
from optimizer.plan.checks_work import accounts_musd, counted_mw, has_racks, once_musd, work_per_mw
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_facilities import embodied_t_per_mw_year
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_service import backup_investment_musd, backup_t_per_year, by_period_musd, service_musd
from optimizer.plan.verify_supply import supply_emissions_t, supply_investment_musd, supply_musd
from optimizer.plan.verify_water import supplies, water_cost_musd, withdrawal_m3_day
from optimizer.study.case import Case
from optimizer.units import HOURS_PER_YEAR, USD_PER_MUSD

ACCOUNTS = (
    *("generation", "sites", "ties", "cooling", "water", "upgrades", "shortfall", "network", "service", "supply"),
    *verify_tariffs.ACCOUNTS,
)
"""Accounts of the cost table."""


def dispatch_cost_usd_per_h(case: Case, output_mw: Floats) -> Floats:
    """Cost of running generators: at p_min, and above it along a convex piecewise linear curve, cheapest piece first.

    Parameters
    ----------
    case : Case
        Its ``cost_segments`` and ``cost_at_min_usd_per_h``.
    output_mw : ndarray, shape (n_generator, m)
        Outputs [MW].

    Returns
    -------
    ndarray, shape (m,)
        Sum over generators [$/h].
    """
    above = output_mw - case.generators["p_min_mw"].to_numpy(float)[:, None]
    total = np.full(output_mw.shape[1], float(case.cost_at_min_usd_per_h.sum()))
    left = above.copy()
    number = case.cost_segments.index.get_level_values("segment")
    last = case.cost_segments.index.get_level_values("generator").value_counts()
    for i in sorted(number.unique()):
        piece = case.cost_segments[number == i]
        names = piece.index.get_level_values("generator")
        at = case.generators.index.get_indexer(names)
        # A curve of one piece is a straight line; of several, each piece gives at most its width.
        single = (last.reindex(names).to_numpy() == 1)[:, None]
        width = piece["width_mw"].to_numpy(float)[:, None]
        used = np.where(single, left[at], np.clip(left[at], 0.0, width))
        left[at] -= used
        total += piece["cost_usd_per_mwh"].to_numpy(float) @ used
    return total


def generation_musd(context: Context, output_mw: Floats) -> dict[int, float]:
    """Present value of a dispatch by period [M$].

    Parameters
    ----------
    context : Context
        The plan.
    output_mw : ndarray, shape (n_generator, n_operating)
        Outputs [MW].
    """
    hourly = dispatch_cost_usd_per_h(context.case, output_mw)
    hours = context.case.snapshots["hours"]
    musd = dict.fromkeys(context.periods, 0.0)
    for (t, h), usd in zip(context.operating, hourly, strict=True):
        musd[t] += context.annuity_years[t] * float(hours[h]) * float(usd) / USD_PER_MUSD
    return musd


def upgrades_musd(context: Context, upgrades: pd.DataFrame) -> dict[int, float]:
    """Present value of upgrades by period [M$]; `upgrades` has ``upgrade`` and ``in_service``."""
    yearly = context.case.upgrades["annuity_musd"].reindex(upgrades["upgrade"]).to_numpy(float)
    start = upgrades["in_service"].to_numpy(float)
    return {t: context.annuity_years[t] * float(yearly[start <= t].sum()) for t in context.periods}


def circuits_musd(context: Context, circuits: pd.DataFrame) -> dict[int, float]:
    """Present value of new circuits by period [M$]; `circuits` has ``circuit``, ``in_service`` and ``count``."""
    yearly = context.case.circuits["annuity_musd"].reindex(circuits["circuit"]).to_numpy(float)
    yearly, start = yearly * circuits["count"].to_numpy(float), circuits["in_service"].to_numpy(float)
    return {t: context.annuity_years[t] * float(yearly[start <= t].sum()) for t in context.periods}


def network_musd(context: Context, whole: dict[int, float]) -> pd.Series:
    """What counts of the cost of upgrades or circuits: the developer's share, or all [M$], index period."""
    return verify_tariffs.network_share(context) * pd.Series(whole, dtype=float)


@remembered
def own_cost_musd(context: Context) -> pd.DataFrame:
    """Present value of each row of ``placed``: columns ``sites``, ``ties``, ``cooling``, ``water`` [M$]."""
    rows = context.placed
    years = rows["period"].map(context.annuity_years).to_numpy(float)
    site = rows["fixed_annuity_musd"] + rows["block_annuity_musd"] * rows["blocks"]
    tie = context.case.ties["annuity_musd"].reindex(rows["tie"]).fillna(0.0)
    return pd.DataFrame(
        {
            "sites": years * site.to_numpy(float),
            "ties": years * tie.to_numpy(float),
            "cooling": years * (rows["annuity_musd_per_mw"] * rows["it_mw"]).to_numpy(float),
            "water": _water_share(context),
        }
    )


def _water_share(context: Context) -> Floats:
    """Share of each row of ``placed`` in the cost of its basin's water, by withdrawal [M$]."""
    rows, own = context.placed, withdrawal_m3_day(context)
    total = pd.Series(own).groupby([rows["basin"], rows["period"]]).transform("sum").to_numpy(float)
    split = supplies(context)
    cost = [
        water_cost_musd(context, split[basin, t].cost_usd_day, t) if (basin, t) in split else 0.0
        for basin, t in zip(rows["basin"], rows["period"], strict=True)
    ]
    return np.divide(own, total, out=np.zeros(len(own)), where=total > 0) * np.array(cost, dtype=float)


def site_cost_musd(context: Context) -> Floats:
    """Present value of each row of ``placed``: site, tie, cooling and share of its basin's water [M$]."""
    return own_cost_musd(context).sum(axis=1).to_numpy(float)


@remembered
def emitted_t(context: Context) -> Floats:
    """Yearly emissions of each row of ``placed``: grid power, supply on site and backup [t CO2e/year]."""
    rows = context.placed
    mwh = rows["it_mw"] * rows["utilization"].astype(float) * HOURS_PER_YEAR
    grid = (mwh * rows["pue_annual"] * rows["emission_t_per_mwh"]).to_numpy(float)
    return grid + supply_emissions_t(context) + backup_t_per_year(context)


@remembered
def carbon_musd(context: Context) -> dict[int, float]:
    """Present value of what emissions cost by period: of operation, and of making buildings and IT [M$]."""
    rows, price = context.placed, context.study.config.economics.carbon_price_usd_per_t / USD_PER_MUSD
    yearly = emitted_t(context) + embodied_t_per_mw_year(context) * rows["it_mw"].to_numpy(float)
    tonnes = pd.Series(yearly).groupby(rows["period"].to_numpy()).sum()
    return {t: price * context.annuity_years[t] * float(tonnes.get(t, 0.0)) for t in context.periods}


@remembered
def costs_musd(context: Context) -> pd.DataFrame:
    """Present value of every account (rows) in every period (columns) [M$]."""
    table = pd.DataFrame(0.0, index=pd.Index(ACCOUNTS, name="account"), columns=context.periods)
    if context.has_grid:
        table.loc["generation"] = pd.Series(generation_musd(context, context.output_mw))
        table.loc["upgrades"] = network_musd(context, upgrades_musd(context, context.table("upgrades")))
    if len(context.case.circuits):
        table.loc["circuits"] = network_musd(context, circuits_musd(context, context.table("circuits")))
    if context.has_demand:
        own = own_cost_musd(context).groupby(context.placed["period"]).sum()
        for account in ("sites", "ties", "cooling"):
            table.loc[account] = own[account].reindex(context.periods).fillna(0.0)
        table.loc["service"] = by_period_musd(context, service_musd(context))
        for (_, t), split in supplies(context).items():
            table.loc["water", t] += water_cost_musd(context, split.cost_usd_day, t)
        if context.case.supply is not None:
            table.loc["supply"] = pd.Series(supply_musd(context))
        if context.study.config.economics.carbon_price_usd_per_t:
            table.loc["carbon"] = pd.Series(carbon_musd(context))
        if is_account(context):
            table.loc["it_equipment"] = pd.Series(equipment_by_period(context, "cost_musd"))
        for account, by_period in accounts_musd(context).items():
            table.loc[account] = by_period
        for account, by_period in verify_tariffs.tariffs_musd(context).items():
            table.loc[account] = pd.Series(by_period)
        if context.case.workloads is not None:
            _add_workloads(context, table)
            return table
        for t, target in context.case.demand_mw.items():
            short = max(0.0, float(target) - counted_mw(context)[int(t)])
            table.loc["shortfall", t] = context.annuity_years[int(t)] * _penalty_musd_per_mw(context, int(t)) * short
    return table


def _penalty_musd_per_mw(context: Context, t: int) -> float:
    """Price of a MW of a period's target for a year, given so or by the work that it does [M$/MW-year]."""
    demand = context.study.config.demand
    if demand is None:
        return 0.0
    if has_racks(context):
        return (demand.penalty_musd_per_unit or 0.0) * work_per_mw(context)[t]
    return demand.penalty_musd_per_mw_year or 0.0


def _add_workloads(context: Context, costs: pd.DataFrame) -> None:
    """Add the network of every pair, and the price of what is not served, to a table of costs."""
    for account, name, column in (
        ("network", "workloads", "cost_musd"),
        ("shortfall", "workload_demand", "penalty_musd"),
    ):
        # Both columns are recomputed row by row by the checks of workloads.
        by_period = context.table(name).groupby("period")[column].sum()
        costs.loc[account] = by_period.reindex(context.periods).fillna(0.0)


@remembered
def investment_musd(context: Context) -> dict[int, float]:
    """One-time cost of all that stands in each period [M$]."""
    rows = context.placed
    site = rows["fixed_cost_musd"] + rows["block_cost_musd"] * rows["blocks"]
    tie = context.case.ties["cost_musd"].reindex(rows["tie"]).fillna(0.0).to_numpy(float)
    own = site.to_numpy(float) + tie + (rows["cost_musd_per_mw"] * rows["it_mw"]).to_numpy(float)
    own = own + backup_investment_musd(context)
    by_period = pd.Series(own).groupby(rows["period"].to_numpy()).sum()
    upgrades = context.table("upgrades")
    once = context.case.upgrades["cost_musd"].reindex(upgrades["upgrade"]).to_numpy(float)
    start = upgrades["in_service"].to_numpy(float)
    new = context.table("circuits")
    whole = context.case.circuits["cost_musd"].reindex(new["circuit"]).to_numpy(float) * new["count"].to_numpy(float)
    begun = new["in_service"].to_numpy(float)
    own_supply, share = supply_investment_musd(context), verify_tariffs.network_share(context)
    return {
        t: own_supply[t]
        + float(by_period.get(t, 0.0))
        + once_musd(context)[t]
        + equipment_by_period(context, "investment_musd")[t]
        + share * float(once[start <= t].sum() + whole[begun <= t].sum())
        for t in context.periods
    }


@remembered
def common_musd(context: Context) -> float:
    """What every plan pays wherever it builds [M$].

    With the target less what programmes can avoid:
    ``sum_t annuity_years[t] target[t] min_s (block cost + fixed cost / max_blocks) / block_mw``, yearly costs, with
    the block's IT where that counts.
    """
    case = context.case
    sites = case.sites[case.sites["max_blocks"] > 0]
    if not len(case.demand_mw) or not len(sites):
        return 0.0
    block = sites["block_annuity_musd"]
    if is_account(context):
        named = sites.rename_axis("site").reset_index()
        outfit = outfit_musd_per_mw(context, named) * [life_factor(context, str(s)) for s in named["site"]]
        block = block + outfit.to_numpy(float) * sites["block_mw"]
    per_block = block + sites["fixed_annuity_musd"] / sites["max_blocks"]
    least = float((per_block / sites["block_mw"]).min())
    demand = context.study.config.demand
    units = sum(one.max_units for one in demand.efficiency) if demand is not None else 0.0
    per_mw = work_per_mw(context) if has_racks(context) else dict.fromkeys(context.periods, 1.0)
    needed = {int(t): max(0.0, float(mw) - units / per_mw[int(t)]) for t, mw in case.demand_mw.items()}
    return least * sum(context.annuity_years[t] * mw for t, mw in needed.items())
