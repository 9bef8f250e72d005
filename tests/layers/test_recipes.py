"""Recipes: what they fill, and published data read by them. Made files follow the published schemas."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import cql2
import geopandas as gpd
import numpy as np
import pytest
import shapely

from optimizer.config import LayerSettings, config_to_toml, load_config
from optimizer.errors import InputError
from optimizer.io.vector import read_vector
from optimizer.layers.recipe_data import prepare, refuse_other_kind
from optimizer.layers.recipes import RecipeColumn, fill, load_recipes
from optimizer.resources import dataset_path

RECIPES = load_recipes()


def settings(recipe: str, **given: Any) -> LayerSettings:
    return LayerSettings(source="file.gpkg", recipe=recipe, **given)


def squares(count: int) -> np.ndarray:
    return shapely.box(np.arange(count), 30.0, np.arange(count) + 0.5, 30.5)


def counted(frame: gpd.GeoDataFrame, where: str) -> list[int]:
    """Rows for which a filter holds, by the evaluator of the cql2 library."""
    expression = cql2.parse_text(where)
    rows = frame.drop(columns="geometry").to_dict("records")
    return [n for n, row in enumerate(rows) if all(v == v for v in row.values()) and expression.matches(row)]


def read_by(name: str, path: Path, **given: Any) -> tuple[gpd.GeoDataFrame, LayerSettings]:
    """A made file as a study reads it: features prepared, settings filled."""
    recipe = RECIPES[name]
    frame, _ = prepare(read_vector(path, given.get("layer"), path.name)[0], recipe, path.name)
    return frame, fill(settings(name, **given), RECIPES, None, list(frame.columns))


# What a recipe is


def test_there_is_a_recipe_for_every_set_of_data_that_is_promised() -> None:
    promised = """padus wdpa fema_nfhl nwi nlcd usgs_3dep_slope aqueduct40 aqueduct_us_states usgs_water_use_2015
        hifld_substations hifld_transmission_lines fcc_bdc_fiber tiger_roads tiger_places epa_egrid epa_egrid_rates
        natural_earth_lakes natural_earth_parks natural_earth_railroads"""
    assert set(RECIPES) == set(promised.split())


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_says_what_it_reads_and_where_that_was_confirmed(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert (dataset_path("recipes") / f"{name}.toml").is_file()
    assert min(map(len, (recipe.title, recipe.publisher, recipe.citation, recipe.licence, recipe.choice))) > 4
    assert len(recipe.checked) > 20
    assert (recipe.table is not None) == (recipe.kind == "table")
    assert (recipe.kind == "raster") == (not recipe.columns)
    # Every column that a filter or a value needs is one of the recipe's, and is needed.
    needed = {c.name for c in recipe.columns if c.required}
    fields = {part.split("}")[0] for part in recipe.fills.get("where", "").split("{")[1:]}
    value = recipe.fills.get("column")
    made = {recipe.table.count.to} if recipe.table and recipe.table.count else set()
    assert fields | ({value} - {None}) <= needed | made
    assert all(c.factor_source for c in recipe.columns if c.factor is not None)
    assert "http" not in (dataset_path("recipes") / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_filters_are_filters(name: str) -> None:
    filled = fill(settings(name), RECIPES)
    assert filled.citation == RECIPES[name].citation
    if filled.where is not None:
        cql2.parse_text(filled.where).validate()
        assert "{" not in filled.where


# What a recipe fills


def test_what_the_study_gives_wins_even_where_it_gives_the_default() -> None:
    filled = fill(settings("hifld_transmission_lines", where="VOLTAGE >= 345", attribute="line_345_km"), RECIPES)
    assert (filled.rule, filled.join) == ("attribute", "distance")
    assert (filled.where, filled.attribute) == ("VOLTAGE >= 345", "line_345_km")
    # "exclude" is what a layer does without a recipe: written down, it is a wish.
    lines = fill(settings("hifld_transmission_lines", rule="exclude", buffer_m=50.0), RECIPES)
    assert (lines.rule, lines.buffer_m, lines.where) == ("exclude", 50.0, "VOLTAGE >= 100")
    # and the join and the name of a column mean nothing to it.
    assert (lines.join, lines.attribute, lines.column) == (None, None, None)


def test_a_value_of_the_study_replaces_the_column_of_the_recipe() -> None:
    filled = fill(settings("epa_egrid_rates", value=0.4), RECIPES)
    assert (filled.value, filled.column) == (0.4, None)


def test_without_a_recipe_nothing_is_filled() -> None:
    plain = LayerSettings(source="a.gpkg")
    assert fill(plain, RECIPES) is plain


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError) as refused:
        fill(settings("padsu"), RECIPES)
    (finding,) = refused.value.findings
    assert finding.rule == "recipe.unknown"
    assert "padus" in finding.remedy


def test_a_filter_names_columns_as_the_file_does() -> None:
    filled = fill(settings("padus"), RECIPES, None, ["FEATCLASS", "GAP_STS", "geometry"])
    assert filled.where == "FEATCLASS IN ('Fee', 'Designation', 'Easement') AND GAP_STS IN ('1', '2', '3')"
    quoted = RECIPES["fema_nfhl"].model_copy(
        update={"columns": (RecipeColumn(name="SFHA_TF", aliases=("a.b",), meaning="zone"),)}
    )
    assert fill(settings("fema_nfhl"), {"fema_nfhl": quoted}, None, ["a.b"]).where == "\"a.b\" = 'T'"


def test_the_layer_of_a_file_that_holds_several() -> None:
    layers = ["PADUS4_0Fee", "PADUS4_0Combined_Proclamation_Marine_Fee_Designation_Easement", "Public_Access"]
    assert fill(settings("padus"), RECIPES, layers).layer == layers[1]
    assert fill(settings("padus", layer="PADUS4_0Fee"), RECIPES, layers).layer == "PADUS4_0Fee"
    parts = ["TX_Wetlands_East", "TX_Wetlands_West", "Historic"]
    assert fill(settings("nwi"), RECIPES, parts).layer is None  # which part is for the user to say
    assert fill(settings("nwi"), RECIPES, ["TX_Wetlands"]).layer is None  # the only one needs no name


def test_a_study_written_out_still_leaves_to_the_recipe_what_it_left(tmp_path: Path) -> None:
    text = '[study]\nname = "x"\n[[sites.layers]]\nsource = "lines.gpkg"\nrecipe = "hifld_transmission_lines"\n'
    (tmp_path / "study.toml").write_text(text + "buffer_m = 0.0\n", encoding="utf-8")
    config = load_config(tmp_path / "study.toml")
    written = config_to_toml(config)
    (tmp_path / "again.toml").write_text(written, encoding="utf-8")
    again = load_config(tmp_path / "again.toml")
    assert again == config
    for read in (config, again):
        assert read.sites.layers[0].model_fields_set == {"source", "recipe", "buffer_m"}
        assert fill(read.sites.layers[0], RECIPES).rule == "attribute"
    plain = LayerSettings(source="a.gpkg").model_dump()
    assert plain["rule"] == "exclude"


# Made files of the published schemas: (recipe, suffix, columns, rows that count)
MADE: dict[str, tuple[str, dict[str, list[Any]], list[int]]] = {
    "padus": (
        ".gpkg",
        {
            "FeatClass": ["Fee", "Proclamation", "Easement", "Designation", "Marine"],
            "Unit_Nm": ["a", "b", "c", "d", "e"],
            "Mang_Name": ["NPS", "USFS", "NGO", "BLM", "NOAA"],
            "Des_Tp": ["NP", "PROC", "CONE", "WA", "MPA"],
            "GAP_Sts": ["1", "2", "4", "3", "2"],
            "IUCN_Cat": ["II", "VI", "V", "Ib", "IV"],
        },
        [0, 3],
    ),
    "wdpa": (
        ".shp",
        {
            "SITE_ID": [1, 2, 3, 4],
            "NAME": ["a", "b", "c", "d"],
            "DESIG_ENG": ["National Park", "Reserve", "UNESCO-MAB Biosphere Reserve", "Ramsar Site"],
            "IUCN_CAT": ["II", "Ia", "Not Applicable", "Not Reported"],
            "REALM": ["Terrestrial", "Coastal", "Terrestrial", "Terrestrial"],
            "STATUS": ["Designated", "Proposed", "Designated", "Inscribed"],
        },
        [0, 3],
    ),
    "fema_nfhl": (
        ".shp",
        {
            "DFIRM_ID": ["48453C"] * 4,
            "FLD_ZONE": ["AE", "X", "VE", "X"],
            "ZONE_SUBTY": ["FLOODWAY", "0.2 PCT ANNUAL CHANCE FLOOD HAZARD", "", "AREA OF MINIMAL FLOOD HAZARD"],
            "SFHA_TF": ["T", "F", "T", "F"],
            "STATIC_BFE": [-9999.0, -9999.0, 12.0, -9999.0],
        },
        [0, 2],
    ),
    "aqueduct40": (
        ".gpkg",
        {
            "pfaf_id": [742826, 742827, 742828, 742829],
            "bws_raw": [0.9, 9999.0, -9999.0, 0.05],
            "bws_score": [4.2, 5.0, -9999.0, 0.5],
            "bws_cat": [4, -1, -9999, 0],
            "bws_label": ["Extremely High (>80%)", "Arid and Low Water Use", "No Data", "Low (<10%)"],
        },
        [0, 3],
    ),
    "hifld_substations": (
        ".geojson",
        {
            "NAME": ["a", "b", "c"],
            "STATE": ["TX"] * 3,
            "STATUS": ["IN SERVICE"] * 3,
            "COUNTYFIPS": ["48453"] * 3,
            "LINES": [3, 2, 1],
            "MAX_VOLT": [345.0, 69.0, -999999.0],
            "MIN_VOLT": [138.0, -999999.0, -999999.0],
        },
        [0],
    ),
    "hifld_transmission_lines": (
        ".geojson",
        {
            "ID": ["1", "2", "3"],
            "TYPE": ["AC; OVERHEAD"] * 3,
            "STATUS": ["IN SERVICE"] * 3,
            "OWNER": ["x", "y", "z"],
            "VOLTAGE": [69.0, -999999.0, 345.0],
            "VOLT_CLASS": ["UNDER 100", "NOT AVAILABLE", "345"],
            "SUB_1": ["a", "b", "c"],
            "SUB_2": ["d", "e", "f"],
        },
        [2],
    ),
    "tiger_roads": (
        ".shp",
        {
            "LINEARID": ["1", "2", "3"],
            "FULLNAME": ["I- 35", "US Hwy 290", "Main St"],
            "RTTYP": ["I", "U", "M"],
            "MTFCC": ["S1100", "S1200", "S1400"],
        },
        [0, 1],
    ),
    "tiger_places": (
        ".shp",
        {
            "STATEFP": ["48"] * 2,
            "PLACEFP": ["05000", "68624"],
            "GEOID": ["4805000", "4868624"],
            "NAME": ["Austin", "Smith"],
            "NAMELSAD": ["Austin city", "Smith CDP"],
            "LSAD": ["25", "57"],
            "CLASSFP": ["C1", "U1"],
            "MTFCC": ["G4110", "G4210"],
            "FUNCSTAT": ["A", "S"],
            "ALAND": [800_000_000, 1_000_000],
            "AWATER": [16_000_000, 0],
        },
        [0, 1],
    ),
}


def written(frame: gpd.GeoDataFrame, path: Path) -> Path:
    frame.to_file(path)
    return path


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_made_file_of_the_published_schema_counts_as_it_should(name: str, tmp_path: Path) -> None:
    suffix, columns, expected = MADE[name]
    rows = len(next(iter(columns.values())))
    path = written(gpd.GeoDataFrame(columns, geometry=squares(rows), crs="EPSG:4326"), tmp_path / f"made{suffix}")
    frame, filled = read_by(name, path)
    assert filled.where is not None
    used = [column for column in frame.columns if column in filled.where] + ["geometry"]
    assert counted(frame[used], filled.where) == expected


def test_a_shapefile_keeps_ten_letters_of_a_name(tmp_path: Path) -> None:
    columns = {"ATTRIBUTE": ["PFO1A"], "WETLAND_TY": ["Freshwater Forested/Shrub Wetland"], "ACRES": [1.0]}
    path = written(gpd.GeoDataFrame(columns, geometry=squares(1), crs="EPSG:5070"), tmp_path / "TX_Wetlands.shp")
    frame, filled = read_by("nwi", path)
    assert filled.rule == "exclude"
    assert len(frame) == 1


def test_values_that_are_missing_are_emptied_and_said(tmp_path: Path) -> None:
    _, columns, _ = MADE["hifld_substations"]
    frame = gpd.GeoDataFrame(columns, geometry=squares(3), crs="EPSG:4326")
    made, findings = prepare(frame, RECIPES["hifld_substations"], "substations")
    assert made["MAX_VOLT"].tolist()[:2] == [345.0, 69.0]
    assert np.isnan(made["MAX_VOLT"][2])
    assert {(f.rule, f.where, f.found) for f in findings} == {
        ("recipe.missing", "substations, column MAX_VOLT", "1 of 3"),
        ("recipe.missing", "substations, column MIN_VOLT", "2 of 3"),
    }
    assert frame["MAX_VOLT"][2] == -999999.0  # what was read is left as it was


def test_text_where_a_number_is_due_is_taken_as_missing_and_said() -> None:
    columns = {"VOLTAGE": ["345", "n/a", ""]}
    made, (finding,) = prepare(
        gpd.GeoDataFrame(columns, geometry=squares(3), crs="EPSG:4326"), RECIPES["hifld_transmission_lines"], "lines"
    )
    assert made["VOLTAGE"].fillna(-1).tolist() == [345.0, -1.0, -1.0]
    assert (finding.rule, finding.severity, finding.found) == ("recipe.value", "warning", "1 of 3, such as 'n/a'")


def test_a_file_of_something_else_is_refused_with_the_nearest_name() -> None:
    frame = gpd.GeoDataFrame({"GAP_Stat": ["1"], "Own": ["FED"]}, geometry=squares(1), crs="EPSG:4326")
    with pytest.raises(InputError) as refused:
        prepare(frame, RECIPES["padus"], "parks.gpkg")
    assert {(f.rule, f.where, f.found) for f in refused.value.findings} == {
        ("recipe.column", "parks.gpkg", "FeatClass"),
        ("recipe.column", "parks.gpkg", "GAP_Sts"),
    }
    assert any("GAP_Stat" in f.remedy for f in refused.value.findings)
    with pytest.raises(InputError, match="nlcd is for a raster"):
        refuse_other_kind(RECIPES["nlcd"], False, "nlcd.gpkg")
    with pytest.raises(InputError, match="padus is for a vector"):
        refuse_other_kind(RECIPES["padus"], True, "padus.tif")
    refuse_other_kind(RECIPES["nlcd"], True, "nlcd.tif")


def test_pounds_per_megawatt_hour_become_tonnes() -> None:
    columns = {"SUBRGN": ["ERCT"], "SRC2ERTA": [1000.0]}
    frame, _ = prepare(
        gpd.GeoDataFrame(columns, geometry=squares(1), crs="EPSG:4326"), RECIPES["epa_egrid_rates"], "egrid"
    )
    # 1,000 lb is 453.59237 kg by definition of the pound.
    assert frame["grid_emission_t_per_mwh"].tolist() == [pytest.approx(0.45359237, rel=1e-12)]
    assert fill(settings("epa_egrid_rates"), RECIPES, None, list(frame.columns)).column == "grid_emission_t_per_mwh"


@pytest.mark.parametrize("published", ["Subregion", "ZipSubregi", "SUBRGN"])
def test_the_column_of_egrid_has_had_three_names(published: str) -> None:
    filled = fill(settings("epa_egrid"), RECIPES, None, [published, "Shape_Area"])
    assert filled.column == published


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("nlcd", [11, 12, 21, 22, 23, 24, 31, 41, 52, 71, 81, 82, 90, 95], [11, 12, 23, 24, 90, 95]),
        ("usgs_3dep_slope", [0.0, 5.0, 8.0, 8.5, 30.0], [8.5, 30.0]),
    ],
)
def test_cells_of_a_raster_that_count(name: str, values: list[float], expected: list[float]) -> None:
    filled = fill(settings(name), RECIPES)
    assert filled.where is not None
    assert filled.band == 1
    expression = cql2.parse_text(filled.where)
    assert [v for v in values if expression.matches({"value": v})] == expected


# The published files, where they are


@pytest.mark.parametrize(
    ("name", "file", "features"),
    [
        ("natural_earth_lakes", "ne_10m_lakes_north_america.json.gz", 1200),
        ("natural_earth_parks", "ne_10m_parks_and_protected_lands_area.json", 61),
        ("natural_earth_railroads", "ne_10m_railroads_north_america.json.gz", 1127),
    ],
)
def test_published_natural_earth(name: str, file: str, features: int, reference_data: Path, tmp_path: Path) -> None:
    content = (reference_data / "natural-earth" / file).read_bytes()
    path = tmp_path / f"{name}.geojson"
    path.write_bytes(gzip.decompress(content) if file.endswith(".gz") else content)
    frame = gpd.read_file(path)
    made, findings = prepare(frame, RECIPES[name], file)
    filled = fill(settings(name), RECIPES, None, list(frame.columns))
    assert len(made) == features
    assert findings == []
    assert filled.rule == ("attribute" if name.endswith("railroads") else "exclude")
