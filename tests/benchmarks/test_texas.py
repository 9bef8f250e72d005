"""Benchmarks on the bundled Texas network: run with every suite as a smoke test, timed by ``make bench``.

Nothing is asserted of the time itself, which depends on the machine; what is computed is checked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.grid.screening import screen
from optimizer.io import read_grid

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def texas(repository: Path) -> Grid:
    return read_grid(repository / "datasets" / "texas" / "grid")


@pytest.fixture(scope="module")
def network(texas: Grid) -> DCNetwork:
    return DCNetwork.build(texas.buses.index, texas.branches_in_service)


@pytest.fixture(scope="module")
def flow_mw(texas: Grid, network: DCNetwork) -> np.ndarray:
    """Flows when every generator gives the same share of its p_max: a dispatch that needs no solver."""
    load = texas.buses["load_mw"].to_numpy()
    p_max = _p_max(texas)
    return network.flows(p_max * (load.sum() / p_max.sum()) - load)


def _p_max(texas: Grid) -> np.ndarray:
    units = texas.generators
    return units.groupby("bus")["p_max_mw"].sum().reindex(texas.buses.index).fillna(0.0).to_numpy()


@pytest.fixture(scope="module")
def factors(texas: Grid, network: DCNetwork) -> OutageFactors:
    outages = OutageSet.branches(network, texas.buses["load_mw"].to_numpy())
    return OutageFactors(network, outages, _p_max(texas)[:, None])


def test_factorize(texas: Grid) -> None:
    assert DCNetwork.build(texas.buses.index, texas.branches_in_service).n_branch == 3206


def test_screen_all_outages(texas: Grid, factors: OutageFactors, flow_mw: np.ndarray) -> None:
    """All 3,206 outages on all branches, their factors computed on the way."""
    limit = 1.2 * texas.branches_in_service["rating_mw"].to_numpy()
    found = screen(factors, flow_mw, 0, limit, 1e-3)
    assert found.n_checked > 3206 * 2700
    assert len(found.top) == 10
    assert found.worst_loading == found.top["loading"].iloc[0]


def test_screen_all_outages_again(texas: Grid, factors: OutageFactors, flow_mw: np.ndarray) -> None:
    """Once more with the factors kept, as in every round; one outage is solved again without the branch."""
    limit = 1.2 * texas.branches_in_service["rating_mw"].to_numpy()
    worst = screen(factors, flow_mw, 0, limit, 1e-3, top=10).top
    worst = worst[~factors.outages.splits[worst["outage"]]].iloc[0]
    position = int(factors.outages.positions[int(worst["outage"])])
    branches = texas.branches_in_service
    left = DCNetwork.build(texas.buses.index, branches.drop(branches.index[position]))
    load, p_max = texas.buses["load_mw"].to_numpy(), _p_max(texas)
    after = left.flows(p_max * (load.sum() / p_max.sum()) - load)
    branch = branches.index[int(worst["branch"])]
    assert worst["flow_mw"] == pytest.approx(after[left.branch_ids.get_loc(branch)], abs=1e-6)
