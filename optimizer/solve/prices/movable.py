"""Limits of a plan that can be moved while its whole decisions are held: ratings, generators, water, caps, sites.

A row of the program is one limit, but for the size of a site and the capacity of a tie, which are the same in every
period and move in all rows at once. The rating of a branch is moved in the one period, snapshot and outage in which it
binds, as its price is stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from optimizer.objectives import OBJECTIVES
from optimizer.solve.prices.binding import AT_BOUND_MW, Side, musd_per_usd_per_h, musd_per_usd_per_year
from optimizer.solve.prices.generators import LARGEST, LEAST, reached_limits
from optimizer.solve.prices.links import LEAST_TRANSFER, TRANSFER, reached_transfers
from optimizer.solve.program import SecureProgram
from optimizer.units import HOURS_PER_DAY, HOURS_PER_YEAR, USD_PER_MUSD

PHYSICAL = (
    *("normal rating", "emergency rating", "angle difference", "water available"),
    *(LARGEST, LEAST, TRANSFER, LEAST_TRANSFER),
    *("curtailable energy", "non-firm contract", "accredited capacity", "carbon-free energy", "carbon-free power"),
)
"""Limits on what follows from whole decisions."""


HELD = 1e-6
"""A limit on a total that is tighter than the study's by more than this share is not the study's [-]."""


@dataclass(frozen=True)
class Movable:
    """A limit that can be moved.

    Parameters
    ----------
    limit, element, contingency, period, snapshot
        As in table ``binding`` of a plan; period 0 for a limit that is the same in all.
    unit : str
        Unit of the limit.
    bound : float
        The limit, without the sign of a flow [unit].
    used : float
        How much of it the plan needs [unit].
    price_unit : str
        Unit in which its price is stated.
    unit_musd : float
        Present value of one of those [M$].
    rows : tuple of (constraint, float)
        Rows whose right-hand side moves, and its change per unit of the limit.
    sides : tuple of Side
        Bounds of columns that move.
    is_least : bool
        Whether what is limited must be at least so much, not at most.
    opened : tuple of Side
        Bounds of columns that end with the limit and are lifted while it is moved, such as that of the last piece of a
        cost curve, which goes on with the output.
    """

    limit: str
    element: str
    contingency: str
    period: int
    snapshot: str
    unit: str
    bound: float
    used: float
    price_unit: str
    unit_musd: float
    rows: tuple[tuple[Any, float], ...] = ()
    sides: tuple[Side, ...] = ()
    is_least: bool = False
    opened: tuple[Side, ...] = ()

    @property
    def tight_side(self) -> int:
        """Direction in which the limit is tightened."""
        return 1 if self.is_least else -1

    @property
    def is_physical(self) -> bool:
        """Whether it acts on flows and water, which follow from whole decisions, and not on those alone."""
        return self.limit in PHYSICAL

    def price_musd(self, program: SecureProgram) -> float:
        """Cost saved per unit of more of the limit, in the last linear program [M$/unit]."""
        highs = program.highs
        dual = sum(factor * highs.dual(row) for row, factor in self.rows)
        dual += sum(side.factor * highs.reduced_cost(side.variable) for side in self.sides)
        # Of what is lifted only the price of the bound that is lifted counts: none any more once it is.
        for side in self.opened:
            cost = float(highs.reduced_cost(side.variable))
            dual += min(cost, 0.0) if side.is_upper else max(cost, 0.0)
        return -float(dual)


def movable_limits(program: SecureProgram) -> list[Movable]:
    """Limits that can be moved in a program whose whole decisions are fixed and which holds its solution.

    Limits on flows and water where they are reached; those that the study sets on the portfolio, and those of sites and
    ties that are full, whether or not the last unit of them is used.
    """
    found = [*_flows(program), *_angles(program), *_generators(program), *_transfers(program)]
    if len(program.case.demand_mw):
        found += [*_water(program), *_demand(program), *_portfolio(program), *_totals(program), *_full(program)]
    return found


def _flows(program: SecureProgram) -> Iterator[Movable]:
    for (branch, outage, t, h, _), row in program.limit_rows():
        slack = max(float(row.uslack()), 0.0)
        if slack > AT_BOUND_MW:
            continue
        used = abs(program.flow_mw(branch, outage, t, h))
        name = "emergency rating" if outage else "normal rating"
        musd = musd_per_usd_per_h(program.case, t, h)
        rows = ((row, 1.0),)
        yield Movable(name, branch, outage, int(t), h, "MW", used + slack, used, "$/MWh", musd, rows)


def _angles(program: SecureProgram) -> Iterator[Movable]:
    if program.model.component("power_flow") is None:
        return
    for (branch, t, h), flow in program.model.power_flow.flow_mw.items():
        for bound, upper in ((flow.lb, False), (flow.ub, True)):
            if bound is None or abs(flow.value - bound) > AT_BOUND_MW:
                continue
            # A wider limit is a larger bound on the one side and a smaller on the other.
            sides = (Side(flow, upper, 1.0 if upper else -1.0),)
            musd = musd_per_usd_per_h(program.case, t, h)
            size = float(bound if upper else -bound)
            yield Movable(
                "angle difference", branch, "", int(t), h, "MW", size, abs(flow.value), "$/MWh", musd, (), sides
            )


def _generators(program: SecureProgram) -> Iterator[Movable]:
    """Dearest limits of generators. The last or first piece of a cost curve goes on as far as the output is let."""
    for one in reached_limits(program) if program.case.network is not None else ():
        musd, is_least = musd_per_usd_per_h(program.case, one.period, one.snapshot), one.limit == LEAST
        where = (one.limit, one.generator, "", one.period, one.snapshot, "MW")
        sides = (Side(one.variable, not is_least),)
        opened = () if one.piece is None else (Side(one.piece, not is_least),)
        yield Movable(*where, one.bound_mw, one.output_mw, "$/MWh", musd, (), sides, is_least, opened)


def _transfers(program: SecureProgram) -> Iterator[Movable]:
    """Dearest limits of HVDC links, moved at both ends."""
    for one in reached_transfers(program):
        musd, is_least = musd_per_usd_per_h(program.case, one.period, one.snapshot), one.limit == LEAST_TRANSFER
        where = (one.limit, one.link, "", one.period, one.snapshot, "MW")
        yield Movable(*where, abs(one.bound_mw), abs(one.transfer_mw), "$/MWh", musd, (), one.sides, is_least)


def _water(program: SecureProgram) -> Iterator[Movable]:
    for (basin, source, t), drawn in program.model.water.drawn_m3_day.items():
        if not program.highs.has(drawn) or not drawn.ub or drawn.ub - drawn.value > AT_BOUND_MW:
            continue
        musd = musd_per_usd_per_year(program.case, t) * HOURS_PER_YEAR / HOURS_PER_DAY
        element, sides = f"{basin}|{source}", (Side(drawn, True),)
        yield Movable(
            "water available", element, "", int(t), "", "m3/day", drawn.ub, drawn.value, "$/m3", musd, (), sides
        )


def slack_of(row: Any) -> float:
    """How far a one-sided row is from its bound."""
    return max(float(row.lslack() if row.upper is None else row.uslack()), 0.0)


def _demand(program: SecureProgram) -> Iterator[Movable]:
    """The target itself: more of it costs more where it is missed at a price."""
    for t, row in program.model.siting.demand_is_met.items():
        target = float(program.case.demand_mw[t])
        used = target + slack_of(row)
        musd = musd_per_usd_per_year(program.case, t)
        rows = ((row, 1.0),)
        yield Movable("demand target", "", "", int(t), "", "MW", target, used, "$/MW-year", musd, rows, is_least=True)


def _portfolio(program: SecureProgram) -> Iterator[Movable]:
    case, policy = program.case, program.model.policy
    for t, row in policy.carbon_cap.items():
        cap = float(case.limits.carbon_t_per_year[t])
        musd = musd_per_usd_per_year(program.case, t)
        yield Movable("carbon cap", "", "", int(t), "", "t/year", cap, cap - slack_of(row), "$/t", musd, ((row, 1.0),))
    for t, row in policy.budget.items():
        budget = float(case.limits.budget_musd[t])
        yield Movable("budget", "", "", int(t), "", "M$", budget, budget - slack_of(row), "M$/M$", 1.0, ((row, 1.0),))
    share = case.limits.share_per_county or 0.0
    for (county, t), row in policy.share_of_a_county.items():
        most = share * float(case.demand_mw[t])
        used = most - slack_of(row)
        if used > 0:
            yield _of_site("county share", county, int(t), most, used, ((row, 1.0),))
    pace = case.limits.new_it_mw_per_period
    for t, row in program.model.phasing.construction_pace.items():
        if pace is not None:
            yield _of_site("construction pace", "", int(t), pace, pace - slack_of(row), ((row, 1.0),))


def _of_site(
    limit: str, element: str, t: int, bound: float, used: float, rows: tuple[tuple[Any, float], ...]
) -> Movable:
    """A limit in MW that acts on what is built."""
    return Movable(limit, element, "", t, "", "MW", bound, used, "$/MW", 1.0 / USD_PER_MUSD, rows)


def _totals(program: SecureProgram) -> Iterator[Movable]:
    """Limits of the study on totals; one that a search holds at what it found is none."""
    block, limits = program.model.component("totals"), program.case.limits.totals
    for name, row in {} if block is None else dict(block.within_its_limit).items():
        objective, limit = OBJECTIVES[name], limits.get(name, np.inf)
        used = float(pyo.value(objective.expression(program.model, program.case)))
        if used + slack_of(row) / objective.scale < limit * (1 - HELD):
            continue
        musd = 1.0 if objective.unit == "M$" else 1.0 / USD_PER_MUSD
        price_unit = "M$/M$" if objective.unit == "M$" else f"$/{objective.unit}"
        rows = ((row, objective.scale),)
        yield Movable(f"total {objective.label}", "", "", 0, "", objective.unit, limit, used, price_unit, musd, rows)


def _full(program: SecureProgram) -> Iterator[Movable]:
    """Sites and ties in which no further block fits."""
    case, model = program.case, program.model
    years = list(case.periods.index)
    for s in case.sites.index:
        block, most = float(case.sites.at[s, "block_mw"]), int(case.sites.at[s, "max_blocks"])
        built = [t for t in years if model.siting.build[s, t].value > 0.5]
        if built and round(model.siting.blocks[s, built[-1]].value) >= most:
            rows = tuple((model.siting.no_larger_than_the_site[s, t], 1.0 / block) for t in built)
            yield _of_site("site size", str(s), 0, block * most, block * most, rows)
    capacity: dict[str, list[tuple[Any, float]]] = {}
    drawn: dict[str, float] = {}
    for (o, h, t), row in model.interconnection.within_firm_capacity.items():
        if h == "size" or model.interconnection.in_service[o, t].value < 0.5:
            continue
        capacity.setdefault(o, []).append((row, 1.0))
        drawn[o] = max(drawn.get(o, 0.0), float(case.ties.at[o, "capacity_mw"]) - slack_of(row))
    for o, moved in capacity.items():
        s, firm = case.ties.at[o, "site"], float(case.ties.at[o, "capacity_mw"])
        least_pue = float(np.min(case.pue.loc[[s]].to_numpy(float)))
        if drawn[o] + float(case.sites.at[s, "block_mw"]) * least_pue > firm:
            yield _of_site("tie capacity", o, 0, firm, drawn[o], tuple(moved))
