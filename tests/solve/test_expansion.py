"""New circuits: the search against every choice one by one, optima worked out by hand, and properties."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from optimizer.errors import InfeasibleError
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.solve.highs import Outcome
from optimizer.solve.program import SecureProgram
from optimizer.study import read_study
from optimizer.study.circuits import Expansion, realised_periods
from tests.solve.expansion_cases import cheapest, made, searched, write

OUTAGES = ("[]", '["branch"]', '["branch", "generator"]')


@pytest.mark.every(6)
@pytest.mark.parametrize("seed", range(9))
def test_no_choice_of_circuits_is_cheaper_or_as_cheap_and_missed(seed: int, tmp_path: Path) -> None:
    case = read_study(write(tmp_path, made(seed), OUTAGES[seed % 3])).case
    assert searched(case) == pytest.approx(cheapest(case), rel=1e-6)


def test_a_solve_without_an_answer_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HiGHS may find its own plan broken by rounding and end with an error: that is no limit of time or rounds."""
    answer, asked = SecureProgram.solve, list[str]()

    def solve(program: SecureProgram, stage: str) -> Outcome:
        asked.append(stage)
        return Outcome("error", np.inf, -np.inf, np.empty(0)) if asked.count("mip") == 1 else answer(program, stage)

    case = read_study(write(tmp_path, made(0), "[]")).case
    monkeypatch.setattr(SecureProgram, "solve", solve)
    assert searched(case) == pytest.approx(cheapest(case), rel=1e-6)
    assert asked.count("mip") > 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4, 10])
def test_one_more_circuit_on_offer_never_costs_more(seed: int, tmp_path: Path) -> None:
    """Without any it is the network as it is, solved with distribution factors."""
    case = read_study(write(tmp_path, made(seed), '["branch"]')).case
    costs = []
    for n in range(len(case.circuits) + 1):
        offered = replace(case.expansion, circuits=case.circuits.iloc[:n])
        costs.append(searched(replace(case, expansion=offered)))
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in itertools.pairwise(costs))
    none = replace(case.expansion, circuits=case.circuits.iloc[:0])
    assert costs[0] == pytest.approx(cheapest(replace(case, expansion=none)))


SITED = """\
[study]
name = "Two buses"
periods = {periods}
[grid]
source = "grid"
[demand]
it_mw = {demand}
[sites]
table = "sites.csv"
[security]
contingencies = ["branch"]
[dispatch]
cost = "none"
[economics]
{money}
[solve]
gap = 0.0
"""
WHOLE = "annuitize = false\ndiscount_rate = 0.0\nlast_period_years = 1"


def sited(folder: Path, demand: str, circuit_musd: float, count: int = 2, ready: int = 0, enabled: bool = True) -> Path:
    """Generation and 10 MW of load at a; b behind a line of 100 MW (120 after an outage), circuits beside it on offer.

    A campus costs 10 M$ at b and 30 M$ at a, in blocks of 50 MW that cost nothing.
    """
    grid = folder / "grid"
    grid.mkdir(parents=True, exist_ok=True)
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,230,10\nb,230,0\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\n",
        "grid/generators": "generator,bus,p_max_mw\nga,a,400\n",
        "grid/circuits": "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count,ready\n"
        f"new,a,b,0.1,100,{circuit_musd},{count},{ready}\n",
        "sites": "site,bus,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block\nsa,a,50,4,30,0\nsb,b,50,4,10,0\n",
    }
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    periods = sorted(int(pair.split("=")[0]) for pair in demand.strip("{} ").split(","))
    money = WHOLE if len(periods) == 1 else "discount_rate = 0.0\nlife_years = 10\nlast_period_years = 10"
    text = SITED.format(periods=periods, demand=demand, money=money)
    text += "" if enabled else "[expansion]\nenabled = false\n"
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


def solved(folder: Path, plan_folder: Path) -> Plan:
    """The plan, verified without a finding."""
    plan = solve_study(read_study(folder))
    write_plan(plan, plan_folder)
    assert [f for f in verify_plan(plan_folder) if f.severity != "info"] == []
    return plan


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("demand_mw", "circuit_musd", "built", "cost_musd"),
    [
        # One line to b is cut off by its own outage: a second makes 100 MW firm (100 MW on one of 120), 10 + 5 M$.
        (100, 5, 1, 15),
        # 150 MW on one line of 120 after an outage is too much: two circuits, 75 MW on each of what is left.
        (150, 5, 2, 20),
        # At 25 M$ a circuit the campus at b costs 35 M$: the one at a costs 30.
        (100, 25, 0, 30),
    ],
)
def test_campus_and_circuits_are_decided_together(
    demand_mw: int, circuit_musd: float, built: int, cost_musd: float, tmp_path: Path
) -> None:
    plan = solved(sited(tmp_path / "study", f"{{ 2030 = {demand_mw} }}", circuit_musd), tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(cost_musd, abs=1e-6)
    assert int(plan.table("circuits")["count"].sum()) == built
    # The outage of every line and of every built circuit was checked.
    assert plan.summary["n_contingencies_checked"] == 1 + built
    assert plan.summary["baseline_musd"] == 0


@pytest.mark.slow
def test_a_circuit_serves_from_its_own_first_year_on(tmp_path: Path) -> None:
    """100 MW in 2030 and 150 MW in 2032; circuits can serve from 2032 only, so b takes nothing before.

    The campus at a must stand in 2030 and can take all of it; nothing at b is worth its 10 M$ then.
    """
    plan = solved(sited(tmp_path / "study", "{ 2030 = 100, 2032 = 150 }", 1, ready=2032), tmp_path / "plan")
    assert set(plan.table("sites")["site"]) == {"sa"}
    earlier = solved(sited(tmp_path / "early", "{ 2030 = 100, 2032 = 150 }", 1, ready=2030), tmp_path / "plan2")
    assert set(earlier.table("sites")["site"]) == {"sb"}
    begun = earlier.table("circuits").set_index("in_service")["count"].to_dict()
    assert begun == {2030: 1, 2032: 1}
    # Yearly, over 10 years of life: 1 M$ a year at b, 0.1 a circuit; one circuit for 2 and two for 10 years.
    assert earlier.summary["objective_musd"] == pytest.approx(12 * 1.0 + 2 * 0.1 + 10 * 0.2, abs=1e-6)


@pytest.mark.slow
def test_circuits_switched_off_are_no_circuits(tmp_path: Path) -> None:
    """The campus must then stand at a, as with circuits so dear that none is built."""
    off = solved(sited(tmp_path / "off", "{ 2030 = 100 }", 5, enabled=False), tmp_path / "plan")
    dear = solved(sited(tmp_path / "dear", "{ 2030 = 100 }", 500), tmp_path / "plan2")
    assert off.summary["objective_musd"] == dear.summary["objective_musd"] == pytest.approx(30)
    assert "circuits" not in off.tables
    assert dear.table("circuits").empty


def test_headroom_offers_a_line_beside_what_limits_it(tmp_path: Path) -> None:
    """Line ab of 10 km at 0.5 M$ a km: beside it one like it for 5 M$, so 100 MW at b cost 10 + 5 M$."""
    folder = sited(tmp_path / "study", "{ 2030 = 100 }", 500)
    lines = "branch,from_bus,to_bus,x_pu,rating_mw,length_km\nab,a,b,0.1,100,10\n"
    (folder / "grid" / "branches.csv").write_text(lines, encoding="utf-8")
    (folder / "headroom.csv").write_text("bus,mode,limiting_branch\na,redispatch,\nb,redispatch,ab\n", encoding="utf-8")
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write('[expansion]\nheadroom = "headroom.csv"\nline_cost_musd_per_km = 0.5\n')
    plan = solved(folder, tmp_path / "plan")
    assert plan.summary["objective_musd"] == pytest.approx(15, abs=1e-6)
    assert plan.table("circuits")["circuit"].tolist() == ["beside ab"]


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", [6, 18, 20])
def test_prices_hold_where_the_network_after_an_outage_pays(seed: int, tmp_path: Path) -> None:
    """A MW more is one in every copy of the network too: `verify` finds the dispatch cheapest at the stated prices."""
    solved(write(tmp_path / "study", made(seed), '["branch"]'), tmp_path / "plan")


def test_no_plan_is_said_without_a_traceback(tmp_path: Path) -> None:
    """Of 350 MW the campus at a takes 200: the 150 at b are too much for one line of 120 after the other's outage."""
    with pytest.raises(InfeasibleError):
        solve_study(read_study(sited(tmp_path, "{ 2030 = 350 }", 5, count=1)))


def test_the_network_of_each_period_has_what_serves_in_it(tmp_path: Path) -> None:
    plan = solve_study(read_study(sited(tmp_path, "{ 2030 = 100, 2032 = 150 }", 1, ready=2030)))
    assert plan.study is not None
    networks = realised_periods(plan.study.case, plan.table("circuits"))
    assert [list(one.branches.index) for one in networks] == [["ab", "new/1"], ["ab", "new/1", "new/2"]]
    assert [one.outage_names for one in networks] == [("ab", "new/1"), ("ab", "new/1", "new/2")]
    assert all(isinstance(one.expansion, Expansion) and one.circuits.empty for one in networks)
    assert np.isfinite(networks[1].branches["rating_emergency_mw"]).all()
