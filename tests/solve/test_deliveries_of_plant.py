"""Rationed items that own supply, backup, cooling, upgrades and circuits take: plans worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.checks_portfolio import check_deliveries
from optimizer.plan.plan import tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.solve import solve_study
from tests.solve import service_cases
from tests.solve.small import HEAD, TWO_PERIODS, blocks, checked_plan, study_of
from tests.solve.test_expansion import sited, solved
from tests.solve.test_generators import BACKUP, ENGINES, SMALL
from tests.solve.test_supply import YEAR_H, study

ITEM = '[[limits.delivery]]\nitem = "{}"\nper_year = {{ {} }}\n{}\n'


@pytest.mark.every(2)
@pytest.mark.parametrize(("arriving", "mw"), [("2030 = 0", 0), ("2030 = 3", 30), ("2028 = 1", 30), ("2030 = 10", 100)])
def test_turbines(tmp_path: Path, arriving: str, mw: int) -> None:
    """Engines of 10 MW, of which each MW takes a tenth of an engine, save 0.1752 M$ a MW and year and cost 0.1.

    As many are built as arrive from 2026 to 2030: of one a year from 2028 on three.
    """
    text = ENGINES + ITEM.format("engines", arriving, "per_supply_mw = { small = 0.1 }")
    plan = checked_plan(study(tmp_path, text, supply=SMALL), written=arriving == "2030 = 3")
    rows = plan.table("supply")
    assert rows["capacity_mw"].tolist() == ([mw] if mw else [])
    assert plan.table("deliveries")["taken"].tolist() == pytest.approx([mw / 10])
    saving = mw * (20 * YEAR_H / 1e6 - 0.1)
    assert plan.summary["objective_musd"] == pytest.approx(1 + 100 * YEAR_H * 50 / 1e6 - saving)


@pytest.mark.slow
def test_more_turbines_never_cost_more_and_enough_are_no_limit(tmp_path: Path) -> None:
    costs = []
    for number in (0, 2, 5, 10, 500):
        text = ENGINES + ITEM.format("engines", f"2030 = {number}", "per_supply_mw = { small = 0.1 }")
        costs.append(checked_plan(study(tmp_path / str(number), text, supply=SMALL)).summary["objective_musd"])
    free = checked_plan(study(tmp_path / "free", ENGINES, supply=SMALL)).summary["objective_musd"]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(free)


@pytest.mark.slow
@pytest.mark.parametrize(("arriving", "mw"), [(2, 8.0), (3, 10.0), (0, 0.0)])
def test_generator_sets_of_backup(tmp_path: Path, arriving: int, mw: float) -> None:
    """10 MW are curtailed in 100 h a year; a set is 4 MW. Served a MWh costs 50 $, not served 200."""
    text = service_cases.service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + BACKUP
    text += ITEM.format("sets", f"2030 = {arriving}", "per_backup_mw = 0.25")
    plan = service_cases.plan_of(tmp_path, text, written=arriving == 2)
    assert plan.table("service_years")["backup_capacity_mw"].tolist() == pytest.approx([mw])
    assert plan.table("deliveries")["taken"].tolist() == pytest.approx([mw / 4])
    expected = 100 * (50 * mw + 200 * (10 - mw)) / 1e6 + 0.0001 * mw
    assert plan.summary["costs_musd"]["service"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.every(4)
@pytest.mark.parametrize(("arriving", "first"), [("2030 = 1", 5), ("2031 = 1", 4)])
def test_transformers_of_upgrades(tmp_path: Path, arriving: str, first: int) -> None:
    """40 MW fit, 50 with the upgrade, which takes a transformer: from 2030 where one arrives then, else from 2032."""
    upgrades = "upgrade,branch,added_mw,cost_musd\nmore,ab,20,0.000001\n"
    text = service_cases.STUDY.replace("2030 = 50", "2030 = 50, 2032 = 50").replace("[upgrades]\nenabled = false\n", "")
    text += ITEM.format("transformers", arriving, "per_upgrade = 1")
    tables = {**service_cases.LINE, "grid/upgrades": upgrades}
    plan = checked_plan(study_of(tmp_path, text, tables, TWO_PERIODS), written=True)
    assert blocks(plan) == {("sb", 2030): first, ("sb", 2032): 5}
    assert plan.table("deliveries")["taken"].tolist() == ([1.0, 1.0] if first == 5 else [0.0, 1.0])


@pytest.mark.every(6)
@pytest.mark.parametrize(("arriving", "cost"), [(2, 20.0), (1, 30.0)])
def test_breakers_of_circuits(tmp_path: Path, arriving: int, cost: float) -> None:
    """Two circuits at 5 M$ and the site at b cost 20 M$; with one of them 150 MW do not fit there: 30 M$ at a."""
    folder = sited(tmp_path / "study", "{ 2030 = 150 }", 5)
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(ITEM.format("breakers", f"2030 = {4 * arriving}", "per_circuit = 4"))
    plan = solved(folder, tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(cost)
    assert plan.table("deliveries")["taken"].tolist() == [8.0 if arriving == 2 else 0.0]


def test_cooling_units(tmp_path: Path) -> None:
    """A MW of cooled IT takes two units: 100 arrive for 50 MW, and the other 50 MW pay 1 M$ a MW and year."""
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,10,20,1\n"
    text = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
    text += "penalty_musd_per_mw_year = 1\n" + ITEM.format(
        "units", "2030 = 100", "per_cooling_mw = { unspecified = 2 }"
    )
    plan = checked_plan(study_of(tmp_path, text, {"sites": sites}, HEAD), written=True)
    assert plan.summary["objective_musd"] == pytest.approx(5 + 50)
    assert plan.table("deliveries")["taken"].tolist() == pytest.approx([100.0])


def test_verify_finds_turbines_that_never_arrived(tmp_path: Path) -> None:
    def given(name: str, number: int) -> str:
        return ENGINES + ITEM.format("engines", f"2030 = {number}", "per_supply_mw = { small = 0.1 }")

    many = study(tmp_path / "many", given("many", 10), supply=SMALL)
    few = study(tmp_path / "few", given("few", 4), supply=SMALL)
    plan = tidy_plan(solve_study(many))
    assert check_deliveries(Context(many.folder, "", plan.summary, plan.tables, many, many.case)) == []
    context = Context(few.folder, "", plan.summary, plan.tables, few, few.case)
    assert "plan.portfolio.delivery" in {f.rule for f in check_deliveries(context)}


def test_takers_that_a_study_does_not_have_are_said(tmp_path: Path) -> None:
    text = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 10 }\n'
    text += ITEM.format("things", "2030 = 1", "per_upgrade = 1\nper_circuit = 1\nper_backup_mw = 1\nper_tie = 1")
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,10,20,1\n"
    findings = study_of(tmp_path, text, {"sites": sites}).findings
    found = [f for f in findings if f.rule == "study.portfolio.delivery_unused"]
    assert [f.where.split(", ")[1] for f in found] == ["per_tie", "per_upgrade", "per_circuit", "per_backup_mw"]
