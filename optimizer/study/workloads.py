"""Which site may serve which demand, and at what cost: from the user's tables and the rules of each workload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig, WorkloadKindSettings
from optimizer.errors import Finding, nearest
from optimizer.layers.jurisdictions import Jurisdictions
from optimizer.layers.latency import DELAY_MS_PER_KM
from optimizer.layers.places import earth_centred_km, surface_km
from optimizer.study.demands import PAIR, Demands
from optimizer.study.workload_places import data_places, inside, unknown_borders, unknown_distances
from optimizer.study.workload_tables import ANY, WorkloadTables

NO_KIND = WorkloadKindSettings(name="any")
"""Rules of a workload that the study names none for."""


@dataclass(frozen=True)
class Matched:
    """Every demand against every site, as arrays of shape (n_demand, n_site).

    Parameters
    ----------
    rtt_ms : ndarray
        Round trip, nan where it is not known [ms].
    cost : ndarray
        Network and moving data [M$/MW-year].
    allowed : ndarray of bool
        Whether every rule lets the site serve it.
    """

    rtt_ms: np.ndarray
    cost: np.ndarray
    allowed: np.ndarray


def demands_of(
    tables: WorkloadTables, sites: pd.DataFrame, config: StudyConfig, known: Sequence[str], codes: Jurisdictions
) -> tuple[Demands, list[Finding]]:
    """Put demand, pairs and rules together.

    Parameters
    ----------
    tables : WorkloadTables
        As read.
    sites : DataFrame, index ``site``
        Candidates: ``kind``, ``lat``, ``lon``, ``jurisdiction``, ``country``, ``jurisdictions`` (codes of all that are
        known to hold it), ``block_mw``, ``max_blocks``, ``earliest``.
    config : StudyConfig
        Rules of workloads, orbit, periods, objective.
    known : sequence of str
        Names of all sites, refused ones too.
    codes : Jurisdictions
        By which names of places are compared.

    Returns
    -------
    demands : Demands
        Allowed pairs only.
    findings : list of Finding
        What is wrong with names and rules, and demand that no allowed site can serve: errors.
    """
    demand = tables.demand.reset_index(drop=True)
    kinds = [_kind_of(config, w) for w in demand["workload"]]
    findings = [*_unknown_names(tables, config, known), *_years(tables, config)]
    if findings:
        return _nothing(config), findings
    matched = _matched(tables, demand, sites, config, kinds, codes)
    table = tables.names[0]
    findings = [
        *_rules(sites, kinds, codes),
        *unknown_borders(sites, kinds, codes),
        *data_places(demand, sites, kinds, known, codes, table),
        *_unknown_rtt(tables, demand, sites, kinds, matched),
        *unknown_distances(demand, sites, kinds, matched.allowed, table),
    ]
    demands = _demands(demand, sites, config, kinds, matched)
    if not any(finding.severity == "error" for finding in findings):
        findings += _unservable(demands, sites, table)
    return demands, findings


def _kind_of(config: StudyConfig, workload: str) -> WorkloadKindSettings:
    assert config.workloads is not None
    return next((kind for kind in config.workloads.kind if kind.name == workload), NO_KIND)


def _nothing(config: StudyConfig) -> Demands:
    index = pd.MultiIndex.from_arrays([[], []], names=PAIR[:2])
    columns = ["penalty_musd_per_mw_year", "revenue_musd_per_mw_year", "is_optional", "min_site_mw"]
    rows = pd.DataFrame({c: pd.Series(dtype=float) for c in columns}, index=index)
    pairs = pd.MultiIndex.from_arrays([[], [], []], names=PAIR)
    mw = pd.DataFrame({t: pd.Series(dtype=float) for t in config.study.periods}, index=index)
    empty = pd.DataFrame({"cost_musd_per_mw_year": [], "rtt_ms": []}, index=pairs, dtype=float)
    return Demands(rows.astype({"is_optional": bool}), mw, empty)


def _matched(
    tables: WorkloadTables,
    demand: pd.DataFrame,
    sites: pd.DataFrame,
    config: StudyConfig,
    kinds: list[WorkloadKindSettings],
    codes: Jurisdictions,
) -> Matched:
    rtt_ms, cost, allowed = _listed(tables.pairs, demand, sites)
    assert config.workloads is not None
    guessed = _distance_km(demand, sites) * 2 * DELAY_MS_PER_KM * config.workloads.route_factor
    orbital = (sites["kind"] == "orbital").to_numpy()
    if config.orbit is not None:
        guessed[:, orbital] = config.orbit.rtt_ms
        if config.orbit.workloads:
            allowed[np.ix_(~demand["workload"].isin(config.orbit.workloads), orbital)] = False
    rtt_ms = np.where(np.isnan(rtt_ms), guessed, rtt_ms)
    kind_of_site = sites["kind"].to_numpy()
    for i, kind in enumerate(kinds):
        if kind.max_rtt_ms is not None:
            # A round trip that is not known is reported, not taken for short.
            allowed[i] &= ~(rtt_ms[i] > kind.max_rtt_ms)
        if kind.residency:
            allowed[i] &= inside(sites, kind.residency, codes)
        if kind.kinds:
            allowed[i] &= np.isin(kind_of_site, kind.kinds)
        if kind.move_musd_per_mw_year and demand["data_in"].iat[i]:
            at_home = inside(sites, (demand["data_in"].iat[i],), codes) | (sites.index == demand["data_in"].iat[i])
            cost[i] += np.where(at_home, 0.0, kind.move_musd_per_mw_year)
    return Matched(rtt_ms, cost, allowed)


def _listed(
    pairs: pd.DataFrame, demand: pd.DataFrame, sites: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the table of pairs says; a row for a workload counts before one for any."""
    shape = (len(demand), len(sites))
    rtt_ms, cost, allowed = np.full(shape, np.nan), np.zeros(shape), np.ones(shape, dtype=bool)
    numbered = demand[["region", "workload"]].assign(at=np.arange(len(demand)))
    general = pairs["workload"] == ANY
    for rows, by in ((pairs[general].drop(columns="workload"), ["region"]), (pairs[~general], ["region", "workload"])):
        found = rows.merge(numbered, on=by)
        column = sites.index.get_indexer(found["site"])
        here = column >= 0
        at = found["at"].to_numpy(dtype=int)[here], column[here]
        rtt_ms[at] = found["rtt_ms"].to_numpy(float)[here]
        cost[at] = found["cost_musd_per_mw"].to_numpy(float)[here]
        allowed[at] = found["allowed"].to_numpy(bool)[here]
    return rtt_ms, cost, allowed


def _distance_km(demand: pd.DataFrame, sites: pd.DataFrame) -> np.ndarray:
    """Great-circle distance of every demand and site, nan where one has no place [km]."""
    found = np.full((len(demand), len(sites)), np.nan)
    here, there = demand["lat"].notna().to_numpy(), sites["lat"].notna().to_numpy()
    if here.any() and there.any():
        ends = [
            earth_centred_km(t["lat"].to_numpy(float), t["lon"].to_numpy(float)) for t in (demand[here], sites[there])
        ]
        found[np.ix_(here, there)] = surface_km(np.linalg.norm(ends[0][:, None] - ends[1][None], axis=2))
    return found


def _between_km(sites: pd.DataFrame) -> np.ndarray:
    return _distance_km(sites, sites)


def _demands(
    demand: pd.DataFrame, sites: pd.DataFrame, config: StudyConfig, kinds: list[WorkloadKindSettings], matched: Matched
) -> Demands:
    index = pd.MultiIndex.from_frame(demand[["region", "workload"]])
    penalty, revenue = demand["penalty_musd_per_mw"], demand["revenue_musd_per_mw_year"]
    # Where value counts, revenue forgone is what it costs not to serve.
    earns = (revenue > 0) & (config.study.objective == "net_present_value")
    rows = pd.DataFrame(
        {
            "penalty_musd_per_mw_year": penalty.fillna(0.0).to_numpy(float),
            "revenue_musd_per_mw_year": revenue.to_numpy(float),
            "is_optional": (penalty.notna() | earns).to_numpy(bool),
            "min_site_mw": [kind.min_site_mw for kind in kinds],
        },
        index=index,
    )
    mw = pd.DataFrame(
        {t: demand[f"it_mw_{t}" if f"it_mw_{t}" in demand else "it_mw"].to_numpy(float) for t in config.study.periods},
        index=index,
    )
    i, j = np.nonzero(matched.allowed)
    pairs = pd.DataFrame(
        {"cost_musd_per_mw_year": matched.cost[i, j], "rtt_ms": matched.rtt_ms[i, j]},
        index=pd.MultiIndex.from_arrays(
            [demand["region"].to_numpy()[i], demand["workload"].to_numpy()[i], sites.index.to_numpy()[j]], names=PAIR
        ),
    )
    return Demands(rows, mw, pairs, tuple(_apart(demand, sites, config, kinds, matched)))


def _apart(
    demand: pd.DataFrame, sites: pd.DataFrame, config: StudyConfig, kinds: list[WorkloadKindSettings], matched: Matched
) -> Iterator[tuple[str, str, str, str]]:
    """Pairs of sites whose round trip to each other is longer than sharing a demand allows, or is not known."""
    assert config.workloads is not None
    if all(kind.between_sites_rtt_ms is None for kind in kinds):
        return
    rtt_ms = _between_km(sites) * 2 * DELAY_MS_PER_KM * config.workloads.route_factor
    for n, kind in enumerate(kinds):
        if kind.between_sites_rtt_ms is None:
            continue
        usable = np.flatnonzero(matched.allowed[n])
        far = ~(rtt_ms[np.ix_(usable, usable)] <= kind.between_sites_rtt_ms)
        for i, j in np.argwhere(np.triu(far, 1)):
            row = demand["region"].iat[n], demand["workload"].iat[n]
            yield (*row, str(sites.index[usable[i]]), str(sites.index[usable[j]]))


def _unknown_names(tables: WorkloadTables, config: StudyConfig, known: Sequence[str]) -> Iterator[Finding]:
    demand, pairs, name = tables.demand, tables.pairs, tables.names[1]
    asked = pd.MultiIndex.from_frame(demand[["region", "workload"]])
    for column, names in (("site", set(known)), ("region", set(demand["region"]))):
        for row, value in pairs[column][~pairs[column].isin(names)].items():
            rule, text = f"study.pair.unknown_{column}", f"no such {column}"
            yield Finding(rule, f"{name} row {row}, {column}", text, repr(value), nearest(value, names))
    stated = pairs[(pairs["workload"] != ANY) & pairs["region"].isin(set(demand["region"]))]
    missing = ~pd.MultiIndex.from_frame(stated[["region", "workload"]]).isin(asked)
    for row, (region, workload) in stated[["region", "workload"]][missing].iterrows():
        here = set(demand["workload"][demand["region"] == region]) | {ANY}
        text = f"region {region} asks for no such workload"
        yield Finding(
            "study.pair.unknown_workload", f"{name} row {row}, workload", text, repr(workload), nearest(workload, here)
        )
    assert config.workloads is not None
    workloads = set(demand["workload"])
    said = [(f"workloads.kind#{n} ({k.name}), name", k.name) for n, k in enumerate(config.workloads.kind, start=1)]
    said += [("orbit.workloads", w) for w in (config.orbit.workloads if config.orbit else ())]
    for where, value in said:
        if value not in workloads:
            text = "the table of demand has no such workload"
            yield Finding("study.workload.unknown", where, text, repr(value), nearest(value, workloads))


def _years(tables: WorkloadTables, config: StudyConfig) -> Iterator[Finding]:
    years = {int(c[6:]) for c in tables.demand.columns if c.startswith("it_mw_")}
    periods = config.study.periods
    if years and "it_mw" not in tables.demand.columns:
        for t in sorted(set(periods) - years):
            text, remedy = f"period {t} has no demand", f"add a column it_mw_{t}, or take {t} out of study.periods"
            yield Finding("study.workload.year", tables.names[0], text, "", remedy)
    for t in sorted(years - set(periods)):
        text, remedy = "the year is not one of study.periods", f"add {t} to study.periods, or leave the column out"
        yield Finding("study.workload.year", f"{tables.names[0]}, it_mw_{t}", text, str(t), remedy)


def _rules(sites: pd.DataFrame, kinds: list[WorkloadKindSettings], codes: Jurisdictions) -> Iterator[Finding]:
    """Rules that no site can follow, whatever the demand."""
    for kind in dict.fromkeys(kinds):
        if kind.residency and not inside(sites, kind.residency, codes).any():
            known = sorted({str(v) for c in ("jurisdiction", "country") for v in sites[c].dropna() if v})
            remedy = f"add a site inside, or name where sites are: {', '.join(known[:10]) or 'none has a place'}"
            where = f"workloads.kind ({kind.name}), residency"
            text = "it must stay within borders that hold no site"
            yield Finding("study.workload.residency", where, text, ", ".join(kind.residency), remedy)
        if kind.kinds and not np.isin(sites["kind"].to_numpy(), kind.kinds).any():
            text, remedy = "no site is of a kind that may serve it", "add such a site, or name another kind"
            where = f"workloads.kind ({kind.name}), kinds"
            yield Finding("study.workload.kinds", where, text, ", ".join(kind.kinds), remedy)


def _unknown_rtt(
    tables: WorkloadTables,
    demand: pd.DataFrame,
    sites: pd.DataFrame,
    kinds: list[WorkloadKindSettings],
    matched: Matched,
) -> Iterator[Finding]:
    """Round trips that a rule asks for and nothing tells."""
    for n, kind in enumerate(kinds):
        if kind.max_rtt_ms is None or not (np.isnan(matched.rtt_ms[n]) & matched.allowed[n]).any():
            continue
        site = str(sites.index[np.flatnonzero(np.isnan(matched.rtt_ms[n]) & matched.allowed[n])[0]])
        region = demand["region"].iat[n]
        text = f"the workload has a longest round trip, and that to site {site} is not known"
        remedy = "give lat and lon of region and site, or rtt_ms in the table of pairs, or forbid the pair there"
        yield Finding("study.workload.rtt_unknown", f"{tables.names[0]}, region {region}", text, kind.name, remedy)


def _unservable(demands: Demands, sites: pd.DataFrame, where: str) -> Iterator[Finding]:
    """Demand that must be served and is more than all sites hold that may serve it."""
    size = (sites["block_mw"] * sites["max_blocks"]).astype(float)
    at = sites.index.get_indexer(demands.pairs.index.get_level_values("site"))
    by_row = demands.pairs.index.droplevel("site")
    for t in demands.demand_mw.columns:
        ready = (sites["earliest"].astype(float) <= float(t)).to_numpy()
        held = pd.Series(np.where(ready, size, 0.0)[at]).groupby([by_row.get_level_values(i) for i in (0, 1)]).sum()
        room = held.reindex(demands.rows.index).fillna(0.0).to_numpy(float)
        asked = demands.demand_mw[t].to_numpy(float)
        short = ~demands.rows["is_optional"].to_numpy(bool) & (asked > room * (1 + 1e-9) + 1e-9)
        for (region, workload), mw, most in zip(demands.rows.index[short], asked[short], room[short], strict=True):
            text = f"the sites that may serve it in {t} hold less than it asks for"
            if not (by_row == (region, workload)).any():
                text = "no site may serve it: round trip, borders, kinds and pairs leave none"
            remedy = "loosen the rules of the workload, add sites, or give it a penalty_musd_per_mw"
            yield Finding(
                "study.workload.no_site",
                f"{where}, region {region}, workload {workload}",
                text,
                f"{most:,.1f} of {mw:,.1f} MW",
                remedy,
                value=float(most),
                limit=float(mw),
                unit="MW",
            )
        scale = demands.rows["min_site_mw"].to_numpy(float)
        small = ~demands.rows["is_optional"].to_numpy(bool) & (asked > 0) & (scale > asked)
        for (region, workload), mw, least in zip(demands.rows.index[small], asked[small], scale[small], strict=True):
            text = f"its contiguous scale is more than the whole demand in {t}, so that no site could serve it"
            remedy = "lower min_site_mw of the workload"
            yield Finding(
                "study.workload.scale",
                f"{where}, region {region}, workload {workload}",
                text,
                f"{mw:,.1f} of {least:,.1f} MW",
                remedy,
                value=float(mw),
                limit=float(least),
                unit="MW",
            )
