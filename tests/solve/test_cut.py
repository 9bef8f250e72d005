"""Rows that a solution breaks: normal ratings before outages, monitored branches before the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.solve.program import Clock, SecureProgram
from tests.solve.small import STAR, study_of

STUDY = """
[grid]
source = "grid"
[sites]
table = "sites.csv"
min_base_kv = 50
[demand]
it_mw = { 2030 = 300 }
[security]
monitor_kv_min = 100
[upgrades]
enabled = false
"""

HEADER = "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"


def program_of(folder: Path, names: tuple[str, ...], rating_mw: float = 100) -> SecureProgram:
    """150 MW at b, of 138 kV, and at c, of 69 kV, over lines from a, named by the bus they go to; 100 MW in need."""
    lines = HEADER + "".join(f"{name},a,{name[0]},0.1,{rating_mw},100\n" for name in names)
    tables = STAR | {"grid/buses": "bus,base_kv\na,138\nb,138\nc,69\n", "grid/branches": lines}
    program = SecureProgram(study_of(folder, STUDY, tables).case, 1, 0, Clock(), lambda line: None)
    program.highs.relax(True)
    return program


def branches(program: SecureProgram) -> set[str]:
    return {branch for (branch, outage, *_), _ in program.limit_rows() if outage}


def test_rows_of_monitored_branches_come_first(tmp_path: Path) -> None:
    """One of two lines out, the other carries 150 MW at either bus: 50 MW too much, of which b's are monitored."""
    program = program_of(tmp_path, ("b1", "b2", "c1", "c2"))
    values = program.solve("lp").values
    rows, worst = program.cut(values, everywhere=False)
    assert (branches(program), round(worst, 6)) == ({"b1", "b2"}, 50.0)
    # A flow law and a limit for each of the two.
    assert rows == 4
    assert program.cut(values, everywhere=True)[0] == 4
    assert branches(program) == {"b1", "b2", "c1", "c2"}


def test_normal_ratings_come_before_outages(tmp_path: Path) -> None:
    """With both lines in, each carries 75 MW of 70: whatever mends that may mend what outages do."""
    program = program_of(tmp_path, ("b1", "b2", "c1", "c2"), rating_mw=70)
    values = program.solve("lp").values
    assert program.cut(values, everywhere=False) == (4, pytest.approx(5.0))
    assert {key[:2] for key, _ in program.limit_rows()} == {("b1", ""), ("b2", "")}
    # The other two branches, and all four after outages.
    assert program.cut(values, everywhere=True)[0] == 4 + 4
    assert branches(program) == {"b1", "b2", "c1", "c2"}


def test_others_are_looked_at_where_no_monitored_branch_needs_a_row(tmp_path: Path) -> None:
    """One of three lines out, the others carry 75 MW each."""
    program = program_of(tmp_path, ("b1", "b2", "b3", "c1", "c2"))
    rows, worst = program.cut(program.solve("lp").values, everywhere=False)
    assert (branches(program), rows, round(worst, 6)) == ({"c1", "c2"}, 4, 50.0)


def test_a_solution_that_breaks_nothing_needs_no_rows(tmp_path: Path) -> None:
    program = program_of(tmp_path, ("b1", "b2", "b3", "c1", "c2", "c3"))
    assert program.cut(program.solve("lp").values, everywhere=False) == (0, 0.0)
    assert program.solve_clean("lp", 1).status == "optimal"
