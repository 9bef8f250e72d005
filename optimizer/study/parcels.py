"""The user's parcels: polygons with a name each."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from optimizer.errors import Finding, InputError, nearest
from optimizer.grid.schema import as_text

_NAMED = 5


def named_parcels(frame: gpd.GeoDataFrame, column: str | None, where: str) -> gpd.GeoDataFrame:
    """Parcels by name.

    Parameters
    ----------
    frame : GeoDataFrame
        Features as read.
    column : str, optional
        Column of the names; without one parcels are numbered in the order of the file.
    where : str
        How findings name the file.

    Returns
    -------
    GeoDataFrame, index ``parcel``
        Geometry alone, in the reference system of the file.

    Raises
    ------
    InputError
        The column is not there, a name is empty or given twice, or a feature has no area.
    """
    if column is not None and column not in frame.columns.drop(frame.geometry.name):
        known = list(frame.columns.drop(frame.geometry.name))
        text = "the parcels have no such column"
        raise InputError([Finding("study.parcels.name", "sites.parcels_name", text, column, nearest(column, known))])
    numbers = np.arange(1, len(frame) + 1)
    given = [f"parcel {n}" for n in numbers] if column is None else as_text(frame[column]).tolist()
    names = pd.Series(given, dtype=object)
    flat = shapely.get_dimensions(frame.geometry.to_numpy()) < 2
    findings = [
        *_of_features(names == "", numbers, where, "unnamed", "the parcel has no name", f"fill {column}"),
        *_of_features(
            names.duplicated() & (names != ""),
            numbers,
            where,
            "same_name",
            "another parcel has the same name",
            "give each parcel a name of its own, or leave parcels_name out",
            names,
        ),
        *_of_features(flat, numbers, where, "no_area", "the parcel has no area", "give polygons"),
    ]
    if findings:
        raise InputError(findings)
    return gpd.GeoDataFrame(geometry=frame.geometry.values, index=pd.Index(names, name="parcel"), crs=frame.crs)


def _of_features(
    bad: pd.Series | np.ndarray,
    numbers: np.ndarray,
    where: str,
    rule: str,
    text: str,
    remedy: str,
    names: pd.Series | None = None,
) -> list[Finding]:
    """Findings of the first few features, and the number of the rest."""
    at = np.flatnonzero(bad)
    findings = [
        Finding(
            f"study.parcels.{rule}",
            f"{where}, feature {numbers[i]}",
            text,
            "" if names is None else repr(names[i]),
            remedy,
        )
        for i in at[:_NAMED]
    ]
    if len(at) > _NAMED:
        rest = f"{where}, {len(at) - _NAMED} further features"
        findings.append(Finding(f"study.parcels.{rule}", rest, text, "", remedy))
    return findings
