"""What zones lack of accredited capacity, found before solving: two zones on two buses, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.study import Study
from optimizer.study.precheck import precheck
from optimizer.study.precheck_adequacy import room_mw
from tests.solve.small import TWO_PERIODS, study_of

TABLES = {
    "grid/buses": "bus,base_kv,load_mw,zone\na,138,100,north\nb,138,50,south\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nl1,a,b,0.1,500\nl2,a,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,accredited_share\nga,a,300,50,0.5\ngb,b,100,50,1\n",
    "sites": "site,bus,block_mw,max_blocks\nsa,a,5,10\nsb,b,5,10\n",
}
"""Accredited are 150 MW north and 100 south: over 1.25, less loads of 100 and 50, room for 20 and 30 MW."""

TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 10, 2032 = 50 }
[security]
contingencies = []
[adequacy]
reserve_margin = 0.25
"""

OWN = """\
[supply]
technologies = ["engine", "battery"]
table = "supply.csv"
[[supply.order]]
snapshots = ["all"]
hours = [24]
"""


def study(folder: Path, more: str = "", **edits: tuple[str, str]) -> Study:
    """The study, with one text of a table replaced by another."""
    tables = dict(TABLES)
    for name, (old, new) in edits.items():
        key = name if name in tables else f"grid/{name}"
        assert old in tables[key]
        tables[key] = tables[key].replace(old, new)
    return study_of(folder, TEXT + more, tables, TWO_PERIODS)


def found(of: Study) -> dict[str, tuple[float | None, float | None]]:
    return {f"{f.rule} {f.where}": (f.value, f.limit) for f in precheck(of.case)}


def test_room_of_each_zone(tmp_path: Path) -> None:
    made = room_mw(study(tmp_path).case)
    assert made.loc["north"].tolist() == pytest.approx([20, 20])
    assert made.loc["south"].tolist() == pytest.approx([30, 30])


def test_a_target_above_the_room_of_all_zones_is_named_by_zone(tmp_path: Path) -> None:
    """50 MW fit to the last; of 60 MW 10 lack, and 12.5 MW more of imports into the north are 10 MW of load."""
    assert found(study(tmp_path / "fits")) == {}
    short = study(tmp_path / "short").override({"demand.it_mw": {2030: 10.0, 2032: 60.0}})
    (finding,) = precheck(short.case)
    assert (finding.rule, finding.where) == ("study.adequacy.target_short", "period 2032")
    assert (finding.value, finding.limit) == pytest.approx((50, 60))
    assert "zone north 20.0 MW, zone south 30.0 MW" in finding.message
    assert found(short.override({"adequacy.import_mw": {"north": 12.4}})) != {}
    assert found(short.override({"adequacy.import_mw": {"north": 12.5}})) == {}


def test_room_where_no_site_is_does_not_help(tmp_path: Path) -> None:
    """The south has room for 30 MW and sites for 25."""
    small = study(tmp_path, sites=("sb,b,5,10", "sb,b,5,5"))
    assert found(small) == {"study.adequacy.target_short period 2032": pytest.approx((45, 50))}


def test_blocks_that_do_not_fit_into_the_room(tmp_path: Path) -> None:
    """Of blocks of 15 MW one fits the north and two the south: 45 MW of 50."""
    large = study(tmp_path, sites=("sa,a,5,10\nsb,b,5,10", "sa,a,15,10\nsb,b,15,10"))
    assert set(found(large)) == {"study.demand.no_choice_of_sites study"}


def test_a_zone_short_of_capacity_for_its_own_load(tmp_path: Path) -> None:
    """60 MW in the south, and 1.25 x 50 are asked for, in both periods; nothing that is built elsewhere helps."""
    rules = found(study(tmp_path, generators=("gb,b,100,50,1", "gb,b,100,50,0.6")))
    for t in (2030, 2032):
        assert rules[f"study.adequacy.zone_short period {t}"] == pytest.approx((60, 62.5))


def test_where_load_may_be_curtailed_nothing_is_said(tmp_path: Path) -> None:
    more = "[service]\ncurtailable_share = 0.5\ncurtailment_usd_per_mwh = 100\n"
    assert found(study(tmp_path, more).override({"demand.it_mw": {2030: 10.0, 2032: 60.0}})) == {}


def test_own_supply_adds_what_it_may_at_most(tmp_path: Path) -> None:
    """At each site 16 MW of engines at a half, from 2032 on, and 10 MW of batteries that hold two hours of the four.

    8 and 0.8 x 5 MW, over 1.25, are 9.6 MW of load; batteries alone 3.2.
    """
    table = "technology,cost_musd_per_mw,storage_efficiency,max_storage_hours,lead_months,max_mw,accredited_share\n"
    table += "engine,1,0,8,0,16,0.5\nbattery,1,0.9,2,0,10,0.8\n"
    (tmp_path / "supply.csv").write_text(table.replace(",8,0,16", ",8,72,16"), encoding="utf-8")
    snapshot = '[[grid.snapshot]]\nname = "all"\nhours = 8760\n'
    text = TEXT.replace('source = "grid"\n', f'source = "grid"\n{snapshot}') + OWN
    made = room_mw(
        study_of(tmp_path, text, TABLES, TWO_PERIODS.replace("[study]", "[study]\ndecision_year = 2026")).case
    )
    assert made.loc["north"].tolist() == pytest.approx([23.2, 29.6])
    assert made.loc["south"].tolist() == pytest.approx([33.2, 39.6])
