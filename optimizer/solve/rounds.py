"""The loop: a clean relaxation, then integer plans, each made secure, until the gap is closed.

A lower bound proven in any round stays valid in all later ones, because rows only remove plans. So the best bound of
all rounds is kept, and once it is good enough it suffices to *find* a secure plan within the gap of it. Plans are
looked for first among the sites that the relaxation uses, with upgrades in part; upgrades are then made whole, from
several thresholds, for the sites found. Only when that gives no plan good enough is the whole program searched.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.money import gap_of
from optimizer.solve.program import SecureProgram
from optimizer.solve.proof import proven_bound

MIP_OPTIONS = {
    "mip_root_presolve_only": True,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
}
"""Options of the integer solves: with many dense rows the sub-programs of these heuristics, and presolving again, take
longer than they save (measured on the Texas example: docs/benchmarks.md)."""

USED = 1e-6
"""A binary or whole column above this in the relaxation is used by it [-]."""

THRESHOLDS = (0.02, 0.15, 0.3, 0.5, 0.7)
"""Upgrades that the relaxation builds to more than this share are built whole, the others not [-]. Each is tried; the
least always has a plan where the relaxation has one, but for what it builds to less than its own value."""

FIRST_NODES = 500
"""Nodes after which the search among what the relaxation uses is given up: work, not time (unverified)."""

REPAIR_ROOM = 0.6
"""Share of the allowed gap at which an integer solve stops; the rest is left for the rows that its plan breaks and for
making its upgrades whole [-] (unverified)."""


def find_by_rounds(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a secure plan and prove how good it is.

    Parameters
    ----------
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    program.add_rows(program.expected)
    program.highs.relax(True)
    relaxed = program.solve_clean("lp", limits.max_rounds)
    if relaxed.status != "optimal":
        status = "infeasible" if relaxed.status == "infeasible" else "limit_without_plan"
        return Found(status, np.inf, -np.inf, {})
    integers = program.integers_of(relaxed.values)
    if all(abs(relaxed.values[c] - v) <= USED for c, v in integers.items()):
        return Found("optimal", relaxed.objective, _root_bound(program, relaxed), integers)
    return _Search(program, limits, decided, relaxed).run()


def _root_bound(program: SecureProgram, relaxed: Outcome) -> float:
    """Bound of the relaxation by its multipliers; by the solver where some column has no end."""
    proven = proven_bound(program.highs)
    return min(proven, relaxed.objective) if np.isfinite(proven) else relaxed.objective


class _Search:
    """State of one search: incumbent, bound, and where to look."""

    def __init__(
        self, program: SecureProgram, limits: Limits, decided: Callable[[float], float], relaxed: Outcome
    ) -> None:
        self.program, self.limits, self.decided = program, limits, decided
        self.bound = _root_bound(program, relaxed)
        self.objective = np.inf
        self.integers: dict[int, float] = {}
        self.unused = program.unused_columns(relaxed.values, USED)
        self.upgrades = program.upgrade_columns()
        self.whole = np.setdiff1d(program.highs.integers, self.upgrades)
        self.relaxed = relaxed
        self.everywhere = False

    def run(self) -> Found:
        """Alternate integer program and repair until the gap is closed or a limit is reached."""
        for number in range(1, self.limits.max_rounds + 1):
            before, rows = self.objective, self.program.highs.size[0]
            outcome = self._integer_round()
            if self.everywhere:
                self.bound = max(self.bound, min(outcome.bound, self.objective))
                if outcome.status == "infeasible" and not self.integers:
                    return Found("infeasible", np.inf, self.bound, {})
            if len(outcome.values):
                self._make_secure(outcome.values)
            self.program.log(
                f"mip round {number} {'everywhere' if self.everywhere else 'where the relaxation builds'}: "
                f"plan {self.objective:.4f} M$, bound {self.bound:.4f} M$, gap {self._gap():.5f}"
            )
            if self._gap() <= self.limits.gap:
                status = "optimal" if self._gap() == 0.0 else "gap_reached"
                return Found(status, self.objective, self.bound, self.integers)
            if self.program.seconds_left() <= 0:
                break
            # The same search again finds the same plan, unless the last one taught it rows.
            stuck = self.objective >= before and self.program.highs.size[0] == rows
            self.everywhere = self.everywhere or stuck or not len(outcome.values)
        status = "limit_with_plan" if self.integers else "limit_without_plan"
        return Found(status, self.objective, self.bound, self.integers)

    def _gap(self) -> float:
        if not self.integers:
            return np.inf
        return gap_of(self.objective, self.bound, self.decided(self.objective))

    def _good_enough(self) -> float:
        """Objective at which the gap to the bound is closed, with room for repair: T - bound = gap D(T) [M$]."""
        gap = REPAIR_ROOM * self.limits.gap
        return self.bound + gap * max(self.decided(self.bound), 0.0) / (1.0 - gap)

    def _integer_round(self) -> Outcome:
        """Decide whole sites where the relaxation builds, upgrades in part; later, everything everywhere."""
        if not self.everywhere and not len(self.whole):
            return self.relaxed
        highs = self.program.highs
        highs.relax(False)
        self.program.free()
        if not self.everywhere:
            highs.relax(True, self.upgrades)
            highs.set_bounds({c: (0.0, 0.0) for c in self.unused})
        allowed = max(self._good_enough() - self.bound, 1e-6)
        highs.set_options(
            mip_abs_gap=allowed if self.everywhere else 0.5 * allowed,
            mip_rel_gap=0.0,
            objective_target=self._good_enough(),
            mip_max_nodes=2**31 - 1 if self.everywhere else FIRST_NODES,
            **MIP_OPTIONS,
        )
        outcome = self.program.solve("mip")
        self.program.free()
        return outcome

    def _make_secure(self, values: NDArray[np.float64]) -> None:
        """Keep whole decisions other than upgrades, find the upgrades they need, and make those whole."""
        chosen = self.program.integers_of(values)
        self.program.highs.relax(True)
        if self.everywhere:
            self._try(chosen)
        kept = set(self.whole)
        integers = {c: v for c, v in chosen.items() if c in kept}
        self.program.free()
        self.program.fix(integers)
        outcome = self.program.solve_clean("repair", self.limits.max_rounds, ceiling=self.objective)
        if outcome.status == "optimal" and outcome.objective < self.objective:
            tried: set[tuple[float, ...]] = set()
            for threshold in THRESHOLDS:
                upgrades = {int(c): float(outcome.values[c] > threshold) for c in self.upgrades}
                if tuple(upgrades.values()) not in tried:
                    tried.add(tuple(upgrades.values()))
                    self._try({**integers, **upgrades})
        self.program.free()

    def _try(self, integers: dict[int, float]) -> None:
        """Keep a plan if it is secure and the best so far."""
        self.program.fix(integers)
        outcome = self.program.solve_clean("repair", self.limits.max_rounds, ceiling=self.objective)
        if outcome.status == "optimal" and outcome.objective < self.objective:
            self.objective, self.integers = outcome.objective, integers
