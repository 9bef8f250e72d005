"""The benchmark of what-ifs on a small study: that it compares what it says, not how long it takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.benchmarks.conftest import Figure
from tests.benchmarks.resolve import Compared, Timed, compare

pytestmark = pytest.mark.bench


def test_what_ifs_of_a_small_study(repository: Path, figure: Figure) -> None:
    study = read_study(repository / "tests" / "badinput" / "ring")
    plan = solve_study(study)
    chosen = {"dearer money": {"economics.discount_rate": 0.12}, "a wide gap": {"solve.gap": 0.1}}
    found = list(compare(plan, chosen, verify=True))
    assert [one.name for one in found] == list(chosen)
    assert all(one.is_equal for one in found)
    for one in found:
        figure(str(one))


def test_plans_that_contradict_each_other_are_not_equal() -> None:
    good = {"status": "gap_reached", "gap": 0.01, "objective_value": 100.0, "bound_value": 99.5}
    cold = Timed(good, 10.0, 10.0, True)
    assert Compared("", 0.02, cold, cold).is_equal
    below = {**good, "objective_value": 99.0, "bound_value": 98.5}
    for warm in (
        replace(cold, summary=below),
        replace(cold, summary={**good, "status": "limit_with_plan"}),
        replace(cold, summary={**good, "gap": 0.03}),
        replace(cold, summary=None),
        replace(cold, holds=False),
    ):
        assert not Compared("", 0.02, cold, warm).is_equal
        assert not Compared("", 0.02, warm, cold).is_equal
    assert Compared("", 0.02, cold, replace(cold, processor_s=2.0)).ratio == pytest.approx(0.2)
