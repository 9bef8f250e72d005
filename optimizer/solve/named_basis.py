"""The basis of a relaxation by the names of its columns and rows, for a program that is nearly the same.

A basis is a place to begin, never a part of an answer: names that the other program does not have are dropped, columns
that it has besides rest at a bound, rows that it has besides are slack, and the solver repairs what is then no basis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer.solve.compact import Compact, Name
from optimizer.solve.highs import BASIC, RESTING, Basis
from optimizer.solve.program import RowKey


@dataclass(frozen=True, eq=False)
class NamedBasis:
    """Where columns, rows and limits of branches stand, as the solver names it.

    Parameters
    ----------
    columns, rows : mapping
        By component of the model and its index.
    limits : mapping
        The rows of a limit by its key.
    """

    columns: Mapping[Name, Any]
    rows: Mapping[Name, Any]
    limits: Mapping[RowKey, tuple[Any, ...]]


def named_basis(compact: Compact) -> NamedBasis:
    """The basis that a program was last solved with."""
    basis, columns, rows = compact.basis(), compact.column_names, compact.row_names
    limits = {key: tuple(basis.rows[at] for at in places) for key, places in compact.keys.items()}
    return NamedBasis(dict(zip(columns, basis.columns, strict=True)), dict(zip(rows, basis.rows, strict=False)), limits)


def begin_from(compact: Compact, named: NamedBasis) -> None:
    """Start the next solve of a program from a named basis."""
    columns = tuple(named.columns.get(name, RESTING) for name in compact.column_names)
    rows = [named.rows.get(name, BASIC) for name in compact.row_names]
    rows += [BASIC] * (compact.highs.size[0] - len(rows))
    for key, places in compact.keys.items():
        for place, status in zip(places, named.limits.get(key, ()), strict=False):
            rows[place] = status
    compact.highs.set_basis(Basis(columns, tuple(rows)), is_foreign=True)


def gone_share(compact: Compact, named: NamedBasis) -> float:
    """Share of the columns of a named basis that a program does not have [-]."""
    return len(named.columns.keys() - set(compact.column_names)) / max(len(named.columns), 1)
