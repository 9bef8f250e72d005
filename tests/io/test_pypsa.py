"""PyPSA networks: flows equal to PyPSA's own linear power flow, and every element that is changed or left out said."""

from __future__ import annotations

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
from optimizer.io import read_grid
from optimizer.io.pypsa import read_pypsa

pypsa = pytest.importorskip("pypsa")

Network = Any


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyPSA warns of what it will do in later versions; that is not what is tested."""
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


def network() -> Network:
    """Two voltages, a type of line and of transformer, a shifter, taps on both sides, parallel circuits, a shunt."""
    n = pypsa.Network(name="small")
    n.set_snapshots(pd.date_range("2030-01-01", periods=3, freq="h"))
    for bus, kv, x, y in (("a", 380, 10, 50), ("b", 380, 10.5, 50.2), ("c", 110, 0, 0), ("d", 110, 11, 51)):
        n.add("Bus", bus, v_nom=kv, x=x, y=y)
    n.add("LineType", "own", f_nom=50, r_per_length=0.03, x_per_length=0.25, c_per_length=14, i_nom=2)
    n.add("TransformerType", "own", s_nom=300, v_nom_0=380, v_nom_1=110, vsc=12, vscr=0.5, pfe=60, i0=0.1,
          phase_shift=0, tap_side=0, tap_neutral=0, tap_min=-9, tap_max=9, tap_step=1.5)  # fmt: skip
    n.add("Line", "1", bus0="a", bus1="b", x=12, r=1, b=3e-4, s_nom=500, s_max_pu=0.7, length=40)
    n.add("Line", "2", bus0="a", bus1="b", type="own", length=50, s_nom=800, num_parallel=2)
    n.add("Line", "3", bus0="c", bus1="d", x=-4, s_nom=0)
    n.add("Line", "4", bus0="c", bus1="d", x=9, s_nom=math.inf, v_ang_max=25)
    n.add("Line", "5", bus0="a", bus1="d", x=9, s_nom=100, active=False)
    n.add("Transformer", "1", bus0="b", bus1="c", x=0.12, r=0.01, b=0.02, s_nom=250, tap_ratio=1.04, phase_shift=7)
    n.add("Transformer", "t2", bus0="b", bus1="c", x=0.1, s_nom=200, tap_ratio=0.95, tap_side=1, model="pi")
    n.add("Transformer", "t3", bus0="a", bus1="d", type="own", tap_position=3, num_parallel=1)
    n.add("Carrier", "gas", co2_emissions=0.2)
    n.add("Generator", "g", bus="a", p_nom=600, carrier="gas", efficiency=0.5, marginal_cost=30, p_min_pu=0.2,
          marginal_cost_quadratic=0.01)  # fmt: skip
    n.add("Generator", "w", bus="d", p_nom=100, carrier="wind", p_max_pu=[0.9, 0.4, 0.7], p_set=[90, 40, 70.0])
    n.add("StorageUnit", "g", bus="b", p_nom=50, p_set=-20)
    n.add("Load", "l1", bus="c", p_set=[100, 310, 200.0], q_set=11)
    n.add("Load", "l2", bus="d", p_set=120)
    n.add("Load", "out", bus="d", p_set=1000, active=False)
    n.add("ShuntImpedance", "s", bus="c", g=1e-3, b=2e-3)
    n.add("Link", "dc", bus0="a", bus1="c", p_nom=80, p_min_pu=-1, efficiency=0.97, p_set=60)
    return n


def written(n: Network, folder: Path, form: str) -> Path:
    if form == "csv":
        n.export_to_csv_folder(folder / "case")
        return folder / "case"
    if form == "nc":
        n.export_to_netcdf(folder / "case.nc")
    else:
        n.export_to_netcdf().to_netcdf(folder / "case.nc", engine="scipy", format="NETCDF3_64BIT")
    return folder / "case.nc"


def flows(grid: Grid, given: dict[str, float]) -> pd.Series:
    """Flows [MW] of the dispatch in the file, the rest of the balance at the unit in `given`."""
    output = grid.generators["p_mw"].copy()
    for unit, mw in given.items():
        output[unit] = mw
    injection = -(grid.buses["load_mw"] + grid.buses["shunt_mw"])
    injection = injection.add(output.groupby(grid.generators["bus"]).sum(), fill_value=0)
    for link in grid.hvdc.itertuples():
        injection[link.from_bus] -= link.p_mw
        injection[link.to_bus] += link.p_mw * (1 - link.loss_share)
    branches = grid.branches_in_service
    solved = DCNetwork.build(grid.buses.index, branches)
    return pd.Series(solved.flows(injection.reindex(grid.buses.index).to_numpy()), index=branches.index)


@pytest.mark.every(3)
@pytest.mark.parametrize("form", ["nc", "classic", "csv"])
def test_flows_are_those_of_pypsa(tmp_path: Path, form: str) -> None:
    """At the snapshot of the largest load, the second; taps, shift, types and units decide the flows."""
    n = network()
    path = written(n, tmp_path, form)
    n.lpf(n.snapshots[1])
    grid = read_grid(path)
    assert validate(grid) == ()
    found = flows(grid, {"g": float(n.generators_t.p.loc[n.snapshots[1], "g"])})
    expected = {
        **n.lines_t.p0.loc[n.snapshots[1]],
        **{f"t {k}": v for k, v in n.transformers_t.p0.loc[n.snapshots[1]].items()},
    }
    names = {"t 1": "transformer 1", "t t2": "t2", "t t3": "t3"}
    assert len(found) == 7
    for name, mw in expected.items():
        if name != "5":
            assert found[names.get(name, name)] == pytest.approx(mw, abs=1e-6), name


@pytest.mark.every(3)
@pytest.mark.parametrize("form", ["nc", "classic", "csv"])
def test_every_column_means_what_it_did(tmp_path: Path, form: str) -> None:
    grid = read_grid(written(network(), tmp_path, form))
    assert grid.name == "case"
    assert grid.buses["load_mw"].to_dict() == {"a": 0, "b": 0, "c": 310, "d": 120}
    assert grid.buses.loc["c", "load_mvar"] == 11
    assert grid.buses.loc["c", "shunt_mw"] == pytest.approx(1e-3 * 110**2)
    assert grid.buses.loc["c", "shunt_mvar"] == pytest.approx(2e-3 * 110**2)
    assert grid.buses[["lat", "lon"]].loc["b"].tolist() == [50.2, 10.5]
    assert math.isnan(grid.buses.loc["c", "lat"])
    lines = grid.branches
    assert lines.loc["1", "x_pu"] == pytest.approx(12 * 100 / 380**2)
    assert lines.loc["1", "b_pu"] == pytest.approx(3e-4 * 380**2 / 100)
    assert lines.loc["1", ["rating_mw", "length_km"]].tolist() == [pytest.approx(350), 40]
    assert lines.loc["2", "x_pu"] == pytest.approx(0.25 * 50 / 2 * 100 / 380**2)
    assert lines.loc["2", "b_pu"] == pytest.approx(2 * math.pi * 50 * 14e-9 * 50 * 2 * 380**2 / 100)
    assert lines.loc[["3", "4"], "rating_mw"].tolist() == [math.inf, math.inf]
    assert lines.loc["4", ["angle_min_deg", "angle_max_deg"]].tolist() == [-25, 25]
    assert not lines.loc["5", "in_service"]
    assert lines.loc["transformer 1", ["tap", "shift_deg", "kind", "rating_mw"]].tolist() == [
        1.04,
        7,
        "transformer",
        250,
    ]
    assert lines.loc["transformer 1", "x_pu"] == pytest.approx(0.12 * 100 / 250)
    assert lines.loc["t2", "tap"] == pytest.approx(1 / 0.95)
    assert lines.loc["t3", ["tap", "rating_mw"]].tolist() == [pytest.approx(1.045), 300]
    assert lines.loc["t3", "x_pu"] == pytest.approx(math.sqrt(0.12**2 - 0.005**2) * 100 / 300)
    g = grid.generators.loc["g"]
    assert g[["p_max_mw", "p_min_mw", "cost_usd_per_mwh", "cost_quadratic_usd_per_mw2h"]].tolist() == [
        600,
        120,
        30,
        0.01,
    ]
    assert g["carbon_t_per_mwh"] == pytest.approx(0.4)
    assert grid.generators.loc["w", ["p_max_mw", "p_mw"]].tolist() == [pytest.approx(40), 40]
    assert grid.generators.loc["storage g", ["p_max_mw", "p_min_mw", "p_mw"]].tolist() == [50, -50, -20]
    link = grid.hvdc.loc["dc"]
    assert link[["from_bus", "to_bus", "p_max_mw", "p_min_mw", "p_mw"]].tolist() == ["a", "c", 80, -80, 60]
    assert link["loss_share"] == pytest.approx(0.03)


def test_what_is_changed_is_said(tmp_path: Path) -> None:
    findings = {f.rule: f for f in read_grid(written(network(), tmp_path, "nc")).findings}
    assert findings["io.pypsa.snapshot"].severity == "warning"
    assert "snapshot 2 of 3" in findings["io.pypsa.snapshot"].message
    assert findings["io.pypsa.name.shared"].found in ("1: 1", "1: g")
    assert findings["io.pypsa.load.inactive"].found == "1: out"
    assert findings["io.pypsa.storage"].severity == "warning"
    assert findings["io.pypsa.bus.no_coordinates"].found == "1: c"
    assert findings["io.pypsa.transformer.model"].found == "2: 1, t3"
    assert "grid.branch.unlimited" in findings


def test_a_tap_on_either_side_is_the_same_admittance(tmp_path: Path) -> None:
    """The four admittances of PyPSA's Y with the tap at bus1 are those of our pi model with the tap at from_bus."""
    n = network()
    grid = read_grid(written(n, tmp_path, "nc"))
    row = grid.branches.loc["t2"]
    y, t = 1 / complex(row["r_pu"], row["x_pu"]), row["tap"]
    series, tau = 1 / complex(0, 0.1 * 100 / 200), 0.95
    assert y / t**2 == pytest.approx(series)
    assert y / t == pytest.approx(series / tau)
    assert y == pytest.approx(series / tau**2)


def test_other_carriers_are_left_out_and_counted(tmp_path: Path) -> None:
    n = network()
    n.add("Bus", "gas", carrier="gas")
    n.add("Bus", "dc", carrier="DC", v_nom=200)
    n.add("Bus", "dc2", carrier="DC", v_nom=200)
    n.add("Line", "dcline", bus0="dc", bus1="dc2", r=1, x=1)
    n.add("Link", "plant", bus0="gas", bus1="a", p_nom=10)
    n.add("Generator", "well", bus="gas", p_nom=10)
    n.add("Load", "heat", bus="gas", p_set=99)
    n.add("Store", "tank", bus="gas", e_nom=5)
    grid = read_grid(written(n, tmp_path, "nc"))
    assert grid.buses.index.tolist() == ["a", "b", "c", "d"]
    assert (grid.buses["load_mw"].sum(), grid.hvdc.index.tolist()) == (430, ["dc"])
    assert "well" not in grid.generators.index
    said = {(f.rule, f.where): f.found for f in grid.findings}
    assert said["io.pypsa.bus.carrier", "case.nc buses"] == "3: gas, dc, dc2"
    assert said["io.pypsa.carrier.left_out", "case.nc lines"] == "1: dcline"
    assert said["io.pypsa.link.carrier", "case.nc links"] == "1: plant"
    assert said["io.pypsa.carrier.left_out", "case.nc generators"] == "1: well"
    assert said["io.pypsa.unread", "case.nc stores"] == "1 rows"


def refused(path: Path) -> list[Finding]:
    with pytest.raises(InputError) as error:
        read_grid(path)
    return [f for f in error.value.findings if f.severity == "error"]


def change(component: str, name: str, **values: object) -> Callable[[Network], None]:
    def apply(n: Network) -> None:
        for attribute, value in values.items():
            getattr(n, component).loc[name, attribute] = value

    return apply


# What is changed, and of the first finding: rule, words of its place, value found.
BAD = [
    (change("lines", "2", type="nowhere"), "io.pypsa.type.unknown", "lines", "1: 2"),
    (change("transformers", "t2", s_nom=0), "io.pypsa.transformer.s_nom", "transformers", "1: t2"),
    (change("lines", "1", bus1="z"), "grid.bus.unknown", "branches 1, to_bus", "'z'"),
    (change("lines", "1", x=0), "grid.branch.zero_reactance", "branches 1, x_pu", "0 pu"),
    (change("loads", "l1", bus="z"), "io.pypsa.bus.unknown", "loads", "1: l1"),
    (change("buses", "b", v_nom=0), "table.value.out_of_range", "buses b, base_kv", "0 kV"),
    (change("generators", "g", p_min_pu=2), "grid.generator.limits", "generators g, p_min_mw", "1200 above 600 MW"),
    (change("generators", "g", p_nom=math.inf), "table.value.not_finite", "generators g, p_max_mw", "'inf'"),
]


@pytest.mark.every(9)
@pytest.mark.parametrize(("edit", "rule", "where", "found"), BAD)
def test_bad_values_are_refused_by_name(
    tmp_path: Path, edit: Callable[[Network], None], rule: str, where: str, found: str
) -> None:
    n = network()
    edit(n)
    for form in ("nc", "csv"):
        (tmp_path / form).mkdir()
        findings = refused(written(n, tmp_path / form, form))
        assert any((f.rule, f.found) == (rule, found) and where in f.where for f in findings), findings


def test_an_unknown_type_with_an_impedance_beside_it_is_read(tmp_path: Path) -> None:
    n = network()
    n.lines.loc["2", ["type", "x"]] = ["nowhere", 5.0]
    grid = read_grid(written(n, tmp_path, "nc"))
    assert grid.branches.loc["2", "x_pu"] == pytest.approx(5 * 100 / 380**2)
    assert {f.rule: f.found for f in grid.findings}["io.pypsa.type.not_in_file"] == "1: 2"


def test_projected_positions_are_not_taken_for_degrees(tmp_path: Path) -> None:
    n = network()
    n.buses.loc["a", "x"] = 510000.0
    grid = read_grid(written(n, tmp_path, "nc"))
    assert grid.buses["lon"].isna().all()
    assert {f.rule: f.severity for f in grid.findings}["io.pypsa.bus.coordinates"] == "warning"


def test_csv_cells_that_are_no_numbers_are_refused_by_place(tmp_path: Path) -> None:
    folder = written(network(), tmp_path, "csv")
    text = (folder / "lines.csv").read_text()
    (folder / "lines.csv").write_text(text.replace(",12.0,", ",12 ohm,"))
    series = (folder / "loads-p_set.csv").read_text()
    (finding,) = refused(folder)
    assert (finding.rule, finding.where, finding.found) == ("io.pypsa.value", "case lines 1, x", "'12 ohm'")
    (folder / "loads-p_set.csv").write_text(series.replace("310.0", "many"))
    assert any(f.where == "case/loads-p_set.csv row 3, l1" for f in refused(folder))
    (folder / "loads-p_set.csv").write_text("\n".join(series.splitlines()[:-1]) + "\n")
    assert any((f.rule, f.found) == ("io.pypsa.shape", "2 rows") for f in refused(folder))


def test_files_that_hold_no_network(tmp_path: Path) -> None:
    whole = written(network(), tmp_path, "nc").read_bytes()
    file = tmp_path / "cut.nc"
    file.write_bytes(whole[: len(whole) // 2])
    assert [f.rule for f in refused(file)] == ["io.pypsa.unreadable"]
    file.write_bytes(b"CDF\x01" + bytes(range(200)))
    assert [f.rule for f in refused(file)] == ["io.pypsa.unreadable"]
    other = pd.DataFrame({"x": np.arange(3.0)}).to_xarray()
    other.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    (finding,) = refused(tmp_path / "other.nc")
    assert (finding.rule, finding.found) == ("io.pypsa.missing", "x, index")
    with pytest.raises(InputError, match=r"file\.missing"):
        read_pypsa(tmp_path / "nothing.nc")


@pytest.mark.every(2)
@pytest.mark.parametrize("form", ["nc", "csv"])
def test_what_a_case_lets_be_extended_is_kept(tmp_path: Path, form: str) -> None:
    """Of 500 MVA 0.7 may be used: 350 MW, of which each costs 700 / 0.7, up to 1,000 x 0.7."""
    n = network()
    n.lines.loc["1", ["s_nom_extendable", "capital_cost", "s_nom_max"]] = [True, 700.0, 1000.0]
    n.transformers.loc["t2", ["s_nom_extendable", "capital_cost"]] = [True, 900.0]
    grid = read_grid(written(n, tmp_path, form))
    priced = grid.branches[grid.branches["extension_usd_per_mw_year"].notna()]
    assert list(priced.index) == ["1", "t2"]
    assert priced["extension_usd_per_mw_year"].tolist() == pytest.approx([1000, 900])
    assert priced["extension_max_mw"].iloc[0] == pytest.approx(700)
    assert math.isnan(priced["extension_max_mw"].iloc[1])
    assert priced["rating_mw"].tolist() == pytest.approx([350, 200])
    found = {f.rule: f for f in grid.findings}
    assert "from_case" in found["io.pypsa.extendable"].message


@pytest.mark.every(2)
@pytest.mark.parametrize("form", ["nc", "csv"])
def test_what_an_extendable_link_is_read_as_is_said(tmp_path: Path, form: str) -> None:
    """One of 80 MW that may grow keeps these; one of which nothing stands yet carries nothing."""
    n = network()
    n.links.loc["dc", ["p_nom_extendable", "p_nom_max", "capital_cost"]] = [True, 500.0, 900.0]
    n.add("Link", "new", bus0="a", bus1="c", p_nom_extendable=True, p_nom_max=700, capital_cost=900)
    grid = read_grid(written(n, tmp_path, form))
    (said,) = [f for f in grid.findings if f.rule == "io.pypsa.link.extendable"]
    assert (said.severity, said.found) == ("warning", "2: dc (p_nom 80 MW), new (p_nom 0 MW)")
    assert "no new HVDC link is decided" in said.message
    assert said.remedy
    assert grid.hvdc["p_max_mw"].tolist() == [80, 0]
    assert not [f for f in grid.findings if f.rule == "io.pypsa.extendable" and "links" in f.where]
