"""How far a stated figure may be from the recomputed one, once for the whole check.

Figures are written with six decimals. What is copied from the inputs or follows from whole decisions agrees to that
rounding. What follows from hundreds of rounded outputs, or rests on the solver's own tolerances (1e-7 of a row, an
excess of a branch limit of 1e-4 MW while rows are added), agrees to a little less. Each value below is chosen for these
reasons and is no one's published figure.
"""

from __future__ import annotations

ROUNDING = 1e-6
"""Of figures that are copied, counted, or follow from whole decisions alone [unit of the figure]."""

POWER_MW = 1e-3
"""Of outputs, flows, balances and limits [MW]: the rounding of 600 outputs, and the solver's excess."""

LOADING = 1e-5
"""Of flow over limit, beside `POWER_MW` over the limit [-]."""

MONEY_MUSD = 1e-4
"""Of every cost, beside `MONEY_SHARE` [M$]: 100 $."""

MONEY_SHARE = 1e-8
"""Of every cost, as a share of it [-]."""

WATER_M3_DAY = 1e-3
"""Of withdrawals [m3/day]."""

CARBON_T = 1e-3
"""Of yearly emissions [t/year]."""

LAND_HA = 1e-4
"""Of land [ha]: the rounding of a capacity times the hectares of its MW, 2.8 of the sun's."""

PRICE_USD_PER_UNIT = 1e-4
"""Of prices and reduced costs, beside `DUAL_MUSD` [$/MWh, $/m3]."""

DUAL_MUSD = 1e-7
"""Of a reduced cost in the solver's own unit, its dual tolerance [M$/MW]: over the discounted hours of a snapshot it is
a tolerance in $/MWh."""

INTERIOR_MW = 1e-3
"""A generator this far from both ends of a cost segment is inside it [MW]."""

BOUND_SHARE = 1e-6
"""A bound may exceed the objective by this share of it [-], as the gap's definition counts no gap below it."""

REBUILT_MW = 1e-4
"""Between flows after an outage by factors and those of the network rebuilt without the branch [MW]."""

NEXT_TO_LISTED = 1e-6
"""A loading this close to the least one that must be listed may be listed or not [-]."""
