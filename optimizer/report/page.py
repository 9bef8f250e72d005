"""What a page is made of: sections, each a title and a row of blocks.

A block is a frozen value that the template of its ``kind`` draws. Texts are plain: the template escapes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
import plotly.graph_objects as go

from optimizer.report.text import MISSING, number, unit_of


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` is empty, ``"good"``, ``"warning"`` or ``"quiet"``."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Bullets:
    """A list of short texts."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True)
class KeyFigures:
    """Figures to be read at a glance: (value, unit, what it is)."""

    kind: ClassVar[str] = "key_figures"
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A figure; `name` is its fixed id on the page and `caption` says what is seen."""

    kind: ClassVar[str] = "figure"
    name: str
    figure: go.Figure
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Switch:
    """A layer of a map that the reader switches on and off.

    Parameters
    ----------
    heading, label : str
        Under which heading it stands, and what it is.
    colour, look, hatch : str
        Colour; ``"area"``, ``"line"`` or ``"mark"``; sign of the hatching, empty for none.
    traces : tuple of int
        Traces of the figure, by position.
    on : bool
        Whether it is on at first.
    """

    heading: str
    label: str
    colour: str
    look: str
    hatch: str
    traces: tuple[int, ...]
    on: bool


@dataclass(frozen=True)
class SwitchedMap(Figure):
    """A map with a switch for each layer, and a card for each site; `cards` is what the page's script reads."""

    kind: ClassVar[str] = "switched_map"
    switches: tuple[Switch, ...] = ()
    cards: dict[str, Any] = field(default_factory=dict)

    def by_heading(self) -> list[tuple[str, list[Switch]]]:
        """Return the switches under each heading, both in the order given."""
        headings = dict.fromkeys(switch.heading for switch in self.switches)
        return [(heading, [s for s in self.switches if s.heading == heading]) for heading in headings]


@dataclass(frozen=True)
class Formula:
    """A name, a sentence, and lines that keep their columns, such as algebra."""

    kind: ClassVar[str] = "formula"
    name: str
    sentence: str
    lines: str


@dataclass(frozen=True)
class Column:
    """A column of a printed table.

    Parameters
    ----------
    key : str
        Column of the data; its ending gives the unit and the decimals.
    label : str
        Heading, without the unit.
    text : bool
        Printed as it is, to the left; otherwise a number, to the right.
    unit : str, optional
        Unit to print instead of the one the key tells.
    decimals : int, optional
        Decimals to print instead of the usual ones of the unit.
    """

    key: str
    label: str
    text: bool = False
    unit: str | None = None
    decimals: int | None = None

    @property
    def printed_unit(self) -> str:
        """Unit shown in the heading."""
        return unit_of(self.key) if self.unit is None else self.unit

    def print(self, value: Any) -> str:
        """Return one cell."""
        if not self.text:
            return number(value, self.key, self.decimals)
        return MISSING if value is None or value == "" or (isinstance(value, float) and pd.isna(value)) else str(value)


@dataclass(frozen=True)
class Table:
    """A table of printed cells, with a caption and perhaps a sum in the last row."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    last_row_is_total: bool = False


@dataclass(frozen=True)
class Details:
    """Blocks folded behind a line of text; open on paper."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple[Any, ...]


@dataclass(frozen=True)
class Section:
    """A part of the page: its fixed id, its title as the reader's question or subject, and its blocks."""

    name: str
    title: str
    blocks: tuple[Any, ...]

    def figures(self) -> list[Figure]:
        """Figures of the section, folded ones too, in order."""
        return _figures(self.blocks)


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    caption: str,
    *,
    note: str = "",
    total: dict[str, Any] | None = None,
    most: int = 60,
    file: str = "",
) -> Table:
    """Print a data frame.

    Parameters
    ----------
    frame : DataFrame
        The data, in the order wanted. Columns it lacks are left out.
    columns : sequence of Column
        What is printed.
    caption : str
        What the table shows.
    note : str
        A sentence below the table.
    total : dict, optional
        Values of a last row that sums up the others, by key.
    most : int
        Rows printed at most; the note then says how many there are.
    file : str
        Where all rows are, named when not all are printed.
    """
    present = tuple(column for column in columns if column.key in frame.columns)
    shown = frame.head(most)
    values = [shown[column.key].tolist() for column in present]
    rows = [
        tuple(column.print(cell) for column, cell in zip(present, row, strict=True))
        for row in zip(*values, strict=True)
    ]
    if len(shown) < len(frame):
        where = f"; all are in {file}" if file else ""
        note = f"{note} The first {len(shown):,} of {len(frame):,} rows{where}.".strip()
    if total is not None:
        rows.append(tuple(column.print(total[column.key]) if column.key in total else "" for column in present))
    return Table(caption, present, tuple(rows), note, total is not None)


def blocks(*items: Any) -> tuple[Any, ...]:
    """Return the blocks that are there: ``None`` stands for one that has nothing to show."""
    return tuple(item for item in items if item is not None)


def _figures(items: Iterable[Any]) -> list[Figure]:
    found: list[Figure] = []
    for item in items:
        if isinstance(item, Figure):
            found.append(item)
        elif isinstance(item, Details):
            found += _figures(item.blocks)
    return found
