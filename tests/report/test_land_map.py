"""The page of candidate sites: its map, its switches, its cards and what it says of land."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from optimizer.layers.places import equal_area_crs
from optimizer.plan.plan import Plan
from optimizer.report import land_shapes, sites_page
from optimizer.report.land_map import CHOSEN_TRACE, SITE_TRACE, land_map
from optimizer.report.map_places import refused_land
from optimizer.report.projection import Projection
from optimizer.report.site_cards import site_cards
from tests.report.small import SmallCandidates, candidates
from tests.report.test_html import HOSTILE, Reader, words

LOST = pd.DataFrame(
    [
        ("too_far", 600.0, 500.0),
        ("excluded:flood_zone", 300.0, 100.0),
        ("excluded:protected_land", 350.0, 150.0),
        ("all layers together", 500.0, 500.0),
        ("all rules together", 800.0, 800.0),
        ("land of the region", 1000.0, 1000.0),
    ],
    columns=["rule", "alone_ha", "only_ha"],
)


def cells(columns: int, rows: int, side_km: float = 1.0) -> gpd.GeoSeries:
    """A block of square cells around the null point, row by row."""
    x, y = np.meshgrid(np.arange(columns) - columns / 2, np.arange(rows) - rows / 2)
    west, south = side_km * 1000 * x.ravel(), side_km * 1000 * y.ravel()
    squares = shapely.box(west, south, west + side_km * 1000, south + side_km * 1000)
    return gpd.GeoSeries(squares, crs=equal_area_crs((-1.0, -1.0, 1.0, 1.0))).to_crs("EPSG:4326")


def area_km2(path: land_shapes.Path) -> float:
    """Area inside a path with breaks: rings clockwise count, the others are holes."""
    x, y = (np.split(values, np.flatnonzero(np.isnan(values))) for values in path)
    rings = [shapely.linearrings(np.column_stack([a, b])[~np.isnan(a)]) for a, b in zip(x, y, strict=True)]
    return sum(shapely.area(shapely.polygons(r)) * (-1 if shapely.is_ccw(r) else 1) for r in rings)


# Land of very many cells


@pytest.mark.parametrize("side_km", [0.25, 1.0, 5.0])
def test_land_of_many_cells_keeps_its_area(side_km: float) -> None:
    shapes = cells(60, 40, side_km)
    kind = np.where(np.arange(60 * 40) % 60 < 30, "west", "east")
    projection = Projection.around(*shapes.total_bounds[[[0, 2], [1, 3]]])
    drawn = land_shapes.outlines(shapes, kind, projection)
    assert set(drawn) == {"west", "east"}
    for path in drawn.values():
        # 30 x 40 cells, on squares two cells wide: right to a border of one square on each side.
        assert area_km2(path) == pytest.approx(30 * 40 * side_km**2, rel=0.12)
        assert len(path[0]) < 60  # an outline, not 1,200 cells
    both = sum(map(area_km2, drawn.values()))
    assert both == pytest.approx(60 * 40 * side_km**2, rel=0.08)


def test_an_island_of_another_kind_leaves_a_hole() -> None:
    shapes = cells(60, 60)
    at = np.arange(3600)
    inside = (np.abs(at % 60 - 29.5) < 10) & (np.abs(at // 60 - 29.5) < 10)
    projection = Projection.around(*shapes.total_bounds[[[0, 2], [1, 3]]])
    drawn = land_shapes.outlines(shapes, np.where(inside, "lake", "land"), projection)
    assert area_km2(drawn["lake"]) == pytest.approx(400, rel=0.12)
    assert area_km2(drawn["land"]) == pytest.approx(3200, rel=0.08)
    assert np.isnan(drawn["land"][0]).sum() == 1  # the outline and one hole


def test_the_kind_of_most_cells_wins_a_square() -> None:
    shapes = cells(60, 40)
    rare = np.zeros(2400, dtype=bool)
    rare[::1000] = True
    projection = Projection.around(*shapes.total_bounds[[[0, 2], [1, 3]]])
    assert set(land_shapes.outlines(shapes, np.where(rare, "rare", "usual"), projection)) == {"usual"}


def test_no_gap_between_cells_whatever_the_grid_of_the_map(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = cells(97, 83)
    projection = Projection.around([-3.7, 2.9], [-1.3, 1.1])
    ((x, _),) = land_shapes.outlines(shapes, np.full(97 * 83, "all"), projection).values()
    assert not np.isnan(x).any()  # one ring, no holes


def test_refused_land_is_drawn_by_rule_few_cells_and_many(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = candidates().refused
    projection = Projection.around([-97.3, -96.5], [30.9, 31.5])
    exact = refused_land(refused, projection)
    monkeypatch.setattr(land_shapes, "MANY", 3)
    coarse = refused_land(refused, projection)
    assert [layer.traces[0].name for layer in exact] == ["too far (7)", "excluded: wetland (1)"]
    assert coarse[0].traces[0].name == "too far (7)"
    assert coarse[0].traces[0].fillcolor == exact[0].traces[0].fillcolor


def test_rules_beyond_the_colours_are_hatched() -> None:
    shapes = cells(10, 1)
    table = gpd.GeoDataFrame({"rule": [f"excluded:l{n}" for n in range(10)]}, geometry=shapes)
    looks = [layer.traces[0] for layer in refused_land(table, Projection.around([-1, 1], [-1, 1]))]
    told_apart = {(look.fillcolor, look.fillpattern.shape) for look in looks}
    assert len(told_apart) == 10


# Switches


def test_every_layer_has_one_switch_and_the_network_is_off(plan: Plan) -> None:
    assert plan.study is not None
    drawn = land_map(plan.study.candidates, plan.study)
    assert drawn is not None
    figure, switches = drawn
    numbers = [n for switch in switches for n in switch.traces]
    assert sorted(numbers) == list(range(len(figure.data) - 1))
    assert figure.data[-1].meta == CHOSEN_TRACE
    assert {s.heading for s in switches if not s.on} == {"Network"}
    for switch in switches:
        assert all(figure.data[n].visible == switch.on for n in switch.traces)
        assert figure.data[switch.traces[0]].name == switch.label
    labels = [s.label for s in switches if s.heading.startswith("Refused")]
    assert labels == ["too far (7)", "excluded: wetland (1)"]
    (marks,) = [trace for trace in figure.data if trace.meta == SITE_TRACE]
    assert [row[0] for row in marks.customdata] == ["s1", "s2", "s3", "s4", "s5"]


def test_nothing_with_a_place_is_no_map() -> None:
    small = candidates()
    nothing = SmallCandidates(small.sites.iloc[:0], small.ties.iloc[:0], small.refused.iloc[:0])
    assert land_map(nothing, None) is None


# Cards


def test_a_card_lists_every_column_with_unit_and_source() -> None:
    sites = candidates().sites.drop(columns="geometry")
    sites = sites.assign(
        water_stress_score=[1.25, 0.0, np.nan, 5.0, 2.0], road_km=3.25, wetlands_taken_share=0.125, floods=True, note=""
    )
    sources = {"water_stress_score": ("0–5", "Kuzma et al. 2023"), "road_km": ("", "TIGER/Line 2024")}
    cards = site_cards(sites, sources)
    assert len(cards.attributes) == len(sites.columns)
    said = {a.label: (a.group, a.unit, a.source) for a in cards.attributes}
    assert said["water stress score"] == ("From map layers", "0–5", "Kuzma et al. 2023")
    assert said["road"] == ("From map layers", "km", "TIGER/Line 2024")
    assert said["usable land"][1] == "ha"
    assert said["wetlands"] == ("Land that layers take", "%", "computed from the layer")
    assert all(source for _, _, source in said.values())
    values = {
        name: dict(zip([a.label for a in cards.attributes], row, strict=True)) for name, row in cards.sites.items()
    }
    assert values["s1"]["water stress score"] == "1.25"
    assert values["s3"]["water stress score"] == "–"
    assert values["s1"]["wetlands"] == "12.5"
    assert values["s1"]["road"] == "3.2"  # one decimal, as every km of a report
    assert values["s1"]["floods"] == "yes"
    assert values["s1"]["note"] == "–"
    assert values["s1"]["first year it can serve"] == "2030"
    assert values["s2"]["county"] == "Williamson"
    groups = [a.group for a in cards.attributes]
    assert groups == sorted(groups, key=groups.index)  # each heading once


def test_a_source_of_the_study_replaces_the_usual_one() -> None:
    cards = site_cards(pd.DataFrame({"area_ha": [1.0]}, index=["a"]), {"area_ha": ("ha", "survey of 2026")})
    assert cards.attributes[0].source == "survey of 2026"


# What the page says


@pytest.fixture
def page(plan: Plan, tmp_path: Path) -> str:
    assert plan.study is not None
    return sites_page(plan.study.candidates, LOST, {}, tmp_path / "sites.html", plan.study).read_text(encoding="utf-8")


def test_the_answer_comes_first(page: str) -> None:
    said = words(page)
    assert "5 candidate sites on 4,500 ha of usable land" in said
    assert "Of 1,000 ha in the region, 800 ha (80.0 %) are refused." in said
    assert "Most is taken by the rule “too far”: 600 ha by itself, 500 ha of it by no other rule." in said
    assert "Of the map layers, most is taken by protected land: 350 ha by itself, 150 ha" in said
    assert said.index("5 candidate sites on") < said.index("Of 1,000 ha") < said.rindex("What took the land")


def test_land_lost_is_listed_by_rule_most_first(page: str) -> None:
    rows = re.findall(r"<tr[^>]*>\n(.*?)</tr>", page[page.index("Land lost by rule") :], re.DOTALL)
    cells_of = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    listed = {row[0]: row[2:] for row in cells_of if row}
    assert list(listed)[:4] == ["too far", "excluded: protected land", "excluded: flood zone", "all rules together"]
    assert listed["too far"] == ["600", "60.0", "500", "7"]
    assert listed["excluded: flood zone"] == ["300", "30.0", "100", "0"]
    assert listed["all rules together"] == ["800", "80.0", "", "8"]


def test_without_areas_the_places_are_counted(plan: Plan, tmp_path: Path) -> None:
    assert plan.study is not None
    text = sites_page(plan.study.candidates, None, {}, tmp_path / "sites.html").read_text(encoding="utf-8")
    assert "8 places refused, each by the first rule it fails." in words(text)
    assert "Refused land, by the first rule that refuses it" in words(text)


def test_the_page_is_the_same_twice_and_asks_nothing_of_the_network(plan: Plan, page: str, tmp_path: Path) -> None:
    assert plan.study is not None
    again = sites_page(plan.study.candidates, LOST, {}, tmp_path / "again.html", plan.study)
    assert again.read_text(encoding="utf-8") == page
    assert "default-src 'none'" in page


def test_hostile_names_stay_text(plan: Plan, tmp_path: Path) -> None:
    assert plan.study is not None
    small = candidates()
    hostile = small.sites.rename(index={"s1": HOSTILE}).assign(county=HOSTILE, layer_note=HOSTILE)
    refused = small.refused.assign(rule=f"excluded:{HOSTILE}")
    lost = LOST.assign(rule=[f"excluded:{HOSTILE}", *LOST["rule"][1:]])
    sources = {"layer_note": (HOSTILE, HOSTILE)}
    file = sites_page(replace(small, sites=hostile, refused=refused), lost, sources, tmp_path / "sites.html")
    text = file.read_text(encoding="utf-8")
    read = Reader(text)
    assert not any(name == "img" for name, _ in read.elements)
    assert read.data["cards-sites-data"]["sites"][0][0] == HOSTILE
    assert json.dumps(read.data["cards-sites-data"]).count("alert(1)") > 3
