"""A plan whose figures agree with one another but break a limit of the study is found, limit by limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import check_plan, findings_of
from optimizer.study.case import Case
from tests.plan.conftest import Written

Change = Callable[[Case], Case]


def limits(**values: object) -> Change:
    return lambda case: replace(case, limits=replace(case.limits, **values))


def column(table: str, name: str, value: object) -> Change:
    return lambda case: replace(case, **{table: getattr(case, table).assign(**{name: value})})


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("change", "rule", "where"),
    [
        (limits(share_per_county=0.6), "plan.limits.share_per_county", "county Alpha, period 2032"),
        (limits(share_per_substation=0.6), "plan.limits.share_per_substation", "substation sub c"),
        (limits(new_it_mw_per_period=19.0), "plan.limits.new_it_mw_per_period", "period 2032"),
        # Of s1 2 x 33,638.4 t and of s2 32,236.8 t a year.
        (limits(carbon_t_per_year={2032: 99500.0}), "plan.limits.carbon_t_per_year", "period 2032"),
        # One-time: sites 12 + 2 x 48 + 6 + 60, ties 7.2 + 4.8, cooling 20 x 0.12 + 10 x 0.24, upgrade 6: 196.8 M$.
        (limits(budget_musd={2032: 196.7}), "plan.limits.budget_musd", "period 2032"),
        (column("sites", "max_blocks", 1), "plan.site.too_many_blocks", "column blocks"),
        (column("sites", "min_blocks", 2), "plan.site.too_few_blocks", "column blocks"),
        (column("sites", "earliest", 2031), "plan.site.too_early", "column period"),
        (column("ties", "ready", 2031), "plan.tie.too_early", "column in_service"),
        (column("ties", "capacity_mw", 25.5), "plan.tie.capacity", "column facility_mw"),
        (column("ties", "bus", "d"), "plan.tie.not_firm", "column bus"),
        (
            column("upgrades", "ready", 2033),
            "plan.recomputed",
            "tables/upgrades.csv row 1 (upgrade u) column in_service",
        ),
        (column("branches", "rating_mw", [71.5, 90, 75, 15]), "plan.limit.normal", "branch ab, period 2032"),
        (column("branches", "flow_max_mw", [71.5, 90, 75, 25]), "plan.limit.normal", "branch ab, period 2032"),
        (
            column("branches", "rating_emergency_mw", [135.5, 100, 90, 18]),
            "plan.limit.emergency",
            "outage ac, branch ab",
        ),
        (column("water", "available_m3_day", [400.0, 271.5]), "plan.water.limit", "basin creek, period 2032"),
        (column("output_max_mw", "peak", [135.5, 100.0]), "plan.recomputed", "tables/dispatch.csv"),
        (lambda case: replace(case, demand_mw=case.demand_mw + 1.0), "plan.demand.not_met", "period 2030"),
    ],
)
def test_a_broken_limit_is_named(single: Written, change: Change, rule: str, where: str) -> None:
    study = replace(single.study, case=change(single.study.case))
    # The check is not run further once it finds what is broken.
    assert any(f.rule == rule and where in f.where for f in findings_of(single.folder, study))


@pytest.mark.every(2)
@pytest.mark.parametrize(
    "change",
    [
        limits(share_per_county=0.67),
        limits(carbon_t_per_year={2032: 99514.0}),
        limits(budget_musd={2032: 196.8}),
        column("ties", "capacity_mw", 26.0),
    ],
)
def test_a_limit_that_just_holds_is_not(single: Written, change: Change) -> None:
    """20 of 30 MW in a county in 2032, 99,513.6 t, 196.8 M$, 26 MW over a tie."""
    study = replace(single.study, case=change(single.study.case))
    found = [f for f in check_plan(single.folder, study) if f.rule.startswith("plan.limits") or "capacity" in f.rule]
    assert [f.where for f in found if "2030" not in f.where] == []


def rewritten(single: Written, folder: Path, **tables: pd.DataFrame) -> list[str]:
    plan = Plan(
        single.plan.summary,
        {**single.plan.tables, **tables},
        (),
        single.plan.config,
        single.plan.study,
        single.plan.log,
    )
    return [f.rule for f in check_plan(write_plan(plan, folder), single.study) if f.severity == "error"]


@pytest.mark.slow
def test_decisions_that_are_missing_are_named(single: Written, tmp_path: Path) -> None:
    tables = single.plan.tables
    sites, ties, dispatch = tables["sites"], tables["ties"], tables["dispatch"]
    other_tie = ties.assign(tie=["s1-c", "s3-b"])
    cases: list[tuple[str, dict[str, pd.DataFrame]]] = [
        ("plan.table.missing_row", {"dispatch": dispatch.iloc[1:]}),
        ("plan.table.empty_cell", {"dispatch": dispatch.assign(output_mw=[None, *dispatch["output_mw"][1:]])}),
        ("plan.unknown_name", {"dispatch": dispatch.assign(snapshot=["none", *dispatch["snapshot"][1:]])}),
        ("plan.unknown_name", {"sites": sites.assign(cooling="ice")}),
        ("plan.tie.one_a_site", {"ties": ties.iloc[:1]}),
        ("plan.tie.of_another_site", {"ties": other_tie}),
        ("plan.tie.without_site", {"sites": sites[sites["site"] == "s1"]}),
        ("plan.site.undone", {"sites": sites[(sites["site"] != "s1") | (sites["period"] == 2030)]}),
    ]
    for number, (rule, changed) in enumerate(cases):
        assert rule in rewritten(single, tmp_path / str(number), **changed), rule


def test_a_dispatch_that_is_not_the_cheapest_is_named(single: Written, tmp_path: Path) -> None:
    """Two MW from the cheap to the dear generator in the light snapshot: balanced and secure, and dearer."""
    dispatch = single.plan.tables["dispatch"].copy()
    here = (dispatch["period"] == 2030) & (dispatch["snapshot"] == "light")
    dispatch.loc[here, "output_mw"] += [-2.0, 2.0]
    found = rewritten(single, tmp_path / "plan", dispatch=dispatch)
    assert "plan.price.not_optimal" in found
    assert "plan.balance" not in found


def test_base_overloads_are_refused_unless_allowed(single: Written) -> None:
    security = single.study.config.security.model_copy(update={"base_overloads": "refuse"})
    config = single.study.config.model_copy(update={"security": security})
    found = check_plan(single.folder, replace(single.study, config=config))
    assert "plan.overload.refused" in {f.rule for f in found}
