"""The Texas dataset as tests of it ask for it."""

import json
import tomllib

import pytest
import shapely

from tests.datasets.texas import TEXAS, Table, table


@pytest.fixture(scope="module")
def described() -> dict:
    return tomllib.loads((TEXAS / "dataset.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def buses() -> Table:
    return table("grid/buses.csv")


@pytest.fixture(scope="module")
def branches() -> Table:
    return table("grid/branches.csv")


@pytest.fixture(scope="module")
def generators() -> Table:
    return table("grid/generators.csv")


@pytest.fixture(scope="module")
def polygons() -> dict[str, shapely.Geometry]:
    features = json.loads((TEXAS / "counties.geojson").read_text(encoding="utf-8"))["features"]
    return {feature["properties"]["fips"]: shapely.geometry.shape(feature["geometry"]) for feature in features}
