"""From a study to a plan: overloads before any load, the baseline, the plan, and the scenarios beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo

from optimizer.config.firmness import scenario_name
from optimizer.errors import Finding, InfeasibleError, SolverError
from optimizer.objectives.cost import cost
from optimizer.plan.plan import Plan
from optimizer.progress import Progress, silent
from optimizer.solve import extract, extract_service
from optimizer.solve.baseline import Baseline
from optimizer.solve.break_even import break_even_usd_per_kg
from optimizer.solve.compare import comparison_tables
from optimizer.solve.existing import baseline_digest, overloads_digest
from optimizer.solve.explain import explained
from optimizer.solve.firmness import firmness_table
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import Searched, search
from optimizer.solve.loop import LIMITED, Limits
from optimizer.solve.money import common_musd, decided_musd, without_new_load
from optimizer.solve.overloads import Overloads, find_overloads, no_overloads, refuse_overloads
from optimizer.solve.plan_tables import summary_of, tables_of
from optimizer.solve.program import Clock, RowKey, SecureProgram
from optimizer.solve.start import Kept, Start, decisions_of, held_by, known_rows, nothing, start_of
from optimizer.solve.warm import find_plan_from
from optimizer.study.case import Case
from optimizer.study.orbit import asks_break_even
from optimizer.study.precheck import refuse_infeasible
from optimizer.study.study import Study

Extend = Callable[[pyo.ConcreteModel], None]

PRICED_ROW = 1e-9
"""A row with a price above this in the baseline is worth building for the plan at once [M$/MW]."""

BASELINE_GAP = 3e-3
"""Gap of the baseline on its own objective [-]. Its plan is feasible, so what is left only makes D smaller and the
stated gap of the study larger: the safe side (unverified: a choice of speed)."""

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


def solve_study(study: Study, progress: Progress = silent, start: Plan | None = None) -> Plan:
    """Find a secure plan for a study and prove how good it is.

    Parameters
    ----------
    study : Study
        What is decided.
    progress : callable
        Told the stage and a line of text.
    start : Plan, optional
        A plan of a study like this one, to begin with: a hint to the search, never a part of its answer.

    Returns
    -------
    Plan
        With its tables, the plans of ``[report] compare`` beside it, and a summary as ``plan.json`` holds it.

    Raises
    ------
    InputError
        The study is refused, its grid is overloaded before any new load and it does not allow that, or `start` is the
        record of a solve that made no plan.
    InfeasibleError
        No plan satisfies every constraint.
    SolverError
        A limit was reached without a plan.
    """
    try:
        plan = _solve_one(study, progress, start)
    except InfeasibleError as error:
        raise explained(study, error, progress) from None
    names = study.config.report.compare
    if not names or study.config.demand is None:
        return plan
    others = {} if start is None else start.scenarios
    # Points of the curve differ from the plan in one number, so that it is a good place to begin.
    curve = dict.fromkeys(map(scenario_name, study.config.report.firmness), plan)
    beside = {name: _solve_one(study.scenario(name), progress, others.get(name, curve.get(name))) for name in names}
    assert plan.study is not None
    tables = {**plan.tables, **comparison_tables(_case_of(plan), plan, beside)}
    tables |= firmness_table(study.config.report.firmness, beside)
    seconds = dict(plan.summary["seconds"])
    seconds["compare"] = sum(sum(p.summary["seconds"].values()) for p in beside.values())
    return replace(plan, tables=tables, scenarios=beside, summary={**plan.summary, "seconds": seconds})


def _case_of(plan: Plan) -> Case:
    """The case that a plan solved, its overloads included."""
    assert plan.study is not None
    overloads = plan.tables.get("base_overloads")
    case = plan.study.case
    return case if overloads is None or overloads.empty else replace(case, base_overloads=overloads)


def _solve_one(study: Study, progress: Progress, start: Plan | None) -> Plan:
    before = start_of(start)
    run = Run(study, progress)
    prepared = prepare(run, before)
    searched = search(run, prepared, [study.config.study.objective], Goal())
    refuse_no_plan(searched.status, searched.has_plan)
    plan = plan_of(run, prepared, searched)
    placed, upgrades = decisions_of(plan)
    rows = held_by(searched.program)
    plan = replace(plan, start=replace(prepared.left, placed=placed, upgrades=upgrades, rows=rows))
    if not asks_break_even(study.config):
        return plan
    progress("orbit", None, "launch price at which orbit breaks even")
    started = time.perf_counter()
    price = break_even_usd_per_kg(study, prepared)
    seconds = {**plan.summary["seconds"], "orbit": time.perf_counter() - started}
    return replace(plan, summary={**plan.summary, "seconds": seconds, "break_even_launch_usd_per_kg": price})


def prepare(run: Run, start: Start | None = None) -> Prepared:
    """Find the overloads of the existing system and the baseline of a study.

    Parameters
    ----------
    run : Run
        Of the study.
    start : Start, optional
        What an earlier plan left.

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


def plan_of(run: Run, prepared: Prepared, searched: Searched, study: Study | None = None) -> Plan:
    """Settle the plan of a search and make its tables and summary.

    Parameters
    ----------
    run, prepared
        Of the study that was searched.
    searched : Searched
        The plan and what is proven of it.
    study : Study, optional
        The study of which it is the plan, where that is not the one of the run but differs from it in objective and
        limits on totals only.
    """
    study, case, program = study or run.study, prepared.case, searched.program
    if "net_present_value" not in searched.values and not searched.is_plain_cost:
        # Prices and dispatch are those of the least cost, whatever chose the whole decisions.
        program.highs.set_objective(cost(program.model))
    _settle(program, searched.integers)
    tables, operated, notes = tables_of(program, prepared.overloads, prepared.baseline)
    if len(case.demand_mw):
        tables |= extract.candidate_tables(run.study)
        tables |= extract.electricity_water_tables(run.study, case, tables)
        tables |= extract_service.transfers_table(case, study.config.service, tables)
        tables |= extract.rules_table(run.study, tables["sites"], tables["ties"])
    summary = summary_of(run, study, prepared, searched, tables, operated)
    return Plan(summary, tables, (*study.findings, *notes), study.config, study, tuple(run.lines))


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
    bare = without_new_load(case)
    program = run.program(bare, BASELINE_TIME)
    found = find_plan_from(None if start is None else start.bare, program, run.limits(BASELINE_GAP), abs)
    refuse_no_plan(found.status, bool(np.isfinite(found.objective)))
    _settle(program, found.integers)
    rows = tuple(key for key, row in program.limit_rows() if abs(program.highs.dual(row)) > PRICED_ROW)
    made = extract.decisions(bare, program.model)
    # Cost of the outputs as they are written, to the last decimal.
    cost_musd = float(extract.cost_table(bare, program.model)["cost_musd"].sum())
    baseline = Baseline(cost_musd, made.output_mw, made.upgrades, made.circuits, rows)
    ended = replace(nothing(), upgrades=made.upgrades, rows=held_by(program))
    # One that the time limit cut short would be better another time.
    kept = Kept(digest if found.status not in LIMITED else "", baseline)
    return replace(left, baseline=kept, bare=ended)


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


def _settle(program: SecureProgram, integers: Mapping[int, float]) -> None:
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
