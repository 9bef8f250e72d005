"""Damaged files of every format end in findings or in a grid that passes validation, never in anything else."""

from __future__ import annotations

import json
import logging
import random
import re
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from optimizer.errors import InputError
from optimizer.grid.network import Grid, validate
from optimizer.io import read_grid

#: Mutations of each format in every run, and in the long one.
FEW, MANY = 40, 400

#: What a cell may be turned into: no number, no finite number, absurd, another type, of another encoding.
CELLS = (
    "", "0", "-1", "nan", "inf", "-Infinity", "1e308", "-1e-320", "1e999", "x", "NULL", "1,5", "12 MW", "True", "007",
    "1_000", "0x10", "\u00a0", "\ud7ff", "' ;", '"', "[1]", "{}", "=1+1", "999999999999999999999", "\t", "\\N",
)  # fmt: skip
FORMATS = ("m", "mat", "nc", "classic", "pypsa", "json", "tables")


#: A small network of pandapower: names of columns, then the rows.
_NET = {
    "bus": 'vn_kv in_service name | 110 true null | 110 true "x" | 20 true "z" | 20 true ""',
    "bus_geodata": "x y | 9.5 51 | 9 51.5",
    "line": "from_bus to_bus length_km r_ohm_per_km x_ohm_per_km c_nf_per_km max_i_ka df parallel in_service"
    "| 0 1 10.5 0.1 0.4 9 0.5 1 2 true | 2 3 4 0.1 0.4 9 0.3 1 1 true",
    "trafo": "hv_bus lv_bus sn_mva vn_hv_kv vn_lv_kv vk_percent vkr_percent pfe_kw i0_percent shift_degree tap_side "
    "tap_pos tap_neutral tap_step_percent tap_changer_type parallel in_service"
    '| 1 2 40 110 20.5 12 0.5 20 0.1 30 "hv" 2 0 1.5 "Ratio" 1 true',
    "trafo3w": "hv_bus mv_bus lv_bus sn_hv_mva sn_mv_mva sn_lv_mva vn_hv_kv vn_mv_kv vn_lv_kv vk_hv_percent "
    "vk_mv_percent vk_lv_percent vkr_hv_percent vkr_mv_percent vkr_lv_percent pfe_kw i0_percent in_service"
    "| 0 2 3 60 40 20 110 20 20 10 9 8 0.3 0.3 0.3 10 0.1 true",
    "load": "bus p_mw q_mvar scaling in_service | 2 8.5 1 1 true | 3 2 0 0.5 true",
    "gen": "bus p_mw vm_pu min_p_mw max_p_mw in_service | 1 5 1.02 0 20 true",
    "ext_grid": "bus vm_pu va_degree in_service | 0 1.0 0.0 true",
    "switch": 'bus element et closed z_ohm | 3 1 "l" true 0.0 | 2 3 "b" false 0.0',
    "dcline": "from_bus to_bus p_mw loss_percent loss_mw max_p_mw in_service | 0 3 1.5 1 0.1 4 true",
    "poly_cost": 'element et cp0_eur cp1_eur_per_mw cp2_eur_per_mw2 | 0 "gen" 0 20 0.1',
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small whole case of every format."""
    folder = tmp_path_factory.mktemp("whole")
    made = {
        "m": folder / "case.m",
        "mat": folder / "case.mat",
        "tables": folder / "tables",
        "json": folder / "case.json",
    }
    bus = [[i, 3 if i == 1 else 1, 20 * (i > 1), 5, 0, 0, 1, 1, 0, 230, 1, 1.1, 0.9] for i in (1, 2, 3, 4)]
    gen = [[1, 40, 0, 50, -50, 1.02, 100, 1, 150, 10], [3, 20, 0, 20, -20, 1, 100, 1, 50, 0]]
    ends = ((1, 2), (2, 3), (3, 4), (4, 1), (1, 2))
    branch = [[i, j, 0.01, 0.1, 0.02, 100, 0, 0, 0.98 * (i == 3), 5 * (i == 4), 1, -360, 360] for i, j in ends]
    case = {"bus": bus, "gen": gen, "branch": branch, "gencost": [[2, 0, 0, 3, 0.5, 20, 100], [2, 0, 0, 3, 0, 10, 0]]}
    scipy.io.savemat(
        made["mat"], {"mpc": {"version": "2", "baseMVA": 100.0, **{k: np.array(v, float) for k, v in case.items()}}}
    )
    rows = [
        f"mpc.{name} = [\n" + "".join("\t".join(map(str, row)) + ";\n" for row in rows) + "];"
        for name, rows in case.items()
    ]
    made["m"].write_text("\n".join(["function mpc = case", "mpc.version = '2';", "mpc.baseMVA = 100;", *rows]) + "\n")
    made["tables"].mkdir()
    for name, text in {
        "buses": "bus,base_kv,load_mw,lat,lon,zone,load_mvar\na,345,0,30,-97,w,1\nb,345,50,,,w,2\nc,138,30,,,e,3\n",
        "branches": "branch,from_bus,to_bus,x_pu,rating_mw,kind,tap\nab,a,b,0.1,100,line,\n"
        "bc,b,c,0.05,,transformer,1.02\n"
        "ca,c,a,0.2,50,line,\n",
        "generators": "generator,bus,p_max_mw,cost_points,in_service\ng1,a,200,0:0 100:900,1\ng2,c,10,,0\n",
        "hvdc": "link,from_bus,to_bus,p_max_mw\nd,a,c,20\n",
        "snapshots": "snapshot,hours\npeak,60\nrest,8700\n",
        "load_factors": "snapshot,zone,factor\npeak,w,1.1\npeak,e,0.3\n",
    }.items():
        (made["tables"] / f"{name}.csv").write_text(text)
    held: dict[str, object] = {"version": "3.0.0", "format_version": "3.0.0", "f_hz": 50.0, "sn_mva": 1.0}
    for name, rows_of in _NET.items():
        columns, *data = [line.split() for line in rows_of.split("|")]
        values = [[json.loads(cell) for cell in row] for row in data]
        text = json.dumps({"columns": columns, "index": list(range(len(values))), "data": values})
        held[name] = {"_module": "pandas.core.frame", "_class": "DataFrame", "_object": text, "orient": "split"}
    made["json"].write_text(json.dumps({"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": held}))
    return {**made, **_pypsa(folder)}


def _pypsa(folder: Path) -> dict[str, Path]:
    pypsa = pytest.importorskip("pypsa")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n = pypsa.Network()
        n.set_snapshots(range(3))
        for i, bus in enumerate("abc"):
            n.add("Bus", bus, v_nom=380 if i < 2 else 110, x=10 + i, y=50)
        n.add("LineType", "t", f_nom=50, r_per_length=0.03, x_per_length=0.25, c_per_length=14)
        n.add("Line", "l", bus0="a", bus1="b", x=12, r=1, s_nom=500, length=40)
        n.add("Line", "m", bus0="a", bus1="b", type="t", length=50, s_nom=800, num_parallel=2)
        n.add("Transformer", "t", bus0="b", bus1="c", x=0.12, s_nom=250, tap_ratio=1.04, phase_shift=7, tap_side=1)
        n.add("Carrier", "gas", co2_emissions=0.2)
        n.add("Generator", "g", bus="a", p_nom=600, carrier="gas", efficiency=0.5, marginal_cost=30)
        n.add("Generator", "w", bus="c", p_nom=100, p_max_pu=[0.9, 0.4, 0.7])
        n.add("Load", "d", bus="c", p_set=[10, 20, 30.0])
        n.add("Link", "k", bus0="a", bus1="c", p_nom=80, p_min_pu=-1, efficiency=0.97)
        n.export_to_csv_folder(folder / "pypsa")
        n.export_to_netcdf(folder / "case.nc")
        n.export_to_netcdf().to_netcdf(folder / "classic.nc", engine="scipy", format="NETCDF3_64BIT")
    return {"pypsa": folder / "pypsa", "nc": folder / "case.nc", "classic": folder / "classic.nc"}


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def flip(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice((1, 1, 3, 20))):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed)


def splice(data: bytes, dice: random.Random) -> bytes:
    """A piece repeated, moved or lost."""
    start = dice.randrange(len(data))
    stop = min(len(data), start + dice.randrange(1, 200))
    place = dice.randrange(len(data))
    return dice.choice((data[:start] + data[stop:], data[:place] + data[start:stop] + data[place:]))


def cell(data: bytes, dice: random.Random) -> bytes:
    """A number or word of the text turned into something else."""
    found = list(re.finditer(rb"-?[\w.+]+", data))
    if not found:
        return flip(data, dice)
    hit = dice.choice(found)
    return data[: hit.start()] + dice.choice(CELLS).encode("utf-8") + data[hit.end() :]


def encode(data: bytes, dice: random.Random) -> bytes:
    """Another encoding, other ends of lines, or binary data amid the text."""
    text = data.decode("latin-1")
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: text.encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + data,
        lambda: data.replace(b"\n", b"\r"),
        lambda: data.replace(b",", b";"),
        lambda: data[:50] + bytes(dice.randrange(256) for _ in range(30)) + data[50:],
        lambda: data + b"\x00" * 10,
    )
    return dice.choice(ways)()


TEXT, BINARY = (cell, cell, cell, cell, cut, flip, splice, encode), (flip, flip, flip, cut, splice)


def mutate(path: Path, target: Path, dice: random.Random) -> str:
    """Write a damaged copy and return what was done."""
    if path.is_dir():
        shutil.copytree(path, target)
        files = sorted(p for p in target.iterdir() if p.suffix == ".csv")
        file = dice.choice(files)
        if dice.random() < 0.05:
            file.unlink()
            return f"without {file.name}"
    else:
        shutil.copyfile(path, target)
        file = target
    change = dice.choice(BINARY if path.suffix in (".mat", ".nc") else TEXT)
    file.write_bytes(change(file.read_bytes(), dice))
    return f"{change.__name__} of {file.name}"


def finite(grid: Grid) -> None:
    """What validation does not state: nothing that a study adds up may be infinite."""
    assert np.isfinite(grid.buses["load_mw"]).all()
    assert np.isfinite(grid.branches[["x_pu", "r_pu", "tap", "shift_deg"]].to_numpy()).all()
    assert np.isfinite(grid.generators[["p_max_mw", "p_min_mw"]].to_numpy()).all()


def trial(source: Path, folder: Path, seed: int) -> str:
    """Read one damaged copy; "read" or "refused"."""
    dice = random.Random(seed)
    target = folder / f"case{source.suffix}" if source.suffix else folder / "case"
    done = mutate(source, target, dice)
    grid, findings = None, ()
    try:
        grid = read_grid(target)
    except InputError as refused:
        findings = refused.findings
    except Exception as failure:
        raise AssertionError(f"seed {seed}: {done} gave {failure!r}") from failure
    finally:
        if target.is_dir():
            shutil.rmtree(target)
    if grid is None:
        assert any(f.severity == "error" for f in findings), (seed, done)
        assert all(f.rule and f.where and f.message for f in findings), (seed, done)
        return "refused"
    assert not [f for f in validate(grid) if f.severity == "error"], (seed, done)
    finite(grid)
    return "read"


def many(sources: dict[str, Path], name: str, folder: Path, seeds: range) -> None:
    ends = {trial(sources[name], folder, seed) for seed in seeds}
    # Damage that is always refused, or never, would be no test of the other.
    assert ends == {"read", "refused"}


@pytest.mark.parametrize("name", FORMATS)
def test_whole_files_are_read(sources: dict[str, Path], name: str) -> None:
    grid = read_grid(sources[name])
    assert len(grid.branches) >= 3
    finite(grid)


@pytest.mark.every(7)
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(sources: dict[str, Path], tmp_path: Path, name: str) -> None:
    many(sources, name, tmp_path, range(FEW))


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_many_damaged_files(sources: dict[str, Path], tmp_path: Path, name: str) -> None:
    many(sources, name, tmp_path, range(FEW, FEW + MANY))


def test_the_wrong_version_is_named(sources: dict[str, Path], tmp_path: Path) -> None:
    """A case of MATPOWER's version 1 has no mpc; a network of pandapower 1 is in kilowatts."""
    (tmp_path / "old.m").write_text("function [baseMVA, bus] = old\nbaseMVA = 100;\nbus = [1 3 0];\n")
    (tmp_path / "old.json").write_text(sources["json"].read_text().replace("3.0.0", "1.4.0"))
    for file, rule in (("old.m", "matpower.format"), ("old.json", "io.pandapower.version")):
        with pytest.raises(InputError) as error:
            read_grid(tmp_path / file)
        assert rule in [f.rule for f in error.value.findings]
