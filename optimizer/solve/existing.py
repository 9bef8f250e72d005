"""Which figures of the existing system a re-solve may use again: those of which everything they rest on is unchanged.

The baseline and the overloads before any new load say nothing of sites or demand. Each is kept beside a digest of all
that its program reads; a study with the same digest has the same program, so the same figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from optimizer.solve.money import without_new_load
from optimizer.study.case import Case

COSTS = ("periods", "cost_segments", "cost_at_min_usd_per_h")
"""Parts of a case that only say what a dispatch costs, not whether there is one."""


def baseline_digest(case: Case) -> str:
    """Digest of all that the cost of the system without new load rests on, allowed overloads included."""
    bare = without_new_load(case)
    digest = _Digest()
    digest.add_tables(bare, (*_SYSTEM, *COSTS, "load_mw", "upgrades", "base_overloads"))
    digest.add(np.array([bare.network_cost_share]))
    digest.add_grid(bare)
    return digest.text


def overloads_digest(case: Case, priced: bool) -> str:
    """Digest of all that the overloads before any new load rest on.

    Parameters
    ----------
    case : Case
        Before overloads are allowed.
    priced : bool
        Count costs in as well: where some limit gives way, the cheapest of several dispatches is told; where none
        does, costs have no say.
    """
    digest = _Digest()
    digest.add_tables(case, (*_SYSTEM, *(COSTS if priced else ())))
    first = case.periods.index[0]
    for h in case.snapshots.index:
        digest.add(case.load_mw[(first, h)])
    digest.add_grid(case)
    return digest.text


_SYSTEM = ("snapshots", "branches", "generators", "output_min_mw", "output_max_mw")


class _Digest:
    """A digest of tables, arrays and texts, each with its labels."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    @property
    def text(self) -> str:
        return self._hash.hexdigest()

    def add(self, value: Any) -> None:
        """Add a table, a series, an array, or labels."""
        if isinstance(value, pd.DataFrame):
            self._labels(value.columns)
            self._labels(value.index)
            for position in range(value.shape[1]):
                self.add(value.iloc[:, position].to_numpy())
        elif isinstance(value, pd.Series):
            self._labels(value.index)
            self.add(value.to_numpy())
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            self._hash.update(f"{value.dtype.str}{value.shape}".encode())
            self._hash.update(np.ascontiguousarray(value).tobytes())
        else:
            self._labels(value)

    def _labels(self, labels: Iterable[Any]) -> None:
        self._hash.update("".join(f"{len(text)}:{text}" for text in map(repr, labels)).encode())
        self._hash.update(b";")

    def add_tables(self, case: Case, names: Iterable[str]) -> None:
        for name in names:
            self._labels([name])
            self.add(getattr(case, name))

    def add_grid(self, case: Case) -> None:
        """Add the network, and what is out in every outage that must be survived."""
        if case.network is not None:
            net = case.network
            for value in (net.bus_ids, net.branch_ids, net.from_position, net.to_position):
                self.add(value)
            for value in (net.susceptance_mw, net.shift_rad, net.island, net.reference):
                self.add(value)
        if case.rating_factors is not None:
            for after_outage in (False, True):
                self.add(case.rating_factors.table(after_outage))
        self._labels([case.outages is None])
        if case.outages is not None:
            single = case.outages
            for value in (single.names, single.positions, single.splits, single.main_bus):
                self.add(value)
            self._labels(tuple(lost.tolist()) for lost in single.lost_buses)
        # What an outage leaves follows from what is out, the network and the existing load.
        self._labels(one.elements for one in case.joint.outages)
        self._labels(tuple(one.lost_buses.tolist()) for one in case.joint.outages)
