"""Whether the units of a solved case work as they should at their reactive limits.

A unit holds its voltage until it reaches a reactive limit: below its voltage it gives the most, above it the least. The
search for which units are at which limit may go round in circles; what the engine returns then keeps units at the limit
of the wrong side, with voltages far from any that would be seen. Such a state is no solution.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from optimizer.grid.ac_point import BUS
from optimizer.grid.network import Grid

#: Departure from its voltage above which a unit must be at the limit of the right side [pu]; ten times what rounding
#: of published set points (three decimals) leaves open; unverified.
OFF_TARGET_PU = 5e-3


def held_voltages(network: Any) -> pd.DataFrame:
    """Buses where units hold a voltage.

    Parameters
    ----------
    network : pypowsybl.network.Network
        As converted by `to_powsybl`.

    Returns
    -------
    DataFrame, index ``bus``
        ``target_pu`` [pu]; ``middle_mvar``, half-way between the reactive limits of all units that hold it [Mvar];
        ``fixed_mvar``, reactive load less what other units give [Mvar]; ``shunt_mvar`` at 1.0 pu [Mvar].
    """
    units = network.get_generators(all_attributes=True)
    bus = units["bus_breaker_bus_id"]
    holds = units["voltage_regulator_on"].astype(bool)
    nominal = network.get_voltage_levels(attributes=["nominal_v"])["nominal_v"]
    kv = nominal.loc[units["voltage_level_id"]].set_axis(units.index)
    at_bus = units[holds].groupby(bus[holds])
    found = pd.DataFrame(
        {
            "target_pu": (units["target_v"] / kv)[holds].groupby(bus[holds]).first(),
            "middle_mvar": (at_bus["min_q"].sum() + at_bus["max_q"].sum()) / 2,
        }
    )
    loads = network.get_loads(all_attributes=True)
    drawn = loads["q0"].groupby(loads["bus_breaker_bus_id"]).sum()
    given = units["target_q"][~holds].groupby(bus[~holds]).sum()
    found["fixed_mvar"] = _at(drawn, found) - _at(given, found)
    shunts = network.get_shunt_compensators(all_attributes=True)
    susceptance = shunts["b"].groupby(shunts["bus_breaker_bus_id"]).sum()
    found["shunt_mvar"] = _at(susceptance, found) * (kv[holds].groupby(bus[holds]).first() ** 2).to_numpy()
    return found.set_axis([str(one).removeprefix(BUS) for one in found.index])


def _at(values: pd.Series, found: pd.DataFrame) -> np.ndarray:
    return values.reindex(found.index).fillna(0.0).to_numpy(float)


def misplaced(
    grid: Grid,
    held: pd.DataFrame,
    voltage_pu: pd.Series,
    from_mvar: pd.Series,
    to_mvar: pd.Series,
    skip: Collection[str] = (),
) -> list[str]:
    """Return the buses whose units are at the reactive limit of the wrong side.

    Parameters
    ----------
    grid : Grid
        The grid.
    held : DataFrame
        Of `held_voltages`.
    voltage_pu : Series, index ``bus``
        Solved voltages [pu].
    from_mvar, to_mvar : Series, index ``branch``
        Reactive power into the branches [Mvar].
    skip : collection of str
        Buses where an outage takes units or loads.
    """
    branches = grid.branches_in_service
    leaving = pd.Series(0.0, index=grid.buses.index)
    for mvar, end in ((from_mvar, "from_bus"), (to_mvar, "to_bus")):
        leaving = leaving.add(mvar.fillna(0.0).groupby(branches[end]).sum(), fill_value=0.0)
    voltage = voltage_pu.loc[held.index].to_numpy(float)
    taken = held["fixed_mvar"].to_numpy() - held["shunt_mvar"].to_numpy() * voltage**2
    given = leaving.loc[held.index].to_numpy() + taken
    off = voltage - held["target_pu"].to_numpy()
    wrong = (np.abs(off) > OFF_TARGET_PU) & ((given > held["middle_mvar"].to_numpy()) == (off > 0))
    return [str(bus) for bus in held.index[wrong] if bus not in skip]
