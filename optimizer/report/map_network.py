"""The network on the map: lines by voltage, substations, loading, upgrades, limits broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.grid.network import Grid
from optimizer.report import style
from optimizer.report.map_layer import CHOSEN, LOADING, NETWORK, PLAN, STRESS, MapLayer, hover_rows, trace
from optimizer.report.projection import Projection, segments
from optimizer.report.text import count, words
from optimizer.report.view import View, highest_by_branch

# (lowest kV, below this kV, label, colour, width [px]): darker and wider is higher.
_VOLTAGES = (
    (0, 100, "lines below 100 kV", "#d3dade", 0.6),
    (100, 200, "lines 100–199 kV", "#b9c5cc", 0.8),
    (200, 300, "lines 200–299 kV", "#8fa0ac", 1.2),
    (300, 450, "lines 300–449 kV", "#5f7382", 1.7),
    (450, np.inf, "lines 450 kV and above", "#2f4250", 2.3),
)
# (lowest loading, below this, label, colour, width [px]): width grows with the loading too.
_LOADINGS = (
    (0.70, 0.85, "70–85 % loaded", style.YELLOW, 2.5),
    (0.85, 0.95, "85–95 % loaded", style.ORANGE, 3.2),
    (0.95, np.inf, "95 % loaded or more", style.VERMILION, 4.0),
)
_AFTER_OUTAGE = 0.95
_CIRCUIT = (
    "circuit %{customdata[0]}, %{customdata[7]}<br>%{customdata[1]:,.0f} × %{customdata[2]:,.0f} MW, "
    "%{customdata[3]} – %{customdata[4]}<br>from %{customdata[5]}, %{customdata[6]:,.1f} M$ once"
)
_MEASURED = "%{customdata[1]:,.0f} of %{customdata[2]:,.0f} MW (%{customdata[3]:.1f} %), %{customdata[4]}"


@dataclass(frozen=True)
class Lines:
    """In-service branches with both ends on the map, and where they run.

    Parameters
    ----------
    table : DataFrame, index ``branch``
        ``from_bus``, ``to_bus``, ``base_kv`` (the lower of its ends) [kV], ``rating_mw`` [MW], ``length_km`` [km], and
        the ends ``x0``, ``y0``, ``x1``, ``y1`` [km].
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, grid: Grid, projection: Projection, built: pd.DataFrame | None = None) -> Lines:
        """Return the lines of a grid; a transformer inside a substation has no length to draw.

        Parameters
        ----------
        grid : Grid
            The network.
        projection : Projection
            Of the map.
        built : DataFrame, index ``branch``, optional
            Circuits that are drawn too: ``from_bus``, ``to_bus``, ``rating_mw`` [MW], ``length_km`` [km].
        """
        columns = ["from_bus", "to_bus", "rating_mw", "length_km"]
        rows = grid.branches.loc[grid.branches["in_service"].astype(bool), columns]
        if built is not None and len(built):
            rows = pd.concat([rows, built[columns].astype(rows.dtypes.to_dict())])
        table = _with_ends(rows, grid, projection)
        return cls(table[_has_length(table)])

    def known(self, branches: pd.Series | pd.Index) -> np.ndarray:
        """Which of some branches are drawn."""
        return np.asarray(branches.isin(self.table.index))

    def layer(self, heading: str, views: set[str], name: str, drawn: _Drawn, hover: Any, text: str) -> MapLayer:
        """Return branches as one path, and in the middle of each a mark that carries its hover text."""
        rows = self.table.loc[drawn.branches]
        x, y = segments(*(rows[end].to_numpy() for end in ("x0", "y0", "x1", "y1")))
        line = {"color": drawn.colour, "width": drawn.width_px, "dash": drawn.dash}
        path = trace(x, y, name, mode="lines", line=line, hoverinfo="skip")
        middles = trace(
            ((rows["x0"] + rows["x1"]) / 2).to_numpy(np.float32),
            ((rows["y0"] + rows["y1"]) / 2).to_numpy(np.float32),
            name,
            mode="markers",
            marker={"size": 9, "opacity": 0, "color": drawn.colour},
            customdata=hover,
            hovertemplate=text + "<extra></extra>",
            showlegend=False,
        )
        return MapLayer(heading, (path, middles), frozenset(views))


@dataclass(frozen=True)
class _Drawn:
    """Branches, and how they are drawn."""

    branches: Any
    colour: str
    width_px: float
    dash: str = "solid"


def transmission_lines(lines: Lines) -> list[MapLayer]:
    """Return the lines of the network, one layer a voltage class, lowest first."""
    layers = []
    for low, high, name, colour, width in _VOLTAGES:
        rows = lines.table[(lines.table["base_kv"] >= low) & (lines.table["base_kv"] < high)]
        if rows.empty:
            continue
        columns = ("base_kv", "from_bus", "to_bus", "rating_mw", "length_km")
        hover = hover_rows(rows.index, *(rows[column] for column in columns))
        text = (
            "branch %{customdata[0]}, %{customdata[1]:,.0f} kV<br>%{customdata[2]} – %{customdata[3]}<br>"
            "normal rating %{customdata[4]:,.0f} MW, %{customdata[5]:,.1f} km"
        )
        layers.append(lines.layer(NETWORK, {PLAN, LOADING}, name, _Drawn(rows.index, colour, width), hover, text))
    return layers


def hvdc_links(grid: Grid, projection: Projection, transfers: pd.DataFrame, period: int) -> MapLayer | None:
    """Return the HVDC links in service, with the largest of the transfers decided in a period, else their schedule."""
    if grid.hvdc.empty:
        return None
    rows = _with_ends(grid.hvdc[grid.hvdc["in_service"].astype(bool)], grid, projection)
    rows = rows[_has_length(rows)]
    if rows.empty:
        return None
    if transfers.empty:
        scheduled = rows["p_mw"].fillna(0.0) if "p_mw" in rows.columns else pd.Series(0.0, index=rows.index)
        carried = [f"scheduled transfer {mw:,.0f} MW" for mw in scheduled]
    else:
        now = transfers[transfers["period"] == period]
        most = now["from_mw"].groupby(now["link"]).agg(lambda mw: mw.abs().max()).reindex(rows.index)
        carried = [f"largest transfer in {period}: {mw:,.0f} MW" for mw in most]
    hover = hover_rows(rows.index, rows["from_bus"], rows["to_bus"], rows["p_max_mw"], carried)
    text = (
        "HVDC link %{customdata[0]}<br>%{customdata[1]} – %{customdata[2]}, up to %{customdata[3]:,.0f} MW<br>"
        "%{customdata[4]}"
    )
    look = _Drawn(rows.index, style.GREEN, 2.4, "8px,3px,2px,3px")
    return Lines(rows).layer(NETWORK, {PLAN, LOADING}, count(len(rows), "HVDC link"), look, hover, text)


def substations(grid: Grid, projection: Projection) -> MapLayer:
    """Return the buses, one mark a place: buses of one substation lie on one another."""
    buses = _placed(grid)
    columns = ["lat", "lon", "base_kv", "load_mw"]
    places = buses[columns].assign(bus=buses.index).groupby(["lat", "lon"], sort=True)
    first, several = places["bus"].first(), places.size() > 1
    names = first.where(~several, first + " and others there")
    x, y = projection.points(first.index.get_level_values("lon"), first.index.get_level_values("lat"))
    marks = trace(
        x,
        y,
        f"{len(buses):,} buses",
        mode="markers",
        marker={"size": 2.4, "color": "#7c8d99"},
        customdata=hover_rows(names, places["base_kv"].max(), places["load_mw"].sum()),
        hovertemplate="bus %{customdata[0]}<br>up to %{customdata[1]:,.0f} kV, "
        "existing load %{customdata[2]:,.0f} MW<extra></extra>",
    )
    return MapLayer(NETWORK, (marks,), frozenset({PLAN, LOADING}))


def line_loading(view: View, lines: Lines) -> list[MapLayer]:
    """Return branches by their highest loading in the last period, and those near a limit after an outage."""
    layers = []
    base = view.base_loading[lines.known(view.base_loading.index)]
    for low, high, name, colour, width in _LOADINGS:
        rows = base[(base["loading"] >= low) & (base["loading"] < high)]
        if len(rows):
            drawn = _Drawn(rows.index, colour, width)
            text = "branch %{customdata[0]}, no outage<br>" + _MEASURED
            layers.append(lines.layer(STRESS, {LOADING}, name, drawn, _measured(rows), text))
    after = view.outage_loading[lines.known(view.outage_loading.index)]
    rows = after[after["loading"] >= _AFTER_OUTAGE]
    if len(rows):
        drawn = _Drawn(rows.index, style.BLACK, 2.2, "2px,3px")
        text = "branch %{customdata[0]} after outage of %{customdata[5]}<br>" + _MEASURED
        hover = _measured(rows, rows["contingency"])
        layers.append(lines.layer(STRESS, {LOADING}, "95 % or more after one outage", drawn, hover, text))
    return layers


def upgrades(table: pd.DataFrame, lines: Lines) -> MapLayer | None:
    """Return the upgraded branches."""
    rows = table[lines.known(table["branch"])]
    if rows.empty:
        return None
    text = (
        "upgrade of branch %{customdata[0]}<br>+%{customdata[1]:,.0f} MW from %{customdata[2]}<br>"
        "%{customdata[3]:,.1f} M$ once"
    )
    hover = hover_rows(rows["branch"], rows["added_mw"], rows["in_service"], rows["cost_musd"])
    drawn = _Drawn(rows["branch"], style.PURPLE, 5.0)
    return lines.layer(CHOSEN, {PLAN, LOADING}, count(len(rows), "network upgrade"), drawn, hover, text)


def circuits(table: pd.DataFrame, grid: Grid, projection: Projection) -> list[MapLayer]:
    """Return the circuits that a plan builds, where both ends have a place: those in a line's place, those beside what
    is there, and marks for those that begin and end at one place, as transformers do.
    """
    sums = table.groupby("circuit")[["count", "cost_musd"]].transform("sum")
    rows = table.assign(**sums).drop_duplicates("circuit").set_index("circuit")
    rows = _with_ends(rows, grid, projection)
    in_place, long = rows["replaces"].fillna("") != "", _has_length(rows)
    layers = []
    for chosen, one, several, dash in (
        (long & in_place, "rebuilt branch", "rebuilt branches", "solid"),
        (long & ~in_place, "new circuit", "new circuits", "10px,4px"),
    ):
        drawn = rows[chosen]
        if len(drawn):
            look, name = _Drawn(drawn.index, style.BLUE, 5.0, dash), count(int(drawn["count"].sum()), one, several)
            layers.append(Lines(drawn).layer(CHOSEN, {PLAN, LOADING}, name, look, _circuit_hover(drawn), _CIRCUIT))
    drawn = rows[~long]
    if len(drawn):
        what = "new transformer" if set(drawn["kind"]) == {"transformer"} else "circuit within substations"
        plural = f"{what}s" if what.endswith("former") else "circuits within substations"
        layers.append(_at_one_place(drawn, count(int(drawn["count"].sum()), what, plural)))
    return layers


def _circuit_hover(rows: pd.DataFrame) -> list[list[Any]]:
    shown = (rows[c] for c in ("count", "rating_mw", "from_bus", "to_bus", "in_service", "cost_musd"))
    old = [f"in the place of {branch}" if branch else "new" for branch in rows["replaces"].fillna("")]
    return hover_rows(rows.index, *shown, old)


def _at_one_place(rows: pd.DataFrame, name: str) -> MapLayer:
    marks = trace(
        rows["x0"].to_numpy(np.float32),
        rows["y0"].to_numpy(np.float32),
        name,
        mode="markers",
        marker={"size": 15, "symbol": "diamond", "color": style.BLUE, "line": {"color": "#ffffff", "width": 1.5}},
        customdata=_circuit_hover(rows),
        hovertemplate=_CIRCUIT + "<extra></extra>",
    )
    return MapLayer(CHOSEN, (marks,), frozenset({PLAN, LOADING}))


def broken_limits(table: pd.DataFrame, lines: Lines, name: str) -> MapLayer | None:
    """Return the branches whose limits a plan breaks, each at its highest loading."""
    rows = highest_by_branch(table)
    rows = rows[lines.known(rows.index)]
    if rows.empty:
        return None
    text = "branch %{customdata[0]} after outage of %{customdata[5]}<br>" + _MEASURED
    hover = _measured(rows, rows["contingency"].fillna("").replace("", "nothing"))
    drawn = _Drawn(rows.index, style.VERMILION, 4.5)
    return lines.layer(CHOSEN, {PLAN}, f"{name} ({len(rows):,})", drawn, hover, text)


def _measured(rows: pd.DataFrame, *more: pd.Series) -> list[list[Any]]:
    measures = (rows["flow_mw"].abs(), rows["limit_mw"], rows["loading"] * 100, rows["snapshot"].map(words))
    return hover_rows(rows.index, *measures, *more)


def _with_ends(rows: pd.DataFrame, grid: Grid, projection: Projection) -> pd.DataFrame:
    """Return the rows whose ends have a place, with the places and the lower voltage of the ends."""
    buses = _placed(grid)
    x, y = projection.points(buses["lon"], buses["lat"])
    place = pd.DataFrame({"x": x, "y": y, "base_kv": buses["base_kv"].to_numpy()}, index=buses.index)
    rows = rows[rows["from_bus"].isin(place.index) & rows["to_bus"].isin(place.index)]
    start, end = place.loc[rows["from_bus"]], place.loc[rows["to_bus"]]
    return rows.assign(
        base_kv=np.minimum(start["base_kv"].to_numpy(), end["base_kv"].to_numpy()),
        x0=start["x"].to_numpy(),
        y0=start["y"].to_numpy(),
        x1=end["x"].to_numpy(),
        y1=end["y"].to_numpy(),
    )


def _has_length(table: pd.DataFrame) -> pd.Series:
    return (table["x0"] != table["x1"]) | (table["y0"] != table["y1"])


def _placed(grid: Grid) -> pd.DataFrame:
    return grid.buses[grid.buses["lat"].notna() & grid.buses["lon"].notna()]
