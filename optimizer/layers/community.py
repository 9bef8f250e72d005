"""Community: the county a place lies in, and whose rules hold there."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.grid.schema import Column
from optimizer.layers.places import M_PER_KM

COLUMNS = (
    Column("fips", "text", meaning="code of the county of the place's centre, empty outside all counties"),
    Column("county", "text", meaning="name of that county"),
    Column("jurisdiction", "text", meaning="jurisdiction whose rules apply"),
    Column("outside_km", "float", "km", meaning="distance from the centre to the nearest county, 0 inside"),
)


@dataclass(frozen=True)
class Options:
    """The layer has no settings."""


def attach(places: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, options: Options | None = None) -> pd.DataFrame:
    """County of each place.

    Parameters
    ----------
    places : GeoDataFrame
        Polygons or points, in an equal-area projection in metres.
    counties : GeoDataFrame, index ``fips``
        Polygons in the same projection, with ``county`` and ``jurisdiction``.
    options : Options, optional
        Nothing to set.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index. A centre on a shared border belongs to the first county by code.
    """
    return of_points(shapely.centroid(places.geometry.values), counties).set_axis(places.index)


def of_points(centres: np.ndarray, counties: gpd.GeoDataFrame) -> pd.DataFrame:
    """County of each point; as `attach`, in the order of the points.

    Parameters
    ----------
    centres : array of Point
        In the projection of the counties.
    counties : GeoDataFrame
        As for `attach`.
    """
    shapes = np.asarray(counties.geometry.values)
    # Counties are few and large: asked as they are prepared, each tells all points that it holds apart at once.
    county_at, place_at = shapely.STRtree(centres).query(shapes, predicate="intersects")
    position = np.full(len(centres), len(shapes))
    np.minimum.at(position, place_at, county_at)
    outside = position == len(shapes)
    outside_km = np.zeros(len(centres))
    if outside.any():
        _, distance = shapely.STRtree(shapes).query_nearest(centres[outside], all_matches=False, return_distance=True)
        outside_km[outside] = distance / M_PER_KM
    columns = {"fips": counties.index.to_numpy(), **{c: counties[c].to_numpy() for c in ("county", "jurisdiction")}}
    texts = {name: np.append(values.astype(object), "")[position] for name, values in columns.items()}
    return pd.DataFrame({**texts, "outside_km": outside_km})
