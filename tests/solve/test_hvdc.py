"""HVDC links whose transfer is decided, in both models of the network: optima worked out by hand, and bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import read_study
from tests.plan.tamper import rewrite_hashes
from tests.solve.test_expansion import sited, solved

STUDY = """\
[study]
name = "Two buses and a link"
periods = [2030]
[grid]
source = "grid"
[security]
contingencies = {outages}
[dispatch]
hvdc = "{hvdc}"
[economics]
annuitize = false
discount_rate = 0.0
last_period_years = 1
[solve]
gap = 0.0
"""
#: Cost of a $/h through the year [M$].
YEAR = 8760 / 1e6
CIRCUIT = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd\nnew,a,b,0.1,100,9000\n"


def linked(
    folder: Path,
    hvdc: str = "decided",
    link: str = "60,0,0,0",
    ends: str = "a,b",
    outages: str = "[]",
    circuits: bool = False,
) -> Path:
    """200 MW of load at b; 10 $/MWh at a, 50 at b; two lines of 50 MW (60 after an outage) and a link between them."""
    (folder / "grid").mkdir(parents=True, exist_ok=True)
    tables = {
        "buses": "bus,base_kv,load_mw\na,230,0\nb,230,200\n",
        "branches": "branch,from_bus,to_bus,x_pu,rating_mw\none,a,b,0.1,50\ntwo,a,b,0.1,50\n",
        "generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,900,10\ngb,b,900,50\n",
        "hvdc": f"link,from_bus,to_bus,p_max_mw,p_min_mw,loss_mw,loss_share,p_mw\nd,{ends},{link},20\n",
    } | ({"circuits": CIRCUIT} if circuits else {})
    for name, text in tables.items():
        (folder / "grid" / f"{name}.csv").write_text(text, encoding="utf-8")
    (folder / "study.toml").write_text(STUDY.format(outages=outages, hvdc=hvdc), encoding="utf-8")
    return folder


@pytest.mark.every(6)
@pytest.mark.parametrize("circuits", [False, True], ids=["factors", "angles"])
@pytest.mark.parametrize(
    ("keys", "usd_per_h", "from_mw", "to_mw"),
    [
        # 100 MW over the lines and 60 over the link: 160 at 10 $, 40 at 50 $.
        ({}, 1600 + 2000, 60, 60),
        # A tenth is lost: 54 MW arrive, 46 come from b.
        ({"link": "60,0,0,0.1"}, 1600 + 2300, 60, 54),
        # Constant loss of 4 MW at b: 56 MW arrive.
        ({"link": "60,0,4,0"}, 1600 + 2200, 60, 56),
        # Written from b to a the same link sends backwards: b takes -54 of 60 MW that a gives.
        ({"link": "0,-60,0,0.1", "ends": "b,a"}, 1600 + 2300, -54, -60),
        # Both ways with a loss: it sends from a.
        ({"link": "60,-60,0,0.1"}, 1600 + 2300, 60, 54),
        # After the outage of one line the other takes 60 MW: 60 on both before, 80 from b.
        ({"outages": '["branch"]'}, 1200 + 4000, 60, 60),
        # No link may carry more than its least.
        ({"link": "60,60,0,0"}, 1600 + 2000, 60, 60),
    ],
)
def test_the_transfer_that_costs_least(
    keys: dict[str, str], usd_per_h: float, from_mw: float, to_mw: float, circuits: bool, tmp_path: Path
) -> None:
    plan = solved(linked(tmp_path / "study", circuits=circuits, **keys), tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(usd_per_h * YEAR, rel=1e-6)
    (row,) = plan.table("hvdc").to_dict("records")
    assert (row["link"], row["from_mw"], row["to_mw"]) == ("d", pytest.approx(from_mw), pytest.approx(to_mw))


@pytest.mark.slow
def test_a_lossy_link_that_runs_one_way_only_is_said(tmp_path: Path) -> None:
    """Scheduled from b to a it may not send from a, which would save: 100 MW at 10 $ over the lines, 100 at 50 $.

    As two links of one direction each it does: 160 MW at 10 $, 54 of 60 arrive, 46 at 50 $.
    """
    folder = linked(tmp_path / "one", link="60,-60,0,0.1", ends="b,a")
    (said,) = [f for f in read_study(folder).findings if f.rule == "grid.hvdc.direction"]
    assert (said.severity, said.found) == ("warning", "d from b to a")
    plan = solved(folder, tmp_path / "plan one")
    assert plan.summary["objective_musd"] == pytest.approx((1000 + 5000) * YEAR, rel=1e-6)
    assert "grid.hvdc.direction" in {f.rule for f in plan.findings}
    two = linked(tmp_path / "two", link="60,0,0,0.1", ends="b,a")
    table = two / "grid" / "hvdc.csv"
    table.write_text(table.read_text(encoding="utf-8") + "e,a,b,60,0,0,0.1,0\n", encoding="utf-8")
    assert "grid.hvdc.direction" not in {f.rule for f in read_study(two).findings}
    plan = solved(two, tmp_path / "plan two")
    assert plan.summary["objective_musd"] == pytest.approx((1600 + 2300) * YEAR, rel=1e-6)
    assert plan.table("hvdc").set_index("link")["from_mw"].to_dict() == pytest.approx({"d": 0, "e": 60}, abs=1e-6)


def test_a_lossless_link_runs_both_ways_unsaid(tmp_path: Path) -> None:
    folder = linked(tmp_path, link="60,-60,0,0", ends="b,a")
    assert "grid.hvdc.direction" not in {f.rule for f in read_study(folder).findings}


@pytest.mark.slow
def test_the_default_holds_the_schedule(tmp_path: Path) -> None:
    """20 MW over the link and 100 over the lines: 120 at 10 $, 80 at 50 $. Deciding it never costs more."""
    plan = solved(linked(tmp_path / "study", "scheduled"), tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx((1200 + 4000) * YEAR, rel=1e-6)
    assert "hvdc" not in plan.tables
    least = solve_study(read_study(linked(tmp_path / "twenty", link="20,20,0,0")))
    assert least.summary["objective_musd"] == pytest.approx(plan.summary["objective_musd"], rel=1e-6)


def test_a_link_takes_no_share_after_an_outage_and_is_no_generator(tmp_path: Path) -> None:
    study = read_study(linked(tmp_path / "study", outages='["branch", "generator"]'))
    case = study.case
    assert list(case.generators.index) == ["ga", "gb", "d at a", "d at b"]
    assert case.is_link_end.tolist() == [False, False, True, True]
    assert [name for name in case.outage_names if "d at" in name] == []


@pytest.mark.every(4)
@pytest.mark.parametrize("column", ["from_mw", "to_mw"])
def test_another_transfer_is_found_out(column: str, tmp_path: Path) -> None:
    solved(linked(tmp_path / "study", link="60,0,0,0.1"), tmp_path / "plan")
    table = tmp_path / "plan" / "tables" / "hvdc.csv"
    old = {"from_mw": "60", "to_mw": "54"}[column]
    table.write_text(table.read_text(encoding="utf-8").replace(old, "50"), encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    assert "plan.recomputed" in {f.rule for f in verify_plan(tmp_path / "plan")}


def test_power_that_comes_from_nowhere_is_found_out(tmp_path: Path) -> None:
    """More out of the link than its losses leave, less from b: every balance holds, the link's does not."""
    solved(linked(tmp_path / "study", link="60,0,0,0.1"), tmp_path / "plan")
    table = tmp_path / "plan" / "tables" / "dispatch.csv"
    text = table.read_text(encoding="utf-8")
    assert ",54" in text
    assert ",46" in text
    table.write_text(text.replace(",54", ",58").replace(",46", ",42"), encoding="utf-8")
    rewrite_hashes(tmp_path / "plan")
    assert "plan.hvdc.loss" in {f.rule for f in verify_plan(tmp_path / "plan")}


@pytest.mark.parametrize(
    ("link", "rule"), [("60,0,0,1", "grid.hvdc.undecidable"), ("60,70,0,0", "grid.generator.limits")]
)
def test_links_that_cannot_be_decided(link: str, rule: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_study(linked(tmp_path, link=link))
    assert rule in {f.rule for f in caught.value.findings}


def test_a_grid_without_links_is_said(tmp_path: Path) -> None:
    folder = linked(tmp_path)
    (folder / "grid" / "hvdc.csv").unlink()
    assert "grid.hvdc.none" in {f.rule for f in read_study(folder).findings}


@pytest.mark.every(2)
@pytest.mark.parametrize("circuits", [False, True], ids=["factors", "angles"])
def test_a_link_brings_power_to_a_campus(circuits: bool, tmp_path: Path) -> None:
    """150 MW at b for 10 M$: 100 over the line, 50 over the link. Scheduled at nothing it is the campus at a for 30."""
    cost = {}
    for hvdc in ("scheduled", "decided"):
        study = sited(tmp_path / hvdc, "{ 2030 = 150 }", 500, enabled=circuits)
        text = (study / "study.toml").read_text(encoding="utf-8")
        text = text.replace('["branch"]', "[]").replace('cost = "none"', f'cost = "none"\nhvdc = "{hvdc}"')
        (study / "study.toml").write_text(text, encoding="utf-8")
        link = "link,from_bus,to_bus,p_max_mw,loss_share,p_mw\nd,a,b,60,0.05,0\n"
        (study / "grid" / "hvdc.csv").write_text(link, encoding="utf-8")
        cost[hvdc] = solved(study, tmp_path / f"plan {hvdc}").summary["objective_musd"]
    assert cost == {"scheduled": pytest.approx(30), "decided": pytest.approx(10)}
