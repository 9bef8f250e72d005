"""Features near places, in the places' projection: cut out before they are projected, with straight sides kept so."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely

SIDE_M = 5_000.0
"""Longest side of a feature that is projected as it is; longer ones get vertices between, for what is straight in one
projection bends in another: over 5 km by less than 1 m between 60 degrees south and north [m]."""

SIDE_DEG = 0.045
"""The same where coordinates are degrees [deg]."""


def projected(shapes: np.ndarray, crs: pyproj.CRS, to_crs: pyproj.CRS) -> np.ndarray:
    """Shapes in another coordinate reference system, valid ones.

    Parameters
    ----------
    shapes : array of Geometry
        Shapes.
    crs, to_crs : CRS
        From which system to which.
    """
    if pyproj.CRS(crs) == pyproj.CRS(to_crs):
        return shapes
    dense = shapely.segmentize(shapes, SIDE_DEG if pyproj.CRS(crs).is_geographic else SIDE_M)
    moved = gpd.GeoSeries(dense, crs=crs).to_crs(to_crs).to_numpy()
    # A valid ring may touch itself once its corners are projected.
    broken = ~shapely.is_valid(moved)
    moved[broken] = shapely.make_valid(moved[broken])
    return np.asarray(moved, dtype=object)


def features_near(
    features: gpd.GeoDataFrame,
    crs: pyproj.CRS,
    bounds_m: tuple[float, float, float, float],
    reach_m: float,
    buffer_m: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Features within some distance of an area, in its projection, cut off beyond.

    They are cut before they are projected: on the other side of the Earth a projection centred on a region turns
    polygons inside out.

    Parameters
    ----------
    features : GeoDataFrame
        Features in any coordinate reference system.
    crs : CRS
        Projection of the area, in metres.
    bounds_m : tuple of float
        West, south, east and north limit of the area in it [m].
    reach_m : float
        Distance around it [m].
    buffer_m : float
        Distance added around features [m].

    Returns
    -------
    number : int array, shape (n,)
        Position of each feature among all, increasing.
    shapes : array of Geometry, shape (n,)
        What there is of it, in `crs`, not empty.
    """
    west, south, east, north = bounds_m
    reach = reach_m + buffer_m
    window = (west - reach, south - reach, east + reach, north + reach)
    shapes = features.geometry.to_numpy()
    number, near = [], []
    for box in _windows(crs, features.crs, window):
        left, bottom, right, top = shapely.bounds(shapes).T
        meets = np.flatnonzero((left <= box[2]) & (right >= box[0]) & (bottom <= box[3]) & (top >= box[1]))
        cut = shapes[meets]
        inside = (left >= box[0]) & (right <= box[2]) & (bottom >= box[1]) & (top <= box[3])
        partly = ~inside[meets]
        cut[partly] = shapely.intersection(cut[partly], shapely.box(*box))
        kept = ~shapely.is_empty(cut)
        number.append(meets[kept])
        near.append(cut[kept])
    if not number:
        return np.array([], dtype=int), np.array([], dtype=object)
    found, moved = np.concatenate(number), projected(np.concatenate(near), features.crs, crs)
    if buffer_m:
        moved = shapely.buffer(moved, buffer_m)
    order = np.argsort(found, kind="stable")
    return found[order], np.asarray(moved, dtype=object)[order]


def _windows(
    crs: pyproj.CRS, to_crs: pyproj.CRS, window: tuple[float, float, float, float]
) -> list[tuple[float, float, float, float]]:
    """Where an area lies in another coordinate reference system: two boxes where it crosses the 180th meridian."""
    box = pyproj.Transformer.from_crs(crs, to_crs, always_xy=True).transform_bounds(*window)
    if not np.isfinite(box).all():
        return []
    west, south, east, north = box
    if west > east:
        return [(west, south, 180.0, north), (-180.0, south, east, north)]
    return [box]
