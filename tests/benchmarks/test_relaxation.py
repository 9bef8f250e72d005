"""Benchmark of the secure relaxation: a ring of many buses, many sites, two periods and two snapshots."""

from __future__ import annotations

import pytest

from optimizer.solve.program import Clock, SecureProgram
from optimizer.study.case import Case
from tests.solve.small import TWO_PERIODS, study_of

pytestmark = pytest.mark.bench

BUSES = 60
SITES = range(0, BUSES, 3)

STUDY = """
[grid]
source = "grid"
[[grid.snapshot]]
name = "peak"
hours = 1760
[[grid.snapshot]]
name = "light"
hours = 7000
load_factor = 0.6
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 300, 2032 = 900 }
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """Bus i is joined to i + 1 and i + 7; every third has a site, every fifth a generator, dearer with its number."""
    lines = [(i, (i + step) % BUSES, step) for step in (1, 7) for i in range(BUSES)]
    tables = {
        "grid/buses": ["bus,base_kv,load_mw", *(f"n{i},230,{20 + i % 4}" for i in range(BUSES))],
        "grid/branches": [
            "branch,from_bus,to_bus,x_pu,rating_mw",
            *(f"l{i}-{j},n{i},n{j},{0.02 * step},150" for i, j, step in lines),
        ],
        "grid/generators": [
            "generator,bus,p_max_mw,cost_usd_per_mwh",
            *(f"g{i},n{i},400,{10 + i}" for i in range(0, BUSES, 5)),
        ],
        "sites": [
            "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block",
            *(f"s{i},n{i},50,4,{4 + i % 7}" for i in SITES),
        ],
    }
    text = {name: "\n".join(rows) + "\n" for name, rows in tables.items()}
    return study_of(tmp_path_factory.mktemp("ring"), STUDY, text, TWO_PERIODS).case


def test_secure_relaxation(case: Case) -> None:
    """Solved and screened until no outage breaks a limit: all of the demand is placed, and security binds somewhere."""
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None)
    program.highs.relax(True)
    outcome = program.solve_clean("lp", 50)
    assert outcome.status == "optimal"
    placed = sum(v.value * 50 for (_, t), v in program.model.siting.blocks.items() if t == 2032)
    assert placed >= 900 - 1e-6
    assert any(outage for (_, outage, *_), _ in program.limit_rows())
