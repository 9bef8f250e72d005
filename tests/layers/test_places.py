import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from optimizer.layers.places import cell_count, equal_area_crs, nearest_km, surface_km

GEOD = pyproj.Geod(ellps="WGS84")


def test_the_projection_is_centred_and_keeps_areas() -> None:
    crs = equal_area_crs((-106.6, 25.8, -93.5, 36.5))
    assert [p.value for p in crs.coordinate_operation.params[:2]] == [31, -100]
    box = shapely.box(-105, 34, -104, 35)
    dense = shapely.segmentize(box, 0.01)
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    projected = shapely.transform(dense, lambda xy: np.column_stack(to_plane.transform(xy[:, 0], xy[:, 1])))
    geodesic, _ = GEOD.geometry_area_perimeter(dense)
    assert projected.area == pytest.approx(geodesic, rel=1e-4)


def test_cells_are_counted_before_they_are_made() -> None:
    """A disc of 12 km lies in a box of 24 km: 24 x 24 / 25 cells of 5 km."""
    assert cell_count(shapely.Point(0, 0).buffer(12_000).bounds, 5) == pytest.approx(24 * 24 / 25, rel=1e-3)


@given(st.floats(-60, 60), st.floats(-179, 179), st.floats(-2, 2), st.floats(-2, 2))
def test_distances_agree_with_the_geodesic(lat: float, lon: float, north: float, east: float) -> None:
    other = (lat + north, lon + east)
    *_, metres = GEOD.inv(lon, lat, other[1], other[0])
    distance, position = nearest_km(*(np.array([v]) for v in (lat, lon, *other)))
    assert position[0, 0] == 0
    # 1 m below 100 km; 0.3 % beyond, where the curvature of one sphere is not that of the ellipsoid.
    assert distance[0, 0] == pytest.approx(metres / 1000, abs=0.001 if metres < 100_000 else 0.003 * metres / 1000)


def test_the_nearest_come_first_and_equal_ones_in_order() -> None:
    lat, lon = np.zeros(5), np.array([0.5, 0.1, 0.1, 0.3, 0.4])
    distance, position = nearest_km(np.zeros(1), np.zeros(1), lat, lon, 4)
    assert position.tolist() == [[1, 2, 3, 4]]
    assert distance[0, 0] == distance[0, 1] < distance[0, 2]


def test_fewer_targets_than_asked_for() -> None:
    distance, position = nearest_km(np.zeros(2), np.zeros(2), np.ones(1), np.ones(1), 3)
    assert distance.shape == position.shape == (2, 1)


def test_half_the_globe() -> None:
    assert surface_km(np.array([2 * 6371.0088])) == pytest.approx([np.pi * 6371.0088])
