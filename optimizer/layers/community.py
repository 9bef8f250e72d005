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
    shapes = np.asarray(counties.geometry.values)
    centres = shapely.centroid(places.geometry.values)
    tree = shapely.STRtree(shapes)
    place_at, county_at = tree.query(centres, predicate="intersects")
    inside = pd.Series(county_at, index=place_at, dtype=int).groupby(level=0).min()
    position = inside.reindex(range(len(places))).to_numpy()
    found = ~np.isnan(position)
    outside_km = np.zeros(len(places))
    if not found.all():
        _, distance = tree.query_nearest(centres[~found], all_matches=False, return_distance=True)
        outside_km[~found] = distance / M_PER_KM
    chosen = position[found].astype(int)
    columns = {"fips": counties.index.to_numpy(), **{c: counties[c].to_numpy() for c in ("county", "jurisdiction")}}
    texts = {name: np.full(len(places), "", dtype=object) for name in columns}
    for name, values in columns.items():
        texts[name][found] = values[chosen]
    return pd.DataFrame({**texts, "outside_km": outside_km}, index=places.index)
