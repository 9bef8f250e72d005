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
    names, rows = np.array([*case.outage_names, ""], dtype=object), []
    for number, left_mw, stays in _left_over(case, point):
        units = stays & (weight > 0)
        if not units.any():
            continue
        asked = point.output_mw[units] + left_mw * weight[units] / weight[units].sum()
        beyond = float(np.maximum(0.0, np.maximum(asked - most[units], least[units] - asked)).sum())
        if beyond <= ROUNDING_MW:
            continue
        change = float((asked - output_mw[units]).sum())
        room = most[units] - output_mw[units] if change > 0 else output_mw[units] - least[units]
        short = max(0.0, abs(change) - float(np.maximum(0.0, room).sum()))
        rows.append((names[number], t, h, beyond, short if short > ROUNDING_MW else 0.0))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _left_over(case: Case, point: OperatingPoint) -> Iterator[tuple[int, float, NDArray[np.bool_]]]:
    """Number of each outage that leaves something without balance, how much [MW], and which generators stay."""
    network, bus = case.grid_network, case.generator_bus
    island = network.island[bus]
    if case.drops_load:
        yield ANY, 0.0, np.ones(len(bus), dtype=bool)
    n_single = 0
    if case.outages is not None:
        n_single = len(case.outages)
        flow = point.flow_mw[case.outages.positions]
        at_from = network.from_position[case.outages.positions] == case.outages.main_bus
        # The part that stays no longer sends what it sent over the branch, or no longer gets what it got.
        left_mw = np.where(at_from, -flow, flow)
        for number in np.flatnonzero(case.outages.splits & (np.abs(left_mw) > ROUNDING_MW)).tolist():
            here = island == network.island[case.outages.main_bus[number]]
            yield number, float(left_mw[number]), here & ~np.isin(bus, case.outages.lost_buses[number])
    for number, one in enumerate(case.joint.outages):
        stays = ~np.isin(bus, one.lost_buses)
        stays[list(one.elements.generators)] = False
        for number_of_island in sorted({driver.island for driver in one.drivers} - {-1}):
            drivers = [driver for driver in one.drivers if driver.island == number_of_island]
            left_mw_here = -sum(point.value(d) * sum(share for _, share in d.injection) for d in drivers)
            if abs(left_mw_here) > ROUNDING_MW:
                yield n_single + number, left_mw_here, stays & (island == number_of_island)


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
