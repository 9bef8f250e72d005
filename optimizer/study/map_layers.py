"""Map layers of a study: read as their settings say, and checked against what they are to do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.config import LayerSettings
from optimizer.errors import Finding
from optimizer.io.raster import SUFFIXES, Raster, read_raster
from optimizer.io.vector import read_vector
from optimizer.io.vector_source import GEODATABASE
from optimizer.io.where import parse_where
from optimizer.io.where_values import kind_of
from optimizer.layers.layer import MapLayer
from optimizer.study.inputs import InputFile
from optimizer.study.region import Region

MADE_OF = {"source", "layer", "band", "where", "column"}
"""Settings that say what is read of a file."""

USED = {
    "exclude": {"buffer_m"},
    "setback": {"buffer_m"},
    "attribute": {"buffer_m", "column", "value", "join", "attribute"},
    "cost": {"buffer_m", "column", "value", "join", "per", "attribute"},
    "limit": {"buffer_m", "column", "value", "join", "of", "attribute"},
    "friction": {"buffer_m", "column", "value", "multipliers"},
    "barrier": {"buffer_m"},
}
"""Settings that have an effect, by rule; those of `_ALWAYS` always have."""

_ALWAYS = {"source", "name", "recipe", "layer", "band", "where", "rule", "citation"}
_VALUED = ("cost", "limit", "friction")
_NUMERIC_JOINS = ("mean", "maximum", "minimum")
_NEEDS_NO_VALUE = ("share", "distance")
_SLIVER = 1e-6
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,62}")


def unique_names(layers: Sequence[LayerSettings]) -> tuple[str, ...]:
    """Names of layers: those given, else of their files, numbered where a file is used more than once.

    Parameters
    ----------
    layers : sequence of LayerSettings
        In the order of the study. Names that are given twice stay: `layer_findings` refuses them.
    """
    taken = {layer.name for layer in layers if layer.name is not None}
    names = []
    for layer in layers:
        stem = Path(layer.source).stem
        name, number = layer.name or stem, 1
        while layer.name is None and name in taken:
            number += 1
            name = f"{stem} {number}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def read_data(
    path: Path, settings: LayerSettings
) -> tuple[gpd.GeoDataFrame | Raster, tuple[InputFile, ...], tuple[Finding, ...]]:
    """Read the file of a layer.

    Parameters
    ----------
    path : Path
        Vector or raster file, or folder of a file geodatabase.
    settings : LayerSettings
        Layer or band, filter and column.

    Returns
    -------
    data : GeoDataFrame or Raster
        Features that the filter lets through, or the raster.
    inputs : tuple of InputFile
        Every file that was read.
    findings : tuple of Finding
        Warnings.

    Raises
    ------
    InputError
        The file or the filter cannot be used.
    """
    where = settings.source
    if path.suffix.lower() in SUFFIXES:
        raster, findings = read_raster(path, settings.band, where)
        if settings.where is not None:
            chosen = parse_where(settings.where, f"{where}, where")
            chosen.mask(pd.DataFrame({"value": np.zeros(0)}))
        return raster, tuple(InputFile(p, "layer") for p in (path, *raster.beside)), tuple(findings)
    wanted = [] if settings.column is None else [settings.column]
    frame, findings = read_vector(path, settings.layer, where, settings.where, wanted)
    return frame, tuple(InputFile(p, "layer") for p in files_of(path)), tuple(findings)


def files_of(path: Path) -> list[Path]:
    """Files of a layer: a geodatabase is a folder, and the files beside a Shapefile hold its attributes."""
    if path.suffix.lower() == GEODATABASE:
        return [p for p in sorted(path.iterdir()) if p.is_file() and p.suffix.lower() != ".lock"]
    if path.suffix.lower() == ".shp":
        return [p for p in sorted(path.parent.glob(f"{escape(path.stem)}.*")) if p.is_file()]
    return [path]


def layer_findings(layers: Sequence[MapLayer], region: Region | None = None) -> list[Finding]:
    """Check what layers are to do against what they hold.

    Parameters
    ----------
    layers : sequence of MapLayer
        All layers of a study, in its order.
    region : Region, optional
        Where sites are looked for.

    Returns
    -------
    list of Finding
        Errors where a rule cannot work, warnings where it does nothing.
    """
    findings: list[Finding] = list(_duplicates(layers))
    for number, layer in enumerate(layers, start=1):
        where = f"sites.layers#{number} ({layer.name})"
        refused = [*_settings(layer, where), *_values(layer, where), *_shapes(layer, where)]
        findings += [*refused, *_unused(layer, where)]
        if region is not None and not refused:
            findings += _place(layer, region, where)
    return findings


def _duplicates(layers: Sequence[MapLayer]) -> Iterator[Finding]:
    for what, names in (
        ("name", [layer.name for layer in layers]),
        ("attribute", [_column_name(layer) for layer in layers if layer.settings.rule == "attribute"]),
    ):
        for name, count in Counter(names).items():
            if count > 1:
                text, remedy = f"two layers have the same {what}", f"give each its own {what}"
                yield Finding(f"study.layer.same_{what}", "sites.layers", text, repr(name), remedy)


def _column_name(layer: MapLayer) -> str:
    return layer.settings.attribute or layer.name


def _settings(layer: MapLayer, where: str) -> Iterator[Finding]:
    """What a rule needs to be told."""
    settings = layer.settings
    if settings.rule == "setback" and settings.buffer_m == 0:
        text, remedy = "a setback without a distance keeps no land free", "give buffer_m, the distance to keep"
        yield Finding("study.layer.no_distance", f"{where}, buffer_m", text, "0", remedy)
    if settings.rule == "setback" and layer.raster is not None:
        text, remedy = "a raster has no outlines to keep from", 'use rule = "exclude" with buffer_m'
        yield Finding("study.layer.no_outline", where, text, "", remedy)
    if settings.rule == "cost" and settings.per is None:
        text, remedy = "a cost does not say what it is for", 'give per: "ha", "mw", "site" or "tie"'
        yield Finding("study.layer.no_per", f"{where}, per", text, "", remedy)
    if settings.rule == "limit" and settings.of is None:
        text, remedy = "a limit does not say what it is on", 'give of: "mw" or "water_m3_day"'
        yield Finding("study.layer.no_of", f"{where}, of", text, "", remedy)
    if settings.rule == "attribute" and not _PLAIN.fullmatch(_column_name(layer)):
        text = "the name of a column is not made of small letters, digits and underscores"
        remedy = 'give attribute, such as "flood_depth_m"'
        yield Finding("study.layer.attribute", f"{where}, attribute", text, repr(_column_name(layer)), remedy)


def _values(layer: MapLayer, where: str) -> Iterator[Finding]:
    """The value that a rule takes from a layer: there is one, of the right kind and in its range."""
    settings, rule = layer.settings, layer.settings.rule
    if rule not in (*_VALUED, "attribute"):
        return
    if settings.column is not None and settings.value is not None:
        text, remedy = "both a column and a value are given", "leave one of them out"
        yield Finding("study.layer.two_values", where, text, f"{settings.column!r} and {settings.value:g}", remedy)
    elif settings.column is None and settings.value is None and layer.features is not None:
        if rule != "attribute" or settings.join not in _NEEDS_NO_VALUE:
            text, remedy = "the layer does not say which value its features have", "give column or value"
            yield Finding("study.layer.no_value", where, text, "", remedy)
    elif settings.column is not None and layer.features is not None:
        yield from _column(layer, layer.features[settings.column], f"{where}, column {settings.column}")
    elif settings.value is not None:
        yield from _range(layer, np.array([settings.value]), f"{where}, value")


def _column(layer: MapLayer, values: pd.Series, where: str) -> Iterator[Finding]:
    rule, join = layer.settings.rule, layer.settings.join
    given = values[values.notna()]
    if rule in _VALUED or join in _NUMERIC_JOINS:
        if kind_of(values) != "number":
            text, remedy = "numbers are needed, and the column holds none", "name a column of numbers"
            found = repr(given.iloc[0])[:60] if len(given) else "no values"
            yield Finding("study.layer.not_numeric", where, text, found, remedy)
            return
        yield from _range(layer, given.to_numpy(dtype=float), where)
    if len(given) < len(values):
        text, remedy = "features have no value in the column and count as if they were not there", "fill the column"
        found = f"{len(values) - len(given)} of {len(values)} features"
        yield Finding("study.layer.missing_value", where, text, found, remedy, "warning")


def _range(layer: MapLayer, values: np.ndarray, where: str) -> Iterator[Finding]:
    settings = layer.settings
    if settings.rule == "friction" and settings.multipliers is not None:
        return
    factor = settings.rule == "friction" or (settings.rule == "cost" and settings.per == "tie")
    wrong = values <= 0 if factor else values < 0 if settings.rule == "limit" else ~np.isfinite(values)
    wrong |= ~np.isfinite(values)
    if wrong.any():
        text = "a factor must be above 0" if factor else "a limit must not be below 0"
        text = text if factor or settings.rule == "limit" else "a value must be finite"
        found = f"{values[wrong][0]:g}" + (f" and {int(wrong.sum()) - 1} more" if wrong.sum() > 1 else "")
        yield Finding("study.layer.range", where, text, found, "correct the value, or leave such features out by where")


def _shapes(layer: MapLayer, where: str) -> Iterator[Finding]:
    settings = layer.settings
    if layer.features is None or settings.rule != "exclude" or settings.buffer_m > 0:
        return
    flat = shapely.get_dimensions(layer.features.geometry.to_numpy()) < 2
    if flat.any():
        text = "points and lines exclude no land without a buffer"
        remedy = "give buffer_m, the distance to keep from them"
        yield Finding("study.layer.no_area", where, text, f"{int(flat.sum())} features", remedy)


def _unused(layer: MapLayer, where: str) -> Iterator[Finding]:
    settings = layer.settings
    known = _ALWAYS | USED[settings.rule]
    if layer.raster is None:
        known -= {"band"}
    else:
        # One factor may stand for all cells of a friction raster that its filter lets through.
        known -= {"layer", "column"} if settings.rule == "friction" else {"layer", "column", "value"}
    # What a recipe fills in may hold more than one rule needs.
    for key in sorted(settings.model_fields_set - known) if settings.recipe is None else []:
        kind = "vector" if layer.raster is None else "raster"
        text, remedy = f"the key has no effect on a {kind} layer with rule {settings.rule}", "leave it out"
        yield Finding("study.layer.unused", f"{where}, {key}", text, repr(getattr(settings, key)), remedy, "warning")


def _place(layer: MapLayer, region: Region, where: str) -> Iterator[Finding]:
    """Layers that lie elsewhere than the region, or cover a part of it only where all of it is needed."""
    if layer.settings.join == "distance":
        return
    crs = layer.raster.crs if layer.raster is not None else layer.features.crs if layer.features is not None else None
    reach = shapely.buffer(region.footprint, layer.settings.buffer_m)
    around = gpd.GeoSeries([reach], crs=region.crs).to_crs(crs).make_valid().iloc[0]
    if layer.raster is not None:
        covered = shapely.box(*layer.raster.bounds)
        share = shapely.area(shapely.intersection(around, covered)) / shapely.area(around)
        if 0 < share < 1 - _SLIVER:
            text, remedy = "the raster covers a part of the region only", "give one that covers it, or read with care"
            found = f"{share:.1%} of the region"
            yield Finding("study.layer.partial", where, text, found, remedy, "warning", value=share, limit=1.0)
        met, extent = share > 0, covered
    else:
        assert layer.features is not None
        if layer.features.empty:
            return
        met = _meets(layer.features.geometry.to_numpy(), around)
        extent = shapely.box(*layer.features.total_bounds)
    if met:
        return
    west, south, east, north = extent.bounds
    if not around.intersects(extent) and around.intersects(shapely.box(south, west, north, east)):
        text = "the layer lies in the region only with x and y exchanged"
        remedy = "export it again with x (east) before y (north)"
        yield Finding("study.layer.axis_order", where, text, f"{west:.6g} {south:.6g}", remedy)
        return
    text = "the layer does not meet the region: it has no effect there"
    remedy = "check its coordinate reference system, or leave it out"
    yield Finding("study.layer.elsewhere", where, text, "", remedy, "warning")


def _meets(shapes: np.ndarray, around: shapely.Geometry) -> bool:
    """Whether any shape meets an area; most are told apart by their bounds."""
    west, south, east, north = around.bounds
    x0, y0, x1, y1 = shapely.bounds(shapes).T
    near = shapes[(x1 >= west) & (x0 <= east) & (y1 >= south) & (y0 <= north)]
    shapely.prepare(around)
    return bool(shapely.intersects(around, near).any())
