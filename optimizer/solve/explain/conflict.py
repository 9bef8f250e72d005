"""A minimal conflict: limits that cannot hold together, of which none can be left out.

Limits are first held and dropped a group at a time (all of a rule, period and snapshot), then one by one inside the
groups. Each is dropped in turn and the rest is solved again: where there is still no plan it is not needed for the
conflict (deletion filter). The multipliers that prove the linear program infeasible, where they do, only shorten the
list that is begun with, and only after the limits that they name were shown to be a conflict; a group of which more are
left than can be read stays whole. Limits outside the network come first: a conflict among them needs no flow to be
looked at. Of those of a large network the multipliers name single ones, whose rows stand, so that leaving out one or
the other needs no look at all flows either.

Source: J. W. Chinneck, E. W. Dravnieks, "Locating minimal infeasible constraint sets in linear programs", ORSA Journal
on Computing 3(2), 1991.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import NETWORK, UNITS

MOST_ELEMENTS = 40
"""Groups of more limits than this are named as a whole: nobody reads a longer list (unverified: a choice)."""

FEW_BRANCHES = 300
"""Branches up to which the limits of a network are first left out all at once, which asks for a look at every flow but
names fewer rules where both do (unverified: a choice)."""

FEW = 12
"""More limits than this are left out several at a time first (unverified: a choice)."""

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

    def has_plan(self, held: tuple[Limit, ...]) -> bool | None:
        """Whether there is a plan with only some limits held.

        Flows need a look only where all limits of a network rule are held; the rows of single ones stand.
        """
        members = frozenset(held)
        sees_network = any(member.rule in NETWORK and not member.element for member in held)
        return self.program.is_possible(lambda limit: limit not in members and limit.group not in members, sees_network)

    def reduce(self, fixed: tuple[Limit, ...], tried: Iterable[Limit]) -> tuple[Limit, ...]:
        """Leave out what is not needed of what is tried, given what is fixed."""
        kept = sorted(tried, key=_order)
        size = 1 if len(kept) <= FEW else max(1, len(kept) // 4)
        parts = [kept[at : at + size] for at in range(0, len(kept), size)]
        while parts:
            part = parts.pop(0)
            rest = [one for one in kept if one not in part]
            possible = self.has_plan((*fixed, *rest))
            if possible is False:
                kept = rest
            elif len(part) > 1:
                half = len(part) // 2
                parts[:0] = [part[:half], part[half:]]
            elif possible is None:
                self.is_minimal = False
        return tuple(kept)

    def groups(self) -> list[Limit] | None:
        """Limits to begin with, none of the network if they exclude each other without; ``None`` if there is a plan.

        Those outside the network by group, those of a large network that multipliers name one by one.
        """
        every = {limit.group for limit in self.program.limits()} | {Limit(rule) for rule in NETWORK}
        own = [group for group in every if group.rule not in NETWORK]
        if self.has_plan(tuple(own)) is False:
            return self._named() or own
        # Without a network there is nothing else to hold.
        if self.program.case.network is None or self.has_plan(tuple(every)) is not False:
            return None
        return self._named() or list(every)

    def _named(self) -> list[Limit]:
        """What the multipliers of the program just found infeasible name, if that is a conflict."""
        named = self.program.conflict()
        is_large = len(self.program.case.branches) > FEW_BRANCHES
        shorter = {limit if is_large and limit.rule in NETWORK else limit.group for limit in named}
        self.program.stand(shorter)
        return sorted(shorter, key=_order) if shorter and self.has_plan(tuple(shorter)) is False else []

    def elements(self, group: Limit, others: tuple[Limit, ...]) -> list[Limit]:
        """Limits of a group that may be needed beside the others: those that multipliers name, if they do."""
        every = [limit for limit in self.program.limits() if limit.group == group and limit != group]
        self.has_plan((*others, group))
        found = self.program.conflict()
        named = [limit for limit in every if limit in found]
        self.program.stand(named)
        if named and self.has_plan((*others, *named)) is False:
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
    for group in (g for g in groups if not g.element):
        others = tuple(m for m in members if m != group)
        elements = search.elements(group, others)
        if 0 < len(elements) <= MOST_ELEMENTS:
            members = (*others, *search.reduce(others, elements))
    # What multipliers name is a conflict up to rounding only: the last word is a solve's.
    if search.has_plan(members) is not False:
        return Conflict(tuple(sorted(start, key=_order, reverse=True)), False)
    return Conflict(tuple(sorted(members, key=_order, reverse=True)), search.is_minimal)
