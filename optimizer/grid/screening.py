"""Screening: which limits a dispatch breaks, before any outage and after every one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optimizer.grid.contingency import OutageFactors

#: Outages looked at together: few enough for the work arrays to stay in the processor's cache.
SCREEN_BLOCK = 32


@dataclass(frozen=True, eq=False)
class ScreenResult:
    """What a screening found.

    Parameters
    ----------
    violations : DataFrame
        ``outage`` (number; -1 before any outage), ``branch`` (position), ``flow_mw``, ``limit_mw``, ``loading`` [-],
        ``excess_mw``: every pair above its limit by more than the tolerance, the highest loading first.
    top : DataFrame
        The same columns: the highest loadings, as many as asked for; fewer if there are fewer pairs.
    above : DataFrame
        The same columns: every loading above the asked threshold; empty without one.
    worst_loading : float
        Highest ``|flow| / limit`` [-]; 0 if nothing was checked.
    n_checked : int
        Pairs of an outage and a limited branch that is still there.
    """

    violations: pd.DataFrame
    top: pd.DataFrame
    above: pd.DataFrame
    worst_loading: float
    n_checked: int


@dataclass
class _Collector:
    """Keeps the pairs worth reporting while blocks go by."""

    tolerance_mw: float
    keep_above: float | None
    top: int
    worst: float = 0.0
    checked: int = 0
    floor: float = 0.0  # a lower bound of the loading of the last of the `top` pairs
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, outages: np.ndarray, flow: np.ndarray, loading: np.ndarray, limit: np.ndarray) -> None:
        """Take one block: `flow` and `loading` have one outage a row, `limit` broadcasts to them."""
        if loading.size == 0:
            return
        highest = loading.max(axis=1)
        self.worst = max(self.worst, float(highest.max()))
        if 0 < self.top <= len(highest):
            self.floor = max(self.floor, float(np.partition(highest, -self.top)[-self.top]))
        wanted = min(
            1.0,
            self.keep_above if self.keep_above is not None else 1.0,
            self.floor if self.top else 1.0,
        )
        rows = np.flatnonzero(highest >= wanted)
        row, branch = np.nonzero(loading[rows] >= max(wanted, np.finfo(float).tiny))
        if len(row):
            row = rows[row]
            limits = np.broadcast_to(limit, loading.shape)[row, branch]
            found = (outages[row], branch, flow[row, branch], limits, loading[row, branch])
            self.parts.append(np.column_stack(found))

    def result(self) -> ScreenResult:
        """Sort what was kept: highest loading first, then outage and branch."""
        data = np.vstack(self.parts) if self.parts else np.empty((0, 5))
        data = data[np.lexsort((data[:, 1], data[:, 0], -data[:, 4]))]
        frame = pd.DataFrame(data, columns=["outage", "branch", "flow_mw", "limit_mw", "loading"])
        frame = frame.astype({"outage": "int64", "branch": "int64"})
        frame["excess_mw"] = frame["flow_mw"].abs() - frame["limit_mw"]
        above = frame[frame["loading"] > self.keep_above] if self.keep_above is not None else frame.iloc[:0]
        return ScreenResult(
            violations=frame[frame["excess_mw"] > self.tolerance_mw].reset_index(drop=True),
            top=frame.iloc[: self.top].reset_index(drop=True),
            above=above.reset_index(drop=True),
            worst_loading=self.worst,
            n_checked=self.checked,
        )


def screen_base(
    flow_mw: np.ndarray,
    limit_mw: np.ndarray,
    tolerance_mw: float,
    keep_above: float | None = None,
    top: int = 10,
) -> ScreenResult:
    """Compare flows before any outage with their limits.

    Parameters
    ----------
    flow_mw, limit_mw : float array, shape (n_branch,)
        Flows and limits [MW]; an infinite limit is not checked.
    tolerance_mw, keep_above, top
        As in `screen`.

    Returns
    -------
    ScreenResult
        With outage number -1.
    """
    limit = np.asarray(limit_mw, dtype=float)
    flow = np.asarray(flow_mw, dtype=float)[None, :]
    collector = _Collector(tolerance_mw, keep_above, 0)
    collector.checked = int(np.isfinite(limit).sum())
    # One row: the floor of the highest loadings comes from its entries.
    loading = np.abs(flow) * _inverse(limit)
    if top:
        collector.top = top
        collector.floor = float(np.sort(loading[0])[-top]) if loading.size > top else 0.0
    collector.add(np.array([-1]), flow, loading, limit)
    return collector.result()


def screen(
    factors: OutageFactors,
    flow_mw: np.ndarray,
    snapshot_index: int,
    limit_mw: np.ndarray,
    tolerance_mw: float,
    keep_above: float | None = None,
    top: int = 10,
    extra_limit: Mapping[tuple[int, int], float] | None = None,
) -> ScreenResult:
    """Compare the flows after every outage with their limits.

    Parameters
    ----------
    factors : OutageFactors
        The outages.
    flow_mw : float array, shape (n_branch,)
        Flows before any outage [MW].
    snapshot_index : int
        Column of the participation that shares the imbalance of a split.
    limit_mw : float array, shape (n_branch,)
        Limits after an outage [MW]; an infinite limit is not checked.
    tolerance_mw : float
        How far above its limit a flow must be to be a violation [MW].
    keep_above : float, optional
        Also return every loading above this [-].
    top : int
        How many of the highest loadings to return.
    extra_limit : mapping of (branch position, outage number) to float, optional
        MW added to the limit of a branch after one outage.

    Returns
    -------
    ScreenResult
        The branch that is out and the lost side of a split are not counted.
    """
    flow = np.asarray(flow_mw, dtype=float)
    limit = np.asarray(limit_mw, dtype=float)
    inverse = _inverse(limit)
    limited = np.isfinite(limit)
    extra = _extra_arrays(extra_limit or {}, limited)
    collector = _Collector(tolerance_mw, keep_above, top)
    driving = flow[factors.outages.positions]
    for numbers, after in factors.row_blocks(snapshot_index, SCREEN_BLOCK):
        after *= driving[numbers, None]
        after += flow
        loading = np.abs(after)
        loading *= inverse
        row, branch = factors.dead_entries(numbers, snapshot_index)
        loading[row, branch] = 0.0
        collector.checked += int(limited.sum()) * len(numbers) - int(limited[branch].sum())
        limits = _raise_limits(extra, numbers, limit, loading)
        collector.add(numbers, after, loading, limits)
    return collector.result()


def _inverse(limit: np.ndarray) -> np.ndarray:
    """1 / limit: 0 where unlimited; a limit of 0 makes any flow a very high loading rather than ``nan``."""
    return 1.0 / np.maximum(limit, 1e-9)


def _extra_arrays(
    extra: Mapping[tuple[int, int], float], limited: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outage numbers (ascending), branch positions and MW of the allowances on branches that have a limit."""
    items = sorted((outage, branch, float(mw)) for (branch, outage), mw in extra.items() if limited[branch])
    outage = np.array([i[0] for i in items], dtype=np.intp)
    branch = np.array([i[1] for i in items], dtype=np.intp)
    return outage, branch, np.array([i[2] for i in items], dtype=float)


def _raise_limits(
    extra: tuple[np.ndarray, np.ndarray, np.ndarray], numbers: np.ndarray, limit: np.ndarray, loading: np.ndarray
) -> np.ndarray:
    """Limits of a block with the allowances added; `loading`, made by this module, is rescaled in place."""
    outage, branch, mw = extra
    first, last = np.searchsorted(outage, [numbers[0], numbers[-1] + 1])
    if first == last:
        return limit
    limits = np.tile(limit, (len(numbers), 1))
    rows, columns = outage[first:last] - numbers[0], branch[first:last]
    raised = limit[columns] + mw[first:last]
    loading[rows, columns] *= np.maximum(limit[columns], 1e-9) / np.maximum(raised, 1e-9)
    limits[rows, columns] = raised
    return limits
