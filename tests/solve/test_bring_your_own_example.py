"""The example that brings its own supply: solved whole, verified, and its page's claims seen in the plan."""

from __future__ import annotations

from pathlib import Path

from optimizer.plan.plan import tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve import solve_study
from optimizer.study import read_study


def test_campuses_bring_what_the_grid_lacks(repository: Path, tmp_path: Path) -> None:
    study = read_study(repository / "examples" / "bring_your_own")
    plan = tidy_plan(solve_study(study))
    assert [str(f) for f in verify_plan(write_plan(plan, tmp_path / "plan")) if f.severity == "error"] == []
    assert plan.summary["gap"] <= 0.02
    assert plan.summary["n_violations"] == 0
    direct = plan.table("colocation").query("period == 2034")
    assert (direct["direct_mw"] > 0).all()
    assert (direct["to_grid_mw"] >= 0).all()
    zones = plan.table("adequacy").set_index(["zone", "period"])["margin"]
    assert (zones >= 0.15 - 1e-6).all()
    assert plan.table("supply")["capacity_mw"].sum() > 0
    page = render_report(plan)
    assert "Supply on site and adequacy" in page
    assert "The grid loses that" in page
