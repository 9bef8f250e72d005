"""What campuses pay for power, recomputed from contract demand, energy taken and the study's tariffs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optimizer.layers.jurisdictions import split_names
from optimizer.plan.verify_context import CONNECTED_KINDS, Context, remembered
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_service import dropped_mw, hours, moved_mw
from optimizer.plan.verify_supply import own_mwh
from optimizer.units import HOURS_PER_YEAR, USD_PER_MUSD

if TYPE_CHECKING:
    from optimizer.config import TariffSettings

HOURS_IN_MONTHS = 12_000.0 / USD_PER_MUSD
"""M$ a year per MW for 1 $/kW-month: 1,000 kW and 12 months."""

ACCOUNTS = ("energy", "demand charge", "minimum take", "deposit", "tax")
"""Accounts of the developer's cost."""


def is_developer(context: Context) -> bool:
    """Whether the cost is the developer's."""
    return context.study.config.study.perspective == "developer" and context.has_demand


def tariff_at(context: Context, place: str) -> TariffSettings | None:
    """The tariff of a jurisdiction, else of the smallest that holds it, else that of any."""
    given, known = context.study.config.service, context.study.rules.jurisdictions
    named = {} if given is None else {one.jurisdiction: one for one in given.tariff}
    if place in named:
        return named[place]
    meant = {text: known.named(text) for text in named}
    inside = known.closure([code for text in split_names(place) for code in known.named(text)])
    found = [
        (len(known.closure(meant[text])), one)
        for text, one in named.items()
        if len(meant[text]) == 1 and meant[text][0] in inside
    ]
    return max(found, key=lambda pair: pair[0])[1] if found else named.get("any")


def places(context: Context) -> list[str]:
    """Jurisdiction of each row of ``placed``."""
    return [str(place) for place in context.placed["jurisdiction"].fillna("")]


def network_share(context: Context) -> float:
    """Share of the cost of upgrades and circuits that counts: the developer's, or all of it [-]."""
    if context.study.config.study.perspective != "developer":
        return 1.0
    sites = context.case.sites
    every = sites.loc[sites["kind"].isin(CONNECTED_KINDS), "jurisdiction"].fillna("").astype(str)
    paying = [tariff_at(context, place) for place in sorted(set(every))]
    return max((one.upgrade_cost_share for one in paying if one is not None), default=0.0)


@remembered
def contract_mw(context: Context) -> Floats:
    """Contract demand of each row of ``placed`` [MW]."""
    return np.asarray(context.facility_mw[context.snapshots].to_numpy(float).max(axis=1, initial=0.0))


def chooses(context: Context) -> np.ndarray:
    """Whether each row of ``placed`` chooses its non-firm demand: where that costs the developer less."""
    found = [tariff_at(context, place) for place in places(context)]
    cheaper = [one is not None and one.non_firm_usd_per_kw_month < one.demand_usd_per_kw_month for one in found]
    return (
        np.array(cheaper, dtype=bool) & context.on_grid & (is_developer(context) and context.case.service is not None)
    )


@remembered
def non_firm_mw(context: Context) -> Floats:
    """Non-firm contract demand of each row of ``placed``: what is chosen, else the least that is needed [MW]."""
    least = (moved_mw(context)["curtailed_mw"] + dropped_mw(context)).max(axis=1, initial=0.0)
    stated = context.table("service_years").set_index(["site", "period"])["non_firm_mw"].to_dict()
    rows = context.placed[["site", "period"]].itertuples(index=False, name=None)
    chosen = np.array([float(stated.get(key, 0.0)) for key in rows])
    return np.asarray(np.where(chooses(context), chosen, least))


@remembered
def taken_mwh(context: Context) -> Floats:
    """Energy of a year that each row of ``placed`` takes at its tariff [MWh]."""
    rows, moved = context.placed, moved_mw(context)
    used = rows["it_mw"] * rows["pue_annual"] * rows["utilization"].astype(float) * HOURS_PER_YEAR
    less = (moved["curtailed_mw"] - moved["recovered_mw"]) @ hours(context)
    return np.asarray(used.to_numpy(float) - less - own_mwh(context))


@remembered
def tariffs_musd(context: Context) -> dict[str, dict[int, float]]:
    """Present value of each account of the developer's cost, by period [M$]; none where the cost is the system's."""
    if not is_developer(context):
        return {}
    found = {account: dict.fromkeys(context.periods, 0.0) for account in ACCOUNTS}
    rate = context.study.config.economics.discount_rate
    contract, non_firm, taken = contract_mw(context), non_firm_mw(context), taken_mwh(context)
    periods, it_mw = context.placed["period"].astype(int).tolist(), context.placed["it_mw"].to_numpy(float)
    for i, (t, place) in enumerate(zip(periods, places(context), strict=True)):
        one = tariff_at(context, place)
        if one is None or not context.on_grid[i]:
            continue
        owed = max(0.0, one.minimum_take_share * HOURS_PER_YEAR * contract[i] - taken[i])
        firm_usd = one.demand_usd_per_kw_month * (contract[i] - non_firm[i])
        yearly = {
            "energy": one.energy_usd_per_mwh * taken[i] / USD_PER_MUSD,
            "demand charge": HOURS_IN_MONTHS * (firm_usd + one.non_firm_usd_per_kw_month * non_firm[i]),
            "minimum take": one.energy_usd_per_mwh * owed / USD_PER_MUSD,
            "deposit": rate * one.deposit_musd_per_mw * contract[i],
            "tax": (1.0 - one.tax_abatement_share) * one.tax_musd_per_mw_year * it_mw[i],
        }
        for account, musd in yearly.items():
            found[account][t] += context.annuity_years[t] * float(musd)
    return found
