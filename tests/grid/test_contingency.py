"""Flows after outages, against networks solved again without the branch (and without the lost side)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.contingency import OutageFactors, OutageSet

Make = Callable[..., Any]


def after_outage(factors: OutageFactors, flow: np.ndarray, number: int, snapshot: int = 0) -> np.ndarray:
    """Flows after one outage, 0 where nothing is left."""
    factor, alive = factors.columns(np.array([number]), snapshot)
    driving = flow[factors.outages.positions[number]]
    return np.where(alive[:, 0], flow + factor[:, 0] * driving, 0.0)


def solved_again(
    case: Any, injection: np.ndarray, k: int, load: np.ndarray, weight: np.ndarray, dense: Make, parts: Make
) -> np.ndarray:
    """The stated rule, from scratch: the side with less load goes, the generators of the other share the imbalance."""
    found = parts(case, [k])
    if len(found) == 1:
        return np.asarray(dense(case, injection, [k]))
    lost = min(found, key=lambda part: load[sorted(part)].sum())
    main = sorted(set(range(case.n_bus)) - lost)
    share = np.zeros(case.n_bus)
    share[main] = weight[main] / weight[main].sum()
    left = np.where(np.isin(np.arange(case.n_bus), main), injection, 0.0)
    out = [l for l in range(len(case.x_pu)) if case.from_position[l] in lost or case.to_position[l] in lost]
    return np.asarray(dense(case, left - left.sum() * share, out))


def test_triangle_lodf_by_hand(make_example: Make) -> None:
    """Where one side of a triangle is out, all of its flow takes the other two: +-1."""
    net = make_example(3, [(0, 1), (0, 2), (1, 2)], [0.1, 0.1, 0.2]).network()
    outages = OutageSet.branches(net, np.zeros(3))
    assert not outages.splits.any()
    factor, alive = OutageFactors(net, outages, np.ones(3)).block(slice(None), 0)
    np.testing.assert_allclose(factor, [[0, 1, -1], [1, 0, 1], [-1, 1, 0]], atol=1e-12)
    np.testing.assert_array_equal(alive, ~np.eye(3, dtype=bool))


def test_parallel_circuits_by_hand(make_example: Make) -> None:
    """Two equal circuits 0-1 beside a path 0-2-1 of three times their reactance each, x = 0.1 and 0.15 + 0.15.

    After one circuit is out, its flow divides over the other (0.1) and the path (0.3): 3/4 and 1/4.
    """
    net = make_example(3, [(0, 1), (0, 1), (0, 2), (2, 1)], [0.1, 0.1, 0.15, 0.15]).network()
    outages = OutageSet.branches(net, np.zeros(3))
    assert not outages.splits.any()
    factor, _ = OutageFactors(net, outages, np.ones(3)).block(slice(0, 1), 0)
    np.testing.assert_allclose(factor[:, 0], [0.0, 0.75, 0.25, 0.25], atol=1e-12)


def test_splitting_outage_by_hand(make_example: Make) -> None:
    """A triangle 0, 1, 2 (x = 0.1, 0.1, 0.2 as in test_dc) with a generator bus 3 behind 0.

    Injection: 60 MW at bus 3, 40 MW at bus 1, -100 MW at bus 2. Before: bus 0 passes the 60 on, so the flows are
    0.25*60 - 0.5*40 = -5, 0.75*60 + 20 = 65, 15 + 20 = 35, and -60 on the branch 0-3.
    Bus 3 has no load and is lost; the 60 MW that are missing come from the generators of the main side in proportion
    to 100 MW at bus 1 and 50 MW at bus 2: 40 and 20. Injections 0, 80, -80: flows -40, 40, 40.
    """
    net = make_example(4, [(0, 1), (0, 2), (1, 2), (0, 3)], [0.1, 0.1, 0.2, 0.1]).network()
    outages = OutageSet.branches(net, np.array([0.0, 0.0, 100.0, 0.0]))
    assert outages.splits.tolist() == [False, False, False, True]
    assert outages.names == ("l0", "l1", "l2", "l3")
    assert [lost.tolist() for lost in outages.lost_buses] == [[], [], [], [3]]
    assert outages.main_bus.tolist() == [-1, -1, -1, 0]
    assert outages.disconnected_buses.tolist() == [3]
    factors = OutageFactors(net, outages, np.array([0.0, 100.0, 50.0, 75.0]))
    flow = net.flows(np.array([0.0, 40.0, -100.0, 60.0]))
    np.testing.assert_allclose(flow, [-5, 65, 35, -60], atol=1e-9)
    np.testing.assert_allclose(after_outage(factors, flow, 3), [-40, 40, 40, 0], atol=1e-9)
    assert factors.columns(np.array([3]), 0)[1][:, 0].tolist() == [True, True, True, False]


@given(data=st.data())
def test_every_outage_agrees_with_the_network_solved_again(
    data: st.DataObject, balanced: Any, solve_dense: Make, parts_of: Make
) -> None:
    case, injection = data.draw(balanced)
    n = case.n_bus
    # Different loads, so that no two sides are equal: ties have a test of their own.
    load = np.array(data.draw(st.permutations([2.0**i for i in range(n)])))
    weight = np.array(data.draw(st.lists(st.floats(1, 100), min_size=2 * n, max_size=2 * n))).reshape(n, 2)
    net = case.network()
    outages = OutageSet.branches(net, load)
    factors = OutageFactors(net, outages, weight)
    flow = net.flows(injection)
    for k in range(net.n_branch):
        assert outages.splits[k] == (len(parts_of(case, [k])) == 2)
        for snapshot in (0, 1):
            expected = solved_again(case, injection, k, load, weight[:, snapshot], solve_dense, parts_of)
            np.testing.assert_allclose(after_outage(factors, flow, k, snapshot), expected, atol=1e-6, rtol=1e-8)


@given(data=st.data())
def test_topology_and_numbers_agree_on_what_splits(data: st.DataObject, networks: Any) -> None:
    """1 - P_kk is 0 for a bridge and for nothing else."""
    net = data.draw(networks).network()
    own = np.diag(net.transfer_columns(np.arange(net.n_branch)))
    outages = OutageSet.branches(net, np.ones(net.n_bus))
    np.testing.assert_array_equal(np.abs(1 - own) < 1e-9, outages.splits)


@given(data=st.data())
def test_memory_limit_changes_nothing(data: st.DataObject, balanced: Any) -> None:
    case, _ = data.draw(balanced)
    net = case.network()
    outages = OutageSet.branches(net, np.arange(net.n_bus))
    weight = np.linspace(1, 2, net.n_bus)
    kept = OutageFactors(net, outages, weight).block(slice(None), 0)
    again = OutageFactors(net, outages, weight, cache_bytes=0).block(slice(None), 0)
    np.testing.assert_allclose(kept[0], again[0], atol=1e-12)
    np.testing.assert_array_equal(kept[1], again[1])


def test_lost_side_has_less_load_then_fewer_buses_then_no_reference(make_example: Make) -> None:
    """A path 0-1-2-3-4; the reference is bus 1, the first of those with two circuits."""
    net = make_example(5, [(0, 1), (1, 2), (2, 3), (3, 4)]).network()
    assert net.reference.tolist() == [1]

    def lost(load: list[float]) -> list[list[int]]:
        return [side.tolist() for side in OutageSet.branches(net, np.array(load)).lost_buses]

    assert lost([0, 0, 0, 0, 9.0]) == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3]]
    assert lost([9.0, 0, 0, 0, 0]) == [[1, 2, 3, 4], [2, 3, 4], [3, 4], [4]]
    assert lost([0.0, 0, 0, 0, 0]) == [[0], [0, 1], [3, 4], [4]]  # equal loads: fewer buses
    # 0.1 + 0.2 against 0.3 is equal, whatever order they are added in.
    assert lost([0.1, 0.2, 0, 0, 0.3])[1:3] == [[0, 1], [3, 4]]
    even = make_example(4, [(0, 1), (1, 2), (2, 3)]).network()
    assert even.reference.tolist() == [1]
    assert OutageSet.branches(even, np.ones(4)).lost_buses[1].tolist() == [2, 3]


def test_splitting_can_be_left_out(make_example: Make) -> None:
    net = make_example(4, [(0, 3), (0, 1), (0, 2), (1, 2)]).network()
    outages = OutageSet.branches(net, np.array([1.0, 1, 1, 0]), skip_splitting=True)
    assert outages.names == ("l1", "l2", "l3")
    assert outages.positions.tolist() == [1, 2, 3]
    assert len(outages) == 3
    assert not outages.splits.any()
    assert outages.disconnected_buses.size == 0


def test_other_islands_keep_their_flows(make_example: Make) -> None:
    net = make_example(5, [(0, 1), (1, 2), (3, 4)]).network()
    outages = OutageSet.branches(net, np.array([5.0, 1, 1, 1, 1]))
    factor, alive = OutageFactors(net, outages, np.ones(5)).block(slice(0, 1), 0)
    assert outages.lost_buses[0].tolist() == [1, 2]
    assert factor[:, 0].tolist() == [0, 0, 0]
    assert alive[:, 0].tolist() == [False, False, True]


def test_a_main_side_without_generation_is_lost_too(make_example: Make) -> None:
    """All generation behind the bridge 0-3, the load in the triangle: nothing can serve it after the outage."""
    net = make_example(4, [(0, 1), (0, 2), (1, 2), (0, 3)]).network()
    outages = OutageSet.branches(net, np.array([0.0, 50.0, 50.0, 0.0]))
    factors = OutageFactors(net, outages, np.array([[0.0, 0.0], [0, 1], [0, 0], [200, 200]]))
    assert factors.unbalanced(0).tolist() == [3]
    assert factors.unbalanced(1).tolist() == []
    factor, alive = factors.block(slice(3, 4), 0)
    assert not alive.any()
    assert not factor.any()
    assert factors.block(slice(3, 4), 1)[1][:, 0].tolist() == [True, True, True, False]


def test_an_outage_that_leaves_no_unique_solution_is_refused(make_example: Make) -> None:
    """Three circuits between two buses: without the first, the susceptances of x = 0.2 and -0.2 cancel."""
    net = make_example(2, [(0, 1), (0, 1), (0, 1)], [0.1, 0.2, -0.2]).network()
    factors = OutageFactors(net, OutageSet.branches(net, np.ones(2)), np.ones(2))
    with pytest.raises(InputError, match=r"branch l0: the outage leaves .*\[grid.contingency.singular\]"):
        factors.block(slice(None), 0)


def test_what_cannot_be_out_is_no_outage(make_example: Make) -> None:
    """A triangle and a spur: branch 0 stands for a part cut off, branch 3 is the spur's bridge."""
    net = make_example(4, [(0, 1), (0, 2), (1, 2), (2, 3)], [0.1, 0.1, 0.2, 0.1]).network()
    never_out = np.array([True, False, False, False])
    assert OutageSet.branches(net, np.ones(4), never_out=never_out).positions.tolist() == [1, 2, 3]
    assert OutageSet.branches(net, np.ones(4), True, never_out).positions.tolist() == [1, 2]
