"""`gridsite headroom`: files, what they hold, and every way it can be asked wrongly."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest

from optimizer.solve.headroom.buses import COLUMNS

FILES = {"headroom.csv", "headroom.gpkg", "headroom.html", "findings.json", "headroom.json"}

TABLES = {
    "buses": "bus,base_kv,load_mw,lat,lon,substation,zone,name\n"
    "a,230,0,30,-97,s1,z,Alpha\nb,138,0,30.5,-97.5,s2,z,<b>Beta</b>\nc,69,0,31,-97,s3,z,Gamma\n",
    "branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,length_km\n"
    + "".join(f"{name},a,{name[0]},0.1,100,100,10\n" for name in ("b1", "b2", "c1", "c2", "c3")),
    "generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
}


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tables, with the folder above it as the current one."""
    folder = tmp_path / "star"
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return folder


def refused(result: Any, rule: str, folder: Path) -> None:
    assert result.exit_code == 2
    assert f"[{rule}]" in result.stderr
    assert "Traceback" not in result.output
    assert not (folder / "out").exists()


def test_writes_every_file(gridsite, grid: Path) -> None:
    """138 kV and above by default 100: a and b, by each mode; b has one line of 100 MW after an outage."""
    result = gridsite("headroom", grid, "--quiet")
    assert result.exit_code == 0, result.output
    folder = grid.parent / "out" / "star-headroom"
    assert {p.name for p in folder.iterdir()} == FILES
    table = pd.read_csv(folder / "headroom.csv", keep_default_na=False)
    assert list(table.columns) == list(COLUMNS)
    assert list(zip(table["mode"], table["bus"], table["headroom_mw"], strict=True)) == [
        ("redispatch", "a", 900.0),
        ("redispatch", "b", 100.0),
        ("distributed", "a", 900.0),
        ("distributed", "b", 100.0),
    ]
    layer = gpd.read_file(folder / "headroom.gpkg", layer="headroom")
    assert layer.crs.to_epsg() == 4326
    assert (layer.geometry.x.tolist(), layer.geometry.y.tolist()) == ([-97.0, -97.5] * 2, [30.0, 30.5] * 2)
    limits = gpd.read_file(folder / "headroom.gpkg", layer="limits")
    assert set(limits["branch"]) <= {"b1", "b2"}
    summary = json.loads((folder / "headroom.json").read_text())
    assert summary["counts"]["buses_looked_at"] == 2
    assert summary["settings"]["participation"] == "p_max x availability"
    assert {"highspy", "numpy"} <= set(summary["versions"])
    assert all(re.fullmatch("[0-9a-f]{64}", f["sha256"]) for f in summary["inputs"])


def test_the_headroom_of_a_bus_in_ac(gridsite, grid: Path) -> None:
    """100 MW and 100 tan(acos 0.95) = 32.87 Mvar at b, over lines of 0.1 pu from a bus held at 1 pu.

    With X the reactance to b, V^2 = 1/2 - Q X + sqrt(1/4 - Q X - (P X)^2): of one line 0.92225, V = 0.96034, a current
    of 1.05263 / 0.96034 = 1.0961 pu, and so 109.6 MVA leave a on a line rated 100 MVA, whichever of the two is out.
    """
    result = gridsite("headroom", grid, "--quiet", "--mode", "redispatch", "--ac-bus", "b")
    assert result.exit_code == 0, result.output
    folder = grid.parent / "out" / "star-headroom"
    findings = json.loads((folder / "findings.json").read_text())
    assert "2 branches above their rating" in next(f["found"] for f in findings if f["rule"] == "headroom.ac.limits")
    table = pd.read_csv(folder / "ac.csv", keep_default_na=False)
    row = table.iloc[0]
    assert len(table) == 1
    assert (row["bus"], row["mode"], row["headroom_mw"], row["power_factor"]) == ("b", "redispatch", 100.0, 0.95)
    assert row["converged"] == row["converged_before"] == True  # noqa: E712 - text of a CSV either way
    assert (row["voltage_low"], row["voltage_high"], row["loading"], row["outages_not_solved"]) == (0, 0, 2, 0)
    assert float(row["worst_loading"]) == pytest.approx(1.0961, abs=2e-4)


def test_a_bus_to_check_in_ac_must_be_one_of_the_answer(gridsite, grid: Path) -> None:
    refused(gridsite("headroom", grid, "--ac-bus", "c"), "headroom.ac.bus", grid.parent)
    refused(gridsite("headroom", grid, "--ac", "-1"), "headroom.ac.count", grid.parent)


def test_the_page_needs_nothing_and_shows_text_as_text(gridsite, grid: Path) -> None:
    assert gridsite("headroom", grid, "--quiet").exit_code == 0
    page = (grid.parent / "out" / "star-headroom" / "headroom.html").read_text(encoding="utf-8")
    assert "<b>Beta</b>" not in page
    assert "&lt;b&gt;Beta&lt;/b&gt;" in page
    assert "default-src 'none'" in page
    assert "MW or more" in page


def test_twice_the_same(gridsite, grid: Path) -> None:
    for name in ("one", "two"):
        assert gridsite("headroom", grid, "--out", name, "--quiet").exit_code == 0
    for name in FILES - {"headroom.json"}:
        assert (grid.parent / "one" / name).read_bytes() == (grid.parent / "two" / name).read_bytes(), name


def test_json_and_settings(gridsite, grid: Path) -> None:
    options = ["--mode", "redispatch", "--min-kv", "60", "--non-firm-share", "0.5", "--json", "--quiet"]
    result = gridsite("headroom", grid, *options)
    answer = json.loads(result.stdout)
    assert answer["status"] == "done"
    assert [(row["bus"], row["headroom_mw"]) for row in answer["top"]] == [("a", 900), ("c", 200), ("b", 100)]
    assert [row["headroom_non_firm_mw"] for row in answer["top"]] == [900, 300, 200]


def test_a_study(gridsite, grid: Path) -> None:
    """Its snapshots and security count: 60 MW at b in the study's peak, one of two lines left."""
    buses = TABLES["buses"].replace("b,138,0", "b,138,60")
    (grid / "buses.csv").write_text(buses, encoding="utf-8")
    text = '[study]\nname = "S"\n[grid]\nsource = "star"\n[[grid.snapshot]]\nname = "peak"\nhours = 8760\n'
    (grid.parent / "study.toml").write_text(text, encoding="utf-8")
    result = gridsite("headroom", grid.parent / "study.toml", "--out", "of-study", "--json", "--quiet")
    assert result.exit_code == 0, result.output
    rows = {row["bus"]: row for row in json.loads(result.stdout)["top"]}
    assert (rows["b"]["headroom_mw"], rows["b"]["snapshot"]) == (40, "peak")


def test_without_coordinates_there_is_a_table_and_no_map(gridsite, grid: Path) -> None:
    buses = "bus,base_kv\na,230\nb,138\nc,138\n"
    (grid / "buses.csv").write_text(buses, encoding="utf-8")
    assert gridsite("headroom", grid, "--quiet").exit_code == 0
    page = (grid.parent / "out" / "star-headroom" / "headroom.html").read_text(encoding="utf-8")
    assert "No bus has coordinates" in page


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (["--min-kv", "800"], "headroom.min_kv"),
        (["--non-firm-share", "1.2"], "headroom.share"),
        (["--non-firm-share", "-0.1"], "headroom.share"),
        (["--mode", "best"], "command.choice"),
        (["--dispatch", "mine"], "command.choice"),
        (["--dispatch", "given"], "headroom.no_output"),
        (["--base-overloads", "ignore"], "command.choice"),
        (["--snapshot", "noon"], "headroom.snapshot"),
        (["--cutoff", "1"], "headroom.cutoff"),
    ],
)
def test_bad_options(gridsite, grid: Path, options: list[str], rule: str) -> None:
    refused(gridsite("headroom", grid, *options, "--quiet"), rule, grid.parent)


def test_no_such_grid(gridsite, grid: Path) -> None:
    refused(gridsite("headroom", "nowhere", "--quiet"), "headroom.source", grid.parent)


def test_no_generators(gridsite, grid: Path) -> None:
    (grid / "generators.csv").write_text("generator,bus,p_max_mw,in_service\ng,a,900,0\n", encoding="utf-8")
    refused(gridsite("headroom", grid, "--quiet"), "grid.generators.none", grid.parent)


def test_an_infeasible_system(gridsite, grid: Path) -> None:
    (grid / "buses.csv").write_text(TABLES["buses"].replace("a,230,0", "a,230,5000"), encoding="utf-8")
    refused(gridsite("headroom", grid, "--quiet"), "solve.existing_load", grid.parent)


def test_an_overloaded_system(gridsite, grid: Path) -> None:
    (grid / "buses.csv").write_text(TABLES["buses"].replace("b,138,0", "b,138,120"), encoding="utf-8")
    refused(gridsite("headroom", grid, "--quiet"), "security.base_overload", grid.parent)
    result = gridsite("headroom", grid, "--base-overloads", "allow", "--json", "--quiet")
    assert result.exit_code == 0
    overloads = json.loads(result.stdout)["base_overloads"]
    assert {(o["branch"], o["contingency"]) for o in overloads} == {("b1", "b2"), ("b2", "b1")}


def test_a_folder_of_something_else_is_left_alone(gridsite, grid: Path) -> None:
    folder = grid.parent / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", encoding="utf-8")
    result = gridsite("headroom", grid, "--out", folder, "--quiet")
    assert result.exit_code == 2
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]


def test_an_area_alone(gridsite, grid: Path) -> None:
    """One hop around b is a and b: c carries no load, so what fits at b is what fits there in the whole network."""
    result = gridsite("headroom", grid, "--quiet", "--mode", "redispatch", "--area", "b:1", "--min-kv", "138")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(grid.parent / "out" / "star-headroom" / "headroom.csv", dtype={"bus": str})
    assert list(zip(table["bus"], table["headroom_mw"], strict=True)) == [("a", 900.0), ("b", 100.0)]
    assert "[grid.area.cut]" in result.output


def test_an_area_that_is_none(gridsite, grid: Path) -> None:
    refused(gridsite("headroom", grid, "--area", "b"), "grid.area.text", grid.parent)
    refused(gridsite("headroom", grid, "--area", "nowhere:1"), "grid.area.centre", grid.parent)
