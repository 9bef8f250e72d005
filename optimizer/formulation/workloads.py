"""Workloads: which site serves the demand of which region.

A pair that a round trip, a border or a kind of site rules out has no variable. Without a grid, with one block a site,
this part and siting are capacitated facility location.

That a site serves nobody before it is built follows, for whole decisions, from what it has in service. The row that
says so for one pair makes the relaxation strong. With a network it always stands; without one the search has it as
numbers (`optimizer.solve.sifting`), and other programs get it where a solution breaks it.

Symbols
-------
f[d,w,s,t]  ``serve_mw``     IT load of workload w that site s serves for region d [MW]
a[d,w,t]    ``unserved_mw``  IT load that no site serves [MW]
o[d,w,s,t]  ``hosts``        1 when site s serves any of it, where that matters [-]
D[d,w,t]    ``demand_mw``    IT load asked for [MW]
L[d,w]      ``min_site_mw``  least load of it at a site that serves any [MW]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from optimizer.algebra import Ledgers, clean_value, constraint, rows_on_demand
from optimizer.formulation.rows import NewRows
from optimizer.study.case import Case
from optimizer.study.demands import Demands

NEEDS = {"workloads": ["rows", "demand_mw", "pairs", "apart"], "periods": ["annuity_years"]}

STRONG_TOLERANCE = 1e-6
"""Excess over a strong row that is left alone, as a share of the demand [-]."""

Row = tuple[str, str]


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is served and what is not; post its cost, its revenue and what is not served."""
    W, T = _workloads(case), list(case.periods.index)
    b.serve_mw = pyo.Var([(*pair, t) for pair in W.pairs.index for t in T], domain=pyo.NonNegativeReals)
    b.unserved_mw = pyo.Var([(*row, t) for row in W.rows.index for t in T], domain=pyo.NonNegativeReals)
    b.hosts = pyo.Var([(*pair, t) for pair in _hosted(W) for t in T], domain=pyo.Binary)
    for t in T:
        demand = W.demand_mw[t].to_dict()
        for row, optional in zip(W.rows.index, W.rows["is_optional"], strict=True):
            b.unserved_mw[(*row, t)].setub(float(demand[row]) if optional else 0.0)
        _post(b, case, W, t, ledgers)


def _post(b: pyo.Block, case: Case, W: Demands, t: int, ledgers: Ledgers) -> None:
    """Post one period: long sums as one expression each, since there is a variable for every pair."""
    years, at = float(case.periods.at[t, "annuity_years"]), list(case.periods.index).index(t)
    served, unserved = (list(family.values())[at :: len(case.periods)] for family in (b.serve_mw, b.unserved_mw))
    cost = years * W.pairs["cost_musd_per_mw_year"].to_numpy(float)
    penalty = years * W.rows["penalty_musd_per_mw_year"].to_numpy(float)
    revenue = years * W.rows["revenue_musd_per_mw_year"].reindex(W.pairs.index.droplevel("site")).to_numpy(float)
    ledgers.cost_musd.post(("network", t), _sum(cost, served))
    ledgers.cost_musd.post(("shortfall", t), _sum(penalty, unserved))
    ledgers.shortfall_mw.post(t, _total(unserved))
    if W.has_revenue:
        ledgers.revenue_musd.post(t, _sum(revenue, served))


def _sum(coefficients: Any, variables: list[Any]) -> Any:
    """A long sum as one expression, which takes far less time to make than one for each term."""
    terms = [(float(c), v) for c, v in zip(coefficients, variables, strict=True) if c]
    if not terms:
        return 0.0
    return LinearExpression(linear_coefs=[c for c, _ in terms], linear_vars=[v for _, v in terms])


def _total(variables: list[Any]) -> Any:
    """A long sum of variables as they are."""
    return LinearExpression(linear_coefs=[1.0] * len(variables), linear_vars=variables) if variables else 0.0


def _workloads(case: Case) -> Demands:
    """Demand of a case that has workloads.

    Raises
    ------
    ValueError
        It has none: the caller's mistake.
    """
    if case.workloads is None:
        raise ValueError("the case has no workloads")
    return case.workloads


def _hosted(W: Demands) -> list[tuple[str, str, str]]:
    """Pairs of rows for which it matters whether a site serves any."""
    far = {(d, w) for d, w, _, _ in W.apart}
    scaled = set(W.rows.index[W.rows["min_site_mw"] > 0])
    return [pair for pair in W.pairs.index if pair[:2] in far or pair[:2] in scaled]


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Demand, capacity, contiguous scale and nearness of sites that share demand."""
    W, T = _workloads(case), list(case.periods.index)
    demand = {t: W.demand_mw[t].to_dict() for t in T}
    hosted = _hosted(W)
    # By row and by site, in the order of pairs: looking each variable up by its key takes longer than all the rest.
    of_row: dict[tuple[Row, int], list[Any]] = {(row, t): [] for row in W.rows.index for t in T}
    of_site: dict[tuple[str, int], list[Any]] = {(s, t): [] for s in case.sites.index for t in T}
    for (d, w, s, t), variable in b.serve_mw.items():
        of_row[(d, w), t].append(variable)
        of_site[s, t].append(variable)
    serving = [s for s in case.sites.index if T and of_site[s, T[0]]]

    @constraint(b, list(W.rows.index), T)
    def demand_is_served(b: Any, d: str, w: str, t: int) -> Any:
        """What a region asks of a workload is served by sites, or not served at the stated price.

        sum_s f[d,w,s,t] + a[d,w,t] = D[d,w,t]
        """
        return _total([*of_row[(d, w), t], b.unserved_mw[d, w, t]]) == float(demand[t][d, w])

    @rows_on_demand(b)
    def only_from_built_sites(b: Any, d: str, w: str, s: str, t: int) -> Any:
        """A site serves a region only once it is built.

        f[d,w,s,t] <= D[d,w,t] x[s,t]
        """
        return b.serve_mw[d, w, s, t] - float(demand[t][d, w]) * m.siting.build[s, t] <= 0

    b.strong_rows = only_from_built_sites
    if case.network is not None:
        for pair in W.pairs.index:
            for t in T:
                only_from_built_sites.add(*pair, t)

    @constraint(b, serving, T)
    def within_the_site(b: Any, s: str, t: int) -> Any:
        """A site serves no more than the IT load it has in service.

        sum_d sum_w f[d,w,s,t] <= P[s] y[s,t]
        """
        return _total(of_site[s, t]) - m.siting.it_mw[s, t] <= 0

    @constraint(b, hosted, T)
    def no_more_than_hosted(b: Any, d: str, w: str, s: str, t: int) -> Any:
        """A site serves none of a demand that it does not host.

        f[d,w,s,t] <= D[d,w,t] o[d,w,s,t]
        """
        return b.serve_mw[d, w, s, t] - float(demand[t][d, w]) * b.hosts[d, w, s, t] <= 0

    @constraint(b, [p for p in hosted if W.rows.at[p[:2], "min_site_mw"] > 0], T)
    def at_contiguous_scale(b: Any, d: str, w: str, s: str, t: int) -> Any:
        """A site that hosts a demand serves at least its least contiguous load.

        f[d,w,s,t] >= L[d,w] o[d,w,s,t]
        """
        return b.serve_mw[d, w, s, t] >= float(W.rows.at[(d, w), "min_site_mw"]) * b.hosts[d, w, s, t]

    @constraint(b, list(W.apart), T)
    def not_too_far_apart(b: Any, d: str, w: str, s: str, r: str, t: int) -> Any:
        """Two sites too far from each other do not share a demand.

        o[d,w,s,t] + o[d,w,r,t] <= 1
        """
        return b.hosts[d, w, s, t] + b.hosts[d, w, r, t] <= 1


def cut(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> NewRows:
    """Build the rows of pairs that a solution serves from sites it builds in part only.

    Parameters
    ----------
    b : Block
        This part's own.
    case : Case
        The case.
    m : ConcreteModel
        Holding the solution.
    """
    W, T = _workloads(case), list(case.periods.index)
    serve = np.array([v.value for v in b.serve_mw.values()]).reshape(len(W.pairs), len(T))
    by_site = np.array([[m.siting.build[s, t].value for t in T] for s in case.sites.index])
    at = case.sites.index.get_indexer(W.pairs.index.get_level_values("site"))
    row = W.rows.index.get_indexer(W.pairs.index.droplevel("site"))
    most = W.demand_mw[T].to_numpy(float)[row]
    excess = serve - most * by_site.reshape(len(case.sites), len(T))[at]
    broken = np.argwhere(excess > STRONG_TOLERANCE * most)
    keys = W.pairs.index
    made = [b.strong_rows.add(*keys[i], T[n]) for i, n in broken]
    return NewRows(tuple(one for one in made if one is not None), float(excess.max(initial=0.0)))


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """What each site serves of each demand, and what is not served."""
    served = [(*key, clean_value(v)) for key, v in b.serve_mw.items() if v.value and clean_value(v)]
    unserved = [(*key, clean_value(v)) for key, v in b.unserved_mw.items()]
    return {
        "served": pd.DataFrame(served, columns=["region", "workload", "site", "period", "served_mw"]),
        "unserved": pd.DataFrame(unserved, columns=["region", "workload", "period", "unserved_mw"]),
    }
