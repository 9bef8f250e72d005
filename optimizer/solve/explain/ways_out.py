"""Ways out of a conflict: the least changes that leave a plan.

A way out lets the limits of one rule give way, by the least amount that leaves a plan, and is kept only if the case
changed by it has a plan in a program of its own. Where no single rule suffices, all rules give way together, each by a
share of its own size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from optimizer.solve.explain.conflict import FEW_BRANCHES, ORDER, Conflict
from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.least import (
    FEW_INTEGERS,
    GAP,
    LARGE_GAP,
    LIMIT,
    Change,
    least_seen,
    least_unseen,
    prices_of,
)
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import DEMAND, NETWORK, SITE, TIE
from optimizer.solve.explain.programs import Programs
from optimizer.solve.explain.question import KnownRows, seconds_from_now
from optimizer.solve.explain.unserved import least_unserved
from optimizer.solve.highs import Outcome

SEARCH_SHARE = 0.85
"""Share of a rule's time for the least change in a large network; the rest is for its proof [-] (unverified: a
choice)."""

COMPANIONS = {SITE: {TIE: 0.01}}
"""Rules that may give way beside another at a token price: a larger site may need a stronger tie [-]."""

STEPS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0)
"""Multiples of the relaxation's least change that are tried in turn for one that leaves a plan [-]."""

GENEROUS = (1.5, 4.0)
"""Multiples of what decisions in part need, no flow looked at, that are tried for a plan of a large network [-]
(unverified: a choice)."""

SIGNIFICANT_DIGITS = 4
"""Amounts are rounded up to so many digits, so that what is read suffices [-]."""


@dataclass(frozen=True)
class WayOut:
    """A change that leaves a plan.

    Parameters
    ----------
    amounts : dict of Limit to float
        How far each limit gives way, in its unit.
    is_proven : bool
        Whether the changed case was solved and has a plan. Otherwise time ran out: less does not do, more may be
        needed.
    least_share : float
        Share of the amounts that is shown to be needed; 0 where none is [-].
    """

    amounts: dict[Limit, float]
    is_proven: bool = True
    least_share: float = 1.0

    @property
    def rules(self) -> tuple[str, ...]:
        """Rules that give way."""
        return tuple(dict.fromkeys(limit.rule for limit in self.amounts))


def beyond_circuits(programs: Programs) -> tuple[WayOut, ...]:
    """Where circuits are on offer, the least by which load has to be less for them to carry it."""
    if not len(programs.case.circuits):
        return ()
    least = least_unserved(programs.case, programs.end, programs.asked)
    amounts = rounded(least.amounts)
    if not amounts or not programs.has_plan(amounts, KnownRows(), programs.end):
        return ()
    # After an outage that leaves a part without balance, what stands for unserved load would help to restore it.
    share = 0.0 if len(programs.case.outage_names) else least.least_share
    return (WayOut(amounts, least_share=share),)


class WaysOut:
    """The search for ways out of one conflict.

    Parameters
    ----------
    programs : Programs
        Of the case.
    program : ElasticProgram
        In which the conflict was found.
    conflict : Conflict
        Whose rules give way in turn.
    """

    def __init__(self, programs: Programs, program: ElasticProgram, conflict: Conflict) -> None:
        self.programs, self.program, self.conflict = programs, program, conflict
        self.known = KnownRows()
        self.deadline = programs.end

    def found(self) -> Iterator[WayOut]:
        """The least change of each rule in the conflict; where none suffices alone, one of all rules together."""
        alone, end = 0, self.programs.end
        rules = sorted({m.rule for m in self.conflict.members}, key=lambda r: -ORDER[r])
        for number, rule in enumerate(rules):
            # Each rule has its share of the time that is left, so that a hard one leaves some for the others; the first
            # has two, since what it learns of the network the others know.
            self.deadline, shares = end, len(rules) - number
            if shares > 1:
                self.deadline = self._part_of_time((2.0 if number == 0 else 1.0) / (shares + (number == 0)))
            way = self._of_rule({rule: 1.0, **COMPANIONS.get(rule, {})})
            if way is not None:
                alone += 1
                yield way
        self.deadline = end
        if not alone and not len(self.programs.case.circuits):
            together = self._by_steps(prices_of(self.programs.whole))
            if together is not None:
                yield together

    def _of_rule(self, prices: dict[str, float]) -> WayOut | None:
        """The least change of a rule; where the conflict is none of the network, first the one that the rest needs.

        That is less than what is needed or just enough, and found at once. Where it suffices nothing else is to be
        found.
        """
        if any(member.rule in NETWORK for member in self.conflict.members):
            if not set(NETWORK).isdisjoint(prices):
                return self._by_steps(prices)
            gap = LARGE_GAP if self._is_large() else GAP
            case, known = self.programs.case, self.known
            return self._proven(least_seen(self.programs.asked, case, prices, known, self.deadline, gap=gap))
        if self._is_large():
            return self._of_large(prices)
        self.program.program.deadline = self.deadline
        unseen = least_unseen(self.program, prices)
        if unseen.status != "found":
            return None
        amounts = rounded(unseen.amounts)
        case = self.programs.case
        if case.network is None or len(case.circuits):
            return self._without_factors(unseen)
        # Decisions that suit all but the network often suit it too.
        if self.programs.has_plan(amounts, self.known, self.deadline, unseen.decisions):
            return WayOut(amounts, least_share=unseen.least_share)
        floor = unseen.least_share * sum(prices[limit.rule] * mw for limit, mw in unseen.amounts.items())
        way = self._proven(least_seen(self.programs.asked, case, prices, self.known, self.deadline, floor))
        return WayOut(amounts, False) if way is None and self._is_late() else way

    def _of_large(self, prices: dict[str, float]) -> WayOut | None:
        """A way out in a large network: what is needed without it and half as much again, or near to the least."""
        self.program.program.deadline = self.deadline
        in_part, middle = LIMIT, self._part_of_time(SEARCH_SHARE)
        if self.program.case.network is None:
            # A program without a network answers in a second, from nothing, what one with it takes long for.
            self.program.program.highs.forget_basis()
            in_part = least_unseen(self.program, prices, in_part=True)
            if in_part.status == "none":
                return None
            is_whole = in_part.status == "found" and not in_part.amounts
            way = self._of_whole(prices) if is_whole else self._generous(in_part.amounts, middle)
            if way is not None:
                return way
        seen = least_seen(self.programs.asked, self.programs.case, prices, self.known, middle, gap=LARGE_GAP)
        if seen.status == "none":
            return None
        # What a plan that could not be proven needs is more than the least.
        least = seen.amounts if seen.status == "limit" and seen.amounts else in_part.amounts
        way = self._proven(seen) or self._generous(least, self.deadline)
        return WayOut(rounded(least), False) if way is None and least and self._is_late() else way

    def _of_whole(self, prices: dict[str, float]) -> WayOut | None:
        """The least change that whole decisions ask for and decisions in part do not, if the network carries it."""
        unseen = least_unseen(self.program, prices)
        amounts = rounded(unseen.amounts)
        for guess in (unseen.decisions, None) if amounts else ():
            if not self._is_late() and self.programs.has_plan(amounts, self.known, self.deadline, guess):
                return WayOut(amounts, least_share=unseen.least_share)
        return None

    def _generous(self, least: Mapping[Limit, float], deadline: float) -> WayOut | None:
        """More than decisions in part need, until a plan is found."""
        for step in GENEROUS if least else ():
            if seconds_from_now(0.0) >= deadline:
                break
            amounts = rounded({limit: self._at_most(limit, step * mw) for limit, mw in least.items()})
            if self.programs.has_plan(amounts, self.known, deadline):
                return WayOut(amounts, least_share=1.0 / step)
        return None

    def _is_large(self) -> bool:
        """Whether plans are searched with the factors of a large network."""
        return len(self.programs.case.branches) > FEW_BRANCHES and not len(self.programs.case.circuits)

    def _part_of_time(self, share: float) -> float:
        """Processor time when a share of what is left for a rule is gone [s]."""
        left = self.deadline - seconds_from_now(0.0)
        return seconds_from_now(share * left) if math.isfinite(left) else self.deadline

    def _at_most(self, limit: Limit, amount: float) -> float:
        """No more than there is of a target."""
        return min(amount, float(self.programs.case.demand_mw[limit.period])) if limit.rule == DEMAND else amount

    def _without_factors(self, unseen: Change) -> WayOut | None:
        """A way out of a case whose plans are not searched with factors: more and more of what the rest needs."""
        for step in STEPS:
            amounts = rounded({limit: step * amount for limit, amount in unseen.amounts.items()})
            suffices = self.programs.has_plan(amounts, self.known, self.deadline)
            if suffices:
                return WayOut(amounts, least_share=unseen.least_share / step)
            if suffices is None:
                break
        return WayOut(rounded(unseen.amounts), False) if self._is_late() else None

    def _proven(self, seen: Change) -> WayOut | None:
        """A way out whose changed case was solved by itself."""
        if seen.status != "found":
            return None
        amounts = rounded(seen.amounts)
        for guess in (seen.decisions, None):
            if amounts and self.programs.has_plan(amounts, self.known, self.deadline, guess):
                return WayOut(amounts, least_share=seen.least_share)
        return None

    def _by_steps(self, prices: dict[str, float]) -> WayOut | None:
        """The least change of rules, those of the network among them; ``None`` if there is none."""
        program = self.programs.whole
        program.program.deadline = self.deadline
        program.hold(lambda limit: limit.rule in prices, prices)
        if len(program.program.highs.integers) > FEW_INTEGERS:
            # What whole decisions ask for beyond the relaxation is found step by step where there are too many.
            amounts = self._amounts(program.relaxed())
            for step in STEPS if amounts else ():
                more = rounded({limit: step * amount for limit, amount in amounts.items()})
                if self.programs.has_plan(more, self.known, self.deadline):
                    return WayOut(more, least_share=1.0 / step)
        amounts = self._amounts(program.answer())
        return WayOut(amounts) if amounts and self.programs.has_plan(amounts, self.known, self.deadline) else None

    def _amounts(self, outcome: Outcome) -> dict[Limit, float]:
        return rounded(self.programs.whole.amounts()) if outcome.status == "optimal" else {}

    def _is_late(self) -> bool:
        return seconds_from_now(0.0) >= self.deadline


def rounded(amounts: dict[Limit, float]) -> dict[Limit, float]:
    """Amounts as they are read, none of them smaller."""
    return {limit: rounded_up(amount) for limit, amount in amounts.items()}


def rounded_up(amount: float) -> float:
    """The next number of few digits that is no smaller, but for rounding of the solver."""
    if amount <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(amount)) - SIGNIFICANT_DIGITS + 1)
    return float(np.round(math.ceil(amount / step - 1e-3) * step, 12))
