"""Service, supply on site and the developer's perspective in several futures; optima found by hand."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from optimizer.errors import InputError
from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve.uncertain.decide import MEAN, Method, Uncertain, solve_uncertain
from optimizer.solve.uncertain.tables import first_stage_table, regret_table
from optimizer.study import Study
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import HEAD, study_of
from tests.solve.test_perspective import DEVELOPER, FIRM
from tests.solve.test_supply import ENGINE, GRID, engine
from tests.solve.test_supply import STUDY as SUPPLIED

METHODS = get_args(Method)


def scenarios(one: str, other: str, probability: float) -> str:
    """Two futures, the first with this probability."""
    return "[uncertainty]\n" + "".join(
        f'[[uncertainty.scenario]]\nname = "{name}"\nprobability = {p:.12g}\n{keys}\n'
        for name, p, keys in (("one", probability, one), ("other", 1 - probability, other))
    )


def verified(study: Study, folder: Path, method: Method | None = None) -> Uncertain:
    """The plan for all futures; its plan in each is written and every number of it recomputed."""
    found = solve_uncertain(study, method=method)
    assert found.gap == 0.0
    for name, plan in found.plans.items():
        findings = verify_plan(write_plan(tidy_plan(plan), folder / "plans" / name))
        assert [str(f) for f in findings if f.severity == "error"] == []
    return found


TWO_SITES = "site,bus,block_mw,max_blocks,fixed_cost_musd_per_year\nsa,a,10,5,{fixed}\nsb,b,10,5,0\n"
"""One site before the line to b at a cost once built, one behind it."""


def built(found: Uncertain) -> set[str]:
    """Sites of the first stage."""
    return {name for kind, name, _ in found.chosen if kind == "build"}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("calm", "objective", "at_a"), [(0.5, 0.15 + 7.37025, True), (0.8, 0.117 + 7.1709, False)])
def test_curtailment_follows_the_future(
    tmp_path: Path, method: Method, calm: float, objective: float, at_a: bool
) -> None:
    """At b 10 of 50 MW are short for 100 h, 25 MW where load is a quarter higher: 0.1 and 0.25 M$ of lost load, less
    0.01 and 0.025 of fuel; at a none for 0.15 M$. On average that is 0.1575 or 0.117.

    Fuel at 10 $/MWh: 265,800 or 332,250 MWh of old load, and 438,000 of the campus.
    """
    sites = TWO_SITES.format(fixed=0.15)
    futures = scenarios("", "existing_load_factor = 1.25", calm)
    study = study_of(tmp_path, STUDY + service(curtailable_share=0.01) + futures, {**LINE, "sites": sites}, HEAD)
    found = verified(study, tmp_path, method)
    assert found.objective_musd == pytest.approx(objective, rel=1e-6)
    assert ("sa" in built(found)) is at_a
    curtailed = {name: plan.table("service")["curtailed_mw"].sum() for name, plan in found.plans.items()}
    expected = {"one": 0, "other": 0} if at_a else {"one": 10, "other": 25}
    assert curtailed == pytest.approx(expected, abs=1e-5)
    rows = regret_table(found).set_index(["plan", "scenario"])["regret_musd"]
    # Known beforehand, b is best in the calm future (0.09 against 0.15), a in the other (0.15 against 0.225).
    assert rows["plan of one", "other"] == pytest.approx(0.075, abs=1e-5)
    assert rows["plan of other", "one"] == pytest.approx(0.06, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fixed", "objective"), [(2.0, 2 + 45 * 0.5004), (3.0, 0.5 * 40 * 0.5004 * 2 + 5)])
def test_a_developer_in_two_futures(tmp_path: Path, method: Method, fixed: float, objective: float) -> None:
    """A MW costs 0.3504 of energy, 0.12 of demand and 0.03 of tax. 40 MW fit at b, and 50 are asked for in one of two
    futures: at a the other ten save 10 - 5.004 M$ there, 2.498 on average.
    """
    sites = TWO_SITES.format(fixed=fixed)
    text = STUDY + FIRM + scenarios("it_demand_factor = 0.8", "", 0.5)
    found = verified(study_of(tmp_path, text, {**LINE, "sites": sites}, DEVELOPER), tmp_path, method)
    assert found.objective_musd == pytest.approx(objective, rel=1e-6)
    assert ("sa" in built(found)) is (fixed == 2.0)


GAS = {**GRID, "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\ng,a,400,50,gas\n"}


@pytest.mark.slow
@pytest.mark.parametrize(("cost", "objective"), [(0.08, 9 + 24.09), (0.1, 1 + 32.85)])
def test_supply_is_installed_before_fuel_prices_are_known(tmp_path: Path, cost: float, objective: float) -> None:
    """An engine at 30 $/MWh saves 0.1752 M$ a MW where the grid's power costs 50, and stands still where it is 25."""
    futures = scenarios("", "fuel_price_factors = { gas = 0.5 }", 0.5)
    study = study_of(tmp_path, SUPPLIED + ENGINE + futures, {**GAS, "supply": engine(cost)}, HEAD)
    found = verified(study, tmp_path)
    assert found.method == "extensive"
    assert found.objective_musd == pytest.approx(objective, rel=1e-6)
    for plan in found.plans.values():
        assert plan.table("supply")["capacity_mw"].sum() == pytest.approx(100.0 if cost < 0.0876 else 0.0, abs=1e-5)
    alone = regret_table(found).set_index(["plan", "scenario"])["regret_musd"]
    assert alone["plan of one", "other"] == pytest.approx(100 * cost, rel=1e-5)
    assert alone["plan of other", "one"] == pytest.approx(100 * (0.1752 - cost), rel=1e-5)


@pytest.mark.every(3)
@pytest.mark.parametrize("line_km", [0, 1, 4])
def test_as_much_supply_as_pays_on_average(tmp_path: Path, line_km: int) -> None:
    """50 MW run in both futures and save 0.1752 M$ each, the next 50 in one of 40 %: 0.07, less than the 0.1 that a MW
    costs. A gas line at 1 M$ a km is paid for by the 50 x 0.0752 = 3.76 M$ that they save, if it is short enough.
    """
    columns = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh,gas_line_km\n"
    tables = {**GRID, "sites": columns + f"s,b,50,2,1,0.4,{line_km}\n", "supply": engine(0.1)}
    more = ENGINE + "gas_line_musd_per_km = 1\n" + scenarios("it_demand_factor = 0.5", "", 0.6)
    found = verified(study_of(tmp_path, SUPPLIED + more, tables, HEAD), tmp_path)
    running, grid = 50 * 8760 * 30e-6, 50 * 8760 * 50e-6
    # One block of 1 M$ in the small future, two in the other; without supply all is from the grid.
    with_it = 5 + line_km + 0.6 * (1 + running) + 0.4 * (2 + running + grid)
    without = 0.6 * (1 + grid) + 0.4 * (2 + 2 * grid)
    assert found.objective_musd == pytest.approx(min(with_it, without), rel=1e-6)
    rows = first_stage_table(found).set_index("kind")
    if line_km == 4:
        assert not {"supply", "gas line"} & set(rows.index)
        return
    assert rows.at["supply", "amount"] == pytest.approx(50.0, abs=1e-5)
    assert ("gas line" in rows.index) is (line_km > 0)
    assert found.costs_musd["plan of other"][0] - found.own_musd[0] == pytest.approx(5.0, rel=1e-5)
    assert MEAN in found.costs_musd


def test_a_generator_beside_a_site_stays(tmp_path: Path) -> None:
    sites = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,colocated_generator\ns,b,50,2,1,h\n"
    tables = {**GAS, "sites": sites, "grid/generators": GAS["grid/generators"] + "h,b,100,20,hydro\n"}
    text = SUPPLIED + "[supply]\n" + scenarios('withdrawn_generators = ["h"]', "", 0.5)
    with pytest.raises(InputError, match=r"scenario one, .*beside is withdrawn"):
        solve_uncertain(study_of(tmp_path, text, tables, HEAD))


def test_amounts_of_supply_are_not_decided_scenario_by_scenario(tmp_path: Path) -> None:
    study = study_of(tmp_path, SUPPLIED + ENGINE + scenarios("", "", 0.5), {**GAS, "supply": engine(0.1)}, HEAD)
    with pytest.raises(InputError, match="how much supply stands on a site"):
        solve_uncertain(study, method="decomposition")
