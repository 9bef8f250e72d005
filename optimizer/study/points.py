"""Points of interconnection, and the ties by which a site may be connected to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.grid.network import Grid
from optimizer.layers.places import nearest_km
from optimizer.study.costs import Costs
from optimizer.study.economics import ready_year
from optimizer.study.ratings import RatingFactors

CIRCUITS = (2, 3)
"""Circuits of a tie on offer: two are the fewest that carry a load with one out, three the next."""

ROUNDING_MW = 1e-6
"""Capacities closer than this are equal: rounding of sums [MW]."""

TIE_COLUMNS = (
    "site",
    "bus",
    "substation",
    "base_kv",
    "circuits",
    "capacity_mw",
    "cost_musd",
    "length_km",
    "ready",
)

ROUTE_COLUMNS = (
    "weighted_km",
    "right_of_way_ha",
    "right_of_way_musd",
    "point_positions",
    "campus_positions",
    "transformers",
    "transformer_mva",
)
"""What is known, beside `TIE_COLUMNS`, of a tie that was made from geometry: length times friction, land of the
right-of-way and what of the line's cost is for it, positions at both ends, transformers at the campus and the size of
each."""


@dataclass(frozen=True)
class Intake:
    """What can flow to each bus over its own branches; a bound, not what the network can deliver.

    Parameters
    ----------
    whole_mw : Series, index ``bus``
        Normal ratings of the branches at the bus, with their upgrades, and its own generators: no tie there can carry
        more [MW].
    firm_mw : Series, index ``bus``
        The same after the worst outage of one branch, at emergency ratings, and what its own generators have left over
        its own load in the worst snapshot: no firm load there can be larger [MW].
    """

    whole_mw: pd.Series
    firm_mw: pd.Series


def intake(
    grid: Grid,
    branches: pd.DataFrame,
    upgrades: pd.DataFrame,
    own_mw: pd.Series,
    factors: RatingFactors | None = None,
) -> Intake:
    """Bound what can flow to each bus.

    ``whole = sum rating + sum p_max`` and ``firm = min(sum rating, sum emergency - largest emergency) + own``, over the
    branches at the bus with the largest upgrade of each.

    Parameters
    ----------
    grid : Grid
        Buses, and generators in service.
    branches : DataFrame, index ``branch``
        As `optimizer.study.branches.branch_table` gives them.
    upgrades : DataFrame
        ``branch``, ``added_mw``, ``added_emergency_mw`` [MW].
    own_mw : Series, index ``bus``
        Largest output of the bus's generators less its load, in the worst snapshot [MW].
    factors : RatingFactors, optional
        Factors on ratings by snapshot; the largest of each branch counts.
    """
    added = upgrades.groupby("branch")[["added_mw", "added_emergency_mw"]].max().reindex(branches.index).fillna(0.0)
    normal = branches["rating_mw"] + added["added_mw"]
    emergency = branches["rating_emergency_mw"] + added["added_emergency_mw"]
    if factors is not None:
        normal = normal * factors.largest(branches.index, after_outage=False)
        emergency = emergency * factors.largest(branches.index, after_outage=True)
    ends = pd.concat([branches["from_bus"], branches["to_bus"]]).to_numpy()
    both = pd.DataFrame({"normal": np.tile(normal, 2), "emergency": np.tile(emergency, 2)}, index=ends)
    grouped = both.groupby(level=0)
    total = grouped["normal"].sum().reindex(grid.buses.index).fillna(0.0)
    # Of several unlimited branches one may be out and another still carries everything.
    after = grouped["emergency"].agg(lambda e: np.delete(e.to_numpy(), np.argmax(e.to_numpy())).sum())
    firm = np.minimum(total, after.reindex(grid.buses.index).fillna(0.0))
    units = grid.generators[grid.generators["in_service"]]
    p_max = units["p_max_mw"].clip(lower=0).groupby(units["bus"]).sum().reindex(grid.buses.index).fillna(0.0)
    return Intake(total + p_max, (firm + own_mw.reindex(grid.buses.index)).clip(lower=0.0))


def points_of_interconnection(grid: Grid, flows: Intake, cut_off: np.ndarray, config: StudyConfig) -> pd.DataFrame:
    """Buses at which new load may be connected.

    Parameters
    ----------
    grid : Grid
        The network. Buses without coordinates are left out: no route to them can be measured.
    flows : Intake
        What can flow to each bus.
    cut_off : int array
        Positions of the buses that one outage disconnects.
    config : StudyConfig
        ``sites.min_base_kv``; with ``security.splitting = "skip"`` every point counts as firm, and with
        ``service.trip_on_outage`` firm load need not be all of a campus.

    Returns
    -------
    DataFrame, index ``bus``
        ``base_kv`` [kV], ``substation``, ``lat``, ``lon`` [deg], ``whole_mw``, ``firm_mw`` (largest campus of which
        what stays after an outage fits) [MW], ``cut_off`` (bool).
    """
    table = grid.buses[["base_kv", "substation", "lat", "lon"]].assign(
        whole_mw=flows.whole_mw, firm_mw=flows.firm_mw, cut_off=False
    )
    table["substation"] = substations(grid)
    share = _least_firm_share(config)
    if share < 1:
        # What an outage drops need not flow after it.
        most = table["firm_mw"] / share if share > 0 else np.inf
        table["firm_mw"] = np.maximum(table["firm_mw"], np.minimum(table["whole_mw"], most))
    if config.security.splitting == "skip":
        table["firm_mw"] = table["whole_mw"]
    else:
        table.iloc[cut_off, table.columns.get_loc("cut_off")] = True
    located = table["lat"].notna() & table["lon"].notna()
    return table[located & (table["base_kv"] >= config.sites.min_base_kv) & (table["whole_mw"] > 0)]


def _least_firm_share(config: StudyConfig) -> float:
    """Share of a campus that must still be served after an outage [-]."""
    given = config.service
    if given is None or not given.trip_on_outage:
        return 1.0
    return 0.0 if given.interim_non_firm else 1.0 - given.non_firm_share


def no_points() -> pd.DataFrame:
    """Points of interconnection of a study without a grid: none."""
    columns = ("base_kv", "substation", "lat", "lon", "whole_mw", "firm_mw", "cut_off")
    kinds = {"substation": object, "cut_off": bool}
    table = {c: pd.Series(dtype=kinds.get(c, float)) for c in columns}
    return pd.DataFrame(table, index=pd.Index([], name="bus"))


def substations(grid: Grid) -> pd.Series:
    """Substation of each bus; a bus that has none is its own."""
    given = grid.buses["substation"]
    return given.where(given != "", grid.buses.index.to_series())


def reach(
    places: pd.DataFrame, points: pd.DataFrame, count: int, max_km: float, routes: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Nearest substations of each place, within reach.

    Parameters
    ----------
    places : DataFrame
        ``lat``, ``lon`` [deg]; one without coordinates reaches nothing.
    points : DataFrame
        As `points_of_interconnection` gives them.
    count : int
        Most substations a place.
    max_km : float
        Longest straight line [km].
    routes : DataFrame, optional
        Pairs between which there is a route, as `optimizer.study.routing.Routing.pairs` gives them: the nearest are
        then those whose route costs least. Without them, by straight line.

    Returns
    -------
    DataFrame
        ``place``, ``substation``, ``straight_km``, ``length_km``, ``weighted_km`` (nan without routes), ``rank`` (0 is
        the nearest); one row a pair, by place and rank.
    """
    places = places[places["lat"].notna()]
    columns = ["place", "substation", "straight_km", "length_km", "weighted_km", "rank"]
    if points.empty or places.empty:
        return pd.DataFrame({c: pd.Series(dtype=float if c.endswith("_km") else object) for c in columns})
    if routes is not None:
        near = routes[routes["place"].isin(places.index) & routes["substation"].isin(points["substation"])]
        near = near.assign(_place=places.index.get_indexer(near["place"]))
        near = near.sort_values(["_place", "weighted_km", "substation"], kind="stable")
        near["rank"] = near.groupby("_place", sort=False).cumcount()
        chosen = (near["rank"] < count) & (near["straight_km"] <= max_km)
        return near.loc[chosen, columns].reset_index(drop=True)
    at = points.groupby("substation", sort=False)[["lat", "lon"]].first()
    distance, position = nearest_km(
        places["lat"].to_numpy(), places["lon"].to_numpy(), at["lat"].to_numpy(), at["lon"].to_numpy(), count
    )
    width = position.shape[1]
    table = pd.DataFrame(
        {
            "place": np.repeat(places.index.to_numpy(), width),
            "substation": at.index.to_numpy()[position.ravel()],
            "straight_km": distance.ravel(),
            "length_km": np.nan,
            "weighted_km": np.nan,
            "rank": np.tile(np.arange(width), len(places)),
        }
    )
    return table[table["straight_km"] <= max_km].reset_index(drop=True)


def tie_options(
    near: pd.DataFrame,
    points: pd.DataFrame,
    draw_mw: pd.Series,
    costs: Costs,
    decision_year: int,
    voltage_class: Literal["any", "suggested"] = "any",
) -> pd.DataFrame:
    """Every tie on offer: place, bus and number of circuits, with firm capacity, cost and first year.

    Capacity is the smaller of what the tie carries with one circuit out and of what can flow to its bus. Cost is line,
    positions and transformers (`optimizer.study.costs`), these for the load that the tie can carry to this place; the
    line's is ``weighted_km x cost per km``, the weighted length being that of its route where `near` has one and the
    straight line times the route factor where not. A tie serves from 1 January of the year by which its lead time has
    run.

    Parameters
    ----------
    near : DataFrame
        As `reach` gives it.
    points : DataFrame
        Points of interconnection.
    draw_mw : Series, index place
        Largest power that a campus at the place draws [MW].
    costs : Costs
        Costs of the region.
    decision_year : int
        Lead times run from the start of this year.
    voltage_class : {"any", "suggested"}
        With ``suggested`` a tie carries no more than the largest load suggested for its voltage class, and one to a
        place that draws less than the smallest is not on offer.

    Returns
    -------
    DataFrame
        `TIE_COLUMNS` and `ROUTE_COLUMNS`, with ``straight_km``, ``firm_point_mw`` (`Intake.firm_mw`) and ``rank``.
    """
    buses = points.reset_index()[["bus", "substation", "base_kv", "whole_mw", "firm_mw"]]
    pairs = near.merge(buses, on="substation", how="left").rename(columns={"place": "site", "firm_mw": "firm_point_mw"})
    table = pairs.loc[pairs.index.repeat(len(CIRCUITS))].reset_index(drop=True)
    circuits = np.tile(np.array(CIRCUITS), len(pairs))
    kv = table["base_kv"].to_numpy(dtype=float)
    table["circuits"] = circuits
    table["capacity_mw"] = np.minimum(costs.firm_tie_mw(kv, circuits), table["whole_mw"])
    if voltage_class == "suggested":
        least_mw, most_mw = costs.suggested_load_mw(kv)
        offered = table["site"].map(draw_mw).to_numpy(dtype=float) >= least_mw
        table = table.assign(capacity_mw=np.minimum(table["capacity_mw"], most_mw))[offered].reset_index(drop=True)
        kv, circuits = kv[offered], circuits[offered]
    table["length_km"] = table["length_km"].fillna(costs.route_factor * table["straight_km"])
    table["weighted_km"] = table["weighted_km"].fillna(table["length_km"])
    load = np.minimum(table["capacity_mw"], table["site"].map(draw_mw)).to_numpy(dtype=float)
    table["cost_musd"] = (
        table["weighted_km"] * costs.line_musd_per_km(kv, circuits)
        + costs.positions_musd(kv, circuits)
        + costs.transformers_musd(kv, circuits, load)
    )
    years = {v: ready_year(decision_year, costs.tie_months(v)) for v in np.unique(kv)}
    table["ready"] = table["base_kv"].map(years).astype("int64")
    return table.assign(**_equipment(table, load, costs))


def _equipment(table: pd.DataFrame, load_mw: np.ndarray, costs: Costs) -> dict[str, np.ndarray]:
    """`ROUTE_COLUMNS` of ties but for their weighted length."""
    kv, circuits = table["base_kv"].to_numpy(dtype=float), table["circuits"].to_numpy()
    hectares = table["length_km"].to_numpy() * costs.right_of_way_ha_per_km(kv, circuits)
    return {
        "right_of_way_ha": hectares,
        "right_of_way_musd": hectares * costs.right_of_way_musd_per_ha,
        "point_positions": circuits,
        "campus_positions": costs.campus_positions(circuits),
        "transformers": costs.transformers(kv, circuits),
        "transformer_mva": costs.transformer_mva(kv, circuits, load_mw),
    }


def without_dominated(ties: pd.DataFrame, draw_mw: pd.Series) -> pd.DataFrame:
    """Ties less those that another one of the same site and bus beats.

    One is beaten by another that costs no more and carries as much of what the site can draw: no plan is better for
    having it. (Made from geometry, ties of one bus are ready in the same year.)

    Parameters
    ----------
    ties : DataFrame
        `TIE_COLUMNS`.
    draw_mw : Series, index site
        Largest power that the site draws [MW].
    """
    useful = np.minimum(ties["capacity_mw"], ties["site"].map(draw_mw).astype(float)).round(6)
    order = ties.assign(_useful=useful).sort_values(["site", "bus", "cost_musd", "circuits"], kind="stable")
    best = order.groupby(["site", "bus"], sort=False)["_useful"].cummax()
    before = best.groupby([order["site"], order["bus"]], sort=False).shift()
    kept = order["_useful"] > before.fillna(-np.inf) + ROUNDING_MW
    return ties.loc[order.index[kept]].sort_index()
