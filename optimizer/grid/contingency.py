"""Contingencies: which single outages there are, which of them split the network, and flows after each.

After the outage of branch k the flow of a branch l that is still there is ``f_l + D_lk f_k``, with ``f`` the flows
before it.

* An outage that leaves the island connected: ``D_lk = LODF_lk = P_lk / (1 - P_kk)``, where
  ``P_lk = PTDF[l, from_k] - PTDF[l, to_k]``.
* An outage of a bridge splits the island. The side with less load is lost with everything in it; its imbalance ``f_k``
  is shared by the generators of the main side in proportion to their participation w (p_max x availability). With a
  the main side's end of k, ``W`` the participation of the island and ``W_S`` that of the lost side,
  ``D_lk = +-(W PTDF[l, a] - sum_n w_n PTDF[l, n]) / (W - W_S)``, + when a is the from-bus of k. (For a lost bus
  n and a branch l of the main side ``PTDF[l, n] = PTDF[l, a]``: one sum over the island serves for all its bridges.)

Source of the LODF: A. Wood, B. Wollenberg, G. Sheble, Power Generation, Operation and Control, 3rd ed., Wiley 2013,
chapter 7. The splitting rule is derived in the tests from the network solved again without the lost side.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from optimizer.errors import Finding, InputError
from optimizer.grid.broken_limits import BrokenLimits
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import bridge_mask

#: Memory that the factors of all outages may take [bytes]; above it they are computed again for each use.
CACHE_BYTES = 1_000_000_000

#: Outages whose factors are computed together, which bounds temporary memory.
FACTOR_BLOCK = 64

#: A connected outage whose 1 - P_kk is below this leaves a network without a unique DC solution [MW/MW].
SINGULAR = 1e-9


@dataclass(frozen=True, eq=False)
class OutageSet:
    """Outages of one branch each.

    Parameters
    ----------
    names : tuple of str
        Name of each outage: the branch id.
    positions : int array, shape (n_outage,)
        Branch position in the network.
    splits : bool array, shape (n_outage,)
        Whether the outage splits its island.
    lost_buses : tuple of int array
        Bus positions of the lost side, ascending; empty where the outage does not split.
    main_bus : int array, shape (n_outage,)
        The end of the branch that stays, where the outage splits; -1 elsewhere.
    """

    names: tuple[str, ...]
    positions: np.ndarray
    splits: np.ndarray
    lost_buses: tuple[np.ndarray, ...]
    main_bus: np.ndarray
    _known: list[OutageFactors] = field(init=False, repr=False, default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def branches(
        cls,
        network: DCNetwork,
        load_mw_by_bus: np.ndarray,
        skip_splitting: bool = False,
        never_out: np.ndarray | None = None,
    ) -> OutageSet:
        """Return the outages of every branch.

        Parameters
        ----------
        network : DCNetwork
            The network.
        load_mw_by_bus : float array, shape (n_bus,)
            Load that decides which side of a split stays [MW]: the side with less is lost; of equal ones that with
            fewer buses, then that without the reference.
        skip_splitting : bool
            Leave splitting outages out of the set.
        never_out : bool array, shape (n_branch,), optional
            Branches that cannot be out, such as equivalents of a part that was cut off.
        """
        load = np.asarray(load_mw_by_bus, dtype=float)
        bridge = bridge_mask(network.from_position, network.to_position)
        lost, main = _lost_sides(network, load, bridge)
        possible = np.ones(network.n_branch, dtype=bool) if never_out is None else ~never_out
        chosen = np.flatnonzero(possible & ~bridge if skip_splitting else possible)
        nothing = np.empty(0, dtype=np.intp)
        return cls(
            names=tuple(str(network.branch_ids[k]) for k in chosen),
            positions=chosen,
            splits=bridge[chosen],
            lost_buses=tuple(lost.get(int(k), nothing) for k in chosen),
            main_bus=np.array([main.get(int(k), -1) for k in chosen], dtype=np.intp),
        )

    def factors(self, network: DCNetwork, participation_mw: np.ndarray) -> OutageFactors:
        """Return how flow moves after these outages, worked out once for the studies that ask the same one by one.

        Parameters
        ----------
        network : DCNetwork
            Their network.
        participation_mw : float array, shape (n_bus, n_snapshot)
            As `OutageFactors` takes it.
        """
        if not any(one.suits(network, participation_mw) for one in self._known):
            self._known[:] = [OutageFactors(network, self, participation_mw)]
        return self._known[0]

    @property
    def disconnected_buses(self) -> np.ndarray:
        """Bus positions that some outage of the set cuts off, ascending: no load there is firm."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.intp), *self.lost_buses]))


def _lost_sides(
    network: DCNetwork, load: np.ndarray, bridge: np.ndarray
) -> tuple[dict[int, np.ndarray], dict[int, int]]:
    """For every bridge the buses of its lost side, and its end that stays.

    Every bridge is in every spanning tree, so one side of it is the subtree below it, which is one run of a depth-first
    order: no search a bridge.
    """
    order, parent, start, size = _tree(network)
    before = np.concatenate([[0.0], np.cumsum(load[order])])
    total = np.bincount(network.island, weights=load, minlength=len(network.reference))
    buses_of = np.bincount(network.island, minlength=len(network.reference))
    lost: dict[int, np.ndarray] = {}
    main: dict[int, int] = {}
    for k in np.flatnonzero(bridge).tolist():
        i, j = int(network.from_position[k]), int(network.to_position[k])
        upper, lower = (i, j) if parent[j] == i else (j, i)
        run = slice(int(start[lower]), int(start[lower] + size[lower]))
        number = int(network.island[lower])
        below_mw = float(before[run.stop] - before[run.start])
        above_mw = float(total[number] - below_mw)
        # Sums in another order differ in the last digits: equal loads must stay equal.
        same = abs(below_mw - above_mw) <= 1e-9 * max(1.0, abs(total[number]))
        fewer = 2 * int(size[lower]) <= int(buses_of[number])  # equal: the lower side never holds the reference
        if fewer if same else below_mw < above_mw:
            lost[k], main[k] = np.sort(order[run]), upper
        else:
            island = np.flatnonzero(network.island == number)
            lost[k], main[k] = np.setdiff1d(island, order[run]), lower
    return lost, main


def _tree(network: DCNetwork) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A spanning tree of every island from its reference.

    Returns the buses in depth-first order, and of each bus its parent (negative: none), its place in that order and
    the number of buses in its subtree.
    """
    n = network.n_bus
    ends = (network.from_position, network.to_position)
    adjacency = coo_array((np.ones(network.n_branch), ends), shape=(n, n)).tocsr()
    parent = np.full(n, -1, dtype=np.intp)
    reached = []
    for root in network.reference:
        found, before = breadth_first_order(adjacency, int(root), directed=False, return_predecessors=True)
        parent[found[1:]] = before[found[1:]]
        reached.append(found)
    breadth = np.concatenate(reached) if reached else np.empty(0, dtype=np.intp)
    size = np.ones(n, dtype=np.intp)
    for bus in breadth[::-1].tolist():
        if parent[bus] >= 0:
            size[parent[bus]] += size[bus]
    start = np.zeros(n, dtype=np.intp)
    free = np.zeros(n, dtype=np.intp)  # next place inside the subtree of each bus
    used = 0
    for bus in breadth.tolist():
        above = int(parent[bus])
        if above < 0:
            start[bus], used = used, used + int(size[bus])
        else:
            start[bus] = free[above]
            free[above] += size[bus]
        free[bus] = start[bus] + 1
    order = np.empty(n, dtype=np.intp)
    order[start] = np.arange(n)
    return order, parent, start, size


class OutageFactors:
    """Flows after outages, from flows before them: ``f_l + D_lk f_k``.

    Parameters
    ----------
    network : DCNetwork
        The network before any outage.
    outages : OutageSet
        The outages.
    participation_mw : float array, shape (n_bus, n_snapshot)
        Share of each bus in balancing what a split leaves over: p_max x availability of its generators [MW].
    cache_bytes : int
        Memory that may be used to keep the factors of all outages [bytes]; `CACHE_BYTES` by default. Above it they are
        computed in blocks for each use, from the kept factorization.

    Raises
    ------
    InputError
        An outage that leaves the network connected leaves no unique DC solution (from the methods, when the factors
        are first computed).

    Notes
    -----
    Where a split leaves a main side without any participation, nothing can balance it: the whole island is lost
    (`unbalanced` lists such outages).
    """

    def __init__(
        self,
        network: DCNetwork,
        outages: OutageSet,
        participation_mw: np.ndarray,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.network = network
        self.outages = outages
        self._participation = np.asarray(participation_mw, dtype=float).reshape(network.n_bus, -1)
        self._shared = network.flows(self._participation) - network.shift_flow_mw[:, None]
        self._island_mw, self._lost_mw = _participation_sums(network, outages, self._participation)
        self.branch_island = network.island[network.from_position]
        self._dead = _dead_branches(network, outages)
        self._fits = network.n_branch * len(outages) * 8 <= cache_bytes
        self._kept: np.ndarray | None = None
        self._broken: dict[int, BrokenLimits] = {}

    def suits(self, network: DCNetwork, participation_mw: np.ndarray) -> bool:
        """Whether these are the factors of a network, shared as asked."""
        return network is self.network and np.array_equal(participation_mw, self._participation)

    def broken_limits(self, snapshot_index: int) -> BrokenLimits:
        """Return what finds broken limits in a snapshot, made when it is first asked for."""
        if snapshot_index not in self._broken:
            self._broken[snapshot_index] = BrokenLimits(self, snapshot_index)
        return self._broken[snapshot_index]

    @property
    def keeps_all(self) -> bool:
        """Whether the factors of all outages are kept once computed."""
        return self._fits

    @property
    def n_snapshot(self) -> int:
        """Number of snapshots that participation was given for."""
        return self._participation.shape[1]

    def shared(self, snapshot_index: int) -> np.ndarray:
        """Return the flows when every bus injects its participation, shape (n_branch,) [MW]."""
        flows: np.ndarray = self._shared[:, snapshot_index]
        return flows

    def unbalanced(self, snapshot_index: int) -> np.ndarray:
        """Return the numbers of the outages that leave no participating generation in the main side."""
        left = self._island_mw[:, snapshot_index] - self._lost_mw[:, snapshot_index]
        return np.flatnonzero(self.outages.splits & (left <= 0))

    def block(self, outage_slice: slice, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors of a run of outages.

        Parameters
        ----------
        outage_slice : slice
            Outage numbers.
        snapshot_index : int
            Column of the participation.

        Returns
        -------
        factor : float array, shape (n_branch, m)
            ``D`` [MW/MW]; 0 where the branch is not alive.
        alive : bool array, shape (n_branch, m)
            False for the branch that is out and for everything in the lost side.
        """
        return self.columns(np.arange(len(self.outages))[outage_slice], snapshot_index)

    def columns(self, outage_numbers: np.ndarray, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors of chosen outages, as `block` does."""
        numbers = np.asarray(outage_numbers, dtype=np.intp)
        factor = self.rows(numbers, snapshot_index)
        alive = np.ones(factor.shape, dtype=bool)
        alive[self.dead_entries(numbers, snapshot_index)] = False
        factor[~alive] = 0.0
        return factor.T, alive.T

    def dead_entries(self, outage_numbers: np.ndarray, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (row in `outage_numbers`, branch position) of every branch that is not there after the outage."""
        dead = [self._dead[k] for k in outage_numbers.tolist()]
        for k in np.intersect1d(outage_numbers, self.unbalanced(snapshot_index)).tolist():
            whole = np.flatnonzero(self.branch_island == self.branch_island[self.outages.positions[k]])
            for row in np.flatnonzero(outage_numbers == k):
                dead[row] = whole
        counts = [len(d) for d in dead]
        return np.repeat(np.arange(len(dead)), counts), np.concatenate([np.empty(0, dtype=np.intp), *dead])

    def alive(self, number: int, snapshot_index: int) -> np.ndarray:
        """Return which branches are there after one outage, shape (n_branch,)."""
        there = np.ones(self.network.n_branch, dtype=bool)
        there[self.dead_entries(np.array([number], dtype=np.intp), snapshot_index)[1]] = False
        return there

    def rows(self, numbers: np.ndarray, snapshot_index: int) -> np.ndarray:
        """Return D transposed of chosen outages, one a row, in new memory; entries not alive are undefined."""
        if self._fits and self._kept is None:
            self._kept = self._snapshot_free(np.arange(len(self.outages)))
        rows = self._kept[numbers] if self._kept is not None else self._snapshot_free(numbers)
        split = np.flatnonzero(self.outages.splits[numbers])
        if len(split):
            k = numbers[split]
            island_mw, scale = self.split_scale(k, snapshot_index)
            changed = rows[split] * island_mw[:, None] - self.shared(snapshot_index)
            changed *= scale[:, None]
            # The sum over n covers all islands at once; the outage reaches only its own.
            changed[self.branch_island != self.branch_island[self.outages.positions[k], None]] = 0.0
            rows[split] = changed
        return rows

    def split_scale(self, outage_numbers: np.ndarray, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return of splitting outages the island's participation ``W`` [MW] and ``+-1 / (W - W_S)`` [1/MW].

        Positive where the main side is at the from-bus; 0 where nothing is left to balance it.
        """
        island_mw = self._island_mw[outage_numbers, snapshot_index]
        left = island_mw - self._lost_mw[outage_numbers, snapshot_index]
        at_from = (
            self.network.from_position[self.outages.positions[outage_numbers]] == self.outages.main_bus[outage_numbers]
        )
        with np.errstate(divide="ignore"):
            return island_mw, np.where(left > 0, np.where(at_from, 1.0, -1.0) / left, 0.0)

    def participation_angles(self, snapshot_index: int) -> np.ndarray:
        """Return the angles when every bus injects its participation, shape (n_bus,) [rad]."""
        network = self.network
        return network.angles(self._participation[:, snapshot_index]) - network.angles(np.zeros(network.n_bus))

    def _snapshot_free(self, numbers: np.ndarray) -> np.ndarray:
        """What does not depend on the snapshot: LODF of connected outages; PTDF of the main bus of splitting ones."""
        network, outages = self.network, self.outages
        rows = np.empty((len(numbers), network.n_branch))
        split = outages.splits[numbers]
        if split.any():
            rows[split] = network.ptdf_columns(outages.main_bus[numbers[split]]).T
        connected = np.flatnonzero(~split)
        for start in range(0, len(connected), FACTOR_BLOCK):
            chosen = connected[start : start + FACTOR_BLOCK]
            positions = outages.positions[numbers[chosen]]
            transfer = network.transfer_columns(positions).T
            own = 1.0 - transfer[np.arange(len(positions)), positions]
            self.refuse_singular(numbers[chosen], own)
            rows[chosen] = transfer / own[:, None]
        return rows

    def refuse_singular(self, numbers: np.ndarray, own: np.ndarray) -> None:
        """Raise InputError where the ``1 - P_kk`` of connected outages leaves no unique DC solution."""
        text = "the outage leaves the network connected but without a unique DC solution"
        remedy = "check the branches with negative x_pu beside it, or take the branch out of service"
        bad = np.flatnonzero(np.abs(own) < SINGULAR)
        if len(bad):
            names = [self.outages.names[numbers[i]] for i in bad]
            raise InputError(Finding("grid.contingency.singular", f"branch {n}", text, "", remedy) for n in names)


def _participation_sums(
    network: DCNetwork, outages: OutageSet, participation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Participation of the island and of the lost side of each outage, shape (n_outage, n_snapshot) [MW]."""
    by_island = np.zeros((len(network.reference), participation.shape[1]))
    np.add.at(by_island, network.island, participation)
    island_mw = by_island[network.island[network.from_position[outages.positions]]]
    lost_mw = np.zeros_like(island_mw)
    for k in np.flatnonzero(outages.splits).tolist():
        lost_mw[k] = participation[outages.lost_buses[k]].sum(axis=0)
    # What is left is 0, not the rounding error of a difference, when the lost side holds all of it.
    lost_mw = np.where(island_mw - lost_mw <= 1e-9 * island_mw, island_mw, lost_mw)
    return island_mw, lost_mw


def _dead_branches(network: DCNetwork, outages: OutageSet) -> list[np.ndarray]:
    """Branch positions that are not there after each outage, ascending."""
    dead = [np.array([k], dtype=np.intp) for k in outages.positions]
    lost = np.zeros(network.n_bus, dtype=bool)
    for number in np.flatnonzero(outages.splits).tolist():
        lost[outages.lost_buses[number]] = True
        # The branch that is out has one end in the lost side, so it is among these.
        dead[number] = np.flatnonzero(lost[network.from_position] | lost[network.to_position])
        lost[outages.lost_buses[number]] = False
    return dead
