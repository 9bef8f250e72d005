"""From a program to a plan and a proof of how good it is.

A lower bound proven at any time stays valid: rows only remove plans. Where branch limits are added as solutions break
them, plans come from a search over sets of sites and the proof from branch and cut (`optimizer.solve.search`). The
solver's own integer search does both (`optimizer.solve.rounds`) where all rows stand from the beginning, where sites
are few, and where upgrades can be built: most whole decisions are then upgrades, which its own cuts handle better.
"""

from __future__ import annotations

from collections.abc import Callable

from optimizer.solve.found import Found, Limits
from optimizer.solve.program import SecureProgram
from optimizer.solve.rounds import find_by_rounds
from optimizer.solve.search import Search

MANY_SITES = 20
"""Sites from which on sets of them are searched; with fewer the solver's own search takes less time (unverified:
frontiers of small studies took 26 s one way and 17 s the other)."""

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
    return Search(program, limits, decided).run()
