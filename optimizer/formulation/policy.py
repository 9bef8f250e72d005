"""Policy: limits on the portfolio as a whole.

Symbols
-------
F    ``share_per_county``       largest share of the target in one county [-]
G    ``share_per_substation``   largest share of the target's power through one substation [-]
B[t] ``budget_musd``            one-time cost committed up to and including t [M$]
Q[t] ``carbon_t_per_year``      location-based emissions of the campuses [t/year]
W[t,h] ``taken_mw``             power of all sites, where substations have shares of it [MW]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.formulation.work import serving_mw
from optimizer.study.case import Case

NEEDS = {"sites": ["county"], "ties": ["bus"], "buses": ["substation"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what all sites take together, where substations have shares of it, so that those rows stay short."""
    shared = case.limits.share_per_substation is not None and bool(case.ties_of_bus)
    H = list(case.snapshots.index)
    b.taken_mw = pyo.Var(list(case.periods.index) if shared else [], H, domain=pyo.NonNegativeReals)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Concentration, budget and carbon."""
    T, limits = list(case.periods.index), case.limits
    counties = list(case.sites_of_county) if limits.share_per_county is not None else []
    by_substation = points_of_substation(case) if limits.share_per_substation is not None else {}

    share = limits.share_per_county or 0.0

    @constraint(b, counties, list(case.demand_mw.index))
    def share_of_a_county(b: Any, county: str, t: int) -> Any:
        """No county hosts more than its share of the period's target.

        sum_s P[s] y[s,t] <= F D[t]; with racks, sum_s q[s,t]
        """
        here = pyo.quicksum(serving_mw(m, case, s, t) for s in case.sites_of_county[county])
        return here <= share * float(case.demand_mw[t])

    drawn = m.interconnection.new_load_mw
    untied = [(s, c) for s, c in case.cooling.index if not case.ties_of_site[s]]

    @constraint(b, list(b.taken_mw))
    def all_points(b: Any, t: int, h: str) -> Any:
        """What all sites take is what is withdrawn at all points of interconnection, and what those without a tie draw.

        W[t,h] = sum_n w[n,t,h] + sum_(s without a tie) sum_c PUE[s,c,h] i[s,c,t]
        """
        elsewhere = pyo.quicksum(case.pue_of[s, c][h] * m.cooling.it_mw[s, c, t] for s, c in untied)
        return b.taken_mw[t, h] == pyo.quicksum(drawn[n, t, h] for n in case.ties_of_bus) + elsewhere

    @constraint(b, list(by_substation), T, list(case.snapshots.index))
    def share_of_a_substation(b: Any, substation: str, t: int, h: str) -> Any:
        """No substation carries more than its share of all the sites' power.

        sum_(n at the substation) w[n,t,h] <= G W[t,h]
        """
        here = pyo.quicksum(drawn[n, t, h] for n in by_substation[substation])
        return here <= limits.share_per_substation * b.taken_mw[t, h]

    spending, emitting = set(m.ledgers.investment_musd.keys()), set(m.ledgers.carbon_t.keys())

    @constraint(b, [t for t in T if t in limits.budget_musd and t in spending])
    def budget(b: Any, t: int) -> Any:
        """The one-time cost of all that stands in a period stays within the budget.

        investment_musd[t] <= B[t]
        """
        return m.ledgers.investment_musd[t] <= limits.budget_musd[t]

    @constraint(b, [t for t in T if t in limits.carbon_t_per_year and t in emitting])
    def carbon_cap(b: Any, t: int) -> Any:
        """The campuses' location-based emissions stay within the yearly cap.

        carbon_t[t] <= Q[t]
        """
        return m.ledgers.carbon_t[t] <= limits.carbon_t_per_year[t]


def points_of_substation(case: Case) -> dict[str, list[str]]:
    """Points of interconnection by substation."""
    found: dict[str, list[str]] = {}
    for n in case.ties_of_bus:
        found.setdefault(str(case.buses.at[n, "substation"]), []).append(n)
    return found


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Policy reports through the parts it limits."""
    return {}
