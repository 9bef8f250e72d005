"""What the map layers of a study say of each place: attributes, costs, factors on its ties, and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.layers.attributes import Places, attribute, index_of, join_of, valued_share
from optimizer.layers.layer import MapLayer
from optimizer.layers.measures import measured
from optimizer.units import SUFFIXES, USD_PER_MUSD


@dataclass(frozen=True)
class ColumnSource:
    """Where a column of attributes comes from.

    Parameters
    ----------
    column : str
        Name of the column.
    unit : str
        Unit in words, empty for text and for numbers without one.
    source : str
        Citation, or else the file.
    """

    column: str
    unit: str
    source: str


@dataclass(frozen=True, eq=False)
class SiteValues:
    """What map layers say of each place; all have the index of the places.

    Parameters
    ----------
    attributes : DataFrame
        A column for each layer with rule ``attribute``, in the order of the study.
    sources : tuple of ColumnSource
        Where each of them comes from, in the same order.
    cost_musd_per_ha : Series
        Added cost of land [M$/ha].
    cost_musd_per_mw : Series
        Added cost of IT capacity [M$/MW].
    cost_musd : Series
        Added cost of a campus of any size [M$].
    tie_factor : Series
        Factor on the cost of ties [-].
    limit_mw : Series
        Most IT capacity, infinite where no layer limits it [MW].
    limit_water_m3_day : Series
        Most water, infinite where no layer limits it [m3/day].
    """

    attributes: pd.DataFrame
    sources: tuple[ColumnSource, ...]
    cost_musd_per_ha: pd.Series
    cost_musd_per_mw: pd.Series
    cost_musd: pd.Series
    tie_factor: pd.Series
    limit_mw: pd.Series
    limit_water_m3_day: pd.Series


def site_values(layers: Sequence[MapLayer], places: Places) -> SiteValues:
    """Join every layer with rule ``attribute``, ``cost`` or ``limit`` to places.

    A cost in $ is that of the layer's values where it lies and nothing elsewhere: joined by mean, as by default, a
    layer that covers a third of a place adds a third of its value. Costs of several layers are added, factors on ties
    multiplied, and the smallest limit holds:

        cost = sum over layers of value x covered share / 1e6
        factor = product over layers of 1 + (value - 1) x covered share
        limit = minimum over layers of value

    Parameters
    ----------
    layers : sequence of MapLayer
        Layers of the study; those with other rules are passed over.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.

    Raises
    ------
    InputError
        Layers whose values cannot be used, or two that give columns of one name; every finding of all of them.
    """
    index = index_of(places)
    columns: dict[str, pd.Series] = {}
    sources: list[ColumnSource] = []
    amounts = {key: pd.Series(start, index=index, dtype=float) for key, start in _START.items()}
    findings: list[Finding] = []
    for layer in layers:
        try:
            if layer.settings.rule == "attribute":
                found = measured(layer, places)
                findings += _repeated(layer, found, columns)
                columns |= {str(name): found[name] for name in found.columns}
                sources += [_source(layer, str(name)) for name in found.columns]
            elif layer.settings.rule in ("cost", "limit"):
                key = f"{layer.settings.rule}:{layer.settings.per or layer.settings.of}"
                amounts[key] = _COMBINE[key](amounts[key], _amount(layer, places, _START[key]))
        except InputError as refused:
            findings += refused.findings
    if findings:
        raise InputError(findings)
    return SiteValues(
        pd.DataFrame(columns, index=index),
        tuple(sources),
        amounts["cost:ha"] / USD_PER_MUSD,
        amounts["cost:mw"] / USD_PER_MUSD,
        amounts["cost:site"] / USD_PER_MUSD,
        amounts["cost:tie"],
        amounts["limit:mw"],
        amounts["limit:water_m3_day"],
    )


_START = {
    "cost:ha": 0.0,
    "cost:mw": 0.0,
    "cost:site": 0.0,
    "cost:tie": 1.0,
    "limit:mw": np.inf,
    "limit:water_m3_day": np.inf,
}
"""What holds where no layer says anything, by rule and what it is for."""

_COMBINE = {
    "cost:ha": np.add,
    "cost:mw": np.add,
    "cost:site": np.add,
    "cost:tie": np.multiply,
    "limit:mw": np.minimum,
    "limit:water_m3_day": np.minimum,
}
"""How several layers act together."""


def _amount(layer: MapLayer, places: Places, elsewhere: float) -> pd.Series:
    """Value of a cost or limit at each place, given what holds where the layer does not reach."""
    values = attribute(layer, places)
    if layer.settings.rule == "cost" and join_of(layer) == "mean":
        values = elsewhere + (values - elsewhere) * valued_share(layer, places)
    return values.fillna(elsewhere)


def _repeated(layer: MapLayer, found: pd.DataFrame, columns: dict[str, pd.Series]) -> list[Finding]:
    text, remedy = "another layer gives a column of this name", "give the layers different names, or attribute names"
    twice = [name for name in found.columns if name in columns]
    return [Finding("layer.attribute.repeated", f"{layer.name}: attribute", text, repr(name), remedy) for name in twice]


def _source(layer: MapLayer, column: str) -> ColumnSource:
    return ColumnSource(column, unit_of(column), layer.settings.citation or layer.settings.source)


def unit_of(column: str) -> str:
    """Unit of a column in words, by the longest suffix of its name that is one; empty if it has none."""
    known = [suffix for suffix in SUFFIXES if column.endswith(suffix)]
    return SUFFIXES[max(known, key=len)] if known else ""
