"""Where the lines between the cells of a raster lie on a lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj

from optimizer.io.raster import Raster
from optimizer.layers.lattice import Lattice
from optimizer.layers.places import EARTH_RADIUS_KM, M_PER_KM
from optimizer.layers.raster_window import Window, apply

MOST_BEND = 2.5e-4
"""Points are located exactly so near to each other that, between them, the Earth bends by this much [cells]."""

MOST_SKEW = 1 / 64
"""Shift from the lower to the upper side of a part of a raster cell that is let pass [cells]."""

SMALLEST_PART = 1 / 32
"""Raster cells that lie askew are not cut into smaller parts [cells]."""


@dataclass(frozen=True)
class Lie:
    """How raster cells lie on a lattice.

    Parameters
    ----------
    parts : int
        Parts that a raster cell is cut into, each way.
    step : int
        Raster cells between points that are located exactly.
    turned : bool
        Whether rows of the raster run along columns of the lattice.
    mirrored_x, mirrored_y : bool
        Whether, that being undone, its columns run west and its rows south.
    """

    parts: int = 1
    step: int = 1
    turned: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False

    def sorted(self, values: np.ndarray) -> np.ndarray:
        """Values of raster cells as values of their parts, from south to north and from west to east."""
        if self.parts > 1:
            values = values.repeat(self.parts, axis=0).repeat(self.parts, axis=1)
        return self._upright(values.T if self.turned else values)

    def _upright(self, values: np.ndarray) -> np.ndarray:
        return values[:: -1 if self.mirrored_y else 1, :: -1 if self.mirrored_x else 1]


class Locator:
    """Where columns and rows of a raster lie on a lattice.

    Parameters
    ----------
    raster : Raster
        The raster.
    lattice : Lattice
        The lattice.
    """

    def __init__(self, raster: Raster, lattice: Lattice) -> None:
        self._transform, self._lattice = raster.transform, lattice
        self._same = raster.crs == lattice.crs
        self._project = pyproj.Transformer.from_crs(raster.crs, lattice.crs, always_xy=True)

    def at(self, column: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of the lattice at a column and row of the raster, in fractions; nan where there is none."""
        x, y = apply(self._transform, column, row)
        if not self._same:
            x, y = self._project.transform(x, y)
        side = self._lattice.side_m
        x, y = x / side - self._lattice.west, y / side - self._lattice.south
        there = np.isfinite(x) & np.isfinite(y)
        return np.where(there, x, np.nan), np.where(there, y, np.nan)

    def lie(self, window: Window) -> Lie:
        """How the raster cells in the middle of a window lie."""
        column, row = (window.column + window.end_column) / 2, (window.row + window.end_row) / 2
        x, y = self.at(column + np.array([-0.5, 0.5, 0.0, 0.0]), row + np.array([0.0, 0.0, -0.5, 0.5]))
        if not np.isfinite(x).all():
            return Lie()
        along, down = (x[1] - x[0], y[1] - y[0]), (x[3] - x[2], y[3] - y[2])
        turned = abs(along[0]) < abs(along[1])
        to_east, to_north = (down[0], along[1]) if turned else (along[0], down[1])
        skew = max(abs(along[0]), abs(down[1])) if turned else max(abs(along[1]), abs(down[0]))
        size = np.abs([*along, *down]).max()
        # Half a cell at most, so that none meets three cells in a row where sizes differ within the window.
        parts = max(
            np.ceil(2 * size) if size > 0.5 else 1, min(np.ceil(skew / MOST_SKEW), np.ceil(size / SMALLEST_PART))
        )
        # The middle of an arc of length a is a^2 / 8 R away from its chord.
        arc_m = np.sqrt(8 * EARTH_RADIUS_KM * M_PER_KM * MOST_BEND * self._lattice.side_m)
        step = max(int(arc_m / (size * self._lattice.side_m)), 1)
        return Lie(int(parts), step, bool(turned), bool(to_east < 0), bool(to_north < 0))

    def lines(self, window: Window, lie: Lie) -> tuple[np.ndarray, np.ndarray]:
        """Lines between the parts of a window's cells, in cells of the lattice, in the order of `Lie.sorted`.

        Parameters
        ----------
        window : Window
            Rows and columns of the raster.
        lie : Lie
            How they lie.

        Returns
        -------
        x : array, shape (rows, columns + 1)
            Left and right sides of the parts, at half their height.
        y : array, shape (rows + 1, columns)
            Lower and upper sides, at half their width.
        """
        rows, columns = window.shape
        step = lie.step
        at = np.meshgrid(np.arange(0, columns + step, step), np.arange(0, rows + step, step))
        nodes_x, nodes_y = self.at(window.column + at[0], window.row + at[1])
        sides = [np.arange(n * lie.parts + 1) / (lie.parts * step) for n in (rows, columns)]
        middles = [(side[:-1] + side[1:]) / 2 for side in sides]
        if lie.turned:
            x, y = _between(nodes_x, sides[0], middles[1]).T, _between(nodes_y, middles[0], sides[1]).T
        else:
            x, y = _between(nodes_x, middles[0], sides[1]), _between(nodes_y, sides[0], middles[1])
        return lie._upright(x), lie._upright(y)


def _between(nodes: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Values between those of nodes, by straight lines: at every row and column, counted in nodes."""
    at = np.arange(nodes.shape[1])
    across = np.stack([np.interp(column, at, values) for values in nodes])
    first = np.minimum(row.astype(int), len(nodes) - 2)
    lower = across[first]
    return lower + (row - first)[:, None] * (across[first + 1] - lower)
