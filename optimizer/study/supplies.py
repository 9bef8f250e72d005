"""Supply on site and the adequacy of zones as the formulation reads them: labels and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

Day = tuple[tuple[str, float], ...]
"""A day that repeats: snapshots in order, and the hours that each lasts in it."""


@dataclass(frozen=True)
class Supply:
    """Technologies on offer at sites, storage, and generators beside campuses.

    Parameters
    ----------
    technologies : DataFrame, index ``technology``
        ``is_storage`` (bool), ``storage_efficiency`` [-], ``max_storage_hours`` [h], ``running_usd_per_mwh`` (fuel and
        operation) [$/MWh], ``emission_t_per_mwh`` [t/MWh], ``water_m3_per_mwh`` [m3/MWh], ``land_ha_per_mw`` [ha/MW],
        ``permit_hours`` (inf: any) [h/year], ``unit_mw`` (0: any size) [MW], ``carbon_free_share`` [-],
        ``accredited_share`` [-], ``accredited_hours`` (for which a store must sustain what is counted of it) [h],
        ``needs_gas_line`` (bool).
    offers : DataFrame, index (site, technology)
        ``ready`` (int year), ``max_mw`` [MW], ``annuity_musd_per_mw`` (with fixed operation) [M$/MW-year],
        ``cost_musd_per_mw`` [M$/MW], ``annuity_musd_per_mwh`` [M$/MWh-year], ``cost_musd_per_mwh`` [M$/MWh].
    availability : DataFrame, index (site, technology), columns snapshot
        Most output over capacity [-].
    gas_lines : DataFrame, index ``site``
        Sites whose gas line costs something: ``cost_musd`` [M$], ``annuity_musd`` [M$/year].
    land : DataFrame, index ``site``
        Sites of known area: ``area_ha`` [ha], ``campus_ha_per_mw`` [ha per MW of IT].
    days : tuple of Day
        Days over which storage is balanced.
    beside : mapping of str to str
        Generator that each of some sites is beside, behind one meter.
    yearly_share : DataFrame, index ``site``, columns snapshot
        Share of what is supplied in a snapshot that counts against the campus's yearly energy [-].
    counts_as_firm : bool
        Whether own supply relieves the tie.
    carbon_free_share, hourly_carbon_free_share : mapping of int to float
        Least carbon-free share of the campuses' energy by period: over the year, and in every snapshot [-].
    grid_carbon_free_share : float
        Share of what is taken from the grid that counts as carbon-free [-].
    step_up_bus : mapping of str to str
        Bus to which the step-up transformers of some of those generators lead, and nothing else does: it is behind
        their meter too.
    """

    technologies: pd.DataFrame
    offers: pd.DataFrame
    availability: pd.DataFrame
    gas_lines: pd.DataFrame
    land: pd.DataFrame
    days: tuple[Day, ...]
    beside: Mapping[str, str]
    yearly_share: pd.DataFrame
    counts_as_firm: bool = False
    carbon_free_share: Mapping[int, float] = field(default_factory=dict)
    hourly_carbon_free_share: Mapping[int, float] = field(default_factory=dict)
    grid_carbon_free_share: float = 0.0
    step_up_bus: Mapping[str, str] = field(default_factory=dict)

    def without(self, site: str) -> Supply:
        """The supply of all sites but one."""
        of_site = self.offers.index.get_level_values("site") == site
        return replace(
            self,
            offers=self.offers[~of_site],
            availability=self.availability[~of_site],
            gas_lines=self.gas_lines.drop(index=site, errors="ignore"),
            land=self.land.drop(index=site, errors="ignore"),
            beside={s: g for s, g in self.beside.items() if s != site},
            yearly_share=self.yearly_share.drop(index=site, errors="ignore"),
        )

    def technologies_of(self, site: str) -> list[str]:
        """Technologies on offer at a site."""
        return self._technologies_by_site.get(site, [])

    @cached_property
    def _technologies_by_site(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for s, q in self.offers.index:
            found.setdefault(str(s), []).append(str(q))
        return found

    @property
    def sites(self) -> list[str]:
        """Sites that have something on offer, or are beside a generator."""
        return list(dict.fromkeys([*(str(s) for s, _ in self.offers.index), *self.beside]))

    @cached_property
    def stores(self) -> list[tuple[str, str]]:
        """Offers that store."""
        stores = self.technologies["is_storage"].to_dict()
        return [(s, q) for s, q in self.offers.index if stores[q]]

    @cached_property
    def sources(self) -> list[tuple[str, str]]:
        """Offers that generate."""
        stores = self.technologies["is_storage"].to_dict()
        return [(s, q) for s, q in self.offers.index if not stores[q]]

    @cached_property
    def ordered(self) -> list[str]:
        """Snapshots in which storage may work."""
        return [h for day in self.days for h, _ in day]


@dataclass(frozen=True)
class Adequacy:
    """Capacity that zones must have.

    Parameters
    ----------
    zones : DataFrame, index ``zone``
        ``accredited_mw`` of existing generators and ``import_mw`` that may be counted on [MW].
    reserve_margin : float
        Capacity and imports over the peak load, less 1 [-].
    """

    zones: pd.DataFrame
    reserve_margin: float
