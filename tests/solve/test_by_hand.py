"""Networks of two to four buses whose best plan is worked out on paper, through the whole way from file to check."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError, InputError
from tests.solve.small import MUSD_PER_USD_PER_H, STAR, STAR_STUDY, TWO_PERIODS, blocks, built, checked_plan, study_of

GRID = '[grid]\nsource = "grid"\n'
SITES = '[sites]\ntable = "sites.csv"\n'
NO_OUTAGES = "[security]\ncontingencies = []\n"

TRIANGLE = {
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,500\nac,a,c,0.1,80\ncb,c,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\ngb,b,200,30\n",
}


@pytest.mark.every(3)
@pytest.mark.parametrize(("first", "price"), [("a", 10), ("b", 30), ("c", 50)])
def test_congested_dispatch(tmp_path: Path, first: str, price: float) -> None:
    """150 MW at c; ga at a costs 10 $/MWh, gb at b 30. Equal reactances: f_ac = (A + 150) / 3 <= 80, so A = 90, B = 60.

    Cost 90 x 10 + 60 x 30 = 2,700 $/h. One MW more on ac lets A rise by 3 and B fall by 3: worth 60 $/MWh. One MW more
    at a comes from ga (10), at b from gb (30); at c it takes A - 1 and B + 2 (50 $/MWh). The stated energy price is
    that of the reference: of buses with equally many circuits the first of the table.
    """
    load = {"a": 0, "b": 0, "c": 150}
    order = [first, *(n for n in load if n != first)]
    buses = "bus,base_kv,load_mw\n" + "".join(f"{n},138,{load[n]}\n" for n in order)
    plan = checked_plan(study_of(tmp_path, GRID + NO_OUTAGES, {**TRIANGLE, "grid/buses": buses}))
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output.to_dict() == pytest.approx({"ga": 90, "gb": 60}, abs=1e-4)
    assert plan.summary["objective_musd"] == pytest.approx(2700 * MUSD_PER_USD_PER_H, rel=1e-6)
    assert plan.table("energy_prices")["price_usd_per_mwh"].tolist() == pytest.approx([price], abs=1e-3)
    (limit,) = plan.table("binding").to_dict("records")
    assert (limit["limit"], limit["element"], limit["contingency"]) == ("normal rating", "ac", "")
    assert (limit["value"], limit["price_usd_per_unit"]) == pytest.approx((80, 60), abs=1e-3)


def test_security_moves_the_campus(tmp_path: Path) -> None:
    """150 MW fit at b over two lines of 100 MW, but not over the one that is left; at c two are left of three.

    The site at b costs 1 M$ a year, that at c 2; energy 1,500 $/h in both. Without security b is cheaper by 1, and one
    of its lines would carry 150 of 100 MW with the other out.
    """
    plan = checked_plan(study_of(tmp_path, *STAR_STUDY), written=True)
    bold = plan.scenarios["bold"]
    assert built(plan) == ["sc"]
    assert built(bold) == ["sb"]
    energy = 1500 * MUSD_PER_USD_PER_H
    assert plan.summary["objective_musd"] == pytest.approx(energy + 2, rel=1e-6)
    assert bold.summary["objective_musd"] == pytest.approx(energy + 1, rel=1e-6)
    assert (plan.summary["n_contingencies_checked"], plan.summary["n_violations"]) == (5, 0)
    assert bold.summary["n_contingencies_checked"] == 0
    moved = plan.table("comparison").set_index("site")["difference_mw"]
    assert moved.to_dict() == {"sb": 150, "sc": -150}
    broken = plan.table("comparison_limits").set_index(["contingency", "branch"])
    # In service each of the two carries 75 MW; only the outages are missed.
    assert sorted(broken.index) == [("b1", "b2"), ("b2", "b1")]
    assert broken["flow_mw"].tolist() == pytest.approx([150, 150], abs=1e-3)
    assert broken["limit_mw"].tolist() == [100, 100]


@pytest.mark.parametrize(("upgrade_musd", "worth"), [(4.0, True), (6.0, False)])
def test_upgrade_is_built_exactly_when_it_is_cheaper(tmp_path: Path, upgrade_musd: float, worth: bool) -> None:
    """150 MW go to b (1 M$ a year) over a line of 100 MW with an upgrade of 60, or to c for 5 M$ more, without."""
    tables = {
        **STAR,
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\nac,a,c,0.1,200\n",
        "grid/upgrades": f"upgrade,branch,added_mw,cost_musd\nu,ab,60,{upgrade_musd}\n",
        "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,150,1,1\nsc,c,150,1,6\n",
    }
    plan = checked_plan(study_of(tmp_path, GRID + SITES + NO_OUTAGES + "[demand]\nit_mw = { 2030 = 150 }\n", tables))
    assert built(plan) == ["sb" if worth else "sc"]
    assert plan.table("upgrades")["upgrade"].tolist() == (["u"] if worth else [])
    expected = 1500 * MUSD_PER_USD_PER_H + (1 + upgrade_musd if worth else 6)
    assert plan.summary["objective_musd"] == pytest.approx(expected, rel=1e-6)


PAIR = {
    "grid/buses": "bus,base_kv\na,138\nb,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,500\nl2,a,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,0\n",
}


@pytest.mark.every(3)
@pytest.mark.parametrize("late", ["site", "tie", "nothing"])
def test_nothing_serves_before_it_is_ready(tmp_path: Path, late: str) -> None:
    """50 MW in 2030 and 100 MW in 2032; `near` costs 1 M$ a year and block, `far` 3; energy is free; 2 years a period.

    If `near` or its tie is ready in 2032 only, `far` must serve the first 50 MW, and a block once built stays: 4 years
    of far and 2 of near, 14 M$. If nothing is late: near alone, 2 + 4 = 6 M$.
    """
    earliest, ready = (2032 if late == kind else 2030 for kind in ("site", "tie"))
    tables = {
        **PAIR,
        "sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block,earliest\n"
        f"near,50,2,1,{earliest}\nfar,50,2,3,2030\n",
        "ties": f"site,bus,capacity_mw,cost_musd,ready\nnear,b,200,0,{ready}\nfar,b,200,0,2030\n",
    }
    text = GRID + SITES + "ties = 'ties.csv'\n" + "[demand]\nit_mw = { 2030 = 50, 2032 = 100 }\n"
    plan = checked_plan(study_of(tmp_path, text, tables, TWO_PERIODS))
    if late == "nothing":
        assert blocks(plan) == {("near", 2030): 1, ("near", 2032): 2}
    else:
        assert blocks(plan) == {("far", 2030): 1, ("far", 2032): 1, ("near", 2032): 1}
    assert plan.summary["objective_musd"] == pytest.approx(6 if late == "nothing" else 14, rel=1e-6)


@pytest.mark.parametrize(("pace", "first", "cost"), [("", 0, 4.0), ("[limits]\nnew_it_mw_per_period = 50\n", 1, 6.0)])
def test_construction_has_a_pace(tmp_path: Path, pace: str, first: int, cost: float) -> None:
    """100 MW are due in 2032: two blocks for two years, 4 M$. At 50 MW a period one must stand from 2030: 2 M$ more."""
    text = '[grid]\nsource = "none"\n' + SITES + "[demand]\nit_mw = { 2030 = 0, 2032 = 100 }\n" + pace
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,50,2,1\n"
    plan = checked_plan(study_of(tmp_path, text, {"sites": sites}, TWO_PERIODS))
    assert blocks(plan) == {**({("s", 2030): 1} if first else {}), ("s", 2032): 2}
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)


COUNTIES = (
    "site,block_mw,max_blocks,cost_musd_per_year_per_block,county\na1,50,1,1,Alpha\na2,50,1,1.5,Alpha\nb1,50,1,3,Beta\n"
)


@pytest.mark.parametrize(("limit", "sites", "cost"), [("", ["a1", "a2"], 2.5), ("0.5", ["a1", "b1"], 4.0)])
def test_share_of_a_county(tmp_path: Path, limit: str, sites: list[str], cost: float) -> None:
    """Of 100 MW, two blocks in Alpha cost 1 + 1.5 M$; with at most half of them in one county, 1 + 3 M$."""
    text = '[grid]\nsource = "none"\n' + SITES + "[demand]\nit_mw = { 2030 = 100 }\n"
    text += f"[limits]\nshare_per_county = {limit}\n" if limit else ""
    plan = checked_plan(study_of(tmp_path, text, {"sites": COUNTIES}))
    assert built(plan) == sites
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert plan.table("binding")["element"].tolist() == (["Alpha", "Beta"] if limit else [])


def test_baseline_common_cost_and_gap(tmp_path: Path) -> None:
    """40 MW of load at b cost 400 $/h, and 50 MW of IT 500 $/h more.

    Every plan pays for 50 MW at least the cheapest price per MW: at `big` (4 + 2 / 2) / 50 = 0.1, at `one` 5.5 / 50 =
    0.11; 5 M$. The best plan takes `one` (5.5), not `big` (4 + 2): what the decision changes is 500 $/h and 0.5 M$.
    """
    tables = {
        **PAIR,
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,40\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
        "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,fixed_cost_musd_per_year\n"
        "big,b,50,2,4,2\none,b,50,1,5.5,0\n",
    }
    plan = checked_plan(study_of(tmp_path, GRID + SITES + "[demand]\nit_mw = { 2030 = 50 }\n", tables))
    assert plan.summary["baseline_musd"] == pytest.approx(400 * MUSD_PER_USD_PER_H, rel=1e-6)
    assert plan.summary["common_musd"] == pytest.approx(5.0, rel=1e-9)
    assert plan.summary["objective_musd"] == pytest.approx(900 * MUSD_PER_USD_PER_H + 5.5, rel=1e-6)
    assert built(plan) == ["one"]
    difference = plan.summary["objective_musd"] - plan.summary["bound_musd"]
    assert plan.summary["gap_musd"] == pytest.approx(difference, abs=2e-6)
    decided = 500 * MUSD_PER_USD_PER_H + 0.5
    expected = difference / decided if difference > 1e-6 * plan.summary["objective_musd"] else 0.0
    assert plan.summary["gap"] == pytest.approx(expected, abs=1e-6)
    assert plan.summary["gap"] <= 0.01


OVERLOADED = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,50\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nl1,a,b,0.1,30,36\nl2,a,b,0.1,30,36\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,500,10\ngb,b,10,50\n",
    "sites": "site,bus,block_mw,max_blocks\ns,a,20,1\n",
}


def test_overloads_before_any_load_are_refused_by_name(tmp_path: Path) -> None:
    """50 MW at b, of which gb gives at most 10: 40 MW on the line that is left, 4 above its emergency rating of 36."""
    study = study_of(tmp_path, GRID + SITES + "[demand]\nit_mw = { 2030 = 20 }\n", OVERLOADED)
    with pytest.raises(InputError) as refused:
        checked_plan(study)
    assert sorted(f.where for f in refused.value.findings) == ["branch l1 after outage l2", "branch l2 after outage l1"]
    assert [f.value for f in refused.value.findings] == pytest.approx([4, 4], abs=1e-3)


def test_overloads_may_remain_and_no_more(tmp_path: Path) -> None:
    """The least summed overload is 4 MW after each outage, with gb at its 10 MW; the limits are then 40 MW.

    So gb stays at 10 MW in the plan too, although ga is cheaper. The campus is at a and loads no line:
    60 x 10 + 10 x 50 = 1,100 $/h, of which the existing load 900.
    """
    text = GRID + SITES + "[demand]\nit_mw = { 2030 = 20 }\n[security]\nbase_overloads = 'allow'\n"
    plan = checked_plan(study_of(tmp_path, text, OVERLOADED))
    allowed = plan.table("base_overloads").set_index(["branch", "contingency"])["overload_mw"]
    assert allowed.to_dict() == pytest.approx({("l1", "l2"): 4, ("l2", "l1"): 4}, abs=1e-3)
    output = plan.table("dispatch").set_index("generator")["output_mw"]
    assert output.to_dict() == pytest.approx({"ga": 60, "gb": 10}, abs=1e-3)
    assert plan.summary["objective_musd"] == pytest.approx(1100 * MUSD_PER_USD_PER_H, rel=1e-4)
    assert plan.summary["baseline_musd"] == pytest.approx(900 * MUSD_PER_USD_PER_H, rel=1e-4)
    assert plan.summary["n_violations"] == 0


def test_overload_in_service_is_allowed_too(tmp_path: Path) -> None:
    """One line of 30 MW for 50 MW of load and 10 MW of generation behind it: 10 MW too much with nothing out."""
    tables = {**OVERLOADED, "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,30\n"}
    text = GRID + SITES + "[demand]\nit_mw = { 2030 = 20 }\n[security]\nbase_overloads = 'allow'\ncontingencies = []\n"
    plan = checked_plan(study_of(tmp_path, text, tables))
    (row,) = plan.table("base_overloads").to_dict("records")
    assert (row["branch"], row["contingency"] or "") == ("l1", "")
    assert row["overload_mw"] == pytest.approx(10, abs=1e-3)


@pytest.mark.every(2)
@pytest.mark.parametrize(("splitting", "output"), [("secure", (89, 1)), ("skip", (90, 0))])
def test_outage_that_splits_is_shared_by_size(tmp_path: Path, splitting: str, output: tuple[float, float]) -> None:
    """A triangle, 150 MW at c, and a spur to d, where gd gives 60 MW for nothing; ga (200 MW, 10 $/MWh), gb (100, 20).

    With the spur out, ga and gb make up for its 60 MW in proportion 2 to 1: A + 40, B + 20, and f_ac = (A + 190) / 3,
    at most 93 MW: A = 89. (In service (A + 90) / 3, after ab A, after cb A + B = 90: all less.) Giving up gd instead
    would cost 20 $/MWh and win 2/3 x 10. Where splitting outages are left out, A = 90.
    """
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\nc,138,150\nd,138,0\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
        "ab,a,b,0.1,300,300\nac,a,c,0.1,93,93\ncb,c,b,0.1,300,300\ncd,c,d,0.1,300,300\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\ngb,b,100,20\ngd,d,60,0\n",
    }
    plan = checked_plan(study_of(tmp_path, GRID + f"[security]\nsplitting = '{splitting}'\n", tables))
    found = plan.table("dispatch").set_index("generator")["output_mw"].to_dict()
    assert found == pytest.approx({"ga": output[0], "gb": output[1], "gd": 60}, abs=1e-3)
    cost = (10 * output[0] + 20 * output[1]) * MUSD_PER_USD_PER_H
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert plan.summary["n_contingencies_checked"] == (4 if splitting == "secure" else 3)


@pytest.mark.every(2)
@pytest.mark.parametrize(("penalty", "served", "cost"), [(0.1, 50, 7.0), (0.05, 0, 4.0)])
def test_shortfall_at_its_price(tmp_path: Path, penalty: float, served: float, cost: float) -> None:
    """80 MW are asked, the only block has 50 for 4 M$ a year.

    At 0.1 M$ per MW the block saves 5: 4 + 30 x 0.1 = 7 M$. At 0.05 it saves 2.5 and is not worth it: 80 x 0.05 = 4 M$.
    """
    text = '[grid]\nsource = "none"\n' + SITES
    text += f"[demand]\nit_mw = {{ 2030 = 80 }}\npenalty_musd_per_mw_year = {penalty}\n"
    sites = "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,50,1,4\n"
    plan = checked_plan(study_of(tmp_path, text, {"sites": sites}))
    (row,) = plan.table("demand").to_dict("records")
    assert (row["served_mw"], row["shortfall_mw"]) == (served, 80 - served)
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)
    assert plan.summary["costs_musd"]["shortfall"] == pytest.approx(penalty * (80 - served), rel=1e-6)


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("rating", "block", "demand"),
    [(60, 50, 200), (60, 100, 100), (60, 100, 50)],
    ids=["more than the sites hold", "more than the lines carry", "half a block would fit, a whole one does not"],
)
def test_no_plan_is_said_to_be_infeasible(tmp_path: Path, rating: float, block: float, demand: float) -> None:
    tables = {
        **PAIR,
        "grid/branches": f"branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,{rating}\n",
        "sites": f"site,bus,block_mw,max_blocks\ns,b,{block},1\n",
    }
    text = GRID + SITES + NO_OUTAGES + f"[demand]\nit_mw = {{ 2030 = {demand} }}\n"
    with pytest.raises(InfeasibleError) as refused:
        checked_plan(study_of(tmp_path, text, tables))
    assert refused.value.findings
    assert all(f.message and f.remedy for f in refused.value.findings)


def test_no_site_is_built_empty(tmp_path: Path) -> None:
    """A site that costs nothing to have is built only if it holds a block: one of three here."""
    text = '[grid]\nsource = "none"\n' + SITES + "[demand]\nit_mw = { 2030 = 50 }\n"
    plan = checked_plan(study_of(tmp_path, text, {"sites": COUNTIES}))
    assert plan.table("sites")["blocks"].tolist() == [1]
    assert plan.summary["n_sites"] == 1


def test_construction_has_a_pace_on_a_grid_too(tmp_path: Path) -> None:
    """As without a network; energy is free."""
    text = GRID + SITES + "[demand]\nit_mw = { 2030 = 0, 2032 = 100 }\n[limits]\nnew_it_mw_per_period = 50\n"
    sites = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\ns,b,50,2,1\n"
    plan = checked_plan(study_of(tmp_path, text, {**PAIR, "sites": sites}, TWO_PERIODS))
    assert blocks(plan) == {("s", 2030): 1, ("s", 2032): 2}


def test_sites_of_no_county_are_not_limited(tmp_path: Path) -> None:
    """Half of the target is all that a county may hold; the two cheaper sites are in none, and may hold all."""
    text = '[grid]\nsource = "none"\n' + SITES + "[demand]\nit_mw = { 2030 = 100 }\n[limits]\nshare_per_county = 0.5\n"
    plan = checked_plan(study_of(tmp_path, text, {"sites": COUNTIES.replace("Alpha", "")}))
    assert built(plan) == ["a1", "a2"]
    assert "" not in plan.table("binding")["element"].tolist()
