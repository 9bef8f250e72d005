"""One edit to a good study, and what is said about it: file, row or field, value, remedy, on one screen.

Every case is refused by `check` and by `solve` alike with exit code 2, without a traceback, and nothing is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Polygon
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from tests.badinput.edits import Case, both, circuit, gone, layer, text
from tests.badinput.grid_cases import GRID
from tests.badinput.place_cases import PARK, PLACES
from tests.badinput.study_cases import STUDY

SCREEN_LINES = 30

BOW_TIE = Polygon([(-99.4, 31.7), (-99.3, 31.8), (-99.3, 31.7), (-99.4, 31.8)])

CASES = {**STUDY, **GRID, **PLACES}


@pytest.fixture
def gridsite(good_study: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a verb on the study, from the folder above it."""
    monkeypatch.chdir(good_study.parent)
    runner = CliRunner()
    return lambda verb, *options: runner.invoke(app, [verb, "ring/study.toml", "--quiet", *options])


def test_the_good_study_is_good(gridsite, good_study: Path) -> None:
    result = gridsite("check", "--json")
    findings = json.loads(result.stdout)["findings"]
    assert [f for f in findings if f["severity"] == "error"] == []
    assert result.exit_code == 0, result.stderr


@pytest.mark.every(3)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_refused_on_one_screen(gridsite, good_study: Path, case: Case) -> None:
    case.edit(good_study)
    before = sorted(good_study.parent.rglob("*"))
    result = gridsite("solve", "--out", "plan")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert 1 <= len(lines) <= SCREEN_LINES
    assert "Traceback" not in result.stderr
    mine = [line for line in lines if f"[{case.rule}]" in line]
    assert mine, result.stderr
    line = next((line for line in mine if case.found in line and all(part in line for part in case.where)), None)
    assert line is not None, result.stderr
    assert "; " in line, "no remedy"
    assert str(good_study.parent) not in result.stderr, "paths are the user's own, not the machine's"
    assert sorted(good_study.parent.rglob("*")) == before, "nothing is written"


@pytest.mark.every(3)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_check_lists_the_same_in_json(gridsite, good_study: Path, case: Case) -> None:
    case.edit(good_study)
    result = gridsite("check", "--json")
    assert result.exit_code == 2, result.output
    answer = json.loads(result.stdout)
    assert answer["status"] == "refused"
    assert answer["files"] == []
    mine = [f for f in answer["findings"] if f["rule"] == case.rule]
    assert mine
    assert all(f["severity"] == "error" and f["remedy"] and f["message"] for f in mine)
    assert "Traceback" not in result.stderr


SNAPSHOT = 'source = "grid"\nsnapshot = [{ name = "all", hours = 8670 }]\n'


@pytest.mark.parametrize(
    ("edit", "hours"),
    [
        (text("grid/snapshots.csv", "light,8000", "light,800"), "1560 h"),
        (both(text("study.toml", 'source = "grid"\n', SNAPSHOT), gone("grid/load_factors.csv")), "8670 h"),
    ],
)
def test_hours_of_another_span_than_a_year_are_said_and_not_refused(
    gridsite, good_study: Path, edit: Callable[[Path], None], hours: str
) -> None:
    edit(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[study.snapshot.hours]" in line)
    assert line.startswith("warning: ")
    assert hours in line


def test_a_circuit_too_late_for_the_study_is_said_and_not_refused(gridsite, good_study: Path) -> None:
    circuit("c1,n1,n2,0.1,100,5,1,2031")(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[study.circuits.late]" in line)
    assert line.startswith("warning: ")
    assert "2030" in line
    assert "2031" in line


def test_a_polygon_that_crosses_itself_is_repaired_and_said(gridsite, good_study: Path) -> None:
    layer(gpd.GeoDataFrame(geometry=[PARK, BOW_TIE], crs="EPSG:4326"))(good_study)
    result = gridsite("check")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in result.stdout.splitlines() if "[vector.invalid_geometry]" in line)
    assert line.startswith("warning: parks.gpkg layer parks, feature 2")


def test_several_problems_in_several_files_come_together(gridsite, good_study: Path) -> None:
    for case in ("negative rating", "duplicate id", "negative blocks", "layer without CRS"):
        CASES[case].edit(good_study)
    found = {f["rule"] for f in json.loads(gridsite("check", "--json").stdout)["findings"]}
    assert {"table.value.out_of_range", "table.id.duplicate", "vector.no_crs"} <= found


def test_hundreds_of_problems_still_fit_on_a_screen(gridsite, good_study: Path) -> None:
    rows = "".join(f"x{i},n1,n2,0,-1,-1,1\n" for i in range(500))
    with (good_study / "grid" / "branches.csv").open("a", encoding="utf-8") as file:
        file.write(rows)
    result = gridsite("check")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert "more" in lines[-1]


def test_an_impossible_target_leaves_the_reasons_and_nothing_else(gridsite, good_study: Path) -> None:
    # Three sites of at most 4 blocks of 50 MW hold 600 MW of IT.
    text("study.toml", "2030 = 200", "2030 = 5000")(good_study)
    text("study.toml", "share_per_county = 0.8\n", "")(good_study)
    result = gridsite("solve", "--out", "plan")
    assert result.exit_code == 3, result.output
    assert "Traceback" not in result.stderr
    written = good_study.parent / "plan"
    assert sorted(path.name for path in written.iterdir()) == ["findings.json", "plan.json"]
    summary = json.loads((written / "plan.json").read_text(encoding="utf-8"))
    assert summary["status"] == "infeasible"
    findings = json.loads((written / "findings.json").read_text(encoding="utf-8"))
    said = " ".join(f"{f['message']} {f['found']} {f['remedy']} {f['value']} {f['limit']}" for f in findings)
    assert "5000" in said.replace(",", "")
    assert "2030" in said or any("2030" in f["where"] for f in findings)
