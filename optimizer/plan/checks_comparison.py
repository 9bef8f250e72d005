"""Scenarios solved beside the plan: what they build instead, and which limits of the full study they break."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.screening import screen_base
from optimizer.plan import tolerances
from optimizer.plan.checks_power import compare_loading
from optimizer.plan.verify_compare import compare_tables
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Floats


def check_scenarios(context: Context, scenarios: dict[str, Context]) -> list[Finding]:
    """Compare the comparison tables with what the scenarios' own folders state.

    Parameters
    ----------
    context : Context
        The plan.
    scenarios : dict of str to Context
        Its comparison plans.
    """
    asked = context.study.config.report.compare
    findings = [
        Finding("plan.scenario.missing", f"scenarios/{name}", "the study compares with it, and its plan is missing")
        for name in asked
        if name not in scenarios
    ]
    findings += [
        Finding("plan.scenario.unknown", f"scenarios/{name}", "the study does not compare with it")
        for name in scenarios
        if name not in asked
    ]
    if not asked and "comparison" not in context.tables:
        return findings
    findings += compare_tables("", "comparison", context.table("comparison"), differences(context, scenarios))
    if context.has_grid:
        findings += _check_limits(context, scenarios)
    return findings


def differences(context: Context, scenarios: dict[str, Context]) -> pd.DataFrame:
    """IT load of every site built in either, scenario by scenario: the comparison table as it must be."""
    own = context.placed.set_index(["site", "period"])["it_mw"]
    tables = []
    for name, other in scenarios.items():
        theirs = other.placed.set_index(["site", "period"])["it_mw"]
        both = pd.DataFrame({"it_mw": theirs, "it_mw_plan": own}).fillna(0.0)
        both["difference_mw"] = both["it_mw"] - both["it_mw_plan"]
        tables.append(both.rename_axis(["site", "period"]).reset_index().assign(scenario=name))
    columns = ["scenario", "site", "period", "it_mw", "it_mw_plan", "difference_mw"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def _check_limits(context: Context, scenarios: dict[str, Context]) -> list[Finding]:
    alike = {name: other for name, other in scenarios.items() if _same_system(context, other)}
    found = [broken_limits(context, other).assign(scenario=name) for name, other in alike.items()]
    columns = ["scenario", "contingency", "branch", "period", "snapshot", "flow_mw", "limit_mw"]
    expected = pd.concat(found)[columns] if found else pd.DataFrame(columns=columns)
    stated = context.table("comparison_limits")
    slight = 2 * tolerances.POWER_MW
    findings = compare_tables(
        "",
        "comparison_limits",
        stated,
        expected,
        may_miss=lambda rows: (rows["flow_mw"].abs() - rows["limit_mw"] <= slight).to_numpy(bool),
        may_exceed=lambda rows: (rows["flow_mw"].abs() - rows["limit_mw"] <= slight).to_numpy(bool),
    )
    merged = stated.merge(expected, on=columns[:5], how="left", suffixes=("_stated", ""))
    return findings + compare_loading(context, "comparison_limits", stated, merged)


def _same_system(context: Context, other: Context) -> bool:
    """Whether a scenario runs the same branches in the same periods and snapshots; else it has no such limits."""
    branches = context.case.branches.index
    if len(context.case.circuits) or len(other.case.circuits):
        return False
    return other.has_grid and other.operating == context.operating and other.case.branches.index.equals(branches)


def broken_limits(context: Context, other: Context) -> pd.DataFrame:
    """Limits of the full study that a scenario's plan breaks, its own upgrades counted.

    Parameters
    ----------
    context : Context
        The plan, whose outages and base overloads count.
    other : Context
        The scenario's plan, whose flows and upgrades count.
    """
    case, upgrades = context.case, other.table("upgrades")
    normal = context.rated_mw(upgrades) + context.base_allowed_mw()
    emergency = context.rated_mw(upgrades, after_outage=True)
    tables = []
    for column, (t, h) in enumerate(context.operating):
        flow = other.flow_mw[:, column]
        base = screen_base(flow, normal[:, column], 0.0, top=0).violations
        tables.append(_named(context, base, t, h, ("",)))
        if case.is_secured:
            extra = {key: mw for key, mw in context.allowed_mw[h].items() if key[1] >= 0}
            number, limit = context.snapshots.index(h), emergency[:, column]
            _, point = context.once_dropped(other, column)
            found = case.contingencies.screen(point, number, limit, 0.0, top=0, extra_limit=extra)
            tables.append(_named(context, found.violations, t, h, case.outage_names))
    return pd.concat(tables)


def _named(context: Context, found: pd.DataFrame, t: int, h: str, outages: tuple[str, ...]) -> pd.DataFrame:
    flow: Floats = found["flow_mw"].to_numpy(float)
    # Number -1, no outage, picks the only name given.
    names = np.array(outages, dtype=object)[found["outage"].to_numpy(int)]
    branches = context.case.branches.index.to_numpy()[found["branch"].to_numpy(int)]
    figures = {"flow_mw": flow, "limit_mw": found["limit_mw"].to_numpy(float)}
    return pd.DataFrame({"contingency": names, "branch": branches, "period": t, "snapshot": h, **figures})
