"""A hand-made plan put through AC power flow: 50 MW of load and a campus of 50 MW behind two equal circuits.

The source holds 1.0 pu. With X the reactance of what is in service and p + jq the load at b, the voltage there is the
larger root of V^4 + (2 X q - 1) V^2 + X^2 (p^2 + q^2) = 0; the campus draws q = 0.5 tan(acos 0.95) = 0.164 pu.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from optimizer.cli.verbs import app
from optimizer.plan.checks_ac import ac_text, critical_outages, verify_ac
from optimizer.plan.plan import write_plan
from optimizer.plan.reading import read_summary, read_tables
from optimizer.plan.verify import verify_plan
from optimizer.plan.verify_context import Context
from optimizer.solve import solve_study
from optimizer.study.from_file import read_study
from tests.plan.two_buses import FILES, plan_of, write_study

Q = 0.5 * math.tan(math.acos(0.95))


def written(folder: Path, x_pu: float) -> Path:
    """The plan, of a study whose circuits have a reactance."""
    study_file = write_study(folder / "study")
    branches = FILES["grid/branches.csv"].replace(",0.1,", f",{x_pu},")
    (folder / "study/grid/branches.csv").write_text(branches, encoding="utf-8")
    return Path(write_plan(plan_of(read_study(study_file)), folder / "plan"))


def voltage(x: float, p: float, q: float) -> float:
    half = x * q - 0.5
    return math.sqrt(-half + math.sqrt(half**2 - x * x * (p * p + q * q)))


def test_a_plan_within_its_limits(tmp_path: Path) -> None:
    assert voltage(0.05, 1.0, Q) > 0.95
    assert voltage(0.1, 1.0, Q) > 0.90
    findings, figures = verify_ac(written(tmp_path, 0.1))
    assert [f for f in findings if f.rule.startswith(("grid.ac.voltage", "grid.ac.loading"))] == []
    one = figures["snapshots"]["year"]
    assert (figures["period"], figures["power_factor"]) == (2030, 0.95)
    assert (one["converged"], one["converged_before"], one["attempt"]) == (True, True, "as_given")
    assert one["violations"] == {}
    assert {row["contingency"]: row["state"] for row in one["outages"]} == {"l1": "solved", "l2": "solved"}
    # Equal circuits without resistance share the load equally by DC and by AC flow.
    assert one["flow_error"]["max_mw"] == pytest.approx(0, abs=1e-4)
    assert "0 limits broken by the campuses" in ac_text(figures)


def test_what_the_campus_breaks_is_a_warning(tmp_path: Path) -> None:
    """Circuits of 0.6 pu: 0.885 pu with the campus, 0.988 without; one circuit alone carries 50 MW but not both."""
    findings, figures = verify_ac(written(tmp_path, 0.6))
    low = [f for f in findings if f.rule == "grid.ac.voltage_low" and f.value is not None]
    assert [(f.severity, f.limit) for f in low] == [("warning", 0.95)]
    assert low[0].value == pytest.approx(voltage(0.3, 1.0, Q), abs=1e-6)
    assert low[0].where == "AC, bus b, year, no outage"
    states = {(row["state"], row["state_before"]) for row in figures["snapshots"]["year"]["outages"]}
    assert states == {("not_solved", "solved")}
    assert not [f for f in findings if f.severity == "error"]


def test_the_power_factor_counts(tmp_path: Path) -> None:
    findings, _ = verify_ac(written(tmp_path, 0.6), power_factor=1.0)
    low = next(f for f in findings if f.rule == "grid.ac.voltage_low" and f.value is not None)
    assert low.value == pytest.approx(voltage(0.3, 1.0, 0.0), abs=1e-6)


def built(folder: Path, circuit: str, rating_mw: float, outages: str = "[]") -> Path:
    """The plan of a study in which line l1 of 0.6 pu does not carry the campus: a circuit is built for 1 M$."""
    study_file = write_study(folder / "study")
    text = FILES["study.toml"] + f"[security]\ncontingencies = {outages}\n[upgrades]\nenabled = false\n"
    study_file.write_text(text, encoding="utf-8")
    grid = folder / "study/grid"
    buses = FILES["grid/buses.csv"].replace("a,138,0,", "a,138,60,")  # so that b is what an outage cuts off
    (grid / "buses.csv").write_text(buses, encoding="utf-8")
    line = f"branch,from_bus,to_bus,x_pu,rating_mw,length_km\nl1,a,b,0.6,{rating_mw},96\n"
    (grid / "branches.csv").write_text(line, encoding="utf-8")
    header = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,replaces\n"
    (grid / "circuits.csv").write_text(f"{header}{circuit}\n", encoding="utf-8")
    plan = solve_study(read_study(study_file))
    assert list(plan.table("circuits")["count"]) == [1]
    made = Path(write_plan(plan, folder / "plan"))
    assert [f for f in verify_plan(made) if f.severity != "info"] == []
    return made


@pytest.mark.slow
def test_a_built_circuit_carries_half(tmp_path: Path) -> None:
    """Two circuits of 0.6 pu and 55 MW, 50 MW on each by DC: with the voltage V at b each carries |s| / 2V of MVA.

    Without the campus nothing is built: 50 MW on 0.6 pu leave 0.949 pu, below the limit, which the campus makes worse,
    and load line l1 with 52.7 MVA, which is no more than its rating.
    """
    findings, figures = verify_ac(built(tmp_path, "new,a,b,0.6,55,1,", 55))
    v = voltage(0.3, 1.0, Q)
    one = figures["snapshots"]["year"]
    assert one["violations"] == {"loading.new": 2, "voltage_low.worse": 1}
    assert voltage(0.6, 0.5, 0.0) < 0.95
    assert 50 / voltage(0.6, 0.5, 0.0) < 55
    loads = {f.where: f.value for f in findings if f.rule == "grid.ac.loading" and f.value is not None}
    assert loads == pytest.approx(
        {f"AC, branch {name}, year, no outage": 50 * math.hypot(1.0, Q) / v for name in ("l1", "new")}, abs=1e-4
    )
    low = next(f for f in findings if f.rule == "grid.ac.voltage_low" and f.value is not None)
    assert low.value == pytest.approx(v, abs=1e-6)


@pytest.mark.slow
def test_a_replaced_line_is_out(tmp_path: Path) -> None:
    """A line of 0.3 pu in the place of l1, not beside it: the voltage of 0.3 pu, all of the load on the new line."""
    findings, figures = verify_ac(built(tmp_path, "again,b,a,0.3,100,1,l1", 60))
    v = voltage(0.3, 1.0, Q)
    loads = {f.where: f.value for f in findings if f.rule == "grid.ac.loading" and f.value is not None}
    assert loads == pytest.approx({"AC, branch again, year, no outage": 100 * math.hypot(1.0, Q) / v}, abs=1e-4)
    low = next(f for f in findings if f.rule == "grid.ac.voltage_low" and f.value is not None)
    assert low.value == pytest.approx(v, abs=1e-6)
    assert figures["snapshots"]["year"]["flow_error"]["n_branch"] == 1


@pytest.mark.slow
def test_circuits_on_offer_that_are_not_built_change_nothing(tmp_path: Path) -> None:
    """The plan that needs none, checked with a circuit on offer and without."""
    plan = written(tmp_path / "without", 0.6)
    study_file = write_study(tmp_path / "with/study")
    grid = study_file.parent / "grid"
    (grid / "branches.csv").write_text(FILES["grid/branches.csv"].replace(",0.1,", ",0.6,"), encoding="utf-8")
    row = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nnew,a,b,0.6,200,1\n"
    (grid / "circuits.csv").write_text(row, encoding="utf-8")
    other = solve_study(read_study(study_file))
    assert other.table("circuits").empty
    assert verify_ac(Path(write_plan(other, tmp_path / "with/plan"))) == verify_ac(plan)


@pytest.mark.slow
def test_a_built_circuit_can_be_out(tmp_path: Path) -> None:
    """One line to b is cut off by its own outage: a campus there needs the second, and either may be out then.

    What is left is 0.3 pu without l1, which serves both, and 0.6 pu without the new circuit, which does not.
    """
    _, figures = verify_ac(built(tmp_path, "new,a,b,0.3,100,1,", 100, '["branch"]'))
    states = {row["contingency"]: row["state"] for row in figures["snapshots"]["year"]["outages"]}
    assert states == {"l1": "solved", "new": "not_solved"}


def test_without_campuses_nothing_is_compared() -> None:
    """What a study of circuits alone says of its last period."""
    one = {"converged_before": None, "outages": [], "flow_error": None}
    solved = {**one, "converged": True, "violations": {"loading.not_compared": 3}}
    figures = {"period": 2030, "snapshots": {"day": solved, "night": {**one, "converged": False, "violations": {}}}}
    said = ac_text(figures).splitlines()
    assert said[1] == "  day: 3 limits broken, nothing to compare with; 0 outages, 0 without a solution"
    assert said[2] == "  night: no AC solution"


def test_outages_are_the_highest_loaded_ones(tmp_path: Path) -> None:
    folder = written(tmp_path, 0.1)
    study = read_study(tmp_path / "study/study.toml")
    context = Context(folder, "", read_summary(folder)[0], read_tables(folder)[0], study, study.case)
    table = context.table("contingencies").assign(loading=[0.3, 0.9])
    changed = Context(folder, "", {}, {**context.tables, "contingencies": table}, context.study, context.case)
    assert critical_outages(changed, 2030, "year", 1) == {"l2": ["branch/l2"]}
    assert list(critical_outages(changed, 2030, "year", 20)) == ["l2", "l1"]
    assert critical_outages(changed, 2032, "year", 20) == {}


def test_fewer_outages_can_be_asked_for(tmp_path: Path) -> None:
    _, figures = verify_ac(written(tmp_path, 0.1), n_outages=1)
    assert len(figures["snapshots"]["year"]["outages"]) == 1


def test_missing_inputs_are_findings(tmp_path: Path) -> None:
    folder = written(tmp_path, 0.1)
    (tmp_path / "study/study.toml").unlink()
    findings, figures = verify_ac(folder)
    assert figures == {}
    assert {f.severity for f in findings} == {"error"}


def test_verify_takes_ac(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(written(tmp_path, 0.6)), "--ac", "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert answer["ac"]["snapshots"]["year"]["violations"] == {"voltage_low.new": 1}
    assert "grid.ac.voltage_low" in {f["rule"] for f in answer["findings"]}


def test_verify_without_ac_does_not_mention_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(written(tmp_path, 0.6)), "--json"])
    answer = json.loads(result.stdout)
    assert "ac" not in answer
    assert not [f for f in answer["findings"] if f["rule"].startswith("grid.ac")]


@pytest.mark.slow
def test_no_solution_with_the_campus_is_an_error(tmp_path: Path) -> None:
    """Circuits of 1.2 pu serve 50 MW (0.949 pu) but not 100: the larger root is not real."""
    assert voltage(0.6, 0.5, 0.0) > 0.9
    result = CliRunner().invoke(app, ["verify", str(written(tmp_path, 1.2)), "--ac", "--quiet"])
    assert result.exit_code == 1
    assert "no AC solution with the campuses but one without them" in result.stdout
    assert "grid.ac.not_converged" in result.output


@pytest.mark.slow
def test_a_plan_that_does_not_hold_is_not_checked(tmp_path: Path) -> None:
    folder = written(tmp_path, 0.1)
    path = folder / "tables/dispatch.csv"
    table = pd.read_csv(path)
    table.assign(output_mw=90.0).to_csv(path, index=False)
    result = CliRunner().invoke(app, ["verify", str(folder), "--ac", "--json"])
    assert result.exit_code == 1
    assert "grid.ac.skipped" in {f["rule"] for f in json.loads(result.stdout)["findings"]}
