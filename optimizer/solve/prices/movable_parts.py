"""Limits of service, adequacy, carbon-free supply, deliveries and the portfolio that can be moved in place.

As those of `optimizer.solve.prices.movable`: the whole decisions of the plan are held, and a limit moves in all rows
that it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyomo.environ as pyo

from optimizer.formulation.supply_campus import drawn_mw, used_mw
from optimizer.solve.explain.part_slacks import non_firm_mw, rows_of
from optimizer.solve.prices.binding import AT_BOUND_MW, Side, musd_per_usd_per_h, musd_per_usd_per_year
from optimizer.solve.prices.movable import Movable, slack_of
from optimizer.solve.prices.parts import AT_BOUND_MWH, CAPACITY, CONTRACT, ENERGY
from optimizer.solve.program import SecureProgram
from optimizer.units import USD_PER_MUSD

Rows = tuple[tuple[Any, float], ...]


def movable_parts(program: SecureProgram) -> list[Movable]:
    """Limits of these parts in a program whose whole decisions are fixed and which holds its solution."""
    if not len(program.case.demand_mw):
        return []
    return [
        *_service(program),
        *_capacity(program),
        *_carbon_free(program),
        *_spread(program),
        *_left(program),
        *_delivered(program),
    ]


def _most(rows: Iterable[Any]) -> Rows:
    """Rows in which what is limited is at most so much, on whichever side Pyomo keeps the bound."""
    return tuple((row, 1.0 if row.upper is not None else -1.0) for row in rows)


def _least(rows: Iterable[Any]) -> Rows:
    """Rows in which what is limited is at least so much."""
    return tuple((row, -factor) for row, factor in _most(rows))


def _service(program: SecureProgram) -> Iterator[Movable]:
    """Energy and contract of built campuses that are curtailed as far as they may be."""
    case, model, service = program.case, program.model, program.case.service
    if service is None:
        return
    hours = case.snapshots["hours"].astype(float)
    for (s, t), row in rows_of(model, "service.within_yearly_energy").items():
        drawn = sum(
            hours[h] * float(pyo.value(drawn_mw(case, model, o, t, h)))
            for o in case.ties_of_site[s]
            for h in hours.index
        )
        bound, slack = service.share * drawn, slack_of(row)
        if bound > AT_BOUND_MWH and slack <= AT_BOUND_MWH:
            musd = musd_per_usd_per_year(program.case, t)
            yield Movable(ENERGY, s, "", int(t), "", "MWh", bound, bound - slack, "$/MWh", musd, _most([row]))
    for (s, t, h), row in rows_of(model, "service.within_contract").items():
        mw, slack = non_firm_mw(model, case, s, t, h), slack_of(row)
        if mw > AT_BOUND_MW and slack <= AT_BOUND_MW:
            musd = musd_per_usd_per_h(case, t, h)
            yield Movable(CONTRACT, s, "", int(t), h, "MW", mw + slack, mw, "$/MWh", musd, _most([row]))


def _capacity(program: SecureProgram) -> Iterator[Movable]:
    case = program.case
    by_zone: dict[tuple[str, int], list[Any]] = {}
    for (z, t, _), row in rows_of(program.model, "adequacy.capacity_covers_load").items():
        by_zone.setdefault((z, t), []).append(row)
    for (z, t), rows in by_zone.items():
        assert case.adequacy is not None
        slack = min(slack_of(row) for row in rows)
        if slack <= AT_BOUND_MW:
            given = float(case.adequacy.zones.loc[z, ["accredited_mw", "import_mw"]].sum())
            musd = musd_per_usd_per_year(program.case, t)
            yield Movable(CAPACITY, z, "", int(t), "", "MW", given, given - slack, "$/MW-year", musd, _most(rows))


def _carbon_free(program: SecureProgram) -> Iterator[Movable]:
    """Carbon-free energy over the year; in every snapshot it is power."""
    case, model, supply = program.case, program.model, program.case.supply
    if supply is None:
        return
    hours = case.snapshots["hours"].astype(float)

    def used(t: int, h: str) -> float:
        return float(pyo.value(used_mw(case, model, t, h)))

    for t, row in rows_of(model, "supply.carbon_free_over_the_year").items():
        bound = supply.carbon_free_share[t] * sum(hours[h] * used(t, h) for h in hours.index)
        if slack_of(row) <= AT_BOUND_MWH:
            musd, have = musd_per_usd_per_year(program.case, t), bound + slack_of(row)
            yield Movable(
                "carbon-free energy", "", "", int(t), "", "MWh", bound, have, "$/MWh", musd, _least([row]), (), True
            )
    for (t, h), row in rows_of(model, "supply.carbon_free_in_every_snapshot").items():
        bound = supply.hourly_carbon_free_share[t] * used(t, h)
        if slack_of(row) <= AT_BOUND_MW:
            musd, have = musd_per_usd_per_h(case, t, h), bound + slack_of(row)
            yield Movable(
                "carbon-free power", "", "", int(t), h, "MW", bound, have, "$/MWh", musd, _least([row]), (), True
            )


def _at_most(limit: str, element: str, t: int, unit: str, bound: float, rows: list[Any], scale: float = 1.0) -> Movable:
    """A limit on what is built, the same in several rows, each of which is in its unit over `scale`."""
    used = bound - min(slack_of(row) for row in rows) / scale
    moved = tuple((row, factor * scale) for row, factor in _most(rows))
    return Movable(limit, element, "", t, "", unit, bound, used, f"$/{unit}", 1.0 / USD_PER_MUSD, moved)


def _spread(program: SecureProgram) -> Iterator[Movable]:
    case, model = program.case, program.model
    own = case.portfolio
    for (column, name, t), row in rows_of(model, "portfolio.share_of_a_group").items():
        bound = own.share_per[column] * float(case.demand_mw[t])
        if slack_of(row) < bound:
            yield _at_most(f"{column} share", name, int(t), "MW", bound, [row])
    for kind, most in own.largest_loss_mw.items():
        if rows := list(rows_of(model, f"portfolio.largest_{kind}").values()):
            yield _at_most(f"largest {kind}", "", 0, "MW", most, rows)
    for (name, t), row in rows_of(model, "portfolio.water_of_a_basin").items():
        yield _at_most("water of a basin", str(name), int(t), "m3/day", own.water_m3_day_per_basin[name], [row])
    for t, row in rows_of(model, "portfolio.yearly_pace").items():
        pace = own.new_it_mw_per_year or 0.0
        yield _at_most("yearly pace", "", int(t), "MW", pace, [row], scale=own.years_before[t])
    for t, row in rows_of(model, "portfolio.embodied_cap").items():
        yield _at_most("embodied carbon", "", int(t), "t CO2e", own.embodied_t[t], [row])


def _left(program: SecureProgram) -> Iterator[Movable]:
    """What the worst loss must leave."""
    case, kind = program.case, program.case.portfolio.survive_loss_of
    by_period: dict[int, list[Any]] = {}
    for (_, t), row in rows_of(program.model, f"portfolio.enough_without_a_{kind}").items():
        by_period.setdefault(int(t), []).append(row)
    for t, rows in by_period.items():
        bound = case.portfolio.share_left * float(case.demand_mw[t])
        have, musd = bound + min(slack_of(row) for row in rows), 1.0 / USD_PER_MUSD
        name = f"left without a {kind}"
        yield Movable(name, "", "", t, "", "MW", bound, have, "$/MW", musd, _least(rows), (), True)


def _delivered(program: SecureProgram) -> Iterator[Movable]:
    """Items that arrive in the years of a period, which later periods have too where they can be stored."""
    case, model, T = program.case, program.model, list(program.case.periods.index)
    newly = rows_of(model, "deliveries.only_what_arrives")
    for one in case.portfolio.deliveries:
        for t in T:
            taken = [model.deliveries.taken[one.item, year] for year in T if year >= t]
            rows = [newly[one.item, t]] if (one.item, t) in newly else []
            spare = min([*(float(v.ub - v.value) for v in taken), *(slack_of(row) for row in rows)])
            bound, sides = one.arriving[t], tuple(Side(v, True) for v in taken)
            musd, used = 1.0 / USD_PER_MUSD, max(0.0, bound - max(spare, 0.0))
            if bound > 0:
                name, moved = "delivered items", _most(rows)
                yield Movable(name, one.item, "", int(t), "", "units", bound, used, "$/unit", musd, moved, sides)
