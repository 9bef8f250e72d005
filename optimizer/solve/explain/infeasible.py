"""Why a case has no plan: which limits cannot hold together, by how much, and the cheapest ways out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optimizer.errors import Finding, InfeasibleError, SolverError
from optimizer.progress import Progress, silent
from optimizer.solve.explain.conflict import Conflict
from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.limit import Asked
from optimizer.solve.explain.limits import DEMAND, unit_of
from optimizer.solve.explain.programs import Programs
from optimizer.solve.explain.question import NOTHING
from optimizer.solve.explain.text import conflict_text, way_text
from optimizer.solve.explain.ways_out import WayOut, WaysOut, beyond_circuits

if TYPE_CHECKING:
    from optimizer.study.case import Case
    from optimizer.study.study import Study

SECONDS = 80.0
"""Processor time given to an explanation; what is not known by then is left out and said (unverified: a choice) [s]."""


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
    programs = Programs(case, asked, seconds)
    program, conflict = programs.conflict()
    if conflict is None:
        return Explanation(case, None, beyond_circuits(programs))
    sentences = {m.rule: program.sentence(m.rule) for m in conflict.members}
    ways = sorted(WaysOut(programs, program, conflict).found(), key=lambda way: _builds_nothing(case, way))
    return Explanation(case, conflict, tuple(ways), sentences)


def _builds_nothing(case: Case, way: WayOut) -> bool:
    """Whether a way out is to give up a target altogether: said last, it is always one."""
    return any(limit.rule == DEMAND and amount >= case.demand_mw[limit.period] for limit, amount in way.amounts.items())


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
