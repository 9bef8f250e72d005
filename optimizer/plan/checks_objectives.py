"""Totals of every objective over all periods, the one that was minimized with its bound and gap, and their limits."""

from __future__ import annotations

from typing import Any

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_money import check_status, gap_figure
from optimizer.plan.checks_work import counted_mw
from optimizer.plan.checks_workloads import recomputed
from optimizer.plan.verify_compare import broken, finding, is_number, slack
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_money import costs_musd, emitted_t
from optimizer.plan.verify_water import withdrawal_m3_day
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

KEYS = {
    "cost": ("cost_musd", "M$"),
    "carbon": ("carbon_t", "t CO2e"),
    "water": ("water_m3", "m3"),
    "delay": ("delay_mw_years", "MW-years"),
    "net_present_value": ("net_present_value_musd", "M$"),
}
"""Name with unit, and unit, of each objective."""


@remembered
def totals(context: Context) -> dict[str, float]:
    """Every objective over all years of all periods, by name, each in its own unit."""
    found = {"cost": float(costs_musd(context).to_numpy().sum()), "carbon": 0.0, "water": 0.0, "delay": 0.0}
    if not context.has_demand:
        return found
    rows, length = context.placed, context.case.periods["years"]
    years = rows["period"].map(length).to_numpy(float)
    found["carbon"] = float(years @ emitted_t(context))
    found["water"] = float(years @ withdrawal_m3_day(context)) * HOURS_PER_YEAR / HOURS_PER_DAY
    served = counted_mw(context)
    if context.case.workloads is not None:
        served = context.table("workloads").groupby("period")["served_mw"].sum().to_dict()
    for t, target in context.case.demand_mw.items():
        found["delay"] += float(length[t]) * max(0.0, float(target) - served.get(int(t), 0.0))
    if context.case.has_revenue:
        found["net_present_value"] = float(recomputed(context)["revenue_musd"].sum()) - found["cost"]
    return found


def check_totals(context: Context) -> list[Finding]:
    """The total of every objective, and which of them the plan minimizes."""
    stated = context.summary.get("objectives")
    keys = {name: KEYS[name] for name in totals(context)}
    if not isinstance(stated, dict) or set(stated) != {key for key, _ in keys.values()}:
        return [finding(context.summary_where("objectives"), stated, "the total of each objective")]
    findings = []
    for name, (key, unit) in keys.items():
        findings += _figure(context, f"objectives {key}", stated[key], totals(context)[name], unit)
    name = context.study.config.study.objective
    for key, text in (("objective", name), ("unit", KEYS[name][1])):
        if context.summary.get(key) != text:
            findings.append(finding(context.summary_where(key), context.summary.get(key), text))
    value = context.summary.get("objective_value")
    return findings + _figure(context, "objective_value", value, totals(context)[name], KEYS[name][1])


def _figure(context: Context, key: str, stated: Any, recomputed: float, unit: str) -> list[Finding]:
    # Tables are written with six decimals a row, and their sums stand for years of days.
    if is_number(stated) and abs(stated - recomputed) <= float(slack(unit, recomputed)) + 1e-8 * abs(recomputed):
        return []
    return [finding(context.summary_where(key), stated, recomputed, unit)]


def check_bound(context: Context) -> list[Finding]:
    """Bound and gap of an objective other than the cost, whose own are checked with the money."""
    name = context.study.config.study.objective
    if name == "cost":
        return []
    stated: Any = context.summary.get("bound_value")
    if not is_number(stated):
        return [finding(context.summary_where("bound_value"), stated, "a finite number")]
    # Of a value that is maximized, the bound is above.
    unit, value, sign = KEYS[name][1], totals(context)[name], -1.0 if name == "net_present_value" else 1.0
    difference = sign * (value - float(stated))
    allowed = tolerances.BOUND_SHARE * max(1.0, abs(value))
    findings = []
    if difference < -allowed:
        where = context.summary_where("bound_value")
        message = f"a bound cannot be {'above' if sign > 0 else 'below'} the objective, {value:.6f} {unit}"
        findings.append(broken("plan.bound.above_objective", where, message, float(stated), value, unit))
    gap = 0.0 if difference <= allowed else difference / max(abs(value), difference)
    close = 2 * float(slack(unit, value))
    if abs(difference - allowed) > close:
        findings += gap_figure(context, gap, close / max(abs(value), close))
    return findings + check_status(context, gap)


def check_limits(context: Context) -> list[Finding]:
    """No total exceeds what the study limits it to."""
    findings = []
    for name, limit in context.case.limits.totals.items():
        key, unit = KEYS[name]
        value = totals(context)[name]
        if value > limit + float(slack(unit, limit)):
            where, message = (
                context.summary_where(f"objectives {key}"),
                f"more than limits.{key} allows, {limit:.6g} {unit}",
            )
            findings.append(broken(f"plan.limits.{key}", where, message, value, limit, unit))
    return findings


CHECKS = (check_totals, check_bound, check_limits)
