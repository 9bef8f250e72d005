"""Uncertainty: one choice of sites for several futures, the least in mean cost and risk, with what is proven of it.

Sites and when they are built, their ties and cooling, supply on site, and early upgrades are decided before the future
is known; blocks with their contract demand and backup, curtailment, later upgrades, dispatch and shortfall after it
(`optimizer.solve.uncertain.first`). The objective is the mean
cost, beside the conditional value at risk where the study weighs it (`optimizer.solve.risk`). Every future must be
secure.

Small cases are solved in one program of all futures, large ones future by future; both prove a bound, and the plan in
each future is one of an ordinary study, made and checked as any other.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.progress import Progress, silent
from optimizer.solve.explain.infeasible import explained
from optimizer.solve.frontier import status_of
from optimizer.solve.lexicographic import Searched
from optimizer.solve.money import gap_of
from optimizer.solve.risk import Floats, Risk
from optimizer.solve.run import plan_of
from optimizer.solve.uncertain.decomposition import Decomposition
from optimizer.solve.uncertain.extensive import Extensive
from optimizer.solve.uncertain.first import FirstStage, first_stage_variables, without_idle_plans
from optimizer.solve.uncertain.futures import (
    Future,
    Part,
    Wanted,
    find_part,
    make_futures,
    mean_future,
    risk_of,
)
from optimizer.solve.uncertain.plans import PART_OF_GAP, Evaluation, Plans
from optimizer.study.study import Study

Method = Literal["extensive", "decomposition"]

LARGEST_EXTENSIVE = 3_000
"""Binary first-stage decisions times futures up to which all futures are solved in one program [-] (unverified: a
choice of speed, see docs/uncertainty.md)."""

STOCHASTIC, MEAN = "stochastic plan", "mean-value plan"
"""Names of plans in the table of regret; those of each future are named after it."""


@dataclass(frozen=True, eq=False)
class Uncertain:
    """One plan for several futures.

    Parameters
    ----------
    study : Study
        The study.
    method : str
        ``extensive`` (one program) or ``decomposition`` (future by future).
    futures : tuple of str
        Names of the scenarios.
    risk : Risk
        Probabilities, weight and level.
    status : str
        ``optimal``, ``gap_reached`` or ``limit_with_plan``.
    objective_musd, bound_musd, gap : float
        Mean and risk of the plan's costs, what no plan goes below [M$], and the gap between them [-].
    chosen : FirstStage
        What is decided before the future is known.
    plans : dict of str to Plan
        The plan in each future, by its name.
    costs_musd : dict of str to ndarray
        Costs under each future of the plan (`STOCHASTIC`), of that for mean values, and of each future's own best;
        infinite where a plan does not hold [M$].
    is_certain : dict of str to ndarray of bool
        Whether it is proven that a plan does not hold, where its cost is infinite.
    own_musd : ndarray, shape (n_future,)
        Least cost known in each future if it were known beforehand [M$].
    n_tried : int
        First stages tried.
    seconds : float
        Time taken [s].
    """

    study: Study
    method: Method
    futures: tuple[str, ...]
    risk: Risk
    status: str
    objective_musd: float
    bound_musd: float
    gap: float
    chosen: FirstStage
    plans: dict[str, Plan]
    costs_musd: Mapping[str, Floats]
    is_certain: Mapping[str, np.ndarray]
    own_musd: Floats
    n_tried: int
    seconds: float

    @property
    def expected_musd(self) -> float:
        """Expected cost of the plan [M$]."""
        return self.risk.mean(self.costs_musd[STOCHASTIC])

    @property
    def cvar_musd(self) -> float:
        """Conditional value at risk of the cost of the plan [M$]."""
        return self.risk.cvar(self.costs_musd[STOCHASTIC])

    @property
    def wait_and_see_musd(self) -> float:
        """Objective if the future were known before anything is decided [M$]."""
        return self.risk.of(self.own_musd)

    @property
    def perfect_information_musd(self) -> float:
        """Value of perfect information: what the objective would fall by if the future were known [M$]."""
        return max(self.objective_musd - self.wait_and_see_musd, 0.0)

    @property
    def mean_value_musd(self) -> float:
        """Objective of the plan for mean values under the futures; infinite if it does not hold in one [M$]."""
        return self.risk.of(self.costs_musd[MEAN]) if MEAN in self.costs_musd else float("inf")

    @property
    def stochastic_solution_musd(self) -> float:
        """Value of the stochastic solution: what it saves over the plan for mean values; infinite without one [M$]."""
        return max(self.mean_value_musd - self.objective_musd, 0.0)


def solve_uncertain(study: Study, progress: Progress = silent, method: Method | None = None) -> Uncertain:
    """Find one choice of sites for all futures of a study and prove how good it is.

    Parameters
    ----------
    study : Study
        With ``[uncertainty]``, its objective the cost; its time limit is for each search.
    progress : callable
        Told the stage and a line of text.
    method : str, optional
        ``extensive`` or ``decomposition``; by default chosen by size.

    Returns
    -------
    Uncertain

    Raises
    ------
    InputError
        The study has no futures, another objective than cost, or is refused in some future.
    InfeasibleError
        A future has no plan, or no choice of sites holds in all of them.
    SolverError
        A limit was reached without a plan.
    """
    started = time.perf_counter()
    _refuse(study, method)
    futures = make_futures(study, progress)
    plans = Plans(futures, risk_of(study, futures), study.config.solve.gap)
    own = _own_plans(plans, progress)
    named = _try_known(study, plans, own, progress)
    method = method or _method(plans)
    futures[0].run.log(f"{len(futures)} futures, {method}")
    limit_s = study.config.solve.time_limit_s
    ended = (Extensive if method == "extensive" else Decomposition)(plans).search(limit_s)
    if plans.best is None:
        _refuse_no_plan(ended)
    assert plans.best is not None
    best = plans.best if plans.best.is_whole else plans.evaluate(plans.best.chosen)
    return _result(study, plans, best, {STOCHASTIC: best, **named}, own, method, started)


def _refuse(study: Study, method: Method | None) -> None:
    findings = []
    if study.case.supply is not None and method == "decomposition":
        text = "scenario by scenario only what is built or not can be decided, not how much supply stands on a site"
        remedy = "leave the method open: all scenarios are then one program"
        findings.append(Finding("study.uncertainty.method", "supply", text, method, remedy))
    if study.config.uncertainty is None:
        text, remedy = "the study has no futures", "add [[uncertainty.scenario]] with a name and a probability"
        findings.append(Finding("study.uncertainty.none", "uncertainty", text, "", remedy))
    if study.config.study.objective != "cost":
        text, remedy = "under uncertainty the cost is minimized", 'use objective = "cost", with [limits] on the others'
        found = study.config.study.objective
        findings.append(Finding("study.uncertainty.objective", "study.objective", text, found, remedy))
    if len(study.circuits):
        text, remedy = "plans for several futures do not decide new circuits", "set [expansion] enabled = false"
        offered = f"{len(study.circuits)} circuits on offer"
        findings.append(Finding("study.uncertainty.circuits", "circuits", text, offered, remedy))
    if findings:
        raise InputError(findings)


def _method(plans: Plans) -> Method:
    """All futures in one program where that is small, or where amounts of supply are shared."""
    case = plans.futures[0].case
    if case.supply is not None:
        return "extensive"
    periods, early = len(case.periods), len(plans.futures[0].early.periods)
    binaries = (len(case.sites) + len(case.ties)) * periods + len(case.cooling) + len(case.upgrades) * early
    return "extensive" if binaries * len(plans.futures) <= LARGEST_EXTENSIVE else "decomposition"


def _own_plans(plans: Plans, progress: Progress) -> list[Part]:
    """Solve every future as if it were known; what it costs at least bounds all plans."""
    parts = []
    for future in plans.futures:
        progress("solve", None, f"scenario {future.name} alone")
        part = find_part(future, Wanted(PART_OF_GAP * plans.gap))
        if part.found.status == "infeasible":
            text = "no plan satisfies every constraint"
            finding = Finding("solve.infeasible", f"scenario {future.name}", text, "", "change the scenario")
            raise explained(future.run.study, InfeasibleError([finding]), progress)
        if not part.has_plan:
            _refuse_no_plan("limit")
        parts.append(part)
    plans.know_least([p.found.bound for p in parts])
    return parts


def _try_known(study: Study, plans: Plans, own: list[Part], progress: Progress) -> dict[str, Evaluation]:
    """Try the plan for mean values and each future's own in all futures."""
    named: dict[str, FirstStage] = {}
    middle = mean_future(study, plans.futures, progress)
    if middle is not None:
        progress("solve", None, "the future of mean values")
        part = find_part(middle, Wanted(PART_OF_GAP * plans.gap))
        if part.has_plan:
            named[MEAN] = _used(middle, part)
    for future, part in zip(plans.futures, own, strict=True):
        named[f"plan of {future.name}"] = _used(future, part)
    made: dict[str, Evaluation] = {}
    for name, chosen in named.items():
        progress("solve", None, f"{name} in every scenario")
        made[name] = plans.seen[chosen] if chosen in plans.seen else plans.evaluate(chosen)
    return made


def _used(future: Future, part: Part) -> FirstStage:
    variables = first_stage_variables(part.program.model, future.case, future.early)
    return without_idle_plans(part.program.model, variables, part.chosen)


def _refuse_no_plan(ended: str) -> None:
    if ended == "infeasible":
        text = "no choice of sites holds in every scenario, though each scenario has a plan of its own"
        remedy = "give [demand] penalty_musd_per_mw_year, or take decisions later: fewer early upgrades"
        raise InfeasibleError([Finding("solve.infeasible", "uncertainty", text, "", remedy)])
    text = "the time or round limit was reached before a plan was found"
    raise SolverError([Finding("solve.limit", "uncertainty", text, "", "raise [solve] time_limit_s or max_rounds")])


def _result(
    study: Study,
    plans: Plans,
    best: Evaluation,
    named: dict[str, Evaluation],
    own: list[Part],
    method: Method,
    started: float,
) -> Uncertain:
    objective = plans.risk.of(best.costs_musd)
    bound = min(plans.bound_musd, objective)
    gap = gap_of(objective, bound, plans.decided_musd(objective))
    # A plan of several futures is one of each: where it is better than what the future alone gave, it is its best.
    alone = np.array([p.found.objective for p in own])
    known = np.minimum.reduce([alone, *(e.costs_musd for e in plans.seen.values())])
    made = {f.name: _plan_in(f, part, float(plans.least_musd[i])) for i, (f, part) in enumerate(_pairs(plans, best))}
    return Uncertain(
        study=study,
        method=method,
        futures=tuple(f.name for f in plans.futures),
        risk=plans.risk,
        status=status_of(gap, plans.gap),
        objective_musd=objective,
        bound_musd=bound,
        gap=gap,
        chosen=best.chosen,
        plans=made,
        costs_musd={name: e.costs_musd for name, e in named.items()},
        is_certain={name: np.isinf(e.bounds_musd) for name, e in named.items()},
        own_musd=known,
        n_tried=len(plans.seen),
        seconds=time.perf_counter() - started,
    )


def _pairs(plans: Plans, best: Evaluation) -> list[tuple[Future, Part]]:
    return list(zip(plans.futures, best.parts, strict=True))


def _plan_in(future: Future, part: Part, least_musd: float) -> Plan:
    """Make the plan in one future; its bound is of all plans of that future, whatever their first stage."""
    found = part.found
    searched = Searched(
        found.status, part.program, True, found.integers, {"cost": found.objective}, {"cost": least_musd}, {"cost": {}}
    )
    plan = tidy_plan(plan_of(future.run, future.prepared, searched))
    status = status_of(float(plan.summary["gap"]), future.run.study.config.solve.gap)
    return replace(plan, summary={**plan.summary, "status": status})
