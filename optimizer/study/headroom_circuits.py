"""New circuits beside the branches that limit headroom: what would relieve what binds.

`gridsite headroom` says for every bus which branch limits the load that fits there. A circuit of the same reactance,
rating and route beside such a branch halves its flow and joins its rating; a line's cost is the region's, or one given.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.config import ExpansionSettings
from optimizer.errors import Finding
from optimizer.grid.columns import TABLES
from optimizer.grid.network import Grid
from optimizer.grid.schema import Column
from optimizer.study.costs import Costs

HEADROOM = (
    Column("bus", "id", required=True, meaning="Bus."),
    Column("limiting_branch", "text", meaning="Branch that limits the load there."),
)
"""Columns read of the table that `gridsite headroom` writes."""

PREFIX = "beside "
"""How the name of such a circuit begins."""


def circuits_beside(
    grid: Grid, limited: pd.DataFrame, settings: ExpansionSettings, costs: Costs | None, ready: int
) -> tuple[pd.DataFrame, list[Finding]]:
    """Offer a circuit beside each of the branches that limit most buses.

    Parameters
    ----------
    grid : Grid
        The network.
    limited : DataFrame
        ``bus`` and ``limiting_branch``, one row a bus and mode.
    settings : ExpansionSettings
        How many branches, and a cost per km.
    costs : Costs, optional
        Costs of the region, where none is given.
    ready : int
        First year in which such a line can serve.

    Returns
    -------
    circuits : DataFrame, index ``circuit``
        With the columns of a grid's ``circuits``; ``cost = cost per km x length``.
    findings : list of Finding
        Branches that the grid does not have (errors), and those beside which no circuit can be priced (warnings).
    """
    named = limited[limited["limiting_branch"] != ""].drop_duplicates(["bus", "limiting_branch"])
    often = named["limiting_branch"].value_counts(sort=False)
    order = sorted(often.index, key=lambda branch: (-int(often[branch]), str(branch)))
    where = str(settings.headroom)
    unknown = [branch for branch in order if branch not in grid.branches.index]
    text, remedy = "names no branch of the grid", "use the table of a headroom study of this grid"
    findings = [
        Finding("study.expansion.headroom.unknown", f"{where}, limiting_branch", text, str(branch), remedy)
        for branch in unknown[:10]
    ]
    rows = grid.branches.loc[[b for b in order if b not in unknown][: settings.most_branches]]
    rows = rows[rows["in_service"].astype(bool)]
    per_km = _per_km(grid, rows, settings, costs)
    cost = per_km * rows["length_km"].astype(float)
    priced = cost.notna() & (rows["kind"] == "line") & (rows["x_pu"] > 0)
    for branch in rows.index[~priced]:
        text = "limits headroom, and no circuit beside it can be priced: no line, length or cost per km is known"
        remedy = "give it in the grid's circuits, or set line_cost_musd_per_km"
        findings.append(Finding("study.expansion.headroom.no_cost", f"branch {branch}", text, "", remedy, "warning"))
    rows = rows[priced]
    table = pd.DataFrame(
        {column.name: rows.get(column.name, column.default) for column in TABLES["circuits"][1:]}, index=rows.index
    ).assign(cost_musd=cost[priced], max_count=1, ready=ready, length_km=rows["length_km"])
    table.index = pd.Index([f"{PREFIX}{branch}" for branch in rows.index], name="circuit")
    return table, findings


def _per_km(grid: Grid, rows: pd.DataFrame, settings: ExpansionSettings, costs: Costs | None) -> pd.Series:
    """Cost of a line of one circuit beside each branch [M$/km]; nan where none is known."""
    if settings.line_cost_musd_per_km is not None:
        return pd.Series(settings.line_cost_musd_per_km, index=rows.index)
    if costs is None:
        return pd.Series(np.nan, index=rows.index)
    kv = grid.buses["base_kv"]
    lower = np.minimum(rows["from_bus"].map(kv).to_numpy(float), rows["to_bus"].map(kv).to_numpy(float))
    per_km = costs.line_musd_per_km(lower, np.ones(len(rows), dtype=int))
    return pd.Series(costs.route_factor * per_km, index=rows.index)
