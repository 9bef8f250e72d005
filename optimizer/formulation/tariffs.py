"""Tariffs: what campuses pay for power, where the cost is the developer's and not the system's.

Prices are given, so that no price is multiplied by a quantity that the same program decides; generation costs nothing
here, because energy is paid for at its tariff. Non-firm contract demand is a decision: no less than what is curtailed,
no more than the study lets be non-firm. Of upgrades and circuits the developer pays a share.

Symbols
-------
F[o,t]   ``contract_mw``   contract demand over tie o, the largest facility power over the snapshots [MW]
n[o,t]   ``non_firm_mw``   non-firm part of it [MW]
u[o,t,h] ``dropped_mw``    what is drawn and dropped after any outage [MW]
i[o,t]   ``it_mw``         IT load [MW]
E[o,t]   ``taken_mwh``     energy of a year that is taken at the tariff, of a generator beside the campus too [MWh]
m[o,t]   ``owed_mwh``      energy of a year that is paid for and not taken [MWh]
k[o,t,h] ``curtailed_mw``, e[o,t,h] ``recovered_mw``  what the grid does not serve, and what is caught up [MW]
r[o,t,h] ``own_mw``        own supply less charging [MW]
U[s]     ``utilization``   mean load over IT load [-]
Y[s,h]   ``yearly_share``  share of own supply in a snapshot that counts against the year's energy [-]
a[s]     ``minimum_take_share`` share of the energy of contract demand that is paid for in any case [-]
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, clean_value, constraint
from optimizer.formulation.service import largest_mw
from optimizer.formulation.supply import most_drawn_mw
from optimizer.study.case import Case
from optimizer.study.tariffs import Tariffs
from optimizer.units import HOURS_PER_YEAR, USD_PER_MUSD

NEEDS = {
    "tariffs": ["by_site", "network_share"],
    "ties": ["site"],
    "sites": ["utilization"],
    "cooling": ["pue_annual"],
    "snapshots": ["hours"],
    "periods": ["annuity_years"],
}

ACCOUNTS = ("energy", "demand charge", "minimum take", "deposit", "tax")
"""Accounts of the cost ledger that tariffs add."""


def tariffs_of(case: Case) -> Tariffs:
    """Tariffs of a case.

    Raises
    ------
    ValueError
        Its cost is the system's: the caller's mistake.
    """
    if case.tariffs is None:
        raise ValueError("the cost of the case is the system's")
    return case.tariffs


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is paid for; post what it costs."""
    O, T = list(case.ties.index), list(case.periods.index)
    prices = tariffs_of(case).by_site
    b.contract_mw = pyo.Var(O, T, domain=pyo.NonNegativeReals)
    b.non_firm_mw = pyo.Var(O if case.service is not None else [], T, domain=pyo.NonNegativeReals)
    b.it_mw = pyo.Var(O, T, domain=pyo.NonNegativeReals)
    b.taken_mwh = pyo.Var(O, T)
    least = prices["minimum_take_share"]
    b.owed_mwh = pyo.Var([o for o in O if least[case.ties.at[o, "site"]] > 0], T, domain=pyo.NonNegativeReals)
    _bound(b, case, least)
    non_firm, owed = dict(b.non_firm_mw), dict(b.owed_mwh)
    for o, s in case.ties["site"].items():
        price = prices.loc[s]
        for t in T:
            years = float(case.periods.at[t, "annuity_years"])
            given_up = price.firm_musd_per_mw_year - price.non_firm_musd_per_mw_year
            charge = price.firm_musd_per_mw_year * b.contract_mw[o, t] - given_up * non_firm.get((o, t), 0.0)
            a_mwh = price.energy_usd_per_mwh / USD_PER_MUSD
            for account, yearly in (
                ("energy", a_mwh * b.taken_mwh[o, t]),
                ("demand charge", charge),
                ("minimum take", a_mwh * owed.get((o, t), 0.0)),
                ("deposit", price.deposit_musd_per_mw_year * b.contract_mw[o, t]),
                ("tax", price.tax_musd_per_mw_year * b.it_mw[o, t]),
            ):
                ledgers.cost_musd.post((account, t), years * yearly)


def _bound(b: pyo.Block, case: Case, least: pd.Series) -> None:
    """Ends for every column: nothing is more than the site at its largest draws."""
    for (o, t), contract in b.contract_mw.items():
        s = case.ties.at[o, "site"]
        contract.setub(largest_mw(case, s))
        b.it_mw[o, t].setub(float(case.sites.at[s, "block_mw"] * case.sites.at[s, "max_blocks"]))
        most_mwh = HOURS_PER_YEAR * most_drawn_mw(case, s)
        b.taken_mwh[o, t].setlb(-most_mwh)
        b.taken_mwh[o, t].setub(most_mwh)
        if (o, t) in b.non_firm_mw:
            b.non_firm_mw[o, t].setub(largest_mw(case, s))
        if (o, t) in b.owed_mwh:
            b.owed_mwh[o, t].setub(HOURS_PER_YEAR * float(least[s]) * largest_mw(case, s) + most_mwh)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What contract demand, IT load and energy are; what may be non-firm; and what is owed."""
    O, T, hours = list(case.ties.index), list(case.periods.index), case.snapshots["hours"].astype(float)
    site_of, take = case.ties["site"].to_dict(), tariffs_of(case).by_site["minimum_take_share"].astype(float)
    used = case.sites["utilization"].astype(float)

    @constraint(b, O, T)
    def contract_demand(b: Any, o: str, t: int) -> Any:
        """Contract demand is what a campus draws in the snapshot that is hardest on its cooling.

        F[o,t] = sum_c max_h PUE[s,c,h] j[o,c,t]
        """
        s, j = site_of[o], m.interconnection.it_mw
        largest = [float(case.pue.loc[(s, c)].max()) * j[o, c, t] for c in case.cooling_of_site[s]]
        return b.contract_mw[o, t] - pyo.quicksum(largest) == 0

    @constraint(b, O, T)
    def taxed_load(b: Any, o: str, t: int) -> Any:
        """What is taxed is the IT load.

        i[o,t] = sum_c j[o,c,t]
        """
        fed = [m.interconnection.it_mw[o, c, t] for c in case.cooling_of_site[site_of[o]]]
        return b.it_mw[o, t] - pyo.quicksum(fed) == 0

    @constraint(b, O, T)
    def energy_taken(b: Any, o: str, t: int) -> Any:
        """Energy of a year is what the campus uses, less what is curtailed and less what it supplies itself.

        E[o,t] = 8760 U[s] sum_c PUE[s,c] j[o,c,t] - sum_h hours[h] (k[o,t,h] - e[o,t,h] + U[s] Y[s,h] r[o,t,h])
        """
        s = site_of[o]
        yearly = [
            HOURS_PER_YEAR * used[s] * float(case.cooling.at[(s, c), "pue_annual"]) * m.interconnection.it_mw[o, c, t]
            for c in case.cooling_of_site[s]
        ]
        behind = [hours[h] * m.ledgers.relief_mw[o, t, h] for h in hours.index]
        if case.supply is not None and s in case.supply.sites:
            share = case.supply.yearly_share.loc[s].astype(float)
            behind += [hours[h] * used[s] * share[h] * m.ledgers.own_supply_mw[o, t, h] for h in hours.index]
        return b.taken_mwh[o, t] - pyo.quicksum(yearly) + pyo.quicksum(behind) == 0

    @constraint(b, list(b.owed_mwh))
    def minimum_take(b: Any, o: str, t: int) -> Any:
        """A share of the energy of contract demand is paid for, taken or not.

        E[o,t] + m[o,t] >= 8760 a[s] F[o,t]
        """
        least = HOURS_PER_YEAR * take[site_of[o]] * b.contract_mw[o, t]
        return b.taken_mwh[o, t] + b.owed_mwh[o, t] - least >= 0

    _non_firm(b, case, m)


def _non_firm(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What of contract demand is non-firm."""
    S, T, site_of = case.service, list(case.periods.index), case.ties["site"].to_dict()
    if S is None:
        return
    start = {t: S.interim_start(case.periods["years"], t) for t in T}
    bound = [t for t in T if S.non_firm_share < 1 and start[t] is not None]

    curtailed, dropped = m.service.curtailed_mw, m.service.dropped_mw

    @constraint(b, list(dropped) or list(curtailed))
    def only_non_firm_is_curtailed(b: Any, o: str, t: int, h: str) -> Any:
        """Firm demand is never curtailed, nor dropped after an outage.

        k[o,t,h] + u[o,t,h] <= n[o,t]
        """
        less = [v[o, t, h] for v in (curtailed, dropped) if (o, t, h) in v]
        return pyo.quicksum(less) <= b.non_firm_mw[o, t]

    @constraint(b, list(case.ties.index), T)
    def part_of_contract(b: Any, o: str, t: int) -> Any:
        """Non-firm demand is part of contract demand.

        n[o,t] <= F[o,t]
        """
        return b.non_firm_mw[o, t] <= b.contract_mw[o, t]

    @constraint(b, list(case.ties.index), bound)
    def within_non_firm_share(b: Any, o: str, t: int) -> Any:
        """Non-firm demand stays within its share, but for campuses in interim service.

        n[o,t] <= share F[o,t] + (1 - share) largest[o] (v[o,t] - v[o,t - interim])
        """
        for_good = b.non_firm_mw[o, t] - S.non_firm_share * b.contract_mw[o, t]
        if start[t] == t:
            return for_good <= 0
        new = m.interconnection.in_service[o, t] - m.interconnection.in_service[o, start[t]]
        return for_good - (1 - S.non_firm_share) * largest_mw(case, site_of[o]) * new <= 0


def is_chosen(case: Case, site: str) -> bool:
    """Whether non-firm demand is worth having at a site: it costs less than firm demand there."""
    if case.tariffs is None or case.service is None:
        return False
    price = case.tariffs.by_site.loc[site]
    return bool(price.non_firm_musd_per_mw_year < price.firm_musd_per_mw_year)


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Non-firm contract demand by tie and period."""
    rows = [(o, t, clean_value(value)) for (o, t), value in b.non_firm_mw.items()]
    return {"non_firm": pd.DataFrame(rows, columns=["tie", "period", "non_firm_mw"])}
