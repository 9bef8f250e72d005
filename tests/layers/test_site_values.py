"""What layers say of places: attributes with their sources, costs, factors and limits, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import LineString, Point, box

from optimizer.config import LayerSettings
from optimizer.errors import InputError
from optimizer.io.raster import Raster
from optimizer.layers import labour, latency, population
from optimizer.layers.cells import Cells
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.measures import MEASURES, measured
from optimizer.layers.places import equal_area_crs
from optimizer.layers.site_values import site_values, unit_of
from optimizer.layers.within import sum_within

CRS = equal_area_crs((-1, -1, 1, 1))


def made(name: str, rows: list[tuple[object, object]], rule: str = "attribute", **options: object) -> MapLayer:
    said = LayerSettings.model_validate({"source": f"{name}.gpkg", "rule": rule, **options})
    frame = gpd.GeoDataFrame({"v": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs=CRS)
    return MapLayer(name, said, frame, None)


def test_costs_add_up_by_the_ground_they_cover(four_cells: Cells) -> None:
    """On NE: 1,000 $/ha on all of it and 4,000 $/ha on a quarter make 2,000 $/ha; 50,000 $/MW on half, 25,000."""
    layers = [
        made("land", [(1000.0, box(0, 0, 1000, 1000))], "cost", per="ha", column="v"),
        made("port", [(4000.0, box(500, 500, 1000, 1000))], "cost", per="ha", column="v"),
        made("tax", [(1.0, box(0, 0, 500, 1000))], "cost", per="mw", value=50_000.0),
        made("fee", [(1.0, box(-1000, 0, 0, 1000))], "cost", per="site", value=2e6),
    ]
    found = site_values(layers, four_cells)
    assert found.cost_musd_per_ha.tolist() == pytest.approx([0, 0, 0, 0.002])
    assert found.cost_musd_per_mw.tolist() == pytest.approx([0, 0, 0, 0.025])
    assert found.cost_musd.tolist() == pytest.approx([0, 0, 2, 0])
    assert found.tie_factor.tolist() == [1, 1, 1, 1]
    assert np.isinf([*found.limit_mw, *found.limit_water_m3_day]).all()


def test_a_join_that_is_stated_is_not_weighted_by_ground(four_cells: Cells) -> None:
    tax = made("tax", [(1.0, box(0, 0, 500, 1000))], "cost", per="mw", value=50_000.0, join="largest")
    assert site_values([tax], four_cells).cost_musd_per_mw.tolist() == pytest.approx([0, 0, 0, 0.05])


def test_factors_multiply_and_the_smallest_limit_holds(four_cells: Cells) -> None:
    """Rock (1.5) on half of NE makes 1.25; times 2 of the swamp on all of it 2.5."""
    everything = box(-2000, -2000, 2000, 2000)
    layers = [
        made("rock", [(1.5, box(0, 0, 500, 1000))], "cost", per="tie", column="v"),
        made("swamp", [(2.0, box(0, 0, 1000, 1000))], "cost", per="tie", column="v"),
        made("county", [(300.0, everything)], "limit", of="mw", column="v"),
        made("zone", [(100.0, box(-1000, -1000, 0, 0))], "limit", of="mw", column="v"),
        made("aquifer", [(5000.0, box(0, -1000, 1000, 0))], "limit", of="water_m3_day", column="v"),
    ]
    found = site_values(layers, four_cells)
    assert found.tie_factor.tolist() == pytest.approx([1, 1, 1, 2.5])
    assert found.limit_mw.tolist() == pytest.approx([100, 300, 300, 300])
    assert found.limit_water_m3_day.tolist() == pytest.approx([np.inf, 5000, np.inf, np.inf])


def test_a_cost_without_data_is_no_cost(four_cells: Cells, raster_of: Callable[..., Raster]) -> None:
    """A raster with a price of 10,000 $/ha on half of NW, and no data or no raster elsewhere: 5,000 $/ha."""
    values = np.array([[1e4, -9], [1e4, -9]])
    said = LayerSettings(source="price.tif", rule="cost", per="ha")
    price = MapLayer("price", said, None, raster_of(values, (-1000, 1000), 500, nodata=-9.0))
    assert site_values([price], four_cells).cost_musd_per_ha.tolist() == pytest.approx([0, 0, 0.005, 0])
    half = MapLayer("price", said, None, raster_of(values[:, :1], (-1000, 1000), 500, nodata=-9.0))
    assert site_values([half], four_cells).cost_musd_per_ha.tolist() == pytest.approx([0, 0, 0.005, 0])


def test_attributes_come_with_unit_and_source(four_cells: Cells) -> None:
    layers = [
        made("slope", [(2.0, box(-9e3, -9e3, 9e3, 9e3))], column="v", attribute="slope_deg", citation="Survey 2020"),
        made("zone", [("A", box(-9e3, -9e3, 9e3, 9e3))], column="v"),
        made("lakes", [(1.0, box(0, 0, 1, 1))], "exclude"),
        made("tracks", [(1.0, LineString([(0, 3000), (1000, 3000)]))], measure="rail"),
    ]
    found = site_values(layers, four_cells)
    assert list(found.attributes.columns) == ["slope_deg", "zone", "rail_km"]
    assert [(s.column, s.unit, s.source) for s in found.sources] == [
        ("slope_deg", "degree", "Survey 2020"),
        ("zone", "", "zone.gpkg"),
        ("rail_km", "kilometre", "tracks.gpkg"),
    ]
    assert found.attributes["rail_km"].iloc[3] == pytest.approx(2.0, rel=1e-5)


def test_the_longest_suffix_is_the_unit() -> None:
    assert unit_of("cost_musd_per_mw_year") == "million US dollars per megawatt and year"
    assert unit_of("saidi_minutes_per_year") == "minutes per year"
    assert unit_of("exchange_rtt_ms") == "millisecond"
    assert unit_of("flood_class") == ""


def test_every_layer_that_cannot_be_used_is_named_at_once(four_cells: Cells) -> None:
    layers = [
        made("a", [(1.0, box(0, 0, 1, 1))], column="w"),
        made("b", [("x", box(0, 0, 1, 1))], "cost", per="ha", column="v", join="mean"),
        made("c", [(1.0, box(0, 0, 1, 1))], column="v", attribute="one"),
        made("d", [(1.0, box(0, 0, 1, 1))], column="v", attribute="one"),
        made("e", [(1.0, box(0, 0, 1, 1))], column="v", measure="population"),
    ]
    with pytest.raises(InputError) as refused:
        site_values(layers, four_cells)
    assert [f.rule for f in refused.value.findings] == [
        "layer.column.unknown",
        "layer.column.text",
        "layer.attribute.repeated",
        "layer.within_km.missing",
    ]


def test_without_layers_nothing_is_said(four_cells: Cells) -> None:
    found = site_values([], four_cells)
    assert found.attributes.shape == (4, 0)
    assert found.sources == ()


# Measures


def test_light_needs_a_hundredth_of_a_millisecond_a_kilometre(four_cells: Cells) -> None:
    """100 km north of NE's border: 2 x 4.9 us x 1.4 x 100 = 1.372 ms."""
    exchange = made("ix", [(1.0, Point(500, 101_000))], measure="exchange")
    found = measured(exchange, four_cells)
    assert list(found.columns) == ["exchange_rtt_ms"]
    assert found["exchange_rtt_ms"].iloc[3] == pytest.approx(1.372, rel=1e-4)
    straight = latency.attach(four_cells, exchange, latency.Options("cable_landing", route_factor=1.0))
    assert straight["cable_landing_rtt_ms"].iloc[3] == pytest.approx(0.98, rel=1e-4)


def test_hazards_are_scores_or_classes(four_cells: Cells) -> None:
    """The worst score that meets a place, or the class of most of it."""
    corner = [(1.0, box(0, 0, 1000, 1000)), (9.0, box(0, 0, 100, 100))]
    assert measured(made("fire", corner, measure="hazard", column="v"), four_cells)["hazard_score"].iloc[3] == 9.0
    classes = [("AE", box(0, 0, 100, 100)), ("X", box(100, 0, 1000, 1000))]
    flood = made("flood", classes, measure="hazard", column="v", attribute="flood_class")
    assert measured(flood, four_cells)["flood_class"].tolist() == ["", "", "", "X"]


def test_reliability_is_that_of_one_utility(four_cells: Cells) -> None:
    """80 min/year on 600 m of NE's width, 200 on the rest: not their mean of 128."""
    areas = [(80.0, box(0, 0, 600, 1000)), (200.0, box(600, 0, 1000, 1000))]
    found = measured(made("saidi", areas, measure="reliability", column="v"), four_cells)
    assert found["saidi_minutes_per_year"].iloc[3] == 80.0


def test_people_within_a_distance() -> None:
    """From a cell's centre at (0.5, 0.5) km: towns 3 km east and 4 km north are within 5 km, that 8 km west is not."""
    cell = Cells(Lattice(CRS, 1000.0, 0, 0, 1, 1), np.array([0]), np.array([0]))
    towns = made("towns", [(100.0, Point(3500, 500)), (20.0, Point(500, 4500)), (7.0, Point(-7500, 500))], column="v")
    assert population.attach(cell, towns, population.Options(5.0))["nearby_people"].tolist() == [120.0]
    assert labour.attach(cell, towns, labour.Options(9.0))["nearby_workers"].tolist() == [127.0]


def test_people_of_an_area_count_by_the_part_within() -> None:
    """A county of 40 x 40 km with 1,600 people has one on each km2: pi x 10^2 = 314 within 10 km of its middle.

    Half of them where the county ends at the middle. Cells of 0.5 km bring the circle to 1 %.
    """
    cell = Cells(Lattice(CRS, 1000.0, 0, 0, 1, 1), np.array([0]), np.array([0]))
    around = made("county", [(1600.0, box(-19_500, -19_500, 20_500, 20_500))], column="v")
    assert sum_within(around, cell, 10.0) == pytest.approx([314.16], rel=0.01)
    beside = made("county", [(1600.0, box(500, -19_500, 40_500, 20_500))], column="v")
    assert sum_within(beside, cell, 10.0) == pytest.approx([157.08], rel=0.03)


def test_sums_do_not_depend_on_which_other_places_are_asked() -> None:
    cells = Cells(Lattice(CRS, 1000.0, 0, 0, 40, 1), np.zeros(3, int), np.array([0, 20, 39]))
    towns = made("towns", [(1.0, Point(x * 1000.0, 300.0)) for x in range(40)], column="v")
    alone = [
        sum_within(towns, Cells(cells.lattice, cells.row[i : i + 1], cells.column[i : i + 1]), 4.0)[0] for i in range(3)
    ]
    # Points at 0, 1, ... km; centres at 0.5, 20.5 and 39.5 km.
    assert sum_within(towns, cells, 4.0).tolist() == alone == [5.0, 8.0, 4.0]


def test_every_measure_names_columns_with_units() -> None:
    for columns, _ in MEASURES.values():
        for column in columns:
            assert column.meaning
            assert column.unit == "" or unit_of(column.name), column.name
