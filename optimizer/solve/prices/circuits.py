"""What binds where circuits can be built, and what power costs: from the linear program with the circuits fixed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.formulation.dispatch import buses_of_islands
from optimizer.formulation.expansion_outages import existing_flow
from optimizer.solve.prices.binding import AT_BOUND_MW, COLUMNS, NO_PRICE, musd_per_usd_per_h
from optimizer.solve.program import SecureProgram
from optimizer.study.case import Case


def energy_prices_by_network(program: SecureProgram, networks: Sequence[Case]) -> pd.DataFrame:
    """Price at the reference bus of the largest island of each period's own network, in every snapshot.

    A MW more there is one in the network with everything in service and in every copy of it after an outage: the price
    is the sum of what it is worth in each.

    Parameters
    ----------
    program : SecureProgram
        Settled.
    networks : sequence of Case
        The network of each period, circuits built.
    """
    rows, b = [], program.model.expansion
    for real in networks:
        load, islands = real.load_mw.sum(axis=1), buses_of_islands(real)
        main = max(islands, key=lambda i: (float(load.loc[islands[i]].sum()), len(islands[i])))
        bus = str(real.grid_network.bus_ids[real.grid_network.reference[main]])
        for t in real.periods.index:
            for h in real.snapshots.index:
                balances = [b.balance[bus, t, h]]
                balances += [
                    b.balance_after[k, bus, t, h] for k in b.outages.copies if (k, bus, t, h) in b.balance_after
                ]
                dual = sum(program.highs.dual(row) for row in balances)
                rows.append({"period": t, "snapshot": h, "price_usd_per_mwh": dual / musd_per_usd_per_h(real, t, h)})
    return pd.DataFrame(rows)


def circuit_limits(program: SecureProgram) -> pd.DataFrame:
    """Limits of branches and circuits at their bound in the last LP, with the cost saved per unit of more."""
    rows = [*_existing(program), *_angles(program), *_units(program), *_after_outages(program)]
    table = pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(COLUMNS[:5])
    table["price_usd_per_unit"] = table["price_usd_per_unit"].where(table["price_usd_per_unit"].abs() > NO_PRICE, 0.0)
    return table


def _row(
    program: SecureProgram, row: Any, limit: str, element: str, outage: str, t: int, h: str, flow: float, side: int
) -> Iterator[dict[str, Any]]:
    """The row of a limit if it is at its bound or priced."""
    price = -program.highs.dual(row) / musd_per_usd_per_h(program.case, t, h)
    slack = float(row.uslack())
    if slack > AT_BOUND_MW and price <= NO_PRICE:
        return
    values = (limit, element, outage, t, h, flow, side * (abs(flow) + slack), "MW", max(price, 0.0))
    yield dict(zip(COLUMNS, values, strict=True))


def _existing(program: SecureProgram) -> Iterator[dict[str, Any]]:
    b = program.model.expansion
    for (l, t, h, side), row in b.within_normal_rating.items():
        yield from _row(program, row, "normal rating", l, "", t, h, float(b.flow_mw[l, t, h].value), side)


def _angles(program: SecureProgram) -> Iterator[dict[str, Any]]:
    branches = program.case.branches
    for (l, t, h, side), row in program.model.expansion.nothing_once_replaced.items():
        bound = float(branches.at[l, "flow_max_mw"] if side > 0 else branches.at[l, "flow_min_mw"])
        flow = float(program.model.expansion.flow_mw[l, t, h].value)
        if abs(flow - bound) <= AT_BOUND_MW:
            price = max(0.0, -program.highs.dual(row) / musd_per_usd_per_h(program.case, t, h))
            yield dict(zip(COLUMNS, ("angle difference", l, "", t, h, flow, bound, "MW", price), strict=True))
    for (l, t, h), flow in program.model.expansion.flow_mw.items():
        for bound in {flow.lb, flow.ub} - {None}:
            if abs(flow.value - bound) <= AT_BOUND_MW:
                price = abs(program.highs.reduced_cost(flow)) / musd_per_usd_per_h(program.case, t, h)
                values = ("angle difference", l, "", t, h, flow.value, bound, "MW", price)
                yield dict(zip(COLUMNS, values, strict=True))


def _units(program: SecureProgram) -> Iterator[dict[str, Any]]:
    case, b = program.case, program.model.expansion
    for (e, i, t, h, side), row in b.within_unit_rating.items():
        facts = case.circuits.loc[e]
        by_angle = float(facts.flow_max_mw if side > 0 else -facts.flow_min_mw)
        name = case.expansion.unit_name(e, i)
        rating = float(facts.rating_mw) * case.rating_factor_of(name, h)
        if b.built[e, i, t].value < 0.5 or not np.isfinite(min(by_angle, rating)):
            continue
        limit, flow = (
            "angle difference" if by_angle < rating else "normal rating",
            float(b.unit_flow_mw[e, i, t, h].value),
        )
        for found in _row(program, row, limit, name, "", t, h, flow, side):
            yield found if limit == "normal rating" else {**found, "bound": side * by_angle}


def _after_outages(program: SecureProgram) -> Iterator[dict[str, Any]]:
    """Emergency limits in copies whose units are built, and those of the plan's own network."""
    case, b = program.case, program.model.expansion
    name, limit = case.expansion.unit_name, "emergency rating"
    for (k, l, t, h, side), row in b.within_emergency_rating.items():
        copy = b.outages.copies[k]
        if pyo.value(b.outages.missing(copy, t)) < 0.5:
            outage = copy.branch if copy.unit is None else name(*copy.unit)
            flow = float(pyo.value(existing_flow(b, case, k, l, t, h)))
            yield from _row(program, row, limit, l, outage, t, h, flow, side)
    for (k, e, i, t, h, side), row in b.within_unit_emergency_rating.items():
        copy = b.outages.copies[k]
        applies = pyo.value(b.outages.missing(copy, t)) < 0.5 and b.built[e, i, t].value > 0.5
        if applies and np.isfinite(case.circuits.at[e, "rating_emergency_mw"]):
            outage = copy.branch if copy.unit is None else name(*copy.unit)
            yield from _row(
                program, row, limit, name(e, i), outage, t, h, float(b.after_flow_mw[k, e, i, t, h].value), side
            )
    for (l, outage, t, h, side, _), row in b.limit_of_topology.items():
        held = b.outages.topology.held(l, outage, t, h, side, _)
        if held is not None:
            yield from _row(program, row, limit, l, outage, t, h, held, side)
