"""Plans on disk: what is written is what is read, byte for byte the same each time, and all of it or nothing."""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyogrio import list_layers, read_dataframe

import optimizer.plan.plan as plan_module
from optimizer.errors import Finding, InputError
from optimizer.plan.place import fix_times
from optimizer.plan.plan import Plan, add_files, read_plan, tidy_plan, write_plan
from optimizer.plan.table_text import format_number, natural, parse_table, table_to_csv, tidy_table
from optimizer.plan.tables import PLAN_TABLES
from tests.plan.conftest import Written


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_is_read_back(whole: Written) -> None:
    plan, read = tidy_plan(whole.plan), read_plan(whole.folder)
    assert read.summary == json.loads(json.dumps(plan.summary))
    assert read.config == plan.config
    assert read.log == plan.log
    assert set(read.tables) == set(plan.tables)
    for name, table in plan.tables.items():
        pd.testing.assert_frame_equal(read.tables[name], table)
    assert set(read.scenarios) == {"without_security"}
    assert read.scenarios["without_security"].summary["objective_musd"] > 0


def test_the_folder_holds_what_it_should(whole: Written) -> None:
    found = set(files(whole.folder))
    tables = {f"tables/{name}.csv" for name in whole.plan.tables}
    top = {"plan.json", "manifest.json", "study.toml", "solve.log", "findings.json", "plan.gpkg"}
    assert {name for name in found if not name.startswith("scenarios/")} == top | tables
    assert "scenarios/without_security/plan.gpkg" in found


def test_equal_plans_give_equal_bytes(whole: Written, tmp_path: Path) -> None:
    again = write_plan(whole.plan, whole.folder.parent / "again")
    assert files(again) == files(whole.folder)


def test_the_map_does_not_count_its_transactions(single: Written, tmp_path: Path) -> None:
    """How often the driver notes the time of a change depends on the clock: two maps that differ in it alone."""
    maps = [tmp_path / "one.gpkg", tmp_path / "other.gpkg"]
    for path in maps:
        path.write_bytes((single.folder / "plan.gpkg").read_bytes())
    with closing(sqlite3.connect(maps[1])) as database:
        for second in range(3):
            database.execute("UPDATE gpkg_contents SET last_change = ?", (f"2020-01-01T00:00:0{second}.000Z",))
            database.commit()
    for path in maps:
        fix_times(path)
    assert maps[0].read_bytes() == maps[1].read_bytes()


def test_row_order_of_the_solver_does_not_show(single: Written) -> None:
    shuffled = {name: table.sample(frac=1.0, random_state=1) for name, table in single.plan.tables.items()}
    once, other = tidy_plan(single.plan), tidy_plan(Plan(single.plan.summary, shuffled, (), single.plan.config))
    for name, table in once.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name])


def test_a_plan_replaces_a_plan(single: Written, tmp_path: Path) -> None:
    folder = single.copy(tmp_path / "plan")
    (folder / "tables" / "left_over.csv").write_text("x\n", encoding="utf-8")
    write_plan(single.plan, folder)
    assert "tables/left_over.csv" not in files(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["plan"]


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("stage", ["write_geopackage", "write_manifest", "_replace_folder"])
def test_a_failure_leaves_what_was_there(
    single: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, existing: bool
) -> None:
    folder = tmp_path / "plan"
    before = files(single.copy(folder)) if existing else {}

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan_module, stage, fail)
    with pytest.raises(KeyboardInterrupt):
        write_plan(single.plan, folder)
    assert files(tmp_path) == {f"plan/{name}": content for name, content in before.items()}
    assert list(tmp_path.iterdir()) == ([folder] if existing else [])


def test_what_is_not_a_plan_is_not_replaced(single: Written, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        write_plan(single.plan, tmp_path)
    assert [f.rule for f in refused.value.findings] == ["plan.folder.not_a_plan"]
    assert set(files(tmp_path)) == {"thesis.txt"}


def test_without_a_plan_only_the_reasons_are_written(single: Written, tmp_path: Path) -> None:
    reason = Finding("solve.infeasible", "demand.it_mw 2032", "cannot be met", "30 MW")
    none = Plan({"status": "infeasible", "name": "Triangle"}, {}, (reason,), single.plan.config, single.plan.study)
    folder = write_plan(none, tmp_path / "plan")
    assert set(files(folder)) == {"plan.json", "findings.json"}
    with pytest.raises(InputError) as refused:
        read_plan(folder)
    assert [f.rule for f in refused.value.findings] == ["plan.folder.no_plan"]


def test_a_report_joins_the_plan_and_its_manifest(single: Written, tmp_path: Path) -> None:
    folder = single.copy(tmp_path / "plan")
    add_files(folder, {"report.html": "<p>5 GW</p>\n"})
    entries = {entry["path"] for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["outputs"]}
    assert "report.html" in entries
    assert "manifest.json" not in entries


def test_an_unknown_table_or_column_is_not_written(single: Written, tmp_path: Path) -> None:
    table = single.plan.tables["demand"]
    for tables in ({"demands": table}, {"demand": table.assign(note=1.0)}, {"demand": table.drop(columns="served_mw")}):
        with pytest.raises(ValueError, match="demand"):
            write_plan(Plan({"status": "optimal"}, tables, (), single.plan.config), tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []


# The map


def test_layers_have_places(whole: Written) -> None:
    layers = {str(name): kind for name, kind in list_layers(whole.folder / "plan.gpkg")}
    assert set(layers) == set(whole.plan.tables)
    assert layers["sites"] == layers["candidates"] == layers["refused"] == "Polygon"
    assert layers["ties"] == layers["flows"] == layers["upgrades"] == layers["contingencies"] == "LineString"
    assert layers["dispatch"] == "Point"
    assert layers["costs"] is None
    sites = read_dataframe(whole.folder / "plan.gpkg", layer="sites")
    assert sites.crs.to_epsg() == 4326
    assert sites.loc[0, "geometry"].centroid.x == pytest.approx(-98.1)
    flows = read_dataframe(whole.folder / "plan.gpkg", layer="flows")
    spur = flows.loc[flows["branch"] == "cd", "geometry"].iloc[0]
    assert list(spur.coords) == [(-98.0, 30.0), (-98.0, 29.0)]


def test_sites_are_on_the_map_before_and_after_writing(whole: Written) -> None:
    made, read = whole.plan.sites, read_plan(whole.folder).sites
    assert isinstance(made, gpd.GeoDataFrame)
    assert isinstance(read, gpd.GeoDataFrame)
    assert made.geometry.geom_equals(read.geometry, align=False).all()


def test_a_plan_shows_its_answer(whole: Written) -> None:
    for text in (repr(whole.plan), whole.plan._repr_html_()):
        assert "Triangle" in text
        assert "2032: 30 MW" in text


def test_names_are_data_in_html(single: Written) -> None:
    plan = Plan({**single.plan.summary, "name": "<script>x</script>"}, {}, (), single.plan.config)
    assert "<script>" not in plan._repr_html_()


# Numbers and rows


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-1e-9, "0"),
        (1e-6, "0.000001"),
        (4.9e-7, "0"),
        (12.5, "12.5"),
        (100.0, "100"),
        (1e16, "10000000000000000"),
        (123456789.1234567, "123456789.123457"),
        (3, "3"),
        (math.nan, ""),
        (math.inf, ""),
    ],
)
def test_numbers_are_short_and_without_exponent(number: float, text: str) -> None:
    assert format_number(number) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_numbers_keep_six_decimals(number: float) -> None:
    text = format_number(number)
    assert "e" not in text.lower()
    assert abs(float(text) - number) <= 0.5000001e-6 + 1e-15 * abs(number)
    assert format_number(float(text)) == text


text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\r"), max_size=8)


@given(st.lists(st.tuples(text, st.integers(2000, 2100), st.floats(-1e6, 1e6)), unique_by=lambda r: r[:2], max_size=8))
def test_tables_survive_being_written(rows: list[tuple[str, int, float]]) -> None:
    table = tidy_table("costs", pd.DataFrame(rows, columns=["account", "period", "cost_musd"]))
    read, findings = parse_table("costs", table_to_csv("costs", table))
    assert findings == []
    pd.testing.assert_frame_equal(read, table)


def test_csv_has_line_feeds_and_quotes(single: Written) -> None:
    for path in (single.folder / "tables").glob("*.csv"):
        content = path.read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        with path.open(encoding="utf-8", newline="") as file:
            assert next(csv.reader(file)) == PLAN_TABLES[path.stem].names


def test_ids_are_sorted_as_people_count() -> None:
    assert sorted(["b10", "b2", "b", "a3", "10", "9"], key=natural) == ["9", "10", "a3", "b", "b2", "b10"]


def test_contingencies_come_highest_first(single: Written) -> None:
    table = tidy_plan(single.plan).tables["contingencies"]
    for _, rows in table.groupby(["period", "snapshot"]):
        assert (np.diff(rows["loading"]) <= 0).all()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "plan.table.columns"),
        ("account,period\n", "plan.table.columns"),
        ("account,period,cost_musd\nsites,2030\n", "plan.table.ragged"),
        ("account,period,cost_musd\nsites,2030,nan\n", "plan.table.number"),
        ("account,period,cost_musd\nsites,2030,1e999\n", "plan.table.number"),
        ("account,period,cost_musd\nsites,2030.5,1\n", "plan.table.number"),
        ("account,period,cost_musd\nsites,2030,ten\n", "plan.table.number"),
        ("account,period,cost_musd\nsites,99999999999999999999,1\n", "plan.table.number"),
        (f"account,period,cost_musd\n{'x' * 200_000},2030,1\n", "plan.table.text"),
        ("account,period,cost_musd\nsites,2030,1\nsites,2030,2\n", "plan.table.repeated"),
    ],
)
def test_a_broken_table_is_named(content: str, rule: str) -> None:
    _, findings = parse_table("costs", content)
    assert [f.rule for f in findings] == [rule]
    assert findings[0].where.startswith("tables/costs.csv")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"status": NaN}', "\udcff"])
def test_a_broken_summary_is_named(single: Written, tmp_path: Path, content: str) -> None:
    folder = single.copy(tmp_path / "plan")
    (folder / "plan.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as refused:
        read_plan(folder)
    assert [f.rule for f in refused.value.findings] == ["plan.summary.json"]


def test_every_column_is_described() -> None:
    for name, table in PLAN_TABLES.items():
        assert set(table.keys) <= set(table.names), name
        assert {key.removeprefix("-") for key in table.order} <= set(table.names), name
        for column in table.columns:
            assert column.meaning, f"{name}.{column.name}"
            assert (column.unit == "") == (column.kind in ("id", "text")), f"{name}.{column.name}"
