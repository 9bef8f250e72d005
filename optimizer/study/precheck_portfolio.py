"""What the portfolio's limits leave of the sites: losses, shares, pace, ramp, embodied carbon, deliveries and scale.

Every reason and every row is necessary: it follows from rows of the program by leaving out flows, and by giving each
site the cooling, the size and the tie that suit it best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.study.case import Case
from optimizer.study.portfolio import Delivery
from optimizer.study.precheck_rows import Floats, Row, blocks_that_fit, least, row, shortfall, too_little

MOST_LOST = 200
"""Sites whose loss gets a row, the largest first: their rows are long, and the whole program has them all."""


def embodied_t_per_mw(case: Case) -> Floats:
    """Embodied carbon of a MW of IT at each site [t CO2e/MW]."""
    return case.portfolio.embodied_t_per_mw(case.sites.index).to_numpy(float)


def fitting_mw(case: Case, t: int) -> pd.Series:
    """IT load that each site can have in a period, as `blocks_that_fit` says [MW]."""
    blocks = blocks_that_fit(case)[:, list(case.periods.index).index(t)]
    held = pd.Series(blocks * case.sites["block_mw"].to_numpy(float), index=case.sites.index)
    # A campus smaller than its smallest worthwhile size is none.
    return held.where(blocks >= np.maximum(1.0, case.sites["min_blocks"].to_numpy(float)), 0.0)


def loss_reasons(case: Case, t: int, capacity: pd.Series) -> Iterator[Finding]:
    """One loss takes so much that, with all sites at their largest, too little is left of the target.

    Parameters
    ----------
    case : Case
        With a target.
    t : int
        Period.
    capacity : Series, index ``site``
        What each site can serve then [MW of IT].
    """
    kind, needed = case.portfolio.survive_loss_of, case.portfolio.share_left * float(case.demand_mw[t])
    lost = capacity if kind == "site" else capacity.groupby(alone_at_substation(case)).sum()
    if not kind or not needed or lost.empty:
        return
    # What is left of all sites grows with every one of them, so that the largest are the best.
    worst = str(lost.idxmax())
    left = float(capacity.sum() - lost.max())
    if too_little(left, needed):
        text = f"all sites together, without {kind} {worst}, hold less than limits.share_left of the target"
        remedy = "lower limits.share_left, or offer sites that are not lost with it"
        yield shortfall("loss", t, text, left, needed, remedy)


def alone_at_substation(case: Case) -> pd.Series:
    """Substation of every site whose ties all end at it, index ``site``; others are left out."""
    at = case.ties["bus"].map(case.buses["substation"]).astype(str)
    ends = at.groupby(case.ties["site"]).agg(["first", "nunique"])
    return ends.loc[ends["nunique"] == 1, "first"]


def portfolio_reasons(case: Case, t: int, target: float, capacity: pd.Series) -> Iterator[Finding]:
    """Ramps, largest losses, yearly pace, embodied carbon and deliveries, each alone.

    Parameters
    ----------
    case : Case
        With a target.
    t : int
        Period.
    target : float
        IT load that must be served then [MW].
    capacity : Series, index ``site``
        What each site can serve then by its size and lead times [MW of IT].
    """
    portfolio, until = case.portfolio, [int(u) for u in case.periods.index if u <= t]
    yield from _site_limits(case, t, target)
    pace = portfolio.new_it_mw_per_year
    if pace is not None:
        most = pace * sum(portfolio.years_before[u] for u in until)
        if too_little(most, target):
            text = f"new_it_mw_per_year reaches less than the target by {t}"
            remedy = "raise limits.new_it_mw_per_year or lower the target"
            yield shortfall("pace", t, text, most, target, remedy)
    if t in portfolio.embodied_t:
        needed = float(embodied_t_per_mw(case).min()) * target
        if too_little(portfolio.embodied_t[t], needed):
            text = "the campuses of the target embody more carbon than the limit"
            remedy = f"raise limits.embodied_t in {t} or lower the target"
            yield shortfall("embodied", t, text, portfolio.embodied_t[t], needed, remedy, "t")
    for one in portfolio.deliveries:
        # What sites of other kinds hold needs none of it.
        served = max(0.0, target - float(capacity.drop(index=list(one.sites), errors="ignore").sum()))
        arrived = sum(one.arriving[u] for u in until)
        if too_little(arrived, one.per_mw * served):
            text = f"{one.item} that arrive until {t} are fewer than {served:g} MW take, which no other sites serve"
            remedy = "raise per_year of the delivery, lower the target, or offer sites that take none"
            yield shortfall("delivery", t, text, arrived, one.per_mw * served, remedy, one.item)


def _site_limits(case: Case, t: int, target: float) -> Iterator[Finding]:
    """Ramps and largest losses leave each site so little that all of them are too small."""
    limits, portfolio = case.limits, case.portfolio
    keys = [] if limits.site_ramp_mw_per_year is None else ["limits.site_ramp_mw_per_year"]
    keys += [f"limits.largest_loss_mw.{kind}" for kind in portfolio.largest_loss_mw]
    fitting = float(fitting_mw(case, t).sum()) if keys else target
    if not too_little(fitting, target):
        return
    free = replace(
        case,
        limits=replace(limits, site_ramp_mw_per_year=None),
        portfolio=replace(portfolio, largest_loss_mw={}),
    )
    if not too_little(float(fitting_mw(free, t).sum()), target):
        text = f"in whole blocks, with {' and '.join(keys)}, the sites hold less than the target by {t}"
        remedy = f"raise {' or '.join(keys)}, lower the target, or offer more sites or smaller blocks"
        yield shortfall("site_limit", t, text, fitting, target, remedy)


def scale_reasons(case: Case, t: int) -> Iterator[Finding]:
    """Workloads whose contiguous scale leaves too few of the sites that may serve them."""
    if case.workloads is None:
        return
    rows, pairs = case.workloads.rows, case.workloads.pairs.index
    scaled = rows[(rows["min_site_mw"] > 0) & ~rows["is_optional"].astype(bool)]
    if scaled.empty:
        return
    fitting = fitting_mw(case, t)
    for (region, workload), scale in scaled["min_site_mw"].items():
        asked = float(case.workloads.demand_mw.at[(region, workload), t])
        able = pairs[(pairs.get_level_values(0) == region) & (pairs.get_level_values(1) == workload)]
        held = fitting.reindex(able.get_level_values("site"))
        room = float(held[held >= scale * (1.0 - 1e-9)].sum())
        if too_little(room, asked):
            text = f"sites that may serve {workload} of {region} with {scale:g} MW or more hold less than it asks for"
            remedy = "lower min_site_mw of the workload, or raise what limits its sites"
            yield shortfall("scale", t, text, room, asked, remedy)


def loss_rows(case: Case) -> Iterator[Row]:
    """What a loss must leave, and the most that may be lost with a substation."""
    portfolio, sites = case.portfolio, case.sites
    none, block = np.zeros(len(sites)), sites["block_mw"].to_numpy(float)
    groups: list[Floats] = []
    if case.network is not None:
        alone = alone_at_substation(case).reindex(sites.index)
        groups = [np.asarray(alone == name, dtype=float) for name in alone.dropna().unique()]
    lost = groups if portfolio.survive_loss_of == "substation" else _largest(case)
    for t, target in case.demand_mw.items() if portfolio.survive_loss_of else ():
        for gone in lost:
            yield row(case, int(t), none, (1.0 - gone) * block, portfolio.share_left * float(target), np.inf)
    most = portfolio.largest_loss_mw.get("substation")
    # One site alone has no more blocks than may be lost.
    several = [here for here in groups if here.sum() > 1] if most is not None else []
    for h in case.snapshots.index if several else ():
        drawn = block * least(case, case.pue[h])
        for t in case.periods.index:
            for here in several:
                yield row(case, int(t), none, here * drawn, -np.inf, float(most or 0.0))


def _largest(case: Case) -> list[Floats]:
    """The largest sites, each alone."""
    size = (case.sites["block_mw"] * case.sites["max_blocks"]).to_numpy(float)
    order = np.argsort(-size, kind="stable")[:MOST_LOST]
    return [(np.arange(len(size)) == i).astype(float) for i in order]


def portfolio_rows(case: Case) -> Iterator[Row]:
    """Shares by column of sites, the yearly pace and embodied carbon."""
    portfolio, sites = case.portfolio, case.sites
    none, block = np.zeros(len(sites)), sites["block_mw"].to_numpy(float)
    for column, share in portfolio.share_per.items():
        names = portfolio.labels[column].reindex(sites.index)
        for name in sorted(set(names) - {""}):
            for t, target in case.demand_mw.items():
                here = (names == name).to_numpy(float)
                yield row(case, int(t), none, here * block, -np.inf, share * float(target))
    pace, before = portfolio.new_it_mw_per_year, None
    for t in case.periods.index if pace is not None else ():
        total = row(case, int(t), none, block, 0.0, 0.0)[0]
        new = total if before is None else total - before
        yield new, np.array([-np.inf]), np.array([float(pace or 0.0) * portfolio.years_before[int(t)]])
        before = total
    for t in case.periods.index:
        if t in portfolio.embodied_t:
            yield row(case, int(t), none, embodied_t_per_mw(case) * block, -np.inf, float(portfolio.embodied_t[t]))


def delivery_rows(case: Case) -> Iterator[Row]:
    """Items of all that stands have arrived, and what cannot be stored arrived in time for what is new."""
    for one in case.portfolio.deliveries:
        arrived, before = 0.0, None
        for t in case.periods.index:
            arrived += one.arriving[int(t)]
            taken = row(case, int(t), *_taken(case, one), 0.0, 0.0)[0]
            yield taken, np.array([-np.inf]), np.array([arrived])
            if before is not None and not one.storable:
                yield taken - before, np.array([-np.inf]), np.array([one.arriving[int(t)]])
            before = taken


def _taken(case: Case, one: Delivery) -> tuple[Floats, Floats]:
    """Items that each site takes once built, with its one tie, and with each block."""
    takes = case.sites.index.isin(one.sites).astype(float)
    tied = case.sites.index.isin(case.ties["site"]).astype(float)
    return takes * (one.per_site + one.per_tie * tied), takes * one.per_mw * case.sites["block_mw"].to_numpy(float)
