"""Outages where circuits can be built: the rows that forbid what a plan breaks after one.

The network of a plan is known once its circuits are. Every outage of it is checked by the factors of that network, and
what is broken is forbidden in one of two ways, each of which holds for every plan, not only for the one that broke it:

* The outage of a branch or of a built unit that leaves its ends connected changes no injection. The network without it
  is then a copy of its own: angles, switched laws and emergency limits. Existing branches may keep the ends connected;
  else the units of one path do, and the copy holds where they are all built. Where one of them is not, every bus of the
  copy may be left unbalanced, which lets the copy be all zeros: it asks nothing. Neither does the copy without a branch
  whose place a circuit has taken: there is no such outage then.
* Any other outage splits the network, or takes generators or campuses, and what it leaves over depends on all that is
  built. Its limit is a row by the factors of the plan's own network, and holds for plans with the same circuits; for
  every circuit that differs it gives way by more than the row can ever be broken.

Symbols
-------
z[e,i,t]     ``built``              1 when unit i of circuit e serves in period t [-]
r[l,t]                              1 when a circuit has taken the place of branch l [-]
a[k,n,t,h]   ``after_angle_rad``    bus angle after outage k [rad]
f[k,e,i,t,h] ``after_flow_mw``      flow of unit i of circuit e after outage k [MW]
f[k,l,t,h]   ``after_branch_mw``    flow after outage k of a branch whose place a circuit may take [MW]
v[k,n,t,h]   ``unbalanced_mw``      what a copy that does not apply leaves over at bus n [MW]
P[k]                                units whose path keeps the ends of outage k connected
x[k,t]                              how many of P[k] are not built, and r[l,t] where k is the outage of branch l [-]
E[l], E[e]   ``rating_emergency_mw`` emergency rating [MW]
G[l,h]       ``rating_factor``      factor on the rating of l, or of circuit e, in a snapshot, 1 where none is given [-]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.algebra import RowsOnDemand, rows_on_demand
from optimizer.formulation.angle_bounds import MARGIN, AngleBounds, angle_bounds
from optimizer.formulation.rows import rating
from optimizer.formulation.topology_rows import TopologyRows
from optimizer.formulation.unit_paths import Unit
from optimizer.study.case import Case
from optimizer.study.circuits import joined_groups, realised


@dataclass(frozen=True)
class Copy:
    """The network after an outage.

    Parameters
    ----------
    branch : str
        Existing branch that is out, empty where a unit is.
    unit : tuple, optional
        Unit that is out.
    given : tuple of units
        Units that must be built for the copy to hold.
    """

    branch: str
    unit: Unit | None
    given: tuple[Unit, ...]

    @property
    def name(self) -> str:
        """Name of the copy, unique."""
        out = self.branch if self.unit is None else f"{self.unit[0]}/{self.unit[1]}"
        return f"without {out}" + "".join(f" with {e}/{i}" for e, i in self.given)


class Outages:
    """Copies and rows built so far, and what they are made of."""

    def __init__(self, b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
        self.block, self.case, self.model = b, case, m
        self.copies: dict[str, Copy] = {}
        self.standing: set[tuple[str, int, str]] = set()
        self.families: dict[str, RowsOnDemand] = {}
        self._bounds: dict[str, AngleBounds] = {}
        self._networks: dict[tuple[Any, ...], Case] = {}
        group = joined_groups(case)
        buses = case.grid_network.bus_ids
        self.first = {str(buses[int(k)]) for k in np.unique(group, return_index=True)[1]}
        self.topology = TopologyRows(b, case, m)

    def bounds(self, copy: Copy) -> AngleBounds:
        """Bounds of angles and flows after the outage of a copy."""
        # Where the circuit is out that has taken a branch's place, neither joins their buses.
        gone = copy.branch if copy.unit is None else str(self.case.circuits.at[copy.unit[0], "replaces"])
        if gone not in self._bounds:
            out = -1 if not gone else int(self.case.branches.index.get_loc(gone))
            self._bounds[gone] = angle_bounds(self.case, after_outage=True, out=out)
        return self._bounds[gone]

    def may_fail(self, copy: Copy) -> bool:
        """Whether there are plans for which a copy does not hold."""
        return bool(copy.given) or copy.branch in self.case.expansion.replacements

    def missing(self, copy: Copy, t: int) -> Any:
        """How many of the units that a copy needs are not built, and whether its branch is there no more."""
        if not self.may_fail(copy):
            return 0.0
        built = self.block.built
        gone = [built[e, 1, t] for e in self.case.expansion.replacements.get(copy.branch, [])]
        return len(copy.given) - pyo.quicksum(built[e, i, t] for e, i in copy.given) + pyo.quicksum(gone)

    def network(self, counts: Mapping[str, int], t: int) -> Case:
        """The case of a period with some circuits built, made once."""
        key = (t, *sorted(counts.items()))
        if key not in self._networks:
            self._networks[key] = realised(self.case, counts, t)
        return self._networks[key]

    def units(self, copy: Copy) -> list[Unit]:
        """Units that are not out."""
        return [unit for unit in self.case.expansion.units if unit != copy.unit]


def declare_outages(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Declare variables and rows of copies, none of which is built yet."""
    b.after_angle_rad = pyo.Var(pyo.Any, dense=False)
    b.after_flow_mw = pyo.Var(pyo.Any, dense=False)
    b.after_branch_mw = pyo.Var(pyo.Any, dense=False)
    b.unbalanced_mw = pyo.Var(pyo.Any, dense=False)
    b.outages = Outages(b, case, m)
    _declare_flows(b, case, m)
    _declare_limits(b, case, m)
    _declare_replaced(b, case)


def _declare_flows(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    network, outages, circuits = case.grid_network, b.outages, case.circuits
    # With all angles 0 phase shifters still drive what they drive.
    units = (circuits["susceptance_mw"] * circuits["shift_rad"]).abs() @ circuits["max_count"]
    driven = float(np.abs(network.susceptance_mw) @ np.abs(network.shift_rad) + units)
    # Stores and links may take what sources give.
    driven += float(-case.output_min_mw.clip(upper=0.0).sum().min())
    ends = {str(l): (str(n), str(k)) for l, n, k in case.branches[["from_bus", "to_bus"]].itertuples(name=None)}
    at: dict[str, list[tuple[int, str]]] = {str(n): [] for n in network.bus_ids}
    for l, (n, k) in ends.items():
        at[n].append((1, l))
        at[k].append((-1, l))

    @rows_on_demand(b)
    def balance_after(b: Any, k: str, n: str, t: int, h: str) -> Any:
        """After an outage generation less what leaves a bus is still its load, old and new.

        sum_{g at n} p[g,t,h] - w[n,t,h] - sum_{l from n} f[k,l,t,h] + sum_{l to n} f[k,l,t,h] + v[k,n,t,h] = d[n,t,h]
        """
        copy = outages.copies[k]
        out: Any = 0.0
        for sign, l in at[n]:
            if l != copy.branch:
                out = out + sign * existing_flow(b, case, k, l, t, h)
        for e, i in outages.units(copy):
            row = case.circuits.loc[e]
            if n in (row.from_bus, row.to_bus):
                out = out + (1 if n == row.from_bus else -1) * b.after_flow_mw[k, e, i, t, h]
        over = b.unbalanced_mw[k, n, t, h] if outages.may_fail(copy) else 0.0
        given = m.ledgers.output_mw[n, t, h] - m.ledgers.withdrawal_mw[n, t, h]
        total = given - out + over
        load = float(case.load_mw.at[n, (t, h)])
        if isinstance(total, float):
            return pyo.Constraint.Feasible
        return total == load

    @rows_on_demand(b)
    def balanced_where_it_holds(b: Any, k: str, n: str, t: int, h: str, side: int) -> Any:
        """Nothing is left over where the copy holds.

        -W[n] x[k,t] <= v[k,n,t,h] <= W[n] x[k,t]
        """
        most = outages.bounds(outages.copies[k]).source_mw + abs(float(case.load_mw.at[n, (t, h)])) + driven
        return side * b.unbalanced_mw[k, n, t, h] <= most * outages.missing(outages.copies[k], t)

    outages.families |= {"balance": balance_after, "whole": balanced_where_it_holds}


def existing_flow(b: pyo.Block, case: Case, k: str, l: str, t: int, h: str) -> Any:
    """Flow of an existing branch in a copy, as an expression of angles; a variable where it may be replaced [MW]."""
    if l in case.expansion.replacements:
        return b.after_branch_mw[k, l, t, h]
    return angle_flow(b, case, k, l, t, h)


def angle_flow(b: pyo.Block, case: Case, k: str, l: str, t: int, h: str) -> Any:
    """Flow that the angles at the ends of an existing branch call for in a copy [MW]."""
    network = case.grid_network
    at = network.branch_ids.get_loc(l)
    mw, shift = float(network.susceptance_mw[at]), float(network.shift_rad[at])
    start, end = case.branches.at[l, "from_bus"], case.branches.at[l, "to_bus"]
    return mw * b.after_angle_rad[k, start, t, h] - mw * b.after_angle_rad[k, end, t, h] - mw * shift


def _declare_limits(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    network, outages, circuits = case.grid_network, b.outages, case.circuits

    @rows_on_demand(b)
    def within_emergency_rating(b: Any, k: str, l: str, t: int, h: str, side: int) -> Any:
        """After the outage a branch carries no more than its emergency rating, upgrades included.

        -G[l,h] (E[l] + upgrades) <= f[k,l,t,h] <= G[l,h] (E[l] + upgrades),
        f[k,l,t,h] = B[l] (a[k,from,t,h] - a[k,to,t,h] - shift[l])
        """
        at = network.branch_ids.get_loc(l)
        driven = abs(float(network.susceptance_mw[at] * network.shift_rad[at]))
        limit = sum(rating(case, m, l, t, h, after_outage=True))
        return side * existing_flow(b, case, k, l, t, h) <= limit + driven * outages.missing(outages.copies[k], t)

    @rows_on_demand(b)
    def switched_law_after(b: Any, k: str, e: str, i: int, t: int, h: str, side: int) -> Any:
        """After the outage too, a new circuit follows the angles at its ends where it is built.

        -M[k,e] (1 - z[e,i,t]) <= f[k,e,i,t,h] - B[e] (a[k,from,t,h] - a[k,to,t,h] - shift[e]) <= M[k,e] (1 - z[e,i,t])
        """
        row, most = circuits.loc[e], outages.bounds(outages.copies[k]).law_mw(case, e)
        mw, shift = float(row.susceptance_mw), float(row.shift_rad)
        across = b.after_angle_rad[k, row.from_bus, t, h] - b.after_angle_rad[k, row.to_bus, t, h]
        apart = b.after_flow_mw[k, e, i, t, h] - mw * across
        return side * apart + most * b.built[e, i, t] <= most - side * mw * shift

    @rows_on_demand(b)
    def within_unit_emergency_rating(b: Any, k: str, e: str, i: int, t: int, h: str, side: int) -> Any:
        """After the outage a new circuit carries no more than its emergency rating, and nothing if not built.

        -G[e,h] E[e] z[e,i,t] <= f[k,e,i,t,h] <= G[e,h] E[e] z[e,i,t]
        """
        copy, factor = outages.copies[k], case.rating_factor_of(case.expansion.unit_name(e, i), h, after_outage=True)
        given = factor * float(circuits.at[e, "rating_emergency_mw"])
        limit = given if np.isfinite(given) else outages.bounds(copy).flow_mw[e]
        driven = abs(float(circuits.at[e, "susceptance_mw"] * circuits.at[e, "shift_rad"]))
        room = driven * outages.missing(copy, t)
        return side * b.after_flow_mw[k, e, i, t, h] <= limit * b.built[e, i, t] + room

    outages.families |= {
        "limit": within_emergency_rating,
        "law": switched_law_after,
        "unit": within_unit_emergency_rating,
    }


def _declare_replaced(b: pyo.Block, case: Case) -> None:
    network, outages = case.grid_network, b.outages

    def driven(k: str, l: str, t: int) -> Any:
        """What the branch's phase shift drives in a copy that asks nothing [MW]."""
        at = network.branch_ids.get_loc(l)
        return abs(float(network.susceptance_mw[at] * network.shift_rad[at])) * outages.missing(outages.copies[k], t)

    @rows_on_demand(b)
    def law_until_replaced_after(b: Any, k: str, l: str, t: int, h: str, side: int) -> Any:
        """After the outage too, a branch follows the angles at its ends until a circuit takes its place.

        -M[k,l] r[l,t] <= f[k,l,t,h] - B[l] (a[k,from,t,h] - a[k,to,t,h] - shift[l]) <= M[k,l] r[l,t]
        """
        most = outages.bounds(outages.copies[k]).replaced_law_mw[l]
        gone = pyo.quicksum(b.built[e, 1, t] for e in case.expansion.replacements[l])
        return side * (b.after_branch_mw[k, l, t, h] - angle_flow(b, case, k, l, t, h)) <= most * gone

    @rows_on_demand(b)
    def nothing_once_replaced_after(b: Any, k: str, l: str, t: int, h: str, side: int) -> Any:
        """After the outage too, a branch carries nothing once a circuit has taken its place.

        -Q[k,l] (1 - r[l,t]) <= f[k,l,t,h] <= Q[k,l] (1 - r[l,t])
        """
        most = MARGIN * float(outages.bounds(outages.copies[k]).branch_flow_mw[network.branch_ids.get_loc(l)])
        gone = pyo.quicksum(b.built[e, 1, t] for e in case.expansion.replacements[l])
        return side * b.after_branch_mw[k, l, t, h] <= most * (1 - gone) + driven(k, l, t)

    outages.families |= {"gone law": law_until_replaced_after, "gone": nothing_once_replaced_after}


def add_copy(b: pyo.Block, copy: Copy, t: int, h: str) -> list[Any]:
    """Build the network after an outage in a period and snapshot; return the rows, none where it stands."""
    outages = b.outages
    case, k, made = outages.case, copy.name, outages.families
    outages.copies[k] = copy
    buses = [str(n) for n in case.grid_network.bus_ids]
    if (k, t, h) in outages.standing:
        return []
    outages.standing.add((k, t, h))
    # A reference is a constant before any row reads it.
    for n in outages.first:
        b.after_angle_rad[k, n, t, h].fix(0.0)
    rows = [made["balance"].add(k, n, t, h) for n in buses]
    if outages.may_fail(copy):
        rows += [made["whole"].add(k, n, t, h, side) for n in buses for side in (1, -1)]
    rated = case.branches.index[np.isfinite(case.branches["rating_emergency_mw"])]
    rows += [made["limit"].add(k, str(l), t, h, side) for l in rated if l != copy.branch for side in (1, -1)]
    for e, i in outages.units(copy):
        rows += [made[family].add(k, e, i, t, h, side) for family in ("law", "unit") for side in (1, -1)]
    for l in case.expansion.replacements:
        if l != copy.branch:
            rows += [made[family].add(k, l, t, h, side) for family in ("gone law", "gone") for side in (1, -1)]
    return [row for row in rows if row is not None]
