"""The Texas dataset: its network and snapshots are complete and consistent."""

import sys
from collections import Counter
from datetime import datetime, timedelta

import networkx as nx
import pyproj
import pytest

from tests.datasets.texas import CARRIERS, LEAP_YEAR_MWH, SNAPSHOTS, TEXAS, ZONES, Table, table

sys.path.insert(0, str(TEXAS))
from texas_build import snapshots

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
        ("facts/cooling_technologies.csv", "cooling", 10),
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
