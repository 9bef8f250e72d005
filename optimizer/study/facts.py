"""The tables of a region: which there are, which of their columns are read, and what these mean.

Every table carries further columns (source, year, confidence) for people; they are kept out of the model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from optimizer.errors import Finding, GridsiteError
from optimizer.grid.schema import Column, check_table
from optimizer.io.reading import read_table


def _id(name: str, meaning: str) -> Column:
    return Column(name, "id", required=True, meaning=meaning)


def _cost(name: str, unit: str, meaning: str) -> Column:
    return Column(name, "float", unit, None, True, 0, meaning=meaning)


COUNTIES = (
    _id("fips", "Code of the county, as in the map of counties."),
    _id("county", "Name of the county."),
    _id("iecc_zone", "Climate zone, as in facts/cooling."),
    _id("water_region", "Water region, as in facts/water_sources."),
    Column("jurisdiction", "text", meaning="Jurisdiction whose rules apply; empty: the region's name."),
)
"""Columns of ``counties.csv``."""

FACTS: dict[str, tuple[Column, ...]] = {
    "cooling": (
        _id("iecc_zone", "Climate zone."),
        _id("cooling", "Cooling technology."),
        *(Column(f"pue_p{p:02d}", "float", "", None, True, 1, meaning="PUE, percentile.") for p in (5, 50, 95)),
        Column("wue_p50_l_per_kwh", "float", "L/kWh", None, True, 0, meaning="Site WUE, median."),
    ),
    "cooling_technologies": (
        _id("cooling", "Cooling technology."),
        Column(
            "rack_density_above_kw",
            "float",
            "kW",
            0.0,
            lower=0,
            meaning="Offered for racks denser than this; for lighter ones where cooling.technologies names it.",
        ),
        Column("rack_density_max_kw", "float", "kW", None, True, 0, meaning="Densest rack that it cools."),
        _cost("capex_musd_per_mw_it", "M$/MW", "Cost of the cooling plant per MW of IT."),
    ),
    "water_sources": (
        _id("water_region", "Water region."),
        _id("water_source", "Source within the region."),
        Column("available_m3_day", "float", "m3/day", None, True, 0, meaning="Volume still available."),
        Column("price_usd_per_m3", "float", "$/m3", None, True, 0, meaning="Price."),
    ),
    "line_costs": (
        Column("base_kv", "float", "kV", None, True, 0, meaning="Voltage.", lower_open=True),
        _cost("new_single_circuit_musd_per_km", "M$/km", "New line, one circuit."),
        Column("new_double_circuit_musd_per_km", "float", "M$/km", lower=0, meaning="New line, two circuits."),
        _cost("reconductor_musd_per_km", "M$/km", "New conductor on existing structures."),
        Column("rebuild_musd_per_km", "float", "M$/km", lower=0, meaning="New line in an old one's place."),
        Column("right_of_way_width_m", "float", "m", lower=0, meaning="Width of a line's right-of-way."),
    ),
    "substation_costs": (
        Column("base_kv", "float", "kV", None, True, 0, meaning="Voltage.", lower_open=True),
        _cost("add_1_position_breaker_and_a_half_musd", "M$", "One more position."),
        _cost("add_2_positions_breaker_and_a_half_musd", "M$", "Two more positions."),
        _cost("new_4_positions_breaker_and_a_half_musd", "M$", "New station of four positions."),
        _cost("new_6_positions_breaker_and_a_half_musd", "M$", "New station of six positions."),
    ),
    "transformer_costs": (
        Column("kv_high", "float", "kV", None, True, 0, meaning="Higher voltage.", lower_open=True),
        Column("kv_low", "float", "kV", None, True, 0, meaning="Lower voltage.", lower_open=True),
        _cost("usd_per_mva_with_adders", "$/MVA", "Power transformer, installed."),
    ),
    "tie_ratings": (
        Column("base_kv", "float", "kV", None, True, 0, meaning="Voltage.", lower_open=True),
        Column("rating_per_circuit_mva", "float", "MVA", None, True, 0, meaning="Thermal rating.", lower_open=True),
        Column("suggested_load_min_mw", "float", "MW", 0.0, lower=0, meaning="Smallest load of the class."),
        Column("suggested_load_max_mw", "float", "MW", math.inf, lower=0, meaning="Largest load of the class."),
    ),
    "lead_times": (
        _id("item", "What takes time."),
        Column("kv_min", "float", "kV", 0.0, lower=0, meaning="Lowest voltage the row is for."),
        Column("kv_max", "float", "kV", math.inf, lower=0, meaning="Highest voltage the row is for."),
        Column("months_typical", "float", "month", None, True, 0, meaning="Usual duration."),
    ),
    "land": (_id("item", "Fact."), Column("value", "float", "", None, True, meaning="Value, in the unit of its row.")),
    "emission_factors": (
        _id("item", "Fact."),
        Column("carbon_t_per_mwh", "float", "t/MWh", None, True, 0, meaning="Emissions, CO2 equivalent."),
    ),
    "places": (
        _id("place", "Place."),
        Column("kind", "text", meaning="exchange or metro."),
        Column("lat", "float", "deg", None, True, -90, 90, meaning="Latitude."),
        Column("lon", "float", "deg", None, True, -180, 180, meaning="Longitude."),
        Column("name", "text", meaning="Name shown to people."),
    ),
    "assumptions": (_id("id", "Assumption."), Column("value", "float", "", None, True, meaning="Value, in its unit.")),
}
"""Columns read from each table of ``facts/``."""

KEYS: dict[str, tuple[str, ...]] = {
    "cooling": ("iecc_zone", "cooling"),
    "water_sources": ("water_region", "water_source"),
    "line_costs": ("base_kv",),
    "substation_costs": ("base_kv",),
    "transformer_costs": ("kv_high", "kv_low"),
    "tie_ratings": ("base_kv",),
    "lead_times": (),
}
"""Columns that make a row unique, where it is not the first."""

NEEDED = {
    "land": ("land_price", "line_route_factor", "fibre_route_factor", "fibre_cost"),
    "assumptions": ("tie_firm_share",),
    "lead_times": (
        "study",
        "permit",
        "tie_line_short",
        "substation_transformer",
        "breaker",
        "reconductoring",
        "construction",
    ),
}
"""Rows that must be there, by table."""


def read_facts(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Read and check every table of facts.

    Parameters
    ----------
    folder : Path
        The ``facts`` folder of a region's dataset.

    Returns
    -------
    facts : dict of str to DataFrame
        The columns of `FACTS`, by table.
    findings : list of Finding
        Errors.
    """
    facts: dict[str, pd.DataFrame] = {}
    findings: list[Finding] = []
    for table, columns in FACTS.items():
        frame, found = read_checked(folder / f"{table}.csv", columns, f"facts/{table}.csv", KEYS.get(table))
        facts[table] = frame
        findings += found or _missing_rows(table, frame)
    return facts, findings


def read_checked(
    path: Path, columns: tuple[Column, ...], where: str, key: tuple[str, ...] | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read one table and keep the columns that are asked for, typed.

    Parameters
    ----------
    path : Path
        The table.
    columns : tuple of Column
        What is read; other columns are for people.
    where : str
        How findings name the table.
    key : tuple of str, optional
        Columns that make a row unique; by default the first, if it is an id.
    """
    try:
        raw = read_table(path, where=where)
    except GridsiteError as error:
        return pd.DataFrame({c.name: [] for c in columns}), list(error.findings)
    known = [c.name for c in columns if c.name in raw.columns]
    return check_table(raw[known], columns, where, key=key)


def _missing_rows(table: str, frame: pd.DataFrame) -> list[Finding]:
    present = set(frame.iloc[:, 0]) if table in NEEDED else set()
    return [
        Finding("region.fact.missing", f"facts/{table}.csv", "a fact that sites need is missing", row, f"add row {row}")
        for row in NEEDED.get(table, ())
        if row not in present
    ]


def value(facts: Mapping[str, pd.DataFrame], table: str, row: str) -> float:
    """Value of a row of ``land`` or ``assumptions``."""
    frame = facts[table]
    return float(frame.loc[frame.iloc[:, 0] == row, "value"].iloc[0])
