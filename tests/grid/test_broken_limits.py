"""Broken limits from few factors, against screening with all of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.grid import broken_limits
from optimizer.grid.all_outages import AllOutages
from optimizer.grid.broken_limits import BrokenLimits
from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.joint import JointSet
from optimizer.grid.joint_factors import JointFactors, OperatingPoint
from optimizer.grid.screening import screen

Make = Any
TOLERANCE_MW = 0.5


@pytest.mark.slow
@given(data=st.data())
def test_nothing_that_screening_finds_is_missed(data: st.DataObject, balanced: Any) -> None:
    """Whatever factors are kept; pairs within rounding of the tolerance may fall on either side of it."""
    case, injection = data.draw(balanced)
    net = case.network()
    participation = data.draw(st.sampled_from([np.linspace(1, 3, net.n_bus), np.eye(net.n_bus)[0]]))
    outages = OutageSet.branches(net, np.arange(net.n_bus))
    cache_bytes = data.draw(st.sampled_from([0, 1_000_000]))
    factors = OutageFactors(net, outages, participation, cache_bytes=cache_bytes)
    flow, m = net.flows(injection), net.n_branch
    limit = np.array(data.draw(st.lists(st.sampled_from([10.0, 77.0, 310.0, math.inf]), min_size=m, max_size=m)))
    pair = st.tuples(st.integers(0, m - 1), st.integers(0, m - 1))
    extra = data.draw(st.dictionaries(pair, st.floats(0, 100), max_size=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(broken_limits, "LEAST_FACTOR", data.draw(st.sampled_from([0.0, 0.01, 0.2, 0.5, 2.0])))
        patch.setattr(broken_limits, "BLOCK", data.draw(st.sampled_from([1, 3, 256])))
        limits = BrokenLimits(factors, 0)
        outage, branch, after, excess = limits.find(flow, limit, TOLERANCE_MW, extra)
        again = limits.find(flow, limit, TOLERANCE_MW, extra)
    assert all(np.array_equal(one, other) for one, other in zip(again, (outage, branch, after, excess), strict=True))
    found = {(k, l): (f, e) for k, l, f, e in zip(outage, branch, after, excess, strict=True)}
    assert len(found) == len(outage)
    table = screen(factors, flow, 0, limit, 0.0, extra_limit=extra).violations
    expected = {(r.outage, r.branch): (r.flow_mw, r.excess_mw) for r in table.itertuples()}
    assert {key for key, (_, mw) in expected.items() if mw > TOLERANCE_MW + 1e-7} <= set(found)
    for key, (mw, over) in found.items():
        assert over > TOLERANCE_MW
        assert (mw, over) == pytest.approx(expected[key], abs=1e-6)


@given(data=st.data())
def test_the_highest_loadings_are_those_of_screening(data: st.DataObject, balanced: Any) -> None:
    """All above a share of the limit, and at least so many; loadings within rounding of the share on either side."""
    case, injection = data.draw(balanced)
    net = case.network()
    outages = OutageSet.branches(net, np.arange(net.n_bus))
    nothing = JointFactors(net, JointSet(), np.zeros(1, dtype=np.intp), np.ones((1, 1)))
    every = AllOutages(OutageFactors(net, outages, np.linspace(1, 3, net.n_bus)), nothing)
    flow, m = net.flows(injection), net.n_branch
    limit = np.array(data.draw(st.lists(st.sampled_from([0.0, 10.0, 77.0, 310.0, math.inf]), min_size=m, max_size=m)))
    pair = st.tuples(st.integers(0, m - 1), st.integers(0, m - 1))
    extra = data.draw(st.dictionaries(pair, st.floats(0, 100), max_size=3))
    above, least = data.draw(st.sampled_from([0.3, 0.95])), data.draw(st.sampled_from([0, 1, 4]))
    point = OperatingPoint(flow, np.zeros(1), {})
    found = every.loaded(point, 0, limit, above, least, extra)
    table = every.screen(point, 0, limit, 0.0, keep_above=above, top=least, extra_limit=extra)
    expected = pd.concat([table.top, table.above]).drop_duplicates(["outage", "branch"])
    wanted = {(r.outage, r.branch): r for r in expected.itertuples()}
    seen = {(r.outage, r.branch): r for r in found.itertuples()}
    sure = {key for key, r in wanted.items() if r.loading > above * (1 + 1e-9)}
    assert sure <= set(seen)
    assert len(seen) == len(found) >= min(least, len(wanted))
    assert all(r.loading > above or key in wanted for key, r in seen.items())
    for key in sure:
        one, other = seen[key], wanted[key]
        assert (one.flow_mw, one.limit_mw) == pytest.approx((other.flow_mw, other.limit_mw), abs=1e-6)
        assert one.excess_mw == pytest.approx(other.excess_mw, abs=1e-6)
    assert found["loading"].is_monotonic_decreasing


def test_factors_that_are_not_kept_count_where_a_branch_is_near_its_limit(make_example: Make) -> None:
    """A triangle with a weak 1-2 (20 pu) and 10 MW from 0 to 1: 0-1 carries 10 x 20.1 / 20.2 = 9.9505 MW, the rest goes
    the other way. After either of the other two is out 0-1 carries 10 MW: 0.03 MW above 9.97.
    """
    net = make_example(3, [(0, 1), (0, 2), (1, 2)], [0.1, 0.1, 20.0]).network()
    factors = OutageFactors(net, OutageSet.branches(net, np.zeros(3)), np.ones(3))
    flow = net.flows(np.array([10.0, -10.0, 0.0]))
    assert flow[0] == pytest.approx(10 * 20.1 / 20.2)
    with pytest.MonkeyPatch.context() as patch:
        # No factor is above 1 in absolute value, so none is kept.
        patch.setattr(broken_limits, "LEAST_FACTOR", 1.5)
        limits = BrokenLimits(factors, 0)
        outage, branch, after, excess = limits.find(flow, np.array([9.97, 50.0, 50.0]), 1e-3)
    assert (outage.tolist(), branch.tolist()) == ([1, 2], [0, 0])
    np.testing.assert_allclose(after, 10.0)
    np.testing.assert_allclose(excess, 0.03)


def test_a_set_without_outages(make_example: Make) -> None:
    net = make_example(3, [(0, 1), (0, 2), (1, 2)]).network()
    nothing = np.empty(0, dtype=np.intp)
    factors = OutageFactors(net, OutageSet((), nothing, nothing.astype(bool), (), nothing), np.ones(3))
    found = BrokenLimits(factors, 0).find(np.full(3, 9.0), np.ones(3), 1e-3)
    assert all(len(part) == 0 for part in found)
