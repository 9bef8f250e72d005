"""Tighter limits on the size of each site: its largest load in the relaxation with everything else free.

A site that is limited to what the network can ever bring to it pays its fixed cost in full in the relaxation too, so
the bound of the relaxation rises and fewer plans are left to look at. What fits at a site alone is not a valid limit,
because load elsewhere makes counterflow; its largest load in the relaxation is, and so is its largest load among the
plans that cost no more than a ceiling, which says nothing of plans that cost more.

For site s, period t, with P the relaxation and T the ceiling::

    limit[s,t] = floor(max { y[s,t] : (x, y, z) in P, cost(x, y, z) <= T } + 1e-6)

The largest load is the bound that the multipliers prove, not the value that the solver reports.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import PRIMAL, Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.openings import Sites

ROUNDING = 1e-6
"""Added before a largest number of blocks is rounded down: rounding must not cut off a whole block [-]."""

USED_BLOCKS = 1e-6
"""Blocks above this in the relaxation make a site worth tightening [-]."""

PASSES = 2
"""Times that limits broken by a largest load are added before it is read off; fewer leave it looser."""

MANY_OUTAGES = 5_000
"""Outages beyond which looking at all of them takes longer than a linear program (unverified: 3 s on a network of
10,000 buses, 0.2 s on one of 2,000)."""

ROUNDS = 12
"""Rounds of tightening what the relaxation uses after which the rest is left as it is."""


class Sizes:
    """Block limits of the sites of a compact program, tightened in place.

    Parameters
    ----------
    sites : Sites
        Of the same program.
    compact : Compact
        Whose columns and rows follow.
    most : ndarray, shape (n_site, n_period)
        Blocks that each site may have.
    """

    def __init__(self, sites: Sites, compact: Compact, most: NDArray[np.float64]) -> None:
        self.sites, self.compact = sites, compact
        self.most = sites.most.copy()
        self.blocks = compact.place[sites.blocks]
        self.rows = _size_rows(sites, compact)
        self.looked_at: set[tuple[int, int]] = set()
        for site, period in zip(*np.nonzero(most < self.most), strict=True):
            self._set(int(site), int(period), float(most[site, period]))

    def _set(self, site: int, period: int, most: float) -> None:
        self.most[site, period] = most
        column = int(self.blocks[site, period])
        if column < 0:
            return
        compact = self.compact
        unit = float(compact.scale[self.sites.blocks[site, period]])
        at = np.array([column])
        compact.bound(at, compact.lower[at], np.minimum(compact.upper[at], most / unit))
        for row, decision, factor in self.rows.get((site, period), ()):
            compact.set_coefficient(row, decision, -factor * most)
        build = int(compact.place[self.sites.build[site, period]])
        if most < self.sites.least[site, period] and build >= 0:
            compact.bound(np.array([build]), np.zeros(1), np.zeros(1))

    def tighten(self, relaxed: Outcome, ceiling: float) -> Outcome:
        """Tighten the limits of what the relaxation uses, again and again until it uses nothing new.

        Parameters
        ----------
        relaxed : Outcome
            Of the clean relaxation.
        ceiling : float
            Cost of the plans that the limits are to hold for, without the program's constant [M$].

        Returns
        -------
        Outcome
            Of the tighter relaxation, ``infeasible`` where no plan costs as little as the ceiling.
        """
        # On a large network a look at every outage takes longer than the programs: there it is taken once, in the end.
        fully = len(self.compact.program.case.contingencies.names) <= MANY_OUTAGES
        for _ in range(ROUNDS):
            if relaxed.status != "optimal" or relaxed.objective >= ceiling:
                return relaxed
            used = self._used(relaxed.values)
            if not used or self.compact.program.seconds_left() <= 0:
                break
            self.compact.add_ceiling(ceiling)
            for site, period in used:
                self._tighten_one(site, period)
            self.compact.drop_ceiling()
            self.compact.minimize()
            relaxed = self.compact.clean(fully=fully)
        return relaxed if fully else self.compact.clean(fully=True)

    def _used(self, values: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Sites and periods with blocks in a solution that were not looked at yet, last periods first."""
        size = np.where(self.blocks >= 0, values[self.blocks], 0.0)
        site, period = np.nonzero(size > USED_BLOCKS)
        order = np.lexsort([site, -period])
        pairs = [(int(site[i]), int(period[i])) for i in order]
        return [pair for pair in pairs if pair not in self.looked_at]

    def _tighten_one(self, site: int, period: int) -> None:
        self.looked_at.add((site, period))
        compact = self.compact
        column = int(self.blocks[site, period])
        unit = float(compact.scale[self.sites.blocks[site, period]])
        cost = np.zeros(len(compact.cost))
        cost[column] = -unit
        compact.minimize(cost)
        least, stood = self.sites.least[site, period], set(compact.keys)
        outcome = compact.solve(PRIMAL)
        for _ in range(PASSES):
            settled = outcome.status != "optimal" or -outcome.objective < least - ROUNDING
            if settled or not compact.cut(outcome.values, fully=False):
                break
            outcome = compact.solve()
        proven = -compact.proven(cost) if outcome.status == "optimal" else np.inf
        compact.remove(key for key in compact.keys if key not in stood)
        largest = float(np.floor(min(proven, self.most[site, period]) + ROUNDING))
        for earlier in range(period + 1):
            if largest < self.most[site, earlier]:
                self._set(site, earlier, largest)


def _size_rows(sites: Sites, compact: Compact) -> dict[tuple[int, int], list[tuple[int, int, float]]]:
    """Rows whose coefficient on a decision is ``-factor x most blocks``, by site and period."""
    m, case, highs = compact.program.model, compact.program.case, compact.program.highs
    found: dict[tuple[int, int], list[tuple[int, int, float]]] = {}
    for i, s in enumerate(sites.names):
        block = float(case.sites.at[s, "block_mw"])
        for k, t in enumerate(case.periods.index):
            rows = [(m.siting.no_larger_than_the_site[s, t], m.siting.build[s, t], 1.0)]
            rows += [
                (m.cooling.only_by_the_chosen[s, c, t], m.cooling.chosen[s, c], block) for c in case.cooling_of_site[s]
            ]
            for o in case.ties_of_site[s]:
                row = m.interconnection.within_firm_capacity[o, "size", t]
                rows.append((row, m.interconnection.in_service[o, t], block))
            there = [(compact.row_of(highs.row(r)), highs.column(v), f) for r, v, f in rows]
            found[i, k] = [
                (row, int(compact.place[v]), f * float(compact.scale[v]))
                for row, v, f in there
                if row >= 0 and compact.place[v] >= 0
            ]
    return found
