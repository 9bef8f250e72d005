import dataclasses

import geopandas as gpd
import pandas as pd
import pytest

from optimizer.plan.plan import Plan
from optimizer.report.view import View, highest, refused_by_rule


def test_sites_are_ranked_by_size_with_their_growth_and_tie(plan: Plan) -> None:
    sites = View(plan).sites
    assert list(sites.index) == ["s1", "s2"]
    assert sites["rank"].tolist() == [1, 2]
    assert sites["it_mw_2030"].tolist() == [300, 0]
    assert sites["it_mw_2032"].tolist() == [600, 300]
    # Half a million a megawatt and period.
    assert sites["cost_musd"].tolist() == [450, 150]
    assert sites["tie_km"].tolist() == [12.0, 20.5]


def test_cost_above_the_baseline(plan: Plan) -> None:
    assert View(plan).above_baseline_musd == pytest.approx(1000)


def test_the_highest_loading_of_each_branch(plan: Plan) -> None:
    base = View(plan).base_loading
    # 490 of 500 MW at the peak, not the 100 of 500 of the typical snapshot; the unlimited branch has none.
    assert base.loc["ab1", "loading"] == pytest.approx(0.98)
    assert base.loc["ab1", "snapshot"] == "summer_peak"
    assert list(base.index) == ["ab1", "ab2", "cd1"]
    assert View(plan).outage_loading.loc["ab1", "contingency"] == "ab2"


def test_the_highest_of_nothing_is_nothing() -> None:
    assert highest(pd.DataFrame(), 2030).empty


def test_names_of_the_network(plan: Plan) -> None:
    view = View(plan)
    assert view.branch("ab1") == "ab1 ALPHA – BETA"
    assert view.branch("cd1") == "cd1 GAMMA – d"
    assert view.branch("Travis") == "Travis"
    assert view.bus("c") == "c GAMMA"


def test_parallel_lines_do_not_split_the_network(plan: Plan) -> None:
    # a-b and c-d are doubled; only the transformer between a and c is the single way.
    assert View(plan).splitting_outages == 1


def test_refusals_are_counted_and_measured_by_rule(plan: Plan) -> None:
    by_rule = View(plan).refused_area_km2()
    assert by_rule["rule"].tolist() == ["too_far", "excluded:wetland"]
    assert by_rule["places"].tolist() == [7, 1]
    # A tenth of a degree at 31 degrees north: 11.08 km by 9.55 km.
    assert by_rule["area_km2"].iloc[1] == pytest.approx(11.08 * 9.55, rel=0.01)
    assert refused_by_rule(plan.tables["refused"])["places"].tolist() == [7, 1]


def test_refused_sites_without_a_place_are_counted_alone() -> None:
    """A site of one's own on a network without coordinates has no area, and its report is written all the same."""
    refused = gpd.GeoDataFrame({"rule": ["point_cut_off"]}, geometry=[None], crs="EPSG:4326")
    by_rule = refused_by_rule(refused)
    assert by_rule.to_dict("list") == {"rule": ["point_cut_off"], "places": [1]}


def test_a_site_without_a_hall_of_its_own_is_what_the_study_says(plan: Plan) -> None:
    """The study's archetype fills nothing without a region, and neither rack nor use are given."""
    assert View(plan).halls.empty
    own = pd.DataFrame({"site": ["s1"], "archetype": ["traditional"], "rack_density_kw": [10.0], "utilization": [0.75]})
    halls = View(dataclasses.replace(plan, tables={**plan.tables, "halls": own})).halls
    demand, facility = plan.config.demand, plan.config.facility
    assert demand is not None
    assert demand.archetype == "ai_training"
    assert halls["archetype"].to_dict() == {"s1": "traditional", "s2": ""}
    assert halls.loc["s1", ["rack_density_kw", "utilization_share"]].tolist() == [10, 0.75]
    settings = plan.config.model_copy(update={"sites": plan.config.sites.model_copy(update={"region": "texas"})})
    halls = View(dataclasses.replace(plan, config=settings, tables={**plan.tables, "halls": own})).halls
    assert halls.at["s2", "archetype"] == "ai_training"
    assert halls.at["s2", "utilization_share"] == (facility.utilization or 1.0)
