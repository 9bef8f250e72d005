"""Why a site is in a plan, or why it is not: what the plan costs with the site the other way, and what decides it.

The study is solved once more, with the site held built or without it. Both plans are known to within their gaps, so a
difference of costs is given with the range in which it is certain to lie:
``bound of one - cost of the other <= difference <= cost of one - bound of the other``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, SolverError, nearest
from optimizer.plan.plan import Plan
from optimizer.progress import Progress, silent
from optimizer.solve.explain.infeasible import Explanation, explain
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import COST
from optimizer.solve.explain.question import force
from optimizer.solve.explain.ways_out import WayOut, rounded_up
from optimizer.solve.loop import Limits, find_plan
from optimizer.solve.money import decided_musd
from optimizer.solve.prices.binding import binding_limits
from optimizer.solve.program import Clock, RowKey, SecureProgram
from optimizer.solve.tables import decisions
from optimizer.study.case import Case
from optimizer.study.study import Study

NO_DIFFERENCE_MUSD = 1e-6
"""Costs closer than this are the same [M$]."""


@dataclass(frozen=True)
class Other:
    """The best plan with a site the other way.

    Parameters
    ----------
    objective_musd, bound_musd : float
        Cost of the plan, and what every such plan costs at least [M$].
    costs_musd : Series, index account
        Its cost by account [M$].
    it_mw : Series, index site
        IT load of each site in the last period [MW].
    binding : DataFrame
        Its binding limits, as table ``binding``.
    """

    objective_musd: float
    bound_musd: float
    costs_musd: pd.Series
    it_mw: pd.Series
    binding: pd.DataFrame


@dataclass(frozen=True)
class Reasons:
    """Why a site is in a plan, or why it is not.

    Parameters
    ----------
    site : str
        The site.
    is_built : bool
        Whether the plan builds it.
    refused : str
        Rule that keeps it from being a candidate at all; empty otherwise.
    difference_musd : float
        What the plan costs more with the site the other way; infinite if there is no such plan [M$].
    least_musd, most_musd : float
        Range in which that difference lies for certain [M$].
    by_account_musd : dict of str to float
        The difference by account [M$].
    moved_mw : dict of str to float
        IT load that each other site gains or loses in the last period [MW].
    binding : DataFrame
        Limits that bind with the site the other way and not in the plan, the highest price first.
    explanation : Explanation, optional
        Why there is no plan with the site the other way, or none that costs no more, and what would admit it; without
        a conflict where more cost is not certain, or the time was too short to find one.
    """

    site: str
    is_built: bool
    refused: str = ""
    difference_musd: float = np.nan
    least_musd: float = np.nan
    most_musd: float = np.nan
    by_account_musd: dict[str, float] | None = None
    moved_mw: dict[str, float] | None = None
    binding: pd.DataFrame | None = None
    explanation: Explanation | None = None

    @property
    def substitute(self) -> str:
        """Site that gains most where this one is left out, or loses most where it is forced in; empty for none."""
        moved = {s: (mw if self.is_built else -mw) for s, mw in (self.moved_mw or {}).items()}
        best = max(moved, key=lambda s: (moved[s], s), default="")
        return best if best and moved[best] > 0 else ""

    def to_dict(self) -> dict[str, Any]:
        """The reasons for JSON."""
        return {
            "site": self.site,
            "is_built": self.is_built,
            "refused": self.refused,
            "difference_musd": self.difference_musd,
            "difference_least_musd": self.least_musd,
            "difference_most_musd": self.most_musd,
            "by_account_musd": self.by_account_musd or {},
            "substitute": self.substitute,
            "moved_mw": self.moved_mw or {},
            "binding": [] if self.binding is None else self.binding.to_dict("records"),
        }


def why_site(plan: Plan, site: str, progress: Progress = silent) -> Reasons:
    """Find out why a site is in a plan, or why it is not.

    Parameters
    ----------
    plan : Plan
        With its study.
    site : str
        Id of a candidate, or of a refused place.
    progress : callable
        Told the stage and a line of text.

    Raises
    ------
    InputError
        The plan has no such site, or its study is gone.
    SolverError
        The time or round limit of the study was reached before the other plan was found.
    """
    if plan.study is None or not plan.has_plan:
        remedy = "restore the inputs that manifest.json lists, or solve the study again"
        text = "the study of this plan cannot be read again"
        raise InputError([Finding("why.no_study", str(plan.summary.get("name", "plan")), text, "", remedy)])
    study, case = plan.study, _case_of(plan, plan.study)
    sites = plan.table("sites")
    is_built = bool((sites.loc[sites["site"] == site, "blocks"] > 0).any())
    if site not in case.sites.index:
        return _refused(plan, case, site)
    progress("why", None, f"the best plan {'without' if is_built else 'with'} {site}")
    changed, built = (without_site(case, site), ()) if is_built else (case, (site,))
    other = _solved(study, changed, plan, built, progress)
    if other is None:
        progress("why", None, "there is none: which limits stand against it")
        found = explain(changed, asked=Asked(built))
        return Reasons(site, is_built, difference_musd=np.inf, least_musd=np.inf, most_musd=np.inf, explanation=found)
    reasons = _compared(plan, site, is_built, other)
    if is_built or reasons.difference_musd <= NO_DIFFERENCE_MUSD:
        return reasons
    return replace(reasons, explanation=_admission(plan, changed, reasons, progress))


def _admission(plan: Plan, case: Case, reasons: Reasons, progress: Progress) -> Explanation:
    """What would admit a site with which a plan costs more.

    Paying what it costs more always does. Which limits stand against it at no more cost is only a question where it
    costs more for certain: within the gaps, a plan with it may be as good as the plan.
    """
    if reasons.least_musd > 0:
        progress("why", None, "which change would admit it at no more cost")
        asked = Asked((reasons.site,), float(plan.summary["objective_musd"]))
        found = explain(case, asked=asked)
        if found.conflict is not None:
            return found
    return Explanation(case, None, (WayOut({Limit(COST): rounded_up(reasons.difference_musd)}),))


def _case_of(plan: Plan, study: Study) -> Case:
    overloads = plan.table("base_overloads")
    return study.case if overloads.empty else replace(study.case, base_overloads=overloads)


def _refused(plan: Plan, case: Case, site: str) -> Reasons:
    refused = plan.table("refused")
    rows = refused[refused["place"] == site]
    if rows.empty:
        text, remedy = "no candidate and no refused place has this name", nearest(site, map(str, case.sites.index))
        raise InputError([Finding("why.unknown_site", "SITE", text, repr(site), remedy)])
    return Reasons(site, False, refused="; ".join(dict.fromkeys(rows["rule"].astype(str))))


def without_site(case: Case, site: str) -> Case:
    """The case without one of its candidates."""
    return replace(
        case,
        sites=case.sites.drop(index=site),
        ties=case.ties[case.ties["site"] != site],
        cooling=case.cooling.drop(index=site, level="site"),
        pue=case.pue.drop(index=site, level="site"),
        supply=None if case.supply is None else case.supply.without(site),
        workloads=None if case.workloads is None else case.workloads.without(site),
        orbit=None if case.orbit is None else case.orbit.without(site),
        portfolio=case.portfolio.without(site),
    )


def binding_rows(plan: Plan, case: Case) -> list[RowKey]:
    """Branch rows that bind in a plan: most of what another plan of nearly the same case needs, at once."""
    table, outages = plan.table("binding"), {"", *case.outage_names}
    ratings = table[table["limit"].isin(("normal rating", "emergency rating")) & table["contingency"].isin(outages)]
    return [
        (str(row.element), str(row.contingency), int(row.period), str(row.snapshot), 1 if row.bound > 0 else -1)
        for row in ratings.itertuples()
    ]


def _solved(study: Study, case: Case, plan: Plan, built: tuple[str, ...], progress: Progress) -> Other | None:
    """The best plan of a case, ``None`` if there is none."""
    settings = study.config.solve
    deadline = time.perf_counter() + settings.time_limit_s
    show = lambda line: progress("why", None, line)  # noqa: E731
    program = SecureProgram(case, settings.threads, settings.seed, Clock(), show, deadline=deadline)
    program.add_rows(binding_rows(plan, case))
    force(program, built)
    baseline, common = (float(plan.summary[key]) for key in ("baseline_musd", "common_musd"))
    limits = Limits(settings.gap, settings.max_rounds)
    found = find_plan(program, limits, lambda objective: decided_musd(case, objective, baseline, common))
    if found.status == "infeasible":
        return None
    program.highs.relax(True)
    program.fix(found.integers)
    program.highs.forget_basis()
    program.deadline = np.inf
    outcome = program.solve_clean("settle", settings.max_rounds)
    if found.status == "limit_without_plan" or outcome.status != "optimal":
        text, remedy = "the other plan was not found in time", "raise [solve] time_limit_s or max_rounds"
        raise SolverError([Finding("why.limit", "study", text, found.status, remedy)])
    program.highs.load(outcome.values)
    placed = decisions.decisions(case, program.model).placed
    last = placed[placed["period"] == case.periods.index[-1]]
    costs = decisions.cost_table(case, program.model).groupby("account", sort=False)["cost_musd"].sum()
    bound = min(found.bound, outcome.objective)
    return Other(float(costs.sum()), bound, costs, last.groupby("site")["it_mw"].sum(), binding_limits(program))


def _compared(plan: Plan, site: str, is_built: bool, other: Other) -> Reasons:
    objective, bound = float(plan.summary["objective_musd"]), float(plan.summary["bound_musd"])
    by_account = other.costs_musd - plan.table("costs").groupby("account")["cost_musd"].sum()
    sites = plan.table("sites")
    own = sites[sites["period"] == sites["period"].max()].groupby("site")["it_mw"].sum()
    moved = other.it_mw.sub(own, fill_value=0.0).drop(index=site, errors="ignore")
    moved = moved[moved.abs() > 1e-6]
    key = ["limit", "element", "contingency", "period", "snapshot"]
    known = pd.MultiIndex.from_frame(plan.table("binding")[key])
    new = other.binding[~pd.MultiIndex.from_frame(other.binding[key]).isin(known)]
    new = new.sort_values(["price_usd_per_unit", *key], ascending=[False, *[True] * len(key)])
    return Reasons(
        site,
        is_built,
        difference_musd=other.objective_musd - objective,
        # With the site the other way a plan may as well be better: the plan is only the best within its gap.
        least_musd=other.bound_musd - objective,
        most_musd=other.objective_musd - bound,
        by_account_musd={str(a): float(v) for a, v in by_account.items() if abs(v) > NO_DIFFERENCE_MUSD},
        moved_mw={str(s): float(mw) for s, mw in moved.items()},
        binding=new,
    )
