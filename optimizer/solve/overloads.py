"""Limits that are broken before any new load: how far they must give way at least.

One program per snapshot at first-period load finds one dispatch for the base case and all outages together with the
least summed overload, then least cost. Each limit becomes rating plus that fixed overload.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.formulation import dispatch, power_flow, security
from optimizer.objectives.cost import cost
from optimizer.solve.money import without_new_load
from optimizer.solve.operation import operation
from optimizer.solve.program import Clock, Log, RowKey, SecureProgram
from optimizer.solve.tables.decisions import DECIMALS
from optimizer.study.case import Case

NONE_MW = 1e-3
"""A summed overload up to this is none at all: every limit holds [MW]."""

ROUNDS = 200
"""Rounds of adding rows after which the overload program gives up."""


@dataclass(frozen=True)
class Overloads:
    """Overloads before any new load, and the dispatch that has them.

    Parameters
    ----------
    table : DataFrame
        ``branch, contingency, snapshot, overload_mw``; empty if every limit holds.
    dispatch : DataFrame
        ``generator, snapshot, output_mw``; empty if every limit holds.
    """

    table: pd.DataFrame
    dispatch: pd.DataFrame


def no_overloads() -> Overloads:
    """Overloads of a study that allows none, whatever its existing network does."""
    table = pd.DataFrame({"branch": [], "contingency": [], "snapshot": [], "overload_mw": pd.Series(dtype=float)})
    return Overloads(table, pd.DataFrame(columns=["generator", "snapshot", "output_mw"]))


def find_overloads(
    case: Case, threads: int, seed: int, clock: Clock, log: Log, rows: Iterable[RowKey] = ()
) -> Overloads:
    """Find the least overloads of the existing system, snapshot by snapshot.

    Parameters
    ----------
    case : Case
        The study's.
    threads, seed, clock, log
        As `SecureProgram` takes them.
    rows : iterable of row keys
        Limits of the case that held another program without new load, in whatever period.

    Raises
    ------
    InfeasibleError
        A snapshot cannot be dispatched at all.
    SolverError
        The solver stopped before the overloads were found.
    """
    existing = without_new_load(case)
    first = case.periods.iloc[:1]
    t = int(first.index[0])
    programs: list[tuple[str, SecureProgram]] = []
    least: dict[str, float] = {}
    for h in case.snapshots.index:
        one = replace(
            existing,
            periods=first,
            snapshots=case.snapshots.loc[[h]],
            load_mw=case.load_mw[[(first.index[0], h)]],
            output_min_mw=case.output_min_mw[[h]],
            output_max_mw=case.output_max_mw[[h]],
            upgrades=case.upgrades.iloc[:0],
        )
        parts = [dispatch, power_flow] + ([security] if case.is_secured else [])
        program = SecureProgram(one, threads, seed, clock, log, objective=_total_overload, parts=parts, elastic=True)
        program.add_rows(dict.fromkeys((b, k, t, snapshot, side) for b, k, _, snapshot, side in rows if snapshot == h))
        least[str(h)] = _least_mw(program, str(h))
        programs.append((str(h), program))
    if all(mw <= NONE_MW for mw in least.values()):
        return Overloads(_no_overloads(), _no_dispatch())
    found = [_cheapest(program, h, least[h]) for h, program in programs]
    tables, outputs = [one.table for one in found], [one.dispatch for one in found]
    return Overloads(pd.concat(tables, ignore_index=True), pd.concat(outputs, ignore_index=True))


def _no_overloads() -> pd.DataFrame:
    columns = {"branch": [], "contingency": [], "snapshot": [], "overload_mw": pd.Series(dtype=float)}
    return pd.DataFrame(columns)


def _no_dispatch() -> pd.DataFrame:
    return pd.DataFrame({"generator": [], "snapshot": [], "output_mw": pd.Series(dtype=float)})


def _least_mw(program: SecureProgram, h: str) -> float:
    """Least summed overload of a snapshot [MW]."""
    outcome = program.solve_clean("overloads", ROUNDS)
    if outcome.status == "infeasible":
        text = "existing load cannot be served within the limits of generators and the angle differences allowed"
        remedy = "check generation, availability and angle limits of the snapshot"
        raise InfeasibleError([Finding("solve.existing_load", f"snapshot {h}", text, "", remedy)])
    if outcome.status != "optimal":
        text = "the overloads of the existing system were not found"
        raise SolverError([Finding("solve.overloads", f"snapshot {h}", text, outcome.status)])
    return outcome.objective


def _cheapest(program: SecureProgram, h: str, least_mw: float) -> Overloads:
    """The cheapest dispatch of a snapshot with the least overloads, and what they are."""
    case = program.case
    program.keep_overloads(cost(program.model))
    final = program.solve_clean("overloads", ROUNDS)
    if final.status != "optimal":
        raise SolverError([Finding("solve.overloads", f"snapshot {h}", "no dispatch was found", final.status)])
    made = dispatch.tables(program.model.dispatch, case, program.model)["dispatch"].round({"output_mw": DECIMALS})
    empty = pd.DataFrame(columns=["site", "bus", "period", "snapshot", "withdrawal_mw"])
    no_upgrades = pd.DataFrame(columns=["upgrade", "in_service"])
    broken = operation(case, made, empty, no_upgrades, 0.0).broken
    excess = broken["flow_mw"].abs() - broken["limit_mw"]
    table = broken[["branch", "contingency", "snapshot"]].assign(overload_mw=excess)
    if least_mw <= NONE_MW:
        table = table.iloc[:0]
    return Overloads(table.reset_index(drop=True), made.drop(columns="period"))


def _total_overload(m: pyo.ConcreteModel) -> Any:
    """Overloads join the objective as their rows are built; before that there is nothing to minimize."""
    return 0.0


def refuse_overloads(found: Overloads) -> None:
    """Raise with every broken limit named, if any is broken.

    Raises
    ------
    InputError
        The system is overloaded before any new load and the study does not allow it.
    """
    if found.table.empty:
        return
    findings = [
        Finding(
            "security.base_overload",
            f"branch {row.branch}" + (f" after outage {row.contingency}" if row.contingency else ""),
            f"overloaded before any new load in snapshot {row.snapshot}",
            f"{row.overload_mw:.3f} MW above its limit",
            'correct the case, or set [security] base_overloads = "allow"',
            value=float(row.overload_mw),
            limit=0.0,
            unit="MW",
        )
        # What is overloaded by less is so only beside those.
        for row in found.table.sort_values("overload_mw", ascending=False).itertuples()
        if row.overload_mw > NONE_MW or row.Index == found.table["overload_mw"].idxmax()
    ]
    raise InputError(findings)
