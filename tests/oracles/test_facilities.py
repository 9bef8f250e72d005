"""Capacitated facility location: every OR-Library instance at hand, its published splittable optimum to 1e-6.

J. E. Beasley, OR-Library, Journal of the Operational Research Society 41(11), 1990, 1069-1072.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.oracles.facilities import read_instance, write_study

VERIFIED = (4, 12, 18, 24)
"""Instances whose plan is written and recomputed as well: one of each size and a loose one."""


@pytest.mark.every(6)
@pytest.mark.parametrize("number", range(1, 25))
def test_the_plan_costs_the_published_optimum(number: int, reference_data: Path, tmp_path: Path) -> None:
    folder = reference_data / "cflp-orlib"
    published = json.loads((folder / "optimal.json").read_text(encoding="utf-8"))["instances"][f"p{number}"]
    study = read_study(write_study(read_instance(folder / f"p{number}"), tmp_path / "study"))
    plan = solve_study(study)
    assert plan.summary["objective_musd"] == pytest.approx(published["splittable"], rel=1e-6)
    assert plan.summary["status"] == "optimal"
    if number in VERIFIED:
        written = write_plan(tidy_plan(plan), tmp_path / "plan")
        assert [str(f) for f in verify_plan(written) if f.severity == "error"] == []
