"""Headroom put through AC power flow: does the load that DC security allows at a bus survive it?

The load stands at its bus with the dispatch that allows it, in the snapshot that limits it, at a stated power factor.
Checked are the case without an outage, the limiting outage, and those with the highest DC loadings beside it. The same
dispatch problem without the load, at least cost, tells what is broken already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.errors import Finding, nearest
from optimizer.grid.ac import POWER_FACTOR, ACResult, check_ac
from optimizer.grid.ac_point import BRANCH
from optimizer.grid.hvdc import scheduled_load
from optimizer.grid.screening import screen
from optimizer.progress import Progress
from optimizer.solve.headroom.base import BeforeNewLoad, Mode
from optimizer.solve.headroom.case import HeadroomCase
from optimizer.solve.headroom.distributed import Found
from optimizer.solve.headroom.redispatch import Sample, redispatch_headroom
from optimizer.study.ratings import rated_grid

#: Outages checked at a bus: the limiting one, and the highest loaded beside it.
N_OUTAGES = 5

#: Columns of the result.
COLUMNS = (
    "bus mode snapshot headroom_mw power_factor converged converged_before attempt outages outages_not_solved "
    "voltage_low voltage_high loading worst_voltage_pu worst_loading dc_error_mean_mw dc_error_max_mw"
).split()


@dataclass(frozen=True)
class Checked:
    """A load at a bus to be checked, and the limit that stops it."""

    mode: Mode
    sample: Sample
    found: Found


def unknown_buses(problem: HeadroomCase, buses: np.ndarray, names: Sequence[str]) -> list[Finding]:
    """Names of buses whose headroom is not looked for, as errors."""
    known = [str(bus) for bus in problem.network.bus_ids[buses]]
    remedy = "name a bus at or above --min-kv"
    return [
        Finding(
            "headroom.ac.bus",
            "--ac-bus",
            "no bus whose headroom is looked for",
            repr(name),
            nearest(name, known) if len(known) < 100 else remedy,
        )
        for name in names
        if name not in known
    ]


def chosen_buses(
    problem: HeadroomCase, found: dict[Mode, dict[int, Found]], count: int, names: Sequence[str]
) -> list[int]:
    """Positions of the buses to check: those named, and the ones with the most headroom in the first mode.

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    found : dict
        Headroom by mode and bus position.
    count : int
        How many of the most headroom.
    names : sequence of str
        Buses named by the user, known ones.
    """
    items = next(iter(found.values()))
    position = {str(problem.network.bus_ids[at]): at for at in items}
    most = sorted(items, key=lambda at: (-items[at].headroom_mw, at))[:count]
    return list(dict.fromkeys([*(position[name] for name in names), *most]))


def loads_to_check(
    problem: HeadroomCase,
    found: dict[Mode, dict[int, Found]],
    base: BeforeNewLoad,
    distributed_mw: Sequence[np.ndarray] | None,
    buses: Sequence[int],
) -> list[Checked]:
    """The dispatch at the headroom of each bus, by mode, in the snapshot that limits it."""
    loads: list[Checked] = []
    for mode, items in found.items():
        if mode == "redispatch":
            wanted = np.array(sorted(buses), dtype=np.intp)
            _, samples = redispatch_headroom(problem, base.pairs, base.rows, wanted, 0.0, frozenset(wanted.tolist()))
        else:
            assert distributed_mw is not None
            samples = distributed_samples(problem, distributed_mw, items, buses)
        loads += [Checked(mode, sample, items[sample.bus]) for sample in samples if items[sample.bus].headroom_mw > 0]
    return loads


def distributed_samples(
    problem: HeadroomCase, outputs: Sequence[np.ndarray], found: dict[int, Found], buses: Sequence[int]
) -> list[Sample]:
    """The dispatch at the headroom of some buses by distributed slack, in the snapshot that limits each."""
    samples = []
    island = problem.network.island
    for bus in sorted(buses):
        item = found[bus]
        if item.snapshot < 0:
            continue
        share = np.where(island == island[bus], problem.participation[:, item.snapshot], 0.0)
        samples.append(Sample(bus, item.snapshot, item.headroom_mw, outputs[item.snapshot] + item.headroom_mw * share))
    return samples


def check_headroom_ac(
    problem: HeadroomCase,
    base: BeforeNewLoad,
    loads: Sequence[Checked],
    progress: Progress,
    power_factor: float = POWER_FACTOR,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Check loads at buses by AC power flow.

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    base : BeforeNewLoad
        The dispatch without the new load.
    loads : sequence of Checked
        What is checked.
    progress : Progress
        Told which.
    power_factor : float
        Of the new load, lagging [-].

    Returns
    -------
    table : DataFrame
        `COLUMNS`: a row a bus and mode. ``voltage_low``, ``voltage_high`` and ``loading`` count limits that are broken
        by the load, or more than without it.
    findings : list of Finding
        A warning for each bus whose load has no solution, or breaks a limit.
    """
    rows, findings = [], []
    for number, load in enumerate(loads):
        bus = str(problem.network.bus_ids[load.sample.bus])
        progress("AC", number / len(loads), f"bus {bus}, {load.mode}")
        result = _check(problem, base, load, power_factor)
        rows.append(_row(problem, load, result, power_factor))
        findings += _said(load, result, rows[-1])
    return pd.DataFrame(rows, columns=COLUMNS), findings


def _check(problem: HeadroomCase, base: BeforeNewLoad, load: Checked, power_factor: float) -> ACResult:
    sample, h = load.sample, load.sample.snapshot
    grid, bus_ids = rated_grid(problem.grid, problem.case, problem.snapshots[h]), problem.network.bus_ids
    existing = pd.Series(problem.load_mw[:, h], index=bus_ids) - scheduled_load(grid)[0] - grid.buses["shunt_mw"]
    outages = {problem.factors.outages.names[k]: k for k in _outages(problem, load)} if problem.factors else {}
    return check_ac(
        grid,
        pd.Series([sample.load_mw], index=[str(bus_ids[sample.bus])]),
        _by_unit(problem, h, sample.output_mw),
        load_mw=existing,
        output_max_mw=problem.case.output_max_mw[problem.snapshots[h]],
        output_before_mw=_by_unit(problem, h, base.output_mw[h]),
        outages={name: [f"{BRANCH}{name}"] for name in outages},
        power_factor=power_factor,
    )


def _outages(problem: HeadroomCase, load: Checked) -> list[int]:
    """Numbers of the limiting outage and of the highest loaded ones."""
    if problem.factors is None:
        return []
    sample = load.sample
    injection = sample.output_mw - problem.load_mw[:, sample.snapshot]
    injection[sample.bus] -= sample.load_mw
    flow = problem.network.flows(injection)
    # Pairs of the same outage fill many of the highest places.
    top = screen(
        problem.factors, flow, sample.snapshot, problem.emergency_mw[:, sample.snapshot], 0.0, top=20 * N_OUTAGES
    ).top["outage"]
    first = [load.found.outage] if load.found.outage >= 0 else []
    return list(dict.fromkeys([*first, *top.tolist()]))[:N_OUTAGES]


def _by_unit(problem: HeadroomCase, snapshot: int, output_mw: np.ndarray) -> pd.Series:
    """Output of each generator: that of its bus, shared in proportion to what each can move."""
    low, high = problem.output_limits(snapshot)
    at, n_bus = problem.generator_bus, problem.network.n_bus
    least = np.bincount(at, weights=low, minlength=n_bus)
    room = np.bincount(at, weights=high - low, minlength=n_bus)
    units = np.bincount(at, minlength=n_bus)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(room[at] > 0, (high - low) / room[at], 1.0 / units[at])
    return pd.Series(low + (output_mw - least)[at] * share, index=problem.case.generators.index)


def _row(problem: HeadroomCase, load: Checked, result: ACResult, power_factor: float) -> tuple[object, ...]:
    broken = result.violations[result.violations["status"] != "existing"]
    counts = broken["kind"].value_counts()
    low, loading = (broken.loc[broken["kind"] == kind, "value"] for kind in ("voltage_low", "loading"))
    limit = broken.loc[broken["kind"] == "loading", "limit"]
    error = result.flow_error
    return (
        str(problem.network.bus_ids[load.sample.bus]),
        load.mode,
        problem.snapshots[load.sample.snapshot],
        round(load.sample.load_mw, 4),
        power_factor,
        result.converged,
        result.converged_before,
        result.attempt,
        len(result.outages),
        int((result.outages["state"] == "not_solved").sum()),
        *(int(counts.get(kind, 0)) for kind in ("voltage_low", "voltage_high", "loading")),
        round(float(low.min()), 4) if len(low) else np.nan,
        round(float((loading / limit).max()), 4) if len(loading) else np.nan,
        np.nan if error is None else round(error.mean_mw, 3),
        np.nan if error is None else round(error.max_mw, 3),
    )


def _said(load: Checked, result: ACResult, row: tuple[object, ...]) -> list[Finding]:
    table = dict(zip(COLUMNS, row, strict=True))
    where = f"bus {table['bus']}, {load.mode}, {table['snapshot']}"
    size = f"{load.sample.load_mw:,.0f} MW"
    if not result.converged:
        text = "AC power flow has no solution with the headroom that DC security allows"
        if not result.converged_before:
            text = "AC power flow has no solution, neither with the headroom nor without it"
        remedy = "take less load here, or add reactive power"
        return [Finding("headroom.ac.not_converged", where, text, size, remedy, "warning")]
    named = [f"{table[kind]} {text}" for kind, text in _KINDS.items() if table[kind]]
    unsolved = table["outages_not_solved"]
    if unsolved:
        named.append(f"{unsolved} outages without a solution")
    if not named:
        return []
    text = f"in AC the headroom of {size} breaks limits that hold without it, or breaks them more"
    remedy = "take less load here, or add reactive power or rating"
    return [Finding("headroom.ac.limits", where, text, ", ".join(named), remedy, "warning")]


_KINDS = {
    "voltage_low": "voltages too low",
    "voltage_high": "voltages too high",
    "loading": "branches above their rating",
}
