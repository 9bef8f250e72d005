"""Chosen cells of a lattice, as places that map layers are joined to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.layers.lattice import Lattice


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a lattice, each once.

    Parameters
    ----------
    lattice : Lattice
        The lattice.
    row, column : int array, shape (n,)
        Cells, counted from the lattice's south-west.
    index : Index, optional
        How results name them; numbers from 0 by default.
    """

    lattice: Lattice
    row: np.ndarray
    column: np.ndarray
    index: pd.Index | None = None

    @property
    def labels(self) -> pd.Index:
        """Names of the cells in results."""
        return pd.RangeIndex(len(self.row)) if self.index is None else self.index

    @property
    def boxes(self) -> np.ndarray:
        """Squares of the cells, in the lattice's projection [Geometry]."""
        return self.lattice.boxes(self.row, self.column)

    def positions(self) -> np.ndarray:
        """Position of each cell of the lattice among these, -1 for those that are not; shape (height, width)."""
        found = np.full((self.lattice.height, self.lattice.width), -1, dtype=np.int32)
        found[self.row, self.column] = np.arange(len(self.row), dtype=np.int32)
        return found
