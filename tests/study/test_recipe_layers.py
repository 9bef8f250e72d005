"""A study that names recipes: tables reach the counties of its region, features are those of the recipe."""

from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import LineString

from optimizer.errors import InputError
from optimizer.study.from_file import read_study
from optimizer.study.study import Study

STUDY = """\
[study]
name = "Public data"
periods = [2030]

[grid]
source = "texas"

[demand]
it_mw = { 2030 = 100 }

[[sites.layers]]
source = "use.csv"
recipe = "usgs_water_use_2015"

[[sites.layers]]
source = "lines.gpkg"
recipe = "hifld_transmission_lines"
name = "lines"
"""


def study_in(folder: Path, text: str = STUDY) -> Study:
    (folder / "study.toml").write_text(text, encoding="utf-8")
    (folder / "use.csv").write_text("a citation\nFIPS,TO-WFrTo\n48001,2.0\n48453,3.0\n", encoding="utf-8")
    lines = gpd.GeoDataFrame(
        {"VOLTAGE": [345.0, -999999.0]},
        geometry=[LineString([(-98, 30), (-97, 31)]), LineString([(-99, 30), (-98, 31)])],
        crs="EPSG:4326",
    )
    lines.to_file(folder / "lines.gpkg", layer="Electric_Power_Transmission_Lines")
    lines.to_file(folder / "lines.gpkg", layer="other")
    return read_study(folder)


@pytest.mark.slow
def test_layers_are_filled_from_their_recipes(tmp_path: Path) -> None:
    study = study_in(tmp_path)
    use, lines = study.layers
    assert (use.name, use.settings.rule, use.settings.column) == ("use", "attribute", "fresh_withdrawal_m3_day")
    assert use.features is not None
    assert len(use.features) == 254  # the counties of Texas
    by_county = use.features.set_index("fips")["fresh_withdrawal_m3_day"]
    assert by_county["48453"] == pytest.approx(3 * 3785.411784)
    assert by_county.notna().sum() == 2
    assert "Dieter et al. 2018" in str(use.settings.citation)
    assert (lines.name, lines.settings.layer) == ("lines", "Electric_Power_Transmission_Lines")
    assert (lines.settings.join, lines.settings.attribute) == ("distance", "transmission_line_km")
    rules = {f.rule: f.found for f in study.findings if f.rule.startswith("recipe.")}
    assert rules["recipe.table.lacking"].startswith("252 of 254: ")
    assert {file.path.name for file in study.inputs} >= {"use.csv", "lines.gpkg"}


def test_every_file_that_is_not_what_its_recipe_is_for_is_named(tmp_path: Path) -> None:
    wrong = STUDY.replace('source = "use.csv"', 'source = "lines.gpkg"').replace("hifld_transmission_lines", "padus")
    with pytest.raises(InputError) as refused:
        study_in(tmp_path, wrong)
    rules = [f.rule for f in refused.value.findings]
    assert "file.format" in rules  # a table is CSV
    assert "file.layer" in rules  # no layer of PAD-US: one has to be named
