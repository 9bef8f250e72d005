"""Overlay of layers in one tile: how much of each place a layer takes, shares with others, and several take.

With ``P_l`` the part of a place that layer l takes and ``P_S`` the part that all layers of a set S take, counting each
point once for every set of layers that take it gives

    shared_l = sum over S with l in S and |S| >= 2 of (-1)^|S| area(P_S)
    several  = sum over S with |S| >= 2 of (-1)^|S| (|S| - 1) area(P_S)

for the part of l that others take too, and for the part that two or more layers take (inclusion and exclusion): a point
under d layers counts ``sum_{k=2..d} (-1)^k C(d - 1, k - 1) = 1`` in the first, and
``sum_{k=2..d} (-1)^k (k - 1) C(d, k) = 1`` in the second. Only areas are added, so that nothing need be united. Where
so many layers lie on each other that their sets are too many, the intersections of pairs are united instead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csr_array

from optimizer.layers.polygons import dissolve, meeting, parts, small_pieces

MOST_SETS = 3
"""Intersections of three and more layers are given up for unions when there are more than so many for each pair [-]."""

Measure = Callable[[Sequence[np.ndarray]], csr_array]
"""Area of groups of polygons in each place, shape (groups, places), in any unit; where polygons of a group overlap,
each counts."""


@dataclass(frozen=True, eq=False)
class Taken:
    """What layers take of places, in the unit of the measure.

    Parameters
    ----------
    by_layer : array, shape (layers, places)
        What each layer takes.
    shared : array, shape (layers, places)
        What each layer and at least one other take.
    several : array, shape (places,)
        What at least two layers take.
    """

    by_layer: np.ndarray
    shared: np.ndarray
    several: np.ndarray


@dataclass(frozen=True, eq=False)
class _Common:
    """Areas that all layers of a set take: polygons, and for each its layers in rising order, shape (n, layers)."""

    shapes: np.ndarray
    layers: np.ndarray


def taken(layers: Sequence[np.ndarray], measure: Measure) -> Taken:
    """Overlay the polygons of layers.

    Parameters
    ----------
    layers : sequence of arrays of Polygon
        Polygons of each layer, which may overlap.
    measure : callable
        Measures polygons in places.
    """
    whole = [dissolve(shapes) for shapes in layers]
    small = [small_pieces(shapes) for shapes in whole]
    number = np.repeat(np.arange(len(small)), [len(shapes) for shapes in small])
    single = _Common(np.concatenate([np.array([], dtype=object), *small]), number[:, None])
    try:
        levels = _levels(single)
    finally:
        # Prepared shapes hold an index each, and some are the caller's.
        shapely.destroy_prepared(single.shapes)
    if levels is None:
        return _by_unions(whole, single, measure)
    return _by_sets(whole, levels, measure)


def _levels(single: _Common) -> list[_Common] | None:
    """Areas that two, three, and more layers take together; ``None`` if they are too many."""
    shapely.prepare(single.shapes)
    tree = shapely.STRtree(single.shapes)
    levels = [_next(single, single, tree)]
    most = MOST_SETS * max(len(levels[0].shapes), 100)
    while len(levels[-1].shapes):
        levels.append(_next(levels[-1], single, tree))
        if len(levels[-1].shapes) > most:
            return None
    return levels


def _next(common: _Common, single: _Common, tree: shapely.STRtree) -> _Common:
    """Areas that one layer more takes: one that comes after those of the set, so that each set is met once."""
    at, other = tree.query(common.shapes)
    later = single.layers[other, 0] > common.layers[at, -1]
    at, other = at[later], other[later]
    meets = shapely.intersects(single.shapes[other], common.shapes[at])
    at, other = at[meets], other[meets]
    shapes, source = both(common.shapes[at], single.shapes[other])
    return _Common(shapes, np.column_stack([common.layers[at[source]], single.layers[other[source], 0]]))


def both(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polygons common to the two of each pair, and the position of the pair.

    Parameters
    ----------
    one, other : arrays of Polygon, shape (n,)
        Pairs that meet; those of `other` are prepared.
    """
    # Testing that one lies within the other costs a tenth of cutting it.
    inside = shapely.covers(other, one)
    common = one.copy()
    common[~inside] = shapely.intersection(one[~inside], other[~inside])
    return parts(common)


def _by_sets(whole: Sequence[np.ndarray], levels: Sequence[_Common], measure: Measure) -> Taken:
    """Inclusion and exclusion over the sets of layers."""
    groups: list[np.ndarray] = []
    member: list[np.ndarray] = []
    for level in levels:
        order = np.lexsort(level.layers.T[::-1])
        sets = level.layers[order]
        starts = np.flatnonzero(np.diff(sets, axis=0, prepend=-1).any(axis=1))
        groups += np.split(level.shapes[order], starts[1:]) if len(starts) else []
        member += list(_indicator(sets[starts], len(whole)))
    area = measure([*whole, *groups])
    by_layer, common = area[: len(whole)], area[len(whole) :]
    inside = np.array(member).reshape(len(groups), len(whole))
    size = inside.sum(axis=1)
    sign = (-1.0) ** size
    shared = csr_array(inside.T * sign) @ common
    return Taken(by_layer.toarray(), shared.toarray(), common.T @ (sign * (size - 1)))


def _indicator(sets: np.ndarray, count: int) -> np.ndarray:
    """Sets of positions as rows of ones and zeros, shape (sets, count)."""
    inside = np.zeros((len(sets), count))
    np.put_along_axis(inside, sets, 1.0, axis=1)
    return inside


def _by_unions(whole: Sequence[np.ndarray], single: _Common, measure: Measure) -> Taken:
    """Unions of the intersections of pairs: fewer when many layers lie on each other."""
    pairs = _next(single, single, shapely.STRtree(single.shapes))
    meet = meeting(pairs.shapes)
    chosen = [(pairs.layers == n).any(axis=1) for n in range(len(whole))]
    shared = [_among(pairs.shapes, meet, mine) for mine in chosen]
    area = measure([*whole, *shared, dissolve(pairs.shapes, meet)]).toarray()
    return Taken(area[: len(whole)], area[len(whole) : -1], area[-1])


def _among(shapes: np.ndarray, pairs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Dissolve some of several shapes whose meetings are known."""
    position = np.cumsum(chosen) - 1
    return dissolve(shapes[chosen], position[pairs[:, chosen[pairs].all(axis=0)]])
