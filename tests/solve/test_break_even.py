"""The launch price at which orbit breaks even beside a grid: by hand, and with how few solves it is found.

A block of 50 MW on a campus costs 9.38 M$ a year with its energy. In orbit it launches 20 / 0.8 kg a kW, which over the
five years of a satellite is 0.25 M$ a year for each $/kg.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.report.html import render_report
from optimizer.solve import break_even, solve_study
from optimizer.study import Study
from tests.solve.rented_cases import CAMPUS_MUSD, COLUMNS, GRID, STUDY, lease, read
from tests.solve.small import HEAD, checked_plan, study_of

ORBIT = "[orbit]\nlaunch_usd_per_kg = {}\nkg_per_kw = 20\nsunlit_share = 0.8\nfirst_year = 2030\n"
SHELL = "shell,orbital,,50,4,{},,,\n"
BLOCK = 0.25
KEY = "break_even_launch_usd_per_kg"


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Costs found by the solves of the search for the price, as they come."""
    found, search = [], break_even.search

    def counted(*args: object, **keys: object) -> object:
        result = search(*args, **keys)
        found.append(next(iter(result.values.values())))
        return result

    monkeypatch.setattr(break_even, "search", counted)
    return found


def seven_blocks(folder: Path, price: float, yearly: float = 0.0) -> Study:
    """350 MW are seven blocks, of which the grid carries six, and a lease at 12 M$ the seventh."""
    return read(folder, lease(12.0) + SHELL.format(yearly), ORBIT.format(price))


def large_campus(folder: Path, price: float) -> Study:
    """Two blocks at one campus whose site costs 10 M$ a year: both in orbit save it."""
    header = COLUMNS.replace("cost_musd_per_year_per_block", "cost_musd_per_year_per_block,fixed_cost_musd_per_year")
    sites = header + "sc,campus,c,50,6,5,10,,,\nshell,orbital,,50,4,0,0,,,\n"
    text = STUDY.replace("350", "100") + ORBIT.format(price)
    return study_of(folder, text, {**GRID, "sites": sites}, HEAD)


@pytest.mark.every(2)
@pytest.mark.parametrize(("price", "most"), [(100.0, 2), (20.0, 3), (47.0, 3), (50.0, 2)])
def test_orbit_in_the_place_of_a_lease(tmp_path: Path, solves: list[float], price: float, most: int) -> None:
    """One block saves 12 M$ at 0.25 M$ a $/kg: 48 $/kg. The best small plan says so, and one solve proves it.

    Where the study's own plan launches nothing, it is the best without orbit.
    """
    plan = checked_plan(seven_blocks(tmp_path, price), written=price == 20.0)
    assert plan.summary[KEY] == pytest.approx(12 / BLOCK)
    assert len(solves) <= most
    assert solves[-1] == pytest.approx(12 + 6 * CAMPUS_MUSD)


@pytest.mark.every(2)
@pytest.mark.parametrize("price", [30.0, 70.0])
def test_where_more_in_orbit_breaks_even_at_more(tmp_path: Path, solves: list[float], price: float) -> None:
    """One block saves 9.38 M$, 37.5 $/kg; two save the site too, 28.76 M$ at 0.5 M$ a $/kg: 57.5 $/kg."""
    plan = checked_plan(large_campus(tmp_path, price))
    assert plan.summary[KEY] == pytest.approx((10 + 2 * CAMPUS_MUSD) / (2 * BLOCK))
    assert len(solves) <= 4
    assert "breaks even at a launch price of 58 $/kg" in render_report(plan)


def test_orbit_that_is_too_dear_in_operation_has_no_price(tmp_path: Path, solves: list[float]) -> None:
    """12.1 M$ a year without a launch are more than a lease costs; nothing is proven dearer than a free launch."""
    plan = checked_plan(seven_blocks(tmp_path, 10.0, 12.1))
    assert plan.summary[KEY] is None
    assert len(solves) <= 2
    assert not [f for f in plan.findings if f.rule == "solve.orbit.break_even"]


def test_what_is_known_when_no_time_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small plan is worth 37.5 $/kg; without a solve there that is all that is known, and it is said."""
    solve = break_even._Trial.solve

    def stopped(trial: break_even._Trial, price: float | None, *args: float, **keys: bool) -> object:
        return None if price else solve(trial, price, *args, **keys)

    monkeypatch.setattr(break_even._Trial, "solve", stopped)
    plan = solve_study(large_campus(tmp_path, 70.0))
    assert plan.summary[KEY] is None
    (said,) = [f for f in plan.findings if f.rule == "solve.orbit.break_even"]
    assert said.found == f"{CAMPUS_MUSD / BLOCK:.6g} $/kg"
    assert [f for f in verify_plan(write_plan(plan, tmp_path / "plan")) if f.severity == "error"] == []
