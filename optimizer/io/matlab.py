"""The statements of a MATPOWER case file: where each matrix is, and what makes it unreadable.

Only assignments of plain values to fields of ``mpc`` are understood; nothing is evaluated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from optimizer.errors import Finding

_ASSIGNMENT = re.compile(r"mpc\.(\w+)\s*=\s*(.*)$")
_IGNORED = re.compile(r"(function\b.*|end(function)?\s*;?|return\s*;?)$")
_COLUMN_NAMES = re.compile(r"^\s*%\s*column_names\s*%\s*(.+)$")


@dataclass
class Section:
    """One field of the case.

    Parameters
    ----------
    name : str
        Name of the field, such as ``bus``.
    line : int
        Line where it starts; 0 in a binary file.
    kind : {"matrix", "cells", "value"}
        Numbers in brackets, texts in braces, or a single value.
    rows : list of str
        One row each, columns separated by blanks.
    lines : list of int
        Line of each row; empty for a binary file.
    column_names : tuple of str
        Names given in a ``%column_names%`` comment before it, as PowerModels reads them.
    """

    name: str
    line: int
    kind: str
    rows: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    column_names: tuple[str, ...] = ()

    def text(self) -> str:
        """The section alone, one row a line, as matpowercaseframes reads a matrix."""
        return f"mpc.{self.name} = [\n" + "".join(f"{row};\n" for row in self.rows) + "];\n"

    def place(self, file: str, row: int) -> str:
        """The place of a row for people; a binary file has no lines."""
        if not self.lines:
            return f"{file} (mpc.{self.name} row {row + 1})"
        return f"{file} line {self.lines[row]} (mpc.{self.name} row {row + 1})"

    def start(self, file: str) -> str:
        """The place of the field for people."""
        return f"{file} line {self.line}, mpc.{self.name}" if self.line else f"{file}, mpc.{self.name}"

    def cells(self) -> list[tuple[str, ...]]:
        """The quoted texts of each row."""
        quoted = (re.findall(r"'((?:[^']|'')*)'|\"([^\"]*)\"", row) for row in self.rows)
        return [tuple((one or other).replace("''", "'") for one, other in row) for row in quoted]


@dataclass(frozen=True)
class Scan:
    """The sections of a file by name, and what is wrong with their form."""

    sections: dict[str, Section]
    findings: list[Finding]


def scan(text: str, file: str) -> Scan:
    """Find the sections of a case file.

    Parameters
    ----------
    text : str
        Content of the file.
    file : str
        Name of the file in findings.
    """
    sections: dict[str, Section] = {}
    findings: list[Finding] = []
    current: Section | None = None
    named: tuple[str, ...] = ()
    in_comment = False
    for number, raw in enumerate(text.splitlines(), start=1):
        if raw.strip() in ("%{", "%}"):
            in_comment = raw.strip() == "%{"
            continue
        names = _COLUMN_NAMES.match(raw)
        if names:
            named = tuple(names[1].split())
        line = "" if in_comment else _without_comment(raw).strip()
        if not line:
            continue
        if current is not None and not _ASSIGNMENT.match(line):
            if _take_rows(current, line, number, file, findings):
                current = None
            continue
        if current is not None:
            findings.append(_unclosed(current, file))
            current = None
        started = _ASSIGNMENT.match(line)
        if started is None:
            if not _IGNORED.match(line):
                findings.append(_code(file, number, line))
            continue
        name, value = started[1], started[2]
        if name in sections:
            remedy = "keep one of them"
            where = f"{file} line {number}, mpc.{name}"
            findings.append(Finding("matpower.section.duplicate", where, "the field is set twice", "", remedy))
        kind = {"[": "matrix", "{": "cells"}.get(value[:1], "value")
        section = Section(name, number, kind, column_names=named)
        sections[name], named = section, ()
        if kind == "value":
            section.rows.append(value.rstrip("; ").strip("'\""))
            section.lines.append(number)
        elif not _take_rows(section, value[1:], number, file, findings):
            current = section
    if current is not None:
        findings.append(_unclosed(current, file))
    return Scan(sections, findings)


def _without_comment(line: str) -> str:
    """The line up to a percent sign that is not inside quotes."""
    if "%" not in line:
        return line
    if "'" not in line.split("%", 1)[0]:
        return line.split("%", 1)[0]
    quoted = False
    for i, sign in enumerate(line):
        if sign == "'":
            quoted = not quoted
        elif sign == "%" and not quoted:
            return line[:i]
    return line


def _take_rows(section: Section, line: str, number: int, file: str, findings: list[Finding]) -> bool:
    """Add the rows of a line to the section; True when the line closes it."""
    closing = "}" if section.kind == "cells" else "]"
    texts = [""]  # outside quotes at even places, inside at odd ones
    pieces = re.split(r"('(?:[^']|'')*')", line)
    closed = False
    for i, piece in enumerate(pieces):
        if i % 2:
            texts[-1] += piece
            continue
        before, found, after = piece.partition(closing)
        parts = before.replace(",", " ").replace("...", " ").split(";")
        texts[-1] += parts[0]
        texts += parts[1:]
        if found:
            rest = (after + "".join(pieces[i + 1 :])).strip()
            if rest not in ("", ";"):
                findings.append(_code(file, number, line))
            closed = True
            break
    for text in texts:
        if text.strip():
            section.rows.append(text.strip())
            section.lines.append(number)
    return closed


def _unclosed(section: Section, file: str) -> Finding:
    closing = "}" if section.kind == "cells" else "]"
    where = f"{file} line {section.line}, mpc.{section.name}"
    remedy = "the file may be cut off: get it again from its source"
    found = f"{len(section.rows)} rows, the last in line {section.lines[-1]}" if section.rows else "no rows"
    return Finding("matpower.section.unclosed", where, f"the field is not closed by '{closing};'", found, remedy)


def _code(file: str, number: int, line: str) -> Finding:
    remedy = "only plain values are read: load the case in MATPOWER and write it with savecase"
    text = "the file computes or sets something that is not a plain value"
    return Finding("matpower.code", f"{file} line {number}", text, line[:80], remedy)
