"""Service: what is curtailed against every limit of it, what serves it, its cost, and transfers by payer.

Decisions are what each campus is curtailed by, what backup serves, what is put off and caught up, and backup capacity;
everything else is recomputed from these, from facility power and from the study file.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from optimizer.config.firmness import scenario_name
from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, capped, compare_tables, finding
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_money import circuits_musd, upgrades_musd
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_service import (
    backup_capacity_mw,
    backup_t_per_year,
    dropped_mw,
    hours,
    moved_mw,
    service_musd,
)
from optimizer.plan.verify_supply import carried_mw
from optimizer.plan.verify_tariffs import HOURS_IN_MONTHS, contract_mw, non_firm_mw, places, taken_mwh, tariff_at
from optimizer.units import HOURS_PER_YEAR, USD_PER_MUSD


def check_service_tables(context: Context) -> list[Finding]:
    """Every row and column of the tables of service, which has every campus on the grid."""
    served, H = context.on_grid, context.snapshots
    rows = context.placed.loc[served, ["site", "period"]].reset_index(drop=True)
    moved = {name: mw[served] for name, mw in moved_mw(context).items()}
    facility = context.facility_mw[H].to_numpy(float)[served]
    contract, non_firm = contract_mw(context)[served], non_firm_mw(context)[served]
    every = rows.loc[rows.index.repeat(len(H))].reset_index(drop=True)
    expected = every.assign(
        snapshot=H * len(rows),
        facility_mw=facility.ravel(),
        firm_mw=np.repeat(contract - non_firm, len(H)),
        non_firm_mw=np.repeat(non_firm, len(H)),
        drawn_mw=context.drawn_mw[H].to_numpy(float)[served].ravel(),
    )
    findings = compare_tables(context.prefix, "service", context.table("service"), expected)
    energy = {name: mw @ hours(context) for name, mw in moved.items()}
    whole = facility @ hours(context)
    years = rows.assign(
        contract_mw=contract,
        firm_mw=contract - non_firm,
        non_firm_mw=non_firm,
        curtailed_mwh=energy["curtailed_mw"],
        curtailed_share=np.divide(energy["curtailed_mw"], whole, out=np.zeros(len(rows)), where=whole > 0),
        curtailed_hours=curtailed_hours(context)[served],
        backup_mwh=energy["backup_mw"],
        lost_mwh=energy["curtailed_mw"] - energy["backup_mw"] - energy["deferred_mw"],
        emissions_t_per_year=backup_t_per_year(context)[served],
        cost_musd=service_musd(context)[served],
    )
    findings += compare_tables(context.prefix, "service_years", context.table("service_years"), years)
    if not context.case.drops_load:
        return findings
    left = expected["drawn_mw"] - dropped_mw(context)[served].ravel()
    expected = expected[["site", "period", "snapshot", "drawn_mw"]].assign(left_mw=left)
    return findings + compare_tables(context.prefix, "dropped", context.table("dropped"), expected)


def curtailed_hours(context: Context) -> Floats:
    """Hours of a year in which anything of each row of ``placed`` is curtailed [h/year]."""
    return np.asarray((moved_mw(context)["curtailed_mw"] > 0) @ hours(context))


def check_curtailment(context: Context) -> list[Finding]:
    """Curtailment is within load, yearly energy, hours and the non-firm contract, with drops; nothing is negative."""
    given, moved = context.study.config.service, moved_mw(context)
    assert given is not None
    facility, slack = context.facility_mw[context.snapshots].to_numpy(float), tolerances.POWER_MW
    found = []
    for name, mw in moved.items():
        found += _rows(context, name, mw, mw < -slack, "plan.service.negative", np.zeros_like(mw), "is below 0")
    curtailed = moved["curtailed_mw"]
    message = "more is curtailed than the campus would draw"
    found += _rows(
        context, "curtailed_mw", curtailed, curtailed > facility + slack, "plan.service.load", facility, message
    )
    energy, whole = curtailed @ hours(context), facility @ hours(context)
    limit = given.curtailable_share * whole
    found += _years(context, energy, limit, slack * HOURS_PER_YEAR, "energy", "MWh", "service.curtailable_share allows")
    if given.curtailable_hours_per_year is not None:
        most = np.full(len(energy), given.curtailable_hours_per_year)
        counted = (curtailed > slack) @ hours(context)
        found += _years(context, counted, most, 1e-6, "hours", "h", "service.curtailable_hours_per_year allows")
    found += _dropped(context)
    non_firm, needed = non_firm_mw(context), (curtailed + dropped_mw(context)).max(axis=1, initial=0.0)
    firmly = np.where(in_interim(context), 1.0, given.non_firm_share) * contract_mw(context)
    found += _years(context, non_firm, firmly, slack, "contract", "MW", "service.non_firm_share allows")
    found += _years(context, needed, non_firm, slack, "firm", "MW", "non-firm contract demand")
    return capped(found, f"{context.prefix}tables/service.csv")


def _dropped(context: Context) -> list[Finding]:
    """An outage drops no more than is drawn before, what is caught up apart, and nothing where the study forbids it."""
    mw, slack = dropped_mw(context), tolerances.POWER_MW
    where, wrong = f"{context.prefix}tables/dropped.csv", "plan.service.dropped"
    if not context.case.drops_load:
        stated = context.table("dropped")
        return [] if stated.empty else [finding(where, len(stated), 0)]
    drawn = context.drawn_mw[context.snapshots].to_numpy(float) - moved_mw(context)["recovered_mw"]
    most = np.maximum(np.where(context.on_grid[:, None], drawn, 0.0), 0.0)
    found = []
    for i, h in np.argwhere((mw < -slack) | (mw > most + slack)):
        site, t = context.placed["site"].iat[i], context.placed["period"].iat[i]
        at = f"{where} site {site}, period {t}, snapshot {context.snapshots[h]} column dropped_mw"
        message = "outages drop what is drawn before, no more and not less than nothing"
        found.append(broken(wrong, at, message, float(mw[i, h]), float(most[i, h]), "MW"))
    return found


def in_interim(context: Context) -> np.ndarray:
    """Whether each row of ``placed`` ends within the interim years of its campus."""
    given = context.study.config.service
    assert given is not None
    rows = context.placed
    if not given.interim_non_firm or given.interim_years is None:
        return np.zeros(len(rows), dtype=bool)
    first = rows.groupby("site")["period"].transform("min")
    end = rows["period"] + rows["period"].map(context.case.periods["years"]).astype(float)
    return (end <= first + given.interim_years).to_numpy(bool)


def check_backup(context: Context) -> list[Finding]:
    """Backup and deferral serve what is curtailed, within capacity, permit and share."""
    given, moved, slack = context.study.config.service, moved_mw(context), tolerances.POWER_MW
    assert given is not None
    facility, capacity = context.facility_mw[context.snapshots].to_numpy(float), backup_capacity_mw(context)
    contract = facility.max(axis=1, initial=0.0)
    meanwhile = moved["backup_mw"] + moved["deferred_mw"]
    found: list[Finding] = []
    for name, mw, most, message in (
        ("backup_mw", meanwhile, moved["curtailed_mw"], "backup and deferral are more than is curtailed"),
        ("backup_mw", moved["backup_mw"], capacity[:, None], "backup is above its capacity"),
        ("deferred_mw", moved["deferred_mw"], deferrable(context) * facility, "more is put off than can wait"),
        ("recovered_mw", moved["recovered_mw"], catch_up(context) * contract[:, None], "more is caught up than can be"),
    ):
        limit = np.broadcast_to(most, mw.shape)
        found += _rows(context, name, mw, mw > limit + slack, "plan.service.limit", limit, message)
    permit = 0.0 if given.backup is None else given.backup.hours_per_year
    share = 0.0 if given.backup is None else given.backup.share
    served = moved["backup_mw"] @ hours(context)
    found += _years(
        context, served, permit * capacity, slack * HOURS_PER_YEAR, "permit", "MWh", "the air permit allows"
    )
    found += _years(context, capacity, share * contract, slack, "backup", "MW", "service.backup.share allows")
    found += _carried(context, carried_mw(context))
    if given.deferral is not None and given.deferral.energy == "neutral":
        late = (moved["deferred_mw"] - moved["recovered_mw"]) @ hours(context)
        nothing, close = np.zeros(len(late)), slack * HOURS_PER_YEAR
        found += _years(context, np.abs(late), nothing, close, "caught_up", "MWh", "energy-neutral deferral allows")
    return capped(found + list(_less_backup(context)), f"{context.prefix}tables/service.csv")


def deferrable(context: Context) -> float:
    """Share of load that can wait [-]."""
    given = context.study.config.service
    return 0.0 if given is None or given.deferral is None else given.deferral.share


def catch_up(context: Context) -> float:
    """Share of contract demand that can be drawn above facility power [-]."""
    given = context.study.config.service
    if given is None or given.deferral is None or given.deferral.energy == "lost":
        return 0.0
    return given.deferral.catch_up_share


def _carried(context: Context, drawn: Floats) -> list[Finding]:
    """Ties carry what is caught up as well."""
    capacity = context.case.ties["capacity_mw"].reindex(context.placed["tie"]).to_numpy(float)[:, None]
    limit = np.broadcast_to(capacity, drawn.shape)
    beyond = (drawn > limit + tolerances.POWER_MW) & (moved_mw(context)["recovered_mw"] > tolerances.POWER_MW)
    return _rows(context, "recovered_mw", drawn, beyond, "plan.tie.capacity", limit, "the tie carries no more")


def _less_backup(context: Context) -> Iterator[Finding]:
    """Backup capacity never shrinks."""
    rows = context.placed[["site", "period"]].assign(mw=backup_capacity_mw(context)).sort_values("period")
    for site, own in rows.groupby("site"):
        for t in own["period"].to_numpy()[1:][np.diff(own["mw"].to_numpy(float)) < -tolerances.POWER_MW]:
            where = f"{context.prefix}tables/service_years.csv site {site}, period {t} column backup_capacity_mw"
            yield Finding("plan.service.backup_undone", where, "backup once made fit stays so")


def _rows(
    context: Context, name: str, stated: Floats, bad: np.ndarray, rule: str, limit: Floats, message: str
) -> list[Finding]:
    """Findings of single snapshots."""
    found = []
    for i, h in np.argwhere(bad):
        site, t = context.placed["site"].iat[i], context.placed["period"].iat[i]
        where = (
            f"{context.prefix}tables/service.csv site {site}, period {t}, snapshot {context.snapshots[h]} column {name}"
        )
        found.append(broken(rule, where, message, float(stated[i, h]), float(limit[i, h]), "MW"))
    return found


def _years(
    context: Context, value: Floats, limit: Floats, slack: float, rule: str, unit: str, whose: str
) -> list[Finding]:
    """Findings of whole years."""
    found = []
    for i in np.flatnonzero(value > limit + slack):
        site, t = context.placed["site"].iat[i], context.placed["period"].iat[i]
        where = f"{context.prefix}tables/service_years.csv site {site}, period {t}"
        message = f"more than {whose}, {limit[i]:.6g} {unit}"
        found.append(broken(f"plan.service.{rule}", where, message, float(value[i]), float(limit[i]), unit))
    return found


def check_transfers(context: Context) -> list[Finding]:
    """Every row of the table of transfers, by payer."""
    given = context.study.config.service
    if given is None or not given.tariff:
        return []
    expected = pd.DataFrame(_transfers(context), columns=["account", "payer", "period", "amount_musd"])
    return compare_tables(context.prefix, "transfers", context.table("transfers"), expected)


def _transfers(context: Context) -> Iterator[tuple[str, str, int, float]]:
    """What each payer pays in each period, campus by campus."""
    given = context.study.config.service
    assert given is not None
    rows, contract, taken = context.placed, contract_mw(context), taken_mwh(context)
    firm = contract - non_firm_mw(context)
    named = np.array(places(context), dtype=object)
    upgrades = upgrades_musd(context, context.table("upgrades"))
    circuits = circuits_musd(context, context.table("circuits"))
    for t in context.periods:
        now = (rows["period"] == t).to_numpy(bool) & context.on_grid
        shared = upgrades[t] + circuits[t] if context.has_grid else 0.0
        others, years = shared, context.annuity_years[t]
        for place in sorted(set(named[now])):
            tariff = tariff_at(context, place)
            if tariff is None:
                continue
            who, here = f" in {place}" if place else "", now & (named == place)
            month = tariff.demand_usd_per_kw_month * firm[here].sum()
            month += tariff.non_firm_usd_per_kw_month * (contract[here] - firm[here]).sum()
            yield "demand charge", f"load{who}", t, years * HOURS_IN_MONTHS * month
            owed = np.maximum(0.0, tariff.minimum_take_share * HOURS_PER_YEAR * contract[here] - taken[here]).sum()
            yield "minimum take", f"load{who}", t, years * tariff.energy_usd_per_mwh * owed / USD_PER_MUSD
            yield "deposit held", f"load{who}", t, tariff.deposit_musd_per_mw * contract[here].sum()
            yield "exit fee at stake", f"load{who}", t, tariff.exit_fee_musd_per_mw * contract[here].sum()
            tax = years * tariff.tax_musd_per_mw_year * float(rows["it_mw"].to_numpy(float)[here].sum())
            yield "tax", f"load{who}", t, (1.0 - tariff.tax_abatement_share) * tax
            yield "tax abatement", f"authority{who}", t, tariff.tax_abatement_share * tax
            part = tariff.upgrade_cost_share * shared * contract[here].sum() / max(contract[now].sum(), 1e-12)
            yield "network upgrades", f"load{who}", t, part
            others -= part
        yield "network upgrades", "other customers", t, others


def check_firmness(context: Context, scenarios: dict[str, Context]) -> list[Finding]:
    """The curve of firmness, from the plans of its scenarios.

    Parameters
    ----------
    context : Context
        The plan.
    scenarios : dict of str to Context
        Its comparison plans.
    """
    shares = context.study.config.report.firmness
    present = [share for share in shares if scenario_name(share) in scenarios]
    stated = context.table("firmness")
    if not present:
        return [] if stated.empty else [finding("tables/firmness.csv", len(stated), 0)]
    rows = []
    for share in present:
        other = scenarios[scenario_name(share)]
        totals = other.summary["objectives"]
        energy = moved_mw(other)["curtailed_mw"] @ hours(other) if len(other.placed) else np.zeros(0)
        # Totals are recomputed by the scenario's own checks.
        rows.append(
            (
                share,
                scenario_name(share),
                totals["cost_musd"],
                other.summary["bound_musd"],
                totals["delay_mw_years"],
                energy.sum(),
            )
        )
    columns = ["share", "scenario", "cost_musd", "bound_musd", "delay_mw_years", "curtailed_mwh"]
    expected = pd.DataFrame(rows, columns=columns)
    months = 12.0 * (expected["delay_mw_years"].iat[0] - expected["delay_mw_years"])
    dollars = USD_PER_MUSD * (expected["cost_musd"].iat[0] - expected["cost_musd"])
    value = [d / e if e > 1e-6 else np.nan for d, e in zip(dollars, months, strict=True)]
    expected = expected.assign(earlier_mw_months=months, value_usd_per_mw_month=value)
    return compare_tables("", "firmness", stated, expected)


CHECKS = (check_service_tables, check_curtailment, check_backup)
"""Checks of a study in which anything may be curtailed; transfers and the curve have their own conditions."""
