"""Paths of built units between two buses: what keeps the ends of an outage connected."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from optimizer.study.case import Case

Unit = tuple[str, int]
"""A unit of a circuit: the circuit and its number from 1."""


def parts_of_network(case: Case, kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number of the part of each bus that some existing branches connect, shape (n_bus,)."""
    network = case.grid_network
    ends = (network.from_position[kept], network.to_position[kept])
    matrix = coo_array((np.ones(int(kept.sum())), ends), shape=(network.n_bus, network.n_bus))
    return np.asarray(connected_components(matrix, directed=False)[1])


def path_of_units(
    case: Case, kept: NDArray[np.bool_], units: list[Unit], ends: tuple[int, int]
) -> tuple[Unit, ...] | None:
    """The fewest units that connect two buses together with existing branches.

    Parameters
    ----------
    case : Case
        With circuits on offer.
    kept : ndarray of bool, shape (n_branch,)
        Existing branches in service.
    units : list of units
        Units in service, lower numbers of a circuit first.
    ends : tuple of int
        Bus positions.

    Returns
    -------
    tuple of units, or None
        Empty where existing branches do; ``None`` where nothing does.
    """
    part = parts_of_network(case, kept)
    index = case.grid_network.bus_ids
    beside: dict[int, list[tuple[int, Unit]]] = {}
    for unit in units:
        a, z = (int(part[index.get_loc(case.circuits.at[unit[0], c])]) for c in ("from_bus", "to_bus"))
        beside.setdefault(a, []).append((z, unit))
        beside.setdefault(z, []).append((a, unit))
    start, goal = int(part[ends[0]]), int(part[ends[1]])
    came: dict[int, tuple[int, Unit] | None] = {start: None}
    queue = deque([start])
    while queue and goal not in came:
        here = queue.popleft()
        for there, unit in beside.get(here, []):
            if there not in came:
                came[there] = (here, unit)
                queue.append(there)
    if goal not in came:
        return None
    path: list[Unit] = []
    step = came[goal]
    while step is not None:
        path.append(step[1])
        step = came[step[0]]
    return tuple(sorted(path))
