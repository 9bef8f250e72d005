"""All outages of a study under one numbering: those of single branches first, then the others.

The two are kept apart because outages of single branches are many and have factors of their own, which are fast
(`optimizer.grid.contingency`); the others are few and of every kind (`optimizer.grid.joint`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd

from optimizer.grid.contingency import OutageFactors
from optimizer.grid.joint import Driver, Remains
from optimizer.grid.joint_factors import JointFactors, OperatingPoint
from optimizer.grid.screening import ScreenResult, screen
from optimizer.progress import Progress, silent

#: Outages of other kinds looked at together, which bounds temporary memory.
JOINT_BLOCK = 64

_COLUMNS = ["outage", "branch", "flow_mw", "limit_mw", "loading", "excess_mw"]
_BROKEN = ["outage", "branch", "flow_mw", "excess_mw"]


class AllOutages:
    """Outages of single branches, and those of other kinds.

    Parameters
    ----------
    single : OutageFactors, optional
        Outages of one branch each; none where they are not asked for.
    joint : JointFactors
        The others.
    """

    def __init__(self, single: OutageFactors | None, joint: JointFactors) -> None:
        self.single = single
        self.joint = joint
        self.n_single = 0 if single is None else len(single.outages)

    def __len__(self) -> int:
        return self.n_single + len(self.joint.outages)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each outage."""
        return (*(() if self.single is None else self.single.outages.names), *self.joint.outages.names)

    @cached_property
    def number_of(self) -> dict[str, int]:
        """Number of each outage by its name."""
        return {name: number for number, name in enumerate(self.names)}

    def kind(self, number: int) -> str:
        """Return the kind of an outage: ``branch``, or that of `Elements`."""
        return "branch" if number < self.n_single else self._remains(number).elements.kind

    def _remains(self, number: int) -> Remains:
        return self.joint.outages.outages[number - self.n_single]

    def drivers(self, number: int) -> tuple[Driver, ...]:
        """Return the quantities before an outage that flows after it depend on, beside the branch's own flow."""
        if self.single is not None and number < self.n_single:
            return (Driver("branch", int(self.single.outages.positions[number]), "", (), -1),)
        return self._remains(number).drivers

    def factors(self, number: int, snapshot_index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the factors of an outage's drivers, shape (n_branch, n_driver) [MW/MW], and which branches are left.

        Flows after it are ``f + factors @ y`` with y the drivers' values.
        """
        if self.single is not None and number < self.n_single:
            factor, alive = self.single.columns(np.array([number]), snapshot_index)
            return factor, alive[:, 0]
        return self.joint.columns(number - self.n_single, snapshot_index)

    def alive(self, number: int, snapshot_index: int) -> np.ndarray:
        """Return which branches are left after an outage, shape (n_branch,)."""
        if self.single is not None and number < self.n_single:
            return self.single.alive(number, snapshot_index)
        return self.joint.columns(number - self.n_single, snapshot_index)[1]

    def after(self, number: int, point: OperatingPoint, snapshot_index: int) -> np.ndarray:
        """Return flows after an outage, shape (n_branch,) [MW]; nan for branches out or lost."""
        factor, alive = self.factors(number, snapshot_index)
        values = np.array([point.value(driver) for driver in self.drivers(number)])
        return np.where(alive, point.flow_mw + factor @ values, np.nan)

    def broken(
        self,
        point: OperatingPoint,
        snapshot_index: int,
        limit_mw: np.ndarray,
        tolerance_mw: float,
        extra_limit: Mapping[tuple[int, int], float] | None = None,
    ) -> pd.DataFrame:
        """Find what `screen` finds broken, many times faster where it is asked often; parameters as there.

        Returns
        -------
        DataFrame
            ``outage, branch, flow_mw, excess_mw``, by outage and branch.
        """
        tables = []
        if self.single is not None:
            limits = self.single.broken_limits(snapshot_index)
            pairs = limits.find(point.flow_mw, limit_mw, tolerance_mw, extra_limit)
            tables.append(pd.DataFrame(dict(zip(_BROKEN, pairs, strict=True))))
        if len(self.joint.outages):
            extra = {(b, k - self.n_single): mw for (b, k), mw in (extra_limit or {}).items() if k >= self.n_single}
            found = screen_joint(self.joint, point, snapshot_index, limit_mw, tolerance_mw, top=0, extra_limit=extra)
            tables.append(_renumbered(found, self.n_single).violations[_BROKEN].sort_values(["outage", "branch"]))
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=_BROKEN)

    def loaded(
        self,
        point: OperatingPoint,
        snapshot_index: int,
        limit_mw: np.ndarray,
        above: float,
        least: int,
        extra_limit: Mapping[tuple[int, int], float] | None = None,
    ) -> pd.DataFrame:
        """Find the loadings above a share of their limits, and at least so many of the highest, without looking at all.

        A loading above a share of a limit is a flow above a limit of that share, which `broken` finds. Only where
        fewer are found than are wanted is every outage looked at on every branch.

        Parameters
        ----------
        point, snapshot_index, limit_mw, extra_limit
            As `screen` takes them.
        above : float
            Share of a limit [-].
        least : int
            Number of the highest loadings that are wanted in any case.

        Returns
        -------
        DataFrame
            ``outage, branch, flow_mw, limit_mw, loading, excess_mw``, highest loading first.
        """
        extra = extra_limit or {}
        lower = {key: above * mw for key, mw in extra.items()}
        found = self.broken(point, snapshot_index, above * limit_mw, 0.0, lower)
        pairs = zip(found["branch"].tolist(), found["outage"].tolist(), strict=True)
        limit = limit_mw[found["branch"].to_numpy(np.intp)] + np.array([extra.get(pair, 0.0) for pair in pairs])
        size = found["flow_mw"].abs()
        found = found.assign(limit_mw=limit, loading=size / np.maximum(limit, 1e-9), excess_mw=size - limit)
        found = found[found["loading"] > above]
        if len(found) >= least:
            return _sorted(found[_COLUMNS])
        every = self.screen(point, snapshot_index, limit_mw, 0.0, above, least, extra_limit)
        return _sorted(pd.concat([every.top, every.above]).drop_duplicates(["outage", "branch"]))

    def screen(
        self,
        point: OperatingPoint,
        snapshot_index: int,
        limit_mw: np.ndarray,
        tolerance_mw: float,
        keep_above: float | None = None,
        top: int = 10,
        extra_limit: Mapping[tuple[int, int], float] | None = None,
        progress: Progress = silent,
    ) -> ScreenResult:
        """Compare flows after every outage with their limits; parameters as in `optimizer.grid.screening.screen`.

        ``extra_limit`` and the outage numbers of the result count all outages.
        """
        results = []
        settings = (tolerance_mw, keep_above, top)
        if self.single is not None:
            extra = {key: mw for key, mw in (extra_limit or {}).items() if key[1] < self.n_single}
            flow = point.flow_mw
            results.append(
                screen(self.single, flow, snapshot_index, limit_mw, *settings, extra_limit=extra, progress=progress)
            )
        if len(self.joint.outages):
            extra = {(b, k - self.n_single): mw for (b, k), mw in (extra_limit or {}).items() if k >= self.n_single}
            found = screen_joint(self.joint, point, snapshot_index, limit_mw, *settings, extra_limit=extra)
            results.append(_renumbered(found, self.n_single))
        return results[0] if len(results) == 1 else _merged(results, top)


def screen_joint(
    factors: JointFactors,
    point: OperatingPoint,
    snapshot_index: int,
    limit_mw: np.ndarray,
    tolerance_mw: float,
    keep_above: float | None = None,
    top: int = 10,
    extra_limit: Mapping[tuple[int, int], float] | None = None,
) -> ScreenResult:
    """Compare flows after outages of other kinds with their limits; parameters as in `optimizer.grid.screening.screen`.

    The result counts pairs as there: a branch out or lost is none.
    """
    limit = np.asarray(limit_mw, dtype=float)
    wanted = min(1.0, 1.0 if keep_above is None else keep_above)
    parts, checked, worst = [np.empty((0, 5))], 0, 0.0
    for start in range(0, len(factors.outages), JOINT_BLOCK):
        numbers = range(start, min(start + JOINT_BLOCK, len(factors.outages)))
        flow = factors.after(numbers, point, snapshot_index)
        limits = np.tile(limit, (len(numbers), 1))
        for (allowed, number), mw in (extra_limit or {}).items():
            if number in numbers:
                limits[number - start, allowed] += mw
        there = np.isfinite(flow) & np.isfinite(limits)
        checked += int(there.sum())
        # A limit of 0 makes any flow a very high loading rather than none.
        loading = np.where(there, np.abs(flow) / np.maximum(limits, 1e-9), 0.0)
        worst = max(worst, float(loading.max(initial=0.0)))
        highest = np.partition(loading, -top, axis=None)[-top] if 0 < top < loading.size else 0.0
        row, branch = np.nonzero(loading >= max(min(wanted, highest) if top else wanted, np.finfo(float).tiny))
        found = (row + start, branch, flow[row, branch], limits[row, branch], loading[row, branch])
        parts.append(np.column_stack(found))
    frame = pd.DataFrame(np.vstack(parts), columns=_COLUMNS[:5]).astype({"outage": "int64", "branch": "int64"})
    frame = _sorted(frame.assign(excess_mw=frame["flow_mw"].abs() - frame["limit_mw"]))
    return ScreenResult(
        violations=frame[frame["excess_mw"] > tolerance_mw].reset_index(drop=True),
        top=frame.iloc[:top].reset_index(drop=True),
        above=frame[frame["loading"] > (np.inf if keep_above is None else keep_above)].reset_index(drop=True),
        worst_loading=worst,
        n_checked=checked,
    )


def _renumbered(result: ScreenResult, first: int) -> ScreenResult:
    def moved(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(outage=frame["outage"] + first)

    return replace(result, violations=moved(result.violations), top=moved(result.top), above=moved(result.above))


def _merged(results: list[ScreenResult], top: int) -> ScreenResult:
    """One result of several, as if all had been looked at together."""

    def together(tables: list[pd.DataFrame]) -> pd.DataFrame:
        # An empty table would decide the types of the whole.
        filled = [table for table in tables if len(table)]
        return _sorted(pd.concat(filled, ignore_index=True)) if filled else tables[0]

    return ScreenResult(
        violations=together([r.violations for r in results]),
        top=together([r.top for r in results]).iloc[:top].reset_index(drop=True),
        above=together([r.above for r in results]),
        worst_loading=max(r.worst_loading for r in results),
        n_checked=sum(r.n_checked for r in results),
    )


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    """Highest loading first, then by outage and branch."""
    order = np.lexsort((frame["branch"], frame["outage"], -frame["loading"]))
    return frame.iloc[order].reset_index(drop=True)
