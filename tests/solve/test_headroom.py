"""Headroom on networks of three to five buses, worked out on paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import InputError
from optimizer.solve.headroom.buses import COLUMNS, HeadroomSettings, find_headroom, worst_excess_mw
from optimizer.solve.headroom.case import headroom_case, headroom_study
from optimizer.solve.headroom.redispatch import Sample
from tests.solve.small import study_of

STUDY = '[grid]\nsource = "grid"\n'
NO_OUTAGES = "[security]\ncontingencies = []\n"

TRIANGLE = {
    "grid/buses": "bus,base_kv\na,138\nb,138\nc,138\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,500\nac,a,c,0.1,80\ncb,c,b,0.1,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\ngb,b,200,30\n",
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nup ac,ac,30,9\nup cb,cb,30,1\n",
}
"""Two generators and three equal lines, of which ac is weak. With A at a and B at b for w at c: f_ac = (A + w) / 3."""

STAR = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\nc,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    + "".join(f"{name},a,{name[0]},0.1,100,100\n" for name in ("b1", "b2", "c1", "c2", "c3")),
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,900,10\n",
}
"""A generator at a, two lines of 100 MW to b and three to c."""

SPLIT = {
    "grid/buses": "bus,base_kv,load_mw\na,138,1\nb,138,0\ne,138,0\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "b1,a,b,0.1,100,100\nb2,a,b,0.1,100,100\ne1,e,b,0.1,500,500\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\ng,a,901,10\nge,e,150,20\n",
}
"""As the star, with a generator of 150 MW behind a single line e1 at b; 1 MW at a makes its side the main one."""


def answer(folder: Path, tables: dict[str, str], text: str = STUDY, snapshots=(), **settings) -> pd.DataFrame:
    problem = headroom_case(headroom_study(str(study_of(folder, text, tables).folder)), snapshots)
    return find_headroom(problem, HeadroomSettings(**settings)).table.set_index(["mode", "bus"])


def test_normal_rating_limits(tmp_path: Path) -> None:
    """At c: all of gb (200) and A = w - 200 from ga, so f_ac = (2 w - 200) / 3 <= 80 gives w = 220; with 30 MW more on
    ac 265. Half each: f_ac = w / 2 <= 80 gives 160, and 220 with the upgrade. At a, all of gb makes f_ac 67: 400 MW.
    """
    table = answer(tmp_path, TRIANGLE, STUDY + NO_OUTAGES)
    assert list(table.reset_index().columns.sort_values()) == sorted(COLUMNS)
    for mode, headroom, rise in (("redispatch", 220, 45), ("distributed", 160, 60)):
        row = table.loc[mode, "c"]
        assert row["headroom_mw"] == pytest.approx(headroom, abs=1e-3)
        assert row["headroom_non_firm_mw"] == pytest.approx(headroom, abs=1e-3)
        limit = ("limiting_branch", "limiting_contingency", "snapshot", "limited_by", "relief")
        assert tuple(row[list(limit)]) == ("ac", "", "year", "normal rating", "up ac")
        assert row["relief_mw"] == pytest.approx(rise, abs=1e-3)
        assert row["relief_cost_musd"] == 9
        assert row["relief_musd_per_mw"] == pytest.approx(9 / rise, abs=1e-5)
    assert table.loc[("redispatch", "a"), "headroom_mw"] == pytest.approx(400, abs=1e-3)


@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_generation_limits(tmp_path: Path, mode: str) -> None:
    """With lines of any rating all of both generators reaches a: 400 MW, and no upgrade helps."""
    tables = {**TRIANGLE, "grid/branches": TRIANGLE["grid/branches"].replace(",80", ",0")}
    row = answer(tmp_path, tables, STUDY + NO_OUTAGES).loc[mode, "a"]
    assert row["headroom_mw"] == pytest.approx(400, abs=1e-3)
    assert tuple(row[["limiting_branch", "limited_by", "relief"]]) == ("", "generation", "")


@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_emergency_rating_limits(tmp_path: Path, mode: str) -> None:
    """After one outage b has one line of 100 MW, c two. A quarter dropped: 0.75 w <= 100 gives 133.3 at b; at c the
    lines in service, 3 x 100 = 300, and 0.75 w <= 200 give 266.7.
    """
    table = answer(tmp_path, STAR, non_firm_share=0.25).loc[mode]
    assert table["headroom_mw"].to_dict() == pytest.approx({"a": 900, "b": 100, "c": 200}, abs=1e-3)
    assert table["headroom_non_firm_mw"].to_dict() == pytest.approx({"a": 900, "b": 133.3333, "c": 266.6667}, abs=1e-3)
    assert {table.loc["b", "limiting_branch"], table.loc["b", "limiting_contingency"]} == {"b1", "b2"}
    assert table.loc["b", "limited_by"] == "emergency rating"


@pytest.mark.every(3)
@pytest.mark.parametrize(("share", "non_firm"), [(0.0, 100), (0.5, 200), (1.0, 200)])
def test_non_firm_share(tmp_path: Path, share: float, non_firm: float) -> None:
    """Of b's load all stays, half stays (0.5 w <= 100), or nothing does: the base case carries 2 x 100 at most."""
    table = answer(tmp_path, STAR, non_firm_share=share)
    assert table["headroom_non_firm_mw"].xs("b", level="bus").tolist() == pytest.approx([non_firm] * 2, abs=1e-3)


def test_splitting_outage_limits(tmp_path: Path) -> None:
    """At b with P from ge: b1 out leaves w - P <= 100, e1 out leaves w <= 200. Any P from 100 allows 200, and after e1
    ga takes over all of P. In proportion to 901 and 150 ga gives 901 / 1051 of w: <= 100 gives 116.6 with b1 out.
    """
    table = answer(tmp_path, SPLIT)
    row = table.loc["redispatch", "b"]
    assert row["headroom_mw"] == pytest.approx(200, abs=1e-3)
    assert (row["limiting_contingency"], row["limited_by"]) == ("e1", "emergency rating")
    row = table.loc["distributed", "b"]
    # Before the load ga gives 1 MW at its own bus: nothing flows.
    assert row["headroom_mw"] == pytest.approx(100 * 1051 / 901, abs=1e-3)
    assert row["limiting_contingency"] in ("b1", "b2")


def test_a_bus_that_one_outage_cuts_off_has_no_firm_headroom(tmp_path: Path) -> None:
    """e hangs on e1. Only a load that is dropped whole is not bound: at e then P from ge, 200 MW over b1 and b2.

    All of w = 200 + P dropped, 901 / 1051 of it from ga: b1 out leaves 200 - (200 + P) 901 / 1051 >= -100 on b2, so
    w = 300 x 1051 / 901 = 349.94, with P just below 150.
    """
    for mode, row in answer(tmp_path, SPLIT).xs("e", level="bus").iterrows():
        assert (row["headroom_mw"], row["headroom_non_firm_mw"]) == (0, 0), mode
        assert tuple(row[["limiting_contingency", "limited_by", "relief"]]) == ("e1", "disconnection", "")
    dropped = answer(tmp_path, SPLIT, non_firm_share=1.0, modes=("redispatch",)).loc["redispatch", "e"]
    assert dropped["headroom_mw"] == 0
    assert dropped["headroom_non_firm_mw"] == pytest.approx(300 * 1051 / 901, abs=1e-3)


def test_splitting_outages_left_out(tmp_path: Path) -> None:
    """Without e1 as an outage b1 alone limits b: w - 150 <= 100; e is no longer cut off."""
    text = STUDY + '[security]\nsplitting = "skip"\n'
    table = answer(tmp_path, SPLIT, text, modes=("redispatch",)).loc["redispatch"]
    assert table.loc["b", "headroom_mw"] == pytest.approx(250, abs=1e-3)
    assert table.loc["e", "headroom_mw"] == pytest.approx(250, abs=1e-3)


SNAPSHOTS = {
    **STAR,
    "grid/buses": STAR["grid/buses"].replace("b,138,0", "b,138,40"),
    "grid/snapshots": "snapshot,hours,load_factor\nlight,8000,0.5\npeak,760,1.0\n",
}


@pytest.mark.every(2)
@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_the_least_over_snapshots(tmp_path: Path, mode: str) -> None:
    """40 MW at b in the peak leave 60; 20 MW at the other time leave 80."""
    row = answer(tmp_path, SNAPSHOTS).loc[mode, "b"]
    assert (row["headroom_mw"], row["snapshot"]) == (pytest.approx(60, abs=1e-3), "peak")
    row = answer(tmp_path, SNAPSHOTS, snapshots=("light",)).loc[mode, "b"]
    assert (row["headroom_mw"], row["snapshot"]) == (pytest.approx(80, abs=1e-3), "light")


def test_scheduled_transfers_are_load(tmp_path: Path) -> None:
    """30 MW from b arrive at c as 27: b loses 30 of 100, c gains 27."""
    tables = {**STAR, "grid/hvdc": "link,from_bus,to_bus,p_max_mw,p_mw,loss_share\nd,b,c,50,30,0.1\n"}
    (tmp_path / "grid").mkdir()
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    problem = headroom_case(headroom_study(str(tmp_path / "grid")))
    table = find_headroom(problem).table.set_index(["mode", "bus"])["headroom_mw"]
    assert table.xs("b", level="bus").tolist() == pytest.approx([70, 70], abs=1e-3)
    assert table.xs("c", level="bus").tolist() == pytest.approx([227, 227], abs=1e-3)


OVERLOADED = {**STAR, "grid/buses": STAR["grid/buses"].replace("b,138,0", "b,138,120")}


def test_overloads_before_any_load_are_refused_by_name(tmp_path: Path) -> None:
    """120 MW at b are 20 too many for the line left after an outage."""
    with pytest.raises(InputError) as refused:
        answer(tmp_path, OVERLOADED)
    assert {f.where for f in refused.value.findings} == {"branch b1 after outage b2", "branch b2 after outage b1"}
    assert all("--base-overloads allow" in f.remedy for f in refused.value.findings)


def test_overloads_before_any_load_are_allowed_as_they_are(tmp_path: Path) -> None:
    """Limits become 120 MW, which existing load fills: b takes nothing more, c 200 MW as before."""
    problem = headroom_case(headroom_study(str(study_of(tmp_path, STUDY, OVERLOADED).folder)))
    found = find_headroom(problem, HeadroomSettings(base_overloads="allow"))
    assert found.base_overloads["overload_mw"].tolist() == pytest.approx([20, 20], abs=1e-3)
    assert any(f.rule == "headroom.base_overloads" for f in found.findings)
    table = found.table.set_index(["mode", "bus"])["headroom_mw"]
    assert table.xs("b", level="bus").tolist() == pytest.approx([0, 0], abs=1e-3)
    assert table.xs("c", level="bus").tolist() == pytest.approx([200, 200], abs=1e-3)


def test_given_dispatch(tmp_path: Path) -> None:
    """ga gives 0 and gb 30 MW for 30 MW at c: f_ac = 10. Half each of w: 10 + w / 2 <= 80 gives 140."""
    tables = {
        **TRIANGLE,
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\nc,138,30\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,p_mw\nga,a,200,10,0\ngb,b,200,30,30\n",
    }
    table = answer(tmp_path, tables, STUDY + NO_OUTAGES, dispatch="given", modes=("distributed",))
    assert table.loc[("distributed", "c"), "headroom_mw"] == pytest.approx(140, abs=1e-3)


def test_given_dispatch_that_is_not_given(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        answer(tmp_path, TRIANGLE, dispatch="given", modes=("distributed",))
    assert [f.rule for f in refused.value.findings] == ["headroom.no_output"]


def test_cutoff_leaves_out_limits_that_hardly_see_the_load(tmp_path: Path) -> None:
    """ac sees half of each MW at c. With a cutoff above that only ab (0) and cb (half) are left, so generation ends."""
    table = answer(tmp_path, TRIANGLE, STUDY + NO_OUTAGES, cutoff=0.6, modes=("distributed",))
    assert tuple(table.loc["distributed", "c"][["headroom_mw", "limited_by"]]) == (400, "generation")


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"min_kv": 500.0}, "headroom.min_kv"),
        ({"min_kv": -1.0}, "headroom.min_kv"),
        ({"non_firm_share": 1.5}, "headroom.share"),
        ({"non_firm_share": float("nan")}, "headroom.share"),
        ({"cutoff": 1.0}, "headroom.cutoff"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path: Path, change: dict, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        answer(tmp_path, STAR, **change)
    assert [f.rule for f in refused.value.findings] == [rule]


def test_load_beyond_all_generation_is_refused(tmp_path: Path) -> None:
    tables = {**STAR, "grid/buses": STAR["grid/buses"].replace("a,138,0", "a,138,1000")}
    with pytest.raises(InputError) as refused:
        answer(tmp_path, tables)
    assert [f.rule for f in refused.value.findings] == ["solve.existing_load"]


@pytest.mark.every(3)
@pytest.mark.parametrize("branch", ["ab", "ac", "cb"])
def test_more_rating_never_lowers_headroom(tmp_path: Path, branch: str) -> None:
    before = answer(tmp_path / "before", TRIANGLE, modes=("redispatch",))["headroom_mw"]
    rows = TRIANGLE["grid/branches"].splitlines()
    raised = [row[: row.rindex(",")] + ",700" if row.startswith(branch) else row for row in rows]
    tables = {**TRIANGLE, "grid/branches": "\n".join(raised) + "\n"}
    after = answer(tmp_path / "after", tables, modes=("redispatch",))["headroom_mw"]
    assert (after >= before - 1e-3).all()
    assert after.sum() >= before.sum()


@pytest.mark.every(3)
@pytest.mark.parametrize("order", ["abc", "bca", "cab"])
def test_the_reference_bus_does_not_matter(tmp_path: Path, order: str) -> None:
    """All buses have two circuits, so the first of the table is the reference."""
    tables = {**TRIANGLE, "grid/buses": "bus,base_kv\n" + "".join(f"{n},138\n" for n in order)}
    table = answer(tmp_path, tables, STUDY + NO_OUTAGES)
    assert table.loc[("redispatch", "c"), "headroom_mw"] == pytest.approx(220, abs=1e-3)
    assert table.loc[("distributed", "c"), "headroom_mw"] == pytest.approx(160, abs=1e-3)


def test_the_last_check_sees_a_broken_limit(tmp_path: Path) -> None:
    """150 MW at b from a: 150 on the line left after an outage, 50 too many; 75 before it, within 100."""
    problem = headroom_case(headroom_study(str(study_of(tmp_path, STUDY, STAR).folder)))
    output = np.array([150.0, 0.0, 0.0])
    assert worst_excess_mw(problem, Sample(1, 0, 150.0, output)) == pytest.approx(50, abs=1e-6)


@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_islands_serve_themselves(tmp_path: Path, mode: str) -> None:
    """50 MW at x reach y over two lines of 100; nothing serves z; b keeps its 100 MW."""
    tables = {
        "grid/buses": STAR["grid/buses"] + "x,138,0\ny,138,0\nz,138,0\n",
        "grid/branches": STAR["grid/branches"] + "y1,x,y,0.1,100,100\ny2,x,y,0.1,100,100\n",
        "grid/generators": STAR["grid/generators"] + "gx,x,50,5\n",
    }
    table = answer(tmp_path, tables).loc[mode]
    assert table["headroom_mw"].to_dict() == pytest.approx(
        {"a": 900, "b": 100, "c": 200, "x": 50, "y": 50, "z": 0}, abs=1e-3
    )
    assert table.loc[["y", "z"], "limited_by"].tolist() == ["generation"] * 2
