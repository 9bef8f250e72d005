"""From a study to a case: labels and numbers only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from optimizer.config import LimitsSettings, StudyConfig
from optimizer.grid.joint import JointSet
from optimizer.grid.topology import is_equivalent
from optimizer.study import points
from optimizer.study.case import Case, PortfolioLimits
from optimizer.study.circuits import Expansion
from optimizer.study.conditions import fuel_price_factor
from optimizer.study.contingencies import campus_outages
from optimizer.study.economics import period_table
from optimizer.study.equipment import equipment_of
from optimizer.study.facility_facts import site_facts
from optimizer.study.generation import cost_curves
from optimizer.study.generators import max_generators_of
from optimizer.study.orbit import orbit_of
from optimizer.study.portfolio import (
    Portfolio,
    deliveries_of,
    facility_values,
    share_of,
    shares_of,
    years_before,
)
from optimizer.study.service import service_of
from optimizer.study.supply import adequacy_of, supply_of
from optimizer.study.tariffs import tariffs_of
from optimizer.study.work import Work, cooled_racks, fits_of_study, target_mw, work_of

if TYPE_CHECKING:
    from optimizer.study.study import Study

SITE_COLUMNS = (
    "kind",
    "block_mw",
    "max_blocks",
    "min_blocks",
    "fixed_annuity_musd",
    "block_annuity_musd",
    "fixed_cost_musd",
    "block_cost_musd",
    "earliest",
    "county",
    "substation",
    "jurisdiction",
    "basin",
    "area_ha",
    "lat",
    "lon",
    "utilization",
    "emission_t_per_mwh",
)
TIE_COLUMNS = ("site", "bus", "base_kv", "circuits", "capacity_mw", "cost_musd", "annuity_musd", "length_km", "ready")
COOLING_COLUMNS = ("pue_annual", "pue_hot_day", "wue_m3_per_mwh", "cost_musd_per_mw", "annuity_musd_per_mw")
UPGRADE_COLUMNS = ("branch", "added_mw", "added_emergency_mw", "cost_musd", "annuity_musd", "ready", "kind")


def build_case(study: Study) -> Case:
    """Put the numbers of a study together.

    Parameters
    ----------
    study : Study
        The study.

    Returns
    -------
    Case
        What the formulation reads; nothing in it refers to geometry or to files.

    Raises
    ------
    InputError
        With every finding about sites, ties or snapshots that only their making shows.
    """
    config, candidates, operation = study.config, study.candidates, study.operation
    least_mw = operation.output_min_mw.min(axis=1)
    dispatch = config.dispatch
    if config.study.perspective == "developer":
        # Energy is paid for at its tariff.
        dispatch = dispatch.model_copy(update={"cost": "none"})
    segments, at_min = cost_curves(operation.generators, least_mw, dispatch)
    factor = fuel_price_factor(config.conditions, operation.generators["carrier"])
    segments = segments.assign(cost_usd_per_mwh=segments["cost_usd_per_mwh"] * _of_each(factor, segments))
    generators = operation.generators[["bus", "p_max_mw", "carrier", "carbon_t_per_mwh"]].assign(p_min_mw=least_mw)
    economics, limits = config.economics, config.limits
    workloads = None if study.workloads is None else study.workloads[0]
    sites, work = pd.DataFrame(candidates.sites), _work(study)
    return Case(
        name=study.name,
        periods=period_table(config.study.periods, economics.discount_rate, economics.last_period_years),
        snapshots=operation.snapshots[["hours"]],
        buses=_buses(study),
        load_mw=operation.load_mw,
        branches=study.branches,
        generators=generators[["bus", "p_min_mw", "p_max_mw", "carrier", "carbon_t_per_mwh"]],
        output_min_mw=operation.output_min_mw,
        output_max_mw=operation.output_max_mw,
        cost_segments=segments,
        cost_at_min_usd_per_h=at_min * factor,
        sites=sites[list(SITE_COLUMNS)],
        ties=pd.DataFrame(candidates.ties)[list(TIE_COLUMNS)],
        cooling=candidates.cooling[list(COOLING_COLUMNS)],
        pue=candidates.pue,
        upgrades=study.upgrades[list(UPGRADE_COLUMNS)],
        water=candidates.water,
        demand_mw=_demand(study) if workloads is None else workloads.total_mw,
        shortfall_penalty_musd_per_mw_year=_penalty(config, work),
        limits=PortfolioLimits(
            share_of(limits, "county"),
            share_of(limits, "substation"),
            dict(limits.budget_musd),
            dict(limits.carbon_t_per_year),
            limits.new_it_mw_per_period,
            _totals(limits),
            limits.site_ramp_mw_per_year,
        ),
        network=study.network,
        outages=study.outages if "branch" in config.security.contingencies else None,
        base_overloads=pd.DataFrame(
            {"branch": [], "contingency": [], "snapshot": [], "overload_mw": pd.Series(dtype=float)}
        ),
        joint=_joint(study, sites.index, candidates.ties),
        expansion=_expansion(study, sites.index, candidates.ties),
        workloads=workloads,
        orbit=orbit_of(sites, config.orbit),
        service=None if study.network is None else service_of(config, study.yearly_factor),
        supply=supply_of(study),
        adequacy=adequacy_of(study),
        portfolio=_portfolio(study, sites),
        work=work,
        tariffs=tariffs_of(study),
        rating_factors=study.rating_factors,
        max_generators=max_generators_of(study),
        equipment=equipment_of(config, sites, study.yearly_factor, study.halls),
        links=operation.links,
    )


def _work(study: Study) -> Work | None:
    """Racks and programmes of efficiency."""
    racks = cooled_racks(study)
    fits, kinds = fits_of_study(study, racks), study.candidates.sites["kind"]
    return work_of(study.config, racks, study.config.study.periods, study.yearly_factor, fits, kinds)


def _penalty(config: StudyConfig, work: Work | None) -> float | None:
    """Price of a MW that is not served; of a MW of the last period's best rack, where the price is that of work."""
    if config.demand is None:
        return None
    price = config.demand.penalty_musd_per_unit
    if price is None or work is None:
        return config.demand.penalty_musd_per_mw_year
    return price / work.unit_mw[config.study.periods[-1]]


def _portfolio(study: Study, sites: pd.DataFrame) -> Portfolio:
    """Concentration, losses, deliveries and carbon."""
    config, limits, periods = study.config, study.config.limits, study.config.study.periods
    shares, decided = shares_of(limits), config.study.decision_year
    return Portfolio(
        share_per=shares,
        labels=study.site_labels[list(shares)] if shares else pd.DataFrame(),
        survive_loss_of=limits.survive_loss_of or "",
        share_left=limits.share_left or 0.0,
        largest_loss_mw={str(kind): mw for kind, mw in limits.largest_loss_mw.items()},
        water_m3_day_per_basin=dict(limits.water_m3_day_per_basin),
        new_it_mw_per_year=limits.new_it_mw_per_year,
        embodied_t=dict(limits.embodied_t),
        deliveries=deliveries_of(limits.delivery, sites, periods, decided),
        carbon_price_usd_per_t=config.economics.carbon_price_usd_per_t,
        yearly_factor=study.yearly_factor,
        facility=facility_values(config.facility),
        facts=site_facts(config, sites["kind"], study.yearly_factor, study.halls),
        land_musd_per_block=_land(study, sites),
        years_before=years_before(periods, decided),
    )


def _land(study: Study, sites: pd.DataFrame) -> dict[str, float]:
    """What a block of a land cell costs beyond what is built on it; the user's own sites do not tell [M$]."""
    per_mw, own = study.config.facility.cost_musd_per_mw, set() if study.own is None else set(study.own.sites.index)
    if per_mw is None:
        return {}
    land = sites["block_cost_musd"] - per_mw * sites["block_mw"]
    return {str(s): max(0.0, float(musd)) for s, musd in land.items() if s not in own}


def _expansion(study: Study, sites: pd.Index, ties: pd.DataFrame) -> Expansion:
    """New circuits on offer, with every outage of another kind that the network they make must survive."""
    if study.grid is None or study.network is None or study.circuits.empty:
        return Expansion()
    security = study.config.security
    campuses = campus_outages(sites, ties, study.network) if "campus" in security.contingencies else ()
    return Expansion(
        study.circuits,
        study.grid.buses["load_mw"].to_numpy(float),
        security.splitting == "skip",
        "branch" in security.contingencies,
        np.asarray(is_equivalent(study.grid.branches_in_service), dtype=bool),
        (*study.other_outages[0], *campuses),
    )


def _totals(limits: LimitsSettings) -> dict[str, float]:
    given = {
        "cost": limits.cost_musd,
        "carbon": limits.carbon_t,
        "water": limits.water_m3,
        "delay": limits.delay_mw_years,
    }
    return {name: value for name, value in given.items() if value is not None}


def _of_each(factor: pd.Series, segments: pd.DataFrame) -> np.ndarray:
    return factor.reindex(segments.index.get_level_values("generator")).to_numpy(float)


def _joint(study: Study, sites: pd.Index, ties: pd.DataFrame) -> JointSet:
    if study.network is None or "campus" not in study.config.security.contingencies:
        return study.joint
    return study.joint.joined(study.joint_set(campus_outages(sites, ties, study.network)))


def _buses(study: Study) -> pd.DataFrame:
    if study.grid is None:
        return pd.DataFrame({"base_kv": [], "substation": [], "zone": []}, index=pd.Index([], name="bus"))
    return study.grid.buses[["base_kv", "zone"]].assign(substation=points.substations(study.grid))[
        ["base_kv", "substation", "zone"]
    ]


def _demand(study: Study) -> pd.Series:
    target = {} if study.config.demand is None else dict(sorted(study.config.demand.it_mw.items()))
    racks = cooled_racks(study)
    if racks is not None and study.config.demand is not None:
        target = target_mw(study.config.demand.work, racks, study.config.facility.utilization or 1.0)
    index = pd.Index(list(target), name="period", dtype="int64")
    return pd.Series(list(target.values()), index=index, name="it_mw", dtype=float)
