"""Map of the sites of several plans: what lies below them, and where they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from optimizer.report import map_network, map_places, maps, style
from optimizer.report.map_network import Lines
from optimizer.report.projection import Projection
from optimizer.study.study import Study


def map_of_sites(
    sites: pd.DataFrame, study: Study, drawn: Callable[[pd.DataFrame, Projection], list[Any]]
) -> go.Figure | None:
    """Return the map of sites over counties and network; ``None`` where no site has a place.

    Parameters
    ----------
    sites : DataFrame
        As `optimizer.solve.alternatives.sites_of`.
    study : Study
        Its counties and network lie below.
    drawn : callable
        Given the sites that have a place and the projection, it returns their traces.
    """
    placed = sites[sites["lat"].notna() & sites["lon"].notna()]
    if placed.empty:
        return None
    buses = None if study.grid is None else study.grid.buses.dropna(subset=["lat", "lon"])
    around = [placed] if buses is None else [placed, buses]
    projection = Projection.around([v for t in around for v in t["lon"]], [v for t in around for v in t["lat"]])
    traces = [*_ground(study, projection), *drawn(placed, projection)]
    return style.figure(traces, 680, showlegend=True, **maps.map_layout())


def _ground(study: Study, projection: Projection) -> list[Any]:
    """Counties and the network, where they have places."""
    traces: list[Any] = []
    if study.region is not None:
        traces += map_places.county_outlines(study.region.counties, projection).traces
    if study.grid is not None and study.grid.buses[["lat", "lon"]].notna().all(axis=1).any():
        for layer in map_network.transmission_lines(Lines.of(study.grid, projection)):
            traces += layer.traces
    return traces
