"""Portfolio: how capacity is spread, what may be lost with one place, and what its making emits.

Symbols
-------
F[a]      ``share_per``         largest share of the target by column a of the sites [-]
L         ``share_left``        share of the target that one loss must leave [-]
M         ``largest_loss_mw``   most facility power that is lost with one site or substation [MW]
W[b]      ``water_m3_day_per_basin``  largest withdrawal in basin b [m3/day]
N         ``new_it_mw_per_year``      largest IT load energized in a year [MW/year]
E[t]      ``embodied_t``        largest embodied carbon of what stands [t]
e[s]      ``embodied_t_per_mw`` embodied carbon of a MW of IT: building, plant and one outfit of IT [t/MW]
Y[t]      ``total_mw``          IT load of all sites [MW]
V[t]      ``serving_mw``        what all racks count towards the target, where a loss must leave a share of it [MW]
g[o,t]    ``tied_mw``           what is counted of it over tie o, where that loss is of a substation [MW]

Where racks are chosen, shares and what a loss must leave are of work: a site counts what its racks count, q[s,t], in
place of its IT load. So neither depends on the rack in which the target is stated.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint
from optimizer.formulation.interconnection import undominated_columns
from optimizer.formulation.policy import points_of_substation
from optimizer.formulation.work import serving_mw
from optimizer.study.case import Case

NEEDS = {
    "portfolio": [
        "share_per",
        "labels",
        "survive_loss_of",
        "share_left",
        "largest_loss_mw",
        "water_m3_day_per_basin",
        "new_it_mw_per_year",
        "embodied_t",
        "years_before",
    ],
    "sites": ["block_mw", "max_blocks"],
    "ties": ["site", "bus"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare the sum of all sites, so that rows that speak of it stay short."""
    most = float((case.sites["block_mw"] * case.sites["max_blocks"]).sum())
    T, survives = list(case.periods.index), case.portfolio.survive_loss_of if case.has_racks else ""
    b.total_mw = pyo.Var(T, domain=pyo.NonNegativeReals, bounds=(0.0, most))
    b.serving_mw = pyo.Var(T if survives else [], domain=pyo.NonNegativeReals, bounds=(0.0, most))
    ties = list(case.ties.index) if survives == "substation" else []
    b.tied_mw = pyo.Var(ties, T, domain=pyo.NonNegativeReals, bounds=(0.0, most))


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Shares, losses, water by basin, pace and embodied carbon."""
    T = list(case.periods.index)

    @constraint(b, T)
    def all_sites(b: Any, t: int) -> Any:
        """The IT load of the portfolio is that of all its sites.

        Y[t] = sum_s P[s] y[s,t]
        """
        return b.total_mw[t] == pyo.quicksum(m.siting.it_mw[s, t] for s in case.sites.index)

    @constraint(b, list(b.serving_mw))
    def all_racks(b: Any, t: int) -> Any:
        """What the portfolio counts towards the target is what the racks of all its sites count.

        V[t] = sum_s q[s,t]
        """
        return b.serving_mw[t] == pyo.quicksum(m.work.met_mw[s, t] for s in case.sites.index)

    tied = [s for s in case.sites.index if len(b.tied_mw) and case.ties_of_site[s]]

    @constraint(b, tied, T)
    def racks_over_ties(b: Any, s: str, t: int) -> Any:
        """What the racks of a site count is counted over its ties.

        sum_(o of s) g[o,t] = q[s,t]
        """
        return pyo.quicksum(b.tied_mw[o, t] for o in case.ties_of_site[s]) == m.work.met_mw[s, t]

    @constraint(b, list(b.tied_mw))
    def only_over_the_tie_in_use(b: Any, o: str, t: int) -> Any:
        """No more is counted over a tie than it feeds: a MW of the best rack counts as one.

        g[o,t] <= sum_c j[o,c,t]
        """
        fed = case.cooling_of_site[case.ties.at[o, "site"]]
        return b.tied_mw[o, t] <= pyo.quicksum(m.interconnection.it_mw[o, c, t] for c in fed)

    _spread(b, case, m)
    _losses(b, case, m)
    _amounts(b, case, m)


def _spread(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Largest shares by column of sites."""
    limits = case.portfolio
    groups = groups_of(case)

    @constraint(b, list(groups), list(case.demand_mw.index))
    def share_of_a_group(b: Any, column: str, name: str, t: int) -> Any:
        """No utility, state, zone, provider, country or other group hosts more than its share of the period's target.

        sum_(s in group) P[s] y[s,t] <= F[a] D[t]; with racks, sum_(s in group) q[s,t]
        """
        here = pyo.quicksum(serving_mw(m, case, s, t) for s in groups[column, name])
        return here <= limits.share_per[column] * float(case.demand_mw[t])


def _losses(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """What one site or one substation may take along."""
    limits, T = case.portfolio, list(case.periods.index)
    survives, years = limits.survive_loss_of, list(case.demand_mw.index)
    by_substation = points_of_substation(case)
    total = b.serving_mw if case.has_racks else b.total_mw

    @constraint(b, list(case.sites.index) if survives == "site" else [], years)
    def enough_without_a_site(b: Any, s: str, t: int) -> Any:
        """Whichever site is lost, the others still hold the stated share of the target.

        Y[t] - P[s] y[s,t] >= L D[t]; with racks, V[t] - q[s,t]
        """
        return total[t] - serving_mw(m, case, s, t) >= limits.share_left * float(case.demand_mw[t])

    fed = {
        name: [
            (o, c) for n in points for o in case.ties_of_bus[n] for c in case.cooling_of_site[case.ties.at[o, "site"]]
        ]
        for name, points in by_substation.items()
    }

    @constraint(b, list(by_substation) if survives == "substation" else [], years)
    def enough_without_a_substation(b: Any, name: str, t: int) -> Any:
        """Whichever substation is lost, sites tied to others still hold the stated share of the target.

        Y[t] - sum_(o at the substation) sum_c j[o,c,t] >= L D[t]; with racks, V[t] - sum_(o at the substation) g[o,t]
        """
        if case.has_racks:
            here = pyo.quicksum(b.tied_mw[o, t] for n in by_substation[name] for o in case.ties_of_bus[n])
        else:
            here = pyo.quicksum(m.interconnection.it_mw[o, c, t] for o, c in fed[name])
        return total[t] - here >= limits.share_left * float(case.demand_mw[t])

    pue, site_of = case.pue.max(axis=1).to_dict(), case.ties["site"].to_dict()

    @constraint(b, list(case.sites.index) if "site" in limits.largest_loss_mw else [], T)
    def largest_site(b: Any, s: str, t: int) -> Any:
        """No site draws more than may be lost at once, in the snapshot in which it draws most.

        sum_c max_h PUE[s,c,h] i[s,c,t] <= M
        """
        drawn = pyo.quicksum(float(pue[s, c]) * m.cooling.it_mw[s, c, t] for c in case.cooling_of_site[s])
        return drawn <= limits.largest_loss_mw["site"]

    H = [str(h) for h in case.snapshots.index]
    limited = list(by_substation) if "substation" in limits.largest_loss_mw else []
    draws = {name: tuple(tuple(case.pue_of[site_of[o], c][h] for h in H) for o, c in fed[name]) for name in limited}
    hardest = [(name, h) for name in limited for h, _ in undominated_columns(H, draws[name])]

    @constraint(b, [(name, t, h) for name, h in hardest for t in T])
    def largest_substation(b: Any, name: str, t: int, h: str) -> Any:
        """No substation is what campuses of more power than may be lost at once are tied to.

        A snapshot in which none of them draws more than in another needs no row of its own.

        sum_(o at the substation) sum_c PUE[s,c,h] j[o,c,t] <= M
        """
        drawn = pyo.quicksum(case.pue_of[site_of[o], c][h] * m.interconnection.it_mw[o, c, t] for o, c in fed[name])
        return drawn <= limits.largest_loss_mw["substation"]


def _amounts(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Water by basin, pace of construction, embodied carbon."""
    limits, T = case.portfolio, list(case.periods.index)
    before = dict(zip(T[1:], T[:-1], strict=True))
    drawing = set(m.ledgers.water_m3_day.keys())

    @constraint(b, [(n, t) for n in limits.water_m3_day_per_basin for t in T if (n, t) in drawing])
    def water_of_a_basin(b: Any, name: str, t: int) -> Any:
        """The campuses withdraw no more in a basin than the portfolio allows there.

        water_m3_day[b,t] <= W[b]
        """
        return m.ledgers.water_m3_day[name, t] <= limits.water_m3_day_per_basin[name]

    pace, each = limits.new_it_mw_per_year, limits.embodied_t_per_mw(case.sites.index)

    @constraint(b, T if pace is not None else [])
    def yearly_pace(b: Any, t: int) -> Any:
        """No more IT load is energized than construction delivers in the years since the period before.

        Y[t] - Y[t-1] <= N (years from the period before, or from the decision, to t)
        """
        new = b.total_mw[t] - b.total_mw[before[t]] if t in before else b.total_mw[t]
        return new <= float(pace or 0.0) * limits.years_before[t]

    @constraint(b, [t for t in T if t in limits.embodied_t])
    def embodied_cap(b: Any, t: int) -> Any:
        """The carbon embodied in all that stands, with one outfit of IT, stays within the cap.

        sum_s e[s] P[s] y[s,t] <= E[t]; e Y[t], where a MW embodies the same everywhere
        """
        if each.nunique() == 1:
            return float(each.iloc[0]) * b.total_mw[t] <= limits.embodied_t[t]
        return pyo.quicksum(float(each[s]) * m.siting.it_mw[s, t] for s in case.sites.index) <= limits.embodied_t[t]


def groups_of(case: Case) -> dict[tuple[str, str], list[str]]:
    """Sites by column and name of the group; sites without a name belong to none."""
    found: dict[tuple[str, str], list[str]] = {}
    for column in case.portfolio.share_per:
        for s, name in case.portfolio.labels[column].reindex(case.sites.index).items():
            if name:
                found.setdefault((column, str(name)), []).append(str(s))
    return found


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """The portfolio reports through the parts it limits."""
    return {}
