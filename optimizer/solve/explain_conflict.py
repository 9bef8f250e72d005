"""A minimal conflict: limits that cannot hold together, of which none can be left out.

Limits are first held and dropped a group at a time (all of a rule, period and snapshot), then one by one inside the
groups. Each is dropped in turn and the rest is solved again: where there is still no plan it is not needed for the
conflict (deletion filter). The linear program's own conflict, where it has one, only shortens the list that is begun
with, and only after the limits that it names were shown to be a conflict; a group of which more are left than can be
read stays whole. Limits outside the network come first: a conflict among them needs no flow to be looked at.

Source: J. W. Chinneck, E. W. Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA Journal
on Computing 3(2), 1991.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.solve.explain_elastic import ElasticProgram
from optimizer.solve.explain_limits import NETWORK, UNITS, Limit

MOST_ELEMENTS = 40
"""Groups of more limits than this are named as a whole: nobody reads a longer list (unverified: a choice)."""

ORDER = {rule: number for number, rule in enumerate(UNITS)}


@dataclass(frozen=True)
class Conflict:
    """Limits that cannot hold together.

    Parameters
    ----------
    members : tuple of Limit
        A member without an element stands for all limits of its rule, period and snapshot.
    is_minimal : bool
        Whether every member was shown to be needed; false where the time was too short.
    """

    members: tuple[Limit, ...]
    is_minimal: bool

    def holds(self, limit: Limit) -> bool:
        """Whether a limit, or the group it belongs to, is a member."""
        return limit in self.members or limit.group in self.members


class _Filter:
    """One search for a conflict."""

    def __init__(self, program: ElasticProgram) -> None:
        self.program = program
        self.is_minimal = True

    def has_plan(self, held: Conflict) -> bool | None:
        sees_network = any(member.rule in NETWORK for member in held.members)
        return self.program.is_possible(lambda limit: not held.holds(limit), sees_network)

    def reduce(self, fixed: tuple[Limit, ...], tried: Iterable[Limit]) -> tuple[Limit, ...]:
        """Leave out what is not needed of what is tried, given what is fixed."""
        kept = sorted(tried, key=_order)
        for one in list(kept):
            rest = [other for other in kept if other != one]
            possible = self.has_plan(Conflict((*fixed, *rest), False))
            if possible is False:
                kept = rest
            elif possible is None:
                self.is_minimal = False
        return tuple(kept)

    def groups(self) -> list[Limit] | None:
        """Groups to begin with, none of the network if they exclude each other without; ``None`` if there is a plan."""
        every = {limit.group for limit in self.program.limits()} | {Limit(rule) for rule in NETWORK}
        own = [group for group in every if group.rule not in NETWORK]
        if self.has_plan(Conflict(tuple(own), False)) is False:
            named = {limit.group for limit in self.program.conflict()}
            shorter = sorted(named, key=_order)
            return shorter if named and self.has_plan(Conflict(tuple(shorter), False)) is False else own
        return None if self.has_plan(Conflict(tuple(every), False)) is not False else sorted(every, key=_order)

    def elements(self, group: Limit, others: tuple[Limit, ...]) -> list[Limit]:
        """Limits of a group that may be needed beside the others: those of the linear program's conflict, if one."""
        every = [limit for limit in self.program.limits() if limit.group == group and limit != group]
        self.has_plan(Conflict((*others, group), False))
        found = self.program.conflict()
        named = [limit for limit in every if limit in found]
        if named and self.has_plan(Conflict((*others, *named), False)) is False:
            return named
        return every


def _order(limit: Limit) -> tuple[int, Limit]:
    return ORDER[limit.rule], limit


def minimal_conflict(program: ElasticProgram) -> Conflict | None:
    """Find limits that cannot hold together, none of which can be left out.

    Parameters
    ----------
    program : ElasticProgram
        Of the case; its deadline bounds the time.

    Returns
    -------
    Conflict or None
        ``None`` if the case has a plan, or if the time was too short to show that it has none.
    """
    search = _Filter(program)
    start = search.groups()
    if start is None:
        return None
    members = groups = search.reduce((), start)
    for group in groups:
        others = tuple(m for m in members if m != group)
        elements = search.elements(group, others)
        if 0 < len(elements) <= MOST_ELEMENTS:
            members = (*others, *search.reduce(others, elements))
    return Conflict(tuple(sorted(members, key=_order, reverse=True)), search.is_minimal)
