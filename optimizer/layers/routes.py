"""Routes: least-cost paths of lines over a friction surface, from one point to all places around it.

A route runs from a place to the centre of its routing cell, from centre to centre of neighbouring cells (eight
directions), and from the last centre to the point. A step costs its length times the mean factor of its two cells, so
that

``weighted_km = integral of the factor along the route``.

In open country the length is the octile distance, ``max(dx, dy) + (sqrt(2) - 1) min(dx, dy)`` between centres: up to
8.2 % more than the straight line, at 22.5 degrees. Place and point may stand in cells that a barrier touches; between
them no barrier is crossed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from skimage.graph import MCP_Geometric

from optimizer.layers.friction import Surface
from optimizer.layers.places import M_PER_KM

CORNER_M = 0.01
"""Corners of a drawn route that lie closer to the line without them are left out: rounding of coordinates [m]."""

_NEIGHBOURS = tuple((r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0))


@dataclass(frozen=True, eq=False)
class Reached:
    """Routes from places to one point.

    Parameters
    ----------
    weighted_km : array, shape (n,)
        Length times factor; inf where there is no route [km].
    length_km : array, shape (n,)
        Length; inf where there is no route [km].
    entry_row, entry_column : int array, shape (n,)
        Cell of the window where each route leaves the surroundings of its place.
    """

    weighted_km: np.ndarray
    length_km: np.ndarray
    entry_row: np.ndarray
    entry_column: np.ndarray


@dataclass(frozen=True, eq=False)
class RouteField:
    """Least-cost routes from every cell of a window to one point.

    Parameters
    ----------
    surface : Surface
        What the routes run over.
    x_m, y_m : float
        The point [m].
    row, column : int
        First row and column of the window.
    weighted_km, length_km : array, shape (height, width)
        From the centre of each cell to the centre of the point's cell; inf where there is no route [km].
    next_cell : int array, shape (height x width,)
        Position of the next cell on the way to the point; its own for the point's cell.
    """

    surface: Surface
    x_m: float
    y_m: float
    row: int
    column: int
    weighted_km: np.ndarray
    length_km: np.ndarray
    next_cell: np.ndarray

    def reached(self, x_m: np.ndarray, y_m: np.ndarray) -> Reached:
        """Routes of places: to the centre of its cell, over the lattice, and from the last centre to the point.

        Parameters
        ----------
        x_m, y_m : array, shape (n,)
            Places [m]; those outside the window are not reached.
        """
        x_m, y_m = np.asarray(x_m, dtype=float), np.asarray(y_m, dtype=float)
        row, column = self._inside(*self.surface.cells(x_m, y_m))
        entry_row, entry_column, weighted, length = self._entries(row, column)
        factor = self._factor(row, column)
        stub = np.hypot(*(a - b for a, b in zip((x_m, y_m), self._centres(row, column), strict=True))) / M_PER_KM
        last, last_factor = self._last_step()
        direct = np.hypot(x_m - self.x_m, y_m - self.y_m) / M_PER_KM
        own_row, own_column = self._own()
        same = (row == own_row) & (column == own_column)
        weighted = np.where(same, direct * factor, weighted + stub * factor + last * last_factor)
        length = np.where(same, direct, length + stub + last)
        outside = row < 0
        weighted[outside], length[outside] = np.inf, np.inf
        return Reached(weighted, length, entry_row, entry_column)

    def line(self, x_m: float, y_m: float) -> shapely.LineString | None:
        """Route from a place to the point, in the lattice's projection; ``None`` where there is none, or no way to go.

        Parameters
        ----------
        x_m, y_m : float
            The place [m].
        """
        found = self.reached(np.array([x_m]), np.array([y_m]))
        if not np.isfinite(found.weighted_km[0]) or (x_m == self.x_m and y_m == self.y_m):
            return None
        row, column = self._inside(*self.surface.cells(np.array([x_m]), np.array([y_m])))
        own_row, own_column = self._own()
        corners = [(x_m, y_m)]
        if (row[0], column[0]) != (own_row, own_column):
            corners += self._lattice_corners(int(row[0]), int(column[0]), found)
        corners.append((self.x_m, self.y_m))
        distinct = [corners[0], *(b for a, b in pairwise(corners) if a != b)]
        # Corners on a straight run say nothing.
        return shapely.simplify(shapely.LineString(distinct), CORNER_M)

    def _lattice_corners(self, row: int, column: int, found: Reached) -> list[tuple[float, float]]:
        width = self.weighted_km.shape[1]
        cells = [row * width + column]
        entry = int(found.entry_row[0]) * width + int(found.entry_column[0])
        if entry != cells[0]:
            cells.append(entry)
        while (following := int(self.next_cell[cells[-1]])) != cells[-1]:
            cells.append(following)
        x, y = self._centres(*np.divmod(np.array(cells), width))
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def _own(self) -> tuple[int, int]:
        row, column = self.surface.cells(np.array([self.x_m]), np.array([self.y_m]))
        return int(row[0]) - self.row, int(column[0]) - self.column

    def _inside(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column in the window; -1 for cells outside it."""
        row, column = row - self.row, column - self.column
        height, width = self.weighted_km.shape
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        return np.where(inside, row, -1), np.where(inside, column, -1)

    def _centres(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.surface.centres(np.asarray(row) + self.row, np.asarray(column) + self.column)

    def _factor(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        # A place outside the window has row -1: the value is not used.
        return self.surface.factor[np.maximum(row, 0) + self.row, np.maximum(column, 0) + self.column]

    def _last_step(self) -> tuple[float, float]:
        """Length of the way from the centre of the point's cell to the point [km], and the factor there."""
        own = np.array([self._own()])
        x, y = self._centres(own[:, 0], own[:, 1])
        return float(np.hypot(x[0] - self.x_m, y[0] - self.y_m)) / M_PER_KM, float(self._factor(*own.T)[0])

    def _entries(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, ...]:
        """Where routes enter the lattice, and what they cost from the centre of their first cell.

        A place whose cell a barrier touches leaves it for the neighbour from which the rest costs least.
        """
        height, width = self.weighted_km.shape
        entry_row, entry_column = row.copy(), column.copy()
        weighted, length = self.weighted_km[row, column].copy(), self.length_km[row, column].copy()
        side_km = self.surface.lattice.side_m / M_PER_KM
        blocked = np.flatnonzero(~np.isfinite(weighted) & (row >= 0))
        factor = self._factor(row[blocked], column[blocked])
        for d_row, d_column in _NEIGHBOURS:
            near_row, near_column = row[blocked] + d_row, column[blocked] + d_column
            inside = (near_row >= 0) & (near_row < height) & (near_column >= 0) & (near_column < width)
            near_row, near_column = np.where(inside, near_row, 0), np.where(inside, near_column, 0)
            step = side_km * np.hypot(d_row, d_column)
            cost = self.weighted_km[near_row, near_column] + step * (factor + self._factor(near_row, near_column)) / 2
            better = inside & (cost < weighted[blocked])
            chosen = blocked[better]
            weighted[chosen] = cost[better]
            length[chosen] = (self.length_km[near_row, near_column] + step)[better]
            entry_row[chosen], entry_column[chosen] = near_row[better], near_column[better]
        return entry_row, entry_column, weighted, length


def route_field(surface: Surface, x_m: float, y_m: float, reach_m: float) -> RouteField:
    """Find the least-cost routes to a point from all cells around it.

    Parameters
    ----------
    surface : Surface
        What the routes run over.
    x_m, y_m : float
        The point, which lies on the lattice [m].
    reach_m : float
        Routes leave the square of cells up to this far from the point's cell in no direction [m].

    Returns
    -------
    RouteField
    """
    rows, columns = surface.cells(np.array([x_m]), np.array([y_m]))
    own_row, own_column = int(rows[0]), int(columns[0])
    beyond = int(np.ceil(reach_m / surface.lattice.side_m))
    first_row, first_column = max(own_row - beyond, 0), max(own_column - beyond, 0)
    window = (slice(first_row, own_row + beyond + 1), slice(first_column, own_column + beyond + 1))
    costs = np.where(surface.barrier[window], np.inf, surface.factor[window])
    start = (own_row - first_row, own_column - first_column)
    costs[start] = surface.factor[own_row, own_column]
    search = MCP_Geometric(costs, fully_connected=True)
    weighted, trace = search.find_costs([start])
    side_km = surface.lattice.side_m / M_PER_KM
    next_cell, steps = _predecessors(trace, np.asarray(search.offsets, dtype="int64"))
    length = np.where(np.isfinite(weighted), side_km * _summed(next_cell, steps).reshape(costs.shape), np.inf)
    return RouteField(surface, x_m, y_m, first_row, first_column, side_km * weighted, length, next_cell)


def _predecessors(trace: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position of the cell before each, its own where there is none; and the length of the step, in cells."""
    flat = trace.ravel()
    came = flat >= 0
    step = offsets[np.where(came, flat, 0)]
    position = np.arange(flat.size)
    before = position - step[:, 0] * trace.shape[1] - step[:, 1]
    return np.where(came, before, position), np.where(came, np.hypot(step[:, 0], step[:, 1]), 0.0)


def _summed(next_cell: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Sum of steps along the way from each cell to the end of its way, by doubling the stride."""
    total, ahead = steps, next_cell
    while not np.array_equal(ahead, ahead[ahead]):
        total, ahead = total + total[ahead], ahead[ahead]
    return total
