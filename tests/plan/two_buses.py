"""A study in files, done by hand: a generator at a, two equal lines to b, 50 MW of load and one site at b.

One period of one year of 8,760 h, discount rate 0. The site takes 1 block of 50 MW at 4 M$ a year and has a free tie.
With it the generator gives 100 MW at 20 $/MWh, 50 MW on each line (200 MW; 240 MW after an outage), 100 MW on one when
the other is out. Cost 100 x 20 x 8760 / 1e6 + 4 = 21.52 M$; without new load 8.76 M$; common cost 4 M$.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.plan.plan import Plan
from optimizer.plan.tables import PLAN_TABLES
from optimizer.study.study import Study

FILES = {
    "study.toml": """\
[study]
name = "Two buses"
periods = [2030]

[grid]
source = "grid"

[demand]
it_mw = { 2030 = 50.0 }

[sites]
table = "sites.csv"

[economics]
discount_rate = 0.0
last_period_years = 1.0
""",
    "sites.csv": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block,county\ns,b,50,1,4,Alpha\n",
    "grid/buses.csv": "bus,base_kv,load_mw,lat,lon\na,138,0,30,-98\nb,138,50,30,-97\n",
    "grid/branches.csv": "branch,from_bus,to_bus,x_pu,rating_mw,length_km\nl1,a,b,0.1,200,96\nl2,a,b,0.1,200,96\n",
    "grid/generators.csv": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,500,20\n",
}


def write_study(folder: Path) -> Path:
    """Write the study's files; return the study file."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "study.toml"


def plan_of(study: Study) -> Plan:
    """The only plan of the study."""
    t, h = 2030, "year"
    tie = study.candidates.ties.index[0]
    candidate = pd.DataFrame(study.candidates.sites).rename_axis("site").reset_index()
    cooling = "unspecified"
    tables = {
        "sites": [
            ("s", t, 1, 50, 50, 50, cooling, "b", 30, -97, "Alpha", 4, 1, 1, 0, "", None, 0),
        ],
        "ties": [("s", "b", *_tie(study, tie)[:4], tie, 138, t, 0)],
        "upgrades": [],
        "cooling": [("s", cooling, t, 50, 50, 50, 0, 0)],
        "dispatch": [("g", t, h, 100)],
        "baseline_dispatch": [("g", t, h, 50)],
        "baseline_upgrades": [],
        "flows": [("l1", t, h, 50, 200, 0.25), ("l2", t, h, 50, 200, 0.25)],
        "contingencies": [("l1", "l2", t, h, 100, 240, 100 / 240), ("l2", "l1", t, h, 100, 240, 100 / 240)],
        "water": [],
        "water_sources": [],
        "costs": [("generation", t, 17.52), ("sites", t, 4)],
        "demand": [(t, 50, 50, 0)],
        "binding": [],
        "energy_prices": [(t, h, 20)],
        "base_overloads": [],
    }
    made = {name: pd.DataFrame(rows, columns=PLAN_TABLES[name].names) for name, rows in tables.items()}
    made["candidates"] = candidate[PLAN_TABLES["candidates"].names]
    made["refused"] = pd.DataFrame(study.candidates.refused)[PLAN_TABLES["refused"].names]
    return Plan(_summary(study), made, study.findings, study.config, study, ("one round",))


def _tie(study: Study, tie: str) -> tuple[Any, ...]:
    row = study.candidates.ties.loc[tie]
    return row["circuits"], row["length_km"], row["capacity_mw"], row["cost_musd"]


def _summary(study: Study) -> dict[str, Any]:
    return {
        "name": "Two buses",
        "status": "optimal",
        "objective": "cost",
        "objective_value": 21.52,
        "bound_value": 21.52,
        "unit": "M$",
        "objectives": {"cost_musd": 21.52, "carbon_t": 0.0, "water_m3": 0.0, "delay_mw_years": 0.0},
        "objective_musd": 21.52,
        "bound_musd": 21.52,
        "gap": 0.0,
        "gap_musd": 0.0,
        "baseline_musd": 8.76,
        "common_musd": 4.0,
        "it_mw": {"2030": 50.0},
        "n_sites": 1,
        "n_contingencies_checked": 2,
        "n_monitored_limits": 2,
        "n_violations": 0,
        "costs_musd": {"generation": 17.52, "sites": 4.0},
        "binding": [],
        "seconds": {"total": 1.0},
        "solver_seconds": 0.5,
        "peak_memory_mb": 100.0,
        "versions": {"gridsite": "0.1.0"},
        "options": study.config.solve.model_dump(mode="json"),
        "seed": 0,
        "data_notice": "",
    }
