"""Published optima of transmission expansion planning, through the product: read, solve, check again.

Garver's six buses: L. L. Garver, "Transmission network estimation using linear programming", IEEE Trans. Power
Apparatus and Systems PAS-89(7), 1970; optima and circuits as in R. Romero et al., IEE Proc. Generation, Transmission
and Distribution 149(1), 2002. case3_tnep and case5_tnep: lanl-ansi/PowerModels.jl, test data of its expansion problem.
A study with no campus and all candidates on offer is transmission expansion planning: construction cost counts whole,
and generation costs nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from optimizer.errors import GridsiteError
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study

STUDY = """\
[study]
name = "Expansion"
periods = [2030]
[grid]
source = {source}
susceptance = "series"
[security]
contingencies = {outages}
[dispatch]
generators = "{generators}"
cost = "none"
[economics]
annuitize = false
discount_rate = 0.0
last_period_years = 1
[solve]
gap = 0.0
"""


def study_file(folder: Path, source: str, generators: str = "redispatch", outages: str = "[]") -> Path:
    """Write a study of expansion alone."""
    text = STUDY.format(source=json.dumps(source), generators=generators, outages=outages)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def garver(folder: Path, reference: Path, most: int = 4) -> None:
    """Write Garver's table as a grid folder."""
    data = json.loads((reference / "tnep-garver" / "garver.json").read_text(encoding="utf-8"))
    facts = ("from", "to", "reactance_pu", "rating_mw")
    ends = [(c, f"{c['from']}-{c['to']}," + ",".join(str(c[key]) for key in facts)) for c in data["corridors"]]
    tables = {
        "buses": ["bus,base_kv,load_mw", *(f"{b['bus']},230,{b['load_mw']}" for b in data["buses"])],
        "branches": ["branch,from_bus,to_bus,x_pu,rating_mw", *(row for c, row in ends if c["existing_circuits"])],
        "generators": [
            "generator,bus,p_max_mw,p_mw",
            *(f"g{b['bus']},{b['bus']},{b['generation_max_mw']},{b['generation_fixed_mw']}" for b in data["buses"]),
        ],
        "circuits": [
            "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count",
            *(f"new {row},{c['cost']},{most}" for c, row in ends),
        ],
    }
    assert all(c["existing_circuits"] <= 1 for c, _ in ends)
    (folder / "grid").mkdir()
    for name, lines in tables.items():
        (folder / "grid" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def solved(folder: Path) -> Plan:
    """Solve the study of a folder and check the plan from its inputs."""
    plan = solve_study(read_study(folder))
    write_plan(plan, folder / "plan")
    assert [f for f in verify_plan(folder / "plan") if f.severity == "error"] == []
    assert plan.summary["n_violations"] == 0
    assert plan.summary["status"] == "optimal"
    return plan


@pytest.mark.parametrize(
    ("generators", "variant", "most", "key"),
    [
        ("redispatch", "redispatch", 4, "optimum"),
        ("fixed", "fixed_dispatch", 4, "optimum"),
        ("fixed", "fixed_dispatch", 3, "optimum_if_at_most_3_new_circuits_per_corridor"),
    ],
)
def test_garver(generators: str, variant: str, most: int, key: str, reference_data: Path, tmp_path: Path) -> None:
    garver(tmp_path, reference_data, most)
    published = json.loads((reference_data / "tnep-garver" / "garver.json").read_text(encoding="utf-8"))["variants"]
    plan = solved(study_file(tmp_path, "grid", generators))
    assert plan.summary["objective_musd"] == pytest.approx(published[variant][key], abs=1e-6)
    if key == "optimum":
        built = plan.table("circuits").set_index("circuit")["count"].to_dict()
        assert built == {f"new {corridor}": n for corridor, n in published[variant]["new_circuits"].items()}


@pytest.mark.parametrize(("name", "optimum"), [("case3_tnep", 2), ("case5_tnep", 1)])
def test_powermodels(name: str, optimum: float, reference_data: Path, tmp_path: Path) -> None:
    plan = solved(study_file(tmp_path, str(reference_data / "tnep-powermodels" / f"{name}.m")))
    assert plan.summary["objective_musd"] == pytest.approx(optimum, abs=1e-6)


def test_hybrid_cases_are_read_or_refused_with_what_is_not_decided(reference_data: Path, tmp_path: Path) -> None:
    """Candidate DC lines and converters are no circuits: they are named, and nothing of them is guessed."""
    names = sorted((reference_data / "tnep-powermodelsacdc").glob("*.m"))
    assert len(names) == 7
    for path in names:
        try:
            findings = read_study(study_file(tmp_path, str(path))).findings
        except GridsiteError as error:
            findings = error.findings
        assert any("branchdc_ne" in f.where for f in findings), path.name
