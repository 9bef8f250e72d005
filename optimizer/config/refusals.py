"""Pydantic's errors as findings: the key, what was written there, and what to write instead."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from optimizer.errors import Finding, nearest

# A word of a key -> what it measures, its size in the unit of the first, and its sign. Exact by definition.
_UNITS: dict[str, tuple[str, float, str]] = {
    "m": ("length", 1.0, "m"),
    "km": ("length", 1000.0, "km"),
    "ft": ("length", 0.3048, "ft"),
    "feet": ("length", 0.3048, "ft"),
    "mi": ("length", 1609.344, "mile"),
    "mile": ("length", 1609.344, "mile"),
    "miles": ("length", 1609.344, "mile"),
    "mw": ("power", 1.0, "MW"),
    "kw": ("power", 0.001, "kW"),
    "gw": ("power", 1000.0, "GW"),
    "mva": ("power", 1.0, "MVA at unity power factor"),
    "ha": ("area", 1.0, "ha"),
    "km2": ("area", 100.0, "km2"),
    "acre": ("area", 0.40468564224, "acre"),
    "acres": ("area", 0.40468564224, "acre"),
    "musd": ("money", 1.0, "M$"),
    "usd": ("money", 1e-6, "$"),
    "kusd": ("money", 0.001, "k$"),
    "busd": ("money", 1000.0, "G$"),
    "gusd": ("money", 1000.0, "G$"),
    "share": ("share", 1.0, "(whole)"),
    "percent": ("share", 0.01, "%"),
    "pct": ("share", 0.01, "%"),
    "kv": ("voltage", 1.0, "kV"),
    "v": ("voltage", 0.001, "V"),
    "s": ("time", 1.0, "s"),
    "min": ("time", 60.0, "min"),
    "minutes": ("time", 60.0, "min"),
    "h": ("time", 3600.0, "h"),
    "hours": ("time", 3600.0, "h"),
    "months": ("duration", 1.0, "month"),
    "years": ("duration", 12.0, "year"),
}

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
}
_BOUND = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
_BOUND_WORD = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}


def findings_of(error: ValidationError, root: type[BaseModel]) -> list[Finding]:
    """Convert every error of pydantic to a finding whose `where` is the dotted key.

    Parameters
    ----------
    error : ValidationError
        What pydantic raised on validating `root`.
    root : type of BaseModel
        The whole study. Its own one-line error on checks across tables is left out: those have findings already.
    """
    return [_finding(e, root) for e in error.errors(include_url=False) if e["loc"]]


def unknown_key(key: str, table: type[BaseModel], path: str, value: Any, elsewhere: Mapping[str, Any]) -> Finding:
    """Finding for a key that `table` does not have, with the key that was probably meant.

    Parameters
    ----------
    key, path : str
        The unknown key, and the dotted key with its table.
    table : type of BaseModel
        The table it was written in.
    value : object
        What was written there.
    elsewhere : mapping of str to type of BaseModel
        All tables by name: a key that another table has is pointed there.
    """
    known = list(table.model_fields)
    remedy = _unit_hint(key, known)
    if not remedy:
        homes = [name for name, other in elsewhere.items() if key in other.model_fields and other is not table]
        if homes and key not in known:
            remedy = f"it belongs to [{homes[0]}]; known here: {', '.join(sorted(known))}"
    kind = "unknown table" if isinstance(value, dict) and not path.count(".") else "unknown key"
    return Finding("config.unknown_key", path, kind, found(value), remedy or nearest(key, known))


def found(value: Any) -> str:
    """The value as one short line, as it would be written in the file."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= 60 else text[:57] + "..."


def table_of(annotation: Any) -> type[BaseModel] | None:
    """The table inside an annotation such as ``GridSettings | None`` or a tuple of tables, if there is one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((t for t in map(table_of, get_args(annotation)) if t is not None), None)


def tables_of(root: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Every table of the study by its dotted name."""
    return dict(_walk(root, ""))


def _walk(root: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, info in root.model_fields.items():
        table = table_of(info.annotation)
        if table is not None:
            yield prefix + name, table
            yield from _walk(table, f"{prefix}{name}.")


def _finding(error: Any, root: type[BaseModel]) -> Finding:
    loc = [p for p in error["loc"] if p != "[key]"]
    path = _dotted(loc)
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    table, field = _locate(root, loc)
    about = (field.description or "").split(". ")[0].rstrip(".") if field is not None else ""
    if kind == "extra_forbidden":
        return unknown_key(str(loc[-1]), table, path, value, tables_of(root))
    if kind == "missing":
        return Finding("config.missing_key", path, "required key is missing", "", f"add it: {about}")
    if kind == "finite_number":
        return Finding("config.not_finite", path, "not a finite number", str(value), f"give a number: {about}")
    if kind in _BOUND:
        bound = float(context[_BOUND[kind]])
        return Finding(
            "config.out_of_range",
            path,
            "out of range",
            found(value),
            f"give {_BOUND_WORD[_BOUND[kind]]} {bound:g}: {about}",
            value=float(value),
            limit=bound,
        )
    if kind == "literal_error":
        choices = str(context["expected"])
        return Finding("config.unknown_choice", path, "not one of the choices", found(value), f"use {choices}: {about}")
    if kind in ("too_short", "string_too_short"):
        return Finding("config.empty", path, "is empty", found(value), f"fill it in or leave it out: {about}")
    if kind == "string_too_long":
        return Finding(
            "config.too_long", path, "too long", found(value), f"give at most {context['max_length']} characters"
        )
    if error["loc"] and error["loc"][-1] == "[key]":
        return Finding("config.year", path, "the key is not a year", found(value), "use a year such as 2030 as key")
    expected = _EXPECTED.get(kind, "")
    remedy = f"give {expected}: {about}" if expected else f"{error['msg']}: {about}"
    return Finding("config.wrong_type", path, "wrong type", found(value), remedy)


def _dotted(loc: list[Any]) -> str:
    path = ""
    for part in loc:
        # Whole numbers are years where keys are years, positions in a list elsewhere: entry 1 is the first.
        if isinstance(part, int) and not 1900 <= part <= 2200:
            path += f"#{part + 1}"
        else:
            path += f".{part}" if path else str(part)
    return path


def _locate(root: type[BaseModel], loc: list[Any]) -> tuple[type[BaseModel], Any]:
    """The table in which the last known key of `loc` stands, and that key's field."""
    table, field = root, None
    for part in loc:
        if not isinstance(part, str) or part not in table.model_fields:
            continue
        field = table.model_fields[part]
        inner = table_of(field.annotation)
        if inner is not None:
            table = inner
    return table, field


def _unit_hint(key: str, known: list[str]) -> str:
    """Name the known key that measures the same thing in another unit, and say how to convert."""
    for candidate in known:
        if candidate == key:
            continue
        words, other = key.split("_"), candidate.split("_")
        differing = [(a, b) for a, b in zip(words, other, strict=False) if a != b]
        if len(words) != len(other) or len(differing) != 1:
            continue
        written, meant = (_UNITS.get(word, ("", 0.0, "")) for word in differing[0])
        if written[0] and written[0] == meant[0]:
            return f"use {candidate!r}: 1 {written[2]} = {written[1] / meant[1]:.6g} {meant[2]}"
    return ""
