"""Every outage on every branch, beside the DC security analysis of pypowsybl on the same network and dispatch."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.grid.ac_network import quiet_engine, to_powsybl
from optimizer.grid.ac_point import ACPoint
from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid
from optimizer.grid.outage_flows import OutageFlows
from optimizer.grid.screening import screen
from optimizer.io import read_grid
from tests.benchmarks.conftest import Figure

pytestmark = pytest.mark.bench

WATCHED = 40
"""Branches of which every flow after an outage is compared."""


def _point(grid: Grid) -> tuple[ACPoint, np.ndarray]:
    """Every generator at the same share of its p_max; the output at each bus [MW]."""
    units = grid.generators[grid.generators["in_service"]]
    drawn = grid.buses["load_mw"] + grid.buses["shunt_mw"]
    output = units["p_max_mw"] * (drawn.sum() / units["p_max_mw"].sum())
    at_bus = output.groupby(units["bus"]).sum().reindex(grid.buses.index).fillna(0.0).to_numpy()
    return replace(ACPoint.of(grid), output_mw=output, output_max_mw=units["p_max_mw"]), at_bus


def _ours(grid: Grid, at_bus: np.ndarray, outages: list[str], watched: list[str]) -> tuple[float, pd.DataFrame]:
    """Seconds of screening after the factorization, and flows by outage and watched branch [MW]."""
    branches, load = grid.branches_in_service, (grid.buses["load_mw"] + grid.buses["shunt_mw"]).to_numpy()
    network = DCNetwork.build(grid.buses.index, branches)
    flow = network.flows(at_bus - load)
    started = time.perf_counter()
    factors = OutageFactors(network, OutageSet.branches(network, load), at_bus[:, None], cache_bytes=0)
    screen(factors, flow, 0, 1.2 * branches["rating_mw"].to_numpy(), 1e-3)
    seconds = time.perf_counter() - started
    numbers = np.array([factors.outages.names.index(name) for name in outages])
    after = OutageFlows(factors, flow, 0).rows(numbers)[:, branches.index.get_indexer(watched)]
    return seconds, pd.DataFrame(after, index=outages, columns=watched)


def _theirs(grid: Grid, point: ACPoint, outages: list[str], watched: list[str]) -> tuple[float, float, pd.DataFrame]:
    """Seconds of the analysis of every outage that tells broken limits, and flows on every branch; and those flows.

    Of outages that split the network the rules of the two programs differ.
    """
    network, every = to_powsybl(grid, point).network, list(grid.branches_in_service.index)
    seconds = []
    with quiet_engine() as engine:
        parameters = engine.loadflow.Parameters(distributed_slack=False)
        for monitored in ([], [f"branch/{b}" for b in every]):
            analysis = engine.security.create_analysis()
            for name in every:
                analysis.add_single_element_contingency(f"branch/{name}", name)
            if monitored:
                analysis.add_postcontingency_monitored_elements(branch_ids=monitored, contingency_ids=every)
            started = time.perf_counter()
            result = analysis.run_dc(network, parameters)
            seconds.append(time.perf_counter() - started)
        flow = result.branch_results["p1"].droplevel("operator_strategy_id").unstack("contingency_id")
    flow.index = flow.index.str.removeprefix("branch/")
    return seconds[0], seconds[1], flow.T.reindex(index=outages, columns=watched)


def _compare(grid: Grid, name: str, figure: Figure) -> None:
    point, at_bus = _point(grid)
    bridges = set(grid.bridges())
    ids = [b for b in grid.branches_in_service.index if b not in bridges]
    watched = sorted(np.random.default_rng(0).choice(ids, min(WATCHED, len(ids)), replace=False))
    our_seconds, ours = _ours(grid, at_bus, ids, watched)
    limits_seconds, flows_seconds, theirs = _theirs(grid, point, ids, watched)
    difference = (ours - theirs).abs()
    for branch in watched:  # what is out has no flow in one program and no entry in the other
        difference.loc[branch, branch] = 0.0
    assert difference.notna().all(axis=None)
    assert difference.max(axis=None) < 1e-6
    ratios = f"ratios {limits_seconds / our_seconds:.0f} and {flows_seconds / our_seconds:.0f}"
    times = (
        f"{our_seconds:.3f} s, pypowsybl {limits_seconds:.2f} s for limits, {flows_seconds:.2f} s for flows, {ratios}"
    )
    counts = f"{len(grid.branches_in_service):,} outages, {len(ids):,} compared"
    figure(f"{name}, {counts}: {times}, largest difference of flow {difference.max(axis=None):.1e} MW")


def test_a_small_network(reference_data: Path, figure: Figure) -> None:
    _compare(read_grid(reference_data / "pglib" / "pglib_opf_case118_ieee.m"), "case118_ieee", figure)


@pytest.mark.slow
def test_texas(repository: Path, figure: Figure) -> None:
    _compare(read_grid(repository / "datasets" / "texas" / "grid"), "texas", figure)
