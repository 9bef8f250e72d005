"""Overlay of map layers on the cells or parcels of a region: what is left of each, and which layer takes what.

The region is worked through in tiles, so that memory does not grow with it. In each, the areas of the layers are
intersected where they meet (`optimizer.layers.overlay_tile`), and the resulting areas are measured in the places: in
cells by `optimizer.layers.coverage`, which cuts no polygon along them, so that small cells cost little more than large
ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import shapely
from scipy.sparse import csr_array, vstack

from optimizer.layers.coverage import LEAST_SHARE, Grid, covered_share
from optimizer.layers.lattice import Lattice
from optimizer.layers.overlay_result import Overlay, PlacesOverlay
from optimizer.layers.overlay_tile import taken
from optimizer.layers.polygons import in_tiles, parts
from optimizer.layers.shapes import THREADS
from optimizer.progress import Progress, silent

TILE_M = 64_000.0
"""Side of a tile, as far as cells allow [m]."""

LEAST_AREA_M2 = 1e-3
"""Area of a parcel below which what is taken or left is rounding [m2]."""

NamedShapes = Sequence[tuple[str, np.ndarray]]


@dataclass(frozen=True, eq=False)
class _Tile:
    """A tile's number, square, the region in it (``None`` if it covers the square), and its part of every layer."""

    number: int
    square: shapely.Geometry
    region: shapely.Geometry | None
    shapes: list[np.ndarray]

    def inside(self, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Parts of polygons of the tile that lie in the region, and the position of the polygon of each."""
        if self.region is None:
            return shapes, np.arange(len(shapes))
        shapely.prepare(self.region)
        whole = shapely.covers(self.region, shapes)
        cut, source = parts(shapely.intersection(shapes[~whole], self.region))
        at = np.concatenate([np.flatnonzero(whole), np.flatnonzero(~whole)[source]])
        return np.concatenate([shapes[whole], cut]), at


@dataclass(frozen=True, eq=False)
class _Found:
    """Areas in one tile [m2]: of each place, by its position among all, and by layer where not zero."""

    place: np.ndarray
    total_m2: np.ndarray
    refused_m2: np.ndarray
    taken_m2: csr_array
    only_m2: csr_array


def overlay(
    lattice: Lattice,
    footprint: shapely.Geometry,
    layers: NamedShapes,
    progress: Progress = silent,
    tile_m: float = TILE_M,
) -> Overlay:
    """Overlay layers on the cells of a lattice.

    Parameters
    ----------
    lattice : Lattice
        Cells.
    footprint : Geometry
        Region in the lattice's projection.
    layers : sequence of (str, array of Polygon)
        Name and areas of each layer, in that projection; areas may overlap.
    progress : Progress
        Told of the tiles done.
    tile_m : float
        Side of a tile, rounded to whole cells [m]: results do not depend on it.

    Returns
    -------
    Overlay
        Layers in the order given; cells that meet the footprint.
    """
    cells = max(round(tile_m / lattice.side_m), 1)
    across = -(-lattice.width // cells)

    def work(tile: _Tile) -> _Found:
        row, column = (cells * n for n in divmod(tile.number, across))
        width, height = min(cells, lattice.width - column), min(cells, lattice.height - row)
        west, south, _, _ = tile.square.bounds
        grid = Grid(west, south, lattice.side_m, width, height)
        return _in_cells(tile, grid, (row + grid.row) * lattice.width + column + grid.column)

    corner = lattice.bounds[:2]
    order = _order(layers)
    count = (across, -(-lattice.height // cells))
    tiles = _tiles(footprint, [layers[n][1] for n in order], corner, count, cells * lattice.side_m)
    found = _worked(tiles, work, progress)
    cell = np.sort(np.concatenate([order[:0], *(one.place for one in found)]))
    row, column = np.divmod(cell, lattice.width)
    areas = _joined(found, cell, order)
    return Overlay(footprint=footprint, layers=tuple(layers), lattice=lattice, row=row, column=column, **areas)


def overlay_places(
    polygons: np.ndarray,
    footprint: shapely.Geometry,
    layers: NamedShapes,
    progress: Progress = silent,
    tile_m: float = TILE_M,
) -> PlacesOverlay:
    """Overlay layers on polygons, such as parcels.

    Parameters
    ----------
    polygons : array of Geometry, shape (n,)
        Valid polygons or multipolygons in the footprint's projection; they may overlap.
    footprint, layers, progress, tile_m
        As in `overlay`.

    Returns
    -------
    PlacesOverlay
        Every polygon, in the order given; those outside the footprint have no area.
    """
    west, south, east, north = footprint.bounds
    across, up = (max(int(np.ceil(extent / tile_m)), 1) for extent in (east - west, north - south))
    pieces, owner = parts(np.asarray(polygons, dtype=object))
    by_tile = _by_tile(pieces, tile_m, (west, south), (across, up))

    def work(tile: _Tile) -> _Found:
        here, position = by_tile.get(tile.number, (pieces[:0], owner[:0]))
        return _in_places(tile, here, owner[position])

    order = _order(layers)
    tiles = _tiles(footprint, [layers[n][1] for n in order], (west, south), (across, up), tile_m)
    areas = _joined(_worked(tiles, work, progress), np.arange(len(polygons)), order)
    return PlacesOverlay(footprint=footprint, layers=tuple(layers), polygons=np.asarray(polygons), **areas)


def _order(layers: NamedShapes) -> np.ndarray:
    """Layers by the mean area of their polygons, then by name.

    Small polygons that come first often lie within large ones that come later, and then need no cutting. The order in
    which a study names its layers changes no number, not even in its last digit.
    """
    mean = [shapely.area(shapes).sum() / max(len(shapes), 1) for _, shapes in layers]
    return np.array(sorted(range(len(layers)), key=lambda n: (mean[n], layers[n][0])), dtype="int64")


def _worked(tiles: list[_Tile], work: Callable[[_Tile], _Found], progress: Progress) -> list[_Found]:
    done: list[_Found] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for found in threads.map(work, tiles):
            done.append(found)
            progress("overlay", len(done) / len(tiles), f"{len(done):,} of {len(tiles):,} tiles")
    return done


def _tiles(
    footprint: shapely.Geometry,
    layers: Sequence[np.ndarray],
    corner_m: tuple[float, float],
    count: tuple[int, int],
    side_m: float,
) -> list[_Tile]:
    """Tiles that meet the footprint, row by row from the south-west."""
    row, column = np.divmod(np.arange(count[0] * count[1]), count[0])
    west, south = corner_m[0] + column * side_m, corner_m[1] + row * side_m
    squares = shapely.box(west, south, west + side_m, south + side_m)
    shapely.prepare(footprint)
    meets, inside = shapely.intersects(footprint, squares), shapely.covers(footprint, squares)
    with ThreadPoolExecutor(THREADS) as threads:
        cut = list(threads.map(lambda layer: _by_tile(np.asarray(layer), side_m, corner_m, count), layers))
    nothing = (np.array([], dtype=object), np.array([], dtype="int64"))
    return [
        _Tile(
            int(n),
            squares[n],
            None if inside[n] else shapely.intersection(footprint, squares[n]),
            [layer.get(int(n), nothing)[0] for layer in cut],
        )
        for n in np.flatnonzero(meets)
    ]


def _by_tile(
    shapes: np.ndarray, side_m: float, corner_m: tuple[float, float], count: tuple[int, int]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Parts of polygons, and the position of the polygon of each, by number of the tile."""
    pieces, at, source = in_tiles(shapes.astype(object), side_m, *corner_m)
    inside = ((at >= 0) & (at < count)).all(axis=1)
    pieces, source, number = pieces[inside], source[inside], at[inside, 1] * count[0] + at[inside, 0]
    order = np.argsort(number, kind="stable")
    numbers, starts = np.unique(number[order], return_index=True)
    runs = np.split(order, starts[1:])
    return {int(n): (pieces[run], source[run]) for n, run in zip(numbers, runs, strict=False)}


def _in_cells(tile: _Tile, grid: Grid, cell: np.ndarray) -> _Found:
    """Areas in the cells of a tile that meet the region."""
    area = grid.side_m**2
    total, meets = np.full(len(cell), area), np.ones(len(cell), dtype=bool)
    if tile.region is not None:
        boxes = grid.boxes()
        shapely.prepare(tile.region)
        meets = shapely.intersects(tile.region, boxes)
        partly = meets & ~shapely.covers(tile.region, boxes)
        total[partly] = shapely.area(shapely.intersection(boxes[partly], tile.region))
    shapes = [tile.inside(layer)[0] for layer in tile.shapes]

    def measure(groups: Sequence[np.ndarray]) -> csr_array:
        return covered_share(groups, grid)[:, np.flatnonzero(meets)] * area

    return _areas(shapes, measure, cell[meets], total[meets], LEAST_SHARE * area)


def _in_places(tile: _Tile, polygons: np.ndarray, owner: np.ndarray) -> _Found:
    """Areas in polygons of a tile, each part of the place `owner`."""
    inside, at = tile.inside(polygons)
    place, position = np.unique(owner[at], return_inverse=True)
    total = np.bincount(position, shapely.area(inside), minlength=len(place))
    measure = partial(_area_in, inside, position, len(place))
    return _areas(tile.shapes, measure, place, total, LEAST_AREA_M2)


def _area_in(polygons: np.ndarray, position: np.ndarray, count: int, groups: Sequence[np.ndarray]) -> csr_array:
    """Area of groups of shapes in places that consist of polygons, shape (groups, count) [m2]."""
    shapes = np.concatenate([polygons[:0], *groups])
    group = np.repeat(np.arange(len(groups)), [len(one) for one in groups])
    shapely.prepare(polygons)
    shape_at, polygon_at = shapely.STRtree(polygons).query(shapes)
    whole = shapely.covers(polygons[polygon_at], shapes[shape_at])
    area = np.where(whole, shapely.area(shapes[shape_at]), 0.0)
    cut = shapely.intersection(shapes[shape_at[~whole]], polygons[polygon_at[~whole]])
    area[~whole] = shapely.area(cut)
    return csr_array((area, (group[shape_at], position[polygon_at])), shape=(len(groups), count))


def _areas(
    shapes: Sequence[np.ndarray],
    measure: Callable[[Sequence[np.ndarray]], np.ndarray],
    place: np.ndarray,
    total: np.ndarray,
    least_m2: float,
) -> _Found:
    """Areas of places, those that are only rounding set to nothing or to the whole."""
    present = [n for n, one in enumerate(shapes) if len(one)]
    found = taken([shapes[n] for n in present], measure)
    by_layer = _rounded(found.by_layer, total, least_m2)
    only = _rounded(by_layer - found.shared, total, least_m2)
    refused = _rounded(only.sum(axis=0) + found.several, total, least_m2)
    sparse = [_sparse(values, present, len(shapes)) for values in (by_layer, only)]
    return _Found(place, total, refused, *sparse)


def _rounded(area: np.ndarray, total: np.ndarray, least_m2: float) -> np.ndarray:
    """Areas, those next to nothing and next to the whole made so."""
    return np.where(area < least_m2, 0.0, np.where(total - area < least_m2, total, area))


def _sparse(values: np.ndarray, layer: Sequence[int], count: int) -> csr_array:
    """Areas by layers present and place, as places by all layers."""
    at, place = np.nonzero(values)
    column = np.array(layer, dtype="int64")[at]
    return csr_array((values[at, place], (place, column)), shape=(values.shape[1], count))


def _joined(found: Sequence[_Found], places: np.ndarray, order: np.ndarray) -> dict[str, Any]:
    """Areas of places, in the order of their numbers: a place in several tiles has the sum of its parts.

    Parameters
    ----------
    found : sequence of _Found
        Areas by tile.
    places : int array, shape (n,)
        Numbers of places, rising.
    order : int array, shape (layers,)
        Position among all layers of each of the layers overlaid.
    """
    if not found:
        nothing = csr_array((len(places), len(order)))
        return _named(np.zeros(len(places)), np.zeros(len(places)), nothing, nothing)
    at = np.searchsorted(places, np.concatenate([one.place for one in found]))
    parts_of = csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(len(places), len(at)))
    total = parts_of @ np.concatenate([one.total_m2 for one in found])
    refused = parts_of @ np.concatenate([one.refused_m2 for one in found])
    back = np.argsort(order)
    by_layer = (parts_of @ vstack([one.taken_m2 for one in found], format="csr"))[:, back]
    only = (parts_of @ vstack([one.only_m2 for one in found], format="csr"))[:, back]
    return _named(total, refused, by_layer, only)


def _named(total: np.ndarray, refused: np.ndarray, by_layer: csr_array, only: csr_array) -> dict[str, Any]:
    return {"total_m2": total, "refused_m2": refused, "taken_m2": by_layer, "only_m2": only}
