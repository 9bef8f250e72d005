"""Branches as the model needs them: ratings, limits from angle differences, and upgrades that may be built."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year, shortened, sooner
from optimizer.study.terminal_work import terminal_work

UPGRADE_COLUMNS = (
    "branch",
    "added_mw",
    "added_emergency_mw",
    "cost_musd",
    "annuity_musd",
    "ready",
    "length_km",
    "kind",
)

LISTED, RECONDUCTORING = "as listed", "reconductoring"
"""Kinds of upgrade beside terminal work: of the grid's own table, and a new conductor."""

SHORTEST_KM = 1.0
"""Least length that a reconductoring is charged for [km]: two buses at one place still take a crew and two terminals.
An assumption (unverified)."""


def branch_table(grid: Grid, network: DCNetwork, config: StudyConfig) -> pd.DataFrame:
    """Branches in service with their limits.

    An emergency rating that is not given is ``emergency_factor`` times the normal one. A limit on the angle from less
    to becomes one on flow: ``f = b (angle - shift)``.

    Parameters
    ----------
    grid : Grid
        The network.
    network : DCNetwork
        Its branches in service, in table order.
    config : StudyConfig
        ``security`` gives the factor and the voltage from which rows are looked for.

    Returns
    -------
    DataFrame, index ``branch``
        The columns of `optimizer.study.case.Case.branches`.
    """
    rows = grid.branches_in_service
    kv = grid.buses["base_kv"]
    base_kv = np.minimum(rows["from_bus"].map(kv).to_numpy(), rows["to_bus"].map(kv).to_numpy())
    given = rows["rating_emergency_mw"]
    low, high = _flow_limits(rows, network)
    return pd.DataFrame(
        {
            "from_bus": rows["from_bus"],
            "to_bus": rows["to_bus"],
            "base_kv": base_kv,
            "kind": rows["kind"],
            "length_km": rows["length_km"],
            "rating_mw": rows["rating_mw"],
            "rating_emergency_mw": given.fillna(config.security.emergency_factor * rows["rating_mw"]),
            "flow_min_mw": low,
            "flow_max_mw": high,
            "monitored": base_kv >= config.security.monitor_kv_min,
        },
        index=rows.index,
    )


def no_branches() -> pd.DataFrame:
    """Branches of a study without a grid: none."""
    texts, flags = ("from_bus", "to_bus", "kind"), ("monitored",)
    numbers = ("base_kv", "length_km", "rating_mw", "rating_emergency_mw", "flow_min_mw", "flow_max_mw")
    kinds = {**dict.fromkeys(texts, object), **dict.fromkeys(numbers, float), **dict.fromkeys(flags, bool)}
    columns = ("from_bus", "to_bus", "base_kv", "kind", "length_km", *numbers[2:], "monitored")
    return pd.DataFrame({c: pd.Series(dtype=kinds[c]) for c in columns}, index=pd.Index([], name="branch"))


def _flow_limits(rows: pd.DataFrame, network: DCNetwork) -> tuple[np.ndarray, np.ndarray]:
    least = np.radians(rows["angle_min_deg"].fillna(-np.inf).to_numpy())
    most = np.radians(rows["angle_max_deg"].fillna(np.inf).to_numpy())
    ends = network.susceptance_mw[:, None] * (np.column_stack([least, most]) - network.shift_rad[:, None])
    # A negative susceptance turns the interval round.
    return ends.min(axis=1), ends.max(axis=1)


def upgrade_table(
    grid: Grid | None, branches: pd.DataFrame, config: StudyConfig, costs: Costs | None, yearly_factor: float
) -> pd.DataFrame:
    """Upgrades that could be built: the grid's own, reconductoring where the region knows its cost, terminal work.

    An upgrade of the grid's own stands beside the others of its branch, or in the place of one of the same name.
    Whether a study offers them (``upgrades.enabled``) is not asked here: candidate sites shall not depend on it.

    A line of finite rating, known length and enough voltage may be reconductored:
    ``added = added_share x rating``, ``cost = cost per km x max(route factor x length, SHORTEST_KM)``. Lengths of the
    grid's table are straight lines between the ends. Of terminal work see `optimizer.study.terminal_work`.

    Parameters
    ----------
    grid : Grid, optional
        ``upgrades`` holds those the user brings.
    branches : DataFrame
        As `branch_table` gives them.
    config : StudyConfig
        ``upgrades`` and ``security``.
    costs : Costs, optional
        Costs of the region; without it there is no reconductoring.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].

    Returns
    -------
    DataFrame, index ``upgrade``
        The columns of `optimizer.study.case.Case.upgrades`, and ``length_km`` charged for [km].
    """
    parts, years, terminal = [], config.study, config.upgrades.terminal
    if grid is not None and len(grid.upgrades):
        parts.append(_listed(grid, branches, config))
    if costs is not None:
        parts.append(_reconductoring(branches, config, costs))
    if grid is not None and terminal is not None:
        lines, kv = _upgradable(branches, config).index, grid.buses["base_kv"]
        parts.append(
            terminal_work(branches, kv, lines, terminal, costs, years.decision_year, years.shorter_lead_months)
        )
    if not parts:
        return no_upgrades()
    table = pd.concat(parts)
    # Of one name, the grid's own upgrade stands in the place of another.
    table = table[~table.index.duplicated()]
    emergency = config.security.emergency_factor * table["added_mw"]
    given = table.get("added_emergency_mw", pd.Series(np.nan, index=table.index))
    table["added_emergency_mw"] = given.astype(float).fillna(emergency)
    table["annuity_musd"] = yearly_factor * table["cost_musd"]
    table["length_km"] = table.get("length_km", pd.Series(np.nan, index=table.index)).astype(float)
    table.index.name = "upgrade"
    return table[list(UPGRADE_COLUMNS)]


def _listed(grid: Grid, branches: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Upgrades that the grid's own table lists."""
    own = grid.upgrades[grid.upgrades["branch"].isin(branches.index)]
    return own[["branch", "added_mw", "cost_musd", "added_emergency_mw"]].assign(
        ready=sooner(own["ready"], config.study.decision_year, config.study.shorter_lead_months),
        length_km=own["branch"].map(branches["length_km"]),
        kind=LISTED,
    )


def _upgradable(branches: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Lines with a rating, of enough voltage and not too long; one whose length is not known only without a limit."""
    settings = config.upgrades
    chosen = (branches["kind"] == "line") & np.isfinite(branches["rating_mw"]) & (branches["rating_mw"] > 0)
    chosen &= branches["base_kv"] >= settings.min_kv
    if settings.max_length_km is not None:
        chosen &= branches["length_km"] <= settings.max_length_km
    return branches[chosen]


def _reconductoring(branches: pd.DataFrame, config: StudyConfig, costs: Costs) -> pd.DataFrame:
    """A new conductor on each line whose length is known."""
    settings, lines = config.upgrades, _upgradable(branches, config).dropna(subset="length_km")
    given = settings.lead_months
    months = costs.reconductoring_months() if given is None else shortened(given, config.study.shorter_lead_months)
    charged = (costs.route_factor * lines["length_km"]).clip(lower=SHORTEST_KM)
    return pd.DataFrame(
        {
            "branch": lines.index,
            "added_mw": (settings.added_share * lines["rating_mw"]).to_numpy(),
            "cost_musd": (costs.reconductor_musd_per_km(lines["base_kv"].to_numpy()) * charged).to_numpy(),
            "ready": ready_year(config.study.decision_year, months),
            "length_km": charged.to_numpy(),
            "kind": RECONDUCTORING,
        },
        index=[f"reconductor {branch}" for branch in lines.index],
    )


def no_upgrades() -> pd.DataFrame:
    """Upgrades of a study that offers none."""
    kinds = {c: object if c in ("branch", "kind") else float for c in UPGRADE_COLUMNS}
    return pd.DataFrame({c: pd.Series(dtype=kinds[c]) for c in UPGRADE_COLUMNS}, index=pd.Index([], name="upgrade"))
