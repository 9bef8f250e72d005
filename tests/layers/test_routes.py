"""Least-cost routes on lattices of 1 km: by hand, by properties, and against Dijkstra's algorithm of networkx.

Cell (row r, column c) has its centre at x = c + 0.5, y = r + 0.5 km.
"""

from __future__ import annotations

from math import hypot, sqrt

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from optimizer.layers.friction import Surface, open_country
from optimizer.layers.lattice import Lattice
from optimizer.layers.places import equal_area_crs
from optimizer.layers.routes import RouteField, route_field

CRS = equal_area_crs((-1.0, -1.0, 1.0, 1.0))
DIAGONAL = sqrt(2)
FAR_M = 1e6


def surface(factor: np.ndarray, barrier: np.ndarray | None = None) -> Surface:
    height, width = factor.shape
    blocked = np.zeros(factor.shape, dtype=bool) if barrier is None else barrier
    return Surface(Lattice(CRS, 1000.0, 0, 0, width, height), factor, blocked)


def plain(height: int, width: int) -> np.ndarray:
    return np.ones((height, width))


def field(ground: Surface, x_km: float, y_km: float, reach_m: float = FAR_M) -> RouteField:
    return route_field(ground, 1000 * x_km, 1000 * y_km, reach_m)


def both(found: RouteField, x_km: float, y_km: float) -> tuple[float, float]:
    """Weighted length and length of the route from a place [km]."""
    reached = found.reached(np.array([1000 * x_km]), np.array([1000 * y_km]))
    return float(reached.weighted_km[0]), float(reached.length_km[0])


def drawn(found: RouteField, x_km: float, y_km: float) -> shapely.LineString:
    line = found.line(1000 * x_km, 1000 * y_km)
    assert line is not None
    return line


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (5, 0), (0, 4), (7, 3), (3, 7), (6, 6)])
def test_a_uniform_field_gives_the_octile_distance(dx: int, dy: int) -> None:
    found = field(surface(plain(9, 9)), 0.5, 0.5)
    octile = max(dx, dy) + (DIAGONAL - 1) * min(dx, dy)
    assert both(found, 0.5 + dx, 0.5 + dy) == pytest.approx((octile, octile))


def test_factors_scale_the_weighted_length_only() -> None:
    found = field(surface(3 * plain(9, 9)), 0.5, 0.5)
    assert both(found, 7.5, 3.5) == pytest.approx((3 * (7 + 3 * (DIAGONAL - 1)), 7 + 3 * (DIAGONAL - 1)))


def test_ends_beside_the_centres_of_their_cells_are_joined_to_them() -> None:
    """The place lies 0.3 km east and 0.4 km north of its centre, 0.5 km off; the point 0.2 km west of its."""
    found = field(surface(2 * plain(3, 9)), 0.3, 0.5)
    assert both(found, 6.8, 0.9) == pytest.approx((2 * (0.5 + 6 + 0.2), 6.7))


def test_ends_in_one_cell_are_joined_straight() -> None:
    found = field(surface(2 * plain(2, 2)), 0.1, 0.1)
    assert both(found, 0.4, 0.5) == pytest.approx((2 * hypot(0.3, 0.4), hypot(0.3, 0.4)))
    assert list(drawn(found, 0.4, 0.5).coords) == [(400, 500), (100, 100)]


def test_steps_cost_the_mean_of_their_cells() -> None:
    """Cells of 1, 1, 6, 1, 1 in a row: 1 + 3.5 + 3.5 + 1."""
    found = field(surface(np.array([[1.0, 1.0, 6.0, 1.0, 1.0]])), 0.5, 0.5)
    assert both(found, 4.5, 0.5) == pytest.approx((9.0, 4.0))


def test_a_route_goes_round_what_is_dear() -> None:
    """Through the cell of factor 6 it would be 9; round it, one row up, 2 sqrt(2) + 2."""
    factor = plain(2, 5)
    factor[0, 2] = 6
    found = field(surface(factor), 0.5, 0.5)
    assert both(found, 4.5, 0.5) == pytest.approx((2 * DIAGONAL + 2, 2 * DIAGONAL + 2))


def wall(gap: bool) -> Surface:
    """A wall in column 5 of 11, from row 0 to row 5 or, without a gap, over all seven rows."""
    barrier = np.zeros((7, 11), dtype=bool)
    barrier[: 6 if gap else 7, 5] = True
    return surface(plain(7, 11), barrier)


def test_a_wall_with_a_gap() -> None:
    """From (2.5, 0.5) to the gap (5.5, 6.5): 3 diagonal and 3 straight steps; the same down to (8.5, 0.5)."""
    found = field(wall(gap=True), 8.5, 0.5)
    assert both(found, 2.5, 0.5) == pytest.approx((2 * (3 * DIAGONAL + 3), 2 * (3 * DIAGONAL + 3)))
    line = drawn(found, 2.5, 0.5)
    assert (5500, 6500) in list(line.coords) or line.distance(shapely.Point(5500, 6500)) < 1e-6
    # Past the corner of the wall, never through it.
    assert line.intersection(shapely.box(5000, 0, 6000, 6000)).length == pytest.approx(0.0, abs=1e-6)


def test_a_wall_without_a_gap_leaves_no_route() -> None:
    found = field(wall(gap=False), 8.5, 0.5)
    assert both(found, 2.5, 0.5) == (np.inf, np.inf)
    assert found.line(2500, 500) is None
    assert both(found, 6.5, 6.5)[1] == pytest.approx(4 + 2 * DIAGONAL)


def test_a_point_within_a_ring_is_not_reached() -> None:
    barrier = np.zeros((9, 9), dtype=bool)
    barrier[2:7, 2:7] = True
    barrier[3:6, 3:6] = False
    found = field(surface(plain(9, 9), barrier), 4.5, 4.5)
    assert both(found, 0.5, 0.5) == (np.inf, np.inf)
    assert both(found, 3.5, 3.5) == pytest.approx((DIAGONAL, DIAGONAL))


def test_ends_may_stand_in_cells_that_a_barrier_touches() -> None:
    """The place's own cell and the point's are barriers: each is left for the neighbour on the way."""
    barrier = np.zeros((3, 6), dtype=bool)
    barrier[1, 0] = barrier[1, 5] = True
    factor = plain(3, 6)
    factor[1, 0] = 3
    found = field(surface(factor, barrier), 5.5, 1.5)
    assert both(found, 0.5, 1.5) == pytest.approx((5 + 1, 5.0))
    assert shapely.length(drawn(found, 0.5, 1.5)) == pytest.approx(5000)


def test_places_outside_the_window_are_not_reached() -> None:
    found = field(surface(plain(3, 9)), 0.5, 0.5, reach_m=3000)
    assert both(found, 3.5, 0.5) == pytest.approx((3, 3))
    assert both(found, 4.5, 0.5) == (np.inf, np.inf)
    assert both(found, -0.5, 0.5) == (np.inf, np.inf)


def test_open_country_has_neither_friction_nor_barriers() -> None:
    ground = open_country(Lattice(CRS, 1000.0, 0, 0, 3, 2))
    assert ground.factor.shape == ground.barrier.shape == (2, 3)
    assert (ground.factor == 1).all()
    assert not ground.barrier.any()


# Properties

SIZE = 6
factors = arrays(float, (SIZE, SIZE), elements=st.floats(0.5, 4.0))
barriers = arrays(bool, (SIZE, SIZE), elements=st.booleans())
spots = st.tuples(st.floats(0.0, SIZE - 0.01), st.floats(0.0, SIZE - 0.01))


def opened(barrier: np.ndarray, *places: tuple[float, float]) -> np.ndarray:
    """A barrier that leaves the cells of some places free."""
    free = barrier.copy()
    for x, y in places:
        free[int(y), int(x)] = False
    return free


@given(factors, barriers, spots, spots)
def test_routes_cost_the_same_in_both_directions(
    factor: np.ndarray, barrier: np.ndarray, one: tuple[float, float], other: tuple[float, float]
) -> None:
    ground = surface(factor, opened(barrier, one, other))
    there, back = both(field(ground, *other), *one), both(field(ground, *one), *other)
    assert there[0] == pytest.approx(back[0], rel=1e-9)


@given(factors, factors, barriers, barriers, spots, spots)
def test_more_friction_and_more_barriers_never_make_a_route_cheaper(
    factor: np.ndarray,
    more: np.ndarray,
    barrier: np.ndarray,
    others: np.ndarray,
    one: tuple[float, float],
    other: tuple[float, float],
) -> None:
    before = surface(factor, opened(barrier, one, other))
    after = surface(factor * np.maximum(more, 1), opened(barrier | others, one, other))
    assert both(field(after, *other), *one)[0] >= both(field(before, *other), *one)[0] * (1 - 1e-9)


@given(factors, barriers, spots, spots)
def test_the_line_is_as_long_as_stated_and_keeps_off_barriers(
    factor: np.ndarray, barrier: np.ndarray, one: tuple[float, float], other: tuple[float, float]
) -> None:
    blocked = opened(barrier, one, other)
    found = field(surface(factor, blocked), *other)
    weighted, length = both(found, *one)
    if not np.isfinite(weighted) or one == other:
        return
    line = drawn(found, *one)
    assert line.length / 1000 == pytest.approx(length, abs=1e-5)
    straight = hypot(one[0] - other[0], one[1] - other[1])
    assert straight - 1e-9 <= length
    assert factor.min() * length - 1e-9 <= weighted <= factor.max() * length + 1e-9
    cells = [shapely.box(1000 * c, 1000 * r, 1000 * c + 1000, 1000 * r + 1000) for r, c in np.argwhere(blocked)]
    assert sum(line.intersection(cell).length for cell in cells) == pytest.approx(0, abs=0.1)


@given(factors, barriers, st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_routes_are_those_of_dijkstra(factor: np.ndarray, barrier: np.ndarray, row: int, column: int) -> None:
    """The graph of free cells, eight neighbours each, an edge costing its length times the mean of its ends."""
    blocked = opened(barrier, (column, row))
    graph = nx.Graph()
    graph.add_node((row, column))
    for r, c in np.argwhere(~blocked).tolist():
        for dr, dc in ((0, 1), (1, 0), (1, 1), (1, -1)):
            s, d = r + dr, c + dc
            if 0 <= s < SIZE and 0 <= d < SIZE and not blocked[s, d]:
                graph.add_edge((r, c), (s, d), weight=hypot(dr, dc) * (factor[r, c] + factor[s, d]) / 2)
    expected = nx.single_source_dijkstra_path_length(graph, (row, column))
    found = field(surface(factor, blocked), column + 0.5, row + 0.5)
    for r, c in np.argwhere(~blocked).tolist():
        assert found.weighted_km[r, c] == pytest.approx(expected.get((r, c), np.inf), rel=1e-12)
