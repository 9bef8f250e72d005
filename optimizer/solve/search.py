"""Search for a secure plan where limits of branches are found as solutions break them.

1. The relaxation is solved until it breaks no limit: the first bound.
2. Sites that it uses are a first set, improved by local search and made whole: the first plan.
3. A plan is good enough once the bound is within the gap of it. So plans above that ceiling are of no interest: ways
   to open sites that cost more at the prices of the relaxation are dropped, and sizes are tightened, which raises the
   bound.
4. The tighter relaxation knows better sets: local search again, until it stops helping.
5. Branch and cut over what is left: better plans, and the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.branching import BranchAndCut
from optimizer.solve.compact import Compact
from optimizer.solve.highs import Outcome
from optimizer.solve.neighbours import Neighbours
from optimizer.solve.openings import Openings, columns_of, sites_of
from optimizer.solve.program import SecureProgram
from optimizer.solve.sizes import Sizes
from optimizer.solve.standing import Standing

Floats = NDArray[np.float64]

GUESSED = 0.5
"""Share of the allowed difference below the best set of sites at which limits are tightened before a plan is known [-]
(unverified)."""

MOST_NODES = 2000
"""Nodes after which branch and cut gives up, and the solver's own search goes on (unverified: the siting benchmark
takes a tenth of it)."""

COMPLETED = 6
"""Sets of sites made whole after a local search (unverified)."""

COMPLETION_NODES = 400
"""Nodes spent on making a set of sites whole (unverified)."""

PROMISING = 0.1
"""Share of the allowed difference by which a set of sites must be cheaper than the best plan to be made whole [-]
(unverified)."""

STARTS = (0.3, 0.1)
"""Sites that the relaxation builds to more than this share start a local search [-] (unverified)."""

BUILD, CONNECT, SIZE = 0, 1, 2
"""Order in which whole columns are branched on."""


class Search:
    """A search of sets of sites, and then of everything.

    Parameters
    ----------
    standing : Standing
        Best plan and bound, improved here.
    compact : Compact
        Relaxation of the whole program, solved until it broke no limit.
    """

    def __init__(self, standing: Standing, compact: Compact) -> None:
        self.standing, self.compact, self.program = standing, compact, standing.program
        self.scope = np.inf
        self.rank = _ranks(self.program)
        self.completed: set[frozenset[int]] = set()

    def run(self, relaxed: Outcome) -> None:
        """Search until the gap is closed or a limit is reached.

        Parameters
        ----------
        relaxed : Outcome
            Of the compact program.
        """
        with self.standing.booked("mip"):
            if len(self.program.case.sites):
                self._with_sites(self.compact, relaxed)
            else:
                self._branch(self.compact)

    def _with_sites(self, compact: Compact, relaxed: Outcome) -> None:
        """Sets of sites, tighter limits below what they cost, better sets, and the rest of the plans."""
        sites = sites_of(self.program)
        first, sizes = compact, Sizes(sites, compact, sites.most)
        sets = self._local_search(sizes, relaxed, {})
        self.scope = self._guess(sets)
        if self.scope <= self.standing.bound:
            self._complete_best(sizes, sets)
            self.scope = self.standing.ceiling()
        while not self.standing.is_done:
            sizes, relaxed = self._tightened(Sizes(sites, first, sites.most))
            if relaxed.status == "optimal" and relaxed.objective < self.scope:
                sets = self._local_search(sizes, relaxed, sets)
                self._complete_best(sizes, sets)
                if not self.standing.is_done:
                    self._branch(sizes.compact, sizes)
            if self.scope >= self.standing.ceiling() or self.scope == np.inf:
                # Every plan that is of interest was in scope.
                return
            # Limits that hold below a guess say nothing of dearer plans: start again below the plan found, if any.
            self.scope = self.standing.ceiling()

    def _guess(self, sets: Mapping[frozenset[int], float]) -> float:
        """Ceiling that a plan made from the best set is expected to have, without the constant."""
        best = min(sets.values(), default=np.inf)
        return best - GUESSED * self.standing.allowed(best)

    def _tightened(self, sizes: Sizes) -> tuple[Sizes, Outcome]:
        """The program of the plans in scope: without ways to open sites that cost more, and with tighter sizes."""
        compact = sizes.compact
        compact.minimize()
        relaxed = compact.clean(fully=True)
        if relaxed.status != "optimal":
            return sizes, relaxed
        closed = np.zeros(len(self.program.highs.own.cost), dtype=bool)
        if np.isfinite(self.scope):
            openings = Openings(sizes.sites, compact)
            prices = openings.at_prices(sizes.most, np.zeros(len(sizes.sites.names), dtype=bool))
            dear = openings.too_dear(prices, self.scope)
            closed = columns_of(sizes.sites, self.program, dear)
            self.program.log(f"dropped {dear.sum()} of {len(dear)} ways to open sites: they cost too much")
        narrow = self.standing.compact(compact.keys, closed)
        relaxed = narrow.clean(fully=True)
        narrow.purge()
        narrow.highs.set_options(presolve="off")
        sizes = Sizes(sizes.sites, narrow, sizes.most)
        if np.isfinite(self.scope):
            relaxed = sizes.tighten(relaxed, self.scope)
        if relaxed.status == "optimal":
            self._raise_bound(narrow.proven())
        elif relaxed.status == "infeasible":
            self._raise_bound(np.inf)
        self._log("tightened", narrow)
        return sizes, relaxed

    def _local_search(
        self, sizes: Sizes, relaxed: Outcome, sets: Mapping[frozenset[int], float]
    ) -> dict[frozenset[int], float]:
        """Sets of sites from what the relaxation uses, improved; with their costs before anything is made whole."""
        compact = sizes.compact
        neighbours = Neighbours(sizes.sites, sizes, compact, self._load_prices(compact))
        starts = self._starts(neighbours, sizes, relaxed)
        starts += sorted(sets, key=lambda chosen: (sets[chosen], sorted(chosen)))[:1]
        self._improve(neighbours, starts)
        return neighbours.solved()

    def _starts(self, neighbours: Neighbours, sizes: Sizes, relaxed: Outcome) -> list[frozenset[int]]:
        """Sets of sites that a solution uses most."""
        share = np.where(neighbours.last >= 0, relaxed.values[neighbours.last], 0.0)
        load = np.where(sizes.blocks[:, -1] >= 0, relaxed.values[sizes.blocks[:, -1]], 0.0)
        starts = [frozenset(np.flatnonzero(share > least).tolist()) for least in STARTS]
        return [*starts, frozenset(np.argsort(-load, kind="stable")[: max(1, round(float(share.sum())))].tolist())]

    def _improve(self, neighbours: Neighbours, starts: Iterable[frozenset[int]]) -> None:
        usable = set(neighbours.usable)
        for start in dict.fromkeys(start & usable for start in starts):
            if start not in neighbours.known:
                chosen, cost = neighbours.search(start)
                self.program.log(
                    f"sites: {len(start)} to {len(chosen)}, {cost + self.standing.offset:.4f} M$ before rounding, "
                    f"{len(neighbours.known)} sets, {neighbours.compact.solves} solves"
                )

    def _complete_best(self, sizes: Sizes, sets: Mapping[frozenset[int], float]) -> None:
        """Make the best sets whole, until what they cost before is too near to the best plan."""
        for chosen in sorted(sets, key=lambda one: (sets[one], sorted(one)))[:COMPLETED]:
            if self.standing.is_done:
                return
            if chosen in self.completed:
                continue
            worth = self.standing.worth()
            if sets[chosen] < worth - PROMISING * self.standing.allowed(worth):
                self._complete(sizes, chosen)
        self._log("best of neighbours", sizes.compact)

    def _load_prices(self, compact: Compact) -> dict[int, float]:
        """Price of load in the last solve by period [M$/MW]."""
        duals, found = compact.highs.duals(), {}
        for t, row in self.program.model.siting.demand_is_met.items():
            at = compact.row_of(self.program.highs.row(row))
            found[t] = abs(float(duals[at])) if at >= 0 else 0.0
        return found

    def _complete(self, sizes: Sizes, chosen: frozenset[int]) -> None:
        """Look for plans with a set of sites, in a program of these alone."""
        self.completed.add(chosen)
        sites = sizes.sites
        out = ~np.isin(sites.site, list(chosen))
        compact = self.standing.compact(sizes.compact.keys, columns_of(sites, self.program, out))
        compact.highs.set_options(presolve="off")
        Sizes(sites, compact, sizes.most)
        search = self._searcher(compact, self.standing.worth)
        search.run(COMPLETION_NODES)
        self.program.log(f"set of {len(chosen)} sites: {search.nodes} nodes, {self.standing}")

    def _branch(self, compact: Compact, sizes: Sizes | None = None) -> None:
        """Search everything that is left, in scope and below the ceiling of the best plan."""
        compact.minimize()
        compact.solve()
        compact.purge()
        explore = None if sizes is None else self._explorer(sizes)
        search = self._searcher(compact, lambda: min(self.standing.ceiling(), self.scope), explore)

        def log(nodes: int, left: int, bound: float) -> None:
            self._raise_bound(bound)
            self.program.log(f"branch and cut: {nodes} nodes, {left} open, {self.standing}")

        self._raise_bound(search.run(MOST_NODES, log))
        self.program.log(f"branch and cut: {search.nodes} nodes, {self.standing}")

    def _explorer(self, sizes: Sizes) -> Callable[[Outcome], None]:
        """Look for better sets of sites near the solutions of nodes."""
        neighbours = Neighbours(sizes.sites, sizes, sizes.compact, self._load_prices(sizes.compact))

        def explore(outcome: Outcome) -> None:
            self._improve(neighbours, self._starts(neighbours, sizes, outcome)[:1])
            self._complete_best(sizes, neighbours.solved())

        return explore

    def _searcher(
        self, compact: Compact, ceiling: Callable[[], float], explore: Callable[[Outcome], None] | None = None
    ) -> BranchAndCut:
        rank = np.full(len(compact.cost), -1)
        whole = np.flatnonzero((self.rank >= 0) & (compact.place >= 0))
        rank[compact.integer] = SIZE
        np.minimum.at(rank, compact.place[whole], self.rank[whole])
        rank[~compact.integer] = -1
        return BranchAndCut(compact, rank, ceiling, lambda plan: self.standing.keep(compact, plan), explore)

    def _raise_bound(self, bound: float) -> None:
        """What was found among plans in scope says nothing of those that cost more."""
        self.standing.raise_bound(min(bound, self.scope))

    def _log(self, what: str, compact: Compact) -> None:
        self.program.log(f"{what}: {self.standing}, {compact.highs.size[0]} rows, {compact.solves} solves")


def _ranks(program: SecureProgram) -> NDArray[np.intp]:
    """Order in which the whole program's columns are branched on; -1 for those that need not be whole."""
    ranks = np.full(len(program.highs.own.cost), -1)
    ranks[program.highs.integers] = CONNECT
    block = program.model.component("siting")
    for variables, rank in () if block is None else ((block.build, BUILD), (block.blocks, SIZE)):
        ranks[[program.highs.column(v) for v in variables.values() if program.highs.has(v)]] = rank
    return ranks
