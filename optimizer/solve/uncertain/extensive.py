"""All futures in one program: their parts side by side, the first stage the same in all.

Symbols
-------
C[i]  cost of future i [M$]
v     ``tail_starts_musd``  value at risk, from which the tail counts [M$]
r[i]  ``beyond_musd``       what the cost of future i is beyond it [M$]
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.algebra import constraint
from optimizer.formulation import compose, name_of, power_flow, security
from optimizer.formulation.security import looks
from optimizer.objectives.cost import cost
from optimizer.solve.highs import Outcome
from optimizer.solve.highs_model import HighsModel
from optimizer.solve.program import ROW_TOLERANCE_MW, ROWS_PER_BRANCH, ROWS_PER_SNAPSHOT
from optimizer.solve.uncertain.first import (
    FirstStage,
    amount_variables,
    amounts,
    first_stage_variables,
    taken,
    without_amounts,
)
from optimizer.solve.uncertain.futures import Future, Wanted, extension
from optimizer.solve.uncertain.plans import Plans

SOLVER_PART = 0.5
"""Share of the allowed gap at which an integer solve stops [-] (unverified: a choice; the rest is for what its plan
leaves to the plans of each future)."""


class Extensive:
    """The one program.

    Parameters
    ----------
    plans : Plans
        Futures, risk and gap; takes in plans and bounds.
    """

    def __init__(self, plans: Plans) -> None:
        started = time.perf_counter()
        self.plans, self.futures = plans, plans.futures
        self.run = plans.futures[0].run
        self.model = pyo.ConcreteModel(name="gridsite, all futures")
        self.children = [_child(f) for f in self.futures]
        for i, child in enumerate(self.children):
            self.model.add_component(f"future_{i}", child)
        self.variables = [
            first_stage_variables(m, f.case, f.early) for m, f in zip(self.children, self.futures, strict=True)
        ]
        self.amounts = [amount_variables(m, f.case) for m, f in zip(self.children, self.futures, strict=True)]
        _same_first_stage(self.model, self.variables)
        _same_amounts(self.model, self.amounts)
        _minimize(self.model, [cost(m) for m in self.children], plans)
        self.highs = HighsModel(self.model, self.run.threads, self.run.seed)
        self.deadline = np.inf
        self.run.clock.time("build", started)

    @property
    def n_rows(self) -> int:
        """Rows so far."""
        return self.highs.size[0]

    def search(self, seconds: float) -> str:
        """Alternate integer program and plans of each future until the gap is reached; return how it ended."""
        self.deadline = time.perf_counter() + seconds
        rounds = self.run.study.config.solve.max_rounds
        self.highs.relax(True)
        outcome = self._clean(rounds)
        if outcome.status == "infeasible":
            return "infeasible"
        if outcome.status != "optimal":
            return "limit"
        self.plans.raise_bound(outcome.objective)
        self.highs.relax(False)
        part, tried = SOLVER_PART, set[FirstStage]()
        for number in range(1, rounds + 1):
            if self.plans.is_done or self._seconds_left() <= 0:
                break
            outcome = self._whole(part)
            if outcome.status == "infeasible":
                return "infeasible"
            self.plans.raise_bound(outcome.bound)
            if not len(outcome.values):
                continue
            rows = self._cut(outcome.values, everywhere=True)
            chosen = self._chosen(outcome)
            # Amounts differ from round to round where nothing else does.
            known = without_amounts(chosen) in tried and not rows
            tried.add(without_amounts(chosen))
            if chosen not in self.plans.seen and not known:
                self.plans.evaluate(chosen, gap=None if part else 0.0)
            elif not rows and part:
                # The program is clean and its plan known: what is missing is proof to the end.
                part = 0.0
                tried.clear()
                self.plans.evaluate(chosen, gap=0.0)
            elif not rows:
                break
            self.plans.raise_bound(outcome.bound)
            self.run.log(
                f"all futures, round {number}: plan {self.plans.objective_musd:.4f} M$, "
                f"bound {self.plans.bound_musd:.4f} M$, {rows} rows added"
            )
        return "done" if self.plans.is_done else "limit"

    def _chosen(self, outcome: Outcome) -> FirstStage:
        integers = {int(c): float(round(outcome.values[c])) for c in self.highs.integers}
        columns = {place: self.highs.column(v) for place, v in self.amounts[0].items() if self.highs.has(v)}
        made = amounts({place: float(outcome.values[column]) for place, column in columns.items()})
        return taken(self.variables[0], self.highs, integers) | made

    def _seconds_left(self) -> float:
        return self.deadline - time.perf_counter()

    def _solve(self, stage: str) -> Outcome:
        started = time.perf_counter()
        outcome = self.highs.solve(max(self._seconds_left(), 0.1))
        self.run.clock.time(stage, started)
        return outcome

    def _whole(self, part: float) -> Outcome:
        allowed = self.plans.gap * max(self.plans.decided_musd(self.plans.bound_musd), 0.0)
        self.highs.set_options(mip_abs_gap=max(part * allowed, 1e-9), mip_rel_gap=0.0)
        return self._solve("mip")

    def _clean(self, most_rounds: int) -> Outcome:
        for _ in range(most_rounds):
            outcome = self._solve("lp")
            if outcome.status != "optimal" or not self._cut(outcome.values, everywhere=False):
                return outcome
        return Outcome("limit", outcome.objective, outcome.bound, outcome.values)

    def _cut(self, values: np.ndarray, everywhere: bool) -> int:
        """Add the rows that a solution breaks in any future; return how many."""
        started = time.perf_counter()
        self.highs.load(values)
        caps = ROWS_PER_BRANCH, ROWS_PER_SNAPSHOT
        pairs = [(m, future.case) for m, future in zip(self.children, self.futures, strict=True)]
        rows: list[Any] = []
        for m, case in ((m, case) for m, case in pairs if case.network is not None):
            own: list[Any] = []
            for names, broken in looks(case, m, ROW_TOLERANCE_MW, caps, everywhere):
                for part in (p for p in (power_flow, security) if name_of(p) in names):
                    own += part.cut(m.component(name_of(part)), case, m, broken).rows
                if own:
                    break
            rows += own
        self.highs.add_rows(rows)
        self.run.clock.time("screen", started)
        return len(rows)


def _child(future: Future) -> pyo.ConcreteModel:
    m = compose(future.case, cost)
    extension(future.case, future.early, Wanted(0.0))(m)
    m.objective.deactivate()
    for branch, outage, t, h, side in future.rows:
        if outage:
            security.row_of(m.security, future.case, m, branch, outage, t, h, side)
        else:
            power_flow.flow_of(m.power_flow, future.case, branch, t, h)
            m.power_flow.rating_rows.add(branch, t, h, side)
    return m


def _same_first_stage(m: pyo.ConcreteModel, variables: list[dict[Any, Any]]) -> None:
    first, rest = variables[0], range(1, len(variables))

    @constraint(m, rest, range(len(first)))
    def same_first_stage(b: Any, i: int, k: int) -> Any:
        """What is decided before the future is known is the same in every future.

        x[k,i] = x[k,0]
        """
        key = list(first)[k]
        return variables[i][key] == first[key]


def _same_amounts(m: pyo.ConcreteModel, variables: list[dict[Any, Any]]) -> None:
    first, rest = list(variables[0].items()), range(1, len(variables))

    @constraint(m, rest, range(len(first)))
    def same_supply(b: Any, i: int, k: int) -> Any:
        """Supply on site that is installed before the future is known is the same in every future.

        K[s,q,t,i] = K[s,q,t,0], and so the energy that storage holds
        """
        place, variable = first[k]
        return variables[i][place] == variable


def _minimize(m: pyo.ConcreteModel, costs: list[Any], plans: Plans) -> None:
    risk, futures = plans.risk, range(len(costs))
    mean = pyo.quicksum(float(risk.probability[i]) * costs[i] for i in futures)
    if not risk.weight:
        m.objective = pyo.Objective(expr=mean)
        return
    m.tail_starts_musd = pyo.Var()
    m.beyond_musd = pyo.Var(futures, domain=pyo.NonNegativeReals)

    @constraint(m, futures)
    def beyond_the_value_at_risk(b: Any, i: int) -> Any:
        """What a future costs beyond the value at risk counts in the tail.

        r[i] >= C[i] - v
        """
        return m.beyond_musd[i] >= costs[i] - m.tail_starts_musd

    share = {i: float(risk.probability[i]) / (1.0 - risk.level) for i in futures}
    tail = m.tail_starts_musd + pyo.quicksum(share[i] * m.beyond_musd[i] for i in futures)
    m.objective = pyo.Objective(expr=(1.0 - risk.weight) * mean + risk.weight * tail)
