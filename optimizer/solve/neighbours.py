"""Good sets of sites: one site opened, closed or exchanged at a time, judged by linear programs.

A set of sites is judged by the relaxation in which they are open for good, their fixed costs paid in full, and all
other sites are closed. Its prices bound from below what opening any other site would give (`optimizer.solve.openings`),
so only the few exchanges that can improve the set are solved. Load that a set cannot serve has a price meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.openings import Openings, Sites
from optimizer.solve.sizes import Sizes

MOST_TRIED = 30
"""Exchanges tried before a set counts as the best of its neighbours: work, not time (unverified)."""

MOST_MOVES = 200
"""Moves of one search: a guard, never reached in the studies tried."""

BETTER = 1e-6
"""Improvement that counts, as a share of the cost (unverified) [-]."""

SHORTFALL_PRICE = 2.0
"""Price of load that a set does not serve, in prices of load in the relaxation [-] (unverified)."""

Set = frozenset[int]


@dataclass(frozen=True)
class Judged:
    """What the linear program says of a set of sites.

    Parameters
    ----------
    cost : float
        Without the program's constant; load not served at its price [M$].
    openings : ndarray, shape (n_site,)
        Least change of the cost by opening another site [M$]; empty where the program was not solved to its end.
    """

    cost: float
    openings: NDArray[np.float64]


class Neighbours:
    """Local search over sets of sites in a compact program.

    Parameters
    ----------
    sites, sizes, compact
        The program, with the block limits it has now.
    prices : ndarray, shape (n_period,)
        Price of load in the relaxation, by period with demand [M$/MW].
    """

    def __init__(self, sites: Sites, sizes: Sizes, compact: Compact, prices: dict[int, float]) -> None:
        self.sites, self.sizes, self.compact = sites, sizes, compact
        self.openings = Openings(sites, compact)
        self.build = compact.place[sites.build]
        self.last = self.build[:, -1]
        self.usable = [int(i) for i in np.flatnonzero(self.last >= 0) if compact.upper[self.last[i]] > 0.5]
        self.short, self.cost = self._shortfall(prices)
        self.known: dict[Set, Judged] = {}

    def _shortfall(self, prices: dict[int, float]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Columns of load not served, where the study has none, and the objective with their price."""
        highs, compact = self.compact.program.highs, self.compact
        columns, cost = [], compact.cost.copy()
        for t, variable in compact.program.model.siting.shortfall_mw.items():
            if variable.ub == 0.0 and highs.has(variable):
                columns.append(compact.column(highs.column(variable)))
                cost[columns[-1]] = SHORTFALL_PRICE * prices.get(t, 0.0)
        return np.array(columns, dtype=np.intp), cost

    def search(self, start: Set) -> tuple[Set, float]:
        """Improve a set until no neighbour is better; return it with its cost."""
        compact = self.compact
        lower, upper = compact.lower.copy(), compact.upper.copy()
        compact.minimize(self.cost)
        compact.bound(self.short, np.zeros(len(self.short)), np.full(len(self.short), np.inf))
        here, judged = start, self._judge(start, np.inf)
        for _ in range(MOST_MOVES):
            move = self._better(here, judged)
            if move is None:
                break
            here, judged = move
        every = np.arange(len(lower))
        compact.bound(every, lower, upper)
        compact.minimize()
        return here, judged.cost

    def solved(self) -> dict[Set, float]:
        """Cost of every set that was solved to its end."""
        return {chosen: judged.cost for chosen, judged in self.known.items() if len(judged.openings)}

    def _better(self, here: Set, judged: Judged) -> tuple[Set, Judged] | None:
        """The first neighbour that is better, by what the prices promise."""
        best = judged.cost - BETTER * max(1.0, abs(judged.cost))
        promised: list[tuple[float, Set]] = []
        for closed in (None, *sorted(here)):
            rest = here - {closed}
            without = judged if closed is None else self._judge(rest, np.inf)
            if without.cost < best:
                promised.append((without.cost, rest))
            if len(without.openings):
                bound = without.cost + without.openings
                promised += [(float(bound[i]), rest | {i}) for i in self.usable if i not in here and bound[i] < best]
        promised.sort(key=lambda p: (p[0], sorted(p[1])))
        for _, neighbour in promised[:MOST_TRIED]:
            found = self._judge(neighbour, best)
            if found.cost < best:
                return neighbour, found
        return None

    def _judge(self, chosen: Set, ceiling: float) -> Judged:
        """Cost of a set and prices of opening others; only the cost where it is above a ceiling."""
        known = self.known.get(chosen)
        if known is not None and (len(known.openings) or known.cost >= ceiling):
            return known
        self._open(chosen)
        outcome = self.compact.clean(ceiling)
        if outcome.status != "optimal":
            judged = Judged(np.inf, np.empty(0))
        elif outcome.objective >= ceiling:
            judged = Judged(outcome.objective, np.empty(0))
        else:
            is_open = np.zeros(len(self.sites.names), dtype=bool)
            is_open[list(chosen)] = True
            judged = Judged(outcome.objective, self.openings.at_prices(self.sizes.most, is_open).site)
        self.known[chosen] = judged
        return judged

    def _open(self, chosen: Set) -> None:
        build = self.build[self.usable]
        is_open = np.isin(self.usable, list(chosen))
        upper = np.repeat(is_open[:, None], build.shape[1], axis=1).astype(float)
        lower = np.zeros_like(upper)
        lower[:, -1] = upper[:, -1]
        there = build >= 0
        self.compact.bound(build[there], lower[there], np.minimum(upper[there], 1.0))
