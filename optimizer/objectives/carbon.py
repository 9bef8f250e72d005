"""Carbon: what the campuses emit over all years."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.study.case import Case


def carbon(m: pyo.ConcreteModel, case: Case) -> Any:
    """Location-based emissions of the campuses over all years of all periods [t CO2e].

    sum_t years[t] carbon_t[t]; a tonne of a later year counts as one of an early year.
    """
    years = case.periods["years"]
    return pyo.quicksum(float(years[t]) * m.ledgers.carbon_t[t] for t in m.ledgers.carbon_t.keys())
