"""Coordinates joined from a table: by bus, by substation, from points; and each mistake as one finding."""

from __future__ import annotations

import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from optimizer.config import load_config
from optimizer.errors import InputError
from optimizer.grid.network import Grid
from optimizer.io import join_coordinates, read_grid
from optimizer.study.inputs import InputFile
from optimizer.study.reading import Reader


@pytest.fixture
def grid(folder: Path) -> Grid:
    """Buses 007 (30, -97), b and c (nowhere); the last two in substation S."""
    buses = pd.read_csv(folder / "buses.csv", dtype=str)
    buses.assign(substation=["", "S", "S"]).to_csv(folder / "buses.csv", index=False)
    return read_grid(folder)


def table(folder: Path, text: str) -> Path:
    file = folder / "places.csv"
    file.write_text(text, encoding="utf-8")
    return file


def positions(grid: Grid) -> list[tuple[float, float]]:
    return list(zip(grid.buses["lat"], grid.buses["lon"], strict=True))


def test_by_bus(grid: Grid, tmp_path: Path) -> None:
    before = positions(grid)
    joined = join_coordinates(grid, table(tmp_path, "bus,lat,lon,note\n007,31,-98,x\nb,32,-99,\nzz,1,2,\n"))
    assert positions(joined)[:2] == [(31, -98), (32, -99)]
    assert math.isnan(joined.buses.loc["c", "lat"])
    assert positions(grid)[0] == before[0] == (30, -97)
    said = {f.rule: (f.found, f.severity) for f in joined.findings}
    assert said["io.coordinates.unused"] == ("1: zz", "info")
    assert said["io.coordinates.replaced"] == ("1: 007", "info")
    assert said["io.coordinates.missing"] == ("1: c", "warning")
    assert "coordinates of 2 buses joined" in joined.findings[-1].message


def test_by_substation(grid: Grid, tmp_path: Path) -> None:
    joined = join_coordinates(grid, table(tmp_path, "substation,lat,lon\nS,32,-99\n"))
    assert positions(joined) == [(30, -97), (32, -99), (32, -99)]
    assert {f.rule for f in joined.findings} == {"io.coordinates.read"}


def test_parquet_and_points_of_a_layer(grid: Grid, tmp_path: Path) -> None:
    rows = pd.DataFrame({"bus": ["b", "c"], "lat": [31.5, 32.5], "lon": [-98.25, -99.0]})
    rows.to_parquet(tmp_path / "places.parquet")
    expected = positions(join_coordinates(grid, tmp_path / "places.parquet"))
    points = gpd.GeoDataFrame(rows[["bus"]], geometry=gpd.points_from_xy(rows["lon"], rows["lat"]), crs=4326)
    points.to_crs(3857).to_file(tmp_path / "places.gpkg", layer="places")
    found = positions(join_coordinates(grid, tmp_path / "places.gpkg"))
    assert found == [pytest.approx(pair, abs=1e-9) for pair in expected]
    assert expected[1:] == [(31.5, -98.25), (32.5, -99.0)]


@pytest.mark.parametrize(
    ("text", "rule", "where", "found"),
    [
        ("bus,lat,lon\nzz,1,2\n", "io.coordinates.none", "places.csv", "zz"),
        ("name,lat,lon\nb,1,2\n", "io.coordinates.key", "places.csv", "columns name, lat, lon"),
        ("bus,substation,lat,lon\nb,S,1,2\n", "io.coordinates.key", "places.csv", "columns bus, substation, lat, lon"),
        ("bus,lat,lon\nb,91,2\n", "table.value.out_of_range", "places.csv row 2, lat", "91 deg"),
        ("bus,lat,lon\nb,1,\n", "table.value.missing", "places.csv row 2, lon", ""),
        ("bus,lat,lon\nb,1,2\nb,1,3\n", "table.id.duplicate", "places.csv row 3, bus", "'b'"),
        ("bus,lat\nb,1\n", "table.column.missing", "places.csv, lon", ""),
    ],
)
def test_bad_tables_are_refused(grid: Grid, tmp_path: Path, text: str, rule: str, where: str, found: str) -> None:
    with pytest.raises(InputError) as error:
        join_coordinates(grid, table(tmp_path, text))
    assert [(f.rule, f.where, f.found) for f in error.value.findings if f.severity == "error"] == [(rule, where, found)]


def test_a_study_names_the_table(folder: Path, tmp_path: Path) -> None:
    """The table counts among the inputs of the study, and what it lacks among its findings."""
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "s"\n[grid]\nsource = "small"\ncoordinates = "places.csv"\n', encoding="utf-8"
    )
    file = table(tmp_path, "bus,lat,lon\nb,32,-99\n")
    settings = load_config(tmp_path / "study.toml").grid
    assert settings is not None
    reader = Reader(tmp_path, {})
    grid = reader.grid(settings.source, settings.coordinates)
    assert grid.buses.loc["b", ["lat", "lon"]].tolist() == [32, -99]
    assert InputFile(file, "coordinates") in reader.inputs()
    assert "io.coordinates.missing" in {f.rule for f in reader.findings}
    again = Reader(tmp_path, reader.used)
    assert again.grid(settings.source).buses["lat"].isna().tolist() == [False, True, True]


def test_a_base_file_in_another_folder_brings_its_table(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    table(tmp_path / "base", "bus,lat,lon\n")
    (tmp_path / "base" / "base.toml").write_text(
        '[study]\nname = "s"\n[grid]\nsource = "none"\ncoordinates = "places.csv"\n', encoding="utf-8"
    )
    (tmp_path / "study.toml").write_text('extends = "base/base.toml"\n', encoding="utf-8")
    settings = load_config(tmp_path / "study.toml").grid
    assert settings is not None
    assert settings.coordinates == "base/places.csv"
