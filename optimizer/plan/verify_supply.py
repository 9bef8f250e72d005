"""Supply of a plan, recomputed from its capacities and outputs as stated: costs, water, emissions, and what ties carry.

Costs by technology are worked out of the user's parameters again, not taken from the offers that the model was given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_network import Floats
from optimizer.plan.verify_service import moved_mw
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

if TYPE_CHECKING:
    from optimizer.study.supplies import Supply

OFFER = ["site", "technology", "period"]


def supply(context: Context) -> Supply:
    """The supply of a study that has one."""
    assert context.case.supply is not None
    return context.case.supply


@remembered
def parameters(context: Context) -> pd.DataFrame:
    """Parameters of every technology on offer: of [[supply.technology]], else of the tables, else the default."""
    settings, tables = context.study.config.supply, context.study.supply_tables
    assert settings is not None
    assert tables is not None
    usual = {"max_storage_hours": 8.0, "life_years": 30.0, "availability": 1.0, "accredited_share": 1.0}
    usual |= {"accredited_hours": 4.0, "permit_hours": np.inf, "max_mw": np.inf, "max_units": np.inf}
    changed = {one.name: one.model_dump(exclude_none=True) for one in settings.technology}
    made: dict[str, dict[str, float]] = {}
    for name in settings.technologies:
        row = {str(k): float(v) for k, v in tables.technologies.loc[name].items() if not np.isnan(v)}
        row |= {k: float(v) for k, v in changed.get(name, {}).items() if k != "name"}
        made[name] = {str(key): row.get(str(key), usual.get(str(key), 0.0)) for key in tables.technologies.columns}
    return pd.DataFrame.from_dict(made, orient="index", columns=list(tables.technologies.columns))


def yearly_factor(context: Context, life_years: float) -> float:
    """Yearly amount per M$ of one-time cost, over a life [1/year]."""
    economics = context.study.config.economics
    rate = economics.discount_rate
    if not economics.annuitize:
        return 1.0 / context.annuity_years[context.periods[0]]
    if rate == 0:
        return 1.0 / life_years
    growth = (1.0 + rate) ** life_years
    return float(rate * growth / (growth - 1.0))


@remembered
def recomputed(context: Context) -> pd.DataFrame:
    """Table ``supply``, every figure from its capacities and energies and the outputs stated."""
    stated = context.table("supply")[[*OFFER, "capacity_mw", "energy_mwh"]].reset_index(drop=True)
    running, hours = context.table("supply_output"), context.case.snapshots["hours"]
    mwh = running["output_mw"] * running["snapshot"].map(hours).astype(float)
    by_offer = mwh.groupby([running[key] for key in OFFER]).sum()
    index = pd.MultiIndex.from_frame(stated[OFFER])
    energy = by_offer.reindex(index).fillna(0.0).to_numpy(float)
    facts = parameters(context).reindex(stated["technology"]).reset_index(drop=True).astype(float)
    once = facts["cost_musd_per_mw"] * stated["capacity_mw"]
    once += facts["storage_cost_musd_per_mwh"] * stated["energy_mwh"]
    factor = np.array([yearly_factor(context, life) for life in facts["life_years"]])
    yearly = factor * once + facts["fixed_om_musd_per_mw_year"] * stated["capacity_mw"]
    fuel = facts["heat_rate_mmbtu_per_mwh"] * facts["fuel_usd_per_mmbtu"] + facts["fuel_usd_per_mwh"]
    running_usd = (fuel + facts["variable_om_usd_per_mwh"]) * energy
    years = stated["period"].map(context.annuity_years).astype(float)
    used = energy * stated["site"].map(context.case.sites["utilization"]).astype(float)
    source = facts["storage_efficiency"] == 0
    return stated.assign(
        output_mwh_per_year=energy,
        cost_musd=years * (yearly + running_usd / USD_PER_MUSD),
        land_ha=facts["land_ha_per_mw"] * stated["capacity_mw"],
        water_m3_day=(facts["water_m3_per_mwh"] * used * HOURS_PER_DAY / HOURS_PER_YEAR).where(source, 0.0),
        emissions_t_per_year=(facts["emission_t_per_mwh"] * used).where(source, 0.0),
        once_musd=once,
    )


@remembered
def lines(context: Context) -> pd.DataFrame:
    """Gas lines that stand, index ``site``: ``in_service``, ``cost_musd``, ``annuity_musd``."""
    settings = context.study.config.supply
    stated = context.table("gas_lines")
    if settings is None or stated.empty:
        return stated.set_index("site")
    sites = pd.DataFrame(context.study.candidates.sites)
    km = sites["gas_line_km"] if "gas_line_km" in sites.columns else pd.Series(0.0, index=sites.index)
    if context.study.own is not None:
        km = context.study.own.sites["gas_line_km"].reindex(sites.index).fillna(km)
    cost = settings.gas_line_musd_per_km * km.astype(float).reindex(stated["site"]).to_numpy(float)
    factor = yearly_factor(context, context.study.config.economics.life_years)
    return stated[["site", "in_service"]].assign(cost_musd=cost, annuity_musd=factor * cost).set_index("site")


def supply_musd(context: Context) -> dict[int, float]:
    """Present value of supply by period, gas lines included [M$]."""
    own = recomputed(context).groupby("period")["cost_musd"].sum()
    built = lines(context)
    return {
        t: float(own.get(t, 0.0))
        + context.annuity_years[t] * float(built.loc[built["in_service"] <= t, "annuity_musd"].sum())
        for t in context.periods
    }


def supply_investment_musd(context: Context) -> dict[int, float]:
    """One-time cost of all supply that stands in each period [M$]."""
    if context.case.supply is None:
        return dict.fromkeys(context.periods, 0.0)
    own, built = recomputed(context).groupby("period")["once_musd"].sum(), lines(context)
    return {
        t: float(own.get(t, 0.0)) + float(built.loc[built["in_service"] <= t, "cost_musd"].sum())
        for t in context.periods
    }


def _of_rows(context: Context, column: str) -> Floats:
    """A column of the recomputed supply, summed for each row of ``placed``."""
    rows = context.placed
    if context.case.supply is None or not len(rows):
        return np.zeros(len(rows))
    total = recomputed(context).groupby(["site", "period"])[column].sum()
    return total.reindex(pd.MultiIndex.from_frame(rows[["site", "period"]])).fillna(0.0).to_numpy(float)


@remembered
def supply_m3_day(context: Context) -> Floats:
    """Water that the supply of each row of ``placed`` takes [m3/day]."""
    return _of_rows(context, "water_m3_day")


@remembered
def direct_mw(context: Context) -> pd.DataFrame:
    """What each row of ``placed`` takes from the generator beside it, columns snapshot [MW]."""
    stated, index = context.table("colocation"), ["site", "period", "snapshot"]
    taken = stated.set_index(index)["direct_mw"].astype(float).to_dict()
    rows = list(context.placed[["site", "period"]].itertuples(index=False, name=None))
    return pd.DataFrame({h: [taken.get((s, t, h), 0.0) for s, t in rows] for h in context.snapshots}, dtype=float)


def counted_share(context: Context) -> dict[tuple[str, str], float]:
    """Share of own supply in a snapshot that counts against a year's energy, by site and snapshot [-].

    A snapshot in which a campus draws more than in the yearly mean counts for no more than the mean, by the cooling
    technology of which that is the least part.
    """
    case, found = context.case, {}
    for s in dict.fromkeys(context.placed["site"]):
        annual = case.cooling.loc[[s], "pue_annual"].to_numpy(float)
        for h in context.snapshots:
            found[s, h] = min(1.0, float((annual / case.pue.loc[[s], h].to_numpy(float)).min()))
    return found


@remembered
def own_mwh(context: Context) -> Floats:
    """Energy of a year that each row of ``placed`` supplies itself, as it counts against what is used [MWh]."""
    share, hours = counted_share(context), context.case.snapshots["hours"]
    found = np.zeros(len(context.placed))
    for i, (s, used) in enumerate(context.placed[["site", "utilization"]].itertuples(index=False, name=None)):
        for h in context.snapshots:
            found[i] += float(hours[h]) * float(used) * share[s, h] * float(context.own_mw[h].iat[i])
    return found


@remembered
def supply_emissions_t(context: Context) -> Floats:
    """Yearly emissions of supply of each row of ``placed``, less those of the grid that it stands in for [t/year]."""
    rows = context.placed
    if context.case.supply is None or not len(rows):
        return np.zeros(len(rows))
    found = _of_rows(context, "emissions_t_per_year").copy()
    hours, direct, share = context.case.snapshots["hours"], direct_mw(context), counted_share(context)
    for i, (s, factor, used) in enumerate(
        rows[["site", "emission_t_per_mwh", "utilization"]].itertuples(index=False, name=None)
    ):
        beside = supply(context).beside.get(s, "")
        rate = float(context.case.generators.at[beside, "carbon_t_per_mwh"]) if beside else 0.0
        for h in context.snapshots:
            own, beside_mw = float(context.own_mw[h].iat[i]), float(direct[h].iat[i])
            given = beside_mw * rate - (own + beside_mw) * float(factor) * share[s, h]
            found[i] += float(hours[h]) * float(used) * given
    return found


def carried_mw(context: Context) -> Floats:
    """What the tie of each row of ``placed`` must be able to carry, shape (n_row, n_snapshot) [MW].

    All that the campus draws and catches up, as if nothing were curtailed and its own supply were out, or what is left
    of it where that counts as firm; and what its storage takes beside.
    """
    gross = context.facility_mw.to_numpy(float) + moved_mw(context)["recovered_mw"]
    net = gross - context.own_mw.to_numpy(float)
    if context.case.supply is not None and context.case.supply.counts_as_firm:
        return net
    return np.maximum(gross, net)
