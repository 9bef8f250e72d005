"""Net present value: what served workloads earn, less what the system costs."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.objectives.cost import cost
from optimizer.study.case import Case


def net_cost(m: pyo.ConcreteModel, case: Case) -> Any:
    """Cost less revenue over all periods [M$, present value]: minimized, it is the net present value, negated.

    sum_t (sum of accounts of cost_musd[t]) - revenue_musd[t]; building nothing and serving nothing is worth 0.
    """
    return cost(m) - pyo.quicksum(m.ledgers.revenue_musd[t] for t in m.ledgers.revenue_musd.keys())
