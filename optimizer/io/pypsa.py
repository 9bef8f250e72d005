"""Networks of PyPSA: a netCDF file or a folder of CSV tables, read without PyPSA.

Only the alternating-current network becomes a grid: buses of other carriers, and what is at them, are counted in a
finding. Series are taken at one snapshot, that of the largest load, so that loads and availability belong together.

Source of the meaning of components: PyPSA documentation, "Components" and "Power Flow", https://docs.pypsa.org.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, Severity, refuse_errors
from optimizer.grid.network import Grid, make_grid
from optimizer.grid.schema import errors_first
from optimizer.io.pypsa_branches import read_branches
from optimizer.io.pypsa_source import Source, read_folder, read_netcdf
from optimizer.io.raw_table import RawTable, cell_findings, chosen, note
from optimizer.io.reading import check_file


def read_pypsa(path: str | Path) -> Grid:
    """Read a network of PyPSA.

    Parameters
    ----------
    path : str or Path
        NetCDF file (``.nc``), of the HDF5 or the classic kind, or folder of CSV tables.

    Returns
    -------
    Grid
        Elements under their names; where a line and a transformer, or a generator and a storage unit, share a name,
        the second is prefixed with its kind. Costs are taken as dollars unchanged.

    Raises
    ------
    InputError
        With every finding.
    """
    path = Path(path)
    if not path.is_dir():
        check_file(path, str(path))
    source = read_folder(path) if path.is_dir() else read_netcdf(path)
    # Absurd values of a damaged file overflow here, and are refused by the check of the tables.
    with np.errstate(all="ignore"):
        reading = _Reading.of(source)
        tables = _tables(reading)
    findings = [*source.findings, *cell_findings(source.tables), *reading.findings]
    refuse_errors(errors_first(findings))
    ids = {table: frame.iloc[:, 0].tolist() for table, frame in tables.items()}
    file = source.file

    def place(table: str, position: int) -> str:
        return f"{file} {table} {ids[table][position]}"

    counts = ", ".join(f"{len(frame)} {table}" for table, frame in tables.items())
    findings.append(Finding("io.pypsa.read", file, f"read {counts}", severity="info"))
    name = path.resolve().name if path.is_dir() else path.stem
    return make_grid(name, tables, place=place, files=dict.fromkeys(tables, file), findings=findings)


@dataclass
class _Reading:
    """A source with what every part of it needs."""

    source: Source
    snapshot: int
    ac: set[str]
    v_nom: dict[str, float]
    findings: list[Finding]

    @classmethod
    def of(cls, source: Source) -> _Reading:
        buses = source.tables["buses"]
        carriers = buses.text("carrier", "AC")
        ac = {name for name, carrier in zip(buses.names, carriers, strict=True) if carrier == "AC"}
        reading = cls(source, 0, ac, dict(zip(buses.names, buses.number("v_nom", 1.0), strict=True)), [])
        reading._pick_snapshot()
        others = [name for name in buses.names if name not in ac]
        text = "buses of other carriers than AC, and what is at them, are left out"
        reading.note("bus.carrier", "buses", text, others, "warning")
        for component, count in source.unread.items():
            if count:
                severity: Severity = "info" if component == "global_constraints" else "warning"
                text, found = f"{component} are not read", f"{count} rows"
                where = f"{source.file} {component}"
                reading.findings.append(Finding("io.pypsa.unread", where, text, found, severity=severity))
        return reading

    def note(
        self, rule: str, table: str, text: str, names: list[str], severity: Severity = "info", remedy: str = ""
    ) -> None:
        """Add a finding about some elements of a table."""
        note(self.findings, f"io.pypsa.{rule}", f"{self.source.file} {table}", text, names, severity, remedy)

    def at(self, component: str, attribute: str, default: float) -> np.ndarray:
        """An attribute at the snapshot: its series where there is one, else its static value."""
        table = self.source.tables[component]
        values = table.number(attribute, default)
        series = self.source.series.get((component, attribute))
        if series is None or not series.names:
            return values
        row = series.rows(self.snapshot, self.snapshot + 1)[0]
        given = dict(zip(series.names, row.tolist(), strict=True))
        for i, name in enumerate(table.names):
            number = given.get(name, math.nan)
            if not math.isnan(number):
                values[i] = number
        return values

    def at_ac(self, component: str) -> np.ndarray:
        """Which rows are at buses that are read; a bus that does not exist stays, to be refused by name."""
        table = self.source.tables[component]
        known = self.v_nom.keys()
        return np.array([bus in self.ac or bus not in known for bus in table.text("bus")], dtype=bool)

    def _pick_snapshot(self) -> None:
        source = self.source
        if not source.series or source.snapshots < 1:
            return
        where = f"{source.file}, snapshots"
        series = source.series.get(("loads", "p_set"))
        if series is not None and series.names and source.snapshots > 0:
            weights = self._load_weights(series.names)
            self.snapshot = int(np.argmax(series.sums(source.snapshots, weights)))
        names = ", ".join(sorted(f"{component} {attribute}" for component, attribute in source.series))
        text = (
            f"series are taken at snapshot {self.snapshot + 1} of {source.snapshots}, that of the largest load; "
            "the other snapshots are not in the grid"
        )
        remedy = "give further operating conditions in the study, as [[grid.snapshot]]"
        severity: Severity = "warning" if source.snapshots > 1 else "info"
        self.findings.append(Finding("io.pypsa.snapshot", where, text, names, remedy, severity))

    def _load_weights(self, names: list[str]) -> np.ndarray:
        loads = self.source.tables.get("loads")
        if loads is None:
            return np.zeros(len(names))
        counted = dict(zip(loads.names, -loads.number("sign", -1.0) * self.at_ac("loads"), strict=True))
        return np.array([counted.get(name, 0.0) for name in names])


def _tables(reading: _Reading) -> dict[str, pd.DataFrame]:
    if "loads" not in reading.source.tables:
        text = "the network has no loads"
        reading.findings.append(Finding("io.pypsa.loads", reading.source.file, text, severity="warning"))
    tables = {
        "buses": _buses(reading),
        "branches": read_branches(reading.source, reading.v_nom, reading.ac, reading.at, reading.note),
        "generators": _generators(reading),
        "hvdc": _links(reading),
    }
    return {name: frame for name, frame in tables.items() if name != "hvdc" or len(frame)}


def _buses(reading: _Reading) -> pd.DataFrame:
    table = reading.source.tables["buses"]
    kept = np.array([name in reading.ac for name in table.names], dtype=bool)
    rows = table.rows(kept)
    lon, lat = _positions(reading, rows)
    load = {"p_set": dict.fromkeys(rows.names, 0.0), "q_set": dict.fromkeys(rows.names, 0.0)}
    shunt = {"g": dict.fromkeys(rows.names, 0.0), "b": dict.fromkeys(rows.names, 0.0)}
    _add_loads(reading, load)
    _add_shunts(reading, shunt)
    v_max = rows.number("v_mag_pu_max", math.inf)
    return pd.DataFrame(
        {
            "bus": rows.names,
            "base_kv": rows.number("v_nom", 1.0),
            "load_mw": _each(rows, load["p_set"]),
            "lat": lat,
            "lon": lon,
            "zone": rows.text("country"),
            "substation": rows.text("location"),
            "shunt_mw": _each(rows, shunt["g"]),
            "load_mvar": _each(rows, load["q_set"]),
            "shunt_mvar": _each(rows, shunt["b"]),
            "v_max_pu": np.where(np.isfinite(v_max), v_max, np.nan),
            "v_min_pu": rows.number("v_mag_pu_min", math.nan),
        }
    )


def _each(rows: RawTable, values: dict[str, float]) -> list[float]:
    return [values[name] for name in rows.names]


def _positions(reading: _Reading, rows: RawTable) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes, where x and y can be that; (0, 0) is what PyPSA writes where nothing is known."""
    x, y = rows.number("x", 0.0), rows.number("y", 0.0)
    given = (x != 0) | (y != 0)
    none = np.full(len(rows), np.nan)
    if not given.any():
        return none, none
    outside = given & ~((np.abs(x) <= 180) & (np.abs(y) <= 90))
    if reading.source.srid not in ("", "4326") or outside.any():
        text = "x and y are no longitudes and latitudes: buses have no coordinates"
        remedy = "convert them to WGS 84 (srid 4326), or join coordinates from a table"
        names = chosen(rows.names, outside) or rows.names
        where = f"buses (srid {reading.source.srid or 'not given'})"
        reading.note("bus.coordinates", where, text, names, "warning", remedy)
        return none, none
    reading.note("bus.no_coordinates", "buses", "buses at (0, 0) have no coordinates", chosen(rows.names, ~given))
    return np.where(given, x, np.nan), np.where(given, y, np.nan)


def _add_loads(reading: _Reading, load: dict[str, dict[str, float]]) -> None:
    table = reading.source.tables.get("loads")
    if table is None:
        return
    active, sign = table.flag("active"), table.number("sign", -1.0)
    reading.note("load.inactive", "loads", "loads that are not active are left out", chosen(table.names, ~active))
    buses = table.text("bus")
    for attribute, total in load.items():
        values = -sign * reading.at("loads", attribute, 0.0)
        for bus, value, taken in zip(buses, values.tolist(), active, strict=True):
            if taken and bus in total:
                total[bus] += value
    unknown = [n for n, bus in zip(table.names, buses, strict=True) if bus not in reading.v_nom]
    reading.note("bus.unknown", "loads", "the bus of a load is not in the network", unknown, "error", "correct its bus")


def _add_shunts(reading: _Reading, shunt: dict[str, dict[str, float]]) -> None:
    table = reading.source.tables.get("shunt_impedances")
    if table is None:
        return
    active, buses = table.flag("active"), table.text("bus")
    for attribute, total in shunt.items():
        # Siemens times the square of kilovolts is megawatts at nominal voltage.
        for bus, value, taken in zip(buses, table.number(attribute, 0.0).tolist(), active, strict=True):
            if taken and bus in total:
                total[bus] += value * reading.v_nom[bus] ** 2
    unknown = [n for n, bus in zip(table.names, buses, strict=True) if bus not in reading.v_nom]
    text = "the bus of a shunt is not in the network"
    reading.note("bus.unknown", "shunt_impedances", text, unknown, "error", "correct its bus")


def _generators(reading: _Reading) -> pd.DataFrame:
    """Generators, then storage units, which have no limit on their energy here."""
    frames = []
    for component in ("generators", "storage_units"):
        if component in reading.source.tables:
            frames.append(_units(reading, component))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["generator", "bus", "p_max_mw"])
    priced = frame.loc[frame["cost_usd_per_mwh"] != 0, "generator"].tolist() if "cost_usd_per_mwh" in frame else []
    reading.note("currency", "generators", "costs are taken as US dollars, unchanged", priced)
    return frame


def _units(reading: _Reading, component: str) -> pd.DataFrame:
    table = reading.source.tables[component]
    storage = component == "storage_units"
    p_nom, sign = table.number("p_nom", 0.0), table.number("sign", 1.0)
    low = p_nom * reading.at(component, "p_min_pu", -1.0 if storage else 0.0)
    high = p_nom * reading.at(component, "p_max_pu", 1.0)
    carbon = _carbon(reading, table, "efficiency_dispatch" if storage else "efficiency")
    names = table.names
    if storage:
        taken = set(reading.source.tables["generators"].names) if "generators" in reading.source.tables else set()
        shared = [name for name in names if name in taken]
        reading.note("name.shared", component, "named as a generator: prefixed with 'storage '", shared)
        names = [f"storage {name}" if name in taken else name for name in names]
    frame = pd.DataFrame(
        {
            "generator": names,
            "bus": table.text("bus"),
            "p_max_mw": np.where(sign < 0, -low, high) * np.abs(sign),
            "p_min_mw": np.where(sign < 0, -high, low) * np.abs(sign),
            "p_mw": sign * reading.at(component, "p_set", math.nan),
            "cost_usd_per_mwh": np.sign(sign) * reading.at(component, "marginal_cost", 0.0),
            "cost_quadratic_usd_per_mw2h": reading.at(component, "marginal_cost_quadratic", 0.0),
            "carrier": table.text("carrier"),
            "carbon_t_per_mwh": carbon,
            "q_mvar": sign * reading.at(component, "q_set", 0.0),
            "in_service": table.flag("active"),
        }
    )
    kept = reading.at_ac(component)
    text = "at buses of other carriers: left out"
    reading.note("carrier.left_out", component, text, chosen(table.names, ~kept), "warning")
    if storage:
        text = "storage units are generators that may also consume; their energy is not limited"
        reading.note("storage", component, text, chosen(table.names, kept), "warning")
    _note_extendable(reading, component, "p_nom", kept)
    return frame[kept].reset_index(drop=True)


def _note_extendable(reading: _Reading, component: str, attribute: str, kept: np.ndarray) -> None:
    table = reading.source.tables[component]
    names = chosen(table.names, table.flag(f"{attribute}_extendable", False) & kept)
    reading.note("extendable", component, f"an extendable {attribute} is taken as it is, without its extension", names)


def _carbon(reading: _Reading, table: RawTable, efficiency: str) -> np.ndarray:
    """Emissions per MWh of electricity: those of the carrier's primary energy over the efficiency [t/MWh]."""
    carriers = reading.source.tables.get("carriers")
    if carriers is None or not carriers.has("co2_emissions"):
        return np.full(len(table), np.nan)
    given = dict(zip(carriers.names, carriers.number("co2_emissions", 0.0).tolist(), strict=True))
    primary = np.array([given.get(carrier, math.nan) for carrier in table.text("carrier")])
    share = reading.at(table.where.rsplit(" ", 1)[-1], efficiency, 1.0)
    return np.where(share > 0, primary / np.where(share > 0, share, 1.0), np.nan)


def _note_extendable_links(reading: _Reading, table: RawTable, p_nom: np.ndarray, kept: np.ndarray) -> None:
    """Say of links what is read of them instead of their extension: no new DC link can be decided."""
    extendable = table.flag("p_nom_extendable", False) & kept
    names = [f"{name} (p_nom {mw:g} MW)" for name, mw in zip(table.names, p_nom, strict=True)]
    text = "the extension of a link is left out, since no new HVDC link is decided; read is the p_nom that it has"
    remedy = "give what is to be there as p_nom, or an alternating-current circuit in the grid's circuits"
    reading.note("link.extendable", "links", text, chosen(names, extendable), "warning", remedy)


def _links(reading: _Reading) -> pd.DataFrame:
    """Links between two AC buses are DC links of the grid; others convert carriers."""
    table = reading.source.tables.get("links")
    if table is None:
        return pd.DataFrame()
    ends = [table.text("bus0"), table.text("bus1")]
    ac, known = reading.ac, reading.v_nom.keys()
    inside = [all(bus in ac or bus not in known for bus in pair) for pair in zip(*ends, strict=True)]
    kept = np.array(inside, dtype=bool)
    text = "links with an end that is no AC bus are left out"
    reading.note("link.carrier", "links", text, chosen(table.names, ~kept), "warning")
    third = [name for name, bus, taken in zip(table.names, table.text("bus2"), kept, strict=True) if bus and taken]
    reading.note("link.third_bus", "links", "only the first two buses of a link are read", third, "warning")
    p_nom = table.number("p_nom", 0.0)
    efficiency = reading.at("links", "efficiency", 1.0)
    gaining = kept & (efficiency > 1)
    text = "an efficiency above 1 is taken as 1"
    reading.note("link.efficiency", "links", text, chosen(table.names, gaining), "warning")
    costly = kept & (reading.at("links", "marginal_cost", 0.0) != 0)
    reading.note("link.cost", "links", "costs of links are not read: a transfer is free", chosen(table.names, costly))
    _note_extendable_links(reading, table, p_nom, kept)
    frame: dict[str, Any] = {
        "link": table.names,
        "from_bus": ends[0],
        "to_bus": ends[1],
        "p_max_mw": p_nom * reading.at("links", "p_max_pu", 1.0),
        "p_min_mw": p_nom * reading.at("links", "p_min_pu", 0.0),
        "loss_share": np.where(gaining, 0.0, 1 - efficiency),
        "in_service": table.flag("active"),
        "p_mw": reading.at("links", "p_set", math.nan),
    }
    return pd.DataFrame(frame)[kept].reset_index(drop=True)
