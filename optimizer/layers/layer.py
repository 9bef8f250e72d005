"""A map layer of the user: its data, and the one thing that it does."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd

from optimizer.config import LayerSettings
from optimizer.io.raster import Raster


@dataclass(frozen=True, eq=False)
class MapLayer:
    """A layer as read.

    Parameters
    ----------
    name : str
        How results name it; unique in a study.
    settings : LayerSettings
        What the study says of it, filled from its recipe where it has one.
    features : GeoDataFrame, optional
        Features that its filter lets through, in the coordinate reference system of the file; ``None`` for a raster.
    raster : Raster, optional
        The raster; ``None`` for features.
    """

    name: str
    settings: LayerSettings
    features: gpd.GeoDataFrame | None = None
    raster: Raster | None = None
