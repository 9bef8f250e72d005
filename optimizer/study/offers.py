"""Offers: places where a campus may stand, whatever they came from, in one form; and why other places are refused.

An offer is a row of a GeoDataFrame in EPSG:4326, index ``site``, with `COLUMNS`. Land cells and the user's own sites
become offers on their own ways (`optimizer.study.cells`, `optimizer.study.own_offers`) and are one thing from there on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from optimizer.layers.places import WGS84

COLUMNS = (
    "kind",
    "block_mw",
    "max_blocks",
    "min_blocks",
    "fixed_cost_musd",
    "block_cost_musd",
    "fixed_yearly_musd",
    "block_yearly_musd",
    "earliest",
    "county",
    "jurisdiction",
    "basin",
    "iecc_zone",
    "water_available_m3_day",
    "area_ha",
    "lat",
    "lon",
    "utilization",
    "emission_t_per_mwh",
    "cell",
    "jurisdictions",
    "pue_max",
    "wue_max_l_per_kwh",
    "water_forbidden",
)
"""What is known of an offer: sizes [MW, blocks], one-time [M$] and yearly [M$/year] costs, place, climate and rules."""

LOST_COLUMNS = ("rule", "alone_ha", "only_ha")
"""Land lost by rule: what the rule takes by itself, and what no other rule takes [ha]."""

RULES: dict[str, tuple[str, str]] = {
    "outside_footprint": ("the cell's centre lies outside the region; distance from it", "km"),
    "excluded": ("a layer leaves less land than the smallest campus needs; land left", "ha"),
    "usable_area": ("less land inside the region than the smallest campus needs; land", "ha"),
    "forbidden": ("a rule forbids the smallest campus; what it draws, and the size from which", "MW"),
    "limit_mw": ("a layer allows less than the smallest campus; IT capacity it allows", "MW"),
    "block_area": ("less land in the cell's contiguous block than the smallest campus needs; land of the block", "ha"),
    "beside_campus": ("the best boundary of a campus in its block leaves the cell out; land of that campus", "ha"),
    "too_far": ("no point of interconnection within sites.max_tie_km; straight line to the nearest", "km"),
    "point_cut_off": ("a single outage cuts off every point of interconnection in reach; distance", "km"),
    "no_route": (
        "barriers leave no way to a firm point of interconnection in reach; straight line to the nearest",
        "km",
    ),
    "rack_density": ("the racks are denser than the place takes; their power, and the densest it takes", "kW"),
    "cooling_derated": ("no technology holds enough of the IT load in the hot hour; largest share that one holds", "-"),
    "water_stress": ("the stress of the water forbids every technology; class, from 0 for low to 4", "class"),
    "no_cooling": ("no technology whose water the region can give to the smallest campus; water left", "m3/day"),
    "firm_capacity": ("no tie in reach carries the smallest campus with one element out; most it carries", "MW"),
    "dominated": (
        "enough cheaper cells of the same substation, county, climate and water are kept; cost",
        "M$/MW-year",
    ),
    "not_among_max_sites": ("other sites rank before it and sites.max_sites are kept; cost", "M$/MW-year"),
}
"""What each rule of refusal means, with what its value is, and the unit of value and limit. ``excluded`` is followed by
the layer: ``excluded:protected``; ``forbidden`` by the rule."""


def no_loss() -> pd.DataFrame:
    """Return an empty table of land lost."""
    return pd.DataFrame({name: pd.Series(dtype=object if name == "rule" else float) for name in LOST_COLUMNS})


@dataclass(frozen=True, eq=False)
class Offers:
    """Offers, the ties on offer to them, and refused places.

    Parameters
    ----------
    sites : GeoDataFrame, index ``site``
        `COLUMNS` and geometry, EPSG:4326.
    ties : DataFrame, index ``tie``
        `optimizer.study.points.TIE_COLUMNS`, and `ROUTE_COLUMNS` where they were made from geometry.
    refused : GeoDataFrame
        ``place``, ``rule``, ``value``, ``limit``, ``unit``, ``also`` and geometry, EPSG:4326.
    lost : DataFrame
        Land lost by rule, see `optimizer.study.land_lost.area_lost`; without rows where nothing is known of land.
    sources : mapping of str to (str, str)
        Unit and source of further columns of `sites`.
    """

    sites: gpd.GeoDataFrame
    ties: pd.DataFrame
    refused: gpd.GeoDataFrame
    lost: pd.DataFrame = field(default_factory=no_loss)
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class Sieve:
    """All places, and what each rule says of them: the first that refuses a place, and all others that would.

    Parameters
    ----------
    places : DataFrame
        All places; a rule may add columns to them.
    """

    def __init__(self, places: pd.DataFrame) -> None:
        self.places = places
        self._rules: list[str] = []
        self._first = np.full(len(places), -1, dtype=np.int16)
        self._value = np.full(len(places), np.nan)
        self._limit = np.full(len(places), np.nan)
        self._others = [""]
        self._also = np.zeros(len(places), dtype=np.int32)

    def copy(self) -> Sieve:
        """Return the same, so that rules that come later leave this one as it is."""
        other = Sieve(self.places)
        other._rules, other._others = self._rules.copy(), self._others.copy()
        other._first, other._also = self._first.copy(), self._also.copy()
        other._value, other._limit = self._value.copy(), self._limit.copy()
        return other

    @property
    def is_left(self) -> np.ndarray:
        """Whether no rule has refused a place yet, one for each."""
        return np.asarray(self._first < 0)

    @property
    def left(self) -> Any:
        """Places that no rule has refused yet."""
        return self.places if self.is_left.all() else self.places[self.is_left]

    def refuse(
        self,
        bad: pd.Series | np.ndarray,
        rule: str,
        value: pd.Series | np.ndarray | float,
        limit: pd.Series | np.ndarray | float,
    ) -> None:
        """Refuse places, or note that a rule would also refuse those that are refused already.

        Parameters
        ----------
        bad : bool array or Series
            Which: an array holds one for each place; of a Series, places that it does not name are not meant.
        rule : str
            A key of `RULES`, with more after a colon.
        value, limit : array, Series or float
            What the rule found and what it allows, in the same form.
        """
        mask = self._whole(bad, False).astype(bool)
        if not mask.any():
            return
        new = mask & self.is_left
        self.note(mask & ~new, rule)
        if rule not in self._rules:
            self._rules.append(rule)
        self._first[new] = self._rules.index(rule)
        self._value[new] = self._whole(value, np.nan)[new]
        self._limit[new] = self._whole(limit, np.nan)[new]

    def note(self, bad: pd.Series | np.ndarray, rule: str) -> None:
        """Note that a rule would also refuse places that another has refused, unless it is their first."""
        mask = self._whole(bad, False).astype(bool) & ~self.is_left
        if rule in self._rules:
            mask &= self._first != self._rules.index(rule)
        at = np.flatnonzero(mask)
        known, which = np.unique(self._also[at], return_inverse=True)
        self._also[at] = which + len(self._others)
        self._others += [f"{self._others[code]};{rule}".lstrip(";") for code in known]

    def take_over(self, other: Sieve, member_of: np.ndarray) -> None:
        """Refuse the places whose campus another sieve refused, with its rule, value and limit.

        Parameters
        ----------
        other : Sieve
            Of campuses.
        member_of : int array
            Position of each place's campus in it, -1 for places that are no part of one.
        """
        member = np.where(other.is_left[member_of], -1, member_of) if len(other.is_left) else member_of
        for code, rule in enumerate(other._rules):
            bad = (member >= 0) & (other._first == code)[member]
            self.refuse(bad, rule, other._value[member], other._limit[member])
        for code in np.unique(other._also[~other.is_left]):
            for rule in filter(None, other._others[code].split(";")):
                self.note((member >= 0) & (other._also == code)[member], rule)

    def refused_table(self) -> pd.DataFrame:
        """Refused places without geometry, with the index of the places."""
        at = np.flatnonzero(~self.is_left)
        first = self._first[at]
        rules = np.array([*self._rules, ""], dtype=object)
        units = np.array([*(RULES[r.partition(":")[0]][1] for r in self._rules), ""], dtype=object)
        return pd.DataFrame(
            {
                "rule": rules[first],
                "value": self._value[at],
                "limit": self._limit[at],
                "unit": units[first],
                "also": np.array(self._others, dtype=object)[self._also[at]],
            },
            index=self.places.index[at],
        )

    def refused(self) -> gpd.GeoDataFrame:
        """Return the refused places in EPSG:4326, by name; the places are a GeoDataFrame."""
        if self.is_left.all():
            return no_refusals()
        table = self.refused_table().rename_axis("place").reset_index()
        shapes = self.places.geometry.values[~self.is_left]
        found = gpd.GeoDataFrame(table, geometry=shapes, crs=self.places.crs)
        return found.to_crs(WGS84).sort_values("place", kind="stable", ignore_index=True)

    def _whole(self, values: pd.Series | np.ndarray | float, missing: float | bool) -> np.ndarray:
        """One value for each place."""
        if isinstance(values, pd.Series) and not values.index.equals(self.places.index):
            values = values.reindex(self.places.index, fill_value=missing)
        return np.broadcast_to(np.asarray(values), len(self.places))


def no_refusals() -> gpd.GeoDataFrame:
    """Return an empty table of refused places."""
    columns = {"place": [], "rule": [], "value": np.array([], float), "limit": np.array([], float), "unit": []}
    return gpd.GeoDataFrame({**columns, "also": []}, geometry=[], crs=WGS84)
