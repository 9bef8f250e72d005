"""Sites, ties, cooling, demand, candidates: what was decided against what may be decided, and every figure of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.checks_work import counted_mw, serving_mw
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import Floats, broken, capped, cell, compare_column, compare_tables, finding
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_money import emitted_t, site_cost_musd
from optimizer.plan.verify_supply import carried_mw
from optimizer.plan.verify_tariffs import non_firm_mw
from optimizer.plan.verify_water import cooling_m3_day, withdrawal_m3_day

TARGET_SHARE = 2e-6
"""Part of a target that rounding of racks and of units avoided may leave open [-]."""


def _against_rule(
    context: Context, name: str, column: str, rows: Iterable[int], rule: str, message: str
) -> list[Finding]:
    """Findings for rows of a table that break a rule of the study."""
    table = context.table(name)
    found = [
        Finding(rule, cell(context.prefix, name, int(i), table, column), message, str(table[column].iat[int(i)]))
        for i in rows
    ]
    return capped(found, f"{context.prefix}tables/{name}.csv column {column}")


def check_blocks(context: Context) -> list[Finding]:
    """Blocks are whole, fit the site, make it worthwhile, and follow from the IT load stated beside them."""
    stated, rows = context.table("sites"), context.placed
    blocks = rows["blocks"]
    by_load = (stated["it_mw"] / rows["block_mw"]).to_numpy(float)
    cooled = _by_key(context.table("cooling"), "it_mw", stated) / rows["block_mw"].to_numpy(float)
    odd = (np.abs(by_load - blocks) > 1e-6) | (np.abs(cooled - blocks) > 1e-6)
    bad = ~np.isfinite(by_load) | odd.to_numpy(bool)
    expected = np.where(np.abs(by_load - blocks) > 1e-6, by_load, cooled)
    findings = compare_column(
        context.prefix, "sites", stated, "blocks", expected, bad, "the IT load over the load of a block"
    )
    rules = (
        (blocks > rows["max_blocks"].astype(float), "too_many_blocks", "more blocks than fit the site"),
        ((blocks < rows["min_blocks"].astype(float)) | (blocks < 0), "too_few_blocks", "fewer blocks than worthwhile"),
        (rows["period"] < rows["earliest"], "too_early", "the site cannot be ready in this period"),
    )
    for against, rule, message in rules:
        column = "period" if rule == "too_early" else "blocks"
        findings += _against_rule(context, "sites", column, np.flatnonzero(against), f"plan.site.{rule}", message)
    return findings


def _by_key(table: pd.DataFrame, column: str, like: pd.DataFrame) -> Floats:
    """A column of another table at the (site, period) of each row of `like`; nan where there is none."""
    values = table.drop_duplicates(["site", "period"]).set_index(["site", "period"])[column]
    return values.reindex(pd.MultiIndex.from_frame(like[["site", "period"]])).to_numpy(float)


def check_nothing_undone(context: Context) -> list[Finding]:
    """A site once built stays, keeps its blocks and keeps its cooling."""
    stated = context.table("sites").assign(_row=np.arange(len(context.table("sites"))))
    findings = []
    for site, rows in stated.sort_values("period").groupby("site"):
        since = [t for t in context.periods if t >= rows["period"].min()]
        if missing := [t for t in since if t not in set(rows["period"])]:
            where = f"{context.prefix}tables/sites.csv site {site} column period"
            message = f"a site once built stays built, no row for {', '.join(map(str, missing))}"
            findings.append(Finding("plan.site.undone", where, message))
        fewer = rows["_row"].to_numpy()[1:][np.diff(rows["blocks"].to_numpy(float)) < 0]
        message = "fewer blocks than the period before"
        findings += _against_rule(context, "sites", "blocks", fewer, "plan.site.undone", message)
        other = rows["_row"][rows["cooling"] != rows["cooling"].iloc[0]]
        message = "the cooling technology changed"
        findings += _against_rule(context, "sites", "cooling", other, "plan.site.cooling", message)
    return findings


def check_site_columns(context: Context) -> list[Finding]:
    """Every column of the sites table."""
    rows = context.placed
    facility = context.facility_mw.max(axis=1)
    expected = pd.DataFrame(
        {
            "site": rows["site"],
            "period": rows["period"],
            "it_mw": rows["it_mw"],
            "facility_mw": facility,
            "firm_mw": facility - non_firm_mw(context),
            "bus": [context.case.ties["bus"].get(tie, "") for tie in rows["tie"]],
            "lat": rows["lat"],
            "lon": rows["lon"],
            "county": _text(rows["county"]),
            "cost_musd": site_cost_musd(context),
            "pue_annual": rows["pue_annual"],
            "pue_hot_day": rows["pue_hot_day"],
            "water_m3_day": withdrawal_m3_day(context),
            "basin": _text(rows["basin"]),
            "area_ha": rows["area_ha"],
            "emissions_t_per_year": emitted_t(context),
        }
    )
    return compare_tables(context.prefix, "sites", context.table("sites"), expected)


def _text(values: pd.Series) -> pd.Series:
    return values.astype(object).where(values.notna(), "").astype(str)


def check_ties(context: Context) -> list[Finding]:
    """Every column of the ties table, lead times, and that no firm load is where one outage cuts it off."""
    case, stated = context.case, context.table("ties")
    chosen = case.ties.loc[stated["tie"]].rename_axis("tie").reset_index()
    first = context.table("sites").groupby("site")["period"].min()
    chosen["in_service"] = first.reindex(chosen["site"]).to_numpy()
    columns = ["bus", "circuits", "length_km", "capacity_mw", "cost_musd", "base_kv", "in_service", "annuity_musd"]
    findings = compare_tables(context.prefix, "ties", stated, chosen[["tie", "site", *columns]])
    early = np.flatnonzero(stated["in_service"].to_numpy(float) < chosen["ready"].to_numpy(float))
    findings += _against_rule(
        context, "ties", "in_service", early, "plan.tie.too_early", "the tie cannot be ready then"
    )
    # Where circuits are built, what an outage cuts off is asked of the network of each period.
    if case.is_secured and not len(case.circuits):
        cut_off = set(case.buses.index[case.disconnected_buses])
        rows = np.flatnonzero(chosen["bus"].isin(cut_off))
        findings += _against_rule(context, "ties", "bus", rows, "plan.tie.not_firm", "one outage cuts off this bus")
    return findings


def check_tie_capacity(context: Context) -> list[Finding]:
    """No tie carries more than its firm capacity, in any snapshot."""
    rows = context.placed
    capacity = context.case.ties["capacity_mw"].reindex(rows["tie"]).to_numpy(float)
    most = carried_mw(context)
    findings = []
    for i, h in np.argwhere(most > (capacity + tolerances.POWER_MW)[:, None]):
        where = cell(context.prefix, "sites", int(i), context.table("sites"), "facility_mw")
        message = f"the tie carries at most {capacity[i]:.6g} MW, snapshot {context.snapshots[h]}"
        findings.append(broken("plan.tie.capacity", where, message, float(most[i, h]), float(capacity[i]), "MW"))
    return capped(findings, f"{context.prefix}tables/sites.csv column facility_mw")


def check_cooling(context: Context) -> list[Finding]:
    """Every column of the cooling table."""
    rows = context.placed
    years = rows["period"].map(context.annuity_years)
    expected = pd.DataFrame(
        {
            "site": rows["site"],
            "period": rows["period"],
            "cooling": rows["cooling"],
            "it_mw": rows["it_mw"],
            "facility_hot_day_mw": rows["it_mw"] * rows["pue_hot_day"],
            "facility_annual_mw": rows["it_mw"] * rows["pue_annual"],
            "water_m3_day": cooling_m3_day(context),
            "cost_musd": years * rows["annuity_musd_per_mw"] * rows["it_mw"],
        }
    )
    return compare_tables(context.prefix, "cooling", context.table("cooling"), expected)


def check_demand(context: Context) -> list[Finding]:
    """Target, what is served, and that the rest is paid for."""
    target = context.case.demand_mw.reindex(context.periods).fillna(0.0)
    served = pd.Series(counted_mw(context))
    if context.case.workloads is not None:
        by_period = context.table("workloads").groupby("period")["served_mw"].sum()
        served = by_period.reindex(context.periods).fillna(0.0)
    short = (target - served).clip(lower=0.0)
    expected = pd.DataFrame({"target_mw": target, "served_mw": served, "shortfall_mw": short})
    expected = expected.rename_axis("period").reset_index()
    findings = compare_tables(context.prefix, "demand", context.table("demand"), expected)
    if context.case.shortfall_penalty_musd_per_mw_year is None and context.case.workloads is None:
        for t in short.index[short > tolerances.POWER_MW + TARGET_SHARE * target]:
            where = f"{context.prefix}tables/demand.csv period {t}"
            message = f"all of {target[t]:.6g} MW must be served"
            findings.append(broken("plan.demand.not_met", where, message, float(served[t]), float(target[t]), "MW"))
    return findings


def check_candidates(context: Context) -> list[Finding]:
    """Candidates and refused land are those that the inputs give."""
    findings = []
    for name, made in (("candidates", context.study.candidates.sites), ("refused", context.study.candidates.refused)):
        key = PLAN_TABLES[name].keys[0]
        table = made if key in made.columns else made.rename_axis(key).reset_index()
        table = pd.DataFrame({c: table[c].to_numpy() for c in PLAN_TABLES[name].names})
        for column in PLAN_TABLES[name].columns:
            if column.kind in ("id", "text"):
                table[column.name] = _text(table[column.name])
        findings += compare_tables(context.prefix, name, context.table(name), table)
    return findings


def check_portfolio(context: Context) -> list[Finding]:
    """Limits on the portfolio: counties, substations, pace of construction, yearly emissions."""
    limits, rows = context.case.limits, context.placed
    found: list[tuple[str, str, float, float, str]] = []
    if limits.share_per_county is not None:
        named = rows.assign(serving_mw=serving_mw(context))[rows["county"].fillna("") != ""]
        for (t, county), mw in named.groupby(["period", "county"])["serving_mw"].sum().items():
            limit = limits.share_per_county * float(context.case.demand_mw.get(t, 0.0))
            found.append((f"county {county}, period {t}", "share_per_county", float(mw), limit, "MW"))
    if limits.new_it_mw_per_period is not None:
        before = 0.0
        for t in context.periods:
            new, before = context.it_mw[t] - before, context.it_mw[t]
            found.append((f"period {t}", "new_it_mw_per_period", new, limits.new_it_mw_per_period, "MW"))
    carbon = pd.Series(emitted_t(context)).groupby(rows["period"].to_numpy()).sum()
    for t, limit in limits.carbon_t_per_year.items():
        found.append((f"period {t}", "carbon_t_per_year", float(carbon.get(t, 0.0)), limit, "t/year"))
    if limits.site_ramp_mw_per_year is not None:
        found += _ramps(context, limits.site_ramp_mw_per_year)
    found += _substations(context)
    return [
        broken(
            f"plan.limits.{rule}",
            f"{context.prefix}tables/sites.csv {where}",
            f"more than limits.{rule} allows, {limit:.6g} {unit}",
            value,
            limit,
            unit,
        )
        for where, rule, value, limit, unit in found
        if value > limit + (tolerances.CARBON_T if unit == "t/year" else tolerances.POWER_MW)
    ]


def _ramps(context: Context, ramp: float) -> list[tuple[str, str, float, float, str]]:
    """Growth of every site since the period before, against what a ramp allows in these years."""
    sizes = context.placed.pivot(index="site", columns="period", values="it_mw").reindex(columns=context.periods)
    grown = sizes.fillna(0.0).diff(axis=1).fillna(sizes.fillna(0.0))
    years = [1, *np.diff(context.periods)]
    return [
        (f"site {s}, period {t}", "site_ramp_mw_per_year", float(grown.at[s, t]), ramp * float(n), "MW")
        for t, n in zip(context.periods, years, strict=True)
        for s in grown.index
    ]


def _substations(context: Context) -> list[tuple[str, str, float, float, str]]:
    share = context.case.limits.share_per_substation
    if share is None or not context.has_grid:
        return []
    found = []
    by_substation = pd.DataFrame(context.withdrawal_mw).groupby(context.case.buses["substation"].to_numpy()).sum()
    for column, (t, h) in enumerate(context.operating):
        elsewhere = context.facility_mw[h].to_numpy(float)[~context.on_grid & (context.placed["period"] == t)].sum()
        total = float(context.withdrawal_mw[:, column].sum() + elsewhere)
        for substation, mw in by_substation[column].items():
            where = f"substation {substation}, period {t}, snapshot {h}"
            found.append((where, "share_per_substation", float(mw), share * total, "MW"))
    return found


def check_site_count(context: Context) -> list[Finding]:
    """IT load by period and the number of sites in plan.json."""
    findings = []
    stated = context.summary.get("it_mw")
    expected = {str(t): context.it_mw[int(t)] for t in context.case.demand_mw.index}
    if not isinstance(stated, dict) or set(stated) != set(expected):
        return [finding(context.summary_where("it_mw"), stated, ", ".join(expected))]
    for t, mw in expected.items():
        value = stated[t]
        if not isinstance(value, int | float) or abs(value - mw) > tolerances.POWER_MW:
            findings.append(finding(context.summary_where(f"it_mw {t}"), value, mw, "MW"))
    sites = context.table("sites")["site"].nunique()
    if context.summary.get("n_sites") != sites:
        findings.append(finding(context.summary_where("n_sites"), context.summary.get("n_sites"), sites))
    return findings


CHECKS = (
    check_blocks,
    check_nothing_undone,
    check_site_columns,
    check_ties,
    check_tie_capacity,
    check_cooling,
    check_demand,
    check_candidates,
    check_portfolio,
)
"""Checks of a study with demand; `check_site_count` holds without it too."""
