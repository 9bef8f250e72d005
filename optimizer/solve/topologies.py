"""Plans that build circuits: integer programs of bus angles, each plan checked after every outage in its own network.

A plan's circuits make its network, in which every outage is checked; what is broken becomes rows that hold for every
plan (`optimizer.formulation.expansion_outages`). The linear program with a plan's whole decisions is repeated until it
breaks nothing, which makes the plan secure or shows that it cannot be; then the integer program is solved again with
what was learned. A bound proven at any time stays valid, because rows only remove plans, and there are finitely many
networks, so that the search ends.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.money import gap_of
from optimizer.solve.program import SecureProgram

SEARCH_SHARE = 0.5
"""Share of the allowed gap at which an integer solve stops; the rest is left for the rows its plan breaks [-]."""

WHOLE = (1e-6, 1e-9)
"""Largest distance of a whole decision from a whole number in the solver [-]: times a big-M, it is power. HiGHS asks as
much of all its rows, which makes its linear programs many times slower, and ends without an answer where rounding is
larger; so the second is asked only where the first leads no further (docs/benchmarks.md)."""

OPTIONS = {
    "mip_rel_gap": 0.0,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}
"""Options of the integer solves: sub-programs of these heuristics took two thirds of a search (docs/benchmarks.md)."""


def find_by_topologies(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a secure plan of a case with circuits on offer and prove how good it is.

    Parameters
    ----------
    program, limits, decided
        As `optimizer.solve.loop.find_plan` takes them.
    """
    program.highs.relax(True)
    relaxed = program.solve("lp")
    if relaxed.status != "optimal":
        status = "infeasible" if relaxed.status == "infeasible" else "limit_without_plan"
        return Found(status, np.inf, -np.inf, {})
    return _Search(program, limits, decided, relaxed.objective).run()


class _Search:
    """State of one search: the best plan and the best bound."""

    def __init__(self, program: SecureProgram, limits: Limits, decided: Callable[[float], float], bound: float) -> None:
        self.program, self.limits, self.decided, self.bound = program, limits, decided, bound
        self.objective = np.inf
        self.integers: dict[int, float] = {}
        self.whole: tuple[float, ...] = WHOLE

    def run(self) -> Found:
        """Alternate integer program and check until the gap is closed or a limit is reached."""
        for number in range(1, self.limits.max_rounds + 1):
            before, rows = self.objective, self.program.highs.size[0]
            outcome = self._integer_round()
            self.bound = max(self.bound, min(outcome.bound, self.objective))
            if outcome.status == "infeasible":
                return self._ended("infeasible" if not self.integers else "limit_with_plan")
            if len(outcome.values):
                self._make_secure(outcome.values)
            self.program.log(
                f"mip round {number}: plan {self.objective:.4f} M$, bound {self.bound:.4f} M$, gap {self._gap():.5f}"
            )
            if self._gap() <= self.limits.gap:
                return self._ended("optimal" if self._gap() == 0.0 else "gap_reached")
            stuck = self.objective >= before and self.program.highs.size[0] == rows
            if (stuck and len(self.whole) == 1) or self.program.seconds_left() <= 0:
                break
            if stuck:
                self.whole = self.whole[1:]
        return self._ended("limit_with_plan" if self.integers else "limit_without_plan")

    def _ended(self, status: str) -> Found:
        return Found(status, self.objective, self.bound, self.integers)

    def _gap(self) -> float:
        if not self.integers:
            return np.inf
        return gap_of(self.objective, self.bound, self.decided(self.objective))

    def _integer_round(self) -> Outcome:
        highs = self.program.highs
        highs.relax(False)
        self.program.free()
        gap = SEARCH_SHARE * self.limits.gap
        allowed = gap * max(self.decided(self.bound), 0.0) / (1.0 - gap)
        options = {**OPTIONS, "mip_abs_gap": max(allowed, 1e-7), "mip_feasibility_tolerance": self.whole[0]}
        highs.set_options(**options)
        return self.program.solve("mip")

    def _make_secure(self, values: NDArray[np.float64]) -> None:
        """Keep whole decisions, and add rows until the plan breaks nothing or cannot be."""
        chosen = self.program.integers_of(values)
        self.program.highs.relax(True)
        self.program.free()
        self.program.fix(chosen)
        outcome = self.program.solve_clean("repair", self.limits.max_rounds, ceiling=self.objective)
        if outcome.status == "optimal" and outcome.objective < self.objective:
            self.objective, self.integers = outcome.objective, chosen
        self.program.free()
