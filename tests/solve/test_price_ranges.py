"""Ranges of prices: kinks known by hand, and what convexity says of every other study."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.progress import silent
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import EMERGENCY, NORMAL, loosened
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import search
from optimizer.solve.prepared import Run, prepare
from optimizer.solve.prices.ranges import price_ranges
from optimizer.solve.program import Clock, SecureProgram
from optimizer.solve.run import plan_of, solve_study
from optimizer.solve.straight import Point, reach
from optimizer.study import Study
from optimizer.study.case import Case
from tests.solve.frontier_cases import TABLES, TEXT
from tests.solve.infeasible import LOAD, LOAD_STUDY, TIED, TIED_STUDY
from tests.solve.small import MUSD_PER_USD_PER_H, study_of

LINE = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,100\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\nga,a,300,10\ngb,b,80,30\ngc,b,100,50\n",
}
"""100 MW at b, 60 of them over the line at 10 $/MWh. The rest comes from 80 MW at 30, then from 100 at 50: one more MW
of line saves 20 $/MWh from 20 MW on, 40 below, and nothing from 100 MW on."""
LINE_TEXT = '[grid]\nsource = "grid"\n[security]\ncontingencies = []\n'

OUTAGE = {
    **LINE,
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n"
    "ab1,a,b,0.1,90,60\nab2,a,b,0.1,90,90\n",
}
"""Two lines: after the loss of the second the first carries all, 60 MW at most; from 90 on the second is the limit."""

OWN_TEXT = (
    '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[solve]\ngap = 0.0\n[demand]\nit_mw = { 2030 = 110 }\n'
)
OWN = {"sites": "site,block_mw,max_blocks,county,cost_musd_per_year_per_block\nx,50,2,A,1\ny,50,2,B,3\n"}


def settled(study: Study) -> SecureProgram:
    run = Run(study, silent)
    prepared = prepare(run)
    searched = search(run, prepared, ["cost"], Goal())
    plan_of(run, prepared, searched)
    return searched.program


def row_of(table: pd.DataFrame, limit: str) -> pd.Series:
    (position,) = np.flatnonzero(table["limit"] == limit)
    return table.iloc[position]


@pytest.mark.parametrize(
    ("tables", "security", "limit", "high"),
    [
        (LINE, "[security]\ncontingencies = []\n", "normal rating", 100),
        (OUTAGE, "", "emergency rating", 90),
    ],
)
def test_the_price_of_a_line(tables: dict[str, str], security: str, limit: str, high: float, tmp_path: Path) -> None:
    program = settled(study_of(tmp_path, '[grid]\nsource = "grid"\n' + security, tables))
    table = price_ranges(program)
    row = row_of(table[table["price"] > 0], limit)
    assert (row.bound, row.price, row.price_unit) == (60, pytest.approx(20), "$/MWh")
    assert row.price_musd_per_unit == pytest.approx(20 * MUSD_PER_USD_PER_H)
    assert (row.low, row.high) == (pytest.approx(20, abs=0.06), pytest.approx(high, abs=0.06))
    assert (row.below, row.above) == ("the price changes", "the price changes")
    assert (row.price_below, row.price_above) == (pytest.approx(40), pytest.approx(0, abs=1e-6))
    assert row.largest_error_musd <= 1e-3 * 20 * MUSD_PER_USD_PER_H * 40


def test_below_the_last_generator_there_is_no_plan(tmp_path: Path) -> None:
    """With 60 MW at 30 $/MWh alone at b, the line must carry 40; from 100 MW on more of it saves nothing."""
    tables = {
        **LINE,
        "grid/generators": LINE["grid/generators"].replace("gb,b,80", "gb,b,60").replace("gc,b,100,50\n", ""),
    }
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, tables))), "normal rating")
    assert (row.low, row.high) == (pytest.approx(40, abs=0.11), pytest.approx(100, abs=0.05))
    assert row.below == "no plan with these whole decisions"
    assert np.isnan(row.price_below)


def test_a_target_missed_at_a_price(tmp_path: Path) -> None:
    """A third block would cost 3 M$; 10 MW are missed at 0.2 M$ each a year. Less than 100 MW saves nothing more."""
    text = OWN_TEXT + "penalty_musd_per_mw_year = 0.2\n"
    row = row_of(price_ranges(settled(study_of(tmp_path, text, OWN))), "demand target")
    assert (row.price, row.price_unit) == (pytest.approx(-2e5), "$/MW-year")
    assert (row.low, row.below) == (pytest.approx(100, abs=0.11), "the price changes")
    assert (row.high, row.above) == (220, "not tried further")
    assert row.price_below == pytest.approx(0)


def test_limits_on_whole_decisions(tmp_path: Path) -> None:
    """Two blocks at x and one at y: 150 MW of 190 in the period, 100 and 50 of 110 in the counties, and x is full."""
    text = OWN_TEXT + "[limits]\nshare_per_county = 1.0\nnew_it_mw_per_period = 190.0\n"
    table = price_ranges(settled(study_of(tmp_path, text, OWN)))
    pace, size = row_of(table, "construction pace"), row_of(table, "site size")
    assert (pace.price, pace.used, pace.high) == (0, 150, 380)
    assert (pace.low, pace.below) == (pytest.approx(150, abs=0.11), "no plan with these whole decisions")
    assert (size.element, size.bound, size.high, size.below) == ("x", 100, 200, "no plan with these whole decisions")
    counties = table[table["limit"] == "county share"].set_index("element")
    assert counties.loc["A", ["bound", "used"]].tolist() == [110, 100]
    assert counties.at["A", "low"] == pytest.approx(100, abs=0.11)
    assert counties.at["B", "low"] == pytest.approx(50, abs=0.11)


def test_the_price_of_an_angle(tmp_path: Path) -> None:
    """150 MW at c: line ac carries 50 MW and a third of what a gives, 80 MW at most. A MW more lets a give 3 MW more at
    10 $/MWh in place of b at 30, from 50 MW, with nothing from a, to 100, with everything from it."""
    degrees = math.degrees(0.08)
    tables = {
        **LOAD,
        "grid/branches": LOAD["grid/branches"].replace("ac,a,c,0.1,500,-30,30", f"ac,a,c,0.1,500,-30,{degrees!r}"),
    }
    row = row_of(price_ranges(settled(study_of(tmp_path, LOAD_STUDY, tables))), "angle difference")
    assert (row.element, row.bound) == ("ac", pytest.approx(80))
    assert (row.price, row.price_unit) == (pytest.approx(60), "$/MWh")
    assert (row.low, row.high) == (pytest.approx(50, abs=0.09), pytest.approx(100, abs=0.06))
    assert (row.below, row.price_above) == ("no plan with these whole decisions", pytest.approx(0, abs=1e-6))


@pytest.mark.slow
def test_the_price_of_water(tmp_path: Path) -> None:
    """The cheap source is drawn dry: a m3 more of it saves what the dear one costs more, until it serves all."""
    basin = settled_frontier(tmp_path / "first", "").case.sites.at["sb", "basin"]
    text = "".join(
        f'[[water.source]]\nbasin = "{basin}"\nname = "{name}"\navailable_m3_day = {m3}\nprice_usd_per_m3 = {usd}\n'
        for name, m3, usd in (("cheap", 40, 0.01), ("dear", 1e6, 0.51))
    )
    program = settled_frontier(tmp_path / "second", "[water]\nwithdrawal_share = 0.0\n" + text)
    drawn = {q: v.value for (b, q, _), v in program.model.water.drawn_m3_day.items() if b == basin}
    assert drawn["dear"] > 1
    table = price_ranges(program)
    row = table[(table["limit"] == "water available") & (table["element"] == f"{basin}|cheap")].iloc[0]
    assert (row.price, row.price_unit) == (pytest.approx(0.5), "$/m3")
    assert row.price_musd_per_unit == pytest.approx(0.5 * 365 / 1e6)
    assert row.low == 0
    assert row.high == pytest.approx(min(40 + drawn["dear"], 80), rel=2e-3)


def settled_frontier(folder: Path, text: str) -> SecureProgram:
    """The site at b of a study in a region, cooled by water."""
    sites = "\n".join(line for line in TABLES["sites"].splitlines() if not line.startswith(("sc", "sd"))) + "\n"
    head = TEXT.replace("100 }", "60 }") + '[cooling]\ntechnologies = ["liquid_tower"]\n'
    return settled(study_of(folder, head + text, {**TABLES, "sites": sites}))


@pytest.mark.slow
def test_caps_on_emissions_and_totals(tmp_path: Path) -> None:
    """What a plan emits follows from whole decisions: a cap has no price, and can fall to what is emitted."""
    emitted = settled_frontier(tmp_path / "first", "")
    carbon = float(pyo.value(emitted.model.ledgers.carbon_t[2030]))
    text = f"[limits]\ncarbon_t_per_year = {{ 2030 = {1.25 * carbon!r} }}\ncarbon_t = {1.5 * carbon!r}\n"
    table = price_ranges(settled_frontier(tmp_path / "second", text))
    cap, total = row_of(table, "carbon cap"), row_of(table, "total emissions")
    for row, factor, unit in ((cap, 1.25, "$/t"), (total, 1.5, "$/t CO2e")):
        assert (row.price, row.price_unit) == (0, unit)
        assert row.used == pytest.approx(carbon)
        assert row.low == pytest.approx(carbon, rel=2e-3)
        assert row.high == pytest.approx(2 * factor * carbon)
        assert row.below == "no plan with these whole decisions"


def test_a_tie_that_is_full(tmp_path: Path) -> None:
    """A free tie of 120 MW to a carries two blocks of 50, which it could with 100, and not a third."""
    tables = {**TIED, "ties": TIED["ties"].replace("sc,c,200,1", "sc,c,200,5\nsc,a,120,0")}
    row = row_of(price_ranges(settled(study_of(tmp_path, TIED_STUDY, tables))), "tie capacity")
    assert (row.bound, row.used, row.high, row.period) == (120, 100, 240, "")
    assert (row.low, row.price) == (pytest.approx(100, abs=0.13), 0)


@settings(max_examples=5, deadline=None)
@given(
    x=st.tuples(*[st.sampled_from([0.05, 0.1, 0.2])] * 3),
    rating=st.tuples(*[st.sampled_from([60, 80, 110])] * 3),
    costs=st.permutations([10, 25, 40]),
)
def test_a_case_with_the_limit_moved_costs_what_is_forecast(
    x: tuple[float, ...], rating: tuple[int, ...], costs: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Limits are moved again as allowances of the case, in programs of their own, solved cold."""
    ends = ("a,b", "a,c", "b,c")
    branches = "".join(f"l{i},{ends[i]},{x[i]},{rating[i]},{rating[i]}\n" for i in range(3))
    units = "".join(f"g{n},{n},{200 if n != 'c' else 150},{costs[i]}\n" for i, n in enumerate("abc"))
    tables = {
        "grid/buses": "bus,base_kv,load_mw\na,138,20\nb,138,40\nc,138,100\n",
        "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw\n" + branches,
        "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh\n" + units,
    }
    program = settled(study_of(tmp_path_factory.mktemp("mesh"), '[grid]\nsource = "grid"\n', tables))
    case = program.case
    before = cost_of(case)
    for row in price_ranges(program).itertuples():
        for at in (row.low, (row.low + row.bound) / 2, row.high, 0.9 * row.low, 1.1 * row.high):
            cost = cost_of(moved_to(case, row, at))
            forecast = before - row.price_musd_per_unit * (at - row.bound)
            change = abs(forecast - before)
            if row.low <= at <= row.high:
                assert cost == pytest.approx(forecast, abs=2e-3 * change + 1e-5)
            else:
                assert cost >= forecast - 1e-5


def moved_to(case: Case, row: Any, at: float) -> Case:
    """The case with a limit at a value: of a branch as an allowance, of a generator as what it can give."""
    if row.limit == "generator output":
        most = case.output_max_mw.copy()
        most.loc[row.element, row.snapshot] = at
        return replace(case, output_max_mw=most)
    rule = {"normal rating": NORMAL, "emergency rating": EMERGENCY}[row.limit]
    limit = Limit(rule, row.element, 0, row.snapshot, row.contingency)
    return loosened(case, {limit: at - row.bound})


def cost_of(case: Case) -> float:
    """Least cost of a case without whole decisions; infinite without a plan [M$]."""
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None)
    program.highs.relax(True)
    outcome = program.solve_clean("test", 50)
    return outcome.objective if outcome.status == "optimal" else np.inf


def test_the_program_is_left_as_it_was(tmp_path: Path) -> None:
    program = settled(study_of(tmp_path, LINE_TEXT, LINE))
    first = price_ranges(program)
    pd.testing.assert_frame_equal(first, price_ranges(program))
    assert program.model.power_flow.flow_mw["ab", 2030, "year"].value == pytest.approx(60)


def test_limits_beyond_the_budget_keep_their_price(tmp_path: Path) -> None:
    row = row_of(price_ranges(settled(study_of(tmp_path, LINE_TEXT, LINE)), solves=0), "normal rating")
    assert (row.price, row.low, row.high, row.below, row.n_solves) == (pytest.approx(20), 60, 60, "not tried", 0)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(rating=st.integers(5, 95), step=st.integers(-30, 30))
def test_price_times_step_is_the_change_inside_and_a_bound_outside(
    rating: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Both ends are studies of their own, read, solved and priced apart."""
    moved = max(rating + step, 1)

    def study(mw: int) -> Study:
        tables = {**LINE, "grid/branches": LINE["grid/branches"].replace("0.1,60", f"0.1,{mw}")}
        return study_of(tmp_path_factory.mktemp("line"), LINE_TEXT, tables)

    row = row_of(price_ranges(settled(study(rating))), "normal rating")
    before, after = (float(solve_study(study(mw)).summary["objective_musd"]) for mw in (rating, moved))
    forecast = before - row.price_musd_per_unit * (moved - rating)
    if row.low <= moved <= row.high:
        assert after == pytest.approx(forecast, abs=2e-3 * abs(forecast - before) + 1e-6)
    assert after >= forecast - 1e-6


# The walk alone, on convex functions whose kinks are drawn


@settings(max_examples=200, deadline=None)
@given(
    kinks=st.lists(st.tuples(st.floats(-90, 190), st.floats(0.01, 5)), min_size=0, max_size=6),
    slope=st.floats(-20, 5),
    upwards=st.booleans(),
    first=st.floats(0.5, 30),
    wall=st.floats(0.3, 95),
)
def test_the_end_is_the_first_kink(
    kinks: list[tuple[float, float]], slope: float, upwards: bool, first: float, wall: float
) -> None:
    sign = 1.0 if upwards else -1.0
    turns = sorted((at, turn) for at, turn in kinks if 0.3 < at < 100)

    def solve(at: float) -> Point:
        out = sign * (at - 100)
        if out > wall:
            return Point(at, np.inf)
        past = [(k, turn) for k, turn in turns if k < out]
        cost = 1000 + slope * out + sum(turn * (out - k) for k, turn in past)
        return Point(at, cost, sign * (slope + sum(turn for _, turn in past)))

    found = reach(solve(100.0), 100 + sign * 100, [100 + sign * first], solve, 60)
    end = sign * (found.end - 100)
    kink = min([k for k, _ in turns], default=100.0)
    assert end <= min(kink, wall) + allowed(slope, turns, kink)
    assert end >= min(kink, wall) - 0.101
    near = 0.1 + allowed(slope, turns, kink)
    if wall < kink - near:
        assert found.ending == "no solution"
    if kink < wall - near and kink < 100:
        assert found.ending == "price changes"


def allowed(slope: float, turns: list[tuple[float, float]], kink: float) -> float:
    """How far past a kink the cost stays within the tolerance of the forecast."""
    turn = next((t for k, t in turns if k == kink), 1.0)
    return (1e-7 * 1000 + 1e-3 * abs(slope) * 100) / turn + 1e-9
