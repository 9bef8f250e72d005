"""The study's own cooling technologies: added to those of the region, or in the place of one of the same name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from optimizer.errors import Finding, nearest, refuse_errors
from optimizer.grid.schema import Column
from optimizer.study.facts import FACTS, read_checked
from optimizer.study.region import Region

OF_TECHNOLOGY = tuple(c.name for c in FACTS["cooling_technologies"])
"""Columns in which all rows of a technology agree."""

OF_ZONE = tuple(c.name for c in FACTS["cooling"])
"""Columns that may differ from zone to zone."""

OWN_COOLING = (
    Column("cooling", "id", required=True, meaning="Cooling technology; one of the region's takes its place."),
    Column("iecc_zone", "text", meaning="Climate zone, as in facts/cooling; empty: every zone."),
    *(c for c in FACTS["cooling_technologies"] if c.name != "cooling"),
    *(c for c in FACTS["cooling"] if c.name not in ("cooling", "iecc_zone")),
)
"""Columns of a study's table of cooling technologies: those of the region's two."""


def with_own_cooling(region: Region, path: Path, where: str) -> tuple[Region, list[Finding]]:
    """Return the region with the technologies of a table.

    A technology has its figures only in the zones that its rows name, and in every zone where one names none.

    Parameters
    ----------
    region : Region
        ``facts/cooling`` and ``facts/cooling_technologies``.
    path : Path
        The table, columns `OWN_COOLING`.
    where : str
        How findings name it.

    Returns
    -------
    region : Region
        With both tables replaced.
    findings : list of Finding
        Warnings.

    Raises
    ------
    InputError
        With every finding of the table.
    """
    table, findings = read_checked(path, OWN_COOLING, where, ("cooling", "iecc_zone"))
    if not findings:
        findings = _disagreements(table, region, where)
    refuse_errors(findings)
    known = region.facts["cooling_technologies"]
    of_technology = table[list(OF_TECHNOLOGY)].drop_duplicates("cooling")
    zones = sorted(set(region.facts["cooling"]["iecc_zone"]))
    everywhere = (
        table[table["iecc_zone"] == ""].drop(columns="iecc_zone").merge(pd.DataFrame({"iecc_zone": zones}), "cross")
    )
    named = table[table["iecc_zone"] != ""]
    # A row that names its zone is meant for it more than one for every zone.
    of_zone = pd.concat([named, everywhere], ignore_index=True).drop_duplicates(["cooling", "iecc_zone"])
    facts = dict(region.facts)
    for name, rows in (("cooling_technologies", of_technology), ("cooling", of_zone[list(OF_ZONE)])):
        before = region.facts[name]
        kept = before[~before["cooling"].isin(rows["cooling"])]
        facts[name] = pd.concat([kept, rows[list(before.columns)]], ignore_index=True)
    replaced = sorted(set(of_technology["cooling"]) & set(known["cooling"]))
    if replaced:
        text = "the study's own figures take the place of the region's"
        findings.append(
            Finding("study.cooling.replaced", where, text, ", ".join(replaced), "give another name for both", "info")
        )
    return replace(region, facts=facts), findings


def _disagreements(table: pd.DataFrame, region: Region, where: str) -> list[Finding]:
    """Zones that nobody knows, figures that should agree and do not, and percentiles or densities in no order."""
    findings = []
    if table.empty:
        return [Finding("study.cooling.own_none", where, "the table has no technologies", "0 rows", "add a row")]
    zones = sorted(set(region.facts["cooling"]["iecc_zone"]))
    for row, zone in table["iecc_zone"].items():
        if zone and zone not in zones:
            place = f"{where} row {row}, iecc_zone"
            findings.append(
                Finding("study.cooling.zone", place, "no such climate zone", repr(zone), nearest(zone, zones))
            )
    for name, rows in table.groupby("cooling", sort=False):
        for column in OF_TECHNOLOGY:
            if rows[column].nunique() > 1:
                text, remedy = f"rows of {name} differ in what is the same in every zone", "give one value"
                found = ", ".join(f"{value:g}" for value in rows[column].unique())
                findings.append(Finding("study.cooling.own_differs", f"{where}, {column}", text, found, remedy))
    ordered = (("pue_p05", "pue_p50"), ("pue_p50", "pue_p95"), ("rack_density_above_kw", "rack_density_max_kw"))
    for low, high in ordered:
        for row in table.index[table[low] > table[high]]:
            found = f"{table.at[row, low]:g} above {table.at[row, high]:g}"
            text, remedy = f"{low} is more than {high}", "correct one of them"
            findings.append(Finding("study.cooling.own_order", f"{where} row {row}, {low}", text, found, remedy))
    return findings
