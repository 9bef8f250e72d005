"""Joins of layers to cells and to polygons, against results worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from optimizer.config import LayerSettings
from optimizer.errors import InputError
from optimizer.io.raster import Raster
from optimizer.layers.attributes import attribute
from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))
RasterOf = Callable[..., Raster]


def layer(data: gpd.GeoDataFrame | Raster, **options: object) -> MapLayer:
    said = LayerSettings.model_validate({"source": "made.gpkg", "rule": "attribute", **options})
    return (
        MapLayer("made", said, data, None) if isinstance(data, gpd.GeoDataFrame) else MapLayer("made", said, None, data)
    )


def features(*rows: tuple[object, object], crs: object = CRS) -> gpd.GeoDataFrame:
    values, shapes = zip(*rows, strict=True)
    return gpd.GeoDataFrame({"v": list(values)}, geometry=list(shapes), crs=CRS).to_crs(crs)


def as_polygons(cells: Cells) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(index=cells.labels, geometry=cells.boxes, crs=cells.lattice.crs)


def both(made: MapLayer, cells: Cells, **tolerance: float) -> list:
    """The join to cells, having seen that the join to the same squares as polygons gives the same."""
    found, same = attribute(made, cells), attribute(made, as_polygons(cells))
    pd.testing.assert_series_equal(found, same, **({"check_exact": False, "rtol": 1e-9, "atol": 1e-9} | tolerance))
    return found.tolist()


# Rectangles on the cells SW, SE, NW and NE, each of 1 x 1 km around the origin: 10 covers all of SW and the western
# quarter of SE, 20 the eastern half of SE; nothing lies in the north.
STRIPS = ((10.0, box(-1000, -1000, 250, 0)), (20.0, box(500, -1000, 1000, 0)))


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        # SE: (0.25 x 10 + 0.5 x 20) / 0.75
        ("mean", [10, 12.5 / 0.75, np.nan, np.nan]),
        ("largest", [10, 20, np.nan, np.nan]),
        ("maximum", [10, 20, np.nan, np.nan]),
        ("minimum", [10, 10, np.nan, np.nan]),
        ("share", [1, 0.75, 0, 0]),
        ("distance", [0, 0, 0, 0]),
    ],
)
def test_polygons(four_cells: Cells, join: str, expected: list[float]) -> None:
    made = layer(features(*STRIPS), column="v", join=join)
    assert both(made, four_cells) == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32631"])
@pytest.mark.parametrize(
    ("join", "expected"), [("mean", [10, 12.5 / 0.75]), ("largest", [10, 20]), ("share", [1, 0.75])]
)
def test_polygons_in_any_reference_system(four_cells: Cells, join: str, expected: list[float], crs: str) -> None:
    """In the north nothing is asked: a border that is bent by a millimetre may or may not be crossed."""
    made = layer(features(*STRIPS, crs=crs), column="v", join=join)
    assert both(made, four_cells, rtol=1e-4)[:2] == pytest.approx(expected, rel=1e-4)


def test_the_value_that_has_most_of_the_place_and_not_the_largest_feature(four_cells: Cells) -> None:
    """Two features of 'a' with 0.2 km2 each beat one of 'b' with 0.3; of equals the first by alphabet is taken."""
    made = features(
        ("b", box(0, 0, 300, 1000)),
        ("a", box(300, 0, 500, 1000)),
        ("a", box(500, 0, 700, 1000)),
        ("d", box(-1000, 0, -500, 1000)),
        ("c", box(-500, 0, 0, 1000)),
    )
    assert both(layer(made, column="v"), four_cells) == ["", "", "c", "a"]


def test_features_that_overlap_are_covered_once_and_weigh_twice(four_cells: Cells) -> None:
    """On NE: 1 on the western 600 m, 4 on the eastern 600 m, the middle 200 m shared: share 1, mean 2.5."""
    made = features((1.0, box(0, 0, 600, 1000)), (4.0, box(400, 0, 1000, 1000)))
    assert both(layer(made, join="share"), four_cells)[3] == pytest.approx(1.0)
    assert both(layer(made, column="v"), four_cells)[3] == pytest.approx(2.5)


def test_a_missing_value_counts_for_nothing(four_cells: Cells) -> None:
    made = features((np.nan, box(0, 0, 900, 1000)), (4.0, box(900, 0, 1000, 1000)))
    assert both(layer(made, column="v"), four_cells)[3] == 4.0
    texts = features((None, box(0, 0, 900, 1000)), ("x", box(900, 0, 1000, 1000)))
    assert both(layer(texts, column="v"), four_cells)[3] == "x"


def test_lines_weigh_by_length_and_points_by_number(four_cells: Cells) -> None:
    """On NE a road of 900 m of class 1 and one of 300 m of class 5: mean 2. Points 1, 1 and 7: mean 3."""
    roads = features((1.0, LineString([(50, 500), (950, 500)])), (5.0, LineString([(100, 200), (400, 200)])))
    assert both(layer(roads, column="v"), four_cells)[3] == pytest.approx(2.0)
    posts = features((1.0, Point(100, 100)), (1.0, Point(200, 100)), (7.0, Point(300, 900)))
    assert both(layer(posts, column="v"), four_cells)[3] == pytest.approx(3.0)


def test_a_buffer_gives_lines_an_area(four_cells: Cells) -> None:
    """A line along the equator with 100 m to both sides covers a tenth of each cell."""
    made = features((1.0, LineString([(-5000, 0), (5000, 0)])))
    assert both(layer(made, join="share", buffer_m=100.0), four_cells) == pytest.approx([0.1] * 4)


def test_distance_is_that_of_the_borders(four_cells: Cells) -> None:
    """From (4, 5) km to the corner of NE at (1, 1): 3-4-5. The other cells are at (3, 5), (4, 4) and (4, 5) from it."""
    found = both(layer(features((1.0, Point(4000, 5000))), join="distance"), four_cells)
    expected = [np.hypot(4, 5), np.hypot(3, 5), np.hypot(4, 4), 5.0]
    assert found == pytest.approx(expected, rel=1e-5)


def test_distance_reaches_far_and_measures_on_the_ground(four_cells: Cells) -> None:
    """10 degrees of longitude on the equator are 1,113.195 km; the cell's border is 1 km nearer."""
    far = gpd.GeoDataFrame({"v": [1.0]}, geometry=[Point(10, 0)], crs="EPSG:4326")
    found = attribute(layer(far, join="distance"), four_cells)
    assert found.iloc[1] == pytest.approx(1113.195 - 1.0, rel=1e-4)


def test_where_nothing_is_the_distance_is_unknown(four_cells: Cells) -> None:
    far = gpd.GeoDataFrame({"v": [1.0]}, geometry=[Point(179, 1)], crs="EPSG:4326")
    assert attribute(layer(far, join="distance"), four_cells).isna().all()


# Rasters

GRID = [[1, 1, 2, 3], [1, 1, 4, 5], [6, 6, 9, 9], [6, 7, 9, 0]]
"""Cells of 500 m from the north-west corner at (-1, 1) km: each of the four cells has four of them."""


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("mean", [6.25, 9, 1, 3.5]),
        ("largest", [6, 9, 1, 2]),
        ("maximum", [7, 9, 1, 5]),
        ("minimum", [6, 9, 1, 2]),
        ("share", [1, 0.75, 1, 1]),
    ],
)
def test_raster(four_cells: Cells, raster_of: RasterOf, join: str, expected: list[float]) -> None:
    """0 is nodata. For equals (2, 3, 4, 5) the smallest is taken."""
    made = layer(raster_of(np.array(GRID, dtype="int16"), (-1000, 1000), 500, nodata=0), join=join)
    assert both(made, four_cells) == pytest.approx(expected, rel=1e-12)


def test_cells_of_a_raster_are_shared_out_by_area(four_cells: Cells, raster_of: RasterOf) -> None:
    """Cells of 800 m from (-1.2, 1.2) km: the middle one, (-0.4, 0.4), has 0.4 x 0.4 km of each of the four.

    SW gets 0.16 of the middle, 0.24 of each neighbour and 0.36 of the corner; so do the others.
    """
    values = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype="float32")
    expected = [0.16 * 5 + 0.24 * (a + b) + 0.36 * c for a, b, c in ((4, 8, 7), (6, 8, 9), (4, 2, 1), (6, 2, 3))]
    made = layer(raster_of(values, (-1200, 1200), 800))
    assert both(made, four_cells) == pytest.approx(expected, rel=1e-9)


def test_beyond_a_raster_there_is_no_value(four_cells: Cells, raster_of: RasterOf) -> None:
    """A raster over the western fifth of SE and NE only covers a fifth of them."""
    made = raster_of(np.full((2, 1), 3.0), (0, 200), 200)
    assert both(layer(made), four_cells) == pytest.approx([np.nan, 3, np.nan, 3], nan_ok=True)
    assert both(layer(made, join="share"), four_cells) == pytest.approx([0, 0.04, 0, 0.04], rel=1e-9)


def test_a_filter_says_which_cells_of_a_raster_count(four_cells: Cells, raster_of: RasterOf) -> None:
    """Of 6, 6, 6, 7 the one above 6 is a quarter; without a filter 0 does not count for a share but for a mean."""
    made = raster_of(np.array(GRID, dtype="int16"), (-1000, 1000), 500)
    assert both(layer(made, join="share", where="value > 6"), four_cells) == pytest.approx([0.25, 0.75, 0, 0])
    assert both(layer(made, join="share"), four_cells) == pytest.approx([1, 0.75, 1, 1])
    assert both(layer(made), four_cells)[1] == pytest.approx(6.75)
    assert both(layer(made, value=2.0, where="value = 9"), four_cells) == pytest.approx(
        [np.nan, 2, np.nan, np.nan], nan_ok=True
    )


def test_cells_that_are_not_a_number_count_for_nothing(four_cells: Cells, raster_of: RasterOf) -> None:
    values = np.array([[np.nan, 1], [2, np.inf]], dtype="float64")
    assert both(layer(raster_of(values, (-1000, 1000), 1000)), four_cells) == pytest.approx(
        [2, np.nan, np.nan, 1], nan_ok=True
    )


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32631", "EPSG:3035"])
@pytest.mark.parametrize("size_m", [130, 2700])
def test_a_plane_keeps_its_values_in_any_reference_system(raster_of: RasterOf, crs: str, size_m: float) -> None:
    """Where values grow evenly the mean of a place is the value at its centre, whatever the raster is drawn in.

    Centre and projection are those of Texas' west, where meridians lean by 3 degrees against the projection.
    """
    area = equal_area_crs((-106.6, 25.8, -93.5, 36.5))
    cells = Cells(Lattice(area, 1000.0, -500, 20, 12, 9), *np.divmod(np.arange(108), 12))
    if crs in ("EPSG:32631", "EPSG:3035"):
        crs = {"EPSG:32631": "EPSG:32613", "EPSG:3035": "EPSG:5070"}[crs]
    frame = as_polygons(cells).to_crs(crs)
    west, south, east, north = frame.total_bounds
    size = (north - south) * size_m / 9000
    margin = 3 * size
    columns, rows = (int((b - a + 2 * margin) / size) for a, b in ((west, east), (south, north)))
    x, y = west - margin + size * (np.arange(columns) + 0.5), north + margin - size * (np.arange(rows) + 0.5)
    slope = 100 / (north - south)
    values = slope * (x - west)[None, :] + 2 * slope * (y - south)[:, None]
    made = layer(raster_of(values, (west - margin, north + margin), size, crs=crs))
    centre = frame.geometry.centroid if crs != "EPSG:4326" else gpd.GeoSeries(shapely.centroid(frame.geometry.values))
    expected = (slope * (centre.x - west) + 2 * slope * (centre.y - south)).to_numpy()
    # A cell of 1 km spans about a tenth of the 300 that the plane rises by. Steps of 2.7 km are themselves no plane.
    if size_m == 130:
        assert attribute(made, cells).to_numpy() == pytest.approx(expected, abs=0.05)
    polygons = attribute(made, as_polygons(cells)).to_numpy()
    assert attribute(made, cells).to_numpy() == pytest.approx(polygons, abs=0.25)


def test_a_raster_turned_by_a_right_angle(raster_of: RasterOf) -> None:
    """At 90 degrees east of its centre a polar projection's rows run north: values still come from where they lie."""
    polar = "EPSG:3413"  # centre meridian 45 degrees west
    area = equal_area_crs((44, 69, 46, 71))
    cells = Cells(Lattice(area, 1000.0, -2, -2, 4, 4), *np.divmod(np.arange(16), 4))
    west, south, east, north = as_polygons(cells).to_crs(polar).total_bounds
    size = 100.0
    columns, rows = int((east - west) / size) + 6, int((north - south) / size) + 6
    rng = np.random.default_rng(3)
    made = layer(raster_of(rng.random((rows, columns)), (west - 300, north + 300), size, crs=polar))
    assert attribute(made, cells).to_numpy() == pytest.approx(attribute(made, as_polygons(cells)).to_numpy(), abs=2e-3)


def test_distance_to_a_raster_is_that_to_the_middle_of_its_nearest_cell(four_cells: Cells, raster_of: RasterOf) -> None:
    """A block of cells of 100 m whose nearest middle is (4, 5) km, 3 km east and 4 km north of NE's corner."""
    values = np.zeros((60, 60), dtype="uint8")
    values[:10, 40:] = 1
    made = raster_of(values, (-50, 5950), 100)
    assert both(layer(made, join="distance"), four_cells)[3] == pytest.approx(5.0, rel=1e-4)
    values[55:, :] = 1
    assert both(layer(raster_of(values, (-50, 5950), 100), join="distance"), four_cells)[2:] == [0.0, 0.0]


# Properties

PIECES = st.lists(
    st.tuples(st.integers(-8, 7), st.integers(-8, 7), st.integers(1, 12), st.integers(1, 12), st.integers(0, 3)),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(PIECES, st.randoms(use_true_random=False), st.sampled_from(["mean", "largest", "maximum", "share", "distance"]))
def test_the_order_of_features_does_not_matter(pieces: list, random: object, join: str) -> None:
    """Boxes on a grid of 300 m, and the same ones shuffled, joined to nine cells, and to polygons."""
    cells = Cells(Lattice(CRS, 1000.0, -1, -1, 3, 3), *np.divmod(np.arange(9), 3))
    rows = [(float(v), box(300 * x, 300 * y, 300 * (x + w), 300 * (y + h))) for x, y, w, h, v in pieces]
    frame = gpd.GeoDataFrame({"v": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs=CRS)
    order = list(range(len(rows)))
    random.shuffle(order)
    shuffled = frame.iloc[order]
    first = attribute(layer(frame.astype({"v": float}), column="v", join=join), cells)
    second = attribute(layer(shuffled.astype({"v": float}), column="v", join=join), cells)
    pd.testing.assert_series_equal(first, second, rtol=1e-12)
    third = attribute(layer(frame.astype({"v": float}), column="v", join=join), as_polygons(cells))
    pd.testing.assert_series_equal(first, third, rtol=1e-9, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(PIECES)
def test_what_cells_are_covered_by_adds_up(pieces: list) -> None:
    """The covered area of all cells is that of the union of the features inside them."""
    cells = Cells(Lattice(CRS, 1000.0, -3, -3, 8, 8), *np.divmod(np.arange(64), 8))
    shapes = [box(300 * x, 300 * y, 300 * (x + w), 300 * (y + h)) for x, y, w, h, _ in pieces]
    frame = gpd.GeoDataFrame({"v": [1.0] * len(shapes)}, geometry=shapes, crs=CRS)
    covered = attribute(layer(frame, join="share"), cells).sum() * 1e6
    union = shapely.union_all(np.array(shapes, dtype=object)) if shapes else shapely.Polygon()
    assert covered == pytest.approx(shapely.area(shapely.intersection(union, box(-3000, -3000, 5000, 5000))), rel=1e-9)


# Bad input


def test_a_column_that_is_not_there_is_named_with_the_nearest(four_cells: Cells) -> None:
    with pytest.raises(InputError, match=r"'speed'.*did you mean 'speeds'"):
        attribute(layer(features((1.0, Point(0, 0))).rename(columns={"v": "speeds"}), column="speed"), four_cells)


def test_a_mean_of_text_is_refused(four_cells: Cells) -> None:
    with pytest.raises(InputError, match="text where numbers are needed"):
        attribute(layer(features(("a", box(0, 0, 1, 1))), column="v", join="mean"), four_cells)


def test_no_column_and_no_value_is_refused(four_cells: Cells) -> None:
    with pytest.raises(InputError, match="no column is named"):
        attribute(layer(features(("a", box(0, 0, 1, 1)))), four_cells)
