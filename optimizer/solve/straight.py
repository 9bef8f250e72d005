"""How far a straight forecast of the least cost holds when a limit is moved.

The least cost of a linear program is a convex, piecewise linear function of any one limit. So a forecast that holds at
two limits holds at every one between them, and where it fails the tangent there meets the forecast at the kink, or, if
there are several kinks on the way, nearer to it. Limits are tried by growing steps until the forecast fails, then
where the tangent meets it, or, where there is no solution to have a tangent, halfway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

RELATIVE_TOLERANCE = 1e-7
"""Difference from the forecast that counts as none, as a share of the cost: what solvers leave open [-]."""

FORECAST_TOLERANCE = 1e-3
"""The same as a share of the change that is forecast [-]."""

RELATIVE_WIDTH = 1e-3
"""An end is known once it lies within this share of the limit [-]."""

GROWTH = 4.0
"""Factor from step to step (unverified: a choice; tangents bring back what oversteps) [-]."""

Ending = Literal["price changes", "no solution", "end of trial", "solves used up"]


@dataclass(frozen=True)
class Point:
    """The least cost at one limit.

    Parameters
    ----------
    at : float
        The limit, in its own unit.
    cost_musd : float
        Least cost; infinite where there is no solution, nan where it was not found out [M$].
    slope : float
        A slope that the cost nowhere falls below from here: its price, with the sign turned [M$/unit].
    """

    at: float
    cost_musd: float
    slope: float = 0.0

    def forecast(self, at: float) -> float:
        """Cost on the tangent at this point [M$]."""
        return self.cost_musd + self.slope * (at - self.at)


@dataclass(frozen=True)
class Reach:
    """How far the forecast holds to one side.

    Parameters
    ----------
    end : float
        Farthest limit at which it was confirmed.
    ending : str
        Why it goes no farther: the price changes there, there is no solution beyond, the trial ends there, or the
        solves were used up; the forecast may then hold farther.
    slope_beyond : float
        Slope from the end on, where the price changes there; nan otherwise [M$/unit].
    n_solves : int
        Solves that it took.
    error_musd : float
        Largest difference from the forecast where it was confirmed [M$].
    """

    end: float
    ending: Ending
    slope_beyond: float
    n_solves: int
    error_musd: float


def reach(
    start: Point, last: float, first: Sequence[float], solve: Callable[[float], Point], most_solves: int
) -> Reach:
    """Find out how far the forecast from a point holds.

    Parameters
    ----------
    start : Point
        The point, its slope the forecast.
    last : float
        Limit at which the trial ends; its side of the start is the direction.
    first : sequence of float
        Limits tried first, from the start outwards; from the last of them that holds, steps grow.
    solve : callable
        Takes a limit, returns the point there.
    most_solves : int
        Solves after which to stop.
    """
    return _Walk(start, last, solve, most_solves).run(first)


class _Walk:
    """What is known while the end is looked for: the last limit confirmed and the nearest one that failed."""

    def __init__(self, start: Point, last: float, solve: Callable[[float], Point], most_solves: int) -> None:
        self.start, self.last, self.solve, self.left = start, last, solve, most_solves
        self.most = most_solves
        self.held = start.at
        self.failed: Point | None = None
        self.error = 0.0
        self.width = RELATIVE_WIDTH * max(1.0, abs(start.at))

    def run(self, first: Sequence[float]) -> Reach:
        tries = [at for at in first if 0 < self._out(at) < self._out(self.last)]
        while self.failed is None and self.held != self.last and self.left:
            step = GROWTH * (self.held - self.start.at)
            onward = self.start.at + step if step else self.last
            at = tries.pop(0) if tries else onward
            self._try(at if self._out(at) < self._out(self.last) else self.last)
        if self.failed is None:
            return self._reach("end of trial" if self.held == self.last else "solves used up")
        return self._narrow()

    def _out(self, at: float) -> float:
        """Distance outwards from the start."""
        return float((at - self.start.at) * np.sign(self.last - self.start.at))

    def _try(self, at: float) -> Point:
        self.left -= 1
        point = self.solve(at)
        difference = abs(point.cost_musd - self.start.forecast(at))
        change = abs(self.start.slope * (at - self.start.at))
        allowed = RELATIVE_TOLERANCE * max(1.0, abs(self.start.cost_musd)) + FORECAST_TOLERANCE * change
        if difference <= allowed:
            self.held, self.error = at, max(self.error, difference)
        else:
            self.failed = point
        return point

    def _narrow(self) -> Reach:
        """Between the last limit confirmed and one that failed."""
        while True:
            failed = self.failed
            assert failed is not None
            gap = abs(failed.at - self.held)
            if np.isnan(failed.cost_musd):
                return self._reach("solves used up")
            if np.isinf(failed.cost_musd):
                if gap <= self.width:
                    return self._reach("no solution")
                at = (failed.at + self.held) / 2
            else:
                at = self._meeting(failed)
                if abs(at - self.held) <= self.width:
                    return self._reach("price changes", failed.slope)
            if not self.left:
                return self._reach("solves used up")
            self._try(at)

    def _meeting(self, failed: Point) -> float:
        """Where the tangent at a limit that failed meets the forecast, or halfway where it does not between."""
        turn = failed.slope - self.start.slope
        above = failed.cost_musd - self.start.forecast(failed.at)
        at = failed.at - above / turn if turn else np.nan
        inside = self._out(self.held) <= self._out(at) < self._out(failed.at)
        if not inside and self._out(at) < self._out(self.held):
            return self.held
        return float(at if inside else (failed.at + self.held) / 2)

    def _reach(self, ending: Ending, slope: float = np.nan) -> Reach:
        return Reach(self.held, ending, slope, self.most - self.left, self.error)
