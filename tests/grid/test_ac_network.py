"""The converted network against power balance by definition, another program, DC flows, and a quadratic by hand."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.grid.ac_flow import ACCase, ACFlow, ACSolver, Attempt
from optimizer.grid.ac_network import quiet_engine, to_powsybl
from optimizer.grid.ac_point import ACPoint
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid, make_grid
from optimizer.io import read_grid
from optimizer.resources import dataset_path

#: As power flow is stated in textbooks: voltages are held whatever it takes, one bus takes what is left over.
PLAIN = Attempt("plain", "no limits", reactive_limits=False, shared_slack=False)
IEEE = ("case14_ieee", "case57_ieee", "case118_ieee", "case300_ieee")


def ac_grid(buses: str, branches: str, generators: str, **more: str) -> Grid:
    """A grid of tables written as text, columns by spaces."""
    texts = {"buses": buses, "branches": branches, "generators": generators, **more}
    tables = {}
    for name, text in texts.items():
        header, *rows = (line.split() for line in text.strip().splitlines())
        tables[name] = pd.DataFrame(rows, columns=header)
    return make_grid("test", tables)


def published(reference_data: Path, name: str) -> Grid:
    return read_grid(reference_data / "pglib" / f"pglib_opf_{name}.m")


def reference_bus(grid: Grid) -> str:
    return str(grid.buses.index[grid.buses["type"] == 3][0])


def complex_voltages(solver: ACSolver) -> np.ndarray:
    buses = solver.network.get_bus_breaker_view_buses(attributes=["v_mag", "v_angle"])
    buses = buses.loc[[f"bus/{bus}" for bus in solver.case.grid.buses.index]]
    pu = buses["v_mag"].to_numpy() / solver.case.grid.buses["base_kv"].to_numpy()
    return pu * np.exp(1j * np.radians(buses["v_angle"].to_numpy()))


def admittance(grid: Grid) -> np.ndarray:
    """Bus admittances [pu on 100 MVA]: an ideal transformer at the from-side, then a pi section."""
    branches = grid.branches_in_service
    i, j = (grid.buses.index.get_indexer(branches[c]) for c in ("from_bus", "to_bus"))
    series = 1 / (branches["r_pu"] + 1j * branches["x_pu"]).to_numpy()
    own = series + 0.5j * branches["b_pu"].to_numpy()
    ratio = branches["tap"].to_numpy() * np.exp(1j * np.radians(branches["shift_deg"].to_numpy()))
    y = np.zeros((len(grid.buses), len(grid.buses)), dtype=complex)
    np.add.at(y, (i, i), own / abs(ratio) ** 2)
    np.add.at(y, (i, j), -series / ratio.conj())
    np.add.at(y, (j, i), -series / ratio)
    np.add.at(y, (j, j), own)
    shunt = (grid.buses["shunt_mw"] + 1j * grid.buses["shunt_mvar"]).to_numpy() / 100
    return y + np.diag(shunt)


def shared(grid: Grid) -> ACPoint:
    """The load and 2 % of losses shared by all units in proportion to their size: published outputs do not add up."""
    units = grid.generators[grid.generators["in_service"]]
    share = 1.02 * float(grid.buses["load_mw"].sum()) / float(units["p_max_mw"].sum())
    return replace(ACPoint.of(grid), output_mw=units["p_max_mw"] * share)


@pytest.mark.parametrize("name", IEEE)
def test_solution_balances_power_at_every_bus(reference_data: Path, name: str) -> None:
    """The solution put into the equations S = V (Y V)*, written down here from the tables."""
    grid = published(reference_data, name)
    point = shared(grid)
    solver = ACSolver(ACCase(grid, point), PLAIN)
    slack = reference_bus(grid)
    run = solver.solve(slack_bus=slack)
    assert run.flow is not None, run.said
    v = complex_voltages(solver)
    injected = v * (admittance(grid) @ v).conj() * 100
    units = grid.generators[grid.generators["in_service"]]
    given = point.output_mw.groupby(units["bus"]).sum().reindex(grid.buses.index).fillna(0.0)
    off_mw = injected.real - given + grid.buses["load_mw"]
    off_mvar = pd.Series(injected.imag, grid.buses.index) + grid.buses["load_mvar"]
    held = grid.buses.index.isin(units["bus"])
    assert np.abs(off_mw[grid.buses.index != slack]).max() < 1e-3
    assert np.abs(off_mvar[~held]).max() < 1e-3
    target = units.groupby("bus")["v_set_pu"].first()
    np.testing.assert_allclose(np.abs(v)[held], target.reindex(grid.buses.index[held]), atol=1e-8)


@pytest.mark.every(3)
@pytest.mark.parametrize("name", ["case14_ieee", "case57_ieee", "case118_ieee"])
def test_voltages_and_flows_are_those_of_pypsa(reference_data: Path, name: str) -> None:
    """The Newton power flow of another program, from its own reading of the same file."""
    pypsa = pytest.importorskip("pypsa")
    from matpowercaseframes import CaseFrames

    path = reference_data / "pglib" / f"pglib_opf_{name}.m"
    grid = read_grid(path)
    point, slack = shared(grid), reference_bus(grid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = CaseFrames(str(path))
        tables = {part: getattr(case, part).to_numpy(float, copy=True) for part in ("bus", "gen", "branch")}
        tables["gen"] = np.pad(tables["gen"], ((0, 0), (0, 21 - tables["gen"].shape[1])))
        tables["gen"][:, 1] = point.output_mw.to_numpy()
        network = pypsa.Network()
        network.import_from_pypower_ppc({"version": "2", "baseMVA": float(case.baseMVA), **tables})
        network.transformers["model"] = "pi"  # as MATPOWER defines them
        report = network.pf(x_tol=1e-10)
    assert report["converged"].to_numpy().all()
    run = ACSolver(ACCase(grid, point), PLAIN).solve(slack_bus=slack)
    assert run.flow is not None, run.said
    theirs = network.buses_t.v_mag_pu.loc["now", grid.buses.index].to_numpy()
    np.testing.assert_allclose(run.flow.voltage_pu.to_numpy(), theirs, atol=1e-5)
    ends = zip(grid.branches["from_bus"], grid.branches["to_bus"], strict=True)
    ours = pd.Series(run.flow.from_mw.to_numpy(), index=pd.MultiIndex.from_tuples(ends)).groupby(level=[0, 1]).sum()
    parts = [(network.lines, network.lines_t.p0), (network.transformers, network.transformers_t.p0)]
    flows = pd.concat(
        pd.Series(p0.loc["now", rows.index].to_numpy(), index=pd.MultiIndex.from_frame(rows[["bus0", "bus1"]]))
        for rows, p0 in parts
        if len(rows)
    )
    np.testing.assert_allclose(ours, flows.groupby(level=[0, 1]).sum().reindex(ours.index), atol=1e-3)


def dc_flows_of_the_engine(grid: Grid, point: ACPoint) -> pd.Series:
    network = to_powsybl(grid, point).network
    with quiet_engine() as engine:
        settings = engine.loadflow.Parameters(distributed_slack=False, read_slack_bus=False)
        results = engine.loadflow.run_dc(network, settings)
    assert results[0].status.name == "CONVERGED"
    branches = network.get_branches(attributes=["p1"])
    return branches["p1"].reindex([f"branch/{one}" for one in grid.branches_in_service.index])


def balanced(grid: Grid, seed: int) -> ACPoint:
    """Outputs drawn at random that add up to the load; no shunt conductance, which DC flow has no voltage for."""
    rng = np.random.default_rng(seed)
    units = grid.generators[grid.generators["in_service"] & (grid.generators["p_max_mw"] > 0)]
    share = rng.random(len(units)) * units["p_max_mw"]
    return replace(ACPoint.of(grid), output_mw=share * float(grid.buses["load_mw"].sum() / share.sum()))


@pytest.mark.every(3)
@pytest.mark.parametrize("source", ["texas", "RTS-GMLC", "case118_ieee", "case300_ieee"])
def test_dc_flows_of_the_converted_network_are_ours(source: str, request: pytest.FixtureRequest) -> None:
    """Every reactance, tap and phase shift has the right size and sign, whatever solves it."""
    if source == "texas":
        grid = read_grid(dataset_path("texas") / "grid")
    else:
        folder = request.getfixturevalue("reference_data")
        grid = read_grid(folder / "RTS-GMLC/MATPOWER/RTS_GMLC.m") if source == "RTS-GMLC" else published(folder, source)
    grid = replace(grid, buses=grid.buses.assign(shunt_mw=0.0), hvdc=grid.hvdc.iloc[:0])
    point = balanced(grid, 7)
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    output = point.output_mw.groupby(grid.generators["bus"].loc[point.output_mw.index]).sum()
    injection = output.reindex(grid.buses.index).fillna(0.0) - grid.buses["load_mw"]
    ours = network.flows(injection.to_numpy())
    np.testing.assert_allclose(dc_flows_of_the_engine(grid, point).to_numpy(), ours, atol=1e-6)


def test_phase_shift_delays_the_flow() -> None:
    """Two equal parallel circuits, one shifting by 2 degrees: it carries less by b shift / 2, the other more."""
    grid = ac_grid(
        "bus base_kv load_mw\na 138 0\nb 138 100",
        "branch from_bus to_bus x_pu rating_mw shift_deg kind\nl a b 0.1 0 0 line\nt a b 0.1 0 2 transformer",
        "generator bus p_max_mw p_mw\ng a 200 100",
    )
    driven = 1000 * math.radians(2) / 2
    flows = dc_flows_of_the_engine(grid, ACPoint.of(grid)).to_numpy()
    np.testing.assert_allclose(flows, [50 + driven, 50 - driven], atol=1e-9)


def two_buses(p_mw: float, q_mvar: float, **columns: float) -> Grid:
    more = " ".join(columns)
    values = " ".join(str(v) for v in columns.values())
    return ac_grid(
        f"bus base_kv load_mw load_mvar shunt_mvar\na 230 0 0 0\nb 230 {p_mw} {q_mvar} 0",
        f"branch from_bus to_bus x_pu r_pu rating_mw {more}\nl a b 0.1 0.01 300 {values}",
        "generator bus p_max_mw p_mw v_set_pu\ng a 1000 0 1.02",
    )


def solved(grid: Grid, attempt: Attempt = PLAIN) -> ACFlow:
    run = ACSolver(ACCase(grid, ACPoint.of(grid)), attempt).solve()
    assert run.flow is not None, run.said
    return run.flow


def voltage_by_hand(p: float, q: float, r: float, x: float, source: float) -> float:
    """Larger root of V^4 + (2 (r p + x q) - source^2) V^2 + (r^2 + x^2)(p^2 + q^2) = 0, all per unit."""
    half = r * p + x * q - source**2 / 2
    return math.sqrt(-half + math.sqrt(half**2 - (r * r + x * x) * (p * p + q * q)))


def test_two_buses_by_the_quadratic_formula() -> None:
    flow = solved(two_buses(200, 60))
    v = voltage_by_hand(2.0, 0.6, 0.01, 0.1, 1.02)
    assert flow.voltage_pu["b"] == pytest.approx(v, abs=1e-8)
    current = math.hypot(2.0, 0.6) / v
    assert flow.from_mw["l"] == pytest.approx(200 + 0.01 * current**2 * 100, abs=1e-4)
    assert flow.from_mvar["l"] == pytest.approx(60 + 0.1 * current**2 * 100, abs=1e-4)
    assert flow.apparent_mva["l"] == pytest.approx(1.02 * current * 100, abs=1e-4)
    assert flow.middle_mw["l"] == pytest.approx(200 + 0.005 * current**2 * 100, abs=1e-4)


def test_tap_divides_the_voltage_of_the_from_side() -> None:
    """A tap of 1.05 gives the far end the voltage of a source of 1.02 / 1.05."""
    flow = solved(two_buses(200, 60, tap=1.05))
    assert flow.voltage_pu["b"] == pytest.approx(voltage_by_hand(2.0, 0.6, 0.01, 0.1, 1.02 / 1.05), abs=1e-8)


def test_nominal_voltages_may_differ() -> None:
    grid = two_buses(200, 60)
    grid = replace(grid, buses=grid.buses.assign(base_kv=[345.0, 115.0]))
    assert solved(grid).voltage_pu["b"] == pytest.approx(voltage_by_hand(2.0, 0.6, 0.01, 0.1, 1.02), abs=1e-8)


def test_half_the_charging_is_at_each_end() -> None:
    """At no load the far end rises to 1.02 / |1 + (r + jx) jb/2|."""
    flow = solved(two_buses(0, 0, b_pu=0.4))
    assert flow.voltage_pu["b"] == pytest.approx(1.02 / abs(1 + (0.01 + 0.1j) * 0.2j), abs=1e-8)


def test_shunts_follow_the_square_of_the_voltage() -> None:
    """A capacitor of 60 Mvar at 1 pu and a conductance of 20 MW take (0.2 - 0.6j) V* per unit."""
    grid = two_buses(0, 0)
    grid = replace(grid, buses=grid.buses.assign(shunt_mvar=[0.0, 60.0], shunt_mw=[0.0, 20.0]))
    expected = 1.02 / abs(1 + (0.01 + 0.1j) * (0.2 + 0.6j))
    assert solved(grid).voltage_pu["b"] == pytest.approx(expected, abs=1e-8)


def test_units_stop_at_their_reactive_limit() -> None:
    """A unit at b that may give 30 Mvar: the voltage it cannot hold is that of a load of 60 - 30 Mvar."""
    grid = two_buses(200, 60)
    unit = {"bus": "b", "p_max_mw": 10.0, "p_mw": 0.0, "v_set_pu": 1.02, "q_max_mvar": 30.0, "q_min_mvar": -30.0}
    units = pd.concat([grid.generators.reset_index(), pd.DataFrame([{"generator": "c", **unit}])])
    tables = {"buses": grid.buses, "branches": grid.branches, "generators": units.drop(columns=["cost_points"])}
    limited = make_grid("test", tables)
    held = Attempt("limited", "", reactive_limits=True, shared_slack=False)
    v = voltage_by_hand(2.0, 0.3, 0.01, 0.1, 1.02)
    assert solved(limited, held).voltage_pu["b"] == pytest.approx(v, abs=1e-7)
    assert solved(limited).voltage_pu["b"] == pytest.approx(1.02, abs=1e-9)


def test_a_unit_at_the_limit_of_the_wrong_side_is_seen() -> None:
    from optimizer.grid.ac_reactive import held_voltages, misplaced

    grid = two_buses(200, 60)
    network = to_powsybl(grid).network
    held = held_voltages(network)
    assert held.index.tolist() == ["a"]
    branch = pd.Index(["l"])

    def wrong(v_pu: float, mvar: float) -> list[str]:
        voltage = pd.Series([v_pu, 1.0], index=["a", "b"])
        return misplaced(grid, held, voltage, pd.Series([mvar], branch), pd.Series([0.0], branch))

    assert wrong(1.02, -1e5) == []  # it holds its voltage
    assert wrong(0.97, 1e5) == []  # below it, and gives the most
    assert wrong(0.97, -1e5) == ["a"]  # below it, and gives the least
    assert wrong(1.07, 1e5) == ["a"]


def test_hvdc_links_are_loads_at_both_ends() -> None:
    """A link takes 50 MW at b and delivers 50 - 1 - 0.02 x 50 = 48 MW at c; the line carries the load of b plus 50."""
    grid = ac_grid(
        "bus base_kv load_mw load_mvar\na 230 0 0\nb 230 100 0\nc 230 148 0",
        "branch from_bus to_bus x_pu rating_mw\nl a b 0.1 0\nm a c 0.1 0",
        "generator bus p_max_mw p_mw v_set_pu\ng a 1000 0 1",
        hvdc="link from_bus to_bus p_max_mw loss_mw loss_share p_mw\nd b c 100 1 0.02 50",
    )
    flow = solved(grid)
    np.testing.assert_allclose(-flow.to_mw.to_numpy(), [150, 100], atol=1e-4)


def test_what_is_out_of_service_is_left_out_and_said() -> None:
    grid = ac_grid(
        "bus base_kv load_mw load_mvar\na 230 0 0\nb 230 50 0",
        "branch from_bus to_bus x_pu rating_mw in_service\nl a b 0.1 0 1\nm a b 0.1 0 0",
        "generator bus p_max_mw p_mw v_set_pu in_service\ng a 1000 50 1 1\nh a 10 5 1 0",
    )
    converted = to_powsybl(grid)
    assert converted.network.get_branches().index.tolist() == ["branch/l"]
    assert converted.network.get_generators().index.tolist() == ["generator/g"]
    said = {f.where for f in converted.findings if f.rule == "grid.ac.left_out"}
    assert said == {"branches", "generators"}


def test_ratings_become_limits_and_none_stays_none() -> None:
    grid = ac_grid(
        "bus base_kv load_mw\na 230 0\nb 230 50",
        "branch from_bus to_bus x_pu rating_mw rating_emergency_mw\nl a b 0.1 100 0\nm a b 0.1 100 150\nn a b 0.1 0 0",
        "generator bus p_max_mw\ng a 1000",
    )
    limits = to_powsybl(grid).network.get_loading_limits(all_attributes=True).reset_index()
    values = limits.groupby(["element_id", "name"])["value"].agg(["min", "max"]).to_dict("index")
    assert values == {
        ("branch/l", "permanent_limit"): {"min": 100, "max": 100},
        ("branch/l", "emergency"): {"min": 120, "max": 120},
        ("branch/m", "permanent_limit"): {"min": 100, "max": 100},
        ("branch/m", "emergency"): {"min": 150, "max": 150},
    }


def test_assumed_set_points_and_reactive_loads_are_said() -> None:
    grid = ac_grid(
        "bus base_kv load_mw\na 230 0\nb 230 50",
        "branch from_bus to_bus x_pu rating_mw\nl a b 0.1 0",
        "generator bus p_max_mw p_mw\ng a 1000 50",
    )
    rules = {f.rule: f.severity for f in to_powsybl(grid).findings}
    assert rules["grid.ac.v_set"] == "warning"
    assert rules["grid.ac.load_mvar"] == "warning"


def test_one_voltage_is_held_at_a_bus() -> None:
    grid = ac_grid(
        "bus base_kv load_mw load_mvar\na 230 0 0\nb 230 50 0",
        "branch from_bus to_bus x_pu rating_mw\nl a b 0.1 0",
        "generator bus p_max_mw p_mw v_set_pu\ng a 1000 50 1.03\nh a 1000 0 0.98",
    )
    converted = to_powsybl(grid)
    assert "grid.ac.v_set.differ" in {f.rule for f in converted.findings}
    assert solved(grid).voltage_pu["a"] == pytest.approx(1.03, abs=1e-9)
