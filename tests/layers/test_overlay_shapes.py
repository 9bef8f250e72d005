"""Areas that layers take: features and rasters of any reference system, by hand."""

from pathlib import Path

import affine
import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from shapely.geometry import LineString, Point, box

from optimizer.config import LayerSettings
from optimizer.io.raster import Raster
from optimizer.layers import shapes as shapes_file
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import equal_area_crs
from optimizer.layers.shapes import layer_shapes, shapes

CRS = equal_area_crs((-100, 30, -98, 32))
KM = 1000.0
NEAR = (-50 * KM, -50 * KM, 50 * KM, 50 * KM)


def layer(*found: shapely.Geometry, crs: object = CRS, **settings: object) -> MapLayer:
    frame = gpd.GeoDataFrame(geometry=list(found), crs=CRS).to_crs(crs)
    return MapLayer("made", LayerSettings(source="made.gpkg", **settings), features=frame)


def area(found: np.ndarray) -> float:
    return float(shapely.area(shapely.union_all(found)))


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326", "EPSG:3857", "EPSG:5070", "EPSG:2277", "EPSG:32614"])
def test_features_of_any_reference_system(crs: object) -> None:
    """A box of 2 x 3 km with 500 m around it: 6 + 2 x (2 + 3) x 0.5 + pi x 0.5^2 km2, the corners as 32 chords."""
    found = shapes(layer(box(0, 0, 2 * KM, 3 * KM), crs=crs, buffer_m=500), CRS, NEAR)
    corners = 32 / 2 * 500**2 * np.sin(2 * np.pi / 32)
    assert area(found) == pytest.approx(6e6 + 5e6 + corners, rel=1e-5)
    assert shapely.get_type_id(found).tolist() == [3]


def test_what_is_straight_in_the_file_is_straight_on_the_map() -> None:
    """A box along parallels and meridians, 4 degrees wide: its area on the ellipsoid is known in closed form.

    ``A = a^2 (1 - e^2) / 2 x dlon x (q(30.5) - q(29.5))`` with
    ``q = sin / (1 - e^2 sin^2) + atanh(e sin) / e`` (Snyder 1987, doi:10.3133/pp1395, eq. 3-12). Drawn straight
    between its corners on the map instead, its sides would bend inward by two kilometres.
    """
    frame = gpd.GeoDataFrame(geometry=[box(-101, 29.5, -97, 30.5)], crs="EPSG:4326")
    made = MapLayer("box", LayerSettings(source="box.gpkg"), features=frame)
    found = shapes(made, CRS, (-500 * KM, -500 * KM, 500 * KM, 500 * KM))
    a, e = 6378137.0, np.sqrt(0.00669437999014)

    def q(degrees: float) -> float:
        sine = np.sin(np.radians(degrees))
        return sine / (1 - e**2 * sine**2) + np.arctanh(e * sine) / e

    expected = a**2 * (1 - e**2) / 2 * np.radians(4) * (q(30.5) - q(29.5))
    assert area(found) == pytest.approx(expected, rel=1e-6)


def test_lines_and_points_take_land_by_their_buffer_only() -> None:
    """A line of 10 km with 50 m to each side: 1 km2 and a disc of 32 chords at its ends; without buffer nothing."""
    line = LineString([(0, 0), (10 * KM, 0)])
    ends = 32 / 2 * 50**2 * np.sin(2 * np.pi / 32)
    assert area(shapes(layer(line, buffer_m=50), CRS, NEAR)) == pytest.approx(1e6 + ends, rel=1e-9)
    assert len(shapes(layer(line, Point(0, 0)), CRS, NEAR)) == 0


def test_a_setback_takes_land_on_both_sides_of_outlines() -> None:
    """A square of 4 km, 100 m from its outline: inside 16 - 3.8^2 km2, outside 4 sides of 0.4 km2 and round corners."""
    found = shapes(layer(box(0, 0, 4 * KM, 4 * KM), rule="setback", buffer_m=100), CRS, NEAR)
    corners = 32 / 2 * 100**2 * np.sin(2 * np.pi / 32)
    assert area(found) == pytest.approx(16e6 - 3.8e3**2 + 1.6e6 + corners, rel=1e-6)


def test_only_what_is_near_is_kept() -> None:
    found = shapes(layer(box(0, 0, KM, KM), box(400 * KM, 0, 401 * KM, KM), crs="EPSG:4326"), CRS, NEAR)
    assert len(found) == 1


def test_features_on_both_sides_of_the_antimeridian() -> None:
    """A region around 180 degrees sees boxes on either side of it, each 1 degree wide, next to each other."""
    crs = pyproj.CRS.from_proj4("+proj=laea +lat_0=-17 +lon_0=180 +datum=WGS84 +units=m +no_defs")
    boxes = [box(179, -17.5, 180, -16.5), box(-180, -17.5, -179, -16.5)]
    made = MapLayer(
        "islands", LayerSettings(source="islands.gpkg"), features=gpd.GeoDataFrame(geometry=boxes, crs=4326)
    )
    found = shapes(made, crs, (-200 * KM, -200 * KM, 200 * KM, 200 * KM))
    assert len(found) == 2
    assert shapely.area(found[0]) == pytest.approx(shapely.area(found[1]), rel=1e-9)
    assert shapely.union_all(found).bounds == pytest.approx((-106_500, -55_500, 106_500, 55_500), rel=0.01)


def test_a_region_that_the_layers_system_cannot_show() -> None:
    """The antipodes lie outside of the orthographic projection: nothing is near."""
    frame = gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs="+proj=ortho +lat_0=-31 +lon_0=81")
    made = MapLayer("far", LayerSettings(source="far.gpkg"), features=frame)
    assert len(shapes(made, CRS, NEAR)) == 0


def raster(path: Path, values: np.ndarray, crs: object, side: float, west: float, north: float) -> Raster:
    transform = affine.Affine(side, 0, west, 0, -side, north)
    height, width = values.shape
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 1, "dtype": values.dtype, "nodata": 255}
    with rasterio.open(path, "w", crs=rasterio.CRS.from_user_input(crs), transform=transform, **profile) as file:
        file.write(values, 1)
    return Raster(path, 1, pyproj.CRS(crs), transform, width, height, 255)


def made_of(values: Raster, **settings: object) -> MapLayer:
    return MapLayer("made", LayerSettings(source="made.tif", **settings), raster=values)


def test_cells_of_a_raster_that_count_by_hand(tmp_path: Path) -> None:
    """Cells of 100 m: three of 7, one of 9, one without value. All but 0 count unless a filter says which."""
    values = np.array([[7, 7, 0, 0], [0, 0, 0, 9], [7, 255, 0, 0]], dtype="uint8")
    source = raster(tmp_path / "made.tif", values, CRS, 100.0, 0.0, 300.0)
    assert area(shapes(made_of(source), CRS, NEAR)) == pytest.approx(4e4)
    sevens = shapes(made_of(source, where="value = 7"), CRS, NEAR)
    assert sorted(p.bounds for p in sevens) == [(0, 0, 100, 100), (0, 200, 200, 300)]
    assert area(shapes(made_of(source, where="value = 9", buffer_m=100), CRS, NEAR)) == pytest.approx(
        1e4 + 4e4 + 32 / 2 * 100**2 * np.sin(2 * np.pi / 32)
    )
    assert len(shapes(made_of(source, where="value = 5"), CRS, NEAR)) == 0


@given(arrays.arrays("uint8", st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 255])))
def test_every_cell_that_counts_is_covered_once(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray) -> None:
    """Whatever the pattern, and wherever the windows end: polygons hold the centres of the cells that count only."""
    source = raster(tmp_path_factory.mktemp("r") / "made.tif", values, CRS, 50.0, 0.0, 0.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes_file, "WINDOW_CELLS", 4)
        found = shapes(made_of(source), CRS, NEAR)
    assert shapely.is_valid(found).all()
    row, column = np.indices(values.shape)
    centres = shapely.points(50.0 * column + 25, -50.0 * row - 25)
    hits = np.array([shapely.contains(found, centre).sum() for centre in centres.ravel()]).reshape(values.shape)
    assert hits.tolist() == (values == 1).astype(int).tolist()
    assert float(shapely.area(found).sum()) == pytest.approx(2500.0 * (values == 1).sum())


@pytest.mark.parametrize("crs", ["EPSG:5070", "EPSG:32614"])
def test_a_raster_of_any_reference_system(crs: str, tmp_path: Path) -> None:
    """A square of 40 x 40 cells of 100 m keeps its outline: that of the same box of that system, as a feature."""
    to_raster = pyproj.Transformer.from_crs(CRS, crs, always_xy=True)
    west, north = (round(v, -2) for v in to_raster.transform(0.0, 0.0))
    values = np.zeros((60, 60), dtype="uint8")
    values[10:50, 10:50] = 1
    source = raster(tmp_path / "made.tif", values, crs, 100.0, west, north)
    square = box(west + 1000, north - 5000, west + 5000, north - 1000)
    frame = gpd.GeoDataFrame(geometry=[square], crs=crs)
    feature = MapLayer("square", LayerSettings(source="square.gpkg"), features=frame)
    both = layer_shapes([made_of(source), feature], CRS, NEAR)
    assert [name for name, _ in both] == ["made", "square"]
    difference = shapely.symmetric_difference(shapely.union_all(both[0][1]), shapely.union_all(both[1][1]))
    assert difference.area < 1e-6 * square.area


def test_windows_far_from_the_region_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.ones((16, 16), dtype="uint8")
    source = raster(tmp_path / "made.tif", values, CRS, 10 * KM, -80 * KM, 80 * KM)
    monkeypatch.setattr(shapes_file, "WINDOW_CELLS", 4)
    # Windows of 40 km: a region of 10 km at the centre of the second to the east and north meets it alone.
    found = shapes(made_of(source), CRS, (10 * KM, 10 * KM, 20 * KM, 20 * KM), box(15 * KM, 15 * KM, 25 * KM, 25 * KM))
    assert shapely.union_all(found).bounds == (0, 0, 40 * KM, 40 * KM)
