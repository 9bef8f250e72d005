"""Terminal work: more of a line's conductor is used once switches, traps and transformers at its ends carry more.

The rating of a branch is the least of its conductor's and of the equipment's at its terminals. Where the equipment is
the least, its replacement adds what the conductor has left: less than a new conductor does. Which branches these are is
known to who owns them: the study names them, and says what is added. A branch takes one step or the other, because the
rating that reconductoring adds is that of the branch, its terminals included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config.network_tables import TerminalSettings
from optimizer.errors import Finding, nearest
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year, shortened

if TYPE_CHECKING:
    from optimizer.study.study import Study

TERMINAL = "terminal"
"""Kind of these upgrades, and how the name of each begins."""


def terminal_work(
    branches: pd.DataFrame,
    base_kv: pd.Series,
    lines: pd.Index,
    settings: TerminalSettings,
    costs: Costs | None,
    decision_year: int,
    shorter_months: float = 0.0,
) -> pd.DataFrame:
    """Offer terminal work at the branches that a study names, else at every line that may be upgraded.

    ``added = added_share x rating``; a branch without a cost, or without a rating, is left out.

    Parameters
    ----------
    branches : DataFrame, index ``branch``
        ``from_bus``, ``to_bus``, ``rating_mw`` [MW]; those in service.
    base_kv : Series, index ``bus``
        Voltage [kV].
    lines : Index
        Lines that may be upgraded where the study names none.
    settings : TerminalSettings
        Rating, cost and lead time.
    costs : Costs, optional
        Costs and lead times of the region, where none are given.
    decision_year : int
        Year from which the lead time counts [year].
    shorter_months : float
        Months by which the lead time of the study's own is shorter [month].

    Returns
    -------
    DataFrame, index ``upgrade``
        ``branch``, ``added_mw`` [MW], ``cost_musd`` [M$], ``ready`` [year], ``kind``.
    """
    wanted = pd.Index(settings.branches) if settings.branches else lines
    rows = branches[branches.index.isin(wanted) & np.isfinite(branches["rating_mw"]) & (branches["rating_mw"] > 0)]
    cost = _cost_musd(rows, base_kv, settings, costs)
    table = pd.DataFrame(
        {
            "branch": rows.index,
            "added_mw": settings.added_share * rows["rating_mw"].to_numpy(float),
            "cost_musd": cost,
            "ready": _ready(settings, costs, decision_year, shorter_months),
            "kind": TERMINAL,
        },
        index=[f"{TERMINAL} {branch}" for branch in rows.index],
    )
    return table[np.isfinite(cost)]


def _cost_musd(rows: pd.DataFrame, base_kv: pd.Series, settings: TerminalSettings, costs: Costs | None) -> np.ndarray:
    """Cost of both ends [M$]: given, or that of a position at each end, nan where neither is known."""
    if settings.cost_musd is not None:
        return np.full(len(rows), settings.cost_musd)
    if costs is None:
        return np.full(len(rows), np.nan)
    ends = [costs.position_musd(rows[end].map(base_kv).to_numpy(float)) for end in ("from_bus", "to_bus")]
    return np.asarray(ends[0] + ends[1], dtype=float)


def _ready(settings: TerminalSettings, costs: Costs | None, decision_year: int, shorter_months: float) -> int:
    """First year in which it serves: after the months given, or the region's; any where none are known."""
    if settings.lead_months is not None:
        return ready_year(decision_year, shortened(settings.lead_months, shorter_months))
    return 0 if costs is None else ready_year(decision_year, costs.terminal_months())


def terminal_findings(study: Study) -> Iterator[Finding]:
    """Branches that are none or have no rating, and costs that nothing gives.

    Parameters
    ----------
    study : Study
        Read whole.
    """
    settings = study.config.upgrades.terminal
    if settings is None or study.grid is None:
        return
    where, known = "upgrades.terminal", study.grid.branches.index
    for branch in (b for b in settings.branches if b not in known):
        text, remedy = "names no branch of the grid", nearest(branch, known)
        yield Finding("study.upgrades.branch", f"{where}.branches", text, repr(branch), remedy)
    if settings.cost_musd is None and study.costs is None:
        text, remedy = "its cost is not known", "give cost_musd, or name a dataset in sites.region"
        yield Finding("study.upgrades.no_cost", f"{where}.cost_musd", text, "", remedy)
    rating = study.branches["rating_mw"]
    unrated = [b for b in settings.branches if b in known and not (b in rating.index and 0 < rating[b] < np.inf)]
    if unrated:
        text = "no terminal work is offered: they are out of service, or their rating is unlimited"
        names = ", ".join(unrated)
        yield Finding("study.upgrades.unrated", f"{where}.branches", text, names, "leave them out", "warning")
    if not study.config.upgrades.enabled:
        text, remedy = "it changes nothing: no line may be upgraded", "leave it out, or enable upgrades"
        yield Finding("study.key.idle", where, text, "upgrades.enabled = false", remedy, "warning")
