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
from optimizer.solve.making_whole import MIP_OPTIONS, MakingWhole
from optimizer.solve.standing import Standing

Floats = NDArray[np.float64]

BOUND_OPTIONS = {
    "mip_heuristic_run_root_reduced_cost": False,
    "mip_heuristic_run_feasibility_jump": False,
}
"""Heuristics that are left out where a plan is known and a bound is wanted: their sub-programs took 70 s of the first
115 s on the Texas example (docs/benchmarks.md)."""

USED = 1e-6
"""A binary or whole column above this in the relaxation is used by it [-]."""

SCALINGS = 5
"""Times that costs of upgrades are scaled to what the last solution built of each (unverified: on the Texas example the
solution then built 19 instead of 104, and cost 22 M$ more when those were whole instead of 125 M$)."""

SAME_SITES = 4
"""Times that the rest is decided again for the sites of a plan that was not secure (unverified)."""

IDLE = 2
"""Searches among the same sites without a better plan after which everything is searched (unverified)."""

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
        self.whole = MakingWhole(standing)

    def run(self, relaxed: Outcome) -> None:
        """Search until the gap is closed or a limit is reached.

        Parameters
        ----------
        relaxed : Outcome
            Of the compact program.
        """
        with self.standing.booked("lp"):
            if len(self.whole.others(self.compact)):
                relaxed = self._in_full(relaxed)
            values = self.compact.whole(relaxed.values)
            small = self.whole.among(self.compact, values, USED)
        cost, rounds = self.whole.scaled(small, small.reduced(values)), 0
        if self.standing.best is None:
            rounds = self._where_used(small, cost, rounds, first=True)
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
        for _ in range(SCALINGS if len(self.whole.upgrades(compact)) else 0):
            compact.minimize(self.whole.scaled(compact, relaxed.values))
            outcome = compact.clean(fully=True)
            if outcome.status != "optimal":
                break
            relaxed = outcome
        compact.minimize()
        return relaxed

    def _where_used(self, small: Compact, cost: Floats, rounds: int, first: bool) -> int:
        """Search among the sites that a solution uses for the first plan, or for better ones; return the rounds."""
        decides, idle = bool(len(self.whole.others(small))), 0
        while not self.standing.is_done and rounds < self.standing.limits.max_rounds:
            rounds += 1
            before, known = self.standing.worth(), len(small.keys)
            outcome = self.whole.decide(small, cost) if decides else small.clean()
            if outcome.status == "infeasible" or not len(outcome.values):
                break
            small.cut(outcome.values, fully=True)
            self.whole.secure(small, outcome.values)
            if self.standing.best is None:
                self._same_sites(small, cost, outcome.values)
            self.program.log(f"mip round {rounds} where the relaxation builds: {self.standing}")
            # The same search again finds the same plan, unless the last one taught it rows.
            idle = idle + 1 if self.standing.worth() >= before else 0
            stuck = idle > 0 and len(small.keys) == known
            if stuck or (idle == IDLE and not first) or not decides or (first and self.standing.best is not None):
                break
        return rounds

    def _same_sites(self, small: Compact, cost: Floats, values: Floats) -> None:
        """Decide again with the sites of an insecure plan, whose limits are soon known, until a plan is secure."""
        block = self.program.model.component("siting")
        if block is None:
            return
        last = max(t for _, t in block.build)
        at = small.place[[self.program.highs.column(v) for (_, t), v in block.build.items() if t == last]]
        at = np.unique(at[at >= 0])
        given = small.lower[at].copy(), small.upper[at].copy()
        small.bound(at, np.round(values[at]), np.round(values[at]))
        for _ in range(SAME_SITES):
            outcome = self.whole.decide(small, cost)
            if not len(outcome.values) or not small.cut(outcome.values, fully=True):
                break
            self.whole.secure(small, outcome.values)
            if self.standing.best is not None:
                break
        small.bound(at, *given)

    def _everywhere(self, number: int, closer: float, nodes: int = 2**31 - 1) -> None:
        """Decide everything, and make secure what comes of it."""
        standing, compact = self.standing, self.compact
        best = standing.best
        allowed = standing.allowed(best.objective) if best else max(self.whole.good_enough() - standing.bound, 1e-6)
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
            self.whole.attempt(compact, whole, np.round(values[whole]))
        self.whole.secure(compact, values)
