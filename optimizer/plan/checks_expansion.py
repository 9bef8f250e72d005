"""New circuits: what the plan builds, and every check of power in the network that each period then has.

The network is made again from the grid's own reactances and the stated circuits; flows, normal limits, every outage
(of built circuits too) and prices are recomputed in it, period by period.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import checks_power, checks_prices, checks_security
from optimizer.plan.verify_compare import capped, cell, compare_column, compare_tables, finding
from optimizer.plan.verify_context import Context

Check = Callable[[Context], list[Finding]]


def on_each_network(check: Check, circuits: str = "circuits") -> Check:
    """Make a check of one network one of all networks of a plan.

    Parameters
    ----------
    check : callable
        From a context to findings.
    circuits : {"circuits", "baseline_circuits"}
        Table of what is built.
    """

    def run(context: Context) -> list[Finding]:
        return [found for one in context.networks(circuits) for found in check(one)]

    return run


def check_circuits(context: Context) -> list[Finding]:
    """Every column of the circuits tables: first years, numbers of units, costs and facts."""
    case, stated = context.case, context.table("circuits")
    facts = case.circuits.loc[stated["circuit"]].reset_index(drop=True)
    count = stated["count"].to_numpy(float)
    expected = stated[["circuit", "in_service"]].assign(
        cost_musd=count * facts["cost_musd"].to_numpy(float),
        annuity_musd=count * facts["annuity_musd"].to_numpy(float),
        **{
            c: facts[c]
            for c in ("from_bus", "to_bus", "kind", "rating_mw", "rating_emergency_mw", "length_km", "replaces")
        },
    )
    findings = compare_tables(context.prefix, "circuits", stated, expected)
    for name in ("circuits", "baseline_circuits"):
        findings += _service(context, name)
        findings += _replaced_once(context, name)
    return findings


def _replaced_once(context: Context, name: str) -> list[Finding]:
    """No branch has its place taken by two circuits."""
    table, old = context.table(name), context.study.offered_circuits["replaces"]
    branch = old.reindex(table["circuit"]).fillna("").to_numpy(dtype=object)
    first: dict[str, str] = {}
    found = []
    for row, (circuit, l) in enumerate(zip(table["circuit"], branch, strict=True)):
        if l and first.setdefault(str(l), str(circuit)) != circuit:
            where = cell(context.prefix, name, row, table, "circuit")
            found.append(
                Finding("plan.circuit.replaced_once", where, "another circuit took the branch's place", str(l))
            )
    return found


def check_branches(context: Context, name: str = "circuits") -> list[Finding]:
    """The network of a period has every branch in service but those whose place a stated circuit has taken."""
    assert context.study.grid is not None
    grid, offered = context.study.grid, context.study.offered_circuits["replaces"]
    stated = context.table(name)
    serving = stated["circuit"][stated["in_service"].astype(float) <= context.periods[0]]
    gone = set(offered.reindex(serving))
    expected = [l for l in grid.branches.index[grid.branches["in_service"]] if l not in gone]
    held = [l for l in context.case.branches.index if l in grid.branches.index]
    where = f"{context.prefix}tables/{name}.csv, period {context.periods[0]}"
    return [finding(where, l, "in the network of the period") for l in sorted(set(expected) ^ set(held))]


def check_baseline_branches(context: Context) -> list[Finding]:
    """The same of the baseline's circuits."""
    return check_branches(context, "baseline_circuits")


def _service(context: Context, name: str) -> list[Finding]:
    """Units serve from a period in which they can be ready, and no more of them than may be built."""
    table, circuits = context.table(name), context.case.circuits
    ready = circuits["ready"].reindex(table["circuit"]).to_numpy(float)
    start, count = table["in_service"].to_numpy(float), table["count"].to_numpy(float)
    early = (start < ready) | ~np.isin(start, context.periods)
    nearest = [min((t for t in context.periods if t >= first), default=None) for first in ready]
    why = "a period of the study in which it can be ready"
    findings = compare_column(context.prefix, name, table, "in_service", nearest, early, why)
    total = table.groupby("circuit")["count"].transform("sum").to_numpy(float)
    most = circuits["max_count"].reindex(table["circuit"]).to_numpy(float)
    for row in np.flatnonzero((count < 1) | (total > most)):
        where = cell(context.prefix, name, int(row), table, "count")
        message = f"between 1 and {most[row]:g} units may be built"
        findings.append(Finding("plan.circuit.count", where, message, f"{total[row]:g}", limit=float(most[row])))
    return capped(findings, f"{context.prefix}tables/{name}.csv")


def _balance(context: Context) -> list[Finding]:
    demand = context.load_mw + context.withdrawal_mw
    return checks_power.balance(context, "dispatch", context.output_mw, demand, list(context.operating))


def _baseline_balance(context: Context) -> list[Finding]:
    if not context.has_demand:
        return []
    output = context.outputs("baseline_dispatch", context.operating)
    return checks_power.balance(context, "baseline_dispatch", output, context.load_mw, list(context.operating))


def check_firm(context: Context) -> list[Finding]:
    """No campus draws power at a bus that one outage of the period's network cuts off."""
    cut_off = set(context.case.buses.index[context.case.disconnected_buses]) if context.case.is_secured else set()
    bus = context.case.ties["bus"].reindex(context.placed["tie"]).to_numpy()
    table, found = context.table("sites"), []
    for row in np.flatnonzero(pd.Series(bus, dtype=object).isin(cut_off).to_numpy(bool)):
        where = cell(context.prefix, "sites", int(row), table, "bus")
        found.append(Finding("plan.tie.not_firm", where, "one outage cuts off this bus", str(bus[row])))
    return found


def check_flow_rows(context: Context) -> list[Finding]:
    """Flows are stated for every period and for no other."""
    stated = set(context.table("flows")["period"].dropna().astype(int))
    where = f"{context.prefix}tables/flows.csv column period"
    return [finding(where, t, "a period of the study") for t in sorted(stated - set(context.periods))]


def check_counts(context: Context) -> list[Finding]:
    """Counts of what was checked are those of the last period, whose network is the largest."""
    return checks_security.check_counts(context.networks()[-1])


CHECKS = (
    check_circuits,
    on_each_network(check_branches),
    on_each_network(check_baseline_branches, "baseline_circuits"),
    checks_power.check_outputs,
    on_each_network(_balance),
    on_each_network(_baseline_balance, "baseline_circuits"),
    on_each_network(checks_power.check_bus_balance),
    on_each_network(checks_power.check_flows),
    check_flow_rows,
    on_each_network(checks_power.check_normal_limits),
    checks_power.check_upgrades,
    checks_power.check_upgrade_start,
    checks_security.check_base_overloads,
    on_each_network(checks_security.check_outages),
    on_each_network(check_firm),
    on_each_network(checks_security.check_baseline, "baseline_circuits"),
    check_counts,
    on_each_network(checks_prices.check_optimality),
    checks_prices.check_price_rows,
)
