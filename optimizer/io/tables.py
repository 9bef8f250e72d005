"""A grid as a folder of tables (CSV, Parquet, or layers of a GeoPackage), or as one GeoPackage; and writing it."""

from __future__ import annotations

import csv
import functools
import os
import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, nearest
from optimizer.grid.columns import AC_COLUMNS, KEYS, TABLES
from optimizer.grid.network import Grid, make_grid
from optimizer.grid.schema import check_table, errors_first
from optimizer.io.reading import layer_names, read_table, refuse

#: Where a table is: its file and, in a GeoPackage, its layer.
_Source = tuple[Path, str | None]


def read_tables(path: str | Path) -> Grid:
    """Read a grid from a folder of tables or from a GeoPackage whose layers are the tables.

    Parameters
    ----------
    path : str or Path
        Folder with ``buses.csv`` (or ``.parquet``), ``branches``, ``generators`` and any of the other tables, or with a
        ``.gpkg`` that has layers of those names; or such a ``.gpkg`` itself.

    Returns
    -------
    Grid
        Named after the folder or file.

    Raises
    ------
    InputError
        With every finding of every table.
    """
    path = Path(path)
    sources, findings = _find_tables(path)
    raws: dict[str, pd.DataFrame] = {}
    files = {table: f"{path.name}/{table}.csv" for table in TABLES}
    for table, (file, layer) in sources.items():
        files[table] = _shown(path, file, layer)
        try:
            raws[table] = read_table(file, layer, files[table])
        except InputError as refused:
            findings += refused.findings
            continue
        raws[table], notes = without_geometry(raws[table], table, files[table])
        findings += notes
    unread = [f for f in findings if f.severity == "error"]
    if unread:  # what other tables say of a table that could not be read would be noise
        raise InputError(errors_first([*findings, *_errors_of_others(raws, files)]))
    rows = {table: raw.index.to_numpy() for table, raw in raws.items()}
    return make_grid(
        path.stem if path.suffix == ".gpkg" else path.resolve().name,
        raws,
        place=lambda table, position: f"{files[table]} row {rows[table][position]}",
        files=files,
        findings=findings,
    )


def write_tables(grid: Grid, folder: str | Path) -> None:
    """Write a grid as a folder of CSV tables that reads back as the same tables.

    Parameters
    ----------
    grid : Grid
        The grid. Its per-unit values are on 100 MVA, whatever ``base_mva`` says.
    folder : str or Path
        Folder to make; it must not exist, or be empty. Empty tables are not written, except the three that every grid
        has.

    Raises
    ------
    InputError
        The folder has something in it.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        text, remedy = "the folder is not empty", "name a new folder"
        raise refuse("file.exists", str(folder), text, "", remedy)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        for table, columns in TABLES.items():
            frame = getattr(grid, table)
            if len(frame) or table in ("buses", "branches", "generators"):
                unlimited = [c.name for c in columns if c.default == np.inf]
                written = frame.assign(**{name: frame[name].replace(np.inf, np.nan) for name in unlimited})
                flags = [name for name in frame.columns if pd.api.types.is_bool_dtype(frame[name].dtype)]
                written = written.astype(dict.fromkeys(flags, "int64"))
                # The csv module leaves a carriage return unquoted where it is not the line's end.
                quoting = csv.QUOTE_NONNUMERIC if _has_returns(written.reset_index()) else csv.QUOTE_MINIMAL
                index, file = len(KEYS[table]) == 1, scratch / f"{table}.csv"
                written.to_csv(file, index=index, lineterminator="\n", quoting=quoting)
        scratch.chmod(0o755)
        os.replace(scratch, folder)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _has_returns(frame: pd.DataFrame) -> bool:
    """Whether a text holds a carriage return."""
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name].dtype)]
    return any(frame[name].astype(str).str.contains("\r", regex=False).any() for name in texts)


def _shown(path: Path, file: Path, layer: str | None) -> str:
    name = file.name if file == path else f"{path.name}/{file.name}"
    return f"{name} layer {layer}" if layer else name


def _find_tables(path: Path) -> tuple[dict[str, _Source], list[Finding]]:
    """Where each table is, with what is wrong or left unread in the folder."""
    found: dict[str, list[_Source]] = {}
    others: list[str] = []
    findings: list[Finding] = []
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        suffix = file.suffix.lower()
        if suffix in (".csv", ".parquet"):
            if file.stem in TABLES:
                found.setdefault(file.stem, []).append((file, None))
            else:
                others.append(_shown(path, file, None))
        elif suffix == ".gpkg":
            try:
                layers = layer_names(file, _shown(path, file, None))
            except InputError as refused:
                findings += refused.findings
                continue
            for layer in layers:
                if layer in TABLES:
                    found.setdefault(layer, []).append((file, layer))
                else:
                    others.append(_shown(path, file, layer))
    for table, sources in found.items():
        if len(sources) > 1:
            names = ", ".join(_shown(path, *source) for source in sources)
            text = f"the {table} table is given more than once"
            findings.append(Finding("grid.table.duplicate", path.name, text, names, "keep one of them"))
    if not found and not findings:
        text = "no table of a grid is here"
        remedy = f"give {', '.join(f'{t}.csv' for t in ('buses', 'branches', 'generators'))}"
        raise refuse("grid.table.missing", path.name, text, ", ".join(others[:20]), remedy)
    for name in others:
        remedy = nearest(Path(name.split(" layer ")[-1]).stem, TABLES)
        text = "not a table of a grid: not read"
        findings.append(Finding("grid.table.unknown", name, text, "", remedy, "warning"))
    return {table: sources[0] for table, sources in found.items()}, findings


def without_geometry(raw: pd.DataFrame, table: str, where: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Return a layer without its geometry; points of buses become latitude and longitude where these are not given."""
    if not isinstance(raw, gpd.GeoDataFrame):
        return raw, []
    plain = pd.DataFrame(raw.drop(columns=raw.geometry.name))
    if table != "buses" or {"lat", "lon"} & set(plain.columns):
        return plain, []
    if raw.crs is None:
        text = "the layer has points but no coordinate reference system"
        remedy = "set it, or give columns lat and lon in WGS 84"
        return plain, [Finding("file.crs", where, text, "", remedy)]
    if not raw.geometry.isna().all() and not (raw.geom_type.dropna() == "Point").all():
        found = ", ".join(sorted(set(raw.geom_type.dropna())))
        remedy = "give points, or columns lat and lon in WGS 84"
        return plain, [Finding("grid.bus.geometry", where, "buses must be points", found, remedy)]
    points = raw.geometry.to_crs(4326)
    return plain.assign(lat=points.y, lon=points.x), []


def _errors_of_others(raws: dict[str, pd.DataFrame], files: dict[str, str]) -> list[Finding]:
    """What is wrong inside the tables that could be read, when another could not."""
    findings: list[Finding] = []
    for table, raw in raws.items():
        place = functools.partial("{} row {}".format, files[table])
        extra = AC_COLUMNS.get(table, ())
        findings += check_table(raw, TABLES[table], files[table], key=KEYS[table], extra=extra, place=place)[1]
    return findings
