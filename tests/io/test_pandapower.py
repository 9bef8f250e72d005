"""pandapower networks: flows equal to pandapower's own DC power flow, and every element that is changed said."""

from __future__ import annotations

import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import Finding, InputError
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid, validate
from optimizer.grid.validate import cost_points
from optimizer.io import read_grid

pandapower = pytest.importorskip("pandapower")

Net = Any

#: Networks that come with pandapower, with those that have switches and buses nothing feeds.
BUNDLED = (
    "power_system_test_case_jsons/case14",
    "power_system_test_case_jsons/case118",
    "power_system_test_case_jsons/case300",
    "power_system_test_case_jsons/case1354pegase",
    "power_system_test_case_jsons/iceland",
    "mv_oberrhein",
    "mv_oberrhein_substations",
    "IEEE_European_LV_On_Peak_566",
)
_FLOW = 13  # column of the active power at the from end in pandapower's branch matrix


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def bundled(name: str) -> Path:
    return Path(pandapower.__file__).parent / "networks" / f"{name}.json"


def solved(net: Net, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, float], dict[str, float]]:
    """Flows [MW] by our names of branches, and output [MW] of external grids, of pandapower.

    Its result tables are not made: they are written into arrays that pandas 3 keeps read-only. The matrices of its
    power flow, which they would be made of, are read instead.
    """
    monkeypatch.setattr("pandapower.powerflow._extract_results", lambda *_, **__: None)
    pandapower.rundcpp(net, numba=False)
    branch, units = net._ppc["branch"], net._ppc["gen"]
    flows: dict[str, float] = {}
    for element, (start, stop) in net._pd2ppc_lookups["branch"].items():
        if element in ("xward", "switch"):
            continue
        names = [f"{element} {i}" for i in net[element].index]
        if element == "trafo3w":
            names = [f"{name} {side}" for side in ("hv", "mv", "lv") for name in names]
        flows.update(zip(names, branch[start:stop, _FLOW].real.tolist(), strict=True))
    rows = net._pd2ppc_lookups["ext_grid"]
    slack = {f"ext_grid {i}": float(units[rows[i], 1].real) for i in net.ext_grid.index[net.ext_grid.in_service]}
    return flows, slack


def our_flows(grid: Grid, slack: dict[str, float]) -> dict[str, float]:
    running = grid.generators[grid.generators["in_service"]]
    output = running["p_mw"].copy()
    for unit, mw in slack.items():
        output[unit] = mw
    injection = -(grid.buses["load_mw"] + grid.buses["shunt_mw"])
    injection = injection.add(output.groupby(running["bus"]).sum(), fill_value=0)
    for link in grid.hvdc[grid.hvdc["in_service"]].itertuples():
        injection[link.from_bus] -= link.p_mw
        injection[link.to_bus] += link.p_mw * (1 - link.loss_share) - link.loss_mw
    branches = grid.branches_in_service
    network = DCNetwork.build(grid.buses.index, branches)
    flow = network.flows(injection.reindex(grid.buses.index).to_numpy())
    return dict(zip(branches.index, flow.tolist(), strict=True))


@pytest.mark.every(2)
@pytest.mark.parametrize("name", BUNDLED)
def test_flows_of_bundled_networks_are_those_of_pandapower(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, slack = solved(pandapower.from_json(str(bundled(name))), monkeypatch)
    found = our_flows(read_grid(bundled(name)), slack)
    assert max(abs(mw) for mw in found.values()) > 0.01
    assert max(abs(expected[branch] - found.get(branch, 0.0)) for branch in expected) < 1e-6


def table(**columns: list[object]) -> pd.DataFrame:
    return pd.DataFrame(columns)


def every_element() -> Net:
    """One network with each element that is read; made of whole tables, as adding single rows fails with pandas 3."""
    net = pandapower.create_empty_network(f_hz=50, sn_mva=10)
    count = 10
    pandapower.create_buses(net, count, vn_kv=[110, 110, 20, 10, 20, 20, 110, 110, 110, 110])
    net.bus["name"] = [f"bus {i}" for i in range(count)]
    net.bus["geo"] = [json.dumps({"type": "Point", "coordinates": [9 + i / 10, 51]}) for i in range(count)]
    pandapower.create_lines_from_parameters(
        net, [0, 4, 0, 6, 1], [1, 5, 6, 7, 8], length_km=[30, 4, 12, 9, 7], r_ohm_per_km=0.06, x_ohm_per_km=0.4,
        c_nf_per_km=9, max_i_ka=0.5, parallel=[2, 1, 1, 1, 1], df=[0.9, 1, 1, 1, 1],
    )  # fmt: skip
    net.line["max_loading_percent"] = [100.0, 80, 100, 100, 100]
    shared = {"sn_mva": 40, "vn_hv_kv": 112, "vn_lv_kv": 21, "vk_percent": 12, "vkr_percent": 0.5, "pfe_kw": 30,
              "i0_percent": 0.4}  # fmt: skip
    pandapower.create_transformers_from_parameters(
        net, [1, 0, 1], [4, 5, 5], **shared, shift_degree=[30, 25, 28], tap_side=["hv", "lv", "lv"], tap_neutral=0,
        tap_min=-9, tap_max=9, tap_pos=[3, -2, 4], tap_step_percent=[1.5, 1.25, np.nan],
        tap_step_degree=[np.nan, 60, 1.2], tap_changer_type=["Ratio", "Symmetrical", "Ideal"], parallel=[1, 2, 1],
    )  # fmt: skip
    pandapower.create_transformers3w_from_parameters(
        net, [0, 1], [2, 2], [3, 3], vn_hv_kv=110, vn_mv_kv=20.5, vn_lv_kv=10.2, sn_hv_mva=60,
        sn_mv_mva=40, sn_lv_mva=25,
        vk_hv_percent=11, vk_mv_percent=9, vk_lv_percent=8, vkr_hv_percent=0.4, vkr_mv_percent=0.3, vkr_lv_percent=0.35,
        pfe_kw=40, i0_percent=0.3, shift_mv_degree=30, shift_lv_degree=150, tap_side=["mv", "hv"], tap_pos=[2, -3],
        tap_neutral=0, tap_min=-9, tap_max=9, tap_step_percent=1.1, tap_step_degree=[0, 20], tap_changer_type="Ratio",
        tap_at_star_point=[False, True],
    )  # fmt: skip
    pandapower.create_loads(net, [2, 3, 5, 7, 9], p_mw=[8, 3, 12, 5, 0.5], q_mvar=1, scaling=[1, 1, 0.5, 1, 1])
    net.load["in_service"] = [True, True, True, True, False]
    pandapower.create_gens(
        net, [1, 0], p_mw=[20, 7], vm_pu=1.02, min_p_mw=[5, 0], max_p_mw=[35, 10], min_q_mvar=-9, max_q_mvar=9
    )
    pandapower.create_sgens(net, [4, 3], p_mw=[4, 2], q_mvar=0.2, scaling=[0.5, 1], type=["PV", "wind"])
    pandapower.create_storages(net, [5], p_mw=[1.5], max_e_mwh=[4])
    pandapower.create_shunts(net, [2], q_mvar=[-1.5], p_mw=[0.2], step=[2], vn_kv=[21])
    net.ext_grid = table(bus=[0], vm_pu=[1.02], va_degree=[0.0], in_service=[True], name=["grid"], slack_weight=[1.0],
                         controllable=[True])  # fmt: skip
    net.ward = table(bus=[3], ps_mw=[0.7], qs_mvar=[0.1], pz_mw=[0.3], qz_mvar=[0.2], in_service=[True], name=["w"])
    net.xward = table(bus=[5], ps_mw=[0.6], qs_mvar=[0.1], pz_mw=[0.1], qz_mvar=[0.0], r_ohm=[1.0], x_ohm=[2.0],
                      vm_pu=[1.02], in_service=[True], name=["x"], slack_weight=[1.0])  # fmt: skip
    net.impedance = table(from_bus=[4], to_bus=[5], rft_pu=[0.01], xft_pu=[0.08], rtf_pu=[0.01], xtf_pu=[0.08],
                          gf_pu=[0.0], bf_pu=[0.0], gt_pu=[0.0], bt_pu=[0.0], sn_mva=[25.0], in_service=[True],
                          name=["i"])  # fmt: skip
    net.dcline = table(name=["d"], from_bus=[0], to_bus=[5], p_mw=[3.0], loss_percent=[2.0], loss_mw=[0.1],
                       vm_from_pu=[1.02], vm_to_pu=[1.02], max_p_mw=[6.0], min_q_from_mvar=[-1.0], min_q_to_mvar=[-1.0],
                       max_q_from_mvar=[1.0], max_q_to_mvar=[1.0], in_service=[True])  # fmt: skip
    # 7 and 9 are one bus; 8 reaches 9 through a switch with an impedance; the line from 6 to 7 is open at 7.
    net.switch = table(bus=[7, 8, 7, 6], element=[9, 9, 3, 8], et=["b", "b", "l", "b"], type=["CB"] * 4,
                       closed=[True, True, False, False], name=["s"] * 4, z_ohm=[0.0, 0.4, 0.0, 0.0],
                       in_ka=[np.nan] * 4)  # fmt: skip
    net.poly_cost = table(element=[0, 0], et=["gen", "ext_grid"], cp0_eur=[5.0, 0], cp1_eur_per_mw=[20.0, 35],
                          cp2_eur_per_mw2=[0.1, 0], cq0_eur=[0.0, 0], cq1_eur_per_mvar=[0.0, 0],
                          cq2_eur_per_mvar2=[0.0, 0])  # fmt: skip
    net.pwl_cost = table(power_type=["p"], element=[1], et=["gen"], points=[[[2, 5, 10.0], [5, 10, 12.0]]])
    return net


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pandapower") / "every.json"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pandapower.to_json(every_element(), str(file))
    return file


def test_flows_of_every_element_are_those_of_pandapower(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taps of each kind on each side, at a star point too, two parallel circuits, switches, wards, a DC line."""
    expected, slack = solved(every_element(), monkeypatch)
    found = our_flows(read_grid(whole), slack)
    assert {name for name, mw in expected.items() if abs(mw) < 1e-9} == {"line 2", "line 3"}
    for branch, mw in expected.items():
        assert found.get(branch, 0.0) == pytest.approx(mw, abs=1e-8), branch


def test_every_column_means_what_it_did(whole: Path) -> None:
    grid = read_grid(whole)
    assert validate(grid) == ()
    assert grid.base_mva == 10
    assert "9" not in grid.buses.index
    assert grid.buses.loc["3", "load_mw"] == pytest.approx(3 + 0.7)
    assert grid.buses.loc["5", "load_mw"] == pytest.approx(12 * 0.5 + 0.6)
    assert grid.buses.loc["2", "shunt_mw"] == pytest.approx(0.2 * 2 * (20 / 21) ** 2)
    assert grid.buses.loc["2", "shunt_mvar"] == pytest.approx(1.5 * 2 * (20 / 21) ** 2)
    assert grid.buses.loc["4", ["lat", "lon", "name"]].tolist() == [51, 9.4, "bus 4"]
    assert grid.buses.loc[["0", "1", "2"], "type"].tolist() == [3, 2, 1]
    line = grid.branches.loc["line 0"]
    assert line["x_pu"] == pytest.approx(0.4 * 30 / 2 * 100 / 110**2)
    assert line["b_pu"] == pytest.approx(2 * math.pi * 50 * 9e-9 * 30 * 2 * 110**2 / 100)
    assert line["rating_mw"] == pytest.approx(math.sqrt(3) * 110 * 0.5 * 2 * 0.9)
    assert grid.branches.loc["line 1", "rating_mw"] == pytest.approx(math.sqrt(3) * 20 * 0.5 * 0.8)
    assert not grid.branches.loc["line 3", "in_service"]
    assert grid.branches.loc["trafo 1", "rating_mw"] == 80
    assert grid.branches.loc["trafo 0", "tap"] == pytest.approx(112 * 1.045 / 21 / (110 / 20))
    assert grid.branches.loc["trafo 2", "shift_deg"] == pytest.approx(28 - 4 * 1.2)
    assert grid.branches.loc["trafo3w 0 mv", ["from_bus", "to_bus", "rating_mw"]].tolist() == ["trafo3w 0", "2", 40]
    unit = grid.generators.loc["gen 0"]
    assert unit[["bus", "p_max_mw", "p_min_mw", "p_mw", "v_set_pu", "q_max_mvar"]].tolist() == ["1", 35, 5, 20, 1.02, 9]
    assert unit[["cost_usd_per_mwh", "cost_quadratic_usd_per_mw2h", "cost_constant_usd_per_h"]].tolist() == [20, 0.1, 5]
    # Slopes of 10 from 2 to 5 MW and 12 from 5 to 10 MW; pandapower counts the first from 0 MW.
    assert cost_points(grid.generators.loc["gen 1", "cost_points"]) == [(2, 20), (5, 50), (10, 110)]
    assert grid.generators.loc["sgen 0", ["p_max_mw", "p_min_mw", "p_mw", "carrier"]].tolist() == [2, 2, 2, "pv"]
    assert grid.generators.loc["storage 0", ["p_max_mw", "p_min_mw", "p_mw"]].tolist() == [-1.5, -1.5, -1.5]
    link = grid.hvdc.loc["dcline 0"]
    assert link[["p_max_mw", "p_min_mw", "p_mw", "loss_mw", "loss_share"]].tolist() == [6, 0, 3, 0.1, 0.02]


def test_what_is_changed_is_said(whole: Path) -> None:
    said = {(f.rule, f.where): (f.found, f.severity) for f in read_grid(whole).findings}
    assert said["io.pandapower.switch.merged", "every.json switch"] == ("1: 9", "info")
    assert said["io.pandapower.switch.open", "every.json switch"] == ("1: line 3", "info")
    assert said["io.pandapower.out", "every.json load"] == ("1: 4", "info")
    assert said["io.pandapower.ext_grid.limits", "every.json ext_grid"] == ("1: ext_grid 0", "warning")
    assert said["io.pandapower.unit.fixed", "every.json sgen"] == ("2: sgen 0, sgen 1", "info")
    assert said["io.pandapower.loading", "every.json line"] == ("1: 1", "info")
    assert said["io.pandapower.currency", "every.json poly_cost"][0].startswith("3: ")
    assert said["io.pandapower.xward.voltage", "every.json xward"] == ("1: xward 0", "info")


def edited(whole: Path, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    content = json.loads(whole.read_text())
    change(content)
    file = folder / "edited.json"
    file.write_text(json.dumps(content))
    return file


def cell(name: str, row: int, column: str, value: object) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        held = json.loads(content["_object"][name]["_object"])
        held["data"][row][held["columns"].index(column)] = value
        content["_object"][name]["_object"] = json.dumps(held)

    return change


def test_version_2_of_the_format_is_read(whole: Path, tmp_path: Path) -> None:
    """Positions in a table of their own; a flag instead of the type of a tap changer; tables by column."""

    def older(content: dict[str, Any]) -> None:
        net = content["_object"]
        net["version"], net["format_version"] = 2.2, "2.2.0"
        held = json.loads(net["trafo"]["_object"])
        frame = pd.DataFrame(held["data"], index=held["index"], columns=held["columns"])
        frame["tap_phase_shifter"] = [False, False, True]
        frame = frame.drop(columns=["tap_changer_type", "tap_dependency_table"], errors="ignore")
        net["trafo"] = {**net["trafo"], "_object": frame.to_json(), "orient": "columns"}
        held = json.loads(net["bus"]["_object"])
        place = held["columns"].index("geo")
        held["data"] = [[v for i, v in enumerate(row) if i != place] for row in held["data"]]
        held["columns"].remove("geo")
        net["bus"]["_object"] = json.dumps(held)
        points = {"columns": ["x", "y", "coords"], "index": [0, 1], "data": [[9.0, 51, None], [9.1, 51.5, None]]}
        net["bus_geodata"] = {**net["bus"], "_object": json.dumps(points)}

    grid, new = read_grid(edited(whole, tmp_path, older)), read_grid(whole)
    assert "version 2.2.0" in next(f.message for f in grid.findings if f.rule == "io.pandapower.read")
    pd.testing.assert_frame_equal(grid.branches, new.branches)
    assert grid.buses.loc["1", ["lat", "lon"]].tolist() == [51.5, 9.1]
    assert math.isnan(grid.buses.loc["2", "lat"])


# What is changed, and of a finding: rule, place, value found.
BAD = [
    (lambda c: c["_object"].update(format_version="4.0.0"), "io.pandapower.version", "format_version", "4.0.0"),
    (lambda c: c["_object"].update(format_version="1.6.0"), "io.pandapower.version", "format_version", "1.6.0"),
    (lambda c: c["_object"].update(f_hz="fifty"), "io.pandapower.value", "f_hz", "'fifty'"),
    (lambda c: c["_object"].pop("bus"), "io.pandapower.missing", "bus", ""),
    (lambda c: c["_object"]["line"].update(_object="[1, 2]"), "io.pandapower.table", "line", ""),
    (lambda c: c.update(_class="Other"), "io.pandapower.format", "edited.json", ""),
    (cell("line", 0, "to_bus", 77), "grid.bus.unknown", "branches line 0, to_bus", "'77'"),
    (cell("line", 0, "x_ohm_per_km", 0), "grid.branch.zero_reactance", "branches line 0, x_pu", "0 pu"),
    (cell("line", 0, "length_km", "far"), "io.pandapower.value", "line 0, length_km", "'far'"),
    (cell("bus", 1, "vn_kv", 0), "table.value.out_of_range", "buses 1, base_kv", "0 kV"),
    (cell("load", 0, "bus", 77), "io.pandapower.bus.unknown", "load", "1: 0"),
    (cell("pwl_cost", 0, "points", [[0, 1, 2], [3, 4, 5]]), "io.pandapower.cost.points", "pwl_cost", "1: gen 1"),
    (cell("gen", 0, "max_p_mw", 1), "grid.generator.limits", "generators gen 0, p_min_mw", "5 above 1 MW"),
]


@pytest.mark.parametrize(("edit", "rule", "where", "found"), BAD)
def test_bad_values_are_refused_by_name(
    whole: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], rule: str, where: str, found: str
) -> None:
    with pytest.raises(InputError) as error:
        read_grid(edited(whole, tmp_path, edit))
    findings = [f for f in error.value.findings if f.severity == "error"]
    assert any((f.rule, f.found) == (rule, found) and where in f.where for f in findings), findings


def only(path: Path) -> Finding:
    with pytest.raises(InputError) as error:
        read_grid(path)
    (finding,) = error.value.findings
    return finding


def test_files_that_hold_no_network(whole: Path, tmp_path: Path) -> None:
    file = tmp_path / "case.json"
    file.write_text(whole.read_text()[:-40])
    assert only(file).rule == "io.pandapower.json"
    file.write_text('{"_class": "pandapowerNet", "_object": ' + "[" * 100_000)
    assert only(file).rule == "io.pandapower.json"
    file.write_text('{"type": "FeatureCollection"}')
    assert only(file).rule == "io.pandapower.format"


def test_nothing_that_a_file_names_is_made(whole: Path, tmp_path: Path) -> None:
    """Classes in the file are text: one that would have effects when made is read as any other table."""

    def hostile(content: dict[str, Any]) -> None:
        content["_object"]["controller"] = {"_module": "os", "_class": "system", "_object": f"touch {tmp_path}/made"}
        content["_object"]["line"]["_module"] = "no.such.module"

    grid = read_grid(edited(whole, tmp_path, hostile))
    assert len(grid.branches) == len(read_grid(whole).branches)
    assert not (tmp_path / "made").exists()
