"""The worst outages of each kind a second time: what is out is taken from the network, and what is left is solved."""

from __future__ import annotations

import numpy as np

from optimizer.errors import Finding
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.grid.screening import ScreenResult
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, capped
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_network import Floats, flows_after_outage

RESOLVED_OUTAGES = 5
"""Highest loaded outages of each kind, period and snapshot that are solved again without what is out [-]."""

AT_ONCE = 64
"""Outages whose flows are compared with limits together, which bounds memory [-]."""


def worst_of_each_kind(
    context: Context, result: ScreenResult, point: OperatingPoint, limit: Floats, column: int
) -> list[int]:
    """Numbers of the highest loaded outages of each kind.

    Parameters
    ----------
    context : Context
        The plan.
    result : ScreenResult
        Of all outages; its highest loadings name the outages of single branches.
    point : OperatingPoint
        How the system runs before any outage.
    limit : ndarray, shape (n_branch,)
        Emergency limits [MW].
    column : int
        Which period and snapshot.
    """
    every = context.case.contingencies
    worst = [k for k in dict.fromkeys(result.top["outage"].astype(int)) if k < every.n_single][:RESOLVED_OUTAGES]
    highest: dict[str, list[tuple[float, int]]] = {}
    for start in range(0, len(every.joint.outages), AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, len(every.joint.outages)))
        flow = every.joint.after(numbers, point, context.snapshots.index(context.operating[column][1]))
        loading = np.nan_to_num(np.abs(flow) / np.maximum(limit, 1e-9)).max(axis=1, initial=0.0)
        for number, share in zip(numbers, loading.tolist(), strict=True):
            kind = every.joint.outages.outages[number].elements.kind
            highest.setdefault(kind, []).append((-share, every.n_single + number))
    return worst + [k for found in highest.values() for _, k in sorted(found)[:RESOLVED_OUTAGES]]


def solved_again(
    context: Context, outages: list[int], injection: Floats, point: OperatingPoint, column: int, name: str
) -> list[Finding]:
    """Solve outages again in the network rebuilt without what is out, and compare every flow.

    Parameters
    ----------
    context : Context
        The plan.
    outages : list of int
        Their numbers.
    injection : ndarray, shape (n_bus,)
        Generation less load before any outage [MW].
    point : OperatingPoint
        How the system runs before any outage.
    column : int
        Which period and snapshot.
    name : str
        Table that findings are about.
    """
    t, h = context.operating[column]
    every, snapshot = context.case.contingencies, context.snapshots.index(h)
    found = []
    for outage in outages:
        by_factor = every.after(outage, point, snapshot)
        again = _without(context, outage, injection, point, snapshot)
        apart = np.abs(np.nan_to_num(again - by_factor))
        lost = np.isnan(again) != np.isnan(by_factor)
        for position in np.flatnonzero((apart > tolerances.REBUILT_MW) | lost):
            at = f"outage {every.names[outage]}, branch {context.case.branches.index[position]}"
            where = f"{context.prefix}tables/{name}.csv {at}, period {t}, snapshot {h}"
            message = f"factors disagree with the network without what is out, {again[position]:.6f} MW"
            figures = (float(by_factor[position]), float(again[position]))
            found.append(broken("plan.outage.resolved", where, message, *figures, "MW"))
    return capped(found, f"{context.prefix}tables/{name}.csv outages solved again")


def _without(context: Context, outage: int, injection: Floats, point: OperatingPoint, snapshot: int) -> Floats:
    """Flows with the elements of an outage taken out, nan where nothing is left [MW]."""
    case, every = context.case, context.case.contingencies
    load, share = context.load_for_islands_mw, context.share_mw[:, snapshot]
    if case.outages is not None and outage < every.n_single:
        return flows_after_outage(context.wires, int(case.outages.positions[outage]), injection, load, share)
    elements = case.joint.outages[outage - every.n_single].elements
    units = list(elements.generators)
    at = case.buses.index.get_indexer(case.generators["bus"].iloc[units])
    able = case.output_max_mw[context.snapshots[snapshot]].to_numpy(float)[units]
    injection, share = injection.copy(), share.copy()
    np.subtract.at(injection, at, point.output_mw[units])
    np.subtract.at(share, at, able)
    for key in elements.loads:
        injection[key[1]] += point.new_load_mw.get(key, 0.0)
    changed = np.array([*at, *(bus for _, bus in elements.loads)], dtype=np.intp)
    branches = np.array(elements.branches, dtype=np.intp)
    return flows_after_outage(context.wires, branches, injection, load, share, changed)
