"""What sites are made of, by their kind: what leases, cloud capacity and orbit lack is neither shown nor priced.

Each site has 10 MW, and a workload needs them all, in one year.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optimizer.errors import InfeasibleError, InputError
from optimizer.plan.plan import Plan
from optimizer.report.html import render_report
from optimizer.study import Study
from tests.solve.small import HEAD, checked_plan, study_of

FACILITY = "[facility]\nbuilding_t_per_mw = 2000\nit_t_per_mw = 300\nrefresh_years = 5\n"
PLACE = '[grid]\nsource = "none"\n[sites]\ntable = "sites.csv"\n[rules]\nsources = []\n'
DEMAND = '[workloads]\ndemand = "demand.csv"\n'
ORBIT = "[orbit]\nlaunch_usd_per_kg = 0\nlife_years = 5\nbreak_even = false\n"
PRICED = HEAD + "carbon_price_usd_per_t = 100\n"


def study(folder: Path, kinds: tuple[str, ...], more: str = "", head: str = HEAD, block_musd: float = 0.0) -> Study:
    """Sites of some kinds, all of which are needed."""
    rows = [f"{kind}_{n},{kind},10,1,1,{block_musd}" for n, kind in enumerate(kinds)]
    sites = "site,kind,block_mw,max_blocks,cost_musd_per_year_per_block,cost_musd_per_block\n" + "\n".join(rows) + "\n"
    demand = f"region,workload,it_mw\nwest,chat,{10 * len(kinds)}\n"
    orbit = ORBIT if "orbital" in kinds and "[orbit]" not in more else ""
    return study_of(folder, PLACE + DEMAND + orbit + more, {"sites": sites, "demand": demand}, head)


def row(plan: Plan, kind: str) -> dict[str, float]:
    """The facility of the site of a kind."""
    table = plan.table("facilities")
    (found,) = table[table["site"].str.startswith(kind)].to_dict("records")
    return dict(found)


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("kind", "tonnes", "embodied"),
    [("campus", 2060, 2300), ("edge", 2060, 2300), ("lease", 60, 300), ("orbital", 60, 300)],
)
def test_carbon_of_making_is_that_of_the_kind(tmp_path: Path, kind: str, tonnes: float, embodied: float) -> None:
    """2,000 t a MW of building in the study's one year, 300 / 5 t of IT: a lease has no building."""
    plan = checked_plan(study(tmp_path, (kind,), FACILITY, PRICED))
    assert plan.summary["costs_musd"]["carbon"] == pytest.approx(10 * tonnes * 100 / 1e6)
    assert row(plan, kind)["embodied_t"] == pytest.approx(10 * embodied)


def test_a_cloud_is_all_another_s(tmp_path: Path) -> None:
    """Beside a lease, whose IT is renewed, it adds nothing; a price on cloud capacity alone would change nothing."""
    plan = checked_plan(study(tmp_path / "both", ("lease", "cloud"), FACILITY, PRICED))
    assert plan.summary["costs_musd"]["carbon"] == pytest.approx(10 * 60 * 100 / 1e6)
    assert [row(plan, "cloud")[name] for name in ("embodied_t", "renewed_t_per_year")] == [0, 0]
    with pytest.raises(InputError, match="the price changes nothing"):
        study(tmp_path / "alone", ("cloud",), FACILITY, PRICED)


def test_a_cap_on_embodied_carbon_counts_by_kind(tmp_path: Path) -> None:
    """A campus of 10 MW embodies 23,000 t, a lease 3,000: both together 26,000, and one tonne less leaves no plan."""
    text = FACILITY + "[limits]\nembodied_t = {{ 2030 = {} }}\n"
    plan = checked_plan(study(tmp_path / "1", ("campus", "lease"), text.format(26_000)))
    (shown,) = plan.table("portfolio").to_dict("records")
    assert (shown["value"], shown["bound"]) == pytest.approx((26_000, 26_000))
    with pytest.raises(InfeasibleError):
        checked_plan(study(tmp_path / "2", ("campus", "lease"), text.format(25_999)))


def test_what_a_kind_is_made_of_can_be_given(tmp_path: Path) -> None:
    """A cloud of 1,000 t and 7 people a MW, and satellites of 4,000 t over five years: the head pays whole capital."""
    more = FACILITY + 'staff_people_per_mw = 2\n[[facility.kind]]\nname = "cloud"\nbuilding_t_per_mw = 1000\n'
    more += "staff_people_per_mw = 7\n" + ORBIT + "embodied_t_per_mw = 4000\n"
    plan = checked_plan(study(tmp_path, ("campus", "cloud", "orbital"), more, PRICED))
    assert [row(plan, kind)["staff_people"] for kind in ("campus", "cloud", "orbital")] == [20, 70, 0]
    assert [row(plan, kind)["embodied_t"] for kind in ("campus", "cloud", "orbital")] == [23_000, 10_000, 43_000]
    # A satellite is paid for over its own five years: 4,000 / 5 + 300 / 5 t a MW and year.
    assert plan.summary["costs_musd"]["carbon"] == pytest.approx((20_600 + 10_000 + 8_600) * 100 / 1e6)


def test_rent_and_launch_are_no_building(tmp_path: Path) -> None:
    """A block at 50 M$: of a campus shell and electrical plant by halves, of a lease and satellites neither."""
    more = "[facility]\nshell_share = 0.5\n"
    plan = checked_plan(study(tmp_path, ("campus", "lease", "orbital"), more, block_musd=50))
    parts = ("shell_musd", "electrical_musd", "other_musd")
    assert [row(plan, "campus")[part] for part in parts] == [25, 25, 0]
    assert [row(plan, "lease")[part] for part in parts] == [0, 0, 50]
    assert [row(plan, "orbital")[part] for part in parts] == [0, 0, 50]


@pytest.mark.every(2)
@pytest.mark.parametrize(
    ("keys", "known"),
    [
        ("staff_people_per_mw = 2\n", {"staff_people": 20}),
        (
            "it_mass_t_per_mw = 2\nrefresh_years = 5\nit_cost_musd_per_mw = 3\n",
            {"ewaste_t_per_year": 4, "it_musd": 30},
        ),
        ("it_t_per_mw = 300\nrefresh_years = 5\n", {"renewed_t_per_year": 600}),
        ("shell_share = 1\n", {"shell_musd": 0, "electrical_musd": 0}),
    ],
)
def test_what_is_known_is_shown_and_the_rest_is_empty(tmp_path: Path, keys: str, known: dict[str, float]) -> None:
    plan = checked_plan(study(tmp_path, ("campus",), "[facility]\n" + keys))
    found = row(plan, "campus")
    unsure = ("shell_musd", "electrical_musd", "it_musd", "staff_people", "embodied_t", "renewed_t_per_year")
    for name in (*unsure, "ewaste_t_per_year"):
        if name in known:
            assert found[name] == pytest.approx(known[name])
        else:
            assert np.isnan(found[name]), name


def test_the_report_says_what_is_known_only(tmp_path: Path) -> None:
    """Two people a MW of a campus of 10 MW, and nothing of what it is made of."""
    page = render_report(checked_plan(study(tmp_path, ("campus", "lease"), "[facility]\nstaff_people_per_mw = 2\n")))
    assert "the sites employ about 20 people" in page
    assert "Of what is left empty the study knows nothing." in page
    assert "outfit of IT costs" not in page


def test_where_nothing_is_known_there_is_no_table(tmp_path: Path) -> None:
    assert "facilities" not in checked_plan(study(tmp_path, ("campus", "cloud"))).tables


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ('[[facility.kind]]\nname = "moon"\n', "config.unknown_choice"),
        ('[[facility.kind]]\nname = "lease"\n[[facility.kind]]\nname = "lease"\n', "config.duplicate_name"),
        ('[[facility.kind]]\nname = "lease"\nit_t_per_mw = -1\n', "config.out_of_range"),
        ('[[facility.kind]]\nname = "lease"\nit_tt_per_mw = 1\n', "config.unknown_key"),
        (ORBIT + "embodied_t_per_mw = -1\n", "config.out_of_range"),
        ("[facility]\nit_t_per_mw = 300\n", "study.portfolio.embodied_unknown"),
    ],
)
def test_facts_that_cannot_be_are_refused(tmp_path: Path, more: str, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        study(tmp_path, ("campus", "orbital") if "[orbit]" in more else ("campus",), more, PRICED)
    assert rule in {f.rule for f in refused.value.findings}


def test_what_orbit_costs_is_worked_out_by_mass_and_power(tmp_path: Path) -> None:
    """30 kg a kW in sunlight, half of the year: 60 kg launched for 100 $ and built for 50 $ each are 9,000 $/kW.

    Satellites without these are 1,000 / 0.5 = 2,000 $/kW, ground stations 500, 11,500 in all: over five years 2.3 M$ a
    MW and year, and 0.2 of operation. 10 MW are 25 M$, and the block of the table 1 M$.
    """
    keys = (
        "build_usd_per_kg = 50\nkg_per_kw = 30\nsunlit_share = 0.5\nbuild_usd_per_kw = 1000\nground_usd_per_kw = 500\n"
    )
    orbit = (
        ORBIT.replace("launch_usd_per_kg = 0", "launch_usd_per_kg = 100") + keys + "operation_usd_per_kw_year = 200\n"
    )
    plan = checked_plan(study(tmp_path, ("orbital",), orbit))
    assert plan.summary["objective_musd"] == pytest.approx(26)


@pytest.mark.parametrize(
    "key", ["build_usd_per_kg", "build_usd_per_kw", "ground_usd_per_kw", "operation_usd_per_kw_year", "kg_per_kw"]
)
def test_prices_of_orbit_below_0_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(InputError, match=key):
        study(tmp_path, ("orbital",), f"{ORBIT}{key} = -1\n")
