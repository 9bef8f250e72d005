"""Terrain tables: the factor on the cost of a line by land cover or by slope, as published."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class TerrainTable:
    """Factor by range of a value: codes of land cover, or slope in percent.

    Parameters
    ----------
    from_value, below_value : array, shape (n,)
        Each range starts at the first and ends before the second; ranges do not overlap.
    factor : array, shape (n,)
        Factor on the cost of a line there [-].
    """

    from_value: np.ndarray
    below_value: np.ndarray
    factor: np.ndarray

    def factors(self, values: np.ndarray) -> np.ndarray:
        """Factor of each value: 1 outside all ranges, nan where the value is.

        Parameters
        ----------
        values : array
            Codes of land cover, or slopes [%].
        """
        values = np.asarray(values, dtype=float)
        found = np.where(np.isnan(values), np.nan, 1.0)
        for low, high, factor in zip(self.from_value, self.below_value, self.factor, strict=True):
            found[(values >= low) & (values < high)] = factor
        return found
