"""The example of rebuilds, a transformer and a circuit that the case prices gives what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.checks_ac import verify_ac
from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.resources import example_path
from optimizer.solve import solve_study
from optimizer.study import read_study


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("scenario", "cost_musd", "built"),
    [
        # 120 + 100 MW at the town are too much for either line alone, and for the old one beside a rebuilt one: both
        # rebuilds, 0.9 x (40 + 45) = 76.5 M$, or a third line of 2 x 40 = 80. 310 MW are too much for one transformer
        # of 240 MW after an outage: a third for 20,000 $ x 200 = 4. 90 MW at the lake are too much for one line of
        # 72: a third for 80,000 x 60 = 4.8.
        ("", 76.5 + 4 + 4.8, {"rebuild L1", "rebuild L2", "beside T1", "beside K1"}),
        # A third line for 1.5 x 40 = 60 M$.
        ("cheap_line", 60 + 4 + 4.8, {"beside L1", "beside T1", "beside K1"}),
        # 145 MW on a line of 180, 235 on a transformer of 240: the lake alone needs a circuit.
        ("quarter", 4.8, {"beside K1"}),
    ],
)
def test_example(scenario: str, cost_musd: float, built: set[str], tmp_path: Path) -> None:
    study = read_study(example_path("expansion") / "relief.toml")
    plan = solve_study(study.scenario(scenario) if scenario else study)
    assert plan.summary["objective_musd"] == pytest.approx(cost_musd, abs=1e-6)
    assert (plan.summary["gap"], plan.summary["n_violations"]) == (0, 0)
    circuits = plan.table("circuits").set_index("circuit")
    assert set(circuits.index) == built
    assert set(circuits["replaces"]) - {""} == {name.split()[1] for name in built if name.startswith("rebuild")}
    # What the network needs without the campus is the baseline's cost, and none of the campus's.
    assert list(plan.table("baseline_circuits")["circuit"]) == ["beside K1"]
    assert plan.summary["baseline_musd"] == pytest.approx(4.8)
    assert verify_plan(write_plan(plan, tmp_path / "plan")) == ()


@pytest.mark.slow
def test_it_holds_in_ac(tmp_path: Path) -> None:
    plan = solve_study(read_study(example_path("expansion") / "relief.toml"))
    findings, figures = verify_ac(write_plan(plan, tmp_path / "plan"))
    assert [f for f in findings if f.severity != "info"] == []
    outages = {row["contingency"] for row in figures["snapshots"]["year"]["outages"]}
    assert {"rebuild L1", "rebuild L2", "beside T1"} <= outages
    assert "L1" not in outages
