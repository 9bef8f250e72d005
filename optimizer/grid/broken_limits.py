"""Limits that flows after outages break, found without computing every flow after every outage.

Most factors are near 0: the outage of a branch hardly moves the flow of one far away. So factors of at least a
threshold are kept, sparse, and give the flows after outages that they belong to exactly. A factor below it moves at
most its share of the largest flow that an outage takes away: it can matter only on branches that are nearer to their
limit than that. Of those, few, all factors are computed. So nothing that is broken is missed, and `screen` finds the
same.

Symbols are those of `optimizer.grid.contingency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

if TYPE_CHECKING:
    from optimizer.grid.contingency import OutageFactors

#: Factors below this are not kept [MW/MW]: with 2 GW on the branch that is out they move 20 MW (docs/benchmarks.md).
LEAST_FACTOR = 0.01

#: Outages whose factors are computed together, which bounds temporary memory.
BLOCK = 64

Pairs = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]


class BrokenLimits:
    """Broken limits after outages of single branches, for one snapshot's sharing of what splits leave over.

    Parameters
    ----------
    factors : OutageFactors
        The outages.
    snapshot_index : int
        Column of the participation.
    """

    def __init__(self, factors: OutageFactors, snapshot_index: int) -> None:
        self.factors, self.snapshot_index = factors, snapshot_index
        count, branches = len(factors.outages), factors.network.n_branch
        kept, own, dead = [], np.ones(count), []
        for start in range(0, count, BLOCK):
            numbers = np.arange(start, min(start + BLOCK, count))
            rows = factors.rows(numbers, snapshot_index)
            own[numbers] += rows[np.arange(len(numbers)), factors.outages.positions[numbers]]
            gone = factors.dead_entries(numbers, snapshot_index)
            rows[gone] = 0.0
            dead.append((gone[0] + start, gone[1]))
            rows[np.abs(rows) < LEAST_FACTOR] = 0.0
            kept.append(sp.csr_matrix(rows))
        self._kept = sp.vstack(kept, format="csr") if kept else sp.csr_matrix((0, branches))
        self._row = np.repeat(np.arange(count, dtype=np.int32), np.diff(self._kept.indptr))
        # 1 / (1 - P_kk) of connected outages, from D_kk = P_kk / (1 - P_kk).
        self._own = own
        there = [np.concatenate(part) for part in zip(*dead, strict=True)] if dead else [np.empty(0, np.intp)] * 2
        self._dead = sp.csc_matrix((np.ones(len(there[0]), dtype=bool), tuple(there)), shape=(count, branches))
        self._near: dict[int, NDArray[np.float64]] = {}

    def find(
        self,
        flow_mw: NDArray[np.float64],
        limit_mw: NDArray[np.float64],
        tolerance_mw: float,
        extra_limit: Mapping[tuple[int, int], float] | None = None,
    ) -> Pairs:
        """Broken limits.

        Parameters
        ----------
        flow_mw, limit_mw : float array, shape (n_branch,)
            Flows before any outage, and limits after one [MW]; an infinite limit is not checked.
        tolerance_mw : float
            How far above its limit a flow must be to break it [MW].
        extra_limit : mapping of (branch position, outage number) to float, optional
            MW added to the limit of a branch after one outage.

        Returns
        -------
        (outage number, branch position, flow [MW], excess [MW]) of arrays
            By outage, then branch.
        """
        driving = flow_mw[self.factors.outages.positions]
        near = LEAST_FACTOR * float(np.abs(driving).max(initial=0.0)) > limit_mw - np.abs(flow_mw) - 1e-9
        column = self._kept.indices
        after = self._kept.data * driving[self._row]
        after += flow_mw[column]
        excess = np.abs(after)
        excess -= limit_mw[column]
        at = np.flatnonzero(excess > tolerance_mw)
        at = at[~near[column[at]]]
        parts = [(self._row[at].astype(np.intp), column[at].astype(np.intp), after[at], excess[at])]
        parts += [
            self._of_branch(branch, flow_mw, driving, limit_mw, tolerance_mw)
            for branch in self._learned(np.flatnonzero(near)).tolist()
        ]
        outage, branch, after, excess = (np.concatenate(part) for part in zip(*parts, strict=True))
        if extra_limit:
            allowed = [extra_limit.get(key, 0.0) for key in zip(branch.tolist(), outage.tolist(), strict=True)]
            excess = excess - np.array(allowed, dtype=float)
            still = excess > tolerance_mw
            outage, branch, after, excess = outage[still], branch[still], after[still], excess[still]
        order = np.lexsort([branch, outage])
        return outage[order], branch[order], after[order], excess[order]

    def _of_branch(
        self,
        branch: int,
        flow_mw: NDArray[np.float64],
        driving: NDArray[np.float64],
        limit_mw: NDArray[np.float64],
        tolerance_mw: float,
    ) -> Pairs:
        """Broken limits of one branch, with every factor of it."""
        after = flow_mw[branch] + self._near[branch] * driving
        excess = np.abs(after) - limit_mw[branch]
        excess[self._dead.indices[self._dead.indptr[branch] : self._dead.indptr[branch + 1]]] = -np.inf
        outage = np.flatnonzero(excess > tolerance_mw)
        return outage, np.full(len(outage), branch), after[outage], excess[outage]

    def _learned(self, branches: NDArray[np.intp]) -> NDArray[np.intp]:
        """Branches, once all their factors are at hand."""
        new = np.array([branch for branch in branches.tolist() if branch not in self._near], dtype=np.intp)
        for start in range(0, len(new), BLOCK):
            chosen = new[start : start + BLOCK]
            shares = self.factors.network.ptdf_rows(chosen)
            self._near.update(zip(chosen.tolist(), map(self._every_factor, chosen.tolist(), shares), strict=True))
        return branches

    def _every_factor(self, branch: int, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Factors of all outages on a branch, given its PTDF row; undefined where it is not there [MW/MW]."""
        factors, network, outages = self.factors, self.factors.network, self.factors.outages
        positions, split = outages.positions, np.flatnonzero(outages.splits)
        found = (shares[network.from_position[positions]] - shares[network.to_position[positions]]) * self._own
        if len(split):
            island_mw, scale = factors.split_scale(split, self.snapshot_index)
            at_main = island_mw * shares[outages.main_bus[split]]
            same = factors.branch_island[positions[split]] == factors.branch_island[branch]
            found[split] = np.where(same, (at_main - factors.shared(self.snapshot_index)[branch]) * scale, 0.0)
        return np.asarray(found)
