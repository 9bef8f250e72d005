"""Deliveries: items that arrive year by year, which capacity of every kind takes.

Symbols
-------
A[i,t]   ``arriving``  items i that arrive after the period before and up to t [count]
a[i]     ``per_mw``    items that a MW of IT takes [1/MW]
q[i]     ``per_site``  items that a site takes [count]
z[i]     ``per_tie``   items that a tie takes [count]
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

        R[i,t] = sum_s (a[i] P[s] y[s,t] + q[i] x[s,t]) + z[i] sum_o v[o,t],  R[i,t] <= sum_(t' <= t) A[i,t']
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
    return pyo.quicksum(terms)


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Items in all that stands, by period."""
    return {"taken": tidy(["item", "period"], taken=b.taken)}
