"""Rasters joined to cells of a lattice: every raster cell is shared out, by area, among the lattice cells it meets.

Corners of raster cells are located on the lattice, and a raster cell is taken for the upright rectangle between the
middles of its sides there. Rectangles of neighbours share their sides, so that nothing is counted twice or lost, and
where the raster lies straight on the lattice the shares are exact. Where it lies askew, raster cells are first cut
into parts that are shifted by no more than `raster_lines.MOST_SKEW` of a lattice cell from their lower to their upper
side, unless they would become smaller than `raster_lines.SMALLEST_PART` of one. Each side of a lattice cell then gives
up, and gains, less than half of such a shift: at most 1/64 of its area where the raster lies at 45 degrees to it, and
usually less than a thousandth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import rasterio

from optimizer.io.raster import Raster
from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.raster_lines import Locator
from optimizer.layers.raster_window import Counting, Window, bounds_in, opened, read, window_over
from optimizer.layers.totals import Totals

TILE = 256
"""Largest side of the tiles that the lattice is worked through by [cells]."""

MOST_CELLS = 16_000_000
"""Raster cells that a tile should not exceed [count]."""

MOST_PARTS = 500_000
"""Raster cells, or parts of them, worked on at a time, so that they fit into the caches of a processor [count]."""


def join_cells(raster: Raster, counts: Counting, cells: Cells, join: str) -> np.ndarray:
    """Value of a raster at each cell.

    Parameters
    ----------
    raster : Raster
        The raster.
    counts : callable
        Which of its values count.
    cells : Cells
        Where.
    join : {"largest", "mean", "maximum", "minimum", "share"}
        How values become one, see `optimizer.layers.totals.Totals`.

    Returns
    -------
    array, shape (n,)
        Value; nan where the raster has none. Of a share, the part of the cell that is covered [-].
    """
    lattice = cells.lattice
    fill = 0.0 if join == "share" else np.nan
    found = np.full((lattice.height, lattice.width), fill)
    wanted = cells.positions() >= 0
    with opened(raster) as dataset:
        for tile in _tiles(raster, lattice):
            if wanted[tile].any():
                values = _joined(dataset, raster, _part(lattice, tile), counts, join)
                found[tile] = np.where(np.isnan(values), fill, values)
    return found[cells.row, cells.column]


def _tiles(raster: Raster, lattice: Lattice) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the tiles of a lattice."""
    middle = _part(
        lattice, np.s_[lattice.height // 2 : lattice.height // 2 + 1, lattice.width // 2 : lattice.width // 2 + 1]
    )
    per_cell = max(
        (np.prod(window_over(raster, b).shape) for b in bounds_in(raster, lattice.crs, middle.bounds)), default=1
    )
    side = int(np.clip(np.sqrt(MOST_CELLS / per_cell), 1, TILE))
    for row in range(0, lattice.height, side):
        for column in range(0, lattice.width, side):
            yield np.s_[row : min(row + side, lattice.height), column : min(column + side, lattice.width)]


def _part(lattice: Lattice, tile: tuple[slice, slice]) -> Lattice:
    rows, columns = tile
    return replace(
        lattice,
        west=lattice.west + columns.start,
        south=lattice.south + rows.start,
        width=columns.stop - columns.start,
        height=rows.stop - rows.start,
    )


def _joined(
    dataset: rasterio.DatasetReader, raster: Raster, lattice: Lattice, counts: Counting, join: str
) -> np.ndarray:
    """Joined values of all cells of a small lattice; shape (height, width)."""
    # A rim of one cell takes what lies outside.
    height, width = lattice.height + 2, lattice.width + 2
    totals = Totals(height * width, join)
    locator = Locator(raster, lattice)
    for bounds in bounds_in(raster, lattice.crs, lattice.bounds):
        whole = window_over(raster, bounds, margin=1)
        lie = locator.lie(whole)
        for window in _strips(whole, lie.parts):
            values, there = read(dataset, raster, window, counts)
            if there.any() or join == "share":
                lines = locator.lines(window, lie)
                _share_out(lie.sorted(values), lie.sorted(there), *lines, lattice, totals)
    return totals.result().reshape(height, width)[1:-1, 1:-1]


def _strips(window: Window, parts: int) -> Iterator[Window]:
    """Windows of at most `MOST_PARTS` parts, as wide as may be."""
    columns = int(np.clip(MOST_PARTS // parts**2, 1, window.shape[1]))
    rows = max(MOST_PARTS // (columns * parts**2), 1)
    for row in range(window.row, window.end_row, rows):
        for column in range(window.column, window.end_column, columns):
            yield Window(column, row, min(column + columns, window.end_column), min(row + rows, window.end_row))


def _share_out(
    values: np.ndarray, counts: np.ndarray, x: np.ndarray, y: np.ndarray, lattice: Lattice, totals: Totals
) -> None:
    """Add parts of raster cells to the cells of a lattice that they meet, weighted by the part that each of these has.

    A part meets two cells at most in a row, and two in a column.
    """
    if np.isnan(x).any() or np.isnan(y).any():
        # What has no place on the lattice goes to its rim.
        counts = counts & np.isfinite(x[:, :-1] + x[:, 1:]) & np.isfinite(y[:-1] + y[1:])
        x, y = np.nan_to_num(x, nan=-np.inf), np.nan_to_num(y, nan=-np.inf)
    column, row = _numbers(x, lattice.width), _numbers(y, lattice.height)
    row *= lattice.width + 2
    value, count = values.ravel(), counts.ravel()
    left, lower = column[:, :-1].ravel(), row[:-1].ravel()
    two_x = np.flatnonzero(column[:, 1:].ravel() > left)
    two_y = np.flatnonzero(row[1:].ravel() > lower)
    right, upper = column[:, 1:].ravel()[two_x], row[1:].ravel()[two_y]
    share_x, share_y = np.zeros(len(value)), np.zeros(len(value))
    share_x[two_x] = _beyond(right - 1, x[:, :-1].ravel()[two_x], x[:, 1:].ravel()[two_x])
    share_y[two_y] = _beyond(upper // (lattice.width + 2) - 1, y[:-1].ravel()[two_y], y[1:].ravel()[two_y])
    totals.add(left + lower, value, (1 - share_x) * (1 - share_y), count)
    totals.add(right + lower[two_x], value[two_x], share_x[two_x] * (1 - share_y[two_x]), count[two_x])
    totals.add(left[two_y] + upper, value[two_y], (1 - share_x[two_y]) * share_y[two_y], count[two_y])
    _, in_x, in_y = np.intersect1d(two_x, two_y, assume_unique=True, return_indices=True)
    four = two_x[in_x]
    totals.add(right[in_x] + upper[in_y], value[four], share_x[four] * share_y[four], count[four])


def _numbers(line: np.ndarray, count: int) -> np.ndarray:
    """Cells, out of `count`, that lines lie in: from 1, the rim being 0 and count + 1."""
    return np.clip(np.floor(line), -1, count).astype(np.intp) + 1


def _beyond(border: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Part of lengths on a line that lies beyond a border in them."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num((end - border) / (end - start))
