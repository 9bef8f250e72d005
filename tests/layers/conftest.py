"""Small lattices, layers and rasters whose joins can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import affine
import numpy as np
import pyproj
import pytest
import rasterio

from optimizer.io.raster import Raster
from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))
"""Equal-area projection around 0 degrees north and east."""


@pytest.fixture
def four_cells() -> Cells:
    """Two by two cells of 1 km with a common corner at the origin: south-west, south-east, north-west, north-east."""
    return Cells(Lattice(CRS, 1000.0, -1, -1, 2, 2), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))


@pytest.fixture
def raster_of(tmp_path: Path) -> Callable[..., Raster]:
    """Writer of rasters: values from the north-west, the coordinates of that corner, and the size of a cell."""

    def write(
        values: object, corner: tuple[float, float], size: float, crs: object = CRS, nodata: float | None = None
    ) -> Raster:
        array = np.asarray(values)
        path = tmp_path / f"raster{len(list(tmp_path.iterdir()))}.tif"
        transform = affine.Affine(size, 0, corner[0], 0, -size, corner[1])
        height, width = array.shape
        with rasterio.open(
            path, "w", "GTiff", width, height, 1, rasterio.crs.CRS.from_user_input(crs), transform, array.dtype, nodata
        ) as file:
            file.write(array, 1)
        return Raster(path, 1, pyproj.CRS(crs), transform, width, height, nodata)

    return write
