"""Work: racks against what is built and cooled, programmes against their sizes, and what both count towards the target.

Racks and units are decisions of the plan; what they count and cost is worked out from the catalogue and the study.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_halls import densest_kw
from optimizer.plan.verify_compare import broken, capped, compare_tables, finding
from optimizer.plan.verify_context import Context, remembered
from optimizer.study.economics import capital_recovery
from optimizer.units import HOURS_PER_YEAR

KWH_PER_MWH = 1000.0
"""Kilowatt-hours in a megawatt-hour (definition)."""

SHARE = 2e-6
"""Rounding of sums of rows that are written with six decimals [-]."""


def has_racks(context: Context) -> bool:
    """Whether the study asks for work, so that racks are chosen."""
    return context.study.racks is not None


def has_programmes(context: Context) -> bool:
    """Whether the study has programmes of efficiency."""
    demand = context.study.config.demand
    return demand is not None and bool(demand.efficiency)


@remembered
def work_per_mw(context: Context) -> dict[int, float]:
    """Work that a MW of the best rack that some site takes does in a year, by period [1/MW-year]."""
    racks = context.study.racks
    assert racks is not None
    offered = context.case.cooling.index.to_frame(index=False)
    if len(offered):
        taken_kw = _cooled_kw(context, offered["cooling"]).clip(upper=_place_kw(context, offered["site"]))
        racks = racks[racks["kw"] <= taken_kw.max()]
    hours = HOURS_PER_YEAR * (context.study.config.facility.utilization or 1.0)
    return {
        t: max(float(w) * KWH_PER_MWH * hours for w, y in racks[["work_per_kwh", "first_year"]].to_numpy() if y <= t)
        for t in context.periods
    }


def _cooled_kw(context: Context, cooling: pd.Series) -> pd.Series:
    """Densest rack that each technology takes; one of which nothing is known, as of what is rented, takes any [kW]."""
    if context.study.region is None:
        return pd.Series(np.inf, index=cooling.index)
    facts = context.study.region.facts["cooling_technologies"].set_index("cooling")["rack_density_max_kw"]
    return cooling.map(facts.astype(float)).fillna(np.inf)


def _place_kw(context: Context, sites: pd.Series) -> pd.Series:
    """Densest rack that each place takes by the table of sites [kW]."""
    return sites.map({s: densest_kw(context, str(s)) for s in sites.unique()}).astype(float)


@remembered
def racks_expected(context: Context) -> pd.DataFrame:
    """Table ``racks`` with what each row counts and costs."""
    catalogue, rows, config = context.study.racks, context.table("racks"), context.study.config
    assert catalogue is not None
    life, factor = config.facility.refresh_years, context.study.yearly_factor
    if life is not None and config.economics.annuitize:
        factor = capital_recovery(config.economics.discount_rate, life)
    kind = catalogue.loc[rows["rack"]].reset_index(drop=True)
    hours = HOURS_PER_YEAR * (config.facility.utilization or 1.0)
    best = rows["period"].map(work_per_mw(context)).to_numpy(float)
    done = kind["work_per_kwh"].to_numpy(float) * KWH_PER_MWH * hours
    years = rows["period"].map(context.annuity_years).to_numpy(float)
    mw = rows["it_mw"].to_numpy(float)
    cost = years * factor * kind["cost_musd_per_mw"].to_numpy(float) * mw * _is_paid(context, rows)
    return rows.reset_index(drop=True).assign(counted_mw=done / best * mw, cost_musd=cost)


def _is_paid(context: Context, racks: pd.DataFrame) -> np.ndarray:
    """Whether racks are paid for beside the place they stand in: those of a cloud are in its rent."""
    return np.asarray(racks["site"].map(context.case.sites["kind"]) != "cloud", dtype=float)


@remembered
def efficiency_expected(context: Context) -> pd.DataFrame:
    """Table ``efficiency`` with what each row avoids and costs."""
    rows, demand = context.table("efficiency").reset_index(drop=True), context.study.config.demand
    assert demand is not None
    price = {one.name: one.cost_musd_per_unit * context.study.yearly_factor for one in demand.efficiency}
    per_mw = work_per_mw(context) if has_racks(context) else dict.fromkeys(context.periods, 1.0)
    years = rows["period"].map(context.annuity_years).to_numpy(float)
    yearly = rows["programme"].map(price).to_numpy(float)
    return rows.assign(
        avoided_mw=rows["units"] / rows["period"].map(per_mw).astype(float), cost_musd=years * yearly * rows["units"]
    )


@remembered
def serving_mw(context: Context) -> pd.Series:
    """What each row of ``placed`` counts towards the target: its IT load, or what its racks count [MW]."""
    rows = context.placed
    if not has_racks(context):
        return rows["it_mw"].astype(float)
    counted: dict[tuple[str, int], float] = {}
    for site, t, mw in racks_expected(context)[["site", "period", "counted_mw"]].itertuples(index=False, name=None):
        counted[site, t] = counted.get((site, t), 0.0) + float(mw)
    pairs = rows[["site", "period"]].itertuples(index=False, name=None)
    return pd.Series([counted.get(pair, 0.0) for pair in pairs], index=rows.index, dtype=float)


@remembered
def counted_mw(context: Context) -> dict[int, float]:
    """What counts towards the target by period: what is built or its racks, and what is avoided [MW]."""
    if has_racks(context):
        met = racks_expected(context).groupby("period")["counted_mw"].sum().to_dict()
    else:
        met = dict(context.it_mw)
    if has_programmes(context):
        for t, mw in efficiency_expected(context).groupby("period")["avoided_mw"].sum().items():
            met[t] = met.get(t, 0.0) + float(mw)
    return {t: float(met.get(t, 0.0)) for t in context.periods}


@remembered
def accounts_musd(context: Context) -> dict[str, pd.Series]:
    """Present value of racks and of programmes by period, each where the study has them [M$]."""
    found = {}
    for account, asked, rows in (
        ("racks", has_racks, racks_expected),
        ("efficiency", has_programmes, efficiency_expected),
    ):
        if asked(context):
            by_period = rows(context).groupby("period")["cost_musd"].sum()
            found[account] = by_period.reindex(context.periods).fillna(0.0)
    return found


@remembered
def once_musd(context: Context) -> dict[int, float]:
    """One-time cost of the racks and programmes that stand in each period [M$]."""
    found = dict.fromkeys(context.periods, 0.0)
    if has_racks(context):
        rows, catalogue = context.table("racks"), context.study.racks
        assert catalogue is not None
        each = rows["rack"].map(catalogue["cost_musd_per_mw"]).astype(float) * rows["it_mw"]
        each = each * _is_paid(context, rows)
        found = {t: found[t] + float(each[rows["period"] == t].sum()) for t in found}
    if has_programmes(context):
        rows, demand = context.table("efficiency"), context.study.config.demand
        assert demand is not None
        price = {one.name: one.cost_musd_per_unit for one in demand.efficiency}
        each = rows["programme"].map(price).astype(float) * rows["units"]
        found = {t: found[t] + float(each[rows["period"] == t].sum()) for t in found}
    return found


def check_racks(context: Context) -> list[Finding]:
    """Racks make up what is built, are sold by then, are cooled, and stay."""
    if not has_racks(context):
        return []
    if "racks" not in context.tables:
        return [finding(f"{context.prefix}tables/racks.csv", "no table", "a table of a study of work")]
    rows, where = context.table("racks"), f"{context.prefix}tables/racks.csv"
    assert context.study.racks is not None
    findings = compare_tables(context.prefix, "racks", rows, racks_expected(context))
    held = rows.groupby(["site", "period"])["it_mw"].sum()
    for site, t, mw in context.placed[["site", "period", "it_mw"]].itertuples(index=False, name=None):
        got = float(held.get((site, t), 0.0))
        if abs(got - mw) > tolerances.POWER_MW + SHARE * mw:
            findings.append(
                broken(
                    "plan.work.racks",
                    f"{where} site {site}, period {t}",
                    "racks do not make up what is built",
                    got,
                    float(mw),
                    "MW",
                )
            )
    built = set(context.placed[["site", "period"]].itertuples(index=False, name=None))
    for i, (site, rack, t) in enumerate(rows[["site", "rack", "period"]].itertuples(index=False, name=None)):
        first = int(context.study.racks.at[rack, "first_year"])
        if (site, t) not in built:
            findings.append(
                Finding("plan.work.racks", f"{where} row {i + 1}", "nothing is built there then", str(site))
            )
        if t < first:
            findings.append(
                broken("plan.work.too_early", f"{where} row {i + 1}", f"the rack is sold from {first} on", t, first, "")
            )
    return capped([*findings, *_uncooled(context, rows), *_removed(context, rows)], where)


def _uncooled(context: Context, rows: pd.DataFrame) -> list[Finding]:
    """Racks whose density the place or its cooling does not take."""
    if context.study.racks is None:
        return []
    placed = context.placed.drop_duplicates("site").set_index("site")["cooling"]
    cooling = rows["site"].map(placed).fillna("")
    densest = (
        ("denser than the site's cooling takes", _cooled_kw(context, cooling)),
        ("denser than the place takes", _place_kw(context, rows["site"])),
    )
    each_kw = rows["rack"].map(context.study.racks["kw"]).astype(float)
    found = []
    for text, most_kw in densest:
        for i in np.flatnonzero(each_kw > most_kw):
            where, kw, most = f"{context.prefix}tables/racks.csv row {i + 1}", each_kw.iloc[i], most_kw.iloc[i]
            found.append(broken("plan.work.density", where, text, float(kw), float(most), "kW"))
    return found


def _removed(context: Context, rows: pd.DataFrame) -> list[Finding]:
    """Racks that are fewer than the period before."""
    found, before = [], dict(zip(context.periods[1:], context.periods[:-1], strict=True))
    mw = rows.set_index(["site", "rack", "period"])["it_mw"].to_dict()
    for site, rack, t in mw:
        later = next((after for after, earlier in before.items() if earlier == t), None)
        if later is not None and mw.get((site, rack, later), 0.0) < mw[site, rack, t] - 1e-4:
            where = f"{context.prefix}tables/racks.csv site {site}, rack {rack}, period {later}"
            got = float(mw.get((site, rack, later), 0.0))
            found.append(broken("plan.work.undone", where, "fewer than before", got, mw[site, rack, t], "MW"))
    return found


def check_efficiency(context: Context) -> list[Finding]:
    """Programmes avoid no more than they can, and what is avoided stays avoided."""
    if not has_programmes(context):
        return []
    rows, demand = context.table("efficiency"), context.study.config.demand
    assert demand is not None
    where = f"{context.prefix}tables/efficiency.csv"
    keys = [(one.name, t) for one in demand.efficiency for t in context.periods]
    if sorted(rows[["programme", "period"]].itertuples(index=False, name=None)) != sorted(keys):
        return [finding(where, f"{len(rows)} rows", "a row for each programme and period")]
    findings = compare_tables(context.prefix, "efficiency", rows, efficiency_expected(context))
    units = rows.set_index(["programme", "period"])["units"].to_dict()
    for one in demand.efficiency:
        before = 0.0
        for t in context.periods:
            got, place = float(units[one.name, t]), f"{where} programme {one.name}, period {t}"
            if got > one.max_units * (1 + SHARE) + SHARE:
                message = "more than the programme can avoid"
                findings.append(broken("plan.work.too_many_units", place, message, got, one.max_units, ""))
            if got < before - SHARE * max(1.0, before):
                findings.append(broken("plan.work.undone", place, "less is avoided than before", got, before, ""))
            before = got
    return findings


CHECKS = (check_racks, check_efficiency)
"""Checks of a study with demand."""
