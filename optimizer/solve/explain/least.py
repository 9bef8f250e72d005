"""The least by which limits of some rules have to give way for a plan to exist.

Where flows need no look and there are many whole decisions, the least is found between what has a plan and what has
none: a cap on all that gives way makes the question one of existence, which the solver's presolve often answers at
once where its search for the least takes minutes. With flows, the same searches that find plans find the least: the
limits of the network stand as the case has them, written out as numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyomo.environ as pyo

from optimizer.solve.explain.elastic import ElasticProgram
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import NETWORK, UNITS
from optimizer.solve.explain.question import ANY, ROUNDS, KnownRows
from optimizer.solve.explain.text import size_of
from optimizer.solve.found import Limits
from optimizer.solve.integer_rounds import IntegerRounds
from optimizer.solve.loop import cleaned, known_relaxation
from optimizer.solve.standing import Standing
from optimizer.study.case import Case

FEW_INTEGERS = 2000
"""Whole decisions up to which the least change is found by one search among them (unverified: a choice)."""

CLOSE = 1e-2
"""Share of the least change within which it is found [-] (unverified: a choice)."""

PROBES = 24
"""Questions of existence after which the least change found so far is taken (unverified: a choice)."""

FIRST_SHARE = 0.01
"""Share of the largest limit of the rules that is tried first beside what the relaxation needs [-]."""

GAP = 0.05
"""Gap of the least change where flows are looked at [-] (unverified: a choice)."""

LARGE_GAP = 0.3
"""The same in a large network: on the Texas example a search at the smaller one takes 63 s, at this one 6 s for nearly
the same (docs/benchmarks.md) [-]."""


@dataclass(frozen=True)
class Change:
    """Limits that give way, and a plan that they leave.

    Parameters
    ----------
    status : str
        ``found``, ``none`` where no amount leaves a plan, or ``limit`` where time ran out before either was known.
    amounts : dict of Limit to float
        How far each gives way, in its unit; those of branches are left out where flows were not looked at. Where time
        ran out, what decisions in part need of them, if that was known.
    decisions : dict of str to float
        Whole decisions of the plan, by the name of their variable.
    least_share : float
        Share of the amounts that is shown to be needed [-].
    """

    status: str
    amounts: dict[Limit, float] = field(default_factory=dict)
    decisions: dict[str, float] = field(default_factory=dict)
    least_share: float = 1.0


NONE, LIMIT = Change("none"), Change("limit")


def least_unseen(program: ElasticProgram, prices: Mapping[str, float], in_part: bool = False) -> Change:
    """The least change of some rules with no look at flows, which any plan needs at least.

    Parameters
    ----------
    program : ElasticProgram
        Of the case, or of the case without its network; limits of the network are let go.
    prices : mapping of rule to float
        Rules that give way, and the price of a unit.
    in_part : bool
        Of decisions in part: less than any plan needs, and found at once.
    """
    return _Asking(program, prices).least(in_part)


class _Asking:
    """Questions of existence under a cap on what gives way."""

    def __init__(self, program: ElasticProgram, prices: Mapping[str, float]) -> None:
        self.program, self.prices = program, prices
        self.limits = [limit for limit in program.limits() if limit.rule in prices]

    def least(self, in_part: bool) -> Change:
        """The least change, by one search where whole decisions are few, else from questions."""
        self._hold(True)
        highs = self.program.program.highs
        few = len(highs.integers) <= FEW_INTEGERS
        outcome = self.program.answer() if few and not in_part else self.program.relaxed()
        if outcome.status != "optimal":
            return NONE if outcome.status == "infeasible" else LIMIT
        if few or in_part or self.program.is_whole(outcome):
            return self._change(1.0)
        return self._between(outcome.objective)

    def _hold(self, priced: bool) -> None:
        free = (*self.prices, *NETWORK)
        self.program.hold(lambda limit: limit.rule in free, self.prices if priced else None, sees_network=False)

    def _change(self, least_share: float) -> Change:
        amounts = {limit: mw for limit, mw in self.program.amounts().items() if limit.rule not in NETWORK}
        return Change("found", amounts, self.program.decisions(), least_share)

    def _between(self, low: float) -> Change:
        """Close in on the least between what has no plan and what has one."""
        highs, row = self.program.program.highs, self._cap()
        best, high, number = NONE, np.inf, 0
        caps = self._growing(low)
        while number < PROBES and (high == np.inf or low < (1.0 - CLOSE) * high):
            # Just below a plan there is often none; where there is, the middle comes next.
            cap = next(caps) if high == np.inf else (1.0 - CLOSE) * high if number % 2 == 0 else 0.5 * (low + high)
            highs.set_row_bounds(row, -np.inf, cap)
            self._hold(False)
            outcome = self.program.answer(ANY)
            if outcome.status == "infeasible":
                low = cap
                if cap == np.inf:
                    break
            elif outcome.status == "optimal":
                high, best = self._cheapest()
                number = 1
            else:
                best = LIMIT if high == np.inf else best
                break
            number += 1
        highs.set_row_bounds(row, -np.inf, np.inf)
        return replace(best, least_share=1.0 if low >= (1.0 - CLOSE) * high else low / high) if best.amounts else best

    def _cap(self) -> object:
        """A row that caps what gives way, at its price."""
        model, highs = self.program.program.model, self.program.program.highs
        slacks = [(self.prices[limit.rule], s) for limit in self.limits for s in self.program.limits()[limit]]
        terms = [price * s.weight * s.variable for price, s in slacks if highs.has(s.variable)]
        row = model.explanation.ceilings.add(pyo.quicksum(terms) <= 1.0)
        highs.add_rows([row])
        return row

    def _growing(self, low: float) -> Iterator[float]:
        """Caps to try until one leaves a plan, the last of them none at all."""
        sizes = [self.prices[limit.rule] * size_of(self.program.case, limit) for limit in self.limits]
        largest = max((size for size in sizes if np.isfinite(size)), default=1.0)
        step = max(0.02 * low, FIRST_SHARE * largest, 1e-6)
        for _ in range(10):
            yield low + step
            step *= 2.5
        yield np.inf

    def _cheapest(self) -> tuple[float, Change]:
        """The least change that the whole decisions of the last solution allow."""
        secure, highs = self.program.program, self.program.program.highs
        values = self.program.decisions()
        secure.fix({int(c): values[highs.variables[c].name] for c in highs.integers})
        self._hold(True)
        highs.forget_basis()
        outcome = self.program.relaxed()
        change = self._change(1.0) if outcome.status == "optimal" else LIMIT
        secure.free()
        return (outcome.objective if outcome.status == "optimal" else np.inf), change


def least_seen(
    asked: Asked,
    case: Case,
    prices: Mapping[str, float],
    known: KnownRows,
    deadline: float,
    floor: float = 0.0,
    gap: float = GAP,
) -> Change:
    """The least change of rules outside the network that leaves a plan which breaks no limit of the network.

    Parameters
    ----------
    asked : Asked
        What a plan must be beside.
    case : Case
        With its network as it is.
    prices : mapping of rule to float
        Rules that give way, and the price of a unit.
    known : KnownRows
        Limits to look at from the start; those near the solution are added.
    deadline : float
        Processor time at which the search ends [s].
    floor : float
        What gives way at least, at its price, by another proof.
    gap : float
        Share of what gives way that may be more than the least [-].
    """
    program = ElasticProgram(case, deadline, asked, rules=tuple(prices))
    program.hold(lambda limit: limit.rule in prices, prices)
    standing = Standing(program.program, Limits(gap, ROUNDS), lambda objective: objective)
    compact, relaxed = known_relaxation(standing, known.of_case(case), known.basis)
    if relaxed.status == "optimal":
        relaxed = cleaned(standing, compact)
    if relaxed.status != "optimal":
        return NONE if relaxed.status == "infeasible" else LIMIT
    known.basis = program.program.ended
    known.learn_of_search(program.program)
    program.program.highs.load(compact.whole(relaxed.values))
    in_part = program.amounts()
    least = sum(prices[limit.rule] * amount for limit, amount in in_part.items())
    # A plan near to what is needed anyway will do; what it costs beside is as in the relaxation.
    standing.raise_bound(relaxed.objective + max(0.0, floor - least))
    IntegerRounds(standing, compact).run(relaxed, until_plan=True)
    if standing.best is None:
        return NONE if standing.bound == np.inf else Change("limit", in_part)
    program.program.highs.load(standing.best.values)
    amounts = program.amounts()
    needed = sum(prices[limit.rule] * amount for limit, amount in amounts.items())
    least = max(least, floor)
    share = 1.0 if least >= (1.0 - CLOSE) * needed else least / needed
    return Change("found", amounts, program.decisions(), share)


def prices_of(program: ElasticProgram) -> dict[str, float]:
    """Price of every rule's unit that makes rules comparable: one over the size of its largest limit."""
    sizes: dict[str, float] = {}
    for limit in program.limits():
        size = size_of(program.case, limit)
        sizes[limit.rule] = max(sizes.get(limit.rule, 1.0), size if np.isfinite(size) else 1.0)
    return {rule: 1.0 / sizes.get(rule, 1.0) for rule in UNITS}
