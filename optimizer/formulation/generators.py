"""Generators: no more of them at a site than a local rule allows, own supply and backup together.

Symbols
-------
N[s,q,t]  ``units``               units of technology q at site s, where it comes in units and does not store [-]
B[s,t]    ``backup_capacity_mw``  backup that is made fit to serve curtailed load [MW]
w         ``unit_mw``             size of a backup generator [MW]
M[s]      ``max_generators``      most generators at site s [-]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.study.case import Case

NEEDS = {
    "max_generators": [],
    "supply": ["technologies", "offers"],
    "service": ["backup"],
    "ties": ["site"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Generators have no variables of their own: supply counts its units, service its backup."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Units of own supply and backup stay within the number that is allowed."""
    T = list(case.periods.index)
    counted = {s: (counted_technologies(case, s), _backed(case, s)) for s in case.max_generators}
    unit_mw = backup_unit_mw(case)

    @constraint(b, [s for s, (own, backed) in counted.items() if own or backed], T)
    def no_more_than_allowed(b: Any, s: str, t: int) -> Any:
        """A site holds no more generators than allowed; part of a backup generator counts as one.

        All else being whole, backup over its size fits into the generators left exactly when its whole number does.

        sum_q N[s,q,t] + B[s,t] / w <= M[s]
        """
        own, backed = counted[s]
        units = pyo.quicksum(m.supply.units[s, q, t] for q in own)
        backup = m.service.backup_capacity_mw[s, t] / unit_mw if backed else 0.0
        return units + backup <= float(case.max_generators[s])


def counted_technologies(case: Case, site: str) -> list[str]:
    """Technologies of a site that come in units and do not store."""
    if case.supply is None:
        return []
    facts = case.supply.technologies
    of_site = [str(q) for s, q in case.supply.offers.index if s == site]
    return [q for q in of_site if facts.at[q, "unit_mw"] > 0 and not facts.at[q, "is_storage"]]


def backup_unit_mw(case: Case) -> float:
    """Size of a backup generator, 0 where none is counted [MW]."""
    if case.service is None or case.service.backup is None:
        return 0.0
    return case.service.backup.unit_mw


def _backed(case: Case, site: str) -> bool:
    """Whether backup of a site is counted."""
    return bool(backup_unit_mw(case) and case.ties_of_site.get(site))


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Generators are counted in the tables of supply and service."""
    return {}
