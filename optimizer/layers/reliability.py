"""Reliability: how long customers of the utility at a place are without power in a year."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, attribute, index_of
from optimizer.layers.layer import MapLayer

COLUMNS = (
    Column(
        "saidi_minutes_per_year",
        "float",
        "min/year",
        meaning="system average interruption duration index (IEEE Std 1366) of the utility or county that has most of "
        "the place",
    ),
)


@dataclass(frozen=True)
class Options:
    """The layer has no settings."""


def attach(places: Places, layer: MapLayer, options: Options | None = None) -> pd.DataFrame:
    """Yearly minutes without power at each place.

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Service territories or counties, with a column of minutes per year.
    options : Options, optional
        Nothing to set.

    Returns
    -------
    DataFrame
        `COLUMNS`; by the layer's join, that of the largest overlap by default, as a place has one utility.

    Raises
    ------
    InputError
        The column is missing, or is text.
    """
    found = attribute(layer, places, default="largest")
    return pd.DataFrame({COLUMNS[0].name: found.to_numpy()}, index=index_of(places))
