"""Supply on site on networks of two buses, whose best plan is worked out on paper, from file to independent check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve.explain.site import without_site
from optimizer.study.study import Study
from tests.solve.small import HEAD, checked_plan, study_of

YEAR_H = 8760

GRID = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,500\nl2,a,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,400,50\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh\ns,b,100,1,1,0.4\n",
}
"""400 MW at 50 $/MWh at a, two lines to b, and there a campus of 100 MW at 1 M$ a year; grid power emits 0.4 t/MWh."""

STUDY = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 100 }
[facility]
utilization = 1.0
[security]
contingencies = []
[solve]
gap = 0.0
"""

ENGINE = """\
[supply]
technologies = ["engine"]
table = "supply.csv"
"""

SUPPLY = "technology,cost_musd_per_mw,fixed_om_musd_per_mw_year,variable_om_usd_per_mwh,heat_rate_mmbtu_per_mwh,"
SUPPLY += "fuel_usd_per_mmbtu,emission_t_per_mwh,lead_months,life_years,availability,needs_gas_line,water_m3_per_mwh\n"


def engine(cost_musd_per_mw: float, lead_months: int = 12) -> str:
    """An engine that runs at 30 $/MWh, 8 of them for operation, and is there for all hours."""
    return SUPPLY + f"engine,{cost_musd_per_mw},0,8,5.5,4,0.5,{lead_months},1,1,1,0\n"


def solved(folder: Path, extra: str = ENGINE, head: str = HEAD, text: str = STUDY, **tables: str) -> Plan:
    """The plan of the study with some tables changed, every number of it recomputed."""
    return checked_plan(study(folder, extra, head, text, **tables))


def study(folder: Path, extra: str = ENGINE, head: str = HEAD, text: str = STUDY, **tables: str) -> Study:
    """The study itself."""
    named = {("grid/" + name if name in ("generators", "buses") else name): table for name, table in tables.items()}
    return study_of(folder, text + extra, {**GRID, **named}, head)


def capacity(plan: Plan) -> dict[str, float]:
    """Capacity by technology in the last period [MW]."""
    rows = plan.table("supply")
    return dict(rows.groupby("technology")["capacity_mw"].last())


@pytest.mark.every(2)
@pytest.mark.parametrize(("cost", "built"), [(0.17, 100.0), (0.18, 0.0)])
def test_an_engine_is_built_exactly_when_it_is_cheaper(tmp_path: Path, cost: float, built: float) -> None:
    """A MWh saves 50 - 30 = 20 $, over 8,760 h 0.1752 M$ a MW; whole capital is paid in the one year."""
    plan = solved(tmp_path, supply=engine(cost))
    assert capacity(plan) == ({"engine": built} if built else {})
    running = 100 * YEAR_H * (30 if built else 50) / 1e6
    assert plan.summary["objective_musd"] == pytest.approx(1 + running + built * cost, rel=1e-6)
    assert plan.table("dispatch")["output_mw"].tolist() == pytest.approx([100 - built], abs=1e-4)
    # Grid power emits 0.4 t/MWh, the engine 0.5.
    emitted = YEAR_H * (0.5 * built + 0.4 * (100 - built))
    assert plan.summary["objectives"]["carbon_t"] == pytest.approx(emitted, rel=1e-6)


def test_without_technologies_it_is_switched_off(tmp_path: Path) -> None:
    """A table of supply that offers nothing gives the very case of a study without one."""
    off, empty = study(tmp_path / "off", ""), study(tmp_path / "on", "[supply]\n")
    assert empty.case.supply is None
    one, other = checked_plan(off), checked_plan(empty)
    assert one.summary["objective_musd"] == other.summary["objective_musd"]
    assert one.tables.keys() == other.tables.keys()


@pytest.mark.slow
def test_one_more_technology_never_costs_more(tmp_path: Path) -> None:
    """Free power of any kind is taken, dear power left: 1 + 43.8 M$ are the most there is."""
    table = engine(0.17) + "dear,9,0,0,0,0,0,0,1,1,0,0\nsunny,0.1,0,0,0,0,0,0,1,0.3,0,0\n"
    costs = []
    for n, names in enumerate(([], ["dear"], ["dear", "engine"], ["dear", "engine", "sunny"])):
        quoted = ", ".join(f'"{name}"' for name in names)
        text = f'[supply]\ntechnologies = [{quoted}]\ntable = "supply.csv"\n'
        costs.append(solved(tmp_path / str(n), text, supply=table).summary["objective_musd"])
    assert costs[0] == pytest.approx(1 + 43.8, rel=1e-6)
    assert costs[1] == pytest.approx(costs[0], rel=1e-6)
    assert costs[2] == pytest.approx(1 + 26.28 + 17, rel=1e-6)
    # A MW of sun takes the place of 0.3 of engines: 0.3 x (0.17 + 0.2628) = 0.13 M$ saved for the 0.1 that it costs.
    assert costs[3] == pytest.approx(1 + 100 / 0.3 * 0.1, rel=1e-6)


@pytest.mark.every(2)
@pytest.mark.parametrize(("months", "ready"), [(12, True), (100, False)])
def test_supply_waits_for_its_lead_time(tmp_path: Path, months: int, ready: bool) -> None:
    """The decision is made in 2026: what takes 12 months serves in 2030, what takes 100 does not."""
    head = HEAD.replace("periods = [2030]", "periods = [2030]\ndecision_year = 2026")
    plan = solved(tmp_path, head=head, supply=engine(0.1, months))
    assert bool(capacity(plan)) is ready


@pytest.mark.every(2)
@pytest.mark.parametrize(("km", "built"), [(1, True), (2, False)])
def test_a_gas_line_is_paid_for_once(tmp_path: Path, km: int, built: bool) -> None:
    """100 MW save (0.1752 - 0.16) x 100 = 1.52 M$: a line at 1 M$ a km pays over one kilometre and not over two."""
    sites = GRID["sites"].replace("_per_mwh\n", "_per_mwh,gas_line_km\n").replace(",0.4\n", f",0.4,{km}\n")
    plan = solved(tmp_path, ENGINE + "gas_line_musd_per_km = 1\n", supply=engine(0.16), sites=sites)
    assert bool(capacity(plan)) is built
    assert plan.table("gas_lines")["cost_musd"].tolist() == ([km] if built else [])
    expected = 1 + (26.28 + 16 + km if built else 43.8)
    assert plan.summary["objective_musd"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
def test_units_and_land_bound_what_is_built(tmp_path: Path) -> None:
    """Units of 15 MW: six are 90 of 100 MW, and a seventh does not pay.

    130 ha less 50 for the campus hold 40 MW at 2 ha/MW: two units.
    """
    units = ENGINE + '[[supply.technology]]\nname = "engine"\nunit_mw = 15\n'
    assert capacity(solved(tmp_path / "units", units, supply=engine(0.17))) == {"engine": 90}
    sites = GRID["sites"].replace("_per_mwh\n", "_per_mwh,area_ha\n").replace(",0.4\n", ",0.4,130\n")
    text = STUDY.replace("utilization = 1.0", "utilization = 1.0\nland_ha_per_mw = 0.5")
    both = units + "land_ha_per_mw = 2\n"
    assert capacity(solved(tmp_path / "land", both, text=text, supply=engine(0.1), sites=sites)) == {"engine": 30}


@pytest.mark.slow
def test_a_permit_limits_hours(tmp_path: Path) -> None:
    """The grid gives 80 of 100 MW in 100 h of peak and all of it else: 20 MW of backup run 100 h, as they may.

    A permit of 50 h asks for 40 MW of it: the cheapest way to 2,000 MWh in the peak.
    """
    snapshots = "".join(
        f'[[grid.snapshot]]\nname = "{name}"\nhours = {hours}\navailability = {{ coal = {share} }}\n'
        for name, hours, share in (("peak", 100, 0.2), ("rest", 8660, 1.0))
    )
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{snapshots}')
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\ng,a,400,50,coal\n"
    for hours, mw in ((100, 20.0), (50, 40.0)):
        backup = ENGINE + f'[[supply.technology]]\nname = "engine"\npermit_hours = {hours}\n'
        plan = solved(tmp_path / str(hours), backup, text=text, supply=engine(0.5), generators=generators)
        assert capacity(plan) == {"engine": pytest.approx(mw, abs=1e-4)}


DAY = """[[grid.snapshot]]
name = "night"
hours = 4380
[[grid.snapshot]]
name = "day"
hours = 4380
"""

SUN = """[supply]
technologies = ["solar", "battery"]
table = "supply.csv"
availability = "availability.csv"
[[supply.order]]
snapshots = ["night", "day"]
hours = [12, 12]
"""


@pytest.mark.every(2)
@pytest.mark.parametrize(("limit", "drawn"), [(2000, 1200), (600, 600)])
def test_water_of_a_basin_is_that_of_supply_too(tmp_path: Path, limit: float, drawn: float) -> None:
    """100 MW all day at 0.5 m3/MWh draw 1,200 m3; where half of that may be drawn, half of the power comes from it."""
    sites = GRID["sites"].replace("_per_mwh\n", "_per_mwh,basin\n").replace(",0.4", ",0.4,creek")
    thirsty = engine(0.1).removesuffix(",0\n") + ",0.5\n"
    limits = f"[limits]\nwater_m3_day_per_basin = {{ creek = {limit} }}\n"
    plan = solved(tmp_path, ENGINE + limits, sites=sites, supply=thirsty)
    row = plan.table("portfolio").iloc[0]
    assert (row["limit"], row["element"], row["bound"]) == ("water of a basin", "creek", limit)
    assert row["value"] == pytest.approx(drawn, rel=1e-6)
    assert plan.table("supply_output")["output_mw"].tolist() == pytest.approx([drawn / 12])


STORE = "technology,cost_musd_per_mw,storage_cost_musd_per_mwh,storage_efficiency,max_storage_hours,carbon_free_share,"
STORE += "lead_months,life_years,fixed_om_musd_per_mw_year,variable_om_usd_per_mwh,water_m3_per_mwh,land_ha_per_mw\n"
STORE += "solar,0.01,0,0,8,1,0,1,0,0,0,0\nbattery,0.02,0.001,0.8,12,0,0,1,0,0,0,0\n"


def sunny(folder: Path, limits: str) -> Plan:
    """The campus with solar power by day alone, and storage that gives back 80 % of what it takes."""
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')
    availability = "technology,snapshot,availability\nsolar,night,0\nsolar,day,0.5\n"
    return solved(folder, SUN + limits, text=text, supply=STORE, availability=availability)


def test_storage_carries_the_sun_into_the_night(tmp_path: Path) -> None:
    """By night 100 MW come from storage, which takes 100 / 0.8 = 125 MW by day; with the campus 225 MW of 450 MW solar.

    A MWh of night power saves 50 $: 100 MW x 4,380 h are 21.9 M$. The store costs 125 x 0.02 + 1,200 x 0.001 = 3.7, the
    250 MW of solar beside it 2.5.
    """
    plan = sunny(tmp_path, "")
    rows = plan.table("supply").set_index("technology")
    assert rows["capacity_mw"].to_dict() == pytest.approx({"solar": 450, "battery": 125}, abs=1e-3)
    assert rows.at["battery", "energy_mwh"] == pytest.approx(1200, abs=1e-2)
    assert plan.summary["objective_musd"] == pytest.approx(1 + 4.5 + 3.7, rel=1e-6)
    # Every hour is carbon-free: nothing is taken from a grid that emits.
    assert plan.summary["objectives"]["carbon_t"] == pytest.approx(0, abs=1e-2)


PLANT = {
    "generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier,carbon_t_per_mwh\ng,b,400,50,nuclear,0\n",
    "sites": GRID["sites"].replace("_per_mwh\n", "_per_mwh,colocated_generator\n").replace(",0.4\n", ",0.4,g\n"),
}


def test_a_plant_beside_the_campus_serves_it_and_the_grid_has_the_rest(tmp_path: Path) -> None:
    """300 MW of load at a and 100 of the campus make the plant at b run at 400 MW: 300 are left to the grid."""
    buses = "bus,base_kv,load_mw\na,138,300\nb,138,0\n"
    limits = "[limits]\ncarbon_free_share_every_snapshot = { 2030 = 1.0 }\n"
    plan = solved(tmp_path, "[supply]\n" + limits, buses=buses, **PLANT)
    (row,) = plan.table("colocation").to_dict("records")
    assert (row["direct_mw"], row["to_grid_mw"]) == pytest.approx((100, 300), abs=1e-4)
    assert plan.summary["objectives"]["carbon_t"] == pytest.approx(0, abs=1e-6)


def test_a_campus_past_the_step_up_transformers_of_a_plant_is_behind_its_meter(tmp_path: Path) -> None:
    """The plant at 20 kV, its transformers lead to b alone: it serves the campus there, and gives the rest to a."""
    buses = "bus,base_kv,load_mw\na,138,300\nb,138,0\np,20,0\n"
    branches = GRID["grid/branches"] + "t1,p,b,0.05,400\nt2,b,p,0.05,400\n"
    generators = PLANT["generators"].replace("g,b,", "g,p,")
    limits = "[limits]\ncarbon_free_share_every_snapshot = { 2030 = 1.0 }\n"
    tables = {**PLANT, "buses": buses, "grid/branches": branches, "generators": generators}
    plan = solved(tmp_path, "[supply]\n" + limits, **tables)
    (row,) = plan.table("colocation").to_dict("records")
    assert (row["direct_mw"], row["to_grid_mw"]) == pytest.approx((100, 300), abs=1e-4)
    # With a line of its own to a, what the plant gives need not pass the campus: there is no one meter.
    for edited in (branches + "l3,p,a,0.5,400\n", branches.replace("t2,b,p", "l3,a,p")):
        with pytest.raises(InputError, match="give the site a tie to bus p"):
            study(tmp_path / str(len(edited)), "[supply]\n" + limits, **{**tables, "grid/branches": edited})


def test_more_of_a_plant_beside_the_campus_is_worth_more_to_the_campus(tmp_path: Path) -> None:
    """60 MW of the plant at 20 $ and 20 of solar make 80 % of 100 MW carbon-free; the grid costs 50 $.

    A MW more of the plant takes the place of one of solar, which costs 1 M$ a year: it saves 1e6 / 8760 - 20 $/MWh. On
    the grid alone it would save 30.
    """
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,carrier,carbon_t_per_mwh\n"
    generators += "g,b,60,20,nuclear,0\nh,a,400,50,gas,0.4\n"
    supply = '[supply]\ntechnologies = ["solar"]\ntable = "supply.csv"\navailability = "availability.csv"\n'
    supply += "[limits]\ncarbon_free_share_every_snapshot = { 2030 = 0.8 }\n"
    availability = "technology,snapshot,availability\nsolar,year,1\n"
    own = {"supply": STORE.replace("solar,0.01", "solar,1"), "availability": availability}
    plan = solved(tmp_path, supply, **{**PLANT, "generators": generators}, **own)
    assert capacity(plan)["solar"] == pytest.approx(20, abs=1e-3)
    rows = plan.table("binding").set_index("limit")
    assert rows.at["generator output", "element"] == "g"
    assert rows.at["generator output", "price_usd_per_unit"] == pytest.approx(1e6 / 8760 - 20, abs=1e-4)


def test_a_plant_that_is_too_small_for_a_share_is_explained(tmp_path: Path) -> None:
    """60 MW of 100 are carbon-free at most, and 80 % are asked for."""
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,carrier,carbon_t_per_mwh\n"
    generators += "g,b,60,20,nuclear,0\nh,a,400,50,gas,0.4\n"
    limits = "[supply]\n[limits]\ncarbon_free_share_every_snapshot = { 2030 = 0.8 }\n"
    with pytest.raises(InfeasibleError, match=r"carbon_free_share_every_snapshot.*0.6"):
        solved(tmp_path, limits, **{**PLANT, "generators": generators})


@pytest.mark.every(3)
@pytest.mark.parametrize(("share", "solar"), [(0.0, 0.0), (0.1, 40.0), (0.5, 200.0)])
def test_carbon_free_share_over_the_year(tmp_path: Path, share: float, solar: float) -> None:
    """Solar at 9 M$ a MW is built for the share alone: a MW gives half a MW by day, so a quarter on average."""
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')
    availability = "technology,snapshot,availability\nsolar,night,0\nsolar,day,0.5\n"
    supply = (
        SUN.replace(', "battery"', "").replace("[[supply.order]]", "").replace('snapshots = ["night", "day"]\n', "")
    )
    supply = supply.replace("hours = [12, 12]\n", "") + f"[limits]\ncarbon_free_share = {{ 2030 = {share} }}\n"
    plan = solved(tmp_path, supply, text=text, supply=STORE.replace("solar,0.01", "solar,9"), availability=availability)
    assert capacity(plan).get("solar", 0.0) == pytest.approx(solar, abs=1e-3)


def test_what_no_hour_can_have_is_infeasible(tmp_path: Path) -> None:
    """Without storage no night is carbon-free."""
    limits = "[limits]\ncarbon_free_share_every_snapshot = { 2030 = 0.1 }\n"
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')
    supply = '[supply]\ntechnologies = ["solar"]\ntable = "supply.csv"\navailability = "availability.csv"\n'
    availability = "technology,snapshot,availability\nsolar,night,0\nsolar,day,0.5\n"
    with pytest.raises(InfeasibleError):
        solved(tmp_path, supply + limits, text=text, supply=STORE, availability=availability)


@pytest.mark.every(2)
@pytest.mark.parametrize(("reserve", "built"), [(0.25, 0.0), (0.5, 25.0)])
def test_adequacy_asks_for_accredited_capacity(tmp_path: Path, reserve: float, built: float) -> None:
    """130 MW of the 400 count, and 100 MW are drawn: 25 % reserve holds; 50 % ask for 25 MW of engines at 0.8."""
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,400,50,0.325\n"
    text = ENGINE + '[[supply.technology]]\nname = "engine"\naccredited_share = 0.8\n'
    text += f"[adequacy]\nreserve_margin = {reserve}\n"
    plan = solved(tmp_path, text, supply=engine(1.0), generators=generators)
    assert capacity(plan).get("engine", 0.0) == pytest.approx(built, abs=1e-4)
    (row,) = plan.table("adequacy").to_dict("records")
    assert row["margin"] == pytest.approx(0.3 if not built else 0.5, abs=1e-6)


BATTERY = """[supply]
technologies = ["battery"]
table = "supply.csv"
[[supply.order]]
snapshots = ["night", "day"]
hours = [12, 12]
[adequacy]
reserve_margin = 0.5
[[supply.technology]]
name = "battery"
accredited_share = 0.5
"""


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("changed", "power_mw", "energy_mwh"),
    [("", 40, 160), ("accredited_hours = 2\n", 40, 80), ("max_storage_hours = 2\n", 80, 160)],
)
def test_a_store_counts_with_what_its_energy_sustains(
    tmp_path: Path, changed: str, power_mw: float, energy_mwh: float
) -> None:
    """130 MW of the grid count, 150 are asked for: 20 MW are half of the 40 that a battery sustains for four hours.

    With two hours to sustain it holds half the energy; with no more than two hours of its power in it, it takes twice
    the power.
    """
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,400,50,0.325\n"
    plan = solved(tmp_path, BATTERY + changed, text=text, supply=STORE, generators=generators)
    (row,) = plan.table("supply").to_dict("records")
    assert (row["capacity_mw"], row["energy_mwh"]) == pytest.approx((power_mw, energy_mwh), abs=1e-3)
    (zone,) = plan.table("adequacy").to_dict("records")
    assert (zone["own_accredited_mw"], zone["margin"]) == pytest.approx((20, 0.5), abs=1e-4)
    assert plan.summary["objective_musd"] == pytest.approx(1 + 43.8 + power_mw * 0.02 + energy_mwh * 0.001, rel=1e-6)


@pytest.mark.slow
def test_a_store_that_counts_without_energy_is_found_out(tmp_path: Path) -> None:
    """The power stands, half of the energy is gone, its cost with it: the zone lacks 10 of the 20 MW."""
    text = STUDY.replace('source = "grid"\n', f'source = "grid"\n{DAY}')
    generators = "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\ng,a,400,50,0.325\n"
    plan = solved(tmp_path, BATTERY, text=text, supply=STORE, generators=generators)
    made = replace(plan, tables={**plan.tables, "supply": plan.table("supply").assign(energy_mwh=80.0)})
    findings = verify_plan(write_plan(made, tmp_path / "out"))
    (short,) = [finding for finding in findings if finding.rule == "plan.adequacy"]
    assert (short.value, short.limit) == pytest.approx((140, 150), abs=1e-4)


@pytest.mark.every(2)
@pytest.mark.parametrize("firm", [False, True])
def test_own_supply_relieves_the_tie_only_where_it_counts_as_firm(tmp_path: Path, firm: bool) -> None:
    """A tie of 60 MW carries a campus of 100 only if the 40 MW of engines at its end are trusted."""
    ties = "site,bus,capacity_mw,cost_musd\ns,b,60,0\n"
    text = STUDY.replace('table = "sites.csv"\n', 'table = "sites.csv"\nties = "ties.csv"\n')
    sites = GRID["sites"].replace("s,b,100,1,1", "s,b,20,5,0.2")
    supply = ENGINE + ("counts_as_firm = true\n" if firm else "")
    if not firm:
        with pytest.raises(InfeasibleError):
            solved(tmp_path, supply, text=text, supply=engine(0.5), ties=ties, sites=sites)
        return
    plan = solved(tmp_path, supply, text=text, supply=engine(0.5), ties=ties, sites=sites)
    assert capacity(plan) == {"engine": pytest.approx(40, abs=1e-4)}


@pytest.mark.slow
def test_a_lost_campus_takes_its_supply_along(tmp_path: Path) -> None:
    """100 MW at a and a campus of 200 at b, of which an engine gives 100; at each bus a generator gives its 100 MW.

    Nothing flows between them. The campus lost, the grid has 100 MW too many, each generator gives up 50, and 50 MW
    flow from b to a, 25 on each line. Had it drawn 200 MW from the grid, both would stop and nothing would flow.
    """
    text = STUDY.replace("contingencies = []", 'contingencies = ["branch", "campus"]').replace(
        "2030 = 100", "2030 = 200"
    )
    limited = ENGINE + '[[supply.technology]]\nname = "engine"\nmax_mw = 100\n'
    tables = {
        "sites": GRID["sites"].replace("s,b,100,1,1", "s,b,100,2,1"),
        "buses": "bus,base_kv,load_mw\na,138,100\nb,138,0\n",
        "generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,100,50\ngb,b,100,50\n",
    }
    plan = solved(tmp_path, limited, text=text, supply=engine(0.1), **tables)
    assert plan.table("dispatch")["output_mw"].tolist() == pytest.approx([100, 100], abs=1e-4)
    assert plan.summary["n_violations"] == 0
    after = plan.table("contingencies")
    lost = after[~after["contingency"].isin(["l1", "l2"])]
    assert lost["flow_mw"].tolist() == pytest.approx([-25, -25], abs=1e-3)


def test_a_case_without_a_site_has_no_supply_there(tmp_path: Path) -> None:
    case = study(tmp_path, supply=engine(0.1)).case
    left = without_site(case, "s").supply
    assert left is not None
    assert (len(left.offers), len(left.availability), left.sites) == (0, 0, [])


TAMPERED = (
    ("supply", "capacity_mw", 1.0, "supply"),
    ("supply", "energy_mwh", -20.0, "than it holds"),
    ("supply", "cost_musd", 0.5, "cost_musd"),
    ("supply_output", "output_mw", 5.0, "supply"),
    ("supply_output", "charge_mw", 5.0, "supply"),
    ("supply_output", "stored_mwh", 50.0, "stored"),
)


@pytest.mark.slow
def test_a_plan_that_was_tampered_with_is_found_out(tmp_path: Path) -> None:
    """A capacity, an energy, a cost, an output, a charge or a store that is not the plan's own."""
    plan = sunny(tmp_path, "")
    for table, column, change, said in TAMPERED:
        changed = plan.table(table).copy()
        row = changed.index[changed[column] > 0][-1] if (changed[column] > 0).any() else changed.index[-1]
        changed.loc[row, column] += change
        made = replace(plan, tables={**plan.tables, table: changed})
        findings = verify_plan(write_plan(made, tmp_path / f"{table}_{column}"))
        errors = [str(f) for f in findings if f.severity == "error"]
        assert any(said in text for text in errors), (table, column, errors)
