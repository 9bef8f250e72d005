"""Supply at the campus: what own supply reaches it, what its tie still carries, and what of it is carbon-free.

What the grid curtails and what own supply gives are apart: together they never exceed what the campus draws. A tie
carries what the campus draws as if nothing were curtailed; own supply relieves it where the study counts it as firm.

Symbols
-------
r[v,t,h]  ``own_mw``          own supply less charging, at the campus end of tie v [MW]
z[v,t,h]  ``direct_mw``       taken from the generator beside the campus, at tie v [MW]
k[v,t,h]  ``curtailed_mw``    what the grid does not serve [MW]
e[v,t,h]  ``recovered_mw``    drawn above facility power to catch up [MW]
b[s,t,h]  ``backup_mw``       served by on-site backup meanwhile [MW]
o[s,q,t,h] ``output_mw``      output of a technology that generates [MW]
c,d[s,q,t,h] ``charge_mw``, ``discharge_mw``  power into and out of storage [MW]
K[v]      ``capacity_mw``     firm capacity of a tie [MW]
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import constraint
from optimizer.study.case import Case
from optimizer.study.supplies import Supply


def supply_of(case: Case) -> Supply:
    """The supply of a case.

    Raises
    ------
    ValueError
        The case has none: the caller's mistake.
    """
    if case.supply is None:
        raise ValueError("the case has no supply")
    return case.supply


def ties_beside(case: Case) -> list[str]:
    """Ties at the bus of the generator that their site is beside, or at that to which its step-up transformers lead."""
    S, bus = supply_of(case), case.generators["bus"]
    behind = {s: (bus[g], S.step_up_bus.get(g)) for s, g in S.beside.items()}
    return [v for s, buses in behind.items() for v in case.ties_of_site[s] if case.ties.at[v, "bus"] in buses]


def constrain_campus(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply) -> None:
    """What reaches the campus, what a generator beside it gives, and carbon-free shares."""
    _campus(b, case, m, S)
    _beside(b, case, m, S)
    _carbon_free(b, case, m, S)


def net_own_mw(b: pyo.Block, S: Supply, s: str, t: int, h: str) -> Any:
    """Output of all technologies of a site, storage included, less charging [MW]."""
    terms = [b.output_mw[s, q, t, h] for q in S.technologies_of(s) if (s, q, t, h) in b.output_mw]
    stores = [q for q in S.technologies_of(s) if (s, q, t, h) in b.discharge_mw]
    terms += [b.discharge_mw[s, q, t, h] - b.charge_mw[s, q, t, h] for q in stores]
    return pyo.quicksum(terms)


def drawn_mw(case: Case, m: pyo.ConcreteModel, tie: str, t: int, h: str) -> Any:
    """Facility power fed over a tie [MW]."""
    s = case.ties.at[tie, "site"]
    factors = [(c, case.pue_of[s, c][h]) for c in case.cooling_of_site[s]]
    return pyo.quicksum(pue * m.interconnection.it_mw[tie, c, t] for c, pue in factors)


def used_mw(case: Case, m: pyo.ConcreteModel, t: int, h: str) -> Any:
    """Facility power of all campuses and what they catch up, less what is curtailed and not backed up [MW]."""
    drawn = [drawn_mw(case, m, v, t, h) - m.ledgers.relief_mw[v, t, h] for v in case.ties.index]
    return pyo.quicksum(drawn) + pyo.quicksum(_of_service(m, "backup_mw", s, t, h) for s in case.sites.index)


def _of_service(m: pyo.ConcreteModel, name: str, place: str, t: int, h: str) -> Any:
    """A variable of service by site or tie, 0 where all service is firm."""
    service = m.component("service")
    if service is None or (place, t, h) not in service.component(name):
        return 0.0
    return service.component(name)[place, t, h]


def _campus(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply) -> None:
    T, H = list(case.periods.index), list(case.snapshots.index)
    ties = [v for s in S.sites for v in case.ties_of_site[s]]
    stores = {s for s, _ in S.stores}
    by_net = [v for v in ties if S.counts_as_firm or case.ties.at[v, "site"] in stores]

    @constraint(b, S.sites, T, H)
    def supply_reaches_the_campus(b: Any, s: str, t: int, h: str) -> Any:
        """What a site generates, less what it stores, is what reaches its campus.

        sum_v r[v,t,h] = sum_q o[s,q,t,h] + sum_q (d[s,q,t,h] - c[s,q,t,h])
        """
        return pyo.quicksum(b.own_mw[v, t, h] for v in case.ties_of_site[s]) == net_own_mw(b, S, s, t, h)

    @constraint(b, ties, T, H)
    def nothing_is_exported(b: Any, v: str, t: int, h: str) -> Any:
        """Own supply, that of a generator beside the campus and what is curtailed never exceed what the campus draws.

        r[v,t,h] + z[v,t,h] + k[v,t,h] - e[v,t,h] <= sum_c PUE[s,c,h] j[v,c,t]
        """
        behind = b.own_mw[v, t, h] + m.ledgers.direct_supply_mw[v, t, h] + m.ledgers.relief_mw[v, t, h]
        return behind <= drawn_mw(case, m, v, t, h)

    @constraint(b, by_net, T, H)
    def net_within_capacity(b: Any, v: str, t: int, h: str) -> Any:
        """A tie carries what the campus draws, catches up and its storage takes, less own supply, within its capacity.

        sum_c PUE[s,c,h] j[v,c,t] + e[v,t,h] - r[v,t,h] <= K[v] v[v,t]
        """
        limit = float(case.ties.at[v, "capacity_mw"]) * m.interconnection.in_service[v, t]
        return drawn_mw(case, m, v, t, h) + _of_service(m, "recovered_mw", v, t, h) - b.own_mw[v, t, h] <= limit


def _beside(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply) -> None:
    by_generator: dict[str, list[str]] = {}
    for v in ties_beside(case):
        by_generator.setdefault(S.beside[case.ties.at[v, "site"]], []).append(v)

    @constraint(b, list(by_generator), list(case.periods.index), list(case.snapshots.index))
    def from_the_generator_beside(b: Any, g: str, t: int, h: str) -> Any:
        """Campuses take from the generator beside them no more than it gives; the grid has the rest.

        sum_v z[v,t,h] <= p[g,t,h]
        """
        # An explanation leaves out the network: a generator gives at most what it can then.
        given = m.dispatch.output_mw[g, t, h] if case.network is not None else float(case.output_max_mw.at[g, h])
        return pyo.quicksum(b.direct_mw[v, t, h] for v in by_generator[g]) <= given


def _carbon_free(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply) -> None:
    hours = case.snapshots["hours"].to_dict()

    def least(t: int, h: str, share: float) -> Any:
        """Carbon-free supply beyond a share of what all campuses use in a snapshot [MW]."""
        return carbon_free_mw(b, case, m, S, t, h) - share * used_mw(case, m, t, h)

    @constraint(b, [t for t in case.periods.index if t in S.carbon_free_share])
    def carbon_free_over_the_year(b: Any, t: int) -> Any:
        """Over a year, at least a share of what the campuses use is carbon-free; what storage takes counts against it.

        sum_h hours[h] carbon_free_mw[t,h] >= share[t] sum_h hours[h] used_mw[t,h], with
        used_mw[t,h] = sum_v (sum_c PUE[s,c,h] j[v,c,t] - k[v,t,h] + e[v,t,h]) + sum_s b[s,t,h]
        """
        return pyo.quicksum(hours[h] * least(t, h, S.carbon_free_share[t]) for h in hours) >= 0

    @constraint(b, [t for t in case.periods.index if t in S.hourly_carbon_free_share], list(hours))
    def carbon_free_in_every_snapshot(b: Any, t: int, h: str) -> Any:
        """In every snapshot, at least a share of what the campuses use is carbon-free.

        carbon_free_mw[t,h] >= share[t] (sum_v (sum_c PUE[s,c,h] j[v,c,t] - k[v,t,h] + e[v,t,h]) + sum_s b[s,t,h])
        """
        return least(t, h, S.hourly_carbon_free_share[t]) >= 0


def carbon_free_mw(b: pyo.Block, case: Case, m: pyo.ConcreteModel, S: Supply, t: int, h: str) -> Any:
    """Carbon-free supply of all campuses in a snapshot [MW].

    Own output by its share, what storage gives less what it takes, output of a generator beside a campus where that
    emits nothing, and the grid's share of what is withdrawn.
    """
    share = S.technologies["carbon_free_share"].to_dict()
    terms = [share[q] * b.output_mw[s, q, t, h] for s, q in S.sources if share[q]]
    if h in S.ordered:
        terms += [b.discharge_mw[s, q, t, h] - b.charge_mw[s, q, t, h] for s, q in S.stores]
    clean = [v for v in ties_beside(case) if not case.generators.at[S.beside[case.ties.at[v, "site"]], _CARBON]]
    terms += [b.direct_mw[v, t, h] for v in clean]
    if S.grid_carbon_free_share:
        taken = pyo.quicksum(m.interconnection.new_load_mw[n, t, h] for n in case.ties_of_bus)
        taken -= pyo.quicksum(b.direct_mw[v, t, h] for v in ties_beside(case))
        terms.append(S.grid_carbon_free_share * taken)
    return pyo.quicksum(terms)


_CARBON = "carbon_t_per_mwh"
