"""All that gridsite adds to Pyomo: ledgers, constraints that must explain themselves, and tidy result tables."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import pandas as pd
import pyomo.environ as pyo

TINY = 1e-7
"""Solved values below this are solver noise and are reported as 0, in the variable's own unit (unverified: chosen as
the solver's own feasibility tolerance)."""


class Ledger:
    """A sum per key, to which any part may post terms of one unit.

    Reading a closed ledger gives a Pyomo expression; a key to which nothing was posted reads 0.
    """

    def __init__(self) -> None:
        self._terms: dict[Hashable, list[Any]] = defaultdict(list)
        self._sums: pyo.Expression | None = None

    def post(self, key: Hashable, term: Any) -> None:
        """Add `term` to the sum of `key`; refused once the ledger is closed."""
        if self._sums is not None:
            raise RuntimeError(f"ledger is closed, {key!r} came too late")
        self._terms[key].append(term)

    def so_far(self, key: Hashable) -> Any:
        """Sum of what was posted to `key` until now, 0 without any."""
        return pyo.quicksum(self._terms.get(key, []))

    def close(self) -> pyo.Expression:
        """Stop posting and return the named sums, to be put on a model."""
        sums = {key: terms[0] if len(terms) == 1 else pyo.quicksum(terms) for key, terms in self._terms.items()}
        self._sums = pyo.Expression(list(sums), initialize=sums)
        return self._sums

    def __getitem__(self, key: Hashable) -> Any:
        if self._sums is None:
            raise RuntimeError("ledger is read before it is closed")
        return self._sums[key] if key in self._terms else 0.0

    def keys(self) -> list[Hashable]:
        """Keys to which something was posted, in order of first posting."""
        return list(self._terms)


@dataclass(frozen=True)
class Ledgers:
    """The only coupling between parts; each attribute is one sum per key, its unit in its name.

    Parameters
    ----------
    cost_musd : Ledger
        Present value by (account, period) [M$].
    investment_musd : Ledger
        One-time cost committed up to and including a period, by period [M$].
    withdrawal_mw : Ledger
        New load at a bus, by (bus, period, snapshot) [MW].
    output_mw : Ledger
        Generation at a bus, by (bus, period, snapshot) [MW].
    rating_mw, rating_emergency_mw : Ledger
        Rating added to a branch, by (branch, period) [MW].
    water_m3_day : Ledger
        Water withdrawn, by (basin, period) [m3/day].
    carbon_t : Ledger
        Yearly location-based emissions of the campuses, by period [t/year].
    shortfall_mw : Ledger
        IT load that is not served, by period [MW].
    relief_mw : Ledger
        What is taken off the facility power that a tie carries, by (tie, period, snapshot) [MW].
    own_supply_mw, direct_supply_mw : Ledger
        What a campus is supplied behind its meter, by (tie, period, snapshot): by itself, and by a generator beside
        it, whose output reaches the grid as before [MW].
    dropped_mw : Ledger
        Part of what a campus draws that is dropped after any outage, by (tie, period, snapshot) [MW].
    revenue_musd : Ledger
        Present value of what served workloads earn, by period [M$].
    """

    cost_musd: Ledger = field(default_factory=Ledger)
    investment_musd: Ledger = field(default_factory=Ledger)
    withdrawal_mw: Ledger = field(default_factory=Ledger)
    output_mw: Ledger = field(default_factory=Ledger)
    rating_mw: Ledger = field(default_factory=Ledger)
    rating_emergency_mw: Ledger = field(default_factory=Ledger)
    water_m3_day: Ledger = field(default_factory=Ledger)
    carbon_t: Ledger = field(default_factory=Ledger)
    shortfall_mw: Ledger = field(default_factory=Ledger)
    relief_mw: Ledger = field(default_factory=Ledger)
    revenue_musd: Ledger = field(default_factory=Ledger)
    own_supply_mw: Ledger = field(default_factory=Ledger)
    direct_supply_mw: Ledger = field(default_factory=Ledger)
    dropped_mw: Ledger = field(default_factory=Ledger)

    def close(self, block: pyo.Block) -> None:
        """Close every ledger and put its sums on `block` under the ledger's own name."""
        for entry in fields(self):
            block.add_component(entry.name, getattr(self, entry.name).close())


def constraint(block: pyo.Block, *index: Any) -> Callable[[Callable[..., Any]], pyo.Constraint]:
    """Declare the decorated rule on `block` under its own name and docstring.

    The docstring is compulsory: one sentence a regulator can read, a blank line, then the algebra.

    Raises
    ------
    TypeError
        If the rule has no docstring.
    """

    def declare(rule: Callable[..., Any]) -> pyo.Constraint:
        doc = inspect.getdoc(rule)
        if not doc:
            raise TypeError(f"constraint {rule.__name__!r} has no docstring")
        made = pyo.Constraint(*index, rule=rule, doc=doc)
        block.add_component(rule.__name__, made)
        return made

    return declare


@dataclass(frozen=True)
class RowsOnDemand:
    """A family of constraints of which only the rows that matter are ever built."""

    block: pyo.Block
    rows: pyo.Constraint
    rule: Callable[..., Any]

    def add(self, *index: Any) -> Any:
        """Build the row of `index`, or return None where it already stands."""
        if index in self.rows:
            return None
        return self.rows.add(index, self.rule(self.block, *index))


def rows_on_demand(block: pyo.Block) -> Callable[[Callable[..., Any]], RowsOnDemand]:
    """Declare the decorated rule as a family without rows; `RowsOnDemand.add` builds them one by one.

    Raises
    ------
    TypeError
        If the rule has no docstring.
    """

    def declare(rule: Callable[..., Any]) -> RowsOnDemand:
        doc = inspect.getdoc(rule)
        if not doc:
            raise TypeError(f"constraint {rule.__name__!r} has no docstring")
        made = pyo.Constraint(pyo.Any, doc=doc)
        block.add_component(rule.__name__, made)
        return RowsOnDemand(block, made, rule)

    return declare


def tidy(keys: Iterable[str], **variables: Any) -> pd.DataFrame:
    """Solved values as a long table, one row an index.

    Tiny values are zeroed and integers rounded here, once, so that a checker sees the plan the user sees.

    Parameters
    ----------
    keys : iterable of str
        Column names of the index.
    **variables : Var or Expression
        Same index each; the keyword is the column, hence carries the unit.
    """
    columns = list(keys)
    table: dict[Any, dict[str, float]] = {}
    for name, variable in variables.items():
        for index, item in variable.items():
            table.setdefault(index, {})[name] = clean_value(item)
    rows = [(*(i if isinstance(i, tuple) else (i,)), *values.values()) for i, values in table.items()]
    return pd.DataFrame(rows, columns=[*columns, *variables])


def clean_value(item: Any) -> float:
    """Value of a variable or expression, without solver noise."""
    value = float(pyo.value(item))
    if item.is_variable_type() and item.is_integer():
        return float(round(value))
    return 0.0 if abs(value) < TINY else value
