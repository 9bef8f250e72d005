import geopandas as gpd
import numpy as np
import pyproj
import pytest
from shapely.geometry import LineString, box

from optimizer.report.projection import Projection, segments

TEXAS = Projection(-106.6, 25.8, -93.5, 36.5)


def rings(x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """The pieces of a path between its breaks."""
    points = np.column_stack([x, y]).astype(float)
    cuts = np.flatnonzero(np.isnan(points[:, 0]))
    return [piece[~np.isnan(piece[:, 0])] for piece in np.split(points, cuts)]


def enclosed(ring: np.ndarray) -> float:
    """Signed area of a ring: positive counter-clockwise."""
    x, y = ring[:, 0], ring[:, 1]
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


@pytest.mark.parametrize(("lat", "lon"), [(31.0, -100.0), (26.0, -98.0), (36.0, -103.0), (31.8, -106.4)])
def test_distances_are_true_within_half_a_percent(lat: float, lon: float) -> None:
    x, y = TEXAS.points([lon, lon + 0.2, lon], [lat, lat, lat + 0.2])
    geodesic = pyproj.Geod(ellps="WGS84")
    for i, (to_lon, to_lat) in enumerate([(lon + 0.2, lat), (lon, lat + 0.2)], start=1):
        true_km = geodesic.inv(lon, lat, to_lon, to_lat)[2] / 1000
        assert np.hypot(x[i] - x[0], y[i] - y[0]) == pytest.approx(true_km, rel=0.005)


def test_the_south_west_corner_is_near_the_origin_and_nothing_is_left_or_below_of_it() -> None:
    x, y = TEXAS.points([-106.6, -106.6, -93.5, -93.5], [25.8, 36.5, 25.8, 36.5])
    assert 0 <= x.min() < 50
    assert 0 <= y.min() < 50


def test_merged_cells_keep_their_area_and_a_hole_runs_the_other_way() -> None:
    ring = [(i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
    cells = gpd.GeoSeries([box(-98 + i / 10, 31 + j / 10, -97.9 + i / 10, 31.1 + j / 10) for i, j in ring], crs=4326)
    pieces = rings(*TEXAS.merged(cells))
    assert len(pieces) == 2
    outer, hole = sorted((enclosed(piece) for piece in pieces), reverse=True)
    geodesic = pyproj.Geod(ellps="WGS84")
    true_km2 = [abs(geodesic.geometry_area_perimeter(shape)[0]) / 1e6 for shape in cells]
    assert outer > 0 > hole
    assert outer + hole == pytest.approx(sum(true_km2), rel=0.005)


def test_paths_break_between_lines_and_skip_what_has_no_place() -> None:
    lines = gpd.GeoSeries([LineString([(-98, 31), (-97, 31)]), None, LineString([(-98, 32), (-97, 32)])], crs=4326)
    pieces = rings(*TEXAS.paths(lines))
    assert [len(piece) for piece in pieces] == [2, 2]


def test_any_coordinate_reference_system_lands_on_the_same_place() -> None:
    line = gpd.GeoSeries([LineString([(-98, 31), (-97, 31)])], crs=4326)
    x, y = TEXAS.paths(line)
    x_of_projected, y_of_projected = TEXAS.paths(line.to_crs(5070))
    assert np.allclose([x, y], [x_of_projected, y_of_projected], atol=0.011)


def test_straight_pieces_are_two_points_and_a_break() -> None:
    x, y = segments(np.array([0.0, 5.0]), np.array([1.0, 6.0]), np.array([2.0, 7.0]), np.array([3.0, 8.0]))
    assert np.array_equal(x, np.float32([0, 2, np.nan, 5, 7, np.nan]), equal_nan=True)
    assert np.array_equal(y, np.float32([1, 3, np.nan, 6, 8, np.nan]), equal_nan=True)


def test_nothing_to_draw_is_an_empty_path() -> None:
    x, y = Projection.around([], []).paths(gpd.GeoSeries([], crs=4326))
    assert len(x) == len(y) == 0
