"""Labour: how many people work or look for work near a place."""

from __future__ import annotations

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, index_of
from optimizer.layers.layer import MapLayer
from optimizer.layers.within import Options, sum_within

COLUMNS = (Column("nearby_workers", "float", "people", meaning="labour force within the stated distance"),)


def attach(places: Places, layer: MapLayer, options: Options) -> pd.DataFrame:
    """Labour force within a distance of each place.

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Points or polygons with a column of the labour force; see `optimizer.layers.within.sum_within`.
    options : Options
        Distance.

    Returns
    -------
    DataFrame
        `COLUMNS`.
    """
    return pd.DataFrame({COLUMNS[0].name: sum_within(layer, places, options.within_km)}, index=index_of(places))
