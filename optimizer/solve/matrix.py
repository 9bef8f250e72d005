"""The program as a matrix: what the solver holds, split into what is decided once and what is operated.

Operation falls apart by period and snapshot: a column of dispatch or flow belongs to one of them. Rows that contain
such a column are operation rows; every other row belongs to the decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.solve.program import SecureProgram

Key = tuple[int, str]

_OPERATION = ("dispatch", "power_flow")
"""Parts whose variables describe operation; their last two indices are period and snapshot."""


@dataclass(frozen=True)
class Split:
    """A program's matrix and its split.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_row, n_column)
        Coefficients.
    cost : ndarray
        Objective coefficients [M$ per unit].
    offset : float
        Constant of the objective [M$].
    keys : tuple of (period, snapshot)
        Operating conditions, in order.
    operating : ndarray of int, shape (n_column,)
        Number of the operating condition of a column, -1 for decisions.
    """

    matrix: sp.csr_matrix
    cost: NDArray[np.float64]
    offset: float
    keys: tuple[Key, ...]
    operating: NDArray[np.intp]

    @cached_property
    def row_operating(self) -> NDArray[np.intp]:
        """Number of the operating condition of each row, -1 for rows of decisions only."""
        found = np.full(self.matrix.shape[0], -1, dtype=np.intp)
        entries = self.matrix.tocoo()
        inside = self.operating[entries.col] >= 0
        found[entries.row[inside]] = self.operating[entries.col[inside]]
        return found

    @cached_property
    def linking(self) -> NDArray[np.intp]:
        """Columns of decisions that appear in operation rows."""
        entries = self.matrix[self.row_operating >= 0].tocoo()
        columns = np.unique(entries.col)
        return columns[self.operating[columns] < 0]


def split(program: SecureProgram) -> Split:
    """Split a program as the solver holds it now."""
    lp = program.highs.matrix()
    keys = tuple((int(t), str(h)) for t in program.case.periods.index for h in program.case.snapshots.index)
    number = {key: i for i, key in enumerate(keys)}
    operating = np.full(len(program.highs.variables), -1, dtype=np.intp)
    for i, variable in enumerate(program.highs.variables):
        if variable.parent_block().local_name in _OPERATION:
            operating[i] = number[variable.index()[-2:]]
    return Split(lp.matrix, lp.cost, lp.offset, keys, operating)


def group_of_columns(program: SecureProgram) -> list[str]:
    """Site or upgrade that each column belongs to; empty text for columns that belong to none."""
    case, found = program.case, []
    for variable in program.highs.variables:
        part, index = variable.parent_block().local_name, variable.index()
        if part == "siting" and isinstance(index, tuple):
            found.append(f"site {index[0]}")
        elif part == "cooling":
            found.append(f"site {index[0]}")
        elif part == "interconnection" and variable.parent_component().local_name != "new_load_mw":
            found.append(f"site {case.ties.at[index[0], 'site']}")
        elif part == "upgrades":
            found.append(f"upgrade {index[0]}")
        else:
            found.append("")
    return found
