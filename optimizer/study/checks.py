"""What no single file of a study can check: that its parts fit together, and that the first version can do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from optimizer.errors import Finding
from optimizer.study import water
from optimizer.study.campus import unfilled
from optimizer.study.circuit_checks import circuit_findings
from optimizer.study.conditions import condition_findings
from optimizer.study.facts import value
from optimizer.study.generators import generator_findings
from optimizer.study.halls import hall_findings, unknown_archetypes
from optimizer.study.idle import idle_findings
from optimizer.study.map_layers import layer_findings
from optimizer.study.objective_checks import knows_emissions, objective_findings, rented_without_emissions
from optimizer.study.operation import operate
from optimizer.study.portfolio_findings import portfolio_findings
from optimizer.study.ranges import range_findings
from optimizer.study.ratings import rating_findings
from optimizer.study.reactive import support_findings
from optimizer.study.routing_checks import routing_findings
from optimizer.study.rule_findings import rule_findings
from optimizer.study.scenarios import snapshot_table
from optimizer.study.service import service_findings
from optimizer.study.supply import supply_findings
from optimizer.study.tariffs import perspective_findings
from optimizer.study.terminal_work import terminal_findings
from optimizer.study.workload_findings import workload_findings

if TYPE_CHECKING:
    from optimizer.study.study import Study


def study_findings(study: Study, everything_read: bool) -> list[Finding]:
    """Check a study whose files have been read.

    Parameters
    ----------
    study : Study
        The study; what could not be read is missing.
    everything_read : bool
        Whether all files could be read. If not, checks that would only repeat that are left out.

    Returns
    -------
    list of Finding
        Errors, warnings and notes.
    """
    findings = [*_money(study), *objective_findings(study), *range_findings(study.written), *_unsupported(study)]
    if everything_read:
        findings += [
            *_sources_of_sites(study),
            *layer_findings(study.layers, study.region),
            *routing_findings(study.config.sites, study.layers, study.terrain, study.region),
            *_water_and_cooling(study),
            *_long_ties(study),
            *condition_findings(study),
            *circuit_findings(study),
            *terminal_findings(study),
        ]
        findings += support_findings(study)
        operating = operate(study.config, study.grid)[1]
        findings += operating
        if not any(f.severity == "error" for f in operating):
            findings += _ratings(study)
            findings += study.other_outages[1]
    if everything_read:
        findings += unknown_archetypes(study)
    if study.own is not None and not any(f.severity == "error" for f in findings) and everything_read:
        findings += study.own_offers[1]
        findings += _same_names(study)
    if everything_read and not any(f.severity == "error" for f in findings):
        findings += rule_findings(study)
        findings += rented_without_emissions(study)
        findings += hall_findings(study)
        findings += workload_findings(study)
        findings += service_findings(study)
        findings += perspective_findings(study)
        findings += supply_findings(study)
        findings += generator_findings(study)
    if everything_read and not any(f.severity == "error" for f in findings):
        findings += portfolio_findings(study)
    if everything_read and not any(f.severity == "error" for f in findings):
        findings += idle_findings(study)
    return findings


def _ratings(study: Study) -> Iterator[Finding]:
    """Factors on ratings beside the snapshots and branches of the study."""
    settings, grid = study.config.grid, study.grid
    if settings is None or grid is None or grid.rating_factors.empty:
        return
    known = snapshot_table(settings.model_copy(update={"snapshots": None}), grid)[0].index
    yield from rating_findings(settings, grid, study.widest_branches, study.rating_factors, known)


def _money(study: Study) -> Iterator[Finding]:
    config = study.config
    if not config.economics.annuitize and len(config.study.periods) > 1:
        yield Finding(
            "study.economics.annuitize",
            "economics.annuitize",
            "one-time costs can be counted whole only in a study of one period",
            f"{len(config.study.periods)} periods",
            "leave annuitize out, or give one period",
        )
    if config.limits.share_per_substation is not None and study.grid is None:
        yield Finding(
            "study.limits.substation_without_grid",
            "limits.share_per_substation",
            "there are no substations without a grid",
            str(config.limits.share_per_substation),
            "name a grid in grid.source, or leave the limit out",
        )
    if config.limits.carbon_t_per_year and config.demand is not None and not knows_emissions(study):
        yield Finding(
            "study.limits.carbon_without_region",
            "limits.carbon_t_per_year",
            "the emissions of the campuses are not known without an emission factor",
            "",
            "name a dataset in sites.region, give emission_t_per_mwh in sites.table, or leave the limit out",
        )


def _unsupported(study: Study) -> Iterator[Finding]:
    """Tables of a grid that this version does not model."""
    if study.grid is None:
        return
    if len(study.grid.contingencies) and "list" not in study.config.security.contingencies:
        text = "the outages listed with the grid are not asked for, and the plan leaves them out"
        found, remedy = f"{len(study.grid.contingencies)} rows", 'add "list" to [security] contingencies'
        yield Finding("study.grid.contingencies", "contingencies", text, found, remedy, "warning")


def _sources_of_sites(study: Study) -> Iterator[Finding]:
    config = study.config
    if config.demand is None:
        if config.sites.table is not None:
            text = "the table of sites is not read: a study without [demand] has no sites"
            yield Finding("study.sites.no_demand", "sites.table", text, "", "add [demand] it_mw", "warning")
        return
    if study.own is None and study.region is None:
        text = "nothing says where campuses may stand"
        remedy = "give sites.table, or a dataset with counties in sites.region"
        yield Finding("study.sites.none", "sites", text, "", remedy)
    if study.region is not None and study.grid is None and study.own is None:
        text = "land cells become sites by their ties, and there is no grid"
        yield Finding("study.sites.no_grid", "grid", text, "", "give grid.source, or sites.table instead of a region")
    if study.region is not None and study.grid is not None and study.grid.buses["lat"].isna().all():
        text = "land cells become sites by their ties, and no bus of the grid has coordinates"
        yield Finding(
            "study.sites.no_coordinates", "buses, lat and lon", text, "", "add lat and lon, or give sites.table"
        )


def _water_and_cooling(study: Study) -> Iterator[Finding]:
    if study.region is None or study.config.demand is None:
        return
    if study.grid is not None:
        yield from unfilled(study.config.facility)
    yield from water.unknown_sources(study.region, study.config.water)
    yield from water.unknown_carriers(study.outdoors, None if study.grid is None else study.grid.generators)
    yield from study.technologies[1]


def _long_ties(study: Study) -> Iterator[Finding]:
    if study.costs is None or study.config.demand is None:
        return
    rows = study.costs.facts["assumptions"]
    if not (rows["id"] == "tie_short_limit_km").any():
        return
    limit = value(study.costs.facts, "assumptions", "tie_short_limit_km")
    longest = study.config.sites.max_tie_km * study.costs.route_factor
    if longest > limit:
        text = "ties this long are limited by stability, and their capacity here is that of short ones"
        remedy = f"keep max_tie_km within {limit / study.costs.route_factor:.0f} km, or read long ties with care"
        found = f"routes up to {longest:.0f} km"
        yield Finding(
            "study.tie.long", "sites.max_tie_km", text, found, remedy, "warning", value=longest, limit=limit, unit="km"
        )


def _same_names(study: Study) -> Iterator[Finding]:
    """Names of the user's sites that a land cell could have."""
    if study.own is None or study.region is None:
        return
    for s in study.own.sites.index[study.own.sites.index.str.fullmatch(r"e-?\d{2,}n-?\d{2,}")]:
        text = "the name has the form of a land cell's, such as e012n-034"
        yield Finding("study.site.cell_name", f"sites, site {s}", text, repr(s), "choose another name")
