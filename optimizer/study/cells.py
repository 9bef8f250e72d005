"""Land as candidate sites: what each cell or parcel is, which rule refuses it, what a campus there costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.layers import climate, connectivity, water
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import M2_PER_HA, WGS84
from optimizer.layers.regulation import RuleBook
from optimizer.layers.site_values import SiteValues, site_values
from optimizer.progress import Progress, silent
from optimizer.study import cooling, points
from optimizer.study.campus import Campus
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year
from optimizer.study.land_campuses import FLOOR, Campuses, in_blocks, least_blocks, least_land_ha, one_by_one
from optimizer.study.land_lost import area_lost
from optimizer.study.land_places import LandPlaces, cells_of, parcels_of
from optimizer.study.offers import COLUMNS, Offers, Sieve, no_refusals
from optimizer.study.region import Region
from optimizer.study.routing import Routing
from optimizer.study.ruled import refuse_forbidden, ruled
from optimizer.study.rules import LIMITS, delayed, extra_months
from optimizer.study.thinning import thin
from optimizer.study.water import water_options

__all__ = ["FLOOR", "Surroundings", "Surveyed", "land_offers", "surveyed", "with_county_layers"]

LEAST_USABLE_SHARE = 0.5
"""Share of a cell that must be usable for it to be part of a block: two such neighbours hang together by more than a
strip. An assumption (unverified) [-]."""


MOST_OUTLINES = 2_000_000
"""Refused places that are drawn as polygons; where there are more, each is a point at its centre [count]."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """All that land is judged by.

    Parameters
    ----------
    config : StudyConfig
        The study, ``[facility]`` filled in.
    region : Region
        Counties and facts.
    layers : tuple of MapLayer
        Map layers of the user.
    parcels : GeoDataFrame, optional
        The user's parcels, index name; without them the region is cut into cells.
    points : DataFrame
        Points of interconnection, see `optimizer.study.points.points_of_interconnection`.
    cooling : Technologies
        See `optimizer.study.cooling.technologies`.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    routing : Routing, optional
        How the routes of ties are found; ``None``: straight lines times the route factor.
    rules : RuleBook
        Regulation.
    """

    config: StudyConfig
    region: Region
    layers: tuple[MapLayer, ...]
    parcels: gpd.GeoDataFrame | None
    points: pd.DataFrame
    cooling: cooling.Technologies
    yearly_factor: float
    routing: Routing | None = None
    rules: RuleBook = field(default_factory=RuleBook)

    @property
    def campus(self) -> Campus:
        """What a campus is made of."""
        return Campus.of(self.config.facility)


def with_county_layers(places: pd.DataFrame, region: Region, config: StudyConfig) -> pd.DataFrame:
    """Attach the layers that follow from a place's county."""
    found = places.join(climate.attach(places, region.counties))
    return found.join(water.attach(places, region.counties, region.facts["water_sources"], water_options(config)))


def with_exchange(places: pd.DataFrame, region: Region) -> pd.DataFrame:
    """Attach the nearest exchange point and the fibre route to it."""
    exchanges = region.facts["places"]
    exchanges = exchanges[exchanges["kind"] == "exchange"]
    options = connectivity.Options(Costs(region.facts).fibre_route_factor)
    return places.join(connectivity.attach(places, exchanges, options))


@dataclass(frozen=True, eq=False)
class Surveyed:
    """Land with the campuses that could stand on it and their ties, whatever they cost.

    Parameters
    ----------
    land : LandPlaces
        Cells or parcels.
    places : Sieve
        What rules say of each.
    found : Campuses
        Campuses on what is left.
    campuses : Sieve
        What rules say of each of these.
    values : SiteValues
        Costs and limits that layers give them.
    ties : DataFrame
        Ties of those that are left.
    """

    land: LandPlaces
    places: Sieve
    found: Campuses
    campuses: Sieve
    values: SiteValues
    ties: pd.DataFrame


def surveyed(around: Surroundings, progress: Progress = silent) -> Surveyed:
    """Judge the region by every rule but that of cost: campuses that could be, or the first rule that refuses a place.

    The order of the rules is that of `optimizer.study.offers.RULES`.

    Parameters
    ----------
    around : Surroundings
        All that land is judged by.
    progress : Progress
        Told how far it is.

    Returns
    -------
    Surveyed
        It rests on no price: neither of a campus nor of money.
    """
    config, region = around.config, around.region
    progress("sites", None, "layers over the land")
    if around.parcels is None:
        land = cells_of(region, config.sites.cell_km, around.campus, around.layers, progress)
    else:
        land = parcels_of(region, around.parcels, around.layers, progress)
    progress("sites", None, f"rules, {len(land.table):,} places")
    sieve = Sieve(with_county_layers(land.table, region, config))
    _refuse_by_land(sieve, land, config)
    _refuse_by_rules(sieve, around)
    nearest = _refuse_by_reach(sieve, around.points, config)
    _refuse_by_route(sieve, around)
    _refuse_by_cooling(sieve, around, least_blocks(around.campus) * around.campus.block_mw)
    progress("sites", None, "campuses")
    if land.in_blocks:
        found = in_blocks(sieve, land, nearest, around.layers, around.campus, config.sites.min_area_ha)
    else:
        found = one_by_one(sieve, around.campus)
    choice = Sieve(with_exchange(found.table, region))
    values = _values(found, land, around.layers)
    _refuse_by_limits(choice, values, around)
    _refuse_by_size(choice, around)
    ties = _refuse_by_capacity(choice, values, around)
    return Surveyed(land, sieve, found, choice, values, ties)


def land_offers(survey: Surveyed, around: Surroundings, progress: Progress = silent) -> Offers:
    """Price what was surveyed, and keep the campuses that are worth deciding about.

    Parameters
    ----------
    survey : Surveyed
        The land and what could be on it; stays as it is.
    around : Surroundings
        As it was surveyed, but for what campuses cost and what money costs.
    progress : Progress
        Told how far it is.

    Returns
    -------
    Offers
        Every cell or parcel is part of a site or refused, never both.
    """
    places, choice, land = survey.places.copy(), survey.campuses.copy(), survey.land
    priced = _priced(choice.left, survey.values, around)
    kept, ties, dropped = thin(priced, survey.ties, around.config, around.yearly_factor)
    for rule, rows in dropped.items():
        choice.refuse(pd.Series(True, index=rows.index), rule, rows["cost"], rows["limit"])
    places.take_over(choice, survey.found.member_of)
    progress("sites", None, "refused land")
    refused, lost = _refused(places, land)
    sites, sources = _sites(kept, survey.found, land, around.layers)
    return Offers(sites, ties, refused, lost, sources)


def _sites(
    kept: pd.DataFrame, found: Campuses, land: LandPlaces, layers: Sequence[MapLayer]
) -> tuple[gpd.GeoDataFrame, dict[str, tuple[str, str]]]:
    """Sites in EPSG:4326, with what layers take of them and say of them; unit and source of these columns."""
    at = found.table.index.get_indexer(kept.index)
    outline = gpd.GeoSeries(found.shapes(land, at), index=kept.index, crs=land.crs)
    describing = [layer for layer in layers if layer.settings.rule == "attribute"]
    values = site_values(describing, gpd.GeoDataFrame(geometry=outline))
    share = found.taken_share(land, at)
    sources = {c.column: (c.unit, c.source) for c in values.sources}
    taking = {layer.name: layer.settings for layer in layers}
    for name, column in zip(land.layers, share.columns, strict=True):
        sources[column] = ("share", taking[name].citation or taking[name].source)
    own = kept[[*COLUMNS, "exchange", "fibre_km", "usable_ha", "boundary_ha"]]
    table = own.join(share).join(values.attributes)
    return gpd.GeoDataFrame(table, geometry=outline.to_crs(WGS84)).rename_axis("site"), sources


def _values(found: Campuses, land: LandPlaces, layers: Sequence[MapLayer]) -> SiteValues:
    """Costs and limits that layers give campuses; their outlines are drawn only where a layer asks."""
    asking = [layer for layer in layers if layer.settings.rule in ("cost", "limit")]
    everything = np.arange(len(found.table))
    shapes = found.shapes(land, everything) if asking else [None] * len(everything)
    return site_values(asking, gpd.GeoDataFrame(geometry=shapes, index=found.table.index, crs=land.crs))


def _refuse_by_land(sieve: Sieve, land: LandPlaces, config: StudyConfig) -> None:
    """Refuse places outside the region, and those with too little usable land.

    A place that may be a campus by itself needs the land of the smallest; a cell that others join, a share of itself.
    """
    places, campus = sieve.places, Campus.of(config.facility)
    outside_km, area_ha, usable_ha = (places[c].to_numpy() for c in ("outside_km", "area_ha", "usable_ha"))
    sieve.refuse(outside_km > 0, "outside_footprint", outside_km, 0.0)
    needed = least_land_ha(campus, config.sites.min_area_ha)
    if land.in_blocks and land.lattice is not None:
        needed = LEAST_USABLE_SHARE * land.lattice.area_m2 / M2_PER_HA
    taken = (area_ha >= needed) & (usable_ha < needed)
    alone = land.found.taken_m2.tocsc()
    by, first = places["excluded_by"].to_numpy(), sieve.is_left
    for name in land.layers:
        sieve.refuse(taken & first & (by == name), f"excluded:{name}", usable_ha, needed)
    for n, name in enumerate(land.layers):
        part = slice(alone.indptr[n], alone.indptr[n + 1])
        would = taken & (by == name)
        at = alone.indices[part]
        would[at] |= (area_ha[at] >= needed) & (area_ha[at] - alone.data[part] / M2_PER_HA < needed)
        sieve.note(would, f"excluded:{name}")
    sieve.refuse((area_ha < needed) | ((usable_ha <= 0) & sieve.is_left), "usable_area", usable_ha, needed)
    if not land.in_blocks:
        short_ha = least_blocks(campus) * campus.block_mw * campus.land_ha_per_mw
        short = usable_ha < short_ha * (1 - FLOOR)
        sieve.refuse(short & sieve.is_left, "usable_area", usable_ha, short_ha)


def _refuse_by_rules(sieve: Sieve, around: Surroundings) -> None:
    """Refuse places where a rule forbids the smallest campus, and attach what rules say of cooling there."""
    campus, places = around.campus, sieve.places
    least, most = least_blocks(campus), int(campus.max_campus_mw / campus.block_mw + FLOOR)
    sized = places.assign(block_mw=campus.block_mw, min_blocks=least, max_blocks=most)
    found = ruled(sized, around.rules, around.config, around.cooling, around.config.sites.min_base_kv)
    refuse_forbidden(sieve, found)
    sieve.places = places.assign(**{name: found[name] for name in LIMITS})


def _refuse_by_size(sieve: Sieve, around: Surroundings) -> None:
    """Keep campuses below the sizes that rules forbid, and attach fees, delays and jurisdictions."""
    places = sieve.places.drop(columns=list(LIMITS)).assign(block_mw=around.campus.block_mw)
    found = ruled(places, around.rules, around.config, around.cooling, around.config.sites.min_base_kv)
    refuse_forbidden(sieve, found)
    sieve.places = places.drop(columns="max_blocks").join(found)


def _refuse_by_reach(sieve: Sieve, table: pd.DataFrame, config: StudyConfig) -> np.ndarray:
    """Refuse places too far from any point of interconnection, or only near ones that an outage cuts off.

    Returns the distance of each place to the nearest one that no outage cuts off [km].
    """
    most, straight = config.sites.max_tie_km, []
    for chosen in (table, table[~table["cut_off"]]):
        near = points.reach(sieve.places, chosen, 1, np.inf).set_index("place")["straight_km"]
        # nan where there is no such point at all
        straight.append(near.reindex(sieve.places.index).to_numpy(dtype=float))
    sieve.refuse(~(straight[0] <= most), "too_far", straight[0], most)
    sieve.refuse((straight[0] <= most) & ~(straight[1] <= most), "point_cut_off", straight[1], most)
    return straight[1]


def _refuse_by_route(sieve: Sieve, around: Surroundings) -> None:
    """Refuse places that barriers cut off from every firm point in reach."""
    if around.routing is None:
        return
    firm, places = around.points[~around.points["cut_off"]], sieve.left
    routed = places.index.isin(around.routing.pairs(places, firm)["place"])
    straight = points.reach(places, firm, 1, np.inf).set_index("place")["straight_km"].reindex(places.index)
    sieve.refuse(pd.Series(~routed, index=places.index), "no_route", straight, around.config.sites.max_tie_km)


def _refuse_by_cooling(sieve: Sieve, around: Surroundings, least_mw: float) -> None:
    """Refuse places where nothing cools the smallest campus; add ``least_pue`` of the others.

    Places of one climate, basin and volume are asked once. Nothing is known of water outside the region: the rules are
    not asked there.
    """
    places = climate.with_station(sieve.places, around.cooling.stations)
    further = [name for name in ("station", *LIMITS) if name in places]
    keys = ["iecc_zone", "basin", "water_available_m3_day", *further]
    kind = places.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
    first = np.flatnonzero(~pd.Series(kind).duplicated().to_numpy())
    asked = places.iloc[first].set_axis(kind[first])
    sources = around.config.water.sources
    judged = cooling.judged(asked, around.cooling, least_mw, around.campus.utilization, sources)
    known = places["fips"].to_numpy() != ""
    cooling.refuse_uncooled(sieve, judged.reindex(kind).set_axis(places.index), known)
    sieve.places = places.assign(least_pue=judged["least_pue"].reindex(kind).to_numpy())


def _refuse_by_limits(sieve: Sieve, values: SiteValues, around: Surroundings) -> None:
    """Lower campuses to what layers allow, and refuse those that are left with less than the smallest."""
    campus, places = around.campus, sieve.places
    if not (np.isfinite(values.limit_mw).any() or np.isfinite(values.limit_water_m3_day).any()):
        return
    least = least_blocks(campus)
    allowed = np.floor(values.limit_mw.to_numpy() / campus.block_mw + FLOOR)
    sieve.refuse(allowed < least, "limit_mw", values.limit_mw, least * campus.block_mw)
    blocks = np.minimum(places["max_blocks"], np.maximum(allowed, least)).astype("int64")
    available = np.minimum(places["water_available_m3_day"], values.limit_water_m3_day)
    sieve.places = places.assign(max_blocks=blocks, water_available_m3_day=available)
    _refuse_by_cooling(sieve, around, least * campus.block_mw)


def _refuse_by_capacity(sieve: Sieve, values: SiteValues, around: Surroundings) -> pd.DataFrame:
    """Refuse campuses that no tie can serve with one element out; return the ties of those that are left."""
    places, sites, campus = sieve.left, around.config.sites, around.campus
    least = places["min_blocks"] * campus.block_mw * places["least_pue"]
    most = places["max_blocks"] * campus.block_mw * places["least_pue"]
    firm = around.points[~around.points["cut_off"]]
    useful = firm[firm["firm_mw"] >= (least.min() if len(least) else 0.0)]
    routes = None if around.routing is None else around.routing.pairs(places, firm)
    near = points.reach(places, useful, sites.points_per_site, sites.max_tie_km, routes)
    costs = Costs(around.region.facts, around.config.study.shorter_lead_months)
    ties = points.tie_options(near, useful, most, costs, around.config.study.decision_year, sites.voltage_class)
    ties["cost_musd"] *= ties["site"].map(values.tie_factor).astype(float)
    carries = np.minimum(ties["capacity_mw"], ties["firm_point_mw"])
    fit = ties[carries >= ties["site"].map(least).astype(float)]
    served = places.index.isin(fit["site"])
    best = _best_nearby_mw(places[~served], firm, around.config, costs, routes).reindex(places.index)
    sieve.refuse(pd.Series(~served, index=places.index), "firm_capacity", best, least)
    return delayed(fit, extra_months(places, costs), costs, around.config.study.decision_year)


def _best_nearby_mw(
    places: pd.DataFrame, firm: pd.DataFrame, config: StudyConfig, costs: Costs, routes: pd.DataFrame | None
) -> pd.Series:
    """Most that a tie to one of the points nearest to each place carries [MW]."""
    near = points.reach(places, firm, config.sites.points_per_site, config.sites.max_tie_km, routes)
    huge = pd.Series(np.inf, index=places.index)
    ties = points.tie_options(near, firm, huge, costs, config.study.decision_year, config.sites.voltage_class)
    return np.minimum(ties["capacity_mw"], ties["firm_point_mw"]).groupby(ties["site"]).max()


def _priced(places: pd.DataFrame, values: SiteValues, around: Surroundings) -> pd.DataFrame:
    """Campuses as offers, with what they cost.

    One block: ``block_mw x (cost per MW + layers per MW + ha per MW x (price of land + layers per ha))``. The campus:
    its fixed cost, the fees that rules ask, fibre to the nearest exchange, and layers per site.
    """
    config, campus = around.config, around.campus
    costs = Costs(around.region.facts, config.study.shorter_lead_months)
    layer_musd = {name: getattr(values, name).reindex(places.index) for name in _COSTS}
    land_musd = campus.land_ha_per_mw * (costs.land_musd_per_ha + layer_musd["cost_musd_per_ha"])
    fixed = campus.fixed_cost_musd + places["fee_musd"]
    months = costs.campus_months() + extra_months(places, costs)
    return places.assign(
        kind="campus",
        block_mw=campus.block_mw,
        fixed_cost_musd=fixed + costs.fibre_musd_per_km * places["fibre_km"] + layer_musd["cost_musd"],
        block_cost_musd=campus.block_mw * (campus.cost_musd_per_mw + layer_musd["cost_musd_per_mw"] + land_musd),
        fixed_yearly_musd=0.0,
        block_yearly_musd=0.0,
        earliest=[ready_year(config.study.decision_year, m) for m in months],
        boundary_ha=places["area_ha"],
        area_ha=places["usable_ha"],
        utilization=campus.utilization,
        emission_t_per_mwh=costs.emission_t_per_mwh,
        cell="" if around.parcels is not None else places.index.astype("str"),
    )


_COSTS = ("cost_musd_per_ha", "cost_musd_per_mw", "cost_musd")


def _refused(sieve: Sieve, land: LandPlaces) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Refused places in EPSG:4326, by name; and the land lost by rule."""
    at = np.flatnonzero(~sieve.is_left)
    table = sieve.refused_table()
    rule, also = np.full(len(sieve.places), "", dtype=object), np.full(len(sieve.places), "", dtype=object)
    rule[at], also[at] = table["rule"], table["also"]
    lost = area_lost(land, rule, also)
    if not len(at):
        return no_refusals(), lost
    order = land.name_order(at)
    at = at[order]
    table = table.iloc[order].set_axis(pd.RangeIndex(len(at)))
    table.insert(0, "place", land.names(at))
    for column in ("area_ha", "usable_ha"):
        table[column] = sieve.places[column].to_numpy()[at]
    # The outlines of very many cells would take more memory than all the rest: their centres say as much.
    geometry = land.on_globe(at) if len(at) <= MOST_OUTLINES else land.centres_on_globe(at)
    return gpd.GeoDataFrame(table, geometry=geometry.set_axis(table.index)), lost
