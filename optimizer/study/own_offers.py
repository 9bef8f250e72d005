"""The user's own sites as candidates: joined to the grid and, where the study names one, to the region."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding, nearest
from optimizer.grid.network import Grid
from optimizer.layers import community, land
from optimizer.layers.places import WGS84, equal_area_crs, nearest_km
from optimizer.study import cooling, points
from optimizer.study.cells import FLOOR, with_county_layers
from optimizer.study.costs import Costs
from optimizer.study.offers import COLUMNS, Offers, Sieve
from optimizer.study.own import OwnSites, area_ha
from optimizer.study.region import Region


@dataclass(frozen=True, eq=False)
class OwnSurroundings:
    """All that the user's own sites are judged by.

    Parameters
    ----------
    config : StudyConfig
        The study.
    grid : Grid, optional
        The network; without one sites have no ties.
    region : Region, optional
        Gives county, climate, water and costs to sites that lie in it.
    exclusions : tuple of Exclusion
        Layers that rule out land.
    points : DataFrame
        Points of interconnection, for sites whose ties are made from geometry.
    cut_off : frozenset of str
        Buses that a studied outage disconnects.
    cooling : DataFrame
        Technologies by climate zone.
    """

    config: StudyConfig
    grid: Grid | None
    region: Region | None
    exclusions: tuple[land.Exclusion, ...]
    points: pd.DataFrame
    cut_off: frozenset[str]
    cooling: pd.DataFrame


def own_offers(own: OwnSites, around: OwnSurroundings) -> tuple[Offers, list[Finding]]:
    """Turn the user's sites into offers.

    A site with rows in the table of ties has these; one with a bus only has a free tie that carries whatever it draws;
    any other has the ties that its place makes possible. Costs are those of the table alone.

    Parameters
    ----------
    own : OwnSites
        The tables as read.
    around : OwnSurroundings
        All that they are judged by.

    Returns
    -------
    offers : Offers
        Every site is offered or refused.
    findings : list of Finding
        Sites and buses that cannot be: errors.
    """
    findings = _unknown_buses(own, around.grid) + _unplaced(own, around)
    sites = _at_bus(own.sites, around.grid)
    findings += _outside(sites, around)
    if findings:
        return Offers(sites.iloc[:0], pd.DataFrame(), Sieve(sites).refused()), findings
    sites = _described(sites, around)
    sieve = Sieve(sites)
    _refuse_excluded(sieve, around)
    _refuse_dry(sieve, around)
    ties = _ties(sieve.left, own, around)
    if around.grid is not None:
        ties = _refuse_untied(sieve, ties, around)
    return Offers(sieve.left[[*COLUMNS, "geometry"]], ties, sieve.refused()), []


def _unknown_buses(own: OwnSites, grid: Grid | None) -> list[Finding]:
    if grid is None:
        return []
    known = grid.buses.index
    named = [(f"sites, site {s}, bus", b) for s, b in own.sites["bus"].items() if b]
    named += [(f"ties, row {row}, bus", b) for row, b in own.ties["bus"].items()]
    remedy = "name a bus of the grid"
    return [
        Finding(
            "study.site.unknown_bus", where, "no such bus", repr(b), nearest(b, known) if len(known) < 100 else remedy
        )
        for where, b in named
        if b not in known
    ]


def _unplaced(own: OwnSites, around: OwnSurroundings) -> list[Finding]:
    """Sites that have neither a tie, a bus nor a place; and places where no tie can be priced."""
    if around.grid is None:
        return []
    alone = own.sites[(own.sites["bus"] == "") & ~own.sites.index.isin(own.ties["site"])]
    findings = []
    for s, lat in alone["lat"].items():
        if np.isnan(lat):
            text, remedy = "the site has no bus, no tie and no place", "give its bus, its lat and lon, or rows in ties"
            findings.append(Finding("study.site.unplaced", f"sites, site {s}", text, "", remedy))
        elif around.region is None:
            text = "the site has no bus and no tie, and without a region a tie has no cost"
            remedy = "give its bus, rows in the table of ties, or a dataset in sites.region"
            findings.append(Finding("study.site.no_tie_cost", f"sites, site {s}", text, "", remedy))
    return findings


def _at_bus(sites: gpd.GeoDataFrame, grid: Grid | None) -> gpd.GeoDataFrame:
    """Sites without a place of their own stand at their bus."""
    if grid is None:
        return sites
    bare = sites["lat"].isna() & sites["bus"].isin(grid.buses.index)
    at = grid.buses.reindex(sites.loc[bare, "bus"])
    sites = sites.copy()
    sites.loc[bare, "lat"], sites.loc[bare, "lon"] = at["lat"].to_numpy(), at["lon"].to_numpy()
    bare &= sites["lat"].notna()
    marks = gpd.GeoSeries(gpd.points_from_xy(sites["lon"], sites["lat"]), index=sites.index, crs=WGS84)
    return sites.set_geometry(sites.geometry.where(~bare, marks))


def _outside(sites: gpd.GeoDataFrame, around: OwnSurroundings) -> list[Finding]:
    """Sites that lie outside the region, or farther from every bus than a tie may be long."""
    findings = []
    placed = sites[sites["lat"].notna()]
    spot = {s: f"lat {lat:g}, lon {lon:g}" for s, lat, lon in placed[["lat", "lon"]].itertuples(name=None)}
    if around.region is not None and len(placed):
        counties = around.region.counties.set_geometry(around.region.projected)
        marks = gpd.GeoDataFrame(geometry=_marks(placed).to_crs(around.region.crs))
        far = community.attach(marks, counties)["outside_km"]
        text = f"the site lies outside the region {around.region.name}"
        remedy = "correct its coordinates (lat is north, lon is negative in the west), or name another region"
        findings += _beyond("outside_region", far[far > 0], spot, text, remedy, 0.0)
    buses = pd.DataFrame() if around.grid is None else around.grid.buses.dropna(subset=["lat", "lon"])
    if len(placed) and len(buses):
        ends = [frame[c].to_numpy() for frame in (placed, buses) for c in ("lat", "lon")]
        nearest_bus = pd.Series(nearest_km(*ends)[0][:, 0], index=placed.index)
        most = around.config.sites.max_tie_km
        text = "the site is farther from every bus of the grid than a tie may be long"
        remedy = "correct its coordinates or raise sites.max_tie_km"
        findings += _beyond("outside_grid", nearest_bus[nearest_bus > most], spot, text, remedy, most)
    return findings


def _beyond(
    rule: str, far_km: pd.Series, spot: dict[str, str], text: str, remedy: str, limit_km: float
) -> list[Finding]:
    return [
        Finding(
            f"study.site.{rule}",
            f"sites, site {s}",
            text,
            f"{spot[s]}, {km:.1f} km away",
            remedy,
            value=float(km),
            limit=limit_km,
            unit="km",
        )
        for s, km in far_km.items()
    ]


def _marks(sites: pd.DataFrame) -> gpd.GeoSeries:
    return gpd.GeoSeries(gpd.points_from_xy(sites["lon"], sites["lat"]), index=sites.index, crs=WGS84)


def _described(sites: gpd.GeoDataFrame, around: OwnSurroundings) -> gpd.GeoDataFrame:
    """Every column of an offer; county, climate and water from the region where the table leaves them out."""
    facility, first = around.config.facility, around.config.study.periods[0]
    described = sites.assign(
        block_cost_musd=sites["cost_musd_per_block"],
        fixed_yearly_musd=sites["fixed_cost_musd_per_year"],
        block_yearly_musd=sites["cost_musd_per_year_per_block"],
        earliest=sites["earliest"].where(sites["earliest"] > 0, first),
        utilization=1.0 if facility.utilization is None else facility.utilization,
        emission_t_per_mwh=0.0,
        iecc_zone="",
        cell="",
        water_available_m3_day=0.0,
    )
    placed = sites["lat"].notna()
    if placed.any():
        crs = equal_area_crs(tuple(_marks(sites[placed]).total_bounds)) if around.region is None else around.region.crs
        described["area_ha"] = area_ha(sites, crs)
    if around.region is None or not placed.any():
        return described
    counties = around.region.counties.set_geometry(around.region.projected)
    marks = gpd.GeoDataFrame(geometry=_marks(described[placed]).to_crs(around.region.crs))
    found = community.attach(marks, counties).join(described.loc[placed, ["lat", "lon"]])
    found = with_county_layers(found, around.region, around.config)
    for column in ("county", "jurisdiction", "basin"):
        given = described.loc[placed, column]
        described.loc[placed, column] = given.where(given != "", found[column])
    described.loc[placed, "iecc_zone"] = found["iecc_zone"]
    described.loc[placed, "water_available_m3_day"] = found["water_available_m3_day"]
    described.loc[placed, "emission_t_per_mwh"] = Costs(around.region.facts).emission_t_per_mwh
    return described


def _refuse_excluded(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites that stand on excluded land."""
    if not around.exclusions:
        return
    marks = _marks(sieve.left)
    crs = equal_area_crs(tuple(marks.total_bounds)) if around.region is None else around.region.crs
    for exclusion in around.exclusions:
        here = _marks(sieve.left).to_crs(crs)
        taken = gpd.GeoSeries(exclusion.shapes(crs, tuple(here.total_bounds)), crs=crs)
        hit = here.sindex.query(taken.values, predicate="intersects")[1]
        bad = np.isin(np.arange(len(here)), hit)
        sieve.refuse(bad, f"excluded:{exclusion.name}", 0.0, 0.0)


def _refuse_dry(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites where no cooling has water enough for one block."""
    sites = sieve.left
    least_mw = sites["min_blocks"].clip(lower=1) * sites["block_mw"]
    utilization = float(sites["utilization"].iloc[0]) if len(sites) else 1.0
    options = cooling.by_place(sites, around.cooling, least_mw, utilization)
    fit = cooling.allowed(options)["pue_hot_day"].groupby(level="site").min()
    need = options["water_need_m3_day"].groupby(level="site").min().reindex(sites.index)
    sieve.refuse(~sites.index.isin(fit.index), "no_cooling", sites["water_available_m3_day"], need)
    sieve.left = sieve.left.assign(least_pue=fit)


def _ties(sites: pd.DataFrame, own: OwnSites, around: OwnSurroundings) -> pd.DataFrame:
    """Tie options of every site, from the table, from the bus, or made from geometry."""
    if around.grid is None:
        return pd.DataFrame({c: pd.Series(dtype=object) for c in points.TIE_COLUMNS}, index=pd.Index([], name="tie"))
    first = around.config.study.periods[0]
    given = own.ties[own.ties["site"].isin(sites.index)].copy()
    given["ready"] = given["ready"].where(given["ready"] > 0, first)
    bare = sites[(sites["bus"] != "") & ~sites.index.isin(own.ties["site"])]
    # An unlimited tie carries all that the site can draw with its least efficient cooling.
    most_pue = around.cooling["pue_hot_day"].max()
    free = pd.DataFrame(
        {
            "site": bare.index,
            "bus": bare["bus"].to_numpy(),
            "capacity_mw": (bare["block_mw"] * bare["max_blocks"] * most_pue).to_numpy(),
            "cost_musd": 0.0,
            "length_km": 0.0,
            "circuits": 1,
            "ready": first,
        }
    )
    made = _made_ties(sites[(sites["bus"] == "") & ~sites.index.isin(own.ties["site"])], around)
    table = pd.concat([part for part in (given, free, made) if len(part)] or [free], ignore_index=True)
    table["substation"] = table["bus"].map(points.substations(around.grid))
    table["base_kv"] = table["bus"].map(around.grid.buses["base_kv"])
    order = table["site"].map(pd.Series(range(len(sites)), index=sites.index))
    table = table.assign(_order=order).sort_values("_order", kind="stable")
    number = table.groupby(["site", "bus", "circuits"], sort=False).cumcount()
    names = [
        f"{s} {b} x{c}" + (f" option {n + 1}" if n else "")
        for (s, b, c), n in zip(
            table[["site", "bus", "circuits"]].itertuples(index=False, name=None), number, strict=True
        )
    ]
    return table[list(points.TIE_COLUMNS)].set_axis(pd.Index(names, name="tie"))


def _made_ties(sites: pd.DataFrame, around: OwnSurroundings) -> pd.DataFrame:
    if sites.empty or around.region is None:
        return pd.DataFrame(columns=list(points.TIE_COLUMNS))
    settings = around.config.sites
    firm = around.points[~around.points.index.isin(around.cut_off)]
    near = points.reach(sites, firm, settings.points_per_site, settings.max_tie_km)
    draw = sites["max_blocks"] * sites["block_mw"] * sites["least_pue"]
    ties = points.tie_options(near, firm, draw, Costs(around.region.facts), around.config.study.decision_year)
    return points.without_dominated(ties, draw)


def _refuse_untied(sieve: Sieve, ties: pd.DataFrame, around: OwnSurroundings) -> pd.DataFrame:
    """Refuse sites that no tie serves; return the ties of the others, and reduce blocks to what these carry."""
    most_km = around.config.sites.max_tie_km
    tied = sieve.left.index.isin(ties["site"])
    nearest_km_of = points.reach(sieve.left, around.points, 1, np.inf).set_index("place")["straight_km"]
    straight = nearest_km_of.reindex(sieve.left.index).astype(float)
    sieve.refuse(~tied & ~(straight <= most_km), "too_far", straight, most_km)
    firm = ties[~ties["bus"].isin(around.cut_off)]
    bad = ~sieve.left.index.isin(firm["site"])
    sieve.refuse(bad, "point_cut_off", straight.reindex(sieve.left.index), most_km)
    sites = sieve.left
    block = sites["block_mw"] * sites["least_pue"]
    least = sites["min_blocks"].clip(lower=1) * block
    fit = firm[firm["capacity_mw"] + points.ROUNDING_MW >= firm["site"].map(least).astype(float)]
    best = firm.groupby("site")["capacity_mw"].max().reindex(sites.index)
    sieve.refuse(~sites.index.isin(fit["site"]), "firm_capacity", best, least)
    sites = sieve.left
    carried = np.floor(best.reindex(sites.index) / block.reindex(sites.index) + FLOOR)
    sieve.left = sites.assign(max_blocks=np.minimum(sites["max_blocks"], carried).astype("int64"))
    return fit
