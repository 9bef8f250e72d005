"""Leased, cloud and orbital capacity beside campuses on a grid: it competes at its price, and adds nothing to the grid.

Optima are worked out by hand on the network of `tests.solve.rented_cases`, which carries 300 MW whatever is out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import Finding, InfeasibleError
from optimizer.plan import checks_files, checks_structure
from optimizer.plan.plan import Plan
from optimizer.plan.verify import checks_for
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.solve.explain.site import why_site
from optimizer.study import Study
from optimizer.study.precheck import precheck
from tests.solve.optima import least_musd
from tests.solve.rented_cases import CAMPUS_MUSD, STUDY, cloud, lease, read
from tests.solve.small import TWO_PERIODS, blocks, checked_plan

MOVED = ("sites", "ties", "dispatch", "flows", "contingencies", "costs")
"""Tables of what a plan decides and what follows on the network."""


@pytest.mark.every(2)
@pytest.mark.parametrize(("price", "leased"), [(12.0, 1), (9.0, 4), (9.5, 1), (1000.0, 1)])
def test_the_grid_serves_what_it_can_and_a_lease_the_rest(tmp_path: Path, price: float, leased: int) -> None:
    """350 MW are seven blocks and the grid carries six: one is leased whatever it costs, four below 9.38 M$ a block."""
    plan = checked_plan(read(tmp_path, lease(price)), written=price == 12.0)
    assert blocks(plan)["rent", 2030] == leased
    assert plan.summary["objective_musd"] == pytest.approx(leased * price + (7 - leased) * CAMPUS_MUSD)
    drawn = plan.table("dispatch")["output_mw"].sum()
    assert drawn == pytest.approx(50 * (7 - leased))
    assert set(plan.table("ties")["site"]) <= {"sb", "sc"}
    assert plan.table("sites").set_index("site").at["rent", "water_m3_day"] == 0


def test_a_lease_that_is_too_dear_changes_nothing(tmp_path: Path) -> None:
    text = STUDY.replace("350", "300")
    without = checked_plan(read(tmp_path / "without", text=text))
    beside = checked_plan(read(tmp_path / "beside", lease(9.5), text=text))
    for name in MOVED:
        pd.testing.assert_frame_equal(without.table(name), beside.table(name), check_dtype=False)


@pytest.mark.slow
def test_more_to_rent_never_costs_more(tmp_path: Path) -> None:
    """At 20 M$ a block not served the seventh costs 20; a cloud serves it at 15, a lease at 11, and all at 8."""
    offers = ["", cloud(15.0), cloud(15.0) + lease(11.0), cloud(15.0) + lease(8.0, 7)]
    more = "penalty_musd_per_mw_year = 0.4\n"
    costs = [least_musd(read(tmp_path / str(n), rented, more)) for n, rented in enumerate(offers)]
    assert costs == pytest.approx([6 * CAMPUS_MUSD + last for last in (20, 15, 11)] + [7 * 8])


def test_what_is_rented_needs_no_generation(tmp_path: Path) -> None:
    """A generator of 300 MW serves 300 MW on campuses, and pre-checks know that the rest draws nothing from it."""
    small = "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,300,10\n"
    study = read(tmp_path, lease(12.0), generators=small)
    assert precheck(study.case) == ()
    assert blocks(checked_plan(study))["rent", 2030] == 1


def test_a_lease_serves_before_ties_can(tmp_path: Path) -> None:
    """Ties serve from 2032 on: 50 MW are leased in 2030 for four years at 12 M$, and the next 50 MW are on a campus."""
    ties = "site,bus,capacity_mw,cost_musd,ready\nsb,b,300,0,2032\nsc,c,300,0,2032\n"
    text = STUDY.replace("{ 2030 = 350 }", "{ 2030 = 50, 2032 = 100 }")
    text = text.replace('"sites.csv"', '"sites.csv"\nties = "ties.csv"')
    (tmp_path / "ties.csv").write_text(ties, encoding="utf-8")
    plan = checked_plan(read(tmp_path, lease(12.0), text=text, head=TWO_PERIODS))
    assert plan.summary["objective_musd"] == pytest.approx(4 * 12 + 2 * CAMPUS_MUSD)
    late = read(tmp_path, lease(12.0, earliest="2031"), text=text, head=TWO_PERIODS)
    assert [f.rule for f in precheck(late.case)] == ["study.demand.beyond_sites"]


@pytest.mark.slow
def test_a_substation_s_share_is_of_all_that_is_served(tmp_path: Path) -> None:
    """200 MW, at most a quarter behind a substation: 50 MW at b, 50 MW at c, and 100 MW leased."""
    text = STUDY.replace("350", "200") + "[limits]\nshare_per_substation = 0.25\n"
    plan = checked_plan(read(tmp_path / "with", lease(12.0), text=text))
    assert blocks(plan) == {("sb", 2030): 1, ("sc", 2030): 1, ("rent", 2030): 2}
    assert least_musd(read(tmp_path / "without", text=text)) == float("inf")


LIMITS: dict[str, tuple[str, float]] = {
    # Of 350 MW a site must leave 60 % when it is lost: none has more than 140, so 100 + 100 on campuses, and 150.
    "loss of a site": ('survive_loss_of = "site"\nshare_left = 0.6\nlargest_loss_mw = { site = 150 }\n', 3),
    # A substation behind which 100 MW may be lost leaves 200 MW to campuses, and 150 MW are leased.
    "loss of a substation": ("largest_loss_mw = { substation = 100 }\n", 3),
    # 43 % of 350 MW in a county are three blocks: three at c, three at b where two arrive: so two leased.
    "share of a county": ("share_per_county = 0.43\n", 2),
    "share of a zone": ("share_per = { zone = 0.3 }\n", 3),
    "share of a kind": ("share_per = { kind = 0.58 }\n", 3),
}


@pytest.mark.every(3)
@pytest.mark.parametrize("name", list(LIMITS))
def test_limits_of_the_portfolio(tmp_path: Path, name: str) -> None:
    limits, leased = LIMITS[name]
    plan = checked_plan(read(tmp_path, lease(12.0, 3) + cloud(100.0), f"[limits]\n{limits}"))
    assert blocks(plan).get(("rent", 2030), 0) == leased


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("kinds", "leased", "cost"),
    [('["campus"]', 3, 3 * 12 + 4 * CAMPUS_MUSD), ('["campus", "lease"]', 0, 4 * CAMPUS_MUSD + 3 * 40)],
)
def test_chips_are_delivered_to_leased_halls_too(tmp_path: Path, kinds: str, leased: int, cost: float) -> None:
    """200 chips, one a MW: four blocks. A lease needs none of its own, or as many as a campus; a cloud has its own."""
    more = '[[limits.delivery]]\nitem = "chips"\nper_mw = 1\nper_tie = 0\nper_year = { 2026 = 40 }\n'
    study = read(tmp_path, lease(12.0, 3) + cloud(40.0), f"{more}kinds = {kinds}\n")
    plan = checked_plan(study)
    assert blocks(plan).get(("rent", 2030), 0) == leased
    assert plan.summary["objective_musd"] == pytest.approx(cost)


@pytest.mark.slow
def test_a_tie_s_items_are_not_needed(tmp_path: Path) -> None:
    """One tie's transformers arrive: six blocks at c are two more than arrive there, so three are leased."""
    more = '[[limits.delivery]]\nitem = "transformers"\nper_tie = 2\nper_year = { 2026 = 0, 2030 = 2 }\n'
    plan = checked_plan(read(tmp_path, lease(12.0), more))
    assert blocks(plan) == {("sc", 2030): 4, ("rent", 2030): 3}


RACKS = 'racks = "racks.csv"\n'


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("rent", "sky", "chosen"), [(8.0, 40.0, "rent"), (10.0, 19.0, "sky"), (10.0, 20.0, "sb")], ids=str
)
def test_work_is_done_where_racks_and_rent_cost_least(tmp_path: Path, rent: float, sky: float, chosen: str) -> None:
    """50 MW of racks at 0.2 M$/MW: 19.38 M$ on a campus, the rent and 10 M$ leased, and the rent alone in a cloud."""
    (tmp_path / "racks.csv").write_text("rack,kw,first_year,cost_musd_per_mw,work_per_kwh\nr,40,2025,0.2,1\n")
    text = STUDY.replace("it_mw = { 2030 = 350 }", f"work = {{ 2030 = {50 * 8760 * 1000} }}\n{RACKS}")
    plan = checked_plan(read(tmp_path, lease(rent) + cloud(sky), text=text))
    assert list(blocks(plan)) == [(chosen, 2030)]
    own = {"rent": rent + 10, "sky": sky, "sb": CAMPUS_MUSD + 10}
    assert plan.summary["objective_musd"] == pytest.approx(own[chosen])


def test_orbit_competes_for_a_total_on_a_grid(tmp_path: Path) -> None:
    """Satellites at 0.1 M$ a MW and year are 5 M$ a block, of which at most two are launched; five are on campuses."""
    more = (
        "[orbit]\nlaunch_usd_per_kg = 0\noperation_usd_per_kw_year = 100\nramp_mw_per_year = 100\nbreak_even = false\n"
    )
    plan = checked_plan(read(tmp_path, "shell,orbital,,50,4,0,,,\n", more))
    assert blocks(plan)["shell", 2030] == 2
    assert plan.summary["objective_musd"] == pytest.approx(2 * 5 + 5 * CAMPUS_MUSD)


SERVICE = """\
[service]
curtailable_share = 0.02
curtailment_usd_per_mwh = 100
[[service.tariff]]
jurisdiction = "US-TX"
demand_usd_per_kw_month = 6
tax_musd_per_mw_year = 0.01
[service.backup]
share = 0.5
hours_per_year = 100
fuel_usd_per_mwh = 50
carbon_t_per_mwh = 0.7
"""

SNAPSHOTS = "snapshot,hours,load_factor\npeak,87.6,1.0\nlight,8672.4,0.5\n"
BESIDE = {
    "curtailable service": SERVICE,
    "loss of a campus": '[security]\ncontingencies = ["branch", "campus"]\n',
    "own supply": '[supply]\ntechnologies = ["engine"]\n[adequacy]\nreserve_margin = 0.1\nimport_mw = { s = 400 }\n',
    "a carbon-free share": '[supply]\ntechnologies = ["wind"]\n[limits]\ncarbon_free_share = { 2030 = 0.1 }\n'
    "max_generators_per_site = 2\n",
}


@pytest.mark.every(4)
@pytest.mark.parametrize("name", list(BESIDE))
def test_parts_about_the_grid_leave_what_is_rented_alone(tmp_path: Path, name: str) -> None:
    """Neither curtailed, backed up, taxed, supplied nor lost: and every figure is recomputed."""
    plan = checked_plan(read(tmp_path, lease(12.0), BESIDE[name], snapshots=SNAPSHOTS))
    assert blocks(plan)["rent", 2030] >= 1
    for table in ("service", "service_years", "supply", "ties", "rules"):
        assert "rent" not in set(plan.table(table).get("site", []))
    if name == "curtailable service":
        tax = plan.table("transfers").set_index("account").at["tax", "amount_musd"]
        sites = plan.table("sites").set_index("site")
        assert tax == pytest.approx(0.01 * sites.drop(index="rent")["it_mw"].sum())


def test_rules_bind_who_builds(tmp_path: Path) -> None:
    """A state that forbids campuses refuses those that would stand there, and lets halls that stand be rented."""
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nid = "r"\ntitle = "No campus"\njurisdiction = "US-TX"\nstatus = "in_force"\nforbid = true\n'
        'source = "s"\nconfidence = "primary"\n',
        encoding="utf-8",
    )
    text = STUDY.replace("sources = []", 'sources = ["rules.toml"]').replace("350", "150")
    study = read(tmp_path, lease(12.0), text=text)
    assert study.candidates.refused["place"].tolist() == ["sb", "sc"]
    plan = checked_plan(study)
    assert blocks(plan) == {("rent", 2030): 3}
    assert plan.table("rules").empty


def _broken(plan: Plan, study: Study, change: Callable[[dict[str, pd.DataFrame]], None]) -> set[str]:
    """Rules that a plan breaks once its tables are changed."""
    tables = {name: table.copy() for name, table in plan.tables.items()}
    change(tables)
    context = Context(study.folder, "", plan.summary, tables, study, study.case)
    found: list[Finding] = [f for check in checks_structure.CHECKS for f in check(context)]
    if not found:
        found = [f for check in checks_for(context) if check not in checks_files.CHECKS for f in check(context)]
    return {f.rule for f in found if f.severity == "error"}


@pytest.mark.slow
def test_verify_finds_what_is_wrong_with_a_lease(tmp_path: Path) -> None:
    study = read(tmp_path, lease(12.0, 2))
    plan = checked_plan(study)

    def larger(tables: dict[str, pd.DataFrame]) -> None:
        sites = tables["sites"]
        sites.loc[sites["site"] == "rent", ["blocks", "it_mw", "facility_mw", "firm_mw"]] = [3, 150, 150, 150]

    def tied(tables: dict[str, pd.DataFrame]) -> None:
        sites = tables["sites"]
        sites.loc[sites["site"] == "rent", "bus"] = "b"

    def another_s_tie(tables: dict[str, pd.DataFrame]) -> None:
        tables["ties"] = tables["ties"].assign(site="rent")

    def untied(tables: dict[str, pd.DataFrame]) -> None:
        tables["ties"] = tables["ties"].iloc[:0]

    assert _broken(plan, study, lambda tables: None) == set()
    assert "plan.site.too_many_blocks" in _broken(plan, study, larger)
    assert _broken(plan, study, tied)
    assert "plan.tie.of_another_site" in _broken(plan, study, another_s_tie)
    assert "plan.tie.one_a_site" in _broken(plan, study, untied)


def test_why_a_lease_is_not_chosen(tmp_path: Path) -> None:
    """A cloud at 20 M$ a block takes the place of the block leased at 12: 8 M$ more."""
    plan = checked_plan(read(tmp_path, lease(12.0) + cloud(20.0)))
    reasons = why_site(replace(plan, study=read(tmp_path, lease(12.0) + cloud(20.0))), "sky")
    assert not reasons.is_built
    assert reasons.difference_musd == pytest.approx(8.0)
    assert reasons.moved_mw == {"rent": -50.0}
    assert why_site(plan, "rent").substitute == "sky"


@pytest.mark.slow
def test_what_is_short_with_a_lease_in_the_study(tmp_path: Path) -> None:
    """Sites hold 700 MW, the grid carries 300 and 100 are leased: 450 MW are 50 MW too many, 900 MW beyond all."""
    for target, named in ((450, ("lower [demand] it_mw by 50 MW", "50 MW more of IT load at site rent")), (900, ())):
        study = read(tmp_path / str(target), lease(12.0, 2), text=STUDY.replace("350", str(target)))
        with pytest.raises(InfeasibleError) as refused:
            solve_study(study)
        said = " ".join(str(f) for f in refused.value.findings)
        assert all(text in said for text in named), said
        assert ("700.0 of 900.0 MW" in said) is (target == 900)


@pytest.mark.slow
def test_the_report_says_what_is_rented(tmp_path: Path) -> None:
    page = render_report(checked_plan(read(tmp_path, lease(12.0))))
    assert ">lease<" in page
    assert ">Kind" in page
    assert ">Kind" not in render_report(checked_plan(read(tmp_path / "own", text=STUDY.replace("350", "300"))))


@pytest.mark.slow
def test_two_periods_keep_what_is_rented(tmp_path: Path) -> None:
    """What is rented stays: 350 MW for both periods, in studies of several years too."""
    text = STUDY.replace("{ 2030 = 350 }", "{ 2030 = 350, 2032 = 350 }")
    plan = checked_plan(read(tmp_path, lease(12.0), text=text, head=TWO_PERIODS))
    assert plan.summary["objective_musd"] == pytest.approx(4 * (12 + 6 * CAMPUS_MUSD))
