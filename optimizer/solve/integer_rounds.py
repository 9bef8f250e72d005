"""Whole decisions by the solver's own integer search, with the limits that its plans break added between.

The relaxation builds a tenth of an upgrade for a tenth of its cost, and chooses sites by that. So its costs are scaled
until it pays in full for what it builds (slope scaling: D. Kim, P. M. Pardalos, Operations Research Letters 24 (1999)
195-203), which is a heuristic and says nothing of the bound. Plans are looked for first among the sites that it then
uses, with upgrades in part; upgrades are then made whole, from several thresholds, for the sites found. Only when that
gives no plan good enough is everything searched, starting from the best plan. That bound holds although limits are
missing: rows only remove plans.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.openings import columns_of, sites_of
from optimizer.solve.rounds import FIRST_NODES, MIP_OPTIONS, REPAIR_ROOM, THRESHOLDS, USED
from optimizer.solve.standing import Standing

Floats = NDArray[np.float64]

BOUND_OPTIONS = {
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_feasibility_jump": False,
}
"""Heuristics that are left out where a plan is known and a bound is wanted: their sub-programs took 70 s of the first
115 s on the Texas example (docs/benchmarks.md)."""

SCALINGS = 5
"""Times that costs of upgrades are scaled to what the last solution built of each (unverified: on the Texas example the
solution then built 19 instead of 104, and cost 22 M$ more when those were whole instead of 125 M$)."""

LEAST_SHARE = 0.05
"""Share of an upgrade below which its cost is scaled no further [-] (unverified)."""

ROOT_NODES = 1
"""Nodes of the first search of everything."""

TIME_SHARE = 0.8
"""Share of the time left that one search of everything may take; the rest is for making its plan secure [-]
(unverified: a choice)."""

CLOSER = 0.6
"""Factor on the difference that a search of everything may leave, each time its plan was not secure [-]
(unverified: a choice)."""


class IntegerRounds:
    """Rounds of integer programs and of making their plans secure.

    Parameters
    ----------
    standing : Standing
        Best plan and bound, improved here.
    compact : Compact
        Relaxation of the whole program, solved until it broke no limit.
    """

    def __init__(self, standing: Standing, compact: Compact) -> None:
        self.standing, self.compact, self.program = standing, compact, standing.program

    def run(self, relaxed: Outcome) -> None:
        """Search until the gap is closed or a limit is reached.

        Parameters
        ----------
        relaxed : Outcome
            Of the compact program.
        """
        relaxed = self._in_full(relaxed)
        small = self._among_used(relaxed)
        cost = self._scaled(small, small.reduced(self.compact.whole(relaxed.values)))
        rounds = self._where_used(small, cost, 0, first=True)
        if not self.standing.is_done and self.standing.best is not None and rounds < self.standing.limits.max_rounds:
            # The cuts of the solver's first node are cheap, and often all that the proof needs.
            rounds += 1
            self._everywhere(rounds, 1.0, ROOT_NODES)
            rounds = self._where_used(small, cost, rounds, first=False)
        closer = 1.0
        while not self.standing.is_done and rounds < self.standing.limits.max_rounds:
            rounds += 1
            self._everywhere(rounds, closer)
            closer *= CLOSER

    def _in_full(self, relaxed: Outcome) -> Outcome:
        """A solution that pays in full for what it builds of each upgrade, as far as prices can make it."""
        compact = self.compact
        for _ in range(SCALINGS if len(self._upgrades(compact)) else 0):
            compact.minimize(self._scaled(compact, relaxed.values))
            outcome = compact.clean(fully=True)
            if outcome.status != "optimal":
                break
            relaxed = outcome
        compact.minimize()
        return relaxed

    def _scaled(self, compact: Compact, values: Floats) -> Floats:
        """Costs at which an upgrade built as in a solution costs as much as a whole one, shape (n_column,) [M$]."""
        cost, upgrades = compact.cost.copy(), self._upgrades(compact)
        cost[upgrades] /= np.clip(values[upgrades], LEAST_SHARE, 1.0)
        return cost

    def _where_used(self, small: Compact, cost: Floats, rounds: int, first: bool) -> int:
        """Search among the sites that a solution uses for the first plan, or for better ones; return the rounds."""
        whole = np.setdiff1d(np.flatnonzero(small.integer), self._upgrades(small))
        while not self.standing.is_done and rounds < self.standing.limits.max_rounds:
            rounds += 1
            before, known = self.standing.worth(), len(small.keys)
            outcome = self._decide_used(small, whole, cost) if len(whole) else small.clean()
            if outcome.status == "infeasible" or not len(outcome.values):
                break
            small.cut(outcome.values, fully=True)
            self._make_secure(small, whole, outcome.values)
            self.program.log(f"mip round {rounds} where the relaxation builds: {self.standing}")
            # The same search again finds the same plan, unless the last one taught it rows.
            stuck = self.standing.worth() >= before and len(small.keys) == known
            if stuck or not len(whole) or (first and self.standing.best is not None):
                break
        return rounds

    def _among_used(self, relaxed: Outcome) -> Compact:
        """The program of the sites that a solution uses; all of it where there are none."""
        closed = None
        if len(self.program.case.sites):
            sites = sites_of(self.program)
            used = self.compact.whole(relaxed.values)[sites.build].max(axis=1) > USED
            closed = columns_of(sites, self.program, ~used[sites.site])
        small = self.standing.compact(self.compact.keys, closed)
        small.highs.set_options(presolve="off")
        return small

    def _upgrades(self, compact: Compact) -> NDArray[np.intp]:
        at = compact.place[self.program.upgrade_columns()]
        return np.unique(at[at >= 0])

    def _decide_used(self, small: Compact, whole: NDArray[np.intp], cost: Floats) -> Outcome:
        """Decide whole sites where the relaxation builds, upgrades in part, as well as the gap asks for."""
        good = self._good_enough()
        options = {**MIP_OPTIONS, "mip_max_nodes": FIRST_NODES, "objective_target": good}
        with self.standing.booked("mip"):
            small.minimize(cost)
            outcome = small.decide(whole, 0.5 * max(good - self.standing.bound, 1e-6), options)
            small.minimize()
        return outcome

    def _good_enough(self) -> float:
        """Objective at which the gap to the bound is closed, with room for repair: T - bound = gap D(T) [M$]."""
        standing, gap = self.standing, REPAIR_ROOM * self.standing.limits.gap
        decided = standing.decided(standing.bound + standing.offset)
        return standing.bound + gap * max(decided, 0.0) / (1.0 - gap)

    def _everywhere(self, number: int, closer: float, nodes: int = 2**31 - 1) -> None:
        """Decide everything, and make secure what comes of it."""
        standing, compact = self.standing, self.compact
        best = standing.best
        allowed = standing.allowed(best.objective) if best else max(self._good_enough() - standing.bound, 1e-6)
        start = None if best is None else compact.reduced(best.values)
        options = {**MIP_OPTIONS, **(BOUND_OPTIONS if best else {}), "mip_max_nodes": nodes}
        with standing.booked("mip"):
            seconds = TIME_SHARE * self.program.seconds_left()
            outcome = compact.decide(np.flatnonzero(compact.integer), closer * allowed, options, start, seconds)
        standing.raise_bound(np.inf if outcome.status == "infeasible" else min(outcome.bound, standing.worth()))
        if len(outcome.values) and outcome.objective < standing.worth():
            self._secured(outcome.values)
        self.program.log(f"mip round {number} everywhere: {standing}")

    def _secured(self, values: Floats) -> None:
        """Keep a plan of everything if it breaks no limit, else what can be made of it."""
        compact, whole = self.compact, np.flatnonzero(self.compact.integer)
        compact.cut(values, fully=True)
        with self.standing.booked("repair"):
            self._try(compact, whole, np.round(values[whole]))
        self._make_secure(compact, np.setdiff1d(whole, self._upgrades(compact)), values)

    def _make_secure(self, compact: Compact, whole: NDArray[np.intp], values: Floats) -> None:
        """Keep whole decisions other than upgrades, find the upgrades they need, and make those whole."""
        chosen, upgrades = np.round(values[whole]), self._upgrades(compact)
        with self.standing.booked("repair"):
            given = compact.lower[whole].copy(), compact.upper[whole].copy()
            compact.bound(whole, chosen, chosen)
            outcome = compact.clean(self.standing.worth(), fully=True)
            if outcome.status == "optimal" and outcome.objective < self.standing.worth():
                shares = outcome.values[upgrades]
                tried = {(shares > threshold).tobytes(): shares > threshold for threshold in THRESHOLDS}
                for built in tried.values():
                    self._try(compact, upgrades, built.astype(float))
            compact.bound(whole, *given)

    def _try(self, compact: Compact, columns: NDArray[np.intp], chosen: Floats) -> None:
        """Keep a plan if it is secure and the best so far."""
        given = compact.lower[columns].copy(), compact.upper[columns].copy()
        chosen = np.clip(chosen, *given)
        compact.bound(columns, chosen, chosen)
        outcome = compact.clean(self.standing.worth(), fully=True)
        better = outcome.status == "optimal" and outcome.objective < self.standing.worth()
        if better and not compact.cut(outcome.values, fully=True):
            self.standing.keep(compact, outcome)
        compact.bound(columns, *given)
