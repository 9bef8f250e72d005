"""Transport: how far a place is from gas lines, railways and roads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, index_of
from optimizer.layers.distance import distance_km
from optimizer.layers.layer import MapLayer

COLUMNS = (
    Column("gas_line_km", "float", "km", meaning="distance to the nearest gas line"),
    Column("rail_km", "float", "km", meaning="distance to the nearest railway"),
    Column("road_km", "float", "km", meaning="distance to the nearest road"),
)


@dataclass(frozen=True)
class Options:
    """What the layer's features are.

    Parameters
    ----------
    kind : {"gas_line", "rail", "road"}
        Which column they give.
    """

    kind: Literal["gas_line", "rail", "road"]


def attach(places: Places, layer: MapLayer, options: Options) -> pd.DataFrame:
    """Distance of each place to the nearest feature, from its border, 0 where they meet.

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Lines, such as pipelines, tracks or highways.
    options : Options
        Which.

    Returns
    -------
    DataFrame
        One of `COLUMNS`; nan where there is none as near as the last of `optimizer.layers.distance.REACH_KM`.
    """
    return pd.DataFrame({f"{options.kind}_km": distance_km(layer, places)}, index=index_of(places))
