"""Search for one plan: objectives minimized one after the other, each held while the next is.

The first objective is proven to the study's gap; the others choose among plans that are as good in those before, up to
the difference that counts as none (`optimizer.solve.goal.tie`). The cost comes last where it is not named, so that the
plan is the cheapest of its kind.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optimizer.solve.goal import Goal, Pursuit, held, pursue
from optimizer.solve.prepared import Prepared, Run
from optimizer.solve.program import SecureProgram
from optimizer.solve.start import Start


@dataclass(frozen=True)
class Searched:
    """A plan as whole decisions, and what is proven of it.

    Parameters
    ----------
    status : str
        As `optimizer.solve.loop.Found` has it, of the first objective.
    program : SecureProgram
        In which the plan was found.
    is_plain_cost : bool
        Whether that program minimizes the cost and nothing else.
    integers : mapping of column to value
        The plan; empty where there is none.
    values, bounds : mapping of str to float
        By name of every objective that was minimized, in its own unit: what was reached, and what no plan goes below
        that respects the goal's limits and is as good in the objectives before.
    limits : mapping of str to mapping
        For each of them, the limits under which that was found, by name in their own units.
    """

    status: str
    program: SecureProgram
    is_plain_cost: bool
    integers: Mapping[int, float]
    values: Mapping[str, float]
    bounds: Mapping[str, float]
    limits: Mapping[str, Mapping[str, float]]

    @property
    def has_plan(self) -> bool:
        """Whether a plan was found."""
        return bool(np.isfinite(list(self.values.values())[-1]))


def search(run: Run, prepared: Prepared, order: Sequence[str], goal: Goal, gap: float | None = None) -> Searched:
    """Minimize objectives in an order.

    Parameters
    ----------
    run : Run
        Clock, log and settings.
    prepared : Prepared
        What every search of the study starts from.
    order : sequence of str
        Names of objectives, the first to be minimized first; the cost is added where it is missing.
    goal : Goal
        Limits, plans to differ from, and what is preferred while the first objective is minimized.
    gap : float, optional
        Gap to prove; default that of the study [-].
    """
    gap = run.study.config.solve.gap if gap is None else gap
    # Among plans of one net present value none is better for costing less: it earns less too.
    names = [*order, *(["cost"] if not {"cost", "net_present_value"} & set(order) else [])]
    first = _pursue(run, prepared, replace(goal, minimize=names[0]), gap, prepared.start)
    status, best, plain = first.found.status, first, names[0] == "cost" and not goal.preferred
    values, bounds = {names[0]: first.found.objective}, {names[0]: first.found.bound}
    limited: dict[str, Mapping[str, float]] = {names[0]: goal.limits}
    for name in names[1:] if np.isfinite(first.found.objective) else ():
        limits = {**goal.limits, **held(values, list(values))}
        step = _pursue(run, prepared, replace(goal, minimize=name, limits=limits, preferred={}), gap)
        if not np.isfinite(step.found.objective):
            # No time was left: the plan stands, only its later objectives are as they came.
            break
        best, plain = step, name == "cost"
        values[name], bounds[name] = step.found.objective, step.found.bound
        limited[name] = limits
    return Searched(status, best.program, plain, best.found.integers, values, bounds, limited)


def _pursue(run: Run, prepared: Prepared, goal: Goal, gap: float, start: Start | None = None) -> Pursuit:
    case = prepared.case
    started = time.perf_counter()
    run.log(f"minimize {goal.minimize}")
    pursuit = pursue(
        goal,
        lambda extend: run.program(case, extend=extend),
        case,
        run.limits(gap),
        prepared.decided,
        prepared.rows,
        start,
    )
    run.log(f"{goal.minimize}: {pursuit.found.status} after {time.perf_counter() - started:.1f} s")
    return pursuit
