"""Distance from places to the nearest feature of a layer."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from optimizer.errors import Finding, InputError
from optimizer.io.raster import Raster
from optimizer.layers.cells import Cells
from optimizer.layers.layer import MapLayer
from optimizer.layers.nearby import features_near
from optimizer.layers.places import M_PER_KM, WGS84, earth_centred_km, surface_km
from optimizer.layers.raster_window import Window, apply, bounds_in, counting, opened, read, window_over

REACH_KM = (100.0, 400.0, 1600.0, 6400.0)
"""Features are looked for within the first distance, and within the next where none is that near [km]."""

PIECE_SIDES = 16
"""Outlines are cut into lines of this many sides, so that a nearest one is found without walking all of a long
coast [count]."""

MOST_CELLS = 16_000_000
"""Raster cells read at a time [count]."""

MOST_POINTS = 4_000_000
"""Most raster cells that distances are measured to [count]."""


def distance_km(layer: MapLayer, places: Cells | gpd.GeoDataFrame) -> np.ndarray:
    """Distance from each place to the nearest feature, 0 where they meet [km].

    The nearest points are found in the projection and their distance is measured on the ellipsoid. To a raster, it is
    the distance to the middle of the nearest cell that counts.

    Parameters
    ----------
    layer : MapLayer
        Features, or a raster whose cells that count are features.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.

    Returns
    -------
    array, shape (n,)
        Distance; nan where no feature is within the last of `REACH_KM`.

    Raises
    ------
    InputError
        Of a raster, more than `MOST_POINTS` cells lie at the edge of those that count.
    """
    crs = places.lattice.crs if isinstance(places, Cells) else places.crs
    bounds = places.lattice.bounds if isinstance(places, Cells) else tuple(places.total_bounds)
    shapes = places.boxes if isinstance(places, Cells) else places.geometry.to_numpy()
    found = np.full(len(shapes), np.nan)
    for reach_km in REACH_KM:
        left = np.flatnonzero(np.isnan(found))
        if not len(left):
            break
        near = _near(layer, crs, bounds, reach_km * M_PER_KM)
        if len(near):
            nearest = _to_nearest(shapes[left], near, crs)
            found[left] = np.where(nearest <= reach_km, nearest, np.nan)
    return found


def _near(layer: MapLayer, crs: pyproj.CRS, bounds_m: tuple[float, float, float, float], reach_m: float) -> np.ndarray:
    """Features within some distance of an area, in its projection, or the outermost of the raster cells that count."""
    if layer.raster is None:
        assert layer.features is not None
        return features_near(layer.features, crs, bounds_m, reach_m, layer.settings.buffer_m)[1]
    raster, counts = layer.raster, counting(layer, area=True)
    west, south, east, north = bounds_m
    x, y = [], []
    with opened(raster) as dataset:
        for bounds in bounds_in(raster, crs, (west - reach_m, south - reach_m, east + reach_m, north + reach_m)):
            for window in _strips(raster, window_over(raster, bounds)):
                _, there = read(dataset, raster, window, counts)
                row, column = np.nonzero(_edge(there)[1:-1, 1:-1])
                at = apply(raster.transform, window.column + column + 1.5, window.row + row + 1.5)
                x.append(at[0])
                y.append(at[1])
                if (count := sum(map(len, x))) > MOST_POINTS:
                    raise InputError([_too_many(layer, count)])
    if not x:
        return np.array([], dtype=object)
    to_places = pyproj.Transformer.from_crs(raster.crs, crs, always_xy=True)
    return np.asarray(shapely.points(*to_places.transform(np.concatenate(x), np.concatenate(y))))


def _strips(raster: Raster, window: Window) -> Iterator[Window]:
    """Parts of a window inside a raster, each with a rim of one cell that the next one has too."""
    left, right = max(window.column, 0), min(window.end_column, raster.width)
    top, bottom = max(window.row, 0), min(window.end_row, raster.height)
    rows = max(MOST_CELLS // max(right - left, 1), 1)
    for row in range(top, bottom, rows):
        yield Window(left - 1, row - 1, right + 1, min(row + rows, bottom) + 1)


def _edge(there: np.ndarray) -> np.ndarray:
    """Cells that count, of which a neighbour does not."""
    inner = there.copy()
    for neighbour in (np.roll(there, 1, 0), np.roll(there, -1, 0), np.roll(there, 1, 1), np.roll(there, -1, 1)):
        inner &= neighbour
    return there & ~inner


def _too_many(layer: MapLayer, count: int) -> Finding:
    text = "the cells that count have too long an edge to measure distances to"
    remedy = "say by where which cells count, or give the layer as features"
    return Finding("layer.distance.too_many", layer.name, text, f"{count} cells", remedy, "error", count, MOST_POINTS)


def _to_nearest(places: np.ndarray, features: np.ndarray, crs: pyproj.CRS) -> np.ndarray:
    """Distance from each place to the nearest of some features, all in one projection [km]."""
    distance = np.zeros(len(places))
    apart = np.ones(len(places), dtype=bool)
    # The features are the ones to be prepared: they may have a million corners, places have few.
    apart[shapely.STRtree(places).query(features, predicate="intersects")[1]] = False
    if apart.any():
        pieces = outline_pieces(features)
        from_place, to_piece = shapely.STRtree(pieces).query_nearest(places[apart], all_matches=False)
        ends = shapely.get_coordinates(shapely.shortest_line(places[apart][from_place], pieces[to_piece]))
        lon, lat = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(*ends.T)
        earth = earth_centred_km(lat, lon)
        distance[apart] = surface_km(np.linalg.norm(earth[1::2] - earth[::2], axis=1))
    return distance


def outline_pieces(shapes: np.ndarray) -> np.ndarray:
    """Points of shapes, and their lines and outlines in pieces of at most `PIECE_SIDES` sides.

    Parameters
    ----------
    shapes : array of Geometry
        Points, lines and areas.
    """
    parts = shapely.get_parts(shapely.get_parts(shapes))
    area = shapely.get_dimensions(parts) == 2
    parts = np.concatenate([parts[~area], shapely.get_parts(shapely.boundary(parts[area]))])
    line = shapely.get_dimensions(parts) == 1
    points, lines = parts[~line], parts[line]
    corners = shapely.get_num_coordinates(lines)
    count = -(-(corners - 1) // PIECE_SIDES)
    of_line = np.repeat(np.arange(len(lines)), count)
    offset = PIECE_SIDES * (np.arange(len(of_line)) - np.repeat(np.cumsum(count) - count, count))
    length = np.minimum(PIECE_SIDES + 1, corners[of_line] - offset)
    piece = np.repeat(np.arange(len(of_line)), length)
    inside = np.arange(len(piece)) - np.repeat(np.cumsum(length) - length, length)
    first = (np.cumsum(corners) - corners)[of_line] + offset
    coordinates = shapely.get_coordinates(lines)[first[piece] + inside]
    return np.concatenate([points, shapely.linestrings(coordinates, indices=piece)])
