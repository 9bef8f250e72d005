"""The cost of IT equipment as an account, on studies whose best plan is worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.formulation import compose, siting
from optimizer.objectives.cost import cost as cost_of
from optimizer.plan.checks_equipment import check_equipment
from optimizer.plan.checks_money import CHECKS as MONEY
from optimizer.plan.plan import tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.study.equipment import Equipment
from tests.formulation.tiny import tiny_case
from tests.formulation.writing import part_text
from tests.solve.small import HEAD, TWO_PERIODS, blocks, built, checked_plan, study_of

PLACE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n'
SITE = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,10,20,10\n"}
IT = "[facility]\nit_cost_musd_per_mw = {}\nrefresh_years = 5\nit_cost_counts = {}\n"
DEMAND = "[demand]\nit_mw = { 2030 = 100 }\n"


def test_posts_are_those_written_by_hand() -> None:
    """IT of 20 M$/MW at s1 and 10 at s2, at a fifth of it a year: a block of s1 has 10 MW, one of s2 20.

    So a block of s1 costs 200 M$ once and 40 a year, 80 in 2030 and 120 in 2032; one of s2 200 and 40 as well.
    """
    bare = tiny_case()
    case = replace(bare, equipment=Equipment({"s1": 20.0, "s2": 10.0}, {"s1": 4.0, "s2": 2.0}, True))
    lines = part_text(siting, compose(case, cost_of), case).splitlines()
    without = part_text(siting, compose(bare, cost_of), bare).splitlines()
    assert sorted(set(lines) - set(without)) == [
        "  cost_musd[it_equipment,2030]: 80 siting.blocks[s1,2030] + 80 siting.blocks[s2,2030]",
        "  cost_musd[it_equipment,2032]: 120 siting.blocks[s1,2032] + 120 siting.blocks[s2,2032]",
        "  investment_musd[2030]: 248 siting.blocks[s1,2030] + 290 siting.blocks[s2,2030] "
        "+ 12 siting.build[s1,2030] + 6 siting.build[s2,2030]",
        "  investment_musd[2032]: 248 siting.blocks[s1,2032] + 290 siting.blocks[s2,2032] "
        "+ 12 siting.build[s1,2032] + 6 siting.build[s2,2032]",
    ]
    silent = replace(case, equipment=replace(case.equipment, counts=False))
    assert part_text(siting, compose(silent, cost_of), silent).splitlines() == without


@pytest.mark.slow
@pytest.mark.parametrize(("counts", "units", "cost"), [("false", 0, 100.0), ("true", 100, 150.0)])
def test_programmes_compete_with_the_whole_of_a_campus(tmp_path: Path, counts: str, units: int, cost: float) -> None:
    """100 MW in blocks of 10 MW at 10 M$; a MW avoided costs 1.5 M$, more than a block without its IT.

    IT of 5 M$/MW over 5 years is 1 M$ a MW and year: a block with it costs 20 M$, to avoid it 15.
    """
    text = PLACE + DEMAND + '[[demand.efficiency]]\nname = "caching"\ncost_musd_per_unit = 1.5\nmax_units = 100\n'
    keys = IT.format(5, counts)
    study = study_of(tmp_path, text + keys, SITE)
    assert not [f for f in study.findings if f.rule == "study.equipment.left_out"]
    silent = study_of(tmp_path / "silent", text + keys.replace(f"it_cost_counts = {counts}\n", ""), SITE)
    warned = [f for f in silent.findings if f.rule == "study.equipment.left_out"]
    assert [f.severity for f in warned] == ["warning"]
    plan = checked_plan(study, written=True)
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    assert sum(plan.table("efficiency")["units"]) == pytest.approx(units)


@pytest.mark.parametrize(("musd", "served", "cost"), [(4.9, 100, 198.0), (5.1, 0, 200.0)])
def test_what_is_not_served_competes_too(tmp_path: Path, musd: float, served: float, cost: float) -> None:
    """Not serving costs 2 M$ a MW and year, a block 1 and its IT a fifth of its price: 1.98 or 2.02 M$ in all."""
    text = PLACE + DEMAND + "penalty_musd_per_mw_year = 2\n" + IT.format(musd, "true")
    plan = checked_plan(study_of(tmp_path, text, SITE))
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    assert plan.table("demand")["served_mw"].tolist() == pytest.approx([served])
    assert plan.summary["costs_musd"].get("it_equipment", 0.0) == pytest.approx(0.98 * served)


KINDS = {
    "sites": "site,kind,block_mw,max_blocks,cost_musd_per_year_per_block\n"
    "own,campus,50,2,50\nrent,lease,50,2,60\naway,cloud,50,2,140\n"
}


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("keys", "where", "cost"),
    [
        ("it_cost_counts = false\nit_cost_musd_per_mw = 10", ["own"], 100.0),
        ("it_cost_counts = true\nit_cost_musd_per_mw = 5", ["own"], 200.0),
        ("it_cost_counts = true\nit_cost_musd_per_mw = 10", ["away"], 280.0),
        (
            'it_cost_counts = true\nit_cost_musd_per_mw = 10\nkind = [{ name = "lease", it_cost_musd_per_mw = 4 }]',
            ["rent"],
            200.0,
        ),
        (
            "it_cost_counts = true\nit_cost_musd_per_mw = 10\n"
            'kind = [{ name = "lease", it_cost_musd_per_mw = 8 }, { name = "campus", it_cost_musd_per_mw = 9 }, '
            '{ name = "cloud", it_cost_musd_per_mw = 0.1 }]',
            ["rent"],
            280.0,
        ),
    ],
)
def test_by_kind_of_site(tmp_path: Path, keys: str, where: list[str], cost: float) -> None:
    """100 MW at 1 M$ a MW own, 1.2 leased, 2.8 in a cloud, whose rent has the IT in it.

    IT of 5 M$/MW is 1 a year: own 2, leased 2.2. Of 10 it is 2: own 3, leased 3.2, cloud 2.8. Where leased space costs
    4 of it, 0.8 a year: 2. At 8, 9 and 0.1: leased 2.8, own 2.8, cloud 2.82; so that 280 M$ is least.
    """
    plan = checked_plan(study_of(tmp_path, PLACE + DEMAND + f"[facility]\nrefresh_years = 5\n{keys}\n", KINDS))
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    if keys.count("=") < 5:
        assert built(plan) == where


@pytest.mark.slow
def test_life_of_it_is_its_own_and_paid_in_every_period(tmp_path: Path) -> None:
    """Two years from 2030 with 10 MW, two from 2032 with 20: IT of 5 M$/MW over 5 years is 1 M$ a MW and year.

    Blocks at 10 M$ a year: 2 x (10 + 10) + 2 x (20 + 20) = 120 M$. Without a life of its own, the study's one year
    pays it whole each year: 2 x (10 + 50) + 2 x (20 + 100) = 360 M$.
    """
    text = PLACE + "[demand]\nit_mw = { 2030 = 10, 2032 = 20 }\n" + IT.format(5, "true")
    for name, changed, cost, account in (
        ("own", text, 120.0, 60.0),
        ("one", text.replace("= 5\nit", "= 1\nit"), 360, 300),
    ):
        plan = checked_plan(study_of(tmp_path / name, changed, SITE, TWO_PERIODS), written=True)
        assert plan.summary["objective_musd"] == pytest.approx(cost)
        assert plan.summary["costs_musd"]["it_equipment"] == pytest.approx(account)
        assert plan.table("equipment")["investment_musd"].tolist() == pytest.approx([50.0, 100.0])


@pytest.mark.slow
def test_budgets_hold_it_too(tmp_path: Path) -> None:
    """Blocks of 10 MW at 10 M$ once, IT at 5 M$/MW: 60 M$ a block. 600 M$ pay for 100 MW, 599 do not."""
    sites = {"sites": "site,block_mw,max_blocks,cost_musd_per_block\ns,10,20,10\n"}
    text = PLACE + DEMAND + IT.format(5, "true") + "[limits]\nbudget_musd = { 2030 = MOST }\n"
    plan = checked_plan(study_of(tmp_path / "1", text.replace("MOST", "600"), sites), written=True)
    assert plan.summary["costs_musd"]["it_equipment"] == pytest.approx(100.0)
    with pytest.raises(InfeasibleError, match="budget"):
        checked_plan(study_of(tmp_path / "2", text.replace("MOST", "599"), sites))
    off = text.replace("it_cost_counts = true", "it_cost_counts = false")
    assert built(checked_plan(study_of(tmp_path / "3", off.replace("MOST", "100"), sites))) == ["s"]


@pytest.mark.slow
def test_net_present_value_counts_it(tmp_path: Path) -> None:
    """10 MW earn 2.5 M$ a MW and year; a block costs 1 M$ a MW, IT of 5 M$/MW 1 and of 10 M$/MW 2 a year.

    So serving is worth 15 M$ without IT, 5 with the first, and is left with the second.
    """
    head = HEAD.replace('name = "Small"', 'name = "Small"\nobjective = "net_present_value"')
    tables = {**SITE, "demand": "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,10,2.5\n"}
    text = PLACE + '[demand]\n[workloads]\ndemand = "demand.csv"\n'
    for name, keys, worth in (("off", (5, "false"), 15.0), ("on", (5, "true"), 5.0), ("dear", (10, "true"), 0.0)):
        given = IT.format(*keys).replace("it_cost_counts = false\n", "")
        study = study_of(tmp_path / name, text + given, tables, head)
        assert any(f.rule == "study.equipment.left_out" for f in study.findings) == (name == "off")
        plan = checked_plan(study, written=True)
        assert plan.summary["objectives"]["net_present_value_musd"] == pytest.approx(worth, abs=1e-6)
        assert bool(blocks(plan)) == (name != "dear")


@pytest.mark.slow
def test_it_that_costs_nothing_changes_nothing_and_dearer_it_never_costs_less(tmp_path: Path) -> None:
    text = PLACE + DEMAND + "penalty_musd_per_mw_year = 2\n"
    free = checked_plan(study_of(tmp_path / "free", text, SITE))
    costs = []
    for price in (0, 1, 3, 4.9, 6, 60):
        plan = checked_plan(study_of(tmp_path / str(price), text + IT.format(price, "true"), SITE))
        costs.append(plan.summary["objective_musd"])
        if not price:
            assert blocks(plan) == blocks(free)
    assert costs[0] == pytest.approx(free.summary["objective_musd"])
    assert costs == sorted(costs)


def test_verify_finds_changed_costs_of_it(tmp_path: Path) -> None:
    study = study_of(tmp_path, PLACE + DEMAND + IT.format(5, "true"), SITE)
    plan = tidy_plan(solve_study(study))
    for name, column in (("equipment", "cost_musd"), ("equipment", "investment_musd"), ("costs", "cost_musd")):
        table = plan.tables[name].copy()
        row = 0 if name == "equipment" else int((table["account"] == "it_equipment").to_numpy().argmax())
        table.loc[table.index[row], column] += 1.0
        context = Context(study.folder, "", plan.summary, {**plan.tables, name: table}, study, study.case)
        checks = (check_equipment, *MONEY)
        assert any(f.severity == "error" for check in checks for f in check(context)), (name, column)
    less = {k: v for k, v in plan.tables.items() if k != "equipment"}
    assert check_equipment(Context(study.folder, "", plan.summary, less, study, study.case))


def test_the_report_has_a_section(tmp_path: Path) -> None:
    plan = checked_plan(study_of(tmp_path, PLACE + DEMAND + IT.format(5, "true"), SITE))
    page = render_report(plan)
    assert "IT equipment by site" in page
    assert "it equipment" in page


def test_what_contradicts_is_refused(tmp_path: Path) -> None:
    year = 8760 * 1000
    text = PLACE + f"[demand]\nwork = {{ 2030 = {100 * year} }}\n" + IT.format(5, "true")
    with pytest.raises(InputError, match="racks already counts"):
        study_of(tmp_path, text, SITE)
