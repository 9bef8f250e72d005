"""Figures of a plan for several futures: what it costs in each, what every plan forgoes, and where the sites are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.map_layer import hover_rows, trace
from optimizer.report.map_places import circle_px
from optimizer.report.projection import Projection
from optimizer.report.site_map import map_of_sites
from optimizer.report.text import figure_text, number, wrapped
from optimizer.solve.uncertain.decide import MEAN, STOCHASTIC, Uncertain
from optimizer.study.study import Study

MOST_PLANS = 30
"""Plans shown one by one in a figure; the others are in the table."""

_SCALE = "Cividis"


def costs_by_scenario(found: Uncertain) -> go.Figure:
    """Return what the plan costs in each scenario, beside what the scenario would cost if it were known."""
    names = [_labelled(found, i) for i in range(len(found.futures))]
    series = [
        ("this plan", found.costs_musd[STOCHASTIC], style.BLUE, "circle", 14),
        ("if the scenario were known", found.own_musd, style.ORANGE, "line-ns", 18),
    ]
    if MEAN in found.costs_musd:
        series.append(("plan for mean values", found.costs_musd[MEAN], style.GREEN, "diamond-open", 11))
    traces = [
        go.Scatter(
            x=[float(v) if np.isfinite(v) else None for v in values],
            y=names,
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": size, "line": {"width": 2.5, "color": colour}},
            hovertemplate=f"%{{y}}, {name}: %{{x:,.2f}} M$<extra></extra>",
        )
        for name, values, colour, symbol, size in series
    ]
    marks = [("mean", found.expected_musd, style.MUTED, "dot")]
    if found.risk.weight:
        marks.append(("tail mean", found.cvar_musd, style.VERMILION, "dash"))
    shapes = [
        {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": {"color": colour, "dash": dash}}
        for _, x, colour, dash in marks
    ]
    notes = [
        {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": name, "font": {"size": 12}}
        for name, x, _, _ in marks
    ]
    return style.figure(
        traces,
        150 + 42 * len(names),
        shapes=shapes,
        annotations=notes,
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "yref": "container", "font": {"size": 12}}
        | {"y": 0.99, "yanchor": "top"},
        xaxis=style.axis("cost, present value [M$]", tickformat=",~f"),
        yaxis=style.axis("", type="category", autorange="reversed"),
        margin={"l": 8, "r": 24, "t": 64, "b": 8},
    )


def _labelled(found: Uncertain, i: int) -> str:
    return f"{figure_text(found.futures[i])} ({number(100 * found.risk.probability[i], decimals=1)} %)"


def regret(found: Uncertain, rows: pd.DataFrame) -> go.Figure:
    """Return what every plan forgoes in every scenario; a cross where it does not hold.

    Parameters
    ----------
    found : Uncertain
        The plan.
    rows : DataFrame
        As `optimizer.solve.uncertain.tables.regret_table`.
    """
    plans = list(found.costs_musd)[:MOST_PLANS]
    table = rows.pivot(index="plan", columns="scenario", values="regret_musd").reindex(plans)[list(found.futures)]
    said = rows.pivot(index="plan", columns="scenario", values="holds").reindex(plans)[list(found.futures)]
    values = table.to_numpy(float).clip(min=0.0)
    marks = {"no": "does not hold", "not found": "none found"}
    text = [
        [marks.get(s, f"{v:,.2f}") for v, s in zip(line, words, strict=True)]
        for line, words in zip(values, said.to_numpy(), strict=True)
    ]
    tiles = go.Heatmap(
        z=np.where(np.isfinite(values), values, np.nan).tolist(),
        x=[_labelled(found, i) for i in range(len(found.futures))],
        y=[wrapped(name, 30) for name in plans],
        text=text,
        texttemplate="%{text}",
        colorscale=_SCALE,
        reversescale=True,
        zmin=0.0,
        zmax=max(float(np.nanmax(values, initial=0.0)), 1e-9),
        xgap=2,
        ygap=2,
        colorbar={"title": {"text": "regret [M$]", "side": "right"}, "thickness": 14},
        hovertemplate="%{y} in %{x}: %{text} M$<extra></extra>",
        hoverongaps=False,
    )
    # A cell without a number is not drawn with its text.
    crosses = [
        {"x": x, "y": y, "text": marks[s], "showarrow": False, "font": {"size": 12, "color": style.VERMILION}}
        for y, words in zip(tiles.y, said.to_numpy(), strict=True)
        for x, s in zip(tiles.x, words, strict=True)
        if s in marks
    ]
    return style.figure(
        [tiles],
        120 + 34 * len(plans),
        annotations=crosses,
        xaxis=style.axis("", type="category", side="top", showgrid=False),
        yaxis=style.axis("", type="category", autorange="reversed", showgrid=False),
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
    )


def sites_map(sites: pd.DataFrame, study: Study) -> go.Figure | None:
    """Return the map of the sites, each with its largest and its least IT load; ``None`` where none has a place.

    Parameters
    ----------
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`.
    study : Study
        Its counties and network lie below.
    """

    def drawn(placed: pd.DataFrame, projection: Projection) -> list[Any]:
        most, least = placed["most_it_mw"], placed["least_it_mw"]
        largest = float(most.max())
        return [
            _circles(placed, most, largest, "most IT load in any scenario", style.SKY, projection),
            _circles(placed, least, largest, "least IT load in any scenario", style.BLUE, projection),
        ]

    return map_of_sites(sites, study, drawn)


def _circles(
    rows: pd.DataFrame, mw: pd.Series, largest_mw: float, name: str, colour: str, projection: Projection
) -> Any:
    x, y = projection.points(rows["lon"], rows["lat"])
    return trace(
        x,
        y,
        name,
        mode="markers",
        marker={"size": circle_px(mw, largest_mw), "color": colour, "line": {"width": 1.2, "color": style.INK}},
        customdata=hover_rows(rows["site"], rows["least_it_mw"], rows["most_it_mw"]),
        hovertemplate="%{customdata[0]}: %{customdata[1]:,.0f} to %{customdata[2]:,.0f} MW<extra></extra>",
    )
