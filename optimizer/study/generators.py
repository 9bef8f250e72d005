"""Local limits on the number of generators at a site, and what they leave uncounted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.errors import Finding
from optimizer.study.sites import on_grid
from optimizer.study.supply import technology_table

if TYPE_CHECKING:
    from optimizer.study.study import Study

COLUMN = "max_generators"
"""Column of a site: most generators that a local rule allows there."""


def max_generators_of(study: Study) -> dict[str, int]:
    """Most generators at each site that has a limit: of the table of sites, else of the study."""
    usual = study.config.limits.max_generators_per_site
    sites = pd.DataFrame(on_grid(study.candidates.sites))
    given = pd.Series(math.nan, index=sites.index)
    if study.own is not None:
        given = study.own.sites[COLUMN].astype(float).reindex(sites.index)
    if usual is not None:
        given = given.fillna(float(usual))
    return {str(s): math.floor(most) for s, most in given.items() if not math.isnan(most)}


def generator_findings(study: Study) -> Iterator[Finding]:
    """Units of no size, and limits beside which something burns fuel and is not counted."""
    settings, tables = study.config.supply, study.supply_tables
    technologies = pd.DataFrame()
    if settings is not None and tables is not None:
        technologies = technology_table(settings, tables)
        for name, facts in technologies[technologies["max_units"].notna()].iterrows():
            most = float(facts["max_units"])
            if math.isfinite(most) and not facts["unit_mw"] > 0:
                text, remedy = "units are counted, and a unit has no size", "give unit_mw, or max_mw in its place"
                where = f"supply, technology {name}, max_units"
                yield Finding("study.supply.units_without_size", where, text, f"{most:g}", remedy)
    if not max_generators_of(study):
        return
    where = "limits.max_generators_per_site"
    if study.config.limits.max_generators_per_site is None:
        where = f"sites, column {COLUMN}"
    yield from _uncounted(study, technologies, where)


def _uncounted(study: Study, technologies: pd.DataFrame, where: str) -> Iterator[Finding]:
    backup = None if study.config.service is None else study.config.service.backup
    burning = technologies
    if len(technologies):
        fuel = technologies["fuel_usd_per_mwh"] + technologies["heat_rate_mmbtu_per_mwh"]
        burning = technologies[(technologies["storage_efficiency"] == 0) & (fuel > 0)]
        for name in burning.index[burning["unit_mw"] == 0]:
            text = "the technology comes in any size, so that no generator of it is counted"
            remedy = f"give unit_mw in [[supply.technology]] for {name}"
            yield Finding("study.supply.uncounted", where, text, str(name), remedy, "warning")
    if backup is not None and backup.share > 0 and not backup.unit_mw:
        text, remedy = "backup has no size, so that no generator of it is counted", "give service.backup.unit_mw"
        yield Finding("study.supply.uncounted", where, text, "service.backup", remedy, "warning")
    if backup is None and not len(burning):
        text, remedy = "no generator can be built: the limit changes nothing", "leave it out"
        yield Finding("study.supply.no_generators", where, text, "", remedy, "warning")
