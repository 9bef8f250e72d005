"""What rules out a future is said of it by name before anything is solved, and only what solving would say too.

Two sites of two blocks of 50 MW: 200 MW at most. 100 MW are asked for, times the factor of each future.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli.outcome import ExitCode
from optimizer.errors import InfeasibleError, InputError
from optimizer.solve.uncertain.decide import solve_uncertain
from optimizer.study import Study
from optimizer.study.precheck import precheck_study
from tests.solve.uncertain_cases import Scenario, Small

PLACES = (("sx", "x", 50.0, 2, 1.0, 1.0), ("sy", "x", 50.0, 2, 1.0, 2.0))


def small(*futures: Scenario, **changes: Any) -> Small:
    return Small(futures, {2030: 100.0}, PLACES, penalty=changes.pop("penalty", None), **changes)


def of_factors(folder: Path, low: float, high: float) -> Study:
    return small(Scenario("calm", 0.5, low), Scenario("boom", 0.5, high)).study(folder)


def test_a_future_that_no_sites_can_serve_is_named_with_what_is_short(tmp_path: Path) -> None:
    (found,) = precheck_study(of_factors(tmp_path, 0.5, 2.5))
    assert found.where.startswith("scenario boom, ")
    assert (found.rule, found.value, found.limit, found.unit) == ("study.demand.beyond_sites", 200, 250, "MW")
    assert found.severity == "error"


def test_every_future_is_named(tmp_path: Path) -> None:
    found = precheck_study(of_factors(tmp_path, 3.0, 2.5))
    assert [f.where.partition(",")[0] for f in found] == ["scenario calm", "scenario boom"]
    assert [f.limit for f in found] == [300, 250]


def test_a_price_of_what_is_not_served_rules_nothing_out(tmp_path: Path) -> None:
    assert precheck_study(small(Scenario("boom", 1.0, 2.5), penalty=0.3).study(tmp_path)) == ()


@pytest.mark.every(3)
@pytest.mark.parametrize(("low", "high"), [(0.5, 1.9), (0.5, 2.0), (0.5, 2.01), (2.4, 0.2), (1.2, 1.6)])
def test_it_says_what_solving_says(low: float, high: float, tmp_path: Path) -> None:
    """Without a network the size of the sites is all that there is: what it lets through has a plan."""
    study = of_factors(tmp_path, low, high)
    found = precheck_study(study)
    assert bool(found) == (max(low, high) > 2)
    if not found:
        assert solve_uncertain(study).status == "optimal"
        return
    with pytest.raises(InfeasibleError) as caught:
        solve_uncertain(study)
    said = {(f.where, f.rule, f.value, f.limit) for f in caught.value.findings}
    assert {(f.where, f.rule, f.value, f.limit) for f in found} <= said


@pytest.mark.slow
def test_generation_that_leaves_is_missed_in_its_future(tmp_path: Path) -> None:
    """150 MW of generation serve 100 MW of campuses; 100 MW less they do not."""
    case = small(
        Scenario("all", 0.5),
        Scenario("dark", 0.5, gone=("g2",)),
        loads={"n": 0.0, "x": 0.0},
        branches=tuple((f"l{i}", "n", "x", 0.1, 200.0, 200.0) for i in (1, 2)),
        generators=(("g1", "n", 50.0, 10.0, "gas"), ("g2", "n", 100.0, 10.0, "gas")),
    )
    (found,) = precheck_study(case.study(tmp_path / "study"))
    assert found.where.startswith("scenario dark, ")
    assert (found.rule, found.value, found.limit) == ("study.demand.generation", 50, 100)
    with pytest.raises(InfeasibleError, match="scenario dark"):
        solve_uncertain(case.study(tmp_path / "again"))
    whole = replace(case, scenarios=(Scenario("all", 0.5), Scenario("more", 0.5, demand=1.5)))
    assert precheck_study(whole.study(tmp_path / "whole")) == ()


def test_a_future_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    study = of_factors(tmp_path, 1.0, 1.0)
    assert study.config.uncertainty is not None
    given = [one.model_dump(exclude_unset=True) for one in study.config.uncertainty.scenario]
    given[1]["withdrawn_generators"] = ["nowhere"]
    with pytest.raises(InputError, match="boom"):
        precheck_study(study.override({"uncertainty.scenario": given}))


def test_check_names_the_future(gridsite: Callable[..., Any], tmp_path: Path) -> None:
    study = of_factors(tmp_path, 0.5, 2.5)
    result = gridsite("check", study.folder)
    assert result.exit_code == ExitCode.INFEASIBLE
    assert "scenario boom" in result.stderr
    assert gridsite("check", of_factors(tmp_path / "fine", 0.5, 2.0).folder).exit_code == ExitCode.DONE
