"""Tables of a plan about its portfolio: limits, deliveries, facilities and capacity built ahead of demand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from optimizer.formulation.portfolio import groups_of
from optimizer.plan.columns import DECIMALS
from optimizer.solve.tables.decisions import Decisions
from optimizer.study.case import Case
from optimizer.study.portfolio import FACILITY, Delivery

FACTS = (*FACILITY, "has_building")
"""Facts of sites from which the table of facilities follows."""

AHEAD_MW = 1e-6
"""Capacity beyond the target that is rounding [MW]."""

Row = tuple[str, str, int, float, float, str]


def portfolio_tables(
    case: Case, placed: pd.DataFrame, tables: dict[str, pd.DataFrame], made: Decisions
) -> dict[str, pd.DataFrame]:
    """Tables ``portfolio``, ``deliveries``, ``facilities``, ``equipment``, ``build_ahead``, where they say something.

    Parameters
    ----------
    case : Case
        The case.
    placed : DataFrame
        ``site, period, blocks, it_mw, tie, cooling`` of what is built, and ``serving_mw``, what it counts towards the
        target.
    tables : dict of DataFrame
        ``sites`` and ``demand``, and those of supply and service.
    made : Decisions
        Upgrades and circuits.
    """
    sites, demand = tables["sites"], tables["demand"]
    found: dict[str, pd.DataFrame] = {}
    if case.portfolio.is_limited:
        columns = ["limit", "element", "period", "value", "bound", "unit"]
        found["portfolio"] = pd.DataFrame(list(_limits(case, placed, sites)), columns=columns)
    if case.portfolio.deliveries:
        found["deliveries"] = _deliveries(case, placed, tables, made)
    if case.portfolio.has_facilities:
        found["facilities"] = _facilities(case, placed)
    if case.equipment.counts:
        found["equipment"] = _equipment(case, placed)
    # Where racks are chosen a MW is no measure: older ones take more of them for the same work.
    ahead = _ahead(case, placed, demand) if case.work is None or not case.work.has_racks else pd.DataFrame()
    if len(ahead):
        found["build_ahead"] = ahead
    return found


def _limits(case: Case, placed: pd.DataFrame, sites: pd.DataFrame) -> Iterator[Row]:
    """Value and bound of every limit of the portfolio that something built counts towards."""
    for t in case.periods.index:
        now = placed[placed["period"] == t]
        yield from _shares(case, now, int(t))
        yield from _losses(case, now, int(t))
        yield from _amounts(case, placed, sites, int(t))


def _shares(case: Case, now: pd.DataFrame, t: int) -> Iterator[Row]:
    limits, target = case.portfolio, float(case.demand_mw[t])
    for (column, name), sites in groups_of(case).items():
        mw = float(now.loc[now["site"].isin(sites), "serving_mw"].sum())
        if mw > 0:
            yield f"{column} share", name, t, mw, limits.share_per[column] * target, "MW"


def _losses(case: Case, now: pd.DataFrame, t: int) -> Iterator[Row]:
    """What is left after the worst loss, and the largest."""
    limits = case.portfolio
    place = {kind: _places(case, now, kind) for kind in {limits.survive_loss_of, *limits.largest_loss_mw} - {""}}
    if limits.survive_loss_of:
        lost = now["serving_mw"].groupby(place[limits.survive_loss_of]).sum()
        lost = lost[lost.index != ""].round(DECIMALS)
        left = float(now["serving_mw"].sum()) - (float(lost.max()) if len(lost) else 0.0)
        worst = str(lost.idxmax()) if len(lost) else ""
        name = f"left without a {limits.survive_loss_of}"
        yield name, worst, t, left, limits.share_left * float(case.demand_mw[t]), "MW"
    pairs = pd.MultiIndex.from_frame(now[["site", "cooling"]])
    drawn = pd.DataFrame(case.pue.reindex(pairs).to_numpy(float) * now[["it_mw"]].to_numpy(float), index=now.index)
    for kind, most in limits.largest_loss_mw.items():
        by_place = drawn.groupby(place[kind]).sum().max(axis=1)
        by_place = by_place[by_place.index != ""].round(DECIMALS)
        if len(by_place):
            yield f"largest {kind}", str(by_place.idxmax()), t, float(by_place.max()), most, "MW"


def _places(case: Case, now: pd.DataFrame, kind: str) -> pd.Series:
    """Site or substation of each row, empty text where it has no tie."""
    if kind == "site":
        return now["site"]
    bus, substation = case.ties["bus"].to_dict(), case.buses["substation"].to_dict()
    names = [str(substation[bus[tie]]) if tie in bus else "" for tie in now["tie"]]
    return pd.Series(names, index=now.index, dtype=object)


def _amounts(case: Case, placed: pd.DataFrame, sites: pd.DataFrame, t: int) -> Iterator[Row]:
    limits, T = case.portfolio, list(case.periods.index)
    now = placed[placed["period"] == t]
    # Of cooling, and of supply on site.
    drawn = sites[sites["period"] == t].groupby("basin")["water_m3_day"].sum()
    for basin, most in limits.water_m3_day_per_basin.items():
        yield "water of a basin", basin, t, float(drawn.get(basin, 0.0)), most, "m3/day"
    total = float(now["it_mw"].sum())
    if limits.new_it_mw_per_year is not None:
        at = T.index(t)
        earlier = float(placed.loc[placed["period"] == T[at - 1], "it_mw"].sum()) if at else 0.0
        yield "yearly pace", "", t, total - earlier, limits.new_it_mw_per_year * limits.years_before[t], "MW"
    if t in limits.embodied_t:
        each = limits.embodied_t_per_mw(case.sites.index).reindex(now["site"]).to_numpy(float)
        tonnes = float(np.sum(each * now["it_mw"].to_numpy(float)))
        yield "embodied carbon", "", t, tonnes, limits.embodied_t[t], "t CO2e"


def _deliveries(case: Case, placed: pd.DataFrame, tables: dict[str, pd.DataFrame], made: Decisions) -> pd.DataFrame:
    rows = []
    for one in case.portfolio.deliveries:
        before = 0.0
        for t in case.periods.index:
            now = placed[(placed["period"] == t) & placed["site"].isin(one.sites)]
            ties = int(now["tie"].notna().sum())
            taken = one.per_mw * float(now["it_mw"].sum()) + one.per_site * len(now) + one.per_tie * ties
            taken += _by_plant(one, now, tables, int(t))
            taken += one.per_upgrade * int((made.upgrades["in_service"] <= t).sum())
            taken += one.per_circuit * int(made.circuits.loc[made.circuits["in_service"] <= t, "count"].sum())
            rows.append((one.item, t, one.arriving[t], taken - before, taken))
            before = taken
    return pd.DataFrame(rows, columns=["item", "period", "arriving", "newly_taken", "taken"])


def _by_plant(one: Delivery, now: pd.DataFrame, tables: dict[str, pd.DataFrame], t: int) -> float:
    """Items in own supply, cooling plant and backup of the sites of a period."""
    taken = float((now["cooling"].map(dict(one.per_cooling_mw)).astype(float).fillna(0.0) * now["it_mw"]).sum())
    own, years = tables.get("supply"), tables.get("service_years")
    if own is not None and len(own) and one.per_supply_mw:
        here = own[(own["period"] == t) & own["site"].isin(now["site"])]
        each = here["technology"].map(dict(one.per_supply_mw)).astype(float).fillna(0.0)
        taken += float((each * here["capacity_mw"]).sum())
    if years is not None and len(years) and one.per_backup_mw:
        here = years[(years["period"] == t) & years["site"].isin(now["site"])]
        taken += one.per_backup_mw * float(here["backup_capacity_mw"].sum())
    return taken


def _facilities(case: Case, placed: pd.DataFrame) -> pd.DataFrame:
    """What each built site is made of, by the facts of its kind; empty cells where these are unknown."""
    rows, p = placed.reset_index(drop=True), case.portfolio
    site = case.sites.loc[rows["site"]].reset_index(drop=True)
    known = {name: p.known(name, case.sites.index).loc[rows["site"]].reset_index(drop=True) for name in FACTS}
    mechanical = case.cooling["cost_musd_per_mw"].loc[pd.MultiIndex.from_frame(rows[["site", "cooling"]])].to_numpy()
    land = rows["blocks"] * rows["site"].map(dict(p.land_musd_per_block)).fillna(0.0).astype(float)
    own, it_mw = known["has_building"], rows["it_mw"]
    # What is rented or launched has no shell and no electrical plant of the study's.
    land = land.where(own > 0, 0.0)
    cost = site["block_cost_musd"] * rows["blocks"] - land
    return pd.DataFrame(
        {
            "site": rows["site"],
            "period": rows["period"],
            "site_musd": site["fixed_cost_musd"],
            "land_musd": land,
            "shell_musd": (known["shell_share"] * cost).where(own > 0, 0.0),
            "electrical_musd": ((1.0 - known["shell_share"]) * cost).where(own > 0, 0.0),
            "other_musd": cost.where(own == 0, 0.0),
            "mechanical_musd": mechanical * it_mw,
            "it_musd": rows["site"].map(dict(case.equipment.once_musd_per_mw)).astype(float) * it_mw,
            "staff_people": known["staff_people_per_mw"] * it_mw,
            "embodied_t": (known["building_t_per_mw"] + known["it_t_per_mw"]) * it_mw,
            "renewed_t_per_year": known["it_t_per_mw"] / known["refresh_years"] * it_mw,
            "ewaste_t_per_year": known["it_mass_t_per_mw"] / known["refresh_years"] * it_mw,
        }
    )


def _equipment(case: Case, placed: pd.DataFrame) -> pd.DataFrame:
    """What the IT of each built site costs, once and in present value."""
    rows = placed[["site", "period", "it_mw"]].reset_index(drop=True)
    once = rows["site"].map(dict(case.equipment.once_musd_per_mw)).astype(float)
    yearly = rows["site"].map(dict(case.equipment.annuity_musd_per_mw)).astype(float)
    years = rows["period"].map(case.periods["annuity_years"]).astype(float)
    it_mw = rows["it_mw"]
    return rows.assign(it_cost_musd_per_mw=once, investment_musd=once * it_mw, cost_musd=years * yearly * it_mw)


def _ahead(case: Case, placed: pd.DataFrame, demand: pd.DataFrame) -> pd.DataFrame:
    """Capacity in service beyond the target, and what blocks and cooling of so much of it cost."""
    target, served = demand.set_index("period")["target_mw"], demand.set_index("period")["served_mw"]
    rows = []
    for t, asked in target.items():
        now = placed[placed["period"] == t]
        built = float(now["it_mw"].sum())
        ahead = min(built, (built if case.work is None else float(served[t])) - float(asked))
        if ahead <= AHEAD_MW * max(1.0, built):
            continue
        block = now["site"].map(case.sites["block_annuity_musd"]).astype(float) * now["blocks"]
        pairs = pd.MultiIndex.from_frame(now[["site", "cooling"]])
        cooled = case.cooling["annuity_musd_per_mw"].reindex(pairs).to_numpy(float) * now["it_mw"]
        yearly = float(np.sum(block.to_numpy(float)) + np.sum(cooled.to_numpy(float)))
        years = float(case.periods.at[t, "annuity_years"])
        rows.append((t, float(asked), built, ahead, years * yearly * ahead / built))
    return pd.DataFrame(rows, columns=["period", "target_mw", "built_mw", "ahead_mw", "cost_musd"])
