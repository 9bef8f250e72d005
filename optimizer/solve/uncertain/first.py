"""First stage: what is decided before the future is known, in the program of one future.

Sites and when they are built, their ties and cooling, supply on site with its gas lines, and the upgrades planned to
serve in the early periods. An upgrade that comes late in a future is still the same decision: it serves as planned or,
where its lead time has not run, as soon as it has. What grows with a campus follows its size, which comes after:
contract demand, firm or not, and backup.

Most decisions are yes or no. How much supply there is is an amount, and a first stage has it as a key with its value.

Symbols
-------
z[u,t]  ``in_service``  1 when upgrade u serves in period t of this future [-]
e[u,t]  ``planned``     1 when upgrade u is planned to serve by early period t, where it cannot yet in this future [-]
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import constraint
from optimizer.solve.highs_model import HighsModel
from optimizer.study.case import Case

Key = tuple[str, str, str]
"""A decision of the first stage: its kind, what it is about, and the period or the technology of cooling."""

FirstStage = frozenset[Key]
"""The decisions that are taken; all others are not."""

Place = tuple[str, str, str, int]
"""What an amount is of: its kind, the site, the technology and the period."""

AMOUNTS = {"supply": "capacity_mw", "storage": "energy_mwh"}
"""Kinds of amounts, and the variable of supply that each is."""

DECIMALS = 6
"""Decimals of an amount [MW or MWh]; every future is held to it within one of the last."""


@dataclass(frozen=True)
class Early:
    """What of the upgrades is decided early.

    Parameters
    ----------
    periods : tuple of int
        Early periods [year].
    ready : Series, index ``upgrade``
        First year in which each can serve if nothing delays it [year].
    """

    periods: tuple[int, ...]
    ready: pd.Series


def add_first_stage(m: pyo.ConcreteModel, case: Case, early: Early) -> None:
    """Add ``m.first`` to a composed model: plans of upgrades that this future delays, and what becomes of them."""
    b = m.first = pyo.Block()
    upgrades = case.upgrades if case.network is not None else case.upgrades.iloc[:0]
    late = [
        (u, t)
        for u, ready in upgrades["ready"].items()
        for t in early.periods
        if float(early.ready[u]) <= t < float(ready)
    ]
    b.planned = pyo.Var(late, domain=pyo.Binary)
    after = dict(zip(early.periods[:-1], early.periods[1:], strict=True))

    @constraint(b, [(u, t) for u, t in late if t in after])
    def plan_stays(b: Any, u: str, t: int) -> Any:
        """An upgrade planned to serve by a period is planned to serve by the next one.

        e[u,t] <= e[u,t+1], and z[u,t+1] in place of it where the upgrade can serve
        """
        following = (u, after[t])
        return b.planned[u, t] <= (b.planned[following] if following in b.planned else m.upgrades.in_service[following])

    late_starts = _late_starts(case, early, late)

    @constraint(b, list(late_starts))
    def planned_serves_when_ready(b: Any, u: str) -> Any:
        """An upgrade that was planned early and comes late serves as soon as it is ready.

        z[u,t] >= e[u,early]  for the first t >= ready[u]
        """
        return m.upgrades.in_service[u, late_starts[u]] >= b.planned[u, early.periods[-1]]

    unpriced = [(u, t) for u, row in upgrades.iterrows() for t in early.periods if not row.annuity_musd]

    @constraint(b, unpriced)
    def has_a_column(b: Any, u: str, t: int) -> Any:
        """An upgrade without cost is decided too, though nothing may ask for it yet.

        z[u,t] <= 1
        """
        return m.upgrades.in_service[u, t] <= 1


def _late_starts(case: Case, early: Early, late: Iterable[tuple[str, int]]) -> dict[str, int]:
    """First later period in which each upgrade can serve that cannot in the last early one, though planned to."""
    found = {}
    for u in (u for u, t in late if t == early.periods[-1]):
        able = [t for t in case.periods.index if t > early.periods[-1] and t >= float(case.upgrades.at[u, "ready"])]
        if able:
            found[u] = able[0]
    return found


def first_stage_keys(case: Case, early: Early) -> list[Key]:
    """Sites by period and early upgrades: the decisions of the first stage that may be priced by their number."""
    keys: list[Key] = [("build", str(s), str(t)) for s in case.sites.index for t in case.periods.index]
    if case.network is not None:
        can = ((u, t) for u in case.upgrades.index for t in early.periods if float(early.ready[u]) <= t)
        keys += [("upgrade", str(u), str(t)) for u, t in can]
    return keys


def first_stage_variables(m: pyo.ConcreteModel, case: Case, early: Early) -> dict[Key, Any]:
    """Variables of the first stage in a model that `add_first_stage` has seen; the same keys in every future."""
    found: dict[Key, Any] = {}
    for (s, t), variable in m.siting.build.items():
        found["build", str(s), str(t)] = variable
    for (o, t), variable in m.interconnection.in_service.items():
        found["tie", str(o), str(t)] = variable
    for (s, c), variable in m.cooling.chosen.items():
        found["cooling", str(s), str(c)] = variable
    if case.supply is not None:
        for (s, t), variable in m.supply.gas_line.items():
            found["gas line", str(s), str(t)] = variable
    if case.network is not None:
        planned, serves = m.first.planned, m.upgrades.in_service
        for u in case.upgrades.index:
            for t in (t for t in early.periods if float(early.ready[u]) <= t):
                found["upgrade", str(u), str(t)] = planned[u, t] if (u, t) in planned else serves[u, t]
    return found


def amount_variables(m: pyo.ConcreteModel, case: Case) -> dict[Place, Any]:
    """Variables of amounts that are decided before the future is known: supply on site and what it stores."""
    if case.supply is None:
        return {}
    return {
        (kind, str(s), str(q), int(t)): variable
        for kind, name in AMOUNTS.items()
        for (s, q, t), variable in m.supply.component(name).items()
    }


def amounts(values: Mapping[Place, float]) -> FirstStage:
    """Keys of amounts that are not 0."""
    rounded = {place: round(value, DECIMALS) for place, value in values.items()}
    return frozenset(
        (kind, json.dumps([s, q, t]), repr(value)) for (kind, s, q, t), value in rounded.items() if value > 0
    )


def amounts_of(chosen: FirstStage) -> dict[Place, float]:
    """Amounts of a first stage by what they are of [MW or MWh]."""
    return {(kind, *json.loads(what)): float(value) for kind, what, value in chosen if kind in AMOUNTS}


def without_amounts(chosen: FirstStage) -> FirstStage:
    """Decisions that are yes or no."""
    return frozenset(key for key in chosen if key[0] not in AMOUNTS)


def hold_amounts(variables: Mapping[Place, Any], chosen: FirstStage) -> None:
    """Hold amounts at those of a first stage, within a last decimal."""
    held = amounts_of(chosen)
    for place, variable in variables.items():
        value = held.get(place, 0.0)
        most = variable.ub if variable.ub is not None else value
        variable.setlb(min(max(0.0, value - 10.0**-DECIMALS), most))
        variable.setub(min(value + 10.0**-DECIMALS, most) if value else 0.0)


def taken(variables: Mapping[Key, Any], highs: HighsModel, integers: Mapping[int, float]) -> FirstStage:
    """Read the first stage from the whole decisions of a plan."""
    columns = {key: highs.column(v) for key, v in variables.items() if highs.has(v)}
    return frozenset(key for key, column in columns.items() if integers.get(column, 0.0) > 0.5)


def without_idle_plans(m: pyo.ConcreteModel, variables: Mapping[Key, Any], chosen: FirstStage) -> FirstStage:
    """Leave out plans of upgrades that a future gives no use, since they come too late in it."""
    idle = {id(v) for v in m.first.planned.values()}
    return frozenset(key for key in chosen if key not in variables or id(variables[key]) not in idle)


def fixing(chosen: FirstStage) -> Callable[[Mapping[Key, Any]], None]:
    """Return what holds the variables of a model at a first stage, by their bounds."""

    def hold(variables: Mapping[Key, Any]) -> None:
        for key, variable in variables.items():
            value = 1.0 if key in chosen else 0.0
            variable.setlb(value)
            variable.setub(value)

    return hold


def exclude(m: pyo.ConcreteModel, variables: Mapping[Key, Any], known: Collection[FirstStage]) -> None:
    """Add ``m.other_than``, which keeps the first stage apart from others.

    Parameters
    ----------
    m : ConcreteModel
        Of one future.
    variables : mapping of key to variable
        As `first_stage_variables`.
    known : collection of FirstStage
        Those that shall not come again.
    """
    b, listed = pyo.Block(), list(known)
    m.other_than = b

    @constraint(b, range(len(listed)))
    def another_first_stage(b: Any, i: int) -> Any:
        """At least one decision of the first stage is another one than in a plan that is known.

        sum_{k taken in i} (1 - x[k]) + sum_{k not taken in i} x[k] >= 1
        """
        return pyo.quicksum(1 - v if key in listed[i] else v for key, v in variables.items()) >= 1
