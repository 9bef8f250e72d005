"""New load that is dropped at once after an outage, and who gives that much less.

What is dropped of an island is given up by its generators in proportion to their participation w (p_max x
availability), as they share what an outage leaves over (`optimizer.grid.contingency`). It is dropped after every outage
alike, so that the system after all of them starts from one other operating point. With d[n] dropped at bus n, of an
island with participation W:

    flow    g_l = f_l + sum_n (PTDF[l,n] - sum_i PTDF[l,i] w_i / W) d[n]
    output  p_i - w_i / W sum_n d[n]
    load    less by what is dropped of it

Flows after an outage of branch k are then ``g_l + D_lk g_k``. Generators lost with the outage, or with a part that it
cuts off, gave up their share before and hand it on with the rest of their output: the others share all of it in
proportion to w, in whatever order the two happen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint_factors import OperatingPoint


class DroppedLoad:
    """How the system runs once load is dropped.

    Parameters
    ----------
    network : DCNetwork
        The network before any outage.
    generator_bus : int array, shape (n_generator,)
        Bus position of each generator.
    participation_mw : float array, shape (n_generator, n_snapshot)
        Share of each generator in balancing what is dropped: p_max x availability [MW].

    Notes
    -----
    In an island without participation nothing is dropped: nobody could give less.
    """

    def __init__(self, network: DCNetwork, generator_bus: NDArray[np.intp], participation_mw: NDArray[np.float64]):
        self.network = network
        self._generator_island = network.island[generator_bus]
        by_island = np.zeros((len(network.reference), participation_mw.shape[1]))
        np.add.at(by_island, self._generator_island, participation_mw)
        self._is_balanced = by_island > 0
        whole = np.where(self._is_balanced, by_island, 1.0)[self._generator_island]
        self._share = participation_mw / whole
        self._share_by_bus = np.zeros((network.n_bus, participation_mw.shape[1]))
        np.add.at(self._share_by_bus, generator_bus, self._share)
        self._generator_bus = generator_bus
        self._shift_flow = network.shift_flow_mw

    def flow_factors(self, branch: int, buses: NDArray[np.intp], snapshot_index: int) -> NDArray[np.float64]:
        """Return how the flow of a branch changes with what is dropped at some buses, shape (m,) [MW/MW]."""
        row = self.network.ptdf_rows(np.array([branch]))[0]
        island = int(self.network.island[self.network.from_position[branch]])
        acts = (self.network.island[buses] == island) & self._is_balanced[island, snapshot_index]
        found: NDArray[np.float64] = np.where(acts, row[buses] - row @ self._share_by_bus[:, snapshot_index], 0.0)
        return found

    def output_factors(self, generator: int, buses: NDArray[np.intp], snapshot_index: int) -> NDArray[np.float64]:
        """Return how the output of a generator changes with what is dropped at some buses, shape (m,) [MW/MW]."""
        same = self.network.island[buses] == self._generator_island[generator]
        return np.where(same, -self._share[generator, snapshot_index], 0.0)

    def after(
        self, point: OperatingPoint, dropped_mw: Mapping[tuple[str, int], float], snapshot_index: int
    ) -> OperatingPoint:
        """Return how the system runs once load is dropped, with everything in service.

        Parameters
        ----------
        point : OperatingPoint
            How it runs before.
        dropped_mw : mapping of (str, int) to float
            What is dropped of new loads, by name and bus position [MW].
        snapshot_index : int
            Column of the participation.
        """
        injection, left = np.zeros(self.network.n_bus), dict(point.new_load_mw)
        by_island = np.zeros(len(self.network.reference))
        for key, mw in dropped_mw.items():
            island = int(self.network.island[key[1]])
            if mw and self._is_balanced[island, snapshot_index]:
                injection[key[1]] += mw
                by_island[island] += mw
                left[key] = left.get(key, 0.0) - mw
        if not injection.any():
            return point
        given_up = self._share[:, snapshot_index] * by_island[self._generator_island]
        np.subtract.at(injection, self._generator_bus, given_up)
        flow = point.flow_mw + self.network.flows(injection) - self._shift_flow
        return OperatingPoint(flow, point.output_mw - given_up, left)
