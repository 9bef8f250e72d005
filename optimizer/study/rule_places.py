"""A place as a person names it: coordinates, a county, a state, a country, an operator or a utility."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from optimizer.errors import Finding, InputError, nearest
from optimizer.io.vector import read_vector
from optimizer.layers.jurisdictions import Jurisdiction, Jurisdictions, Place, merged, split_names
from optimizer.layers.places import WGS84
from optimizer.resources import dataset_names, dataset_path
from optimizer.study.facts import COUNTIES, read_checked

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)"


@dataclass(frozen=True)
class Named:
    """A place that was found.

    Parameters
    ----------
    place : Place
        Where it lies.
    title : str
        Its jurisdictions in words, the smallest first.
    jurisdictions : Jurisdictions
        All that are known, the counties of bundled regions among them.
    findings : tuple of Finding
        What is worth saying.
    """

    place: Place
    title: str
    jurisdictions: Jurisdictions
    findings: tuple[Finding, ...] = ()


def find_place(text: str, known: Jurisdictions) -> Named:
    """Find out which jurisdictions a place lies in.

    Parameters
    ----------
    text : str
        ``"lat,lon"`` [deg], or codes or names of jurisdictions, ``;``-joined.
    known : Jurisdictions
        Those of the rules.

    Raises
    ------
    InputError
        The coordinates are not on the Earth, a name is unknown, or means several jurisdictions.
    """
    known = merged([_counties(known), known])
    pair = re.fullmatch(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*", text)
    if pair is not None:
        return _at(float(pair[1]), float(pair[2]), known)
    codes, findings = [], []
    for name in split_names(text):
        found = known.named(name)
        if len(found) == 1:
            codes += found
        elif found:
            remedy = f"give one code: {', '.join(sorted(found)[:20])}"
            findings.append(Finding("rules.place", "PLACE", "the name means several places", repr(name), remedy))
        else:
            remedy = f"give lat,lon, a county's five digits, or a name; {_near(name, known)}"
            findings.append(Finding("rules.place", "PLACE", "no such place is known", repr(name), remedy))
    if findings or not codes:
        raise InputError(findings or [Finding("rules.place", "PLACE", "no place is named", repr(text), "name one")])
    return Named(Place(known.closure(codes)), _title(known.closure(codes), known), known)


def _near(name: str, known: Jurisdictions) -> str:
    return nearest(name, [j.name for j in known.by_id.values() if j.kind != "county" or "," not in j.name][:120])


def _at(lat: float, lon: float, known: Jurisdictions) -> Named:
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        text, remedy = "no place on the Earth", "give latitude, then longitude, in degrees"
        raise InputError([Finding("rules.place", "PLACE", text, f"{lat:g},{lon:g}", remedy)])
    spot = gpd.GeoDataFrame(geometry=[shapely.Point(lon, lat)], crs=WGS84)
    codes = known.closure([*split_names(known.drawn_around(spot)[0]), *_county_at(spot)])
    if codes:
        return Named(Place(codes, has_point=True), _title(codes, known), known)
    text = "no map of jurisdictions covers the place: only rules with an area of their own can be told"
    remedy = "name it instead, such as 'US-OH;AEP-OHIO'"
    note = Finding("rules.place.unmapped", "PLACE", text, f"{lat:g},{lon:g}", remedy, "warning")
    return Named(Place(codes, has_point=True), f"{lat:g},{lon:g}", known, (note,))


def _title(codes: frozenset[str], known: Jurisdictions) -> str:
    """Jurisdictions in words: those that lie deepest first."""
    depth = {code: len(known.closure([code])) for code in codes}
    return ", ".join(known.title(code) for code in sorted(codes, key=lambda c: (-depth[c], c)))


def _county_at(spot: gpd.GeoDataFrame) -> list[str]:
    """Code of the county of a bundled region that holds a point."""
    for name in dataset_names():
        path = dataset_path(name) / "counties.geojson"
        if path.is_file():
            shapes = read_vector(path)[0].to_crs(WGS84)
            inside = shapely.intersects(shapes.geometry.to_numpy(), spot.geometry.iloc[0])
            found = shapes["fips"].astype(str)[inside].sort_values()
            if len(found):
                return [str(found.iloc[0])]
    return []


def _counties(known: Jurisdictions) -> Jurisdictions:
    """Counties of bundled regions, by number and name."""
    found: dict[str, Jurisdiction] = {}
    for name in dataset_names():
        path = dataset_path(name) / "counties.csv"
        if path.is_file():
            table, _ = read_checked(path, COUNTIES, path.name)
            found |= _named(table, known)
    return Jurisdictions(found)


def _named(table: pd.DataFrame, known: Jurisdictions) -> Mapping[str, Jurisdiction]:
    made: dict[str, Jurisdiction] = {}
    for fips, county in table[["fips", "county"]].itertuples(index=False, name=None):
        base = known.get(str(fips))
        if base is not None and base.within:
            state = known.by_id[base.within[0]]
            letters = state.id.partition("-")[2]
            aliases = (str(county), f"{county} County", f"{county}, {letters}", f"{county} County, {state.name}")
            made[base.id] = Jurisdiction(
                id=base.id, kind="county", name=f"{county} County, {letters}", within=base.within, aliases=aliases
            )
    return made
