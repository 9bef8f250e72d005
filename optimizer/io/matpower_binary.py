"""MATPOWER cases in MATLAB's binary form (``.mat``, versions 5 to 7): the fields of a struct, then as in a text case.

Source of the format: MathWorks, MAT-File Format; R. Zimmerman, C. Murillo-Sanchez, MATPOWER User's Manual, appendix B.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from optimizer.errors import Finding
from optimizer.grid.network import Grid
from optimizer.io.mat5 import DamagedError, read_mat5
from optimizer.io.matlab import Scan, Section
from optimizer.io.matpower import read_sections
from optimizer.io.reading import read_bytes, refuse

#: What the first bytes of a file of version 7.3 say, which is HDF5.
HDF5_HEADER = b"MATLAB 7.3 MAT-file"

#: Fields that a case must have to be told from any other struct.
_CASE = {"bus", "gen", "branch"}

_SAVE = "load the case in MATPOWER and write it with savecase as .m, or save it with the option '-v7'"


def read_matpower_binary(path: str | Path) -> Grid:
    """Read a MATPOWER case from a binary file.

    Parameters
    ----------
    path : str or Path
        The ``.mat`` file, with the struct ``mpc``, or with a single struct of another name that is a case.

    Returns
    -------
    Grid
        As `optimizer.io.matpower.read_matpower` returns for the same case as text.

    Raises
    ------
    InputError
        With every finding.
    """
    path = Path(path)
    data = read_bytes(path, path.name)
    if data.startswith(HDF5_HEADER) or data.startswith(b"\x89HDF"):
        text = "a file of version 7.3, which is another format, is not read"
        raise refuse("matpower.binary.version", path.name, text, data[:19].decode("latin-1"), _SAVE)
    try:
        variables = read_mat5(data)
    except DamagedError as failure:
        text = "not a MATLAB file that can be read"
        raise refuse("matpower.binary.unreadable", path.name, text, str(failure), _SAVE) from failure
    case, findings = _case(variables, path.name)
    sections: dict[str, Section] = {}
    for name, value in case.items():
        section = _section(name, value)
        if section is None:
            text = "the field is no table of numbers or texts: not read"
            findings.append(Finding("matpower.binary.field", f"{path.name}, mpc.{name}", text, severity="info"))
        else:
            sections[name] = section
    return read_sections(path.stem, path.name, Scan(sections, findings))


def _case(variables: dict[str, Any], file: str) -> tuple[dict[str, Any], list[Finding]]:
    """The struct that is the case."""
    cases = [name for name, value in variables.items() if isinstance(value, dict) and value.keys() >= _CASE]
    name = "mpc" if isinstance(variables.get("mpc"), dict) else cases[0] if len(cases) == 1 else ""
    if not name:
        found = ", ".join(list(variables)[:8]) or "nothing"
        text = "no struct mpc is in the file"
        if variables.keys() >= _CASE:
            text = "the matrices of a case are in the file without the struct mpc, as in format version 1"
        raise refuse("matpower.format", file, text, found, _SAVE)
    notes = []
    if name != "mpc":
        text = "the case is the struct of another name than mpc"
        notes.append(Finding("matpower.binary.name", file, text, name, severity="info"))
    return variables[name], notes


def _section(name: str, value: Any) -> Section | None:
    """A field as the text of a case would have it; nothing where it is neither numbers nor texts."""
    if isinstance(value, str):
        return Section(name, 0, "value", [value.strip()])
    if not isinstance(value, np.ndarray) or value.ndim != 2 or np.iscomplexobj(value):
        return None
    if value.dtype == object:
        rows = [" ".join(_quoted(cell) for cell in row) for row in value]
        return Section(name, 0, "cells", rows)
    if name == "baseMVA" and value.size == 1:
        return Section(name, 0, "value", [repr(float(value.ravel()[0]))])
    return Section(name, 0, "matrix", [" ".join(map(_number, row)) for row in value.tolist()])


def _quoted(cell: Any) -> str:
    text = cell if isinstance(cell, str) else ""
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def _number(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return repr(value)
