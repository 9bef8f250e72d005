"""Tables of the package in the columns of a grid: values derived by hand, and what is said about each oddity."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import make_grid
from optimizer.io import read_tables
from optimizer.io.usa_test_system import network_tables, read_source
from optimizer.resources import dataset_path

CARBON = {"gas": 0.4, "wind": 0.0, "coal": 1.0}

#: Folder with the published wheel, for the tests that read it.
WHEEL = Path(os.environ.get("GRIDSITE_WHEELS", "")) / "powersimdata-0.5.5-py3-none-any.whl"

COUNTS = {  # buses, branches, generators, DC lines, of the publication
    "western": (10_024, 12_730, 2_616, 3),
    "eastern": (70_047, 88_256, 10_836, 5),
    "usa": (82_071, 104_192, 14_050, 17),
}


@pytest.fixture
def western(make_wheel):
    return network_tables(read_source(make_wheel()), "western", CARBON)


def test_buses_have_place_load_and_voltage_of_the_source_by_rising_id(western) -> None:
    buses = western[0]["buses"]
    assert list(buses["bus"]) == ["2010001", "2010002", "2010003"]
    last = buses.iloc[2]
    assert (last["load_mw"], last["load_mvar"], last["base_kv"], last["shunt_mvar"]) == (30.5, 7.25, 230.0, -4.0)
    assert (last["lat"], last["lon"], last["substation"], last["substation_name"]) == (41.0, -110.0, "11", "BETA")
    assert (last["name"], last["zone"], last["zone_name"], last["state"]) == (
        "BETA 230 kV",
        "201",
        "Far West",
        "Nevada",
    )
    assert buses["shunt_mw"].tolist() == [1.5, 0.0, 0.0]
    assert "interconnection" not in buses


def test_branches_follow_the_rules_of_the_texas_dataset(western) -> None:
    branches = western[0]["branches"].set_index("branch")
    # By number, not as words: 99 before 100.
    assert list(branches.index) == ["99", "100"]
    transformer, line = branches.loc["99"], branches.loc["100"]
    assert (line["rating_mw"], line["tap"], line["kind"], line["in_service"]) == (150.5, 1.0, "line", 1)
    assert math.isnan(line["rating_emergency_mw"])
    assert math.isnan(transformer["rating_mw"])
    assert transformer["rating_emergency_mw"] == 60.0
    assert (transformer["tap"], transformer["shift_deg"]) == (1.05, -12.0)
    assert (transformer["angle_min_deg"], transformer["angle_max_deg"]) == (-30.0, 30.0)
    assert math.isnan(line["angle_min_deg"])
    assert math.isnan(transformer["length_km"])
    # One degree of a meridian on a sphere of 6371.0088 km.
    assert line["length_km"] == round(6371.0088 * math.pi / 180, 2)


def test_every_unit_is_in_service_from_zero_upwards(western) -> None:
    generators = western[0]["generators"].set_index("generator")
    assert list(generators.index) == ["9", "10"]
    assert list(generators["p_min_mw"]) == [0.0, 0.0]
    assert list(generators["in_service"]) == [1, 1]
    assert list(generators["committed_in_source"]) == [1, 0]
    assert list(generators["carrier"]) == ["gas", "geothermal"]
    assert generators.loc["9", "cost_usd_per_mwh"] == 20.5
    assert generators.loc["9", "cost_quadratic_usd_per_mw2h"] == 0.01
    assert generators.loc["9", "carbon_t_per_mwh"] == 0.4
    assert math.isnan(generators.loc["10", "carbon_t_per_mwh"])


def test_dc_lines_inside_are_kept_and_those_across_are_said_to_be_left_out(western) -> None:
    tables, findings = western
    (link,) = tables["hvdc"].to_dict("records")
    assert link == {
        "link": "dc1",
        "from_bus": "2010001",
        "to_bus": "2010003",
        "p_max_mw": 100.0,
        "p_min_mw": -100.0,
        "p_mw": 90.0,
        "loss_mw": 0.5,
        "loss_share": 0.02,
        "in_service": 1,
    }
    (left_out,) = [f for f in findings if f.rule == "usa.hvdc.left_out"]
    assert left_out.severity == "warning"
    assert "200 MW" in left_out.message
    assert "(1 rows: 0)" in left_out.message


def test_the_whole_country_has_every_interconnection_and_every_dc_line(make_wheel) -> None:
    tables, findings = network_tables(read_source(make_wheel()), "usa", CARBON)
    assert list(tables["buses"]["interconnection"]) == ["Eastern"] * 2 + ["Western"] * 3 + ["Texas"]
    assert list(tables["hvdc"]["link"]) == ["dc0", "dc1", "dc2"]
    assert "usa.hvdc.left_out" not in {f.rule for f in findings}
    # Taken at one end 200 MW, delivered 190 MW, loss 0: the source contradicts itself, which is said.
    assert next(f.message for f in findings if f.rule == "usa.hvdc.loss").endswith("(1 rows: 0)")
    grid = make_grid("usa", tables)
    assert grid.hvdc["p_mw"].tolist() == [200.0, 90.0, 10.0]


def test_what_is_read_in_another_way_is_said_with_its_count_and_ids(western) -> None:
    said = {f.rule: f.message for f in western[1]}
    expected = {
        "usa.branch.unlimited": "(1 rows: 99)",
        "usa.branch.no_emergency_rating": "(1 rows: 100)",
        "usa.branch.phase_shift": "(1 rows: 99)",
        "usa.branch.angle_limits": "(1 rows: 99)",
        "usa.generator.not_committed": "(1 rows: 10)",
        "usa.generator.least_output": "(1 rows: 9)",
        "usa.generator.constant_cost": "(1 rows: 9)",
        "usa.generator.no_carbon": "geothermal (1 rows: 10)",
        "usa.bus.star_point": "(1 rows: 2010002)",
    }
    assert {rule: said[rule][-len(end) :] for rule, end in expected.items()} == expected


@pytest.mark.parametrize(
    ("table", "old", "new", "network", "rule"),
    [
        ("branch", ",0.1,0.02", ",-0.1,0.02", "western", "usa.branch.negative_reactance"),
        ("branch", "0.01,0.1", "-0.01,0.1", "western", "usa.branch.negative_resistance"),
        ("branch", ",0.1,0.02", ",0.00005,0.02", "western", "usa.branch.small_reactance"),
        ("branch", "0,0,0,0,1,0,0,Line,Western", "0,0,0,0,0,0,0,Line,Western", "western", "usa.branch.out_of_service"),
        ("branch", "Line,Eastern", "Line,Eastern", "eastern", "usa.branch.within_substation"),
        ("plant", "1,80,25", "1,0,25", "western", "usa.generator.no_output"),
        ("plant", "9,2010001", "99,2010001", "western", "usa.generator.id_of_branch"),
        ("sub", "11,BETA", "11,ALPHA", "western", "usa.substation.name"),
        ("sub", "41.0,-110.0", "40.0,-110.0", "western", "usa.substation.place"),
        ("bus", "1,30.5", "1,-30.5", "western", "usa.bus.negative_load"),
    ],
)
def test_oddities_are_kept_and_said(make_wheel, changed_table, table, old, new, network, rule) -> None:
    changed = changed_table(table, old, new)
    if rule == "usa.generator.id_of_branch":
        changed |= changed_table("gencost", "\n9,2", "\n99,2")
    _, findings = network_tables(read_source(make_wheel(changed)), network, CARBON)
    assert rule in {f.rule for f in findings}


@pytest.mark.parametrize(
    ("table", "old", "new", "rule", "where"),
    [
        ("bus", "2010003,1", "2010001,1", "usa.id.duplicate", "bus.csv row 3, bus_id"),
        ("sub", "11,BETA", "10,BETA", "usa.id.duplicate", "sub.csv row 3, sub_id"),
        ("branch", "\n99,", "\nx,", "usa.id.number", "branch.csv row 3, branch_id"),
        ("branch", "r,x,b", "r,y,b", "usa.table.columns", "branch.csv"),
        ("branch", "150.5", "nan", "usa.table.number", "branch.csv row 2, rateA"),
        ("plant", "1,80,25", "1,many,25", "usa.table.number", "plant.csv row 2, Pmax"),
        ("branch", "99,2010001,2010002", "99,2010001,5", "usa.reference", "branch.csv row 3, to_bus_id"),
        ("branch", "99,2010001,2010002", "99,2010001,1", "usa.reference", "branch.csv row 3, to_bus_id"),
        ("plant", "9,2010001", "9,5", "usa.reference", "plant.csv row 2, bus_id"),
        ("bus2sub", "2010003,11", "2010003,12", "usa.reference", "bus2sub.csv row 4, sub_id"),
        ("bus2sub", "2010003,11,Western\n", "", "usa.reference", "bus.csv row 2, bus_id"),
        ("bus", "-4,201", "-4,202", "usa.reference", "bus.csv row 2, zone_id"),
        ("gencost", "\n9,2", "\n8,2", "usa.reference", "plant.csv row 2, plant_id"),
        ("gencost", "\n9,2", "\n9,1", "usa.code", "gencost.csv row 3, type"),
        ("plant", "ng,Western", "tidal,Western", "usa.code", "plant.csv row 2, type"),
        ("branch", "Line,Western", "Cable,Western", "usa.code", "branch.csv row 2, branch_device_type"),
    ],
)
def test_what_cannot_be_read_is_refused(make_wheel, changed_table, table, old, new, rule, where) -> None:
    wheel = make_wheel(changed_table(table, old, new))
    with pytest.raises(InputError) as refused:
        network_tables(read_source(wheel), "western", CARBON)
    assert (rule, where) in {(f.rule, f.where) for f in refused.value.findings}


def test_a_branch_across_interconnections_is_said_where_both_are_read(make_wheel, changed_table) -> None:
    wheel = make_wheel(changed_table("branch", "99,2010001,2010002", "99,2010001,1"))
    with pytest.raises(InputError) as refused:
        network_tables(read_source(wheel), "western", CARBON)
    assert {f.rule for f in refused.value.findings} == {"usa.reference"}
    tables, findings = network_tables(read_source(wheel), "usa", CARBON)
    assert [(f.severity, f.where) for f in findings if f.rule == "usa.branch.across"] == [
        ("warning", "branch.csv row 3, to_bus_id")
    ]
    assert tables["branches"].set_index("branch").loc["99", "to_bus"] == "1"


def test_a_zero_reactance_is_refused_as_in_any_grid(make_wheel, changed_table) -> None:
    tables, findings = network_tables(
        read_source(make_wheel(changed_table("branch", ",0.1,", ",0,"))), "western", CARBON
    )
    assert "usa.branch.zero_reactance" in {f.rule for f in findings}
    with pytest.raises(InputError) as refused:
        make_grid("western", tables)
    assert {f.rule for f in refused.value.findings} == {"grid.branch.zero_reactance"}


def test_every_missing_table_is_named(make_wheel) -> None:
    with pytest.raises(InputError) as refused:
        read_source(make_wheel({"zone": None, "plant": None}))
    assert [(f.rule, f.where) for f in refused.value.findings] == [
        ("usa.table.missing", "plant.csv"),
        ("usa.table.missing", "zone.csv"),
    ]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_wheel_is_refused_or_read(make_wheel: Callable[..., Path], data: st.DataObject) -> None:
    content = bytearray(make_wheel().read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = make_wheel().with_name("damaged.whl")
    path.write_bytes(bytes(content))
    try:
        tables, _ = network_tables(read_source(path), "western", CARBON)
    except InputError as error:
        unclear = [f for f in error.findings if not (f.rule.startswith("usa.") and f.remedy)]
    else:
        unclear = sorted({"buses", "branches", "generators"} - set(tables))
    assert unclear == []


@pytest.mark.slow
@pytest.mark.skipif(not WHEEL.is_file(), reason="GRIDSITE_WHEELS names no folder with the published wheel")
@pytest.mark.parametrize("network", COUNTS)
def test_the_published_package_has_the_published_counts(network: str) -> None:
    source = read_source(WHEEL)
    tables, _ = network_tables(source, network, CARBON)
    grid = make_grid(network, tables)
    assert (len(grid.buses), len(grid.branches), len(grid.generators), len(grid.hvdc)) == COUNTS[network]
    assert grid.findings == ()
    dc = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    assert dc is not None
    if network == "usa":
        assert_texas_part_is_the_texas_dataset(tables)


def assert_texas_part_is_the_texas_dataset(tables: dict[str, pd.DataFrame]) -> None:
    texas = read_tables(dataset_path("texas") / "grid")
    carbon = texas.generators.groupby("carrier")["carbon_t_per_mwh"].first()
    buses = set(tables["buses"].loc[tables["buses"]["interconnection"] == "Texas", "bus"])
    for table, end in (("buses", "bus"), ("branches", "from_bus"), ("generators", "bus")):
        part = tables[table][tables[table][end].isin(buses)]
        if table == "generators":
            part = part.assign(carbon_t_per_mwh=part["carrier"].map(carbon))
        read = read_tables_of(part, dataset_path("texas") / "grid" / f"{table}.csv")
        pd.testing.assert_frame_equal(part.reset_index(drop=True)[read.columns], read, check_exact=True)


def read_tables_of(like: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The file's columns, in the types of another table that has at least these columns."""
    raw = pd.read_csv(path, dtype="str", keep_default_na=False)
    typed = {}
    for name in raw.columns:
        if pd.api.types.is_numeric_dtype(like[name].dtype):
            numbers = [float(text) if text else math.nan for text in raw[name]]
            typed[name] = pd.Series(numbers).astype(like[name].dtype)
        else:
            typed[name] = raw[name]
    return pd.DataFrame(typed)
