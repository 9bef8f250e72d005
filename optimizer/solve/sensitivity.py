"""Sensitivity: what the best plan costs when one quantity at a time is not what the study says.

Each end of a range is a study of its own, read and solved as any other; nothing is carried over. What binds in the
study's own plan is given with the range in which each price holds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.objectives import OBJECTIVES
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.progress import Progress, silent
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import search
from optimizer.solve.prepared import Run, prepare, refuse_no_plan
from optimizer.solve.prices.ranges import price_ranges
from optimizer.solve.run import plan_of
from optimizer.solve.thresholds import Threshold, find_thresholds
from optimizer.solve.varied import Bar, Keep, Solved, let_go, of_plan, solve_at
from optimizer.study.ranges import label_of, own_value, unit_of
from optimizer.study.study import Study


@dataclass(frozen=True)
class Sensitivity:
    """How the best plan depends on what the study says.

    Parameters
    ----------
    study : Study
        The study.
    plan : Plan
        Its own plan.
    base : Solved
        What is compared of it.
    bars : tuple of Bar
        The quantities, the largest swing first.
    thresholds : tuple of Threshold
        Values at which the set of sites changes, by quantity in the same order.
    ranges : DataFrame
        What binds in the study's own plan, and how far each price holds, see `optimizer.solve.prices.ranges`.
    seconds : float
        Time taken [s].
    """

    study: Study
    plan: Plan
    base: Solved
    bars: tuple[Bar, ...]
    thresholds: tuple[Threshold, ...]
    ranges: pd.DataFrame
    seconds: float

    @property
    def objective(self) -> str:
        """Name of the objective."""
        return self.study.config.study.objective

    @property
    def unit(self) -> str:
        """Unit of the objective."""
        return OBJECTIVES[self.objective].unit

    @property
    def tornado(self) -> pd.DataFrame:
        """Two rows a quantity: each end of its range, the change there and the range in which it certainly lies."""
        rows = []
        for bar in self.bars:
            for name, end in (("low", bar.low), ("high", bar.high)):
                change, least, most = end.change_from(self.base) if end.has_plan else (np.nan,) * 3
                rows.append(
                    {
                        "what": bar.label,
                        "end": name,
                        "value": end.value,
                        "own_value": bar.own_value,
                        "value_unit": bar.unit,
                        **_facts(end),
                        "change": change,
                        "change_least": least,
                        "change_most": most,
                        "unit": self.unit,
                        "is_distinct": end.differs_from(self.base),
                        **_moves(self.base, end),
                        "plan": end.plan_name,
                    }
                )
        return pd.DataFrame(rows)

    @property
    def threshold_table(self) -> pd.DataFrame:
        """One row a threshold: the two values, what is built at the higher and not at the lower, and the reverse."""
        rows: list[dict[str, Any]] = []
        for one in self.thresholds:
            row = {"what": one.bar.label, "value_below": one.below.value, "value_above": one.above.value}
            row |= {"value_unit": one.bar.unit, **_moves(one.below, one.above)}
            for name, side in (("below", one.below), ("above", one.above)):
                row |= {f"{key}_{name}": value for key, value in _facts(side).items()}
            rows.append({**row, "unit": self.unit, "is_proven": one.is_proven})
        columns = ["what", "value_below", "value_above", "value_unit", "n_sites", "sites_added", "sites_dropped"]
        return pd.DataFrame(rows, columns=None if rows else columns)


def _facts(one: Solved) -> dict[str, Any]:
    """What is stated of a plan; nan without one."""
    values = (one.objective, one.bound, one.gap) if one.has_plan else (np.nan,) * 3
    return {"status": one.status, **dict(zip(("objective", "bound", "gap"), values, strict=True))}


def _moves(before: Solved, after: Solved) -> dict[str, Any]:
    """Sites that one plan builds and another does not."""
    both = before.has_plan and after.has_plan
    added, dropped = (sorted(a.sites - b.sites) if both else [] for a, b in ((after, before), (before, after)))
    return {"n_sites": len(after.sites), "sites_added": "; ".join(added), "sites_dropped": "; ".join(dropped)}


def find_sensitivity(study: Study, progress: Progress = silent, keep: Keep = let_go) -> Sensitivity:
    """Solve a study at both ends of each of its ranges, and look for values at which its sites change.

    Parameters
    ----------
    study : Study
        With ``[[sensitivity.range]]``; its time limit is for each solve.
    progress : callable
        Told the stage and a line of text.
    keep : callable
        Takes the name and the plan of the study (``own``) and of each end (``01-low`` and so on), as it is found.

    Returns
    -------
    Sensitivity

    Raises
    ------
    InputError
        The study has no ranges, or is refused.
    InfeasibleError
        The study itself has no plan.
    SolverError
        A limit was reached without a plan of the study itself.
    """
    started = time.perf_counter()
    settings = study.config.sensitivity
    if not settings.range:
        text, remedy = "the study names no quantity to vary", "add [[sensitivity.range]] with what, low and high"
        raise InputError([Finding("study.range.none", "sensitivity", text, "", remedy)])
    plain = study.override({"sensitivity.range": [], "report.compare": []})
    plan, ranges = _base(plain, progress)
    keep("own", plan)
    base, bars = of_plan(np.nan, plan, "own"), []
    for number, one in enumerate(settings.range, start=1):
        progress("sensitivity", (number - 1) / len(settings.range), label_of(one))
        low, high = (
            solve_at(plain, one, value, progress, f"{number:02d}-{name}", keep)
            for name, value in (("low", one.low), ("high", one.high))
        )
        own = own_value(plain.config, one)
        bars.append(Bar(one, label_of(one), unit_of(one), np.nan if own is None else own, low, high))
    bars.sort(key=lambda bar: -bar.swing(base))
    thresholds: list[Threshold] = []
    for bar in bars if settings.thresholds else []:
        progress("thresholds", None, bar.label)
        thresholds += find_thresholds(plain, bar, base, progress)
    return Sensitivity(study, plan, base, tuple(bars), tuple(thresholds), ranges, time.perf_counter() - started)


def _base(study: Study, progress: Progress) -> tuple[Plan, pd.DataFrame]:
    """The study's own plan, and the ranges of its prices."""
    run = Run(study, progress)
    prepared = prepare(run)
    searched = search(run, prepared, [study.config.study.objective], Goal())
    refuse_no_plan(searched.status, searched.has_plan)
    plan = tidy_plan(plan_of(run, prepared, searched))
    return plan, price_ranges(searched.program, progress=progress)
