"""Files of the Texas dataset, as the tests of it read them."""

import csv
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
TEXAS = CHECKOUT / "datasets" / "texas"

SNAPSHOTS = ["summer_peak", "winter_peak", "windy_light_load", "typical"]
CARRIERS = {"coal", "gas", "hydro", "nuclear", "solar", "wind"}
ZONES = [str(zone) for zone in range(301, 309)]
# Sum of the 70,272 area loads of scenarios_ACTIVSg2000.m [MWh]; added up again from the package by the slow test.
LEAP_YEAR_MWH = 325_988_254.8
GALLON_L = 3.785411784
MILE_KM = 1.609344

Table = list[dict[str, str]]


def table(name: str) -> Table:
    return rows_of(TEXAS / name)


def data_files() -> list[str]:
    found = [*TEXAS.glob("*.csv"), *TEXAS.glob("*.geojson"), *TEXAS.glob("grid/*"), *TEXAS.glob("facts/*")]
    return sorted(path.relative_to(TEXAS).as_posix() for path in found)


def rows_of(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
