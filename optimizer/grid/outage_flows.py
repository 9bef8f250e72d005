"""Flows after outages without their factors: for networks whose factors would not fit, or are used once.

The flows after the outage of branch k differ from those before it by the flows of some angles, so one sparse solve an
outage gives all of them, and nothing of the size of branches times outages is kept:

* where the network stays connected, the angles of a transfer along k, times ``f_k / (1 - P_kk)``;
* where it splits, those of what the main side is short of, injected at its end of k and drawn from its generators:
  ``+-f_k (W u_a - v) / (W - W_S)`` with ``u_a`` the angles of 1 MW injected at the main end a and ``v`` those of the
  whole participation.

Symbols are those of `optimizer.grid.contingency`.
"""

from __future__ import annotations

import numpy as np

from optimizer.grid.contingency import OutageFactors


class OutageFlows:
    """Flows after each outage for one dispatch.

    Parameters
    ----------
    factors : OutageFactors
        The outages, and who balances a split.
    flow_mw : float array, shape (n_branch,)
        Flows before any outage [MW].
    snapshot_index : int
        Column of the participation.
    """

    def __init__(self, factors: OutageFactors, flow_mw: np.ndarray, snapshot_index: int) -> None:
        self._factors = factors
        self._network = factors.network
        self._flow = np.asarray(flow_mw, dtype=float)
        self._snapshot = snapshot_index
        self._shared = factors.participation_angles(snapshot_index) if factors.outages.splits.any() else None

    def rows(self, outage_numbers: np.ndarray) -> np.ndarray:
        """Return flows after some outages, all solved at once.

        Parameters
        ----------
        outage_numbers : int array, shape (m,)
            Outage numbers.

        Returns
        -------
        float array, shape (m, n_branch)
            Flows [MW]; undefined for branches that are not there after the outage.
        """
        network, outages = self._network, self._factors.outages
        position = outages.positions[outage_numbers]
        split = outages.splits[outage_numbers]
        angles = np.zeros((network.n_bus, len(position)), order="F")
        if not split.all():
            angles[:, ~split] = self._connected(outage_numbers[~split], position[~split])
        if split.any():
            angles[:, split] = self._splitting(outage_numbers[split], position[split])
        after = network.flows_of_angles(angles).T
        after += self._flow
        return after

    def _connected(self, numbers: np.ndarray, position: np.ndarray) -> np.ndarray:
        network = self._network
        angles = network.transfer_angles(position)
        columns = np.arange(len(position))
        across = angles[network.from_position[position], columns] - angles[network.to_position[position], columns]
        own = 1.0 - network.susceptance_mw[position] * across
        self._factors.refuse_singular(numbers, own)
        angles *= self._flow[position] / own
        return angles

    def _splitting(self, numbers: np.ndarray, position: np.ndarray) -> np.ndarray:
        network = self._network
        assert self._shared is not None
        island_mw, scale = self._factors.split_scale(numbers, self._snapshot)
        angles = network.unit_angles(self._factors.outages.main_bus[numbers]) * island_mw
        angles -= self._shared[:, None]
        angles *= scale * self._flow[position]
        # The sum over all generators covers all islands at once; the outage reaches only its own.
        angles[network.island[:, None] != network.island[network.from_position[position]]] = 0.0
        return angles
