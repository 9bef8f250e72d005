"""What feeds a network of pandapower: generators, static generators, external grids, storages; and its DC lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from optimizer.io.pandapower_source import Source
from optimizer.io.raw_table import RawTable, chosen

#: Adds a finding about some elements: rule, table, text, names, severity, remedy.
Note = Callable[..., None]

_COSTS = ("cost_usd_per_mwh", "cost_quadratic_usd_per_mw2h", "cost_constant_usd_per_h", "cost_points")


def generators(source: Source, note: Note) -> pd.DataFrame:
    """Return everything that feeds power, storages included.

    Parameters
    ----------
    source : Source
        The file.
    note : callable
        Adds a finding, from rule, table, text, names, severity and remedy.
    """
    frames = [_units(source, name, note) for name in ("ext_grid", "gen", "sgen", "storage")]
    kept = [frame for frame in frames if len(frame)]
    if not kept:
        return pd.DataFrame(columns=["generator", "bus", "p_max_mw", "in_service"])
    frame = pd.concat(kept, ignore_index=True)
    costs = _costs(source, set(frame["generator"]), note)
    for i, column in enumerate(_COSTS):
        frame[column] = [
            costs[name][i] if name in costs else ("" if column == "cost_points" else 0.0) for name in frame["generator"]
        ]
    if not costs:
        text = "no costs of generators are given: every one is free"
        note("cost.missing", "poly_cost", text, list(frame["generator"]), "warning")
    return frame


def _units(source: Source, name: str, note: Note) -> pd.DataFrame:
    """Units of one table. A storage counts what it takes as positive, all others what they feed."""
    table = source.table(name)
    if not len(table):
        return pd.DataFrame()
    sign = -1.0 if name == "storage" else 1.0
    scaling = table.number("scaling", 1.0)
    given = table.number("p_mw", math.nan if name == "ext_grid" else 0.0) * scaling * sign
    limits = [table.number(f"{which}_p_mw", math.nan) * sign for which in ("min", "max")]
    low, high = limits if sign > 0 else limits[::-1]
    # The converters of pandapower write a very large number for no limit.
    low, high = (np.where(np.abs(limit) < 1e8, limit, np.nan) for limit in (low, high))
    names = [f"{name} {element}" for element in table.names]
    if name == "ext_grid":
        low, high = _grid_limits(source, low, high, names, note)
    else:
        low, high = _limits(table, name, given, low, high, names, note)
    if name == "storage":
        text = "storages are generators that may also consume; their energy is not limited"
        note("storage", name, text, names, "warning")
    kinds = table.text("type")
    return pd.DataFrame(
        {
            "generator": names,
            "bus": table.text("bus"),
            "p_max_mw": high,
            "p_min_mw": low,
            "p_mw": given,
            "carrier": ["" if kind in ("sync", "async", "current", "motor") else kind.lower() for kind in kinds],
            "name": table.text("name"),
            "q_mvar": table.number("q_mvar", 0.0) * scaling * sign,
            "q_max_mvar": _reactive(table, "max" if sign > 0 else "min", sign),
            "q_min_mvar": _reactive(table, "min" if sign > 0 else "max", sign),
            "v_set_pu": table.number("vm_pu", math.nan),
            "in_service": table.flag("in_service"),
        }
    )


def _reactive(table: RawTable, which: str, sign: float) -> np.ndarray:
    values = table.number(f"{which}_q_mvar", math.nan) * sign
    return np.where(np.abs(values) < 1e8, values, np.nan)


def _grid_limits(
    source: Source, low: np.ndarray, high: np.ndarray, names: list[str], note: Note
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of external grids: where none are given, all that the network could take or feed."""
    open_ended = np.isnan(low) | np.isnan(high)
    size = 0.0
    for name in ("load", "sgen", "gen", "storage", "motor"):
        table = source.table(name)
        column = "pn_mech_mw" if name == "motor" else "p_mw"
        size += float(np.abs(np.nan_to_num(table.number(column, 0.0) * table.number("scaling", 1.0))).sum())
    size = max(size, 1.0)
    text = f"no limits of an external grid are given: {size:g} MW each way, the sum of all loads and generation"
    note("ext_grid.limits", "ext_grid", text, chosen(names, open_ended), "warning")
    return np.where(np.isnan(low), -size, low), np.where(np.isnan(high), size, high)


def _limits(
    table: RawTable, name: str, given: np.ndarray, low: np.ndarray, high: np.ndarray, names: list[str], note: Note
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of a unit: of what is not controllable the output that is given."""
    free = table.flag("controllable", name == "gen")
    unlimited = free & np.isnan(high)
    text = "no largest output is given: the output itself is the limit"
    note("unit.limits", name, text, chosen(names, unlimited), "warning")
    note("unit.fixed", name, "not controllable: the output is fixed at p_mw", chosen(names, ~free))
    high = np.where(free & ~np.isnan(high), high, given)
    return np.where(free, np.where(np.isnan(low), np.minimum(0.0, high), low), given), high


def _costs(source: Source, known: set[str], note: Note) -> dict[str, tuple[float, float, float, str]]:
    """Cost columns by generator."""
    costs: dict[str, tuple[float, float, float, str]] = {}
    table = source.table("poly_cost")
    elements = _elements(table)
    c0, c1, c2 = (table.number(f"cp{i}_{unit}", 0.0) for i, unit in enumerate(("eur", "eur_per_mw", "eur_per_mw2")))
    for i, element in enumerate(elements):
        costs[element] = (float(c1[i]), float(c2[i]), float(c0[i]), "")
    table = source.table("pwl_cost")
    points = table.frame["points"].tolist() if table.has("points") else [None] * len(table)
    active = [kind != "q" for kind in table.text("power_type", "p")]
    broken = []
    for element, areas, counted in zip(_elements(table), points, active, strict=True):
        if counted:
            text = _cost_points(areas)
            costs[element] = (0.0, 0.0, 0.0, text)
            if not text:
                broken.append(element)
    text = "the areas of a piecewise linear cost cannot be read"
    remedy = "give [from MW, to MW, cost per MW], each from where the one before ends"
    note("cost.points", "pwl_cost", text, broken, "error", remedy)
    # The cost of what consumes has the opposite sign, which no column of the grid can say.
    others = [name for name in costs if name not in known or name.startswith("storage ")]
    note("cost.unread", "poly_cost", "only costs of generators and external grids are read", others)
    read = {name: cost for name, cost in costs.items() if name not in others}
    note("currency", "poly_cost", "costs in euro are taken as US dollars, unchanged", list(read))
    return read


def _elements(table: RawTable) -> list[str]:
    kinds = table.text("et") if table.has("et") else table.text("element_type")
    return [f"{kind} {element}" for kind, element in zip(kinds, table.text("element"), strict=True)]


def _cost_points(areas: Any) -> str:
    """Points of a cost that is given as its slope in consecutive areas; empty if that is not what is there."""
    points: list[tuple[float, float]] = []
    if not isinstance(areas, list) or not areas:
        return ""
    for area in areas:
        if not isinstance(area, list) or len(area) != 3:
            return ""
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in area):
            return ""
        lower, upper, slope = map(float, area)
        if not points:
            points.append((lower, lower * slope))
        elif points[-1][0] != lower:
            return ""
        points.append((upper, points[-1][1] + (upper - lower) * slope))
    if not all(math.isfinite(value) for point in points for value in point):
        return ""
    return " ".join(f"{mw!r}:{cost!r}" for mw, cost in points)


def dc_lines(source: Source, note: Note) -> pd.DataFrame:
    """Return the DC lines, which transfer from ``from_bus`` only; as `generators`."""
    table = source.table("dcline")
    scheduled = table.number("p_mw", 0.0)
    largest = table.number("max_p_mw", math.nan)
    names = [f"dcline {name}" for name in table.names]
    text = "no largest transfer is given: the scheduled one is the limit"
    note("dcline.limits", "dcline", text, chosen(names, np.isnan(largest)), "warning")
    largest = np.where(np.isnan(largest), np.abs(scheduled), largest)
    return pd.DataFrame(
        {
            "link": names,
            "from_bus": table.text("from_bus"),
            "to_bus": table.text("to_bus"),
            "p_max_mw": largest,
            "p_min_mw": np.minimum(scheduled, 0.0),
            "loss_mw": table.number("loss_mw", 0.0),
            "loss_share": table.number("loss_percent", 0.0) / 100,
            "in_service": table.flag("in_service"),
            "p_mw": scheduled,
        }
    )
