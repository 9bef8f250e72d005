"""MATPOWER case files (format version 2, ``.m``), with PowerModels' ``ne_branch`` for candidate circuits.

The file is data, never run: a file that computes its values is refused. `scan` finds the fields and what is wrong with
their form; matpowercaseframes turns each into numbers.

Source of the format: R. Zimmerman, C. Murillo-Sanchez, MATPOWER User's Manual, appendix B. A rating of 0 is no limit;
angle limits of 0 and 0, or of 360 degrees and beyond, are none; a tap ratio of 0 is 1; a bus of type 4 is out of
service; costs are those of the first ``gencost`` rows, one a generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matpowercaseframes.reader import parse_file

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.network import BASE_MVA, Grid, make_grid
from optimizer.grid.schema import errors_first
from optimizer.io.matlab import Scan, Section, scan
from optimizer.io.reading import read_text

_BUS = "bus type load_mw load_mvar shunt_mw shunt_mvar area v_start_pu angle_start_deg base_kv zone v_max_pu v_min_pu"
_GEN = "bus p_mw q_mvar q_max_mvar q_min_mvar v_set_pu machine_base_mva in_service p_max_mw p_min_mw"
_BRANCH = (
    "from_bus to_bus r_pu x_pu b_pu rating_mw rating_emergency_mw rating_short_term_mw tap shift_deg in_service"
    " angle_min_deg angle_max_deg"
)
_DCLINE = (
    "from_bus to_bus in_service p_mw p_end_mw q_from_mvar q_to_mvar v_from_pu v_to_pu p_min_mw p_max_mw"
    " q_from_min_mvar q_from_max_mvar q_to_min_mvar q_to_max_mvar loss_mw loss_share"
)
#: Our name of each column, in the order of the format, and how many of them a row must have.
_COLUMNS: dict[str, tuple[tuple[str, ...], int]] = {
    "bus": (tuple(_BUS.split()), 13),
    "gen": (tuple(_GEN.split()), 10),
    "branch": (tuple(_BRANCH.split()), 11),
    "dcline": (tuple(_DCLINE.split()), 17),
}
#: PowerModels' names of the columns of ``ne_branch``, in the order used where the file does not name them.
_NE_BRANCH = {
    **dict(
        zip(
            "f_bus t_bus br_r br_x br_b rate_a rate_b rate_c tap shift br_status angmin angmax".split(),
            _BRANCH.split(),
            strict=True,
        )
    ),
    "construction_cost": "cost_musd",
}
_READ = {*_COLUMNS, "ne_branch", "gencost", "dclinecost", "baseMVA", "bus_name", "gen_name", "genfuel"}
#: Fields that say nothing about the network: labels, and results of a solved case.
_SILENT = {"version", "areas", "gentype", "branch_name", "success", "et", "f", "order", "iterations"}

_Table = dict[str, list[Any]]


def read_matpower(path: str | Path) -> Grid:
    """Read a MATPOWER case.

    Parameters
    ----------
    path : str or Path
        The ``.m`` file.

    Returns
    -------
    Grid
        Buses under their numbers; branches ``b1``, generators ``g1``, DC links ``d1`` and candidate circuits ``c1``
        onwards in file order, those out of service included. Construction costs are taken as M$ unchanged.

    Raises
    ------
    InputError
        With every finding.
    """
    path = Path(path)
    return read_sections(path.stem, path.name, scan(read_text(path), path.name))


def read_sections(name: str, file: str, scanned: Scan) -> Grid:
    """Make a grid of the fields of a case, wherever they were written.

    Parameters
    ----------
    name : str
        Name of the grid.
    file : str
        Name of the file in findings.
    scanned : Scan
        The fields, and what is wrong with their form.

    Raises
    ------
    InputError
        With every finding.
    """
    findings = [*scanned.findings, *_missing_sections(scanned, file), *_unread_sections(scanned, file)]
    base_mva, problems = _base_mva(scanned, file)
    findings += problems
    frames: dict[str, pd.DataFrame] = {}
    for section in ("bus", "gen", "branch", "dcline", "ne_branch"):
        if section in scanned.sections:
            frames[section], problems = _matrix(scanned.sections[section], file)
            findings += problems
    if "gen" in frames:
        costs, problems = _costs(scanned, len(frames["gen"]), file)
        findings += problems
    refuse_errors(errors_first(findings))
    frames["gen"] = pd.concat([frames["gen"], costs.set_index(frames["gen"].index)], axis=1)
    return _grid(name, file, scanned, frames, base_mva, findings)


def _grid(
    name: str, file: str, scanned: Scan, frames: dict[str, pd.DataFrame], base_mva: float, findings: list[Finding]
) -> Grid:
    """Tables of the schema from the matrices; rows keep the number of their row in the file as label."""
    buses, notes = _buses(frames["bus"], scanned, file)
    scale = BASE_MVA / base_mva
    kv = dict(zip(buses["bus"], buses["base_kv"], strict=True))
    tables = {
        "buses": buses,
        "branches": _branches(frames["branch"], "branch", "b", scale, kv),
        "generators": _generators(frames["gen"], scanned),
    }
    if "dcline" in frames:
        tables["hvdc"] = _numbered(frames["dcline"], "link", "d")
    if "ne_branch" in frames:
        circuits = _branches(frames["ne_branch"], "circuit", "c", scale, kv)
        out = circuits["in_service"] == "0"
        tables["circuits"] = circuits[~out].drop(columns="in_service")
        if out.any():
            text = f"candidates with status 0 are left out ({int(out.sum())} rows)"
            notes.append(Finding("matpower.candidates.out", f"{file}, mpc.ne_branch", text, severity="info"))
    gone = set(frames["bus"]["bus"].map(_number_text)) - set(buses["bus"])
    if gone:
        tables = {table: _without(frame, gone) for table, frame in tables.items()}
    sections = dict(zip(("buses", "branches", "generators", "hvdc", "circuits"), _SECTIONS, strict=True))
    rows = {table: frame.index.to_numpy() for table, frame in tables.items()}

    def place(table: str, position: int) -> str:
        return scanned.sections[sections[table]].place(file, int(rows[table][position]))

    files = {table: f"{file}, mpc.{section}" for table, section in sections.items()}
    counts = ", ".join(f"{len(frame)} {table}" for table, frame in tables.items())
    read = Finding("matpower.read", file, f"read {counts} on {base_mva:g} MVA", severity="info")
    return make_grid(name, tables, base_mva, place=place, files=files, findings=[*findings, *notes, read])


_SECTIONS = ("bus", "branch", "gen", "dcline", "ne_branch")


def _missing_sections(scanned: Scan, file: str) -> Iterable[Finding]:
    if not scanned.sections:
        remedy = "give a MATPOWER case of format version 2, whose lines assign to mpc.bus, mpc.gen and mpc.branch"
        yield Finding("matpower.format", file, "no field of a MATPOWER case was found", "", remedy)
        return
    for name in ("baseMVA", "bus", "gen", "branch"):
        if name not in scanned.sections:
            remedy = "the file may be cut off or of format version 1: get it again, or save it with savecase"
            yield Finding("matpower.section.missing", f"{file}, mpc.{name}", "the field is missing", "", remedy)


def _unread_sections(scanned: Scan, file: str) -> Iterable[Finding]:
    for name, section in scanned.sections.items():
        if name not in _READ | _SILENT:
            where = section.start(file)
            text = "the field is not read: what it describes is not in the grid"
            remedy = "no action where the study does not need it"
            yield Finding("matpower.section.unread", where, text, f"{len(section.rows)} rows", remedy, "warning")
    for row in _parsed(scanned.sections.get("dclinecost")):
        if any(isinstance(value, int | float) and value != 0 for value in row[4:]):
            text = "costs of DC lines are not read: a transfer is free"
            yield Finding("matpower.dclinecost", f"{file}, mpc.dclinecost", text, "", "", "warning")
            return


def _base_mva(scanned: Scan, file: str) -> tuple[float, list[Finding]]:
    section = scanned.sections.get("baseMVA")
    text = section.rows[0] if section and section.rows else ""
    try:
        base = float(text)
    except ValueError:
        base = math.nan
    if section is None or (math.isfinite(base) and base > 0):
        return base, []
    where = section.start(file)
    remedy = "give the base power in MVA"
    return math.nan, [Finding("matpower.base", where, "not a power above 0 MVA", repr(text), remedy)]


def _parsed(section: Section | None) -> list[list[Any]]:
    if section is None or not section.rows:
        return []
    return parse_file(section.name, section.text())


def _matrix(section: Section, file: str) -> tuple[pd.DataFrame, list[Finding]]:
    """A matrix under our column names, with numbers from 0 as row labels; cells that are no numbers stay text."""
    if section.name == "ne_branch":
        given = section.column_names or tuple(_NE_BRANCH)
        names = tuple(_NE_BRANCH.get(name, name) for name in given)
        needed = len(names)
    else:
        names, needed = _COLUMNS[section.name]
    rows = _parsed(section)
    findings = []
    for number, row in enumerate(rows):
        # A solved case has more columns than the format names: results, which are not read.
        if len(row) < needed or len(row) != len(rows[0]):
            where = section.place(file, number)
            text = "the row has too few columns" if len(row) < needed else "the row differs in length from the first"
            remedy = f"give at least {needed} columns, as many in every row"
            findings.append(Finding("matpower.row.length", where, text, f"{len(row)} columns", remedy))
    width = min([len(names), *map(len, rows)])
    cells = [[_cell(value) for value in row[:width]] for row in rows]
    frame = pd.DataFrame(cells, columns=list(names[:width]), dtype=object)
    for name in names[width:]:
        frame[name] = pd.Series([0] * len(frame), dtype=object)
    missing = {"from_bus", "to_bus", "x_pu", "rating_mw", "cost_musd"} - set(frame.columns)
    if section.name == "ne_branch" and missing:
        where = section.start(file)
        remedy = f"name the columns as PowerModels does: {' '.join(_NE_BRANCH)}"
        text = "%column_names% does not name every column that is needed"
        findings.append(Finding("matpower.columns", where, text, " ".join(section.column_names), remedy))
    return frame, findings


def _cell(value: Any) -> Any:
    # As text a nan is reported; as a number it would pass for an empty cell.
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def _number_text(value: Any) -> str:
    """A number that names something: 1.0 and 1 are one bus."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _each(values: pd.Series, change: Callable[[float], object]) -> pd.Series:
    """Apply a function to numbers; text, which the check of the table will report, passes unchanged."""
    changed = [change(v) if isinstance(v, int | float) else v for v in values]
    return pd.Series(changed, index=values.index, dtype=object)


def _finite(value: float) -> object:
    return value if math.isfinite(value) else ""


def _numbered(frame: pd.DataFrame, column: str, letter: str) -> pd.DataFrame:
    frame = frame.assign(in_service=_each(frame["in_service"], lambda v: "1" if v > 0 else "0"))
    frame.insert(0, column, [f"{letter}{i + 1}" for i in frame.index])
    return frame


def _buses(frame: pd.DataFrame, scanned: Scan, file: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Buses in service, with their names."""
    frame = frame.assign(
        bus=frame["bus"].map(_number_text), area=frame["area"].map(_number_text), zone=frame["zone"].map(_number_text)
    )
    names = scanned.sections["bus_name"].cells() if "bus_name" in scanned.sections else []
    if len(names) == len(frame):
        frame = frame.assign(name=[row[0] if row else "" for row in names])
    isolated = frame["type"].map(lambda v: v == 4)
    if not isolated.any():
        return frame, []
    text = (
        f"buses of type 4 and what is connected to them are out of service and left out ({int(isolated.sum())} buses)"
    )
    found = ", ".join(frame["bus"][isolated][:10])
    return frame[~isolated], [Finding("matpower.bus.isolated", f"{file}, mpc.bus", text, found, severity="info")]


def _branches(frame: pd.DataFrame, column: str, letter: str, scale: float, kv: dict[str, Any]) -> pd.DataFrame:
    """Branches or candidate circuits, impedances on 100 MVA."""
    frame = frame.assign(from_bus=frame["from_bus"].map(_number_text), to_bus=frame["to_bus"].map(_number_text))
    low, high = _angle_limits(frame["angle_min_deg"], frame["angle_max_deg"])
    ends = zip(frame["from_bus"], frame["to_bus"], frame["tap"], frame["shift_deg"], strict=True)
    kind = ["transformer" if tap != 0 or shift != 0 or kv.get(i) != kv.get(j) else "line" for i, j, tap, shift in ends]
    scaled = {name: _each(frame[name], lambda v: v * scale) for name in ("x_pu", "r_pu")}
    frame = frame.assign(
        **scaled,
        b_pu=_each(frame["b_pu"], lambda v: v / scale),
        kind=kind,
        tap=_each(frame["tap"], lambda v: v if v != 0 else 1),
        rating_short_term_mw=_each(frame["rating_short_term_mw"], _finite),
        angle_min_deg=low,
        angle_max_deg=high,
    )
    return _numbered(frame, column, letter)


def _angle_limits(low: pd.Series, high: pd.Series) -> tuple[pd.Series, pd.Series]:
    none = np.array([(a == 0 and b == 0) for a, b in zip(low, high, strict=True)], dtype=bool)
    low = _each(low, lambda v: v if v > -360 else "").mask(none, "")
    high = _each(high, lambda v: v if v < 360 else "").mask(none, "")
    return low, high


def _generators(frame: pd.DataFrame, scanned: Scan) -> pd.DataFrame:
    """Generators with names and fuels where the file has them."""
    frame = frame.assign(
        bus=frame["bus"].map(_number_text),
        q_max_mvar=_each(frame["q_max_mvar"], _finite),
        q_min_mvar=_each(frame["q_min_mvar"], _finite),
    )
    named = scanned.sections.get("gen_name")
    if named is not None and len(named.rows) == len(frame):
        rows = named.cells()
        frame = frame.assign(name=[row[0] if row else "" for row in rows])
        place = named.column_names.index("fuel") if "fuel" in named.column_names else len(named.column_names)
        frame = frame.assign(carrier=[row[place].lower() if place < len(row) else "" for row in rows])
    fuel = scanned.sections.get("genfuel")
    if fuel is not None and len(fuel.rows) == len(frame):
        frame = frame.assign(carrier=[row[0].lower() if row else "" for row in fuel.cells()])
    return _numbered(frame, "generator", "g")


def _without(frame: pd.DataFrame, gone: set[str]) -> pd.DataFrame:
    """The rows that are not at a bus that was left out."""
    columns = [c for c in ("bus", "from_bus", "to_bus") if c in frame.columns]
    return frame[~frame[columns].isin(gone).any(axis=1)]


def _costs(scanned: Scan, count: int, file: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Cost columns of each generator."""
    blank: dict[str, object] = {
        "cost_usd_per_mwh": 0,
        "cost_quadratic_usd_per_mw2h": 0,
        "cost_constant_usd_per_h": 0,
        "cost_points": "",
    }
    section = scanned.sections.get("gencost")
    rows = _parsed(section)
    costs: list[dict[str, object]] = []
    findings: list[Finding] = []
    where = f"{file}, mpc.gencost"
    if section is None:
        text = "no generator costs are given: every generator is free"
        findings.append(Finding("matpower.gencost.missing", where, text, severity="warning"))
    elif len(rows) not in (count, 2 * count):
        text, remedy = "needs one row a generator, or two with reactive costs", f"give {count} or {2 * count} rows"
        findings.append(Finding("matpower.gencost.rows", where, text, f"{len(rows)} rows", remedy))
    if section is None or findings:
        return pd.DataFrame([blank] * count, columns=list(blank)), findings
    for number, row in enumerate(rows[:count]):
        cost, problem = _cost(row)
        costs.append({**blank, **cost})
        if problem:
            where = section.place(file, number)
            remedy = "give a convex piecewise linear cost, or a polynomial of at most the second degree"
            findings.append(Finding("matpower.gencost.model", where, problem, " ".join(map(str, row)), remedy))
    return pd.DataFrame(costs, columns=list(blank)), findings


def _cost(row: Sequence[Any]) -> tuple[dict[str, object], str]:
    """Cost columns of one ``gencost`` row, and what is wrong with it."""
    if len(row) < 4 or any(not isinstance(v, int | float) or not math.isfinite(v) for v in row):
        return {}, "the row is too short or holds something that is not a number"
    model, count = row[0], int(row[3])
    values = list(row[4 : 4 + count * (2 if model == 1 else 1)])
    if model not in (1, 2) or count < 0 or len(values) < count * (2 if model == 1 else 1):
        return {}, "unknown cost model, or fewer values than the row announces"
    if model == 1:
        points = list(zip(values[::2], values[1::2], strict=True))
        if not any(cost for _, cost in points):
            return {}, ""
        return {"cost_points": " ".join(f"{float(mw)!r}:{float(cost)!r}" for mw, cost in points)}, ""
    if any(values[:-3]):
        return {}, "the cost polynomial is of a higher degree than 2"
    c2, c1, c0 = [0, 0, 0, *values][-3:]
    return {"cost_quadratic_usd_per_mw2h": c2, "cost_usd_per_mwh": c1, "cost_constant_usd_per_h": c0}, ""
