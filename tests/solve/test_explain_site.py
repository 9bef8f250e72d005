"""Why a site is in a plan or not, on studies whose costs are worked out on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from optimizer.errors import InputError
from optimizer.plan.plan import write_plan
from optimizer.solve.explain_limits import COST, NORMAL
from optimizer.solve.explain_site import why_site
from tests.solve.small import MUSD_PER_USD_PER_H, STAR_STUDY, checked_plan, study_of

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
    assert "the plan costs +2 M$" in shown.stdout
    assert "pay 2 M$ more" in shown.stdout
    answer = json.loads(CliRunner().invoke(app, ["why", str(folder), "x", "--json", "--quiet"]).stdout)
    assert answer["is_built"]
    assert answer["difference_musd"] == pytest.approx(8.0)
    unknown = CliRunner().invoke(app, ["why", str(folder), "w", "--quiet"])
    assert unknown.exit_code == 2


DEAR_AT_B = {
    "grid/buses": "bus,base_kv\na,138\nb,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,500,10\ngb,b,500,50\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsa,a,100,1,2\nsb,b,100,1,0\n",
}
TWO_SITES = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 100 }
[security]
contingencies = []
"""


def test_the_least_change_that_admits_a_site(tmp_path: Path) -> None:
    """100 MW: at a 2 M$ and 100 x 10 $/h; at b no cost of the site, 60 MW over the line and 40 from there at 50 $/MWh.

    Forced in, sb costs 40 x 40 $/h a year more and saves 2 M$. It costs no more once 40 x 8,760 / 1e6 M$ a MW of line
    are saved for all but the 2 M$.
    """
    plan = checked_plan(study_of(tmp_path, TWO_SITES, DEAR_AT_B))
    reasons = why_site(plan, "sb")
    per_mw = 40 * MUSD_PER_USD_PER_H
    assert reasons.difference_musd == pytest.approx(40 * per_mw - 2)
    assert reasons.by_account_musd == pytest.approx({"generation": 40 * per_mw, "sites": -2.0})
    assert reasons.substitute == "sa"
    assert reasons.explanation is not None
    ways = {way.rules: sum(way.amounts.values()) for way in reasons.explanation.ways_out}
    assert ways[NORMAL,] == pytest.approx(40 - 2 / per_mw, rel=1e-3)
    assert ways[COST,] == pytest.approx(40 * per_mw - 2, rel=1e-3)
    (binds,) = reasons.to_dict()["binding"]
    assert (binds["limit"], binds["element"]) == ("normal rating", "ab")
    assert binds["price_usd_per_unit"] == pytest.approx(40, abs=1e-3)


def test_a_site_that_is_not_there(tmp_path: Path) -> None:
    plan = checked_plan(study_of(tmp_path, NO_GRID, SITES))
    with pytest.raises(InputError, match="no candidate and no refused place"):
        why_site(plan, "nowhere")
