"""The bundled example of new circuits gives what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study


@pytest.mark.parametrize(
    ("scenario", "cost", "built"),
    [
        ("", 110, {"new 3-5": 1, "new 4-6": 3}),
        ("fixed", 200, {"new 3-5": 1, "new 2-6": 4, "new 4-6": 2}),
        pytest.param("secure", 160, None, marks=pytest.mark.slow),
    ],
)
def test_example(scenario: str, cost: float, built: dict[str, int] | None, tmp_path: Path) -> None:
    """Garver's published optima; secured, every plan costs more than without, and the outages of all circuits hold."""
    study = read_study("expansion")
    plan = solve_study(study.scenario(scenario) if scenario else study)
    assert plan.summary["objective_musd"] == pytest.approx(cost, abs=1e-6)
    assert plan.summary["gap"] == 0
    circuits = plan.table("circuits").set_index("circuit")["count"]
    if built is not None:
        assert circuits.to_dict() == built
    else:
        assert plan.summary["n_contingencies_checked"] == 6 + int(circuits.sum())
    write_plan(plan, tmp_path / "plan")
    assert [f for f in verify_plan(tmp_path / "plan") if f.severity != "info"] == []
