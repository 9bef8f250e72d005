"""Parallel circuits, corridors, radial load and neighbourhoods, counted by hand and against plain searches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.contingency import OutageSet
from optimizer.grid.network import Grid, make_grid
from optimizer.grid.topology import common_corridors, corridors, neighbourhood, parallel_circuits, radial_load
from optimizer.io import read_grid

Rows = list[tuple[Any, ...]]


def grid_of(buses: Rows, branches: Rows, units: Rows) -> Grid:
    """Buses (name, kV, substation, load), branches (name, from, to, kind, rating, in service), units (bus, p_max)."""
    table = pd.DataFrame(branches, columns=["branch", "from_bus", "to_bus", "kind", "rating_mw", "in_service"])
    feeding = pd.DataFrame(units, columns=["bus", "p_max_mw"])
    return make_grid(
        "g",
        {
            "buses": pd.DataFrame(buses, columns=["bus", "base_kv", "substation", "load_mw"]),
            "branches": table.assign(x_pu=0.1),
            "generators": feeding.assign(generator=[f"g{i}" for i in range(len(feeding))]),
        },
    )


@pytest.fixture
def stations() -> Grid:
    """Substations S (s1, s2 at 345 kV, s3 at 138 kV), T (t1, t2 at 345 kV, t3 at 138 kV), and a bus u of its own.

    l1 and l2 join different buses of the same substations at 345 kV, l3 joins them at 138 kV; p1, p2 and p3 run in
    parallel from t1 to u, p3 written the other way; p4 beside them is out of service; t and tt are transformers.
    """
    buses = [("s1", 345, "S", 0), ("s2", 345, "S", 0), ("s3", 138, "S", 20), ("t1", 345, "T", 0), ("t2", 345, "T", 0)]
    buses += [("t3", 138, "T", 30), ("u", 345, "", 70)]
    branches = [
        ("tie", "s1", "s2", "line", 900, 1),
        ("t", "s2", "s3", "transformer", 200, 1),
        ("tt", "s2", "s3", "transformer", 300, 1),
        ("l1", "s1", "t1", "line", 400, 1),
        ("p1", "t1", "u", "line", 100, 1),
        ("l2", "t2", "s2", "line", 500, 1),
        ("l3", "s3", "t3", "line", 90, 1),
        ("p2", "t1", "u", "line", 110, 1),
        ("p3", "u", "t1", "line", 120, 1),
        ("p4", "t1", "u", "line", 130, 0),
    ]
    return grid_of(buses, branches, [("s1", 500)])


def test_parallel_circuits_join_the_same_buses(stations: Grid) -> None:
    table = parallel_circuits(stations)
    assert table.index.tolist() == ["t", "tt", "p1", "p2", "p3"]
    assert table["group"].tolist() == ["s2 - s3"] * 2 + ["t1 - u"] * 3
    assert table["kind"].tolist() == ["transformer"] * 2 + ["line"] * 3
    assert table["circuits"].tolist() == [2, 2, 3, 3, 3]
    assert table["rating_mw"].tolist() == [200, 300, 100, 110, 120]
    assert table["group_rating_mw"].tolist() == [500, 500, 330, 330, 330]


def test_a_corridor_joins_two_substations_at_one_voltage(stations: Grid) -> None:
    table = corridors(stations)
    assert table.index.tolist() == ["l1", "l2", "p1", "p2", "p3"]  # neither the transformers, nor l3 at 138 kV
    assert table["corridor"].tolist() == ["S - T 345 kV"] * 2 + ["T - u 345 kV"] * 3
    assert table["circuits"].tolist() == [2, 2, 3, 3, 3]
    assert table["base_kv"].tolist() == [345.0] * 5
    assert table["corridor_rating_mw"].tolist() == [900, 900, 330, 330, 330]


def test_double_circuits_are_every_pair_of_a_corridor(stations: Grid) -> None:
    """One pair of two circuits, three pairs of three."""
    assert list(common_corridors(stations).values()) == [("l1", "l2"), ("p1", "p2"), ("p1", "p3"), ("p2", "p3")]
    assert next(iter(common_corridors(stations))) == "l1+l2"


def test_a_bus_and_a_substation_of_one_name_are_two_places() -> None:
    buses = [("a", 345, "", 0), ("b", 345, "a", 10), ("c", 345, "", 0)]
    branches = [("l1", "a", "c", "line", 1, 1), ("l2", "b", "c", "line", 1, 1), ("l3", "a", "b", "line", 1, 1)]
    assert common_corridors(grid_of(buses, branches, [("a", 9)])) == {}


def test_no_branch_is_on_no_corridor() -> None:
    grid = grid_of([("a", 345, "", 1)], [], [("a", 9)])
    assert common_corridors(grid) == {}
    assert corridors(grid).empty
    assert parallel_circuits(grid).empty
    assert radial_load(grid).empty


def test_radial_load_by_hand() -> None:
    """A ring a-b-c with the chain c-d-e and f at a: cd carries d and e, de carries e, fa carries f.

    f has 80 MW, the rest 20 + 5 + 2: the outage of fa loses the side with less load, which is all but f.
    """
    buses = [("a", 345, "", 20), ("b", 345, "", 0), ("c", 345, "", 0), ("d", 345, "", 5), ("e", 345, "", 2)]
    ends = [("ab", "a", "b"), ("bc", "b", "c"), ("ca", "c", "a"), ("cd", "c", "d"), ("ed", "e", "d"), ("fa", "f", "a")]
    branches = [(*e, "line", 100, 1) for e in ends]
    grid = grid_of([*buses, ("f", 345, "", 80)], branches, [("a", 90), ("e", 30), ("f", 7)])
    table = radial_load(grid)
    assert table.index.tolist() == ["cd", "ed", "fa"]
    assert table["bus"].tolist() == ["c", "d", "f"]
    assert table["far_bus"].tolist() == ["d", "e", "a"]
    assert table["buses"].tolist() == [2, 1, 5]
    assert table["load_mw"].tolist() == [7, 2, 27]
    assert table["generation_mw"].tolist() == [30, 30, 120]


@given(data=st.data())
def test_radial_load_is_what_the_outage_loses(data: st.DataObject, networks: Any) -> None:
    """The same side as `OutageSet` finds by a depth-first order over arrays."""
    case = data.draw(networks)
    load = data.draw(st.lists(st.integers(0, 3), min_size=case.n_bus, max_size=case.n_bus))
    buses = [(bus, 345, "", mw) for bus, mw in zip(case.buses, load, strict=True)]
    rows = case.branches
    branches = [(b, i, j, "line", 1, 1) for b, i, j in zip(rows.index, rows["from_bus"], rows["to_bus"], strict=True)]
    table = radial_load(grid_of(buses, branches, [(bus, 2.0) for bus in case.buses]))
    outages = OutageSet.branches(case.network(), np.array(load, dtype=float))
    lost = {
        name: at for name, at, split in zip(outages.names, outages.lost_buses, outages.splits, strict=True) if split
    }
    main = {name: n for name, n, split in zip(outages.names, outages.main_bus, outages.splits, strict=True) if split}
    assert table.index.tolist() == list(lost)
    for branch, row in table.iterrows():
        assert row["buses"] == len(lost[branch])
        assert row["load_mw"] == sum(load[n] for n in lost[branch])
        assert row["generation_mw"] == 2.0 * len(lost[branch])
        assert row["bus"] == case.buses[main[branch]]


def test_neighbourhood_by_hand(stations: Grid) -> None:
    """From s1: s2 and t1 are one branch away; s3, t2 and u two; t3 three."""
    assert neighbourhood(stations, "s1", 1).index.tolist() == ["s1", "s2", "t1"]
    table = neighbourhood(stations, "s1", 9)
    assert table["hops"].to_dict() == {"s1": 0, "s2": 1, "s3": 2, "t1": 1, "t2": 2, "t3": 3, "u": 2}
    assert table["load_mw"].sum() == 120
    assert table["generation_mw"].to_dict()["s1"] == 500
    # All buses of a substation are the centre.
    assert neighbourhood(stations, "T", 1)["hops"].to_dict() == {
        "s1": 1,
        "s2": 1,
        "s3": 1,
        "t1": 0,
        "t2": 0,
        "t3": 0,
        "u": 1,
    }


@given(data=st.data())
def test_neighbourhood_is_reached_by_steps(data: st.DataObject, networks: Any) -> None:
    case = data.draw(networks)
    start, hops = data.draw(st.integers(0, case.n_bus - 1)), data.draw(st.integers(1, 4))
    reached = {start}
    for _ in range(hops):
        steps = list(zip(case.from_position.tolist(), case.to_position.tolist(), strict=True))
        reached |= {j for i, j in steps if i in reached} | {i for i, j in steps if j in reached}
    rows = case.branches
    branches = [(b, i, j, "line", 1, 1) for b, i, j in zip(rows.index, rows["from_bus"], rows["to_bus"], strict=True)]
    grid = grid_of([(bus, 345, "", 0) for bus in case.buses], branches, [(case.buses[0], 1.0)])
    assert neighbourhood(grid, case.buses[start], hops).index.tolist() == [case.buses[n] for n in sorted(reached)]


def test_unknown_centre_and_no_hops_are_found_at_once(stations: Grid) -> None:
    with pytest.raises(InputError) as error:
        neighbourhood(stations, "s11", 0)
    rules = [f.rule for f in error.value.findings]
    assert rules == ["grid.area.hops", "grid.area.centre"]
    assert "did you mean 's1'?" in error.value.findings[1].remedy
    assert "7 buses" in error.value.findings[1].remedy


def test_texas(repository: Path, parts_of: Callable[..., Any]) -> None:
    """Every double circuit of Texas is two lines of one voltage between the same two substations."""
    grid = read_grid(repository / "datasets" / "texas" / "grid")
    station, kv = grid.buses["substation"], grid.buses["base_kv"]
    pairs = common_corridors(grid)
    table = corridors(grid)
    sizes = table.groupby("corridor", sort=False).size()
    assert len(pairs) == int((sizes * (sizes - 1) // 2).sum())
    for one, other in pairs.values():
        ends = [{(station[b], kv[b]) for b in grid.branches.loc[l, ["from_bus", "to_bus"]]} for l in (one, other)]
        assert ends[0] == ends[1]
        assert len(ends[0]) == 2
