"""Security: after any one outage every branch stays within its emergency rating.

Symbols
-------
f[l,t,h]   ``flow_mw``              flow with everything in service [MW]
D[l,k,h]                            share of the flow of outaged element k that moves to branch l [-]
E[l]       ``rating_emergency_mw``  emergency rating [MW]

D is the line outage distribution factor. Where the outage splits the network it is the factor of the stated sharing
rule: the main island's generators take up the imbalance in proportion to p_max x availability.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo

from optimizer.algebra import Ledgers, rows_on_demand
from optimizer.formulation.power_flow import added_ratings, flow_of
from optimizer.formulation.rows import Broken, NewRows
from optimizer.grid.screening import screen
from optimizer.study.case import Case

NEEDS = {"branches": ["rating_emergency_mw", "monitored"]}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Security has no variables of its own: it limits those of power flow."""


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """Emergency ratings after every outage."""
    snapshot_number = {str(h): i for i, h in enumerate(case.snapshots.index)}
    outage_number = {name: i for i, name in enumerate(case.contingencies.names)}

    @rows_on_demand(b)
    def within_emergency_rating(b: Any, branch: str, outage: str, t: int, h: str, side: int) -> Any:
        """After the outage a branch carries no more than its emergency rating, upgrades included.

        -E[l] - upgrades <= f[l,t,h] + D[l,k,h] f[k,t,h] <= E[l] + upgrades
        """
        number = outage_number[outage]
        factors, _ = case.outage_factors.columns(np.array([number]), snapshot_number[h])
        factor = float(factors[case.branches.index.get_loc(branch), 0])
        out = str(case.branches.index[case.contingencies.positions[number]])
        flow = m.power_flow.flow_mw[branch, t, h] + factor * m.power_flow.flow_mw[out, t, h]
        limit = float(case.branches.at[branch, "rating_emergency_mw"]) + m.allowances.mw(branch, outage, h)
        return side * flow <= limit + m.ledgers.rating_emergency_mw[branch, t]

    b.rows = within_emergency_rating


def cut(b: pyo.Block, case: Case, m: pyo.ConcreteModel, broken: Broken) -> NewRows:
    """Add the emergency limits that the solution breaks, the worst few of each branch."""
    added: list[Any] = []
    worst = 0.0
    upgraded = added_ratings(case, m, m.ledgers.rating_emergency_mw)
    for (t, h), flow in broken.flows.items():
        limit = case.branches["rating_emergency_mw"].to_numpy() + upgraded[t]
        found = screen(
            case.outage_factors,
            flow,
            list(case.snapshots.index).index(h),
            np.where(broken.looked_at, limit, np.inf),
            broken.tolerance_mw,
            extra_limit=m.allowances.after_outages(case, h),
        ).violations
        if found.empty:
            continue
        worst = max(worst, float(found["excess_mw"].max()))
        found = found.sort_values(["excess_mw", "outage", "branch"], ascending=[False, True, True])
        found = found.groupby("branch", sort=False).head(broken.rows_per_branch).head(broken.rows_per_snapshot)
        for row in found.itertuples():
            branch, outage = str(case.branches.index[row.branch]), case.contingencies.names[row.outage]
            out = str(case.branches.index[case.contingencies.positions[row.outage]])
            added += flow_of(m.power_flow, case, branch, t, h) + flow_of(m.power_flow, case, out, t, h)
            made = b.rows.add(branch, outage, t, h, 1 if row.flow_mw > 0 else -1)
            added += [] if made is None else [made]
    return NewRows(tuple(added), worst)


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Security reports through the check of every outage on every branch."""
    return {}
