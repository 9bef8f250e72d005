"""A limit that is looser never makes the best plan dearer, and somewhere on the way it makes it cheaper."""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.solve.optima import least_musd
from tests.solve.small import HEAD, TWO_PERIODS, study_of
from tests.solve.test_supply import GRID as SUPPLIED
from tests.solve.test_supply import STUDY as SUPPLIED_STUDY

ALONE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 0, 2032 = 100 }\n'
DECIDED = TWO_PERIODS.replace("periods = [2030, 2032]", "periods = [2030, 2032]\ndecision_year = 2030")
SITES = {
    "sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block,cost_musd_per_block\na,10,10,1,0\nb,10,10,2,0\n"
}
"""Two sites of 100 MW, the second at twice the price; 100 MW are asked for in 2032 and 2033."""

PROGRAMME = '[[demand.efficiency]]\nname = "x"\ncost_musd_per_unit = 0.08\nmax_units = 100\n'

OWN = """\
[supply]
technologies = ["solar", "engine"]
[[supply.technology]]
name = "solar"
cost_musd_per_mw = 2.0
lead_months = 0
availability = 0.9
life_years = 1
carbon_free_share = 1.0
accredited_share = 0.0
[[supply.technology]]
name = "engine"
cost_musd_per_mw = 0.05
lead_months = 0
life_years = 1
fixed_om_musd_per_mw_year = 0
variable_om_usd_per_mwh = 20
heat_rate_mmbtu_per_mwh = 0
availability = 1.0
accredited_share = 1.0
unit_mw = 0
permit_hours = 0
"""
"""Solar that never pays by itself, and an engine at 20 $/MWh, for a grid at 50: it pays from 1,700 hours a year on."""

ZONES = {**SUPPLIED, "grid/buses": "bus,base_kv,load_mw,zone\na,138,0,x\nb,138,0,y\n"}
ADEQUACY = "[adequacy]\nreserve_margin = 0.1\nimport_mw = { y = 60 }\n"


@dataclass(frozen=True)
class Way:
    """Values of a key, from tight to loose, in a study."""

    key: str
    values: tuple[Any, ...]
    text: str = ALONE
    tables: dict[str, str] = field(default_factory=lambda: SITES)
    head: str = DECIDED


def engine(hours: float) -> list[dict[str, Any]]:
    """The table of technologies with other permit hours."""
    given = tomllib.loads(OWN)["supply"]["technology"]
    return [one | ({"permit_hours": hours} if one["name"] == "engine" else {}) for one in given]


def supplied(more: str = "") -> dict[str, Any]:
    return {"text": SUPPLIED_STUDY + OWN + more, "tables": ZONES, "head": HEAD}


WAYS = {
    # What is due later is paid for later.
    "deadline": Way("demand.it_mw", ({2030: 100.0, 2032: 100.0}, {2030: 50.0, 2032: 100.0}, {2030: 0.0, 2032: 100.0})),
    # 20 MW a year are 60 by 2032; with 40, 20 must stand in 2030 already; with 50 none.
    "yearly pace": Way("limits.new_it_mw_per_year", (20.0, 40.0, 50.0)),
    # 15 MW a year are a block in 2030 and three more by 2032 at each site, 80 MW together; 50 are all at the cheap one.
    "site ramp": Way("limits.site_ramp_mw_per_year", (15.0, 20.0, 30.0, 50.0)),
    # 20 items in 2030 and 60 until 2032, which cannot be kept: at 0.75 and 0.7 a MW they are 80 MW in blocks of 10.
    "per_mw": Way(
        "limits.delivery",
        tuple([{"item": "c", "per_mw": n, "per_year": {2030: 20.0, 2031: 30.0}}] for n in (0.75, 0.7, 0.5)),
    ),
    # Ten sites' blocks cost 10 M$ a year, a programme that avoids all of it 8 M$ once, in both years of the period.
    "budget": Way("limits.budget_musd", ({2032: 0.0}, {2032: 4.0}, {2032: 8.0}), text=ALONE + PROGRAMME),
    "carbon-free share": Way("limits.carbon_free_share", ({2030: 0.8}, {2030: 0.4}, {2030: 0.0}), **supplied()),
    "carbon-free every hour": Way(
        "limits.carbon_free_share_every_snapshot", ({2030: 0.95}, {2030: 0.5}, {2030: 0.0}), **supplied()
    ),
    # 60 MW of imports for 100 MW of campus and a tenth more: the engine stands in for 50.
    "reserve": Way("adequacy.reserve_margin", (0.4, 0.1, 0.0), **supplied(ADEQUACY)),
    "imports": Way("adequacy.import_mw", ({"y": 0.0}, {"y": 60.0}, {"y": 110.0}), **supplied(ADEQUACY)),
    "permit hours": Way("supply.technology", (engine(100), engine(4000), engine(8760)), **supplied()),
}


@pytest.mark.every(5)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_more_room_never_costs_more(tmp_path: Path, way: Way) -> None:
    study = study_of(tmp_path, way.text, way.tables, way.head)
    costs = [least_musd(study.override({way.key: value})) for value in way.values]
    assert np.isfinite(costs[-1])
    for tight, loose in itertools.pairwise(costs):
        assert loose <= tight * (1 + 1e-7) + 1e-7
    assert costs[-1] < costs[0] - 1e-3, costs
