"""Why a case has no plan: which limits cannot hold together, by how much, and the cheapest ways out.

A way out lets the limits of one rule give way, by the least amount that leaves a plan, and is kept only if the case
changed by it has a plan in a program of its own. Where no single rule suffices, all rules give way together, each by a
share of its own size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import Finding, InfeasibleError, SolverError
from optimizer.progress import Progress, silent
from optimizer.solve.explain.conflict import FEW_BRANCHES, ORDER, Conflict, minimal_conflict
from optimizer.solve.explain.elastic import ElasticProgram, without_network
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
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import COST, DEMAND, NETWORK, SITE, TIE, loosened, unit_of
from optimizer.solve.explain.question import NOTHING, KnownRows, has_plan, seconds_from_now
from optimizer.solve.explain.text import conflict_text, way_text
from optimizer.solve.explain.unserved import least_unserved
from optimizer.solve.highs import Outcome

if TYPE_CHECKING:
    from optimizer.study.case import Case
    from optimizer.study.study import Study

SECONDS = 80.0
"""Processor time given to an explanation; what is not known by then is left out and said (unverified: a choice) [s]."""

CONFLICT_SHARE = 0.5
"""Share of that time for the conflict; the rest is for ways out [-]."""

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


@dataclass(frozen=True)
class Explanation:
    """Why a case has no plan.

    Parameters
    ----------
    case : Case
        The case.
    conflict : Conflict, optional
        Limits that cannot hold together; ``None`` where none was found in time, or only circuits on offer are too few.
    ways_out : tuple of WayOut
        Each with the least amount; proven sufficient by solving the changed case, where the time was enough.
    sentences : dict of str to str
        What each rule of the conflict says, in the words of its constraint.
    """

    case: Case
    conflict: Conflict | None
    ways_out: tuple[WayOut, ...]
    sentences: dict[str, str] = field(default_factory=dict)

    @property
    def conflict_words(self) -> str:
        """The conflict in a sentence for each rule; empty where none was found."""
        return "" if self.conflict is None else conflict_text(self.case, self.conflict, self.sentences)

    @property
    def ways_words(self) -> list[str]:
        """Each way out in words; less than that does not do where it was not proven to suffice."""
        return [way_text(self.case, way.amounts) + _certainty(way) for way in self.ways_out]

    def findings(self) -> tuple[Finding, ...]:
        """The explanation as findings: the conflict first, then the ways out."""
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        ways = self.ways_words
        if self.conflict is None and not ways:
            return
        if self.conflict is None:
            where, remedies = "circuits", ["offer circuits or higher ratings towards what is left", *ways]
            text = "no plan exists: whatever is built of the circuits on offer, the network cannot carry all load"
        else:
            where, remedies = "conflict", ways
            what = "this cannot be" if len(self.sentences) == 1 else "these cannot hold together"
            text = f"no plan exists, because {what}: {self.conflict_words}".rstrip(".")
        remedy = "to have a plan, " + "; or ".join(remedies) if remedies else "change one of the limits named"
        yield Finding(f"solve.infeasible.{where}", "study", text, "", remedy)
        for way, words in zip(self.ways_out, ways, strict=True):
            rule = "solve.infeasible.way_out"
            message = "a plan exists once this gives way" if way.is_proven else "this has to give way at least so far"
            if len(way.amounts) > 1:
                yield Finding(rule, "study", message, remedy=words, severity="info")
                continue
            ((limit, amount),) = way.amounts.items()
            where = " ".join(filter(None, (limit.element, str(limit.period or ""), limit.snapshot))) or "study"
            yield Finding(rule, where, message, remedy=words, severity="info", value=amount, unit=unit_of(limit))


def _certainty(way: WayOut) -> str:
    """What is not known of a way out, in brackets; empty where it is the least."""
    if not way.is_proven:
        return " (at least: time ran out before a plan was found)"
    if way.least_share == 0.0:
        return " (enough; less may do)"
    return f" (enough; at least {way.least_share:.0%} of it is needed)" if way.least_share < 1.0 else ""


def explain(case: Case, seconds: float = SECONDS, asked: Asked = NOTHING) -> Explanation:
    """Explain why a case has no plan.

    Parameters
    ----------
    case : Case
        With the allowed overloads of the existing system.
    seconds : float
        Processor time after which what is not known is left out [s].
    asked : Asked
        What the plan must be beside.

    Returns
    -------
    Explanation
        Without a conflict if the case has a plan, or the time was too short to show that it has none.
    """
    if not ElasticProgram.possible(case):
        return Explanation(case, None, ())
    programs = _Programs(case, asked, seconds)
    program, conflict = programs.conflict()
    if conflict is None:
        return Explanation(case, None, programs.beyond_circuits())
    sentences = {m.rule: program.sentence(m.rule) for m in conflict.members}
    ways = sorted(_WaysOut(programs, program, conflict).found(), key=lambda way: _builds_nothing(case, way))
    return Explanation(case, conflict, tuple(ways), sentences)


class _Programs:
    """The programs that an explanation asks, made when they are needed."""

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

    def beyond_circuits(self) -> tuple[WayOut, ...]:
        """Where circuits are on offer, the least by which load has to be less for them to carry it."""
        if not len(self.case.circuits):
            return ()
        least = least_unserved(self.case, self.end, self.asked)
        amounts = rounded(least.amounts)
        if not amounts or not self.has_plan(amounts, KnownRows(), self.end):
            return ()
        # After an outage that leaves a part without balance, what stands for unserved load would help to restore it.
        share = 0.0 if len(self.case.outage_names) else least.least_share
        return (WayOut(amounts, least_share=share),)

    def has_plan(
        self, amounts: dict[Limit, float], known: KnownRows, deadline: float, guess: Mapping[str, float] | None = None
    ) -> bool | None:
        """Whether the case changed so far has a plan, from a program of its own; if guessed, of the guess only."""
        asked = replace(self.asked, most_musd=self.asked.most_musd + amounts.get(Limit(COST), 0.0))
        return has_plan(loosened(self.case, amounts), deadline, asked, known, guess, guess is not None)


def _builds_nothing(case: Case, way: WayOut) -> bool:
    """Whether a way out is to give up a target altogether: said last, it is always one."""
    return any(limit.rule == DEMAND and amount >= case.demand_mw[limit.period] for limit, amount in way.amounts.items())


class _WaysOut:
    """The search for ways out of one conflict.

    Parameters
    ----------
    programs : _Programs
        Of the case.
    program : ElasticProgram
        In which the conflict was found.
    conflict : Conflict
        Whose rules give way in turn.
    """

    def __init__(self, programs: _Programs, program: ElasticProgram, conflict: Conflict) -> None:
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


class ExplainedError(InfeasibleError):
    """A study has no plan, and why.

    Parameters
    ----------
    findings : sequence of Finding
        What was found before, and the explanation.
    explanation : Explanation
        The same for programs to read.
    """

    def __init__(self, findings: Sequence[Finding], explanation: Explanation) -> None:
        super().__init__(findings)
        self.explanation = explanation


def explained(study: Study, error: InfeasibleError, progress: Progress = silent) -> ExplainedError:
    """The error with the explanation of the study added to its findings.

    Parameters
    ----------
    study : Study
        Which has no plan.
    error : InfeasibleError
        As solving raised it.
    progress : callable
        Told the stage and a line of text.
    """
    progress("explain", None, "which limits cannot hold together")
    found = explain(_with_overloads(study))
    return ExplainedError([*error.findings, *found.findings()], found)


def _with_overloads(study: Study) -> Case:
    """The case with the overloads that it allows the existing system."""
    from optimizer.solve.overloads import find_overloads
    from optimizer.solve.program import Clock

    case = study.case
    if case.network is None or study.config.security.base_overloads != "allow":
        return case
    try:
        found = find_overloads(case, 1, study.config.solve.seed, Clock(), lambda line: None)
    except (InfeasibleError, SolverError):
        return case
    return replace(case, base_overloads=found.table)
