"""What binds: value and bound of every listed limit, and prices of water; prices of energy are in `checks_prices`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from optimizer.errors import Finding, nearest
from optimizer.plan import binding_supply, tolerances
from optimizer.plan.binding_supply import BASIN, CARBON_FREE_EVERY, Bound
from optimizer.plan.checks_equipment import is_account, outfit_musd_per_mw
from optimizer.plan.checks_portfolio import limit_rows
from optimizer.plan.checks_work import serving_mw
from optimizer.plan.verify_compare import capped, cell, finding
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_facilities import least_embodied_t_per_mw
from optimizer.plan.verify_money import investment_musd
from optimizer.plan.verify_service import dropped_mw, hours, moved_mw
from optimizer.plan.verify_water import basin_withdrawal, supplies

NORMAL, EMERGENCY, ANGLE = "normal rating", "emergency rating", "angle difference"
"""Limits of a branch's flow; their prices are checked with the dispatch."""

LARGEST, LEAST = "generator output", "least output of a generator"
"""Limits of what a generator gives; their prices are checked with the dispatch."""

TRANSFER, LEAST_TRANSFER = "HVDC transfer", "least HVDC transfer"
"""Limits of what a link withdraws where it sends from; their prices are checked with the dispatch."""

WATER, COUNTY = "water available", "county share"

ENERGY, CONTRACT, CAPACITY = "curtailable energy", "non-firm contract", "accredited capacity"
"""Limits of service and adequacy that can give way a little."""

DELIVERED, BUDGET = "delivered items", "budget"
"""Limits on whole decisions, beside those of the portfolio."""

AT_BOUND_MWH = 0.1
"""Energy of a year this close to its limit is at it [MWh]."""


def check_binding(context: Context) -> list[Finding]:
    """Every row: the limit exists, value and bound are right, and the one is at the other."""
    table = context.table("binding")
    findings: list[Finding] = []
    for i, row in enumerate(table.to_dict("records")):
        read = LIMITS.get(row["limit"], _portfolio if row["limit"] in _portfolio_names(context) else None)
        if read is None:
            where = cell(context.prefix, "binding", i, table, "limit")
            findings.append(
                Finding("plan.binding.unknown", where, "nothing checks such a limit", row["limit"], nearest("", LIMITS))
            )
            continue
        column = _unknown_name(context, row)
        if column:
            where = cell(context.prefix, "binding", i, table, column)
            findings.append(Finding("plan.unknown_name", where, "the study has no such name", str(row[column])))
            continue
        made = read(context, row)
        if made is None:
            where = cell(context.prefix, "binding", i, table, "element")
            findings.append(Finding("plan.unknown_name", where, "the study has no such limit", row["element"]))
            continue
        findings += _compare(context, i, row, made)
    return capped(findings, f"{context.prefix}tables/binding.csv")


def _unknown_name(context: Context, row: dict[str, Any]) -> str:
    """Column whose name the study does not have, empty if all are known."""
    if row["period"] not in context.periods:
        return "period"
    by_snapshot = (NORMAL, EMERGENCY, ANGLE, LARGEST, LEAST, TRANSFER, LEAST_TRANSFER, CONTRACT, CARBON_FREE_EVERY)
    if row["snapshot"] not in (context.snapshots if row["limit"] in by_snapshot else [""]):
        return "snapshot"
    outages = context.of_period(int(row["period"])).case.outage_names if row["limit"] == EMERGENCY else ("",)
    if row["contingency"] not in outages:
        return "contingency"
    return ""


def _compare(context: Context, i: int, row: dict[str, Any], made: Bound) -> list[Finding]:
    table, findings = context.table("binding"), []
    for column, expected in (("value", made.value), ("bound", made.bound)):
        if not abs(row[column] - expected) <= 2 * tolerances.POWER_MW + made.rounding + 1e-9 * abs(expected):
            where = cell(context.prefix, "binding", i, table, column)
            findings.append(finding(where, row[column], expected, made.unit))
    if row["unit"] != made.unit:
        findings.append(finding(cell(context.prefix, "binding", i, table, "unit"), row["unit"], made.unit))
    if not findings and abs(made.bound - made.value) > made.close:
        where = cell(context.prefix, "binding", i, table, "value")
        findings.append(finding(where, row["value"], made.bound, made.unit, "or the limit does not bind"))
    return findings


def _branch(context: Context, row: dict[str, Any]) -> Bound | None:
    """Flow of a branch, after an outage where one is named, and its limit in the direction of the stated bound."""
    context = context.of_period(int(row["period"]))
    case, column = context.case, context.operating.index((row["period"], row["snapshot"]))
    if row["element"] not in case.branches.index:
        return None
    branch = int(case.branches.index.get_loc(row["element"]))
    flow, side = float(context.flow_mw[branch, column]), 1.0 if row["bound"] >= 0 else -1.0
    close = 10 * tolerances.POWER_MW
    if row["limit"] == ANGLE:
        ends = case.branches[["flow_min_mw", "flow_max_mw"]].to_numpy(float)[branch]
        return Bound(flow, float(ends[np.argmin(np.abs(ends - row["bound"]))]), "MW", close)
    if row["limit"] == NORMAL:
        return Bound(flow, side * float(context.normal_limit_mw[branch, column]), "MW", close)
    outage = case.contingencies.number_of[row["contingency"]]
    after = context.flow_after(branch, outage, column)
    if np.isnan(after):
        return None
    limit = context.emergency_limit_mw[branch, column]
    limit = limit + context.allowed_mw[row["snapshot"]].get((branch, outage), 0.0)
    return Bound(after, side * float(limit), "MW", close)


def _generator(context: Context, row: dict[str, Any]) -> Bound | None:
    """Output of a generator, and the most or least that it gives in the snapshot."""
    case = context.case
    if row["element"] not in case.generators.index[~case.is_link_end]:
        return None
    g, column = case.generators.index.get_loc(row["element"]), context.operating.index((row["period"], row["snapshot"]))
    limits = case.output_max_mw if row["limit"] == LARGEST else case.output_min_mw
    bound = float(limits.at[row["element"], row["snapshot"]])
    return Bound(float(context.output_mw[g, column]), bound, "MW", 10 * tolerances.POWER_MW)


def _transfer(context: Context, row: dict[str, Any]) -> Bound | None:
    """What a link withdraws, negative at its to-bus, and its limit of that; the bound's sign says where it sends from.

    The most that a link may send is a bound away from 0, and the least one towards it.
    """
    grid = context.study.grid
    if grid is None or row["element"] not in context.case.links.index:
        return None
    facts = grid.hvdc.loc[row["element"]]
    forward = row["bound"] >= 0
    most = facts["p_max_mw"] if forward == (row["limit"] == TRANSFER) else facts["p_min_mw"]
    given, column = context.case.generators.index, context.operating.index((row["period"], row["snapshot"]))
    end = f"{row['element']} at {facts['from_bus'] if forward else facts['to_bus']}"
    sent = -float(context.output_mw[given.get_loc(end), column])
    sent = sent if forward else -(sent - float(facts["loss_mw"]))
    return Bound(sent, float(most), "MW", 10 * tolerances.POWER_MW)


def _water(context: Context, row: dict[str, Any]) -> Bound | None:
    """What is drawn from a source, and what it can give."""
    basin, _, source = str(row["element"]).rpartition("|")
    if (basin, source) not in context.case.water.index:
        return None
    drawn = context.table("water_sources").set_index(["basin", "source", "period"])["withdrawal_m3_day"]
    value = float(drawn.get((basin, source, row["period"]), 0.0))
    available = float(context.case.water.at[(basin, source), "available_m3_day"])
    return Bound(value, available, "m3/day", 2 * tolerances.WATER_M3_DAY)


def _county(context: Context, row: dict[str, Any]) -> Bound | None:
    """IT load of a county and its share of the target; it binds when no further block fits."""
    share, rows = context.case.limits.share_per_county, context.placed
    if share is None or not row["element"] or row["element"] not in set(context.case.sites["county"]):
        return None
    here = (rows["county"] == row["element"]) & (rows["period"] == row["period"])
    bound = share * float(context.case.demand_mw.get(row["period"], 0.0))
    block = float(context.case.sites["block_mw"].min())
    return Bound(float(serving_mw(context)[here].sum()), bound, "MW", block)


def _row_of(context: Context, site: str, period: int) -> int | None:
    """Position in ``placed`` of a site in a period."""
    rows = context.placed
    at = np.flatnonzero(((rows["site"] == site) & (rows["period"] == period)).to_numpy(bool))
    return int(at[0]) if len(at) else None


def _service(context: Context, row: dict[str, Any]) -> Bound | None:
    """What is curtailed of a campus over the year against its share of energy, or with drops against its contract."""
    i, given = _row_of(context, row["element"], row["period"]), context.study.config.service
    if i is None or given is None:
        return None
    curtailed = moved_mw(context)["curtailed_mw"][i]
    facility = context.facility_mw[context.snapshots].to_numpy(float)[i]
    if row["limit"] == ENERGY:
        whole = float(facility @ hours(context))
        return Bound(float(curtailed @ hours(context)), given.curtailable_share * whole, "MWh", AT_BOUND_MWH)
    most = given.non_firm_share * float(facility.max())
    mw = float((curtailed + dropped_mw(context)[i])[context.snapshots.index(row["snapshot"])])
    return Bound(mw, most, "MW", 2 * tolerances.POWER_MW)


def _capacity(context: Context, row: dict[str, Any]) -> Bound | None:
    """What a zone's load and reserve need, and what counts there; both are recomputed with their own table."""
    settings, stated = context.study.config.adequacy, context.table("adequacy")
    if settings is None:
        return None
    here = stated[(stated["zone"].fillna("") == row["element"]) & (stated["period"] == row["period"])]
    if here.empty:
        return None
    one, margin = here.iloc[0], 1.0 + settings.reserve_margin
    have = float(one["accredited_mw"] + one["own_accredited_mw"] + one["import_mw"])
    return Bound(margin * float(one["peak_mw"]), have, "MW", 2 * margin * tolerances.POWER_MW)


def _portfolio_names(context: Context) -> set[str]:
    return {name for name, *_ in limit_rows(context)} if context.has_demand else set()


def _portfolio(context: Context, row: dict[str, Any]) -> Bound | None:
    """A limit of the portfolio; it binds when no further block fits."""
    block = float(context.case.sites["block_mw"].min())
    for name, element, t, value, bound, unit in limit_rows(context):
        if (name, element, t) == (row["limit"], row["element"], row["period"]):
            each = least_embodied_t_per_mw(context) if name == "embodied carbon" else 1.0
            return Bound(value, bound, unit, each * block)
    return None


def _delivered(context: Context, row: dict[str, Any]) -> Bound | None:
    """Items that new capacity takes of those that are there; too few are left for one more block."""
    settings = {one.item: one for one in context.study.config.limits.delivery}
    rows = context.table("deliveries")
    one, rows = settings.get(row["element"]), rows[rows["item"] == row["element"]]
    if one is None:
        return None
    stock = 0.0
    for item in rows.itertuples():
        most = float(item.arriving) + (stock if one.storable else 0.0)
        stock = most - float(item.newly_taken)
        if item.period == row["period"]:
            block = float(context.case.sites["block_mw"].min())
            return Bound(float(item.newly_taken), most, "units", one.per_mw * block)
    return None


def _budget(context: Context, row: dict[str, Any]) -> Bound | None:
    """One-time cost of all that stands, and what of it the budget pays for; no further block is paid for."""
    limit = context.case.limits.budget_musd.get(row["period"])
    if limit is None:
        return None
    sites = context.case.sites
    whole = sites["block_cost_musd"]
    if is_account(context):
        named = sites.rename_axis("site").reset_index()
        whole = whole + sites["block_mw"] * outfit_musd_per_mw(context, named).to_numpy(float)
    block = float(whole.min())
    return Bound(investment_musd(context)[row["period"]], float(limit), "M$", max(block, 1e-5 * float(limit)))


LIMITS: dict[str, Callable[[Context, dict[str, Any]], Bound | None]] = {
    NORMAL: _branch,
    EMERGENCY: _branch,
    ANGLE: _branch,
    LARGEST: _generator,
    LEAST: _generator,
    TRANSFER: _transfer,
    LEAST_TRANSFER: _transfer,
    WATER: _water,
    COUNTY: _county,
    ENERGY: _service,
    CONTRACT: _service,
    CAPACITY: _capacity,
    DELIVERED: _delivered,
    BUDGET: _budget,
    **binding_supply.LIMITS,
}
"""Limits that may be listed, and how each is recomputed."""


def check_prices_given(context: Context) -> list[Finding]:
    """Prices are there where a limit can give way a little, not negative, and absent where it acts on whole blocks."""
    table = context.table("binding")
    whole = {COUNTY, DELIVERED, BUDGET, *_portfolio_names(context)} - {BASIN}
    discrete = table["limit"].isin(whole).to_numpy(bool)
    price = table["price_usd_per_unit"].to_numpy(float)
    found = []
    for i in np.flatnonzero(np.where(discrete, ~np.isnan(price), ~(price >= -tolerances.PRICE_USD_PER_UNIT))):
        where = cell(context.prefix, "binding", int(i), table, "price_usd_per_unit")
        found.append(finding(where, price[i], "empty" if discrete[i] else "0 or more"))
    return capped(found, f"{context.prefix}tables/binding.csv column price_usd_per_unit")


def check_water_prices(context: Context) -> list[Finding]:
    """A source at its bound is worth what the basin's next water costs more than its own.

    The next water costs what the dearest source that is used in part costs; where none is, it lies between the dearest
    used and the cheapest unused.
    """
    table = context.table("binding")
    split = supplies(context) if context.has_demand else {}
    found = []
    for i in np.flatnonzero(table["limit"] == WATER):
        basin, _, source = str(table["element"].iat[i]).rpartition("|")
        period = table["period"].iat[i]
        if (basin, period) not in split or (basin, source) not in context.case.water.index:
            continue
        low, high = _next_price(context, basin, int(period))
        own = float(context.case.water.at[(basin, source), "price_usd_per_m3"])
        stated = float(table["price_usd_per_unit"].iat[i])
        least, most = max(low - own, 0.0), max(high - own, 0.0)
        if not least - 1e-4 <= stated <= most + 1e-4:
            where = cell(context.prefix, "binding", int(i), table, "price_usd_per_unit")
            found.append(finding(where, stated, least if stated < least else most, "$/m3"))
    return capped(found, f"{context.prefix}tables/binding.csv column price_usd_per_unit")


def _next_price(context: Context, basin: str, period: int) -> tuple[float, float]:
    """Least and largest price that the basin's next water can have [$/m3]."""
    sources = context.case.water.loc[basin]
    available = sources["available_m3_day"].to_numpy(float)
    price = sources["price_usd_per_m3"].to_numpy(float)
    drawn = supplies(context)[basin, period].drawn_m3_day.reindex(sources.index).to_numpy(float)
    used, left = drawn > tolerances.WATER_M3_DAY, drawn < available - tolerances.WATER_M3_DAY
    if (used & left).any():
        return float(price[used & left].max()), float(price[used & left].max())
    total = float(basin_withdrawal(context).at[basin, period])
    low = float(price[used].max()) if total > 0 and used.any() else 0.0
    return low, float(price[left].min()) if left.any() else np.inf


CHECKS = (check_binding, check_prices_given, check_water_prices)
