"""From a program to a plan and a proof of how good it is.

A lower bound proven at any time stays valid: rows only remove plans. Where branch limits are added as solutions break
them, plans come from a search over sets of sites and the proof from branch and cut (`optimizer.solve.search`). The
solver's own integer search does both (`optimizer.solve.rounds`) where all rows stand from the beginning, where sites
are few, and where upgrades can be built: most whole decisions are then upgrades, which its own cuts handle better.
"""

from __future__ import annotations

from collections.abc import Callable

from optimizer.solve.found import Found, Limits
from optimizer.solve.money import gap_of
from optimizer.solve.program import SecureProgram
from optimizer.solve.rounds import find_by_rounds
from optimizer.solve.search import Search

MANY_SITES = 20
"""Sites from which on sets of them are searched; with fewer the solver's own search takes less time (unverified:
frontiers of small studies took 26 s one way and 17 s the other)."""

MANY_LIMITS = 50
"""Branch limits near the relaxation's solution from which on outage rows added at the nodes pay (unverified: the siting
benchmark has 105; a network of 40 buses on which the solver's own search is far faster has 2)."""

LIMITED = ("limit_with_plan", "limit_without_plan")
"""How a search ends that gave up: where the network hardly matters the solver's own cuts do better than branching."""

__all__ = ["Found", "Limits", "find_plan"]


def find_plan(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a secure plan and prove how good it is.

    Parameters
    ----------
    program : SecureProgram
        Composed, with or without rows of an earlier program.
    limits : Limits
        When to stop.
    decided : callable
        D of the gap as a function of the objective [M$]; increasing by at most the objective's own increase.
    """
    case = program.case
    if case.network is None or len(case.upgrades) or len(case.sites) < MANY_SITES:
        return find_by_rounds(program, limits, decided)
    found = Search(program, limits, decided).run(MANY_LIMITS)
    if found.status not in LIMITED or program.seconds_left() <= 0:
        return found
    return _better(found, find_by_rounds(program, limits, decided), limits, decided)


def _better(one: Found, other: Found, limits: Limits, decided: Callable[[float], float]) -> Found:
    """The better plan and the better bound of two searches of the same program."""
    if other.status == "infeasible" and not one.integers:
        return other
    best = one if one.objective <= other.objective else other
    bound = min(max(one.bound, other.bound), best.objective)
    if not best.integers:
        return Found(best.status, best.objective, bound, best.integers)
    gap = gap_of(best.objective, bound, decided(best.objective))
    status = ("optimal" if gap == 0.0 else "gap_reached") if gap <= limits.gap else "limit_with_plan"
    return Found(status, best.objective, bound, best.integers)
