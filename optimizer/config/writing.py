"""Write a study: as TOML with every default, and as the JSON Schema of what may be written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from optimizer.config.refusals import table_of, tables_of
from optimizer.config.tables import StudyConfig


def config_to_toml(config: StudyConfig) -> str:
    """The resolved study as TOML: every table and key in the order of the documentation, defaults written out.

    Keys without a value (no limit, "all", the archetype's value) are left out, as TOML has no word for nothing.
    Reading the text back gives an equal `StudyConfig`.

    Parameters
    ----------
    config : StudyConfig
        The study.

    Returns
    -------
    str
        TOML, the same text for the same study.
    """
    lines: list[str] = []
    for name, table in tables_of(StudyConfig).items():
        settings = None if "." in name else getattr(config, name)
        if settings is not None:
            # An empty list of tables is not written: [[...]] could not be added below it.
            empty = {
                k for k, info in table.model_fields.items() if table_of(info.annotation) and not getattr(settings, k)
            }
            _table(lines, (name,), settings.model_dump(exclude=empty))
    for scenario, overrides in config.scenario.items():
        lines += [f"[scenario.{_key(scenario)}]"] if not overrides else []
        for key, value in overrides.items():
            if isinstance(value, Mapping):
                _table(lines, ("scenario", scenario, key), value)
    return "\n".join(lines).rstrip("\n") + "\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema of a study file, for completion and checking in editors.

    Returns
    -------
    dict
        Draft 2020-12, closed: no key but the documented ones.
    """
    schema = StudyConfig.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "gridsite study"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "Study file that this one is based on, relative to this file; keys given here replace its keys.",
    }
    return schema


def _table(lines: list[str], path: tuple[str, ...], table: Mapping[str, Any]) -> None:
    """A table's own keys, then its lists of tables."""
    lines.append(f"[{'.'.join(map(_key, path))}]")
    rows = {k: v for k, v in table.items() if isinstance(v, (list, tuple)) and v and isinstance(v[0], Mapping)}
    lines += [f"{_key(k)} = {_value(v)}" for k, v in table.items() if v is not None and k not in rows]
    lines.append("")
    for name, items in rows.items():
        for item in items:
            lines.append(f"[[{'.'.join(map(_key, (*path, name)))}]]")
            lines += [f"{_key(k)} = {_value(v)}" for k, v in item.items() if v is not None]
            lines.append("")


def _key(key: object) -> str:
    text = str(key)
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _text(text)


def _text(text: str) -> str:
    # JSON escapes are TOML escapes; DEL, which JSON leaves alone, is not allowed in TOML.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}" if inside else "{}"
    return "[" + ", ".join(_value(item) for item in value) + "]"
