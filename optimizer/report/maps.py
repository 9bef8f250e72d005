"""The maps: layers put together, with the views a reader starts from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import plotly.graph_objects as go

from optimizer.report import map_network, map_places, style
from optimizer.report.map_layer import CHOSEN, LAND, LOADING, NETWORK, PLAN, REFUSED, SITES, STRESS, MapLayer
from optimizer.report.map_network import Lines
from optimizer.report.projection import GEOGRAPHIC, Projection
from optimizer.report.text import count
from optimizer.report.view import View

if TYPE_CHECKING:
    from optimizer.study.study import Study

_HEADINGS = (CHOSEN, STRESS, SITES, REFUSED, NETWORK)
_HEIGHT_PX = 800


def plan_map(view: View) -> go.Figure | None:
    """Return the map of a plan; ``None`` when nothing in it has a place.

    Layers, from the ground up: counties, refused land by rule, lines by voltage, buses, HVDC links, loading,
    candidates, upgrades, new circuits, tie lines, chosen sites.
    """
    study = view.plan.study
    projection = _projection(study, view)
    ground, lines = _ground(study, projection) if study else ([], None)
    layers: list[MapLayer | None] = [*ground]
    if study is not None and study.grid is not None:
        transfers = view.table("hvdc")
        layers.append(map_network.hvdc_links(study.grid, projection, transfers, view.last_period))
    if lines is not None:
        layers += map_network.line_loading(view, _with_built(view, study, lines, projection))
    layers.append(map_places.candidate_sites(view.table("candidates").pipe(_by_site), projection, view.sites.index))
    if lines is not None and not view.table("upgrades").empty:
        layers.append(map_network.upgrades(view.table("upgrades"), lines))
    if study is not None and study.grid is not None and not view.table("circuits").empty:
        layers += map_network.circuits(view.table("circuits"), study.grid, projection)
    layers.append(_ties(view, projection))
    layers.append(map_places.chosen_sites(view, projection, f"{count(len(view.sites), 'chosen site')}, by IT MW"))
    return _map(layers, (PLAN, LOADING) if view.plan.config.demand is None else (PLAN, LOADING, LAND))


def comparison_map(view: View, other: View, name: str, broken: pd.DataFrame) -> go.Figure | None:
    """Return the map of two plans: sites of both on one scale, and the limits the other plan breaks.

    Parameters
    ----------
    view, other : View
        This plan, and the one it is compared with.
    name : str
        What the other plan is called.
    broken : DataFrame
        Limits of this plan's study that the other plan breaks, as the ``comparison_limits`` table has them.
    """
    projection = _projection(view.plan.study, view)
    ground, lines = _ground(view.plan.study, projection, land=False) if view.plan.study else ([], None)
    layers: list[MapLayer | None] = [*ground]
    if lines is not None and not broken.empty:
        layers.append(map_network.broken_limits(broken, lines, f"limits broken by the plan {name}"))
    layers.append(map_places.chosen_sites(view, projection, "this plan"))
    largest_mw = float(view.sites["it_mw"].max()) if len(view.sites) else 0.0
    layers.append(map_places.other_sites(other, projection, f"plan {name}", largest_mw))
    return _map(layers, (PLAN,))


def _projection(study: Study | None, view: View) -> Projection:
    tables = [view.table("candidates"), view.table("sites")]
    if study is not None and study.grid is not None:
        tables.append(study.grid.buses)
    placed = [table for table in tables if {"lat", "lon"} <= set(table.columns)]
    lon = [value for table in placed for value in table["lon"]]
    lat = [value for table in placed for value in table["lat"]]
    if study is not None and study.region is not None:
        west, south, east, north = study.region.counties.to_crs(GEOGRAPHIC).total_bounds
        lon, lat = [*lon, west, east], [*lat, south, north]
    return Projection.around(lon, lat)


def _ground(study: Study, projection: Projection, land: bool = True) -> tuple[list[MapLayer], Lines | None]:
    """Return what lies under every plan: counties, refused land and the network."""
    layers: list[MapLayer] = []
    if study.region is not None:
        layers.append(map_places.county_outlines(study.region.counties, projection))
    if land and len(study.candidates.refused):
        layers += map_places.refused_land(study.candidates.refused, projection)
    if study.grid is None or not study.grid.buses["lat"].notna().any():
        return layers, None
    lines = Lines.of(study.grid, projection)
    layers += [*map_network.transmission_lines(lines), map_network.substations(study.grid, projection)]
    return layers, lines


def _with_built(view: View, study: Study | None, lines: Lines, projection: Projection) -> Lines:
    """Return the lines with the circuits that the plan builds, which are loaded too."""
    if study is None or study.grid is None or view.built_circuits.empty:
        return lines
    return Lines.of(study.grid, projection, view.built_circuits)


def _ties(view: View, projection: Projection) -> MapLayer | None:
    study, built = view.plan.study, view.table("ties")
    if study is None or built.empty:
        return None
    options: gpd.GeoDataFrame = study.candidates.ties
    routes = options.geometry[options.index.isin(built["tie"])]
    return map_places.tie_lines(routes, projection) if len(routes) else None


def _by_site(candidates: pd.DataFrame) -> pd.DataFrame:
    return candidates.set_index("site") if "site" in candidates else candidates


def _map(layers: Iterable[MapLayer | None], views: tuple[str, ...]) -> go.Figure | None:
    """Put layers together: the first view is shown, buttons switch to the others."""
    drawn = [layer for layer in layers if layer is not None and len(layer.traces[0].x)]
    if not drawn:
        return None
    traces, headed = [], set()
    for layer in drawn:
        first = layer.traces[0]
        if layer.heading not in headed:
            first.legendgrouptitle = {"text": f"<b>{layer.heading}</b>"}
            headed.add(layer.heading)
        for trace in layer.traces:
            trace.legendrank = 100 * _HEADINGS.index(layer.heading) + 1
            trace.visible = _visible(layer, views[0])
            traces.append(trace)
    layout = map_layout()
    if len(views) > 1:
        layout["updatemenus"] = [_buttons(drawn, views)]
    return style.figure(traces, _HEIGHT_PX, **layout)


def _visible(layer: MapLayer, view: str) -> bool | str:
    return True if view in layer.views else "legendonly"


def _buttons(layers: list[MapLayer], views: tuple[str, ...]) -> dict[str, Any]:
    def button(view: str) -> dict[str, Any]:
        visible = [_visible(layer, view) for layer in layers for _ in layer.traces]
        return {"label": view, "method": "restyle", "args": [{"visible": visible}]}

    place = {"x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom", "direction": "right", "showactive": True}
    look = {"bgcolor": "#f3f6f8", "bordercolor": style.RULE, "font": {"size": 13}, "pad": {"b": 4}}
    return {"type": "buttons", "buttons": [button(view) for view in views]} | place | look


def map_layout() -> dict[str, Any]:
    """Return the layout of a map: equal axes in km, legend beside it."""
    return {
        **style.map_axes(),
        "legend": {
            "orientation": "v",
            "x": 1.01,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "font": {"size": 12},
            "groupclick": "togglegroup",
            "tracegroupgap": 2,
            "itemsizing": "constant",
        },
        "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
    }
