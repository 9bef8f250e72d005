"""Keys that a study writes and nothing reads are told, and none that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from optimizer.config.writing import config_to_toml
from optimizer.errors import InputError
from optimizer.study import Study, read_study
from tests.solve import rented_cases, workload_cases
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import HEAD, study_of

ALONE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 10 }\n'
SITE = {"sites": "site,block_mw,max_blocks,cost_musd_per_year_per_block\ns,10,20,10\n"}
BACKUP = "[service.backup]\nhours_per_year = 50\nfuel_usd_per_mwh = 1\ncarbon_t_per_mwh = 0\n"
LATE = HEAD.replace("[2030]", "[2030]\ndecision_year = 2029")


def idle(study: Study) -> dict[str, str]:
    return {f.where: f.found for f in study.findings if f.rule in ("study.key.idle", "study.key.late")}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", {}),
        ('[cooling]\ntechnologies = ["nonsense"]\n', {"cooling.technologies": "technologies"}),
        ('[water]\nwithdrawal_share = 0.5\nsources = ["x"]\n', {"water": "withdrawal_share, sources"}),
        ("[facility]\nrack_density_kw = 150\n", {"facility.rack_density_kw": "rack_density_kw"}),
        ("[facility]\nblock_mw = 50\nmax_campus_mw = 60\n", {"facility": "block_mw, max_campus_mw"}),
        ("[facility]\nutilization = 0.5\n", {}),
        ("[upgrades]\nmin_kv = 500\n", {"upgrades.min_kv": "min_kv"}),
        ('[expansion]\nheadroom = "x.csv"\n', {"expansion.headroom": "headroom"}),
        ("[security]\ncontingencies = []\n", {"security.contingencies": "contingencies"}),
        (
            '[[limits.delivery]]\nitem = "switches"\nper_tie = 2\nper_year = { 2030 = 0 }\n',
            {"limits.delivery#1 (switches).per_tie": "per_tie"},
        ),
    ],
)
def test_without_region_and_grid(tmp_path: Path, more: str, expected: dict[str, str]) -> None:
    assert idle(study_of(tmp_path, ALONE + more, SITE)) == expected


def test_a_study_file_with_every_key_asks_for_no_more(tmp_path: Path) -> None:
    """The one in a plan's folder has the defaults written out; a value that is the usual one is nobody's wish."""
    study = study_of(tmp_path, ALONE, SITE)
    (tmp_path / "study.toml").write_text(config_to_toml(study.written), encoding="utf-8")
    assert idle(read_study(tmp_path)) == {}


def test_an_unknown_archetype_is_refused_where_no_region_asks_for_it(tmp_path: Path) -> None:
    text = ALONE.replace("it_mw", 'archetype = "bogus"\nit_mw')
    with pytest.raises(InputError, match=r"no such archetype, found 'bogus'; known: ai_training"):
        study_of(tmp_path, text, SITE)
    known = study_of(tmp_path, text.replace("bogus", "inference"), SITE)
    assert idle(known) == {"demand.archetype": "archetype"}


@pytest.mark.every(6)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (service(curtailable_share=0.1), {}),
        (service(curtailable_share=0.0) + BACKUP, {"service.backup": "backup"}),
        (service(curtailable_share=0.0, non_firm_share=0.2), {"service.non_firm_share": "non_firm_share"}),
        # The one period lasts a year: it ends within one interim year, and not within half of one.
        (service(curtailable_share=0.1, non_firm_share=0.2, interim_non_firm=True, interim_years=1), {}),
        (
            service(curtailable_share=0.1, non_firm_share=0.2, interim_non_firm=True, interim_years=0.5),
            {"service.interim_years": "interim_years"},
        ),
        # No outage must be survived there.
        (service(curtailable_share=0.1, trip_on_outage=True), {"service.trip_on_outage": "trip_on_outage"}),
        # Other points of the curve of firmness read what the study itself does not.
        (service(curtailable_share=0.0, non_firm_share=0.2) + "[report]\nfirmness = [0.0, 0.1]\n", {}),
    ],
)
def test_service(tmp_path: Path, more: str, expected: dict[str, str]) -> None:
    assert idle(study_of(tmp_path, STUDY + more, LINE)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (service(trip_on_outage=True, non_firm_share=0.2), {}),
        (service(trip_on_outage=True) + BACKUP, {"service.backup": "backup"}),
        (
            service(trip_on_outage=True, curtailable_hours_per_year=10),
            {"service.curtailable_hours_per_year": "curtailable_hours_per_year"},
        ),
    ],
)
def test_service_that_only_drops(tmp_path: Path, more: str, expected: dict[str, str]) -> None:
    assert idle(study_of(tmp_path, STUDY.replace("contingencies = []", ""), LINE)) == {}
    assert idle(study_of(tmp_path, STUDY.replace("contingencies = []", "") + more, LINE)) == expected


SUPPLY = '[supply]\ntechnologies = ["solar"]\n[[supply.technology]]\nname = "solar"\n'


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("lead_months = 12\nfirst_year = 2030\n", {}),
        ("lead_months = 12\nfirst_year = 2031\n", {"supply, technology solar": "2031 at the earliest"}),
        # Decided at the start of 2029, 25 months end in 2031, and it serves all of 2032.
        (
            "lead_months = 25\n",
            {"supply, technology solar": "2032 at the earliest"},
        ),
    ],
)
def test_supply_that_comes_too_late(tmp_path: Path, more: str, expected: dict[str, str]) -> None:
    assert idle(study_of(tmp_path, STUDY + SUPPLY + more, LINE, LATE)) == expected


def test_units_that_no_site_can_hold(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="units of 50 MW, 10 MW at most"):
        study_of(tmp_path, STUDY + SUPPLY + "unit_mw = 50\nmax_mw = 10\n", LINE)
    study_of(tmp_path, STUDY + SUPPLY + "unit_mw = 10\nmax_mw = 10\n", LINE)
    study_of(tmp_path, STUDY + SUPPLY + "unit_mw = 50\nmax_mw = 0\n", LINE)


@pytest.mark.parametrize(("first", "expected"), [(2030, {}), (2031, {"orbit.first_year": "2031"})])
def test_orbit_that_comes_too_late(tmp_path: Path, first: int, expected: dict[str, str]) -> None:
    sites = "site,kind,block_mw,max_blocks\ns,campus,10,20\no,orbital,10,1\n"
    study = workload_cases.STUDY + f"[orbit]\nlaunch_usd_per_kg = 100\nfirst_year = {first}\n"
    assert idle(read_study(workload_cases.write_study(tmp_path, study=study, sites=sites))) == expected


def test_all_is_read_of_a_region_with_its_grid(edited: Callable[..., Study]) -> None:
    assert idle(edited()) == {}
    keys = {"cooling.technologies": ["dry"], "water.withdrawal_share": 0.5, "upgrades.min_kv": 50.0}
    assert idle(edited(keys=keys)) == {}


def test_generators_beside_what_is_rented(tmp_path: Path) -> None:
    """A gas line and a number of generators are of own supply and backup, which what is rented has none of."""
    sites = "site,kind,bus,block_mw,max_blocks,gas_line_km,max_generators\n"
    sites += "sb,campus,b,50,6,3,2\nrent,lease,,50,4,3,\nsky,cloud,,50,4,,0\nhall,lease,,50,4,1,2\n"
    study = study_of(
        tmp_path, rented_cases.STUDY + '[supply]\ntechnologies = ["engine"]\n', {**rented_cases.GRID, "sites": sites}
    )
    assert idle(study) == {"sites, gas_line_km": "rent, hall", "sites, max_generators": "sky, hall"}
