"""The choice of the sparse factorization: SuperLU, CHOLMOD and KLU on one network, right-hand sides in blocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from optimizer.grid.dc import DCNetwork
from optimizer.io import read_grid
from tests.benchmarks.conftest import Figure

kvxopt = pytest.importorskip("kvxopt")
cholmod_library = pytest.importorskip("kvxopt.cholmod")
klu_library = pytest.importorskip("kvxopt.klu")

pytestmark = pytest.mark.bench

COUNT = 512
BLOCKS = (1, 8, 16, 64)

Solve = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def matrix(repository: Path) -> csc_array:
    """Bus susceptance matrix of the Texas network without its reference [MW/rad]."""
    grid = read_grid(repository / "datasets" / "texas" / "grid")
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service)
    i, j, b = network.from_position, network.to_position, network.susceptance_mw
    ends = (np.concatenate([i, j, i, j]), np.concatenate([i, j, j, i]))
    whole = csc_array((np.concatenate([b, b, -b, -b]), ends), shape=(network.n_bus, network.n_bus))
    kept = np.setdiff1d(np.arange(network.n_bus), network.reference)
    return csc_array(whole[kept][:, kept])


def _superlu(matrix: csc_array) -> Solve:
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return lambda right: factor.solve(np.asfortranarray(right))


def _others(matrix: csc_array) -> dict[str, Solve]:
    entries = matrix.tocoo()
    sparse = kvxopt.spmatrix(entries.data.tolist(), entries.row.tolist(), entries.col.tolist(), matrix.shape)
    cholesky = cholmod_library.symbolic(sparse)
    cholmod_library.numeric(sparse, cholesky)
    symbolic = klu_library.symbolic(sparse)
    numeric = klu_library.numeric(sparse, symbolic)

    def cholmod(right: np.ndarray) -> np.ndarray:
        solution = kvxopt.matrix(right)
        cholmod_library.solve(cholesky, solution)
        return np.array(solution)

    def klu(right: np.ndarray) -> np.ndarray:
        solution = kvxopt.matrix(right)
        klu_library.solve(sparse, symbolic, numeric, solution)
        return np.array(solution)

    return {"CHOLMOD": cholmod, "KLU": klu}


def test_the_same_solution_and_how_fast(matrix: csc_array, figure: Figure) -> None:
    right = np.zeros((matrix.shape[0], COUNT), order="F")
    right[np.random.default_rng(0).integers(0, matrix.shape[0], COUNT), np.arange(COUNT)] = 1.0
    solvers = {"SuperLU": _superlu(matrix), **_others(matrix)}
    expected = solvers["SuperLU"](right)
    for name, solve in solvers.items():
        seconds = []
        for block in BLOCKS:
            started = time.perf_counter()
            parts = [solve(right[:, start : start + block]) for start in range(0, COUNT, block)]
            seconds.append((time.perf_counter() - started) / COUNT)
            np.testing.assert_allclose(np.hstack(parts), expected, rtol=1e-6, atol=1e-12)
        shown = ", ".join(f"{1e6 * s:.0f} us in blocks of {b}" for s, b in zip(seconds, BLOCKS, strict=True))
        figure(f"Texas, one right-hand side, {name}: {shown}")
