"""DC power flow: by hand, against the dense pseudo-inverse, and independent of the reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.dc import DCNetwork

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def triangle(make_example: Make) -> DCNetwork:
    """Buses 0, 1, 2; branches 0-1 and 0-2 of x = 0.1, 1-2 of x = 0.2.

    A transfer of 1 MW from 0 to 2 divides over the direct path (x = 0.1) and the path over bus 1 (0.1 + 0.2 = 0.3) in
    inverse proportion to x: 0.3 / 0.4 = 0.75 direct, 0.25 over bus 1. From 1 to 2: direct 0.2, over bus 0 also 0.2:
    one half each. So the change of flow for an injection at n withdrawn at bus 2 is

        branch   n = 0    n = 1
        0-1       0.25    -0.5
        0-2       0.75     0.5
        1-2       0.25     0.5
    """
    return make_example(3, [(0, 1), (0, 2), (1, 2)], [0.1, 0.1, 0.2]).network()


TRIANGLE = np.array([[0.25, -0.5, 0.0], [0.75, 0.5, 0.0], [0.25, 0.5, 0.0]])


def test_triangle_ptdf_by_hand(triangle: DCNetwork) -> None:
    rows = triangle.ptdf_rows(np.arange(3))
    np.testing.assert_allclose(rows - rows[:, [2]], TRIANGLE, atol=1e-12)
    columns = triangle.ptdf_columns(np.arange(3))
    np.testing.assert_allclose(columns, rows, atol=1e-12)


def test_triangle_flows_by_hand(triangle: DCNetwork) -> None:
    """60 MW in at bus 0, 20 MW at bus 1, 80 MW out at bus 2: 0.25*60 - 0.5*20 = 5, 0.75*60 + 10 = 55, 15 + 10 = 25."""
    np.testing.assert_allclose(triangle.flows(np.array([60.0, 20.0, -80.0])), [5.0, 55.0, 25.0], atol=1e-10)


def test_triangle_angles_by_hand(triangle: DCNetwork) -> None:
    """b = 100 / 0.1 = 1,000 MW/rad: 5 MW on 0-1 is 0.005 rad, 55 MW on 0-2 is 0.055 rad."""
    angle = triangle.angles(np.array([60.0, 20.0, -80.0]))
    np.testing.assert_allclose(angle[0] - angle[1:], [0.005, 0.055], atol=1e-13)


def test_triangle_transfer_columns_by_hand(triangle: DCNetwork) -> None:
    """A transfer along 0-2 puts 0.75 on it and 0.25 over bus 1; along 1-2 one half on each way."""
    columns = triangle.transfer_columns(np.array([1, 2]))
    np.testing.assert_allclose(columns, [[0.25, -0.5], [0.75, 0.5], [0.25, 0.5]], atol=1e-12)


def test_phase_shifter_by_hand(make_example: Make) -> None:
    """Two parallel branches, b = 1,000 MW/rad each, one shifted by 2 degrees.

    Without injection their flows cancel: b (a - s) + b a = 0, so a = s/2: b s/2 = 17.4533 MW circulate, against the
    shifter.
    """
    net = make_example(2, [(0, 1), (0, 1)], 0.1, shift_deg=[0.0, 2.0]).network()
    circulating = 1000 * np.radians(2) / 2
    np.testing.assert_allclose(net.shift_flow_mw, [circulating, -circulating], atol=1e-10)
    np.testing.assert_allclose(net.flows(np.array([10.0, -10.0])), [5 + circulating, 5 - circulating], atol=1e-10)


def test_tap_and_series_susceptance_by_hand() -> None:
    """x = 0.3, r = 0.4, tap 1.25: 100 / (0.3 * 1.25) = 266.67 MW/rad; series 0.3 / (0.09 + 0.16) * 100 = 120 MW/rad."""
    branch = pd.DataFrame(
        {"from_bus": ["a"], "to_bus": ["b"], "x_pu": [0.3], "r_pu": [0.4], "tap": [1.25], "shift_deg": [3.0]},
        index=["l"],
    )
    buses = pd.Index(["a", "b"])
    one = DCNetwork.build(buses, branch)
    np.testing.assert_allclose(one.susceptance_mw, [100 / 0.375])
    np.testing.assert_allclose(one.shift_rad, [np.radians(3)])
    other = DCNetwork.build(buses, branch, "series")
    np.testing.assert_allclose(other.susceptance_mw, [120.0])
    np.testing.assert_allclose(other.shift_rad, [0.0])


@given(data=st.data())
def test_flows_agree_with_the_pseudo_inverse(data: st.DataObject, balanced: Any, solve_dense: Make) -> None:
    case, injection = data.draw(balanced)
    np.testing.assert_allclose(case.network().flows(injection), solve_dense(case, injection), atol=1e-8, rtol=1e-9)


@given(data=st.data())
def test_power_balances_at_every_bus(data: st.DataObject, balanced: Any) -> None:
    case, injection = data.draw(balanced)
    flow = case.network().flows(injection)
    net = np.zeros(case.n_bus)
    np.add.at(net, case.from_position, flow)
    np.add.at(net, case.to_position, -flow)
    np.testing.assert_allclose(net, injection, atol=1e-8)


@given(data=st.data())
def test_ptdf_predicts_flows(data: st.DataObject, balanced: Any, solve_dense: Make) -> None:
    case, injection = data.draw(balanced)
    net = case.network()
    rows = net.ptdf_rows(np.arange(net.n_branch))
    np.testing.assert_allclose(rows, net.ptdf_columns(np.arange(net.n_bus)), atol=1e-10)
    predicted = rows @ injection + net.shift_flow_mw
    np.testing.assert_allclose(predicted, solve_dense(case, injection), atol=1e-8, rtol=1e-9)
    chosen = np.array([net.n_branch - 1, 0])
    np.testing.assert_array_equal(net.ptdf_rows(chosen), rows[chosen])
    transfer = rows[:, net.from_position] - rows[:, net.to_position]
    np.testing.assert_allclose(net.transfer_columns(np.arange(net.n_branch)), transfer, atol=1e-9)


@given(data=st.data())
def test_results_do_not_depend_on_the_reference(data: st.DataObject, balanced: Any) -> None:
    """Another order of the buses makes another bus the reference; balanced flows and PTDF differences stay."""
    case, injection = data.draw(balanced)
    order = np.array(data.draw(st.permutations(range(case.n_bus))))
    place = np.argsort(order)
    other_case = dataclasses.replace(case, from_position=place[case.from_position], to_position=place[case.to_position])
    net, other = case.network(), other_case.network()
    np.testing.assert_allclose(other.flows(injection[order]), net.flows(injection), atol=1e-8)
    one, two = net.ptdf_columns(np.arange(case.n_bus)), other.ptdf_columns(place)
    np.testing.assert_allclose(one - one[:, [0]], two - two[:, [0]], atol=1e-9)


def test_an_unbalanced_injection_is_met_at_the_reference(triangle: DCNetwork) -> None:
    reference = int(triangle.reference[0])
    injection = np.array([60.0, 20.0, 0.0])
    balanced = injection.copy()
    balanced[reference] -= injection.sum()
    np.testing.assert_allclose(triangle.flows(injection), triangle.flows(balanced), atol=1e-12)


def test_several_injections_at_once(triangle: DCNetwork) -> None:
    injections = np.array([[60.0, 1.0], [20.0, 0.0], [-80.0, -1.0]])
    np.testing.assert_allclose(triangle.flows(injections), [[5, 0.25], [55, 0.75], [25, 0.25]], atol=1e-10)
    assert triangle.angles(injections).shape == (3, 2)


def test_islands_do_not_see_each_other(make_example: Make) -> None:
    """Two triangles and a lone bus: three islands, each with a reference of its own."""
    ends = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]
    net = make_example(7, ends, [0.1, 0.1, 0.2] * 2).network()
    assert len(set(net.island)) == len(net.reference) == 3
    assert sorted(net.island[net.reference]) == [0, 1, 2]
    rows = net.ptdf_rows(np.arange(6))
    assert not rows[:3, 3:].any()
    assert not rows[3:, :3].any()
    np.testing.assert_allclose(rows[:3, :3] - rows[:3, [2]], TRIANGLE, atol=1e-12)
    np.testing.assert_allclose(rows[3:, 3:6] - rows[3:, [5]], TRIANGLE, atol=1e-12)
    flow = net.flows(np.array([60.0, 20.0, -80.0, 120.0, 40.0, -160.0, 0.0]))
    np.testing.assert_allclose(flow, [5, 55, 25, 10, 110, 50], atol=1e-10)


def test_network_of_lone_buses(make_example: Make) -> None:
    net = make_example(2, []).network()
    assert net.flows(np.array([1.0, 2.0])).shape == (0,)
    assert net.ptdf_columns(np.array([0])).shape == (0, 1)
    np.testing.assert_array_equal(net.angles(np.array([1.0, 2.0])), [0.0, 0.0])


def test_parallel_circuits_share_by_susceptance(make_example: Make) -> None:
    """x = 0.1 and 0.3 in parallel: 1/0.1 to 1/0.3, 3/4 to 1/4."""
    net = make_example(2, [(0, 1), (1, 0)], [0.1, 0.3]).network()
    np.testing.assert_allclose(net.flows(np.array([8.0, -8.0])), [6.0, -2.0], atol=1e-12)


def test_series_capacitor_agrees_with_the_pseudo_inverse(make_example: Make, solve_dense: Make) -> None:
    case = make_example(4, [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)], [0.1, -0.03, 0.2, 0.1, 0.15])
    injection = np.array([50.0, -20.0, 30.0, -60.0])
    np.testing.assert_allclose(case.network().flows(injection), solve_dense(case, injection), atol=1e-9)


@pytest.mark.parametrize(
    ("ends", "x", "rule"),
    [
        ([(0, 1)], [0.0], "grid.branch.zero_reactance"),
        ([(0, 1), (1, 1)], [0.1, 0.1], "grid.branch.loop"),
        ([(0, 1), (0, 1)], [0.1, -0.1], "grid.singular"),
    ],
)
def test_networks_without_a_solution_are_refused(make_example: Make, ends: Any, x: Any, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        make_example(2, ends, x).network()
    assert [f.rule for f in refused.value.findings] == [rule]


def test_unknown_bus_is_refused(make_example: Make) -> None:
    branches = make_example(2, [(0, 1)]).branches.assign(to_bus="nowhere")
    with pytest.raises(InputError, match=r"branch l0, to_bus: no such bus, found nowhere"):
        DCNetwork.build(pd.Index(["n0", "n1"]), branches)
