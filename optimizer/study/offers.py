"""Offers: places where a campus may stand, whatever they came from, in one form; and why other places are refused.

An offer is a row of a GeoDataFrame in EPSG:4326, index ``site``, with `COLUMNS`. Land cells and the user's own sites
become offers on their own ways (`optimizer.study.cells`, `optimizer.study.own_offers`) and are one thing from there on.
"""

from __future__ import annotations

from dataclasses import dataclass

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
)
"""What is known of an offer: sizes [MW, blocks], one-time [M$] and yearly [M$/year] costs, place and climate."""

RULES: dict[str, tuple[str, str]] = {
    "outside_footprint": ("the cell's centre lies outside the region; distance from it", "km"),
    "excluded": ("a layer leaves less land than the smallest campus needs; land left", "ha"),
    "usable_area": ("less land inside the region than the smallest campus needs; land", "ha"),
    "too_far": ("no point of interconnection within sites.max_tie_km; straight line to the nearest", "km"),
    "point_cut_off": ("a single outage cuts off every point of interconnection in reach; distance", "km"),
    "no_cooling": ("no technology whose water the region can give to the smallest campus; water left", "m3/day"),
    "firm_capacity": ("no tie in reach carries the smallest campus with one element out; most it carries", "MW"),
    "dominated": (
        "enough cheaper cells of the same substation, county, climate and water are kept; cost",
        "M$/MW-year",
    ),
    "not_among_max_sites": ("other sites rank before it and sites.max_sites are kept; cost", "M$/MW-year"),
}
"""What each rule of refusal means, with what its value is, and the unit of value and limit. ``excluded`` is followed by
the layer: ``excluded:protected``."""


@dataclass(frozen=True, eq=False)
class Offers:
    """Offers, the ties on offer to them, and refused places.

    Parameters
    ----------
    sites : GeoDataFrame, index ``site``
        `COLUMNS` and geometry, EPSG:4326.
    ties : DataFrame, index ``tie``
        `optimizer.study.points.TIE_COLUMNS`.
    refused : GeoDataFrame
        ``place``, ``rule``, ``value``, ``limit``, ``unit`` and geometry, EPSG:4326.
    """

    sites: gpd.GeoDataFrame
    ties: pd.DataFrame
    refused: gpd.GeoDataFrame


class Sieve:
    """Places that are left, and those refused so far, each by the first rule that it broke.

    Parameters
    ----------
    places : GeoDataFrame
        All places.
    """

    def __init__(self, places: gpd.GeoDataFrame) -> None:
        self.left = places
        self._refused: list[gpd.GeoDataFrame] = []

    def refuse(
        self,
        bad: pd.Series | np.ndarray,
        rule: str | pd.Series,
        value: pd.Series | np.ndarray | float,
        limit: pd.Series | np.ndarray | float,
    ) -> None:
        """Refuse some of the places that are left.

        Parameters
        ----------
        bad : bool array
            Which.
        rule : str or Series
            Rule of `RULES`, one for all or one for each place.
        value, limit : array or float
            What the rule found and what it allows, for each place that is left.
        """
        mask = np.asarray(bad, dtype=bool)
        if not mask.any():
            return
        rows = self.left[mask]
        rules = rule[mask].to_numpy() if isinstance(rule, pd.Series) else np.full(len(rows), rule, dtype=object)
        table = {
            "place": rows.index.to_numpy(),
            "rule": rules,
            "value": np.broadcast_to(np.asarray(value, dtype=float), len(mask))[mask],
            "limit": np.broadcast_to(np.asarray(limit, dtype=float), len(mask))[mask],
            "unit": [RULES[str(r).partition(":")[0]][1] for r in rules],
        }
        self._refused.append(gpd.GeoDataFrame(table, geometry=rows.geometry.values, crs=rows.crs))
        self.left = self.left[~mask]

    def refused(self) -> gpd.GeoDataFrame:
        """Return the refused places in EPSG:4326, by name."""
        if not self._refused:
            return no_refusals()
        table = pd.concat(self._refused, ignore_index=True)
        return table.to_crs(WGS84).sort_values("place", kind="stable", ignore_index=True)


def no_refusals() -> gpd.GeoDataFrame:
    """Return an empty table of refused places."""
    columns = {"place": [], "rule": [], "value": np.array([], float), "limit": np.array([], float), "unit": []}
    return gpd.GeoDataFrame(columns, geometry=[], crs=WGS84)
