"""The siting benchmark of the reference cases: its secure system without sites costs 10,851.8 M$ a year.

In study terms (its README): one snapshot of 8,760 h, load as given, wind 0.35, solar 0.40 and hydro 0.50 of p_max at no
cost, every other unit at the linear part of its cost; every branch within its rating, and within 1.2 times it after
each outage that does not split the network. The bundled Texas network is the benchmark's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from optimizer.solve import solve_study
from optimizer.study import read_study

PUBLISHED_MUSD = 10_851.8

STUDY = """\
[study]
name = "Benchmark without sites"
periods = [2030]

[grid]
source = "grid"

[[grid.snapshot]]
name = "year"
hours = 8760
availability = { wind = 0.35, solar = 0.40, hydro = 0.50 }

[security]
emergency_factor = 1.2
splitting = "skip"

[upgrades]
enabled = false

[economics]
discount_rate = 0.0
last_period_years = 1.0
"""


def linear_costs(source: Path, target: Path) -> None:
    """Copy the network without the quadratic part of its costs; snapshots are the study's own."""
    target.mkdir()
    for name in ("buses", "branches"):
        shutil.copy(source / f"{name}.csv", target)
    units = pd.read_csv(source / "generators.csv", dtype={"generator": str, "bus": str})
    units.assign(cost_quadratic_usd_per_mw2h=0.0).to_csv(target / "generators.csv", index=False)


def test_secure_system_without_sites_costs_what_is_published(
    repository: Path, reference_data: Path, tmp_path: Path
) -> None:
    assert f"{PUBLISHED_MUSD:,} M$/year" in (reference_data / "bench-siting" / "README.md").read_text()
    linear_costs(repository / "datasets" / "texas" / "grid", tmp_path / "grid")
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    plan = solve_study(read_study(tmp_path))
    assert plan.summary["objective_musd"] == pytest.approx(PUBLISHED_MUSD, rel=1e-4)
    assert plan.summary["n_violations"] == 0
    # 450 of the 3,206 branches are bridges.
    assert plan.summary["n_contingencies_checked"] == 2756
