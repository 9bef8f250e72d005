"""Compare what a plan states with what is recomputed; name every cell that differs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.table_text import format_number
from optimizer.plan.tables import PLAN_TABLES

MOST_PER_COLUMN = 10
"""Findings of one column that are listed one by one; the others are counted in a last one."""

RECOMPUTED = "plan.recomputed"
"""Rule of a figure that does not follow from the inputs and the plan's decisions."""

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


def slack(unit: str, recomputed: Floats | float) -> Floats:
    """Largest difference allowed from a recomputed figure, in its own unit.

    Parameters
    ----------
    unit : str
        Unit of the figure.
    recomputed : ndarray or float
        The figure.
    """
    size = np.abs(np.asarray(recomputed, dtype=float))
    if unit == "M$":
        return tolerances.MONEY_MUSD + tolerances.MONEY_SHARE * size
    known = {"MW": tolerances.POWER_MW, "m3/day": tolerances.WATER_M3_DAY, "t/year": tolerances.CARBON_T}
    known |= {"t CO2e": tolerances.CARBON_T, "m3": tolerances.WATER_M3_DAY, "MW-years": tolerances.POWER_MW}
    known |= {"ha": tolerances.LAND_HA}
    return np.full(size.shape, known.get(unit, tolerances.ROUNDING)) + 1e-9 * size


def differs(stated: Any, recomputed: Any, unit: str) -> Bools:
    """Where two columns of numbers differ by more than their slack, or one of them is missing."""
    a = pd.to_numeric(pd.Series(stated)).to_numpy(dtype=float, na_value=np.nan)
    b = pd.to_numeric(pd.Series(recomputed)).to_numpy(dtype=float, na_value=np.nan)
    a, b = np.where(np.isinf(a), np.nan, a), np.where(np.isinf(b), np.nan, b)
    both = ~np.isnan(a) & ~np.isnan(b)
    apart = np.abs(np.where(both, a, 0.0) - np.where(both, b, 0.0)) > slack(unit, np.where(both, b, 0.0))
    return np.where(both, apart, np.isnan(a) != np.isnan(b))


def is_number(value: Any) -> bool:
    """Whether a value of plan.json is a finite number."""
    # A comparison holds for whole numbers of any length, and for no nan.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def cell(prefix: str, name: str, row: int, table: pd.DataFrame, column: str) -> str:
    """Where a cell is, in words: file, row (1 is the first below the header), what the row is, column."""
    keys = ", ".join(f"{k} {table[k].iat[row]}" for k in PLAN_TABLES[name].keys if str(table[k].iat[row]) != "")
    return f"{prefix}tables/{name}.csv row {row + 1} ({keys}) column {column}"


def finding(where: str, stated: Any, recomputed: Any, unit: str = "", why: str = "") -> Finding:
    """A figure that is not what follows from the inputs and the plan's decisions."""
    numbers = isinstance(stated, int | float | np.number) and isinstance(recomputed, int | float | np.number)
    message = f"must be {_text(recomputed, unit)}" + (f", {why}" if why else "")
    value, limit = (_finite(stated), _finite(recomputed)) if numbers else (None, None)
    return Finding(RECOMPUTED, where, message, _text(stated, unit), "", "error", value, limit, unit)


def broken(rule: str, where: str, message: str, value: float, limit: float, unit: str) -> Finding:
    """A figure on the wrong side of a limit; the message names the limit."""
    numbers = (_finite(value), _finite(limit))
    return Finding(rule, where, message, f"{format_number(value)} {unit}", "", "error", *numbers, unit)


def _finite(number: Any) -> float | None:
    return float(number) if np.isfinite(number) else None


def _text(value: Any, unit: str) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)) or value is pd.NA:
        return "empty"
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return f"{format_number(value)} {unit}".removesuffix("-").rstrip()
    return str(value) if str(value) else "empty"


def capped(findings: Sequence[Finding], where: str) -> list[Finding]:
    """The first few findings of one column, and one that counts the rest."""
    if len(findings) <= MOST_PER_COLUMN:
        return list(findings)
    rest = f"{len(findings) - MOST_PER_COLUMN} more rows differ"
    return [*findings[:MOST_PER_COLUMN], Finding(RECOMPUTED, where, rest)]


def compare_column(
    prefix: str, name: str, stated: pd.DataFrame, column: str, recomputed: Any, bad: Bools | None = None, why: str = ""
) -> list[Finding]:
    """Compare one column of a table, row by row.

    Parameters
    ----------
    prefix : str
        Folder of a comparison plan, empty for the plan itself.
    name, column : str
        Table and column.
    stated : DataFrame
        The table as stated.
    recomputed : sequence
        What the column must be, in the table's row order.
    bad : ndarray of bool, optional
        Rows that differ; default by the unit's slack, texts exactly.
    why : str
        What the figure follows from.
    """
    spec = next(c for c in PLAN_TABLES[name].columns if c.name == column)
    values = list(recomputed)
    if bad is None and spec.kind in ("id", "text"):
        bad = np.array([str(a) != str(b) for a, b in zip(stated[column], values, strict=True)], dtype=bool)
    elif bad is None:
        bad = differs(stated[column].to_numpy(), values, spec.unit)
    rows = np.flatnonzero(bad)
    found = [
        finding(cell(prefix, name, int(i), stated, column), stated[column].iat[i], values[i], spec.unit, why)
        for i in rows
    ]
    return capped(found, f"{prefix}tables/{name}.csv column {column}")


def compare_tables(
    prefix: str,
    name: str,
    stated: pd.DataFrame,
    recomputed: pd.DataFrame,
    columns: Sequence[str] | None = None,
    may_miss: Callable[[pd.DataFrame], Bools] | None = None,
    may_exceed: Callable[[pd.DataFrame], Bools] | None = None,
) -> list[Finding]:
    """Compare a table with what it must be: rows that are missing, rows too many, cells that differ.

    Parameters
    ----------
    prefix : str
        Folder of a comparison plan, empty for the plan itself.
    name : str
        Name of the table.
    stated, recomputed : DataFrame
        The table as stated, and as recomputed; row order does not matter.
    columns : sequence of str, optional
        Columns to compare; default all that `recomputed` has, but the keys.
    may_miss, may_exceed : callable, optional
        Which recomputed rows need not be stated, and which stated rows need not be recomputed.
    """
    keys = list(PLAN_TABLES[name].keys)
    where = f"{prefix}tables/{name}.csv"
    rows, others, lacking, extra = _matched(_keyed(stated, keys), _keyed(recomputed, keys))
    missing = recomputed.iloc[lacking]
    if may_miss is not None and len(missing):
        missing = missing[~may_miss(missing)]
    if may_exceed is not None and extra:
        extra = [row for row, may in zip(extra, may_exceed(stated.iloc[extra]), strict=True) if not may]
    found = [_missing(where, keys, row) for row in missing.to_dict("records")]
    findings = capped(found, where)
    named = " or ".join(keys)
    found = [
        Finding(RECOMPUTED, cell(prefix, name, i, stated, named), "a plan with these decisions has no such row")
        for i in extra
    ]
    findings += capped(found, where)
    for column in columns or [c for c in PLAN_TABLES[name].names if c in recomputed.columns and c not in keys]:
        whole = stated[column].to_numpy(dtype=object, copy=True)
        whole[rows] = recomputed[column].to_numpy(dtype=object)[others]
        findings += compare_column(prefix, name, stated, column, whole)
    return findings


def _keyed(table: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(table[key].astype(str).tolist() for key in keys), strict=True))


def _matched(
    stated: list[tuple[str, ...]], recomputed: list[tuple[str, ...]]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Rows that pair up, stated and recomputed, and those of either side that have no other."""
    known: dict[tuple[str, ...], list[int]] = {}
    for other, key in enumerate(recomputed):
        known.setdefault(key, []).append(other)
    pairs = [(row, other) for row, key in enumerate(stated) for other in known.get(key, ())]
    there = set(stated)
    lacking = [other for key in sorted(known) if key not in there for other in known[key]]
    extra = [row for row, key in enumerate(stated) if key not in known]
    return [row for row, _ in pairs], [other for _, other in pairs], lacking, extra


def _missing(where: str, keys: list[str], row: Mapping[str, Any]) -> Finding:
    named = ", ".join(f"{k} {row[k]}" for k in keys if str(row[k]) != "")
    return Finding(RECOMPUTED, where, f"a row is missing: {named}")
