"""Sites with an archetype or a rack density of their own: what they are made of, use and may be cooled by.

Ten blocks of 10 MW at a traditional hall (10 M$ a year each) and at edge sites (11 M$): their archetypes use 0.75 and
0.5 of the IT capacity, and embody 2,000 t of building and 350 t of IT a MW, the IT renewed in 5 years.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import InputError
from optimizer.plan.checks_halls import check_density, check_halls
from optimizer.plan.plan import Plan
from optimizer.plan.verify_context import Context
from optimizer.study import Study
from tests.solve.small import HEAD, blocks, built, checked_plan, study_of

PLACE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[solve]\ngap = 0.0\n'
COLUMNS = "site,archetype,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh\n"
TWO = COLUMNS + "hall,traditional,10,10,10,0.5\nnear,edge,10,10,11,0.5\n"


def alone(folder: Path, mw: float, more: str = "", sites: str = TWO) -> Study:
    return study_of(folder, PLACE + f"[demand]\nit_mw = {{ 2030 = {mw} }}\n{more}", {"sites": sites})


def cost_musd(plan: Plan) -> float:
    return float(plan.summary["objective_musd"])


@pytest.mark.parametrize(
    ("price", "site", "expected"),
    [
        # A MW emits 8,760 h x 0.5 t x 0.75 = 3,285 t in the hall and 2,190 t at the edge, and its making 2,070 t.
        (90, "hall", 10 * 10 + 100 * (3285 + 2070) * 90e-6),
        (100, "near", 10 * 11 + 100 * (2190 + 2070) * 100e-6),
    ],
)
def test_each_site_emits_by_the_use_of_its_archetype(tmp_path: Path, price: float, site: str, expected: float) -> None:
    head = HEAD + f"carbon_price_usd_per_t = {price}\n"
    study = study_of(tmp_path, PLACE + "[demand]\nit_mw = { 2030 = 100 }\n", {"sites": TWO}, head)
    plan = checked_plan(study)
    assert built(plan) == [site]
    assert cost_musd(plan) == pytest.approx(expected)


def test_each_site_is_made_of_what_its_archetype_says(tmp_path: Path) -> None:
    plan = checked_plan(alone(tmp_path, 200))
    made = plan.table("facilities").set_index("site")
    assert made["it_musd"].to_dict() == pytest.approx({"hall": 800, "near": 1000})
    assert made["staff_people"].to_dict() == pytest.approx({"hall": 130, "near": 100})
    assert made["ewaste_t_per_year"].to_dict() == pytest.approx({"hall": 80 / 5 * 100, "near": 50 / 5 * 100})
    halls = plan.table("halls").set_index("site")
    assert halls["archetype"].to_dict() == {"hall": "traditional", "near": "edge"}
    assert halls["rack_density_kw"].to_dict() == {"hall": 10, "near": 15}
    assert halls["utilization"].to_dict() == {"hall": 0.75, "near": 0.5}


def test_what_the_study_gives_holds_at_every_site(tmp_path: Path) -> None:
    given = alone(tmp_path, 200, "[facility]\nstaff_people_per_mw = 2\nutilization = 0.6\n")
    plan = checked_plan(given)
    assert plan.table("facilities")["staff_people"].tolist() == pytest.approx([200, 200])
    assert plan.table("halls")["utilization"].tolist() == [0.6, 0.6]


@pytest.mark.parametrize(("yearly", "site"), [(14, "hall"), (16, "near")])
def test_equipment_costs_what_the_archetype_says(tmp_path: Path, yearly: float, site: str) -> None:
    """IT over five years: 8 / 5 x 100 = 160 M$ a year in the hall, 200 at the edge; blocks 140 or 160, and 110."""
    plan = checked_plan(
        alone(tmp_path, 100, "[facility]\nit_cost_counts = true\n", TWO.replace("10,10,10,0.5", f"10,10,{yearly},0.5"))
    )
    assert built(plan) == [site]
    assert cost_musd(plan) == pytest.approx(140 + 160 if site == "hall" else 110 + 200)


def test_a_cap_on_embodied_carbon_counts_each_site_by_its_own(tmp_path: Path) -> None:
    """2,350 t a MW in the hall and 850 at the edge: 200,000 t leave 76.7 of 100 MW in the hall, so seven blocks."""
    study = alone(tmp_path, 100, "[limits]\nembodied_t = { 2030 = 300000 }\n")
    archetypes = {**study.archetypes, "edge": {**study.archetypes["edge"], "building_t_per_mw": 500.0}}
    limits = study.config.limits.model_copy(update={"embodied_t": {2030: 200000.0}})
    config = study.config.model_copy(update={"limits": limits})
    plan = checked_plan(replace(study, config=config, archetypes=archetypes))
    assert blocks(plan) == {("hall", 2030): 7, ("near", 2030): 3}
    assert cost_musd(plan) == pytest.approx(7 * 10 + 3 * 11)


KINDS = "site,kind,archetype,block_mw,max_blocks,cost_musd_per_year_per_block\n"
KINDS += "hall,campus,traditional,10,1,10\nrented,lease,traditional,10,1,10\n"
KINDS += "near,edge,edge,10,1,10\ncloud,cloud,edge,10,1,10\n"


def test_the_kind_of_a_site_is_before_its_archetype(tmp_path: Path) -> None:
    """Of a hall of 2,000 t a MW a lease has the IT only, 350 t, and a cloud nothing; an edge site is given 100 t.

    A priced tonne counts once a year of the one year: building whole, and IT over its five years, 70 t a MW.
    """
    head = HEAD + "carbon_price_usd_per_t = 100\n"
    more = PLACE + "[demand]\nit_mw = { 2030 = 40 }\n[facility]\nit_cost_counts = true\n"
    more += '[[facility.kind]]\nname = "edge"\nbuilding_t_per_mw = 100\nit_cost_musd_per_mw = 1\n'
    plan = checked_plan(study_of(tmp_path, more, {"sites": KINDS}, head))
    made = plan.table("facilities").set_index("site")
    tonnes = {"hall": 23500, "rented": 3500, "near": 4500, "cloud": 0}
    assert made["embodied_t"].to_dict() == pytest.approx(tonnes)
    assert made["it_musd"].to_dict() == pytest.approx({"hall": 80, "rented": 80, "near": 10, "cloud": 0})
    people = {"hall": 13, "rented": 0, "near": 10, "cloud": 0}
    assert made["staff_people"].to_dict() == pytest.approx(people)
    yearly = 10 * (2070 + 70 + 170)
    assert plan.summary["costs_musd"]["carbon"] == pytest.approx(yearly * 100e-6)
    assert plan.summary["costs_musd"]["it_equipment"] == pytest.approx((80 + 80 + 10) / 5)


def test_a_hall_of_its_own_beside_a_site_of_which_nothing_is_known(tmp_path: Path) -> None:
    plain = COLUMNS + "hall,traditional,10,10,10,0.5\nplain,,10,10,11,0.5\n"
    made = checked_plan(alone(tmp_path, 200, sites=plain)).table("facilities").set_index("site")
    assert made["staff_people"]["hall"] == pytest.approx(130)
    assert made.loc["plain", ["staff_people", "it_musd", "embodied_t"]].isna().all()


HEADER = "site,lat,lon,block_mw,max_blocks,cost_musd_per_year_per_block"
IN_TEXAS = '[grid]\nsource = "none"\n[sites]\nregion = "texas"\ntable = "sites.csv"\n[solve]\ngap = 0.0\n'
DALLAS = "32.8,-96.8,10,10,10"


def in_texas(folder: Path, sites: str, more: str = "") -> Study:
    return study_of(folder, IN_TEXAS + f"[demand]\nit_mw = {{ 2030 = 150 }}\n{more}", {"sites": sites})


AIR = {
    "air_economizer_adiabatic",
    "air_economizer_water_chiller",
    "waterside_economizer_tower",
    "dry_cooler_adiabatic",
}
PLATES, DOORS, BATHS = ({f"{what}_tower", f"{what}_dry"} for what in ("liquid", "rear_door", "immersion"))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Air-cooled halls, an edge site and training campuses side by side."""
    rows = [f"usual,{DALLAS},,", f"air,{DALLAS},traditional,", f"edge,{DALLAS},edge,", f"door,{DALLAS},edge,30"]
    rows += [f"plate,{DALLAS},,60", f"bath,{DALLAS},,150"]
    table = "\n".join([f"{HEADER},archetype,rack_density_kw", *rows, ""])
    return in_texas(tmp_path_factory.mktemp("mixed"), table)


def test_the_racks_of_a_site_decide_its_cooling(mixed: Study) -> None:
    found: dict[str, set[str]] = {}
    for s, c in mixed.candidates.cooling.index:
        found.setdefault(str(s), set()).add(str(c))
    assert found == {
        "usual": PLATES,
        "air": AIR | PLATES,
        "edge": AIR | PLATES,
        "door": DOORS | PLATES,
        "plate": PLATES,
        "bath": BATHS,
    }
    assert mixed.candidates.sites["utilization"].tolist() == [0.8, 0.75, 0.5, 0.5, 0.8, 0.8]


def test_the_check_finds_racks_that_are_too_dense_and_halls_that_are_not_so(mixed: Study) -> None:
    plan = checked_plan(mixed)
    assert set(plan.table("halls")["site"]) == set(built(plan)) - {"usual"}
    assert mixed.own is not None
    denser = replace(mixed.own, sites=mixed.own.sites.assign(rack_density_kw=140.0, archetype="edge"))
    context = Context(mixed.folder, "", plan.summary, plan.tables, replace(mixed, own=denser), mixed.case)
    cold = plan.table("sites")["cooling"].str.startswith("immersion")
    assert [f.rule for f in check_density(context)] == ["plan.cooling.density"] * int((~cold).sum())
    rules = {f.rule for f in check_halls(context)}
    assert "plan.halls.utilization" in rules


@pytest.mark.slow
def test_columns_that_say_what_the_study_says_change_nothing(tmp_path: Path) -> None:
    facility = "[facility]\nutilization = 0.9\nrack_density_kw = 20\n"
    rows = [f"a,{DALLAS}{{}}", "b,30.3,-97.7,10,10,11{}", ""]
    plain = "\n".join([HEADER + "{}", *rows])
    without = checked_plan(in_texas(tmp_path / "plain", plain.replace("{}", ""), facility))
    said = plain.replace("{}", ",archetype,rack_density_kw", 1).replace("{}", ",ai_training,20")
    alike = checked_plan(in_texas(tmp_path / "said", said, facility))
    assert set(alike.tables) - set(without.tables) == {"halls"}
    for name, table in without.tables.items():
        pd.testing.assert_frame_equal(alike.tables[name], table, obj=name)


@pytest.mark.parametrize(
    ("cells", "rule", "where"),
    [
        ("castle,", "study.site.archetype", "sites, site s, archetype"),
        (",500", "study.cooling.none", "sites, site s, rack_density_kw"),
        (",-3", None, "rack_density_kw"),
        (",dense", None, "rack_density_kw"),
    ],
)
def test_what_no_one_knows_or_cools_is_refused(tmp_path: Path, cells: str, rule: str | None, where: str) -> None:
    with pytest.raises(InputError) as refused:
        in_texas(tmp_path, f"{HEADER},archetype,rack_density_kw\ns,{DALLAS},{cells}\n")
    (finding,) = refused.value.findings
    assert rule in (None, finding.rule)
    assert where in finding.where


def test_a_density_where_no_climate_is_known_is_said_to_change_nothing(tmp_path: Path) -> None:
    study = alone(tmp_path, 100, sites="site,block_mw,max_blocks,rack_density_kw\ns,10,10,60\n")
    (finding,) = [f for f in study.findings if f.rule == "study.site.density_idle"]
    assert (finding.severity, finding.found) == ("warning", "s")


def test_work_is_not_counted_at_two_utilizations(tmp_path: Path) -> None:
    racks = "rack,kw,first_year,cost_musd_per_mw,work_per_kwh\nold,10,2020,1,0.5\n"
    text = PLACE + '[demand]\nwork = { 2030 = 1000 }\nracks = "racks.csv"\n'
    with pytest.raises(InputError) as refused:
        study_of(tmp_path / "two", text, {"sites": TWO, "racks": racks})
    assert {f.rule for f in refused.value.findings} == {"study.site.archetype_work"}
    study_of(tmp_path / "one", text + "[facility]\nutilization = 0.8\n", {"sites": TWO, "racks": racks})


def test_a_site_may_have_a_cooling_of_the_study_alone(tmp_path: Path) -> None:
    """200 kW a rack, which no technology of the region takes: 10 x 10 M$ a year and 4 M$ a MW, paid in the one year."""
    (tmp_path / "mine.csv").write_text(
        "cooling,iecc_zone,pue_p05,pue_p50,pue_p95,wue_p50_l_per_kwh,rack_density_max_kw,capex_musd_per_mw_it\n"
        "two_phase,,1.02,1.03,1.05,0,250,4\n"
    )
    text = IN_TEXAS + '[demand]\nit_mw = { 2030 = 100 }\n[cooling]\ntable = "mine.csv"\n'
    study = study_of(tmp_path, text, {"sites": f"{HEADER},rack_density_kw\ns,{DALLAS},200\n"})
    plan = checked_plan(study)
    assert plan.table("sites")[["cooling", "pue_annual"]].to_numpy().tolist() == [["two_phase", 1.03]]
    assert cost_musd(plan) == pytest.approx(10 * 10 + 4 * 100)
