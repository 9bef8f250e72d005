"""Dispatch and flows: limits of generators, balance, the susceptance system, normal ratings, upgrades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.columns import DECIMALS
from optimizer.plan.verify_compare import broken, capped, cell, compare_column, compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Floats


def check_outputs(context: Context) -> list[Finding]:
    """Every output of every dispatch is within what the generator can give in the snapshot."""
    findings = []
    for name in ("dispatch", "baseline_dispatch", "overload_dispatch"):
        table = context.table(name)
        at = context.case.generators.index.get_indexer(table["generator"])
        low, high = (
            limit[context.snapshots].to_numpy(float)[at, [context.snapshots.index(h) for h in table["snapshot"]]]
            for limit in (context.case.output_min_mw, context.case.output_max_mw)
        )
        stated = table["output_mw"].to_numpy(float)
        outside = (stated < low - tolerances.POWER_MW) | (stated > high + tolerances.POWER_MW)
        nearest = np.clip(stated, low, high)
        why = "the limit of the generator in the snapshot"
        findings += compare_column(context.prefix, name, table, "output_mw", nearest, outside, why)
    return findings


def check_balance(context: Context) -> list[Finding]:
    """In every island, period and snapshot, outputs add up to the load, old and new."""
    demand = context.load_mw + context.withdrawal_mw
    findings = balance(context, "dispatch", context.output_mw, demand, context.operating)
    if context.has_demand:
        baseline = context.outputs("baseline_dispatch", context.operating)
        findings += balance(context, "baseline_dispatch", baseline, context.load_mw, context.operating)
    if len(context.table("overload_dispatch")):
        first = [(context.periods[0], h) for h in context.snapshots]
        load = context.case.load_mw[first].to_numpy(float)
        columns = [("", h) for h in context.snapshots]
        findings += balance(context, "overload_dispatch", overload_output_mw(context), load, columns)
    return findings


def overload_output_mw(context: Context) -> Floats:
    """Outputs of the dispatch that defines the base overloads, shape (n_generator, n_snapshot) [MW]."""
    return context.outputs("overload_dispatch", context.snapshots)


def balance(
    context: Context, name: str, output: Floats, demand: Floats, columns: list[tuple[Any, str]]
) -> list[Finding]:
    """Outputs of a dispatch add up to the load in every island.

    Parameters
    ----------
    context : Context
        The plan, whose network has the islands.
    name : str
        Table that findings are about.
    output, demand : ndarray, shape (n_generator, m) and (n_bus, m)
        Outputs and loads [MW].
    columns : list of (period, snapshot)
        What the columns are; a period of "" is none.
    """
    found = []
    net = context.at_buses(output) - demand
    for number, buses in enumerate(context.islands):
        for column in np.flatnonzero(np.abs(net[buses].sum(axis=0)) > tolerances.POWER_MW):
            t, h = columns[column]
            when = f"period {t}, snapshot {h}" if t != "" else f"snapshot {h}"
            part = f", island {number + 1} of {len(context.islands)}" if len(context.islands) > 1 else ""
            where = f"{context.prefix}tables/{name}.csv column output_mw, {when}{part}"
            need = float(demand[buses, column].sum())
            total = need + float(net[buses, column].sum())
            message = f"outputs must add up to the load, {need:.6f} MW"
            found.append(broken("plan.balance", where, message, total, need, "MW"))
    return capped(found, f"{context.prefix}tables/{name}.csv column output_mw")


def check_bus_balance(context: Context) -> list[Finding]:
    """Where outputs do not add up: the buses at which they disagree with the stated flows, hence the rows."""
    net = np.array([context.injection_mw[buses].sum(axis=0) for buses in context.islands])
    stated = context.table("flows").set_index(["branch", "period", "snapshot"])["flow_mw"]
    table = context.table("dispatch")
    findings: list[Finding] = []
    for column in np.flatnonzero((np.abs(net) > tolerances.POWER_MW).any(axis=0)):
        t, h = context.operating[column]
        index = pd.MultiIndex.from_product([context.case.branches.index, [t], [h]])
        flow = stated.reindex(index).to_numpy(float)
        leaving = context.wires.incidence().T @ np.nan_to_num(flow)
        apart = leaving - context.injection_mw[:, column]
        for bus in np.flatnonzero(np.abs(apart) > 10 * tolerances.POWER_MW):
            here = context.case.generators.index[context.case.generators["bus"] == context.case.buses.index[bus]]
            rows = table["generator"].isin(here) & (table["period"] == t) & (table["snapshot"] == h)
            for row in np.flatnonzero(rows):
                where = cell(context.prefix, "dispatch", int(row), table, "output_mw")
                name = context.case.buses.index[bus]
                message = f"the flows leaving bus {name} call for {apart[bus]:+.6f} MW more from its generators"
                findings.append(Finding("plan.balance.bus", where, message, f"{table['output_mw'].iat[row]:.6f} MW"))
    return capped(findings, f"{context.prefix}tables/dispatch.csv column output_mw")


def check_flows(context: Context) -> list[Finding]:
    """Every flow, limit and loading, by solving the susceptance system."""
    branches, operating = context.case.branches.index, context.operating
    flow = context.flow_mw
    # By the sign of what is written: the sign of a flow of nothing is rounding noise.
    angle = np.where(flow.round(DECIMALS) > 0, *(side[:, None] for side in _angle_limits(context)))
    limit = np.minimum(context.normal_limit_mw, angle)
    stated = context.table("flows")
    expected = pd.DataFrame(
        {
            "branch": np.repeat(branches.to_numpy(), len(operating)),
            "period": [t for t, _ in operating] * len(branches),
            "snapshot": [h for _, h in operating] * len(branches),
            "flow_mw": flow.ravel(),
            "limit_mw": limit.ravel(),
        }
    )
    findings = compare_tables(context.prefix, "flows", stated, expected)
    merged = stated.merge(expected, on=["branch", "period", "snapshot"], how="left", suffixes=("_stated", ""))
    findings += compare_loading(context, "flows", stated, merged)
    return findings


def _angle_limits(context: Context) -> tuple[Floats, Floats]:
    """Largest flow that angle limits allow from start to end, and from end to start [MW]."""
    branches = context.case.branches
    return branches["flow_max_mw"].to_numpy(float), -branches["flow_min_mw"].to_numpy(float)


def compare_loading(context: Context, name: str, stated: pd.DataFrame, recomputed: pd.DataFrame) -> list[Finding]:
    """Compare a table's loading with recomputed flow over limit, in the table's row order; empty when unlimited."""
    limit, flow = recomputed["limit_mw"].to_numpy(float), np.abs(recomputed["flow_mw"].to_numpy(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        loading = np.where(limit > 0, flow / limit, 0.0)
        close = tolerances.LOADING + tolerances.POWER_MW / limit * np.maximum(1.0, loading)
    loading[~np.isfinite(limit)] = np.nan
    given = stated["loading"].to_numpy(float)
    bad = ~(np.abs(given - loading) <= close) & ~(np.isnan(given) & np.isnan(loading))
    return compare_column(context.prefix, name, stated, "loading", loading, bad, "flow over limit")


def check_normal_limits(context: Context) -> list[Finding]:
    """No branch carries more than its normal limit, nor more than its angle limits let it."""
    return normal_violations(context, "flows", context.flow_mw, context.normal_limit_mw)


def normal_violations(context: Context, name: str, flow: Floats, limit: Floats) -> list[Finding]:
    """Flows above their limit.

    Parameters
    ----------
    context : Context
        The plan.
    name : str
        Table that the finding is about.
    flow, limit : ndarray, shape (n_branch, n_operating)
        Flow and normal limit [MW].
    """
    forward, backward = (side[:, None] for side in _angle_limits(context))
    high, low = np.minimum(forward, limit), -np.minimum(backward, limit)
    found = []
    for i, column in np.argwhere((flow > high + tolerances.POWER_MW) | (flow < low - tolerances.POWER_MW)):
        t, h = context.operating[column]
        bound = float(high[i, column] if flow[i, column] > 0 else low[i, column])
        where = f"{context.prefix}tables/{name}.csv branch {context.case.branches.index[i]}, period {t}, snapshot {h}"
        message = f"the flow is above its limit, {bound:.6g} MW"
        found.append(broken("plan.limit.normal", where, message, float(flow[i, column]), bound, "MW"))
    return capped(found, f"{context.prefix}tables/{name}.csv")


def check_upgrades(context: Context) -> list[Finding]:
    """Every column of the upgrades table, lead times, and one upgrade a branch."""
    case, stated = context.case, context.table("upgrades")
    chosen = case.upgrades.loc[stated["upgrade"]].rename_axis("upgrade").reset_index()
    ends = case.branches.loc[chosen["branch"], ["from_bus", "to_bus", "length_km"]].reset_index(drop=True)
    columns = ["upgrade", "branch", "added_mw", "cost_musd", "added_emergency_mw", "annuity_musd"]
    findings = compare_tables(context.prefix, "upgrades", stated, pd.concat([chosen[[*columns, "kind"]], ends], axis=1))
    for name in ("upgrades", "baseline_upgrades"):
        table = context.table(name)
        rows = case.upgrades.loc[table["upgrade"]]
        start = table["in_service"].to_numpy(float)
        early = (start < rows["ready"].to_numpy(float)) | ~np.isin(start, context.periods)
        why = "a period of the study in which it can be ready"
        nearest = [_nearest(context.periods, *pair) for pair in zip(start, rows["ready"], strict=True)]
        findings += compare_column(context.prefix, name, table, "in_service", nearest, early, why)
        for row in np.flatnonzero(rows["branch"].duplicated().to_numpy()):
            where = cell(context.prefix, name, int(row), table, "upgrade")
            message = "another upgrade of the same branch is in the plan"
            findings.append(Finding("plan.upgrade.one_a_branch", where, message, str(rows["branch"].iat[row])))
    return findings


def check_terminal_work(context: Context) -> list[Finding]:
    """What terminal work adds and costs, worked out from the study's key and the region's table of positions."""
    table, settings = context.table("upgrades"), context.study.config.upgrades.terminal
    table = table[table["kind"] == "terminal"]
    if table.empty:
        return []
    if settings is None:
        message = "the study offers no terminal work"
        return [Finding("plan.upgrade.kind", f"{context.prefix}tables/upgrades.csv", message, table["upgrade"].iat[0])]
    branches = context.case.branches.loc[table["branch"]]
    added = settings.added_share * branches["rating_mw"].to_numpy(float)
    cost = context.study.config.conditions.upgrade_cost_factor * _terminal_musd(context, settings.cost_musd, branches)
    findings = []
    for column, expected in (("added_mw", added), ("cost_musd", cost)):
        bad = np.abs(table[column].to_numpy(float) - expected) > 1e-6 * np.maximum(1.0, expected)
        findings += compare_column(context.prefix, "upgrades", table, column, expected, bad, "as the study offers it")
    return findings


def _terminal_musd(context: Context, given: float | None, branches: pd.DataFrame) -> np.ndarray:
    """Cost of both ends [M$]: given, or of a position at each, of the lowest class that is not below its voltage."""
    if given is not None or context.study.region is None:
        return np.full(len(branches), np.nan if given is None else given)
    price = context.study.region.facts["substation_costs"].set_index("base_kv").sort_index()
    total = np.zeros(len(branches))
    for end in ("from_bus", "to_bus"):
        kv = context.case.buses.loc[branches[end], "base_kv"]
        classes = [min((c for c in price.index if c >= v), default=price.index.max()) for v in kv]
        total += price.loc[classes, "add_1_position_breaker_and_a_half_musd"].to_numpy(float)
    return total


def _nearest(periods: list[int], start: float, ready: float) -> int | None:
    return min((t for t in periods if t >= ready), key=lambda t: abs(t - start), default=None)


def check_upgrade_start(context: Context) -> list[Finding]:
    """The first period of an upgrade is the one from which the stated limits of its branch hold it."""
    table = context.table("upgrades")
    flows = context.table("flows")
    first = flows[flows["snapshot"] == context.snapshots[0]].pivot(index="branch", columns="period", values="limit_mw")
    base = context.base_allowed_mw()[:, 0] + context.rated_mw(table.iloc[:0])[:, 0]
    position = context.case.branches.index.get_indexer(table["branch"])
    rows = first.reindex(index=table["branch"], columns=context.periods).to_numpy(float)
    raised = rows - base[position][:, None] > tolerances.POWER_MW
    held = [next((t for t, up in zip(context.periods, row, strict=True) if up), None) for row in raised]
    stated = table["in_service"].to_numpy(float)
    bad = np.array([t is None or t != s for t, s in zip(held, stated, strict=True)], dtype=bool)
    # Where a limit is set by angles, or there is none, added rating does not show in it.
    shows = np.isfinite(context.case.branches["rating_mw"].to_numpy(float))
    shows &= np.isinf(np.minimum(*_angle_limits(context)))
    bad &= shows[position]
    return compare_column(context.prefix, "upgrades", table, "in_service", held, bad, "as the branch's limits hold it")


CHECKS = (
    check_outputs,
    check_balance,
    check_bus_balance,
    check_flows,
    check_normal_limits,
    check_upgrades,
    check_terminal_work,
    check_upgrade_start,
)
