"""Land: how much of a place can be used, once what a study excludes is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from optimizer.grid.schema import Column
from optimizer.layers.places import M2_PER_HA, WGS84

COLUMNS = (
    Column("area_ha", "float", "ha", meaning="area inside the footprint"),
    Column("usable_ha", "float", "ha", meaning="area inside the footprint that no layer excludes"),
    Column("excluded_by", "text", "", meaning="layer that takes most of the place, empty where none takes any"),
    Column("lat", "float", "deg", meaning="latitude of a point on the usable area"),
    Column("lon", "float", "deg", meaning="longitude of a point on the usable area"),
)

MARGIN_M = 1000.0
"""Features are kept this far beyond the region, so that cutting them never shows inside it [m]."""

LEAST_TAKEN_M2 = 1.0
"""Area below which a layer is not said to take any of a place: rounding of its borders [m2]."""


@dataclass(frozen=True)
class Exclusion:
    """Features that no campus may stand on.

    Parameters
    ----------
    name : str
        How refusals name the layer.
    features : GeoDataFrame
        Features in any coordinate reference system.
    buffer_m : float
        Distance kept from them [m].
    """

    name: str
    features: gpd.GeoDataFrame
    buffer_m: float = 0.0

    def shapes(self, crs: pyproj.CRS, bounds_m: tuple[float, float, float, float]) -> np.ndarray:
        """Excluded areas near a region, buffered and valid.

        Features are cut to the region's surroundings before they are projected: on the other side of the Earth a
        projection centred on the region turns polygons inside out.

        Parameters
        ----------
        crs : CRS
            Projection of the result, in metres.
        bounds_m : tuple of float
            Limits of the region in it [m].
        """
        west, south, east, north = bounds_m
        reach = self.buffer_m + MARGIN_M
        to_layer = pyproj.Transformer.from_crs(crs, self.features.crs, always_xy=True)
        window = to_layer.transform_bounds(west - reach, south - reach, east + reach, north + reach)
        if not np.isfinite(window).all():
            return np.array([], dtype=object)
        near = shapely.intersection(self.features.geometry.to_numpy(), shapely.box(*window))
        near = gpd.GeoSeries(near[~shapely.is_empty(near)], crs=self.features.crs).to_crs(crs).to_numpy()
        # A valid ring may touch itself once its corners are projected.
        valid = shapely.make_valid(near)
        return np.asarray(shapely.buffer(valid, self.buffer_m) if self.buffer_m else valid)


@dataclass(frozen=True)
class Options:
    """What is excluded, in the order in which the study names it."""

    exclusions: tuple[Exclusion, ...] = ()


def attach(places: gpd.GeoDataFrame, footprint: shapely.Geometry, options: Options) -> pd.DataFrame:
    """Usable area of each place, and a point on it.

    Parameters
    ----------
    places : GeoDataFrame
        Polygons in an equal-area projection in metres.
    footprint : Geometry
        Region in the same projection.
    options : Options
        Exclusions.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index. The point of a wholly usable cell is its centre.
    """
    shapes = np.asarray(places.geometry.values)
    shapely.prepare(footprint)
    whole = shapely.covers(footprint, shapes)
    usable = shapes.copy()
    usable[~whole] = shapely.intersection(shapes[~whole], footprint)
    area = shapely.area(usable)
    taken = np.zeros((len(shapes), len(options.exclusions)))
    for n, exclusion in enumerate(options.exclusions):
        usable, taken[:, n] = subtract(usable, exclusion.shapes(places.crs, tuple(places.total_bounds)))
    by = _largest([e.name for e in options.exclusions], taken)
    point = shapely.centroid(shapes)
    # The centre of a place that is partly taken may lie on what is taken.
    partly = (~whole | (by != "")) & ~shapely.is_empty(usable)
    partly &= ~shapely.contains(usable, point)
    point[partly] = shapely.point_on_surface(usable[partly])
    degrees = gpd.GeoSeries(point, crs=places.crs).to_crs(WGS84)
    return pd.DataFrame(
        {
            "area_ha": area / M2_PER_HA,
            "usable_ha": shapely.area(usable) / M2_PER_HA,
            "excluded_by": by,
            "lat": degrees.y.to_numpy(),
            "lon": degrees.x.to_numpy(),
        },
        index=places.index,
    )


def subtract(shapes: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take areas away from shapes.

    Parameters
    ----------
    shapes : array of Geometry, shape (n,)
        Areas to be reduced.
    taken : array of Geometry, shape (m,)
        Areas to take away; they may overlap.

    Returns
    -------
    left : array of Geometry, shape (n,)
        What is left of each shape.
    lost_m2 : array, shape (n,)
        Area that each lost [m2].
    """
    left, before = shapes.copy(), shapely.area(shapes)
    shape_at, taken_at = shapely.STRtree(taken).query(shapes, predicate="intersects")
    starts = np.flatnonzero(np.diff(shape_at, prepend=-1))
    for run in np.split(np.arange(len(shape_at)), starts[1:]) if len(starts) else []:
        row = shape_at[run[0]]
        left[row] = shapely.difference(shapes[row], shapely.union_all(taken[taken_at[run]]))
    return left, before - shapely.area(left)


def _largest(names: Sequence[str], taken: np.ndarray) -> np.ndarray:
    """Name of the layer that took most of each place, the first of equals, empty where none took any."""
    if not names:
        return np.full(len(taken), "", dtype=object)
    best = np.argmax(taken, axis=1)
    took = taken[np.arange(len(taken)), best] > LEAST_TAKEN_M2
    return np.where(took, np.array(names, dtype=object)[best], "")
