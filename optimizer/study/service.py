"""Service as the formulation reads it, and what contradicts a study's sites and snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.config import StudyConfig
from optimizer.errors import Finding
from optimizer.study.sites import on_grid
from optimizer.study.tariffs import tariffs_at

if TYPE_CHECKING:
    from optimizer.study.study import Study


@dataclass(frozen=True)
class Backup:
    """On-site backup.

    Parameters
    ----------
    share : float
        Largest capacity over contract demand [-].
    hours_per_year : float
        Hours of full output a year that the air permit allows [h/year].
    cost_musd_per_mw, annuity_musd_per_mw : float
        One-time cost [M$/MW], and the same by year [M$/MW-year].
    fuel_usd_per_mwh : float
        Cost of what it serves [$/MWh].
    carbon_t_per_mwh : float
        Emissions of what it serves [t CO2e/MWh].
    unit_mw : float
        Size of a generator, 0 where they are not counted [MW].
    """

    share: float
    hours_per_year: float
    cost_musd_per_mw: float
    annuity_musd_per_mw: float
    fuel_usd_per_mwh: float
    carbon_t_per_mwh: float
    unit_mw: float = 0.0


@dataclass(frozen=True)
class Deferral:
    """Work that can wait.

    Parameters
    ----------
    share : float
        Largest share of what is drawn in a snapshot [-].
    is_neutral : bool
        Whether what is put off is drawn in other snapshots of the year.
    catch_up_share : float
        Most drawn above facility power to catch up, over contract demand [-].
    cost_usd_per_mwh : float
        Price of what is put off [$/MWh].
    """

    share: float
    is_neutral: bool
    catch_up_share: float
    cost_usd_per_mwh: float


@dataclass(frozen=True)
class Service:
    """Limits of curtailment, alike at every campus.

    Parameters
    ----------
    share : float
        Largest share of a campus's yearly energy that is curtailed [-].
    hours_per_year : float, optional
        Most hours of snapshots with curtailment [h/year]; ``None``: any.
    non_firm_share : float
        Largest share of contract demand that is non-firm for good [-].
    interim_years : float
        Years from energization in which all load may be non-firm [year].
    curtailment_usd_per_mwh : float
        Price of what is curtailed and neither served by backup nor put off [$/MWh].
    backup : Backup, optional
        ``None`` where there is none.
    deferral : Deferral, optional
        ``None`` where nothing can wait.
    trips : bool
        Whether non-firm load that is served may be dropped after an outage.
    """

    share: float
    hours_per_year: float | None
    non_firm_share: float
    interim_years: float
    curtailment_usd_per_mwh: float
    backup: Backup | None = None
    deferral: Deferral | None = None
    trips: bool = False

    def snapshots(self, hours: pd.Series) -> list[str]:
        """Snapshots that may be curtailed at all: none that alone last longer than the hours of a year allow."""
        most = self.hours_per_year if self.share > 0 else -1.0
        return [str(h) for h, length in hours.items() if most is None or length <= most]

    def non_firm_snapshots(self, hours: pd.Series) -> list[str]:
        """Snapshots in which anything is non-firm: those that may be curtailed, or all where outages drop load."""
        return [str(h) for h in hours.index] if self.trips else self.snapshots(hours)

    def counts_hours(self, hours: pd.Series) -> bool:
        """Whether the snapshots that may be curtailed last longer together than the hours allow."""
        most = self.hours_per_year
        return most is not None and float(hours.loc[self.snapshots(hours)].sum()) > most

    def interim_start(self, years: pd.Series, t: int) -> int | None:
        """Last period of which a campus connected by then is past its interim years before `t` ends; ``None``: none is.

        A period of many years is interim only as a whole: what holds in it holds until its end.

        Parameters
        ----------
        years : Series, index period
            Length of each period [year].
        t : int
            Period that is asked about.
        """
        end = t + float(years[t])
        return max((int(p) for p in years.index if p <= t and p + self.interim_years < end), default=None)


def service_of(config: StudyConfig, yearly_factor: float) -> Service | None:
    """Service of a study; ``None`` where nothing may be curtailed and nothing is dropped.

    Parameters
    ----------
    config : StudyConfig
        ``[service]``.
    yearly_factor : float
        Yearly cost of a one-time cost [1/year].
    """
    given = config.service
    if given is None:
        return None
    # Where no outage must be survived, none drops anything.
    curtails, trips = given.curtailable_share > 0, given.trip_on_outage and len(config.security.contingencies) > 0
    if not curtails and not trips:
        return None
    backup = deferral = None
    if curtails and given.backup is not None and given.backup.share > 0 and given.backup.hours_per_year > 0:
        once = given.backup.cost_musd_per_mw
        numbers = given.backup.fuel_usd_per_mwh, given.backup.carbon_t_per_mwh, given.backup.unit_mw
        backup = Backup(given.backup.share, given.backup.hours_per_year, once, yearly_factor * once, *numbers)
    if curtails and given.deferral is not None and given.deferral.share > 0:
        wait = given.deferral
        deferral = Deferral(wait.share, wait.energy == "neutral", wait.catch_up_share, wait.cost_usd_per_mwh)
    return Service(
        given.curtailable_share,
        given.curtailable_hours_per_year,
        given.non_firm_share,
        given.interim_years or 0.0,
        given.curtailment_usd_per_mwh,
        backup,
        deferral,
        trips,
    )


def service_findings(study: Study) -> Iterator[Finding]:
    """Service that no snapshot can use, parts it does not go with, and tariffs of places without a site."""
    given = study.config.service
    if given is None:
        return
    service, hours = service_of(study.config, 1.0), study.operation.snapshots["hours"]
    if service is not None and service.share > 0 and not service.snapshots(hours):
        where, most = "service.curtailable_hours_per_year", given.curtailable_hours_per_year
        text = "every snapshot lasts longer than the hours that may be curtailed"
        remedy = "raise it, or give the grid a short snapshot for its hardest hours"
        found = f"{most:g} h/year; the shortest snapshot lasts {float(hours.min()):g} h"
        yield Finding("study.service.hours", where, text, found, remedy)
    if given.trip_on_outage and len(study.circuits):
        text = "load that is dropped after outages does not go with new circuits on offer"
        remedy = "write trip_on_outage = false, or offer no circuits ([expansion])"
        found = f"{len(study.circuits)} circuits"
        yield Finding("study.service.trip_and_circuits", "service.trip_on_outage", text, found, remedy)
    places = set(on_grid(study.candidates.sites)["jurisdiction"].fillna("").astype(str))
    known = study.rules.jurisdictions
    around = frozenset().union(*(known.holding(place) for place in places))
    for number, tariff in enumerate(given.tariff, start=1):
        if tariff.jurisdiction != "any" and not {tariff.jurisdiction, known.code_of(tariff.jurisdiction)} & around:
            where = f"service.tariff#{number}, jurisdiction"
            text, remedy = "no site is in that jurisdiction", f"use one of: {', '.join(sorted(places)) or 'any'}"
            yield Finding("study.service.no_site", where, text, repr(tariff.jurisdiction), remedy)
    for place in sorted(places):
        several = [repr(one.jurisdiction) for one in tariffs_at(given.tariff, place, known)]
        if len(several) > 1:
            text, remedy = "two tariffs hold at a site, and neither is within the other", "keep one of them"
            found = f"{' and '.join(several)} at {place!r}"
            yield Finding("study.service.two_tariffs", "service.tariff", text, found, remedy)
