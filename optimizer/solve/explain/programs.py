"""The programs that an explanation asks, and how much time each of them has."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from optimizer.solve.explain.conflict import Conflict, minimal_conflict
from optimizer.solve.explain.elastic import ElasticProgram, without_network
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import COST, loosened
from optimizer.solve.explain.question import KnownRows, has_plan, seconds_from_now

if TYPE_CHECKING:
    from optimizer.study.case import Case

CONFLICT_SHARE = 0.5
"""Share of an explanation's time for the conflict; the rest is for ways out [-]."""


class Programs:
    """The programs that an explanation of one case asks, made when they are needed.

    Parameters
    ----------
    case : Case
        Without a plan.
    asked : Asked
        What a plan must be beside.
    seconds : float
        Processor time of the explanation [s].
    """

    def __init__(self, case: Case, asked: Asked, seconds: float) -> None:
        self.case, self.asked = case, asked
        self.end = seconds_from_now(seconds)
        self.middle = seconds_from_now(CONFLICT_SHARE * seconds)

    @cached_property
    def whole(self) -> ElasticProgram:
        """Of the case."""
        return ElasticProgram(self.case, self.middle, self.asked)

    def conflict(self) -> tuple[ElasticProgram, Conflict | None]:
        """A minimal conflict, and the program it was found in: one without the network where that has no plan."""
        if self.case.network is not None and len(self.case.demand_mw):
            # What a plan may cost counts the network.
            own = ElasticProgram(without_network(self.case), self.middle, replace(self.asked, most_musd=math.inf))
            conflict = minimal_conflict(own)
            if conflict is not None:
                return own, conflict
        # Limits that give way are those of factors, which do not apply where circuits are decided.
        return self.whole, None if len(self.case.circuits) else minimal_conflict(self.whole)

    def has_plan(
        self, amounts: dict[Limit, float], known: KnownRows, deadline: float, guess: Mapping[str, float] | None = None
    ) -> bool | None:
        """Whether the case changed so far has a plan, from a program of its own; if guessed, of the guess only."""
        asked = replace(self.asked, most_musd=self.asked.most_musd + amounts.get(Limit(COST), 0.0))
        return has_plan(loosened(self.case, amounts), deadline, asked, known, guess, guess is not None)
