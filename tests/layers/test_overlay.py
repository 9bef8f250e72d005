"""The overlay of layers on cells and parcels: small cases by hand, and properties of any case."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, Polygon, box

from optimizer.layers import overlay_tile
from optimizer.layers.lattice import Lattice
from optimizer.layers.overlay import overlay, overlay_places
from optimizer.layers.overlay_result import Overlay, Taking
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))
SIDE = 1000.0
CELL_M2 = SIDE**2
TOLERANCE_M2 = 20e-6 * CELL_M2
"""A millionth of a cell for each layer, of which there are never more than 20 here."""


def lattice(width: int, height: int, side: float = SIDE) -> Lattice:
    return Lattice(CRS, side, 0, 0, width, height)


def shapes(*found: shapely.Geometry) -> np.ndarray:
    return np.array(found, dtype=object)


def km(*limits: float) -> Polygon:
    return box(*(1000 * limit for limit in limits))


def by_geometry(places: np.ndarray, footprint: shapely.Geometry, layers: list[tuple[str, np.ndarray]]) -> tuple:
    """The same areas from unions and differences of whole layers, one place after the other."""
    unions = [shapely.union_all(found) for _, found in layers]
    inside = shapely.intersection(places, footprint)
    taken = np.array([shapely.area(shapely.intersection(inside, one)) for one in unions]).T
    others = [shapely.union_all([u for k, u in enumerate(unions) if k != n]) for n in range(len(unions))]
    only = np.array(
        [
            shapely.area(shapely.intersection(inside, shapely.difference(u, o)))
            for u, o in zip(unions, others, strict=True)
        ]
    ).T
    usable = shapely.area(shapely.difference(inside, shapely.union_all(unions)))
    return shapely.area(inside), usable, taken, only


def test_two_layers_on_four_cells_by_hand() -> None:
    """A lake of 1 x 1 km over the meeting of four cells takes 25 ha of each; a park of the western half of the first
    cell, 50 ha, does not touch it, and one over the northern half of all cells overlaps the upper half of the lake."""
    lake, park = km(0.5, 0.5, 1.5, 1.5), km(0, 1, 2, 2)
    found = overlay(lattice(2, 2), km(0, 0, 2, 2), [("lake", shapes(lake)), ("park", shapes(park))])
    assert (found.row.tolist(), found.column.tolist()) == ([0, 0, 1, 1], [0, 1, 0, 1])
    assert found.total_m2.tolist() == [1e6] * 4
    assert found.taken_m2.toarray() == pytest.approx(np.array([[25e4, 0]] * 2 + [[25e4, 1e6]] * 2))
    assert found.only_m2.toarray() == pytest.approx(np.array([[25e4, 0]] * 2 + [[0, 75e4]] * 2))
    assert found.refused_m2 == pytest.approx([25e4, 25e4, 1e6, 1e6])
    assert found.usable_m2 == pytest.approx([75e4, 75e4, 0, 0])
    left = found.usable_shapes(np.array([0, 2]))
    assert left[0].equals(km(0, 0, 1, 1).difference(lake))
    assert left[1].is_empty


def test_three_layers_that_share_a_corner_by_hand() -> None:
    """Squares of 60 x 60 m at three corners of a cell of 100 x 100 m.

    Each meets its neighbours in 20 x 60 = 1,200 m2, all three in 20 x 20 = 400 m2. a is at the south-west, b at the
    south-east, c at the north-west: a and b share 1,200, a and c 1,200, b and c 400. At least two take
    1,200 + 1,200 + 400 - 3 x 400 + 400 = 2,000; a alone 3,600 - (1,200 + 1,200 - 400) = 1,600; b alone
    3,600 - (1,200 + 400 - 400) = 2,400, as c; all together 1,600 + 2 x 2,400 + 2,000 = 8,400.
    """
    layers = [("a", shapes(box(0, 0, 60, 60))), ("b", shapes(box(40, 0, 100, 60))), ("c", shapes(box(0, 40, 60, 100)))]
    found = overlay(lattice(1, 1, 100.0), box(0, 0, 100, 100), layers)
    assert found.only_m2.toarray()[0] == pytest.approx([1600, 2400, 2400], abs=0.1)
    assert found.refused_m2[0] == pytest.approx(8400, abs=0.1)


def test_overlaps_inside_a_layer_count_once() -> None:
    """Two boxes of 3 x 1 km that cross in 1 km2 take 5 km2."""
    cross = shapes(km(0, 1, 3, 2), km(1, 0, 2, 3))
    found = overlay(lattice(3, 3), km(0, 0, 3, 3), [("cross", cross)])
    assert found.taken_m2.sum() == pytest.approx(5e6)
    assert found.only_m2.sum() == pytest.approx(5e6)
    assert found.usable_m2.sum() == pytest.approx(4e6)


def test_only_what_lies_in_the_footprint_counts() -> None:
    """The footprint is the triangle below the diagonal of 2 x 2 km, 2 km2; the layer takes its part west of 1 km."""
    triangle = Polygon([(0, 0), (2000, 0), (0, 2000)])
    found = overlay(lattice(3, 3), triangle, [("west", shapes(km(-5, -5, 1, 5)))])
    cells = list(zip(found.row.tolist(), found.column.tolist(), strict=True))
    # Cells that merely touch the footprint are listed without area.
    assert cells == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
    assert found.total_m2 == pytest.approx([1e6, 0.5e6, 0, 0.5e6, 0, 0])
    assert found.refused_m2 == pytest.approx([1e6, 0, 0, 0.5e6, 0, 0])


def test_layers_without_shapes_and_no_layers() -> None:
    nothing = overlay(lattice(2, 1), km(0, 0, 2, 1), [("none", shapes())])
    assert nothing.usable_m2.tolist() == [1e6, 1e6]
    assert nothing.taken_m2.shape == (2, 1)
    assert overlay(lattice(2, 1), km(0, 0, 2, 1), []).usable_m2.tolist() == [1e6, 1e6]
    assert overlay_places(shapes(), km(0, 0, 2, 1), []).total_m2.tolist() == []


def test_parcels_by_hand() -> None:
    """A parcel of 1 x 2 km half outside the footprint, and one in two parts over tiles of 1 km; a road of 100 m."""
    road = LineString([(-9000, 500), (9000, 500)]).buffer(50, cap_style="flat")
    parcels = shapes(km(-1, 0, 1, 1), shapely.union(km(0, 0, 0.5, 0.5), km(2, 0, 3, 1)), km(50, 50, 51, 51))
    found = overlay_places(parcels, km(0, 0, 4, 4), [("road", shapes(road))], tile_m=1000.0)
    assert found.total_m2 == pytest.approx([1e6, 1.25e6, 0])
    # The first loses 1 km x 100 m; the second 500 m x 50 m and 1 km x 100 m.
    assert found.refused_m2 == pytest.approx([1e5, 1.25e5, 0])
    assert found.taken_m2.toarray()[:, 0] == pytest.approx([1e5, 1.25e5, 0])
    assert shapely.area(found.usable_shapes(np.array([0, 1]))) == pytest.approx([9e5, 11.25e5])


def test_the_callers_arrays_stay_as_they_are() -> None:
    layer = shapes(Point(1000, 1000).buffer(700), Point(1500, 1000).buffer(700))
    before = shapely.to_wkb(layer)
    overlay(lattice(2, 2), km(0, 0, 2, 2), [("lake", layer)])
    assert shapely.to_wkb(layer).tolist() == before.tolist()


# Corners on a coarse lattice make edges that coincide, cross in corners and run along cells; others make slivers.
coordinates = st.one_of(st.integers(-2, 14).map(lambda n: n * 250.0), st.floats(-500, 3500).map(lambda x: round(x, 3)))
points = st.tuples(coordinates, coordinates)


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Geometry:
    kind = draw(st.sampled_from(["hull", "box", "ring", "disc"]))
    if kind == "hull":
        return shapely.convex_hull(shapely.multipoints(draw(st.lists(points, min_size=3, max_size=7))))
    if kind == "disc":
        return Point(draw(points)).buffer(draw(st.floats(10, 2000)), quad_segs=8)
    (x, y), (z, w) = draw(points), draw(points)
    outer = box(min(x, z), min(y, w), max(x, z), max(y, w))
    return outer if kind == "box" else outer.difference(Point((x + z) / 2, (y + w) / 2).buffer(300, quad_segs=4))


layer_lists = st.lists(st.lists(polygons(), max_size=4), min_size=1, max_size=6).map(
    lambda found: [
        (f"layer {n}", shapes(*(p for shape in one for p in shapely.get_parts(shape) if p.area > 0)))
        for n, one in enumerate(found)
    ]
)
FOOTPRINT = Polygon([(100, -100), (2900, 300), (3100, 2800), (1500, 2000), (200, 3000)])


def agrees(found: Taking, places: np.ndarray, layers: list[tuple[str, np.ndarray]], tolerance: float) -> None:
    total, usable, taken, only = by_geometry(places, FOOTPRINT, layers)
    assert found.total_m2 == pytest.approx(total, abs=1e-3)
    assert found.usable_m2 == pytest.approx(usable, abs=tolerance)
    assert found.taken_m2.toarray() == pytest.approx(taken, abs=tolerance)
    assert found.only_m2.toarray() == pytest.approx(only, abs=tolerance)
    # Nothing is lost and nothing counted twice.
    assert found.usable_m2 + found.refused_m2 == pytest.approx(found.total_m2, rel=1e-9, abs=1e-9)
    assert (found.usable_m2 >= 0).all()
    assert (found.refused_m2 >= 0).all()


@given(layer_lists)
def test_cells_agree_with_unions_and_differences(layers: list[tuple[str, np.ndarray]]) -> None:
    found = overlay(lattice(4, 4), FOOTPRINT, layers)
    agrees(found, found.outlines(np.arange(len(found.row))), layers, TOLERANCE_M2)


@given(layer_lists)
def test_places_agree_with_unions_and_differences(layers: list[tuple[str, np.ndarray]]) -> None:
    places = shapes(km(0, 0, 2, 2), Point(1500, 1500).buffer(900), km(1.25, 0.5, 1.5, 3), km(9, 9, 10, 10))
    agrees(overlay_places(places, FOOTPRINT, layers, tile_m=1300.0), places, layers, 1e-2)


@given(layer_lists)
def test_unions_of_pairs_agree_with_sets_of_layers(layers: list[tuple[str, np.ndarray]]) -> None:
    """The two ways to add up what several layers take give the same areas."""
    by_sets = overlay(lattice(4, 4), FOOTPRINT, layers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlay_tile, "_levels", lambda single: None)
        by_unions = overlay(lattice(4, 4), FOOTPRINT, layers)
    same(by_sets, by_unions, TOLERANCE_M2)


@pytest.mark.slow
@given(layer_lists, st.sampled_from([1000.0, 2000.0, 3000.0]))
def test_tiles_do_not_matter(layers: list[tuple[str, np.ndarray]], tile_m: float) -> None:
    same(overlay(lattice(4, 4), FOOTPRINT, layers), overlay(lattice(4, 4), FOOTPRINT, layers, tile_m=tile_m))


@pytest.mark.slow
@given(layer_lists, st.randoms(use_true_random=False))
def test_the_order_of_layers_does_not_matter(layers: list[tuple[str, np.ndarray]], random: object) -> None:
    order = list(range(len(layers)))
    random.shuffle(order)
    one = overlay(lattice(4, 4), FOOTPRINT, layers)
    other = overlay(lattice(4, 4), FOOTPRINT, [layers[n] for n in order])
    # Byte for byte.
    assert other.refused_m2.tolist() == one.refused_m2.tolist()
    assert other.taken_m2.toarray().tolist() == one.taken_m2[:, order].toarray().tolist()
    assert other.only_m2.toarray().tolist() == one.only_m2[:, order].toarray().tolist()


def same(one: Overlay, other: Overlay, tolerance: float = TOLERANCE_M2) -> None:
    assert (one.row.tolist(), one.column.tolist()) == (other.row.tolist(), other.column.tolist())
    assert one.total_m2 == pytest.approx(other.total_m2, abs=1e-3)
    assert one.refused_m2 == pytest.approx(other.refused_m2, abs=tolerance)
    assert one.taken_m2.toarray() == pytest.approx(other.taken_m2.toarray(), abs=tolerance)
    assert one.only_m2.toarray() == pytest.approx(other.only_m2.toarray(), abs=tolerance)


@settings(max_examples=20)
@given(layer_lists)
def test_small_cells_add_up_to_large_ones(layers: list[tuple[str, np.ndarray]]) -> None:
    fine, coarse = overlay(lattice(16, 16, 250.0), FOOTPRINT, layers), overlay(lattice(4, 4), FOOTPRINT, layers)
    for name in ("total_m2", "refused_m2"):
        summed = np.zeros((4, 4))
        np.add.at(summed, (fine.row // 4, fine.column // 4), getattr(fine, name))
        large = np.zeros((4, 4))
        large[coarse.row, coarse.column] = getattr(coarse, name)
        assert summed == pytest.approx(large, abs=2 * TOLERANCE_M2)


def test_many_layers_on_each_other_are_united() -> None:
    """Twenty discs of one centre and 100 to 119 m: sets of layers would be a million, unions of pairs are 190.

    All lie within the largest: it takes its area, and alone the ring outside the second largest.
    """
    discs = [Point(500, 500).buffer(100.0 + n, quad_segs=16) for n in range(20)]
    found = overlay(lattice(1, 1), km(0, 0, 1, 1), [(f"disc {n}", shapes(disc)) for n, disc in enumerate(discs)])
    assert found.refused_m2[0] == pytest.approx(discs[-1].area, abs=TOLERANCE_M2)
    ring = discs[-1].area - discs[-2].area
    assert found.only_m2.toarray()[0] == pytest.approx([0.0] * 19 + [ring], abs=TOLERANCE_M2)


@pytest.mark.slow
def test_a_polygon_of_a_million_corners() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    radius = 9000 + 500 * np.sin(200 * angle)
    blob = shapely.Polygon(np.column_stack([10_000 + radius * np.cos(angle), 10_000 + radius * np.sin(angle)]))
    found = overlay(lattice(20, 20), km(0, 0, 20, 20), [("blob", shapes(blob))], tile_m=5000.0)
    assert found.taken_m2.sum() == pytest.approx(blob.area, rel=1e-7)


def test_the_projection_is_the_callers() -> None:
    """Cells are squares of any projection in metres: nothing is transformed."""
    other = Lattice(pyproj.CRS("EPSG:5070"), SIDE, -3, 7, 2, 2)
    west, south, _, _ = other.bounds
    layer = shapes(box(west, south, west + 500, south + 500))
    found = overlay(other, box(*other.bounds), [("corner", layer)])
    assert found.refused_m2 == pytest.approx([25e4, 0, 0, 0])
