"""Rasters joined to polygons, by exactextract: every raster cell counts by the part of it that a polygon covers.

Cells of a geographic raster are weighted by their area on the sphere, those of others by their area in the plane.
"""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource

from optimizer.io.raster import Raster
from optimizer.layers.nearby import projected
from optimizer.layers.raster_window import TURN_DEG, Counting, Window, apply, limits, opened, read, window_over
from optimizer.layers.totals import Totals

BLOCK = 2048
"""Side of the blocks of a raster whose polygons are worked on together [cells]."""

MOST_CELLS = 16_000_000
"""Raster cells read at a time [count]."""


def join_places(raster: Raster, counts: Counting, places: gpd.GeoDataFrame, join: str) -> np.ndarray:
    """Value of a raster at each polygon.

    Parameters
    ----------
    raster : Raster
        The raster.
    counts : callable
        Which of its values count.
    places : GeoDataFrame
        Polygons, in a projection in metres.
    join : {"largest", "mean", "maximum", "minimum", "share"}
        How values become one, see `optimizer.layers.totals.Totals`.

    Returns
    -------
    array, shape (n,)
        Value; nan where the raster has none. Of a share, the part of the polygon that is covered [-].
    """
    totals = Totals(len(places), join)
    number, shapes = _on_raster(raster, places)
    with opened(raster) as dataset:
        for batch in _batches(raster, shapes):
            for window in _windows(raster, shapes[batch]):
                _extract(dataset, raster, window, counts, number[batch], shapes[batch], totals)
    found = totals.result()
    return np.nan_to_num(found) if join == "share" else found


def _on_raster(raster: Raster, places: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Positions and shapes, in its coordinates, of the polygons that meet a raster."""
    shapes = projected(places.geometry.to_numpy(), places.crs, raster.crs)
    left, bottom, right, top = limits(raster)
    turns = (-TURN_DEG, 0.0, TURN_DEG) if raster.crs.is_geographic else (0.0,)
    turned = [shapely.transform(shapes, lambda xy, turn=turn: np.add(xy, (turn, 0.0))) for turn in turns]
    number, moved = np.tile(np.arange(len(shapes)), len(turns)), np.concatenate(turned)
    west, south, east, north = shapely.bounds(moved).T
    meets = (west < right) & (east > left) & (south < top) & (north > bottom)
    return number[meets], moved[meets]


def _batches(raster: Raster, shapes: np.ndarray) -> Iterator[np.ndarray]:
    """Positions of shapes that lie near each other."""
    west, south, east, north = shapely.bounds(shapes).T
    columns, rows = apply(~raster.transform, (west + east) / 2, (south + north) / 2)
    block = pd.MultiIndex.from_arrays([rows // BLOCK, columns // BLOCK])
    yield from pd.Series(range(len(shapes)), index=block).groupby(level=[0, 1]).agg(np.array)


def _windows(raster: Raster, shapes: np.ndarray) -> Iterator[Window]:
    """Windows of at most `MOST_CELLS`, or a row, that together cover shapes."""
    whole = window_over(raster, tuple(shapely.total_bounds(shapes)))
    rows = max(MOST_CELLS // whole.shape[1], 1)
    for row in range(whole.row, whole.end_row, rows):
        yield Window(whole.column, row, whole.end_column, min(row + rows, whole.end_row))


def _extract(
    dataset: rasterio.DatasetReader,
    raster: Raster,
    window: Window,
    counts: Counting,
    number: np.ndarray,
    shapes: np.ndarray,
    totals: Totals,
) -> None:
    """Add the cells of a window to the polygons that cover them."""
    values, there = read(dataset, raster, window, counts)
    corners = [np.array(ends) for ends in ((window.column, window.end_column), (window.row, window.end_row))]
    (west, east), (south, north) = (sorted(axis) for axis in apply(raster.transform, *corners))
    # exactextract counts rows from the north, columns from the west.
    upright = np.s_[:: -1 if raster.transform.e > 0 else 1, :: -1 if raster.transform.a < 0 else 1]
    values, there = values[upright].ravel(), there[upright].ravel()
    source = NumPyRasterSource(there.reshape(window.shape).astype(np.uint8), west, south, east, north, srs_wkt=None)
    weight = "coverage(coverage_weight=area_spherical_m2)" if raster.crs.is_geographic else "coverage"
    frame = gpd.GeoDataFrame({"number": number}, geometry=shapes, crs=raster.crs)
    found = exact_extract(source, frame, ["cell_id", weight], include_cols=["number"], output="pandas")
    cell, share = np.concatenate(found["cell_id"]).astype(int), np.concatenate(found["coverage"])
    place = np.repeat(found["number"].to_numpy(), [len(ids) for ids in found["cell_id"]])
    totals.add(place, values[cell], share, there[cell])
