"""What a study says of outdoors beyond its region's tables: hourly weather, and how stressed each basin is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.config import CoolingSettings, StationSettings
from optimizer.errors import Finding, nearest
from optimizer.grid.schema import Column
from optimizer.layers.cooling_hours import Method
from optimizer.layers.weather import Station
from optimizer.study.facts import read_checked

STRESS_CLASSES = ("low", "low_medium", "medium_high", "high", "extremely_high")
"""Classes of baseline water stress, the mildest first: withdrawal below 10, 20, 40, 80 % of supply, and above; Kuzma et
al., Aqueduct 4.0, World Resources Institute 2023, doi:10.46830/writn.23.00061."""

BASINS = (
    Column("water_region", "id", required=True, meaning="Water region."),
    Column("stress_class", "text", required=True, meaning="Class of baseline water stress."),
)
"""Columns read from a region's ``facts/water_regions``."""

METHODS = (
    Column("cooling", "id", required=True, meaning="Cooling technology."),
    Column("economizer", "text", required=True, meaning="air, tower or dry."),
    Column("chiller", "text", required=True, meaning="air or water."),
    Column("supply_c", "float", "C", meaning="Facility water of liquid-cooled IT; empty for air-cooled IT."),
    Column("chiller_share", "float", "", None, True, 0, 1, meaning="Size of the chiller over the whole heat."),
)
"""Columns read from ``methods.csv`` of the bundled dataset ``cooling``."""

PARAMETERS = (
    Column("parameter", "id", required=True, meaning="Parameter."),
    Column("value", "float", "", None, True, meaning="Value, in the unit of its row."),
)
"""Columns read from ``parameters.csv`` of the same."""

CARRIERS = (
    Column("carrier", "id", required=True, meaning="What electricity is made from."),
    Column("water_m3_per_mwh", "float", "m3/MWh", None, True, 0, meaning="Water consumed per generation."),
)
"""Columns read from ``carrier_water.csv`` of the same."""

PLACES = (
    Column("place", "id", required=True, meaning="State, or US."),
    Column("water_m3_per_mwh", "float", "m3/MWh", None, True, 0, meaning="Water consumed per electricity used."),
)
"""Columns read from ``electricity_water.csv`` of the same."""


@dataclass(frozen=True, eq=False)
class Outdoors:
    """What is known beyond the region's tables; by default nothing.

    Parameters
    ----------
    stations : tuple of Station
        Hourly weather.
    methods : mapping of str to Method
        How each technology cools, by its name.
    parameters : mapping of str to float
        Numbers of the hourly method.
    stress : mapping of str to str
        Stress class of each water region.
    electricity_m3_per_mwh : float, optional
        Water behind the electricity, where one number is asked for [m3/MWh].
    carrier_m3_per_mwh : mapping of str to float
        Water per generation by carrier, where the plan's own mix is asked for [m3/MWh].
    """

    stations: tuple[Station, ...] = ()
    methods: Mapping[str, Method] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    stress: Mapping[str, str] = field(default_factory=dict)
    electricity_m3_per_mwh: float | None = None
    carrier_m3_per_mwh: Mapping[str, float] = field(default_factory=dict)

    @property
    def reports_electricity(self) -> bool:
        """Whether water behind the electricity is to be reported."""
        return self.electricity_m3_per_mwh is not None or bool(self.carrier_m3_per_mwh)


def stations_of(settings: CoolingSettings) -> tuple[StationSettings, ...]:
    """Stations of a study; weather that holds everywhere is one without zone and place."""
    return settings.stations if settings.weather is None else (StationSettings(file=settings.weather),)


def station(settings: StationSettings, hours: pd.DataFrame) -> Station:
    """Put hours that were read under the zone or place that they stand for."""
    lat, lon = (np.nan if degrees is None else degrees for degrees in (settings.lat, settings.lon))
    return Station(settings.file, hours, settings.zone or "", lat, lon)


def read_methods(folder: Path) -> tuple[dict[str, Method], dict[str, float], list[Finding]]:
    """Read the bundled methods and parameters of hourly cooling."""
    table, findings = read_checked(folder / "methods.csv", METHODS, "methods.csv")
    numbers, found = read_checked(folder / "parameters.csv", PARAMETERS, "parameters.csv")
    methods = {
        str(row.cooling): Method(str(row.economizer), str(row.chiller), float(row.supply_c), float(row.chiller_share))
        for row in table.itertuples()
    }
    return methods, dict(zip(numbers["parameter"], numbers["value"].astype(float), strict=True)), findings + found


def read_stress(path: Path) -> tuple[dict[str, str], list[Finding]]:
    """Read the stress class of each water region."""
    table, findings = read_checked(path, BASINS, f"facts/{path.name}")
    stress = dict(zip(table["water_region"], table["stress_class"], strict=True))
    for basin, name in stress.items():
        if name not in STRESS_CLASSES:
            where, remedy = f"facts/{path.name}, {basin}", nearest(str(name), STRESS_CLASSES)
            findings.append(Finding("region.stress_class", where, "no class of water stress", repr(name), remedy))
    return stress, findings


def read_numbers(path: Path, columns: tuple[Column, ...]) -> tuple[dict[str, float], list[Finding]]:
    """Read a bundled table of one number a row."""
    table, findings = read_checked(path, columns, path.name)
    return dict(zip(table.iloc[:, 0], table.iloc[:, 1].astype(float), strict=True)), findings


def collect(settings: CoolingSettings, read: Callable[[StationSettings], pd.DataFrame | None]) -> tuple[Station, ...]:
    """Read every station of a study; those that cannot be read are left out, their findings kept by `read`."""
    pairs = ((one, read(one)) for one in stations_of(settings))
    return tuple(station(one, hours) for one, hours in pairs if hours is not None)
