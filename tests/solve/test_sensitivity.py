"""Sensitivity: ends and thresholds worked out by hand, and what is said of gaps and of values without a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.config import RangeSettings
from optimizer.errors import InputError
from optimizer.plan.plan import Plan
from optimizer.solve.sensitivity import Sensitivity, find_sensitivity
from optimizer.solve.thresholds import bisect
from optimizer.solve.varied import Bar, Solved
from optimizer.study import Study
from optimizer.study.ranges import is_whole, overrides_of, own_value, unit_of
from tests.solve.frontier_cases import PENALTY, TABLES
from tests.solve.frontier_cases import TEXT as FRONTIER_TEXT
from tests.solve.small import MUSD_PER_USD_PER_H, study_of

OWN = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\nx,50,2,1\ny,50,1,3\nz,50,4,7\n"}
OWN_TEXT = (
    '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n[solve]\ngap = 0.0\n'
)
"""50 MW cost 1 M$ a year at x, 100 MW 2, 150 MW 5 with y, 200 MW 12 with z. 350 MW are all there is."""

FUEL = {
    "grid/buses": "bus,base_kv,load_mw\na,138,0\nb,138,100\n",
    "grid/branches": "branch,from_bus,to_bus,x_pu,rating_mw\nab,a,b,0.1,60\n",
    "grid/generators": "generator,bus,p_max_mw,cost_usd_per_mwh,carrier\nga,a,300,10,gas\ngb,b,300,30,coal\n",
    "grid/upgrades": "upgrade,branch,added_mw,cost_musd\nu,ab,40,4\n",
    "sites": "site,bus,block_mw,max_blocks,cost_musd_per_year_per_block\nsa,a,50,1,6\nsb,b,50,1,1\n",
}
"""100 MW at b, and 50 MW of campus at a (6 M$ a year, served by gas at 10 $/MWh) or at b (1 M$, by coal at 30, since
the line carries 60 MW). At a it costs 5 M$ more and saves 50 MW x (coal - gas), 8.76 M$ a year at these prices."""

FUEL_TEXT = """\
[grid]
source = "grid"
[sites]
table = "sites.csv"
[demand]
it_mw = { 2030 = 50 }
[security]
contingencies = []
[upgrades]
enabled = false
[solve]
gap = 0.0
"""


def a_range(what: str, low: float, high: float, more: str = "") -> str:
    return f'[[sensitivity.range]]\nwhat = "{what}"\nlow = {low}\nhigh = {high}\n{more}'


def found_for(folder: Path, text: str, tables: dict[str, str]) -> Sensitivity:
    return find_sensitivity(study_of(folder, text, tables))


def ends(found: Sensitivity, what: str) -> tuple[float, float]:
    rows = found.tornado
    low, high = rows.loc[rows["what"] == what, "change"]
    return float(low), float(high)


def test_a_tornado(tmp_path: Path) -> None:
    """Half the demand saves 1 of 2 M$, one and a half costs 3 more; a limit that holds nothing back changes nothing."""
    ranges = a_range("limits.new_it_mw_per_period", 900, 1000) + a_range("demand", 0.5, 1.5)
    kept: dict[str, Plan] = {}
    study = study_of(tmp_path, OWN_TEXT + ranges, OWN)
    found = find_sensitivity(study, keep=kept.__setitem__)
    assert [bar.label for bar in found.bars] == ["demand", "limits.new_it_mw_per_period"]
    assert ends(found, "demand") == (pytest.approx(-1), pytest.approx(3))
    assert ends(found, "limits.new_it_mw_per_period") == (pytest.approx(0), pytest.approx(0))
    table = found.tornado
    assert table["is_distinct"].tolist() == [True, True, False, False]
    assert table["own_value"].tolist()[:2] == [1, 1]
    assert table["own_value"].isna().tolist()[2:] == [True, True]
    assert table["sites_added"].tolist() == ["", "y", "", ""]
    assert {name: float(plan.summary["objective_musd"]) for name, plan in kept.items()} == {
        "own": pytest.approx(2),
        "01-low": pytest.approx(2),
        "01-high": pytest.approx(2),
        "02-low": pytest.approx(1),
        "02-high": pytest.approx(5),
    }


@pytest.mark.slow
def test_fuel_by_carrier(tmp_path: Path) -> None:
    """The plan builds at a: 6 M$, 110 MW of gas at 10 and 40 of coal at 30 $/MWh. With gas at 5 it is the same plan;
    with gas at 20 the campus moves to b: 1 M$, 60 MW of gas at 20 and 90 of coal. Nothing can be upgraded."""
    ranges = a_range("fuel_price", 0.5, 2.0, 'carrier = "gas"\n') + a_range("upgrade_cost", 0.5, 2.0)
    found = found_for(tmp_path, FUEL_TEXT + ranges, FUEL)
    assert found.base.sites == {"sa"}
    assert found.base.objective == pytest.approx(6 + (110 * 10 + 40 * 30) * MUSD_PER_USD_PER_H)
    cheaper, dearer = ends(found, "fuel_price gas")
    assert cheaper == pytest.approx(-110 * 5 * MUSD_PER_USD_PER_H)
    at_b = 1 + (60 * 20 + 90 * 30) * MUSD_PER_USD_PER_H
    assert dearer == pytest.approx(at_b - found.base.objective)
    assert ends(found, "upgrade_cost") == (pytest.approx(0), pytest.approx(0))


@pytest.mark.slow
def test_a_threshold_in_closed_form(tmp_path: Path) -> None:
    """At a the campus costs 5 M$ more and saves 50 MW x (30 - 10 f) $/h: the site moves at
    f = 3 - 5 / (500 MUSD_PER_USD_PER_H)."""
    ranges = a_range("fuel_price", 1.0, 2.5, 'carrier = "gas"\nwidth = 0.01\n')
    found = found_for(tmp_path, FUEL_TEXT + ranges, FUEL)
    (threshold,) = found.thresholds
    factor = 3 - 5 / (500 * MUSD_PER_USD_PER_H)
    assert threshold.below.value <= factor <= threshold.above.value
    assert threshold.above.value - threshold.below.value <= 0.01
    assert (threshold.below.sites, threshold.above.sites) == ({"sa"}, {"sb"})
    assert threshold.is_proven
    (row,) = found.threshold_table.to_dict("records")
    assert (row["sites_added"], row["sites_dropped"]) == ("sb", "sa")


@pytest.mark.slow
def test_an_upgrade_overrun_in_closed_form(tmp_path: Path) -> None:
    """The upgrade of 4 M$ lets 40 MW of gas take the place of coal, which saves 40 MW x 20 $/h, 7.008 M$ a year. At
    half its cost it saves 2 M$ more; at three times it is not built, and what it saved is lost."""
    text = FUEL_TEXT.replace("enabled = false", "enabled = true") + a_range("upgrade_cost", 0.5, 3.0)
    found = found_for(tmp_path, text, FUEL)
    worth = 40 * 20 * MUSD_PER_USD_PER_H
    assert ends(found, "upgrade_cost") == (pytest.approx(-2), pytest.approx(worth - 4))


@pytest.mark.slow
def test_pue_acts_on_the_overhead(tmp_path: Path) -> None:
    study = study_of(tmp_path, OWN_TEXT.replace("[sites]", '[sites]\nregion = "texas"'), OWN)
    half = study.override(overrides_of(study.config, RangeSettings(what="pue", low=0.5, high=2.0), 0.5))
    own, less = study.cooling.table, half.cooling.table
    assert (own["pue_annual"] > 1).any()
    for column in ("pue_annual", "pue_hot_day"):
        np.testing.assert_allclose(less[column] - 1, 0.5 * (own[column] - 1))
    np.testing.assert_array_equal(less["wue_m3_per_mwh"], own["wue_m3_per_mwh"])


@pytest.mark.slow
def test_an_end_without_a_plan(tmp_path: Path) -> None:
    """350 MW are all that the sites hold, 3.5 times the demand; from 1 on, y comes in beside x."""
    found = found_for(tmp_path, OWN_TEXT + a_range("demand", 3.0, 4.0, "width = 0.05\n"), OWN)
    low, high = found.tornado.to_dict("records")
    assert (high["status"], high["is_distinct"]) == ("infeasible", True)
    assert np.isnan([high["change"], high["objective"]]).all()
    # 300 MW: 100 at x, 50 at y and 150 at z.
    assert low["change"] == pytest.approx(2 + 3 + 21 - 2)
    first, last = found.thresholds
    assert (first.below.value, first.below.sites, first.above.sites) == (1.0, {"x"}, {"x", "y"})
    assert last.below.value <= 3.5 <= last.above.value
    assert last.below.has_plan
    assert not last.above.has_plan
    assert last.above.value - last.below.value <= 0.05


def test_whole_keys_take_whole_values(tmp_path: Path) -> None:
    config = study_of(tmp_path, OWN_TEXT, OWN).config
    years = RangeSettings(what="study.decision_year", low=2024, high=2030)
    share = RangeSettings(what="water.withdrawal_share", low=0, high=1)
    assert (is_whole(config, years), is_whole(config, share)) == (True, False)
    (value,) = overrides_of(config, years, 2028.0).values()
    assert isinstance(value, int)
    assert (own_value(config, years), unit_of(years)) == (2026, "year")
    assert (own_value(config, share), unit_of(share)) == (0.1, "-")
    target = RangeSettings(what="demand.it_mw.2030", low=50, high=150)
    assert (own_value(config, target), unit_of(target)) == (100, "MW")


@pytest.mark.slow
def test_a_whole_key_that_the_study_leaves_out_takes_whole_values_too(tmp_path: Path) -> None:
    """No number of sites is written, and what stands in for it is none: 100 sites are not 100.0."""
    study = study_of(tmp_path, FRONTIER_TEXT, TABLES)
    one = RangeSettings(what="sites.max_sites", low=1.0, high=2.0)
    bare = study.override({"sites.max_sites": None}).config
    assert own_value(bare, one) is None
    assert is_whole(bare, one)
    assert overrides_of(bare, one, 2.0) == {"sites.max_sites": 2}
    assert isinstance(overrides_of(bare, one, 2.0)["sites.max_sites"], int)
    # A key that takes any number stays one, written or not, and so does a year's in a table of years.
    for what in ("limits.share_per_county", "demand.it_mw.2030", "limits.budget_musd.2030"):
        assert not is_whole(bare, RangeSettings(what=what, low=0.5, high=2.0))
    varied = study.override({"sites.max_sites": None, "sensitivity.range": [one.model_dump(exclude_none=True)]})
    assert not [f for f in varied.findings if f.rule.startswith(("study.range", "config"))]


def test_a_change_within_the_gaps_is_not_distinct() -> None:
    base = Solved(1.0, "gap_reached", 100.0, 98.0, 0.02, frozenset("a"))
    near = Solved(2.0, "gap_reached", 101.0, 99.0, 0.02, frozenset("b"))
    far = Solved(3.0, "gap_reached", 104.0, 102.5, 0.02, frozenset("b"))
    assert near.change_from(base) == (1.0, -1.0, 3.0)
    assert not near.differs_from(base)
    assert far.change_from(base) == (4.0, 2.5, 6.0)
    assert far.differs_from(base)
    assert not base.differs_from(base)


@given(at=st.floats(0.001, 0.999), width=st.floats(0.001, 0.4))
def test_bisection_keeps_the_change_between(at: float, width: float) -> None:
    solved = lambda value: Solved(value, "optimal", 1.0, 1.0, 0.0, frozenset("a" if value < at else "b"))  # noqa: E731
    below, above = bisect(solved(0.0), solved(1.0), width, solved)
    assert below.value < at <= above.value
    assert above.value - below.value <= width * (1 + 1e-9)


@given(at=st.integers(1, 100))
def test_bisection_of_whole_values(at: int) -> None:
    solved = lambda value: Solved(value, "optimal", 1.0, 1.0, 0.0, frozenset("a" if value < at else "b"))  # noqa: E731
    below, above = bisect(solved(0.0), solved(100.0), 1.0, solved, is_whole=True)
    assert (below.value, above.value) == (at - 1, at)


def test_a_limit_without_a_plan_ends_the_search() -> None:
    one, other = (Solved(v, "optimal", 1.0, 1.0, 0.0, frozenset(s)) for v, s in ((0.0, "a"), (1.0, "b")))
    stuck = lambda value: Solved(value, "limit_without_plan")  # noqa: E731
    assert bisect(one, other, 0.1, stuck) == (one, other)


REFUSED = {
    "no such quantity": (a_range("water", 0.5, 2), "study.range.unknown", "demand"),
    "no such key": (a_range("water.share", 0.5, 2), "config.unknown_key", "withdrawal_share"),
    "not a number": (a_range("study.name", 0.5, 2), "config.wrong_type", ""),
    "out of range": (a_range("water.withdrawal_share", 0.5, 2), "config.out_of_range", "at most 1"),
    "not an input": (a_range("solve.gap", 0.0, 0.1), "study.range.no_input", "another table"),
    "upside down": (a_range("demand", 2, 1), "config.range_order", ""),
    "a carrier for demand": (a_range("demand", 0.5, 2, 'carrier = "gas"\n'), "config.range_carrier", ""),
    "fuel of nothing": (a_range("fuel_price", 0.5, 2), "config.range_carrier", "carrier"),
    "twice": (a_range("demand", 0.5, 2) * 2, "config.duplicate_name", "once"),
    "a width of nothing": (a_range("demand", 0.5, 2, "width = 0\n"), "config.out_of_range", "more than 0"),
}


@pytest.mark.parametrize(("text", "rule", "remedy"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_before_anything_is_solved(text: str, rule: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        study_of(tmp_path, OWN_TEXT + text, OWN)
    (finding,) = caught.value.findings
    assert finding.rule == rule
    assert finding.where.startswith("study.toml: sensitivity.range") or finding.where.startswith("sensitivity.range#1")
    assert remedy in finding.remedy


def test_a_carrier_that_no_generator_has(tmp_path: Path) -> None:
    """Refused before anything is solved, whichever end is the study's own, and once for both ends."""
    for low, high in ((0.5, 1.0), (1.0, 2.0), (0.5, 2.0)):
        with pytest.raises(InputError) as caught:
            study_of(tmp_path, FUEL_TEXT + a_range("fuel_price", low, high, 'carrier = "goal"\n'), FUEL)
        (finding,) = caught.value.findings
        assert (finding.rule, finding.found) == ("study.carrier.unknown", "'goal'")
        assert finding.where == "sensitivity.range#1 (fuel_price goal): conditions.fuel_price_factors"
        assert "coal" in finding.remedy


def test_a_carrier_that_the_study_itself_misspells_is_found_once(tmp_path: Path) -> None:
    own = "[conditions.fuel_price_factors]\ngoal = 2.0\n"
    with pytest.raises(InputError) as caught:
        study_of(tmp_path, FUEL_TEXT + own + a_range("fuel_price", 0.5, 2.0, 'carrier = "gas"\n'), FUEL)
    (finding,) = caught.value.findings
    assert (finding.rule, finding.where) == ("study.carrier.unknown", "conditions.fuel_price_factors")


def test_nothing_of_a_grid_to_vary_without_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        study_of(tmp_path, OWN_TEXT + a_range("upgrade_cost", 0.5, 2.0), OWN)
    (finding,) = caught.value.findings
    assert finding.rule == "study.conditions.no_grid"


def test_factors_act_on_those_of_the_study(tmp_path: Path) -> None:
    """A range's factor of 3 on a study's own 2 is 6; factors of other carriers stay."""
    own = "[conditions]\nupgrade_cost_factor = 2.0\nfuel_price_factors = { gas = 2.0, coal = 1.5 }\n"
    config = study_of(tmp_path, FUEL_TEXT + own, FUEL).config
    fuel = RangeSettings(what="fuel_price", carrier="gas", low=1.0, high=3.0)
    assert overrides_of(config, fuel, 3.0) == {"conditions.fuel_price_factors": {"gas": 6.0, "coal": 1.5}}
    upgrades = RangeSettings(what="upgrade_cost", low=1.0, high=3.0)
    assert overrides_of(config, upgrades, 3.0) == {"conditions.upgrade_cost_factor": 6.0}


def test_a_study_without_ranges(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names no quantity"):
        find_sensitivity(study_of(tmp_path, OWN_TEXT, OWN))


@pytest.mark.slow
def test_ranges_are_not_inherited_by_the_studies_they_make(tmp_path: Path) -> None:
    seen: list[Study | None] = []
    study = study_of(tmp_path, OWN_TEXT + a_range("demand", 0.5, 1.5), OWN)
    found = find_sensitivity(study, keep=lambda name, plan: seen.append(plan.study))
    assert all(one is not None and one.config.sensitivity.range == () for one in seen)
    assert found.study is study


@pytest.mark.slow
def test_another_objective(tmp_path: Path) -> None:
    """Emissions as objective: all is missed at a price, whatever is asked for, and no limit of the search is priced."""
    text = FRONTIER_TEXT + PENALTY + a_range("demand", 0.5, 1.4)
    study = study_of(tmp_path, text, TABLES).override({"study.objective": "carbon", "limits.delay_mw_years": 90.0})
    found = find_sensitivity(study)
    assert (found.objective, found.unit) == ("carbon", "t CO2e")
    # At least 10 MW of 100 must be served, a block of 30; none of 50, two of 140.
    assert found.base.objective > 0
    assert ends(found, "demand") == (pytest.approx(-found.base.objective), pytest.approx(found.base.objective, rel=0.2))
    assert "total delay" in set(found.ranges["limit"])
    assert "total emissions" not in set(found.ranges["limit"])


def test_a_study_without_campuses(tmp_path: Path) -> None:
    """100 MW over a line of 60: gas at 5 $/MWh saves 60 x 5 $/h, and no site can change."""
    text = '[grid]\nsource = "grid"\n[security]\ncontingencies = []\n[upgrades]\nenabled = false\n'
    tables = {name: table for name, table in FUEL.items() if name != "sites"}
    found = found_for(tmp_path, text + a_range("fuel_price", 0.5, 1.5, 'carrier = "gas"\n'), tables)
    assert ends(found, "fuel_price gas") == (
        pytest.approx(-300 * MUSD_PER_USD_PER_H),
        pytest.approx(300 * MUSD_PER_USD_PER_H),
    )
    assert found.thresholds == ()


def test_the_largest_swing_comes_first() -> None:
    base = Solved(1.0, "optimal", 10.0, 10.0, 0.0)
    ends_of = lambda a, b: (replace(base, objective=a, bound=a), replace(base, objective=b, bound=b))  # noqa: E731
    small, large = (Bar(None, n, "x", 1.0, *ends_of(*v)) for n, v in (("s", (9, 11)), ("l", (3, 10))))  # type: ignore[arg-type]
    assert small.swing(base) == 1
    assert large.swing(base) == 7
    none = Bar(None, "n", "x", 1.0, base, Solved(2.0, "infeasible"))  # type: ignore[arg-type]
    assert none.swing(base) == np.inf
