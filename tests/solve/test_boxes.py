"""Exploring boxes finds every efficient point of a finite set, with an oracle in place of a solver."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.solve.boxes import Box, Unexplored

Point = tuple[int, ...]


def efficient(points: set[Point]) -> set[Point]:
    def beaten(p: Point) -> bool:
        return any(q != p and all(a <= b for a, b in zip(q, p, strict=True)) for q in points)

    return {p for p in points if not beaten(p)}


def best_below(points: set[Point], below: tuple[float, ...]) -> Point | None:
    """Lexicographic minimum of the points whose values but the first are less than the corner."""
    inside = [p for p in points if all(v < high for v, high in zip(p[1:], below, strict=True))]
    return min(inside, default=None)


def explored(points: set[Point], spread: bool, most: float = math.inf) -> tuple[list[Point], int, bool]:
    """Points found in order, searches made, and whether nothing is left."""
    size = len(next(iter(points))) - 1
    lower = tuple(float(min(p[k + 1] for p in points)) for k in range(size))
    reach = tuple(float(max(p[k + 1] for p in points)) for k in range(size))
    left = Unexplored(lower, reach, tuple(1e-6 for _ in range(size)))
    found: list[Point] = []
    searches = 0
    while len(found) < most and (chosen := left.next(spread)) is not None:
        box, below = chosen
        searches += 1
        assert searches <= 40 * len(points) ** 2 + 100
        best = best_below(points, below)
        if best is None:
            left.explore(lower, below)
            left.mark(box, halved=True)
            continue
        left.explore(best[1:], below)
        left.mark(box, halved=best in found)
        if best not in found:
            found.append(best)
    return found, searches, left.next(spread) is None


def sets_of(size: int) -> st.SearchStrategy[set[Point]]:
    return st.sets(st.tuples(*[st.integers(0, 6)] * size), min_size=1, max_size=14)


@settings(max_examples=150)
@given(points=st.one_of(sets_of(2), sets_of(3)), spread=st.booleans())
def test_all_efficient_points_are_found_and_no_other(points: set[Point], spread: bool) -> None:
    found, _, complete = explored(points, spread)
    assert complete
    assert set(found) == efficient(points)


@settings(max_examples=50)
@given(points=sets_of(2))
def test_a_sweep_of_two_objectives_searches_once_a_point_and_once_more(points: set[Point]) -> None:
    """Below infinity, then below each point found but the last, whose value is the least there is."""
    found, searches, _ = explored(points, spread=False)
    assert searches == len(found)


def test_few_points_are_spread() -> None:
    """Of 101 points on a line, five found are nowhere further than a quarter apart, and a half less one step."""
    line = {(x, 100 - x) for x in range(101)}
    found, _, complete = explored(line, spread=True, most=5)
    values = sorted(p[1] for p in found)
    assert not complete
    assert max(b - a for a, b in pairwise(values)) <= 51
    assert explored(line, spread=False, most=5)[0] == [(x, 100 - x) for x in range(5)]


@pytest.mark.parametrize(
    ("taken", "area"),
    [(((1.0, 1.0), (2.0, 2.0)), 8.0), (((0.0, 0.0), (3.0, 3.0)), 0.0), (((2.0, -1.0), (9.0, 9.0)), 6.0)],
)
def test_what_is_left_of_a_box_is_its_area_less_what_is_taken(
    taken: tuple[tuple[float, float], tuple[float, float]], area: float
) -> None:
    left = Unexplored((0.0, 0.0), (3.0, 3.0), (1e-9, 1e-9))
    left.boxes = [Box((0.0, 0.0), (3.0, 3.0))]
    left.explore(*taken)
    assert sum((b.upper[0] - b.lower[0]) * (b.upper[1] - b.lower[1]) for b in left.boxes) == pytest.approx(area)
