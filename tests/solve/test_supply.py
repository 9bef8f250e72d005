"""Supply on site on networks of two buses, whose best plan is worked out on paper, from file to independent check."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import Plan
from tests.solve.small import HEAD, checked_plan, study_of

YEAR_H = 8760

GRID = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,500\nl2,a,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,400,50\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,emission_t_per_mwh\ns,b,100,1,1,0.4\n",
}
"""400 MW at 50 $/MWh at a, two lines to b, and there a campus of 100 MW at 1 M$ a year; grid power emits 0.4 t/MWh."""

STUDY = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 100 }
[facility]
utilization = 1.0
[security]
contingencies = []
[solve]
gap = 0.0
"""

ENGINE = """\
[supply]
technologies = ["engine"]
table = "supply.csv"
"""

SUPPLY = "technology,cost_musd_per_mw,fixed_om_musd_per_mw_year,variable_om_usd_per_mwh,heat_rate_mmbtu_per_mwh,"
SUPPLY += "fuel_usd_per_mmbtu,emission_t_per_mwh,lead_months,life_years,availability,needs_gas_line,water_m3_per_mwh\n"


def engine(cost_musd_per_mw: float, lead_months: int = 12) -> str:
    """An engine that runs at 30 $/MWh, 8 of them for operation, and is there for all hours."""
    return SUPPLY + f"engine,{cost_musd_per_mw},0,8,5.5,4,0.5,{lead_months},1,1,1,0\n"


def solved(folder: Path, extra: str = ENGINE, head: str = HEAD, text: str = STUDY, **tables: str) -> Plan:
    """The plan of the study with some tables changed, every number of it recomputed."""
    named = {("grid/" + name if name in ("generators", "buses") else name): table for name, table in tables.items()}
    return checked_plan(study_of(folder, text + extra, {**GRID, **named}, head), written=True)


def capacity(plan: Plan) -> dict[str, float]:
    """Capacity by technology in the last period [MW]."""
    rows = plan.table("supply")
    return dict(rows.groupby("technology")["capacity_mw"].last())


@pytest.mark.parametrize(("cost", "built"), [(0.17, 100.0), (0.18, 0.0)])
def test_an_engine_is_built_exactly_when_it_is_cheaper(tmp_path: Path, cost: float, built: float) -> None:
    """A MWh saves 50 - 30 = 20 $, over 8,760 h 0.1752 M$ a MW; whole capital is paid in the one year."""
    plan = solved(tmp_path, supply=engine(cost))
    assert capacity(plan) == ({"engine": built} if built else {})
    running = 100 * YEAR_H * (30 if built else 50) / 1e6
    assert plan.summary["objective_musd"] == pytest.approx(1 + running + built * cost, rel=1e-6)
    assert plan.table("dispatch")["output_mw"].tolist() == pytest.approx([100 - built], abs=1e-4)
    # Grid power emits 0.4 t/MWh, the engine 0.5.
    emitted = YEAR_H * (0.5 * built + 0.4 * (100 - built))
    assert plan.summary["objectives"]["carbon_t"] == pytest.approx(emitted, rel=1e-6)
