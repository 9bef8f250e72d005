"""A network of three buses with campuses at two of them, and what can be rented or launched beside it."""

from __future__ import annotations

from pathlib import Path

from optimizer.study import Study
from tests.solve.small import HEAD, MUSD_PER_USD_PER_H, study_of

GRID = {
    "grid/buses": "bus,base_kv,zone\na,138,n\nb,138,n\nc,138,s\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    + "".join(f"{name},a,{name[0]},0.1,100,100\n" for name in ("b1", "b2", "c1", "c2", "c3")),
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
}
"""A generator at a, two lines of 100 MW to b and three to c: with any one of them out, 100 and 200 MW arrive."""

COLUMNS = "site,kind,bus,block_mw,max_blocks,cost_musd_per_year_per_block,county,jurisdiction,earliest\n"
CAMPUSES = COLUMNS + "sb,campus,b,50,6,5,B,US-TX,\nsc,campus,c,50,6,5,C,US-TX,\n"
CAMPUS_MUSD = 5 + 50 * 10 * MUSD_PER_USD_PER_H
"""A year of a block of 50 MW on a campus with its energy at 10 $/MWh, 9.38 M$."""

STUDY = """\
[grid]
source = "grid"
[rules]
sources = []
[sites]
table = "sites.csv"
[upgrades]
enabled = false
[solve]
gap = 0.0
[demand]
it_mw = { 2030 = 350 }
"""


def lease(price: float, most: int = 4, earliest: str = "") -> str:
    """A leased hall in county L: blocks of 50 MW at a price a year, power and all."""
    return f"rent,lease,,50,{most},{price},L,US-TX,{earliest}\n"


def cloud(price: float) -> str:
    """Cloud capacity, in no county."""
    return f"sky,cloud,,50,4,{price},,US-OR,\n"


def read(folder: Path, rented: str = "", more: str = "", text: str = STUDY, head: str = HEAD, **tables: str) -> Study:
    """The study with what is rented, more of the study file, and other tables of the grid."""
    named = {f"grid/{name}": table for name, table in tables.items()}
    return study_of(folder, text + more, {**GRID, "sites": CAMPUSES + rented, **named}, head)
