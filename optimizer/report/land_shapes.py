"""Outlines of land made of very many cells: cells of one kind are drawn together, never one by one."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import rasterio.features
import shapely

from optimizer.report.projection import GEOGRAPHIC, Projection

MANY = 40_000
"""Above this number of cells of all rules, outlines are drawn on a grid as fine as the map shows [count]."""

_PIXELS_ACROSS = 450
# Two cells across: a square this large holds the middle of at least one cell, whatever way the cells are turned.
_CELLS_ACROSS_PIXEL = 2.0

Path = tuple[np.ndarray, np.ndarray]


def outlines(shapes: gpd.GeoSeries, kind: np.ndarray, projection: Projection) -> dict[str, Path]:
    """Outline of the land of each kind, where there is too much of it to merge exactly.

    The map is cut into squares; a square is of the kind that most cells whose middle it holds are of, and squares of
    one kind that touch are one shape.

    Parameters
    ----------
    shapes : GeoSeries
        Cells, all of about one size.
    kind : array of str
        Kind of each.
    projection : Projection
        Of the map.

    Returns
    -------
    dict of str to (array, array)
        x and y of a path with breaks, holes running the other way [km]; only of kinds that some square is of.
    """
    west, south, east, north = shapes.to_crs(GEOGRAPHIC).bounds.to_numpy().T
    x, y = projection.points((west + east) / 2, (south + north) / 2)
    side_km = _side_km(west, south, east, north, projection)
    extent_km = max(float(np.ptp(x)), float(np.ptp(y)), side_km)
    pixel_km = max(_CELLS_ACROSS_PIXEL * side_km, extent_km / _PIXELS_ACROSS)
    column = ((x - x.min()) // pixel_km).astype(np.int64)
    row = ((y - y.min()) // pixel_km).astype(np.int64)
    codes, names = _codes(kind)
    grid = _most(row, column, codes, len(names))
    return _paths(grid, names, np.array([x.min(), y.min()], float), pixel_km)


def _codes(kind: np.ndarray) -> tuple[np.ndarray, list[str]]:
    names, codes = np.unique(kind.astype(str), return_inverse=True)
    return codes, names.tolist()


def _side_km(west: np.ndarray, south: np.ndarray, east: np.ndarray, north: np.ndarray, projection: Projection) -> float:
    """Side of the square that a middling cell fits in [km]."""
    some = slice(None, None, max(len(west) // 1000, 1))
    x0, y0 = projection.points(west[some], south[some])
    x1, y1 = projection.points(east[some], north[some])
    return float(np.median(np.maximum(np.abs(x1 - x0), np.abs(y1 - y0))))


def _most(row: np.ndarray, column: np.ndarray, codes: np.ndarray, kinds: int) -> np.ndarray:
    """Kind of each square, counted from 1, the first of equals; 0 for squares without a cell."""
    height, width = int(row.max()) + 1, int(column.max()) + 1
    held = np.bincount((row * width + column) * kinds + codes, minlength=height * width * kinds)
    held = held.reshape(height, width, kinds)
    return np.where(held.any(axis=2), held.argmax(axis=2) + 1, 0).astype(np.int32)


def _paths(grid: np.ndarray, names: list[str], corner_km: np.ndarray, pixel_km: float) -> dict[str, Path]:
    found: dict[str, list[np.ndarray]] = {}
    for shape, code in rasterio.features.shapes(grid, mask=grid > 0, connectivity=4):
        rings = [corner_km + pixel_km * np.asarray(ring, float) for ring in shape["coordinates"]]
        found.setdefault(names[int(code) - 1], []).extend(_turned(rings))
    gap = np.array([[np.nan, np.nan]])
    paths: dict[str, Path] = {}
    for name, rings in sorted(found.items()):
        path = np.concatenate([piece for ring in rings for piece in (ring, gap)])[:-1]
        x, y = np.round(path, 2).astype(np.float32).T
        paths[name] = (x, y)
    return paths


def _turned(rings: list[np.ndarray]) -> list[np.ndarray]:
    """Rings of one shape, the outer one clockwise and its holes the other way."""
    wanted = [number > 0 for number in range(len(rings))]
    turns = [bool(shapely.is_ccw(shapely.linearrings(ring))) for ring in rings]
    return [ring if a == b else ring[::-1] for ring, a, b in zip(rings, turns, wanted, strict=True)]
