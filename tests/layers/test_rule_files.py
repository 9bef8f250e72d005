"""Files of rules: what is refused, all at once, with file, table and key; and what is bundled."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer.config import RulesSettings
from optimizer.errors import Finding, InputError
from optimizer.layers.jurisdictions import Jurisdictions
from optimizer.layers.rule_files import RuleSource, read_rule_file
from optimizer.study.rule_sources import read_rules

GOOD = """
[[jurisdiction]]
id = "T"
kind = "area"
name = "Town"

[[rule]]
id = "r"
title = "A rule"
jurisdiction = "T"
status = "in_force"
fee_usd = 1
source = "made for tests"
confidence = "primary"
"""


def read(folder: Path, text: str) -> RuleSource:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return read_rule_file(path, path.name, Jurisdictions())


def found(folder: Path, text: str) -> dict[str, Finding]:
    return {f.rule: f for f in read(folder, text).findings}


def test_a_good_file_has_no_findings(tmp_path: Path) -> None:
    made = read(tmp_path, GOOD)
    assert made.findings == ()
    assert [rule.id for rule in made.rules] == ["r"]
    assert made.rules[0].jurisdiction == ("T",)


@pytest.mark.parametrize(
    ("old", "new", "rule", "where"),
    [
        ("fee_usd = 1", "fee_eur = 1", "rules.unknown_key", "rules.toml: rule#1 (r).fee_eur"),
        ("fee_usd = 1", "fee_usd = -1", "rules.out_of_range", "rules.toml: rule#1 (r).fee_usd"),
        ("fee_usd = 1", "fee_usd = nan", "rules.not_finite", "rules.toml: rule#1 (r).fee_usd"),
        ("fee_usd = 1", 'fee_usd = "1"', "rules.wrong_type", "rules.toml: rule#1 (r).fee_usd"),
        ("fee_usd = 1", "", "rules.no_effect", "rules.toml: rule#1 (r)"),
        ("fee_usd = 1", "pue_max = 0.9", "rules.out_of_range", "rules.toml: rule#1 (r).pue_max"),
        ("fee_usd = 1", "minimum_take_share = 85", "rules.out_of_range", "rules.toml: rule#1 (r).minimum_take_share"),
        ("fee_usd = 1", "fee_usd = 1\neffective = 'soon'", "rules.wrong_type", "rules.toml: rule#1 (r).effective"),
        ("fee_usd = 1", "fee_usd = 1\neffective = 2026-01-01T00:00:00", "rules.wrong_type", "(r).effective"),
        ("fee_usd = 1", "fee_usd = 1\neffective = 2026-02-01\nend = 2026-01-31", "rules.dates", "rule#1 (r)"),
        ("fee_usd = 1", "fee_usd = 1\nthreshold_mw = 1\nabove_mw = 1", "rules.two_thresholds", "rule#1 (r)"),
        ("fee_usd = 1", "fee_usd = 1\nabove_kv = 69\nup_to_kv = 69", "rules.empty_range", "rule#1 (r)"),
        ('status = "in_force"', 'status = "maybe"', "rules.unknown_choice", "(r).status"),
        ('status = "in_force"', "", "rules.missing_key", "(r).status"),
        ('confidence = "primary"', 'confidence = "sure"', "rules.unknown_choice", "(r).confidence"),
        ('jurisdiction = "T"', 'jurisdiction = ["T", "X"]', "rules.unknown_jurisdiction", "(r).jurisdiction"),
        ('jurisdiction = "T"', "jurisdiction = []", "rules.empty", "(r).jurisdiction"),
        ('id = "r"', 'id = "../r"', "rules.wrong_type", "rule#1 (../r).id"),
        ('kind = "area"', 'kind = "village"', "rules.unknown_choice", "jurisdiction#1 (T).kind"),
        ('name = "Town"', 'name = "Town"\nwithin = ["Z"]', "rules.unknown_jurisdiction", "(T).within"),
        ('name = "Town"', 'name = "Town"\npolygon = "no.gpkg"', "file.missing", "no.gpkg"),
        ("[[rule]]", "[rule]", "rules.wrong_type", "rules.toml: rule"),
        ("[[rule]]", "[[rules]]", "rules.unknown_key", "rules.toml: rules"),
    ],
)
def test_what_is_refused(tmp_path: Path, old: str, new: str, rule: str, where: str) -> None:
    assert old in GOOD
    findings = found(tmp_path, GOOD.replace(old, new))
    assert rule in findings
    assert where in findings[rule].where
    assert findings[rule].severity == "error"
    assert findings[rule].remedy


def test_two_of_one_id(tmp_path: Path) -> None:
    again = GOOD[GOOD.index("[[rule]]") :]
    assert found(tmp_path, GOOD + again)["rules.duplicate_id"].found == "'r'"


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("fee_usd = 1", "fee_usd = -1\nwhat = 2").replace('kind = "area"', 'kind = "x"')
    text += GOOD[GOOD.index("[[rule]]") :].replace('"r"', '"s"').replace('"T"', '"Q"') + "[other]\n"
    expected = {"rules.out_of_range", "rules.unknown_key", "rules.unknown_choice", "rules.unknown_jurisdiction"}
    assert expected <= set(found(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "rule"), [("[[rule", "config.toml"), ("a = " + "[" * 5000, "config.toml"), ("\udcff", "config.encoding")]
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as refused:
        read_rule_file(path, path.name, Jurisdictions())
    assert refused.value.findings[0].rule == rule


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=8)), max_size=4))
def test_any_table_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, table: dict[str, object]) -> None:
    lines = [f"{_quoted(key)} = {_value(value)}" for key, value in table.items()]
    made = read(tmp_path_factory.mktemp("any"), "\n".join(["[[rule]]", *lines, ""]))
    assert made.rules == ()
    assert made.findings


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(c):08x}" for c in text) + '"'


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(max(min(value, 2**63 - 1), -(2**63)))
    return _quoted(value) if isinstance(value, str) else "[]"


def test_an_area_is_read_beside_the_file(tmp_path: Path) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    (tmp_path / "town.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": '
        f'{{"type": "Polygon", "coordinates": [{ring}]}}}}]}}'
    )
    made = read(tmp_path, GOOD.replace('name = "Town"', 'name = "Town"\npolygon = "town.geojson"'))
    assert made.findings == ()
    assert made.jurisdictions.areas["T"].area == 1.0
    assert [path.name for path in made.paths] == ["rules.toml", "town.geojson"]


# Sources of a study


def test_the_later_of_two_rules_of_one_id_holds(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD.replace("fee_usd = 1", "fee_usd = 2"))
    book, paths, findings = read_rules(tmp_path, RulesSettings(sources=("a.toml", "b.toml")))
    assert [rule.fee_usd for rule in book.rules] == [2.0]
    assert [f.rule for f in findings] == ["rules.replaced"]
    assert [path.name for path in paths] == ["jurisdictions.toml", "a.toml", "b.toml"]


def test_names_in_the_settings_are_checked(tmp_path: Path) -> None:
    settings = RulesSettings(scenarios=("us-tx-sb6", "nothing"), jurisdictions=("ERCOTT", "Texas"))
    findings = read_rules(tmp_path, settings)[2]
    assert [(f.rule, f.found) for f in findings] == [
        ("rules.scenario", "'us-tx-sb6'"),
        ("rules.scenario", "'nothing'"),
        ("rules.unknown_jurisdiction", "'ERCOTT'"),
    ]
    assert "ERCOT" in findings[2].remedy


def test_every_missing_source_is_named(tmp_path: Path) -> None:
    findings = read_rules(tmp_path, RulesSettings(sources=("x.toml", "y.csv")))[2]
    assert [f.where for f in findings if f.severity == "error"] != []
    assert len([f for f in findings if f.severity == "error"]) == 2


# The bundled rules


@pytest.fixture(scope="module")
def bundled(repository: Path) -> dict[str, dict[str, object]]:
    folder = repository / "datasets" / "rules"
    rows = [
        row for name in ("us", "europe", "asia") for row in tomllib.loads((folder / f"{name}.toml").read_text())["rule"]
    ]
    return {str(row["id"]): row for row in rows}


def test_the_bundled_rules_are_read_without_findings(bundled: dict[str, dict[str, object]]) -> None:
    book, _, findings = read_rules(Path(), RulesSettings())
    assert findings == []
    assert {rule.id for rule in book.rules} == set(bundled)


def test_the_bundled_rules_say_what_their_sources_say(bundled: dict[str, dict[str, object]]) -> None:
    """Figures of parameters that are published, one by one."""
    figures = {
        ("us-tx-sb6", "threshold_mw"): 75,
        ("us-tx-sb6", "fee_usd"): 100_000,
        ("us-tx-puct-25-194", "security_usd_per_mw"): 50_000,
        ("us-tx-puct-25-194-staff", "security_usd_per_mw"): 100_000,
        ("us-spp-hill-69kv", "threshold_mw"): 10,
        ("us-spp-hill", "threshold_mw"): 50,
        ("us-ferc-rm26-4", "above_mw"): 20,
        ("us-ferc-show-cause", "above_mw"): 50,
        ("us-oh-aep-data-center", "above_mw"): 25,
        ("us-oh-aep-data-center", "minimum_take_share"): 0.85,
        ("us-va-dominion-gs5", "minimum_take_share"): 0.85,
        ("us-in-im-large-load", "minimum_take_share"): 0.8,
        ("ie-cru-2025236", "renewable_share"): 0.8,
        ("sg-dc-cfa2", "pue_max"): 1.25,
        ("sg-dc-cfa2", "renewable_share"): 0.5,
        ("eu-2024-1364", "threshold_mw"): 0.5,
    }
    assert {key: bundled[key[0]][key[1]] for key in figures} == figures
    proposed = {name for name, row in bundled.items() if row["status"] == "proposed"}
    assert proposed == {"us-tx-puct-25-194", "us-tx-puct-25-194-staff", "us-pjm-cifp", "us-ferc-rm26-4"}


def test_there_are_fifty_states_and_the_district_and_27_members() -> None:
    known = read_rules(Path(), RulesSettings())[0].jurisdictions.by_id.values()
    assert len([j for j in known if j.kind == "state"]) == 51
    assert len({j.state_number for j in known if j.kind == "state"}) == 51
    assert len([j for j in known if j.within == ("EU",)]) == 27


def test_the_description_has_the_checksum_of_every_file(repository: Path) -> None:
    import hashlib

    folder = repository / "datasets" / "rules"
    described = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))["file"]
    assert {entry["path"] for entry in described} == {p.name for p in folder.iterdir()} - {"dataset.toml"}
    for entry in described:
        assert hashlib.sha256((folder / entry["path"]).read_bytes()).hexdigest() == entry["sha256"], entry["path"]
