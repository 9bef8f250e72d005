"""Texts of sites by which a portfolio is spread: states and countries follow from codes and from names."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from optimizer.config import RulesSettings
from optimizer.study.portfolio import site_labels
from optimizer.study.rule_sources import read_rules


def test_states_and_countries_by_code_and_by_name(tmp_path: Path) -> None:
    """What no list of jurisdictions knows stays what it is said to be."""
    book, _, findings = read_rules(tmp_path, RulesSettings(sources=()))
    assert not findings
    sites = pd.DataFrame({"jurisdiction": ["texas", "US-TX", "Ireland", "Atlantis", ""]}, index=list("abcde"))
    sites = sites.assign(kind="campus", county="", basin="")
    made = site_labels(sites, None, {}, book.jurisdictions)
    assert made["state"].tolist() == ["US-TX", "US-TX", "", "", ""]
    assert made["country"].tolist() == ["US", "US", "IE", "Atlantis", ""]
    assert made["jurisdiction"].tolist() == ["texas", "US-TX", "Ireland", "Atlantis", ""]
