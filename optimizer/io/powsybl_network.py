"""Buses, loads, shunts, generators and HVDC links of a pypowsybl network as tables of ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding, Severity, refuse_errors
from optimizer.grid.schema import shorten

#: Powers from here on stand for none given [MW, Mvar]: Java's largest number, and 9999 of PSS/E and IEEE-CDF.
NO_LIMIT = 9999.0

#: Least and largest nominal voltage that is taken for one [kV].
NOMINAL_KV = (1e-3, 1e5)

#: Most names that a finding quotes.
_MOST_NAMED = 5


@dataclass
class Reading:
    """A network on its way to tables.

    Parameters
    ----------
    network : pypowsybl.network.Network
        The network.
    file : str
        Name of its file in findings.
    bus_of : dict of str to str
        Our bus of each bus-breaker bus that is part of one.
    bus_at : dict of str to str
        A bus of each voltage level, for ends of elements that are out of service.
    kv : dict of str to float
        Nominal voltage of each voltage level [kV].
    findings : list of Finding
        Warnings and notes.
    """

    network: Any
    file: str
    bus_of: dict[str, str] = field(default_factory=dict)
    bus_at: dict[str, str] = field(default_factory=dict)
    kv: dict[str, float] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def table(self, name: str) -> pd.DataFrame:
        """All attributes of the elements of one kind, in the order of their ids in the network."""
        return getattr(self.network, f"get_{name}")(all_attributes=True)

    def say(self, rule: str, text: str, names: Sequence[object] = (), severity: Severity = "info") -> None:
        """Note something about many elements: how many, and the first of them."""
        found = ", ".join(map(str, names[:_MOST_NAMED])) + (" ..." if len(names) > _MOST_NAMED else "")
        text = f"{text} ({len(names)})" if names else text
        self.findings.append(Finding(f"io.powsybl.{rule}", self.file, text, found, severity=severity))

    def end(self, connected: bool, bus: str, level: str) -> tuple[str, bool]:
        """Bus of one end of an element, and whether the element is connected there; no bus: an empty text."""
        if bus in self.bus_of:
            return self.bus_of[bus], bool(connected)
        return self.bus_at.get(level, ""), False


def read_buses(reading: Reading) -> pd.DataFrame:
    """Electrical buses: what closed switches join is one bus.

    Parameters
    ----------
    reading : Reading
        Receives ``bus_of``, ``bus_at``, ``kv`` and findings.

    Returns
    -------
    DataFrame
        Rows of the ``buses`` table without loads and shunts.
    """
    nodes = reading.table("bus_breaker_view_buses")
    levels = reading.table("voltage_levels")
    reading.kv.update(levels["nominal_v"].astype(float).to_dict())
    refuse_errors(_voltages(reading))
    switches = reading.table("switches")
    graph = nx.Graph()
    graph.add_nodes_from(nodes.index)
    closed = switches[~switches["open"].astype(bool)]
    joined = closed[["bus_breaker_bus1_id", "bus_breaker_bus2_id"]]
    graph.add_edges_from(pair for pair in joined.itertuples(index=False, name=None) if all(b in graph for b in pair))
    order = {node: i for i, node in enumerate(nodes.index)}
    unsorted = (sorted(part, key=order.__getitem__) for part in nx.connected_components(graph))
    parts = sorted(unsorted, key=lambda part: order[part[0]])
    by_switch = levels["topology_kind"].to_dict()
    taken: set[str] = set()
    rows, left = [], []
    level_of, valid = nodes["voltage_level_id"].to_dict(), nodes["bus_id"].to_dict()
    for part in parts:
        level = level_of[part[0]]
        detailed = by_switch[level] == "NODE_BREAKER"
        calculated = next((valid[node] for node in part if valid[node]), "")
        if detailed and not calculated:
            left.append(part[0])
            continue
        bus = _free((calculated if detailed else part[0]).strip() or "bus", taken)
        reading.bus_of.update(dict.fromkeys(part, bus))
        reading.bus_at.setdefault(level, bus)
        rows.append({"bus": bus, "node": part[0], "level": level, "joined": len(part)})
    frame = pd.DataFrame(rows, columns=["bus", "node", "level", "joined"])
    _say_joined(reading, frame, len(closed), left)
    return _described(reading, frame, nodes, levels)


def _voltages(reading: Reading) -> list[Finding]:
    """Nominal voltages that are none: per-unit values on them would be nonsense."""
    low, high = NOMINAL_KV
    remedy = f"it must be between {low:g} and {high:g} kV"
    text = "not a nominal voltage"
    found = [
        Finding("io.powsybl.nominal_v", f"{reading.file}, voltage level {level}", text, f"{kv:g} kV", remedy)
        for level, kv in reading.kv.items()
        if not low <= kv <= high
    ]
    return shorten(found)


def _say_joined(reading: Reading, frame: pd.DataFrame, closed: int, left: list[str]) -> None:
    merged = frame[frame["joined"] > 1]
    if len(merged):
        text = f"{closed} closed switches join bus bars, which are read as one bus each"
        reading.say("switches", text, merged["bus"].tolist())
    if left:
        reading.say("bus.open", "parts of substations behind open switches are left out", left)


def _free(name: str, taken: set[str]) -> str:
    """A name that is not taken yet; it is now."""
    free, count = name, 1
    while free in taken:
        count += 1
        free = f"{name}#{count}"
    taken.add(free)
    return free


def _described(reading: Reading, frame: pd.DataFrame, nodes: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """Columns of each bus from its voltage level and substation."""
    at = levels.loc[frame["level"]]
    kv = at["nominal_v"].to_numpy(dtype=float)
    substations = reading.table("substations")
    station = at["substation_id"].fillna("").astype(str).to_numpy()
    country = substations["country"].reindex(station).fillna("").to_numpy() if len(substations) else ""
    named = nodes.loc[frame["node"], "name"].fillna("").to_numpy()
    position = reading.network.get_extensions("substationPosition")
    place = {name: position[name].reindex(station).to_numpy(dtype=float) for name in ("latitude", "longitude")}
    with np.errstate(invalid="ignore"):
        described = frame.assign(
            base_kv=kv,
            lat=place["latitude"],
            lon=place["longitude"],
            substation=station,
            zone=country,
            name=np.where(named != "", named, at["name"].fillna("").to_numpy()),
            v_max_pu=at["high_voltage_limit"].to_numpy(dtype=float) / kv,
            v_min_pu=at["low_voltage_limit"].to_numpy(dtype=float) / kv,
            v_start_pu=nodes.loc[frame["node"], "v_mag"].to_numpy(dtype=float) / kv,
            angle_start_deg=nodes.loc[frame["node"], "v_angle"].to_numpy(dtype=float),
        )
    return described.drop(columns=["node", "level", "joined"])


def add_loads(reading: Reading, buses: pd.DataFrame) -> pd.DataFrame:
    """Return the buses with loads and shunts, those of unpaired boundary lines included."""
    sums: dict[str, np.ndarray] = {bus: np.zeros(4) for bus in buses["bus"]}
    loads = reading.table("loads")
    _add(reading, sums, "load", loads, loads["p0"], loads["q0"])
    shunts = reading.table("shunt_compensators")
    at = shunts["voltage_level_id"].map(reading.kv).astype(float) ** 2
    _add(reading, sums, "shunt", shunts, shunts["g"] * at, shunts["b"] * at, 2)
    _add_boundaries(reading, sums)
    _say_unread(reading)
    totals = np.array([sums[bus] for bus in buses["bus"]]).reshape(-1, 4)
    names = ("load_mw", "load_mvar", "shunt_mw", "shunt_mvar")
    return buses.assign(**{name: totals[:, k] for k, name in enumerate(names)})


def _add(
    reading: Reading,
    sums: dict[str, np.ndarray],
    what: str,
    frame: pd.DataFrame,
    p: pd.Series,
    q: pd.Series,
    position: int = 0,
) -> None:
    """Add what is connected to the sums of its bus."""
    out, empty = [], []
    columns = (frame["connected"], frame["bus_breaker_bus_id"], frame["voltage_level_id"], p, q)
    for id_, connected, node, level, mw, mvar in zip(frame.index, *columns, strict=True):
        bus, is_in = reading.end(connected, node, level)
        if not is_in:
            out.append(id_)
            continue
        if math.isnan(mw):
            empty.append(id_)
        sums[bus][position : position + 2] += np.nan_to_num([mw, mvar])
    if out:
        reading.say(f"{what}.out", f"{what}s out of service are left out", out)
    if empty:
        reading.say(f"{what}.empty", f"{what}s state no power: 0 MW is used", empty, "warning")


def _add_boundaries(reading: Reading, sums: dict[str, np.ndarray]) -> None:
    """Lines that leave the network are the load that they carry away."""
    lines = reading.table("boundary_lines")
    lines = lines[~lines["paired"].astype(bool)]
    if lines.empty:
        return
    inner = reading.table("boundary_lines_generation")
    made = inner[["target_p", "target_q"]].reindex(lines.index).fillna(0.0)
    p, q = lines["p0"] - made["target_p"], lines["q0"] - made["target_q"]
    _add(reading, sums, "boundary line", lines, p, q)
    text = "boundary lines end outside the file: what they carry is a fixed load, without the line's own losses"
    reading.say("boundary", text, lines.index.tolist(), "warning")


def _say_unread(reading: Reading) -> None:
    """Equipment of which nothing is read."""
    compensators = reading.table("static_var_compensators")
    if len(compensators):
        text = "static var compensators are left out: they matter for voltages only"
        reading.say("svc", text, compensators.index.tolist())
    direct = reading.table("dc_lines")
    if len(direct):
        text = "DC lines of detailed DC grids are not read: what they carry is not in the grid"
        reading.say("dc_grid", text, direct.index.tolist(), "warning")


_FUELS = {"OTHER": ""}


def read_generators(reading: Reading) -> pd.DataFrame:
    """Generators and batteries as rows of the ``generators`` table."""
    units = reading.table("generators")
    batteries = reading.table("batteries")
    kv = units["voltage_level_id"].map(reading.kv).astype(float)
    own = units["regulated_element_id"] == units.index
    local = np.where(own, units["target_v"], units["equivalent_local_target_v"])
    v_set = pd.Series(local, index=units.index, dtype=float).where(units["voltage_regulator_on"].astype(bool)) / kv
    fuel = units["energy_source"].map(lambda name: _FUELS.get(name, name.lower()))
    rows = [*_units(reading, units, fuel, v_set)]
    rows += _units(reading, batteries, pd.Series("battery", index=batteries.index), pd.Series(np.nan, batteries.index))
    frame = pd.DataFrame(rows, columns=list(_UNIT_COLUMNS))
    if len(batteries):
        reading.say("battery", "batteries are read as generators, without their energy", batteries.index.tolist())
    open_ended = frame["p_max_mw"].abs() >= NO_LIMIT
    if open_ended.any():
        text = f"generators have no largest output, or one of {NO_LIMIT:g} MW and more, as where none is known"
        reading.say("generator.p_max", text, frame["generator"][open_ended].tolist(), "warning")
    endless = frame["p_min_mw"] <= -NO_LIMIT
    if endless.any():
        text = f"generators have no least output, or one of -{NO_LIMIT:g} MW and below: 0 MW, or their output if below"
        reading.say("generator.p_min", text, frame["generator"][endless].tolist(), "warning")
        frame = frame.assign(p_min_mw=frame["p_min_mw"].mask(endless, np.minimum(frame["p_mw"], 0.0)))
    return frame


_UNIT_COLUMNS = (
    *("generator", "bus", "p_max_mw", "p_min_mw", "p_mw", "carrier", "in_service"),
    *("name", "q_mvar", "q_max_mvar", "q_min_mvar", "v_set_pu"),
)


def _units(reading: Reading, frame: pd.DataFrame, fuel: pd.Series, v_set: pd.Series) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    gone = []
    curve = frame["reactive_limits_kind"] == "CURVE"
    q_min = frame["min_q"].where(~curve, frame["min_q_at_target_p"])
    q_max = frame["max_q"].where(~curve, frame["max_q_at_target_p"])
    for id_, row in zip(frame.index, frame.to_dict("records"), strict=True):
        bus, is_in = reading.end(row["connected"], row["bus_breaker_bus_id"], row["voltage_level_id"])
        if not bus:
            gone.append(id_)
            continue
        limits = [value if abs(value) < NO_LIMIT else math.nan for value in (q_max[id_], q_min[id_])]
        powers = (row["max_p"], row["min_p"], row["target_p"])
        rows.append((id_, bus, *powers, fuel[id_], is_in, row["name"] or "", row["target_q"], *limits, v_set[id_]))
    if gone:
        reading.say("generator.out", "generators at no bus are left out", gone)
    return rows


def read_hvdc(reading: Reading) -> pd.DataFrame:
    """HVDC links as rows of the ``hvdc`` table; positive transfer goes from the rectifier to the inverter.

    The loss at the scheduled transfer ``p`` is that of the two stations, ``a1`` and ``a2``, and of the cable between:
    ``p - (1 - a2) ((1 - a1) p - R i^2)`` with ``i = (1 - a1) p / V``.
    """
    lines = reading.table("hvdc_lines")
    frames = [reading.table(f"{kind}_converter_stations") for kind in ("vsc", "lcc")]
    stations = {id_: row for frame in frames for id_, row in zip(frame.index, frame.to_dict("records"), strict=True)}
    rows: list[dict[str, object]] = []
    gone = []
    for id_, line in zip(lines.index, lines.to_dict("records"), strict=True):
        ends = [stations[line[f"converter_station{k}_id"]] for k in (1, 2)]
        if line["converters_mode"] != "SIDE_1_RECTIFIER_SIDE_2_INVERTER":
            ends.reverse()
        at = [reading.end(e["connected"], e["bus_breaker_bus_id"], e["voltage_level_id"]) for e in ends]
        first, second = (1 - end["loss_factor"] / 100 for end in ends)
        current = first * line["target_p"] / line["nominal_v"] if line["nominal_v"] else 0.0
        row = {"link": id_, "from_bus": at[0][0], "to_bus": at[1][0], "p_max_mw": line["max_p"]}
        row |= {"p_mw": line["target_p"], "loss_mw": second * line["r"] * current**2, "loss_share": 1 - first * second}
        row["in_service"] = at[0][1] and at[1][1] and bool(line["connected1"]) and bool(line["connected2"])
        if row["from_bus"] and row["to_bus"] and row["from_bus"] != row["to_bus"]:
            rows.append(row)
        else:
            gone.append(id_)
    if gone:
        reading.say("hvdc.out", "HVDC links without a bus at each end are left out", gone, "warning")
    droop = reading.network.get_extensions("hvdcAngleDroopActivePowerControl")
    followed = [id_ for id_, on in zip(droop.index, droop["enabled"], strict=True) if on] if len(droop) else []
    if followed:
        text = "HVDC links that follow the angle are held at their scheduled transfer"
        reading.say("hvdc.droop", text, followed, "warning")
    columns = ["link", "from_bus", "to_bus", "p_max_mw", "p_mw", "loss_mw", "loss_share", "in_service"]
    return pd.DataFrame(rows, columns=columns)
