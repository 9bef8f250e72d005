"""Lattice: the square cells that land is cut into, known by column and row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

from optimizer.layers.places import M_PER_KM


@dataclass(frozen=True)
class Lattice:
    """Square cells whose corners lie on multiples of their side from the projection's centre.

    Parameters
    ----------
    crs : CRS
        Equal-area projection in metres.
    side_m : float
        Side of a cell [m].
    west, south : int
        Column and row of the first cell: its south-west corner lies at ``(west x side_m, south x side_m)``.
    width, height : int
        Columns and rows [count].
    """

    crs: pyproj.CRS
    side_m: float
    west: int
    south: int
    width: int
    height: int

    @classmethod
    def over(cls, footprint: shapely.Geometry, cell_km: float, crs: pyproj.CRS) -> Lattice:
        """Cells that cover the bounds of a footprint given in `crs`."""
        side = cell_km * M_PER_KM
        west, south, east, north = footprint.bounds
        first_column, first_row = int(np.floor(west / side)), int(np.floor(south / side))
        width, height = int(np.ceil(east / side)) - first_column, int(np.ceil(north / side)) - first_row
        return cls(crs, side, first_column, first_row, max(width, 1), max(height, 1))

    @property
    def area_m2(self) -> float:
        """Area of a cell [m2]."""
        return self.side_m**2

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north limit [m]."""
        west, south = self.west * self.side_m, self.south * self.side_m
        return west, south, west + self.width * self.side_m, south + self.height * self.side_m

    def boxes(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Squares of cells by row and column, counted from the south-west [Geometry]."""
        x, y = (self.west + column) * self.side_m, (self.south + row) * self.side_m
        return np.asarray(shapely.box(x, y, x + self.side_m, y + self.side_m))

    def names(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Names of cells, such as ``"e012n-034"``: column and row from the projection's centre."""
        east, north = self._texts()
        return np.asarray(east[column] + north[row], dtype=object)

    def name_order(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Order of cells by their names, found from columns and rows without comparing all names."""
        ranks = [np.argsort(np.argsort(texts)) for texts in self._texts()]
        return np.lexsort((ranks[1][row], ranks[0][column]))

    def _texts(self) -> tuple[np.ndarray, np.ndarray]:
        """What names say of each column and each row: names sort by the first, then by the second."""
        east = [f"e{self.west + c:03d}n" for c in range(self.width)]
        north = [f"{self.south + r:03d}" for r in range(self.height)]
        return np.array(east, dtype=object), np.array(north, dtype=object)
