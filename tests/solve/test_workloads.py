"""Who serves whom: optima worked out by hand, and what must hold however the numbers are.

The usual study: 8 MW of chat in the west and 12 MW of training in the east, blocks of 10 MW. Site near costs 30 M$
and 1 a block, far 5 and 1. Chat costs nothing a MW from near and 2 from far, training 1 from either.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.formulation import compose, parts_of, workloads
from optimizer.objectives.cost import cost
from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.solve.small import STAR, study_of
from tests.solve.workload_cases import DEMAND, PAIRS, SITES, STUDY, served, solved, write_study

KIND = '\n[[workloads.kind]]\nname = "{}"\n{}\n'


def test_the_cheaper_site_serves_all(tmp_path: Path) -> None:
    """Far alone: 5 + 2 blocks + 8 x 2 + 12 x 1 = 35. Near alone: 30 + 2 + 12 = 44. Both: at least 35 + 2 + 12."""
    plan = solved(tmp_path, pairs=PAIRS)
    assert plan.summary["objective_musd"] == pytest.approx(35.0)
    assert plan.summary["gap"] == 0.0
    assert served(plan) == {("west", "far", 2030): 8.0, ("east", "far", 2030): 12.0}
    assert plan.summary["costs_musd"]["network"] == pytest.approx(28.0)


def test_nearness_of_one_workload_needs_the_dear_site(tmp_path: Path) -> None:
    """Within 10 ms chat is near's: 30 + 2 blocks + 12 x 1 = 44 for both; with far for training 30 + 1 + 5 + 2 + 12."""
    plan = solved(tmp_path, pairs=PAIRS, study=STUDY + KIND.format("chat", "max_rtt_ms = 10"))
    assert plan.summary["objective_musd"] == pytest.approx(44.0)
    assert served(plan) == {("west", "near", 2030): 8.0, ("east", "near", 2030): 12.0}


@pytest.mark.slow
def test_round_trips_follow_from_coordinates(tmp_path: Path) -> None:
    """One degree of latitude is 111.2 km: 2 x 4.9e-3 x 1.4 x 111.2 = 1.53 ms; five degrees are 7.63 ms."""
    sites = SITES.replace("site,", "site,lat,lon,").replace("near,", "near,31,-100,").replace("far,", "far,35,-100,")
    demand = DEMAND.replace("it_mw", "it_mw,lat,lon").replace(",8", ",8,30,-100").replace(",12", ",12,30,-100")
    kind = KIND.format("chat", "max_rtt_ms = 7.6")
    plan = solved(tmp_path, sites=sites, demand=demand, study=STUDY + kind)
    rtt = plan.tables["workloads"].set_index("site")["rtt_ms"]
    assert served(plan) == {("west", "near", 2030): 8.0, ("east", "near", 2030): 12.0}
    assert rtt["near"].iloc[0] == pytest.approx(1.53, rel=0.01)
    looser = solved(tmp_path / "looser", sites=sites, demand=demand, study=STUDY + kind.replace("7.6", "7.7"))
    assert looser.summary["objective_musd"] == pytest.approx(7.0), "5 + 2 blocks: far serves all at no cost"


@pytest.mark.slow
def test_residency_keeps_data_within_borders(tmp_path: Path) -> None:
    sites = (
        SITES.replace("site,", "site,country,jurisdiction,")
        .replace("near,", "near,DE,,")
        .replace("far,", "far,,US-TX,")
    )
    for border, site in (("DE", "near"), ("US", "far"), ("US-TX", "far")):
        kind = KIND.format("chat", f'residency = ["{border}"]')
        plan = solved(tmp_path / border, sites=sites, study=STUDY + kind)
        assert ("west", site, 2030) in served(plan)
        assert len([key for key in served(plan) if key[0] == "west"]) == 1


@pytest.mark.every(3)
@pytest.mark.parametrize(("place", "border"), [("texas", "US-TX"), ("texas", "US"), ("US-TX", "Texas")])
def test_borders_are_compared_by_code_and_name(place: str, border: str, tmp_path: Path) -> None:
    """Land cells of the bundled region are in 'texas', which is US-TX, a state of US; 'near' is elsewhere."""
    sites = SITES.replace("site,", "site,jurisdiction,").replace("near,", "near,DE,").replace("far,", f"far,{place},")
    kind = KIND.format("chat", f'residency = ["{border}"]')
    plan = solved(tmp_path, sites=sites, study=STUDY + kind)
    assert [key[1] for key in served(plan) if key[0] == "west"] == ["far"]


@pytest.mark.slow
def test_data_at_home_by_another_name_is_not_moved(tmp_path: Path) -> None:
    """Moving costs 100 a MW: with data in Texas chat is served where 'texas' is, at the dear site, for nothing more."""
    sites = SITES.replace("site,", "site,jurisdiction,").replace("near,", "near,texas,").replace("far,", "far,DE,")
    demand = DEMAND.replace("it_mw", "it_mw,data_in").replace(",8", ",8,US-TX").replace(",12", ",12,")
    plan = solved(
        tmp_path, sites=sites, demand=demand, study=STUDY + KIND.format("chat", "move_musd_per_mw_year = 100")
    )
    assert ("west", "near", 2030) in served(plan)
    assert plan.tables["workloads"].set_index("region").at["west", "cost_musd"] == 0


def test_what_costs_more_than_its_penalty_is_not_served(tmp_path: Path) -> None:
    """Far for training alone: 5 + 2 + 12 = 19. Chat adds 16 at far; unserved at 1.5 a MW it costs 12: 31 in all."""
    demand = "region,workload,it_mw,penalty_musd_per_mw\nwest,chat,8,1.5\neast,train,12,\n"
    plan = solved(tmp_path, pairs=PAIRS, demand=demand)
    assert plan.summary["objective_musd"] == pytest.approx(31.0)
    assert plan.tables["demand"]["shortfall_mw"].tolist() == [8.0]
    assert plan.summary["costs_musd"]["shortfall"] == pytest.approx(12.0)


@pytest.mark.slow
def test_contiguous_scale_and_nearness_of_sites_that_share(tmp_path: Path) -> None:
    """50 MW of training; sites of 30 MW each a, b and c, b near a, c far from both and free.

    Free choice: c and any other. Sites 1,100 km apart are 15 ms from each other: with at most 8 ms a and b share it.
    """
    sites = (
        "site,lat,lon,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block\n"
        "a,30,-100,10,3,10,1\nb,31,-100,10,3,11,1\nc,40,-100,10,3,0,1\n"
    )
    demand = "region,workload,it_mw,lat,lon\nlab,train,50,30,-100\n"
    free = solved(tmp_path / "free", sites=sites, demand=demand)
    assert free.summary["objective_musd"] == pytest.approx(15.0)
    study = STUDY + KIND.format("train", "between_sites_rtt_ms = 8\nmin_site_mw = 22")
    plan = solved(tmp_path / "near", sites=sites, demand=demand, study=study)
    assert plan.summary["objective_musd"] == pytest.approx(10 + 11 + 6), "3 blocks each: 22 MW needs three"
    assert {s for _, s, _ in served(plan)} == {"a", "b"}
    assert min(served(plan).values()) >= 22 - 1e-6


def test_data_gravity_is_paid_away_from_the_data(tmp_path: Path) -> None:
    """Training moves at 3 M$ a MW away from near: far costs 5 + 2 + 16 + 12 + 36 = 71, near 30 + 2 + 12 = 44."""
    demand = "region,workload,it_mw,data_in\nwest,chat,8,\neast,train,12,near\n"
    study = STUDY + KIND.format("train", "move_musd_per_mw_year = 3.0")
    plan = solved(tmp_path, pairs=PAIRS, demand=demand, study=study)
    assert plan.summary["objective_musd"] == pytest.approx(44.0)


VALUE = STUDY.replace("periods = [2030]", 'periods = [2030]\nobjective = "net_present_value"')


@pytest.mark.slow
def test_value_decides_what_is_worth_serving(tmp_path: Path) -> None:
    """Chat earns 3 a MW and training 2.5. Far for both: 24 + 30 - 35 = 19. Near for both: 54 - 44 = 10. None: 0."""
    demand = "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,8,3\neast,train,12,2.5\n"
    plan = solved(tmp_path, pairs=PAIRS, demand=demand, study=VALUE)
    assert plan.summary["objective_value"] == pytest.approx(19.0)
    assert plan.summary["bound_value"] >= plan.summary["objective_value"] - 1e-4
    assert plan.summary["objectives"]["net_present_value_musd"] == pytest.approx(19.0)
    assert plan.summary["status"] == "optimal"


def test_not_building_is_an_answer(tmp_path: Path) -> None:
    """At 0.9 and 1.5 a MW the best is far for training: 18 - 12 - 7 = -1. So nothing is built, and that is worth 0."""
    demand = "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,8,0.9\neast,train,12,1.5\n"
    plan = solved(tmp_path, pairs=PAIRS, demand=demand, study=VALUE)
    assert plan.summary["objective_value"] == pytest.approx(0.0, abs=1e-9)
    assert plan.summary["n_sites"] == 0
    assert plan.tables["workload_demand"]["served_mw"].tolist() == [0.0, 0.0]


def test_revenue_does_not_change_the_least_cost(tmp_path: Path) -> None:
    demand = "region,workload,it_mw,revenue_musd_per_mw_year\nwest,chat,8,0.9\neast,train,12,1.5\n"
    plan = solved(tmp_path, pairs=PAIRS, demand=demand)
    assert plan.summary["objective_musd"] == pytest.approx(35.0)
    assert plan.summary["objectives"]["net_present_value_musd"] == pytest.approx(8 * 0.9 + 12 * 1.5 - 35.0)


def test_one_region_one_free_pair_is_the_study_without_workloads(tmp_path: Path) -> None:
    plain = STUDY.replace('[workloads]\ndemand = "demand.csv"\n', "[demand]\nit_mw = { 2030 = 33 }\n")
    folder = write_study(tmp_path / "plain", study=plain)
    total = solve_study(read_study(folder)).summary
    demand = "region,workload,it_mw\nall,load,33\n"
    neutral = solved(tmp_path / "neutral", demand=demand).summary
    assert neutral["objective_musd"] == pytest.approx(total["objective_musd"])
    assert neutral["it_mw"] == total["it_mw"]


@pytest.mark.slow
def test_more_sites_and_looser_rules_never_cost_more(tmp_path: Path) -> None:
    """Each step only adds plans: the least cost falls or stays."""
    tight = STUDY + KIND.format("chat", "max_rtt_ms = 10")
    loose = STUDY + KIND.format("chat", "max_rtt_ms = 55")
    third = SITES + "extra,10,1,2,1\n"
    extra = PAIRS + "extra,east,any,1,30,1\nextra,west,any,9,7,1\n"
    steps = [(tight, SITES, PAIRS), (tight, third, extra), (loose, third, extra), (STUDY, third, extra)]
    costs = [
        solved(tmp_path / str(n), study=study, sites=sites, pairs=pairs).summary["objective_musd"]
        for n, (study, sites, pairs) in enumerate(steps)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[0] > costs[-1]


ORBIT = """
[orbit]
launch_usd_per_kg = {price}
kg_per_kw = 20
sunlit_share = 0.8
first_year = 2030
ramp_mw_per_year = 4
"""
ORBITAL = SITES.replace("site,", "site,kind,").replace("near,", "near,campus,").replace("far,", "far,campus,")
ORBITAL += "shell,orbital,1,50,0,0\n"
PAIRS_OF_ORBIT = PAIRS + "shell,west,any,0,,1\nshell,east,any,0,,0\n"


@pytest.mark.slow
def test_orbit_competes_up_to_its_break_even_price(tmp_path: Path) -> None:
    """A MW in orbit launches 20 / 0.8 kg a kW: 0.025 M$ for each $/kg. It can save chat's 2 M$ a MW at far, 4 MW.

    So it breaks even at 2 / 0.025 = 80 $/kg. Below, at 40 $/kg, four MW are in orbit and save 4 x (2 - 1): 31.
    """
    study = STUDY + ORBIT
    below = solved(tmp_path / "below", study=study.format(price=40), sites=ORBITAL, pairs=PAIRS_OF_ORBIT)
    above = solved(tmp_path / "above", study=study.format(price=120), sites=ORBITAL, pairs=PAIRS_OF_ORBIT)
    assert below.summary["objective_musd"] == pytest.approx(31.0)
    assert served(below)["west", "shell", 2030] == pytest.approx(4.0)
    assert above.summary["objective_musd"] == pytest.approx(35.0)
    for plan in (below, above):
        assert plan.summary["break_even_launch_usd_per_kg"] == pytest.approx(80.0, rel=1e-4)


@pytest.mark.slow
def test_a_lower_launch_price_never_reduces_orbit(tmp_path: Path) -> None:
    """Ramp of 4 MW a year, two periods: what is in orbit falls with the price and costs rise with it.

    Serving the west from near costs a little, so that a free launch saves.
    """
    study = (STUDY + ORBIT).replace("periods = [2030]", "periods = [2030, 2032]").replace("annuitize = false\n", "")
    pairs = PAIRS_OF_ORBIT.replace("near,west,any,0,", "near,west,any,0.01,")
    mw, costs = [], []
    for price in (0, 100, 400, 800, 3000):
        plan = solved(tmp_path / str(price), study=study.format(price=price), sites=ORBITAL, pairs=pairs)
        mw.append(sum(v for (_, s, _), v in served(plan).items() if s == "shell"))
        costs.append(plan.summary["objective_musd"])
    assert mw == sorted(mw, reverse=True)
    assert mw[0] > mw[-1] == 0.0
    assert costs == sorted(costs)
    assert mw[0] <= 4 + 8 + 1e-6, "launches of 2030, and of 2031 and 2032"


def test_both_demands_are_refused(tmp_path: Path) -> None:
    folder = write_study(tmp_path, study=STUDY + "\n[demand]\nit_mw = { 2030 = 5 }\n")
    with pytest.raises(InputError) as refused:
        read_study(folder)
    assert [f.rule for f in refused.value.findings] == ["config.demand_twice"]


@pytest.mark.parametrize(("grid", "rows"), [("grid", 0), ("none", 1)])
def test_on_a_network_the_rows_of_all_sites_stand(tmp_path: Path, grid: str, rows: int) -> None:
    """Half a site serves all of the demand: without a network its row is built then; with one it stands already."""
    text = f'[grid]\nsource = "{grid}"\n[sites]\ntable = "sites.csv"\n[workloads]\ndemand = "demand.csv"\n'
    sites = "site,bus,block_mw,max_blocks\nsb,b,50,2\nsc,c,50,2\n"
    case = study_of(tmp_path, text, {**STAR, "sites": sites, "demand": "region,workload,it_mw\nwest,chat,50\n"}).case
    model = compose(case, cost, parts_of(case))
    assert len(model.workloads.only_from_built_sites) == (2 if grid == "grid" else 0)
    for variable in (*model.workloads.serve_mw.values(), *model.siting.build.values()):
        variable.set_value(0.0, skip_validation=True)
    model.workloads.serve_mw["west", "chat", "sb", 2030].set_value(50.0)
    model.siting.build["sb", 2030].set_value(0.5, skip_validation=True)
    found = workloads.cut(model.workloads, case, model)
    assert len(found.rows) == rows
    assert found.worst_mw == pytest.approx(25.0)
    assert not workloads.cut(model.workloads, case, model).rows, "none is made twice"
