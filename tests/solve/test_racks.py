"""What one more generation of racks on sale changes: never a dearer plan, whatever limits are stated in shares of it.

Work of 100 MW of racks that do one unit a kWh, or of 200 MW of the old ones that do half; blocks of 10 MW at 10 M$ a
year, and old racks at 1 M$/MW: 20 blocks of them cost 400 M$.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.plan.plan import Plan
from tests.solve.small import HEAD, TWO_PERIODS, checked_plan, study_of

YEAR_OF_A_MW = 8760 * 1000
WORK = 100 * YEAR_OF_A_MW
PLACE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n'
TWO = "site,block_mw,max_blocks,cost_musd_per_year_per_block,utility,county\n"
TWO = {"sites": TWO + "s,10,10,10,A,X\nr,10,10,10,B,Y\n"}
THREE = {"sites": TWO["sites"] + "q,10,10,12,C,Z\n"}

HEADER = "rack,kw,first_year,cost_musd_per_mw,work_per_kwh\n"
OLD = HEADER + "old,10,2020,1,0.5\n"
DEAR = OLD + "dear,100,2020,50,1\n"
CHEAP = OLD + "cheap,100,2020,1.2,1\n"

STAR = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\nd,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,500\nac,a,c,0.1,500\nad,a,d,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,0\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\ns,b,10,10,10\nr,c,10,10,10\nq,d,10,10,12\n",
}
ON_GRID = '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[security]\ncontingencies = []\n'
ON_GRID += "[upgrades]\nenabled = false\n"


def plan_of(folder: Path, racks: str, more: str = "", sites: dict[str, str] = TWO, place: str = PLACE) -> Plan:
    """The plan of the work with a catalogue and more of a study file."""
    text = place + f'[demand]\nwork = {{ 2030 = {WORK} }}\nracks = "racks.csv"\n{more}[solve]\ngap = 0.0\n'
    return checked_plan(study_of(folder, text, {**sites, "racks": racks}))


LOST = 'survive_loss_of = "site"\nshare_left = {}\n'
LIMITS = {
    "none": ("", TWO, PLACE, 400),
    "share of a utility": ("[limits]\nshare_per = { utility = 0.5 }\n", TWO, PLACE, 400),
    "share of a county": ("[limits]\nshare_per_county = 0.5\n", TWO, PLACE, 400),
    # Any of three may be lost and half be left: 100 MW old at two at most, so that these two suffice.
    "half without a site": ("[limits]\n" + LOST.format(0.5), THREE, PLACE, 400),
    # Two of three must do 60 %, 120 MW old: at most 80 at one, 2 x 80 and 40 of the dearer blocks, 8 M$ more.
    "most without a site": ("[limits]\n" + LOST.format(0.6), THREE, PLACE, 408),
    "most without a substation": ("[limits]\n" + LOST.format(0.6).replace("site", "substation"), STAR, ON_GRID, 408),
    # A unit of work is worth 8 M$ a MW of the dear rack, 4 of the old: more than the 2 they cost, less than 50.
    "a price of what is not served": (f"penalty_musd_per_unit = {8 / YEAR_OF_A_MW}\n", TWO, PLACE, 400),
    # At 3 M$, or 1.5 of the old, nothing is worth building.
    "a low price": (f"penalty_musd_per_unit = {3 / YEAR_OF_A_MW}\n", TWO, PLACE, 300),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LIMITS)
def test_one_more_generation_on_sale_never_costs_more(tmp_path: Path, name: str) -> None:
    """Nothing changes with one that is too dear, and one that is not, at 2.2 M$ a MW of work, never makes it dearer."""
    more, sites, place, expected = LIMITS[name]
    costs = {
        kind: plan_of(tmp_path / kind, racks, more, sites, place).summary["objective_musd"]
        for kind, racks in (("old", OLD), ("dear", DEAR), ("cheap", CHEAP))
    }
    assert costs["old"] == pytest.approx(expected)
    assert costs["dear"] == pytest.approx(expected)
    assert costs["cheap"] <= expected + 1e-6
    # 10 blocks and 120 M$ of racks; three blocks of 4 of 10 MW at the third site would be 2 x 4 and 2 of the dearer.
    assert costs["cheap"] == pytest.approx(224 if expected == 408 else 220)


def test_what_a_loss_leaves_is_counted_by_racks(tmp_path: Path) -> None:
    """The row of the limit is in MW of the best rack: 60 of 100 are left without the site that does 40."""
    plan = plan_of(tmp_path, DEAR, "[limits]\n" + LOST.format(0.6), THREE)
    (row,) = plan.table("portfolio").to_dict("records")
    assert (row["value"], row["bound"]) == pytest.approx((60, 60))
    assert plan.table("sites")["it_mw"].max() == pytest.approx(80)


def test_a_unit_of_work_has_one_price_in_every_period(tmp_path: Path) -> None:
    """3 M$ a MW-year of new racks, from 2032 on: 1.5 of the old ones, which cost 2 with their blocks and are not built.

    New ones at 1 M$ and 1 for their block are. Not served: 100 MW of the new for two years, 600 M$, stated in 2030 as
    200 MW of the old; then 200 M$ a year for two years.
    """
    table = HEADER + "old,10,2020,1,0.5\nnew,100,2032,1,1\n"
    text = PLACE + f'[demand]\nwork = {{ 2030 = {WORK}, 2032 = {WORK} }}\nracks = "racks.csv"\n'
    text += f"penalty_musd_per_unit = {3 / YEAR_OF_A_MW}\n"
    plan = checked_plan(study_of(tmp_path, text, {**TWO, "racks": table}, TWO_PERIODS))
    assert plan.table("demand")["shortfall_mw"].tolist() == pytest.approx([200, 0])
    assert plan.summary["costs_musd"]["shortfall"] == pytest.approx(600)
    assert plan.summary["objective_musd"] == pytest.approx(1000)


def test_one_free_rack_is_the_same_as_demand_in_mw(tmp_path: Path) -> None:
    """Sites, cost and what binds are those of the MW, and the account of racks is empty."""
    limits = '[limits]\nshare_per = { utility = 0.6 }\nsurvive_loss_of = "site"\nshare_left = 0.4\n'
    free = plan_of(tmp_path / "racks", HEADER + "free,10,2020,0,1\n", limits)
    text = PLACE + "[demand]\nit_mw = { 2030 = 100 }\n" + limits + "[solve]\ngap = 0.0\n"
    plain = checked_plan(study_of(tmp_path / "mw", text, TWO))
    assert free.summary["objective_musd"] == plain.summary["objective_musd"] == pytest.approx(100)
    assert free.summary["costs_musd"]["racks"] == 0
    for name in ("demand", "portfolio"):
        assert free.table(name)["period"].tolist() == plain.table(name)["period"].tolist()
    assert free.table("demand").equals(plain.table("demand"))
    assert free.table("sites")["it_mw"].sum() == plain.table("sites")["it_mw"].sum()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"work = {{ 2030 = {WORK} }}\npenalty_musd_per_mw_year = 3\n", "penalty_musd_per_unit"),
        ("it_mw = { 2030 = 10 }\npenalty_musd_per_unit = 3\n", "penalty_musd_per_mw_year"),
        (f"work = {{ 2030 = {WORK} }}\npenalty_musd_per_unit = -1\n", "penalty_musd_per_unit"),
        (f"work = {{ 2030 = {WORK} }}\npenalty_musd_per_unit = 'dear'\n", "penalty_musd_per_unit"),
    ],
)
def test_a_price_per_mw_does_not_go_with_work_nor_one_of_work_with_mw(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        study_of(tmp_path, PLACE + "[demand]\n" + text, TWO)


IN_TEXAS = {"sites": "site,lat,lon,block_mw,max_blocks,cost_musd_per_year_per_block\ns,32.8,-96.8,10,10,10\n"}
REGION = '[grid]\nsource = "none"\n[sites]\nregion = "texas"\ntable = "sites.csv"\n'


def test_a_rack_that_no_cooling_takes_is_left_out_with_a_warning(tmp_path: Path) -> None:
    """The densest cooling takes 150 kW: the rack of 160 kW is not on sale, and the target is stated in the other."""
    racks = HEADER + "takes,135,2020,1,0.5\ndense,160,2020,1,1\n"
    text = REGION + f'[demand]\nwork = {{ 2030 = {10 * YEAR_OF_A_MW} }}\nracks = "racks.csv"\n'
    text += "[facility]\nutilization = 1.0\n"
    study = study_of(tmp_path, text, {**IN_TEXAS, "racks": racks})
    (finding,) = [f for f in study.findings if f.rule == "study.work.too_dense"]
    assert finding.severity == "warning"
    assert "dense (160 kW)" in finding.found
    assert study.case.work is not None
    assert list(study.case.work.racks.index) == ["takes"]
    plan = checked_plan(study)
    assert plan.table("demand")["target_mw"].tolist() == pytest.approx([20])
    assert set(plan.table("racks")["rack"]) == {"takes"}


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("racks", "rule"),
    [
        ("dense,160,2020,1,1\n", "study.work.density"),
        ("late,100,2035,1,1\ndense,160,2020,1,1\n", "study.work.no_rack"),
    ],
)
def test_where_only_racks_are_sold_that_nothing_cools_the_study_is_refused(
    tmp_path: Path, racks: str, rule: str
) -> None:
    text = REGION + f'[demand]\nwork = {{ 2030 = {WORK} }}\nracks = "racks.csv"\n'
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, text, {**IN_TEXAS, "racks": HEADER + racks}, HEAD)
    assert rule in {f.rule for f in refused.value.findings}
