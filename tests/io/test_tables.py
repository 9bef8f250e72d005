"""A grid folder: reading, writing, reading back; and each bad input as one finding that names file, row and column."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from optimizer.errors import Finding, InputError
from optimizer.grid.columns import TABLES
from optimizer.grid.network import Grid
from optimizer.io import read_grid, read_table, write_tables
from optimizer.resources import dataset_path


def refused(path: Path) -> list[Finding]:
    with pytest.raises(InputError) as error:
        read_grid(path)
    return [f for f in error.value.findings if f.severity == "error"]


def assert_same(one: Grid, other: Grid) -> None:
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table), check_exact=True)


def test_a_folder_is_read(folder: Path) -> None:
    grid = read_grid(folder)
    assert (grid.name, grid.base_mva) == ("small", 100)
    assert grid.buses.index.tolist() == ["007", "b", "c"]
    assert grid.buses.loc["007", ["lat", "lon", "owner"]].tolist() == [30.0, -97.0, "x"]
    assert grid.branches.loc["bc", "rating_mw"] == math.inf
    assert grid.generators["in_service"].tolist() == [True, False]
    assert grid.snapshots["hours"].tolist() == [60.0, 8700.0]
    assert grid.load_factors["factor"].tolist() == [1.1, 0.3]
    assert grid.upgrades.empty
    assert grid.findings == ()


def test_written_and_read_back_is_the_same(folder: Path, tmp_path: Path) -> None:
    grid = read_grid(folder)
    write_tables(grid, tmp_path / "copy" / "small")
    assert_same(grid, read_grid(tmp_path / "copy" / "small"))
    written = {p.name for p in (tmp_path / "copy" / "small").iterdir()}
    assert written == {f"{t}.csv" for t in ("buses", "branches", "generators", "snapshots", "load_factors")}
    assert [p.name for p in (tmp_path / "copy").iterdir()] == ["small"]


def test_texas_round_trip(tmp_path: Path) -> None:
    grid = read_grid(dataset_path("texas") / "grid")
    assert (len(grid.buses), len(grid.branches), len(grid.generators)) == (2000, 3206, 598)
    assert not [f for f in grid.findings if f.severity != "info"]
    write_tables(grid, tmp_path / "texas")
    assert_same(grid, read_grid(tmp_path / "texas"))


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    before = sorted((p.name, p.read_bytes()) for p in folder.iterdir())
    grid = read_grid(folder)
    with pytest.raises(InputError, match=r"the folder is not empty.*\[file.exists\]"):
        write_tables(grid, folder)
    assert sorted((p.name, p.read_bytes()) for p in folder.iterdir()) == before
    (tmp_path / "empty").mkdir()
    write_tables(grid, tmp_path / "empty")
    assert_same(grid, read_grid(tmp_path / "empty"))


def test_parquet_and_geopackage_give_the_same_grid(folder: Path, tmp_path: Path) -> None:
    grid = read_grid(folder)
    other = tmp_path / "other"
    other.mkdir()
    frames = {p.stem: read_table(p).reset_index(drop=True) for p in folder.iterdir()}
    frames["branches"].to_parquet(other / "branches.parquet")
    units = frames["generators"].astype({"p_max_mw": float, "in_service": int}).astype({"in_service": bool})
    units.to_parquet(other / "generators.parquet")
    for name in ("buses", "snapshots", "load_factors"):
        layer = gpd.GeoDataFrame(frames[name], geometry=[None] * len(frames[name]), crs=4326)
        layer.to_file(other / "more.gpkg", layer=name)
    assert_same(grid, read_grid(other))


def test_points_of_a_layer_become_coordinates(folder: Path, tmp_path: Path) -> None:
    frames = {p.stem: read_table(p).reset_index(drop=True) for p in folder.iterdir()}
    buses = frames["buses"].drop(columns=["lat", "lon"])
    points = gpd.GeoSeries.from_xy([-97, -98, -99], [30, 31, 32], crs=4326).to_crs(3857)
    file = tmp_path / "grid.gpkg"
    gpd.GeoDataFrame(buses, geometry=list(points), crs=3857).to_file(file, layer="buses")
    for name in ("branches", "generators"):
        gpd.GeoDataFrame(frames[name], geometry=[None] * len(frames[name]), crs=3857).to_file(file, layer=name)
    grid = read_grid(file)
    assert grid.name == "grid"
    assert grid.buses["lat"].round(9).tolist() == [30, 31, 32]
    assert grid.buses["lon"].round(9).tolist() == [-97, -98, -99]
    assert "geometry" not in grid.buses.columns


def test_points_without_a_reference_system_are_refused(folder: Path) -> None:
    buses = read_table(folder / "buses.csv").drop(columns=["lat", "lon"])
    (folder / "buses.csv").unlink()
    points = gpd.GeoSeries.from_xy([-97, -98, -99], [30, 31, 32])
    frame = gpd.GeoDataFrame(buses, geometry=list(points))
    with pytest.warns(UserWarning, match="crs"):
        frame.to_file(folder / "buses.gpkg", layer="buses")
    findings = refused(folder)
    assert [(f.rule, f.where) for f in findings] == [("file.crs", "small/buses.gpkg layer buses")]


def test_what_is_no_table_is_said(folder: Path) -> None:
    (folder / "storages.csv").write_text("a\n1\n")
    (folder / "notes.txt").write_text("x")
    (finding,) = read_grid(folder).findings
    assert (finding.rule, finding.where, finding.severity) == ("grid.table.unknown", "small/storages.csv", "warning")


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / f"{name}.csv"
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1
        file.write_text(text.replace(old, new), encoding="utf-8")

    return change


def write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(content) and None


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


# The edit, and of the one finding it must give: rule, place, value found, words of the remedy.
BAD = [
    (edit("buses", "b,345,50", "b,345,nan"), "table.value.not_finite", "small/buses.csv row 3, load_mw", "'nan'", "MW"),
    (edit("buses", "c,138", "c,0"), "table.value.out_of_range", "small/buses.csv row 4, base_kv", "0 kV", "above 0 kV"),
    (edit("buses", ",30,-97", ",30,"), "grid.bus.position", "small/buses.csv row 2, lon", "", "give lon"),
    (
        edit("buses", ",30,-97", ",30,-197"),
        "table.value.out_of_range",
        "small/buses.csv row 2, lon",
        "-197 deg",
        "-180",
    ),
    (
        edit("buses", "base_kv", "base_v"),
        "table.column.unknown",
        "small/buses.csv, base_v",
        "base_v",
        "name it base_kv",
    ),
    (
        edit("branches", ",100,", ",-100,"),
        "table.value.out_of_range",
        "small/branches.csv row 2, rating_mw",
        "-100 MW",
        "0",
    ),
    (
        edit("branches", "rating_mw", "rating_kw"),
        "table.column.unknown",
        "small/branches.csv, rating_kw",
        "rating_kw",
        "MW",
    ),
    (
        edit("branches", "rating_mw", "rating"),
        "table.column.unknown",
        "small/branches.csv, rating",
        "rating",
        "rating_mw",
    ),
    (edit("branches", "x_pu", "impedance"), "table.column.missing", "small/branches.csv, x_pu", "", "add x_pu [pu]"),
    (edit("branches", "bc,b", "ab,b"), "table.id.duplicate", "small/branches.csv row 3, branch", "'ab'", "row 2"),
    (edit("branches", "bc,b,c", "bc,b,q"), "grid.bus.unknown", "small/branches.csv row 3, to_bus", "'q'", "buses"),
    (edit("branches", "0.05", "0"), "grid.branch.zero_reactance", "small/branches.csv row 3, x_pu", "0 pu", "not 0"),
    (edit("branches", "0.05", "0.05x"), "table.value.type", "small/branches.csv row 3, x_pu", "'0.05x'", "in pu"),
    (edit("branches", "0.05,,", "0.05,"), "table.row.length", "small/branches.csv row 3", "5 cells", "6 columns"),
    (
        edit("branches", "bc,b,c,0.05,,transformer\n", ""),
        "grid.bus.isolated",
        "small/buses.csv row 4",
        "load 30 MW",
        "set",
    ),
    (edit("generators", "g1,007", "g1,7"), "grid.bus.unknown", "small/generators.csv row 2, bus", "'7'", "buses"),
    (
        edit("generators", "200,1", "200,perhaps"),
        "table.value.type",
        "small/generators.csv row 2, in_service",
        "'perhaps'",
        "1 or 0",
    ),
    (edit("generators", "200,1", ",1"), "table.value.missing", "small/generators.csv row 2, p_max_mw", "", "in MW"),
    (
        edit("snapshots", "8700", "0"),
        "table.value.out_of_range",
        "small/snapshots.csv row 3, hours",
        "0 h",
        "above 0 h",
    ),
    (
        edit("load_factors", "peak,e", "night,e"),
        "grid.snapshot.unknown",
        "small/load_factors.csv row 3, snapshot",
        "'night'",
        "",
    ),
    (
        edit("load_factors", "peak,e", "peak,w"),
        "table.id.duplicate",
        "small/load_factors.csv row 3, snapshot and zone",
        "'peak', 'w'",
        "row 2",
    ),
    (remove("generators.csv"), "grid.table.missing", "small/generators.csv", "", "add it, with columns generator, bus"),
    (write("buses.csv", b""), "file.empty", "small/buses.csv", "0 bytes", "write it again"),
    (
        write("buses.csv", b"bus,base_kv\ncaf\xe9,1\n"),
        "file.encoding",
        "small/buses.csv",
        "byte 0xe9 in line 2",
        "UTF-8",
    ),
    (write("buses.csv", b"bus;base_kv\na;1\n"), "table.separator", "small/buses.csv row 1", "bus;base_kv", "commas"),
    (write("buses.csv", b"bus,base_kv\n"), "grid.buses.none", "buses", "", "at least one bus"),
    (
        write("buses.parquet", b"PAR1"),
        "grid.table.duplicate",
        "small",
        "small/buses.csv, small/buses.parquet",
        "keep one",
    ),
]


@pytest.mark.parametrize(("change", "rule", "where", "found", "remedy"), BAD, ids=[f"{b[1]}-{b[2]}" for b in BAD])
def test_a_bad_input_is_one_finding(
    folder: Path, change: Callable[[Path], None], rule: str, where: str, found: str, remedy: str
) -> None:
    change(folder)
    findings = refused(folder)
    assert [(f.rule, f.where, f.found) for f in findings] == [(rule, where, found)]
    assert remedy in findings[0].remedy
    assert findings[0].remedy


def test_problems_of_all_tables_are_said_at_once(folder: Path) -> None:
    edit("buses", "b,345", "b,nan")(folder)
    edit("generators", "200,1", "x,1")(folder)
    write("branches.csv", b"\xff")(folder)
    assert sorted(f.where for f in refused(folder)) == [
        "small/branches.csv",
        "small/buses.csv row 3, base_kv",
        "small/generators.csv row 2, p_max_mw",
    ]


def test_a_place_that_is_no_grid(tmp_path: Path) -> None:
    (tmp_path / "bus.csv").write_text("x\n1\n")
    (finding,) = refused(tmp_path)
    assert (finding.rule, finding.found) == ("grid.table.missing", f"{tmp_path.name}/bus.csv")
    (finding,) = refused(tmp_path / "nowhere")
    assert finding.rule == "file.missing"
    (finding,) = refused(tmp_path / "bus.csv")
    assert (finding.rule, finding.found) == ("file.format", ".csv")
