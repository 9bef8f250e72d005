"""Topology of a network: parallel circuits, corridors, what hangs on one branch, and what is near a bus.

Only branches in service count, and of these only real ones: an equivalent of what was cut off (`area`) connects buses,
but is no circuit. Connectivity is asked of `Grid.graph` by networkx.
"""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Sequence
from itertools import combinations, islice

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.grid.network import Grid
from optimizer.grid.schema import as_text

#: Column of the branches, a text, that is 1 for an equivalent of a part of the network that was cut off.
EQUIVALENT = "equivalent"

#: Loads on two sides of a bridge are equal within this share of the island's load, as in `contingency` [-].
SAME_LOAD = 1e-9


def is_equivalent(branches: pd.DataFrame) -> np.ndarray:
    """Which branches stand for a part of the network that was cut off; they cannot be out.

    Parameters
    ----------
    branches : DataFrame
        Branches of a grid.

    Returns
    -------
    bool array, shape (n_branch,)
    """
    if EQUIVALENT not in branches.columns:
        return np.zeros(len(branches), dtype=bool)
    return np.asarray(as_text(branches[EQUIVALENT]) == "1")


def parallel_circuits(grid: Grid) -> pd.DataFrame:
    """Return the branches that run between the same two buses as another.

    Returns
    -------
    DataFrame, index ``branch``
        Branches of one group together, groups and branches in table order: ``group`` (the two buses, as its first
        branch runs), ``kind``, ``circuits`` (of the group) [count], ``rating_mw`` [MW], ``group_rating_mw`` (sum of the
        group) [MW].
    """
    rows = _circuits(grid)
    keys = [tuple(sorted(pair)) for pair in zip(rows["from_bus"], rows["to_bus"], strict=True)]
    names = (rows["from_bus"] + " - " + rows["to_bus"]).tolist()
    return _table(rows, _groups(keys), names, "group", "kind")


def corridors(grid: Grid) -> pd.DataFrame:
    """Return the lines that share a corridor with another: same two substations, same voltage.

    A bus without a substation is one of its own. Transformers and lines within a substation are on no corridor.

    Returns
    -------
    DataFrame, index ``branch``
        Lines of one corridor together, corridors and lines in table order: ``corridor`` (the two substations, as its
        first line runs, and the voltage), ``base_kv`` [kV], ``circuits`` (of the corridor) [count], ``rating_mw``
        [MW], ``corridor_rating_mw`` (sum of the corridor) [MW].
    """
    rows, keys, names = _lines(grid)
    return _table(rows, _groups(keys), names, "corridor", "base_kv")


def common_corridors(grid: Grid) -> dict[str, tuple[str, str]]:
    """Return the double circuits: every two lines of one corridor, which one event may take out together.

    Which circuits of a corridor hang on the same towers is not in planning data: every pair of them counts, so three
    circuits are three double circuits.

    Returns
    -------
    dict of str to (str, str)
        The two branches of each double circuit, in table order, by the name ``branch+branch``; in the order of
        `corridors`.

    Notes
    -----
    NERC TPL-001, planning event P7: loss of two adjacent circuits on a common structure.
    """
    rows, keys, _ = _lines(grid)
    pairs = [pair for group in _groups(keys) for pair in combinations(group, 2)]
    ids = rows.index
    return {f"{ids[i]}+{ids[j]}": (str(ids[i]), str(ids[j])) for i, j in pairs}


def radial_load(grid: Grid) -> pd.DataFrame:
    """Return what is served through one branch alone: all that the outage of each bridge cuts off.

    The side with less load is the one behind; of equal ones that with fewer buses, then that without the bus of most
    circuits, as for outages (`contingency`).

    Returns
    -------
    DataFrame, index ``branch``
        Bridges in table order: ``bus`` (the end that stays connected), ``far_bus`` (the end behind), ``buses`` (behind)
        [count], ``load_mw`` (existing load behind) [MW], ``generation_mw`` (``p_max_mw`` in service behind) [MW].
    """
    bridges = grid.bridges()
    block = _blocks(grid, bridges)
    ends = grid.branches.loc[bridges, ["from_bus", "to_bus"]]
    sums = _block_sums(grid, block)
    behind, at_from = _far_sides(grid, ends, block, sums)
    return pd.DataFrame(
        {
            "bus": np.where(at_from, ends["to_bus"], ends["from_bus"]),
            "far_bus": np.where(at_from, ends["from_bus"], ends["to_bus"]),
            "buses": behind[:, 0].astype(np.int64),
            "load_mw": behind[:, 1],
            "generation_mw": behind[:, 2],
        },
        index=pd.Index(bridges, name="branch", dtype="str"),
    )


def neighbourhood(grid: Grid, centre: str, hops: int) -> pd.DataFrame:
    """Return the buses within some hops of a bus or a substation.

    Parameters
    ----------
    grid : Grid
        The network.
    centre : str
        A bus, else a substation, whose buses are all 0 hops away.
    hops : int
        Branches in service from the centre, at least 1 [count].

    Returns
    -------
    DataFrame, index ``bus``
        In table order: ``hops`` [count], ``base_kv`` [kV], ``load_mw`` [MW], ``generation_mw`` (``p_max_mw`` in
        service) [MW].

    Raises
    ------
    InputError
        The centre is neither a bus nor a substation, or there is no hop.
    """
    findings = []
    if hops < 1:
        remedy = "give a whole number of at least 1"
        findings.append(Finding("grid.area.hops", "area, hops", "an area has at least one hop", str(hops), remedy))
    start = centre_buses(grid, centre)
    if not start:
        findings.append(_unknown_centre(grid, centre))
    if findings:
        raise InputError(findings)
    layers = islice(nx.bfs_layers(grid.graph, start), hops + 1)
    distance = {bus: number for number, layer in enumerate(layers) for bus in layer}
    found = pd.Series(distance, dtype="int64").reindex(grid.buses.index).dropna().astype("int64")
    running = grid.generators[grid.generators["in_service"]]
    capacity = running.groupby("bus")["p_max_mw"].sum().reindex(found.index).fillna(0.0)
    table = grid.buses.loc[found.index, ["base_kv", "load_mw"]].assign(generation_mw=capacity)
    table.insert(0, "hops", found)
    return table


def centre_buses(grid: Grid, centre: str) -> list[str]:
    """Return the bus of this name, else the buses of the substation of this name; none if it is neither."""
    if centre in grid.buses.index:
        return [centre]
    return [] if centre == "" else list(grid.buses.index[grid.buses["substation"] == centre])


def _unknown_centre(grid: Grid, centre: str) -> Finding:
    known = dict.fromkeys([*grid.buses.index, *grid.buses["substation"]])
    close = difflib.get_close_matches(centre, known, n=1, cutoff=0.6)
    # A grid has too many names to list them.
    hint = f"did you mean {close[0]!r}? " if close else ""
    remedy = f"{hint}give one of its {len(grid.buses):,} buses, such as {grid.buses.index[0]!r}, or a substation"
    return Finding("grid.area.centre", "area, center", "no such bus or substation", repr(centre), remedy)


def _circuits(grid: Grid) -> pd.DataFrame:
    rows = grid.branches_in_service
    return rows[~is_equivalent(rows)]


def _lines(grid: Grid) -> tuple[pd.DataFrame, list[Hashable], list[str]]:
    """Lines between two substations, the key of the corridor of each, and its name."""
    rows = _circuits(grid)
    buses = grid.buses
    # A substation and a bus may have the same name: which of the two it is tells them apart.
    stations = [(True, s) if s else (False, bus) for bus, s in zip(buses.index, buses["substation"], strict=True)]
    place = dict(zip(buses.index, stations, strict=True))
    voltage = buses["base_kv"].to_dict()
    keys: list[Hashable] = []
    names, kept, base_kv = [], [], []
    for i, (one, other, kind) in enumerate(zip(rows["from_bus"], rows["to_bus"], rows["kind"], strict=True)):
        if kind == "line" and place[one] != place[other]:
            kv = sorted((voltage[one], voltage[other]))
            keys.append((*sorted((place[one], place[other])), *kv))
            names.append(f"{place[one][1]} - {place[other][1]} {kv[0]:g} kV")
            kept.append(i)
            base_kv.append(kv[0])
    return rows.iloc[kept].assign(base_kv=np.array(base_kv, dtype=float)), keys, names


def _groups(keys: Sequence[Hashable]) -> list[list[int]]:
    """Positions of equal keys, where there are two or more, in the order of the first of each."""
    groups: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        groups.setdefault(key, []).append(position)
    return [group for group in groups.values() if len(group) > 1]


def _table(rows: pd.DataFrame, groups: list[list[int]], names: Sequence[str], title: str, shown: str) -> pd.DataFrame:
    """One row a branch of a group."""
    order = [i for group in groups for i in group]
    number = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    rating = rows["rating_mw"].to_numpy(dtype=float)[order]
    total = np.bincount(number, weights=rating, minlength=len(groups)) if groups else np.empty(0)
    chosen = rows.iloc[order]
    return pd.DataFrame(
        {
            title: pd.Series([names[groups[n][0]] for n in number], index=chosen.index, dtype="str"),
            shown: chosen[shown],
            "circuits": np.array([len(groups[n]) for n in number], dtype=np.int64),
            "rating_mw": rating,
            f"{title}_rating_mw": total[number],
        },
        index=chosen.index,
    )


def _blocks(grid: Grid, bridges: Sequence[str]) -> dict[str, int]:
    """Number of the part of each bus when all bridges are taken out."""
    inner = nx.Graph()
    inner.add_nodes_from(grid.buses.index)
    rows = grid.branches_in_service.drop(index=list(bridges))
    inner.add_edges_from(zip(rows["from_bus"], rows["to_bus"], strict=True))
    return {bus: number for number, part in enumerate(nx.connected_components(inner)) for bus in part}


def _block_sums(grid: Grid, block: dict[str, int]) -> np.ndarray:
    """Buses, load [MW] and p_max in service [MW] of each block."""
    running = grid.generators[grid.generators["in_service"]]
    at = np.array([block[bus] for bus in grid.buses.index], dtype=np.intp)
    units = np.array([block[bus] for bus in running["bus"]], dtype=np.intp)
    count = int(at.max()) + 1
    loads = np.bincount(at, weights=grid.buses["load_mw"], minlength=count)
    capacity = np.bincount(units, weights=running["p_max_mw"], minlength=count)
    return np.column_stack([np.bincount(at, minlength=count), loads, capacity])


def _far_sides(
    grid: Grid, ends: pd.DataFrame, block: dict[str, int], sums: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Buses, load and p_max behind each bridge, shape (n_bridge, 3), and whether its from-bus is behind."""
    one, other = (np.array([block[bus] for bus in ends[end]], dtype=np.intp) for end in ("from_bus", "to_bus"))
    tree = nx.Graph()
    tree.add_nodes_from(range(len(sums)))
    for k, (upper, lower) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
        tree.add_edge(upper, lower, bridge=k)
    behind = np.zeros((len(ends), 3))
    at_from = np.zeros(len(ends), dtype=bool)
    below = sums.copy()
    for root in _roots(grid):
        steps = list(nx.bfs_edges(tree, block[root]))
        for upper, lower in reversed(steps):
            below[upper] += below[lower]
        total = below[block[root]]
        for upper, lower in steps:
            k = tree.edges[upper, lower]["bridge"]
            rest = total - below[lower]
            same = abs(below[lower, 1] - rest[1]) <= SAME_LOAD * max(1.0, abs(total[1]))
            column = 0 if same else 1
            is_lower = bool(below[lower, column] <= rest[column])  # the lower part never holds the root
            behind[k] = below[lower] if is_lower else rest
            at_from[k] = (one[k] == lower) == is_lower
    return behind, at_from


def _roots(grid: Grid) -> list[str]:
    """The bus with most circuits of each island, the first of equals."""
    island = {bus: number for number, part in enumerate(nx.connected_components(grid.graph)) for bus in part}
    circuits = dict(grid.graph.degree)
    roots: dict[int, str] = {}
    for bus in grid.buses.index:
        if circuits[bus] > circuits[roots.setdefault(island[bus], bus)]:
            roots[island[bus]] = bus
    return list(roots.values())
