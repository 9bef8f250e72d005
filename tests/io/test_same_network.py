"""One network in every format gives one PTDF; and the tables of RTS-GMLC agree with its MATPOWER case."""

from __future__ import annotations

import json
import logging
import math
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from optimizer.grid.columns import AC_COLUMNS, TABLES, Column
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid, make_grid
from optimizer.io import read_grid, write_tables
from optimizer.resources import dataset_path

#: Base of the MATPOWER cases [MVA]: another than ours, so that the conversion is seen.
BASE = 250.0


@pytest.fixture(scope="module")
def texas() -> Grid:
    return read_grid(dataset_path("texas") / "grid")


def matrices(grid: Grid) -> dict[str, np.ndarray]:
    """Bus, generator and branch matrices of MATPOWER's format."""
    number = {bus: i + 1.0 for i, bus in enumerate(grid.buses.index)}
    zero, one = np.zeros, np.ones
    buses, units, branches = grid.buses, grid.generators, grid.branches
    n, m, k = len(buses), len(units), len(branches)
    kinds = np.where(np.arange(n) == 0, 3, 1)
    rating = branches["rating_mw"].replace(math.inf, 0)
    scale = BASE / 100
    return {
        "bus": np.column_stack([
            list(number.values()), kinds, buses["load_mw"], zero(n), buses["shunt_mw"], zero(n), one(n), one(n),
            zero(n), buses["base_kv"], one(n), one(n) * 1.1, one(n) * 0.9,
        ]),
        "gen": np.column_stack([
            units["bus"].map(number), units["p_mw"].fillna(0), zero(m), zero(m), zero(m), one(m), one(m) * BASE,
            units["in_service"], units["p_max_mw"], units["p_min_mw"],
        ]),
        "branch": np.column_stack([
            branches["from_bus"].map(number), branches["to_bus"].map(number), branches["r_pu"] * scale,
            branches["x_pu"] * scale, zero(k), rating, zero(k), zero(k), branches["tap"], branches["shift_deg"],
            branches["in_service"], zero(k), zero(k),
        ]),
    }  # fmt: skip


def as_matpower(grid: Grid, folder: Path) -> Path:
    lines = ["function mpc = case_same", "mpc.version = '2';", f"mpc.baseMVA = {BASE!r};"]
    for name, matrix in matrices(grid).items():
        lines += [f"mpc.{name} = [", *("\t".join(map(repr, row)) + ";" for row in matrix.tolist()), "];"]
    file = folder / "same.m"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def as_matpower_binary(grid: Grid, folder: Path) -> Path:
    scipy.io.savemat(folder / "same.mat", {"mpc": {"version": "2", "baseMVA": BASE, **matrices(grid)}})
    return folder / "same.mat"


def as_tables(grid: Grid, folder: Path) -> Path:
    write_tables(grid, folder / "same")
    return folder / "same"


def pypsa_network(grid: Grid) -> Any:
    """Lines in ohm at their voltage; transformers per unit of a power of their own."""
    pypsa = pytest.importorskip("pypsa")
    n = pypsa.Network()
    n.add("Bus", grid.buses.index, v_nom=grid.buses["base_kv"], x=grid.buses["lon"], y=grid.buses["lat"])
    rating = grid.branches["rating_mw"]
    moved = (grid.branches["tap"] != 1) | (grid.branches["shift_deg"] != 0)
    winding = moved | (grid.branches["kind"] == "transformer")
    lines, windings = grid.branches[~winding], grid.branches[winding]
    ohm = lines["from_bus"].map(grid.buses["base_kv"]) ** 2 / 100
    n.add("Line", lines.index, bus0=lines["from_bus"], bus1=lines["to_bus"], x=lines["x_pu"] * ohm,
          r=lines["r_pu"] * ohm, s_nom=rating[~winding])  # fmt: skip
    power = rating[winding].where(np.isfinite(rating[winding]), 70.0)
    n.add("Transformer", windings.index, bus0=windings["from_bus"], bus1=windings["to_bus"], s_nom=power,
          x=windings["x_pu"] * power / 100, r=windings["r_pu"] * power / 100, tap_ratio=windings["tap"],
          phase_shift=windings["shift_deg"])  # fmt: skip
    n.add("Load", grid.buses.index, bus=grid.buses.index, p_set=grid.buses["load_mw"])
    units = grid.generators
    n.add("Generator", units.index, bus=units["bus"], p_nom=units["p_max_mw"], carrier=units["carrier"])
    return n


def as_pypsa(grid: Grid, folder: Path) -> Path:
    pypsa_network(grid).export_to_netcdf(folder / "same.nc")
    return folder / "same.nc"


def as_pypsa_folder(grid: Grid, folder: Path) -> Path:
    pypsa_network(grid).export_to_csv_folder(folder / "same")
    return folder / "same"


def as_pandapower(grid: Grid, folder: Path) -> Path:
    """Branches with a tap or a shift as transformers of another rated voltage; all others as impedances."""
    number = {bus: i for i, bus in enumerate(grid.buses.index)}
    ends = [grid.branches[column].map(number).tolist() for column in ("from_bus", "to_bus")]
    kv = grid.buses["base_kv"].tolist()
    bus = pd.DataFrame({"vn_kv": kv, "in_service": True, "name": list(grid.buses.index)})
    impedances, windings = [], []
    for i, (x, tap, shift) in enumerate(zip(*(grid.branches[c] for c in ("x_pu", "tap", "shift_deg")), strict=True)):
        one, other = ends[0][i], ends[1][i]
        if tap == 1 and shift == 0:
            impedances.append((one, other, 0.0, x, 0.0, x, 100.0, True, i))
        else:
            windings.append((one, other, 50.0, kv[one] * tap, kv[other], x * 50, 0.0, 0.0, 0.0, shift, 1, True, i))
    load = pd.DataFrame({"bus": list(number.values()), "p_mw": grid.buses["load_mw"].tolist()})
    gen = pd.DataFrame({"bus": grid.generators["bus"].map(number).tolist(), "p_mw": 1.0, "in_service": True})
    tables = {
        "bus": bus,
        "impedance": pd.DataFrame(
            impedances, columns="from_bus to_bus rft_pu xft_pu rtf_pu xtf_pu sn_mva in_service name".split()
        ).set_index("name"),
        "trafo": pd.DataFrame(
            windings,
            columns="hv_bus lv_bus sn_mva vn_hv_kv vn_lv_kv vk_percent vkr_percent pfe_kw i0_percent shift_degree "
            "parallel in_service name".split(),
        ).set_index("name"),
        "load": load,
        "gen": gen,
    }
    net: dict[str, Any] = {"version": "3.0.0", "format_version": "3.0.0", "f_hz": 60.0, "sn_mva": 100.0}
    for name, frame in tables.items():
        # json writes every digit; pandas' own writer rounds to ten places.
        held = {"columns": list(frame.columns), "index": frame.index.tolist(), "data": frame.to_numpy(object).tolist()}
        net[name] = {
            "_module": "pandas.core.frame",
            "_class": "DataFrame",
            "_object": json.dumps(held),
            "orient": "split",
        }
    file = folder / "same.json"
    content = {"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": net}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


WRITERS = (as_matpower, as_matpower_binary, as_tables, as_pypsa, as_pypsa_folder, as_pandapower)


def ptdf(grid: Grid, branches: list[str]) -> np.ndarray:
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    return network.ptdf_rows(network.branch_ids.get_indexer(branches))


def same_branches(original: Grid, read: Grid, writer: Callable[..., Path]) -> list[str]:
    """Names in `read` of the branches of `original`, in its order."""
    if writer in (as_matpower, as_matpower_binary):
        return [f"b{i + 1}" for i in range(len(original.branches))]
    if writer is as_pandapower:
        known = set(read.branches.index)
        names = range(len(original.branches))
        return [next(n for n in (f"impedance {i}", f"trafo {i}") if n in known) for i in names]
    return list(original.branches.index)


@pytest.mark.every(3)
@pytest.mark.parametrize("writer", WRITERS, ids=lambda w: w.__name__[3:])
@pytest.mark.parametrize("name", ["texas", "RTS-GMLC"])
def test_ptdf_is_the_same_in_every_format(
    request: pytest.FixtureRequest, texas: Grid, tmp_path: Path, name: str, writer: Callable[..., Path]
) -> None:
    if name == "texas":
        original = texas
    else:
        original = read_grid(request.getfixturevalue("reference_data") / "RTS-GMLC" / "MATPOWER" / "RTS_GMLC.m")
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = writer(original, tmp_path)
    logging.disable(logging.NOTSET)
    read = read_grid(path)
    chosen = list(np.random.default_rng(0).permutation(len(original.branches))[:300])
    names = same_branches(original, read, writer)
    expected = ptdf(original, [original.branches.index[i] for i in chosen])
    found = ptdf(read, [names[i] for i in chosen])
    assert np.abs(expected).max() > 0.1
    assert np.abs(found - expected).max() < 1e-9
    assert np.abs(read.buses["load_mw"].to_numpy() - original.buses["load_mw"].to_numpy()).max() < 1e-9
    assert read.generators["p_max_mw"].sum() == pytest.approx(original.generators["p_max_mw"].sum()) or (
        writer is as_pandapower
    )


def source_tables(folder: Path, target: Path) -> None:
    """The tables of RTS-GMLC's own CSV files under the names of our columns."""
    names = {
        "bus": {"Bus ID": "bus", "BaseKV": "base_kv", "MW Load": "load_mw", "MVAR Load": "load_mvar", "lat": "lat",
                "lng": "lon", "MW Shunt G": "shunt_mw", "MVAR Shunt B": "shunt_mvar", "Bus Name": "name"},
        "branch": {"UID": "branch", "From Bus": "from_bus", "To Bus": "to_bus", "R": "r_pu", "X": "x_pu", "B": "b_pu",
                   "Cont Rating": "rating_mw", "LTE Rating": "rating_emergency_mw", "Tr Ratio": "tap"},
        "gen": {"GEN UID": "generator", "Bus ID": "bus", "PMax MW": "p_max_mw", "PMin MW": "p_min_mw",
                "MW Inj": "p_mw", "QMax MVAR": "q_max_mvar", "QMin MVAR": "q_min_mvar"},
        "dc_branch": {"UID": "link", "From Bus": "from_bus", "To Bus": "to_bus", "MW Load": "p_max_mw"},
    }  # fmt: skip
    ours = {"bus": "buses", "branch": "branches", "gen": "generators", "dc_branch": "hvdc"}
    target.mkdir()
    for name, columns in names.items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)[list(columns)]
        frame = frame.rename(columns=columns)
        if name == "branch":
            # A ratio of 0 is none in the source, as in MATPOWER.
            transformer = frame["tap"].astype(float) != 0
            frame["kind"] = np.where(transformer, "transformer", "line")
            frame["tap"] = frame["tap"].where(transformer, "1")
        frame.to_csv(target / f"{ours[name]}.csv", index=False)


def test_rts_gmlc_tables_agree_with_its_matpower_case(reference_data: Path, tmp_path: Path) -> None:
    """Two publications of one system, by two readers: PTDF, ratings, loads and limits of generators."""
    folder = reference_data / "RTS-GMLC"
    if not (folder / "SourceData").is_dir():
        pytest.skip("no SourceData of RTS-GMLC in the reference cases")
    source_tables(folder / "SourceData", tmp_path / "rts")
    tables, case = read_grid(tmp_path / "rts"), read_grid(folder / "MATPOWER" / "RTS_GMLC.m")
    assert tables.buses.index.tolist() == case.buses.index.tolist()
    assert tables.buses["load_mw"].tolist() == case.buses["load_mw"].tolist()
    one = tables.branches.reset_index(drop=True)
    other = case.branches.reset_index(drop=True)
    # Emergency ratings are left out: the MATPOWER case repeats the normal ones there.
    for column in ("from_bus", "to_bus", "kind", "x_pu", "r_pu", "b_pu", "rating_mw"):
        assert one[column].tolist() == pytest.approx(other[column].tolist()), column
    found, expected = (ptdf(grid, list(grid.branches.index)) for grid in (tables, case))
    assert np.abs(found - expected).max() < 1e-9
    units = case.generators.set_index("name")
    assert set(tables.generators.index) == set(units.index)
    for column in ("bus", "p_max_mw", "p_min_mw"):
        assert tables.generators[column].to_dict() == units[column].to_dict(), column
    assert tables.hvdc.iloc[0][["from_bus", "to_bus", "p_max_mw", "p_min_mw"]].tolist() == ["113", "316", 100, -100]


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from(",;'\"\n\r"), max_size=12
).map(str.strip)
_ID = _TEXT.filter(bool)
_CELLS = {
    "id": _ID,
    "text": _TEXT,
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "int": st.integers(-(2**40), 2**40),
    "bool": st.booleans(),
}


def _cell(column: Column) -> st.SearchStrategy[object]:
    """A value that a column may hold, empty where it need not hold one."""
    if column.kind in ("float", "int"):
        # Sums of huge numbers overflow in the check of islands, which is not what is tested here.
        low, high = max(column.lower, -1e12), min(column.upper, 1e12)
        whole = st.integers(int(low) + int(column.lower_open), int(high))
        numbers = whole if column.kind == "int" else st.floats(low, high, exclude_min=column.lower_open)
        empty = column.kind == "float" and not (column.required and column.default is None)
        return numbers | st.none() if empty else numbers
    return _CELLS[column.kind]


@st.composite
def grids(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Tables of a ring of buses with every column, those of an AC study included."""
    count = draw(st.integers(2, 5))
    buses = draw(st.lists(_ID, min_size=count, max_size=count, unique=True))
    ends = {"from_bus": buses, "to_bus": [*buses[1:], buses[0]], "bus": buses}
    tables = {}
    for table in ("buses", "branches", "generators", "hvdc", "circuits", "snapshots"):
        rows = 2 if table == "snapshots" else count
        frame = {}
        for column in [*TABLES[table], *AC_COLUMNS.get(table, ())]:
            frame[column.name] = pd.Series([draw(_cell(column)) for _ in range(rows)], dtype=object)
        key = TABLES[table][0].name
        frame[key] = draw(st.lists(_ID, min_size=rows, max_size=rows, unique=True))
        frame |= {name: values for name, values in ends.items() if name in frame and table != "snapshots"}
        made = pd.DataFrame(frame)
        for name, value in (
            ("kind", "line"),
            ("cost_points", ""),
            ("in_service", True),
            ("x_pu", 0.1),
            ("p_min_mw", None),
        ):
            if name in made.columns:
                made[name] = value
        made = made.drop(columns=[c for c in ("angle_min_deg", "lat", "lon") if c in made.columns])
        if table in ("generators", "hvdc"):
            made["p_max_mw"] = made["p_max_mw"].map(abs)
        if table == "circuits":
            # A rebuild joins the buses of its branch, as those of the same row do here.
            of_row = tables["branches"]["branch"]
            made["replaces"] = [draw(st.sampled_from(["", branch])) for branch in of_row]
        tables[table] = made
    return tables


@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(tables=grids())
def test_any_grid_written_is_read_back_identically(tables: dict[str, pd.DataFrame]) -> None:
    grid = make_grid("any", tables)
    with tempfile.TemporaryDirectory() as folder:
        again = read_grid(as_tables(grid, Path(folder)))
    for table, columns in TABLES.items():
        pd.testing.assert_frame_equal(getattr(again, table), getattr(grid, table), check_exact=True)
        if table in tables:
            assert {c.name for c in [*columns, *AC_COLUMNS.get(table, ())]} - {"bus"} <= set(
                getattr(again, table).reset_index().columns
            )


def test_texas_tables_read_back_are_identical(texas: Grid, tmp_path: Path) -> None:
    again = read_grid(as_tables(texas, tmp_path))
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(again, table), getattr(texas, table), check_exact=True)
