"""The verb `sensitivity`: the folder it writes, what it says, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.cli.outcome import ExitCode
from optimizer.plan.verify import verify_plan
from tests.solve.small import study_of

TEXT = """\
[grid]
source = "none"
[sites]
table = "sites.csv"
[solve]
gap = 0.0
[demand]
it_mw = { 2030 = 100 }
[[sensitivity.range]]
what = "demand"
low = 0.5
high = 1.5
[[sensitivity.range]]
what = "demand.it_mw.2030"
low = 90
high = 500
width = 25
"""
SITES = "site,block_mw,max_blocks,cost_musd_per_year_per_block\nx,50,2,1\ny <b>&,50,1,3\nz,50,4,7\n"
"""50 MW cost 1 M$ a year, 100 MW 2, 150 MW 5; more than 350 MW do not fit."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return study_of(tmp_path / "small", TEXT, {"sites": SITES}).folder


@pytest.fixture(scope="module")
def written(gridsite: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The folder of the study's analysis and what was printed, made once."""
    top = tmp_path_factory.mktemp("sensitivity")
    source = study_of(top / "small", TEXT, {"sites": SITES}).folder
    return top / "out", gridsite("sensitivity", source, "--out", top / "out", "--json", "--quiet")


def test_the_folder(written: tuple[Path, Any]) -> None:
    out, result = written
    assert result.exit_code == ExitCode.DONE
    answer = json.loads(result.stdout)
    assert (answer["objective_value"], answer["gap"], answer["unit"]) == (2.0, 0.0, "M$")
    assert (answer["n_plans"], answer["n_violations"]) == (4, 0)
    table = pd.read_csv(out / "tornado.csv", keep_default_na=False)
    assert table["what"].tolist() == ["demand.it_mw.2030"] * 2 + ["demand"] * 2
    assert table["change"].tolist() == ["0.0", "", "-1.0", "3.0"]
    assert table["status"].tolist() == ["optimal", "infeasible", "optimal", "optimal"]
    assert table["sites_added"].tolist() == ["", "", "", "y <b>&"]
    assert answer["tornado"][1]["change"] is None
    thresholds = pd.read_csv(out / "thresholds.csv")
    assert thresholds["what"].tolist() == ["demand.it_mw.2030", "demand"]
    assert (thresholds["value_above"] - thresholds["value_below"]).tolist() == [25, 0.0625]
    ranges = pd.read_csv(out / "ranges.csv").set_index("limit")
    assert ranges.loc["site size", ["element", "bound", "high"]].tolist() == ["x", 100, 200]
    plans = {path.name for path in (out / "plans").iterdir()}
    assert plans == {"own", "01-low", "01-high", "02-low"}
    for name in plans:
        assert [f for f in verify_plan(out / "plans" / name) if f.severity == "error"] == []
    page = (out / "sensitivity.html").read_text(encoding="utf-8")
    assert "y <b>&" not in page
    assert "y &lt;b&gt;&amp;" in page


@pytest.mark.slow
@pytest.mark.every(2)
def test_the_same_again(gridsite: Callable[..., Any], written: tuple[Path, Any], tmp_path: Path, folder: Path) -> None:
    result = gridsite("sensitivity", folder, "--out", tmp_path / "out", "--quiet")
    assert result.stdout.startswith("Small: 1 quantity of 2 can leave the study without a plan\n")
    for name in ("tornado.csv", "thresholds.csv", "ranges.csv", "sensitivity.html", "plans/own/tables/sites.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (written[0] / name).read_bytes()


def test_a_study_without_ranges_is_refused(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    source = study_of(tmp_path / "none", TEXT.partition("[[")[0], {"sites": SITES}).folder
    result = gridsite("sensitivity", source, "--out", tmp_path / "out", "--json", "--quiet")
    assert result.exit_code == ExitCode.REFUSED
    assert all(f["remedy"] for f in json.loads(result.stdout)["findings"])
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_left_alone(gridsite: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep", encoding="utf-8")
    assert gridsite("sensitivity", folder, "--out", tmp_path / "mine", "--quiet").exit_code == ExitCode.REFUSED
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_no_plan_is_said_to_be_infeasible(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    text = TEXT.replace("2030 = 100", "2030 = 500")
    source = study_of(tmp_path / "none", text, {"sites": SITES}).folder
    assert gridsite("sensitivity", source, "--out", tmp_path / "out", "--quiet").exit_code == ExitCode.INFEASIBLE
    assert not (tmp_path / "out").exists()
