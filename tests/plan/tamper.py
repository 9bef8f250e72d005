"""Change one figure of a plan folder and everything that copies it, so that only recomputation can find it."""

from __future__ import annotations

import csv
import json
import math
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from optimizer.plan.manifest import outputs_of, read_manifest, write_manifest
from optimizer.plan.plan import table_to_records
from optimizer.plan.reading import read_tables
from optimizer.plan.table_text import format_number
from optimizer.plan.tables import PLAN_TABLES

UNCHECKABLE = ("bound_value", "bound_musd", "seconds", "solver_seconds", "peak_memory_mb")
"""Figures of plan.json that only a solve could give again."""

Keys = tuple[str | int, ...]


def rewrite_hashes(folder: Path) -> None:
    """Bring the manifest up to date with the files as they are."""
    write_manifest(replace(read_manifest(folder), outputs=outputs_of(folder)), folder)


def numeric_columns(folder: Path) -> list[tuple[str, str]]:
    """Every numeric column of every table that has rows."""
    tables, _ = read_tables(folder)
    return [
        (name, column.name)
        for name, table in tables.items()
        for column in PLAN_TABLES[name].columns
        if column.kind in ("int", "float") and table[column.name].notna().any()
    ]


def changed(value: float, kind: str, random_source: random.Random) -> float:
    """Another value: a whole number one or two off, else 2 to 30 % off and at least 0.05."""
    side = random_source.choice((-1, 1))
    if kind == "int":
        return value + side * random_source.choice((1, 2))
    return value + side * max(abs(value) * random_source.uniform(0.02, 0.3), random_source.uniform(0.05, 0.5))


def tamper_cell(folder: Path, name: str, column: str, seed: int) -> str:
    """Change one number of a table, in the CSV, the map, plan.json's copy and the hashes.

    Parameters
    ----------
    folder : Path
        A plan folder, changed in place.
    name, column : str
        Which column; the row is drawn among those that have a number there.
    seed : int
        Of the draw.

    Returns
    -------
    str
        What was changed, for people.
    """
    path = folder / "tables" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    at = header.index(column)
    source = random.Random(f"{seed} {name} {column}")
    row = source.choice([i for i, cells in enumerate(rows) if cells[at]])
    kind = next(c.kind for c in PLAN_TABLES[name].columns if c.name == column)
    before = rows[row][at]
    rows[row][at] = format_number(changed(float(before), kind, source))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    _tamper_map(folder, name, column, row, float(rows[row][at]))
    if name == "binding":
        summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        summary["binding"] = table_to_records(read_tables(folder)[0]["binding"])
        _write_summary(folder, summary)
    rewrite_hashes(folder)
    return f"{name} row {row + 1} {column}: {before} -> {rows[row][at]}"


def _tamper_map(folder: Path, name: str, column: str, row: int, value: float) -> None:
    with closing(sqlite3.connect(folder / "plan.gpkg")) as database:
        # The spatial index's triggers name functions that only a GIS has; no geometry changes here.
        for function in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            database.create_function(function, 1, lambda *_: 0)
        found = database.execute(f'UPDATE "{name}" SET "{column}" = ? WHERE fid = ?', (value, row + 1))
        assert found.rowcount == 1
        database.commit()


def figures(folder: Path) -> list[Keys]:
    """Every figure of plan.json that can be computed again, by its keys; copies of the binding table included."""
    summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return [path for path in _numbers(summary) if path[0] not in UNCHECKABLE]


def _numbers(value: Any, at: Keys = ()) -> Iterator[Keys]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, (*at, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _numbers(item, (*at, i))
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        yield at


def tamper_figure(folder: Path, path: Keys, seed: int) -> str:
    """Change one figure of plan.json, and the hashes; return what was changed, for people."""
    summary = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    holder: Any = summary
    for key in path[:-1]:
        holder = holder[key]
    before = holder[path[-1]]
    kind = "int" if isinstance(before, int) else "float"
    source = random.Random(f"{seed} {path}")
    holder[path[-1]] = changed(before, kind, source)
    if path == ("gap",):
        holder["gap"] = before + source.choice((-1, 1)) * max(0.02 * before, 0.0005)
    _write_summary(folder, summary)
    rewrite_hashes(folder)
    return f"plan.json {path}: {before} -> {holder[path[-1]]}"


def _write_summary(folder: Path, summary: dict[str, Any]) -> None:
    text = json.dumps(summary, indent=2, ensure_ascii=False) + "\n"
    (folder / "plan.json").write_text(text, encoding="utf-8", newline="\n")
