"""Siting: which sites are built, and how many whole blocks each carries in each period.

Symbols
-------
x[s,t]  ``build``             1 when site s is built by period t [-]
y[s,t]  ``blocks``            whole blocks of IT load in service [-]
a[t]    ``shortfall_mw``      IT load that is not served, at the stated price [MW]
P[s]    ``block_mw``          IT load of one block [MW]
e[s]    ``annuity_musd_per_mw`` of ``equipment``  yearly cost of IT per MW, where it counts [M$/MW-year]
D[t]    ``demand_mw``         IT load that must be in service [MW]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case

NEEDS = {
    "sites": [
        "block_mw",
        "max_blocks",
        "min_blocks",
        "fixed_annuity_musd",
        "block_annuity_musd",
        "fixed_cost_musd",
        "block_cost_musd",
    ],
    "periods": ["annuity_years"],
    "portfolio": ["embodied_musd_per_mw_year"],
    "equipment": ["once_musd_per_mw", "annuity_musd_per_mw"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare sites, blocks and shortfall; post their cost, and the shortfall itself."""
    S, T = case.sites, list(case.periods.index)
    b.build = pyo.Var(list(S.index), T, domain=pyo.Binary)
    b.blocks = pyo.Var(list(S.index), T, domain=pyo.NonNegativeIntegers)
    # Where workloads are given, they say what is served and what is not.
    totals = T if case.workloads is None else []
    b.shortfall_mw = pyo.Var(totals, domain=pyo.NonNegativeReals)
    block_mw = S["block_mw"].to_dict()
    b.it_mw = pyo.Expression(list(S.index), T, rule=lambda b, s, t: block_mw[s] * b.blocks[s, t])
    years, embodied = case.periods["annuity_years"].to_dict(), case.portfolio.embodied_musd_per_mw_year(S.index)
    outfit, outfit_yearly = case.equipment.once_musd(S), case.equipment.annuity_musd(S)
    for row in S[NEEDS["sites"]].itertuples():
        s = row.Index
        for t in T:
            b.blocks[s, t].setub(int(row.max_blocks))
            yearly = row.fixed_annuity_musd * b.build[s, t] + row.block_annuity_musd * b.blocks[s, t]
            ledgers.cost_musd.post(("sites", t), years[t] * yearly)
            once = row.fixed_cost_musd * b.build[s, t] + row.block_cost_musd * b.blocks[s, t]
            ledgers.investment_musd.post(t, once)
            if case.equipment.counts:
                ledgers.cost_musd.post(("it_equipment", t), years[t] * float(outfit_yearly[s]) * b.blocks[s, t])
                ledgers.investment_musd.post(t, float(outfit[s]) * b.blocks[s, t])
            if embodied[s]:
                ledgers.cost_musd.post(("carbon", t), years[t] * float(embodied[s]) * b.it_mw[s, t])
    for t in totals:
        penalty = case.penalty_musd_per_mw_year(t)
        ledgers.shortfall_mw.post(t, b.shortfall_mw[t])
        if penalty is None:
            b.shortfall_mw[t].setub(0.0)
        else:
            # A column without end would leave bounds unproven; twice the target leaves room to move the target.
            b.shortfall_mw[t].setub(2.0 * float(case.demand_mw.get(t, 0.0)))
            ledgers.cost_musd.post(("shortfall", t), years[t] * penalty * b.shortfall_mw[t])


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Demand, sizes, and that nothing built is undone."""
    S, T = case.sites, list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    most, least = S["max_blocks"].astype(float).to_dict(), S["min_blocks"].astype(float).to_dict()

    @constraint(b, list(case.demand_mw.index) if case.workloads is None else [])
    def demand_is_met(b: Any, t: int) -> Any:
        """The IT load in service reaches the period's target, but for a shortfall paid at the stated price.

        sum_s P[s] y[s,t] + a[t] >= D[t]; racks count R[k,t], and what programmes avoid is met
        """
        return _towards_target(b, case, m, t) + b.shortfall_mw[t] >= float(case.demand_mw[t])

    @constraint(b, list(S.index), T)
    def no_larger_than_the_site(b: Any, s: str, t: int) -> Any:
        """A site carries no more blocks than fit, and none before it is built.

        y[s,t] <= max_blocks[s] x[s,t]
        """
        return b.blocks[s, t] <= most[s] * b.build[s, t]

    @constraint(b, list(S.index), T)
    def no_smaller_than_worthwhile(b: Any, s: str, t: int) -> Any:
        """A site that is built carries at least one block, and its smallest worthwhile number of them.

        y[s,t] >= max(1, min_blocks[s]) x[s,t]
        """
        return b.blocks[s, t] >= max(1.0, least[s]) * b.build[s, t]

    @constraint(b, list(S.index), T[1:])
    def stays_built(b: Any, s: str, t: int) -> Any:
        """A site once built stays built.

        x[s,t-1] <= x[s,t]
        """
        return b.build[s, before[t]] <= b.build[s, t]

    @constraint(b, list(S.index), T[1:])
    def blocks_stay(b: Any, s: str, t: int) -> Any:
        """A block once in service stays in service.

        y[s,t-1] <= y[s,t]
        """
        return b.blocks[s, before[t]] <= b.blocks[s, t]


def _towards_target(b: pyo.Block, case: Case, m: pyo.ConcreteModel, t: int) -> Any:
    """What counts towards a period's target: all that is built, or its racks, and what is avoided."""
    if case.work is None or not len(case.sites):
        return pyo.quicksum(b.it_mw[s, t] for s in case.sites.index)
    if case.work.has_racks:
        return m.work.counted_mw[t]
    return pyo.quicksum(b.it_mw[s, t] for s in case.sites.index) + m.work.counted_mw[t]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Blocks and IT load of each site and period, and the demand with its shortfall."""
    sites = tidy(["site", "period"], build=b.build, blocks=b.blocks, it_mw=b.it_mw)
    shortfall = tidy(["period"], shortfall_mw=b.shortfall_mw)
    return {"siting": sites, "shortfall": shortfall}
