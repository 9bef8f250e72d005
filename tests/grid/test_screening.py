"""Screening, against one outage at a time and one branch at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.grid import screening
from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.screening import screen, screen_base

Make = Callable[..., Any]


def rows(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.round(6).itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def triangle(make_example: Make) -> OutageFactors:
    net = make_example(3, [(0, 1), (0, 2), (1, 2)], [0.1, 0.1, 0.2]).network()
    return OutageFactors(net, OutageSet.branches(net, np.zeros(3)), np.ones(3))


#: 60 MW in at bus 0 and 20 MW at bus 1, 80 MW out at bus 2 (test_dc): 5, 55 and 25 MW.
FLOW = np.array([5.0, 55.0, 25.0])


def test_triangle_by_hand(triangle: OutageFactors) -> None:
    """After 0-1 is out bus 0 sends 60 over 0-2 and bus 1 its 20 over 1-2. After 0-2: 60 over 0-1, 80 over 1-2. After
    1-2: -20 over 0-1, 80 over 0-2. Limits 50, 70, 100 MW: 60 over 0-1 is 1.2, 80 over 0-2 is 8/7.
    """
    found = screen(triangle, FLOW, 0, np.array([50.0, 70.0, 100.0]), 1e-6, keep_above=0.8, top=2)
    first, second = (1, 0, 60.0, 50.0, 1.2, 10.0), (2, 1, 80.0, 70.0, round(8 / 7, 6), 10.0)
    third, fourth = (0, 1, 60.0, 70.0, round(6 / 7, 6), -10.0), (1, 2, 80.0, 100.0, 0.8, -20.0)
    assert list(found.top.columns) == ["outage", "branch", "flow_mw", "limit_mw", "loading", "excess_mw"]
    assert rows(found.violations) == [first, second]
    assert rows(found.top) == [first, second]
    assert rows(found.above) == [first, second, third]  # above, so not the loading of exactly 0.8
    assert found.worst_loading == pytest.approx(1.2)
    assert found.n_checked == 6
    assert rows(screen(triangle, FLOW, 0, np.array([50.0, 70.0, 100.0]), 1e-6, top=4).top)[3] == fourth


def test_unlimited_branches_are_not_checked(triangle: OutageFactors) -> None:
    found = screen(triangle, FLOW, 0, np.array([math.inf, 70.0, math.inf]), 1e-6)
    assert [(outage, branch) for outage, branch, *_ in rows(found.top)] == [(2, 1), (0, 1)]
    assert found.n_checked == 2
    nothing = screen(triangle, FLOW, 0, np.full(3, math.inf), 1e-6)
    assert (nothing.n_checked, nothing.worst_loading, len(nothing.top)) == (0, 0.0, 0)


def test_tolerance_is_in_mw(triangle: OutageFactors) -> None:
    limit = np.array([50.0, 70.0, 100.0])
    assert len(screen(triangle, FLOW, 0, limit, 9.999).violations) == 2
    assert len(screen(triangle, FLOW, 0, limit, 10.001).violations) == 0


def test_extra_limit_applies_to_one_branch_after_one_outage(triangle: OutageFactors) -> None:
    """60 MW over 0-1 after 0-2, against 50 + 25 MW: 0.8 and no violation; the other limits stay."""
    found = screen(triangle, FLOW, 0, np.array([50.0, 70.0, 100.0]), 1e-6, keep_above=0.79, extra_limit={(0, 1): 25.0})
    assert rows(found.violations) == [(2, 1, 80.0, 70.0, round(8 / 7, 6), 10.0)]
    assert (1, 0, 60.0, 75.0, 0.8, -15.0) in rows(found.above)


def test_base_case_by_hand() -> None:
    found = screen_base(np.array([5.0, -55.0, 25.0]), np.array([10.0, 50.0, math.inf]), 1e-6, keep_above=0.4, top=1)
    assert rows(found.violations) == [(-1, 1, -55.0, 50.0, 1.1, 5.0)]
    assert rows(found.top) == rows(found.violations)
    assert rows(found.above) == [(-1, 1, -55.0, 50.0, 1.1, 5.0), (-1, 0, 5.0, 10.0, 0.5, -5.0)]
    assert (found.worst_loading, found.n_checked) == (pytest.approx(1.1), 2)


def test_no_outages(triangle: OutageFactors) -> None:
    net = triangle.network
    nothing = np.empty(0, dtype=np.intp)
    none = OutageSet((), nothing, nothing.astype(bool), (), nothing)
    found = screen(OutageFactors(net, none, np.ones(3)), FLOW, 0, np.ones(3), 1e-6)
    assert (len(found.violations), found.n_checked, found.worst_loading) == (0, 0, 0.0)
    assert none.disconnected_buses.size == 0


def test_the_lost_side_is_not_counted(make_example: Make) -> None:
    """A triangle with buses 3 and 4 behind bus 0: the outage of 0-3 leaves its three branches, that of 3-4 four."""
    net = make_example(5, [(0, 1), (0, 2), (1, 2), (0, 3), (3, 4)]).network()
    outages = OutageSet.branches(net, np.array([9.0, 9, 9, 0, 0]))
    found = screen(OutageFactors(net, outages, np.ones(5)), np.full(5, 10.0), 0, np.full(5, 1.0), 1e-6, keep_above=0.0)
    assert found.n_checked == 3 * 4 + 3 + 4
    after_first = set(found.above[found.above["outage"] == 3]["branch"])
    assert after_first <= {0, 1, 2}


@given(data=st.data())
def test_screening_finds_what_one_outage_at_a_time_finds(data: st.DataObject, balanced: Any) -> None:
    case, injection = data.draw(balanced)
    net = case.network()
    outages = OutageSet.branches(net, np.arange(net.n_bus))
    factors = OutageFactors(net, outages, np.linspace(1, 3, net.n_bus))
    flow = net.flows(injection)
    m = net.n_branch
    limit = np.array(data.draw(st.lists(st.sampled_from([10.0, 77.0, 310.0, math.inf]), min_size=m, max_size=m)))
    pair = st.tuples(st.integers(0, m - 1), st.integers(0, m - 1))
    extra = data.draw(st.dictionaries(pair, st.floats(0, 100), max_size=3))
    expected = []
    for k in range(m):
        factor, alive = factors.columns(np.array([k]), 0)
        for l in range(m):
            if alive[l, 0] and math.isfinite(limit[l]):
                after = flow[l] + factor[l, 0] * flow[k]
                bound = limit[l] + extra.get((l, k), 0.0)
                expected.append((abs(after) / bound, k, l, after, bound))
    solved = OutageFactors(net, outages, np.linspace(1, 3, net.n_bus), cache_bytes=0)
    used = data.draw(st.sampled_from([factors, solved]))
    found = screen(used, flow, 0, limit, 0.5, keep_above=0.6, top=4, extra_limit=extra)
    assert found.n_checked == len(expected)
    highest = sorted((e[0] for e in expected), reverse=True)
    assert found.worst_loading == pytest.approx(highest[0] if highest else 0.0, abs=1e-9)
    np.testing.assert_allclose(found.top["loading"], [h for h in highest[:4] if h > 0][: len(found.top)], atol=1e-9)
    assert len(found.top) >= min(4, sum(h > 1e-9 for h in highest))
    # Pairs within rounding of a threshold may fall on either side of it.
    sure = {(k, l) for loading, k, l, _, _ in expected if loading > 0.6 + 1e-9}
    assert sure <= set(zip(found.above["outage"], found.above["branch"], strict=True))
    assert (found.above["loading"] > 0.6).all()
    broken = {(k, l) for _, k, l, after, bound in expected if abs(after) - bound > 0.5 + 1e-7}
    reported = set(zip(found.violations["outage"], found.violations["branch"], strict=True))
    assert broken <= reported
    assert all(excess > 0.5 for excess in found.violations["excess_mw"])


def test_block_size_changes_nothing(triangle: OutageFactors, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = np.array([50.0, 70.0, 100.0])
    whole = screen(triangle, FLOW, 0, limit, 1e-6, keep_above=0.1, top=3, extra_limit={(1, 2): 1.0})
    monkeypatch.setattr(screening, "SCREEN_BLOCK", 1)
    monkeypatch.setattr(screening, "RUN", 2)
    single = screen(triangle, FLOW, 0, limit, 1e-6, keep_above=0.1, top=3, extra_limit={(1, 2): 1.0})
    for one, other in ((whole.top, single.top), (whole.above, single.above), (whole.violations, single.violations)):
        pd.testing.assert_frame_equal(one, other)
    assert whole.n_checked == single.n_checked


@pytest.mark.parametrize("cache_bytes", [0, 1_000_000])
def test_little_is_kept_where_little_is_asked(make_example: Make, cache_bytes: int) -> None:
    """A ring of 40: no limit is broken, so no more than a few blocks' highest loadings are ever held."""
    ring = make_example(40, [(i, (i + 1) % 40) for i in range(40)], [0.1] * 40).network()
    factors = OutageFactors(ring, OutageSet.branches(ring, np.zeros(40)), np.ones(40), cache_bytes=cache_bytes)
    injection = np.zeros(40)
    injection[[0, 20]] = 100.0, -100.0
    found = screen(factors, ring.flows(injection), 0, np.full(40, 150.0), 1e-3)
    assert len(found.top) == 10
    assert found.n_checked == 40 * 39
    # After any outage the whole 100 MW takes the other half of the ring.
    np.testing.assert_allclose(found.top["loading"], 100 / 150)


def test_progress_ends_with_everything(triangle: OutageFactors) -> None:
    told: list[tuple[str, float | None, str]] = []
    screen(triangle, FLOW, 0, np.full(3, 100.0), 1e-3, progress=lambda *words: told.append(words))
    assert told == [("screen", 1.0, "3 of 3 outages")]
