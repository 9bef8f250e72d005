"""The inference example: solved whole, verified, and its rules seen in who serves whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.study import read_study

IN_UNION = {"frankfurt_edge", "dublin_lease"}


@pytest.mark.slow
def test_every_workload_is_served_where_it_may_be(repository: Path, tmp_path: Path) -> None:
    study = read_study(repository / "examples" / "inference")
    plan = solve_study(study)
    written = write_plan(tidy_plan(plan), tmp_path / "plan")
    assert [str(f) for f in verify_plan(written) if f.severity == "error"] == []
    assert plan.summary["status"] == "optimal"
    sites = plan.tables["workloads"].groupby("workload")["site"].agg(set)
    assert sites["interactive_eu"] <= IN_UNION
    assert sites["sovereign_storage"] == {"frankfurt_edge"}
    assert all(site.endswith("_campus") for site in sites["training"])
    assert not any("orbit_shell" in used for used in sites), "at 1,000 $/kg nothing is in orbit"
    assert 0 < plan.summary["break_even_launch_usd_per_kg"] < study.config.orbit.launch_usd_per_kg
    assert "Who serves whom" in render_report(tidy_plan(plan))


def test_below_its_break_even_orbit_is_used(repository: Path) -> None:
    study = read_study(repository / "examples" / "inference")
    cheap = study.override({"orbit.launch_usd_per_kg": 100.0, "orbit.break_even": False})
    plan = solve_study(cheap)
    assert "orbit_shell" in set(plan.tables["workloads"]["site"])
    assert plan.summary["n_violations"] == 0
