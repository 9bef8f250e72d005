"""Costs by account and period, objective, baseline, common cost, bound and gap, budget."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, cell, compare_tables, finding, is_number, slack
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_money import (
    ACCOUNTS,
    circuits_musd,
    common_musd,
    costs_musd,
    generation_musd,
    investment_musd,
    network_musd,
    upgrades_musd,
)
from optimizer.plan.verify_tariffs import is_developer, network_share


def check_costs(context: Context) -> list[Finding]:
    """Every account in every period, and the totals of plan.json."""
    costs = costs_musd(context)
    expected = costs.rename_axis("account").reset_index().melt("account", var_name="period", value_name="cost_musd")
    findings = compare_tables(
        context.prefix,
        "costs",
        context.table("costs"),
        expected.astype({"period": int}),
        may_miss=lambda rows: (rows["cost_musd"].abs() <= tolerances.MONEY_MUSD).to_numpy(bool),
    )
    stated = context.summary.get("costs_musd")
    totals = costs.sum(axis=1)
    if not isinstance(stated, dict):
        return [*findings, finding(context.summary_where("costs_musd"), stated, "the total of each account")]
    for account in (*ACCOUNTS, *sorted(set(stated) - set(ACCOUNTS))):
        total = float(totals.get(account, 0.0))
        findings += _figure(context, f"costs_musd {account}", stated.get(account, 0.0), total)
    return findings


def _figure(context: Context, key: str, stated: Any, recomputed: float, why: str = "") -> list[Finding]:
    """Compare one figure of plan.json [M$]."""
    if is_number(stated) and abs(stated - recomputed) <= float(slack("M$", recomputed)):
        return []
    return [finding(context.summary_where(key), stated, recomputed, "M$", why)]


@remembered
def baseline_musd(context: Context) -> float:
    """Cost of the same system without new load [M$]."""
    if not context.has_grid or not context.has_demand:
        return 0.0
    output = context.outputs("baseline_dispatch", context.operating)
    upgrades = upgrades_musd(context, context.table("baseline_upgrades"))
    circuits = circuits_musd(context, context.table("baseline_circuits"))
    network = network_musd(context, upgrades).sum() + network_musd(context, circuits).sum()
    return sum(generation_musd(context, output).values()) + float(network)


def check_objective(context: Context) -> list[Finding]:
    """Cost, baseline and common cost."""
    objective = float(costs_musd(context).to_numpy().sum())
    findings = []
    findings += _figure(context, "objective_musd", context.summary.get("objective_musd"), objective)
    findings += _figure(context, "baseline_musd", context.summary.get("baseline_musd"), baseline_musd(context))
    findings += _figure(context, "common_musd", context.summary.get("common_musd"), common_musd(context))
    return findings


def check_baseline_upgrades(context: Context) -> list[Finding]:
    """Where the stated baseline fits another first period of an upgrade, that period is the one to look at."""
    stated: Any = context.summary.get("baseline_musd")
    table = context.table("baseline_upgrades")
    if not is_number(stated) or not _figure(context, "baseline_musd", stated, baseline_musd(context)):
        return []
    findings = []
    for row, now in enumerate(table["in_service"]):
        for t in (t for t in context.periods if t != now):
            other = table.assign(in_service=[t if i == row else s for i, s in enumerate(table["in_service"])])
            moved = pd.Series(upgrades_musd(context, other)) - pd.Series(upgrades_musd(context, table))
            change = network_share(context) * float(moved.sum())
            if not _figure(context, "baseline_musd", stated, baseline_musd(context) + change):
                where = cell(context.prefix, "baseline_upgrades", row, table, "in_service")
                findings.append(finding(where, now, t, "year", "as baseline_musd holds it"))
    return findings


def check_gap(context: Context) -> list[Finding]:
    """The bound is not above the cost; where cost is the objective, the gap follows from it by its definition.

    The bound itself is the solver's proof and cannot be recomputed without solving again.
    """
    stated: Any = context.summary.get("bound_musd")
    minimized = context.study.config.study.objective == "cost"
    if stated is None and not minimized and context.summary.get("gap_musd") is None:
        return []
    if not is_number(stated):
        return [finding(context.summary_where("bound_musd"), stated, "a finite number")]
    bound = float(stated)
    findings: list[Finding] = []
    if minimized:
        findings += _figure(context, "bound_value", context.summary.get("bound_value"), bound, "equal to bound_musd")
    objective = float(costs_musd(context).to_numpy().sum())
    difference = objective - bound
    allowed = tolerances.BOUND_SHARE * max(1.0, abs(objective))
    if difference < -allowed:
        message = f"a bound cannot be above the objective, {objective:.6f} M$"
        where = context.summary_where("bound_musd")
        findings.append(broken("plan.bound.above_objective", where, message, bound, objective, "M$"))
    if not minimized:
        return findings + _gap_in_money(context, difference, allowed)
    decided = abs(objective)
    if context.has_demand and not context.case.has_revenue and not is_developer(context):
        baseline = baseline_musd(context)
        # Campuses that make the system cheaper than it was decide what they save.
        decided = max(objective - baseline - common_musd(context), baseline - objective)
    gap = 0.0 if difference <= allowed else difference / max(decided, difference)
    close = 2 * (tolerances.MONEY_MUSD + tolerances.MONEY_SHARE * abs(objective))
    if abs(difference - allowed) > close:
        findings += gap_figure(context, gap, close / max(decided, difference, close))
    findings += _gap_in_money(context, difference, allowed)
    return findings + check_status(context, gap)


def gap_figure(context: Context, gap: float, close: float) -> list[Finding]:
    """Compare the stated gap with the one recomputed, which is known up to `close` [-]."""
    stated: Any = context.summary.get("gap")
    if is_number(stated) and abs(stated - gap) <= tolerances.ROUNDING + close:
        return []
    return [finding(context.summary_where("gap"), stated, gap, "-")]


def _gap_in_money(context: Context, difference: float, allowed: float) -> list[Finding]:
    """Objective less bound; 0 where that counts as no gap."""
    stated = context.summary.get("gap_musd")
    if difference <= allowed and stated == 0:
        return []
    return _figure(context, "gap_musd", stated, max(difference, 0.0))


def check_status(context: Context, gap: float) -> list[Finding]:
    """The status is one that this gap allows."""
    stated, asked = context.summary.get("status"), context.study.config.solve.gap
    reached = gap <= asked + tolerances.ROUNDING
    known = {"optimal": gap <= tolerances.ROUNDING, "gap_reached": reached, "limit_with_plan": True}
    if isinstance(stated, str) and known.get(stated, False):
        return []
    right = "optimal" if gap <= tolerances.ROUNDING else "gap_reached" if reached else "limit_with_plan"
    return [finding(context.summary_where("status"), stated, right, "", f"the gap is {gap:.6f}, asked was {asked:g}")]


def check_budget(context: Context) -> list[Finding]:
    """One-time cost of all that stands in a period stays within the budget."""
    if not context.case.limits.budget_musd or not context.has_demand:
        return []
    spent = investment_musd(context)
    found = []
    for t, limit in context.case.limits.budget_musd.items():
        if spent[t] > limit + float(slack("M$", limit)):
            where = f"{context.prefix}tables/sites.csv period {t}"
            message = f"more than limits.budget_musd allows, {limit:.6g} M$"
            found.append(broken("plan.limits.budget_musd", where, message, spent[t], float(limit), "M$"))
    return found


CHECKS = (check_costs, check_objective, check_baseline_upgrades, check_gap, check_budget)
