"""Land cells as candidate sites: what each place is, which rule refuses it, what a campus there costs."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding, InputError
from optimizer.layers import climate, community, connectivity, land, water
from optimizer.layers.places import WGS84, cell_count, square_cells
from optimizer.study import cooling, points
from optimizer.study.campus import Campus
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year
from optimizer.study.offers import COLUMNS, Offers, Sieve
from optimizer.study.region import Region
from optimizer.study.thinning import thin

MAX_CELLS = 1_000_000
"""Most cells that a region is cut into: beyond this a slip in ``cell_km`` is likelier than a wish."""

FLOOR = 1e-9
"""Added before rounding down to whole blocks, so that 10.0 computed as 9.999999999 stays 10 [-]."""


@dataclass(frozen=True, eq=False)
class Surroundings:
    """All that land cells are judged by.

    Parameters
    ----------
    config : StudyConfig
        The study, ``[facility]`` filled in.
    region : Region
        Counties and facts.
    exclusions : tuple of Exclusion
        Layers that rule out land.
    points : DataFrame
        Points of interconnection, see `optimizer.study.points.points_of_interconnection`.
    cooling : DataFrame
        Technologies by climate zone, see `optimizer.study.cooling.technologies`.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    """

    config: StudyConfig
    region: Region
    exclusions: tuple[land.Exclusion, ...]
    points: pd.DataFrame
    cooling: pd.DataFrame
    yearly_factor: float


def land_cells(region: Region, cell_km: float) -> gpd.GeoDataFrame:
    """Square cells over a region, in its equal-area projection.

    Raises
    ------
    InputError
        There would be more than `MAX_CELLS`.
    """
    count = cell_count(region.footprint.bounds, cell_km)
    if count > MAX_CELLS:
        remedy = "give a larger cell_km"
        text = "the region would be cut into too many cells"
        raise InputError(
            [
                Finding(
                    "study.cells.too_many",
                    "sites.cell_km",
                    text,
                    f"{cell_km:g} km, about {count:.3g} cells",
                    remedy,
                    value=count,
                    limit=MAX_CELLS,
                )
            ]
        )
    return square_cells(region.footprint, cell_km, region.crs)


def with_layers(
    places: gpd.GeoDataFrame, region: Region, config: StudyConfig, exclusions: tuple[land.Exclusion, ...]
) -> gpd.GeoDataFrame:
    """Attach every layer to land cells.

    Parameters
    ----------
    places : GeoDataFrame
        Polygons in the region's projection.
    region : Region
        Counties and facts.
    config : StudyConfig
        ``[water]``.
    exclusions : tuple of Exclusion
        Layers that rule out land.
    """
    counties = region.counties.set_geometry(region.projected)
    found = places.join(community.attach(places, counties))
    found = found.join(land.attach(places, region.footprint, land.Options(exclusions)))
    return with_county_layers(found, region, config)


def with_county_layers(places: gpd.GeoDataFrame, region: Region, config: StudyConfig) -> gpd.GeoDataFrame:
    """Attach the layers that follow from a place's county and coordinates."""
    costs = Costs(region.facts)
    found = places.join(climate.attach(places, region.counties))
    share = water.Options(config.water.withdrawal_share, config.water.sources)
    found = found.join(water.attach(places, region.counties, region.facts["water_sources"], share))
    exchanges = region.facts["places"]
    exchanges = exchanges[exchanges["kind"] == "exchange"]
    return found.join(connectivity.attach(places, exchanges, connectivity.Options(costs.fibre_route_factor)))


def land_offers(around: Surroundings) -> Offers:
    """Turn the region into candidate sites, or refuse each cell by the first rule that it breaks.

    The order of the rules is that of `optimizer.study.offers.RULES`.

    Parameters
    ----------
    around : Surroundings
        All that cells are judged by.

    Returns
    -------
    Offers
        Every cell is a site or refused, never both.
    """
    config, region = around.config, around.region
    cells = land_cells(region, config.sites.cell_km)
    sieve = Sieve(with_layers(cells, region, config, around.exclusions))
    _refuse_by_land(sieve, config)
    _refuse_by_reach(sieve, around.points, config)
    options = _refuse_by_cooling(sieve, around)
    sieve.left = sieve.left.assign(least_pue=options["pue_hot_day"].groupby(level="site").min())
    ties = _refuse_by_capacity(sieve, around)
    places = _priced(sieve.left, around)
    kept, ties, dropped = thin(places, ties, config, around.yearly_factor)
    for rule, rows in dropped.items():
        bad = sieve.left.index.isin(rows.index)
        in_order = rows.reindex(sieve.left.index)
        sieve.refuse(bad, rule, in_order["cost"].to_numpy(), in_order["limit"].to_numpy())
    sites = kept.to_crs(WGS84).rename_axis("site")
    return Offers(sites[[*COLUMNS, "exchange", "fibre_km", "geometry"]], ties, sieve.refused())


def _refuse_by_land(sieve: Sieve, config: StudyConfig) -> None:
    """Refuse cells outside the region, and those without room for the smallest campus."""
    outside = sieve.left["outside_km"]
    sieve.refuse(outside > 0, "outside_footprint", outside, 0.0)
    facility = Campus.of(config.facility)
    needed = facility.min_campus_mw * facility.land_ha_per_mw
    needed = max(needed, config.sites.min_area_ha or 0.0)
    places = sieve.left
    enough = (places["area_ha"] >= needed) & (places["usable_ha"] < needed)
    sieve.refuse(enough, "excluded:" + places["excluded_by"], places["usable_ha"], needed)
    usable = sieve.left["usable_ha"]
    sieve.refuse((usable < needed) | (usable <= 0), "usable_area", usable, needed)
    places = sieve.left
    by_land = places["usable_ha"] / (facility.land_ha_per_mw * facility.block_mw) if facility.land_ha_per_mw else np.inf
    most = np.minimum(by_land, facility.max_campus_mw / facility.block_mw)
    blocks = np.floor(np.broadcast_to(most, len(places)) + FLOOR).astype("int64")
    least = max(1, int(np.ceil(facility.min_campus_mw / facility.block_mw - FLOOR)))
    sieve.left = places.assign(max_blocks=blocks, min_blocks=least)
    short = sieve.left["max_blocks"] < least
    sieve.refuse(short, "usable_area", sieve.left["usable_ha"], least * facility.block_mw * facility.land_ha_per_mw)


def _refuse_by_reach(sieve: Sieve, table: pd.DataFrame, config: StudyConfig) -> None:
    """Refuse cells that are too far from any point of interconnection, or only near ones that an outage cuts off."""
    for rule, chosen in (("too_far", table), ("point_cut_off", table[~table["cut_off"]])):
        near = points.reach(sieve.left, chosen, 1, np.inf).set_index("place")["straight_km"]
        straight = near.reindex(sieve.left.index)
        # nan where there is no such point at all
        sieve.refuse(~(straight <= config.sites.max_tie_km), rule, straight, config.sites.max_tie_km)


def _refuse_by_cooling(sieve: Sieve, around: Surroundings) -> pd.DataFrame:
    """Refuse cells where no cooling has water enough; return the options of those that are left."""
    places, facility = sieve.left, Campus.of(around.config.facility)
    least_mw = places["min_blocks"] * facility.block_mw
    options = cooling.by_place(places, around.cooling, least_mw, facility.utilization)
    fit = cooling.allowed(options)
    need = options["water_need_m3_day"].groupby(level="site").min().reindex(places.index)
    fitting = places.index.isin(fit.index.get_level_values("site"))
    sieve.refuse(~fitting, "no_cooling", places["water_available_m3_day"], need)
    return fit


def _refuse_by_capacity(sieve: Sieve, around: Surroundings) -> pd.DataFrame:
    """Refuse cells that no tie can serve with one element out; return the ties of those that are left."""
    places, sites, facility = sieve.left, around.config.sites, Campus.of(around.config.facility)
    least = places["min_blocks"] * facility.block_mw * places["least_pue"]
    most = places["max_blocks"] * facility.block_mw * places["least_pue"]
    firm = around.points[~around.points["cut_off"]]
    useful = firm[firm["firm_mw"] >= (least.min() if len(least) else 0.0)]
    near = points.reach(places, useful, sites.points_per_site, sites.max_tie_km)
    costs = Costs(around.region.facts)
    ties = points.tie_options(near, useful, most, costs, around.config.study.decision_year)
    carries = np.minimum(ties["capacity_mw"], ties["firm_point_mw"])
    fit = ties[carries >= ties["site"].map(least)]
    served = places.index.isin(fit["site"])
    best = _best_nearby_mw(places[~served], firm, around.config, costs).reindex(places.index)
    sieve.refuse(~served, "firm_capacity", best, least)
    return fit


def _best_nearby_mw(places: pd.DataFrame, firm: pd.DataFrame, config: StudyConfig, costs: Costs) -> pd.Series:
    """Most that a tie to one of the points nearest to each place carries [MW]."""
    near = points.reach(places, firm, config.sites.points_per_site, config.sites.max_tie_km)
    huge = pd.Series(np.inf, index=places.index)
    ties = points.tie_options(near, firm, huge, costs, config.study.decision_year)
    return np.minimum(ties["capacity_mw"], ties["firm_point_mw"]).groupby(ties["site"]).max()


def _priced(places: gpd.GeoDataFrame, around: Surroundings) -> gpd.GeoDataFrame:
    """Cells as offers, with what a campus there costs.

    One block: ``block_mw x (cost per MW + ha per MW x price of land)``. The campus: its fixed cost, the fee of the
    interconnection study, and fibre to the nearest exchange.
    """
    config, facility, costs = around.config, Campus.of(around.config.facility), Costs(around.region.facts)
    land_musd = facility.land_ha_per_mw * costs.land_musd_per_ha
    fixed = facility.fixed_cost_musd + costs.study_fee_musd(facility.max_campus_mw)
    return places.assign(
        kind="campus",
        block_mw=facility.block_mw,
        fixed_cost_musd=fixed + costs.fibre_musd_per_km * places["fibre_km"],
        block_cost_musd=facility.block_mw * (facility.cost_musd_per_mw + land_musd),
        fixed_yearly_musd=0.0,
        block_yearly_musd=0.0,
        earliest=ready_year(config.study.decision_year, costs.campus_months()),
        area_ha=places["usable_ha"],
        utilization=facility.utilization,
        emission_t_per_mwh=costs.emission_t_per_mwh,
        cell=places.index.astype("str"),
    )
