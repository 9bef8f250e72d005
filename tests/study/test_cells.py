"""Land cells of the tiny region (see conftest): what becomes a site, what is refused and why, what it costs.

A campus of four blocks of 50 MW takes 4 x 50 x 2 = 400 ha and costs 50 x (8 + 2 x 0.1) = 410 M$ a block. In the west
the tower is allowed (24 x 0.5 x 2.0 x 50 = 1,200 of 1,500 m3/day) and the hot-day PUE of 1.15 makes a block draw
57.5 MW; in the east (100 m3/day) only the dry cooler (24 x 0.5 x 0.1 x 50 = 60 m3/day) is, and a block draws 65 MW.
"""

import json
from collections.abc import Callable
from math import hypot

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import box

from optimizer.errors import InputError
from optimizer.layers.site_values import SiteValues
from optimizer.study import Study, cells
from optimizer.study.offers import RULES

Edited = Callable[..., Study]
INSIDE = {f"{column}{row}" for column in ("e-02", "e-01", "e000", "e001") for row in ("n-01", "n000")}


def refused(study: Study) -> dict[str, str]:
    table = study.candidates.refused
    assert table["place"].is_unique
    return dict(zip(table["place"], table["rule"], strict=True))


def only(study: Study, rule: str) -> set[str]:
    return {place for place, by in refused(study).items() if by == rule}


def test_every_cell_is_a_site_or_refused(tiny: Study) -> None:
    sites, places = set(tiny.candidates.sites.index), set(refused(tiny))
    assert len(sites) + len(places) == 24
    assert not sites & places
    assert only(tiny, "outside_footprint") == (sites | places) - INSIDE


def test_cells_outside_say_how_far(tiny: Study) -> None:
    """0.1 degree of longitude at the equator is 11.132 km: the centre at 12.5 km is 1.368 km beyond the border."""
    row = tiny.candidates.refused.set_index("place").loc["e002n000"]
    assert (row["value"], row["limit"], row["unit"]) == (pytest.approx(1.368, abs=1e-3), 0.0, "km")


def test_the_dominated_cell(tiny: Study) -> None:
    """Three western cells have n1 as their nearest point; 260 MW can flow there for sure, and 2 x 230 MW are enough.

    Yearly cost per MW: (fixed + tie) / 20 years / 200 MW + 410 / 20 / 50. The cell of n1 itself: fibre 2 x 5 km x 0.5.
    (-2.5, 2.5): fibre 2 x hypot(5, 5) x 0.5, tie 5 x 1.3 x 1.5 + 8.111. (-7.5, -2.5): fibre 2 x 10 x 0.5, the same tie:
    the dearest of the three.
    """
    tie = 3 + 2 * (230 / 0.9) * 0.01
    at_n1 = (20.2 + 5 + tie) / 20 / 200 + 0.41
    beside = (20.2 + hypot(5, 5) + 5 * 1.3 * 1.5 + tie) / 20 / 200 + 0.41
    below = (20.2 + 10 + 5 * 1.3 * 1.5 + tie) / 20 / 200 + 0.41
    assert at_n1 < beside < below
    row = tiny.candidates.refused.set_index("place").loc["e-02n-01"]
    assert row["rule"] == "dominated"
    assert (row["value"], row["limit"]) == pytest.approx((below, beside), rel=1e-5)


def test_money_of_a_site(tiny: Study) -> None:
    site = tiny.candidates.sites.loc["e-02n000"]
    assert site["fixed_cost_musd"] == pytest.approx(20 + 0.2 + 2 * 5 * 0.5, rel=1e-5)
    assert site["block_cost_musd"] == pytest.approx(410)
    assert site["fixed_annuity_musd"] == pytest.approx(25.2 / 20, rel=1e-5)
    assert site["block_annuity_musd"] == pytest.approx(20.5)


def test_what_a_site_is(tiny: Study) -> None:
    """Study 6 and construction 20 months from 2027: ready in the third year, serving from 2030."""
    site = tiny.candidates.sites.loc["e001n000"]
    assert site[["kind", "county", "basin", "iecc_zone", "substation", "bus"]].tolist() == [
        "campus",
        "East",
        "w2",
        "2A",
        "n2",
        "n2",
    ]
    assert site[["block_mw", "max_blocks", "min_blocks", "earliest", "utilization"]].tolist() == [50, 4, 1, 2030, 0.5]
    assert site["area_ha"] == pytest.approx(2500)
    assert site["cell"] == "e001n000"
    assert site["emission_t_per_mwh"] == 0.4
    assert tiny.candidates.sites.crs == "EPSG:4326"
    assert tiny.candidates.sites.geometry.loc["e001n000"].area == pytest.approx((5 / 111.3) ** 2, rel=1e-2)


def test_ties_of_a_site(tiny: Study) -> None:
    """(2.5, -2.5) to n3 (-1.5, -2.5): 4 km; to n2 (7.5, 2.5): hypot(5, 5). A third circuit carries no more of 260 MW.

    Two circuits: 1.5 M$/km over 1.3 x straight, positions 3, transformers 2 x 260/0.9 MVA at 0.01.
    """
    ties = tiny.candidates.ties[tiny.candidates.ties["site"] == "e000n-01"].set_index("bus")
    assert set(ties.index) == {"n2", "n3"}
    for bus, straight in (("n3", 4.0), ("n2", hypot(5, 5))):
        tie = ties.loc[bus]
        assert tie["length_km"] == pytest.approx(1.3 * straight, rel=1e-5)
        assert tie["cost_musd"] == pytest.approx(1.3 * straight * 1.5 + 3 + 2 * 260 / 0.9 * 0.01, rel=1e-5)
        assert tie["annuity_musd"] == pytest.approx(tie["cost_musd"] / 20)
        assert (tie["circuits"], tie["capacity_mw"], tie["ready"]) == (2, pytest.approx(270), 2030)
    line = ties.geometry["n3"]
    assert line.geom_type == "LineString"
    assert line.coords[1] == pytest.approx(tuple(tiny.grid.buses.loc["n3", ["lon", "lat"]]))


def test_larger_campuses_need_a_third_circuit(tiny: Study) -> None:
    """Six blocks of 65 MW draw 390 MW: two circuits carry 270, three 540. The tie carries all six."""
    study = tiny.override({"facility.max_campus_mw": 300.0})
    ties = study.candidates.ties
    own = ties[(ties["site"] == "e001n000") & (ties["bus"] == "n2")]
    assert own["circuits"].tolist() == [2, 3]
    assert own["capacity_mw"].tolist() == pytest.approx([270.0, 540.0])
    # Positions 3 + 2, a station of six 14 - 10; transformers for what the tie carries of 390 MW, one of 2 or 3 out.
    expected = [3 + 270 / 0.9 * 2 * 0.01, 9 + 390 / 0.9 * 1.5 * 0.01]
    assert own["cost_musd"].tolist() == pytest.approx(expected, rel=1e-5)
    assert study.candidates.sites.loc["e001n000", "max_blocks"] == 6


def test_cooling_of_the_sites(tiny: Study) -> None:
    cooling, pue = tiny.candidates.cooling, tiny.candidates.pue
    assert cooling.loc["e-02n000"].index.tolist() == ["dry", "tower"]
    assert cooling.loc["e001n000"].index.tolist() == ["dry"]
    dry = cooling.loc[("e001n000", "dry")]
    assert dry[["pue_annual", "pue_hot_day", "wue_m3_per_mwh", "cost_musd_per_mw"]].tolist() == [1.25, 1.3, 0.1, 3.0]
    assert dry["annuity_musd_per_mw"] == pytest.approx(3 / 20)
    # 100 MW of load at the peak, 50 in the other snapshot: the peak is the hot day.
    assert pue.loc[("e001n000", "dry")].to_dict() == {"peak": 1.3, "low": 1.25}


def test_water_of_the_basins(tiny: Study) -> None:
    half = tiny.override({"water.withdrawal_share": 0.5}).candidates.water
    assert half["available_m3_day"].to_dict() == {("w1", "ground"): 500, ("w1", "surface"): 250, ("w2", "ground"): 50}
    assert half["price_usd_per_m3"].tolist() == [0.5, 0.1, 0.5]


def test_no_cooling_where_water_is_short(tiny: Study) -> None:
    """At a share of 0.5 the east gives 50 m3/day and the dry cooler of one block needs 60."""
    study = tiny.override({"water.withdrawal_share": 0.5})
    table = study.candidates.refused.set_index("place")
    east = {"e000n-01", "e000n000", "e001n-01", "e001n000"}
    assert only(study, "no_cooling") == east
    assert set(table.loc[list(east), "value"]) == {50.0}
    assert table.loc[list(east), "limit"].tolist() == pytest.approx([60.0] * 4)


def test_too_far_from_every_point(tiny: Study) -> None:
    """Within 4.5 km of a point lie the cells of n1 and n2, and those 1 and 4 km from n3; n4 is near but not firm.

    The cell of n4 is cut off, not far; the three others are 5 km from their nearest point.
    """
    study = tiny.override({"sites.max_tie_km": 4.5})
    assert set(study.candidates.sites.index) == {"e-02n000", "e001n000", "e-01n-01", "e000n-01"}
    assert only(study, "point_cut_off") == {"e001n-01"}
    assert only(study, "too_far") == {"e-02n-01", "e-01n000", "e000n000"}
    row = study.candidates.refused.set_index("place").loc["e-02n-01"]
    assert (row["value"], row["limit"]) == (pytest.approx(5.0, rel=1e-5), 4.5)


def test_a_point_behind_one_outage_serves_where_splitting_is_skipped(tiny: Study) -> None:
    study = tiny.override({"sites.max_tie_km": 4.5, "security.splitting": "skip"})
    assert "e001n-01" in study.candidates.sites.index
    assert "n4" in set(study.candidates.ties["bus"])


def test_candidates_do_not_depend_on_what_security_is_studied(tiny: Study) -> None:
    """A plan without security, or without upgrades, chooses among the same sites and ties."""
    for keys in ({"security.contingencies": []}, {"upgrades.enabled": False}):
        other = tiny.override(keys).candidates
        assert other.sites.drop(columns="geometry").equals(tiny.candidates.sites.drop(columns="geometry"))
        assert other.ties.drop(columns="geometry").equals(tiny.candidates.ties.drop(columns="geometry"))


def test_firm_capacity_below_one_block(edited: Edited) -> None:
    """Lines of 40 MW carry 48 after an outage, and 24 more once reconductored.

    n1: line c has no length and so no upgrade. With a out 48 MW can flow in, less than the load of 100 MW: nothing is
    firm. n2: with either line out 72 MW, enough for one block of 65. n3 has 2,000 MW of its own.
    """
    grid = (
        "branch,from_bus,to_bus,x_pu,rating_mw,length_km\na,n1,n2,0.1,40,15\nb,n2,n3,0.1,40,10\nc,n1,n3,0.1,40,\n"
        "d,n3,n4,0.1,40,0.1\n"
    )
    study = edited({"tiny/grid/branches.csv": grid}, {"sites.max_tie_km": 5.5})
    # (-7.5, 2.5) and (-7.5, -2.5) reach n1 alone; (-2.5, 2.5) reaches n3 too, hypot(1, 5) = 5.1 km away.
    assert only(study, "firm_capacity") == {"e-02n000", "e-02n-01"}
    row = study.candidates.refused.set_index("place").loc["e-02n000"]
    assert (row["value"], row["limit"]) == (0.0, pytest.approx(57.5))
    assert study.points.loc["n2", "firm_mw"] == pytest.approx(72.0)
    assert study.candidates.sites.loc["e001n000", "max_blocks"] == 1


def layer(folder_name: str, *shapes: object, crs: str = "EPSG:32631") -> str:
    frame = gpd.GeoDataFrame(geometry=list(shapes), crs="+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84 +units=m").to_crs(
        crs
    )
    content = json.loads(frame.to_json())
    content["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs.replace(':', '::')}"}}
    return json.dumps(content)


@pytest.mark.slow
def test_layers_refuse_cells_by_what_is_left(edited: Edited) -> None:
    """A campus of one block needs 50 x 2 = 100 ha. The layer covers all of one cell, and all but 0.4 x 5 km of another.

    A buffer of 150 m from both sides leaves 0.1 x 5 km = 50 ha of that.
    """
    park = layer("park", box(0, 0, 5000, 5000), box(0, -5000, 5000, -400))
    toml = {"sites.layers": [{"source": "park.geojson"}]}
    study = edited({"park.geojson": park}, toml)
    assert only(study, "excluded:park") == {"e000n000"}
    site = study.candidates.sites.loc["e000n-01"]
    assert site["area_ha"] == pytest.approx(200.0, rel=1e-3)
    assert site["max_blocks"] == 2
    buffered = edited({"park.geojson": park}, {"sites.layers": [{"source": "park.geojson", "buffer_m": 150.0}]})
    assert only(buffered, "excluded:park") >= {"e000n000", "e000n-01"}
    row = buffered.candidates.refused.set_index("place").loc["e000n-01"]
    assert (row["value"], row["limit"]) == (pytest.approx(50.0, rel=1e-2), 100.0)


def test_less_land_than_the_smallest_campus_needs(tiny: Study) -> None:
    study = tiny.override({"sites.min_area_ha": 2600.0})
    assert only(study, "usable_area") == INSIDE
    assert study.candidates.sites.empty
    assert study.case.ties.empty


def test_no_more_sites_than_asked_for(tiny: Study) -> None:
    """First the best cell of each substation, n1, n2 and n3; of these first the best of each county by cost."""
    three = tiny.override({"sites.max_sites": 3}).candidates
    assert set(three.sites.index) == {"e-02n000", "e-01n-01", "e001n000"}
    two = tiny.override({"sites.max_sites": 2}).candidates
    # e-02n000 (tie 0 km) beats e-01n-01 (1 km, more fibre) in the west; the east's best has the dearest fibre.
    assert set(two.sites.index) == {"e-02n000", "e001n000"}
    refused_by = two.refused["rule"].value_counts()
    assert refused_by["not_among_max_sites"] == 5
    assert len(two.sites) + len(two.refused) == 24


def test_every_rule_is_explained(tiny: Study) -> None:
    assert set(tiny.candidates.refused["rule"]) <= set(RULES)
    assert all(meaning and unit for meaning, unit in RULES.values())
    assert np.isfinite(tiny.candidates.refused[["value", "limit"]]).all(axis=None)


def test_cells_without_end_are_refused(tiny: Study) -> None:
    with pytest.raises(InputError) as refusal:
        _ = tiny.override({"sites.cell_km": 0.001}).candidates
    (finding,) = refusal.value.findings
    assert finding.rule == "study.cells.too_many"


def test_the_same_study_gives_the_same_candidates(tiny: Study, edited: Edited) -> None:
    again = edited().candidates
    for name in ("sites", "ties", "refused"):
        assert getattr(again, name).to_json() == getattr(tiny.candidates, name).to_json()


def test_what_layers_cost_and_allow(edited: Edited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Per block 50 x (8 + 0.5 + 2 x (0.1 + 0.05)) M$; 3 M$ a site; ties at twice the cost; at most 120 MW in the west.

    A limit of 120 MW leaves two blocks of 50 MW, and one of 40 MW none. Water of 50 m3/day is less than the 60 that the
    dry cooler of one block needs.
    """
    before = edited().candidates

    def values(layers: object, places: gpd.GeoDataFrame) -> SiteValues:
        def each(value: float, **by_name: float) -> pd.Series:
            return pd.Series([by_name.get(name.replace("-", "_"), value) for name in places.index], places.index)

        none = pd.DataFrame(index=places.index)
        limit, water = each(np.inf, e_02n000=120.0, e_01n000=40.0), each(np.inf, e000n000=50.0)
        return SiteValues(none, (), each(0.05), each(0.5), each(3.0), each(2.0), limit, water)

    monkeypatch.setattr(cells, "site_values", values)
    after = edited().candidates
    site, same = after.sites.loc["e001n000"], before.sites.loc["e001n000"]
    assert site["block_cost_musd"] == pytest.approx(50 * (8 + 0.5 + 2 * (0.1 + 0.05)))
    assert site["fixed_cost_musd"] == pytest.approx(same["fixed_cost_musd"] + 3)
    ties = pd.DataFrame({"after": after.ties["cost_musd"], "before": before.ties["cost_musd"]}).dropna()
    untouched = ties[ties.index.str.startswith("e001n000")]
    assert len(untouched) > 0
    assert untouched["after"].to_numpy() == pytest.approx(2 * untouched["before"].to_numpy())
    assert after.sites.loc["e-02n000", "max_blocks"] == 2
    refused = after.refused.set_index("place")
    assert refused.loc["e-01n000", ["rule", "value", "limit"]].tolist() == ["limit_mw", 40.0, 50.0]
    assert refused.loc["e000n000", ["rule", "value"]].tolist() == ["no_cooling", 50.0]
    assert refused.loc["e000n000", "limit"] == pytest.approx(60.0)
