"""From a study to a plan: overloads before any load, the baseline, the plan, and the scenarios beside it."""

from __future__ import annotations

import time
from dataclasses import replace

from pyomo.common.gc_manager import PauseGC

from optimizer.config.earlier import earlier_name
from optimizer.config.firmness import scenario_name
from optimizer.errors import InfeasibleError, SolverError
from optimizer.objectives.cost import cost
from optimizer.plan.plan import Plan
from optimizer.progress import Progress, silent
from optimizer.solve.break_even import break_even
from optimizer.solve.compare import comparison_tables
from optimizer.solve.earlier import earlier_table
from optimizer.solve.explain.infeasible import explained
from optimizer.solve.firmness import firmness_table
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import Searched, search
from optimizer.solve.prepared import Prepared, Run, prepare, refuse_no_plan, settle
from optimizer.solve.start import Start, decisions_of, held_by, start_of
from optimizer.solve.tables import decisions, service
from optimizer.solve.tables.plan import summary_of, tables_of
from optimizer.study.case import Case
from optimizer.study.orbit import asks_break_even
from optimizer.study.precheck import refuse_infeasible
from optimizer.study.study import Study


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
    # Points of a curve differ from the plan in one number, so that it is a good place to begin.
    report = study.config.report
    curve = dict.fromkeys([*map(scenario_name, report.firmness), *map(earlier_name, report.earlier_months)], plan)
    beside = {name: _solve_one(study.scenario(name), progress, others.get(name, curve.get(name))) for name in names}
    assert plan.study is not None
    tables = {**plan.tables, **comparison_tables(_case_of(plan), plan, beside)}
    tables |= firmness_table(report.firmness, beside) | earlier_table(plan, beside)
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
    # Little of what a search makes is garbage in circles, and looking for it takes a fifth of a solve from a plan.
    with PauseGC():
        before = start_of(start)
        try:
            return _searched(study, progress, before)
        except (InfeasibleError, SolverError):
            # What a plan is known of is seldom ruled out beforehand: reasons are looked for where a search ended so.
            if before is not None:
                refuse_infeasible(study.case)
            raise


def _searched(study: Study, progress: Progress, before: Start | None) -> Plan:
    run = Run(study, progress)
    prepared = prepare(run, before)
    searched = search(run, prepared, [study.config.study.objective], Goal())
    refuse_no_plan(searched.status, searched.has_plan)
    plan = plan_of(run, prepared, searched)
    placed, upgrades = decisions_of(plan)
    left = replace(prepared.left, rows=held_by(searched.program), basis=searched.program.ended)
    plan = replace(plan, start=replace(left, placed=placed, upgrades=upgrades))
    if not asks_break_even(study.config):
        return plan
    progress("orbit", None, "launch price at which orbit breaks even")
    started = time.perf_counter()
    assert isinstance(plan.start, Start)
    found = break_even(study, prepared, searched, plan.start)
    seconds = {**plan.summary["seconds"], "orbit": time.perf_counter() - started}
    summary = {**plan.summary, "seconds": seconds, "break_even_launch_usd_per_kg": found.usd_per_kg}
    return replace(plan, summary=summary, findings=(*plan.findings, *found.findings()))


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
    settle(program, searched.integers)
    tables, operated, notes = tables_of(program, prepared.overloads, prepared.baseline)
    if len(case.demand_mw):
        tables |= decisions.candidate_tables(run.study)
        tables |= decisions.electricity_water_tables(run.study, case, tables)
        tables |= service.transfers_table(case, study.config.service, tables, study.rules.jurisdictions)
        tables |= decisions.rules_table(run.study, tables["sites"], tables["ties"])
        tables |= decisions.support_tables(run.study, tables["ties"])
        tables |= decisions.hall_tables(run.study, tables["sites"])
    summary = summary_of(run, study, prepared, searched, tables, operated)
    return Plan(summary, tables, (*study.findings, *notes), study.config, study, tuple(run.lines))
