"""Why circuits on offer do not suffice: what they leave unserved, by hand, and by solving the changed case.

Power goes from a to b over a line of 60 MW and, where it is built, a circuit of 30 MW with twice its reactance: of any
power two thirds take the line, so both are full at 90 MW.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InfeasibleError
from optimizer.solve import solve_study
from optimizer.solve.explain import limits as of
from optimizer.solve.explain.infeasible import explain
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import loosened
from optimizer.solve.explain.question import has_plan
from optimizer.study import Study
from tests.solve.small import study_of

TEXT = """\
[grid]
source = "grid"
[security]
contingencies = {outages}
monitor_kv_min = 0
[dispatch]
generators = "{generators}"
"""

CAMPUS = """\
[demand]
it_mw = { 2030 = 50 }
[sites]
table = "sites.csv"
"""

GRID = {
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/circuits": "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count\nnew,a,b,0.2,30,5,1\n",
    "grid/generators": "generator,bus,p_max_mw,p_mw\nga,a,400,{output}\n",
    "grid/buses": "bus,base_kv,load_mw\na,230,0\nb,230,{load}\n",
    "sites": "site,bus,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block\nsb,b,5,10,10,0\n",
}


def study(folder: Path, load: float, output: float = 0.0, more: str = "", **settings: str) -> Study:
    """Load at b beside what the settings say."""
    tables = {name: text.format(load=load, output=output) for name, text in GRID.items()}
    text = TEXT.format(**{"outages": "[]", "generators": "redispatch", **settings})
    return study_of(folder, text + more, tables)


def test_load_that_no_circuit_brings(tmp_path: Path) -> None:
    """Of 100 MW at b line and circuit bring 90."""
    case = study(tmp_path, 100).case
    found = explain(case)
    assert found.conflict is None
    (way,) = found.ways_out
    assert way.amounts == {Limit(of.UNSERVED, "b"): pytest.approx(10.0)}
    assert (way.is_proven, way.least_share) == (True, 1.0)
    assert has_plan(loosened(case, {Limit(of.UNSERVED, "b"): 9.9})) is False
    (said, info) = found.findings()
    assert said.rule == "solve.infeasible.circuits"
    assert "serve 10 MW less of existing load at bus b, from 100 MW to 90 MW" in said.remedy
    assert (info.where, info.value, info.unit) == ("b", pytest.approx(10.0), "MW")


def test_after_an_outage(tmp_path: Path) -> None:
    """With the line out the circuit would bring no more than 36 MW, so it is better left: the line alone brings 60.

    Existing load that hangs on one line is lost with it, as it was before.
    """
    case = study(tmp_path, 100, outages='["branch"]').case
    (way,) = explain(case).ways_out
    assert way.amounts == {Limit(of.UNSERVED, "b"): pytest.approx(40.0)}
    assert (way.is_proven, way.least_share) == (True, 0.0)


def test_a_target_comes_down_before_load_goes_unserved(tmp_path: Path) -> None:
    """Beside 70 MW of load 20 are left for a campus of 50, in blocks of 5."""
    case = study(tmp_path, 70, more=CAMPUS).case
    (way,) = explain(case).ways_out
    assert way.amounts == {Limit(of.DEMAND, "", 2030): pytest.approx(30.0)}
    assert way.is_proven


def test_what_generators_must_give_comes_down_too(tmp_path: Path) -> None:
    """A fixed dispatch has to be 10 MW less where 10 MW go unserved."""
    case = study(tmp_path, 100, 100, generators="fixed").case
    (way,) = explain(case).ways_out
    (h,) = case.snapshots.index
    assert way.amounts == {
        Limit(of.UNSERVED, "b"): pytest.approx(10.0),
        Limit(of.LEAST_OUTPUT, "ga", 0, h): pytest.approx(10.0),
    }
    assert way.is_proven


def test_a_case_with_a_plan_is_not_explained(tmp_path: Path) -> None:
    assert explain(study(tmp_path, 90).case).ways_out == ()


def test_solving_says_so(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError) as refused:
        solve_study(study(tmp_path, 100))
    assert "solve.infeasible.circuits" in {finding.rule for finding in refused.value.findings}
