"""From a solved model to the tables of a plan: what is built, what it costs, how the system runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import clean_value
from optimizer.config.checks import UNTIED_KINDS
from optimizer.formulation import dispatch, expansion, interconnection, siting, tariffs, upgrades, water, workloads
from optimizer.plan.tables import PLAN_TABLES
from optimizer.solve.tables.service import backup_t_per_year, non_firm_mw, service_table
from optimizer.study.case import Case
from optimizer.study.demands import PAIR
from optimizer.study.halls import halls_table
from optimizer.study.reactive import support_table
from optimizer.study.rule_lines import rule_lines
from optimizer.study.study import Study
from optimizer.study.water import electricity_factor, electricity_water
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

DECIMALS = 6
"""Outputs are rounded to this many decimals before flows are computed from them, so that the plan's flows are those of
the plan's outputs [-]."""

ACCOUNTS = ("generation", "sites", "ties", "cooling", "water", "upgrades", "shortfall")
"""Accounts of the cost ledger; those of workloads and of circuits join them where a study has these."""


@dataclass(frozen=True)
class Decisions:
    """What a solved model decided, as tables.

    Parameters
    ----------
    placed : DataFrame
        One row for each built site and period: ``site, period, blocks, it_mw, tie, cooling`` and every column of the
        site, its tie and its cooling that a table needs.
    upgrades : DataFrame
        ``upgrade`` and ``in_service``, the first period in which it serves.
    output_mw : DataFrame
        ``generator, period, snapshot, output_mw``, rounded.
    drawn : DataFrame
        ``basin, source, period, drawn_m3_day``.
    circuits : DataFrame
        ``circuit``, ``in_service``, a period in which units of it begin to serve, and ``count``, how many do.
    service : DataFrame
        What each campus is curtailed by and what serves it, rounded; without rows where all service is firm.
    """

    placed: pd.DataFrame
    upgrades: pd.DataFrame
    output_mw: pd.DataFrame
    drawn: pd.DataFrame
    circuits: pd.DataFrame
    service: pd.DataFrame = field(default_factory=pd.DataFrame)


def decisions(case: Case, m: pyo.ConcreteModel) -> Decisions:
    """Read the decisions from a model that holds a solution."""
    outputs = pd.DataFrame(columns=["generator", "period", "snapshot", "output_mw"])
    started = pd.DataFrame(columns=["upgrade", "in_service"])
    if case.network is not None:
        outputs = dispatch.tables(m.dispatch, case, m)["dispatch"]
        outputs["output_mw"] = outputs["output_mw"].round(DECIMALS)
        started = _first_periods(upgrades.tables(m.upgrades, case, m)["upgrade_service"], "upgrade")
    new = _new_circuits(case, m)
    if not len(case.demand_mw):
        return Decisions(_no_sites(), started, outputs, pd.DataFrame(columns=["basin", "source", "period"]), new)
    drawn = water.tables(m.water, case, m)["drawn"]
    placed = _placed(case, m)
    return Decisions(placed, started, outputs, drawn, new, service_table(case, m, placed))


def _new_circuits(case: Case, m: pyo.ConcreteModel) -> pd.DataFrame:
    if not len(case.circuits):
        return pd.DataFrame(columns=["circuit", "in_service", "count"])
    rows = expansion.tables(m.expansion, case, m)["circuit_service"]
    added = rows["count"] - rows.groupby("circuit", sort=False)["count"].shift(fill_value=0)
    begun = rows.assign(count=added.round().astype(int), in_service=rows["period"].astype(int))
    return begun.loc[begun["count"] > 0, ["circuit", "in_service", "count"]].reset_index(drop=True)


def _no_sites() -> pd.DataFrame:
    return pd.DataFrame({"site": [], "period": [], "blocks": [], "it_mw": [], "tie": [], "cooling": []})


def _first_periods(service: pd.DataFrame, key: str) -> pd.DataFrame:
    serving = service[service["in_service"] > 0.5]
    first = serving.groupby(key, sort=False)["period"].min().rename("in_service").reset_index()
    return first.astype({"in_service": int}) if len(first) else pd.DataFrame(columns=[key, "in_service"])


def _placed(case: Case, m: pyo.ConcreteModel) -> pd.DataFrame:
    rows = siting.tables(m.siting, case, m)["siting"]
    rows = rows[rows["build"] > 0.5].drop(columns="build").astype({"blocks": int})
    tied = interconnection.tables(m.interconnection, case, m)["tie_service"]
    tied = tied[tied["in_service"] > 0.5]
    tied = tied.assign(site=case.ties["site"].reindex(tied["tie"]).to_numpy())
    cooled = {s: c for (s, c), chosen in m.cooling.chosen.items() if clean_value(chosen) > 0.5}
    rows = rows.merge(tied[["site", "period", "tie"]], on=["site", "period"], how="left")
    return rows.assign(cooling=rows["site"].map(cooled))


def site_tables(case: Case, made: Decisions, effects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables ``sites``, ``ties`` and ``cooling``.

    Parameters
    ----------
    case, made
        The case, and what was decided.
    effects : DataFrame, index (site, period)
        What supply on site adds to ``water_m3_day`` and ``emissions_t_per_year``.
    """
    rows = made.placed.reset_index(drop=True)
    site = case.sites.loc[rows["site"]].reset_index(drop=True)
    pairs = pd.MultiIndex.from_frame(rows[["site", "cooling"]])
    cool = case.cooling.loc[pairs].reset_index(drop=True)
    years = case.periods["annuity_years"].loc[rows["period"]].to_numpy()
    facility = rows["it_mw"] * case.pue.loc[pairs].max(axis=1).to_numpy()
    cooled_m3_day = rows["it_mw"] * cool["wue_m3_per_mwh"] * HOURS_PER_DAY * site["utilization"]
    added = effects.reindex(pd.MultiIndex.from_frame(rows[["site", "period"]])).reset_index(drop=True)
    water_m3_day = cooled_m3_day + added["water_m3_day"]
    energy_mwh = rows["it_mw"] * cool["pue_annual"] * HOURS_PER_YEAR * site["utilization"]
    tie = case.ties.reindex(rows["tie"]).reset_index(drop=True)
    cooling_musd = years * cool["annuity_musd_per_mw"] * rows["it_mw"]
    own = years * (site["fixed_annuity_musd"] + site["block_annuity_musd"] * rows["blocks"])
    share = _water_cost_share(case, made, rows, site["basin"], water_m3_day)
    sites = rows.drop(columns="tie").assign(
        facility_mw=facility,
        firm_mw=facility - non_firm_mw(made.service, rows),
        bus=tie["bus"],
        **{c: site[c] for c in ("lat", "lon", "county", "basin", "area_ha")},
        cost_musd=own + years * tie["annuity_musd"].fillna(0.0) + cooling_musd + share,
        pue_annual=cool["pue_annual"],
        pue_hot_day=cool["pue_hot_day"],
        water_m3_day=water_m3_day,
        emissions_t_per_year=energy_mwh * site["emission_t_per_mwh"]
        + backup_t_per_year(case, made.service, rows)
        + added["emissions_t_per_year"],
    )
    cooling = rows[["site", "cooling", "period", "it_mw"]].assign(
        facility_hot_day_mw=rows["it_mw"] * cool["pue_hot_day"],
        facility_annual_mw=rows["it_mw"] * cool["pue_annual"],
        water_m3_day=cooled_m3_day,
        cost_musd=cooling_musd,
    )
    return {"sites": sites, "ties": _ties(case, rows), "cooling": cooling}


def _ties(case: Case, rows: pd.DataFrame) -> pd.DataFrame:
    first = rows.dropna(subset="tie").groupby("tie", sort=False)["period"].min()
    columns = ["site", "bus", "circuits", "length_km", "capacity_mw", "cost_musd", "base_kv", "annuity_musd"]
    ties = case.ties.loc[first.index, columns]
    ties["in_service"] = first.astype(int)
    return ties.rename_axis("tie").reset_index()


def _water_cost_share(
    case: Case, made: Decisions, rows: pd.DataFrame, basin: pd.Series, water_m3_day: pd.Series
) -> np.ndarray:
    """Share of each row in the cost of its basin's water, by withdrawal [M$]."""
    share = np.zeros(len(rows))
    if not len(made.drawn):
        return share
    cost = water_cost_musd(case, made.drawn).groupby([made.drawn["basin"], made.drawn["period"]]).sum()
    total = water_m3_day.groupby([basin, rows["period"]]).transform("sum")
    for i, key in enumerate(zip(basin, rows["period"], strict=True)):
        if key in cost.index and total[i] > 0:
            share[i] = cost[key] * water_m3_day[i] / total[i]
    return share


def water_cost_musd(case: Case, drawn: pd.DataFrame) -> pd.Series:
    """Present value of each row of water drawn [M$]."""
    price = case.water["price_usd_per_m3"].loc[pd.MultiIndex.from_frame(drawn[["basin", "source"]])].to_numpy()
    years = case.periods["annuity_years"].loc[drawn["period"]].to_numpy()
    return drawn["drawn_m3_day"] * price * years * (HOURS_PER_YEAR / HOURS_PER_DAY) / 1e6


def water_tables(case: Case, made: Decisions, sites: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables ``water`` and ``water_sources``: all basins in which something is withdrawn, and all their sources."""
    used = sites.groupby(["basin", "period"], sort=False)["water_m3_day"].sum()
    used = used[used > 0]
    limit = case.water["available_m3_day"].groupby(level="basin").sum()
    known = used[[b in limit.index for b in used.index.get_level_values(0)]]
    basins = known.rename("withdrawal_m3_day").reset_index()
    basins["limit_m3_day"] = limit.reindex(basins["basin"]).to_numpy()
    sources = made.drawn.merge(basins[["basin", "period"]], on=["basin", "period"])
    sources = sources.rename(columns={"drawn_m3_day": "withdrawal_m3_day"})
    facts = case.water.loc[pd.MultiIndex.from_frame(sources[["basin", "source"]])].reset_index(drop=True)
    return {"water": basins, "water_sources": pd.concat([sources.reset_index(drop=True), facts], axis=1)}


def electricity_water_tables(study: Study, case: Case, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Table ``electricity_water``, where the study asks for it; no decision rests on it."""
    if not study.outdoors.reports_electricity:
        return {}
    sites, none = tables["sites"], pd.DataFrame(columns=["generator", "period", "snapshot", "output_mw"])
    outputs = tables.get("dispatch", none)
    outputs = outputs[~outputs["generator"].isin(case.generators.index[case.is_link_end])]
    carriers, hours = case.generators["carrier"], case.snapshots["hours"]
    factor = electricity_factor(study.outdoors, case.periods.index, outputs, carriers, hours)
    utilization = sites["site"].map(case.sites["utilization"]).astype(float)
    return {"electricity_water": electricity_water(sites, factor, utilization)}


def hall_tables(study: Study, sites: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Table ``halls``; none where no built site has an archetype or a rack density of its own."""
    known = halls_table(study, sites["site"].drop_duplicates())
    return {"halls": known} if len(known) else {}


def support_tables(study: Study, ties: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Table ``reactive_support``; none where nothing is known of any tie."""
    known = support_table(study, ties)
    return {"reactive_support": known} if len(known) else {}


def upgrade_table(case: Case, started: pd.DataFrame) -> pd.DataFrame:
    """Table ``upgrades``."""
    facts = case.upgrades.loc[started["upgrade"]].reset_index(drop=True)
    ends = case.branches.loc[facts["branch"], ["from_bus", "to_bus", "length_km"]].reset_index(drop=True)
    columns = ["branch", "added_mw", "cost_musd", "added_emergency_mw", "annuity_musd"]
    return pd.concat([started.reset_index(drop=True), facts[columns], ends, facts[["kind"]]], axis=1)


def rating_table(case: Case) -> pd.DataFrame:
    """Table ``ratings``: how factors on the ratings of existing branches spread, by snapshot."""
    rows = []
    for limit, after_outage in (("normal rating", False), ("emergency rating", True)):
        for h in case.snapshots.index:
            values = np.asarray(case.rating_factor(h, after_outage))
            rows.append((h, limit, int((values != 1).sum()), values.min(), values.mean(), values.max()))
    return pd.DataFrame(rows, columns=PLAN_TABLES["ratings"].names)


def link_table(case: Case, output_mw: pd.DataFrame) -> pd.DataFrame:
    """Table ``hvdc``: what links carry whose transfer is decided."""
    buses, parts = case.generators["bus"], []
    for d, start, end in case.links[["from_unit", "to_unit"]].itertuples(name=None):
        given = output_mw[output_mw["generator"] == start].set_index(["period", "snapshot"])["output_mw"]
        taken = output_mw[output_mw["generator"] == end].set_index(["period", "snapshot"])["output_mw"]
        rows = pd.DataFrame({"from_mw": -given, "to_mw": taken}).reset_index()
        parts.append(rows.assign(link=d, from_bus=buses[start], to_bus=buses[end]))
    return pd.concat(parts)


def circuit_table(case: Case, built: pd.DataFrame) -> pd.DataFrame:
    """Table ``circuits``; costs are those of all units of the row."""
    facts = case.circuits.loc[built["circuit"]].reset_index(drop=True)
    count = built["count"].to_numpy(float)
    columns = ["from_bus", "to_bus", "kind", "rating_mw", "rating_emergency_mw", "length_km", "replaces"]
    return built.reset_index(drop=True).assign(
        cost_musd=count * facts["cost_musd"].to_numpy(float),
        annuity_musd=count * facts["annuity_musd"].to_numpy(float),
        **{c: facts[c] for c in columns},
    )


def candidate_tables(study: Study) -> dict[str, pd.DataFrame]:
    """Tables ``candidates`` and ``refused``: where a campus could stand, and what refused the rest."""
    sites, refused = study.candidates.sites.reset_index(), study.candidates.refused
    return {
        "candidates": pd.DataFrame(sites[PLAN_TABLES["candidates"].names]),
        "refused": pd.DataFrame(refused[PLAN_TABLES["refused"].names]),
    }


def rules_table(study: Study, sites: pd.DataFrame, ties: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Table ``rules``: what rules ask of the built sites that they bind; none where no rule asks anything."""
    bound = ~sites["site"].map(study.candidates.sites["kind"]).isin(UNTIED_KINDS)
    load_mw = sites[bound].groupby("site")["facility_mw"].max()
    base_kv = ties.set_index("site")["base_kv"].astype(float).reindex(load_mw.index)
    built = pd.DataFrame({"load_mw": load_mw, "base_kv": base_kv})
    codes = study.candidates.sites["jurisdictions"].to_dict()
    lines = rule_lines(built, codes, study.rules, study.config)
    return {"rules": lines} if len(lines) else {}


def cost_table(case: Case, m: pyo.ConcreteModel) -> pd.DataFrame:
    """Table ``costs``: the cost ledger itself, every account in every period."""
    accounts = [*ACCOUNTS]
    accounts += ["service"] if case.service is not None else []
    accounts += list(tariffs.ACCOUNTS) if case.tariffs is not None and len(case.demand_mw) else []
    accounts += ["network"] if case.workloads is not None else []
    accounts += ["supply"] if case.supply is not None else []
    accounts += ["circuits"] if len(case.circuits) else []
    accounts += ["efficiency"] if case.work is not None and len(case.work.programmes) else []
    accounts += ["racks"] if case.work is not None and case.work.has_racks else []
    accounts += ["it_equipment"] if case.equipment.counts and len(case.demand_mw) else []
    accounts += ["carbon"] if case.portfolio.carbon_price_usd_per_t else []
    rows: list[dict[str, Any]] = [
        {"account": account, "period": t, "cost_musd": float(pyo.value(m.ledgers.cost_musd[account, t]))}
        for account in accounts
        for t in case.periods.index
    ]
    return pd.DataFrame(rows)


def totals_of(case: Case, tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    """Totals of every objective over all periods, by their names with unit.

    Parameters
    ----------
    case : Case
        Its periods.
    tables : dict of DataFrame
        ``costs`` and, with demand, ``sites`` and ``demand``.
    """
    found = {"cost_musd": float(tables["costs"]["cost_musd"].sum())}
    years = case.periods["years"]
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    sums = (
        ("carbon_t", "sites", "emissions_t_per_year", 1.0),
        ("water_m3", "sites", "water_m3_day", days),
        ("delay_mw_years", "demand", "shortfall_mw", 1.0),
    )
    for key, name, column, factor in sums:
        rows = tables.get(name)
        found[key] = 0.0 if rows is None else float((rows[column] * rows["period"].map(years)).sum()) * factor
    if case.has_revenue:
        found["net_present_value_musd"] = float(tables["workloads"]["revenue_musd"].sum()) - found["cost_musd"]
    return found


def workload_tables(case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Tables ``workloads`` and ``workload_demand``; none in a study without workloads."""
    if case.workloads is None:
        return {}
    made, W = workloads.tables(m.workloads, case, m), case.workloads
    served, unserved = made["served"], made["unserved"]
    years = case.periods["annuity_years"]
    pair = W.pairs.loc[pd.MultiIndex.from_frame(served[PAIR])].reset_index(drop=True)
    revenue = W.rows["revenue_musd_per_mw_year"].loc[pd.MultiIndex.from_frame(served[PAIR[:2]])].to_numpy(float)
    spent = served["period"].map(years) * served["served_mw"]
    asked = W.demand_mw.rename_axis(columns="period").stack().rename("target_mw").reset_index()
    asked = asked.merge(unserved, on=["region", "workload", "period"])
    penalty = W.rows["penalty_musd_per_mw_year"].loc[pd.MultiIndex.from_frame(asked[PAIR[:2]])].to_numpy(float)
    return {
        "workloads": served.assign(
            rtt_ms=pair["rtt_ms"], cost_musd=spent * pair["cost_musd_per_mw_year"], revenue_musd=spent * revenue
        ),
        "workload_demand": asked.assign(
            served_mw=asked["target_mw"] - asked["unserved_mw"],
            penalty_musd=asked["period"].map(years) * penalty * asked["unserved_mw"],
        ),
    }


def demand_table(
    case: Case, made: Decisions, by_workload: dict[str, pd.DataFrame], counted: pd.Series | None = None
) -> pd.DataFrame:
    """Table ``demand``: what was asked, what is served; by workload where these are given, else by what stands."""
    if by_workload:
        served = by_workload["workload_demand"].groupby("period")["served_mw"].sum()
    else:
        served = made.placed.groupby("period")["it_mw"].sum()
    if counted is not None:
        served = counted
    served = served.reindex(case.demand_mw.index).fillna(0.0)
    short = (case.demand_mw - served).clip(lower=0.0)
    return pd.DataFrame(
        {
            "period": case.demand_mw.index,
            "target_mw": case.demand_mw.to_numpy(),
            "served_mw": served.to_numpy(),
            "shortfall_mw": short.to_numpy(),
        }
    )
