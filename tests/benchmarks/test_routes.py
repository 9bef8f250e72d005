"""Routes of ties at the size of Texas: a friction layer of 20,000 made areas, 300 made barriers, cells of 1 km.

Nothing is asserted of the time itself, which depends on the machine; what is computed is checked.
"""

from __future__ import annotations

import resource
from time import perf_counter, process_time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from optimizer.layers.places import WGS84
from optimizer.study import Study, read_study
from tests.benchmarks.conftest import Figure

pytestmark = pytest.mark.bench

STUDY = """
[study]
name = "Texas, routed"
periods = [2030, 2032, 2035]
[grid]
source = "texas"
[demand]
it_mw = { 2030 = 1000, 2032 = 2500, 2035 = 5000 }
[sites]
routing = "least_cost"
[[sites.layers]]
source = "cover.gpkg"
rule = "friction"
column = "code"
multipliers = "southeast_land_cover"
[[sites.layers]]
source = "rivers.gpkg"
rule = "barrier"
"""


@pytest.fixture(scope="module")
def texas(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder, made = tmp_path_factory.mktemp("routed"), np.random.default_rng(1)
    at = made.uniform([-106, 26], [-94, 36], (20_000, 2))
    areas = shapely.buffer(shapely.points(at), made.uniform(0.01, 0.06, len(at)))
    cover = gpd.GeoDataFrame({"code": made.choice([21, 24, 41, 90], len(at))}, geometry=areas, crs=WGS84)
    cover.to_file(folder / "cover.gpkg")
    start = made.uniform([-106, 26], [-94, 36], (300, 2))
    ends = start + made.uniform(-0.5, 0.5, start.shape)
    gpd.GeoDataFrame(geometry=shapely.linestrings(np.stack([start, ends], 1)), crs=WGS84).to_file(
        folder / "rivers.gpkg"
    )
    (folder / "study.toml").write_text(STUDY)
    return read_study(folder)


def stated(name: str, wall: float, cpu: float) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return f"{name}: {perf_counter() - wall:.1f} s, {process_time() - cpu:.1f} s of processor, {peak} MB at the most"


@pytest.mark.slow
def test_candidates_with_routes(texas: Study, figure: Figure) -> None:
    wall, cpu = perf_counter(), process_time()
    routing = texas.routing
    assert routing is not None
    figure(stated("friction surface", wall, cpu))
    wall, cpu = perf_counter(), process_time()
    ties = texas.candidates.ties
    figure(stated("candidates", wall, cpu))
    drawn_km = ties.to_crs(routing.surface.lattice.crs).length / 1000
    assert drawn_km.to_numpy() == pytest.approx(ties["length_km"].to_numpy(), abs=1e-4)
    assert (ties["weighted_km"] >= ties["length_km"] * (1 - 1e-9)).all()


@pytest.mark.slow
def test_routes_of_every_square_kilometre(texas: Study, figure: Figure) -> None:
    routing, region = texas.routing, texas.region
    assert routing is not None
    assert region is not None
    west, south, east, north = region.footprint.bounds
    x, y = (a.ravel() for a in np.meshgrid(np.arange(west, east, 1000), np.arange(south, north, 1000)))
    shapely.prepare(region.footprint)
    inside = shapely.contains_xy(region.footprint, x, y)
    places = gpd.GeoSeries(gpd.points_from_xy(x[inside], y[inside]), crs=region.crs).to_crs(WGS84)
    table = pd.DataFrame({"lat": places.y, "lon": places.x})
    wall, cpu = perf_counter(), process_time()
    pairs = routing.pairs(table, texas.points[~texas.points["cut_off"]])
    figure(stated(f"{len(pairs):,} routes from {len(table):,} places", wall, cpu))
    assert (pairs["length_km"] >= pairs["straight_km"] * 0.99).all()
    assert (pairs["straight_km"] <= 25).all()
