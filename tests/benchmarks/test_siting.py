"""The siting benchmark on a few of its sites: run with every suite as a smoke test; its figures come from all sites.

The plain loop solves the same program its own way, so that neither bound may lie above the other's plan.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimizer.solve import solve_study
from optimizer.study import Study
from tests.benchmarks.siting import GAP_MUSD, PlainLoop, make

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def study(reference_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six of the sites and 600 MW on the whole network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRIDSITE_REFERENCE_DATA", str(reference_data))
        folder = tmp_path_factory.mktemp("siting") / "study"
        return make(folder, "texas400", 0.01, 1, most_sites=6, it_mw=600.0)


@pytest.fixture(scope="module")
def summary(study: Study) -> dict[str, Any]:
    """What gridsite finds, once."""
    return solve_study(study).summary


def test_a_few_sites_are_placed_and_proven(summary: dict[str, Any]) -> None:
    assert (summary["n_violations"], summary["n_contingencies_checked"]) == (0, 2756)
    assert summary["baseline_musd"] < summary["bound_musd"] <= summary["objective_musd"] + 1e-6
    assert summary["gap"] <= 0.01


@pytest.mark.slow
def test_plan_and_bound_agree_with_the_plain_loop(study: Study, summary: dict[str, Any]) -> None:
    plain_musd, plain_bound_musd = PlainLoop(study, 1).solve()
    assert plain_musd - plain_bound_musd <= GAP_MUSD + 1e-6
    slack_musd = 1e-6 * plain_musd
    assert summary["bound_musd"] <= plain_musd + slack_musd
    assert plain_bound_musd <= summary["objective_musd"] + slack_musd
