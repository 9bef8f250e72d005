"""Future by future: bounds from futures that are solved alone, and every first stage they choose tried in all.

Each future is solved with its cost weighted and with prices on the decisions of the first stage. The weights are ones
that bound the objective from below (`optimizer.solve.risk`) and the prices sum to zero over the futures, so that the
sum of what the futures reach alone bounds every plan from below. What they choose is then tried in all futures, and
excluded from the next round; so the rounds end (S. Ahmed, "A scenario decomposition algorithm for 0-1 stochastic
programs", Operations Research Letters 41(6), 2013, 565-569). Prices move against what a future decides beyond the mean.
"""

from __future__ import annotations

import time

import numpy as np

from optimizer.solve.uncertain_first import FirstStage, Key
from optimizer.solve.uncertain_futures import Part, Wanted, find_part
from optimizer.solve.uncertain_plans import Plans

SEARCH_PART = 0.5
"""Share of the gap to which each future is solved in a round [-] (unverified: a choice)."""

PATIENCE = 2
"""Rounds without a better bound after which the steps of the prices are halved (unverified: the usual rule)."""

STEP = 1.0
"""First step of the prices, as a share of the step that would close the gap if all else stayed (unverified)."""


class Decomposition:
    """Rounds of solving every future alone.

    Parameters
    ----------
    plans : Plans
        Futures, risk and gap, with each future's own least cost; takes in plans and bounds.
    """

    def __init__(self, plans: Plans) -> None:
        self.plans, self.futures = plans, plans.futures
        self.prices: list[dict[Key, float]] = [{} for _ in self.futures]
        self.step, self.without = STEP, 0
        own = np.array([f.prepared.baseline_musd + f.prepared.common_musd for f in self.futures])
        self.decided = np.maximum(plans.least_musd - own, 0.0)

    def search(self, seconds: float) -> str:
        """Solve the futures and try what they choose until the gap is reached; return how it ended."""
        deadline = time.perf_counter() + seconds
        run = self.futures[0].run
        for number in range(1, run.study.config.solve.max_rounds + 1):
            if self.plans.is_done or time.perf_counter() > deadline:
                break
            parts = self._parts()
            # Where a future has no other first stage left, neither has the study.
            is_over = any(p.found.status == "infeasible" for p in parts)
            total = np.inf if is_over else sum(p.found.bound for p in parts)
            before = self.plans.bound_musd
            self.plans.raise_bound(min(total, self.plans.least_of_seen()))
            for chosen in dict.fromkeys(p.chosen for p in parts if p.has_plan):
                if time.perf_counter() > deadline:
                    break
                self.plans.evaluate(chosen, self.plans.objective_musd)
            run.log(
                f"by future, round {number}: plan {self.plans.objective_musd:.4f} M$, "
                f"bound {self.plans.bound_musd:.4f} M$, {len(self.plans.seen)} first stages tried"
            )
            if is_over:
                break
            self._move(parts, total, self.plans.bound_musd > before)
        if self.plans.best is None and np.isinf(self.plans.bound_musd) and self.plans.bound_musd > 0:
            return "infeasible"
        return "done" if self.plans.is_done else "limit"

    def _parts(self) -> list[Part]:
        best = self.plans.best
        weights = self.plans.risk.weights(self.plans.least_musd if best is None else best.costs_musd)
        gap, known = SEARCH_PART * self.plans.gap, list(self.plans.seen)
        asked = (
            Wanted(gap, None, known, weight, prices, weight * decided)
            for weight, prices, decided in zip(weights.tolist(), self.prices, self.decided.tolist(), strict=True)
        )
        return [find_part(future, wanted) for future, wanted in zip(self.futures, asked, strict=True)]

    def _move(self, parts: list[Part], total: float, is_better: bool) -> None:
        """Raise the price of what a future decides and others do not; lower that of what it does not and others do."""
        self.without = 0 if is_better else self.without + 1
        if self.without >= PATIENCE:
            self.step, self.without = self.step / 2, 0
        shares = _shares([p.chosen for p in parts])
        apart = [{k: (k in p.chosen) - share for k, share in shares.items()} for p in parts]
        length = sum(x * x for one in apart for x in one.values())
        missing = self.plans.objective_musd - total
        if length <= 0 or not np.isfinite(missing) or missing <= 0:
            return
        step = self.step * missing / length
        for prices, one in zip(self.prices, apart, strict=True):
            for key, x in one.items():
                prices[key] = prices.get(key, 0.0) + step * x


def _shares(chosen: list[FirstStage]) -> dict[Key, float]:
    """Share of the futures that take each decision, of those that not all take alike."""
    keys = sorted(frozenset().union(*chosen))
    shares = {key: sum(key in one for one in chosen) / len(chosen) for key in keys}
    return {key: share for key, share in shares.items() if share < 1.0}
