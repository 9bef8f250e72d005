"""Tables of public data by county, state or census block, as a map layer: joined to the counties of a region."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import geopandas as gpd
import pandas as pd

from optimizer.errors import Finding, InputError, nearest
from optimizer.io.reading import check_file, refuse
from optimizer.layers.recipe_data import prepare
from optimizer.layers.recipes import DATASET, Recipe, RecipeTable
from optimizer.resources import dataset_path

SUFFIXES = (".csv", ".csv.gz")

MAX_ROWS = 50_000_000
"""Most rows that are read: a small compressed file can hold a very large table."""

_CHUNK_ROWS = 200_000
_LINES_BEFORE_NAMES = 20
_NAMED = 5


def read_county_table(
    path: Path, recipe: Recipe, counties: gpd.GeoDataFrame, where: str
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Read a table of public data and join it to counties.

    Parameters
    ----------
    path : Path
        CSV file, perhaps compressed by gzip. Lines above the one with the names are passed over.
    recipe : Recipe
        Recipe of kind ``"table"``.
    counties : GeoDataFrame, index ``fips``
        Counties of the region; five digits, the first two those of the state.
    where : str
        How findings name the file.

    Returns
    -------
    features : GeoDataFrame
        Every county with ``fips`` and the recipe's columns, as `optimizer.layers.recipe_data.prepare` leaves them;
        ``nan`` for a county that the table does not have, 0 for one in which nothing was counted.
    findings : list of Finding
        Warnings: counties that the table lacks, values that are missing.

    Raises
    ------
    InputError
        The file is unreadable, lacks a column, names a place twice, or has nothing for any of the counties.
    """
    assert recipe.table is not None
    table, findings = _read(path, recipe, recipe.table, where)
    to_place = _state_code if recipe.table.place == "us_state" else _county_code
    places = pd.Index(counties.index.map(to_place))
    if recipe.table.count is None:
        twice = table.index[table.index.duplicated() & table.index.isin(places)]
        if len(twice):
            text, found = "a place has more than one row", ", ".join(sorted(set(twice))[:_NAMED])
            remedy = "keep one row a place"
            raise InputError(
                [Finding("recipe.table.twice", f"{where}, column {recipe.table.key}", text, found, remedy)]
            )
    lacking = counties.index[~places.isin(table.index)]
    if len(lacking) == len(counties):
        text, found = "the table has no row for any county of the region", ", ".join(map(str, counties.index[:_NAMED]))
        remedy = f"give the part of {recipe.title} that covers the region"
        raise refuse("recipe.table.elsewhere", where, text, found, remedy)
    if len(lacking) and recipe.table.count is None:
        found = f"{len(lacking)} of {len(counties)}: {', '.join(map(str, lacking[:_NAMED]))}"
        text = "counties that the table does not have are without a value"
        findings.append(Finding("recipe.table.lacking", where, text, found, "", "warning"))
    joined = table[~table.index.duplicated()].reindex(places).set_index(counties.index)
    if recipe.table.count is not None:
        joined = joined.fillna(0.0)
    frame = gpd.GeoDataFrame(joined.assign(fips=counties.index), geometry=counties.geometry.values, crs=counties.crs)
    frame, found_in_values = prepare(frame.reset_index(drop=True), _read_columns(recipe), where)
    return frame, findings + found_in_values


def _read_columns(recipe: Recipe) -> Recipe:
    """The recipe without the columns that are used up by counting."""
    assert recipe.table is not None
    used = recipe.table.count is not None
    return recipe.model_copy(update={"columns": ()}) if used else recipe


def _read(path: Path, recipe: Recipe, table: RecipeTable, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Rows of the table by place: the recipe's columns as text, or what was counted."""
    if not path.name.lower().endswith(SUFFIXES):
        remedy = f"give a file that ends in {' or '.join(SUFFIXES)}"
        raise refuse("file.format", where, "unknown format of a table", path.suffix or "no suffix", remedy)
    check_file(path, where)
    try:
        with _opened(path) as file:
            names = _names(file, table.key, where)
            wanted = _wanted(recipe, names, where)
            parts = [part for part in _chunks(file, names, wanted, table, where) if len(part)]
    except (OSError, EOFError, zlib.error) as error:
        text, remedy = "the file cannot be decompressed", "download it again"
        raise refuse("file.unreadable", where, text, str(error)[:200], remedy) from error
    except (pd.errors.ParserError, UnicodeDecodeError, csv.Error) as error:
        text, remedy = "the file is not a table with commas", "save it as CSV, UTF-8, with commas"
        raise refuse("file.unreadable", where, text, str(error)[:200], remedy) from error
    rows = pd.concat(parts) if parts else pd.DataFrame(columns=["place", *wanted.values()], dtype=str)
    if table.count is not None:
        rows = rows.drop_duplicates()
        counted = rows.groupby("place")[wanted[table.count.column]].nunique()
        return counted.astype(float).to_frame(table.count.to), []
    return rows.set_index("place"), []


def _opened(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        # A name or a note in other letters does not matter: places and values are digits.
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _names(file: IO[str], key: str, where: str) -> list[str]:
    """Names of the columns: the first line that holds the key's."""
    seen: list[str] = []
    for _, line in zip(range(_LINES_BEFORE_NAMES), file, strict=False):
        names = [name.strip() for name in next(csv.reader([line]), [])]
        if key in names:
            return names
        seen = max(seen, names, key=len)
    raise refuse("recipe.column", where, "the column that names the place is not there", key, nearest(key, seen))


def _wanted(recipe: Recipe, names: list[str], where: str) -> dict[str, str]:
    """Columns to read: their names in the file by their published ones."""
    found = {column.name: column.found_in(names) for column in recipe.columns}
    absent = [c for c in recipe.columns if c.required and found[c.name] is None]
    if absent:
        text = f"a column that the recipe {recipe.name} reads is not there"
        raise InputError(
            [Finding("recipe.column", where, f"{text} ({c.meaning})", c.name, nearest(c.name, names)) for c in absent]
        )
    return {name: actual for name, actual in found.items() if actual is not None}


def _chunks(
    file: IO[str], names: list[str], wanted: dict[str, str], table: RecipeTable, where: str
) -> Iterator[pd.DataFrame]:
    """Rows that count, a part of the file at a time."""
    code = _codes(table)
    columns = [table.key, *wanted.values()]
    reader = pd.read_csv(
        file,
        names=names,
        usecols=lambda name: name in columns,
        dtype=str,
        keep_default_na=False,
        chunksize=_CHUNK_ROWS,
        index_col=False,
        na_values=["", *table.missing],
    )
    read = 0
    for chunk in reader:
        read += len(chunk)
        if read > MAX_ROWS:
            remedy = "keep the rows of the region"
            raise refuse("file.too_large", where, "the table is too large", f"more than {MAX_ROWS:,} rows", remedy)
        if table.only is not None:
            chunk = chunk[chunk[wanted[table.only.column]].isin(table.only.values)]
        rows = chunk.assign(place=chunk[table.key].fillna("").map(code))
        rows = rows[rows["place"] != ""]
        yield rows[["place", *wanted.values()]].drop_duplicates() if table.count is not None else rows


def _codes(table: RecipeTable) -> Callable[[str], str]:
    """Code of the county or state that a key stands for, empty where it is none."""
    if table.place == "us_county":
        return lambda text: text.strip().zfill(5) if text.strip().isdigit() else ""
    if table.place == "us_census_block":
        return lambda text: text.strip().zfill(15)[:5] if text.strip().isdigit() else ""
    states = pd.read_csv(dataset_path(DATASET) / "us_states.csv", dtype=str).set_index("postal")["fips"]
    return lambda text: str(states.get(text.strip().upper(), ""))


def _county_code(fips: object) -> str:
    return str(fips).zfill(5)


def _state_code(fips: object) -> str:
    return str(fips).zfill(5)[:2]
