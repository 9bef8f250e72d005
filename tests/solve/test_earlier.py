"""What earlier power is worth, on studies whose plans are worked out by hand, and lead times that are shorter."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.study.economics import ready_year, shortened, sooner
from tests.solve.service_cases import LINE, STUDY
from tests.solve.small import TWO_PERIODS, blocks, checked_plan, study_of

LATE = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block,earliest\ns,10,1,10,2032\n"}
TEXT = (
    '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 10, 2032 = 10 }\n'
    "penalty_musd_per_mw_year = 1.8\n"
)
CURVE = "[report]\nearlier_months = [12, 24]\n"


@pytest.mark.slow
def test_value_of_earlier_power_by_hand(tmp_path: Path) -> None:
    """10 MW from 2032 on at 1 M$ a MW and year, asked for from 2030 on; not served it costs 1.8.

    Two years without and two with: 36 + 20 = 56 M$. Two years sooner: 40 M$. So 10 MW for 24 months, 240 MW-months, are
    worth 16 M$: 66,667 $ each, a twelfth of 0.8 M$. One year sooner is 2031, in no period: nothing changes.
    """
    plan = checked_plan(study_of(tmp_path, TEXT + CURVE, LATE, TWO_PERIODS), written=True)
    assert plan.summary["objective_musd"] == pytest.approx(56.0)
    rows = plan.table("earlier_power").set_index("scenario")
    assert rows.index.tolist() == ["earlier_12_months", "earlier_24_months"]
    assert rows["cost_musd"].tolist() == pytest.approx([56.0, 40.0])
    assert rows["delay_mw_years"].tolist() == pytest.approx([20.0, 0.0])
    assert rows["earlier_mw_months"].tolist() == pytest.approx([0.0, 240.0])
    assert rows["gained_musd"].tolist() == pytest.approx([0.0, 16.0])
    assert rows["value_usd_per_mw_month"].iloc[0] != rows["value_usd_per_mw_month"].iloc[0]
    assert rows["value_usd_per_mw_month"].iloc[1] == pytest.approx(0.8e6 / 12)
    page = render_report(plan)
    assert "66,667 $ for each MW-month of earlier power" in page
    assert "lead times shorter by [months]" in page


def test_every_compared_plan_has_a_row_and_later_power_has_a_value(tmp_path: Path) -> None:
    """Ready in 2030, 40 M$; in a scenario of another table of sites in 2032, 56 M$: 240 MW-months later, the same."""
    soon = LATE["sites"].replace("2032", "2030")
    text = TEXT + '[report]\ncompare = ["late"]\n[scenario.late.sites]\ntable = "late.csv"\n'
    plan = checked_plan(study_of(tmp_path, text, {"sites": soon, "late": LATE["sites"]}, TWO_PERIODS), written=True)
    (row,) = plan.table("earlier_power").to_dict("records")
    assert (row["scenario"], row["earlier_mw_months"]) == ("late", pytest.approx(-240.0))
    assert row["gained_musd"] == pytest.approx(-16.0)
    assert row["value_usd_per_mw_month"] == pytest.approx(0.8e6 / 12)


@pytest.mark.slow
def test_with_revenue_it_is_the_net_present_value_that_counts(tmp_path: Path) -> None:
    """10 MW earn 3 M$ a MW and year at a cost of 1: from 2032 on 40 M$, from 2030 on 80 M$, 2 M$ / 12 a MW-month."""
    head = TWO_PERIODS.replace('name = "Small"', 'name = "Small"\nobjective = "net_present_value"')
    tables = {**LATE, "demand": "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,10,3\n"}
    text = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[workloads]\ndemand = "demand.csv"\n'
    text += "[report]\nearlier_months = [24]\n"
    plan = checked_plan(study_of(tmp_path, text, tables, head), written=True)
    assert plan.summary["objectives"]["net_present_value_musd"] == pytest.approx(40.0)
    (row,) = plan.table("earlier_power").to_dict("records")
    assert row["gained_musd"] == pytest.approx(40.0)
    assert row["earlier_mw_months"] == pytest.approx(240.0)
    assert row["value_usd_per_mw_month"] == pytest.approx(2e6 / 12, rel=1e-6)


@pytest.mark.slow
def test_firm_service_on_a_grid_needs_no_table_of_service(tmp_path: Path) -> None:
    """40 MW fit firm, 50 from 2032 on with an upgrade, sooner from 2030: 10 MW for two years at 1 M$ a year."""
    upgrades = "upgrade,branch,added_mw,cost_musd,ready\nmore,ab,20,0.000001,2032\n"
    study = STUDY.replace("2030 = 50", "2030 = 50, 2032 = 50").replace("[upgrades]\nenabled = false\n", "")
    study += "[report]\nearlier_months = [24]\n"
    plan = checked_plan(study_of(tmp_path, study, {**LINE, "grid/upgrades": upgrades}, TWO_PERIODS), written=True)
    assert blocks(plan) == {("sb", 2030): 4, ("sb", 2032): 5}
    (row,) = plan.table("earlier_power").to_dict("records")
    assert row["earlier_mw_months"] == pytest.approx(240.0)
    # 10 MW more cost 1e-5 M$ an hour in both years of the period.
    assert row["gained_musd"] == pytest.approx(20.0 - 2 * 8760 * 10 * 10 / 1e6, rel=1e-5)


@pytest.mark.slow
def test_shorter_lead_times_never_cost_more_and_none_shorter_is_the_study(tmp_path: Path) -> None:
    costs = []
    for months in (0, 11, 12, 24, 60):
        head = TWO_PERIODS.replace("[economics]", f"shorter_lead_months = {months}\n\n[economics]")
        costs.append(checked_plan(study_of(tmp_path / str(months), TEXT, LATE, head)).summary["objective_musd"])
    plain = checked_plan(study_of(tmp_path / "plain", TEXT, LATE, TWO_PERIODS)).summary["objective_musd"]
    assert costs[0] == pytest.approx(plain)
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_years_move_by_whole_years_and_months_as_they_are() -> None:
    """39 months are ready after 4 years, 36 after 3, so that 3 months less are a year; 2031 less 11 months is 2031."""
    assert ready_year(2026, shortened(39, 3)) == 2029
    assert ready_year(2026, shortened(39, 2)) == 2030
    assert shortened(6, 12) == 0.0
    years = pd.Series([2031, 2027, 2026, 0])
    assert sooner(years, 2026, 11).tolist() == [2031, 2027, 2026, 0]
    assert sooner(years, 2026, 30).tolist() == [2029, 2026, 2026, 0]


def test_own_supply_is_ready_sooner_but_not_before_it_is_sold(tmp_path: Path) -> None:
    """40 months from 2026 are 2030, 12 less 2029; a technology that is sold from 2030 on is not ready before."""
    supply = "technology,cost_musd_per_mw,life_years,fuel_usd_per_mwh,lead_months,first_year\n"
    supply += "a,1,20,5,40,0\nb,1,20,5,40,2030\n"
    text = STUDY + '[supply]\ntable = "supply.csv"\ntechnologies = ["a", "b"]\n'
    study = study_of(tmp_path, text, {**LINE, "supply": supply})
    for months, ready in ((0, [2030, 2030]), (12, [2029, 2030])):
        case = study.override({"study.shorter_lead_months": months}).case
        assert case.supply is not None
        assert case.supply.offers["ready"].tolist() == ready


def test_lead_times_of_a_region_are_shorter(repository: Path) -> None:
    from optimizer.study.costs import Costs
    from optimizer.study.region import read_region

    facts = read_region(repository / "datasets" / "texas").facts
    usual, shorter = Costs(facts), Costs(facts, 7.0)
    for name in ("campus_months", "reconductoring_months"):
        assert getattr(shorter, name)() == pytest.approx(getattr(usual, name)() - 7.0)
    assert shorter.tie_months(345.0) == pytest.approx(usual.tie_months(345.0) - 7.0)
    assert Costs(facts, 1e4).tie_months(345.0) == 0.0


def test_another_list_of_months_replaces_the_first(tmp_path: Path) -> None:
    study = study_of(tmp_path, TEXT + CURVE, LATE, TWO_PERIODS)
    assert study.config.report.compare == ("earlier_12_months", "earlier_24_months")
    other = study.override({"report.earlier_months": [6.5]}).config
    assert other.report.compare == ("earlier_6-5_months",)
    assert other.scenario["earlier_6-5_months"] == {"study": {"shorter_lead_months": 6.5}}
    assert study.override({"report.earlier_months": []}).config.report.compare == ()


@pytest.mark.slow
def test_verify_finds_a_changed_value(tmp_path: Path) -> None:
    from optimizer.plan.plan import tidy_plan
    from optimizer.solve import solve_study

    study = study_of(tmp_path, TEXT + CURVE, LATE, TWO_PERIODS)
    plan = tidy_plan(solve_study(study))
    changed = plan.tables["earlier_power"].assign(value_usd_per_mw_month=[float("nan"), 1.0])
    plan = dataclasses.replace(plan, tables={**plan.tables, "earlier_power": changed})
    findings = verify_plan(write_plan(plan, tmp_path / "out"))
    assert any("earlier_power" in f.where and f.severity == "error" for f in findings)


def test_plans_without_a_comparison_have_no_table(tmp_path: Path) -> None:
    assert checked_plan(study_of(tmp_path, TEXT, LATE, TWO_PERIODS)).table("earlier_power").empty
