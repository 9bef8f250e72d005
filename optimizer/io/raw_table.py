"""The table of another program, read cell by cell: a missing cell is that program's default, a bad one a finding."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from optimizer.errors import Finding, Severity
from optimizer.grid.schema import shorten

_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no"}

#: Names listed in a finding that counts many.
NAMED = 5


@dataclass
class RawTable:
    """Rows of one kind of element under their names.

    Parameters
    ----------
    frame : DataFrame
        Cells of any type, columns under the names of the other program; the index holds the names of the rows.
    where : str
        File and table in findings.
    rule : str
        First part of the ids of findings, such as ``"io.pypsa"``.
    findings : list of Finding
        What was wrong with cells read so far.
    """

    frame: pd.DataFrame
    where: str
    rule: str
    findings: list[Finding] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def names(self) -> list[str]:
        """Names of the rows."""
        return [str(name) for name in self.frame.index]

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return column in self.frame.columns

    def number(self, column: str, default: float = math.nan) -> np.ndarray:
        """A column as numbers, infinite ones included; `default` where a cell is empty, cannot be read or is absent."""
        if not self.has(column):
            return np.full(len(self), default)
        values = self.frame[column]
        if pd.api.types.is_numeric_dtype(values.dtype) and not np.iscomplexobj(values.to_numpy()):
            numbers = values.to_numpy(dtype=float, na_value=np.nan).copy()
        else:
            numbers = np.array([self._number(value, row, column) for row, value in enumerate(values)], dtype=float)
        numbers[np.isnan(numbers)] = default
        return numbers

    def text(self, column: str, default: str = "") -> list[str]:
        """A column as stripped text; `default` where a cell is empty or the column is absent."""
        if not self.has(column):
            return [default] * len(self)
        return [_text(value) or default for value in self.frame[column]]

    def flag(self, column: str, default: bool = True) -> np.ndarray:
        """A column as truth values; `default` where a cell is empty, cannot be read or is absent."""
        flags = np.full(len(self), default)
        if not self.has(column):
            return flags
        for row, value in enumerate(self.frame[column]):
            text = _text(value).lower()
            if text in _TRUE or text in _FALSE:
                flags[row] = text in _TRUE
            elif text:
                self._bad(row, column, text, "write true or false")
        return flags

    def rows(self, chosen: np.ndarray) -> RawTable:
        """The rows of a mask, with the same list of findings."""
        return RawTable(self.frame[np.asarray(chosen, dtype=bool)], self.where, self.rule, self.findings)

    def _number(self, value: Any, row: int, column: str) -> float:
        text = _text(value)
        if not text:
            return math.nan
        if isinstance(value, bool | np.bool_):
            return float(value)
        try:
            number = math.nan if "_" in text else float(text)
        except ValueError:
            number = math.nan
        if math.isnan(number) and text.lower() != "nan":
            self._bad(row, column, text, "write a number, or leave the cell empty")
        return number

    def _bad(self, row: int, column: str, text: str, remedy: str) -> None:
        where = f"{self.where} {self.frame.index[row]}, {column}"
        self.findings.append(Finding(f"{self.rule}.value", where, "the value cannot be read", repr(text[:80]), remedy))


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value).strip()


def note(
    findings: list[Finding],
    rule: str,
    where: str,
    text: str,
    names: list[str],
    severity: Severity = "info",
    remedy: str = "",
) -> None:
    """Add a finding about some elements, with their number and the first names; nothing where there are none.

    Parameters
    ----------
    findings : list of Finding
        Where it is added.
    rule, where, text, remedy : str
        As in `Finding`.
    names : list of str
        The elements it is about.
    severity : {"error", "warning", "info"}
        As in `Finding`.
    """
    if not names:
        return
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    found = f"{len(names)}: {', '.join(names[:NAMED])}{more}"
    findings.append(Finding(rule, where, text, found, remedy, severity))


def cell_findings(tables: dict[str, RawTable]) -> list[Finding]:
    """What was wrong with the cells of all tables, each once."""
    return shorten(list(dict.fromkeys(f for table in tables.values() for f in table.findings)))


def chosen(names: list[str], mask: np.ndarray) -> list[str]:
    """The names where a mask is true."""
    return [name for name, taken in zip(names, mask, strict=True) if taken]
