"""Choices of sites that no limit alone rules out, and that cannot meet the targets together: worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from optimizer.study.precheck import precheck
from optimizer.study.precheck_sites import blocks_that_fit, sites_suffice
from tests.solve import infeasible as studies
from tests.solve.small import HEAD, TWO_PERIODS, study_of


@pytest.mark.parametrize(
    ("keys", "suffice"),
    [
        ({}, True),
        # 200 MW in 2032: 90 in each of counties A, B and C, in blocks of 50, 50 and 25: 50 + 50 + 75 MW.
        ({"limits.share_per_county": 0.45}, False),
        # 100 in each: 100 + 100, but 50 in each of A and B in 2030: 50 + 50.
        ({"limits.share_per_county": 0.5}, True),
        # 200 MW cost 40 M$.
        ({"limits.budget_musd": {2032: 39.9}}, False),
        ({"limits.budget_musd": {2032: 40.0}}, True),
        # 100 MW, then 100 more.
        ({"limits.new_it_mw_per_period": 99.0}, False),
        ({"limits.new_it_mw_per_period": 100.0}, True),
    ],
)
def test_limits_together(keys: dict[str, Any], suffice: bool, tmp_path: Path) -> None:
    study = study_of(tmp_path, studies.OWN_STUDY, studies.OWN, TWO_PERIODS).override(keys)
    assert sites_suffice(study.case) is suffice


def test_what_no_single_limit_rules_out_is_refused(tmp_path: Path) -> None:
    """Half of 200 MW a county is room for 300 MW, but not for a block of 180 MW: county C alone holds its 100 MW."""
    sites = studies.OWN["sites"].replace("s1,50", "s1,180").replace("s2,50", "s2,180")
    study = study_of(tmp_path, studies.OWN_STUDY, {"sites": sites}, TWO_PERIODS)
    (finding,) = precheck(study.override({"limits.share_per_county": 0.5}).case)
    assert finding.rule == "study.demand.no_choice_of_sites"


def test_blocks_that_a_tie_feeds(tmp_path: Path) -> None:
    """Ties of 60 MW feed one block of 50 MW, whatever the sites hold."""
    tables = {**studies.TIED, "ties": studies.TIED["ties"].replace(",200,", ",60,")}
    study = study_of(tmp_path, studies.TIED_STUDY, tables, HEAD)
    assert blocks_that_fit(study.case).ravel().tolist() == [1.0, 1.0]
    assert sites_suffice(study.case) is False


def test_the_studies_before_the_edits_pass(tmp_path: Path) -> None:
    for text, tables, head in (
        (studies.GRID_STUDY, studies.STAR, HEAD),
        (studies.TIED_STUDY, studies.TIED, HEAD),
        (studies.RAISED_STUDY, studies.RAISED, TWO_PERIODS),
    ):
        assert sites_suffice(study_of(tmp_path / str(len(text)), text, tables, head).case)
