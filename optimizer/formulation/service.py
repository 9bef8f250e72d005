"""Service: how much of a campus's power is firm, what the grid curtails of the rest, and what serves it meanwhile.

Curtailment is per snapshot, before any outage: a snapshot stands for all its hours, so it is curtailed in all of them.
What is served, firm or not, counts in every row of flow and security. Firm load is never curtailed, so it is firm only
once the network, with its upgrades, carries it in every snapshot and after every outage.

Where the study drops load after outages, part of what is served without being firm is dropped at once after any outage,
as much as is armed in the snapshot. It counts in every row of flow with everything in service, and in none after an
outage (`optimizer.formulation.security`). Outages are rare and short, so that what is dropped has no energy and no
price. What is caught up is not dropped.

A campus is served over one tie. So what its tie is relieved of is by tie, and all else, with the limits, by site: they
are the same for the tie that is built, and the other ties have no load to be relieved of.

Hours are counted exactly, by a binary for each site, period and snapshot, but only where snapshots that are short
enough to be curtailed are too long to be curtailed all; elsewhere nothing need be counted.

Symbols
-------
k[o,t,h]  ``curtailed_mw``        what the grid does not serve of what a campus would draw over tie o [MW]
e[o,t,h]  ``recovered_mw``        drawn over tie o above facility power to catch up [MW]
u[o,t,h]  ``dropped_mw``          what is drawn over tie o and dropped after any outage [MW]
b[s,t,h]  ``backup_mw``           served by on-site backup while curtailed [MW]
d[s,t,h]  ``deferred_mw``         work put off [MW]
B[s,t]    ``backup_capacity_mw``  backup that is made fit for this [MW]
q[s,t,h]  ``curtails``            1 when any of the snapshot is curtailed, where hours are counted [-]
k[s,t,h], e[s,t,h], u[s,t,h]      sums over the ties of a site [MW]
r[o,t,h]  ``own_supply_mw``       own supply at tie o less what charges [MW]
L[s,t,h]                          facility power, sum_c PUE[s,c,h] i[s,c,t]; over a tie L[o,t,h] [MW]
F[s,t], F[o,t]                    contract demand, the same with the largest PUE over the snapshots [MW]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, clean_value, constraint
from optimizer.study.case import Case
from optimizer.study.service import Service
from optimizer.units import USD_PER_MUSD

NEEDS = {
    "ties": ["site", "capacity_mw"],
    "sites": ["block_mw", "max_blocks"],
    "snapshots": ["hours"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare what is curtailed, what serves it and what outages drop; post relief, cost, investment and emissions."""
    S, O, T, H = _service(case), list(case.ties.index), list(case.periods.index), list(case.snapshots.index)
    hours, site_of, tied = case.snapshots["hours"], case.ties["site"].to_dict(), _tied(case)
    able = S.snapshots(hours)
    campuses = [(s, t, h) for s in tied for t in T for h in able]
    late = H if S.deferral is not None and S.deferral.is_neutral else []
    b.curtailed_mw = pyo.Var(O, T, able, domain=pyo.NonNegativeReals)
    b.recovered_mw = pyo.Var(O, T, late, domain=pyo.NonNegativeReals)
    b.dropped_mw = pyo.Var(O, T, H if S.trips else [], domain=pyo.NonNegativeReals)
    b.backup_mw = pyo.Var(campuses if S.backup is not None else [], domain=pyo.NonNegativeReals)
    b.backup_capacity_mw = pyo.Var(tied if S.backup is not None else [], T, domain=pyo.NonNegativeReals)
    b.deferred_mw = pyo.Var(campuses if S.deferral is not None else [], domain=pyo.NonNegativeReals)
    b.curtails = pyo.Var(campuses if S.counts_hours(hours) else [], domain=pyo.Binary)
    most = {s: largest_mw(case, s) for s in tied}
    for variable in (b.curtailed_mw, b.recovered_mw, b.dropped_mw):
        for key in variable:
            variable[key].setub(most[site_of[key[0]]])
    for variable in (b.backup_mw, b.deferred_mw, b.backup_capacity_mw):
        for key in variable:
            variable[key].setub(most[key[0]])
    for key, variable in b.curtailed_mw.items():
        ledgers.relief_mw.post(key, variable)
    for key, variable in b.recovered_mw.items():
        ledgers.relief_mw.post(key, -variable)
    for key, variable in b.dropped_mw.items():
        ledgers.dropped_mw.post(key, variable)
    for t in T:
        _post(b, case, S, t, able, ledgers)


def _tied(case: Case) -> list[str]:
    """Sites that draw power over a tie."""
    return [s for s, options in case.ties_of_site.items() if options]


def _post(b: pyo.Block, case: Case, S: Service, t: int, able: list[str], ledgers: Ledgers) -> None:
    """Post what one period costs and emits."""
    years, hours = float(case.periods.at[t, "annuity_years"]), case.snapshots["hours"]
    terms: list[Any] = []
    for h in able:
        length = float(hours[h])
        yearly = years * length / USD_PER_MUSD
        terms += [yearly * S.curtailment_usd_per_mwh * b.curtailed_mw[o, t, h] for o in case.ties.index]
        for s in _tied(case):
            if S.backup is not None:
                saved = yearly * (S.backup.fuel_usd_per_mwh - S.curtailment_usd_per_mwh)
                terms.append(saved * b.backup_mw[s, t, h])
                if S.backup.carbon_t_per_mwh:
                    ledgers.carbon_t.post(t, length * S.backup.carbon_t_per_mwh * b.backup_mw[s, t, h])
            if S.deferral is not None:
                saved = yearly * (S.deferral.cost_usd_per_mwh - S.curtailment_usd_per_mwh)
                terms.append(saved * b.deferred_mw[s, t, h])
    if S.backup is not None and S.backup.cost_musd_per_mw:
        for s in _tied(case):
            terms.append(years * S.backup.annuity_musd_per_mw * b.backup_capacity_mw[s, t])
            ledgers.investment_musd.post(t, S.backup.cost_musd_per_mw * b.backup_capacity_mw[s, t])
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


def largest_mw(case: Case, s: str) -> float:
    """Most that a campus can draw, by its size and its hardest snapshot [MW]."""
    pue = max((max(case.pue_of[s, c].values()) for c in case.cooling_of_site[s]), default=1.0)
    return pue * float(case.sites.at[s, "block_mw"]) * float(case.sites.at[s, "max_blocks"])


@dataclass(frozen=True)
class _Campuses:
    """Expressions that rows of service are made of.

    Parameters
    ----------
    case, m, b
        The case, its model and the block of service.
    """

    case: Case
    m: pyo.ConcreteModel
    b: pyo.Block

    def load(self, s: str, t: int, h: str) -> Any:
        """Facility power of a campus in a snapshot."""
        return pyo.quicksum(
            self.case.pue_of[s, c][h] * self.m.cooling.it_mw[s, c, t] for c in self.case.cooling_of_site[s]
        )

    def contract(self, s: str, t: int) -> Any:
        """Contract demand of a campus."""
        return pyo.quicksum(self.hardest(s, c) * self.m.cooling.it_mw[s, c, t] for c in self.case.cooling_of_site[s])

    def hardest(self, s: str, c: str) -> float:
        """Largest PUE over the snapshots."""
        return max(self.case.pue_of[s, c].values())

    def over(self, o: str, t: int, h: str) -> Any:
        """Facility power fed over a tie in a snapshot."""
        s = self.case.ties.at[o, "site"]
        factors = ((c, self.case.pue_of[s, c][h]) for c in self.case.cooling_of_site[s])
        return pyo.quicksum(pue * self.m.interconnection.it_mw[o, c, t] for c, pue in factors)

    def curtailed(self, s: str, t: int, h: str) -> Any:
        """What the grid does not serve of a campus."""
        return pyo.quicksum(self.b.curtailed_mw[o, t, h] for o in self.case.ties_of_site[s])

    def non_firm(self, s: str, t: int, h: str) -> Any:
        """What of a campus is curtailed, or served only until an outage."""
        ties = self.case.ties_of_site[s]
        parts = [v[o, t, h] for v in (self.b.curtailed_mw, self.b.dropped_mw) for o in ties if (o, t, h) in v]
        return pyo.quicksum(parts)

    def recovered(self, s: str, t: int, h: str) -> Any:
        """What a campus catches up."""
        return pyo.quicksum(self.b.recovered_mw[o, t, h] for o in self.case.ties_of_site[s])


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Curtailment and drops within load and contract, yearly energy and hours; backup and deferral within their own."""
    S, T, H = _service(case), list(case.periods.index), list(case.snapshots.index)
    hours, tied, of = case.snapshots["hours"].astype(float), _tied(case), _Campuses(case, m, b)
    able, late = S.snapshots(case.snapshots["hours"]), H if len(b.recovered_mw) else []
    catch_up = S.deferral.catch_up_share if late and S.deferral is not None else 0.0
    several = [o for s in tied if len(case.ties_of_site[s]) > 1 for o in case.ties_of_site[s]]
    site_of = case.ties["site"].to_dict()

    @constraint(b, tied, T, able)
    def no_more_than_drawn(b: Any, s: str, t: int, h: str) -> Any:
        """No more is curtailed in a snapshot than the campus would draw.

        k[s,t,h] <= L[s,t,h]
        """
        return of.curtailed(s, t, h) - of.load(s, t, h) <= 0

    non_firm = S.non_firm_snapshots(case.snapshots["hours"])

    @constraint(b, several if non_firm else [], T)
    def where_the_campus_is_tied(b: Any, o: str, t: int) -> Any:
        """Of several ties only the one that is built is relieved or dropped, and carries what is caught up.

        sum_h (k[o,t,h] + u[o,t,h]) + sum_h e[o,t,h]
        <= sum_(h curtailable, or all with drops) L[o,t,h] + (number of h) catch_up_share F[o,t]
        """
        s = site_of[o]
        moved = [b.curtailed_mw[o, t, h] for h in able] + [b.recovered_mw[o, t, h] for h in late]
        moved += [b.dropped_mw[o, t, h] for h in non_firm if (o, t, h) in b.dropped_mw]
        most = [
            (sum(case.pue_of[s, c][h] for h in non_firm) + len(late) * catch_up * of.hardest(s, c))
            * m.interconnection.it_mw[o, c, t]
            for c in case.cooling_of_site[s]
        ]
        return pyo.quicksum(moved) - pyo.quicksum(most) <= 0

    @constraint(b, tied if able else [], T)
    def within_yearly_energy(b: Any, s: str, t: int) -> Any:
        """The energy curtailed in a year stays within its share of what the campus would draw.

        sum_h hours[h] k[s,t,h] <= share sum_h hours[h] L[s,t,h]
        """
        curtailed = pyo.quicksum(hours[h] * of.curtailed(s, t, h) for h in able)
        return curtailed - S.share * pyo.quicksum(hours[h] * of.load(s, t, h) for h in H) <= 0

    start = {t: S.interim_start(case.periods["years"], t) for t in T}
    bound = [t for t in T if S.non_firm_share < 1 and start[t] is not None]

    @constraint(b, tied, bound, non_firm)
    def within_contract(b: Any, s: str, t: int, h: str) -> Any:
        """What is curtailed or dropped is within its share of contract demand, but for campuses in interim service.

        A campus is in interim service in periods that end within its interim years. Nothing is dropped unless the
        study does so after outages.

        k[s,t,h] + u[s,t,h] <= share F[s,t] + (1 - share) largest[s] (x[s,t] - x[s,t - interim])
        """
        firm = of.non_firm(s, t, h) - S.non_firm_share * of.contract(s, t)
        if start[t] == t:
            return firm <= 0
        new = m.siting.build[s, t] - m.siting.build[s, start[t]]
        return firm - (1 - S.non_firm_share) * largest_mw(case, s) * new <= 0

    @constraint(b, list(b.curtails))
    def counted_when_curtailed(b: Any, s: str, t: int, h: str) -> Any:
        """A snapshot of which anything is curtailed counts with all its hours.

        k[s,t,h] <= largest[s] q[s,t,h]
        """
        return of.curtailed(s, t, h) <= largest_mw(case, s) * b.curtails[s, t, h]

    @constraint(b, tied if len(b.curtails) else [], T)
    def within_yearly_hours(b: Any, s: str, t: int) -> Any:
        """A campus is curtailed in no more hours of a year than the limit.

        sum_h hours[h] q[s,t,h] <= hours_limit
        """
        return pyo.quicksum(hours[h] * b.curtails[s, t, h] for h in able) <= S.hours_per_year

    if S.backup is not None or S.deferral is not None:

        @constraint(b, tied, T, able)
        def only_what_is_curtailed(b: Any, s: str, t: int, h: str) -> Any:
            """Backup serves, and deferral takes up, no more than is curtailed.

            b[s,t,h] + d[s,t,h] <= k[s,t,h]
            """
            meanwhile = [v[s, t, h] for v in (b.backup_mw, b.deferred_mw) if (s, t, h) in v]
            return pyo.quicksum(meanwhile) - of.curtailed(s, t, h) <= 0

    _dropping(b, case, S, m, of)
    _backup(b, case, S, of)
    _deferral(b, case, S, m, of)


def _dropping(b: pyo.Block, case: Case, S: Service, m: pyo.ConcreteModel, of: _Campuses) -> None:
    """Outages drop what is drawn before; rows stand where the contract does not say as much."""
    own, site_of = set() if case.supply is None else set(case.supply.sites), case.ties["site"].to_dict()
    always = {t for t in case.periods.index if S.interim_start(case.periods["years"], t) == t}

    def is_implied(s: str, t: int, h: str) -> bool:
        """Whether the largest non-firm contract is no more than what the campus draws in the snapshot."""
        least = (case.pue_of[s, c][h] / of.hardest(s, c) for c in case.cooling_of_site[s])
        return S.non_firm_share < 1 and t in always and all(S.non_firm_share <= share for share in least)

    campuses = dict.fromkeys((site_of[o], t, h) for o, t, h in b.dropped_mw)

    @constraint(b, [key for key in campuses if key[0] not in own and not is_implied(*key)])
    def only_what_is_served_is_dropped(b: Any, s: str, t: int, h: str) -> Any:
        """An outage drops no more of a campus than the grid gives it before, what is caught up apart.

        u[s,t,h] + k[s,t,h] <= L[s,t,h]
        """
        return of.non_firm(s, t, h) - of.load(s, t, h) <= 0

    @constraint(b, [key for key in b.dropped_mw if site_of[key[0]] in own])
    def what_is_supplied_is_not_dropped(b: Any, o: str, t: int, h: str) -> Any:
        """Of a campus with supply of its own an outage drops no more than what the grid gives it before.

        u[o,t,h] + k[o,t,h] + r[o,t,h] <= L[o,t,h]
        """
        parts = [v[o, t, h] for v in (b.dropped_mw, b.curtailed_mw) if (o, t, h) in v]
        return pyo.quicksum(parts) + m.ledgers.own_supply_mw[o, t, h] - of.over(o, t, h) <= 0


def _backup(b: pyo.Block, case: Case, S: Service, of: _Campuses) -> None:
    """Capacity, permit hours, and that capacity stays."""
    B = S.backup
    if B is None:
        return
    T, hours = list(case.periods.index), case.snapshots["hours"].astype(float)
    before = dict(zip(T[1:], T[:-1], strict=True))
    able, tied = S.snapshots(case.snapshots["hours"]), _tied(case)

    # In a snapshot longer than the permit's hours, the permit alone keeps output below capacity.
    short = {h for h in able if hours[h] < B.hours_per_year}

    @constraint(b, [key for key in b.backup_mw if key[2] in short])
    def within_backup_capacity(b: Any, s: str, t: int, h: str) -> Any:
        """Backup gives no more than its capacity, in snapshots shorter than the hours of its permit.

        b[s,t,h] <= B[s,t]
        """
        return b.backup_mw[s, t, h] <= b.backup_capacity_mw[s, t]

    @constraint(b, tied if able else [], T)
    def within_air_permit(b: Any, s: str, t: int) -> Any:
        """Backup runs no more hours of full output in a year than its air permit allows.

        sum_h hours[h] b[s,t,h] <= permit_hours B[s,t]
        """
        served = pyo.quicksum(hours[h] * b.backup_mw[s, t, h] for h in able)
        return served <= B.hours_per_year * b.backup_capacity_mw[s, t]

    @constraint(b, tied, T)
    def within_backup_share(b: Any, s: str, t: int) -> Any:
        """Backup is no more than its share of contract demand.

        B[s,t] <= backup_share F[s,t]
        """
        return b.backup_capacity_mw[s, t] - B.share * of.contract(s, t) <= 0

    @constraint(b, tied, T[1:])
    def backup_stays(b: Any, s: str, t: int) -> Any:
        """Backup once made fit stays so.

        B[s,t-1] <= B[s,t]
        """
        return b.backup_capacity_mw[s, before[t]] <= b.backup_capacity_mw[s, t]


def _deferral(b: pyo.Block, case: Case, S: Service, m: pyo.ConcreteModel, of: _Campuses) -> None:
    """What can wait, what is caught up, and the tie that carries both."""
    D = S.deferral
    if D is None:
        return
    T, hours = list(case.periods.index), case.snapshots["hours"].astype(float)
    able, tied = S.snapshots(case.snapshots["hours"]), _tied(case)
    late = list(hours.index) if len(b.recovered_mw) else []
    capacity, site_of = case.ties["capacity_mw"].astype(float), case.ties["site"].to_dict()
    # Own supply relieves its tie: `optimizer.formulation.supply_campus` limits what is left.
    relieved = set(case.supply.sites) if case.supply is not None and case.supply.counts_as_firm else set()
    carried = [key for key in may_be_full(case, D.catch_up_share) if late and site_of[key[0]] not in relieved]

    @constraint(b, list(b.deferred_mw))
    def only_what_can_wait(b: Any, s: str, t: int, h: str) -> Any:
        """No more work is put off in a snapshot than can wait.

        d[s,t,h] <= deferral_share L[s,t,h]
        """
        return b.deferred_mw[s, t, h] - D.share * of.load(s, t, h) <= 0

    @constraint(b, tied, T, late)
    def within_catch_up(b: Any, s: str, t: int, h: str) -> Any:
        """A campus draws no more above its facility power than it can use to catch up.

        e[s,t,h] <= catch_up_share F[s,t]
        """
        return of.recovered(s, t, h) - D.catch_up_share * of.contract(s, t) <= 0

    @constraint(b, [(o, t, h) for o, h in carried for t in T])
    def tie_carries_catching_up(b: Any, o: str, t: int, h: str) -> Any:
        """A tie carries facility power and what is caught up within its firm capacity.

        Only where it can be full: elsewhere what the site can draw at most, or a harder snapshot, says as much.

        L[o,t,h] + e[o,t,h] <= K[o] v[o,t]
        """
        s = site_of[o]
        load = [case.pue_of[s, c][h] * m.interconnection.it_mw[o, c, t] for c in case.cooling_of_site[s]]
        drawn = pyo.quicksum(load) + b.recovered_mw[o, t, h]
        return drawn - float(capacity[o]) * m.interconnection.in_service[o, t] <= 0

    @constraint(b, tied if late else [], T)
    def caught_up_within_the_year(b: Any, s: str, t: int) -> Any:
        """All work put off is caught up within the year.

        sum_h hours[h] e[s,t,h] = sum_h hours[h] d[s,t,h]
        """
        later = pyo.quicksum(hours[h] * of.recovered(s, t, h) for h in late)
        return later - pyo.quicksum(hours[h] * b.deferred_mw[s, t, h] for h in able) == 0


def may_be_full(case: Case, catch_up_share: float) -> list[tuple[str, str]]:
    """Ties and snapshots in which catching up may fill a tie that carries facility power.

    Not where the largest campus fits with all that it can catch up, nor where another snapshot asks for more than this
    one with all of it, whatever the technology: what a tie carries without catching up is limited there.
    """
    capacity, found = case.ties["capacity_mw"].astype(float), list[tuple[str, str]]()
    size = (case.sites["block_mw"] * case.sites["max_blocks"]).astype(float)
    needed: dict[tuple[str, str], float] = {}
    for s in _tied(case):
        pue = [case.pue_of[s, c] for c in case.cooling_of_site[s]]
        for h in map(str, case.snapshots.index):
            with_it = [one[h] + catch_up_share * max(one.values()) for one in pue]
            if not any(all(w <= one[g] for w, one in zip(with_it, pue, strict=True)) for g in case.snapshots.index):
                needed[s, h] = max(with_it, default=0.0) * float(size[s])
    for o, s in case.ties["site"].items():
        found += [(o, h) for h in map(str, case.snapshots.index) if needed.get((s, h), 0.0) > float(capacity[o])]
    return found


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """What each campus is relieved of in each period and snapshot and what serves it, and its backup."""
    T, H = list(case.periods.index), list(case.snapshots.index)

    def of_ties(variable: Any, s: str, t: int, h: str) -> float:
        return sum(_value(variable, (o, t, h)) for o in case.ties_of_site[s])

    rows = [
        (
            *(s, t, h),
            *(of_ties(b.curtailed_mw, s, t, h), _value(b.backup_mw, (s, t, h))),
            *(_value(b.deferred_mw, (s, t, h)), of_ties(b.recovered_mw, s, t, h)),
            of_ties(b.dropped_mw, s, t, h),
        )
        for s in _tied(case)
        for t in T
        for h in H
    ]
    columns = ["site", "period", "snapshot", "curtailed_mw", "backup_mw", "deferred_mw", "recovered_mw", "dropped_mw"]
    capacity = [(s, t, _value(b.backup_capacity_mw, (s, t))) for s in _tied(case) for t in T]
    return {
        "relief": pd.DataFrame(rows, columns=columns),
        "backup": pd.DataFrame(capacity, columns=["site", "period", "backup_capacity_mw"]),
    }


def _value(variable: Any, key: Any) -> float:
    return clean_value(variable[key]) if key in variable and variable[key].value is not None else 0.0
