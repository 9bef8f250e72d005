"""What layers take of places: the areas that an overlay finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.sparse import csr_array

from optimizer.layers.lattice import Lattice
from optimizer.layers.polygons import united


@dataclass(frozen=True, eq=False, kw_only=True)
class Taking(ABC):
    """What layers take of places.

    Parameters
    ----------
    footprint : Geometry
        Region: only what lies inside counts.
    layers : tuple of (str, array of Polygon)
        Names and areas of the layers, in the footprint's projection.
    total_m2 : array, shape (n,)
        Area of each place inside the footprint [m2].
    refused_m2 : array, shape (n,)
        Of it, what at least one layer takes [m2].
    taken_m2 : csr_array, shape (n, layers)
        Of it, what each layer takes [m2].
    only_m2 : csr_array, shape (n, layers)
        Of it, what each layer takes and no other does [m2].
    """

    footprint: shapely.Geometry
    layers: tuple[tuple[str, np.ndarray], ...]
    total_m2: np.ndarray
    refused_m2: np.ndarray
    taken_m2: csr_array
    only_m2: csr_array

    @property
    def usable_m2(self) -> np.ndarray:
        """Area of each place inside the footprint that no layer takes [m2]."""
        return self.total_m2 - self.refused_m2

    @abstractmethod
    def outlines(self, at: np.ndarray) -> np.ndarray:
        """Places by position, as geometries."""

    def usable_shapes(self, at: np.ndarray) -> np.ndarray:
        """What is left of places, as geometries.

        Parameters
        ----------
        at : int array, shape (k,)
            Positions of places.

        Returns
        -------
        array of Geometry, shape (k,)
            Polygons or multipolygons, empty where nothing is left.
        """
        left = shapely.intersection(self.outlines(at), self.footprint)
        for _, shapes in self.layers:
            place, shape = shapely.STRtree(shapes).query(left, predicate="intersects")
            if len(place):
                hit, number = np.unique(place, return_inverse=True)
                near = shapely.intersection(shapes[shape], left[place])
                left[hit] = shapely.difference(left[hit], united(near, number))
        return left


@dataclass(frozen=True, eq=False, kw_only=True)
class Overlay(Taking):
    """What layers take of the cells of a lattice that meet a footprint, by row and then by column.

    Parameters
    ----------
    lattice : Lattice
        The cells.
    row, column : int arrays, shape (n,)
        Row from the south and column from the west of each cell.

    Notes
    -----
    Shares of cells are within `optimizer.layers.coverage.LEAST_SHARE` for each layer.
    """

    lattice: Lattice
    row: np.ndarray
    column: np.ndarray

    def outlines(self, at: np.ndarray) -> np.ndarray:
        """Cells by position, as squares."""
        return self.lattice.boxes(self.row[at], self.column[at])


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacesOverlay(Taking):
    """What layers take of polygons.

    Parameters
    ----------
    polygons : array of Geometry, shape (n,)
        Places, which may overlap.
    """

    polygons: np.ndarray

    def outlines(self, at: np.ndarray) -> np.ndarray:
        """Places by position."""
        return self.polygons[at]
