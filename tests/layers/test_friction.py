"""Friction and barrier layers on a lattice: factors and cells worked out by hand."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from shapely.geometry import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from optimizer.config import LayerSettings
from optimizer.io.raster import Raster
from optimizer.layers.friction import FrictionError, Surface, friction_surface
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import equal_area_crs
from optimizer.layers.terrain import TerrainTable

CRS = equal_area_crs((-1.0, -1.0, 1.0, 1.0))
LATTICE = Lattice(CRS, 1000.0, 0, 0, 4, 3)
"""Four cells from west to east, three from south to north."""

SLOPE = TerrainTable(np.array([2.0, 8.0]), np.array([8.0, np.inf]), np.array([1.5, 2.0]))


def features(
    *shapes: BaseGeometry,
    rule: str = "friction",
    crs: pyproj.CRS | str = CRS,
    values: list[float] | None = None,
    **keys,
) -> MapLayer:
    """Shapes in km, as a layer; in another reference system where asked."""
    metres = gpd.GeoSeries(list(shapes), crs=CRS).scale(1000, 1000, origin=(0, 0))
    frame = gpd.GeoDataFrame({"f": values or [1.0] * len(shapes)}, geometry=metres).to_crs(crs)
    return MapLayer("layer", LayerSettings(source="x.gpkg", rule=rule, **keys), frame)


def raster(folder: Path, pixels: np.ndarray, side_km: float, nodata: float | None = None, **keys) -> MapLayer:
    """Pixels, rows from the north, whose south-west corner is the lattice's."""
    path, (height, width) = folder / "r.tif", pixels.shape
    transform = Affine(1000 * side_km, 0, 0, 0, -1000 * side_km, 1000 * side_km * height)
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": pixels.dtype}
    with rasterio.open(path, "w", crs=CRS.to_wkt(), transform=transform, nodata=nodata, **profile) as file:
        file.write(pixels, 1)
    described = Raster(path, 1, CRS, transform, width, height, nodata)
    return MapLayer("raster", LayerSettings(**{"source": "r.tif", "rule": "friction", **keys}), None, described)


def surface(*layers: MapLayer, table: TerrainTable | None = None, lattice: Lattice = LATTICE) -> Surface:
    return friction_surface(lattice, [(layer, table) for layer in layers])


def test_overlapping_layers_multiply() -> None:
    """2 over the western half and 3 over the southern row: 6 where both are."""
    two, three = features(box(0, 0, 2, 3), value=2.0), features(box(0, 0, 4, 1), value=3.0)
    expected = [[6, 6, 3, 3], [2, 2, 1, 1], [2, 2, 1, 1]]
    assert surface(two, three).factor.tolist() == expected
    assert surface(three, two).factor.tolist() == expected


def test_a_cell_that_is_partly_covered_has_the_mean() -> None:
    """3 over the eastern half of a column: 1 + 2 / 2; over a quarter of one cell: 1 + 2 / 4."""
    found = surface(features(box(1.5, 0, 2, 3), box(3, 0, 3.5, 0.5), value=3.0)).factor
    assert found[:, 1].tolist() == [2, 2, 2]
    assert found[0].tolist() == [1, 2, 1, 1.5]


@pytest.mark.parametrize("order", [(2.0, 5.0), (5.0, 2.0)])
def test_within_a_layer_the_larger_factor_holds(order: tuple[float, float]) -> None:
    found = surface(features(box(0, 0, 1, 1), box(0, 0, 1, 1), column="f", values=list(order))).factor
    assert found[0].tolist() == [5, 1, 1, 1]


def test_buffers_and_terrain_tables() -> None:
    """A line along y = 1.5 with 500 m on both sides fills the middle row; a slope of 5 % there costs 1.5."""
    line = features(LineString([(-1, 1.5), (5, 1.5)]), column="f", values=[5.0], buffer_m=500.0)
    assert surface(line, table=SLOPE).factor.tolist() == [[1] * 4, [1.5] * 4, [1] * 4]


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_the_reference_system_of_a_layer_does_not_matter(crs: str) -> None:
    layer = features(box(0, 0, 2, 3), crs=crs, value=2.0)
    assert surface(layer).factor == pytest.approx(np.array([[2, 2, 1, 1]] * 3), abs=1e-9)


def test_the_part_of_the_lattice_that_is_worked_on_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pixels = np.arange(1, 49, dtype="float32").reshape(6, 8)
    layers = (
        features(box(0.3, 0.2, 2.9, 1.4), value=2.0),
        features(LineString([(0.2, 0.1), (3.9, 2.8)]), rule="barrier"),
        raster(tmp_path, pixels, 0.5),
    )
    whole = surface(*layers)
    monkeypatch.setattr("optimizer.layers.friction.TILE_CELLS", 2)
    monkeypatch.setattr("optimizer.layers.friction.MOST_PIXELS", 16)
    parts = surface(*layers)
    assert parts.factor == pytest.approx(whole.factor)
    assert parts.barrier.tolist() == whole.barrier.tolist()


def test_a_barrier_is_every_cell_that_it_touches() -> None:
    """A line at y = 1.5 from x = 0.5 to 1.6 touches two cells of the middle row; a point one cell."""
    found = surface(features(LineString([(0.5, 1.5), (1.6, 1.5)]), Point(3.5, 0.5), rule="barrier")).barrier
    assert found.tolist() == [[False] * 3 + [True], [True, True, False, False], [False] * 4]


def test_barriers_that_touch_at_a_corner_are_joined() -> None:
    """The cells (0, 0) and (1, 1): a diagonal step between (0, 1) and (1, 0) would slip through."""
    found = surface(features(box(0.2, 0.2, 0.8, 0.8), box(1.2, 1.2, 1.8, 1.8), rule="barrier")).barrier
    assert found[0, 0]
    assert found[1, 1]
    assert found[0, 1] or found[1, 0]
    other = surface(features(box(1.2, 0.2, 1.8, 0.8), box(0.2, 1.2, 0.8, 1.8), rule="barrier")).barrier
    assert other[0, 0] or other[1, 1]


def test_rasters_are_averaged(tmp_path: Path) -> None:
    """Pixels of 500 m: the north-west cell holds 1, 2, 3 and 6; the south-east cell 4 four times; 1 elsewhere."""
    pixels = np.ones((6, 8), dtype="float32")
    pixels[:2, :2] = [[1, 2], [3, 6]]
    pixels[4:, 6:] = 4
    found = surface(raster(tmp_path, pixels, 0.5)).factor
    expected = np.ones((3, 4))
    expected[2, 0], expected[0, 3] = 3, 4
    assert found == pytest.approx(expected)


def test_pixels_without_a_value_are_open_country(tmp_path: Path) -> None:
    """Half of the western cells' pixels hold nothing, the others 3; beyond the raster there is nothing either."""
    pixels = np.tile(np.array([[-9.0, 3.0]], dtype="float32"), (6, 1))
    found = surface(raster(tmp_path, pixels, 0.5, nodata=-9.0)).factor
    assert found == pytest.approx(np.array([[2, 1, 1, 1]] * 3))


def test_rasters_of_classes_become_factors_before_they_are_averaged(tmp_path: Path) -> None:
    """Slopes of 1, 5, 5 and 20 %: (1 + 1.5 + 1.5 + 2) / 4; the mean slope of 7.75 % would give 1.5 too, 20 alone 2."""
    pixels = np.ones((6, 8), dtype="uint8")
    pixels[4:, :2] = [[1, 5], [5, 20]]
    pixels[4:, 2:4] = [[0, 0], [0, 20]]
    found = surface(raster(tmp_path, pixels, 0.5), table=SLOPE).factor
    assert found[0] == pytest.approx([1.5, 1.25, 1, 1])


def test_a_raster_barrier_is_every_cell_with_a_pixel_that_counts(tmp_path: Path) -> None:
    pixels = np.zeros((30, 40), dtype="uint8")
    pixels[29, 0] = pixels[14, 25] = 7
    found = surface(raster(tmp_path, pixels, 0.1, rule="barrier")).barrier
    assert np.argwhere(found).tolist() == [[0, 0], [1, 2]]


def test_one_value_for_the_pixels_that_count(tmp_path: Path) -> None:
    pixels = np.zeros((6, 8), dtype="uint8")
    pixels[4:, 0] = 1
    some = raster(tmp_path, pixels, 0.5, value=3.0, where="value = 1")
    assert surface(some).factor[0] == pytest.approx([2, 1, 1, 1])
    assert (surface(raster(tmp_path, pixels, 0.5, value=3.0)).factor == 3).all()


def test_a_raster_barrier_with_a_filter(tmp_path: Path) -> None:
    pixels = np.tile(np.array([[11, 0, 41, 0, 0, 0, 0, 12]], dtype="uint8"), (6, 1))
    found = surface(raster(tmp_path, pixels, 0.5, rule="barrier", where="value IN (11, 12)")).barrier
    assert found.tolist() == [[True, False, False, True]] * 3


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_factor_that_is_not_positive_is_refused(tmp_path: Path, bad: float) -> None:
    pixels = np.full((6, 8), 2.0, dtype="float32")
    pixels[4:, :2] = bad
    with pytest.raises(FrictionError, match="raster"):
        surface(raster(tmp_path, pixels, 0.5))


def test_layers_elsewhere_say_nothing() -> None:
    found = surface(features(box(100, 100, 101, 101), value=2.0), features(box(50, 0, 51, 1), rule="barrier"))
    assert (found.factor == 1).all()
    assert not found.barrier.any()
