"""What binds of carbon-free supply, air permits and water of basins, with the prices of the last linear program."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pyomo.environ as pyo

from optimizer.formulation.supply_campus import carbon_free_mw, used_mw
from optimizer.solve.prices.binding import AT_BOUND_MW, musd_per_usd_per_h, musd_per_usd_per_year
from optimizer.solve.program import SecureProgram
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR

CARBON_FREE, CARBON_FREE_EVERY = "carbon-free energy", "carbon-free power"
"""Carbon-free supply of all campuses: over the year, and in a snapshot."""

PERMIT, BACKUP_PERMIT = "permit hours", "backup permit hours"
"""Energy that a technology, and backup of curtailed load, may give within the hours of its air permit."""

BASIN = "water of a basin"
"""Withdrawal in a basin against the study's own limit of it."""

AT_BOUND_MWH = 0.1
"""Energy of a year this close to its limit is at it: the rounding of outputs over a year's hours [MWh]."""

DECIMALS = 6
"""Decimals of a table as written, from which a check works the bound out again [-]."""

Row = tuple[str, str, str, int, str, float, float, str, float]


def supply_limits(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Limits of carbon-free supply, permits and basins that are reached, as rows of table ``binding``.

    Parameters
    ----------
    program : SecureProgram
        Its last linear program, with the whole decisions of the plan, solved and loaded.
    tables : dict of DataFrame
        Tables of the plan as far as they are made: ``supply``, ``supply_output``, ``service``, ``service_years`` and
        ``portfolio``.
    """
    yield from _carbon_free(program)
    yield from _permits(program, tables)
    yield from _backup_permits(program, tables)
    yield from _basins(program, tables)


def _dual(program: SecureProgram, rows: pyo.Constraint, key: object) -> float:
    return abs(float(program.highs.dual(rows[key]))) if key in rows else 0.0


def _carbon_free(program: SecureProgram) -> Iterator[Row]:
    case, m, supply = program.case, program.model, program.case.supply
    if supply is None:
        return
    hours = case.snapshots["hours"].astype(float)

    def free_and_used(t: int, h: str) -> tuple[float, float]:
        used = float(pyo.value(used_mw(case, m, t, h)))
        return float(pyo.value(carbon_free_mw(m.supply, case, m, supply, t, h))), used

    for t, share in supply.carbon_free_share.items():
        if t not in m.supply.carbon_free_over_the_year:
            continue
        both = {h: free_and_used(t, h) for h in hours.index}
        value, bound = (sum(hours[h] * both[h][i] * f for h in hours.index) for i, f in ((0, 1.0), (1, share)))
        if bound > AT_BOUND_MWH and value - bound <= AT_BOUND_MWH:
            dual = _dual(program, m.supply.carbon_free_over_the_year, t)
            yield CARBON_FREE, "", "", int(t), "", value, bound, "MWh", dual / musd_per_usd_per_year(case, t)
    for t, h in m.supply.carbon_free_in_every_snapshot:
        value, used = free_and_used(t, h)
        bound = supply.hourly_carbon_free_share[t] * used
        if bound > AT_BOUND_MW and value - bound <= AT_BOUND_MW:
            dual = _dual(program, m.supply.carbon_free_in_every_snapshot, (t, h))
            yield CARBON_FREE_EVERY, "", "", int(t), h, value, bound, "MW", dual / musd_per_usd_per_h(case, t, h)


def _permits(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("supply_output")
    if rows is None or case.supply is None or rows.empty:
        return
    keys, family = ["site", "technology", "period"], program.model.supply.within_the_permit
    mwh = rows["output_mw"] * rows["snapshot"].map(case.snapshots["hours"]).astype(float)
    given = mwh.groupby([rows[key] for key in keys], sort=False).sum()
    capacity = tables["supply"].set_index(keys)["capacity_mw"].astype(float).round(DECIMALS)
    for (s, q, t), value in given.items():
        bound = float(case.supply.technologies.at[q, "permit_hours"]) * float(capacity.get((s, q, t), 0.0))
        if (s, q, t) in family and bound > AT_BOUND_MWH and bound - value <= AT_BOUND_MWH:
            price = _dual(program, family, (s, q, t)) / musd_per_usd_per_year(case, t)
            yield PERMIT, f"{s}|{q}", "", int(t), "", float(value), bound, "MWh", price


def _backup_permits(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("service")
    if rows is None or rows.empty or case.service is None or case.service.backup is None:
        return
    mwh = rows["backup_mw"] * rows["snapshot"].map(case.snapshots["hours"]).astype(float)
    given = mwh.groupby([rows["site"], rows["period"]], sort=False).sum()
    capacity = tables["service_years"].set_index(["site", "period"])["backup_capacity_mw"].astype(float).round(DECIMALS)
    for (s, t), value in given.items():
        bound = case.service.backup.hours_per_year * float(capacity.get((s, t), 0.0))
        if bound > AT_BOUND_MWH and bound - value <= AT_BOUND_MWH:
            price = _dual(program, program.model.service.within_air_permit, (s, t)) / musd_per_usd_per_year(case, t)
            yield BACKUP_PERMIT, s, "", int(t), "", float(value), bound, "MWh", price


def _basins(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("portfolio")
    if rows is None:
        return
    days = HOURS_PER_YEAR / HOURS_PER_DAY
    for row in rows[rows["limit"] == BASIN].itertuples():
        if row.bound > 0 and row.bound - row.value <= AT_BOUND_MW:
            dual = _dual(program, program.model.portfolio.water_of_a_basin, (row.element, row.period))
            price = dual / (days * musd_per_usd_per_year(case, row.period))
            yield BASIN, row.element, "", int(row.period), "", float(row.value), float(row.bound), row.unit, price
