"""Networks for the tests, and a second way to solve them: the pseudo-inverse of the dense susceptance matrix.

The pseudo-inverse shares nothing with the sparse factorization: no reference bus is removed, so agreement also shows
that results do not depend on the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from optimizer.grid.dc import DCNetwork


@dataclass(frozen=True)
class Example:
    """A network as plain arrays."""

    n_bus: int
    from_position: np.ndarray
    to_position: np.ndarray
    x_pu: np.ndarray
    tap: np.ndarray
    shift_deg: np.ndarray

    @property
    def buses(self) -> pd.Index:
        return pd.Index([f"n{i}" for i in range(self.n_bus)])

    @property
    def branches(self) -> pd.DataFrame:
        buses = self.buses
        return pd.DataFrame(
            {
                "from_bus": buses[self.from_position],
                "to_bus": buses[self.to_position],
                "x_pu": self.x_pu,
                "r_pu": self.x_pu / 10,
                "tap": self.tap,
                "shift_deg": self.shift_deg,
            },
            index=[f"l{i}" for i in range(len(self.x_pu))],
        )

    def network(self) -> DCNetwork:
        return DCNetwork.build(self.buses, self.branches)


def example(
    n_bus: int, ends: Sequence[tuple[int, int]], x_pu: Sequence[float] | float = 0.1, **columns: Sequence[float]
) -> Example:
    i, j = (np.array([pair[side] for pair in ends], dtype=int) for side in (0, 1))
    x = np.broadcast_to(np.asarray(x_pu, dtype=float), len(ends)).copy()
    tap = np.array(columns.get("tap", np.ones(len(ends))), dtype=float)
    shift = np.array(columns.get("shift_deg", np.zeros(len(ends))), dtype=float)
    return Example(n_bus, i, j, x, tap, shift)


def dense_flows(case: Example, injection_mw: np.ndarray, out: Sequence[int] = ()) -> np.ndarray:
    """Flows [MW] by the pseudo-inverse, with some branches out (their flow is 0). The injection must balance."""
    b = 100.0 / (case.x_pu * case.tap)
    b[list(out)] = 0.0
    shift = np.radians(case.shift_deg)
    incidence = np.zeros((len(b), case.n_bus))
    incidence[np.arange(len(b)), case.from_position] = 1.0
    incidence[np.arange(len(b)), case.to_position] = -1.0
    laplacian = incidence.T @ (b[:, None] * incidence)
    # One island spans one null vector: its pseudo-inverse is exact for balanced injections.
    angles = np.linalg.pinv(laplacian, rcond=1e-11, hermitian=True) @ (injection_mw + incidence.T @ (b * shift))
    return b * (incidence @ angles - shift)


def connected_parts(case: Example, out: Sequence[int] = ()) -> list[set[int]]:
    """Connected parts by repeated merging: slow and plain."""
    parts = [{n} for n in range(case.n_bus)]
    for k, (i, j) in enumerate(zip(case.from_position, case.to_position, strict=True)):
        if k in out:
            continue
        one = next(p for p in parts if i in p)
        other = next(p for p in parts if j in p)
        if one is not other:
            parts.remove(other)
            one |= other
    return parts


@st.composite
def _networks(draw: st.DrawFn, max_bus: int = 12) -> Example:
    """Connected networks: a random tree, and chords, parallel circuits among them; some taps and phase shifts."""
    n = draw(st.integers(2, max_bus))
    ends = [(draw(st.integers(0, j - 1)), j) for j in range(1, n)]
    for _ in range(draw(st.integers(0, 10))):
        i = draw(st.integers(0, n - 1))
        j = draw(st.integers(0, n - 2))
        ends.append((i, j if j < i else j + 1))
    m = len(ends)
    x = draw(st.lists(st.floats(0.005, 0.5), min_size=m, max_size=m))
    tap = draw(st.lists(st.sampled_from([1.0, 1.0, 0.95, 1.1]), min_size=m, max_size=m))
    shift = draw(st.lists(st.sampled_from([0.0, 0.0, 0.0, -7.5, 12.0]), min_size=m, max_size=m))
    flipped = draw(st.lists(st.booleans(), min_size=m, max_size=m))
    ends = [(j, i) if flip else (i, j) for (i, j), flip in zip(ends, flipped, strict=True)]
    return example(n, ends, x, tap=tap, shift_deg=shift)


@st.composite
def _balanced(draw: st.DrawFn) -> tuple[Example, np.ndarray]:
    """A network and an injection that sums to 0 [MW]."""
    case = draw(_networks())
    values = draw(st.lists(st.floats(-500, 500), min_size=case.n_bus - 1, max_size=case.n_bus - 1))
    return case, np.array([*values, -sum(values)])


# Fixtures, as test modules cannot import this one.


@pytest.fixture(scope="session")
def networks() -> st.SearchStrategy[Example]:
    """Made networks."""
    return _networks()


@pytest.fixture(scope="session")
def balanced() -> st.SearchStrategy[tuple[Example, np.ndarray]]:
    """Made networks, each with a balanced injection [MW]."""
    return _balanced()


@pytest.fixture(scope="session")
def make_example() -> Callable[..., Example]:
    return example


@pytest.fixture(scope="session")
def solve_dense() -> Callable[..., np.ndarray]:
    return dense_flows


@pytest.fixture(scope="session")
def parts_of() -> Callable[..., list[set[int]]]:
    return connected_parts
