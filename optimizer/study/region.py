"""Region: counties on the map, and the cited facts about climate, water, costs and lead times that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from optimizer.errors import Finding, GridsiteError, refuse_errors
from optimizer.grid.schema import as_text
from optimizer.io.vector import read_vector
from optimizer.layers.places import WGS84, equal_area_crs
from optimizer.study.facts import COUNTIES, FACTS, read_checked, read_facts
from optimizer.study.inputs import InputFile


@dataclass(frozen=True, eq=False)
class Region:
    """Where campuses may stand, and what is known of it.

    Parameters
    ----------
    name : str
        Name of the dataset.
    counties : GeoDataFrame, index ``fips``
        Polygons, EPSG:4326, with ``county`` (name, made unique), ``iecc_zone``, ``water_region``, ``jurisdiction``.
    facts : mapping of str to DataFrame
        Tables of facts by name, with the columns of `optimizer.study.facts.FACTS`.
    inputs : tuple of InputFile
        Files that were read.
    """

    name: str
    counties: gpd.GeoDataFrame
    facts: Mapping[str, pd.DataFrame]
    inputs: tuple[InputFile, ...]

    @cached_property
    def crs(self) -> pyproj.CRS:
        """Equal-area projection in which land is cut into cells and measured."""
        return equal_area_crs(tuple(self.counties.total_bounds))

    @cached_property
    def projected(self) -> gpd.GeoSeries:
        """Counties in `crs`."""
        return self.counties.geometry.to_crs(self.crs)

    @cached_property
    def footprint(self) -> shapely.Geometry:
        """Union of the counties, in `crs`."""
        return shapely.union_all(shapely.make_valid(self.projected.values))


def read_region(folder: Path) -> Region:
    """Read the region of a dataset.

    Parameters
    ----------
    folder : Path
        Holds ``counties.geojson`` (polygons with ``fips``), ``counties.csv`` and ``facts/*.csv``.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        With every finding of every file.
    """
    findings: list[Finding] = []
    table, found = read_checked(folder / "counties.csv", COUNTIES, "counties.csv")
    findings += found
    shapes = gpd.GeoDataFrame({"fips": []}, geometry=[], crs=WGS84)
    try:
        shapes, noted = read_vector(folder / "counties.geojson")
        shapes = shapes.to_crs(WGS84)
        # Every figure of a region rests on its counties: one that a repair could change is for its maker to draw again.
        findings += [replace(f, severity="error") for f in noted if f.severity == "warning"]
    except GridsiteError as error:
        findings += error.findings
    facts, found = read_facts(folder / "facts")
    findings += found
    if not findings:
        findings += _disagreements(shapes, table, facts)
    refuse_errors(findings)
    files = ["counties.csv", "counties.geojson", *(f"facts/{name}.csv" for name in FACTS)]
    inputs = tuple(InputFile(folder / name, "region") for name in files)
    return Region(folder.name, _counties(shapes, table, folder.name), facts, inputs)


def _disagreements(shapes: gpd.GeoDataFrame, table: pd.DataFrame, facts: Mapping[str, pd.DataFrame]) -> list[Finding]:
    """Codes that one file names and another does not know."""
    if "fips" not in shapes.columns:
        names = ", ".join(shapes.columns.drop("geometry"))
        remedy = f"give each county its code in a property fips; properties: {names}"
        return [Finding("region.counties.fips", "counties.geojson", "the counties have no property fips", "", remedy)]
    drawn = set(as_text(shapes["fips"]))
    pairs = (
        ("counties.csv", "fips", set(table["fips"]), "counties.geojson", drawn),
        ("counties.geojson", "fips", drawn, "counties.csv", set(table["fips"])),
        ("counties.csv", "iecc_zone", set(table["iecc_zone"]), "facts/cooling.csv", set(facts["cooling"]["iecc_zone"])),
        (
            "counties.csv",
            "water_region",
            set(table["water_region"]),
            "facts/water_sources.csv",
            set(facts["water_sources"]["water_region"]),
        ),
        (
            "facts/cooling.csv",
            "cooling",
            set(facts["cooling"]["cooling"]),
            "facts/cooling_technologies.csv",
            set(facts["cooling_technologies"]["cooling"]),
        ),
    )
    return [
        Finding(
            "region.unknown_code",
            f"{file}, {column}",
            f"{other} does not know it",
            ", ".join(sorted(names - known)[:10]),
            f"add it to {other} or correct it in {file}",
        )
        for file, column, names, other, known in pairs
        if names - known
    ]


def _counties(shapes: gpd.GeoDataFrame, table: pd.DataFrame, region: str) -> gpd.GeoDataFrame:
    rows = table.set_index("fips").sort_index()
    outline = gpd.GeoSeries(shapes.geometry.values, index=as_text(shapes["fips"]), crs=WGS84)
    merged = outline.groupby(level=0).apply(shapely.union_all).reindex(rows.index)
    # A county is told by its name; where two share one, by name and code.
    twice = rows["county"].duplicated(keep=False)
    rows["county"] = rows["county"].where(~twice, rows["county"] + " (" + rows.index + ")")
    rows["jurisdiction"] = rows["jurisdiction"].where(rows["jurisdiction"] != "", region)
    return gpd.GeoDataFrame(rows, geometry=gpd.GeoSeries(merged, crs=WGS84))
