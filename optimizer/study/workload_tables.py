"""The user's tables of workloads: demand by region, and pairs of site and region."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from optimizer.errors import Finding, GridsiteError
from optimizer.grid.schema import Column, check_table
from optimizer.io.reading import read_table

ANY = "any"
"""Workload of a pair that holds for every workload of the region."""


def _demand_mw(name: str, required: bool) -> Column:
    return Column(name, "float", "MW", None, required, 0, meaning="IT capacity asked for.")


DEMAND = (
    Column("region", "id", required=True, meaning="Region whose users or data ask."),
    Column("workload", "id", required=True, meaning="What they ask for."),
    Column("penalty_musd_per_mw", "float", "M$/MW-year", lower=0, meaning="Price of what is not served; empty: none."),
    Column("revenue_musd_per_mw_year", "float", "M$/MW-year", 0.0, lower=0, meaning="What served load earns."),
    Column("lat", "float", "deg", lower=-90, upper=90, meaning="Latitude."),
    Column("lon", "float", "deg", lower=-180, upper=180, meaning="Longitude."),
    Column("data_in", "text", meaning="Site, jurisdiction or country where its data are; empty: nowhere."),
)
"""Columns of a table of demand, beside ``it_mw`` or ``it_mw_YEAR``."""

PAIRS = (
    Column("site", "id", required=True, meaning="Site."),
    Column("region", "id", required=True, meaning="Region."),
    Column("workload", "id", required=True, meaning="Workload, or 'any'."),
    Column("cost_musd_per_mw", "float", "M$/MW-year", 0.0, lower=0, meaning="Yearly cost of the network."),
    Column("rtt_ms", "float", "ms", lower=0, meaning="Round trip; empty: from the distance."),
    Column("allowed", "bool", default=True, meaning="Whether the site may serve it."),
)
"""Columns of a table of pairs; a pair without a row is allowed and costs nothing."""


@dataclass(frozen=True, eq=False)
class WorkloadTables:
    """Tables as read.

    Parameters
    ----------
    demand : DataFrame
        `DEMAND` and ``it_mw`` or ``it_mw_YEAR``.
    pairs : DataFrame
        `PAIRS`, in file order.
    names : tuple of str
        Names of the two files, for findings.
    """

    demand: pd.DataFrame
    pairs: pd.DataFrame
    names: tuple[str, str]


def read_workloads(demand: Path, pairs: Path | None) -> tuple[WorkloadTables, list[Finding]]:
    """Read the user's tables of demand and pairs.

    Parameters
    ----------
    demand : Path
        Demand by region and workload.
    pairs : Path, optional
        Cost, round trip and permission of pairs.

    Returns
    -------
    tables : WorkloadTables
        Typed.
    findings : list of Finding
        Errors in either.
    """
    findings: list[Finding] = []
    asked = pd.DataFrame({c.name: [] for c in DEMAND})
    try:
        raw = read_table(demand, where=demand.name)
        years = [str(c) for c in raw.columns if re.fullmatch(r"it_mw_[0-9]{4}", str(c))]
        columns = [*DEMAND, *(_demand_mw(c, True) for c in years)]
        if not years or "it_mw" in raw.columns:
            columns.append(_demand_mw("it_mw", True))
        asked, found = check_table(raw, columns, demand.name, key=("region", "workload"))
        findings += found
        findings += _check_demand(asked, years, demand.name) if not found else []
    except GridsiteError as error:
        findings += error.findings
    options = pd.DataFrame({c.name: [] for c in PAIRS})
    if pairs is not None:
        try:
            raw = read_table(pairs, where=pairs.name)
            options, found = check_table(raw, PAIRS, pairs.name, key=("site", "region", "workload"))
            findings += found
        except GridsiteError as error:
            findings += error.findings
    return WorkloadTables(asked, options, (demand.name, "" if pairs is None else pairs.name)), findings


def _check_demand(demand: pd.DataFrame, years: list[str], where: str) -> list[Finding]:
    findings = []
    if demand.empty:
        text, remedy = "the table has no demand", "add a row for each region and workload"
        findings.append(Finding("study.workload.none", where, text, "0 rows", remedy))
    if years and "it_mw" in demand.columns:
        text, remedy = "demand is given for all periods and for single ones", "keep it_mw or the columns of years"
        findings.append(Finding("study.workload.demand_twice", f"{where}, it_mw", text, ", ".join(years), remedy))
    for row in demand.index[demand["lat"].isna() != demand["lon"].isna()]:
        text, remedy = "only one of lat and lon is given", "give both, or neither"
        findings.append(Finding("study.workload.half_located", f"{where} row {row}, lat and lon", text, "", remedy))
    for row in demand.index[demand["workload"] == ANY]:
        text, remedy = "a workload cannot be called so: the table of pairs means all of them by it", "rename it"
        findings.append(Finding("study.workload.name", f"{where} row {row}, workload", text, repr(ANY), remedy))
    return findings
