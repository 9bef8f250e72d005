"""Flows after outages of several elements, against networks solved again without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.errors import InputError
from optimizer.grid.all_outages import AllOutages, screen_joint
from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Elements, JointSet
from optimizer.grid.joint_factors import JointFactors, OperatingPoint
from optimizer.grid.screening import screen

Make = Callable[..., Any]


def factors_of(
    net: DCNetwork,
    outages: list[Elements],
    load: list[float],
    units: list[tuple[int, float]],
    skip: bool = False,
) -> JointFactors:
    """Factors of outages in a network with generators given as (bus, participation)."""
    bus = np.array([n for n, _ in units], dtype=int)
    made = JointSet.build(net, outages, bus, np.array(load, dtype=float), skip)
    return JointFactors(net, made, bus, np.array([[w] for _, w in units]))


def after(factors: JointFactors, flow: Any, output: Any = (), loads: Any = None) -> np.ndarray:
    """Flows after the first outage, nan where nothing is left."""
    point = OperatingPoint(np.asarray(flow, dtype=float), np.asarray(output, dtype=float), loads or {})
    return factors.after([0], point, 0)[0]


def test_two_of_three_circuits_by_hand(make_example: Make) -> None:
    """Circuits of x = 0.1, 0.1 and 0.2 between 0 and 1, beside a path 0-2-1 of 0.15 + 0.15.

    Without the first two, whatever they carried divides over 0.2 and 0.3: 60 and 40 %. Of 85 MW from 0 to 1 the four
    ways, of susceptance 10, 10, 5 and 10/3, carry 30, 30, 15 and 10; after the outage 51 and 34.
    """
    net = make_example(3, [(0, 1), (1, 0), (0, 1), (0, 2), (2, 1)], [0.1, 0.1, 0.2, 0.15, 0.15]).network()
    factors = factors_of(net, [Elements("both", "double_circuit", (0, 1))], [1, 1, 1], [(0, 1.0)])
    factor, alive = factors.columns(0, 0)
    assert alive.tolist() == [False, False, True, True, True]
    # The second circuit runs from 1 to 0: its flow has the other sign.
    np.testing.assert_allclose(factor, [[0, 0], [0, 0], [0.6, -0.6], [0.4, -0.4], [0.4, -0.4]], atol=1e-12)
    flow = net.flows(np.array([85.0, -85.0, 0.0]))
    np.testing.assert_allclose(flow, [30, -30, 15, 10, 10], atol=1e-9)
    np.testing.assert_allclose(after(factors, flow), [np.nan, np.nan, 51, 34, 34], atol=1e-9)


def triangle(make_example: Make) -> DCNetwork:
    """Equal reactances: ab, ac and cb of buses a, b, c."""
    return make_example(3, [(0, 1), (0, 2), (2, 1)]).network()  # type: ignore[no-any-return]


def test_a_generator_by_hand(make_example: Make) -> None:
    """60 MW at a, 30 at b, 90 MW of load at c. Generators at a, b and c take part with 100, 200 and 50 MW.

    Without the one at a, b gives 60 x 200 / 250 = 48 MW more and c 12: injections 0, 78, -78, so 26 MW go around over
    a and 52 directly: ab -26, ac 26, cb -52.
    """
    net = triangle(make_example)
    flow = net.flows(np.array([60.0, 30.0, -90.0]))
    units = [(0, 100.0), (1, 200.0), (2, 50.0)]
    factors = factors_of(net, [Elements("g", "generator", generators=(0,))], [0, 0, 90], units)
    np.testing.assert_allclose(after(factors, flow, [60, 30, 0]), [-26, 26, -52], atol=1e-9)
    # Its share of the factor: 0.8 MW come to b and 0.2 to c for each MW at a; transfers a to b and a to c.
    by_hand = -(0.8 * np.array([2, 1, 1]) + 0.2 * np.array([1, 2, -1])) / 3
    np.testing.assert_allclose(factors.columns(0, 0)[0][:, 0], by_hand, atol=1e-12)


def test_a_campus_by_hand(make_example: Make) -> None:
    """30 of the 90 MW at c are a campus: without it a (100 MW) gives 10 MW less and b (200 MW) 20.

    Injections 50, 10, -60: a to c alone 50 x 2/3, b to c alone 10 x 2/3, around 50/3 and 10/3: ab 40/3, ac 110/3,
    cb -70/3.
    """
    net = triangle(make_example)
    flow = net.flows(np.array([60.0, 30.0, -90.0]))
    campus = Elements("s", "campus", loads=(("s", 2), ("s", 1)))
    factors = factors_of(net, [campus], [0, 0, 60], [(0, 100.0), (1, 200.0)])
    expected = np.array([40, 110, -70]) / 3
    np.testing.assert_allclose(after(factors, flow, [60, 30], {("s", 2): 30.0}), expected, atol=1e-9)
    np.testing.assert_allclose(after(factors, flow, [60, 30]), flow, atol=1e-12)  # not built: it draws nothing


def test_a_double_circuit_that_splits_by_hand(make_example: Make) -> None:
    """The triangle and bus 3 of `test_splitting_outage_by_hand`, with two circuits to it, both out: the same flows.

    60 MW are lost with bus 3; 40 MW more come from bus 1 (100 MW) and 20 from bus 2 (50 MW): flows -40, 40, 40.
    """
    net = make_example(4, [(0, 1), (0, 2), (1, 2), (0, 3), (3, 0)], [0.1, 0.1, 0.2, 0.2, 0.2]).network()
    factors = factors_of(
        net, [Elements("both", "double_circuit", (3, 4))], [0, 0, 100, 0], [(1, 100), (2, 50), (3, 75)]
    )
    assert factors.outages.disconnected_buses.tolist() == [3]
    flow = net.flows(np.array([0.0, 40.0, -100.0, 60.0]))
    np.testing.assert_allclose(flow, [-5, 65, 35, -30, 30], atol=1e-9)
    np.testing.assert_allclose(after(factors, flow, [40, 0, 60]), [-40, 40, 40, np.nan, np.nan], atol=1e-9)


def test_a_generator_behind_a_split_is_lost_with_it(make_example: Make) -> None:
    """Bus 3 and its generator out together are the outage of bus 3: what it gave is not counted twice."""
    net = make_example(4, [(0, 1), (0, 2), (1, 2), (0, 3)], [0.1, 0.1, 0.2, 0.1]).network()
    both, alone = (Elements("k", "list", (3,), generators) for generators in ((2,), ()))
    units = [(1, 100.0), (2, 50.0), (3, 75.0)]
    flow = net.flows(np.array([0.0, 40.0, -100.0, 60.0]))
    first, second = (after(factors_of(net, [k], [0, 0, 100, 0], units), flow, [40, 0, 60]) for k in (both, alone))
    np.testing.assert_allclose(first, second, atol=1e-9)
    np.testing.assert_allclose(first[:3], [-40, 40, 40], atol=1e-9)


def test_the_only_generator_leaves_nothing_to_check(make_example: Make) -> None:
    net = triangle(make_example)
    factors = factors_of(net, [Elements("g", "generator", generators=(0,))], [0, 0, 90], [(0, 100.0)])
    assert np.isnan(after(factors, net.flows(np.array([90.0, 0, -90])), [90])).all()
    found = screen_joint(factors, OperatingPoint(np.ones(3), np.ones(1), {}), 0, np.ones(3), 1e-6)
    assert (found.n_checked, found.worst_loading, len(found.violations)) == (0, 0.0, 0)


def test_of_equal_parts_the_larger_stays_then_that_with_the_reference(make_example: Make) -> None:
    """A path of 5 and one of 4 buses cut in the middle, without load: 3 buses stay, then those with the reference."""
    for n, cut, lost in ((5, (1,), [0, 1]), (4, (1,), [2, 3]), (5, (1, 2), [2, 3, 4])):
        net = make_example(n, [(i, i + 1) for i in range(n - 1)]).network()
        assert net.reference.tolist() == [1]
        factors = factors_of(net, [Elements("k", "list", cut)], [0] * n, [(0, 1.0)])
        assert factors.outages.outages[0].lost_buses.tolist() == lost


def test_splitting_sets_can_be_left_out(make_example: Make) -> None:
    net = triangle(make_example)
    outages = [Elements("two", "list", (0, 1)), Elements("g", "generator", generators=(0,))]
    assert factors_of(net, outages, [1, 1, 1], [(0, 1.0)]).outages.names == ("two", "g")
    assert factors_of(net, outages, [1, 1, 1], [(0, 1.0)], skip=True).outages.names == ("g",)


def test_a_set_that_leaves_no_unique_solution_is_refused(make_example: Make) -> None:
    """Without the first two of four circuits the susceptances of x = 0.2 and -0.2 cancel."""
    net = make_example(2, [(0, 1)] * 4, [0.1, 0.1, 0.2, -0.2]).network()
    with pytest.raises(InputError, match=r"outage k: .*without a unique DC solution.*\[grid.contingency.singular\]"):
        factors_of(net, [Elements("k", "list", (0, 1))], [1, 1], [(0, 1.0)])


@st.composite
def losses(draw: st.DrawFn, balanced: Any) -> tuple[Any, np.ndarray, Elements, list[tuple[int, float]], Any]:
    """A network, its injection, elements that are out, generators, and outputs and loads among what is injected."""
    case, injection = draw(balanced)
    n, m = case.n_bus, len(case.x_pu)
    random = np.random.default_rng(draw(st.integers(0, 100_000)))
    count = int(random.integers(2, n + 3))
    units = [(int(random.integers(0, n)), float(random.uniform(1, 100))) for _ in range(count)]
    output = random.uniform(0, 80, count)
    at = int(random.integers(0, n))
    out = Elements(
        "k",
        "list",
        tuple(random.choice(m, min(m, int(random.integers(0, 4))), replace=False).tolist()),
        tuple(random.choice(count, int(random.integers(0, 3)), replace=False).tolist()),
        (("s", at),) if random.random() < 0.5 else (),
    )
    return case, injection, out, units, (output, {("s", at): float(random.uniform(0, 80))}, random.permutation(n))


def solved_again(drawn: Any, dense: Make, parts: Make) -> np.ndarray:
    """The stated rule, from scratch: only the part with most load stays, and its other generators share the rest."""
    case, injection, out, units, (output, loads, order) = drawn
    load = 2.0**order
    main = max(parts(case, out.branches), key=lambda part: load[sorted(part)].sum())
    left, weight = injection.copy(), np.zeros(case.n_bus)
    for g, (n, w) in enumerate(units):
        left[n] -= output[g] if g in out.generators else 0.0
        weight[n] += 0.0 if g in out.generators else w
    for key in out.loads:
        left[key[1]] += loads[key]
    inside = np.isin(np.arange(case.n_bus), sorted(main))
    left, weight = np.where(inside, left, 0.0), np.where(inside, weight, 0.0)
    gone = [l for l in range(len(case.x_pu)) if l in out.branches or not inside[case.from_position[l]]]
    if abs(left.sum()) > 1e-9 or len(main) < case.n_bus or out.generators or out.loads:
        if not weight.any():
            return np.full(len(case.x_pu), np.nan)
        left = left - left.sum() * weight / weight.sum()
    flow = np.asarray(dense(case, left, gone))
    flow[gone] = np.nan
    return flow


@given(data=st.data())
def test_any_set_agrees_with_the_network_solved_again(
    data: st.DataObject, balanced: Any, solve_dense: Make, parts_of: Make
) -> None:
    drawn = data.draw(losses(balanced))
    case, injection, out, units, (output, loads, order) = drawn
    net = case.network()
    factors = factors_of(net, [out], (2.0**order).tolist(), units)
    flow = net.flows(injection)
    point = OperatingPoint(flow, output, loads)
    found = factors.after([0], point, 0)[0]
    np.testing.assert_allclose(found, solved_again(drawn, solve_dense, parts_of), atol=1e-6, rtol=1e-8)
    # The factors of its drivers say the same.
    factor, alive = factors.columns(0, 0)
    drivers = factors.outages.outages[0].drivers
    added = flow + factor @ np.array([point.value(driver) for driver in drivers])
    np.testing.assert_allclose(np.where(alive, added, np.nan), found, atol=1e-6)


@given(data=st.data())
def test_one_branch_is_the_outage_of_that_branch(data: st.DataObject, balanced: Any) -> None:
    """Every outage of one branch, splitting ones among them, by both ways; screened together under one numbering."""
    case, injection = data.draw(balanced)
    net = case.network()
    load = 2.0 ** np.array(data.draw(st.permutations(range(case.n_bus))))
    weight = np.linspace(1, 2, case.n_bus)
    single = OutageFactors(net, OutageSet.branches(net, load), weight)
    each = [Elements(f"also {k}", "list", (k,)) for k in range(net.n_branch)]
    joint = factors_of(net, each, load.tolist(), [(n, float(w)) for n, w in enumerate(weight)])
    every = AllOutages(single, joint)
    assert len(every) == 2 * net.n_branch
    assert every.number_of["also 0"] == net.n_branch
    point = OperatingPoint(net.flows(injection), np.zeros(case.n_bus), {})
    for k in range(net.n_branch):
        np.testing.assert_allclose(
            every.after(k, point, 0), every.after(net.n_branch + k, point, 0), atol=1e-6, rtol=1e-8
        )
    limit = np.full(net.n_branch, 50.0)
    first = screen(single, point.flow_mw, 0, limit, 1e-4, keep_above=0.9)
    both = every.screen(point, 0, limit, 1e-4, keep_above=0.9, extra_limit={(0, net.n_branch): 1e6})
    assert both.n_checked == 2 * first.n_checked
    assert both.worst_loading == pytest.approx(first.worst_loading)
    listed = set(zip(first.above["outage"], first.above["branch"], strict=True))
    again = {(k + net.n_branch, l) for k, l in listed if (k, l) != (0, 0)}
    assert set(zip(both.above["outage"], both.above["branch"], strict=True)) >= listed
    assert {pair for pair in again if pair != (net.n_branch, 0)} <= set(
        zip(both.above["outage"], both.above["branch"], strict=True)
    )
    assert both.above["loading"].is_monotonic_decreasing


def test_screening_by_hand(make_example: Make) -> None:
    """The generator at a of `test_a_generator_by_hand`: |flows| 26, 26, 52 against limits 20, 26 and none."""
    net = triangle(make_example)
    point = OperatingPoint(net.flows(np.array([60.0, 30.0, -90.0])), np.array([60.0, 30, 0]), {})
    factors = factors_of(
        net,
        [Elements("g", "generator", generators=(0,)), Elements("ab", "list", (0,))],
        [0, 0, 90],
        [(0, 100.0), (1, 200.0), (2, 50.0)],
    )
    limit = np.array([20.0, 26.0, np.inf])
    found = screen_joint(factors, point, 0, limit, 1e-6, keep_above=0.99, extra_limit={(1, 1): 54.0})
    # Without ab, ac carries all 60 MW of a, against 26 and an allowance of 54.
    rows = found.violations[["outage", "branch", "flow_mw", "limit_mw", "excess_mw"]].to_numpy()
    np.testing.assert_allclose(rows, [[0, 0, -26, 20, 6]], atol=1e-9)
    assert found.above[["outage", "branch"]].to_numpy().tolist() == [[0, 0], [0, 1]]
    np.testing.assert_allclose(found.top["loading"], [1.3, 1.0, 0.75], atol=1e-9)
    assert found.n_checked == 3  # two limited branches after the first outage, ac alone after the second
    assert found.worst_loading == pytest.approx(1.3)
    assert len(screen_joint(factors, point, 0, limit, 1e-6, top=1).top) == 1
