"""Connectivity: how far a place is from where networks meet."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, index_of
from optimizer.layers.distance import distance_km
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import nearest_km

COLUMNS = (
    Column("exchange", "text", meaning="nearest exchange point"),
    Column("fibre_km", "float", "km", meaning="length of the fibre route to it"),
)

ROUTE_COLUMNS = (Column("fibre_route_km", "float", "km", meaning="distance to the nearest fibre route"),)


@dataclass(frozen=True)
class Options:
    """How far fibre runs for a straight line.

    Parameters
    ----------
    route_factor : float
        Route length over straight line [-].
    """

    route_factor: float = 1.0


def attach(places: pd.DataFrame, exchanges: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Fibre route of each place to the nearest exchange point.

    Parameters
    ----------
    places : DataFrame
        ``lat``, ``lon`` [deg].
    exchanges : DataFrame
        ``name``, ``lat``, ``lon`` [deg]; where empty, there is nothing to connect to and the route is 0 km.
    options : Options
        Route factor.

    Returns
    -------
    DataFrame
        `COLUMNS`, same index.
    """
    if exchanges.empty or places.empty:
        return pd.DataFrame({"exchange": "", "fibre_km": 0.0}, index=places.index)
    distance, position = nearest_km(
        places["lat"].to_numpy(), places["lon"].to_numpy(), exchanges["lat"].to_numpy(), exchanges["lon"].to_numpy()
    )
    names = exchanges["name"].to_numpy(dtype=object)[position[:, 0]]
    return pd.DataFrame({"exchange": names, "fibre_km": options.route_factor * distance[:, 0]}, index=places.index)


def attach_routes(places: Places, layer: MapLayer) -> pd.DataFrame:
    """Distance of each place to the nearest fibre route, from its border, 0 where they meet.

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Lines of fibre, or areas that have it.

    Returns
    -------
    DataFrame
        `ROUTE_COLUMNS`; nan where there is none as near as the last of `optimizer.layers.distance.REACH_KM`.
    """
    return pd.DataFrame({ROUTE_COLUMNS[0].name: distance_km(layer, places)}, index=index_of(places))
