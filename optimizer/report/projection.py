"""Geometry in kilometres on an equal-area projection centred on what is drawn, as paths that a figure can draw.

Maps are ordinary figures in projected coordinates with equal axes: a report that opens offline has no map tiles. The
projection is Lambert's azimuthal equal-area one: areas are true everywhere, and over a region of Texas's size the
scale is true within half a percent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

GEOGRAPHIC = "EPSG:4326"
# Points where a path breaks off; the figure leaves a gap.
_BREAK = np.array([[np.nan, np.nan]])
# Width and height of a map in the report, without its legend and axes: what it shows is fitted into that [px].
_SHOWN_PX = (780.0, 670.0)
# Cells are merged after their corners are put on a grid this fine [km], so that neighbours share them.
_SNAP_KM = 0.05


@dataclass(frozen=True)
class Projection:
    """Longitude and latitude to kilometres east and north of the south-west corner of what is drawn.

    Parameters
    ----------
    west, south, east, north : float
        Bounds of what is drawn [deg].
    """

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def around(cls, lon: Iterable[float], lat: Iterable[float]) -> Projection:
        """Return the projection centred on points; on the null point if there are none."""
        x, y = np.asarray(list(lon), float), np.asarray(list(lat), float)
        known = np.isfinite(x) & np.isfinite(y)
        if not known.any():
            return cls(0.0, 0.0, 0.0, 0.0)
        x, y = x[known], y[known]
        return cls(float(x.min()), float(y.min()), float(x.max()), float(y.max()))

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        lat, lon = round((self.south + self.north) / 2, 1), round((self.west + self.east) / 2, 1)
        target = f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=km"
        return pyproj.Transformer.from_crs(GEOGRAPHIC, target, always_xy=True)

    @cached_property
    def _corners(self) -> tuple[np.ndarray, np.ndarray]:
        lon, lat = [self.west, self.west, self.east, self.east], [self.south, self.north, self.south, self.north]
        x, y = self._transformer.transform(lon, lat)
        return np.asarray(x), np.asarray(y)

    @property
    def _origin(self) -> tuple[float, float]:
        x, y = self._corners
        return float(np.floor(x.min() / 50) * 50), float(np.floor(y.min() / 50) * 50)

    @property
    def km_per_px(self) -> float:
        """Scale of a map of all that is drawn, as a report first shows it; at least 10 m a pixel [km/px]."""
        x, y = self._corners
        return max(float(np.ptp(x)) / _SHOWN_PX[0], float(np.ptp(y)) / _SHOWN_PX[1], 0.01)

    def points(self, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of points, shape (n,) [km]."""
        x, y = self._transformer.transform(np.asarray(lon, float), np.asarray(lat, float))
        return _coordinates(x - self._origin[0]), _coordinates(y - self._origin[1])

    def paths(self, geometry: gpd.GeoSeries, tolerance_km: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return lines and outlines as one path with breaks, shape (n,) [km].

        Parameters
        ----------
        geometry : GeoSeries
            Lines or polygons, with a coordinate reference system.
        tolerance_km : float
            Detail left out [km].
        """
        return self._path(self._project(geometry), tolerance_km)

    def merged(self, geometry: gpd.GeoSeries, tolerance_km: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the outline of the union of polygons as one path with breaks, holes running the other way [km]."""
        snapped = shapely.transform(self._project(geometry), lambda km: np.round(km / _SNAP_KM) * _SNAP_KM)
        # A sliver narrower than the grid may cross itself once it is on it.
        union = shapely.simplify(shapely.union_all(shapely.make_valid(snapped)), tolerance_km)
        return self._path(np.array([shapely.orient_polygons(union)]), 0.0)

    def _project(self, geometry: gpd.GeoSeries) -> np.ndarray:
        kept = geometry[~(geometry.is_empty | geometry.isna())].to_crs(GEOGRAPHIC)
        return shapely.transform(kept.to_numpy(), self._shift)

    def _shift(self, coordinates: np.ndarray) -> np.ndarray:
        x, y = self._transformer.transform(coordinates[:, 0], coordinates[:, 1])
        return np.column_stack([x - self._origin[0], y - self._origin[1]])

    def _path(self, shapes: np.ndarray, tolerance_km: float) -> tuple[np.ndarray, np.ndarray]:
        parts = shapely.get_parts(shapes)
        polygon = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        lines = [*shapely.get_rings(parts[polygon]), *parts[~polygon]]
        if not lines:
            return np.empty(0, np.float32), np.empty(0, np.float32)
        kept = shapely.simplify(lines, tolerance_km) if tolerance_km else np.asarray(lines)
        pieces = [np.concatenate([shapely.get_coordinates(line), _BREAK]) for line in kept]
        path = np.concatenate(pieces)[:-1]
        return _coordinates(path[:, 0]), _coordinates(path[:, 1])


def segments(
    x_from: np.ndarray, y_from: np.ndarray, x_to: np.ndarray, y_to: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return straight pieces between pairs of points as one path with breaks, shape (3 n,) [km]."""
    gap = np.full(len(x_from), np.nan)
    return (
        _coordinates(np.column_stack([x_from, x_to, gap]).ravel()),
        _coordinates(np.column_stack([y_from, y_to, gap]).ravel()),
    )


def _coordinates(values: Any) -> np.ndarray:
    # Single precision on a 10 m grid: half the size in the file, and the same bytes whatever the last digits were.
    return np.round(np.asarray(values, float), 2).astype(np.float32)
