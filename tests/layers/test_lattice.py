import numpy as np
import pytest
import shapely

from optimizer.layers.lattice import Lattice
from optimizer.layers.overlay import overlay
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))


def test_cells_cover_the_footprint_once() -> None:
    """A disc of 12 km touches 32 cells of 5 km: all 36 in the box of -15..15 less those beyond its edge at each corner.

    A corner cell spans 10 to 15 km both ways: its nearest corner is 14.1 km away, outside. The cells beside it, from
    (5, 10), are 11.2 km away, inside. So four of the 36 are missing.
    """
    disc = shapely.Point(0, 0).buffer(12_000)
    lattice = Lattice.over(disc, 5, CRS)
    found = overlay(lattice, disc, [])
    boxes = lattice.boxes(found.row, found.column)
    assert len(boxes) == 32
    assert shapely.area(boxes) == pytest.approx([25e6] * 32)
    assert shapely.union_all(boxes).covers(disc)
    assert found.total_m2.sum() == pytest.approx(disc.area)


def test_cell_names_are_columns_and_rows() -> None:
    lattice = Lattice.over(shapely.box(-5000, 0, 0, 5000), 5, CRS)
    row, column = (a.ravel() for a in np.mgrid[0 : lattice.height, 0 : lattice.width])
    at = lattice.names(row, column).tolist().index("e-01n000")
    assert shapely.bounds(lattice.boxes(row, column)[at]).tolist() == [-5000, 0, 0, 5000]


def test_cells_are_ordered_as_their_names_are() -> None:
    """Columns from -120 to 1,100 and rows from -12 to 12: names of three and of four figures, with and without sign."""
    lattice = Lattice(CRS, 1000.0, -120, -12, 1221, 25)
    row, column = (a.ravel() for a in np.mgrid[0 : lattice.height, 0 : lattice.width])
    names = lattice.names(row, column)
    assert names[lattice.name_order(row, column)].tolist() == sorted(names.tolist())
