"""Whole decisions out of solutions in part: by the solver's own integer search among few sites, and by rounding.

Upgrades are left in part while sites are decided, then made whole, from several thresholds, for the sites found: the
linear program then says what each choice costs, with every limit that it breaks added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.openings import columns_of, sites_of
from optimizer.solve.standing import Standing

Floats = NDArray[np.float64]

MIP_OPTIONS = {
    "mip_root_presolve_only": True,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
}
"""Options of the integer solves: with many dense rows the sub-programs of these heuristics, and presolving again, take
longer than they save (measured on the Texas example: docs/benchmarks.md)."""

THRESHOLDS = (0.02, 0.15, 0.3, 0.5, 0.7)
"""Upgrades that the relaxation builds to more than this share are built whole, the others not [-]. Each is tried; the
least always has a plan where the relaxation has one, but for what it builds to less than its own value."""

FIRST_NODES = 500
"""Nodes after which the search among what the relaxation uses is given up: work, not time (unverified)."""

REPAIR_ROOM = 0.6
"""Share of the allowed gap at which an integer solve stops; the rest is left for the rows that its plan breaks and for
making its upgrades whole [-] (unverified)."""

LEAST_SHARE = 0.05
"""Share of an upgrade below which its cost is scaled no further [-] (unverified)."""


class MakingWhole:
    """Plans out of solutions in part.

    Parameters
    ----------
    standing : Standing
        Best plan and bound, improved here.
    """

    def __init__(self, standing: Standing) -> None:
        self.standing, self.program = standing, standing.program

    def among(self, compact: Compact, values: Floats, least: float) -> Compact:
        """The program of the sites that a solution uses; all of it where there are none.

        Parameters
        ----------
        compact : Compact
            Of all sites.
        values : ndarray
            Solution by the columns of the whole program.
        least : float
            Value above which a site is used [-].
        """
        closed = None
        if len(self.program.case.sites):
            sites = sites_of(self.program)
            used = values[sites.build].max(axis=1) > least
            closed = columns_of(sites, self.program, ~used[sites.site])
        small = self.standing.compact(compact.keys, closed)
        small.highs.set_options(presolve="off")
        return small

    def upgrades(self, compact: Compact) -> NDArray[np.intp]:
        """Whole columns that only add to limits."""
        at = compact.place[self.program.upgrade_columns()]
        return np.unique(at[at >= 0])

    def others(self, compact: Compact) -> NDArray[np.intp]:
        """Whole columns that are no upgrades."""
        return np.setdiff1d(np.flatnonzero(compact.integer), self.upgrades(compact))

    def scaled(self, compact: Compact, values: Floats) -> Floats:
        """Costs at which an upgrade built as in a solution costs as much as a whole one, shape (n_column,) [M$]."""
        cost, upgrades = compact.cost.copy(), self.upgrades(compact)
        cost[upgrades] /= np.clip(values[upgrades], LEAST_SHARE, 1.0)
        return cost

    def decide(self, compact: Compact, cost: Floats) -> Outcome:
        """Decide all but upgrades, these in part, as well as the gap asks for."""
        good = self.good_enough()
        options = {**MIP_OPTIONS, "mip_max_nodes": FIRST_NODES, "objective_target": good}
        with self.standing.booked("mip"):
            compact.minimize(cost)
            outcome = compact.decide(self.others(compact), 0.5 * max(good - self.standing.bound, 1e-6), options)
            compact.minimize()
        return outcome

    def good_enough(self) -> float:
        """Objective at which the gap to the bound is closed, with room for repair: T - bound = gap D(T) [M$]."""
        standing, gap = self.standing, REPAIR_ROOM * self.standing.limits.gap
        decided = standing.decided(standing.bound + standing.offset)
        return standing.bound + gap * max(decided, 0.0) / (1.0 - gap)

    def secure(self, compact: Compact, values: Floats) -> None:
        """Keep whole decisions other than upgrades, find the upgrades they need, and make those whole."""
        whole, upgrades = self.others(compact), self.upgrades(compact)
        chosen = np.round(values[whole])
        with self.standing.booked("repair"):
            given = compact.lower[whole].copy(), compact.upper[whole].copy()
            compact.bound(whole, chosen, chosen)
            outcome = compact.clean(self.standing.worth(), fully=True)
            if outcome.status == "optimal" and outcome.objective < self.standing.worth():
                shares = outcome.values[upgrades]
                tried = {(shares > threshold).tobytes(): shares > threshold for threshold in THRESHOLDS}
                for built in tried.values():
                    self.attempt(compact, upgrades, built.astype(float))
            compact.bound(whole, *given)

    def attempt(self, compact: Compact, columns: NDArray[np.intp], chosen: Floats) -> None:
        """Keep a plan if it is secure and the best so far."""
        given = compact.lower[columns].copy(), compact.upper[columns].copy()
        chosen = np.clip(chosen, *given)
        compact.bound(columns, chosen, chosen)
        outcome = compact.clean(self.standing.worth(), fully=True)
        better = outcome.status == "optimal" and outcome.objective < self.standing.worth()
        if better and not compact.cut(outcome.values, fully=True):
            self.standing.keep(compact, outcome)
        compact.bound(columns, *given)
