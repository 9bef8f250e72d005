"""Repairs of geometries: made by GEOS, and each said, so that nobody works with a shape he has not drawn unawares."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely

from optimizer.errors import Finding, Severity

LABELS = ("name", "id", "fips", "county", "label")
"""Columns whose value names a feature in findings."""

FARTHEST = 1e11
"""Largest coordinate: no map of the Earth is wider, not even one in millimetres."""

_NAMED = 5
_COMPARE = "compare the feature with its source"


def drawn(frame: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Features that have a geometry, without heights.

    Parameters
    ----------
    frame : GeoDataFrame
        Features; the index counts them from 0 in the file.
    name : str
        How findings name the layer.

    Returns
    -------
    features : GeoDataFrame
        Those with at least one point.
    findings : list of Finding
        Warnings of features left out, a note of heights dropped, errors of coordinates that are no numbers.
    """
    shapes, findings = _flat(frame.geometry.to_numpy(), name)
    gone = np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    text, remedy = "the feature has no geometry and is left out", "draw it, or remove it from the layer"
    findings += by_feature(frame, gone, name, "empty_geometry", text, remedy, severity="warning")
    endless = ~gone & ~_on_a_map(shapes)
    text, remedy = "a coordinate is no number, or beyond any map", "draw the feature again, or remove it"
    findings += by_feature(frame, endless, name, "invalid_geometry", text, remedy)
    if gone.all() and len(gone):
        findings.append(empty(name))
    return with_shapes(frame, shapes, ~gone & ~endless), findings


def repaired(frame: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Features with valid geometries of one dimension each, and what had to be done for it.

    Parameters
    ----------
    frame : GeoDataFrame
        Features as `drawn` gives them.
    name : str
        How findings name the layer.

    Returns
    -------
    features : GeoDataFrame
        Same features without those of which nothing is left: repeated points and parts of fewer dimensions than the
        rest of their feature are gone, invalid rings are rebuilt from their edges.
    findings : list of Finding
        Warnings of what was done, notes of what loses nothing, errors of what cannot be repaired.
    """
    findings: list[Finding] = []
    shapes = frame.geometry.to_numpy()
    for repair in (_one_dimension, _valid, _without_repeats):
        shapes, found = repair(frame, shapes, name)
        findings += found
    lost = np.asarray(shapely.is_empty(shapes))
    text, remedy = "nothing is left of the geometry once it is repaired: the feature is left out", "draw it again"
    findings += by_feature(frame, lost, name, "collapsed_geometry", text, remedy, severity="warning")
    if lost.all() and len(lost):
        findings.append(empty(name))
    findings += _kinds(shapes[~lost], name)
    return with_shapes(frame, shapes, ~lost), findings


def with_shapes(frame: gpd.GeoDataFrame, shapes: np.ndarray, kept: np.ndarray) -> gpd.GeoDataFrame:
    """Some of the features, with new geometries.

    Parameters
    ----------
    frame : GeoDataFrame
        Features.
    shapes : array of Geometry, shape (n,)
        Their new geometries.
    kept : bool array, shape (n,)
        Which of them.
    """
    index = frame.index[kept]
    return frame[kept].set_geometry(gpd.GeoSeries(shapes[kept], index=index, crs=frame.crs))


def _flat(shapes: np.ndarray, name: str) -> tuple[np.ndarray, list[Finding]]:
    deep = np.asarray(shapely.has_z(shapes))
    if not deep.any():
        return shapes, []
    text = "heights of points are not used and have been dropped"
    found = f"{int(deep.sum())} features"
    return np.asarray(shapely.force_2d(shapes)), [problem("heights", name, text, found, "", "info")]


def _on_a_map(shapes: np.ndarray) -> np.ndarray:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    finite = np.ones(len(shapes), dtype=bool)
    with np.errstate(invalid="ignore"):
        finite[owner[~(np.abs(points) <= FARTHEST).all(axis=1)]] = False
    return finite


def _one_dimension(frame: gpd.GeoDataFrame, shapes: np.ndarray, name: str) -> tuple[np.ndarray, list[Finding]]:
    """Collections become their areas, or their lines where there are no areas, or their points."""
    mixed = np.asarray(shapely.get_type_id(shapes)) == shapely.GeometryType.GEOMETRYCOLLECTION
    if not mixed.any():
        return shapes, []
    shapes, loses = shapes.copy(), np.zeros(len(shapes), dtype=bool)
    for row in np.flatnonzero(mixed):
        parts = _parts(shapes[row])
        dimension = shapely.get_dimensions(parts)
        highest = parts[dimension == dimension.max(initial=-1)]
        loses[row] = len(highest) < len(parts)
        # Areas of one collection may overlap, and a valid multipolygon has none that do.
        shapes[row] = _together(highest)
    text = "parts of fewer dimensions than the rest of the feature have been left out"
    remedy = "give areas, lines and points as layers of their own"
    return shapes, by_feature(frame, loses, name, "mixed_geometry", text, remedy, severity="warning")


def _parts(shape: shapely.Geometry) -> np.ndarray:
    """Simple parts of a collection, of collections inside it too."""
    parts = shapely.get_parts(shape)
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        parts = shapely.get_parts(parts)
    return parts[~shapely.is_empty(parts)]


def _together(parts: np.ndarray) -> shapely.Geometry:
    if not len(parts):
        return shapely.GeometryCollection()
    if shapely.get_dimensions(parts[0]) == 2:
        return shapely.union_all(shapely.make_valid(parts, method="structure", keep_collapsed=False))
    return shapely.multilinestrings(parts) if shapely.get_dimensions(parts[0]) == 1 else shapely.multipoints(parts)


def _valid(frame: gpd.GeoDataFrame, shapes: np.ndarray, name: str) -> tuple[np.ndarray, list[Finding]]:
    """Rings that cross or touch themselves are rebuilt: parts that overlap become one, holes stay holes."""
    invalid = ~np.asarray(shapely.is_valid(shapes))
    if not invalid.any():
        return shapes, []
    reasons = np.full(len(shapes), "", dtype=object)
    reasons[invalid] = shapely.is_valid_reason(shapes[invalid])
    shapes = shapes.copy()
    shapes[invalid] = shapely.make_valid(shapes[invalid], method="structure", keep_collapsed=False)
    still = ~np.asarray(shapely.is_valid(shapes))
    text = "the geometry was not valid and has been repaired"
    findings = by_feature(
        frame, invalid & ~still, name, "invalid_geometry", text, _COMPARE, severity="warning", found=reasons
    )
    text, remedy = "the geometry is not valid and cannot be repaired", "draw the feature again, or remove it"
    return shapes, findings + by_feature(frame, still, name, "invalid_geometry", text, remedy, found=reasons)


def _kinds(shapes: np.ndarray, name: str) -> list[Finding]:
    count = np.bincount(shapely.get_dimensions(shapes), minlength=3)
    if (count > 0).sum() < 2:
        return []
    text, remedy = "the layer mixes points, lines and areas", "give each as a layer of its own"
    found = f"{count[0]} points, {count[1]} lines, {count[2]} areas"
    return [problem("mixed_layer", name, text, found, remedy, "warning")]


def _without_repeats(frame: gpd.GeoDataFrame, shapes: np.ndarray, name: str) -> tuple[np.ndarray, list[Finding]]:
    before = shapely.get_num_coordinates(shapes).sum()
    try:
        slim = np.asarray(shapely.remove_repeated_points(shapes))
    except shapely.errors.GEOSException:
        # Points so near that their distance is rounded to zero can be all that a ring has.
        return shapes, []
    # Points of a multipoint that are given twice are kept: each may be a thing of its own.
    slim = np.where(np.asarray(shapely.get_dimensions(shapes)) > 0, slim, shapes)
    dropped = int(before - shapely.get_num_coordinates(slim).sum())
    if not dropped:
        return shapes, []
    text = "points that repeat the one before have been dropped"
    return slim, [problem("repeated_points", name, text, f"{dropped} points", "", "info")]


def by_feature(
    frame: gpd.GeoDataFrame,
    chosen: np.ndarray,
    name: str,
    rule: str,
    message: str,
    remedy: str,
    severity: Severity = "error",
    found: np.ndarray | None = None,
) -> list[Finding]:
    """One finding for each chosen feature, the first few named one by one and the rest counted.

    Parameters
    ----------
    frame : GeoDataFrame
        Features; the index counts them from 0 in the file.
    chosen : bool array, shape (n,)
        Which of them.
    name, rule, message, remedy, severity
        Of the findings.
    found : array of str, shape (n,), optional
        What was found in each.
    """
    findings = []
    rows = np.flatnonzero(chosen)
    for row in rows[:_NAMED]:
        where = f"{name}, feature {frame.index[row] + 1}{_label(frame, row)}"
        findings.append(problem(rule, where, message, "" if found is None else str(found[row]), remedy, severity))
    if len(rows) > _NAMED:
        rest = f"{len(rows) - _NAMED} further features"
        findings.append(problem(rule, f"{name}, {rest}", message, "", remedy, severity))
    return findings


def _label(frame: gpd.GeoDataFrame, row: int) -> str:
    """Name of a feature in the user's own words, when it has one."""
    for column in frame.columns:
        if str(column).lower() in LABELS:
            return f" ({column} {str(frame[column].iloc[row])[:60]})"
    return ""


def empty(name: str) -> Finding:
    """Refusal of a layer without features."""
    remedy = "give a layer with at least one feature, or leave the layer out"
    return problem("empty_layer", name, "the layer has no features", "0 features", remedy)


def problem(rule: str, where: str, message: str, found: str, remedy: str, severity: Severity = "error") -> Finding:
    """A finding about a vector layer."""
    return Finding(f"vector.{rule}", where, message, found, remedy, severity)
