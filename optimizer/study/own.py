"""The user's own sites and ties: read as they are, with a default for everything left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.config.checks import SITE_KINDS
from optimizer.errors import Finding, GridsiteError, nearest, refuse_errors
from optimizer.grid.schema import Column, check_table
from optimizer.io.reading import read_table
from optimizer.io.vector import LEFT_OUT, read_vector
from optimizer.layers.places import WGS84


def _musd(name: str, meaning: str, unit: str = "M$", required: bool = False) -> Column:
    return Column(name, "float", unit, None if required else 0.0, required, 0, meaning=meaning)


SITES = (
    Column("site", "id", required=True, meaning="Site."),
    Column("bus", "text", meaning="Bus it is at; instead of geometry, or of lat and lon."),
    Column("lat", "float", "deg", lower=-90, upper=90, meaning="Latitude."),
    Column("lon", "float", "deg", lower=-180, upper=180, meaning="Longitude."),
    Column(
        "kind",
        "text",
        default="campus",
        meaning="Kind of site: campus or edge, tied to the grid; lease, cloud or orbital, which need no tie.",
    ),
    Column("block_mw", "float", "MW", None, True, 0, meaning="IT capacity of a block.", lower_open=True),
    Column("max_blocks", "int", "", None, True, 1, meaning="Most blocks."),
    Column("min_blocks", "int", "", 0, lower=0, meaning="Fewest blocks of a built site."),
    _musd("fixed_cost_musd", "One-time cost of the site."),
    _musd("cost_musd_per_block", "One-time cost of a block."),
    _musd("fixed_cost_musd_per_year", "Yearly cost of the site.", "M$/year"),
    _musd("cost_musd_per_year_per_block", "Yearly cost of a block.", "M$/year"),
    Column("area_ha", "float", "ha", lower=0, meaning="Area of the land."),
    Column("county", "text", meaning="County, for limits on concentration."),
    Column("jurisdiction", "text", meaning="Jurisdiction whose rules apply."),
    Column("country", "text", meaning="Country, for workloads that must stay within borders."),
    Column("basin", "text", meaning="Water region."),
    Column(
        "emission_t_per_mwh", "float", "t/MWh", lower=0, meaning="Emissions of the grid's power; empty: the region's."
    ),
    Column("archetype", "text", meaning="Archetype that fills what [facility] leaves out; empty: the study's."),
    Column(
        "rack_density_kw",
        "float",
        "kW",
        lower=0,
        lower_open=True,
        meaning="Power of a rack, which rules out cooling; empty: the archetype's.",
    ),
    Column(
        "max_rack_density_kw",
        "float",
        "kW",
        lower=0,
        lower_open=True,
        meaning="Densest rack that the place takes, such as that of a lease; empty: any that is cooled.",
    ),
    Column("gas_line_km", "float", "km", lower=0, meaning="Length of a gas line to it; empty: none is needed."),
    Column("colocated_generator", "text", meaning="Generator that it stands beside, behind one meter."),
    Column("max_generators", "float", "", lower=0, meaning="Most generators there; empty: that of the study."),
    Column("earliest", "int", "year", 0, lower=0, meaning="First year it can serve; 0: any."),
)
"""Columns of a table of sites."""

TIES = (
    Column("site", "id", required=True, meaning="Site."),
    Column("bus", "id", required=True, meaning="Point of interconnection."),
    Column("capacity_mw", "float", "MW", None, True, 0, meaning="Firm capacity.", lower_open=True),
    _musd("cost_musd", "One-time cost.", required=True),
    Column("length_km", "float", "km", 0.0, lower=0, meaning="Length of the route."),
    Column("circuits", "int", "", 1, lower=1, meaning="Number of circuits."),
    Column("ready", "int", "year", 0, lower=0, meaning="First year it can serve; 0: any."),
    Column(
        "reactive_support", "text", meaning="needed or available at the point; empty: not known. Told, not modelled."
    ),
)
"""Columns of a table of ties; one row an option."""


@dataclass(frozen=True, eq=False)
class OwnSites:
    """Tables as read.

    Parameters
    ----------
    sites : GeoDataFrame, index ``site``
        `SITES`; geometry in EPSG:4326, None where a site has no place of its own.
    ties : DataFrame
        `TIES`, in file order; ``site`` may repeat.
    """

    sites: gpd.GeoDataFrame
    ties: pd.DataFrame


def read_own(table: Path, ties: Path | None) -> tuple[OwnSites, list[Finding]]:
    """Read the user's tables of sites and ties.

    Parameters
    ----------
    table : Path
        Sites: CSV, Parquet, or a map layer of points or polygons.
    ties : Path, optional
        Tie options.

    Returns
    -------
    own : OwnSites
        The tables, typed.
    findings : list of Finding
        Errors in either.
    """
    findings: list[Finding] = []
    raw, shapes = pd.DataFrame({c.name: [] for c in SITES if c.required}), None
    noted: list[Finding] = []
    try:
        raw, shapes, noted = _read_places(table)
    except GridsiteError as error:
        findings += error.findings
    sites, found = check_table(raw, SITES, table.name)
    findings += found
    if not findings:
        findings += _check_sites(sites, table.name)
    options = pd.DataFrame({c.name: [] for c in TIES})
    if ties is not None:
        try:
            options, found = check_table(read_table(ties, where=ties.name), TIES, ties.name, key=())
            findings += found
            findings += _unknown_sites(options, sites, ties.name) if not findings else []
        except GridsiteError as error:
            findings += error.findings
    sites = sites.set_index("site")
    places = shapes if shapes is not None else np.full(len(sites), None)
    sites = sites.drop(columns=["geometry"], errors="ignore")
    own = gpd.GeoDataFrame(sites, geometry=gpd.GeoSeries(places, index=sites.index, crs=WGS84))
    return OwnSites(_located(own), options), [*findings, *noted]


def _read_places(path: Path) -> tuple[pd.DataFrame, np.ndarray | None, list[Finding]]:
    """The table's attributes, its geometry in EPSG:4326 where it has one, and what was repaired of that."""
    drawn = path.suffix.lower() in (".geojson", ".json", ".shp", ".fgb")
    if not drawn:
        table = read_table(path, where=path.name)
        if not isinstance(table, gpd.GeoDataFrame):
            return table, None, []
    layer, findings = read_vector(path)
    # A site that cannot be placed is not left out like a feature of a map layer: its plan would lack it silently.
    refuse_errors([replace(f, severity="error") if f.rule in LEFT_OUT else f for f in findings])
    layer.index = pd.RangeIndex(1, len(layer) + 1, name="row")
    shapes = layer.geometry.to_crs(WGS84).to_numpy()
    return pd.DataFrame(layer.drop(columns=layer.geometry.name)), shapes, findings


def _located(sites: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Coordinates from geometry where they are not given, and the other way round; area from polygons."""
    shapes = sites.geometry
    drawn = shapes.notna() & sites["lat"].isna()
    if drawn.any():
        inside = shapes[drawn].representative_point()
        sites.loc[drawn, "lat"], sites.loc[drawn, "lon"] = inside.y, inside.x
    given = shapes.isna() & sites["lat"].notna()
    points = gpd.GeoSeries(gpd.points_from_xy(sites["lon"], sites["lat"]), index=sites.index, crs=WGS84)
    return sites.set_geometry(shapes.where(~given, points))


def _check_sites(sites: pd.DataFrame, where: str) -> list[Finding]:
    findings = []
    for row, low, high in sites[["min_blocks", "max_blocks"]].itertuples(name=None):
        if low > high:
            remedy = "lower min_blocks or raise max_blocks"
            place = f"{where} row {row}, min_blocks"
            text = "more blocks are the fewest than are the most"
            findings.append(Finding("study.site.blocks", place, text, f"{low} above {high}", remedy))
    for row, kind in sites["kind"][~sites["kind"].isin(SITE_KINDS)].items():
        text = "no such kind of site"
        findings.append(
            Finding("study.site.kind", f"{where} row {row}, kind", text, repr(kind), nearest(kind, SITE_KINDS))
        )
    half = sites["lat"].isna() != sites["lon"].isna()
    for row in sites.index[half]:
        text, remedy = "only one of lat and lon is given", "give both, or neither"
        findings.append(Finding("study.site.half_located", f"{where} row {row}, lat and lon", text, "", remedy))
    if sites.empty:
        findings.append(Finding("study.site.none", where, "the table has no sites", "0 rows", "add a row a site"))
    return findings


def _unknown_sites(ties: pd.DataFrame, sites: pd.DataFrame, where: str) -> list[Finding]:
    known = set(sites["site"])
    return [
        Finding("study.tie.unknown_site", f"{where} row {row}, site", "no such site", repr(s), nearest(s, known))
        for row, s in ties["site"].items()
        if s not in known
    ]


def area_ha(sites: gpd.GeoDataFrame, crs: object) -> pd.Series:
    """Area of each site: as given, else that of its polygon in an equal-area projection, else nan [ha]."""
    shapes = sites.geometry.to_crs(crs)
    polygons = shapely.get_dimensions(shapes.to_numpy()) == 2
    return sites["area_ha"].where(sites["area_ha"].notna() | ~polygons, shapes.area / 10_000.0)
