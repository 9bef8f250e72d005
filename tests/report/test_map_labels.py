"""Labels of a map: none lies on a circle or another label where any arrangement of sides keeps them apart."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.report.map_labels import SIDES, label_boxes, label_sides, shared, size_of

SIZE_PX, DIAMETER_PX, KM_PER_PX = (90.0, 32.0), 38.0, 1.8
NEAR = st.tuples(st.integers(0, 300), st.integers(0, 150))
"""Places within 300 by 150 km, where labels are 162 by 58 km."""


def sides_of(places: list[tuple[int, int]]) -> list[str]:
    x, y = np.array(places, dtype=float).T
    n = len(places)
    return label_sides(x, y, [DIAMETER_PX] * n, [SIZE_PX] * n, KM_PER_PX)


def covered_km2(places: list[tuple[int, int]], sides: tuple[str, ...] | list[str]) -> float:
    """What labels cover of each other and of circles other than their own."""
    x, y = np.array(places, dtype=float).T
    n, radius = len(places), DIAMETER_PX / 2 * KM_PER_PX
    boxes = label_boxes(x, y, [DIAMETER_PX] * n, [SIZE_PX] * n, KM_PER_PX)
    placed = np.array([boxes[i, SIDES.index(side)] for i, side in enumerate(sides)])
    circles = np.column_stack([x - radius, y - radius, x + radius, y + radius])
    pairs = itertools.permutations(range(n), 2)
    return float(sum(shared(placed[i], circles[[j]])[0] + shared(placed[i], placed[[j]])[0] for i, j in pairs))


@settings(max_examples=40, deadline=None)
@given(st.lists(NEAR, min_size=2, max_size=3, unique=True))
def test_nothing_is_covered_where_any_arrangement_covers_nothing(places: list[tuple[int, int]]) -> None:
    found = covered_km2(places, sides_of(places))
    if found:
        assert all(covered_km2(places, sides) for sides in itertools.product(SIDES, repeat=len(places)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40, unique=True))
def test_labels_with_room_stand_above(cells: list[tuple[int, int]]) -> None:
    """Circles 300 km apart: no side of any reaches another."""
    assert set(sides_of([(300 * i, 300 * j) for i, j in cells])) == {"top center"}


def test_two_circles_beside_each_other() -> None:
    """36 km apart, both labels above would lie on one another: one is above, the other below."""
    assert sides_of([(0, 0), (36, 0)]) == ["top center", "bottom center"]


def test_a_crowd_without_room_has_every_label_and_the_same_each_time() -> None:
    places = [(15 * i, 12 * j) for i in range(6) for j in range(6)]
    first, again = sides_of(places), sides_of(places)
    assert first == again
    assert len(first) == 36
    assert covered_km2(places, first) <= covered_km2(places, ["top center"] * 36)


@pytest.mark.parametrize(("km_per_px", "sides"), [(0.5, {"top center"}), (3.0, {"top center", "bottom center"})])
def test_how_near_labels_are_is_judged_by_what_the_map_shows(km_per_px: float, sides: set[str]) -> None:
    """60 km apart, labels of 90 px are 45 km wide on a map of a county and 270 km on one of a country."""
    x, y = np.array([0.0, 60.0]), np.zeros(2)
    assert set(label_sides(x, y, [8.0, 8.0], [SIZE_PX] * 2, km_per_px)) == sides


def test_the_size_of_a_label_is_that_of_its_longest_line() -> None:
    assert size_of(["600 MW", "San Patricio"]) == (12 * 9.0, 2 * 16.0)


def test_no_labels() -> None:
    assert label_sides(np.empty(0), np.empty(0), [], [], 1.0) == []
