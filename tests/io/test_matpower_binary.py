"""MATPOWER cases in MATLAB's binary form: the same grid as the text case, and each bad file as one finding."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io

from optimizer.errors import Finding, InputError
from optimizer.grid.columns import TABLES
from optimizer.io import read_grid
from optimizer.io.mat5 import DamagedError, read_mat5
from optimizer.io.matpower_binary import read_matpower_binary

CASE: dict[str, Any] = {
    "version": "2",
    "baseMVA": 50.0,
    "bus": np.array(
        [
            [1, 3, 0, 0, 0, -5, 1, 1.0, 0, 230, 7, 1.1, 0.9],
            [2, 1, 60, 10, 2, 0, 1, 1.0, 0, 230, 7, 1.1, 0.9],
            [3, 1, 40, 5, 0, 0, 1, 1.0, 0, 115, 8, 1.1, 0.9],
        ]
    ),
    "gen": np.array(
        [[1, 70, 0, 50, -50, 1.02, 100, 1, 150, 10], [3, 30, 0, np.inf, -20, 1.0, 100, 0, 50, 0]], dtype=float
    ),
    "branch": np.array(
        [
            [1, 2, 0.01, 0.1, 0.02, 100, 0, 0, 0, 0, 1, -360, 360],
            [2, 3, 0, 0.2, 0, 0, 90, 95, 0.98, -5, 1, -30, 20],
            [1, 2, 0.01, 1 / 3, 0.02, 100, 110, 120, 0, 0, 0, 0, 0],
        ]
    ),
    "gencost": np.array([[2, 0, 0, 3, 0.5, 20, 100, 0], [1, 0, 0, 2, 0, 0, 50, 900]], dtype=float),
    "bus_name": np.array([["NORTH; 50% shared"], ["O'BRIEN"], ["EAST"]], dtype=object),
    "genfuel": np.array([["coal"], ["Wind"]], dtype=object),
    "order": {"state": "e"},
}
#: The same case as MATPOWER would write it as text.
TEXT = """function mpc = case3
mpc.version = '2';
mpc.baseMVA = 50;
mpc.bus = [
1 3 0 0 0 -5 1 1.0 0 230 7 1.1 0.9;
2 1 60 10 2 0 1 1.0 0 230 7 1.1 0.9;
3 1 40 5 0 0 1 1.0 0 115 8 1.1 0.9;
];
mpc.gen = [
1 70 0 50 -50 1.02 100 1 150 10;
3 30 0 Inf -20 1.0 100 0 50 0;
];
mpc.branch = [
1 2 0.01 0.1 0.02 100 0 0 0 0 1 -360 360;
2 3 0 0.2 0 0 90 95 0.98 -5 1 -30 20;
1 2 0.01 0.3333333333333333 0.02 100 110 120 0 0 0 0 0;
];
mpc.gencost = [
2 0 0 3 0.5 20 100 0;
1 0 0 2 0 0 50 900;
];
mpc.bus_name = {
'NORTH; 50% shared';
'O''BRIEN';
'EAST';
};
mpc.genfuel = {
'coal';
'Wind';
};
"""


def written(folder: Path, **changes: Any) -> Path:
    file = folder / "case3.mat"
    case = {name: value for name, value in {**CASE, **changes}.items() if value is not None}
    scipy.io.savemat(file, {"mpc": case})
    return file


@pytest.mark.parametrize("compressed", [False, True])
def test_the_grid_is_that_of_the_text(tmp_path: Path, compressed: bool) -> None:
    file = tmp_path / "case3.mat"
    scipy.io.savemat(file, {"mpc": CASE, "results": 1.0}, do_compression=compressed)
    (tmp_path / "case3.m").write_text(TEXT, encoding="utf-8")
    binary, text = read_grid(file), read_grid(tmp_path / "case3.m")
    assert (binary.name, binary.base_mva) == (text.name, text.base_mva) == ("case3", 50)
    assert binary.buses["name"].tolist() == ["NORTH; 50% shared", "O'BRIEN", "EAST"]
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(binary, table), getattr(text, table), check_exact=True)


@pytest.mark.parametrize(
    "name", ["pglib/pglib_opf_case14_ieee", "pglib/pglib_opf_case300_ieee", "RTS-GMLC/MATPOWER/RTS_GMLC"]
)
def test_published_cases_are_the_same_in_both_forms(reference_data: Path, tmp_path: Path, name: str) -> None:
    """Numbers are taken from the text by NumPy, not by the reader under test."""
    source = reference_data / f"{name}.m"
    if not source.is_file():
        pytest.skip(f"no {source.name} in the reference cases")
    content = source.read_text(encoding="utf-8")
    case: dict[str, Any] = {"version": "2", "baseMVA": float(content.split("mpc.baseMVA = ")[1].split(";")[0])}
    for field in ("bus", "gen", "branch", "gencost", "dcline"):
        if f"mpc.{field} = [" in content:
            body = content.split(f"mpc.{field} = [")[1].split("];")[0]
            rows = [line.split("%")[0].replace(";", "").split() for line in body.splitlines()]
            case[field] = np.array([row for row in rows if row], dtype=float)
    scipy.io.savemat(tmp_path / "case.mat", {"mpc": case})
    binary, text = read_grid(tmp_path / "case.mat"), read_grid(source)
    for table in ("branches", "hvdc"):
        pd.testing.assert_frame_equal(getattr(binary, table), getattr(text, table), check_exact=True)
    columns = [c for c in text.generators.columns if c not in ("name", "carrier")]
    pd.testing.assert_frame_equal(binary.generators[columns], text.generators[columns], check_exact=True)


def refused(path: Path) -> list[Finding]:
    with pytest.raises(InputError) as error:
        read_grid(path)
    return [f for f in error.value.findings if f.severity == "error"]


def bad_gen() -> np.ndarray:
    rows = CASE["gen"].copy()
    rows[0, 8] = np.nan
    return rows


def bad_branch() -> np.ndarray:
    rows = CASE["branch"].copy()
    rows[1, 1] = 9
    return rows


# Fields changed, and of a finding: rule, place, value found.
BAD = [
    ({"bus": None}, "matpower.section.missing", "case3.mat, mpc.bus", ""),
    ({"baseMVA": 0.0}, "matpower.base", "case3.mat, mpc.baseMVA", "'0.0'"),
    ({"gen": bad_gen()}, "table.value.not_finite", "case3.mat (mpc.gen row 1), p_max_mw", "'nan'"),
    ({"branch": bad_branch()}, "grid.bus.unknown", "case3.mat (mpc.branch row 2), to_bus", "'9'"),
    ({"branch": CASE["branch"][:, :8]}, "matpower.row.length", "case3.mat (mpc.branch row 1)", "8 columns"),
    ({"gencost": CASE["gencost"][:1]}, "matpower.gencost.rows", "case3.mat, mpc.gencost", "1 rows"),
    ({"bus": CASE["bus"] * 1j}, "matpower.section.missing", "case3.mat, mpc.bus", ""),
]


@pytest.mark.parametrize(("changes", "rule", "where", "found"), BAD)
def test_bad_fields_are_refused_by_name(
    tmp_path: Path, changes: dict[str, Any], rule: str, where: str, found: str
) -> None:
    findings = refused(written(tmp_path, **changes))
    assert (rule, where, found) in [(f.rule, f.where, f.found) for f in findings]


def test_a_struct_of_another_name_is_read_and_said(tmp_path: Path) -> None:
    file = tmp_path / "case3.mat"
    scipy.io.savemat(file, {"solved": CASE})
    said = {f.rule: f.found for f in read_grid(file).findings}
    assert said["matpower.binary.name"] == "solved"
    assert "matpower.binary.field" in said


def test_files_that_hold_no_case(tmp_path: Path) -> None:
    file = tmp_path / "case3.mat"
    scipy.io.savemat(file, {name: CASE[name] for name in ("bus", "gen", "branch", "baseMVA")})
    (finding,) = refused(file)
    assert finding.rule == "matpower.format"
    assert "format version 1" in finding.message
    scipy.io.savemat(file, {"a": 1.0})
    assert [f.rule for f in refused(file)] == ["matpower.format"]
    whole = written(tmp_path).read_bytes()
    file.write_bytes(whole[:500])
    assert [f.rule for f in refused(file)] == ["matpower.binary.unreadable"]
    file.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(600))
    (finding,) = refused(file)
    assert (finding.rule, finding.found) == ("matpower.binary.version", "MATLAB 7.3 MAT-file")
    with pytest.raises(InputError, match=r"file\.missing"):
        read_matpower_binary(tmp_path / "nothing.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_values_are_those_that_scipy_reads(tmp_path: Path, compressed: bool) -> None:
    """Every numeric type, texts, cells and structs inside structs."""
    dice = np.random.default_rng(0)
    fields: dict[str, Any] = {
        kind: (dice.random((3, 4)) * 100).astype(kind) for kind in "f4 f8 i1 u1 i2 u2 i4 u4 i8 u8".split()
    }
    fields |= {
        "whole": np.arange(300.0).reshape(2, 150),
        "complex": np.array([[1 + 2j, 3.0]]),
        "none": np.zeros((0, 3)),
        "text": "Øresund",
        "empty": "",
        "cells": np.array([["a", 2.5], ["bc", "d"]], dtype=object),
        "inner": {"deep": {"x": 1.0}},
    }
    scipy.io.savemat(tmp_path / "case.mat", {"mpc": fields, "x": 5.0}, do_compression=compressed)
    found = read_mat5((tmp_path / "case.mat").read_bytes())
    expected = scipy.io.loadmat(tmp_path / "case.mat", simplify_cells=False)
    struct = expected["mpc"][0, 0]
    assert found["x"].tolist() == [[5.0]]
    assert set(found["mpc"]) == set(fields)
    for name in fields:
        if name in ("text", "empty", "cells", "inner"):
            continue
        np.testing.assert_array_equal(found["mpc"][name], struct[name], err_msg=name)
    assert (found["mpc"]["text"], found["mpc"]["empty"]) == ("Øresund", "")
    cells = found["mpc"]["cells"]
    assert (cells[0, 0], cells[1, 0], cells[1, 1], cells[0, 1].tolist()) == ("a", "bc", "d", [[2.5]])
    assert found["mpc"]["inner"]["deep"]["x"].tolist() == [[1.0]]


def test_damaged_bytes_are_never_more_than_refused(tmp_path: Path) -> None:
    """Every byte of the head of every element turned, and the file cut at every length."""
    whole = written(tmp_path).read_bytes()
    for place in range(100, 1200):
        for sign in (0, 1, 0x7F, 0xFF):
            damaged = whole[:place] + bytes([sign]) + whole[place + 1 :]
            with contextlib.suppress(DamagedError):
                read_mat5(damaged)
    for length in range(0, len(whole), 7):
        with contextlib.suppress(DamagedError):
            read_mat5(whole[:length])


def test_what_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    """A compressed element may not name more than the limit: here one of a header that lies about nothing else."""
    packed = zlib.compress(b"\x0e\x00\x00\x00\xf8\xff\xff\x7f" + bytes(10_000))
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    data = head + (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    with pytest.raises(DamagedError, match="longer than the file"):
        read_mat5(data)
