"""The verb `rules`: what it says, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optimizer.cli.outcome import ExitCode

RULE = """
[[rule]]
id = "mine"
title = "A rule\\u001b[31m of my own"
jurisdiction = "48453"
status = "proposed"
threshold_mw = 100
above_kv = 138
study_months = 4
source = "made for tests"
confidence = "unverified"
"""


def outcomes(result: Any) -> dict[str, str]:
    return {r["rule"]: r["outcome"] for r in json.loads(result.stdout)["rules"]}


def test_what_applies_comes_first_with_its_reason_and_source(gridsite) -> None:
    result = gridsite("rules", "Travis", 75, "2025-06-20")
    assert result.exit_code == ExitCode.DONE
    lines = result.stdout.splitlines()
    assert lines[0] == "Travis County, TX (48453), Texas (US-TX), United States (US): 75 MW on 2025-06-20"
    assert lines[1] == "1 rule applies"
    assert "us-tx-sb6" in lines[2]
    assert "the place lies in Texas (US-TX); in force from 2025-06-20; it holds from 75 MW" in lines[3]
    assert "100,000 $" in lines[4]
    assert "  us-tx-puct-25-194: proposed, not in force" in lines


@pytest.mark.parametrize(
    ("mw", "day", "outcome"),
    [
        (75, "2025-06-20", "applies"),
        (74.9, "2025-06-20", "does_not_apply"),
        (75, "2025-06-19", "does_not_apply"),
        (5000, "2099-12-31", "applies"),
    ],
)
def test_edges_of_day_and_size(gridsite, mw: float, day: str, outcome: str) -> None:
    assert outcomes(gridsite("rules", "30.27,-97.74", mw, day, "--json"))["us-tx-sb6"] == outcome


def test_json_lists_every_rule_with_the_reason(gridsite) -> None:
    answer = json.loads(gridsite("rules", "Dublin", 50, "2026-12-31", "--kv", 110, "--json").stdout)
    assert answer["status"] == "done"
    assert answer["place"]["jurisdictions"] == ["EU", "IE", "IE-D"]
    assert (answer["load_mw"], answer["base_kv"], answer["date"]) == (50, 110, "2026-12-31")
    assert len(answer["rules"]) == 26
    assert all(rule["why"] and rule["source"] and rule["confidence"] for rule in answer["rules"])
    ban = next(rule for rule in answer["rules"] if rule["rule"] == "ie-dublin-eirgrid")
    assert ban["effects"][0]["effect"] == "forbid"
    assert ban["reservations"] == []
    later = json.loads(gridsite("rules", "Dublin", 50, "2027-01-01", "--json").stdout)["rules"]
    ban = next(rule for rule in later if rule["rule"] == "ie-dublin-eirgrid")
    assert ban["reservations"] == ["the last day is not known, only 2027"]


def test_rules_of_a_file_and_proposals_on_request(gridsite, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RULE)
    more = ("--sources", tmp_path / "mine.toml", "--json")
    assert outcomes(gridsite("rules", "48453", 100, "2026-01-01", *more))["mine"] == "does_not_apply"
    asked = (*more, "--scenario", "mine")
    assert outcomes(gridsite("rules", "48453", 100, "2026-01-01", *asked))["mine"] == "may_apply"
    assert outcomes(gridsite("rules", "48453", 100, "2026-01-01", *asked, "--kv", 230))["mine"] == "applies"
    assert outcomes(gridsite("rules", "48201", 100, "2026-01-01", *asked, "--kv", 230))["mine"] == "does_not_apply"


def test_an_uncertain_rule_is_flagged_and_cannot_move_the_cursor(gridsite, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RULE)
    result = gridsite("rules", "48453", 100, "2026-01-01", "--sources", tmp_path / "mine.toml", "--scenario", "mine")
    assert "warning: " in result.stdout
    assert "confidence unverified" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("Nowhere", 1, "2026-01-01"), "rules.place"),
        (("Texas", 1, "2026-02-30"), "rules.date"),
        (("Texas", 1, "today"), "rules.date"),
        (("Texas", "nan", "2026-01-01"), "rules.size"),
        (("Texas", "inf", "2026-01-01"), "rules.size"),
        (("Texas", 1, "2026-01-01", "--kv", "-1"), "rules.size"),
        (("Texas", 1, "2026-01-01", "--scenario", "us-tx-sb6"), "rules.scenario"),
        (("Texas", 1, "2026-01-01", "--sources", "missing.toml"), "config.missing_file"),
        (("Texas", 1, "2026-01-01", "--sources", "missing.csv"), "file.missing"),
    ],
)
def test_refusals(gridsite, arguments: tuple[object, ...], rule: str) -> None:
    result = gridsite("rules", *arguments)
    assert result.exit_code == ExitCode.REFUSED
    assert result.stdout == ""
    assert f"[{rule}]" in result.stderr


def test_the_published_moratoria(gridsite, reference_data: Path) -> None:
    """Champaign County, Illinois: twelve months from 23 April 2026."""
    path = reference_data / "moratorium-data-2026" / "moratorium_inventory.csv"
    if not path.is_file():
        pytest.skip("the table of moratoria is not at hand")
    name = "il-champaign-county-2026"
    for day, outcome in (
        ("2026-04-22", "does_not_apply"),
        ("2026-04-23", "applies"),
        ("2027-04-23", "applies"),
        ("2027-04-24", "does_not_apply"),
    ):
        found = gridsite("rules", "Champaign County, IL", 10, day, "--sources", path, "--json")
        assert outcomes(found)[name] == outcome
    assert (
        outcomes(gridsite("rules", "Jackson County, IA", 10, "2026-06-01", "--sources", path, "--json"))[name]
        == "does_not_apply"
    )
    several = gridsite("rules", "Jackson County", 10, "2026-06-01", "--sources", path)
    assert several.exit_code == ExitCode.REFUSED
    assert "means several places" in several.stderr
