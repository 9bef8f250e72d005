"""Study areas: the boundary by hand, and flows and PTDFs that are those of the whole network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.area import Area, area_of, cut_area
from optimizer.grid.columns import TABLES
from optimizer.grid.dc import DCNetwork
from optimizer.grid.network import Grid, make_grid, validate
from optimizer.grid.topology import common_corridors, is_equivalent, neighbourhood
from optimizer.io import read_grid, read_tables, write_tables

Tables = dict[str, pd.DataFrame]


@pytest.fixture
def tables() -> Tables:
    """Buses a, b inside, o outside: a-b and a-o of x = 0.1, o-b of 0.2; 90 MW at a serve 90 MW at o."""
    return {
        "buses": pd.DataFrame({"bus": ["a", "b", "o"], "base_kv": [345, 345, 345], "load_mw": [0, 0, 90]}),
        "branches": pd.DataFrame(
            {
                "branch": ["ab", "ao", "ob"],
                "from_bus": ["a", "a", "o"],
                "to_bus": ["b", "o", "b"],
                "x_pu": [0.1, 0.1, 0.2],
                "rating_mw": 100,
            }
        ),
        "generators": pd.DataFrame({"generator": ["g"], "bus": ["a"], "p_max_mw": [200], "p_mw": [90]}),
    }


def flows(grid: Grid) -> pd.Series:
    """DC flows of the branches in service at p_mw [MW]."""
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    injection = -(grid.buses["load_mw"] + grid.buses["shunt_mw"])
    running = grid.generators[grid.generators["in_service"]]
    injection = injection.add(running.groupby("bus")["p_mw"].sum(), fill_value=0.0)[grid.buses.index]
    return pd.Series(network.flows(injection.to_numpy()), index=network.branch_ids)


def transfers(grid: Grid, susceptance: Any = "x") -> pd.DataFrame:
    """Flow of each branch per MW from each bus to the first [MW/MW]: PTDFs that do not depend on the reference."""
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service, susceptance)
    columns = network.ptdf_columns(np.arange(network.n_bus))
    return pd.DataFrame(columns - columns[:, :1], index=network.branch_ids, columns=network.bus_ids)


def refused(grid: Grid, *request: Any, **options: Any) -> list[str]:
    with pytest.raises(InputError) as error:
        cut_area(grid, *request, **options)
    return [f.rule for f in error.value.findings]


def finding(area: Area, rule: str) -> Any:
    return next(f for f in area.findings if f.rule == rule)


def test_equivalent_by_hand(tables: Tables) -> None:
    """The path a-o-b is one branch of 0.1 + 0.2; of the load at o, 10 of 15 parts go to a and 5 to b."""
    area = cut_area(make_grid("g", tables), ["a", "b"])
    assert area.equivalents == ("equivalent a - b",)
    row = area.grid.branches.loc["equivalent a - b"]
    assert row["x_pu"] == pytest.approx(0.3, rel=1e-12)
    assert (row["rating_mw"], row["tap"], row["shift_deg"], row["kind"]) == (np.inf, 1.0, 0.0, "line")
    assert area.grid.buses["load_mw"].tolist() == pytest.approx([60, 30], rel=1e-12)
    assert area.fixed["outside_load_mw"].tolist() == pytest.approx([60, 30], rel=1e-12)
    assert area.fixed["outside_generation_mw"].tolist() == [0, 0]
    # 90 MW from a to o divide over 0.1 and 0.1 + 0.2: 67.5 and 22.5.
    assert area.fixed["interchange_mw"].tolist() == pytest.approx([67.5, 22.5], rel=1e-12)
    assert flows(area.grid)["ab"] == pytest.approx(22.5, rel=1e-12)


def test_interchange_by_hand(tables: Tables) -> None:
    """What leaves at a and b, 67.5 and 22.5 MW, is load there."""
    area = cut_area(make_grid("g", tables), "a", 1, boundary="interchange")
    assert len(area.grid.buses) == 3  # everything is one hop from a
    area = cut_area(make_grid("g", tables), ["a", "b"], boundary="interchange")
    assert area.equivalents == ()
    assert area.grid.branches.index.tolist() == ["ab"]
    assert area.grid.buses["load_mw"].tolist() == pytest.approx([67.5, 22.5], rel=1e-12)
    assert area.fixed["outside_load_mw"].isna().all()
    assert flows(area.grid)["ab"] == pytest.approx(22.5, rel=1e-12)


def test_a_star_becomes_a_mesh() -> None:
    """Three branches of x = 0.1 to a bus outside: 10 * 10 / 30 between every two, so x = 0.3."""
    star = {
        "buses": pd.DataFrame({"bus": list("abco"), "base_kv": [345, 345, 138, 345], "load_mw": [0, 0, 10, 0]}),
        "branches": pd.DataFrame(
            {"branch": list("xyz"), "from_bus": list("abo"), "to_bus": list("ooc"), "x_pu": 0.1, "rating_mw": ""}
        ),
        "generators": pd.DataFrame({"generator": ["g"], "bus": ["a"], "p_max_mw": [20]}),
    }
    area = cut_area(make_grid("g", star), ["a", "b", "c"])
    assert area.grid.branches["x_pu"].tolist() == pytest.approx([0.3] * 3, rel=1e-12)
    assert area.grid.branches["kind"].tolist() == ["line", "transformer", "transformer"]
    assert [f"equivalent {pair}" for pair in ("a - b", "a - c", "b - c")] == list(area.equivalents)
    assert common_corridors(area.grid) == {}


def test_a_bus_that_hangs_on_the_outside_alone_brings_its_load(tables: Tables) -> None:
    """Radial o2 behind o: its 30 MW of load and 10 MW of generation come to the boundary as those of o do."""
    tables["buses"].loc[3] = ["o2", 345, 30]
    tables["branches"].loc[3] = ["oo", "o", "o2", 0.4, 100]
    tables["generators"] = pd.DataFrame(
        {"generator": ["g", "h"], "bus": ["a", "o2"], "p_max_mw": [200, 50], "p_mw": [110, 10]}
    )
    area = cut_area(make_grid("g", tables), ["a", "b"])
    assert area.fixed["outside_load_mw"].tolist() == pytest.approx([80, 40], rel=1e-12)
    assert area.fixed["outside_generation_mw"].tolist() == pytest.approx([20 / 3, 10 / 3], rel=1e-12)
    assert area.grid.buses["load_mw"].tolist() == pytest.approx([220 / 3, 110 / 3], rel=1e-12)


def test_losses_and_missing_outputs_are_spread(tables: Tables) -> None:
    """60 of 90 MW are given: 40 at a and 20 at b become 60 and 30. Shares of p_max, 100 and 50 MW, do the same."""
    tables["generators"] = pd.DataFrame(
        {"generator": ["g", "h"], "bus": ["a", "b"], "p_max_mw": [100, 50], "p_mw": [40, 20]}
    )
    area = cut_area(make_grid("g", tables), ["a", "b"])
    assert area.grid.generators["p_mw"].tolist() == pytest.approx([60, 30])
    assert "p_mw of the generators" in finding(area, "grid.area.dispatch").message
    assert "30.0 MW" in finding(area, "grid.area.dispatch").found
    missing = make_grid("g", {**tables, "generators": tables["generators"].drop(columns="p_mw")})
    area = cut_area(missing, ["a", "b"])
    assert area.grid.generators["p_mw"].tolist() == pytest.approx([60, 30])
    assert "the same share of every generator" in finding(area, "grid.area.dispatch").message
    area = cut_area(missing, ["a", "b"], dispatch=pd.Series({"h": 81.0, "g": 9.0}))
    assert area.grid.generators["p_mw"].tolist() == pytest.approx([9, 81])
    assert refused(missing, ["a", "b"], dispatch=pd.Series({"g": 9.0})) == ["grid.area.dispatch"]


def test_output_that_is_not_given_can_be_given_in_every_snapshot(tables: Tables) -> None:
    """Least availability: of g its own 0.3, of h 0.2 of wind in w, of i 0.5 of wind, of j 1: 30, 20, 50 and 100 MW.

    Of 200 MW they serve 90, each 45 %: 13.5, 9, 22.5 and 45 MW.
    """
    tables["buses"]["zone"] = ["w", "w", "e"]
    tables["generators"] = pd.DataFrame(
        {
            "generator": ["g", "h", "i", "j"],
            "bus": ["a", "b", "o", "b"],
            "p_max_mw": 100,
            "carrier": ["wind", "wind", "wind", "gas"],
        }
    )
    rows = [
        ("s", "", "wind", "", 0.5),
        ("s", "", "wind", "w", 0.6),
        ("s", "g", "", "", 0.3),
        ("s", "", "gas", "e", 0.1),
    ]
    rows += [("t", "", "wind", "", 0.9), ("t", "", "wind", "w", 0.2), ("t", "g", "", "", 0.4)]
    tables["availability"] = pd.DataFrame(rows, columns=["snapshot", "generator", "carrier", "zone", "factor"])
    area = cut_area(make_grid("g", tables), ["a", "b"])
    assert area.grid.generators["p_mw"].tolist() == pytest.approx([13.5, 9, 45])
    assert area.fixed["outside_generation_mw"].sum() == pytest.approx(22.5)


def test_links_over_the_boundary_are_fixed(tables: Tables) -> None:
    """40 MW leave at b for o, 36 of them arrive: 40 MW more load at b, and 54 at o, of which 36 and 18 are moved.

    A link inside stays a link, one outside comes with the rest.
    """
    tables["hvdc"] = pd.DataFrame(
        {
            "link": ["over", "in", "idle"],
            "from_bus": ["b", "a", "o"],
            "to_bus": ["o", "b", "a"],
            "p_max_mw": 50,
            "p_mw": [40, 10, 30],
            "loss_share": [0.1, 0, 0],
            "in_service": [1, 1, 0],
        }
    )
    area = cut_area(make_grid("g", tables), ["a", "b"])
    assert area.grid.hvdc.index.tolist() == ["in"]
    assert area.fixed["outside_load_mw"].tolist() == pytest.approx([36, 18], rel=1e-12)
    assert area.fixed["fixed_load_mw"].tolist() == pytest.approx([36, 58], rel=1e-12)
    assert area.grid.generators["p_mw"].tolist() == pytest.approx([94], rel=1e-12)
    assert "1 links, the first over" in finding(area, "grid.area.hvdc").found


def test_tables_hold_what_is_inside(tables: Tables) -> None:
    tables["buses"]["zone"] = ["w", "w", "e"]
    tables["generators"] = pd.DataFrame(
        {"generator": ["g", "h"], "bus": ["a", "o"], "p_max_mw": [200, 9], "p_mw": [90, 0], "carrier": ["gas", "wind"]}
    )
    tables["circuits"] = pd.DataFrame(
        {"circuit": ["n", "m"], "from_bus": "a", "to_bus": ["b", "o"], "x_pu": 0.1, "rating_mw": 9, "cost_musd": 1}
    )
    tables["upgrades"] = pd.DataFrame({"upgrade": ["u", "v"], "branch": ["ab", "ao"], "added_mw": 5, "cost_musd": 1})
    tables["snapshots"] = pd.DataFrame({"snapshot": ["s"], "hours": [8760]})
    tables["load_factors"] = pd.DataFrame({"snapshot": "s", "zone": ["w", "e"], "factor": [0.5, 0.7]})
    tables["availability"] = pd.DataFrame(
        {"snapshot": "s", "generator": ["g", "h", ""], "carrier": ["", "", "wind"], "zone": "", "factor": 0.5}
    )
    tables["contingencies"] = pd.DataFrame({"contingency": ["p", "p", "q"], "element": ["ab", "ao", "ab"]})
    area = cut_area(make_grid("g", tables), ["a", "b"])
    grid = area.grid
    assert grid.circuits.index.tolist() == ["n"]
    assert grid.upgrades.index.tolist() == ["u"]
    assert grid.load_factors["zone"].tolist() == ["w"]
    assert grid.availability["generator"].tolist() == ["g"]
    assert grid.contingencies["contingency"].tolist() == ["q"]
    assert grid.generators.index.tolist() == ["g"]
    assert finding(area, "grid.area.left_out").found == "1 candidate circuits, 1 upgrades, 1 listed outages"
    assert [f for f in validate(grid) if f.severity == "error"] == []


def test_findings_say_what_was_cut(tables: Tables) -> None:
    area = cut_area(make_grid("g", tables), ["a", "b"])
    cut = finding(area, "grid.area.cut")
    assert "2 buses" in cut.message
    assert cut.found == "1 buses, 2 branches, 90 MW of load and 0 MW of generation cut off"
    assert "DC equivalent" in finding(area, "grid.area.boundary").message
    assert "1 equivalent branches" in finding(area, "grid.area.boundary").found
    assert "without outside limits" in finding(area, "grid.area.limits").message
    assert set(area.findings) <= set(area.grid.findings)
    other = cut_area(make_grid("g", tables), ["a", "b"], boundary="interchange")
    assert "interchange" in finding(other, "grid.area.boundary").message
    assert "net export 90.0 MW" in finding(other, "grid.area.boundary").found
    assert "no power goes around" in finding(other, "grid.area.limits").message


def test_a_whole_network_stays_as_it_is(tables: Tables) -> None:
    grid = make_grid("g", tables)
    area = cut_area(grid, "a", 3)
    assert [f.rule for f in area.findings] == ["grid.area.whole"]
    assert area.fixed.empty
    for table in TABLES:
        assert getattr(area.grid, table) is getattr(grid, table)


def test_an_island_of_its_own_has_no_boundary(tables: Tables) -> None:
    tables["branches"] = tables["branches"].iloc[:1]
    tables["buses"]["load_mw"] = [0, 90, 0]
    area = cut_area(make_grid("g", tables), "a", 5)
    assert area.grid.buses.index.tolist() == ["a", "b"]
    assert area.fixed.empty
    assert area.equivalents == ()
    assert flows(area.grid)["ab"] == pytest.approx(90)


def test_bad_requests(tables: Tables) -> None:
    grid = make_grid("g", tables)
    assert refused(grid, "z", 0, boundary="wall") == ["grid.area.hops", "grid.area.centre", "grid.area.boundary"]
    assert refused(grid, "a") == ["grid.area.hops"]
    assert refused(grid, ["a", "z", "y"]) == ["grid.area.bus", "grid.area.bus"]
    assert refused(grid, []) == ["grid.area.empty"]
    assert refused(grid, ["b", "o"]) == ["grid.area.no_generation"]


def test_a_part_without_generation_is_refused(tables: Tables) -> None:
    """Without the outside a and b are alone: a has a generator, and of b's load, served from outside, nothing is left.

    With the equivalent a serves it.
    """
    tables["branches"] = tables["branches"].iloc[1:]
    tables["buses"]["load_mw"] = [0, 10, 80]
    grid = make_grid("g", tables)
    rules = refused(grid, ["a", "b"], boundary="interchange")
    assert rules == ["grid.bus.isolated", "grid.bus.unused", "grid.area.parts"]
    assert cut_area(grid, ["a", "b"]).equivalents == ("equivalent a - b",)


@pytest.mark.parametrize(
    ("text", "boundary"),
    [("S:1", "equivalent"), ("S:1:equivalent", "equivalent"), (" S : 1 : interchange", "interchange")],
)
def test_an_area_in_words(tables: Tables, text: str, boundary: str) -> None:
    tables["buses"]["substation"] = ["S", "", ""]
    tables["buses"].loc[3] = ["far:1", 345, 5, ""]
    tables["branches"].loc[3] = ["of", "o", "far:1", 0.1, 9]
    grid = make_grid("g", tables)
    area = area_of(grid, text)
    assert (area.boundary, len(area.grid.buses)) == (boundary, 3)
    # A centre may have colons of its own.
    with pytest.raises(InputError, match="no generator in service is inside"):
        area_of(grid, "far:1:1:interchange")


@pytest.mark.parametrize("text", ["", "a", "a:", "a:x", "a:1.5", "a:equivalent", ":", "a:99999999999", "a:²"])
def test_words_that_are_no_area(tables: Tables, text: str) -> None:
    with pytest.raises(InputError) as error:
        area_of(make_grid("g", tables), text)
    assert [f.rule for f in error.value.findings] == ["grid.area.text"]


@pytest.mark.parametrize(
    ("text", "rule"), [("a:0", "hops"), ("a:-2", "hops"), ("z:2", "centre"), ("a:2:w", "boundary")]
)
def test_words_that_are_a_wrong_area(tables: Tables, text: str, rule: str) -> None:
    with pytest.raises(InputError) as error:
        area_of(make_grid("g", tables), text)
    assert [f.rule for f in error.value.findings] == [f"grid.area.{rule}"]


def made(case: Any, injection: np.ndarray, **columns: Any) -> Grid:
    """A grid of an example: a unit at every bus with output 10 above what load and shunt leave of the injection."""
    load = np.linspace(5, 40, case.n_bus)
    buses = {"bus": case.buses, "base_kv": 345, "load_mw": load, "shunt_mw": 3.0}
    units = {"generator": [f"g{n}" for n in range(case.n_bus)], "bus": case.buses, "p_max_mw": 900, "p_min_mw": -900}
    return make_grid(
        "g",
        {
            "buses": pd.DataFrame(buses),
            "branches": case.branches.rename_axis("branch").reset_index().assign(rating_mw=100, **columns),
            "generators": pd.DataFrame({**units, "p_mw": injection + load + 3.0}),
        },
    )


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data())
def test_flows_inside_are_those_of_the_whole(data: st.DataObject, balanced: Any, solve_dense: Any) -> None:
    """Both boundaries, taps and phase shifters anywhere, against the pseudo-inverse of the whole network."""
    case, injection = data.draw(balanced)
    whole = solve_dense(case, injection)
    grid = made(case, injection)
    hops = data.draw(st.integers(1, 3))
    near = neighbourhood(grid, data.draw(st.sampled_from(list(case.buses))), hops).index.tolist()
    chosen = sorted(data.draw(st.sets(st.sampled_from(list(case.buses)), min_size=1)), key=case.buses.get_loc)
    least = data.draw(st.sampled_from([0.0, 1e-6, 0.1, 0.4]))
    for area in (
        cut_area(grid, near, boundary="interchange"),
        cut_area(grid, near, least_share=least),
        cut_area(grid, chosen, least_share=0),
    ):
        found = flows(area.grid)
        real = [b for b in found.index if b not in area.equivalents]
        expected = pd.Series(whole, index=case.branches.index)[real]
        np.testing.assert_allclose(found[real], expected, rtol=1e-9, atol=1e-9 * max(1.0, np.abs(whole).max()))


@settings(max_examples=20)
@given(data=st.data(), susceptance=st.sampled_from(["x", "series"]))
def test_ptdfs_inside_are_those_of_the_whole(data: st.DataObject, networks: Any, susceptance: Any) -> None:
    case = data.draw(networks)
    grid = made(case, np.zeros(case.n_bus))
    chosen = sorted(data.draw(st.sets(st.sampled_from(list(case.buses)), min_size=1)), key=case.buses.get_loc)
    area = cut_area(grid, chosen, susceptance=susceptance, least_share=0)
    found = transfers(area.grid, susceptance)
    whole = transfers(grid, susceptance)
    real = [b for b in found.index if b not in area.equivalents]
    expected = whole.loc[real, chosen].sub(whole.loc[real, chosen[0]], axis=0)
    np.testing.assert_allclose(found.loc[real, chosen], expected, rtol=0, atol=1e-9)


@pytest.mark.slow
@settings(max_examples=20)
@given(data=st.data())
def test_equivalents_are_the_schur_complement(data: st.DataObject, networks: Any) -> None:
    """Susceptances and the Ward distribution against dense algebra on the whole matrix."""
    case = data.draw(networks)
    assume(case.n_bus > 2)
    inside = sorted(data.draw(st.sets(st.integers(0, case.n_bus - 1), min_size=1, max_size=case.n_bus - 1)))
    outside = [n for n in range(case.n_bus) if n not in inside]
    b = 100.0 / (case.x_pu * case.tap)
    matrix = np.zeros((case.n_bus, case.n_bus))
    for i, j, mw in zip(case.from_position, case.to_position, b, strict=True):
        matrix[[i, j], [i, j]] += mw
        matrix[[i, j], [j, i]] -= mw
    distribution = -matrix[np.ix_(inside, outside)] @ np.linalg.inv(matrix[np.ix_(outside, outside)])
    schur = matrix[np.ix_(inside, inside)] + distribution @ matrix[np.ix_(outside, inside)]
    grid = made(case, np.zeros(case.n_bus))
    area = cut_area(grid, [case.buses[n] for n in inside], least_share=0)
    rows = area.grid.branches_in_service
    found = np.zeros_like(schur)
    at = area.grid.buses.index
    for one, other, x, tap in rows[["from_bus", "to_bus", "x_pu", "tap"]].itertuples(index=False):
        i, j = at.get_loc(one), at.get_loc(other)
        found[[i, j], [i, j]] += 100.0 / (x * tap)
        found[[i, j], [j, i]] -= 100.0 / (x * tap)
    np.testing.assert_allclose(found, schur, rtol=0, atol=1e-9 * b.max())
    load = (grid.buses["load_mw"] + 3.0).to_numpy()[outside]
    moved = area.fixed["outside_load_mw"].reindex(at).fillna(0.0)
    np.testing.assert_allclose(moved, distribution @ load, rtol=1e-9, atol=1e-9)
    output = grid.generators["p_mw"].to_numpy()[outside]
    moved = area.fixed["outside_generation_mw"].reindex(at).fillna(0.0)
    np.testing.assert_allclose(moved, distribution @ output, rtol=1e-9, atol=1e-9)


@settings(max_examples=20)
@given(data=st.data())
def test_what_is_left_out_changes_no_more_than_is_said(data: st.DataObject, networks: Any) -> None:
    case = data.draw(networks)
    grid = made(case, np.zeros(case.n_bus))
    chosen = sorted(data.draw(st.sets(st.sampled_from(list(case.buses)), min_size=2)), key=case.buses.get_loc)
    least = data.draw(st.sampled_from([0.05, 0.2]))
    area = cut_area(grid, chosen, least_share=least)
    small = [f for f in area.findings if f.rule == "grid.area.small"]
    if not small:
        return
    full = cut_area(grid, chosen, least_share=0)
    real = [b for b in area.grid.branches.index if b not in area.equivalents]
    if not real:
        return
    islands = area.grid.islands()
    assert len(islands) == 1  # a branch without which the network splits carries all of a transfer
    found, expected = (transfers(a.grid).loc[real].to_numpy() for a in (area, full))
    # From the boundary bus that the finding refers to, every other differs at most by what it says.
    sink = area.grid.buses.index.get_loc(area.fixed.index[0])
    change = (found - found[:, [sink]]) - (expected - expected[:, [sink]])
    assert np.abs(change).max() <= small[0].value + 1e-9


def test_an_area_is_written_and_read(tables: Tables, tmp_path: Path) -> None:
    tables["buses"]["owner"] = ["x", "", "y"]
    tables["branches"]["b_pu"] = 0.02
    area = cut_area(make_grid("g", tables), ["a", "b"])
    write_tables(area.grid, tmp_path / "area")
    again = read_tables(tmp_path / "area")
    assert is_equivalent(again.branches).tolist() == [False, True]
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(area.grid, table), getattr(again, table), check_exact=True)
    # An area can be cut again: its equivalents stay such, under names of their own.
    smaller = cut_area(again, ["a", "b"])
    assert is_equivalent(smaller.grid.branches).tolist() == [False, True]


@pytest.fixture(scope="module")
def texas() -> Grid:
    return read_grid("texas")


def test_texas_has_the_flows_and_outages_of_the_whole(texas: Grid) -> None:
    """An area of 10 hops: flows to 1e-6 MW, PTDFs and LODFs to 1e-8, with every equivalent kept."""
    area = cut_area(texas, texas.buses.index[0], 10, least_share=0)
    carriers = texas.availability.groupby("carrier")["factor"].min()
    least = texas.generators["carrier"].map(carriers).fillna(1.0)
    output = texas.generators["in_service"] * texas.generators["p_max_mw"] * least
    assert len(area.grid.buses) > 50
    # The same share of p_max times least availability everywhere, found here once more.
    share = (texas.buses["load_mw"] + texas.buses["shunt_mw"]).sum() / output.sum()
    np.testing.assert_allclose(area.grid.generators["p_mw"], output[area.grid.generators.index] * share, atol=1e-9)
    whole = flows(Grid(**{**vars_of(texas), "generators": texas.generators.assign(p_mw=output * share)}))
    found = flows(area.grid)
    real = [b for b in found.index if b not in area.equivalents]
    np.testing.assert_allclose(found[real], whole[real], rtol=0, atol=1e-6)
    big = DCNetwork.build(texas.buses.index, texas.branches_in_service)
    small = DCNetwork.build(area.grid.buses.index, area.grid.branches_in_service)
    at_big, at_small = big.branch_ids.get_indexer(real), small.branch_ids.get_indexer(real)
    one, other = big.transfer_columns(at_big)[at_big], small.transfer_columns(at_small)[at_small]
    np.testing.assert_allclose(other, one, rtol=0, atol=1e-8)


def vars_of(grid: Grid) -> dict[str, Any]:
    return {"name": grid.name, "base_mva": grid.base_mva, **{table: getattr(grid, table) for table in TABLES}}


def test_texas_leaves_out_little(texas: Grid) -> None:
    area = cut_area(texas, texas.buses.index[0], 14)
    small = finding(area, "grid.area.small")
    assert small.value < 1e-3
    assert len(area.equivalents) < len(cut_area(texas, texas.buses.index[0], 14, least_share=0).equivalents)
