"""What a search is asked for, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Parameters
    ----------
    gap : float
        Gap on what the decision can change [-].
    max_rounds : int
        Most rounds of adding rows, in the relaxation and again in the integer program.
    """

    gap: float
    max_rounds: int


@dataclass(frozen=True)
class Found:
    """The best plan, the best bound, and how it ended.

    Parameters
    ----------
    status : str
        ``optimal``, ``gap_reached``, ``limit_with_plan``, ``limit_without_plan`` or ``infeasible``.
    objective, bound : float
        Of the best secure plan (inf without one) and the best bound of all rounds [M$].
    integers : dict of column to value
        Integer columns of the best plan.
    """

    status: str
    objective: float
    bound: float
    integers: dict[int, float]
