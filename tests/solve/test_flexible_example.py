"""The example of firm against flexible service: power comes earlier, with curtailment inside its limits."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study


def solved(repository: Path, share: float) -> Plan:
    """The example without its curve, for one share of energy that may be curtailed."""
    study = read_study(repository / "examples" / "flexible")
    return solve_study(study.override({"service.curtailable_share": share, "report.firmness": []}))


def test_interim_service_brings_power_before_the_upgrades(repository: Path) -> None:
    firm, flexible = solved(repository, 0.0), solved(repository, 0.005)
    first = flexible.table("upgrades")["in_service"].min()
    early = {
        name: plan.table("demand").set_index("period")["served_mw"].loc[: first - 1].sum()
        for name, plan in (("firm", firm), ("flexible", flexible))
    }
    assert early["flexible"] > early["firm"] + 50
    years = flexible.table("service_years")
    assert 0 < years["curtailed_hours"].max() <= 160
    assert 0 < years["curtailed_share"].max() <= 0.005 + 1e-6
    rows = flexible.table("service")
    assert set(rows.loc[rows["curtailed_mw"] > 0, "snapshot"]) <= {"summer peak", "winter peak"}
    # The last period stands for ten years, so that no campus is in interim service: four fifths are firm.
    late = years[years["period"] == 2033]
    assert (late["non_firm_mw"] <= 0.2 * late["contract_mw"] + 1e-4).all()


@pytest.mark.slow
def test_the_curve_of_firmness_falls(repository: Path, tmp_path: Path) -> None:
    plan = solve_study(read_study(repository / "examples" / "flexible"))
    written = write_plan(tidy_plan(plan), tmp_path / "plan")
    assert [str(f) for f in verify_plan(written) if f.severity == "error"] == []
    curve = plan.table("firmness")
    assert curve["share"].tolist() == [0.0, 0.0025, 0.005, 0.01]
    # A plan with more to curtail can be at least as cheap: its proven least is not above what one with less costs.
    for before, after in itertools.pairwise(curve.index):
        assert curve.at[after, "bound_musd"] <= curve.at[before, "cost_musd"]
    assert curve["cost_musd"].iloc[-1] < curve["bound_musd"].iloc[0]
    assert curve["earlier_mw_months"].iloc[-1] > 0
