"""What contradicts the portfolio of a study, found before anything is solved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from optimizer.config import DeliverySettings
from optimizer.errors import Finding, nearest
from optimizer.study.equipment import equipment_findings
from optimizer.study.facility_facts import site_facts
from optimizer.study.objective_checks import knows_emissions
from optimizer.study.portfolio import EMBODIED, OWN_LIMITS, arriving, share_of
from optimizer.study.work import cooled_racks, most_dense_kw

if TYPE_CHECKING:
    from optimizer.study.study import Study

ROUNDING = 1e-9
"""Relative rounding that does not count as too little [-]."""


def portfolio_findings(study: Study) -> list[Finding]:
    """Findings about limits of the portfolio that name nothing, know nothing, or cannot be met by any plan.

    Parameters
    ----------
    study : Study
        The study, read without errors.
    """
    if study.config.demand is None:
        return []
    found = [*_work(study), *_columns(study), *_places(study), *_basins(study), *_embodied(study)]
    return [*found, *_deliveries(study), *equipment_findings(study)]


def _columns(study: Study) -> Iterator[Finding]:
    """Shares of groups that no site belongs to, and shares that leave the target without room."""
    sites = study.candidates.sites
    if len(sites) and study.config.limits.share_per_county is not None and not (sites["county"].fillna("") != "").any():
        text = "no site says which county it lies in, so the limit would hold nothing back"
        remedy = "name a dataset in sites.region, or add a column county to sites.table"
        found = f"{study.config.limits.share_per_county:g}"
        yield Finding("study.portfolio.no_column", "limits.share_per_county", text, found, remedy)
    asked = [c for c in study.config.limits.share_per if c not in OWN_LIMITS]
    if not asked:
        return
    labels = study.site_labels
    for column in asked:
        where = f"limits.share_per.{column}"
        if column not in labels or not (labels[column] != "").any():
            known = [c for c in labels.columns if (labels[c] != "").any()]
            text = "no site says which one it belongs to"
            remedy = f"add a column {column} to sites.table; {nearest(column, [*known, *OWN_LIMITS])}"
            yield Finding("study.portfolio.no_column", where, text, repr(column), remedy)
            continue
        share, names = study.config.limits.share_per[column], labels[column]
        if (names != "").all() and share * names.nunique() < 1.0 - 1e-9 and _all_must_be_served(study):
            text = f"sites belong to {names.nunique()} of them, and together these may host less than the target"
            remedy = f"give at least {1.0 / names.nunique():.3g}, or sites that belong to others"
            yield Finding("study.portfolio.share_too_small", where, text, f"{share:g}", remedy, value=share)


def _all_must_be_served(study: Study) -> bool:
    demand = study.config.demand
    assert demand is not None
    return study.config.workloads is None and demand.must_be_served and not demand.efficiency


def _places(study: Study) -> Iterator[Finding]:
    """Limits on substations without a grid; losses that a share of the target forbids."""
    limits = study.config.limits
    if study.grid is None:
        if share_of(limits, "substation") is not None and limits.share_per_substation is None:
            text, remedy = "there are no substations without a grid", "name a grid in grid.source, or leave it out"
            yield Finding("study.limits.substation_without_grid", "limits.share_per.substation", text, "", remedy)
        for key, asked in (
            ("survive_loss_of", limits.survive_loss_of == "substation"),
            ("largest_loss_mw.substation", "substation" in limits.largest_loss_mw),
        ):
            if asked:
                text, remedy = "there are no substations without a grid", "name a grid in grid.source, or leave it out"
                yield Finding("study.limits.substation_without_grid", f"limits.{key}", text, "", remedy)
    sites = study.candidates.sites
    if limits.survive_loss_of is not None and (limits.share_left or 0.0) > 0 and len(sites) == 1:
        text = "the study has one site, and nothing is left without it"
        remedy = "offer another site, or leave survive_loss_of out"
        yield Finding("study.portfolio.one_site", "limits.survive_loss_of", text, str(sites.index[0]), remedy)
    for kind, most in limits.largest_loss_mw.items() if len(sites) else ():
        least = float((sites["min_blocks"].clip(lower=1) * sites["block_mw"]).min())
        if least > most + 1e-9:
            where = f"limits.largest_loss_mw.{kind}"
            text = f"the smallest campus on offer has {least:g} MW of IT, so no site may be built"
            remedy = f"raise it to {least:g} MW times its PUE, or offer smaller blocks"
            yield Finding("study.portfolio.loss_below_block", where, text, f"{most:g} MW", remedy)


def _basins(study: Study) -> Iterator[Finding]:
    known = sorted({str(b) for b in study.candidates.sites["basin"] if b})
    for basin in study.config.limits.water_m3_day_per_basin:
        if basin not in known:
            remedy = nearest(basin, known) if known else "give basin in sites.table, or a region with water regions"
            text = "no site lies in such a water region"
            yield Finding(
                "study.portfolio.unknown_basin", f"limits.water_m3_day_per_basin.{basin}", text, repr(basin), remedy
            )


def _embodied(study: Study) -> Iterator[Finding]:
    """Caps on embodied carbon of campuses of which nothing is known."""
    config, sites = study.config, study.candidates.sites
    facts = site_facts(config, sites["kind"], study.yearly_factor, study.halls)
    unknown = [key for key in EMBODIED[:2] if key not in facts or facts[key].isna().any()]
    # IT that embodies nothing, such as another's, need not be renewed either.
    made = facts["it_t_per_mw"].fillna(1.0) > 0 if "it_t_per_mw" in facts else pd.Series(True, index=sites.index)
    if made.any() and ("refresh_years" not in facts or facts["refresh_years"][made].isna().any()):
        unknown.append("refresh_years")
    if config.limits.embodied_t and unknown:
        text = "what a MW of IT embodies is not known"
        remedy = f"give {', '.join(unknown)} under [facility]"
        yield Finding("study.portfolio.embodied_unknown", "limits.embodied_t", text, "", remedy)
    if not config.economics.carbon_price_usd_per_t:
        return
    where = "economics.carbon_price_usd_per_t"
    if "it_t_per_mw" in facts and (facts["refresh_years"].isna() & (facts["it_t_per_mw"] > 0)).any():
        text, remedy = (
            "what IT embodies is paid for as it is renewed",
            "give facility.refresh_years, or leave it_t_per_mw out",
        )
        yield Finding("study.portfolio.embodied_unknown", where, text, "", remedy)
    embodies = any((facts[key] > 0).any() for key in EMBODIED[:2] if key in facts)
    if not knows_emissions(study) and not embodies:
        text = "neither the grid's emissions at any site nor embodied carbon is known: the price changes nothing"
        remedy = "name a dataset in sites.region, or give emission_t_per_mwh in sites.table or "
        remedy += f"{', '.join(EMBODIED)} under [facility]"
        yield Finding("study.portfolio.carbon_unknown", where, text, "", remedy)


def _work(study: Study) -> Iterator[Finding]:
    """Parts that do not go with work and programmes; years in which no rack is sold; racks that nothing cools."""
    config, demand = study.config, study.config.demand
    assert demand is not None
    if not demand.work and not demand.efficiency:
        return
    what = "work" if demand.work else "efficiency"
    if study.workloads is not None:
        text, remedy = "workloads give demand region by region", "leave it out, or [workloads]"
        yield Finding("study.work.workloads", f"demand.{what}", text, "", remedy)
    if config.uncertainty is not None:
        text, remedy = "futures decide about sites, not about racks and programmes", f"leave out demand.{what}"
        yield Finding("study.work.uncertainty", "uncertainty", text, "", remedy)
    racks = study.racks
    if racks is None:
        return
    for number, one in enumerate(config.sensitivity.range, start=1):
        if one.what == "demand":
            text, remedy = "the range changes demand in MW, and it is given in work", "take the range out"
            yield Finding("study.work.range", f"sensitivity.range#{number} (demand)", text, "demand", remedy)
    cooled = cooled_racks(study)
    assert cooled is not None
    if len(cooled) < len(racks):
        yield from _too_dense(racks.drop(index=cooled.index), cooled, most_dense_kw(study))
    if cooled.empty:
        return
    first = int(cooled["first_year"].min())
    for t in (t for t in sorted(demand.work) if t < first):
        text = f"no rack of the catalogue is sold before {first}"
        text += "" if len(cooled) == len(racks) else " of those that any site takes"
        yield Finding("study.work.no_rack", f"demand.work.{t}", text, str(t), "move the period, or add older racks")


def _too_dense(racks: pd.DataFrame, cooled: pd.DataFrame, most_kw: float) -> Iterator[Finding]:
    """Racks that no site takes: refused where no other is left, else left out with a warning."""
    found = ", ".join(f"{k} ({kw:g} kW)" for k, kw in racks["kw"].items())
    remedy = "allow denser cooling, raise max_rack_density_kw of a site, or offer less dense racks"
    if cooled.empty:
        text = f"every rack is denser than the {most_kw:g} kW that any site on offer takes"
        yield Finding("study.work.density", "demand.racks", text, found, remedy)
        return
    text = f"denser than the {most_kw:g} kW that any site on offer takes, so that it is left out"
    yield Finding("study.work.too_dense", "demand.racks", text, found, remedy, "warning")


def _deliveries(study: Study) -> Iterator[Finding]:
    """Items of which too few arrive for what must be served, whatever kind of capacity serves it."""
    config, sites = study.config, study.candidates.sites
    required = required_mw(study)
    for number, one in enumerate(config.limits.delivery, start=1):
        where = f"limits.delivery#{number} ({one.item})"
        yield from _unknown_plant(study, one, where)
        if one.kinds and not sites["kind"].isin(one.kinds).any():
            text, remedy = "no site is of such a kind, so that the limit changes nothing", "correct kinds"
            yield Finding("study.portfolio.delivery_unused", where, text, ", ".join(one.kinds), remedy, "warning")
        if not one.per_mw or (one.kinds and not sites["kind"].isin(one.kinds).all()):
            continue
        arrived = 0.0
        for t, number_in in arriving(one.per_year, config.study.periods, config.study.decision_year).items():
            arrived += number_in
            needed = one.per_mw * required.get(t, 0.0)
            if arrived < needed - ROUNDING * max(1.0, needed):
                text = f"{one.item} that arrive until {t} are fewer than the {required[t]:g} MW to be served take"
                remedy = "raise per_year, lower the demand, or give a price of what is not served"
                found = f"{arrived:g} of {needed:g}"
                yield Finding(
                    "study.portfolio.too_few_delivered", where, text, found, remedy, value=arrived, limit=needed
                )
                break


def _unknown_plant(study: Study, one: DeliverySettings, where: str) -> Iterator[Finding]:
    """Technologies that are not on offer, and takers that a study does not have."""
    config = study.config
    on_offer = {
        "per_supply_mw": () if config.supply is None else config.supply.technologies,
        "per_cooling_mw": tuple(dict.fromkeys(str(c) for c in study.candidates.cooling.index.get_level_values(1))),
    }
    for key, known in on_offer.items():
        for name in getattr(one, key):
            if name not in known:
                text = "no site has such a technology on offer"
                remedy = nearest(name, known) if known else "leave it out"
                yield Finding("study.portfolio.delivery_technology", f"{where}, {key}", text, repr(name), remedy)
    backed = config.service is not None and config.service.backup is not None
    lacking = {
        "per_tie": study.grid is None,
        "per_upgrade": study.grid is None or study.upgrades.empty,
        "per_circuit": study.grid is None or study.circuits.empty,
        "per_backup_mw": not backed,
    }
    for key, lacks in lacking.items():
        if getattr(one, key) and lacks:
            text, found = "the study has nothing of that kind to take the item", f"{getattr(one, key):g}"
            yield Finding("study.portfolio.delivery_unused", f"{where}, {key}", text, found, "leave it out", "warning")


def required_mw(study: Study) -> dict[int, float]:
    """IT load that must be in service whatever it costs, by period [MW]."""
    demand = study.config.demand
    if study.workloads is not None:
        return {int(t): float(mw) for t, mw in study.workloads[0].required_mw.items()}
    if demand is None or not demand.must_be_served or demand.work:
        return {}
    avoidable = sum(one.max_units for one in demand.efficiency)
    return {t: max(0.0, mw - avoidable) for t, mw in demand.it_mw.items()}
