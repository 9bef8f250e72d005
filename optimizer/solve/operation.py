"""How the system runs under a plan: flows, the full check of every outage, and what is at its limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.formulation.rows import FixedAllowances
from optimizer.grid.joint_factors import OperatingPoint
from optimizer.grid.screening import screen_base
from optimizer.solve.pickup import COLUMNS, beyond_limits
from optimizer.solve.tables.decisions import DECIMALS
from optimizer.study.case import Case

TOLERANCE_MW = 1e-3
"""A flow above its limit by more than this is a violation [MW]; the verifier's own tolerance."""

LISTED_ABOVE = 0.95
"""Loadings after outages above this are all listed [-] (definition of the table)."""

LISTED_AT_LEAST = 10
"""Highest loadings listed for each period and snapshot [-] (definition of the table)."""


@dataclass(frozen=True)
class Operation:
    """Flows and the full check.

    Parameters
    ----------
    flows, contingencies : DataFrame
        The plan's tables of these names.
    broken : DataFrame
        ``contingency, branch, period, snapshot, flow_mw, limit_mw, loading``: limits that do not hold, normal ones
        with an empty contingency.
    beyond : DataFrame
        Outages after which generators are asked beyond their limits, see `optimizer.solve.pickup`.
    """

    flows: pd.DataFrame
    contingencies: pd.DataFrame
    broken: pd.DataFrame
    beyond: pd.DataFrame


def operation(
    case: Case,
    output_mw: pd.DataFrame,
    withdrawal_mw: pd.DataFrame,
    upgrades: pd.DataFrame,
    tolerance_mw: float = TOLERANCE_MW,
) -> Operation:
    """Compute flows from outputs and withdrawals, and check every outage on every rated branch.

    Parameters
    ----------
    case : Case
        Its network, limits, outages and base overloads.
    output_mw : DataFrame
        ``generator, period, snapshot, output_mw``.
    withdrawal_mw : DataFrame
        New load: ``site, bus, period, snapshot, withdrawal_mw``, and ``dropped_mw``, what of it an outage drops, where
        the case drops any.
    upgrades : DataFrame
        ``upgrade`` and ``in_service``.
    tolerance_mw : float
        How far above its limit a flow must be to be listed as broken [MW].
    """
    assert case.network is not None
    allowances = FixedAllowances(case.base_overloads)
    flow_parts, listed, broken, beyond = [], [], [], [pd.DataFrame(columns=list(COLUMNS))]
    for t in case.periods.index:
        serving = case.upgrades.loc[upgrades.loc[upgrades["in_service"] <= t, "upgrade"]] if len(upgrades) else None
        normal, emergency = (_with_upgrades(case, c, a, serving) for c, a in _LIMITS)
        for number, h in enumerate(case.snapshots.index):
            flow = case.network.flows(_injection(case, output_mw, withdrawal_mw, t, h))
            limit = normal * case.rating_factor(h) + allowances.base(case, h)
            limit = np.minimum(
                limit, np.where(_forward(flow), case.branches["flow_max_mw"], -case.branches["flow_min_mw"])
            )
            flow_parts.append(_flow_table(case, flow, limit, t, h))
            broken.append(_named(case, screen_base(flow, limit, tolerance_mw, top=0).violations, t, h))
            if not case.is_secured:
                continue
            before, point = _operating_points(case, flow, output_mw, withdrawal_mw, t, h, number)
            beyond.append(beyond_limits(case, before.output_mw, point, t, h))
            found = case.contingencies.loaded(
                point,
                number,
                emergency * case.rating_factor(h, after_outage=True),
                LISTED_ABOVE,
                LISTED_AT_LEAST,
                allowances.after_outages(case, h),
            )
            listed.append(_named(case, found, t, h))
            broken.append(_named(case, found[found["excess_mw"] > tolerance_mw], t, h))
    columns = ["contingency", "branch", "period", "snapshot", "flow_mw", "limit_mw", "loading"]
    outages = pd.concat(listed) if listed else pd.DataFrame(columns=columns)
    filled = [table for table in beyond if len(table)]
    asked = pd.concat(filled) if filled else beyond[0]
    return Operation(pd.concat(flow_parts), outages, pd.concat(broken), asked)


def operation_of_plan(
    networks: Sequence[Case], output_mw: pd.DataFrame, withdrawal_mw: pd.DataFrame, upgrades: pd.DataFrame
) -> Operation:
    """As `operation`, of a plan that has one network for all periods or one for each.

    Parameters
    ----------
    networks : sequence of Case
        Each with the periods that are its own.
    output_mw, withdrawal_mw, upgrades
        As `operation` takes them.
    """
    parts = [operation(real, output_mw, withdrawal_mw, upgrades) for real in networks]
    if len(parts) == 1:
        return parts[0]
    return Operation(*(pd.concat([getattr(one, f.name) for one in parts]) for f in fields(Operation)))


_LIMITS = (("rating_mw", "added_mw"), ("rating_emergency_mw", "added_emergency_mw"))


def _forward(flow: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Flows from start to end, by the sign of what is written: the sign of a flow of nothing is rounding noise."""
    forward: NDArray[np.bool_] = flow.round(DECIMALS) > 0
    return forward


def _with_upgrades(case: Case, column: str, added: str, serving: pd.DataFrame | None) -> NDArray[np.float64]:
    limit = case.branches[column].to_numpy(float).copy()
    if serving is not None and len(serving):
        # A branch that a circuit has taken the place of is there no more.
        at = case.branches.index.get_indexer(serving["branch"])
        np.add.at(limit, at[at >= 0], serving[added].to_numpy(float)[at >= 0])
    return limit


def _injection(case: Case, output_mw: pd.DataFrame, withdrawal_mw: pd.DataFrame, t: int, h: str) -> NDArray[np.float64]:
    assert case.network is not None
    ids = case.network.bus_ids
    injection = -case.load_mw[(t, h)].to_numpy(float)
    here = output_mw[(output_mw["period"] == t) & (output_mw["snapshot"] == h)]
    at = ids.get_indexer(case.generators.loc[here["generator"], "bus"])
    np.add.at(injection, at, here["output_mw"].to_numpy(float))
    taken = withdrawal_mw[(withdrawal_mw["period"] == t) & (withdrawal_mw["snapshot"] == h)]
    drawn = taken.groupby("bus", sort=False)["withdrawal_mw"].sum()
    np.subtract.at(injection, ids.get_indexer(drawn.index), drawn.to_numpy(float))
    return injection


def _operating_points(
    case: Case,
    flow: NDArray[np.float64],
    output_mw: pd.DataFrame,
    withdrawal_mw: pd.DataFrame,
    t: int,
    h: str,
    snapshot_index: int,
) -> tuple[OperatingPoint, OperatingPoint]:
    """How the system runs, and how it does once load is dropped, from which flows after outages follow."""
    here = output_mw[(output_mw["period"] == t) & (output_mw["snapshot"] == h)]
    output = here.set_index("generator")["output_mw"].reindex(case.generators.index).to_numpy(float)
    taken = withdrawal_mw[(withdrawal_mw["period"] == t) & (withdrawal_mw["snapshot"] == h)]
    at = case.grid_network.bus_ids.get_indexer(taken["bus"])
    names = list(zip(taken["site"], at.tolist(), strict=True))
    point = OperatingPoint(flow, output, dict(zip(names, taken["withdrawal_mw"].astype(float), strict=True)))
    if "dropped_mw" not in taken.columns:
        return point, point
    dropped = dict(zip(names, taken["dropped_mw"].astype(float), strict=True))
    return point, case.dropping.after(point, dropped, snapshot_index)


def _flow_table(case: Case, flow: NDArray[np.float64], limit: NDArray[np.float64], t: int, h: str) -> pd.DataFrame:
    loading = np.divide(np.abs(flow), limit, out=np.zeros_like(flow), where=limit > 0)
    return pd.DataFrame(
        {
            "branch": case.branches.index,
            "period": t,
            "snapshot": h,
            "flow_mw": flow,
            "limit_mw": limit,
            "loading": np.where(np.isfinite(limit), loading, np.nan),
        }
    )


def _named(case: Case, found: pd.DataFrame, t: int, h: str) -> pd.DataFrame:
    outages = np.array([*case.outage_names, ""], dtype=object)
    return pd.DataFrame(
        {
            "contingency": outages[found["outage"].to_numpy(int)],
            "branch": case.branches.index.to_numpy()[found["branch"].to_numpy(int)],
            "period": t,
            "snapshot": h,
            "flow_mw": found["flow_mw"].to_numpy(float),
            "limit_mw": found["limit_mw"].to_numpy(float),
            "loading": found["loading"].to_numpy(float),
        }
    )


def withdrawals(
    case: Case, placed: pd.DataFrame, supplied_mw: Mapping[tuple[str, int, str], float] | None = None
) -> pd.DataFrame:
    """What each site draws at its point of interconnection: ``site, bus, period, snapshot, withdrawal_mw``.

    Parameters
    ----------
    case : Case
        The case.
    placed : DataFrame
        What is built, as `optimizer.solve.tables.decisions.Decisions` has it.
    supplied_mw : mapping, optional
        Own supply by site, period and snapshot, which the grid does not give [MW].
    """
    parts, own = [], supplied_mw or {}
    for row in placed.dropna(subset="tie").itertuples():
        pue = case.pue.loc[(row.site, row.cooling)]
        bus = case.ties.at[row.tie, "bus"]
        parts += [
            (row.site, bus, row.period, h, row.it_mw * float(pue[h]) - own.get((row.site, row.period, h), 0.0))
            for h in case.snapshots.index
        ]
    return pd.DataFrame(parts, columns=["site", "bus", "period", "snapshot", "withdrawal_mw"])
