"""What comes otherwise than the tables say: what it changes in the case, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimizer.errors import InputError
from optimizer.study import Study
from optimizer.study.futures import future_of, mean_case
from tests.solve.small import STAR, TWO_PERIODS, checked_plan, study_of

TABLES = {
    **STAR,
    "grid/buses": "bus,base_kv,load_mw,shunt_mw\na,138,10,1\nb,138,40,0\nc,138,0,0\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\ng,a,600,10,hydro\nk,a,300,20,gas\n",
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd,ready\nu,b1,60,4,2030\n",
}
TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 150, 2032 = 150 }
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return study_of(tmp_path / "study", TEXT, TABLES, TWO_PERIODS)


def test_load_is_scaled_without_shunts_and_by_period(study: Study) -> None:
    case = study.override({"conditions": {"existing_load_factor": 1.5, "existing_load_factors": {2032: 2.0}}}).case
    assert case.load_mw[(2030, "year")].to_dict() == {"a": 16.0, "b": 60.0, "c": 0.0}
    assert case.load_mw[(2032, "year")].to_dict() == {"a": 21.0, "b": 80.0, "c": 0.0}


def test_what_leaves_the_queue_is_not_there(study: Study) -> None:
    gone = {"conditions.withdrawn_load_mw": {"b": 30}, "conditions.withdrawn_generators": ["k"]}
    case = study.override(gone | {"conditions.existing_load_factor": 2.0}).case
    assert case.load_mw.loc["b"].tolist() == [20.0, 20.0]
    assert list(case.generators.index) == ["g"]
    assert set(case.cost_segments.index.get_level_values("generator")) == {"g"}


def test_prices_costs_and_delays(study: Study) -> None:
    changed = {"fuel_price_factors": {"gas": 1.5}, "upgrade_cost_factor": 2.0, "upgrade_delay_years": 1.5}
    plain, case = study.case, study.override({"conditions": changed}).case
    assert case.cost_segments["cost_usd_per_mwh"].tolist() == [10.0, 30.0]
    assert case.upgrades.loc["u", ["cost_musd", "ready"]].tolist() == [8.0, 2031.5]
    assert case.upgrades.at["u", "annuity_musd"] == 2 * plain.upgrades.at["u", "annuity_musd"]


def test_the_price_of_a_fuel_acts_on_all_of_a_cost(tmp_path: Path) -> None:
    """0.1 p^2 + 2 p + 5 from 20 to 100 MW in two pieces: slopes 10 and 18, 85 $/h at 20 MW; once and a half of each."""
    columns = "generator,bus,p_min_mw,p_max_mw,cost_usd_per_mwh,cost_quadratic_usd_per_mw2h,cost_constant_usd_per_h"
    rows = f"{columns},carrier\ng,a,0,600,10,0,7,hydro\nk,a,20,100,2,0.1,5,gas\n"
    text = TEXT + "[dispatch]\ncost_segments = 2\n[conditions]\nfuel_price_factors = { gas = 1.5 }\n"
    case = study_of(tmp_path / "study", text, {**TABLES, "grid/generators": rows}, TWO_PERIODS).case
    assert case.cost_segments["width_mw"].tolist() == [600.0, 40.0, 40.0]
    assert case.cost_segments["cost_usd_per_mwh"].tolist() == pytest.approx([10.0, 15.0, 27.0])
    assert case.cost_at_min_usd_per_h.to_dict() == pytest.approx({"g": 7.0, "k": 127.5})


def test_candidates_are_those_of_the_tables(study: Study) -> None:
    changed = study.override({"conditions": {"existing_load_factor": 3.0, "withdrawn_generators": ["k"]}})
    for table in ("sites", "ties", "pue", "cooling"):
        assert getattr(changed.case, table).equals(getattr(study.case, table))


def test_a_plan_under_conditions_is_a_plan(study: Study) -> None:
    """150 MW of campus and twice 50 of load, g alone: 251 MW with the shunt at 10 $/MWh, 4 years of 8,760 h."""
    changed = study.override({"conditions": {"existing_load_factor": 2.0, "withdrawn_generators": ["k"]}})
    plan = checked_plan(changed, written=True)
    costs = plan.table("costs").groupby("account", observed=True)["cost_musd"].sum()
    assert costs["generation"] == pytest.approx(4 * 251 * 10 * 8760 / 1e6, rel=1e-6)


def test_the_mean_case_has_means(study: Study) -> None:
    text = """
[[uncertainty.scenario]]
name = "one"
probability = 0.25
it_demand_factors = { 2032 = 3 }
existing_load_factor = 2
fuel_price_factors = { gas = 2 }
upgrade_delay_years = 2
[[uncertainty.scenario]]
name = "two"
probability = 0.75
withdrawn_generators = ["k"]
upgrade_cost_factor = 3
penalty_musd_per_mw_year = 1
"""
    read = study_of(study.folder, TEXT + text, TABLES, TWO_PERIODS)
    assert read.config.uncertainty is not None
    cases = [future_of(read, one).case for one in read.config.uncertainty.scenario]
    case = mean_case(read.case, cases, [0.25, 0.75])
    assert case.demand_mw.to_dict() == {2030: 150.0, 2032: 0.25 * 450 + 0.75 * 150}
    assert case.load_mw.loc["b"].tolist() == [50.0, 50.0]
    assert case.output_max_mw["year"].to_dict() == {"g": 600.0, "k": 75.0}
    # The gas unit is there in the first future only, where its fuel costs twice as much.
    assert case.cost_segments.to_numpy().tolist() == [[600.0, 10.0], [75.0, 40.0]]
    assert case.upgrades.loc["u", ["cost_musd", "ready"]].tolist() == [0.25 * 4 + 0.75 * 12, 2030.5]
    assert case.shortfall_penalty_musd_per_mw_year is None


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"fuel_price_factors": {"gaz": 2.0}}, "study.carrier.unknown"),
        ({"withdrawn_generators": ["kk"]}, "study.conditions.generator"),
        ({"withdrawn_load_mw": {"d": 1.0}}, "study.conditions.bus"),
        ({"withdrawn_load_mw": {"b": 41.0}}, "study.conditions.load"),
    ],
)
def test_names_and_loads_that_are_not_there(study: Study, changed: dict[str, Any], rule: str) -> None:
    with pytest.raises(InputError) as caught:
        study.override({"conditions": changed})
    assert [f.rule for f in caught.value.findings] == [rule]
    assert all(f.remedy for f in caught.value.findings)
    scenario = {"name": "s", "probability": 1.0, **changed}
    with pytest.raises(InputError) as caught:
        study.override({"uncertainty": {"scenario": [scenario]}})
    assert [f.rule for f in caught.value.findings] == [rule]
    assert caught.value.findings[0].where.startswith("uncertainty.scenario#1 (s), ")


def test_without_a_grid_nothing_of_it_can_change(tmp_path: Path) -> None:
    text = TEXT.replace('"grid"', '"none"')
    sites = "site,block_mw,max_blocks\ns,50,3\n"
    plain = study_of(tmp_path / "study", text, {"sites": sites}, TWO_PERIODS)
    with pytest.raises(InputError) as caught:
        plain.override({"conditions": {"existing_load_factor": 2.0, "upgrade_delay_years": 1.0}})
    assert [f.rule for f in caught.value.findings] == ["study.conditions.no_grid"] * 2
