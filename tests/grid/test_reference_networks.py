"""PTDF, LODF and splitting outages of real-size networks, against networks solved again by another routine."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.grid.screening import screen
from optimizer.io import read_grid
from optimizer.resources import dataset_path

CASES = (
    "pglib/pglib_opf_case14_ieee.m",
    "pglib/pglib_opf_case57_ieee.m",
    "pglib/pglib_opf_case73_ieee_rts.m",
    "pglib/pglib_opf_case89_pegase.m",
    "pglib/pglib_opf_case118_ieee.m",
    "pglib/pglib_opf_case200_activ.m",
    "pglib/pglib_opf_case300_ieee.m",
    "pglib/pglib_opf_case500_goc.m",
    "RTS-GMLC/MATPOWER/RTS_GMLC.m",
)


class Solved:
    """A grid with a balanced injection, and a solver of its own that knows nothing of `optimizer.grid.dc`."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.branches = grid.branches_in_service
        self.network = DCNetwork.build(grid.buses.index, self.branches)
        self.load = (grid.buses["load_mw"] + grid.buses["shunt_mw"]).to_numpy()
        running = grid.generators[grid.generators["in_service"]]
        self.capacity = np.zeros(len(grid.buses))
        np.add.at(self.capacity, grid.buses.index.get_indexer(running["bus"]), running["p_max_mw"])
        share = self.capacity / self.capacity.sum()
        self.injection = share * self.load.sum() - self.load
        self.flow = self.network.flows(self.injection)
        self.outages = OutageSet.branches(self.network, self.load)
        self.factors = OutageFactors(self.network, self.outages, self.capacity)

    def again(self, injection: np.ndarray, out: np.ndarray, buses: np.ndarray) -> np.ndarray:
        """Flows [MW] inside the part that `buses` names, with branches out, by one direct solve.

        No bus is removed: the first is tied to ground by 1 MW/rad, where a balanced injection sends nothing.
        """
        i = self.grid.buses.index.get_indexer(self.branches["from_bus"])
        j = self.grid.buses.index.get_indexer(self.branches["to_bus"])
        b = 100.0 / (self.branches["x_pu"] * self.branches["tap"]).to_numpy()
        b[out] = 0.0
        shift = np.radians(self.branches["shift_deg"].to_numpy())
        incidence = _incidence(i, len(injection)) - _incidence(j, len(injection))
        matrix = sp.csc_array(incidence.T @ sp.diags_array(b) @ incidence)[buses][:, buses]
        ground = sp.coo_array(([1.0], ([0], [0])), shape=matrix.shape)
        right = (injection + incidence.T @ (b * shift))[buses]
        angle = np.zeros(len(injection))
        angle[buses] = spsolve(sp.csc_array(matrix + ground), right, permc_spec="COLAMD")
        flow = b * (angle[i] - angle[j] - shift)
        inside = np.isin(i, buses) & np.isin(j, buses)
        return np.where(inside, flow, 0.0)

    def check_outage(self, k: int) -> None:
        """Compare one outage with the network solved again by the stated rule."""
        everything = np.arange(len(self.load))
        factor, alive = self.factors.columns(np.array([k]), 0)
        found = np.where(alive[:, 0], self.flow + factor[:, 0] * self.flow[k], 0.0)
        if not self.outages.splits[k]:
            expected = self.again(self.injection, np.array([k]), everything)
        else:
            graph = nx.Graph(self.grid.graph)
            graph.remove_edge(self.branches["from_bus"].iloc[k], self.branches["to_bus"].iloc[k])
            position = self.grid.buses.index.get_indexer
            parts = [np.sort(position(list(part))) for part in nx.connected_components(graph)]
            main = max(parts, key=lambda part: (round(self.load[part].sum(), 6), len(part)))
            lost = np.setdiff1d(everything, main)
            np.testing.assert_array_equal(self.outages.lost_buses[k], lost)
            injection = np.where(np.isin(everything, main), self.injection, 0.0)
            weight = np.where(np.isin(everything, main), self.capacity, 0.0)
            injection -= injection.sum() * weight / weight.sum()
            expected = self.again(injection, np.array([k]), main)
        scale = max(1.0, float(np.abs(self.flow).max()))
        np.testing.assert_allclose(found / scale, expected / scale, atol=1e-8)


def _incidence(ends: np.ndarray, n_bus: int) -> sp.csr_array:
    return sp.csr_array((np.ones(len(ends)), (np.arange(len(ends)), ends)), shape=(len(ends), n_bus))


@cache
def solved(path: Path) -> Solved:
    return Solved(read_grid(path))


def texas() -> Solved:
    return solved(dataset_path("texas") / "grid")


@pytest.mark.every(3)
@pytest.mark.parametrize("name", CASES)
def test_reference_case(reference_data: Path, name: str) -> None:
    """Base flows, PTDF and every outage; large cases every third outage."""
    case = solved(reference_data / name)
    everything = np.arange(len(case.load))
    expected = case.again(case.injection, np.array([], dtype=int), everything)
    np.testing.assert_allclose(case.flow, expected, atol=1e-8 * max(1.0, float(np.abs(expected).max())))
    rows = case.network.ptdf_rows(np.arange(case.network.n_branch))
    predicted = rows @ case.injection + case.network.shift_flow_mw
    np.testing.assert_allclose(predicted, expected, atol=1e-8 * max(1.0, float(np.abs(expected).max())))
    assert case.grid.bridges() == [case.outages.names[k] for k in np.flatnonzero(case.outages.splits)]
    for k in range(0, len(case.outages), 1 if len(case.outages) < 200 else 3):
        case.check_outage(k)


def test_texas_flows_and_ptdf() -> None:
    case = texas()
    expected = case.again(case.injection, np.array([], dtype=int), np.arange(2000))
    np.testing.assert_allclose(case.flow, expected, atol=1e-6)
    chosen = np.arange(0, 3206, 100)
    rows = case.network.ptdf_rows(chosen)
    np.testing.assert_allclose(rows @ case.injection, expected[chosen], atol=1e-6)
    columns = case.network.ptdf_columns(np.arange(0, 2000, 100))
    np.testing.assert_allclose(columns[chosen], rows[:, ::100], atol=1e-10)


def test_texas_outages() -> None:
    """Every 97th connected outage and every 15th splitting one."""
    case = texas()
    connected, splitting = np.flatnonzero(~case.outages.splits), np.flatnonzero(case.outages.splits)
    for k in [*connected[::97], *splitting[::15]]:
        case.check_outage(int(k))


def test_texas_splitting_outages_are_those_the_design_counts() -> None:
    """450 outages of 3,206 split the network, 433 of them isolate generators."""
    case = texas()
    lost = [case.outages.lost_buses[k] for k in np.flatnonzero(case.outages.splits)]
    assert len(case.outages) == 3206
    assert len(lost) == 450
    assert sum(bool(case.capacity[buses].sum() > 0) for buses in lost) == 433
    own = np.diag(case.network.transfer_columns(np.arange(3206)))
    np.testing.assert_array_equal(np.abs(1 - own) < 1e-9, case.outages.splits)


def test_texas_screening_agrees_with_single_outages() -> None:
    """Every pair above its limit after every 40th outage, and the count of all pairs."""
    case = texas()
    limit = 1.2 * case.branches["rating_mw"].to_numpy()
    found = screen(case.factors, case.flow, 0, limit, 1e-3)
    for k in range(0, 3206, 40):
        factor, alive = case.factors.columns(np.array([k]), 0)
        after = np.abs(case.flow + factor[:, 0] * case.flow[k])
        broken = np.flatnonzero(alive[:, 0] & (after > limit + 1e-3))
        reported = found.violations.loc[found.violations["outage"] == k, "branch"]
        np.testing.assert_array_equal(np.sort(reported), broken)
    lost_branches = sum(int((~case.factors.columns(np.array([k]), 0)[1]).sum()) for k in range(0, 3206))
    assert found.n_checked == 3206 * 3206 - lost_branches
