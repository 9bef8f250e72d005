"""What binds of carbon-free supply, air permits and water of basins, worked out from the plan's tables again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optimizer.plan import tolerances
from optimizer.plan.checks_portfolio import limit_rows
from optimizer.plan.checks_supply import carbon_free_mw
from optimizer.plan.verify_context import Context
from optimizer.plan.verify_service import backup_capacity_mw, hours, moved_mw
from optimizer.plan.verify_supply import OFFER, parameters

CARBON_FREE, CARBON_FREE_EVERY = "carbon-free energy", "carbon-free power"
PERMIT, BACKUP_PERMIT = "permit hours", "backup permit hours"
BASIN = "water of a basin"

AT_BOUND_MWH = 0.1
"""Energy of a year this close to its limit is at it [MWh]."""


@dataclass(frozen=True)
class Bound:
    """A limit as recomputed.

    Parameters
    ----------
    value, bound : float
        The quantity and its limit.
    unit : str
        Their unit.
    close : float
        How far from its bound the quantity may be and still be at it.
    rounding : float
        How far stated figures may be from these, where they are sums of more rounded ones than others.
    """

    value: float
    bound: float
    unit: str
    close: float
    rounding: float = 0.0


def _rounding_mw(context: Context) -> float:
    """What outputs and withdrawals of one snapshot, each rounded, may miss together [MW]."""
    offers = len(context.table("supply")) + len(context.placed)
    return tolerances.ROUNDING * (offers + 1)


def carbon_free_energy(context: Context, row: dict[str, Any]) -> Bound | None:
    """Carbon-free energy of a year and the share of what all campuses use that it must reach."""
    share = context.study.config.limits.carbon_free_share.get(row["period"])
    if share is None or context.case.supply is None or row["element"]:
        return None
    free, used = carbon_free_mw(context)
    length = dict(zip(context.snapshots, hours(context), strict=True))
    value = sum(length[h] * free[row["period"], h] for h in context.snapshots)
    bound = share * sum(length[h] * used[row["period"], h] for h in context.snapshots)
    rounding = _rounding_mw(context) * sum(length.values())
    return Bound(value, bound, "MWh", AT_BOUND_MWH + 2 * rounding, rounding)


def carbon_free_power(context: Context, row: dict[str, Any]) -> Bound | None:
    """The same in one snapshot."""
    share = context.study.config.limits.carbon_free_share_every_snapshot.get(row["period"])
    if share is None or context.case.supply is None or row["element"]:
        return None
    free, used = carbon_free_mw(context)
    at, rounding = (row["period"], row["snapshot"]), _rounding_mw(context)
    return Bound(free[at], share * used[at], "MW", 2 * tolerances.POWER_MW + 2 * rounding, rounding)


def permit(context: Context, row: dict[str, Any]) -> Bound | None:
    """Energy that a technology of a site gives in a year, and what its permit allows its capacity."""
    site, _, technology = str(row["element"]).rpartition("|")
    key, stated = (site, technology, row["period"]), context.table("supply").set_index(OFFER)["capacity_mw"]
    if context.case.supply is None or key not in stated.index:
        return None
    running, length = context.table("supply_output"), context.case.snapshots["hours"].astype(float)
    mwh = running["output_mw"] * running["snapshot"].map(length)
    value = float(mwh.groupby([running[name] for name in OFFER]).sum().get(key, 0.0))
    most = float(parameters(context).at[technology, "permit_hours"]) * float(stated[key])
    return Bound(value, most, "MWh", AT_BOUND_MWH)


def backup_permit(context: Context, row: dict[str, Any]) -> Bound | None:
    """Energy that a campus's backup gives in a year, and what its air permit allows its capacity."""
    given = context.study.config.service
    sites = context.placed[["site", "period"]].itertuples(index=False, name=None)
    number = {key: i for i, key in enumerate(sites)}.get((row["element"], row["period"]))
    if given is None or given.backup is None or number is None:
        return None
    value = float((moved_mw(context)["backup_mw"] @ hours(context))[number])
    return Bound(value, given.backup.hours_per_year * float(backup_capacity_mw(context)[number]), "MWh", AT_BOUND_MWH)


def basin(context: Context, row: dict[str, Any]) -> Bound | None:
    """What campuses and their supply draw in a basin, and the study's limit of it."""
    for name, element, t, value, bound, unit in limit_rows(context):
        if (name, element, t) == (BASIN, row["element"], row["period"]):
            return Bound(value, bound, unit, 2 * tolerances.WATER_M3_DAY)
    return None


LIMITS = {
    CARBON_FREE: carbon_free_energy,
    CARBON_FREE_EVERY: carbon_free_power,
    PERMIT: permit,
    BACKUP_PERMIT: backup_permit,
    BASIN: basin,
}
"""Limits of these kinds that may be listed, and how each is recomputed."""
