"""The charts: capacity, cost, water and loading."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.text import figure_text, number, words, wrapped
from optimizer.report.view import View

# Sites with a colour of their own; smaller ones are stacked as one.
_MOST_SITES = 16
_BAR_PX = 34


def capacity(view: View) -> go.Figure | None:
    """Return IT capacity by year, stacked by site, with the target as a line."""
    if view.sites.empty:
        return None
    years = [str(period) for period in view.periods]
    shown = view.sites if len(view.sites) <= _MOST_SITES else view.sites.head(_MOST_SITES - 1)
    rest = view.sites.drop(shown.index)
    stacks = [(f"{site} {row['county'] or ''}".strip(), row) for site, row in shown.iterrows()]
    if len(rest):
        stacks.append((f"{len(rest)} smaller sites", rest[[f"it_mw_{t}" for t in view.periods]].sum()))
    bars = [
        go.Bar(
            x=years,
            y=[float(row[f"it_mw_{t}"]) for t in view.periods],
            name=wrapped(name),
            marker={
                "color": style.SERIES[i % len(style.SERIES)],
                "pattern": {"shape": style.PATTERNS[i // len(style.SERIES) % len(style.PATTERNS)]},
                "line": {"color": style.PAPER, "width": 1},
            },
            hovertemplate="%{fullData.name}<br>%{x}: %{y:,.0f} MW<extra></extra>",
        )
        for i, (name, row) in enumerate(stacks)
    ]
    demand = view.table("demand")
    if not demand.empty:
        target = go.Scatter(
            x=[str(period) for period in demand["period"]],
            y=demand["target_mw"].astype(float).tolist(),
            name="target",
            mode="lines+markers",
            line={"color": style.BLACK, "width": 2, "dash": "dash"},
            marker={"size": 8, "symbol": "diamond"},
            hovertemplate="target %{x}: %{y:,.0f} MW<extra></extra>",
        )
        bars.append(target)
    return style.figure(
        bars,
        420,
        barmode="stack",
        bargap=0.45,
        xaxis=style.axis("year of decision", type="category"),
        yaxis=style.axis("IT capacity in service [MW]", tickformat=",.0f", rangemode="tozero"),
        legend={"orientation": "v", "x": 1.02, "y": 1, "traceorder": "reversed", "font": {"size": 12}},
    )


def cost_by_account(costs: pd.Series, currency_year: int, is_above: bool) -> go.Figure:
    """Return cost by account, largest first.

    Parameters
    ----------
    costs : Series, index account
        Present value [M$].
    currency_year : int
        Year of the dollars.
    is_above : bool
        Whether that is the cost above a baseline.
    """
    ordered = costs.sort_values(ascending=True, kind="stable")
    what = "present value above the baseline" if is_above else "present value"
    bars = go.Bar(
        x=ordered.astype(float).tolist(),
        y=[figure_text(words(account)) for account in ordered.index],
        orientation="h",
        marker={"color": style.BLUE},
        text=[f"{number(value, '_musd')} M$" for value in ordered],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,.1f} M$<extra></extra>",
    )
    return style.figure(
        [bars],
        90 + _BAR_PX * len(ordered),
        bargap=0.35,
        xaxis=style.axis(f"{what} [M$ of {currency_year}]", tickformat=",.0f"),
        yaxis=style.axis(""),
        margin={"l": 8, "r": 110, "t": 8, "b": 8},
    )


def water_use(water: pd.DataFrame) -> go.Figure:
    """Return the share of each water region's limit that is withdrawn.

    Parameters
    ----------
    water : DataFrame
        Columns ``basin``, ``withdrawal_m3_day``, ``limit_m3_day`` of one period.
    """
    limit = water["limit_m3_day"].where(water["limit_m3_day"] > 0)
    rows = water.assign(share=100 * water["withdrawal_m3_day"] / limit)
    rows = rows.sort_values(["share", "basin"], kind="stable", na_position="first")
    amounts = [
        f"{number(taken, '_m3_day')} of {number(limit, '_m3_day')} m³/day"
        for taken, limit in zip(rows["withdrawal_m3_day"], rows["limit_m3_day"], strict=True)
    ]
    bars = go.Bar(
        x=rows["share"].fillna(0.0).tolist(),
        y=[wrapped(basin) for basin in rows["basin"]],
        orientation="h",
        marker={"color": style.SKY, "line": {"color": style.BLUE, "width": 1}},
        text=amounts,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} % of the limit<extra></extra>",
    )
    most = max(100.0, float(rows["share"].max() or 0.0))
    at_limit = {"type": "line", "x0": 100, "x1": 100, "yref": "paper", "y0": 0, "y1": 1}
    return style.figure(
        [bars],
        90 + _BAR_PX * len(rows),
        bargap=0.35,
        shapes=[at_limit | {"line": {"color": style.VERMILION, "width": 2, "dash": "dash"}}],
        xaxis=style.axis("withdrawal [% of the limit of the region; dashed: the limit]", range=[0, most * 1.35]),
        yaxis=style.axis("", type="category"),
    )


def loading_histogram(loading: pd.Series) -> go.Figure:
    """Return how many branches reach which highest loading without an outage.

    Parameters
    ----------
    loading : Series
        Highest loading of each branch [-].
    """
    edges = np.arange(0, 105, 5)
    percent = np.clip(loading.to_numpy(float) * 100, 0, 100 - 1e-9)
    counts, _ = np.histogram(percent, edges)
    colours = [_loading_colour(edge) for edge in edges[:-1]]
    bars = go.Bar(
        x=(edges[:-1] + 2.5).tolist(),
        y=counts.tolist(),
        width=4.6,
        marker={"color": colours, "line": {"color": style.MUTED, "width": 0.5}},
        customdata=[f"{e}–{e + 5} %" if e < 95 else "95 % and more" for e in edges[:-1]],
        hovertemplate="%{customdata}: %{y:,} branches<extra></extra>",
    )
    return style.figure(
        [bars],
        300,
        xaxis=style.axis("highest loading of any snapshot, no outage [% of normal rating]", range=[0, 100], dtick=10),
        yaxis=style.axis("branches [count]", tickformat=",.0f"),
    )


def _loading_colour(percent: float) -> str:
    """Colour of a loading, as on the map."""
    classes = ((95, style.VERMILION), (85, style.ORANGE), (70, style.YELLOW))
    return next((colour for low, colour in classes if percent >= low), style.SKY)


def outage_loading_histogram(loading: pd.Series) -> go.Figure:
    """Return how many of the listed loadings after an outage lie near their limit.

    Parameters
    ----------
    loading : Series
        Loadings after an outage [-].
    """
    low = int(np.floor(loading.min() * 100)) if len(loading) else 95
    low = min(max(low, 0), 98)
    edges = np.linspace(low, 100, 21)
    counts, _ = np.histogram(np.clip(loading.to_numpy(float) * 100, low, 100), edges)
    middles = (edges[:-1] + edges[1:]) / 2
    bars = go.Bar(
        x=middles.round(3).tolist(),
        y=counts.tolist(),
        width=float(edges[1] - edges[0]) * 0.92,
        marker={"color": style.ORANGE, "line": {"color": style.MUTED, "width": 0.5}},
        customdata=[f"{a:.2f}–{b:.2f} %" for a, b in itertools.pairwise(edges)],
        hovertemplate="%{customdata}: %{y:,} pairs of branch and outage<extra></extra>",
    )
    return style.figure(
        [bars],
        300,
        xaxis=style.axis("loading after one outage [% of the limit]", range=[low, 100]),
        yaxis=style.axis("loadings [count]", tickformat=",.0f"),
    )
