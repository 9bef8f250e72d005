"""What binds, and how far its price holds: each limit moved down and up with the whole decisions of the plan held.

The cost of a plan with its whole decisions held is convex in every limit, so a price that is confirmed at two limits
holds between them (`optimizer.solve.straight`). So only the ends of a range have to be looked at on every branch and
after every outage; where that finds rows the solution breaks, they are added and the end is looked for again. On the
way rows not yet built can only make a cost look lower: where it is above the forecast, it is. What a moved limit does
to the whole decisions is another question: `optimizer.solve.thresholds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, SolverError
from optimizer.progress import Progress, silent
from optimizer.solve.prices.binding import AT_BOUND_MW, NO_PRICE
from optimizer.solve.prices.movable import Movable, movable_limits
from optimizer.solve.prices.movable_parts import movable_parts
from optimizer.solve.program import SecureProgram
from optimizer.solve.straight import RELATIVE_WIDTH, Point, Reach, reach

SOLVES_A_SIDE = 14
"""Solves to find how far one limit's price holds to one side (unverified: a choice; most ends take 2 to 8)."""

SOLVES = 2000
"""Solves for all limits of a plan; those left over are listed with their price alone (unverified: a choice)."""

FIRST_STEP = 0.01
"""First step, as a share of the limit [-]."""

ROUNDS = 20
"""Times that the end of a range is looked for again with rows added, before it is given up."""

COLUMNS = [
    "limit",
    "element",
    "contingency",
    "period",
    "snapshot",
    "unit",
    "bound",
    "used",
    "price",
    "price_unit",
    "price_musd_per_unit",
    "low",
    "high",
    "below",
    "above",
    "price_below",
    "price_above",
    "n_solves",
    "largest_error_musd",
]
"""Columns of the table: the limit and its size; its price in its own unit, and the present value of one unit of it; the
range of the limit in which that price was confirmed; what ends it on either side; and the prices beyond, at least so
much below and at most so much above."""

ENDINGS = {
    "price changes": "the price changes",
    "no solution": "no plan with these whole decisions",
    "end of trial": "not tried further",
    "solves used up": "solves used up",
}
"""What ends a range, in words."""

CLEAN_ROUNDS = 50
"""Rounds of adding rows to the program as it is."""

NOT_TRIED = "not tried"


def price_ranges(program: SecureProgram, solves: int = SOLVES, progress: Progress = silent) -> pd.DataFrame:
    """Find the range of each limit in which its price holds while all whole decisions stay as they are.

    A price counts as confirmed at a limit where the re-solved cost is the linear forecast to within 1e-7 of the cost
    and 1e-3 of the change forecast.

    Parameters
    ----------
    program : SecureProgram
        Its integers fixed, the cost its objective, and its linear program solved and loaded. It is left as it was.
    solves : int
        Most re-solves, of all limits together.
    progress : callable
        Told the stage and a line of text.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a limit, those of the portfolio first, then by present value of the last percent.

    Raises
    ------
    SolverError
        The program does not solve again as it is.
    """
    start = program.solve_clean("ranges", CLEAN_ROUNDS)
    if start.status != "optimal":
        text = "the plan did not solve again with its decisions fixed"
        raise SolverError([Finding("solve.ranges", "study", text, start.status)])
    limits = [(limit, limit.price_musd(program)) for limit in (*movable_limits(program), *movable_parts(program))]
    limits = [(one, price) for one, price in limits if not one.is_physical or abs(price) > NO_PRICE * one.unit_musd]
    limits.sort(key=lambda pair: (pair[0].is_physical, -abs(pair[1] * pair[0].bound)))
    rows: list[dict[str, Any]] = []
    left = solves
    for number, (limit, price) in enumerate(limits):
        progress("ranges", number / len(limits), f"{limit.limit} {limit.element}")
        tried = _tried(program, limit, start.objective, price) if left > 0 else None
        left -= 0 if tried is None else sum(side.n_solves for side in tried)
        rows.append(_row(limit, price, tried))
    program.highs.forget_basis()
    again = program.solve_clean("ranges", CLEAN_ROUNDS)
    program.highs.load(again.values)
    return pd.DataFrame(rows, columns=COLUMNS)


def _tried(program: SecureProgram, limit: Movable, cost_musd: float, price: float) -> tuple[Reach, Reach]:
    price = price if abs(price) > NO_PRICE * limit.unit_musd else 0.0
    start = Point(limit.bound, cost_musd, -price)
    moved = _Moved(program, limit)
    span = max(limit.bound, 1.0)
    down, up = limit.bound - span, limit.bound + span
    try:
        below = _secure_reach(moved, start, max(down, 0.0), _first(limit, price, -1))
        above = _secure_reach(moved, start, up, _first(limit, price, 1))
    finally:
        moved.back()
    return below, above


def _secure_reach(moved: _Moved, start: Point, last: float, first: Sequence[float]) -> Reach:
    """How far the forecast holds to one side, on every branch and after every outage."""
    solves = 0
    for _ in range(ROUNDS):
        found = reach(start, last, first, moved.solve, SOLVES_A_SIDE)
        solves += found.n_solves
        if moved.is_secure(found.end, start):
            return replace(found, n_solves=solves)
    return Reach(start.at, "solves used up", np.nan, solves, 0.0)


def _first(limit: Movable, price: float, side: int) -> Sequence[float]:
    """Where to look first: where the limit becomes tight, or a first step; nowhere if one look at the end shows it."""
    step = FIRST_STEP * max(limit.bound, 1.0)
    if side != limit.tight_side:
        return [limit.bound + side * step] if price else []
    just_beyond = limit.used + side * RELATIVE_WIDTH / 2 * max(1.0, limit.bound)
    if abs(limit.used - limit.bound) > AT_BOUND_MW:
        return [limit.used, just_beyond, limit.used + side * step]
    return [limit.bound + side * step] if price else [just_beyond, limit.bound + side * step]


class _Moved:
    """A limit moved in place, and its way back."""

    def __init__(self, program: SecureProgram, limit: Movable) -> None:
        self.program, self.limit = program, limit
        highs = program.highs
        self.rows = [(row, factor, highs.row_bounds(row)) for row, factor in limit.rows]
        self.sides = [(side, highs.model_bounds(highs.column(side.variable))) for side in limit.sides]
        self.opened = [(side, highs.model_bounds(highs.column(side.variable))) for side in limit.opened]
        for side, (lower, upper) in self.opened:
            lifted = (lower, np.inf) if side.is_upper else (-np.inf, upper)
            highs.set_bounds({highs.column(side.variable): lifted})

    def solve(self, at: float) -> Point:
        """Least cost with the limit at a value."""
        self._move(at - self.limit.bound)
        outcome = self.program.solve("ranges")
        if outcome.status != "optimal":
            return Point(at, np.inf if outcome.status == "infeasible" else np.nan)
        return Point(at, outcome.objective, -self.limit.price_musd(self.program))

    def is_secure(self, at: float, start: Point) -> bool:
        """Whether the solution at a limit breaks none; rows that it breaks are added."""
        kept = not start.slope and self.limit.tight_side * (at - self.limit.used) <= 0
        if at == start.at or kept:
            # The solution of the plan itself still serves.
            return True
        self._move(at - self.limit.bound)
        outcome = self.program.solve("ranges")
        return outcome.status == "optimal" and self.program.cut(outcome.values, True)[0] == 0

    def back(self) -> None:
        """Put the limit where it was."""
        self._move(0.0)
        for side, bounds in self.opened:
            self.program.highs.set_bounds({self.program.highs.column(side.variable): bounds})

    def _move(self, by: float) -> None:
        highs = self.program.highs
        for row, factor, (lower, upper) in self.rows:
            highs.set_row_bounds(row, lower + factor * by, upper + factor * by)
        for side, (lower, upper) in self.sides:
            moved = (lower, upper + side.factor * by) if side.is_upper else (lower + side.factor * by, upper)
            highs.set_bounds({highs.column(side.variable): moved})


def _row(limit: Movable, price: float, tried: tuple[Reach, Reach] | None) -> dict[str, Any]:
    below, above = (None, None) if tried is None else tried
    row: dict[str, Any] = {
        "limit": limit.limit,
        "element": limit.element,
        "contingency": limit.contingency,
        "period": limit.period or "",
        "snapshot": limit.snapshot,
        "unit": limit.unit,
        "bound": limit.bound,
        "used": limit.used,
        "price": price / limit.unit_musd + 0.0,
        "price_unit": limit.price_unit,
        "price_musd_per_unit": price + 0.0,
        "low": limit.bound if below is None else below.end,
        "high": limit.bound if above is None else above.end,
        "n_solves": sum(side.n_solves for side in tried or ()),
        "largest_error_musd": max((side.error_musd for side in tried or ()), default=np.nan),
    }
    for name, side in (("below", below), ("above", above)):
        row[name] = NOT_TRIED if side is None else ENDINGS[side.ending]
        row[f"price_{name}"] = np.nan if side is None else -side.slope_beyond / limit.unit_musd + 0.0
    return row
