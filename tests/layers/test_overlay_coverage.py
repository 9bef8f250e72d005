"""Shares of cells that polygons cover."""

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from optimizer.layers.coverage import LEAST_SHARE, Grid, covered_share
from optimizer.layers.polygons import halves, in_tiles, parts, small_pieces


def shapes(*found: shapely.Geometry) -> np.ndarray:
    return np.array(found, dtype=object)


def test_shares_by_hand() -> None:
    """Cells of 10 m, three to a row, two rows from the south; the second group overlaps itself and counts twice."""
    grid = Grid(100.0, 200.0, 10.0, 3, 2)
    groups = [shapes(box(105, 200, 130, 210)), shapes(box(100, 210, 110, 215), box(100, 210, 105, 220)), shapes()]
    share = covered_share(groups, grid).toarray()
    assert share == pytest.approx(np.array([[0.5, 1, 1, 0, 0, 0], [0, 0, 0, 1.0, 0, 0], [0] * 6]), abs=LEAST_SHARE)
    assert grid.bounds == (100, 200, 130, 220)
    assert [b.bounds for b in grid.boxes()[[0, 5]]] == [(100, 200, 110, 210), (120, 210, 130, 220)]


def test_edges_through_the_corners_of_cells() -> None:
    """exactextract gives a whole cell of these two to the wrong side: the sum of the shares tells, and cutting mends.

    They lie left of x = 3 and meet in one point; the expected shares are those of cutting along the cells.
    """
    thirds = (0.2636363636363636, 3.018181818181818)
    found = parts(
        shapely.intersection(
            shapes(Polygon([(2.5, 6), (3, -0.5), thirds]), Polygon([thirds, (-0.5, 2), (-0.5, 4)])), box(0, 0, 6, 6)
        )
    )[0]
    grid = Grid(0.0, 0.0, 1.0, 6, 6)
    share = covered_share([found], grid).toarray()[0]
    cut = [shapely.area(shapely.intersection(found, cell)).sum() for cell in grid.boxes()]
    assert share == pytest.approx(np.array(cut), abs=LEAST_SHARE)


def test_pieces_by_tile() -> None:
    """A box of 5 x 1 over tiles of 2 from -1: columns 0 to 2 hold 1, 2 and 2 of its length, in row 0."""
    pieces, tile, source = in_tiles(shapes(box(0, 0, 5, 1), box(9, 9, 9.5, 9.5)), 2.0, -1.0, -1.0)
    length = {tuple(at): shape.area for at, shape in zip(tile.tolist(), pieces, strict=True)}
    assert length == {(0, 0): 1.0, (1, 0): 2.0, (2, 0): 2.0, (5, 5): 0.25}
    assert sorted(source.tolist()) == [0, 0, 0, 1]


def test_halves_and_small_pieces_keep_the_area() -> None:
    disc = shapely.Point(0, 0).buffer(100, quad_segs=100)
    pieces, source = halves(shapes(disc, disc), np.array([0.0, 50.0]), 1)
    assert [int(source[n]) for n in range(4)] == [0, 1, 0, 1]
    assert [p.bounds[3] for p in pieces[:2]] == [0, 50]
    small = small_pieces(shapes(disc), 50)
    assert shapely.get_num_coordinates(small).max() <= 50
    assert shapely.area(small).sum() == pytest.approx(disc.area, rel=1e-12)
    # What cannot become smaller stays.
    assert len(small_pieces(shapes(shapely.Point(0, 0).buffer(0.4, quad_segs=100)), 50)) == 1


def test_parts_are_polygons_only() -> None:
    mixed = shapely.GeometryCollection([box(0, 0, 1, 1), shapely.Point(3, 3), shapely.MultiPolygon([box(5, 5, 6, 6)])])
    found, source = parts(shapes(shapely.Polygon(), mixed, shapely.LineString([(0, 0), (1, 1)])))
    assert [p.bounds for p in found] == [(0, 0, 1, 1), (5, 5, 6, 6)]
    assert source.tolist() == [1, 1]
