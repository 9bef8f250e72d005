"""Plans that the solver makes hold too: of a study with everything, without campuses, and without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study.from_file import read_study
from tests.plan.tamper import numeric_columns, tamper_cell
from tests.plan.two_buses import write_study

WITHOUT_DEMAND = '[study]\nname = "No campuses"\nperiods = [2030]\n\n[grid]\nsource = "grid"\n'
WITHOUT_GRID = """\
[study]
name = "No network"
periods = [2030, 2032]

[demand]
it_mw = { 2030 = 50.0, 2032 = 60.0 }
penalty_musd_per_mw_year = 9.0

[sites]
table = "sites.csv"
"""


@pytest.mark.every(3)
@pytest.mark.parametrize("text", ["", WITHOUT_DEMAND, WITHOUT_GRID], ids=["everything", "no demand", "no grid"])
def test_a_solved_plan_holds(tmp_path: Path, text: str) -> None:
    path = write_study(tmp_path / "in")
    if text:
        path.write_text(text, encoding="utf-8")
    folder = write_plan(solve_study(read_study(path)), tmp_path / "out")
    assert [str(f) for f in verify_plan(folder) if f.severity == "error"] == []


def test_costs_of_a_plan_without_network_are_recomputed(tmp_path: Path) -> None:
    """10 of 60 MW are not served in 2032: a cost that only the demand table and the penalty give."""
    path = write_study(tmp_path / "in")
    path.write_text(WITHOUT_GRID, encoding="utf-8")
    folder = write_plan(solve_study(read_study(path)), tmp_path / "out")
    saved = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    for column in ("shortfall_mw", "served_mw", "target_mw"):
        tamper_cell(folder, "demand", column, 1)
        assert any("tables/demand.csv" in f.where and column in f.where for f in verify_plan(folder)), column
        for file, content in saved.items():
            file.write_bytes(content)
    assert ("costs", "cost_musd") in numeric_columns(folder)
