"""The highest launch price at which a plan of least cost uses capacity in orbit.

The least cost V is a concave, increasing function of the launch price p, linear in the mass that a plan launches, and
never above V0, that of the best plan without orbit. The best plan at some price breaks even with V0 at

    p' = p + (V0 - V(p)) / K    [$/kg]

where K is what one dollar per kg adds to its cost [M$ per $/kg]. From a free launch on, the program is solved again at
p' until its least cost there is V0. A plan with orbit is then worth V0 at that price and none is above it, which two
more solves, one on either side, confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optimizer.progress import silent
from optimizer.solve.goal import Goal
from optimizer.solve.lexicographic import search
from optimizer.solve.money import GAP_ZERO_RELATIVE, common_musd
from optimizer.solve.prepared import Prepared, Run
from optimizer.study.case import Case
from optimizer.study.orbit import MUSD_PER_MW, ORBITAL, launch_kg_per_kw, yearly_launch_musd_per_mw
from optimizer.study.study import Study

SIDE = 1e-3
"""Share of the price by which it is confirmed on either side [-]."""

MOST_SOLVES = 30
"""Solves after which the search is given up (unverified: each needs a plan that launches less than the last)."""

MOST_USD_PER_KG = 1e6
"""A price above this is no price: orbit is then needed whatever it costs [$/kg]."""


@dataclass(frozen=True)
class _At:
    """Least cost at a price, and what a dollar per kg adds to that plan's [M$, M$ per $/kg]."""

    cost_musd: float
    slope: float


def break_even_usd_per_kg(study: Study, prepared: Prepared) -> float | None:
    """Find the launch price at which orbit breaks even with the best plan without it.

    Parameters
    ----------
    study : Study
        With ``[orbit]``, minimizing its cost or maximizing its net present value.
    prepared : Prepared
        What its own search started from.

    Returns
    -------
    float or None
        Price [$/kg]; ``None`` where no plan uses orbit even if launches are free, where every plan needs it, or where
        the solves of the study's time limit did not confirm one.
    """
    trial = _Trial(study, prepared)
    without = trial.solve(None)
    if without is None:
        return None
    price = 0.0
    for _ in range(MOST_SOLVES):
        here = trial.solve(price)
        if here is None:
            return None
        if here.cost_musd >= without.cost_musd - _tie(without.cost_musd) or here.slope <= 0:
            return price if price > 0 and trial.confirmed(price, without.cost_musd) else None
        price += (without.cost_musd - here.cost_musd) / here.slope
        if price > MOST_USD_PER_KG:
            return None
    return None


def _tie(cost: float) -> float:
    """Costs nearer than this are the same: each is proven to half of it [M$]."""
    return 2 * GAP_ZERO_RELATIVE * max(1.0, abs(cost))


class _Trial:
    """Solves of one study at other launch prices, within one time limit."""

    def __init__(self, study: Study, prepared: Prepared) -> None:
        self.study, self.prepared = study, prepared
        self.run = Run(study, silent)
        self.in_orbit = (prepared.case.sites["kind"] == ORBITAL).to_numpy()
        self.size_mw = np.where(self.in_orbit, prepared.case.sites["block_mw"].to_numpy(float), 0.0)

    def confirmed(self, price: float, without_musd: float) -> bool:
        """Whether orbit is used just below a price and worth nothing just above it."""
        below, above = self.solve((1 - SIDE) * price), self.solve((1 + SIDE) * price)
        if below is None or above is None:
            return False
        used = below.slope > 0 and below.cost_musd < without_musd
        return used and above.cost_musd >= without_musd - _tie(without_musd)

    def solve(self, price: float | None) -> _At | None:
        """Least cost at a price, without orbit for ``None``; ``None`` without a proven plan."""
        case = self._case(price)
        settings = self.study.config.study
        order = [settings.objective if settings.objective == "net_present_value" else "cost"]
        prepared = replace(self.prepared, case=case, common_musd=common_musd(case))
        found = search(self.run, prepared, order, Goal(), gap=0.0)
        if found.status != "optimal":
            return None
        model, highs = found.program.model, found.program.highs
        blocks = np.array(
            [
                [found.integers[highs.column(model.siting.blocks[s, t])] for t in case.periods.index]
                for s in case.sites.index
            ]
        )
        yearly = yearly_launch_musd_per_mw(self.study.config, self.study.yearly_factor)
        launched = self.size_mw @ blocks @ case.periods["annuity_years"].to_numpy(float)
        return _At(float(found.values[order[0]]), yearly * float(launched))

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
