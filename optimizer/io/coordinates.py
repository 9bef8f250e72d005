"""Coordinates from a table of its own, for cases that state none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, refuse_errors
from optimizer.grid.columns import Column
from optimizer.grid.network import Grid
from optimizer.grid.schema import check_table, errors_first
from optimizer.io.raw_table import note
from optimizer.io.reading import read_table
from optimizer.io.tables import without_geometry

_LAT = Column("lat", "float", "deg", None, True, -90, 90, "Latitude, WGS 84.")
_LON = Column("lon", "float", "deg", None, True, -180, 180, "Longitude, WGS 84.")


def join_coordinates(grid: Grid, table_path: str | Path) -> Grid:
    """Give buses the coordinates of a table.

    Parameters
    ----------
    grid : Grid
        The grid.
    table_path : str or Path
        CSV, Parquet or GeoPackage table with ``bus`` or ``substation``, and ``lat`` and ``lon`` [deg, WGS 84]; points
        of a layer stand for these two. A coordinate of the table replaces one of the case.

    Returns
    -------
    Grid
        With findings on buses without a coordinate, and on rows that no bus has.

    Raises
    ------
    InputError
        With every finding: the table cannot be read, its values cannot be used, or no row of it meets a bus.
    """
    path = Path(table_path)
    where = path.name
    raw = read_table(path, where=where)
    findings: list[Finding] = []
    if isinstance(raw, gpd.GeoDataFrame):
        raw, findings = without_geometry(raw, "buses", where)
    key = _key(raw, where)
    columns = (Column(key, "id", required=True, meaning=f"The {key} it is for."), _LAT, _LON)
    table, problems = check_table(raw, columns, where, key=(key,))
    refuse_errors(errors_first([*findings, *problems]))
    given = table.set_index(key)
    ids = grid.buses.index.to_series() if key == "bus" else grid.buses["substation"]
    known = ids.isin(given.index).to_numpy() & (ids != "").to_numpy()
    if not known.any():
        found = ", ".join(given.index[:3]) or "no rows"
        remedy = f"the {key} of the case is {', '.join(dict.fromkeys(v for v in ids if v))[:80] or 'not given'}"
        text = f"no {key} of the table is in the case"
        raise InputError([Finding("io.coordinates.none", where, text, found, remedy)])
    return replace(_joined(grid, given, ids, known), findings=(*grid.findings, *_notes(grid, given, ids, known, where)))


def _key(raw: pd.DataFrame, where: str) -> str:
    keys = [name for name in ("bus", "substation") if name in raw.columns]
    if len(keys) == 1:
        return keys[0]
    text = "needs exactly one of the columns bus and substation"
    remedy = "name the column with the ids of the buses bus, or that with the names of their substations substation"
    found = f"columns {', '.join(map(str, raw.columns[:8]))}"
    raise InputError([Finding("io.coordinates.key", where, text, found, remedy)])


def _joined(grid: Grid, given: pd.DataFrame, ids: pd.Series, known: np.ndarray) -> Grid:
    buses = grid.buses.copy()
    for column in ("lat", "lon"):
        buses.loc[known, column] = given[column].reindex(ids[known]).to_numpy(dtype=float)
    return replace(grid, buses=buses)


def _notes(grid: Grid, given: pd.DataFrame, ids: pd.Series, known: np.ndarray, where: str) -> list[Finding]:
    findings: list[Finding] = []
    unused = [str(name) for name in given.index if name not in set(ids)]
    note(findings, "io.coordinates.unused", where, "rows that no bus of the case has are not used", unused)
    had = grid.buses["lat"].notna().to_numpy()
    replaced = list(grid.buses.index[known & had])
    note(findings, "io.coordinates.replaced", where, "coordinates of the case are replaced", replaced)
    missing = list(grid.buses.index[~known & ~had])
    remedy = "add them to the table where they matter: they cannot be points of interconnection"
    note(findings, "io.coordinates.missing", where, "buses have no coordinates", missing, "warning", remedy)
    read = Finding("io.coordinates.read", where, f"coordinates of {int(known.sum())} buses joined", severity="info")
    return [*findings, read]
