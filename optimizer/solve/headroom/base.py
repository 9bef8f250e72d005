"""The system before any new load: which limits can break, a secure dispatch, and overloads it cannot avoid."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InfeasibleError, InputError, SolverError
from optimizer.grid.screening import screen
from optimizer.progress import Progress
from optimizer.solve.headroom.case import HeadroomCase, with_overloads
from optimizer.solve.headroom.columns import decided_by_cost
from optimizer.solve.headroom.lp import SecureDispatch
from optimizer.solve.headroom.pairs import Bounds, Pairs, possible_pairs
from optimizer.solve.overloads import Overloads, find_overloads, refuse_overloads
from optimizer.solve.program import Clock

Mode = Literal["redispatch", "distributed"]
MODES: tuple[Mode, ...] = ("redispatch", "distributed")

#: A given dispatch that misses the load by less is taken as balanced [MW].
BALANCED_MW = 1.0

#: Excess up to which a limit holds [MW], as in the verification of a plan.
CHECKED_MW = 1e-3

#: Seed of the solver where overloads are found.
SEED = 0


@dataclass(frozen=True)
class HeadroomSettings:
    """What is asked.

    Parameters
    ----------
    min_kv : float
        Lowest voltage of the buses [kV].
    non_firm_share : float
        Share of the load dropped after an outage in the non-firm value, 0 to 1 [-].
    modes : tuple of str
        ``redispatch``, ``distributed`` or both.
    dispatch : {"least_cost", "given"}
        Dispatch before the new load in the distributed mode.
    cutoff : float
        In the distributed mode, limits whose flow changes by less than this per MW of new load do not count; 0 counts
        all [MW/MW].
    base_overloads : {"refuse", "allow"}
        What to do where limits are broken before any new load.
    ac_count : int
        How many buses, those with the most headroom, are put through AC power flow as well.
    ac_buses : tuple of str
        Buses that are put through it by name.
    """

    min_kv: float = 100.0
    non_firm_share: float = 0.3
    modes: tuple[Mode, ...] = MODES
    dispatch: Literal["least_cost", "given"] = "least_cost"
    cutoff: float = 0.0
    base_overloads: Literal["refuse", "allow"] = "refuse"
    ac_count: int = 0
    ac_buses: tuple[str, ...] = ()


@dataclass
class Watch:
    """Seconds by stage; no decision reads it."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Book the time of what is done inside."""
        started = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)


@dataclass(frozen=True, eq=False)
class BeforeNewLoad:
    """The system before new load: pairs that can break, a secure dispatch, and the rows that it needed, by snapshot."""

    pairs: list[Pairs | None]
    output_mw: list[np.ndarray]
    rows: list[list[tuple[int, int]]]


def before_new_load(
    problem: HeadroomCase, settings: HeadroomSettings, watch: Watch, progress: Progress
) -> tuple[HeadroomCase, BeforeNewLoad, list[Finding]]:
    """A secure dispatch of least cost in each snapshot; where there is none, after the least overloads are allowed."""
    with watch.stage("outages"):
        progress("outages", None, "limits that an outage can break")
        pairs = pairs_of(problem)
    with watch.stage("dispatch"):
        progress("dispatch", None, "least cost without new load")
        outputs, rows = _least_cost(problem, pairs)
    insecure = [h for h, output in enumerate(outputs) if output is None]
    notes: list[Finding] = []
    if insecure:
        with watch.stage("overloads"):
            progress("overloads", None, "limits of the existing system before any new load")
            problem = _allowed(problem, insecure, settings)
            pairs = pairs_of(problem)
            outputs, rows = _least_cost(problem, pairs)
        notes.append(_overload_note(problem.base_overloads))
    for h, output in enumerate(outputs):
        if output is None:
            where = f"snapshot {problem.snapshots[h]}"
            raise SolverError([Finding("headroom.overloads", where, "no secure dispatch was found", "")])
    return problem, BeforeNewLoad(pairs, [o for o in outputs if o is not None], rows), notes


def pairs_of(problem: HeadroomCase) -> list[Pairs | None]:
    """Outage limits that can be broken, by snapshot."""
    count = len(problem.snapshots)
    if problem.factors is None:
        return [None] * count
    added, added_emergency = np.zeros((2, problem.network.n_branch))
    for l, offers in problem.upgrades_at.items():
        added[l], added_emergency[l] = max(o[1] for o in offers), max(o[2] for o in offers)
    found: list[Pairs | None] = []
    shared, before = None, None
    for h, name in enumerate(problem.snapshots):
        base = np.maximum(np.abs(problem.low_mw[:, h]), np.abs(problem.high_mw[:, h]))
        more = added * problem.case.rating_factor(name), added_emergency * problem.case.rating_factor(name, True)
        bounds = Bounds(base, problem.emergency_mw[:, h], *more)
        # The same for each snapshot, unless overloads are allowed or ratings vary.
        if before is not None and (not bounds.same_as(before) or problem.extra_mw[h] != problem.extra_mw[h - 1]):
            shared = None
        pairs, shared = possible_pairs(problem.factors, h, bounds, problem.extra_mw[h], shared)
        found.append(pairs)
        before = bounds
    return found


def _least_cost(
    problem: HeadroomCase, pairs: list[Pairs | None]
) -> tuple[list[np.ndarray | None], list[list[tuple[int, int]]]]:
    outputs: list[np.ndarray | None] = []
    rows = []
    for h in range(len(problem.snapshots)):
        program = SecureDispatch(problem, h, decided_by_cost(problem, h), pairs[h])
        point = program.solve()
        outputs.append(None if point is None else point.output_mw)
        rows.append(program.row_keys)
    return outputs, rows


def _allowed(problem: HeadroomCase, insecure: Sequence[int], settings: HeadroomSettings) -> HeadroomCase:
    """The case with the least overloads of the snapshots that have no secure dispatch."""
    names = [problem.snapshots[h] for h in insecure]
    case = problem.case
    columns = [column for column in case.load_mw.columns if column[1] in names]
    part = replace(
        case,
        snapshots=case.snapshots.loc[names],
        load_mw=case.load_mw[columns],
        output_min_mw=case.output_min_mw[names],
        output_max_mw=case.output_max_mw[names],
    )
    try:
        found = find_overloads(part, 1, SEED, Clock(), lambda line: None)
    except InfeasibleError as error:
        raise InputError(error.findings) from error
    _refuse(found, settings)
    return with_overloads(problem, found.table)


def _refuse(found: Overloads, settings: HeadroomSettings) -> None:
    """Raise with every broken limit named, unless they are allowed."""
    if settings.base_overloads == "allow":
        return
    remedy = 'correct the case, or allow it: --base-overloads allow, or [security] base_overloads = "allow"'
    try:
        refuse_overloads(found)
    except InputError as error:
        raise InputError(replace(f, remedy=remedy) for f in error.findings) from error


def _overload_note(table: pd.DataFrame) -> Finding:
    worst = table.sort_values("overload_mw", ascending=False, kind="stable").iloc[0]
    where = f"branch {worst['branch']}" + (f" after outage {worst['contingency']}" if worst["contingency"] else "")
    return Finding(
        "headroom.base_overloads",
        where,
        f"limits broken before any new load were raised by what breaks them ({len(table)} in all), this one most",
        f"{worst['overload_mw']:.1f} MW in snapshot {worst['snapshot']}",
        "correct the case if this is not so",
        "warning",
        value=float(worst["overload_mw"]),
        limit=0.0,
        unit="MW",
    )


def dispatch_for_distributed(
    problem: HeadroomCase, settings: HeadroomSettings, base: BeforeNewLoad
) -> tuple[list[np.ndarray], list[Finding]]:
    """Output of each bus by snapshot: of least cost, or the grid's own."""
    if settings.dispatch == "least_cost":
        return base.output_mw, []
    units = problem.grid.generators.loc[problem.case.generators.index, "p_mw"].astype(float)
    missing = units.index[units.isna()]
    if len(missing):
        text = "the dispatch is to be the given one, and generators have no output"
        remedy = "give p_mw, or use --dispatch least-cost"
        found = f"{len(missing)} of {len(units)}, first {missing[0]}"
        raise InputError([Finding("headroom.no_output", "generators, p_mw", text, found, remedy)])
    network = problem.network
    given = np.bincount(problem.generator_bus, weights=units.to_numpy(), minlength=network.n_bus)
    outputs, findings = [], []
    for h, name in enumerate(problem.snapshots):
        missed = np.bincount(network.island, weights=problem.load_mw[:, h] - given)
        outputs.append(given + problem.participation[:, h] * missed[network.island])
        if np.abs(missed).max() > BALANCED_MW:
            text = "the given output does not meet the load: generators share the rest in proportion to p_max available"
            found = f"{float(missed.sum()):,.1f} MW short"
            findings.append(Finding("headroom.unbalanced", f"snapshot {name}", text, found, "", "warning"))
    return outputs, findings


def with_given_overloads(
    problem: HeadroomCase, settings: HeadroomSettings, outputs: list[np.ndarray]
) -> tuple[HeadroomCase, pd.DataFrame | None]:
    """Limits that the given dispatch breaks: refused, or raised by what it breaks them."""
    if settings.dispatch == "least_cost":
        return problem, None
    parts = []
    for h, name in enumerate(problem.snapshots):
        flow = problem.network.flows(outputs[h] - problem.load_mw[:, h])
        over = np.maximum(flow - problem.high_mw[:, h], problem.low_mw[:, h] - flow)
        at = np.flatnonzero(over > CHECKED_MW)
        rows = [pd.DataFrame({"branch": problem.network.branch_ids[at], "contingency": "", "overload_mw": over[at]})]
        if problem.factors is not None:
            extra = problem.extra_mw[h]
            after = screen(problem.factors, flow, h, problem.emergency_mw[:, h], CHECKED_MW, top=0, extra_limit=extra)
            broken = after.violations
            names = [problem.factors.outages.names[k] for k in broken["outage"]]
            ids = problem.network.branch_ids[broken["branch"].to_numpy()]
            rows.append(pd.DataFrame({"branch": ids, "contingency": names, "overload_mw": broken["excess_mw"]}))
        parts.append(pd.concat(rows, ignore_index=True).assign(snapshot=name))
    table = pd.concat(parts, ignore_index=True)[["branch", "contingency", "snapshot", "overload_mw"]]
    if table.empty:
        return problem, None
    _refuse(Overloads(table, pd.DataFrame()), settings)
    return with_overloads(problem, table), table
