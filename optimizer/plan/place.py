"""From tables to maps: geometry joined by the most specific key that a table has."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
from pyogrio import write_dataframe
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

if TYPE_CHECKING:
    from optimizer.grid.network import Grid
    from optimizer.study.study import Study

CRS = "EPSG:4326"
"""Coordinate reference system of every layer: longitude and latitude on WGS 84."""

_LAST_CHANGE = "2000-01-01T00:00:00.000Z"
# The GeoPackage standard wants a time of last change; the time of writing would make equal plans differ.

PLACED_BY = {
    "sites": "site",
    "ties": "tie",
    "upgrades": "branch",
    "circuits": "circuit",
    "baseline_circuits": "circuit",
    "cooling": "site",
    "dispatch": "generator",
    "baseline_dispatch": "generator",
    "overload_dispatch": "generator",
    "flows": "branch",
    "contingencies": "branch",
    "binding": "element",
    "base_overloads": "branch",
    "candidates": "site",
    "refused": "place",
    "rules": "site",
    "comparison": "site",
    "comparison_limits": "branch",
}
"""The column that says where a row is, by table: the most specific that its key has, an outage by the branch it loads.
Tables that are not named have no place."""


@dataclass(frozen=True)
class Places:
    """Geometry by what it is the geometry of, in longitude and latitude.

    Parameters
    ----------
    by_column : mapping of str to mapping
        For each column of `PLACED_BY`, the geometry of each value: parcel of a site, route of a tie, line of a branch,
        point of a generator, cell of a refused place.
    """

    by_column: Mapping[str, Mapping[str, BaseGeometry]] = field(default_factory=dict)

    @classmethod
    def of(cls, study: Study) -> Places:
        """Collect the geometry of a study.

        Parameters
        ----------
        study : Study
            Buses become points, branches and new circuits straight lines between them; those without coordinates have
            no geometry. Sites become their parcels, ties their routes, refused places their cells.
        """
        found: dict[str, dict[str, BaseGeometry]] = {}
        if study.grid is not None:
            found |= _grid_places(study.grid, study.offered_circuits)
        candidates = study.candidates
        found["site"] = _known(candidates.sites.index, candidates.sites.geometry)
        found["tie"] = _known(candidates.ties.index, candidates.ties.geometry)
        found["place"] = _known(candidates.refused["place"], candidates.refused.geometry)
        found["element"] = {**found.get("generator", {}), **found.get("site", {}), **found.get("branch", {})}
        return cls(found)

    def place(self, name: str, table: pd.DataFrame) -> pd.DataFrame | gpd.GeoDataFrame:
        """Join geometry to a table; a table of nothing that has a place is returned as it is.

        Parameters
        ----------
        name : str
            Name of the table.
        table : DataFrame
            The table.
        """
        column = PLACED_BY.get(name, "")
        known = self.by_column.get(column)
        if not known:
            return table
        return gpd.GeoDataFrame(table, geometry=[known.get(value) for value in table[column]], crs=CRS)


def _known(names: Iterable[object], shapes: Iterable[BaseGeometry | None]) -> dict[str, BaseGeometry]:
    return {str(name): shape for name, shape in zip(names, shapes, strict=True) if shape is not None}


def _grid_places(grid: Grid, offered: pd.DataFrame) -> dict[str, dict[str, BaseGeometry]]:
    buses = grid.buses
    points = {
        str(n): Point(lon, lat)
        for n, lon, lat in zip(buses.index, buses["lon"], buses["lat"], strict=True)
        if pd.notna(lon) and pd.notna(lat)
    }
    branches = {
        str(b): LineString([points[str(i)], points[str(j)]])
        for b, i, j in zip(grid.branches.index, grid.branches["from_bus"], grid.branches["to_bus"], strict=True)
        if str(i) in points and str(j) in points
    }
    generators = {str(g): points[str(n)] for g, n in grid.generators["bus"].items() if str(n) in points}
    circuits: dict[str, BaseGeometry] = {}
    for circuit, row in offered.iterrows():
        start, end = str(row["from_bus"]), str(row["to_bus"])
        if start not in points or end not in points:
            continue
        line = LineString([points[start], points[end]])
        circuits[str(circuit)] = line
        # A built unit is a branch: called as its circuit, numbered where several may be built.
        count = int(row["max_count"])
        names = [str(circuit)] if count == 1 else [f"{circuit}/{i}" for i in range(1, count + 1)]
        branches |= dict.fromkeys(names, line)
    return {"branch": branches, "generator": generators, "circuit": circuits}


def write_geopackage(tables: Mapping[str, pd.DataFrame], places: Places, path: Path) -> None:
    """Write one layer a table; a table of nothing that has a place becomes a layer of attributes.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tidy tables by name.
    places : Places
        Geometry to join.
    path : Path
        File to write, which must not exist.
    """
    for name, table in tables.items():
        layer = places.place(name, table)
        options: dict[str, Any] = {"layer": name, "driver": "GPKG", "append": path.exists()}
        if isinstance(layer, gpd.GeoDataFrame):
            options["geometry_type"] = _geometry_type(layer)
        write_dataframe(_without_missing_integers(layer), path, **options)
    if path.exists():
        fix_times(path)


def _geometry_type(layer: gpd.GeoDataFrame) -> str:
    kinds = set(layer.geometry.dropna().geom_type)
    return kinds.pop() if len(kinds) == 1 else "Unknown"


def _without_missing_integers(layer: pd.DataFrame) -> pd.DataFrame:
    nullable = [c for c in layer.columns if isinstance(layer[c].dtype, pd.Int64Dtype)]
    return layer.astype(dict.fromkeys(nullable, "float64")) if nullable else layer


def fix_times(path: Path) -> None:
    """Make a GeoPackage depend on what it holds alone, not on when and in how many steps it was written.

    Parameters
    ----------
    path : Path
        A closed GeoPackage, rewritten in place.
    """
    compacted = path.with_name(path.name + ".compacted")
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (_LAST_CHANGE,))
        database.commit()
        # A new file, because the old one counts its transactions, whose number depends on the clock.
        database.execute("VACUUM INTO ?", (str(compacted),))
    compacted.replace(path)
