"""Frontiers and best plans of small studies, against every plan of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.objectives import OBJECTIVES
from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve.alternatives import find_alternatives, sites_of
from optimizer.solve.apart import Difference
from optimizer.solve.frontier import Frontier, find_frontier
from optimizer.study import Study
from tests.solve.frontier_cases import PENALTY, TABLES, TEXT, Choice, choices, efficient
from tests.solve.small import study_of


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """All must be served."""
    return study_of(tmp_path_factory.mktemp("served"), TEXT, TABLES)


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """What is not served has a price."""
    return study_of(tmp_path_factory.mktemp("priced"), TEXT + PENALTY, TABLES)


@pytest.fixture(scope="module")
def frontier_of(served: Study, priced: Study) -> Callable[..., Frontier]:
    """The frontier of one of the studies between objectives, each found once and not to be changed."""
    studies = {"served": served, "priced": priced}
    return cache(lambda which, *names: find_frontier(studies[which], names))


def values(frontier: Frontier) -> list[tuple[float, ...]]:
    keys = [OBJECTIVES[name].key for name in frontier.objectives]
    return [tuple(p.values[k] for k in keys) for p in frontier.plans]


@pytest.mark.slow
def test_there_is_something_to_find(served: Study, priced: Study) -> None:
    """Otherwise the tests below would say little: several efficient plans, some that no weights would find."""
    every = list(choices(served.case))
    assert len(efficient(every, ["cost_musd", "carbon_t"])) == 5
    assert len(efficient(every, ["cost_musd", "water_m3"])) == 7
    assert len(efficient(every, ["cost_musd", "carbon_t", "water_m3"])) > 7
    assert len(efficient(list(choices(priced.case)), ["cost_musd", "delay_mw_years"])) > 3
    points = efficient(every, ["cost_musd", "water_m3"])
    turns = [
        (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        for a, b, c in zip(points, points[1:], points[2:], strict=False)
    ]
    assert min(turns) < 0
    # The outage of a line to b refuses its third block.
    assert max(c.blocks.get("sb", 0) for c in every) == 2


@pytest.mark.every(8)
@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("served", ("cost", "carbon")),
        ("served", ("water", "cost")),
        ("served", ("carbon", "water")),
        pytest.param("served", ("cost", "carbon", "water"), marks=pytest.mark.slow),
        ("priced", ("cost", "delay")),
        ("priced", ("water", "delay")),
    ],
)
def test_every_efficient_plan_is_found(
    frontier_of: Callable[..., Frontier], which: str, names: tuple[str, ...]
) -> None:
    found = frontier_of(which, *names)
    assert found.is_exact
    assert "cost" not in names or found.objectives[0] == "cost"
    keys = [OBJECTIVES[name].key for name in found.objectives]
    expected = efficient(list(choices(found.study.case)), keys)
    assert len(found.plans) == len(expected)
    for got, wanted in zip(values(found), expected, strict=True):
        assert got == pytest.approx(wanted, rel=2e-6, abs=1e-5)


@pytest.mark.slow
def test_the_cheapest_of_equal_plans_is_reported_where_cost_is_no_objective(
    served: Study, frontier_of: Callable[..., Frontier]
) -> None:
    found = frontier_of("served", "carbon", "water")
    every = list(choices(served.case))
    for p in found.plans:
        same = [
            c.values["cost_musd"]
            for c in every
            if all(c.values[k] <= p.values[k] * (1 + 1e-6) + 1e-6 for k in ("carbon_t", "water_m3"))
        ]
        assert p.values["cost_musd"] == pytest.approx(min(same), rel=2e-6)


@pytest.mark.slow
def test_a_few_plans_are_some_of_the_efficient_ones_with_both_ends(served: Study) -> None:
    found = find_frontier(served, ["cost", "water"], points=3)
    expected = efficient(list(choices(served.case)), ["cost_musd", "water_m3"])
    assert len(found.plans) == 3 < len(expected)
    assert not found.complete
    for got in values(found):
        assert any(got == pytest.approx(wanted, rel=2e-6) for wanted in expected)
    assert values(found)[0] == pytest.approx(expected[0], rel=2e-6)
    assert values(found)[-1] == pytest.approx(expected[-1], rel=2e-6)


@pytest.mark.slow
def test_each_plan_is_that_of_a_study_and_verified(frontier_of: Callable[..., Frontier], tmp_path: Path) -> None:
    found = frontier_of("served", "water", "cost")
    assert len(found.plans) > 1
    for p in (found.plans[0], found.plans[-1]):
        folder = write_plan(p.plan, tmp_path / f"{p.values['water_m3']:.0f}")
        assert [str(f) for f in verify_plan(folder) if f.severity == "error"] == []
    assert found.plans[-1].plan.config.limits.water_m3 == pytest.approx(found.plans[-1].values["water_m3"], rel=2e-6)


@pytest.mark.every(3)
@pytest.mark.parametrize("within", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("least", [Difference(1), Difference(2), Difference(0, 45.0)])
def test_the_best_distinct_plans_are_those_of_enumeration(served: Study, within: float, least: Difference) -> None:
    """By hand: take the cheapest, then again and again the cheapest that differs enough from all that were taken."""
    found = find_alternatives(served, 5, within, least)
    every = sorted(choices(served.case), key=lambda c: c.values["cost_musd"])
    taken: list[Choice] = []
    for c in every:
        in_band = c.values["cost_musd"] <= found.limit_musd * (1 + 1e-6)
        if len(taken) < 5 and in_band and all(_differs(c, t, least) for t in taken):
            taken.append(c)
    assert [a.cost_musd for a in found.plans] == pytest.approx([c.values["cost_musd"] for c in taken], rel=2e-6)
    assert found.complete == (len(taken) < 5)
    assert dict(found.plans[0].layout.blocks) == taken[0].blocks


def _differs(one: Choice, other: Choice, least: Difference) -> bool:
    sites = set(one.blocks) ^ set(other.blocks)
    moved = sum(max(0, y - other.blocks.get(s, 0)) for s, y in one.blocks.items())
    return len(sites) >= least.n_sites and 30 * moved >= least.it_mw


@pytest.mark.slow
@pytest.mark.parametrize("gap", [0.1, 0.3])
def test_with_a_gap_what_is_stated_is_true(served: Study, gap: float) -> None:
    """The bound of each plan holds for all within its limits; what is not reported is nearly as dear as what is."""
    found = find_frontier(served.override({"solve.gap": gap}), ["cost", "water"])
    every = [c.values for c in choices(served.case)]
    assert not found.is_exact
    assert found.complete
    for p in found.plans:
        limit = p.limits.get("water_m3", float("inf"))
        least = min(v["cost_musd"] for v in every if v["water_m3"] <= limit)
        assert p.bound <= least * (1 + 1e-6)
        assert p.gap <= gap
        assert p.values["water_m3"] <= limit * (1 + 1e-6)
    points = values(found)
    assert not any(a != b and a[0] <= b[0] and a[1] <= b[1] for a in points for b in points)
    for cost, water in efficient([c for c in choices(served.case)], ["cost_musd", "water_m3"]):
        # D is the cost less 8 M$ of common cost; a plan found nearby is proven within the gap of its own.
        near = min(p[0] - gap * p[0] for p in points if p[1] <= water * (1 + 2e-6))
        assert near <= cost


def test_sites_of_all_plans(served: Study) -> None:
    found = find_alternatives(served, 3, 2.0)
    plans = {f"{i:02d}": a.plan for i, a in enumerate(found.plans, start=1)}
    table = sites_of(plans).set_index("site")
    for site, row in table.iterrows():
        stated = [30.0 * a.layout.blocks.get(str(site), 0) for a in found.plans]
        assert [row[f"it_mw_{n}"] for n in plans] == stated
        assert row["n_plans"] == sum(mw > 0 for mw in stated)
        assert (row["least_it_mw"], row["most_it_mw"]) == (min(stated), max(stated))
    assert tuple(sorted(table.index[table["in_all"]])) == found.in_all


NO_FRONTIERS = (["cost"], ["cost", "cost"], ["cost", "profit"], ["cost", "net_present_value"], list(OBJECTIVES))


@pytest.mark.parametrize("names", NO_FRONTIERS)
def test_what_is_no_frontier_is_refused(served: Study, names: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        find_frontier(served, names)
    assert all(f.remedy for f in refused.value.findings)


def test_a_study_without_a_plan_has_no_frontier(served: Study) -> None:
    with pytest.raises(InfeasibleError):
        find_frontier(served.override({"demand.it_mw": {"2030": 200}}), ["cost", "carbon"])
