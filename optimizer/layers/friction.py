"""Friction: what crossing each cell of a routing lattice costs a line, as a factor, and which cells no line crosses.

A factor of 1 is open country. The factor of a cell is the product, over the friction layers, of each layer's mean over
the cell; where features of one layer overlap, the larger factor holds. Vector layers are sampled at `SAMPLES` x
`SAMPLES` points of each cell, rasters are averaged by area. A cell that a barrier touches is a barrier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio
import rasterio.features
import rasterio.warp
import rasterio.windows
import shapely
from affine import Affine

from optimizer.io.raster import Raster
from optimizer.io.where import parse_where
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.terrain import TerrainTable

SAMPLES = 4
"""Samples of a vector layer along each side of a cell: a factor is then right to 1/16 of its excess over 1. A choice of
this project [count]."""

TILE_CELLS = 256
"""Cells along each side of the part of a lattice that is worked on at once; bounds memory, not results [count]."""

MOST_PIXELS = 4_000_000
"""Most cells of a raster that are read at once; bounds memory, not results [count]."""


Values = Callable[[np.ma.MaskedArray], np.ndarray]
"""What the cells of a raster count for."""


@dataclass(frozen=True, eq=False)
class Surface:
    """What a line meets on its way.

    Parameters
    ----------
    lattice : Lattice
        Routing cells.
    factor : array, shape (height, width)
        Cost of a line through the cell over its cost in open country, rows from the south [-].
    barrier : bool array, shape (height, width)
        Cells that no line crosses.
    """

    lattice: Lattice
    factor: np.ndarray
    barrier: np.ndarray

    def cells(self, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the cells that points lie in, those beyond the lattice included."""
        side = self.lattice.side_m
        row = np.floor(np.asarray(y_m) / side).astype("int64") - self.lattice.south
        return row, np.floor(np.asarray(x_m) / side).astype("int64") - self.lattice.west

    def centres(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of the centres of cells [m]."""
        side = self.lattice.side_m
        x_m = (self.lattice.west + np.asarray(column) + 0.5) * side
        return x_m, (self.lattice.south + np.asarray(row) + 0.5) * side


class FrictionError(ValueError):
    """A friction factor that is not a positive number; the text is the name of its layer."""


@dataclass(frozen=True)
class _Tile:
    """Part of a lattice: first row and column, and how many of each."""

    row: int
    column: int
    height: int
    width: int

    @property
    def cells(self) -> tuple[slice, slice]:
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    def lattice(self, whole: Lattice) -> Lattice:
        first = whole.west + self.column, whole.south + self.row
        return Lattice(whole.crs, whole.side_m, *first, self.width, self.height)

    def split(self) -> Iterator[_Tile]:
        """Halves of the longer side."""
        if self.height >= self.width:
            half = self.height // 2
            yield _Tile(self.row, self.column, half, self.width)
            yield _Tile(self.row + half, self.column, self.height - half, self.width)
        else:
            half = self.width // 2
            yield _Tile(self.row, self.column, self.height, half)
            yield _Tile(self.row, self.column + half, self.height, self.width - half)


def open_country(lattice: Lattice) -> Surface:
    """Surface without friction and barriers."""
    shape = (lattice.height, lattice.width)
    return Surface(lattice, np.ones(shape), np.zeros(shape, dtype=bool))


def friction_surface(lattice: Lattice, layers: Sequence[tuple[MapLayer, TerrainTable | None]]) -> Surface:
    """Put friction and barrier layers on a lattice.

    ``factor = product over friction layers of (mean of the layer's factor over the cell)``, 1 where a layer says
    nothing. Barrier cells that touch at a corner only are joined by one more, so that no diagonal step slips through.

    Parameters
    ----------
    lattice : Lattice
        Routing cells.
    layers : sequence of (MapLayer, TerrainTable or None)
        Layers whose rule is ``friction`` or ``barrier``, others are passed over; with the table that turns the values
        of a friction layer into factors, where they are not factors themselves.

    Returns
    -------
    Surface
        Independent of the order of the layers but for rounding.

    Raises
    ------
    FrictionError
        A factor is not a positive number; the error's text is the layer's name.
    """
    surface = open_country(lattice)
    for layer, table in layers:
        if layer.settings.rule == "friction":
            found = _raster_factor(layer, table, lattice) if layer.raster else _vector_factor(layer, table, lattice)
            np.multiply(surface.factor, found, out=surface.factor)
        elif layer.settings.rule == "barrier":
            found = _raster_barrier(layer, lattice) if layer.raster else _vector_barrier(layer, lattice)
            np.logical_or(surface.barrier, found, out=surface.barrier)
    return Surface(lattice, surface.factor, _corners_closed(surface.barrier))


def _corners_closed(barrier: np.ndarray) -> np.ndarray:
    """Barrier with the cell beside every pair that touches at a corner only."""
    closed = barrier.copy()
    south_west, south_east = barrier[:-1, :-1], barrier[:-1, 1:]
    north_west, north_east = barrier[1:, :-1], barrier[1:, 1:]
    closed[:-1, 1:] |= south_west & north_east & ~south_east & ~north_west
    closed[:-1, :-1] |= south_east & north_west & ~south_west & ~north_east
    return closed


def _tiles(lattice: Lattice) -> Iterator[_Tile]:
    for row in range(0, lattice.height, TILE_CELLS):
        for column in range(0, lattice.width, TILE_CELLS):
            yield _Tile(row, column, min(TILE_CELLS, lattice.height - row), min(TILE_CELLS, lattice.width - column))


def _grid_transform(lattice: Lattice, side_m: float) -> Affine:
    """From columns and rows of a north-up grid over a lattice to coordinates."""
    west, _, _, north = lattice.bounds
    return Affine(side_m, 0.0, west, 0.0, -side_m, north)


def _positive(factors: np.ndarray, layer: MapLayer) -> np.ndarray:
    # Of each feature and pixel: a mean hides one that is not.
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise FrictionError(layer.name)
    return factors


# Vector layers


def _vector_factor(layer: MapLayer, table: TerrainTable | None, lattice: Lattice) -> np.ndarray:
    shapes, values = _shapes(layer, lattice)
    known = ~np.isnan(values)
    shapes, values = shapes[known], values[known]
    factors = _positive(values if table is None else table.factors(values), layer)
    # What is burned last holds: the largest factor, whatever the order in the file.
    order = np.argsort(factors, kind="stable")
    shapes, factors = shapes[order], factors[order]
    tree = shapely.STRtree(shapes)
    found = np.ones((lattice.height, lattice.width))
    for tile in _tiles(lattice):
        part = tile.lattice(lattice)
        near = np.sort(tree.query(shapely.box(*part.bounds)))
        if not near.size:
            continue
        samples = rasterio.features.rasterize(
            zip(shapes[near], factors[near], strict=True),
            (tile.height * SAMPLES, tile.width * SAMPLES),
            fill=1.0,
            transform=_grid_transform(part, lattice.side_m / SAMPLES),
            dtype="float64",
        )
        means = samples.reshape(tile.height, SAMPLES, tile.width, SAMPLES).mean(axis=(1, 3))
        found[tile.cells] = means[::-1]
    return found


def _vector_barrier(layer: MapLayer, lattice: Lattice) -> np.ndarray:
    shapes, _ = _shapes(layer, lattice)
    tree = shapely.STRtree(shapes)
    found = np.zeros((lattice.height, lattice.width), dtype=bool)
    for tile in _tiles(lattice):
        part = tile.lattice(lattice)
        near = np.sort(tree.query(shapely.box(*part.bounds)))
        if near.size:
            transform = _grid_transform(part, lattice.side_m)
            shape = (tile.height, tile.width)
            burned = rasterio.features.rasterize(
                shapes[near], shape, transform=transform, all_touched=True, dtype="uint8"
            )
            found[tile.cells] = burned[::-1] > 0
    return found


def _shapes(layer: MapLayer, lattice: Lattice) -> tuple[np.ndarray, np.ndarray]:
    """Features over a lattice, buffered, in its projection; and the value of each."""
    features, settings = layer.features, layer.settings
    assert features is not None
    west, south, east, north = lattice.bounds
    reach = settings.buffer_m + lattice.side_m
    around = (west - reach, south - reach, east + reach, north + reach)
    # Cut before projecting: far from its centre a projection turns polygons inside out.
    to_layer = pyproj.Transformer.from_crs(lattice.crs, features.crs, always_xy=True)
    window = to_layer.transform_bounds(*around)
    if not np.isfinite(window).all():
        features = features.iloc[:0]
    near = features.iloc[np.sort(features.sindex.query(shapely.box(*window)))] if len(features) else features
    cut = shapely.intersection(near.geometry.to_numpy(), shapely.box(*window))
    kept = ~(shapely.is_empty(cut) | shapely.is_missing(cut))
    shapes = shapely.make_valid(gpd.GeoSeries(cut[kept], crs=features.crs).to_crs(lattice.crs).to_numpy())
    if settings.buffer_m:
        shapes = shapely.buffer(shapes, settings.buffer_m)
    values = np.full(len(near), np.nan)
    if settings.value is not None:
        values[:] = settings.value
    elif settings.column is not None:
        values = near[settings.column].to_numpy(dtype=float)
    drawn = ~shapely.is_empty(shapes)
    return shapes[drawn], values[kept][drawn]


# Rasters


def _raster_factor(layer: MapLayer, table: TerrainTable | None, lattice: Lattice) -> np.ndarray:
    def factors(pixels: np.ma.MaskedArray) -> np.ndarray:
        values = np.ma.filled(pixels.astype(float), np.nan)
        counted = ~np.isnan(values) if layer.settings.where is None else _counted(layer, pixels)
        if layer.settings.value is not None:
            values = np.full(values.shape, layer.settings.value)
        elif table is not None:
            values = table.factors(values)
        return _positive(np.where(counted, values, 1.0), layer)

    assert layer.raster is not None
    found = _warped(layer.raster, lattice, factors, rasterio.warp.Resampling.average)
    return np.where(np.isnan(found), 1.0, found)


def _raster_barrier(layer: MapLayer, lattice: Lattice) -> np.ndarray:
    def counted(pixels: np.ma.MaskedArray) -> np.ndarray:
        return _counted(layer, pixels).astype(float)

    assert layer.raster is not None
    found = _warped(layer.raster, lattice, counted, rasterio.warp.Resampling.max)
    return np.nan_to_num(found) > 0


def _counted(layer: MapLayer, pixels: np.ma.MaskedArray) -> np.ndarray:
    """Cells of a raster that count: those that its filter lets through, without one those other than 0."""
    values = np.ma.filled(pixels.astype(float), np.nan)
    if layer.settings.where is None:
        return ~np.isnan(values) & (values != 0)
    chosen = parse_where(layer.settings.where, f"{layer.settings.source}, where")
    passed = chosen.mask(pd.DataFrame({"value": values.ravel()})).reshape(values.shape)
    return np.asarray(passed & ~np.isnan(values))


def _warped(raster: Raster, lattice: Lattice, value: Values, resampling: rasterio.warp.Resampling) -> np.ndarray:
    """What the cells of a raster become on a lattice; nan where it does not reach."""
    found = np.full((lattice.height, lattice.width), np.nan)
    waiting = list(_tiles(lattice))
    while waiting:
        tile = waiting.pop()
        part = tile.lattice(lattice)
        window = _window(raster, part)
        if window is None:
            continue
        if window.width * window.height > MOST_PIXELS and tile.height * tile.width > 1:
            waiting += tile.split()
            continue
        pixels, transform = raster.read(window)
        burned = np.full((tile.height, tile.width), np.nan)
        rasterio.warp.reproject(
            value(pixels),
            burned,
            src_transform=transform,
            src_crs=raster.crs.to_wkt(),
            src_nodata=np.nan,
            dst_transform=_grid_transform(part, lattice.side_m),
            dst_crs=lattice.crs.to_wkt(),
            dst_nodata=np.nan,
            resampling=resampling,
        )
        found[tile.cells] = burned[::-1]
    return found


def _window(raster: Raster, lattice: Lattice) -> rasterio.windows.Window | None:
    """Cells of a raster under a lattice and two more on each side; ``None`` where it does not reach."""
    bounds = rasterio.warp.transform_bounds(lattice.crs.to_wkt(), raster.crs.to_wkt(), *lattice.bounds)
    if not np.isfinite(bounds).all():
        return None
    west, south, east, north = bounds
    beyond_x, beyond_y = 2 * abs(raster.transform.a), 2 * abs(raster.transform.e)
    return raster.window((west - beyond_x, south - beyond_y, east + beyond_x, north + beyond_y))
