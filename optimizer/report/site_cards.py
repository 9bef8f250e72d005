"""Cards: everything that is known of a candidate site, each value with its unit and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from optimizer.report.text import MISSING, number, significant, unit_of, words

PLACE, CONNECTION, COST, WATER, TAKEN, OTHER = (
    "Place and size",
    "Grid connection",
    "Cost",
    "Climate and water",
    "Land that layers take",
    "From map layers",
)
GROUPS = (PLACE, CONNECTION, COST, WATER, TAKEN, OTHER)
"""Headings of a card, in order."""

STUDY = "study.toml"
REGION = "facts of the region's dataset"
GRID = "the grid of the study"
TABLES = "study.toml and facts of the region's dataset"

_KNOWN: dict[str, tuple[str, str, str]] = {
    "score": ("screening score, for browsing only", PLACE, STUDY),
    "kind": ("kind of site", PLACE, STUDY),
    "county": ("county", PLACE, "counties of the region's dataset"),
    "jurisdiction": ("jurisdiction", PLACE, "counties of the region's dataset"),
    "cell": ("land cell", PLACE, "computed"),
    "parcel": ("parcel", PLACE, "parcels of the study"),
    "lat": ("latitude", PLACE, "computed"),
    "lon": ("longitude", PLACE, "computed"),
    "area_ha": ("usable land", PLACE, "computed from the layers of the study"),
    "usable_ha": ("usable land", PLACE, "computed from the layers of the study"),
    "block_mw": ("IT capacity of a block", PLACE, STUDY),
    "min_blocks": ("fewest blocks", PLACE, "computed from the smallest campus"),
    "max_blocks": ("most blocks", PLACE, "computed from usable land and the largest campus"),
    "utilization": ("mean load over IT capacity", PLACE, STUDY),
    "earliest": ("first year it can serve", PLACE, REGION),
    "bus": ("nearest point of interconnection, bus", CONNECTION, GRID),
    "substation": ("its substation", CONNECTION, GRID),
    "base_kv": ("its voltage", CONNECTION, GRID),
    "tie_km": ("route to it", CONNECTION, "computed"),
    "tie_cost_musd": ("cheapest tie to it", CONNECTION, REGION),
    "exchange": ("nearest exchange point", CONNECTION, REGION),
    "fibre_km": ("fibre route to it", CONNECTION, REGION),
    "emission_t_per_mwh": ("emissions of the electricity", CONNECTION, REGION),
    "fixed_cost_musd": ("campus of any size, one time", COST, TABLES),
    "block_cost_musd": ("each block, one time", COST, TABLES),
    "fixed_yearly_musd": ("campus of any size, each year", COST, TABLES),
    "block_yearly_musd": ("each block, each year", COST, TABLES),
    "fixed_annuity_musd": ("campus, one-time cost as a yearly amount", COST, TABLES),
    "block_annuity_musd": ("each block, one-time cost as a yearly amount", COST, TABLES),
    "iecc_zone": ("climate zone", WATER, REGION),
    "basin": ("water region", WATER, REGION),
    "water_available_m3_day": ("water that its sources can give to this study", WATER, REGION),
}
"""Columns of every candidate: what a reader calls them, under which heading, and where they come from."""

_UNITS = {
    "earliest": "year",
    "emission_t_per_mwh": "t CO₂e/MWh",
    "min_blocks": "blocks",
    "max_blocks": "blocks",
    "fixed_yearly_musd": "M$/year",
    "block_yearly_musd": "M$/year",
    "fixed_annuity_musd": "M$/year",
    "block_annuity_musd": "M$/year",
}


@dataclass(frozen=True)
class Attribute:
    """What a card says of one column: heading, name, unit and source."""

    group: str
    label: str
    unit: str
    source: str


@dataclass(frozen=True)
class Cards:
    """Cards of all sites.

    Parameters
    ----------
    attributes : tuple of Attribute
        What is listed, in order.
    sites : mapping of str to tuple of str
        Printed values of each site, in the order of `attributes`.
    """

    attributes: tuple[Attribute, ...]
    sites: Mapping[str, tuple[str, ...]]

    def content(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        listed = [[a.group, a.label, a.unit, a.source] for a in self.attributes]
        return {"attributes": listed, "sites": [[name, *values] for name, values in self.sites.items()]}


def site_cards(sites: pd.DataFrame, column_sources: Mapping[str, tuple[str, str]]) -> Cards:
    """Return the cards of candidate sites.

    Parameters
    ----------
    sites : DataFrame, index ``site``
        Candidates; every column but the geometry is listed.
    column_sources : mapping of str to (str, str)
        Unit and source of columns; those of the candidates' own columns are known.
    """
    columns = [str(c) for c in sites.columns if c != "geometry"]
    described = {c: _attribute(c, column_sources.get(c)) for c in columns}
    order = sorted(columns, key=lambda c: (GROUPS.index(described[c].group), _rank(c), columns.index(c)))
    printed = {c: [_printed(value, c, described[c].unit) for value in sites[c].tolist()] for c in order}
    rows = zip(*(printed[c] for c in order), strict=True) if order else [()] * len(sites)
    return Cards(
        tuple(described[c] for c in order), {str(s): tuple(row) for s, row in zip(sites.index, rows, strict=True)}
    )


def _attribute(column: str, given: tuple[str, str] | None) -> Attribute:
    unit, source = given or ("", "")
    unit = unit or _UNITS.get(column, "") or unit_of(column)
    if column in _KNOWN:
        label, group, usual = _KNOWN[column]
        return Attribute(group, label, unit, source or usual)
    if column.endswith("_taken_share"):
        return Attribute(TAKEN, words(column.removesuffix("_taken_share")), "%", source or "computed from the layer")
    return Attribute(OTHER, words(_without_unit(column)), unit, source or "map layer of the study")


def _rank(column: str) -> int:
    return list(_KNOWN).index(column) if column in _KNOWN else len(_KNOWN)


def _without_unit(column: str) -> str:
    """Name of a column without its unit: ``"fibre_km"`` becomes ``"fibre"``."""
    parts = column.split("_")
    for start in range(1, len(parts)):
        if unit_of("_" + "_".join(parts[start:])) and unit_of(column) == unit_of("_" + "_".join(parts[start:])):
            return "_".join(parts[:start])
    return column


def _printed(value: Any, column: str, unit: str) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.number):
        return MISSING if value is None or value == "" or value != value else str(value)
    if column == "earliest":
        return MISSING if value != value else f"{value:.0f}"
    if unit in ("blocks",) or (isinstance(value, int) and not unit_of(column)):
        return number(value, decimals=0)
    return number(value, column) if unit_of(column) and unit_of(column) == unit else significant(value, 3)
