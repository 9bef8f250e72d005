"""Networks of pandapower, from the JSON that its ``to_json`` writes, read without pandapower.

Buses that closed switches join are one bus here; buses that no generator or external grid in service reaches carry
nothing, as in pandapower, and are left out.

Source of the meaning of elements: pandapower documentation, "Datastructure and Elements",
https://pandapower.readthedocs.io.
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding, Severity, refuse_errors
from optimizer.grid.network import Grid, make_grid
from optimizer.grid.schema import errors_first
from optimizer.io.pandapower_branches import Note, impedances, lines, three_windings, transformers
from optimizer.io.pandapower_buses import BusMap, bus_table
from optimizer.io.pandapower_source import Source, read_source
from optimizer.io.pandapower_units import dc_lines, generators
from optimizer.io.raw_table import cell_findings, chosen, note
from optimizer.io.reading import check_file

#: Tables that are read, and those that say nothing about power.
_READ = (
    "bus line trafo trafo3w impedance load motor asymmetric_load sgen asymmetric_sgen gen ext_grid storage shunt ward "
    "xward dcline switch poly_cost pwl_cost bus_geodata"
).split()
_SILENT = (
    "line_geodata bus_dc measurement controller group characteristic trafo_characteristic_table "
    "trafo_characteristic_spline shunt_characteristic_table shunt_characteristic_spline q_capability_curve_table "
    "q_capability_characteristic protection output_writer"
).split()


def read_pandapower(path: str | Path) -> Grid:
    """Read a network of pandapower.

    Parameters
    ----------
    path : str or Path
        JSON file of version 2 or 3 of the format.

    Returns
    -------
    Grid
        Buses under their index; other elements as ``line 0``, ``trafo 1``, ``gen 2``. Costs are taken as dollars
        unchanged.

    Raises
    ------
    InputError
        With every finding.
    """
    path = Path(path)
    check_file(path, str(path))
    source = read_source(path)
    # Absurd values of a damaged file overflow here, and are refused by the check of the tables.
    with np.errstate(all="ignore"):
        tables = _tables(source)
    refuse_errors(errors_first([*source.findings, *cell_findings(source.tables)]))
    ids = {table: frame.iloc[:, 0].tolist() for table, frame in tables.items()}
    file = source.file

    def place(table: str, position: int) -> str:
        return f"{file} {table} {ids[table][position]}"

    counts = ", ".join(f"{len(frame)} {table}" for table, frame in tables.items())
    text = f"read {counts} of version {source.version}"
    findings = [*source.findings, Finding("io.pandapower.read", file, text, severity="info")]
    files = dict.fromkeys(tables, file)
    return make_grid(path.stem, tables, source.sn_mva, place=place, files=files, findings=findings)


def _tables(source: Source) -> dict[str, pd.DataFrame]:
    def add(rule: str, table: str, text: str, names: list[str], severity: Severity = "info", remedy: str = "") -> None:
        note(source.findings, f"io.pandapower.{rule}", f"{source.file} {table}", text, names, severity, remedy)

    for name, table in source.tables.items():
        if name not in _READ and name not in _SILENT:
            add("unread", name, "the table is not read: what it describes is not in the grid", table.names, "warning")
    buses = BusMap.of(source, add)
    kv = buses.kv
    star_branches, stars = three_windings(source, kv, add)
    parts = [lines(source, kv, add), transformers(source, kv, add), star_branches, impedances(source, add)]
    branches = pd.concat([part for part in [*parts, buses.switches()] if len(part)] or parts[:1], ignore_index=True)
    branches = _switched(source, branches, add)
    tables = {
        "buses": bus_table(source, buses, stars, add),
        "branches": branches,
        "generators": generators(source, add),
        "hvdc": dc_lines(source, add),
    }
    tables = {name: buses.moved(frame, add) for name, frame in tables.items()}
    tables = _supplied(tables, add)
    return {name: frame for name, frame in tables.items() if name != "hvdc" or len(frame)}


def _switched(source: Source, branches: pd.DataFrame, add: Note) -> pd.DataFrame:
    """Branches with those that an open switch opens at an end taken out of service."""
    table = source.table("switch")
    kinds, elements = table.text("et"), table.text("element")
    opened = ~table.flag("closed")
    out: set[str] = set()
    for kind, element, bus, is_open in zip(kinds, elements, table.text("bus"), opened, strict=True):
        if is_open and kind in ("l", "t"):
            out.add(f"{'line' if kind == 'l' else 'trafo'} {element}")
        elif is_open and kind == "t3":
            out |= {f"trafo3w {element} {side}" for side in _side_of(source, element, bus)}
    open_ended = branches["branch"].isin(out) & branches["in_service"].astype(bool)
    text = "branches with an open switch at an end are out of service"
    add("switch.open", "switch", text, list(branches["branch"][open_ended]))
    return branches.assign(in_service=branches["in_service"].astype(bool) & ~open_ended)


def _side_of(source: Source, element: str, bus: str) -> list[str]:
    """The windings of a three-winding transformer at a bus."""
    table = source.table("trafo3w")
    if element not in table.names:
        return []
    row = table.names.index(element)
    return [side for side in ("hv", "mv", "lv") if table.text(f"{side}_bus")[row] == bus][:1]


def _supplied(tables: dict[str, pd.DataFrame], add: Note) -> dict[str, pd.DataFrame]:
    """Tables without the buses that nothing in service feeds, and what is at them."""
    graph = nx.Graph()
    graph.add_nodes_from(tables["buses"]["bus"])
    for name in ("branches", "hvdc"):
        frame = tables[name]
        if len(frame):
            running = frame[frame["in_service"].astype(bool)]
            graph.add_edges_from(zip(running["from_bus"], running["to_bus"], strict=True))
    units = tables["generators"]
    feeding = set(units["bus"][units["in_service"].astype(bool)]) if len(units) else set()
    dark: set[str] = set()
    for part in nx.connected_components(graph):
        if not part & feeding:
            dark |= part
    if not dark or not feeding:
        return tables
    names = chosen(list(tables["buses"]["bus"]), tables["buses"]["bus"].isin(dark).to_numpy())
    text = "buses that nothing in service feeds carry nothing: they and what is at them are left out"
    add("bus.unsupplied", "bus", text, names, "warning")
    kept = {}
    for name, frame in tables.items():
        columns = [column for column in ("bus", "from_bus", "to_bus") if column in frame.columns]
        kept[name] = frame[~frame[columns].isin(dark).any(axis=1)].reset_index(drop=True)
    return kept
