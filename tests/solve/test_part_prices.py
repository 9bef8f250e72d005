"""What binds of service, adequacy and the portfolio, with prices that are worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve.prices.ranges import price_ranges
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import HEAD, checked_plan, study_of
from tests.solve.test_explain_site import CHIPS, NO_GRID, SITES
from tests.solve.test_price_ranges import row_of, settled
from tests.solve.test_service_supply import SUPPLY, offered, plan_of
from tests.solve.test_supply import GRID, engine
from tests.solve.test_supply import STUDY as CAMPUS


def binding(plan: Plan, limit: str) -> dict[str, Any]:
    """The one row of a limit that binds."""
    rows = plan.table("binding")
    (row,) = rows[rows["limit"] == limit].to_dict("records")
    return row


def test_curtailable_energy_is_worth_the_engine_that_it_saves(tmp_path: Path) -> None:
    """0.1 % are 438 MWh. 100 MWh more are a MW of engine less, 0.013 M$, and cost 0.005 curtailed: 80 $/MWh."""
    limit = service(curtailable_share=0.001, curtailment_usd_per_mwh=50)
    plan = plan_of(tmp_path, limit + offered(20))
    row = binding(plan, "curtailable energy")
    assert (row["element"], row["period"], row["unit"]) == ("sb", 2030, "MWh")
    assert (row["value"], row["bound"]) == pytest.approx((438, 438))
    assert row["price_usd_per_unit"] == pytest.approx(80, rel=1e-4)
    assert "curtailable energy" in render_report(plan)


def test_non_firm_contract_is_worth_as_much_in_its_hours(tmp_path: Path) -> None:
    """A tenth of 50 MW; a MW more through the 100 h of the peak saves 0.008 M$, 80 $ an hour."""
    limit = service(curtailable_share=0.01, curtailment_usd_per_mwh=50, non_firm_share=0.1)
    row = binding(plan_of(tmp_path, limit + offered(20)), "non-firm contract")
    assert (row["snapshot"], row["unit"]) == ("peak", "MW")
    assert (row["value"], row["bound"]) == pytest.approx((5, 5))
    assert row["price_usd_per_unit"] == pytest.approx(80, rel=1e-4)


@pytest.mark.slow
def test_accredited_capacity_is_worth_what_is_not_curtailed(tmp_path: Path) -> None:
    """A MW more lets 2 / 3 of a MW be drawn through 100 h at 50 $/MWh that is curtailed at 200: 10,000 $ a year."""
    study = CAMPUS.replace('source = "grid"\n', 'source = "grid"\nsnapshots = ["peak", "light"]\n')
    files = {
        **GRID,
        "grid/buses": "bus,base_kv,load_mw\na,138,20\nb,138,0\n",
        "grid/snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8660,0.0\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,400,50,0.38\n",
        "supply": engine(5.0),
    }
    more = service(curtailable_share=0.01, curtailment_usd_per_mwh=200) + SUPPLY + "[adequacy]\nreserve_margin = 0.5\n"
    plan = checked_plan(study_of(tmp_path, study + more, files, HEAD))
    row = binding(plan, "accredited capacity")
    assert (row["value"], row["bound"]) == pytest.approx((152, 152))
    assert row["price_usd_per_unit"] == pytest.approx(10_000, rel=1e-4)
    assert "10,000 $/MW-year" in render_report(plan)


def test_rationed_items_bind_where_no_further_block_has_them(tmp_path: Path) -> None:
    """240 of 250 chips are taken, and a block of 50 MW takes 100."""
    row = binding(checked_plan(study_of(tmp_path, NO_GRID + CHIPS, SITES)), "delivered items")
    assert (row["element"], row["value"], row["bound"], row["unit"]) == ("chips", 240.0, 250.0, "units")
    assert row["price_usd_per_unit"] != row["price_usd_per_unit"]


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("limits", "limit", "element", "value", "bound"),
    [
        ("share_per = { utility = 0.6 }", "utility share", "north", 50.0, 60.0),
        ('survive_loss_of = "site"\nshare_left = 0.4', "left without a site", "x", 50.0, 40.0),
        ("largest_loss_mw = { site = 90 }", "largest site", "x", 50.0, 90.0),
        ("new_it_mw_per_year = 25", "yearly pace", "", 100.0, 125.0),
        ("budget_musd = { 2030 = 140 }", "budget", "", 100.0, 140.0),
    ],
)
def test_limits_of_the_portfolio_bind_where_no_further_block_fits(
    limits: str, limit: str, element: str, value: float, bound: float, tmp_path: Path
) -> None:
    sites = (
        "site,block_mw,max_blocks,cost_musd_per_year_per_block,cost_musd_per_block,utility\n"
        "x,50,2,1,50,north\ny,50,1,3,60,south\n"
    )
    # All of it at x but for the limit: two blocks cost 100 M$, one of each 110.
    plan = checked_plan(study_of(tmp_path, NO_GRID + f"[limits]\n{limits}\n", {"sites": sites}))
    rows = plan.table("binding")
    row = rows[(rows["limit"] == limit) & (rows["element"] == element)].to_dict("records")[0]
    assert (row["value"], row["bound"]) == pytest.approx((value, bound))
    assert row["price_usd_per_unit"] != row["price_usd_per_unit"]


def ranges_of(folder: Path, text: str, files: dict[str, str]) -> pd.DataFrame:
    """How far the price of each limit of a study holds."""
    return price_ranges(settled(study_of(folder, text, files, HEAD)))


def test_the_price_of_curtailable_energy_holds_until_no_engine_is_left(tmp_path: Path) -> None:
    """80 $/MWh from nothing to the 1,000 MWh that 10 MW through 100 h are; more saves nothing."""
    limit = service(curtailable_share=0.002, curtailment_usd_per_mwh=50)
    files = {**LINE, "supply": engine(0.01)}
    row = row_of(ranges_of(tmp_path, STUDY + limit + offered(20), files), "curtailable energy")
    assert (row.bound, row.price_unit, row.price) == (pytest.approx(876), "$/MWh", pytest.approx(80, rel=1e-3))
    assert (row.low, row.high) == (pytest.approx(0, abs=1), pytest.approx(1000, rel=2e-3))
    assert row.price_above == pytest.approx(0, abs=1e-3)


def test_the_price_of_non_firm_contract_holds_until_no_engine_is_left(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.01, curtailment_usd_per_mwh=50, non_firm_share=0.1)
    files = {**LINE, "supply": engine(0.01)}
    row = row_of(ranges_of(tmp_path, STUDY + limit + offered(20), files), "non-firm contract")
    assert (row.bound, row.snapshot, row.price) == (pytest.approx(5), "peak", pytest.approx(80, rel=1e-3))
    assert row.high == pytest.approx(10, rel=2e-3)


def test_the_price_of_carbon_free_energy_is_what_the_next_of_it_costs(tmp_path: Path) -> None:
    """Engines that count as clean at 0.01 M$ a MW and 30 $/MWh against 10 of the grid: 21.14 $/MWh in all hours."""
    clean = offered(0) + '[[supply.technology]]\nname = "engine"\ncarbon_free_share = 1\n'
    clean += "[limits]\ncarbon_free_share = { 2030 = 0.5 }\n"
    files = {**LINE, "supply": engine(0.01)}
    table = ranges_of(tmp_path, STUDY.replace("2030 = 50", "2030 = 40") + clean, files)
    row = row_of(table, "carbon-free energy")
    assert row.bound == pytest.approx(20 * 8760)
    assert row.price == pytest.approx(-(20 + 0.01e6 / 8760), rel=1e-3)


def test_items_are_needed_as_far_as_they_are_taken(tmp_path: Path) -> None:
    """240 of 250 chips; with fewer there is no plan with the same decisions, and more save nothing."""
    row = row_of(ranges_of(tmp_path, NO_GRID + CHIPS, SITES), "delivered items")
    assert (row.bound, row.used, row.price) == (250, pytest.approx(240), 0)
    assert (row.low, row.below) == (pytest.approx(240, abs=0.2), "no plan with these whole decisions")


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("limits", "limit", "used", "end"),
    [
        ("share_per = { utility = 0.6 }", "utility share", 50, "low"),
        ('survive_loss_of = "site"\nshare_left = 0.4', "left without a site", 50, "high"),
        ("largest_loss_mw = { site = 90 }", "largest site", 50, "low"),
        ("new_it_mw_per_year = 25", "yearly pace", 20, "low"),
    ],
)
def test_limits_of_the_portfolio_can_be_tightened_to_what_is_used(
    limits: str, limit: str, used: float, end: str, tmp_path: Path
) -> None:
    """50 MW at each of two sites, energized in five years."""
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block,utility\nx,50,1,1,north\ny,50,1,3,south\n"
    table = ranges_of(tmp_path, NO_GRID + f"[limits]\n{limits}\n", {"sites": sites})
    row = table[table["limit"] == limit].iloc[0]
    assert row.used == pytest.approx(used)
    assert row[end] == pytest.approx(used, abs=0.2)


TAMPERED = (
    ("value", 437.0),
    ("bound", 439.0),
    ("price_usd_per_unit", -1.0),
    ("element", "nowhere"),
    ("unit", "MW"),
)


@pytest.mark.slow
def test_a_changed_row_is_found(tmp_path: Path) -> None:
    limit = service(curtailable_share=0.001, curtailment_usd_per_mwh=50)
    plan = plan_of(tmp_path, limit + offered(20))
    for column, value in TAMPERED:
        changed = plan.table("binding").copy()
        changed[column] = changed[column].astype(object)
        changed.loc[changed["limit"] == "curtailable energy", column] = value
        made = replace(plan, tables={**plan.tables, "binding": changed})
        findings = verify_plan(write_plan(made, tmp_path / column))
        errors = [str(f) for f in findings if f.severity == "error"]
        assert any("binding" in text for text in errors), (column, errors)
