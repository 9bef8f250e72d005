"""Land: how much of a place can be used, once what a study excludes is taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy import sparse

from optimizer.grid.schema import Column
from optimizer.layers.layer import MapLayer
from optimizer.layers.overlay import overlay_places
from optimizer.layers.overlay_result import Taking
from optimizer.layers.places import M2_PER_HA, WGS84
from optimizer.layers.shapes import layer_shapes

COLUMNS = (
    Column("area_ha", "float", "ha", meaning="area inside the footprint"),
    Column("usable_ha", "float", "ha", meaning="area inside the footprint that no layer takes"),
    Column("excluded_by", "text", "", meaning="layer that takes most of the place, empty where none takes any"),
    Column("lat", "float", "deg", meaning="latitude of a point on the usable area"),
    Column("lon", "float", "deg", meaning="longitude of a point on the usable area"),
)

EXCLUDING = ("exclude", "setback")
"""Rules of layers that take land."""

LEAST_TAKEN_M2 = 1.0
"""Area below which a layer is not said to take any of a place: rounding of its borders [m2]."""


@dataclass(frozen=True)
class Options:
    """Layers that take land, in the order in which the study names them; others are passed over."""

    layers: tuple[MapLayer, ...] = ()


def taking(
    layers: Sequence[MapLayer],
    crs: pyproj.CRS,
    bounds_m: tuple[float, float, float, float],
    region: shapely.Geometry | None = None,
) -> list[tuple[str, np.ndarray]]:
    """Name of each layer that takes land, with the areas that it takes near a region.

    Parameters
    ----------
    layers : sequence of MapLayer
        Layers of any rule.
    crs : CRS
        Projection of the region, in metres.
    bounds_m : tuple of float
        Limits of the region in it [m].
    region : Geometry, optional
        The region in it, where its shape is known.
    """
    return layer_shapes([layer for layer in layers if layer.settings.rule in EXCLUDING], crs, bounds_m, region)


def attach(places: gpd.GeoDataFrame, footprint: shapely.Geometry, options: Options) -> pd.DataFrame:
    """Usable area of each place, and a point on it.

    Parameters
    ----------
    places : GeoDataFrame
        Polygons in an equal-area projection in metres.
    footprint : Geometry
        Region in the same projection.
    options : Options
        Layers that take land.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index. The point of a wholly usable place is its centre.
    """
    taken = taking(options.layers, places.crs, tuple(places.total_bounds))
    polygons = np.asarray(places.geometry.values)
    found = overlay_places(polygons, footprint, taken)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    described = areas(found, [name for name, _ in taken])
    return described.join(points(found, shapely.area(polygons), centre, places.crs)).set_axis(places.index)


def areas(found: Taking, names: Sequence[str]) -> pd.DataFrame:
    """Columns of areas of `COLUMNS`, in the order of an overlay.

    Parameters
    ----------
    found : Taking
        Areas of places.
    names : sequence of str
        Its layers.
    """
    return pd.DataFrame(
        {
            "area_ha": found.total_m2 / M2_PER_HA,
            "usable_ha": found.usable_m2 / M2_PER_HA,
            "excluded_by": _largest(names, found.taken_m2),
        }
    )


def points(found: Taking, place_m2: np.ndarray | float, centre: np.ndarray, crs: pyproj.CRS) -> pd.DataFrame:
    """``lat`` and ``lon`` of a point on the usable area of each place: its centre, unless that lies on what is taken.

    Parameters
    ----------
    found : Taking
        Areas of places.
    place_m2 : array or float
        Whole area of each place [m2].
    centre : array, shape (n, 2)
        Its centre, in the region's projection [m].
    crs : CRS
        The region's projection.
    """
    partly = np.flatnonzero((place_m2 - found.usable_m2 > LEAST_TAKEN_M2) & (found.usable_m2 > 0))
    if len(partly):
        usable = found.usable_shapes(partly)
        aside = ~shapely.contains_xy(usable, *centre[partly].T)
        centre = centre.copy()
        centre[partly[aside]] = shapely.get_coordinates(shapely.point_on_surface(usable[aside]))
    return degrees(centre, crs)


def degrees(centre: np.ndarray, crs: pyproj.CRS) -> pd.DataFrame:
    """``lat`` and ``lon`` of points in a projection [deg]."""
    lon, lat = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(*centre.T)
    return pd.DataFrame({"lat": lat, "lon": lon})


def _largest(names: Sequence[str], taken_m2: sparse.csr_array) -> np.ndarray:
    """Name of the layer that takes most of each place, the first of equals, empty where none takes any."""
    most, by = np.full(taken_m2.shape[0], LEAST_TAKEN_M2), np.full(taken_m2.shape[0], len(names))
    columns = taken_m2.tocsc()
    for n in range(len(names)):
        part = slice(columns.indptr[n], columns.indptr[n + 1])
        at, area = columns.indices[part], columns.data[part]
        more = area > most[at]
        most[at[more]], by[at[more]] = area[more], n
    return np.array([*names, ""], dtype=object)[by]
