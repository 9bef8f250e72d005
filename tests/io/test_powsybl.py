"""Networks through pypowsybl: signs, taps and phases against its own DC load flow, and round trips of whole grids."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid, validate
from optimizer.io import read_matpower, read_tables
from optimizer.io.powsybl import read_powsybl
from optimizer.io.powsybl_source import import_pypowsybl
from tests.io.raw_writer import cdf_text, raw_text, uct_text

pp = import_pypowsybl()

SUFFIX = {"XIIDM": ".xiidm", "CGMES": ".zip", "PSS/E": ".raw"}
NETWORKS: dict[str, Callable[[], Any]] = {
    "ieee14": pp.network.create_ieee14,
    "ieee57": pp.network.create_ieee57,
    "ieee118": pp.network.create_ieee118,
    "ieee300": pp.network.create_ieee300,
    "four_substations": pp.network.create_four_substations_node_breaker_network,
    "micro_grid_be": pp.network.create_micro_grid_be_network,
    "micro_grid_nl": pp.network.create_micro_grid_nl_network,
    "six_buses": pp.network.create_metrix_tutorial_six_buses_network,
    "tie_lines": pp.network.create_eurostag_tutorial_example1_with_tie_lines_and_areas,
}
# The exporter writes no boundary files, without which it cannot read back what leaves the micro grids.
NO_CGMES = {"micro_grid_be", "micro_grid_nl"}


def load_flow(network: Any) -> tuple[pd.Series, list[str]]:
    """Flows of pypowsybl's DC load flow by our branch ids [MW], and the bus that balances each component."""
    parameters = pp.loadflow.Parameters(
        distributed_slack=False,
        hvdc_ac_emulation=False,
        dc_use_transformer_ratio=True,
        component_mode=pp.loadflow.ComponentMode.ALL_CONNECTED,
        provider_parameters={"lowImpedanceThreshold": "1e-12"},
    )
    results = pp.loadflow.run_dc(network, parameters)
    flows = [network.get_lines()["p1"], network.get_2_windings_transformers()["p1"]]
    windings = network.get_3_windings_transformers()
    flows += [windings[f"p{k}"].rename(lambda id_, k=k: f"{id_}:{k}") for k in (1, 2, 3)]
    ends = network.get_boundary_lines()["p"]
    ties = network.get_tie_lines()["boundary_line1_id"]
    flows.append(ties.map(ends.to_dict()))
    return pd.concat([f for f in flows if len(f)]).dropna(), [s.id for r in results for s in r.slack_bus_results]


def our_flows(grid: Grid, balancing: list[int]) -> pd.Series:
    """DC flows of a fixed dispatch, the difference of each island taken at one bus of it."""
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    injection = pd.Series(0.0, index=grid.buses.index).sub(grid.buses["load_mw"])
    running = grid.generators[grid.generators["in_service"]]
    injection = injection.add(running.groupby("bus")["p_mw"].sum(), fill_value=0)
    links = grid.hvdc[grid.hvdc["in_service"]]
    if len(links):
        injection = injection.sub(links.groupby("from_bus")["p_mw"].sum(), fill_value=0)
        received = links["p_mw"] * (1 - links["loss_share"]) - links["loss_mw"]
        injection = injection.add(received.groupby(links["to_bus"]).sum(), fill_value=0)
    mw = injection.loc[grid.buses.index].to_numpy().copy()
    for position in balancing:
        island = network.island == network.island[position]
        mw[position] -= mw[island].sum()
    return pd.Series(network.flows(mw), index=network.branch_ids)


def compare(network: Any, grid: Grid) -> pd.Series:
    """Hold our flows against pypowsybl's; returns ours."""
    expected, slack = load_flow(network)
    nodes = network.get_bus_breaker_view_buses(all_attributes=True)["bus_id"]
    position = {bus: i for i, bus in enumerate(grid.buses.index)}
    balancing = []
    for bus in slack:
        names = [bus, *nodes.index[nodes == bus]]
        names += [name[1:] for name in names] + [f"{name}_star" for name in names]
        balancing += [position[name] for name in names if name in position][:1]
    ours = our_flows(grid, balancing)
    both = ours.index.intersection(expected.index)
    assert len(both) == len(grid.branches_in_service)
    np.testing.assert_allclose(ours[both], expected[both], atol=1e-6)
    return ours


@pytest.mark.every(6)
@pytest.mark.parametrize("form", list(SUFFIX))
@pytest.mark.parametrize("name", list(NETWORKS))
def test_flows_are_those_of_its_own_load_flow(name: str, form: str, tmp_path: Path) -> None:
    if form == "CGMES" and name in NO_CGMES:
        pytest.skip("what leaves this network needs boundary files, which the exporter does not write")
    network = NETWORKS[name]()
    path = tmp_path / f"case{SUFFIX[form]}"
    network.save(path, format=form)
    grid = read_powsybl(path)
    assert not [f for f in validate(grid) if f.severity == "error"]
    if form != "XIIDM":  # other ids, and other flows where the exporter changes the network
        network = pp.network.load(path)
    flows = compare(network, grid)
    assert flows.abs().max() > 10


@pytest.mark.parametrize("tap", [1, 7, 25])
def test_phase_and_ratio_taps_are_taken_at_their_position(tap: int, tmp_path: Path) -> None:
    network = pp.network.create_micro_grid_be_network()
    changer = network.get_phase_tap_changers().index[0]
    network.update_phase_tap_changers(id=changer, tap=tap, regulating=False)
    ratio = network.get_ratio_tap_changers()
    ratio = ratio[ratio.index.isin(network.get_2_windings_transformers().index)]
    network.update_ratio_tap_changers(pd.DataFrame({"tap": ratio["low_tap"] + tap % 5}, index=ratio.index))
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    flows = compare(network, grid)
    steps = network.get_phase_tap_changer_steps().loc[(changer, tap)]
    # The angle of the step is that of side 2 before side 1; ours is the delay.
    assert grid.branches.loc[changer, "shift_deg"] == pytest.approx(-steps["alpha"])
    assert abs(flows[changer]) > 1


def test_what_is_open_carries_nothing(tmp_path: Path) -> None:
    network = pp.network.create_ieee14()
    network.update_lines(id="L1-5-1", connected1=False)
    network.update_lines(id="L2-4-1", connected1=False, connected2=False)
    network.update_generators(id="B2-G", connected=False)
    network.update_loads(id="B4-L", connected=False)
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    out = grid.branches[~grid.branches["in_service"]]
    assert out[["from_bus", "to_bus"]].to_numpy().tolist() == [["B1", "B5"], ["B2", "B4"]]
    assert not grid.generators.loc["B2-G", "in_service"]
    assert grid.buses.loc["B4", "load_mw"] == 0
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.branch.open"].found == "L1-5-1, L2-4-1"
    assert said["io.powsybl.load.out"].found == "B4-L"
    compare(network, grid)


def test_an_island_without_generation_is_left_out_and_said(tmp_path: Path) -> None:
    network = pp.network.create_ieee14()
    network.update_lines(id="L9-14-1", connected1=False, connected2=False)
    network.update_lines(id="L13-14-1", connected1=False, connected2=False)
    network.update_2_windings_transformers(id="T4-7-1", connected1=False, connected2=False)
    network.update_lines(id="L7-9-1", connected1=False, connected2=False)
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    assert {"B14", "B7"}.isdisjoint(set(grid.buses.index) - {"B7"})
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.island.dead"].found == "B14"
    assert "14.9 MW of load" in said["io.powsybl.island.dead"].message
    assert "B7" in grid.buses.index  # the generator at bus 8 feeds it


def test_switches_make_one_bus_of_bus_bars(tmp_path: Path) -> None:
    network = pp.network.create_four_substations_node_breaker_network()
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    assert grid.buses.index.tolist() == network.get_buses().index.tolist()
    said = {f.rule: f for f in grid.findings}
    closed = int((~network.get_switches()["open"]).sum())
    assert (
        said["io.powsybl.switches"].message
        == f"{closed} closed switches join bus bars, which are read as one bus each (5)"
    )
    links = grid.hvdc
    assert links["p_mw"].to_dict() == {"HVDC1": 10, "HVDC2": 80}
    # Stations lose 1.1 % each: 1 - 0.989^2. The cable loses 1 ohm times (0.989 x 10 MW / 400 kV)^2, less 1.1 %.
    assert links.loc["HVDC1", "loss_share"] == pytest.approx(1 - 0.989**2)
    assert links.loc["HVDC1", "loss_mw"] == pytest.approx(0.989 * (9.89 / 400) ** 2)


def test_limits_become_ratings(tmp_path: Path) -> None:
    """Side 1 has 500 MW always; side 2 1100 MW always, 1200 MW for 10 min and 1500 MW for 1 min, in MW and MVA."""
    network = pp.network.create_eurostag_tutorial_example1_with_power_limits_network()
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    row = grid.branches.loc["NHV1_NHV2_1"]
    # Side 1 has no temporary limit, so that its permanent one holds after an outage too.
    assert row[["rating_mw", "rating_emergency_mw", "rating_short_term_mw"]].tolist() == [500, 500, 500]
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.limits.temporary"].found == "1200, 600, 60"
    network.create_loading_limits(  # now side 1 has temporary limits as well
        element_id=["NHV1_NHV2_1"] * 3,
        side=["ONE"] * 3,
        name=["always", "10'", "1'"],
        group_name=["DEFAULT"] * 3,
        type=["ACTIVE_POWER"] * 3,
        value=[900.0, 1000.0, 1300.0],
        acceptable_duration=[-1, 600, 60],
    )
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    row = read_powsybl(tmp_path / "case.xiidm").branches.loc["NHV1_NHV2_1"]
    # Side 1 is also held to 500 MVA always.
    assert row[["rating_mw", "rating_emergency_mw", "rating_short_term_mw"]].tolist() == [500, 1000, 1300]


def test_a_current_is_a_power_at_the_nominal_voltage(tmp_path: Path) -> None:
    """The transformer has 1031 A on both sides, of 225 and 400 kV; the line 931 A at 400 kV."""
    network = pp.network.create_four_substations_node_breaker_network()
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    branches = read_powsybl(tmp_path / "case.xiidm").branches
    assert branches.loc["TWT", "rating_mw"] == pytest.approx(np.sqrt(3) * 225 * 1.031)
    assert branches.loc["LINE_S3S4", "rating_mw"] == pytest.approx(np.sqrt(3) * 400 * 0.931)
    assert np.isinf(branches.loc["LINE_S2S3", "rating_mw"])


def test_positions_come_from_the_substations(tmp_path: Path) -> None:
    network = pp.network.create_ieee14()
    network.create_extensions("substationPosition", id="S3", latitude=31.5, longitude=-97.25)
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    buses = read_powsybl(tmp_path / "case.xiidm").buses
    assert buses.loc["B3", ["lat", "lon"]].tolist() == [31.5, -97.25]
    assert buses["lat"].notna().sum() == 1
    assert buses.loc["B3", "substation"] == "S3"


def test_boundary_lines_are_fixed_loads(tmp_path: Path) -> None:
    network = pp.network.create_micro_grid_be_network()
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    grid = read_powsybl(tmp_path / "case.xiidm")
    lines = network.get_boundary_lines(all_attributes=True)
    loads = network.get_loads(all_attributes=True)
    assert grid.buses["load_mw"].sum() == pytest.approx(lines["p0"].sum() + loads["p0"].sum())
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.boundary"].severity == "warning"
    assert f"({len(lines)})" in said["io.powsybl.boundary"].message


def test_conductances_that_are_left_out_are_said(tmp_path: Path) -> None:
    """1e-4 S at 135 kV is 1.8225 MW."""
    network = pp.network.create_ieee14()
    network.update_lines(id="L1-5-1", g1=1e-4)
    network.save(tmp_path / "case.xiidm", format="XIIDM")
    said = {f.rule: f for f in read_powsybl(tmp_path / "case.xiidm").findings}
    assert said["io.powsybl.branch.conductance"].found == "L1-5-1"
    assert "1.82 MW" in said["io.powsybl.branch.conductance"].message


def test_a_uct_file(tmp_path: Path) -> None:
    (tmp_path / "case.uct").write_text(uct_text())
    grid = read_powsybl(tmp_path / "case.uct")
    assert grid.buses.index.tolist() == ["BAAAAA11", "BBBBBB11", "BCCCCC21", "FAAAAA11"]
    assert grid.buses["load_mw"].tolist() == [100, 280, 150, 50]  # 30 MW leave by the line without a partner
    assert grid.branches.loc["BAAAAA11 BBBBBB11 1", "rating_mw"] == pytest.approx(np.sqrt(3) * 380)
    assert grid.generators["p_max_mw"].tolist() == [900, 100]
    assert {"io.powsybl.tie_line", "io.powsybl.boundary", "io.powsybl.branch.phase_shift"} <= {
        f.rule for f in grid.findings
    }
    compare(pp.network.load(tmp_path / "case.uct"), grid)


def test_a_cdf_file_has_the_flows_of_its_own_importer(tmp_path: Path) -> None:
    pp.network.create_ieee14().save(tmp_path / "case.xiidm", format="XIIDM")
    given = read_powsybl(tmp_path / "case.xiidm")
    # The format has no ratio for a line, also where its buses are of 14 and 12 kV.
    x_pu = given.branches["x_pu"] * given.branches["tap"].where(given.branches["kind"] == "line", 1.0)
    rated = given.branches.assign(rating_mw=250.0, x_pu=x_pu)
    shunt = given.buses.assign(shunt_mw=3.0)
    (tmp_path / "case.txt").write_text(cdf_text(replace(given, branches=rated, buses=shunt)))
    grid = read_powsybl(tmp_path / "case.txt")
    assert grid.buses.index.tolist() == [str(i) for i in range(1, 15)]
    assert (grid.branches["rating_mw"] == 250).all()
    np.testing.assert_allclose(grid.buses["shunt_mw"], 3.0)
    windings = grid.branches["kind"] == "transformer"
    assert sorted(grid.branches["tap"][windings]) == [0.932, 0.969, 0.978]
    assert (grid.branches["tap"][~windings] == 1).all()
    network = pp.network.load(tmp_path / "case.txt")
    expected, slack = load_flow(network)
    expected.index = [f"{id_[0]}-{id_[1:]}" for id_ in expected.index]
    start = int(slack[0].removeprefix("VL").split("_")[0]) - 1
    ours = our_flows(grid, [start])
    np.testing.assert_allclose(ours[expected.index], expected, atol=1e-6)


def renumbered(grid: Grid) -> Grid:
    """The grid under bus numbers that PSS/E allows."""
    number = {bus: str(i) for i, bus in enumerate(grid.buses.index, start=101)}
    buses = grid.buses.rename(index=number)
    branches = grid.branches.assign(**{c: grid.branches[c].map(number) for c in ("from_bus", "to_bus")})
    return replace(
        grid, buses=buses, branches=branches, generators=grid.generators.assign(bus=grid.generators["bus"].map(number))
    )


def same_ptdf(given: Grid, read: Grid, step: int) -> None:
    """Hold every `step`-th row of the PTDF against the original; lines come before transformers."""
    order = np.argsort(given.branches["kind"].to_numpy() == "transformer", kind="stable")
    branches = given.branches.iloc[order]
    assert branches["from_bus"].tolist() == read.branches["from_bus"].tolist()
    assert branches["to_bus"].tolist() == read.branches["to_bus"].tolist()
    one = DCNetwork.build(given.buses.index, branches[branches["in_service"]])
    other = DCNetwork.build(read.buses.index, read.branches_in_service)
    rows = np.arange(0, one.n_branch, step)
    place = read.buses.index.get_indexer(given.buses.index)
    ours, theirs = one.ptdf_rows(rows), other.ptdf_rows(rows)[:, place]
    # Whichever bus is the reference, a transfer from the first bus to another has the same flows.
    np.testing.assert_allclose(theirs - theirs[:, :1], ours - ours[:, :1], atol=1e-9, rtol=0)
    np.testing.assert_allclose(other.shift_flow_mw, one.shift_flow_mw, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("base_mva", [100.0, 50.0])
def test_texas_through_raw_and_xiidm(base_mva: float, repository: Path, tmp_path: Path) -> None:
    given = renumbered(read_tables(repository / "datasets" / "texas" / "grid"))
    shifted = given.branches["shift_deg"].mask(given.branches["kind"] == "transformer", 7.5)
    given = replace(given, branches=given.branches.assign(shift_deg=shifted))
    path = tmp_path / "texas.raw"
    path.write_text(raw_text(given, base_mva=base_mva))
    read = read_powsybl(path)
    assert read.base_mva == base_mva
    assert read.buses.index.tolist() == given.buses.index.tolist()
    for column in ("base_kv", "load_mw", "shunt_mw", "load_mvar", "shunt_mvar"):
        np.testing.assert_allclose(read.buses[column], given.buses[column], atol=1e-9)
    same_ptdf(given, read, 8)
    np.testing.assert_array_equal(read.generators["p_max_mw"], given.generators["p_max_mw"])
    pp.network.load(path).save(tmp_path / "texas.xiidm", format="XIIDM")
    again = read_powsybl(tmp_path / "texas.xiidm")
    same_ptdf(
        replace(
            given,
            buses=given.buses.rename(index="B{}".format),
            branches=given.branches.assign(
                from_bus="B" + given.branches["from_bus"], to_bus="B" + given.branches["to_bus"]
            ),
        ),
        again,
        8,
    )
    np.testing.assert_allclose(again.branches["rating_mw"], read.branches["rating_mw"])


def test_rts_gmlc_through_raw(reference_data: Path, tmp_path: Path) -> None:
    source = reference_data / "RTS-GMLC" / "MATPOWER" / "RTS_GMLC.m"
    if not source.is_file():
        pytest.skip(f"no {source}")
    given = read_matpower(source)
    (tmp_path / "rts.raw").write_text(raw_text(given))
    read = read_powsybl(tmp_path / "rts.raw")
    assert read.buses.index.tolist() == given.buses.index.tolist()
    same_ptdf(given, read, 1)
    order = np.argsort(given.branches["kind"].to_numpy() == "transformer", kind="stable")
    for column in ("rating_mw", "rating_emergency_mw", "tap", "b_pu"):
        np.testing.assert_allclose(read.branches[column], given.branches[column].iloc[order])


def test_a_folder_of_cgmes_reads_as_its_archive(tmp_path: Path) -> None:
    pp.network.create_ieee14().save(tmp_path / "case.zip", format="CGMES")
    with zipfile.ZipFile(tmp_path / "case.zip") as archive:
        archive.extractall(tmp_path / "case")
    one, other = read_powsybl(tmp_path / "case.zip"), read_powsybl(tmp_path / "case")
    pd.testing.assert_frame_equal(one.buses, other.buses)
    pd.testing.assert_frame_equal(one.branches, other.branches)


def test_reading_leaves_logging_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("powsybl")
    before = (logger.level, logger.propagate, list(logger.handlers))
    (tmp_path / "case.uct").write_text(uct_text())
    read_powsybl(tmp_path / "case.uct")
    assert (logger.level, logger.propagate, list(logger.handlers)) == before
    assert capfd.readouterr() == ("", "")
