"""The user's own sites and ties, with every default; on the tiny grid (see conftest), with and without its region."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import Point, Polygon, box

from optimizer.errors import InputError
from optimizer.study import Study, read_study
from optimizer.study.own import read_own

PLAIN = """
[study]
name = "Own"
[grid]
source = "tiny/grid"
[demand]
it_mw = { 2030 = 100 }
[sites]
table = "sites.csv"
[economics]
discount_rate = 0
last_period_years = 1
"""


@pytest.fixture
def own(tiny_folder: Path) -> Callable[..., Study]:
    """Read a study of own sites: the table of sites, the table of ties, more lines for study.toml."""

    def read(sites: str, ties: str = "", toml: str = PLAIN) -> Study:
        (tiny_folder / "sites.csv").write_text(sites)
        if ties:
            (tiny_folder / "ties.csv").write_text(ties)
            toml = toml.replace('table = "sites.csv"', 'table = "sites.csv"\nties = "ties.csv"')
        (tiny_folder / "study.toml").write_text(toml)
        return read_study(tiny_folder)

    return read


Own = Callable[..., Study]


def rules(read: Callable[[], Study]) -> dict[str, str]:
    with pytest.raises(InputError) as refused:
        read()
    return {f.rule: f"{f.where}: {f.found}: {f.remedy}" for f in refused.value.findings}


def test_defaults(own: Own) -> None:
    """PUE 1, no water, utilization 1, no cost; a free tie that carries all the site can draw; the first period."""
    case = own("site,bus,block_mw,max_blocks\ns,n2,50,3\n").case
    site = case.sites.loc["s"]
    assert site[["kind", "min_blocks", "max_blocks", "earliest", "utilization"]].tolist() == ["campus", 0, 3, 2030, 1.0]
    assert (
        site[["fixed_annuity_musd", "block_annuity_musd", "fixed_cost_musd", "block_cost_musd"]].tolist() == [0.0] * 4
    )
    assert site[["county", "basin", "jurisdiction"]].tolist() == ["", "", ""]
    assert site[["lat", "lon"]].tolist() == pytest.approx([0.0226, 0.0674], abs=1e-4)
    (tie,) = case.ties.to_dict("records")
    assert (tie["bus"], tie["capacity_mw"], tie["cost_musd"], tie["ready"]) == ("n2", 150.0, 0.0, 2030)
    assert case.pue.loc[("s", "unspecified")].tolist() == [1.0, 1.0]
    assert case.cooling[["wue_m3_per_mwh", "cost_musd_per_mw"]].to_numpy().tolist() == [[0.0, 0.0]]
    assert case.water.empty
    assert case.upgrades.empty


def test_yearly_and_one_time_costs(own: Own) -> None:
    """Discount rate 0 and 30 years: 60 M$ once are 2 M$ a year, beside the yearly ones."""
    header = "site,bus,block_mw,max_blocks,fixed_cost_musd,cost_musd_per_block,fixed_cost_musd_per_year,"
    case = own(f"{header}cost_musd_per_year_per_block\ns,n1,50,3,60,30,5,7\n").case
    assert case.sites.loc["s", ["fixed_annuity_musd", "block_annuity_musd"]].tolist() == pytest.approx([2 + 5, 1 + 7])
    assert case.sites.loc["s", ["fixed_cost_musd", "block_cost_musd"]].tolist() == [60, 30]


def test_one_time_costs_counted_whole(own: Own) -> None:
    toml = PLAIN.replace("discount_rate = 0\nlast_period_years = 1", "annuitize = false\nlast_period_years = 4")
    case = own("site,bus,block_mw,max_blocks,fixed_cost_musd\ns,n1,50,3,60\n", toml=toml).case
    years = case.periods["annuity_years"].iloc[0]
    assert years * case.sites.loc["s", "fixed_annuity_musd"] == pytest.approx(60)


def test_ties_of_the_table(own: Own) -> None:
    """Two options to n2 and one to n3; blocks are reduced to what the largest carries: 120 MW, two blocks of 50."""
    ties = (
        "site,bus,capacity_mw,cost_musd,length_km,circuits,ready\ns,n2,60,3,4,2,\ns,n2,120,6,4,2,2031\ns,n3,80,1,9,,\n"
    )
    case = own("site,block_mw,max_blocks\ns,50,5\n", ties).case
    assert case.ties.index.tolist() == ["s n2 x2", "s n2 x2 option 2", "s n3 x1"]
    assert case.ties["capacity_mw"].tolist() == [60, 120, 80]
    assert case.ties["ready"].tolist() == [2030, 2031, 2030]
    assert case.ties["annuity_musd"].tolist() == pytest.approx([0.1, 0.2, 1 / 30])
    assert case.sites.loc["s", "max_blocks"] == 2


def test_a_site_that_no_tie_can_serve_is_refused(own: Own) -> None:
    ties = "site,bus,capacity_mw,cost_musd\na,n2,40,3\nb,n4,400,3\nc,n4,400,3\nc,n1,400,3\n"
    study = own("site,block_mw,max_blocks\na,50,5\nb,50,5\nc,50,5\n", ties)
    table = study.candidates.refused.set_index("place")
    assert table["rule"].to_dict() == {"a": "firm_capacity", "b": "point_cut_off"}
    assert table.loc["a", ["value", "limit", "unit"]].tolist() == [40, 50, "MW"]
    assert study.case.ties["bus"].tolist() == ["n1"]
    open_ = study.override({"security.contingencies": []})
    assert set(open_.candidates.sites.index) == {"b", "c"}


def test_all_sites_may_be_refused(own: Own) -> None:
    study = own("site,block_mw,max_blocks\na,50,5\n", "site,bus,capacity_mw,cost_musd\na,n2,40,3\n")
    assert study.case.sites.empty
    assert study.case.ties.empty
    assert study.candidates.refused["place"].tolist() == ["a"]


def test_no_grid_needs_no_place(own: Own) -> None:
    toml = '[study]\nname = "f"\n[demand]\nit_mw = { 2030 = 50 }\n[sites]\ntable = "sites.csv"\n'
    case = own("site,block_mw,max_blocks\ns,50,2\n", toml=toml).case
    assert case.network is None
    assert case.ties.empty
    assert case.snapshots["hours"].to_dict() == {"year": 8760}
    assert case.sites.index.tolist() == ["s"]


def test_without_demand_there_are_no_sites(own: Own) -> None:
    study = own("site,bus,block_mw,max_blocks\ns,n2,50,3\n", toml=PLAIN.replace("[demand]\nit_mw = { 2030 = 100 }", ""))
    assert study.case.sites.empty
    assert study.case.demand_mw.empty
    assert [f.rule for f in study.findings] == ["study.sites.no_demand"]


WITH_REGION = PLAIN.replace("[economics]", "[water]\nwithdrawal_share = 1.0\n[economics]").replace(
    "[sites]", '[facility]\nutilization = 0.7\nrack_density_kw = 100\n[sites]\nregion = "tiny"\nmax_tie_km = 11'
)


def test_a_place_in_the_region_takes_its_layers_and_ties(own: Own) -> None:
    """At the centre of cell (2.5, -2.5): as a land cell there, but with the user's costs. Land cells stand beside."""
    study = own("site,lat,lon,block_mw,max_blocks\ns,-0.022609,0.022458,50,3\n", toml=WITH_REGION)
    sites = study.candidates.sites
    assert sites.loc["s", ["county", "basin", "iecc_zone", "jurisdiction"]].tolist() == ["East", "w2", "2A", "tiny"]
    assert sites.loc["s", ["utilization", "emission_t_per_mwh", "fixed_cost_musd"]].tolist() == [0.7, 0.4, 0.0]
    assert set(study.candidates.cooling.loc["s"].index) == {"dry"}
    ties = study.candidates.ties
    ties = ties[ties["site"] == "s"].set_index("bus")
    assert ties.loc["n3", "length_km"] == pytest.approx(1.3 * 4, rel=1e-4)
    assert len(sites) > 1


def test_what_the_table_says_wins_over_the_region(own: Own) -> None:
    study = own("site,bus,block_mw,max_blocks,county,basin\ns,n2,50,3,Mine,w1\n", toml=WITH_REGION)
    assert study.candidates.sites.loc["s", ["county", "basin", "iecc_zone"]].tolist() == ["Mine", "w1", "2A"]


def test_polygons_give_place_and_area(tiny_folder: Path) -> None:
    """A square of 0.01 degrees at the equator is 1.1132 x 1.1057 km = 123 ha."""
    frame = gpd.GeoDataFrame(
        {"site": ["s"], "block_mw": [50], "max_blocks": [3], "bus": ["n2"]},
        geometry=[box(0.06, 0.02, 0.07, 0.03)],
        crs="EPSG:4326",
    )
    frame.to_crs("EPSG:32631").to_file(tiny_folder / "sites.gpkg")
    (tiny_folder / "study.toml").write_text(PLAIN.replace("sites.csv", "sites.gpkg"))
    site = read_study(tiny_folder).candidates.sites.loc["s"]
    assert site["area_ha"] == pytest.approx(123.1, rel=1e-3)
    assert site["geometry"].area == pytest.approx(1e-4, rel=1e-3)
    assert (site["lat"], site["lon"]) == pytest.approx((0.025, 0.065), abs=1e-4)


def test_excluded_own_sites_are_refused(own: Own, tiny_folder: Path) -> None:
    park = gpd.GeoDataFrame(geometry=[Point(0.067, 0.0226)], crs="EPSG:4326")
    park.to_file(tiny_folder / "park.geojson")
    layer = '\n[[sites.layers]]\nsource = "park.geojson"\nbuffer_m = 500\n'
    study = own("site,bus,block_mw,max_blocks\na,n2,50,3\nb,n1,50,3\n", toml=PLAIN + layer)
    assert study.candidates.refused[["place", "rule"]].to_numpy().tolist() == [["a", "excluded:park"]]
    assert study.candidates.sites.index.tolist() == ["b"]


@pytest.mark.parametrize(
    ("row", "rule", "words"),
    [
        ("s,n9,,,50,3", "study.site.unknown_bus", ("site s", "n9", "n2")),
        ("s,,,,50,3", "study.site.unplaced", ("site s", "lat")),
        ("s,,0.02,0.02,50,3", "study.site.no_tie_cost", ("site s", "sites.region")),
        ("s,n2,3,0.02,50,3", "study.site.outside_grid", ("site s", "lat 3")),
        ("s,n2,3,,50,3", "study.site.half_located", ("row 2", "lat and lon")),
        ("s,n2,,,0,3", "table.value.out_of_range", ("row 2", "block_mw", "above 0")),
        ("s,n2,,,50,0", "table.value.out_of_range", ("row 2", "max_blocks")),
        ("s,n2,,,50,nan", "table.value.not_finite", ("row 2", "max_blocks")),
    ],
)
def test_rows_that_cannot_be(own: Own, row: str, rule: str, words: tuple[str, ...]) -> None:
    found = rules(lambda: own(f"site,bus,lat,lon,block_mw,max_blocks\n{row}\n"))
    assert rule in found
    assert all(word in found[rule] for word in words)


def test_everything_wrong_is_said_at_once(own: Own) -> None:
    sites = "site,bus,block_mw,max_blocks,min_blocks\ns,n2,50,3,4\ns,n1,50,-1,0\n"
    found = rules(lambda: own(sites, "site,bus,capacity_mw,cost_musd\nx,n1,-5,1\n"))
    assert {"table.id.duplicate", "table.value.out_of_range"} <= set(found)


def test_ties_of_unknown_sites_and_buses(own: Own) -> None:
    sites = "site,bus,block_mw,max_blocks\nalpha,n1,50,3\n"
    found = rules(lambda: own(sites, "site,bus,capacity_mw,cost_musd\nalpa,n1,5,1\n"))
    assert "did you mean 'alpha'" in found["study.tie.unknown_site"]
    found = rules(lambda: own(sites, "site,bus,capacity_mw,cost_musd\nalpha,m1,5,1\n"))
    assert "study.site.unknown_bus" in found


def test_a_place_outside_the_region(own: Own) -> None:
    found = rules(lambda: own("site,lat,lon,block_mw,max_blocks\ns,0.02,0.11,50,3\n", toml=WITH_REGION))
    assert "East" not in found["study.site.outside_region"]
    assert "1.1 km" in found["study.site.outside_region"]


def test_the_form_of_a_cell_name_is_taken(own: Own) -> None:
    assert "study.site.cell_name" in rules(
        lambda: own("site,bus,block_mw,max_blocks\ne-01n000,n2,50,3\n", toml=WITH_REGION)
    )


def test_a_site_without_a_shape_is_refused_and_not_left_out(tiny_folder: Path) -> None:
    # A map layer leaves such a feature out with a warning; a site would be missing from the plan unnoticed.
    shapes = [box(0.01, 0.01, 0.02, 0.02), None]
    sites = gpd.GeoDataFrame({"site": ["a", "b"], "block_mw": 50, "max_blocks": 2}, geometry=shapes, crs="EPSG:4326")
    sites.to_file(tiny_folder / "sites.gpkg")
    findings = read_own(tiny_folder / "sites.gpkg", None)[1]
    assert [(f.rule, f.severity, f.where) for f in findings] == [
        ("vector.empty_geometry", "error", "sites.gpkg layer sites, feature 2")
    ]


def test_a_site_whose_shape_is_repaired_is_said(tiny_folder: Path) -> None:
    bow_tie = Polygon([(0, 0), (0.01, 0.01), (0.01, 0), (0, 0.01)])
    sites = gpd.GeoDataFrame({"site": ["a"], "block_mw": 50, "max_blocks": 2}, geometry=[bow_tie], crs="EPSG:4326")
    sites.to_file(tiny_folder / "sites.gpkg")
    own, findings = read_own(tiny_folder / "sites.gpkg", None)
    assert own.sites.index.tolist() == ["a"]
    assert [(f.rule, f.severity) for f in findings] == [("vector.invalid_geometry", "warning")]


def test_what_is_rented_takes_county_and_emissions_of_the_region_and_no_more(own: Own) -> None:
    """A lease in it has no tie, climate nor water; beyond it the table alone speaks, and is asked for emissions."""
    sites = "site,kind,lat,lon,block_mw,max_blocks\n"
    sites += "s,campus,-0.022609,0.022458,50,3\nrent,lease,-0.022609,0.022458,50,3\nsky,cloud,45,-119,50,3\n"
    study = own(sites, toml=WITH_REGION + "carbon_price_usd_per_t = 50\n")
    table, cooled = study.candidates.sites, study.candidates.cooling
    assert table.loc["rent", "county"] == table.loc["s", "county"] != ""
    assert table.loc["rent", "emission_t_per_mwh"] == table.loc["s", "emission_t_per_mwh"] > 0
    assert table.loc["rent", ["iecc_zone", "bus", "substation"]].tolist() == ["", "", ""]
    assert cooled.loc["rent"].index.tolist() == cooled.loc["sky"].index.tolist() == ["unspecified"]
    assert cooled.loc["rent", "wue_m3_per_mwh"].tolist() == [0.0]
    assert table.loc["sky", ["county", "emission_t_per_mwh"]].tolist() == ["", 0.0]
    assert set(study.case.ties["site"]) - {"rent", "sky"} == set(study.case.ties["site"])
    (silent,) = [f for f in study.findings if f.rule == "study.site.no_emissions"]
    assert silent.found == "sky"
