"""Headroom: the largest load that fits at each bus alone, what stops it, and what would raise it.

One bus at a time takes a new load w [MW] beside the existing load. A dispatch p serves both. In every snapshot, with
f the flows of p and w, H the power transfer distribution factors and D the outage factors of
`optimizer.grid.contingency` (outages that split the network included),

    -R[l] <= f[l]               <= R[l]     every branch, nothing out       R: normal rating, angle limits
    -E[l] <= f[l] + D[l,k] f[k] <= E[l]     every branch after every outage E: emergency rating

(ratings are those of the snapshot where a table of factors says so)

and the headroom is the least over snapshots of the largest such w. What p may be is the mode:

* ``redispatch``: any dispatch within ``p_min <= p <= p_max x availability`` of generators in service. Limits of
  generators are not enforced after an outage. Of the dispatches that allow the same load none is preferred: the answer
  is the load.
* ``distributed``: the dispatch before the new load is fixed (the one of least cost that is secure, or the given one),
  and each generator of the island takes a share of w in proportion to its participation, ``p_max x availability`` in
  the snapshot. The sum of all spare output ends it; the limit of a single generator does not.

With a cutoff c, limits whose flow changes by less than c per MW of new load do not count in the distributed mode: a
dispatch of least cost is at some limits already, and studies of transfers leave out those that hardly see the transfer
(unverified: NERC's transmission loading relief acts on distribution factors of 5 % and more). An outage limit counts if
it sees c or more and can be broken by flows that are within normal ratings before the outage. By default c is 0, every
limit counts, and the answer is secure.

Non-firm: a share x of the load is dropped after any outage. The base case carries all of w; after an outage (1 - x) w
is left, and the generators of the island take x w back in proportion to participation, before the outage moves flows:

    -E[l] <= g[l] + D[l,k] g[k] <= E[l],    g[l] = f[l] + x w (H[l,n] - sum_m H[l,m] participation[m])

A bus that one outage disconnects has no firm headroom, and non-firm one only where all of the load is dropped (x = 1).

Relief is the single upgrade on offer (more rating, the same impedance) that raises the firm headroom most, evaluated
with the whole program and all snapshots, not from prices.

Sources: the security rows are those of `model.md` and of A. Wood, B. Wollenberg, G. Sheble, Power Generation, Operation
and Control, 3rd ed., Wiley 2013, chapters 7 and 8; hosting capacity as the largest single injection that keeps every
limit: M. Bollen, F. Hassan, Integration of Distributed Generation in the Power System, Wiley 2011 (unverified: pages).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, SolverError, refuse_errors
from optimizer.grid.screening import screen
from optimizer.progress import Progress, peak_memory_mb, silent
from optimizer.solve.headroom.ac import COLUMNS as AC_COLUMNS
from optimizer.solve.headroom.ac import (
    check_headroom_ac,
    chosen_buses,
    distributed_samples,
    loads_to_check,
    unknown_buses,
)
from optimizer.solve.headroom.base import (
    CHECKED_MW,
    MODES,
    BeforeNewLoad,
    HeadroomSettings,
    Mode,
    Watch,
    before_new_load,
    dispatch_for_distributed,
    pairs_of,
    with_given_overloads,
)
from optimizer.solve.headroom.case import HeadroomCase
from optimizer.solve.headroom.distributed import Found, State, distributed_headroom
from optimizer.solve.headroom.redispatch import Sample, redispatch_headroom

__all__ = ["COLUMNS", "MODES", "Headroom", "HeadroomSettings", "find_headroom", "worst_excess_mw"]

#: Columns of the answer, in order.
COLUMNS = (
    "bus base_kv mode headroom_mw limiting_branch limiting_contingency snapshot relief relief_mw relief_cost_musd "
    "headroom_non_firm_mw lat lon substation zone limited_by relief_musd_per_mw"
).split()

#: Buses whose headroom is checked against every outage on every branch, drawn with this seed.
CHECKED_BUSES = 10
SEED = 0

DECIMALS = 4


@dataclass(frozen=True, eq=False)
class Headroom:
    """The answer.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`: one row a bus and mode, the modes one after the other, buses in the grid's order.
    base_overloads : DataFrame
        ``branch, contingency, snapshot, overload_mw``: limits that the existing system breaks, and by how much.
    ac : DataFrame
        What AC power flow says of some buses, see `optimizer.solve.headroom.ac`; empty where it was not asked.
    findings : tuple of Finding
        Warnings and notes.
    summary : dict
        Counts, checks and seconds by stage.
    """

    table: pd.DataFrame
    base_overloads: pd.DataFrame
    ac: pd.DataFrame
    findings: tuple[Finding, ...]
    summary: dict[str, Any]


def find_headroom(
    problem: HeadroomCase, settings: HeadroomSettings | None = None, progress: Progress = silent
) -> Headroom:
    """Find the headroom of every bus at or above a voltage.

    Parameters
    ----------
    problem : HeadroomCase
        The network, as `optimizer.solve.headroom.case.headroom_case` makes it.
    settings : HeadroomSettings, optional
        What is asked.
    progress : Progress
        Told how far it is.

    Returns
    -------
    Headroom

    Raises
    ------
    InputError
        A setting cannot be used, or the existing system has no secure dispatch and overloads are not allowed.
    SolverError
        The solver stopped without an answer.
    """
    settings = settings or HeadroomSettings()
    refuse_errors(_unusable(settings))
    buses = problem.chosen_buses(settings.min_kv)
    refuse_errors(unknown_buses(problem, buses, settings.ac_buses))
    watch = Watch()
    problem, base, notes = before_new_load(problem, settings, watch, progress)
    found: dict[Mode, dict[int, Found]] = {}
    samples: list[Sample] = []
    outputs: list[np.ndarray] | None = None
    rng = np.random.default_rng(SEED)
    sampled = frozenset(rng.choice(buses, min(CHECKED_BUSES, len(buses)), replace=False).tolist())
    if "redispatch" in settings.modes:
        with watch.stage("redispatch"):
            found["redispatch"], samples = redispatch_headroom(
                problem, base.pairs, base.rows, buses, settings.non_firm_share, sampled, progress
            )
    if "distributed" in settings.modes:
        with watch.stage("distributed"):
            outputs, more = dispatch_for_distributed(problem, settings, base)
            problem, raised = with_given_overloads(problem, settings, outputs)
            pairs = base.pairs if raised is None else pairs_of(problem)
            states = [State.of(problem, h, outputs[h], pairs[h]) for h in range(len(problem.snapshots))]
            share = settings.non_firm_share
            found["distributed"] = distributed_headroom(problem, states, buses, share, settings.cutoff, progress)
            notes = [*notes, *more, *_congested(problem, found["distributed"])]
        if settings.cutoff <= 0:
            samples += distributed_samples(problem, outputs, found["distributed"], sorted(sampled))
    with watch.stage("check"):
        worst = _refuse_broken(problem, samples, progress)
    checked_ac = pd.DataFrame(columns=AC_COLUMNS)
    if settings.ac_count or settings.ac_buses:
        with watch.stage("ac"):
            chosen = chosen_buses(problem, found, settings.ac_count, settings.ac_buses)
            loads = loads_to_check(problem, found, base, outputs, chosen)
            checked_ac, said = check_headroom_ac(problem, base, loads, progress)
            notes = [*notes, *said]
    table = pd.concat([_table(problem, mode, found[mode]) for mode in settings.modes], ignore_index=True)
    summary = _summary(problem, settings, table, base, watch, len(samples), worst)
    return Headroom(table, problem.base_overloads, checked_ac, (*problem.findings, *notes), summary)


def _congested(problem: HeadroomCase, found: dict[int, Found]) -> list[Finding]:
    """Note that the dispatch leaves no room at many buses, and which limit is in the way."""
    stopped = [item for item in found.values() if item.headroom_mw < 1.0 and item.branch >= 0]
    if 2 * len(stopped) < len(found):
        return []
    counts: dict[tuple[int, int, int], int] = {}
    for item in stopped:
        key = (item.branch, item.outage, item.snapshot)
        counts[key] = counts.get(key, 0) + 1
    (branch, outage, h), times = max(counts.items(), key=lambda entry: (entry[1], [-k for k in entry[0]]))
    where = f"branch {problem.network.branch_ids[branch]}"
    if outage >= 0 and problem.factors is not None:
        where += f" after outage {problem.factors.outages.names[outage]}"
    text = (
        f"the dispatch before the new load is at this limit already in snapshot {problem.snapshots[h]}, which stops "
        f"{times} of {len(found)} buses in the distributed mode"
    )
    remedy = "use redispatch, or count only limits that see a share of the load (--cutoff 0.05)"
    return [Finding("headroom.congested", where, text, "", remedy, "warning")]


def _unusable(settings: HeadroomSettings) -> list[Finding]:
    findings = []
    if not 0.0 <= settings.non_firm_share <= 1.0:
        found = f"{settings.non_firm_share:g}"
        text = "the share of the load that is dropped after an outage is not between 0 and 1"
        findings.append(Finding("headroom.share", "--non-firm-share", text, found, "give a number from 0 to 1"))
    if not 0.0 <= settings.cutoff < 1.0:
        text = "the sensitivity below which a limit does not count is not from 0 to below 1"
        found = f"{settings.cutoff:g}"
        findings.append(Finding("headroom.cutoff", "--cutoff", text, found, "give 0 to count every limit"))
    if not settings.min_kv >= 0:
        text = "a voltage is not negative"
        findings.append(Finding("headroom.min_kv", "--min-kv", text, f"{settings.min_kv:g} kV", "give 0 or more"))
    if settings.ac_count < 0:
        text, count = "a number of buses is not negative", str(settings.ac_count)
        findings.append(Finding("headroom.ac.count", "--ac", text, count, "give 0 or more"))
    return findings


def _refuse_broken(problem: HeadroomCase, samples: list[Sample], progress: Progress) -> float:
    """Check dispatches against every limit of every branch after every outage; return the largest excess [MW]."""
    worst = 0.0
    for number, sample in enumerate(samples, start=1):
        progress("check", number / len(samples), "every outage on every branch")
        excess = worst_excess_mw(problem, sample)
        worst = max(worst, excess)
        if excess > CHECKED_MW:
            where = f"bus {problem.network.bus_ids[sample.bus]}, snapshot {problem.snapshots[sample.snapshot]}"
            text = "the dispatch found for the headroom breaks a limit"
            raise SolverError([Finding("headroom.check", where, text, f"{excess:.4f} MW")])
    return worst


def worst_excess_mw(problem: HeadroomCase, sample: Sample) -> float:
    """Return the largest excess of a dispatch over any limit, before and after every outage [MW]; 0 if none.

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    sample : Sample
        A load at a bus, and the output that serves it.
    """
    h, network = sample.snapshot, problem.network
    injection = sample.output_mw - problem.load_mw[:, h]
    injection[sample.bus] -= sample.load_mw
    flow = network.flows(injection)
    over = np.maximum(flow - problem.high_mw[:, h], problem.low_mw[:, h] - flow)
    worst = float(over.max(initial=0.0))
    if problem.factors is None:
        return worst
    extra = problem.extra_mw[h]
    after = screen(problem.factors, flow, h, problem.emergency_mw[:, h], 0.0, top=0, extra_limit=extra).violations
    return max(worst, float(after["excess_mw"].max()) if len(after) else 0.0)


def _table(problem: HeadroomCase, mode: Mode, found: dict[int, Found]) -> pd.DataFrame:
    network, buses = problem.network, problem.grid.buses
    at = np.array(sorted(found), dtype=np.intp)
    items = [found[bus] for bus in at.tolist()]
    outages = problem.factors.outages.names if problem.factors is not None else ()
    relief = np.array([item.relief_mw for item in items])
    cost = np.array([item.relief_cost_musd if item.relief else np.nan for item in items])
    table = pd.DataFrame(
        {
            "bus": network.bus_ids[at].astype(str),
            "base_kv": buses["base_kv"].to_numpy(float)[at],
            "mode": mode,
            "headroom_mw": np.round([item.headroom_mw for item in items], DECIMALS),
            "limiting_branch": [str(network.branch_ids[i.branch]) if i.branch >= 0 else "" for i in items],
            "limiting_contingency": [outages[i.outage] if i.outage >= 0 else "" for i in items],
            "snapshot": [problem.snapshots[i.snapshot] if i.snapshot >= 0 else "" for i in items],
            "relief": [item.relief for item in items],
            "relief_mw": np.round(relief, DECIMALS),
            "relief_cost_musd": np.round(cost, DECIMALS),
            "headroom_non_firm_mw": np.round([item.non_firm_mw for item in items], DECIMALS),
            "limited_by": [item.limited_by for item in items],
        }
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        table["relief_musd_per_mw"] = np.round(np.where(relief > 0, cost / relief, np.nan), 6)
    for column in ("lat", "lon", "substation", "zone"):
        table[column] = buses[column].to_numpy()[at]
    return table[COLUMNS]


def _summary(
    problem: HeadroomCase,
    settings: HeadroomSettings,
    table: pd.DataFrame,
    base: BeforeNewLoad,
    watch: Watch,
    checked: int,
    worst_mw: float,
) -> dict[str, Any]:
    outages = 0 if problem.factors is None else len(problem.factors.outages)
    counts = {
        "buses": problem.network.n_bus,
        "branches": problem.network.n_branch,
        "outages": outages,
        "snapshots": len(problem.snapshots),
        "buses_looked_at": int(table["bus"].nunique()),
        "outage_limits": outages * problem.network.n_branch * len(problem.snapshots),
        "outage_limits_that_can_break": sum(0 if p is None else len(p) for p in base.pairs),
        "base_overloads": len(problem.base_overloads),
    }
    return {
        "name": problem.case.name,
        "settings": {
            "min_kv": settings.min_kv,
            "non_firm_share": settings.non_firm_share,
            "modes": list(settings.modes),
            "dispatch": settings.dispatch,
            "cutoff": settings.cutoff,
            "base_overloads": settings.base_overloads,
            "snapshots": list(problem.snapshots),
            "participation": "p_max x availability",
        },
        "counts": counts,
        "median_headroom_mw": {
            mode: round(float(rows["headroom_mw"].median()), DECIMALS) for mode, rows in table.groupby("mode")
        },
        "checked": {"dispatches": checked, "outages_each": outages, "worst_excess_mw": round(worst_mw, 6)},
        "seconds": watch.seconds,
        "peak_memory_mb": peak_memory_mb(),
    }
