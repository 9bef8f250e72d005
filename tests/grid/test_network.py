"""Grid: tables checked together, the graph, islands and bridges."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import Finding, InputError
from optimizer.grid.network import Grid, bridge_mask, make_grid, validate

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def tables() -> Tables:
    """Buses a, b, c in a ring with a second circuit a-b, and d behind c; a generator at a and one out of service."""
    buses = {"bus": ["a", "b", "c", "d"], "base_kv": 345, "load_mw": [0, 50, 30, 20], "zone": ["w", "w", "e", "e"]}
    branches = {
        "branch": ["ab1", "ab2", "bc", "ca", "cd", "bd"],
        "from_bus": ["a", "b", "b", "c", "c", "b"],
        "to_bus": ["b", "a", "c", "a", "d", "d"],
        "x_pu": 0.1,
        "rating_mw": [100, 100, "", 100, 0, 100],
        "in_service": [1, 1, 1, 1, 1, 0],
    }
    generators = {"generator": ["g1", "g2"], "bus": ["a", "d"], "p_max_mw": [200, 50], "in_service": [1, 0]}
    return {
        "buses": pd.DataFrame(buses),
        "branches": pd.DataFrame(branches),
        "generators": pd.DataFrame({**generators, "carrier": ["gas", "wind"]}),
    }


def refused(tables: Tables) -> list[Finding]:
    with pytest.raises(InputError) as error:
        make_grid("g", tables)
    return [f for f in error.value.findings if f.severity == "error"]


def test_grid_fills_defaults(tables: Tables) -> None:
    grid = make_grid("g", tables)
    assert grid.branches["rating_mw"].tolist() == [100, 100, math.inf, 100, math.inf, 100]
    assert [f.rule for f in grid.findings] == ["grid.branch.unlimited"]
    assert grid.branches["rating_emergency_mw"].isna().all()
    assert grid.branches["tap"].tolist() == [1.0] * 6
    assert grid.branches.index.name == "branch"
    assert grid.generators["accredited_share"].tolist() == [1.0, 1.0]
    assert grid.snapshots.empty
    assert list(grid.hvdc.columns)[:3] == ["from_bus", "to_bus", "p_max_mw"]
    assert grid.branches_in_service.index.tolist() == ["ab1", "ab2", "bc", "ca", "cd"]
    assert validate(grid) == ()


def test_graph_holds_what_is_in_service(tables: Tables) -> None:
    graph = make_grid("g", tables).graph
    assert isinstance(graph, nx.MultiGraph)
    assert sorted(key for _, _, key in graph.edges(keys=True)) == ["ab1", "ab2", "bc", "ca", "cd"]
    assert graph.number_of_edges("a", "b") == 2
    assert graph.nodes["a"]["base_kv"] == 345
    assert graph.edges["c", "a", "ca"]["rating_mw"] == 100


def test_bridges_and_islands(tables: Tables) -> None:
    assert make_grid("g", tables).bridges() == ["cd"]
    tables["branches"].loc[3, "in_service"] = 0  # without c-a: bc too; a-b has two circuits
    assert make_grid("g", tables).bridges() == ["bc", "cd"]
    tables["branches"].loc[2, "in_service"] = 0
    tables["generators"]["in_service"] = 1
    grid = make_grid("g", tables)
    # {a, b} and {c, d} have 50 MW each: as many buses, so the one whose bus comes first.
    assert grid.islands() == [frozenset("ab"), frozenset("cd")]
    tables["buses"]["load_mw"] = [0, 50, 30, 20.5]
    assert make_grid("g", tables).islands() == [frozenset("cd"), frozenset("ab")]


@given(data=st.data())
def test_bridges_are_the_branches_whose_removal_splits(
    data: st.DataObject, networks: Any, parts_of: Callable[..., list[set[int]]]
) -> None:
    case = data.draw(networks)
    expected = [len(parts_of(case, [k])) == 2 for k in range(len(case.x_pu))]
    assert bridge_mask(case.from_position, case.to_position).tolist() == expected


def test_no_branch_no_bridge() -> None:
    assert bridge_mask(np.array([], dtype=int), np.array([], dtype=int)).tolist() == []


# One edit to the good tables, the one finding it must give: table, row position, column, value, rule and words.
EDITS = [
    ("buses", 1, "base_kv", 0, "table.value.out_of_range", "buses row 2, base_kv"),
    ("buses", 1, "base_kv", -345, "table.value.out_of_range", "it must be above 0 kV"),
    ("buses", 1, "load_mw", "nan", "table.value.not_finite", "buses row 2, load_mw"),
    ("buses", 1, "lat", 91, "table.value.out_of_range", "at most 90 deg"),
    ("branches", 2, "from_bus", "z", "grid.bus.unknown", "branches row 3, from_bus"),
    ("branches", 2, "to_bus", "b", "grid.branch.loop", "branches row 3, to_bus"),
    ("branches", 2, "x_pu", 0, "grid.branch.zero_reactance", "branches row 3, x_pu"),
    ("branches", 2, "rating_mw", -5, "table.value.out_of_range", "found -5 MW; it must be at least 0 MW"),
    ("branches", 2, "rating_emergency_mw", "-1", "table.value.out_of_range", "branches row 3, rating_emergency_mw"),
    ("branches", 2, "tap", "0", "table.value.out_of_range", "it must be above 0"),
    ("branches", 2, "kind", "cable", "grid.branch.kind", "write line or transformer"),
    ("branches", 2, "branch", "ab1", "table.id.duplicate", "it is given already in branches row 1"),
    ("branches", 4, "in_service", 0, "grid.bus.isolated", "bus d is isolated"),
    ("generators", 1, "generator", "g1", "table.id.duplicate", "generators row 2, generator"),
    ("generators", 0, "bus", "z", "grid.bus.unknown", "generators row 1, bus"),
    ("generators", 0, "p_min_mw", "300", "grid.generator.limits", "found 300 above 200 MW"),
    ("generators", 0, "p_max_mw", "", "table.value.missing", "generators row 1, p_max_mw"),
    ("generators", 0, "in_service", 0, "grid.generators.none", "no generator is in service"),
    ("generators", 0, "cost_quadratic_usd_per_mw2h", "-1", "table.value.out_of_range", "at least 0"),
    ("generators", 0, "cost_points", "0:0 50:500 100:600", "grid.generator.cost_points", "cost per MW falls"),
    ("generators", 0, "cost_points", "50:500 0:0", "grid.generator.cost_points", "order of rising MW"),
    ("generators", 0, "cost_points", "50;500", "grid.generator.cost_points", "cannot be read"),
    ("generators", 0, "cost_points", "0:0 x:1", "grid.generator.cost_points", "cannot be read"),
]


@pytest.mark.parametrize(("table", "row", "column", "value", "rule", "words"), EDITS)
def test_one_bad_cell_is_one_finding(
    tables: Tables, table: str, row: int, column: str, value: object, rule: str, words: str
) -> None:
    frame = tables[table].astype(object)
    if column not in frame.columns:
        frame = frame.assign(**{column: {"kind": "line", "tap": "1"}.get(column, "")}).astype(object)
    if column == "lat":
        frame["lon"] = ["", "0", "", ""]
    frame.loc[row, column] = value
    findings = refused({**tables, table: frame})
    assert [f.rule for f in findings] == [rule]
    assert words in str(findings[0])
    assert findings[0].remedy


def test_every_problem_is_said_at_once(tables: Tables) -> None:
    tables["buses"]["base_kv"] = [345, -1, 345, 345]
    tables["branches"]["x_pu"] = [0.1, 0.0, 0.1, "abc", 0.1, 0.1]
    tables["generators"]["bus"] = ["a", "nowhere"]
    assert sorted(f.rule for f in refused(tables)) == [
        "grid.branch.zero_reactance",
        "grid.bus.unknown",
        "table.value.out_of_range",
        "table.value.type",
    ]


def test_missing_tables_and_columns(tables: Tables) -> None:
    assert [(f.rule, f.where) for f in refused({"buses": tables["buses"]})] == [
        ("grid.table.missing", "branches"),
        ("grid.table.missing", "generators"),
    ]
    tables["branches"] = tables["branches"].drop(columns="x_pu")
    tables["buses"] = tables["buses"].drop(columns="bus")
    assert [(f.rule, f.where) for f in refused(tables)] == [
        ("table.column.missing", "buses, bus"),
        ("table.column.missing", "branches, x_pu"),
    ]


def test_a_grid_without_buses(tables: Tables) -> None:
    tables["buses"] = tables["buses"].iloc[:0]
    assert [f.rule for f in refused(tables)] == ["grid.buses.none"]


def test_an_island_without_generation(tables: Tables) -> None:
    tables["branches"].loc[[2, 3], "in_service"] = 0
    findings = refused(tables)
    assert [f.rule for f in findings] == ["grid.island.no_generation"]
    assert "bus c is in an island of 2 buses" in findings[0].message
    assert findings[0].found == "50 MW of load"


@pytest.mark.parametrize("table", ["hvdc", "circuits"])
def test_what_a_link_or_a_candidate_reaches_is_not_isolated(tables: Tables, table: str) -> None:
    tables["branches"].loc[4, "in_service"] = 0
    key = {"hvdc": "link", "circuits": "circuit"}[table]
    row = {key: "new", "from_bus": "c", "to_bus": "d", "p_max_mw": 50, "x_pu": 0.1, "rating_mw": 50, "cost_musd": 1}
    known = {"hvdc": ("link", "from_bus", "to_bus", "p_max_mw")}.get(table, tuple(row))
    tables[table] = pd.DataFrame([{k: row[k] for k in known}]).drop(columns="p_max_mw" if table == "circuits" else [])
    grid = make_grid("g", tables)
    assert len(getattr(grid, table)) == 1
    assert grid.islands()[-1] == frozenset("d")


def test_an_unused_bus_is_a_note(tables: Tables) -> None:
    tables["branches"].loc[4, "in_service"] = 0
    tables["buses"].loc[3, "load_mw"] = 0
    notes = [f for f in make_grid("g", tables).findings if f.rule == "grid.bus.unused"]
    assert [(f.severity, f.where) for f in notes] == [("info", "buses row 4")]


def test_references_of_the_other_tables(tables: Tables) -> None:
    more = {
        "upgrades": {"upgrade": ["u"], "branch": ["zz"], "added_mw": [10], "cost_musd": [1]},
        "snapshots": {"snapshot": ["h1"], "hours": [8760]},
        "load_factors": {"snapshot": ["h1", "h9"], "zone": ["north", "w"], "factor": [1, 1]},
        "availability": {
            "snapshot": ["h1", "h1", "h9"],
            "generator": ["g1", "", "g9"],
            "carrier": ["gas", "", ""],
            "zone": "",
            "factor": [1, 1, 1],
        },
        "contingencies": {"contingency": ["k", "k"], "element": ["ab1", "zz"]},
        "hvdc": {"link": ["d"], "from_bus": ["a"], "to_bus": ["z"], "p_max_mw": [10]},
    }
    findings = refused({**tables, **{name: pd.DataFrame(columns) for name, columns in more.items()}})
    assert sorted(f.where for f in findings) == [
        "availability row 1, generator",
        "availability row 2, generator",
        "availability row 3, generator",
        "availability row 3, snapshot",
        "contingencies row 2, element",
        "hvdc row 1, to_bus",
        "load_factors row 1, zone",
        "load_factors row 2, snapshot",
        "upgrades row 1, branch",
    ]


def test_least_transfer_of_a_link_is_the_opposite_of_its_largest(tables: Tables) -> None:
    links = {"link": ["d", "e"], "from_bus": "a", "to_bus": "d", "p_max_mw": [10, 10], "p_min_mw": ["", "2"]}
    assert make_grid("g", {**tables, "hvdc": pd.DataFrame(links)}).hvdc["p_min_mw"].tolist() == [-10.0, 2.0]


def test_emergency_rating_below_normal_is_a_warning(tables: Tables) -> None:
    tables["branches"]["rating_emergency_mw"] = [90, 80, 70, 120, 0, ""]
    grid = make_grid("g", tables)
    (warning,) = [f for f in grid.findings if f.severity == "warning"]
    assert warning.where == "branches row 1, rating_emergency_mw"
    assert "2 rows" in warning.message
    assert grid.branches["rating_emergency_mw"].isna().tolist() == [False, False, False, False, True, True]


def test_validate_names_rows_by_id_in_a_grid_made_by_hand(tables: Tables) -> None:
    grid: Grid = make_grid("g", tables)
    broken = dataclasses.replace(grid, branches=grid.branches.assign(x_pu=[0.1, 0, 0.1, math.nan, 0.1, 0.1]))
    assert [(f.rule, f.where) for f in validate(broken)] == [
        ("table.value.missing", "branches ca, x_pu"),
        ("grid.branch.zero_reactance", "branches ab2, x_pu"),
    ]
    alone = dataclasses.replace(grid, branches=grid.branches.drop(index="cd"))
    assert [(f.rule, f.where) for f in validate(alone)] == [("grid.bus.isolated", "buses d")]
