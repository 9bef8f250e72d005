"""Supply of a study: what each site is offered, at what cost and from when, and the accredited capacity of zones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config import StudySettings, SupplySettings
from optimizer.errors import Finding, nearest
from optimizer.grid.network import Grid
from optimizer.study.economics import capital_recovery, ready_year, shortened
from optimizer.study.sites import on_grid
from optimizer.study.supplies import Adequacy, Supply
from optimizer.study.supply_tables import PARAMETERS, SupplyTables

if TYPE_CHECKING:
    from optimizer.study.sites import Candidates
    from optimizer.study.study import Study

GAS_LINE = "gas_line_km"
"""Column of a site: length of the gas line that it would need [km]."""

BESIDE = "colocated_generator"
"""Column of a site: generator that it stands beside, behind one meter."""


def technology_table(settings: SupplySettings, tables: SupplyTables) -> pd.DataFrame:
    """Technologies on offer, index ``technology``, with every parameter: of the study file, tables, or its default."""
    names = [name for name in settings.technologies if name in tables.technologies.index]
    made = tables.technologies.loc[names].copy()
    changed = {one.name: one for one in settings.technology}
    for name in names:
        given = changed[name].model_dump(exclude_none=True, exclude={"name"}) if name in changed else {}
        for key, value in given.items():
            made.loc[name, key] = float(value)
    return made.fillna({c.name: c.default for c in PARAMETERS if not _is_nan(c.default)})


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def supply_of(study: Study) -> Supply | None:
    """The supply that a study offers its candidate sites; ``None`` where it offers none."""
    settings, tables = study.config.supply, study.supply_tables
    if settings is None or tables is None or study.grid is None or study.config.demand is None:
        return None
    candidates = study.candidates
    sites = pd.DataFrame(on_grid(candidates.sites))
    technologies = technology_table(settings, tables)
    beside = {s: g for s, g in beside_of(study).items() if s in sites.index}
    if technologies.empty and not beside:
        return None
    offers = _offers(study, settings, sites, technologies, candidates.pue)
    limits = study.config.limits
    return Supply(
        _running(technologies),
        offers,
        _availability(offers.index, technologies, tables.availability, list(candidates.pue.columns)),
        _gas_lines(study, settings, sites, technologies),
        _land(study, sites),
        tuple(tuple(zip(day.snapshots, day.hours, strict=False)) for day in settings.order),
        beside,
        _yearly_share(candidates),
        settings.counts_as_firm,
        dict(limits.carbon_free_share),
        dict(limits.carbon_free_share_every_snapshot),
        settings.grid_carbon_free_share,
        _step_up_buses(study.grid, beside.values()),
    )


def step_up_bus(grid: Grid, bus: str) -> str | None:
    """The bus to which the transformers of a generator's bus lead, where all its branches end there; else nothing.

    Between the two nothing else joins, so that they are one plant: what the generator gives passes there in any case.
    """
    there = grid.branches[grid.branches["in_service"].astype(bool)]
    others = {*there.loc[there["from_bus"] == bus, "to_bus"], *there.loc[there["to_bus"] == bus, "from_bus"]}
    if len(others) != 1:
        return None
    (other,) = others
    is_stepped_up = grid.buses.at[other, "base_kv"] > grid.buses.at[bus, "base_kv"]
    return str(other) if is_stepped_up else None


def _behind_the_meter(grid: Grid, bus: str) -> set[str]:
    return {bus, step_up_bus(grid, bus) or bus}


def _step_up_buses(grid: Grid, generators: Iterable[str]) -> dict[str, str]:
    bus = grid.generators["bus"]
    found = {g: step_up_bus(grid, str(bus[g])) for g in generators if g in bus.index}
    return {g: other for g, other in found.items() if other is not None}


def beside_of(study: Study) -> dict[str, str]:
    """Generator beside each site of the user's that names one."""
    if study.own is None:
        return {}
    named = study.own.sites[BESIDE]
    return {str(s): str(g) for s, g in named.items() if g}


def _running(technologies: pd.DataFrame) -> pd.DataFrame:
    fuel = technologies["heat_rate_mmbtu_per_mwh"] * technologies["fuel_usd_per_mmbtu"]
    kept = ["storage_efficiency", "max_storage_hours", "emission_t_per_mwh", "water_m3_per_mwh", "land_ha_per_mw"]
    kept += ["permit_hours", "unit_mw", "carbon_free_share", "accredited_share", "accredited_hours"]
    return technologies[kept].assign(
        is_storage=technologies["storage_efficiency"] > 0,
        running_usd_per_mwh=technologies["variable_om_usd_per_mwh"] + technologies["fuel_usd_per_mwh"] + fuel,
        needs_gas_line=technologies["needs_gas_line"] > 0,
    )


def _offers(
    study: Study, settings: SupplySettings, sites: pd.DataFrame, technologies: pd.DataFrame, pue: pd.DataFrame
) -> pd.DataFrame:
    config = study.config
    rate, annuitize = config.economics.discount_rate, config.economics.annuitize
    most_pue = pue.max(axis=1).groupby(level="site").max()
    rows = []
    for s, site in sites.iterrows():
        most = settings.max_share * site["block_mw"] * site["max_blocks"] * float(most_pue.get(s, 1.0))
        for _, facts in technologies.iterrows():
            factor = capital_recovery(rate, facts["life_years"]) if annuitize else study.yearly_factor
            once, stored = facts["cost_musd_per_mw"], facts["storage_cost_musd_per_mwh"]
            ready = first_year(facts, config.study)
            yearly = factor * once + facts["fixed_om_musd_per_mw_year"]
            counted = math.floor(facts["max_units"]) if math.isfinite(facts["max_units"]) else math.inf
            units_mw = counted * facts["unit_mw"] if facts["unit_mw"] else math.inf
            rows.append((ready, min(most, facts["max_mw"], units_mw), yearly, once, factor * stored, stored))
    columns = "ready max_mw annuity_musd_per_mw cost_musd_per_mw annuity_musd_per_mwh cost_musd_per_mwh".split()
    index = pd.MultiIndex.from_product([sites.index, technologies.index], names=["site", "technology"])
    return pd.DataFrame(rows, index=index, columns=columns).astype({"ready": int})


def first_year(facts: pd.Series, settings: StudySettings) -> int:
    """First year in which a technology can serve: its lead time, and when it can be had anywhere."""
    months = shortened(facts["lead_months"], settings.shorter_lead_months)
    return max(ready_year(settings.decision_year, months), int(facts["first_year"]))


def _availability(
    offers: pd.Index, technologies: pd.DataFrame, given: pd.DataFrame, snapshots: list[str]
) -> pd.DataFrame:
    usual = technologies["availability"].reindex(offers.get_level_values("technology")).to_numpy(float)
    made = pd.DataFrame(np.repeat(usual[:, None], len(snapshots), axis=1), index=offers, columns=snapshots)
    # Rows of a site come after those of all sites, so that they hold.
    for row in given.sort_values("site", kind="stable").itertuples() if len(given) else ():
        here = offers.get_level_values("technology") == row.technology
        if row.site:
            here &= offers.get_level_values("site") == row.site
        if row.snapshot in snapshots:
            made.loc[here, row.snapshot] = float(row.availability)
    return made


def _gas_lines(study: Study, settings: SupplySettings, sites: pd.DataFrame, technologies: pd.DataFrame) -> pd.DataFrame:
    km = sites[GAS_LINE].astype(float) if GAS_LINE in sites.columns else pd.Series(0.0, index=sites.index)
    if study.own is not None:
        km = study.own.sites[GAS_LINE].astype(float).reindex(sites.index).fillna(km)
    cost = settings.gas_line_musd_per_km * km.fillna(0.0)
    needed = cost > 0 if (technologies["needs_gas_line"] > 0).any() else cost < 0
    lines = pd.DataFrame({"cost_musd": cost[needed]})
    return lines.assign(annuity_musd=study.yearly_factor * lines["cost_musd"]).rename_axis("site")


def _land(study: Study, sites: pd.DataFrame) -> pd.DataFrame:
    known = sites.loc[sites["area_ha"].notna(), ["area_ha"]].astype(float)
    return known.assign(campus_ha_per_mw=[study.facility_of(str(s)).land_ha_per_mw or 0.0 for s in known.index])


def _yearly_share(candidates: Candidates) -> pd.DataFrame:
    """Least, over cooling technologies, of yearly mean power over that of a snapshot, and at most 1.

    Emissions count the yearly mean PUE. Supply in a hot hour must not count for more than the campus takes in a year.
    """
    mean = candidates.cooling["pue_annual"].reindex(candidates.pue.index)
    ratio = (1.0 / candidates.pue).mul(mean, axis=0).clip(upper=1.0)
    return ratio.groupby(level="site").min().reindex(candidates.sites.index).fillna(1.0)


def adequacy_of(study: Study) -> Adequacy | None:
    """The adequacy that a study asks of its zones; ``None`` where it asks for none."""
    settings = study.config.adequacy
    if settings is None or study.grid is None or study.config.demand is None:
        return None
    zone = study.grid.buses["zone"]
    ends = study.operation.links[["from_unit", "to_unit"]].to_numpy().ravel()
    units = study.operation.generators.drop(index=ends)
    share = study.grid.generators["accredited_share"].reindex(units.index).fillna(1.0)
    accredited = (units["p_max_mw"] * share).groupby(units["bus"].map(zone)).sum()
    zones = pd.DataFrame(index=pd.Index(sorted(set(zone)), name="zone"))
    zones["accredited_mw"] = accredited.reindex(zones.index).fillna(0.0)
    zones["import_mw"] = pd.Series(dict(settings.import_mw), dtype=float).reindex(zones.index).fillna(0.0)
    return Adequacy(zones, settings.reserve_margin)


def supply_findings(study: Study) -> list[Finding]:
    """What is wrong with the supply and the adequacy of a study."""
    findings = [*_orphans(study), *_adequacy(study)]
    settings, tables = study.config.supply, study.supply_tables
    if settings is None or tables is None or study.grid is None or study.config.demand is None:
        return findings
    findings += _technologies(settings, tables)
    if not findings:
        findings += _order(study, settings, technology_table(settings, tables))
    findings += _availability_names(study, tables)
    findings += _generators(study)
    return findings


def _orphans(study: Study) -> Iterator[Finding]:
    """Keys that say nothing without the part that they belong to."""
    config, settings = study.config, study.config.supply
    offered = settings is not None and (settings.technologies or beside_of(study))
    for key in ("carbon_free_share", "carbon_free_share_every_snapshot"):
        if getattr(config.limits, key) and not offered:
            text = "nothing can be carbon-free: the study offers no supply on site"
            yield Finding("study.supply.share_without", f"limits.{key}", text, "", "add [supply] technologies")
        for year, share in getattr(config.limits, key).items():
            if share > 1:
                text, where = "a share is at most 1", f"limits.{key}.{year}"
                yield Finding("config.out_of_range", where, text, f"{share:g}", "give a share between 0 and 1")
    if beside_of(study) and settings is None:
        text = "a site stands beside a generator, and the study has no supply"
        yield Finding("study.supply.beside_without", f"sites, {BESIDE}", text, "", "add [supply]")
    if settings is not None and config.demand is not None and study.grid is None:
        text, remedy = "supply takes the place of what the grid gives, and there is no grid", "give grid.source"
        yield Finding("study.supply.no_grid", "supply", text, "", remedy)
    if settings is not None and config.demand is None:
        text, remedy = "there are no campuses to supply", "add [demand], or leave [supply] out"
        yield Finding("study.supply.no_demand", "supply", text, "", remedy)


def _technologies(settings: SupplySettings, tables: SupplyTables) -> Iterator[Finding]:
    known = list(tables.technologies.index)
    for number, name in enumerate(settings.technologies, start=1):
        where = f"supply.technologies#{number}"
        if name not in known:
            yield Finding("study.supply.unknown", where, "no such technology", repr(name), nearest(name, known))
        if settings.technologies.index(name) != number - 1:
            yield Finding("config.duplicate_name", where, "given twice", repr(name), "keep one")
    for number, one in enumerate(settings.technology, start=1):
        where = f"supply.technology#{number} ({one.name})"
        if one.name not in settings.technologies:
            text, remedy = "the technology is not on offer", nearest(one.name, settings.technologies)
            yield Finding("study.supply.not_offered", where, text, repr(one.name), remedy)
        if [other.name for other in settings.technology].index(one.name) != number - 1:
            yield Finding("config.duplicate_name", where, "changed twice", repr(one.name), "keep one")
    made = technology_table(settings, tables)
    for name in made.index[made["cost_musd_per_mw"].isna()]:
        text, remedy = "the technology has no cost", "give cost_musd_per_mw in supply.table or [[supply.technology]]"
        yield Finding("study.supply.no_cost", f"supply, technology {name}", text, "", remedy)
    for name in made.index[(made["storage_efficiency"] == 0) & (made["storage_cost_musd_per_mwh"] > 0)]:
        text, remedy = "energy is paid for, and nothing is given back", "give storage_efficiency"
        yield Finding("study.supply.no_efficiency", f"supply, technology {name}", text, "0", remedy)
    for name in made.index[(made["max_mw"] > 0) & (made["unit_mw"] > made["max_mw"])]:
        text, remedy = "no whole unit fits, so that it is never built", "raise max_mw, or lower unit_mw"
        found = f"units of {made.at[name, 'unit_mw']:g} MW, {made.at[name, 'max_mw']:g} MW at most"
        yield Finding("study.supply.unit_too_large", f"supply, technology {name}", text, found, remedy)
    for name in made.index[made["life_years"] <= 0]:
        text, remedy = "its life has no length", "give life_years above 0"
        yield Finding("config.out_of_range", f"supply, technology {name}, life_years", text, "0", remedy)


SAME_DAYS = 0.01
"""Share by which the days that snapshots of an order stand for may differ: rounding of hours (a choice) [-]."""


def _order(study: Study, settings: SupplySettings, technologies: pd.DataFrame) -> Iterator[Finding]:
    """Storage needs an order, and an order needs each snapshot once, as often as it stands for in the year."""
    stores = list(technologies.index[technologies["storage_efficiency"] > 0])
    if stores and not settings.order:
        text = "storage moves energy from one hour to a later one, and the snapshots have no order"
        remedy = "add [[supply.order]] with snapshots and their hours in a day, or take it off supply.technologies"
        yield Finding("study.supply.no_order", "supply.order", text, ", ".join(stores), remedy)
    snapshots, seen = study.operation.snapshots["hours"], set[str]()
    for number, day in enumerate(settings.order, start=1):
        where = f"supply.order#{number}"
        if len(day.snapshots) != len(day.hours) or not day.snapshots:
            text, found = "every snapshot needs its hours", f"{len(day.snapshots)} snapshots, {len(day.hours)} hours"
            yield Finding("study.supply.order_hours", where, text, found, "give as many hours as snapshots")
            continue
        unknown = [h for h in day.snapshots if h not in snapshots.index]
        for h in unknown:
            remedy = nearest(h, list(snapshots.index))
            yield Finding("study.supply.order_snapshot", where, "no such snapshot", repr(h), remedy)
        for h in day.snapshots:
            if h in seen:
                text, remedy = "the snapshot is in an order already", "put each snapshot into one order, once"
                yield Finding("study.supply.order_twice", where, text, repr(h), remedy)
            seen.add(h)
        if unknown:
            continue
        days = [float(snapshots[h]) / hours for h, hours in zip(day.snapshots, day.hours, strict=True)]
        if max(days) - min(days) > SAME_DAYS * max(days):
            text = (
                "its snapshots stand for different numbers of days in the year, so that energy would appear or vanish"
            )
            found = ", ".join(f"{h} {n:.1f} days" for h, n in zip(day.snapshots, days, strict=True))
            remedy = "give hours in proportion to the hours of each snapshot in the year"
            yield Finding("study.supply.order_days", where, text, found, remedy)


def _availability_names(study: Study, tables: SupplyTables) -> Iterator[Finding]:
    given, where = tables.availability, tables.names[1]
    sites = [] if study.own is None else list(study.own.sites.index)
    sites += list(study.candidates.sites.index)
    known = {
        "technology": list(tables.technologies.index),
        "snapshot": list(study.operation.snapshots.index),
        "site": ["", *sites],
    }
    for column, names in known.items():
        for row, value in given[column].items():
            if value not in names:
                text = f"no such {column}"
                remedy = nearest(str(value), names)
                yield Finding(
                    f"study.supply.unknown_{column}", f"{where} row {row}, {column}", text, repr(value), remedy
                )


def _generators(study: Study) -> Iterator[Finding]:
    """A generator beside a site is one of the grid's, at the bus of one of the site's ties or a transformer from it."""
    assert study.grid is not None
    units = study.operation.generators
    ties = pd.DataFrame(study.candidates.ties)
    for s, g in beside_of(study).items():
        where, ends = f"sites, site {s}, {BESIDE}", set(ties.loc[ties["site"] == s, "bus"])
        if g in study.config.conditions.withdrawn_generators:
            text, remedy = (
                "the generator that the site stands beside is withdrawn",
                "keep it, or leave the column empty",
            )
            yield Finding("study.supply.generator_withdrawn", where, text, repr(g), remedy)
        elif g not in units.index:
            remedy = nearest(g, list(units.index)) if len(units) < 100 else "name a generator in service"
            yield Finding("study.supply.unknown_generator", where, "no such generator", repr(g), remedy)
        elif ends and not ends & (buses := _behind_the_meter(study.grid, str(units.at[g, "bus"]))):
            text = "behind one meter, campus and generator share a bus, and no tie of the site ends at the generator's"
            remedy = f"give the site a tie to bus {' or '.join(sorted(buses))}"
            yield Finding("study.supply.other_bus", where, text, repr(g), remedy)


def _adequacy(study: Study) -> Iterator[Finding]:
    settings = study.config.adequacy
    if settings is None:
        return
    if study.grid is None or study.config.demand is None:
        text = "zones need capacity for campuses on a grid, and the study lacks one of both"
        yield Finding("study.adequacy.nothing", "adequacy", text, "", "add [grid] and [demand], or leave it out")
        return
    zones = sorted(set(study.grid.buses["zone"]))
    for name in settings.import_mw:
        if name not in zones:
            yield Finding(
                "study.adequacy.zone", f"adequacy.import_mw.{name}", "no such zone", repr(name), nearest(name, zones)
            )
    made = adequacy_of(study)
    assert made is not None
    load = study.operation.load_mw.groupby(study.grid.buses["zone"]).sum()
    need = (1.0 + settings.reserve_margin) * load.max(axis=1)
    points = set(study.grid.buses["zone"].reindex(pd.unique(pd.DataFrame(study.candidates.ties)["bus"])))
    for z in [z for z in zones if z in points]:
        given = float(made.zones.loc[z].sum())
        if given < need[z] - 1e-6:
            named = repr(z) if z else "the whole grid, which names no zones"
            text = f"accredited capacity and imports of zone {named} are less than its own load with the reserve"
            found = f"{given:,.1f} of {need[z]:,.1f} MW"
            remedy = "raise adequacy.import_mw, lower reserve_margin, or check accredited_share"
            yield Finding("study.adequacy.short", "adequacy", text, found, remedy, "warning")
