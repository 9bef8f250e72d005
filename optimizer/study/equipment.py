"""IT equipment as the formulation reads it: what an outfit costs at each site, once and by year.

Where racks are chosen they are the equipment (`optimizer.study.work`), and nothing here counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.config import FacilitySettings, StudyConfig
from optimizer.errors import Finding
from optimizer.study.facility_facts import facts_of_kind
from optimizer.study.work import outfit_yearly_factor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from optimizer.study.study import Study


@dataclass(frozen=True)
class Equipment:
    """Cost of IT equipment by site; the default counts nothing.

    Parameters
    ----------
    once_musd_per_mw : mapping of str to float
        One outfit per MW of IT, by site [M$/MW]; empty where it is not known.
    annuity_musd_per_mw : mapping of str to float
        The same as a yearly amount over the life of an outfit [M$/MW-year].
    counts : bool
        Whether it is an account of the cost and part of the investment.
    """

    once_musd_per_mw: Mapping[str, float] = field(default_factory=dict)
    annuity_musd_per_mw: Mapping[str, float] = field(default_factory=dict)
    counts: bool = False

    def once_musd(self, sites: pd.DataFrame) -> pd.Series:
        """What the equipment of a block costs once, index ``site``; 0 where it does not count [M$]."""
        return self._of_block(self.once_musd_per_mw, sites)

    def annuity_musd(self, sites: pd.DataFrame) -> pd.Series:
        """The same as a yearly amount [M$/year]."""
        return self._of_block(self.annuity_musd_per_mw, sites)

    def _of_block(self, per_mw: Mapping[str, float], sites: pd.DataFrame) -> pd.Series:
        known = [per_mw.get(str(s), 0.0) if self.counts else 0.0 for s in sites.index]
        return pd.Series(known, index=sites.index, dtype=float) * sites["block_mw"]


def cost_of_kind(config: StudyConfig, kind: str, hall: FacilitySettings | None = None) -> float | None:
    """One outfit of IT at a kind of site, or at one of an own `hall`; ``None`` where nothing says it [M$/MW]."""
    return facts_of_kind(config, kind, hall).get("it_cost_musd_per_mw")


def equipment_of(
    config: StudyConfig,
    sites: pd.DataFrame,
    yearly_factor: float,
    halls: Mapping[str, FacilitySettings],
) -> Equipment:
    """Equipment of every site whose kind says what it costs.

    Parameters
    ----------
    config : StudyConfig
        ``[facility]`` and ``[economics]``.
    sites : DataFrame, index ``site``
        ``kind``.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year]; the life of an outfit takes its place where it is given.
    halls : mapping of str to FacilitySettings
        What those sites are made of that have an archetype of their own.
    """
    made_of = {str(s): halls.get(str(s), config.facility) for s in sites.index}
    by_site = {str(s): cost_of_kind(config, str(kind), made_of[str(s)]) for s, kind in sites["kind"].items()}
    once = {s: float(musd) for s, musd in by_site.items() if musd is not None}
    yearly = {s: outfit_yearly_factor(config, made_of[s], yearly_factor) * musd for s, musd in once.items()}
    return Equipment(once, yearly, bool(config.facility.it_cost_counts))


def _has_a_price(study: Study) -> bool:
    """Whether any demand may go unserved at a price."""
    if study.workloads is not None:
        return bool(study.workloads[0].rows["is_optional"].any())
    demand = study.config.demand
    return demand is not None and demand.penalty_musd_per_mw_year is not None


def equipment_findings(study: Study) -> Iterator[Finding]:
    """Equipment that counts and costs what nobody said, and decisions that rest on it while it does not count."""
    config = study.config
    facility, demand = config.facility, config.demand
    where = "facility.it_cost_counts"
    if facility.it_cost_counts:
        kinds = study.candidates.sites["kind"].items()
        unknown = {str(k) for s, k in kinds if cost_of_kind(config, str(k), study.facility_of(str(s))) is None}
        for kind in sorted(unknown):
            text = f"what the IT of a site of kind {kind} costs is not known"
            remedy = "give facility.it_cost_musd_per_mw, or that of the kind in [[facility.kind]]"
            yield Finding("study.equipment.unknown", where, text, "true", remedy)
        return
    if demand is None or demand.work or facility.it_cost_counts is not None:
        return
    rests = {
        "the net present value of what is served": config.study.objective == "net_present_value",
        "what is not served at a price": _has_a_price(study),
        "programmes of efficiency": bool(demand.efficiency),
    }
    named = [what for what, asked in rests.items() if asked]
    if named:
        text = f"IT equipment, the largest cost of a campus, is in no account, and {' and '.join(named)} competes "
        text += "with building as if it cost nothing"
        remedy = "set it to true, or to false where prices, revenues and programmes are without IT too"
        yield Finding("study.equipment.left_out", where, text, "not given", remedy, "warning")
