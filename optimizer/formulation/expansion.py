"""Expansion: new circuits, which change impedances, and the flows of the network that they make.

Distribution factors of the existing network no longer hold once a circuit can be built. A study with circuits on offer
therefore has bus angles: with everything in service for every branch from the beginning, after outages where a plan
breaks a limit (`expansion_outages`). The law of a circuit is switched by its decision; the bound that switches it off
is proven sufficient in `angle_bounds`. Parallel units of a circuit are alike and built in order. A rebuild is a circuit
that takes the place of an existing branch between the same buses: when its first unit serves, the branch is out of
service for good, and its own law is switched off.

Symbols
-------
z[e,i,t]    ``built``          1 when unit i of circuit e serves in period t [-]
r[l,t]                         1 when a circuit has taken the place of branch l, sum_e z[e,1,t] over those that may [-]
a[n,t,h]    ``angle_rad``      bus angle [rad]
f[l,t,h]    ``flow_mw``        flow of existing branch l, positive from its from-bus to its to-bus [MW]
f[e,i,t,h]  ``unit_flow_mw``   flow of unit i of circuit e [MW]
B[l], B[e]  ``susceptance_mw`` susceptance [MW/rad]
R[l], R[e]  ``rating_mw``      normal rating [MW]
F[l,h]      ``rating_factor``  factor on the rating of l, or of circuit e, in a snapshot, 1 where none is given [-]
M[e], M[l]                     bound of the switched law [MW]
Q[l]                           most that branch l can carry [MW]
C[e]        ``annuity_musd``   yearly cost of one unit while in service [M$/year]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.formulation.angle_bounds import MARGIN, AngleBounds, angle_bounds
from optimizer.formulation.expansion_cut import cut
from optimizer.formulation.expansion_outages import declare_outages
from optimizer.formulation.rows import rating
from optimizer.study.case import Case
from optimizer.study.circuits import joined_groups

__all__ = ["constrain", "cut", "declare", "tables"]

NEEDS = {
    "circuits": ["from_bus", "to_bus", "susceptance_mw", "rating_mw", "max_count", "annuity_musd", "ready", "replaces"],
    "branches": ["rating_mw", "flow_min_mw", "flow_max_mw"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is built, angles and flows; post cost."""
    T, H = list(case.periods.index), list(case.snapshots.index)
    units = case.expansion.units
    b.built = pyo.Var(units, T, domain=pyo.Binary)
    b.angle_rad = pyo.Var([str(n) for n in case.grid_network.bus_ids], T, H)
    b.flow_mw = pyo.Var([str(l) for l in case.branches.index], T, H)
    b.unit_flow_mw = pyo.Var(units, T, H)
    share = case.network_cost_share
    for e, i in units:
        row = case.circuits.loc[e]
        for t in T:
            serves = b.built[e, i, t]
            years = case.periods.at[t, "annuity_years"]
            ledgers.cost_musd.post(("circuits", t), years * share * float(row.annuity_musd) * serves)
            ledgers.investment_musd.post(t, share * float(row.cost_musd) * serves)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What is built, the law of flow, and normal limits; rows after outages as they are needed."""
    bounds = angle_bounds(case)
    _constrain_service(b, case)
    _constrain_existing(b, case, m)
    _constrain_replaced(b, case, bounds)
    _constrain_units(b, case, bounds)
    declare_outages(b, case, m)


def _constrain_service(b: pyo.Block, case: Case) -> None:
    T, units, replacements = list(case.periods.index), case.expansion.units, case.expansion.replacements
    before = dict(zip(T[1:], T[:-1], strict=True))

    @constraint(b, units, T[1:])
    def stays_in_service(b: Any, e: str, i: int, t: int) -> Any:
        """A circuit once in service stays in service.

        z[e,i,t-1] <= z[e,i,t]
        """
        return b.built[e, i, before[t]] <= b.built[e, i, t]

    @constraint(b, [(e, i) for e, i in units if i > 1], T)
    def units_in_order(b: Any, e: str, i: int, t: int) -> Any:
        """Units of a circuit are alike: one is built only after the one before it.

        z[e,i,t] <= z[e,i-1,t]
        """
        return b.built[e, i, t] <= b.built[e, i - 1, t]

    @constraint(b, [(e, i, t) for e, i in units for t in T if t < case.circuits.at[e, "ready"]])
    def not_before_ready(b: Any, e: str, i: int, t: int) -> Any:
        """A circuit does not serve before the first year in which it can.

        z[e,i,t] = 0  for t < ready[e]
        """
        return b.built[e, i, t] == 0

    @constraint(b, [l for l, options in replacements.items() if len(options) > 1], T)
    def replaced_once(b: Any, l: str, t: int) -> Any:
        """One circuit at most takes the place of a branch.

        r[l,t] <= 1
        """
        return replaced(b, case, l, t) <= 1


def replaced(b: pyo.Block, case: Case, l: str, t: int) -> Any:
    """Whether a circuit has taken the place of a branch, as an expression of what is built [-]."""
    return pyo.quicksum(b.built[e, 1, t] for e in case.expansion.replacements[l])


def _constrain_existing(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    T, H, network = list(case.periods.index), list(case.snapshots.index), case.grid_network
    buses, branches = [str(n) for n in network.bus_ids], case.branches
    start = dict(zip(branches.index, branches["from_bus"], strict=True))
    end = dict(zip(branches.index, branches["to_bus"], strict=True))
    leaving = {n: [] for n in buses}  # type: dict[str, list[Any]]
    for ends, sign in (("from_bus", 1), ("to_bus", -1)):
        for l, n in branches[ends].items():
            leaving[n].append((sign, str(l), 0))
        for e, i in case.expansion.units:
            leaving[case.circuits.at[e, ends]].append((sign, e, i))

    @constraint(b, buses, T, H)
    def balance(b: Any, n: str, t: int, h: str) -> Any:
        """At every bus generation less what leaves over branches and circuits is existing load and new load.

        sum_{g at n} p[g,t,h] - w[n,t,h] - sum_{l from n} f[l,t,h] + sum_{l to n} f[l,t,h] = d[n,t,h]
        """
        out = pyo.quicksum(
            sign * (b.unit_flow_mw[x, i, t, h] if i else b.flow_mw[x, t, h]) for sign, x, i in leaving[n]
        )
        given = m.ledgers.output_mw[n, t, h] - m.ledgers.withdrawal_mw[n, t, h]
        load = float(case.load_mw.at[n, (t, h)])
        if not leaving[n] and isinstance(given, float):
            return pyo.Constraint.Feasible if abs(load) < 1e-9 else pyo.Constraint.Infeasible
        return given - out == load

    stays = [str(l) for l in branches.index if str(l) not in case.expansion.replacements]

    @constraint(b, stays, T, H)
    def flow_law(b: Any, l: str, t: int, h: str) -> Any:
        """The flow of an existing branch follows the angles at its ends.

        f[l,t,h] = B[l] (a[from,t,h] - a[to,t,h] - shift[l])
        """
        k = network.branch_ids.get_loc(l)
        mw, shift = float(network.susceptance_mw[k]), float(network.shift_rad[k])
        across = b.angle_rad[start[l], t, h] - b.angle_rad[end[l], t, h]
        return b.flow_mw[l, t, h] - mw * across == -mw * shift

    rated = [str(l) for l in branches.index[np.isfinite(branches["rating_mw"])]]

    @constraint(b, rated, T, H, [1, -1])
    def within_normal_rating(b: Any, l: str, t: int, h: str, side: int) -> Any:
        """A branch carries no more than its normal rating, upgrades included, with everything in service.

        -F[l,h] (R[l] + upgrades) <= f[l,t,h] <= F[l,h] (R[l] + upgrades)
        """
        rated, added = rating(case, m, l, t, h)
        return side * b.flow_mw[l, t, h] <= rated + added

    group = joined_groups(case)
    first = [buses[int(k)] for k in np.unique(group, return_index=True)[1]]
    for l, t, h in ((l, t, h) for l in stays for t in T for h in H):
        low, high = branches.at[l, "flow_min_mw"], branches.at[l, "flow_max_mw"]
        b.flow_mw[l, t, h].setlb(None if np.isinf(low) else float(low))
        b.flow_mw[l, t, h].setub(None if np.isinf(high) else float(high))
    for n in first:
        for t in T:
            for h in H:
                b.angle_rad[n, t, h].fix(0.0)


def _constrain_replaced(b: pyo.Block, case: Case, bounds: AngleBounds) -> None:
    T, H, network = list(case.periods.index), list(case.snapshots.index), case.grid_network
    names = list(case.expansion.replacements)

    @constraint(b, names, T, H, [1, -1])
    def law_until_replaced(b: Any, l: str, t: int, h: str, side: int) -> Any:
        """The flow of a branch follows the angles at its ends, until a circuit takes its place.

        -M[l] r[l,t] <= f[l,t,h] - B[l] (a[from,t,h] - a[to,t,h] - shift[l]) <= M[l] r[l,t]
        """
        k, most = network.branch_ids.get_loc(l), bounds.replaced_law_mw[l]
        mw, shift = float(network.susceptance_mw[k]), float(network.shift_rad[k])
        start, end = case.branches.at[l, "from_bus"], case.branches.at[l, "to_bus"]
        apart = b.flow_mw[l, t, h] - mw * (b.angle_rad[start, t, h] - b.angle_rad[end, t, h])
        return side * apart - most * replaced(b, case, l, t) <= -side * mw * shift

    @constraint(b, names, T, H, [1, -1])
    def nothing_once_replaced(b: Any, l: str, t: int, h: str, side: int) -> Any:
        """A branch carries what its angle limits allow, and nothing once a circuit has taken its place.

        max(-Q[l], least[l]) (1 - r[l,t]) <= f[l,t,h] <= min(Q[l], most[l]) (1 - r[l,t])
        """
        limit = carried_limit(case, bounds, l, side)
        return side * b.flow_mw[l, t, h] + limit * replaced(b, case, l, t) <= limit


def carried_limit(case: Case, bounds: AngleBounds, l: str, side: int) -> float:
    """Most that a branch can carry in a direction with everything in service [MW].

    Widened by a hundredth where no angle limits it, so that its rating is what binds.
    """
    row = case.branches.loc[l]
    by_angle = float(row["flow_max_mw"]) if side > 0 else -float(row["flow_min_mw"])
    return min(by_angle, MARGIN * float(bounds.branch_flow_mw[case.branches.index.get_loc(l)]))


def _constrain_units(b: pyo.Block, case: Case, bounds: AngleBounds) -> None:
    T, H, units, circuits = list(case.periods.index), list(case.snapshots.index), case.expansion.units, case.circuits

    @constraint(b, units, T, H, [1, -1])
    def switched_law(b: Any, e: str, i: int, t: int, h: str, side: int) -> Any:
        """The flow of a new circuit follows the angles at its ends where it is built, and is free of them where not.

        -M[e] (1 - z[e,i,t]) <= f[e,i,t,h] - B[e] (a[from,t,h] - a[to,t,h] - shift[e]) <= M[e] (1 - z[e,i,t])
        """
        row, most = circuits.loc[e], bounds.law_mw(case, e)
        across = b.angle_rad[row.from_bus, t, h] - b.angle_rad[row.to_bus, t, h]
        mw, shift = float(row.susceptance_mw), float(row.shift_rad)
        apart = b.unit_flow_mw[e, i, t, h] - mw * across
        return side * apart + most * b.built[e, i, t] <= most - side * mw * shift

    @constraint(b, units, T, H, [1, -1])
    def within_unit_rating(b: Any, e: str, i: int, t: int, h: str, side: int) -> Any:
        """A new circuit carries no more than its normal rating and its angle limits allow, and nothing if not built.

        max(-F[e,h] R[e], least[e]) z[e,i,t] <= f[e,i,t,h] <= min(F[e,h] R[e], most[e]) z[e,i,t]
        """
        row, most = circuits.loc[e], bounds.flow_mw[e]
        by_angle = float(row.flow_max_mw) if side > 0 else -float(row.flow_min_mw)
        factor = case.rating_factor_of(case.expansion.unit_name(e, i), h)
        limit = min(factor * float(row.rating_mw), by_angle)
        # Without a limit the bound of the flow, which never binds, takes its place.
        limit = limit if np.isfinite(limit) else most
        return side * b.unit_flow_mw[e, i, t, h] <= limit * b.built[e, i, t]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Units in service by circuit and period."""
    rows = tidy(["circuit", "unit", "period"], built=b.built)
    count = rows.groupby(["circuit", "period"], sort=False)["built"].sum().rename("count").reset_index()
    return {"circuit_service": count}
