"""What rules a case out before anything is solved, with the shortfall named.

Each check is a necessary condition that a person can follow; passing all of them does not make a case feasible.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InfeasibleError, InputError
from optimizer.study.case import Case
from optimizer.study.circuits import joined_groups
from optimizer.study.futures import future_of, refuse_different
from optimizer.study.precheck_adequacy import existing_load_findings, target_findings
from optimizer.study.precheck_portfolio import loss_reasons, portfolio_reasons, scale_reasons
from optimizer.study.precheck_rows import ROUNDING, required_it_mw, shortfall, too_little
from optimizer.study.precheck_sites import sites_suffice
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

if TYPE_CHECKING:
    from optimizer.study.study import Study


def precheck(case: Case) -> tuple[Finding, ...]:
    """Look for reasons why no plan can exist.

    Parameters
    ----------
    case : Case
        The case.

    Returns
    -------
    tuple of Finding
        One for each reason, all errors; empty if none was found. An error means that the case is infeasible.
    """
    if case.network is None and not len(case.demand_mw):
        text, remedy = "the study has neither a grid nor a demand", "add [grid] with source, or [demand] with it_mw"
        return (Finding("study.nothing_to_decide", "study", text, "", remedy),)
    findings = [*_existing_load(case), *existing_load_findings(case)]
    required, must_survive = required_it_mw(case), case.portfolio.survive_loss_of and case.portfolio.share_left > 0
    if (required > 0).any() and case.sites.empty:
        text = "every place is refused: there is no candidate site"
        remedy = "see which rules refuse them (gridsite sites STUDY), then widen [sites], [cooling] or [water]"
        findings.append(shortfall("no_sites", int(required.idxmax()), text, 0.0, float(required.max()), remedy))
    else:
        for t, target in required.items():
            if target > 0:
                findings += _targets(case, int(t), float(target))
        for t in case.demand_mw.index if must_survive and len(case.sites) else ():
            # A price of what is not served buys nothing here.
            findings += loss_reasons(case, int(t), _capacity(case, int(t))[0])
        for t in case.periods.index if len(case.sites) else ():
            findings += scale_reasons(case, int(t))
        asked = required.max() > 0 or must_survive
        if not findings and len(case.sites) and asked and not sites_suffice(case):
            text = "no choice of sites meets every target within the limits, even if the network carried everything"
            remedy = "loosen one of the limits of the conflict that is named with this, or lower the target"
            findings.append(Finding("study.demand.no_choice_of_sites", "study", text, "", remedy))
    return tuple(findings)


def precheck_study(study: Study) -> tuple[Finding, ...]:
    """`precheck` of every case that solving a study solves: its own, those it is compared with, and its futures.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    tuple of Finding
        Those of a scenario or a future begin with its name.

    Raises
    ------
    InputError
        A scenario it is compared with, or a future, cannot be read; or its futures differ in their candidates.
    """
    findings = list(precheck(study.case))
    for name in study.config.report.compare if study.config.demand is not None else ():
        findings += named_findings(precheck(study.scenario(name).case), name)
    return (*findings, *_futures(study))


def named_findings(findings: Iterable[Finding], name: str) -> list[Finding]:
    """Findings of a scenario or a future, which say whose they are."""
    return [replace(one, where=f"scenario {name}, {one.where}") for one in findings]


def _futures(study: Study) -> list[Finding]:
    """What rules out the plan of a future, each alone."""
    uncertainty = study.config.uncertainty
    if uncertainty is None:
        return []
    cases, refused = [], []
    for one in uncertainty.scenario:
        try:
            cases.append(future_of(study, one).case)
        except InputError as error:
            refused += named_findings(error.findings, one.name)
    if refused:
        raise InputError(refused)
    names = [one.name for one in uncertainty.scenario]
    refuse_different(cases, names)
    return [f for name, case in zip(names, cases, strict=True) for f in named_findings(precheck(case), name)]


def refuse_infeasible(case: Case) -> None:
    """Raise `InfeasibleError` with every finding of `precheck`, if there are any."""
    findings = precheck(case)
    if findings:
        raise InfeasibleError(findings)


def _targets(case: Case, t: int, target: float) -> Iterator[Finding]:
    """Reasons why a period's target cannot be met."""
    capacity, when = _capacity(case, t)
    if too_little(capacity.sum(), target):
        text = f"the sites that can serve in {t} hold less than the target of {target:g} MW together{when}"
        remedy = "move the target to a later period, or widen [sites]: longer ties, more sites, larger campuses"
        yield shortfall("beyond_sites", t, text, float(capacity.sum()), target, remedy)
        return
    yield from _shares(case, t, target, capacity)
    yield from _water(case, t, target, capacity)
    yield from _generation(case, t, target - float(capacity[~case.needs_tie].sum()))
    yield from target_findings(case, t, target, capacity)
    yield from _portfolio(case, t, target)
    yield from portfolio_reasons(case, t, target, capacity)


def _capacity(case: Case, t: int) -> tuple[pd.Series, str]:
    """What each site can serve in a period by its size and lead times [MW], and from when others can."""
    first = case.sites["earliest"].astype(float)
    if case.network is not None:
        tie = case.ties.groupby("site")["ready"].min().reindex(case.sites.index)
        first = np.maximum(first, tie.fillna(np.inf).where(case.needs_tie, -np.inf))
    ready = first <= t
    later = first[~ready & np.isfinite(first)]
    when = f"; {len(later)} more can serve from {later.min():.0f} on" if len(later) else ""
    return (case.sites["block_mw"] * case.sites["max_blocks"]).where(ready, 0.0), when


def _shares(case: Case, t: int, target: float, capacity: pd.Series) -> Iterator[Finding]:
    """The largest share of a county leaves too little when few counties have room."""
    share = case.limits.share_per_county
    if share is None:
        return
    named = case.sites["county"] != ""
    by_county = capacity[named].groupby(case.sites["county"][named]).sum()
    room = float(capacity[~named].sum() + by_county.clip(upper=share * float(case.demand_mw[t])).sum())
    if too_little(room, target):
        text = (
            f"with at most {share:g} of the target in one county, {int((by_county > 0).sum())} counties hold too little"
        )
        remedy = "raise limits.share_per_county or widen [sites]"
        yield shortfall("county_share", t, text, room, target, remedy)


def _water(case: Case, t: int, target: float, capacity: pd.Series) -> Iterator[Finding]:
    """The water of all basins together, used by the least thirsty technology of each site."""
    least = case.cooling["wue_m3_per_mwh"].groupby(level="site").min().reindex(case.sites.index).fillna(0.0)
    need = HOURS_PER_DAY * case.sites["utilization"] * least
    dry = need <= 0
    available = case.water["available_m3_day"].groupby(level="basin").sum()
    wet = capacity[~dry].groupby(case.sites["basin"][~dry]).sum()
    thirst = need[~dry].groupby(case.sites["basin"][~dry]).min()
    fed = (available.reindex(wet.index).fillna(0.0) / thirst).clip(upper=wet)
    room = float(capacity[dry].sum() + fed.sum())
    if too_little(room, target):
        text = "the water that this study may take cools less than the target, even with the least thirsty technology"
        remedy = "raise water.withdrawal_share, allow more water.sources, or a technology that needs less"
        yield shortfall("water", t, text, room, target, remedy)


def _generation(case: Case, t: int, target: float) -> Iterator[Finding]:
    """All generators at their largest output, against existing load and the campuses on the grid at their best PUE."""
    if case.network is None or case.supply is not None or target <= 0:
        # Own supply takes the place of generation, and what is rented draws nothing from it.
        return
    least_pue = case.pue_on_grid.min()
    curtailable = [] if case.service is None else case.service.snapshots(case.snapshots["hours"])
    for h in case.snapshots.index.difference(curtailable, sort=False):
        load = float(case.load_mw[(t, h)].sum() + least_pue[h] * target)
        most = float(case.output_max_mw[h].sum())
        if too_little(most, load):
            text = f"all generators together give less than existing load and campuses draw in snapshot {h}"
            remedy = "lower the target or the load growth, or check the availability of generators"
            yield shortfall("generation", t, text, most, load, remedy)


def _portfolio(case: Case, t: int, target: float) -> Iterator[Finding]:
    """Pace of construction, budget and emissions, each at the best that any site offers."""
    limits, sites = case.limits, case.sites
    number = list(case.periods.index).index(t) + 1
    if limits.new_it_mw_per_period is not None and too_little(number * limits.new_it_mw_per_period, target):
        text = f"{number} periods of new_it_mw_per_period reach less than the target"
        remedy = "raise limits.new_it_mw_per_period or lower the target"
        yield shortfall("pace", t, text, number * limits.new_it_mw_per_period, target, remedy)
    cooling = case.cooling["cost_musd_per_mw"].groupby(level="site").min().reindex(sites.index).fillna(0.0)
    block = sites["block_cost_musd"] + case.equipment.once_musd(sites)
    least = float((block / sites["block_mw"] + cooling).min())
    if t in limits.budget_musd and too_little(limits.budget_musd[t], least * target):
        text = "the budget does not pay for the blocks of the target where they are cheapest, without sites and ties"
        remedy = f"raise limits.budget_musd in {t} or lower the target"
        yield shortfall("budget", t, text, limits.budget_musd[t], least * target, remedy, "M$")
    pue = case.cooling["pue_annual"].groupby(level="site").min().reindex(sites.index).fillna(1.0)
    cleanest = float((HOURS_PER_YEAR * sites["utilization"] * pue * sites["emission_t_per_mwh"]).min())
    most = limits.carbon_t_per_year.get(t) if case.supply is None else None
    if most is not None and too_little(most, cleanest * target):
        text = "the campuses of the target emit more than the limit, even with the most efficient cooling"
        remedy = f"raise limits.carbon_t_per_year in {t} or lower the target"
        yield shortfall("carbon", t, text, most, cleanest * target, remedy, "t/year")


def _existing_load(case: Case) -> Iterator[Finding]:
    """Every island must be able to serve the load it has, and to take its generators' least output."""
    if case.network is None:
        return
    island = pd.Series(joined_groups(case), index=case.network.bus_ids)
    by_unit = case.generators["bus"].map(island)
    sited = set(island.reindex(case.ties["bus"].unique()))
    for h in case.snapshots.index:
        high = case.output_max_mw[h].groupby(by_unit).sum().reindex(range(int(island.max()) + 1)).fillna(0.0)
        low = case.output_min_mw[h].groupby(by_unit).sum().reindex(high.index).fillna(0.0)
        for t in case.periods.index:
            load = case.load_mw[(t, h)].groupby(island).sum().reindex(high.index).fillna(0.0)
            short, over = high - load, load - low
            for i in high.index[short < -ROUNDING * np.maximum(1.0, load.abs())]:
                text = f"the generators of {_named(island, i)} give less than its load in snapshot {h}"
                remedy = "check loads, availability, and that no branch is missing"
                yield shortfall("existing_load", int(t), text, float(high[i]), float(load[i]), remedy, of="grid")
            for i in high.index[over < -ROUNDING * np.maximum(1.0, load.abs())]:
                if i in sited:
                    continue
                text = (
                    f"the least output of the generators of {_named(island, i)} is more than its load in snapshot {h}"
                )
                remedy = "lower p_min_mw: units are not switched off by the model"
                yield shortfall("least_output", int(t), text, float(load[i]), float(low[i]), remedy, of="grid")


def _named(island: pd.Series, number: int) -> str:
    if island.nunique() == 1:
        return "the network"
    buses = island.index[island == number]
    return f"the island of bus {buses[0]} ({len(buses)} buses)"
