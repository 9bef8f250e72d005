"""Outages of several branches at once, of generators and of new loads: what each leaves of the network.

Before the outage, `Driver` quantities y tell what it takes away: the flow of a branch out, the output of a generator
lost, a new load lost. To what is left, losing 1 MW of one is an injection: ``e_i - e_j`` for a branch from i to j with
both ends in the part that stays, ``+-e_a`` for one of which only the end a stays (+ when a is its from-bus), ``-e_n``
for a generator at bus n, ``e_n`` for a load. What is left over is shared by generators (`grid.joint_factors`).

A set of branches B splits an island exactly where ``I - P_BB`` is singular, with
``P = PTDF[:, from] - PTDF[:, to]``. Then the part of the island with most load stays and the rest is lost with all that
is in it. Of the branches out between the two, one for each lost part may stay in for the factors: nothing flows over it
when what stays is balanced. The branches out inside the part that stays, and the others of the cut, are ``removed``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.errors import Finding, InputError
from optimizer.grid.contingency import SINGULAR
from optimizer.grid.dc import DCNetwork

Kind = Literal["generator", "double_circuit", "campus", "list"]

#: A least singular value of I - P_BB below this may mean a split, which the graph then tells for certain [MW/MW].
MAY_SPLIT = 1e-6


@dataclass(frozen=True)
class Elements:
    """Elements that are out together.

    Parameters
    ----------
    name : str
        Name of the outage.
    kind : {"generator", "double_circuit", "campus", "list"}
        What asked for it.
    branches, generators : tuple of int
        Positions of branches in the network, and of generators in the caller's table.
    loads : tuple of (str, int)
        New loads by name and bus position: a campus may draw from several buses.
    """

    name: str
    kind: Kind
    branches: tuple[int, ...] = ()
    generators: tuple[int, ...] = ()
    loads: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Driver:
    """A quantity before an outage that flows after it depend on.

    Parameters
    ----------
    kind : {"branch", "generator", "load"}
        Flow of a branch, output of a generator or a new load [MW].
    position : int
        Of the branch or generator; of the load's bus.
    load : str
        Name of the load, empty otherwise.
    injection : tuple of (int, float)
        Bus positions and what 1 MW of it becomes there [MW/MW].
    island : int
        Island whose generators take up the rest; -1 where nothing is left over.
    """

    kind: Literal["branch", "generator", "load"]
    position: int
    load: str
    injection: tuple[tuple[int, float], ...]
    island: int


@dataclass(frozen=True, eq=False)
class Remains:
    """What one outage leaves.

    Parameters
    ----------
    elements : Elements
        What is out.
    drivers : tuple of Driver
        What flows after it depend on; empty where all of it is lost with a smaller part.
    lost_buses : int array
        Buses of the lost parts, ascending; empty where the outage does not split.
    dead : int array
        Branches out or lost, ascending.
    removed : int array
        Branches whose absence the factors account for: R.
    inverse : float array
        ``(I - P_RR)^-1`` [MW/MW].
    """

    elements: Elements
    drivers: tuple[Driver, ...]
    lost_buses: np.ndarray
    dead: np.ndarray
    removed: np.ndarray
    inverse: np.ndarray


@dataclass(frozen=True, eq=False)
class JointSet:
    """Outages other than those of one branch each.

    Parameters
    ----------
    outages : tuple of Remains
        In the order of their numbers.
    """

    outages: tuple[Remains, ...] = ()

    def __len__(self) -> int:
        return len(self.outages)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outages."""
        return tuple(one.elements.name for one in self.outages)

    @property
    def disconnected_buses(self) -> np.ndarray:
        """Bus positions that some outage of the set cuts off, ascending: no load there is firm."""
        return np.unique(np.concatenate([np.empty(0, dtype=np.intp), *(one.lost_buses for one in self.outages)]))

    def joined(self, other: JointSet) -> JointSet:
        """Return this set followed by another."""
        return JointSet((*self.outages, *other.outages))

    @classmethod
    def build(
        cls,
        network: DCNetwork,
        outages: Iterable[Elements],
        generator_bus: np.ndarray,
        load_mw_by_bus: np.ndarray,
        skip_splitting: bool = False,
    ) -> JointSet:
        """Find out what each outage leaves.

        Parameters
        ----------
        network : DCNetwork
            The network before any outage.
        outages : iterable of Elements
            What is out in each.
        generator_bus : int array, shape (n_generator,)
            Bus position of each generator.
        load_mw_by_bus : float array, shape (n_bus,)
            Load that decides which part of a split island stays [MW]: that with most; of equal ones that with more
            buses, then that with the reference.
        skip_splitting : bool
            Leave outages that split an island out of the set.

        Raises
        ------
        InputError
            Outages that leave the network connected but without a unique DC solution.
        """
        load = np.asarray(load_mw_by_bus, dtype=float)
        found = [_remains(network, one, np.asarray(generator_bus, dtype=np.intp), load) for one in outages]
        kept = [one for one in found if not (skip_splitting and len(one.lost_buses))]
        singular = [one.elements.name for one in kept if not np.isfinite(one.inverse).all()]
        if singular:
            text = "the outage leaves the network connected but without a unique DC solution"
            remedy = "check the branches with negative x_pu beside it, or leave it out"
            raise InputError(
                Finding("grid.contingency.singular", f"outage {name}", text, "", remedy) for name in singular
            )
        return cls(tuple(kept))


def _remains(network: DCNetwork, out: Elements, generator_bus: np.ndarray, load: np.ndarray) -> Remains:
    branches = np.array(sorted(set(out.branches)), dtype=np.intp)
    matrix = np.eye(len(branches)) - _transfers(network, branches)
    lost, removed = np.zeros(network.n_bus, dtype=bool), branches
    if len(branches) and np.linalg.svd(matrix, compute_uv=False)[-1] < MAY_SPLIT:
        lost, removed = _split(network, branches, load)
    left = np.isin(branches, removed)
    matrix = matrix[np.ix_(left, left)]
    regular = not len(removed) or np.linalg.svd(matrix, compute_uv=False)[-1] >= SINGULAR
    inverse = np.linalg.inv(matrix) if regular else np.full(matrix.shape, np.inf)
    beside = lost[network.from_position] | lost[network.to_position]
    return Remains(
        elements=out,
        drivers=tuple(_drivers(network, out, branches, generator_bus, lost)),
        lost_buses=np.flatnonzero(lost),
        dead=np.union1d(branches, np.flatnonzero(beside)),
        removed=removed,
        inverse=inverse,
    )


def _transfers(network: DCNetwork, branches: np.ndarray) -> np.ndarray:
    """``P_BB``: flow on each branch of a transfer along each [MW/MW]."""
    if not len(branches):
        return np.empty((0, 0))
    angles = network.transfer_angles(branches)
    across = angles[network.from_position[branches]] - angles[network.to_position[branches]]
    return np.asarray(network.susceptance_mw[branches, None] * across)


def _split(network: DCNetwork, branches: np.ndarray, load: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Buses that are lost (a mask), and the branches whose absence factors must account for."""
    start, end = network.from_position, network.to_position
    kept = np.ones(network.n_branch, dtype=bool)
    kept[branches] = False
    part = _parts(network, kept)
    lost = np.zeros(network.n_bus, dtype=bool)
    for island in np.unique(network.island[start[branches]]).tolist():
        here = np.flatnonzero(network.island == island)
        lost[here] = part[here] != _main_part(part[here], here, load, int(network.reference[island]))
    if not lost.any():
        return lost, branches
    behind = _parts(network, lost[start] & lost[end])
    cut = branches[lost[start[branches]] != lost[end[branches]]]
    outer = np.where(lost[start[cut]], start[cut], end[cut])
    bridges = cut[np.unique(behind[outer], return_index=True)[1]]
    inside = lost[start[branches]] & lost[end[branches]]
    return lost, np.setdiff1d(branches[~inside], bridges)


def _parts(network: DCNetwork, kept: np.ndarray) -> np.ndarray:
    """Number of the connected part of each bus when only some branches are there."""
    ends = (network.from_position[kept], network.to_position[kept])
    matrix = coo_array((np.ones(int(kept.sum())), ends), shape=(network.n_bus, network.n_bus))
    return np.asarray(connected_components(matrix, directed=False)[1])


def _main_part(part: np.ndarray, buses: np.ndarray, load: np.ndarray, reference: int) -> int:
    """The part with most load; of equal ones that with more buses, then that with the reference."""
    numbers, inverse = np.unique(part, return_inverse=True)
    mw = np.bincount(inverse, weights=load[buses])
    size = np.bincount(inverse)
    # Sums in another order differ in the last digits: equal loads must stay equal.
    near = mw.max() - mw <= 1e-9 * max(1.0, abs(float(load[buses].sum())))
    holds = np.bincount(inverse, weights=(buses == reference).astype(float)) > 0
    return int(numbers[np.lexsort((numbers, ~holds, -size, ~near))[0]])


def _drivers(
    network: DCNetwork, out: Elements, branches: np.ndarray, generator_bus: np.ndarray, lost: np.ndarray
) -> Iterable[Driver]:
    for k in branches.tolist():
        i, j = int(network.from_position[k]), int(network.to_position[k])
        if not lost[i] and not lost[j]:
            yield Driver("branch", k, "", ((i, 1.0), (j, -1.0)), -1)
        elif not lost[i]:
            yield Driver("branch", k, "", ((i, 1.0),), int(network.island[i]))
        elif not lost[j]:
            yield Driver("branch", k, "", ((j, -1.0),), int(network.island[j]))
    for g in sorted(set(out.generators)):
        n = int(generator_bus[g])
        if not lost[n]:
            yield Driver("generator", g, "", ((n, -1.0),), int(network.island[n]))
    for name, n in out.loads:
        if not lost[n]:
            yield Driver("load", n, name, ((n, 1.0),), int(network.island[n]))
