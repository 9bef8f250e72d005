"""Sums of what lies within a distance of places."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from optimizer.layers.attributes import Places, numbers_of
from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.nearby import features_near, projected
from optimizer.layers.overlaps import dimension, measure, overlaps
from optimizer.layers.places import M_PER_KM

CELLS_PER_RADIUS = 20
"""Amounts are gathered in square cells of the distance over this [count]."""

MOST_CELLS = 25_000_000
"""Most such cells; over a large region and within a short distance they are larger [count]."""

ROUNDING = 1e-9
"""Added to a radius, so that a cell exactly on a circle is inside it [cells]."""


@dataclass(frozen=True)
class Options:
    """What near means.

    Parameters
    ----------
    within_km : float
        Distance from the centre of a place [km].
    """

    within_km: float


def sum_within(layer: MapLayer, places: Places, within_km: float) -> np.ndarray:
    """Sum of the layer's values within a distance of the centre of each place, in its projection.

    The amount of a feature is spread evenly over it, gathered in square cells of a twentieth of the distance, and
    counts where the centre of the cell is within the distance.

    Parameters
    ----------
    layer : MapLayer
        Points, lines or polygons with a column of amounts; missing ones count as 0.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    within_km : float
        Distance [km].

    Returns
    -------
    array, shape (n,)
        Sums, in the unit of the column.

    Raises
    ------
    InputError
        The column is missing, or is text.
    """
    radius_m = within_km * M_PER_KM
    if isinstance(places, Cells):
        crs, side = places.lattice.crs, places.lattice.side_m
        x = (places.lattice.west + places.column + 0.5) * side
        y = (places.lattice.south + places.row + 0.5) * side
    else:
        crs, (x, y) = places.crs, shapely.get_coordinates(shapely.centroid(places.geometry.to_numpy())).T
    if not len(x):
        return np.zeros(0)
    bounds = (x.min() - radius_m, y.min() - radius_m, x.max() + radius_m, y.max() + radius_m)
    area_m2 = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    cell_m = max(radius_m / CELLS_PER_RADIUS, np.sqrt(area_m2 / MOST_CELLS))
    lattice = Lattice.over(shapely.box(*bounds), cell_m / M_PER_KM, pyproj.CRS(crs))
    return _in_circles(_gathered(layer, lattice), lattice, x, y, radius_m)


def _gathered(layer: MapLayer, lattice: Lattice) -> np.ndarray:
    """Amount in each cell of a lattice; shape (height, width)."""
    assert layer.features is not None
    amount = np.nan_to_num(numbers_of(layer))
    number, _ = features_near(layer.features, lattice.crs, lattice.bounds, 0.0)
    features = layer.features.iloc[np.unique(number)]
    amount = amount[np.unique(number)]
    shapes = projected(features.geometry.to_numpy(), features.crs, lattice.crs)
    row, column = np.divmod(np.arange(lattice.height * lattice.width), lattice.width)
    found = overlaps(features, Cells(lattice, row, column))
    whole = measure(shapes, dimension(shapes))
    part = amount[found.feature] * found.size / whole[found.feature]
    return np.bincount(found.place, part, len(row)).reshape(lattice.height, lattice.width)


def _in_circles(amount: np.ndarray, lattice: Lattice, x: np.ndarray, y: np.ndarray, radius_m: float) -> np.ndarray:
    """Sum of the cells whose centres lie in circles: row by row, as a difference of running sums."""
    running = np.zeros((lattice.height, lattice.width + 1))
    np.cumsum(amount, axis=1, out=running[:, 1:])
    # Positions of the circles' centres in cells, counted from the centre of the first cell.
    column, row = x / lattice.side_m - lattice.west - 0.5, y / lattice.side_m - lattice.south - 0.5
    radius, total = radius_m / lattice.side_m + ROUNDING, np.zeros(len(x))
    first = np.ceil(row - radius).astype(int)
    for step in range(int(2 * radius) + 1):
        at = first + step
        half = np.sqrt(np.maximum(radius**2 - (at - row) ** 2, 0.0))
        inside = at <= row + radius
        at = np.clip(at, 0, lattice.height - 1)
        start, end = np.ceil(column - half).astype(int), np.floor(column + half).astype(int) + 1
        start, end = np.clip(start, 0, lattice.width), np.clip(end, 0, lattice.width)
        total += np.where(inside & (end > start), running[at, end] - running[at, start], 0.0)
    return total
