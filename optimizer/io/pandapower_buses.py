"""Buses of pandapower: which of them are one, what is consumed at them, and where they are."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.grid.network import BASE_MVA
from optimizer.io.pandapower_source import Source
from optimizer.io.raw_table import RawTable, chosen

#: Adds a finding about some elements: rule, table, text, names, severity, remedy.
Note = Callable[..., None]

#: Resistance over reactance of a closed switch that has an impedance, as pandapower's power flow assumes.
_SWITCH_RX = 2.0


@dataclass(frozen=True)
class BusMap:
    """Which bus stands for each bus.

    Parameters
    ----------
    source : Source
        The file.
    kv : dict of str to float
        Nominal voltage of every bus [kV].
    out : set of str
        Buses out of service.
    stands : dict of str to str
        The bus that stands for each bus: the first in table order of those that switches join.
    """

    source: Source
    kv: dict[str, float]
    out: set[str]
    stands: dict[str, str]

    @classmethod
    def of(cls, source: Source, note: Note) -> BusMap:
        """Join the buses of a file that closed switches without impedance connect."""
        table = source.table("bus")
        names = table.names
        running = table.flag("in_service")
        out = {name for name, runs in zip(names, running, strict=True) if not runs}
        kv = dict(zip(names, table.number("vn_kv").tolist(), strict=True))
        note("bus.out", "bus", "buses out of service, and what is at them, are left out", chosen(names, ~running))
        note(
            "bus.duplicate", "bus", "the index is given twice", _repeated(names), "error", "give each bus its own index"
        )
        joined = nx.Graph()
        joined.add_nodes_from(names)
        pairs = [pair for pair, ohm in _closed(source) if not ohm > 0]
        joined.add_edges_from((one, other) for one, other in pairs if one in kv and other in kv)
        order = {name: i for i, name in enumerate(names)}
        stands = {}
        apart = []
        for part in nx.connected_components(joined.subgraph([name for name in names if name not in out])):
            first = min(part, key=order.__getitem__)
            stands.update(dict.fromkeys(part, first))
            if len({kv[name] for name in part}) > 1:
                apart.append(first)
        merged = [name for name in names if stands.get(name, name) != name]
        note("switch.merged", "switch", "buses that closed switches join are one bus", merged)
        text = "buses of different voltage are joined by a switch: the voltage of the first is used"
        note("switch.voltage", "switch", text, apart, "warning")
        return cls(source, kv, out, stands)

    def switches(self) -> pd.DataFrame:
        """Closed switches with an impedance, as branches."""
        rows = []
        table = self.source.table("switch")
        for name, kind, closed, ohm, one, other in zip(
            table.names,
            table.text("et"),
            table.flag("closed"),
            table.number("z_ohm", 0.0),
            table.text("bus"),
            table.text("element"),
            strict=True,
        ):
            if kind == "b" and closed and ohm > 0:
                z = ohm / self.kv.get(one, math.nan) ** 2 * BASE_MVA / math.hypot(1, _SWITCH_RX)
                rows.append((f"switch {name}", one, other, z, z * _SWITCH_RX, math.inf, "line", 1.0, 0.0, True))
        columns = "branch from_bus to_bus x_pu r_pu rating_mw kind tap shift_deg in_service".split()
        return pd.DataFrame(rows, columns=columns)

    def moved(self, frame: pd.DataFrame, note: Note) -> pd.DataFrame:
        """A table at the buses that stand for others, without what is at buses out of service or between one bus."""
        columns = [column for column in ("bus", "from_bus", "to_bus") if column in frame.columns]
        if not columns or frame.empty:
            return frame
        gone = frame[columns].isin(self.out).any(axis=1)
        frame = frame[~gone]
        if columns == ["bus"] and frame.columns[0] == "bus":
            return frame[frame["bus"].map(lambda bus: self.stands.get(bus, bus)) == frame["bus"]].reset_index(drop=True)
        frame = frame.assign(**{c: frame[c].map(lambda bus: self.stands.get(bus, bus)) for c in columns})
        if "from_bus" in columns:
            one = (frame["from_bus"] == frame["to_bus"]) & (frame["from_bus"] != "")
            name = frame.columns[0]
            text = "both ends are one bus, which switches join: left out"
            note("branch.loop", name, text, list(frame[name][one]), "warning")
            frame = frame[~one]
        return frame.reset_index(drop=True)


def _repeated(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _closed(source: Source) -> list[tuple[tuple[str, str], float]]:
    """Buses that closed switches join, with the impedance of the switch [ohm]."""
    table = source.table("switch")
    ends = zip(table.text("bus"), table.text("element"), strict=True)
    kinds, ohms = table.text("et"), table.number("z_ohm", 0.0).tolist()
    rows = zip(ends, kinds, table.flag("closed"), ohms, strict=True)
    return [(pair, ohm) for pair, kind, closed, ohm in rows if kind == "b" and closed]


def bus_table(source: Source, buses: BusMap, stars: pd.DataFrame, note: Note) -> pd.DataFrame:
    """Return the buses with what is consumed at them, those of three-winding transformers last.

    Parameters
    ----------
    source : Source
        The file.
    buses : BusMap
        Which bus stands for each.
    stars : DataFrame
        ``bus`` and ``base_kv`` of the buses in the middle of transformers.
    note : callable
        Adds a finding.
    """
    table = source.table("bus")
    total = {quantity: dict.fromkeys(table.names, 0.0) for quantity in ("p", "q", "g", "b")}
    _add_loads(source, buses, total, note)
    _add_shunts(source, buses, total, note)
    lon, lat = _positions(source, table, note)
    kinds = _kinds(source, buses)
    frame = pd.DataFrame(
        {
            "bus": table.names,
            "base_kv": table.number("vn_kv"),
            "load_mw": [total["p"][name] for name in table.names],
            "lat": lat,
            "lon": lon,
            "zone": table.text("zone"),
            "name": table.text("name"),
            "shunt_mw": [total["g"][name] for name in table.names],
            "type": [kinds.get(name, 1) for name in table.names],
            "load_mvar": [total["q"][name] for name in table.names],
            "shunt_mvar": [total["b"][name] for name in table.names],
            "v_max_pu": _voltage(table.number("max_vm_pu")),
            "v_min_pu": _voltage(table.number("min_vm_pu")),
        }
    )
    if stars.empty:
        return frame
    extra = stars.assign(name=stars["bus"], type=1)
    return pd.concat([frame, extra.reindex(columns=frame.columns)], ignore_index=True)


def _voltage(values: np.ndarray) -> np.ndarray:
    """Limits [pu]; those that pandapower's converters write for none are none."""
    return np.where((values > 0) & (values < 2), values, np.nan)


def _kinds(source: Source, buses: BusMap) -> dict[str, int]:
    """Types of the format of MATPOWER: 3 where the angle is held, 2 where the voltage is."""
    kinds: dict[str, int] = {}
    for name, number in (("gen", 2), ("ext_grid", 3)):
        table = source.table(name)
        slack = table.flag("slack", False)
        for bus, runs, holds in zip(table.text("bus"), table.flag("in_service"), slack, strict=True):
            if runs:
                kinds[buses.stands.get(bus, bus)] = max(
                    3 if holds else number, kinds.get(buses.stands.get(bus, bus), 1)
                )
    return kinds


def _add(buses: BusMap, total: dict[str, float], at: list[str], values: np.ndarray) -> None:
    for bus, value in zip(at, values.tolist(), strict=True):
        if bus in buses.kv and bus not in buses.out:
            total[buses.stands.get(bus, bus)] += value


def _add_loads(source: Source, buses: BusMap, total: dict[str, dict[str, float]], note: Note) -> None:
    """Add what consumes constant power. Nothing but a motor turns its rated power into another one."""
    for name in ("load", "asymmetric_load", "asymmetric_sgen", "motor", "ward", "xward"):
        table = source.table(name)
        if not len(table):
            continue
        runs = table.flag("in_service")
        note("out", name, "out of service: left out", chosen(table.names, ~runs))
        at = table.text("bus")
        unknown = [element for element, bus in zip(table.names, at, strict=True) if bus not in buses.kv]
        note("bus.unknown", name, "the bus is not in the network", unknown, "error", "correct its bus")
        sign = -1.0 if name == "asymmetric_sgen" else 1.0
        factor = sign * runs * table.number("scaling", 1.0)
        active, reactive = _power(table, name)
        _add(buses, total["p"], at, active * factor)
        _add(buses, total["q"], at, reactive * factor)
    converted = [*(f"xward {n}" for n in source.table("xward").names)]
    note("xward.voltage", "xward", "the voltage source of an extended ward is not read", converted)


def _power(table: RawTable, name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "motor":
        mechanical = table.number("pn_mech_mw", 0.0) * table.number("loading_percent", 100.0)
        active = mechanical / table.number("efficiency_percent", 100.0)
        cos = table.number("cos_phi", 1.0)
        return active, active * np.sqrt(np.maximum(1 / cos**2 - 1, 0))
    if name in ("ward", "xward"):
        return table.number("ps_mw", 0.0), table.number("qs_mvar", 0.0)
    if name.startswith("asymmetric"):
        phases = [(table.number(f"p_{x}_mw", 0.0), table.number(f"q_{x}_mvar", 0.0)) for x in "abc"]
        return np.sum([p for p, _ in phases], axis=0), np.sum([q for _, q in phases], axis=0)
    return table.number("p_mw", 0.0), table.number("q_mvar", 0.0)


def _add_shunts(source: Source, buses: BusMap, total: dict[str, dict[str, float]], note: Note) -> None:
    for name, prefix in (("shunt", ""), ("ward", "z"), ("xward", "z")):
        table = source.table(name)
        if not len(table):
            continue
        at, runs = table.text("bus"), table.flag("in_service")
        kv = np.array([buses.kv.get(buses.stands.get(bus, bus), math.nan) for bus in at], dtype=float)
        rated = table.number("vn_kv", math.nan) if name == "shunt" else kv
        factor = (kv / np.where(np.isnan(rated), kv, rated)) ** 2 * runs * table.number("step", 1.0)
        _add(buses, total["g"], at, table.number(f"p{prefix}_mw", 0.0) * factor)
        _add(buses, total["b"], at, -table.number(f"q{prefix}_mvar", 0.0) * factor)
    table = source.table("shunt")
    stepped = chosen(table.names, table.flag("step_dependency_table", False))
    note("shunt.characteristic", "shunt", "values by step of a table are not read", stepped, "warning")
    unknown = [name for name, bus in zip(table.names, table.text("bus"), strict=True) if bus not in buses.kv]
    note("bus.unknown", "shunt", "the bus is not in the network", unknown, "error", "correct its bus")


def _positions(source: Source, table: RawTable, note: Note) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes: of GeoJSON in the bus table, or of the table of positions that version 2 writes."""
    if table.has("geo"):
        points = [_point(text) for text in table.text("geo")]
        where, text = "bus", "positions are taken as longitude and latitude, as GeoJSON has them"
    else:
        old = source.table("bus_geodata")
        given = dict(zip(old.names, zip(old.number("x"), old.number("y"), strict=True), strict=True))
        points = [given.get(name, (math.nan, math.nan)) for name in table.names]
        where, text = "bus_geodata", "x and y are taken as longitude and latitude"
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    known = np.isfinite(x) & np.isfinite(y)
    outside = known & ~((np.abs(x) <= 180) & (np.abs(y) <= 90))
    if outside.any():
        text = "positions are no longitudes and latitudes: buses have no coordinates"
        remedy = "join coordinates from a table, or convert them to WGS 84"
        note("bus.coordinates", where, text, chosen(table.names, outside), "warning", remedy)
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    note("bus.positions", where, text, chosen(table.names, known))
    return np.where(known, x, np.nan), np.where(known, y, np.nan)


def _point(text: str) -> tuple[float, float]:
    """Coordinates of a point of GeoJSON; nan where there is none."""
    try:
        x, y = json.loads(text)["coordinates"][:2]
        return float(x), float(y)
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return math.nan, math.nan
