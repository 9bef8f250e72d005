"""Workloads: who serves whom against what may be served, demand, capacity, scale and nearness, and what it is worth.

Pairs and rules are judged from the user's own tables again, not from the pairs that the model was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from optimizer.config import WorkloadKindSettings
from optimizer.errors import Finding
from optimizer.layers.jurisdictions import split_names
from optimizer.layers.latency import DELAY_MS_PER_KM
from optimizer.layers.places import EARTH_RADIUS_KM
from optimizer.plan import tolerances
from optimizer.plan.verify_compare import broken, capped, cell, compare_tables, finding
from optimizer.plan.verify_context import Context, remembered

RTT_SHARE = 0.01
"""Difference of a round trip found on a sphere from one found on the ellipsoid, as a share of it [-]."""

KEY = ["region", "workload"]


@remembered
def asked(context: Context) -> pd.DataFrame:
    """The user's table of demand, index (region, workload), its own row order."""
    tables = context.study.workload_tables
    assert tables is not None
    return tables.demand.set_index(KEY)


def target_mw(context: Context, region: str, workload: str, t: int) -> float:
    """What a region asks of a workload in a period [MW]."""
    row = asked(context).loc[(region, workload)]
    return float(row[f"it_mw_{t}"] if f"it_mw_{t}" in row.index else row["it_mw"])


@remembered
def stated_pairs(context: Context) -> dict[tuple[str, str, str], tuple[float, float, bool]]:
    """Cost [M$/MW-year], round trip [ms] and permission by (site, region, workload) as the user's table has them."""
    tables = context.study.workload_tables
    assert tables is not None
    rows = tables.pairs[["site", "region", "workload", "cost_musd_per_mw", "rtt_ms", "allowed"]]
    return {(s, d, w): (float(c), float(r), bool(a)) for s, d, w, c, r, a in rows.itertuples(index=False, name=None)}


def _kind(context: Context, workload: str) -> WorkloadKindSettings | None:
    settings = context.study.config.workloads
    assert settings is not None
    return next((kind for kind in settings.kind if kind.name == workload), None)


def _pair(context: Context, site: str, region: str, workload: str) -> tuple[float, float, bool]:
    known = stated_pairs(context)
    return known.get((site, region, workload), known.get((site, region, "any"), (0.0, math.nan, True)))


def _great_circle_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance on the sphere, by the haversine formula [km]."""
    lat, lon, lat2, lon2 = np.radians([*one, *other])
    half = np.sin((lat2 - lat) / 2) ** 2 + np.cos(lat) * np.cos(lat2) * np.sin((lon2 - lon) / 2) ** 2
    return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)))


def _fibre_ms(context: Context, one: tuple[float, float], other: tuple[float, float]) -> float:
    settings = context.study.config.workloads
    assert settings is not None
    return 2 * DELAY_MS_PER_KM * settings.route_factor * _great_circle_km(one, other)


def rtt_ms(context: Context, site: str, region: str, workload: str) -> float:
    """Round trip of a pair: as given, that of orbit, or that of light in fibre; nan where it is not known [ms]."""
    given = _pair(context, site, region, workload)[1]
    if math.isfinite(given):
        return given
    place, orbit = context.case.sites.loc[site], context.study.config.orbit
    if place["kind"] == "orbital" and orbit is not None:
        return orbit.rtt_ms
    row = asked(context).loc[(region, workload)]
    return _fibre_ms(context, (place["lat"], place["lon"]), (row["lat"], row["lon"]))


def _borders(context: Context, site: str) -> set[str]:
    """All that a site lies in: as its table says, and by code."""
    country = "" if context.study.own is None else str(context.study.own.sites["country"].get(site, "") or "")
    said = {*split_names(str(context.case.sites.at[site, "jurisdiction"] or "")), country} - {""}
    known = context.study.rules.jurisdictions
    meant = [known.named(name) for name in sorted(said)]
    by_rules = split_names(str(context.study.candidates.sites["jurisdictions"].get(site, "") or ""))
    return {*said, *by_rules, *known.closure([codes[0] for codes in meant if len(codes) == 1])}


def _is_inside(context: Context, site: str, borders: tuple[str, ...]) -> bool:
    around, known = _borders(context, site), context.study.rules.jurisdictions
    for border in borders:
        codes = known.named(border)
        if border in around or (len(codes) == 1 and codes[0] in around):
            return True
    return any(name.startswith(f"{border}-") for name in around for border in borders)


def check_names(context: Context) -> list[Finding]:
    """Every demand is one of the study's, each has one row a period, and nothing less than nothing is served."""
    findings = []
    known = asked(context).index
    for name in ("workloads", "workload_demand"):
        table = context.table(name)
        for i in np.flatnonzero(~pd.MultiIndex.from_frame(table[KEY]).isin(known)):
            where = cell(context.prefix, name, int(i), table, "workload")
            findings.append(Finding("plan.unknown_name", where, "no such demand", str(table["workload"].iat[int(i)])))
    served = context.table("workloads")
    for i in np.flatnonzero(~(served["served_mw"] >= 0).to_numpy(bool)):
        where = cell(context.prefix, "workloads", int(i), served, "served_mw")
        findings.append(Finding("plan.workload.negative", where, "less than nothing is served"))
    return capped(findings, f"{context.prefix}tables/workloads.csv")


def check_served(context: Context) -> list[Finding]:
    """What is served and what is not makes up the demand; what must be served is."""
    if check_names(context):
        return []
    served = context.table("workloads").groupby([*KEY, "period"])["served_mw"].sum()
    rows, findings = [], []
    for (region, workload), row in asked(context).iterrows():
        optional = not math.isnan(row["penalty_musd_per_mw"]) or _earns(context, row)
        for t in context.periods:
            target, got = target_mw(context, region, workload, t), float(served.get((region, workload, t), 0.0))
            short = max(0.0, target - got)
            penalty = 0.0 if math.isnan(row["penalty_musd_per_mw"]) else float(row["penalty_musd_per_mw"])
            rows.append((region, workload, t, target, got, short, context.annuity_years[t] * penalty * short))
            where = f"{context.prefix}tables/workloads.csv region {region}, workload {workload}, period {t}"
            if short > tolerances.POWER_MW and not optional:
                message = f"all of {target:.6g} MW must be served"
                findings.append(broken("plan.workload.not_met", where, message, got, target, "MW"))
            if got > target + tolerances.POWER_MW:
                message = "more is served than is asked for"
                findings.append(broken("plan.workload.too_much", where, message, got, target, "MW"))
    columns = [*KEY, "period", "target_mw", "served_mw", "unserved_mw", "penalty_musd"]
    expected = pd.DataFrame(rows, columns=columns)
    stated = context.table("workload_demand")
    return capped(findings, "workloads") + compare_tables(context.prefix, "workload_demand", stated, expected)


def _earns(context: Context, row: pd.Series) -> bool:
    minimized = context.study.config.study.objective
    return minimized == "net_present_value" and float(row["revenue_musd_per_mw_year"]) > 0


def check_pairs(context: Context) -> list[Finding]:
    """Who serves whom keeps to the pairs, round trips, borders, kinds and scale that the study states."""
    table = context.table("workloads")
    if check_names(context):
        return []
    findings: list[Finding] = []
    for i, (site, region, workload, mw) in enumerate(
        table[["site", *KEY, "served_mw"]].itertuples(index=False, name=None)
    ):
        if mw <= tolerances.POWER_MW:
            continue
        for column, rule, message, value, limit, unit in _broken_rules(context, site, region, workload, float(mw)):
            where = cell(context.prefix, "workloads", i, table, column)
            findings.append(Finding(f"plan.workload.{rule}", where, message, value=value, limit=limit, unit=unit))
    return capped(findings, f"{context.prefix}tables/workloads.csv")


Rule = tuple[str, str, str, float | None, float | None, str]


def _broken_rules(context: Context, site: str, region: str, workload: str, mw: float) -> Iterator[Rule]:
    kind, orbit = _kind(context, workload), context.study.config.orbit
    site_kind = str(context.case.sites.at[site, "kind"])
    if not _pair(context, site, region, workload)[2]:
        yield "site", "pair", "the table of pairs forbids it", None, None, ""
    if site_kind == "orbital" and orbit is not None and orbit.workloads and workload not in orbit.workloads:
        yield "site", "orbit", "orbit may not serve this workload", None, None, ""
    if kind is None:
        return
    if kind.max_rtt_ms is not None:
        ms = rtt_ms(context, site, region, workload)
        if not ms <= kind.max_rtt_ms * (1 + RTT_SHARE):
            message = f"the round trip is longer than {kind.max_rtt_ms:g} ms"
            yield "rtt_ms", "round_trip", message, ms, kind.max_rtt_ms, "ms"
    if kind.residency and not _is_inside(context, site, kind.residency):
        yield "site", "residency", f"it must stay within {', '.join(kind.residency)}", None, None, ""
    if kind.kinds and site_kind not in kind.kinds:
        yield "site", "kind", f"a site of kind {site_kind} may not serve it", None, None, ""
    if mw < kind.min_site_mw - tolerances.POWER_MW:
        yield "served_mw", "scale", "less than its contiguous scale", mw, kind.min_site_mw, "MW"


def check_capacity(context: Context) -> list[Finding]:
    """No site serves more than its IT load in service."""
    served = context.table("workloads").groupby(["site", "period"])["served_mw"].sum()
    held = context.placed.groupby(["site", "period"])["it_mw"].sum()
    findings = []
    for (site, t), mw in served.items():
        most = float(held.get((site, t), 0.0))
        if mw > most + tolerances.POWER_MW * max(1.0, most):
            where = f"{context.prefix}tables/workloads.csv site {site}, period {t}"
            message = "the site serves more than it has in service"
            findings.append(broken("plan.workload.capacity", where, message, float(mw), most, "MW"))
    return capped(findings, f"{context.prefix}tables/workloads.csv")


def check_near(context: Context) -> list[Finding]:
    """Sites that share a region's demand lie near enough to each other."""
    findings = []
    table = context.table("workloads")
    table = table[table["served_mw"] > tolerances.POWER_MW]
    for (region, workload, t), rows in table.groupby([*KEY, "period"]):
        kind = _kind(context, workload)
        if kind is None or kind.between_sites_rtt_ms is None or len(rows) < 2:
            continue
        places = context.case.sites.loc[rows["site"], ["lat", "lon"]].to_numpy(float)
        for i in range(len(places)):
            for j in range(i):
                ms = _fibre_ms(context, tuple(places[i]), tuple(places[j]))
                if not ms <= kind.between_sites_rtt_ms * (1 + RTT_SHARE):
                    where = f"{context.prefix}tables/workloads.csv region {region}, workload {workload}, period {t}"
                    message = f"sites {rows['site'].iat[j]} and {rows['site'].iat[i]} are too far from each other"
                    limit = kind.between_sites_rtt_ms
                    findings.append(broken("plan.workload.apart", where, message, ms, limit, "ms"))
    return capped(findings, f"{context.prefix}tables/workloads.csv")


def cost_per_mw_year(context: Context, site: str, region: str, workload: str) -> float:
    """Network of a pair, and moving the data it works on [M$/MW-year]."""
    cost, kind = _pair(context, site, region, workload)[0], _kind(context, workload)
    home = str(asked(context).loc[(region, workload), "data_in"] or "")
    if kind is not None and home and home != site and not _is_inside(context, site, (home,)):
        cost += kind.move_musd_per_mw_year
    return cost


def check_columns(context: Context) -> list[Finding]:
    """Every column of the table of who serves whom."""
    if check_names(context):
        return []
    return compare_tables(context.prefix, "workloads", context.table("workloads"), recomputed(context))


@remembered
def recomputed(context: Context) -> pd.DataFrame:
    """The table of who serves whom, with what each row costs and earns; round trips as stated where they are near."""
    rows = context.table("workloads").reset_index(drop=True)
    years = rows["period"].map(context.annuity_years).to_numpy(float) * rows["served_mw"].to_numpy(float)
    keys = list(rows[["site", *KEY]].itertuples(index=False, name=None))
    cost = np.array([cost_per_mw_year(context, *key) for key in keys], dtype=float)
    revenue = np.array([asked(context).at[(d, w), "revenue_musd_per_mw_year"] for _, d, w in keys], dtype=float)
    found = np.array([rtt_ms(context, *key) for key in keys], dtype=float)
    stated = rows["rtt_ms"].to_numpy(float)
    near = np.abs(stated - found) <= RTT_SHARE * found
    return rows.assign(rtt_ms=np.where(near, stated, found), cost_musd=years * cost, revenue_musd=years * revenue)


def check_launches(context: Context) -> list[Finding]:
    """Capacity in orbit grows no faster than launches, and not before the first year."""
    orbit = context.study.config.orbit
    rows = context.placed[context.placed["kind"] == "orbital"]
    if orbit is None or rows.empty:
        return []
    findings = []
    before_mw, since = 0.0, orbit.first_year - 1
    for t in context.periods:
        mw = float(rows.loc[rows["period"] == t, "it_mw"].sum())
        where = f"{context.prefix}tables/sites.csv period {t}"
        if mw > 0 and t < orbit.first_year:
            message = f"nothing is in orbit before {orbit.first_year}"
            findings.append(broken("plan.orbit.too_early", where, message, mw, 0.0, "MW"))
        most = math.inf if orbit.ramp_mw_per_year is None else orbit.ramp_mw_per_year * max(0, t - since)
        if mw - before_mw > most + tolerances.POWER_MW:
            message = "more is added in orbit than launches carry"
            findings.append(broken("plan.orbit.ramp", where, message, mw - before_mw, most, "MW"))
        before_mw, since = mw, max(since, t)
    return findings


def check_present(context: Context) -> list[Finding]:
    """Both tables are there."""
    return [
        finding(f"{context.prefix}tables/{name}.csv", "no table", "a table of a study with workloads")
        for name in ("workloads", "workload_demand")
        if name not in context.tables
    ]


CHECKS = (
    check_present,
    check_names,
    check_served,
    check_pairs,
    check_capacity,
    check_near,
    check_columns,
    check_launches,
)
"""Checks of a study with workloads."""
