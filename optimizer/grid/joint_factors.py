"""Flows after outages of several branches at once, of generators and of new loads.

With w the participation (p_max x availability) of the generators that stay, each as a share of their sum, losing y of a
`Driver` is an injection ``y v`` that sums to 0:

* branch k from i to j, both ends staying: ``v = e_i - e_j`` (what it carried must find another way);
* branch k of which only the end a stays: ``v = +-(e_a - w)``, + when a is its from-bus (its flow is the imbalance of
  the part that stays, shared by that part's generators);
* generator g at bus n: ``v = w - e_n``; load at bus n: ``v = e_n - w``.

With ``P = PTDF[:, from] - PTDF[:, to]`` of the branches R that are taken out (`Remains.removed`), flows after it are

    f + sum_j D_j y_j,   D_j = PTDF v_j + P_R (I - P_RR)^-1 (PTDF v_j)_R

For one branch that leaves the network connected D is its line outage distribution factor. Source of the joint factors:
J. Guo, Y. Fu, Z. Li, M. Shahidehpour, "Direct calculation of line outage distribution factors", IEEE Trans. Power
Systems 24(3), 2009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Driver, JointSet

#: Participation below this share of its island's is rounding: nothing is left to balance the rest [-].
NOTHING_LEFT = 1e-9


@dataclass(frozen=True)
class OperatingPoint:
    """How the system runs before any outage.

    Parameters
    ----------
    flow_mw : float array, shape (n_branch,)
        Flows [MW].
    output_mw : float array, shape (n_generator,)
        Outputs [MW].
    new_load_mw : mapping of (str, int) to float
        New load by name and bus position; those not named draw nothing [MW].
    """

    flow_mw: np.ndarray
    output_mw: np.ndarray
    new_load_mw: Mapping[tuple[str, int], float]

    def value(self, driver: Driver) -> float:
        """Return the quantity of a driver [MW]."""
        if driver.kind == "branch":
            return float(self.flow_mw[driver.position])
        if driver.kind == "generator":
            return float(self.output_mw[driver.position])
        return self.new_load_mw.get((driver.load, driver.position), 0.0)


class JointFactors:
    """Flows after outages of a `JointSet`.

    Parameters
    ----------
    network : DCNetwork
        The network before any outage.
    outages : JointSet
        The outages.
    generator_bus : int array, shape (n_generator,)
        Bus position of each generator.
    participation_mw : float array, shape (n_generator, n_snapshot)
        Share of each generator in balancing what an outage leaves over: p_max x availability [MW].

    Notes
    -----
    Nothing of the size of branches times outages is kept: factors are solved when they are asked for. Where no
    generator that takes part is left in an island that has something to balance, the whole island is lost.
    """

    def __init__(
        self, network: DCNetwork, outages: JointSet, generator_bus: np.ndarray, participation_mw: np.ndarray
    ) -> None:
        self.network = network
        self.outages = outages
        self._generator_bus = np.asarray(generator_bus, dtype=np.intp)
        self._participation = np.asarray(participation_mw, dtype=float).reshape(len(self._generator_bus), -1)
        self._by_bus = np.zeros((network.n_bus, self._participation.shape[1]))
        np.add.at(self._by_bus, self._generator_bus, self._participation)
        self._shift_flow = network.shift_flow_mw[:, None]

    def shares(self, number: int, snapshot_index: int) -> dict[int, np.ndarray | None]:
        """Return by island who balances an outage: a share for each bus, or none where nobody is left."""
        one = self.outages.outages[number]
        found: dict[int, np.ndarray | None] = {}
        for island in sorted({driver.island for driver in one.drivers} - {-1}):
            weight = np.where(self.network.island == island, self._by_bus[:, snapshot_index], 0.0)
            whole = float(weight.sum())
            for g in sorted(set(one.elements.generators)):
                if self.network.island[self._generator_bus[g]] == island:
                    weight[self._generator_bus[g]] -= self._participation[g, snapshot_index]
            weight[one.lost_buses] = 0.0
            total = float(weight.sum())
            found[island] = weight / total if total > NOTHING_LEFT * whole else None
        return found

    def dead(self, number: int, snapshot_index: int) -> np.ndarray:
        """Return the branches that are not there after an outage, ascending."""
        return self._dead(number, self.shares(number, snapshot_index))

    def _dead(self, number: int, shares: Mapping[int, np.ndarray | None]) -> np.ndarray:
        dead = self.outages.outages[number].dead
        for island, share in shares.items():
            if share is None:
                whole = np.flatnonzero(self.network.island[self.network.from_position] == island)
                dead = np.union1d(dead, whole)
        return dead

    def columns(self, number: int, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors of an outage.

        Parameters
        ----------
        number : int
            Outage number.
        snapshot_index : int
            Column of the participation.

        Returns
        -------
        factor : float array, shape (n_branch, n_driver)
            ``D``, one column for each of the outage's drivers [MW/MW]; 0 where the branch is not alive.
        alive : bool array, shape (n_branch,)
            False for branches out or lost.
        """
        drivers = self.outages.outages[number].drivers
        shares = self.shares(number, snapshot_index)
        injection = np.zeros((self.network.n_bus, len(drivers)))
        for i, driver in enumerate(drivers):
            self._inject(injection[:, i], (driver,), (1.0,), shares)
        alive = np.ones(self.network.n_branch, dtype=bool)
        alive[self._dead(number, shares)] = False
        factor = self._moved(injection, [number] * len(drivers))
        factor[~alive] = 0.0
        return factor, alive

    def after(self, numbers: Sequence[int], point: OperatingPoint, snapshot_index: int) -> np.ndarray:
        """Return flows after outages, all solved at once.

        Parameters
        ----------
        numbers : sequence of int
            Outage numbers.
        point : OperatingPoint
            How the system runs before.
        snapshot_index : int
            Column of the participation.

        Returns
        -------
        float array, shape (m, n_branch)
            Flows [MW]; nan for branches out or lost.
        """
        injection = np.zeros((self.network.n_bus, len(numbers)))
        dead = []
        for i, number in enumerate(numbers):
            drivers = self.outages.outages[number].drivers
            shares = self.shares(number, snapshot_index)
            self._inject(injection[:, i], drivers, [point.value(driver) for driver in drivers], shares)
            dead.append(self._dead(number, shares))
        flow = self._moved(injection, numbers).T + point.flow_mw
        for i, gone in enumerate(dead):
            flow[i, gone] = np.nan
        return flow

    def _inject(
        self,
        injection: np.ndarray,
        drivers: Sequence[Driver],
        values: Sequence[float],
        shares: Mapping[int, np.ndarray | None],
    ) -> None:
        """Add ``sum_j y_j v_j`` to an injection, in place; islands that nobody balances stay as they are."""
        rest = dict.fromkeys(shares, 0.0)
        for driver, value in zip(drivers, values, strict=True):
            if driver.island >= 0 and shares[driver.island] is None:
                continue
            for bus, mw in driver.injection:
                injection[bus] += mw * value
                if driver.island >= 0:
                    rest[driver.island] -= mw * value
        for island, share in shares.items():
            if share is not None:
                injection += rest[island] * share

    def _moved(self, injection: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
        """Change of flow of injections into what is left after outages, one a column [MW]."""
        moved = np.empty((self.network.n_branch, injection.shape[1]))
        block = self.network.solve_block
        for start in range(0, injection.shape[1], block):
            part = slice(start, start + block)
            moved[:, part] = self._moved_block(injection[:, part], numbers[part])
        return moved

    def _moved_block(self, injection: np.ndarray, numbers: Sequence[int]) -> np.ndarray:
        network = self.network
        flow = network.flows(injection) - self._shift_flow
        again = [i for i, number in enumerate(numbers) if len(self.outages.outages[number].removed)]
        if again:
            around = np.zeros((network.n_bus, len(again)))
            for column, i in enumerate(again):
                one = self.outages.outages[numbers[i]]
                mw = one.inverse @ flow[one.removed, i]
                np.add.at(around[:, column], network.from_position[one.removed], mw)
                np.subtract.at(around[:, column], network.to_position[one.removed], mw)
            flow[:, again] += network.flows(around) - self._shift_flow
        return np.asarray(flow)
