"""Generators of a grid as those of pypowsybl: which of them run, and what voltage each holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.ac_point import BUS, LEVEL, UNIT, ACPoint, counted, named, numbers
from optimizer.grid.network import Grid

#: Output below which a unit gives nothing [MW].
RUNNING_MW = 1e-6

#: Reactive limit that stands for none [Mvar].
UNLIMITED_MVAR = 1e5

#: Least range of reactive limits with which a unit holds a voltage [Mvar]; the engine takes none with less.
LEAST_RANGE_MVAR = 1.0

#: Voltage that units hold where the grid states none at all [pu]; unverified.
ASSUMED_V_SET_PU = 1.0


def create_units(network: Any, grid: Grid, state: ACPoint) -> list[Finding]:
    """Add the units that run to a network.

    Parameters
    ----------
    network : pypowsybl.network.Network
        With the grid's buses.
    grid : Grid
        The grid.
    state : ACPoint
        How it runs.

    Returns
    -------
    list of Finding
        Units that are left out, and set points that are assumed, overruled or cannot be held.
    """
    units = grid.generators
    every_p = state.output_mw.reindex(units.index).fillna(0.0)
    most = state.output_max_mw.reindex(units.index).fillna(0.0)
    running, condenser = _running(units, every_p, most)
    findings = counted("generators", "generators out of service are left out", units.index[~units["in_service"]])
    idle = units.index[units["in_service"] & ~running]
    findings += counted("generators", "generators that can give nothing are left out: they hold no voltage", idle)
    units, p, most = units[running], every_p[running].to_numpy(), most[running].to_numpy(float)
    ready = units.index[(np.abs(p) <= RUNNING_MW) & ~condenser[running].to_numpy()]
    text = "generators give nothing by the dispatch but hold their voltage, as all that are available do"
    findings += counted("generators", text, ready, "grid.ac.idle")
    low, high = _reactive_limits(units)
    target_pu, notes = _targets(units, high - low)
    holds = np.isfinite(target_pu)
    at = pd.Index(units["bus"])
    rows = pd.DataFrame(
        {
            "id": named(UNIT, units.index),
            "voltage_level_id": named(LEVEL, at),
            "bus_id": named(BUS, at),
            "condenser": condenser[running].to_numpy(bool),
            "target_p": p,
            # Rounded outputs may be a little outside of their limits, and then would take up no imbalance.
            "min_p": np.minimum(units["p_min_mw"].to_numpy(float), p),
            "max_p": np.maximum(most, p),
            "target_q": np.clip(numbers(units, "q_mvar"), low, high),
            "target_v": np.where(holds, target_pu, 1.0) * grid.buses["base_kv"].loc[at].to_numpy(float),
            "voltage_regulator_on": holds,
        }
    )
    if len(rows):
        network.create_generators(rows.set_index("id"))
        limits = pd.DataFrame({"id": rows["id"], "min_q": low, "max_q": high})
        network.create_minmax_reactive_limits(limits.set_index("id"))
    return findings + notes


def _running(units: pd.DataFrame, p: pd.Series, most: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Which units run: those that give or could give something; and condensers, which only hold the voltage."""
    condenser = (units["p_max_mw"] <= 0) & (units["p_min_mw"] >= 0)
    return units["in_service"] & ((p.abs() > RUNNING_MW) | (most > RUNNING_MW) | condenser), condenser


def _reactive_limits(units: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    low = numbers(units, "q_min_mvar", -UNLIMITED_MVAR).clip(-UNLIMITED_MVAR, UNLIMITED_MVAR)
    high = numbers(units, "q_max_mvar", UNLIMITED_MVAR).clip(-UNLIMITED_MVAR, UNLIMITED_MVAR)
    return np.minimum(low, high), np.maximum(low, high)


def _targets(units: pd.DataFrame, range_mvar: np.ndarray) -> tuple[np.ndarray, list[Finding]]:
    """Voltage that each unit holds, nan for none [pu]: one at a bus, that of its first unit."""
    target = numbers(units, "v_set_pu", np.nan)
    target[target <= 0] = np.nan
    findings = []
    if len(units) and np.isnan(target).all():
        target[:] = ASSUMED_V_SET_PU
        text = f"no set point of voltage is given: units hold {ASSUMED_V_SET_PU:g} pu (unverified)"
        findings.append(Finding("grid.ac.v_set", "generators, v_set_pu", text, "", "give v_set_pu", "warning"))
    given = np.isfinite(target)
    held = pd.Series(target, index=units.index)[given]
    first = held.groupby(units["bus"][given]).transform("first")
    apart = held.index[held != first]
    if len(apart):
        text = "units at one bus hold different voltages: that of the first is used"
        findings += counted("generators, v_set_pu", text, apart, "grid.ac.v_set.differ", "warning")
    target[given] = first.to_numpy()
    narrow = given & (range_mvar < LEAST_RANGE_MVAR)
    if narrow.any():
        text = f"units with less than {LEAST_RANGE_MVAR:g} Mvar between their reactive limits hold no voltage"
        findings += counted("generators, q_max_mvar", text, units.index[narrow], "grid.ac.narrow")
        target[narrow] = np.nan
    return target, findings
