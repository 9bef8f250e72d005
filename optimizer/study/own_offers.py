"""The user's own sites as candidates: joined to the grid and, where the study names one, to the region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import FacilitySettings, StudyConfig
from optimizer.config.checks import UNTIED_KINDS
from optimizer.errors import Finding, nearest
from optimizer.grid.network import Grid
from optimizer.layers import climate, community, land
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import WGS84, equal_area_crs, nearest_km
from optimizer.layers.regulation import RuleBook
from optimizer.study import cooling, points
from optimizer.study.cells import FLOOR, with_county_layers
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year, sooner
from optimizer.study.offers import COLUMNS, Offers, Sieve
from optimizer.study.orbit import with_orbit
from optimizer.study.own import OwnSites, area_ha
from optimizer.study.region import Region
from optimizer.study.routing import Routing
from optimizer.study.ruled import refuse_forbidden, ruled

BEHIND_A_METER = ("colocated_generator",)
"""Columns of a site that say what it is connected beside."""


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
    layers : tuple of MapLayer
        Map layers of the user.
    points : DataFrame
        Points of interconnection, for sites whose ties are made from geometry.
    cut_off : frozenset of str
        Buses that a studied outage disconnects.
    cooling : Technologies
        By climate zone and weather station.
    routing : Routing, optional
        How the routes of ties that are made from geometry are found; ``None``: straight lines times the route factor.
    rules : RuleBook
        Regulation.
    halls : mapping of str to FacilitySettings
        What those sites are made of that have an archetype or a rack density of their own.
    """

    config: StudyConfig
    grid: Grid | None
    region: Region | None
    layers: tuple[MapLayer, ...]
    points: pd.DataFrame
    cut_off: frozenset[str]
    cooling: cooling.Technologies
    routing: Routing | None = None
    rules: RuleBook = field(default_factory=RuleBook)
    halls: Mapping[str, FacilitySettings] = field(default_factory=dict)


def own_offers(own: OwnSites, around: OwnSurroundings) -> tuple[Offers, list[Finding]]:
    """Turn the user's sites into offers.

    A campus or an edge site with rows in the table of ties has these; one with a bus only has a free tie that carries
    whatever it draws; any other has the ties that its place makes possible. Sites of `UNTIED_KINDS` have none, and
    nothing about ties, climate, water and rules of building holds for them. Costs are those of the table alone.

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
    findings = _unknown_buses(own, around.grid) + _needlessly_tied(own, around.grid) + _unplaced(own, around)
    sites = _at_bus(own.sites, around.grid)
    findings += _outside(sites[~_untied(sites)], around)
    if findings:
        return Offers(sites.iloc[:0], pd.DataFrame(), Sieve(sites).refused()), findings
    sites = _described(sites, around)
    sieve = Sieve(sites)
    _refuse_excluded(sieve, around)
    _refuse_by_rules(sieve, around)
    _refuse_dense(sieve, around)
    _refuse_dry(sieve, around)
    ties = _ties(sieve.left, own, around)
    if around.grid is not None:
        ties = _refuse_untied(sieve, ties, around)
    # A column more only where a site has racks of its own: without it all have the study's.
    of_racks = ["rack_density_kw"] if any(f.rack_density_kw is not None for f in around.halls.values()) else []
    return Offers(sieve.left[[*COLUMNS, *of_racks, "geometry"]], ties, sieve.refused()), []


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


def _untied(sites: pd.DataFrame) -> pd.Series:
    """Sites that need no tie."""
    return sites["kind"].isin(UNTIED_KINDS)


def _needlessly_tied(own: OwnSites, grid: Grid | None) -> list[Finding]:
    """Sites that whoever rents them out has connected, and that the table connects once more."""
    if grid is None:
        return []
    untied = own.sites.index[_untied(own.sites)]
    named = [(s, f"sites, site {s}, bus", b) for s, b in own.sites.loc[untied, "bus"].items() if b]
    named += [(s, f"sites, site {s}, {c}", g) for c in BEHIND_A_METER for s, g in own.sites.loc[untied, c].items() if g]
    named += [(s, f"ties, row {row}, site", s) for row, s in own.ties["site"].items() if s in untied]
    text = "a site of kind {} draws nothing from the grid of the study, and needs no tie"
    remedy = (
        "leave it out (lat and lon say where it is), or make it a campus or an edge site if its load is on the grid"
    )
    return [
        Finding("study.site.untied_kind", where, text.format(own.sites.at[s, "kind"]), repr(found), remedy)
        for s, where, found in named
    ]


def _unplaced(own: OwnSites, around: OwnSurroundings) -> list[Finding]:
    """Sites that have neither a tie, a bus nor a place; and places where no tie can be priced."""
    if around.grid is None:
        return []
    bare = (own.sites["bus"] == "") & ~own.sites.index.isin(own.ties["site"])
    alone = own.sites[bare & ~_untied(own.sites)]
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
    first = around.config.study.periods[0]
    made_of = [around.halls.get(str(s), around.config.facility) for s in sites.index]
    described = sites.assign(
        block_cost_musd=sites["cost_musd_per_block"],
        fixed_yearly_musd=sites["fixed_cost_musd_per_year"],
        block_yearly_musd=sites["cost_musd_per_year_per_block"],
        earliest=_sooner(sites["earliest"], around).where(sites["earliest"] > 0, first),
        utilization=[1.0 if f.utilization is None else f.utilization for f in made_of],
        emission_t_per_mwh=sites["emission_t_per_mwh"].fillna(0.0),
        iecc_zone="",
        cell="",
        fips="",
        water_available_m3_day=0.0,
    )
    described = described.assign(rack_density_kw=[f.rack_density_kw for f in made_of])
    described["rack_density_kw"] = described["rack_density_kw"].astype(float)
    described = with_orbit(described, around.config)
    placed = sites["lat"].notna()
    if placed.any():
        crs = equal_area_crs(tuple(_marks(sites[placed]).total_bounds)) if around.region is None else around.region.crs
        described["area_ha"] = area_ha(sites, crs)
    if around.region is None or not placed.any():
        return described
    return _in_region(described, sites["emission_t_per_mwh"], around.region, around.config)


def _in_region(
    described: gpd.GeoDataFrame, emissions: pd.Series, region: Region, config: StudyConfig
) -> gpd.GeoDataFrame:
    """County, climate, water and emissions of the region; of a site that needs no tie its county and emissions alone.

    Such a site may lie outside the region, and then has what its table gives.
    """
    placed = described["lat"].notna()
    counties = region.counties.set_geometry(region.projected)
    marks = gpd.GeoDataFrame(geometry=_marks(described[placed]).to_crs(region.crs))
    found = community.attach(marks, counties).join(described.loc[placed, ["lat", "lon"]])
    found = with_county_layers(found, region, config)
    found = found[(found["outside_km"] == 0) | ~_untied(described[placed])]
    inside = found.index
    for column in ("county", "jurisdiction", "basin"):
        given = described.loc[inside, column]
        described.loc[inside, column] = given.where(given != "", found[column])
    described.loc[inside, "fips"] = found["fips"]
    described.loc[inside, "emission_t_per_mwh"] = emissions[inside].fillna(Costs(region.facts).emission_t_per_mwh)
    tied = inside[~_untied(described.loc[inside])]
    described.loc[tied, "iecc_zone"] = found.loc[tied, "iecc_zone"]
    described.loc[tied, "water_available_m3_day"] = found.loc[tied, "water_available_m3_day"]
    return described


def _refuse_excluded(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites that stand on land that a layer takes."""
    if not any(layer.settings.rule in land.EXCLUDING for layer in around.layers):
        return
    marks = _marks(sieve.places)
    crs = equal_area_crs(tuple(marks.total_bounds)) if around.region is None else around.region.crs
    here = marks.to_crs(crs)
    for name, shapes in land.taking(around.layers, crs, tuple(here.total_bounds)):
        hit = here.sindex.query(shapes, predicate="intersects")[1]
        sieve.refuse(np.isin(np.arange(len(here)), hit), f"excluded:{name}", 0.0, 0.0)


def _refuse_by_rules(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites where a rule forbids the smallest campus, and attach what rules change at the others.

    Rules bind who builds, connects and operates a campus, so that they do not bind who rents a place. Costs stay those
    of the table; a ban that ends and a longer study put off the first year.
    """
    config, places = around.config, sieve.places
    least_kv = config.sites.min_base_kv if around.region is not None else 0.0
    found = ruled(places, around.rules, config, around.cooling, least_kv, _untied(places))
    refuse_forbidden(sieve, found)
    asked = found["wait_months"] + found["study_months"]
    months = found["wait_months"] + (found["study_months"] - config.study.shorter_lead_months).clip(lower=0.0)
    first = pd.Series([ready_year(config.study.decision_year, m) for m in months], index=places.index)
    earliest = places["earliest"].where(asked == 0, np.maximum(places["earliest"], first))
    sieve.places = places.drop(columns="max_blocks").join(found).assign(earliest=earliest)


def _refuse_dense(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites whose racks are denser than the place takes; where demand is work, the racks are chosen."""
    demand, places = around.config.demand, sieve.places
    if demand is not None and not demand.work:
        most_kw = places["max_rack_density_kw"]
        sieve.refuse(places["rack_density_kw"] > most_kw, "rack_density", places["rack_density_kw"], most_kw)


def _refuse_dry(sieve: Sieve, around: OwnSurroundings) -> None:
    """Refuse sites where nothing cools the smallest campus."""
    sites = climate.with_station(sieve.places, around.cooling.stations)
    least_mw = sites["min_blocks"].clip(lower=1) * sites["block_mw"]
    judged = cooling.judged(sites, around.cooling, least_mw, sites["utilization"], around.config.water.sources)
    cooling.refuse_uncooled(sieve, judged, np.ones(len(sites), dtype=bool))
    sieve.places = sites.assign(least_pue=judged["least_pue"])


def _sooner(years: pd.Series, around: OwnSurroundings) -> pd.Series:
    settings = around.config.study
    return sooner(years, settings.decision_year, settings.shorter_lead_months)


def _ties(sites: pd.DataFrame, own: OwnSites, around: OwnSurroundings) -> pd.DataFrame:
    """Tie options of every site, from the table, from the bus, or made from geometry."""
    if around.grid is None:
        return pd.DataFrame({c: pd.Series(dtype=object) for c in points.TIE_COLUMNS}, index=pd.Index([], name="tie"))
    first = around.config.study.periods[0]
    given = own.ties[own.ties["site"].isin(sites.index)].copy()
    given["ready"] = _sooner(given["ready"], around).where(given["ready"] > 0, first)
    sites = sites[~_untied(sites)]
    bare = sites[(sites["bus"] != "") & ~sites.index.isin(own.ties["site"])]
    # An unlimited tie carries all that the site can draw with its least efficient cooling.
    most_pue = around.cooling.most_pue
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
    return table.reindex(columns=[*points.TIE_COLUMNS, *points.ROUTE_COLUMNS]).set_axis(pd.Index(names, name="tie"))


def _made_ties(sites: pd.DataFrame, around: OwnSurroundings) -> pd.DataFrame:
    if sites.empty or around.region is None:
        return pd.DataFrame(columns=list(points.TIE_COLUMNS))
    settings = around.config.sites
    firm = around.points[~around.points.index.isin(around.cut_off)]
    routes = None if around.routing is None else around.routing.pairs(sites, firm)
    near = points.reach(sites, firm, settings.points_per_site, settings.max_tie_km, routes)
    draw = sites["max_blocks"] * sites["block_mw"] * sites["least_pue"]
    year, shorter = around.config.study.decision_year, around.config.study.shorter_lead_months
    costs = Costs(around.region.facts, shorter)
    ties = points.tie_options(near, firm, draw, costs, year, settings.voltage_class)
    return points.without_dominated(ties, draw)


def _refuse_enclosed(sieve: Sieve, ties: pd.DataFrame, around: OwnSurroundings) -> None:
    """Refuse sites without a tie of their own that barriers cut off from every firm point in reach."""
    if around.routing is None:
        return
    firm = around.points[~around.points.index.isin(around.cut_off)]
    most_km = around.config.sites.max_tie_km
    sites = sieve.left[~_untied(sieve.left)]
    straight = (
        points.reach(sites, firm, 1, most_km).set_index("place")["straight_km"].reindex(sites.index).astype(float)
    )
    bare = ~sites.index.isin(ties["site"]) & (sites["bus"] == "").to_numpy() & straight.notna().to_numpy()
    routed = around.routing.pairs(sites[bare], firm)["place"]
    enclosed = pd.Series(bare & ~sites.index.isin(routed), index=sites.index)
    sieve.refuse(enclosed, "no_route", straight, most_km)


def _refuse_untied(sieve: Sieve, ties: pd.DataFrame, around: OwnSurroundings) -> pd.DataFrame:
    """Refuse sites that need a tie and have none; return the ties of others, and cut blocks to what these carry."""
    most_km = around.config.sites.max_tie_km
    free = sieve.places.index[_untied(sieve.places)]
    left = sieve.left.index.difference(free, sort=False)
    tied = left.isin(ties["site"])
    nearest_km_of = points.reach(sieve.left.loc[left], around.points, 1, np.inf).set_index("place")["straight_km"]
    straight = nearest_km_of.reindex(left).astype(float)
    sieve.refuse(~tied & ~(straight <= most_km), "too_far", straight, most_km)
    _refuse_enclosed(sieve, ties, around)
    firm = ties[~ties["bus"].isin(around.cut_off)]
    left = sieve.left.index.difference(free, sort=False)
    sieve.refuse(pd.Series(~left.isin(firm["site"]), index=left), "point_cut_off", straight.reindex(left), most_km)
    sites = sieve.left.loc[sieve.left.index.difference(free, sort=False)]
    block = sites["block_mw"] * sites["least_pue"]
    least = sites["min_blocks"].clip(lower=1) * block
    if around.config.supply is not None and around.config.supply.counts_as_firm:
        # What the tie cannot carry the campus may bring itself.
        return firm
    fit = firm[firm["capacity_mw"] + points.ROUNDING_MW >= firm["site"].map(least).astype(float)]
    best = firm.groupby("site")["capacity_mw"].max().reindex(sites.index)
    unserved = pd.Series(~sites.index.isin(fit["site"]), index=sites.index)
    sieve.refuse(unserved, "firm_capacity", best, least)
    carried = np.floor(best / block + FLOOR).reindex(sieve.places.index).fillna(0).mask(_untied(sieve.places), np.inf)
    most = np.minimum(sieve.places["max_blocks"], carried)
    sieve.places = sieve.places.assign(max_blocks=most.astype("int64"))
    return fit
