"""Limits of the portfolio, deliveries and carbon on studies whose best plan is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.plan.checks_portfolio import check_deliveries, check_limits
from optimizer.plan.plan import tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from tests.solve.small import HEAD, STAR, TWO_PERIODS, blocks, built, checked_plan, study_of

BARE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
GROUPS = (
    "site,block_mw,max_blocks,cost_musd_per_year_per_block,utility,provider,country,state\n"
    "a1,50,1,1,North,P,US,US-TX\na2,50,1,1.5,North,P,US,US-OK\nb1,50,1,3,South,Q,CA,CA-ON\n"
)


@pytest.mark.every(2)
@pytest.mark.parametrize("column", ["utility", "provider", "country"])
@pytest.mark.parametrize(("share", "sites", "cost"), [(1.0, ["a1", "a2"], 2.5), (0.5, ["a1", "b1"], 4.0)])
def test_share_of_any_column(tmp_path: Path, column: str, share: float, sites: list[str], cost: float) -> None:
    """Of 100 MW, two blocks of one group cost 1 + 1.5 M$; with at most half of them in one, 1 + 3 M$."""
    text = BARE + f"[limits]\nshare_per = {{ {column} = {share} }}\n"
    plan = checked_plan(study_of(tmp_path, text, {"sites": GROUPS}), written=column == "utility")
    assert built(plan) == sites
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    shown = plan.table("portfolio").set_index("element")
    assert set(shown["limit"]) == {f"{column} share"}
    assert shown["bound"].unique().tolist() == [100 * share]


def test_share_of_a_state_that_already_spreads(tmp_path: Path) -> None:
    """Every site stands in a state of its own, so half in each changes nothing: 2.5 M$ as without the limit."""
    text = BARE + "[limits]\nshare_per = { state = 0.5 }\n"
    assert checked_plan(study_of(tmp_path, text, {"sites": GROUPS})).summary["objective_musd"] == pytest.approx(2.5)


def test_share_per_county_is_the_key_of_its_own(tmp_path: Path) -> None:
    """Both ways of writing it give the same rows and the same optimum."""
    sites = GROUPS.replace("utility", "county")
    plans = [
        checked_plan(study_of(tmp_path / str(i), BARE + f"[limits]\n{key}\n", {"sites": sites}))
        for i, key in enumerate(("share_per_county = 0.5", "share_per = { county = 0.5 }"))
    ]
    assert [built(plan) for plan in plans] == [["a1", "b1"]] * 2
    assert plans[0].table("binding").equals(plans[1].table("binding"))


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("left", "expected", "cost"),
    [(0.0, {"a": 2}, 2.0), (0.5, {"a": 1, "b": 1}, 4.0), (0.7, {"a": 2, "b": 2}, 8.0), (1.0, {"a": 2, "b": 2}, 8.0)],
)
def test_loss_of_any_site(tmp_path: Path, left: float, expected: dict[str, int], cost: float) -> None:
    """Blocks of 50 MW at 1, 3 and 5 M$ a year, two each, for 100 MW.

    Without the limit two at a. To keep 50 MW after any loss one must stand elsewhere: a and b. To keep 70 MW two must:
    two at a and two at b cost 8 M$ and leave 100 MW; one at each of three sites would cost 9 M$.
    """
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block\na,50,2,1\nb,50,2,3\nc,50,2,5\n"
    text = BARE + f'[limits]\nsurvive_loss_of = "site"\nshare_left = {left}\n'
    plan = checked_plan(study_of(tmp_path, text, {"sites": sites}))
    assert {s: n for (s, _), n in blocks(plan).items()} == expected
    assert plan.summary["objective_musd"] == pytest.approx(cost)


GRID = '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
AT_BUSES = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\n"


@pytest.mark.every(3)
@pytest.mark.parametrize(("kind", "left", "cost"), [("site", 0.5, 3.0), ("substation", 0.5, 5.0), ("site", 0.0, 2.0)])
def test_loss_of_any_substation(tmp_path: Path, kind: str, left: float, cost: float) -> None:
    """Blocks of 50 MW: b1 and b2 at bus b for 1 and 2 M$ a year, c1 at bus c for 4; every bus is a substation.

    Two blocks at b1 cost 2 M$. To survive a site, b1 and b2: 3 M$. To survive a substation, b1 and c1: 5 M$.
    """
    sites = AT_BUSES + "b1,b,50,2,1\nb2,b,50,2,2\nc1,c,50,2,4\n"
    text = GRID + f'[security]\ncontingencies = []\n[limits]\nsurvive_loss_of = "{kind}"\nshare_left = {left}\n'
    free = {**STAR, "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,0\n", "sites": sites}
    plan = checked_plan(study_of(tmp_path, text, free), written=True)
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)


@pytest.mark.every(3)
@pytest.mark.parametrize(("limit", "cost"), [("site = 100", 2.0), ("site = 60", 3.0), ("substation = 60", 5.0)])
def test_largest_loss(tmp_path: Path, limit: str, cost: float) -> None:
    """The same sites: no more than 60 MW at a site asks for two of them, no more at a substation for both buses."""
    sites = AT_BUSES + "b1,b,50,2,1\nb2,b,50,2,2\nc1,c,50,2,4\n"
    text = GRID + f"[security]\ncontingencies = []\n[limits]\nlargest_loss_mw = {{ {limit} }}\n"
    free = {**STAR, "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,0\n", "sites": sites}
    plan = checked_plan(study_of(tmp_path, text, free))
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)


TWO = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 0, 2032 = 100 }\n'
ONE_SITE = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,50,2,1\n"}


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("delivery", "first", "cost"),
    [
        ("per_mw = 10\nper_year = { 2031 = 500 }", 0, 4.0),
        ("per_mw = 10\nper_year = { 2030 = 500, 2031 = 250 }", 1, 6.0),
        ("per_mw = 10\nper_year = { 2030 = 500, 2031 = 250 }\nstorable = true", 0, 4.0),
        ("per_site = 1\nper_year = { 2030 = 1, 2031 = 0 }", 1, 6.0),
    ],
)
def test_deliveries(tmp_path: Path, delivery: str, first: int, cost: float) -> None:
    """100 MW are due in 2032: two blocks for two years, 4 M$. Ten items a MW, so 500 a block, from 2030 on.

    500 a year from 2031: 1,000 arrive by 2032. 500 in 2030 and 250 in each of 2031 and 2032: where they cannot be
    stored one block must stand from 2030, 2 M$ more; stored, both can wait. One item a site, in 2030 only: the site
    must stand then, with at least a block.
    """
    head = TWO_PERIODS.replace("periods = [2030, 2032]", "periods = [2030, 2032]\ndecision_year = 2030")
    text = TWO + f'[[limits.delivery]]\nitem = "accelerators"\n{delivery}\n'
    plan = checked_plan(study_of(tmp_path, text, ONE_SITE, head), written=True)
    assert blocks(plan) == {**({("s", 2030): first} if first else {}), ("s", 2032): 2}
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert len(plan.table("deliveries")) == 2
    assert plan.table("build_ahead")["cost_musd"].tolist() == pytest.approx([2.0] if first else [])


def test_deliveries_of_one_kind(tmp_path: Path) -> None:
    """Chips for one block: campuses at 1 M$ a year take them, leased capacity at 3 M$ does not: 4 M$, not 2."""
    sites = "site,kind,block_mw,max_blocks,cost_musd_per_year_per_block\nown,campus,50,2,1\nrent,lease,50,2,3\n"
    text = BARE + '[[limits.delivery]]\nitem = "chips"\nper_mw = 1\nper_year = { 2026 = 10 }\n'
    limited = checked_plan(study_of(tmp_path / "1", text + 'kinds = ["campus"]\n', {"sites": sites}))
    assert limited.summary["objective_musd"] == pytest.approx(4.0)
    with pytest.raises(InputError, match="fewer than the 100 MW"):
        study_of(tmp_path / "2", text, {"sites": sites})


@pytest.mark.parametrize(("pace", "cost"), [(25, 6.0), (50, 4.0)])
def test_yearly_pace(tmp_path: Path, pace: float, cost: float) -> None:
    """From 2031 to 2032 25 MW a year carry 50, so that a block stands from 2030; 50 a year carry both."""
    head = TWO_PERIODS.replace("periods = [2030, 2032]", "periods = [2030, 2032]\ndecision_year = 2027")
    text = TWO + f"[limits]\nnew_it_mw_per_year = {pace}\n"
    assert checked_plan(study_of(tmp_path, text, ONE_SITE, head)).summary["objective_musd"] == pytest.approx(cost)


FACILITY = (
    "[facility]\nshell_share = 0.5\nit_cost_musd_per_mw = 20\nstaff_people_per_mw = 0.5\nbuilding_t_per_mw = 2000\n"
    "it_t_per_mw = 300\nrefresh_years = 5\nit_mass_t_per_mw = 10\n"
)


def test_embodied_carbon_has_a_price_and_a_cap(tmp_path: Path) -> None:
    """100 MW: 2,000 t a MW in buildings, paid in the study's one year, and 300 / 5 t a year: 206,000 t at 100 $/t.

    That is 20.6 M$ beside 2 M$ for the blocks. All that stands embodies 230,000 t: a cap of 229,999 leaves no plan.
    """
    head = HEAD + "carbon_price_usd_per_t = 100\n"
    text = BARE + FACILITY + "[limits]\nembodied_t = { 2030 = 230000 }\n"
    plan = checked_plan(study_of(tmp_path / "1", text, ONE_SITE, head))
    assert plan.summary["objective_musd"] == pytest.approx(22.6)
    assert plan.summary["costs_musd"]["carbon"] == pytest.approx(20.6)
    (row,) = plan.table("facilities").to_dict("records")
    shown = ("it_musd", "staff_people", "embodied_t", "renewed_t_per_year", "ewaste_t_per_year")
    assert [row[name] for name in shown] == pytest.approx([2000, 50, 230_000, 6000, 200])
    study = study_of(tmp_path / "2", text.replace("230000", "229999"), ONE_SITE, head)
    with pytest.raises(InfeasibleError):
        checked_plan(study)


LOOSER = (
    ("share_per = {{ utility = {} }}", (0.5, 0.7, 1.0)),
    ('survive_loss_of = "site"\nshare_left = {}', (1.0, 0.5, 0.0)),
    ("largest_loss_mw = {{ site = {} }}", (50, 60, 100)),
    ('[[limits.delivery]]\nitem = "chips"\nper_site = 1\nper_year = {{ 2030 = {} }}', (1, 2, 3)),
)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "values"), LOOSER)
def test_a_looser_limit_never_costs_more_and_the_loosest_is_none(
    tmp_path: Path, limit: str, values: tuple[float, ...]
) -> None:
    """Costs fall, or stay, from limit to limit; the last value limits nothing: the cost of the study without it."""
    tables = {"sites": GROUPS + "c1,100,1,9,South,Q,CA,CA-ON\n"}
    texts = ["", *("[limits]\n" + limit.format(value) + "\n" for value in values)]
    free, *limited = (
        checked_plan(study_of(tmp_path / str(i), BARE + text, tables)).summary["objective_musd"]
        for i, text in enumerate(texts)
    )
    assert limited == sorted(limited, reverse=True)
    assert limited[-1] == pytest.approx(free)


def test_verify_finds_a_broken_limit_and_a_changed_table(tmp_path: Path) -> None:
    """The plan of the free study breaks a share of half; a changed number of a table is named with its cell."""
    free = study_of(tmp_path / "free", BARE, {"sites": GROUPS})
    held = study_of(tmp_path / "held", BARE + "[limits]\nshare_per = { utility = 0.5 }\n", {"sites": GROUPS})
    plan = tidy_plan(solve_study(free))
    context = Context(free.folder, "", plan.summary, plan.tables, held, held.case)
    assert "plan.portfolio.utility_share" in {f.rule for f in check_limits(context)}
    plan = tidy_plan(solve_study(held))
    assert check_limits(Context(held.folder, "", plan.summary, plan.tables, held, held.case)) == []
    table = plan.tables["portfolio"].assign(value=7.0)
    changed = Context(held.folder, "", plan.summary, {**plan.tables, "portfolio": table}, held, held.case)
    assert any("column value" in f.where for f in check_limits(changed))


def test_verify_finds_items_that_never_arrived(tmp_path: Path) -> None:
    """100 MW take 100 chips; the plan of a study in which 200 arrive is not one of a study in which 60 do."""
    text = BARE + 'penalty_musd_per_mw_year = 1\n[[limits.delivery]]\nitem = "chips"\nper_mw = 1\n'
    text += "per_year = { 2030 = {} }\n"
    many = study_of(tmp_path / "many", text.replace("{}", "200"), {"sites": GROUPS})
    few = study_of(tmp_path / "few", text.replace("{}", "60"), {"sites": GROUPS})
    plan = tidy_plan(solve_study(many))
    assert check_deliveries(Context(many.folder, "", plan.summary, plan.tables, many, many.case)) == []
    context = Context(few.folder, "", plan.summary, plan.tables, few, few.case)
    assert "plan.portfolio.delivery" in {f.rule for f in check_deliveries(context)}
    # One block of 50 MW is left, at 1 M$, and 50 MW are not served at 1 M$ each.
    assert checked_plan(few).summary["objective_musd"] == pytest.approx(51.0)


@pytest.mark.slow
def test_the_report_shows_the_portfolio(tmp_path: Path) -> None:
    """Limits, items and facilities have their sections, and names of the user's are text."""
    limits = "[limits]\nshare_per = { utility = 0.5 }\n" + (
        '[[limits.delivery]]\nitem = "<b>chips</b>"\nper_mw = 1\nper_year = { 2030 = 200 }\n'
    )
    study = study_of(tmp_path, BARE + FACILITY + limits, {"sites": GROUPS})
    page = render_report(checked_plan(study))
    assert "Limits of the portfolio" in page
    assert "Rationed items by period" in page
    assert "What the campuses are made of" in page
    assert "<b>chips" not in page


@pytest.mark.slow
def test_emissions_of_a_table_of_sites_need_no_region(tmp_path: Path) -> None:
    """The dearer site is the cleaner: 50 MW all year at 0.1 t/MWh are 43,800 t; capped, it is the one that is built."""
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh\nx,50,1,1,0.5\ny,50,1,2,0.1\n"
    text = BARE.replace("100", "50") + "[facility]\nutilization = 1\n"
    assert built(checked_plan(study_of(tmp_path, text, {"sites": sites}))) == ["x"]
    priced = HEAD + "carbon_price_usd_per_t = 10\n"
    plan = checked_plan(study_of(tmp_path / "priced", text, {"sites": sites}, priced))
    assert built(plan) == ["y"]
    assert plan.summary["objective_musd"] == pytest.approx(2 + 0.438, rel=1e-6)
    capped = text + "[limits]\ncarbon_t_per_year = { 2030 = 50000 }\n"
    assert built(checked_plan(study_of(tmp_path / "capped", capped, {"sites": sites}))) == ["y"]
    least = HEAD.replace("periods", "objective = 'carbon'\nperiods")
    assert built(checked_plan(study_of(tmp_path / "least", text, {"sites": sites}, least))) == ["y"]
