"""Whole decisions by the solver's own integer search, with the limits that its plans break added between.

Plans are looked for first among the sites that the relaxation uses where it pays in full for what it builds
(`optimizer.solve.making_whole`). The first node of the solver's search of everything then raises the bound. If that is
not good enough, better plans are looked for there and among all sites that the relaxation uses, and at last everything
is searched, starting from the best plan. Its bound holds although limits are missing: rows only remove plans.
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

NEAR = 1.5
"""Gap of the first plans, as a multiple of the one asked for, at which the cuts of the solver's first node are tried:
they raise the bound by little (unverified) [-]."""

IDLE = 2
"""Searches among the same sites without a better plan after which they end (unverified)."""

ROOT_NODES = 1
"""Nodes of the first search of everything."""

TIME_SHARE = 0.8
"""Share of the time left that one search of everything may take; the rest is for making its plan secure [-]
(unverified: a choice)."""

FIRST_SHARE = 0.5
"""Share of the time left that each search for any plan may take, so that some is left for making it secure [-]
(unverified: a choice)."""

CLOSER = 0.6
"""Factor on the difference that a search may leave, from one to the next [-] (unverified: a choice)."""


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

    def run(self, relaxed: Outcome, until_plan: bool = False) -> None:
        """Search until the gap is closed or a limit is reached.

        Parameters
        ----------
        relaxed : Outcome
            Of the compact program.
        until_plan : bool
            A plan among what the relaxation uses will do, where there is one.
        """
        if until_plan:
            self.where_used(relaxed)
            if self.standing.best:
                return
        values, used = self._in_full(relaxed.values)
        rounds = self._where_used(used, values, 0, first=True)
        if until_plan and self.standing.best:
            return
        if not self.standing.is_done and self.standing.best and rounds < self.standing.limits.max_rounds:
            # The cuts of the solver's first node are cheap, and often all that the proof needs.
            rounds += 1
            self._everywhere(rounds, 1.0, ROOT_NODES)
        for among in (used, np.maximum(used, relaxed.values)):
            rounds = self._where_used(among, values, rounds)
        closer = 1.0
        while not self.standing.is_done and rounds < self.standing.limits.max_rounds:
            rounds += 1
            self._everywhere(rounds, closer)
            closer *= CLOSER

    def where_used(self, relaxed: Outcome) -> None:
        """Look for a plan among the sites that the relaxation uses, whatever it costs.

        Parameters
        ----------
        relaxed : Outcome
            Of the compact program.
        """
        self._where_used(relaxed.values, relaxed.values, 0, first=True, time_share=FIRST_SHARE)

    def _in_full(self, values: Floats) -> tuple[Floats, Floats]:
        """A solution that pays in full for what it builds, and all that it built on the way."""
        compact = self.compact
        binary = np.flatnonzero(compact.integer & (compact.upper <= 1.0))
        with self.standing.booked("lp"):
            if not len(self.whole.others(compact)):
                return values, values
            return self.whole.paid_in_full(compact, binary, values)

    def _where_used(
        self, used: Floats, values: Floats, rounds: int, first: bool = False, time_share: float = np.inf
    ) -> int:
        """Look for plans among the sites that are used, until searches find no better one; return the rounds.

        Parameters
        ----------
        used : ndarray, shape (n_column,)
            Largest value of each column of the compact program in some solutions.
        values : ndarray, shape (n_column,)
            Solution whose upgrades are paid for in full.
        rounds : int
            So far.
        first : bool
            A plan that is nearly good enough will do.
        time_share : float
            Share of the time left that each search may take [-].
        """
        if self.standing.is_done:
            return rounds
        with self.standing.booked("lp"):
            small = self.whole.among(self.compact, self.compact.whole(used), USED)
        upgrades, decides = self.whole.upgrades(small), bool(len(self.whole.others(small)))
        cost = self.whole.scaled(small, upgrades, small.reduced(self.compact.whole(values)))
        best = self.standing.best
        start, share, idle = None if first or best is None else small.reduced(best.values), 0.5, 0
        while not self.standing.is_done and rounds < self.standing.limits.max_rounds:
            rounds += 1
            known = len(small.keys)
            seconds = min(time_share, 1.0) * self.program.seconds_left()
            outcome = self.whole.decide(small, cost, share, start, seconds) if decides else small.clean()
            if not len(outcome.values):
                break
            small.cut(outcome.values, fully=True)
            made = self.whole.secure(small, outcome.values)
            self.program.log(f"mip round {rounds} where the relaxation builds: {self.standing}")
            idle = 0 if made is not None else idle + 1
            # The same search again finds the same plan, unless the last one taught it rows.
            stuck = made is None and len(small.keys) == known
            near = self.standing.gap() <= NEAR * self.standing.limits.gap
            if stuck or not decides or (near if first else idle == IDLE):
                break
            if made is not None:
                start, cost, share = made, self.whole.scaled(small, upgrades, made), share * CLOSER
        return rounds

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
