"""Small studies of workloads without a grid, in texts that a test can change."""

from __future__ import annotations

from pathlib import Path

from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study

STUDY = """\
[study]
name = "Who serves whom"
periods = [2030]

[rules]
sources = []

[sites]
table = "sites.csv"

[workloads]
demand = "demand.csv"

[economics]
discount_rate = 0.0
last_period_years = 1.0
annuitize = false

[solve]
gap = 0.0
"""

SITES = """\
site,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block
near,10,2,30,1
far,10,4,5,1
"""

DEMAND = """\
region,workload,it_mw
west,chat,8
east,train,12
"""

PAIRS = """\
site,region,workload,cost_musd_per_mw,rtt_ms,allowed
near,west,any,0,5,1
far,west,any,2,50,1
far,east,train,1,40,1
near,east,train,1,60,1
"""


def write_study(folder: Path, **files: str) -> Path:
    """Write a study; `files` by their name without ending, ``study`` the study file, replace the usual ones."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"study": STUDY, "sites": SITES, "demand": DEMAND} | files
    if "pairs" in texts:
        texts["study"] = texts["study"].replace(
            'demand = "demand.csv"\n', 'demand = "demand.csv"\npairs = "pairs.csv"\n'
        )
    for name, text in texts.items():
        (folder / f"{name}{'.toml' if name == 'study' else '.csv'}").write_text(text, encoding="utf-8")
    return folder


def solved(folder: Path, **files: str) -> Plan:
    """The plan of a study, after everything in it was recomputed without a finding."""
    plan = solve_study(read_study(write_study(folder, **files)))
    written = write_plan(tidy_plan(plan), folder / "plan")
    assert [str(f) for f in verify_plan(written) if f.severity == "error"] == []
    return tidy_plan(plan)


def served(plan: Plan) -> dict[tuple[str, str, int], float]:
    """MW by region, site and period."""
    rows = plan.tables["workloads"][["region", "site", "period", "served_mw"]]
    return {(d, s, int(t)): float(mw) for d, s, t, mw in rows.itertuples(index=False, name=None)}
