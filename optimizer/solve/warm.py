"""A search that begins where another plan ended, and goes on as any other where that is not good enough.

1. With the limits that held the other plan, the relaxation is solved from the other's basis: a bound of this program,
   proven by its own multipliers, although more limits may be broken.
2. If it is whole and breaks no limit, it is the plan. If not, the other plan's whole decisions are tried as they are.
3. The relaxation is solved until it breaks no limit.
4. The other plan's sites are kept and upgrades decided again.
5. Its sites, and those that the relaxation builds, are sized anew.

Each gives a plan only if it holds in this program. As soon as the gap to the bound is closed the search ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.loop import cleaned, find_plan, is_written_out, keep_whole, known_relaxation, search_on
from optimizer.solve.making_whole import MakingWhole
from optimizer.solve.program import SecureProgram
from optimizer.solve.standing import Standing
from optimizer.solve.start import Start, known_rows, whole_decisions

Floats = NDArray[np.float64]

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
    before = _by_column(whole_decisions(program, start), program)
    if relaxed.status == "optimal":
        _as_it_was(standing, compact, relaxed, before)
        if standing.is_done:
            return standing.found()
    relaxed = cleaned(standing, compact)
    if relaxed.status == "optimal" and not standing.is_done:
        _try_again(standing, compact, relaxed, before)
    return search_on(standing, compact, relaxed)


def _among(whole: MakingWhole, compact: Compact, relaxed: Outcome, before: Floats) -> Compact:
    """The program of the sites of the other plan, and of those that the relaxation builds."""
    values = compact.whole(relaxed.values)
    with whole.standing.booked("lp"):
        return whole.among(compact, np.maximum(values * (values > BUILT), before), 0.0)


def _as_it_was(standing: Standing, compact: Compact, relaxed: Outcome, before: Floats) -> None:
    """Try what the other plan decided, unless the relaxation decides it by itself."""
    keep_whole(standing, compact, relaxed)
    if standing.is_done:
        return
    whole = MakingWhole(standing)
    small = _among(whole, compact, relaxed, before)
    with standing.booked("repair"):
        columns = np.flatnonzero(small.integer)
        whole.attempt(small, columns, small.reduced(before)[columns])
    standing.program.log(f"from the plan given, as it was: {standing}")


def _try_again(standing: Standing, compact: Compact, relaxed: Outcome, before: Floats) -> None:
    """Try the other plan's sites, ever more freely, until the gap is closed."""
    whole = MakingWhole(standing)
    small = _among(whole, compact, relaxed, before)
    decisions = small.reduced(before)
    whole.secure(small, decisions)
    standing.program.log(f"from the plan given, same sites: {standing}")
    if not standing.is_done and len(whole.others(small)):
        outcome = whole.decide(small, whole.scaled(small, whole.upgrades(small), decisions))
        if len(outcome.values):
            small.cut(outcome.values, fully=True)
            whole.secure(small, outcome.values)
        standing.program.log(f"from the plan given, sized anew: {standing}")


def _by_column(integers: dict[int, float], program: SecureProgram) -> Floats:
    """Whole decisions by the columns of the whole program."""
    found = np.zeros(len(program.highs.own.cost))
    found[list(integers)] = list(integers.values())
    return found
