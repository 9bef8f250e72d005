"""Whether a case has a plan at all, by a program of its own that is asked nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.objectives.cost import cost
from optimizer.objectives.totals import limit_totals
from optimizer.solve.explain.limit import Asked
from optimizer.solve.explain.slacks import cap_cost
from optimizer.solve.found import Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.loop import find_plan
from optimizer.solve.program import Clock, RowKey, SecureProgram
from optimizer.study.case import Case

ROUNDS = 60
"""Rounds of adding rows after which the question is left open."""

NOTHING = Asked()
"""Nothing is asked beside the case."""

WHOLE = 1e-6
"""Distance from a whole number that counts as whole [-]."""

NEAR_MW = 20.0
"""A limit with less room than this in a plan is looked at from the start in the next program [MW]."""

ANY_PLAN = Limits(0.5, ROUNDS)
"""When to stop where any plan will do."""


BEST = 1e-4
"""Gap of a plan that is the best of its kind [-] (unverified: the solver's own)."""

ANY = 0.05
"""Gap of a plan that is asked for only to know whether there is one: its cost still keeps flows in bounds [-]
(unverified: a choice)."""


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

    def of_case(self, case: Case) -> list[RowKey]:
        """Those that a case has: another may rate fewer branches, or look at fewer outages."""
        if case.network is None or len(case.circuits):
            return []
        outages = {"", *case.outage_names}
        column = {True: "rating_emergency_mw", False: "rating_mw"}
        return [
            k for k in self.keys if k[1] in outages and np.isfinite(float(case.branches.at[k[0], column[bool(k[1])]]))
        ]


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

    def answer(self, gap: float = BEST) -> Outcome:
        """A plan of whole decisions, or ``infeasible``, or ``limit`` where the question stays open.

        Parameters
        ----------
        gap : float
            Share of its objective by which it may be above the best, the best by default [-].
        """
        outcome = self.relaxed()
        if outcome.status != "optimal" or self.is_whole(outcome):
            return outcome
        self.program.highs.relax(False)
        with self.program.highs.options(mip_rel_gap=gap):
            return self.clean()

    def relaxed(self) -> Outcome:
        """Best plan of decisions in part."""
        self.program.highs.relax(True)
        return self.clean()

    def is_whole(self, outcome: Outcome) -> bool:
        """Whether a solution has whole decisions only."""
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
    no_others: bool = False,
) -> bool | None:
    """Whether a case has a plan, from a program of its own; ``None`` where the time was too short.

    Parameters
    ----------
    case : Case
        The case.
    deadline : float
        Processor time at which solves are stopped [s].
    asked : Asked
        What the plan must be beside.
    known : KnownRows, optional
        Limits to look at from the start; those that the plan is near to are added.
    guess : mapping of str to float, optional
        Whole decisions by the name of their variable, tried before any other.
    no_others : bool
        Leave it open where those leave no plan.
    """

    def prepare(m: pyo.ConcreteModel) -> Any:
        cap_cost(m, asked)
        return cost(m)

    def total(m: pyo.ConcreteModel) -> None:
        limit_totals(m, case, case.limits.totals)

    if any(without_supply(case)):
        return False
    program = SecureProgram(
        case,
        1,
        0,
        Clock(),
        lambda line: None,
        objective=prepare,
        deadline=deadline,
        extend=total,
        now=time.process_time,
    )
    known = KnownRows() if known is None else known
    program.expected = tuple(known.of_case(case))
    force(program, asked.built)
    if guess:
        program.add_rows(program.expected)
        if _is_plan(program, guess):
            known.learn(program)
            return True
        if no_others:
            return None
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


def without_supply(case: Case) -> Iterable[bool]:
    """Islands with load and neither a generator nor a campus: the model of such a case cannot even be written."""
    if case.network is None:
        return
    island = pd.Series(case.network.island, index=case.network.bus_ids)
    fed = {*island.reindex(case.generators["bus"].unique()), *island.reindex(case.ties["bus"].unique())}
    load = case.load_mw.abs().max(axis=1).groupby(island).max()
    yield from (float(mw) > 0 and i not in fed for i, mw in load.items())


def seconds_from_now(seconds: float) -> float:
    """Deadline so many seconds from now in processor time, of which other work takes none [s]."""
    return time.process_time() + seconds
