"""Goals: what one search minimizes, what it is limited by, and which plans it must differ from.

Every goal is solved in a program of its own, so that nothing learnt for another objective or another limit, such as a
bound that only held there, can reach it. Only names of limit rows are handed on: a row that some plan broke is a row of
the study, whatever is minimized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo

from optimizer.objectives import OBJECTIVES
from optimizer.objectives.totals import limit_totals
from optimizer.solve.apart import Difference, Layout, keep_apart
from optimizer.solve.loop import Found, Limits
from optimizer.solve.money import GAP_ZERO_RELATIVE
from optimizer.solve.program import RowKey, SecureProgram
from optimizer.solve.start import Start
from optimizer.solve.warm import find_plan_from
from optimizer.study.case import Case

if TYPE_CHECKING:
    ProgramOf = Callable[[Callable[[pyo.ConcreteModel], None]], SecureProgram]


@dataclass(frozen=True)
class Goal:
    """What one search is for.

    Parameters
    ----------
    minimize : str
        Name of the objective.
    limits : mapping of str to float
        Largest totals of objectives by name, each in its own unit, beside those of the study.
    apart : tuple of Layout
        Plans that the plan must differ from.
    difference : Difference
        By how much.
    preferred : mapping of str to float
        Small amounts by which less of other objectives, down from their limits, counts in the one minimized, each per
        its own unit [unit of the one minimized]. Each needs a limit.
    """

    minimize: str = "cost"
    limits: Mapping[str, float] = field(default_factory=dict)
    apart: tuple[Layout, ...] = ()
    difference: Difference = field(default_factory=Difference)
    preferred: Mapping[str, float] = field(default_factory=dict)

    def objective(self, m: pyo.ConcreteModel, case: Case) -> Any:
        """Return what the solver minimizes, in its scale.

        scale (F[o] + sum_k preferred[k] (F[k] - L[k])): no plan within the limits has more of it than of F[o] alone, so
        what bounds it from below bounds F[o].
        """
        chosen = OBJECTIVES[self.minimize]
        total = chosen.expression(m, case)
        for name, amount in self.preferred.items():
            total = total + amount * (OBJECTIVES[name].expression(m, case) - self.limits[name])
        return chosen.scale * total

    def extend(self, case: Case) -> Callable[[pyo.ConcreteModel], None]:
        """Return what adds the goal's rows to a composed model; the tighter of two limits counts."""
        limits = dict(case.limits.totals)
        for name, limit in self.limits.items():
            limits[name] = min(limit, limits.get(name, np.inf))

        def add(m: pyo.ConcreteModel) -> None:
            limit_totals(m, case, limits)
            keep_apart(m, case, self.apart, self.difference)

        return add


@dataclass(frozen=True)
class Pursuit:
    """What a search for a goal gave.

    Parameters
    ----------
    program : SecureProgram
        In which it was found.
    found : Found
        Objective and bound in the objective's own unit.
    """

    program: SecureProgram
    found: Found


def pursue(
    goal: Goal,
    program_of: ProgramOf,
    case: Case,
    limits: Limits,
    decided: Callable[[float], float],
    rows: Iterable[RowKey] = (),
    start: Start | None = None,
) -> Pursuit:
    """Search for a goal.

    Parameters
    ----------
    goal : Goal
        What is searched for.
    program_of : callable
        Makes the program of the case, given what adds rows to its model; its objective is the cost.
    case : Case
        Its case.
    limits : Limits
        When to stop.
    decided : callable
        D of the gap for cost, as `find_plan` takes it; for any other objective D is the objective's size.
    rows : iterable of row keys
        Rows that other programs of the same case needed.
    start : Start, optional
        What an earlier plan left to the search.
    """
    program = program_of(goal.extend(case))
    program.expected = tuple(rows)
    objective = OBJECTIVES[goal.minimize]
    if goal.minimize != "cost" or goal.preferred:
        # Composed with the cost, so that every variable that costs has its column, then given its own objective.
        program.highs.set_objective(goal.objective(program.model, case))
    found = find_plan_from(start, program, limits, decided if goal.minimize == "cost" else abs)
    own = replace(found, objective=found.objective / objective.scale, bound=found.bound / objective.scale)
    return Pursuit(program, own)


def tie(name: str, value: float) -> float:
    """Difference up to which two totals of an objective count as equal, in its own unit.

    Parameters
    ----------
    name : str
        Name of the objective.
    value : float
        Its size.
    """
    scale = OBJECTIVES[name].scale
    return GAP_ZERO_RELATIVE * max(1.0, scale * abs(value)) / scale


def held(values: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    """Limits that hold objectives at values found, up to `tie`."""
    return {name: values[name] + tie(name, values[name]) for name in names}
