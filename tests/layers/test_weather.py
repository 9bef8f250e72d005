"""Hourly weather: states of air against published ones, and what makes a table unusable."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.layers import weather

HOURS = 8760


def table(**columns: object) -> pd.DataFrame:
    given = {"dry_bulb_c": 20.0, "relative_humidity": np.nan, "dew_point_c": np.nan, "pressure_pa": weather.STANDARD_PA}
    size = max((len(v) for v in columns.values() if isinstance(v, list)), default=1)
    return pd.DataFrame({**given, **columns}, index=range(size))


def read(tmp_path: Path, **columns: object) -> tuple[pd.DataFrame, dict[str, str]]:
    path = tmp_path / "hours.csv"
    pd.DataFrame(columns, index=range(HOURS)).to_csv(path, index=False)
    hours, findings = weather.read_hours(path, "hours.csv")
    return hours, {f.rule: f.severity for f in findings}


@pytest.mark.slow
def test_states_of_air_are_those_of_the_psychrometric_chart() -> None:
    """ASHRAE's chart No. 1: air of 30 C and 50 % has a wet bulb of 22.0 C and 13.3 g/kg."""
    found = weather.states(table(dry_bulb_c=[30.0], relative_humidity=[50.0])).iloc[0]
    assert found["wet_bulb_c"] == pytest.approx(22.0, abs=0.1)
    assert found["humidity_ratio"] == pytest.approx(0.0133, abs=1e-4)


def test_saturated_air_has_one_temperature() -> None:
    found = weather.states(table(dry_bulb_c=[25.0, 10.0], relative_humidity=[100.0, 100.0]))
    assert found["wet_bulb_c"].tolist() == pytest.approx([25.0, 10.0], abs=1e-6)
    again = weather.states(table(dry_bulb_c=[25.0, 10.0], dew_point_c=[25.0, 10.0]))
    assert again["humidity_ratio"].tolist() == pytest.approx(found["humidity_ratio"].tolist())


def test_dew_point_and_relative_humidity_say_the_same() -> None:
    """A dew point fixes the vapour in the air: warmer air of the same dew point has the same humidity ratio."""
    cool, warm = weather.states(table(dry_bulb_c=[15.0, 35.0], dew_point_c=[15.0, 15.0]))["humidity_ratio"]
    assert cool == pytest.approx(warm, rel=2e-3)


def test_hours_that_repeat_have_the_same_state() -> None:
    found = weather.states(table(dry_bulb_c=[30.0, 5.0, 30.0], relative_humidity=[50.0, 80.0, 50.0]))
    assert found["wet_bulb_c"].iloc[0] == found["wet_bulb_c"].iloc[2] != found["wet_bulb_c"].iloc[1]


def test_evaporation_at_constant_enthalpy_adds_the_water_that_takes_the_heat() -> None:
    """ASHRAE's h = 1.006 T + w (2501 + 1.86 T): 35.21 + 0.005 x 2566.1 = 48.04 = 27.162 + w x 2551.2, w = 0.00818."""
    after = weather.cooled_to(np.array([35.0]), np.array([0.005]), 27.0, np.array([weather.STANDARD_PA]))[0]
    assert after == pytest.approx(0.00818, abs=2e-5)


def test_air_that_is_too_damp_cannot_be_cooled_by_evaporation() -> None:
    assert weather.cooled_to(np.array([35.0]), np.array([0.03]), 27.0, np.array([weather.STANDARD_PA]))[0] == np.inf


def test_a_year_is_read(tmp_path: Path) -> None:
    hours, rules = read(tmp_path, time="2030-01-01", dry_bulb_c=21.5, relative_humidity=40)
    assert rules == {}
    assert len(hours) == HOURS
    assert hours["pressure_pa"].eq(weather.STANDARD_PA).all()


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"dry_bulb_c": 20}, "weather.humidity"),
        ({"dry_bulb_c": 20, "relative_humidity": 50, "dew_point_c": 9}, "weather.humidity"),
        ({"dry_bulb_c": 20, "relative_humidity": 0.5}, "weather.per_cent"),
        ({"dry_bulb_c": [np.nan, *[20.0] * (HOURS - 1)], "relative_humidity": 50}, "table.missing_value"),
        ({"dry_bulb_c": 20, "relative_humidity": [np.nan, *[50.0] * (HOURS - 1)]}, "weather.gap"),
        ({"relative_humidity": 50}, "table.missing_column"),
        ({"dry_bulb_c": 68, "relative_humidity": 50}, "table.out_of_bounds"),
        ({"dry_bulb_c": "warm", "relative_humidity": 50}, "table.not_a_number"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path, columns: dict[str, object], rule: str) -> None:
    hours, rules = read(tmp_path, **columns)
    assert "error" in rules.values()
    assert rule.partition(".")[0] in {r.partition(".")[0] for r in rules}, rules
    assert hours.empty


def test_less_than_a_year_is_refused_and_a_part_of_one_more_is_told(tmp_path: Path) -> None:
    for rows, severity in ((8759, "error"), (8784, None), (12_000, "warning"), (2 * 8760 + 24, None)):
        path = tmp_path / f"{rows}.csv"
        pd.DataFrame({"dry_bulb_c": 20, "relative_humidity": 50}, index=range(rows)).to_csv(path, index=False)
        _, findings = weather.read_hours(path, "h")
        assert [f.severity for f in findings] == ([severity] if severity else []), rows


def test_a_dew_point_above_the_dry_bulb_is_taken_as_saturated_and_told(tmp_path: Path) -> None:
    hours, rules = read(tmp_path, dry_bulb_c=10, dew_point_c=12)
    assert rules == {"weather.dew_point": "warning"}
    assert hours["wet_bulb_c"].to_numpy() == pytest.approx(10.0)
