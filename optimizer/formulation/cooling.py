"""Cooling: one technology a site, and through it energy and water.

IT load is split by technology, so that PUE and WUE stay data and no product of variables appears.

Symbols
-------
r[s,c]    ``chosen``       1 when site s is cooled by technology c [-]
i[s,c,t]  ``it_mw``        IT load cooled by c [MW]
WUE[s,c]  ``wue_m3_per_mwh`` water withdrawn per IT energy [m3/MWh]
U[s]      ``utilization``  average IT power over installed IT power [-]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

NEEDS = {
    "cooling": ["pue_annual", "wue_m3_per_mwh", "annuity_musd_per_mw", "cost_musd_per_mw"],
    "sites": ["block_mw", "max_blocks", "basin", "utilization", "emission_t_per_mwh"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare the choice and the split of IT load; post water, carbon and cost."""
    T, pairs = list(case.periods.index), list(case.cooling.index)
    b.chosen = pyo.Var(pairs, domain=pyo.Binary)
    b.it_mw = pyo.Var(pairs, T, domain=pyo.NonNegativeReals)
    years = case.periods["annuity_years"].to_dict()
    sites = {site.Index: site for site in case.sites[["utilization", "emission_t_per_mwh", "basin"]].itertuples()}
    for row in case.cooling.itertuples():
        s, c = row.Index
        site = sites[s]
        water = HOURS_PER_DAY * site.utilization * row.wue_m3_per_mwh
        carbon = HOURS_PER_YEAR * site.utilization * row.pue_annual * site.emission_t_per_mwh
        for t in T:
            it_mw = b.it_mw[s, c, t]
            if water:
                ledgers.water_m3_day.post((site.basin, t), water * it_mw)
            if carbon:
                ledgers.carbon_t.post(t, carbon * it_mw)
            ledgers.cost_musd.post(("cooling", t), years[t] * row.annuity_musd_per_mw * it_mw)
            ledgers.investment_musd.post(t, row.cost_musd_per_mw * it_mw)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """One technology a built site; all IT load is cooled."""
    S, T, pairs = case.sites, list(case.periods.index), list(case.cooling.index)
    by_site = case.cooling_of_site
    size_mw = (S["block_mw"] * S["max_blocks"]).astype(float).to_dict()
    cooled = [s for s, options in by_site.items() if options]

    @constraint(b, cooled)
    def one_technology(b: Any, s: str) -> Any:
        """A site that is ever built has exactly one cooling technology, for good.

        sum_c r[s,c] = x[s,last]
        """
        return pyo.quicksum(b.chosen[s, c] for c in by_site[s]) == m.siting.build[s, T[-1]]

    @constraint(b, cooled, T)
    def all_it_is_cooled(b: Any, s: str, t: int) -> Any:
        """All IT load of a site is cooled by its technology.

        sum_c i[s,c,t] = P[s] y[s,t]
        """
        return pyo.quicksum(b.it_mw[s, c, t] for c in by_site[s]) == m.siting.it_mw[s, t]

    @constraint(b, pairs, T)
    def only_by_the_chosen(b: Any, s: str, c: str, t: int) -> Any:
        """No IT load is cooled by a technology that was not chosen.

        i[s,c,t] <= P[s] max_blocks[s] r[s,c]
        """
        return b.it_mw[s, c, t] <= size_mw[s] * b.chosen[s, c]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """IT load by site, technology and period."""
    return {"cooled": tidy(["site", "cooling", "period"], it_mw=b.it_mw)}
