"""The developer's perspective without what a developer pays, and what `check` says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import study_of
from tests.solve.test_perspective import DEVELOPER, FIRM, TARIFF

TEXAS = TARIFF.replace('"any"', '"US-TX"')
PLACED = {**LINE, "sites": "site,bus,block_mw,max_blocks,jurisdiction\nsb,b,10,5,US-TX\nsc,b,10,5,US-OK\n"}
OTHER = TARIFF.replace('"any"', '"US-OK"').replace("upgrade_cost_share = 0.5", "upgrade_cost_share = 0.6")
BOTH_TEXAS = TARIFF.replace('"any"', '"Texas"') + TARIFF.replace('"any"', '"texas"')
REFUSED = {
    "no tariff": (STUDY + service(), LINE, "there is none"),
    "no service": (STUDY, LINE, "there is none"),
    "no grid": (STUDY.replace('[grid]\nsource = "grid"\n', "") + FIRM, LINE, "no [grid]"),
    "no demand": (STUDY.split("[demand]")[0] + FIRM, LINE, "no [demand]"),
    "a site without a tariff": (STUDY + service() + TEXAS, PLACED, "US-OK"),
    "two shares of upgrades": (STUDY + service() + TEXAS + OTHER, PLACED, "0.5 and 0.6"),
    "two tariffs at once": (STUDY + service() + TARIFF + BOTH_TEXAS, PLACED, "neither is within the other"),
}
"""Study, its tables, and words of what is said."""


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_developer_cannot_pay_is_refused(case: str, tmp_path: Path) -> None:
    text, tables, words = REFUSED[case]
    with pytest.raises(InputError) as caught:
        study_of(tmp_path, text, tables, DEVELOPER)
    found = [str(finding) for finding in caught.value.findings]
    assert any(words in one for one in found), found


@pytest.mark.parametrize("value", ['"owner"', "1", '""'])
def test_perspectives_are_two(value: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        study_of(tmp_path, STUDY + FIRM, LINE, DEVELOPER.replace('"developer"', value))
    assert any("study.perspective" in str(finding) for finding in caught.value.findings)


def test_what_is_given_away_is_said(tmp_path: Path) -> None:
    """Free energy and free upgrades are allowed, with a warning each."""
    free = service() + '[[service.tariff]]\njurisdiction = "any"\n'
    upgrades = {"grid/upgrades": "upgrade,branch,added_mw,cost_musd,ready\nu,ab,60,1,0\n"}
    study = study_of(
        tmp_path, STUDY.replace("enabled = false", "enabled = true") + free, {**LINE, **upgrades}, DEVELOPER
    )
    warnings = [str(finding) for finding in study.findings if finding.severity == "warning"]
    assert any("energy costs the developer nothing" in one for one in warnings)
    assert any("upgrades cost the developer nothing" in one for one in warnings)
