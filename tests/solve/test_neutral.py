"""A part that is on and asks for nothing costs what the study costs without it, and builds the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from optimizer.solve.loop import Limits, find_plan
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study import read_study
from optimizer.study.case import PortfolioLimits
from tests.formulation.tiny import tiny_case
from tests.solve import workload_cases
from tests.solve.optima import least_musd
from tests.solve.small import TWO_PERIODS, study_of
from tests.solve.test_supply import ENGINE, engine
from tests.solve.test_supply import GRID as SUPPLIED
from tests.solve.test_supply import HEAD as ONE_PERIOD
from tests.solve.test_supply import STUDY as SUPPLIED_STUDY

ALONE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 50, 2032 = 150 }\n'
EMBODIED = "[facility]\nbuilding_t_per_mw = 8\nit_t_per_mw = 2\nrefresh_years = 5\n"
SITES = "site,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block\na,50,2,3,10\nb,50,2,1,11\n"
LARGE = 1e7
"""More than anything that these studies can have, in any unit."""


@dataclass(frozen=True)
class Neutral:
    """Keys that switch a part on and ask for nothing."""

    keys: Mapping[str, Any]
    text: str = ALONE + EMBODIED
    tables: Mapping[str, str] = field(default_factory=lambda: {"sites": SITES})
    head: str = TWO_PERIODS


def supplied(keys: Mapping[str, Any]) -> Neutral:
    """On the network of two buses, with an engine that pays."""
    tables = {**SUPPLIED, "supply": engine(0.1)}
    return Neutral(keys, SUPPLIED_STUDY + ENGINE, tables, ONE_PERIOD)


NEUTRAL = {
    "yearly pace": Neutral({"limits.new_it_mw_per_year": LARGE}),
    "site ramp": Neutral({"limits.site_ramp_mw_per_year": LARGE}),
    "embodied cap": Neutral({"limits.embodied_t": {2030: LARGE, 2032: LARGE}}),
    "largest loss": Neutral({"limits.largest_loss_mw": {"site": LARGE}}),
    "adequacy": supplied({"adequacy.reserve_margin": 0.0, "adequacy.import_mw": {"y": LARGE}}),
    "carbon-free share": supplied({"limits.carbon_free_share": {2030: 0.0}}),
    "carbon-free every hour": supplied({"limits.carbon_free_share_every_snapshot": {2030: 0.0}}),
    "free gas line": supplied({"supply.gas_line_musd_per_km": 0.0}),
}


@pytest.mark.every(4)
@pytest.mark.parametrize("neutral", NEUTRAL.values(), ids=NEUTRAL)
def test_a_key_that_asks_for_nothing(tmp_path: Path, neutral: Neutral) -> None:
    tables = dict(neutral.tables)
    if "grid/buses" in tables:
        tables["grid/buses"] = "bus,base_kv,load_mw,zone\na,138,0,x\nb,138,0,y\n"
    study = study_of(tmp_path, neutral.text, tables, neutral.head)
    assert least_musd(study.override(neutral.keys)) == pytest.approx(least_musd(study), rel=1e-9)


def with_column(name: str, value: str) -> dict[str, str]:
    """The network's tables with one more column of the site."""
    sites = SUPPLIED["sites"].replace("_per_mwh\n", f"_per_mwh,{name}\n").replace(",0.4\n", f",0.4,{value}\n")
    return {**SUPPLIED, "supply": engine(0.1), "sites": sites}


def test_a_gas_line_of_no_length(tmp_path: Path) -> None:
    """The line that a table gives no length, at a price that nothing else could pay."""
    text = SUPPLIED_STUDY + ENGINE + f"gas_line_musd_per_km = {LARGE}\n"
    none = study_of(tmp_path / "none", text, with_column("gas_line_km", "0"), ONE_PERIOD)
    plain = study_of(tmp_path / "plain", SUPPLIED_STUDY + ENGINE, {**SUPPLIED, "supply": engine(0.1)}, ONE_PERIOD)
    long = study_of(tmp_path / "long", text, with_column("gas_line_km", "9"), ONE_PERIOD)
    assert least_musd(none) == pytest.approx(least_musd(plain), rel=1e-9)
    assert least_musd(long) > least_musd(plain) + 1, "the engine pays only without a line"


def test_a_generator_beside_that_gives_nothing(tmp_path: Path) -> None:
    """A unit of 0 MW at the campus's bus, behind its meter or not."""
    units = SUPPLIED["grid/generators"] + "idle,b,0,1\n"
    own = "[supply]\ntechnologies = []\n"
    beside = {**with_column("colocated_generator", "idle"), "grid/generators": units}
    apart = {**SUPPLIED, "grid/generators": units}
    costs = [
        least_musd(study_of(tmp_path / "beside", SUPPLIED_STUDY + own, beside, ONE_PERIOD)),
        least_musd(study_of(tmp_path / "apart", SUPPLIED_STUDY, apart, ONE_PERIOD)),
    ]
    assert costs[0] == pytest.approx(costs[1], rel=1e-9)


def test_orbit_that_nobody_can_pay(tmp_path: Path) -> None:
    sites = workload_cases.SITES.replace("site,", "site,kind,").replace("near,", "near,campus,")
    sites = sites.replace("far,", "far,campus,")
    orbit = "[orbit]\nlaunch_usd_per_kg = 1e7\nfirst_year = 2030\nbreak_even = false\n"
    without = workload_cases.write_study(tmp_path / "without", sites=sites, pairs=workload_cases.PAIRS)
    beside = workload_cases.write_study(
        tmp_path / "beside",
        study=workload_cases.STUDY + orbit,
        sites=sites + "shell,orbital,1,50,0,0\n",
        pairs=workload_cases.PAIRS,
    )
    assert least_musd(read_study(beside)) == pytest.approx(least_musd(read_study(without)), rel=1e-9)


@pytest.mark.every(2)
@pytest.mark.parametrize(("most", "same"), [(LARGE, True), (1.0, False)])
def test_water_of_a_basin(most: float, same: bool) -> None:
    """A limit on the withdrawal in a region that has more than enough of it, and one that leaves a cubic metre a day.

    Every technology is made to take water, so that the second leaves nothing to build there.
    """
    case = tiny_case()
    wet = case.cooling.assign(wue_m3_per_mwh=0.1)
    case = replace(case, cooling=wet, limits=PortfolioLimits(), shortfall_penalty_musd_per_mw_year=100.0)
    limited = replace(case, portfolio=replace(case.portfolio, water_m3_day_per_basin={"creek": most}))
    costs = [
        find_plan(SecureProgram(one, 1, 0, Clock(), lambda line: None), Limits(0.0, 50), abs).objective
        for one in (case, limited)
    ]
    assert (costs[1] == pytest.approx(costs[0], rel=1e-7)) is same
