"""Cost over all periods, as present value: the system's, or the developer's in that perspective."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo


def cost(m: pyo.ConcreteModel) -> Any:
    """All accounts of the cost ledger over all periods [M$, present value].

    The cost table of a plan is the same ledger, so it cannot disagree with the objective.
    """
    return pyo.quicksum(m.ledgers.cost_musd[key] for key in m.ledgers.cost_musd.keys())
