"""The check's own power flow: by hand, against the program's factors, and after outages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.grid.contingency import OutageFactors, OutageSet
from optimizer.grid.dc import DCNetwork
from optimizer.plan.verify_network import Wires, flows_after_outage
from tests.plan.small_case import grid
from tests.plan.small_flows import RUNS

BUSES = pd.Index(["a", "b", "c", "d"], name="bus")


def wires() -> Wires:
    return Wires.of(BUSES, grid().branches, "x")


@pytest.mark.parametrize("key", list(RUNS))
def test_flows_of_the_triangle(key: tuple[int, str]) -> None:
    run = RUNS[key]
    a, b, c = run.injections(run.cheap_mw, run.dear_mw, 0.0)
    flow = wires().flows(np.array([[a], [b], [c], [-run.load[3]]]))[:, 0]
    assert dict(zip(["ab", "ac", "cb", "cd"], flow, strict=True)) == pytest.approx(run.flows(), abs=1e-9)


@pytest.mark.parametrize("key", list(RUNS))
def test_flows_of_the_triangle_after_outages(key: tuple[int, str]) -> None:
    run = RUNS[key]
    a, b, c = run.injections(run.cheap_mw, run.dear_mw, 0.0)
    injection = np.array([a, b, c, -run.load[3]])
    share = np.array([300.0, 100.0, 0.0, 0.0])
    names = ["ab", "ac", "cb", "cd"]
    found = {}
    for position, outage in enumerate(names):
        flow = flows_after_outage(wires(), position, injection, np.array(run.load), share)
        found |= {(outage, branch): f for branch, f in zip(names, flow, strict=True) if not np.isnan(f)}
    assert found == pytest.approx(run.after(), abs=1e-9)


def test_a_part_without_generation_is_lost_too() -> None:
    """b keeps the load and loses its only supply: nothing is left."""
    branches = pd.DataFrame(
        {"from_bus": ["a"], "to_bus": ["b"], "x_pu": 0.1, "r_pu": 0.0, "tap": 1.0, "shift_deg": 0.0}, index=["ab"]
    )
    line = Wires.of(pd.Index(["a", "b"]), branches, "x")
    flow = flows_after_outage(line, 0, np.array([5.0, -5.0]), np.array([0.0, 5.0]), np.array([9.0, 0.0]))
    assert np.isnan(flow).all()


def test_susceptance_by_taps_and_by_resistance() -> None:
    """100 / (0.1 x 0.5) = 2000 MW/rad; 100 x 0.1 / (0.1^2 + 0.3^2) = 100 MW/rad, without taps and shifts."""
    branch = {"from_bus": ["a"], "to_bus": ["b"], "x_pu": 0.1, "r_pu": 0.3, "tap": 0.5, "shift_deg": 180.0}
    table = pd.DataFrame(branch)
    by_tap, by_resistance = (Wires.of(pd.Index(["a", "b"]), table, kind) for kind in ("x", "series"))
    assert by_tap.susceptance_mw == pytest.approx([2000.0])
    assert by_tap.shift_rad == pytest.approx([np.pi])
    assert by_resistance.susceptance_mw == pytest.approx([100.0])
    assert by_resistance.shift_rad == pytest.approx([0.0])


@st.composite
def networks(draw: st.DrawFn) -> tuple[pd.Index, pd.DataFrame, np.ndarray, np.ndarray]:
    """A tree with extra branches, shifters among them; injections that sum to 0; generators somewhere."""
    n = draw(st.integers(3, 8))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    ends = [(int(random.integers(0, i)), i) for i in range(1, n)]
    for _ in range(draw(st.integers(1, 5))):
        i, j = random.choice(n, 2, replace=False)
        ends.append((int(i), int(j)))
    buses = pd.Index([f"n{i}" for i in range(n)], name="bus")
    branches = pd.DataFrame(
        {
            "from_bus": [buses[i] for i, _ in ends],
            "to_bus": [buses[j] for _, j in ends],
            "x_pu": random.uniform(0.02, 0.3, len(ends)),
            "r_pu": 0.0,
            "tap": random.choice([1.0, 0.95], len(ends)),
            "shift_deg": random.choice([0.0, 0.0, 5.0], len(ends)),
        },
        index=pd.Index([f"l{k}" for k in range(len(ends))], name="branch"),
    )
    injection = random.normal(0.0, 50.0, n)
    return buses, branches, injection - injection.mean(), random.uniform(1.0, 100.0, n)


@pytest.mark.slow
@given(networks())
def test_flows_and_outages_agree_with_the_factors(case: tuple[pd.Index, pd.DataFrame, np.ndarray, np.ndarray]) -> None:
    buses, branches, injection, share = case
    load = np.arange(len(buses), dtype=float) + 1.0
    network = DCNetwork.build(buses, branches)
    mine = Wires.of(buses, branches, "x")
    flow = network.flows(injection)
    assert mine.flows(injection[:, None])[:, 0] == pytest.approx(flow, abs=1e-8)
    outages = OutageSet.branches(network, load)
    factor, alive = OutageFactors(network, outages, share[:, None]).columns(np.arange(len(outages)), 0)
    for k, position in enumerate(outages.positions):
        after = flows_after_outage(mine, int(position), injection, load, share)
        assert (np.isnan(after) == ~alive[:, k]).all()
        expected = flow + factor[:, k] * flow[position]
        assert after[alive[:, k]] == pytest.approx(expected[alive[:, k]], abs=1e-6)
