"""Terminal work beside reconductoring: the smaller, cheaper step and the larger one, each where it is the better.

One line of 100 MW from a to b, and energy at nothing. A block of 10 MW at b costs 1 M$ a year, at c 3 M$ without a line
in the way: a block that goes to c costs 2 M$ more.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import Finding, InputError
from optimizer.plan.checks_power import check_terminal_work, check_upgrades
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.study import Study
from tests.solve.small import HEAD, blocks, checked_plan, study_of

TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[security]
contingencies = []
[demand]
it_mw = { 2030 = MW }
[upgrades.terminal]
added_share = 0.2
"""
FILES = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\nac,a,c,0.1,900\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,0\n",
    # What reconductoring is on the region's offer: half more for the cost of a conductor.
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nconductor,ab,50,6\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,10,30,1\nsc,c,10,30,3\n",
}


def study(folder: Path, mw: float = 120, more: str = "cost_musd = 1.5\n", head: str = HEAD) -> Study:
    return study_of(folder, TEXT.replace("MW", f"{mw:g}") + more, FILES, head)


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("mw", "cost", "taken", "expected"),
    [
        # Two blocks beyond the line: 4 M$ more at c, 1.5 M$ of terminal work, 6 M$ of conductor.
        (120, 1.5, ["terminal ab"], 12 + 1.5),
        (120, 4.5, [], 10 + 2 * 3),
        # Five beyond it: 10 M$ at c, 1.5 + 3 x 2 M$ with terminal work, 6 M$ with a conductor, and never both.
        (150, 1.5, ["conductor"], 15 + 6),
        (170, 1.5, ["conductor"], 15 + 2 * 3 + 6),
        (170, 0.0, ["conductor"], 15 + 2 * 3 + 6),
    ],
)
def test_the_step_that_is_worth_it(tmp_path: Path, mw: float, cost: float, taken: list[str], expected: float) -> None:
    plan = checked_plan(study(tmp_path, mw, f"cost_musd = {cost}\n"))
    upgrades = plan.table("upgrades").set_index("upgrade")
    assert upgrades.index.tolist() == taken
    assert plan.summary["objective_musd"] == pytest.approx(expected)
    if taken == ["terminal ab"]:
        assert upgrades.loc["terminal ab", ["kind", "added_mw", "added_emergency_mw"]].tolist() == ["terminal", 20, 24]
    assert sum(blocks(plan).values()) == mw / 10


def test_it_serves_after_its_lead_time(tmp_path: Path) -> None:
    """Decided at the start of 2029: after 13 months it serves from 2031, so that the year 2030 is without it."""
    head = HEAD.replace("[2030]", "[2030]\ndecision_year = 2029")
    for months, ready, expected in ((12, 2030, 13.5), (13, 2031, 16.0)):
        made = study(tmp_path / str(months), more=f"cost_musd = 1.5\nlead_months = {months}\n", head=head)
        assert made.case.upgrades.at["terminal ab", "ready"] == ready
        assert checked_plan(made).summary["objective_musd"] == pytest.approx(expected)


def test_only_branches_that_are_named(tmp_path: Path) -> None:
    offered = study(tmp_path / "all").case.upgrades
    assert offered.index.tolist() == ["conductor", "terminal ab", "terminal ac"]
    assert offered["kind"].tolist() == ["as listed", "terminal", "terminal"]
    named = study(tmp_path / "named", more='cost_musd = 1.5\nbranches = ["ab"]\n').case.upgrades
    assert named.index.tolist() == ["conductor", "terminal ab"]


@pytest.mark.parametrize(
    ("more", "rule", "where"),
    [
        ("", "study.upgrades.no_cost", "upgrades.terminal.cost_musd"),
        ('cost_musd = 1\nbranches = ["ad"]\n', "study.upgrades.branch", "upgrades.terminal.branches"),
        ("cost_musd = -1\n", None, "upgrades.terminal.cost_musd"),
        ("cost_musd = 1\nlead_months = -3\n", None, "upgrades.terminal.lead_months"),
        ("cost_musd = 1\nrating = 3\n", None, "upgrades.terminal.rating"),
    ],
)
def test_bad_input(tmp_path: Path, more: str, rule: str | None, where: str) -> None:
    with pytest.raises(InputError) as refused:
        study(tmp_path, more=more)
    (finding,) = refused.value.findings
    assert finding.where.endswith(where)
    assert rule in (None, finding.rule)
    assert finding.remedy


def test_what_is_named_without_a_rating_is_said(tmp_path: Path) -> None:
    branches = "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\nac,a,c,0.1,\n"
    text = TEXT.replace("MW", "100") + 'cost_musd = 1\nbranches = ["ab", "ac"]\n'
    made = study_of(tmp_path, text, {**FILES, "grid/branches": branches})
    assert [f.found for f in made.findings if f.rule == "study.upgrades.unrated"] == ["ac"]
    assert "terminal ac" not in made.case.upgrades.index


def test_verify_works_out_what_it_adds_and_costs(tmp_path: Path) -> None:
    made = study(tmp_path)
    plan = checked_plan(made, written=True)

    def said(change: Callable[[pd.DataFrame], pd.DataFrame]) -> set[tuple[str, str]]:
        tables = {**plan.tables, "upgrades": change(plan.table("upgrades").copy())}
        context = Context(made.folder, "", plan.summary, tables, made, made.case)
        found: list[Finding] = [*check_upgrades(context), *check_terminal_work(context)]
        return {(f.rule, f.where.rpartition(" ")[2]) for f in found}

    assert said(lambda rows: rows) == set()
    for column, value in (("added_mw", 30.0), ("cost_musd", 1.0), ("kind", "reconductoring")):
        assert column in {where for _, where in said(lambda rows, c=column, v=value: rows.assign(**{c: v}))}
    assert ">terminal<" in render_report(plan)
