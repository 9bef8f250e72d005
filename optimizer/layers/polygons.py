"""Arrays of polygons: their parts, their cuts, their union, all by operations on whole arrays.

GEOS works without Python's lock, so that two threads can each work on an array of their own.
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

POLYGON = 3
"""Number of the type polygon in `shapely.get_type_id`."""

TOUCH_M = 1e-6
"""Overlap of two coordinates that counts as a touch: rounding of computed corners [m]."""

MOST_VERTICES = 500
"""A polygon with more is halved before it is intersected with others [count]."""

LEAST_EXTENT_M = 1.0
"""A polygon of this extent is not halved any more [m]."""


def parts(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polygons that shapes consist of, points and lines left out.

    Parameters
    ----------
    shapes : array of Geometry, shape (n,)
        Any geometries, collections included.

    Returns
    -------
    polygons : array of Polygon, shape (m,)
        None empty, in the order of `shapes`.
    source : int array, shape (m,)
        Position in `shapes` that each comes from.
    """
    if (shapely.get_type_id(shapes) == POLYGON).all():
        filled = np.flatnonzero(~shapely.is_empty(shapes))
        return shapes[filled], filled
    polygons, source = shapely.get_parts(shapes, return_index=True)
    nested = shapely.get_type_id(polygons) > POLYGON
    if nested.any():
        polygons, inner = shapely.get_parts(polygons, return_index=True)
        source = source[inner]
    kept = (shapely.get_type_id(polygons) == POLYGON) & ~shapely.is_empty(polygons)
    return polygons[kept], source[kept]


def halves(shapes: np.ndarray, at: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut polygons along lines parallel to an axis.

    Parameters
    ----------
    shapes : array of Polygon, shape (n,)
        Each crosses its line.
    at : array, shape (n,)
        Where the line crosses the axis [m].
    axis : int
        0: cut x, the lines run north; 1: cut y.

    Returns
    -------
    pieces : array of Polygon, shape (m,)
        Those below the lines first.
    source : int array, shape (m,)
        Position in `shapes` that each comes from.
    """
    limits = shapely.bounds(shapes)
    below, above = limits.copy(), limits
    below[:, 2 + axis] = at
    above[:, axis] = at
    sides = np.concatenate([below, above])
    sides = shapely.box(*sides.T)
    pieces, source = parts(shapely.intersection(np.concatenate([shapes, shapes]), sides))
    return pieces, source % max(len(shapes), 1)


def in_tiles(
    shapes: np.ndarray, side_m: float, west_m: float, south_m: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut polygons along the borders of square tiles.

    The longest cuts are made first, each on all shapes that cross it, so that a shape over many tiles is walked
    through once for each doubling of the tile and not once for each tile.

    Parameters
    ----------
    shapes : array of Polygon, shape (n,)
        Polygons.
    side_m : float
        Side of a tile [m].
    west_m, south_m : float
        South-west corner of the tile in column 0 and row 0 [m].

    Returns
    -------
    pieces : array of Polygon, shape (m,)
        Polygons, each within one tile.
    tile : int array, shape (m, 2)
        Column and row of the tile of each.
    source : int array, shape (m,)
        Position in `shapes` that each comes from.
    """
    origin = np.array([west_m, south_m])
    source = np.arange(len(shapes))
    limits = shapely.bounds(shapes).reshape(-1, 4)
    widest = (limits[:, 2:] - limits[:, :2]).max(initial=side_m)
    # A shape narrower than two steps crosses at most one line of the first level, and one of each level below.
    for level in range(int(np.ceil(np.log2(widest / side_m))) + 1, -1, -1):
        for axis in (0, 1):
            shapes, source = _cut_once(shapes, source, side_m * 2**level, origin[axis], axis)
    limits = shapely.bounds(shapes).reshape(-1, 4)
    middle = (limits[:, :2] + limits[:, 2:]) / 2
    return shapes, np.floor((middle - origin) / side_m).astype("int64"), source


def _cut_once(
    shapes: np.ndarray, source: np.ndarray, step: float, origin: float, axis: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut shapes at the first multiple of a step within each."""
    limits = shapely.bounds(shapes).reshape(-1, 4)
    low, high = limits[:, axis] + TOUCH_M - origin, limits[:, 2 + axis] - TOUCH_M - origin
    line = np.ceil(low / step) * step
    crossed = line < high
    if not crossed.any():
        return shapes, source
    pieces, of = halves(shapes[crossed], line[crossed] + origin, axis)
    return np.concatenate([shapes[~crossed], pieces]), np.concatenate([source[~crossed], source[crossed][of]])


def small_pieces(shapes: np.ndarray, most: int = MOST_VERTICES) -> np.ndarray:
    """Halve polygons until none has more vertices than a limit.

    Parameters
    ----------
    shapes : array of Polygon, shape (n,)
        Polygons.
    most : int
        Most vertices of a piece [count].
    """
    done = [shapes[:0]]
    while len(shapes):
        limits = shapely.bounds(shapes)
        extent = limits[:, 2:] - limits[:, :2]
        large = (shapely.get_num_coordinates(shapes) > most) & (extent.max(axis=1) > LEAST_EXTENT_M)
        done.append(shapes[~large])
        wide, middle = extent[:, 0] >= extent[:, 1], (limits[:, :2] + limits[:, 2:]) / 2
        cut = [
            halves(shapes[chosen], middle[chosen, axis], axis)[0]
            for axis, chosen in ((0, large & wide), (1, large & ~wide))
            if chosen.any()
        ]
        shapes = np.concatenate([shapes[:0], *cut])
    return np.concatenate(done)


def meeting(shapes: np.ndarray) -> np.ndarray:
    """Pairs of shapes that have a point in common, shape (2, k), the first before the second."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    before = first < second
    return np.stack([first[before], second[before]])


def dissolve(shapes: np.ndarray, pairs: np.ndarray | None = None) -> np.ndarray:
    """Polygons that cover the same area as the given ones, without overlaps.

    Parameters
    ----------
    shapes : array of Polygon, shape (n,)
        Polygons, which may overlap.
    pairs : int array, shape (2, k), optional
        Those that have a point in common, if known.

    Returns
    -------
    array of Polygon
        Those that meet no other are the given ones.
    """
    if len(shapes) < 2:
        return shapes
    first, second = meeting(shapes) if pairs is None else pairs
    if not len(first):
        return shapes
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(len(shapes), len(shapes)))
    group = connected_components(links, directed=False)[1]
    together = np.bincount(group)[group] > 1
    order = np.argsort(group[together], kind="stable")
    _, number = np.unique(group[together][order], return_inverse=True)
    return np.concatenate([shapes[~together], parts(united(shapes[together][order], number))[0]])


def united(shapes: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Unions of groups of shapes.

    Parameters
    ----------
    shapes : array of Geometry, shape (n,)
        Shapes.
    number : int array, shape (n,)
        Number of the group of each, from 0 without gaps, in rising order.
    """
    together = shapely.geometrycollections(shapes, indices=number)
    return np.asarray(shapely.union_all(together[:, None], axis=1))
