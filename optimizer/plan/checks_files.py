"""Files of a plan folder: hashes, the map beside the tables, the resolved study, plan.json's copies."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyogrio import list_layers, read_dataframe
from pyogrio.errors import DataSourceError

from optimizer.config import config_to_toml
from optimizer.errors import Finding
from optimizer.plan.manifest import Manifest, locate, outputs_of, sha256
from optimizer.plan.place import PLACED_BY, Places
from optimizer.plan.table_text import table_to_csv
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import capped, differs, finding
from optimizer.plan.verify_context import Context

MAP = "plan.gpkg"


def check_inputs(manifest: Manifest, folder: Path, inputs: Path | None, prefix: str) -> list[Finding]:
    """Every input is where the manifest says, and is the one that was read."""
    found = []
    for entry in manifest.inputs:
        where = f"{prefix}manifest.json input {entry.path}"
        path = locate(entry, folder, inputs, manifest)
        if path is None or not path.is_file():
            remedy = "name the folder of the study file with --inputs"
            found.append(Finding("plan.input.missing", where, "the input is not there", "", remedy))
        elif (now := sha256(path)) != entry.sha256:
            message = f"the input is not the one that was read, its sha256 was {entry.sha256[:12]}..."
            found.append(Finding("plan.input.changed", where, message, f"{now[:12]}...", "solve the study again"))
    return found


def check_outputs(manifest: Manifest, folder: Path, prefix: str) -> list[Finding]:
    """Every file of the folder is the one that was written; a change shows here before it is found by its content."""
    stated = {entry.path: entry.sha256 for entry in manifest.outputs}
    there = {entry.path: entry.sha256 for entry in outputs_of(folder)}
    found = []
    for path in sorted(set(stated) | set(there)):
        where = f"{prefix}{path}"
        if path not in there:
            found.append(Finding("plan.output.missing", where, "the file is named in manifest.json and is missing"))
        elif path not in stated:
            found.append(Finding("plan.output.unknown", where, "the file is not named in manifest.json"))
        elif stated[path] != there[path]:
            found.append(Finding("plan.output.changed", where, "the file is not the one that was written"))
    return found


def check_map(context: Context) -> list[Finding]:
    """Every layer of the map holds the table of its name, at the places of the inputs."""
    path = context.folder / MAP
    where = f"{context.prefix}{MAP}"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.execute("SELECT table_name FROM gpkg_contents").fetchall()
        layers = {str(name) for name in list_layers(path)[:, 0]}
    except (sqlite3.Error, DataSourceError) as error:
        return [Finding("plan.map.unreadable", where, "cannot be read as a GeoPackage", str(error))]
    findings = [
        Finding("plan.map.layer", f"{where} layer {name}", "the layer is in only one of the map and the tables")
        for name in sorted(layers ^ set(context.tables))
    ]
    places = Places.of(context.study)
    for name in (n for n in PLAN_TABLES if n in layers and n in context.tables):
        findings += _check_layer(context, name, read_dataframe(path, layer=name), places)
    return findings


def _check_layer(context: Context, name: str, layer: pd.DataFrame, places: Places) -> list[Finding]:
    table = context.table(name)
    where = f"{context.prefix}{MAP} layer {name}"
    if len(layer) != len(table) or not set(table.columns) <= set(layer.columns):
        message = "rows or columns differ from those of the table"
        return [Finding("plan.map.layer", where, message, f"{len(layer)} rows, the table has {len(table)}")]
    findings = []
    for column in PLAN_TABLES[name].columns:
        stated, listed = layer[column.name], table[column.name]
        if column.kind in ("id", "text"):
            bad = stated.fillna("").astype(str).to_numpy() != listed.to_numpy()
        else:
            bad = differs(stated.to_numpy(), listed.to_numpy(), "")
        found = [
            finding(
                f"{where} row {i + 1} column {column.name}", stated.iat[i], listed.iat[i], column.unit, "as in tables"
            )
            for i in np.flatnonzero(bad)
        ]
        findings += capped(found, f"{where} column {column.name}")
    return findings + _check_geometry(name, layer, table, places, where)


def _check_geometry(name: str, layer: Any, table: pd.DataFrame, places: Places, where: str) -> list[Finding]:
    expected = places.place(name, table)
    if "geometry" not in expected.columns or name not in PLACED_BY or "geometry" not in layer.columns:
        return []
    close = layer.geometry.geom_equals_exact(expected.geometry, 1e-9, align=False)
    both_empty = layer.geometry.isna().to_numpy() & expected.geometry.isna().to_numpy()
    found = [
        Finding("plan.map.geometry", f"{where} row {i + 1}", "the geometry is not that of the inputs")
        for i in np.flatnonzero(~close.to_numpy() & ~both_empty)
    ]
    return capped(found, f"{where} geometry")


def check_study_file(context: Context) -> list[Finding]:
    """study.toml is the study as the inputs resolve it, line by line."""
    path = context.folder / "study.toml"
    where = f"{context.prefix}study.toml"
    try:
        stated = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return [Finding("plan.study.unreadable", where, "cannot be read", str(error))]
    expected = config_to_toml(context.study.config).splitlines()
    found = [
        finding(f"{where} line {i + 1}", a, b, "", "as the inputs resolve the study")
        for i, (a, b) in enumerate(zip(stated, expected, strict=False))
        if a != b
    ]
    if len(stated) != len(expected):
        found.append(finding(f"{where}", f"{len(stated)} lines", f"{len(expected)} lines"))
    return capped(found, where)


def check_table_text(context: Context) -> list[Finding]:
    """Tables are written as tables of a plan are: six decimals, line feeds, no other form of the same number."""
    found = []
    for name, table in context.tables.items():
        text = (context.folder / "tables" / f"{name}.csv").read_bytes()
        if text != table_to_csv(name, table).encode("utf-8"):
            where = f"{context.prefix}tables/{name}.csv"
            found.append(Finding("plan.table.text", where, "numbers or lines are not written as a plan writes them"))
    return found


CHECKS = (check_map, check_study_file, check_table_text)
