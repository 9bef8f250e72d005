"""The loop: a clean relaxation, then integer plans, each made secure, until the gap is closed.

A lower bound proven in any round stays valid in all later ones, because rows only remove plans. So the best bound of
all rounds is kept, and after it is good enough it suffices to find a secure plan within the gap of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.highs import Outcome
from optimizer.solve.program import SecureProgram

MIP_OPTIONS = {
    "mip_heuristic_effort": 0.05,
    "mip_root_presolve_only": True,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
}
"""Options of the integer solves: on models with many dense rows the sub-programs of the solver's heuristics and their
presolve take longer than they save (see docs/benchmarks.md)."""


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Parameters
    ----------
    gap : float
        Gap on what the decision can change [-].
    time_limit_s : float
        Wall time after which the best plan so far is returned [s].
    max_rounds : int
        Most rounds of adding rows, in the relaxation and again in the integer program.
    """

    gap: float
    time_limit_s: float
    max_rounds: int


@dataclass(frozen=True)
class Found:
    """The best plan, the best bound, and how it ended.

    Parameters
    ----------
    status : str
        ``optimal``, ``gap_reached``, ``limit_with_plan``, ``limit_without_plan`` or ``infeasible``.
    objective, bound : float
        Of the best secure plan (inf without one) and the best bound of all rounds [M$].
    integers : dict of column to value
        Integer columns of the best plan.
    """

    status: str
    objective: float
    bound: float
    integers: dict[int, float]


def find_plan(program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> Found:
    """Find a secure plan and prove how good it is.

    Parameters
    ----------
    program : SecureProgram
        Composed, with or without rows of an earlier program.
    limits : Limits
        When to stop.
    decided : callable
        D of the gap as a function of the objective [M$].
    """
    started = time.perf_counter()
    program.highs.relax(True)
    relaxed = program.solve_clean("lp", limits.max_rounds)
    if relaxed.status != "optimal":
        status = "infeasible" if relaxed.status == "infeasible" else "limit_without_plan"
        return Found(status, np.inf, -np.inf, {})
    if not len(program.highs.integers):
        return Found("optimal", relaxed.objective, relaxed.objective, {})
    search = _Search(program, limits, decided, started, relaxed.objective)
    return search.run(relaxed)


class _Search:
    """State of one search: incumbent, bound, time left."""

    def __init__(
        self,
        program: SecureProgram,
        limits: Limits,
        decided: Callable[[float], float],
        started: float,
        bound: float,
    ) -> None:
        self.program, self.limits, self.decided, self.started = program, limits, decided, started
        self.bound = bound
        self.objective = np.inf
        self.integers: dict[int, float] = {}

    def run(self, relaxed: Outcome) -> Found:
        """Alternate integer program and repair until the gap is closed or a limit is reached."""
        for number in range(1, self.limits.max_rounds + 1):
            outcome = self._integer_round()
            self.bound = max(self.bound, min(outcome.bound, self.objective))
            if outcome.status == "infeasible" and not self.integers:
                return Found("infeasible", np.inf, self.bound, {})
            if len(outcome.values):
                self._make_secure(outcome.values)
            self.program.log(
                f"mip round {number}: plan {self.objective:.4f} M$, bound {self.bound:.4f} M$, gap {self._gap():.5f}"
            )
            if self._gap() <= self.limits.gap:
                status = "optimal" if self._gap() == 0.0 else "gap_reached"
                return Found(status, self.objective, self.bound, self.integers)
            if self._time_left() <= 0:
                break
        status = "limit_with_plan" if self.integers else "limit_without_plan"
        return Found(status, self.objective, self.bound, self.integers)

    def _gap(self) -> float:
        from optimizer.solve.money import gap_of

        if not self.integers:
            return np.inf
        return gap_of(self.objective, self.bound, self.decided(self.objective))

    def _time_left(self) -> float:
        return self.limits.time_limit_s - (time.perf_counter() - self.started)

    def _integer_round(self) -> Outcome:
        highs = self.program.highs
        highs.relax(False)
        self.program.free()
        reference = self.objective if self.integers else self.bound
        allowed = 0.5 * self.limits.gap * max(self.decided(reference), 0.0)
        highs.set_options(
            time_limit=max(self._time_left(), 1.0), mip_abs_gap=max(allowed, 1e-6), mip_rel_gap=0.0, **MIP_OPTIONS
        )
        outcome = self.program.solve("mip")
        highs.set_options(time_limit=np.inf)
        return outcome

    def _make_secure(self, values: NDArray[np.float64]) -> None:
        """Keep the integers, solve the rest with rows until no limit is broken; keep the plan if it is the best."""
        integers = self.program.integers_of(values)
        self.program.highs.relax(True)
        self.program.fix(integers)
        outcome = self.program.solve_clean("repair", self.limits.max_rounds, ceiling=self.objective)
        if outcome.status == "optimal" and outcome.objective < self.objective:
            self.objective, self.integers = outcome.objective, integers
        self.program.free()
