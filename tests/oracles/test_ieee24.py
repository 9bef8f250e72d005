"""Expansion of the IEEE 24-bus reliability test system with load and generation tripled: published optima.

Network, corridors, their cost and the plans of generation: R. Fang, D. J. Hill, "A new strategy for transmission
expansion in competitive electricity markets", IEEE Trans. Power Systems 18(1), 2003. Optima: R. Romero, C. Rocha,
J. R. S. Mantovani, I. G. Sanchez, "Constructive heuristic algorithm for the DC model in network transmission expansion
planning", IEE Proc. Generation, Transmission and Distribution 152(2), 2005.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.oracles.test_expansion import study_file

LOAD_MW = {1: 324, 2: 291, 3: 540, 4: 222, 5: 213, 6: 408, 7: 375, 8: 513, 9: 525, 10: 585, 13: 795, 14: 582, 15: 951}
LOAD_MW |= {16: 300, 18: 999, 19: 543, 20: 384}

LARGEST_MW = {1: 576, 2: 576, 7: 900, 13: 1773, 15: 645, 16: 465, 18: 1200, 21: 1200, 22: 900, 23: 1980}

FIRST_PLAN_MW = LARGEST_MW | {23: 315}
SECOND_PLAN_MW = LARGEST_MW | {1: 465, 7: 722, 13: 1424, 23: 953}
THIRD_PLAN_MW = LARGEST_MW | {13: 1457, 15: 325, 16: 282, 18: 603, 21: 951}

CORRIDORS = """\
1,2,0.0139,175,1,3 1,3,0.2112,175,1,55 1,5,0.0845,175,1,22 1,8,0.1344,175,0,35 2,4,0.1267,175,1,33
2,6,0.1920,175,1,50 2,8,0.1267,175,0,33 3,9,0.1190,175,1,31 3,24,0.0839,400,1,50 4,9,0.1037,175,1,27
5,10,0.0883,175,1,23 6,7,0.1920,175,0,50 6,10,0.0605,175,1,16 7,8,0.0614,175,1,16 8,9,0.1651,175,1,43
8,10,0.1651,175,1,43 9,11,0.0839,400,1,50 9,12,0.0839,400,1,50 10,11,0.0839,400,1,50 10,12,0.0839,400,1,50
11,13,0.0476,500,1,66 11,14,0.0418,500,1,58 12,13,0.0476,500,1,66 12,23,0.0966,500,1,134 13,14,0.0447,500,0,62
13,23,0.0865,500,1,120 14,16,0.0389,500,1,54 14,23,0.0620,500,0,86 15,16,0.0173,500,1,24 15,21,0.0490,500,2,68
15,24,0.0519,500,1,72 16,17,0.0259,500,1,36 16,19,0.0231,500,1,32 16,23,0.0822,500,0,114 17,18,0.0144,500,1,20
17,22,0.1053,500,1,146 18,21,0.0259,500,2,36 19,20,0.0396,500,2,55 19,23,0.0606,500,0,84 20,23,0.0216,500,2,30
21,22,0.0678,500,1,94
"""
"""From and to bus, reactance of a circuit [pu on 100 MVA], its rating [MW], circuits there, cost of one more [M$]."""


def study_folder(folder: Path, generators: str, output_mw: dict[int, int]) -> Path:
    """Write the study; up to three circuits are on offer in every corridor."""
    corridors = [tuple(one.split(",")) for one in CORRIDORS.split()]
    stand = [f"{i}-{j} {k + 1},{i},{j},{x},{mw}" for i, j, x, mw, count, _ in corridors for k in range(int(count))]
    tables = {
        "buses": ["bus,base_kv,load_mw", *(f"{n},{138 if n <= 10 else 230},{LOAD_MW.get(n, 0)}" for n in range(1, 25))],
        "branches": ["branch,from_bus,to_bus,x_pu,rating_mw", *stand],
        "generators": [
            "generator,bus,p_max_mw,p_mw",
            *(f"g{n},{n},{mw},{output_mw[n]}" for n, mw in LARGEST_MW.items()),
        ],
        "circuits": [
            "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count",
            *(f"new {i}-{j},{i},{j},{x},{mw},{cost},3" for i, j, x, mw, _, cost in corridors),
        ],
    }
    (folder / "grid").mkdir()
    for name, rows in tables.items():
        (folder / "grid" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return study_file(folder, "grid", generators)


@pytest.mark.parametrize("output_mw", [FIRST_PLAN_MW, SECOND_PLAN_MW, THIRD_PLAN_MW])
def test_plans_of_generation_meet_the_load(output_mw: dict[int, int]) -> None:
    """What the tables above say of generation adds up to the load of 8,550 MW."""
    assert sum(output_mw.values()) == sum(LOAD_MW.values()) == 8550


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generators", "output_mw", "cost_musd"),
    [
        ("redispatch", LARGEST_MW, 152),
        ("fixed", FIRST_PLAN_MW, 390),
        ("fixed", SECOND_PLAN_MW, 392),
        ("fixed", THIRD_PLAN_MW, 218),
    ],
)
def test_published_optima(generators: str, output_mw: dict[int, int], cost_musd: float, tmp_path: Path) -> None:
    plan = solve_study(read_study(study_folder(tmp_path, generators, output_mw)))
    assert plan.summary["status"] == "optimal"
    assert plan.summary["objective_value"] == pytest.approx(cost_musd, abs=1e-6)
    findings = verify_plan(write_plan(plan, tmp_path / "out"))
    assert [str(f) for f in findings if f.severity == "error"] == []
