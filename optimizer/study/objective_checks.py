"""What an objective rests on: one that is the same for every plan of a study is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from optimizer.errors import Finding
from optimizer.study.supply import beside_of, technology_table

if TYPE_CHECKING:
    from optimizer.study.study import Study

LIMITS = {"carbon": "carbon_t", "water": "water_m3", "delay": "delay_mw_years"}
"""Key in ``[limits]`` of each objective that needs more than a grid."""


def knows_emissions(study: Study) -> bool:
    """Whether any emissions of campuses are known.

    Those of grid power by the region or by the table of sites; else those of supply on site, of a generator beside a
    campus, or of backup.
    """
    own, service = study.own, study.config.service
    if study.region is not None or (own is not None and bool(own.sites["emission_t_per_mwh"].notna().any())):
        return True
    if study.grid is None:
        return False
    if service is not None and service.backup is not None and service.backup.carbon_t_per_mwh:
        return True
    beside = list(beside_of(study).values()) if study.config.supply is not None else []
    known = study.grid.generators["carbon_t_per_mwh"]
    return _supply_has(study, "emission_t_per_mwh") or bool((known.reindex(beside) > 0).any())


def rented_without_emissions(study: Study) -> Iterator[Finding]:
    """Leased and cloud capacity that a region says nothing about, in a study that counts carbon: a warning."""
    config, own = study.config, study.own
    limits = config.limits
    counts = config.economics.carbon_price_usd_per_t or limits.carbon_t_per_year or limits.carbon_t is not None
    if own is None or study.region is None or not (counts or config.study.objective == "carbon"):
        return
    sites = study.candidates.sites
    silent = sites["kind"].isin(("lease", "cloud")) & (sites["emission_t_per_mwh"] == 0)
    given = own.sites["emission_t_per_mwh"].reindex(sites.index).notna()
    names = ", ".join(str(s) for s in sites.index[silent & ~given])
    if names:
        text = "what is rented there emits nothing as far as the study knows, and carbon is counted"
        remedy = "give emission_t_per_mwh in sites.table, or lat and lon within the region"
        yield Finding("study.site.no_emissions", "sites, emission_t_per_mwh", text, names, remedy, "warning")


def knows_water(study: Study) -> bool:
    """Whether any water of campuses is known: that of cooling by the region, or that of supply on site."""
    return study.region is not None or (study.grid is not None and _supply_has(study, "water_m3_per_mwh"))


def _supply_has(study: Study, column: str) -> bool:
    """Whether a technology of supply on offer has a number above 0 in a column."""
    settings, tables = study.config.supply, study.supply_tables
    if settings is None or tables is None:
        return False
    return bool((technology_table(settings, tables)[column] > 0).any())


def objective_findings(study: Study) -> list[Finding]:
    """Findings about the objective of a study and about its limits on objectives."""
    config = study.config
    limited = [name for name, key in LIMITS.items() if getattr(config.limits, key) is not None]
    return undecided(study, dict.fromkeys([config.study.objective, *limited]))


def undecided(study: Study, names: Iterable[str]) -> list[Finding]:
    """Objectives that no decision of a study changes, each with what is missing: errors.

    Parameters
    ----------
    study : Study
        The study.
    names : iterable of str
        Names of objectives.
    """
    config, found = study.config, []
    for name in (n for n in names if n != "cost"):
        if config.demand is None:
            text, remedy = "a study without demand has no campuses, and so only a cost", "add [demand] it_mw"
            found.append(Finding("study.objective.no_demand", "demand", text, name, remedy))
        elif name == "net_present_value":
            found += _no_revenue(study)
        elif name == "delay" and study.workload_tables is not None:
            found += _nothing_optional(study)
        elif name == "delay" and config.demand.must_be_served:
            text = "all of the target must be served, so that no plan is later than another"
            key = "demand.penalty_musd_per_unit" if config.demand.work else "demand.penalty_musd_per_mw_year"
            remedy = f"give {key}, the price of what is not served"
            found.append(Finding("study.objective.delay", key, text, name, remedy))
        elif name == "carbon" and not knows_emissions(study):
            text = "nothing is known of the campuses' emissions"
            remedy = "name a dataset in sites.region, or give emission_t_per_mwh in sites.table or of supply on site"
            found.append(Finding("study.objective.no_region", "sites.region", text, name, remedy))
        elif name == "water" and not knows_water(study):
            text = "nothing is known of the campuses' water"
            remedy = "name a dataset in sites.region, or give water_m3_per_mwh of supply on site"
            found.append(Finding("study.objective.no_region", "sites.region", text, name, remedy))
    return found


def _no_revenue(study: Study) -> list[Finding]:
    tables = study.workload_tables
    if study.config.workloads is not None and (tables is None or (tables.demand["revenue_musd_per_mw_year"] > 0).any()):
        return []
    text = "nothing earns revenue, so that the value of a plan is its cost alone"
    remedy = "give revenue_musd_per_mw_year in the table of [workloads] demand, or minimize the cost"
    return [Finding("study.objective.no_revenue", "study.objective", text, "net_present_value", remedy)]


def _nothing_optional(study: Study) -> list[Finding]:
    tables = study.workload_tables
    if tables is None or tables.demand["penalty_musd_per_mw"].notna().any():
        return []
    text = "all demand must be served, so that no plan is later than another"
    remedy = "give penalty_musd_per_mw in the table of [workloads] demand, the price of what is not served"
    return [Finding("study.objective.delay", "workloads.demand", text, "delay", remedy)]
