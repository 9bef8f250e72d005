"""The tables of a pandapower network in its JSON file, taken apart without making any object that the file names.

Source of the layout: pandapower documentation, "Save and Load Networks" and "Datastructure and Elements",
https://pandapower.readthedocs.io.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import Finding
from optimizer.io.raw_table import RawTable
from optimizer.io.reading import MAX_CELLS, read_text, refuse

#: Versions of the format that are understood: the first number of it.
VERSIONS = (2, 3)

_EXPORT = "write it again with pandapower.to_json, without encryption"


@dataclass
class Source:
    """What a file holds.

    Parameters
    ----------
    file : str
        Name in findings.
    version : str
        Version of the format.
    f_hz : float
        Frequency [Hz].
    sn_mva : float
        Base power of the source [MVA].
    tables : dict of str to RawTable
        Element tables that have rows, under their index as text.
    findings : list of Finding
        What was noted.
    """

    file: str
    version: str
    f_hz: float
    sn_mva: float
    tables: dict[str, RawTable]
    findings: list[Finding] = field(default_factory=list)

    def table(self, name: str) -> RawTable:
        """A table, empty where the file has none."""
        known = self.tables.get(name)
        return known if known is not None else RawTable(pd.DataFrame(), f"{self.file} {name}", "io.pandapower")


def read_source(path: Path) -> Source:
    """Read the tables of a file.

    Parameters
    ----------
    path : Path
        The JSON file.

    Raises
    ------
    InputError
        It is not JSON, not of pandapower, of another version, or a table cannot be understood.
    """
    file = path.name
    content = _json(read_text(path, file), file)
    net = content.get("_object") if isinstance(content, dict) else None
    if not isinstance(net, dict) or content.get("_class") != "pandapowerNet":
        raise refuse("io.pandapower.format", file, "not a network of pandapower", "", _EXPORT)
    version = str(net.get("format_version") or net.get("version") or "")
    number = re.match(r"(\d+)\.", version + ".")
    if number is None or int(number[1]) not in VERSIONS:
        text = "a version of the format that is not read"
        remedy = "load it in pandapower 2 or 3 and write it again with to_json"
        raise refuse("io.pandapower.version", f"{file}, format_version", text, version or "none", remedy)
    tables = {}
    for name, value in net.items():
        if _is_table(value) and not name.startswith(("res_", "_")):
            table = _table(value, f"{file} {name}", file)
            if len(table):
                tables[name] = table
    if "bus" not in tables:
        raise refuse("io.pandapower.missing", f"{file} bus", "the network has no buses", "", _EXPORT)
    return Source(file, version, _scalar(net, "f_hz", 50.0, file), _scalar(net, "sn_mva", 1.0, file), tables)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as failure:
        raise refuse(
            "io.pandapower.json", where, "not JSON that can be read", "too deeply nested", _EXPORT
        ) from failure
    except ValueError as failure:
        raise refuse("io.pandapower.json", where, "not JSON that can be read", str(failure)[:120], _EXPORT) from failure


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and value.get("_class") == "DataFrame"


def _scalar(net: dict[str, Any], name: str, default: float, file: str) -> float:
    value = net.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise refuse("io.pandapower.value", f"{file}, {name}", "not a number above 0", repr(value)[:80], _EXPORT)
    return float(value)


def _table(value: dict[str, Any], where: str, file: str) -> RawTable:
    """A table of any of the layouts of pandas: pandapower has written split, columns and records."""
    content = value.get("_object")
    content = _json(content, where) if isinstance(content, str) else content
    if isinstance(content, dict) and {"columns", "index", "data"} <= set(content):
        columns, index, data = content["columns"], content["index"], content["data"]
    elif isinstance(content, dict) and all(isinstance(cells, dict) for cells in content.values()):
        columns = list(content)
        index = list(dict.fromkeys(key for cells in content.values() for key in cells))
        data = [[content[column].get(key) for column in columns] for key in index]
    elif isinstance(content, list) and all(isinstance(row, dict) for row in content):
        columns = list(dict.fromkeys(key for row in content for key in row))
        index = list(range(len(content)))
        data = [[row.get(column) for column in columns] for row in content]
    else:
        raise _bad(where)
    if not all(isinstance(part, list) for part in (columns, index, data)) or len(index) != len(data):
        raise _bad(where)
    if any(not isinstance(row, list) or len(row) != len(columns) for row in data):
        raise _bad(where)
    if len(columns) * len(index) > MAX_CELLS:
        remedy = f"at most {MAX_CELLS:,} cells are read"
        raise refuse("file.too_large", where, "the table is too large", f"{len(columns) * len(index):,} cells", remedy)
    names = [str(column) for column in columns]
    if len(set(names)) != len(names):
        raise _bad(where)
    frame = pd.DataFrame(data, columns=names, index=pd.Index([_key(key) for key in index], dtype=object), dtype=object)
    return RawTable(frame, where, "io.pandapower")


def _bad(where: str) -> Exception:
    return refuse("io.pandapower.table", where, "the table cannot be understood", "", _EXPORT)


def _key(value: Any) -> str:
    """An index, or a reference to one, as text; 3.0 and 3 are the same."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).strip()
