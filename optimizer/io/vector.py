"""Vector map layers: read with their reference system, refused where a geometry cannot be trusted.

A layer without a coordinate reference system has no place on the map, a self-crossing polygon has no defined inside,
and an empty layer excludes nothing without saying so: each is refused, naming the file and the feature.
"""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from optimizer.errors import Finding, InputError, nearest
from optimizer.io.reading import check_file, layer_names, read_text, refuse

_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".geojson": (b"{", b"\xef\xbb\xbf{"),
    ".json": (b"{", b"\xef\xbb\xbf{"),
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".parquet": (b"PAR1",),
}
_NAMED = 5

PARSED_BYTES = 20_000_000
"""A GeoJSON file up to this size is parsed here first, to say where it is wrong [bytes]; a larger one would need memory
many times its size, and is left to the reading library alone."""


def read_vector(path: Path, layer: str | None = None, where: str = "") -> gpd.GeoDataFrame:
    """Read one vector layer, in its own coordinate reference system.

    Parameters
    ----------
    path : Path
        GeoJSON, GeoPackage, Shapefile, FlatGeobuf or GeoParquet.
    layer : str, optional
        Layer of a GeoPackage; may be left out when the file has only one.
    where : str
        How findings name the file; its file name if empty.

    Returns
    -------
    GeoDataFrame
        Features in file order, with a known ``crs``, no missing and no invalid geometry.

    Raises
    ------
    InputError
        With every problem found: missing or too large file, wrong content, unknown layer, no CRS, no features,
        missing or invalid geometry, coordinates that the CRS cannot hold.
    """
    name = where or path.name
    suffix = path.suffix.lower()
    _check_content(path, suffix, name)
    if suffix == ".gpkg":
        layer = _layer_name(path, layer, name)
        name = f"{name} layer {layer}"
    try:
        frame = gpd.read_parquet(path) if suffix == ".parquet" else gpd.read_file(path, layer=layer)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError, OSError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        remedy = "check that the file opens in a GIS program"
        raise refuse("file.unreadable", name, "the layer cannot be read", reason, remedy) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise refuse("vector.no_geometry", name, "the table has no geometry", "", "give a map layer")
    findings = _check_layer(frame, name)
    if findings:
        raise InputError(findings)
    return frame.reset_index(drop=True)


def _check_content(path: Path, suffix: str, name: str) -> None:
    """Refuse what is not a file of the format that its suffix names."""
    check_file(path, name)
    if suffix not in _SIGNATURES:
        remedy = f"give one of {', '.join(_SIGNATURES)}"
        raise refuse("file.format", name, "unknown format of a map layer", path.suffix or "no suffix", remedy)
    # The suffix must be telling the truth: a library that guesses by content could follow a file that points elsewhere.
    with path.open("rb") as file:
        start = file.read(64).lstrip(b" \t\r\n")
    if not start.startswith(_SIGNATURES[suffix]):
        remedy = "export the layer again, or give the file the suffix of its format"
        raise refuse("vector.content", name, f"the content is not {suffix[1:]}", repr(start[:16]), remedy)
    if suffix in (".geojson", ".json") and path.stat().st_size <= PARSED_BYTES:
        _check_json(path, name)


def _check_json(path: Path, name: str) -> None:
    """Refuse malformed GeoJSON, or JSON of another kind, with the place of the error."""
    remedy = "export the layer as a GeoJSON feature collection (RFC 7946)"
    try:
        content = json.loads(read_text(path, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise refuse("vector.content", name, "the file is not valid JSON", str(error)[:200], remedy) from error
    kind = content.get("type")
    if kind != "FeatureCollection" or not isinstance(content.get("features"), list):
        raise refuse("vector.content", name, "the file is not a GeoJSON feature collection", repr(kind), remedy)
    if not content["features"]:
        raise InputError([_empty(name)])


def _layer_name(path: Path, layer: str | None, name: str) -> str:
    known = layer_names(path, name)
    if layer is None and len(known) == 1:
        return known[0]
    if layer is None or layer not in known:
        text = "no such layer" if layer else "the file has more than one layer: name one"
        raise refuse("file.layer", name, text, layer or "", nearest(layer or "", known))
    return layer


def _check_layer(frame: gpd.GeoDataFrame, name: str) -> list[Finding]:
    if frame.empty:
        return [_empty(name)]
    findings = []
    if frame.crs is None:
        remedy = "assign the layer its coordinate reference system and export it again (a Shapefile needs its .prj)"
        findings.append(_finding("no_crs", name, "the layer has no coordinate reference system", "none", remedy))
    shapes = frame.geometry.values
    missing = np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    findings += _features(frame, missing, name, "empty_geometry", "the feature has no geometry", "remove the feature")
    invalid = ~missing & ~np.asarray(shapely.is_valid(shapes))
    remedy = "repair the geometry (GIS programs call it 'fix geometries') and export it again"
    findings += _features(frame, invalid, name, "invalid_geometry", "the geometry is not valid", remedy, reasons=True)
    if frame.crs is not None and frame.crs.is_geographic:
        bounds = shapely.bounds(shapes)
        outside = (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1) | (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1)
        text = f"the coordinates are no longitudes and latitudes, which {frame.crs.name} means"
        remedy = "the coordinates are projected, or in another order: state the right reference system"
        findings += _features(frame, outside & ~missing, name, "coordinates", text, remedy)
    return findings


def _features(
    frame: gpd.GeoDataFrame, chosen: np.ndarray, name: str, rule: str, message: str, remedy: str, reasons: bool = False
) -> list[Finding]:
    """One finding for each chosen feature, the first few named one by one and the rest counted."""
    findings = []
    rows = np.flatnonzero(chosen)
    for row in rows[:_NAMED]:
        shape = frame.geometry.iloc[row]
        found = shapely.is_valid_reason(shape) if reasons else ""
        findings.append(_finding(rule, f"{name}, feature {row + 1}{_label(frame, row)}", message, found, remedy))
    if len(rows) > _NAMED:
        rest = f"{len(rows) - _NAMED} further features"
        findings.append(_finding(rule, f"{name}, {rest}", message, "", remedy))
    return findings


def _label(frame: gpd.GeoDataFrame, row: int) -> str:
    """Name of a feature in the user's own words, when it has one."""
    for column in frame.columns:
        if str(column).lower() in ("name", "id", "fips", "county", "label"):
            return f" ({column} {frame[column].iloc[row]})"
    return ""


def _empty(name: str) -> Finding:
    remedy = "give a layer with at least one feature, or leave the layer out"
    return _finding("empty_layer", name, "the layer has no features", "0 features", remedy)


def _finding(rule: str, where: str, message: str, found: str, remedy: str) -> Finding:
    return Finding(f"vector.{rule}", where, message, found, remedy)
