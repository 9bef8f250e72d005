"""What each rule asks of a layer, and layers of every kind in a study."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import affine
import geopandas as gpd
import numpy as np
import pytest
import rasterio
from shapely.geometry import LineString, Point, box

from optimizer.config import LayerSettings
from optimizer.errors import Finding, InputError
from optimizer.io.raster import Raster, read_raster
from optimizer.layers.layer import MapLayer
from optimizer.study import Study
from optimizer.study.map_layers import layer_findings, unique_names
from optimizer.study.region import Region

Edited = Callable[..., Study]

HERE = box(-0.05, -0.05, 0.05, 0.05)


def features(shapes: Sequence[object] = (HERE,), **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs="EPSG:4326")


def layer(data: gpd.GeoDataFrame | Raster | None = None, name: str = "zones", **settings: object) -> MapLayer:
    data = features() if data is None else data
    made = LayerSettings(source=f"{name}.gpkg", **settings)
    return MapLayer(name, made, None, data) if isinstance(data, Raster) else MapLayer(name, made, data)


def found(*layers: MapLayer, region: Region | None = None) -> list[Finding]:
    findings = layer_findings(layers, region)
    assert all(f.remedy for f in findings)
    return findings


def rules(*layers: MapLayer, region: Region | None = None) -> list[str]:
    return [f.rule.removeprefix("study.layer.") for f in found(*layers, region=region)]


def slope(folder: Path, degrees: float = 0.4) -> Path:
    """Cells of 0.01 degrees around (0, 0); their value is the number of their column."""
    side = round(degrees / 0.01)
    values = np.tile(np.arange(side, dtype="float32"), (side, 1))
    transform = affine.Affine(0.01, 0, -degrees / 2, 0, -0.01, degrees / 2)
    with rasterio.open(
        folder / "slope.tif",
        "w",
        driver="GTiff",
        count=1,
        width=side,
        height=side,
        dtype="float32",
        crs="EPSG:4326",
        transform=transform,
    ) as file:
        file.write(values[None])
    return folder / "slope.tif"


@pytest.mark.parametrize(
    "made",
    [
        layer(),
        layer(buffer_m=100.0),
        layer(features([Point(0, 0)]), buffer_m=1.0),
        layer(features([LineString([(0, 0), (1, 1)])]), rule="setback", buffer_m=30.0),
        layer(features(depth_m=[1.5]), rule="attribute", column="depth_m", join="mean"),
        layer(features(zone=["AE"]), rule="attribute", column="zone", attribute="flood_zone"),
        layer(rule="attribute", join="distance", attribute="road_km"),
        layer(features(price=[-5]), rule="cost", per="ha", column="price"),
        layer(rule="cost", per="tie", value=1.3),
        layer(rule="limit", of="mw", value=0.0),
        layer(features(f=[2.0]), rule="friction", column="f"),
        layer(rule="barrier"),
    ],
)
def test_what_a_rule_can_do(made: MapLayer) -> None:
    assert rules(made) == []


@pytest.mark.parametrize(
    ("made", "rule", "place"),
    [
        (layer(features([Point(0, 0), HERE])), "no_area", "zones"),
        (layer(rule="setback"), "no_distance", "buffer_m"),
        (layer(rule="attribute", value=1.0, name="Flood zones"), "attribute", "attribute"),
        (layer(rule="attribute", value=1.0, attribute="1st"), "attribute", "attribute"),
        (layer(rule="attribute"), "no_value", "zones"),
        (layer(rule="cost", value=1.0), "no_per", "per"),
        (layer(rule="cost", per="ha"), "no_value", "zones"),
        (layer(rule="limit", value=1.0), "no_of", "of"),
        (layer(rule="friction"), "no_value", "zones"),
        (layer(features(f=[1.0]), rule="friction", column="f", value=2.0), "two_values", "zones"),
        (layer(features(f=["1.0"]), rule="friction", column="f"), "not_numeric", "column f"),
        (layer(features(f=["x"]), rule="attribute", column="f", join="maximum"), "not_numeric", "column f"),
        (layer(features(f=[0.0]), rule="friction", column="f"), "range", "column f"),
        (layer(features(f=[-1.0]), rule="limit", of="mw", column="f"), "range", "column f"),
        (layer(rule="cost", per="tie", value=0.0), "range", "value"),
        (layer(features(f=[np.inf]), rule="cost", per="ha", column="f"), "range", "column f"),
    ],
)
def test_what_a_rule_cannot_do(made: MapLayer, rule: str, place: str) -> None:
    (finding,) = found(made)
    assert finding.rule == f"study.layer.{rule}"
    assert finding.severity == "error"
    assert finding.where.startswith(f"sites.layers#1 ({made.name})")
    assert place in finding.where


def test_every_wrong_value_is_counted() -> None:
    made = layer(features([HERE] * 3, f=[-1.0, 2.0, 0.0]), rule="friction", column="f")
    assert [f.found for f in found(made)] == ["-1 and 1 more"]


def test_missing_values_are_said_and_not_refused() -> None:
    made = layer(features([HERE] * 3, f=[1.0, np.nan, np.nan]), rule="friction", column="f")
    assert [(f.rule, f.severity, f.found) for f in found(made)] == [
        ("study.layer.missing_value", "warning", "2 of 3 features")
    ]


def test_keys_without_effect_are_said() -> None:
    findings = found(layer(rule="barrier", per="ha", value=2.0))
    assert [(f.rule, f.severity) for f in findings] == [("study.layer.unused", "warning")] * 2
    assert [f.where.rsplit(", ", 1)[1] for f in findings] == ["per", "value"]


def test_a_raster_has_cells_instead_of_columns(tmp_path: Path) -> None:
    raster = read_raster(slope(tmp_path))[0]
    assert rules(layer(raster, rule="attribute", join="mean", name="slope")) == []
    assert rules(layer(raster, rule="cost", per="ha")) == []
    assert rules(layer(raster, rule="setback", buffer_m=9.0)) == ["no_outline"]
    assert rules(layer(raster, column="x")) == ["unused"]
    assert rules(layer(band=2)) == ["unused"]


def test_names_are_unique() -> None:
    a, b, c = (LayerSettings(source=s, name=n) for s, n in (("p.gpkg", None), ("p.gpkg", None), ("q.tif", "p 2")))
    assert unique_names([a, b, c]) == ("p", "p 3", "p 2")
    assert rules(layer(name="p"), layer(name="p")) == ["same_name"]
    twice = [layer(rule="attribute", value=1.0, attribute="x", name=n) for n in "pq"]
    assert rules(*twice) == ["same_attribute"]


def test_where_a_layer_lies(tiny: Study, tmp_path: Path) -> None:
    region = tiny.region
    assert rules(layer(), region=region) == []
    assert rules(layer(features([box(10, 10, 11, 11)])), region=region) == ["elsewhere"]
    # 0.5 degrees are about 56 km, from a region that reaches to 0.1.
    assert rules(layer(features([box(0.5, 0, 0.6, 0.1)]), buffer_m=60_000.0), region=region) == []
    assert rules(layer(features([box(0.5, 0, 0.6, 0.1)]), buffer_m=30_000.0), region=region) == ["elsewhere"]
    assert rules(layer(read_raster(slope(tmp_path))[0]), region=region) == []
    (finding,) = found(layer(read_raster(slope(tmp_path, 0.1))[0]), region=region)
    assert finding.rule == "study.layer.partial"
    west, south, east, north = gpd.GeoSeries([region.footprint], crs=region.crs).to_crs("EPSG:4326").total_bounds
    assert finding.value == pytest.approx(0.1 * min(0.1, north - south) / ((east - west) * (north - south)), rel=0.02)


def test_exchanged_axes_are_told_by_the_region(tiny: Study) -> None:
    moved = Region(tiny.region.name, tiny.region.counties.set_geometry(tiny.region.counties.translate(20)), {}, ())
    right = layer(features([box(19.95, -0.05, 20.05, 0.05)]))
    swapped = layer(features([box(-0.05, 19.95, 0.05, 20.05)]))
    assert rules(right, region=moved) == []
    assert rules(swapped, region=moved) == ["axis_order"]


def test_a_study_reads_rasters_and_filters(edited: Edited, tiny_folder: Path) -> None:
    slope(tiny_folder)
    zones = features([HERE, box(-0.1, -0.1, 0, 0)], zone=["AE", "X"], depth_m=[1.0, 2.0])
    zones.to_file(tiny_folder / "zones.gpkg")
    declared = [
        {"source": "slope.tif", "where": "value > 15", "rule": "exclude"},
        {"source": "zones.gpkg", "where": "zone = 'X'"},
        {"source": "zones.gpkg", "rule": "attribute", "column": "depth_m"},
    ]
    declared[2]["attribute"] = "depth_m"
    study = edited({}, {"sites.layers": declared})
    rasters, filtered, column = study.layers
    assert [made.name for made in study.layers] == ["slope", "zones", "zones 2"]
    assert (rasters.features, rasters.raster.width) == (None, 40)
    assert filtered.features["zone"].tolist() == ["X"]
    assert column.features["depth_m"].tolist() == [1.0, 2.0]
    assert {f.path.name for f in study.inputs if f.role == "layer"} == {"slope.tif", "zones.gpkg"}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"where": "slope > 15"}, "layer.where.column"),
        ({"where": "value > 'x'"}, "layer.where.type"),
        ({"where": "value >"}, "layer.where.syntax"),
        ({"band": 2}, "raster.band"),
    ],
)
def test_rasters_that_are_refused(edited: Edited, tiny_folder: Path, settings: dict[str, object], rule: str) -> None:
    slope(tiny_folder)
    with pytest.raises(InputError) as refused:
        edited({}, {"sites.layers": [{"source": "slope.tif"} | settings]})
    assert [f.rule for f in refused.value.findings] == [rule]
    assert refused.value.findings[0].where.startswith("slope.tif")


def test_one_file_read_twice_says_a_thing_once(edited: Edited, tiny_folder: Path) -> None:
    features([HERE, None]).to_file(tiny_folder / "zones.gpkg")
    study = edited({}, {"sites.layers": [{"source": "zones.gpkg"}, {"source": "zones.gpkg", "buffer_m": 50.0}]})
    assert [f.rule for f in study.findings] == ["vector.empty_geometry"]
    assert study.layers[0].features is study.layers[1].features
