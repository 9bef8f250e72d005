"""Workloads in few columns and rows, against programs with all of them."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from optimizer.progress import silent
from optimizer.solve import sifted_search, sifting
from optimizer.solve.at_once import find_at_once
from optimizer.solve.found import Limits
from optimizer.solve.prepared import Run
from optimizer.solve.program import SecureProgram
from optimizer.solve.sifted_search import SiftedSearch
from optimizer.study import read_study
from tests.benchmarks.facilities import made
from tests.oracles.facilities import Instance, write_study

EXACT = Limits(0.0, 50)


def program_of(instance: Instance, folder: Path) -> SecureProgram:
    """An instance in the hands of the solver."""
    study = read_study(write_study(instance, folder))
    return Run(study, silent).program(study.case)


def strong_relaxation(instance: Instance, lower: np.ndarray, upper: np.ndarray) -> float:
    """Least cost with sites opened within bounds, in shares of demand with every strong row; infinite without any."""
    m, n = instance.cost.shape
    pair = np.arange(m * n)
    customer, facility, share, ones = pair // n, pair % n, n + pair, np.ones(m * n)
    served = sp.csr_matrix((ones, (customer, share)), (m, n + m * n))
    within = sp.csr_matrix(
        (np.r_[instance.demand[customer], -instance.capacity], (np.r_[facility, :n], np.r_[share, :n])), (n, n + m * n)
    )
    strong = sp.csr_matrix((np.r_[ones, -ones], (np.r_[pair, pair], np.r_[share, facility])), (m * n, n + m * n))
    found = linprog(
        np.r_[instance.opening, instance.cost.ravel()],
        sp.vstack([within, strong]),
        np.zeros(n + m * n),
        served,
        np.ones(m),
        np.c_[np.r_[lower, np.zeros(m * n)], np.r_[upper, np.ones(m * n)]],
    )
    return float(found.fun) if found.status == 0 else np.inf


@pytest.fixture
def few_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two columns and one strong row a demand, so that the rest must come as they are found missing."""
    monkeypatch.setattr(sifting, "FIRST", 2)
    monkeypatch.setattr(sifting, "FIRST_ROWS", (1, 1))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.usefixtures("few_columns")
def test_the_relaxation_is_that_with_all_columns_and_strong_rows(seed: int, tmp_path: Path) -> None:
    instance = made(15, 30, seed)
    sifted = SiftedSearch(program_of(instance, tmp_path), EXACT, abs).sifted
    relaxed = sifted.clean()
    assert relaxed.objective == pytest.approx(strong_relaxation(instance, np.zeros(15), np.ones(15)), rel=1e-8)
    assert sifted.proven() == pytest.approx(relaxed.objective, rel=1e-8)
    assert (sifted.column < 0).any()
    # Rows that do not bind can go, and nothing changes.
    rows = sifted.highs.size[0]
    sifted.purge()
    assert sifted.highs.size[0] < rows
    assert sifted.clean().objective == pytest.approx(relaxed.objective, rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_no_multipliers_prove_more_than_the_relaxation(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the multipliers are, also those that no solver would give."""
    instance = made(6, 12)
    sifted = SiftedSearch(program_of(instance, tmp_path), EXACT, abs).sifted
    best, random = sifted.clean().objective, np.random.default_rng(seed)
    y = sifted.highs.duals() * random.uniform(0.5, 1.5, sifted.highs.size[0])
    y += random.normal(0, 10.0**seed, len(y)) * (random.random(len(y)) < 0.3)
    monkeypatch.setattr(sifted.highs, "duals", lambda: y)
    sifted.bound(np.array([], dtype=int), np.array([]), np.array([]))
    assert sifted.proven() <= best + 1e-6 * abs(best)


@pytest.mark.every(2)
@pytest.mark.parametrize(("seed", "nodes"), [(1, 50), (2, 50), (3, 50), (3, 0), (4, 1)])
@pytest.mark.usefixtures("few_columns")
def test_the_plan_is_the_best_of_all_sets_of_sites(
    seed: int, nodes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 2^6 sets is a transport problem; with no node, or one, the solver's own search ends it."""
    monkeypatch.setattr(sifted_search, "MOST_NODES_OF_FEW", nodes)
    instance = made(6, 25, seed, opening=3_000.0)
    instance = Instance(3 * instance.capacity, instance.opening, instance.demand, instance.cost)
    sets = (np.array(one, dtype=float) for one in product((0, 1), repeat=6))
    best = min(strong_relaxation(instance, one, one) for one in sets)
    found = find_at_once(program_of(instance, tmp_path), EXACT, abs)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(best, rel=1e-6)
    assert found.bound <= found.objective


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_sets_of_sites_are_searched_and_prices_hold_columns(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With sets of sites, as in large programs, the same optimum as without, and as the solver alone finds."""
    instance = made(14, 40, seed)
    values = []
    for many, nodes in ((10**9, 2000), (0, 2000), (10**9, 0)):
        monkeypatch.setattr(sifted_search, "MANY_PAIRS", many)
        monkeypatch.setattr(sifted_search, "MOST_NODES_OF_FEW", nodes)
        found = find_at_once(program_of(instance, tmp_path / str(len(values))), EXACT, abs)
        assert found.status == "optimal"
        values.append(found.objective)
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)


def test_a_gap_that_is_allowed_ends_the_search(tmp_path: Path) -> None:
    found = find_at_once(program_of(made(14, 40), tmp_path), Limits(0.05, 50), abs)
    assert found.status in ("gap_reached", "optimal")
    assert found.objective - found.bound <= 0.05 * found.objective
