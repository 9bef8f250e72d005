"""Branch and cut over a compact program: limits of branches are added at the nodes whose solutions break them.

An integer program that learns of a broken limit only when it has ended must be searched again for every limit; here
each node knows every limit found so far, and a plan counts only when a check of every outage breaks none. Nodes are
bounded by what their multipliers prove outside the solver (`optimizer.solve.proof`); which column to branch on is
learned from the solves themselves (reliability branching: T. Achterberg, T. Koch, A. Martin, Operations Research
Letters 33 (2005) 42-54).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.highs import Basis, HighsProgram, Outcome

Floats = NDArray[np.float64]

WHOLE = 1e-6
"""Distance from a whole number that counts as none [-] (HiGHS default)."""

RELIABLE = 2
"""Trials of a column in each direction after which its past tells enough (unverified: docs/benchmarks.md)."""

TRIED = 8
"""Columns tried at a node at the most (unverified: docs/benchmarks.md)."""

TRIAL_ITERATIONS = 20
"""Simplex iterations of a trial (unverified: docs/benchmarks.md)."""
EXPLORED_NODES = 50
"""Nodes between two that are explored (unverified)."""

LOG_NODES = 100
"""Nodes between two lines of the log."""

LEAST_GAIN = 1e-6
"""Gain that a direction without any counts as, so that a product ranks the other (SCIP's choice)."""

BOTH, FIXED = "both", "fixed"


class Deadline(Protocol):
    """What says how long a search may take."""

    def seconds_left(self) -> float:
        """Time left [s]."""


class Relaxation(Protocol):
    """A linear program that a search bounds and solves, in its own columns: `Compact` and `Sifted`."""

    lower: Floats
    upper: Floats

    @property
    def highs(self) -> HighsProgram:
        """Where it is solved."""

    @property
    def program(self) -> Deadline:
        """What it is the program of."""

    def minimize(self) -> None:
        """Minimize the objective."""

    def bound(self, columns: NDArray[np.intp], lower: Floats, upper: Floats) -> None:
        """Change bounds of columns."""

    def solve(self) -> Outcome:
        """Solve with the rows there are."""

    def clean(self, ceiling: float = ...) -> Outcome:
        """Solve until no row that is looked for is broken, or the bound is no less than a ceiling."""

    def proven(self) -> float:
        """Bound that the multipliers of the last solve prove."""

    def basis(self) -> Basis:
        """Basis of the last solve."""

    def cut(self, values: Floats, fully: bool) -> int:
        """Add the rows that a solution breaks and return how many."""


@dataclass(order=True)
class Node:
    """A part of the plans: bounds of integer columns, and what is proven of it."""

    bound: float
    number: int
    lower: Floats = field(compare=False)
    upper: Floats = field(compare=False)
    basis: Basis | None = field(compare=False)


class BranchAndCut:
    """A search of all plans of a compact program within the bounds its columns have now.

    Parameters
    ----------
    compact : Relaxation
        What is searched; its rows stay, its bounds are restored.
    rank : ndarray of int, shape (n_column,)
        Columns of a lower rank are branched on first; -1 for columns that need not be whole.
    ceiling : callable
        Objective, without the program's constant, from which on plans are of no interest; falls as plans are found.
    found : callable
        Takes the outcome of a node whose columns are whole and that breaks no limit after any outage; keeps plans, and
        so lowers the ceiling.
    explore : callable, optional
        Takes the outcome of a node now and then, to look for plans near it in another way.
    """

    def __init__(
        self,
        compact: Relaxation,
        rank: NDArray[np.intp],
        ceiling: Callable[[], float],
        found: Callable[[Outcome], None],
        explore: Callable[[Outcome], None] | None = None,
    ) -> None:
        self.compact, self.ceiling, self.found = compact, ceiling, found
        self.explore = explore
        self.columns = np.flatnonzero(rank >= 0)
        self.rank = rank[self.columns]
        self.given = compact.lower[self.columns], compact.upper[self.columns]
        self.gain = np.zeros((2, len(self.columns)))
        self.trials = np.zeros((2, len(self.columns)))
        self.nodes, self.unsolved = 0, np.inf

    def run(self, most_nodes: int, log: Callable[[int, int, float], None] = lambda *_: None) -> float:
        """Search; return the bound on every plan that costs less than the ceiling ended at, at most the ceiling.

        Parameters
        ----------
        most_nodes : int
            Nodes after which to stop: work, not time.
        log : callable
            Takes nodes, open nodes and bound now and then.
        """
        lower, upper = self.given
        self.compact.minimize()
        heap: list[Node] = []
        node: Node | None = Node(-np.inf, 0, lower.copy(), upper.copy(), None)
        number = 0
        while node is not None and self.nodes < most_nodes and self.compact.program.seconds_left() > 0:
            self.nodes += 1
            children = self._branch(node)
            for child in children[1:]:
                number += 1
                child.number = number
                heapq.heappush(heap, child)
            node = children[0] if children else self._next(heap)
            if self.nodes % LOG_NODES == 0 and (heap or node):
                log(self.nodes, len(heap), min(n.bound for n in (*heap[:1], *([node] if node else []))))
        self.compact.bound(self.columns, lower, upper)
        ends = [n.bound for n in heap] + ([node.bound] if node is not None else [])
        return min([self.ceiling(), self.unsolved, *ends])

    def _next(self, heap: list[Node]) -> Node | None:
        """The node with the least bound, if it can still hold a plan of interest."""
        if not heap or heap[0].bound >= self.ceiling():
            heap.clear()
            return None
        node = heapq.heappop(heap)
        if node.basis is not None:
            self.compact.highs.set_basis(node.basis)
        return node

    def _branch(self, node: Node) -> list[Node]:
        """Solve a node; return its two parts, the one to look at next first, or nothing where it holds no plan."""
        compact = self.compact
        compact.bound(self.columns, node.lower, node.upper)
        shown = False
        while True:
            outcome = compact.clean(self.ceiling())
            if outcome.status != "optimal":
                # A node that was not solved to its end keeps the bound that it came with.
                self.unsolved = self.unsolved if outcome.status == "infeasible" else min(self.unsolved, node.bound)
                return []
            bound = max(node.bound, compact.proven())
            if bound >= self.ceiling():
                return []
            values = outcome.values[self.columns]
            apart = np.abs(values - np.round(values))
            if apart.max(initial=0.0) <= WHOLE:
                if compact.cut(outcome.values, fully=True):
                    continue
                self.found(outcome)
                # What is left of the node costs as much as the plan, within the solver's tolerance.
                return []
            rank = self.rank[apart > WHOLE].min()
            if self.explore is not None and not shown and self.nodes % EXPLORED_NODES == 0:
                shown = True
                compact.bound(self.columns, *self.given)
                self.explore(outcome)
                compact.minimize()
                compact.bound(self.columns, node.lower, node.upper)
                continue
            candidates = np.flatnonzero((apart > WHOLE) & (self.rank == rank))
            choice, at = self._choose(node, outcome.objective, values, candidates)
            if at < 0:
                return []
            if choice == BOTH:
                return self._parts(node, bound, values, at)

    def _parts(self, node: Node, bound: float, values: Floats, at: int) -> list[Node]:
        down = Node(bound, 0, node.lower, node.upper.copy(), None)
        up = Node(bound, 0, node.lower.copy(), node.upper, None)
        down.upper[at], up.lower[at] = np.floor(values[at]), np.ceil(values[at])
        binary = node.upper[at] - node.lower[at] <= 1.0
        first, second = (up, down) if binary or values[at] - np.floor(values[at]) >= 0.5 else (down, up)
        second.basis = self.compact.basis()
        return [first, second]

    def _choose(self, node: Node, objective: float, values: Floats, candidates: NDArray[np.intp]) -> tuple[str, int]:
        """The column that raises the bound most; ``fixed`` where one direction of it holds no plan and was cut off."""
        share = values[candidates] - np.floor(values[candidates])
        average = self.gain.sum(axis=1) / np.maximum(self.trials.sum(axis=1), 1.0)
        mean = np.where(self.trials > 0, self.gain / np.maximum(self.trials, 1.0), average[:, None])[:, candidates]
        score = np.maximum(mean[0] * share, LEAST_GAIN) * np.maximum(mean[1] * (1.0 - share), LEAST_GAIN)
        best, chosen, basis = -1.0, int(candidates[0]), None
        for tried, i in enumerate(np.lexsort([candidates, -score]).tolist()):
            at = int(candidates[i])
            if self.trials[:, at].min() >= RELIABLE:
                chosen = at if score[i] > best else chosen
                break
            if tried == TRIED:
                break
            basis = basis or self.compact.basis()
            gains = [self._try(node, objective, values, at, up, basis) for up in (0, 1)]
            ends = [objective + g >= self.ceiling() for g in gains]
            if all(ends):
                return FIXED, -1
            if any(ends):
                self._cut_off(node, values, at, up=ends[1])
                return FIXED, at
            if max(gains[0], LEAST_GAIN) * max(gains[1], LEAST_GAIN) > best:
                best, chosen = max(gains[0], LEAST_GAIN) * max(gains[1], LEAST_GAIN), at
        return BOTH, chosen

    def _try(self, node: Node, objective: float, values: Floats, at: int, up: int, basis: Basis) -> float:
        """Gain of the bound in one direction, by a few iterations; infinite where it holds no plan."""
        highs, column = self.compact.highs, self.columns[[at]]
        low, high = node.lower[[at]], node.upper[[at]]
        side = (np.ceil(values[[at]]), high) if up else (low, np.floor(values[[at]]))
        self.compact.bound(column, *side)
        highs.set_options(simplex_iteration_limit=TRIAL_ITERATIONS)
        outcome = self.compact.solve()
        reached = np.inf if outcome.status == "infeasible" else max(self.compact.proven(), objective)
        highs.set_options(simplex_iteration_limit=2**31 - 1)
        self.compact.bound(column, low, high)
        highs.set_basis(basis)
        gain = reached - objective
        share = float(values[at] - np.floor(values[at]))
        seen = min(gain, max(self.ceiling() - objective, 0.0)) if np.isfinite(self.ceiling()) else gain
        if np.isfinite(seen):
            self.gain[up, at] += seen / max(1.0 - share if up else share, WHOLE)
            self.trials[up, at] += 1
        return gain

    def _cut_off(self, node: Node, values: Floats, at: int, up: bool) -> None:
        """Take the direction that holds no plan of interest out of the node."""
        node.lower, node.upper = node.lower.copy(), node.upper.copy()
        if up:
            node.upper[at] = np.floor(values[at])
        else:
            node.lower[at] = np.ceil(values[at])
        self.compact.bound(self.columns[[at]], node.lower[[at]], node.upper[[at]])
