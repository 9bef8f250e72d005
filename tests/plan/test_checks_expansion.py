"""A plan with new circuits, solved once: no figure of it can be changed without being found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.plan.tamper import numeric_columns, rewrite_hashes, tamper_cell
from tests.solve.test_expansion import sited

TABLES = ("circuits", "flows", "contingencies", "costs", "dispatch")


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campus and two circuits, one from each period, at present values."""
    folder = tmp_path_factory.mktemp("circuits")
    study = read_study(sited(folder / "study", "{ 2030 = 100, 2032 = 150 }", 1, ready=2030))
    write_plan(solve_study(study), folder / "study" / "plan")
    return folder / "study" / "plan"


@pytest.mark.slow
def test_every_number_about_the_network_is_recomputed(solved: Path) -> None:
    assert [f for f in verify_plan(solved) if f.severity != "info"] == []
    columns = [(name, column) for name, column in numeric_columns(solved) if name in TABLES]
    assert {name for name, _ in columns} == set(TABLES)
    changed = solved.parent / "changed"
    for number, (name, column) in enumerate(columns):
        shutil.copytree(solved, changed)
        what = tamper_cell(changed, name, column, number)
        errors = [f for f in verify_plan(changed) if f.severity == "error"]
        assert errors, what
        shutil.rmtree(changed)


def test_a_circuit_left_out_is_missed(solved: Path) -> None:
    """Without its second circuit the plan overloads the lines that are left after an outage."""
    changed = solved.parent / "without"
    shutil.copytree(solved, changed)
    table = changed / "tables" / "circuits.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    table.write_text("\n".join(lines[:2]) + "\n", encoding="utf-8")
    rewrite_hashes(changed)
    rules = {f.rule for f in verify_plan(changed) if f.severity == "error"}
    shutil.rmtree(changed)
    assert "plan.limit.emergency" in rules or "plan.unknown_name" in rules
    assert "plan.recomputed" in rules
