"""A campus behind two lines, and what balances it when it is dropped, in texts that a test can change."""

from __future__ import annotations

from pathlib import Path

from optimizer.plan.plan import Plan
from tests.solve.service_cases import service
from tests.solve.small import HEAD, checked_plan, study_of

PAIR = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "ab1,a,b,0.1,100,100\nab2,a,b,0.1,100,100\nac1,a,c,0.1,500,500\nac2,a,c,0.1,500,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\nh,c,900,20\n",
    "sites": "site,bus,block_mw,max_blocks\nsb,b,10,30\n",
}
"""Two lines of 100 MW from a to b, where the site is, and two of 500 MW from a to c. Generators of equal size at a and
c, the one at a the cheaper: without an outage it serves all."""

NARROW = {**PAIR, "grid/branches": PAIR["grid/branches"].replace("500,500", "30,30")}
"""The same with 30 MW a line between a and c."""

STUDY = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 300 }
penalty_musd_per_mw_year = 1.0
[upgrades]
enabled = false
[solve]
gap = 0.0
"""
"""300 MW are asked for, and 1 M$ a MW is paid for what is not served: 114 $/MWh."""

TRIP = service(trip_on_outage=True)


def plan_of(
    folder: Path,
    more: str = TRIP,
    tables: dict[str, str] | None = None,
    head: str = HEAD,
    study: str = STUDY,
    written: bool = False,
) -> Plan:
    """Solve the study with more tables, and check what is written."""
    return checked_plan(study_of(folder, study + more, PAIR if tables is None else tables, head), written)
