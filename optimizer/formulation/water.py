"""Water: a supply curve for each basin, source by source.

Symbols
-------
g[b,q,t]  ``drawn_m3_day``        water drawn from source q of basin b [m3/day]
A[b,q]    ``available_m3_day``    what the source can still give [m3/day]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

NEEDS = {"water": ["available_m3_day", "price_usd_per_m3"], "sites": ["basin"], "periods": ["annuity_years"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is drawn from each source, within what it can give; post its price."""
    T, sources = list(case.periods.index), list(case.water.index)
    b.drawn_m3_day = pyo.Var(sources, T, domain=pyo.NonNegativeReals)
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    for (basin, q), row in case.water.iterrows():
        for t in T:
            drawn = b.drawn_m3_day[basin, q, t]
            drawn.setub(float(row.available_m3_day))
            cost = case.periods.at[t, "annuity_years"] * days * row.price_usd_per_m3 / USD_PER_MUSD
            ledgers.cost_musd.post(("water", t), cost * drawn)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What is withdrawn is drawn from the basin's own sources."""
    sources: dict[str, list[str]] = {}
    for basin, q in case.water.index:
        sources.setdefault(basin, []).append(q)

    @constraint(b, [key for key in m.ledgers.water_m3_day.keys() if key[0] in sources])
    def drawn_from_the_basin(b: Any, basin: str, t: int) -> Any:
        """Water withdrawn in a basin is drawn from sources of that basin, none beyond what it can still give.

        sum_q g[b,q,t] = water_m3_day[b,t],  g[b,q,t] <= A[b,q]
        """
        drawn = pyo.quicksum(b.drawn_m3_day[basin, q, t] for q in sources[basin])
        return drawn == m.ledgers.water_m3_day[basin, t]


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Water drawn by basin, source and period."""
    return {"drawn": tidy(["basin", "source", "period"], drawn_m3_day=b.drawn_m3_day)}
