"""Phasing: nothing serves before it can be ready, and construction has a pace.

Symbols
-------
ready[.]  first year in which a site, tie or upgrade can serve, from its lead times [year]
N         ``new_it_mw_per_period``  largest IT load energized in one period [MW]
R         ``site_ramp_mw_per_year`` most by which one site grows in a year [MW/year]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.study.case import Case

NEEDS = {"sites": ["earliest"], "ties": ["ready"], "upgrades": ["ready"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Phasing has no variables of its own."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Lead times, and the yearly pace of construction."""
    T = list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))

    @constraint(b, _too_early(case.sites["earliest"], T))
    def site_not_before_ready(b: Any, s: str, t: int) -> Any:
        """A site is not built before the year in which it can be ready.

        x[s,t] = 0  for t < ready[s]
        """
        return m.siting.build[s, t] == 0

    @constraint(b, _too_early(case.ties["ready"], T))
    def tie_not_before_ready(b: Any, o: str, t: int) -> Any:
        """A tie does not serve before study, permit, equipment and construction have run.

        v[o,t] = 0  for t < ready[o]
        """
        return m.interconnection.in_service[o, t] == 0

    @constraint(b, _too_early(case.upgrades["ready"], T))
    def upgrade_not_before_ready(b: Any, u: str, t: int) -> Any:
        """A network upgrade does not serve before its lead time has run.

        z[u,t] = 0  for t < ready[u]
        """
        return m.upgrades.in_service[u, t] == 0

    pace = case.limits.new_it_mw_per_period

    @constraint(b, T if pace is not None and len(case.sites) else [])
    def construction_pace(b: Any, t: int) -> Any:
        """No more IT load is energized in a period than construction can deliver.

        sum_s P[s] (y[s,t] - y[s,t-1]) <= N
        """
        new = pyo.quicksum(m.siting.it_mw[s, t] for s in case.sites.index)
        if t in before:
            new = new - pyo.quicksum(m.siting.it_mw[s, before[t]] for s in case.sites.index)
        return new <= pace

    ramp = case.limits.site_ramp_mw_per_year

    @constraint(b, list(case.sites.index) if ramp is not None else [], T)
    def site_ramp(b: Any, s: str, t: int) -> Any:
        """A site grows no faster than its ramp; in the first period, as in its first year.

        P[s] (y[s,t] - y[s,t-1]) <= R years_since[t-1]
        """
        assert ramp is not None
        if t not in before:
            return m.siting.it_mw[s, t] <= ramp
        return m.siting.it_mw[s, t] - m.siting.it_mw[s, before[t]] <= ramp * (t - before[t])


def _too_early(ready: pd.Series, periods: list[int]) -> list[tuple[Any, int]]:
    """Items and the periods before they can serve."""
    return [(item, t) for item, year in ready.items() for t in periods if t < year]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Phasing reports through the parts it limits."""
    return {}
