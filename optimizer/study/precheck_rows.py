"""What pre-checks share: what a site can hold, what must be served, rows over sites, and how a shortfall is told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from optimizer.errors import Finding
from optimizer.study.case import Case

ROUNDING = 1e-6
"""Relative room given to every limit, and to a number of blocks before it is rounded down [-]."""

Floats = NDArray[np.float64]
Row = tuple[sp.csr_matrix, Floats, Floats]


def row(case: Case, t: int, build: Floats, blocks: Floats, low: float, high: float) -> Row:
    """One row over the sites of a period.

    Parameters
    ----------
    case : Case
        With sites.
    t : int
        Period.
    build, blocks : ndarray, shape (n_site,)
        Coefficients of sites and of their blocks.
    low, high : float
        Ends of the row.
    """
    n, at = len(case.sites), list(case.periods.index).index(t)
    values = np.zeros(2 * n * len(case.periods))
    values[at * n : (at + 1) * n] = build
    values[(len(case.periods) + at) * n : (len(case.periods) + at + 1) * n] = blocks
    return sp.csr_matrix(values), np.array([low]), np.array([high])


def least(case: Case, values: pd.Series) -> Floats:
    """The least of a quantity over the cooling technologies of each site."""
    return np.asarray(values.groupby(level="site").min().reindex(case.sites.index).fillna(0.0).to_numpy(float))


def whole_blocks(case: Case, most_mw: Floats) -> Floats:
    """Whole blocks in so many MW of IT at each site."""
    return np.asarray(np.floor(most_mw / case.sites["block_mw"].to_numpy(float) * (1.0 + ROUNDING) + ROUNDING))


def blocks_that_fit(case: Case) -> Floats:
    """Blocks that each site may have in each period, by its size, its ties, its ramp and what may be lost with it.

    Returns
    -------
    ndarray, shape (n_site, n_period)
        At the least demanding cooling in the snapshot that is hardest on it [-].
    """
    sites, years = case.sites, np.array(case.periods.index, dtype=float)
    most = np.where(
        sites["earliest"].to_numpy(float)[:, None] <= years, sites["max_blocks"].to_numpy(float)[:, None], 0
    )
    if case.network is not None:
        most = np.minimum(most, _fed(case))
    most = np.minimum(most, _worth_losing(case)[:, None])
    return _ramped(case, most)


def _fed(case: Case) -> Floats:
    """Blocks that the largest tie which is ready feeds; any number at a site that needs none."""
    sites = case.sites
    pue = case.pue[list(case.snapshots.index)].groupby(level="site").min().max(axis=1).reindex(sites.index)
    fed = np.zeros((len(sites), len(case.periods)))
    for i, t in enumerate(case.periods.index):
        capacity = case.ties[case.ties["ready"] <= t].groupby("site")["capacity_mw"].max().reindex(sites.index)
        blocks = capacity / (pue * sites["block_mw"])
        if case.supply is not None and case.supply.counts_as_firm:
            # What a tie cannot carry the campus may bring itself.
            blocks = blocks.where(blocks.isna(), np.inf)
        blocks = blocks.fillna(0.0).where(case.needs_tie, np.inf)
        fed[:, i] = np.floor(blocks.to_numpy(float) * (1.0 + ROUNDING) + ROUNDING)
    return fed


def _worth_losing(case: Case) -> Floats:
    """Blocks that draw no more than may be lost with one site, or with the one substation that its one tie ends at."""
    losses, found = case.portfolio.largest_loss_mw, np.full(len(case.sites), np.inf)
    if "site" in losses:
        # Every technology is counted in the snapshot in which it draws most, and the site may take the best of them.
        drawn = least(case, case.pue.max(axis=1))
        found = whole_blocks(case, losses["site"] / np.maximum(drawn, ROUNDING))
    if "substation" in losses and case.network is not None:
        drawn = np.max([least(case, case.pue[h]) for h in case.snapshots.index], axis=0)
        behind_one = whole_blocks(case, losses["substation"] / np.maximum(drawn, ROUNDING))
        found = np.where(case.needs_tie, np.minimum(found, behind_one), found)
    return found


def _ramped(case: Case, most: Floats) -> Floats:
    """The same where a site grows from what it can have had in the period before, and from nothing in the first."""
    ramp, periods = case.limits.site_ramp_mw_per_year, list(case.periods.index)
    if ramp is None:
        return most
    found, block = most.copy(), case.sites["block_mw"].to_numpy(float)
    before, last = np.zeros(len(most)), periods[0] - 1
    for i, t in enumerate(periods):
        found[:, i] = np.minimum(found[:, i], whole_blocks(case, block * before + ramp * (t - last)))
        before, last = found[:, i], t
    return found


def required_it_mw(case: Case) -> pd.Series:
    """Least IT MW that meets what must be served, index ``period`` [MW].

    Where racks are chosen, a MW of the rack that counts most meets the most of the target.
    """
    required = case.required_mw
    if case.work is None or not case.work.has_racks:
        return required
    most = case.work.counts.max().reindex(required.index).fillna(1.0).clip(lower=1.0)
    return required / most


def too_little(value: float, needed: float) -> bool:
    """Whether a sum is less than what is needed, beyond rounding."""
    return bool(value < needed - ROUNDING * max(1.0, abs(needed)))


def shortfall(
    rule: str, period: int, text: str, value: float, limit: float, remedy: str, unit: str = "MW", of: str = "demand"
) -> Finding:
    """A finding about what is short of what is needed in a period."""
    return Finding(
        f"study.{of}.{rule}",
        f"period {period}",
        text,
        f"{value:,.1f} of {limit:,.1f} {unit}, {limit - value:,.1f} {unit} short",
        remedy,
        value=value,
        limit=limit,
        unit=unit,
    )
