"""Least load that outages drop: what is armed costs nothing, so that a solution may arm more than its limits need.

Of all that a plan arms, no more is kept than its flows after outages ask for, with everything else as it is:

    min sum u  s.t.  every limit after every outage,  0 <= u <= what the solution arms

The result solves the same linear program at the same cost, so that the prices of its last solve hold for it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import linprog

from optimizer.solve.limit_rows import LimitRows
from optimizer.solve.program import RowKey, SecureProgram

ROUNDS = 50
"""Rounds of adding limits after which what the solution arms is kept (unverified: a choice)."""

Floats = NDArray[np.float64]


def keep_least_dropped(program: SecureProgram) -> None:
    """Lower what outages drop in the solution that a program's model holds to what is needed; prices are left alone.

    Parameters
    ----------
    program : SecureProgram
        Settled: its model holds a plan that breaks no limit.
    """
    block = program.model.component("service")
    if block is None or not len(block.dropped_mw) or program.model.component("security") is None:
        return
    limits = LimitRows(program)
    columns = np.concatenate(list(limits.dropped.columns.values()))
    values = np.array([variable.value or 0.0 for variable in program.highs.variables], dtype=float)
    armed = np.maximum(values[columns], 0.0)
    found = _least(limits, columns, values, armed) if armed.any() else None
    if found is None:
        return
    for column, mw in zip(columns.tolist(), found.tolist(), strict=True):
        program.highs.variables[column].set_value(mw, skip_validation=True)


def _least(limits: LimitRows, columns: NDArray[np.intp], values: Floats, armed: Floats) -> Floats | None:
    """Least that is dropped, by column; ``None`` where it is not found."""
    place = {int(c): i for i, c in enumerate(columns)}
    rows: dict[RowKey, tuple[sp.csr_matrix, float]] = {}
    least = np.zeros(len(columns))
    for _ in range(ROUNDS):
        values = values.copy()
        values[columns] = least
        broken = [one.key for one in limits.broken(values, fully=True) if one.key[1] and one.key not in rows]
        if not broken:
            return least
        for key in broken:
            for row in limits.rows(key):
                own = [i for i, c in enumerate(row.columns.tolist()) if c in place]
                at = [place[int(c)] for c in row.columns[own]]
                shape = (1, len(columns))
                coefficients = sp.csr_matrix((row.coefficients[own], ([0] * len(at), at)), shape=shape)
                others = float(row.coefficients @ values[row.columns]) - float((coefficients @ least)[0])
                # What the solution arms satisfies every limit, but for rounding.
                rows[key] = coefficients, max(row.upper - others, float((coefficients @ armed)[0]))
        matrix = sp.vstack([one for one, _ in rows.values()], format="csr")
        upper = [most for _, most in rows.values()]
        outcome = linprog(np.ones(len(columns)), A_ub=matrix, b_ub=upper, bounds=np.column_stack([0.0 * armed, armed]))
        if outcome.status != 0:
            return None
        least = np.clip(outcome.x, 0.0, armed)
    return None
