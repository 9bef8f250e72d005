"""Frontier: the efficient plans between two or three objectives, by the augmented epsilon-constraint method.

One objective is minimized while the others are limited; the limits move until nothing is left between them
(`optimizer.solve.boxes`). In place of the small weight that the method usually adds for the limited objectives, each is
minimized in its turn with those before held at what was reached (`optimizer.solve.lexicographic`): no weight has to be
chosen, and of plans equal in one objective none is reported that another beats (G. Mavrotas, "Effective implementation
of the epsilon-constraint method in multi-objective mathematical programming problems", Applied Mathematics and
Computation 213(2), 2009). Where a gap is asked for, differences below it cannot be told anyway: then a small part of
the gap is given to the limited objectives in the method's usual form, and the bound allows for it.

The cost is the one minimized where it is asked for, since only it has a continuous part; the others follow from whole
decisions alone.

Each plan is proven within the study's gap. With a gap of 0 and nothing left to explore, all efficient plans are there:
one of each combination of values that differs by more than `optimizer.solve.goal.tie`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import pandas as pd

from optimizer.errors import Finding, InputError, nearest
from optimizer.objectives import OBJECTIVES
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.progress import Progress, silent
from optimizer.solve.boxes import Box, Corner, Unexplored
from optimizer.solve.goal import Goal, tie
from optimizer.solve.lexicographic import Searched, search
from optimizer.solve.prepared import Prepared, Run, prepare, refuse_no_plan
from optimizer.solve.run import plan_of
from optimizer.study.objective_checks import undecided
from optimizer.study.study import Study

SEARCHES_PER_POINT = 3
"""Searches after which a frontier of a given number of plans is closed, for each of them: one in vain below the middle
of a box and one below its corner may come with each plan found (a bound on work, unverified)."""


PREFERENCE = 0.1
"""Part of the gap that less of the limited objectives is worth over their whole ranges [-] (unverified: small enough
to leave the gap to the first objective, large enough for the solver to see)."""


@dataclass(frozen=True)
class FrontierPlan:
    """One efficient plan.

    Parameters
    ----------
    plan : Plan
        Of the study that limits the other objectives to this plan's own values.
    values : dict of str to float
        Every objective by its name with unit.
    limits : dict of str to float
        Limits below which it was searched, by name with unit: up to them the bound holds. Empty of those not limited.
    status : str
        How its search ended.
    bound : float
        What no plan within these limits goes below in the first objective, in its unit.
    gap : float
        As the model defines it [-].
    """

    plan: Plan
    values: dict[str, float]
    limits: dict[str, float]
    status: str
    bound: float
    gap: float


@dataclass(frozen=True)
class Frontier:
    """Efficient plans between objectives.

    Parameters
    ----------
    study : Study
        The study.
    objectives : tuple of str
        The objective minimized, then those limited.
    plans : tuple of FrontierPlan
        In order of the first objective; none dominates another.
    complete : bool
        Whether nothing is left to explore.
    n_searches : int
        Searches made.
    seconds : float
        Time taken [s].
    """

    study: Study
    objectives: tuple[str, ...]
    plans: tuple[FrontierPlan, ...]
    complete: bool
    n_searches: int
    seconds: float

    @property
    def is_exact(self) -> bool:
        """Whether all efficient plans are there: nothing left, every search asked and proven to the end."""
        return self.complete and self.study.config.solve.gap == 0.0 and all(p.gap == 0.0 for p in self.plans)

    @property
    def table(self) -> pd.DataFrame:
        """One row a plan: its number, the objectives, what is proven, sites and IT load."""
        return pd.DataFrame([_row(i, p, self.objectives) for i, p in enumerate(self.plans, start=1)])


def _row(number: int, p: FrontierPlan, objectives: Sequence[str]) -> dict[str, object]:
    first = OBJECTIVES[objectives[0]].key
    limited = [OBJECTIVES[name].key for name in objectives[1:]]
    summary = p.plan.summary
    return {
        "plan": f"{number:02d}",
        **p.values,
        f"bound_{first}": p.bound,
        "gap": p.gap,
        "status": p.status,
        **{f"limit_{key}": p.limits.get(key) for key in limited},
        "n_sites": summary["n_sites"],
        "it_mw": list(summary["it_mw"].values())[-1],
    }


def find_frontier(
    study: Study, objectives: Sequence[str], points: int | None = None, progress: Progress = silent
) -> Frontier:
    """Find the efficient plans between two or three objectives.

    Parameters
    ----------
    study : Study
        What is decided. Its own objective does not matter; its time limit is for each search.
    objectives : sequence of str
        Names of two or three objectives.
    points : int, optional
        Most plans to find, spread over the frontier; all without it.
    progress : callable
        Told the stage and a line of text.

    Returns
    -------
    Frontier

    Raises
    ------
    InputError
        The objectives are not two or three different ones that the study has, or the study is refused.
    InfeasibleError
        No plan satisfies every constraint.
    SolverError
        A limit was reached without a plan.
    """
    order = ordered_objectives(study, objectives)
    started = time.perf_counter()
    run = Run(study, progress)
    prepared = prepare(run)
    search_all = _Exploration(run, prepared, order, points)
    search_all.explore()
    found = tuple(sorted(search_all.efficient(), key=lambda p: [p.values[OBJECTIVES[n].key] for n in order]))
    seconds = time.perf_counter() - started
    return Frontier(study, order, found, search_all.is_complete, search_all.n_searches, seconds)


def ordered_objectives(study: Study, objectives: Sequence[str]) -> tuple[str, ...]:
    """Return the objectives with the one to be minimized first: the cost where it is asked for.

    Raises
    ------
    InputError
        They are not two or three different ones, or not ones that the study has.
    """
    findings = [
        Finding("command.objective", "--objectives", "no such objective", repr(name), nearest(name, OBJECTIVES))
        for name in objectives
        if name not in OBJECTIVES
    ]
    if "net_present_value" in objectives:
        text, remedy = (
            "plans of most value are no frontier of costs",
            'ask for cost, or solve with objective "net_present_value"',
        )
        findings.append(Finding("command.objective", "--objectives", text, "'net_present_value'", remedy))
    if not findings and not 2 <= len(set(objectives)) == len(objectives) <= 3:
        text, remedy = "a frontier lies between two or three different objectives", "such as cost,carbon"
        findings.append(Finding("command.objectives", "--objectives", text, ",".join(objectives), remedy))
    if not findings:
        findings = undecided(study, objectives)
    if findings:
        raise InputError(findings)
    return tuple(sorted(objectives, key=lambda name: name != "cost"))


class _Exploration:
    """State of one frontier: plans found, what is left, and how much work was done."""

    def __init__(self, run: Run, prepared: Prepared, order: tuple[str, ...], points: int | None) -> None:
        self.run, self.prepared, self.order, self.points = run, prepared, order, points
        self.limited = order[1:]
        self.gap = run.study.config.solve.gap
        self.found: list[FrontierPlan] = []
        self.n_searches = 0
        self.is_cut_short = False
        self.left: Unexplored | None = None

    @property
    def is_complete(self) -> bool:
        return self.left is not None and not self.is_cut_short and self.left.next(spread=False) is None

    def explore(self) -> None:
        """Find the ends of the frontier, then search box by box."""
        ends = [self._search(self._in_turn(name), {}) for name in self.order]
        refuse_no_plan(ends[0].status, ends[0].has_plan)
        plans = [self._keep(end) for end in ends if end.has_plan]
        keys = [OBJECTIVES[name].key for name in self.limited]
        lower = tuple(
            min([ends[i].bounds[name], *(p.values[k] for p in plans)])
            for i, (name, k) in enumerate(zip(self.limited, keys, strict=True), start=1)
        )
        reach = tuple(max(p.values[k] for p in plans) for k in keys)
        step = tuple(tie(name, value) for name, value in zip(self.limited, reach, strict=True))
        self.left = Unexplored(lower, reach, step)
        # The first end is the best of all in the first objective: nothing above it in every other one is efficient.
        self.left.explore(tuple(plans[0].values[k] for k in keys), tuple(float("inf") for _ in keys))
        most = None if self.points is None else SEARCHES_PER_POINT * self.points
        while (most is None or self.n_searches < most) and not self._has_enough():
            chosen = self.left.next(spread=self.points is not None)
            if chosen is None:
                break
            self._explore_below(*chosen)

    def _explore_below(self, box: Box, below: Corner) -> None:
        """Search below a corner and take out what that explores."""
        assert self.left is not None
        pairs = zip(self.limited, below, self.left.step, strict=True)
        limits = {name: high - step for name, high, step in pairs if high < inf}
        searched = self._search(self._in_turn(self.order[0]), limits)
        if searched.status == "infeasible":
            self.left.explore(self.left.lower, below)
            self.left.mark(box, halved=True)
            return
        if not searched.has_plan:
            self.is_cut_short = True
            self.left.explore(box.lower, box.upper)
            return
        known = len(self.found)
        plan = self._keep(searched)
        self.left.explore([plan.values[OBJECTIVES[name].key] for name in self.limited], below)
        self.left.mark(box, halved=len(self.found) == known)

    def _in_turn(self, first: str) -> list[str]:
        """Objectives to minimize in turn: all where they are proven to the end, else the first and the cost."""
        if self.gap > 0.0 and "cost" in self.order:
            return [first]
        return [first, *(name for name in self.order if name != first)]

    def _search(self, order: Sequence[str], limits: Mapping[str, float]) -> Searched:
        self.n_searches += 1
        self.run.restart()
        self.run.log(f"frontier search {self.n_searches}: {len(self.found)} plans so far")
        preferred = self._preferred(limits) if order == ["cost"] else {}
        gap = self.gap * (1.0 - PREFERENCE) if preferred else self.gap
        return search(self.run, self.prepared, order, Goal(limits=limits, preferred=preferred), gap)

    def _preferred(self, limits: Mapping[str, float]) -> dict[str, float]:
        """What less of each limited objective is worth: over their ranges together, a part of the gap."""
        if self.left is None or not limits:
            return {}
        money = PREFERENCE * self.gap * max(self.prepared.decided(self.found[0].values["cost_musd"]), 0.0)
        ranges = zip(self.limited, self.left.lower, self.left.reach, strict=True)
        return {n: money / len(limits) / (high - low) for n, low, high in ranges if n in limits and high > low}

    def _keep(self, searched: Searched) -> FrontierPlan:
        """Make the plan of a search, and keep it unless one with the same values is there."""
        first = self.order[0]
        base = self.run.study.override({"study.objective": first, "report.compare": []})
        plan = tidy_plan(plan_of(self.run, self.prepared, searched, base))
        values = dict(plan.summary["objectives"])
        for other in self.found:
            if all(abs(other.values[k] - values[k]) <= tie(n, values[k]) for n, k in self._keys()):
                return other
        in_force = searched.limits.get("cost", searched.limits[next(iter(searched.limits))])
        limits = {name: limit for name, limit in in_force.items() if name != first}
        totals = self.prepared.case.limits.totals
        changed = {f"limits.{OBJECTIVES[n].key}": min(v, totals.get(n, inf)) for n, v in limits.items() if n != "cost"}
        study = base.override(changed) if changed else base
        gap = float(plan.summary["gap"])
        status = status_of(gap, study.config.solve.gap)
        plan = replace(plan, study=study, config=study.config, summary={**plan.summary, "status": status})
        below = {OBJECTIVES[name].key: limit for name, limit in searched.limits[first].items()}
        bound = float(plan.summary["bound_value"])
        self.found.append(FrontierPlan(plan, values, below, status, bound, gap))
        return self.found[-1]

    def _keys(self) -> list[tuple[str, str]]:
        return [(name, OBJECTIVES[name].key) for name in self.order]

    def _has_enough(self) -> bool:
        return self.points is not None and len(self.efficient()) >= self.points

    def efficient(self) -> list[FrontierPlan]:
        """Plans found that no other plan found dominates."""
        return [p for p in self.found if not any(self._dominates(other, p) for other in self.found)]

    def _dominates(self, one: FrontierPlan, other: FrontierPlan) -> bool:
        """At least as good in every objective and better in one, by more than what counts as equal."""
        pairs = [(one.values[k], other.values[k], tie(n, other.values[k])) for n, k in self._keys()]
        return all(a <= b + close for a, b, close in pairs) and any(a < b - close for a, b, close in pairs)


def status_of(gap: float, asked: float) -> str:
    """Status of a plan with a gap, where a gap was asked for."""
    return "optimal" if gap == 0.0 else "gap_reached" if gap <= asked else "limit_with_plan"
