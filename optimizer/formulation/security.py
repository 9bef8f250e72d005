"""Security: after any one outage every branch stays within its emergency rating.

Symbols
-------
f[l,t,h]   ``flow_mw``              flow with everything in service [MW]
y[j,t,h]                            what outage k takes away, one by one [MW]
D[l,j,h]                            share of y[j,t,h] that moves to branch l [-]
E[l]       ``rating_emergency_mw``  emergency rating [MW]
G[l,h]     ``rating_factor``        factor on it in a snapshot, 1 where the study gives none [-]
u[o,t,h]   ``dropped_mw``           non-firm load of tie o that is dropped after any outage [MW]
R[l,o,h]                            flow over branch l of a MW that is dropped at tie o [-]

What an outage takes away are the flows of the branches out, the outputs of the generators lost, and the power that a
lost campus draws at each of its points of interconnection. For the outage of one branch D is its line outage
distribution factor, for several branches their joint one. What an outage leaves without balance, where it splits the
network or takes a generator or a campus, is taken up by the other generators of the part that stays in proportion to
p_max x availability. So is load that is dropped, after every outage alike: f and y are what they are once it is
(`optimizer.grid.dropping`), which is one further flow of each branch and not one for each outage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray

from optimizer.algebra import Ledgers, rows_on_demand
from optimizer.formulation import power_flow
from optimizer.formulation.power_flow import added_ratings, flow_of
from optimizer.formulation.rows import Broken, NewRows, rating
from optimizer.grid.joint import Driver
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.study.case import Case

NEEDS = {
    "branches": ["rating_emergency_mw", "monitored"],
    "generators": ["bus"],
    "ties": ["site", "bus"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Security has no variables of its own: it limits those of power flow, dispatch and interconnection."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Emergency ratings after every outage."""
    snapshot_number = {str(h): i for i, h in enumerate(case.snapshots.index)}

    @rows_on_demand(b)
    def within_emergency_rating(b: Any, branch: str, outage: str, t: int, h: str, side: int) -> Any:
        """After the outage a branch carries no more than its emergency rating, upgrades included.

        -G[l,h] (E[l] + upgrades) <= f[l,t,h] + sum_o R[l,o,h] u[o,t,h] + sum_j D[l,j,h] y[j,t,h]
        <= G[l,h] (E[l] + upgrades)
        """
        number = case.contingencies.number_of[outage]
        factors, _ = case.contingencies.factors(number, snapshot_number[h])
        factor = factors[case.branches.index.get_loc(branch)]
        flow = _flow(case, m, branch, t, h)
        for driver, share in zip(case.contingencies.drivers(number), factor.tolist(), strict=True):
            flow = flow + share * _taken_away(case, m, driver, t, h)
        rated, added = rating(case, m, branch, t, h, after_outage=True)
        limit = rated + m.allowances.mw(branch, outage, h)
        return side * flow <= limit + added

    b.rows = within_emergency_rating


def _flow(case: Case, m: pyo.ConcreteModel, branch: str, t: int, h: str) -> Any:
    """Flow of a branch once load is dropped, with everything in service, as an expression [MW]."""
    flow, dropped = m.power_flow.flow_mw[branch, t, h], _dropped(case, m, t, h)
    if not dropped:
        return flow
    buses, number = np.array([bus for _, bus, _ in dropped], dtype=np.intp), list(case.snapshots.index).index(h)
    factors = case.dropping.flow_factors(int(case.branches.index.get_loc(branch)), buses, number)
    return flow + pyo.quicksum(factor * mw for factor, (_, _, mw) in zip(factors.tolist(), dropped, strict=True))


def _dropped(case: Case, m: pyo.ConcreteModel, t: int, h: str) -> list[tuple[str, int, Any]]:
    """Site, bus position and load that is dropped after an outage [MW] of each tie; nothing where none is."""
    if not m.ledgers.dropped_mw.keys():
        return []
    at = case.grid_network.bus_ids.get_loc
    return [
        (s, int(at(n)), m.ledgers.dropped_mw[o, t, h]) for o, s, n in case.ties[["site", "bus"]].itertuples(name=None)
    ]


def _taken_away(case: Case, m: pyo.ConcreteModel, driver: Driver, t: int, h: str) -> Any:
    """What an outage takes away, as an expression [MW]; a campus of which the case has no site draws nothing."""
    if driver.kind == "branch":
        return _flow(case, m, str(case.branches.index[driver.position]), t, h)
    if driver.kind == "generator":
        output = m.dispatch.output_mw[str(case.generators.index[driver.position]), t, h]
        dropped, number = _dropped(case, m, t, h), list(case.snapshots.index).index(h)
        if not dropped:
            return output
        buses = np.array([bus for _, bus, _ in dropped], dtype=np.intp)
        factors = case.dropping.output_factors(driver.position, buses, number)
        return output + pyo.quicksum(f * mw for f, (_, _, mw) in zip(factors.tolist(), dropped, strict=True))
    s, n = driver.load, str(case.grid_network.bus_ids[driver.position])
    ties = [o for o in case.ties_of_site.get(s, []) if case.ties.at[o, "bus"] == n]
    drawn = pyo.quicksum(
        float(case.pue.at[(s, c), h]) * m.interconnection.it_mw[o, c, t] for o in ties for c in case.cooling_of_site[s]
    )
    # What relieves it, its own supply and what is dropped of it go with the campus.
    gone = (m.ledgers.relief_mw, m.ledgers.own_supply_mw, m.ledgers.dropped_mw)
    return drawn - pyo.quicksum(ledger[o, t, h] for o in ties for ledger in gone)


def row_of(b: pyo.Block, case: Case, m: pyo.ConcreteModel, branch: str, outage: str, t: int, h: str, side: int) -> Any:
    """Build an emergency limit and the flows that it needs; return the rows added, variables they bring included."""
    added = flow_of(m.power_flow, case, branch, t, h)
    for driver in case.contingencies.drivers(case.contingencies.number_of[outage]):
        if driver.kind == "branch":
            added += flow_of(m.power_flow, case, str(case.branches.index[driver.position]), t, h)
    made = b.rows.add(branch, outage, t, h, side)
    return added if made is None else [*added, made]


def operating_point(case: Case, m: pyo.ConcreteModel, t: int, h: str, flow_mw: NDArray[np.float64]) -> OperatingPoint:
    """How the system runs in a period and snapshot under the solution the model holds, once load is dropped.

    Parameters
    ----------
    case, m
        The case, and its model with a solution.
    t, h
        Period and snapshot.
    flow_mw : ndarray, shape (n_branch,)
        Flows before anything is dropped [MW].
    """
    loads: dict[tuple[str, int], float] = {}
    output = np.zeros(len(case.generators))
    # Outages of single branches need flows only.
    if len(case.joint):
        output = np.array([m.dispatch.output_mw[g, t, h].value for g in case.generators.index], dtype=float)
        drawn = m.interconnection.it_mw.items() if len(case.ties) else ()
        for (o, c, year), it_mw in drawn:
            if year == t and it_mw.value:
                s, n = case.ties.loc[o, ["site", "bus"]]
                key = (s, int(case.grid_network.bus_ids.get_loc(n)))
                loads[key] = loads.get(key, 0.0) + float(case.pue.at[(s, c), h]) * it_mw.value
        for o, s, n in case.ties[["site", "bus"]].itertuples(name=None):
            own = pyo.value(m.ledgers.relief_mw[o, t, h]) + pyo.value(m.ledgers.own_supply_mw[o, t, h])
            if own:
                key = (s, int(case.grid_network.bus_ids.get_loc(n)))
                loads[key] = loads.get(key, 0.0) - float(own)
    point = OperatingPoint(flow_mw, output, loads)
    if not m.ledgers.dropped_mw.keys():
        return point
    dropped: dict[tuple[str, int], float] = {}
    for s, bus, mw in _dropped(case, m, t, h):
        dropped[s, bus] = dropped.get((s, bus), 0.0) + float(pyo.value(mw))
    return case.dropping.after(point, dropped, list(case.snapshots.index).index(h))


def flow_after(case: Case, m: pyo.ConcreteModel, branch: str, outage: str, t: int, h: str) -> float:
    """Flow of a branch after an outage under the solution the model holds, of which the row is built [MW]."""
    number = case.contingencies.number_of[outage]
    factors, _ = case.contingencies.factors(number, list(case.snapshots.index).index(h))
    factor = factors[case.branches.index.get_loc(branch)]
    moved = [pyo.value(_taken_away(case, m, driver, t, h)) for driver in case.contingencies.drivers(number)]
    return float(pyo.value(_flow(case, m, branch, t, h)) + factor @ np.array(moved, dtype=float))


def looks(
    case: Case, m: pyo.ConcreteModel, tolerance_mw: float, caps: tuple[int, int], everywhere: bool
) -> Iterator[tuple[Sequence[str], Broken]]:
    """What to look at, one after the other until something needs a row, under the solution the model holds.

    Normal limits of monitored branches come first: a dispatch that breaks them breaks their limits after nearly every
    outage as well, by rows that a better one does not need. Then every outage is looked at once, on every branch:
    where no monitored branch needs a row, the same screening serves for the others.

    Parameters
    ----------
    tolerance_mw : float
        An excess up to this is not a broken limit [MW].
    caps : (int, int)
        Most rows at a time of a branch, and of a period and snapshot.
    everywhere : bool
        Look at everything at once.

    Yields
    ------
    (sequence of str, Broken)
        Names of the parts to cut, and what they need.
    """
    flows = power_flow.flows(case, m)
    before = Broken(flows, {}, case.branches["monitored"].to_numpy(), tolerance_mw, *caps)
    if not everywhere:
        yield ("power_flow",), before
    is_secured = m.component("security") is not None
    after = replace(before, after_outages=_after_outages(case, m, before)) if is_secured else before
    if is_secured and not everywhere:
        yield ("security",), after
    yield ("power_flow", "security") if is_secured else ("power_flow",), after.everywhere()


def _after_outages(case: Case, m: pyo.ConcreteModel, broken: Broken) -> dict[tuple[int, str], pd.DataFrame]:
    upgraded = added_ratings(case, m, m.ledgers.rating_emergency_mw)
    after: dict[tuple[int, str], pd.DataFrame] = {}
    for number, h in enumerate(case.snapshots.index):
        allowed = m.allowances.after_outages(case, h)
        for t in case.periods.index:
            rated = case.branches["rating_emergency_mw"].to_numpy() + upgraded[t]
            limit = rated * case.rating_factor(h, after_outage=True)
            point = operating_point(case, m, t, h, broken.flows[t, h])
            after[t, h] = case.contingencies.broken(point, number, limit, broken.tolerance_mw, allowed)
    return after


def cut(b: pyo.Block, case: Case, m: pyo.ConcreteModel, broken: Broken) -> NewRows:
    """Add the emergency limits that the solution breaks, the worst few of each branch."""
    added: list[Any] = []
    worst = 0.0
    for t, h in broken.flows:
        every = broken.after_outages[t, h]
        found = every[broken.looked_at[every["branch"].to_numpy()]]
        if found.empty:
            continue
        worst = max(worst, float(found["excess_mw"].max()))
        found = found.sort_values(["excess_mw", "outage", "branch"], ascending=[False, True, True])
        found = found.groupby("branch", sort=False).head(broken.rows_per_branch).head(broken.rows_per_snapshot)
        for row in found.itertuples():
            branch, outage = str(case.branches.index[row.branch]), case.contingencies.names[row.outage]
            added += row_of(b, case, m, branch, outage, t, h, 1 if row.flow_mw > 0 else -1)
    return NewRows(tuple(added), worst)


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Security reports through the check of every outage on every branch."""
    return {}
