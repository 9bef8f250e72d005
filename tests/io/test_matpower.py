"""MATPOWER cases: what each number means, the reference cases, and each unreadable file as a finding."""

from __future__ import annotations

import contextlib
import math
import re
from pathlib import Path

import numpy as np
import pytest

from optimizer.errors import Finding, InputError
from optimizer.grid.validate import cost_points
from optimizer.io import read_grid, read_matpower, write_tables


def refused(path: Path) -> list[Finding]:
    with pytest.raises(InputError) as error:
        read_grid(path)
    return [f for f in error.value.findings if f.severity == "error"]


def test_small_case_by_hand(case_file: Path) -> None:
    """The case is on 50 MVA: impedances on 100 MVA are twice, line charging half of what the file says."""
    grid = read_matpower(case_file)
    assert (grid.name, grid.base_mva) == ("small", 50)
    buses, branches, generators = grid.buses, grid.branches, grid.generators
    assert buses.index.tolist() == ["1", "2", "3"]
    assert buses["load_mw"].tolist() == [0, 60, 40]
    assert buses["load_mvar"].tolist() == [0, 10, 5]
    assert buses["shunt_mw"].tolist() == [0, 2, 0]
    assert buses["shunt_mvar"].tolist() == [-5, 0, 0]
    assert buses["base_kv"].tolist() == [230, 230, 115]
    assert buses["zone"].tolist() == ["7", "7", "8"]
    assert buses["name"].tolist() == ["NORTH; 50% shared", "O'BRIEN", "EAST"]
    assert branches.index.tolist() == ["b1", "b2", "b3"]
    assert branches["x_pu"].tolist() == [0.2, 0.4, 0.2]
    assert branches["r_pu"].tolist() == [0.02, 0, 0.02]
    assert branches["b_pu"].tolist() == [0.01, 0, 0.01]
    assert branches["rating_mw"].tolist() == [100, math.inf, 100]
    np.testing.assert_array_equal(branches["rating_emergency_mw"], [math.nan, 90, 110])
    assert branches["rating_short_term_mw"].tolist() == [0, 95, 120]
    assert branches["tap"].tolist() == [1, 0.98, 1]
    assert branches["shift_deg"].tolist() == [0, -5, 0]
    assert branches["kind"].tolist() == ["line", "transformer", "line"]
    assert branches["in_service"].tolist() == [True, True, False]
    np.testing.assert_array_equal(branches["angle_min_deg"], [math.nan, -30, math.nan])
    np.testing.assert_array_equal(branches["angle_max_deg"], [math.nan, 20, math.nan])
    assert generators.index.tolist() == ["g1", "g2"]
    assert generators["bus"].tolist() == ["1", "3"]
    assert generators["p_mw"].tolist() == [70, 30]
    assert generators["p_max_mw"].tolist() == [150, 50]
    assert generators["p_min_mw"].tolist() == [10, 0]
    assert generators["q_max_mvar"].tolist() == [50, 20]
    assert generators["in_service"].tolist() == [True, False]
    assert generators["cost_quadratic_usd_per_mw2h"].tolist() == [0.5, 0]
    assert generators["cost_usd_per_mwh"].tolist() == [20, 0]
    assert generators["cost_constant_usd_per_h"].tolist() == [100, 0]
    assert generators["cost_points"].tolist() == ["", "0.0:0.0 10.0:100.0 50.0:900.0"]
    assert cost_points(generators["cost_points"]["g2"]) == [(0, 0), (10, 100), (50, 900)]


def test_numbers_in_braces_are_read_as_in_brackets(case_file: Path) -> None:
    good = read_matpower(case_file)
    text = re.sub(r"mpc.gencost = \[(.*?)\];", r"mpc.gencost = {\1};", case_file.read_text(), flags=re.DOTALL)
    assert "mpc.gencost = {" in text
    case_file.write_text(text)
    assert read_matpower(case_file).generators.equals(good.generators)


def test_what_was_read_is_said(case_file: Path) -> None:
    case_file.write_text(case_file.read_text() + "mpc.storage = [\n 1 2 3;\n];\nmpc.areas = [1 1];\n")
    said = {f.rule: f for f in read_matpower(case_file).findings}
    assert said["matpower.read"].message == "read 3 buses, 3 branches, 2 generators on 50 MVA"
    assert said["matpower.section.unread"].severity == "warning"
    assert said["matpower.section.unread"].where == "small.m line 27, mpc.storage"
    assert said["grid.branch.unlimited"].message == "a rating of 0 is read as unlimited (1 rows)"
    assert len(said) == 3


def test_buses_out_of_service_go_with_what_they_connect(case_file: Path) -> None:
    text = case_file.read_text().replace("\t3\t1\t40", "\t3\t4\t40")
    case_file.write_text(text)
    grid = read_matpower(case_file)
    assert grid.buses.index.tolist() == ["1", "2"]
    assert grid.branches.index.tolist() == ["b1", "b3"]
    assert grid.generators.index.tolist() == ["g1"]
    assert "matpower.bus.isolated" in {f.rule for f in grid.findings}


def test_dc_line_and_missing_costs(case_file: Path) -> None:
    text = re.sub(r"mpc.gencost = \[.*?\];\n", "", case_file.read_text(), flags=re.DOTALL)
    text += "mpc.dcline = [\n 1 3 1 10 9 0 0 1 1 -20 40 0 0 0 0 1 0.02;\n 1 2 0 0 0 0 0 1 1 0 5 0 0 0 0 0 0;\n];\n"
    case_file.write_text(text)
    grid = read_matpower(case_file)
    link = grid.hvdc.loc["d1", ["from_bus", "to_bus", "p_min_mw", "p_max_mw", "loss_mw", "loss_share", "p_mw"]]
    assert link.tolist() == ["1", "3", -20, 40, 1, 0.02, 10]
    assert grid.hvdc["in_service"].tolist() == [True, False]
    assert grid.generators["cost_usd_per_mwh"].tolist() == [0, 0]
    assert "matpower.gencost.missing" in {f.rule for f in grid.findings}


# The edit, and of the one error it must give: rule, place, value found.
BAD = [
    (
        "\t0.2\t0.00\t0\t90",
        "\t0\t0.00\t0\t90",
        "grid.branch.zero_reactance",
        "line 15 (mpc.branch row 2), x_pu",
        "0 pu",
    ),
    (
        "0.1\t0.02\t100\t0\t0\t0",
        "0.1\t0.02\t-7\t0\t0\t0",
        "table.value.out_of_range",
        "line 14 (mpc.branch row 1), rating_mw",
        "-7 MW",
    ),
    (
        "0.1\t0.02\t100\t0\t0\t0",
        "NaN\t0.02\t100\t0\t0\t0",
        "table.value.not_finite",
        "line 14 (mpc.branch row 1), x_pu",
        "'nan'",
    ),
    (
        "0.1\t0.02\t100\t0\t0\t0",
        "1/3\t0.02\t100\t0\t0\t0",
        "table.value.type",
        "line 14 (mpc.branch row 1), x_pu",
        "'1/3'",
    ),
    ("\t2\t3\t0.00", "\t2\t9\t0.00", "grid.bus.unknown", "line 15 (mpc.branch row 2), to_bus", "'9'"),
    (
        "0.9\n];",
        "0.9\n\t3\t1\t0\t0\t0\t0\t1\t1\t0\t115\t8\t1.1\t0.9\n];",
        "table.id.duplicate",
        "line 9 (mpc.bus row 4), bus",
        "'3'",
    ),
    (
        "\t230\t7\t1.1\t0.9;\n",
        "\t0\t7\t1.1\t0.9;\n",
        "table.value.out_of_range",
        "line 6 (mpc.bus row 1), base_kv",
        "0 kV",
    ),
    ("; 3\t30", "; 4\t30", "grid.bus.unknown", "line 11 (mpc.gen row 2), bus", "'4'"),
    ("\t150\t10;", "\t150\t160;", "grid.generator.limits", "line 11 (mpc.gen row 1), p_min_mw", "160 above 150 MW"),
    ("\t3\t1\t40\t5", "\t3\t1\t40", "matpower.row.length", "line 8 (mpc.bus row 3)", "12 columns"),
    ("\t-30\t20;", "\t-30\t20\t1;", "matpower.row.length", "line 15 (mpc.branch row 2)", "14 columns"),
    ("\t-30\t20;", "\t30\t20;", "grid.branch.angles", "line 15 (mpc.branch row 2), angle_min_deg", "30 above 20 deg"),
    ("baseMVA = 50", "baseMVA = 0", "matpower.base", "line 4, mpc.baseMVA", "'0'"),
    ("baseMVA = 50", "baseMVA = sbase", "matpower.base", "line 4, mpc.baseMVA", "'sbase'"),
    ("mpc.gen = [", "mpc.generators = [", "matpower.section.missing", "mpc.gen", ""),
    ("mpc.gencost = [", "mpc.gen(:, 9) = 2;\nmpc.gencost = [", "matpower.code", "line 18", "mpc.gen(:, 9) = 2;"),
    ("mpc.gencost = [", "mpc.baseMVA = 1;\nmpc.gencost = [", "matpower.section.duplicate", "line 18, mpc.baseMVA", ""),
    (
        "0.5\t20\t100",
        "-0.5\t20\t100",
        "table.value.out_of_range",
        "line 11 (mpc.gen row 1), cost_quadratic_usd_per_mw2h",
        "-0.5 $/MW2h",
    ),
    (
        "3\t0.5\t20\t100",
        "4\t0.1\t0.5\t20\t100",
        "matpower.gencost.model",
        "line 19 (mpc.gencost row 1)",
        "2 0 0 4 0.1 0.5 20 100",
    ),
    (
        "\t2\t0\t0\t3\t0.5",
        "\t3\t0\t0\t3\t0.5",
        "matpower.gencost.model",
        "line 19 (mpc.gencost row 1)",
        "3 0 0 3 0.5 20 100",
    ),
    (
        "\t50\t900",
        "\t50\t200",
        "grid.generator.cost_points",
        "line 11 (mpc.gen row 2), cost_points",
        "0.0:0.0 10.0:100.0 50.0:200.0",
    ),
    ("\t2\t0\t0\t3\t0.5\t20\t100;\n", "", "matpower.gencost.rows", "mpc.gencost", "1 rows"),
]


@pytest.mark.parametrize(("old", "new", "rule", "where", "found"), BAD, ids=[f"{b[2]}-{b[3]}" for b in BAD])
def test_a_bad_case_is_one_finding(case_file: Path, old: str, new: str, rule: str, where: str, found: str) -> None:
    text = case_file.read_text()
    assert old in text
    case_file.write_text(text.replace(old, new, 1))
    findings = refused(case_file)
    separator = " " if where.startswith("line") else ", "
    assert [(f.rule, f.where, f.found) for f in findings] == [(rule, f"small.m{separator}{where}", found)]
    assert findings[0].remedy


def test_a_case_cut_off_anywhere_is_refused_or_whole(case_file: Path, tmp_path: Path) -> None:
    """Every cut before the last matrix that is needed is refused with findings; none gives another error."""
    text = case_file.read_text()
    needed = text.index("];\nmpc.gencost")
    for end in range(0, len(text), 29):
        file = tmp_path / "cut.m"
        file.write_text(text[:end])
        if end <= needed:
            assert refused(file)
        else:
            with contextlib.suppress(InputError):
                read_grid(file)


def test_a_case_cut_off_inside_a_matrix_says_where(case_file: Path) -> None:
    text = case_file.read_text()
    case_file.write_text(text[: text.index("\t2\t3\t0.00")])
    findings = refused(case_file)
    assert [(f.rule, f.where, f.found) for f in findings] == [
        ("matpower.section.unclosed", "small.m line 13, mpc.branch", "1 rows, the last in line 14")
    ]


def test_a_matrix_that_is_not_closed_does_not_swallow_the_next(case_file: Path) -> None:
    case_file.write_text(case_file.read_text().replace("0.9\n];", "0.9\n"))
    findings = refused(case_file)
    assert [(f.rule, f.where) for f in findings] == [("matpower.section.unclosed", "small.m line 5, mpc.bus")]


def test_other_content(tmp_path: Path) -> None:
    file = tmp_path / "x.m"
    file.write_text("hello\n")
    assert sorted(f.rule for f in refused(file)) == ["matpower.code", "matpower.format"]
    file.write_bytes(b"mpc.bus = [\xff];")
    assert [f.rule for f in refused(file)] == ["file.encoding"]
    file.write_text("")
    assert [f.rule for f in refused(file)] == ["file.empty"]


# Reference cases


@pytest.mark.parametrize(
    ("name", "buses", "branches", "generators"),
    [
        ("case5_pjm", 5, 6, 5),
        ("case118_ieee", 118, 186, 54),
        ("case500_goc", 500, 733, 224),
        ("case5_pjm__sad", 5, 6, 5),
    ],
)
def test_pglib_counts(reference_data: Path, name: str, buses: int, branches: int, generators: int) -> None:
    """Numbers of rows in the files, counted with a text editor's search for rows of each matrix."""
    file = reference_data / "pglib" / f"pglib_opf_{name}.m"
    grid = read_grid(file)
    assert (len(grid.buses), len(grid.branches), len(grid.generators)) == (buses, branches, generators)


def test_every_pglib_case_reads_and_keeps_its_totals(reference_data: Path, tmp_path: Path) -> None:
    """Load and capacity against sums over the raw columns, read by a split of the lines."""
    files = sorted((reference_data / "pglib").glob("*.m"))
    assert len(files) == 15
    for file in files:
        grid = read_grid(file)
        raw = file.read_text()
        bus, gen, branch = (_column_sums(raw, name) for name in ("bus", "gen", "branch"))
        assert grid.buses["load_mw"].sum() == pytest.approx(bus[2])
        assert grid.generators["p_max_mw"].sum() == pytest.approx(gen[8])
        assert grid.branches["x_pu"].sum() == pytest.approx(branch[3])
        assert grid.branches["rating_mw"].sum() == pytest.approx(branch[5])
        assert not [f for f in grid.findings if f.severity == "error"]


def _column_sums(text: str, name: str) -> np.ndarray:
    block = text.split(f"mpc.{name} = [")[1].split("];")[0]
    rows = [line.split("%")[0].replace(";", "").split() for line in block.splitlines()]
    return np.array([[float(v) for v in row] for row in rows if row]).sum(axis=0)


def test_candidate_circuits(reference_data: Path) -> None:
    """case3_tnep: three candidates of cost 1; the third is rated 0, which is unlimited. Bus 4 has no other branch."""
    grid = read_grid(reference_data / "tnep-powermodels" / "case3_tnep.m")
    circuits = grid.circuits
    assert circuits.index.tolist() == ["c1", "c2", "c3"]
    assert circuits[["from_bus", "to_bus"]].to_numpy().tolist() == [["2", "4"], ["4", "3"], ["4", "3"]]
    assert circuits["x_pu"].tolist() == [0.62, 0.75, 0.75]
    assert circuits["r_pu"].tolist() == [0.065, 0.025, 0.025]
    assert circuits["rating_mw"].tolist() == [9000, 50, math.inf]
    assert circuits["cost_musd"].tolist() == [1, 1, 1]
    assert circuits["max_count"].tolist() == [1, 1, 1]
    assert circuits["angle_max_deg"].tolist() == [30, 30, 30]
    assert grid.branches["rating_emergency_mw"].isna().all()
    assert grid.islands() == [frozenset({"2", "3"}), frozenset({"4"})]


def test_commented_rows_and_the_dc_line_of_case5(reference_data: Path) -> None:
    grid = read_grid(reference_data / "tnep-powermodels" / "case5_tnep.m")
    assert len(grid.branches) == 4  # two more rows are commented out
    assert grid.branches.loc["b3", ["tap", "shift_deg", "kind"]].tolist() == [1.05, 1.0, "transformer"]
    link = grid.hvdc.loc["d1", ["from_bus", "to_bus", "p_min_mw", "p_max_mw", "loss_mw", "loss_share"]]
    assert link.tolist() == ["3", "5", 10, 100, 1, 0.01]
    assert "matpower.dclinecost" in {f.rule for f in grid.findings}
    assert grid.circuits["rating_emergency_mw"].tolist() == [400, 426, 1]


def test_rts_gmlc(reference_data: Path, tmp_path: Path) -> None:
    """73 buses, 120 branches, 158 units, one DC link of +-100 MW; names and fuels from the file's cell arrays."""
    grid = read_grid(reference_data / "RTS-GMLC" / "MATPOWER" / "RTS_GMLC.m")
    assert (len(grid.buses), len(grid.branches), len(grid.generators), len(grid.hvdc)) == (73, 120, 158, 1)
    assert grid.buses.loc["101", "name"] == "ABEL"
    assert grid.generators.loc["g1", ["name", "carrier", "bus"]].tolist() == ["101_CT_1", "oil", "101"]
    first = cost_points(grid.generators.loc["g1", "cost_points"])
    assert first == [(8.0, 1085.77625), (12.0, 1477.23196), (16.0, 1869.51562), (20.0, 2298.06357)]
    assert (grid.generators.loc[grid.generators["carrier"] == "wind", "cost_points"] == "").all()
    assert grid.hvdc.loc["d1", ["from_bus", "to_bus", "p_min_mw", "p_max_mw"]].tolist() == ["113", "316", -100, 100]
    assert len(grid.islands()) == 1
    write_tables(grid, tmp_path / "rts")
    again = read_grid(tmp_path / "rts")
    assert again.generators.equals(grid.generators)
    assert again.branches.equals(grid.branches)


@pytest.mark.parametrize("name", ["case4_acdc", "case4_original", "case6_strg", "case6_test"])
def test_buses_that_only_unread_converters_reach_are_refused_by_name(reference_data: Path, name: str) -> None:
    """Their DC grids are not read, and said so; without them some buses with load or generation are isolated."""
    path = reference_data / "tnep-powermodelsacdc" / f"{name}.m"
    assert {f.rule for f in refused(path)} == {"grid.bus.isolated"}
    with pytest.raises(InputError) as error:
        read_grid(path)
    unread = [f.where.rsplit("mpc.", 1)[1] for f in error.value.findings if f.rule == "matpower.section.unread"]
    assert {"busdc_ne", "branchdc_ne", "convdc_ne"} <= set(unread)
