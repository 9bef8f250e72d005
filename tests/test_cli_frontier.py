"""The verb `frontier`: the folder it writes, what it says, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.cli.outcome import ExitCode
from optimizer.plan.verify import verify_plan
from tests.solve.small import HEAD, study_of

TEXT = """\
[grid]
source = "none"
[sites]
table = "sites.csv"
[solve]
gap = 0.0
[demand]
it_mw = { 2030 = 100 }
penalty_musd_per_mw_year = 0.01
"""
SITES = (
    "site,block_mw,max_blocks,cost_musd_per_year_per_block,county,lat,lon\n"
    "a,50,1,1,A <b>&,31,-98\nb,50,1,2,,30,-97\nc,50,1,2.5,,30,-96\n"
)
"""a and b hold the target for 3 M$, a alone half of it for 1.5; nothing at all costs 1. With c, 3.5 or 4.5 M$."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return study_of(tmp_path / "small", TEXT, {"sites": SITES}).folder


def test_frontier_of_cost_and_delay(gridsite: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = gridsite("frontier", folder, "--objectives", "delay,cost", "--out", out, "--json", "--quiet")
    assert result.exit_code == ExitCode.DONE
    answer = json.loads(result.stdout)
    assert (answer["objectives"], answer["exact"], answer["complete"]) == (["cost", "delay"], True, True)
    table = pd.read_csv(out / "frontier.csv", dtype={"plan": str})
    assert table["cost_musd"].tolist() == [1.0, 1.5, 3.0]
    assert table["delay_mw_years"].tolist() == [100.0, 50.0, 0.0]
    assert table["bound_cost_musd"].tolist() == [1.0, 1.5, 3.0]
    assert table["n_violations"].tolist() == [0, 0, 0]
    assert pd.read_csv(out / "sites.csv")["site"].tolist() == ["a", "b"]
    for number in table["plan"]:
        assert [f for f in verify_plan(out / "plans" / number) if f.severity == "error"] == []
    again = gridsite("frontier", folder, "--objectives", "cost,delay", "--out", tmp_path / "again", "--quiet")
    assert again.stdout.startswith("Small: All 3 efficient plans between cost and delay\n")
    for name in ("frontier.csv", "sites.csv", "frontier.html", "plans/02/tables/sites.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_the_best_plans(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    """All must be served: a b for 3 M$, a c for 3.5, b c for 4.5. Common cost is 2 M$, so D is 1 and 60 % are 0.6."""
    source = study_of(tmp_path / "must", TEXT.replace("penalty_musd_per_mw_year = 0.01", ""), {"sites": SITES}).folder
    result = gridsite("frontier", source, "--best", 5, "--within", 0.6, "--out", tmp_path / "out", "--json", "--quiet")
    answer = json.loads(result.stdout)
    assert [p["cost_musd"] for p in answer["plans"]] == [3.0, 3.5]
    assert (answer["complete"], answer["sites_in_all"], answer["limit_musd"]) == (True, ["a"], pytest.approx(3.6))
    assert [p["n_sites_not_in_first"] for p in answer["plans"]] == [0, 1]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--objectives", "cost,delay", "--best", "2"],
        ["--best", "2", "--points", "3"],
        ["--objectives", "cost,profit"],
        ["--objectives", "cost,carbon"],
        ["--best", "2", "--differ-sites", "0"],
        ["--best", "2", "--differ-mw", "inf"],
        ["--best", "2", "--within", "inf"],
        ["--objectives", "cost,delay", "--within", "0.1"],
        ["--objectives", "cost,delay", "--differ-sites", "2"],
        ["--objectives", "cost,delay", "--differ-mw", "50"],
    ],
)
def test_what_is_unclear_is_refused(
    gridsite: Callable[..., Any], folder: Path, tmp_path: Path, arguments: list[str]
) -> None:
    result = gridsite("frontier", folder, *arguments, "--out", tmp_path / "out", "--json", "--quiet")
    assert result.exit_code == ExitCode.REFUSED
    assert all(f["remedy"] for f in json.loads(result.stdout)["findings"])
    assert not (tmp_path / "out").exists()


def test_no_plan_is_said_to_be_infeasible(gridsite: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    text = TEXT.replace("penalty_musd_per_mw_year = 0.01", "").replace("100", "500")
    source = study_of(tmp_path / "none", text, {"sites": SITES}, HEAD).folder
    assert gridsite("frontier", source, "--best", 2, "--quiet").exit_code == ExitCode.INFEASIBLE
