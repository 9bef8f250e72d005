"""The Texas dataset: complete, consistent, documented, and the same when built again."""

import csv
import hashlib
import importlib.util
import json
import math
import re
import sys
import tomllib
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import networkx as nx
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

CHECKOUT = Path(__file__).parents[2]
TEXAS = CHECKOUT / "datasets" / "texas"

sys.path.insert(0, str(TEXAS))
from texas_build import network, snapshots, wheels  # noqa: E402
from texas_build.errors import BuildError  # noqa: E402
from texas_build.tables import fixed, plain, read_rows  # noqa: E402

# `build` is also the name of a published package: load the file under a name of its own.
_spec = importlib.util.spec_from_file_location("texas_dataset_build", TEXAS / "build.py")
assert _spec is not None
assert _spec.loader is not None
texas_dataset_build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(texas_dataset_build)

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


@pytest.fixture(scope="module")
def described() -> dict:
    return tomllib.loads((TEXAS / "dataset.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def buses() -> Table:
    return table("grid/buses.csv")


@pytest.fixture(scope="module")
def branches() -> Table:
    return table("grid/branches.csv")


@pytest.fixture(scope="module")
def generators() -> Table:
    return table("grid/generators.csv")


@pytest.fixture(scope="module")
def polygons() -> dict[str, shapely.Geometry]:
    features = json.loads((TEXAS / "counties.geojson").read_text(encoding="utf-8"))["features"]
    return {feature["properties"]["fips"]: shapely.geometry.shape(feature["geometry"]) for feature in features}


# The network


@pytest.mark.parametrize(
    ("name", "key", "count"),
    [
        ("grid/buses.csv", "bus", 2000),
        ("grid/branches.csv", "branch", 3206),
        ("grid/generators.csv", "generator", 598),
        ("grid/snapshots.csv", "snapshot", 4),
        ("counties.csv", "fips", 254),
        ("facts/county_climate_zones.csv", "fips", 254),
        ("facts/county_water_regions.csv", "fips", 254),
        ("facts/water_regions.csv", "water_region", 11),
        ("facts/assumptions.csv", "id", None),
        ("facts/places.csv", "place", None),
        ("facts/land.csv", "item", None),
        ("facts/emission_factors.csv", "item", None),
        ("facts/cooling_technologies.csv", "cooling", 6),
    ],
)
def test_ids_are_unique_and_as_many_as_published(name, key, count):
    ids = [row[key] for row in table(name)]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    if count is not None:
        assert len(ids) == count


def test_substations_and_zones_are_as_many_as_published(buses):
    assert len({row["substation"] for row in buses}) == 1250
    assert sorted({row["zone"] for row in buses}) == ZONES


def test_a_substation_has_one_place(buses):
    places = {(row["substation"], row["lat"], row["lon"]) for row in buses}
    assert len(places) == 1250


def test_branches_and_generators_name_existing_buses(buses, branches, generators):
    known = {row["bus"] for row in buses}
    assert {row[end] for row in branches for end in ("from_bus", "to_bus")} <= known
    assert {row["bus"] for row in generators} <= known


def test_the_network_is_in_one_piece(buses, branches):
    graph = nx.Graph((row["from_bus"], row["to_bus"]) for row in branches if row["in_service"] == "1")
    graph.add_nodes_from(row["bus"] for row in buses)
    assert nx.is_connected(graph)


def test_branch_ratings_say_given_not_given_or_unlimited(branches):
    assert all(row["rating_mw"] == "" or float(row["rating_mw"]) > 0 for row in branches)
    assert {row["rating_emergency_mw"] for row in branches} == {""}
    assert all(float(row["x_pu"]) > 0 and float(row["tap"]) == 1 for row in branches)


def test_lines_run_between_substations_and_transformers_within_one(buses, branches):
    bus = {row["bus"]: row for row in buses}
    for row in branches:
        one, other = bus[row["from_bus"]], bus[row["to_bus"]]
        if row["kind"] == "line":
            assert one["base_kv"] == other["base_kv"]
            assert float(row["length_km"]) > 0
        else:
            assert row["kind"] == "transformer"
            assert one["substation"] == other["substation"]
            assert row["length_km"] == ""


def test_length_agrees_with_geodesics_on_the_ellipsoid(buses, branches):
    """The sphere of mean radius is within 0.6 % of the ellipsoid, another program's answer."""
    bus = {row["bus"]: row for row in buses}
    geod = pyproj.Geod(ellps="GRS80")
    for row in branches[::50]:
        if row["kind"] == "line":
            ends = [(float(bus[row[end]]["lon"]), float(bus[row[end]]["lat"])) for end in ("from_bus", "to_bus")]
            metres = geod.inv(*ends[0], *ends[1])[2]
            assert float(row["length_km"]) == pytest.approx(metres / 1000, rel=0.006, abs=0.01)


def test_generators_have_limits_costs_and_carbon_by_carrier(generators):
    carbon = {row["carrier"]: row["carbon_t_per_mwh"] for row in table("facts/emission_factors.csv") if row["carrier"]}
    assert {row["carrier"] for row in generators} == CARRIERS == set(carbon)
    for row in generators:
        assert row["p_min_mw"] == "0"
        assert float(row["p_max_mw"]) >= 0
        assert float(row["cost_usd_per_mwh"]) >= 0
        assert float(row["cost_quadratic_usd_per_mw2h"]) >= 0
        assert float(row["q_min_mvar"]) <= float(row["q_max_mvar"])
        assert row["carbon_t_per_mwh"] == carbon[row["carrier"]]
        assert row["in_service"] == "1"


def test_wind_and_sun_cost_nothing_and_fuel_does(generators):
    dear = {row["carrier"] for row in generators if float(row["cost_usd_per_mwh"]) > 0}
    assert dear == {"coal", "gas", "nuclear"}


# The snapshots


def test_every_snapshot_has_each_zone_and_each_carrier_once(generators):
    factors = Counter((row["snapshot"], row["zone"]) for row in table("grid/load_factors.csv"))
    assert factors == {(snapshot, zone): 1 for snapshot in SNAPSHOTS for zone in ZONES}
    available = Counter((row["snapshot"], row["carrier"]) for row in table("grid/availability.csv"))
    assert available == {(snapshot, carrier): 1 for snapshot in SNAPSHOTS for carrier in CARRIERS}
    assert all(0 <= float(row["factor"]) <= 1 and row["note"] for row in table("grid/availability.csv"))


def test_weights_make_a_year_and_reproduce_its_energy():
    rows = table("grid/snapshots.csv")
    assert [row["snapshot"] for row in rows] == SNAPSHOTS
    assert sum(float(row["hours"]) for row in rows) == 8760
    energy_mwh = sum(float(row["hours"]) * float(row["load_mw"]) for row in rows)
    assert energy_mwh == pytest.approx(LEAP_YEAR_MWH * 8760 / 8784, rel=0.01)


def test_hour_and_time_of_a_snapshot_agree():
    for row in table("grid/snapshots.csv"):
        start = datetime(2016, 1, 1) + timedelta(hours=int(row["source_hour"]) - 1)
        assert datetime.fromisoformat(row["starts"]) == start


def zone_loads(buses: Table) -> Counter:
    loads = Counter()
    for row in buses:
        loads[row["zone"]] += float(row["load_mw"])
    return loads


def test_factors_times_bus_loads_give_the_load_of_the_snapshot(buses):
    loads = zone_loads(buses)
    for snapshot in table("grid/snapshots.csv"):
        factors = {
            row["zone"]: row for row in table("grid/load_factors.csv") if row["snapshot"] == snapshot["snapshot"]
        }
        load_mw = sum(loads[zone] * float(factors[zone]["factor"]) for zone in ZONES)
        assert load_mw == pytest.approx(float(snapshot["load_mw"]), abs=0.1)


@pytest.mark.parametrize("snapshot", SNAPSHOTS)
def test_available_capacity_leaves_room_for_the_campuses(snapshot, generators):
    """5 GW of IT at a PUE of up to 1.49 (the highest in cooling.csv) is 7.5 GW; 8 GW have to fit."""
    share = {
        row["carrier"]: float(row["factor"]) for row in table("grid/availability.csv") if row["snapshot"] == snapshot
    }
    available_mw = sum(float(row["p_max_mw"]) * share[row["carrier"]] for row in generators)
    load_mw = next(float(row["load_mw"]) for row in table("grid/snapshots.csv") if row["snapshot"] == snapshot)
    assert available_mw - load_mw >= 8000
    assert 5000 * max(float(row["pue_p95"]) for row in table("facts/cooling.csv")) <= 8000


def test_snapshots_of_a_made_up_year():
    """A flat year with one high hour in summer and one in winter, and a low quarter.

    The two high hours are the only ones near their peaks (weight 1 each: 8760/8784 rounds to 1). The lowest 2,196
    hours are the light group, of weight 2196 x 8760/8784 = 2,190. What is left of 8,760 h is typical.
    """
    summer, winter = 5000, 300
    loads = [[100.0] * 8 for _ in range(8784)]
    for hour in range(1000, 1000 + 2196):
        loads[hour] = [50.0] * 8
    loads[summer], loads[winter] = [200.0] * 8, [150.0] * 8
    chosen = {snapshot.name: snapshot for snapshot in snapshots.choose(loads)}
    assert (chosen["summer_peak"].hour, chosen["winter_peak"].hour) == (summer, winter)
    assert [chosen[name].weight_hours for name in SNAPSHOTS] == [1, 1, 2190, 8760 - 2192]
    assert sum(loads[chosen["windy_light_load"].hour]) == 400
    assert chosen["windy_light_load"].start.month in (2, 3, 4, 5)
    assert sum(loads[chosen["typical"].hour]) == 800


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


# The description


def test_the_description_names_every_file_with_its_checksum(described):
    assert sorted(described["files"]) == data_files()
    for name, entry in described["files"].items():
        assert entry["sha256"] == hashlib.sha256((TEXAS / name).read_bytes()).hexdigest(), (
            f"{name} changed: run datasets/texas/build.py"
        )


@pytest.mark.parametrize("name", [name for name in data_files() if name.endswith(".csv")])
def test_the_description_gives_unit_and_meaning_of_every_column(described, name):
    with (TEXAS / name).open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    columns = described["files"][name]["columns"]
    assert list(columns) == header
    assert all(re.fullmatch(r"[^:]+: \S.*", meaning) for meaning in columns.values())


def test_every_written_description_is_used(described):
    used = {(name, column) for name, entry in described["files"].items() for column in entry["columns"]}
    columns = {column for name, column in used if name.startswith("facts/")}
    for row in read_rows((TEXAS / "texas_build/columns.csv").read_text(encoding="utf-8"), "columns.csv", []):
        key = (row["file"], row["column"])
        assert key in used or (row["file"] == "facts/*.csv" and row["column"] in columns)


def test_the_description_says_what_is_synthetic_and_whose_it_is(described):
    plain_words = "synthetic network on the real Texas footprint, not ERCOT's lines"
    assert plain_words in described["description"]
    assert plain_words in (TEXAS / "README.md").read_text(encoding="utf-8")
    assert described["crs"] == "EPSG:4326"
    sourced = {name for source in described["sources"] for name in source["used_in"]}
    assert sourced == set(described["files"])
    assert all(source["licence"] and source["authors"] for source in described["sources"])
    notice = (TEXAS / "NOTICE.md").read_text(encoding="utf-8")
    assert all(word in notice for word in ("CC BY 4.0", "10.5281/zenodo.3530898", "DOE/NREL/ALLIANCE"))
    assert {(package["name"], package["sha256"]) for package in described["packages"]} == {
        (pin.name, pin.sha256) for pin in wheels.PINS
    }


def test_the_dataset_is_small_and_ends_lines_as_unix_does(described):
    names = [*described["files"], "dataset.toml", "README.md", "NOTICE.md"]
    assert sum((TEXAS / name).stat().st_size for name in names) < 3e6
    for name in names:
        content = (TEXAS / name).read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")


# The build


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-1e9, max_value=1e9))
def test_plain_numbers_keep_their_value_and_shed_their_padding(number):
    text = plain(str(number))
    assert float(text) == float(number)
    assert "e" not in text.lower()
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)
    assert plain(text) == text


@pytest.mark.parametrize("text", ["nan", "inf", "", "12 MW"])
def test_what_is_not_a_number_is_refused(text):
    with pytest.raises(BuildError, match="number"):
        plain(text)


def test_computed_numbers_are_rounded():
    assert fixed(2 / 3, 4) == "0.6667"
    assert fixed(-0.00001, 4) == "0"


def test_a_degree_of_latitude_is_111_km():
    """One degree of a great circle is pi/180 of the radius: 6371.0088 km x 0.0174533 = 111.195 km."""
    distance = network.great_circle_km({"lat": "30", "lon": "-97"}, {"lat": "31", "lon": "-97"})
    assert distance == pytest.approx(math.pi / 180 * 6371.0088, rel=1e-12)
    assert distance == pytest.approx(111.195, abs=1e-3)


def test_a_missing_wheel_is_a_message(tmp_path, capsys):
    assert texas_dataset_build.main(["--wheels", str(tmp_path), "--check"]) == 2
    said = capsys.readouterr().err
    assert "powersimdata-0.5.5-py3-none-any.whl is missing" in said
    assert "--wheels" in said


def test_a_wrong_wheel_is_a_message(tmp_path, capsys):
    (tmp_path / wheels.NETWORK.filename).write_bytes(b"something else")
    assert texas_dataset_build.main(["--wheels", str(tmp_path), "--check"]) == 2
    said = capsys.readouterr().err
    assert "not the pinned file" in said
    assert wheels.NETWORK.sha256 in said


def test_a_table_without_its_columns_is_refused():
    with pytest.raises(BuildError, match="columns b are missing"):
        read_rows("a,c\n1,2\n", "table.csv", ["a", "b"])


def test_a_short_load_file_is_refused():
    with pytest.raises(BuildError, match="70272 are expected"):
        snapshots.read_loads("\t1\t0\tCT_TAREALOAD\t1\tCT_LOAD_ALL_P\tCT_REP\t946.9;\n")


@pytest.fixture(scope="module")
def wheel_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for pin in wheels.PINS:
        try:
            wheels.find(pin, folder, may_download=True)
        except BuildError as error:
            if "could not be downloaded" in str(error):
                pytest.skip(str(error))
            raise
    return folder


@pytest.mark.slow
def test_building_again_gives_the_same_bytes(wheel_folder, capsys):
    assert texas_dataset_build.main(["--wheels", str(wheel_folder), "--check"]) == 0, capsys.readouterr().out


@pytest.mark.slow
def test_peaks_and_energy_are_those_of_the_source(wheel_folder):
    wheel = wheels.find(wheels.HOURLY_LOAD, wheel_folder, may_download=False)
    loads = [math.fsum(row) for row in snapshots.read_loads(wheels.read_text(wheel, snapshots.MEMBER))]
    assert math.fsum(loads) == pytest.approx(LEAP_YEAR_MWH, abs=1)
    chosen = {row["snapshot"]: int(row["source_hour"]) - 1 for row in table("grid/snapshots.csv")}
    months = [(datetime(2016, 1, 1) + timedelta(hours=hour)).month for hour in range(8784)]
    assert loads[chosen["summer_peak"]] == max(loads)
    winter = [load for load, month in zip(loads, months, strict=True) if month in (12, 1, 2)]
    assert loads[chosen["winter_peak"]] == max(winter)
    assert loads[chosen["windy_light_load"]] < sorted(loads)[len(loads) // 4]
