"""What every search of a study starts from: its run, the overloads before any load, and the baseline."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo

from optimizer.errors import Finding, InfeasibleError, SolverError
from optimizer.progress import Progress
from optimizer.solve.baseline import Baseline
from optimizer.solve.existing import baseline_digest, overloads_digest
from optimizer.solve.least_dropped import keep_least_dropped
from optimizer.solve.loop import LIMITED, Limits
from optimizer.solve.money import common_musd, decided_musd, without_new_load
from optimizer.solve.overloads import Overloads, find_overloads, no_overloads, refuse_overloads
from optimizer.solve.program import Clock, RowKey, SecureProgram
from optimizer.solve.start import Kept, Start, held_by, known_rows, nothing
from optimizer.solve.tables import decisions
from optimizer.solve.warm import find_plan_from
from optimizer.study.case import Case
from optimizer.study.precheck import refuse_infeasible
from optimizer.study.study import Study

Extend = Callable[[pyo.ConcreteModel], None]

PRICED_ROW = 1e-9
"""A row with a price above this in the baseline is worth building for the plan at once [M$/MW]."""

BASELINE_GAP = 3e-3
"""Gap of the baseline on its own objective [-]. Its plan is feasible, so what is left only makes D smaller and the
stated gap of the study larger: the safe side (unverified: a choice of speed)."""

MANY_OUTPUTS = 1_000
"""Decided outputs from which on the model of the bare system is looked for as garbage at once, which takes as long as
all objects of the process are many (unverified: a choice; the Texas example has 7,176)."""

BASELINE_TIME = 0.4
"""Share of the time limit after which the baseline's best plan is taken as it is, so that the study itself is solved
(unverified: a choice) [-]."""


class Run:
    """One solve of one study: its clock, log and settings.

    Parameters
    ----------
    study : Study
        What is decided.
    progress : callable
        Told the stage and a line of text.
    """

    def __init__(self, study: Study, progress: Progress) -> None:
        self.study, self.progress = study, progress
        self.clock = Clock()
        self.lines: list[str] = []
        settings = study.config.solve
        self.threads, self.seed = settings.threads, settings.seed
        self.started = time.perf_counter()

    def log(self, line: str) -> None:
        """Keep a line, and show it."""
        self.lines.append(line)
        self.progress("solve", None, line)

    def program(self, case: Case, share: float = 1.0, extend: Extend | None = None) -> SecureProgram:
        """A case in the hands of the solver, for a share of the time limit."""
        deadline = self.started + share * self.study.config.solve.time_limit_s
        return SecureProgram(case, self.threads, self.seed, self.clock, self.log, deadline=deadline, extend=extend)

    def restart(self) -> None:
        """Count the time limit from now."""
        self.started = time.perf_counter()

    def limits(self, gap: float) -> Limits:
        """When to stop."""
        return Limits(gap, self.study.config.solve.max_rounds)


@dataclass(frozen=True)
class Prepared:
    """What every search of a study starts from.

    Parameters
    ----------
    case : Case
        With the overloads that are allowed.
    overloads : Overloads, optional
        How they were found; ``None`` without a grid.
    baseline : Baseline, optional
        The same system without new load; ``None`` without a grid or without demand.
    common_musd : float
        What every plan pays wherever it builds [M$].
    start : Start, optional
        What an earlier plan left to the search.
    left : Start
        What the existing system leaves to the next solve: its figures, and where its search ended.
    """

    case: Case
    overloads: Overloads | None
    baseline: Baseline | None
    common_musd: float
    start: Start | None
    left: Start

    @property
    def baseline_musd(self) -> float:
        """Cost of the baseline, 0 without one [M$]."""
        return 0.0 if self.baseline is None else self.baseline.objective_musd

    @property
    def rows(self) -> tuple[RowKey, ...]:
        """Rows that are worth building at once; an earlier relaxation knows them better than the baseline does."""
        if self.baseline is None or (self.start is not None and self.start.rows):
            return ()
        return self.baseline.rows

    def decided(self, objective: float) -> float:
        """D of the gap as a function of the cost [M$]."""
        return decided_musd(self.case, objective, self.baseline_musd, self.common_musd)


def prepare(run: Run, start: Start | None = None) -> Prepared:
    """Find the overloads of the existing system and the baseline of a study.

    Parameters
    ----------
    run : Run
        Of the study.
    start : Start, optional
        What an earlier plan left. Reasons why no plan can exist are then not looked for beforehand.

    Raises
    ------
    InputError
        The grid is overloaded before any new load and the study does not allow that.
    InfeasibleError
        No plan can exist.
    SolverError
        A limit was reached before a baseline was found.
    """
    started = time.perf_counter()
    case = run.study.case
    run.clock.time("sites", started)
    if start is None:
        refuse_infeasible(case)
    left = nothing()
    overloads = _overloads(run, case, start)
    if overloads is not None:
        case = replace(case, base_overloads=overloads.value.table)
        left = replace(left, overloads=overloads)
    left = _with_baseline(run, case, start, left)
    found = None if overloads is None else overloads.value
    baseline = None if left.baseline is None else left.baseline.value
    return Prepared(case, found, baseline, common_musd(case), start, left)


def _overloads(run: Run, case: Case, start: Start | None) -> Kept[Overloads] | None:
    if case.network is None:
        return None
    if len(case.circuits):
        # What is overloaded now is what new circuits are for.
        return Kept("", no_overloads())
    run.progress("overloads", None, "limits of the existing system before any new load")
    kept = None if start is None else start.overloads
    if kept is not None and kept.digest == overloads_digest(case, not kept.value.table.empty):
        run.log("overloads: nothing that they rest on has changed")
    else:
        rows = () if start is None or start.bare is None else known_rows(case, start.bare.rows)
        found = find_overloads(case, run.threads, run.seed, run.clock, run.log, rows)
        kept = Kept(overloads_digest(case, not found.table.empty), found)
    if run.study.config.security.base_overloads == "refuse":
        refuse_overloads(kept.value)
    return kept


def _with_baseline(run: Run, case: Case, start: Start | None, left: Start) -> Start:
    """Add the baseline to what is left to the next solve, and where its search ended."""
    if case.network is None or not len(case.demand_mw):
        return left
    run.progress("baseline", None, "the same secure system without new load")
    digest = baseline_digest(case)
    if start is not None and start.baseline is not None and start.baseline.digest == digest:
        run.log("baseline: nothing that it rests on has changed")
        return replace(left, baseline=start.baseline, bare=start.bare)
    kept, ended = _searched_baseline(run, case, digest, None if start is None else start.bare)
    if start is None and len(case.generators) * len(case.periods) * len(case.snapshots) > MANY_OUTPUTS:
        # The model of the bare system is garbage in circles, and the search to come holds off looking for any; one
        # from a plan is soon over.
        gc.collect()
    return replace(left, baseline=kept, bare=ended)


def _searched_baseline(run: Run, case: Case, digest: str, start: Start | None) -> tuple[Kept[Baseline], Start]:
    """The baseline, and where its search ended."""
    bare = without_new_load(case)
    program = run.program(bare, BASELINE_TIME)
    found = find_plan_from(start, program, run.limits(BASELINE_GAP), abs)
    refuse_no_plan(found.status, bool(np.isfinite(found.objective)))
    settle(program, found.integers)
    rows = tuple(key for key, row in program.limit_rows() if abs(program.highs.dual(row)) > PRICED_ROW)
    made = decisions.decisions(bare, program.model)
    # Cost of the outputs as they are written, to the last decimal.
    cost_musd = float(decisions.cost_table(bare, program.model)["cost_musd"].sum())
    baseline = Baseline(cost_musd, made.output_mw, made.upgrades, made.circuits, rows)
    ended = replace(nothing(), upgrades=made.upgrades, rows=held_by(program), basis=program.ended)
    # One that the time limit cut short would be better another time.
    return Kept(digest if found.status not in LIMITED else "", baseline), ended


def refuse_no_plan(status: str, has_plan: bool) -> None:
    """Raise the error of a search that ended without a plan.

    Raises
    ------
    InfeasibleError
        No plan satisfies every constraint.
    SolverError
        A limit was reached without a plan.
    """
    if status == "infeasible":
        text = "no plan satisfies every constraint"
        remedy = "lower [demand] it_mw, allow more sites, upgrades or circuits, or loosen [limits]"
        raise InfeasibleError([Finding("solve.infeasible", "study", text, "", remedy)])
    if not has_plan:
        text = "the time or round limit was reached before a plan was found"
        raise SolverError([Finding("solve.limit", "study", text, "", "raise [solve] time_limit_s or max_rounds")])


def settle(program: SecureProgram, integers: Mapping[int, float]) -> None:
    """Solve the linear program with whole decisions fixed once more, cold: reported values and prices come from it."""
    program.highs.relax(True)
    program.fix(dict(integers))
    program.highs.forget_basis()
    program.deadline = np.inf
    outcome = program.solve_clean("settle", 50, everywhere=True)
    if outcome.status != "optimal":
        text = "the plan did not solve again with its decisions fixed"
        raise SolverError([Finding("solve.settle", "study", text, outcome.status)])
    program.highs.load(outcome.values)
    keep_least_dropped(program)
