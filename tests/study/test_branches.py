"""Branches, upgrades and points of interconnection of the tiny grid (see conftest)."""

from collections.abc import Callable
from math import inf, pi

import numpy as np
import pytest

from optimizer.study import Study

Edited = Callable[..., Study]


def test_emergency_ratings(edited: Edited) -> None:
    """Given, or 1.2 times the normal one; unlimited stays unlimited."""
    table = (
        "branch,from_bus,to_bus,x_pu,rating_mw,rating_emergency_mw,length_km\n"
        "a,n1,n2,0.1,300,310,\nb,n2,n3,0.1,300,,\nc,n1,n3,0.1,,,\nd,n3,n4,0.1,300,0,\n"
    )
    branches = edited({"tiny/grid/branches.csv": table}).case.branches
    assert branches["rating_emergency_mw"].tolist() == [310, 360, inf, 360]
    assert branches["rating_mw"].tolist() == [300, 300, inf, 300]


def test_branches_out_of_service_are_left_out(edited: Edited) -> None:
    table = (
        "branch,from_bus,to_bus,x_pu,rating_mw,in_service\na,n1,n2,0.1,300,1\nb,n2,n3,0.1,300,1\n"
        "c,n1,n3,0.1,300,0\nd,n3,n4,0.1,300,1\n"
    )
    case = edited({"tiny/grid/branches.csv": table}, {"demand": None}).case
    assert case.branches.index.tolist() == ["a", "b", "d"]
    assert case.network is not None
    assert case.network.branch_ids.tolist() == ["a", "b", "d"]


def test_angle_limits_become_flow_limits(edited: Edited) -> None:
    """x = 0.1 pu: 1,000 MW per radian. A shift of 10 degrees moves limits of -20 and 30 to -30 and 20 degrees.

    A series capacitor of -0.5 pu turns its limits round: -200 MW per radian.
    """
    table = (
        "branch,from_bus,to_bus,x_pu,rating_mw,shift_deg,angle_min_deg,angle_max_deg\n"
        "a,n1,n2,0.1,300,10,-20,30\nb,n2,n3,0.1,300,,,\nc,n1,n3,-0.5,300,,-20,30\nd,n3,n4,0.1,300,,,45\n"
    )
    branches = edited({"tiny/grid/branches.csv": table}, {"demand": None}).case.branches
    degrees = 1000 * pi / 180
    assert branches["flow_min_mw"].tolist() == pytest.approx([-30 * degrees, -inf, -30 * degrees / 5, -inf])
    assert branches["flow_max_mw"].tolist() == pytest.approx([20 * degrees, inf, 20 * degrees / 5, 45 * degrees])


def test_monitored_by_the_lower_voltage(edited: Edited) -> None:
    buses = "bus,base_kv,lat,lon\nn1,345,0,0.01\nn2,345,0,0.02\nn3,115,0,0.03\nn4,69,0,0.04\n"
    study = edited({"tiny/grid/buses.csv": buses}, {"security.monitor_kv_min": 115.0, "demand": None})
    branches = study.case.branches
    assert branches["base_kv"].tolist() == [345, 115, 115, 69]
    assert branches["monitored"].tolist() == [True, True, True, False]


def test_reconductoring(tiny: Study) -> None:
    """Line a: 15 km x 1.3 x 0.2 M$/km = 3.9 M$ for 150 MW, 180 after an outage; 24 months from 2027: 2029.

    Line c has no length; line d of 0.13 km of route is charged for 1 km.
    """
    upgrades = tiny.case.upgrades
    assert upgrades["branch"].tolist() == ["a", "b", "d"]
    assert upgrades["added_mw"].tolist() == [150] * 3
    assert upgrades["added_emergency_mw"].tolist() == [180] * 3
    assert upgrades["cost_musd"].tolist() == pytest.approx([3.9, 2.6, 0.2])
    assert upgrades["annuity_musd"].tolist() == pytest.approx([3.9 / 20, 2.6 / 20, 0.2 / 20])
    assert upgrades["ready"].tolist() == [2029] * 3


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ({"upgrades.enabled": False}, []),
        ({"upgrades.max_length_km": 12.0}, ["b", "d"]),
        ({"upgrades.min_kv": 138.0}, []),
        ({"upgrades.lead_months": 40.0}, ["a", "b", "d"]),
    ],
)
def test_which_lines_may_be_upgraded(tiny: Study, keys: dict[str, object], left: list[str]) -> None:
    upgrades = tiny.override(keys).upgrades
    assert upgrades["branch"].tolist() == left
    if "upgrades.lead_months" in keys:
        assert set(upgrades["ready"]) == {2031}


def test_upgrades_of_the_user(edited: Edited) -> None:
    table = "upgrade,branch,added_mw,cost_musd,added_emergency_mw,ready\nu,c,100,2,,2030\nv,a,50,1,55,\n"
    upgrades = edited({"tiny/grid/upgrades.csv": table}).case.upgrades
    assert upgrades.loc["u", ["added_emergency_mw", "ready"]].tolist() == [120, 2030]
    assert upgrades.loc["v", ["added_emergency_mw", "ready"]].tolist() == [55, 0]
    assert len(upgrades) == 5


def test_an_upgrade_of_the_user_stands_in_the_place_of_one_of_the_same_name(edited: Edited) -> None:
    table = "upgrade,branch,added_mw,cost_musd\nreconductor a,a,100,2\n"
    upgrades = edited({"tiny/grid/upgrades.csv": table}).case.upgrades
    assert upgrades.index.tolist() == ["reconductor a", "reconductor b", "reconductor d"]
    assert upgrades["added_mw"].tolist() == [100, 150, 150]


def test_points_of_interconnection(tiny: Study) -> None:
    """n2: lines a and b, 300 + 150 each. With one out 1.2 x 450 = 540 flow in. n3 adds 2,000 + 20 MW of its own."""
    points = tiny.points
    assert points.loc["n2", ["whole_mw", "firm_mw"]].tolist() == [900, 540]
    assert points.loc["n3", "whole_mw"] == 450 + 300 + 450 + 2100
    # Lines b and d with upgrades, c without, less the largest: 540 + 360; generators give 2,020 at the peak.
    assert points.loc["n3", "firm_mw"] == pytest.approx(540 + 360 + 2020)
    assert points["cut_off"].to_dict() == {"n1": False, "n2": False, "n3": False, "n4": True}


@pytest.mark.parametrize(
    ("keys", "firm_mw"),
    [
        ({"non_firm_share": 0.25}, 540 / 0.75),
        # More than what its branches carry with everything in service is none.
        ({"non_firm_share": 0.6}, 900),
        ({"non_firm_share": 0.0, "interim_non_firm": True, "interim_years": 5}, 900),
        ({"non_firm_share": 0.6, "trip_on_outage": False}, 540),
    ],
)
def test_points_where_outages_drop_load_take_larger_campuses(
    tiny: Study, keys: dict[str, object], firm_mw: float
) -> None:
    """540 MW flow into n2 after an outage: what is dropped of a campus need not."""
    given = {"curtailment_usd_per_mwh": 100, "trip_on_outage": True, **keys}
    points = tiny.override({f"service.{key}": value for key, value in given.items()}).points
    assert points.at["n2", "firm_mw"] == pytest.approx(firm_mw)
    assert points["cut_off"].sum() == 1


def test_points_need_voltage_and_coordinates(edited: Edited) -> None:
    buses = "bus,base_kv,lat,lon,substation\nn1,115,0.02,-0.06,s\nn2,69,0.02,0.06,s\nn3,115,,,t\nn4,115,-0.02,0.06,\n"
    points = edited({"tiny/grid/buses.csv": buses}).points
    assert points["substation"].to_dict() == {"n1": "s", "n4": "n4"}


def test_buses_without_substation_are_their_own(tiny: Study) -> None:
    assert tiny.case.buses["substation"].tolist() == ["n1", "n2", "n3", "n4"]


def test_outages_of_the_case(tiny: Study) -> None:
    """The radial line d is an outage unless splitting ones are skipped; without contingencies there is none."""
    assert tiny.case.outages is not None
    assert tiny.case.outages.names == ("a", "b", "c", "d")
    skipped = tiny.override({"security.splitting": "skip"}).case.outages
    assert skipped is not None
    assert skipped.names == ("a", "b", "c")
    assert tiny.override({"security.contingencies": []}).case.outages is None


def test_network_and_tables_are_in_one_order(tiny: Study) -> None:
    case = tiny.case
    assert case.network is not None
    assert case.network.bus_ids.equals(case.buses.index)
    assert case.network.branch_ids.equals(case.branches.index)
    assert case.load_mw.index.equals(case.buses.index)
    assert case.output_max_mw.index.equals(case.generators.index)
    assert np.isfinite(case.network.susceptance_mw).all()


def test_terminal_work_of_the_region(tiny: Study) -> None:
    """A position of 2 M$ at each end; the later of a study of 6 and breakers of 30 months from 2027: 2030.

    A tenth of 300 MW, on every line of the voltage, its length known or not.
    """
    upgrades = tiny.override({"upgrades.terminal.added_share": 0.1}).upgrades
    terminal = upgrades[upgrades["kind"] == "terminal"]
    assert terminal["branch"].tolist() == ["a", "b", "c", "d"]
    assert terminal["added_mw"].tolist() == [30] * 4
    assert terminal["added_emergency_mw"].tolist() == [36] * 4
    assert terminal["cost_musd"].tolist() == [4] * 4
    assert terminal["annuity_musd"].tolist() == pytest.approx([4 / 20] * 4)
    assert terminal["ready"].tolist() == [2030] * 4
    assert upgrades.loc[upgrades["kind"] != "terminal", "kind"].tolist() == ["reconductoring"] * 3
    assert tiny.override({"upgrades.terminal.added_share": 0.1, "upgrades.min_kv": 138.0}).upgrades.empty
