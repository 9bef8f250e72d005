"""Capacity in orbit as sites: what a kW costs, when it can serve, and how fast it grows.

    C = (L + B) m / sunlit + S / sunlit + G    [$/kW of IT]

with L launch and B build price [$/kg], m mass [kg/kW], S satellites without launch and computers [$/kW] and G ground
stations [$/kW]. The form is that of Turyshev (2025), doi:10.48577/jpl.HHDDG7; there the sunlit share is in the mass.
A satellite is annuitized over its own life, and replaced when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from optimizer.config import OrbitSettings, StudyConfig
from optimizer.errors import Finding
from optimizer.study.demands import Orbit
from optimizer.study.economics import capital_recovery

ORBITAL = "orbital"
"""Kind of a site in orbit."""

MUSD_PER_MW = 1e-3
"""One dollar per kW [M$/MW]."""


def launch_kg_per_kw(orbit: OrbitSettings) -> float:
    """Mass launched per kW of IT capacity [kg/kW]: mass per kW over the sunlit share."""
    return orbit.kg_per_kw / orbit.sunlit_share


def cost_musd_per_mw(orbit: OrbitSettings) -> float:
    """One-time cost of a MW of IT in orbit [M$/MW]: launch, satellites and ground stations."""
    by_mass = (orbit.launch_usd_per_kg + orbit.build_usd_per_kg) * launch_kg_per_kw(orbit)
    return MUSD_PER_MW * (by_mass + orbit.build_usd_per_kw / orbit.sunlit_share + orbit.ground_usd_per_kw)


def yearly_launch_musd_per_mw(config: StudyConfig, yearly_factor: float) -> float:
    """Yearly cost of a MW in orbit for each dollar per kg of launch price [M$/MW-year per $/kg]."""
    assert config.orbit is not None
    economics = config.economics
    factor = (
        capital_recovery(economics.discount_rate, config.orbit.life_years) if economics.annuitize else yearly_factor
    )
    return MUSD_PER_MW * launch_kg_per_kw(config.orbit) * factor


def with_orbit(sites: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    """Offers with the costs and the first year of those in orbit.

    Parameters
    ----------
    sites : DataFrame, index ``site``
        ``kind``, ``block_mw``, ``block_cost_musd``, ``block_yearly_musd``, ``earliest``.
    config : StudyConfig
        ``[orbit]`` and ``[economics]``.
    """
    orbit, economics = config.orbit, config.economics
    in_orbit = sites["kind"] == ORBITAL
    if orbit is None or not in_orbit.any():
        return sites
    once = cost_musd_per_mw(orbit) * sites["block_mw"]
    yearly = MUSD_PER_MW * orbit.operation_usd_per_kw_year * sites["block_mw"]
    if economics.annuitize:
        # One-time costs are annuitized over the study's life later; a satellite's life is its own.
        rate = economics.discount_rate
        shorter = capital_recovery(rate, orbit.life_years) - capital_recovery(rate, economics.life_years)
        yearly = yearly + shorter * once
    return sites.assign(
        block_cost_musd=sites["block_cost_musd"] + once.where(in_orbit, 0.0),
        block_yearly_musd=sites["block_yearly_musd"] + yearly.where(in_orbit, 0.0),
        earliest=sites["earliest"].where(~in_orbit, sites["earliest"].clip(lower=orbit.first_year)),
    )


def orbit_of(sites: pd.DataFrame, orbit: OrbitSettings | None) -> Orbit | None:
    """Limits on capacity in orbit, ``None`` where there are none."""
    if orbit is None or orbit.ramp_mw_per_year is None:
        return None
    names = tuple(str(s) for s in sites.index[sites["kind"] == ORBITAL])
    return Orbit(names, orbit.first_year, orbit.ramp_mw_per_year) if names else None


def asks_break_even(config: StudyConfig) -> bool:
    """Whether a study asks for the launch price at which orbit breaks even."""
    asked = config.orbit is not None and config.orbit.break_even
    return asked and config.study.objective in ("cost", "net_present_value")


def orbit_findings(sites: pd.DataFrame, orbit: OrbitSettings | None) -> Iterator[Finding]:
    """Sites in orbit without numbers for it, and numbers without a site."""
    names = sites.index[sites["kind"] == ORBITAL]
    if orbit is None:
        for s in names:
            text, remedy = "the site is in orbit, and the study says nothing of launch and mass", "add [orbit]"
            yield Finding("study.orbit.missing", f"sites, site {s}, kind", text, repr(ORBITAL), remedy)
    elif names.empty:
        text, remedy = "no site is in orbit", "add a site of kind orbital to sites.table, or leave [orbit] out"
        yield Finding("study.orbit.no_site", "orbit", text, "", remedy)
