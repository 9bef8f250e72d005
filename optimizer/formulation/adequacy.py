"""Adequacy: accredited capacity and imports cover the load of every zone with a reserve, campuses included.

Symbols
-------
M     ``reserve_margin``  capacity and imports over load, less 1 [-]
C[z]  ``accredited_mw``   accredited capacity of existing generators in zone z [MW]
I[z]  ``import_mw``       what the zone may count on from others [MW]
a[q]  ``accredited_share`` share of a technology's capacity counted at the peak [-]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.study.case import Case

NEEDS = {"adequacy": ["zones", "reserve_margin"], "buses": ["zone"], "ties": ["site", "bus"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Adequacy has no variables of its own."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Capacity of every zone, in every snapshot."""
    adequacy = case.adequacy
    if adequacy is None:
        raise ValueError("the case asks for no adequacy")
    T, H, zone = list(case.periods.index), list(case.snapshots.index), case.buses["zone"]
    load = case.load_mw.groupby(zone).sum()
    points = {z: [n for n in case.ties_of_bus if zone[n] == z] for z in adequacy.zones.index}
    own = offers_of_zone(case)

    @constraint(b, list(adequacy.zones.index), T, H)
    def capacity_covers_load(b: Any, z: str, t: int, h: str) -> Any:
        """Accredited capacity, own supply of campuses included, and imports cover the zone's load with a reserve.

        What is curtailed in a snapshot needs no capacity there.

        C[z] + I[z] + sum_sq a[q] K[s,q,t] >= (1 + M) (existing load + what the campuses of the zone draw)
        """
        new = pyo.quicksum(m.interconnection.new_load_mw[n, t, h] for n in points[z])
        new += pyo.quicksum(m.ledgers.own_supply_mw[v, t, h] for n in points[z] for v in case.ties_of_bus[n])
        capacity = pyo.quicksum(share * m.supply.capacity_mw[s, q, t] for s, q, share in own.get(z, ()))
        given = float(adequacy.zones.at[z, "accredited_mw"] + adequacy.zones.at[z, "import_mw"])
        if not points[z]:
            return pyo.Constraint.Skip
        return given + capacity >= (1.0 + adequacy.reserve_margin) * (float(load.at[z, (t, h)]) + new)


def offers_of_zone(case: Case) -> dict[str, list[tuple[str, str, float]]]:
    """Offers of own supply whose capacity counts in a zone: site, technology, accredited share.

    A site counts where all its ties end in one zone.
    """
    found: dict[str, list[tuple[str, str, float]]] = {}
    if case.supply is None:
        return found
    for s, q in case.supply.offers.index:
        zones = {str(case.buses.at[case.ties.at[v, "bus"], "zone"]) for v in case.ties_of_site[s]}
        if len(zones) == 1:
            share = float(case.supply.technologies.at[q, "accredited_share"])
            found.setdefault(zones.pop(), []).append((s, q, share))
    return found


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Adequacy reports through the margin of every zone, recomputed from the plan."""
    return {}
