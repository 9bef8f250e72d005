"""Why a case cannot be: each reason on the tiny study (see conftest), whose seven sites hold 200 MW of IT each."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError
from optimizer.study import Study
from optimizer.study.precheck import precheck, refuse_infeasible
from tests.solve.small import study_of

Edited = Callable[..., Study]


def found(study: Study) -> dict[str, tuple[float | None, float | None]]:
    return {f.rule: (f.value, f.limit) for f in precheck(study.case)}


def test_nothing_stands_against_the_study(tiny: Study) -> None:
    assert precheck(tiny.case) == ()
    refuse_infeasible(tiny.case)


def test_more_than_all_sites_hold(tiny: Study) -> None:
    study = tiny.override({"demand.it_mw": {2030: 100.0, 2032: 1500.0}})
    assert found(study) == {"study.demand.beyond_sites": (1400.0, 1500.0)}
    with pytest.raises(InfeasibleError, match=r"period 2032.*100\.0 MW short"):
        refuse_infeasible(study.case)


def test_earlier_than_anything_can_be_ready(tiny: Study) -> None:
    """Decided in 2028, ties and campuses serve from 2031."""
    (finding,) = precheck(tiny.override({"study.decision_year": 2028}).case)
    assert finding.rule == "study.demand.beyond_sites"
    assert "7 more can serve from 2031 on" in finding.message
    assert (finding.value, finding.limit) == (0.0, 100.0)


def test_a_shortfall_at_a_price_is_allowed(tiny: Study) -> None:
    keys = {"demand.it_mw": {2030: 100.0, 2032: 1500.0}, "demand.penalty_musd_per_mw_year": 1.0}
    assert precheck(tiny.override(keys).case) == ()


def test_no_candidate_at_all(tiny: Study) -> None:
    study = tiny.override({"sites.min_area_ha": 2600.0})
    assert found(study) == {"study.demand.no_sites": (0.0, 200.0)}


def test_share_of_a_county(tiny: Study) -> None:
    """Two counties of at most 0.4 of 200 MW hold 160."""
    rules = found(tiny.override({"limits.share_per_county": 0.4}))
    assert rules["study.demand.county_share"] == pytest.approx((160.0, 200.0))


def test_water_of_all_basins(tiny: Study) -> None:
    """West: 1,500 m3/day over 1.2 a MW (24 x 0.5 x 0.1) are 1,250 MW, more than its 600; the east gives 83.3 of 800.

    In blocks of 50 MW that is 600 and 50. At a share of 0.08, 120 m3/day are 100 MW in the west, and the east's 8 do
    not cool one block.
    """
    water = {"water.withdrawal_share": 0.08}
    assert found(tiny.override(water))["study.demand.water"] == pytest.approx((100.0, 200.0))
    assert precheck(tiny.override({"demand.it_mw": {2030: 100.0, 2032: 650.0}}).case) == ()
    whole = found(tiny.override({"demand.it_mw": {2030: 100.0, 2032: 680.0}}))
    assert set(whole) == {"study.demand.no_choice_of_sites"}
    rules = found(tiny.override({"demand.it_mw": {2030: 100.0, 2032: 690.0}}))
    assert rules == {"study.demand.water": pytest.approx((683.333, 690.0))}


def test_generation(tiny: Study) -> None:
    """Wind of 100 MW is all there is: 20 MW at the peak, 90 in the low snapshot, for 100 and 50 MW and the campuses."""
    study = tiny.override({"dispatch.cost": "none"})
    case = study.case
    assert precheck(case) == ()
    small = case.output_max_mw.copy()
    small.loc["g1"] = 0.0
    findings = precheck(replace(case, output_max_mw=small))
    by_rule = {(f.rule, f.where): (f.value, f.limit) for f in findings}
    assert by_rule[("study.grid.existing_load", "period 2030")] == pytest.approx((20.0, 100.0))
    # At the least PUE of a candidate: 1.15 at the peak and 1.10 otherwise.
    assert {f.limit for f in findings if f.rule == "study.demand.generation"} == {215.0, 160.0, 330.0, 270.0}


def test_least_output_beyond_the_load(edited: Edited) -> None:
    table = "generator,bus,p_max_mw,p_min_mw\ng1,n3,2000,60\n"
    study = edited({"tiny/grid/generators.csv": table, "tiny/grid/availability.csv": "snapshot,generator,factor\n"})
    case = study.override({"demand": None}).case
    findings = precheck(case)
    assert {(f.rule, f.value, f.limit) for f in findings} == {("study.grid.least_output", 50.0, 60.0)}
    # With campuses the surplus may be used.
    assert precheck(study.case) == ()


def test_an_island_with_too_little_generation(edited: Edited) -> None:
    """n1 and n2 alone: 30 MW for a load of 100, and of 50 in the low snapshot; n3 and n4 have all the rest."""
    files = {
        "tiny/grid/branches.csv": "branch,from_bus,to_bus,x_pu,rating_mw\na,n1,n2,0.1,300\nd,n3,n4,0.1,300\n",
        "tiny/grid/generators.csv": "generator,bus,p_max_mw,carrier\ng1,n3,2000,gas\ng2,n2,30,gas\n",
        "tiny/grid/availability.csv": "snapshot,carrier,factor\n",
    }
    findings = precheck(edited(files, {"demand": None}).case)
    assert {(f.rule, f.value, f.limit) for f in findings} == {
        ("study.grid.existing_load", 30.0, 100.0),
        ("study.grid.existing_load", 30.0, 50.0),
    }
    assert "the island of bus n1 (2 buses)" in findings[0].message


def test_pace_budget_and_emissions(tiny: Study) -> None:
    """2 x 90 MW in two periods; 8.2 + 2 M$/MW at least; 8,760 h x 0.5 x 1.1 x 0.4 t/MWh at least."""
    keys = {
        "limits.new_it_mw_per_period": 90.0,
        "limits.budget_musd": {2032: 2000.0},
        "limits.carbon_t_per_year": {2032: 1e5},
    }
    rules = {(f.rule, f.where): (f.value, f.limit) for f in precheck(tiny.override(keys).case)}
    assert rules[("study.demand.pace", "period 2030")] == (90.0, 100.0)
    assert rules[("study.demand.pace", "period 2032")] == (180.0, 200.0)
    assert rules[("study.demand.budget", "period 2032")] == pytest.approx((2000.0, 200 * 10.2))
    assert rules[("study.demand.carbon", "period 2032")] == pytest.approx((1e5, 200 * 8760 * 0.5 * 1.1 * 0.4))


def test_a_study_of_nothing(tmp_path: Path) -> None:
    """Neither a grid nor a demand: there is nothing to decide."""
    assert [f.rule for f in precheck(study_of(tmp_path, "", {}).case)] == ["study.nothing_to_decide"]
