"""Vector map layers: read with their reference system, repaired where that can be done and said, else refused.

A layer without a coordinate reference system has no place on the map and an empty layer excludes nothing without saying
so: each is refused, naming the file and the feature. What `optimizer.io.vector_repair` mends is a warning.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from optimizer.errors import Finding, InputError, nearest, refuse_errors
from optimizer.io.reading import MAX_CELLS, refuse
from optimizer.io.vector_place import placed, unrolled
from optimizer.io.vector_repair import LABELS, by_feature, drawn, empty, problem, repaired, with_shapes
from optimizer.io.vector_source import Source, locate
from optimizer.io.where import Filter, parse_where

#: Rules of findings about features that are left out because they have no geometry that can be used.
LEFT_OUT = frozenset({"vector.empty_geometry", "vector.collapsed_geometry"})

_FAILURES = (
    shapely.errors.GEOSException,
    pa.ArrowException,
    LookupError,
    NameError,
    ValueError,
    OSError,
    RuntimeError,
)
"""What the reading libraries raise on a file that they cannot read; pyogrio uses an unset name on a garbled .prj."""


def read_vector(
    path: Path,
    layer: str | None = None,
    where: str = "",
    filter: str | None = None,
    columns: Sequence[str] | None = None,
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Read one vector layer, in its own coordinate reference system.

    Parameters
    ----------
    path : Path
        GeoJSON, GeoPackage, Shapefile (zipped or not), file geodatabase (folder, or zipped), FlatGeobuf or GeoParquet.
    layer : str, optional
        Layer of a file that may hold several; may be left out when it has only one.
    where : str
        How findings name the file; its file name if empty.
    filter : str, optional
        Features that count, in CQL2 text.
    columns : sequence of str, optional
        Columns to keep, besides those that the filter needs and that name a feature. Default: all.

    Returns
    -------
    features : GeoDataFrame
        Features in file order, counted from 0, with a known ``crs``, flat, none without geometry and each valid.
        Features that are left out leave no gap.
    findings : list of Finding
        What was repaired or left out, as warnings.

    Raises
    ------
    InputError
        With every problem found: missing or too large file, wrong content, unknown layer or column, no reference
        system, no features, geometry that cannot be repaired, coordinates that the reference system cannot hold.
    """
    name = where or path.name
    source = locate(path, layer, name)
    chosen = None if filter is None else parse_where(filter, f"{name}, where")
    frame, findings = _read(source, _fields(source, chosen, columns))
    if frame.empty:
        raise InputError([*findings, empty(source.name)])
    frame, found = _filtered(frame, chosen, source.name)
    findings += found
    if frame.crs is None or not (frame.crs.is_geographic or frame.crs.is_projected):
        text = "the layer has no coordinate reference system that places it on the Earth"
        remedy = "assign the layer its coordinate reference system and export it again (a Shapefile needs its .prj)"
        found_crs = "none" if frame.crs is None else frame.crs.name
        findings.append(problem("no_crs", source.name, text, found_crs, remedy))
    if frame.crs is not None:
        # Heights are dropped below, and a reference system with heights would ask for them.
        frame = frame.set_crs(frame.crs.to_2d(), allow_override=True)
    for step in (drawn, unrolled, repaired):
        frame, found = step(frame, source.name)
        findings += found
    refuse_errors(findings)
    frame, found = placed(frame, source.name)
    return frame.reset_index(drop=True), list(refuse_errors([*findings, *found]))


def _fields(source: Source, chosen: Filter | None, columns: Sequence[str] | None) -> list[str] | None:
    """Columns to read; ``None`` for all. Refuses too many cells, and columns that the layer does not have."""
    known, features = _described(source)
    needed = [] if chosen is None else list(chosen.columns)
    unknown = [c for c in [*(columns or []), *needed] if c not in known]
    if unknown:
        text = "the layer has no such column"
        raise InputError([problem("column", source.name, text, repr(c), nearest(c, known)) for c in unknown])
    wanted = known if columns is None else [c for c in known if c in {*columns, *needed} or c.lower() in LABELS]
    if (cells := features * (len(wanted) + 1)) > MAX_CELLS:
        remedy = f"at most {MAX_CELLS:,} cells are read: keep only the features and columns that are needed"
        raise refuse("file.too_large", source.name, "the layer is too large", f"{cells:,} cells", remedy)
    return None if columns is None else wanted


def _described(source: Source) -> tuple[list[str], int]:
    """Columns of a layer besides its geometry, and its number of features."""
    try:
        if source.parquet:
            described = pq.read_metadata(source.address)
            geometry = _geometry_columns(described)
            names = described.schema.to_arrow_schema().names
            return [c for c in names if c not in geometry], described.num_rows
        with warnings.catch_warnings():
            # Reading the features gives the same warnings again.
            warnings.simplefilter("ignore")
            described = pyogrio.read_info(source.address, layer=source.layer, force_feature_count=True)
        return [str(field) for field in described["fields"]], int(described["features"])
    except _FAILURES as error:
        raise _unreadable(source.name, error) from error


def _geometry_columns(described: pq.FileMetaData) -> list[str]:
    """Columns of a GeoParquet file that hold geometry, the one that is meant first; none of another Parquet file."""
    stored = (described.metadata or {}).get(b"geo")
    if stored is None:
        return []
    content = json.loads(stored)
    main = content["primary_column"]
    return [main, *(name for name in content["columns"] if name != main)]


def _read(source: Source, fields: list[str] | None) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Features as they are in the file; a geometry that cannot be built is refused, an unclosed ring is closed."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            frame = _read_parquet(source, fields) if source.parquet else _read_features(source, fields)
        except _FAILURES as error:
            raise _unreadable(source.name, error) from error
        if not isinstance(frame, gpd.GeoDataFrame):
            raise refuse("vector.no_geometry", source.name, "the table has no geometry", "", "give a map layer")
        frame, findings = _rebuilt(frame.reset_index(drop=True), source)
    return frame, [*_notes(said, source.name), *findings]


def _read_parquet(source: Source, fields: list[str] | None) -> gpd.GeoDataFrame | None:
    geometry = _geometry_columns(pq.read_metadata(source.address))
    if not geometry:
        return None
    return gpd.read_parquet(source.address, columns=None if fields is None else [*fields, geometry[0]])


def _read_features(source: Source, fields: list[str] | None) -> pd.DataFrame:
    return pyogrio.read_dataframe(
        source.address, layer=source.layer, columns=fields, on_invalid="ignore", datetime_as_string=False
    )


def _rebuilt(frame: gpd.GeoDataFrame, source: Source) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Close the rings that are not closed and say so; refuse, and leave out, what still is no geometry."""
    missing = np.flatnonzero(frame.geometry.isna())
    if source.parquet or not len(missing):
        return frame, []
    stored = pyogrio.raw.read(source.address, layer=source.layer, columns=[])[2]
    broken = missing[[stored[row] is not None for row in missing]]
    shapes, closed = frame.geometry.to_numpy().copy(), np.zeros(len(frame), dtype=bool)
    shapes[broken] = shapely.from_wkb(stored[broken], on_invalid="fix")
    closed[broken] = ~np.asarray(shapely.is_missing(shapes[broken]))
    bad = ~closed
    bad[np.setdiff1d(np.arange(len(frame)), broken)] = False
    text, remedy = "a ring was not closed and has been closed", "compare the feature with its source"
    findings = by_feature(frame, closed, source.name, "unclosed_ring", text, remedy, severity="warning")
    text, remedy = "the geometry has too few points to be drawn", "remove the feature, or draw it again"
    findings += by_feature(frame, bad, source.name, "invalid_geometry", text, remedy)
    return with_shapes(frame, shapes, ~bad), findings


def _notes(said: Sequence[warnings.WarningMessage], name: str) -> list[Finding]:
    """What the reading library warned of, each thing once; open rings are said of their features."""
    texts = dict.fromkeys(str(w.message).strip().split("\n")[0][:200] for w in said)
    remedy = "check the layer in a GIS program"
    text = "the layer was read with a note"
    return [problem("note", name, text, note, remedy, "warning") for note in texts if "Non closed ring" not in note]


def _filtered(frame: gpd.GeoDataFrame, chosen: Filter | None, name: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    if chosen is None:
        return frame, []
    kept = frame[chosen.mask(pd.DataFrame(frame.drop(columns=frame.geometry.name)))]
    if len(kept):
        return kept, []
    text = "the filter lets no feature of the layer through"
    remedy = "check its values against those of the layer, or leave the layer out"
    return kept, [problem("none_left", name, text, repr(chosen.text), remedy, "warning")]


def _unreadable(name: str, error: Exception) -> InputError:
    reason = str(error).strip().split("\n")[0][:200]
    return refuse("file.unreadable", name, "the layer cannot be read", reason, "check that it opens in a GIS program")
