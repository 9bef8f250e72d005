"""Hourly weather of a year or more: read, checked, and turned into the states that cooling depends on.

Psychrometrics are those of CoolProp's humid air (Bell, Wronski, Quoilin, Lemort, Industrial & Engineering Chemistry
Research 53 (2014) 2498-2508, doi:10.1021/ie4033999), which follows ASHRAE RP-1485.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.errors import Finding, GridsiteError
from optimizer.grid.schema import Column, check_table
from optimizer.io.reading import read_table

KELVIN = 273.15
"""0 C on the absolute scale [K] (definition)."""

STANDARD_PA = 101_325.0
"""Standard atmosphere, taken where a table gives no pressure [Pa] (definition, ISO 2533)."""

LEAST_HOURS = 8760
"""Hours of a common year: with fewer, a season would be missing (definition)."""

MOST_HOURS = 100_000
"""Most hours that are read: eleven years; a larger table is likelier a slip than a wish (unverified choice)."""

COLUMNS = (
    Column("dry_bulb_c", "float", "C", None, True, -90, 60, meaning="Dry-bulb temperature."),
    Column("relative_humidity", "float", "%", lower=0, upper=100, meaning="Relative humidity, in per cent."),
    Column("dew_point_c", "float", "C", lower=-100, upper=40, meaning="Dew point, instead of relative humidity."),
    Column("pressure_pa", "float", "Pa", STANDARD_PA, lower=50_000, upper=110_000, meaning="Pressure."),
)
"""Columns of a table of hours that are read; ``hour`` or ``time`` beside them is for people."""


@dataclass(frozen=True, eq=False)
class Station:
    """Weather of a place or a zone.

    Parameters
    ----------
    name : str
        Name of its file.
    hours : DataFrame
        ``dry_bulb_c``, ``wet_bulb_c`` [C], ``humidity_ratio`` [kg/kg] and ``pressure_pa`` [Pa], one row an hour.
    zone : str
        Climate zone that it stands for; empty for a place, or for everywhere.
    lat, lon : float
        Where it stands [deg]; nan for a zone or everywhere.
    """

    name: str
    hours: pd.DataFrame
    zone: str = ""
    lat: float = np.nan
    lon: float = np.nan


def read_hours(path: Path, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a table of hourly weather.

    Parameters
    ----------
    path : Path
        CSV or Parquet with the columns of `COLUMNS`; either humidity.
    where : str
        How findings name the table.

    Returns
    -------
    hours : DataFrame
        As `Station.hours`; empty where the table cannot be used.
    findings : list of Finding
        Errors, and warnings of what was put right.
    """
    empty = pd.DataFrame(columns=["dry_bulb_c", "wet_bulb_c", "humidity_ratio", "pressure_pa"], dtype=float)
    try:
        raw = read_table(path, where=where)
    except GridsiteError as error:
        return empty, list(error.findings)
    findings = _check_shape(raw, where)
    table, found = check_table(raw[[c for c in raw.columns if c in _NAMES]], COLUMNS, where, key=())
    findings += found
    if not any(f.severity == "error" for f in findings):
        findings += _check_values(table, where)
    if any(f.severity == "error" for f in findings):
        return empty, findings
    return states(table), findings


_NAMES = frozenset(c.name for c in COLUMNS)


def _check_shape(raw: pd.DataFrame, where: str) -> list[Finding]:
    findings = []
    given = [c for c in ("relative_humidity", "dew_point_c") if c in raw.columns]
    if len(given) != 1:
        text = "one column must say how humid the air is"
        found = " and ".join(given) or "none"
        findings.append(Finding("weather.humidity", where, text, found, "give relative_humidity [%] or dew_point_c"))
    if not LEAST_HOURS <= len(raw) <= MOST_HOURS:
        text, remedy = "the table must hold every hour of a year or more", "give 8,760 hours, or several whole years"
        limit = LEAST_HOURS if len(raw) < LEAST_HOURS else MOST_HOURS
        rows = float(len(raw))
        finding = Finding("weather.hours", where, text, f"{len(raw)} rows", remedy, "error", rows, limit, "h")
        findings.append(finding)
    elif min(len(raw) % LEAST_HOURS, -len(raw) % LEAST_HOURS) > 24 * (len(raw) // LEAST_HOURS):
        text, remedy = "the hours are no whole number of years, so seasons do not weigh the same", "give whole years"
        findings.append(Finding("weather.part_year", where, text, f"{len(raw)} rows", remedy, "warning"))
    return findings


def _check_values(table: pd.DataFrame, where: str) -> list[Finding]:
    findings = []
    humid = table["relative_humidity"].fillna(table["dew_point_c"])
    for column, values in (("dry_bulb_c", table["dry_bulb_c"]), ("humidity", humid)):
        gaps = table.index[values.isna()]
        if len(gaps):
            text, remedy = "an hour has no value", "fill the gap; a missing hour would count as no weather"
            found = f"{len(gaps)} hours, the first in row {gaps[0]}"
            findings.append(Finding("weather.gap", f"{where}, {column}", text, found, remedy))
    share = table["relative_humidity"]
    if share.notna().any() and share.max() <= 1.0:
        text, remedy = "relative humidity seems to be a share", "give it in per cent, 0 to 100"
        findings.append(Finding("weather.per_cent", f"{where}, relative_humidity", text, f"{share.max():g}", remedy))
    above = table["dew_point_c"] > table["dry_bulb_c"]
    if above.any():
        text = "the dew point is above the dry bulb"
        found = f"{int(above.sum())} hours, the first in row {table.index[above][0]}"
        remedy = "taken as saturated air"
        findings.append(Finding("weather.dew_point", f"{where}, dew_point_c", text, found, remedy, "warning"))
    return findings


def states(table: pd.DataFrame) -> pd.DataFrame:
    """Wet bulb and humidity ratio of every hour.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`, one of the humidities nan.

    Returns
    -------
    DataFrame
        As `Station.hours`.
    """
    relative = table["relative_humidity"].notna().all()
    humid = table["relative_humidity" if relative else "dew_point_c"]
    number, unique = _unique(np.column_stack([table["dry_bulb_c"], humid, table["pressure_pa"]]).astype(float))
    kelvin, pressure = unique[:, 0] + KELVIN, unique[:, 2]
    if relative:
        share = unique[:, 1] / 100
    else:
        # Relative humidity from two vapour pressures: saturated at the dew point, over saturated at the dry bulb.
        dew = np.minimum(unique[:, 1] + KELVIN, kelvin)
        share = np.minimum(_saturated(dew, pressure) / _saturated(kelvin, pressure), 1.0)
    return pd.DataFrame(
        {
            "dry_bulb_c": unique[:, 0][number],
            "wet_bulb_c": (_property("Twb", kelvin, share, pressure) - KELVIN)[number],
            "humidity_ratio": _property("W", kelvin, share, pressure)[number],
            "pressure_pa": pressure[number],
        }
    )


def humidity_ratio(dry_bulb_c: np.ndarray, relative_humidity_share: float, pressure_pa: np.ndarray) -> np.ndarray:
    """Humidity ratio of air [kg/kg].

    Parameters
    ----------
    dry_bulb_c : array
        Temperature [C].
    relative_humidity_share : float
        Relative humidity, 0 to 1 [-].
    pressure_pa : array
        Pressure [Pa].
    """
    number, unique = _unique(np.column_stack([dry_bulb_c, pressure_pa]))
    share = np.full(len(unique), relative_humidity_share)
    return _property("W", unique[:, 0] + KELVIN, share, unique[:, 1])[number]


def cooled_to(dry_bulb_c: np.ndarray, ratio: np.ndarray, to_c: float, pressure_pa: np.ndarray) -> np.ndarray:
    """Humidity ratio of air that evaporating water has cooled at constant enthalpy [kg/kg]; inf beyond saturation.

    Parameters
    ----------
    dry_bulb_c, ratio, pressure_pa : array
        The air before: temperature [C], humidity ratio [kg/kg], pressure [Pa].
    to_c : float
        Temperature after [C].
    """
    number, unique = _unique(np.column_stack([dry_bulb_c, ratio, pressure_pa]))
    pressure = unique[:, 2]
    heat = _humid_air("H", unique[:, 0] + KELVIN, "W", unique[:, 1], pressure)
    kelvin = np.full(len(unique), to_c + KELVIN)
    fits = heat <= _property("H", kelvin, np.ones(len(unique)), pressure)
    after = np.full(len(unique), np.inf)
    if fits.any():
        after[fits] = _humid_air("W", kelvin[fits], "H", heat[fits], pressure[fits])
    return after[number]


def _unique(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of each row among the rows that differ, and these: many hours of a year have the same state."""
    unique, number = np.unique(values, axis=0, return_inverse=True)
    return np.ravel(number), unique


def _humid_air(name: str, kelvin: np.ndarray, second: str, values: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """A property of humid air, from its temperature, a second property and its pressure."""
    # Loading the library takes a second or more: only studies with weather of their own wait for it.
    from CoolProp.HumidAirProp import HAPropsSI

    return np.atleast_1d(np.asarray(HAPropsSI(name, "T", kelvin, second, values, "P", pressure), dtype=float))


def _property(name: str, kelvin: np.ndarray, share: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    return _humid_air(name, kelvin, "R", share, pressure)


def _saturated(kelvin: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """Vapour pressure of saturated air [Pa]."""
    return _property("P_w", kelvin, np.ones_like(kelvin), pressure)
