"""The map of who serves whom: lines from regions to the sites that serve them, as wide as what they carry."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from optimizer.report import style
from optimizer.report.projection import Projection
from optimizer.report.text import figure_text

HEIGHT_PX = 560
MOST_WIDTH_PX = 8.0
LEAST_WIDTH_PX = 1.0
MOST_LINES = 400
"""Lines drawn, the largest first: more cannot be told apart."""

KINDS = {"campus": "square", "edge": "diamond", "lease": "circle", "cloud": "cross", "orbital": "star"}
"""Mark of each kind of site."""


def service_map(served: pd.DataFrame, sites: pd.DataFrame, regions: pd.DataFrame) -> go.Figure | None:
    """Draw who serves whom; ``None`` where no region or no site has a place.

    Parameters
    ----------
    served : DataFrame
        ``region``, ``workload``, ``site``, ``served_mw`` of one period.
    sites : DataFrame, index ``site``
        ``lat``, ``lon``, ``kind``.
    regions : DataFrame, index ``region``
        ``lat``, ``lon``.
    """
    asking = regions[["lat", "lon"]].add_suffix("_region")
    rows = served.join(sites[["lat", "lon"]], on="site").join(asking, on="region")
    rows = rows.dropna(subset=["lat", "lon", "lat_region", "lon_region"])
    rows = rows.sort_values(["served_mw", "region", "workload", "site"], ascending=[False, True, True, True])
    rows = rows.head(MOST_LINES)
    if rows.empty:
        return None
    places = Projection.around([*rows["lon"], *rows["lon_region"]], [*rows["lat"], *rows["lat_region"]])
    x, y = places.points(rows["lon"], rows["lat"])
    x_region, y_region = places.points(rows["lon_region"], rows["lat_region"])
    colour = {w: style.SERIES[i % len(style.SERIES)] for i, w in enumerate(sorted(set(rows["workload"])))}
    most, named, traces = float(rows["served_mw"].max()), set(), []
    for i, (region, workload, site, mw) in enumerate(
        rows[["region", "workload", "site", "served_mw"]].itertuples(index=False, name=None)
    ):
        width = max(LEAST_WIDTH_PX, MOST_WIDTH_PX * mw / most)
        traces.append(
            go.Scatter(
                x=[x_region[i], x[i]],
                y=[y_region[i], y[i]],
                mode="lines",
                line={"color": colour[workload], "width": width},
                name=figure_text(workload),
                legendgroup=figure_text(workload),
                showlegend=workload not in named,
                text=figure_text(f"{region}: {mw:,.1f} MW of {workload} from {site}"),
                hoverinfo="text",
            )
        )
        named.add(workload)
    traces.append(_marks(places, regions.loc[sorted(set(rows["region"]))], "regions", "circle-open", style.INK))
    for kind, shown in sites.loc[sorted(set(rows["site"]))].groupby("kind"):
        traces.append(_marks(places, shown, f"{kind} sites", KINDS.get(str(kind), "square"), style.BLACK))
    # Equal axes without numbers: shapes on the map are what they are on the ground.
    bare = {"visible": False}
    return style.figure(traces, HEIGHT_PX, xaxis=bare, yaxis=bare | {"scaleanchor": "x"})


def _marks(places: Projection, shown: pd.DataFrame, name: str, symbol: str, colour: str) -> go.Scatter:
    x, y = places.points(shown["lon"], shown["lat"])
    texts = [figure_text(str(one)) for one in shown.index]
    return go.Scatter(
        x=x.tolist(),
        y=y.tolist(),
        mode="markers+text",
        marker={"symbol": symbol, "size": 11, "color": colour},
        text=texts,
        textposition="top center",
        textfont={"size": 10},
        name=name,
        hoverinfo="text",
    )
