"""Values of a filter: its operators applied to columns, with missing values neither true nor false."""

from __future__ import annotations

import operator
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

COMPARISONS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}

Value: TypeAlias = Any
"""A column, or one number, text or condition for all rows."""


def kind_of(column: pd.Series) -> str:
    """What a column holds: ``"number"``, ``"text"``, ``"condition"`` (true or false) or ``"other"``."""
    column = _plain(column)
    if pd.api.types.is_bool_dtype(column.dtype):
        return "condition"
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_complex_dtype(column.dtype):
        return "number"
    if isinstance(column.dtype, pd.StringDtype):
        return "text"
    inferred = pd.api.types.infer_dtype(column, skipna=True)
    known = {"string": "text", "empty": "text", "boolean": "condition"}
    return known.get(inferred, "number" if inferred in ("integer", "floating", "decimal") else "other")


def evaluate(tree: Any, frame: pd.DataFrame) -> np.ndarray:
    """Which rows a filter that has been checked lets through.

    Parameters
    ----------
    tree : object
        Operators and operands.
    frame : DataFrame
        Columns.

    Returns
    -------
    bool array, shape (n,)
    """
    result = _truth(tree, frame)
    return np.asarray(result.fillna(False), dtype=bool)


def _truth(node: Any, frame: pd.DataFrame) -> pd.Series:
    """A condition on every row, missing where it is unknown."""
    if not isinstance(node, dict) or "property" in node:
        return pd.Series(_value(node, frame), index=frame.index, dtype="boolean")
    name, operands = node["op"], node["args"]
    if name in ("and", "or"):
        parts = [_truth(part, frame) for part in operands]
        result = parts[0]
        for part in parts[1:]:
            result = result & part if name == "and" else result | part
        return result
    if name == "not":
        return ~_truth(operands[0], frame)
    if name == "isNull":
        return pd.Series(_missing(_value(operands[0], frame), frame), index=frame.index, dtype="boolean")
    if name == "like":
        return _like(_value(operands[0], frame), operands[1], frame)
    if name == "between":
        value, low, high = (_value(part, frame) for part in operands)
        return _compare(">=", value, low, frame) & _compare("<=", value, high, frame)
    if name == "in":
        value = _value(operands[0], frame)
        result = pd.Series(False, index=frame.index, dtype="boolean")
        for part in operands[1]:
            result = result | _compare("=", value, _value(part, frame), frame)
        return result
    return _compare(name, _value(operands[0], frame), _value(operands[1], frame), frame)


def _value(node: Any, frame: pd.DataFrame) -> Value:
    """A number, a text, a condition or a column of them; what cannot be computed is missing."""
    if not isinstance(node, dict):
        return node
    if "property" in node:
        column = _plain(frame[node["property"]])
        kind = kind_of(column)
        if kind == "number":
            return column.astype("float64")
        return column.astype("boolean") if kind == "condition" else column
    if node["op"] not in ARITHMETIC:
        return _truth(node, frame)
    left, right = (_number(_value(part, frame)) for part in node["args"])
    with np.errstate(all="ignore"):
        result = ARITHMETIC[node["op"]](left, right)
    finite = np.isfinite(result)
    return result.where(finite) if isinstance(result, pd.Series) else result if finite else np.nan


def _plain(column: pd.Series) -> pd.Series:
    """Categories as what they stand for."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    kept = column.dtype.categories.dtype
    # Whole numbers have no way to be missing; other numbers do.
    return column.astype("float64" if pd.api.types.is_integer_dtype(kept) else kept)


def _number(value: Any) -> Any:
    # A division by a plain zero raises an error; one by numpy's is infinite, and so becomes missing.
    return value if isinstance(value, pd.Series) else np.float64(value)


def _compare(name: str, left: Value, right: Value, frame: pd.DataFrame) -> pd.Series:
    unknown = _missing(left, frame) | _missing(right, frame)
    known = ~unknown
    result = np.zeros(len(frame), dtype=bool)
    pair = [v[known].to_numpy(dtype=object) if _holds_text(v) else _array(v, known) for v in (left, right)]
    result[known] = COMPARISONS[name](*pair)
    return pd.Series(pd.arrays.BooleanArray(result, unknown), index=frame.index)


def _holds_text(value: Value) -> bool:
    return isinstance(value, pd.Series) and kind_of(value) == "text"


def _array(value: Value, known: np.ndarray) -> Any:
    if isinstance(value, pd.Series):
        return value[known].to_numpy(dtype=bool if value.dtype == "boolean" else float)
    return value


def _missing(value: Value, frame: pd.DataFrame) -> np.ndarray:
    if isinstance(value, pd.Series):
        return value.isna().to_numpy(dtype=bool)
    return np.full(len(frame), bool(pd.isna(value)))


def _like(value: Value, pattern: str, frame: pd.DataFrame) -> pd.Series:
    """Whole texts that a pattern matches: ``%`` stands for any text, ``_`` for any character."""
    # Arrow compiles the pattern to an automaton: no pattern makes it slow.
    texts = pa.array(value if isinstance(value, pd.Series) else [value] * len(frame), pa.string(), from_pandas=True)
    matched = pc.match_like(texts, pattern)
    unknown = _missing(value, frame)
    found = np.asarray(matched.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
    return pd.Series(pd.arrays.BooleanArray(found, unknown), index=frame.index)
