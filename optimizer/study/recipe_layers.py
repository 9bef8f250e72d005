"""Map layers of well-known public data: what the study leaves out comes from the recipe that it names."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from optimizer.config import LayerSettings
from optimizer.errors import Finding, InputError
from optimizer.io.raster import SUFFIXES, Raster
from optimizer.io.vector import read_vector
from optimizer.io.vector_source import layers_of
from optimizer.io.where import parse_where
from optimizer.layers.county_tables import read_county_table
from optimizer.layers.recipe_data import prepare, refuse_other_kind
from optimizer.layers.recipes import fill, find_recipe, load_recipes
from optimizer.study.inputs import InputFile
from optimizer.study.map_layers import files_of, read_data


def read_recipe_layer(
    settings: LayerSettings, path: Path, counties: gpd.GeoDataFrame | None
) -> tuple[LayerSettings, gpd.GeoDataFrame | Raster, tuple[InputFile, ...], tuple[Finding, ...]]:
    """Read a layer, or a table by county, as its recipe says.

    Parameters
    ----------
    settings : LayerSettings
        What the study says; it names a recipe.
    path : Path
        The file.
    counties : GeoDataFrame, optional
        Counties of the region, index ``fips``, to which tables are joined.

    Returns
    -------
    filled : LayerSettings
        The settings with what the recipe fills in.
    data : GeoDataFrame or Raster
        Features that the filter lets through, columns converted as the recipe says; or the raster.
    inputs : tuple of InputFile
        Every file that was read.
    findings : tuple of Finding
        Warnings.

    Raises
    ------
    InputError
        There is no such recipe, the file is not what it is for, or a table comes without a region.
    """
    recipes, where = load_recipes(), settings.source
    recipe = find_recipe(settings, recipes)
    assert recipe is not None
    is_raster = path.suffix.lower() in SUFFIXES
    refuse_other_kind(recipe, is_raster, where)
    if is_raster:
        filled = fill(settings, recipes)
        return (filled, *read_data(path, filled))
    if recipe.kind == "table":
        if counties is None:
            text, remedy = "a table by county or state needs counties", "give sites.region"
            raise InputError([Finding("recipe.table.no_region", where, text, recipe.name, remedy)])
        frame, findings = read_county_table(path, recipe, counties, where)
        layers: tuple[str, ...] = ()
    else:
        layers = layers_of(path, where)
        features, repairs = read_vector(path, fill(settings, recipes, layers).layer, where)
        frame, findings = prepare(features, recipe, where)
        findings = [*repairs, *findings]
    filled = fill(settings, recipes, layers, [str(name) for name in frame.columns])
    if filled.where is not None:
        # Only now are numbers numbers and codes of missing values gone, which the filter counts on.
        frame = frame[parse_where(filled.where, f"{where}, where").mask(frame)].reset_index(drop=True)
    inputs = tuple(InputFile(p, "layer") for p in files_of(path))
    return filled, frame, inputs, tuple(findings)
