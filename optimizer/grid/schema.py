"""The check of a table against its columns: names, types, bounds, empty cells and repeated ids.

`columns` says what the tables of a grid hold; tables of other packages bring their own columns.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import numpy as np
import pandas as pd

from optimizer.errors import Finding
from optimizer.grid.columns import AC_COLUMNS, KEYS, TABLES, Column, Kind

__all__ = [
    "AC_COLUMNS",
    "KEYS",
    "MOST_LISTED",
    "TABLES",
    "Column",
    "Kind",
    "as_text",
    "check_table",
    "empty_table",
    "errors_first",
    "index_table",
    "shorten",
]

#: Findings of one rule in one column are listed up to this number, then counted: a message stays readable.
MOST_LISTED = 20

# Units that measure the same quantity: a column that differs from a known one only among these is a mistake.
_UNIT_FAMILIES = (
    frozenset({"w", "kw", "mw", "gw", "mva", "kva", "gva"}),
    frozenset({"m", "km", "mi", "mile", "miles", "ft"}),
    frozenset({"v", "kv"}),
    frozenset({"deg", "degree", "degrees", "rad"}),
    frozenset({"pu", "ohm", "ohms", "percent"}),
    frozenset({"usd", "kusd", "musd", "eur", "meur"}),
    frozenset({"share", "percent", "pct"}),
    frozenset({"ha", "km2", "m2", "acre", "acres"}),
)
_UNITS = frozenset().union(*_UNIT_FAMILIES)
_NOT_FINITE = ("nan", "inf", "infinity")
_TRUE, _FALSE = {"1", "true", "yes", "1.0"}, {"0", "false", "no", "0.0"}


def empty_table(table: str) -> pd.DataFrame:
    """Return a table of the schema without rows."""
    return _empty_table(table).copy()


@cache
def _empty_table(table: str) -> pd.DataFrame:
    raw = pd.DataFrame({c.name: pd.Series(dtype="str") for c in TABLES[table]})
    frame, _ = check_table(raw, TABLES[table], table)
    return index_table(frame, table)


def index_table(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Return a checked table under its key: the id where one column is the key, else numbers from 0."""
    key = KEYS[table]
    return frame.set_index(key[0]) if len(key) == 1 else frame.reset_index(drop=True)


def check_table(
    raw: pd.DataFrame,
    columns: Sequence[Column],
    where: str,
    *,
    key: Sequence[str] | None = None,
    extra: Sequence[Column] = (),
    place: Callable[[object], str] | None = None,
) -> tuple[pd.DataFrame, list[Finding]]:
    """Check a table against its columns and return it typed, with every finding.

    Parameters
    ----------
    raw : DataFrame
        Table as read; its index holds the row numbers that findings name. Values may be text or typed.
    columns : sequence of Column
        What the table must have.
    where : str
        File or table as the user knows it.
    key : sequence of str, optional
        Columns that together must be unique. By default the first column, if it is an id; ``()`` for no such rule.
    extra : sequence of Column
        Columns that are checked when present and not added when absent.
    place : callable, optional
        Text that names a row, from its label in ``raw.index``; by default ``<where> row <label>``.

    Returns
    -------
    table : DataFrame
        The schema's columns, typed, defaults filled, then `extra` and any other columns in their order; same index.
    findings : list of Finding
        Errors only. Cells that could not be read hold ``nan``, 0 or the text as it was.
    """
    place = place or (lambda row: f"{where} row {row}")
    findings = _check_names(raw, columns, extra, where)
    raw = raw.loc[:, ~raw.columns.duplicated()]
    typed: dict[str, pd.Series] = {}
    for column in [*columns, *(c for c in extra if c.name in raw.columns)]:
        if column.name in raw.columns:
            typed[column.name] = _read_column(raw[column.name], column, place, findings)
        else:
            typed[column.name] = pd.Series([_missing(column)] * len(raw), index=raw.index, dtype=_dtype(column))
    others = {str(name): _untyped(raw[name]) for name in raw.columns if str(name) not in typed}
    frame = pd.DataFrame({**typed, **others}, index=raw.index)
    unique = key if key is not None else tuple(c.name for c in columns[:1] if c.kind == "id")
    findings += _check_key(frame, [c for c in unique if c in raw.columns], place)
    return frame, shorten(findings)


def shorten(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with at most `MOST_LISTED` of each rule and column, the others counted in one more."""
    kept: list[Finding] = []
    seen: dict[tuple[str, str], int] = {}
    last: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        group = (finding.rule, finding.where.rsplit(", ", 1)[-1])
        seen[group] = seen.get(group, 0) + 1
        last[group] = finding
        if seen[group] <= MOST_LISTED:
            kept.append(finding)
    for group, count in seen.items():
        if count > MOST_LISTED:
            f = last[group]
            text = f"{f.message} (and {count - MOST_LISTED} more like this; this is the last)"
            kept.append(Finding(f.rule, f.where, text, f.found, f.remedy, f.severity, f.value, f.limit, f.unit))
    return kept


def errors_first(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with errors first, then warnings, then notes; otherwise in their order."""
    return sorted(findings, key=lambda f: ("error", "warning", "info").index(f.severity))


def _untyped(values: pd.Series) -> pd.Series:
    """A column of the user's own: as it is, or text where its cells may be of different types."""
    return pd.Series(as_text(values), index=values.index, dtype="str") if values.dtype == object else values


def _missing(column: Column) -> object:
    if column.default is not None:
        return column.default
    return {"id": "", "text": "", "float": math.nan, "int": 0, "bool": False}[column.kind]


def _dtype(column: Column) -> str:
    return {"id": "str", "text": "str", "float": "float64", "int": "int64", "bool": "bool"}[column.kind]


def _check_names(raw: pd.DataFrame, columns: Sequence[Column], extra: Sequence[Column], where: str) -> list[Finding]:
    """Missing columns, columns given twice, and unknown ones that look like a known one."""
    names = [str(c) for c in raw.columns]
    known = {c.name: c for c in [*columns, *extra]}
    text = "column is given more than once"
    findings = [
        Finding("table.column.duplicate", f"{where}, {name}", text, name, "keep one of them")
        for name in sorted({n for n in names if names.count(n) > 1})
    ]
    explained: set[str] = set()
    for name in names:
        close = "" if name in known else _resembles(name, known, names)
        if close:
            explained.add(close)
            unit = f", in {known[close].unit}" if known[close].unit else ""
            text = f"unknown column that looks like {close}"
            remedy = f"name it {close}{unit}, or give it a name of its own"
            findings.append(Finding("table.column.unknown", f"{where}, {name}", text, name, remedy))
    for column in columns:
        if column.required and column.name not in names and column.name not in explained:
            unit = f" [{column.unit}]" if column.unit else ""
            remedy = f"add {column.name}{unit}: {column.meaning} Columns found: {', '.join(names) or 'none'}"
            text = "required column is missing"
            findings.append(Finding("table.column.missing", f"{where}, {column.name}", text, "", remedy))
    return findings


def _resembles(name: str, known: Mapping[str, Column], present: Sequence[str]) -> str:
    """The known column that `name` seems to mean, or an empty text.

    Another unit or spelling of case of a known column is always a mistake; a near spelling only where the known column
    is absent, as a table may have columns of its own.
    """
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
    if plain in known:
        return plain
    stem, unit = _split_unit(plain)
    for candidate in known:
        candidate_stem, candidate_unit = _split_unit(candidate)
        if stem == candidate_stem and candidate_unit and (not unit or _same_quantity(unit, candidate_unit)):
            return candidate
    absent = [c for c in known if c not in present]
    close = difflib.get_close_matches(plain, absent, n=1, cutoff=0.85)
    return close[0] if close else ""


def _split_unit(name: str) -> tuple[str, str]:
    stem, _, unit = name.rpartition("_")
    return (stem, unit) if stem and unit in _UNITS else (name, "")


def _same_quantity(one: str, other: str) -> bool:
    return any(one in family and other in family for family in _UNIT_FAMILIES)


def _check_key(frame: pd.DataFrame, key: Sequence[str], place: Callable[[object], str]) -> list[Finding]:
    if not key:
        return []
    filled = frame[(frame[list(key)] != "").any(axis=1)]
    findings = []
    first: dict[tuple[object, ...], object] = {}
    for row, values in zip(filled.index, filled[list(key)].itertuples(index=False, name=None), strict=True):
        if values in first:
            found = ", ".join(map(repr, values))
            remedy = f"it is given already in {place(first[values])}; keep one row or rename"
            where = f"{place(row)}, {' and '.join(key)}"
            findings.append(Finding("table.id.duplicate", where, "row is given twice", found, remedy))
        first.setdefault(values, row)
    return findings


def _read_column(
    values: pd.Series, column: Column, place: Callable[[object], str], findings: list[Finding]
) -> pd.Series:
    """One column, typed; what cannot be read is added to `findings`."""
    if column.kind in ("id", "text"):
        return _read_text(values, column, place, findings)
    texts = as_text(values)
    numbers, bad = _numbers(values, texts, column)
    filled = texts != ""
    if column.required and column.default is None:
        bad |= ~filled
    with np.errstate(invalid="ignore"):
        outside = (numbers < column.lower) | (numbers > column.upper)
        outside |= column.lower_open & (numbers == column.lower)
    outside &= filled & ~bad
    for i in np.flatnonzero(bad | outside):
        where = f"{place(values.index[i])}, {column.name}"
        findings.append(_bad_cell(column, where, texts[i], float(numbers[i]), bool(outside[i])))
    numbers[bad | ~filled] = _missing(column)
    return pd.Series(numbers, index=values.index).astype(_dtype(column))


def _read_text(values: pd.Series, column: Column, place: Callable[[object], str], findings: list[Finding]) -> pd.Series:
    texts = as_text(values)
    if column.kind == "id":
        for i in np.flatnonzero(texts == ""):
            where = f"{place(values.index[i])}, {column.name}"
            remedy = f"give the {column.name}: {column.meaning}"
            findings.append(Finding("table.value.missing", where, "the cell is empty", "", remedy))
    elif column.default:
        texts[texts == ""] = column.default
    return pd.Series(texts, index=values.index, dtype="str")


def as_text(values: pd.Series) -> np.ndarray:
    """Values as stripped text: empty where missing, whole numbers without a decimal point.

    Ids are numbers to some programs: a file that holds 101 as a float must still meet the id ``"101"``.
    """
    if pd.api.types.is_bool_dtype(values.dtype):
        return np.where(values.to_numpy(), "1", "0").astype(object)
    if pd.api.types.is_float_dtype(values.dtype):
        return np.array([_number_text(v) for v in values.to_numpy(dtype=float)], dtype=object)
    missing = values.isna().to_numpy()
    return np.array(["" if m else str(v).strip() for v, m in zip(values, missing, strict=True)], dtype=object)


def _number_text(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(float(value))


def _numbers(values: pd.Series, texts: np.ndarray, column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of a column (``nan`` where empty) and where they cannot be read."""
    if column.kind == "bool":
        lowered = np.array([t.lower() for t in texts], dtype=object)
        numbers = np.array([1.0 if t in _TRUE else 0.0 for t in lowered])
        bad = np.array([t != "" and t not in _TRUE and t not in _FALSE for t in lowered], dtype=bool)
        return numbers, bad
    if pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan).copy()
    else:
        numbers = np.array([_number(t) for t in texts], dtype=float)
    # Only a limit that may be absent may be infinite.
    finite_or_open = np.isfinite(numbers) | (np.isposinf(numbers) & (column.default == math.inf))
    bad = (texts != "") & ~finite_or_open
    if column.kind == "int":
        with np.errstate(invalid="ignore"):
            bad |= np.isfinite(numbers) & (numbers != np.floor(numbers))
    return numbers, bad


def _number(text: str) -> float:
    """A number written plainly; ``nan`` for anything else, such as ``1_000`` or ``1,5``."""
    if "_" in text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        return math.nan


def _bad_cell(column: Column, where: str, text: str, number: float, outside: bool) -> Finding:
    unit = f" in {column.unit}" if column.unit else ""
    if text == "":
        remedy = f"give a number{unit}: {column.meaning}"
        return Finding("table.value.missing", where, "the cell is empty", "", remedy)
    if not outside:
        wanted = {"bool": "1 or 0", "int": f"a whole number{unit}"}.get(column.kind, f"a finite number{unit}")
        rule = "table.value.not_finite" if text.lower().lstrip("+-") in _NOT_FINITE else "table.value.type"
        empty = "" if column.required and column.default is None else ", or leave the cell empty"
        return Finding(rule, where, "not a number that can be used", repr(text), f"write {wanted}{empty}")
    below = number <= column.lower
    limit = column.lower if below else column.upper
    relation = ("above" if column.lower_open else "at least") if below else "at most"
    return Finding(
        "table.value.out_of_range",
        where,
        "value is out of range",
        f"{text}{' ' + column.unit if column.unit else ''}",
        f"it must be {relation} {limit:g}{' ' + column.unit if column.unit else ''}",
        value=number,
        limit=limit,
        unit=column.unit,
    )
