"""What a plan with new circuits breaks after outages, in the network that it makes, and the rows that forbid it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimizer.formulation.expansion_outages import Copy, add_copy
from optimizer.formulation.rows import Broken, NewRows
from optimizer.formulation.unit_paths import Unit, path_of_units
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.study.case import Case

OUTAGES_PER_ROUND = 3
"""Outages of one period and snapshot for which rows are added at a time (unverified: a choice)."""

WHOLE = 1e-4
"""A decision this close to a whole number is one [-]."""


def counts_of(b: pyo.Block, case: Case, t: int) -> dict[str, int] | None:
    """Units in service in a period under the solution the model holds; ``None`` where some are built in part."""
    counts: dict[str, int] = dict.fromkeys((str(e) for e in case.circuits.index), 0)
    for e, i in case.expansion.units:
        value = float(b.built[e, i, t].value)
        if abs(value - round(value)) > WHOLE:
            return None
        counts[e] += round(value)
    return counts


def cut(b: pyo.Block, case: Case, m: pyo.ConcreteModel, broken: Broken) -> NewRows:
    """Add what forbids the limits that a solution breaks after outages; nothing where circuits are built in part."""
    rows: list[Any] = []
    worst = 0.0
    for t in case.periods.index:
        counts = counts_of(b, case, t)
        if counts is None:
            return NewRows((), 0.0)
        real = b.outages.network(counts, t)
        if not real.is_secured:
            continue
        for number, h in enumerate(case.snapshots.index):
            rows += b.outages.topology.firm_rows(real, counts, t, h)
            found = _violations(m, real, t, h, number, broken.tolerance_mw)
            worst = max([worst, *(one.excess_mw for one in found)])
            for one in found:
                rows += _forbid(b, real, counts, t, h, one)
    return NewRows(tuple(rows), worst)


@dataclass(frozen=True)
class Violation:
    """A limit that is broken after an outage: their numbers, the direction of flow, and how far [MW]."""

    branch: int
    outage: int
    side: int
    excess_mw: float


def _violations(m: pyo.ConcreteModel, real: Case, t: int, h: str, number: int, tolerance: float) -> list[Violation]:
    """The worst limit of each of the worst outages."""
    limit = real.branches["rating_emergency_mw"].to_numpy(float).copy()
    for l in set(real.upgrades_of_branch) & set(real.branches.index):
        limit[real.branches.index.get_loc(l)] += pyo.value(m.ledgers.rating_emergency_mw[l, t])
    limit *= real.rating_factor(h, after_outage=True)
    point = operating_point(m, real, t, h)
    found = real.contingencies.screen(point, number, limit, tolerance).violations
    found = found.sort_values(["excess_mw", "outage", "branch"], ascending=[False, True, True])
    each = found.groupby("outage", sort=False).head(1).head(OUTAGES_PER_ROUND)
    return [
        Violation(int(r.branch), int(r.outage), 1 if r.flow_mw > 0 else -1, float(r.excess_mw))
        for r in each.itertuples()
    ]


def _forbid(b: pyo.Block, real: Case, counts: Mapping[str, int], t: int, h: str, one: Violation) -> list[Any]:
    """A copy of the network where the outage keeps it connected and the copy is new; else a row of this topology."""
    copy = copy_of(b.outages.case, real, counts, one.outage)
    rows = [] if copy is None else add_copy(b, copy, t, h)
    return rows or b.outages.topology.limit_row(real, counts, t, h, one.branch, one.outage, one.side)


def copy_of(case: Case, real: Case, counts: Mapping[str, int], outage: int) -> Copy | None:
    """The copy of an outage; ``None`` where it splits the network or is not that of one branch."""
    if real.outages is None or outage >= len(real.outages) or real.outages.splits[outage]:
        return None
    position, offer = int(real.outages.positions[outage]), case.expansion
    name = str(real.branches.index[position])
    built = [unit for unit in offer.units if unit[1] <= counts.get(unit[0], 0)]
    unit: Unit | None = None
    if name in offer.unit_of_name:
        # Units are alike: without any of them the network is what it is without the first.
        unit = (offer.unit_of_name[name][0], 1)
    # Where a circuit has taken a branch's place the two buses stay joined, but where that circuit is out.
    gone = name if unit is None else str(case.circuits.at[unit[0], "replaces"])
    kept = np.asarray(case.branches.index != gone)
    path = path_of_units(case, kept, [u for u in built if u != unit], _ends(real, position))
    if path is None:
        return None
    needed = dict(path) if unit is None else {unit[0]: 1, **dict(path)}
    return Copy("" if unit else name, unit, tuple(sorted(needed.items())))


def _ends(real: Case, position: int) -> tuple[int, int]:
    network = real.grid_network
    return int(network.from_position[position]), int(network.to_position[position])


def operating_point(m: pyo.ConcreteModel, real: Case, t: int, h: str) -> OperatingPoint:
    """How the system runs in a period and snapshot under the solution the model holds."""
    network = real.grid_network
    injection = -real.load_mw[(t, h)].to_numpy(float)
    output = np.array([m.dispatch.output_mw[g, t, h].value for g in real.generators.index], dtype=float)
    np.add.at(injection, network.bus_ids.get_indexer(pd_index(real.generators["bus"])), output)
    for n in real.ties_of_bus:
        injection[network.bus_ids.get_loc(n)] -= m.interconnection.new_load_mw[n, t, h].value
    loads = dict(_campus_loads(m, real, t, h)) if len(real.joint) and len(real.ties) else {}
    return OperatingPoint(network.flows(injection), output, loads)


def pd_index(values: Any) -> NDArray[np.object_]:
    """Values of a column as labels."""
    return np.asarray(values, dtype=object)


def _campus_loads(m: pyo.ConcreteModel, real: Case, t: int, h: str) -> Iterator[tuple[tuple[str, int], float]]:
    loads: dict[tuple[str, int], float] = {}
    for (o, c, year), it_mw in m.interconnection.it_mw.items():
        if year == t and it_mw.value:
            s, n = real.ties.loc[o, ["site", "bus"]]
            key = (s, int(real.grid_network.bus_ids.get_loc(n)))
            loads[key] = loads.get(key, 0.0) + float(real.pue.at[(s, c), h]) * it_mw.value
    for o, s, n in real.ties[["site", "bus"]].itertuples(name=None):
        if behind := pyo.value(m.ledgers.relief_mw[o, t, h]) + pyo.value(m.ledgers.own_supply_mw[o, t, h]):
            key = (s, int(real.grid_network.bus_ids.get_loc(n)))
            loads[key] = loads.get(key, 0.0) - float(behind)
    yield from loads.items()
