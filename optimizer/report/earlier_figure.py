"""Figure of what shorter lead times are worth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.text import figure_text

HEIGHT_PX = 320


def gained_by_months(
    months: Sequence[float], gained_musd: Sequence[float], earlier_mw_months: Sequence[float], currency_year: int
) -> go.Figure:
    """Draw what plans of shorter lead times are better by, and how much earlier they serve.

    Parameters
    ----------
    months : sequence of float
        By which lead times are shorter, increasing [month]; this plan, at 0, is drawn too.
    gained_musd : sequence of float
        What each plan is better by [M$].
    earlier_mw_months : sequence of float
        Delay that it does not have [MW-month].
    currency_year : int
        Year of the dollars.
    """
    at = [0.0, *months]
    earlier = go.Bar(
        x=at,
        y=[0.0, *earlier_mw_months],
        width=0.6 * min(later - before for before, later in pairwise(at)),
        name="earlier power",
        marker={"color": style.SKY, "line": {"color": style.PAPER, "width": 1}},
        hovertemplate="%{x:g} months: %{y:,.0f} MW-months<extra></extra>",
    )
    gained = go.Scatter(
        x=at,
        y=[0.0, *gained_musd],
        name="worth more (right)",
        mode="lines+markers",
        line={"color": style.VERMILION, "width": 2},
        marker={"size": 9, "symbol": "diamond"},
        yaxis="y2",
        hovertemplate="%{x:g} months: %{y:,.1f} M$<extra></extra>",
    )
    right = style.axis(figure_text(f"worth more [M$ of {currency_year}]"), tickformat=",.3~r", rangemode="tozero")
    return style.figure(
        [earlier, gained],
        HEIGHT_PX,
        xaxis=style.axis("lead times shorter by [months]", tickvals=at, showgrid=False),
        yaxis=style.axis("served earlier [MW-months]", tickformat=",.0f", rangemode="tozero"),
        yaxis2=right | {"overlaying": "y", "side": "right", "showgrid": False},
    )
