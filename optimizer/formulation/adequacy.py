"""Adequacy: accredited capacity and imports cover the load of every zone with a reserve, campuses included.

A store counts with what it can give for a stated time, not with its power alone.

Symbols
-------
M     ``reserve_margin``  capacity and imports over load, less 1 [-]
C[z]  ``accredited_mw``   accredited capacity of existing generators in zone z [MW]
I[z]  ``import_mw``       what the zone may count on from others [MW]
a[q]  ``accredited_share`` share of a technology's capacity counted at the peak [-]
D[q]  ``accredited_hours`` time for which a store must sustain what is counted of it [h]
u[s,q,t] ``sustained_mw``  power that a store's energy sustains for that time [MW]
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.formulation.supply_campus import supply_of
from optimizer.study.case import Case

NEEDS = {
    "adequacy": ["zones", "reserve_margin"],
    "supply": ["technologies", "offers"],
    "buses": ["zone"],
    "ties": ["site", "bus"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what stores sustain; the capacity of everything else is that of supply."""
    stores = [(s, q) for s, q, _ in chain.from_iterable(offers_of_zone(case).values()) if _stores(case, q)]
    b.sustained_mw = pyo.Var(stores, list(case.periods.index), domain=pyo.NonNegativeReals)
    for (s, q, t), sustained in b.sustained_mw.items():
        offer = supply_of(case).offers.loc[(s, q)]
        sustained.setub(float(offer.max_mw) if t >= offer.ready else 0.0)


def _stores(case: Case, technology: str) -> bool:
    return bool(supply_of(case).technologies.at[technology, "is_storage"])


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Capacity of every zone, in every snapshot."""
    adequacy = case.adequacy
    if adequacy is None:
        raise ValueError("the case asks for no adequacy")
    T, H, zone = list(case.periods.index), list(case.snapshots.index), case.buses["zone"]
    load = case.load_mw.groupby(zone).sum()
    points = {z: [n for n in case.ties_of_bus if zone[n] == z] for z in adequacy.zones.index}
    own = offers_of_zone(case)
    counted_mw = {**(m.supply.capacity_mw if own else {}), **b.sustained_mw}

    @constraint(b, list(adequacy.zones.index), T, H)
    def capacity_covers_load(b: Any, z: str, t: int, h: str) -> Any:
        """Accredited capacity, own supply of campuses included, and imports cover the zone's load with a reserve.

        What is curtailed in a snapshot needs no capacity there.

        C[z] + I[z] + sum_sq a[q] K[s,q,t] >= (1 + M) (existing load + what the campuses of the zone draw),
        with u[s,q,t] in place of K[s,q,t] for stores
        """
        new = pyo.quicksum(m.interconnection.new_load_mw[n, t, h] for n in points[z])
        new += pyo.quicksum(m.ledgers.own_supply_mw[v, t, h] for n in points[z] for v in case.ties_of_bus[n])
        capacity = pyo.quicksum(share * counted_mw[s, q, t] for s, q, share in own.get(z, ()))
        given = float(adequacy.zones.at[z, "accredited_mw"] + adequacy.zones.at[z, "import_mw"])
        if not points[z]:
            return pyo.Constraint.Skip
        return given + capacity >= (1.0 + adequacy.reserve_margin) * (float(load.at[z, (t, h)]) + new)

    @constraint(b, list(b.sustained_mw))
    def sustained_by_power(b: Any, s: str, q: str, t: int) -> Any:
        """A store counts with no more than its power.

        u[s,q,t] <= K[s,q,t]
        """
        return b.sustained_mw[s, q, t] <= m.supply.capacity_mw[s, q, t]

    @constraint(b, list(b.sustained_mw))
    def sustained_by_energy(b: Any, s: str, q: str, t: int) -> Any:
        """A store counts with no more than its energy sustains.

        D[q] u[s,q,t] <= E[s,q,t]
        """
        hours = float(supply_of(case).technologies.at[q, "accredited_hours"])
        return hours * b.sustained_mw[s, q, t] <= m.supply.energy_mwh[s, q, t]


def offers_of_zone(case: Case) -> dict[str, list[tuple[str, str, float]]]:
    """Offers of own supply whose capacity counts in a zone: site, technology, accredited share.

    A site counts where all its ties end in one zone.
    """
    found: dict[str, list[tuple[str, str, float]]] = {}
    if case.supply is None:
        return found
    shares = case.supply.technologies["accredited_share"].astype(float).to_dict()
    zone_of_tie = case.ties["bus"].map(case.buses["zone"]).to_dict()
    zones_of = {s: {str(zone_of_tie[v]) for v in ties} for s, ties in case.ties_of_site.items()}
    for s, q in case.supply.offers.index:
        if len(zones_of[s]) == 1:
            found.setdefault(next(iter(zones_of[s])), []).append((s, q, shares[q]))
    return found


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Adequacy reports through the margin of every zone, recomputed from the plan."""
    return {}
