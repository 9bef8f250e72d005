"""Screening: which limits a dispatch breaks, before any outage and after every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from optimizer.grid.contingency import OutageFactors
from optimizer.grid.outage_flows import OutageFlows
from optimizer.progress import Progress, silent

#: Outages looked at together: few enough for the work arrays to stay in the processor's cache.
SCREEN_BLOCK = 32

#: Outages that one thread takes at a time, and threads: the sparse solves and the array steps let others run.
RUN = 256
THREADS = 2


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
    best: np.ndarray = field(default_factory=lambda: np.empty(0))  # at most `top` high loadings that were seen
    parts: list[np.ndarray] = field(default_factory=list)

    def add(self, outages: np.ndarray, flow: np.ndarray, loading: np.ndarray, limit: np.ndarray) -> None:
        """Take one block: `flow` and `loading` have one outage a row, `limit` broadcasts to them."""
        if loading.size == 0:
            return
        highest = loading.max(axis=1)
        self.worst = max(self.worst, float(highest.max()))
        if self.top:
            # Pairs as high as these are there already, so none below the last of them is needed.
            seen = highest if len(self.best) else np.partition(loading, -min(self.top, loading.size), axis=None)
            self.best = np.sort(np.concatenate([self.best, seen]))[-self.top :]
            self.floor = float(self.best[0]) if len(self.best) == self.top else 0.0
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


def _result(collectors: list[_Collector]) -> ScreenResult:
    """Sort what was kept, of collectors with the same settings: highest loading first, then outage and branch."""
    keep_above, top = collectors[0].keep_above, collectors[0].top
    parts = [part for collector in collectors for part in collector.parts]
    data = np.vstack(parts) if parts else np.empty((0, 5))
    data = data[np.lexsort((data[:, 1], data[:, 0], -data[:, 4]))]
    frame = pd.DataFrame(data, columns=["outage", "branch", "flow_mw", "limit_mw", "loading"])
    frame = frame.astype({"outage": "int64", "branch": "int64"})
    frame["excess_mw"] = frame["flow_mw"].abs() - frame["limit_mw"]
    above = frame[frame["loading"] > keep_above] if keep_above is not None else frame.iloc[:0]
    return ScreenResult(
        violations=frame[frame["excess_mw"] > collectors[0].tolerance_mw].reset_index(drop=True),
        top=frame.iloc[:top].reset_index(drop=True),
        above=above.reset_index(drop=True),
        worst_loading=max(collector.worst for collector in collectors),
        n_checked=sum(collector.checked for collector in collectors),
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
    collector = _Collector(tolerance_mw, keep_above, top)
    collector.checked = int(np.isfinite(limit).sum())
    collector.add(np.array([-1]), flow, np.abs(flow) * _inverse(limit), limit)
    return _result([collector])


def screen(
    factors: OutageFactors,
    flow_mw: np.ndarray,
    snapshot_index: int,
    limit_mw: np.ndarray,
    tolerance_mw: float,
    keep_above: float | None = None,
    top: int = 10,
    extra_limit: Mapping[tuple[int, int], float] | None = None,
    progress: Progress = silent,
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
    progress : Progress
        Told how many outages are done.

    Returns
    -------
    ScreenResult
        The branch that is out and the lost side of a split are not counted.
    """
    flow = np.asarray(flow_mw, dtype=float)
    limit = np.asarray(limit_mw, dtype=float)
    work = _Work(
        factors=factors,
        snapshot_index=snapshot_index,
        limit=limit,
        inverse=_inverse(limit),
        limited=np.isfinite(limit),
        extra=_extra_arrays(extra_limit or {}, np.isfinite(limit)),
        after=_after(factors, flow, snapshot_index),
    )
    size = SCREEN_BLOCK if factors.keeps_all else factors.network.solve_block
    count = len(factors.outages)
    runs = [range(start, min(start + RUN, count)) for start in range(0, max(count, 1), RUN)]
    collectors = []
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(work.run, run, size, _Collector(tolerance_mw, keep_above, top)) for run in runs]
        for run, job in zip(runs, jobs, strict=True):
            collectors.append(job.result())
            progress("screen", run.stop / max(count, 1), f"{run.stop:,} of {count:,} outages")
    return _result(collectors)


def _after(factors: OutageFactors, flow: np.ndarray, snapshot_index: int) -> Callable[[np.ndarray], np.ndarray]:
    """How flows after some outages are computed: from kept factors, or solved where those are not kept."""
    if not factors.keeps_all:
        return OutageFlows(factors, flow, snapshot_index).rows
    factors.rows(np.arange(0), snapshot_index)  # computed and kept here, once, not by each thread
    driving = flow[factors.outages.positions]

    def from_factors(numbers: np.ndarray) -> np.ndarray:
        rows = factors.rows(numbers, snapshot_index)
        rows *= driving[numbers, None]
        rows += flow
        return rows

    return from_factors


@dataclass(frozen=True)
class _Work:
    """What every block of one screening shares."""

    factors: OutageFactors
    snapshot_index: int
    limit: np.ndarray
    inverse: np.ndarray
    limited: np.ndarray
    extra: tuple[np.ndarray, np.ndarray, np.ndarray]
    after: Callable[[np.ndarray], np.ndarray]

    def run(self, outages: range, size: int, collector: _Collector) -> _Collector:
        """Screen a run of outages in blocks."""
        for start in range(outages.start, outages.stop, size):
            numbers = np.arange(start, min(start + size, outages.stop))
            flow = self.after(numbers)
            loading = np.abs(flow)
            loading *= self.inverse
            row, branch = self.factors.dead_entries(numbers, self.snapshot_index)
            loading[row, branch] = 0.0
            collector.checked += int(self.limited.sum()) * len(numbers) - int(self.limited[branch].sum())
            limits = _raise_limits(self.extra, numbers, self.limit, loading)
            collector.add(numbers, flow, loading, limits)
        return collector


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
