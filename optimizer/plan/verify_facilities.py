"""What each row of a plan's sites is made of, worked out from the study's own keys by its archetype and its kind."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.plan.checks_halls import archetype_of, fact
from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_network import Floats

KEYS = ("it_cost_musd_per_mw", "staff_people_per_mw", "building_t_per_mw", "it_t_per_mw", "it_mass_t_per_mw")
"""Facts by MW of IT."""

ALL_KEYS = (*KEYS, "refresh_years", "shell_share")
"""Facts that the table of facilities follows from."""

OF_NO_KIND = {
    "lease": {"staff_people_per_mw", "building_t_per_mw"},
    "orbital": {"staff_people_per_mw", "building_t_per_mw"},
    "cloud": set(KEYS),
}
"""What is another's, or not there, at a site of a kind."""


def asked(context: Context) -> bool:
    """Whether the study says anything of what sites are made of."""
    facility, orbit = context.study.config.facility, context.study.config.orbit
    sites = [str(s) for s in context.case.sites.index]
    # One name of no site stands for all that have no archetype of their own.
    made_of = ["", *(s for s in sites if archetype_of(context, s))]
    return (
        any(fact(context, s, key) is not None for s in made_of for key in ALL_KEYS)
        or bool(facility.kind)
        or (orbit is not None and orbit.embodied_t_per_mw > 0)
    )


def fact_at(context: Context, site: str, kind: str, key: str) -> float | None:
    """Fact of a site: its kind's own, 0 or the satellites', or that of its archetype; ``None`` where unknown."""
    config = context.study.config
    for one in config.facility.kind:
        if one.name == kind and getattr(one, key, None) is not None:
            return float(getattr(one, key))
    if key == "building_t_per_mw" and kind == "orbital" and config.orbit is not None:
        return float(config.orbit.embodied_t_per_mw)
    return 0.0 if key in OF_NO_KIND.get(kind, ()) else fact(context, site, key)


@remembered
def facts(context: Context) -> pd.DataFrame:
    """Facts of each row of ``placed``: `ALL_KEYS`; nan where unknown."""
    places = zip(context.placed["site"].astype(str), context.placed["kind"].astype(str), strict=True)
    made = [[fact_at(context, s, kind, key) for key in ALL_KEYS] for s, kind in places]
    return pd.DataFrame(made, index=context.placed.index, columns=ALL_KEYS, dtype=float)


@remembered
def embodied_t_per_mw(context: Context) -> pd.Series:
    """Carbon of making a MW of IT at each row of ``placed``: building or launch, and one outfit of IT [t CO2e/MW]."""
    known = facts(context)
    return known["building_t_per_mw"].fillna(0.0) + known["it_t_per_mw"].fillna(0.0)


@remembered
def embodied_t_per_mw_year(context: Context) -> Floats:
    """The same by year: what is built over its life, as its cost is; IT over its refresh [t CO2e/MW-year]."""
    config, known = context.study.config, facts(context)
    yearly = np.full(len(known), context.study.yearly_factor)
    if config.orbit is not None and config.economics.annuitize:
        rate, life = config.economics.discount_rate, config.orbit.life_years
        satellite = 1.0 / life if rate == 0 else rate / (1.0 - (1.0 + rate) ** -life)
        yearly = np.where(context.placed["kind"] == "orbital", satellite, yearly)
    renewed = (known["it_t_per_mw"] / known["refresh_years"]).fillna(0.0)
    return known["building_t_per_mw"].fillna(0.0).to_numpy(float) * yearly + renewed.to_numpy(float)


def least_embodied_t_per_mw(context: Context) -> float:
    """Least carbon that a MW of IT embodies at any site on offer where it embodies any [t CO2e/MW]."""
    found = set()
    for s, kind in context.case.sites["kind"].astype(str).items():
        made = (fact_at(context, str(s), kind, key) for key in ("building_t_per_mw", "it_t_per_mw"))
        found.add(sum(value or 0.0 for value in made))
    return min(found - {0.0}, default=0.0)
