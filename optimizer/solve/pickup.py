"""What generators are asked to give after outages by the sharing rule, beside what they can give.

What an outage leaves without balance is shared by the generators of the part that stays in proportion to their
participation w (p_max x availability), whatever they give already, so that flows after it follow from the plan alone.
Limits of generators are not enforced then. With Delta left over and W the participation of the units that stay,

    asked_i = p_i + Delta w_i / W,    beyond = sum_i max(0, asked_i - most_i, least_i - asked_i)

Where others of them have room for it, dispatch after the outage finds another share; where all together have too
little, the system cannot be balanced without losing load or what feeds it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.errors import Finding
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.study.case import Case

ROUNDING_MW = 1e-3
"""An output beyond its limit by no more than this is none [MW]; the tolerance of the check of outages."""

COLUMNS = ("contingency", "period", "snapshot", "beyond_mw", "short_mw")
"""Outage (empty where any drops the same load), period, snapshot, what generators are asked beyond their limits
together, and what all of them that stay have too little room for [MW]."""

BLOCK = 256
"""Outages that are looked at together, which bounds memory."""

ANY = -1

Floats = NDArray[np.float64]


def beyond_limits(case: Case, output_mw: Floats, point: OperatingPoint, t: int, h: str) -> pd.DataFrame:
    """Outages after which generators are asked for more, or for less, than they can give: `COLUMNS`.

    Parameters
    ----------
    case : Case
        Its outages.
    output_mw : ndarray, shape (n_generator,)
        Outputs before any outage [MW].
    point : OperatingPoint
        How the system runs once load is dropped, as flows after outages start from.
    t, h
        Period and snapshot.
    """
    most, least = (table[h].to_numpy(float) for table in (case.output_max_mw, case.output_min_mw))
    weight = case.participation_mw[:, case.snapshots.index.get_loc(h)]
    numbers, left_mw, stays = _left_over(case, point)
    names, parts = np.array([*case.outage_names, ""], dtype=object), []
    for start in range(0, max(len(numbers), 1), BLOCK):
        some = slice(start, start + BLOCK)
        shared = np.where(stays[some], np.maximum(weight, 0.0), 0.0)
        beyond_mw, short_mw = _asked(shared, left_mw[some], output_mw, point, (least, most))
        far = np.flatnonzero(beyond_mw > ROUNDING_MW)
        columns = names[numbers[some][far]], t, h, beyond_mw[far], short_mw[far]
        parts.append(pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))))
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _asked(
    shared: Floats, left_mw: Floats, output_mw: Floats, point: OperatingPoint, limits: tuple[Floats, Floats]
) -> tuple[Floats, Floats]:
    """What generators are asked beyond their limits after each outage, and what they have too little room for [MW].

    Parameters
    ----------
    shared : ndarray, shape (n_outage, n_generator)
        Participation of the generators that stay [MW].
    left_mw : ndarray, shape (n_outage,)
        What is without balance [MW].
    output_mw, point
        As `beyond_limits` takes them.
    limits : (ndarray, ndarray)
        Least and most output [MW].
    """
    least, most = limits
    units, total = shared > 0, shared.sum(axis=1)
    share = np.divide(left_mw, total, out=np.zeros_like(total), where=total > 0)
    asked = point.output_mw + share[:, None] * shared
    beyond_mw = np.where(units, np.maximum(0.0, np.maximum(asked - most, least - asked)), 0.0).sum(axis=1)
    change_mw = np.where(units, asked - output_mw, 0.0).sum(axis=1)
    room = np.where(change_mw[:, None] > 0, most - output_mw, output_mw - least)
    short_mw = np.abs(change_mw) - np.where(units, np.maximum(0.0, room), 0.0).sum(axis=1)
    return beyond_mw, np.where(short_mw > ROUNDING_MW, short_mw, 0.0)


def _left_over(case: Case, point: OperatingPoint) -> tuple[NDArray[np.intp], Floats, NDArray[np.bool_]]:
    """Number of each outage that leaves something without balance, how much [MW], and which generators stay."""
    network, bus = case.grid_network, case.generator_bus
    island = network.island[bus]
    everything = np.ones((int(case.drops_load), len(bus)), dtype=bool)
    found = [(np.full(len(everything), ANY), np.zeros(len(everything)), everything)]
    if case.outages is not None:
        flow = point.flow_mw[case.outages.positions]
        at_from = network.from_position[case.outages.positions] == case.outages.main_bus
        # The part that stays no longer sends what it sent over the branch, or no longer gets what it got.
        left_mw = np.where(at_from, -flow, flow)
        numbers = np.flatnonzero(case.outages.splits & (np.abs(left_mw) > ROUNDING_MW))
        here = island == network.island[case.outages.main_bus[numbers]][:, None]
        found.append((numbers, left_mw[numbers], here & ~_lost(case, numbers)))
    for number, left_mw_here, stays in _left_of_joint(case, point):
        found.append((np.array([number]), np.array([left_mw_here]), stays[None]))
    numbers, left, stay = (np.concatenate(part) for part in zip(*found, strict=True))
    return numbers, left, stay


def _left_of_joint(case: Case, point: OperatingPoint) -> Iterator[tuple[int, float, NDArray[np.bool_]]]:
    """The same of outages of several elements, generators or campuses, one at a time."""
    bus, n_single = case.generator_bus, 0 if case.outages is None else len(case.outages)
    island = case.grid_network.island[bus]
    for number, one in enumerate(case.joint.outages):
        stays = ~np.isin(bus, one.lost_buses)
        stays[list(one.elements.generators)] = False
        for here in sorted({driver.island for driver in one.drivers} - {-1}):
            drivers = [driver for driver in one.drivers if driver.island == here]
            left_mw = -sum(point.value(d) * sum(share for _, share in d.injection) for d in drivers)
            if abs(left_mw) > ROUNDING_MW:
                yield n_single + number, left_mw, stays & (island == here)


def _lost(case: Case, numbers: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Generators on the lost side of each of some outages that split the network, shape (n, n_generator)."""
    assert case.outages is not None
    buses = [case.outages.lost_buses[number] for number in numbers.tolist()]
    lost = np.zeros((len(buses), len(case.grid_network.bus_ids)), dtype=bool)
    if buses:
        lost[np.repeat(np.arange(len(buses)), [len(one) for one in buses]), np.concatenate(buses)] = True
    return lost[:, case.generator_bus]


def asked_beyond(beyond: pd.DataFrame) -> list[Finding]:
    """Say of a plan after how many outages generators are asked beyond their limits, and whether others have room.

    Parameters
    ----------
    beyond : DataFrame
        As `beyond_limits` returns it, of all periods and snapshots.

    Returns
    -------
    list of Finding
        One; none where no generator is asked beyond its limits.
    """
    if beyond.empty:
        return []
    short = bool((beyond["short_mw"] > 0).any())
    column = "short_mw" if short else "beyond_mw"
    worst = beyond.iloc[int(np.argmax(beyond[column].to_numpy(float)))]
    count = beyond["contingency"].nunique()
    text = f"after {count:,} outages the sharing rule asks generators for more or less than they can give"
    ending = "with too little room in all that stay" if short else "others that stay have room for it"
    text += f"; most in period {int(worst['period'])}, snapshot {worst['snapshot']}: {ending}"
    remedy = "keep a reserve: lower availability, or limit the largest loss ([limits] largest_loss_mw)" if short else ""
    where = f"outage {worst['contingency']}" if worst["contingency"] else "any outage"
    mw = float(worst[column])
    rule, found = "plan.generators_after_outages", f"{mw:,.1f} MW"
    return [Finding(rule, where, text, found, remedy, "warning" if short else "info", value=mw, unit="MW")]
