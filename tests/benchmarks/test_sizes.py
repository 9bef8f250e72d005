"""How the cost of screening every outage on every branch grows with the network."""

from __future__ import annotations

import time

import numpy as np
import pytest

from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.grid.screening import screen
from optimizer.io import read_grid
from optimizer.progress import peak_memory_mb
from optimizer.resources import dataset_path
from tests.benchmarks.conftest import Figure

pytestmark = pytest.mark.bench

LARGER = [pytest.param(name, marks=pytest.mark.slow) for name in ("western", "eastern", "usa")]


def _grid(name: str) -> Grid:
    try:
        return read_grid(dataset_path(name) / "grid")
    except LookupError:
        pytest.skip(f"the dataset {name} is not there: gridsite data fetch {name}")


@pytest.mark.parametrize("name", ["texas", *LARGER])
def test_every_outage_on_every_branch(name: str, figure: Figure) -> None:
    """One dispatch in which every generator gives the same share of its p_max; limits that few pairs break."""
    grid = _grid(name)
    branches, load = grid.branches_in_service, grid.buses["load_mw"].to_numpy()
    started = time.perf_counter()
    network = DCNetwork.build(grid.buses.index, branches)
    factorized = time.perf_counter()
    units = grid.generators[grid.generators["in_service"]]
    p_max = units.groupby("bus")["p_max_mw"].sum().reindex(grid.buses.index).fillna(0.0).to_numpy()
    flow = network.flows(p_max * (load.sum() / p_max.sum()) - load)
    limit = np.maximum(1.2 * branches["rating_mw"].to_numpy(), 1.5 * np.abs(flow) + 50.0)
    ready = time.perf_counter()
    factors = OutageFactors(network, OutageSet.branches(network, load), p_max[:, None], cache_bytes=0)
    found = screen(factors, flow, 0, limit, 1e-3)
    seconds = time.perf_counter() - ready
    assert len(factors.outages) == len(branches)
    # Every pair is looked at but the branch that is out and what is lost with it.
    rated = int(np.isfinite(limit).sum())
    assert 0.9 * rated * (len(branches) - 1) < found.n_checked < rated * len(branches)
    figure(
        f"{name}: {network.n_bus:,} buses, {len(branches):,} outages, {found.n_checked:,} pairs: "
        f"factorized in {factorized - started:.3f} s, screened in {seconds:.2f} s, at most {peak_memory_mb():,.0f} MB"
    )
