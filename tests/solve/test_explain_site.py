"""Why a site is in a plan or not, on studies whose costs are worked out on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from optimizer.errors import InputError
from optimizer.plan.plan import write_plan
from optimizer.solve.explain_site import why_site
from tests.solve.small import STAR, STAR_STUDY, checked_plan, study_of

SITES = {
    "sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\nx,50,2,1\ny,50,1,3\nz,50,4,7\n",
}
NO_GRID = (
    '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n[solve]\ngap = 0.0\n'
)
"""100 MW: two blocks of x, 2 M$ a year. Without x one of y and one of z, 10 M$. With y forced in, x and y, 4 M$."""


def test_a_chosen_site(tmp_path: Path) -> None:
    plan = checked_plan(study_of(tmp_path, NO_GRID, SITES))
    reasons = why_site(plan, "x")
    assert reasons.is_built
    assert reasons.difference_musd == pytest.approx(8.0)
    assert reasons.least_musd <= 8.0 + 1e-6
    assert reasons.most_musd >= 8.0 - 1e-6
    assert reasons.by_account_musd == {"sites": pytest.approx(8.0)}
    assert reasons.moved_mw == {"y": 50, "z": 50}
    assert reasons.substitute in {"y", "z"}


@pytest.mark.parametrize(("site", "more"), [("y", 2.0), ("z", 6.0)])
def test_a_site_that_costs_too_much(site: str, more: float, tmp_path: Path) -> None:
    reasons = why_site(checked_plan(study_of(tmp_path, NO_GRID, SITES)), site)
    assert not reasons.is_built
    assert reasons.difference_musd == pytest.approx(more)
    assert reasons.moved_mw == {"x": -50}
    assert reasons.substitute == "x"


def test_a_site_that_outages_keep_out(tmp_path: Path) -> None:
    """150 MW at b need two lines of 100 MW, of which one may fail: 50 MW too much on the other."""
    reasons = why_site(checked_plan(study_of(tmp_path, *STAR_STUDY)), "sb")
    assert reasons.difference_musd == float("inf")
    assert reasons.explanation is not None
    conflict, *ways = reasons.explanation.findings()
    assert "After the outage a branch carries no more than its emergency rating" in conflict.message
    assert "raise emergency ratings by 100 MW" in conflict.remedy
    assert ways


def test_the_verb(tmp_path: Path) -> None:
    folder = write_plan(checked_plan(study_of(tmp_path, NO_GRID, SITES)), tmp_path / "out")
    shown = CliRunner().invoke(app, ["why", str(folder), "y", "--quiet"])
    assert shown.exit_code == 0
    assert "y is not in the plan" in shown.stdout
    assert "costs +2 M$" in shown.stdout
    answer = json.loads(CliRunner().invoke(app, ["why", str(folder), "x", "--json", "--quiet"]).stdout)
    assert answer["is_built"]
    assert answer["difference_musd"] == pytest.approx(8.0)
    unknown = CliRunner().invoke(app, ["why", str(folder), "w", "--quiet"])
    assert unknown.exit_code == 2


def test_a_site_that_is_not_there(tmp_path: Path) -> None:
    plan = checked_plan(
        study_of(
            tmp_path,
            '[sites]\ntable = "sites.csv"\n' + STAR_STUDY[0].replace('[sites]\ntable = "sites.csv"\n', ""),
            STAR,
        )
    )
    with pytest.raises(InputError, match="no candidate and no refused place"):
        why_site(plan, "nowhere")
