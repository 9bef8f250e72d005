"""Tables of a plan as text: rows in order, numbers rounded once, equal tables equal bytes, and read back strictly."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, nearest
from optimizer.plan.columns import DECIMALS, PlanColumn, PlanTable, typed
from optimizer.plan.tables import PLAN_TABLES, empty_table

LARGEST = 1e15
"""Largest number that is read [unit of the column]: beyond it six decimals, or whole numbers, are no longer exact."""


def tidy_table(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Columns in their order, rows sorted, numbers rounded to the decimals that are written.

    Parameters
    ----------
    name : str
        A key of `PLAN_TABLES`.
    table : DataFrame
        Every column of the table and no other, in any order.

    Raises
    ------
    ValueError
        The table or one of its columns is not one of a plan, or a column is missing: the caller's mistake.
    """
    if name not in PLAN_TABLES:
        raise ValueError(f"{name!r} is not a table of a plan; {nearest(name, PLAN_TABLES)}")
    spec = PLAN_TABLES[name]
    if set(table.columns) != set(spec.names) or len(table.columns) != len(spec.names):
        raise ValueError(f"table {name!r} has columns {sorted(map(str, table.columns))}, not {sorted(spec.names)}")
    tidy = typed(table[spec.names], spec)
    return _sorted(tidy, spec)


def _sorted(table: pd.DataFrame, spec: PlanTable) -> pd.DataFrame:
    # Most tables of a plan are empty: they are not worth the cost of a sort by column.
    if len(table) < 2:
        return table.reset_index(drop=True)
    ranks = []
    for name in reversed(spec.order):
        values = table[name.removeprefix("-")]
        if values.dtype.kind in "iuf":
            ranks.append(-values.to_numpy() if name.startswith("-") else values.to_numpy())
        else:
            # Those that are missing have the code -1, and stay first.
            codes, known = pd.factorize(values.to_numpy(dtype=object))
            order = sorted(range(len(known)), key=[natural(value) for value in known].__getitem__)
            rank = np.empty(len(known) + 1)
            rank[order], rank[-1] = np.arange(len(known)), -1.0
            ranks.append(rank[codes])
    return table.iloc[np.lexsort(ranks)].reset_index(drop=True)


def natural(text: object) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts ``b2`` before ``b10``."""
    parts = re.split(r"(\d+)", str(text))
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p) for p in parts if p)


def format_number(value: Any) -> str:
    """Shortest decimal text of a number rounded to six decimals, never with an exponent; empty when it is missing."""
    if pd.isna(value) or math.isinf(value):
        return ""
    text = f"{value:.{DECIMALS}f}" if isinstance(value, float | np.floating) else str(int(value))
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def table_to_csv(name: str, table: pd.DataFrame) -> str:
    """Comma-separated text with line feeds: the same table gives the same bytes."""
    spec = PLAN_TABLES[name]
    cells = []
    for column in spec.columns:
        values = table[column.name].tolist()
        cells.append(values if column.kind in ("id", "text") else [format_number(v) for v in values])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(spec.names)
    writer.writerows(zip(*cells, strict=True))
    return out.getvalue()


def parse_table(name: str, text: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Read a table of a plan back, strictly.

    Parameters
    ----------
    name : str
        A key of `PLAN_TABLES`.
    text : str
        Content of the file.

    Returns
    -------
    DataFrame
        The table, in the order of the file; empty when its shape is wrong.
    list of Finding
        Wrong columns, ragged rows, cells that are not numbers, rows that share their key.
    """
    spec, where = PLAN_TABLES[name], f"tables/{name}.csv"
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        return empty_table(name), [Finding("plan.table.text", where, "cannot be read as a table", str(error))]
    if not rows or rows[0] != spec.names:
        found = ", ".join(rows[0]) if rows else "an empty file"
        known = ", ".join(spec.names)
        return empty_table(name), [Finding("plan.table.columns", where, f"the columns must be {known}", found)]
    ragged = [i for i, row in enumerate(rows[1:], start=1) if len(row) != len(spec.names)]
    if ragged:
        message = f"a row must have {len(spec.names)} cells"
        return empty_table(name), [
            Finding("plan.table.ragged", f"{where} row {i}", message, str(len(rows[i]))) for i in ragged[:10]
        ]
    findings: list[Finding] = []
    columns: dict[str, list[Any]] = {}
    for position, column in enumerate(spec.columns):
        cells = [row[position] for row in rows[1:]]
        columns[column.name] = cells if column.kind in ("id", "text") else _numbers(where, column, cells, findings)
    table = typed(pd.DataFrame(columns, columns=spec.names), spec) if len(rows) > 1 else empty_table(name)
    return table, findings + _repeated(where, table, spec)


def _numbers(where: str, column: PlanColumn, cells: Iterable[str], findings: list[Finding]) -> list[Any]:
    numbers: list[Any] = []
    for row, cell in enumerate(cells, start=1):
        number: float | int | None = None
        if cell:
            try:
                number = int(cell) if column.kind == "int" else float(cell)
            except ValueError:
                number = math.nan
        if number is not None and not abs(number) <= LARGEST:
            what = "a whole number" if column.kind == "int" else "a number"
            what += f" up to {LARGEST:.0e}"
            findings.append(
                Finding("plan.table.number", f"{where} row {row} column {column.name}", f"must be {what}", cell)
            )
            number = None
        numbers.append(number)
    return numbers


def _repeated(where: str, table: pd.DataFrame, spec: PlanTable) -> list[Finding]:
    findings = []
    for i in np.flatnonzero(table.duplicated(list(spec.keys))):
        row = ", ".join(f"{key} {table[key].iat[i]}" for key in spec.keys)
        columns = " or ".join(spec.keys)
        message = "another row has the same key"
        findings.append(Finding("plan.table.repeated", f"{where} row {i + 1} column {columns}", message, row))
    return findings
