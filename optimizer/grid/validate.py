"""Checks of a whole grid: references between tables, values that contradict each other, and what nothing reaches."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.columns import AC_COLUMNS, KEYS, TABLES
from optimizer.grid.schema import check_table, shorten

if TYPE_CHECKING:
    from optimizer.grid.network import Grid

#: Names a row for people, from the table and the position of the row in it.
Place = Callable[[str, int], str]

_SINGULAR = {
    "buses": "bus",
    "branches": "branch",
    "generators": "generator",
    "snapshots": "snapshot",
}
_BRANCH_KINDS = ("line", "transformer")


def validate(grid: Grid, place: Place | None = None) -> tuple[Finding, ...]:
    """Check a grid and return every finding.

    Parameters
    ----------
    grid : Grid
        The grid, from any source.
    place : callable, optional
        Names a row for people, from the table's name and the row's position. By default by its id.

    Returns
    -------
    tuple of Finding
        Errors, warnings and notes. What is isolated is judged only where no row is in error.
    """
    place = place or (lambda table, position: f"{table} {_label(grid, table, position)}")
    findings: list[Finding] = []
    for table, columns in TABLES.items():
        frame = getattr(grid, table)
        raw = frame.reset_index() if len(KEYS[table]) == 1 else frame.reset_index(drop=True)
        row_place = _row_place(place, table)
        extra = AC_COLUMNS.get(table, ())
        findings += check_table(raw, columns, table, key=KEYS[table], extra=extra, place=row_place)[1]
    findings += check_rows(grid, place)
    if not any(f.severity == "error" for f in findings):
        findings += check_topology(grid, place)
    return tuple(findings)


def check_rows(grid: Grid, place: Place) -> list[Finding]:
    """Return what is wrong between the columns of a row, and in references to other tables."""
    if grid.buses.empty:
        remedy = "give at least one bus"
        return [Finding("grid.buses.none", "buses", "the grid has no bus", "", remedy)]
    findings = [
        *_ends(grid, place),
        *_branch_values(grid, place),
        *_replaced(grid, place),
        *_generator_values(grid, place),
        *_references(grid, place),
        *_positions(grid, place),
    ]
    return shorten(findings)


def check_topology(grid: Grid, place: Place) -> list[Finding]:
    """Return what nothing reaches: isolated buses, and islands without generation. The tables must be sound."""
    running = grid.generators[grid.generators["in_service"]]
    if running.empty:
        text = "no generator is in service: nothing can serve the load"
        return [Finding("grid.generators.none", "generators", text, "", "give at least one generator in service")]
    graph = nx.Graph(grid.graph)
    # A DC link or a candidate circuit reaches a bus too: what it brings is decided later.
    for table in (grid.hvdc[grid.hvdc["in_service"]], grid.circuits):
        graph.add_edges_from(zip(table["from_bus"], table["to_bus"], strict=True))
    position = {bus: i for i, bus in enumerate(grid.buses.index)}
    load = (grid.buses["load_mw"] + grid.buses["shunt_mw"]).to_dict()
    feeding = set(running["bus"])
    findings = []
    for part in sorted(nx.connected_components(graph), key=lambda part: min(position[bus] for bus in part)):
        buses = sorted(part, key=position.__getitem__)
        loaded = [bus for bus in buses if load[bus] != 0]
        where = place("buses", position[(loaded or buses)[0]])
        findings += _part_findings(len(position), buses, loaded, feeding, load, where)
    return shorten(findings)


def _part_findings(
    n_bus: int, buses: list[str], loaded: list[str], feeding: set[str], load: dict[str, float], where: str
) -> list[Finding]:
    mw = sum(load[bus] for bus in loaded)
    connect = "connect it with a branch in service, or set its load to 0 and take its generators out of service"
    if len(buses) == 1 and n_bus > 1:
        bus = buses[0]
        text = f"bus {bus} is isolated: no branch in service reaches it"
        if loaded or bus in feeding:
            found = f"load {mw:g} MW" if loaded else "a generator in service"
            return [Finding("grid.bus.isolated", where, f"{text}, and it has load or generation", found, connect)]
        return [Finding("grid.bus.unused", where, f"{text}; it has neither load nor generation", severity="info")]
    if loaded and not feeding & set(buses):
        text = f"bus {loaded[0]} is in an island of {len(buses)} buses with load and no generator in service"
        return [Finding("grid.island.no_generation", where, text, f"{mw:g} MW of load", connect)]
    return []


def _label(grid: Grid, table: str, position: int) -> str:
    frame = getattr(grid, table)
    return str(frame.index[position]) if len(KEYS[table]) == 1 else f"row {position + 1}"


def _row_place(place: Place, table: str) -> Callable[[object], str]:
    return lambda position: place(table, int(str(position)))


def _each(bad: pd.Series | np.ndarray) -> list[int]:
    return [int(i) for i in np.flatnonzero(np.asarray(bad, dtype=bool))]


def _unknown(grid: Grid, place: Place, table: str, column: str, known: Iterable[str], target: str) -> Iterable[Finding]:
    """Values of a column that name nothing in `target`; empty cells are none."""
    values = getattr(grid, table)[column]
    for i in _each(~values.isin(list(known)) & (values != "")):
        where = f"{place(table, i)}, {column}"
        remedy = f"name one that is in {target}, or add it there"
        yield Finding(
            f"grid.{_SINGULAR[target.split()[0].rstrip(',')]}.unknown",
            where,
            f"names nothing in {target}",
            repr(str(values.iloc[i])),
            remedy,
        )


def _ends(grid: Grid, place: Place) -> Iterable[Finding]:
    buses = grid.buses.index
    for table in ("branches", "hvdc", "circuits"):
        frame = getattr(grid, table)
        yield from _unknown(grid, place, table, "from_bus", buses, "buses")
        yield from _unknown(grid, place, table, "to_bus", buses, "buses")
        for i in _each((frame["from_bus"] == frame["to_bus"]) & (frame["from_bus"] != "")):
            found = repr(str(frame["to_bus"].iloc[i]))
            text, remedy = "both ends are the same bus", "remove the row or correct an end"
            yield Finding("grid.branch.loop", f"{place(table, i)}, to_bus", text, found, remedy)
    yield from _unknown(grid, place, "generators", "bus", buses, "buses")


def _branch_values(grid: Grid, place: Place) -> Iterable[Finding]:
    for table in ("branches", "circuits"):
        frame = getattr(grid, table)
        for i in _each(frame["x_pu"] == 0):
            remedy = "give a reactance that is not 0; for a closed switch merge the two buses or use 1e-4"
            where = f"{place(table, i)}, x_pu"
            yield Finding("grid.branch.zero_reactance", where, "the reactance is zero", "0 pu", remedy)
        for i in _each(frame["x_pu"] < 0) if table == "circuits" else []:
            found, remedy = f"{frame['x_pu'].iloc[i]:g} pu", "give the reactance of a line or transformer, above 0"
            text = "the reactance of a new circuit is negative"
            yield Finding("grid.circuit.negative_reactance", f"{place(table, i)}, x_pu", text, found, remedy)
        for i in _each(~frame["kind"].isin(_BRANCH_KINDS)):
            found, remedy = repr(str(frame["kind"].iloc[i])), f"write {' or '.join(_BRANCH_KINDS)}"
            yield Finding("grid.branch.kind", f"{place(table, i)}, kind", "unknown kind of branch", found, remedy)
        low, high = frame["angle_min_deg"], frame["angle_max_deg"]
        for i in _each(low > high):
            found = f"{low.iloc[i]:g} above {high.iloc[i]:g} deg"
            text, remedy = "least angle is above the largest", "exchange them, or leave both empty for no limit"
            yield Finding("grid.branch.angles", f"{place(table, i)}, angle_min_deg", text, found, remedy)
        less = _each(frame["rating_emergency_mw"] < frame["rating_mw"].where(np.isfinite(frame["rating_mw"]), 0))
        if less:
            i = less[0]
            found = f"{frame['rating_emergency_mw'].iloc[i]:g} below {frame['rating_mw'].iloc[i]:g} MW"
            text = f"emergency rating is below the normal rating ({len(less)} rows, this is the first)"
            where = f"{place(table, i)}, rating_emergency_mw"
            remedy = "check which column is which; used as given"
            yield Finding("grid.branch.emergency_below_normal", where, text, found, remedy, "warning")


def _replaced(grid: Grid, place: Place) -> Iterable[Finding]:
    """What a new circuit takes the place of: a branch in service between the same buses."""
    frame, branches = grid.circuits, grid.branches
    yield from _unknown(grid, place, "circuits", "replaces", branches.index, "branches")
    for i in _each(frame["replaces"].isin(branches.index)):
        old, new = branches.loc[frame["replaces"].iloc[i]], frame.iloc[i]
        where, found = f"{place('circuits', i)}, replaces", repr(str(new["replaces"]))
        if {old["from_bus"], old["to_bus"]} != {new["from_bus"], new["to_bus"]}:
            text = "a circuit takes the place of a branch between other buses"
            remedy = f"give it the ends {old['from_bus']} and {old['to_bus']}, or leave replaces empty"
            yield Finding("grid.circuit.replaces", where, text, found, remedy)
        elif not old["in_service"]:
            text, remedy = "the branch that it takes the place of is out of service", "leave replaces empty"
            yield Finding("grid.circuit.replaces", where, text, found, remedy)


def _generator_values(grid: Grid, place: Place) -> Iterable[Finding]:
    for table in ("generators", "hvdc"):
        frame = getattr(grid, table)
        low, high = frame["p_min_mw"], frame["p_max_mw"]
        for i in _each(low > high):
            found = f"{low.iloc[i]:g} above {high.iloc[i]:g} MW"
            remedy = "exchange them or correct one"
            text = "p_min_mw is above p_max_mw"
            yield Finding("grid.generator.limits", f"{place(table, i)}, p_min_mw", text, found, remedy)
    frame = grid.generators
    for i in _each(frame["cost_points"] != ""):
        text = str(frame["cost_points"].iloc[i])
        problem = _cost_problem(text)
        if problem:
            remedy = "write at least two points `MW:$/h`, MW rising, cost per MW not falling"
            yield Finding("grid.generator.cost_points", f"{place('generators', i)}, cost_points", problem, text, remedy)


def cost_points(text: str) -> list[tuple[float, float]]:
    """Return the points of a ``cost_points`` cell as (MW, $/h); an empty list if they cannot be read."""
    points = []
    for pair in text.split():
        found = re.fullmatch(r"([^:]+):([^:]+)", pair)
        try:
            points.append((float(found[1]), float(found[2])) if found else (math.nan, math.nan))
        except ValueError:
            return []
    return points if all(math.isfinite(v) for point in points for v in point) else []


def _cost_problem(text: str) -> str:
    points = cost_points(text)
    if len(points) < 2:
        return "cost points cannot be read"
    mw, cost = np.array(points).T
    if (np.diff(mw) <= 0).any():
        return "cost points are not in order of rising MW"
    slope = np.diff(cost) / np.diff(mw)
    # Published points are rounded: a fall within that is none.
    if (np.diff(slope) < -1e-4 * np.abs(slope[:-1])).any():
        return "cost points are not convex: cost per MW falls"
    return ""


def _references(grid: Grid, place: Place) -> Iterable[Finding]:
    yield from _unknown(grid, place, "upgrades", "branch", grid.branches.index, "branches")
    zones = set(grid.buses["zone"]) - {""}
    yield from _unknown(grid, place, "load_factors", "zone", zones, "buses (zone)")
    # Without a snapshots table the names belong to the study, which checks them.
    if len(grid.snapshots):
        yield from _unknown(grid, place, "load_factors", "snapshot", grid.snapshots.index, "snapshots")
        yield from _unknown(grid, place, "availability", "snapshot", grid.snapshots.index, "snapshots")
    yield from _unknown(grid, place, "availability", "generator", grid.generators.index, "generators")
    carriers = set(grid.generators["carrier"]) - {""}
    for finding in _unknown(grid, place, "availability", "carrier", carriers, "generators (carrier)"):
        # One list of factors may serve many grids.
        yield Finding("grid.availability.unused", finding.where, finding.message, finding.found, severity="info")
    yield from _unknown(grid, place, "availability", "zone", zones, "buses (zone)")
    frame = grid.availability
    for i in _each((frame["generator"] == "") == (frame["carrier"] == "")):
        text, remedy = "exactly one of generator and carrier must be given", "fill one of the two cells"
        yield Finding("grid.availability.scope", f"{place('availability', i)}, generator", text, "", remedy)
    yield from _rating_factors(grid, place)
    if len(grid.snapshots):
        yield from _unknown(grid, place, "rating_factors", "snapshot", grid.snapshots.index, "snapshots")
    elements = [*grid.branches.index, *grid.generators.index, *grid.hvdc.index, *grid.circuits.index]
    yield from _unknown(grid, place, "contingencies", "element", elements, "branches, generators, hvdc or circuits")


def _rating_factors(grid: Grid, place: Place) -> Iterable[Finding]:
    table, frame = "rating_factors", grid.rating_factors
    yield from _unknown(
        grid, place, table, "branch", [*grid.branches.index, *grid.circuits.index], "branches or circuits"
    )
    yield from _unknown(grid, place, table, "zone", set(grid.buses["zone"]) - {""}, "buses (zone)")
    for i in _each(~frame["kind"].isin(["", *_BRANCH_KINDS])):
        found, remedy = repr(str(frame["kind"].iloc[i])), f"write {' or '.join(_BRANCH_KINDS)}, or leave the cell empty"
        yield Finding("grid.branch.kind", f"{place(table, i)}, kind", "unknown kind of branch", found, remedy)
    scoped = (frame["kind"] != "") | (frame["zone"] != "") | (frame["base_kv"] > 0)
    for i in _each((frame["branch"] != "") & scoped):
        text, remedy = "a row for one branch names others too", "leave branch empty, or kind, zone and base_kv"
        found = repr(str(frame["branch"].iloc[i]))
        yield Finding("grid.rating_factors.scope", f"{place(table, i)}, branch", text, found, remedy)


def check_rating_factors(grid: Grid, place: Place) -> list[Finding]:
    """Return what is wrong with factors on ratings beside the other tables, which must be sound; names of snapshots
    belong to the study."""
    return shorten(list(_rating_factors(grid, place)))


def _positions(grid: Grid, place: Place) -> Iterable[Finding]:
    lat, lon = grid.buses["lat"], grid.buses["lon"]
    for i in _each(lat.isna() != lon.isna()):
        missing = "lat" if math.isnan(lat.iloc[i]) else "lon"
        text, remedy = "latitude and longitude must be given together", f"give {missing} or leave both empty"
        yield Finding("grid.bus.position", f"{place('buses', i)}, {missing}", text, "", remedy)
