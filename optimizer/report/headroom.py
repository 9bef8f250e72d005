"""Headroom as people look at it: one page with the answer, the map and short tables, and layers for a map of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from pyogrio import write_dataframe
from shapely.geometry import LineString

from optimizer.plan.place import CRS, fix_times
from optimizer.report import map_network, maps, style
from optimizer.report.html import render_page, write_page
from optimizer.report.map_layer import hover_rows, trace
from optimizer.report.map_network import Lines
from optimizer.report.page import Bullets, Column, Details, Figure, KeyFigures, Section, Table, Text, blocks, table
from optimizer.report.projection import Projection
from optimizer.report.text import count, number, quantity, words

if TYPE_CHECKING:
    from optimizer.grid.network import Grid
    from optimizer.solve.headroom.buses import Headroom

_HEIGHT_PX = 760

# (from MW, below MW, colour, marker size [px]): five steps of the cividis scale (J. Nunez, C. Anderton, R. Renslow,
# PLoS ONE 13(7), 2018), which is read alike with the common forms of colour blindness; size grows with the value too.
_CLASSES = (
    (0.0, 1.0, "#ffffff", 5.0),
    (1.0, 50.0, "#fee838", 5.5),
    (50.0, 100.0, "#c8b866", 6.0),
    (100.0, 200.0, "#959078", 7.0),
    (200.0, 400.0, "#666970", 8.5),
    (400.0, 800.0, "#35456c", 10.0),
    (800.0, np.inf, "#00224e", 12.0),
)

_TITLES = {"redispatch": "Redispatch", "distributed": "Distributed slack"}
_MEANING = {
    "redispatch": "redispatch: some available dispatch of the existing generators keeps every limit",
    "distributed": "distributed slack: generators share the new load in proportion to p_max x availability",
}
_TOP = 20


def headroom_layers(grid: Grid, answer: pd.DataFrame, path: Path) -> None:
    """Write a GeoPackage: buses with their headroom, and the branches that limit them.

    Parameters
    ----------
    grid : Grid
        Where buses are.
    answer : DataFrame
        As `optimizer.solve.headroom.buses.Headroom.table`.
    path : Path
        File to write, which must not exist.
    """
    points = gpd.GeoDataFrame(answer, geometry=gpd.points_from_xy(answer["lon"], answer["lat"]), crs=CRS)
    points.loc[answer["lat"].isna() | answer["lon"].isna(), "geometry"] = None
    write_dataframe(points, path, layer="headroom", driver="GPKG", geometry_type="Point")
    limits = _limits(answer)
    buses = grid.buses
    ends = [grid.branches.loc[limits["branch"], end].to_numpy() for end in ("from_bus", "to_bus")]
    places = [buses.loc[end, ["lon", "lat"]].to_numpy(float) for end in ends]
    lines = [
        LineString([a, b]) if np.isfinite([*a, *b]).all() else None for a, b in zip(places[0], places[1], strict=True)
    ]
    layer = gpd.GeoDataFrame(limits, geometry=gpd.GeoSeries(lines, index=limits.index, crs=CRS), crs=CRS)
    write_dataframe(layer, path, layer="limits", driver="GPKG", geometry_type="LineString", append=True)
    fix_times(path)


def write_headroom_page(grid: Grid, found: Headroom, path: Path) -> Path:
    """Write the page: the answer first, the map, and what stops and what would raise headroom.

    Parameters
    ----------
    grid : Grid
        Where buses and lines are.
    found : Headroom
        What is shown.
    path : Path
        File to write; it appears in one step.
    """
    return write_page(render_page(str(found.summary["name"]), sections(grid, found)), path)


def sections(grid: Grid, found: Headroom) -> list[Section]:
    """Return the sections of the page."""
    mode = str(found.table["mode"].iloc[0])
    rows = found.table[found.table["mode"] == mode]
    names = grid.buses["name"]
    figure = headroom_map(grid, found.table)
    share = found.summary["settings"]["non_firm_share"]
    caption = (
        "Each mark is a bus, its colour and size the largest load that fits there alone. Hover for what stops it; "
        "click an entry of the legend to switch a class; drag a box to zoom in, double-click to zoom out. "
        "Buttons switch the value shown."
    )
    first = Section(
        "answer",
        _headline(rows),
        blocks(
            Text(_lead(found, rows), "lead"),
            KeyFigures(tuple(_key_figures(found, rows, share))),
            *(Text(str(f), "warning") for f in found.findings if f.severity == "warning"),
            Figure("headroom", figure, caption, wide=True) if figure is not None else Text("No bus has coordinates."),
            _top(rows, names, mode),
        ),
    )
    checked = [_checked_in_ac(found.ac)] if len(found.ac) else []
    return [first, *checked, _stops(found.table), _reliefs(found.table), _definitions(found)]


def _headline(rows: pd.DataFrame) -> str:
    best = rows.loc[rows["headroom_mw"].idxmax()]
    median = quantity(rows["headroom_mw"].median(), "headroom_mw")
    most = quantity(best["headroom_mw"], "headroom_mw")
    return f"Half of {len(rows):,} buses take {median} or more; the most is {most} at bus {best['bus']}"


def _lead(found: Headroom, rows: pd.DataFrame) -> str:
    counts = found.summary["counts"]
    mode = _MEANING[str(rows["mode"].iloc[0])]
    outages = f"and after any of {count(counts['outages'], 'outage')} " if counts["outages"] else ""
    return (
        f"The largest firm load at one bus at a time, with nothing out {outages}in "
        f"{count(counts['snapshots'], 'snapshot')}, by {mode}."
    )


def _key_figures(found: Headroom, rows: pd.DataFrame, share: float) -> list[tuple[str, str, str]]:
    figures = [
        (number(rows["headroom_mw"].median(), decimals=0), "MW", "median, firm"),
        (number(rows["headroom_non_firm_mw"].median(), decimals=0), "MW", f"median, {share:.0%} non-firm"),
    ]
    figures += [(f"{int((rows['headroom_mw'] >= mw).sum()):,}", "buses", f"take {mw} MW or more") for mw in (100, 500)]
    other = found.table[found.table["mode"] != rows["mode"].iloc[0]]
    if len(other):
        title = _TITLES[str(other["mode"].iloc[0])].lower()
        figures.append((number(other["headroom_mw"].median(), decimals=0), "MW", f"median by {title}"))
    return figures


def _top(rows: pd.DataFrame, names: pd.Series, mode: str) -> Table:
    best = rows.sort_values(["headroom_mw", "bus"], ascending=[False, True], kind="stable")
    best = best.assign(name=best["bus"].map(names), limit=_limit_words(best))
    columns = (
        Column("bus", "Bus", text=True),
        Column("name", "Name", text=True),
        Column("base_kv", "Voltage"),
        Column("headroom_mw", "Headroom"),
        Column("headroom_non_firm_mw", "Non-firm"),
        Column("limit", "Stopped by", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("relief", "Best relief", text=True),
        Column("relief_mw", "Rise"),
        Column("relief_cost_musd", "Cost"),
    )
    caption = f"The {_TOP} buses with most headroom, by {_TITLES[mode].lower()}"
    return table(best, columns, caption, most=_TOP, file="headroom.csv")


def _limit_words(rows: pd.DataFrame) -> list[str]:
    texts = []
    columns = ["limited_by", "limiting_branch", "limiting_contingency"]
    for kind, branch, outage in rows[columns].itertuples(index=False, name=None):
        if kind == "generation":
            texts.append("available generation")
        elif kind == "disconnection":
            texts.append(f"cut off by outage of {outage}")
        else:
            texts.append(f"{branch}" + (f" after outage of {outage}" if outage else ", nothing out"))
    return texts


def _limits(answer: pd.DataFrame) -> pd.DataFrame:
    """Limits by how many buses each stops."""
    rows = answer[answer["limiting_branch"] != ""]
    keys = ["mode", "limiting_branch", "limiting_contingency", "snapshot"]
    grouped = rows.groupby(keys, sort=True)["headroom_mw"].agg(["size", "median"]).reset_index()
    grouped = grouped.rename(columns={"limiting_branch": "branch", "limiting_contingency": "contingency"})
    grouped = grouped.rename(columns={"size": "buses", "median": "median_headroom_mw"})
    grouped = grouped.sort_values(["buses", *grouped.columns[:4]], ascending=[False, *[True] * 4], kind="stable")
    return grouped.reset_index(drop=True)


def _stops(answer: pd.DataFrame) -> Section:
    limits = _limits(answer)
    limits = limits.assign(mode=limits["mode"].map(_TITLES), contingency=limits["contingency"].replace("", "nothing"))
    columns = (
        Column("mode", "By", text=True),
        Column("branch", "Branch", text=True),
        Column("contingency", "After outage of", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("buses", "Buses stopped", unit="", decimals=0),
        Column("median_headroom_mw", "Median headroom"),
    )
    caption = "Limits that stop most buses"
    kinds = answer.groupby(["mode", "limited_by"], sort=True).size().reset_index(name="buses")
    kinds["mode"] = kinds["mode"].map(_TITLES)
    what = (Column("mode", "By", text=True), Column("limited_by", "Stopped by", text=True))
    return Section(
        "limits",
        "What stops it",
        blocks(
            table(kinds, (*what, Column("buses", "Buses", unit="", decimals=0)), "Kinds of limit"),
            table(limits, columns, caption, most=15, file="headroom.gpkg, layer limits"),
        ),
    )


def _reliefs(answer: pd.DataFrame) -> Section:
    rows = answer[answer["relief"] != ""]
    if rows.empty:
        text = "No single upgrade on offer raises the headroom of any bus."
        return Section("relief", "What would raise it", (Text(text),))
    grouped = rows.groupby(["mode", "relief"], sort=True).agg(
        buses=("bus", "size"),
        most_mw=("relief_mw", "max"),
        median_mw=("relief_mw", "median"),
        cost_musd=("relief_cost_musd", "first"),
        least_musd_per_mw=("relief_musd_per_mw", "min"),
    )
    grouped = grouped.reset_index().sort_values(
        ["least_musd_per_mw", "mode", "relief"], ascending=[True, False, True], kind="stable"
    )
    grouped["mode"] = grouped["mode"].map(_TITLES)
    columns = (
        Column("mode", "By", text=True),
        Column("relief", "Upgrade", text=True),
        Column("cost_musd", "Cost"),
        Column("buses", "Buses it is best for", unit="", decimals=0),
        Column("median_mw", "Median rise"),
        Column("most_mw", "Largest rise"),
        Column("least_musd_per_mw", "Cost of a MW, at best", unit="M$/MW", decimals=3),
    )
    text = "Each upgrade alone, at the bus where it is the best of all; the rise is of firm headroom there."
    caption = "Upgrades by what a MW of headroom costs at the bus where it costs least"
    return Section(
        "relief", "What would raise it", (Text(text), table(grouped, columns, caption, most=15, file="headroom.csv"))
    )


def _checked_in_ac(checked: pd.DataFrame) -> Section:
    shown = checked.assign(mode=checked["mode"].map(_TITLES))
    shown["solved"] = np.where(checked["converged"].astype(bool), "yes", "no")
    columns = (
        Column("bus", "Bus", text=True),
        Column("mode", "By", text=True),
        Column("snapshot", "Snapshot", text=True),
        Column("headroom_mw", "Headroom", decimals=0),
        Column("solved", "AC solution", text=True),
        Column("outages_not_solved", "Outages without one", unit="", decimals=0),
        Column("voltage_low", "Voltages too low", unit="", decimals=0),
        Column("voltage_high", "Voltages too high", unit="", decimals=0),
        Column("loading", "Branches above rating", unit="", decimals=0),
        Column("dc_error_mean_mw", "DC from AC flow, mean", unit="MW", decimals=1),
    )
    factor = float(checked["power_factor"].iloc[0])
    text = (
        f"The load at a power factor of {factor:g} lagging, with the dispatch that allows it, in the snapshot that "
        "stops it: without an outage, after the limiting one and the highest loaded ones. Counted are limits that hold "
        "without the load, or that it breaks by more: 0.95 to 1.05 pu, 0.90 to 1.10 pu after an outage, normal and "
        "emergency ratings."
    )
    return Section("ac", "Would it survive AC?", (Text(text), table(shown, columns, "AC check", file="ac.csv")))


def _definitions(found: Headroom) -> Section:
    settings, checked = found.summary["settings"], found.summary["checked"]
    items = [
        "One bus at a time: values of several buses do not add up.",
        "With nothing out, normal ratings; after each outage of a branch, those that split the network included, "
        "emergency ratings. The least over all snapshots counts.",
        f"Firm: the load stays after every outage. Non-firm: {settings['non_firm_share']:.0%} of it is dropped after "
        "an outage, and generators take the drop back in proportion to p_max x availability.",
        "A bus that one outage disconnects has no firm headroom.",
        *(f"By {_MEANING[mode]}." for mode in settings["modes"]),
        f"Checked: {count(checked['dispatches'], 'dispatch', 'dispatches')} of a sample against every outage on every "
        f"branch, largest excess {checked['worst_excess_mw']:.4f} MW.",
    ]
    if "distributed" in settings["modes"] and settings["cutoff"] > 0:
        items.insert(5, f"Distributed slack counts limits that see {settings['cutoff']:.0%} or more of the load.")
    notes = tuple(str(f) for f in found.findings if f.severity == "info")
    return Section(
        "how",
        "How it is counted",
        blocks(Bullets(tuple(items)), Details("Notes of reading", (Bullets(notes),)) if notes else None),
    )


def headroom_map(grid: Grid, answer: pd.DataFrame) -> go.Figure | None:
    """Return the map: the network below, buses by headroom above, one view a value; ``None`` without coordinates.

    Parameters
    ----------
    grid : Grid
        Where buses and lines are.
    answer : DataFrame
        As `optimizer.solve.headroom.buses.Headroom.table`.
    """
    placed = answer[answer["lat"].notna() & answer["lon"].notna()]
    if placed.empty:
        return None
    projection = Projection.around(grid.buses["lon"], grid.buses["lat"])
    traces: list[Any] = []
    for layer in map_network.transmission_lines(Lines.of(grid, projection)):
        layer.traces[0].legendrank = 200
        traces += layer.traces
    if traces:
        traces[0].legendgrouptitle = {"text": "<b>Network</b>"}
    ground = len(traces)
    views: list[tuple[str, int]] = []
    for mode in answer["mode"].unique():
        rows = placed[placed["mode"] == mode]
        for column, what in (("headroom_mw", "firm"), ("headroom_non_firm_mw", "non-firm")):
            made = _classes(rows, column, projection, grid.buses["name"])
            views.append((f"{_TITLES[mode]}, {what}", len(made)))
            traces += made
    for position, drawn in enumerate(traces[ground:]):
        drawn.visible = position < views[0][1]
    layout = maps.map_layout()
    layout["legend"]["groupclick"] = "togglegroup"
    layout["updatemenus"] = [_buttons(views, ground)]
    return style.figure(traces, _HEIGHT_PX, **layout)


def _buttons(views: list[tuple[str, int]], ground: int) -> dict[str, Any]:
    total = sum(size for _, size in views)
    buttons, start = [], 0
    for title, size in views:
        visible = [True] * ground + [start <= i < start + size for i in range(total)]
        buttons.append({"label": title, "method": "restyle", "args": [{"visible": visible}]})
        start += size
    place = {"x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom", "direction": "right", "showactive": True}
    look = {"bgcolor": "#f3f6f8", "bordercolor": style.RULE, "font": {"size": 13}, "pad": {"b": 4}}
    return {"type": "buttons", "buttons": buttons} | place | look


def _classes(rows: pd.DataFrame, column: str, projection: Projection, names: pd.Series) -> list[go.Scatter]:
    """Buses by class of one value, small ones first, so that large ones are on top."""
    value = rows[column]
    made = []
    for low, high, colour, size in _CLASSES:
        chosen = rows[(value >= low) & (value < high)]
        if chosen.empty:
            continue
        x, y = projection.points(chosen["lon"], chosen["lat"])
        name = f"{_class_name(low, high)} ({len(chosen):,})"
        marker = {"size": size, "color": colour, "line": {"width": 0.8, "color": style.INK}}
        made.append(
            trace(x, y, name, mode="markers", marker=marker, customdata=_hover(chosen, names), hovertemplate=_HOVER)
        )
        made[-1].legendgroup = f"{rows['mode'].iloc[0]} {column} {low:g}"
        made[-1].legendrank = 100 - len(made)
    if made:
        made[-1].legendgrouptitle = {"text": "<b>Largest load at the bus [MW]</b>"}
    return made


def _class_name(low: float, high: float) -> str:
    if low == 0:
        return f"below {high:,.0f} MW"
    if np.isinf(high):
        return f"{low:,.0f} MW or more"
    return f"{low:,.0f} – {high:,.0f} MW"


_HOVER = (
    "<b>%{customdata[0]}</b> %{customdata[1]}, %{customdata[2]:,.0f} kV<br>"
    "firm %{customdata[3]:,.0f} MW, non-firm %{customdata[4]:,.0f} MW<br>"
    "stopped by %{customdata[5]}<br>%{customdata[6]}<br>%{customdata[7]}<extra></extra>"
)


def _hover(rows: pd.DataFrame, names: pd.Series) -> list[list[Any]]:
    snapshots = [f"in snapshot {words(h)}" if h else "in every snapshot" for h in rows["snapshot"]]
    reliefs = [
        f"{relief}: +{mw:,.0f} MW" + (f" for {cost:,.1f} M$" if pd.notna(cost) else ", cost not known")
        if relief
        else "no single upgrade raises it"
        for relief, mw, cost in zip(rows["relief"], rows["relief_mw"], rows["relief_cost_musd"], strict=True)
    ]
    shown = rows["bus"].map(names).fillna("").astype(str)
    return hover_rows(
        rows["bus"],
        shown,
        rows["base_kv"],
        rows["headroom_mw"],
        rows["headroom_non_firm_mw"],
        _limit_words(rows),
        snapshots,
        reliefs,
    )
