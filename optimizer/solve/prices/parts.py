"""What binds of service, adequacy and the portfolio, and what it is worth where it can give way a little.

Values and bounds are those of the plan's own tables, prices those of the last linear program. A limit that acts on
whole blocks, sites or ties binds where no further block fits, and has no price.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.solve.prices.binding import AT_BOUND_MW, COLUMNS, NO_PRICE, musd_per_usd_per_h, musd_per_usd_per_year
from optimizer.solve.prices.supply import supply_limits
from optimizer.solve.program import SecureProgram
from optimizer.study.case import Case

AT_BOUND_MWH = 0.1
"""Energy of a year this close to its limit is at it: the rounding of outputs over a year's hours [MWh]."""

ENERGY, CONTRACT, CAPACITY = "curtailable energy", "non-firm contract", "accredited capacity"
"""Limits that can give way a little."""

DELIVERED, BUDGET = "delivered items", "budget"
"""Limits on whole decisions, beside those of table ``portfolio``."""

Row = tuple[str, str, str, int, str, float, float, str, float]


def part_limits(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Limits of service, supply, adequacy and the portfolio that are reached.

    Parameters
    ----------
    program : SecureProgram
        Its last linear program, with the whole decisions of the plan, solved and loaded.
    tables : dict of DataFrame
        Tables of the plan as far as they are made: ``service``, ``service_years``, ``supply``, ``supply_output``,
        ``adequacy``, ``ties``, ``portfolio`` and ``deliveries``.
    """
    case = program.case
    rows = [
        *_energy(program, tables),
        *_contract(program, tables),
        *_capacity(program, tables),
        *_spread(case, tables),
        *_delivered(case, tables),
        *_budget(program),
        *supply_limits(program, tables),
    ]
    found = pd.DataFrame(rows, columns=COLUMNS)
    price = found["price_usd_per_unit"].astype(float)
    return found.assign(price_usd_per_unit=price.mask(price.abs() <= NO_PRICE, 0.0))


def _dual(program: SecureProgram, rule: Any, key: Any) -> float:
    """Cost saved per unit that a row gives way [M$/unit]."""
    return abs(float(program.highs.dual(rule[key]))) if key in rule else 0.0


def _energy(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("service")
    if rows is None or case.service is None or rows.empty:
        return
    hours = rows["snapshot"].map(case.snapshots["hours"]).astype(float)
    sums = pd.DataFrame({"less": hours * rows["curtailed_mw"], "whole": hours * rows["facility_mw"]})
    for (s, t), one in sums.groupby([rows["site"], rows["period"]], sort=False).sum().iterrows():
        bound = case.service.share * float(one["whole"])
        if one["less"] > 0 and bound - float(one["less"]) <= AT_BOUND_MWH:
            dual = _dual(program, program.model.service.within_yearly_energy, (s, t))
            yield ENERGY, s, "", int(t), "", float(one["less"]), bound, "MWh", dual / musd_per_usd_per_year(case, t)


def _contract(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("service")
    if rows is None or case.service is None or rows.empty:
        return
    contract = rows.groupby(["site", "period"])["facility_mw"].transform("max")
    family, share = program.model.service.within_contract, case.service.non_firm_share
    used = rows["curtailed_mw"] + (tables["dropped"]["dropped_mw"] if "dropped" in tables else 0.0)
    keyed = rows[["site", "period", "snapshot"]].assign(used=used).itertuples(index=False, name=None)
    for (s, t, h, mw), most in zip(keyed, contract, strict=True):
        key = (s, t, h)
        if key not in family or mw <= 0 or abs(share * most - mw) > AT_BOUND_MW:
            continue
        price = _dual(program, family, key) / musd_per_usd_per_h(case, t, h)
        yield CONTRACT, s, "", int(t), h, float(mw), share * float(most), "MW", price


def _capacity(program: SecureProgram, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    case, rows = program.case, tables.get("adequacy")
    if rows is None or case.adequacy is None:
        return
    family, margin = program.model.adequacy.capacity_covers_load, case.adequacy.reserve_margin
    for row in rows.itertuples():
        need = (1.0 + margin) * row.peak_mw
        have = row.accredited_mw + row.own_accredited_mw + row.import_mw
        if have - need > AT_BOUND_MW * (1.0 + margin):
            continue
        dual = sum(_dual(program, family, (row.zone, row.period, h)) for h in case.snapshots.index)
        yield (
            CAPACITY,
            row.zone,
            "",
            int(row.period),
            "",
            need,
            have,
            "MW",
            dual / musd_per_usd_per_year(case, row.period),
        )


def _spread(case: Case, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Limits of table ``portfolio`` that one more block would break."""
    rows = tables.get("portfolio")
    if rows is None or not len(case.sites):
        return
    block, least = float(case.sites["block_mw"].min()), case.portfolio.least_embodied_t_per_mw(case.sites.index)
    for row in rows.itertuples():
        if row.unit == "m3/day":
            continue
        more = block * least if row.limit == "embodied carbon" else block
        slack = row.value - row.bound if row.limit.startswith("left without") else row.bound - row.value
        if slack < more - 1e-9:
            yield row.limit, row.element, "", int(row.period), "", row.value, row.bound, row.unit, np.nan


def _delivered(case: Case, tables: dict[str, pd.DataFrame]) -> Iterator[Row]:
    """Items of which too few are left for one more block."""
    rows, items = tables.get("deliveries"), {one.item: one for one in case.portfolio.deliveries}
    if rows is None or not len(case.sites):
        return
    block, stock = float(case.sites["block_mw"].min()), dict.fromkeys(items, 0.0)
    for row in rows.itertuples():
        one = items[row.item]
        most = row.arriving + (stock[row.item] if one.storable else 0.0)
        stock[row.item] = most - row.newly_taken
        if one.per_mw and most - row.newly_taken < one.per_mw * block - 1e-9:
            yield DELIVERED, row.item, "", int(row.period), "", row.newly_taken, most, "units", np.nan


def _budget(program: SecureProgram) -> Iterator[Row]:
    """Budgets that do not pay for one more block."""
    case = program.case
    whole = case.sites["block_cost_musd"] + case.equipment.once_musd(case.sites)
    block = float(whole.min()) if len(case.sites) else 0.0
    for t, bound in case.limits.budget_musd.items():
        if t not in program.model.policy.budget:
            continue
        spent = float(pyo.value(program.model.ledgers.investment_musd[t]))
        if bound - spent < max(block, 1e-6 * bound):
            yield BUDGET, "", "", int(t), "", spent, float(bound), "M$", np.nan
