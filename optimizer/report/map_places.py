"""Places on the map: counties, refused land, candidates, chosen sites and their tie lines."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.report import land_shapes, style
from optimizer.report.map_labels import label_sides, size_of
from optimizer.report.map_layer import CHOSEN, LAND, LOADING, PLAN, REFUSED, SITES, MapLayer, hover_rows, trace
from optimizer.report.projection import GEOGRAPHIC, Projection
from optimizer.report.text import count, figure_text, rule_words, words
from optimizer.report.view import View

_REFUSED = ("#b9a27f", style.SKY, style.PURPLE, style.ORANGE, "#8d8d8d", style.YELLOW, style.VERMILION, style.GREEN)
_HATCHES = ("/", "x", ".")
_LARGEST_CIRCLE_PX = 38.0
# White on all sides of a letter, so that labels stay legible over lines.
_HALO = ", ".join(f"{x}px {y}px 1.5px white" for x in (-1, 0, 1) for y in (-1, 0, 1))
_CANDIDATE_LINES = {
    "county": "%{{customdata[{i}]}} county",
    "area_ha": "%{{customdata[{i}]:,.0f}} ha",
    "tie_km": "%{{customdata[{i}]:,.1f}} km to the nearest point of interconnection",
    "basin": "water region %{{customdata[{i}]}}",
}


def county_outlines(counties: gpd.GeoDataFrame, projection: Projection) -> MapLayer:
    """Return counties, lightly tinted so that the region stands out."""
    x, y = projection.paths(counties.geometry, tolerance_km=0.4)
    look = {"line": {"color": "#d5dce1", "width": 0.8}, "fill": "toself", "fillcolor": "#f7f9fa"}
    drawn = trace(x, y, "counties", mode="lines", hoverinfo="skip", **look)
    return MapLayer(SITES, (drawn,), frozenset({PLAN, LOADING, LAND}))


def refused_land(refused: gpd.GeoDataFrame, projection: Projection) -> list[MapLayer]:
    """Return refused land, one layer a rule, most places first; cells of one rule are merged."""
    counts = refused["rule"].value_counts()
    rules = sorted(counts.index, key=lambda rule: (-counts[rule], rule))
    looks = {rule: _refused_look(number) for number, rule in enumerate(rules)}
    if len(refused) <= land_shapes.MANY:
        return [_refused_by(r, refused.geometry[refused["rule"] == r], looks[r], projection) for r in rules]
    drawn = land_shapes.outlines(refused.geometry, refused["rule"].to_numpy(dtype=str), projection)
    return [
        _shaded(*drawn[rule], f"{rule_words(rule)} ({counts[rule]:,})", looks[rule]) for rule in rules if rule in drawn
    ]


def candidate_sites(sites: pd.DataFrame, projection: Projection, chosen: Any = ()) -> MapLayer:
    """Return the candidate sites that were not chosen."""
    rows = _placed(sites[~sites.index.isin(chosen)])
    x, y = projection.points(rows["lon"], rows["lat"])
    shown = [column for column in _CANDIDATE_LINES if column in rows]
    lines = [_CANDIDATE_LINES[column].format(i=i) for i, column in enumerate(shown, 1)]
    marks = trace(
        x,
        y,
        count(len(rows), "candidate") + (" not chosen" if len(chosen) else ""),
        mode="markers",
        marker={"size": 5, "color": style.GREEN, "opacity": 0.75, "symbol": "square"},
        customdata=hover_rows(rows.index, *(rows[column] for column in shown)),
        hovertemplate="<br>".join(["candidate %{customdata[0]}", *lines]) + "<extra></extra>",
    )
    return MapLayer(SITES, (marks,), frozenset({LAND}))


def tie_lines(routes: gpd.GeoSeries, projection: Projection) -> MapLayer:
    """Return the tie lines of the chosen sites."""
    x, y = projection.paths(routes)
    drawn = trace(
        x, y, count(len(routes), "tie line"), mode="lines", line={"color": style.BLUE, "width": 2.4}, hoverinfo="skip"
    )
    return MapLayer(CHOSEN, (drawn,), frozenset({PLAN, LOADING, LAND}))


def chosen_sites(view: View, projection: Projection, name: str) -> MapLayer | None:
    """Return the chosen sites, labelled: circles whose area is the IT capacity in the last period."""
    sites = _placed(view.sites)
    if sites.empty:
        return None
    x, y = projection.points(sites["lon"], sites["lat"])
    diameter = circle_px(sites["it_mw"], sites["it_mw"].max())
    labels = [
        (f"{mw:,.0f} MW", str(county or site))
        for site, county, mw in zip(sites.index, sites["county"].fillna(""), sites["it_mw"], strict=True)
    ]
    sides = label_sides(x, y, diameter, [size_of(lines) for lines in labels], projection.km_per_px)
    marks = trace(
        x,
        y,
        name,
        mode="markers+text",
        marker={"size": diameter, "color": style.BLUE, "opacity": 0.9, "line": {"color": "#ffffff", "width": 1.5}},
        text=[f"<b>{size}</b><br>{figure_text(place)}" for size, place in labels],
        textposition=sides,
        textfont={"size": 12, "color": style.INK, "shadow": _HALO},
        customdata=_site_hover(sites, view.periods, *_made_of(view, sites)),
        hovertemplate=_site_text(
            view.periods,
            "point of interconnection: %{customdata[2]}"
            + ("" if view.halls.empty else f"<br>%{{customdata[{3 + len(view.periods)}]}}"),
        ),
    )
    return MapLayer(CHOSEN, (marks,), frozenset({PLAN, LOADING, LAND}))


def other_sites(view: View, projection: Projection, name: str, largest_mw: float) -> MapLayer | None:
    """Return the sites of a plan compared with: open circles on the same scale, without labels."""
    sites = _placed(view.sites)
    if sites.empty:
        return None
    x, y = projection.points(sites["lon"], sites["lat"])
    marks = trace(
        x,
        y,
        name,
        mode="markers",
        marker={
            "size": circle_px(sites["it_mw"], largest_mw),
            "symbol": "circle-open",
            "color": style.BLACK,
            "line": {"color": style.BLACK, "width": 2.5},
        },
        customdata=_site_hover(sites, view.periods),
        hovertemplate=_site_text(view.periods, figure_text(name)),
    )
    return MapLayer(CHOSEN, (marks,), frozenset({PLAN}))


def circle_px(it_mw: pd.Series, largest_mw: float) -> list[float]:
    """Return diameters, so that area is proportional to IT capacity [px]."""
    sizes = _LARGEST_CIRCLE_PX * np.sqrt(it_mw.to_numpy(float) / max(largest_mw, 1e-9))
    return [round(float(size), 1) for size in np.maximum(sizes, 8.0)]


def _refused_look(number: int) -> dict[str, Any]:
    """Colour of the n-th rule, and a hatching once the colours are used up."""
    again, colour = divmod(number, len(_REFUSED))
    look: dict[str, Any] = {"fillcolor": _REFUSED[colour]}
    if again:
        shape = _HATCHES[(again - 1) % len(_HATCHES)]
        look["fillpattern"] = {"shape": shape, "fgcolor": style.INK, "bgcolor": _REFUSED[colour], "size": 6}
    return look


def _shaded(x: np.ndarray, y: np.ndarray, name: str, look: dict[str, Any]) -> MapLayer:
    filled = {"mode": "lines", "line": {"width": 0}, "fill": "toself", "opacity": 0.55, **look}
    return MapLayer(REFUSED, (trace(x, y, name, hoveron="fills", hoverinfo="name", **filled),), frozenset({LAND}))


def _refused_by(rule: str, shapes: gpd.GeoSeries, look: dict[str, Any], projection: Projection) -> MapLayer:
    name = f"{rule_words(rule)} ({len(shapes):,})"
    shapes = shapes[shapes.notna() & ~shapes.is_empty]
    polygons = shapes[shapes.geom_type.isin(["Polygon", "MultiPolygon"])]
    if len(polygons):
        return _shaded(*projection.merged(polygons, tolerance_km=0.3), name, look)
    points = shapes.to_crs(GEOGRAPHIC)
    x, y = projection.points(points.x, points.y)
    marker = {"size": 6, "symbol": "x-thin", "line": {"width": 1.5, "color": look["fillcolor"]}}
    return MapLayer(REFUSED, (trace(x, y, name, mode="markers", marker=marker, hoverinfo="name"),), frozenset({LAND}))


def _site_hover(sites: pd.DataFrame, periods: list[int], *more: list[str]) -> list[list[Any]]:
    by_period = (sites[f"it_mw_{period}"] for period in periods)
    bus = sites["bus"].fillna("").astype(str)
    connected = ("bus " + bus).where(bus != "", "none")
    return hover_rows(sites.index, sites["county"].fillna(""), connected, *by_period, *more)


def _made_of(view: View, sites: pd.DataFrame) -> list[list[str]]:
    """What each site is made of, in a column of words; none where no table says so."""
    if view.halls.empty:
        return []
    rows = view.halls.loc[sites.index]
    parts = zip(rows["archetype"].map(words), rows["rack_density_kw"], strict=True)
    return [[", ".join(filter(None, (name, f"racks of {kw:,.0f} kW" if kw == kw else ""))) for name, kw in parts]]


def _site_text(periods: list[int], last_line: str) -> str:
    lines = [f"{period}: %{{customdata[{i}]:,.0f}} MW" for i, period in enumerate(periods, 3)]
    return "<br>".join(["<b>%{customdata[0]}</b> %{customdata[1]}", *lines, last_line]) + "<extra></extra>"


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    if not {"lat", "lon"} <= set(table.columns):
        return table.iloc[:0].assign(lat=0.0, lon=0.0)
    return table[table["lat"].notna() & table["lon"].notna()]
