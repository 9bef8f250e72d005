"""Future by future: bounds from futures that are solved alone, and every first stage they choose tried in all.

Each future is solved with its cost weighted and with prices on the decisions of the first stage. The weights are ones
that bound the objective from below (`optimizer.solve.risk`) and the prices sum to zero over the futures, so that the
sum of what the futures reach alone bounds every plan from below. What they choose is then tried in all futures, and
excluded from the next round; so the rounds end (S. Ahmed, "A scenario decomposition algorithm for 0-1 stochastic
programs", Operations Research Letters 41(6), 2013, 565-569). `optimizer.solve.uncertain.prices` chooses the prices.
"""

from __future__ import annotations

import time

import numpy as np

from optimizer.solve.risk import Floats
from optimizer.solve.uncertain.first import FirstStage, Key, first_stage_keys
from optimizer.solve.uncertain.futures import Part, Wanted, find_part
from optimizer.solve.uncertain.plans import Plans
from optimizer.solve.uncertain.prices import Counts, Steps, counted, prices_of_counts

SEARCH_PART = 0.5
"""Share of the gap to which each future is solved in a round [-] (unverified: a choice)."""

COUNTS_HELP = 0.02
"""Share of what is missing that prices of counts must promise, else single decisions are priced [-] (unverified)."""


class Decomposition:
    """Rounds of solving every future alone.

    Parameters
    ----------
    plans : Plans
        Futures, risk and gap, with each future's own least cost; takes in plans and bounds.
    """

    def __init__(self, plans: Plans) -> None:
        self.plans, self.futures = plans, plans.futures
        self.steps = Steps(len(self.futures))
        self.by_count: list[Counts] = [{} for _ in self.futures]
        self.known: list[dict[FirstStage, float]] = [{} for _ in self.futures]
        self.counts_may_help = True
        least = zip(self.futures, plans.least_musd.tolist(), strict=True)
        self.decided = np.array([max(f.prepared.decided(musd), 0.0) for f, musd in least])

    def search(self, seconds: float) -> str:
        """Solve the futures and try what they choose until the gap is reached; return how it ended."""
        deadline = time.perf_counter() + seconds
        run = self.futures[0].run
        self._price_counts()
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
            self._price(parts, total, self.plans.bound_musd > before)
        if self.plans.best is None and np.isinf(self.plans.bound_musd) and self.plans.bound_musd > 0:
            return "infeasible"
        return "done" if self.plans.is_done else "limit"

    def _weights(self) -> Floats:
        best = self.plans.best
        return self.plans.risk.weights(self.plans.least_musd if best is None else best.costs_musd)

    def _parts(self) -> list[Part]:
        gap, seen, weights = SEARCH_PART * self.plans.gap, list(self.plans.seen), self._weights().tolist()
        parts = []
        for i, future in enumerate(self.futures):
            prices = self._prices(i)
            part = find_part(future, Wanted(gap, None, seen, weights[i], prices, weights[i] * float(self.decided[i])))
            if part.has_plan and weights[i] > 0:
                paid = sum(prices.get(key, 0.0) for key in part.chosen)
                self.known[i][part.chosen] = (part.found.objective - paid) / weights[i]
            parts.append(part)
        return parts

    def _prices(self, i: int) -> dict[Key, float]:
        """Prices of single decisions of one future, those of their counts included."""
        found = dict(self.steps.prices[i])
        by_count = self.by_count[i]
        if any(by_count.values()):
            case, early = self.futures[i].case, self.futures[i].early
            for key in first_stage_keys(case, early):
                counted_with = counted(key)
                if counted_with is not None and by_count.get(counted_with):
                    found[key] = found.get(key, 0.0) + by_count[counted_with]
        return found

    def _price(self, parts: list[Part], total: float, is_better: bool) -> None:
        if self.counts_may_help:
            self._price_counts()
        if not self.counts_may_help:
            missing = self.plans.objective_musd - total
            self.steps.move([p.chosen for p in parts], missing, is_better)

    def _price_counts(self) -> None:
        """Choose prices of counts; where they cannot raise the bound any more, leave them as they are."""
        for chosen, made in self.plans.seen.items():
            for i, cost in enumerate(made.costs_musd.tolist()):
                if np.isfinite(cost):
                    self.known[i][chosen] = cost
        missing = self.plans.objective_musd - self.plans.bound_musd
        if not np.isfinite(missing) or not all(self.known):
            return
        chosen_prices, reach = prices_of_counts(self.known, self._weights(), max(missing, 0.0))
        self.counts_may_help = reach > self.plans.bound_musd + COUNTS_HELP * missing
        if self.counts_may_help:
            self.by_count = chosen_prices
