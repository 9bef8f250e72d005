"""A search that begins where another plan ended, and goes on as any other where that is not good enough.

1. With the limits that held the other plan, the relaxation is solved until it breaks no limit: a bound of this program,
   proven by its own multipliers.
2. The other plan's whole decisions are tried as they are.
3. Its sites are kept and upgrades decided again.
4. Its sites, and those that the relaxation builds, are sized anew.

Each gives a plan only if it holds in this program. As soon as the gap to the bound is closed the search ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.loop import find_plan, is_written_out, relaxation, search_on
from optimizer.solve.making_whole import MakingWhole
from optimizer.solve.program import SecureProgram
from optimizer.solve.standing import Standing
from optimizer.solve.start import Start, known_rows, whole_decisions

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
    compact, relaxed = relaxation(standing, known_rows(case, start.rows))
    if relaxed.status == "optimal":
        _try_again(standing, compact, relaxed, start)
    return search_on(standing, compact, relaxed)


def _try_again(standing: Standing, compact: Compact, relaxed: Outcome, start: Start) -> None:
    """Try what the other plan decided, ever more freely, until the gap is closed."""
    whole = MakingWhole(standing)
    before = _by_column(whole_decisions(standing.program, start), standing.program)
    values = compact.whole(relaxed.values)
    with standing.booked("lp"):
        small = whole.among(compact, np.maximum(values * (values > BUILT), before), 0.0)
    decisions = small.reduced(before)
    with standing.booked("repair"):
        columns = np.flatnonzero(small.integer)
        whole.attempt(small, columns, decisions[columns])
    standing.program.log(f"from the plan given, as it was: {standing}")
    if not standing.is_done:
        whole.secure(small, decisions)
        standing.program.log(f"from the plan given, same sites: {standing}")
    if not standing.is_done and len(whole.others(small)):
        outcome = whole.decide(small, whole.scaled(small, whole.upgrades(small), decisions))
        if len(outcome.values):
            small.cut(outcome.values, fully=True)
            whole.secure(small, outcome.values)
        standing.program.log(f"from the plan given, sized anew: {standing}")


def _by_column(integers: dict[int, float], program: SecureProgram) -> NDArray[np.float64]:
    """Whole decisions by the columns of the whole program."""
    found = np.zeros(len(program.highs.own.cost))
    found[list(integers)] = list(integers.values())
    return found
