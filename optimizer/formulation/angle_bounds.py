"""How far the angles at the ends of a circuit that is not built can be apart: the big-M of the switched angle law.

A circuit e from i to j obeys ``f = b (a_i - a_j - shift)`` only where it is built; elsewhere ``f = 0`` and the law must
hold nothing back. ``|f - b (a_i - a_j - shift)| <= M (1 - z)`` does so exactly if ``M >= b (|a_i - a_j| + |shift|)``
for at least one choice of angles of every plan. That such a bound is found here:

* Along a branch in service, ``|a_from - a_to| <= d`` with ``d = min(limit / |b| + |shift|, (T + S) / b)``. The limit is
  the smaller of its rating (with the largest upgrade, and the largest factor of any snapshot) and, with everything in
  service, what its angle limits allow. The second term needs all susceptances positive: then power flows from higher
  to lower angles only, so that no branch carries more of ``b (a_from - a_to)`` than all sources give together. Sources
  are generators and negative loads, at most ``T`` in any period and snapshot, and what phase shifters drive,
  ``S = sum |b shift|`` over all that may serve.
* If existing branches connect i and j, the angles differ by no more than along the *shortest path* of existing
  branches, by ``d``: they are in service in every plan. Circuits on offer are not asked: none is sure to be built.
* A branch whose place a circuit may take counts with the largest ``d`` of itself and of such circuits: one of them
  joins the two buses in every plan. So the same bound frees the branch's own law once it is out of service for good:
  ``M >= b (|a_i - a_j| + |shift|)`` along that path.
* If not, contract what existing branches connect to parts. In a plan in which built circuits connect i and j, a path
  between them without repetition enters each part at most once, by two ends of circuits, and uses at most one circuit
  between any two parts, fewer than there are parts. So the difference is at most ``sum over parts of the largest
  shortest path between two ends of circuits in the part + the (parts - 1) largest d of circuits between two parts``.
* In a plan in which nothing connects i and j, the angles of one of the two sides may all be moved by the same amount
  without changing a flow. By the last point the angles at the ends of circuits within one connected side spread over no
  more than that same sum; moved so that the least of each side are equal, they all differ by no more than it.

After an outage the same holds in the network without what is out, with emergency ratings and no angle limits, as long
as the outage changes no injection; where a circuit is out that has taken a branch's place, without that branch too. The
bound is widened by a hundredth, so that it is never what binds and no price falls on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, dijkstra

from optimizer.errors import Finding, InputError
from optimizer.study.case import Case

MARGIN = 1.01
"""Factor on every bound, so that it is never what binds [-] (a choice; anything above 1 is right)."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AngleBounds:
    """Bounds that hold in every plan.

    Parameters
    ----------
    apart_rad : dict of str to float
        Largest difference of the angles at the ends of each circuit while it is not built [rad].
    flow_mw : dict of str to float
        Largest flow of one unit of each circuit [MW].
    branch_flow_mw : ndarray, shape (n_branch,)
        Largest flow of each existing branch [MW].
    source_mw : float
        Largest sum of what generators and negative loads give in a period and snapshot [MW].
    replaced_law_mw : dict of str to float
        Big-M of the switched angle law of each branch whose place a circuit may take [MW].
    """

    apart_rad: dict[str, float]
    flow_mw: dict[str, float]
    branch_flow_mw: Floats
    source_mw: float
    replaced_law_mw: dict[str, float]

    def law_mw(self, case: Case, circuit: str) -> float:
        """Big-M of the switched angle law of a circuit [MW]."""
        row = case.circuits.loc[circuit]
        return float(abs(row["susceptance_mw"]) * (self.apart_rad[circuit] + abs(row["shift_rad"])))


def angle_bounds(case: Case, after_outage: bool = False, out: int = -1) -> AngleBounds:
    """Bound angles and flows of every plan of a case.

    Parameters
    ----------
    case : Case
        With circuits on offer.
    after_outage : bool
        Hold flows against emergency ratings and forget angle limits.
    out : int
        Position of the existing branch that is out; -1 for none.

    Raises
    ------
    InputError
        Negative reactances leave unlimited branches without a bound on their flow.
    """
    network, circuits = case.grid_network, case.circuits
    source = _source_mw(case)
    b, shift = network.susceptance_mw, np.abs(network.shift_rad)
    own, own_shift = circuits["susceptance_mw"].to_numpy(float), np.abs(circuits["shift_rad"].to_numpy(float))
    driven = np.abs(b) @ shift + (np.abs(own) * own_shift) @ circuits["max_count"].to_numpy(float)
    carried = source + driven if (b > 0).all() and (own > 0).all() else np.inf
    limit, unit_limit = _limits(case, after_outage)
    difference = np.minimum(limit / np.abs(b) + shift, carried / np.abs(b))
    across = np.minimum(unit_limit / np.abs(own) + own_shift, carried / np.abs(own))
    at = network.branch_ids.get_indexer(circuits["replaces"])
    joined = difference.copy()
    np.maximum.at(joined, at[at >= 0], across[at >= 0])
    apart = MARGIN * _apart(case, joined, across, out)
    flow = np.minimum(unit_limit, np.abs(own) * (np.minimum(across, apart) + own_shift))
    branch_flow = np.minimum(limit, np.abs(b) * (difference + shift))
    # A branch's own two buses are those of any circuit that may take its place.
    ends = {int(k): float(rad) for k, rad in zip(at, apart, strict=True) if k >= 0}
    law = {str(network.branch_ids[k]): float(np.abs(b[k]) * (rad + shift[k])) for k, rad in ends.items()}
    for k, mw in zip(ends, law.values(), strict=True):
        branch_flow[k] = min(branch_flow[k], mw)
    _refuse_unbounded(case, apart)
    names = [str(e) for e in circuits.index]
    return AngleBounds(
        dict(zip(names, apart.tolist(), strict=True)),
        dict(zip(names, flow.tolist(), strict=True)),
        branch_flow,
        source,
        law,
    )


def _source_mw(case: Case) -> float:
    loads = case.load_mw.clip(upper=0.0).sum()
    most = case.output_max_mw.clip(lower=0.0).sum()
    given = [float(most[h] - loads[(t, h)]) for t, h in case.load_mw.columns]
    return max(given, default=0.0)


def _limits(case: Case, after_outage: bool) -> tuple[Floats, Floats]:
    """Largest flow that limits allow: of existing branches, with their largest upgrade, and of one unit [MW]."""
    rating, added = ("rating_emergency_mw", "added_emergency_mw") if after_outage else ("rating_mw", "added_mw")
    limit = case.branches[rating].to_numpy(float).copy()
    most = case.upgrades.groupby("branch")[added].max()
    limit[case.branches.index.get_indexer(most.index)] += most.to_numpy(float)
    unit = case.circuits[rating].to_numpy(float)
    if case.rating_factors is not None:
        # Of the units of a circuit every one has its circuit's factor.
        first = pd.Index([case.expansion.unit_name(str(e), 1) for e in case.circuits.index])
        limit *= case.rating_factors.largest(case.branches.index, after_outage)
        unit = unit * case.rating_factors.largest(first, after_outage)
    if after_outage:
        return limit, unit
    by_angle, unit_by_angle = (
        np.maximum(np.abs(table["flow_min_mw"].to_numpy(float)), np.abs(table["flow_max_mw"].to_numpy(float)))
        for table in (case.branches, case.circuits)
    )
    return np.minimum(limit, by_angle), np.minimum(unit, unit_by_angle)


def _apart(case: Case, difference: Floats, across: Floats, out: int) -> Floats:
    """Largest difference of angles at the ends of every circuit that is not built [rad]."""
    network, circuits = case.grid_network, case.circuits
    n = network.n_bus
    start, end = (network.bus_ids.get_indexer(circuits[c]) for c in ("from_bus", "to_bus"))
    kept = np.ones(network.n_branch, dtype=bool)
    if out >= 0:
        kept[out] = False
    i, j, length = network.from_position[kept], network.to_position[kept], difference[kept]
    linked = coo_array((np.ones(len(i)), (i, j)), shape=(n, n))
    part = connected_components(linked, directed=False)[1]
    ends = np.unique(np.concatenate([start, end]))
    path = _paths(n, i, j, length, ends)
    row = {int(bus): k for k, bus in enumerate(ends)}
    inside = np.array([path[row[int(a)], z] for a, z in zip(start, end, strict=True)], dtype=float)
    between = part[start] != part[end]
    if not between.any():
        return inside
    spread = _spread(part, ends, path[:, ends], start[between], end[between], across[between])
    group = _groups(part, start, end)
    return np.where(between, np.array([spread[int(g)] for g in group[part[start]]]), inside)


def _paths(n: int, i: NDArray[np.intp], j: NDArray[np.intp], length: Floats, ends: NDArray[np.intp]) -> Floats:
    """Shortest paths from some buses to all, of parallel branches along the shortest, shape (n_end, n_bus) [rad]."""
    usable = np.isfinite(length)
    low, high, length = np.minimum(i, j)[usable], np.maximum(i, j)[usable], length[usable]
    order = np.lexsort([length, high, low])
    low, high, length = low[order], high[order], length[order]
    first = np.ones(len(low), dtype=bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    # A length of nothing would be no edge at all in a sparse matrix.
    matrix = coo_array((np.maximum(length[first], 1e-12), (low[first], high[first])), shape=(n, n)).tocsr()
    return np.asarray(dijkstra(matrix, directed=False, indices=ends), dtype=float)


def _groups(part: NDArray[np.int32], start: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.int32]:
    """Group of each part: what circuits could connect."""
    n = int(part.max()) + 1
    linked = coo_array((np.ones(len(start)), (part[start], part[end])), shape=(n, n))
    return np.asarray(connected_components(linked, directed=False)[1])


def _spread(
    part: NDArray[np.int32],
    ends: NDArray[np.intp],
    path: Floats,
    start: NDArray[np.intp],
    end: NDArray[np.intp],
    across: Floats,
) -> dict[int, float]:
    """Largest spread of the angles at ends of circuits within each group of parts [rad].

    `start`, `end` and `across` are of the circuits between two parts only; `path` is between `ends`.
    """
    group = _groups(part, start, end)
    largest: dict[int, dict[tuple[int, int], float]] = {}
    for a, z, d in zip(part[start].tolist(), part[end].tolist(), across.tolist(), strict=True):
        pairs = largest.setdefault(int(group[a]), {})
        pair = (min(a, z), max(a, z))
        pairs[pair] = max(pairs.get(pair, 0.0), d)
    spread: dict[int, float] = {}
    for number, pairs in largest.items():
        parts = sorted({p for pair in pairs for p in pair})
        inside = [np.flatnonzero(part[ends] == p) for p in parts]
        within = sum(float(path[np.ix_(own, own)].max(initial=0.0)) for own in inside)
        spread[number] = within + sum(sorted(pairs.values(), reverse=True)[: len(parts) - 1])
    return spread


def _refuse_unbounded(case: Case, apart: Floats) -> None:
    found = [unbounded(f"circuits, circuit {e}") for e in case.circuits.index[~np.isfinite(apart)]]
    if found:
        raise InputError(found)


def unbounded(where: str) -> Finding:
    """Say that no bound is known across an element."""
    text = "nothing bounds the angle difference across it: negative reactances leave unlimited branches without a bound"
    remedy = "give the unlimited branches a rating or angle limits"
    return Finding("expansion.unbounded", where, text, "", remedy)
