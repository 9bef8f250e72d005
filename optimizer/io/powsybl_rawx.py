"""PSS/E RAWX files (JSON, version 35), made ready for pypowsybl as RAW files are.

Source of the layout: the RAWX data format of PSS/E 35, as its data formats reference describes it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.schema import errors_first, shorten
from optimizer.io.powsybl_raw_case import RawCase, complete
from optimizer.io.powsybl_raw_records import FIELDS, Record
from optimizer.io.reading import refuse

#: Table of each section.
_TABLES = {
    "bus": "bus",
    "load": "load",
    "fixshunt": "fixed shunt",
    "generator": "generator",
    "acline": "branch",
    "sysswd": "system switching device",
    "transformer": "transformer",
    "twotermdc": "two-terminal dc",
    "vscdc": "vsc dc",
    "swshunt": "switched shunt",
}

#: Tables of equipment that is not read, by the section whose finding says so.
_UNREAD = {"facts": "facts", "gne": "gne", "indmach": "induction machine", "ntermdc": "multi-terminal dc"}

#: Our name of a column where it is not the one of the file in capitals.
_NAMES = {
    **{"ibus": "I", "jbus": "J", "kbus": "K", "loadid": "ID", "shntid": "ID", "machid": "ID"},
    **{"rpu": "R", "xpu": "X", "bpu": "B", "met": "MET", "nmet": "NMETR"},
}
#: What the state of service is called in each section.
_STATES = {
    **{"load": "STATUS", "fixed shunt": "STATUS", "generator": "STAT", "branch": "ST", "transformer": "STAT"},
    **{"system switching device": "STATUS", "switched shunt": "STAT"},
}


def read_rawx(text: str, file: str) -> RawCase:
    """Read the text of a RAWX file.

    Parameters
    ----------
    text : str
        The whole file.
    file : str
        Its name in findings.

    Raises
    ------
    InputError
        Not RAWX of version 35, or values that are no numbers; with every finding.
    """
    tables = _tables(text, file)
    case = RawCase()
    _identification(tables, file, case)
    records: dict[str, list[Record]] = {}
    for name, section in _TABLES.items():
        records[section] = _records(tables, name, section, file, case.findings)
    refuse_errors(errors_first(shorten(case.findings)))
    unread = {section: [(0, [""])] * len(_rows(tables, name)[1]) for name, section in _UNREAD.items()}
    complete({name: rows for name, rows in records.items() if rows}, unread, file, case)
    return case


def _tables(text: str, file: str) -> Mapping[str, Any]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as failure:
        remedy = "the file may be cut off: get it again"
        raise refuse("io.powsybl.rawx.json", file, "not JSON that can be read", str(failure)[:200], remedy) from failure
    tables = parsed.get("network") if isinstance(parsed, dict) else None
    if not isinstance(tables, dict):
        text_, remedy = "the file has no network", "give a RAWX file, an object with a network"
        raise refuse("io.powsybl.rawx.network", file, text_, "", remedy)
    return tables


def _rows(tables: Mapping[str, Any], name: str) -> tuple[list[str], list[list[Any]]]:
    """Names of the columns of a table, and its rows; nothing where it is not a table."""
    table = tables.get(name)
    if not isinstance(table, dict) or not isinstance(table.get("fields"), list):
        return [], []
    data = table.get("data")
    rows = data if isinstance(data, list) else []
    if rows and not isinstance(rows[0], list):  # a table of one row may be that row
        rows = [rows]
    return [str(field) for field in table["fields"]], [row for row in rows if isinstance(row, list)]


def _identification(tables: Mapping[str, Any], file: str, case: RawCase) -> None:
    fields, rows = _rows(tables, "caseid")
    cells = dict(zip(fields, rows[0], strict=False)) if rows else {}
    where = f"{file}, caseid"
    version, base = _number(cells.get("rev")), _number(cells.get("sbase"))
    if version != 35:
        text, found = "this version of the format is not read", str(cells.get("rev", "none"))[:40]
        raise refuse("io.powsybl.version", where, text, found, "give RAWX of version 35, or RAW of version 33 to 35")
    if not 0 < base < 1e9:
        found = str(cells.get("sbase", "none"))[:40]
        raise refuse("io.powsybl.raw.base", where, "the system base is not a power above 0 MVA", found, "give it")
    case.base_mva = base


def _records(tables: Mapping[str, Any], name: str, section: str, file: str, findings: list[Finding]) -> list[Record]:
    fields, rows = _rows(tables, name)
    columns = [_column(field.lower(), section) for field in fields]
    needed = [c for c, default in FIELDS[section].items() if default is None and c not in columns]
    if rows and needed:
        text, remedy = "columns are missing", "get the file again"
        findings.append(Finding("io.powsybl.rawx.columns", f"{file}, {name}", text, ", ".join(needed), remedy))
        return []
    return [_record(columns, row, f"{file}, {name} row {i}", section, findings) for i, row in enumerate(rows, start=1)]


def _record(columns: Sequence[str], row: Sequence[Any], where: str, section: str, findings: list[Finding]) -> Record:
    record = Record(where)
    record.fill(columns, ["" if value is None else str(value) for value in row], FIELDS[section], findings)
    return record


def _column(field: str, section: str) -> str:
    """Our name of a column: windings and pairs of them are numbered at the end."""
    if field in ("stat", "status", "st"):
        return _STATES.get(section, "STAT")
    if field == "met" and section == "two-terminal dc":
        return "METER"
    rate = re.fullmatch(r"wdg([123])rate(\d+)", field)
    if rate:
        return f"RATE{rate[2]}_{rate[1]}"
    pair = re.fullmatch(r"(r|x|sbase)([123])_([123])", field)
    if pair:
        return f"{pair[1]}{pair[2]}{pair[3]}".upper()
    return _NAMES.get(field, field.upper())


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan
