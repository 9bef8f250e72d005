"""A study solved with one quantity at another value than its own, and how its plan compares with another.

Two plans are known to within their gaps, so a change is given with the range in which it is certain to lie,
``bound of one - value of the other <= change <= value of one - bound of the other``, and a change whose range holds 0
is not distinguishable from none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from optimizer.config import RangeSettings
from optimizer.errors import InfeasibleError, InputError, SolverError
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.progress import Progress
from optimizer.solve.run import solve_study
from optimizer.study.ranges import label_of, overrides_of
from optimizer.study.study import Study

NO_CHANGE = 1e-6
"""Relative difference of two values that solvers leave open [-]."""

NO_PLAN = ("infeasible", "limit_without_plan", "refused")
"""Statuses without a plan."""


@dataclass(frozen=True)
class Solved:
    """A study solved with one quantity at a value.

    Parameters
    ----------
    value : float
        Of the quantity; nan where the study holds none.
    status : str
        As in ``plan.json``; ``refused`` where the study cannot be read with this value.
    objective, bound : float
        What is reached of the study's objective and what no plan goes below, in its unit; infinite without a plan.
    gap : float
        As the plan states it; infinite without one [-].
    sites : frozenset of str
        Sites built in any period.
    plan_name : str
        Under which the plan was handed on; empty where it was not.
    """

    value: float
    status: str
    objective: float = np.inf
    bound: float = np.inf
    gap: float = np.inf
    sites: frozenset[str] = frozenset()
    plan_name: str = ""

    @property
    def has_plan(self) -> bool:
        """Whether there is a plan."""
        return self.status not in NO_PLAN

    def change_from(self, base: Solved) -> tuple[float, float, float]:
        """Change of the objective, and the range in which it lies for certain."""
        if not self.has_plan:
            return np.inf, np.inf, np.inf
        return self.objective - base.objective, self.bound - base.objective, self.objective - base.bound

    def differs_from(self, base: Solved) -> bool:
        """Whether the change is certain to be one."""
        _, least, most = self.change_from(base)
        nothing = NO_CHANGE * max(1.0, abs(base.objective))
        return bool(least > nothing or most < -nothing)


@dataclass(frozen=True)
class Bar:
    """One quantity at both ends of its range."""

    settings: RangeSettings
    label: str
    unit: str
    own_value: float
    low: Solved
    high: Solved

    def swing(self, base: Solved) -> float:
        """Largest change at either end; infinite where an end has no plan."""
        return max(abs(end.change_from(base)[0]) for end in (self.low, self.high))


Keep = Callable[[str, Plan], None]
"""Called with a name and each plan of the study and of the ends of its ranges, which is then let go."""


def let_go(name: str, plan: Plan) -> None:
    """Keep nothing."""


def of_plan(value: float, plan: Plan, name: str = "") -> Solved:
    """What is compared of a plan.

    Parameters
    ----------
    value : float
        Value of the quantity.
    plan : Plan
        As it is written.
    name : str
        Name under which it was handed on.
    """
    summary, sites = plan.summary, plan.table("sites")
    built = frozenset(str(s) for s in sites.loc[sites["blocks"] > 0, "site"]) if len(sites) else frozenset()
    objective, bound, gap = (float(summary[key]) for key in ("objective_value", "bound_value", "gap"))
    return Solved(value, str(summary["status"]), objective, bound, gap, built, name)


def solve_at(
    study: Study, one: RangeSettings, value: float, progress: Progress, name: str = "", keep: Keep = let_go
) -> Solved:
    """Solve a study with a quantity at a value, as a whole.

    Parameters
    ----------
    study : Study
        The study, with its own value.
    one : RangeSettings
        The quantity.
    value : float
        Value of its key, or factor on it.
    progress : callable
        Told the stage and a line of text.
    name : str
        Name of the plan.
    keep : callable
        Takes the name and the plan.
    """
    progress("sensitivity", None, f"{label_of(one)} = {value:g}")
    try:
        plan = tidy_plan(solve_study(study.override(overrides_of(study.config, one, value)), progress))
        keep(name, plan)
        return of_plan(value, plan, name)
    except InfeasibleError:
        return Solved(value, "infeasible")
    except SolverError:
        return Solved(value, "limit_without_plan")
    except InputError:
        return Solved(value, "refused")
