"""Every outage on every rated branch, the worst of them twice, and the overloads that were there before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.plan import tolerances
from optimizer.plan.checks_power import compare_loading, normal_violations, overload_output_mw
from optimizer.plan.verify_compare import broken, capped, compare_tables, finding
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_outages import solved_again, worst_of_each_kind

LISTED_ABOVE = 0.95
"""Loadings after outages above this are all listed [-] (definition of the table)."""

LISTED_AT_LEAST = 10
"""Highest loadings listed for each period and snapshot [-] (definition of the table)."""


@dataclass(frozen=True)
class Screening:
    """What the full check of one dispatch found.

    Parameters
    ----------
    listed : DataFrame
        The contingencies table as it must be.
    least_listed : dict of (period, snapshot) to float
        Loading below which nothing need be listed [-].
    violations : DataFrame
        ``contingency, branch, period, snapshot, flow_mw, limit_mw, excess_mw``.
    resolved : tuple of Finding
        Where the network rebuilt without what is out disagrees with the factors.
    """

    listed: pd.DataFrame
    least_listed: dict[tuple[int, str], float]
    violations: pd.DataFrame
    resolved: tuple[Finding, ...]


def screened(
    context: Context, injection: Floats, points: list[OperatingPoint], limit: Floats, name: str, twice: bool
) -> Screening:
    """Check every outage on every rated branch in every period and snapshot.

    Parameters
    ----------
    context : Context
        The plan.
    injection : ndarray, shape (n_bus, n_operating)
        Generation less load, what an outage drops apart [MW].
    points : list of OperatingPoint
        Flows, outputs and new loads before any outage, what it drops apart, of every period and snapshot.
    limit : ndarray, shape (n_branch, n_operating)
        Emergency limits [MW].
    name : str
        Table that findings are about.
    twice : bool
        Also solve the worst outages of each kind again in the network rebuilt without what is out.
    """
    listed, violations = [], []
    least: dict[tuple[int, str], float] = {}
    resolved: list[Finding] = []
    for column, (t, h) in enumerate(context.operating):
        extra = {key: mw for key, mw in context.allowed_mw[h].items() if key[1] >= 0}
        result = context.case.contingencies.screen(
            points[column],
            context.snapshots.index(h),
            limit[:, column],
            tolerances.POWER_MW,
            keep_above=LISTED_ABOVE,
            top=LISTED_AT_LEAST,
            extra_limit=extra,
        )
        both = pd.concat([result.top, result.above]).drop_duplicates(["outage", "branch"])
        listed.append(_named(context, both, t, h))
        violations.append(_named(context, result.violations, t, h))
        least[t, h] = min(LISTED_ABOVE, float(result.top["loading"].min())) if len(result.top) else LISTED_ABOVE
        if twice:
            worst = worst_of_each_kind(context, result, points[column], limit[:, column], column)
            resolved += solved_again(context, worst, injection[:, column], points[column], column, name)
    return Screening(pd.concat(listed), least, pd.concat(violations), tuple(resolved))


def _named(context: Context, found: pd.DataFrame, t: int, h: str) -> pd.DataFrame:
    names = np.array(context.case.outage_names, dtype=object)
    return pd.DataFrame(
        {
            "contingency": names[found["outage"].to_numpy(int)],
            "branch": context.case.branches.index.to_numpy()[found["branch"].to_numpy(int)],
            "period": t,
            "snapshot": h,
            "flow_mw": found["flow_mw"].to_numpy(float),
            "limit_mw": found["limit_mw"].to_numpy(float),
            "loading": found["loading"].to_numpy(float),
            "excess_mw": found["excess_mw"].to_numpy(float),
        }
    )


def _violated(context: Context, name: str, violations: pd.DataFrame) -> list[Finding]:
    found = []
    for row in violations.itertuples():
        at = f"outage {row.contingency}, branch {row.branch}, period {row.period}, snapshot {row.snapshot}"
        message = f"the flow after the outage is above its limit, {row.limit_mw:.6g} MW"
        where = f"{context.prefix}tables/{name}.csv {at}"
        found.append(broken("plan.limit.emergency", where, message, float(row.flow_mw), float(row.limit_mw), "MW"))
    return capped(found, f"{context.prefix}tables/{name}.csv")


def check_outages(context: Context) -> list[Finding]:
    """No outage overloads a branch; the table of the highest loadings is the one that is found again."""
    stated = context.table("contingencies")
    if not context.case.is_secured:
        expected = pd.DataFrame(columns=["contingency", "branch", "period", "snapshot"])
        return compare_tables(context.prefix, "contingencies", stated, expected)
    limit = context.emergency_limit_mw
    points = [context.point(column) for column in range(len(context.operating))]
    changed = np.column_stack([change for change, _ in context.once_dropped_points])
    found = screened(context, context.injection_mw + changed, points, limit, "contingencies", twice=True)
    near = {key: least + tolerances.NEXT_TO_LISTED + 1e-9 for key, least in found.least_listed.items()}
    # A row that ties for the last place may be stated instead of the one listed here: recompute it as well.
    listed = pd.concat([found.listed, _stated_besides(context, stated, found.listed, limit)])

    def at_the_edge(rows: pd.DataFrame) -> np.ndarray:
        keys = zip(rows["period"], rows["snapshot"], strict=True)
        return rows["loading"].to_numpy(float) <= np.array([near[key] for key in keys])

    expected = listed.drop(columns=["excess_mw", "loading"])
    findings = _violated(context, "contingencies", found.violations) + list(found.resolved)
    findings += compare_tables(
        context.prefix,
        "contingencies",
        stated,
        listed.drop(columns="excess_mw"),
        columns=["flow_mw", "limit_mw"],
        may_miss=at_the_edge,
    )
    keys = ["contingency", "branch", "period", "snapshot"]
    merged = stated.merge(expected, on=keys, how="left", suffixes=("_stated", ""))
    return findings + compare_loading(context, "contingencies", stated, merged)


def _stated_besides(context: Context, stated: pd.DataFrame, listed: pd.DataFrame, limit: Floats) -> pd.DataFrame:
    """Stated rows that are not listed, as high as the least listed one within rounding, recomputed."""
    case = context.case
    keys = ["contingency", "branch", "period", "snapshot"]
    known = set(listed[keys].itertuples(index=False, name=None))
    least = listed.groupby(["period", "snapshot"])["loading"].min()
    rows = []
    for row in stated[keys].itertuples(index=False, name=None):
        outage, branch, t, h = row
        if row in known or outage not in case.outage_names or branch not in case.branches.index or (t, h) not in least:
            continue
        column, number = context.operating.index((t, h)), case.contingencies.number_of[outage]
        at = int(case.branches.index.get_loc(branch))
        after = context.flow_after(at, number, column)
        allowed = float(limit[at, column]) + context.allowed_mw[h].get((at, number), 0.0)
        loading = abs(after) / allowed if allowed > 0 else np.inf
        if np.isfinite(after) and loading >= least[t, h] - 4 * tolerances.NEXT_TO_LISTED:
            rows.append((*row, after, allowed, loading, abs(after) - allowed))
    return pd.DataFrame(rows, columns=[*keys, "flow_mw", "limit_mw", "loading", "excess_mw"])


def count_checked(context: Context) -> tuple[int, int]:
    """Outages checked, and branch limits checked in one period and snapshot: normal ones and those after outages."""
    rated = int(np.isfinite(context.case.branches["rating_mw"]).sum()) if context.has_grid else 0
    return context.case.n_outages(set(context.table("sites")["site"])), rated


def check_base_overloads(context: Context) -> list[Finding]:
    """Allowances are the overloads of the stated dispatch at first-period load, exactly, and nothing else."""
    stated = context.table("base_overloads")
    if stated.empty and not len(context.table("overload_dispatch")):
        return []
    findings = []
    if context.study.config.security.base_overloads != "allow":
        where = f"{context.prefix}tables/base_overloads.csv"
        findings.append(Finding("plan.overload.refused", where, "the study does not allow base overloads"))
    expected = overloads(context)
    small = tolerances.POWER_MW
    # An overload of no size comes and goes with the decimals of outputs; an allowance of that size hides nothing.
    keys = ["branch", "contingency", "snapshot"]
    known = pd.MultiIndex.from_frame(stated[keys]).isin(pd.MultiIndex.from_frame(expected[keys]))
    return findings + compare_tables(
        context.prefix,
        "base_overloads",
        stated[known | (stated["overload_mw"] > small)],
        expected,
        may_miss=lambda rows: (rows["overload_mw"] <= small).to_numpy(bool),
    )


def overloads(context: Context) -> pd.DataFrame:
    """Overloads of the stated dispatch before any new load: the base_overloads table as it must be."""
    case = context.case
    first = [(context.periods[0], h) for h in context.snapshots]
    injection = context.at_buses(overload_output_mw(context)) - case.load_mw[first].to_numpy(float)
    output = overload_output_mw(context)
    flow = context.wires.flows(injection)
    rows: list[tuple[str, str, str, float]] = []
    none = context.table("upgrades").iloc[:0]
    normal, emergency = (context.rated_mw(none, after_outage) for after_outage in (False, True))
    for column, h in enumerate(context.snapshots):
        over = np.abs(flow[:, column]) - normal[:, column]
        rows += [(str(case.branches.index[i]), "", h, float(over[i])) for i in np.flatnonzero(over > 0)]
        if case.is_secured:
            point = OperatingPoint(flow[:, column], output[:, column], {})
            result = case.contingencies.screen(point, column, emergency[:, column], 0.0, top=0)
            found = _named(context, result.violations, context.periods[0], h)
            rows += list(found[["branch", "contingency", "snapshot", "excess_mw"]].itertuples(index=False, name=None))
    return pd.DataFrame(rows, columns=["branch", "contingency", "snapshot", "overload_mw"])


def check_baseline(context: Context) -> list[Finding]:
    """The dispatch without new load is secure too: balanced flows within the same limits, after every outage."""
    if not context.has_demand:
        return []
    output = context.outputs("baseline_dispatch", context.operating)
    injection = context.at_buses(output) - context.load_mw
    flow = context.wires.flows(injection)
    upgrades = context.table("baseline_upgrades")
    normal = context.rated_mw(upgrades) + context.base_allowed_mw()
    findings = normal_violations(context, "baseline_dispatch", flow, normal)
    if not context.case.is_secured:
        return findings
    limit = context.rated_mw(upgrades, after_outage=True)
    points = [OperatingPoint(flow[:, i], output[:, i], {}) for i in range(flow.shape[1])]
    found = screened(context, injection, points, limit, "baseline_dispatch", twice=False)
    return findings + _violated(context, "baseline_dispatch", found.violations)


def check_counts(context: Context) -> list[Finding]:
    """Counts of what was checked, and that nothing is broken, in plan.json."""
    outages, rated = count_checked(context)
    findings = []
    for key, expected in (("n_contingencies_checked", outages), ("n_monitored_limits", rated), ("n_violations", 0)):
        stated = context.summary.get(key)
        if stated != expected:
            findings.append(finding(context.summary_where(key), stated, expected))
    return findings


CHECKS = (check_base_overloads, check_outages, check_baseline, check_counts)
