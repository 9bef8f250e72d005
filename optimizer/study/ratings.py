"""Ratings that vary by snapshot: factors on those of branches and new circuits, ambient-adjusted or dynamic.

Ambient-adjusted ratings are those that a transmission provider computes anew for the air temperature of the hour:
Federal Energy Regulatory Commission, Order No. 881, Managing Transmission Line Ratings, 177 FERC 61,179 (2021). Here
they come as factors on the ratings of the grid's tables; none is computed.

In snapshot h a branch carries ``F[l,h] (R[l] + upgrades)`` with everything in service, and ``G[l,h] (E[l] + upgrades)``
after an outage: what an upgrade adds is rated for the same weather as the rest of the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.config import GridSettings
from optimizer.errors import Finding, InputError, nearest
from optimizer.grid.columns import KEYS, TABLES
from optimizer.grid.network import Grid
from optimizer.grid.validate import check_rating_factors
from optimizer.study.facts import read_checked

if TYPE_CHECKING:
    from optimizer.study.case import Case

NAME = "rating_factors"
"""The grid's table of them."""

_SCOPE = ("kind", "zone", "base_kv")

Zones = tuple[NDArray[np.object_], NDArray[np.object_]]


@dataclass(frozen=True, eq=False)
class RatingFactors:
    """Factors on ratings by snapshot.

    Parameters
    ----------
    normal, emergency : DataFrame, index ``branch``, columns snapshot
        Of every existing branch and every unit of a new circuit [-].
    """

    normal: pd.DataFrame
    emergency: pd.DataFrame

    def table(self, after_outage: bool) -> pd.DataFrame:
        """Factors on emergency ratings, or on normal ones."""
        return self.emergency if after_outage else self.normal

    def largest(self, names: pd.Index, after_outage: bool) -> NDArray[np.float64]:
        """Largest factor of some branches in any snapshot [-]."""
        return self.table(after_outage).loc[names].max(axis=1).to_numpy(float)


def read_rating_factors(grid: Grid, path: Path) -> Grid:
    """Give a grid the rating factors of a table of its own.

    Parameters
    ----------
    grid : Grid
        The grid; factors that it has are replaced.
    path : Path
        CSV, Parquet or GeoPackage table with the columns of the grid's ``rating_factors``.

    Raises
    ------
    InputError
        With every finding: the table cannot be read or names what is not in the grid.
    """
    where = path.name

    def place(row: object) -> str:
        return f"{where} row {row}"

    table, findings = read_checked(path, TABLES[NAME], where, KEYS[NAME])
    if not any(f.severity == "error" for f in findings):
        rows = list(table.index)
        grid = replace(grid, rating_factors=table.reset_index(drop=True))
        findings += check_rating_factors(grid, lambda _, position: place(rows[position]))
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return grid


def applied_rows(settings: GridSettings, grid: Grid) -> pd.DataFrame:
    """Rows that a study uses: those of its own table, else the grid's where the study keeps the grid's snapshots."""
    replaced = bool(settings.snapshot) and settings.rating_factors is None
    return grid.rating_factors.iloc[:0] if replaced else grid.rating_factors


def factors_of(
    settings: GridSettings, grid: Grid, branches: pd.DataFrame, owner: pd.Series, snapshots: pd.Index
) -> RatingFactors | None:
    """Factors of every branch in every snapshot.

    A row for the branch wins over all others; of the others, one that says more of which branches it is for (``kind``,
    ``zone``, ``base_kv``) wins over one that says less, and of two that say as much the smaller factor: a line is
    limited by its hottest part. A branch that no row is for has 1.

    Parameters
    ----------
    settings : GridSettings
        The study's grid table.
    grid : Grid
        Its network.
    branches : DataFrame, index ``branch``
        Existing branches and units of new circuits: ``from_bus``, ``to_bus``, ``kind``, ``base_kv`` [kV].
    owner : Series, index ``branch``
        The name by which a table means each: its own, of a unit that of its circuit.
    snapshots : Index
        Operating conditions.

    Returns
    -------
    RatingFactors, optional
        ``None`` where every factor is 1: ratings are the same in all snapshots.
    """
    rows = applied_rows(settings, grid)
    rows = rows[rows["snapshot"].isin(snapshots)]
    rows = rows.assign(factor_emergency=rows["factor_emergency"].fillna(rows["factor"]))
    if (rows[["factor", "factor_emergency"]] == 1.0).all(axis=None):
        return None
    zones = _zones(branches, grid)
    found = {
        name: pd.DataFrame(1.0, index=branches.index, columns=snapshots) for name in ("factor", "factor_emergency")
    }
    for h, given in rows.groupby("snapshot", sort=False):
        for name, table in found.items():
            table[h] = _of_snapshot(given, name, branches, owner, zones)
    return RatingFactors(found["factor"], found["factor_emergency"])


def _of_snapshot(
    rows: pd.DataFrame, name: str, branches: pd.DataFrame, owner: pd.Series, zones: Zones
) -> NDArray[np.float64]:
    factor, said = np.ones(len(branches)), np.full(len(branches), -1)
    for row in rows[rows["branch"] == ""].itertuples():
        value, says = float(getattr(row, name)), sum(bool(getattr(row, column)) for column in _SCOPE)
        meant = _meant(row, branches, zones)
        meant &= (says > said) | ((says == said) & (value < factor))
        factor[meant], said[meant] = value, says
    single = rows[rows["branch"] != ""].set_index("branch")[name].astype(float)
    own = single.reindex(owner).to_numpy()
    return np.where(np.isnan(own), factor, own)


def rated_grid(grid: Grid, case: Case, h: str) -> Grid:
    """The grid with the ratings that its branches in service have in a snapshot; itself where none varies."""
    if case.rating_factors is None:
        return grid
    branches = grid.branches.copy()
    for column, after_outage in (("rating_mw", False), ("rating_emergency_mw", True)):
        rated = case.branches[column].to_numpy(float) * case.rating_factor(h, after_outage)
        branches.loc[case.branches.index, column] = rated
    return replace(grid, branches=branches)


def _zones(branches: pd.DataFrame, grid: Grid) -> Zones:
    zone = grid.buses["zone"]
    return branches["from_bus"].map(zone).to_numpy(), branches["to_bus"].map(zone).to_numpy()


def _meant(row: Any, branches: pd.DataFrame, zones: Zones) -> NDArray[np.bool_]:
    """Branches that a row names by what they are."""
    meant = np.ones(len(branches), dtype=bool)
    if row.kind:
        meant &= (branches["kind"] == row.kind).to_numpy()
    if row.zone:
        meant &= (zones[0] == row.zone) | (zones[1] == row.zone)
    if row.base_kv:
        meant &= np.isclose(branches["base_kv"].to_numpy(float), row.base_kv)
    return meant


def rating_findings(
    settings: GridSettings, grid: Grid, branches: pd.DataFrame, factors: RatingFactors | None, known: pd.Index
) -> Iterator[Finding]:
    """What is wrong with a study's factors beside its snapshots and ratings.

    Parameters
    ----------
    settings : GridSettings
        The study's grid table.
    grid : Grid
        Its network.
    branches : DataFrame, index ``branch``
        Existing branches and units of new circuits, with ``rating_mw`` and ``rating_emergency_mw`` [MW] beside what
        `factors_of` takes.
    factors : RatingFactors, optional
        Those of the study.
    known : Index
        Snapshots from which the study may choose.
    """
    rows = applied_rows(settings, grid)
    where = NAME if settings.rating_factors is None else f"grid.{NAME}"
    for name in dict.fromkeys(rows["snapshot"]):
        if name not in known:
            text = "no such snapshot"
            yield Finding("study.snapshot.unknown", f"{where}, snapshot", text, repr(name), nearest(name, known))
    if len(grid.rating_factors) > len(rows):
        text = "the factors on ratings are for the grid's snapshots, which the study replaces: none is used"
        found, remedy = f"{len(grid.rating_factors)} rows", f"name a table for the study's own in grid.{NAME}"
        yield Finding("study.ratings.not_used", where, text, found, remedy, "warning")
    zones, idle = _zones(branches, grid), []
    for row in rows[rows["branch"] == ""].itertuples():
        idle += [] if _meant(row, branches, zones).any() else [row]
    if idle:
        said = ", ".join(f"{column} {getattr(idle[0], column)}" for column in _SCOPE if getattr(idle[0], column))
        text, remedy = f"no branch is meant ({len(idle)} rows, this is the first)", f"check {', '.join(_SCOPE)}"
        yield Finding("study.ratings.unused", where, text, f"snapshot {idle[0].snapshot}, {said}", remedy, "warning")
    if factors is not None:
        yield from _below_normal(branches, factors, where)


def _below_normal(branches: pd.DataFrame, factors: RatingFactors, where: str) -> Iterator[Finding]:
    """Emergency ratings that factors take below normal ones, where they are not so without."""
    normal, emergency = branches["rating_mw"].to_numpy(float), branches["rating_emergency_mw"].to_numpy(float)
    sound = np.isfinite(normal) & np.isfinite(emergency) & (emergency >= normal)
    before = factors.normal.loc[branches.index].to_numpy(float) * np.where(sound, normal, 0.0)[:, None]
    after = factors.emergency.loc[branches.index].to_numpy(float) * np.where(sound, emergency, 0.0)[:, None]
    less = np.argwhere(after < before)
    if len(less):
        l, h = less[0]
        found = f"{after[l, h]:g} below {before[l, h]:g} MW, branch {branches.index[l]}"
        text = f"the factors take emergency ratings below normal ones ({len(less)} times, this is the first)"
        at, remedy = f"{where}, snapshot {factors.normal.columns[h]}", "check factor_emergency; used as given"
        yield Finding("study.ratings.emergency_below_normal", at, text, found, remedy, "warning")
