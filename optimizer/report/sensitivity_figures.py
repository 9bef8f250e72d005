"""Figures of a sensitivity analysis: the tornado, and the ranges in which prices hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.text import MISSING, figure_text, significant, wrapped
from optimizer.solve.sensitivity import Sensitivity

MOST_BARS = 40
"""Quantities and limits shown in a figure; all are in the tables."""

ENDS = (("low", style.SKY), ("high", style.ORANGE))
"""Ends of a range and their colours; the hover text and the label say which it is, too."""

_HATCH = "/"


def tornado(found: Sensitivity, unit: str) -> go.Figure:
    """Return the change of the objective at both ends of each range, the largest on top.

    A bar that is hatched is not distinguishable from no change; the whisker is the range in which the change certainly
    lies. An end without a plan has no bar and says so.

    Parameters
    ----------
    found : Sensitivity
        What is shown.
    unit : str
        Unit of the objective as printed.
    """
    table = found.tornado
    shown = table[table["what"].isin([bar.label for bar in found.bars[:MOST_BARS]])]
    reach = float(shown[["change", "change_least", "change_most"]].abs().max(skipna=True).max(skipna=True)) or 1.0
    reach = 1.0 if np.isnan(reach) else reach
    traces: list[Any] = [_bars(shown[shown["end"] == end], end, colour) for end, colour in ENDS]
    notes = [_note(row, reach) for row in shown.to_dict("records") if np.isnan(row["change"])]
    labels = [wrapped(bar.label, 34) for bar in found.bars[:MOST_BARS]]
    # One line at what the study itself gives, which all bars start from.
    zero = {"type": "line", "x0": 0, "x1": 0, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": style.INK}}
    return style.figure(
        traces,
        130 + 56 * len(labels),
        barmode="group",
        bargap=0.35,
        shapes=[zero],
        annotations=notes,
        showlegend=True,
        xaxis=style.axis(f"change from the study's own plan [{unit}]", range=[-1.3 * reach, 1.3 * reach]),
        yaxis=style.axis("", type="category", categoryorder="array", categoryarray=labels, autorange="reversed"),
        margin={"l": 8, "r": 20, "t": 8, "b": 8},
    )


def _bars(rows: pd.DataFrame, end: str, colour: str) -> go.Bar:
    change = rows["change"]
    whisker = {
        "type": "data",
        "symmetric": False,
        "array": (rows["change_most"] - change).fillna(0.0).clip(lower=0.0).tolist(),
        "arrayminus": (change - rows["change_least"]).fillna(0.0).clip(lower=0.0).tolist(),
        "color": style.MUTED,
        "thickness": 1.2,
    }
    values = [value_text(v, u) for v, u in zip(rows["value"], rows["value_unit"], strict=True)]
    told = ["distinct" if distinct else "not distinguishable from none" for distinct in rows["is_distinct"]]
    return go.Bar(
        x=change.tolist(),
        y=[wrapped(what, 34) for what in rows["what"]],
        orientation="h",
        name=f"{end} end",
        marker={
            "color": colour,
            "line": {"color": style.INK, "width": 0.6},
            "pattern": {"shape": ["" if distinct else _HATCH for distinct in rows["is_distinct"]]},
        },
        error_x=whisker,
        text=[figure_text(value) for value in values],
        textposition="auto",
        customdata=[[figure_text(v), t, s] for v, t, s in zip(values, told, rows["status"], strict=True)],
        hovertemplate="%{y} at %{customdata[0]}: %{x:+,.4g}, %{customdata[1]} (%{customdata[2]})<extra></extra>",
    )


def _note(row: dict[str, Any], reach: float) -> dict[str, Any]:
    side = -1.0 if row["end"] == "low" else 1.0
    value = value_text(row["value"], row["value_unit"])
    return {
        "x": side * 1.28 * reach,
        "y": wrapped(row["what"], 34),
        "xanchor": "left" if side < 0 else "right",
        "text": figure_text(f"no plan at {value}"),
        "showarrow": False,
        "font": {"color": style.VERMILION, "size": 12},
    }


def price_ranges(ranges: pd.DataFrame) -> go.Figure | None:
    """Return the range of each limit in which its price was confirmed, in % of the limit; ``None`` without any.

    Parameters
    ----------
    ranges : DataFrame
        As `optimizer.solve.prices.ranges.price_ranges`.
    """
    shown = ranges[(ranges["price"] != 0) & (ranges["bound"].abs() > 0)].head(MOST_BARS)
    if shown.empty:
        return None
    labels = [wrapped(name_of(row), 44) for row in shown.to_dict("records")]
    low, high = (100 * shown[end] / shown["bound"] for end in ("low", "high"))
    prices = [value_text(p, u) for p, u in zip(shown["price"], shown["price_unit"], strict=True)]
    bars = go.Bar(
        x=(high - low).tolist(),
        base=low.tolist(),
        y=labels,
        orientation="h",
        marker={"color": style.BLUE},
        text=[figure_text(price) for price in prices],
        textposition="outside",
        cliponaxis=False,
        customdata=[
            [figure_text(p), *ends] for p, *ends in zip(prices, shown["low"], shown["high"], shown["unit"], strict=True)
        ],
        hovertemplate="%{y}: %{customdata[0]} from %{customdata[1]:,.5g} to %{customdata[2]:,.5g} %{customdata[3]}"
        "<extra></extra>",
        showlegend=False,
    )
    now = {"type": "line", "x0": 100, "x1": 100, "yref": "paper", "y0": 0, "y1": 1}
    return style.figure(
        [bars],
        90 + 34 * len(labels),
        bargap=0.4,
        shapes=[now | {"line": {"color": style.VERMILION, "width": 2, "dash": "dash"}}],
        xaxis=style.axis("limit in % of what it is [%; dashed: what it is]", range=[0, 240]),
        yaxis=style.axis("", type="category", categoryorder="array", categoryarray=labels, autorange="reversed"),
        margin={"l": 8, "r": 60, "t": 8, "b": 8},
    )


def value_text(value: float, unit: str) -> str:
    """A value with its unit, a factor with its sign, without zeros at the end; a dash where there is none."""
    text = significant(value)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    if text == MISSING:
        return text
    return f"× {text}" if unit == "x" else f"{text}\u00a0{unit}".strip()


def name_of(row: dict[str, Any]) -> str:
    """What a limit is called in one line."""
    after = f"after {row['contingency']}" if row["contingency"] else ""
    parts = (row["limit"], row["element"], after, str(row["period"] or ""), row["snapshot"])
    return " ".join(part for part in parts if part)
