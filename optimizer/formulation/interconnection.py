"""Interconnection: by which tie, to which point of interconnection, a site is connected.

IT load is split by tie and cooling technology, so that what a tie carries in each snapshot is data times a decision.

Symbols
-------
v[o,t]    ``in_service``   1 when tie option o serves in period t [-]
j[o,c,t]  ``it_mw``        IT load cooled by c and fed over tie o [MW]
w[n,t,h]  ``new_load_mw``  new load at point of interconnection n [MW]
PUE[s,c,h]                 facility power per IT power in snapshot h [-]
K[o]      ``capacity_mw``  firm capacity of tie o, one circuit out [MW]
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case

NEEDS = {
    "ties": ["site", "bus", "capacity_mw", "annuity_musd", "cost_musd", "ready"],
    "sites": ["block_mw", "max_blocks"],
    "cooling": ["pue_annual"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare ties and the IT load they feed; post cost, and withdrawal at the point of interconnection."""
    O, T, H = case.ties, list(case.periods.index), list(case.snapshots.index)
    fed = [(o, c) for o, s in O["site"].items() for c in case.cooling_of_site[s]]
    b.in_service = pyo.Var(list(O.index), T, domain=pyo.Binary)
    b.it_mw = pyo.Var(fed, T, domain=pyo.NonNegativeReals)
    years = case.periods["annuity_years"].to_dict()
    for o, annuity_musd, cost_musd in O[["annuity_musd", "cost_musd"]].itertuples(name=None):
        for t in T:
            ledgers.cost_musd.post(("ties", t), years[t] * annuity_musd * b.in_service[o, t])
            ledgers.investment_musd.post(t, cost_musd * b.in_service[o, t])
    b.new_load_mw = pyo.Var(list(case.ties_of_bus), T, H, domain=pyo.NonNegativeReals)
    for n, t, h in b.new_load_mw:
        ledgers.withdrawal_mw.post((n, t, h), b.new_load_mw[n, t, h])


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """One tie a built site, its firm capacity, and that it stays."""
    O, T, H = case.ties, list(case.periods.index), list(case.snapshots.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    tied = [s for s, options in case.ties_of_site.items() if options]
    rows = capacity_rows(case)

    @constraint(b, tied, T)
    def one_tie_per_site(b: Any, s: str, t: int) -> Any:
        """A built site is connected by exactly one tie, a site that is not built by none.

        sum_o v[o,t] = x[s,t]
        """
        return pyo.quicksum(b.in_service[o, t] for o in case.ties_of_site[s]) == m.siting.build[s, t]

    @constraint(b, list(O.index), T[1:])
    def tie_stays(b: Any, o: str, t: int) -> Any:
        """A tie once in service stays in service.

        v[o,t-1] <= v[o,t]
        """
        return b.in_service[o, before[t]] <= b.in_service[o, t]

    @constraint(b, [(s, c) for s in tied for c in case.cooling_of_site[s]], T)
    def ties_feed_all_it(b: Any, s: str, c: str, t: int) -> Any:
        """All IT load of a site is fed over its tie.

        sum_o j[o,c,t] = i[s,c,t]
        """
        return pyo.quicksum(b.it_mw[o, c, t] for o in case.ties_of_site[s]) == m.cooling.it_mw[s, c, t]

    pue = {key: row for key, row in zip(case.pue.index, case.pue[H].to_numpy(float).tolist(), strict=True)}
    column = {h: i for i, h in enumerate(H)}
    site_of = O["site"].to_dict()
    fed_at = {
        n: [(o, c, pue[site_of[o], c]) for o in options for c in case.cooling_of_site[site_of[o]]]
        for n, options in case.ties_of_bus.items()
    }
    # Tens of thousands of terms: from plain dictionaries, and without sums of nothing, they take a third less time.
    it_mw = dict(b.it_mw.items())
    taken_off = [ledger for ledger in (m.ledgers.relief_mw, m.ledgers.own_supply_mw) if ledger.keys()]

    @constraint(b, list(case.ties_of_bus), T, H)
    def new_load_is_fed(b: Any, n: str, t: int, h: str) -> Any:
        """The new load at a point of interconnection is what the facilities tied to it draw, less what relieves them
        and what they supply themselves.

        w[n,t,h] = sum_o (sum_c PUE[s,c,h] j[o,c,t] - relief_mw[o,t,h] - own_supply_mw[o,t,h])
        """
        drawn = pyo.quicksum(draws[column[h]] * it_mw[o, c, t] for o, c, draws in fed_at[n])
        for ledger in taken_off:
            drawn -= pyo.quicksum(ledger[o, t, h] for o in case.ties_of_bus[n])
        return b.new_load_mw[n, t, h] == drawn

    @constraint(b, list(rows), T)
    def within_firm_capacity(b: Any, o: str, h: str, t: int) -> Any:
        """A tie carries no more than its firm capacity, with one of its circuits out of service.

        sum_c PUE[s,c,h] j[o,c,t] <= K[o] v[o,t], and sum_c j[o,c,t] <= P[s] max_blocks[s] v[o,t]
        """
        factors, limit = rows[o, h]
        return pyo.quicksum(f * it_mw[o, c, t] for c, f in factors.items()) <= limit * b.in_service[o, t]


def capacity_rows(case: Case) -> dict[tuple[str, str], tuple[dict[str, float], float]]:
    """Rows that limit each tie: by snapshot where its firm capacity binds, by the site's size where it does not.

    A snapshot in which no technology draws more than in another needs no row of its own.

    Returns
    -------
    dict of (tie, snapshot or "size") to (factor by cooling technology, limit [MW])
    """
    found: dict[tuple[str, str], tuple[dict[str, float], float]] = {}
    sizes = (case.sites["block_mw"] * case.sites["max_blocks"]).to_dict()
    columns = [str(h) for h in case.pue.columns]
    pue = {key: tuple(row) for key, row in zip(case.pue.index, case.pue.to_numpy(float).tolist(), strict=True)}
    hardest = cache(lambda draws: undominated_columns(columns, draws))
    relieved = set(case.supply.sites) if case.supply is not None and case.supply.counts_as_firm else set()
    for o, s, capacity_mw in case.ties[["site", "capacity_mw"]].itertuples(name=None):
        size, cooled = float(sizes[s]), case.cooling_of_site[s]
        found[str(o), "size"] = (dict.fromkeys(cooled, 1.0), size)
        if s in relieved:
            # Own supply relieves its tie: `optimizer.formulation.supply` limits what is left.
            continue
        for h, draws in hardest(tuple(pue[s, c] for c in cooled)):
            if size * max(draws) > capacity_mw:
                found[str(o), h] = (dict(zip(cooled, draws, strict=True)), float(capacity_mw))
    return found


def undominated_columns(
    columns: Sequence[str], draws: tuple[tuple[float, ...], ...]
) -> list[tuple[str, tuple[float, ...]]]:
    """Snapshots in which some technology draws more than in every other kept snapshot, with what each draws.

    Parameters
    ----------
    columns : sequence of str
        Names of the snapshots.
    draws : tuple of tuple of float
        Facility MW per IT MW by technology and snapshot.
    """
    by_snapshot = dict(zip(columns, zip(*draws, strict=True), strict=True)) if draws else {}
    kept: list[tuple[str, tuple[float, ...]]] = []
    for h in sorted(by_snapshot, key=lambda h: (-sum(by_snapshot[h]), h)):
        if not any(all(a <= b for a, b in zip(by_snapshot[h], drawn, strict=True)) for _, drawn in kept):
            kept.append((h, by_snapshot[h]))
    return kept


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Ties in service by period, and new load by point of interconnection."""
    return {
        "tie_service": tidy(["tie", "period"], in_service=b.in_service),
        "new_load": tidy(["bus", "period", "snapshot"], new_load_mw=b.new_load_mw),
    }
