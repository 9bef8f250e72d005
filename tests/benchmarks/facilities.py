"""Facility location: the product beside a strong model written by hand straight on HiGHS, same instance, same gap.

    python -m tests.benchmarks.facilities p17 p18 made-100-1000

Compared is time in the solver, of the product for the relaxation and the integer program together, and processor time
from numbers in memory to a plan proven optimal, in which both build their program. Reading tables, and writing,
verifying and showing the plan, have no counterpart there and are not counted. One thread each.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import highspy
import numpy as np
import scipy.sparse as sp

from optimizer.progress import silent
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import search
from optimizer.solve.prepared import Run, prepare
from optimizer.study import read_study
from tests.oracles.facilities import Instance, read_instance, write_study


@dataclass(frozen=True)
class Measured:
    """What one solve reached and took: value [M$], time in the solver and processor time in all [s]."""

    value: float
    solver: float
    seconds: float


def made(n_facilities: int, n_customers: int, seed: int = 1, opening: float = 20_000.0) -> Instance:
    """Make an instance of the kind of OR-Library: one capacity, one opening cost, and one facility that is open free.

    Places are uniform in a square, demands lognormal, a unit costs its distance; a tenth of the total demand fits.
    """
    random = np.random.default_rng(seed)
    here, there = random.uniform(0, 100, (n_facilities, 2)), random.uniform(0, 100, (n_customers, 2))
    demand = np.round(50 * random.lognormal(0, 1, n_customers)) + 1
    distance = np.linalg.norm(there[:, None] - here[None], axis=2)
    costs = np.full(n_facilities, opening)
    costs[n_facilities // 2] = 0.0
    capacity = np.full(n_facilities, np.ceil(0.1 * demand.sum()))
    return Instance(capacity, costs, demand, np.round(0.05 * distance * demand[:, None], 4))


def by_hand(instance: Instance, seconds: float = 3600.0) -> Measured:
    """Solve the strong model: shares of demand, one row for each pair."""
    started = time.process_time()
    m, n = instance.cost.shape
    pair = np.arange(m * n)
    customer, facility, share = pair // n, pair % n, n + pair
    ones = np.ones(m * n)
    rows = [
        sp.csr_matrix((ones, (customer, share)), (m, n + m * n)),
        sp.csr_matrix(
            (np.r_[instance.demand[customer], -instance.capacity], (np.r_[facility, :n], np.r_[share, :n])),
            (n, n + m * n),
        ),
        sp.csr_matrix((np.r_[ones, -ones], (np.r_[pair, pair], np.r_[share, facility])), (m * n, n + m * n)),
    ]
    matrix = sp.vstack(rows).tocsr()
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.r_[instance.opening, instance.cost.ravel()]
    lp.col_lower_, lp.col_upper_ = np.zeros(n + m * n), np.ones(n + m * n)
    lp.row_lower_, lp.row_upper_ = (
        np.r_[np.ones(m), np.full(n + m * n, -np.inf)],
        np.r_[np.ones(m), np.zeros(n + m * n)],
    )
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    whole, continuous = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    lp.integrality_ = [whole] * n + [continuous] * (m * n)
    highs = highspy.Highs()
    options = {"output_flag": False, "threads": 1, "mip_rel_gap": 0.0, "mip_abs_gap": 5e-7, "time_limit": seconds}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(lp)
    called = time.perf_counter()
    highs.run()
    solver = time.perf_counter() - called
    return Measured(float(highs.getInfo().objective_function_value), solver, time.process_time() - started)


def by_product(instance: Instance, folder: Path) -> Measured:
    """Solve the instance as a study."""
    study = read_study(write_study(instance, folder, seconds=3600.0))
    run = Run(study, silent)
    prepared = prepare(run)
    started = time.process_time()
    found = search(run, prepared, ["cost"], Goal())
    solver = sum(run.clock.seconds.get(stage, 0.0) for stage in ("lp", "mip"))
    return Measured(float(found.values["cost"]), solver, time.process_time() - started)


def instance_of(name: str) -> Instance:
    """Instance of a name: ``p17`` of the reference data, or ``made-FACILITIES-CUSTOMERS``."""
    if name.startswith("made-"):
        n, m = name.split("-")[1:3]
        return made(int(n), int(m))
    return read_instance(Path(os.environ["GRIDSITE_REFERENCE_DATA"]) / "cflp-orlib" / name)


def main(names: list[str]) -> None:
    """Write value and times of both, and their ratios, a line for each instance."""
    for name in names:
        instance = instance_of(name)
        with tempfile.TemporaryDirectory() as folder:
            product = by_product(instance, Path(folder))
        hand = by_hand(instance)
        sys.stdout.write(
            f"{name:14} product {product.value:.4f} by hand {hand.value:.4f}  "
            f"solver {product.solver:.2f} / {hand.solver:.2f} s = {product.solver / hand.solver:.2f}  "
            f"all {product.seconds:.2f} / {hand.seconds:.2f} s = {product.seconds / hand.seconds:.2f}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
