"""Workloads and orbit as the formulation reads them: labels and numbers only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

PAIR = ["region", "workload", "site"]
"""What names a pair."""


@dataclass(frozen=True)
class Demands:
    """Demand by region and workload, and the sites that may serve it.

    Parameters
    ----------
    rows : DataFrame, index (region, workload)
        ``penalty_musd_per_mw_year`` [M$/MW-year], ``revenue_musd_per_mw_year`` [M$/MW-year], ``is_optional`` (bool,
        some may be left unserved), ``min_site_mw`` (least load of it at a site that serves any) [MW].
    demand_mw : DataFrame, index as `rows`, columns period
        IT MW asked for [MW].
    pairs : DataFrame, index (region, workload, site)
        Allowed pairs only: ``cost_musd_per_mw_year`` (network, and moving data) [M$/MW-year], ``rtt_ms`` (nan: not
        known) [ms].
    apart : tuple of (region, workload, site, site)
        Sites too far from each other to share a region's demand.
    """

    rows: pd.DataFrame
    demand_mw: pd.DataFrame
    pairs: pd.DataFrame
    apart: tuple[tuple[str, str, str, str], ...] = ()

    def without(self, site: str) -> Demands:
        """The same demand without one of the sites that may serve it."""
        of_site = self.pairs.index.get_level_values("site") == site
        return replace(self, pairs=self.pairs[~of_site], apart=tuple(one for one in self.apart if site not in one[2:]))

    @property
    def total_mw(self) -> pd.Series:
        """Demand of all regions and workloads, index ``period`` [MW]."""
        return self.demand_mw.sum(axis=0).rename_axis("period").rename("it_mw")

    @property
    def required_mw(self) -> pd.Series:
        """Part of it that must be served, index ``period`` [MW]."""
        return self.demand_mw[~self.rows["is_optional"]].sum(axis=0).rename_axis("period").rename("it_mw")

    @property
    def has_revenue(self) -> bool:
        """Whether anything served earns revenue."""
        return bool((self.rows["revenue_musd_per_mw_year"] > 0).any())


@dataclass(frozen=True)
class Orbit:
    """Limits on capacity in orbit.

    Parameters
    ----------
    sites : tuple of str
        Sites in orbit.
    first_year : int
        First year in which any can serve [year].
    ramp_mw_per_year : float
        Most IT MW, all of them together, added in a year [MW/year].
    """

    sites: tuple[str, ...]
    first_year: int
    ramp_mw_per_year: float

    def without(self, site: str) -> Orbit:
        """The same limits without one of the sites."""
        return replace(self, sites=tuple(s for s in self.sites if s != site))
