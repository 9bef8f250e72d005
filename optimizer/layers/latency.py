"""Latency: round-trip time from a place to where networks meet, and to where submarine cables land."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, index_of
from optimizer.layers.distance import distance_km
from optimizer.layers.layer import MapLayer

COLUMNS = (
    Column("exchange_rtt_ms", "float", "ms", meaning="round-trip time of light to the nearest exchange point"),
    Column("cable_landing_rtt_ms", "float", "ms", meaning="round-trip time of light to the nearest cable landing"),
)

DELAY_MS_PER_KM = 4.9e-3
"""Time of light through a kilometre of fibre, one way: refractive index 1.468 over the speed of light in vacuum,
299,792.458 km/s (exact, SI) [ms/km]. The index is that of common single-mode fibre (secondary source)."""

ROUTE_FACTOR = 1.4
"""Length of a fibre route over the straight line [-]. Middle of the usual 1.3 to 1.5 (unverified)."""


@dataclass(frozen=True)
class Options:
    """What the layer's features are, and how far light travels to them.

    Parameters
    ----------
    to : {"exchange", "cable_landing"}
        Which column they give.
    route_factor : float
        Route length over straight line [-].
    """

    to: Literal["exchange", "cable_landing"]
    route_factor: float = ROUTE_FACTOR


def attach(places: Places, layer: MapLayer, options: Options) -> pd.DataFrame:
    """Round-trip time of each place, of light alone, without switching and queueing.

        rtt_ms = 2 x 4.9e-3 ms/km x route factor x distance

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Exchange points or cable landings.
    options : Options
        Which, and the route factor.

    Returns
    -------
    DataFrame
        One of `COLUMNS`; nan where there is none as near as the last of `optimizer.layers.distance.REACH_KM`.
    """
    rtt_ms = 2 * DELAY_MS_PER_KM * options.route_factor * distance_km(layer, places)
    return pd.DataFrame({f"{options.to}_rtt_ms": rtt_ms}, index=index_of(places))
