import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import LineString, Point, Polygon, box

from optimizer.errors import InputError
from optimizer.io.vector import read_vector

BOW_TIE = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])


def written(frame: gpd.GeoDataFrame, path: Path, **options: object) -> Path:
    frame.to_file(path, **options)
    return path


def rules(path: Path, layer: str | None = None) -> list[str]:
    with pytest.raises(InputError) as refused:
        read_vector(path, layer)
    return [f.rule for f in refused.value.findings if f.severity == "error"]


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".shp", ".fgb", ".parquet"])
def test_every_format_gives_the_same_features(tmp_path: Path, suffix: str) -> None:
    frame = gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[box(0, 0, 1, 1), box(2, 2, 3, 3)], crs="EPSG:4326")
    path = tmp_path / f"layer{suffix}"
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_file(path)
    # FlatGeobuf stores features by place, not in the order of the table.
    read = read_vector(path)[0].sort_values("name")
    assert list(read["name"]) == ["a", "b"]
    assert read.crs == "EPSG:4326"
    assert [shape.area for shape in read.geometry] == pytest.approx([1.0, 1.0])


def test_the_reference_system_is_that_of_the_file(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[box(0, 0, 1000, 1000)], crs="EPSG:32614")
    assert read_vector(written(frame, tmp_path / "utm.gpkg"))[0].crs == "EPSG:32614"


def test_no_reference_system_is_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326")
    path = written(frame, tmp_path / "bare.shp")
    path.with_suffix(".prj").unlink()
    assert rules(path) == ["vector.no_crs"]


# A layer of thousands of features often holds a few that a GIS program drew and GEOS calls invalid: refusing it sends a
# site team away from the data it has. What can be repaired is, and each repair is said.


def test_invalid_polygons_are_repaired_and_named_one_by_one(tmp_path: Path) -> None:
    shapes = [box(5, 5, 6, 6), BOW_TIE, box(7, 7, 8, 8), BOW_TIE]
    path = written(gpd.GeoDataFrame({"name": list("pqrs")}, geometry=shapes, crs="EPSG:4326"), tmp_path / "p.geojson")
    read, findings = read_vector(path)
    assert [f.where for f in findings] == ["p.geojson, feature 2 (name q)", "p.geojson, feature 4 (name s)"]
    assert {(f.rule, f.severity) for f in findings} == {("vector.invalid_geometry", "warning")}
    # The crossing of the diagonals of the unit square is its centre; two of the four triangles they make are left.
    assert all("Self-intersection" in f.found and "0.5 0.5" in f.found for f in findings)
    assert [shape.area for shape in read.geometry] == pytest.approx([1.0, 0.5, 1.0, 0.5])


def test_many_invalid_polygons_are_counted(tmp_path: Path) -> None:
    path = written(gpd.GeoDataFrame(geometry=[BOW_TIE] * 40, crs="EPSG:4326"), tmp_path / "many.geojson")
    findings = read_vector(path)[1]
    assert len(findings) == 6
    assert "35 further features" in findings[-1].where


def collection(features: list[object]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.geojson", collection([]), "vector.empty_layer"),
        ("a.geojson", '{"type": "Topology"}', "vector.content"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [', "vector.content"),
        ("a.geojson", "<OGRVRTDataSource></OGRVRTDataSource>", "vector.content"),
        ("a.geojson", "", "file.empty"),
        ("a.gpkg", "not a database", "vector.content"),
        ("a.csv", "x,y", "file.format"),
        # A feature without geometry is left out with a warning, and then none is left.
        ("a.geojson", collection([{"type": "Feature", "properties": {}, "geometry": None}]), "vector.empty_layer"),
    ],
)
def test_what_is_no_layer_is_refused(tmp_path: Path, name: str, content: str, rule: str) -> None:
    (tmp_path / name).write_text(content)
    assert rules(tmp_path / name) == [rule]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert rules(tmp_path / "nowhere.gpkg") == ["file.missing"]


def test_empty_geopackage_layer_is_refused(tmp_path: Path) -> None:
    empty = gpd.GeoDataFrame({"name": []}, geometry=[], crs="EPSG:4326")
    assert rules(written(empty, tmp_path / "e.gpkg", geometry_type="Polygon")) == ["vector.empty_layer"]


def test_projected_coordinates_that_claim_to_be_degrees_are_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[box(500_000, 3_000_000, 501_000, 3_001_000)], crs="EPSG:32614")
    path = written(frame.set_crs("EPSG:4326", allow_override=True), tmp_path / "wrong.gpkg")
    assert rules(path) == ["vector.coordinates"]


@pytest.mark.parametrize(("layer", "rule"), [(None, "file.layer"), ("lakess", "file.layer")])
def test_the_layer_must_be_named_and_known(tmp_path: Path, layer: str | None, rule: str) -> None:
    path = tmp_path / "two.gpkg"
    for name in ("lakes", "parks"):
        gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326").to_file(path, layer=name)
    with pytest.raises(InputError) as refused:
        read_vector(path, layer)
    (finding,) = refused.value.findings
    assert finding.rule == rule
    assert "lakes" in finding.remedy
    assert len(read_vector(path, "parks")[0]) == 1


@pytest.mark.parametrize("shape", [Point(0, 0), LineString([(0, 0), (1, 1)])])
def test_points_and_lines_are_layers_too(tmp_path: Path, shape: object) -> None:
    path = written(gpd.GeoDataFrame(geometry=[shape], crs="EPSG:4326"), tmp_path / "s.geojson")
    assert read_vector(path)[0].geometry.iloc[0].equals(shape)


@pytest.mark.parametrize("edit", [lambda text: text.replace('"type"', "'type'"), lambda text: "\ufeff" + text])
def test_a_byte_order_mark_is_read_and_broken_quotes_are_not(tmp_path: Path, edit: Callable[[str], str]) -> None:
    path = written(gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="EPSG:4326"), tmp_path / "b.geojson")
    text = edit(path.read_text())
    path.write_text(text)
    if text.startswith("\ufeff"):
        assert len(read_vector(path)[0]) == 1
    else:
        assert rules(path) == ["vector.content"]
