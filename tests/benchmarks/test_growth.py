"""The growth benchmark at its smallest: its studies are what they say, and its picture shows every run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.growth import NETWORKS, markdown, measure, sites
from tests.benchmarks.growth_image import draw

pytestmark = pytest.mark.bench


def test_a_plan_within_the_gap_is_measured_and_drawn(tmp_path: Path) -> None:
    """A whole run by the command line: a site takes ten blocks of 100 MW, so 7 % of the load gives the fewest sites."""
    buses = NETWORKS["area"].buses()
    assert len(buses) == 518
    (found,) = measure(tmp_path, ["area"], [12], 0.05, 600.0)
    blocks = round(0.07 * buses["load_mw"].sum() / 100)
    assert found.n_sites >= -(-blocks // 10)
    assert (found.violations, found.buses, found.candidates) == (0, 518, 12)
    assert found.status in ("gap_reached", "optimal")
    assert found.gap <= 0.05
    assert found.processor_s > 0
    assert sum(found.stages[name] for name in ("read", "build", "screen", "verify")) <= found.seconds
    table = pd.read_csv(tmp_path / "growth.csv")
    assert len(table) == 1
    assert "| area | 518 | 12 |" in markdown(table)
    draw(table, tmp_path / "growth.svg")
    drawn = (tmp_path / "growth.svg").read_text(encoding="utf-8")
    assert all(words in drawn for words in ("518 buses", "candidate sites [count]", "memory at the most [MB]"))


def test_candidates_are_spread_over_all_buses_and_differ_in_cost() -> None:
    buses = pd.DataFrame({"base_kv": [345.0, 13.8, 115.0, 230.0, 115.0]}, index=list("abcde"))
    few, many = sites(buses, 2), sites(buses, 9)
    assert list(few["bus"]) == ["a", "e"]
    # Four buses of 100 kV and more: two or three candidates at each.
    assert set(many["bus"].value_counts()) == {2, 3}
    assert "b" not in set(many["bus"])
    costs = many["cost_musd_per_year_per_block"]
    assert costs.is_unique
    assert costs.between(3.5, 6.0).all()
