"""Published data as a recipe says: names checked, codes for missing values emptied, units converted."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, nearest, refuse_errors
from optimizer.layers.recipes import Recipe, RecipeColumn


def prepare(features: gpd.GeoDataFrame, recipe: Recipe, where: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Make features ready that were read from published data.

    Parameters
    ----------
    features : GeoDataFrame
        As read.
    recipe : Recipe
        Recipe of kind ``"vector"``, or ``"table"`` once its rows are joined to places.
    where : str
        How findings name the data.

    Returns
    -------
    features : GeoDataFrame
        Numbers are numbers, missing values are ``nan``, converted columns are added; the rest as it was.
    findings : list of Finding
        Warnings: values that are missing or are no numbers, names of columns that are not confirmed.

    Raises
    ------
    InputError
        A column that the recipe needs is not there: the file is not what the recipe is for.
    """
    absent = [c for c in recipe.columns if c.required and c.found_in(features.columns) is None]
    refuse_errors([_absent(column, features, recipe, where) for column in absent])
    findings, made = [], {}
    for column in recipe.columns:
        actual = column.found_in(features.columns)
        if actual is None or column.kind != "number":
            continue
        numbers, found = _numbers(features[actual], column, f"{where}, column {actual}")
        findings += found
        made[actual] = numbers
        if column.to is not None:
            made[column.to] = numbers * (1.0 if column.factor is None else column.factor)
    if recipe.confidence == "unverified":
        text = "the names of its columns were not confirmed (unverified)"
        findings.append(Finding("recipe.unverified", where, text, recipe.name, recipe.checked, "warning"))
    return features.assign(**made), findings


def refuse_other_kind(recipe: Recipe, is_raster: bool, where: str) -> None:
    """Raise `InputError` where a recipe for features or a table is given cells, or the other way round."""
    if is_raster != (recipe.kind == "raster"):
        text = f"the recipe {recipe.name} is for a {recipe.kind} layer"
        remedy = f"give {recipe.title} as {' or '.join(recipe.formats)}, or leave the recipe out"
        raise InputError([Finding("recipe.kind", where, text, "a raster" if is_raster else "features", remedy)])


def _absent(column: RecipeColumn, features: gpd.GeoDataFrame, recipe: Recipe, where: str) -> Finding:
    names = [str(name) for name in features.columns if name != features.geometry.name]
    text = f"a column that the recipe {recipe.name} reads is not there ({column.meaning})"
    remedy = f"{nearest(column.name, names)}; the recipe is for {recipe.title}"
    return Finding("recipe.column", where, text, column.name, remedy)


def _numbers(values: pd.Series, column: RecipeColumn, where: str) -> tuple[pd.Series, list[Finding]]:
    """A column as numbers, and what of it could not be used."""
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = numbers.isna() & values.notna() & (values.astype(str).str.strip() != "")
    findings = []
    if wrong.any():
        text, example = "values that are no numbers are taken as missing", repr(values[wrong].iloc[0])
        found = f"{int(wrong.sum())} of {len(values)}, such as {example[:40]}"
        findings.append(Finding("recipe.value", where, text, found, "correct them in the file", "warning"))
    coded = numbers.isin(column.missing) | ~np.isfinite(numbers.fillna(0.0))
    if coded.any():
        text, found = "codes that stand for a missing value are emptied", f"{int(coded.sum())} of {len(values)}"
        findings.append(Finding("recipe.missing", where, text, found, "", "info"))
    return numbers.mask(coded), findings
