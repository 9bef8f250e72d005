"""The price of carbon: every tonne that the campuses emit is paid for, whatever part of the model posted it.

So grid power, supply on site, generators beside a campus and backup are charged alike, each tonne once. What own supply
takes off the grid's emissions is taken off the charge. The carbon of making buildings and IT is no emission of a year;
`optimizer.formulation.siting` posts its yearly price to the same account.
"""

from __future__ import annotations

from optimizer.algebra import Ledgers
from optimizer.study.case import Case


def price_emissions(case: Case, ledgers: Ledgers) -> None:
    """Post the price of all emissions to the account ``carbon``, once every part has posted its own.

    ``cost_musd["carbon", t] += annuity_years[t] price carbon_t[t]``

    Parameters
    ----------
    case : Case
        Its price [M$/t CO2e] and periods.
    ledgers : Ledgers
        Still open, with emissions complete.
    """
    price = case.portfolio.carbon_musd_per_t
    if not price:
        return
    for t, years in case.periods["annuity_years"].items():
        if t in ledgers.carbon_t.keys():
            ledgers.cost_musd.post(("carbon", t), float(years) * price * ledgers.carbon_t.so_far(t))
