"""Limits on objectives: no total over all periods exceeds what it is limited to.

Symbols
-------
F[o]  total of objective o over all periods, in its own unit
L[o]  ``limits``  largest total allowed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import constraint
from optimizer.objectives import OBJECTIVES
from optimizer.study.case import Case


def limit_totals(m: pyo.ConcreteModel, case: Case, limits: Mapping[str, float]) -> None:
    """Add ``m.totals``, one row for each limited objective, to a composed model.

    Parameters
    ----------
    m : ConcreteModel
        As `optimizer.formulation.compose` made it.
    case : Case
        Its case.
    limits : mapping of str to float
        By name of the objective, each in its own unit.
    """
    m.totals = pyo.Block()

    @constraint(m.totals, list(limits))
    def within_its_limit(b: Any, name: str) -> Any:
        """The total of an objective over all periods stays within its limit.

        F[o] <= L[o]
        """
        objective = OBJECTIVES[name]
        total = objective.scale * objective.expression(m, case)
        limit = objective.scale * limits[name]
        if isinstance(total, int | float):
            # Nothing was posted to its ledger.
            return pyo.Constraint.Feasible if total <= limit else pyo.Constraint.Infeasible
        return total <= limit
