"""Where a search stands: its best plan, its best bound, and what is left between them.

Objectives are counted without the program's constant, which the report of the search adds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optimizer.solve.compact import CEILING, Compact
from optimizer.solve.found import Found, Limits
from optimizer.solve.highs import Outcome
from optimizer.solve.limit_rows import LimitRows
from optimizer.solve.money import GAP_ZERO_RELATIVE, gap_of
from optimizer.solve.program import RowKey, SecureProgram

Floats = NDArray[np.float64]

ROUNDING = 1e-3
"""Part of the allowed difference kept for decimals of tables [-]."""

BINDING_MW = 1e-3
"""A limit with less slack than this binds a plan [MW]."""


@dataclass(frozen=True)
class Plan:
    """A plan by the columns of the whole program, with the limits that its program held."""

    objective: float
    values: Floats
    keys: tuple[RowKey, ...]


class Standing:
    """Best plan and best bound of the searches of one program.

    Parameters
    ----------
    program : SecureProgram
        Composed, with or without rows of an earlier program.
    limits : Limits
        When to stop.
    decided : callable
        D of the gap as a function of the objective [M$]; increasing by at most the objective's own increase.
    """

    def __init__(self, program: SecureProgram, limits: Limits, decided: Callable[[float], float]) -> None:
        self.program, self.limits, self.decided = program, limits, decided
        self.rows = LimitRows(program)
        self.best: Plan | None = None
        self.bound = -np.inf
        self.offset = program.highs.costs()[1]

    def compact(self, keys: Iterable[RowKey], closed: NDArray[np.bool_] | None = None) -> Compact:
        """The program in few columns and rows, with limits that are known to matter.

        Parameters
        ----------
        keys : iterable of row keys
            Limits that stand from the start.
        closed : ndarray of bool, shape (n_own,), optional
            Columns that are 0.
        """
        held = []
        if len(self.program.case.sites):
            short = self.program.model.siting.shortfall_mw.values()
            held = [self.program.highs.column(v) for v in short if v.ub == 0.0 and self.program.highs.has(v)]
        nothing = np.zeros(len(self.program.highs.own.cost), dtype=bool)
        compact = Compact(self.program, self.rows, nothing if closed is None else closed, held)
        compact.add(key for key in keys if key != CEILING)
        return compact

    def keep(self, compact: Compact, outcome: Outcome) -> None:
        """Keep a plan if it is the best so far; every outage was looked at."""
        if self.best is None or outcome.objective < self.best.objective:
            slack = compact.slack_mw(outcome.values)
            keys = tuple(key for key, mw in slack.items() if mw <= BINDING_MW)
            self.best = Plan(outcome.objective, compact.whole(outcome.values), keys)
            self.program.log(f"plan: {self}")

    def raise_bound(self, bound: float) -> None:
        """Keep the best bound, which is at most what closes the gap of the best plan."""
        self.bound = max(self.bound, min(bound, self.ceiling()))

    def worth(self) -> float:
        """Objective below which a plan is better than the best."""
        return np.inf if self.best is None else self.best.objective - GAP_ZERO_RELATIVE

    def allowed(self, objective: float) -> float:
        """Difference of objective and bound that the gap allows, less what decimals take [M$]."""
        if not np.isfinite(objective):
            return 0.0
        zero = GAP_ZERO_RELATIVE * max(1.0, abs(objective + self.offset))
        return (1.0 - ROUNDING) * max(self.limits.gap * max(self.decided(objective + self.offset), 0.0), 0.5 * zero)

    def ceiling(self) -> float:
        """Bound that closes the gap of the best plan; infinite without a plan."""
        return np.inf if self.best is None else self.best.objective - self.allowed(self.best.objective)

    @property
    def is_done(self) -> bool:
        """Whether the gap is closed, or the time is over."""
        return self.bound >= self.ceiling() or self.program.seconds_left() <= 0

    def gap(self) -> float:
        """Gap between plan and bound; infinite without a plan [-]."""
        if self.best is None:
            return np.inf
        objective = self.best.objective + self.offset
        return gap_of(objective, self.bound + self.offset, self.decided(objective))

    def __str__(self) -> str:
        plan = np.inf if self.best is None else self.best.objective + self.offset
        return f"plan {plan:.4f} M$, bound {self.bound + self.offset:.4f} M$, gap {self.gap():.5f}"

    def found(self) -> Found:
        """What the searches found; the limits that bind the plan now stand in the whole program too."""
        if self.best is None:
            status = "infeasible" if self.bound == np.inf else "limit_without_plan"
            return Found(status, np.inf, self.bound + self.offset, {})
        gap = self.gap()
        status = ("optimal" if gap == 0.0 else "gap_reached") if gap <= self.limits.gap else "limit_with_plan"
        self.program.add_rows(self.best.keys)
        integers = self.program.integers_of(self.best.values)
        objective = self.best.objective + self.offset
        return Found(status, objective, min(self.bound + self.offset, objective), integers)

    @contextmanager
    def booked(self, stage: str) -> Iterator[None]:
        """Book time on a stage, but for what is booked on screening meanwhile."""
        seconds, started = self.program.clock.seconds, time.perf_counter()
        before = seconds.get("screen", 0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - started - (seconds.get("screen", 0.0) - before)
            seconds[stage] = seconds.get(stage, 0.0) + spent
