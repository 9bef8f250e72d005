"""The Texas dataset: counties and facts are complete, consistent and converted from what was published."""

import re
from collections import Counter

import pyproj
import pytest
import shapely

from tests.datasets.texas import GALLON_L, MILE_KM, data_files, rows_of, table

# Counties


def test_county_polygons_are_valid_and_named_as_in_the_table(polygons):
    assert list(polygons) == [row["fips"] for row in table("counties.csv")]
    assert all(re.fullmatch(r"48\d{3}", fips) for fips in polygons)
    for polygon in polygons.values():
        assert polygon.is_valid
        assert not polygon.is_empty
        assert polygon.geom_type == "Polygon"


@pytest.mark.parametrize(
    ("fips", "lat", "lon"),
    [
        ("48201", 29.76, -95.37),  # Houston, Harris County
        ("48113", 32.78, -96.80),  # Dallas
        ("48029", 29.42, -98.49),  # San Antonio, Bexar County
        ("48453", 30.27, -97.74),  # Austin, Travis County
        ("48141", 31.76, -106.49),  # El Paso
        ("48303", 33.58, -101.86),  # Lubbock
    ],
)
def test_counties_contain_their_cities(polygons, fips, lat, lon):
    holding = [code for code, polygon in polygons.items() if polygon.contains(shapely.Point(lon, lat))]
    assert holding == [fips]


def test_every_substation_lies_in_exactly_one_county(polygons, buses):
    points = shapely.points([[float(row["lon"]), float(row["lat"])] for row in buses])
    found, _ = shapely.STRtree(list(polygons.values())).query(points, predicate="within")
    assert sorted(found) == list(range(len(buses)))


def test_counties_cover_texas(polygons):
    """Texas has 695,662 km2 with its waters (Census Bureau); simplified borders stay within 1 %."""
    geod = pyproj.Geod(ellps="GRS80")
    area_km2 = sum(geod.geometry_area_perimeter(polygon)[0] for polygon in polygons.values()) / 1e6
    assert area_km2 == pytest.approx(695_662, rel=0.01)


def test_every_county_has_cooling_and_water_figures():
    zones = {row["iecc_zone"] for row in table("facts/cooling.csv")}
    regions = {row["water_region"] for row in table("facts/water_regions.csv")}
    for row in table("counties.csv"):
        assert row["iecc_zone"] in zones
        assert row["water_region"] in regions
    assert Counter(row["water_region"] for row in table("counties.csv")) == {
        row["water_region"]: int(row["counties"]) for row in table("facts/water_regions.csv")
    }


# Facts


@pytest.mark.parametrize("name", [name for name in data_files() if name.startswith("facts/")])
def test_every_fact_has_source_year_and_confidence(name):
    rows = table(name)
    assert rows
    for row in rows:
        assert row["source"].strip()
        assert re.fullmatch(r"(19|20)\d\d", row["year"])
        assert row["confidence"] in {"primary", "secondary", "weak", "unverified"}


def test_assumptions_have_a_reason_and_what_has_no_source_is_unverified():
    assert all(row["why"] and row["unit"] for row in table("facts/assumptions.csv"))
    for name in data_files():
        if name.startswith("facts/"):
            unsourced = [row for row in table(name) if row["source"].startswith(("general knowledge", "choice of"))]
            assert {row["confidence"] for row in unsourced} <= {"unverified"}


def test_cooling_has_every_technology_in_every_zone_once():
    technologies = {row["cooling"] for row in table("facts/cooling_technologies.csv")}
    pairs = Counter((row["iecc_zone"], row["cooling"]) for row in table("facts/cooling.csv"))
    zones = {row["iecc_zone"] for row in table("facts/cooling.csv")}
    assert pairs == {(zone, cooling): 1 for zone in zones for cooling in technologies}
    for row in table("facts/cooling.csv"):
        assert 1 < float(row["pue_p05"]) <= float(row["pue_p50"]) <= float(row["pue_p95"])
        assert float(row["wue_p05_l_per_kwh"]) <= float(row["wue_p50_l_per_kwh"]) <= float(row["wue_p95_l_per_kwh"])


def test_cooling_equals_the_reference_file(reference_data):
    rows = rows_of(reference_data / "pue_wue_by_zone_cooling.csv")
    reference = {(row["Climate Zone"], row["Case (Original)"]): row for row in rows}
    cases = {
        "air_economizer_adiabatic": "0",
        "air_economizer_water_chiller": "1",
        "waterside_economizer_tower": "2",
        "dry_cooler_adiabatic": "18",
        "liquid_tower": "15_2",
        "liquid_dry": "16_2",
        "rear_door_tower": "2",
        "rear_door_dry": "18",
        "immersion_tower": "15_3",
        "immersion_dry": "16_3",
    }
    for row in table("facts/cooling.csv"):
        expected = reference[row["iecc_zone"], cases[row["cooling"]]]
        for percentile in ("p05", "p50", "p95"):
            assert float(row[f"pue_{percentile}"]) == float(expected[f"PUE_{percentile}"])
            assert float(row[f"wue_{percentile}_l_per_kwh"]) == float(expected[f"WUE_{percentile}"])


def test_climate_zones_differ_from_the_older_list_in_eight_counties(reference_data):
    older = {row["fips"]: row["iecc_zone"] for row in rows_of(reference_data / "iecc-zones/us_counties.csv")}
    rows = table("facts/county_climate_zones.csv")
    assert all(row["iecc_zone_2018"] == older[row["fips"]] for row in rows)
    changed = {row["county"]: row["iecc_zone"] for row in rows if row["iecc_zone"] != row["iecc_zone_2018"]}
    southmost = dict.fromkeys(["Cameron", "Hidalgo", "Willacy"], "1A")
    assert changed == southmost | dict.fromkeys(["Dallas", "Ellis", "Johnson", "Navarro", "Tarrant"], "2A")


def test_water_equals_the_reference_files(reference_data):
    reference = {row["region"]: row for row in rows_of(reference_data / "reeds-water/texas_regions.csv")}
    for row in table("facts/water_regions.csv"):
        expected = reference[row["water_region"]]
        assert float(row["stress_ratio"]) == float(expected["stress_ratio"])
        assert float(row["withdrawal_mgal_per_day"]) == float(expected["withdrawal_fresh_mgal_per_day_2015"])
    for row in table("facts/water_sources.csv"):
        expected = reference[row["water_region"]]
        kind = row["water_source"]
        assert float(row["available_mgal_per_year"]) == float(expected[f"{kind}_mgal_per_year"])
        assert float(row["price_usd2004_per_mgal"]) == float(expected[f"{kind}_usd2004_per_mgal"] or 0.1)
        assert (row["price_assumed"] == "1") == (expected[f"{kind}_usd2004_per_mgal"] == "")
    regions = {row["fips"]: row["ba"] for row in rows_of(reference_data / "reeds-water/texas_county_region.csv")}
    assert {row["fips"]: row["water_region"] for row in table("counties.csv")} == regions


def test_water_is_converted_from_what_was_published():
    """1 Mgal = 3,785.411784 m3; a year has 365 days; 20 years at 2.5 % make a factor of 1.638616."""
    assert len(table("facts/water_sources.csv")) == 11 * 5
    for row in table("facts/water_sources.csv"):
        m3_day = float(row["available_mgal_per_year"]) * 1000 * GALLON_L / 365
        usd_per_m3 = float(row["price_usd2004_per_mgal"]) / (1000 * GALLON_L) * 1.638616
        assert float(row["available_m3_day"]) == pytest.approx(m3_day, abs=0.06)
        assert float(row["price_usd_per_m3"]) == pytest.approx(usd_per_m3, abs=1e-6)
    for row in table("facts/water_regions.csv"):
        m3_day = float(row["withdrawal_mgal_per_day"]) * 1000 * GALLON_L
        assert float(row["withdrawal_m3_day"]) == pytest.approx(m3_day, abs=1)


def test_water_stress_is_withdrawal_over_withdrawal_and_what_is_left():
    fresh = ("unappropriated_surface", "groundwater", "appropriated_surface")
    left = Counter()
    for row in table("facts/water_sources.csv"):
        if row["water_source"] in fresh:
            left[row["water_region"]] += float(row["available_m3_day"])
    limits = [(0.1, "low"), (0.2, "low_medium"), (0.4, "medium_high"), (0.8, "high"), (1, "extremely_high")]
    for row in table("facts/water_regions.csv"):
        taken = float(row["withdrawal_m3_day"])
        ratio = taken / (taken + left[row["water_region"]])
        assert float(row["stress_ratio"]) == pytest.approx(ratio, abs=6e-4)
        assert row["stress_class"] == next(name for limit, name in limits if ratio <= limit)


def test_line_costs_are_converted_from_what_was_published():
    for row in table("facts/line_costs.csv"):
        for item in ("new_single_circuit", "new_double_circuit", "rebuild", "reconductor"):
            per_km, per_mile = row[f"{item}_musd_per_km"], row[f"{item}_musd_per_mile"]
            assert (per_km == "") == (per_mile == "")
            if per_km:
                assert float(per_km) * MILE_KM == pytest.approx(float(per_mile), abs=1e-4)
        assert float(row["right_of_way_width_m"]) == pytest.approx(
            0.3048 * float(row["right_of_way_width_ft"]), abs=0.05
        )


def test_a_higher_voltage_costs_and_carries_more():
    lines, stations = table("facts/line_costs.csv"), table("facts/substation_costs.csv")
    for rows, columns in (
        (lines, ["new_single_circuit_musd_per_km", "reconductor_musd_per_km", "typical_rating_mva"]),
        (stations, [name for name in stations[0] if name.endswith("_musd")]),
    ):
        kv = [float(row["base_kv"]) for row in rows]
        assert kv == sorted(kv)
        for column in columns:
            values = [float(row[column]) for row in rows]
            assert values == sorted(values)
    rated = {row["base_kv"]: row["typical_rating_mva"] for row in lines}
    assert {row["base_kv"]: row["rating_per_circuit_mva"] for row in table("facts/tie_ratings.csv")} == rated


def test_transformer_adders_are_contingency_and_funds_during_construction():
    for row in table("facts/transformer_costs.csv"):
        assert float(row["kv_high"]) > float(row["kv_low"])
        assert float(row["usd_per_mva_with_adders"]) == pytest.approx(float(row["usd_per_mva"]) * 1.3 * 1.075, abs=0.06)


def test_every_voltage_a_campus_may_tie_to_has_costs(buses):
    kv = {row["base_kv"] for row in buses if float(row["base_kv"]) >= 69}
    for name in ("line_costs", "substation_costs", "tie_ratings"):
        assert kv <= {row["base_kv"] for row in table(f"facts/{name}.csv")}


def test_emission_factors_are_heat_rate_times_combustion():
    for row in table("facts/emission_factors.csv"):
        if row["heat_rate_mmbtu_per_mwh"]:
            t_per_mwh = float(row["heat_rate_mmbtu_per_mwh"]) * float(row["combustion_kg_per_mmbtu"]) / 1000
            assert float(row["carbon_t_per_mwh"]) == pytest.approx(t_per_mwh, abs=5e-5)
        if row["carbon_lb_per_mwh"]:
            t_per_mwh = float(row["carbon_lb_per_mwh"]) * 0.45359237 / 1000
            assert float(row["carbon_t_per_mwh"]) == pytest.approx(t_per_mwh, abs=5e-5)


def test_lead_times_are_ordered():
    for row in table("facts/lead_times.csv"):
        assert float(row["months_low"]) <= float(row["months_typical"]) <= float(row["months_high"])


def test_places_lie_in_texas(polygons):
    tree = shapely.STRtree(list(polygons.values()))
    for row in table("facts/places.csv"):
        assert row["kind"] in {"metro", "exchange"}
        assert len(tree.query(shapely.Point(float(row["lon"]), float(row["lat"])), predicate="within")) == 1
