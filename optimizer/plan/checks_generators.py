"""Generators at each site, counted from capacities as stated, against what local rules allow."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.verify_compare import broken, capped, compare_tables, finding
from optimizer.plan.verify_context import CONNECTED_KINDS, Context
from optimizer.plan.verify_service import backup_capacity_mw
from optimizer.plan.verify_supply import parameters

PART = 1e-5
"""Part of a unit that capacities written with six decimals may be off by [-]."""


def most_by_site(context: Context) -> dict[str, int]:
    """Most generators at each site: of the table of sites, else of the study's own key."""
    usual, own = context.study.config.limits.max_generators_per_site, context.study.own
    found = {}
    for site, kind in context.case.sites["kind"].items():
        if kind not in CONNECTED_KINDS:
            # Whoever rents a place out has its generators.
            continue
        given = np.nan if own is None else float(own.sites["max_generators"].get(site, np.nan))
        if np.isnan(given) and usual is not None:
            given = float(usual)
        if not np.isnan(given):
            found[str(site)] = int(np.floor(given))
    return found


def own_units(context: Context) -> dict[tuple[str, int], int]:
    """Units of own supply by site and period: of technologies that come in units and do not store."""
    if context.case.supply is None or not len(context.table("supply")):
        return {}
    facts, found = parameters(context), dict[tuple[str, int], int]()
    for row in context.table("supply").itertuples():
        size, stores = float(facts.at[row.technology, "unit_mw"]), facts.at[row.technology, "storage_efficiency"] > 0
        if size > 0 and not stores:
            key = (str(row.site), int(row.period))
            found[key] = found.get(key, 0) + round(float(row.capacity_mw) / size)
    return found


def backup_units(context: Context) -> list[int]:
    """Backup generators of each row of ``placed``; part of one counts as one."""
    service = context.study.config.service
    size = 0.0 if service is None or service.backup is None else service.backup.unit_mw
    if not size or context.case.service is None:
        return [0] * len(context.placed)
    return [math.ceil(mw / size - PART) for mw in backup_capacity_mw(context)]


def check_generators(context: Context) -> list[Finding]:
    """No site holds more generators than are allowed there, and the table counts them."""
    most, where = most_by_site(context), f"{context.prefix}tables/generators.csv"
    stated = context.table("generators")
    if not most:
        return [finding(where, f"{len(stated)} rows", "no such table")] if len(stated) else []
    own, rows, findings = own_units(context), [], []
    placed = context.placed[["site", "period"]].itertuples(index=False, name=None)
    for (site, t), backup in zip(placed, backup_units(context), strict=True):
        if site not in most:
            continue
        units = own.get((str(site), int(t)), 0)
        rows.append((site, t, units, backup, most[site]))
        if units + backup > most[site]:
            at, text = f"{where} site {site}, period {t}", "more generators than are allowed"
            findings.append(broken("plan.generators.too_many", at, text, units + backup, most[site], ""))
    expected = pd.DataFrame(rows, columns=["site", "period", "own_units", "backup_units", "max_units"])
    if "generators" not in context.tables and len(expected):
        findings.append(finding(where, "no table", "a table of this study"))
    return capped(findings, where) + compare_tables(context.prefix, "generators", stated, expected)


CHECKS = (check_generators,)
"""Checks of a study with demand."""
