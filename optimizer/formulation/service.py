"""Service: how much of a campus's power is firm, what the grid curtails of the rest, and what serves it meanwhile.

Curtailment is per snapshot, before any outage: a snapshot stands for all its hours, so it is curtailed in all of them.
What is served, firm or not, counts in every row of flow and security. Firm load is never curtailed, so it is firm only
once the network, with its upgrades, carries it in every snapshot and after every outage.

Hours are counted exactly, by a binary for each tie, period and snapshot, but only where snapshots that are short enough
to be curtailed are too long to be curtailed all; elsewhere nothing need be counted.

Symbols
-------
k[o,t,h]  ``curtailed_mw``        what the grid does not serve of what a campus would draw over tie o [MW]
b[o,t,h]  ``backup_mw``           served by on-site backup meanwhile [MW]
d[o,t,h]  ``deferred_mw``         work put off [MW]
e[o,t,h]  ``recovered_mw``        drawn above facility power to catch up [MW]
B[o,t]    ``backup_capacity_mw``  backup that is made fit for this [MW]
q[o,t,h]  ``curtails``            1 when any of the snapshot is curtailed, where hours are counted [-]
L[o,t,h]                          facility power, sum_c PUE[s,c,h] j[o,c,t] [MW]
F[o,t]                            contract demand, the same with the largest PUE over the snapshots [MW]
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, clean_value, constraint
from optimizer.study.case import Case
from optimizer.study.service import Service
from optimizer.units import USD_PER_MUSD

NEEDS = {"ties": ["site"], "sites": ["block_mw", "max_blocks"], "snapshots": ["hours"], "periods": ["annuity_years"]}

Key = tuple[str, int, str]


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is curtailed and what serves it; post relief of ties, cost, investment and emissions."""
    S, O, T, H = _service(case), list(case.ties.index), list(case.periods.index), list(case.snapshots.index)
    hours = case.snapshots["hours"]
    able = [(o, t, h) for o in O for t in T for h in S.snapshots(hours)]
    late = [(o, t, h) for o in O for t in T for h in H] if S.deferral is not None and S.deferral.is_neutral else []
    b.curtailed_mw = pyo.Var(able, domain=pyo.NonNegativeReals)
    b.backup_mw = pyo.Var(able if S.backup is not None else [], domain=pyo.NonNegativeReals)
    b.backup_capacity_mw = pyo.Var(O if S.backup is not None else [], T, domain=pyo.NonNegativeReals)
    b.deferred_mw = pyo.Var(able if S.deferral is not None else [], domain=pyo.NonNegativeReals)
    b.recovered_mw = pyo.Var(late, domain=pyo.NonNegativeReals)
    b.curtails = pyo.Var(able if S.counts_hours(hours) else [], domain=pyo.Binary)
    most = {o: largest_mw(case, o) for o in O}
    for variable in (b.curtailed_mw, b.backup_mw, b.deferred_mw, b.recovered_mw, b.backup_capacity_mw):
        for key in variable:
            variable[key].setub(most[key[0]])
    for key in able:
        ledgers.relief_mw.post(key, b.curtailed_mw[key])
    for key in late:
        ledgers.relief_mw.post(key, -b.recovered_mw[key])
    for t in T:
        _post(b, case, S, t, [key for key in able if key[1] == t], ledgers)


def _post(b: pyo.Block, case: Case, S: Service, t: int, able: list[Key], ledgers: Ledgers) -> None:
    """Post what one period costs and emits."""
    years, hours = float(case.periods.at[t, "annuity_years"]), case.snapshots["hours"]
    terms: list[Any] = []
    for key in able:
        length = float(hours[key[2]])
        yearly = years * length / USD_PER_MUSD
        terms.append(yearly * S.curtailment_usd_per_mwh * b.curtailed_mw[key])
        if S.backup is not None:
            terms.append(yearly * (S.backup.fuel_usd_per_mwh - S.curtailment_usd_per_mwh) * b.backup_mw[key])
            if S.backup.carbon_t_per_mwh:
                ledgers.carbon_t.post(t, length * S.backup.carbon_t_per_mwh * b.backup_mw[key])
        if S.deferral is not None:
            terms.append(yearly * (S.deferral.cost_usd_per_mwh - S.curtailment_usd_per_mwh) * b.deferred_mw[key])
    if S.backup is not None and S.backup.cost_musd_per_mw:
        for o in case.ties.index:
            terms.append(years * S.backup.annuity_musd_per_mw * b.backup_capacity_mw[o, t])
            ledgers.investment_musd.post(t, S.backup.cost_musd_per_mw * b.backup_capacity_mw[o, t])
    if terms:
        ledgers.cost_musd.post(("service", t), pyo.quicksum(terms))


def _service(case: Case) -> Service:
    """Service of a case that has any.

    Raises
    ------
    ValueError
        It has none: the caller's mistake.
    """
    if case.service is None:
        raise ValueError("the case has firm service only")
    return case.service


def largest_mw(case: Case, o: str) -> float:
    """Most that a campus can draw over a tie, by its size and its hardest snapshot [MW]."""
    s = str(case.ties.at[o, "site"])
    pue = max((max(case.pue_of[s, c].values()) for c in case.cooling_of_site[s]), default=1.0)
    return pue * float(case.sites.at[s, "block_mw"]) * float(case.sites.at[s, "max_blocks"])


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Curtailment within load, contract, yearly energy and hours; backup and deferral within their own limits."""
    S, O, T, H = _service(case), list(case.ties.index), list(case.periods.index), list(case.snapshots.index)
    hours, site_of = case.snapshots["hours"].astype(float), case.ties["site"].to_dict()

    @cache
    def load(o: str, t: int, h: str) -> Any:
        s = site_of[o]
        return pyo.quicksum(case.pue_of[s, c][h] * m.interconnection.it_mw[o, c, t] for c in case.cooling_of_site[s])

    @cache
    def contract(o: str, t: int) -> Any:
        s = site_of[o]
        return pyo.quicksum(
            max(case.pue_of[s, c].values()) * m.interconnection.it_mw[o, c, t] for c in case.cooling_of_site[s]
        )

    @constraint(b, list(b.curtailed_mw))
    def no_more_than_drawn(b: Any, o: str, t: int, h: str) -> Any:
        """No more is curtailed in a snapshot than the campus would draw.

        k[o,t,h] <= L[o,t,h]
        """
        return b.curtailed_mw[o, t, h] - load(o, t, h) <= 0

    able = S.snapshots(case.snapshots["hours"])

    @constraint(b, O if able else [], T)
    def within_yearly_energy(b: Any, o: str, t: int) -> Any:
        """The energy curtailed in a year stays within its share of what the campus would draw.

        sum_h hours[h] k[o,t,h] <= share sum_h hours[h] L[o,t,h]
        """
        curtailed = pyo.quicksum(hours[h] * b.curtailed_mw[o, t, h] for h in able)
        return curtailed - S.share * pyo.quicksum(hours[h] * load(o, t, h) for h in H) <= 0

    start = {t: S.interim_start(case.periods["years"], t) for t in T}
    bound = [t for t in T if S.non_firm_share < 1 and start[t] is not None]

    @constraint(b, [(o, t, h) for o in O for t in bound for h in able])
    def within_contract(b: Any, o: str, t: int, h: str) -> Any:
        """What is curtailed is non-firm: within its share of contract demand, but for campuses in interim service.

        A campus is in interim service in periods that end within its interim years.

        k[o,t,h] <= share F[o,t] + (1 - share) largest[o] (v[o,t] - v[o,t - interim])
        """
        firm = b.curtailed_mw[o, t, h] - S.non_firm_share * contract(o, t)
        if start[t] == t:
            return firm <= 0
        new = m.interconnection.in_service[o, t] - m.interconnection.in_service[o, start[t]]
        return firm - (1 - S.non_firm_share) * largest_mw(case, o) * new <= 0

    @constraint(b, list(b.curtails))
    def counted_when_curtailed(b: Any, o: str, t: int, h: str) -> Any:
        """A snapshot of which anything is curtailed counts with all its hours.

        k[o,t,h] <= largest[o] q[o,t,h]
        """
        return b.curtailed_mw[o, t, h] <= largest_mw(case, o) * b.curtails[o, t, h]

    @constraint(b, O if len(b.curtails) else [], T)
    def within_yearly_hours(b: Any, o: str, t: int) -> Any:
        """A campus is curtailed in no more hours of a year than the limit.

        sum_h hours[h] q[o,t,h] <= hours_limit
        """
        return pyo.quicksum(hours[h] * b.curtails[o, t, h] for h in able) <= S.hours_per_year

    if S.backup is not None or S.deferral is not None:

        @constraint(b, list(b.curtailed_mw))
        def only_what_is_curtailed(b: Any, o: str, t: int, h: str) -> Any:
            """Backup serves, and deferral takes up, no more than is curtailed.

            b[o,t,h] + d[o,t,h] <= k[o,t,h]
            """
            meanwhile = [v[o, t, h] for v in (b.backup_mw, b.deferred_mw) if (o, t, h) in v]
            return pyo.quicksum(meanwhile) - b.curtailed_mw[o, t, h] <= 0

    _backup(b, case, S, contract)
    _deferral(b, case, S, m, load, contract)


def _backup(b: pyo.Block, case: Case, S: Service, contract: Any) -> None:
    """Capacity, permit hours, and that capacity stays."""
    B = S.backup
    if B is None:
        return
    T, hours = list(case.periods.index), case.snapshots["hours"].astype(float)
    before = dict(zip(T[1:], T[:-1], strict=True))
    able = S.snapshots(case.snapshots["hours"])
    O = list(case.ties.index)

    # In a snapshot longer than the permit's hours, the permit alone keeps output below capacity.
    short = {h for h in able if hours[h] < B.hours_per_year}

    @constraint(b, [key for key in b.backup_mw if key[2] in short])
    def within_backup_capacity(b: Any, o: str, t: int, h: str) -> Any:
        """Backup gives no more than its capacity, in snapshots shorter than the hours of its permit.

        b[o,t,h] <= B[o,t]
        """
        return b.backup_mw[o, t, h] <= b.backup_capacity_mw[o, t]

    @constraint(b, O if able else [], T)
    def within_air_permit(b: Any, o: str, t: int) -> Any:
        """Backup runs no more hours of full output in a year than its air permit allows.

        sum_h hours[h] b[o,t,h] <= permit_hours B[o,t]
        """
        served = pyo.quicksum(hours[h] * b.backup_mw[o, t, h] for h in able)
        return served <= B.hours_per_year * b.backup_capacity_mw[o, t]

    @constraint(b, O, T)
    def within_backup_share(b: Any, o: str, t: int) -> Any:
        """Backup is no more than its share of contract demand.

        B[o,t] <= backup_share F[o,t]
        """
        return b.backup_capacity_mw[o, t] - B.share * contract(o, t) <= 0

    @constraint(b, O, T[1:])
    def backup_stays(b: Any, o: str, t: int) -> Any:
        """Backup once made fit stays so.

        B[o,t-1] <= B[o,t]
        """
        return b.backup_capacity_mw[o, before[t]] <= b.backup_capacity_mw[o, t]


def _deferral(b: pyo.Block, case: Case, S: Service, m: pyo.ConcreteModel, load: Any, contract: Any) -> None:
    """What can wait, what is caught up, and the tie that carries both."""
    D = S.deferral
    if D is None:
        return
    T, hours = list(case.periods.index), case.snapshots["hours"].astype(float)
    able = S.snapshots(case.snapshots["hours"])
    O, capacity = list(case.ties.index), case.ties["capacity_mw"].astype(float)
    # Own supply relieves its tie: `optimizer.formulation.supply_campus` limits what is left.
    relieved = set(case.supply.sites) if case.supply is not None and case.supply.counts_as_firm else set()
    carried = [key for key in b.recovered_mw if case.ties.at[key[0], "site"] not in relieved]

    @constraint(b, list(b.deferred_mw))
    def only_what_can_wait(b: Any, o: str, t: int, h: str) -> Any:
        """No more work is put off in a snapshot than can wait.

        d[o,t,h] <= deferral_share L[o,t,h]
        """
        return b.deferred_mw[o, t, h] - D.share * load(o, t, h) <= 0

    @constraint(b, list(b.recovered_mw))
    def within_catch_up(b: Any, o: str, t: int, h: str) -> Any:
        """A campus draws no more above its facility power than it can use to catch up.

        e[o,t,h] <= catch_up_share F[o,t]
        """
        return b.recovered_mw[o, t, h] - D.catch_up_share * contract(o, t) <= 0

    @constraint(b, carried)
    def tie_carries_catching_up(b: Any, o: str, t: int, h: str) -> Any:
        """A tie carries facility power and what is caught up within its firm capacity.

        L[o,t,h] + e[o,t,h] <= K[o] v[o,t]
        """
        drawn = load(o, t, h) + b.recovered_mw[o, t, h]
        return drawn - float(capacity[o]) * m.interconnection.in_service[o, t] <= 0

    @constraint(b, O if len(b.recovered_mw) else [], T)
    def caught_up_within_the_year(b: Any, o: str, t: int) -> Any:
        """All work put off is caught up within the year.

        sum_h hours[h] e[o,t,h] = sum_h hours[h] d[o,t,h]
        """
        later = pyo.quicksum(hours[h] * b.recovered_mw[o, t, h] for h in hours.index)
        return later - pyo.quicksum(hours[h] * b.deferred_mw[o, t, h] for h in able) == 0


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """What each tie is relieved of in each period and snapshot, and its backup."""
    H = list(case.snapshots.index)
    columns = ("curtailed_mw", "backup_mw", "deferred_mw", "recovered_mw")
    rows = [
        (o, t, h, *(_value(b.component(name), (o, t, h)) for name in columns))
        for o in case.ties.index
        for t in case.periods.index
        for h in H
    ]
    capacity = [(o, t, _value(b.backup_capacity_mw, (o, t))) for o in case.ties.index for t in case.periods.index]
    return {
        "relief": pd.DataFrame(rows, columns=["tie", "period", "snapshot", *columns]),
        "backup": pd.DataFrame(capacity, columns=["tie", "period", "backup_capacity_mw"]),
    }


def _value(variable: Any, key: Any) -> float:
    return clean_value(variable[key]) if key in variable and variable[key].value is not None else 0.0
