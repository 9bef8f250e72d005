"""Hazards: the score or class of flood, fire, wind, earthquake or any other risk at a place."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from optimizer.grid.schema import Column
from optimizer.layers.attributes import Places, attribute, index_of, values_of
from optimizer.layers.layer import MapLayer

COLUMNS = (
    Column("hazard_score", "float", "", meaning="highest score of the hazard that meets the place"),
    Column("hazard_class", "text", "", meaning="class of the hazard on most of the place, empty where there is none"),
)


@dataclass(frozen=True)
class Options:
    """The layer has no settings."""


def attach(places: Places, layer: MapLayer, options: Options | None = None) -> pd.DataFrame:
    """Hazard at each place: a score where the layer has numbers, a class where it has text.

    Parameters
    ----------
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    layer : MapLayer
        Polygons with a column of scores or classes, or a raster of scores.
    options : Options, optional
        Nothing to set.

    Returns
    -------
    DataFrame
        One of `COLUMNS`. By the layer's join; by default the highest score, as a campus cannot choose the safer half
        of its land in a storm, and the class of the largest overlap.
    """
    text = layer.raster is None and values_of(layer).dtype.kind == "O"
    found = attribute(layer, places, default="largest" if text else "maximum")
    return pd.DataFrame({COLUMNS[text].name: found.to_numpy()}, index=index_of(places))
