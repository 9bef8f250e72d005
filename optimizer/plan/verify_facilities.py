"""What each row of a plan's sites is made of, worked out from the study's own keys by the kind of the site."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_network import Floats

KEYS = ("it_cost_musd_per_mw", "staff_people_per_mw", "building_t_per_mw", "it_t_per_mw", "it_mass_t_per_mw")
"""Facts by MW of IT."""

OF_NO_KIND = {
    "lease": {"staff_people_per_mw", "building_t_per_mw"},
    "orbital": {"staff_people_per_mw", "building_t_per_mw"},
    "cloud": set(KEYS),
}
"""What is another's, or not there, at a site of a kind."""


def asked(context: Context) -> bool:
    """Whether the study says anything of what sites are made of."""
    facility, orbit = context.study.config.facility, context.study.config.orbit
    keys = (*KEYS, "shell_share", "refresh_years")
    return (
        any(getattr(facility, key) is not None for key in keys)
        or bool(facility.kind)
        or (orbit is not None and orbit.embodied_t_per_mw > 0)
    )


@remembered
def facts(context: Context) -> pd.DataFrame:
    """Facts of each row of ``placed``: `KEYS`, ``refresh_years``, ``shell_share``; nan where unknown."""
    config = context.study.config
    made = []
    for kind in context.placed["kind"].astype(str):
        row = {key: getattr(config.facility, key) for key in (*KEYS, "refresh_years", "shell_share")}
        for key in OF_NO_KIND.get(kind, ()):
            row[key] = 0.0
        if kind == "orbital" and config.orbit is not None:
            row["building_t_per_mw"] = config.orbit.embodied_t_per_mw
        for one in config.facility.kind:
            row |= {key: getattr(one, key) for key in row if one.name == kind and getattr(one, key, None) is not None}
        made.append(row)
    columns = [*KEYS, "refresh_years", "shell_share"]
    return pd.DataFrame(made, index=context.placed.index, columns=columns, dtype=float)


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
    config, found = context.study.config, []
    for kind in context.study.candidates.sites["kind"].astype(str).unique():
        total = 0.0
        for key in ("building_t_per_mw", "it_t_per_mw"):
            value = 0.0 if key in OF_NO_KIND.get(kind, ()) else getattr(config.facility, key) or 0.0
            if key == "building_t_per_mw" and kind == "orbital" and config.orbit is not None:
                value = config.orbit.embodied_t_per_mw
            for one in config.facility.kind:
                value = getattr(one, key) if one.name == kind and getattr(one, key) is not None else value
            total += float(value)
        found += [total] if total > 0 else []
    return min(found, default=0.0)
