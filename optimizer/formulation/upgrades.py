"""Network upgrades: which are built, and from which period they serve.

An upgrade raises the rating of one branch and leaves its impedance alone, as reconductoring or a terminal
replacement does. In the developer's perspective only a share of its cost counts.

Symbols
-------
z[u,t]  ``in_service``   1 when upgrade u serves in period t [-]
R[u]    ``added_mw``     rating that u adds to its branch [MW]
C[u]    ``annuity_musd`` yearly cost of u while in service [M$/year]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case

NEEDS = {
    "upgrades": ["branch", "added_mw", "added_emergency_mw", "annuity_musd", "cost_musd"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare upgrades; post the rating they add and their cost."""
    U, T = case.upgrades, list(case.periods.index)
    b.in_service = pyo.Var(list(U.index), T, domain=pyo.Binary)
    years, share = case.periods["annuity_years"].to_dict(), case.network_cost_share
    for row in U.itertuples():
        for t in T:
            serves = b.in_service[row.Index, t]
            ledgers.rating_mw.post((row.branch, t), row.added_mw * serves)
            ledgers.rating_emergency_mw.post((row.branch, t), row.added_emergency_mw * serves)
            ledgers.cost_musd.post(("upgrades", t), years[t] * share * row.annuity_musd * serves)
            ledgers.investment_musd.post(t, share * row.cost_musd * serves)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What is in service stays, and a branch takes one upgrade."""
    U, T = case.upgrades, list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    several = [branch for branch, options in case.upgrades_of_branch.items() if len(options) > 1]

    @constraint(b, list(U.index), T[1:])
    def stays_in_service(b: Any, u: str, t: int) -> Any:
        """An upgrade once in service stays in service.

        z[u,t-1] <= z[u,t]
        """
        return b.in_service[u, before[t]] <= b.in_service[u, t]

    @constraint(b, several, T)
    def one_upgrade_per_branch(b: Any, branch: str, t: int) -> Any:
        """A branch takes at most one of the upgrades offered for it.

        sum_u z[u,t] <= 1
        """
        return pyo.quicksum(b.in_service[u, t] for u in case.upgrades_of_branch[branch]) <= 1


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Upgrades in service by period."""
    return {"upgrade_service": tidy(["upgrade", "period"], in_service=b.in_service)}
