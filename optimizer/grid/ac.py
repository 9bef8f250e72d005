"""Does it survive AC? A new load and a dispatch put through AC power flow, without outages and after the critical ones.

Voltages stay within 0.95 and 1.05 pu, within 0.90 and 1.10 pu after an outage; the apparent power of each branch within
its normal rating, within its emergency rating after an outage. What already breaks a limit without the new load is told
apart from what the new load brings. The DC flows of the same case are compared with the AC flows.

A case without a solution is tried again with ever less of what the data say (`ATTEMPTS`), the cases with and without
new load in the same way, so that they can be compared; what was tried is part of the result.

Source of the voltage limits: American Transmission Company, planning criteria. Source of the check, and of the power
factor of 0.95 to 0.98, of which the lower end is taken: common practice of large-load studies (unverified).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.ac_dc_error import FlowError, flow_error
from optimizer.grid.ac_findings import run_findings, violation_findings
from optimizer.grid.ac_flow import ATTEMPTS, ACCase, ACRun, ACSolver
from optimizer.grid.ac_network import ACNetwork, quiet_engine, to_powsybl
from optimizer.grid.ac_point import ACPoint
from optimizer.grid.ac_violations import compare, violations
from optimizer.grid.network import Grid

__all__ = ["POWER_FACTOR", "ACNetwork", "ACPoint", "ACResult", "FlowError", "check_ac", "flow_error", "to_powsybl"]

#: Power factor of new load, lagging [-]; unverified.
POWER_FACTOR = 0.95

#: Outages that are checked unless more are asked for [-].
N_OUTAGES = 20


@dataclass(frozen=True, eq=False)
class ACResult:
    """What AC power flow says of a case.

    Parameters
    ----------
    converged : bool
        Whether the case with the new load has a solution.
    converged_before : bool or None
        Whether the one without has; ``None`` where it was not asked for.
    attempt : str
        Name of the attempt that the results are of; empty without a solution.
    tried : tuple of (str, str, str)
        Each attempt: its name, and what came of it with and without the new load.
    violations : DataFrame
        ``kind`` (``voltage_low``, ``voltage_high``, ``loading``), ``element``, ``contingency`` (empty without),
        ``value``, ``limit``, ``unit``, ``before`` (value without the new load, nan unless that breaks the limit too)
        and ``status``: ``new``, ``worse``, ``existing``, or ``not_compared``.
    before : DataFrame
        The same of the case without the new load, without ``before`` and ``status``.
    outages : DataFrame, index ``contingency``
        ``state`` and ``state_before``: ``solved``, ``without_reactive_limits``, ``not_solved``, or empty where not
        asked; ``lost_buses``, buses that the outage cuts off.
    flow_error : FlowError or None
        Of the case with the new load; ``None`` without a solution or without rated branches.
    findings : tuple of Finding
        All of it, for people.
    """

    converged: bool
    converged_before: bool | None
    attempt: str
    tried: tuple[tuple[str, str, str], ...]
    violations: pd.DataFrame
    before: pd.DataFrame
    outages: pd.DataFrame
    flow_error: FlowError | None
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures in plain types, for JSON."""
        counts = self.violations.groupby(["kind", "status"]).size()
        return {
            "converged": self.converged,
            "converged_before": self.converged_before,
            "attempt": self.attempt,
            "tried": [dict(zip(("attempt", "with_new_load", "without"), one, strict=True)) for one in self.tried],
            "violations": {f"{kind}.{status}": int(n) for (kind, status), n in counts.items()},
            "violations_before": {str(k): int(n) for k, n in self.before.groupby("kind").size().items()},
            "outages": self.outages.reset_index().to_dict("records"),
            "flow_error": None if self.flow_error is None else vars(self.flow_error).copy(),
        }


@dataclass(frozen=True, eq=False)
class _Search:
    """The way that is taken, its runs with and without the new load, all that were tried, and whether one of them has a
    solution without the new load."""

    solvers: list[ACSolver]
    runs: list[ACRun]
    tried: tuple[tuple[str, str, str], ...]
    solved_before: bool


def check_ac(
    grid: Grid,
    new_load: pd.Series | pd.DataFrame,
    output_mw: pd.Series,
    *,
    load_mw: pd.Series | None = None,
    output_max_mw: pd.Series | None = None,
    output_before_mw: pd.Series | None = None,
    grid_before: Grid | None = None,
    outages: Mapping[str, Sequence[str]] | None = None,
    power_factor: float = POWER_FACTOR,
    emergency_factor: float = 1.2,
    susceptance: Literal["x", "series"] = "x",
) -> ACResult:
    """Put a new load and a dispatch through AC power flow.

    Parameters
    ----------
    grid : Grid
        The network, with the ratings that hold with the new load.
    new_load : Series, index ``bus``, or DataFrame with ``bus`` and ``load_mw``, index name of the load
        New load [MW].
    output_mw : Series, index ``generator``
        Output with the new load [MW]. It need not cover losses: all available units share them.
    load_mw : Series, index ``bus``, optional
        Existing load without shunts and HVDC links [MW]; by default the grid's.
    output_max_mw : Series, index ``generator``, optional
        Available output [MW]; by default ``p_max_mw``.
    output_before_mw : Series, index ``generator``, optional
        Output without the new load [MW]; without it, nothing is compared with.
    grid_before : Grid, optional
        The network with the ratings that hold without the new load; by default the same.
    outages : mapping of str to sequence of str, optional
        Elements out together by name of the outage, as ``branch/ID``, ``generator/ID`` or ``new/NAME``.
    power_factor : float
        Power factor of the new load, lagging [-].
    emergency_factor : float
        Emergency rating over normal rating where none is given [-].
    susceptance : {"x", "series"}
        Of the DC flows that are compared, as in `DCNetwork.build`.

    Returns
    -------
    ACResult
        Also where there is no solution, or the engine fails: findings say so.

    Raises
    ------
    InputError
        Unknown buses or generators, or values that are not numbers.
    """
    units = grid.generators
    most = units["p_max_mw"].where(units["in_service"], 0.0) if output_max_mw is None else output_max_mw
    load = grid.buses["load_mw"] if load_mw is None else load_mw
    added = _new_load(new_load, power_factor)
    _refuse_bad(grid, added, power_factor, load_mw=load, output_mw=output_mw, output_max_mw=most)
    cases = [ACCase(grid, ACPoint(load, output_mw, most, added), emergency_factor)]
    if output_before_mw is not None:
        _refuse_bad(grid, added, power_factor, output_before_mw=output_before_mw)
        point = ACPoint(load, output_before_mw, most, added.iloc[:0])
        cases.append(ACCase(grid_before or grid, point, emergency_factor))
    try:
        return _checked(cases, dict(outages or {}), susceptance)
    except _engine_errors() as failure:
        text = "the engine of AC power flow failed, nothing is known of voltages"
        said = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        remedy = "look for values of the grid's tables that are out of all proportion"
        return _without_solution(None, (), [Finding("grid.ac.engine", grid.name, text, said, remedy)])


def _new_load(new_load: pd.Series | pd.DataFrame, power_factor: float) -> pd.DataFrame:
    if isinstance(new_load, pd.Series):
        buses = [str(bus) for bus in new_load.index]
        new_load = pd.DataFrame({"bus": buses, "load_mw": new_load.to_numpy(float)}, index=buses)
    added = new_load[["bus", "load_mw"]].astype({"load_mw": float})
    inside = 0 < power_factor <= 1
    return added.assign(load_mvar=added["load_mw"] * (math.tan(math.acos(power_factor)) if inside else 0.0))


def _refuse_bad(grid: Grid, added: pd.DataFrame, power_factor: float, **given: pd.Series) -> None:
    found = []
    if not 0 < power_factor <= 1:
        text, remedy = "a power factor is above 0 and at most 1", "0.95 is usual"
        found.append(Finding("grid.ac.power_factor", "power_factor", text, f"{power_factor:g}", remedy))
    tables = {"new_load": (added["bus"], grid.buses.index, "bus")}
    for name, values in given.items():
        index, what = (grid.buses.index, "bus") if name == "load_mw" else (grid.generators.index, "generator")
        tables[name] = (pd.Series(values.index), index, what)
    for name, (ids, index, what) in tables.items():
        unknown = [str(one) for one in ids if one not in index]
        if unknown:
            named = f"{len(unknown)}, the first {unknown[0]!r}"
            remedy = f"name {what}s of the grid"
            found.append(Finding(f"grid.{what}.unknown", name, f"names what is no {what} of the grid", named, remedy))
    for name, numbers in {"new_load": added["load_mw"], **given}.items():
        bad = numbers.index[~np.isfinite(numbers.to_numpy(float))]
        if len(bad):
            text, remedy = "must be numbers", "give a value in MW"
            found.append(Finding("grid.ac.not_a_number", name, text, f"{len(bad)}, the first at {bad[0]}", remedy))
    for name, ids in {"new_load": added.index, **{name: values.index for name, values in given.items()}}.items():
        if ids.has_duplicates:
            text, twice = "names something twice", str(ids[ids.duplicated()][0])
            found.append(Finding("grid.ac.repeated", name, text, twice, "give one value for each"))
    refuse_errors(found)


def _engine_errors() -> tuple[type[Exception], ...]:
    with quiet_engine() as engine:
        return (engine.PyPowsyblError, RuntimeError)


def _checked(
    cases: Sequence[ACCase], outages: dict[str, Sequence[str]], susceptance: Literal["x", "series"]
) -> ACResult:
    """Solve the cases, the one with new load first, in the first way that has a solution for all of them."""
    search = _first_common(cases)
    solvers, runs, tried = search.solvers, search.runs, search.tried
    notes = solvers[0].findings
    if runs[0].flow is None:
        said = run_findings(None, runs, tried, _states(cases[0].grid, runs[0], {}, None), None, search.solved_before)
        return _without_solution(None if len(cases) == 1 else search.solved_before, tried, [*notes, *said])
    known, findings = _known_outages(solvers[0], outages)
    after = solvers[0].solve_outages(known)
    found = violations(cases[0], runs[0], after)
    compared, previous = None, pd.DataFrame(columns=found.columns)
    if len(runs) == 2 and runs[1].flow is not None:
        mine = {name: left for name, ids in known.items() if (left := solvers[1].elements(ids))}
        compared = {name: ACRun(runs[1].attempt, runs[1].flow, runs[1].said) for name in known}
        compared |= solvers[1].solve_outages(mine)
        previous = violations(cases[1], runs[1], compared)
    states = _states(cases[0].grid, runs[0], after, compared)
    error = flow_error(cases[0], runs[0], susceptance)
    whole = compare(found, previous, _solved(compared))
    result = ACResult(
        True,
        None if len(runs) == 1 else runs[1].flow is not None,
        runs[0].attempt.name,
        tried,
        whole,
        previous,
        states,
        error,
        (),
    )
    findings = [*notes, *findings, *run_findings(cases[0], runs, tried, states, error)]
    return replace(result, findings=(*findings, *violation_findings(whole)))


def _solved(compared: Mapping[str, ACRun] | None) -> set[str] | None:
    """Outages that can be compared with; ``None``: nothing can."""
    if compared is None:
        return None
    return {"", *(name for name, run in compared.items() if run.flow is not None)}


def _first_common(cases: Sequence[ACCase]) -> _Search:
    """Try until all cases have a solution in the same way; else the first way in which the first one has."""
    tried: list[tuple[str, str, str]] = []
    best: tuple[list[ACSolver], list[ACRun]] | None = None
    ever = [False] * len(cases)
    for attempt in ATTEMPTS:
        solvers = [ACSolver(case, attempt) for case in cases]
        runs = [solver.solve() for solver in solvers]
        tried.append((attempt.name, runs[0].said, runs[1].said if len(runs) == 2 else ""))
        ever = [was or run.flow is not None for was, run in zip(ever, runs, strict=True)]
        if all(run.flow is not None for run in runs):
            best = solvers, runs
            break
        if best is None or (runs[0].flow is not None and best[1][0].flow is None):
            best = solvers, runs
    assert best is not None
    return _Search(*best, tuple(tried), any(ever[1:]))


def _known_outages(
    solver: ACSolver, outages: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Sequence[str]], list[Finding]]:
    known: dict[str, Sequence[str]] = {}
    nothing = []
    for name, ids in outages.items():
        left = solver.elements(ids)
        if left:
            known[name] = left
        else:
            nothing.append(name)
    if not nothing:
        return known, []
    text = "outages of elements that are not in service, or of units that do not run, are not checked"
    found = f"{len(nothing)}, the first {nothing[0]}"
    return known, [Finding("grid.ac.outage.nothing", "outages", text, found, severity="info")]


def _states(grid: Grid, base: ACRun, after: Mapping[str, ACRun], compared: Mapping[str, ACRun] | None) -> pd.DataFrame:
    there = pd.Series(False, index=grid.buses.index) if base.flow is None else base.flow.voltage_pu.notna()
    rows = []
    for name, run in after.items():
        lost = 0 if run.flow is None else int((there & run.flow.voltage_pu.isna()).sum())
        before = "" if compared is None else _state(compared[name], base)
        rows.append((name, _state(run, base), before, lost))
    columns = ["contingency", "state", "state_before", "lost_buses"]
    return pd.DataFrame(rows, columns=columns).set_index("contingency")


def _state(run: ACRun, base: ACRun) -> str:
    if run.flow is None:
        return "not_solved"
    relaxed = base.attempt.reactive_limits and not run.attempt.reactive_limits
    return "without_reactive_limits" if relaxed else "solved"


def _without_solution(
    converged_before: bool | None, tried: tuple[tuple[str, str, str], ...], findings: list[Finding]
) -> ACResult:
    nothing = compare(violations(None, None, {}), violations(None, None, {}), None)
    states = pd.DataFrame(columns=["state", "state_before", "lost_buses"]).rename_axis("contingency")
    return ACResult(False, converged_before, "", tried, nothing, nothing.iloc[:0], states, None, tuple(findings))
