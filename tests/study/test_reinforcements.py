"""What a study offers for branches to relieve: circuits, their costs from the region's facts, and what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from optimizer.config import ExpansionSettings
from optimizer.errors import Finding
from optimizer.grid.network import Grid
from optimizer.study import Study
from optimizer.study.costs import Costs
from optimizer.study.reinforcements import reinforcements

EVERYTHING = ("line", "rebuild", "transformer")


def network(tiny: Study) -> Grid:
    """The tiny grid with n3 at 345 kV: b from n2 of 115 kV is then a transformer."""
    assert tiny.grid is not None
    buses, branches = tiny.grid.buses.copy(), tiny.grid.branches.copy()
    buses.loc["n3", "base_kv"] = 345.0
    branches.loc["b", "kind"] = "transformer"
    return replace(tiny.grid, buses=buses, branches=branches)


def costs(tiny: Study, rating_mva: float = 450) -> Costs:
    assert tiny.costs is not None
    facts = tiny.costs.facts
    lines = facts["line_costs"].assign(rebuild_musd_per_km=[0.9, np.nan])
    ratings = facts["tie_ratings"].assign(rating_per_circuit_mva=[rating_mva, 1800.0])
    return Costs({**facts, "line_costs": lines, "tie_ratings": ratings})


def offered(tiny: Study, region: Costs | None, **keys: object) -> tuple[pd.DataFrame, list[Finding]]:
    settings = ExpansionSettings(**keys)
    return reinforcements(network(tiny), None, settings, region, 2027)


def test_costs_of_the_region(tiny: Study) -> None:
    """Line a of 15 km at 115 kV: 1 M$/km new and 0.9 rebuilt on a route 1.3 times as long, 2 M$ a position at each end.

    Transformer b of 300 MVA from 345 to 115 kV: 12,000 $/MVA, and a position of 4 and one of 2 M$.
    """
    table, findings = offered(tiny, costs(tiny), branches=("a", "b"), offer=EVERYTHING)
    assert findings == []
    assert list(table.index) == ["beside a", "rebuild a", "beside b"]
    musd = [1.3 * 15 * 1.0 + 4, 1.3 * 15 * 0.9, 300 * 0.012 + 6]
    assert table["cost_musd"].tolist() == pytest.approx(musd)
    assert table["rating_mw"].tolist() == [300, 450, 300]
    assert table["replaces"].tolist() == ["", "a", ""]
    assert table["kind"].tolist() == ["line", "line", "transformer"]
    # A line: 6 months of study, 6 of permit and 24 of building. A transformer comes after 31, within 2029.
    assert table["ready"].tolist() == [2030, 2030, 2030]


def test_prices_of_the_study_are_whole(tiny: Study) -> None:
    """0.5 and 0.4 M$/km on 15 km, the rebuild of 1.5 x 300 MW at 0.8 of the reactance; 20,000 $ for each of 300 MVA."""
    table, findings = offered(
        tiny,
        None,
        branches=("a", "b"),
        offer=EVERYTHING,
        line_cost_musd_per_km=0.5,
        rebuild_cost_musd_per_km=0.4,
        rebuild_rating_factor=1.5,
        rebuild_reactance_factor=0.8,
        transformer_cost_usd_per_mva=20000.0,
        lead_months=30.0,
    )
    assert findings == []
    assert table["cost_musd"].tolist() == pytest.approx([7.5, 6.0, 6.0])
    assert table["rating_mw"].tolist() == [300, 450, 300]
    assert table["x_pu"].tolist() == pytest.approx([0.1, 0.08, 0.1])
    assert table["ready"].tolist() == [2030, 2030, 2030]


def test_the_shortest_line_is_charged_for_a_kilometre(tiny: Study) -> None:
    table, _ = offered(tiny, None, branches=("d",), line_cost_musd_per_km=0.5)
    assert table["cost_musd"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("branch", "keys", "rating_mva", "part"),
    [
        ("c", {"offer": ("line",)}, 450, "no length"),
        ("a", {"offer": ("rebuild",)}, 300, "carries no more"),
        ("a", {"offer": ("transformer",)}, 450, "nothing is offered"),
        ("b", {"offer": ("line", "rebuild")}, 450, "nothing is offered"),
    ],
)
def test_what_cannot_be_offered_is_said(
    branch: str, keys: dict[str, object], rating_mva: float, part: str, tiny: Study
) -> None:
    table, findings = offered(tiny, costs(tiny, rating_mva), branches=(branch,), **keys)
    assert table.empty
    assert [f.severity for f in findings] == ["warning"]
    assert findings[0].where == f"branch {branch}"
    assert part in findings[0].message
    assert findings[0].remedy


def test_without_region_or_price_nothing_is_offered(tiny: Study) -> None:
    """Neither what it costs nor what it carries is known of a rebuild."""
    table, findings = offered(tiny, None, branches=("a",), offer=("rebuild",))
    assert table.empty
    assert len(findings) == 2
    assert all(f.severity == "warning" for f in findings)


def test_branches_that_limit_most_buses_follow_those_of_the_study(tiny: Study) -> None:
    limited = pd.DataFrame({"bus": ["n1", "n2", "n4"], "limiting_branch": ["a", "d", "d"]})
    settings = ExpansionSettings(branches=("a",), line_cost_musd_per_km=0.5, most_branches=1)
    table, _ = reinforcements(network(tiny), limited, settings, None, 2027)
    assert list(table.index) == ["beside a", "beside d"]


def test_charging_is_the_branch_s_and_goes_against_the_reactance(tiny: Study) -> None:
    grid = network(tiny)
    grid = replace(grid, branches=grid.branches.assign(b_pu=[0.02, 0.0, *([np.nan] * (len(grid.branches) - 2))]))
    keys = {"line_cost_musd_per_km": 1.0, "rebuild_cost_musd_per_km": 1.0, "rebuild_rating_factor": 2.0}
    settings = ExpansionSettings(branches=("a", "b"), offer=("line", "rebuild"), rebuild_reactance_factor=0.8, **keys)
    table, _ = reinforcements(grid, None, settings, None, 2027)
    assert table["b_pu"].to_dict() == {"beside a": 0.02, "rebuild a": pytest.approx(0.025)}
