"""What generators are asked to give after outages, beside what they can: small systems worked out on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import Finding
from optimizer.plan.plan import Plan
from tests.solve.small import TWO_PERIODS, checked_plan, study_of

HEAD = '[grid]\nsource = "grid"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 50 }\n'

TABLES = {
    "grid/buses": "bus,base_kv,load_mw\na,138,230\nb,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab1,a,b,0.1,900\nab2,a,b,0.1,900\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,100,10\ngb,b,300,20\ngc,b,80,5\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsa,a,50,1,1\n",
}
"""280 MW with a campus: gc gives all of its 80, ga all of its 100, gb the last 100."""

FURTHER = TABLES["grid/generators"] + "gd,a,300,30\n"
"""Another unit of 300 MW, dearer than all others, which gives nothing."""

EXPORT = {
    **TABLES,
    "grid/buses": "bus,base_kv,load_mw\na,138,450\nb,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\nab,a,b,0.1,100,100\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,{most},10\ngb,b,250,0\n",
}
"""500 MW at a with a campus, 100 of them over one line from b: without it 100 MW are left to ga, which gives 400."""


def said(plan: Plan) -> Finding | None:
    found = [f for f in plan.findings if f.rule == "plan.generators_after_outages"]
    assert len(found) <= 1
    return found[0] if found else None


def planned(folder: Path, kind: str, tables: dict[str, str]) -> Plan:
    return checked_plan(study_of(folder, f'{HEAD}[security]\ncontingencies = ["{kind}"]\n', tables))


def test_too_little_room_without_the_largest_unit(tmp_path: Path) -> None:
    """Without gb, 100 MW are left to gc and ga, which give all they can: nobody has room for them."""
    found = said(planned(tmp_path, "generator", TABLES))
    assert found is not None
    assert (found.severity, found.where, found.value) == (
        "warning",
        "outage generator gb",
        pytest.approx(100, abs=1e-3),
    )
    assert "3 outages" in found.message


def test_others_have_room(tmp_path: Path) -> None:
    """Without gb its 100 MW are shared as 80 : 100 : 300: gc and ga are asked 100 x 180 / 480 = 37.5 MW beyond what
    they can, and gd has room for them. Without gc it is 80 x 100 / 700, without ga 100 x 80 / 680 MW.
    """
    found = said(planned(tmp_path, "generator", {**TABLES, "grid/generators": FURTHER}))
    assert found is not None
    assert (found.severity, found.where) == ("info", "outage generator gb")
    assert found.value == pytest.approx(37.5, abs=1e-3)
    assert "3 outages" in found.message


def test_the_worst_of_several_periods(tmp_path: Path) -> None:
    """The same load in both periods but for the campus, which comes in the second: gb gives 50 MW, then 100."""
    text = HEAD.replace("2030 = 50", "2030 = 0, 2032 = 50") + '[security]\ncontingencies = ["generator"]\n'
    found = said(checked_plan(study_of(tmp_path, text, TABLES, TWO_PERIODS)))
    assert found is not None
    assert found.value == pytest.approx(100, abs=1e-3)
    assert "period 2032" in found.message


@pytest.mark.parametrize(("most_mw", "short_mw"), [(500, None), (450, 50)])
def test_an_import_is_lost_with_its_line(tmp_path: Path, most_mw: int, short_mw: float | None) -> None:
    generators = EXPORT["grid/generators"].format(most=most_mw)
    found = said(planned(tmp_path, "branch", {**EXPORT, "grid/generators": generators}))
    assert (found is None) == (short_mw is None)
    if found is not None:
        assert (found.severity, found.where) == ("warning", "outage ab")
        assert found.value == pytest.approx(short_mw, abs=1e-3)


def test_the_part_with_most_load_stays(tmp_path: Path) -> None:
    """Load at b: ga sends 100 MW there over the line, and gb gives 200. Without the line gb is left with 300 MW."""
    tables = {**EXPORT, "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,250\n"}
    tables["sites"] = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,50,1,1\n"
    for most_mw, short_mw in ((300, None), (280, 20.0)):
        folder = tmp_path / str(most_mw)
        folder.mkdir()
        generators = f"generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,400,10\ngb,b,{most_mw},20\n"
        found = said(planned(folder, "branch", {**tables, "grid/generators": generators}))
        assert (None if found is None else found.value) == (None if short_mw is None else pytest.approx(20.0, abs=1e-3))


def test_less_than_they_must_give(tmp_path: Path) -> None:
    """90 MW with a campus of 50: gb gives its least, 30, and ga 60. Without the campus each is asked for 25 less, which
    gb cannot do; ga has room for all 50.
    """
    tables = {
        **TABLES,
        "grid/buses": "bus,base_kv,load_mw\na,138,40\nb,138,0\n",
        "grid/generators": "generator,bus,p_max_mw,p_min_mw,cost_usd_per_mwh\nga,a,100,0,10\ngb,b,100,30,20\n",
    }
    found = said(planned(tmp_path, "campus", tables))
    assert found is not None
    assert (found.severity, found.where) == ("info", "outage campus sa")
    assert found.value == pytest.approx(25, abs=1e-3)
