"""Choices on the tiny case that no study without a region can pose, worked out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from optimizer.algebra import clean_value
from optimizer.solve.loop import Limits, find_plan
from optimizer.solve.money import common_musd, decided_musd, gap_of, without_new_load
from optimizer.solve.program import Clock, SecureProgram
from optimizer.study.case import Case, PortfolioLimits
from tests.formulation.tiny import tiny_case


def solved(case: Case) -> SecureProgram:
    """A program that holds the case's best plan, proven to the last."""
    program = SecureProgram(case, 1, 0, Clock(), lambda line: None)
    found = find_plan(program, Limits(gap=0.0, max_rounds=50), abs)
    assert found.status == "optimal"
    program.highs.relax(True)
    program.fix(found.integers)
    program.highs.load(program.solve_clean("settle", 50).values)
    return program


def one_site(price_usd_per_m3: float) -> Case:
    """Only s1, 10 MW of it from the first period, energy at 20 $/MWh without limits, water at one price."""
    case = tiny_case()
    sites, ties = case.sites.loc[["s1"]], case.ties.loc[["s1c"]]
    cost = case.cost_segments.assign(width_mw=[190.0, 0.0, 100.0], cost_usd_per_mwh=[20.0, 20.0, 50.0])
    return replace(
        case,
        sites=sites,
        ties=ties,
        cooling=case.cooling.loc[["s1"]],
        pue=case.pue.loc[["s1"]],
        cost_segments=cost,
        output_max_mw=case.output_max_mw.assign(light=[200.0, 100.0]),
        branches=case.branches.assign(rating_mw=np.inf, rating_emergency_mw=np.inf),
        upgrades=case.upgrades.iloc[:0],
        water=case.water.assign(price_usd_per_m3=price_usd_per_m3),
        demand_mw=pd.Series([10.0, 10.0], index=case.periods.index),
        limits=PortfolioLimits(),
        base_overloads=case.base_overloads.iloc[:0],
    )


@pytest.mark.parametrize(("price", "chosen"), [(7.15, "tower"), (7.17, "dry")])
def test_cooling_flips_with_the_price_of_water(price: float, chosen: str) -> None:
    """Per MW and year dry cooling costs 0.3 x 1000 + 0.2 x 7760 = 1,852 MWh at 20 $ and 10,000 $ of plant more.

    47,040 $ in all, against 18 m3 a day for the tower, 6,570 m3 a year: the tower is worth its water up to 7.1598 $/m3.
    """
    model = solved(one_site(price)).model
    assert {c for (s, c), v in model.cooling.chosen.items() if clean_value(v) > 0.5} == {chosen}


def test_cost_of_a_plan_by_hand() -> None:
    """s1 with its tower, 10 MW in both periods; one M$ a year is worth 2 + 3 = 5 M$.

    Generation: ga gives 102 + 12 MW at the peak and 51 + 11 in the light snapshot, 100 $/h for the first 10 MW and 20 $
    for each further MWh: (100 + 104 x 20) x 1000 + (100 + 52 x 20) x 7760 = 11,026,400 $ a year. Site 1 + 4, tie 0.6,
    cooling 10 x 0.01, water 180 x 365 x 1 / 1e6 = 0.0657 M$ a year.
    """
    model = solved(one_site(1.0)).model
    by_account: dict[str, float] = {}
    for (account, _), value in model.ledger.cost_musd.items():
        by_account[account] = by_account.get(account, 0.0) + clean_value(value)
    expected = {"generation": 55.132, "sites": 25, "ties": 3, "cooling": 0.5, "water": 0.3285, "shortfall": 0}
    assert by_account == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert clean_value(model.objective.expr) == pytest.approx(sum(expected.values()), rel=1e-7)


def test_water_is_drawn_from_the_cheapest_source_first_and_never_beyond() -> None:
    """180 m3 a day: 100 from the cheap source, 80 from the dear one; with only 70 there, the tower is ruled out."""
    case = one_site(1.0)
    water = case.water.assign(available_m3_day=[100.0, 90.0], price_usd_per_m3=[0.5, 1.0])
    drawn = solved(replace(case, water=water)).model.water.drawn_m3_day
    assert drawn["creek", "fresh", 2032].value == pytest.approx(100, abs=1e-5)
    assert drawn["creek", "reclaimed", 2032].value == pytest.approx(80, abs=1e-5)
    scarce = solved(replace(case, water=water.assign(available_m3_day=[100.0, 70.0]))).model
    assert {c for (s, c), v in scarce.cooling.chosen.items() if clean_value(v) > 0.5} == {"dry"}


@pytest.mark.parametrize(
    ("objective", "bound", "decided", "gap"),
    [
        (100.0, 99.0, 50.0, 0.02),
        (100.0, 99.0, 0.5, 1.0),  # more is open than the decision changes
        (100.0, 99.0, -3.0, 1.0),
        (100.0, 100.0 - 0.9e-4, 1e-3, 0.0),  # within 1e-6 of 100
        (100.0, 100.0 - 1.1e-4, 1.0, 1.1e-4),
        (0.5, 0.5 - 0.9e-6, 1.0, 0.0),  # within 1e-6 of 1, the least scale
        (-100.0, -101.0, 100.0, 0.01),
    ],
)
def test_gap_is_that_of_its_definition(objective: float, bound: float, decided: float, gap: float) -> None:
    assert gap_of(objective, bound, decided) == pytest.approx(gap, rel=1e-6)


@pytest.mark.parametrize(("objective", "decided"), [(110.0, 5.0), (102.0, -2.0), (80.0, 20.0)])
def test_what_is_decided_is_what_is_added_or_saved(objective: float, decided: float) -> None:
    """Of a baseline of 100 and 5 that every plan pays: 110 adds 5 more, 80 saves 20, and 102 decides nothing."""
    assert decided_musd(tiny_case(), objective, 100.0, 5.0) == pytest.approx(decided)


def test_common_cost_is_what_every_plan_pays() -> None:
    """Per MW and year s1 costs (4 + 1 / 3) / 10, s2 (9 + 0.5 / 2) / 20; the least is 0.43333.

    10 MW for 2 and 40 MW for 3 years' worth: 140 x 0.43333 = 60.6667 M$.
    """
    assert common_musd(tiny_case()) == pytest.approx(140 * 13 / 30, rel=1e-12)
    assert common_musd(without_new_load(tiny_case())) == 0.0


def test_baseline_keeps_upgrades_and_drops_all_that_is_new() -> None:
    bare = without_new_load(tiny_case())
    assert len(bare.upgrades) == 2
    assert [len(t) for t in (bare.sites, bare.ties, bare.cooling, bare.pue, bare.water, bare.demand_mw)] == [0] * 6
    pd.testing.assert_frame_equal(bare.load_mw, tiny_case().load_mw)
