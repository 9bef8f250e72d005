"""Objectives: one expression over closed ledgers each. Any of them can be minimized, and any limited."""

from __future__ import annotations

from optimizer.objectives.carbon import carbon
from optimizer.objectives.cost import cost
from optimizer.objectives.delay import delay
from optimizer.objectives.net_present_value import net_cost
from optimizer.objectives.objective import Objective
from optimizer.objectives.water import water

OBJECTIVES: dict[str, Objective] = {
    made.name: made
    for made in (
        Objective("cost", "cost_musd", "M$", "cost", 1.0, lambda m, case: cost(m)),
        Objective("carbon", "carbon_t", "t CO2e", "emissions", 1e-3, carbon),
        Objective("water", "water_m3", "m3", "water", 1e-3, water),
        Objective("delay", "delay_mw_years", "MW-years", "delay", 1.0, delay),
        Objective("net_present_value", "net_present_value_musd", "M$", "net present value", 1.0, net_cost, -1.0),
    )
}
"""Objectives by name."""
