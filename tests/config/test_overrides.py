"""What an override, a scenario and an archetype change in a study."""

from __future__ import annotations

import contextlib
import hashlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.config import StudyConfig, apply_overrides, fill_facility, load_config, scenario_config
from optimizer.errors import InputError
from tests.config.studies import FULL, SMALL


def test_an_override_is_a_new_study(write) -> None:
    config = load_config(write(FULL))
    changed = apply_overrides(config, {"water.withdrawal_share": 0.0, "demand.it_mw.2030": 300, "grid": None})
    assert (changed.water.withdrawal_share, changed.grid) == (0.0, None)
    assert changed.demand is not None
    assert changed.demand.it_mw == {2028: 100.0, 2030: 300.0}
    assert config.water.withdrawal_share == 0.1
    assert config.demand is not None
    assert config.demand.it_mw == {2028: 100.0, 2030: 250.5}


def test_a_mapping_changes_a_table_and_replaces_a_value(write) -> None:
    config = load_config(write(SMALL + "[water]\nsources = ['a']\n[demand.it_mw]\n2028 = 1\n2030 = 2\n"))
    changed = apply_overrides(config, {"water": {"withdrawal_share": 0.5}, "demand.it_mw": {2040: 7.0}})
    assert (changed.water.withdrawal_share, changed.water.sources) == (0.5, ("a",))
    assert changed.demand is not None
    assert changed.demand.it_mw == {2040: 7.0}
    assert changed.study.periods == (2040,), "periods nobody wrote follow the demand"


def test_overrides_that_cannot_be(write) -> None:
    config = load_config(write(FULL))
    with pytest.raises(InputError) as caught:
        apply_overrides(config, {"water.share": 0.0, "solve.gap": -1.0, "": 3})
    assert {f.where for f in caught.value.findings} == {"override: water.share", "override: solve.gap", "override: "}


def test_a_scenario_changes_what_it_names(write) -> None:
    config = load_config(write(FULL))
    dry, big = scenario_config(config, "dry"), scenario_config(config, "big")
    assert (dry.water.withdrawal_share, dry.demand, dry.sites) == (0.0, config.demand, config.sites)
    assert big.demand is not None
    assert big.demand.it_mw == {2028: 100.0, 2030: 400.0}
    assert (dry.scenario, dry.report.compare) == ({}, ())
    with pytest.raises(InputError, match="did you mean 'dry'"):
        scenario_config(config, "dri")


KEYS = ["name", "it_mw", "source", "2030", "periods", "layers", ""]


@given(
    st.dictionaries(
        st.sampled_from([*StudyConfig.model_fields, "x", ""]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_no_content_ends_in_anything_but_findings(overrides: dict[str, Any]) -> None:
    config = StudyConfig.model_validate({"study": {"name": "n"}})
    with contextlib.suppress(InputError):
        apply_overrides(config, overrides)
        return
    with pytest.raises(InputError) as caught:
        apply_overrides(config, overrides)
    findings = caught.value.findings
    assert findings
    assert all(f.rule.startswith("config.") and f.remedy for f in findings)


# Archetypes

ARCHETYPES = {"ai_training": {"block_mw": 100.0, "utilization": 0.8}, "small": {"block_mw": 5.0}}


def test_a_campus_is_filled_from_its_archetype_and_keeps_what_is_given(write) -> None:
    config = load_config(write(SMALL + "[demand.it_mw]\n2030 = 5\n[facility]\nutilization = 0.6\n"))
    filled = fill_facility(config, ARCHETYPES)
    assert (filled.facility.block_mw, filled.facility.utilization) == (100.0, 0.6)
    assert fill_facility(load_config(write(SMALL)), ARCHETYPES).facility.block_mw is None, "no demand, no campus"
    other = apply_overrides(config, {"demand.archetype": "smal"})
    with pytest.raises(InputError, match="did you mean 'small'"):
        fill_facility(other, ARCHETYPES)


def test_the_bundled_archetypes_fill_every_key(repository: Path, write) -> None:
    import pandas as pd

    rows = pd.read_csv(repository / "datasets" / "facilities" / "archetypes.csv", keep_default_na=False)
    assert set(rows["confidence"]) <= {"primary", "secondary", "weak", "unverified"}
    assert (rows["source"] != "").all()
    assert rows["year"].between(1990, 2026).all()
    assert not rows.duplicated(["archetype", "parameter"]).any()
    values = {name: dict(zip(g["parameter"], g["value"], strict=True)) for name, g in rows.groupby("archetype")}
    for name in values:
        text = SMALL + f"[demand]\narchetype = '{name}'\nit_mw = {{2030 = 5}}\n"
        filled = fill_facility(load_config(write(text)), values)
        # Whether the cost of IT counts is a choice, not a fact.
        assert [key for key, value in filled.facility.model_dump().items() if value is None] == ["it_cost_counts"]


def test_the_archetypes_are_the_described_file(repository: Path) -> None:
    folder = repository / "datasets" / "facilities"
    file, _ = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))["file"]
    content = (folder / file["path"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert list(file["columns"]) == content.decode().splitlines()[0].split(",")
