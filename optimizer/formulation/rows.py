"""Rows on demand: what a solution breaks, and the rows that forbid it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimizer.study.case import Case


@dataclass(frozen=True)
class Broken:
    """What parts need to look for broken limits.

    Parameters
    ----------
    flows : mapping of (period, snapshot) to ndarray, shape (n_branch,)
        Flows of the solution [MW].
    after_outages : mapping of (period, snapshot) to DataFrame
        Every limit that it breaks after an outage: ``outage, branch, flow_mw, excess_mw``, by number and position;
        empty where outages were not looked at.
    looked_at : ndarray of bool, shape (n_branch,)
        Branches on which rows are looked for.
    tolerance_mw : float
        An excess up to this is not a broken limit [MW].
    rows_per_branch, rows_per_snapshot : int
        Caps on the rows added at a time.
    """

    flows: Mapping[tuple[int, str], NDArray[np.float64]]
    after_outages: Mapping[tuple[int, str], pd.DataFrame]
    looked_at: NDArray[np.bool_]
    tolerance_mw: float
    rows_per_branch: int
    rows_per_snapshot: int

    def everywhere(self) -> Broken:
        """The same with every branch looked at."""
        return replace(self, looked_at=np.ones_like(self.looked_at))


@dataclass(frozen=True)
class NewRows:
    """Rows that a part added, and how far the solution was from satisfying them.

    Parameters
    ----------
    rows : tuple of constraint data
        New rows, variables they bring included.
    worst_mw : float
        Largest excess seen, also where its row already stands [MW].
    """

    rows: tuple[Any, ...]
    worst_mw: float


def worst_rows(excess: NDArray[np.float64], tolerance: float, most: int) -> NDArray[np.intp]:
    """Positions of the largest excesses above the tolerance, worst first, ties by position."""
    order = np.argsort(-excess, kind="stable")[:most]
    return order[excess[order] > tolerance]


def rating(
    case: Case, m: pyo.ConcreteModel, branch: str, t: int, h: str, after_outage: bool = False
) -> tuple[float, Any]:
    """Rating of an existing branch in a snapshot, and what upgrades add to it: ``F R`` and ``F upgrades`` [MW]."""
    column, ledger = "rating_mw", m.ledgers.rating_mw
    if after_outage:
        column, ledger = "rating_emergency_mw", m.ledgers.rating_emergency_mw
    factor, added = case.rating_factor_of(branch, h, after_outage), ledger[branch, t]
    return factor * float(case.branches.at[branch, column]), added if factor == 1.0 else factor * added


def _by_position(case: Case, mw: Mapping[str, Any]) -> NDArray[np.float64]:
    found = np.zeros(len(case.branches))
    found[case.branches.index.get_indexer(list(mw))] = [pyo.value(one) for one in mw.values()]
    return found


class FixedAllowances:
    """Allowances above a limit that were found before any new load (constants)."""

    def __init__(self, overloads: pd.DataFrame) -> None:
        self._mw: dict[tuple[str, str, str], float] = {
            (r.branch, r.contingency, r.snapshot): float(r.overload_mw) for r in overloads.itertuples()
        }

    def mw(self, branch: str, contingency: str, snapshot: str) -> Any:
        """Allowance of one limit [MW]."""
        return self._mw.get((branch, contingency, snapshot), 0.0)

    def base(self, case: Case, snapshot: str) -> NDArray[np.float64]:
        """Allowance of every branch with everything in service [MW]."""
        return _by_position(case, {k[0]: mw for k, mw in self._mw.items() if k[1] == "" and k[2] == snapshot})

    def after_outages(self, case: Case, snapshot: str) -> dict[tuple[int, int], float]:
        """Allowances after outages by (branch position, outage number) [MW]."""
        number = {name: i for i, name in enumerate(case.outage_names)}
        return {
            (int(case.branches.index.get_loc(branch)), number[outage]): pyo.value(mw)
            for (branch, outage, h), mw in self._mw.items()
            if h == snapshot and outage in number
        }


class ElasticAllowances(FixedAllowances):
    """Allowances that are variables, at a price: how far limits must give way at least."""

    def __init__(self, block: pyo.Block) -> None:
        super().__init__(pd.DataFrame(columns=["branch", "contingency", "snapshot", "overload_mw"]))
        block.overload_mw = pyo.Var(pyo.Any, dense=False, domain=pyo.NonNegativeReals, initialize=0.0)
        self._block = block
        self._open = True

    def close(self) -> None:
        """Give no further limit an allowance: what is built from now on must hold."""
        self._open = False

    def mw(self, branch: str, contingency: str, snapshot: str) -> Any:
        """Allowance of one limit, a variable from the first time its row is built [MW]."""
        key = (branch, contingency, snapshot)
        if self._open and key not in self._mw:
            self._mw[key] = self._block.overload_mw[key]
        return self._mw.get(key, 0.0)
