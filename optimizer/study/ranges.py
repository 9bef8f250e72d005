"""What a sensitivity analysis varies: keys of the study, or named quantities on which a factor acts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, get_args

from optimizer.config import ConditionsSettings, RangeSettings, StudyConfig, apply_overrides
from optimizer.config.refusals import table_of
from optimizer.errors import Finding, InputError, nearest

Overrides = dict[str, Any]


def _demand(config: StudyConfig, one: RangeSettings, factor: float) -> Overrides:
    target = {} if config.demand is None else config.demand.it_mw
    return {f"demand.it_mw.{t}": factor * mw for t, mw in target.items()}


def _fuel_price(config: StudyConfig, one: RangeSettings, factor: float) -> Overrides:
    own = config.conditions.fuel_price_factors
    return {"conditions.fuel_price_factors": {**own, str(one.carrier): factor * own.get(str(one.carrier), 1.0)}}


def _upgrade_cost(config: StudyConfig, one: RangeSettings, factor: float) -> Overrides:
    return {"conditions.upgrade_cost_factor": factor * config.conditions.upgrade_cost_factor}


def _pue(config: StudyConfig, one: RangeSettings, factor: float) -> Overrides:
    return {"cooling.overhead_factor": factor * config.cooling.overhead_factor}


def _discount_rate(config: StudyConfig, one: RangeSettings, factor: float) -> Overrides:
    return {"economics.discount_rate": factor * config.economics.discount_rate}


QUANTITIES: Mapping[str, tuple[str, Callable[[StudyConfig, RangeSettings, float], Overrides]]] = {
    "demand": ("IT capacity asked for in every period", _demand),
    "fuel_price": ("generation cost of one carrier", _fuel_price),
    "upgrade_cost": ("cost of every network upgrade", _upgrade_cost),
    "pue": ("power drawn beyond the IT load, PUE - 1", _pue),
    "discount_rate": ("discount rate", _discount_rate),
}
"""Named quantities: what each is, and the overrides that a factor on it makes."""


def overrides_of(config: StudyConfig, one: RangeSettings, value: float) -> Overrides:
    """Overrides that give a range's quantity a value.

    Parameters
    ----------
    config : StudyConfig
        The study, as it is.
    one : RangeSettings
        The range.
    value : float
        Value of its key, or factor on its named quantity.
    """
    if one.what in QUANTITIES:
        return QUANTITIES[one.what][1](config, one, value)
    return {one.what: int(value) if is_whole(config, one) and value == int(value) else value}


def varied_conditions(config: StudyConfig, one: RangeSettings) -> list[ConditionsSettings]:
    """Conditions at the ends of a range; none if it does not vary them, or if `range_findings` refuses the end."""
    made: list[ConditionsSettings] = []
    for value in (one.low, one.high):
        overrides = overrides_of(config, one, value)
        if all(key.startswith("conditions.") for key in overrides):
            with suppress(InputError):
                made.append(apply_overrides(config, overrides).conditions)
    return made


def is_whole(config: StudyConfig, one: RangeSettings) -> bool:
    """Whether the key holds a whole number, so that nothing between two whole values can be tried."""
    if one.what in QUANTITIES:
        return False
    held = _held(config, one.what)
    # A key left out holds nothing: its annotation says what it could.
    return isinstance(held, int) or (held is None and _holds_whole(_field(one.what)))


def _holds_whole(field: Any) -> bool:
    """Whether a key takes whole numbers only."""
    kinds = set() if field is None else set(_plain(field.annotation))
    return int in kinds and float not in kinds


def _plain(annotation: Any) -> Iterator[Any]:
    """Types inside an annotation."""
    inner = get_args(annotation)
    if not inner:
        yield annotation
    for one in inner:
        yield from _plain(one)


def _field(key: str) -> Any:
    """Field of a dotted key, of its mapping where the last part is a name in one; ``None`` where there is none."""
    table, last = StudyConfig, None  # type: Any, Any
    for part in key.split("."):
        field = getattr(table, "model_fields", {}).get(part)
        if field is not None:
            last, table = field, table_of(field.annotation)
    return last


def own_value(config: StudyConfig, one: RangeSettings) -> float | None:
    """Value that the study itself gives; ``None`` where a key holds none."""
    if one.what in QUANTITIES:
        return 1.0
    held = _held(config, one.what)
    return None if isinstance(held, bool) or not isinstance(held, int | float) else float(held)


def _held(config: StudyConfig, key: str) -> Any:
    """What a dotted key holds; ``None`` where there is no such key."""
    value: Any = config
    for part in key.split("."):
        if isinstance(value, Mapping):
            value = value.get(int(part) if part.isdigit() else part)
        else:
            value = getattr(value, part, None) if part in getattr(type(value), "model_fields", {}) else None
    return value


def label_of(one: RangeSettings) -> str:
    """How a range is called."""
    return f"{one.what} {one.carrier}" if one.carrier else one.what


def unit_of(one: RangeSettings) -> str:
    """Unit of its values: a factor ("x"), or that in the description of the key."""
    if one.what in QUANTITIES:
        return "x"
    field = _field(one.what)
    described = "" if field is None else field.description or ""
    units = re.findall(r"\[([^\]]+)\]", described)
    return str(units[-1]) if units else ""


def range_findings(config: StudyConfig) -> list[Finding]:
    """What is wrong with the ranges of a study: unknown quantities, keys without a number, ends out of range."""
    findings: list[Finding] = []
    for number, one in enumerate(config.sensitivity.range, start=1):
        where = f"sensitivity.range#{number} ({label_of(one)})"
        if "." not in one.what and one.what not in QUANTITIES:
            remedy = f"{nearest(one.what, QUANTITIES)}, or a dotted key of the study"
            findings.append(Finding("study.range.unknown", where, "no such quantity", repr(one.what), remedy))
            continue
        if one.what.split(".")[0] in ("sensitivity", "scenario", "report", "solve"):
            text, remedy = "it does not change what is decided", "name a key of another table"
            findings.append(Finding("study.range.no_input", where, text, repr(one.what), remedy))
            continue
        found: dict[tuple[str, str], Finding] = {}
        for value in (one.low, one.high):
            try:
                overrides = overrides_of(config, one, value)
                apply_overrides(config, overrides)
            except InputError as error:
                found |= {(f.rule, f.where): f for f in error.findings}
            else:
                if not overrides:
                    text, remedy = "the study has none", "add [demand], or take the range out"
                    found["", ""] = Finding("study.range.nothing", where, text, repr(one.what), remedy)
        findings += [replace(f, where=f"{where}: {f.where}" if f.where != where else where) for f in found.values()]
    return findings
