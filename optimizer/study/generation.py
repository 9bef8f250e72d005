"""Generators as the model needs them: limits of output by snapshot, and a convex piecewise linear cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from optimizer.config import DispatchSettings
from optimizer.errors import Finding
from optimizer.grid.network import Grid
from optimizer.grid.validate import cost_points


def generators_in_service(grid: Grid, dispatch: DispatchSettings) -> tuple[pd.DataFrame, list[Finding]]:
    """Generators that may run, with the output of a fixed dispatch as their only one.

    Parameters
    ----------
    grid : Grid
        The network.
    dispatch : DispatchSettings
        Whether output is decided or fixed.

    Returns
    -------
    generators : DataFrame, index ``generator``
        Rows of the grid's table; for a fixed dispatch ``p_min_mw`` and ``p_max_mw`` are ``p_mw``.
    findings : list of Finding
        Fixed outputs that are not given.
    """
    rows = grid.generators[grid.generators["in_service"]]
    if dispatch.generators == "redispatch":
        return rows, []
    findings = [
        Finding(
            "study.dispatch.no_output",
            f"generators, generator {g}, p_mw",
            "the dispatch is fixed and the generator has no output",
            "empty",
            'give p_mw, or let the study decide: [dispatch] generators = "redispatch"',
        )
        for g in rows.index[rows["p_mw"].isna()]
    ]
    return rows.assign(p_min_mw=rows["p_mw"], p_max_mw=rows["p_mw"]), findings


def output_limits(
    generators: pd.DataFrame, factors: pd.DataFrame, dispatch: DispatchSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Least and largest output in every snapshot.

    ``p_max x availability`` where p_max is positive; a least output above that gives way to it, since unit commitment
    is not decided. A fixed output is not reduced.

    Parameters
    ----------
    generators : DataFrame, index ``generator``
        ``p_min_mw``, ``p_max_mw`` [MW].
    factors : DataFrame, index ``generator``, columns snapshot
        Availability [-].
    dispatch : DispatchSettings
        Whether output is decided or fixed.

    Returns
    -------
    output_min_mw, output_max_mw : DataFrame, index ``generator``, columns snapshot
        Limits [MW].
    """
    p_max = generators["p_max_mw"].to_numpy()[:, None]
    applied = factors.to_numpy() if dispatch.generators == "redispatch" else np.ones(factors.shape)
    high = np.where(p_max > 0, p_max * applied, p_max)
    low = np.minimum(generators["p_min_mw"].to_numpy()[:, None], high)
    return (
        pd.DataFrame(low, index=factors.index, columns=factors.columns),
        pd.DataFrame(high, index=factors.index, columns=factors.columns),
    )


def cost_curves(
    generators: pd.DataFrame, least_mw: pd.Series, settings: DispatchSettings
) -> tuple[pd.DataFrame, pd.Series]:
    """Piecewise linear cost of every generator, from its least to its largest output.

    A quadratic cost is replaced by secants over pieces of equal width: exact at their ends and at most
    ``c2 width^2 / 4`` too high between them. A linear cost is one piece.

    Parameters
    ----------
    generators : DataFrame, index ``generator``
        ``p_max_mw`` [MW] and the grid's cost columns.
    least_mw : Series, index ``generator``
        Output from which pieces are counted [MW].
    settings : DispatchSettings
        Whether cost counts, and how many pieces stand for a quadratic one.

    Returns
    -------
    segments : DataFrame, index (``generator``, ``segment`` from 1)
        ``width_mw`` [MW] and ``cost_usd_per_mwh`` [$/MWh], not decreasing with the segment.
    cost_at_min_usd_per_h : Series, index ``generator``
        Cost of running at `least_mw` [$/h].
    """
    keys: list[tuple[str, int]] = []
    rows: list[tuple[float, float]] = []
    at_min: list[float] = []
    columns = ["p_max_mw", "cost_usd_per_mwh", "cost_quadratic_usd_per_mw2h", "cost_constant_usd_per_h", "cost_points"]
    for (g, high, c1, c2, c0, points), low in zip(
        generators[columns].itertuples(name=None), least_mw.to_numpy(), strict=True
    ):
        if settings.cost == "none":
            breaks, cost = np.array([low, high]), np.zeros(2)
        elif points:
            breaks, cost = _points_between(points, low, high)
        else:
            breaks = np.linspace(low, high, (settings.cost_segments if c2 else 1) + 1)
            cost = c0 + c1 * breaks + c2 * breaks**2
        at_min.append(float(cost[0]))
        width = np.diff(breaks)
        kept = width > 0
        slope = np.diff(cost)[kept] / width[kept]
        keys += [(g, n) for n in range(1, int(kept.sum()) + 1)]
        rows += zip(width[kept].tolist(), slope.tolist(), strict=True)
    index = pd.MultiIndex.from_tuples(keys, names=["generator", "segment"]) if keys else _no_segments()
    segments = pd.DataFrame(rows, index=index, columns=["width_mw", "cost_usd_per_mwh"], dtype=float)
    return segments, pd.Series(at_min, index=generators.index, name="cost_at_min_usd_per_h", dtype=float)


def _points_between(text: str, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Break points of a convex piecewise linear cost from `low` to `high`; its end pieces reach as far as needed."""
    power, cost = (np.array(values) for values in zip(*cost_points(text), strict=True))
    breaks = np.concatenate([[low], power[(power > low) & (power < high)], [high]])
    slope = np.diff(cost) / np.diff(power)
    piece = np.clip(np.searchsorted(power, breaks, side="right") - 1, 0, len(slope) - 1)
    return breaks, cost[piece] + slope[piece] * (breaks - power[piece])


def _no_segments() -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[], np.array([], dtype=int)], names=["generator", "segment"])
