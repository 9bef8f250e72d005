"""A search that begins where another plan ended, and goes on as any other where that is not good enough.

1. With the limits that held the other plan, the relaxation is solved from the other's basis: a bound of this program,
   proven by its own multipliers, although more limits may be broken.
2. If it is whole and breaks no limit, it is the plan. If not, the other plan's whole decisions are tried as they are.
3. The relaxation is solved until it breaks no limit.
4. The other plan's sites are kept as they are and upgrades decided again.
5. Its sites are sized anew, with the ties and cooling that they have.
6. Its sites, and those that the relaxation builds, are decided anew.

Each gives a plan only if it holds in this program. As soon as the gap to the bound is closed the search ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.integer_rounds import BOUND_OPTIONS
from optimizer.solve.loop import cleaned, find_plan, is_written_out, keep_whole, known_relaxation, search_on
from optimizer.solve.making_whole import MIP_OPTIONS, MakingWhole
from optimizer.solve.openings import columns_of_other_ways
from optimizer.solve.program import RowKey, SecureProgram
from optimizer.solve.standing import Standing
from optimizer.solve.start import Start, known_rows, whole_decisions

Floats = NDArray[np.float64]

SIZE_OPTIONS = {**MIP_OPTIONS, **BOUND_OPTIONS}
"""Options of the search for sizes of sites that stay: with so little free, heuristics take longer than the rest of it
(docs/benchmarks.md)."""

BUILT = 0.3
"""Sites that the relaxation builds to more than this share are open beside those of the plan [-] (unverified)."""


def find_plan_from(
    start: Start | None, program: SecureProgram, limits: Limits, decided: Callable[[float], float]
) -> Found:
    """Find a secure plan and prove how good it is, from what another plan left if there is one.

    Parameters
    ----------
    start : Start, optional
        What a plan of this or another study left. It helps where there is a network that stays as it is.
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    case = program.case
    if start is None or not is_written_out(case):
        return find_plan(program, limits, decided)
    standing = Standing(program, limits, decided)
    compact, relaxed = known_relaxation(standing, known_rows(case, start.rows), start.basis)
    if relaxed.status == "optimal":
        keep_whole(standing, compact, relaxed)
    again = None
    if relaxed.status == "optimal" and not standing.is_done:
        again = _Again(standing, compact, relaxed, _by_column(whole_decisions(program, start), program))
        again.as_it_was()
    if standing.is_done:
        return standing.found()
    if relaxed.status != "infeasible":
        relaxed = cleaned(standing, compact)
    if again is not None and relaxed.status == "optimal" and not standing.is_done:
        again.more_freely(compact.keys)
    return search_on(standing, compact, relaxed)


class _Again:
    """The other plan's decisions in the program of its sites, and of those that the relaxation builds.

    Parameters
    ----------
    standing : Standing
        Best plan and bound, improved here.
    compact, relaxed
        As `known_relaxation` returns them.
    before : ndarray, shape (n_own,)
        Whole decisions of the other plan by the columns of the whole program.
    """

    def __init__(self, standing: Standing, compact: Compact, relaxed: Outcome, before: Floats) -> None:
        self.standing, self.whole, self.before = standing, MakingWhole(standing), before
        values = compact.whole(relaxed.values)
        with standing.booked("lp"):
            self.small = self.whole.among(compact, np.maximum(values * (values > BUILT), before), 0.0)
        self.decisions = self.small.reduced(before)

    def as_it_was(self) -> None:
        """Try what the other plan decided."""
        with self.standing.booked("repair"):
            columns = np.flatnonzero(self.small.integer)
            self.whole.attempt(self.small, columns, self.decisions[columns])
        self._log("as it was")

    def more_freely(self, keys: Iterable[RowKey]) -> None:
        """Try its sites, ever more freely, until the gap is closed.

        Parameters
        ----------
        keys : iterable of row keys
            Limits that were found since.
        """
        self.small.add(keys)
        self.whole.secure(self.small, self.decisions)
        self._log("same sites")
        if not len(self.whole.others(self.small)):
            return
        steps = ("sized anew", self._other_ways(), SIZE_OPTIONS), ("decided anew", np.empty(0, np.intp), MIP_OPTIONS)
        for what, closed, options in steps:
            if not self.standing.is_done:
                with self.small.without(closed):
                    self._decide(options)
                self._log(what)

    def _decide(self, options: Mapping[str, Any]) -> None:
        """Decide all but upgrades anew, at costs of these that suit the other plan."""
        small, whole = self.small, self.whole
        cost = whole.scaled(small, whole.upgrades(small), self.decisions)
        outcome = whole.decide(small, cost, options=options)
        if len(outcome.values):
            small.cut(outcome.values, fully=True)
            whole.secure(small, outcome.values)

    def _other_ways(self) -> NDArray[np.intp]:
        """Whole columns of sites, ties and cooling that the other plan does not use."""
        closed = columns_of_other_ways(self.standing.program, self.before)
        at = self.small.columns(np.flatnonzero(closed))
        return at[self.small.integer[at]]

    def _log(self, what: str) -> None:
        self.standing.program.log(f"from the plan given, {what}: {self.standing}")


def _by_column(integers: dict[int, float], program: SecureProgram) -> Floats:
    """Whole decisions by the columns of the whole program."""
    found = np.zeros(len(program.highs.own.cost))
    found[list(integers)] = list(integers.values())
    return found
