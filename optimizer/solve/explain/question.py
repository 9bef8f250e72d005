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
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.integer_rounds import IntegerRounds
from optimizer.solve.loop import cleaned, find_plan, is_written_out, keep_whole, known_relaxation, search_on
from optimizer.solve.making_whole import MakingWhole
from optimizer.solve.named_basis import NamedBasis
from optimizer.solve.program import Clock, RowKey, SecureProgram
from optimizer.solve.standing import Standing
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


MOST_ITERATIONS = 300
"""Iterations of the simplex method from where the last solve ended, after which a program is solved from nothing: where
other limits hold, those of the Texas example take up to 180, or 3,000 to 11,000 in 4 to 10 s, and from nothing 1 s with
presolve (docs/benchmarks.md)."""


class KnownRows:
    """Branch limits that bound a plan of a case before, in the order in which they were met, and where that ended.

    Attributes
    ----------
    keys : dict of row key to None
        The limits.
    basis : NamedBasis, optional
        Of the last relaxation of a case changed in some way.
    """

    def __init__(self) -> None:
        self.keys: dict[RowKey, None] = {}
        self.basis: NamedBasis | None = None

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
        for number in range(ROUNDS):
            if self.program.seconds_left() <= 0:
                break
            outcome = self.program.solve("explain") if number else self._solved()
            if outcome.status != "optimal":
                return outcome
            if not self.sees_network:
                self.program.highs.load(outcome.values)
                return outcome
            rows, _ = self.program.cut(outcome.values, True)
            if rows + self.after_cut() == 0:
                return outcome
        return Outcome("limit", outcome.objective, outcome.bound, outcome.values)

    def _solved(self) -> Outcome:
        """Solve what is set up now, from where the last solve ended if that is near, else from nothing."""
        highs = self.program.highs
        if not (highs.relaxed and highs.has_basis):
            return self.program.solve("explain")
        with highs.options(simplex_iteration_limit=MOST_ITERATIONS):
            outcome = self.program.solve("explain")
        if outcome.status != "limit" or self.program.seconds_left() <= 0:
            return outcome
        highs.forget_basis()
        return self.program.solve("explain")

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
        if _is_plan(program, guess, known):
            return True
        if no_others:
            return None
    found = _any_plan(program, known)
    if found.integers:
        known.learn_of_search(program)
    return {"infeasible": False, "limit_without_plan": None}.get(found.status, True)


def _any_plan(program: SecureProgram, known: KnownRows) -> Found:
    """The first plan of a program that is found, or that there is none.

    With flows written out the relaxation begins where the last one of such a program ended, and a plan is looked for
    among the sites that it uses before any is improved.
    """
    if not is_written_out(program.case):
        return find_plan(program, ANY_PLAN, any_decided)
    standing = Standing(program, ANY_PLAN, any_decided)
    compact, relaxed = known_relaxation(standing, (), known.basis)
    if relaxed.status == "optimal":
        relaxed = cleaned(standing, compact)
    if relaxed.status == "optimal":
        known.basis = program.ended
        keep_whole(standing, compact, relaxed)
        IntegerRounds(standing, compact).where_used(relaxed)
    return search_on(standing, compact, relaxed)


def any_decided(objective: float) -> float:
    """What the gap is a share of where any plan will do: a size that no plan's cost has [M$]."""
    return 1e12


def _is_plan(program: SecureProgram, guess: Mapping[str, float], known: KnownRows) -> bool:
    """Whether whole decisions leave a plan, as they are or with the upgrades that they need."""
    highs, upgrades = program.highs, set(program.upgrade_columns())
    names = {int(c): highs.variables[c].name for c in highs.integers}
    if not all(name in guess for c, name in names.items() if c not in upgrades):
        return False
    chosen = {c: guess[name] for c, name in names.items() if name in guess}
    if is_written_out(program.case):
        return _is_written_plan(program, chosen, known)
    highs.relax(True)
    program.add_rows(program.expected)
    program.fix({c: value for c, value in chosen.items() if c not in upgrades})
    outcome = program.solve_clean("explain", ROUNDS)
    if outcome.status == "optimal" and upgrades:
        program.fix({c: float(outcome.values[c] > WHOLE) for c in upgrades})
        outcome = program.solve_clean("explain", ROUNDS)
    program.free()
    if outcome.status == "optimal":
        known.learn(program)
    return outcome.status == "optimal"


def _is_written_plan(program: SecureProgram, chosen: Mapping[int, float], known: KnownRows) -> bool:
    """The same with flows written out, in the program of the sites that are built alone."""
    standing = Standing(program, ANY_PLAN, any_decided)
    whole = MakingWhole(standing)
    decided = np.zeros(len(program.highs.own.cost))
    decided[list(chosen)] = list(chosen.values())
    small = whole.of_used(program.expected, decided, 0.0)
    columns, values = np.flatnonzero(small.integer), small.reduced(decided)
    whole.attempt(small, columns, values[columns])
    if standing.best is None:
        whole.secure(small, values)
    if standing.best is None:
        return False
    known.keys.update(dict.fromkeys(standing.best.keys))
    return True


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
