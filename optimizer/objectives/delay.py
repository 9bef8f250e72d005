"""Delay: how much is served how late."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.study.case import Case


def delay(m: pyo.ConcreteModel, case: Case) -> Any:
    """Sum over all years of target less served IT load [MW-year].

    sum_t years[t] shortfall_mw[t]
    """
    years = case.periods["years"]
    return pyo.quicksum(float(years[t]) * m.ledgers.shortfall_mw[t] for t in m.ledgers.shortfall_mw.keys())
