"""The portfolio: how capacity is spread, what a loss leaves, deliveries, facilities and what is built ahead of demand.

Everything is worked out from the rows of table ``sites`` and from the study's own keys, without the model's rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from optimizer.config import DeliverySettings
from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_work import counted_mw, has_racks, serving_mw
from optimizer.plan.columns import DECIMALS
from optimizer.plan.verify_compare import broken, capped, compare_tables, finding
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_facilities import asked, embodied_t_per_mw, facts
from optimizer.plan.verify_water import withdrawal_m3_day

Row = tuple[str, str, int, float, float, str]

OF_POLICY = ("county", "substation")
"""Columns whose shares are checked with the sites."""

ROUNDING = 2e-6
"""What figures of tables written with six decimals may miss a limit by [-]."""


def _has_limits(context: Context) -> bool:
    limits = context.study.config.limits
    return bool(
        set(limits.share_per) - set(OF_POLICY)
        or limits.survive_loss_of
        or limits.largest_loss_mw
        or limits.water_m3_day_per_basin
        or limits.new_it_mw_per_year is not None
        or limits.embodied_t
    )


@remembered
def limit_rows(context: Context) -> list[Row]:
    """Every limit of the portfolio that something counts towards: name, element, period, value, bound, unit."""
    return [row for t in context.periods for row in (*_shares(context, t), *_losses(context, t), *_amounts(context, t))]


def _shares(context: Context, t: int) -> Iterator[Row]:
    now = context.placed[context.placed["period"] == t]
    target = float(context.case.demand_mw.get(t, 0.0))
    for column, share in context.study.config.limits.share_per.items():
        if column in OF_POLICY:
            continue
        name = context.study.site_labels[column].reindex(now["site"]).to_numpy()
        for group, mw in serving_mw(context)[now.index].groupby(name).sum().items():
            if group and mw > 0:
                yield f"{column} share", str(group), t, float(mw), share * target, "MW"


def _places(context: Context, kind: str) -> pd.Series:
    """Site or substation of each row of ``placed``; empty text where a site has no tie."""
    if kind == "site":
        return pd.Series(context.placed["site"])
    ties, buses = context.case.ties["bus"].to_dict(), context.case.buses["substation"].to_dict()
    names = [str(buses[ties[tie]]) if tie in ties else "" for tie in context.placed["tie"]]
    return pd.Series(names, index=context.placed.index, dtype=object)


def _losses(context: Context, t: int) -> Iterator[Row]:
    limits, here = context.study.config.limits, (context.placed["period"] == t).to_numpy(bool)
    target, serving = float(context.case.demand_mw.get(t, 0.0)), serving_mw(context)[here]
    if limits.survive_loss_of is not None:
        by_place = serving.groupby(_places(context, limits.survive_loss_of)[here]).sum()
        by_place = by_place[by_place.index != ""].round(DECIMALS)
        worst, lost = ("", 0.0) if by_place.empty else (str(by_place.idxmax()), float(by_place.max()))
        bound = float(limits.share_left or 0.0) * target
        yield f"left without a {limits.survive_loss_of}", worst, t, float(serving.sum()) - lost, bound, "MW"
    for kind, most in limits.largest_loss_mw.items():
        by_place = context.facility_mw[here].groupby(_places(context, kind)[here]).sum().max(axis=1)
        by_place = by_place[by_place.index != ""].round(DECIMALS)
        if len(by_place):
            yield f"largest {kind}", str(by_place.idxmax()), t, float(by_place.max()), float(most), "MW"


def _amounts(context: Context, t: int) -> Iterator[Row]:
    limits, config = context.study.config.limits, context.study.config
    here = (context.placed["period"] == t).to_numpy(bool)
    for basin, most in limits.water_m3_day_per_basin.items():
        drawn = withdrawal_m3_day(context)[here & (context.placed["basin"] == basin).to_numpy(bool)].sum()
        yield "water of a basin", basin, t, float(drawn), float(most), "m3/day"
    at = context.periods.index(t)
    if limits.new_it_mw_per_year is not None:
        since = context.periods[at - 1] if at else min(config.study.decision_year, t) - 1
        new = context.it_mw[t] - (context.it_mw[since] if at else 0.0)
        yield "yearly pace", "", t, new, limits.new_it_mw_per_year * (t - since), "MW"
    if t in limits.embodied_t:
        tonnes = (embodied_t_per_mw(context) * context.placed["it_mw"])[here].sum()
        yield "embodied carbon", "", t, float(tonnes), float(limits.embodied_t[t]), "t CO2e"


def check_limits(context: Context) -> list[Finding]:
    """Every limit holds, and the table of the portfolio states its value and bound."""
    if not _has_limits(context):
        return _not_wanted(context, "portfolio")
    columns = ["limit", "element", "period", "value", "bound", "unit"]
    expected = pd.DataFrame(limit_rows(context), columns=columns)
    findings = []
    for name, element, t, value, bound, unit in limit_rows(context):
        miss = bound - value if name.startswith("left without") else value - bound
        if miss > tolerances.POWER_MW + ROUNDING * max(1.0, abs(bound)):
            where = f"{context.prefix}tables/sites.csv {' '.join(w for w in (name, element) if w)}, period {t}"
            word = "less than must be left" if name.startswith("left without") else "more than the portfolio allows"
            rule = f"plan.portfolio.{name.replace(' ', '_')}"
            findings.append(broken(rule, where, f"{word}, {bound:.6g} {unit}", value, bound, unit))
    return capped(findings, f"{context.prefix}tables/sites.csv") + _compare(context, "portfolio", expected)


def _compare(context: Context, name: str, expected: pd.DataFrame) -> list[Finding]:
    if name not in context.tables and len(expected):
        return [finding(f"{context.prefix}tables/{name}.csv", "no table", "a table of this study")]
    return compare_tables(context.prefix, name, context.table(name), expected)


def _not_wanted(context: Context, name: str) -> list[Finding]:
    if not len(context.table(name)):
        return []
    return [finding(f"{context.prefix}tables/{name}.csv", f"{len(context.table(name))} rows", "no such table")]


def _in_year(one: DeliverySettings, year: int) -> float:
    """Items that arrive in a year: the number stated last [1/year]."""
    stated = 0.0
    for y, number in sorted(one.per_year.items()):
        stated = number if y <= year else stated
    return stated


def check_deliveries(context: Context) -> list[Finding]:
    """What stands takes no more of a rationed item than has arrived, in its own years where it cannot be stored."""
    settings = context.study.config.limits.delivery
    if not settings:
        return _not_wanted(context, "deliveries")
    rows, findings = [], []
    for one in settings:
        before, stock, since = 0.0, 0.0, min(context.study.config.study.decision_year, context.periods[0])
        for t in context.periods:
            arrives = sum(_in_year(one, year) for year in range(since, t + 1))
            taken, since = _taken(context, one, t), t + 1
            most = arrives + (stock if one.storable else 0.0)
            stock = most - (taken - before)
            rows.append((one.item, t, arrives, taken - before, taken))
            if stock < -ROUNDING * max(1.0, most):
                where = f"{context.prefix}tables/sites.csv period {t}"
                message = f"more {one.item} than are there, {most:.6g}"
                findings.append(broken("plan.portfolio.delivery", where, message, taken - before, most, ""))
            before = taken
    columns = ["item", "period", "arriving", "newly_taken", "taken"]
    return findings + _compare(context, "deliveries", pd.DataFrame(rows, columns=columns))


def _taken(context: Context, one: DeliverySettings, t: int) -> float:
    """Items in all that stands in a period [count]."""
    now = context.placed[context.placed["period"] == t]
    now = now[now["kind"].isin(one.kinds)] if one.kinds else now
    by_size = one.per_mw * now["it_mw"].sum() + one.per_site * len(now) + one.per_tie * int((now["tie"] != "").sum())
    cooled = sum(one.per_cooling_mw.get(c, 0.0) * mw for c, mw in zip(now["cooling"], now["it_mw"], strict=True))
    return float(by_size + cooled + _taken_beside(context, one, t, set(now["site"])))


def _taken_beside(context: Context, one: DeliverySettings, t: int, sites: set[str]) -> float:
    """Items in own supply and backup of these sites, and in upgrades and circuits that serve [count]."""
    taken = 0.0
    for row in context.table("supply").itertuples() if one.per_supply_mw else ():
        if row.period == t and row.site in sites:
            taken += one.per_supply_mw.get(row.technology, 0.0) * float(row.capacity_mw)
    for row in context.table("service_years").itertuples() if one.per_backup_mw else ():
        if row.period == t and row.site in sites:
            taken += one.per_backup_mw * float(row.backup_capacity_mw)
    upgrades, circuits = context.table("upgrades"), context.table("circuits")
    taken += one.per_upgrade * int((upgrades["in_service"] <= t).sum())
    return taken + one.per_circuit * float(circuits.loc[circuits["in_service"] <= t, "count"].sum())


def check_facilities(context: Context) -> list[Finding]:
    """What each site is made of follows from the keys of [facility] and from its kind."""
    if not context.has_demand or not asked(context):
        return _not_wanted(context, "facilities")
    rows, known, per_mw = context.placed, facts(context), context.study.config.facility.cost_musd_per_mw
    own = set() if context.study.own is None else set(context.study.own.sites.index)
    rented = rows["kind"].isin(("lease", "cloud", "orbital"))
    bare = rows["block_mw"].astype(float) * (per_mw or 0.0)
    is_cell = ~rows["site"].isin(own) & (per_mw is not None) & ~rented
    land = ((rows["block_cost_musd"] - bare).clip(lower=0.0) * rows["blocks"]).where(is_cell, 0.0)
    building = rows["block_cost_musd"] * rows["blocks"] - land
    it_mw, refresh = rows["it_mw"], known["refresh_years"]
    expected = pd.DataFrame(
        {
            "site": rows["site"],
            "period": rows["period"],
            "site_musd": rows["fixed_cost_musd"],
            "land_musd": land,
            "shell_musd": (building * known["shell_share"]).mask(rented, 0.0),
            "electrical_musd": (building * (1.0 - known["shell_share"])).mask(rented, 0.0),
            "other_musd": building.where(rented, 0.0),
            "mechanical_musd": rows["cost_musd_per_mw"] * it_mw,
            "it_musd": it_mw * known["it_cost_musd_per_mw"],
            "staff_people": it_mw * known["staff_people_per_mw"],
            "embodied_t": it_mw * (known["building_t_per_mw"] + known["it_t_per_mw"]),
            "renewed_t_per_year": it_mw * known["it_t_per_mw"] / refresh,
            "ewaste_t_per_year": it_mw * known["it_mass_t_per_mw"] / refresh,
        }
    )
    return _compare(context, "facilities", expected)


def check_ahead(context: Context) -> list[Finding]:
    """Capacity in service beyond the target, with its part of the cost of blocks and cooling."""
    if has_racks(context):
        return _not_wanted(context, "build_ahead")
    rows = []
    placed = context.placed
    yearly = placed["block_annuity_musd"] * placed["blocks"] + placed["annuity_musd_per_mw"] * placed["it_mw"]
    for t in (int(t) for t in context.case.demand_mw.index):
        target, built = float(context.case.demand_mw[t]), context.it_mw[t]
        ahead = min(built, counted_mw(context)[t] - target)
        if ahead > 1e-6 * max(1.0, built):
            cost = context.annuity_years[t] * float(yearly[(placed["period"] == t).to_numpy(bool)].sum())
            rows.append((t, target, built, ahead, cost * ahead / built))
    columns = ["period", "target_mw", "built_mw", "ahead_mw", "cost_musd"]
    expected = pd.DataFrame(rows, columns=columns).astype({"period": int})
    return _compare(context, "build_ahead", expected)


CHECKS = (check_limits, check_deliveries, check_facilities, check_ahead)
"""Checks of a study with demand."""
