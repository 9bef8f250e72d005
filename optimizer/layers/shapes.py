"""Areas that a map layer takes near a region, as polygons in the region's projection."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import affine
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import rasterio.errors
import rasterio.features
import rasterio.windows
import shapely

from optimizer.io.raster import Raster
from optimizer.io.where import Filter, parse_where
from optimizer.layers.layer import MapLayer
from optimizer.layers.polygons import parts

MARGIN_M = 1000.0
"""Features are kept this far beyond the region, so that cutting them never shows inside it [m]."""

LONGEST_EDGE_M = 2000.0
"""Longer edges are divided before they are projected [m]: what is straight in the file bends on the map by up to
``length^2 tan(latitude) / (8 R)``, with R the Earth's radius; at this length less than 0.2 m up to 68 degrees."""

QUARTER_SEGMENTS = 8
"""Straight segments for a quarter of a circle around a corner: a buffer is nowhere short of its distance by more than
``1 - cos(pi / 32)``, 0.5 %."""

WINDOW_CELLS = 1024
"""Side of the windows in which a raster is read [cells]."""

THREADS = 2
"""Threads that share the work; GEOS and PROJ run without Python's lock."""

Bounds = tuple[float, float, float, float]


def shapes(layer: MapLayer, crs: pyproj.CRS, bounds_m: Bounds, region: shapely.Geometry | None = None) -> np.ndarray:
    """Areas that a layer takes near a region.

    Features are cut to the region's surroundings before they are projected: on the other side of the Earth a
    projection centred on the region turns polygons inside out. The cells of a raster that count are joined to polygons
    in the raster's own reference system, edge to edge, and then projected.

    Parameters
    ----------
    layer : MapLayer
        Layer of the rule ``exclude``, or ``setback``, which takes the surroundings of outlines.
    crs : CRS
        Projection of the result, in metres.
    bounds_m : tuple of float
        West, south, east and north limit of the region in it [m].
    region : Geometry, optional
        The region in `crs`: windows of a raster that do not meet it are not read.

    Returns
    -------
    array of Polygon
        Valid polygons in `crs`; those of a layer of features may overlap.
    """
    settings = layer.settings
    reach = settings.buffer_m + MARGIN_M
    wanted = (bounds_m[0] - reach, bounds_m[1] - reach, bounds_m[2] + reach, bounds_m[3] + reach)
    if layer.raster is not None:
        near = shapely.box(*wanted) if region is None else shapely.buffer(region, reach, quad_segs=2)
        found = raster_areas(layer.raster, settings.where, crs, near)
    elif layer.features is not None:
        found = _near(layer.features.geometry, crs, wanted)
    else:
        return np.array([], dtype=object)
    if settings.rule == "setback":
        found = shapely.boundary(parts(found)[0]) if layer.raster is not None else _outlines(found)
    if settings.buffer_m:
        found = shapely.buffer(found, settings.buffer_m, quad_segs=QUARTER_SEGMENTS)
    return parts(found)[0]


def layer_shapes(
    layers: Sequence[MapLayer], crs: pyproj.CRS, bounds_m: Bounds, region: shapely.Geometry | None = None
) -> list[tuple[str, np.ndarray]]:
    """Areas that each of several layers takes near a region, by name, as `shapes` gives them; layers side by side."""
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:
        # rasterio silences this while it polygonizes, for itself; but threads share one list of filters, and each that
        # ends its own silence ends that of the others.
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        found = list(threads.map(lambda layer: shapes(layer, crs, bounds_m, region), layers))
    return [(layer.name, areas) for layer, areas in zip(layers, found, strict=True)]


def _outlines(found: np.ndarray) -> np.ndarray:
    """Borders of polygons; lines and points are their own."""
    return np.asarray(np.where(shapely.get_dimensions(found) == 2, shapely.boundary(found), found))


def _near(features: gpd.GeoSeries, crs: pyproj.CRS, bounds_m: Bounds) -> np.ndarray:
    """Features within limits of a projection, valid and in it."""
    found = features.to_numpy()
    limits = shapely.bounds(found)
    near = []
    for window in windows(crs, features.crs, bounds_m):
        west, south, east, north = window.bounds
        meets = (limits[:, 0] <= east) & (limits[:, 2] >= west) & (limits[:, 1] <= north) & (limits[:, 3] >= south)
        within = (limits[:, 0] >= west) & (limits[:, 2] <= east) & (limits[:, 1] >= south) & (limits[:, 3] <= north)
        near += [found[within], shapely.intersection(found[meets & ~within], window)]
    kept = np.concatenate([np.array([], dtype=object), *near])
    return projected(kept[~shapely.is_empty(kept)], features.crs, crs)


def windows(crs: pyproj.CRS, other: pyproj.CRS, bounds_m: Bounds) -> list[shapely.Geometry]:
    """Boxes of another reference system that hold the limits of a projection.

    Two where the limits reach across the antimeridian, none where the other system cannot show them.
    """
    west, south, east, north = pyproj.Transformer.from_crs(crs, other, always_xy=True).transform_bounds(*bounds_m)
    if not np.isfinite([west, south, east, north]).all():
        return []
    if west <= east:
        return [shapely.box(west, south, east, north)]
    return [shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north)]


def projected(found: np.ndarray, source: pyproj.CRS, crs: pyproj.CRS) -> np.ndarray:
    """Shapes in another projection, long edges divided first, made valid where a ring touches itself afterwards."""
    if pyproj.CRS(source) != crs:
        found = _edges_divided(found, source)
        transformer = pyproj.Transformer.from_crs(source, crs, always_xy=True)
        corners = shapely.get_coordinates(found)
        x, y = transformer.transform(corners[:, 0], corners[:, 1])
        flat = shapely.force_2d(found) if shapely.has_z(found).any() else found
        found = shapely.set_coordinates(flat.copy(), np.stack([x, y], axis=1))
    bad = ~shapely.is_valid(found)
    found[bad] = shapely.make_valid(found[bad])
    return found


def _edges_divided(found: np.ndarray, source: pyproj.CRS) -> np.ndarray:
    """Shapes whose edges are at most `LONGEST_EDGE_M`."""
    unit_m = pyproj.CRS(source).axis_info[0].unit_conversion_factor
    # The unit of a geographic system is an angle in radians: 1 rad is 6,371 km along the Earth.
    longest = LONGEST_EDGE_M / (unit_m * (6.371e6 if pyproj.CRS(source).is_geographic else 1.0))
    corners, owner = shapely.get_coordinates(found, return_index=True)
    # The step from one ring of a shape to its next is no edge; taking it for one does no harm.
    leap = np.abs(np.diff(corners, axis=0)).max(axis=1, initial=0.0) > longest / np.sqrt(2)
    large = np.unique(owner[1:][leap & (owner[1:] == owner[:-1])])
    found = found.copy()
    found[large] = shapely.segmentize(found[large], longest)
    return found


def raster_areas(raster: Raster, where: str | None, crs: pyproj.CRS, near: shapely.Geometry) -> np.ndarray:
    """Polygons of the cells of a raster that count, in a projection.

    Parameters
    ----------
    raster : Raster
        The raster; cells without a value never count.
    where : str, optional
        Which cells count, their number being ``value``; all that are not 0 if not given.
    crs : CRS
        Projection of the result, in metres.
    near : Geometry
        Where cells are wanted, in `crs`; cells beyond may be left out.

    Returns
    -------
    array of Polygon
        Polygons without overlaps, cut along the windows in which the raster is read.
    """
    counts = None if where is None else parse_where(where, "where")
    found = [_areas(*raster.read(window), counts) for window in _windows_near(raster, crs, near)]
    return parts(projected(np.concatenate([np.array([], dtype=object), *found]), raster.crs, crs))[0]


def _windows_near(raster: Raster, crs: pyproj.CRS, near: shapely.Geometry) -> list[rasterio.windows.Window]:
    """Windows of a raster that meet an area of a projection."""
    side = WINDOW_CELLS
    found = [
        rasterio.windows.Window(column, row, min(side, raster.width - column), min(side, raster.height - row))
        for row in range(0, raster.height, side)
        for column in range(0, raster.width, side)
    ]
    limits = np.array([(w.col_off, w.row_off, w.col_off + w.width, w.row_off + w.height) for w in found])
    # Eight corners a side, since straight sides bend on the way.
    outlines = shapely.segmentize(shapely.box(*limits.T), side / 8)
    column, row = shapely.get_coordinates(outlines).T
    a, b, c, d, e, f = raster.transform[:6]
    to_crs = pyproj.Transformer.from_crs(raster.crs, crs, always_xy=True)
    x, y = to_crs.transform(a * column + b * row + c, d * column + e * row + f)
    outlines = shapely.set_coordinates(outlines, np.stack([x, y], axis=1))
    seen = np.isfinite(shapely.bounds(outlines)).all(axis=1)
    shapely.prepare(near)
    return [
        window for window, outline, ok in zip(found, outlines, seen, strict=True) if ok and near.intersects(outline)
    ]


def _areas(cells: np.ma.MaskedArray, transform: affine.Affine, where: Filter | None) -> np.ndarray:
    """Polygons of the cells of one window that count."""
    counts = _counting(cells, where)
    if not counts.any():
        return np.array([], dtype=object)
    runs = rasterio.features.shapes(counts.view("uint8"), mask=counts, transform=transform)
    rings = [shape["coordinates"] for shape, _ in runs]
    points = np.array(list(chain.from_iterable(chain.from_iterable(rings))))
    ring_ends = np.cumsum([0, *(len(ring) for ring in chain.from_iterable(rings))])
    polygon_ends = np.cumsum([0, *map(len, rings)])
    return np.asarray(shapely.from_ragged_array(shapely.GeometryType.POLYGON, points, (ring_ends, polygon_ends)))


def _counting(cells: np.ma.MaskedArray, where: Filter | None) -> np.ndarray:
    values, known = np.ma.getdata(cells), ~np.ma.getmaskarray(cells)
    if where is None:
        return known & (values != 0)
    # Filters cost by the number of rows: those of a raster are asked of each number once.
    numbers, position = _numbers(values)
    counted = where.mask(pd.DataFrame({"value": numbers}))
    return known & np.asarray(counted)[position].reshape(values.shape)


def _numbers(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct numbers of a raster and where each cell's stands; of small integers, all that there can be."""
    if values.dtype == np.uint8:
        return np.arange(256), values
    if values.dtype.kind in "iu":
        return np.unique(values, return_inverse=True)
    return values.ravel(), np.arange(values.size)
