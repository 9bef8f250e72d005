"""A layer of a map: a few traces that the reader switches on and off together in the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from optimizer.report.text import figure_text

# Views of a map, named after what they show; a layer says in which of them it is switched on.
PLAN, LOADING, LAND = "Plan", "Line loading", "Candidates and refused land"

# Headings of the legend, in its order.
CHOSEN, STRESS, SITES, REFUSED, NETWORK = "Plan", "Line loading", "Land", "Refused land [places]", "Network"


@dataclass(frozen=True)
class MapLayer:
    """Traces drawn together.

    Parameters
    ----------
    heading : str
        Heading of the legend under which the layer stands.
    traces : tuple of plotly traces
        In drawing order; the first names the layer in the legend.
    views : frozenset of str
        Views that show the layer at once; in the others it waits in the legend.
    """

    heading: str
    traces: tuple[go.Scatter, ...]
    views: frozenset[str]


def trace(x: np.ndarray, y: np.ndarray, name: str, **settings: Any) -> go.Scatter:
    """Return a trace named after its layer; traces of one name are switched together."""
    return go.Scatter(x=x, y=y, name=figure_text(name), legendgroup=figure_text(name), **settings)


def hover_rows(*columns: Any) -> list[list[Any]]:
    """Return hover data row by row: numbers short, texts shown as they are."""
    return [list(row) for row in zip(*([_cell(value) for value in column] for column in columns), strict=True)]


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return figure_text(value)
    if value is None or value != value:
        return None
    return round(float(value), 3) if isinstance(value, float | np.floating) else int(value)
