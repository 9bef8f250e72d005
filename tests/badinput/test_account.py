"""Bad input about the cost of IT equipment, earlier power, units of supply and what is delivered."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.small import HEAD, STAR, study_of

SITES = (
    "site,kind,block_mw,max_blocks,cost_musd_per_year_per_block\nown,campus,50,2,1\nrent,lease,50,2,2\n"
    "away,cloud,50,2,3\n"
)
BARE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[demand]\nit_mw = { 2030 = 100 }\n'
EQUIPMENT: dict[str, tuple[str, str, str]] = {
    "not yes or no": ("it_cost_counts = 1", "config.", "facility.it_cost_counts"),
    "nothing known of it": ("it_cost_counts = true", "study.equipment.unknown", "it_cost_musd_per_mw"),
    "negative price": ("it_cost_musd_per_mw = -1", "config.out_of_range", "it_cost_musd_per_mw"),
    "price as text": ('it_cost_musd_per_mw = "much"', "config.", "it_cost_musd_per_mw"),
    "price without end": ("it_cost_musd_per_mw = inf", "config.", "it_cost_musd_per_mw"),
    "negative by kind": ('kind = [{ name = "lease", it_cost_musd_per_mw = -1 }]', "config.out_of_range", "kind"),
    "unknown kind": ('kind = [{ name = "leese" }]', "config.unknown_choice", "lease"),
    "kinds as number": ("kind = 3", "config.", "facility.kind"),
}


EARLIER: dict[str, tuple[str, str, str]] = {
    "months out of order": ("[report]\nearlier_months = [24, 12]\n", "config.earlier_order", "[12.0, 24.0]"),
    "months twice": ("[report]\nearlier_months = [12, 12]\n", "config.earlier_order", "write [12.0]"),
    "no months": ("[report]\nearlier_months = [0]\n", "config.out_of_range", "report.earlier_months"),
    "months as text": ('[report]\nearlier_months = ["a year"]\n', "config.", "report.earlier_months"),
    "months alone": ("[report]\nearlier_months = 12\n", "config.", "report.earlier_months"),
    "scenario that is not asked for": (
        '[report]\nearlier_months = [12]\ncompare = ["earlier_6_months"]\n',
        "config.unknown_scenario",
        "earlier_6_months",
    ),
}


@pytest.mark.parametrize("name", EARLIER)
def test_earlier_power_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = EARLIER[name]
    found = refused(tmp_path, BARE + text)
    assert any(line.startswith(rule) and said in line for line in found), found


@pytest.mark.parametrize("value", ["-1", '"soon"', "inf", "[1]"])
def test_lead_times_that_cannot_be_shorter_are_refused(value: str, tmp_path: Path) -> None:
    head = HEAD.replace("[economics]", f"shorter_lead_months = {value}\n\n[economics]")
    with pytest.raises(InputError, match="shorter_lead_months"):
        study_of(tmp_path, BARE, {"sites": SITES}, head)


CHIPS = '[[limits.delivery]]\nitem = "chips"\nper_year = { 2026 = 10 }\n'
DELIVERIES: dict[str, tuple[str, str, str]] = {
    "supply of nothing on offer": ("per_supply_mw = { turbine = 1 }", "study.portfolio.delivery_technology", "turbine"),
    "cooling of nothing on offer": ("per_cooling_mw = { twer = 1 }", "study.portfolio.delivery_technology", "twer"),
    "negative by technology": ("per_supply_mw = { turbine = -1 }", "config.out_of_range", "turbine"),
    "supply as a number": ("per_supply_mw = 1", "config.", "per_supply_mw"),
    "cooling as text": ('per_cooling_mw = "tower"', "config.", "per_cooling_mw"),
    "negative upgrade": ("per_upgrade = -1", "config.out_of_range", "per_upgrade"),
    "negative circuit": ("per_circuit = -1", "config.out_of_range", "per_circuit"),
    "negative backup": ("per_backup_mw = -1", "config.out_of_range", "per_backup_mw"),
    "nothing takes it": ("per_supply_mw = { turbine = 0 }", "config.delivery_without_need", "per_ keys"),
}


@pytest.mark.parametrize("name", DELIVERIES)
def test_deliveries_are_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = DELIVERIES[name]
    found = refused(tmp_path, BARE + CHIPS + text + "\n")
    assert any(line.startswith(rule) and said in line for line in found), found


UNITS: dict[str, tuple[str, str, str]] = {
    "fewer than none": ("[limits]\nmax_generators_per_site = -1\n", "config.out_of_range", "max_generators_per_site"),
    "part of a generator": ("[limits]\nmax_generators_per_site = 1.5\n", "config.", "max_generators_per_site"),
    "fewer units than none": (
        '[supply]\ntechnologies = ["engine"]\n[[supply.technology]]\nname = "engine"\nmax_units = -2\n',
        "config.out_of_range",
        "max_units",
    ),
    "units of no size": (
        '[supply]\ntechnologies = ["engine"]\n[[supply.technology]]\nname = "engine"\nmax_units = 2\n',
        "study.supply.units_without_size",
        "unit_mw",
    ),
    "backup of negative size": (
        "[service]\ncurtailable_share = 0.01\ncurtailment_usd_per_mwh = 1\n"
        "[service.backup]\nhours_per_year = 50\nfuel_usd_per_mwh = 300\ncarbon_t_per_mwh = 1\nunit_mw = -3\n",
        "config.out_of_range",
        "unit_mw",
    ),
}
ON_A_GRID = {**STAR, "sites": "site,bus,block_mw,max_blocks,max_generators\nsb,b,10,10,{}\n"}


@pytest.mark.parametrize("name", UNITS)
def test_units_are_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = UNITS[name]
    tables = {**ON_A_GRID, "sites": ON_A_GRID["sites"].format(2)}
    with pytest.raises(InputError) as error:
        study_of(tmp_path, BARE.replace('"none"', '"grid"') + text, tables)
    found = [f"{f.rule} {f}" for f in error.value.findings if f.severity == "error"]
    assert any(line.startswith(rule) and said in line for line in found), found


@pytest.mark.parametrize("number", ["-1", "two", "inf"])
def test_a_number_of_generators_that_is_none_is_refused(number: str, tmp_path: Path) -> None:
    tables = {**ON_A_GRID, "sites": ON_A_GRID["sites"].format(number)}
    with pytest.raises(InputError, match="max_generators"):
        study_of(tmp_path, BARE.replace('"none"', '"grid"'), tables)


def refused(tmp_path: Path, text: str, sites: str = SITES) -> list[str]:
    with pytest.raises(InputError) as error:
        study_of(tmp_path, text, {"sites": sites})
    assert all(f.message for f in error.value.findings)
    return [f"{f.rule} {f}" for f in error.value.findings if f.severity == "error"]


@pytest.mark.parametrize("name", EQUIPMENT)
def test_cost_of_it_is_refused_in_the_words_of_the_subject(name: str, tmp_path: Path) -> None:
    text, rule, said = EQUIPMENT[name]
    found = refused(tmp_path, BARE + f"[facility]\n{text}\n")
    assert any(line.startswith(rule) and said in line for line in found), found
