"""Ties of the tiny region (see conftest) along least-cost routes over cells of 1 km.

The campus site e000n-01 lies at (2.5, -2.5), n3 at (-1.5, -2.5) and n2 at (7.5, 2.5): all centres of routing cells. In
open country the route to n3 is 4 km long and that to n2 five diagonal steps, 5 sqrt(2).
"""

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from optimizer.errors import InputError
from optimizer.plan.plan import write_plan
from optimizer.plan.verify import verify_plan
from optimizer.solve import solve_study
from optimizer.study import Study, read_study
from optimizer.study.costs import Costs
from optimizer.study.offers import RULES
from tests.study.conftest import PLACES, TO_DEGREES

Edited = Callable[..., Study]
ROUTES = {"sites.routing": "least_cost"}
SITE = "e000n-01"
EQUIPMENT = 3 + 2 * 260 / 0.9 * 0.01
"""Positions and transformers of a tie of two circuits at 115 kV to that site [M$]."""

TO_KM = pyproj.Transformer.from_crs("EPSG:4326", TO_DEGREES.source_crs, always_xy=True)


def ring(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """Outline of a rectangle given in km."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "LineString", "coordinates": [list(TO_DEGREES.transform(1000 * x, 1000 * y)) for x, y in corners]}


def area(west: float, south: float, east: float, north: float) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [ring(west, south, east, north)["coordinates"]]}


def layer(*shapes: dict[str, object], **properties: object) -> str:
    features = [{"type": "Feature", "properties": properties, "geometry": shape} for shape in shapes]
    return json.dumps({"type": "FeatureCollection", "features": features})


def with_layers(edited: Edited, layers: dict[str, str], *settings: dict[str, object], **keys: object) -> Study:
    """The tiny study with routes over layers; settings of each in the order of the files."""
    named = [{"source": source, **entry} for source, entry in zip(layers, settings, strict=True)]
    return edited(layers, {**ROUTES, "sites.layers": named, **keys})


def ties_of(study: Study, site: str = SITE):
    ties = study.candidates.ties
    return ties[ties["site"] == site].set_index("bus")


def refused(study: Study) -> dict[str, str]:
    table = study.candidates.refused
    return dict(zip(table["place"], table["rule"], strict=True))


def kilometres(line: shapely.LineString) -> list[tuple[float, float]]:
    return [tuple(round(v / 1000, 3) for v in TO_KM.transform(*point)) for point in line.coords]


def test_open_country(tiny: Study) -> None:
    """The line's own length counts, not 1.3 x the straight one."""
    ties = ties_of(tiny.override(ROUTES))
    for bus, km in (("n3", 4.0), ("n2", 5 * sqrt(2))):
        assert ties.loc[bus, "length_km"] == pytest.approx(km, rel=1e-6)
        assert ties.loc[bus, "weighted_km"] == pytest.approx(km, rel=1e-6)
        assert ties.loc[bus, "cost_musd"] == pytest.approx(1.5 * km + EQUIPMENT, rel=1e-6)
    assert kilometres(ties.geometry["n3"]) == [(2.5, -2.5), (-1.5, -2.5)]
    assert kilometres(ties.geometry["n2"]) == [(2.5, -2.5), (7.5, 2.5)]


def test_straight_ties_have_no_routes(tiny: Study) -> None:
    ties = tiny.candidates.ties
    assert "weighted_km" not in ties
    assert tiny.routing is None


def test_friction_costs_more_and_lengthens_nothing_it_cannot_go_round(edited: Edited) -> None:
    """A band of factor 2 across columns 0.5 and 1.5: steps of 1.5, 2, 1.5 and 1."""
    study = with_layers(edited, {"wood.geojson": layer(area(0, -30, 2, 30))}, {"rule": "friction", "value": 2.0})
    tie = ties_of(study).loc["n3"]
    assert tie["length_km"] == pytest.approx(4, rel=1e-6)
    assert tie["weighted_km"] == pytest.approx(6, rel=1e-6)
    assert tie["cost_musd"] == pytest.approx(1.5 * 6 + EQUIPMENT, rel=1e-6)


def test_terrain_tables_turn_classes_into_factors(edited: Edited) -> None:
    """Land cover 41, forest: 1.2 in the MISO table; slopes of 5 %: 1.1. Steps of (1 + f) / 2, f, (f + 1) / 2, 1."""
    files = {"cover.geojson": layer(area(0, -30, 2, 30), code=41), "slope.geojson": layer(area(0, -30, 2, 30), code=5)}
    tables = [{"rule": "friction", "column": "code", "multipliers": f"miso_{kind}"} for kind in ("land_cover", "slope")]
    study = with_layers(edited, files, *tables)
    assert ties_of(study).loc["n3", "weighted_km"] == pytest.approx(2 + 2 * 1.2 * 1.1, rel=1e-6)
    assert any(file.role == "terrain" for file in study.inputs)


def test_a_barrier_is_gone_round(edited: Edited) -> None:
    """A wall along x = 0.5 from y = -3.9 to 1.9: cells of rows -4 to 1. Round its south end at (0.5, -4.5)."""
    study = with_layers(edited, {"river.geojson": layer(area(0.4, -3.9, 0.6, 1.9))}, {"rule": "barrier"})
    line = ties_of(study).geometry["n3"]
    assert ties_of(study).loc["n3", "length_km"] == pytest.approx(4 * sqrt(2), rel=1e-6)
    assert (0.5, -4.5) in kilometres(line)


def test_a_barrier_round_a_site_refuses_it(edited: Edited) -> None:
    study = with_layers(edited, {"fence.geojson": layer(ring(0.7, -4.3, 4.3, -0.7))}, {"rule": "barrier"})
    row = study.candidates.refused.set_index("place").loc[SITE]
    assert (row["rule"], row["unit"], row["limit"]) == ("no_route", RULES["no_route"][1], 11)
    assert row["value"] == pytest.approx(4, rel=1e-4)
    assert "no_route" not in {by for place, by in refused(study).items() if place != SITE}


def test_points_behind_a_barrier_are_passed_over(edited: Edited) -> None:
    """A wall from far south to far north at x = 0.5: western cells keep n1 and n3, eastern ones n2."""
    study = with_layers(edited, {"river.geojson": layer(area(0.4, -60, 0.6, 60))}, {"rule": "barrier"})
    ties = study.candidates.ties
    west = ties["site"].str.startswith("e-0")
    assert set(ties.loc[west, "bus"]) == {"n1", "n3"}
    assert set(ties.loc[~west, "bus"]) == {"n2"}


@pytest.mark.slow
def test_the_nearest_points_are_those_of_the_cheapest_routes(edited: Edited) -> None:
    """n3 is nearer than n2 to the site, but behind a band of factor 20."""
    bog = {"bog.geojson": layer(area(-1, -60, 1, 60))}
    keys = {"sites.points_per_site": 1}
    assert set(ties_of(with_layers(edited, bog, {"rule": "friction", "value": 1.01}, **keys)).index) == {"n3"}
    assert set(ties_of(with_layers(edited, bog, {"rule": "friction", "value": 20.0}, **keys)).index) == {"n2"}


def test_own_sites_have_routes_too(edited: Edited) -> None:
    """Sites at (2.5, -2.5): one with a fence round it, one with a tie of its own, which stays a straight line."""
    lon, lat = TO_DEGREES.transform(2500, -2500)
    far_lon, far_lat = TO_DEGREES.transform(-7500, -2500)
    files = {
        "sites.csv": "site,lat,lon,block_mw,max_blocks\n"
        + f"free,{far_lat},{far_lon},50,2\nfenced,{lat},{lon},50,2\nown,{lat},{lon},50,2\n",
        "ties.csv": "site,bus,capacity_mw,cost_musd\nown,n3,500,7\n",
        "fence.geojson": layer(ring(0.7, -4.3, 4.3, -0.7)),
    }
    layers = [{"source": "fence.geojson", "rule": "barrier"}]
    keys = {**ROUTES, "sites.table": "sites.csv", "sites.ties": "ties.csv", "sites.layers": layers}
    study = edited(files, keys)
    assert refused(study)["fenced"] == "no_route"
    assert ties_of(study, "free").loc["n1", "length_km"] == pytest.approx(5, rel=1e-6)
    own = ties_of(study, "own").loc["n3"]
    assert (own["cost_musd"], own["length_km"]) == (7, 0)
    assert own.geometry.coords[-1] == pytest.approx(tuple(study.grid.buses.loc["n3", ["lon", "lat"]]))


@pytest.mark.slow
def test_a_solved_plan_follows_its_routes_and_holds(edited: Edited, tiny_folder: Path, tmp_path: Path) -> None:
    """Three cells are left, walls before each of their points; the plan draws the bent routes, and holds."""
    text = (tiny_folder / "study.toml").read_text()
    text = text.replace("max_tie_km = 11", 'max_tie_km = 11\nrouting = "least_cost"')
    text += '[[sites.layers]]\nsource = "park.geojson"\nrule = "exclude"\n'
    text += '[[sites.layers]]\nsource = "bog.geojson"\nrule = "friction"\nvalue = 3.0\n'
    text += '[[sites.layers]]\nsource = "walls.geojson"\nrule = "barrier"\n'
    parks = area(-12, -12, 0, 0), area(-12, -1, -5, 12), area(5, -12, 12, 12)
    walls = area(0.4, -3.9, 0.6, 1.9), area(4.4, -0.6, 5.6, 0.6), area(4.4, 2.2, 4.6, 2.8), area(-4.6, 2.2, -4.4, 2.8)
    shapes = {"park": parks, "bog": (area(-4, -4, 8, 0),), "walls": walls}
    for name, drawn in shapes.items():
        (tiny_folder / f"{name}.geojson").write_text(layer(*drawn))
    (tiny_folder / "study.toml").write_text(text)
    study = read_study(tiny_folder)
    folder = write_plan(solve_study(study), tmp_path / "plan")
    assert [str(f) for f in verify_plan(folder) if f.severity == "error"] == []
    built = gpd.read_file(folder / "plan.gpkg", layer="ties").set_index("tie")
    lines = built.to_crs(TO_DEGREES.source_crs)
    assert (lines.length / 1000).to_numpy() == pytest.approx(lines["length_km"].to_numpy(), abs=1e-4)
    options = study.candidates.ties.loc[lines.index].to_crs(TO_DEGREES.source_crs)
    assert lines.geometry.geom_equals_exact(options.geometry, 0.01).all()
    assert (shapely.get_num_coordinates(lines.geometry.to_numpy()) > 2).all()


# Right-of-way, positions, transformers, voltage classes


def facts(tiny: Study, **changed) -> Costs:
    assert tiny.costs is not None
    return Costs({**tiny.costs.facts, **changed})


def test_right_of_way(tiny: Study) -> None:
    """27 m are 2.7 ha/km; three circuits are two lines; at 345 kV two circuits are two lines of 53 m."""
    lines = tiny.costs.facts["line_costs"].assign(right_of_way_width_m=[27.0, 53.0])
    costs = facts(tiny, line_costs=lines)
    found = costs.right_of_way_ha_per_km(np.array([115.0, 115, 345, 345]), np.array([2, 3, 2, 3]))
    assert found.tolist() == pytest.approx([2.7, 5.4, 10.6, 15.9])


def test_a_right_of_way_is_land_acquisition_and_permitting(tiny: Study) -> None:
    land = tiny.costs.facts["land"]
    more = [("land_price_pasture", 5000.0), ("right_of_way_acquisition", 30000.0)]
    rows = land.iloc[: len(more)].assign(item=[name for name, _ in more], value=[value for _, value in more])
    assert facts(tiny, land=pd.concat([land, rows])).right_of_way_musd_per_ha == pytest.approx(0.035)
    assert facts(tiny).right_of_way_musd_per_ha != facts(tiny).right_of_way_musd_per_ha


def test_equipment_of_a_tie(tiny: Study) -> None:
    """Two circuits: two positions at the point, four at the campus; two transformers of 260 / 0.9 MVA."""
    tie = ties_of(tiny.override(ROUTES)).loc["n3"]
    assert tie[["point_positions", "campus_positions", "transformers"]].tolist() == [2, 4, 2]
    assert tie["transformer_mva"] == pytest.approx(260 / 0.9)


def test_voltage_classes(edited: Edited) -> None:
    """Loads of 50 to 200 MW at 115 kV: ties carry 200 of 270 MW, and six blocks of 65 become three."""
    ratings = "base_kv,rating_per_circuit_mva,suggested_load_min_mw,suggested_load_max_mw\n115,300,{},200\n345,1800,,\n"
    keys = {"sites.voltage_class": "suggested", "facility.max_campus_mw": 300.0}
    study = edited({"tiny/facts/tie_ratings.csv": ratings.format(50)}, keys)
    assert set(study.candidates.ties["capacity_mw"]) == {200.0}
    assert study.candidates.sites.loc["e001n000", "max_blocks"] == 3
    assert "study.tie.voltage_class" in {f.rule for f in study.findings}
    none = edited({"tiny/facts/tie_ratings.csv": ratings.format(500)}, keys)
    assert none.candidates.sites.empty
    assert "firm_capacity" in set(refused(none).values())


# What is refused, and said


@pytest.mark.every(3)
@pytest.mark.parametrize(
    ("settings", "rule", "found"),
    [
        ({"rule": "friction"}, "study.layer.no_value", ""),
        ({"rule": "friction", "value": 0.0}, "study.layer.range", "0"),
        ({"rule": "friction", "column": "coed"}, "vector.column", "'coed'"),
        ({"rule": "friction", "column": "code"}, "study.layer.range", "-1"),
        ({"rule": "friction", "column": "name"}, "study.layer.not_numeric", "'bog'"),
        (
            {"rule": "friction", "column": "code", "multipliers": "miso_slop"},
            "study.friction.multipliers",
            "'miso_slop'",
        ),
        ({"rule": "barrier", "multipliers": "miso_slope"}, "study.friction.multipliers", "'miso_slope'"),
    ],
)
def test_layers_that_cannot_be_used(edited: Edited, settings: dict[str, object], rule: str, found: str) -> None:
    with pytest.raises(InputError) as error:
        with_layers(edited, {"x.geojson": layer(area(0, 0, 1, 1), code=-1, name="bog")}, settings)
    assert (rule, found) in {(f.rule, f.found) for f in error.value.findings}


def test_friction_of_lines_needs_a_width(edited: Edited) -> None:
    with pytest.raises(InputError, match="no_area"):
        with_layers(edited, {"x.geojson": layer(ring(0, 0, 1, 1))}, {"rule": "friction", "value": 2.0})


def test_too_many_routing_cells(tiny: Study) -> None:
    with pytest.raises(InputError, match="too_many"):
        tiny.override({**ROUTES, "sites.routing_cell_km": 0.001})


def test_layers_without_effect_are_said(edited: Edited) -> None:
    settings = [{"source": "x.geojson", "rule": "barrier"}]
    study = edited({"x.geojson": layer(area(0, 0, 1, 1))}, {"sites.layers": settings})
    assert "study.routing.straight" in {f.rule for f in study.findings}


def test_places_of_the_points_are_centres() -> None:
    """What the lengths above rest on."""
    assert all(abs(v) % 1 == 0.5 for place in PLACES.values() for v in place)
