"""Attributes: values of map layers joined to places, be these cells of a lattice or polygons.

How the values that meet a place become one:

- ``largest``: the value that most of the overlap has, of equals the smallest;
- ``mean``: the mean by overlap, over the part of the place where there is a value;
- ``maximum``, ``minimum``: of all values that meet the place in more than a border;
- ``share``: the part of the place that is covered, features that overlap each other counted once [-];
- ``distance``: from the place to the nearest feature, 0 where they meet [km].
"""

from __future__ import annotations

from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.config.place_tables import LayerJoin
from optimizer.errors import Finding, InputError, nearest
from optimizer.layers.cells import Cells
from optimizer.layers.distance import distance_km
from optimizer.layers.layer import MapLayer
from optimizer.layers.overlaps import Overlaps, dimension, overlaps
from optimizer.layers.raster_cells import join_cells
from optimizer.layers.raster_places import join_places
from optimizer.layers.raster_window import counting
from optimizer.layers.totals import Totals, largest

Places: TypeAlias = Cells | gpd.GeoDataFrame
"""Cells of a lattice, or polygons in an equal-area projection in metres."""

WITHOUT_VALUE = ("share", "distance")
"""Joins that ask where a layer is, not what it says."""


def attribute(layer: MapLayer, places: Places, default: LayerJoin | None = None) -> pd.Series:
    """Value of a layer at each place.

    Parameters
    ----------
    layer : MapLayer
        Its settings say which column, or a fixed value, and how values become one.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.
    default : str, optional
        How values become one where the settings do not say; largest of text and mean of numbers by default.

    Returns
    -------
    Series
        Named as the settings say; index that of the places. nan, or of text empty, where the layer has no value.

    Raises
    ------
    InputError
        The column is missing, or is text where numbers are needed.
    """
    name = layer.settings.attribute or layer.name
    return pd.Series(_joined(layer, places, default or join_of(layer)), index=index_of(places), name=name)


def _joined(layer: MapLayer, places: Places, default: LayerJoin) -> np.ndarray:
    join = layer.settings.join or default
    if layer.raster is not None:
        return _of_raster(layer, places, join, area=join in WITHOUT_VALUE)
    if join == "distance":
        return distance_km(layer, places)
    values = values_of(layer) if join not in WITHOUT_VALUE else None
    assert layer.features is not None
    found = overlaps(layer.features, places, layer.settings.buffer_m)
    if values is None:
        return covered(found, places)
    if join != "largest":
        values = numbers_of(layer)
    return _of_overlaps(found, values, join, len(index_of(places)))


def index_of(places: Places) -> pd.Index:
    """How results name places."""
    return places.labels if isinstance(places, Cells) else places.index


def area_m2(places: Places) -> np.ndarray:
    """Area of each place [m2]."""
    if isinstance(places, Cells):
        return np.full(len(places.row), places.lattice.area_m2)
    return places.geometry.area.to_numpy()


def valued_share(layer: MapLayer, places: Places) -> np.ndarray:
    """Part of each place for which a layer has a value; features that overlap each other count each for itself [-].

    Of a layer of lines or points, 1 where it meets a place.
    """
    if layer.raster is not None:
        return _of_raster(layer, places, "share", area=False)
    assert layer.features is not None
    features = layer.features[~pd.isna(values_of(layer))]
    found = overlaps(features, places, layer.settings.buffer_m)
    size = np.bincount(found.place, found.size, len(index_of(places)))
    flat = layer.settings.buffer_m > 0 or dimension(features.geometry.to_numpy()) == 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(size / area_m2(places)) if flat else (size > 0).astype(float)


def join_of(layer: MapLayer) -> LayerJoin:
    """How the values of a layer become one: as its settings say, else largest of text, mean of numbers."""
    if layer.settings.join is not None:
        return layer.settings.join
    if layer.raster is not None or layer.settings.value is not None:
        return "mean"
    values = values_of(layer)
    return "mean" if values.dtype.kind == "f" else "largest"


def values_of(layer: MapLayer) -> np.ndarray:
    """Value of each feature: numbers, missing ones nan; or texts, missing ones ``None``.

    Raises
    ------
    InputError
        The column is not there, or none is named.
    """
    assert layer.features is not None
    column, where = layer.settings.column, f"{layer.name}: column"
    if layer.settings.value is not None:
        return np.full(len(layer.features), layer.settings.value)
    if column is None:
        remedy = "name the column that holds the value, or give a value"
        raise InputError([Finding("layer.column.missing", where, "no column is named", "", remedy)])
    if column not in layer.features.columns:
        known = [str(c) for c in layer.features.columns if c != layer.features.geometry.name]
        text = "the layer has no such column"
        raise InputError([Finding("layer.column.unknown", where, text, repr(column), nearest(column, known))])
    values = layer.features[column]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    return np.array([None if pd.isna(v) else str(v) for v in values], dtype=object)


def numbers_of(layer: MapLayer) -> np.ndarray:
    """Value of each feature, missing ones nan.

    Raises
    ------
    InputError
        The column is not there, none is named, or it holds text.
    """
    values = values_of(layer)
    if values.dtype.kind == "O":
        where, found = f"{layer.name}: column", repr(layer.settings.column)
        text, remedy = "the column holds text where numbers are needed", "name a column of numbers"
        raise InputError([Finding("layer.column.text", where, text, found, remedy)])
    return values


def _of_raster(layer: MapLayer, places: Places, join: LayerJoin, area: bool) -> np.ndarray:
    if join == "distance":
        # A cell's middle may lie outside a place that the cell meets.
        return np.where(_of_raster(layer, places, "share", area=True) > 0, 0.0, distance_km(layer, places))
    assert layer.raster is not None
    counts = counting(layer, area)
    if isinstance(places, Cells):
        found = join_cells(layer.raster, counts, places, join)
    else:
        found = join_places(layer.raster, counts, places, join)
    if layer.settings.value is None or join == "share":
        return found
    return np.where(np.isnan(found), np.nan, layer.settings.value)


def _of_overlaps(found: Overlaps, values: np.ndarray, join: LayerJoin, count: int) -> np.ndarray:
    value = values[found.feature]
    there = ~pd.isna(value)
    place, value, size = found.place[there], value[there], found.size[there]
    if values.dtype.kind == "O":
        best = largest(place, value, size, count)
        return np.array([v or "" for v in best], dtype=object)
    totals = Totals(count, join)
    totals.add(place, value, size, np.ones(len(place), dtype=bool))
    return totals.result()


def covered(found: Overlaps, places: Places) -> np.ndarray:
    """Part of each place that features cover, those that overlap each other counted once [-].

    Parameters
    ----------
    found : Overlaps
        By place.
    places : Cells or GeoDataFrame
        The places.
    """
    area = area_m2(places)
    covered_m2 = np.zeros(len(area))
    whole = np.zeros(len(area), dtype=bool)
    whole[found.place[[shape is None for shape in found.shape]]] = True
    partly = ~whole[found.place]
    place, shape = found.place[partly], found.shape[partly]
    at, first, count = np.unique(place, return_index=True, return_counts=True)
    several = np.repeat(count > 1, count)
    covered_m2[place[~several]] = shapely.area(shape[~several])
    for n in np.unique(count[count > 1]):
        rows = first[count == n][:, None] + np.arange(n)
        covered_m2[at[count == n]] = shapely.area(shapely.union_all(shape[rows], axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(whole, 1.0, covered_m2 / area)
    return np.clip(np.nan_to_num(share), 0.0, 1.0)
