"""Outputs that are decided in a secure dispatch: one column a bus, or one a piece of cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimizer.solve.headroom.case import HeadroomCase


@dataclass(frozen=True, eq=False)
class Columns:
    """Outputs that are decided.

    Parameters
    ----------
    bus : int array, shape (n_column,)
        Bus position.
    lower_mw, upper_mw : float array, shape (n_column,)
        Limits [MW].
    cost_usd_per_mwh : float array, shape (n_column,)
        Cost; zero where only the largest load is asked for.
    fixed_mw : float array, shape (n_bus,)
        Output that is not decided [MW].
    """

    bus: np.ndarray
    lower_mw: np.ndarray
    upper_mw: np.ndarray
    cost_usd_per_mwh: np.ndarray
    fixed_mw: np.ndarray


def decided_by_bus(problem: HeadroomCase, snapshot: int) -> Columns:
    """Return one column a bus with generators: cost does not matter for the largest load."""
    low, high = problem.output_limits(snapshot)
    n_bus = problem.network.n_bus
    at = problem.generator_bus
    bus = np.unique(at)
    least, most = (np.bincount(at, weights=v, minlength=n_bus)[bus] for v in (low, high))
    kept = most > least
    fixed = np.zeros(n_bus)
    fixed[bus[~kept]] = least[~kept]
    return Columns(bus[kept], least[kept], most[kept], np.zeros(int(kept.sum())), fixed)


def decided_by_cost(problem: HeadroomCase, snapshot: int) -> Columns:
    """Return one column a piece of a generator's cost above its least output."""
    low, high = problem.output_limits(snapshot)
    case = problem.case
    segments = case.cost_segments
    number = case.generators.index.get_indexer(segments.index.get_level_values("generator"))
    width = segments["width_mw"].to_numpy(float)
    # Pieces are counted from the least output of any snapshot; this snapshot may start later and end earlier.
    before = segments["width_mw"].groupby(level="generator", sort=False).cumsum().to_numpy(float) - width
    start = case.generators["p_min_mw"].to_numpy(float)[number] + before
    room = np.minimum(start + width, high[number]) - np.maximum(start, low[number])
    kept = room > 0
    fixed = np.bincount(problem.generator_bus, weights=low, minlength=problem.network.n_bus)
    cost = segments["cost_usd_per_mwh"].to_numpy(float)
    return Columns(problem.generator_bus[number[kept]], np.zeros(int(kept.sum())), room[kept], cost[kept], fixed)
