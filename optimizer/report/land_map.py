"""The map of candidates and refused land: every layer has a switch of its own, every site opens its card."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import plotly.graph_objects as go

from optimizer.report import map_network, map_places, style
from optimizer.report.map_layer import NETWORK, REFUSED, SITES, MapLayer, trace
from optimizer.report.map_network import Lines
from optimizer.report.page import Switch
from optimizer.report.projection import GEOGRAPHIC, Projection

if TYPE_CHECKING:
    from optimizer.study.sites import Candidates
    from optimizer.study.study import Study

SITE_TRACE, CHOSEN_TRACE = "sites", "card"
"""What the page's script finds the points of sites by, and the ring around the one whose card is open."""

_HEIGHT_PX = 700
_HEADINGS = {SITES: "Land", REFUSED: "Refused, places by first rule", NETWORK: "Network"}


def land_map(candidates: Candidates, study: Study | None) -> tuple[go.Figure, tuple[Switch, ...]] | None:
    """Return the map and the switches of its layers; ``None`` when nothing has a place.

    Parameters
    ----------
    candidates : Candidates
        Sites and refused places.
    study : Study, optional
        Adds counties and, switched off at first, the network.
    """
    projection = _projection(candidates, study)
    layers = [*_below(study, projection), *_refused(candidates, projection), *_offered(candidates, projection)]
    layers = [layer for layer in layers if len(layer.traces[0].x)]
    if not layers:
        return None
    traces: list[go.Scatter] = []
    switches: list[Switch] = []
    for layer in layers:
        on = layer.heading != NETWORK
        numbers = tuple(range(len(traces), len(traces) + len(layer.traces)))
        for drawn in layer.traces:
            drawn.visible = on
            traces.append(drawn)
        switches.append(_switch(layer, numbers, on))
    traces.append(_ring())
    order = list(_HEADINGS.values())
    switches.sort(key=lambda switch: order.index(switch.heading))
    return style.figure(traces, _HEIGHT_PX, **_layout()), tuple(switches)


def _projection(candidates: Candidates, study: Study | None) -> Projection:
    lon, lat = candidates.sites["lon"].tolist(), candidates.sites["lat"].tolist()
    frames = [candidates.refused] if len(candidates.refused) else []
    if study is not None and study.region is not None:
        frames.append(study.region.counties)
    for frame in frames:
        west, south, east, north = frame.to_crs(GEOGRAPHIC).total_bounds
        lon, lat = [*lon, west, east], [*lat, south, north]
    return Projection.around(lon, lat)


def _below(study: Study | None, projection: Projection) -> list[MapLayer]:
    """What lies under the land: counties and the network."""
    if study is None:
        return []
    layers = []
    if study.region is not None:
        layers.append(map_places.county_outlines(study.region.counties, projection))
    if study.grid is not None and study.grid.buses["lat"].notna().any():
        lines = Lines.of(study.grid, projection)
        layers += [*map_network.transmission_lines(lines), map_network.substations(study.grid, projection)]
    return layers


def _refused(candidates: Candidates, projection: Projection) -> list[MapLayer]:
    refused = candidates.refused
    return map_places.refused_land(refused.to_crs(GEOGRAPHIC), projection) if len(refused) else []


def _offered(candidates: Candidates, projection: Projection) -> list[MapLayer]:
    """Outlines of the candidates, and a mark in each that opens its card."""
    sites = candidates.sites
    marks = map_places.candidate_sites(sites, projection)
    # Plain numbers, which the page's script can read; arrays are packed.
    points = marks.traces[0]
    points.meta = SITE_TRACE
    points.x, points.y = (np.round(np.asarray(km, float), 2).tolist() for km in (points.x, points.y))
    areas = _areas(sites)
    if areas is None:
        return [marks]
    x, y = projection.paths(areas, tolerance_km=0.05)
    look = {"line": {"color": style.GREEN, "width": 1}, "fill": "toself", "fillcolor": "rgba(0,158,115,0.35)"}
    drawn = trace(x, y, "outlines of the candidates", mode="lines", hoverinfo="skip", **look)
    return [MapLayer(SITES, (drawn,), frozenset()), marks]


def _areas(sites: gpd.GeoDataFrame) -> gpd.GeoSeries | None:
    if not isinstance(sites, gpd.GeoDataFrame):
        return None
    shapes = sites.geometry[sites.geometry.notna()]
    shapes = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    return shapes if len(shapes) else None


def _switch(layer: MapLayer, numbers: tuple[int, ...], on: bool) -> Switch:
    first = layer.traces[0]
    if first.fill == "toself":
        look, colour = "area", str(first.fillcolor)
    elif first.mode == "lines":
        look, colour = "line", str(first.line.color)
    else:
        look, colour = "mark", str(first.marker.color or first.marker.line.color)
    hatch = str(first.fillpattern.shape or "") if look == "area" else ""
    return Switch(_HEADINGS[layer.heading], first.name, colour, look, hatch, numbers, on)


def _ring() -> go.Scatter:
    """The ring around the site whose card is open; the script moves it there."""
    marker = {"size": 17, "symbol": "circle-open", "color": style.BLACK, "line": {"width": 2.5, "color": style.BLACK}}
    empty = np.array([np.nan], np.float32)
    return go.Scatter(x=empty, y=empty, mode="markers", marker=marker, hoverinfo="skip", meta=CHOSEN_TRACE, name="")


def _layout() -> dict[str, object]:
    return {**style.map_axes(), "showlegend": False, "margin": {"l": 8, "r": 8, "t": 34, "b": 8}}
