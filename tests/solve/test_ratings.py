"""Ratings that vary by snapshot: limits, plans, upgrades, circuits, headroom and explanations worked out on paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.grid.area import cut_area
from optimizer.plan.plan import Plan, tidy_plan
from optimizer.plan.table_text import table_to_csv
from optimizer.plan.verify import checks_for
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_ratings import factors
from optimizer.report import write_report
from optimizer.solve import solve_study
from optimizer.study import read_study
from optimizer.study.ratings import rated_grid
from tests.solve.expansion_cases import cheapest, made, searched, write
from tests.solve.small import HEAD, MUSD_PER_USD_PER_H, STAR, built, checked_plan, study_of
from tests.solve.test_headroom import answer

OUTAGES = ("[]", '["branch"]', '["branch", "generator"]')
GRID = '[grid]\nsource = "grid"\n'
SITES = '[sites]\ntable = "sites.csv"\n'
NO_OUTAGES = "[security]\ncontingencies = []\n"
HALVES = "snapshot,hours,load_factor\nhot,4380,1\ncold,4380,1\n"
PAIR = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,100\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\ngb,b,200,50\n",
    "grid/snapshots": HALVES,
}
"""100 MW at b, a line of 60 MW from the cheaper generator at a; half of the year is hot, half cold."""


def factor_rows(*rows: str) -> str:
    return "snapshot,branch,factor,factor_emergency\n" + "".join(f"{row}\n" for row in rows)


def flows(plan: Plan) -> dict[str, float]:
    """Limit of the line ab by snapshot [MW]."""
    return plan.table("flows").set_index("snapshot")["limit_mw"].to_dict()


def cost_per_hour(*flow_mw: float) -> float:
    """Cost of `PAIR` with so much from a in each half of the year [M$]."""
    return sum(4380 / 1e6 * (10 * mw + 50 * (100 - mw)) for mw in flow_mw)


def test_a_line_carries_what_the_weather_lets_it(tmp_path: Path) -> None:
    """60 MW times 0.8 is 48 when hot, times 1.2 72 when cold: what a gives. One MW more saves 50 - 10 $/h."""
    tables = {**PAIR, "grid/rating_factors": factor_rows("hot,ab,0.8,", "cold,ab,1.2,")}
    plan = checked_plan(study_of(tmp_path, GRID + NO_OUTAGES, tables), written=True)
    assert flows(plan) == pytest.approx({"hot": 48, "cold": 72})
    assert plan.summary["objective_musd"] == pytest.approx(cost_per_hour(48, 72), rel=1e-6)
    bound = plan.table("binding").set_index("snapshot")
    assert bound["bound"].to_dict() == pytest.approx({"hot": 48, "cold": 72}, abs=1e-6)
    assert bound["price_usd_per_unit"].to_dict() == pytest.approx({"hot": 40, "cold": 40})
    spread = plan.table("ratings").set_index(["limit", "snapshot"])
    assert spread.loc[("normal rating", "hot")].tolist() == pytest.approx([1, 0.8, 0.8, 0.8])
    assert spread.loc[("emergency rating", "cold")].tolist() == pytest.approx([1, 1.2, 1.2, 1.2])


def test_an_upgrade_is_rated_for_the_same_weather(tmp_path: Path) -> None:
    """20 MW more for 0.1 M$: (60 + 20) x 0.8 = 64 MW when hot, 96 when cold. It saves 16 + 24 MW for half a year, which
    is worth 7.0 M$. With 60 x 0.8 + 20 = 68 and 92 MW it would save as much and carry something else."""
    tables = {**PAIR, "grid/rating_factors": factor_rows("hot,ab,0.8,", "cold,ab,1.2,")}
    tables["grid/upgrades"] = "upgrade,branch,added_mw,cost_musd\nup,ab,20,0.1\n"
    plan = checked_plan(study_of(tmp_path, GRID + NO_OUTAGES, tables))
    assert flows(plan) == pytest.approx({"hot": 64, "cold": 96})
    assert plan.summary["objective_musd"] == pytest.approx(0.1 + cost_per_hour(64, 96), rel=1e-6)


CAMPUS = GRID + SITES + "[demand]\nit_mw = { 2030 = 150 }\n"


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("rows", "site"),
    [
        ([], "sc"),
        (["hot,,1,1.4", "cold,,1,1.6"], "sc"),
        (["hot,,1,1.5", "cold,,1,1.6"], "sb"),
        (["hot,b1,1,1.5", "hot,b2,1,1.5", "cold,b1,1,1.5", "cold,b2,1,1.5"], "sb"),
        (["hot,,1.5,1", "cold,,1.5,1"], "sc"),
        (["hot,,0.7,1.5", "cold,,1,1.5"], "sc"),
    ],
    ids=["no factors", "hot forbids", "all", "by line", "normal alone", "normal forbids"],
)
def test_the_factor_that_lets_a_campus_in(tmp_path: Path, rows: list[str], site: str) -> None:
    """150 MW at b are 150 on the line that is left: 100 MW x 1.5 are needed in both halves of the year, and 75 on each
    of two lines with both in service. Otherwise the campus goes to c, for 1 M$ more; three lines carry it there."""
    tables = {**STAR, "grid/snapshots": HALVES, **({"grid/rating_factors": factor_rows(*rows)} if rows else {})}
    plan = checked_plan(study_of(tmp_path, CAMPUS, tables))
    assert built(plan) == [site]
    cost = 1500 * MUSD_PER_USD_PER_H + (1 if site == "sb" else 2)
    assert plan.summary["objective_musd"] == pytest.approx(cost, rel=1e-6)


@pytest.mark.slow
def test_a_table_of_the_study_replaces_that_of_the_grid(tmp_path: Path) -> None:
    """The grid's own forbids the campus at b; the study's own lets it in."""
    tables = {**STAR, "grid/snapshots": HALVES, "grid/rating_factors": factor_rows("hot,,0.5,", "cold,,0.5,")}
    tables["weather"] = factor_rows("hot,,1.5,", "cold,,1.5,")
    text = CAMPUS.replace('"grid"\n', '"grid"\nrating_factors = "weather.csv"\n', 1)
    plan = checked_plan(study_of(tmp_path, text, tables), written=True)
    assert built(plan) == ["sb"]
    write_report(plan, tmp_path / "report.html")
    assert "Ratings by operating condition" in (tmp_path / "report.html").read_text(encoding="utf-8")
    study = study_of(tmp_path, text, tables)
    assert "weather.csv" in {one.path.name for one in study.inputs}
    (tmp_path / "winter.csv").write_text(factor_rows("hot,,1.2,", "cold,,1.4,"), encoding="utf-8")
    changed = study.override({"grid.rating_factors": "winter.csv"})
    assert changed.case.rating_factor("cold").tolist() == [1.4] * 5
    assert study.case.rating_factor("cold").tolist() == [1.5] * 5
    assert built(checked_plan(changed)) == ["sc"]


def same_tables(plan: Plan, other: Plan) -> bool:
    texts = [
        {n: table_to_csv(n, t) for n, t in tidy_plan(one).tables.items() if n != "ratings"} for one in (plan, other)
    ]
    return texts[0] == texts[1]


@pytest.mark.slow
def test_factors_of_one_change_nothing(tmp_path: Path) -> None:
    """Byte for byte, whether every factor is 1 or the only other one is on a line without a rating."""
    tables = {**STAR, "grid/snapshots": HALVES}
    tables["grid/branches"] = tables["grid/branches"] + "free,a,c,1.0,,\n"
    plan = solve_study(study_of(tmp_path / "without", CAMPUS, tables))
    for name, rows in (("ones", ["hot,,1,1", "cold,,1,"]), ("idle", ["hot,free,0.5,", "cold,,1,"])):
        given = study_of(tmp_path / name, CAMPUS, {**tables, "grid/rating_factors": factor_rows(*rows)})
        assert (given.case.rating_factors is None) == (name == "ones")
        assert same_tables(plan, solve_study(given))


def test_rows_that_say_more_win(tmp_path: Path) -> None:
    """A branch's own row, else the row that names most of what it is, of two that name as much the smaller factor."""
    tables = {
        "grid/buses": "bus,base_kv,zone,load_mw\na,345,north,0\nb,345,south,10\nc,138,south,0\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,kind\n"
        "ab,a,b,0.1,100,line\nbc,b,c,0.1,100,transformer\nac,a,c,0.1,100,line\nother,a,b,0.1,100,line\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\n",
        "grid/snapshots": HALVES,
        "grid/rating_factors": "snapshot,branch,kind,zone,base_kv,factor,factor_emergency\n"
        "hot,,,,,0.9,1.1\nhot,,,north,,0.8,\nhot,,,south,,0.7,0.85\nhot,,transformer,,,1,\nhot,,line,,345,0.6,\n"
        "hot,other,,,,0.5,\ncold,,,,138,1.3,\n",
    }
    study = study_of(tmp_path, GRID, tables)
    # ab: north, south and (line, 345 kV); bc: south and transformer; ac: north and south; other: its own row.
    normal = {"ab": 0.6, "bc": 0.7, "ac": 0.7, "other": 0.5}
    emergency = {"ab": 0.6, "bc": 0.85, "ac": 0.8, "other": 0.5}
    cold = {"ab": 1.0, "bc": 1.3, "ac": 1.3, "other": 1.0}
    for after_outage, hot in ((False, normal), (True, emergency)):
        table = study.rating_factors.table(after_outage)
        assert table["hot"].to_dict() == hot
        assert table["cold"].to_dict() == cold
        context = Context(tmp_path, "", {}, {}, study, study.case)
        assert factors(context, after_outage).tolist() == [[hot[l], cold[l]] for l in study.branches.index]


@pytest.mark.slow
def test_circuits_are_rated_by_snapshot_too(tmp_path: Path) -> None:
    """100 MW at b, a line of 60 MW and circuits of 50 MW alike: one is enough at its rating, as 100 MW share 50 and 50.
    At 0.8 of it (by the circuit's name, or by what it is) it carries 40 MW: with two, each of three carries a third.
    """
    tables = {
        **PAIR,
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,200,10\n",
        "grid/circuits": "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count\ne,a,b,0.1,50,1,2\n",
    }
    head = HEAD + "annuitize = false\n"
    for rows, units in (([], 1), (["hot,e,0.8,"], 2), (["cold,,0.8,", "cold,ab,1,"], 2), (["hot,ab,0.8,"], 2)):
        given = {**tables, **({"grid/rating_factors": factor_rows(*rows)} if rows else {})}
        plan = checked_plan(study_of(tmp_path / "-".join(["units", *rows]), GRID + NO_OUTAGES, given, head=head))
        assert plan.table("circuits")["count"].tolist() == [units]


def test_a_line_that_headroom_offers_has_the_factor_of_its_branch(tmp_path: Path) -> None:
    """It stands beside it. 100 MW at b, the line and its double of 60 MW each: at 0.8 they carry 96, at 0.9 all."""
    tables = {
        **PAIR,
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,length_km\nab,a,b,0.1,60,10\n",
        "grid/rating_factors": factor_rows("hot,ab,0.8,", "cold,ab,0.9,"),
        "headroom": "bus,limiting_branch\nb,ab\n",
    }
    text = GRID + NO_OUTAGES + '[expansion]\nheadroom = "headroom.csv"\nline_cost_musd_per_km = 0.01\n'
    plan = checked_plan(study_of(tmp_path, text, tables))
    limits = plan.table("flows").set_index(["branch", "snapshot"])["limit_mw"].to_dict()
    assert limits == pytest.approx(
        {("ab", "hot"): 48, ("ab", "cold"): 54, ("beside ab", "hot"): 48, ("beside ab", "cold"): 54}
    )
    assert plan.summary["objective_musd"] == pytest.approx(0.1 + cost_per_hour(96, 100), rel=1e-6)


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", range(8))
def test_circuits_of_random_networks(tmp_path: Path, seed: int) -> None:
    """The choice of circuits costs what the cheapest of all does, each made a network of its own, as ratings vary."""
    r = np.random.default_rng(seed)
    names = [row.split(",")[0] for row in (*made(seed).branches, *made(seed).circuits)]
    rows = [f"year,{name},{r.choice([0.7, 0.9, 1.2])},{r.choice([0.8, 1.0, 1.3])}" for name in names]
    folder = write(tmp_path, made(seed), OUTAGES[seed % 3])
    (folder / "grid" / "rating_factors.csv").write_text(factor_rows(*rows), encoding="utf-8")
    case = read_study(folder).case
    assert case.rating_factors is not None
    assert searched(case) == pytest.approx(cheapest(case), rel=1e-5, abs=1e-6)


@pytest.mark.every(2)
@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_headroom_is_that_of_the_worst_weather(tmp_path: Path, mode: str) -> None:
    """After one outage b has one line of 100 MW, 70 of them when hot, and c two."""
    tables = {**STAR, "grid/snapshots": HALVES, "grid/rating_factors": factor_rows("hot,,1,0.7", "cold,,1,1.2")}
    text = GRID
    table = answer(tmp_path, tables, text).loc[mode]
    assert table["headroom_mw"].to_dict() == pytest.approx({"a": 900, "b": 70, "c": 140}, abs=1e-3)
    assert table.loc["b", "snapshot"] == "hot"
    cold = answer(tmp_path, tables, text, snapshots=("cold",)).loc[mode]
    assert cold["headroom_mw"].to_dict() == pytest.approx({"a": 900, "b": 120, "c": 240}, abs=1e-3)


@pytest.mark.every(2)
@pytest.mark.parametrize("mode", ["redispatch", "distributed"])
def test_relief_of_headroom_is_rated_for_the_weather(tmp_path: Path, mode: str) -> None:
    """A line of 100 MW at 0.8, and 50 MW more: 80 MW, and 0.8 x 50 = 40 MW of relief."""
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,0\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,900,10\n",
        "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nup,ab,50,1\n",
        "grid/snapshots": HALVES,
        "grid/rating_factors": factor_rows("hot,ab,0.8,", "cold,ab,1.1,"),
    }
    row = answer(tmp_path, tables, GRID + NO_OUTAGES).loc[mode, "b"]
    assert (row["headroom_mw"], row["relief_mw"]) == pytest.approx((80, 40), abs=1e-3)


def test_overloads_before_any_load_are_those_of_the_snapshot(tmp_path: Path) -> None:
    """50 MW over one of two lines, of 48 MW in an emergency: at 0.75 of that, when hot, 14 too much; when cold none."""
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,50\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
        "l1,a,b,0.1,40,48\nl2,a,b,0.1,40,48\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,500,10\n",
        "grid/snapshots": HALVES,
        "grid/rating_factors": factor_rows("hot,,1,0.75", "cold,,1,1.5"),
        "sites": "site,bus,block_mw,max_blocks\ns,a,20,1\n",
    }
    text = GRID + SITES + "[demand]\nit_mw = { 2030 = 20 }\n[security]\nbase_overloads = 'allow'\n"
    plan = checked_plan(study_of(tmp_path, text, tables))
    allowed = plan.table("base_overloads").set_index(["branch", "snapshot"])["overload_mw"]
    assert allowed.to_dict() == pytest.approx({("l1", "hot"): 14, ("l2", "hot"): 14}, abs=1e-3)


def test_a_conflict_names_the_rating_of_the_snapshot(tmp_path: Path) -> None:
    """150 MW at b over one line after an outage of the other, whose 100 MW are 80 when hot."""
    tables = {**STAR, "grid/snapshots": HALVES, "grid/rating_factors": factor_rows("hot,,1,0.8", "cold,,1,1.6")}
    tables["sites"] = "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,150,1,1\n"
    study = study_of(tmp_path, CAMPUS, tables)
    with pytest.raises(InfeasibleError) as refused:
        solve_study(study)
    assert any("80 MW" in str(f) and "hot" in str(f) for f in refused.value.findings)


def test_the_check_reads_the_factors_itself(tmp_path: Path) -> None:
    """A plan made with lines at 1.2 of their rating, checked against a table that says 1.1, breaks what that allows."""
    tables = {**PAIR, "grid/rating_factors": factor_rows("hot,ab,1.2,", "cold,ab,1.2,")}
    plan = tidy_plan(solve_study(study_of(tmp_path / "one", GRID + NO_OUTAGES, tables)))
    study = study_of(
        tmp_path / "two",
        GRID + NO_OUTAGES,
        {**tables, "grid/rating_factors": factor_rows("hot,ab,1.2,", "cold,ab,1.1,")},
    )
    # The case that the model reads says what it said before: the check does not ask it.
    case = replace(study.case, rating_factors=study_of(tmp_path / "one", GRID + NO_OUTAGES, tables).case.rating_factors)
    context = Context(study.folder, "", plan.summary, plan.tables, study, case)
    found = [f for check in checks_for(context) if "checks_files" not in check.__module__ for f in check(context)]
    broken = [f for f in found if f.rule == "plan.limit.normal"]
    assert [(f.value, f.limit) for f in broken] == [pytest.approx((72, 66))]
    assert any("ratings.csv" in f.where for f in found)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_higher_factors_never_cost_more(tmp_path: Path, seed: int) -> None:
    r = np.random.default_rng(seed)
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,60\nc,138,50\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,100\nac,a,c,0.1,80\ncb,c,b,0.2,60\n",
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,300,10\ngb,b,90,35\ngc,c,80,50\n",
        "grid/snapshots": HALVES,
        "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nu1,ab,30,1\nu2,ac,30,1.5\n",
        "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsb,b,20,2,1\nsc,c,20,2,1.2\n",
    }
    text = GRID + SITES + "[demand]\nit_mw = { 2030 = 40 }\npenalty_musd_per_mw_year = 1.0\n"
    text += "[security]\nbase_overloads = 'allow'\n"
    low = r.uniform(0.6, 1.1, (2, 3, 2))
    costs = []
    for name, factor in (("low", low), ("high", low * r.uniform(1.0, 1.5, low.shape))):
        rows = [
            f"{h},{l},{factor[i, j, 0]},{factor[i, j, 1]}"
            for i, h in enumerate(("hot", "cold"))
            for j, l in enumerate(("ab", "ac", "cb"))
        ]
        study = study_of(tmp_path / name, text, {**tables, "grid/rating_factors": factor_rows(*rows)})
        plan = checked_plan(study)
        # Overloads of the existing system are allowed as they are found: where there are some, costs do not compare.
        if len(plan.table("base_overloads")):
            pytest.skip("the existing system is overloaded")
        costs.append(plan.summary["objective_musd"])
    assert costs[1] <= costs[0] * (1 + 1e-4)


def test_ac_power_flow_and_areas_take_them_along(tmp_path: Path) -> None:
    """Ratings of the snapshot go to AC power flow; an area keeps the rows of what it keeps."""
    tables = {**STAR, "grid/snapshots": HALVES, "grid/rating_factors": factor_rows("hot,b1,0.5,0.6", "hot,c1,0.9,")}
    tables["grid/snapshots"] = HALVES
    study = study_of(tmp_path, GRID, tables)
    rated = rated_grid(study.grid, study.case, "hot").branches
    assert rated.loc["b1", ["rating_mw", "rating_emergency_mw"]].tolist() == [50, 60]
    assert rated.loc["b2", "rating_mw"] == 100
    assert cut_area(study.grid, ["a", "c"]).grid.rating_factors["branch"].tolist() == ["c1"]


def test_factors_of_the_grid_do_not_hold_for_snapshots_of_the_study(tmp_path: Path) -> None:
    """Its own snapshots replace those of the grid, and what the grid says of them; a warning says so."""
    tables = {**PAIR, "grid/rating_factors": factor_rows("hot,ab,0.8,")}
    text = GRID + 'snapshot = [{ name = "hot", hours = 8760 }]\n' + NO_OUTAGES
    study = study_of(tmp_path, text, tables)
    assert study.rating_factors is None
    assert [f.rule for f in study.findings if f.severity == "warning"] == ["study.ratings.not_used"]
    assert flows(checked_plan(study)) == {"hot": 60}
    with pytest.raises(InputError) as refused:
        study_of(
            tmp_path, text.replace('"grid"', '"grid"\nrating_factors = "t.csv"', 1), {"t": factor_rows("warm,ab,1,")}
        )
    assert [f.rule for f in refused.value.findings] == ["study.snapshot.unknown"]


def test_warnings(tmp_path: Path) -> None:
    rows = "snapshot,branch,kind,base_kv,factor,factor_emergency\nhot,,transformer,,0.9,\ncold,ab,,,1.5,1.2\n"
    study = study_of(tmp_path, GRID, {**PAIR, "grid/rating_factors": rows})
    assert {f.rule for f in study.findings if f.severity == "warning"} == {
        "study.ratings.unused",
        "study.ratings.emergency_below_normal",
    }
    assert isinstance(study.rating_factors.normal, pd.DataFrame)
