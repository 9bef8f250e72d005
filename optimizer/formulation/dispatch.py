"""Dispatch: existing generators serve old and new load at least cost in every period and snapshot.

An HVDC link whose transfer is decided is two generators, one at each end, whose outputs its losses tie together. What
it gives at its from-bus is then -p, p being withdrawn there.

Symbols
-------
p[g,t,h]   ``output_mw``   output of generator g [MW]
q[g,i,t,h] ``segment_mw``  output in segment i of a piecewise linear cost [MW]
d[n,t,h]   ``load_mw``     existing load [MW]
s[d], L[d]                 loss of link d, as a share of what is sent [-] and constant [MW]
K[d]                       1 - s[d] of a link that sends from its from-bus, 1 / (1 - s[d]) of one that sends back [-]
w[n,t,h]                   new load at a point of interconnection [MW]
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, constraint, tidy
from optimizer.study.case import Case
from optimizer.units import USD_PER_MUSD

NEEDS = {
    "generators": ["bus", "p_min_mw"],
    "cost_segments": ["width_mw", "cost_usd_per_mwh"],
    "snapshots": ["hours"],
    "periods": ["annuity_years"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Declare output within what is available; post it to its bus, and its cost."""
    G, T, H = list(case.generators.index), list(case.periods.index), list(case.snapshots.index)
    b.output_mw = pyo.Var(G, T, H)
    pieces = case.cost_segments.groupby(level="generator").size()
    several = [key for key in case.cost_segments.index if pieces[key[0]] > 1]
    b.segment_mw = pyo.Var(several, T, H, domain=pyo.NonNegativeReals)
    for h in H:
        limits = zip(G, case.generators["bus"], case.output_min_mw[h], case.output_max_mw[h], strict=True)
        for g, bus, low, high in limits:
            for t in T:
                b.output_mw[g, t, h].setlb(float(low))
                b.output_mw[g, t, h].setub(float(high))
                ledgers.output_mw.post((bus, t, h), b.output_mw[g, t, h])
    _post_cost(b, case, ledgers, set(several))


def _post_cost(b: pyo.Block, case: Case, ledgers: Ledgers, several: set[tuple[str, int]]) -> None:
    segments = list(case.cost_segments[["width_mw", "cost_usd_per_mwh"]].itertuples(name=None))
    least = case.generators["p_min_mw"].to_dict()
    for t in case.periods.index:
        for h, hours in case.snapshots["hours"].items():
            yearly = float(case.periods.at[t, "annuity_years"] * hours / USD_PER_MUSD)
            terms: list[Any] = []
            for (g, i), width_mw, cost_usd_per_mwh in segments:
                if (g, i) in several:
                    b.segment_mw[g, i, t, h].setub(float(width_mw))
                    terms.append(yearly * cost_usd_per_mwh * b.segment_mw[g, i, t, h])
                elif cost_usd_per_mwh:
                    terms.append(yearly * cost_usd_per_mwh * (b.output_mw[g, t, h] - float(least[g])))
            constant = yearly * float(case.cost_at_min_usd_per_h.sum())
            ledgers.cost_musd.post(("generation", t), pyo.quicksum(terms) + constant)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Supply equals demand in every island; segments add up to output; links lose no more than their losses."""
    _constrain_links(b, case)
    T, H = list(case.periods.index), list(case.snapshots.index)
    # Where circuits can be built, islands are decided: expansion balances every bus.
    islands = buses_of_islands(case) if not len(case.circuits) else {}
    load = {
        (i, t, h): float(case.load_mw.loc[buses, (t, h)].sum()) for i, buses in islands.items() for t in T for h in H
    }
    withdrawn: dict[tuple[int, int, str], list[Any]] = {}
    island_of = {bus: i for i, buses in islands.items() for bus in buses}
    generators: dict[int, list[str]] = {i: [] for i in islands}
    for g, bus in case.generators["bus"].items() if islands else ():
        generators[island_of[bus]].append(str(g))
    for key in m.ledgers.withdrawal_mw.keys() if islands else ():
        withdrawn.setdefault((island_of[key[0]], *key[1:]), []).append(key)

    @constraint(b, list(islands), T, H)
    def supply_meets_demand(b: Any, i: int, t: int, h: str) -> Any:
        """Generation equals existing load plus new load, in every island, period and snapshot.

        sum_g p[g,t,h] - sum_n w[n,t,h] = sum_n d[n,t,h]
        """
        new = pyo.quicksum(m.ledgers.withdrawal_mw[key] for key in withdrawn.get((i, t, h), []))
        output = pyo.quicksum(b.output_mw[g, t, h] for g in generators[i])
        if not generators[i] and (i, t, h) not in withdrawn:
            return pyo.Constraint.Feasible if abs(load[i, t, h]) < 1e-9 else pyo.Constraint.Infeasible
        return output - new == load[i, t, h]

    first = case.cost_segments.index.get_level_values("generator")
    least, segments = case.generators["p_min_mw"].to_dict(), dict[str, list[int]]()
    for g, i in case.cost_segments.index[first.duplicated(keep=False)]:
        segments.setdefault(g, []).append(i)

    @constraint(b, list(segments), T, H)
    def segments_add_up(b: Any, g: str, t: int, h: str) -> Any:
        """The segments of a generator's cost curve add up to its output.

        p[g,t,h] = p_min[g] + sum_i q[g,i,t,h]
        """
        above = pyo.quicksum(b.segment_mw[g, i, t, h] for i in segments[g])
        return b.output_mw[g, t, h] == float(least[g]) + above


def _constrain_links(b: pyo.Block, case: Case) -> None:
    """What a link gives at its to-bus follows from what it takes at its from-bus."""
    T, H, links = list(case.periods.index), list(case.snapshots.index), case.links
    kept = 1 - links["loss_share"]
    factor = kept.where(links["p_min_mw"] >= 0, 1 / kept).where(links["loss_share"] > 0, 1.0)

    @constraint(b, list(links.index), T, H)
    def link_arrives(b: Any, d: str, t: int, h: str) -> Any:
        """What leaves one end of an HVDC link arrives at the other, less losses.

        p[to(d),t,h] = -K[d] p[from(d),t,h] - L[d]
        """
        row = links.loc[d]
        sent = float(factor[d]) * b.output_mw[row.from_unit, t, h]
        return b.output_mw[row.to_unit, t, h] + sent == -float(row.loss_mw)


def buses_of_islands(case: Case) -> dict[int, list[str]]:
    """Bus ids of each island of the network, by island number."""
    if case.network is None:
        return {}
    ids, island = case.network.bus_ids, np.asarray(case.network.island)
    return {int(i): [str(n) for n in ids[island == i]] for i in np.unique(island)}


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Output of every generator."""
    return {"dispatch": tidy(["generator", "period", "snapshot"], output_mw=b.output_mw)}
