"""Deliveries: items that arrive year by year, which capacity of every kind, its plant and the network take.

Symbols
-------
A[i,t]   ``arriving``  items i that arrive after the period before and up to t [count]
a[i]     ``per_mw``    items that a MW of IT takes [1/MW]
q[i]     ``per_site``  items that a site takes [count]
z[i]     ``per_tie``   items that a tie takes [count]
f[i,q]   ``per_supply_mw``   items that a MW of own supply takes, by technology [1/MW]
g[i,c]   ``per_cooling_mw``  items that a MW of IT takes which technology c cools [1/MW]
h[i]     ``per_backup_mw``   items that a MW of backup takes [1/MW]
d[i]     ``per_upgrade``     items that a network upgrade takes [count]
k[i]     ``per_circuit``     items that a new circuit takes [count]
R[i,t]   ``taken``     items in all that stands in t [count]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case
from optimizer.study.portfolio import Delivery

NEEDS = {"portfolio": ["deliveries"], "sites": ["block_mw", "max_blocks"], "ties": ["site"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare the items in all that stands, never more than have arrived."""
    T = list(case.periods.index)
    items = {one.item: one for one in case.portfolio.deliveries}
    b.taken = pyo.Var(list(items), T, domain=pyo.NonNegativeReals)
    for i, one in items.items():
        arrived = 0.0
        for t in T:
            arrived += one.arriving[t]
            b.taken[i, t].setub(arrived)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What is built takes items; what cannot be stored is lost with its period."""
    T = list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    items = {one.item: one for one in case.portfolio.deliveries}

    @constraint(b, list(items), T)
    def items_taken(b: Any, i: str, t: int) -> Any:
        """All that stands holds the items that its capacity, its sites and its ties take.

        R[i,t] = sum_s (a[i] P[s] y[s,t] + q[i] x[s,t]) + z[i] sum_o v[o,t] + sum_s sum_q f[i,q] K[s,q,t]
        + sum_s sum_c g[i,c] i[s,c,t] + h[i] sum_o B[o,t] + d[i] sum_u z[u,t] + k[i] sum_e sum_i z[e,i,t],
        R[i,t] <= sum_(t' <= t) A[i,t']
        """
        return b.taken[i, t] == _needs(items[i], case, m, t)

    @constraint(b, [i for i, one in items.items() if not one.storable], T[1:])
    def only_what_arrives(b: Any, i: str, t: int) -> Any:
        """What is newly built takes no more of an item that cannot be stored than arrives in its years.

        R[i,t] - R[i,t-1] <= A[i,t]
        """
        return b.taken[i, t] - b.taken[i, before[t]] <= items[i].arriving[t]


def _needs(one: Delivery, case: Case, m: pyo.ConcreteModel, t: int) -> Any:
    """Items in all that stands in a period."""
    terms: list[Any] = []
    for s in one.sites:
        if one.per_mw:
            terms.append(one.per_mw * m.siting.it_mw[s, t])
        if one.per_site:
            terms.append(one.per_site * m.siting.build[s, t])
        if one.per_tie:
            terms += [one.per_tie * m.interconnection.in_service[o, t] for o in case.ties_of_site[s]]
        terms += _of_plant(one, case, m, s, t)
    if one.per_upgrade and case.network is not None:
        terms += [one.per_upgrade * m.upgrades.in_service[u, t] for u in case.upgrades.index]
    if one.per_circuit and len(case.circuits):
        terms += [one.per_circuit * serves for (_, _, year), serves in m.expansion.built.items() if year == t]
    return pyo.quicksum(terms)


def _of_plant(one: Delivery, case: Case, m: pyo.ConcreteModel, s: str, t: int) -> list[Any]:
    """Items in a site's own supply, cooling plant and backup."""
    terms = []
    if one.per_supply_mw and case.supply is not None:
        own = [q for q in case.supply.technologies_of(s) if one.per_supply_mw.get(q)]
        terms += [one.per_supply_mw[q] * m.supply.capacity_mw[s, q, t] for q in own]
    if one.per_cooling_mw:
        cooled = [c for c in case.cooling_of_site[s] if one.per_cooling_mw.get(c)]
        terms += [one.per_cooling_mw[c] * m.cooling.it_mw[s, c, t] for c in cooled]
    if one.per_backup_mw and case.service is not None and case.service.backup is not None:
        terms += [one.per_backup_mw * m.service.backup_capacity_mw[s, t]] if case.ties_of_site[s] else []
    return terms


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Items in all that stands, by period."""
    return {"taken": tidy(["item", "period"], taken=b.taken)}
