"""Baseline, common cost and gap, as the model defines them."""

from __future__ import annotations

from dataclasses import replace

from optimizer.study.case import Case
from optimizer.study.portfolio import Portfolio

GAP_ZERO_RELATIVE = 1e-6
"""Objective less bound below this share of max(1, |objective|) is no gap at all [-] (definition of the model)."""


def without_new_load(case: Case) -> Case:
    """The same system with no campuses: same grid, limits, allowed overloads, and upgrades free to be built."""
    return replace(
        case,
        sites=case.sites.iloc[:0],
        ties=case.ties.iloc[:0],
        cooling=case.cooling.iloc[:0],
        pue=case.pue.iloc[:0],
        water=case.water.iloc[:0],
        demand_mw=case.demand_mw.iloc[:0],
        workloads=None,
        orbit=None,
        supply=None,
        adequacy=None,
        portfolio=Portfolio(),
        work=None,
        max_generators={},
    )


def common_musd(case: Case) -> float:
    """Cost that every plan pays wherever it builds [M$, present value].

    Over the periods, target MW that nothing avoids, times the least (block cost + fixed cost / max_blocks) per IT MW
    of any site; its IT where that counts, no tie and no energy.
    """
    if not len(case.demand_mw) or not len(case.sites):
        return 0.0
    usable = case.sites[case.sites["max_blocks"] > 0]
    block = usable["block_annuity_musd"] + case.equipment.annuity_musd(usable)
    yearly = block + usable["fixed_annuity_musd"] / usable["max_blocks"]
    least = float((yearly / usable["block_mw"]).min())
    years = case.periods.loc[case.demand_mw.index, "annuity_years"]
    return float((case.unavoidable_mw * years).sum() * least)


def gap_of(objective: float, bound: float, decided: float) -> float:
    """Gap on what the decision can change [-].

    0 if ``objective - bound <= 1e-6 max(1, |objective|)``, else ``(objective - bound) / max(D, objective - bound)``
    with D `decided`.
    """
    difference = objective - bound
    if difference <= GAP_ZERO_RELATIVE * max(1.0, abs(objective)):
        return 0.0
    return difference / max(decided, difference)


def decided_musd(case: Case, objective: float, baseline: float, common: float) -> float:
    """What the decision can change: D of the gap [M$].

    Where campuses make the system cheaper than it was, by drawing power that could not leave a place, that is what
    they save.
    """
    if len(case.demand_mw) and not case.has_revenue and case.tariffs is None:
        return max(objective - baseline - common, baseline - objective)
    return abs(objective)
