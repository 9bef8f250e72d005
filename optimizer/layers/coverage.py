"""Area of polygons in each cell of a lattice, without cutting them: coverage by exactextract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from exactextract import exact_extract
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from exactextract.writer import Writer
from scipy.sparse import csr_array, vstack

LEAST_SHARE = 1e-6
"""Share of a cell below which a covered or an uncovered part is rounding [-]: exactextract adds shares in single
precision, each within 6e-8."""


class _Shape(Feature):
    """Collection of polygons as exactextract reads it, or the numbers that it writes about one."""

    def __init__(self, wkb: bytes = b"") -> None:
        super().__init__()
        self.wkb = wkb
        self.found: dict[str, np.ndarray] = {}

    def geometry(self) -> bytes:
        return self.wkb

    def set(self, name: str, value: np.ndarray) -> None:
        self.found[name] = value

    def fields(self) -> list[str]:
        return []

    def set_geometry(self, wkb: bytes) -> None:
        """Numbers are written without their shape."""

    def set_geometry_format(self) -> str:
        return "wkb"


class _Shapes(FeatureSource):
    """Collections of polygons, one after the other."""

    def __init__(self, shapes: Sequence[bytes]) -> None:
        super().__init__()
        self.shapes = shapes

    def count(self) -> int:
        return len(self.shapes)

    def __iter__(self) -> Iterator[_Shape]:
        return map(_Shape, self.shapes)

    def srs_wkt(self) -> None:
        return None


class _Found(Writer):
    """What exactextract finds, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.features_found: list[dict[str, np.ndarray]] = []

    def add_operation(self, operation: object) -> None:
        """Nothing to prepare."""

    def write(self, feature: Feature) -> None:
        copy = _Shape()
        feature.copy_to(copy)
        self.features_found.append(copy.found)

    def features(self) -> list[dict[str, np.ndarray]]:
        return self.features_found


@dataclass(frozen=True)
class Grid:
    """Square cells of one tile.

    Parameters
    ----------
    west_m, south_m : float
        South-west corner of the first cell [m].
    side_m : float
        Side of a cell [m].
    width, height : int
        Columns and rows [count].
    """

    west_m: float
    south_m: float
    side_m: float
    width: int
    height: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north limit [m]."""
        east, north = self.west_m + self.width * self.side_m, self.south_m + self.height * self.side_m
        return self.west_m, self.south_m, east, north

    @property
    def row(self) -> np.ndarray:
        """Row of each cell from the south, shape (height x width,)."""
        return np.repeat(np.arange(self.height), self.width)

    @property
    def column(self) -> np.ndarray:
        """Column of each cell from the west, shape (height x width,)."""
        return np.tile(np.arange(self.width), self.height)

    def boxes(self) -> np.ndarray:
        """Squares, shape (height x width,), rows from south to north [Geometry]."""
        west, south = self.west_m + self.column * self.side_m, self.south_m + self.row * self.side_m
        return np.asarray(shapely.box(west, south, west + self.side_m, south + self.side_m))


def covered_share(groups: Sequence[np.ndarray], grid: Grid) -> csr_array:
    """Share of each cell that each group of polygons covers.

    Parameters
    ----------
    groups : sequence of arrays of Polygon
        Polygons inside the limits of the grid; where those of a group overlap, each counts.
    grid : Grid
        Cells.

    Returns
    -------
    csr_array, shape (groups, height x width)
        Shares, rows from south to north [-], each polygon's within `LEAST_SHARE`.
    """
    west, south, east, north = grid.bounds
    cells = np.zeros((grid.height, grid.width), dtype="int8")
    raster = NumPyRasterSource(cells, xmin=west, ymin=south, xmax=east, ymax=north)
    every = np.concatenate([np.array([], dtype=object), *groups])
    owner = np.repeat(np.arange(len(groups)), [len(shapes) for shapes in groups])
    filled, number = np.unique(owner, return_inverse=True)
    together = shapely.to_wkb(shapely.multipolygons(every, indices=number))
    found = exact_extract(raster, _Shapes(together), ["cell_id", "coverage"], output=_Found()) if len(filled) else []
    count = np.zeros(len(groups) + 1, dtype="int64")
    count[filled + 1] = [len(one["cell_id"]) for one in found]
    # exactextract counts rows from the north.
    north_row, column = np.divmod(_chained(found, "cell_id").astype("int64"), grid.width)
    cell = (grid.height - 1 - north_row) * grid.width + column
    share = csr_array((_chained(found, "coverage"), cell, np.cumsum(count)), shape=(len(groups), cells.size))
    return _mended(share, groups, np.bincount(owner, shapely.area(every), minlength=len(groups)), grid)


def _chained(found: Sequence[dict[str, np.ndarray]], name: str) -> np.ndarray:
    return np.concatenate([np.array([]), *(one[name] for one in found)])


def _mended(share: csr_array, groups: Sequence[np.ndarray], area_m2: np.ndarray, grid: Grid) -> csr_array:
    """Shares, those of groups that exactextract got wrong measured anew.

    Where an edge runs through the very corner of a cell, it may give a whole cell to the wrong side: the sum of the
    shares tells.
    """
    missed = np.abs(share.sum(axis=1) - area_m2 / grid.side_m**2)
    wrong = missed > LEAST_SHARE * (np.diff(share.indptr) + 1)
    if not wrong.any():
        return share
    rows = [_cut_share(groups[n], grid) if wrong[n] else share[[n]] for n in range(len(groups))]
    return vstack(rows, format="csr")


def _cut_share(shapes: np.ndarray, grid: Grid) -> csr_array:
    """Share of each cell that polygons cover, by cutting them along the cells."""
    boxes = grid.boxes()
    shape_at, box_at = shapely.STRtree(boxes).query(shapes, predicate="intersects")
    area = shapely.area(shapely.intersection(shapes[shape_at], boxes[box_at]))
    return csr_array(np.bincount(box_at, area, minlength=len(boxes))[None] / grid.side_m**2)
