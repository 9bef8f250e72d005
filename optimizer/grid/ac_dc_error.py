"""How far DC flows are from the AC flows of the same case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from optimizer.grid.ac_flow import ACCase, ACRun
from optimizer.grid.dc import DCNetwork
from optimizer.grid.hvdc import scheduled_load


@dataclass(frozen=True)
class FlowError:
    """How far DC flows are from AC flows, over the rated branches.

    Parameters
    ----------
    n_branch : int
        Branches compared.
    max_mw, mean_mw : float
        Largest and mean difference [MW].
    max_share, mean_share : float
        The same as a share of the normal rating [-].
    max_branch, max_share_branch : str
        Where the largest ones are.
    """

    n_branch: int
    max_mw: float
    mean_mw: float
    max_share: float
    mean_share: float
    max_branch: str
    max_share_branch: str


def flow_error(case: ACCase, run: ACRun, susceptance: Literal["x", "series"] = "x") -> FlowError | None:
    """Compare the DC flows of a case with its AC flows.

    Parameters
    ----------
    case : ACCase
        The case.
    run : ACRun
        Its solution. The flow in the middle of a branch is compared, half of its losses taken off.
    susceptance : {"x", "series"}
        As in `DCNetwork.build`.

    Returns
    -------
    FlowError or None
        ``None`` without a solution or without rated branches.
    """
    if run.flow is None:
        return None
    grid, point = case.grid, case.point
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service, susceptance)
    links, _ = scheduled_load(grid)
    output = point.output_mw.groupby(grid.generators["bus"].loc[point.output_mw.index]).sum()
    new = point.new_load.groupby("bus")["load_mw"].sum()
    injection = -links - grid.buses["shunt_mw"]
    for part, sign in ((output, 1.0), (point.load_mw, -1.0), (new, -1.0)):
        injection = injection + sign * part.reindex(grid.buses.index).fillna(0.0)
    dc = network.flows(injection.to_numpy(float))
    rating = grid.branches_in_service["rating_mw"].to_numpy(float)
    error = np.abs(dc - run.flow.middle_mw.to_numpy())
    kept = np.isfinite(error) & np.isfinite(rating) & (rating > 0)
    if not kept.any():
        return None
    ids, error, share = network.branch_ids[kept], error[kept], error[kept] / rating[kept]
    worst, most = int(error.argmax()), int(share.argmax())
    return FlowError(
        len(error),
        float(error[worst]),
        float(error.mean()),
        float(share[most]),
        float(share.mean()),
        str(ids[worst]),
        str(ids[most]),
    )
