"""Objectives are sums over their ledgers, a year counted for a year; limits hold them."""

from __future__ import annotations

from pathlib import Path

import pyomo.environ as pyo
import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.formulation import compose
from optimizer.objectives import OBJECTIVES
from optimizer.objectives.cost import cost
from optimizer.objectives.totals import limit_totals
from optimizer.study import Study
from tests.formulation.tiny import tiny_case
from tests.solve.frontier_cases import PENALTY, TABLES, TEXT, choices
from tests.solve.small import HEAD, checked_plan, study_of


def test_totals_are_sums_over_years() -> None:
    """With every variable at 1: 1 MW by each of three coolings, a shortfall of 1 MW, in periods of 2 and 3 years.

    A year of 1 MW each: 1927.2 + 2277.6 + 1576.8 t, and 18 + 0 + 6 m3 a day (`tests.formulation.test_golden`).
    """
    case = tiny_case()
    model = compose(case, cost)
    for variable in model.component_data_objects(pyo.Var):
        variable.set_value(1.0, skip_validation=True)
    found = {name: pyo.value(o.expression(model, case)) for name, o in OBJECTIVES.items()}
    assert found["cost"] == pytest.approx(pyo.value(model.objective))
    assert found["carbon"] == pytest.approx(5 * (1927.2 + 2277.6 + 1576.8))
    assert found["water"] == pytest.approx(5 * 365 * (18 + 6))
    assert found["delay"] == pytest.approx(5)


def test_a_limit_is_a_row_of_its_total() -> None:
    case = tiny_case()
    model = compose(case, cost)
    limit_totals(model, case, {"carbon": 20_000.0, "delay": 4.0})
    for variable in model.component_data_objects(pyo.Var):
        variable.set_value(1.0, skip_validation=True)
    rows = model.totals.within_its_limit
    # 5,781.6 t a year for 5 years are 28,908 t: 8,908 too many, in thousands.
    assert rows["carbon"].uslack() == pytest.approx(-8.908)
    assert rows["delay"].uslack() == pytest.approx(-1.0)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return study_of(tmp_path_factory.mktemp("priced"), TEXT + PENALTY, TABLES)


@pytest.mark.every(4)
@pytest.mark.parametrize("name", ["carbon", "water", "delay"])
def test_the_best_plan_of_an_objective_is_the_cheapest_of_the_best(study: Study, name: str) -> None:
    """Against every plan of the study; the independent check recomputes totals, bound and gap."""
    must = {"demand.penalty_musd_per_mw_year": None} if name != "delay" else {}
    chosen = study.override({"study.objective": name, **must})
    plan = checked_plan(chosen)
    key = OBJECTIVES[name].key
    every = [c.values for c in choices(chosen.case)]
    best = min(v[key] for v in every)
    cheapest = min(v["cost_musd"] for v in every if v[key] <= best * (1 + 1e-6) + 1e-6)
    assert plan.summary["objectives"][key] == pytest.approx(best, rel=2e-6, abs=1e-6)
    assert plan.summary["objective_value"] == plan.summary["objectives"][key]
    assert plan.summary["objective_musd"] == pytest.approx(cheapest, rel=2e-6)
    assert (plan.summary["status"], plan.summary["gap"], plan.summary["unit"]) == (
        "optimal",
        0.0,
        OBJECTIVES[name].unit,
    )


@pytest.mark.every(2)
@pytest.mark.parametrize(("name", "limit"), [("carbon", 330_000.0), ("water", 500_000.0)])
def test_a_limit_on_a_total_holds_and_costs_what_it_must(study: Study, name: str, limit: float) -> None:
    key = OBJECTIVES[name].key
    chosen = study.override({f"limits.{key}": limit, "demand.penalty_musd_per_mw_year": None})
    plan = checked_plan(chosen)
    every = [c.values for c in choices(chosen.case)]
    assert plan.summary["objectives"][key] <= limit
    free = min(v["cost_musd"] for v in every)
    held = min(v["cost_musd"] for v in every if v[key] <= limit)
    assert free < held == pytest.approx(plan.summary["objective_musd"], rel=2e-6)


def test_a_limit_that_no_plan_keeps_is_infeasible(study: Study) -> None:
    with pytest.raises(InfeasibleError):
        checked_plan(study.override({"limits.carbon_t": 1.0, "demand.penalty_musd_per_mw_year": None}))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("objective = 'carbon'\n", "study.objective.no_region"),
        ("objective = 'delay'\n", "study.objective.delay"),
        ("[limits]\ncarbon_t = 5\n", "study.objective.no_region"),
        ("[limits]\ndelay_mw_years = 5\n", "study.objective.delay"),
    ],
)
def test_an_objective_that_nothing_decides_is_refused(tmp_path: Path, text: str, rule: str) -> None:
    """Without a region emissions are not known; where all must be served there is no delay."""
    head = HEAD.replace("periods", f"{text}periods") if text.startswith("objective") else HEAD
    body = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 50 }\n'
    body += "" if text.startswith("objective") else text
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, body, {"sites": "site,block_mw,max_blocks\ns,50,1\n"}, head)
    assert [f.rule for f in refused.value.findings] == [rule]
