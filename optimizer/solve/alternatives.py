"""Alternatives: the best distinct plans within a band of cost, and which sites are in all of them.

The best plan is found first; each next one is the cheapest that differs from all before by the least difference asked
for (`optimizer.solve.apart`) and stays within the band. It is the best of those left to within the study's gap; the
order of plans closer than the gap is not proven. When a search finds none, no further plan lies in the band, and the
list is complete.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.progress import Progress, silent
from optimizer.solve.apart import Difference, Layout
from optimizer.solve.frontier import status_of
from optimizer.solve.goal import Goal, tie
from optimizer.solve.lexicographic import search
from optimizer.solve.money import gap_of
from optimizer.solve.prepared import Run, prepare, refuse_no_plan
from optimizer.solve.run import plan_of
from optimizer.study.study import Study


@dataclass(frozen=True)
class Alternative:
    """One of the best plans.

    Parameters
    ----------
    plan : Plan
        Of the study itself: its gap is to the best of all plans.
    cost_musd : float
        Its cost [M$].
    bound_musd : float
        What no plan costs less than that differs from the plans found before it [M$].
    layout : Layout
        What stands where in the last period.
    """

    plan: Plan
    cost_musd: float
    bound_musd: float
    layout: Layout


@dataclass(frozen=True)
class Alternatives:
    """The best distinct plans.

    Parameters
    ----------
    study : Study
        The study.
    plans : tuple of Alternative
        The cheapest first.
    difference : Difference
        By how much they differ at least.
    within : float
        Band of cost as a share of the cost that the decision can change [-].
    limit_musd : float
        Largest cost in the band [M$].
    complete : bool
        Whether no further plan lies in the band.
    seconds : float
        Time taken [s].
    """

    study: Study
    plans: tuple[Alternative, ...]
    difference: Difference
    within: float
    limit_musd: float
    complete: bool
    seconds: float

    @property
    def table(self) -> pd.DataFrame:
        """One row a plan: cost, how much more than the cheapest, bound, sites and how many of them are new."""
        best = self.plans[0]
        rows = []
        for i, a in enumerate(self.plans, start=1):
            rows.append(
                {
                    "plan": f"{i:02d}",
                    **a.plan.summary["objectives"],
                    "more_musd": a.cost_musd - best.cost_musd,
                    "bound_cost_musd": a.bound_musd,
                    "n_sites": len(a.layout.blocks),
                    "n_sites_not_in_first": len(set(a.layout.blocks) - set(best.layout.blocks)),
                    "it_mw": list(a.plan.summary["it_mw"].values())[-1],
                }
            )
        return pd.DataFrame(rows)

    @property
    def in_all(self) -> tuple[str, ...]:
        """Sites that every plan builds."""
        return tuple(sorted(set.intersection(*(set(a.layout.blocks) for a in self.plans))))


def find_alternatives(
    study: Study,
    count: int,
    within: float,
    difference: Difference | None = None,
    progress: Progress = silent,
) -> Alternatives:
    """Find the best distinct plans within a band of cost.

    Parameters
    ----------
    study : Study
        What is decided, its objective the cost; its time limit is for each search.
    count : int
        Most plans to find.
    within : float
        Band of cost, as a share of what the decision can change of the best plan's cost: D of the gap [-].
    difference : Difference, optional
        By how much plans differ at least; default by one site.
    progress : callable
        Told the stage and a line of text.

    Returns
    -------
    Alternatives

    Raises
    ------
    InputError
        The study has no campuses, or is refused.
    InfeasibleError
        No plan satisfies every constraint.
    SolverError
        A limit was reached without a plan.
    """
    started = time.perf_counter()
    difference = difference or Difference()
    _refuse(study, count, within, difference)
    study = study.override({"study.objective": "cost", "report.compare": []})
    run = Run(study, progress)
    prepared = prepare(run)
    found: list[Alternative] = []
    goal, complete, limit, best_bound = Goal(difference=difference), False, float("inf"), 0.0
    while len(found) < count:
        run.restart()
        searched = search(run, prepared, ["cost"], goal)
        if not found:
            refuse_no_plan(searched.status, searched.has_plan)
        if not searched.has_plan:
            complete = searched.status == "infeasible"
            break
        plan = tidy_plan(plan_of(run, prepared, searched))
        layout = Layout.of(searched.program.model, prepared.case)
        cost = float(plan.summary["objective_musd"])
        if not found:
            best_bound = searched.bounds["cost"]
            limit = cost + within * max(prepared.decided(cost), 0.0)
        plan = _against(plan, best_bound, prepared.decided(cost), study.config.solve.gap)
        found.append(Alternative(plan, cost, min(searched.bounds["cost"], cost), layout))
        goal = replace(goal, limits={"cost": limit + tie("cost", limit)}, apart=(*goal.apart, layout))
    plans = tuple(sorted(found, key=lambda a: a.cost_musd))
    return Alternatives(study, plans, difference, within, limit, complete, time.perf_counter() - started)


def _against(plan: Plan, bound_musd: float, decided: float, asked: float) -> Plan:
    """State of a plan how far it may be from the best of all."""
    cost = float(plan.summary["objective_musd"])
    bound = min(bound_musd, cost)
    gap = gap_of(cost, bound, decided)
    stated = {"bound_value": bound, "bound_musd": bound, "gap": gap, "gap_musd": cost - bound}
    return replace(plan, summary={**plan.summary, **stated, "status": status_of(gap, asked)})


def _refuse(study: Study, count: int, within: float, difference: Difference) -> None:
    findings = []
    if study.config.demand is None:
        text, remedy = "a study without demand has no campuses to place elsewhere", "add [demand] it_mw"
        findings.append(Finding("study.no_demand", "demand", text, "", remedy))
    if count < 1:
        findings.append(
            Finding("command.best", "--best", "at least one plan is asked for", str(count), "give a number")
        )
    if difference.n_sites < 1 and difference.it_mw <= 0:
        text, remedy = "plans that need not differ are all the same", "ask for one site, or for some MW"
        findings.append(Finding("command.differ", "--differ-sites, --differ-mw", text, "0", remedy))
    if not 0 <= within < float("inf"):
        text, remedy = "the band is a share, 0 or more", "such as 0.02"
        findings.append(Finding("command.within", "--within", text, str(within), remedy))
    if findings:
        raise InputError(findings)


def sites_of(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """Which sites which plans build, and how much stands there in the last period.

    Parameters
    ----------
    plans : mapping of str to Plan
        By number.

    Returns
    -------
    DataFrame
        ``site``, ``n_plans`` [-], ``in_all``, ``least_it_mw``, ``most_it_mw`` [MW], ``county``, ``lat``, ``lon``, and
        ``it_mw_<plan>`` [MW]; sites of most plans first.
    """
    parts = []
    for number, plan in plans.items():
        rows = plan.table("sites")
        last = rows[rows["period"] == plan.config.study.periods[-1]]
        parts.append(last.assign(plan=number))
    rows = pd.concat(parts)
    wide = rows.pivot_table(index="site", columns="plan", values="it_mw", aggfunc="sum", observed=True)
    wide = wide.reindex(columns=list(plans)).fillna(0.0)
    built = (wide > 0).sum(axis=1)
    places = rows.drop_duplicates("site").set_index("site")[["county", "lat", "lon"]].reindex(wide.index)
    table = pd.DataFrame(
        {
            "n_plans": built,
            "in_all": built == len(plans),
            "least_it_mw": wide.min(axis=1),
            "most_it_mw": wide.max(axis=1),
        }
    ).join(places)
    table = table.join(wide.rename(columns=lambda number: f"it_mw_{number}")).reset_index()
    return table.sort_values(["n_plans", "site"], ascending=[False, True], kind="stable").reset_index(drop=True)
