"""One edit to a good study of service, and what `check` says before anything is solved."""

from __future__ import annotations

from pathlib import Path

import pytest

from optimizer.errors import InputError
from tests.solve.service_cases import LINE, STUDY, service
from tests.solve.small import HEAD, study_of

GOOD = service(curtailable_share=0.01)
BACKUP = "[service.backup]\nhours_per_year = 100\nfuel_usd_per_mwh = 300\ncarbon_t_per_mwh = 0.7\n"
DEFERRAL = "[service.deferral]\nshare = 0.5\ncatch_up_share = 0.1\n"
TARIFF = '[[service.tariff]]\njurisdiction = "any"\n'
CURVE = "[report]\nfirmness = [0.0, 0.01]\n"


def line(table: str, key: str, value: object) -> str:
    """A table of service with one more key, in place of the same key if it is there."""
    kept = [one for one in table.splitlines() if not one.startswith(f"{key} =")]
    return "\n".join([*kept, f"{key} = {value}", ""])


RANGES = {
    "curtailable_share": (GOOD, ("-0.1", "1.5", '"much"')),
    "curtailable_hours_per_year": (GOOD, ("-1", "9000", "0")),
    "non_firm_share": (GOOD, ("-0.1", "2")),
    "interim_years": (GOOD, ("-3", "0")),
    "interim_non_firm": (GOOD, ("1", "true")),
    "trip_on_outage": (GOOD, ("1", '"yes"')),
    "curtailment_usd_per_mwh": (GOOD, ("-5", "nan")),
    "share": (BACKUP, ("-0.1", "1.1")),
    "hours_per_year": (BACKUP, ("-1", "9000")),
    "cost_musd_per_mw": (BACKUP, ("-1",)),
    "fuel_usd_per_mwh": (BACKUP, ("-1", "inf")),
    "carbon_t_per_mwh": (BACKUP, ("-1",)),
    "energy": (DEFERRAL, ('"later"',)),
    "catch_up_share": (DEFERRAL, ("-1", "0")),
    "cost_usd_per_mwh": (DEFERRAL, ("-1",)),
    "jurisdiction": (TARIFF, ('"Atlantis"', '""')),
    "demand_usd_per_kw_month": (TARIFF, ("-1",)),
    "non_firm_usd_per_kw_month": (TARIFF, ("-1",)),
    "minimum_take_share": (TARIFF, ("1.5",)),
    "energy_usd_per_mwh": (TARIFF, ("-1",)),
    "deposit_musd_per_mw": (TARIFF, ("-1",)),
    "exit_fee_musd_per_mw": (TARIFF, ("-1",)),
    "tax_abatement_share": (TARIFF, ("1.5",)),
    "tax_musd_per_mw_year": (TARIFF, ("-1",)),
    "upgrade_cost_share": (TARIFF, ("-0.5",)),
    "firmness": (CURVE, ("[0.01, 0.0]", "[0.01, 0.01]", "[2.0]")),
    "curtailable_hours": (GOOD, ("100",)),
}
"""What each key cannot be, in a table that is good without it; the last is no key."""


def refused(folder: Path, more: str, study: str = STUDY) -> list[str]:
    """What `check` says of a study."""
    with pytest.raises(InputError) as caught:
        study_of(folder, study + more, LINE, HEAD)
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, (_, values) in RANGES.items() for value in values])
def test_every_key_is_refused_where_it_cannot_be(key: str, value: str, tmp_path: Path) -> None:
    table = RANGES[key][0]
    found = refused(tmp_path, ("" if table is GOOD else GOOD) + line(table, key, value))
    assert any(key in one for one in found), found


CONTRADICTIONS = {
    "no grid": (STUDY.replace('[grid]\nsource = "grid"\n', ""), GOOD, "[grid]"),
    "no demand": (STUDY.split("[demand]")[0], GOOD, "[demand]"),
    "interim without years": (
        STUDY,
        service(curtailable_share=0.01, non_firm_share=0.0, interim_non_firm=True),
        "both",
    ),
    "interim where all is non-firm": (
        STUDY,
        service(curtailable_share=0.01, interim_non_firm=True, interim_years=2),
        "adds nothing",
    ),
    "dropped where all is firm": (
        STUDY,
        service(trip_on_outage=True, non_firm_share=0.0),
        "load is dropped after outages where it is non-firm, and none may be",
    ),
    "every snapshot too long": (STUDY, service(curtailable_share=0.01, curtailable_hours_per_year=99), "100 h"),
    "two tariffs": (STUDY, GOOD + TARIFF + TARIFF, "two tariffs"),
    "a curve without service": (STUDY, CURVE, "without [service]"),
    "no price of lost load": (STUDY, "[service]\ncurtailable_share = 0.01\n", "curtailment_usd_per_mwh"),
    "no fuel price": (
        STUDY,
        GOOD + "[service.backup]\nhours_per_year = 10\ncarbon_t_per_mwh = 1\n",
        "fuel_usd_per_mwh",
    ),
    "no permit": (STUDY, GOOD + "[service.backup]\nfuel_usd_per_mwh = 10\ncarbon_t_per_mwh = 1\n", "hours_per_year"),
    "no ramp": (STUDY, "[limits]\nsite_ramp_mw_per_year = 0\n", "site_ramp_mw_per_year"),
}
"""Study, service, and words of what is said."""


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradictions_are_found(case: str, tmp_path: Path) -> None:
    study, more, words = CONTRADICTIONS[case]
    found = refused(tmp_path, more, study)
    assert any(words in one for one in found), found


def test_the_study_itself_is_good(tmp_path: Path) -> None:
    study = study_of(tmp_path, STUDY + GOOD + BACKUP + DEFERRAL + TARIFF + CURVE, LINE, HEAD)
    assert set(study.config.report.compare) == {"curtailed_0_percent", "curtailed_1_percent"}


def test_another_curve_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """Also beside scenarios of the study's own."""
    own = 'compare = ["cheap"]\n[scenario.cheap.service]\ncurtailment_usd_per_mwh = 50\n'
    study = study_of(tmp_path, STUDY + GOOD + CURVE + own, LINE, HEAD)
    assert study.config.report.compare == ("cheap", "curtailed_0_percent", "curtailed_1_percent")
    other = study.override({"report.firmness": [0.005]}).config
    assert other.report.compare == ("cheap", "curtailed_0-5_percent")
    assert set(other.scenario) == {"cheap", "curtailed_0-5_percent"}
    assert study.override({"report.firmness": []}).config.report.compare == ("cheap",)
    assert study.scenario("curtailed_0_percent").config.service.curtailable_share == 0.0
