"""Water: what the campuses withdraw over all years."""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.study.case import Case
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR


def water(m: pyo.ConcreteModel, case: Case) -> Any:
    """Withdrawal of water by the campuses over all years of all periods, all basins together [m3].

    sum_t years[t] (8,760 / 24) sum_b water_m3_day[b,t]
    """
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    drawn = m.ledgers.water_m3_day
    return pyo.quicksum(float(case.periods.at[key[1], "years"]) * days * drawn[key] for key in drawn.keys())
