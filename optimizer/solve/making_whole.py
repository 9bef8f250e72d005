"""Whole decisions out of solutions in part: by the solver's own integer search among few sites, and by rounding.

A relaxation builds a tenth of a site or an upgrade for a tenth of its cost, and chooses by that. So costs are scaled
until it pays in full for what it builds (slope scaling: D. Kim, P. M. Pardalos, Operations Research Letters 24 (1999)
195-203), which is a heuristic and says nothing of the bound. Sites are decided with upgrades in part at such costs. For
the sites found, upgrades are scaled again and made whole, from several thresholds: the linear program then says what
each choice costs, with every limit that it breaks added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.openings import columns_of_sites, tied_sites
from optimizer.solve.program import RowKey
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
"""Upgrades built to more than this share are built whole, the others not [-]. Each is tried; the least always has a
plan where the solution in part is one, but for what it builds to less than its own value."""

FIRST_NODES = 500
"""Nodes after which the search among what the relaxation uses is given up: work, not time (unverified)."""

REPAIR_ROOM = 0.6
"""Share of the allowed gap at which an integer solve stops; the rest is left for the rows that its plan breaks and for
making its upgrades whole [-] (unverified)."""

LEAST_SHARE = 0.05
"""Share of a whole column below which its cost is scaled no further [-] (unverified)."""

SCALINGS = 8
"""Most times that costs are scaled to what the last solution built (docs/benchmarks.md: four or five settle it)."""

SETTLED = 1e-6
"""Largest change of a column between two solutions at which scaling has settled [-]."""


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
        return self.of_used(compact.keys, values, least)

    def of_used(self, keys: Iterable[RowKey], values: Floats, least: float) -> Compact:
        """The same with limits that stand from the start, where no program of all sites is at hand.

        Parameters
        ----------
        keys : iterable of row keys
            The limits.
        values, least
            As `among` takes them.
        """
        closed = None
        if len(self.program.case.sites):
            case, column = self.program.case, self.program.highs.column
            build, periods = self.program.model.siting.build, case.periods.index
            tied = tied_sites(case)
            built = np.array([[column(build[s, t]) for t in periods] for s in tied], dtype=np.intp)
            used = values[built.reshape(len(tied), len(periods))].max(axis=1) > least
            closed = columns_of_sites(self.program, [s for s, kept in zip(tied, used, strict=True) if not kept])
        small = self.standing.compact(keys, closed)
        small.highs.set_options(presolve="off")
        return small

    def upgrades(self, compact: Compact) -> NDArray[np.intp]:
        """Whole columns that only add to limits."""
        return compact.columns(self.program.upgrade_columns())

    def others(self, compact: Compact) -> NDArray[np.intp]:
        """Whole columns that are no upgrades."""
        return np.setdiff1d(np.flatnonzero(compact.integer), self.upgrades(compact))

    def scaled(self, compact: Compact, columns: NDArray[np.intp], values: Floats) -> Floats:
        """Costs at which a column built as in a solution costs as much as a whole one, shape (n_column,) [M$]."""
        cost = compact.cost.copy()
        cost[columns] /= np.clip(values[columns], LEAST_SHARE, 1.0)
        return cost

    def paid_in_full(self, compact: Compact, columns: NDArray[np.intp], values: Floats) -> tuple[Floats, Floats]:
        """A solution that pays in full for what it builds, as far as prices can make it, and all built on the way.

        Parameters
        ----------
        compact : Compact
            Solved as it is bounded now.
        columns : ndarray of int
            Binary columns whose costs are scaled.
        values : ndarray, shape (n_column,)
            Solution to begin with.

        Returns
        -------
        (ndarray, ndarray)
            The last solution, and the largest value of each column in any.
        """
        most = np.zeros(len(values))
        for _ in range(SCALINGS if len(columns) else 0):
            compact.minimize(self.scaled(compact, columns, values))
            outcome = compact.clean()
            if outcome.status != "optimal":
                break
            change = np.abs(outcome.values - values).max(initial=0.0)
            values, most = outcome.values, np.maximum(most, outcome.values)
            if change <= SETTLED:
                break
        compact.minimize()
        return values, np.maximum(most, values)

    def decide(
        self,
        compact: Compact,
        cost: Floats,
        share: float = 0.5,
        start: Floats | None = None,
        seconds: float = np.inf,
        options: Mapping[str, Any] = MIP_OPTIONS,
    ) -> Outcome:
        """Decide all but upgrades, these in part, as well as the gap asks for.

        Parameters
        ----------
        compact : Compact
            Of few sites.
        cost : ndarray, shape (n_column,)
            What is minimized [M$].
        share : float
            Difference that may stay to its own bound, as a share of that which the gap allows [-].
        start : ndarray, shape (n_column,), optional
            A plan to start from.
        seconds : float
            Time that it may take.
        options : mapping
            Of HiGHS, besides where it ends.
        """
        good = self.good_enough()
        options = {**options, "mip_max_nodes": FIRST_NODES, "objective_target": good}
        with self.standing.booked("mip"):
            compact.minimize(cost)
            allowed = share * max(good - self.standing.bound, 1e-6)
            outcome = compact.decide(self.others(compact), allowed, options, start, seconds)
            compact.minimize()
        return outcome

    def good_enough(self) -> float:
        """Objective at which the gap to the bound is closed, with room for repair: T - bound = gap D(T) [M$]."""
        standing, gap = self.standing, REPAIR_ROOM * self.standing.limits.gap
        decided = standing.decided(standing.bound + standing.offset)
        return standing.bound + gap * max(decided, 0.0) / (1.0 - gap)

    def secure(self, compact: Compact, values: Floats) -> Floats | None:
        """Keep whole decisions other than upgrades, find the upgrades they need, and make those whole.

        Returns
        -------
        ndarray, shape (n_column,), or None
            The best plan with these decisions that was tried; nothing where none was better than the best known.
        """
        whole, upgrades = self.others(compact), self.upgrades(compact)
        chosen = np.round(values[whole])
        best: Outcome | None = None
        with self.standing.booked("repair"):
            given = compact.lower[whole].copy(), compact.upper[whole].copy()
            compact.bound(whole, chosen, chosen)
            outcome = compact.clean(self.standing.worth(), fully=True)
            if outcome.status == "optimal" and outcome.objective < self.standing.worth():
                shares = self.paid_in_full(compact, upgrades, outcome.values)[0][upgrades]
                tried = {(shares > threshold).tobytes(): shares > threshold for threshold in THRESHOLDS}
                for built in tried.values():
                    if not self.standing.is_done:
                        best = self.attempt(compact, upgrades, built.astype(float)) or best
            compact.bound(whole, *given)
        return None if best is None else best.values

    def attempt(self, compact: Compact, columns: NDArray[np.intp], chosen: Floats) -> Outcome | None:
        """Keep a plan if it is secure and the best so far, and return it then."""
        given = compact.lower[columns].copy(), compact.upper[columns].copy()
        chosen = np.clip(chosen, *given)
        compact.bound(columns, chosen, chosen)
        outcome = compact.clean(self.standing.worth(), fully=True)
        better = outcome.objective < self.standing.worth() and compact.is_secure
        if better:
            self.standing.keep(compact, outcome)
        compact.bound(columns, *given)
        return outcome if better else None
