"""Work: generations of racks that do it, and programmes of efficiency that avoid it, beside building.

Units of work may be counted in ones or in millions: the program has what is avoided in MW, so that the same demand in
another unit is the same program.

Symbols
-------
r[s,k,t]  ``rack_mw``     IT load of rack generation k at site s [MW]
a[j,t]    ``avoided_mw``  demand that programme j avoids, in MW of the last period's best rack: units times V[last] [MW]
q[s,t]    ``met_mw``      what the racks of site s count towards the target, sum_k R[k,t] r[s,k,t] [MW]
R[k,t]    ``counts``      MW of the target that a MW of rack k meets [-]
V[t]      ``unit_mw``     MW of the target that a unit avoids [MW/unit]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case
from optimizer.study.work import Work

NEEDS = {
    "work": ["programmes", "unit_mw", "racks", "counts", "fits", "in_rent"],
    "sites": ["block_mw", "max_blocks"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare racks and units avoided; post what they cost, in a cloud nothing, and keep what counts to the target."""
    W, T = work_of_case(case), list(case.periods.index)
    years = case.periods["annuity_years"].to_dict()
    b.avoided_mw = pyo.Var(list(W.programmes.index), T, domain=pyo.NonNegativeReals)
    unit_mw = W.unit_mw[T[-1]]
    for j, row in W.programmes.iterrows():
        annuity, once = float(row.annuity_musd) / unit_mw, float(row.cost_musd) / unit_mw
        for t in T:
            b.avoided_mw[j, t].setub(float(row.max_units) * unit_mw)
            ledgers.cost_musd.post(("efficiency", t), years[t] * annuity * b.avoided_mw[j, t])
            ledgers.investment_musd.post(t, once * b.avoided_mw[j, t])
    sizes = (case.sites["block_mw"] * case.sites["max_blocks"]).to_dict()
    b.rack_mw = pyo.Var([(s, k, t) for s in sizes for k, t in sold(W, T)], domain=pyo.NonNegativeReals)
    for (s, k, t), mw in b.rack_mw.items():
        mw.setub(float(sizes[s]))
        if s in W.in_rent:
            continue
        ledgers.cost_musd.post(("racks", t), years[t] * float(W.racks.at[k, "annuity_musd_per_mw"]) * mw)
        ledgers.investment_musd.post(t, float(W.racks.at[k, "cost_musd_per_mw"]) * mw)
    b.met_mw = pyo.Expression(list(sizes) if W.has_racks else [], T, rule=lambda b, s, t: _met(b, W, s, t))
    b.counted_mw = pyo.Expression(T, rule=lambda b, t: _counted(b, W, case, t))


def _met(b: pyo.Block, W: Work, s: str, t: int) -> Any:
    return pyo.quicksum(float(W.counts.at[k, t]) * b.rack_mw[s, k, t] for k, _ in sold(W, [t]))


def _counted(b: pyo.Block, W: Work, case: Case, t: int) -> Any:
    """What racks and programmes count towards the target; without racks, what is built counts itself."""
    counts = W.unit_mw[t] / W.unit_mw[int(case.periods.index[-1])]
    avoided = pyo.quicksum(counts * b.avoided_mw[j, t] for j in W.programmes.index)
    return avoided + pyo.quicksum(b.met_mw[s, t] for s, year in b.met_mw if year == t)


def serving_mw(m: pyo.ConcreteModel, case: Case, s: str, t: int) -> Any:
    """What a site counts towards the target: its IT load, or what its racks count [MW]."""
    return m.work.met_mw[s, t] if case.has_racks else m.siting.it_mw[s, t]


def work_of_case(case: Case) -> Work:
    """Work of a case that has any.

    Raises
    ------
    ValueError
        It has none: the caller's mistake.
    """
    if case.work is None:
        raise ValueError("the case has no work")
    return case.work


def sold(W: Work, periods: list[int]) -> list[tuple[str, int]]:
    """Racks that can be in service in each period."""
    if not W.has_racks:
        return []
    return [(str(k), t) for k, year in W.racks["first_year"].items() for t in periods if year <= t]


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """All that is built holds racks, its cooling takes them, and nothing is undone."""
    W, T = work_of_case(case), list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    of_year = {t: [k for k, year in sold(W, T) if year == t] for t in T}
    sites = list(case.sites.index) if W.has_racks else []

    @constraint(b, sites, T)
    def all_it_is_racks(b: Any, s: str, t: int) -> Any:
        """All IT load of a site is that of its racks, of one generation or several.

        sum_k r[s,k,t] = P[s] y[s,t]
        """
        return pyo.quicksum(b.rack_mw[s, k, t] for k in of_year[t]) == m.siting.it_mw[s, t]

    @constraint(b, [(s, k, t) for s, k in W.fits for t in T if (s, k, t) in b.rack_mw])
    def cooling_takes_the_rack(b: Any, s: str, k: str, t: int) -> Any:
        """A rack stands only where the place and the chosen cooling take its density.

        r[s,k,t] <= sum_(c that takes k) i[s,c,t]
        """
        return b.rack_mw[s, k, t] <= pyo.quicksum(m.cooling.it_mw[s, c, t] for c in W.fits[s, k])

    @constraint(b, [key for key in b.rack_mw if key[2] in before and (key[0], key[1], before[key[2]]) in b.rack_mw])
    def racks_stay(b: Any, s: str, k: str, t: int) -> Any:
        """A rack once in service stays, and is replaced by its like.

        r[s,k,t-1] <= r[s,k,t]
        """
        return b.rack_mw[s, k, before[t]] <= b.rack_mw[s, k, t]

    @constraint(b, list(W.programmes.index), T[1:])
    def programmes_stay(b: Any, j: str, t: int) -> Any:
        """Demand once avoided stays avoided.

        a[j,t-1] <= a[j,t]
        """
        return b.avoided_mw[j, before[t]] <= b.avoided_mw[j, t]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Racks by site and period, and what is avoided, in MW of the last period's best rack."""
    return {
        "racks": tidy(["site", "rack", "period"], it_mw=b.rack_mw),
        "avoided": tidy(["programme", "period"], avoided_mw=b.avoided_mw),
    }
