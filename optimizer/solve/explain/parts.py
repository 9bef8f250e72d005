"""Limits of service, adequacy, carbon-free supply, deliveries and the portfolio, and how a case without them looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from optimizer.solve.explain.limit import Limit
from optimizer.study.case import Case

Key = TypeVar("Key", int, str)

GROUP = "portfolio.share_of_a_group"
SURVIVE_SITE = "portfolio.enough_without_a_site"
SURVIVE_SUBSTATION = "portfolio.enough_without_a_substation"
LOSS_SITE = "portfolio.largest_site"
LOSS_SUBSTATION = "portfolio.largest_substation"
BASIN = "portfolio.water_of_a_basin"
EMBODIED = "portfolio.embodied_cap"
YEARLY_PACE = "portfolio.yearly_pace"
DELIVERY = "explanation.within_deliveries"
ADEQUACY = "adequacy.capacity_covers_load"
GENERATORS = "generators.no_more_than_allowed"
CURTAILED_ENERGY = "service.within_yearly_energy"
CURTAILED_HOURS = "explanation.within_curtailed_hours"
NON_FIRM = "service.within_contract"
CARBON_FREE = "supply.carbon_free_over_the_year"
CARBON_FREE_EVERY = "supply.carbon_free_in_every_snapshot"

PART_UNITS: dict[str, str] = {
    ADEQUACY: "MW",
    DELIVERY: "units",
    GENERATORS: "units",
    CURTAILED_ENERGY: "%",
    CURTAILED_HOURS: "h",
    NON_FIRM: "%",
    CARBON_FREE: "%",
    CARBON_FREE_EVERY: "%",
    LOSS_SITE: "MW",
    LOSS_SUBSTATION: "MW",
    SURVIVE_SITE: "%",
    SURVIVE_SUBSTATION: "%",
    BASIN: "m3/day",
    EMBODIED: "t",
    YEARLY_PACE: "MW",
    GROUP: "%",
}
"""Unit in which each rule gives way, in the order in which a conflict tries to do without."""

LESSENED = (SURVIVE_SITE, SURVIVE_SUBSTATION, CARBON_FREE, CARBON_FREE_EVERY)
"""Rules that give way by asking for less, not by allowing more."""

UNNAMED = "without a name"
"""What a zone is called that has no name; without an element a limit would be all of its rule."""

MOST_ITEMS = 1e9
"""Items that arrive where a delivery is dropped: more than any portfolio takes [count]."""

COUNTED_HOURS = 8759.5
"""Hours of curtailment that stand for any but still have their binaries: less than a year, more than any snapshot of
several [h/year]."""


def raised_in(values: Mapping[Key, float], key: Key, amount: float) -> dict[Key, float]:
    """The values with one of them raised, or without it where the amount is infinite."""
    others = {k: v for k, v in values.items() if k != key}
    return others if math.isinf(amount) else {**others, key: values[key] + amount}


def counted(case: Case) -> Case:
    """The case with curtailment in any hours, each snapshot of which is still counted."""
    if case.service is None or case.service.hours_per_year is None:
        return case
    return replace(case, service=replace(case.service, hours_per_year=COUNTED_HOURS))


def _adequacy(case: Case, limit: Limit, amount: float) -> Case:
    if case.adequacy is None:
        return case
    zones = case.adequacy.zones.astype({"import_mw": float}).copy()
    name = "" if limit.element == UNNAMED else limit.element
    zones.loc[zones.index if not limit.element else [name], "import_mw"] += min(amount, 1e9)
    return replace(case, adequacy=replace(case.adequacy, zones=zones))


def _delivery(case: Case, limit: Limit, amount: float) -> Case:
    t, more = limit.period, min(amount, MOST_ITEMS)
    items = tuple(
        replace(one, arriving={**one.arriving, t: one.arriving[t] + more})
        if limit.element in ("", one.item) and t in one.arriving
        else one
        for one in case.portfolio.deliveries
    )
    return replace(case, portfolio=replace(case.portfolio, deliveries=items))


def _generators(case: Case, limit: Limit, amount: float) -> Case:
    more = min(amount, MOST_ITEMS)
    names = {limit.element} if limit.element else set(case.max_generators)
    most = {s: number + math.ceil(more - 1e-6) if s in names else number for s, number in case.max_generators.items()}
    return replace(case, max_generators=most)


def _service(case: Case, limit: Limit, amount: float) -> Case:
    service = case.service
    if service is None:
        return case
    if limit.rule == CURTAILED_ENERGY:
        service = replace(service, share=min(1.0, service.share + amount / 100))
    elif limit.rule == NON_FIRM:
        service = replace(service, non_firm_share=min(1.0, service.non_firm_share + amount / 100))
    elif service.hours_per_year is not None:
        hours = None if math.isinf(amount) else service.hours_per_year + amount
        service = replace(service, hours_per_year=hours)
    return replace(case, service=service)


def _carbon_free(case: Case, limit: Limit, amount: float) -> Case:
    if case.supply is None:
        return case
    supply, t, less = case.supply, limit.period, math.inf if math.isinf(amount) else -amount / 100
    if limit.rule == CARBON_FREE:
        return replace(case, supply=replace(supply, carbon_free_share=raised_in(supply.carbon_free_share, t, less)))
    shares = raised_in(supply.hourly_carbon_free_share, t, less)
    return replace(case, supply=replace(supply, hourly_carbon_free_share=shares))


def _portfolio(case: Case, limit: Limit, amount: float) -> Case:
    own = case.portfolio
    if limit.rule == GROUP:
        columns = [limit.element] if limit.element else list(own.share_per)
        shares = dict(own.share_per)
        for column in columns:
            shares = raised_in(shares, column, amount / 100)
        own = replace(own, share_per=shares)
    elif limit.rule in (SURVIVE_SITE, SURVIVE_SUBSTATION):
        own = replace(own, share_left=max(0.0, own.share_left - amount / 100))
    elif limit.rule in (LOSS_SITE, LOSS_SUBSTATION):
        kind = "site" if limit.rule == LOSS_SITE else "substation"
        own = replace(own, largest_loss_mw=raised_in(own.largest_loss_mw, kind, amount))
    elif limit.rule == BASIN:
        names = [limit.element] if limit.element else list(own.water_m3_day_per_basin)
        water = dict(own.water_m3_day_per_basin)
        for name in names:
            water = raised_in(water, name, amount)
        own = replace(own, water_m3_day_per_basin=water)
    elif limit.rule == EMBODIED:
        own = replace(own, embodied_t=raised_in(own.embodied_t, limit.period, amount))
    elif own.new_it_mw_per_year is not None:
        own = replace(own, new_it_mw_per_year=None if math.isinf(amount) else own.new_it_mw_per_year + amount)
    return replace(case, portfolio=own)


PART_LOOSEN: dict[str, Callable[[Case, Limit, float], Case]] = {
    ADEQUACY: _adequacy,
    DELIVERY: _delivery,
    GENERATORS: _generators,
    **dict.fromkeys((CURTAILED_ENERGY, CURTAILED_HOURS, NON_FIRM), _service),
    **dict.fromkeys((CARBON_FREE, CARBON_FREE_EVERY), _carbon_free),
    **dict.fromkeys(
        (LOSS_SITE, LOSS_SUBSTATION, SURVIVE_SITE, SURVIVE_SUBSTATION, BASIN, EMBODIED, YEARLY_PACE, GROUP), _portfolio
    ),
}
"""What a case looks like once a limit of a rule gives way."""


def part_size(case: Case, limit: Limit) -> float:
    """Size of a limit of these rules in its unit; nan where it has none that says anything."""
    own, service, supply = case.portfolio, case.service, case.supply
    sizes: dict[str, float | None] = {
        SURVIVE_SITE: 100.0 * own.share_left,
        SURVIVE_SUBSTATION: 100.0 * own.share_left,
        LOSS_SITE: own.largest_loss_mw.get("site"),
        LOSS_SUBSTATION: own.largest_loss_mw.get("substation"),
        BASIN: own.water_m3_day_per_basin.get(limit.element),
        EMBODIED: own.embodied_t.get(limit.period),
        YEARLY_PACE: own.new_it_mw_per_year,
        GROUP: 100.0 * own.share_per.get(limit.element, math.nan),
        GENERATORS: case.max_generators.get(limit.element),
        DELIVERY: {one.item: one.arriving.get(limit.period) for one in own.deliveries}.get(limit.element),
    }
    if service is not None:
        sizes |= {CURTAILED_ENERGY: 100.0 * service.share, NON_FIRM: 100.0 * service.non_firm_share}
        sizes[CURTAILED_HOURS] = service.hours_per_year
    if supply is not None:
        sizes[CARBON_FREE] = 100.0 * supply.carbon_free_share.get(limit.period, math.nan)
        sizes[CARBON_FREE_EVERY] = 100.0 * supply.hourly_carbon_free_share.get(limit.period, math.nan)
    if limit.rule == ADEQUACY and case.adequacy is not None and limit.element:
        zone = case.adequacy.zones.loc["" if limit.element == UNNAMED else limit.element]
        return float(zone["accredited_mw"] + zone["import_mw"])
    size = sizes.get(limit.rule)
    return math.nan if size is None else float(size)
