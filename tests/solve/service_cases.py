"""A line to a site, short of room in the hardest hours of the year, in texts that a test can change."""

from __future__ import annotations

from pathlib import Path

from optimizer.plan.plan import Plan
from tests.solve.small import HEAD, checked_plan, study_of

LINE = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,60\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,100\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
    "grid/snapshots": "snapshot,hours,load_factor\npeak,100,1.0\nlight,8660,0.5\n",
    "sites": "site,bus,block_mw,max_blocks\nsb,b,10,5\n",
}
"""60 MW of load at b at the peak, 30 MW else, and a line of 100 MW: room for 40 MW in 100 h of the year, 70 else."""

STUDY = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 50 }
penalty_musd_per_mw_year = 1.0
[security]
contingencies = []
[upgrades]
enabled = false
[solve]
gap = 0.0
"""


def service(**keys: object) -> str:
    """A table ``[service]`` of some keys."""
    keys = {"curtailment_usd_per_mwh": 100} | keys
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else value}" for key, value in keys.items()]
    return "\n".join(["[service]", *lines, ""])


def plan_of(
    folder: Path, more: str = "", head: str = HEAD, study: str = STUDY, written: bool = False, **tables: str
) -> Plan:
    """Solve the study with more tables, and check what is written."""
    named = {(name if name == "sites" else f"grid/{name}"): text for name, text in tables.items()}
    return checked_plan(study_of(folder, study + more, {**LINE, **named}, head), written)


def cost(plan: Plan) -> float:
    """Present value of the system's cost [M$]."""
    return float(plan.summary["objective_musd"])
