"""What a site is made of, by its hall and its kind: a campus and an edge site are built, others are rented or launched.

Of a lease the building is another's, and of cloud capacity the IT too: their makers count them. What is in orbit has
satellites and a launch in place of a building, and they last a satellite's life.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from optimizer.config import FacilitySettings, StudyConfig
from optimizer.config.checks import UNTIED_KINDS
from optimizer.study.economics import capital_recovery
from optimizer.study.portfolio import FACILITY, facility_values

NOTHING_MADE = {
    "lease": ("staff_people_per_mw", "building_t_per_mw"),
    "cloud": ("staff_people_per_mw", "building_t_per_mw", "it_cost_musd_per_mw", "it_t_per_mw", "it_mass_t_per_mw"),
    "orbital": ("staff_people_per_mw", "building_t_per_mw"),
}
"""Facts that are 0 for a kind unless the study gives them."""


def facts_of_kind(config: StudyConfig, kind: str, hall: FacilitySettings | None = None) -> dict[str, float]:
    """Those of `FACILITY` that are known of a kind of site: of ``[facility]``, 0, or of ``[[facility.kind]]``.

    A `hall` of a site's own, which ``[facility]`` and the site's archetype have filled, takes the place of the first.
    """
    known = facility_values(hall or config.facility) | dict.fromkeys(NOTHING_MADE.get(kind, ()), 0.0)
    if kind == "orbital" and config.orbit is not None:
        known["building_t_per_mw"] = config.orbit.embodied_t_per_mw
    for one in config.facility.kind:
        if one.name == kind:
            known |= one.model_dump(exclude_none=True, exclude={"name"})
    return known


def site_facts(
    config: StudyConfig, kinds: pd.Series, yearly_factor: float, halls: Mapping[str, FacilitySettings]
) -> pd.DataFrame:
    """Facts of every site, index ``site``; without columns where the study knows none of a campus or of another kind.

    Parameters
    ----------
    config : StudyConfig
        ``[facility]``, ``[orbit]``, ``[economics]``.
    kinds : Series, index ``site``
        Kind of each.
    yearly_factor : float
        Yearly amount per M$ of one-time cost [1/year].
    halls : mapping of str to FacilitySettings
        What those sites are made of that have an archetype of their own.

    Returns
    -------
    DataFrame
        `FACILITY`, nan where unknown; ``has_building`` (1 or 0), ``building_yearly_factor``, over whose life what
        ``building_t_per_mw`` counts is paid for [1/year].
    """
    orbit, economics = config.orbit, config.economics
    made_of = {s: halls.get(str(s), config.facility) for s in kinds.index}
    known = any(facility_values(facility) for facility in (config.facility, *made_of.values()))
    if not (known or config.facility.kind or (orbit and orbit.embodied_t_per_mw)):
        return pd.DataFrame(index=kinds.index)
    rows = [facts_of_kind(config, str(kind), made_of[s]) for s, kind in kinds.items()]
    values = [[row.get(name, float("nan")) for name in FACILITY] for row in rows]
    table = pd.DataFrame(values, index=kinds.index, columns=FACILITY, dtype=float)
    factor = pd.Series(yearly_factor, index=kinds.index)
    if orbit is not None and economics.annuitize:
        factor = factor.mask(kinds == "orbital", capital_recovery(economics.discount_rate, orbit.life_years))
    return table.assign(has_building=(~kinds.isin(UNTIED_KINDS)).astype(float), building_yearly_factor=factor)
