"""Bounds proven outside the solver: any multipliers give one, whatever solver found them.

For a program ``min c x`` with ``r <= A x <= R`` and ``l <= x <= u``, every vector y of multipliers proves

    c x >= sum_i max(y_i, 0) r_i + min(y_i, 0) R_i + sum_j max(d_j, 0) l_j + min(d_j, 0) u_j,   d = c - A' y

(weak duality of linear programs). The solver's own multipliers make the two sides equal up to its tolerances; the right
side is the bound that a plan states.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

PASSES = 4
"""Times that bounds are carried from row to row: site, tie, cooling and load are that many rows apart."""

Floats = NDArray[np.float64]


def dual_bound(
    matrix: sp.csr_matrix,
    cost: Floats,
    rows: tuple[Floats, Floats],
    columns: tuple[Floats, Floats],
    multipliers: Floats,
) -> float:
    """Bound that multipliers prove for a linear program, in the unit of its objective, without its constant.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_row, n_column)
        Coefficients.
    cost : ndarray, shape (n_column,)
        Objective.
    rows, columns : tuple of ndarray
        Lower and upper bounds.
    multipliers : ndarray, shape (n_row,)
        One a row, positive where it presses against the lower bound. One against a side without bound counts as 0.
    """
    lower, upper = rows
    y = np.where(multipliers > 0, np.where(np.isfinite(lower), multipliers, 0.0), multipliers)
    y = np.where(y < 0, np.where(np.isfinite(upper), y, 0.0), y)
    at = np.where(y > 0, lower, np.where(y < 0, upper, 0.0))
    reduced = cost - matrix.T @ y
    low, high = columns
    resting = np.where(reduced > 0, low, np.where(reduced < 0, high, 0.0))
    return float(y @ at + reduced @ resting)


def implied_bounds(
    matrix: sp.csr_matrix, rows: tuple[Floats, Floats], columns: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """Bounds of columns that rows imply, where none is given.

    Parameters
    ----------
    matrix, rows, columns
        As `dual_bound` takes them.
    """
    low, high = columns[0].copy(), columns[1].copy()
    entries = matrix.tocoo()
    r, c, a = entries.row, entries.col, entries.data
    for _ in range(PASSES):
        open_ends = int(np.isinf(low).sum() + np.isinf(high).sum())
        # A row read as "at most", and read with its sign turned.
        for sign, limit in ((1.0, rows[1]), (-1.0, -rows[0])):
            s = sign * a
            least = np.where(s > 0, s * low[c], s * high[c])
            endless = np.isinf(least)
            count = np.bincount(r, endless, len(limit))
            total = np.bincount(r, np.where(endless, 0.0, least), len(limit))
            others = np.where(count[r] - endless > 0, -np.inf, total[r] - np.where(endless, 0.0, least))
            end = (limit[r] - others) / s
            usable = np.isfinite(end)
            up, down = usable & (s > 0) & np.isinf(high[c]), usable & (s < 0) & np.isinf(low[c])
            np.minimum.at(high, c[up], end[up])
            np.maximum.at(low, c[down], end[down])
        if open_ends == int(np.isinf(low).sum() + np.isinf(high).sum()):
            break
    return low, high
