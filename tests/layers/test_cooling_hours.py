"""Hourly cooling against single hours worked out by hand, and against the published simulations by zone."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.layers import cooling_hours, weather
from optimizer.layers.cooling_hours import Method

FOLDER = Path(__file__).parents[2] / "datasets" / "cooling"
# 1 / 0.945 + 1 / 0.99 - 1 + 0.001 = 1.058201 + 1.010101 - 0.999
HEAT = 1.069302
TOWER = Method("tower", "water", 22.0, 1.0)
DRY = Method("dry", "air", 40.0, 0.0)
BOTH = Method("dry", "air", 25.0, 1.0)
OUTSIDE = Method("air", "air", np.nan, 1.0)


def parameters() -> dict[str, float]:
    with (FOLDER / "parameters.csv").open(encoding="utf-8", newline="") as file:
        return {row["parameter"]: float(row["value"]) for row in csv.DictReader(file)}


P = parameters()


def hour(dry_bulb_c: float, wet_bulb_c: float, ratio: float = 0.008) -> pd.DataFrame:
    columns = {"dry_bulb_c": dry_bulb_c, "wet_bulb_c": wet_bulb_c, "humidity_ratio": ratio, "pressure_pa": 101325.0}
    return pd.DataFrame(columns, index=[0])


def one(method: Method, *air: float) -> pd.Series:
    return cooling_hours.hourly(method, hour(*air), P).iloc[0]


def test_a_tower_without_chiller_by_hand() -> None:
    """Wet bulb 10 C: 10 + 4.75 + 2.25 <= 22, so the tower takes all heat.

    Tower water at 10 + 4.75 + 2.5 = 17.25 C: h = 2500.5 - 39.842 - 0.387 = 2460.27 kJ/kg; E = 1.069302 / 2460.27 =
    4.34628e-4 kg/s. Circulation 1.069302 / (4.184 x 5) = 0.0511139, drift 0.2525 % of it, 1.29063e-4. Blowdown E / 8
    less drift is negative: none. Together 5.63691e-4 kg/s, times 3600: 2.02929 L/kWh.
    Pumps: 143,650 Pa x 1.069302 / (4184 x 7.5 x 1000 x 0.7) = 0.0069929; 208,650 x 0.0511139 / (0.7 x 1e6) =
    0.0152357; fans, with air of 101,325 / (287.042 x 288.15) = 1.22504 kg/m3, 0.0511139 / 2 / 1.22504 x 250 /
    0.775 / 1000.
    """
    found = one(TOWER, 15.0, 10.0)
    assert found["wue_m3_per_mwh"] == pytest.approx(2.02929, abs=2e-4)
    fans = 0.0511139 / 2 / 1.22504 * 250 / 0.775 / 1000
    assert found["pue"] == pytest.approx(HEAT + 0.0069929 + 0.0152357 + fans, abs=1e-5)
    assert found["held_share"] == 1.0


def test_a_tower_whose_chiller_takes_the_rest_by_hand() -> None:
    """Wet bulb 18 C: water reaches 25 of the 29.5 to 22 C, so 4.5 / 7.5 = 0.6 is free and 0.4 chilled.

    COP at t = 22.75, x = 0.5: 16.798751 - 17.304128 + 4.575252 + 4.942647 - 2.132233 + 0.962496 = 7.842785.
    """
    found = one(TOWER, 25.0, 18.0)
    chiller = 0.4 * HEAT / 7.842785
    tower = HEAT + chiller
    density = 101325 / (287.042 * 298.15)
    fans = tower / (4.184 * 5) / 2 / density * 250 / 0.775 / 1000
    pumps = 143650 * HEAT / (4184 * 7.5 * 700) + 208650 * tower / (4184 * 5 * 700)
    assert found["pue"] == pytest.approx(HEAT + chiller + pumps + fans, abs=1e-5)


def test_a_dry_cooler_needs_no_water_until_it_is_hot() -> None:
    """32 + 8 <= 40 C: dry. At 34 C (wet bulb 20) pre-cooling by 0.775 x 14 = 10.85 K makes it reach 31.15 <= 40 C.

    Air that warms by 10 K: 1.069302 x 10.85 / 10 / (2500.5 - 46.194 - 0.52) x 3600 = 1.70216 L/kWh.
    """
    assert one(DRY, 32.0, 20.0)["wue_m3_per_mwh"] == 0.0
    assert one(DRY, 34.0, 20.0)["wue_m3_per_mwh"] == pytest.approx(1.0693 * 1.085 / 2453.786 * 3600, rel=1e-4)


def test_a_dry_cooler_without_chiller_holds_a_part_of_the_load_in_the_heat() -> None:
    """Saturated air of 36 C cannot be pre-cooled: at load x the water leaves at 36 + 8 x, 40 C at x = 0.5."""
    assert one(DRY, 36.0, 36.0)["held_share"] == pytest.approx(0.5)
    assert one(DRY, 40.0, 40.0)["held_share"] == 0.0
    assert one(DRY, 32.0, 32.0)["held_share"] == 1.0


def test_a_small_chiller_helps_to_hold() -> None:
    """Chiller of 0.2: 40 - 36 + 0.2 x 7.5 = 5.5 K over 8 K. Where air is hotter than the water, the chiller alone."""
    small = Method("dry", "air", 40.0, 0.2)
    assert one(small, 36.0, 36.0)["held_share"] == pytest.approx(5.5 / 8)
    assert one(small, 48.0, 48.0)["held_share"] == pytest.approx(0.2)


def test_what_a_plant_holds_it_removes() -> None:
    """At load x the water rises 7.5 x and the approach is 8 x: free and chilled heat together are x."""
    for air, chiller in ((36.0, 0.0), (37.0, 0.2), (39.0, 0.3)):
        x = one(Method("dry", "air", 40.0, chiller), air, air)["held_share"]
        removed = (40.0 + 7.5 * x - air - 8 * x) / 7.5 + chiller
        assert removed == pytest.approx(x)


def test_outside_air_by_hand() -> None:
    """20 C, 8 g/kg: within the limits as it is, so fans alone: HEAT / (1.01 x 16.65) kg/s at 650 Pa."""
    air = HEAT / (1.01 * 16.65) / (101325 / (287.042 * 293.15))
    found = one(OUTSIDE, 20.0, 14.3, 0.008)
    assert found["pue"] == pytest.approx(HEAT + air * 650 / 0.775 / 1000, abs=1e-5)
    assert found["wue_m3_per_mwh"] == 0.0


def test_damp_air_is_kept_out_and_the_chiller_runs() -> None:
    """25 C with 20 g/kg is above a dew point of 21 C (15.7 g/kg). COP at 25 C: 2.96 x 43.3 / 33.3 = 3.84889."""
    found = one(OUTSIDE, 25.0, 24.9, 0.020)
    chilled = HEAT / 0.97
    air = HEAT / (1.01 * 16.65) / (101325 / (287.042 * 298.15))
    latent_kg_per_s = (chilled - HEAT) / 2266
    power = chilled / 3.84889 + 143650 * chilled / (4184 * 7.5 * 700) + air * 650 / 0.775 / 1000
    assert found["pue"] == pytest.approx(HEAT + power + latent_kg_per_s * 7e6 / 0.7e6, abs=1e-4)
    assert found["wue_m3_per_mwh"] == pytest.approx(3600 * latent_kg_per_s, rel=1e-4)
    assert one(Method("air", "air", np.nan, 0.3), 25.0, 24.9, 0.020)["held_share"] == pytest.approx(0.3)


def test_dry_cold_air_is_mixed_and_humidified() -> None:
    """-10 C with 0.5 g/kg: supply 14 C; outside air is 16.65 / (16.65 + 24) of it; humid to a dew point of -10.5 C or
    14 % at 14 C, whichever is more."""
    least = max(
        weather.humidity_ratio(np.array([14.0]), 0.14, np.array([101325.0]))[0],
        weather.humidity_ratio(np.array([-10.5]), 1.0, np.array([101325.0]))[0],
    )
    kg_per_s = HEAT / (1.01 * 16.65) * 16.65 / 40.65 * (least - 0.0005)
    assert one(OUTSIDE, -10.0, -12.0, 0.0005)["wue_m3_per_mwh"] == pytest.approx(3600 * kg_per_s, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-30, 45),
    st.floats(0, 20),
    st.floats(0.1, 8),
    st.sampled_from([TOWER, DRY, Method("dry", "air", 25.0, 1.0)]),
)
def test_warmer_air_never_draws_less_and_never_holds_more(
    wet: float, spread: float, more: float, method: Method
) -> None:
    cool, warm = one(method, wet + spread, wet), one(method, wet + spread + more, wet + more)
    if method.chiller_share == 1.0:
        # A fixed plant's fans move thinner air, and less heat is free: the one cannot make up for the other.
        assert warm["pue"] >= cool["pue"] - 1e-3
    assert warm["held_share"] <= cool["held_share"] + 1e-9
    assert 0 <= warm["held_share"] <= 1
    assert warm["pue"] > HEAT


def test_a_year_is_the_mean_and_the_hot_hour_is_one_of_its_hours() -> None:
    """Of 1,000 hours, 996 do not exceed the 99.6th percentile: four hot hours may lie above it."""
    pue = np.concatenate([np.full(990, 1.1), [1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.1]])
    held = np.concatenate([np.full(990, 1.0), [0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.90]])
    table = pd.DataFrame({"pue": pue, "wue_m3_per_mwh": 0.5, "held_share": held})
    found = cooling_hours.annual(table, 99.6)
    assert found["pue_hot_day"] == 1.7
    assert found["it_share"] == 0.94
    assert found["pue_annual"] == pytest.approx(pue.mean())
    assert cooling_hours.annual(table, 100.0)["it_share"] == 0.90


# Against the published simulations

YEARS = {
    "2A": (21.0, 8.5, 5.5, 15.5, 8.0),
    "3A": (17.0, 10.0, 5.5, 10.0, 10.0),
    "4A": (13.5, 12.0, 5.5, 7.0, 11.5),
    "5A": (10.5, 14.0, 5.0, 4.5, 13.0),
    "7": (4.5, 16.5, 5.0, -1.0, 14.5),
}
"""Made weather by zone: mean, yearly and daily swing of the dry bulb, mean and yearly swing of the dew point [C], about
those of Houston, Atlanta, Baltimore, Chicago and Duluth; not a station's record."""

PUE_APART, WUE_APART = 0.11, 0.25
"""Largest differences from the published medians that made weather is let have: about one range of the scenarios."""


def made_year(mean: float, yearly: float, daily: float, dew: float, dew_yearly: float) -> pd.DataFrame:
    """A year of sines, with spells of warm and damp days that last four days each."""
    hours = np.arange(8760)
    season = -np.cos(2 * np.pi * (hours / 24 - 15) / 365)
    spell = 5.0 * np.sin(2 * np.pi * hours / 24 / 8.3)
    air = mean + yearly * season - daily * np.cos(2 * np.pi * (hours % 24 - 4) / 24) + spell
    damp = np.minimum(dew + dew_yearly * season + 0.8 * spell, air - 0.5)
    columns = {"dry_bulb_c": air.round(1), "relative_humidity": np.nan, "dew_point_c": damp.round(1)}
    return weather.states(pd.DataFrame(columns).assign(pressure_pa=101325.0))


@pytest.mark.every(3)
@pytest.mark.parametrize("zone", list(YEARS))
def test_made_weather_gives_about_the_published_medians(zone: str, reference_data: Path) -> None:
    with (reference_data / "pue_wue_by_zone_cooling.csv").open(encoding="utf-8", newline="") as file:
        rows = {(r["Case (Original)"], r["Climate Zone"]): r for r in csv.DictReader(file)}
    hours = made_year(*YEARS[zone])
    with (FOLDER / "methods.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            supply = float(row["supply_c"] or "nan")
            method = Method(row["economizer"], row["chiller"], supply, float(row["chiller_share"]))
            found = cooling_hours.annual(cooling_hours.hourly(method, hours, P), 99.6)
            published = rows[row["source_case"], zone]
            assert found["pue_annual"] == pytest.approx(float(published["PUE_p50"]), abs=PUE_APART), row["cooling"]
            apart = 0.6 if row["cooling"] == "air_economizer_water_chiller" else WUE_APART
            assert found["wue_m3_per_mwh"] == pytest.approx(float(published["WUE_p50"]), abs=apart), row["cooling"]
