"""Climate: the zone, or the weather station, that decides how much power and water cooling takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.places import nearest_km
from optimizer.layers.weather import Station

COLUMNS = (Column("iecc_zone", "text", meaning="climate zone of the International Energy Conservation Code"),)


@dataclass(frozen=True)
class Options:
    """The layer has no settings."""


def attach(places: pd.DataFrame, counties: pd.DataFrame, options: Options | None = None) -> pd.DataFrame:
    """Climate zone of each place, that of its county.

    Parameters
    ----------
    places : DataFrame
        ``fips``, empty outside all counties.
    counties : DataFrame, index ``fips``
        ``iecc_zone``.
    options : Options, optional
        Nothing to set.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index.
    """
    return pd.DataFrame({"iecc_zone": places["fips"].map(counties["iecc_zone"]).fillna("")}, index=places.index)


def station_of(places: pd.DataFrame, stations: Sequence[Station]) -> np.ndarray:
    """Weather station of each place: that of its zone, else the nearest, else the one that holds everywhere.

    Parameters
    ----------
    places : DataFrame
        ``iecc_zone``, ``lat`` and ``lon`` [deg].
    stations : sequence of Station
        May be none.

    Returns
    -------
    array of str
        Name of the station, empty where none stands for the place.
    """
    name = np.full(len(places), "", dtype=object)
    for one in stations:
        if not one.zone and np.isnan(one.lat):
            name[:] = one.name
    placed = [one for one in stations if np.isfinite(one.lat)]
    located = places["lat"].notna().to_numpy() & places["lon"].notna().to_numpy() if placed else np.zeros(0, bool)
    if located.any():
        lat, lon = (places.loc[located, c].to_numpy(dtype=float) for c in ("lat", "lon"))
        to_lat, to_lon = np.array([one.lat for one in placed]), np.array([one.lon for one in placed])
        nearest = nearest_km(lat, lon, to_lat, to_lon)[1][:, 0]
        name[located] = np.array([one.name for one in placed], dtype=object)[nearest]
    for one in stations:
        if one.zone:
            name[(places["iecc_zone"] == one.zone).to_numpy()] = one.name
    return name


def with_station(places: pd.DataFrame, stations: Sequence[Station]) -> pd.DataFrame:
    """Places with the column ``station``, where there are any, see `station_of`; kept where it is there already."""
    if not stations or "station" in places.columns:
        return places
    return places.assign(station=station_of(places, stations))
