"""Technologies of supply: the bundled dataset, the user's table beside it, and availability by snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from optimizer.errors import Finding, GridsiteError
from optimizer.grid.schema import Column, check_table
from optimizer.io.reading import read_table
from optimizer.study.facts import read_checked

REQUIRED = "cost_musd_per_mw"
"""Parameter without which a technology cannot be offered."""


def _number(name: str, unit: str, default: float, meaning: str, upper: float = math.inf) -> Column:
    return Column(name, "float", unit, default, False, 0, upper, meaning=meaning)


PARAMETERS: tuple[Column, ...] = (
    _number(REQUIRED, "M$/MW", math.nan, "One-time cost."),
    _number("storage_cost_musd_per_mwh", "M$/MWh", 0.0, "One-time cost of stored energy."),
    _number("storage_efficiency", "", 0.0, "Energy given back over energy taken; 0: no store.", 1),
    _number("max_storage_hours", "h", 8.0, "Most stored energy over power."),
    _number("fixed_om_musd_per_mw_year", "M$/MW-year", 0.0, "Yearly cost of operation."),
    _number("variable_om_usd_per_mwh", "$/MWh", 0.0, "Cost of operation by energy."),
    _number("heat_rate_mmbtu_per_mwh", "MMBtu/MWh", 0.0, "Fuel burnt."),
    _number("fuel_usd_per_mmbtu", "$/MMBtu", 0.0, "Price of the fuel."),
    _number("fuel_usd_per_mwh", "$/MWh", 0.0, "Cost of fuel that is counted by output."),
    _number("emission_t_per_mwh", "t/MWh", 0.0, "Emissions, CO2 equivalent."),
    _number("water_m3_per_mwh", "m3/MWh", 0.0, "Water taken from the basin."),
    _number("land_ha_per_mw", "ha/MW", 0.0, "Land beside the campus."),
    _number("lead_months", "month", 0.0, "Months from the decision to service."),
    _number("first_year", "year", 0.0, "First year in which it can be had; 0: any."),
    _number("life_years", "year", 30.0, "Life over which it is annuitized."),
    _number("availability", "", 1.0, "Most output over capacity.", 1),
    _number("accredited_share", "", 1.0, "Share of its capacity counted at the peak.", 1),
    _number("accredited_hours", "h", 4.0, "Hours for which a store must sustain what is counted of it."),
    _number("carbon_free_share", "", 0.0, "Share of its output that counts as carbon-free.", 1),
    _number("needs_gas_line", "", 0.0, "1 if it burns gas from a line, else 0.", 1),
    _number("permit_hours", "h", math.inf, "Hours at full output a year that its permit allows."),
    _number("unit_mw", "MW", 0.0, "Size of a unit; 0: any size."),
    _number("max_units", "", math.inf, "Most units at a site."),
    _number("max_mw", "MW", math.inf, "Most capacity at a site."),
)
"""What is known of a technology; the keys of ``[[supply.technology]]``."""

DATASET = (
    Column("technology", "id", required=True, meaning="Technology."),
    Column("parameter", "id", required=True, meaning="Parameter."),
    Column("value", "float", "", None, True, meaning="Value, in the unit of its row."),
)
"""Columns read of the dataset."""

AVAILABILITY = (
    Column("technology", "id", required=True, meaning="Technology."),
    Column("snapshot", "id", required=True, meaning="Operating condition."),
    Column("availability", "float", "", None, True, 0, 1, meaning="Most output over capacity."),
    Column("site", "text", meaning="Site it holds for; empty: all others."),
)
"""Columns of a table of availability."""


@dataclass(frozen=True, eq=False)
class SupplyTables:
    """Tables as read.

    Parameters
    ----------
    technologies : DataFrame, index ``technology``
        `PARAMETERS`, of the dataset and of the user's table over it; nan where neither says anything.
    availability : DataFrame
        `AVAILABILITY`.
    names : tuple of str
        Names of the user's two files, empty without one, for findings.
    """

    technologies: pd.DataFrame
    availability: pd.DataFrame
    names: tuple[str, str]


def read_supply(dataset: Path, table: Path | None, availability: Path | None) -> tuple[SupplyTables, list[Finding]]:
    """Read technologies and availability.

    Parameters
    ----------
    dataset : Path
        The bundled technologies, one row a value.
    table : Path, optional
        The user's technologies, one row each: a cell that is filled stands in for the dataset's value.
    availability : Path, optional
        Availability by technology and snapshot.

    Returns
    -------
    tables : SupplyTables
        Typed.
    findings : list of Finding
        Errors in any.
    """
    known = [c.name for c in PARAMETERS]
    rows, findings = read_checked(dataset, DATASET, dataset.name, ("technology", "parameter"))
    made = rows.pivot(index="technology", columns="parameter", values="value").reindex(columns=known)
    if table is not None:
        own, found = _read(table, [Column("technology", "id", required=True, meaning="Technology."), *_given()])
        findings += found
        if not found:
            own = own.set_index("technology")[known].astype(float)
            made = own.combine_first(made).reindex(columns=known)
    by_snapshot = pd.DataFrame({c.name: [] for c in AVAILABILITY})
    if availability is not None:
        by_snapshot, found = _read(availability, AVAILABILITY, ("technology", "snapshot", "site"))
        findings += found
    names = tuple("" if path is None else path.name for path in (table, availability))
    return SupplyTables(made.sort_index(), by_snapshot, (names[0], names[1])), findings


def _given() -> list[Column]:
    """Parameters without defaults: an empty cell leaves what the dataset says."""
    return [Column(c.name, "float", c.unit, math.nan, False, c.lower, c.upper, meaning=c.meaning) for c in PARAMETERS]


def _read(
    path: Path, columns: Iterable[Column], key: tuple[str, ...] | None = None
) -> tuple[pd.DataFrame, list[Finding]]:
    wanted = tuple(columns)
    try:
        raw = read_table(path, where=path.name)
    except GridsiteError as error:
        return pd.DataFrame({c.name: [] for c in wanted}), list(error.findings)
    return check_table(raw, wanted, path.name, key=key)
