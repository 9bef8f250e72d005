"""Operating conditions and years: snapshots, existing load in each, and what generators can give.

A study's own snapshots replace the grid's; a subset of either stands for the whole year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from optimizer.config import GridSettings
from optimizer.errors import Finding, nearest
from optimizer.grid.network import Grid
from optimizer.grid.schema import Column, check_table
from optimizer.units import HOURS_PER_YEAR

HOT_DAY = Column("hot_day", "bool", meaning="Whether cooling works as on a hot day.")
"""Further column that a grid's snapshots may have."""

HOURS_TOLERANCE = 0.001
"""Share of a year by which hours may miss 8,760 without a warning: rounding of weights [-]."""


def snapshot_table(settings: GridSettings | None, grid: Grid | None) -> tuple[pd.DataFrame, list[Finding]]:
    """Operating conditions of a study.

    Parameters
    ----------
    settings : GridSettings, optional
        The study's grid table.
    grid : Grid, optional
        Its network.

    Returns
    -------
    snapshots : DataFrame, index ``snapshot``
        ``hours`` [h/year], ``load_factor`` [-] and, where the grid says it, ``hot_day``. One snapshot of 8,760 h where
        nothing is given.
    findings : list of Finding
        Unknown names; hours that were rescaled; hours that are not a year.
    """
    table = _given(settings, grid)
    if settings is None or settings.snapshots is None:
        return table, _odd_hours(table)
    findings = [
        Finding("study.snapshot.unknown", "grid.snapshots", "no such snapshot", repr(name), nearest(name, table.index))
        for name in settings.snapshots
        if name not in table.index
    ]
    if findings:
        return table, findings
    chosen = table.loc[list(settings.snapshots)]
    before = float(chosen["hours"].sum())
    chosen = chosen.assign(hours=chosen["hours"] * (HOURS_PER_YEAR / before))
    text = f"{len(chosen)} of {len(table)} snapshots stand for the year: their hours are multiplied"
    note = Finding(
        "study.snapshot.rescaled",
        "grid.snapshots",
        text,
        f"{before:g} h",
        f"nothing to do; they now sum to {HOURS_PER_YEAR:g} h",
        "info",
        value=before,
        limit=HOURS_PER_YEAR,
        unit="h",
    )
    return chosen, [note] if abs(before - HOURS_PER_YEAR) > HOURS_TOLERANCE * HOURS_PER_YEAR else []


def _given(settings: GridSettings | None, grid: Grid | None) -> pd.DataFrame:
    if settings is not None and settings.snapshot:
        names = pd.Index([s.name for s in settings.snapshot], name="snapshot")
        factors = [1.0 if s.load_factor is None else s.load_factor for s in settings.snapshot]
        return pd.DataFrame({"hours": [s.hours for s in settings.snapshot], "load_factor": factors}, index=names)
    if grid is None or grid.snapshots.empty:
        index = pd.Index(["year"], name="snapshot")
        return pd.DataFrame({"hours": [HOURS_PER_YEAR], "load_factor": [1.0]}, index=index)
    columns = ["hours", "load_factor", *(c for c in [HOT_DAY.name] if c in grid.snapshots.columns)]
    return grid.snapshots[columns]


def _odd_hours(table: pd.DataFrame) -> list[Finding]:
    hours = float(table["hours"].sum())
    if abs(hours - HOURS_PER_YEAR) <= HOURS_TOLERANCE * HOURS_PER_YEAR:
        return []
    remedy = "change the hours so that they sum to a year, unless the study is of another span"
    text = "the hours of the snapshots do not sum to a year; a year's energy cost is that of these hours"
    finding = Finding("study.snapshot.hours", "snapshots, hours", text, f"{hours:g} h", remedy, "warning")
    return [finding]


def check_hot_day(grid: Grid) -> list[Finding]:
    """Errors in the further column ``hot_day`` of a grid's snapshots."""
    if HOT_DAY.name not in grid.snapshots.columns:
        return []
    return check_table(grid.snapshots[[HOT_DAY.name]], (), "snapshots", key=(), extra=(HOT_DAY,))[1]


def hot_days(snapshots: pd.DataFrame, load_mw: pd.DataFrame) -> pd.Series:
    """Snapshots in which cooling works as on a hot day.

    Those that the column ``hot_day`` names; without that column, the one with the largest total load.

    Parameters
    ----------
    snapshots : DataFrame, index ``snapshot``
        With or without ``hot_day``.
    load_mw : DataFrame, columns (period, snapshot)
        Existing load [MW].

    Returns
    -------
    Series of bool, index ``snapshot``
    """
    if HOT_DAY.name in snapshots.columns:
        typed, _ = check_table(snapshots[[HOT_DAY.name]], (), "snapshots", key=(), extra=(HOT_DAY,))
        return typed[HOT_DAY.name].astype(bool)
    total = load_mw.sum().groupby(level="snapshot", sort=False).max().reindex(snapshots.index)
    return pd.Series(snapshots.index == total.fillna(0.0).idxmax(), index=snapshots.index)


def load_factors(settings: GridSettings, grid: Grid, snapshots: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """Factor on existing load by bus and snapshot.

    Parameters
    ----------
    settings : GridSettings
        The study's grid table.
    grid : Grid
        Its network.
    snapshots : DataFrame
        As `snapshot_table` gives them.

    Returns
    -------
    factors : DataFrame, index ``bus``, columns snapshot
        The factor of the bus's zone where one is given, else that of the snapshot [-].
    findings : list of Finding
        Zones that are unknown or not named.
    """
    zones = grid.buses["zone"]
    factors = pd.DataFrame({h: snapshots.at[h, "load_factor"] for h in snapshots.index}, index=grid.buses.index)
    factors.columns.name = "snapshot"
    if not settings.snapshot:
        given = grid.load_factors[grid.load_factors["snapshot"].isin(snapshots.index)]
        for h, rows in given.groupby("snapshot", sort=False):
            factors[h] = zones.map(rows.set_index("zone")["factor"]).fillna(factors[h])
        return factors.astype(float), []
    findings: list[Finding] = []
    known = sorted(set(zones) - {""})
    for snapshot in settings.snapshot:
        if snapshot.load_factors is None or snapshot.name not in factors:
            continue
        where = f"grid.snapshot {snapshot.name}, load_factors"
        for zone in sorted(set(snapshot.load_factors) - set(known)):
            findings.append(Finding("study.zone.unknown", where, "no such zone", repr(zone), nearest(zone, known)))
        for zone in sorted(set(known) - set(snapshot.load_factors)):
            remedy = f"add {zone!r} = 1.0, or its factor"
            findings.append(Finding("study.zone.missing", where, "a zone has no factor", repr(zone), remedy))
        factors[snapshot.name] = zones.map(snapshot.load_factors).fillna(1.0)
    return factors.astype(float), findings


def load_table(
    grid: Grid,
    load_mw: pd.Series,
    factors: pd.DataFrame,
    period_factors: Mapping[int, float],
    growth_per_year: float,
) -> pd.DataFrame:
    """Existing load by bus, period and snapshot.

    ``load_mw x factor x factor of the period x (1 + growth)^(year - first period) + shunt_mw``

    Parameters
    ----------
    grid : Grid
        ``shunt_mw`` of its buses [MW].
    load_mw : Series, index ``bus``
        Load before factors and growth [MW].
    factors : DataFrame, index ``bus``, columns snapshot
        As `load_factors` gives them [-].
    period_factors : mapping of int to float
        Factor by year, the years increasing [-].
    growth_per_year : float
        Growth of existing load [1/year].

    Returns
    -------
    DataFrame, index ``bus``, columns (period, snapshot)
        Load, shunt conductance included [MW].
    """
    load, first = factors.mul(load_mw, axis=0), next(iter(period_factors))
    parts = {t: load * (factor * (1.0 + growth_per_year) ** (t - first)) for t, factor in period_factors.items()}
    table = pd.concat(parts, axis=1, names=["period", "snapshot"])
    return table.add(grid.buses["shunt_mw"], axis=0)


def availability(
    settings: GridSettings, grid: Grid, generators: pd.DataFrame, snapshots: pd.DataFrame
) -> tuple[pd.DataFrame, list[Finding]]:
    """Share of ``p_max_mw`` that a generator can give, by snapshot.

    A row for the generator wins over one for its carrier in its zone, and that over one for its carrier everywhere; a
    generator that no row is for has 1.

    Parameters
    ----------
    settings : GridSettings
        The study's grid table.
    grid : Grid
        Its network.
    generators : DataFrame
        Those in service.
    snapshots : DataFrame
        Operating conditions.

    Returns
    -------
    factors : DataFrame, index ``generator``, columns snapshot
        Factor [-].
    findings : list of Finding
        Carriers that no generator has.
    """
    factors = pd.DataFrame(1.0, index=generators.index, columns=snapshots.index)
    carriers = generators["carrier"]
    if settings.snapshot:
        findings = []
        known = sorted(set(carriers) - {""})
        for snapshot in (s for s in settings.snapshot if s.name in factors):
            where = f"grid.snapshot {snapshot.name}, availability"
            for name in sorted(set(snapshot.availability) - set(known)):
                text = "no generator of this carrier"
                findings.append(Finding("study.carrier.unknown", where, text, repr(name), nearest(name, known)))
            factors[snapshot.name] = carriers.map(snapshot.availability).fillna(1.0)
        return factors, findings
    zones = generators["bus"].map(grid.buses["zone"])
    table = grid.availability
    for h in snapshots.index:
        rows = table[table["snapshot"] == h]
        for chosen in (
            rows[(rows["generator"] == "") & (rows["zone"] == "")],
            rows[(rows["generator"] == "") & (rows["zone"] != "")],
        ):
            for carrier, zone, factor in chosen[["carrier", "zone", "factor"]].itertuples(index=False):
                factors.loc[(carriers == carrier) & ((zones == zone) | (zone == "")), h] = factor
        single = rows[rows["generator"] != ""].set_index("generator")["factor"]
        factors[h] = np.where(factors.index.isin(single.index), single.reindex(factors.index), factors[h])
    return factors, []
