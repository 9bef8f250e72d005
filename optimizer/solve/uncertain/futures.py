"""The futures of a study in the hands of the solver: each prepared as a study of its own, and one plan in each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyomo.environ as pyo

from optimizer.errors import InfeasibleError, InputError, SolverError
from optimizer.objectives.cost import cost
from optimizer.progress import Progress
from optimizer.solve.goal import Goal
from optimizer.solve.loop import Found, find_plan
from optimizer.solve.overloads import find_overloads
from optimizer.solve.prepared import Prepared, Run, prepare, settle
from optimizer.solve.program import RowKey, SecureProgram
from optimizer.solve.risk import Risk
from optimizer.solve.uncertain.first import (
    Early,
    FirstStage,
    Key,
    add_first_stage,
    amount_variables,
    amounts,
    exclude,
    first_stage_variables,
    fixing,
    hold_amounts,
    taken,
)
from optimizer.study.case import Case
from optimizer.study.futures import future_of, mean_case, refuse_different
from optimizer.study.precheck import named_findings
from optimizer.study.study import Study


@dataclass(eq=False)
class Future:
    """One future: its study, what searches of it start from, and the rows they have needed so far.

    Parameters
    ----------
    name : str
        Name of the scenario.
    probability : float
        Its probability [-].
    run : Run
        Clock, log and settings of its study.
    prepared : Prepared
        Its case, baseline and common cost.
    early : Early
        What of the upgrades is decided early.
    rows : dict of row key
        Rows that programs of it needed, in the order in which they came.
    """

    name: str
    probability: float
    run: Run
    prepared: Prepared
    early: Early
    rows: dict[RowKey, None] = field(default_factory=dict)

    @property
    def case(self) -> Case:
        """Labels and numbers."""
        return self.prepared.case


@dataclass(frozen=True, eq=False)
class Part:
    """A plan for one future, whole or not found.

    Parameters
    ----------
    found : Found
        Objective and bound [M$, or as weighted].
    chosen : FirstStage
        Its first stage; empty without a plan.
    program : SecureProgram
        In which it was found.
    """

    found: Found
    chosen: FirstStage
    program: SecureProgram

    @property
    def has_plan(self) -> bool:
        """Whether a plan was found."""
        return bool(np.isfinite(self.found.objective))


@dataclass(frozen=True)
class Wanted:
    """What is asked of a plan for one future.

    Parameters
    ----------
    gap : float
        Gap to prove [-].
    fixed : FirstStage, optional
        The first stage it must have.
    known : collection of FirstStage
        First stages it must not have.
    weight : float
        Weight of its cost in what is minimized [-].
    prices : mapping of key to float
        What each decision of the first stage costs beside that [M$].
    decided_musd : float
        What the decision can change of a weighted and priced objective: D of its gap [M$].
    """

    gap: float
    fixed: FirstStage | None = None
    known: Collection[FirstStage] = ()
    weight: float = 1.0
    prices: Mapping[Key, float] = field(default_factory=dict)
    decided_musd: float = 0.0


def extension(case: Case, early: Early, wanted: Wanted) -> Callable[[pyo.ConcreteModel], None]:
    """Return what adds the rows of a plan that is asked for to a composed model."""

    def add(m: pyo.ConcreteModel) -> None:
        Goal().extend(case)(m)
        add_first_stage(m, case, early)
        variables = first_stage_variables(m, case, early)
        if wanted.fixed is not None:
            fixing(wanted.fixed)(variables)
            hold_amounts(amount_variables(m, case), wanted.fixed)
        if wanted.known:
            exclude(m, variables, wanted.known)

    return add


def find_part(future: Future, wanted: Wanted) -> Part:
    """Find a plan for one future."""
    case, early = future.case, future.early
    future.run.restart()
    program = future.run.program(case, extend=extension(case, early, wanted))
    program.add_rows(future.rows)
    variables = first_stage_variables(program.model, case, early)
    decided: Callable[[float], float] = future.prepared.decided
    if wanted.weight != 1.0 or wanted.prices:
        # Composed with the cost, so that every variable that costs has its column, then given its own objective.
        priced = pyo.quicksum(price * variables[key] for key, price in wanted.prices.items() if price)
        program.highs.set_objective(wanted.weight * cost(program.model) + priced)
        decided = _constant(wanted.decided_musd)
    found = find_plan(program, future.run.limits(wanted.gap), decided)
    future.rows.update(dict.fromkeys(key for key, _ in program.limit_rows()))
    if not np.isfinite(found.objective):
        return Part(found, frozenset(), program)
    if wanted.fixed is not None:
        return Part(found, wanted.fixed, program)
    return Part(found, taken(variables, program.highs, found.integers) | _amounts(program, found), program)


def _amounts(program: SecureProgram, found: Found) -> FirstStage:
    """Amounts of a plan that is known by its whole decisions."""
    variables = amount_variables(program.model, program.case)
    if not variables:
        return frozenset()
    settle(program, found.integers)
    return amounts({place: float(variable.value or 0.0) for place, variable in variables.items()})


def _constant(value: float) -> Callable[[float], float]:
    return lambda objective: value


def early_periods(study: Study) -> tuple[int, ...]:
    """Periods up to which upgrades are decided early."""
    uncertainty = study.config.uncertainty
    assert uncertainty is not None
    periods = study.config.study.periods
    until = periods[0] if uncertainty.early_until is None else uncertainty.early_until
    return tuple(t for t in periods if t <= until)


def make_futures(study: Study, progress: Progress) -> tuple[Future, ...]:
    """Prepare every future of a study.

    Raises
    ------
    InputError
        The study is refused in some future, or its candidates differ between them.
    InfeasibleError
        Some future has no plan, each with its reason.
    SolverError
        A limit was reached before a baseline was found.
    """
    uncertainty = study.config.uncertainty
    assert uncertainty is not None
    undelayed = study.case.upgrades["ready"] - study.config.conditions.upgrade_delay_years
    early = Early(early_periods(study), undelayed)
    made, refused, infeasible = [], [], []
    for one in uncertainty.scenario:
        progress("prepare", None, f"scenario {one.name}")
        try:
            run = Run(future_of(study, one), progress)
            made.append(Future(one.name, one.probability, run, prepare(run), early))
        except InputError as error:
            refused += named_findings(error.findings, one.name)
        except InfeasibleError as error:
            infeasible += named_findings(error.findings, one.name)
    if refused:
        raise InputError(refused)
    if infeasible:
        raise InfeasibleError(infeasible)
    refuse_different([f.case for f in made], [f.name for f in made])
    for future in made:
        future.rows.update(dict.fromkeys(future.prepared.rows))
    return tuple(made)


def mean_future(study: Study, futures: tuple[Future, ...], progress: Progress) -> Future | None:
    """Prepare the future in which everything has its expected value; ``None`` where it has no plan."""
    base = study.override({"uncertainty": None, "report.compare": [], "conditions.withdrawn_generators": []})
    probability = np.array([f.probability for f in futures])
    case = mean_case(base.case, [f.case for f in futures], probability.tolist())
    run = Run(base, progress)
    if case.network is not None and base.config.security.base_overloads == "allow":
        try:
            table = find_overloads(case, run.threads, run.seed, run.clock, run.log).table
        except (InfeasibleError, SolverError):
            return None
        case = replace(case, base_overloads=table)
    prepared = replace(
        futures[0].prepared,
        case=case,
        overloads=None,
        baseline=None,
        common_musd=float(probability @ [f.prepared.common_musd + f.prepared.baseline_musd for f in futures]),
    )
    return Future("mean values", 1.0, run, prepared, futures[0].early)


def risk_of(study: Study, futures: tuple[Future, ...]) -> Risk:
    """How the costs of the futures become one figure."""
    uncertainty = study.config.uncertainty
    assert uncertainty is not None
    return Risk(np.array([f.probability for f in futures]), uncertainty.risk_weight, uncertainty.risk_level)
