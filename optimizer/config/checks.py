"""What no single table of study.toml can check: years that must agree, names that must exist.

`Finding.where` is the dotted key alone; the reader puts the file before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from optimizer.config.common_checks import folder_names, periods_of, repeated
from optimizer.config.earlier import earlier_findings, earlier_name
from optimizer.config.firmness import scenario_name
from optimizer.config.future_checks import condition_checks, range_checks, uncertainty_checks
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
    from optimizer.config.network_tables import (
        DispatchSettings,
        ExpansionSettings,
        GridSettings,
        SecuritySettings,
    )
    from optimizer.config.place_tables import CoolingSettings, SitesSettings, WaterSettings
    from optimizer.config.workload_tables import OrbitSettings, WorkloadsSettings

SITE_KINDS = ("campus", "edge", "lease", "cloud", "orbital")
"""Kinds of site."""

UNTIED_KINDS = ("lease", "cloud", "orbital")
"""Kinds of site that the study neither builds nor connects: whoever rents the place out has done so, and satellites
bring their own power. They draw nothing from the grid of a study, need no tie, and their energy is in their price."""


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
    if orbit is not None and workloads is None and orbit.workloads:
        text, remedy = "demand is a total, and names no workloads", "add [workloads], or leave it out"
        yield Finding("config.orbit_without_workloads", "orbit.workloads", text, ", ".join(orbit.workloads), remedy)
    if workloads is not None:
        yield from repeated([kind.name for kind in workloads.kind], "workloads.kind")
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
    yield from repeated(grid.snapshots or (), "grid.snapshots")
    yield from repeated([s.name for s in grid.snapshot], "grid.snapshot")
    for number, snapshot in enumerate(grid.snapshot, start=1):
        if snapshot.load_factor is not None and snapshot.load_factors is not None:
            yield Finding(
                "config.snapshot_load_factor",
                f"grid.snapshot#{number} ({snapshot.name})",
                "load_factor and load_factors are both given",
                found=f"load_factor = {snapshot.load_factor:g}",
                remedy="keep load_factors if zones differ, load_factor if they do not",
            )


def _contingencies(security: SecuritySettings) -> Iterator[Finding]:
    yield from repeated(security.contingencies, "security.contingencies")


def _it_cost(facility: FacilitySettings, demand: DemandSettings | None) -> Iterator[Finding]:
    if facility.it_cost_counts and demand is not None and demand.work:
        text = "demand is given in work, where the cost of racks already counts"
        remedy = "leave it out, or give the demand in MW"
        yield Finding("config.it_counted_twice", "facility.it_cost_counts", text, "true", remedy)


def _campus_size(facility: FacilitySettings) -> Iterator[Finding]:
    yield from repeated([one.name for one in facility.kind], "facility.kind")
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
    yield from repeated([s.file for s in cooling.stations], "cooling.stations")
    yield from repeated([s.zone for s in cooling.stations if s.zone is not None], "cooling.stations")
    for number, station in enumerate(cooling.stations, start=1):
        placed = (station.lat is not None) + (station.lon is not None)
        if placed + 2 * (station.zone is not None) != 2:
            where = f"cooling.stations#{number} ({station.file})"
            text, remedy = "a station stands for a zone or for a place", "give zone, or both lat and lon"
            yield Finding("config.station_place", where, text, "", remedy)


def _water(water: WaterSettings) -> Iterator[Finding]:
    pairs = [(s.basin, s.name) for s in water.source]
    yield from repeated([f"{name} in {basin}" for basin, name in pairs], "water.source")
    if water.indirect is not None and water.indirect_m3_per_mwh is not None:
        text = "water behind the electricity is given twice"
        found, remedy = repr(water.indirect), "keep indirect or indirect_m3_per_mwh"
        yield Finding("config.indirect_twice", "water.indirect", text, found, remedy)


def _scenarios(scenario: Mapping[str, Any], report: ReportSettings) -> Iterator[Finding]:
    yield from folder_names(scenario, "scenario")
    yield from repeated(report.compare, "report.compare")
    curve = {*map(scenario_name, report.firmness), *map(earlier_name, report.earlier_months)}
    for name in report.compare:
        if name not in scenario and name not in curve:
            known = nearest(name, scenario) if scenario else f"add a table [scenario.{name}]"
            yield Finding("config.unknown_scenario", "report.compare", "no such scenario", repr(name), known)


def _relieved(expansion: ExpansionSettings) -> Iterator[Finding]:
    yield from repeated(expansion.branches, "expansion.branches")
    yield from repeated(expansion.offer, "expansion.offer")
    # A resolved study has every default written out.
    changed = [k for k, f in type(expansion).model_fields.items() if getattr(expansion, k) != f.default]
    given = [k for k in changed if k not in ("enabled", "branches", "headroom", "from_case", "most_circuits")]
    if "most_circuits" in changed and not expansion.from_case:
        text, remedy = "it is about branches that the case lets be extended", "set from_case = true, or leave it out"
        yield Finding("config.expansion", "expansion.most_circuits", text, f"{expansion.most_circuits}", remedy)
    if given and not expansion.branches and expansion.headroom is None:
        text, remedy = "no branch is named to which this would apply", "give branches, or headroom"
        yield Finding("config.expansion", f"expansion.{given[0]}", text, "", remedy)


_CHECKS: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Finding]]], ...] = (
    (("study",), _periods_increase),
    (("study", "demand"), _demand_years),
    (("grid",), _snapshots),
    (("security",), _contingencies),
    (("expansion",), _relieved),
    (("demand", "workloads", "orbit"), _workloads),
    (("facility",), _campus_size),
    (("facility", "demand"), _it_cost),
    (("cooling",), _weather),
    (("water",), _water),
    (("sites",), _site_tables),
    (("demand", "dispatch"), _fixed_dispatch),
    (("study", "demand", "limits"), _limit_years),
    (("study", "demand", "limits"), _portfolio),
    (("scenario", "report"), _scenarios),
    (("service", "grid", "demand"), service_findings),
    (("service", "report"), firmness_findings),
    (("study", "report"), earlier_findings),
    (("study", "service", "grid", "demand"), perspective_findings),
    (("sensitivity",), range_checks),
    (("study", "demand", "conditions"), condition_checks),
    (("study", "demand", "uncertainty"), uncertainty_checks),
)
