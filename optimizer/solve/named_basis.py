"""The basis of a relaxation by the names of its columns and rows, for a program that is nearly the same.

A basis is a place to begin, never a part of an answer: names that the other program does not have are dropped, columns
that it has besides rest at a bound, rows that it has besides are slack, and the solver repairs what is then no basis.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from optimizer.solve.compact import Compact
from optimizer.solve.highs import BASIC, RESTING, Basis
from optimizer.solve.program import RowKey

Name = tuple[str, Hashable]


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
    basis, columns, rows = compact.basis(), _columns(compact), _rows(compact)
    limits = {key: tuple(basis.rows[at] for at in places) for key, places in compact.keys.items()}
    return NamedBasis(dict(zip(columns, basis.columns, strict=True)), dict(zip(rows, basis.rows, strict=False)), limits)


def begin_from(compact: Compact, named: NamedBasis) -> None:
    """Start the next solve of a program from a named basis."""
    columns = tuple(named.columns.get(name, RESTING) for name in _columns(compact))
    rows = [named.rows.get(name, BASIC) for name in _rows(compact)]
    rows += [BASIC] * (compact.highs.size[0] - len(rows))
    for key, places in compact.keys.items():
        for place, status in zip(places, named.limits.get(key, ()), strict=False):
            rows[place] = status
    compact.highs.set_basis(Basis(columns, tuple(rows)), is_foreign=True)


def _columns(compact: Compact) -> list[Name]:
    variables = compact.program.highs.variables
    return _names([variables[int(c)] for c in compact.kept])


def _rows(compact: Compact) -> list[Name]:
    """Names of the rows of the program as composed that stand, in their order."""
    constraints = compact.program.highs.constraints
    found: list[Any] = [None] * compact.n_own
    for own in np.flatnonzero(compact.rows_of >= 0).tolist():
        found[compact.rows_of[own]] = constraints[own]
    return _names(found)


def _names(members: list[Any]) -> list[Name]:
    components: dict[int, str] = {}
    found = []
    for member in members:
        parent = member.parent_component()
        name = components.get(id(parent))
        if name is None:
            name = components[id(parent)] = parent.name
        found.append((name, member.index()))
    return found
