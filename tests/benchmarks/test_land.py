"""Overlay of 20 map layers on land cells: what it costs, how it grows, and against ``GeoDataFrame.overlay``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from optimizer.layers.lattice import Lattice
from optimizer.layers.overlay import overlay
from optimizer.layers.overlay_result import Overlay
from optimizer.layers.shapes import layer_shapes
from optimizer.progress import peak_memory_mb
from optimizer.resources import dataset_path
from optimizer.study.region import read_region
from tests.benchmarks.conftest import Figure
from tests.benchmarks.land_layers import Ground, part_of, read_layers, write_layers

# GeoPandas says how many points and lines it leaves out, which have no area.
pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore:`keep_geom_type=True` in overlay:UserWarning")]

Areas = list[tuple[str, np.ndarray]]


@dataclass(frozen=True)
class Clock:
    """Seconds by the wall and seconds that processors worked."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Clock:
        return cls(time.perf_counter(), time.process_time())

    def __str__(self) -> str:
        now = Clock.now()
        return f"{now.wall - self.wall:.1f} s ({now.processor - self.processor:.1f} s of processors)"


@pytest.fixture(scope="module")
def texas() -> Ground:
    region = read_region(dataset_path("texas"))
    return Ground(region.footprint, region.crs)


@pytest.fixture(scope="module")
def state(texas: Ground, tmp_path_factory: pytest.TempPathFactory) -> tuple[Areas, str]:
    """Areas that the 20 layers take of Texas, and what making them of their files took."""
    return _areas(texas, tmp_path_factory.mktemp("layers"))


def _areas(ground: Ground, folder: Path) -> tuple[Areas, str]:
    layers = read_layers(folder, write_layers(folder, ground))
    assert len(layers) == 20
    assert sum(layer.raster is not None for layer in layers) == 5
    started = Clock.now()
    areas = layer_shapes(layers, ground.crs, ground.footprint.bounds, ground.footprint)
    took = str(started)
    corners = sum(int(shapely.get_num_coordinates(found).sum()) for _, found in areas)
    polygons = sum(len(found) for _, found in areas)
    return areas, f"{polygons:,} polygons of {corners:,} corners made of files in {took}"


def _overlay(ground: Ground, cell_km: float, areas: Areas) -> tuple[Overlay, str]:
    started = Clock.now()
    found = overlay(Lattice.over(ground.footprint, cell_km, ground.crs), ground.footprint, areas)
    return found, f"{len(found.row):,} cells of {cell_km:g} km, {len(areas)} layers: overlaid in {started}"


def _straightforward(ground: Ground, found: Overlay, areas: Areas) -> tuple[np.ndarray, np.ndarray]:
    """Usable area by cell, and area taken by cell and layer, by GeoPandas: one layer after the other."""
    boxes = shapely.intersection(found.outlines(np.arange(len(found.row))), ground.footprint)
    cells = gpd.GeoDataFrame({"cell": np.arange(len(boxes))}, geometry=boxes, crs=ground.crs)
    usable, taken = cells, np.zeros((len(cells), len(areas)))
    for n, (_, shapes) in enumerate(areas):
        layer = gpd.GeoDataFrame(geometry=shapes, crs=ground.crs)
        usable = usable.overlay(layer, how="difference", keep_geom_type=True)
        meets = cells.overlay(layer, how="intersection", keep_geom_type=True).dissolve("cell")
        taken[meets.index, n] = meets.area
    left = np.zeros(len(cells))
    left[usable["cell"]] = usable.area
    return left, taken


@pytest.mark.slow
def test_a_part_of_texas_against_geopandas(texas: Ground, tmp_path: Path, figure: Figure) -> None:
    """The same areas to 0.1 % of each layer and of each cell."""
    _compare(part_of(texas, 0.0005), tmp_path, figure)


@pytest.mark.slow
def test_a_larger_part_of_texas_against_geopandas(texas: Ground, tmp_path: Path, figure: Figure) -> None:
    _compare(part_of(texas, 0.02), tmp_path, figure)


def _compare(ground: Ground, folder: Path, figure: Figure) -> None:
    areas, _ = _areas(ground, folder)
    started = time.process_time()
    found, line = _overlay(ground, 1.0, areas)
    ours = time.process_time() - started
    started = time.process_time()
    usable, taken = _straightforward(ground, found, areas)
    theirs = time.process_time() - started
    cell = found.lattice.area_m2
    assert found.usable_m2 == pytest.approx(usable, abs=1e-3 * cell)
    assert found.taken_m2.toarray() == pytest.approx(taken, abs=1e-3 * cell)
    assert found.usable_m2.sum() == pytest.approx(usable.sum(), rel=1e-6)
    assert found.taken_m2.sum(axis=0) == pytest.approx(taken.sum(axis=0), rel=1e-6)
    figure(f"{line}; GeoDataFrame.overlay {theirs:.1f} s of processors, {theirs / ours:.0f} times as much")


@pytest.mark.slow
@pytest.mark.parametrize("cell_km", [4.0, 2.0, 1.0, 0.5, 0.25])
def test_texas_by_size_of_cells(cell_km: float, texas: Ground, state: tuple[Areas, str], figure: Figure) -> None:
    areas, made = state
    found, line = _overlay(texas, cell_km, areas)
    assert found.total_m2.sum() == pytest.approx(texas.footprint.area, rel=1e-9)
    assert (found.usable_m2 + found.refused_m2).sum() == pytest.approx(found.total_m2.sum(), rel=1e-9)
    figure(f"{made}; {line}, at most {peak_memory_mb():,.0f} MB")


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 5, 10, 15, 20])
def test_texas_by_number_of_layers(count: int, texas: Ground, state: tuple[Areas, str], figure: Figure) -> None:
    _, line = _overlay(texas, 1.0, state[0][:count])
    figure(line)
