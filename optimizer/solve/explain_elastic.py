"""A program whose limits can give way, and whether it has a plan with some of them held.

Limits are held and let go by the bounds of their slack variables, in place. Rows on demand are added as solutions
break them, so that "there is a plan" always means a plan that breaks no limit on any branch and after any outage, and
"there is none" rests on rows that every plan must satisfy.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import RowsOnDemand
from optimizer.formulation import power_flow
from optimizer.objectives.cost import cost
from optimizer.objectives.totals import limit_totals
from optimizer.solve import explain_limits as of
from optimizer.solve.explain_limits import NETWORK, Asked, Limit, wide_case
from optimizer.solve.explain_part_slacks import real_shares
from optimizer.solve.explain_slacks import Slack, Slacks, cap_cost, give_way
from optimizer.solve.found import Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.loop import find_plan
from optimizer.solve.program import ROW_TOLERANCE_MW, Clock, RowKey, SecureProgram
from optimizer.study.case import Case

ROUNDS = 60
"""Rounds of adding rows after which the question is left open."""

NOTHING = Asked()
"""Nothing is asked beside the case."""

WHOLE = 1e-6
"""Distance from a whole number that counts as whole [-]."""

NEAR_MW = 20.0
"""A limit with less room than this in a plan is looked at from the start in the next program [MW]."""

COST_SHARE = 1e-4
"""Weight of a M$ of a plan's cost beside the lowest price of what gives way: it only leads the relaxation to flows that
break few limits, and is far below what would change an amount [-] (unverified: a choice)."""

ANY_PLAN = Limits(0.5, ROUNDS)
"""When to stop where any plan will do."""


class KnownRows:
    """Branch limits that bound a plan of a case before, in the order in which they were met."""

    def __init__(self) -> None:
        self.keys: dict[RowKey, None] = {}

    def learn(self, program: SecureProgram) -> None:
        """Add the limits that the last solution of a program is near to."""
        rows = program.limit_rows()
        room = program.highs.rows_room([row for _, row in rows])
        self.keys.update((key, None) for (key, _), mw in zip(rows, room.tolist(), strict=True) if mw <= NEAR_MW)

    def learn_of_search(self, program: SecureProgram) -> None:
        """Add the limits near the relaxation of a program that was searched, and those that bind its plan."""
        self.keys.update(dict.fromkeys([*program.held, *(key for key, _ in program.limit_rows())]))


class Question:
    """A program that is asked whether it has a plan.

    Parameters
    ----------
    program : SecureProgram
        Composed; its objective is what is minimized.
    """

    def __init__(self, program: SecureProgram) -> None:
        self.program = program
        self.sees_network = True

    def after_cut(self) -> int:
        """Add what `SecureProgram.cut` does not look for; return how many rows."""
        return 0

    def clean(self) -> Outcome:
        """Solve the linear or integer program as it is bounded now until the solution breaks no limit."""
        outcome = Outcome("limit", np.inf, -np.inf, np.empty(0))
        for _ in range(ROUNDS):
            if self.program.seconds_left() <= 0:
                break
            outcome = self.program.solve("explain")
            if outcome.status != "optimal":
                return outcome
            if not self.sees_network:
                self.program.highs.load(outcome.values)
                return outcome
            rows, _ = self.program.cut(outcome.values, True)
            if rows + self.after_cut() == 0:
                return outcome
        return Outcome("limit", outcome.objective, outcome.bound, outcome.values)

    def answer(self) -> Outcome:
        """Best plan of whole decisions: ``optimal``, ``infeasible``, or ``limit`` where the question stays open."""
        outcome = self.relaxed()
        if outcome.status != "optimal" or self._is_whole(outcome):
            return outcome
        self.program.highs.relax(False)
        return self.clean()

    def relaxed(self) -> Outcome:
        """Best plan of decisions in part."""
        self.program.highs.relax(True)
        return self.clean()

    def _is_whole(self, outcome: Outcome) -> bool:
        values = outcome.values[self.program.highs.integers]
        return bool(np.all(np.abs(values - np.round(values)) <= WHOLE))


def force(program: SecureProgram, built: Iterable[str]) -> None:
    """Hold some sites built by the last period."""
    for s in built:
        build = program.model.siting.build[s, program.case.periods.index[-1]]
        build.setlb(1.0)
        program.highs.set_bounds({program.highs.column(build): (1.0, 1.0)})


def has_plan(
    case: Case,
    deadline: float = np.inf,
    asked: Asked = NOTHING,
    known: KnownRows | None = None,
    guess: Mapping[str, float] | None = None,
) -> bool | None:
    """Whether a case has a plan, from a program of its own; ``None`` where the time was too short.

    Parameters
    ----------
    case : Case
        The case.
    deadline : float
        Value of the performance counter at which solves are stopped [s].
    asked : Asked
        What the plan must be beside.
    known : KnownRows, optional
        Limits to look at from the start; those that the plan is near to are added.
    guess : mapping of str to float, optional
        Whole decisions by the name of their variable, tried before any other.
    """

    def prepare(m: pyo.ConcreteModel) -> Any:
        cap_cost(m, asked)
        return cost(m)

    def total(m: pyo.ConcreteModel) -> None:
        limit_totals(m, case, case.limits.totals)

    if any(_without_supply(case)):
        return False
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None, objective=prepare, deadline=deadline, extend=total)
    known = KnownRows() if known is None else known
    program.expected = tuple(_of_case(case, known.keys)) if case.network is not None else ()
    force(program, asked.built)
    if guess:
        program.add_rows(program.expected)
        if _is_plan(program, guess):
            known.learn(program)
            return True
    # Any plan will do: the gap is one of a size that no plan's cost has.
    found = find_plan(program, ANY_PLAN, lambda objective: 1e12)
    if found.integers:
        known.learn_of_search(program)
    return {"infeasible": False, "limit_without_plan": None}.get(found.status, True)


def _is_plan(program: SecureProgram, guess: Mapping[str, float]) -> bool:
    """Whether whole decisions leave a plan, with every network upgrade that they use a part of."""
    highs, upgrades = program.highs, set(program.upgrade_columns())
    names = {int(c): highs.variables[c].name for c in highs.integers if c not in upgrades}
    if not all(name in guess for name in names.values()):
        return False
    highs.relax(True)
    program.fix({c: guess[name] for c, name in names.items()})
    outcome = program.solve_clean("explain", ROUNDS)
    if outcome.status == "optimal" and upgrades:
        program.fix({c: float(outcome.values[c] > WHOLE) for c in upgrades})
        outcome = program.solve_clean("explain", ROUNDS)
    program.free()
    return outcome.status == "optimal"


def _of_case(case: Case, keys: Iterable[RowKey]) -> list[RowKey]:
    """Those of some limits that a case has: another may rate fewer branches, or look at fewer outages."""
    outages = {"", *case.outage_names}
    column = {True: "rating_emergency_mw", False: "rating_mw"}
    return [k for k in keys if k[1] in outages and np.isfinite(float(case.branches.at[k[0], column[bool(k[1])]]))]


def _without_supply(case: Case) -> Iterable[bool]:
    """Islands with load and neither a generator nor a campus: the model of such a case cannot even be written."""
    if case.network is None:
        return
    island = pd.Series(case.network.island, index=case.network.bus_ids)
    fed = {*island.reindex(case.generators["bus"].unique()), *island.reindex(case.ties["bus"].unique())}
    load = case.load_mw.abs().max(axis=1).groupby(island).max()
    yield from (float(mw) > 0 and i not in fed for i, mw in load.items())


class ElasticProgram(Question):
    """A case whose limits give way where they are let go.

    Parameters
    ----------
    case : Case
        With the allowed overloads of the existing system.
    deadline : float
        Value of the performance counter at which solves are stopped [s].
    asked : Asked
        What a plan must be beside.
    """

    def __init__(self, case: Case, deadline: float = np.inf, asked: Asked = NOTHING) -> None:
        self.case = case
        made: list[Slacks] = []

        def prepare(m: pyo.ConcreteModel) -> Any:
            limit_totals(m, case, case.limits.totals)
            made.append(give_way(m, case))
            cap_cost(m, asked, made[0])
            return cost(m)

        program = SecureProgram(
            wide_case(case), 1, 0, Clock(), lambda line: None, objective=prepare, elastic=True, deadline=deadline
        )
        super().__init__(program)
        force(program, asked.built)
        self.asked = asked
        self.slacks = made[0].by_limit
        self._cost, _ = program.highs.costs()
        self._free: Callable[[Limit], bool] = lambda limit: False
        self._costs: Mapping[str, float] = {}

    @classmethod
    def possible(cls, case: Case) -> bool:
        """Whether the program of a case can be written at all."""
        return not any(_without_supply(case))

    def sentence(self, rule: str) -> str:
        """What a rule says: the first sentence of its constraint's docstring."""
        block, _, name = rule.partition(".")
        text: str = self.program.model.component(block).component(name).doc
        return " ".join(text.partition("\n\n")[0].split())

    def limits(self) -> dict[Limit, list[Slack]]:
        """Every limit so far; those of branches come with their rows."""
        for (branch, outage, h), allowance in self.program.model.limits.overload_mw.items():
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
        highs = self.program.highs
        bounds: dict[int, tuple[float, float]] = {}
        costs = np.zeros(len(highs.variables))
        if self.sees_network:
            costs[: len(self._cost)] = self._cost * (COST_SHARE * min(self._costs.values()) if self._costs else 1.0)
        for limit, slacks in self.limits().items():
            for slack in slacks:
                if not highs.has(slack.variable):
                    continue
                column, base = highs.column(slack.variable), float(slack.variable.lb or 0.0)
                most = math.inf if slack.variable.ub is None else float(slack.variable.ub)
                bounds[column] = (base, most if self._free(limit) else base)
                costs[column] += self._costs.get(limit.rule, 0.0) * slack.weight
        highs.set_bounds(bounds)
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
        return {"optimal": True, "infeasible": False}.get(self.answer().status)

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


def seconds_from_now(seconds: float) -> float:
    """Deadline so many seconds from now, by the performance counter [s]."""
    return time.perf_counter() + seconds
