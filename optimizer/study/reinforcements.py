"""New circuits that relieve branches: lines beside them, rebuilds in their place, transformers beside transformers.

The branches are named by the study, or by what `gridsite headroom` says limits the load that fits at most buses. A
circuit of the same reactance, rating and route beside a branch halves its flow and joins its rating; a rebuild keeps
the route, takes the line's place and carries more. Charging, of which AC power flow alone asks, is the branch's; that
of a rebuild goes with the inverse of its reactance, because waves run at nearly the speed of light along any conductors
of a line, which fixes the product of the two (P. Kundur, Power System Stability and Control, 1994, section 6.1). Costs
are the region's cited ones, or prices that the study gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from optimizer.config import ExpansionSettings
from optimizer.errors import Finding, nearest
from optimizer.grid.columns import TABLES
from optimizer.grid.network import Grid
from optimizer.grid.schema import Column
from optimizer.study.branches import SHORTEST_KM
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year
from optimizer.units import USD_PER_MUSD

HEADROOM = (
    Column("bus", "id", required=True, meaning="Bus."),
    Column("limiting_branch", "text", meaning="Branch that limits the load there."),
)
"""Columns read of the table that `gridsite headroom` writes."""

BESIDE = "beside "
"""How the name of a circuit beside a branch begins."""

REBUILD = "rebuild "
"""How the name of a circuit in a line's place begins."""

_NOT_OFFERED = "study.expansion.not_offered"


def branch_of(circuit: str) -> str:
    """Branch for which a circuit was made, as its name says."""
    return circuit.removeprefix(BESIDE).removeprefix(REBUILD)


def reinforcements(
    grid: Grid, limited: pd.DataFrame | None, settings: ExpansionSettings, costs: Costs | None, decision_year: int
) -> tuple[pd.DataFrame, list[Finding]]:
    """Offer circuits for the branches that a study names and for those that limit most buses.

    Parameters
    ----------
    grid : Grid
        The network.
    limited : DataFrame, optional
        ``bus`` and ``limiting_branch``, one row a bus and mode.
    settings : ExpansionSettings
        Which branches, what is offered for them, and prices of the study's own.
    costs : Costs, optional
        Costs and lead times of the region, where none are given.
    decision_year : int
        Year from which lead times count.

    Returns
    -------
    circuits : DataFrame, index ``circuit``
        With the columns of a grid's ``circuits``, ``length_km``, and ``b_pu`` where its branches have it.
    findings : list of Finding
        Branches that the grid does not have (errors), and those for which nothing can be offered (warnings).
    """
    names, findings = _branches(grid, limited, settings)
    rows = grid.branches.loc[names]
    kv = grid.buses["base_kv"]
    from_kv, to_kv = (rows[end].map(kv).astype(float) for end in ("from_bus", "to_bus"))
    rows = rows.assign(from_kv=from_kv, to_kv=to_kv, replaces="")
    parts = []
    for kind, offered in (("line", _lines), ("rebuild", _rebuilds), ("transformer", _transformers)):
        if kind in settings.offer:
            table, why_not = offered(rows, settings, costs)
            parts.append(table)
            findings += why_not
    table = pd.concat(parts)
    findings += list(_without(rows, table, settings, findings))
    table["ready"] = [_ready(row, settings, costs, decision_year) for row in table.itertuples()]
    extra = {column.name: column.default for column in TABLES["circuits"][1:] if column.name not in table.columns}
    table = table.assign(**extra).assign(max_count=1)
    return table[_columns(grid)].rename_axis("circuit"), findings


def from_case(grid: Grid, settings: ExpansionSettings, yearly_factor: float) -> tuple[pd.DataFrame, list[Finding]]:
    """Offer circuits beside the branches that a case lets be extended.

    A case prices any rating; here a circuit is the branch once more, with its rating, reactance and route:
    ``cost = extension cost x rating / yearly factor``, of which a year's share is what the case states.

    Parameters
    ----------
    grid : Grid
        ``extension_usd_per_mw_year`` and ``extension_max_mw`` of its branches, where it has them.
    settings : ExpansionSettings
        Whether these are offered, and how many circuits at most.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].

    Returns
    -------
    circuits : DataFrame, index ``circuit``
        With the columns of a grid's ``circuits``, ``length_km``, and ``b_pu`` where its branches have it.
    findings : list of Finding
        A case without such branches (an error), and branches beside which no whole circuit fits (warnings).
    """
    columns = _columns(grid)
    nothing = pd.DataFrame(columns=columns, index=pd.Index([], name="circuit"))
    if not settings.from_case:
        return nothing, []
    priced = grid.branches.get("extension_usd_per_mw_year", pd.Series(np.nan, index=grid.branches.index)).notna()
    rows = grid.branches[priced & grid.branches["in_service"]]
    if rows.empty:
        text, remedy = "the case has no branch in service that may be extended", "leave the key out"
        return nothing, [Finding("study.expansion.from_case", "study.toml expansion.from_case", text, "", remedy)]
    rating = rows["rating_mw"].astype(float)
    room = (rows["extension_max_mw"].fillna(np.inf).astype(float) - rating) / rating.where(rating > 0)
    # Ratings that are multiples of one another must count as such.
    count = np.floor(room.fillna(0.0) + 1e-9).clip(0, settings.most_circuits)
    fits = np.isfinite(rating) & (count >= 1) & (rows["x_pu"] > 0)
    findings = []
    for branch in rows.index[~fits]:
        text = "no circuit is offered beside it: it is not rated, or may not be extended by its whole rating"
        remedy = "give a circuit in the grid's circuits"
        findings.append(Finding(_NOT_OFFERED, f"branch {branch}", text, f"{rating[branch]:g} MW", remedy, "warning"))
    rows, rating = rows[fits], rating[fits]
    cost = rows["extension_usd_per_mw_year"].astype(float) * rating / USD_PER_MUSD / yearly_factor
    table = _named(BESIDE, rows.assign(cost_musd=cost, max_count=count[fits].astype(int), ready=0, replaces=""))
    return table.reindex(columns=columns).rename_axis("circuit"), findings


def _columns(grid: Grid) -> list[str]:
    """Columns of what is offered."""
    charging = ["b_pu"] if "b_pu" in grid.branches.columns else []
    return [*(column.name for column in TABLES["circuits"][1:]), "length_km", *charging]


def _without(
    rows: pd.DataFrame, table: pd.DataFrame, settings: ExpansionSettings, said: list[Finding]
) -> Iterator[Finding]:
    """Branches for which nothing is offered, where that has not been said yet."""
    helped = {branch_of(str(name)) for name in table.index}
    known = {finding.where for finding in said}
    for branch in rows.index:
        if branch in helped or f"branch {branch}" in known:
            continue
        kind = str(rows.at[branch, "kind"])
        words = ["transformer"] if kind == "transformer" else ["line", "rebuild"]
        if not set(words) & set(settings.offer):
            text, remedy = "nothing is offered for it", f"add {' or '.join(map(repr, words))} to [expansion] offer"
        else:
            text = "nothing is offered for it: its rating is unlimited, or its reactance negative"
            remedy = "give a circuit in the grid's circuits"
        yield Finding(_NOT_OFFERED, f"branch {branch}", text, kind, remedy, "warning")


def _branches(grid: Grid, limited: pd.DataFrame | None, settings: ExpansionSettings) -> tuple[list[str], list[Finding]]:
    """Branches of the study's own, then those that limit most buses; those in service."""
    findings = [
        Finding(
            "study.expansion.branches.unknown",
            "study.toml expansion.branches",
            "names no branch of the grid",
            repr(branch),
            nearest(branch, grid.branches.index),
        )
        for branch in settings.branches
        if branch not in grid.branches.index
    ]
    names = [branch for branch in settings.branches if branch in grid.branches.index]
    if limited is not None:
        named = limited[limited["limiting_branch"] != ""].drop_duplicates(["bus", "limiting_branch"])
        often = named["limiting_branch"].value_counts(sort=False)
        order = sorted(often.index, key=lambda branch: (-int(often[branch]), str(branch)))
        unknown = [branch for branch in order if branch not in grid.branches.index]
        text, remedy = "names no branch of the grid", "use the table of a headroom study of this grid"
        where = f"{settings.headroom}, limiting_branch"
        findings += [
            Finding("study.expansion.headroom.unknown", where, text, str(branch), remedy) for branch in unknown[:10]
        ]
        names += [branch for branch in order if branch not in unknown][: settings.most_branches]
    names = list(dict.fromkeys(names))
    out = [branch for branch in names if not grid.branches.at[branch, "in_service"]]
    text = "nothing is offered for it: it is out of service"
    findings += [Finding(_NOT_OFFERED, f"branch {branch}", text, "", "", "warning") for branch in out]
    return [branch for branch in names if branch not in out], findings


def _unpriced(branches: Iterable[str], what: str, key: str) -> Iterator[Finding]:
    for branch in branches:
        text = f"{what} cannot be priced: no length or no cost is known"
        remedy = f"give it in the grid's circuits, or set [expansion] {key}"
        yield Finding("study.expansion.no_cost", f"branch {branch}", text, "", remedy, "warning")


def _kilometres(rows: pd.DataFrame) -> pd.Series:
    return rows["length_km"].astype(float).clip(lower=SHORTEST_KM)


def _lines(rows: pd.DataFrame, settings: ExpansionSettings, costs: Costs | None) -> tuple[pd.DataFrame, list[Finding]]:
    """A line beside each line: ``cost = cost per km x length``, the region's with a position at each end."""
    rows = rows[(rows["kind"] == "line") & (rows["x_pu"] > 0)]
    cost = pd.Series(np.nan, index=rows.index)
    if settings.line_cost_musd_per_km is not None:
        cost = settings.line_cost_musd_per_km * _kilometres(rows)
    elif costs is not None:
        per_km = costs.line_musd_per_km(_lower(rows), np.ones(len(rows), dtype=int))
        cost = costs.route_factor * per_km * _kilometres(rows) + _positions(rows, costs)
    findings = list(_unpriced(rows.index[cost.isna()], "a line beside it", "line_cost_musd_per_km"))
    return _named(BESIDE, rows.assign(cost_musd=cost, offer="line")[cost.notna()]), findings


def _rebuilds(
    rows: pd.DataFrame, settings: ExpansionSettings, costs: Costs | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """A line in the place of each rated line, with the rating of the region's typical line, or more of its own."""
    rows = rows[(rows["kind"] == "line") & (rows["x_pu"] > 0) & np.isfinite(rows["rating_mw"])]
    old = rows["rating_mw"].astype(float)
    cost, rating = pd.Series(np.nan, index=rows.index), pd.Series(np.nan, index=rows.index)
    if settings.rebuild_rating_factor is not None:
        rating = settings.rebuild_rating_factor * old
    elif costs is not None:
        rating = pd.Series(costs.typical_rating_mva(_lower(rows)), index=rows.index)
    if settings.rebuild_cost_musd_per_km is not None:
        cost = settings.rebuild_cost_musd_per_km * _kilometres(rows)
    elif costs is not None:
        cost = costs.route_factor * costs.rebuild_musd_per_km(_lower(rows)) * _kilometres(rows)
    findings = list(_unpriced(rows.index[cost.isna()], "its rebuild", "rebuild_cost_musd_per_km"))
    for branch in rows.index[rating.isna()]:
        text, remedy = "what its rebuild carries is not known", "set [expansion] rebuild_rating_factor"
        findings.append(Finding(_NOT_OFFERED, f"branch {branch}", text, "", remedy, "warning"))
    for branch in rows.index[rating <= old]:
        text = "a rebuild is not offered: a line of the typical rating carries no more than the present one"
        found = f"{rating[branch]:g} against {old[branch]:g} MW"
        remedy = "set [expansion] rebuild_rating_factor"
        findings.append(Finding(_NOT_OFFERED, f"branch {branch}", text, found, remedy, "warning"))
    new = rows.assign(
        cost_musd=cost,
        rating_mw=rating,
        rating_emergency_mw=np.nan,
        x_pu=settings.rebuild_reactance_factor * rows["x_pu"],
        replaces=rows.index,
        offer="rebuild",
    )
    if "b_pu" in rows.columns:
        new["b_pu"] = rows["b_pu"] / settings.rebuild_reactance_factor
    return _named(REBUILD, new[cost.notna() & (rating > old)]), findings


def _transformers(
    rows: pd.DataFrame, settings: ExpansionSettings, costs: Costs | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """A transformer beside each rated transformer: ``cost = rating x cost per MVA``, the region's with positions."""
    rows = rows[(rows["kind"] == "transformer") & (rows["x_pu"] > 0) & np.isfinite(rows["rating_mw"])]
    cost, mva = pd.Series(np.nan, index=rows.index), rows["rating_mw"].astype(float)
    if settings.transformer_cost_usd_per_mva is not None:
        cost = settings.transformer_cost_usd_per_mva * mva / USD_PER_MUSD
    elif costs is not None:
        high = np.maximum(rows["from_kv"], rows["to_kv"]).to_numpy(float)
        cost = costs.transformer_usd_per_mva(high, _lower(rows)) * mva / USD_PER_MUSD + _positions(rows, costs)
    what, key = "a transformer beside it", "transformer_cost_usd_per_mva"
    findings = list(_unpriced(rows.index[cost.isna()], what, key))
    return _named(BESIDE, rows.assign(cost_musd=cost, offer="transformer")[cost.notna()]), findings


def _lower(rows: pd.DataFrame) -> np.ndarray:
    return np.minimum(rows["from_kv"], rows["to_kv"]).to_numpy(float)


def _positions(rows: pd.DataFrame, costs: Costs) -> np.ndarray:
    """One more position in the substation at each end [M$]."""
    return costs.position_musd(rows["from_kv"].to_numpy(float)) + costs.position_musd(rows["to_kv"].to_numpy(float))


def _named(prefix: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.set_axis([f"{prefix}{branch}" for branch in rows.index])


def _ready(row: tuple[object, ...], settings: ExpansionSettings, costs: Costs | None, decision_year: int) -> int:
    """First year in which a circuit that is offered can serve; 0 for any."""
    months = settings.lead_months
    if months is None and costs is not None:
        kv = max(float(row.from_kv), float(row.to_kv))  # type: ignore[attr-defined]
        of_transformer = row.offer == "transformer"  # type: ignore[attr-defined]
        months = costs.transformer_months(kv) if of_transformer else costs.tie_months(kv)
    return ready_year(decision_year, months) if months else 0
