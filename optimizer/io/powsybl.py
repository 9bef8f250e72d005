"""Grids of PSS/E RAW, CGMES, UCTE, IEEE-CDF and XIIDM files, read through pypowsybl.

pypowsybl turns each format into one model of substations, voltage levels and terminals, which becomes our tables here.
What a source holds and the tables do not, or what is changed on the way, is a finding with a count and the first names.

Source of the importers: PowSyBl, https://powsybl.readthedocs.io (grid exchange formats).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.network import Grid, make_grid
from optimizer.io.powsybl_branches import STAND_IN_X_PU, read_branches
from optimizer.io.powsybl_cdf import read_cdf
from optimizer.io.powsybl_network import Reading, add_loads, read_buses, read_generators, read_hvdc
from optimizer.io.powsybl_raw import read_raw
from optimizer.io.powsybl_raw_case import RawCase
from optimizer.io.powsybl_rawx import read_rawx
from optimizer.io.powsybl_source import check_xml, load_network, read_cgmes, read_plain
from optimizer.io.reading import check_file, read_bytes, refuse

#: Suffixes of the files that are read, and of what they are.
SUFFIXES = {
    ".raw": "PSS/E RAW",
    ".rawx": "PSS/E RAWX",
    ".zip": "CGMES",
    ".uct": "UCTE",
    ".txt": "IEEE-CDF",
    ".cdf": "IEEE-CDF",
    ".xiidm": "XIIDM",
    ".iidm": "XIIDM",
    ".xml": "XIIDM",
}

_IIDM = re.compile(r"(?:powsybl\.org|itesla_project\.eu)/schema/iidm/")


@dataclass
class _Source:
    """A network as imported, with what its file adds to it."""

    network: Any
    raw: RawCase = field(default_factory=RawCase)
    findings: list[Finding] = field(default_factory=list)


def read_powsybl(path: str | Path) -> Grid:
    """Read a grid that pypowsybl can import.

    Parameters
    ----------
    path : str or Path
        PSS/E RAW of version 33 to 35 (``.raw``) or RAWX (``.rawx``), CGMES as a ``.zip`` or a folder of XML files,
        UCTE (``.uct``), IEEE-CDF (``.txt``, ``.cdf``), or XIIDM (``.xiidm``, ``.iidm``, ``.xml``).

    Returns
    -------
    Grid
        Electrical buses, those of PSS/E and IEEE-CDF under their numbers; branches, generators and HVDC links under
        the ids of the importer, those out of service included. Nothing has a cost.

    Raises
    ------
    InputError
        With every finding: nothing there, another version, damaged, or refused by the importer.
    """
    path = Path(path)
    if not path.is_dir():
        check_file(path, str(path))
    source = _source(path)
    reading = Reading(source.network, path.name)
    tables, notes = _tables(reading, source)
    counts = ", ".join(f"{len(frame)} {table}" for table, frame in tables.items())
    text = f"read {counts} on {source.raw.base_mva:g} MVA"
    read = Finding("io.powsybl.read", path.name, text, severity="info")
    ids = {table: frame.iloc[:, 0].tolist() for table, frame in tables.items()}

    def place(table: str, position: int) -> str:
        return f"{path.name} {table} {ids[table][position]}"

    findings = [*source.findings, *reading.findings, *notes, read]
    files = dict.fromkeys(tables, path.name)
    return make_grid(path.stem, tables, source.raw.base_mva, place=place, files=files, findings=findings)


def _source(path: Path) -> _Source:
    """Check the file, each format in its way, and import it."""
    suffix = path.suffix.lower()
    if path.is_dir() or suffix == ".zip":
        content, _ = read_cgmes(path)
        return _imported(content, "", path)
    if suffix in (".xiidm", ".iidm", ".xml"):
        data = read_bytes(path, path.name)
        if not any(_IIDM.search(uri) for uri in check_xml(data, path.name).namespaces):
            text, remedy = (
                "not a network of PowSyBl",
                "give XIIDM; CGMES files go together, as a zip or folder",
            )
            raise refuse("io.powsybl.xml.unknown", path.name, text, "", remedy)
        return _imported(read_plain(path)[0], "case.xiidm", path)
    if suffix not in SUFFIXES:
        text, remedy = "unknown format of a grid", f"give one of {', '.join(SUFFIXES)}, or a folder of CGMES files"
        raise refuse("file.format", str(path), text, path.suffix or "no suffix", remedy)
    text, findings = read_plain(path)
    if suffix in _AS_RAW:
        raw = _AS_RAW[suffix](text, path.name)
        source = _imported(raw.text, "case.raw", path)
        return _Source(source.network, raw, [*findings, *raw.findings, *source.findings])
    if not text.lstrip().startswith("##"):
        raise refuse("io.powsybl.uct", path.name, "not a UCTE file", text[:20].strip(), "it begins with a line ##C")
    source = _imported(text, "case.uct", path)
    return _Source(source.network, findings=[*findings, *_uct_sections(text, path.name), *source.findings])


#: Readers of what is turned into a RAW file.
_AS_RAW = {".raw": read_raw, ".rawx": read_rawx, ".txt": read_cdf, ".cdf": read_cdf}


def _uct_sections(text: str, file: str) -> list[Finding]:
    """A file that is cut off between two lines shows only by what is missing."""
    missing = [name for name in ("##N", "##L", "##T", "##R") if not re.search(rf"^{name}\b", text, re.MULTILINE)]
    if not missing:
        return []
    text = "sections of the format are missing: is the file cut off?"
    return [Finding("io.powsybl.uct.section", file, text, ", ".join(missing), "get it again", "warning")]


def _imported(content: str | bytes, name: str, path: Path, parameters: dict[str, str] | None = None) -> _Source:
    network, findings = load_network(content, name, path.name, parameters or {})
    return _Source(network, findings=findings)


def _tables(reading: Reading, source: _Source) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Tables of the schema."""
    buses = add_loads(reading, read_buses(reading))
    branches, stars = read_branches(reading)
    tables = {
        "buses": pd.concat([buses, stars], ignore_index=True) if len(stars) else buses,
        "branches": _rated(branches, source.raw),
        "generators": read_generators(reading),
        "hvdc": read_hvdc(reading),
    }
    if source.raw.bus:
        tables = _numbers(tables)
    tables["buses"] = _known(tables["buses"], source.raw)
    tables = _joined(tables, reading)
    tables = _live(tables, reading)
    text = "the file states no generator costs: every generator is free"
    cost = Finding("io.powsybl.costs.missing", reading.file, text, severity="warning")
    return {name: frame for name, frame in tables.items() if name != "hvdc" or len(frame)}, [cost]


def _rated(branches: pd.DataFrame, raw: RawCase) -> pd.DataFrame:
    """Branches with the ratings and line impedances of a RAW file, of which the importer keeps less."""
    if not raw.ratings:
        return branches
    columns = ("rating_mw", "rating_emergency_mw", "rating_short_term_mw")
    rated = np.array([raw.ratings.get(id_, (0.0, 0.0, 0.0)) for id_ in branches["branch"]]).reshape(-1, 3)
    values = {name: rated[:, k] for k, name in enumerate(columns)}
    values["rating_short_term_mw"] = np.where(rated[:, 2] > 0, rated[:, 2], np.nan)
    none = branches["branch"].isin(raw.no_reactance)
    branches = branches.assign(**values, x_pu=branches["x_pu"].mask(none, 0.0))
    own = zip(branches["r_pu"], branches["x_pu"], branches["b_pu"], strict=True)
    series = np.array([raw.lines.get(id_, one) for id_, one in zip(branches["branch"], own, strict=True)]).reshape(
        -1, 3
    )
    tap = branches["tap"].mask(branches["branch"].isin(raw.lines.keys()), 1.0)
    return branches.assign(r_pu=series[:, 0], x_pu=series[:, 1], b_pu=series[:, 2], tap=tap)


def _numbers(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Buses under the numbers of the source, which the importer puts a letter before."""

    def number(bus: str) -> str:
        return bus[1:] if re.fullmatch(r"B\d+", bus) else bus

    ends = ("bus", "from_bus", "to_bus")
    return {
        name: frame.assign(**{column: frame[column].map(number) for column in ends if column in frame.columns})
        for name, frame in tables.items()
    }


def _known(buses: pd.DataFrame, raw: RawCase) -> pd.DataFrame:
    """Buses in the order of the file, with what it says of them beyond the network."""
    if not raw.bus:
        return buses
    order = {bus: i for i, bus in enumerate(raw.bus)}  # the importer groups the buses by voltage level
    placed = buses["bus"].map(lambda bus: order.get(bus, len(order))).sort_values(kind="stable")
    buses = buses.loc[placed.index].reset_index(drop=True)
    rows = [raw.bus.get(bus, {}) for bus in buses["bus"]]
    given = {name for row in rows for name in row}
    for name in sorted(given):
        others = buses[name] if name in buses.columns else [1] * len(buses)  # a star point is a load bus
        buses = buses.assign(**{name: [row.get(name, other) for row, other in zip(rows, others, strict=True)]})
    return buses


def _joined(tables: dict[str, pd.DataFrame], reading: Reading) -> dict[str, pd.DataFrame]:
    """Tables without reactances of zero: the buses of such a line are one; another branch gets a small reactance."""
    branches, buses = tables["branches"], tables["buses"]
    zero = branches["x_pu"] == 0
    if not zero.any():
        return tables
    kv = buses.set_index("bus")["base_kv"]
    alike = kv.loc[branches["from_bus"]].to_numpy() == kv.loc[branches["to_bus"]].to_numpy()
    plain = zero & alike & (branches["shift_deg"] == 0) & (branches["tap"] == 1)
    rest = branches["branch"][zero & ~plain].tolist()
    if rest:
        text = f"branches that change voltage or phase have no reactance: {STAND_IN_X_PU:g} pu is used"
        reading.say("branch.no_reactance", text, rest, "warning")
    branches = branches.assign(x_pu=branches["x_pu"].mask(zero & ~plain, STAND_IN_X_PU))
    closing = plain & branches["in_service"].astype(bool)
    graph = nx.Graph()
    graph.add_nodes_from(buses["bus"])
    graph.add_edges_from(zip(branches["from_bus"][closing], branches["to_bus"][closing], strict=True))
    order = {bus: i for i, bus in enumerate(buses["bus"])}
    into = {bus: min(part, key=order.__getitem__) for part in nx.connected_components(graph) for bus in part}
    moved = {name: _moved(frame, into) for name, frame in {**tables, "branches": branches}.items() if name != "buses"}
    looped = moved["branches"]["from_bus"] == moved["branches"]["to_bus"]
    gone = looped | (plain & ~closing)
    text = "lines have no reactance: the buses of those in service are one, and what is between them is left out"
    reading.say("branch.merged", text, moved["branches"]["branch"][gone].tolist(), "warning")
    moved["branches"] = moved["branches"][~gone].reset_index(drop=True)
    if "hvdc" in moved:
        moved["hvdc"] = moved["hvdc"][moved["hvdc"]["from_bus"] != moved["hvdc"]["to_bus"]].reset_index(drop=True)
    return {"buses": _merged(buses, into), **moved}


def _moved(frame: pd.DataFrame, into: dict[str, str]) -> pd.DataFrame:
    ends = [column for column in ("bus", "from_bus", "to_bus") if column in frame.columns]
    return frame.assign(**{column: frame[column].map(into) for column in ends})


def _merged(buses: pd.DataFrame, into: dict[str, str]) -> pd.DataFrame:
    """Buses that are one have the sum of their loads and shunts; the rest is that of the first."""
    sums = ["load_mw", "load_mvar", "shunt_mw", "shunt_mvar"]
    totals = buses[sums].groupby(buses["bus"].map(into), sort=False).sum()
    kept = buses[buses["bus"].map(into) == buses["bus"]]
    return kept.assign(**{name: totals.loc[kept["bus"], name].to_numpy() for name in sums}).reset_index(drop=True)


def _live(tables: dict[str, pd.DataFrame], reading: Reading) -> dict[str, pd.DataFrame]:
    """Tables without the parts of the network that no generator in service reaches, and without single buses."""
    buses, generators = tables["buses"], tables["generators"]
    graph = nx.Graph()
    graph.add_nodes_from(buses["bus"])
    for name in ("branches", "hvdc"):
        running = tables[name][tables[name]["in_service"].astype(bool)]
        graph.add_edges_from(zip(running["from_bus"], running["to_bus"], strict=True))
    made = generators[generators["in_service"].astype(bool)]
    feeding = set(made["bus"])
    parts = list(nx.connected_components(graph))
    dead = {bus for part in parts if not part & feeding for bus in part}
    alone = {bus for part in parts if len(part) == 1 for bus in part & feeding}
    if not parts or len(dead | alone) == len(buses):  # what is wrong with such a case is found with the whole of it
        return tables
    for gone, rule, text in (
        (dead, "island.dead", "buses that no generator in service reaches are left out"),
        (alone, "island.single", "single buses, which no branch in service reaches, are left out"),
    ):
        out = buses[buses["bus"].isin(gone)]
        load, power = float(out["load_mw"].sum()), float(made["p_mw"][made["bus"].isin(gone)].sum())
        if len(out):
            text += f", with {load:g} MW of load and {power:g} MW of generation"
            reading.say(rule, text, out["bus"].tolist(), "warning" if load or power else "info")
    ends = ("bus", "from_bus", "to_bus")
    return {
        name: frame[~frame[[c for c in ends if c in frame.columns]].isin(dead | alone).any(axis=1)].reset_index(
            drop=True
        )
        for name, frame in tables.items()
    }
