"""Which rules hold: every edge of days, sizes, voltages and places, by hand."""

import math
from datetime import date, timedelta

import geopandas as gpd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from optimizer.layers.jurisdictions import Jurisdiction, Jurisdictions, Place, merged
from optimizer.layers.regulation import Options, Question, attach, judge
from optimizer.layers.rule import Rule, day_of, effects

KNOWN = Jurisdictions(
    {
        j.id: j
        for j in (
            Jurisdiction(id="US", kind="country", name="United States"),
            Jurisdiction(id="US-TX", kind="state", name="Texas", within=("US",), state_number="48"),
            Jurisdiction(id="US-OH", kind="state", name="Ohio", within=("US",), state_number="39"),
            Jurisdiction(id="US-IN", kind="state", name="Indiana", within=("US",), state_number="18"),
            Jurisdiction(id="ERCOT", kind="operator", name="ERCOT", within=("US-TX",)),
            Jurisdiction(id="PJM", kind="operator", name="PJM", within=("US-OH", "US-IN")),
            Jurisdiction(id="MISO", kind="operator", name="MISO", within=("US-IN", "US-TX")),
            Jurisdiction(id="ZONE", kind="area", name="A zone", within=("US-TX",)),
            Jurisdiction(id="US-OH.lake", kind="county", name="Lake County, OH", within=("US-OH",)),
        )
    },
    {"ZONE": box(-98, 30, -97, 31)},
)
DAY = date(2026, 6, 1)


def rule(**keys: object) -> Rule:
    given_keys = {"id": "r", "title": "A rule", "jurisdiction": ("US-TX",), "status": "in_force", "fee_usd": 1.0}
    return Rule(**({**given_keys, "source": "made for tests", "confidence": "primary"} | keys))


def outcome(
    made: Rule,
    *codes: str,
    mw: float = 100.0,
    day: date = DAY,
    kv: tuple[float, float] = (0.0, math.inf),
    has_point: bool = False,
    scenarios: tuple[str, ...] = (),
) -> str:
    place = Place(KNOWN.closure(codes or ("US-TX",)), has_point)
    return judge(made, Question(place, mw, mw, day, day, *kv), KNOWN, scenarios).outcome


# Days


@pytest.mark.parametrize(
    ("day", "holds"),
    [("2026-02-28", False), ("2026-03-01", True), ("2026-03-02", True), ("2026-08-31", True), ("2026-09-01", False)],
)
def test_a_rule_holds_from_its_first_day_to_its_last_both_included(day: str, holds: bool) -> None:
    made = rule(effective=date(2026, 3, 1), end=date(2026, 8, 31))
    assert (outcome(made, day=date.fromisoformat(day)) == "applies") is holds


def test_a_rule_without_an_end_holds_on_and_without_a_beginning_since_ever() -> None:
    assert outcome(rule(effective=date(2026, 3, 1)), day=date(9999, 12, 31)) == "applies"
    assert outcome(rule(end=date(2026, 3, 1)), day=date(1, 1, 1)) == "applies"
    assert outcome(rule(), day=date(1, 1, 1)) == "applies"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-12", "2023-12-01", "2023-12-31"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2025-07-04", "2025-07-04", "2025-07-04"),
    ],
)
def test_a_month_or_year_is_taken_at_its_longest(text: str, first: str, last: str) -> None:
    found = day_of(text)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)
    made = rule(effective=text, end=text)
    for day, holds in ((found.first, True), (found.last, True), (found.last + timedelta(days=1), False)):
        assert (outcome(made, day=day) == "applies") is holds


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13", "26", "", "2026-1-1", "March 2026", "0000"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        day_of(text)


def test_a_day_that_is_not_exact_is_doubted_only_where_it_may_matter() -> None:
    """Effective in March 2026: doubtful on any day up to 31 March, certain from 1 April on."""
    made = rule(effective="2026-03", end="2027")
    doubts = [made.reservations(day, day) for day in (date(2026, 3, 31), date(2026, 4, 1), date(2027, 1, 1))]
    assert [len(found) for found in doubts] == [1, 0, 1]


@given(st.dates(), st.dates(), st.dates())
def test_days_by_their_order(effective: date, end: date, asked: date) -> None:
    holds = outcome(rule(effective=effective, end=end), day=asked) == "applies"
    assert holds is (effective <= asked <= end)


# Sizes


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ({"threshold_mw": 75.0}, {74.999: False, 75.0: True, 76.0: True}),
        ({"above_mw": 25.0}, {25.0: False, 25.001: True}),
        ({"threshold_mw": 1.0, "up_to_mw": 10.0}, {0.999: False, 1.0: True, 10.0: True, 10.001: False}),
        ({}, {0.0: True, 1e6: True}),
    ],
)
def test_thresholds(keys: dict[str, float], sizes: dict[float, bool]) -> None:
    assert {mw: outcome(rule(**keys), mw=mw) == "applies" for mw in sizes} == sizes


@pytest.mark.parametrize(
    ("keys", "kv", "expected"),
    [
        ({"up_to_kv": 69.0}, (69.0, 69.0), "applies"),
        ({"up_to_kv": 69.0}, (115.0, 115.0), "does_not_apply"),
        ({"above_kv": 69.0}, (69.0, 69.0), "does_not_apply"),
        ({"above_kv": 69.0}, (69.1, 69.1), "applies"),
        ({"above_kv": 69.0}, (0.0, math.inf), "may_apply"),
        ({"threshold_kv": 138.0}, (138.0, math.inf), "applies"),
        ({"threshold_kv": 138.0}, (100.0, math.inf), "may_apply"),
    ],
)
def test_voltages(keys: dict[str, float], kv: tuple[float, float], expected: str) -> None:
    assert outcome(rule(**keys), kv=kv) == expected


# Status


def test_a_proposal_never_holds_unless_it_is_asked_for_by_name() -> None:
    made = rule(status="proposed")
    assert outcome(made) == "does_not_apply"
    assert outcome(made, scenarios=("other",)) == "does_not_apply"
    assert outcome(made, scenarios=("r",)) == "applies"


def test_what_has_ended_held_only_up_to_a_stated_end() -> None:
    assert outcome(rule(status="ended")) == "does_not_apply"
    made = rule(status="ended", end=DAY)
    assert outcome(made) == "applies"
    assert outcome(made, day=DAY + timedelta(days=1)) == "does_not_apply"


# Places


@pytest.mark.parametrize(
    ("jurisdiction", "codes", "expected"),
    [
        (("US",), ("48453",), "applies"),
        (("48453",), ("48453",), "applies"),
        (("48453",), ("48201",), "does_not_apply"),
        (("48453",), ("US-TX",), "may_apply"),
        (("48453",), ("US-OH",), "does_not_apply"),
        (("ERCOT",), ("48453",), "may_apply"),
        (("ERCOT",), ("48453", "MISO"), "does_not_apply"),
        (("ERCOT",), ("48453", "ERCOT"), "applies"),
        (("ERCOT",), ("US-OH",), "does_not_apply"),
        (("PJM",), ("US-OH",), "may_apply"),
        (("PJM",), ("US-TX",), "does_not_apply"),
        (("PJM", "ERCOT"), ("48453", "ERCOT"), "applies"),
        (("US-OH.lake",), ("39085",), "may_apply"),
        (("US-OH.lake",), ("39085", "US-OH.lake"), "applies"),
    ],
)
def test_overlapping_jurisdictions(jurisdiction: tuple[str, ...], codes: tuple[str, ...], expected: str) -> None:
    assert outcome(rule(jurisdiction=jurisdiction), *codes) == expected


def test_an_operator_of_several_states_lies_in_what_holds_all_of_them() -> None:
    assert KNOWN.closure(["PJM"]) == {"PJM", "US"}
    assert KNOWN.closure(["ERCOT"]) == {"ERCOT", "US-TX", "US"}
    assert KNOWN.closure(["48453"]) == {"48453", "US-TX", "US"}
    assert KNOWN.closure([]) == frozenset()


def test_jurisdictions_that_hold_each_other_come_to_an_end() -> None:
    ring = Jurisdictions({c: Jurisdiction(id=c, kind="area", name=c, within=(d,)) for c, d in (("A", "B"), ("B", "A"))})
    assert ring.closure(["A"]) == {"A", "B"}


def test_a_county_needs_a_known_state() -> None:
    assert KNOWN.knows("48453")
    assert not KNOWN.knows("99001")
    assert not KNOWN.knows("4845")
    assert KNOWN.named("texas") == ["US-TX"]
    assert KNOWN.named(" LAKE  county, oh ") == ["US-OH.lake"]


def test_places_find_their_jurisdictions() -> None:
    """By county, by name, by area (the border belongs to it), by what holds everywhere."""
    places = gpd.GeoDataFrame(
        {
            "fips": ["48453", "39085", "", ""],
            "county": ["Travis", "Lake", "", ""],
            "jurisdiction": ["", "", "Ohio", ""],
        },
        geometry=[Point(-99, 30.5), None, Point(-97, 30), box(-97.6, 30.4, -97.4, 30.6)],
        index=list("abcd"),
        crs="EPSG:4326",
    )
    found = attach(places, KNOWN)["jurisdictions"].to_dict()
    assert found["a"] == "48453;US;US-TX"
    assert found["b"] == "39085;US;US-OH;US-OH.lake"
    assert found["c"] == "US;US-OH;US-TX;ZONE"
    assert found["d"] == "US;US-TX;ZONE"
    everywhere = attach(places, KNOWN, Options(("ercot",)))["jurisdictions"]
    assert all("ERCOT" in text.split(";") for text in everywhere)
    assert attach(places.iloc[:0], KNOWN).empty


def test_an_area_holds_a_point_or_does_not() -> None:
    made = rule(jurisdiction=("ZONE",))
    assert outcome(made, "48453") == "may_apply"
    assert outcome(made, "48453", has_point=True) == "does_not_apply"
    assert outcome(made, "48453", "ZONE", has_point=True) == "applies"


def test_areas_in_another_reference_system() -> None:
    spot = gpd.GeoDataFrame(
        {"fips": [""], "county": [""], "jurisdiction": [""]}, geometry=[Point(-97.5, 30.5)], crs="EPSG:4326"
    ).to_crs("EPSG:32614")
    assert attach(spot, KNOWN)["jurisdictions"].tolist() == ["US;US-TX;ZONE"]


def test_of_one_code_the_last_is_taken_with_its_area() -> None:
    other = Jurisdictions({"ZONE": Jurisdiction(id="ZONE", kind="area", name="Without area")})
    together = merged([KNOWN, other])
    assert together.by_id["ZONE"].name == "Without area"
    assert "ZONE" not in together.areas


# What a rule does


def test_every_effect_is_told() -> None:
    made = rule(
        forbid=True,
        security_usd_per_mw=5.0,
        water_forbidden=("potable",),
        eia_required=True,
        data_residency="stays",
        duties=("a", "b"),
    )
    assert [(e.name, e.value) for e in effects(made)] == [
        ("forbid", None),
        ("fee_usd", 1.0),
        ("security_usd_per_mw", 5.0),
        ("water_forbidden", None),
        ("eia_required", None),
        ("data_residency", None),
        ("duty 1", None),
        ("duty 2", None),
    ]


def test_what_is_weak_or_doubted_says_so() -> None:
    assert rule().reservations(DAY, DAY) == ()
    assert rule(confidence="secondary").reservations(DAY, DAY) == ()
    for word in ("weak", "unverified"):
        assert rule(confidence=word).reservations(DAY, DAY) == (f"confidence {word}",)
    assert rule(doubts=("unsure",)).reservations(DAY, DAY) == ("unsure",)
