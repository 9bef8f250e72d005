"""Start: what a plan leaves to the next solve of a study like its own.

All of it is a hint. Rows are named by branch, outage, period, snapshot and side and are built anew from the new case;
a name that it does not have is dropped. Whole decisions are tried in the new program, which may refuse them. Bounds are
never carried. Figures of the existing system are used again only where all that they rest on is unchanged
(`optimizer.solve.existing`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.solve.baseline import Baseline
from optimizer.solve.overloads import Overloads
from optimizer.study.case import Case

if TYPE_CHECKING:
    from optimizer.plan.plan import Plan
    from optimizer.solve.named_basis import NamedBasis
    from optimizer.solve.program import RowKey, SecureProgram

Figure = TypeVar("Figure")


@dataclass(frozen=True)
class Kept(Generic[Figure]):
    """A figure with the digest of all that it rests on."""

    digest: str
    value: Figure


@dataclass(frozen=True, eq=False)
class Start:
    """What a solve may start from.

    Parameters
    ----------
    placed : DataFrame
        Built sites: ``site, period, blocks, cooling, tie, bus``.
    upgrades : DataFrame
        ``upgrade`` and ``in_service``, the first period in which it serves.
    rows : tuple of row keys
        Limits of branches that held the plan or its relaxation.
    basis : NamedBasis, optional
        Where its relaxation ended.
    bare : Start, optional
        The same of the system without new load.
    overloads, baseline : Kept, optional
        Figures of the existing system.
    """

    placed: pd.DataFrame
    upgrades: pd.DataFrame
    rows: tuple[RowKey, ...]
    basis: NamedBasis | None = None
    bare: Start | None = None
    overloads: Kept[Overloads] | None = None
    baseline: Kept[Baseline] | None = None


def start_of(plan: Plan | None) -> Start | None:
    """What a plan leaves to the next solve; from its tables alone where it was read from disk.

    Raises
    ------
    InputError
        It is the record of a solve that made no plan.
    """
    if plan is None:
        return None
    if isinstance(plan.start, Start):
        return plan.start
    if not plan.has_plan:
        message, remedy = "the solve made no plan to start from", "name a plan, or start from nothing"
        where = str(plan.folder or plan.summary.get("name", "plan"))
        raise InputError([Finding("solve.start.no_plan", where, message, str(plan.summary.get("status")), remedy)])
    bare = replace(nothing(), upgrades=plan.table("baseline_upgrades")[["upgrade", "in_service"]])
    return Start(*decisions_of(plan), _rows_of(plan.table("binding")), bare=bare)


def decisions_of(plan: Plan) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sites with their ties, and upgrades, as `Start` has them."""
    ties = plan.table("ties")[["site", "tie"]].drop_duplicates("site")
    placed = plan.table("sites")[["site", "period", "blocks", "cooling", "bus"]].merge(ties, on="site", how="left")
    return placed, plan.table("upgrades")[["upgrade", "in_service"]]


def nothing() -> Start:
    """What is left where nothing was built."""
    sites = pd.DataFrame(columns=["site", "period", "blocks", "cooling", "bus", "tie"])
    return Start(sites, pd.DataFrame(columns=["upgrade", "in_service"]), ())


def _rows_of(binding: pd.DataFrame) -> tuple[RowKey, ...]:
    """Limits of branches that bind, by the names that rows have."""
    rows = binding[binding["limit"].isin(["normal rating", "emergency rating"])]
    columns = (rows[name] for name in ("element", "contingency", "period", "snapshot", "bound"))
    keys = zip(*columns, strict=True)
    return tuple(
        (str(branch), "" if pd.isna(outage) else str(outage), int(t), str(h), 1 if bound > 0 else -1)
        for branch, outage, t, h, bound in keys
    )


def held_by(program: SecureProgram) -> tuple[RowKey, ...]:
    """Limits of branches that held the relaxation of a program, or were found since.

    Limits that came after the relaxation count as well: whole decisions broke them, and others like them would.
    """
    return tuple(dict.fromkeys([*(key for key, _ in program.limit_rows()), *program.held]))


def known_rows(case: Case, keys: Iterable[RowKey]) -> list[RowKey]:
    """Those of the named limits that a case has, each once."""
    if case.network is None:
        return []
    branches = {str(branch): at for at, branch in enumerate(case.branches.index)}
    normal = case.branches["rating_mw"].to_numpy(float)
    emergency = case.branches["rating_emergency_mw"].to_numpy(float)
    snapshots = {str(h): at for at, h in enumerate(case.snapshots.index)}
    periods = {int(t) for t in case.periods.index}
    outages = case.contingencies.number_of if case.is_secured else {}
    found: list[RowKey] = []
    for branch, outage, t, h, side in dict.fromkeys(keys):
        if branch not in branches or t not in periods or h not in snapshots:
            continue
        at = branches[branch]
        if outage:
            if outage not in outages or not np.isfinite(emergency[at]):
                continue
            if not case.contingencies.alive(outages[outage], snapshots[h])[at]:
                continue
        elif not np.isfinite(normal[at]):
            continue
        found.append((branch, outage, t, h, side))
    return found


def whole_decisions(program: SecureProgram, start: Start) -> dict[int, float]:
    """Every integer column of a program, as a plan decided it; 0 for what it has not, or under another name.

    A period takes the decisions of the plan's latest period up to it.
    """
    case, highs, model = program.case, program.highs, program.model
    found = dict.fromkeys(highs.integers.tolist(), 0.0)
    periods = [int(t) for t in case.periods.index]

    def decide(variable: Any, value: float) -> None:
        if highs.has(variable) and highs.column(variable) in found:
            low, high = highs.model_bounds(highs.column(variable))
            found[highs.column(variable)] = min(max(value, low), high)

    for row in start.upgrades.itertuples():
        if row.upgrade in case.upgrades.index:
            for t in periods:
                decide(model.upgrades.in_service[row.upgrade, t], float(t >= row.in_service))
    for s, rows in start.placed.groupby("site", sort=False):
        tie = _tie_of(case, str(s), rows.iloc[0])
        cooling = rows["cooling"].iloc[0]
        if tie is None or (s, cooling) not in case.cooling.index:
            continue
        by_period = rows.set_index("period")["blocks"].sort_index()
        for t in periods:
            blocks = by_period[by_period.index <= t]
            if len(blocks):
                decide(model.siting.build[s, t], 1.0)
                decide(model.siting.blocks[s, t], float(blocks.iloc[-1]))
                if tie:
                    decide(model.interconnection.in_service[tie, t], 1.0)
        if by_period.index[0] <= periods[-1]:
            decide(model.cooling.chosen[s, cooling], 1.0)
    return found


def _tie_of(case: Case, site: str, row: Any) -> str | None:
    """The tie by which a case can connect a site where a plan did; "" where it needs none, ``None`` if it cannot."""
    if site not in case.sites.index:
        return None
    options = case.ties_of_site[site]
    if not options:
        return ""
    own = case.ties.loc[options]
    if row.tie in own.index and own.at[row.tie, "bus"] == row.bus:
        return str(row.tie)
    same = own[own["bus"] == row.bus]
    return None if same.empty else str(same["capacity_mw"].idxmax())
