"""Power flow: DC flow of every branch within its normal rating.

A flow variable and its rows are built only where a solution breaks a limit; whatever is not built is checked on every
solution. Factors come from the factorized network of the case.

Symbols
-------
f[l,t,h]  ``flow_mw``      flow of branch l, positive from its from-bus to its to-bus [MW]
w[n,t,h]                   new load at point of interconnection n [MW]
H[l,n]                     power transfer distribution factor of branch l for an injection at n [-]
R[l]      ``rating_mw``    normal rating [MW]
F[l,h]    ``rating_factor`` factor on it in a snapshot, 1 where the study gives none [-]
"""

from __future__ import annotations

from functools import cache
from itertools import compress
from typing import Any

import numpy as np
import pandas as pd
import pyomo.environ as pyo
from numpy.typing import NDArray
from pyomo.core.expr.numeric_expr import LinearExpression

from optimizer.algebra import Ledgers, rows_on_demand
from optimizer.formulation.rows import Broken, NewRows, rating, worst_rows
from optimizer.study.case import Case

NEEDS = {
    "branches": ["rating_mw", "flow_min_mw", "flow_max_mw", "monitored"],
    "generators": ["bus"],
    "ties": ["bus"],
}


def declare(b: pyo.Block, case: Case, ledgers: Ledgers) -> None:
    """Flows are declared where a limit needs them."""
    b.flow_mw = pyo.Var(pyo.Any, dense=False)


def constrain(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> None:
    """The law of flow, and normal ratings."""
    network = case.grid_network
    position = {str(n): i for i, n in enumerate(network.bus_ids)}
    at_generator = np.array([position[bus] for bus in case.generators["bus"]], dtype=int)
    at_point = np.array([position[n] for n in case.ties_of_bus], dtype=int)

    @cache
    def injections(t: int, h: str) -> list[Any]:
        """What is injected and withdrawn by decision, in the order of generators and points."""
        output = [m.dispatch.output_mw[g, t, h] for g in case.generators.index]
        return output + [m.interconnection.new_load_mw[n, t, h] for n in case.ties_of_bus]

    @cache
    def load_mw(t: int, h: str) -> NDArray[np.float64]:
        """Existing load of every bus."""
        return case.load_mw[(t, h)].to_numpy(dtype=float)

    @rows_on_demand(b)
    def flow_law(b: Any, branch: str, t: int, h: str) -> Any:
        """The flow of a branch follows from what is injected and withdrawn at every bus.

        f[l,t,h] = sum_n H[l,n] (sum_g p[g,t,h] - d[n,t,h] - w[n,t,h]) + shift[l]
        """
        row_position = network.branch_ids.get_loc(branch)
        factors = network.ptdf_row(row_position)
        shares = np.concatenate([factors[at_generator], -factors[at_point]])
        coefficients = [-1.0, *shares[shares != 0].tolist()]
        variables = [b.flow_mw[branch, t, h], *compress(injections(t, h), shares != 0)]
        fixed = float(factors @ load_mw(t, h)) - float(network.shift_flow_mw[row_position])
        return LinearExpression(constant=0.0, linear_coefs=coefficients, linear_vars=variables) == fixed

    @rows_on_demand(b)
    def within_normal_rating(b: Any, branch: str, t: int, h: str, side: int) -> Any:
        """A branch carries no more than its normal rating, upgrades included, with everything in service.

        -F[l,h] (R[l] + upgrades) <= f[l,t,h] <= F[l,h] (R[l] + upgrades)
        """
        rated, added = rating(case, m, branch, t, h)
        limit = rated + m.allowances.mw(branch, "", h)
        return side * b.flow_mw[branch, t, h] <= limit + added

    b.flow_law_rows = flow_law
    b.rating_rows = within_normal_rating


def flow_of(b: pyo.Block, case: Case, branch: str, t: int, h: str) -> list[Any]:
    """Make sure that the flow of a branch is a variable with its law; return the rows added."""
    row = b.flow_law_rows.add(branch, t, h)
    if row is None:
        return []
    low, high = case.branches.at[branch, "flow_min_mw"], case.branches.at[branch, "flow_max_mw"]
    flow = b.flow_mw[branch, t, h]
    flow.setlb(None if np.isinf(low) else float(low))
    flow.setub(None if np.isinf(high) else float(high))
    return [row]


def flows(case: Case, m: pyo.ConcreteModel) -> dict[tuple[int, str], NDArray[np.float64]]:
    """Flow of every branch under the solution the model holds [MW], by (period, snapshot)."""
    network = case.grid_network
    position = {str(n): i for i, n in enumerate(network.bus_ids)}
    at_generator = np.array([position[bus] for bus in case.generators["bus"]], dtype=int)
    points = list(case.ties_of_bus)
    at_point = np.array([position[n] for n in points], dtype=int)
    generators, outputs = list(case.generators.index), m.dispatch.output_mw
    keys = [(t, h) for t in case.periods.index for h in case.snapshots.index]
    injection = np.zeros((len(network.bus_ids), len(keys)))
    for column, (t, h) in enumerate(keys):
        output = [outputs[g, t, h].value for g in generators]
        np.add.at(injection[:, column], at_generator, output)
        drawn = [m.interconnection.new_load_mw[n, t, h].value for n in points]
        np.subtract.at(injection[:, column], at_point, drawn)
        injection[:, column] -= case.load_mw[(t, h)].to_numpy()
    result = network.flows(injection)
    return {key: result[:, column] for column, key in enumerate(keys)}


def added_ratings(case: Case, m: pyo.ConcreteModel, ledger: Any) -> dict[int, NDArray[np.float64]]:
    """Rating that upgrades add to each branch, under the solution the model holds [MW], by period."""
    names = list(case.upgrades_of_branch)
    positions = case.branches.index.get_indexer(names)
    added = {}
    for t in case.periods.index:
        added[t] = np.zeros(len(case.branches))
        added[t][positions] = [pyo.value(ledger[branch, t]) for branch in names]
    return added


def cut(b: pyo.Block, case: Case, m: pyo.ConcreteModel, broken: Broken) -> NewRows:
    """Add the normal limits that the solution breaks."""
    added, worst = [], 0.0
    upgraded = added_ratings(case, m, m.ledgers.rating_mw)
    for (t, h), flow in broken.flows.items():
        rated = (case.branches["rating_mw"].to_numpy() + upgraded[t]) * case.rating_factor(h)
        limit = rated + m.allowances.base(case, h)
        high = np.minimum(limit, case.branches["flow_max_mw"].to_numpy())
        low = np.maximum(-limit, case.branches["flow_min_mw"].to_numpy())
        excess = np.maximum(flow - high, low - flow)
        excess[~broken.looked_at] = 0.0
        worst = max(worst, float(excess.max(initial=0.0)))
        for position in worst_rows(excess, broken.tolerance_mw, broken.rows_per_snapshot):
            branch, side = str(case.branches.index[position]), 1 if flow[position] > 0 else -1
            rows = flow_of(b, case, branch, t, h)
            if np.isfinite(case.branches.at[branch, "rating_mw"]):
                row = b.rating_rows.add(branch, t, h, side)
                rows += [] if row is None else [row]
            added += rows
    return NewRows(tuple(added), worst)


def tables(b: pyo.Block, case: Case, m: pyo.ConcreteModel) -> dict[str, pd.DataFrame]:
    """Power flow reports through the flows of the plan, recomputed on every branch."""
    return {}
