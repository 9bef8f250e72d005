"""A program whose limits can give way, and whether it has a plan with some of them held.

Limits are held and let go by the bounds of their slack variables, in place. Rows on demand are added as solutions
break them, so that "there is a plan" always means a plan that breaks no limit on any branch and after any outage, and
"there is none" rests on rows that every plan must satisfy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.algebra import RowsOnDemand
from optimizer.formulation import power_flow
from optimizer.grid.joint import JointSet
from optimizer.objectives.cost import cost
from optimizer.objectives.totals import limit_totals
from optimizer.solve.explain import limits as of
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import NETWORK, wide_case
from optimizer.solve.explain.part_slacks import real_shares
from optimizer.solve.explain.question import ANY, NOTHING, Question, force, without_supply
from optimizer.solve.explain.slack import Slack, Slacks
from optimizer.solve.explain.slacks import cap_cost, give_way
from optimizer.solve.program import ROW_TOLERANCE_MW, Clock, SecureProgram
from optimizer.study.case import Case
from optimizer.study.circuits import Expansion

COST_SHARE = 1e-4
"""Weight of a M$ of a plan's cost beside the lowest price of what gives way: it only leads the relaxation to flows that
break few limits, and is far below what would change an amount [-] (unverified: a choice)."""

WITH_DISPATCH = ("cost", "net_present_value")
"""Objectives that count what generators cost."""


class ElasticProgram(Question):
    """A case whose limits give way where they are let go.

    Parameters
    ----------
    case : Case
        With the allowed overloads of the existing system.
    deadline : float
        Processor time at which solves are stopped [s].
    asked : Asked
        What a plan must be beside.
    rules : collection of str, optional
        Rules outside the network whose limits can give way; those of branches then stand as the case has them. Default:
        all rules, those of the network included.
    """

    def __init__(
        self,
        case: Case,
        deadline: float = np.inf,
        asked: Asked = NOTHING,
        rules: Collection[str] | None = None,
    ) -> None:
        self.case = case
        made: list[Slacks] = []

        def prepare(m: pyo.ConcreteModel) -> Any:
            limit_totals(m, case, case.limits.totals)
            made.append(give_way(m, case, rules))
            cap_cost(m, asked, made[0])
            if rules is not None:
                made[0].close(rules)
            return cost(m)

        wide = wide_case(case, rules is None)
        program = SecureProgram(
            wide,
            1,
            0,
            Clock(),
            lambda line: None,
            objective=prepare,
            elastic=rules is None,
            deadline=deadline,
            now=time.process_time,
        )
        super().__init__(program)
        force(program, asked.built)
        self.asked = asked
        self.slacks = made[0].by_limit
        self._cost, _ = program.highs.costs()
        self._free: Callable[[Limit], bool] = lambda limit: False
        self._costs: Mapping[str, float] = {}
        self._columns = _Columns(self)

    @classmethod
    def possible(cls, case: Case) -> bool:
        """Whether the program of a case can be written at all."""
        return not any(without_supply(case))

    def sentence(self, rule: str) -> str:
        """What a rule says: the first sentence of its constraint's docstring."""
        block, _, name = rule.partition(".")
        text: str = self.program.model.component(block).component(name).doc
        return " ".join(text.partition("\n\n")[0].split())

    def limits(self) -> dict[Limit, list[Slack]]:
        """Every limit so far; those of branches come with their rows."""
        allowances = self.program.model.limits.component("overload_mw")
        for (branch, outage, h), allowance in () if allowances is None else allowances.items():
            limit = Limit(of.EMERGENCY if outage else of.NORMAL, branch, 0, h, outage)
            if limit not in self.slacks:
                self.slacks[limit] = [Slack(allowance)]
        return self.slacks

    def hold(
        self, free: Callable[[Limit], bool], costs: Mapping[str, float] | None = None, sees_network: bool = True
    ) -> None:
        """Hold every limit but those let go, and minimize how far those give way.

        Parameters
        ----------
        free : callable
            Tells which limits are let go.
        costs : mapping of rule to float, optional
            Price of a unit by which a limit of the rule gives way; nothing is minimized without it.
        sees_network : bool
            Whether flows are looked at; not where no limit on them is held.
        """
        self.sees_network = sees_network
        self._free, self._costs = free, costs or {}
        self._apply()

    def _apply(self) -> None:
        highs, by = self.program.highs, self._columns
        by.update()
        costs = np.zeros(len(highs.variables))
        if self.sees_network:
            costs[: len(self._cost)] = self._cost * (COST_SHARE * min(self._costs.values()) if self._costs else 1.0)
        free = np.array([self._free(limit) for limit in by.limits], dtype=bool)[by.limit]
        price = np.array([self._costs.get(limit.rule, 0.0) for limit in by.limits], dtype=float)[by.limit]
        np.add.at(costs, by.column, price * by.weight)
        upper = np.where(free, by.most, by.base)
        highs.set_bounds(dict(zip(by.column.tolist(), zip(by.base.tolist(), upper.tolist(), strict=True), strict=True)))
        highs.set_costs(costs)

    def after_cut(self) -> int:
        """Add the angle limits that the solution breaks, and hold the limits that came with new rows."""
        rows: list[Any] = []
        if self.case.network is not None:
            rows = self._angle_rows()
            self.program.highs.add_rows(rows)
        self._apply()
        return len(rows)

    def _angle_rows(self) -> list[Any]:
        model, branches = self.program.model, self.case.branches
        family: RowsOnDemand = model.explanation.angle_rows
        low, high = branches["flow_min_mw"].to_numpy(), branches["flow_max_mw"].to_numpy()
        rows: list[Any] = []
        for (t, h), flow in power_flow.flows(self.program.case, model).items():
            for side, excess in ((1, flow - high), (-1, low - flow)):
                for position in np.flatnonzero(excess > ROW_TOLERANCE_MW):
                    branch = str(branches.index[position])
                    rows += power_flow.flow_of(model.power_flow, self.program.case, branch, t, h)
                    row = family.add(branch, t, h, side)
                    rows += [] if row is None else [row]
        return rows

    def is_possible(self, free: Callable[[Limit], bool], sees_network: bool = True) -> bool | None:
        """Whether there is a plan with only some limits let go; ``None`` where the time was too short."""
        self.hold(free, sees_network=sees_network)
        return {"optimal": True, "infeasible": False}.get(self.answer(ANY).status)

    def decisions(self) -> dict[str, float]:
        """Whole decisions of the solution that the model holds, by the name of their variable."""
        variables = [self.program.highs.variables[c] for c in self.program.highs.integers]
        return {v.name: float(round(v.value or 0.0)) for v in variables}

    def stand(self, limits: Iterable[Limit]) -> None:
        """Build the rows of limits of single branches in every period, so that holding them needs no look at flows."""
        model, case, T = self.program.model, self.program.case, list(self.case.periods.index)
        single = [limit for limit in limits if limit.rule in NETWORK and limit.element]
        rated = [limit for limit in single if limit.rule != of.ANGLE]
        self.program.add_rows((m.element, m.outage, t, m.snapshot, side) for m in rated for t in T for side in (1, -1))
        rows: list[Any] = []
        for limit in single:
            for t, h in case.load_mw.columns if limit.rule == of.ANGLE else ():
                rows += power_flow.flow_of(model.power_flow, case, limit.element, t, h)
                added = (model.explanation.angle_rows.add(limit.element, t, h, side) for side in (1, -1))
                rows += [row for row in added if row is not None]
        self.program.highs.add_rows(rows)

    def conflict(self) -> frozenset[Limit]:
        """Limits that the multipliers of the program just found infeasible rest on.

        They are a conflict up to rounding, to be confirmed by holding them alone. Empty if only whole decisions make
        the program infeasible, or the solver has no multipliers.
        """
        highs = self.program.highs
        used = highs.columns_of_ray() if highs.relaxed else frozenset()
        return frozenset(
            limit
            for limit, slacks in self.limits().items()
            if any(highs.has(s.variable) and highs.column(s.variable) in used for s in slacks)
        )

    def amounts(self) -> dict[Limit, float]:
        """How far each limit gives way in the solution that the model holds, in its unit."""
        found: dict[Limit, float] = {}
        for limit, slacks in self.slacks.items():
            given = [(float(s.variable.value or 0.0) - float(s.variable.lb or 0.0)) * s.weight for s in slacks]
            amount = sum(given)
            if amount > 1e-6 * max(1.0, max(s.weight for s in slacks)):
                found[limit] = amount
        if Limit(of.SUBSTATION) in found:
            found[Limit(of.SUBSTATION)] = 100 * (self._largest_substation_share() - self._substation_share())
        return real_shares(self.program.model, self.case, found)

    def _substation_share(self) -> float:
        return float(self.case.limits.share_per_substation or 0.0)

    def _largest_substation_share(self) -> float:
        from optimizer.formulation.policy import points_of_substation

        drawn, points = self.program.model.interconnection.new_load_mw, points_of_substation(self.case)
        largest = 0.0
        for t in self.case.periods.index:
            for h in self.case.snapshots.index:
                here = [sum(drawn[n, t, h].value or 0.0 for n in buses) for buses in points.values()]
                largest = max(largest, max(here) / sum(here) if sum(here) > 0 else 0.0)
        return largest


class _Columns:
    """Columns of the slacks of a program and what they may be, at hand as arrays: limits are held hundreds of times."""

    def __init__(self, program: ElasticProgram) -> None:
        self._program = program
        self._size = (-1, -1)
        self.limits: list[Limit] = []

    def update(self) -> None:
        """Read them again if limits or columns came since."""
        highs, slacks = self._program.program.highs, self._program.limits()
        size = (len(slacks), len(highs.variables))
        if size == self._size:
            return
        self._size, self.limits = size, list(slacks)
        there = [(i, s) for i, limit in enumerate(slacks) for s in slacks[limit] if highs.has(s.variable)]
        self.limit = np.array([i for i, _ in there], dtype=np.intp)
        self.column = np.array([highs.column(s.variable) for _, s in there], dtype=np.intp)
        self.weight = np.array([s.weight for _, s in there], dtype=float)
        self.base = np.array([float(s.variable.lb or 0.0) for _, s in there], dtype=float)
        ends = [s.variable.ub for _, s in there]
        self.most = np.array([math.inf if end is None else float(end) for end in ends], dtype=float)


def without_network(case: Case) -> Case:
    """The case as if its network carried everything and cost nothing.

    What has no plan here has none: only rows and columns of the network are left out, and limits that the cost of
    running it counts in. A plan here is one of the case with every limit of the network and of generators let go.
    """
    totals = {name: limit for name, limit in case.limits.totals.items() if name not in WITH_DISPATCH}
    return replace(
        case,
        network=None,
        upgrades=case.upgrades.iloc[:0],
        outages=None,
        joint=JointSet(),
        expansion=Expansion(),
        limits=replace(case.limits, totals=totals),
    )
