"""The verb `uncertainty`: the folder it writes, what it says, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import optimizer as gs
from optimizer.cli.outcome import ExitCode
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
[uncertainty]
risk_weight = 0.5
risk_level = 0.75
[[uncertainty.scenario]]
name = "low"
probability = 0.75
[[uncertainty.scenario]]
name = "high"
probability = 0.25
it_demand_factor = 2
"""
SITES = (
    "site,block_mw,max_blocks,fixed_cost_musd_per_year,cost_musd_per_year_per_block,county,lat,lon\n"
    "a,50,3,1,1,A <b>&,31,-98\nb,50,3,2,1,,30,-97\nc,50,4,4,1,,30,-96\n"
)
"""Two or four blocks: a and b cost 5 M$ or 7, c alone 6 or 8; a alone 3, not enough for four. So a and b: the mean is
5.5 M$, the worst quarter 7, half of each 6.25. Known: 3 or 7 (a and b), so 4 and 7, half of each 5.5, worth 0.75."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return study_of(tmp_path / "small", TEXT, {"sites": SITES}).folder


def test_the_folder(gridsite: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = gridsite("uncertainty", folder, "--out", out, "--json", "--quiet")
    assert result.exit_code == ExitCode.DONE
    answer = json.loads(result.stdout)
    assert answer["status"] == "optimal"
    figures = ("objective_musd", "bound_musd", "gap", "expected_cost_musd", "cvar_musd", "wait_and_see_musd")
    assert [answer[key] for key in figures] == pytest.approx([6.25, 6.25, 0.0, 5.5, 7.0, 5.5])
    assert answer["expected_value_of_perfect_information_musd"] == pytest.approx(0.75)
    # On average 125 MW: a alone for 4 M$, which does not hold 200.
    assert answer["value_of_stochastic_solution_musd"] is None
    assert [one["cost_musd"] for one in answer["scenarios"]] == [5.0, 7.0]
    for name in ("low", "high"):
        assert gridsite("verify", out / "scenarios" / name, "--quiet").exit_code == ExitCode.DONE
    regret = pd.read_csv(out / "regret.csv").set_index(["plan", "scenario"])
    assert regret.at[("mean-value plan", "high"), "holds"] == "no"
    assert regret.at[("stochastic plan", "low"), "regret_musd"] == 2.0
    assert pd.read_csv(out / "first_stage.csv").query("kind == 'site'")["name"].tolist() == ["a", "b"]
    costs = pd.read_csv(out / "costs.csv").groupby("scenario")["cost_musd"].sum()
    assert costs.to_dict() == {"low": 5.0, "high": 7.0}
    page = (out / "uncertainty.html").read_text(encoding="utf-8")
    assert "2\u00a0sites hold in all 2\u00a0scenarios, at an expected cost of 5.5\u00a0M$" in page
    assert "A <b>&" not in page
    again = gridsite("uncertainty", folder, "--out", tmp_path / "again", "--quiet")
    assert again.stdout.startswith("Small: 2 sites hold in all 2 scenarios, at an expected cost of 5.5 M$\n")
    written = ("regret.csv", "decisions.csv", "uncertainty.html", "scenarios/low/tables/sites.csv")
    assert all((tmp_path / "again" / n).read_bytes() == (out / n).read_bytes() for n in written)


@pytest.mark.slow
def test_no_site_is_an_answer(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    text = TEXT.replace("{ 2030 = 100 }", "{ 2030 = 100 }\npenalty_musd_per_mw_year = 0.001")
    source = study_of(tmp_path / "none", text, {"sites": SITES}).folder
    result = gridsite("uncertainty", source, "--out", tmp_path / "out", "--json", "--quiet")
    assert result.exit_code == ExitCode.DONE, result.stdout
    assert json.loads(result.stdout)["expected_cost_musd"] == pytest.approx(0.125)


def test_in_python(folder: Path) -> None:
    found = gs.solve_uncertain(gs.read_study(folder))
    assert found.objective_musd == pytest.approx(6.25)


def test_what_cannot_be_is_refused(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    plain = study_of(tmp_path / "plain", TEXT.partition("[uncertainty]")[0], {"sites": SITES}).folder
    result = gridsite("uncertainty", plain, "--out", tmp_path / "out", "--quiet")
    assert result.exit_code == ExitCode.REFUSED
    assert not (tmp_path / "out").exists()
    dark = study_of(tmp_path / "dark", TEXT.replace("factor = 2", "factor = 9"), {"sites": SITES}).folder
    result = gridsite("uncertainty", dark, "--out", tmp_path / "out", "--json", "--quiet")
    assert result.exit_code == ExitCode.INFEASIBLE
    assert json.loads(result.stdout)["findings"][0]["where"].startswith("scenario high")
