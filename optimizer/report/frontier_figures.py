"""Figures of a frontier: plans between objectives, the cost of the best plans, and where their sites are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optimizer.objectives import OBJECTIVES
from optimizer.report import style
from optimizer.report.map_layer import hover_rows, trace
from optimizer.report.map_places import circle_px
from optimizer.report.projection import Projection
from optimizer.report.site_map import map_of_sites
from optimizer.report.text import figure_text, wrapped
from optimizer.study.study import Study

MOST_SITES = 40
"""Sites shown one by one in a figure; the others are in the table."""

UNITS = {"M$": "M$", "t CO2e": "t CO₂e", "m3": "m³", "MW-years": "MW-years"}
"""Units of objectives as printed."""

DECIMALS = {"cost": 1, "carbon": 0, "water": 0, "delay": 0}
"""Decimals with which each objective is printed."""

_SCALE = "Cividis"
"""Colours of a third objective and of loads: read alike with the common forms of colour blindness."""


def axis_title(name: str) -> str:
    """Title of the axis of an objective, with its unit."""
    objective = OBJECTIVES[name]
    label = {"cost": "cost, present value", "delay": "target less served, over all years"}.get(
        name, f"{objective.label} over all years"
    )
    return f"{label} [{UNITS[objective.unit]}]"


def trade_off(rows: pd.DataFrame, objectives: tuple[str, ...]) -> go.Figure:
    """Return the plans between the first two objectives, the third as colour.

    Parameters
    ----------
    rows : DataFrame
        As `optimizer.solve.frontier.Frontier.table`.
    objectives : tuple of str
        Names of two or three objectives.
    """
    x, y = (OBJECTIVES[name].key for name in objectives[:2])
    rows = rows.sort_values([x, y], kind="stable")
    marker: dict[str, Any] = {"size": 12, "color": style.BLUE, "line": {"width": 1, "color": style.INK}}
    if len(objectives) == 3:
        third = objectives[2]
        bar = {"title": {"text": axis_title(third), "side": "right"}, "thickness": 14}
        marker |= {"color": rows[OBJECTIVES[third].key].tolist(), "colorscale": _SCALE, "colorbar": bar}
    slack = (rows[x] - rows[f"bound_{x}"]).clip(lower=0.0)
    proven = {"type": "data", "symmetric": False, "array": [0.0] * len(rows), "arrayminus": slack.tolist()}
    points = go.Scatter(
        x=rows[x].tolist(),
        y=rows[y].tolist(),
        text=rows["plan"].tolist(),
        mode="markers+text",
        textposition="top right",
        name="efficient plan",
        marker=marker,
        error_x=proven | {"color": style.MUTED, "thickness": 1.2, "visible": bool((slack > 0).any())},
        customdata=rows[["n_sites"]].to_numpy().tolist(),
        hovertemplate=_point_text(objectives),
        showlegend=False,
    )
    edge = []
    if len(objectives) == 2:
        line = {"shape": "hv", "color": style.SKY, "width": 2}
        edge = [go.Scatter(x=points.x, y=points.y, mode="lines", line=line, hoverinfo="skip", showlegend=False)]
    return style.figure(
        [*edge, points],
        460,
        xaxis=style.axis(axis_title(objectives[0]), tickformat=",~f"),
        yaxis=style.axis(axis_title(objectives[1]), tickformat=",~f"),
        margin={"l": 8, "r": 30, "t": 24, "b": 8},
    )


def _point_text(objectives: tuple[str, ...]) -> str:
    values = [
        f"%{{{axis}:,.{DECIMALS[name]}f}} {UNITS[OBJECTIVES[name].unit]}"
        for axis, name in zip("xy", objectives, strict=False)
    ]
    if len(objectives) == 3:
        unit = UNITS[OBJECTIVES[objectives[2]].unit]
        values.append(f"%{{marker.color:,.{DECIMALS[objectives[2]]}f}} {unit}")
    return f"plan %{{text}}<br>{'<br>'.join(values)}<br>%{{customdata[0]}} sites<extra></extra>"


def costs_of_the_best(rows: pd.DataFrame, band_musd: float) -> go.Figure:
    """Return how much more than the cheapest each of the best plans costs, and the band.

    Parameters
    ----------
    rows : DataFrame
        As `optimizer.solve.alternatives.Alternatives.table`.
    band_musd : float
        Width of the band [M$].
    """
    more = rows["more_musd"].tolist()
    bars = go.Bar(
        x=more,
        y=[f"plan {number}" for number in rows["plan"]],
        orientation="h",
        marker={"color": style.BLUE},
        text=[f"{value:,.2f} M$" for value in more],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.3f} M$ more than plan 01<extra></extra>",
    )
    end = {"type": "line", "x0": band_musd, "x1": band_musd, "yref": "paper", "y0": 0, "y1": 1}
    return style.figure(
        [bars],
        90 + 30 * len(rows),
        bargap=0.35,
        shapes=[end | {"line": {"color": style.VERMILION, "width": 2, "dash": "dash"}}],
        xaxis=style.axis("cost above plan 01 [M$; dashed: the band]", range=[0, 1.25 * max(band_musd, *more, 1e-6)]),
        yaxis=style.axis("", type="category", autorange="reversed"),
        margin={"l": 8, "r": 60, "t": 8, "b": 8},
    )


def sites_by_plan(sites: pd.DataFrame, numbers: list[str], word: str = "plan") -> go.Figure:
    """Return which plan builds how much where, the sites of most plans first.

    Parameters
    ----------
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`.
    numbers : list of str
        Numbers or names of the plans.
    word : str
        What the plans are called.
    """
    shown = sites.head(MOST_SITES)
    values = shown[[f"it_mw_{n}" for n in numbers]].to_numpy(float)
    names = [
        f"{site} ({county})" if county else site for site, county in zip(shown["site"], _texts(shown), strict=True)
    ]
    tiles = go.Heatmap(
        z=np.where(values > 0, values, np.nan).tolist(),
        x=[figure_text(f"{word} {n}") for n in numbers],
        y=[wrapped(name, 36) for name in names],
        colorscale=_SCALE,
        zmin=0.0,
        reversescale=True,
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "IT load [MW]", "side": "right"}, "thickness": 14},
        hovertemplate="%{y}, %{x}: %{z:,.0f} MW<extra></extra>",
        hoverongaps=False,
    )
    return style.figure(
        [tiles],
        110 + 22 * len(shown),
        xaxis=style.axis("", type="category", side="top", showgrid=False),
        yaxis=style.axis("", type="category", autorange="reversed", showgrid=False),
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
    )


def _texts(sites: pd.DataFrame) -> list[str]:
    return ["" if pd.isna(county) else str(county) for county in sites["county"]]


def sites_map(sites: pd.DataFrame, n_plans: int, study: Study) -> go.Figure | None:
    """Return the map of all sites that any plan builds; ``None`` where none has a place.

    Parameters
    ----------
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`.
    n_plans : int
        Number of plans.
    study : Study
        Its counties and network lie below.
    """

    def drawn(placed: pd.DataFrame, projection: Projection) -> list[Any]:
        in_all, in_some = placed[placed["in_all"]], placed[~placed["in_all"]]
        return [
            _sites(rows, f"{name} of {n_plans} plans ({len(rows):,})", colour, projection, placed)
            for name, rows, colour in (("in all", in_all, style.BLUE), ("in some", in_some, style.ORANGE))
            if len(rows)
        ]

    return map_of_sites(sites, study, drawn)


def _sites(rows: pd.DataFrame, name: str, colour: str, projection: Projection, every: pd.DataFrame) -> go.Scatter:
    x, y = projection.points(rows["lon"], rows["lat"])
    return trace(
        x,
        y,
        name,
        mode="markers+text",
        text=[figure_text(n) for n in rows["n_plans"]],
        textposition="middle center",
        textfont={"color": style.PAPER if colour == style.BLUE else style.INK, "size": 11},
        marker={
            "size": [max(size, 16.0) for size in circle_px(rows["most_it_mw"], float(every["most_it_mw"].max()))],
            "color": colour,
            "line": {"width": 1.2, "color": style.INK},
        },
        customdata=hover_rows(rows["site"], rows["n_plans"], rows["least_it_mw"], rows["most_it_mw"]),
        hovertemplate="%{customdata[0]}: in %{customdata[1]} plans, %{customdata[2]:,.0f} to %{customdata[3]:,.0f} MW"
        "<extra></extra>",
    )
