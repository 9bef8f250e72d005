"""What a plan states of service, as numbers that other checks recompute from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.plan.verify_context import Context, remembered
from optimizer.plan.verify_network import Floats
from optimizer.units import USD_PER_MUSD

MOVED = ("curtailed_mw", "backup_mw", "deferred_mw", "recovered_mw")
"""What a plan decides in every snapshot."""


@remembered
def moved_mw(context: Context) -> dict[str, Floats]:
    """What is curtailed, backed up, put off and caught up, each of shape (n_placed, n_snapshot) [MW]."""
    stated = context.table("service").set_index(["site", "period", "snapshot"])
    rows = context.placed[["site", "period"]]
    found = {}
    for name in MOVED:
        at = [(s, t, h) for s, t in rows.itertuples(index=False, name=None) for h in context.snapshots]
        values = stated[name].to_dict()
        flat = np.array([float(values.get(key, 0.0)) for key in at])
        found[name] = flat.reshape(len(rows), len(context.snapshots))
    return found


@remembered
def dropped_mw(context: Context) -> Floats:
    """What any outage drops of each row of ``placed``, shape (n_placed, n_snapshot) [MW]."""
    stated = context.table("dropped").set_index(["site", "period", "snapshot"])["dropped_mw"].to_dict()
    rows = context.placed[["site", "period"]].itertuples(index=False, name=None)
    found = [[float(stated.get((s, t, h), 0.0)) for h in context.snapshots] for s, t in rows]
    return np.array(found, dtype=float).reshape(len(context.placed), len(context.snapshots))


@remembered
def hours(context: Context) -> Floats:
    """Hours of the snapshots, in their order [h/year]."""
    return context.case.snapshots["hours"].loc[context.snapshots].to_numpy(float)


@remembered
def backup_capacity_mw(context: Context) -> Floats:
    """Stated backup capacity of each row of ``placed`` [MW]."""
    stated = context.table("service_years").set_index(["site", "period"])["backup_capacity_mw"].to_dict()
    rows = context.placed[["site", "period"]].itertuples(index=False, name=None)
    return np.array([float(stated.get(key, 0.0)) for key in rows])


@remembered
def service_musd(context: Context) -> Floats:
    """Present value of service of each row of ``placed``: lost load, backup and deferral [M$]."""
    given, rows = context.study.config.service, context.placed
    if given is None or context.case.service is None:
        return np.zeros(len(rows))
    moved = {name: mw @ hours(context) for name, mw in moved_mw(context).items()}
    usd = given.curtailment_usd_per_mwh * (moved["curtailed_mw"] - moved["backup_mw"] - moved["deferred_mw"])
    yearly_musd = np.zeros(len(rows))
    if given.backup is not None:
        usd = usd + given.backup.fuel_usd_per_mwh * moved["backup_mw"]
        yearly_musd += context.study.yearly_factor * given.backup.cost_musd_per_mw * backup_capacity_mw(context)
    if given.deferral is not None:
        usd = usd + given.deferral.cost_usd_per_mwh * moved["deferred_mw"]
    years = rows["period"].map(context.annuity_years).to_numpy(float)
    return np.asarray(years * (usd / USD_PER_MUSD + yearly_musd))


@remembered
def backup_investment_musd(context: Context) -> Floats:
    """One-time cost of the backup of each row of ``placed`` [M$]."""
    given = context.study.config.service
    if given is None or given.backup is None or context.case.service is None:
        return np.zeros(len(context.placed))
    return given.backup.cost_musd_per_mw * backup_capacity_mw(context)


@remembered
def backup_t_per_year(context: Context) -> Floats:
    """Yearly emissions of backup of each row of ``placed`` [t CO2e/year]."""
    given = context.study.config.service
    if given is None or given.backup is None or context.case.service is None:
        return np.zeros(len(context.placed))
    return np.asarray(given.backup.carbon_t_per_mwh * (moved_mw(context)["backup_mw"] @ hours(context)))


def by_period_musd(context: Context, values: Floats) -> pd.Series:
    """Sum over the campuses, index period."""
    summed = pd.Series(values).groupby(context.placed["period"].to_numpy()).sum()
    return summed.reindex(context.periods).fillna(0.0)
