"""Small studies in files, and the whole way of each: read, solve, write, check the written plan independently."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from optimizer.errors import Finding
from optimizer.plan import checks_files, checks_structure
from optimizer.plan.plan import Plan, tidy_plan, write_plan
from optimizer.plan.verify import checks_for, verify_plan
from optimizer.plan.verify_context import Context
from optimizer.solve import solve_study
from optimizer.study import Study, read_study

MUSD_PER_USD_PER_H = 8760 / 1e6
"""What one $/h costs through a year [M$]."""

HEAD = """\
[study]
name = "Small"
periods = [2030]

[economics]
discount_rate = 0.0
life_years = 1
last_period_years = 1.0
"""
"""One period of one year, and one-time costs paid whole in it: the objective is one year's cost."""
TWO_PERIODS = HEAD.replace("[2030]", "[2030, 2032]").replace("last_period_years = 1.0", "last_period_years = 2.0")
"""Two periods of two years each."""

STAR = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    + "".join(f"{name},a,{name[0]},0.1,100,100\n" for name in ("b1", "b2", "c1", "c2", "c3")),
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,150,1,1\nsc,c,150,1,2\n",
}
"""A generator at a, two lines of 100 MW to b and three to c, and a site of 150 MW at each, the one at b the cheaper."""

STAR_STUDY = (
    """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 150 }
[report]
compare = ["bold"]
[scenario.bold.security]
contingencies = []
""",
    STAR,
)
"""The study of it, solved with and without security."""


def study_of(folder: Path, text: str, tables: Mapping[str, str], head: str = HEAD) -> Study:
    """Write a study file and its tables (by path, without the suffix), and read it."""
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table, encoding="utf-8")
    folder.mkdir(exist_ok=True)
    (folder / "study.toml").write_text(head + text, encoding="utf-8")
    return read_study(folder)


def checked_plan(study: Study, written: bool = False, start: Plan | None = None) -> Plan:
    """Solve, and let the independent check recompute every number; return the plan as it is written.

    Parameters
    ----------
    study : Study
        The study.
    written : bool
        Write the plan and check its folder, files and scenarios included; otherwise check its tables alone, in a
        fraction of the time.
    start : Plan, optional
        A plan to begin with.
    """
    plan = tidy_plan(solve_study(study, start=start))
    if written:
        findings = list(verify_plan(write_plan(plan, study.folder / "out")))
    else:
        findings = _check_tables(plan, study)
    assert [str(f) for f in findings if f.severity == "error"] == []
    return plan


def _check_tables(plan: Plan, study: Study) -> list[Finding]:
    context = Context(study.folder, "", plan.summary, plan.tables, study, study.case)
    of_numbers = (check for check in checks_for(context) if check not in checks_files.CHECKS)
    return [finding for check in (*checks_structure.CHECKS, *of_numbers) for finding in check(context)]


def built(plan: Plan) -> list[str]:
    """Sites that hold at least a block at some time, in the order of the table."""
    sites = plan.table("sites")
    return list(dict.fromkeys(sites.loc[sites["blocks"] > 0, "site"]))


def blocks(plan: Plan) -> dict[tuple[str, int], int]:
    """Blocks by site and period, where there are any."""
    sites = plan.table("sites")
    return dict(sites[sites["blocks"] > 0].set_index(["site", "period"])["blocks"])
