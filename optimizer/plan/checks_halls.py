"""Halls: what each site is made of, looked up again in the table of sites, the study's keys and the archetypes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import broken, cell, compare_tables
from optimizer.plan.verify_context import Context


def archetype_of(context: Context, site: str) -> str:
    """Archetype that the table of sites gives a site, empty without one."""
    own = context.study.own
    return str(own.sites.at[site, "archetype"]) if own is not None and site in own.sites.index else ""


def _own_density_kw(context: Context, site: str) -> float:
    own = context.study.own
    return float(own.sites.at[site, "rack_density_kw"]) if own is not None and site in own.sites.index else np.nan


def densest_kw(context: Context, site: str) -> float:
    """Densest rack that the table of sites says a place takes, inf where it says nothing [kW]."""
    own = context.study.own
    said = np.nan if own is None else float(own.sites["max_rack_density_kw"].get(site, np.nan))
    return np.inf if np.isnan(said) else said


def fact(context: Context, site: str, key: str) -> float | None:
    """Value of a key of ``[facility]`` at a site, ``None`` where nothing says it.

    The site's own density first, then what the study file gives, the site's archetype, and the study's.
    """
    if key == "rack_density_kw" and not np.isnan(_own_density_kw(context, site)):
        return _own_density_kw(context, site)
    study, name = context.study, archetype_of(context, site)
    value = getattr(study.written.facility if name else study.config.facility, key)
    if value is None and name:
        value = study.archetypes[name].get(key)
    return None if value is None else float(value)


def facts(context: Context, key: str, usual: float = 0.0) -> pd.Series:
    """`fact` of the site of each row of ``placed``, `usual` where it is not known."""
    known = {s: fact(context, str(s), key) for s in set(context.placed["site"])}
    return context.placed["site"].map({s: usual if v is None else v for s, v in known.items()}).astype(float)


def halls_expected(context: Context) -> pd.DataFrame:
    """Table ``halls``: sites built with an archetype or a density of their own."""
    rows = []
    for s in dict.fromkeys(context.placed["site"]):
        name = archetype_of(context, s)
        if not name and np.isnan(_own_density_kw(context, s)):
            continue
        if not name and context.study.region is not None and context.study.config.demand is not None:
            name = context.study.config.demand.archetype
        density_kw, use = fact(context, s, "rack_density_kw"), fact(context, s, "utilization")
        rows.append((s, name, np.nan if density_kw is None else density_kw, 1.0 if use is None else use))
    table = pd.DataFrame(rows, columns=PLAN_TABLES["halls"].names)
    return table.astype({"rack_density_kw": float, "utilization": float})


def check_halls(context: Context) -> list[Finding]:
    """The table states what the inputs say, and every site with a hall of its own is used as that is."""
    halls = halls_expected(context)
    findings = compare_tables(context.prefix, "halls", context.table("halls"), halls)
    use = halls.set_index("site")["utilization"].to_dict()
    for row, (site, found) in enumerate(context.placed[["site", "utilization"]].itertuples(index=False, name=None)):
        expected = use.get(site, found)
        if abs(expected - found) > 1e-9:
            where = cell(context.prefix, "sites", row, context.table("sites"), "site")
            findings.append(
                broken("plan.halls.utilization", where, "another use than its hall's", found, expected, "-")
            )
    return findings


def check_density(context: Context) -> list[Finding]:
    """No site has a cooling that its racks are too dense for."""
    if context.study.region is None:
        return []
    table = context.study.region.facts["cooling_technologies"]
    most_kw = dict(zip(table["cooling"], table["rack_density_max_kw"].astype(float), strict=True))
    findings = []
    density = facts(context, "rack_density_kw")
    for row, (cooling, kw) in enumerate(zip(context.placed["cooling"], density, strict=True)):
        most = most_kw.get(str(cooling), np.inf)
        if kw > most:
            where = cell(context.prefix, "sites", row, context.table("sites"), "cooling")
            findings.append(broken("plan.cooling.density", where, "its racks are denser than it takes", kw, most, "kW"))
    return findings


def check_place(context: Context) -> list[Finding]:
    """No site has racks that are denser than the place takes; racks that are chosen are told apart with the work."""
    if context.study.racks is not None:
        return []
    findings = []
    for row, (site, kw) in enumerate(zip(context.placed["site"], facts(context, "rack_density_kw"), strict=True)):
        most = densest_kw(context, str(site))
        if kw > most:
            where = cell(context.prefix, "sites", row, context.table("sites"), "site")
            findings.append(
                broken("plan.site.density", where, "its racks are denser than the place takes", kw, most, "kW")
            )
    return findings


CHECKS = (check_halls, check_density, check_place)
"""Checks of a study with demand."""
