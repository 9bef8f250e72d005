"""Variables by which limits of service, adequacy, carbon-free supply, deliveries and the portfolio give way.

A share of what is itself decided gives way by an amount in place of a share of it, so that no decision is multiplied by
another; what share that is, is read off the solution (`real_shares`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import constraint
from optimizer.formulation.service import largest_mw
from optimizer.formulation.supply_campus import carbon_free_mw, drawn_mw, used_mw
from optimizer.solve.explain import parts as of
from optimizer.solve.explain.limit import Limit
from optimizer.solve.explain.limits import DEMAND, TIE
from optimizer.solve.explain.slack import Slacks
from optimizer.study.case import Case
from optimizer.units import HOURS_PER_YEAR

SMALL_MW = 1e-6
"""Power below this has no share of anything [MW]."""


def relax(row: Any, slack: Any) -> None:
    """Let a one-sided row be missed by a slack, on whichever side of it Pyomo keeps the bound."""
    if row.lower is None:
        row.set_value(row.body - slack <= row.upper)
    else:
        row.set_value(row.body + slack >= row.lower)


def rows_of(m: pyo.ConcreteModel, rule: str) -> dict[Any, Any]:
    """Rows of a rule by their index; none where its part is not built."""
    part, _, name = rule.partition(".")
    block = m.component(part)
    family = None if block is None else block.component(name)
    return {} if family is None else dict(family)


def give_way_in_parts(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    """Let the limits of these parts give way.

    Parameters
    ----------
    m : ConcreteModel
        Whose demand can give way already.
    case : Case
        With the limits as they are.
    slacks : Slacks
        To which the variables are added.
    """
    _shares_of_the_target(m, case, slacks)
    _amounts(m, case, slacks)
    _deliveries(m, case, slacks)
    _service(m, case, slacks)
    for rule, each in ((of.CARBON_FREE, HOURS_PER_YEAR), (of.CARBON_FREE_EVERY, 1.0)):
        for index, row in rows_of(m, rule).items():
            t = index[0] if isinstance(index, tuple) else index
            # A percent of the target stands for a percent of what is used.
            relax(row, each * float(case.demand_mw[t]) / 100.0 * slacks.one(Limit(rule, "", int(t))))


def _shares_of_the_target(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    """Shares of a target that is lowered are shares of what is left of it."""
    own = case.portfolio
    missing = {t: slacks.one(Limit(DEMAND, "", int(t))) for t in case.demand_mw.index}
    for (column, _, t), row in rows_of(m, of.GROUP).items():
        share, target = own.share_per[column], float(case.demand_mw[t])
        more = slacks.one(Limit(of.GROUP, column), most=100.0 * (1.0 - share))
        relax(row, target / 100.0 * more - share * missing[t])
    for rule in (of.SURVIVE_SITE, of.SURVIVE_SUBSTATION):
        for (_, t), row in rows_of(m, rule).items():
            less = slacks.one(Limit(rule), most=100.0 * own.share_left)
            relax(row, float(case.demand_mw[t]) / 100.0 * less + own.share_left * missing[t])


def _amounts(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    for rule in (of.LOSS_SITE, of.LOSS_SUBSTATION):
        for row in rows_of(m, rule).values():
            relax(row, slacks.one(Limit(rule)))
    for (basin, _), row in rows_of(m, of.BASIN).items():
        relax(row, slacks.one(Limit(of.BASIN, str(basin))))
    for t, row in rows_of(m, of.EMBODIED).items():
        relax(row, slacks.one(Limit(of.EMBODIED, "", int(t))))
    for t, row in rows_of(m, of.YEARLY_PACE).items():
        relax(row, case.portfolio.years_before[t] * slacks.one(Limit(of.YEARLY_PACE)))
    for (zone, _, _), row in rows_of(m, of.ADEQUACY).items():
        relax(row, slacks.one(Limit(of.ADEQUACY, zone or of.UNNAMED)))
    for (s, _), row in rows_of(m, of.GENERATORS).items():
        relax(row, slacks.one(Limit(of.GENERATORS, s)))
    for family in ("supply.net_within_capacity", "service.tie_carries_catching_up"):
        for (o, *_), row in rows_of(m, family).items():
            relax(row, slacks.one(Limit(TIE, o)))


def _deliveries(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    """What comes later than it is needed is of no use: only items of earlier periods add up."""
    if m.component("deliveries") is None:
        return
    items, T = {one.item: one for one in case.portfolio.deliveries}, list(case.periods.index)
    more = {(i, t): slacks.one(Limit(of.DELIVERY, i, int(t))) for i in items for t in T}

    @constraint(m.explanation, list(items), T)
    def within_deliveries(b: Any, i: str, t: int) -> Any:
        """All that stands holds no more of a rationed item than has been delivered.

        R[i,t] <= sum_(t' <= t) A[i,t']
        """
        so_far = [year for year in T if year <= t]
        arrived = sum(items[i].arriving[year] for year in so_far)
        return m.deliveries.taken[i, t] <= arrived + pyo.quicksum(more[i, year] for year in so_far)

    for key, row in rows_of(m, "deliveries.only_what_arrives").items():
        relax(row, more[key])
    for taken in m.deliveries.taken.values():
        taken.setub(None)


def _service(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    service = case.service
    if service is None:
        return
    for (s, _), row in rows_of(m, of.CURTAILED_ENERGY).items():
        relax(row, HOURS_PER_YEAR / 100.0 * largest_mw(case, s) * slacks.one(Limit(of.CURTAILED_ENERGY)))
    site_of = {**case.ties["site"].to_dict(), **{s: s for s in case.sites.index}}
    for rule in (of.NON_FIRM, "tariffs.within_non_firm_share"):
        for (place, *_), row in rows_of(m, rule).items():
            relax(row, largest_mw(case, site_of[place]) / 100.0 * slacks.one(Limit(of.NON_FIRM)))
    counted = {key[:2] for key in m.service.curtails}
    most, hours = service.hours_per_year, case.snapshots["hours"].astype(float)
    for row in rows_of(m, "service.within_yearly_hours").values():
        # The limit of the widened case stands for none.
        row.set_value(row.body <= HOURS_PER_YEAR)

    @constraint(m.explanation, sorted(counted) if most is not None else [])
    def within_curtailed_hours(b: Any, s: str, t: int) -> Any:
        """A campus is curtailed in no more hours of a year than the limit.

        sum_h hours[h] q[s,t,h] <= hours_limit
        """
        curtailed = [hours[h] * q for (site, year, h), q in m.service.curtails.items() if (site, year) == (s, t)]
        return pyo.quicksum(curtailed) <= float(most or 0.0) + slacks.one(Limit(of.CURTAILED_HOURS))


def real_shares(m: pyo.ConcreteModel, case: Case, found: dict[Limit, float]) -> dict[Limit, float]:
    """Shares by which limits give way in the solution that a model holds, in place of the amounts that stood for them.

    Parameters
    ----------
    m : ConcreteModel
        Holding the solution.
    case : Case
        With the limits as they are.
    found : dict of Limit to float
        How far limits give way; those of other rules are left as they are.
    """
    return {limit: _REAL[limit.rule](m, case, limit) if limit.rule in _REAL else found[limit] for limit in found}


def _energy(m: pyo.ConcreteModel, case: Case, limit: Limit) -> float:
    hours, largest = case.snapshots["hours"].astype(float), 0.0
    assert case.service is not None
    for s, t in rows_of(m, of.CURTAILED_ENERGY):
        ties = case.ties_of_site[s]
        drawn = sum(hours[h] * float(pyo.value(drawn_mw(case, m, o, t, h))) for o in ties for h in hours.index)
        curtailed = [(h, v.value or 0.0) for (o, y, h), v in m.service.curtailed_mw.items() if o in ties and y == t]
        less = sum(hours[h] * float(mw) for h, mw in curtailed)
        largest = max(largest, less / drawn if drawn > SMALL_MW else 0.0)
    return 100.0 * max(0.0, largest - case.service.share)


def _contract(m: pyo.ConcreteModel, case: Case, limit: Limit) -> float:
    service, largest = case.service, 0.0
    assert service is not None
    for s, t, h in rows_of(m, of.NON_FIRM):
        start = service.interim_start(case.periods["years"], t)
        built, ties = m.siting.build, case.ties_of_site[s]
        if start is None or (start != t and built[s, t].value - built[s, start].value > 0.5):
            continue
        drawn = [sum(float(pyo.value(drawn_mw(case, m, o, t, one))) for o in ties) for one in case.snapshots.index]
        contract, less = max(drawn), non_firm_mw(m, case, s, t, h)
        largest = max(largest, less / contract if contract > SMALL_MW else 0.0)
    return 100.0 * max(0.0, largest - service.non_firm_share)


def non_firm_mw(m: pyo.ConcreteModel, case: Case, s: str, t: int, h: str) -> float:
    """What of a campus is curtailed, or dropped after outages, in the solution that a model holds [MW]."""
    parts = (m.service.curtailed_mw, m.service.dropped_mw)
    return sum(float(v[o, t, h].value or 0.0) for v in parts for o in case.ties_of_site[s] if (o, t, h) in v)


def _carbon_free(m: pyo.ConcreteModel, case: Case, limit: Limit) -> float:
    supply, t, hours = case.supply, limit.period, case.snapshots["hours"].astype(float)
    assert supply is not None
    free = {h: float(pyo.value(carbon_free_mw(m.supply, case, m, supply, t, h))) for h in hours.index}
    used = {h: float(pyo.value(used_mw(case, m, t, h))) for h in hours.index}
    if limit.rule == of.CARBON_FREE_EVERY:
        least = min((free[h] / used[h] for h in hours.index if used[h] > SMALL_MW), default=1.0)
        return 100.0 * max(0.0, supply.hourly_carbon_free_share[t] - least)
    whole = sum(hours[h] * used[h] for h in hours.index)
    share = sum(hours[h] * free[h] for h in hours.index) / whole if whole > SMALL_MW else 1.0
    return 100.0 * max(0.0, supply.carbon_free_share[t] - share)


_REAL: dict[str, Callable[[pyo.ConcreteModel, Case, Limit], float]] = {
    of.CURTAILED_ENERGY: _energy,
    of.NON_FIRM: _contract,
    of.CARBON_FREE: _carbon_free,
    of.CARBON_FREE_EVERY: _carbon_free,
}
"""Rules whose share is one of what is decided."""
