"""Reading a table: three formats, and every way a file can be unreadable as one finding."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point

from optimizer.errors import Finding, InputError
from optimizer.io import reading
from optimizer.io.reading import read_table


def only(path: Path, layer: str | None = None) -> Finding:
    with pytest.raises(InputError) as refused:
        read_table(path, layer)
    (finding,) = refused.value.findings
    return finding


def test_csv_cells_stay_text_and_rows_keep_their_line(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    text = '﻿id , x,note\r\n007,1e3,"two\nlines, quoted"\r\n\r\n 8 ,nan,NA\r\n'
    file.write_bytes(text.encode())
    frame = read_table(file)
    assert list(frame.columns) == ["id", "x", "note"]
    assert frame.to_numpy().tolist() == [["007", "1e3", "two\nlines, quoted"], [" 8 ", "nan", "NA"]]
    assert frame.index.tolist() == [2, 5]
    assert frame.index.name == "row"


def test_csv_with_names_only_is_a_table_without_rows(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("id,x\n")
    frame = read_table(file)
    assert list(frame.columns) == ["id", "x"]
    assert frame.empty


def test_empty_columns_without_a_name_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("id,x,,\n1,2,,\n")
    assert list(read_table(file).columns) == ["id", "x"]


def test_columns_of_one_name_are_both_kept_for_the_check(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,x\n1,2\n")
    assert list(read_table(file).columns) == ["x", "x"]


def test_parquet_keeps_types(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pd.DataFrame({"id": [7, 8], "x": [1.5, np.nan]}, index=[10, 20]).to_parquet(file)
    frame = read_table(file)
    assert frame["id"].tolist() == [7, 8]
    assert frame.index.tolist() == [1, 2]


def test_geopackage_layers(tmp_path: Path) -> None:
    file = tmp_path / "t.gpkg"
    points = gpd.GeoDataFrame({"id": ["007"]}, geometry=[Point(1, 2)], crs=4326)
    points.to_file(file, layer="one")
    assert isinstance(read_table(file), gpd.GeoDataFrame)
    points.to_file(file, layer="two")
    assert read_table(file, "two")["id"].tolist() == ["007"]
    finding = only(file)
    assert (finding.rule, finding.remedy) == ("file.layer", "known: one, two")
    finding = only(file, "tow")
    assert (finding.rule, finding.found) == ("file.layer", "tow")
    assert finding.remedy.startswith("did you mean 'two'?")


def test_geoparquet_has_geometry(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    gpd.GeoDataFrame({"id": ["a"]}, geometry=[Point(1, 2)], crs=4326).to_parquet(file)
    frame = read_table(file)
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.crs == 4326


@pytest.mark.parametrize(
    ("content", "rule", "where", "found"),
    [
        (b"", "file.empty", "", "0 bytes"),
        (b"\n \n", "file.empty", "", ""),
        (b"id,name\n1,caf\xe9\n", "file.encoding", "", "byte 0xe9 in line 2"),
        ("id,x\n1,2\n".encode("utf-16"), "file.encoding", "", "byte 0xff in line 1"),
        (b"id,x\n1,\0\n", "file.encoding", "", "a zero byte in line 2"),
        (b"id,x\n1,2\n\n3,4,5\n", "table.row.length", " row 4", "3 cells"),
        (b"id,x\n1\n", "table.row.length", " row 2", "1 cells"),
        (b'id,x\n1,"2\n3,4\n', "table.row.unreadable", " row 2", "unexpected end of data"),
        (b"id;x\n1;2\n", "table.separator", " row 1", "id;x"),
    ],
)
def test_a_bad_csv_is_one_finding(tmp_path: Path, content: bytes, rule: str, where: str, found: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    finding = only(file)
    assert (finding.rule, finding.where, finding.found) == (rule, f"{file}{where}", found)
    assert finding.remedy


@pytest.mark.parametrize("name", ["bad.parquet", "bad.gpkg"])
def test_a_damaged_binary_file_is_one_finding(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"this is something else")
    assert only(file).rule == "file.unreadable"


def test_missing_file_folder_and_format(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text("id\n1\n")
    missing = only(tmp_path / "site.csv")
    assert (missing.rule, missing.remedy) == ("file.missing", "did you mean 'sites.csv'? known: sites.csv")
    assert "does not exist either" in only(tmp_path / "nowhere" / "site.csv").remedy
    (tmp_path / "folder.csv").mkdir()
    assert only(tmp_path / "folder.csv").rule == "file.is_folder"
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    unknown = only(tmp_path / "t.xlsx")
    assert (unknown.rule, unknown.found, unknown.remedy) == (
        "file.format",
        ".xlsx",
        "give one of .csv, .parquet, .gpkg",
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".gpkg"])
def test_an_oversized_file_is_refused_unread(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"big{suffix}"
    with file.open("wb") as made:
        made.truncate(reading.MAX_BYTES + 1)  # sparse: takes no space
    finding = only(file)
    assert (finding.rule, finding.found) == ("file.too_large", "200 MB")


def test_a_small_file_that_holds_a_huge_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_CELLS", 1000)
    file = tmp_path / "t.parquet"
    pd.DataFrame({"x": np.zeros(2000)}).to_parquet(file)
    assert (only(file).rule, only(file).found) == ("file.too_large", "2,000 cells")
    gpd.GeoDataFrame({"x": [1] * 600}, geometry=[Point(0, 0)] * 600, crs=4326).to_file(tmp_path / "t.gpkg")
    assert only(tmp_path / "t.gpkg").rule == "file.too_large"
