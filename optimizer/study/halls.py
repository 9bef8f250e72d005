"""Halls: what a site of the user's is made of where its table gives it an archetype or a rack density of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config import FacilitySettings
from optimizer.config.checks import UNTIED_KINDS
from optimizer.errors import Finding, nearest

if TYPE_CHECKING:
    from optimizer.study.own import OwnSites
    from optimizer.study.study import Study

HALL_COLUMNS = ("site", "archetype", "rack_density_kw", "utilization")
"""Columns of the plan's table ``halls``."""


def halls_of(
    own: OwnSites | None,
    written: FacilitySettings,
    filled: FacilitySettings,
    archetypes: Mapping[str, Mapping[str, float]],
) -> dict[str, FacilitySettings]:
    """What each site with an archetype or a density of its own is made of.

    A site's density is that of its table; every other value is that of the study's ``[facility]``, and what that
    leaves out is the site's archetype's, or the study's for a site without one.

    Parameters
    ----------
    own : OwnSites, optional
        ``archetype`` and ``rack_density_kw`` [kW], empty where the study's hold.
    written, filled : FacilitySettings
        ``[facility]`` as it was given, and as the study's archetype has filled it.
    archetypes : mapping of str to mapping of str to float
        Values by archetype and parameter; an unknown archetype fills nothing.

    Returns
    -------
    dict of str to FacilitySettings
        Only the sites whose table gives either.
    """
    found = {}
    given = written.model_dump(exclude_none=True)
    columns = pd.DataFrame() if own is None else own.sites[["archetype", "rack_density_kw"]]
    for s, name, density_kw in columns.itertuples(name=None):
        if not name and np.isnan(density_kw):
            continue
        settings = filled
        if name:
            usual = {k: v for k, v in archetypes.get(name, {}).items() if k in FacilitySettings.model_fields}
            settings = FacilitySettings.model_validate(usual | given)
        if not np.isnan(density_kw):
            settings = settings.model_copy(update={"rack_density_kw": float(density_kw)})
        found[str(s)] = settings
    return found


def densities_kw(halls: Mapping[str, FacilitySettings], own: OwnSites | None) -> dict[str, float]:
    """Rack density of the sites that the study cools and that have one of their own [kW]."""
    cooled = set() if own is None else set(own.sites.index[~own.sites["kind"].isin(UNTIED_KINDS)])
    return {s: f.rack_density_kw for s, f in halls.items() if s in cooled and f.rack_density_kw is not None}


def densest_kw(own: OwnSites | None) -> dict[str, float]:
    """Densest rack that those sites take whose table says so [kW]."""
    given = pd.Series(dtype=float) if own is None else own.sites["max_rack_density_kw"].dropna()
    return {str(s): float(kw) for s, kw in given.items()}


def unknown_archetypes(study: Study) -> Iterator[Finding]:
    """Archetypes of sites that the dataset does not have."""
    if study.own is None:
        return
    for s, name in study.own.sites["archetype"].items():
        if name and name not in study.archetypes:
            remedy = nearest(name, study.archetypes)
            yield Finding(
                "study.site.archetype", f"sites, site {s}, archetype", "no such archetype", repr(name), remedy
            )


def hall_findings(study: Study) -> Iterator[Finding]:
    """Densities that no cooling reads, and use of racks that work cannot count."""
    if study.own is None:
        return
    yield from _unread_densities(study)
    yield from _too_dense(study)
    # Where the place says what it takes, the density is held against that.
    idle = study.own.sites["rack_density_kw"].notna() & study.own.sites["max_rack_density_kw"].isna()
    if study.region is not None:
        # Cooling is that of a climate, and a site that stands nowhere has none.
        idle &= (study.candidates.sites["iecc_zone"].reindex(idle.index) == "").fillna(False)
    if idle.any():
        names = ", ".join(str(s) for s in idle.index[idle])
        text = "it changes nothing: cooling follows from a region's climate, and these sites lie in none"
        remedy = "name a dataset in sites.region and give lat and lon, or leave it out"
        yield Finding("study.site.density_idle", "sites, rack_density_kw", text, names, remedy, "warning")
    if study.racks is None:
        return
    usual = study.config.facility.utilization or 1.0
    for s, hall in study.halls.items():
        if (hall.utilization or 1.0) != usual:
            text = "work is counted at one utilization for all sites, and the site's archetype has another"
            found = f"{hall.utilization or 1.0:g}, elsewhere {usual:g}"
            remedy = "give facility.utilization, or leave the archetype out"
            yield Finding("study.site.archetype_work", f"sites, site {s}, archetype", text, found, remedy)


def _too_dense(study: Study) -> Iterator[Finding]:
    """Racks that no place on offer takes, so that none is left."""
    refused = study.candidates.refused
    refused = refused[refused["rule"] == "rack_density"]
    if len(refused) and study.candidates.sites.empty:
        text = f"a density that no offered site takes; the densest takes {refused['limit'].max():g} kW"
        found = ", ".join(f"{s} ({kw:g} kW)" for s, kw in zip(refused["place"], refused["value"], strict=True))
        remedy = "raise max_rack_density_kw, offer another site, or lower the density"
        yield Finding("study.site.too_dense", "sites, max_rack_density_kw", text, found, remedy)


def _unread_densities(study: Study) -> Iterator[Finding]:
    """Densest racks of sites whose racks have no known power."""
    if study.racks is not None:
        return
    names = [s for s in densest_kw(study.own) if study.facility_of(s).rack_density_kw is None]
    if names:
        text = "it changes nothing: the power of the racks there is not known"
        remedy = "give rack_density_kw or an archetype there, or facility.rack_density_kw"
        where = "sites, max_rack_density_kw"
        yield Finding("study.site.density_idle", where, text, ", ".join(names), remedy, "warning")


def halls_table(study: Study, sites: pd.Series) -> pd.DataFrame:
    """Archetype, density and use of the built sites that have a hall of their own, for the plan.

    Parameters
    ----------
    study : Study
        The study.
    sites : Series
        Built sites, each once.
    """
    rows = []
    for s in (s for s in sites if s in study.halls):
        hall, name = study.halls[s], "" if study.own is None else str(study.own.sites.at[s, "archetype"])
        if not name and study.region is not None and study.config.demand is not None:
            name = study.config.demand.archetype
        rows.append((s, name, hall.rack_density_kw, 1.0 if hall.utilization is None else hall.utilization))
    table = pd.DataFrame(rows, columns=list(HALL_COLUMNS))
    return table.astype({"rack_density_kw": float, "utilization": float})
