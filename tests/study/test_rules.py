"""What rules change at the sites of the tiny region (see conftest), each number worked out by hand.

Campuses of 1 to 4 blocks of 50 MW; the largest hot-day PUE on offer is 1.3 in both zones, so a block counts as 65 MW
when a rule asks for the size. Decision in January 2027; a campus takes 26 months and serves from 2030, a tie of 115 kV
36 months and from 2030.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from optimizer.config import RulesSettings
from optimizer.errors import InputError
from optimizer.layers.rule import Rule
from optimizer.study import Study
from optimizer.study.rule_places import find_place
from optimizer.study.rule_sources import read_rules
from optimizer.study.rules import Spans, months_between, rule_groups, span_of

Edited = Callable[..., Study]

PLACES = """
jurisdiction = [
  { id = "T", kind = "area", name = "tiny" },
  { id = "001", kind = "county", name = "West county", within = ["T"] },
  { id = "002", kind = "county", name = "East county", within = ["T"] },
  { id = "U", kind = "utility", name = "A utility", within = ["T"] },
]
"""


def rule(keys: str, name: str = "r", jurisdiction: str = "T", status: str = "in_force") -> str:
    return (
        f'\n[[rule]]\nid = "{name}"\ntitle = "A rule"\njurisdiction = "{jurisdiction}"\nstatus = "{status}"\n{keys}\n'
        'source = "made for tests"\nconfidence = "primary"\n'
    )


@pytest.fixture
def ruled(edited: Edited) -> Callable[..., Study]:
    """The study under some rules, perhaps with keys overridden."""
    return lambda *rules, **keys: edited({"rules.toml": PLACES + "".join(rules)}, keys.get("keys"))


def reasons(study: Study) -> set[str]:
    return {r for r in study.candidates.refused["rule"] if r.startswith("forbidden") or r == "no_cooling"}


# Bans


def test_a_ban_without_an_end_refuses_the_place(ruled) -> None:
    study = ruled(rule("forbid = true"))
    assert study.candidates.sites.empty
    rows = study.candidates.refused[study.candidates.refused["rule"] == "forbidden:r"]
    assert set(rows["value"]) == {65.0}
    assert set(rows["unit"]) == {"MW"}


def test_a_ban_in_one_county_leaves_the_other(ruled) -> None:
    study = ruled(rule("forbid = true", jurisdiction="001"))
    assert set(study.candidates.sites["county"]) == {"East"}


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("keys", "blocks"),
    [
        ("threshold_mw = 65", 0),
        ("threshold_mw = 65.001", 1),
        ("above_mw = 64.999", 0),
        ("above_mw = 65", 1),
        ("threshold_mw = 130", 1),
        ("above_mw = 130", 2),
        ("threshold_mw = 260", 3),
        ("above_mw = 260", 4),
        ("up_to_mw = 64", 4),
        ("up_to_mw = 65", 0),
    ],
)
def test_a_ban_from_a_size_on_keeps_campuses_below_it(ruled, keys: str, blocks: int) -> None:
    sites = ruled(rule(f"forbid = true\n{keys}"), keys={"sites.max_tie_km": 25.0}).candidates.sites
    assert sites["max_blocks"].max() == blocks if blocks else sites.empty


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("keys", "refused"),
    [
        ("effective = 2027-12-31", True),
        ("effective = 2028-01-01", False),
        ("effective = 2020-01-01", True),
        ('effective = "2027"', True),
        ("", True),
    ],
)
def test_a_ban_counts_if_it_is_in_force_in_the_decision_year(ruled, keys: str, refused: bool) -> None:
    assert ruled(rule(f"forbid = true\n{keys}")).candidates.sites.empty is refused


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("end", "campus", "tie"),
    [
        ("2026-12-31", 2030, 2030),
        ("2027-01-01", 2030, 2031),
        ("2027-10-31", 2030, 2031),
        ("2027-11-30", 2031, 2031),
        ("2028-05-31", 2031, 2032),
        ('"2027-10"', 2030, 2031),
    ],
)
def test_lead_times_run_from_the_day_after_a_ban(ruled, end: str, campus: int, tie: int) -> None:
    """To 31 October 2027: 10 months, 26 + 10 = 36 and 36 + 10 = 46; a month more: 37 and 47. To 1 January: 1/31."""
    study = ruled(rule(f"forbid = true\nend = {end}"))
    assert set(study.candidates.sites["earliest"]) == {campus}
    assert set(study.candidates.ties["ready"]) == {tie}


def test_months_between_days() -> None:
    assert months_between(date(2027, 1, 1), date(2028, 6, 1)) == 17
    assert months_between(date(2027, 1, 1), date(2027, 1, 2)) == 1 / 31
    assert months_between(date(2027, 1, 1), date(2026, 12, 31)) == 0


# Delays and fees


@pytest.mark.every(4)
@pytest.mark.parametrize(
    ("months", "campus", "tie"), [(3, 2030, 2030), (6, 2030, 2030), (7, 2030, 2031), (18, 2031, 2031)]
)
def test_a_longer_study_delays(ruled, months: int, campus: int, tie: int) -> None:
    """The region's study takes 6 months: 18 are 12 more, 38 for the campus and 48 for its tie; 7 are one more."""
    study = ruled(rule(f"study_months = {months}"))
    assert set(study.candidates.sites["earliest"]) == {campus}
    assert set(study.candidates.ties["ready"]) == {tie}


def fees(study: Study, plain: Study) -> set[float]:
    extra = study.candidates.sites["fixed_cost_musd"] - plain.candidates.sites["fixed_cost_musd"]
    return set(extra.dropna().round(9))


def test_of_one_jurisdiction_the_largest_fee_of_several_the_sum(ruled) -> None:
    plain = ruled()
    one = ruled(rule("fee_usd = 1e6", "a"), rule("fee_usd = 3e6", "b"))
    assert fees(one, plain) == {3.0}
    two = ruled(rule("fee_usd = 1e6", "a"), rule("fee_usd = 3e6", "b", "001"))
    assert fees(two, plain) == {1.0, 4.0}


@pytest.mark.every(2)
@pytest.mark.parametrize(("threshold", "fee"), [(260, {1.0}), (260.001, {0.0})])
def test_a_fee_is_asked_of_the_largest_campus_of_a_site(ruled, threshold: float, fee: set[float]) -> None:
    assert fees(ruled(rule(f"fee_usd = 1e6\nthreshold_mw = {threshold}")), ruled()) == fee


@pytest.mark.every(2)
@pytest.mark.parametrize(("keys", "fee"), [("effective = 2028-01-01", {0.0}), ("effective = 2027-12-31", {1.0})])
def test_a_fee_counts_in_the_decision_year(ruled, keys: str, fee: set[float]) -> None:
    assert fees(ruled(rule(f"fee_usd = 1e6\n{keys}")), ruled()) == fee


# Cooling and water


def cooling(study: Study) -> set[str]:
    return set(study.candidates.cooling.index.get_level_values("cooling"))


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ("pue_max = 1.25", {"dry", "tower"}),
        ("pue_max = 1.1", {"tower"}),
        ("pue_max = 1.09", set()),
        ("wue_max_l_per_kwh = 2", {"dry", "tower"}),
        ("wue_max_l_per_kwh = 1.9", {"dry"}),
        ("wue_max_l_per_kwh = 0.05", set()),
        ('water_forbidden = "ground"', set()),
        ('water_forbidden = "all"', set()),
        ("pue_max = 1.1\nend = 2029-12-31", {"dry", "tower"}),
        ("pue_max = 1.1\nend = 2030-01-01", {"tower"}),
        ("pue_max = 1.1\neffective = 2032-12-31", {"tower"}),
        ("pue_max = 1.1\neffective = 2033-01-01", {"dry", "tower"}),
    ],
)
def test_cooling_that_a_rule_rules_out_is_not_on_offer(ruled, keys: str, left: set[str]) -> None:
    study = ruled(rule(keys))
    assert cooling(study) == left
    assert bool(reasons(study)) is (not left or left == {"tower"})


def test_water_of_sources_that_are_not_forbidden_may_be_used(ruled) -> None:
    """Surface water is left in the west; the east has ground water alone."""
    study = ruled(rule('water_forbidden = ["ground"]'), keys={"water.sources": ["surface"]})
    assert set(study.candidates.sites["county"]) == {"West"}
    assert "no_cooling" in reasons(study)


# Proposals, voltage, areas


@pytest.mark.slow
def test_a_proposal_is_applied_only_on_request(ruled) -> None:
    text = rule("forbid = true", status="proposed")
    assert not ruled(text).candidates.sites.empty
    assert ruled(text, keys={"rules.scenarios": ["r"]}).candidates.sites.empty
    with pytest.raises(InputError, match=r"rules\.scenario"):
        ruled(text, keys={"rules.scenarios": ["s"]})


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("keys", "refused"), [("up_to_kv = 99", False), ("up_to_kv = 100", True), ("above_kv = 400", True)]
)
def test_a_rule_holds_if_some_point_may_have_its_voltage(ruled, keys: str, refused: bool) -> None:
    """sites.min_base_kv is 100 kV; what is above is not known while land is judged."""
    assert ruled(rule(f"forbid = true\n{keys}")).candidates.sites.empty is refused


def test_a_ban_over_an_area(edited: Edited) -> None:
    """The area is the western county, as a polygon of its own."""
    ring = [[-0.2, -0.2], [0, -0.2], [0, 0.2], [-0.2, 0.2], [-0.2, -0.2]]
    shape = f'{{"type": "Feature", "properties": {{}}, "geometry": {{"type": "Polygon", "coordinates": [{ring}]}}}}'
    files = {
        "zone.geojson": f'{{"type": "FeatureCollection", "features": [{shape}]}}',
        "rules.toml": 'jurisdiction = [{ id = "Z", kind = "area", name = "Zone", polygon = "zone.geojson" }]'
        + rule("forbid = true", jurisdiction="Z"),
    }
    study = edited(files)
    assert set(study.candidates.sites["county"]) == {"East"}
    assert {f.path.name for f in study.inputs if f.role == "rules"} == {
        "jurisdictions.toml",
        "rules.toml",
        "zone.geojson",
    }


def test_places_whose_rules_change_the_same_are_one_group() -> None:
    """Cells compete within a group: one that waits, or pays, or may not use a cooling, is in another."""
    plain = {"wait_months": 0.0, "study_months": 0.0, "fee_musd": 0.0, "pue_max": np.nan, "wue_max_l_per_kwh": np.nan}
    rows = [plain, plain, plain | {"wait_months": 1.0}, plain | {"pue_max": 1.2}, plain | {"pue_max": 1.2}]
    table = pd.DataFrame(rows).assign(water_forbidden=["", "", "", "", "all"])
    assert rule_groups(table).tolist() == [0, 0, 1, 2, 3]


# Findings


def test_an_uncertain_rule_is_flagged_where_it_is_used(ruled) -> None:
    weak = rule("fee_usd = 1").replace('"primary"', '"weak"')
    assert [(f.rule, f.severity, f.where) for f in ruled(weak).findings] == [
        ("study.rules.unproven", "warning", "rules.toml: r")
    ]
    assert ruled(weak.replace('"T"', '"U"')).findings[0].rule == "study.rules.possible"
    assert ruled(weak.replace("fee_usd", "effective = 2040-01-01\nfee_usd")).findings == ()


def test_rules_of_who_operates_there_are_not_applied_unless_that_is_said(ruled) -> None:
    text = rule("forbid = true", jurisdiction="U")
    study = ruled(text)
    assert not study.candidates.sites.empty
    assert [(f.rule, f.severity, f.found) for f in study.findings] == [("study.rules.possible", "info", "r")]
    said = ruled(text, keys={"rules.jurisdictions": ["a utility"]})
    assert said.candidates.sites.empty
    assert said.findings == ()


def test_spans_by_what_a_rule_does() -> None:
    spans = Spans((date(2027, 1, 1), date(2027, 12, 31)), (date(2030, 1, 1), date(2032, 12, 31)))

    def span(**keys: object) -> tuple[int, int]:
        made = Rule(id="r", title="t", jurisdiction=("T",), status="in_force", source="s", confidence="primary", **keys)
        first, last = span_of(made, spans)
        return first.year, last.year

    assert span(forbid=True) == span(fee_usd=1.0) == span(study_months=1.0) == span(eia_required=True) == (2027, 2027)
    assert span(pue_max=1.2) == span(minimum_take_share=0.8) == span(water_forbidden=("all",)) == (2030, 2032)
    assert span(duties=("a",)) == span(fee_usd=1.0, pue_max=1.2) == (2027, 2032)


# The user's own sites

OWN = "site,lat,lon,block_mw,max_blocks,jurisdiction,fixed_cost_musd\ns,0.02,-0.02,50,3,{},7\n"


def own(edited: Edited, rules: str, jurisdiction: str) -> Study:
    toml = (
        '[study]\nname = "Own"\ndecision_year = 2027\n[grid]\nsource = "tiny/grid"\n[demand]\nit_mw = { 2030 = 50 }\n'
    )
    toml += '[sites]\ntable = "sites.csv"\nties = "ties.csv"\n[rules]\nsources = ["rules.toml"]\n'
    ties = "site,bus,capacity_mw,cost_musd\ns,n2,500,1\n"
    files = {"sites.csv": OWN.format(jurisdiction), "ties.csv": ties, "rules.toml": PLACES + rules, "study.toml": toml}
    return edited(files)


def test_own_sites_have_the_rules_of_the_jurisdiction_they_name(edited: Edited) -> None:
    text = rule("forbid = true", jurisdiction="001")
    assert own(edited, text, "West county").candidates.refused["rule"].tolist() == ["forbidden:r"]
    assert len(own(edited, text, "East county").candidates.sites) == 1


def test_rules_cap_and_delay_own_sites_and_leave_their_costs(edited: Edited) -> None:
    """PUE 1: 3 blocks draw 150 MW; 40 months from January 2027 end in 2030, so 2031."""
    site = own(edited, rule("forbid = true\nabove_mw = 100"), "T").candidates.sites.loc["s"]
    assert (site["max_blocks"], site["earliest"]) == (2, 2030)
    site = own(edited, rule("study_months = 40\nfee_usd = 1e6"), "T").candidates.sites.loc["s"]
    assert (site["max_blocks"], site["earliest"], site["fixed_cost_musd"]) == (3, 2031, 7.0)


def test_an_unknown_jurisdiction_of_a_site_is_a_warning(edited: Edited) -> None:
    found = own(edited, rule("fee_usd = 1"), "West-county").findings
    assert [(f.rule, f.severity, f.found) for f in found] == [
        ("study.rules.unknown_jurisdiction", "warning", "'West-county'")
    ]


# A place as a person names it


@pytest.fixture(scope="module")
def bundled():
    return read_rules(Path(), RulesSettings())[0].jurisdictions


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("30.27,-97.74", {"48453", "US-TX", "US"}),
        (" 30.27 , -97.74 ", {"48453", "US-TX", "US"}),
        ("48453", {"48453", "US-TX", "US"}),
        ("Travis County", {"48453", "US-TX", "US"}),
        ("travis county, texas", {"48453", "US-TX", "US"}),
        ("Travis, TX;ERCOT", {"48453", "US-TX", "US", "ERCOT"}),
        ("39001", {"39001", "US-OH", "US"}),
        ("Ohio", {"US-OH", "US"}),
        ("usa", {"US"}),
        ("Frankfurt", {"DE-FRA", "DE", "EU"}),
        ("Singapore", {"SG"}),
        ("PJM", {"PJM", "US"}),
    ],
)
def test_places_by_name_and_by_coordinates(bundled, text: str, inside: set[str]) -> None:
    assert find_place(text, bundled).place.inside == inside


@pytest.mark.parametrize("text", ["Nowhere", "91,0", "0,181", "", ";", "99001", "Texas;Nowhere", "1,2,3"])
def test_places_that_are_not_known(bundled, text: str) -> None:
    with pytest.raises(InputError) as refused:
        find_place(text, bundled)
    assert {f.rule for f in refused.value.findings} == {"rules.place"}


def test_a_place_that_no_map_covers_says_so(bundled) -> None:
    found = find_place("0,0", bundled)
    assert found.place.inside == frozenset()
    assert [f.rule for f in found.findings] == ["rules.place.unmapped"]
