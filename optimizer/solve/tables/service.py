"""Tables of service: what is firm, what is curtailed and what serves it, and what is paid to whom beside the cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.config.checks import UNTIED_KINDS
from optimizer.formulation import service, tariffs
from optimizer.layers.jurisdictions import Jurisdictions
from optimizer.solve.tables.supply import supplied_mw
from optimizer.study.case import Case
from optimizer.study.tariffs import tariff_of
from optimizer.units import HOURS_PER_YEAR, USD_PER_MUSD

if TYPE_CHECKING:
    from optimizer.config import ServiceSettings, TariffSettings

DECIMALS = 6
"""Decimals to which decisions are rounded before anything is computed from them [-]."""

MOVED = ["curtailed_mw", "backup_mw", "deferred_mw", "recovered_mw"]
"""What is decided in every snapshot."""

DROPPED = "dropped_mw"
"""What is decided in every snapshot where outages drop load."""

KW_PER_MW, MONTHS_PER_YEAR = 1000.0, 12.0
"""Exact by definition."""


def service_table(case: Case, m: pyo.ConcreteModel, placed: pd.DataFrame) -> pd.DataFrame:
    """Table ``service``; empty where all service is firm.

    Parameters
    ----------
    case : Case
        The case.
    m : ConcreteModel
        Holding the solution.
    placed : DataFrame
        ``site, period, tie, cooling, it_mw`` of each built site.
    """
    columns = ["site", "period", "snapshot", "facility_mw", *MOVED, DROPPED, "non_firm_mw"]
    if case.service is None or placed.empty:
        return pd.DataFrame(columns=columns)
    H = list(case.snapshots.index)
    tied = placed.dropna(subset="tie")
    pue = case.pue.loc[pd.MultiIndex.from_frame(tied[["site", "cooling"]]), H].to_numpy(float)
    rows = tied.loc[tied.index.repeat(len(H)), ["site", "period", "tie"]].reset_index(drop=True)
    rows["snapshot"] = H * len(tied)
    rows["facility_mw"] = (pue * tied[["it_mw"]].to_numpy(float)).ravel()
    relief = service.tables(m.service, case, m)["relief"]
    rows = rows.merge(relief, on=["site", "period", "snapshot"], how="left")
    rows[[*MOVED, DROPPED]] = rows[[*MOVED, DROPPED]].round(DECIMALS)
    return rows.assign(non_firm_mw=_non_firm(case, m, rows))[columns]


def _non_firm(case: Case, m: pyo.ConcreteModel, rows: pd.DataFrame) -> pd.Series:
    """Non-firm contract demand: what was chosen where it costs less than firm demand, else the least that is needed."""
    needed = rows["curtailed_mw"] + rows[DROPPED]
    least = needed.groupby([rows["site"], rows["period"]], sort=False).transform("max")
    chosen = {s for s in rows["site"].unique() if tariffs.is_chosen(case, s)}
    if not chosen:
        return least
    made = tariffs.tables(m.tariffs, case, m)["non_firm"].round({"non_firm_mw": DECIMALS})
    stated = rows[["tie", "period"]].merge(made, on=["tie", "period"], how="left")["non_firm_mw"]
    contract = rows.groupby(["site", "period"], sort=False)["facility_mw"].transform("max")
    return stated.clip(lower=least, upper=contract).where(rows["site"].isin(chosen), least)


def service_tables(
    case: Case,
    m: pyo.ConcreteModel,
    moved: pd.DataFrame,
    placed: pd.DataFrame,
    own_mw: Mapping[tuple[str, int, str], float],
) -> dict[str, pd.DataFrame]:
    """Tables ``service`` and ``service_years``, and ``dropped`` where outages drop load; none where all is firm.

    Parameters
    ----------
    case, m
        The case, and its model with a solution.
    moved : DataFrame
        As `service_table` returns it.
    placed : DataFrame
        As `service_table` takes it.
    own_mw : mapping
        Own supply by site, period and snapshot [MW].
    """
    if case.service is None:
        return {}
    S, keys = case.service, ["site", "period"]
    hours = moved["snapshot"].map(case.snapshots["hours"]).astype(float)
    by_year = moved.groupby(keys, sort=False)
    contract, non_firm = by_year["facility_mw"].transform("max"), moved["non_firm_mw"]
    lost = moved["curtailed_mw"] - moved["backup_mw"] - moved["deferred_mw"]
    fuel = 0.0 if S.backup is None else S.backup.fuel_usd_per_mwh
    carbon = 0.0 if S.backup is None else S.backup.carbon_t_per_mwh
    wait = 0.0 if S.deferral is None else S.deferral.cost_usd_per_mwh
    usd = hours * (S.curtailment_usd_per_mwh * lost + fuel * moved["backup_mw"] + wait * moved["deferred_mw"])
    sums = pd.DataFrame(
        {
            "site": moved["site"],
            "period": moved["period"],
            "curtailed_mwh": hours * moved["curtailed_mw"],
            "curtailed_hours": hours.where(moved["curtailed_mw"] > 0, 0.0),
            "backup_mwh": hours * moved["backup_mw"],
            "lost_mwh": hours * lost,
            "drawn_mwh": hours * moved["facility_mw"],
            "usd": usd,
        }
    )
    years = sums.groupby(keys, sort=False).sum().reset_index()
    capacity = service.tables(m.service, case, m)["backup"]
    years = years.merge(capacity, on=keys, how="left")
    years["backup_capacity_mw"] = years["backup_capacity_mw"].round(DECIMALS)
    annuity = 0.0 if S.backup is None else S.backup.annuity_musd_per_mw
    discount = years["period"].map(case.periods["annuity_years"]).astype(float)
    years["cost_musd"] = discount * (years["usd"] / USD_PER_MUSD + annuity * years["backup_capacity_mw"])
    years["curtailed_share"] = np.divide(
        years["curtailed_mwh"], years["drawn_mwh"], out=np.zeros(len(years)), where=years["drawn_mwh"] > 0
    )
    years["emissions_t_per_year"] = carbon * years["backup_mwh"]
    most = moved.groupby(keys, sort=False)[["facility_mw", "non_firm_mw"]].max().reset_index()
    years["contract_mw"], years["non_firm_mw"] = most["facility_mw"], most["non_firm_mw"]
    years["firm_mw"] = years["contract_mw"] - years["non_firm_mw"]
    keyed = moved[["site", "period", "snapshot"]].itertuples(index=False, name=None)
    own = np.array([own_mw.get((str(s), int(t), str(h)), 0.0) for s, t, h in keyed], dtype=float)
    drawn = moved["facility_mw"] - moved["curtailed_mw"] + moved["recovered_mw"] - own
    table = moved.assign(firm_mw=contract - non_firm, drawn_mw=drawn)
    made = {"service": table.drop(columns=DROPPED), "service_years": years.drop(columns=["usd", "drawn_mwh"])}
    if not case.drops_load:
        return made
    left = table[["site", "period", "snapshot", "drawn_mw", DROPPED]].assign(left_mw=drawn - table[DROPPED])
    return {**made, "dropped": left}


def non_firm_mw(moved: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Non-firm contract demand of each row of sites and periods [MW]."""
    if moved.empty:
        return np.zeros(len(rows))
    most = moved.groupby(["site", "period"])["non_firm_mw"].max()
    return most.reindex(pd.MultiIndex.from_frame(rows[["site", "period"]])).fillna(0.0).to_numpy(float)


def backup_t_per_year(case: Case, moved: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Yearly emissions of on-site backup of each row of sites and periods [t CO2e/year]."""
    if moved.empty or case.service is None or case.service.backup is None:
        return np.zeros(len(rows))
    mwh = moved["snapshot"].map(case.snapshots["hours"]).astype(float) * moved["backup_mw"]
    yearly = mwh.groupby([moved["site"], moved["period"]]).sum() * case.service.backup.carbon_t_per_mwh
    return yearly.reindex(pd.MultiIndex.from_frame(rows[["site", "period"]])).fillna(0.0).to_numpy(float)


def with_service(withdrawal_mw: pd.DataFrame, moved: pd.DataFrame, dropped: pd.DataFrame | None = None) -> pd.DataFrame:
    """Withdrawals less what is curtailed and with what is caught up, beside what of them outages drop.

    Parameters
    ----------
    withdrawal_mw : DataFrame
        ``site, bus, period, snapshot, withdrawal_mw`` of facilities that draw all they can.
    moved : DataFrame
        Table ``service``; without rows where all service is firm.
    dropped : DataFrame, optional
        Table ``dropped``; there is no column ``dropped_mw`` without it.
    """
    if moved.empty:
        return withdrawal_mw
    keys = ["site", "period", "snapshot"]
    relief = moved.set_index(keys)["curtailed_mw"] - moved.set_index(keys)["recovered_mw"]
    taken = relief.reindex(pd.MultiIndex.from_frame(withdrawal_mw[keys])).fillna(0.0).to_numpy(float)
    made = withdrawal_mw.assign(withdrawal_mw=withdrawal_mw["withdrawal_mw"] - taken)
    if dropped is None:
        return made
    off = dropped.set_index(keys)[DROPPED].reindex(pd.MultiIndex.from_frame(withdrawal_mw[keys])).fillna(0.0)
    return made.assign(**{DROPPED: off.to_numpy(float)})


def transfers_table(
    case: Case, given: ServiceSettings | None, tables: dict[str, pd.DataFrame], known: Jurisdictions
) -> dict[str, pd.DataFrame]:
    """Table ``transfers``: what is paid by whom beside the system's cost; none without a tariff.

    Parameters
    ----------
    case : Case
        The case.
    given : ServiceSettings, optional
        With the tariffs.
    tables : dict of DataFrame
        ``sites``, ``service_years``, ``upgrades`` and ``circuits`` of the plan.
    known : Jurisdictions
        By which the places of tariffs and sites are compared.
    """
    if given is None or not given.tariff:
        return {}
    rows: list[tuple[str, str, int, float]] = []
    sites = _contracts(case, tables)
    for t in case.periods.index:
        here = sites[sites["period"] == t]
        upgrades = _upgrades_musd(case, tables, int(t))
        paid, total = 0.0, float(here["contract_mw"].sum())
        for place, campuses in here.groupby("jurisdiction", sort=True):
            tariff = tariff_of(given.tariff, str(place), known)
            if tariff is None:
                continue
            payer = f"load in {place}" if place else "load"
            rows += [(a, p, int(t), v) for a, p, v in _of_place(case, tariff, campuses, int(t), payer)]
            share = float(campuses["contract_mw"].sum()) / total if total else 0.0
            rows.append(("network upgrades", payer, int(t), tariff.upgrade_cost_share * share * upgrades))
            paid += tariff.upgrade_cost_share * share * upgrades
        rows.append(("network upgrades", "other customers", int(t), upgrades - paid))
    return {"transfers": pd.DataFrame(rows, columns=["account", "payer", "period", "amount_musd"])}


def _contracts(case: Case, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Contract demand, firm and not, and energy taken of each campus and period; what is rented has no contract."""
    sites = tables["sites"][["site", "period", "it_mw", "facility_mw", "firm_mw", "pue_annual"]]
    sites = sites[~sites["site"].map(case.sites["kind"]).isin(UNTIED_KINDS)].copy()
    sites["jurisdiction"] = sites["site"].map(case.sites["jurisdiction"]).fillna("").astype(str)
    utilization = sites["site"].map(case.sites["utilization"]).astype(float)
    sites["taken_mwh"] = sites["it_mw"] * sites["pue_annual"] * HOURS_PER_YEAR * utilization
    sites["contract_mw"] = sites["facility_mw"]
    if "service" in tables:
        rows = tables["service"]
        hours = rows["snapshot"].map(case.snapshots["hours"]).astype(float)
        less = (hours * (rows["curtailed_mw"] - rows["recovered_mw"])).groupby([rows["site"], rows["period"]]).sum()
        keys = pd.MultiIndex.from_frame(sites[["site", "period"]])
        sites["taken_mwh"] -= less.reindex(keys).fillna(0.0).to_numpy(float)
    own = own_mwh(case, tables)
    sites["taken_mwh"] -= [own.get(key, 0.0) for key in sites[["site", "period"]].itertuples(index=False, name=None)]
    return sites


def own_mwh(case: Case, tables: dict[str, pd.DataFrame]) -> dict[tuple[str, int], float]:
    """Energy of a year that each campus supplies itself, as far as it counts against what it uses [MWh]."""
    found: dict[tuple[str, int], float] = {}
    for (s, t, h), mw in supplied_mw(tables).items():
        assert case.supply is not None
        counted = float(case.supply.yearly_share.at[s, h]) * float(case.sites.at[s, "utilization"])
        found[s, t] = found.get((s, t), 0.0) + float(case.snapshots.at[h, "hours"]) * counted * mw
    return found


def _of_place(
    case: Case, tariff: TariffSettings, campuses: pd.DataFrame, t: int, payer: str
) -> list[tuple[str, str, float]]:
    """Charges and reliefs of the campuses of one jurisdiction."""
    years = float(case.periods.at[t, "annuity_years"])
    contract, firm = float(campuses["contract_mw"].sum()), float(campuses["firm_mw"].sum())
    a_year = KW_PER_MW * MONTHS_PER_YEAR / USD_PER_MUSD
    charge = tariff.demand_usd_per_kw_month * firm + tariff.non_firm_usd_per_kw_month * (contract - firm)
    least = tariff.minimum_take_share * HOURS_PER_YEAR * campuses["contract_mw"]
    untaken = float((least - campuses["taken_mwh"]).clip(lower=0.0).sum())
    tax = tariff.tax_musd_per_mw_year * float(campuses["it_mw"].sum())
    authority = payer.replace("load", "authority", 1)
    return [
        ("demand charge", payer, years * a_year * charge),
        ("minimum take", payer, years * tariff.energy_usd_per_mwh * untaken / USD_PER_MUSD),
        ("deposit held", payer, tariff.deposit_musd_per_mw * contract),
        ("exit fee at stake", payer, tariff.exit_fee_musd_per_mw * contract),
        ("tax", payer, years * (1.0 - tariff.tax_abatement_share) * tax),
        ("tax abatement", authority, years * tariff.tax_abatement_share * tax),
    ]


def _upgrades_musd(case: Case, tables: dict[str, pd.DataFrame], t: int) -> float:
    """Present value of network upgrades and circuits in a period [M$]."""
    total = 0.0
    for name in ("upgrades", "circuits"):
        rows = tables.get(name)
        if rows is not None and len(rows):
            total += float(rows.loc[rows["in_service"] <= t, "annuity_musd"].sum())
    return total * float(case.periods.at[t, "annuity_years"])
