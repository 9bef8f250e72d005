"""Keys that a study writes and nothing reads, because the part that they are about is not there.

A study that is changed key by key should not be told that a key was taken when nothing follows from it. What is idle is
a warning, since the plan is what it would be without; a name that nobody knows is an error all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from optimizer.config.checks import UNTIED_KINDS
from optimizer.config.types import Settings
from optimizer.errors import Finding, GridsiteError, nearest
from optimizer.study.economics import period_table
from optimizer.study.halls import densest_kw
from optimizer.study.orbit import ORBITAL
from optimizer.study.reading import archetypes_of_dataset
from optimizer.study.service import service_of
from optimizer.study.supply import first_year, technology_table

if TYPE_CHECKING:
    from optimizer.study.study import Study

OF_LAND = ("block_mw", "cost_musd_per_mw", "fixed_cost_musd", "max_campus_mw")
"""Keys of ``[facility]`` about campuses on land cells; a table of sites has columns for its own."""

OF_CELLS = ("cell_km", "max_sites", "min_area_ha")
"""Keys of ``[sites]`` about land cells."""

OF_MADE_TIES = ("points_per_site", "voltage_class", "routing_cell_km")
"""Keys of ``[sites]`` about ties that follow from a place and the costs of a region."""

OF_THE_GRID = ("security", "upgrades", "expansion", "dispatch", "conditions")
"""Tables about a grid."""

OF_OWN_SUPPLY = ("gas_line_km", "max_generators")
"""Columns of a table of sites about generators that stand there."""

OF_CURTAILMENT = ("curtailable_hours_per_year", "backup", "deferral")
"""Keys of ``[service]`` about load that is curtailed."""

OF_NON_FIRM = ("non_firm_share", "interim_non_firm", "interim_years")
"""Keys of ``[service]`` about load that is curtailed, or dropped after an outage."""


def idle_findings(study: Study) -> Iterator[Finding]:
    """Keys without effect: warnings; and names among them that nobody knows: errors.

    Parameters
    ----------
    study : Study
        The study, read without errors.
    """
    if study.config.demand is None:
        # What is written about campuses waits for [demand]: `gridsite headroom` asks without it.
        return
    if study.region is None:
        yield from _without_region(study)
    if study.own is not None and (study.region is None or study.grid is None):
        text = "sites are those of sites.table alone, which has columns of its own for it"
        remedy = "give it in sites.table, or name a dataset in sites.region for land cells beside it"
        yield from _idle("facility", _written(study.written.facility, OF_LAND), text, remedy)
        text, remedy = "sites are those of sites.table alone: no land is cut into cells", "leave it out"
        yield from _idle("sites", _written(study.written.sites, OF_CELLS), text, remedy)
    if study.grid is None:
        yield from _without_grid(study)
    yield from _rented(study)
    yield from _service(study)
    yield from _late(study)


def _written(table: Settings, keys: Iterable[str] | None = None) -> list[str]:
    """Keys of a table that the study file gives another value than the usual one, in the table's order.

    The study file of a plan has every key, and one that is read back asks for no more than the first.
    """
    wanted = set(type(table).model_fields if keys is None else keys) & table.model_fields_set
    usual = {key: info.get_default(call_default_factory=True) for key, info in type(table).model_fields.items()}
    return [key for key in usual if key in wanted and getattr(table, key) != usual[key]]


def _idle(table: str, keys: list[str], text: str, remedy: str) -> Iterator[Finding]:
    """One warning for all keys of a table that a reason makes idle."""
    if keys:
        where = f"{table}.{keys[0]}" if len(keys) == 1 else table
        yield Finding("study.key.idle", where, f"it changes nothing: {text}", ", ".join(keys), remedy, "warning")


def _without_region(study: Study) -> Iterator[Finding]:
    """Climate, cooling and water are a region's."""
    written, remedy = study.written, "name a dataset in sites.region, or leave it out"
    text = "cooling follows from a region's climate, and there is no region"
    yield from _idle("cooling", _written(written.cooling), text, remedy)
    if not densest_kw(study.own):
        yield from _idle("facility", _written(written.facility, ("rack_density_kw",)), text, remedy)
    text = "water is a region's, and there is no region"
    yield from _idle("water", _written(written.water), text, remedy)
    if study.grid is not None:
        text = "ties follow from a place and a region's costs, and there is no region"
        yield from _idle("sites", _written(written.sites, OF_MADE_TIES), text, remedy)
    if written.demand is not None and _written(written.demand, ("archetype",)):
        yield from _archetype(written.demand.archetype, remedy)


def _archetype(name: str, remedy: str) -> Iterator[Finding]:
    try:
        known = archetypes_of_dataset()
    except GridsiteError as error:
        yield from error.findings
        return
    if name not in known:
        text = "no such archetype"
        yield Finding("config.unknown_archetype", "demand.archetype", text, repr(name), nearest(name, known))
        return
    text = "an archetype fills [facility] for the land of a region, and there is no region"
    yield from _idle("demand", ["archetype"], text, remedy)


def _without_grid(study: Study) -> Iterator[Finding]:
    """Ties, outages and upgrades are a grid's."""
    written, remedy = study.written, "name a grid in grid.source, or leave it out"
    text = "it is about a grid, and there is none"
    for table in OF_THE_GRID:
        yield from _idle(table, _written(getattr(written, table)), text, remedy)
    text = "sites have no ties without a grid"
    yield from _idle("sites", _written(written.sites, ("ties", "max_tie_km", *OF_MADE_TIES)), text, remedy)
    for number, one in enumerate(written.limits.delivery, start=1):
        if one.per_tie:
            yield from _idle(f"limits.delivery#{number} ({one.item})", ["per_tie"], text, remedy)


def _rented(study: Study) -> Iterator[Finding]:
    """Own supply and backup of sites that have their power in their price."""
    if study.own is None:
        return
    sites = study.own.sites[study.own.sites["kind"].isin(UNTIED_KINDS)]
    for column in OF_OWN_SUPPLY:
        names = ", ".join(str(s) for s in sites.index[sites[column].notna()])
        if names:
            text = "it changes nothing: what is rented or in orbit has its power in its price, and no generators"
            remedy = "leave it empty there, or make it a campus or an edge site"
            yield Finding("study.key.idle", f"sites, {column}", text, names, remedy, "warning")


def _service(study: Study) -> Iterator[Finding]:
    """Service of which nothing is curtailed or dropped, and interim years that no period ends within."""
    given = study.written.service
    if given is None or any(study.config.report.firmness):
        # Points of the curve of firmness curtail where the study itself does not.
        return
    if study.network is not None and not study.config.security.contingencies:
        text, remedy = "no outage must be survived", "name outages in security.contingencies, or leave it out"
        yield from _idle("service", _written(given, ("trip_on_outage",)), text, remedy)
    service = service_of(study.config, 1.0)
    if service is None:
        text, remedy = "curtailable_share is 0, so that all service is firm", "raise service.curtailable_share"
        written = [key for key in _written(given) if key in OF_CURTAILMENT + OF_NON_FIRM]
        yield from _idle("service", written, text, remedy)
        return
    if service.share == 0:
        text, remedy = "curtailable_share is 0, so that nothing is curtailed", "raise service.curtailable_share"
        yield from _idle("service", _written(given, OF_CURTAILMENT), text, remedy)
    if given.interim_non_firm and study.network is not None:
        economics = study.config.economics
        years = period_table(study.config.study.periods, economics.discount_rate, economics.last_period_years)["years"]
        if all(service.interim_start(years, int(t)) == t for t in years.index):
            text = "every period is longer than the interim years, and one counts only when it ends within them"
            remedy = f"give interim_years of at least {float(years.min()):g}, or shorter periods"
            yield from _idle("service", ["interim_years"], text, remedy)


def _late(study: Study) -> Iterator[Finding]:
    """Technologies and capacity in orbit that cannot be had before the last period."""
    config, last = study.config, study.config.study.periods[-1]
    text, remedy = f"it cannot serve in {last}, the last period", "move the periods, or take it out"
    if config.supply is not None and study.supply_tables is not None and study.grid is not None:
        for name, facts in technology_table(config.supply, study.supply_tables).iterrows():
            year = first_year(facts, config.study)
            if year > last:
                where = f"supply, technology {name}"
                yield Finding("study.key.late", where, text, f"{year} at the earliest", remedy, "warning")
    orbit = config.orbit
    if orbit is not None and orbit.first_year > last and (study.candidates.sites["kind"] == ORBITAL).any():
        yield Finding("study.key.late", "orbit.first_year", text, str(orbit.first_year), remedy, "warning")
