"""What contradicts itself about service."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.errors import Finding

if TYPE_CHECKING:
    from optimizer.config.decision_tables import DemandSettings, ReportSettings, StudySettings
    from optimizer.config.network_tables import GridSettings
    from optimizer.config.service_tables import ServiceSettings


HOURS_PER_YEAR = 8760.0
"""Of a year of 365 days [h]."""


def service_findings(
    service: ServiceSettings | None, grid: GridSettings | None, demand: DemandSettings | None
) -> Iterator[Finding]:
    """Service without what it is about, and keys that leave each other nothing to do."""
    if service is None:
        return
    if grid is None or grid.source == "none" or demand is None:
        missing = "[demand]" if demand is None else "[grid]"
        text = f"service is what a campus has of the grid, and there is no {missing}"
        yield Finding("config.service_alone", "service", text, "", f"add {missing}, or leave [service] out")
    if service.trip_on_outage and service.non_firm_share == 0 and not service.interim_non_firm:
        text = "load is dropped after outages where it is non-firm, and none may be"
        remedy = "raise non_firm_share, give interim_non_firm, or write false"
        yield Finding("config.service_trip", "service.trip_on_outage", text, "non_firm_share = 0", remedy)
    if service.interim_non_firm != (service.interim_years is not None):
        key = "interim_non_firm" if service.interim_non_firm else "interim_years"
        text = "interim non-firm service needs both interim_non_firm = true and interim_years"
        yield Finding(
            "config.service_interim", f"service.{key}", text, str(getattr(service, key)), "give both, or none"
        )
    if service.interim_non_firm and service.non_firm_share == 1.0:
        text = "all load may be non-firm for good, so that interim service adds nothing"
        remedy = "lower non_firm_share, or leave interim_non_firm out"
        yield Finding("config.service_interim", "service.interim_non_firm", text, "non_firm_share = 1", remedy)
    if service.curtailable_share > 0 and service.curtailable_hours_per_year == 0:
        text, where = "energy may be curtailed, but in no hour", "service.curtailable_hours_per_year"
        yield Finding("config.service_hours", where, text, "0 h/year", "raise it, or write curtailable_share = 0")
    yield from _hours(service)
    deferral = service.deferral
    if deferral is not None and deferral.energy == "neutral" and deferral.share > 0 and deferral.catch_up_share == 0:
        text, remedy = "work put off can never be caught up", 'raise catch_up_share, or write energy = "lost"'
        yield Finding("config.service_catch_up", "service.deferral.catch_up_share", text, "0", remedy)
    names = [one.jurisdiction for one in service.tariff]
    for name in sorted({n for n in names if names.count(n) > 1}):
        text = "the jurisdiction has two tariffs"
        yield Finding("config.duplicate_name", "service.tariff", text, repr(name), "give each jurisdiction once")


def perspective_findings(
    study: StudySettings, service: ServiceSettings | None, grid: GridSettings | None, demand: DemandSettings | None
) -> Iterator[Finding]:
    """A developer's cost without anything that a developer pays."""
    if study.perspective != "developer":
        return
    where = "study.perspective"
    if grid is None or grid.source == "none" or demand is None:
        missing = "[demand]" if demand is None else "[grid]"
        text = f"a developer pays for power by contract, and there is no {missing}"
        yield Finding("config.perspective", where, text, "developer", f'add {missing}, or write "system"')
    elif service is None or not service.tariff:
        text = "the developer's cost is what tariffs ask for, and there is none"
        yield Finding("config.perspective", where, text, "developer", 'add [[service.tariff]], or write "system"')


def _hours(service: ServiceSettings) -> Iterator[Finding]:
    """More hours than a year has."""
    backup = 0.0 if service.backup is None else service.backup.hours_per_year
    for key, hours in (
        ("curtailable_hours_per_year", service.curtailable_hours_per_year or 0.0),
        ("backup.hours_per_year", backup),
    ):
        if hours > HOURS_PER_YEAR:
            text, remedy = "a year has fewer hours", f"give at most {HOURS_PER_YEAR:g} h/year"
            yield Finding("config.service_hours", f"service.{key}", text, f"{hours:g} h/year", remedy)


def firmness_findings(service: ServiceSettings | None, report: ReportSettings) -> Iterator[Finding]:
    """A curve of firmness without service, or out of order."""
    shares = report.firmness
    if shares and service is None:
        text, remedy = "what firmness costs is asked without [service]", "add [service], or leave firmness out"
        yield Finding("config.firmness_without_service", "report.firmness", text, str(list(shares)), remedy)
    if any(later <= earlier for earlier, later in itertools.pairwise(shares)):
        text = "shares do not increase strictly"
        remedy = f"write {sorted(set(shares))}"
        yield Finding("config.firmness_order", "report.firmness", text, str(list(shares)), remedy)
