import geopandas as gpd
import pandas as pd
import pyproj
import pytest
from shapely.geometry import Point, box

from optimizer.layers import climate, community, connectivity, water
from optimizer.layers.places import equal_area_crs

CRS = equal_area_crs((-1, -1, 1, 1))
COUNTIES = gpd.GeoDataFrame(
    {"county": ["West", "East"], "jurisdiction": ["j", "j"], "iecc_zone": ["1A", "2A"], "water_region": ["w1", "w2"]},
    index=pd.Index(["001", "002"], name="fips"),
    geometry=[box(-10e3, -10e3, 0, 10e3), box(0, -10e3, 10e3, 10e3)],
    crs=CRS,
)
PLACES = gpd.GeoDataFrame(
    index=["w", "e", "border", "out"],
    geometry=[Point(-5e3, 0), box(4e3, 0, 6e3, 2e3), Point(0, 0), Point(13e3, 14e3)],
    crs=CRS,
)
SOURCES = pd.DataFrame(
    {
        "water_region": ["w1", "w1", "w2"],
        "water_source": ["ground", "waste", "ground"],
        "available_m3_day": [1000.0, 500.0, 10.0],
        "price_usd_per_m3": [0.1, 0.9, 0.2],
    }
)


def test_county_of_the_centre() -> None:
    """(13, 14) is 3 km east and 4 km north of (10, 10): 5 km away. A shared border goes to the first code."""
    found = community.attach(PLACES, COUNTIES)
    assert found["fips"].tolist() == ["001", "002", "001", ""]
    assert found["county"].tolist() == ["West", "East", "West", ""]
    assert found["outside_km"].tolist() == pytest.approx([0, 0, 0, 5.0])


def test_climate_and_water_follow_the_county() -> None:
    places = community.attach(PLACES, COUNTIES)
    assert climate.attach(places, COUNTIES)["iecc_zone"].tolist() == ["1A", "2A", "1A", ""]
    found = water.attach(places, COUNTIES, SOURCES, water.Options(0.5))
    assert found["basin"].tolist() == ["w1", "w2", "w1", ""]
    assert found["water_available_m3_day"].tolist() == [750.0, 5.0, 750.0, 0.0]


def test_a_source_that_is_not_allowed_gives_nothing() -> None:
    options = water.Options(1.0, ("waste",))
    assert water.supply(SOURCES, options)["available_m3_day"].to_dict() == {("w1", "waste"): 500.0}
    found = water.attach(community.attach(PLACES, COUNTIES), COUNTIES, SOURCES, options)
    assert found["water_available_m3_day"].tolist() == [500.0, 0.0, 500.0, 0.0]


def test_fibre_runs_to_the_nearest_exchange() -> None:
    """One degree of longitude at the equator is a^2's 111.3195 km; the route is 1.4 times that."""
    places = pd.DataFrame({"lat": [0.0], "lon": [0.0]}, index=["s"])
    exchanges = pd.DataFrame({"name": ["far", "near"], "lat": [0.0, 0.0], "lon": [-3.0, 1.0]})
    found = connectivity.attach(places, exchanges, connectivity.Options(1.4))
    *_, metres = pyproj.Geod(ellps="WGS84").inv(0, 0, 1, 0)
    assert found["exchange"].tolist() == ["near"]
    assert found["fibre_km"].iloc[0] == pytest.approx(1.4 * metres / 1000, rel=1e-4)


def test_without_exchanges_there_is_no_fibre() -> None:
    places = pd.DataFrame({"lat": [0.0], "lon": [0.0]}, index=["s"])
    none = pd.DataFrame({"name": [], "lat": [], "lon": []})
    assert connectivity.attach(places, none, connectivity.Options()).to_dict("list") == {
        "exchange": [""],
        "fibre_km": [0.0],
    }


@pytest.mark.parametrize("layer", [climate, community, connectivity, water])
def test_layers_add_just_their_columns_and_leave_places_alone(layer: object) -> None:
    located = PLACES.join(community.attach(PLACES, COUNTIES)).assign(lat=0.0, lon=0.0)
    exchanges = pd.DataFrame({"name": ["x"], "lat": [0.0], "lon": [0.0]})
    before = located.copy()
    found = {
        climate: lambda: climate.attach(located, COUNTIES),
        community: lambda: community.attach(located, COUNTIES),
        connectivity: lambda: connectivity.attach(located, exchanges, connectivity.Options()),
        water: lambda: water.attach(located, COUNTIES, SOURCES),
    }[layer]()
    assert list(found.columns) == [c.name for c in layer.COLUMNS]
    assert found.index.equals(located.index)
    pd.testing.assert_frame_equal(pd.DataFrame(located), pd.DataFrame(before))
