"""Orbit: how fast capacity in orbit can grow. What it costs is data of its sites, and what it may serve of workloads.

Symbols
-------
R  ``ramp_mw_per_year``  most IT load added in orbit in a year [MW/year]
F  ``first_year``        first year in which any serves [year]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.study.case import Case

NEEDS = {"orbit": ["sites", "first_year", "ramp_mw_per_year"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Orbit has no variables of its own."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """The yearly pace of launches."""
    T, orbit = list(case.periods.index), case.orbit
    if orbit is None:
        raise ValueError("the case has no orbit")
    before = dict(zip(T[1:], T[:-1], strict=True))
    years = launch_years(T, orbit.first_year)

    @constraint(b, T)
    def launch_pace(b: Any, t: int) -> Any:
        """No more IT load is added in orbit than the launches of the years since the last period carry.

        sum_s P[s] (y[s,t] - y[s,t-1]) <= R (years from the later of the last period and F - 1 to t)
        """
        new = pyo.quicksum(m.siting.it_mw[s, t] for s in orbit.sites)
        if t in before:
            new = new - pyo.quicksum(m.siting.it_mw[s, before[t]] for s in orbit.sites)
        return new <= orbit.ramp_mw_per_year * years[t]


def launch_years(periods: list[int], first_year: int) -> dict[int, int]:
    """Years of launches that end in each period: from the period before, and from the first year on [years]."""
    starts = [first_year - 1, *(max(t, first_year - 1) for t in periods[:-1])]
    return {t: max(0, t - start) for t, start in zip(periods, starts, strict=True)}


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Orbit reports through its sites."""
    return {}
