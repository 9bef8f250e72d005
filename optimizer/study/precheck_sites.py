"""Whether any choice of sites could meet the targets if the network carried everything: one small integer program.

A relaxation of the whole program: every site takes its best tie, its best cooling for each limit, and no flow is looked
at. Where even this has no solution, no plan exists, and that is known before any network is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from optimizer.study.case import Case
from optimizer.study.precheck_adequacy import judged_snapshots, room_mw, zones_of_sites
from optimizer.study.precheck_portfolio import delivery_rows, loss_rows, portfolio_rows
from optimizer.study.precheck_rows import ROUNDING, Row, blocks_that_fit, least, required_it_mw, row
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

SECONDS = 5.0
"""Time after which the question is left to the whole program (unverified: a choice) [s]."""

INFEASIBLE = 2
"""Status by which ``scipy.optimize.milp`` says that there is no solution."""


def sites_suffice(case: Case) -> bool:
    """Whether some choice of sites meets every target within every limit that is not one of flows.

    Parameters
    ----------
    case : Case
        With sites.

    Returns
    -------
    bool
        False only if it is shown that none does.
    """
    rows = [*_site_rows(case), *_target_rows(case), *_money_rows(case), *_resource_rows(case)]
    rows += [*_generation_rows(case), *_adequacy_rows(case)]
    rows += [*loss_rows(case), *portfolio_rows(case), *delivery_rows(case)]
    matrix = sp.vstack([one[0] for one in rows], format="csr")
    low, high = np.concatenate([one[1] for one in rows]), np.concatenate([one[2] for one in rows])
    low = np.where(np.isfinite(low), low - ROUNDING * np.maximum(1.0, np.abs(low)), low)
    high = np.where(np.isfinite(high), high + ROUNDING * np.maximum(1.0, np.abs(high)), high)
    n = matrix.shape[1]
    most = blocks_that_fit(case)
    upper = np.concatenate([(most > 0).astype(float).ravel("F"), most.ravel("F")])
    found = milp(
        np.zeros(n),
        integrality=np.ones(n),
        bounds=Bounds(np.zeros(n), upper),
        constraints=LinearConstraint(matrix, low, high),
        options={"time_limit": SECONDS},
    )
    return bool(found.status != INFEASIBLE)


def _site_rows(case: Case) -> Iterator[Row]:
    """Blocks only where built, no fewer than worthwhile, and nothing is undone."""
    n, periods = len(case.sites), len(case.periods)
    one = sp.identity(n * periods, format="csr")
    fewest = np.tile(np.maximum(1.0, case.sites["min_blocks"].to_numpy(float)), periods)
    most = blocks_that_fit(case).ravel("F")
    nothing, endless = np.zeros(n * periods), np.full(n * periods, np.inf)
    yield sp.hstack([-sp.diags(most), one], format="csr"), -endless, nothing
    yield sp.hstack([-sp.diags(fewest), one], format="csr"), nothing, endless
    if periods > 1:
        later = one[n:] - one[:-n]
        every = sp.block_diag([later, later], format="csr")
        yield every, np.zeros(every.shape[0]), np.full(every.shape[0], np.inf)


def _target_rows(case: Case) -> Iterator[Row]:
    """Targets, shares of counties, and the pace of construction."""
    block, none = case.sites["block_mw"].to_numpy(float), np.zeros(len(case.sites))
    share, pace, required = case.limits.share_per_county, case.limits.new_it_mw_per_period, required_it_mw(case)
    # Racks count less than their MW, so that whole blocks of them say nothing here.
    counties = case.sites_of_county if share is not None and not case.has_racks else {}
    there = [case.sites.index.isin(names).astype(float) for names in counties.values()]
    for t, target in case.demand_mw.items():
        yield row(case, int(t), none, block, float(required[t]), np.inf)
        for here in there:
            yield row(case, int(t), none, here * block, -np.inf, (share or 0.0) * float(target))
    before: sp.csr_matrix | None = None
    for t in case.periods.index if pace is not None else ():
        total, _, _ = row(case, int(t), none, block, 0.0, 0.0)
        yield total if before is None else total - before, np.array([-np.inf]), np.array([float(pace or 0.0)])
        before = total


def _money_rows(case: Case) -> Iterator[Row]:
    """Budgets, with the cheapest tie and the cheapest cooling of every site."""
    sites = case.sites
    fixed = sites["fixed_cost_musd"].to_numpy(float)
    if case.network is not None:
        fixed = fixed + case.ties.groupby("site")["cost_musd"].min().reindex(sites.index).fillna(0.0).to_numpy(float)
    cooling = least(case, case.cooling["cost_musd_per_mw"])
    block = (sites["block_cost_musd"] + case.equipment.once_musd(sites)).to_numpy(float)
    block = block + sites["block_mw"].to_numpy(float) * cooling
    for t, budget in case.limits.budget_musd.items():
        if t in case.periods.index:
            yield row(case, int(t), fixed, block, -np.inf, float(budget))


def _resource_rows(case: Case) -> Iterator[Row]:
    """Water of each basin and emissions, each with the technology that needs least of it."""
    sites, none = case.sites, np.zeros(len(case.sites))
    power = sites["block_mw"].to_numpy(float) * sites["utilization"].to_numpy(float)
    water = HOURS_PER_DAY * power * least(case, case.cooling["wue_m3_per_mwh"])
    carbon = HOURS_PER_YEAR * power * sites["emission_t_per_mwh"].to_numpy(float)
    # Own supply takes the place of the grid's.
    carbon = carbon * (least(case, case.cooling["pue_annual"]) if case.supply is None else 0.0)
    available = case.water["available_m3_day"].groupby(level="basin").sum()
    years = case.periods["years"]
    for name, yearly in (("carbon", carbon), ("water", water * HOURS_PER_YEAR / HOURS_PER_DAY)):
        if name in case.limits.totals:
            every = sum(float(years[t]) * row(case, int(t), none, yearly, 0.0, 0.0)[0] for t in case.periods.index)
            yield sp.csr_matrix(every), np.array([-np.inf]), np.array([case.limits.totals[name]])
    for t in case.periods.index:
        for basin, most in available.items():
            here = (sites["basin"] == basin).to_numpy(float)
            yield row(case, int(t), none, here * water, -np.inf, float(most))
        if t in case.limits.carbon_t_per_year:
            yield row(case, int(t), none, carbon, -np.inf, float(case.limits.carbon_t_per_year[t]))


def _generation_rows(case: Case) -> Iterator[Row]:
    """All generators at their largest output, against existing load and the campuses."""
    if case.network is None or case.supply is not None:
        return
    none, block = np.zeros(len(case.sites)), (case.sites["block_mw"] * case.needs_tie).to_numpy(float)
    curtailable = [] if case.service is None else case.service.snapshots(case.snapshots["hours"])
    for h in case.snapshots.index.difference(curtailable, sort=False):
        drawn = block * least(case, case.pue[h])
        for t in case.periods.index:
            left = float(case.output_max_mw[h].sum() - case.load_mw[(t, h)].sum())
            yield row(case, int(t), none, drawn, -np.inf, left)


def _adequacy_rows(case: Case) -> Iterator[Row]:
    """What sites tied to one zone alone draw at least, against the room that its capacity leaves."""
    room = room_mw(case)
    if room.empty:
        return
    homes, none = zones_of_sites(case), np.zeros(len(case.sites))
    block = case.sites["block_mw"].to_numpy(float)
    for z in room.index:
        here = np.array([homes.get(s) == frozenset((z,)) for s in case.sites.index], dtype=float)
        for h in judged_snapshots(case):
            drawn = here * block * least(case, case.pue[h])
            for t in case.periods.index:
                yield row(case, int(t), none, drawn, -np.inf, float(room.at[z, (t, h)]))
