"""A plan put through AC power flow: what DC security says nothing of, voltages and reactive power among it.

The last period is checked, in every snapshot: all campuses are in service then. Its dispatch, ties and facility power
are taken from the plan's tables; load, availability and ratings are rebuilt from the inputs. The network is that of the
period: circuits that the plan has built are in it with their impedance and ratings, branches whose place they took are
not. The dispatch without new load, and the circuits built without it, are the plan's baseline. The outages are those
with the highest DC loadings in the plan's contingencies table.

A plan states DC security only, so that voltages and loadings outside of their limits are warnings. That the campuses
leave no solution where there is one without them is an error: such a plan does not serve what it says it serves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.grid.ac import N_OUTAGES, POWER_FACTOR, ACResult, check_ac
from optimizer.grid.ac_findings import violation_findings
from optimizer.grid.ac_point import BRANCH, NEW, UNIT
from optimizer.grid.hvdc import scheduled_load
from optimizer.grid.network import Grid
from optimizer.plan.checks_support import reactive_support
from optimizer.plan.manifest import read_manifest
from optimizer.plan.reading import read_summary, read_tables
from optimizer.plan.rebuild import rebuild_study
from optimizer.plan.verify_context import Context
from optimizer.progress import Progress, silent

_VIOLATIONS = ("grid.ac.voltage_low", "grid.ac.voltage_high", "grid.ac.loading")


def verify_ac(
    folder: str | Path,
    inputs: str | Path | None = None,
    n_outages: int = N_OUTAGES,
    power_factor: float = POWER_FACTOR,
    progress: Progress = silent,
) -> tuple[tuple[Finding, ...], dict[str, Any]]:
    """Check a plan folder by AC power flow.

    Parameters
    ----------
    folder : path
        A plan that `verify_plan` has no error of.
    inputs : path, optional
        Folder of the study file and what lies below it, where it is no longer where the manifest says.
    n_outages : int
        Outages checked in each snapshot [-].
    power_factor : float
        Power factor of the campuses, lagging [-].
    progress : callable
        Told which snapshot is checked.

    Returns
    -------
    findings : tuple of Finding
        As `check_ac` gives them, those of all snapshots together.
    figures : dict
        Period, power factor, and by snapshot the figures of `ACResult.to_dict`.
    """
    root = Path(folder)
    try:
        study = rebuild_study(read_manifest(root), root, None if inputs is None else Path(inputs))
        summary, wrong = read_summary(root)
        tables, found = read_tables(root)
        if wrong or found:
            return (*wrong, *found), {}
        context = Context(root, "", summary, tables, study, study.case)
        if not context.has_grid:
            text = "the study has no grid, so that there is no power flow to check"
            return (Finding("grid.ac.no_grid", "study.toml grid", text, severity="info"),), {}
        results = check_snapshots(context, n_outages, power_factor, progress)
    except InputError as error:
        return error.findings, {}
    period = context.periods[-1]
    figures = {
        "period": period,
        "power_factor": power_factor,
        "snapshots": {h: result.to_dict() for h, result in results.items()},
    }
    campuses = f"campuses at a power factor of {power_factor:g} lagging" if context.has_demand else ""
    return tuple([*_together(period, results, campuses), *_dropped(context), *_support(context)]), figures


def check_snapshots(
    context: Context, n_outages: int, power_factor: float, progress: Progress = silent
) -> dict[str, ACResult]:
    """Check the last period in every snapshot.

    Parameters
    ----------
    context : Context
        The plan.
    n_outages : int
        Outages checked in each snapshot [-].
    power_factor : float
        Power factor of the campuses, lagging [-].
    progress : callable
        Told which snapshot is checked.
    """
    grid_config, grid = context.study.config.grid, context.study.grid
    assert grid_config is not None
    assert grid is not None
    period = context.periods[-1]
    here, without = context.of_period(period), context.networks("baseline_circuits")[-1]
    case = here.case
    links, _ = scheduled_load(grid)
    # Load includes links only where their transfer is scheduled.
    apart = (links if case.links.empty else 0.0) + grid.buses["shunt_mw"]
    baseline = context.outputs("baseline_dispatch", here.operating) if context.has_demand else None
    results = {}
    for column, (t, h) in enumerate(here.operating):
        if t != period:
            continue
        progress("AC", here.snapshots.index(h) / len(here.snapshots), f"{t}, {h}")
        units = case.generators.index[~case.is_link_end]
        output = pd.Series(here.output_mw[:, column], index=case.generators.index)
        last = None if baseline is None else pd.Series(baseline[:, column], index=case.generators.index)
        plan = _rated(here, here.table("upgrades"), column)
        before = _rated(without, context.table("baseline_upgrades"), column)
        results[h] = check_ac(
            _with_transfers(here, plan, output),
            _campuses(here, h),
            output[units],
            load_mw=pd.Series(here.load_mw[:, column], index=case.buses.index) - apart,
            output_max_mw=case.output_max_mw.loc[units, h],
            output_before_mw=None if last is None else last[units],
            grid_before=before if last is None else _with_transfers(without, before, last),
            outages=critical_outages(here, period, h, n_outages),
            power_factor=power_factor,
            susceptance=grid_config.susceptance,
        )
    return results


def _with_transfers(context: Context, grid: Grid, output_mw: pd.Series) -> Grid:
    """The grid with the transfers of its links as a plan decides them."""
    links = context.case.links
    if links.empty:
        return grid
    hvdc, given = grid.hvdc.copy(), output_mw[links["from_unit"]].to_numpy(float)
    # Backwards a link takes its transfer at the other end.
    kept = np.where(given > 0, 1 - links["loss_share"].to_numpy(float), 1.0)
    hvdc.loc[links.index, "p_mw"] = -given / kept
    return replace(grid, hvdc=hvdc)


def _rated(context: Context, upgrades: pd.DataFrame, operating: int) -> Grid:
    """The network of a period with the ratings that hold in it and in a snapshot.

    Built circuits follow the branches of the grid; base overloads are no rating and stay out.
    """
    assert context.study.grid is not None
    grid, names = context.study.grid, context.case.branches.index
    idle = grid.branches[~grid.branches["in_service"]]
    branches = pd.concat([context.branches, idle]) if len(idle) else context.branches.copy()
    for column, after_outage in (("rating_mw", False), ("rating_emergency_mw", True)):
        branches.loc[names, column] = context.rated_mw(upgrades, after_outage)[:, operating]
    return replace(grid, branches=branches)


def _campuses(context: Context, snapshot: str) -> pd.DataFrame:
    """What each campus draws in the last period, index site; what outages drop of it is a load of its own."""
    rows = context.placed
    now = ((rows["period"] == context.periods[-1]) & (rows["tie"] != "")).to_numpy(bool)
    bus = context.case.ties.loc[rows["tie"][now], "bus"].to_numpy()
    drawn = context.drawn_mw[snapshot].to_numpy(float)[now]
    whole = pd.DataFrame({"bus": bus, "load_mw": drawn}, index=pd.Index(rows["site"][now].to_numpy(), name="site"))
    off = _dropped_mw(context, snapshot).reindex(whole.index).fillna(0.0)
    if not (off > 0).any():
        return whole
    apart = whole.assign(load_mw=off)[off > 0].rename(index=dropped_part)
    return pd.concat([whole.assign(load_mw=whole["load_mw"] - off), apart])


def dropped_part(site: str) -> str:
    """Name of the load that outages drop of a campus."""
    return f"{site}, dropped"


def _dropped_mw(context: Context, snapshot: str) -> pd.Series:
    """What outages drop of each campus in the last period, index site [MW]."""
    rows = context.table("dropped")
    rows = rows[(rows["period"] == context.periods[-1]) & (rows["snapshot"] == snapshot)]
    return rows.set_index("site")["dropped_mw"].astype(float)


def critical_outages(context: Context, period: int, snapshot: str, count: int) -> dict[str, Sequence[str]]:
    """Elements of the outages with the highest DC loadings, the highest first, and the load that they drop.

    Parameters
    ----------
    context : Context
        The plan.
    period : int
        Year of decision.
    snapshot : str
        Operating condition.
    count : int
        Outages at most [-].
    """
    table = context.table("contingencies")
    here = table[(table["period"] == period) & (table["snapshot"] == snapshot)]
    ranked = here.sort_values("loading", ascending=False, kind="stable")["contingency"]
    off = _dropped_mw(context, snapshot)
    with_it = [f"{NEW}{dropped_part(str(site))}" for site in off.index[off > 0]]
    return {name: [*_elements(context, name), *with_it] for name in list(dict.fromkeys(ranked))[:count]}


def _elements(context: Context, name: str) -> list[str]:
    """Ids in the converted network of what an outage takes out."""
    joint = next((one.elements for one in context.case.joint.outages if one.elements.name == name), None)
    if joint is None:
        return [f"{BRANCH}{name}"]
    branches = [f"{BRANCH}{context.case.branches.index[i]}" for i in joint.branches]
    units = [f"{UNIT}{context.case.generators.index[i]}" for i in joint.generators]
    return [*branches, *units, *dict.fromkeys(f"{NEW}{site}" for site, _ in joint.loads)]


def _together(period: int, results: Mapping[str, ACResult], campuses: str) -> list[Finding]:
    """Findings of all snapshots: how many limits are broken, what is said of each, then the worst violations of any."""
    text = "the last period is checked in every snapshot, in the network that the plan has made by then"
    text += f", {campuses} (unverified)" if campuses else ""
    found = [Finding("grid.ac.scope", f"AC, period {period}", text, severity="info")]
    seen = set()
    parts = []
    for h, result in results.items():
        for finding in result.findings:
            if finding.rule in _VIOLATIONS:
                continue
            stated = not finding.where.startswith("AC")  # of the grid's tables: the same in all snapshots
            where = finding.where if stated else f"AC, {h}, {finding.where.removeprefix('AC, ')}"
            named = Finding(**{**finding.to_dict(), "where": where})
            if str(named) not in seen:
                seen.add(str(named))
                found.append(named)
        parts.append(result.violations.assign(when=h))
    broken = violation_findings(pd.concat(parts, ignore_index=True)) if parts else []
    counts = [finding for finding in broken if finding.value is None]
    return [*counts, *found, *(finding for finding in broken if finding.value is not None)]


def _dropped(context: Context) -> list[Finding]:
    """That outages take the load along that the plan drops."""
    most = max(float(_dropped_mw(context, h).sum()) for h in context.snapshots)
    if most <= 0:
        return []
    text = "every outage takes the non-firm load along that the plan drops; units that run share it"
    found = f"up to {most:.6g} MW in a snapshot"
    return [Finding("grid.ac.dropped", f"AC, period {context.periods[-1]}", text, found, severity="info")]


def _support(context: Context) -> list[Finding]:
    """What the study's tables say of reactive support, beside voltages that are computed without any."""
    text = "reactive support for new load at this point, as the study says; this check adds none"
    return [
        Finding(
            "grid.ac.reactive_support", f"site {row.site}, bus {row.bus}", text, row.reactive_support, severity="info"
        )
        for row in reactive_support(context).itertuples()
    ]


def ac_text(figures: Mapping[str, Any]) -> str:
    """The answer in a line for each snapshot."""
    lines = []
    for h, one in figures.get("snapshots", {}).items():
        before = one["converged_before"]
        if not one["converged"]:
            relation = {
                True: " with the campuses but one without them",
                False: " with the campuses nor one without them",
            }
            lines.append(f"  {h}: no AC solution{relation.get(before, '')}")
            continue
        counts = one["violations"]
        new = sum(n for key, n in counts.items() if not key.endswith(".existing"))
        compared = f" by the campuses or more than before, {sum(counts.values()) - new} as before"
        unsolved = sum(row["state"] == "not_solved" for row in one["outages"])
        error = one["flow_error"]
        parts = [f"{new} limits broken{', nothing to compare with' if before is None else compared}"]
        parts.append(f"{len(one['outages'])} outages, {unsolved} without a solution")
        if error is not None:
            parts.append(f"AC from DC flows {error['mean_mw']:.1f} MW, at most {error['max_mw']:.1f} MW")
        lines.append(f"  {h}: {'; '.join(parts)}")
    return "\n".join([f"AC power flow, {figures['period']}:", *lines]) if lines else ""
