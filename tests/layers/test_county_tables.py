"""Tables of public data by county, state and census block, joined to counties."""

from __future__ import annotations

import gzip
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from optimizer.errors import InputError
from optimizer.layers.county_tables import read_county_table
from optimizer.layers.recipes import load_recipes

RECIPES = load_recipes()


def squares(count: int) -> np.ndarray:
    return shapely.box(np.arange(count), 30.0, np.arange(count) + 0.5, 30.5)


@pytest.fixture
def counties() -> gpd.GeoDataFrame:
    """Two counties of Texas and one of Connecticut, whose code has a leading zero."""
    index = pd.Index(["48001", "48453", "09001"], name="fips")
    return gpd.GeoDataFrame({"county": ["Anderson", "Travis", "Fairfield"]}, geometry=squares(3), crs=4326, index=index)


USGS = '"Version 2.0: a citation, with commas",,,\nSTATE,FIPS,TO-WFrTo,PT-WFrTo ,IN-WFrTo\n'


def table(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["usco.csv", "usco.csv.gz"])
def test_water_use_is_joined_to_counties(name: str, counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = table(tmp_path, USGS + "TX,48001,2.0,1.5,--\nTX,48453,--,0,0\nCT,9001,10,0,0\nCT,9003,7,0,0\n", name)
    frame, findings = read_county_table(path, RECIPES["usgs_water_use_2015"], counties, name)
    assert frame["fips"].tolist() == ["48001", "48453", "09001"]
    # 1 Mgal is 3,785.411784 m3.
    assert frame["fresh_withdrawal_m3_day"].tolist()[::2] == [pytest.approx(7570.823568), pytest.approx(37854.11784)]
    assert np.isnan(frame["fresh_withdrawal_m3_day"][1])
    assert np.isnan(frame["industrial_withdrawal_m3_day"][0])
    assert frame["thermoelectric_withdrawal_m3_day"][0] == pytest.approx(1.5 * 3785.411784)
    assert findings == []
    assert frame.geometry.equals(gpd.GeoSeries(counties.geometry.values, crs=4326))


def test_a_county_that_the_table_lacks_has_no_value(counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    path = table(tmp_path, USGS + "TX,48453,1,0,0\n")
    frame, (finding,) = read_county_table(path, RECIPES["usgs_water_use_2015"], counties, "usco")
    assert frame["fresh_withdrawal_m3_day"].isna().tolist() == [True, False, True]
    assert (finding.rule, finding.severity) == ("recipe.table.lacking", "warning")
    assert finding.found == "2 of 3: 48001, 09001"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (USGS + "TX,48453,1,0,0\nTX,48453,2,0,0\n", "recipe.table.twice"),
        (USGS + "AL,01001,1,0,0\n", "recipe.table.elsewhere"),
        (USGS, "recipe.table.elsewhere"),
        (USGS.replace("FIPS", "Code"), "recipe.column"),
        (USGS.replace("TO-WFrTo", "TO-WSaTo"), "recipe.column"),
        ("", "file.empty"),
    ],
)
def test_tables_that_are_refused(text: str, rule: str, counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_county_table(table(tmp_path, text), RECIPES["usgs_water_use_2015"], counties, "usco")
    assert [f.rule for f in refused.value.findings] == [rule]


def test_a_damaged_archive_is_refused(counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    whole = gzip.compress((USGS + "TX,48453,1,0,0\n" * 5000).encode())
    for content in (b"not gzip", whole[: len(whole) // 2], whole[:30] + b"\0\0\0\0" + whole[34:]):
        (tmp_path / "t.csv.gz").write_bytes(content)
        with pytest.raises(InputError) as refused:
            read_county_table(tmp_path / "t.csv.gz", RECIPES["usgs_water_use_2015"], counties, "usco")
        assert refused.value.findings[0].rule == "file.unreadable"
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match="unknown format"):
        read_county_table(tmp_path / "t.xlsx", RECIPES["usgs_water_use_2015"], counties, "usco")


def test_stress_by_state_reaches_every_county(counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    text = "state,state_name,bws_score,bws_category\nTX,Texas,1.5,Low\nCT,Connecticut,0.25,Low\nZZ,Nowhere,9,\n"
    frame, findings = read_county_table(table(tmp_path, text), RECIPES["aqueduct_us_states"], counties, "aqueduct")
    assert frame["bws_score"].tolist() == [1.5, 1.5, 0.25]
    assert findings == []


def test_providers_of_fiber_are_counted_once_a_county(counties: gpd.GeoDataFrame, tmp_path: Path) -> None:
    head = "frn,provider_id,brand_name,location_id,technology,max_advertised_download_speed,block_geoid,h3_res8_id\n"
    rows = [
        ("111", "50", "484530001001000"),
        ("111", "50", "484530001001001"),  # the same provider in another block
        ("222", "50", "484530002001000"),
        ("333", "40", "484530002001000"),  # cable
        ("111", "50", "90010001001000"),  # a leading zero lost
    ]
    text = head + "".join(f"0,{p},x,{n},{t},1000,{b},88\n" for n, (p, t, b) in enumerate(rows))
    frame, findings = read_county_table(table(tmp_path, text), RECIPES["fcc_bdc_fiber"], counties, "bdc")
    assert frame["fiber_providers"].tolist() == [0.0, 2.0, 1.0]
    assert findings == []


# The published files, where they are


def test_published_water_use(reference_data: Path, counties: gpd.GeoDataFrame) -> None:
    path = reference_data / "usgs-water-use-2015" / "usco2015v2.0.csv.gz"
    index = pd.Index(["48001", "48453", "01001"], name="fips")
    frame, findings = read_county_table(path, RECIPES["usgs_water_use_2015"], counties.set_index(index), path.name)
    # Autauga County, Alabama: the first row of the file has TO-WFrTo 56.41 and PT-WFrTo 11.86 Mgal/d.
    assert frame["fresh_withdrawal_m3_day"][2] == pytest.approx(56.41 * 3785.411784)
    assert frame["thermoelectric_withdrawal_m3_day"][2] == pytest.approx(11.86 * 3785.411784)
    assert frame["fresh_withdrawal_m3_day"].notna().all()
    assert findings == []


def test_published_stress_by_state(reference_data: Path, counties: gpd.GeoDataFrame) -> None:
    path = reference_data / "wri-aqueduct" / "us_state_stress.csv"
    index = pd.Index(["35001", "06037", "04013"], name="fips")
    frame, _ = read_county_table(path, RECIPES["aqueduct_us_states"], counties.set_index(index), path.name)
    assert frame["bws_score"].tolist() == [4.259, 3.724, 3.487]  # New Mexico, California, Arizona
