"""A study file: what is accepted, what is refused and how it is said, what an override changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from optimizer.config import (
    StudyConfig,
    apply_overrides,
    config_to_toml,
    fill_facility,
    json_schema,
    load_config,
    scenario_config,
)
from optimizer.config.refusals import tables_of
from optimizer.errors import Finding, InputError

SMALL = '[study]\nname = "small"\n'
ONE_FUTURE = '[demand]\nit_mw = {2030 = 1}\n[[uncertainty.scenario]]\nname = "a"\n'
FULL = """
[study]
name = "Two periods"
periods = [2028, 2030]

[grid]
source = "grid"

[demand]
it_mw = { 2028 = 100, 2030 = 250.5 }

[[sites.layers]]
source = "parks.gpkg"
buffer_m = 500

[[sites.layers]]
source = "lakes.gpkg"

[limits]
budget_musd = { 2030 = 4000 }

[report]
compare = ["dry"]

[scenario.dry.water]
withdrawal_share = 0

[scenario.big.demand]
it_mw = { 2030 = 400 }
"""


@pytest.fixture
def write(tmp_path: Path):
    def to_file(text: str, name: str = "study.toml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def refusal(path: Path) -> tuple[Finding, ...]:
    with pytest.raises(InputError) as caught:
        load_config(path)
    return caught.value.findings


# What is read


def test_defaults_are_those_of_the_design(write) -> None:
    config = load_config(write(SMALL))
    assert (config.study.objective, config.study.perspective, config.study.currency_year) == ("cost", "system", 2024)
    assert (config.grid, config.demand, config.scenario) == (None, None, {})
    assert (config.sites.cell_km, config.sites.max_tie_km, config.sites.points_per_site) == (5.0, 25.0, 3)
    assert (config.security.contingencies, config.security.emergency_factor) == (("branch",), 1.2)
    assert (config.security.base_overloads, config.security.splitting) == ("refuse", "secure")
    economics = config.economics
    assert (economics.discount_rate, economics.last_period_years, economics.life_years) == (0.07, 10.0, 30.0)
    assert economics.annuitize is True
    assert (config.solve.gap, config.solve.threads, config.solve.seed) == (0.01, 1, 0)


def test_years_are_numbers_and_lists_are_tuples(write) -> None:
    config = load_config(write(FULL))
    assert config.demand is not None
    assert config.demand.it_mw == {2028: 100.0, 2030: 250.5}
    assert config.study.periods == (2028, 2030)
    assert [layer.source for layer in config.sites.layers] == ["parks.gpkg", "lakes.gpkg"]


@pytest.mark.parametrize(
    ("demand", "periods"), [("", (2024,)), ("[demand.it_mw]\n2032 = 5\n2028 = 1\n", (2028, 2032))], ids=["none", "two"]
)
def test_periods_left_out_are_the_years_of_demand_or_the_currency_year(write, demand: str, periods: tuple) -> None:
    assert load_config(write(SMALL + demand)).study.periods == periods


def test_tables_cannot_be_changed(write) -> None:
    config = load_config(write(FULL))
    with pytest.raises(ValidationError):
        config.water.withdrawal_share = 0.5
    with pytest.raises(ValidationError):
        config.water = None


def test_windows_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load_config(path).study.name == "small"


# extends


def test_a_study_replaces_keys_of_its_base_and_keeps_the_others(write) -> None:
    write(
        SMALL + '[water]\nwithdrawal_share = 0.3\nsources = ["fresh"]\n[cooling]\ntechnologies = ["a", "b"]\n',
        "base.toml",
    )
    config = load_config(
        write('extends = "base.toml"\n[water]\nwithdrawal_share = 0.2\n[cooling]\ntechnologies = ["c"]\n')
    )
    assert config.study.name == "small"
    assert (config.water.withdrawal_share, config.water.sources) == (0.2, ("fresh",))
    assert config.cooling.technologies == ("c",), "lists are replaced, not joined"


def test_paths_of_a_base_file_stay_relative_to_it(write, tmp_path: Path) -> None:
    write("", "shared/sites.csv")
    write("", "shared/parks.gpkg")
    base = SMALL + '[grid]\nsource = "texas"\n[sites]\ntable = "sites.csv"\n[[sites.layers]]\nsource = "parks.gpkg"\n'
    write(base, "shared/base.toml")
    config = load_config(write('extends = "../shared/base.toml"\n', "mine/study.toml"))
    assert config.sites.table == "../shared/sites.csv"
    assert config.sites.layers[0].source == "../shared/parks.gpkg"
    assert config.grid is not None
    assert config.grid.source == "texas", "a name is not a path"


def test_findings_name_the_file_that_holds_the_key(write) -> None:
    write(SMALL + "[water]\nwithdrawal_share = 2\n", "base.toml")
    findings = refusal(write('extends = "base.toml"\n[economics]\nlife_years = 0\n'))
    assert [f.where for f in findings] == ["base.toml: water.withdrawal_share", "study.toml: economics.life_years"]


# What is refused: rule, key, value, remedy

REFUSED = {
    "unknown key": ("[water]\nwithdraw_share = 0\n", "unknown_key", "water.withdraw_share", "0", "'withdrawal_share'"),
    "unknown table": ("[waters]\nx = 1\n", "unknown_key", "waters", '{"x": 1}', "'water'"),
    "key of another table": ("[water]\nseed = 1\n", "unknown_key", "water.seed", "1", "belongs to [solve]"),
    "miles": ("[sites]\nmax_tie_miles = 10\n", "unknown_key", "sites.max_tie_miles", "10", "1 mile = 1.60934 km"),
    "gigawatts": ("[demand]\nit_gw = {2030 = 5}\n", "unknown_key", "demand.it_gw", '{"2030": 5}', "1 GW = 1000 MW"),
    "acres": ("[sites]\nmin_area_acres = 5\n", "unknown_key", "sites.min_area_acres", "5", "1 acre = 0.404686 ha"),
    "per gigawatt": (
        "[facility]\ncost_musd_per_gw = 9\n",
        "unknown_key",
        "facility.cost_musd_per_gw",
        "9",
        "cost_musd_per_mw",
    ),
    "text for a number": ('[solve]\ngap = "1%"\n', "wrong_type", "solve.gap", '"1%"', "a number"),
    "broken count": ("[solve]\nthreads = 1.5\n", "wrong_type", "solve.threads", "1.5", "a whole number"),
    "true for a number": ("[solve]\nthreads = true\n", "wrong_type", "solve.threads", "true", "a whole number"),
    "date for text": ("[report]\ntitle = 2026-01-01\n", "wrong_type", "report.title", '"2026-01-01"', "text in quotes"),
    "value for a table": ("water = 3\n", "wrong_type", "water", "3", "a table"),
    "one for a list": ('[water]\nsources = "fresh"\n', "wrong_type", "water.sources", '"fresh"', "a list"),
    "not a number": (
        "[economics]\ndiscount_rate = nan\n",
        "not_finite",
        "economics.discount_rate",
        "nan",
        "give a number",
    ),
    "infinite": ("[sites]\nmax_tie_km = inf\n", "not_finite", "sites.max_tie_km", "inf", "give a number"),
    "too large": ("[water]\nwithdrawal_share = 10\n", "out_of_range", "water.withdrawal_share", "10", "at most 1"),
    "not positive": ("[facility]\nblock_mw = 0\n", "out_of_range", "facility.block_mw", "0", "more than 0"),
    "negative demand": ("[demand]\nit_mw = {2030 = -5}\n", "out_of_range", "demand.it_mw.2030", "-5", "at least 0"),
    "no year": ("[demand]\nit_mw = {soon = 5}\n", "year", "demand.it_mw.soon", '"soon"', "2030"),
    "no demand": ("[demand]\nit_mw = {}\n", "empty", "demand.it_mw", "{}", "[MW]"),
    "missing key": ("[demand]\npenalty_musd_per_mw_year = 1\n", "missing_key", "demand.it_mw", "", "[MW]"),
    "unknown choice": (
        '[security]\nsplitting = "ignore"\n',
        "unknown_choice",
        "security.splitting",
        '"ignore"',
        "'skip'",
    ),
    "unknown contingency": (
        '[security]\ncontingencies = ["bus"]\n',
        "unknown_choice",
        "security.contingencies#1",
        '"bus"',
        "'branch'",
    ),
    "contingency twice": (
        '[security]\ncontingencies = ["list", "mine.csv", "list"]\n',
        "duplicate_name",
        "security.contingencies",
        "'list'",
        "once",
    ),
    "unknown scenario": (
        '[report]\ncompare = ["wet"]\n[scenario.dry]\n',
        "unknown_scenario",
        "report.compare",
        "'wet'",
        "dry",
    ),
    "probabilities": (
        f'{ONE_FUTURE}probability = 0.25\n[[uncertainty.scenario]]\nname = "b"\nprobability = 0.7\n',
        "probabilities",
        "uncertainty.scenario",
        "0.95",
        "change them",
    ),
    "future twice": (
        f'{ONE_FUTURE}probability = 0.5\n[[uncertainty.scenario]]\nname = "A"\nprobability = 0.5\n',
        "duplicate_name",
        "uncertainty.scenario",
        "'a'",
        "once",
    ),
    "name of a future": (
        ONE_FUTURE.replace('"a"', '"a b"') + "probability = 1\n",
        "scenario_name",
        "uncertainty.scenario",
        "'a b'",
        "letters",
    ),
    "too many futures": (
        "".join(f'[[uncertainty.scenario]]\nname = "f{i}"\nprobability = 0.004\n' for i in range(250)),
        "too_many",
        "uncertainty.scenario",
        "250 scenarios",
        "leave some out",
    ),
    "no probability": (ONE_FUTURE, "missing_key", "uncertainty.scenario#1.probability", "", "probability"),
    "future of another year": (
        f"{ONE_FUTURE}probability = 1\nit_demand_factors = {{ 2031 = 2 }}\n",
        "factor_year",
        "uncertainty.scenario#1 (a), it_demand_factors",
        "2031",
        "2030",
    ),
    "conditions of another year": (
        "[demand]\nit_mw = {2030 = 1}\n[conditions]\nexisting_load_factors = { 2031 = 2 }\n",
        "factor_year",
        "conditions.existing_load_factors",
        "2031",
        "2030",
    ),
    "early until": (
        ONE_FUTURE.replace("[[", "[uncertainty]\nearly_until = 2029\n[[") + "probability = 1\n",
        "early_until",
        "uncertainty.early_until",
        "2029",
        "2030",
    ),
    "risk level": (
        ONE_FUTURE.replace("[[", "[uncertainty]\nrisk_level = 1\n[[") + "probability = 1\n",
        "out_of_range",
        "uncertainty.risk_level",
        "1",
        "less than 1",
    ),
    "futures without demand": (
        '[[uncertainty.scenario]]\nname = "a"\nprobability = 1\n',
        "uncertainty_without_demand",
        "uncertainty",
        "",
        "[demand]",
    ),
    "no future": (
        "[demand]\nit_mw = {2030 = 1}\n[uncertainty]\nscenario = []\n",
        "empty",
        "uncertainty.scenario",
        "[]",
        "futures",
    ),
    "scenario name": ('[scenario."a/b"]\n', "scenario_name", "scenario", "'a/b'", "letters"),
    "in a scenario": (
        "[scenario.dry.water]\nshare = 0\n",
        "unknown_key",
        "scenario.dry.water.share",
        "0",
        "withdrawal_share",
    ),
    "layer": (
        '[[sites.layers]]\nsource = "a"\nbuffer_km = 1\n',
        "unknown_key",
        "sites.layers#1.buffer_km",
        "1",
        "1 km = 1000 m",
    ),
    "limit year": ("[limits]\nbudget_musd = {2040 = 5}\n", "limit_year", "limits.budget_musd.2040", "5", "2024"),
    "campus size": (
        "[facility]\nmin_campus_mw = 9\nmax_campus_mw = 5\n",
        "campus_size",
        "facility.min_campus_mw",
        "9 MW",
        "at most 5",
    ),
    "ties alone": ('[sites]\nties = "ties.csv"\n', "ties_without_table", "sites.ties", "'ties.csv'", "sites.table"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(write, case: tuple[str, str, str, str, str]) -> None:
    text, rule, key, value, remedy = case
    name = "" if "[study]" in text else SMALL
    # A key outside tables must stand before the first table.
    findings = refusal(write(text + name if text.startswith("water =") else name + text))
    matching = [f for f in findings if f.rule == f"config.{rule}" and f.where == f"study.toml: {key}"]
    assert len(matching) == 1, [str(f) for f in findings]
    assert matching[0].found == value
    assert remedy in matching[0].remedy
    assert matching[0].severity == "error"


YEARS = "[study]\nname = 'y'\nperiods = {periods}\n[demand]\nit_mw = {{ {demand} }}\n"


@pytest.mark.parametrize(
    ("periods", "demand", "expected"),
    [
        ("[2030, 2028]", "2028 = 1, 2030 = 1", [("periods_order", "study.periods", "[2028, 2030]")]),
        ("[2028, 2028]", "2028 = 1", [("periods_order", "study.periods", "[2028]")]),
        ("[2028]", "2028 = 1, 2031 = 1", [("demand_year", "demand.it_mw.2031", "add 2031 to study.periods")]),
        ("[2028, 2030]", "2028 = 1", [("demand_year", "demand.it_mw", "add 2030 = MW")]),
    ],
)
def test_years_must_agree(write, periods: str, demand: str, expected: list[tuple[str, str, str]]) -> None:
    findings = refusal(write(YEARS.format(periods=periods, demand=demand)))
    assert [(f.rule, f.where) for f in findings] == [(f"config.{r}", f"study.toml: {k}") for r, k, _ in expected]
    assert all(remedy in f.remedy for f, (_, _, remedy) in zip(findings, expected, strict=True))


SNAPSHOTS = (
    "[grid]\nsource = 'g'\nsnapshot = [{{ name = 'peak', hours = 760 }}, {{ name = 'light', hours = 8000{more} }}]\n"
)


@pytest.mark.parametrize(
    ("more", "rules"),
    [
        ("", []),
        (", load_factor = 0.5, load_factors = { north = 1 }", ["config.snapshot_load_factor"]),
        (" }, { name = 'peak', hours = 1", ["config.duplicate_name"]),
    ],
)
def test_snapshots_of_a_study(write, more: str, rules: list[str]) -> None:
    path = write(SMALL + SNAPSHOTS.format(more=more))
    assert [f.rule for f in (refusal(path) if rules else ())] == rules
    if not rules:
        load_config(path)


def test_fixed_output_cannot_serve_campuses(write) -> None:
    fixed = '[dispatch]\ngenerators = "fixed"\n'
    load_config(write(SMALL + fixed))
    (finding,) = refusal(write(SMALL + fixed + "[demand]\nit_mw = {2030 = 5}\n"))
    assert finding.rule == "config.fixed_dispatch"


def test_every_problem_is_reported_at_once(write) -> None:
    text = (
        "[study]\nname = 'n'\nperiods = [2030, 2028]\ncolour = 1\n[solve]\ngap = nan\n[water]\nshare = 1\n"
        "[report]\ncompare = ['x']\n[scenario.a.economics]\nlife_years = -1\n"
    )
    assert sorted(
        (f.rule.removeprefix("config."), f.where.removeprefix("study.toml: ")) for f in refusal(write(text))
    ) == [
        ("not_finite", "solve.gap"),
        ("out_of_range", "scenario.a.economics.life_years"),
        ("periods_order", "study.periods"),
        ("unknown_key", "study.colour"),
        ("unknown_key", "water.share"),
        ("unknown_scenario", "report.compare"),
    ]


# Files that cannot be a study

BAD_FILES: dict[str, tuple[bytes, str, str]] = {
    "not TOML": (b"[study\nname = 1\n", "config.toml", "line 1"),
    "key twice": (b"[study]\nname = 'a'\nname = 'b'\n", "config.toml", "line 3"),
    "not UTF-8": (b"[study]\nname = 'caf\xe9'\n", "config.encoding", "byte 0xe9"),
    "too large": (b"#" * 1_000_001, "config.too_large", "1000001 bytes"),
    "too deep": (b"x = " + b"[" * 100_000, "config.toml", ""),
    "endless number": (b"x = " + b"9" * 10_000, "config.toml", "4300"),
    "no base": (b"extends = 'none.toml'\n", "config.missing_file", ""),
    "extends a number": (b"extends = 3\n", "config.extends", "3"),
    "extends itself": (b"extends = 'study.toml'\n", "config.extends_cycle", "study.toml -> study.toml"),
}


@pytest.mark.parametrize("case", BAD_FILES.values(), ids=BAD_FILES)
def test_unusable_files(tmp_path: Path, case: tuple[bytes, str, str]) -> None:
    content, rule, value = case
    (tmp_path / "study.toml").write_bytes(content)
    (finding,) = refusal(tmp_path / "study.toml")
    assert finding.rule == rule
    assert value in finding.found
    assert finding.remedy


def test_a_cycle_of_two_files(write) -> None:
    write('extends = "study.toml"\n', "base.toml")
    (finding,) = refusal(write('extends = "base.toml"\n'))
    assert finding.rule == "config.extends_cycle"
    assert finding.found == "study.toml -> base.toml -> study.toml"


@pytest.mark.parametrize(("name", "rule"), [("none.toml", "config.missing_file"), (".", "config.not_a_file")])
def test_no_file_there(tmp_path: Path, name: str, rule: str) -> None:
    (finding,) = refusal(tmp_path / name)
    assert finding.rule == rule


# Overrides


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
        assert None not in filled.facility.model_dump().values()


def test_the_archetypes_are_the_described_file(repository: Path) -> None:
    folder = repository / "datasets" / "facilities"
    file, _ = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))["file"]
    content = (folder / file["path"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert list(file["columns"]) == content.decode().splitlines()[0].split(",")


# Writing


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
    del expected["limits"]["delivery"]
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


KEYS = ["name", "it_mw", "source", "2030", "periods", "layers", ""]


@given(
    st.dictionaries(
        st.sampled_from([*StudyConfig.model_fields, "x", ""]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "it_mw", "source", "2030", "periods", "layers", ""]), inner, max_size=3
                )
            ),
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
