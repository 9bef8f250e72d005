"""Candidate sites: land cells and the user's own sites, with ties, cooling and costs; and the places refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.config.checks import UNTIED_KINDS
from optimizer.layers.places import WGS84
from optimizer.study import cooling
from optimizer.study.offers import COLUMNS, Offers, no_loss, no_refusals
from optimizer.study.points import ROUTE_COLUMNS, TIE_COLUMNS
from optimizer.study.routing import Routing
from optimizer.study.rules import permitted


@dataclass(frozen=True, eq=False)
class Candidates:
    """Where campuses may be built, and where not.

    Parameters
    ----------
    sites : GeoDataFrame, index ``site``
        The columns of `optimizer.study.case.Case.sites`, with ``iecc_zone``, ``cell`` (the land cell, empty for the
        user's own site) and, of the nearest point of interconnection, ``bus``, ``base_kv`` [kV], ``tie_km`` (route)
        [km] and ``tie_cost_musd`` (the cheapest tie to it) [M$]. EPSG:4326; parcel, cell or point.
    ties : GeoDataFrame, index ``tie``
        The columns of `Case.ties`; a straight line from site to bus, EPSG:4326. With ``sites.routing = "least_cost"``
        also `optimizer.study.points.ROUTE_COLUMNS`, and the route's own line.
    cooling, pue : DataFrame, index (``site``, ``cooling``)
        As `Case.cooling` and `Case.pue`.
    water : DataFrame, index (``basin``, ``source``)
        As `Case.water`.
    refused : GeoDataFrame
        ``place``, ``rule`` (the first that it broke, see `optimizer.study.offers.RULES`), ``value``, ``limit``,
        ``unit``, ``also`` (other rules that would have refused it, joined by ``;``); EPSG:4326. Of land,
        ``area_ha`` and ``usable_ha`` too [ha].
    lost : DataFrame
        Land lost by rule, see `optimizer.study.land_lost.area_lost`; without rows in a study of own sites alone.
    sources : mapping of str to (str, str)
        Unit and source of the columns of `sites` that map layers add.
    """

    sites: gpd.GeoDataFrame
    ties: gpd.GeoDataFrame
    cooling: pd.DataFrame
    pue: pd.DataFrame
    water: pd.DataFrame
    refused: gpd.GeoDataFrame
    lost: pd.DataFrame = field(default_factory=no_loss)
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def on_grid(sites: pd.DataFrame) -> pd.DataFrame:
    """Sites that a study with a grid connects to it: campuses and edge sites.

    Parameters
    ----------
    sites : DataFrame, index ``site``
        ``kind``.
    """
    return sites[~sites["kind"].isin(UNTIED_KINDS)]


def no_candidates(snapshots: pd.Index) -> Candidates:
    """Candidates of a study without demand: none."""
    return assemble([], cooling.unspecified(), no_water(), pd.Series(False, index=snapshots), None, 0.0)


def no_water() -> pd.DataFrame:
    """Water of a study without a region: no basin, no source."""
    index = pd.MultiIndex.from_arrays([[], []], names=["basin", "source"])
    return pd.DataFrame({"available_m3_day": [], "price_usd_per_m3": []}, index=index, dtype=float)


def assemble(
    parts: list[Offers],
    technologies: cooling.Technologies,
    water: pd.DataFrame,
    hot_day: pd.Series,
    buses: pd.DataFrame | None,
    yearly_factor: float,
    routing: Routing | None = None,
    sources: tuple[str, ...] | None = None,
) -> Candidates:
    """Put offers together: cooling of each site, yearly costs, geometry of ties.

    Parameters
    ----------
    parts : list of Offers
        Land cells, the user's own sites, or both.
    technologies : Technologies
        Cooling by climate zone and weather station.
    water : DataFrame
        Water by basin and source.
    hot_day : Series of bool, index ``snapshot``
        Snapshots in which the hot-day PUE holds; the median one holds in the others.
    buses : DataFrame, optional
        ``lat`` and ``lon`` of the grid's buses.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    routing : Routing, optional
        With it ties made from geometry are drawn along their routes and keep `optimizer.study.points.ROUTE_COLUMNS`.
    sources : tuple of str, optional
        Water sources that the study may use; ``None`` for all.
    """
    sites, ties, refused = _together(parts, TIE_COLUMNS if routing is None else (*TIE_COLUMNS, *ROUTE_COLUMNS))
    sites = sites.assign(
        fixed_annuity_musd=yearly_factor * sites["fixed_cost_musd"] + sites["fixed_yearly_musd"],
        block_annuity_musd=yearly_factor * sites["block_cost_musd"] + sites["block_yearly_musd"],
    )
    ties = ties.assign(annuity_musd=yearly_factor * ties["cost_musd"])
    least_mw = sites["min_blocks"].clip(lower=1) * sites["block_mw"]
    by_place = permitted(cooling.by_place(sites, technologies, least_mw, sites["utilization"]), sites, sources)
    options = cooling.allowed(by_place)[list(cooling.COLUMNS)]
    options = options.assign(annuity_musd_per_mw=yearly_factor * options["cost_musd_per_mw"])
    pue = pd.DataFrame(
        {h: options["pue_hot_day" if hot else "pue_annual"] for h, hot in hot_day.items()},
        index=options.index,
        columns=pd.Index(hot_day.index, name="snapshot"),
    )
    lost = next((part.lost for part in parts if len(part.lost)), no_loss())
    said_by = {column: said for part in parts for column, said in part.sources.items()}
    drawn = _drawn(ties, sites, buses)
    if routing is not None:
        drawn = _along_routes(drawn, sites, routing)
    return Candidates(_with_nearest(sites, ties), drawn, options, pue, water, refused, lost, said_by)


def _together(parts: list[Offers], of_ties: tuple[str, ...]) -> tuple[gpd.GeoDataFrame, pd.DataFrame, gpd.GeoDataFrame]:
    if not parts:
        empty = gpd.GeoDataFrame(pd.DataFrame(columns=list(COLUMNS)), geometry=[], crs=WGS84).rename_axis("site")
        texts = "kind county jurisdiction basin iecc_zone cell jurisdictions water_forbidden".split()
        numbers = [c for c in COLUMNS if c not in texts]
        return empty.astype(dict.fromkeys(numbers, float)), pd.DataFrame(columns=list(of_ties)), no_refusals()
    refused = pd.concat([part.refused for part in parts if len(part.refused)] or [no_refusals()], ignore_index=True)
    sites = pd.concat([part.sites for part in parts])
    ties = pd.concat([part.ties[list(of_ties)] for part in parts if len(part.ties)] or [parts[0].ties])
    return sites, ties.rename_axis("tie"), refused


def _with_nearest(sites: gpd.GeoDataFrame, ties: pd.DataFrame) -> gpd.GeoDataFrame:
    """Add what is known of each site's nearest point of interconnection."""
    first = ties.sort_values(["length_km", "cost_musd"], kind="stable").groupby("site").first().reindex(sites.index)
    texts = {c: first[c].fillna("").astype(object) for c in ("bus", "substation")}
    numbers = {"base_kv": first["base_kv"], "tie_km": first["length_km"], "tie_cost_musd": first["cost_musd"]}
    return sites.assign(**texts, **{name: values.astype(float) for name, values in numbers.items()})


def _drawn(ties: pd.DataFrame, sites: gpd.GeoDataFrame, buses: pd.DataFrame | None) -> gpd.GeoDataFrame:
    """Ties as straight lines; none where an end has no place or both are the same."""
    if buses is None or ties.empty:
        return gpd.GeoDataFrame(ties, geometry=gpd.GeoSeries([None] * len(ties), index=ties.index, crs=WGS84))
    start = sites.loc[ties["site"], ["lon", "lat"]].to_numpy(dtype=float)
    end = buses.loc[ties["bus"], ["lon", "lat"]].to_numpy(dtype=float)
    lines = np.full(len(ties), None, dtype=object)
    drawn = np.isfinite(start).all(axis=1) & np.isfinite(end).all(axis=1) & (start != end).any(axis=1)
    if drawn.any():
        lines[drawn] = shapely.linestrings(np.stack([start[drawn], end[drawn]], axis=1))
    return gpd.GeoDataFrame(ties, geometry=gpd.GeoSeries(lines, index=ties.index, crs=WGS84))


def _along_routes(drawn: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, routing: Routing) -> gpd.GeoDataFrame:
    """Ties that were made from geometry along their routes, others as they are."""
    routed = drawn["weighted_km"].notna()
    if not routed.any():
        return drawn
    lines = routing.lines(pd.DataFrame(sites[["lat", "lon"]]), drawn.loc[routed, ["site", "substation"]])
    return drawn.set_geometry(drawn.geometry.where(~routed, lines.reindex(drawn.index)))
