"""Every key of a study file, so that none can be forgotten: what is of the wrong type, not finite, no choice or out of
its range is refused, and the finding names key, value and remedy."""

from __future__ import annotations

import json
import math
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from optimizer.config import StudyConfig
from tests.config.studies import refusal

UNBOUNDED = {"sensitivity.range.low", "sensitivity.range.high", "sites.layers.value"}
"""Keys of numbers that any number may be: of a quantity that another key names."""


@dataclass(frozen=True)
class Key:
    """A key, by the tables around it; ``#`` stands for the first entry of a list, a year for one of a mapping."""

    path: tuple[str, ...]
    kind: Any
    bounds: tuple[Any, ...] = ()
    is_table: bool = field(default=False)

    @property
    def name(self) -> str:
        return ".".join(part for part in self.path if part not in ("#", "2030", "any"))

    @property
    def where(self) -> str:
        return "".join("#1" if part == "#" else f".{part}" for part in self.path).removeprefix(".")


def keys_of(table: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[Key]:
    """Every key of a table, and of all tables within."""
    for name, info in table.model_fields.items():
        yield from _keys(info.annotation, tuple(info.metadata), (*path, name))


def _keys(kind: Any, bounds: tuple[Any, ...], path: tuple[str, ...]) -> Iterator[Key]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        more = [m.metadata if isinstance(m, FieldInfo) else [m] for m in inner[1:]]
        yield from _keys(inner[0], (*bounds, *(m for group in more for m in group)), path)
    elif origin in (Union, types.UnionType):
        (given,) = [one for one in inner if one is not type(None)]
        yield from _keys(given, bounds, path)
    elif origin is tuple:
        yield Key(path, tuple)
        yield from _keys(inner[0], (), (*path, "#"))
    elif origin is dict:
        yield Key(path, dict)
        if inner[1] is not Any:
            key = get_args(inner[0])[0] if get_origin(inner[0]) in (Annotated, Literal) else inner[0]
            yield from _keys(inner[1], (), (*path, "2030" if key is int else key if isinstance(key, str) else "any"))
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield Key(path, dict, is_table=True)
        yield from keys_of(kind, path)
    elif kind is Any:
        return
    else:
        yield Key(path, kind, bounds)


def wrong(key: Key) -> Iterator[tuple[Any, str]]:
    """Values that the key must not have, and the rule by which each is refused."""
    choices = get_args(key.kind) if get_origin(key.kind) is Literal else ()
    if choices:
        yield "nonsense", "unknown_choice"
        yield 7, "unknown_choice"
        return
    yield {str: 5, bool: "yes", float: "12", int: "12"}.get(key.kind, 5), "wrong_type"
    if key.kind is float:
        yield math.nan, "not_finite"
        yield math.inf, "not_finite"
    if key.kind is int:
        yield 1.5, "wrong_type"
    if key.kind in (float, int):
        yield True, "wrong_type"
    for bound in key.bounds:
        if isinstance(bound, Ge | Gt):
            yield (bound.ge - 1 if isinstance(bound, Ge) else bound.gt), "out_of_range"
        elif isinstance(bound, Le | Lt):
            yield (bound.le + 1 if isinstance(bound, Le) else bound.lt), "out_of_range"
        elif isinstance(bound, MinLen):
            yield "", "empty"


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def written(path: tuple[str, ...], value: Any) -> Any:
    """Tables around a value."""
    for part in reversed(path):
        value = [value] if part == "#" else {part: value}
    return value


KEYS = list(keys_of(StudyConfig))


def test_the_walk_finds_what_it_should() -> None:
    names = {key.name for key in KEYS}
    assert {name.split(".")[0] for name in names} == set(StudyConfig.model_fields)
    assert len(KEYS) == len({key.where for key in KEYS})
    for name in ("orbit.kg_per_kw", "limits.delivery.per_tie", "service.backup.share", "supply.technology.unit_mw"):
        assert name in names


def test_every_number_has_a_range() -> None:
    numbers = {key.name: key.bounds for key in KEYS if key.kind in (float, int)}
    assert {name for name, bounds in numbers.items() if not bounds} == UNBOUNDED


@pytest.mark.parametrize("key", KEYS, ids=[key.where for key in KEYS])
def test_bad_values_of_every_key(tmp_path: Path, key: Key) -> None:
    for value, rule in wrong(key):
        whole = {"study": {"name": "x"}}
        for name, part in written(key.path, value).items():
            whole[name] = {**whole.get(name, {}), **part} if isinstance(part, dict) else part
        path = tmp_path / "study.toml"
        path.write_text("\n".join(f"{name} = {toml(part)}" for name, part in whole.items()), encoding="utf-8")
        mine = [f for f in refusal(path) if f.where.removeprefix("study.toml: ") == key.where]
        assert [f.rule for f in mine] == [f"config.{rule}"], (value, mine)
        (finding,) = mine
        assert finding.remedy, value
        shown = str(value) if rule == "not_finite" else json.dumps(value)
        assert finding.found == shown
