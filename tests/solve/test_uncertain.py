"""One plan for several futures, against every choice of sites, and against one program of all futures written here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.errors import InfeasibleError, InputError
from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.solve.risk import Risk
from optimizer.solve.uncertain.decide import MEAN, STOCHASTIC, Method, Uncertain, solve_uncertain
from optimizer.solve.uncertain.tables import decision_table, first_stage_table, regret_table
from tests.solve.small import built
from tests.solve.uncertain_cases import Scenario, Small, enumerated, optimum, risk

METHODS = get_args(Method)

LOOSE = Small(
    scenarios=(Scenario("low", 0.5, 0.4), Scenario("middle", 0.3), Scenario("high", 0.2, 1.7, penalty=0.9)),
    demand={2030: 60.0, 2032: 120.0},
    sites=(("a", "x", 30.0, 3, 4.0, 3.0), ("b", "x", 40.0, 2, 1.0, 7.0), ("c", "x", 50.0, 2, 9.0, 4.0)),
    weight=0.4,
    level=0.7,
)
"""Without a grid: three sites, large ones with a high cost once built, and a demand that may fall or rise."""

RING = Small(
    scenarios=(
        Scenario("calm", 0.4, 0.7),
        Scenario("growth", 0.25, 1.3, load=1.3, gas=1.5),
        Scenario("late", 0.2, delay=2.0, upgrade_cost=1.5),
        Scenario("gone", 0.15, 1.2, gone=("cheap",)),
    ),
    demand={2030: 60.0, 2032: 120.0},
    sites=(("sa", "a", 20.0, 3, 3.0, 4.0), ("sb", "b", 30.0, 3, 1.0, 2.0), ("sc", "c", 30.0, 4, 2.0, 3.0)),
    loads={"a": 20.0, "b": 30.0, "c": 10.0},
    branches=(
        ("ab", "a", "b", 0.1, 70.0, 80.5),
        ("bc", "b", "c", 0.1, 50.0, 57.5),
        ("ac", "a", "c", 0.2, 50.0, 57.5),
    ),
    generators=(
        ("cheap", "a", 150.0, 10.0, "hydro"),
        ("dear", "a", 300.0, 35.0, "gas"),
        ("far", "c", 60.0, 50.0, "gas"),
    ),
    upgrades=(("u_ab", "ab", 60.0, 60.0, 1.5, 2030), ("u_ac", "ac", 60.0, 60.0, 1.05, 2029)),
    penalty=0.9,
)
"""A ring of three buses with two upgrades, one of which must be planned at once to serve in 2030."""

SIX = replace(
    RING,
    scenarios=(Scenario("base", 0.6), Scenario("dry", 0.4, 1.25, load=1.2, gone=("cheap",))),
    sites=(("sd", "d", 25.0, 3, 2.0, 3.0), ("se", "e", 30.0, 3, 1.0, 2.0), ("sf", "f", 40.0, 2, 0.5, 3.5)),
    loads={"a": 0.0, "b": 20.0, "c": 10.0, "d": 25.0, "e": 15.0, "f": 5.0},
    branches=tuple(
        (f"{i}{j}", i, j, x, 70.0, 85.0)
        for i, j, x in (
            ("a", "b", 0.1), ("b", "c", 0.15), ("c", "d", 0.1), ("d", "e", 0.1), ("e", "f", 0.2), ("a", "f", 0.1),
            ("b", "e", 0.2), ("a", "d", 0.3),
        )
    ),
    upgrades=(("u_af", "af", 50.0, 50.0, 3.0, 2030),),
    weight=0.5,
)  # fmt: skip
"""Six buses, eight branches, and a future without the cheap generator."""


def agrees(found: Uncertain, expected: float) -> None:
    """Objective and bound are those expected, and what is said of them holds together."""
    assert found.gap == 0.0
    assert found.objective_musd == pytest.approx(expected, rel=1e-6, abs=1e-5)
    assert found.bound_musd == pytest.approx(expected, rel=1e-6, abs=1e-5)
    assert found.objective_musd == pytest.approx(found.risk.of(found.costs_musd[STOCHASTIC]))
    assert found.wait_and_see_musd <= found.objective_musd + 1e-9 <= found.mean_value_musd + 2e-9
    assert min(found.perfect_information_musd, found.stochastic_solution_musd) >= 0.0
    for costs in found.costs_musd.values():
        assert (costs >= found.own_musd - 1e-9).all()
        assert found.risk.of(costs) >= found.objective_musd - 1e-6


def holds(found: Uncertain, folder: Path) -> None:
    """Every plan is one of an ordinary study, and every figure of it is confirmed from its inputs."""
    for i, (name, plan) in enumerate(found.plans.items()):
        assert [str(f) for f in verify_plan(write_plan(plan, folder / name)) if f.severity == "error"] == []
        assert plan.summary["objective_musd"] == pytest.approx(found.costs_musd[STOCHASTIC][i], rel=1e-6, abs=1e-5)


@pytest.mark.every(2)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_against_every_choice_of_sites(tmp_path: Path, method: Method, weight: float) -> None:
    small = replace(LOOSE, weight=weight)
    probability = [s.probability for s in small.scenarios]
    every = dict(enumerated(small))
    objective = {sites: risk(costs, probability, weight, small.level) for sites, costs in every.items()}
    found = solve_uncertain(small.study(tmp_path / "study"), method=method)
    agrees(found, min(objective.values()))
    chosen = frozenset((name, int(t)) for kind, name, t in found.chosen if kind == "build")
    assert objective[chosen] == pytest.approx(found.objective_musd, rel=1e-6)
    assert found.costs_musd[STOCHASTIC] == pytest.approx(every[chosen], rel=1e-6)
    assert found.own_musd == pytest.approx(np.min(list(every.values()), axis=0), rel=1e-6)
    assert found.expected_musd == pytest.approx(risk(every[chosen], probability, 0.0, small.level), rel=1e-6)
    assert found.cvar_musd == pytest.approx(risk(every[chosen], probability, 1.0, small.level), rel=1e-6)


def test_the_tail_changes_the_choice() -> None:
    """Otherwise the weights above would test little: what is best on average is not what is best in the tail."""
    probability = [s.probability for s in LOOSE.scenarios]
    every = dict(enumerated(LOOSE))
    best = {w: min(every, key=lambda k: risk(every[k], probability, w, LOOSE.level)) for w in (0.0, 1.0)}
    assert best[0.0] != best[1.0]


@pytest.fixture(scope="module", params=METHODS)
def six(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Method, Uncertain]:
    """The plan of `SIX` by each method, found once and not to be changed."""
    study = SIX.study(tmp_path_factory.mktemp("six") / "study")
    return request.param, solve_uncertain(study, method=request.param)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("small", "early"),
    [
        pytest.param(RING, None, id="mean"),
        pytest.param(replace(RING, weight=0.6), 2032, id="risk"),
    ],
)
def test_against_one_program_of_angles(tmp_path: Path, method: Method, small: Small, early: int | None) -> None:
    small = replace(small, early_until=early)
    is_optimal(solve_uncertain(small.study(tmp_path / "study"), method=method), small, tmp_path / "plans")


@pytest.mark.slow
def test_six_buses_against_one_program_of_angles(tmp_path: Path, six: tuple[Method, Uncertain]) -> None:
    is_optimal(six[1], SIX, tmp_path / "plans")


def is_optimal(found: Uncertain, small: Small, folder: Path) -> None:
    """Objective and each scenario's own are those of programs written apart, and every plan is confirmed."""
    agrees(found, optimum(small))
    for i, s in enumerate(small.scenarios):
        assert found.own_musd[i] == pytest.approx(optimum(small, [replace(s, probability=1.0)], 0.0), rel=1e-6)
    holds(found, folder)


def test_the_network_matters() -> None:
    """Otherwise the tests above would not say much of rows after outages, of upgrades and of what is early."""
    free = replace(RING, branches=tuple((*row[:4], 999.0, 999.0) for row in RING.branches))
    loose = replace(RING, branches=tuple((*row[:5], 999.0) for row in RING.branches))
    assert optimum(free) < optimum(loose) - 0.01 < optimum(RING) - 0.1
    assert optimum(RING) < optimum(replace(RING, upgrades=())) - 0.01
    assert optimum(replace(RING, early_until=2032)) > optimum(RING) + 0.01
    on_time = tuple(replace(s, delay=0.0) for s in RING.scenarios)
    assert optimum(replace(RING, scenarios=on_time)) < optimum(RING) - 0.01


@pytest.mark.slow
def test_one_certain_future_is_the_plan_itself(tmp_path: Path) -> None:
    one = replace(RING, scenarios=(Scenario("only", 1.0, 1.1),), weight=0.3)
    study = one.study(tmp_path / "study")
    found = solve_uncertain(study)
    alone = tidy_plan(solve_study(study.override({"uncertainty": None, "demand.it_mw": {2030: 66.0, 2032: 132.0}})))
    assert found.plans["only"].summary["objective_musd"] == pytest.approx(alone.summary["objective_musd"], rel=1e-6)
    assert built(found.plans["only"]) == built(alone)
    assert found.plans["only"].summary["status"] == "optimal"
    assert (found.perfect_information_musd, found.stochastic_solution_musd) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert found.costs_musd[MEAN] == pytest.approx(found.costs_musd[STOCHASTIC], rel=1e-6)


@pytest.mark.slow
def test_the_plan_for_mean_values_may_not_hold(tmp_path: Path) -> None:
    """All must be served: 100 or 200 MW, 150 on average. Blocks of 50 MW: mean values build a (3 blocks), not b."""
    small = Small(
        scenarios=(Scenario("low", 0.5), Scenario("high", 0.5, 2.0)),
        demand={2030: 100.0},
        sites=(("a", "x", 50.0, 3, 1.0, 1.0), ("b", "x", 50.0, 3, 2.0, 1.0)),
        penalty=None,
    )
    for method in METHODS:
        found = solve_uncertain(small.study(tmp_path / method), method=method)
        # Both sites: 3 + 2 blocks in one future and 3 + 4 in the other; alone a for 3 M$, and both for 7.
        agrees(found, 6.0)
        assert found.costs_musd[MEAN].tolist() == [3.0, np.inf]
        assert found.is_certain[MEAN].tolist() == [False, True]
        assert found.stochastic_solution_musd == np.inf
        assert found.perfect_information_musd == pytest.approx(1.0)
        rows = regret_table(found).set_index(["plan", "scenario"])
        assert rows.at[(MEAN, "high"), "holds"] == "no"
        assert np.isnan(rows.at[(MEAN, "high"), "regret_musd"])
        assert rows.at[(STOCHASTIC, "low"), "regret_musd"] == pytest.approx(2.0)
        assert first_stage_table(found)[["kind", "of", "period"]].to_numpy().tolist()[:2] == [
            ["site", "a", 2030],
            ["site", "b", 2030],
        ]
        decided = decision_table(found).groupby("scenario")["it_mw"].sum()
        assert decided.to_dict() == {"low": 100.0, "high": 200.0}


ISLANDS = Small(
    scenarios=(Scenario("one", 0.5, gone=("gb",)), Scenario("other", 0.5, gone=("ga",))),
    demand={2030: 50.0},
    sites=(("sa", "a", 50.0, 1, 1.0, 1.0), ("sb", "b", 50.0, 1, 1.0, 1.0)),
    loads={"na": 0.0, "a": 0.0, "nb": 0.0, "b": 0.0},
    branches=tuple((f"{n}{i}", f"n{n}", n, 0.1, 80.0, 80.0) for n in "ab" for i in (1, 2)),
    generators=(("ga", "na", 100.0, 10.0, "gas"), ("gb", "nb", 100.0, 10.0, "gas")),
    penalty=None,
)
"""Two islands: a campus can stand in one of them in one future, and in the other in the other."""


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_no_common_choice_is_infeasible(tmp_path: Path, method: Method) -> None:
    study = ISLANDS.study(tmp_path / "study")
    with pytest.raises(InfeasibleError, match="every scenario"):
        solve_uncertain(study, method=method)
    # With a price on what is not served, not to build is a plan: 50 MW at 0.5 M$.
    priced = study.override({"demand.penalty_musd_per_mw_year": 0.5})
    found = solve_uncertain(priced, method=method)
    agrees(found, 25.0)
    assert found.chosen == frozenset()
    assert [str(f) for f in found.plans["one"].findings if f.severity == "error"] == []


def test_a_future_without_a_plan_is_named(tmp_path: Path) -> None:
    scenarios = (Scenario("fine", 0.5, gone=("gb",)), Scenario("dark", 0.5, gone=("ga", "gb")))
    with pytest.raises(InfeasibleError, match="scenario dark"):
        solve_uncertain(replace(ISLANDS, scenarios=scenarios).study(tmp_path / "study"))


def test_only_cost_is_minimized_and_only_with_futures(tmp_path: Path) -> None:
    study = LOOSE.study(tmp_path / "study")
    with pytest.raises(InputError, match="no futures"):
        solve_uncertain(study.override({"uncertainty": None}))
    with pytest.raises(InputError, match="cost is minimized"):
        solve_uncertain(study.override({"study.objective": "delay"}))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_gap_is_kept(tmp_path: Path, method: Method) -> None:
    small = replace(RING, weight=0.3)
    found = solve_uncertain(small.study(tmp_path / "study", gap=0.2), method=method)
    best = optimum(small)
    assert found.bound_musd <= best * (1 + 1e-6) <= found.objective_musd * (1 + 2e-6)
    assert found.gap <= 0.2
    assert found.status in ("optimal", "gap_reached")


@pytest.mark.slow
def test_two_solves_are_the_same(tmp_path: Path, six: tuple[Method, Uncertain]) -> None:
    method, one = six
    two = solve_uncertain(SIX.study(tmp_path / "two"), method=method)
    assert one.chosen == two.chosen
    assert (one.objective_musd, one.bound_musd, one.n_tried) == (two.objective_musd, two.bound_musd, two.n_tried)
    for name, plan in one.plans.items():
        for table, rows in plan.tables.items():
            assert rows.equals(two.plans[name].tables[table]), table


SCENARIOS = st.lists(
    st.builds(
        Scenario,
        name=st.just(""),
        probability=st.integers(1, 5).map(float),
        demand=st.sampled_from([0.0, 0.5, 1.0, 1.4]),
        load=st.sampled_from([0.5, 1.0, 1.3]),
        gas=st.sampled_from([0.5, 1.0, 3.0]),
        upgrade_cost=st.sampled_from([0.5, 1.0, 2.0]),
        delay=st.sampled_from([0.0, 1.0, 2.0, 9.0]),
        gone=st.sampled_from([(), ("cheap",), ("far",)]),
    ),
    min_size=2,
    max_size=3,
)


RANDOM = given(
    scenarios=SCENARIOS,
    weight=st.sampled_from([0.0, 0.5, 1.0]),
    early=st.sampled_from([2030, 2032]),
    ratings=st.tuples(st.integers(60, 110), st.integers(60, 110), st.integers(60, 110)),
    method=st.sampled_from(METHODS),
)


@pytest.mark.slow
@settings(max_examples=2)
@RANDOM
def test_random_studies(
    tmp_path_factory: pytest.TempPathFactory,
    scenarios: list[Scenario],
    weight: float,
    early: int,
    ratings: tuple[int, ...],
    method: Method,
) -> None:
    random_study_is_optimal(tmp_path_factory.mktemp("random"), scenarios, weight, early, ratings, method)


@pytest.mark.slow
@settings(max_examples=20)
@RANDOM
def test_more_random_studies(
    tmp_path_factory: pytest.TempPathFactory,
    scenarios: list[Scenario],
    weight: float,
    early: int,
    ratings: tuple[int, ...],
    method: Method,
) -> None:
    random_study_is_optimal(tmp_path_factory.mktemp("random"), scenarios, weight, early, ratings, method)


def random_study_is_optimal(
    folder: Path, scenarios: list[Scenario], weight: float, early: int, ratings: tuple[int, ...], method: Method
) -> None:
    """The plan costs what one program of angles of all futures says, or neither has one."""
    total = sum(s.probability for s in scenarios)
    named = tuple(replace(s, name=f"s{i}", probability=s.probability / total) for i, s in enumerate(scenarios))
    branches = tuple((*row[:4], float(mw), 1.1 * mw) for row, mw in zip(RING.branches, ratings, strict=True))
    small = replace(RING, scenarios=named, weight=weight, early_until=early, branches=branches)
    expected = optimum(small)
    study = small.study(folder)
    if np.isinf(expected):
        with pytest.raises(InfeasibleError):
            solve_uncertain(study, method=method)
        return
    agrees(solve_uncertain(study, method=method), expected)


@given(
    costs=st.lists(st.floats(-100, 100), min_size=1, max_size=6),
    shares=st.lists(st.integers(1, 9), min_size=6, max_size=6),
    weight=st.floats(0, 1),
    level=st.floats(0, 0.95),
    other=st.lists(st.floats(0, 10), min_size=6, max_size=6),
)
def test_risk_by_its_definition(
    costs: list[float], shares: list[int], weight: float, level: float, other: list[float]
) -> None:
    n = len(costs)
    probability = np.array(shares[:n]) / sum(shares[:n])
    measured = Risk(probability, weight, level)
    values = np.array(costs)
    assert measured.of(values) == pytest.approx(risk(costs, probability.tolist(), weight, level), rel=1e-9, abs=1e-9)
    assert measured.weights(values).sum() == pytest.approx(1.0)
    # The weights of any other costs bound it from below, and dearer futures never make it less.
    assert measured.weights(np.array(other[:n])) @ values <= measured.of(values) + 1e-9
    assert measured.of(values + np.array(other[:n])) >= measured.of(values) - 1e-9
