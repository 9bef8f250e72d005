"""Cells of a raster, window by window: their values, which of them hold one, and which of them count.

A window may reach beyond the raster: cells out there hold no value, as do cells that the file masks or marks as
without data. Of a geographic raster the same meridian may be found at 190 and at -170 degrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import affine
import numpy as np
import pandas as pd
import pyproj
import rasterio
import rasterio.windows

from optimizer.errors import Finding, InputError
from optimizer.io.raster import Raster
from optimizer.io.where import parse_where
from optimizer.layers.layer import MapLayer

Bounds = tuple[float, float, float, float]
Counting = Callable[[np.ndarray], np.ndarray]

TURN_DEG = 360.0
"""A full turn of longitude (definition) [deg]."""

EDGE_POINTS = 41
"""Points on each edge of a window whose coordinates are looked up in another projection: edges bend."""


@dataclass(frozen=True)
class Window:
    """Columns and rows of a raster, the last ones excluded; they may lie beyond it.

    Parameters
    ----------
    column, row, end_column, end_row : int
        First and one past the last.
    """

    column: int
    row: int
    end_column: int
    end_row: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.end_row - self.row, self.end_column - self.column


def apply(transform: affine.Affine, x: Any, y: Any) -> tuple[Any, Any]:
    """Coordinates of columns and rows, numbers or arrays; by the inverse, columns and rows of coordinates."""
    t = transform
    return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


def limits(raster: Raster) -> Bounds:
    """West, south, east and north limit of a raster, in its coordinates."""
    x, y = apply(raster.transform, np.array([0, raster.width]), np.array([0, raster.height]))
    return x.min(), y.min(), x.max(), y.max()


def window_over(raster: Raster, bounds: Bounds, margin: int = 0) -> Window:
    """Whole cells of a raster, inside it or beyond, that cover an area of its coordinate reference system.

    Parameters
    ----------
    raster : Raster
        The raster.
    bounds : tuple of float
        West, south, east and north limit.
    margin : int
        Cells added on every side [count].
    """
    west, south, east, north = bounds
    columns, rows = apply(~raster.transform, np.array([west, east]), np.array([south, north]))
    first, last = np.floor([columns.min(), rows.min()]), np.ceil([columns.max(), rows.max()])
    (column, row), (end_column, end_row) = first.astype(int) - margin, last.astype(int) + margin
    return Window(int(column), int(row), int(end_column), int(end_row))


def bounds_in(raster: Raster, crs: pyproj.CRS, bounds: Bounds) -> Iterator[Bounds]:
    """Where an area lies in the coordinates of a raster: nowhere, in one place, or in several.

    Parameters
    ----------
    raster : Raster
        The raster.
    crs : CRS
        Coordinate reference system of the area.
    bounds : tuple of float
        West, south, east and north limit.
    """
    to_raster = pyproj.Transformer.from_crs(crs, raster.crs, always_xy=True)
    west, south, east, north = to_raster.transform_bounds(*bounds, densify_pts=EDGE_POINTS)
    if not np.isfinite([west, south, east, north]).all():
        return
    left, bottom, right, top = limits(raster)
    turns: tuple[float, ...] = (0.0,)
    if raster.crs.is_geographic:
        east += TURN_DEG * (west > east)
        turns = (-TURN_DEG, 0.0, TURN_DEG)
    for turn in turns:
        if west + turn < right and east + turn > left and south < top and north > bottom:
            yield west + turn, south, east + turn, north


def read(
    dataset: rasterio.DatasetReader, raster: Raster, window: Window, counting: Counting
) -> tuple[np.ndarray, np.ndarray]:
    """Values of a window, and which of its cells count.

    Parameters
    ----------
    dataset : DatasetReader
        The raster's open file.
    raster : Raster
        The raster.
    window : Window
        What to read.
    counting : callable
        Which values count, of those that are there.

    Returns
    -------
    values : array, shape (rows, columns)
        Values; 0 where there is none.
    counts : bool array, same shape
        Cells that hold a value, which counts.
    """
    top, bottom = max(window.row, 0), min(window.end_row, raster.height)
    left, right = max(window.column, 0), min(window.end_column, raster.width)
    values = np.zeros(window.shape, dtype=dataset.dtypes[raster.band - 1])
    counts = np.zeros(window.shape, dtype=bool)
    if top >= bottom or left >= right:
        return values, counts
    part = rasterio.windows.Window(left, top, right - left, bottom - top)
    cells = dataset.read(raster.band, window=part, masked=True)
    found, there = cells.filled(0), ~np.ma.getmaskarray(cells)
    if found.dtype.kind == "f":
        there &= np.isfinite(found)
        found = np.where(there, found, 0)
    inside = np.s_[top - window.row : bottom - window.row, left - window.column : right - window.column]
    values[inside] = found
    counts[inside] = there & counting(found)
    return values, counts


def counting(layer: MapLayer, area: bool) -> Counting:
    """Which values of a raster layer count.

    Parameters
    ----------
    layer : MapLayer
        Its filter says it, the one column being ``value``.
    area : bool
        Without a filter: true for all values but 0, as for a layer that says where something is; false for all
        values, as for a layer of measurements.
    """
    if layer.settings.where is None:
        return (lambda values: values != 0) if area else (lambda values: np.ones(values.shape, dtype=bool))
    where = parse_where(layer.settings.where, f"{layer.name}: where")
    return lambda values: where.mask(pd.DataFrame({"value": values.ravel()})).reshape(values.shape)


def opened(raster: Raster) -> rasterio.DatasetReader:
    """Open the file of a raster.

    Raises
    ------
    InputError
        It cannot be opened any more.
    """
    try:
        return rasterio.open(raster.path)
    except rasterio.RasterioIOError as failure:
        text, remedy = "the raster cannot be opened", "see that the file is still there and whole"
        raise InputError([Finding("raster.not_read", raster.path.name, text, str(failure), remedy)]) from failure
