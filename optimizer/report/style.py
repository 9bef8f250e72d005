"""Colours and the common layout of every figure.

The colours are the palette of Okabe and Ito, which readers with any of the common forms of colour blindness can tell
apart (M. Okabe and K. Ito, "Color Universal Design", 2008). Colour never carries a fact alone: width, marker, label or
hover text says it too.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

INK = "#1b2733"
MUTED = "#5b6770"
RULE = "#d5dbe0"
PAPER = "#ffffff"

#: Order in which the members of a stack take their colours; yellow comes last, since it is weak on white.
SERIES = (BLUE, ORANGE, GREEN, SKY, VERMILION, PURPLE, "#7f7f7f", YELLOW)
#: Hatching of the second, third and fourth round through `SERIES`.
PATTERNS = ("", "/", ".", "x")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return the settings of an axis with its title, which names the unit."""
    settings: dict[str, Any] = {
        "title": {"text": title, "standoff": 8},
        "gridcolor": "#e8ecef",
        "linecolor": RULE,
        "zerolinecolor": RULE,
        "automargin": True,
    }
    return settings | more


def map_axes() -> dict[str, Any]:
    """Return what the layouts of all maps share: equal axes in km without a grid, and a mouse that zooms."""
    shown = {"showgrid": False, "zeroline": False, "ticks": "outside", "tickcolor": RULE, "tickformat": ",.0f"}
    return {
        "xaxis": axis("km east", constrain="domain", **shown),
        "yaxis": axis("km north", scaleanchor="x", scaleratio=1, constrain="domain", **shown),
        "hovermode": "closest",
        "dragmode": "zoom",
    }


def figure(traces: list[Any], height: int, **layout: Any) -> go.Figure:
    """Return a figure in the common style.

    Parameters
    ----------
    traces : list of plotly traces
        What is drawn, in drawing order.
    height : int
        Height of the figure [px]; the width follows the page.
    **layout
        Further settings of the layout.
    """
    common: dict[str, Any] = {
        # An empty template: the default one would add 7 kB to every figure.
        "template": go.layout.Template(),
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8, "pad": 2},
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": MUTED, "font": {"family": FONT, "size": 13, "color": INK}},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
    }
    return go.Figure(data=traces, layout=common | layout)
