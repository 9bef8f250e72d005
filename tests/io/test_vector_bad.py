"""Layers as site teams have them: repaired with a finding, or refused with file, feature and remedy.

Expected shapes and areas are worked out by hand from the drawn ones.
"""

from __future__ import annotations

import json
import math
import os
import random
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from optimizer.errors import Finding, InputError
from optimizer.io import vector, vector_source
from optimizer.io.vector import read_vector

SQUARE = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]


def drawn(
    path: Path, shapes: Sequence[object], crs: object = "EPSG:4326", columns: dict[str, object] | None = None
) -> Path:
    frame = gpd.GeoDataFrame(columns or {"id": range(1, len(shapes) + 1)}, geometry=list(shapes), crs=crs)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path)
    return path


def geojson(path: Path, *geometries: object) -> Path:
    features = [
        {"type": "Feature", "properties": {"name": f"f{n}"}, "geometry": g} for n, g in enumerate(geometries, 1)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def areas(frame: gpd.GeoDataFrame) -> list[float]:
    """Areas in the plane of the coordinates, whatever they are."""
    return shapely.area(frame.geometry.to_numpy()).tolist()


def said(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    assert all(f.remedy or f.severity == "info" for f in findings)
    return [(f.rule.removeprefix("vector."), f.severity) for f in findings]


def refused(path: Path, *args: object, **options: object) -> list[Finding]:
    with pytest.raises(InputError) as caught:
        read_vector(path, *args, **options)
    errors = [f for f in caught.value.findings if f.severity == "error"]
    assert all(f.where.startswith(path.name) and f.remedy for f in errors)
    return errors


# Rings


def test_a_ring_that_is_not_closed_is_closed(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", {"type": "Polygon", "coordinates": [SQUARE[:-1]]}, None)
    frame, findings = read_vector(path)
    assert frame.geometry.iloc[0].equals(box(0, 0, 1, 1))
    assert said(findings) == [("unclosed_ring", "warning"), ("empty_geometry", "warning")]
    assert [f.where for f in findings] == ["a.geojson, feature 1 (name f1)", "a.geojson, feature 2 (name f2)"]


def test_a_ring_of_two_points_leaves_nothing(tmp_path: Path) -> None:
    flat = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}
    frame, findings = read_vector(geojson(tmp_path / "a.geojson", flat, {"type": "Polygon", "coordinates": [SQUARE]}))
    assert len(frame) == 1
    assert said(findings) == [("invalid_geometry", "warning"), ("collapsed_geometry", "warning")]


def test_a_line_of_one_point_cannot_be_repaired(tmp_path: Path) -> None:
    dot = {"type": "LineString", "coordinates": [[0, 0]]}
    (finding,) = refused(geojson(tmp_path / "a.geojson", {"type": "Point", "coordinates": [0, 0]}, dot))
    assert (finding.rule, finding.where) == ("vector.invalid_geometry", "a.geojson, feature 2 (name f2)")


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        # Diagonals of the unit square: two of its four triangles.
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), 0.5),
        # A square with a spike has the area of the square.
        (Polygon([(0, 0), (1, 0), (1, 1), (3, 1), (1, 1), (0, 1)]), 1.0),
        # A hole that reaches out of its shell takes what it covers of it: half.
        (Polygon(box(0, 0, 2, 2).exterior, [box(1, 0, 3, 2).exterior.coords]), 2.0),
        # Two parts that overlap by 1 are one of 4 + 4 - 1.
        (MultiPolygon([box(0, 0, 2, 2), box(1, 1, 3, 3)]), 7.0),
    ],
)
def test_what_crosses_itself_is_rebuilt(tmp_path: Path, shape: object, area: float) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [shape]))
    assert frame.geometry.is_valid.all()
    assert areas(frame) == pytest.approx([area])
    assert said(findings) == [("invalid_geometry", "warning")]
    assert findings[0].where == "a.gpkg layer a, feature 1 (id 1)"
    assert findings[0].found


@pytest.mark.parametrize("number", [math.inf, -math.inf])
def test_endless_coordinates_are_refused(tmp_path: Path, number: float) -> None:
    (finding,) = refused(drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1), Polygon([(0, 0), (number, 1), (1, 0)])]))
    assert (finding.rule, finding.where) == ("vector.invalid_geometry", "a.gpkg layer a, feature 2 (id 2)")


def test_repeated_points_and_heights_are_dropped_and_noted(tmp_path: Path) -> None:
    shape = Polygon([(0, 0, 5), (0, 0, 5), (1, 0, 5), (1, 1, 5), (1, 1, 5)])
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [shape], crs="EPSG:4979"))
    assert not frame.geometry.has_z.any()
    assert frame.crs == "EPSG:4326"
    assert len(shapely.get_coordinates(frame.geometry.iloc[0])) == 4
    assert said(findings) == [("heights", "info"), ("repeated_points", "info")]


def test_points_that_are_given_twice_stay(tmp_path: Path) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [MultiPoint([(0, 0), (0, 0)])]))
    assert len(shapely.get_coordinates(frame.geometry.iloc[0])) == 2
    assert findings == []


# Null, empty and mixed


def test_features_without_geometry_are_left_out_by_name(tmp_path: Path) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [None, box(0, 0, 1, 1), Polygon()]))
    assert frame["id"].tolist() == [2]
    assert frame.index.tolist() == [0]
    assert [f.where for f in findings] == ["a.gpkg layer a, feature 1 (id 1)", "a.gpkg layer a, feature 3 (id 3)"]
    assert set(said(findings)) == {("empty_geometry", "warning")}


def test_a_layer_of_nothing_is_refused(tmp_path: Path) -> None:
    assert [f.rule for f in refused(drawn(tmp_path / "a.gpkg", [None, Polygon()]))] == ["vector.empty_layer"]


def test_a_collection_becomes_its_areas(tmp_path: Path) -> None:
    inner = GeometryCollection([box(0, 0, 2, 2), Point(9, 9)])
    shapes = [GeometryCollection([inner, box(1, 1, 3, 3), LineString([(0, 0), (9, 9)])]), box(5, 5, 6, 6)]
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", shapes))
    assert areas(frame) == pytest.approx([7.0, 1.0])
    assert said(findings) == [("mixed_geometry", "warning")]


def test_a_collection_of_areas_alone_loses_nothing(tmp_path: Path) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [GeometryCollection([box(0, 0, 1, 1), box(2, 0, 3, 1)])]))
    assert areas(frame) == [2.0]
    assert findings == []


def test_a_layer_of_several_kinds_is_said(tmp_path: Path) -> None:
    shapes = [Point(0, 0), LineString([(0, 0), (1, 1)]), box(0, 0, 1, 1), box(2, 2, 3, 3)]
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", shapes))
    assert len(frame) == 4
    assert said(findings) == [("mixed_layer", "warning")]
    assert findings[0].found == "1 points, 1 lines, 2 areas"


# Reference system, axes and antimeridian


def test_a_system_that_is_not_on_the_earth_is_refused(tmp_path: Path) -> None:
    local = 'LOCAL_CS["plan of the site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
    (finding,) = refused(drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)], crs=local))
    assert finding.rule == "vector.no_crs"


@pytest.mark.parametrize(
    ("shape", "crs"),
    [
        # Texas, Virginia and a zone of UTM with y before x.
        (box(30, -100, 31, -99), "EPSG:4326"),
        (box(38, -78, 39, -77), "EPSG:4269"),
        (box(3_500_000, 500_000, 3_501_000, 501_000), "EPSG:32614"),
    ],
)
def test_exchanged_axes_are_refused(tmp_path: Path, shape: object, crs: str) -> None:
    (finding,) = refused(drawn(tmp_path / "a.gpkg", [shape], crs=crs))
    assert finding.rule == "vector.axis_order"
    assert "exchanged" in finding.message
    right = shapely.transform(shape, lambda p: p[:, ::-1])
    assert read_vector(drawn(tmp_path / "b.gpkg", [right], crs=crs))[1] == []


def test_a_layer_far_from_what_its_system_is_for_is_said(tmp_path: Path) -> None:
    findings = read_vector(drawn(tmp_path / "a.gpkg", [box(10, 45, 11, 46)], crs="EPSG:4269"))[1]
    assert said(findings) == [("outside_area", "warning")]


@pytest.mark.parametrize(
    "shape",
    [
        Polygon([(179, 0), (-179, 0), (-179, 1), (179, 1)]),
        box(179, 0, 181, 1),
        box(-181, 0, -179, 1),
    ],
)
def test_what_crosses_the_antimeridian_is_cut_there(tmp_path: Path, shape: object) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [shape]))
    halves = shapely.union(box(179, 0, 180, 1), box(-180, 0, -179, 1))
    assert frame.geometry.iloc[0].equals(halves)
    assert said(findings) == [("antimeridian", "warning")]


def test_a_ring_that_jumps_several_times_keeps_its_notch(tmp_path: Path) -> None:
    # From 178 to 181, less the notch from 179 to 181 between latitudes 1 and 2: 3 x 3 - 2 x 1.
    ring = [(179, 0), (-179, 0), (-179, 1), (179, 1), (179, 2), (-179, 2), (-179, 3), (178, 3), (178, 0)]
    frame, _ = read_vector(drawn(tmp_path / "a.gpkg", [Polygon(ring)]))
    assert areas(frame) == pytest.approx([3 * 3 - 2 * 1])


def test_longitudes_of_0_to_360_are_brought_back(tmp_path: Path) -> None:
    frame, _ = read_vector(drawn(tmp_path / "a.gpkg", [box(260, 30, 262, 31), Point(190, 3), box(1, 1, 2, 2)]))
    assert frame.geometry.iloc[0].equals(box(-100, 30, -98, 31))
    assert frame.geometry.iloc[1] == Point(-170, 3)
    assert frame.geometry.iloc[2].equals(box(1, 1, 2, 2))


def test_a_line_is_cut_half_way(tmp_path: Path) -> None:
    frame, _ = read_vector(drawn(tmp_path / "a.gpkg", [LineString([(170, 0), (-170, 5)])]))
    # 20 degrees of longitude climb 5 of latitude: 2.5 at the cut.
    ends = shapely.MultiLineString([[(170, 0), (180, 2.5)], [(-180, 2.5), (-170, 5)]])
    assert frame.geometry.iloc[0].equals(ends)


@pytest.mark.parametrize("shape", [box(-180, -90, 180, 90), MultiPolygon([box(170, 0, 180, 1), box(-180, 0, -170, 1)])])
def test_what_ends_at_the_antimeridian_is_left_alone(tmp_path: Path, shape: object) -> None:
    frame, findings = read_vector(drawn(tmp_path / "a.gpkg", [shape]))
    assert frame.geometry.iloc[0].equals(shape)
    assert findings == []


# Sizes


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet"])
def test_a_polygon_of_a_million_points_is_read_whole(tmp_path: Path, suffix: str) -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_001)[:-1]
    radius = 1 + 0.1 * np.sin(5000 * angle)
    shape = Polygon(np.column_stack([radius * np.cos(angle) - 99, radius * np.sin(angle) + 31]))
    frame, findings = read_vector(drawn(tmp_path / f"a{suffix}", [shape]))
    assert findings == []
    # The area in polar coordinates: half the integral of the squared radius, pi (1 + 0.1^2 / 2).
    assert areas(frame) == pytest.approx([np.pi * (1 + 0.1**2 / 2)], rel=1e-4)


def test_too_many_cells_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)] * 10, columns={"p": range(10), "q": range(10)})
    monkeypatch.setattr(vector, "MAX_CELLS", 20)
    assert [f.rule for f in refused(path)] == ["file.too_large"]
    # Ten features with their geometry and one column of two.
    assert list(read_vector(path, columns=["p"])[0].columns) == ["p", "geometry"]


def test_too_many_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_source, "MAX_LAYER_BYTES", 10_000)
    assert [f.rule for f in refused(drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)]))] == ["file.too_large"]
    (tmp_path / "b.zip").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", bytes(20_000))
    assert (tmp_path / "b.zip").stat().st_size < 1000
    assert [f.rule for f in refused(tmp_path / "b.zip")] == ["file.too_large"]


# Formats


def zipped(path: Path, *members: tuple[str, Path]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, file in members:
            archive.write(file, name)
    return path


def shapefile(folder: Path, name: str) -> list[Path]:
    drawn(folder / f"{name}.shp", [box(0, 0, 1, 1), box(2, 2, 3, 3)], columns={"name": ["a", "b"]})
    return sorted(folder.glob(f"{name}.*"))


def test_a_zipped_shapefile_is_read(tmp_path: Path) -> None:
    parts = shapefile(tmp_path, "parks")
    path = zipped(
        tmp_path / "download.zip", *((f"data/{p.name}", p) for p in parts), ("__MACOSX/._parks.shp", parts[0])
    )
    frame, findings = read_vector(path)
    assert frame["name"].tolist() == ["a", "b"]
    assert frame.crs == "EPSG:4326"
    assert findings == []


def test_an_archive_of_several_asks_for_one(tmp_path: Path) -> None:
    parts = [*shapefile(tmp_path, "parks"), *shapefile(tmp_path, "lakes")]
    path = zipped(tmp_path / "both.zip", *((p.name, p) for p in parts))
    (finding,) = refused(path)
    assert finding.rule == "file.layer"
    assert "lakes, parks" in finding.remedy
    assert len(read_vector(path, "lakes")[0]) == 2


def test_a_geodatabase_is_read_as_folder_and_zipped(tmp_path: Path) -> None:
    folder = tmp_path / "land.gdb"
    frame = gpd.GeoDataFrame({"GAP_Sts": ["1", "4"]}, geometry=[box(0, 0, 1, 1), box(2, 2, 3, 3)], crs="EPSG:4326")
    frame.to_file(folder, driver="OpenFileGDB", layer="parks")
    path = zipped(tmp_path / "land.zip", *((f"land.gdb/{p.name}", p) for p in folder.iterdir()))
    for source in (folder, path):
        read, findings = read_vector(source, "parks", filter="GAP_Sts IN ('1', '2')")
        assert read["GAP_Sts"].tolist() == ["1"]
        assert areas(read) == [1.0]
        assert findings == []
    assert [f.rule for f in refused(folder, "park")] == ["file.layer"]


def test_a_folder_that_is_no_geodatabase_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.gdb").mkdir()
    assert [f.rule for f in refused(tmp_path / "a.gdb")] == ["vector.content"]
    assert [f.rule for f in refused(tmp_path / "b.gdb")] == ["file.missing"]


def test_tables_beside_the_one_layer_are_not_asked_about(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)])
    pyogrio.write_dataframe(pd.DataFrame({"style": ["red"]}), path, layer="layer_styles")
    assert len(read_vector(path)[0]) == 1
    assert [f.rule for f in refused(path, "layer_styles")] == ["vector.no_geometry"]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04" + bytes(100), "truncated"),
        (None, "no layer"),
        ({"a.shp": b"<OGRVRTDataSource/>"}, "VRT"),
        ({"../a.shp": b"\x00\x00\x27\x0a"}, "outside"),
    ],
)
def test_archives_that_are_refused(tmp_path: Path, content: object, name: str) -> None:
    path = tmp_path / "a.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in (content or {"notes.txt": b"x"}).items():
                archive.writestr(member, data)
    assert [f.rule for f in refused(path)] == ["vector.content"]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("a.shp")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, os.fspath(tmp_path / "elsewhere"))
    assert [f.rule for f in refused(tmp_path / "a.zip")] == ["vector.content"]


def test_parquet_without_geometry_and_with_broken_metadata(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    assert [f.rule for f in refused(tmp_path / "t.parquet")] == ["vector.no_geometry"]
    (tmp_path / "u.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert [f.rule for f in refused(tmp_path / "u.parquet")] == ["file.unreadable"]


# Columns and filters


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".shp"])
def test_only_what_is_asked_for_is_read(tmp_path: Path, suffix: str) -> None:
    columns = {"name": ["p", "q"], "depth_m": [1.0, 2.0], "zone": ["AE", "X"], "notes": ["x", "y"]}
    path = drawn(tmp_path / f"a{suffix}", [box(0, 0, 1, 1), box(2, 2, 3, 3)], columns=columns)
    frame, findings = read_vector(path, filter="zone = 'X'", columns=["depth_m"])
    assert set(frame.columns) == {"name", "depth_m", "zone", "geometry"}
    assert frame["depth_m"].tolist() == [2.0]
    assert frame.index.tolist() == [0]
    assert findings == []


def test_unknown_columns_are_named_with_the_nearest(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)], columns={"zone": ["AE"]})
    found = refused(path, filter="zones = 'AE'", columns=["Zone"])
    assert [(f.rule, f.found) for f in found] == [("vector.column", "'Zone'"), ("vector.column", "'zones'")]
    assert all("did you mean 'zone'?" in f.remedy for f in found)


@pytest.mark.parametrize(
    "filter", ["zone = 1", "zone = 'A'; DROP TABLE a", "zone = 'A' OR geometry = 'x'", "load(zone)"]
)
def test_filters_that_are_refused_leave_the_file_as_it_was(tmp_path: Path, filter: str) -> None:
    path = drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)], columns={"zone": ["AE"]})
    before = path.read_bytes()
    assert refused(path, filter=filter)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.gpkg"]


def test_a_filter_that_lets_nothing_through_is_said(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.gpkg", [box(0, 0, 1, 1)], columns={"zone": ["AE"]})
    frame, findings = read_vector(path, filter="zone = 'ae'")
    assert frame.empty
    assert frame.crs == "EPSG:4326"
    assert said(findings) == [("none_left", "warning")]


def test_what_the_filter_leaves_out_needs_no_repair(tmp_path: Path) -> None:
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    path = drawn(tmp_path / "a.gpkg", [bow_tie, box(0, 0, 1, 1), bow_tie], columns={"id": [7, 8, 9]})
    assert read_vector(path, filter="id = 8")[1] == []
    (finding,) = read_vector(path, filter="id > 8")[1]
    assert finding.where == "a.gpkg layer a, feature 3 (id 9)"


# Any bytes


FILES = ["a.gpkg", "a.shp", "a.dbf", "a.prj", "a.fgb", "a.geojson", "a.parquet", "a.zip", "a.gdb"]


@pytest.mark.parametrize("name", FILES)
def test_garbled_files_are_read_or_refused_with_findings(tmp_path: Path, name: str) -> None:
    frame = gpd.GeoDataFrame({"name": ["a", "b"], "v": [1.5, 9]}, geometry=[box(0, 0, 1, 1), box(2, 2, 3, 3)], crs=4326)
    path = tmp_path / (name if name not in ("a.dbf", "a.prj") else "a.shp")
    if name == "a.zip":
        zipped(path, *((p.name, p) for p in shapefile(tmp_path, "b")))
    elif name == "a.parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, driver="OpenFileGDB" if name == "a.gdb" else None)
    rng = random.Random(name)
    for _ in range(25):
        parts = sorted(p for p in path.iterdir() if p.stat().st_size > 8) if path.is_dir() else [tmp_path / name]
        target = rng.choice(parts)
        whole = target.read_bytes()
        garbled = bytearray(whole[: rng.choice([len(whole), len(whole), len(whole) // 2])])
        for at in rng.choices(range(4, len(garbled)), k=rng.choice([1, 4, 40])):
            garbled[at] = rng.randrange(256)
        target.write_bytes(garbled)
        findings: Sequence[Finding] = ()
        try:
            read, _ = read_vector(path)
        except InputError as error:
            findings = error.findings
        else:
            assert read.geometry.is_valid.all()
        assert all(f.where.startswith(path.name) for f in findings)
        target.write_bytes(whole)
