"""Totals of objectives, and the bound and gap of the one minimized, are recomputed: a changed figure is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from optimizer.plan.checks_objectives import CHECKS
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.plan.verify_context import Context
from optimizer.solve import solve_study
from optimizer.study import Study
from tests.solve.frontier_cases import TABLES, TEXT
from tests.solve.small import study_of


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Plan]:
    study = study_of(tmp_path_factory.mktemp("water"), TEXT, TABLES).override({"study.objective": "water"})
    return study, tidy_plan(solve_study(study))


def found(solved: tuple[Study, Plan], **changed: Any) -> set[tuple[str, str]]:
    """Rule and place of what the checks find in the plan with some keys of plan.json changed."""
    study, plan = solved
    context = Context(study.folder, "", {**plan.summary, **changed}, plan.tables, study, study.case)
    return {(f.rule, f.where) for check in CHECKS for f in check(context)}


def test_the_plan_as_solved_holds(solved: tuple[Study, Plan]) -> None:
    assert found(solved) == set()


@pytest.mark.parametrize("key", ["cost_musd", "carbon_t", "water_m3", "delay_mw_years"])
def test_every_total_is_recomputed(solved: tuple[Study, Plan], key: str) -> None:
    totals = dict(solved[1].summary["objectives"])
    totals[key] += 1.0
    assert found(solved, objectives=totals) == {("plan.recomputed", f"plan.json objectives {key}")}


@pytest.mark.parametrize(
    ("key", "change", "rules"),
    [
        ("objective", lambda v: "cost", {("plan.recomputed", "plan.json objective")}),
        ("unit", lambda v: "M$", {("plan.recomputed", "plan.json unit")}),
        ("objective_value", lambda v: v + 1, {("plan.recomputed", "plan.json objective_value")}),
        ("bound_value", lambda v: v + 10, {("plan.bound.above_objective", "plan.json bound_value")}),
        (
            "bound_value",
            lambda v: v - 100,
            {("plan.recomputed", "plan.json gap"), ("plan.recomputed", "plan.json status")},
        ),
        ("gap", lambda v: 0.5, {("plan.recomputed", "plan.json gap")}),
        ("bound_value", lambda v: None, {("plan.recomputed", "plan.json bound_value")}),
        ("objectives", lambda v: {}, {("plan.recomputed", "plan.json objectives")}),
    ],
)
def test_what_is_said_of_the_objective_is_recomputed(
    solved: tuple[Study, Plan], key: str, change: Any, rules: set[tuple[str, str]]
) -> None:
    assert found(solved, **{key: change(solved[1].summary[key])}) == rules


def test_a_broken_limit_is_named(solved: tuple[Study, Plan]) -> None:
    study, plan = solved
    limits = replace(study.case.limits, totals={"carbon": 1000.0, "water": 1e9})
    context = Context(study.folder, "", plan.summary, plan.tables, study, replace(study.case, limits=limits))
    assert {f.rule for check in CHECKS for f in check(context)} == {"plan.limits.carbon_t"}
