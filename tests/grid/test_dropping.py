"""Load that is dropped after outages: by hand, and against networks solved again without what is out and dropped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from optimizer.grid.dropping import DroppedLoad
from optimizer.grid.joint_factors import OperatingPoint
from tests.grid.test_joint import factors_of, losses, solved_again, triangle

Make = Callable[..., Any]


def dropping(net: Any, units: list[tuple[int, float]]) -> DroppedLoad:
    """Of generators given as (bus, participation)."""
    return DroppedLoad(net, np.array([n for n, _ in units]), np.array([[w] for _, w in units]))


def test_thirty_megawatts_by_hand(make_example: Make) -> None:
    """60 MW at a, 30 at b, 90 MW at c, of which 30 are dropped: a (100 MW) gives 10 MW less and b (200 MW) 20.

    As without the campus of `test_a_campus_by_hand`: ab 40/3, ac 110/3, cb -70/3. A MW dropped at c takes off ac two
    thirds of a's third and one third of b's two thirds: 4/9. Dropped at a, two thirds go on to b, a third by ac.
    """
    net = triangle(make_example)
    point = OperatingPoint(net.flows(np.array([60.0, 30.0, -90.0])), np.array([60.0, 30.0]), {("s", 2): 50.0})
    made = dropping(net, [(0, 100.0), (1, 200.0)])
    after = made.after(point, {("s", 2): 30.0}, 0)
    np.testing.assert_allclose(after.flow_mw, np.array([40, 110, -70]) / 3, atol=1e-9)
    np.testing.assert_allclose(after.output_mw, [50, 10], atol=1e-9)
    assert dict(after.new_load_mw) == {("s", 2): 20.0}
    np.testing.assert_allclose(made.flow_factors(1, np.array([2, 0]), 0), [-4 / 9, 2 / 9], atol=1e-12)
    np.testing.assert_allclose(made.output_factors(1, np.array([2]), 0), [-2 / 3], atol=1e-12)
    assert made.after(point, {("s", 2): 0.0}, 0) is point


def test_islands_share_what_they_drop_themselves(make_example: Make) -> None:
    """Two lines apart: dropped at 1 it is 0's generator that gives less, not 2's; at 3 nobody can."""
    net = make_example(4, [(0, 1), (2, 3)]).network()
    made = dropping(net, [(0, 100.0), (2, 0.0)])
    assert made.flow_factors(0, np.array([1, 3]), 0).tolist() == [-1.0, 0.0]
    assert made.flow_factors(1, np.array([1, 3]), 0).tolist() == [0.0, 0.0]
    assert made.output_factors(1, np.array([1, 3]), 0).tolist() == [0.0, 0.0]
    point = OperatingPoint(np.array([50.0, 0.0]), np.array([50.0, 0.0]), {("s", 1): 50.0, ("r", 3): 0.0})
    after = made.after(point, {("s", 1): 20.0, ("r", 3): 5.0}, 0)
    np.testing.assert_allclose(after.flow_mw, [30, 0], atol=1e-9)
    np.testing.assert_allclose(after.output_mw, [30, 0], atol=1e-9)


@given(data=st.data())
def test_any_outage_after_a_drop_is_the_network_solved_again(
    data: st.DataObject, balanced: Any, solve_dense: Make, parts_of: Make
) -> None:
    """Branches, splits, generators and the campus out while load is dropped: all shared once, by those that stay."""
    case, injection, out, units, (output, loads, order) = data.draw(losses(balanced))
    net = case.network()
    random = np.random.default_rng(data.draw(st.integers(0, 100_000)))
    (campus, load), other = next(iter(loads.items())), int(random.integers(0, case.n_bus))
    dropped = {campus: load * float(random.random()), ("r", other): float(random.uniform(0, 50))}
    point = dropping(net, units).after(OperatingPoint(net.flows(injection), output, loads), dropped, 0)
    found = factors_of(net, [out], (2.0**order).tolist(), units).after([0], point, 0)[0]
    less = injection.copy()
    for (_, bus), mw in dropped.items():
        less[bus] += mw
    drawn = case, less, out, units, (output, {campus: load - dropped[campus]}, order)
    np.testing.assert_allclose(found, solved_again(drawn, solve_dense, parts_of), atol=1e-6, rtol=1e-8)


def test_factors_say_what_the_operating_point_says(make_example: Make) -> None:
    net = triangle(make_example)
    units = [(0, 30.0), (1, 50.0), (2, 20.0)]
    made, point = dropping(net, units), OperatingPoint(np.zeros(3), np.zeros(3), {})
    for bus in range(3):
        after = made.after(point, {("s", bus): 10.0}, 0)
        by_factor = [10 * made.flow_factors(l, np.array([bus]), 0)[0] for l in range(3)]
        np.testing.assert_allclose(after.flow_mw, by_factor, atol=1e-9)
        outputs = [10 * made.output_factors(g, np.array([bus]), 0)[0] for g in range(3)]
        np.testing.assert_allclose(after.output_mw, outputs, atol=1e-9)
