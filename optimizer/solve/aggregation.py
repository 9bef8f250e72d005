"""Columns that others determine: a program in fewer columns and rows, with the same plans.

Where a site has one tie and one way of cooling, its build, tie and cooling decisions are one number, and so are its
blocks, its IT load and the load at its bus. Rows ``a x + b y = 0`` are solved for one of the two, and rows that are
then the same as another are left out. (The solver's own presolve does this and more, but forbids a change of the
objective after it.)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.solve.highs import Matrix

TINY = 1e-9
"""Coefficients below this are rounding of sums that cancel; the solver would drop them too."""

SAME_DIGITS = 12
"""Rows that agree to this many digits, each divided by its first coefficient, are the same row."""


@dataclass(frozen=True)
class Aggregation:
    """Columns of a program as multiples of fewer columns.

    Parameters
    ----------
    spread : csr_matrix, shape (n_column, n_kept)
        At most one nonzero a row: a solution of the whole program is ``spread @ kept``.
    place : ndarray of int, shape (n_column,)
        The column that each is a multiple of; -1 where it is 0 in every plan.
    scale : ndarray, shape (n_column,)
        What it is multiplied with.
    kept : ndarray of int, shape (n_kept,)
        The columns that stay, each with factor 1.
    lower, upper : ndarray, shape (n_kept,)
        Their bounds: those of all columns that are multiples of them, intersected.
    """

    spread: sp.csr_matrix
    place: NDArray[np.intp]
    scale: NDArray[np.float64]
    kept: NDArray[np.intp]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def program(self, whole: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
        """The program in the fewer columns, with rows that say something new, and which rows those are."""
        alone = np.diff(whole.matrix.indptr) == 1
        matrix = (sp.diags(np.where(alone, 0.0, 1.0)) @ whole.matrix @ self.spread).tocsr()
        matrix.data[np.abs(matrix.data) < TINY] = 0.0
        matrix.eliminate_zeros()
        matrix.sort_indices()
        lower = np.where(alone, -np.inf, whole.row_lower)
        rows = _different(matrix, lower, np.where(alone, np.inf, whole.row_upper))
        program = Matrix(
            matrix=matrix[rows],
            cost=np.asarray(self.spread.T @ whole.cost),
            offset=whole.offset,
            column_lower=self.lower,
            column_upper=self.upper,
            row_lower=whole.row_lower[rows],
            row_upper=whole.row_upper[rows],
            integer=whole.integer[self.kept],
        )
        return program, rows


def aggregate(program: Matrix) -> Aggregation:
    """Find columns that are a multiple of another by rows ``a x + b y = 0``.

    A whole column is replaced by another whole one with factor 1 only, so that integrality carries over.

    Parameters
    ----------
    program : Matrix
        The program.
    """
    n = program.matrix.shape[1]
    parent, factor = np.arange(n), np.ones(n)

    def root(column: int) -> tuple[int, float]:
        scale = 1.0
        while parent[column] != column:
            scale *= float(factor[column])
            column = int(parent[column])
        return column, scale

    whole = program.integer
    for row in np.flatnonzero((program.row_lower == 0.0) & (program.row_upper == 0.0)).tolist():
        entries = slice(program.matrix.indptr[row], program.matrix.indptr[row + 1])
        if entries.stop - entries.start != 2:
            continue
        (i, of_i), (j, of_j) = (root(int(c)) for c in program.matrix.indices[entries])
        a, b = (float(v) * f for v, f in zip(program.matrix.data[entries], (of_i, of_j), strict=True))
        if i == j or a == 0.0 or b == 0.0:
            continue
        if not whole[i] or (whole[j] and a == -b):
            parent[i], factor[i] = j, -b / a
        elif not whole[j]:
            parent[j], factor[j] = i, -a / b
    roots = [root(c) for c in range(n)]
    of, scale = np.array([r for r, _ in roots]), np.array([f for _, f in roots])
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    ends = np.stack(_own_bounds(program)) / scale
    np.maximum.at(lower, of, ends.min(axis=0))
    np.minimum.at(upper, of, ends.max(axis=0))
    kept = np.flatnonzero((parent == np.arange(n)) & ((lower != 0.0) | (upper != 0.0)))
    place = np.full(n, -1)
    place[kept] = np.arange(len(kept))
    place = place[of]
    there = np.flatnonzero(place >= 0)
    spread = sp.csr_matrix((scale[there], (there, place[there])), shape=(n, len(kept)))
    return Aggregation(spread, place, scale, kept, lower[kept], upper[kept])


def _own_bounds(program: Matrix) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of columns, those that rows of a single column state included."""
    lower, upper = program.column_lower.copy(), program.column_upper.copy()
    starts = program.matrix.indptr
    rows = np.flatnonzero(np.diff(starts) == 1)
    columns, factors = program.matrix.indices[starts[rows]], program.matrix.data[starts[rows]]
    ends = np.stack([program.row_lower[rows], program.row_upper[rows]]) / factors
    np.maximum.at(lower, columns, ends.min(axis=0))
    np.minimum.at(upper, columns, ends.max(axis=0))
    return lower, upper


def _different(matrix: sp.csr_matrix, lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows that are neither the same as one before, up to a factor, nor empty; an empty row that 0 breaks stays."""
    counts = np.diff(matrix.indptr)
    filled = np.flatnonzero(counts)
    first = np.ones(matrix.shape[0])
    first[filled] = matrix.data[matrix.indptr[filled]]
    ends = np.sort(np.stack([lower, upper], axis=1) / first[:, None], axis=1).round(SAME_DIGITS) + 0.0
    scaled = (matrix.data / np.repeat(first, counts)).round(SAME_DIGITS) + 0.0
    seen: set[tuple[bytes, bytes, bytes]] = set()
    found = []
    for row, (start, stop) in enumerate(itertools.pairwise(matrix.indptr.tolist())):
        if start == stop:
            found += [row] if lower[row] > 0.0 or upper[row] < 0.0 else []
            continue
        key = (matrix.indices[start:stop].tobytes(), scaled[start:stop].tobytes(), ends[row].tobytes())
        if key not in seen:
            seen.add(key)
            found.append(row)
    return np.array(found, dtype=np.intp)
