"""Names and completeness: what must hold before anything can be recomputed from a plan's tables."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import capped, cell
from optimizer.plan.verify_context import Context

SITING_TABLES = ("sites", "ties", "cooling", "demand", "water", "water_sources", "candidates", "refused")
"""Tables of a study with demand."""

GRID_TABLES = ("dispatch", "flows", "contingencies", "energy_prices", "base_overloads", "upgrades")
"""Tables of a study with a grid."""

ELECTRICITY_TABLES = ("electricity_water",)
"""Tables of a study with demand that asks for the water behind its electricity."""

SERVICE_TABLES = ("service", "service_years")
"""Tables of a study in which anything may be curtailed."""

TRANSFER_TABLES = ("transfers",)
"""Tables of a study with a tariff."""

CIRCUIT_TABLES = ("circuits",)
"""Tables of a study with circuits on offer."""

SUPPLY_TABLES = ("supply", "supply_output")
"""Tables of a study with supply on site."""

BASELINE_TABLES = ("baseline_dispatch", "baseline_upgrades")
"""Tables of a study with both."""

_DECISIONS = {
    "supply": "capacity_mw",
    "supply_output": "output_mw",
    "gas_lines": "in_service",
    "colocation": "direct_mw",
    "sites": "blocks",
    "ties": "in_service",
    "upgrades": "in_service",
    "baseline_upgrades": "in_service",
    "circuits": "count",
    "baseline_circuits": "count",
    "dispatch": "output_mw",
    "baseline_dispatch": "output_mw",
    "overload_dispatch": "output_mw",
    "base_overloads": "overload_mw",
    "service": "curtailed_mw",
    "dropped": "dropped_mw",
    "service_years": "backup_capacity_mw",
}
# Numbers from which the rest is recomputed; a missing one leaves nothing to compare.

_FREE = {
    "candidates": ("site", "bus"),
    "binding": ("period", "snapshot", "contingency"),
    "comparison": ("site",),
    "comparison_limits": ("contingency",),
}
# Names that another check compares with what they must be.

_MAY_LACK = {"sites": ("bus",)}
# What is rented has no point of interconnection; `optimizer.plan.checks_siting` says which rows have one.


def check_tables_present(context: Context) -> list[Finding]:
    """Every table that the study calls for is there."""
    wanted = ["costs", "binding"]
    wanted += SITING_TABLES if context.has_demand else ()
    wanted += GRID_TABLES if context.has_grid else ()
    wanted += SERVICE_TABLES if context.has_demand and context.case.service is not None else ()
    wanted += ("dropped",) if context.has_demand and context.case.drops_load else ()
    wanted += TRANSFER_TABLES if context.has_demand and _has_tariff(context) else ()
    wanted += ("hvdc",) if len(context.case.links) else ()
    wanted += CIRCUIT_TABLES if len(context.case.circuits) else ()
    wanted += ("baseline_circuits",) if len(context.case.circuits) and context.has_demand else ()
    wanted += ELECTRICITY_TABLES if context.has_demand and context.study.outdoors.reports_electricity else ()
    wanted += ("ratings",) if context.has_grid and context.case.rating_factors is not None else ()
    wanted += SUPPLY_TABLES if context.case.supply is not None else ()
    wanted += ("adequacy",) if context.case.adequacy is not None else ()
    wanted += BASELINE_TABLES if context.has_grid and context.has_demand else ()
    message, remedy = "the table is missing", "solve the study again"
    return [
        Finding("plan.table.missing", f"{context.prefix}tables/{name}.csv", message, "", remedy)
        for name in wanted
        if name not in context.tables
    ]


def _has_tariff(context: Context) -> bool:
    return context.study.config.service is not None and len(context.study.config.service.tariff) > 0


def known_names(context: Context) -> dict[str, Collection[object]]:
    """Names that a plan of this case may use, by column."""
    case = context.case
    units = {case.expansion.unit_name(e, i) for e, i in case.expansion.units}
    names: dict[str, Collection[object]] = {
        "site": set(case.sites.index),
        "tie": set(case.ties.index),
        "upgrade": set(case.upgrades.index),
        "generator": set(case.generators.index),
        "branch": {*case.branches.index, *units},
        "circuit": set(case.circuits.index),
        "link": set(case.links.index),
        "contingency": {"", *case.outage_names, *units},
        "period": set(context.periods),
        "snapshot": set(context.snapshots),
        "scenario": set(context.study.config.report.compare),
        "rack": set() if case.work is None else set(case.work.racks.index),
        "programme": set() if case.work is None else set(case.work.programmes.index),
    }
    return names if not context.has_grid else {**names, "bus": set(case.buses.index)}


def check_names(context: Context) -> list[Finding]:
    """Every name in a table is one of the case."""
    findings = []
    known = known_names(context)
    for name, table in context.tables.items():
        for column in PLAN_TABLES[name].names:
            if column in known and column not in _FREE.get(name, ()):
                absent = [""] if column in _MAY_LACK.get(name, ()) else []
                bad = np.flatnonzero(~table[column].isin([*known[column], *absent]).to_numpy(bool))
                findings += _unknown(context, name, column, bad)
    findings += _unknown_pairs(context, "sites", ["site", "cooling"], context.case.cooling.index)
    findings += _unknown_pairs(context, "water_sources", ["basin", "source"], context.case.water.index)
    return findings


def _unknown(context: Context, name: str, column: str, rows: np.ndarray) -> list[Finding]:
    table = context.table(name)
    found = [
        Finding(
            "plan.unknown_name",
            cell(context.prefix, name, int(i), table, column),
            "the study has no such name",
            str(table[column].iat[i]) or "empty",
        )
        for i in rows
    ]
    return capped(found, f"{context.prefix}tables/{name}.csv column {column}")


def _unknown_pairs(context: Context, name: str, columns: list[str], known: pd.Index) -> list[Finding]:
    table = context.table(name)
    if table.empty:
        return []
    pairs = pd.MultiIndex.from_frame(table[columns])
    return _unknown(context, name, columns[-1], np.flatnonzero(~pairs.isin(known)))


def check_decisions_present(context: Context) -> list[Finding]:
    """No decision is missing."""
    findings = []
    for name, column in _DECISIONS.items():
        table = context.table(name)
        found = [
            Finding("plan.table.empty_cell", cell(context.prefix, name, int(i), table, column), "a number is missing")
            for i in np.flatnonzero(table[column].isna().to_numpy(bool))
        ]
        findings += capped(found, f"{context.prefix}tables/{name}.csv column {column}")
    return findings


def check_dispatch_complete(context: Context) -> list[Finding]:
    """Every generator has an output in every period and snapshot."""
    if not context.has_grid:
        return []
    generators = list(context.case.generators.index)
    each = pd.MultiIndex.from_product([generators, context.periods, context.snapshots])
    findings = []
    for name in ("dispatch", "baseline_dispatch") if context.has_demand else ("dispatch",):
        stated = pd.MultiIndex.from_frame(context.table(name)[["generator", "period", "snapshot"]])
        findings += _absent(context, name, each.difference(stated))
    stated_once = context.table("overload_dispatch")[["generator", "snapshot"]]
    if len(stated_once) or len(context.table("base_overloads")):
        every = pd.MultiIndex.from_product([generators, context.snapshots])
        findings += _absent(context, "overload_dispatch", every.difference(pd.MultiIndex.from_frame(stated_once)))
    return findings


def _absent(context: Context, name: str, rows: pd.MultiIndex) -> list[Finding]:
    where = f"{context.prefix}tables/{name}.csv"
    found = [
        Finding("plan.table.missing_row", where, "a row is missing: " + ", ".join(str(part) for part in row))
        for row in rows
    ]
    return capped(found, where)


def check_ties_of_sites(context: Context) -> list[Finding]:
    """Every built site that draws from the grid has exactly one tie, and no other site has one."""
    case, ties = context.case, context.table("ties")
    built = set(context.table("sites")["site"])
    findings = []
    for row, (site, tie) in enumerate(zip(ties["site"], ties["tie"], strict=True)):
        where = cell(context.prefix, "ties", row, ties, "site")
        owner = case.ties["site"].get(tie)
        if owner != site:
            findings.append(Finding("plan.tie.of_another_site", where, f"the tie belongs to site {owner}", site))
        elif site not in built:
            findings.append(Finding("plan.tie.without_site", where, "the site is not built", site))
    counts = ties["site"].value_counts()
    for site in sorted(built):
        options = case.ties_of_site.get(site, [])
        if options and counts.get(site, 0) != 1:
            message = "a built site must have exactly one tie"
            where = f"{context.prefix}tables/ties.csv site {site}"
            findings.append(Finding("plan.tie.one_a_site", where, message, str(counts.get(site, 0))))
    return findings


CHECKS = (check_tables_present, check_names, check_decisions_present, check_dispatch_complete, check_ties_of_sites)
"""Run first; what they find leaves nothing to recompute from."""
