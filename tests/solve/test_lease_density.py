"""A leased hall that cools racks up to a density: denser ones do not go there, given with the study or chosen as work.

A block of 50 MW on a campus costs 9.38 M$ a year with its energy, the racks of the catalogues below included where
demand is work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.errors import InputError
from optimizer.plan.checks_halls import check_place
from optimizer.plan.checks_work import check_racks
from optimizer.plan.plan import Plan
from optimizer.plan.verify_context import Context
from optimizer.study import Study
from tests.solve.rented_cases import CAMPUS_MUSD, GRID, STUDY
from tests.solve.small import HEAD, blocks, checked_plan, study_of

COLUMNS = "site,kind,bus,block_mw,max_blocks,cost_musd_per_year_per_block,max_rack_density_kw\n"
CAMPUSES = COLUMNS + "sb,campus,b,50,6,5,\nsc,campus,c,50,6,5,\n"
LEASE = "rent,lease,,50,4,{},{}\n"
DENSE = STUDY.replace("350", "300").replace("[demand]", "[facility]\nrack_density_kw = 60\n[demand]")
YEAR_OF_A_MW = 8760 * 1000
RACKS = "rack,kw,first_year,cost_musd_per_mw,work_per_kwh\n"
BOTH = RACKS + "air,20,2020,0,1\nliquid,100,2020,0,2\n"
WORK = STUDY.replace("it_mw = { 2030 = 350 }", f'work = {{ 2030 = {200 * YEAR_OF_A_MW} }}\nracks = "racks.csv"\n')


def read(folder: Path, text: str, sites: str, racks: str = BOTH) -> Study:
    return study_of(folder, text, {**GRID, "sites": sites, "racks": racks}, HEAD)


@pytest.mark.every(2)
@pytest.mark.parametrize(("most_kw", "leased"), [("", 4), ("60", 4), ("59", 0)])
def test_a_lease_takes_no_racks_denser_than_it_cools(tmp_path: Path, most_kw: str, leased: int) -> None:
    """Leased blocks at 9 M$ are cheaper than those of campuses; 300 MW are six, and the lease has four."""
    study = read(tmp_path, DENSE, CAMPUSES + LEASE.format(9, most_kw))
    plan = checked_plan(study)
    assert blocks(plan).get(("rent", 2030), 0) == leased
    assert plan.summary["objective_musd"] == pytest.approx(leased * 9 + (6 - leased) * CAMPUS_MUSD)
    refused = study.candidates.refused[["place", "rule", "value", "limit"]].to_numpy().tolist()
    assert refused == ([] if leased else [["rent", "rack_density", 60, 59]])


def test_a_hall_s_own_racks_are_held_against_what_it_takes(tmp_path: Path) -> None:
    sites = "site,kind,bus,block_mw,max_blocks,cost_musd_per_year_per_block,rack_density_kw,max_rack_density_kw\n"
    sites += "sb,campus,b,50,6,5,,\nsc,campus,c,50,6,5,,\nthin,lease,,50,4,9,30,40\nthick,lease,,50,4,9,60,40\n"
    study = study_of(tmp_path, STUDY, {**GRID, "sites": sites})
    assert study.candidates.refused["place"].tolist() == ["thick"]
    # Only sb and sc have racks whose power nothing says; nothing is held against them.
    assert not [f for f in study.findings if f.rule == "study.site.density_idle"]


def test_chosen_racks_stand_where_they_are_taken(tmp_path: Path) -> None:
    """Work of 100 MW of liquid-cooled racks, or 200 of the others: two blocks on campuses, or four in the lease.

    At 3 M$ a leased block, four are 12 M$ and two on a campus 18.77; with the dense racks two leased would do at 6.
    """
    for most_kw, price, built, cost in (
        ("100", 3, {("rent", 2030): 2}, 6),
        ("50", 3, {("rent", 2030): 4}, 12),
        ("50", 5, {("sb", 2030): 2}, 2 * CAMPUS_MUSD),
    ):
        plan = checked_plan(read(tmp_path / f"{most_kw}-{price}", WORK, CAMPUSES + LEASE.format(price, most_kw)))
        racks = plan.table("racks").groupby("rack")["it_mw"].sum().to_dict()
        assert blocks(plan) == built
        assert plan.summary["objective_musd"] == pytest.approx(cost)
        assert racks == {"air": 200} if cost == 12 else {"liquid": 100}


def test_racks_that_no_site_takes_are_told_before_a_solve(tmp_path: Path) -> None:
    """Where only leases are offered the densest says which racks are on sale, and the target is stated in them."""
    leases = COLUMNS + "rent,lease,,50,4,3,50\nold,lease,,50,4,3,15\n"
    study = read(tmp_path / "one", WORK, leases)
    (told,) = [f for f in study.findings if f.rule == "study.work.too_dense"]
    assert (told.severity, told.found) == ("warning", "liquid (100 kW)")
    assert "denser than the 50 kW that any site on offer takes" in told.message
    plan = checked_plan(study)
    assert plan.table("demand")["target_mw"].tolist() == pytest.approx([200])
    with pytest.raises(InputError, match="every rack is denser than the 15 kW that any site on offer takes"):
        read(tmp_path / "none", WORK, leases.replace("3,50", "3,15"))


def test_a_density_that_no_offered_site_allows_is_told_before_a_solve(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a density that no offered site takes; the densest takes 40 kW") as refused:
        read(tmp_path, DENSE, COLUMNS + "rent,lease,,50,8,3,40\nold,lease,,50,8,3,30\n")
    assert [f.found for f in refused.value.findings] == ["old (60 kW), rent (60 kW)"]


def test_a_limit_on_racks_whose_power_is_not_known_is_said_to_change_nothing(tmp_path: Path) -> None:
    study = read(tmp_path, STUDY, CAMPUSES + LEASE.format(9, 40))
    (told,) = [f for f in study.findings if f.rule == "study.site.density_idle"]
    assert (told.where, told.found, told.severity) == ("sites, max_rack_density_kw", "rent", "warning")


@pytest.mark.parametrize("most_kw", ["0", "-3", "dense"])
def test_no_density(tmp_path: Path, most_kw: str) -> None:
    with pytest.raises(InputError, match="max_rack_density_kw"):
        read(tmp_path, STUDY, CAMPUSES + LEASE.format(9, most_kw))


def _broken(plan: Plan, study: Study, check: Callable[[Context], list]) -> list[tuple[str, float | None]]:
    """What a check says once the lease takes no more than 40 kW."""
    assert study.own is not None
    sites = study.own.sites
    thinner = replace(study, own=replace(study.own, sites=sites.assign(max_rack_density_kw=40.0)))
    context = Context(study.folder, "", plan.summary, dict(plan.tables), thinner, study.case)
    return [(f.rule, f.limit) for f in check(context) if "density" in f.rule]


def test_verify_finds_racks_that_a_place_does_not_take(tmp_path: Path) -> None:
    study = read(tmp_path / "mw", DENSE, CAMPUSES + LEASE.format(9, 60))
    plan = checked_plan(study)
    assert _broken(plan, study, check_place) == [("plan.site.density", 40)] * len(plan.table("sites"))
    study = read(tmp_path / "work", WORK, CAMPUSES + LEASE.format(3, 100))
    plan = checked_plan(study)
    racks: pd.DataFrame = plan.table("racks")
    assert _broken(plan, study, check_racks) == [("plan.work.density", 40)] * int((racks["rack"] == "liquid").sum())
