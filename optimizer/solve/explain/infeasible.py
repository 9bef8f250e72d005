"""Why a case has no plan: which limits cannot hold together, by how much, and the cheapest ways out.

A way out lets the limits of one rule give way, by the least amount that leaves a plan, and is kept only if the case
changed by it has a plan in a program of its own. Where no single rule suffices, all rules give way together, each by a
share of its own size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from optimizer.errors import Finding, InfeasibleError, SolverError
from optimizer.progress import Progress, silent
from optimizer.solve.explain.conflict import ORDER, Conflict, minimal_conflict
from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.limits import COST, DEMAND, NETWORK, SITE, TIE, UNITS, Asked, Limit, loosened
from optimizer.solve.explain.question import NOTHING, KnownRows, has_plan, seconds_from_now
from optimizer.solve.explain.text import conflict_text, size_of, way_text
from optimizer.solve.highs import Outcome

if TYPE_CHECKING:
    from optimizer.study.case import Case
    from optimizer.study.study import Study

SECONDS = 75.0
"""Wall time given to an explanation; what is not known by then is left out and said (unverified: a choice) [s]."""

CONFLICT_SHARE = 0.5
"""Share of that time for the conflict; the rest is for ways out [-]."""

COMPANIONS = {SITE: {TIE: 0.01}}
"""Rules that may give way beside another at a token price: a larger site may need a stronger tie [-]."""

FEW_INTEGERS = 2000
"""Whole decisions up to which the least change is found among them, not from the relaxation (unverified: a choice)."""

STEPS = (1.0, 1.02, 1.05, 1.1, 1.2, 1.5, 2.0)
"""Multiples of the relaxation's least change that are tried in turn for one that leaves a plan [-]."""

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
        Share of the amounts that is shown to be needed [-].
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
        Limits that cannot hold together; ``None`` where none was found in time.
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
        if self.conflict is None:
            return
        what = "this cannot be" if len(self.sentences) == 1 else "these cannot hold together"
        text = f"no plan exists, because {what}: {self.conflict_words}".rstrip(".")
        remedies = self.ways_words
        remedy = "to have a plan, " + "; or ".join(remedies) if remedies else "change one of the limits named"
        yield Finding("solve.infeasible.conflict", "study", text, "", remedy)
        for way, words in zip(self.ways_out, remedies, strict=True):
            rule = "solve.infeasible.way_out"
            message = "a plan exists once this gives way" if way.is_proven else "this has to give way at least so far"
            if len(way.amounts) > 1:
                yield Finding(rule, "study", message, remedy=words, severity="info")
                continue
            ((limit, amount),) = way.amounts.items()
            where = " ".join(filter(None, (limit.element, str(limit.period or ""), limit.snapshot))) or "study"
            yield Finding(rule, where, message, remedy=words, severity="info", value=amount, unit=limit.unit)


def _certainty(way: WayOut) -> str:
    """What is not known of a way out, in brackets; empty where it is the least."""
    if not way.is_proven:
        return " (at least: time ran out before a plan was found)"
    return f" (enough; at least {way.least_share:.0%} of it is needed)" if way.least_share < 1.0 else ""


def explain(case: Case, seconds: float = SECONDS, asked: Asked = NOTHING) -> Explanation:
    """Explain why a case has no plan.

    Parameters
    ----------
    case : Case
        With the allowed overloads of the existing system.
    seconds : float
        Wall time after which what is not known is left out [s].
    asked : Asked
        What the plan must be beside.

    Returns
    -------
    Explanation
        Without a conflict if the case has a plan, or the time was too short to show that it has none.
    """
    # Limits that give way are those of factors, which do not apply where circuits are decided.
    if len(case.circuits) or not ElasticProgram.possible(case):
        return Explanation(case, None, ())
    end = seconds_from_now(seconds)
    program = ElasticProgram(case, seconds_from_now(CONFLICT_SHARE * seconds), asked)
    conflict = minimal_conflict(program)
    if conflict is None:
        return Explanation(case, None, ())
    program.program.deadline = end
    sentences = {m.rule: program.sentence(m.rule) for m in conflict.members}
    ways = sorted(_ways_out(program, conflict), key=lambda way: _builds_nothing(case, way))
    return Explanation(case, conflict, tuple(ways), sentences)


def _builds_nothing(case: Case, way: WayOut) -> bool:
    """Whether a way out is to give up a target altogether: said last, it is always one."""
    return any(limit.rule == DEMAND and amount >= case.demand_mw[limit.period] for limit, amount in way.amounts.items())


def _ways_out(program: ElasticProgram, conflict: Conflict) -> Iterator[WayOut]:
    """The least change of each rule in the conflict; where none suffices alone, one of all rules together."""
    alone, end, known = 0, program.program.deadline, KnownRows()
    rules = sorted({m.rule for m in conflict.members}, key=lambda r: -ORDER[r])
    for number, rule in enumerate(rules):
        # Each rule has its share of the time that is left, so that a hard one leaves some for the others.
        left = end - seconds_from_now(0.0)
        program.program.deadline = seconds_from_now(left / (len(rules) - number)) if math.isfinite(left) else end
        way = _least_seen_first(program, conflict, {rule: 1.0, **COMPANIONS.get(rule, {})}, known)
        if way is not None:
            alone += 1
            yield way
    program.program.deadline = end
    if not alone:
        together = _least(program, _prices(program), known)
        if together is not None:
            yield together


def _prices(program: ElasticProgram) -> dict[str, float]:
    """Price of every rule's unit that makes rules comparable: one over the size of its largest limit."""
    sizes: dict[str, float] = {}
    for limit in program.limits():
        size = size_of(program.case, limit)
        sizes[limit.rule] = max(sizes.get(limit.rule, 1.0), size if math.isfinite(size) else 1.0)
    return {rule: 1.0 / sizes.get(rule, 1.0) for rule in UNITS}


def _least(program: ElasticProgram, prices: dict[str, float], known: KnownRows) -> WayOut | None:
    """The least change of some rules that leaves a plan, proven to suffice; ``None`` if there is none."""
    program.hold(lambda limit: limit.rule in prices, prices)
    if len(program.program.highs.integers) > FEW_INTEGERS:
        # What whole decisions ask for beyond the relaxation is found step by step where there are too many of them.
        amounts = _amounts(program, program.relaxed())
        for step in STEPS if amounts else ():
            more = {limit: rounded_up(step * amount) for limit, amount in amounts.items()}
            if _suffices(program, more, known):
                return WayOut(more, least_share=1.0 / step)
    amounts = _amounts(program, program.answer())
    return WayOut(amounts) if amounts and _suffices(program, amounts, known) else None


def _least_seen_first(
    program: ElasticProgram, conflict: Conflict, prices: dict[str, float], known: KnownRows
) -> WayOut | None:
    """The least change of a rule; where the conflict is none of the network, first the one that the rest needs.

    That is less than what is needed or just enough, and found at once. Where it suffices nothing else is to be found.
    """
    seen: dict[Limit, float] = {}
    if not any(member.rule in NETWORK for member in conflict.members):
        program.hold(lambda limit: limit.rule in (*prices, *NETWORK), prices, sees_network=False)
        seen = _amounts(program, program.answer())
        if not seen:
            return None
        # Decisions that suit all but the network often suit it too.
        suffices = _suffices(program, seen, known, program.decisions())
        if suffices is not False:
            return WayOut(seen, bool(suffices))
    way = _least(program, prices, known)
    if way is None and seen and program.program.seconds_left() <= 0:
        return WayOut(seen, False)
    return way


def _amounts(program: ElasticProgram, outcome: Outcome) -> dict[Limit, float]:
    """How far limits give way at least in a solution of the program as it is held now; nothing where none suffice."""
    if outcome.status != "optimal":
        return {}
    free = {limit: rounded_up(amount) for limit, amount in program.amounts().items()}
    return {limit: amount for limit, amount in free.items() if limit.rule not in NETWORK or program.sees_network}


def _suffices(
    program: ElasticProgram, amounts: dict[Limit, float], known: KnownRows, guess: Mapping[str, float] | None = None
) -> bool | None:
    """Whether the case changed so far has a plan, from a program of its own."""
    asked = replace(program.asked, most_musd=program.asked.most_musd + amounts.get(Limit(COST), 0.0))
    return has_plan(loosened(program.case, amounts), program.program.deadline, asked, known, guess)


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
