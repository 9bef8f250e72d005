"""Which features of a layer meet which places, and by how much.

An overlap is measured in square metres if the layer has any area, else in metres of line, else in points. Cells of a
lattice are found by halving: the part of a feature in a block of cells is cut in two until it fills its block, or the
block is a single cell; so a feature of ten thousand cells is cut at its outline only.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.nearby import features_near

FAR_M = 1e8
"""Farther than any place is from the centre of a projection: twice the Earth's circumference [m]."""

ADDS_UP = 1e-9
"""Sizes of two parts add up to that of the whole to this, relative to it [-]."""

WHOLE = 1 - 1e-12
"""Part of a block from which on a shape fills it [-]."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of a place and a feature that meet.

    Parameters
    ----------
    place, feature : int array, shape (n,)
        Positions of place and feature.
    size : array, shape (n,)
        Size of what they share [m2, m or count, one for all].
    shape : array of Geometry, shape (n,)
        What they share; ``None`` where it is all of the place.
    """

    place: np.ndarray
    feature: np.ndarray
    size: np.ndarray
    shape: np.ndarray


def overlaps(features: gpd.GeoDataFrame, places: Cells | gpd.GeoDataFrame, buffer_m: float = 0.0) -> Overlaps:
    """Pairs of places and features that meet in more than a border.

    Parameters
    ----------
    features : GeoDataFrame
        Features in any coordinate reference system.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in a projection in metres.
    buffer_m : float
        Distance added around features [m].

    Returns
    -------
    Overlaps
        By place, then feature.
    """
    if isinstance(places, Cells):
        number, shapes = features_near(features, places.lattice.crs, places.lattice.bounds, 0.0, buffer_m)
        found = _with_cells(number, shapes, places)
    else:
        number, shapes = features_near(features, places.crs, tuple(places.total_bounds), 0.0, buffer_m)
        found = _with_polygons(number, shapes, places.geometry.to_numpy())
    order = np.lexsort((found.feature, found.place))
    return Overlaps(found.place[order], found.feature[order], found.size[order], found.shape[order])


def dimension(shapes: np.ndarray) -> int:
    """Highest dimension among shapes: 2 of areas, 1 of lines, 0 of points, -1 of nothing."""
    return int(shapely.get_dimensions(shapes).max(initial=-1))


def measure(shapes: np.ndarray, dimensions: int) -> np.ndarray:
    """Size of shapes by the measure of a layer: area, length or number of points [m2, m or count]."""
    if dimensions == 2:
        return np.asarray(shapely.area(shapes))
    if dimensions == 1:
        return np.asarray(shapely.length(shapes))
    return np.asarray(shapely.get_num_coordinates(shapes), dtype=float)


def _with_polygons(number: np.ndarray, shapes: np.ndarray, polygons: np.ndarray) -> Overlaps:
    feature_at, place_at = shapely.STRtree(polygons).query(shapes, predicate="intersects")
    shared = shapely.intersection(polygons[place_at], shapes[feature_at])
    size = measure(shared, dimension(shapes))
    solid = size > 0
    return Overlaps(place_at[solid], number[feature_at[solid]], size[solid], shared[solid])


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Parts of features, each with the block of cells that it lies in.

    Parameters
    ----------
    feature : int array, shape (n,)
        Position of the feature.
    shape : array of Geometry, shape (n,)
        The part.
    west, south, east, north : int array, shape (n,)
        First column and row of the block, and last ones.
    """

    feature: np.ndarray
    shape: np.ndarray
    west: np.ndarray
    south: np.ndarray
    east: np.ndarray
    north: np.ndarray

    @classmethod
    def of(cls, feature: np.ndarray, shape: np.ndarray, lattice: Lattice, limits: _Blocks | None = None) -> _Blocks:
        """The least block around each part, inside limits."""
        side = lattice.side_m
        left, bottom, right, top = shapely.bounds(shape).T
        west, south = (np.floor(v / side).astype(int) for v in (left, bottom))
        # What ends on a border between two cells lies in the first, unless it is no longer than the border.
        east, north = (np.ceil(v / side).astype(int) - 1 for v in (right, top))
        first_column, first_row = np.asarray(lattice.west), np.asarray(lattice.south)
        last_column, last_row = first_column + lattice.width - 1, first_row + lattice.height - 1
        if limits is not None:
            first_column, first_row, last_column, last_row = limits.west, limits.south, limits.east, limits.north
        west, south = np.clip(west, first_column, last_column), np.clip(south, first_row, last_row)
        return cls(feature, shape, west, south, np.clip(east, west, last_column), np.clip(north, south, last_row))

    def take(self, which: np.ndarray) -> _Blocks:
        """Some of them."""
        return _Blocks(*(values[which] for values in vars(self).values()))

    def filled(self, lattice: Lattice) -> np.ndarray:
        """Whether each part fills its block."""
        cells = (self.east - self.west + 1) * (self.north - self.south + 1)
        return np.asarray(shapely.area(self.shape) >= WHOLE * cells * lattice.area_m2)

    def boxes(self, lattice: Lattice) -> np.ndarray:
        """Squares of the blocks."""
        side = lattice.side_m
        limits = (self.west, self.south, self.east + 1, self.north + 1)
        return np.asarray(shapely.box(*(v * side for v in limits)))

    def lines(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each block is cut: whether by a column, and before which column or row.

        Of all lines inside a block the one whose number has most zeros at its end, so that blocks share their lines.
        """
        crossed = np.stack([self.west ^ self.east, self.south ^ self.north])
        _, bits = np.frexp(crossed)
        by_column = bits[0] >= bits[1]
        last, bit = np.where(by_column, self.east, self.north), np.where(by_column, bits[0], bits[1]) - 1
        return by_column, last >> bit << bit

    def halves(self, by_column: np.ndarray, line: np.ndarray) -> tuple[_Blocks, _Blocks]:
        """The blocks before and after lines; the parts of features are still uncut."""
        east, north = np.where(by_column, line - 1, self.east), np.where(by_column, self.north, line - 1)
        west, south = np.where(by_column, line, self.west), np.where(by_column, self.south, line)
        first = _Blocks(self.feature, self.shape, self.west, self.south, east, north)
        return first, _Blocks(self.feature, self.shape, west, south, self.east, self.north)


def _with_cells(number: np.ndarray, shapes: np.ndarray, cells: Cells) -> Overlaps:
    lattice, dimensions, position = cells.lattice, dimension(shapes), cells.positions()
    inside = _inside(shapes, lattice.bounds)
    solid = measure(inside, dimensions) > 0
    blocks = _Blocks.of(number[solid], inside[solid], lattice)
    found = [Overlaps(np.array([], int), np.array([], int), np.array([]), np.array([], object))]
    while len(blocks.feature):
        whole = blocks.filled(lattice) if dimensions == 2 else np.zeros(len(blocks.feature), dtype=bool)
        single = (blocks.west == blocks.east) & (blocks.south == blocks.north) & ~whole
        part = blocks.take(whole)
        at, which = _spread(part, lattice, position)
        found.append(Overlaps(at, part.feature[which], np.full(len(at), lattice.area_m2), np.full(len(at), None)))
        part = blocks.take(single)
        at, which = _spread(part, lattice, position)
        shape = part.shape[which]
        found.append(Overlaps(at, part.feature[which], measure(shape, dimensions), shape))
        blocks = _halved(blocks.take(~single & ~whole), lattice, dimensions)
    return Overlaps(*(np.concatenate(parts) for parts in zip(*(vars(f).values() for f in found), strict=True)))


def _inside(shapes: np.ndarray, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """What of shapes lies inside a box."""
    west, south, east, north = bounds
    left, bottom, right, top = shapely.bounds(shapes).T
    partly = ~((left >= west) & (bottom >= south) & (right <= east) & (top <= north))
    inside = shapes.copy()
    inside[partly] = shapely.intersection(shapes[partly], shapely.box(*bounds))
    return inside


def _halved(blocks: _Blocks, lattice: Lattice, dimensions: int) -> _Blocks:
    """Blocks cut in two, those dropped that are met in a border only."""
    by_column, line = blocks.lines()
    before, after = _cut(blocks.shape, by_column, line * lattice.side_m)
    halves = blocks.halves(by_column, line)
    # Cutting at a line is fast and may go wrong where a shape touches it: then what is left does not add up.
    size = measure(blocks.shape, dimensions)
    wrong = ~np.isclose(measure(before, dimensions) + measure(after, dimensions), size, rtol=ADDS_UP, atol=0.0)
    wrong |= dimensions < 1
    parts = []
    for half, cut in zip(halves, (before, after), strict=True):
        cut[wrong] = shapely.intersection(half.shape[wrong], half.take(wrong).boxes(lattice))
        solid = measure(cut, dimensions) > 0
        parts.append(_Blocks.of(half.feature[solid], cut[solid], lattice, half.take(solid)))
    return _Blocks(*(np.concatenate(pair) for pair in zip(*(vars(p).values() for p in parts), strict=True)))


def _cut(shapes: np.ndarray, by_column: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shapes before and after lines of the lattice, each line for itself."""
    before, after = shapes.copy(), shapes.copy()
    for column in (True, False):
        chosen = np.flatnonzero(by_column == column)
        chosen = chosen[np.argsort(at[chosen], kind="stable")]
        for run in np.split(chosen, np.flatnonzero(np.diff(at[chosen])) + 1):
            if len(run):
                x, y = (at[run[0]], FAR_M) if column else (FAR_M, at[run[0]])
                before[run] = shapely.clip_by_rect(shapes[run], -FAR_M, -FAR_M, x, y)
                x, y = (at[run[0]], -FAR_M) if column else (-FAR_M, at[run[0]])
                after[run] = shapely.clip_by_rect(shapes[run], x, y, FAR_M, FAR_M)
    return before, after


def _spread(blocks: _Blocks, lattice: Lattice, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every chosen cell in blocks: its position among those chosen, and the position of its block."""
    width, height = blocks.east - blocks.west + 1, blocks.north - blocks.south + 1
    count = width * height
    which = np.repeat(np.arange(len(count)), count)
    inside = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    row = blocks.south[which] + inside // width[which] - lattice.south
    column = blocks.west[which] + inside % width[which] - lattice.west
    at = position[row, column]
    return at[at >= 0], which[at >= 0]
