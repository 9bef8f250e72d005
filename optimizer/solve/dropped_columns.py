"""Columns of non-firm load that outages drop: what they do to flows and to what outages take away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from optimizer.grid.joint import Driver
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.solve.program import SecureProgram

Sparse = tuple[NDArray[np.intp], NDArray[np.float64], float]
"""Columns, their coefficients and the constant of a linear expression [MW]."""

NOTHING: Sparse = (np.empty(0, np.intp), np.empty(0), 0.0)
"""An expression without terms."""


class DroppedColumns:
    """What is dropped at each tie, as columns of a program; there are none where outages drop nothing.

    Parameters
    ----------
    program : SecureProgram
        Only its columns are used.
    """

    def __init__(self, program: SecureProgram) -> None:
        self.case, dropped = program.case, program.model.ledgers.dropped_mw
        self.columns: dict[tuple[int, str], NDArray[np.intp]] = {}
        self._factors: dict[tuple[int, str], NDArray[np.float64]] = {}
        if not dropped.keys():
            return
        ties, place = self.case.ties, self.case.grid_network.bus_ids
        self._snapshot = {str(h): i for i, h in enumerate(self.case.snapshots.index)}
        self._buses = np.array([place.get_loc(n) for n in ties["bus"]], dtype=np.intp)
        self._names = [(str(s), int(n)) for s, n in zip(ties["site"], self._buses.tolist(), strict=True)]
        block = program.model.service
        for t in self.case.periods.index:
            for h in self._snapshot:
                own = [program.highs.column(block.dropped_mw[o, t, h]) for o in ties.index]
                self.columns[t, h] = np.array(own, dtype=np.intp)

    def in_flow(self, branch: int, t: int, h: str) -> Sparse:
        """What the flow of a branch has more once load is dropped."""
        if not self.columns:
            return NOTHING
        if (branch, h) not in self._factors:
            found = self.case.dropping.flow_factors(branch, self._buses, self._snapshot[h])
            self._factors[branch, h] = found
        return self.columns[t, h], self._factors[branch, h], 0.0

    def in_lost(self, driver: Driver, t: int, h: str) -> Sparse:
        """What a generator or campus gives or draws more once load is dropped."""
        if not self.columns:
            return NOTHING
        if driver.kind == "generator":
            given_up = self.case.dropping.output_factors(driver.position, self._buses, self._snapshot[h])
            return self.columns[t, h], given_up, 0.0
        own = [i for i, key in enumerate(self._names) if key == (driver.load, driver.position)]
        return self.columns[t, h][own], np.full(len(own), -1.0), 0.0

    def after(self, point: OperatingPoint, values: NDArray[np.float64], t: int, h: str) -> OperatingPoint:
        """How the system runs in a solution once load is dropped."""
        if not self.columns:
            return point
        dropped = dict.fromkeys(self._names, 0.0)
        for key, mw in zip(self._names, values[self.columns[t, h]].tolist(), strict=True):
            dropped[key] += mw
        return self.case.dropping.after(point, dropped, self._snapshot[h])
