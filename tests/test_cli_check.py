"""The verb `check` says before a solve what a solve would refuse without searching: same exit code, same reasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.solve.small import HEAD

STUDY = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
SITES = "site,block_mw,max_blocks,county,cost_musd_per_block\ns,10,10,A,10\nr,10,10,B,20\n"

BESIDE = '[report]\ncompare = ["dear"]\n[scenario.dear.limits]\nbudget_musd = { 2030 = 50 }\n'
"""A scenario beside the plan whose budget pays for half of 100 MW at 1 M$/MW."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write the study with more keys, or other ones, into the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites.csv").write_text(SITES, encoding="utf-8")

    def write(more: str = "", it_mw: float = 100) -> None:
        text = STUDY.replace("= 100", f"= {it_mw:g}")
        (tmp_path / "study.toml").write_text(HEAD + text + more, encoding="utf-8")

    return write


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("more", "it_mw", "rule"),
    [
        ("", 1000, "study.demand.beyond_sites"),
        ("[limits]\nbudget_musd = { 2030 = 50 }\n", 100, "study.demand.budget"),
        ("[limits]\nshare_per_county = 0.3\n", 100, "study.demand.county_share"),
    ],
)
def test_check_and_solve_refuse_the_same(gridsite, study, more: str, it_mw: float, rule: str) -> None:
    study(more, it_mw)
    checked, solved = gridsite("check", "study.toml", "--json"), gridsite("solve", "study.toml", "--out", "plan")
    assert (checked.exit_code, solved.exit_code) == (3, 3)
    answer = json.loads(checked.stdout)
    assert answer["status"] == "infeasible"
    assert [f["rule"] for f in answer["findings"] if f["severity"] == "error"] == [rule]
    assert f"[{rule}]" in solved.stderr


def test_the_reasons_are_shown_in_words(gridsite, study) -> None:
    """Both sites hold 200 MW."""
    study("", 1000)
    result = gridsite("check", "study.toml")
    assert result.stdout == ""
    assert "hold less than the target of 1000 MW together" in result.stderr
    assert "200.0 of 1,000.0 MW, 800.0 MW short" in result.stderr


def test_scenarios_beside_the_plan_are_checked_too(gridsite, study) -> None:
    study(BESIDE)
    result = gridsite("check", "study.toml", "--json")
    assert result.exit_code == 3
    (finding,) = [f for f in json.loads(result.stdout)["findings"] if f["severity"] == "error"]
    assert (finding["rule"], finding["where"]) == ("study.demand.budget", "scenario dear, period 2030")
    assert gridsite("solve", "study.toml", "--out", "plan").exit_code == 3


def test_what_can_be_solved_passes(gridsite, study) -> None:
    study(BESIDE.replace("= 50", "= 100"))
    assert gridsite("check", "study.toml").exit_code == 0
    assert gridsite("solve", "study.toml", "--out", "plan").exit_code == 0
