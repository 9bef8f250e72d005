"""What no single table of study.toml can check: years that must agree, names that must exist.

`Finding.where` is the dotted key alone; the reader puts the file before it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from optimizer.config.firmness import scenario_name
from optimizer.config.portfolio_checks import portfolio_checks
from optimizer.config.service_checks import firmness_findings, perspective_findings, service_findings
from optimizer.errors import Finding, nearest

if TYPE_CHECKING:
    from optimizer.config.decision_tables import (
        DemandSettings,
        FacilitySettings,
        LimitsSettings,
        ReportSettings,
        StudySettings,
    )
    from optimizer.config.future_tables import ConditionsSettings, SensitivitySettings, UncertaintySettings
    from optimizer.config.network_tables import DispatchSettings, GridSettings, SecuritySettings
    from optimizer.config.place_tables import CoolingSettings, SitesSettings, WaterSettings
    from optimizer.config.workload_tables import OrbitSettings, WorkloadsSettings

SITE_KINDS = ("campus", "edge", "lease", "cloud", "orbital")
"""Kinds of site."""


def cross_checks(tables: Mapping[str, Any]) -> list[Finding]:
    """Every check across tables whose tables are all there.

    Parameters
    ----------
    tables : mapping of str to table
        Validated tables by name; ``demand`` and ``grid`` may be ``None``. A table that was refused is absent, and
        the checks that need it are left out.

    Returns
    -------
    list of Finding
        Errors, in the order of the file.
    """
    return [
        f for needs, check in _CHECKS if all(n in tables for n in needs) for f in check(*(tables[n] for n in needs))
    ]


def periods_of(study: StudySettings, demand: DemandSettings | None) -> tuple[int, ...]:
    """Periods of the study: those written, else the years of demand, else the currency year [year]."""
    if study.periods:
        return study.periods
    years = tuple(sorted(demand.it_mw or demand.work)) if demand else ()
    return years or (study.currency_year,)


def _periods_increase(study: StudySettings) -> Iterator[Finding]:
    if any(later <= earlier for earlier, later in zip(study.periods, study.periods[1:], strict=False)):
        proper = sorted(set(study.periods))
        yield Finding(
            "config.periods_order",
            "study.periods",
            "periods do not increase strictly",
            found=str(list(study.periods)),
            remedy=f"write {proper}",
        )


def _demand_years(study: StudySettings, demand: DemandSettings | None) -> Iterator[Finding]:
    key = "it_mw" if demand is None or demand.it_mw else "work"
    asked = {} if demand is None else getattr(demand, key)
    if not asked or not study.periods:
        return
    periods = sorted(set(study.periods))
    for year in sorted(set(asked) - set(periods)):
        yield Finding(
            "config.demand_year",
            f"demand.{key}.{year}",
            "the year is not one of study.periods",
            found=f"{asked[year]:g}{' MW' if key == 'it_mw' else ''} in {year}",
            remedy=f"add {year} to study.periods or leave it out here; periods: {', '.join(map(str, periods))}",
        )
    for year in sorted(set(periods) - set(asked)):
        yield Finding(
            "config.demand_year",
            f"demand.{key}",
            f"period {year} has no demand",
            found=f"years {', '.join(map(str, sorted(asked)))}",
            remedy=f"add {year} = {'MW' if key == 'it_mw' else 'work'}, or take {year} out of study.periods",
        )


def _workloads(
    demand: DemandSettings | None, workloads: WorkloadsSettings | None, orbit: OrbitSettings | None
) -> Iterator[Finding]:
    given = bool(demand is not None and (demand.it_mw or demand.work))
    if workloads is None and demand is not None and not given:
        remedy = "IT capacity in service in each period [MW]; or give [workloads]"
        if "it_mw" in demand.model_fields_set:
            yield Finding("config.empty", "demand.it_mw", "is empty", "{}", f"fill it in or leave it out: {remedy}")
        else:
            text = "required key is missing"
            yield Finding("config.missing_key", "demand.it_mw", text, "", f"add it: {remedy}")
    if workloads is not None and demand is not None and (given or demand.penalty_musd_per_mw_year is not None):
        key = "penalty_musd_per_mw_year" if not given else "it_mw" if demand.it_mw else "work"
        text, remedy = "workloads give the demand too, so that it is given twice", "keep [workloads] or this key"
        yield Finding("config.demand_twice", f"demand.{key}", text, str(getattr(demand, key)), remedy)
    if orbit is not None and workloads is None:
        text = "capacity in orbit is asked for by workloads, and there are none"
        yield Finding("config.orbit_without_workloads", "orbit", text, "", "add [workloads], or leave [orbit] out")
    if workloads is not None:
        yield from _repeated([kind.name for kind in workloads.kind], "workloads.kind")
        for number, kind in enumerate(workloads.kind, start=1):
            where = f"workloads.kind#{number} ({kind.name})"
            yield from _unknown_kinds(kind.kinds, f"{where}, kinds")


def _unknown_kinds(kinds: Iterable[str], where: str) -> Iterator[Finding]:
    for kind in kinds:
        if kind not in SITE_KINDS:
            yield Finding("config.unknown_choice", where, "no such kind of site", repr(kind), nearest(kind, SITE_KINDS))


def _limit_years(study: StudySettings, demand: DemandSettings | None, limits: LimitsSettings) -> Iterator[Finding]:
    periods = periods_of(study, demand)
    for key in ("budget_musd", "carbon_t_per_year", "carbon_free_share", "carbon_free_share_every_snapshot"):
        for year in sorted(set(getattr(limits, key)) - set(periods)):
            yield Finding(
                "config.limit_year",
                f"limits.{key}.{year}",
                "the year is not one of study.periods",
                found=f"{getattr(limits, key)[year]:g}",
                remedy=f"use one of the periods: {', '.join(map(str, periods))}",
            )


def _portfolio(study: StudySettings, demand: DemandSettings | None, limits: LimitsSettings) -> Iterator[Finding]:
    yield from portfolio_checks(periods_of(study, demand), demand, limits)
    for number, one in enumerate(limits.delivery, start=1):
        yield from _unknown_kinds(one.kinds, f"limits.delivery#{number} ({one.item}), kinds")


def _snapshots(grid: GridSettings | None) -> Iterator[Finding]:
    if grid is None:
        return
    yield from _repeated(grid.snapshots or (), "grid.snapshots")
    yield from _repeated([s.name for s in grid.snapshot], "grid.snapshot")
    for number, snapshot in enumerate(grid.snapshot, start=1):
        if snapshot.load_factor is not None and snapshot.load_factors is not None:
            yield Finding(
                "config.snapshot_load_factor",
                f"grid.snapshot#{number} ({snapshot.name})",
                "load_factor and load_factors are both given",
                found=f"load_factor = {snapshot.load_factor:g}",
                remedy="keep load_factors if zones differ, load_factor if they do not",
            )


def _repeated(names: Any, where: str) -> Iterator[Finding]:
    for name in sorted({n for n in names if list(names).count(n) > 1}):
        yield Finding("config.duplicate_name", where, "the name is given twice", repr(name), "give each name once")


def _contingencies(security: SecuritySettings) -> Iterator[Finding]:
    yield from _repeated(security.contingencies, "security.contingencies")


def _campus_size(facility: FacilitySettings) -> Iterator[Finding]:
    largest = facility.max_campus_mw
    for key in ("block_mw", "min_campus_mw"):
        value = getattr(facility, key)
        if largest is not None and value is not None and value > largest:
            yield Finding(
                "config.campus_size",
                f"facility.{key}",
                "it is more than max_campus_mw, so no campus can be built",
                found=f"{value:g} MW",
                remedy=f"give at most {largest:g} MW, or a larger max_campus_mw",
                value=value,
                limit=largest,
                unit="MW",
            )


def _site_tables(sites: SitesSettings) -> Iterator[Finding]:
    if sites.ties is not None and sites.table is None:
        yield Finding(
            "config.ties_without_table",
            "sites.ties",
            "tie options are given without the sites they belong to",
            found=repr(sites.ties),
            remedy="give the table of sites in sites.table, or leave sites.ties out",
        )


def _fixed_dispatch(demand: DemandSettings | None, dispatch: DispatchSettings) -> Iterator[Finding]:
    if demand is not None and dispatch.generators == "fixed":
        yield Finding(
            "config.fixed_dispatch",
            "dispatch.generators",
            "with fixed output nothing can serve the demand for campuses",
            found="'fixed'",
            remedy="use 'redispatch', or leave [demand] out",
        )


def _weather(cooling: CoolingSettings) -> Iterator[Finding]:
    if cooling.weather is not None and cooling.stations:
        text, remedy = "weather that holds everywhere leaves nothing to stations", "keep one of the two"
        yield Finding("config.weather_twice", "cooling.weather", text, repr(cooling.weather), remedy)
    yield from _repeated([s.file for s in cooling.stations], "cooling.stations")
    yield from _repeated([s.zone for s in cooling.stations if s.zone is not None], "cooling.stations")
    for number, station in enumerate(cooling.stations, start=1):
        placed = (station.lat is not None) + (station.lon is not None)
        if placed + 2 * (station.zone is not None) != 2:
            where = f"cooling.stations#{number} ({station.file})"
            text, remedy = "a station stands for a zone or for a place", "give zone, or both lat and lon"
            yield Finding("config.station_place", where, text, "", remedy)


def _water(water: WaterSettings) -> Iterator[Finding]:
    pairs = [(s.basin, s.name) for s in water.source]
    yield from _repeated([f"{name} in {basin}" for basin, name in pairs], "water.source")
    if water.indirect is not None and water.indirect_m3_per_mwh is not None:
        text = "water behind the electricity is given twice"
        found, remedy = repr(water.indirect), "keep indirect or indirect_m3_per_mwh"
        yield Finding("config.indirect_twice", "water.indirect", text, found, remedy)


def _folder_names(names: Iterable[str], where: str) -> Iterator[Finding]:
    for name in names:
        # A scenario's plan is written to a folder of that name.
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", name):
            yield Finding(
                "config.scenario_name",
                where,
                "the name cannot be used for a folder",
                found=repr(name),
                remedy="use letters, digits, - and _, at most 64, starting with a letter or digit",
            )


def _scenarios(scenario: Mapping[str, Any], report: ReportSettings) -> Iterator[Finding]:
    yield from _folder_names(scenario, "scenario")
    yield from _repeated(report.compare, "report.compare")
    curve = {scenario_name(share) for share in report.firmness}
    for name in report.compare:
        if name not in scenario and name not in curve:
            known = nearest(name, scenario) if scenario else f"add a table [scenario.{name}]"
            yield Finding("config.unknown_scenario", "report.compare", "no such scenario", repr(name), known)


def _ranges(sensitivity: SensitivitySettings) -> Iterator[Finding]:
    yield from _repeated([f"{r.what} {r.carrier or ''}".strip() for r in sensitivity.range], "sensitivity.range")
    for number, one in enumerate(sensitivity.range, start=1):
        where = f"sensitivity.range#{number} ({one.what})"
        if one.low >= one.high:
            text, remedy = "low is not below high", "give a range"
            yield Finding("config.range_order", where, text, f"{one.low:g} to {one.high:g}", remedy)
        if (one.carrier is not None) != (one.what == "fuel_price"):
            text, remedy = "carrier belongs to fuel_price, which needs it", "name the carrier, such as ng"
            yield Finding("config.range_carrier", where, text, repr(one.carrier), remedy)


PROBABILITY_TOLERANCE = 1e-9
"""What probabilities may miss 1 by: rounding of their sum [-]."""


def _conditions(
    study: StudySettings, demand: DemandSettings | None, conditions: ConditionsSettings
) -> Iterator[Finding]:
    yield from _factor_years(conditions, periods_of(study, demand), "conditions")
    yield from _repeated(conditions.withdrawn_generators, "conditions.withdrawn_generators")


def _factor_years(table: Any, periods: tuple[int, ...], where: str) -> Iterator[Finding]:
    for key in ("existing_load_factors", "it_demand_factors"):
        for year in sorted(set(getattr(table, key, ())) - set(periods)):
            yield Finding(
                "config.factor_year",
                f"{where}, {key}" if " " in where else f"{where}.{key}",
                "the year is not one of study.periods",
                found=str(year),
                remedy=f"use one of the periods: {', '.join(map(str, periods))}",
            )


def _uncertainty(
    study: StudySettings, demand: DemandSettings | None, uncertainty: UncertaintySettings | None
) -> Iterator[Finding]:
    if uncertainty is None:
        return
    periods, names = periods_of(study, demand), [one.name for one in uncertainty.scenario]
    yield from _folder_names(names, "uncertainty.scenario")
    yield from _names_alike(names)
    total = math.fsum(one.probability for one in uncertainty.scenario)
    if abs(total - 1.0) > PROBABILITY_TOLERANCE:
        text, remedy = "the probabilities do not sum to 1", "change them so that they do"
        yield Finding(
            "config.probabilities", "uncertainty.scenario", text, f"{total:.12g}", remedy, value=total, limit=1.0
        )
    if uncertainty.early_until is not None and uncertainty.early_until not in periods:
        remedy = f"use one of the periods: {', '.join(map(str, periods))}"
        text = "the year is not one of study.periods"
        yield Finding("config.early_until", "uncertainty.early_until", text, str(uncertainty.early_until), remedy)
    if demand is None:
        text, remedy = "a study without demand has no campuses to decide about", "add [demand] it_mw"
        yield Finding("config.uncertainty_without_demand", "uncertainty", text, "", remedy)
    for number, one in enumerate(uncertainty.scenario, start=1):
        where = f"uncertainty.scenario#{number} ({one.name})"
        yield from _factor_years(one, periods, where)
        yield from _repeated(one.withdrawn_generators, f"{where}, withdrawn_generators")


def _names_alike(names: list[str]) -> Iterator[Finding]:
    """Names that are the same, or would be on a file system that does not tell capitals apart."""
    lower = [name.lower() for name in names]
    for name in sorted({n for n in lower if lower.count(n) > 1}):
        text, remedy = "the name is given twice, capitals apart", "give each name once"
        yield Finding("config.duplicate_name", "uncertainty.scenario", text, repr(name), remedy)


_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Finding]]], ...] = (
    (("study",), _periods_increase),
    (("study", "demand"), _demand_years),
    (("grid",), _snapshots),
    (("security",), _contingencies),
    (("demand", "workloads", "orbit"), _workloads),
    (("facility",), _campus_size),
    (("cooling",), _weather),
    (("water",), _water),
    (("sites",), _site_tables),
    (("demand", "dispatch"), _fixed_dispatch),
    (("study", "demand", "limits"), _limit_years),
    (("study", "demand", "limits"), _portfolio),
    (("scenario", "report"), _scenarios),
    (("service", "grid", "demand"), service_findings),
    (("service", "report"), firmness_findings),
    (("study", "service", "grid", "demand"), perspective_findings),
    (("sensitivity",), _ranges),
    (("study", "demand", "conditions"), _conditions),
    (("study", "demand", "uncertainty"), _uncertainty),
)
