"""The check of a table: every kind of bad cell and column gives one finding that says where, what and what to do."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from optimizer.grid.columns import AC_COLUMNS, KEYS, TABLES
from optimizer.grid.schema import MOST_LISTED, Column, check_table, empty_table

COLUMNS = (
    Column("site", "id", required=True, meaning="Site."),
    Column("power_mw", "float", "MW", None, True, 0, 100, "Power.", lower_open=True),
    Column("rating_mw", "float", "MW", math.inf, True, 0, meaning="Rating."),
    Column("count", "int", "", 1, lower=1, meaning="How many."),
    Column("on", "bool", "", True, meaning="Whether it is on."),
    Column("length_km", "float", "km", meaning="Length."),
    Column("note", "text", meaning="Note."),
)


def table(**columns: list[object]) -> pd.DataFrame:
    good: dict[str, list[object]] = {"site": ["a", "b"], "power_mw": ["10", "20.5"], "rating_mw": ["", "7"]}
    return pd.DataFrame({**good, **columns}, index=pd.Index([2, 5], name="row"))


def test_a_good_table_is_typed_and_filled() -> None:
    frame, findings = check_table(table(extra=["x", "y"], note=[" kept ", ""], on=["no", ""]), COLUMNS, "sites.csv")
    assert findings == []
    assert list(frame.columns) == ["site", "power_mw", "rating_mw", "count", "on", "length_km", "note", "extra"]
    assert frame["power_mw"].tolist() == [10.0, 20.5]
    assert frame["rating_mw"].tolist() == [math.inf, 7.0]
    assert frame["count"].tolist() == [1, 1]
    assert frame["on"].tolist() == [False, True]
    assert frame["length_km"].isna().all()
    assert frame["note"].tolist() == ["kept", ""]
    assert frame.index.tolist() == [2, 5]
    assert [frame[c].dtype.kind for c in ("power_mw", "count", "on")] == ["f", "i", "b"]


@pytest.mark.parametrize(
    ("column", "value", "rule", "found", "remedy"),
    [
        ("power_mw", "nan", "table.value.not_finite", "'nan'", "write a finite number in MW"),
        ("power_mw", "inf", "table.value.not_finite", "'inf'", "write a finite number in MW"),
        ("power_mw", "1,5", "table.value.type", "'1,5'", "write a finite number in MW"),
        ("power_mw", "1_000", "table.value.type", "'1_000'", "write a finite number in MW"),
        ("power_mw", "", "table.value.missing", "", "give a number in MW: Power."),
        ("power_mw", "-3", "table.value.out_of_range", "-3 MW", "it must be above 0 MW"),
        ("power_mw", "0", "table.value.out_of_range", "0 MW", "it must be above 0 MW"),
        ("power_mw", "101", "table.value.out_of_range", "101 MW", "it must be at most 100 MW"),
        ("rating_mw", "-7", "table.value.out_of_range", "-7 MW", "it must be at least 0 MW"),
        (
            "rating_mw",
            "-inf",
            "table.value.not_finite",
            "'-inf'",
            "write a finite number in MW, or leave the cell empty",
        ),
        ("count", "1.5", "table.value.type", "'1.5'", "write a whole number, or leave the cell empty"),
        ("count", "0", "table.value.out_of_range", "0", "it must be at least 1"),
        ("on", "maybe", "table.value.type", "'maybe'", "write 1 or 0, or leave the cell empty"),
        ("length_km", "nan", "table.value.not_finite", "'nan'", "write a finite number in km, or leave the cell empty"),
        ("site", " ", "table.value.missing", "", "give the site: Site."),
    ],
)
def test_a_bad_cell_is_one_finding(column: str, value: str, rule: str, found: str, remedy: str) -> None:
    raw = table(**{"count": ["1", "1"], "on": ["1", "1"], "length_km": ["1", "1"]})
    raw.loc[5, column] = value
    _, findings = check_table(raw, COLUMNS, "sites.csv")
    assert [(f.rule, f.where, f.found, f.remedy) for f in findings] == [
        (rule, f"sites.csv row 5, {column}", found, remedy)
    ]


def test_a_repeated_id_names_both_rows() -> None:
    _, findings = check_table(table(site=["a", "a"]), COLUMNS, "sites.csv")
    assert [str(f) for f in findings] == [
        "sites.csv row 5, site: row is given twice, found 'a'; it is given already in sites.csv row 2; "
        "keep one row or rename [table.id.duplicate]"
    ]


def test_a_key_of_several_columns() -> None:
    raw = table(note=["x", "y"], site=["a", "a"])
    assert check_table(raw, COLUMNS, "t", key=("site", "note"))[1] == []
    assert check_table(raw, COLUMNS, "t", key=())[1] == []
    assert [f.rule for f in check_table(raw.assign(note="x"), COLUMNS, "t", key=("site", "note"))[1]] == [
        "table.id.duplicate"
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("power_kw", "power_mw"),
        ("power", "power_mw"),
        ("Power_MW", "power_mw"),
        ("power mw", "power_mw"),
        ("length_miles", "length_km"),
        ("lenght_km", "length_km"),
    ],
)
def test_a_name_near_a_known_one_is_an_error(name: str, meant: str) -> None:
    raw = table().rename(columns={"power_mw": name}) if meant == "power_mw" else table().assign(**{name: "1"})
    _, findings = check_table(raw, COLUMNS, "sites.csv")
    assert [(f.rule, f.where) for f in findings] == [("table.column.unknown", f"sites.csv, {name}")]
    assert f"looks like {meant}" in findings[0].message
    assert f"name it {meant}, in " in findings[0].remedy


@pytest.mark.parametrize("name", ["power_mvar", "owner", "rating_source", "site_name", "length_note"])
def test_a_name_of_its_own_is_kept(name: str) -> None:
    frame, findings = check_table(table().assign(**{name: "1"}), COLUMNS, "sites.csv")
    assert findings == []
    assert frame[name].tolist() == ["1", "1"]


def test_a_missing_column_is_named_with_its_unit() -> None:
    _, findings = check_table(table().drop(columns="power_mw"), COLUMNS, "sites.csv")
    assert [(f.rule, f.where) for f in findings] == [("table.column.missing", "sites.csv, power_mw")]
    assert findings[0].remedy == "add power_mw [MW]: Power. Columns found: site, rating_mw"


def test_a_column_given_twice_is_an_error() -> None:
    raw = pd.concat([table(), table()[["power_mw"]]], axis=1)
    _, findings = check_table(raw, COLUMNS, "sites.csv")
    assert [(f.rule, f.where) for f in findings] == [("table.column.duplicate", "sites.csv, power_mw")]


def test_typed_tables_are_read_as_their_text_would_be() -> None:
    raw = pd.DataFrame({"site": [101.0, 102.0], "power_mw": [1, 2], "rating_mw": [math.inf, 5], "on": [True, False]})
    frame, findings = check_table(raw, COLUMNS, "sites.parquet")
    assert findings == []
    assert frame["site"].tolist() == ["101", "102"]
    assert frame["power_mw"].tolist() == [1.0, 2.0]
    assert frame["on"].tolist() == [True, False]
    missing = pd.DataFrame({"site": ["a", None], "power_mw": [1.0, math.nan], "rating_mw": [math.nan, 5.0]})
    frame, findings = check_table(missing, COLUMNS, "sites.parquet")
    assert [(f.rule, f.where) for f in findings] == [
        ("table.value.missing", "sites.parquet row 1, site"),
        ("table.value.missing", "sites.parquet row 1, power_mw"),
    ]
    assert frame["rating_mw"].tolist() == [math.inf, 5.0]


def test_many_findings_of_one_kind_are_counted() -> None:
    raw = pd.DataFrame({"site": [f"s{i}" for i in range(100)], "power_mw": "x", "rating_mw": ""})
    _, findings = check_table(raw, COLUMNS, "sites.csv")
    assert len(findings) == MOST_LISTED + 1
    assert findings[-1].message.endswith(f"(and {100 - MOST_LISTED} more like this; this is the last)")
    assert findings[-1].where == "sites.csv row 99, power_mw"


@pytest.mark.parametrize("name", list(TABLES))
def test_the_schema_is_whole(name: str) -> None:
    columns = [*TABLES[name], *AC_COLUMNS.get(name, ())]
    names = [c.name for c in columns]
    assert len(names) == len(set(names))
    assert set(KEYS[name]) <= set(names)
    for column in columns:
        assert column.meaning.endswith(".")
        assert not (column.required and column.kind == "float" and column.unit == "" and column.name != "factor")
    frame = empty_table(name)
    assert frame.empty
    assert {*frame.columns, *filter(None, frame.index.names)} == {c.name for c in TABLES[name]}
