"""Where on the Earth features lie: exchanged axes are refused, the antimeridian is cut along."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from optimizer.errors import Finding
from optimizer.io.vector_repair import by_feature, problem

_TURN = 360.0
_ORDER = "state the right reference system, or export the layer again with x (east) before y (north)"


def unrolled(frame: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Features whose lines jump over the antimeridian, drawn on as if longitudes went beyond it.

    Done before invalid rings are repaired: a jump back over the whole map crosses what it should not.

    Parameters
    ----------
    frame : GeoDataFrame
        Features, none without geometry; the index counts them from 0 in the file.
    name : str
        How findings name the layer.

    Returns
    -------
    features : GeoDataFrame
        Longitudes from -360 to 360.
    findings : list of Finding
        Errors of degrees that are none.
    """
    if frame.empty or frame.crs is None or not frame.crs.is_geographic:
        return frame, []
    if found := _no_degrees(frame, name):
        return frame, found
    shapes = frame.geometry.to_numpy()
    bounds = shapely.bounds(shapes)
    wide = np.flatnonzero(bounds[:, 2] - bounds[:, 0] > _TURN / 2).tolist()
    moved = {row: shape for row in wide if (shape := _unrolled(shapes[row])) is not None}
    return _replaced(frame, moved), []


def placed(frame: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Features cut at the antimeridian where they go beyond it.

    Parameters
    ----------
    frame : GeoDataFrame
        Valid features with a reference system; the index counts them from 0 in the file.
    name : str
        How findings name the layer.

    Returns
    -------
    features : GeoDataFrame
        Longitudes from -180 to 180.
    findings : list of Finding
        Warnings of features that were cut, or lie where their reference system is not made for; an error where that is
        because x and y are exchanged.
    """
    if frame.empty:
        return frame, []
    if not frame.crs.is_geographic:
        return frame, _far_from_its_area(frame, name)
    shapes = frame.geometry.to_numpy()
    beyond = (np.abs(shapely.bounds(shapes)[:, [0, 2]]) > _TURN / 2).any(axis=1)
    cut = _replaced(frame, {row: _rolled(shapes[row]) for row in np.flatnonzero(beyond).tolist()})
    text = "the feature goes beyond the antimeridian (longitude 180): it has been cut there and brought back"
    remedy = "export it cut at longitude 180, as RFC 7946, section 3.1.9, asks for"
    findings = by_feature(frame, beyond, name, "antimeridian", text, remedy, severity="warning")
    return cut, [*findings, *_far_from_its_area(cut, name)]


def _replaced(frame: gpd.GeoDataFrame, shapes: dict[int, shapely.Geometry]) -> gpd.GeoDataFrame:
    if not shapes:
        return frame
    new = frame.geometry.to_numpy().copy()
    new[list(shapes)] = list(shapes.values())
    return frame.set_geometry(gpd.GeoSeries(new, index=frame.index, crs=frame.crs))


def _no_degrees(frame: gpd.GeoDataFrame, name: str) -> list[Finding]:
    bounds = shapely.bounds(frame.geometry.to_numpy())
    x, y = np.abs(bounds[:, [0, 2]]), np.abs(bounds[:, [1, 3]])
    if y.max() > 90 and y.max() <= 180 and x.max() <= 90:
        text = "longitude and latitude are exchanged: latitudes are beyond 90 degrees"
        return [problem("axis_order", name, text, _extent(frame), _ORDER)]
    text = f"the coordinates are no longitudes and latitudes, which {frame.crs.name} means"
    remedy = "the coordinates are projected, or in another order: state the right reference system"
    outside = (x > _TURN).any(axis=1) | (y > 90).any(axis=1)
    return by_feature(frame, outside, name, "coordinates", text, remedy)


def _far_from_its_area(frame: gpd.GeoDataFrame, name: str) -> list[Finding]:
    """Features outside of the area that their reference system is made for, where exchanged axes would be inside."""
    area = _area_of_use(frame.crs)
    if area is None:
        return []
    west, south, east, north = frame.total_bounds
    if area.intersects(shapely.box(west, south, east, north)):
        return []
    text = f"no feature lies in the area that {frame.crs.name} is made for"
    if area.intersects(shapely.box(south, west, north, east)):
        return [problem("axis_order", name, f"{text}, and with x and y exchanged they do", _extent(frame), _ORDER)]
    remedy = "check the reference system of the layer: what is far from its area is drawn distorted"
    return [problem("outside_area", name, text, _extent(frame), remedy, "warning")]


def _extent(frame: gpd.GeoDataFrame) -> str:
    west, south, east, north = frame.total_bounds
    return f"x from {west:.7g} to {east:.7g}, y from {south:.7g} to {north:.7g}"


def _area_of_use(crs: pyproj.CRS) -> shapely.Geometry | None:
    """Area that a reference system is made for, in its own coordinates; ``None`` if it does not say."""
    area = crs.area_of_use
    if area is None:
        return None
    if crs.is_geographic:
        if area.west < area.east:
            return shapely.box(*area.bounds)
        east = shapely.box(area.west, area.south, _TURN / 2, area.north)
        return shapely.union(east, shapely.box(-_TURN / 2, area.south, area.east, area.north))
    if area.west >= area.east:
        return None
    to_map = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)
    bounds = to_map.transform_bounds(*area.bounds)
    return shapely.box(*bounds) if np.isfinite(bounds).all() and bounds[0] < bounds[2] else None


def _unrolled(shape: shapely.Geometry) -> shapely.Geometry | None:
    """A feature with its western longitudes moved a turn to the east, if its lines jump over the antimeridian.

    An edge longer than half a turn is taken the short way round, except where both its ends lie on the antimeridian,
    as those of a frame around the whole world do.
    """
    for part in shapely.get_parts(shape):
        for line in shapely.get_rings(part) if shapely.get_dimensions(part) == 2 else [part]:
            steps = np.abs(np.diff(shapely.get_coordinates(line)[:, 0]))
            if ((steps > _TURN / 2) & (steps < _TURN)).any():
                return shapely.transform(shape, _eastward)
    return None


def _eastward(points: np.ndarray) -> np.ndarray:
    return points + np.where(points[:, :1] < 0, [_TURN, 0.0], 0.0)


def _rolled(shape: shapely.Geometry) -> shapely.Geometry:
    """A feature with longitudes from -360 to 360 cut half a turn from 0 and brought back between -180 and 180."""
    parts = []
    for turn in (-_TURN, 0.0, _TURN):
        part = shapely.intersection(shape, shapely.box(turn - _TURN / 2, -90.0, turn + _TURN / 2, 90.0))
        if not shapely.is_empty(part) and shapely.get_dimensions(part) == shapely.get_dimensions(shape):
            parts.append(shapely.transform(part, lambda points, turn=turn: points - [turn, 0.0]))
    return shapely.union_all(parts)
