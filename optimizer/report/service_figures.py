"""Figures of service: firm and non-firm demand by year, and what firmness costs."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.text import figure_text

HEIGHT_PX = 380


def contract_demand(years: pd.DataFrame, periods: list[int]) -> go.Figure:
    """Stack firm and non-firm contract demand of all campuses by year.

    Parameters
    ----------
    years : DataFrame
        ``period``, ``firm_mw``, ``non_firm_mw``.
    periods : list of int
        Years of decision.
    """
    summed = years.groupby("period")[["firm_mw", "non_firm_mw"]].sum().reindex(periods).fillna(0.0)
    looks = (("firm_mw", "firm", style.BLUE, ""), ("non_firm_mw", "non-firm", style.ORANGE, "/"))
    bars = [
        go.Bar(
            x=[str(t) for t in summed.index],
            y=summed[column].astype(float).tolist(),
            name=name,
            marker={"color": colour, "pattern": {"shape": shape}, "line": {"color": style.PAPER, "width": 1}},
            hovertemplate=f"{name} in %{{x}}: %{{y:,.1f}} MW<extra></extra>",
        )
        for column, name, colour, shape in looks
    ]
    return style.figure(
        bars,
        HEIGHT_PX,
        barmode="stack",
        bargap=0.45,
        xaxis=style.axis("year of decision", type="category"),
        yaxis=style.axis("contract demand [MW]", tickformat=",.0f", rangemode="tozero"),
    )


def cost_of_firmness(curve: pd.DataFrame, currency_year: int) -> go.Figure:
    """Draw what plans cost above the cheapest of the curve, and their delay, over what may be curtailed.

    Parameters
    ----------
    curve : DataFrame
        Table ``firmness``.
    currency_year : int
        Year of the dollars.
    """
    percent = (100.0 * curve["share"]).astype(float).tolist()
    above = curve["cost_musd"] - curve["cost_musd"].min()
    cost = go.Scatter(
        x=percent,
        y=above.astype(float).tolist(),
        name="cost above the cheapest",
        mode="lines+markers",
        line={"color": style.BLUE, "width": 2},
        marker={"size": 9, "symbol": "circle"},
        hovertemplate="%{x:g} %: %{y:,.1f} M$ more<extra></extra>",
    )
    delay = go.Scatter(
        x=percent,
        y=curve["delay_mw_years"].astype(float).tolist(),
        name="delay (right)",
        mode="lines+markers",
        line={"color": style.VERMILION, "width": 2, "dash": "dash"},
        marker={"size": 9, "symbol": "diamond"},
        yaxis="y2",
        hovertemplate="%{x:g} %: %{y:,.1f} MW-years not served<extra></extra>",
    )
    right = style.axis("target less served [MW-years]", tickformat=",.2~f", rangemode="tozero")
    return style.figure(
        [cost, delay],
        HEIGHT_PX,
        xaxis=style.axis("yearly energy that may be curtailed [%]", rangemode="tozero"),
        yaxis=style.axis(figure_text(f"cost [M$ of {currency_year}]"), tickformat=",.2~f", rangemode="tozero"),
        yaxis2=right | {"overlaying": "y", "side": "right", "showgrid": False},
    )
