"""Recipes: how well-known public map data are read, as data.

A recipe is a file of the dataset ``recipes``: the published names of the columns, which features count, the rule, unit
conversions, citation and caveats. A study names one in ``[[sites.layers]]``; what the study gives wins.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from optimizer.config import LayerSettings
from optimizer.errors import Finding, InputError, nearest
from optimizer.resources import dataset_path

DATASET = "recipes"

OF_THE_RULE = frozenset({"column", "value", "join", "per", "of", "attribute", "buffer_m"})
"""Keys that mean something for one rule only: a study that gives another rule does not want the recipe's."""

_PLAIN = re.compile("[A-Za-z_][A-Za-z0-9_]*")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecipeColumn(_Part):
    """A column of the published data.

    Parameters
    ----------
    name : str
        Published name.
    aliases : tuple of str
        Other names that versions or formats of the data give it; a Shapefile keeps ten letters.
    meaning : str
        What it holds.
    kind : {"text", "number"}
        What its values are.
    unit : str
        Published unit.
    missing : tuple of float
        Numbers that stand for a missing value.
    to : str, optional
        Name of the column made of it, its unit at the end.
    factor : float, optional
        Number by which a published value is multiplied to become that column's.
    factor_source : str
        Where the factor comes from.
    required : bool
        Whether data without the column are refused.
    """

    name: str
    aliases: tuple[str, ...] = ()
    meaning: str
    kind: Literal["text", "number"] = "text"
    unit: str = ""
    missing: tuple[float, ...] = ()
    to: str | None = None
    factor: float | None = None
    factor_source: str = ""
    required: bool = True

    def found_in(self, names: Iterable[str]) -> str | None:
        """Name that the column has in a file: the published one, an alias, or either in other capitals."""
        present = list(names)
        folded = {name.casefold(): name for name in reversed(present)}
        for wanted in (self.name, *self.aliases):
            if wanted in present:
                return wanted
        for wanted in (self.name, *self.aliases):
            if wanted.casefold() in folded:
                return folded[wanted.casefold()]
        return None


class Only(_Part):
    """Rows of a table that count: those where a column has one of some values, compared as text."""

    column: str
    values: tuple[str, ...]


class Count(_Part):
    """A column made by counting the different values of another in each place."""

    column: str
    to: str


class RecipeTable(_Part):
    """How a table by county or state is read.

    Parameters
    ----------
    key : str
        Column that names the place.
    place : {"us_county", "us_state", "us_census_block"}
        What it holds: code of a county, postal abbreviation of a state, or code of a census block.
    missing : tuple of str
        Texts that stand for a missing value, beside an empty cell.
    only : Only, optional
        Rows that count.
    count : Count, optional
        Count of different values, for tables of many rows a place.
    """

    key: str
    place: Literal["us_county", "us_state", "us_census_block"]
    missing: tuple[str, ...] = ()
    only: Only | None = None
    count: Count | None = None


class Recipe(_Part):
    """How one set of public map data is read.

    Parameters
    ----------
    name, title, publisher, citation, licence : str
        What it is called, by whom it is issued, how it is cited, and on which terms.
    kind : {"vector", "raster", "table"}
        Features, cells, or a table by county or state.
    formats : tuple of str
        Formats that the publisher offers.
    layers : tuple of str
        Names of the layer in files that hold several; ``*`` stands for any text.
    checked, confidence : str
        Where the names of the columns were confirmed, and how far they can be trusted.
    choice : str
        Why the rule is as it is.
    caveats : tuple of str
        What to know before using it.
    fills : mapping
        Keys of `LayerSettings` that it fills; ``{NAME}`` in ``where`` stands for a column, whatever the file calls it.
    columns : tuple of RecipeColumn
        Columns that are read.
    table : RecipeTable, optional
        How a table is read.
    """

    name: str
    title: str
    publisher: str
    citation: str
    licence: str
    kind: Literal["vector", "raster", "table"]
    formats: tuple[str, ...]
    layers: tuple[str, ...] = ()
    checked: str
    confidence: Literal["primary", "secondary", "unverified"]
    choice: str
    caveats: tuple[str, ...] = ()
    fills: dict[str, Any]
    columns: tuple[RecipeColumn, ...] = ()
    table: RecipeTable | None = None

    def names(self, present: Sequence[str] | None = None) -> dict[str, str]:
        """Name in the file of each published column; the published name where the file is not known or lacks it."""
        found = {c.name: None if present is None else c.found_in(present) for c in self.columns}
        return {name: actual or name for name, actual in found.items()}

    def layer(self, present: Sequence[str]) -> str | None:
        """Layer of a file that holds several: the one that the recipe's names fit, ``None`` if not exactly one does."""
        for pattern in self.layers:
            fitting = [name for name in present if fnmatchcase(name, pattern)]
            if fitting:
                return fitting[0] if len(fitting) == 1 else None
        return None


@cache
def load_recipes() -> Mapping[str, Recipe]:
    """Every bundled recipe by name, in alphabetical order.

    Raises
    ------
    InputError
        A file of the dataset is no recipe: the installation is damaged.
    """
    recipes: dict[str, Recipe] = {}
    for path in sorted(dataset_path(DATASET).glob("*.toml")):
        if path.name == "dataset.toml":
            continue
        try:
            recipe = Recipe(**tomllib.loads(path.read_text(encoding="utf-8")))
            LayerSettings(source="checked", **recipe.fills)
        except (ValidationError, ValueError) as error:
            text, reason = "the bundled recipe cannot be read", str(error).split("\n")[0]
            raise InputError([Finding("recipe.file", path.name, text, reason, "install gridsite again")]) from error
        recipes[recipe.name] = recipe
    return recipes


def find_recipe(settings: LayerSettings, recipes: Mapping[str, Recipe]) -> Recipe | None:
    """Recipe that a layer names.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if settings.recipe is None:
        return None
    if settings.recipe not in recipes:
        text, remedy = "no such recipe", nearest(settings.recipe, tuple(recipes))
        raise InputError([Finding("recipe.unknown", f"layer {settings.source}", text, repr(settings.recipe), remedy)])
    return recipes[settings.recipe]


def fill(
    settings: LayerSettings,
    recipes: Mapping[str, Recipe],
    layers: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> LayerSettings:
    """Fill what a study leaves out of a layer from the recipe that it names.

    Parameters
    ----------
    settings : LayerSettings
        What the study says; a key that it gives is kept, even where it gives the default.
    recipes : mapping of str to Recipe
        Known recipes, see `load_recipes`.
    layers : sequence of str, optional
        Layers of the file, to choose the recipe's among several.
    columns : sequence of str, optional
        Columns of the layer, so that what is filled names them as the file does. Default: the published names.

    Returns
    -------
    LayerSettings
        The same where no recipe is named.

    Raises
    ------
    InputError
        There is no such recipe.
    """
    recipe = find_recipe(settings, recipes)
    if recipe is None:
        return settings
    given = settings.model_fields_set
    own_rule = settings.rule if "rule" in given else recipe.fills["rule"]
    offered = dict(recipe.fills)
    if own_rule != recipe.fills["rule"]:
        offered = {key: value for key, value in offered.items() if key not in OF_THE_RULE}
    if "column" in given or "value" in given:
        offered.pop("column", None)
    offered["citation"] = recipe.citation
    if layers is not None and len(layers) > 1:
        offered["layer"] = recipe.layer(layers)
    named = recipe.names(columns)
    if "where" in offered:
        offered["where"] = offered["where"].format(**{name: quoted(actual) for name, actual in named.items()})
    if "column" in offered:
        offered["column"] = _value_column(recipe, offered["column"], named)
    return settings.model_copy(update={key: value for key, value in offered.items() if key not in given})


def quoted(name: str) -> str:
    """Name of a column as CQL2 text writes it: in quotes where it is not a plain identifier."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _value_column(recipe: Recipe, published: str, named: Mapping[str, str]) -> str:
    converted = {c.name: c.to for c in recipe.columns if c.to is not None}
    return converted.get(published) or named.get(published, published)
