"""What a plan says of rules is recomputed: two buses (see two_buses), 50 MW at 138 kV from 2030, decided in 2026."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from optimizer.layers.jurisdictions import Jurisdiction, Jurisdictions
from optimizer.layers.regulation import RuleBook
from optimizer.layers.rule import Rule
from optimizer.plan.checks_rules import check_rules_kept
from optimizer.plan.manifest import Entry, read_manifest, sha256, write_manifest
from optimizer.plan.plan import Plan, write_plan
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify import verify_plan
from optimizer.plan.verify_context import Context
from optimizer.solve.tables.decisions import rules_table
from optimizer.study.from_file import read_study
from optimizer.study.study import Study
from tests.plan.small_case import SmallStudy
from tests.plan.tamper import numeric_columns, rewrite_hashes, tamper_cell
from tests.plan.two_buses import plan_of, write_study

RULES = """
jurisdiction = [{ id = "T", kind = "area", name = "Alphaland" }]
[[rule]]
id = "pay"
title = "Pay"
jurisdiction = "T"
status = "in_force"
threshold_mw = 50
threshold_kv = 138
security_usd_per_mw = 1000
minimum_take_share = 0.8
renewable_share = 0.25
duties = ["tell <b>everyone</b>,\\nsoon"]
source = "made for tests"
section = "1"
confidence = "weak"
doubts = ["it is made"]

[[rule]]
id = "larger"
title = "Of larger loads"
jurisdiction = "T"
status = "in_force"
above_mw = 50
duties = ["nothing here"]
source = "made for tests"
confidence = "primary"

[[rule]]
id = "later"
title = "Too late"
jurisdiction = "T"
status = "in_force"
effective = 2031-01-01
duties = ["nothing here"]
source = "made for tests"
confidence = "primary"

[[rule]]
id = "proposal"
title = "A proposal"
jurisdiction = "T"
status = "proposed"
duties = ["nothing here"]
source = "made for tests"
confidence = "primary"
"""

LINES = [
    ("s", "pay", "security", 0.05, "M$", "security to be posted"),
    ("s", "pay", "minimum_take", 40.0, "MW", "share of contracted demand paid at least"),
    ("s", "pay", "renewable_share", 0.25, "-", "share of yearly energy from renewables"),
    ("s", "pay", "duty 1", None, "", "tell <b>everyone</b>, soon"),
]
"""1,000 $ for each of 50 MW are 0.05 M$; 80 % of 50 MW are 40 MW."""


def ruled(folder: Path, rules: str = RULES) -> Study:
    path = write_study(folder)
    (folder / "rules.toml").write_text(rules)
    text = path.read_text() + '\n[rules]\nsources = ["rules.toml"]\njurisdictions = ["Alphaland"]\n'
    path.write_text(text)
    return read_study(path)


def with_lines(study: Study) -> Plan:
    plan = plan_of(study)
    rows = [(*line, "made for tests, 1", "confidence weak; it is made") for line in LINES]
    return replace(plan, tables={**plan.tables, "rules": pd.DataFrame(rows, columns=PLAN_TABLES["rules"].names)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ruled")
    write_plan(with_lines(ruled(root / "in")), root / "out")
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "ruled"))


def wrong(folder: Path) -> list[str]:
    return [f"{f.rule}: {f.where}: {f.message}" for f in verify_plan(folder) if f.severity == "error"]


def test_the_lines_made_by_hand_hold(made: Path) -> None:
    assert wrong(made / "out") == []


def test_the_solve_makes_the_same_lines(made: Path) -> None:
    study = read_study(made / "in" / "study.toml")
    plan = with_lines(study)
    ties = plan.tables["ties"]
    lines = rules_table(study, plan.tables["sites"], ties)["rules"]
    pd.testing.assert_frame_equal(lines, plan.tables["rules"], check_dtype=False)


def test_without_rules_there_is_no_table(tmp_path: Path) -> None:
    study = ruled(tmp_path, RULES[: RULES.index("[[rule]]")])
    plan = plan_of(study)
    assert rules_table(study, plan.tables["sites"], plan.tables["ties"]) == {}


@pytest.mark.every(3)
@pytest.mark.parametrize("seed", range(3))
def test_a_changed_amount_is_found(root: Path, seed: int) -> None:
    assert ("rules", "value") in numeric_columns(root / "out")
    tamper_cell(root / "out", "rules", "value", seed)
    rewrite_hashes(root / "out")
    assert any("tables/rules.csv" in text and "column value" in text for text in wrong(root / "out"))


@pytest.mark.every(6)
@pytest.mark.parametrize(
    ("old", "new"), [("confidence weak; it is made", ""), ("s,pay,security", "s,pay,deposit"), ("M$", "MW")]
)
def test_a_changed_text_is_found(root: Path, old: str, new: str) -> None:
    path = root / "out" / "tables" / "rules.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    rewrite_hashes(root / "out")
    assert any("tables/rules.csv" in text for text in wrong(root / "out"))


def test_a_table_that_is_left_out_is_missed(root: Path) -> None:
    (root / "out" / "tables" / "rules.csv").unlink()
    rewrite_hashes(root / "out")
    assert len([text for text in wrong(root / "out") if "tables/rules.csv: a row is missing" in text]) == len(LINES)


def with_inputs_as_they_are(folder: Path) -> None:
    """Make the manifest say that the inputs are the ones that were read, as whoever changes both would."""
    manifest = read_manifest(folder)
    inputs = tuple(
        e if e.path.startswith("dataset:") else Entry(e.path, sha256(folder / e.path), e.role) for e in manifest.inputs
    )
    write_manifest(replace(manifest, inputs=inputs), folder)


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("renewable_share = 0.25", "renewable_share = 0.5"),
        ("above_mw = 50", "above_mw = 49"),
        ("effective = 2031-01-01", "effective = 2030-12-31"),
        ("threshold_kv = 138", "threshold_kv = 139"),
        ("renewable_share = 0.25", "renewable_share = 0.25\nforbid = true"),
    ],
)
def test_other_rules_give_another_plan(root: Path, old: str, new: str) -> None:
    path = root / "in" / "rules.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert [text.partition(":")[0] for text in wrong(root / "out")] == ["plan.input.changed"]
    with_inputs_as_they_are(root / "out")
    assert wrong(root / "out") != []


# What no plan may do, on the plan made by hand: s1 at c draws 13 and 26 MW (PUE 1.3), s2 at b 12.5 MW from 2032


def kept(single, **keys: object) -> set[str]:
    base = {"id": "r", "title": "t", "jurisdiction": ("T",), "status": "in_force", "source": "s"}
    rule = Rule(**(base | {"confidence": "primary"} | keys))
    known = Jurisdictions({"T": Jurisdiction(id="T", kind="area", name="T")})
    study: SmallStudy = single.study
    land = replace(study.candidates, sites=study.candidates.sites.assign(jurisdictions="T"))
    study = replace(study, rules=RuleBook((rule,), known), candidates=land)
    plan = single.plan
    context = Context(single.folder, "", plan.summary, plan.tables, study, study.case)  # type: ignore[arg-type]
    return {f"{f.rule} {f.where.rpartition(' ')[2]}" for f in check_rules_kept(context)}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"forbid": True}, {"plan.rule.forbidden s1", "plan.rule.forbidden s2"}),
        ({"forbid": True, "threshold_mw": 26.0}, {"plan.rule.forbidden s1"}),
        ({"forbid": True, "above_mw": 26.0}, set()),
        ({"forbid": True, "status": "proposed"}, set()),
        ({"forbid": True, "end": "2030"}, {"plan.rule.forbidden s1"}),
        ({"forbid": True, "end": "2029"}, set()),
        ({"forbid": True, "above_kv": 138.0}, set()),
        ({"pue_max": 1.15}, {"plan.rule.pue s1"}),
        ({"pue_max": 1.2}, set()),
        ({"wue_max_l_per_kwh": 1.0}, {"plan.rule.wue s1"}),
    ],
)
def test_what_rules_forbid_is_found(single, keys: dict[str, object], found: set[str]) -> None:
    assert kept(single, **keys) == found
