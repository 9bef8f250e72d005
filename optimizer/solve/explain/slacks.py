"""Variables by which the limits of a model give way, one or a few for each limit of the case.

Where a limit is a bound of a variable, the bound is taken off and a constraint with a slack stands in its place, under
a docstring of its own.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import pyomo.environ as pyo

from optimizer.algebra import constraint, rows_on_demand
from optimizer.objectives import OBJECTIVES
from optimizer.objectives.cost import cost
from optimizer.solve.explain import limits as of
from optimizer.solve.explain.limit import Asked, Limit
from optimizer.solve.explain.limits import largest_output_mw, room
from optimizer.solve.explain.part_slacks import give_way_in_parts, relax
from optimizer.solve.explain.slack import Slacks
from optimizer.study.case import Case

COST_TOLERANCE = 1e-7
"""Relative rounding of a cost that does not count as more [-]."""


def give_way(m: pyo.ConcreteModel, case: Case, rules: Collection[str] | None = None) -> Slacks:
    """Let the limits of a composed model give way.

    Parameters
    ----------
    m : ConcreteModel
        Composed from `wide_case` of the case with elastic allowances.
    case : Case
        With the limits as they are.
    rules : collection of str, optional
        Rules that may give way, none of the network; default all.
    """
    m.explanation = pyo.Block()
    m.explanation.slack = pyo.Var(pyo.Any, dense=False, domain=pyo.NonNegativeReals)
    m.explanation.ceilings = pyo.ConstraintList()
    slacks = Slacks(m.explanation)
    if len(case.demand_mw):
        _demand_and_sites(m, case, slacks)
        _ties_and_water(m, case, slacks)
        _portfolio(m, case, slacks)
        give_way_in_parts(m, case, slacks)
    if case.network is not None and (rules is None or not {of.OUTPUT, of.LEAST_OUTPUT}.isdisjoint(rules)):
        _outputs(m, case, slacks)
    if rules is not None and of.UNSERVED in rules:
        _unserved(m, case, slacks)
    if case.network is not None and rules is None:
        _angles(m, case, slacks)
        for row in case.base_overloads.itertuples():
            allowance = m.allowances.mw(row.branch, row.contingency, row.snapshot)
            allowance.setlb(float(row.overload_mw))
            allowance.set_value(float(row.overload_mw))
    _readiness(m, case, slacks)
    for name, row in m.totals.within_its_limit.items():
        # The row is in the scale of the objective.
        relax(row, slacks.one(Limit(of.TOTAL, name), 1.0 / OBJECTIVES[name].scale))
    return slacks


def _demand_and_sites(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    share = case.limits.share_per_county
    for t, row in m.siting.demand_is_met.items():
        target = float(case.demand_mw[t])
        missing = slacks.make(Limit(of.DEMAND, "", int(t)), t, most=max(target, 0.0))
        relax(row, missing)
        for (_, year), limit in m.policy.share_of_a_county.items():
            if year == t and share is not None:
                more = slacks.one(Limit(of.COUNTY), most=100.0 * (1.0 - share))
                relax(limit, target / 100 * more - share * missing)
    sizes, spare = case.sites["max_blocks"], room(case)

    @constraint(m.explanation, list(case.sites.index), list(case.periods.index))
    def within_the_site(b: Any, s: str, t: int) -> Any:
        """A site carries no more blocks than fit, and none before it is built.

        y[s,t] <= max_blocks[s] x[s,t]
        """
        larger = slacks.one(Limit(of.SITE, s), float(case.sites.at[s, "block_mw"]), float(spare[s]))
        return m.siting.blocks[s, t] <= float(sizes[s]) * m.siting.build[s, t] + larger

    for (s, _), row in m.siting.no_smaller_than_worthwhile.items():
        least = float(case.sites.at[s, "min_blocks"])
        if least > 1:
            smaller = slacks.one(Limit(of.WORTHWHILE, s), float(case.sites.at[s, "block_mw"]), least - 1)
            relax(row, smaller)


def _ties_and_water(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    for (o, h, _), row in m.interconnection.within_firm_capacity.items():
        if h != "size":
            relax(row, slacks.one(Limit(of.TIE, o)))
    for (basin, _), row in m.water.drawn_from_the_basin.items():
        more = slacks.one(Limit(of.WATER, str(basin)))
        # More than is drawn may come from what gives way, so that it can be the same in every period.
        row.set_value(pyo.inequality(row.lower, row.body + more, None))


def _portfolio(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    for row in m.policy.share_of_a_substation.values():
        relax(row, slacks.one(Limit(of.SUBSTATION)))
    for rule, name in ((of.BUDGET, "budget"), (of.CARBON, "carbon_cap")):
        for t, row in m.policy.component(name).items():
            relax(row, slacks.one(Limit(rule, "", int(t))))
    for row in m.phasing.construction_pace.values():
        relax(row, slacks.one(Limit(of.PACE)))


def _readiness(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    """Months by which something is ready earlier: one step a period, so that the steps add up."""
    years = [int(t) for t in case.periods.index]
    families = (
        (of.SITE_READY, "site_not_before_ready", case.sites.get("earliest")),
        (of.TIE_READY, "tie_not_before_ready", case.ties.get("ready")),
        (of.UPGRADE_READY, "upgrade_not_before_ready", case.upgrades.get("ready")),
    )
    for rule, name, ready in families:
        for (item, t), row in m.phasing.component(name).items():
            later = next((y for y in years if y > t), math.inf)
            months = of.MONTHS_PER_YEAR * (min(later, float(ready[item])) - t)
            row.set_value(row.body - slacks.make(Limit(rule, item), t, months, 1.0) == row.upper)


def _outputs(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    most = largest_output_mw(case)
    key = (list(case.generators.index), list(case.periods.index), list(case.snapshots.index))

    @constraint(m.explanation, *key)
    def within_available_output(b: Any, g: str, t: int, h: str) -> Any:
        """A generator gives no more than is available of it.

        p[g,t,h] <= p_max[g] availability[g,h]
        """
        more = slacks.one(Limit(of.OUTPUT, g, 0, h), most=most)
        return m.dispatch.output_mw[g, t, h] <= float(case.output_max_mw.at[g, h]) + more

    @constraint(m.explanation, *key)
    def above_least_output(b: Any, g: str, t: int, h: str) -> Any:
        """A generator gives no less than its least output.

        p[g,t,h] >= p_min[g]
        """
        if not case.output_min_mw.at[g, h]:
            return m.dispatch.output_mw[g, t, h] >= 0.0
        less = slacks.one(Limit(of.LEAST_OUTPUT, g, 0, h), most=most)
        return m.dispatch.output_mw[g, t, h] >= float(case.output_min_mw.at[g, h]) - less

    for output in m.dispatch.output_mw.values():
        output.setlb(None)
        output.setub(None)
    edges = case.cost_segments.index.to_frame(index=False).groupby("generator")["segment"].agg(["first", "last"])
    for (g, i, _, _), segment in m.dispatch.segment_mw.items():
        if i == edges.at[g, "last"]:
            segment.setub(None)
        if i == edges.at[g, "first"]:
            segment.domain = pyo.Reals


def _unserved(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    relief = {str(bus): of.relief_at(str(bus)) for bus in case.load_mw.index}
    buses = [bus for bus, name in relief.items() if name in case.generators.index]

    @constraint(m.explanation, buses, list(case.periods.index), list(case.snapshots.index))
    def no_load_unserved(b: Any, n: str, t: int, h: str) -> Any:
        """All existing load is served.

        u[n,t,h] <= 0
        """
        return m.dispatch.output_mw[relief[n], t, h] <= slacks.one(Limit(of.UNSERVED, n))


def _angles(m: pyo.ConcreteModel, case: Case, slacks: Slacks) -> None:
    @rows_on_demand(m.explanation)
    def within_angle_difference(b: Any, branch: str, t: int, h: str, side: int) -> Any:
        """The angle between the ends of a branch stays within its limits, which holds its flow within limits too.

        b[l] angle_min[l] <= f[l,t,h] <= b[l] angle_max[l]
        """
        bound = case.branches.at[branch, "flow_max_mw" if side > 0 else "flow_min_mw"]
        return side * m.power_flow.flow_mw[branch, t, h] <= side * float(bound) + slacks.one(Limit(of.ANGLE, branch))

    m.explanation.angle_rows = within_angle_difference


def cap_cost(m: pyo.ConcreteModel, asked: Asked, slacks: Slacks | None = None) -> None:
    """Hold what a plan may cost, on a block of its own or, giving way, on that of the other slacks."""
    if math.isinf(asked.most_musd):
        return
    block = pyo.Block() if slacks is None else slacks.block
    if slacks is None:
        m.explanation = block

    @constraint(block)
    def costs_no_more(b: Any) -> Any:
        """A plan that builds the site costs no more than the plan that does not.

        cost <= C
        """
        more = 0.0 if slacks is None else slacks.one(Limit(of.COST))
        return cost(m) <= asked.most_musd + COST_TOLERANCE * max(1.0, abs(asked.most_musd)) + more
