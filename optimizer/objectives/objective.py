"""What an objective is: its name, its unit, and its expression over closed ledgers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyomo.environ as pyo

from optimizer.study.case import Case


@dataclass(frozen=True)
class Objective:
    """Something that can be minimized and limited.

    Parameters
    ----------
    name : str
        Its name in a study, such as ``"carbon"``.
    key : str
        Its name with its unit, such as ``"carbon_t"``: key of a limit, of plan.json and column of a table.
    unit : str
        Unit as shown.
    label : str
        What it is, in words.
    scale : float
        Factor by which the solver sees it, so that tolerances mean about the same for every objective [-].
    expression : callable
        Takes the composed model and its case, returns the sum over all periods in `unit`.
    sign : float
        -1 for an objective that is shown negated: more of what is shown is better [-].
    """

    name: str
    key: str
    unit: str
    label: str
    scale: float
    expression: Callable[[pyo.ConcreteModel, Case], Any]
    sign: float = 1.0
