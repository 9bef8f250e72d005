"""Jurisdictions: countries, states, counties, cities, system operators and utilities, and which place lies in which."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from optimizer.layers.places import WGS84

Kind = Literal["bloc", "country", "state", "county", "city", "municipality", "operator", "utility", "area"]

EXCLUSIVE = ("country", "state", "county", "city", "operator", "utility")
"""Kinds of which a place lies in one at most."""

COUNTY_DIGITS = 5
"""Digits of the code of a county of the United States: two of its state, three of its own (FIPS 6-4)."""


def _items(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Text = Annotated[str, Field(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_items), Field(max_length=200)]


class Jurisdiction(BaseModel):
    """One jurisdiction. Every key of a ``[[jurisdiction]]`` table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Text = Field(description="Code, such as 'US-TX' (ISO 3166-2) or 'PJM' [text].")
    kind: Kind = Field(description="What it is; of most kinds a place lies in one at most.")
    name: Text = Field(description="Name shown to people [text].")
    within: Texts = Field((), description="Jurisdictions that hold all of it together; one of them where it is in one.")
    aliases: Texts = Field((), description="Other names by which people call it [text].")
    state_number: Annotated[str, Field(pattern=r"^\d\d$")] | None = Field(
        None, description="Of a state of the United States: the two digits that codes of its counties begin with."
    )
    polygon: Text | None = Field(None, description="Map layer of its area, relative to the file of rules [path].")
    layer: Text | None = Field(None, description="Layer of that file, where it holds several.")
    source: Text | None = Field(None, description="Where its members or its area were read [text].")
    confidence: Literal["primary", "secondary", "weak", "unverified"] = Field(
        "primary", description="How far its members or its area can be trusted."
    )


@dataclass(frozen=True)
class Place:
    """What is known of where a place is.

    Parameters
    ----------
    inside : frozenset of str
        Jurisdictions that it lies in, with all that hold these.
    has_point : bool
        Whether its coordinates are known, so that jurisdictions with an area either hold it or do not.
    """

    inside: frozenset[str]
    has_point: bool = False


@dataclass(frozen=True, eq=False)
class Jurisdictions:
    """All jurisdictions that are known.

    Parameters
    ----------
    by_id : mapping of str to Jurisdiction
        By code. Counties of known states of the United States need no entry.
    areas : mapping of str to Geometry
        Areas, EPSG:4326, of those that have one.
    """

    by_id: Mapping[str, Jurisdiction] = field(default_factory=dict)
    areas: Mapping[str, shapely.Geometry] = field(default_factory=dict)

    @cached_property
    def _states(self) -> dict[str, str]:
        return {j.state_number: j.id for j in self.by_id.values() if j.state_number is not None}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for j in self.by_id.values():
            for name in {plain(text) for text in (j.id, j.name, *j.aliases)}:
                found.setdefault(name, []).append(j.id)
        return found

    def get(self, code: str) -> Jurisdiction | None:
        """The jurisdiction of a code, a county of a known state included; ``None`` if it is not known."""
        if code in self.by_id:
            return self.by_id[code]
        state = self._states.get(code[:2]) if re.fullmatch(rf"\d{{{COUNTY_DIGITS}}}", code) else None
        return None if state is None else Jurisdiction(id=code, kind="county", name=f"county {code}", within=(state,))

    def knows(self, code: str) -> bool:
        """Whether a code is known."""
        return self.get(code) is not None

    def title(self, code: str) -> str:
        """Name and code, for people."""
        found = self.get(code)
        return code if found is None or found.name == code else f"{found.name} ({code})"

    def named(self, text: str) -> list[str]:
        """Codes of the jurisdictions that a text may mean: by code, name or alias; capitals do not matter."""
        if self.knows(text):
            return [text]
        return self._by_name.get(plain(text), [])

    def code_of(self, text: str) -> str:
        """The code that a text means, by code, name or alias; the text itself where it means none or several."""
        found = self.named(text)
        return found[0] if len(found) == 1 else text

    def holding(self, text: str) -> frozenset[str]:
        """Names and codes of all that holds a place known by ``;``-joined codes or names, these texts included."""
        names = split_names(text)
        return frozenset(names) | self.closure([self.code_of(name) for name in names])

    def counties_named(self, county: str, fips: str) -> list[str]:
        """Codes, other than the number, of a county known by name and by the number of its state."""
        state = self._states.get(fips[:2], "")
        short = (county, f"{county} County", f"{county} Parish")
        names = (*short, *(f"{name}, {state.partition('-')[2]}" for name in short))
        found = {code for name in names for code in self._by_name.get(plain(name), [])}
        return sorted(c for c in found if self.by_id[c].kind == "county" and state in self.by_id[c].within)

    def closure(self, codes: Iterable[str]) -> frozenset[str]:
        """Jurisdictions and all that hold them: of one that spans several, only what holds all of these."""
        return frozenset().union(*(self._above(code, ()) for code in codes)) if codes else frozenset()

    def _above(self, code: str, seen: tuple[str, ...]) -> frozenset[str]:
        found = self.get(code)
        if found is None or code in seen:
            return frozenset()
        above = [self._above(other, (*seen, code)) for other in found.within]
        return frozenset({code}) | (frozenset.intersection(*above) if above else frozenset())

    def may_hold(self, code: str, place: Place) -> bool:
        """Whether a place, which is not known to lie in a jurisdiction, may do so.

        It may if it may lie in one of those that the jurisdiction is within, and is in no other of an exclusive kind.
        """
        found = self.get(code)
        if found is None or code in place.inside:
            return found is not None
        if place.has_point and code in self.areas:
            return False
        if any(self._excludes(other, found) for other in place.inside):
            return False
        return any(self.may_hold(other, place) for other in found.within)

    def _excludes(self, code: str, other: Jurisdiction) -> bool:
        """Whether a place in one jurisdiction cannot be in another of the same kind."""
        found = self.get(code)
        if found is None or found.kind != other.kind or found.kind not in EXCLUSIVE:
            return False
        # A county known by number and one known by name may be the same.
        return other.kind != "county" or code.isdigit() == other.id.isdigit()

    def drawn_around(self, places: pd.DataFrame) -> list[str]:
        """Codes of the areas that hold each place, ``;``-joined.

        Parameters
        ----------
        places : DataFrame or GeoDataFrame
            Points or polygons with a reference system, of which the centre counts; or a table with ``lat`` and ``lon``
            [deg]. A place without either is in no area.
        """
        texts: list[list[str]] = [[] for _ in range(len(places))]
        codes = sorted(self.areas)
        if codes:
            centres = _centres(places)
            areas = np.array([self.areas[code] for code in codes])
            found = shapely.STRtree(areas).query(centres.values, predicate="intersects")
            for place, area in sorted(zip(*found.tolist(), strict=True)):
                texts[place].append(codes[area])
        return [";".join(text) for text in texts]


def _centres(places: pd.DataFrame) -> gpd.GeoSeries:
    if isinstance(places, gpd.GeoDataFrame):
        return gpd.GeoSeries(shapely.centroid(places.geometry.values), crs=places.crs).to_crs(WGS84)
    return gpd.GeoSeries(gpd.points_from_xy(places["lon"], places["lat"]), crs=WGS84)


def plain(text: str) -> str:
    """A name as it is compared: small letters, single spaces, no words for the kind in front."""
    words = " ".join(text.casefold().split())
    return re.sub(r"^(city|town|village) of ", "", words)


def split_names(text: str) -> list[str]:
    """Names of a ``;``-joined text."""
    return [name.strip() for name in text.split(";") if name.strip()]


def merged(parts: Collection[Jurisdictions]) -> Jurisdictions:
    """Several sets of jurisdictions as one; of one code the last is taken."""
    by_id: dict[str, Jurisdiction] = {}
    areas: dict[str, shapely.Geometry] = {}
    for part in parts:
        by_id |= part.by_id
        areas = {code: area for code, area in areas.items() if code not in part.by_id} | dict(part.areas)
    return Jurisdictions(by_id, areas)
