"""One edit to a good study with a lease on a grid, and what `check` says before anything is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.rented_cases import CAMPUSES, GRID, STUDY, cloud, lease
from tests.solve.small import HEAD, study_of

ORBIT = "[orbit]\nlaunch_usd_per_kg = 0\n"
TIES = "site,bus,capacity_mw,cost_musd\nsb,b,100,0\nrent,b,100,0\n"

CASES: dict[str, tuple[str, str, str, str, str]] = {
    # What is rented, more of the study file, the table of ties, the rule, and where.
    "a bus": (lease(1.0).replace("lease,,", "lease,b,"), "", "", "study.site.untied_kind", "sites, site rent, bus"),
    "a tie": (lease(1.0), "", TIES, "study.site.untied_kind", "ties, row 3, site"),
    "orbit without numbers": ("shell,orbital,,1,4,0,,,\n", "", "", "study.orbit.missing", "sites, site shell, kind"),
    "numbers without orbit": (lease(1.0), ORBIT, "", "study.orbit.no_site", "orbit"),
    "workloads of none": (
        "shell,orbital,,1,4,0,,,\n",
        f'{ORBIT}workloads = ["batch"]\n',
        "",
        "config.orbit_without_workloads",
        "study.toml: orbit.workloads",
    ),
    "an unknown kind": (cloud(1.0).replace("cloud", "clouds"), "", "", "study.site.kind", "sites.csv row 4, kind"),
    "an edge site without a tie": (
        lease(1.0).replace("lease", "edge"),
        "",
        "",
        "study.site.unplaced",
        "sites, site rent",
    ),
}


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_wrong_is_said(tmp_path: Path, name: str) -> None:
    rented, more, ties, rule, where = CASES[name]
    text = STUDY + more
    tables = {**GRID, "sites": CAMPUSES + rented}
    if ties:
        tables["ties"], text = ties, text.replace('"sites.csv"', '"sites.csv"\nties = "ties.csv"')
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, text, tables, HEAD)
    assert (rule, where) in {(f.rule, f.where) for f in refused.value.findings}
    assert all(f.remedy for f in refused.value.findings)


def test_a_generator_beside_a_lease(tmp_path: Path) -> None:
    sites = "site,kind,bus,block_mw,max_blocks,colocated_generator\nsb,campus,b,50,2,\nrent,lease,,50,2,g\n"
    with pytest.raises(InputError) as refused:
        study_of(tmp_path, STUDY + "[supply]\ntechnologies = []\n", {**GRID, "sites": sites}, HEAD)
    where = {(f.rule, f.where) for f in refused.value.findings}
    assert ("study.site.untied_kind", "sites, site rent, colocated_generator") in where


def test_a_lease_may_be_anywhere(tmp_path: Path) -> None:
    """Far from every bus, or nowhere: a tie is not asked for, and what is near the network is no matter."""
    sites = "site,kind,bus,lat,lon,block_mw,max_blocks\nsb,campus,b,,,50,6\nfar,lease,,50,8,50,2\nsky,cloud,,,,50,2\n"
    grid = {**GRID, "grid/buses": "bus,base_kv,lat,lon\na,138,30,-98\nb,138,30,-97\nc,138,31,-98\n"}
    study = study_of(tmp_path, STUDY, {**grid, "sites": sites}, HEAD)
    assert list(study.case.sites.index) == ["sb", "far", "sky"]
    assert study.case.ties["site"].tolist() == ["sb"]
