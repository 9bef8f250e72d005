"""From a solved model to the tables of supply: what stands on site, how it runs, and what zones can count on."""

from __future__ import annotations

import pandas as pd
import pyomo.environ as pyo

from optimizer.formulation import supply
from optimizer.formulation.adequacy import offers_of_zone
from optimizer.study.case import Case
from optimizer.study.supplies import Supply
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

DECIMALS = 6
"""Decimals that are kept of outputs, so that withdrawals are those of the outputs as written [-]."""

KEYS = ["site", "technology", "period", "snapshot"]

USED_MW = 1e-6
"""Capacity from which on it is listed [MW]."""


def supply_tables(case: Case, m: pyo.ConcreteModel, used_mw: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables of supply; none in a study without any.

    Parameters
    ----------
    case, m
        The case, and its model with a solution.
    used_mw : DataFrame
        What each campus draws less what is curtailed, own supply not deducted: ``site, bus, period, snapshot,
        withdrawal_mw``.
    """
    if case.supply is None:
        return {}
    made = supply.tables(m.supply, case, m)
    running = made["output"].merge(made["stored"], on=KEYS, how="outer") if len(made["stored"]) else made["output"]
    running = running.reindex(columns=[*KEYS, "output_mw", "charge_mw", "discharge_mw", "stored_mwh"])
    numbers = ["output_mw", "charge_mw", "discharge_mw", "stored_mwh"]
    running[numbers] = running[numbers].astype(float).fillna(0.0).round(DECIMALS)
    running["output_mw"] += running.pop("discharge_mw")
    standing = made["capacity"].merge(made["energy"], on=KEYS[:3], how="left").fillna({"energy_mwh": 0.0})
    standing = standing[standing["capacity_mw"] > USED_MW].reset_index(drop=True)
    running = running.merge(standing[KEYS[:3]], on=KEYS[:3])
    found = {"supply": _costed(case, case.supply, standing, running), "supply_output": running}
    if len(made["gas_lines"]):
        found["gas_lines"] = _gas_lines(case.supply, made["gas_lines"])
    if case.supply.beside:
        found["colocation"] = _colocation(case, m, made["direct_mw"], used_mw, supplied_mw(found))
    return found


def _costed(case: Case, S: Supply, standing: pd.DataFrame, running: pd.DataFrame) -> pd.DataFrame:
    """Capacity with its cost, land, water, emissions and energy of a year."""
    offer = S.offers.loc[pd.MultiIndex.from_frame(standing[KEYS[:2]])].reset_index(drop=True)
    facts = S.technologies.loc[standing["technology"]].reset_index(drop=True)
    years = standing["period"].map(case.periods["annuity_years"]).astype(float)
    energy = _by_row(standing, running, case.snapshots["hours"])
    used = energy * standing["site"].map(case.sites["utilization"]).astype(float)
    yearly = offer["annuity_musd_per_mw"] * standing["capacity_mw"]
    yearly += offer["annuity_musd_per_mwh"] * standing["energy_mwh"]
    source = ~facts["is_storage"].astype(bool)
    return standing.assign(
        output_mwh_per_year=energy,
        cost_musd=years * (yearly + facts["running_usd_per_mwh"] * energy / USD_PER_MUSD),
        land_ha=facts["land_ha_per_mw"] * standing["capacity_mw"],
        water_m3_day=(facts["water_m3_per_mwh"] * used / (HOURS_PER_YEAR / HOURS_PER_DAY)).where(source, 0.0),
        emissions_t_per_year=(facts["emission_t_per_mwh"] * used).where(source, 0.0),
    )


def _by_row(standing: pd.DataFrame, running: pd.DataFrame, hours: pd.Series) -> pd.Series:
    """Energy given in a year by each row of what stands [MWh]."""
    mwh = (running["output_mw"] * running["snapshot"].map(hours).astype(float)).groupby(
        [running[key] for key in KEYS[:3]]
    )
    found = mwh.sum().reindex(pd.MultiIndex.from_frame(standing[KEYS[:3]])).fillna(0.0)
    return pd.Series(found.to_numpy(float))


def _gas_lines(S: Supply, service: pd.DataFrame) -> pd.DataFrame:
    first = service[service["in_service"] > 0.5].groupby("site", sort=False)["period"].min()
    lines = S.gas_lines.reindex(first.index)
    return lines.assign(in_service=first.astype(int)).rename_axis("site").reset_index()


def _colocation(
    case: Case,
    m: pyo.ConcreteModel,
    direct: pd.DataFrame,
    used_mw: pd.DataFrame,
    own_mw: dict[tuple[str, int, str], float],
) -> pd.DataFrame:
    """What each campus takes from the generator beside it, and what that leaves to the grid.

    Where the generator emits no more than the grid, a campus takes all that it can from it: no cost depends on that,
    and every limit holds as well. With a price of carbon the cost does depend on it, and what the program chose stands.
    """
    assert case.supply is not None
    keys = ["site", "period", "snapshot"]
    rows = direct.assign(site=case.ties["site"].reindex(direct["tie"]).to_numpy())
    rows = rows.groupby(keys, sort=False)["direct_mw"].sum().round(DECIMALS).reset_index()
    rows["generator"] = rows["site"].map(case.supply.beside)
    at = {(r.site, r.period, r.snapshot): (r.bus, r.withdrawal_mw) for r in used_mw.itertuples()}
    left: dict[tuple[str, int, str], float] = {}
    for g, t, h, mw in rows[["generator", "period", "snapshot", "direct_mw"]].itertuples(index=False, name=None):
        output = round(float(m.dispatch.output_mw[g, t, h].value), DECIMALS)
        left[g, t, h] = left.get((g, t, h), output) - mw
    taken, free = [], not case.portfolio.carbon_price_usd_per_t
    for s, t, h, mw, g in rows[[*keys, "direct_mw", "generator"]].itertuples(index=False, name=None):
        bus, drawn = at.get((s, t, h), ("", 0.0))
        grid = float(case.sites.at[s, "emission_t_per_mwh"]) * float(case.supply.yearly_share.at[s, h])
        more = 0.0
        cleaner = float(case.generators.at[g, "carbon_t_per_mwh"]) <= grid
        if free and cleaner and bus == case.generators.at[g, "bus"]:
            more = max(0.0, min(left[g, t, h], drawn - own_mw.get((s, t, h), 0.0) - mw))
        left[g, t, h] -= more
        taken.append(round(mw + more, DECIMALS))
    to_grid = [left[key] for key in rows[["generator", "period", "snapshot"]].itertuples(index=False, name=None)]
    return rows.assign(direct_mw=taken, to_grid_mw=to_grid)


def supplied_mw(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, int, str], float]:
    """Own supply less charging by site, period and snapshot [MW]."""
    rows = tables.get("supply_output")
    if rows is None or rows.empty:
        return {}
    net = (rows["output_mw"] - rows["charge_mw"]).groupby([rows["site"], rows["period"], rows["snapshot"]]).sum()
    return {(str(s), int(t), str(h)): float(mw) for (s, t, h), mw in net.items()}


def site_effects(case: Case, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """What supply adds to water [m3/day] and emissions [t/year] of a campus, index (site, period)."""
    index = pd.MultiIndex.from_product([case.sites.index, case.periods.index], names=["site", "period"])
    added = pd.DataFrame({"water_m3_day": 0.0, "emissions_t_per_year": 0.0}, index=index)
    if case.supply is None or "supply" not in tables:
        return added
    own = tables["supply"].groupby(["site", "period"])[["water_m3_day", "emissions_t_per_year"]].sum()
    added = added.add(own, fill_value=0.0)
    hours, S = case.snapshots["hours"], case.supply

    def yearly(s: str, t: int, h: str, mw: float, rate: float) -> None:
        factor = float(case.sites.at[s, "emission_t_per_mwh"]) * float(S.yearly_share.at[s, h])
        used = float(hours[h]) * float(case.sites.at[s, "utilization"]) * mw
        added.loc[(s, t), "emissions_t_per_year"] += used * (rate - factor)

    for (s, t, h), mw in supplied_mw(tables).items():
        yearly(s, t, h, mw, 0.0)
    for row in tables["colocation"].itertuples() if "colocation" in tables else ():
        rate = float(case.generators.at[row.generator, "carbon_t_per_mwh"])
        yearly(row.site, row.period, row.snapshot, row.direct_mw, rate)
    return added.reindex(index)


def adequacy_table(case: Case, tables: dict[str, pd.DataFrame], used_mw: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Capacity over load of every zone with a point of interconnection, in the snapshot in which it is least.

    Parameters
    ----------
    case : Case
        Its adequacy; without one there is no table.
    tables : dict of DataFrame
        ``supply``, where campuses have any.
    used_mw : DataFrame
        What each campus draws less what is curtailed, own supply not deducted: ``site, bus, period, snapshot,
        withdrawal_mw``.
    """
    if case.adequacy is None:
        return {}
    zone, zones = case.buses["zone"], case.adequacy.zones
    load = case.load_mw.groupby(zone).sum()
    new = used_mw.groupby([used_mw["bus"].map(zone), "period", "snapshot"])["withdrawal_mw"].sum()
    capacity = _counted_mw(case, tables)
    own = offers_of_zone(case)
    rows = []
    for z in [z for z in zones.index if any(zone[n] == z for n in case.ties_of_bus)]:
        for t in case.periods.index:
            most = max(float(load.at[z, (t, h)]) + float(new.get((z, t, h), 0.0)) for h in case.snapshots.index)
            counted = sum(share * capacity.get((s, q, t), 0.0) for s, q, share in own.get(z, ()))
            accredited, imports = (float(v) for v in zones.loc[z, ["accredited_mw", "import_mw"]])
            margin = (accredited + imports + counted) / most - 1.0 if most > 0 else float("nan")
            rows.append((z, t, most, accredited, counted, imports, margin))
    columns = ["zone", "period", "peak_mw", "accredited_mw", "own_accredited_mw", "import_mw", "margin"]
    return {"adequacy": pd.DataFrame(rows, columns=columns)}


def _counted_mw(case: Case, tables: dict[str, pd.DataFrame]) -> dict[tuple[str, str, int], float]:
    """Capacity that can be counted before its accredited share: of a store, no more than its energy sustains."""
    if case.supply is None or "supply" not in tables:
        return {}
    facts, found = case.supply.technologies, {}
    for row in tables["supply"].itertuples():
        power, hours = float(row.capacity_mw), float(facts.at[row.technology, "accredited_hours"])
        if facts.at[row.technology, "is_storage"] and hours > 0:
            power = min(power, float(row.energy_mwh) / hours)
        found[row.site, row.technology, row.period] = power
    return found
