"""Why a site is in a plan or not, on studies whose costs are worked out on paper."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from optimizer.cli.why import _lines as why_lines
from optimizer.errors import InputError
from optimizer.plan.plan import write_plan
from optimizer.solve.explain import site as explain_site
from optimizer.solve.explain.limits import COST, NORMAL
from optimizer.solve.explain.site import binding_rows, why_site
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import MUSD_PER_USD_PER_H, STAR_STUDY, checked_plan, study_of
from tests.solve.test_price_ranges import OUTAGE

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


CHIPS = """\
[[limits.delivery]]
item = "chips"
per_mw = 2
per_site = 40
per_year = { 2026 = 50 }
"""


def test_a_site_that_deliveries_keep_out(tmp_path: Path) -> None:
    """250 chips in five years are enough for 100 MW at one site, 240; at two it would be 280. Without x there is z."""
    plan = checked_plan(study_of(tmp_path, NO_GRID + CHIPS, SITES))
    kept_out = why_site(plan, "y")
    assert kept_out.difference_musd == float("inf")
    assert kept_out.explanation is not None
    conflict, *_ = kept_out.explanation.findings()
    assert (
        "holds no more of a rationed item than has been delivered (item chips: 250 units in 2030)" in conflict.message
    )
    assert "have 30 units more delivered of item chips in 2030" in conflict.remedy
    chosen = why_site(plan, "x")
    assert (chosen.substitute, chosen.difference_musd) == ("z", pytest.approx(12.0))


def test_a_site_that_needs_more_curtailment(tmp_path: Path) -> None:
    """At b 10 of 50 MW would be curtailed for 100 h, 1,000 MWh of 438,000; 0.1 % are 438. At a nothing is short."""
    sites = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsa,a,50,1,9\nsb,b,50,1,1\n"
    text = STUDY.replace("penalty_musd_per_mw_year = 1.0\n", "") + service(curtailable_share=0.001)
    plan = checked_plan(study_of(tmp_path, text, {**LINE, "sites": sites}))
    reasons = why_site(plan, "sb")
    assert reasons.difference_musd == float("inf")
    assert reasons.explanation is not None
    assert "raise service.curtailable_share from 0.001 to 0.002284" in " ".join(reasons.explanation.ways_words)


def test_a_site_of_workloads(tmp_path: Path) -> None:
    """100 MW of one region from x at 2 M$; without it from y and z at 10."""
    workloads = '[workloads]\ndemand = "demand.csv"\n[[workloads.kind]]\nname = "train"\n'
    text = NO_GRID.replace("[demand]\nit_mw = { 2030 = 100 }\n", "[demand]\n") + workloads
    tables = {**SITES, "demand": "region,workload,it_mw\neast,train,100\n"}
    reasons = why_site(checked_plan(study_of(tmp_path, text, tables)), "x")
    assert reasons.difference_musd == pytest.approx(8.0)
    assert reasons.moved_mw == {"y": 50, "z": 50}


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


def test_within_the_gaps_only_its_price_is_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """y costs 2 M$ more, and no less for certain; what is known to a gap of 3 may as well be cheaper."""
    plan = checked_plan(study_of(tmp_path, NO_GRID, SITES))
    known = explain_site._solved

    def vague(*arguments: Any) -> explain_site.Other | None:
        other = known(*arguments)
        assert other is not None
        return replace(other, bound_musd=other.bound_musd - 3)

    monkeypatch.setattr(explain_site, "_solved", vague)
    reasons = why_site(plan, "y")
    assert reasons.least_musd == pytest.approx(-1)
    assert reasons.explanation is not None
    assert reasons.explanation.conflict is None
    assert reasons.explanation.ways_words == ["pay 2 M$ more in present value"]
    assert why_lines(reasons)[2:4] == [
        "  of which      sites +2 M$",
        "  in its place  x (-50 MW of IT load)",
    ]
    assert "  kept out by   no limit for certain: within the gaps, a plan with it may be as good" in why_lines(reasons)


def test_rows_that_bind_in_the_plan_are_built_at_once(tmp_path: Path) -> None:
    """After the loss of the second line the first carries all that a sends to b, 60 MW, whichever way it is drawn."""
    for folder, ends, side in (("one", "a,b", 1), ("other", "b,a", -1)):
        tables = {**OUTAGE, "grid/branches": OUTAGE["grid/branches"].replace("a,b", ends)}
        study = study_of(tmp_path / folder, '[grid]\nsource = "grid"\n', tables)
        plan = checked_plan(study)
        assert binding_rows(plan, study.case) == [("ab1", "ab2", 2030, "year", side)]
        assert binding_rows(plan, replace(study.case, outages=None)) == []
