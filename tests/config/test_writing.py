"""A study written out: the resolved file, its schema and the words on its keys."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from optimizer.config import StudyConfig, config_to_toml, json_schema, load_config
from optimizer.config.refusals import tables_of
from tests.config.studies import FULL, SMALL


def test_the_resolved_study_reads_back_the_same(write) -> None:
    config = load_config(write(FULL))
    text = config_to_toml(config)
    again = load_config(write(text, "resolved.toml"))
    assert again == config
    assert config_to_toml(again) == text


def test_every_default_is_written_out(write) -> None:
    written = tomllib.loads(config_to_toml(load_config(write(SMALL))))
    expected = load_config(write(SMALL)).model_dump(exclude_none=True, mode="json")
    del expected["scenario"], expected["sites"]["layers"], expected["sites"]["scores"]
    del expected["cooling"]["stations"], expected["water"]["source"], expected["sensitivity"]["range"]
    del expected["limits"]["delivery"], expected["facility"]["kind"]
    assert written == expected, "all but lists of tables without entries"


printable = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(name=printable, technology=printable, factor=st.floats(0, 1), key=printable)
def test_any_text_and_number_survives(name: str, technology: str, factor: float, key: str) -> None:
    tables: dict[str, Any] = {
        "study": {"name": name},
        "cooling": {"technologies": [technology]},
        "water": {"withdrawal_share": factor},
        "grid": {"source": "g", "snapshot": [{"name": "a", "hours": 8760, "availability": {key: factor}}]},
    }
    config = StudyConfig.model_validate(tables)
    assert StudyConfig.model_validate(tomllib.loads(config_to_toml(config))) == config


# Documentation


def test_every_number_states_its_unit_in_its_description() -> None:
    def missing(table: type[BaseModel]) -> list[str]:
        numbers = {"float", "int", "Year", "Positive", "NotNegative", "Share", "ByYear"}
        return [
            name
            for name, info in table.model_fields.items()
            if any(word in str(info.annotation) for word in numbers) and "[" not in (info.description or "")
        ]

    tables = tables_of(StudyConfig)
    assert len(tables) >= 16
    found = {f"{name}.{key}" for name, table in tables.items() for key in missing(table)}
    assert found == {"solve.seed"}


def test_the_schema_is_closed_and_knows_every_key() -> None:
    schema = json_schema()
    json.dumps(schema)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {*StudyConfig.model_fields, "extends"}
    tables = [d for d in schema["$defs"].values() if d["type"] == "object"]
    assert tables
    assert all(table["additionalProperties"] is False for table in tables)
    assert all("description" in key for table in tables for key in table["properties"].values())
