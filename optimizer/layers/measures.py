"""Ready-made measures: layers whose attribute is computed and named by a layer file of its own."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.grid.schema import Column
from optimizer.layers import connectivity, hazards, labour, latency, population, reliability, transport
from optimizer.layers.attributes import Places, attribute
from optimizer.layers.layer import MapLayer

Attach = Callable[[Places, MapLayer], pd.DataFrame]

MEASURES: dict[str, tuple[tuple[Column, ...], Attach]] = {
    "fibre": (connectivity.ROUTE_COLUMNS, connectivity.attach_routes),
    "exchange": (latency.COLUMNS[:1], lambda p, x: latency.attach(p, x, latency.Options("exchange"))),
    "cable_landing": (latency.COLUMNS[1:], lambda p, x: latency.attach(p, x, latency.Options("cable_landing"))),
    "reliability": (reliability.COLUMNS, reliability.attach),
    "hazard": (hazards.COLUMNS, hazards.attach),
    "population": (population.COLUMNS, lambda p, x: population.attach(p, x, population.Options(_within_km(x)))),
    "labour": (labour.COLUMNS, lambda p, x: labour.attach(p, x, labour.Options(_within_km(x)))),
    "gas_line": (transport.COLUMNS[:1], lambda p, x: transport.attach(p, x, transport.Options("gas_line"))),
    "rail": (transport.COLUMNS[1:2], lambda p, x: transport.attach(p, x, transport.Options("rail"))),
    "road": (transport.COLUMNS[2:], lambda p, x: transport.attach(p, x, transport.Options("road"))),
}
"""By the word of the study: columns that it gives, and the function that computes them."""


def measured(layer: MapLayer, places: Places) -> pd.DataFrame:
    """Columns of a layer with rule ``attribute``: those of its measure, or its attribute.

    Parameters
    ----------
    layer : MapLayer
        A name that its settings give to the attribute replaces that of the measure's column.
    places : Cells or GeoDataFrame
        Cells of a lattice, or polygons in an equal-area projection in metres.

    Raises
    ------
    InputError
        The layer's settings or values cannot be used.
    """
    if layer.settings.measure is None:
        return attribute(layer, places).to_frame()
    _, attach = MEASURES[layer.settings.measure]
    found = attach(places, layer)
    if layer.settings.attribute is not None:
        found = found.set_axis([layer.settings.attribute], axis="columns")
    return found


def _within_km(layer: MapLayer) -> float:
    if layer.settings.within_km is None:
        text, remedy = "the measure needs a distance", "say within which distance, such as within_km = 50"
        raise InputError([Finding("layer.within_km.missing", f"{layer.name}: within_km", text, "", remedy)])
    return layer.settings.within_km
