"""Factors on ratings by snapshot, read a second time from the grid's table, row by row and branch by branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.plan.verify_network import Floats

if TYPE_CHECKING:
    from optimizer.grid.network import Grid
    from optimizer.plan.verify_context import Context
    from optimizer.study.study import Study


def rows_used(study: Study) -> list[Any]:
    """Rows of the table of factors that hold for a study: none of the grid's where the study has its own snapshots."""
    config = study.config.grid
    if study.grid is None or config is None or (config.snapshot and config.rating_factors is None):
        return []
    return list(study.grid.rating_factors.itertuples())


def factors(context: Context, after_outage: bool) -> Floats:
    """Factor on the rating of every branch, shape (n_branch, n_snapshot) [-].

    Parameters
    ----------
    context : Context
        The plan.
    after_outage : bool
        For emergency ratings; otherwise for normal ones.
    """
    found = np.ones((len(context.case.branches), len(context.snapshots)))
    rows, grid = rows_used(context.study), context.study.grid
    if not rows or grid is None:
        return found
    circuit_of = _circuits(context)
    for column, h in enumerate(context.snapshots):
        here = [row for row in rows if row.snapshot == h]
        own = {row.branch: row for row in here if row.branch}
        others = [row for row in here if not row.branch]
        for i, branch in enumerate(context.case.branches.itertuples() if here else ()):
            name = str(branch.Index)
            single = own.get(name, own.get(circuit_of.get(name, "")))
            meant = [single] if single is not None else _most_said(grid, others, branch)
            found[i, column] = min((_given(row, after_outage) for row in meant), default=1.0)
    return found


def _circuits(context: Context) -> dict[str, str]:
    """Circuit of each unit that may be built, or the branch that it is made for, by the name it has as a branch."""
    owner: dict[str, str] = {}
    assert context.study.grid is not None
    given = context.study.grid.circuits.index
    made_for = {
        f"{words} {branch}": str(branch) for words in ("beside", "rebuild") for branch in context.case.branches.index
    }
    for circuit, count in context.study.circuits["max_count"].items():
        names = [circuit] if count == 1 else [f"{circuit}/{i}" for i in range(1, int(count) + 1)]
        stands_at = str(circuit) if circuit in given else made_for.get(str(circuit), str(circuit))
        owner |= dict.fromkeys(map(str, names), stands_at)
    return owner


def _given(row: Any, after_outage: bool) -> float:
    return float(row.factor_emergency if after_outage and row.factor_emergency > 0 else row.factor)


def _most_said(grid: Grid, rows: list[Any], branch: Any) -> list[Any]:
    """Of the rows that name a branch by what it is, those that say most of it."""
    zones = {grid.buses.at[branch.from_bus, "zone"], grid.buses.at[branch.to_bus, "zone"]}
    ranked: dict[int, list[Any]] = {}
    for row in rows:
        tests = [row.kind == branch.kind] if row.kind else []
        tests += [row.zone in zones] if row.zone else []
        tests += [abs(row.base_kv - branch.base_kv) <= 1e-5 * branch.base_kv] if row.base_kv > 0 else []
        if all(tests):
            ranked.setdefault(len(tests), []).append(row)
    return ranked[max(ranked)] if ranked else []
