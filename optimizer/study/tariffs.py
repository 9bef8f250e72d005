"""Tariffs as the formulation reads them: what a developer pays by site, and what contradicts that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.errors import Finding
from optimizer.study.sites import on_grid

if TYPE_CHECKING:
    from optimizer.config import TariffSettings
    from optimizer.layers.jurisdictions import Jurisdictions
    from optimizer.study.study import Study

MUSD_PER_USD_PER_KW_MONTH = 0.012
"""M$ per MW and year for 1 $/kW-month: 1,000 kW and 12 months, exact."""


@dataclass(frozen=True)
class Tariffs:
    """What campuses pay, in the developer's perspective.

    Parameters
    ----------
    by_site : DataFrame, index ``site``
        ``energy_usd_per_mwh`` [$/MWh]; ``firm_musd_per_mw_year``, ``non_firm_musd_per_mw_year`` (demand charges),
        ``deposit_musd_per_mw_year`` (interest on what is held), each per MW of contract demand [M$/MW-year];
        ``tax_musd_per_mw_year`` per MW of IT, abatement deducted [M$/MW-year]; ``minimum_take_share`` [-].
    network_share : float
        Share of the cost of network upgrades and circuits that new load pays [-].
    """

    by_site: pd.DataFrame
    network_share: float


def tariffs_at(tariffs: Sequence[TariffSettings], place: str, known: Jurisdictions) -> list[TariffSettings]:
    """Tariffs of the smallest jurisdictions that hold a place; one, but where two of them overlap.

    Parameters
    ----------
    tariffs : sequence of TariffSettings
        Those of a study.
    place : str
        Jurisdiction of a site, by code or name.
    known : Jurisdictions
        By which these are compared: US-TX is Texas, and a tariff of US holds there unless Texas has its own.
    """
    named = [one for one in tariffs if one.jurisdiction == place]
    if named:
        return named
    around = known.holding(place)
    codes = [(known.code_of(one.jurisdiction), one) for one in tariffs]
    holding = [(code, one) for code, one in codes if code in around]
    larger = {above for code, _ in holding for above in known.closure([code]) - {code}}
    return [one for code, one in holding if code not in larger]


def tariff_of(tariffs: Sequence[TariffSettings], place: str, known: Jurisdictions) -> TariffSettings | None:
    """The tariff of a jurisdiction, else that of any; ``None`` where there is neither."""
    own = tariffs_at(tariffs, place, known)
    return own[0] if own else next((one for one in tariffs if one.jurisdiction == "any"), None)


def tariffs_of(study: Study) -> Tariffs | None:
    """Tariffs of a study in the developer's perspective; ``None`` in the system's."""
    config = study.config
    if config.study.perspective != "developer" or config.service is None:
        return None
    rows: dict[str, dict[str, float]] = {}
    shares = [0.0]
    places = on_grid(study.candidates.sites)["jurisdiction"].fillna("").astype(str)
    tariff_in = {p: tariff_of(config.service.tariff, p, study.rules.jurisdictions) for p in places.unique()}
    for s, place in places.items():
        one = tariff_in[place]
        if one is None:
            continue
        shares.append(one.upgrade_cost_share)
        rows[str(s)] = {
            "energy_usd_per_mwh": one.energy_usd_per_mwh,
            "firm_musd_per_mw_year": MUSD_PER_USD_PER_KW_MONTH * one.demand_usd_per_kw_month,
            "non_firm_musd_per_mw_year": MUSD_PER_USD_PER_KW_MONTH * one.non_firm_usd_per_kw_month,
            "deposit_musd_per_mw_year": config.economics.discount_rate * one.deposit_musd_per_mw,
            "tax_musd_per_mw_year": (1.0 - one.tax_abatement_share) * one.tax_musd_per_mw_year,
            "minimum_take_share": one.minimum_take_share,
        }
    return Tariffs(pd.DataFrame.from_dict(rows, orient="index"), max(shares))


def perspective_findings(study: Study) -> Iterator[Finding]:
    """What keeps a study from the developer's perspective, and what it would give away."""
    config = study.config
    if config.study.perspective != "developer" or config.service is None or study.network is None:
        return
    places = on_grid(study.candidates.sites)["jurisdiction"].fillna("").astype(str)
    tariff = config.service.tariff
    known = study.rules.jurisdictions
    for place in sorted(p for p in places.unique() if tariff_of(tariff, p, known) is None):
        text = "a site has no tariff, so that power would cost the developer nothing there"
        remedy = 'add [[service.tariff]] for it, or one with jurisdiction = "any"'
        yield Finding("study.perspective.no_tariff", "service.tariff", text, repr(place), remedy)
    paying = [one for one in (tariff_of(tariff, p, known) for p in places.unique()) if one is not None]
    shares = sorted({one.upgrade_cost_share for one in paying})
    if len(shares) > 1:
        text = "who pays for upgrades would depend on where campuses stand, a product of decisions"
        remedy = "give the tariffs of all sites the same upgrade_cost_share"
        found = " and ".join(f"{share:g}" for share in shares)
        yield Finding("study.perspective.shares", "service.tariff, upgrade_cost_share", text, found, remedy)
    if shares == [0.0] and (len(study.upgrades) or len(study.circuits)):
        text = "upgrades cost the developer nothing: the plan may hold more of them than it needs"
        remedy = "give upgrade_cost_share, or read the plan's upgrades as what may be built at others' cost"
        yield Finding(
            "study.perspective.free", "service.tariff, upgrade_cost_share", text, "0", remedy, severity="warning"
        )
    for one in paying:
        if not one.energy_usd_per_mwh:
            text, remedy = "energy costs the developer nothing", "give energy_usd_per_mwh [$/MWh]"
            at = f"service.tariff, jurisdiction {one.jurisdiction}"
            yield Finding("study.perspective.energy", at, text, "0 $/MWh", remedy, severity="warning")
