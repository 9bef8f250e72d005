"""The picture of supply through the day, and gas lines, as the report shows them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from optimizer.report import supply_figure
from optimizer.report.html import render_report
from tests.solve.small import checked_plan
from tests.solve.test_supply import GRID, engine, study

DAYS = ((("night", 8.0), ("day", 16.0)), (("storm", 24.0),))


def test_days_stand_apart_and_snapshots_are_as_wide_as_they_last() -> None:
    """8 and 16 h of a day, then 24 h of another after a gap, then a snapshot that is in none."""
    at = supply_figure.places(DAYS, ["night", "day", "storm", "outage"])
    gap, each = supply_figure.GAP_H, supply_figure.EACH_H
    assert [(p.middle, p.width, p.day) for p in at.values()] == [
        (4.0, 8.0, 0),
        (16.0, 16.0, 0),
        (24 + gap + 12, 24.0, 1),
        (48 + 2 * gap + each / 2, each, 2),
    ]
    assert list(at) == ["night", "day", "storm", "outage"]


def test_without_an_order_every_snapshot_has_the_same_width() -> None:
    at = supply_figure.places((), ["a", "b"])
    assert {p.width for p in at.values()} == {supply_figure.EACH_H}
    assert [p.day for p in at.values()] == [0, 1]


def test_bars_are_what_is_given_and_taken_and_the_line_what_is_drawn() -> None:
    given = pd.DataFrame({"solar": [0.0, 30.0], "battery": [8.0, 0.0]}, index=["night", "day"])
    taken = pd.Series({"day": 10.0, "night": 0.0})
    drawn = pd.Series({"night": 50.0, "day": 60.0})
    figure = supply_figure.supply_through_the_day(given, taken, drawn, DAYS[:1])
    names = {trace.name: trace for trace in figure.data}
    assert list(names) == ["solar", "battery", "into storage", "what these campuses draw"]
    assert list(names["solar"].y) == [0.0, 30.0]
    assert list(names["into storage"].y) == [0.0, -10.0]
    assert list(names["what these campuses draw"].y) == [50.0, 50.0, 60.0, 60.0]
    assert list(names["what these campuses draw"].x) == [0.0, 8.0, 8.0, 24.0]
    assert list(figure.layout.xaxis.ticktext) == ["night", "day"]
    assert "MW" in figure.layout.yaxis.title.text
    idle = supply_figure.supply_through_the_day(given, 0 * taken, pd.Series(dtype=float), DAYS[:1])
    assert [trace.name for trace in idle.data] == ["solar", "battery"]


def test_names_of_users_stay_text() -> None:
    given = pd.DataFrame({"<b>x</b>": [1.0]}, index=["<i>y</i>"])
    figure = supply_figure.supply_through_the_day(given, pd.Series(dtype=float), pd.Series({"<i>y</i>": 1.0}), ())
    shown = figure.to_json()
    assert "<b>" not in shown
    assert "<i>" not in shown


@pytest.mark.parametrize("km", [10.0, 0.0])
def test_the_report_shows_output_and_gas_lines(tmp_path: Path, km: float) -> None:
    """10 km of line at 0.1 M$ are 1 M$, less than the 100 MW of engines save: 7.5 M$ at 0.1 M$ a MW."""
    sites = (
        GRID["sites"].replace("emission_t_per_mwh", "emission_t_per_mwh,gas_line_km").replace("0.4\n", f"0.4,{km}\n")
    )
    extra = '[supply]\ntechnologies = ["engine"]\ntable = "supply.csv"\ngas_line_musd_per_km = 0.1\n'
    plan = checked_plan(study(tmp_path, extra, supply=engine(0.1), sites=sites))
    assert plan.table("supply")["capacity_mw"].tolist() == [100.0]
    page = render_report(plan)
    assert "what these campuses draw" in page
    assert ("Gas lines to campuses" in page) == (km > 0)
    if km:
        assert plan.table("gas_lines")["cost_musd"].tolist() == pytest.approx([1.0])
