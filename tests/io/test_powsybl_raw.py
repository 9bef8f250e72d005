"""PSS/E files: what each number means in versions 33, 34 and 35 and in RAWX, and what is wrong as a finding."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import Finding, InputError
from optimizer.grid.network import Grid
from optimizer.io.powsybl import read_powsybl
from optimizer.io.powsybl_raw_records import tokens
from optimizer.io.powsybl_source import import_pypowsybl

pp = import_pypowsybl()

BUSES = """1,'NORTH       ', 230.0,3,   1,   7,   1,1.02,  0.0,1.05,0.95,1.1,0.9
2,'SOUTH, 50% / B', 230.0,1,1,7,1,1.0,-3.0,1.05,0.95
3,'EAST',115.0,2,1,8,1
4,'TERTIARY',13.8,1,1,8
5,'CUT',230.0,4,1,8
6,'BAR 2',230.0,1,1,7
7,'DARK',230.0,1,1,7
8,'DARK TOO',230.0,1,1,7"""
LOADS = """2,'1 ',1,1,7,60.0,10.0,5.0,1.0,3.0,-2.0,1,1,0{0}
3,'1',1,1,8,40.0,5.0{1}
3,'2',0,1,8,999.0,0.0
5,'1',1,1,8,10.0
6,'1',1,1,7,7.0,1D0
7,'1',1,1,7,12.0"""
SHUNTS = "2,'1',1,2.0,5.0"
GENERATORS = """1,'1',70.0,10.0,50.0,-40.0,1.02,0,{0}100.0,0,1,0,0,1,1,100,150.0,10.0
3,'1',35.0,0.0,9999.0,-9999.0,1.0,0,{0}100.0
3,'2',20.0,0.0,9.0,-9.0,1.0,0,{0}100.0,0,1,0,0,1,0,100,30.0,0.0"""
BRANCHES = """1,2,'1',0.01,0.1,0.02,{0}100.0,120.0,140.0{1},0,0,0,0,1,1,12.5
1,2,'1',0.01,0.2,0.02,{0}0.0,0.0,0.0{1},0,0,0,0,1
1,2,'3',0.01,0.2,0.02,{0}0.0,0.0,0.0{1},0,0,0,0,0
2,6,'1',0.0,0.0,0.0,{0}0.0,0.0,0.0{1},0,0,0,0,1
1,5,'1',0.0,0.3,0.0,{0}0.0,0.0,0.0{1},0,0,0,0,1
7,8,'1',0.0,0.3,0.0,{0}0.0,0.0,0.0{1},0,0,0,0,1"""
TRANSFORMERS = """2,3,0,'1',1,1,1,0,0,2,'STEP DOWN',1,1,1
0.002,0.2,100.0
0.98,0.0,-5.0,90.0,95.0,0.0{0},1,3,{1}1.1,0.9,1.1,0.9,33,0,0,0,0
1.0,0.0
1,3,4,'1',1,1,1,0,0,2,'THREE',1,1,1
0.0,0.1,100.0,0.0,0.12,100.0,0.0,0.14,100.0,1.0,0.0
1.0,0.0,0.0,50.0,60.0,0.0{0},0,0,{1}1.1,0.9,1.1,0.9,33,0,0,0,0
1.05,0.0,30.0,40.0,0.0,0.0{0},0,0,{1}1.1,0.9,1.1,0.9,33,0,0,0,0
1.0,0.0,0.0,0.0,0.0,0.0{0},0,0,{1}1.1,0.9,1.1,0.9,33,0,0,0,0"""
LINK = """'DC 1',1,4.0,20.0,200.0,0,0,0,'I',0,20,1.0
1,1,90.0,10.0,0,1.0,230.0,1,1,1.5,0.51,0.00625,0,{0}0,0,'1',0
3,1,90.0,10.0,0,1.0,115.0,1,1,1.5,0.51,0.00625,0,{0}0,0,'1',0"""
SWITCHED = {33: "3,1,0,1,1.1,0.9,0,100,'',12.0,1,12.0", 35: "3,'1',1,0,1,1.1,0.9,0,0,100,'',12.0,1,1,12.0"}
STATIONS = """1,'RIVER',31.5,-97.25,0.1
1,'N1',1,1,1.0,0.0
2,'N2',6,1,1.0,0.0
0 / END OF SUBSTATION NODE DATA, BEGIN SUBSTATION SWITCHING DEVICE DATA
1,2,'1','BREAKER',2,1,1,0.0001
0 / END OF SUBSTATION SWITCHING DEVICE DATA, BEGIN SUBSTATION TERMINAL DATA
1,1,'M','1'
0 / END OF SUBSTATION TERMINAL DATA
2,'SOMEWHERE',0.0,0.0,0.1
1,'N1',3,1,1.0,0.0
0 / END OF SUBSTATION NODE DATA
0 / END OF SUBSTATION SWITCHING DEVICE DATA
0 / END OF SUBSTATION TERMINAL DATA"""


def small(version: int = 33, multiterminal: str = "") -> str:
    """One network in each version: the newer ones have twelve ratings, names of lines and nodes."""
    new = version > 33
    rates = "," + ",".join(["0.0"] * 9) if new else ""
    node = "0," if version == 35 else ""
    loads = LOADS.format("", "")
    branches = BRANCHES.format("'LINE'," if new else "", rates)
    sections = [("BUS", BUSES), ("LOAD", loads), ("FIXED SHUNT", SHUNTS), ("GENERATOR", GENERATORS.format(node))]
    sections += [("BRANCH", branches), *([("SYSTEM SWITCHING DEVICE", "")] if new else [])]
    sections += [("TRANSFORMER", TRANSFORMERS.format(rates, node)), ("AREA", "1,1,0.0,10.0,'AREA'")]
    sections += [("TWO-TERMINAL DC", LINK.format(node)), ("VSC DC LINE", ""), ("IMPEDANCE CORRECTION", "")]
    sections += [
        ("MULTI-TERMINAL DC", multiterminal),
        ("MULTI-SECTION LINE", ""),
        ("ZONE", ""),
        ("INTER-AREA TRANSFER", ""),
    ]
    sections += [("OWNER", ""), ("FACTS DEVICE", ""), ("SWITCHED SHUNT", SWITCHED[35 if version == 35 else 33])]
    sections += [("GNE", ""), ("INDUCTION MACHINE", ""), *([("SUBSTATION", STATIONS)] if new else [])]
    lines = [f"0,   100.00, {version},     0,     1, 60.00  / {version}", "A SMALL CASE", "1,2,3"]
    if new:
        lines += ["GENERAL, THRSHZ=0.0001", "0 / END OF SYSTEM-WIDE DATA, BEGIN BUS DATA"]
    for (name, text), following in zip(sections, [*(name for name, _ in sections[1:]), ""], strict=True):
        lines += [f"@! {name}"] if new else []
        lines += text.splitlines()
        lines.append(f"0 / END OF {name} DATA" + (f", BEGIN {following} DATA" if following else ""))
    return "\n".join([*lines, "Q", ""])


def read(text: str, folder: Path, name: str = "small.raw") -> Grid:
    (folder / name).write_text(text)
    return read_powsybl(folder / name)


def refused(text: str, folder: Path, name: str = "small.raw") -> dict[str, Finding]:
    with pytest.raises(InputError) as error:
        read(text, folder, name)
    assert len(str(error.value)) < 6000
    return {f.rule: f for f in error.value.findings if f.severity == "error"}


def test_small_case_by_hand(tmp_path: Path) -> None:
    """Bus 5 is isolated, 7 and 8 are dark, 6 is the same as 2; the star has legs 0.06, 0.04 and 0.08."""
    grid = read(small(), tmp_path)
    buses, branches, generators = grid.buses, grid.branches, grid.generators
    star = "T-1-3-4-1_star"
    assert buses.index.tolist() == ["1", "2", "3", "4", star]
    assert buses["base_kv"].tolist() == [230, 230, 115, 13.8, 1]
    # At 2: 60 MW, 5 of constant current, 3 of constant admittance, and 7 from bus 6. At 3: 40, the other is out.
    assert buses["load_mw"].tolist() == [0, 75, 40, 0, 0]
    assert buses["load_mvar"].tolist() == [0, 10 + 1 + 2 + 1, 5, 0, 0]
    assert buses["shunt_mw"].tolist() == [0, pytest.approx(2), 0, 0, 0]
    assert buses["shunt_mvar"].tolist() == [0, pytest.approx(5), pytest.approx(12), 0, 0]
    assert buses["zone"].tolist() == ["7", "7", "8", "8", ""]
    assert buses["type"].tolist() == [3, 1, 2, 1, 1]
    assert buses["v_max_pu"].tolist()[:3] == [1.05, 1.05, 1.1]
    assert buses["name"].tolist()[0] == "NORTH"
    assert branches.index.tolist() == [
        *("L-1-2-1", "L-1-2-1#2", "L-1-2-3", "T-2-3-1", "T-1-3-4-1:1", "T-1-3-4-1:2", "T-1-3-4-1:3")
    ]
    assert branches["from_bus"].tolist() == ["1", "1", "1", "2", "1", "3", "4"]
    assert branches["to_bus"].tolist() == ["2", "2", "2", "3", star, star, star]
    np.testing.assert_allclose(branches["x_pu"], [0.1, 0.2, 0.2, 0.2, 0.06, 0.04, 0.08], atol=1e-12)
    np.testing.assert_allclose(branches["tap"], [1, 1, 1, 0.98, 1, 1.05, 1], atol=1e-12)
    np.testing.assert_allclose(branches["shift_deg"], [0, 0, 0, -5, 0, 30, 0], atol=1e-12)
    inf, nan = np.inf, np.nan
    np.testing.assert_array_equal(branches["rating_mw"], [100, inf, inf, 90, 50, 40, inf])
    np.testing.assert_array_equal(branches["rating_emergency_mw"], [120, nan, nan, 95, 60, nan, nan])
    np.testing.assert_array_equal(branches["rating_short_term_mw"], [140, nan, nan, nan, nan, nan, nan])
    assert branches["in_service"].tolist() == [True, True, False, True, True, True, True]
    assert branches["kind"].tolist() == ["line"] * 3 + ["transformer"] * 4
    assert generators["bus"].tolist() == ["1", "3", "3"]
    assert generators["p_mw"].tolist() == [70, 35, 20]
    assert generators["p_max_mw"].tolist() == [150, 9999, 30]
    assert generators["p_min_mw"].tolist() == [10, 0, 0]
    np.testing.assert_array_equal(generators["q_max_mvar"], [50, nan, 9])
    assert generators["v_set_pu"].tolist()[:2] == [1.02, 1.0]
    assert generators["in_service"].tolist() == [True, True, False]
    link = grid.hvdc.iloc[0]
    assert (link["from_bus"], link["to_bus"], link["p_mw"]) == ("1", "3", 20)
    assert link["loss_mw"] == pytest.approx(4 * (20 / 200) ** 2)  # 4 ohm, 20 MW at 200 kV


def test_what_was_changed_is_said(tmp_path: Path) -> None:
    said = {f.rule.removeprefix("io.powsybl."): f for f in read(small(multiterminal="'M',4,4,4"), tmp_path).findings}
    assert said["raw.isolated"].found == "5"
    assert said["raw.duplicate"].found == "1 2 1"
    assert said["branch.merged"].found == "L-2-6-1"
    assert said["branch.open"].found == "L-1-2-3"
    assert said["branch.phase_shift"].found == "T-2-3-1, T-1-3-4-1:2"
    assert said["island.dead"].found == "7, 8"
    assert "12 MW of load" in said["island.dead"].message
    assert said["raw.load_model"].found == "2 1"
    assert said["load.out"].found == "B3-L2"
    assert said["raw.switched_shunt"].found == "3"
    assert said["regulating"].found == "T-2-3-1"
    assert said["raw.dc_limit"].found == "DC 1"
    assert said["star"].found == "T-1-3-4-1_star"
    assert said["raw.unread"].severity == "warning"
    assert said["generator.p_max"].found == said["generator.p_min"].found == "B3-G1"
    assert said["costs.missing"].severity == "warning"
    assert said["read"].message == "read 5 buses, 7 branches, 3 generators, 1 hvdc on 100 MVA"


@pytest.mark.parametrize("version", [34, 35])
def test_newer_versions_say_the_same(version: int, tmp_path: Path) -> None:
    old, new = read(small(33), tmp_path), read(small(version), tmp_path)
    placed = ["substation", "lat", "lon"]
    pd.testing.assert_frame_equal(new.buses.drop(columns=placed), old.buses.drop(columns=placed))
    for table in ("branches", "generators", "hvdc"):
        pd.testing.assert_frame_equal(getattr(new, table), getattr(old, table))
    assert new.buses.loc["1", placed].tolist() == ["RIVER", 31.5, -97.25]
    assert new.buses.loc["3", "substation"] == "SOMEWHERE"
    assert np.isnan(new.buses.loc["3", "lat"])


def test_switching_devices_connect(tmp_path: Path) -> None:
    device = "6,7,'S',0.0001,0,0,0,0,0,0,0,0,0,0,0,0,1,1,1,2,'BREAKER'"
    text = small(34).replace("BEGIN SYSTEM SWITCHING DEVICE DATA", f"BEGIN SYSTEM SWITCHING DEVICE DATA\n{device}")
    grid = read(text, tmp_path)
    assert grid.branches.loc["L-6-7-S", "x_pu"] == pytest.approx(1e-4)
    assert grid.branches.loc["L-6-7-S", "from_bus"] == "2"  # 6 is one with 2
    assert {"7", "8"} <= set(grid.buses.index)


def test_generation_within_loads_is_subtracted(tmp_path: Path) -> None:
    text = small(34).replace("3,'1',1,1,8,40.0,5.0\n", "3,'1',1,1,8,40.0,5.0,0,0,0,0,1,1,0,15.0,2.0,1\n")
    grid = read(text, tmp_path)
    assert grid.buses.loc["3", ["load_mw", "load_mvar"]].tolist() == [25, 3]


def test_the_tap_is_the_one_stated_not_the_nearest_step(tmp_path: Path) -> None:
    """33 steps from 0.9 to 1.1 are 0.00625 apart: 0.981253 is within 1e-5 of the step 0.98125."""
    grid = read(small().replace("\n0.98,0.0,-5.0,", "\n0.981253,0.0,0.0,"), tmp_path)
    assert grid.branches.loc["T-2-3-1", "tap"] == pytest.approx(0.981253, abs=1e-12)


def test_a_transformer_without_reactance(tmp_path: Path) -> None:
    grid = read(small().replace("\n0.002,0.2,100.0", "\n0.002,0.0,100.0"), tmp_path)
    assert grid.branches.loc["T-2-3-1", "x_pu"] == 1e-4
    said = {f.rule: f for f in grid.findings}
    assert said["io.powsybl.branch.no_reactance"].found == "T-2-3-1"


def test_a_negative_reactance_is_used(tmp_path: Path) -> None:
    grid = read(small().replace("1,2,'1',0.01,0.2,", "1,2,'1',0.01,-0.2,"), tmp_path)
    assert grid.branches.loc["L-1-2-1#2", "x_pu"] == pytest.approx(-0.2)
    assert "io.powsybl.branch.negative_reactance" in {f.rule for f in grid.findings}


def test_the_base_scales_impedances_only(tmp_path: Path) -> None:
    grid = read(small().replace("0,   100.00, 33", "0, 50.0, 33"), tmp_path)
    assert grid.base_mva == 50
    np.testing.assert_allclose(grid.branches["x_pu"], 2 * read(small(), tmp_path).branches["x_pu"], rtol=1e-12)
    assert grid.branches["b_pu"].iloc[0] == 0.01


@pytest.mark.parametrize("version", [30, 32, 36])
def test_another_version(version: int, tmp_path: Path) -> None:
    found = refused(small().replace(", 33,", f", {version},"), tmp_path)
    assert list(found) == ["io.powsybl.version"]
    assert found["io.powsybl.version"].found == f"version {version}"
    assert "33, 34 or 35" in found["io.powsybl.version"].remedy


@pytest.mark.parametrize(
    ("old", "new", "rule", "said"),
    [
        ("0.01,0.1,0.02", "0.01,x,0.02", "io.powsybl.raw.value", "small.raw line 26 (branch data), X"),
        ("0.01,0.1,0.02", "0.01,,0.02", "io.powsybl.raw.value", "small.raw line 26 (branch data), X"),
        ("0.01,0.1,0.02", "0.01,nan,0.02", "io.powsybl.raw.value", "'nan'"),
        ("3,'EAST'", "3.5,'EAST'", "io.powsybl.raw.value", "whole number"),
        ("3,'EAST'", "1,'EAST'", "io.powsybl.raw.bus_twice", "the bus is given twice"),
        ("1,2,'3'", "1,99,'3'", "io.powsybl.raw.bus", "99"),
        ("0 / END OF GENERATOR DATA, BEGIN BRANCH DATA\n", "", "io.powsybl.raw.section", "BEGIN"),
        ("0,   100.00, 33", "0, -1, 33", "io.powsybl.raw.base", "-1"),
        ("0,   100.00, 33", "PSS/E case", "io.powsybl.raw.header", "line 1"),
        ("'STEP DOWN',1,1,1\n0.002", "'STEP DOWN',1,1,1\nQ\n0.002", "io.powsybl.raw.record", "needs 4 lines"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, rule: str, said: str, tmp_path: Path) -> None:
    text = small()
    assert old in text
    found = refused(text.replace(old, new, 1), tmp_path)
    assert rule in found
    if said != "BEGIN":
        assert said in str(found[rule])


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    text = small()
    found = refused(text[: text.index("0 / END OF BRANCH DATA")], tmp_path)
    assert found["io.powsybl.raw.truncated"].message == "the file ends in its branch data"


def test_reasons_of_the_importer_are_told(tmp_path: Path) -> None:
    """Bus numbers end at 999997."""
    text = re.sub(r"^4,'TERTIARY'", "4000000,'TERTIARY'", small(), flags=re.MULTILINE)
    found = refused(text.replace("1,3,4,'1'", "1,3,4000000,'1'"), tmp_path)
    assert "4000000" in found["io.powsybl.reason"].found


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "latin.raw").write_bytes(small().replace("NORTH", "Süd").encode("latin-1"))
    grid = read_powsybl(tmp_path / "latin.raw")
    assert grid.buses.loc["1", "name"] == "Süd"
    assert "io.powsybl.encoding" in {f.rule for f in grid.findings}


def test_cells_of_a_line() -> None:
    assert tokens("1,'A, B/C ',3.0,,4 / comment, more") == ["1", "A, B/C", "3.0", "", "4"]
    assert tokens("1 2 'x y'  4") == ["1", "2", "x y", "4"]
    assert tokens(",1") == ["", "1"]
    assert tokens("0 / END") == ["0"]


def rawx() -> str:
    """A few of the records in RAWX, with the columns in another order than RAW has."""
    wdg = [f"{c}{w}" for w in (1, 2) for c in ("windv", "nomv", "ang")]
    tables = {
        "caseid": {"fields": ["ic", "sbase", "rev", "basfrq"], "data": [0, 100.0, 35, 60.0]},
        "bus": {
            "fields": ["ibus", "name", "baskv", "ide", "zone"],
            "data": [[1, "NORTH", 230.0, 3, 7], [2, "SOUTH", 230.0, 1, 7], [3, "EAST", 115.0, 1, 8]],
        },
        "load": {
            "fields": ["ibus", "loadid", "stat", "pl", "ql"],
            "data": [[2, "1", 1, 60.0, 10.0], [3, "1", 0, 9, 0]],
        },
        "generator": {"fields": ["ibus", "machid", "pg", "pt", "pb", "stat"], "data": [[1, "1", 70.0, 150.0, 10.0, 1]]},
        "acline": {
            "fields": ["ibus", "jbus", "ckt", "rpu", "xpu", "bpu", "rate1", "rate2", "stat"],
            "data": [[1, 2, "1", 0.01, 0.1, 0.02, 100.0, 120.0, 1], [1, 2, "2", 0.01, 0.1, 0.02, None, None, 0]],
        },
        "transformer": {
            "fields": ["ibus", "jbus", "kbus", "ckt", "stat", "x1_2", *wdg, "wdg1rate1", "wdg1rate2"],
            "data": [[2, 3, 0, "1", 1, 0.2, 0.98, 0.0, -5.0, 1.0, 0.0, 0.0, 90.0, 95.0]],
        },
        "swshunt": {"fields": ["ibus", "shntid", "stat", "binit"], "data": [[3, "1", 1, 12.0]]},
    }
    return json.dumps({"general": {"version": "1.0"}, "network": tables})


def test_rawx_by_hand(tmp_path: Path) -> None:
    grid = read(rawx(), tmp_path, "small.rawx")
    assert grid.buses["load_mw"].tolist() == [0, 60, 0]
    assert grid.buses["shunt_mvar"].tolist() == [0, 0, pytest.approx(12)]
    assert grid.buses["zone"].tolist() == ["7", "7", "8"]
    assert grid.branches.index.tolist() == ["L-1-2-1", "L-1-2-2", "T-2-3-1"]
    assert grid.branches["in_service"].tolist() == [True, False, True]
    np.testing.assert_allclose(grid.branches["x_pu"], [0.1, 0.1, 0.2])
    np.testing.assert_allclose(grid.branches["tap"], [1, 1, 0.98])
    np.testing.assert_allclose(grid.branches["shift_deg"], [0, 0, -5])
    np.testing.assert_array_equal(grid.branches["rating_emergency_mw"], [120, np.nan, 95])
    assert grid.generators["p_max_mw"].tolist() == [150]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("35, 60.0", "33, 60.0", "io.powsybl.version"),
        ('"network"', '"net"', "io.powsybl.rawx.network"),
        ("0.01, 0.1", '0.01, "a"', "io.powsybl.raw.value"),
        ('"xpu"', '"xohm"', "io.powsybl.rawx.columns"),
        ("}}", "}", "io.powsybl.rawx.json"),
    ],
)
def test_rawx_that_is_wrong(old: str, new: str, rule: str, tmp_path: Path) -> None:
    text = rawx()
    assert old in text
    assert rule in refused(text.replace(old, new, 1), tmp_path, "small.rawx")
