"""How the values that meet a place become one: totals by place, added up piece by piece.

Pieces are pairs of a place and a value with a weight, usually an area. Neither the order in which they come nor how
they are cut matters beyond rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

SLIVER = 1e-6
"""Part of a raster cell, or of a place, below which an overlap is rounding and not an overlap [-]."""

MOST_COUNTERS = 4_000_000
"""Most counters (places x different values) kept at once; beyond, pieces are sorted instead [count]."""

TIE = 1e-9
"""Overlaps that differ by less, relative to the larger, are equal: the smaller value is then taken [-]."""


class Totals:
    """Totals of values by place.

    Parameters
    ----------
    count : int
        Places.
    join : {"largest", "mean", "maximum", "minimum", "share"}
        Value of the largest total weight (of equals the smallest value); mean by weight; largest or smallest value; or
        the weight that counts over all weight.
    """

    def __init__(self, count: int, join: str) -> None:
        self._join, self._count = join, count
        self._sum, self._weight = np.zeros(count), np.zeros(count)
        self._extreme = np.full(count, -np.inf if join == "maximum" else np.inf)
        self._pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, place: np.ndarray, value: np.ndarray, weight: np.ndarray, counts: np.ndarray) -> None:
        """Add pieces.

        Parameters
        ----------
        place : int array, shape (m,)
            Position of each piece's place.
        value, weight : array, shape (m,)
            Value of each piece, and its weight.
        counts : bool array, shape (m,)
            Pieces that count. The others only have weight, and only for a share.
        """
        if self._join == "share":
            self._weight += np.bincount(place, weight, self._count)
            self._sum += np.bincount(place, weight * counts, self._count)
            return
        if not counts.all():
            place, value, weight = place[counts], value[counts], weight[counts]
        if self._join == "mean":
            self._weight += np.bincount(place, weight, self._count)
            self._sum += np.bincount(place, weight * value, self._count)
        elif self._join == "largest":
            self._pieces.append(_summed(place, value, weight, self._count))
        else:
            extreme = np.maximum if self._join == "maximum" else np.minimum
            solid = weight > SLIVER * weight.max(initial=0.0)
            extreme.at(self._extreme, place[solid], value[solid].astype(float))

    def result(self) -> np.ndarray:
        """Value of each place, nan where there is none; shape (count,)."""
        if self._join == "largest":
            pieces = [np.concatenate(parts) for parts in zip(*self._pieces, strict=True)] if self._pieces else []
            return largest(pieces[0], pieces[1], pieces[2], self._count) if pieces else np.full(self._count, np.nan)
        if self._join in ("maximum", "minimum"):
            return np.where(np.isfinite(self._extreme), self._extreme, np.nan)
        with np.errstate(invalid="ignore"):
            return np.where(self._weight > 0, self._sum / self._weight, np.nan)


def _summed(
    place: np.ndarray, value: np.ndarray, weight: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pieces of the same place and value put together."""
    code, values = pd.factorize(value)
    key = place * len(values) + code
    if count * len(values) <= MOST_COUNTERS:
        total = np.bincount(key, weight, count * len(values))
        key = np.flatnonzero(total)
        total = total[key]
    else:
        key, inverse = np.unique(key, return_inverse=True)
        total = np.bincount(inverse, weight, len(key))
    at, which = np.divmod(key, max(len(values), 1))
    return at, np.asarray(values)[which], total


def largest(place: np.ndarray, value: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """Value of the largest total weight at each place, of equals the smallest.

    Parameters
    ----------
    place : int array, shape (m,)
        Position of each piece's place.
    value : array, shape (m,)
        Numbers or text.
    weight : array, shape (m,)
        Weight of each piece.
    count : int
        Places.

    Returns
    -------
    array, shape (count,)
        nan where a place has no piece; of text, ``None``.
    """
    codes, values = pd.factorize(value, sort=True)
    at, code, total = _summed(place, codes, weight, count)
    most = np.zeros(count)
    np.maximum.at(most, at, total)
    first = np.full(count, len(values))
    best = total >= most[at] * (1 - TIE)
    np.minimum.at(first, at[best], code[best])
    missing: Any = np.nan if np.asarray(values).dtype.kind in "biuf" else None
    return np.append(np.asarray(values), missing)[first]
