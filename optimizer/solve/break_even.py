"""The highest launch price at which a plan of least cost uses capacity in orbit.

The least cost V is a concave, increasing function of the launch price p, linear in the mass that a plan launches, and
never above V0, that of the best plan without orbit. A plan of cost C at some price breaks even with V0 at

    p' = p + (V0 - C) / K    [$/kg]

where K is what one dollar per kg adds to its cost [M$ per $/kg]. So at every price below p' it is better than any plan
without orbit. The program is solved again at p' until no plan is cheaper there than V0: as V increases with the price,
none is at any price above. The first is proven by the plan before and the second by the last solve, so that the price
needs no solves on either side of it. The search is that of W. Dinkelbach, On Nonlinear Fractional Programming, 1967: it
begins with the better of the study's own plan and the best one of least capacity in orbit, since each kg is worth less
than the one before where orbit takes the place of the dearest first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.errors import Finding
from optimizer.progress import silent
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import Searched, search
from optimizer.solve.money import GAP_ZERO_RELATIVE, common_musd
from optimizer.solve.prepared import Prepared, Run
from optimizer.solve.start import Start
from optimizer.study.case import Case
from optimizer.study.orbit import MUSD_PER_MW, ORBITAL, launch_kg_per_kw, yearly_launch_musd_per_mw
from optimizer.study.study import Study

MOST_SOLVES = 30
"""Solves after which the search is given up (unverified: each needs a plan that launches less than the last)."""

MOST_USD_PER_KG = 1e6
"""A price above this is no price: orbit is then needed whatever it costs [$/kg]."""


@dataclass(frozen=True)
class BreakEven:
    """What is known of the launch price at which orbit breaks even.

    Parameters
    ----------
    usd_per_kg : float or None
        The price; ``None`` where no plan uses orbit even if launches are free, where every plan needs it, or where the
        solves of the study's time limit did not confirm one [$/kg].
    at_least_usd_per_kg : float
        A price up to which orbit is proven to be worth it where the price itself is not confirmed; 0 without one
        [$/kg].
    """

    usd_per_kg: float | None
    at_least_usd_per_kg: float = 0.0

    def findings(self) -> list[Finding]:
        """What is known where the price itself was not confirmed."""
        if not self.at_least_usd_per_kg:
            return []
        text = "the launch price at which orbit breaks even was not confirmed; it is at least this"
        found, remedy = f"{self.at_least_usd_per_kg:.6g} $/kg", "raise solve.time_limit_s"
        return [Finding("solve.orbit.break_even", "orbit.break_even", text, found, remedy, "warning")]


@dataclass(frozen=True)
class _At:
    """A plan at a price: its cost, what a dollar per kg adds to it, and whether none is cheaper [M$, M$ per $/kg]."""

    cost_musd: float
    slope: float
    is_least: bool


def break_even(study: Study, prepared: Prepared, searched: Searched, start: Start) -> BreakEven:
    """Find the launch price at which orbit breaks even with the best plan without it.

    Parameters
    ----------
    study : Study
        With ``[orbit]``, minimizing its cost or maximizing its net present value.
    prepared : Prepared
        What its own search started from.
    searched : Searched
        Its own plan, at its own launch price.
    start : Start
        What that plan left, to begin with.
    """
    trial = _Trial(study, prepared, start)
    own = trial.known(searched)
    without = own if own.slope == 0 and own.is_least else trial.solve(None, 0.0)
    if without is None or not without.is_least:
        return BreakEven(None)
    most = without.cost_musd
    assert study.config.orbit is not None
    small = trial.solve(0.0, study.config.solve.gap, is_small=True)
    plans = [(study.config.orbit.launch_usd_per_kg, own), *([] if small is None else [(0.0, small)])]
    price = max([0.0, *(p + (most - plan.cost_musd) / plan.slope for p, plan in plans if plan.slope > 0)])
    for _ in range(MOST_SOLVES):
        if price > MOST_USD_PER_KG:
            return BreakEven(None)
        here = trial.solve(price, 0.0)
        if here is None or not here.is_least:
            break
        if here.slope <= 0 or here.cost_musd >= most - _tie(most):
            return BreakEven(price if price > 0 else None)
        price += (most - here.cost_musd) / here.slope
    return BreakEven(None, price)


def _tie(cost: float) -> float:
    """Costs nearer than this are the same: each is proven to half of it [M$]."""
    return 2 * GAP_ZERO_RELATIVE * max(1.0, abs(cost))


class _Trial:
    """Solves of one study at other launch prices, each begun with what its own plan left, within one time limit."""

    def __init__(self, study: Study, prepared: Prepared, start: Start) -> None:
        self.study, self.prepared = study, replace(prepared, start=start)
        self.run = Run(study, silent)
        settings = study.config.study
        self.minimized = settings.objective if settings.objective == "net_present_value" else "cost"
        self.in_orbit = (prepared.case.sites["kind"] == ORBITAL).to_numpy()
        self.size_mw = np.where(self.in_orbit, prepared.case.sites["block_mw"].to_numpy(float), 0.0)

    def solve(self, price: float | None, gap: float, is_small: bool = False) -> _At | None:
        """Least cost at a price to a gap; ``None`` where that is not reached.

        Without orbit where the price is ``None``, and on request with the fewest blocks of each site in orbit.
        """
        case = self._with_fewest(self._case(price)) if is_small else self._case(price)
        prepared = replace(self.prepared, case=case, common_musd=common_musd(case))
        found = search(self.run, prepared, [self.minimized], Goal(), gap=gap)
        if found.status not in ("optimal", "gap_reached"):
            return None
        return self.known(found)

    def known(self, found: Searched) -> _At:
        """What is known of a plan."""
        return _At(float(found.values[self.minimized]), self._slope(found), found.status == "optimal")

    def _slope(self, found: Searched) -> float:
        """What a dollar per kg adds to the cost of a plan [M$ per $/kg]."""
        case, model, highs = self.prepared.case, found.program.model, found.program.highs
        years = case.periods["annuity_years"].to_dict()
        launched = sum(
            years[t] * mw * found.integers[highs.column(model.siting.blocks[s, t])]
            for s, mw in zip(case.sites.index, self.size_mw, strict=True)
            for t in years
            if mw
        )
        return yearly_launch_musd_per_mw(self.study.config, self.study.yearly_factor) * float(launched)

    def _with_fewest(self, case: Case) -> Case:
        fewest = case.sites["min_blocks"].clip(lower=1, upper=case.sites["max_blocks"])
        return replace(case, sites=case.sites.assign(max_blocks=case.sites["max_blocks"].mask(self.in_orbit, fewest)))

    def _case(self, price: float | None) -> Case:
        case, config = self.prepared.case, self.study.config
        assert config.orbit is not None
        if price is None:
            most = case.sites["max_blocks"].where(~self.in_orbit, 0)
            return replace(case, sites=case.sites.assign(max_blocks=most))
        change = (price - config.orbit.launch_usd_per_kg) * self.size_mw
        yearly = change * yearly_launch_musd_per_mw(config, self.study.yearly_factor)
        once = change * MUSD_PER_MW * launch_kg_per_kw(config.orbit)
        sites = case.sites.assign(
            block_annuity_musd=case.sites["block_annuity_musd"] + yearly,
            block_cost_musd=case.sites["block_cost_musd"] + once,
        )
        return replace(case, sites=sites)
