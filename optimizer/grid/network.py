"""Grid: the network as tables and as a graph, and the topology questions that the graph answers."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.columns import AC_COLUMNS, KEYS, TABLES
from optimizer.grid.schema import check_table, empty_table, errors_first, index_table
from optimizer.grid.validate import Place, check_rows, check_topology, validate

__all__ = ["BASE_MVA", "Grid", "bridge_mask", "make_grid", "validate"]

#: Base power of every per-unit value in the tables [MVA].
BASE_MVA = 100.0


@dataclass(frozen=True, eq=False)
class Grid:
    """A transmission network.

    Parameters
    ----------
    name : str
        Name of the network.
    base_mva : float
        Base of the source [MVA]. For information only: per-unit values in the tables are on `BASE_MVA`.
    buses : DataFrame, index ``bus``
    branches : DataFrame, index ``branch``
        ``rating_mw`` is inf when unlimited [MW], ``rating_emergency_mw`` is ``nan`` when not given [MW].
    generators : DataFrame, index ``generator``
    hvdc : DataFrame, index ``link``
    circuits : DataFrame, index ``circuit``
    upgrades : DataFrame, index ``upgrade``
    snapshots : DataFrame, index ``snapshot``
    load_factors, availability, rating_factors, contingencies : DataFrame
        Possibly empty, as all tables after `generators`.
    findings : tuple of Finding
        Warnings and notes of reading; never errors.

    Notes
    -----
    `optimizer.grid.columns.TABLES` lists the columns; every one is present, with its default where nothing was given.
    """

    name: str
    base_mva: float
    buses: pd.DataFrame
    branches: pd.DataFrame
    generators: pd.DataFrame
    hvdc: pd.DataFrame
    circuits: pd.DataFrame
    upgrades: pd.DataFrame
    snapshots: pd.DataFrame
    load_factors: pd.DataFrame
    availability: pd.DataFrame
    rating_factors: pd.DataFrame
    contingencies: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    @cached_property
    def branches_in_service(self) -> pd.DataFrame:
        """Branches in service, in table order."""
        return self.branches[self.branches["in_service"]]

    @cached_property
    def graph(self) -> nx.MultiGraph:
        """The AC network in service.

        Nodes are bus ids with ``base_kv`` [kV], ``lat`` and ``lon`` [deg]; edges have the branch id as key, with
        ``rating_mw`` [MW], ``x_pu`` [pu] and ``kind``.
        """
        graph = nx.MultiGraph(name=self.name)
        buses = self.buses
        for bus, kv, lat, lon in zip(buses.index, buses["base_kv"], buses["lat"], buses["lon"], strict=True):
            graph.add_node(bus, base_kv=kv, lat=lat, lon=lon)
        rows = self.branches_in_service[["from_bus", "to_bus", "rating_mw", "x_pu", "kind"]]
        for branch, one, other, rating, x, kind in rows.itertuples(name=None):
            graph.add_edge(one, other, key=branch, rating_mw=rating, x_pu=x, kind=kind)
        return graph

    def islands(self) -> list[frozenset[str]]:
        """Return the connected parts of the AC network, the one with most load first.

        Returns
        -------
        list of frozenset of str
            Bus ids. Equal loads are ordered by number of buses, then by the first bus in table order.
        """
        load = self.buses["load_mw"].to_dict()
        order = {bus: i for i, bus in enumerate(self.buses.index)}
        parts = [frozenset(part) for part in nx.connected_components(self.graph)]
        return sorted(parts, key=lambda part: (-sum(load[n] for n in part), -len(part), min(order[n] for n in part)))

    def bridges(self) -> list[str]:
        """Return the branches whose outage splits the network, in table order; a parallel circuit is none."""
        rows = self.branches_in_service
        from_position = self.buses.index.get_indexer(rows["from_bus"])
        to_position = self.buses.index.get_indexer(rows["to_bus"])
        return list(rows.index[bridge_mask(from_position, to_position)])


def bridge_mask(from_position: np.ndarray, to_position: np.ndarray) -> np.ndarray:
    """Which branches are bridges: the only circuit between two buses, with no way around.

    Parameters
    ----------
    from_position, to_position : int array, shape (n_branch,)
        Bus positions of the ends.

    Returns
    -------
    bool array, shape (n_branch,)
    """
    ends = list(zip(from_position.tolist(), to_position.tolist(), strict=True))
    pairs = [(min(pair), max(pair)) for pair in ends]
    circuits = Counter(pairs)
    found = {(min(pair), max(pair)) for pair in nx.bridges(nx.Graph(pairs))}
    return np.array([pair in found and circuits[pair] == 1 for pair in pairs], dtype=bool)


def make_grid(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    base_mva: float = BASE_MVA,
    *,
    place: Place | None = None,
    files: Mapping[str, str] | None = None,
    findings: Iterable[Finding] = (),
) -> Grid:
    """Check tables and make a grid of them.

    Parameters
    ----------
    name : str
        Name of the network.
    tables : mapping of str to DataFrame
        Tables by name; ``buses``, ``branches`` and ``generators`` must be there. Ids may be columns or a named index.
    base_mva : float
        Base of the source, for information [MVA].
    place : callable, optional
        Names a row for people, from the table's name and the row's position.
    files : mapping of str to str, optional
        Name of each table's file for people; by default the table's name.
    findings : iterable of Finding
        What the reader found before.

    Raises
    ------
    InputError
        With every finding, if any is an error.
    """
    files = {table: (files or {}).get(table, table) for table in TABLES}
    row_place: Place = place or (lambda table, position: f"{files[table]} row {position + 1}")
    found = list(findings)
    typed: dict[str, pd.DataFrame] = {}
    for table in TABLES:
        raw = tables.get(table)
        if raw is None:
            found += _absent(table, files[table])
            typed[table] = empty_table(table)
            continue
        # Positions, not labels, so that `place` can name a row whatever the index was.
        raw = raw.reset_index(drop=raw.index.name not in {c.name for c in TABLES[table]})
        frame, problems = check_table(
            raw,
            TABLES[table],
            files[table],
            key=KEYS[table],
            extra=AC_COLUMNS.get(table, ()),
            place=functools.partial(row_place, table),
        )
        found += problems
        frame, notes = _fill(frame, table, files[table])
        found += notes
        typed[table] = index_table(frame, table)
    grid = Grid(name, base_mva, **typed)
    # Where a table or a column is not there at all, what other tables say of it would be noise.
    if not any(f.rule.startswith(("table.column.", "grid.table.")) and f.severity == "error" for f in found):
        found += check_rows(grid, row_place)
    if not any(f.severity == "error" for f in found):
        found += check_topology(grid, row_place)
    return replace(grid, findings=refuse_errors(errors_first(found)))


def _absent(table: str, file: str) -> list[Finding]:
    if table not in ("buses", "branches", "generators"):
        return []
    names = ", ".join(c.name for c in TABLES[table] if c.required)
    return [Finding("grid.table.missing", file, f"the {table} table is missing", "", f"add it, with columns {names}")]


def _fill(frame: pd.DataFrame, table: str, file: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Values that stand for others: a rating of 0 for none, no least transfer for the opposite of the largest."""
    notes = []
    if table in ("branches", "circuits"):
        unlimited = int((frame["rating_mw"] == 0).sum())
        frame = frame.assign(
            rating_mw=frame["rating_mw"].mask(frame["rating_mw"] == 0, np.inf),
            rating_emergency_mw=frame["rating_emergency_mw"].mask(frame["rating_emergency_mw"] == 0),
        )
        if unlimited:
            text = f"a rating of 0 is read as unlimited ({unlimited} rows)"
            notes.append(Finding("grid.branch.unlimited", f"{file}, rating_mw", text, severity="info"))
    if table == "hvdc":
        frame = frame.assign(p_min_mw=frame["p_min_mw"].fillna(-frame["p_max_mw"]))
    return frame, notes
