"""Variables by which limits give way, by limit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pyomo.environ as pyo

from optimizer.solve.explain.limit import Limit


@dataclass(frozen=True)
class Slack:
    """A variable by which a limit gives way.

    Parameters
    ----------
    variable : Var
        Its upper bound is how far the limit can give way at most.
    weight : float
        Unit of the limit per unit of the variable.
    """

    variable: Any
    weight: float = 1.0


@dataclass
class Slacks:
    """All slack variables of a model, by limit, in the order in which they were made."""

    block: pyo.Block
    by_limit: dict[Limit, list[Slack]] = field(default_factory=dict)

    def make(self, limit: Limit, key: Any, weight: float = 1.0, most: float | None = None) -> Any:
        """A new variable by which a limit gives way."""
        variable = self.block.slack[limit, key]
        variable.setub(most)
        variable.set_value(0.0)
        self.by_limit.setdefault(limit, []).append(Slack(variable, weight))
        return variable

    def one(self, limit: Limit, weight: float = 1.0, most: float | None = None) -> Any:
        """The one variable of a limit, made the first time it is asked for."""
        made = self.by_limit.get(limit)
        return self.make(limit, 0, weight, most) if made is None else made[0].variable

    def close(self, rules: Collection[str]) -> None:
        """Let no limit of other rules give way: what is 0 is no column of a program in few."""
        for limit, slacks in self.by_limit.items():
            for slack in slacks if limit.rule not in rules else ():
                slack.variable.setub(0.0)
