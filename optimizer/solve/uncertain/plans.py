"""Plans under all futures: what a first stage costs in each, how good it may be, and the best of those seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from optimizer.solve.money import gap_of
from optimizer.solve.risk import Floats, Risk
from optimizer.solve.uncertain.first import FirstStage
from optimizer.solve.uncertain.futures import Future, Part, Wanted, find_part

PART_OF_GAP = 0.25
"""Share of the study's gap to which a plan with a fixed first stage is proven in each future; the rest is left for the
choice of the first stage [-] (unverified: a choice)."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A first stage under the futures.

    Parameters
    ----------
    chosen : FirstStage
        The first stage.
    costs_musd : ndarray, shape (n_future,)
        Cost of the best plan found with it in each future; infinite where there is none, or none was found [M$].
    bounds_musd : ndarray, shape (n_future,)
        What no plan with it costs less than; infinite where there is certainly none [M$].
    parts : tuple of Part
        The plans, one for each future that was looked at.
    """

    chosen: FirstStage
    costs_musd: Floats
    bounds_musd: Floats
    parts: tuple[Part, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every future was looked at."""
        return len(self.parts) == len(self.costs_musd)


@dataclass(eq=False)
class Plans:
    """First stages looked at so far, and what is proven of all.

    Parameters
    ----------
    futures : tuple of Future
        The futures.
    risk : Risk
        How costs become one figure.
    gap : float
        Gap asked for [-].
    """

    futures: tuple[Future, ...]
    risk: Risk
    gap: float
    least_musd: Floats = field(init=False)
    seen: dict[FirstStage, Evaluation] = field(init=False, default_factory=dict)
    best: Evaluation | None = field(init=False, default=None)
    bound_musd: float = field(init=False, default=-np.inf)

    def __post_init__(self) -> None:
        self.least_musd = np.full(len(self.futures), -np.inf)

    @property
    def objective_musd(self) -> float:
        """Objective of the best plan, infinite without one [M$]."""
        return np.inf if self.best is None else self.risk.of(self.best.costs_musd)

    def decided_musd(self, objective: float) -> float:
        """Return what the decision can change of an objective: D of the gap [M$]."""
        if any(f.case.tariffs is not None for f in self.futures):
            return abs(objective)
        given = np.array([f.prepared.baseline_musd + f.prepared.common_musd for f in self.futures])
        return objective - self.risk.of(given)

    @property
    def reached(self) -> float:
        """Gap reached, infinite without a plan [-]."""
        objective = self.objective_musd
        if not np.isfinite(objective):
            return np.inf
        return gap_of(objective, self.bound_musd, self.decided_musd(objective))

    @property
    def is_done(self) -> bool:
        """Whether the gap asked for is reached."""
        return self.reached <= self.gap

    def know_least(self, bounds_musd: Sequence[float]) -> None:
        """Take in what no plan costs less than in each future: a bound for the plans of all futures too."""
        self.least_musd = np.maximum(self.least_musd, bounds_musd)
        self.raise_bound(self.risk.of(self.least_musd))

    def raise_bound(self, bound_musd: float) -> None:
        """Take in a proven bound; the best of all is kept, and none is above the best plan."""
        self.bound_musd = min(max(self.bound_musd, bound_musd), self.objective_musd)

    def evaluate(self, chosen: FirstStage, ceiling_musd: float = np.inf, gap: float | None = None) -> Evaluation:
        """Find what a first stage costs in every future.

        Parameters
        ----------
        chosen : FirstStage
            The first stage.
        ceiling_musd : float
            Stop as soon as its objective is certainly not below this [M$].
        gap : float, optional
            Gap to prove in each future; default a part of that of the study [-].
        """
        gap = PART_OF_GAP * self.gap if gap is None else gap
        costs, bounds = np.full(len(self.futures), np.inf), self.least_musd.copy()
        parts: list[Part] = []
        for i, future in enumerate(self.futures):
            part = find_part(future, Wanted(gap, fixed=chosen))
            parts.append(part)
            costs[i] = part.found.objective
            none = part.found.status == "infeasible"
            bounds[i] = np.inf if none else max(bounds[i], min(part.found.bound, costs[i]))
            if ceiling_musd < np.inf and self.risk.of(bounds) >= ceiling_musd:
                break
        made = Evaluation(chosen, costs, bounds, tuple(parts))
        self.seen[chosen] = made
        if self.best is None or self.risk.of(costs) < self.objective_musd:
            self.best = made if np.isfinite(costs).all() else self.best
        return made

    def least_of_seen(self) -> float:
        """Return what no plan with a first stage seen so far has an objective below [M$]."""
        return min((self.risk.of(e.bounds_musd) for e in self.seen.values()), default=np.inf)
