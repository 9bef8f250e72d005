import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from optimizer.config import LayerSettings
from optimizer.layers.land import Options, attach
from optimizer.layers.layer import MapLayer
from optimizer.layers.overlay import overlay_places
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))
KM = 1000.0


def places(*boxes: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    shapes = [box(*(KM * v for v in b)) for b in boxes]
    return gpd.GeoDataFrame(index=[f"c{i}" for i in range(len(shapes))], geometry=shapes, crs=CRS)


def exclusion(name: str, *shapes: object, buffer_m: float = 0.0, crs: object = CRS) -> MapLayer:
    frame = gpd.GeoDataFrame(geometry=list(shapes), crs=CRS).to_crs(crs)
    return MapLayer(name, LayerSettings(source=f"{name}.gpkg", buffer_m=buffer_m), frame)


def drawn(name: str, frame: gpd.GeoDataFrame) -> MapLayer:
    return MapLayer(name, LayerSettings(source=f"{name}.gpkg"), frame)


WORLD = box(-100 * KM, -100 * KM, 100 * KM, 100 * KM)


def test_area_inside_the_footprint_and_point_on_it() -> None:
    """The footprint is the half plane x < 4 km: of the cell 0..5 x 0..5 km, 4 x 5 km = 2,000 ha are inside."""
    found = attach(places((0, 0, 5, 5), (-5, 0, 0, 5)), box(-100 * KM, -100 * KM, 4 * KM, 100 * KM), Options())
    assert found["area_ha"].tolist() == pytest.approx([2000.0, 2500.0])
    assert found["usable_ha"].tolist() == pytest.approx([2000.0, 2500.0])
    centre = gpd.GeoSeries([Point(2.5 * KM, 2.5 * KM)], crs=CRS).to_crs("EPSG:4326").iloc[0]
    assert (found["lon"].iloc[0], found["lat"].iloc[0]) == pytest.approx((centre.x, centre.y))


@pytest.mark.parametrize("crs", [CRS, "EPSG:4326", "EPSG:3857", "EPSG:32631"])
def test_a_layer_in_any_reference_system_takes_the_same_land(crs: object) -> None:
    """A box of 2 x 3 km inside a cell of 25 km2 leaves 19 km2 = 1,900 ha, whatever the layer is drawn in."""
    taken = exclusion("lake", box(1 * KM, 1 * KM, 3 * KM, 4 * KM), crs=crs)
    found = attach(places((0, 0, 5, 5)), WORLD, Options((taken,)))
    # Sides that are straight in one projection bend by centimetres in another.
    assert found["usable_ha"].iloc[0] == pytest.approx(1900.0, rel=1e-4)
    assert found["excluded_by"].tolist() == ["lake"]


def test_the_point_is_not_on_excluded_land() -> None:
    found = attach(places((0, 0, 5, 5)), WORLD, Options((exclusion("lake", box(KM, KM, 4 * KM, 4 * KM)),)))
    point = gpd.GeoSeries([Point(found["lon"].iloc[0], found["lat"].iloc[0])], crs="EPSG:4326").to_crs(CRS).iloc[0]
    assert not box(KM, KM, 4 * KM, 4 * KM).contains(point)
    assert box(0, 0, 5 * KM, 5 * KM).contains(point)


def test_a_buffer_makes_land_of_lines() -> None:
    """A line across the cell with 500 m to each side takes 5 x 1 km = 500 ha."""
    road = exclusion("road", LineString([(-50 * KM, 2 * KM), (50 * KM, 2 * KM)]), buffer_m=500)
    found = attach(places((0, 0, 5, 5)), WORLD, Options((road,)))
    assert found["usable_ha"].iloc[0] == pytest.approx(2000.0)


def test_the_layer_that_takes_most_is_named_and_none_where_none_takes_any() -> None:
    layers = (exclusion("small", box(0, 0, KM, KM)), exclusion("large", box(0, 0, 4 * KM, 4 * KM)))
    found = attach(places((0, 0, 5, 5), (10, 10, 15, 15), (-1, -1, 0, 0)), WORLD, Options(layers))
    # The third cell only touches the layers.
    assert found["excluded_by"].tolist() == ["large", "", ""]
    assert found["usable_ha"].tolist() == pytest.approx([900.0, 2500.0, 100.0])


def test_features_on_the_other_side_of_the_earth_take_nothing() -> None:
    far = gpd.GeoDataFrame(geometry=[box(179, -1, 180, 1)], crs="EPSG:4326")
    found = attach(places((0, 0, 5, 5)), WORLD, Options((drawn("far", far),)))
    assert found["usable_ha"].tolist() == pytest.approx([2500.0])


def test_a_feature_around_the_earth_takes_its_part_here() -> None:
    """The northern hemisphere, from pole to equator, takes the half of a cell that the equator halves."""
    north = gpd.GeoDataFrame(geometry=[box(-180, 0, 180, 90)], crs="EPSG:4326")
    found = attach(places((0, -2.5, 5, 2.5)), WORLD, Options((drawn("north", north),)))
    assert found["usable_ha"].tolist() == pytest.approx([1250.0], rel=1e-6)


QUARTERS = st.tuples(*[st.integers(0, 39)] * 2, *[st.integers(1, 20)] * 2)


@given(st.lists(QUARTERS, max_size=6))
def test_what_is_left_and_what_is_taken_add_up(boxes: list[tuple[int, int, int, int]]) -> None:
    """Boxes with corners on quarters, overlapping or not, taken from three others."""
    taken = np.array([box(x / 4, y / 4, (x + dx) / 4, (y + dy) / 4) for x, y, dx, dy in boxes], dtype=object)
    shapes = np.array([box(0, 0, 5, 5), box(5, 0, 10, 5), box(20, 20, 21, 21)], dtype=object)
    found = overlay_places(shapes, box(-100, -100, 100, 100), [("boxes", taken)])
    union = shapely.union_all(taken) if len(taken) else shapely.Polygon()
    assert found.refused_m2 == pytest.approx(shapely.area(shapely.intersection(shapes, union)), abs=1e-9)
    assert found.usable_m2 + found.refused_m2 == pytest.approx(shapely.area(shapes))
