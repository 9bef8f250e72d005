"""How a grid runs at one time, and what its parts are called in a converted network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.errors import Finding, Severity
from optimizer.grid.network import Grid

#: Prefixes of ids in the converted network, where one name must not stand for two elements. (The engine takes a colon
#: for the end of a name.)
LEVEL, BUS, BRANCH, UNIT = "level/", "bus/", "branch/", "generator/"
LOAD, LINK, NEW, SHUNT, STATION = "load/", "hvdc/", "new/", "shunt/", "station/"


@dataclass(frozen=True, eq=False)
class ACPoint:
    """How a grid runs at one time.

    Parameters
    ----------
    load_mw : Series, index ``bus``
        Existing load, neither shunts nor HVDC links in it [MW].
    output_mw : Series, index ``generator``
        Output [MW]; units that are not named give nothing.
    output_max_mw : Series, index ``generator``
        Largest output [MW]: units take up losses and imbalance in proportion to it, and never beyond it.
    new_load : DataFrame, index name of the load
        ``bus``, ``load_mw`` [MW] and ``load_mvar`` [Mvar].
    """

    load_mw: pd.Series
    output_mw: pd.Series
    output_max_mw: pd.Series
    new_load: pd.DataFrame

    @classmethod
    def of(cls, grid: Grid) -> ACPoint:
        """The point that a grid's own tables state: its load and ``p_mw`` of its generators."""
        units = grid.generators[grid.generators["in_service"]]
        nothing = pd.DataFrame({"bus": pd.Series(dtype=str), "load_mw": 0.0, "load_mvar": 0.0})
        return cls(grid.buses["load_mw"], units["p_mw"].fillna(0.0), units["p_max_mw"], nothing)


def named(prefix: str, ids: Iterable[object]) -> np.ndarray:
    """Return ids of the converted network: those of the grid after a prefix."""
    return np.array([f"{prefix}{one}" for one in ids], dtype=object)


def numbers(frame: pd.DataFrame, column: str, missing: float = 0.0) -> np.ndarray:
    """Return a column that may not be there, and of which cells may be empty.

    Parameters
    ----------
    frame : DataFrame
        A table.
    column : str
        Name of the column.
    missing : float
        What stands for a cell that is not there.
    """
    if column not in frame.columns:
        return np.full(len(frame), missing)
    return frame[column].fillna(missing).to_numpy(dtype=float, copy=True)


def counted(
    where: str, text: str, ids: pd.Index, rule: str = "grid.ac.left_out", severity: Severity = "info"
) -> list[Finding]:
    """Return a note of how many elements something is said of, and the first of them; none without any.

    Parameters
    ----------
    where, text, rule, severity
        Of the finding.
    ids : Index
        The elements.
    """
    if not len(ids):
        return []
    found = f"{len(ids)}, the first {', '.join(map(str, ids[:3]))}"
    return [Finding(rule, where, text, found, severity=severity)]
