"""What can be wrong with the friction and barrier layers of a study, and with its routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import shapely

from optimizer.config import SitesSettings
from optimizer.errors import Finding, nearest
from optimizer.layers.layer import MapLayer
from optimizer.layers.terrain import TerrainTable
from optimizer.study.region import Region
from optimizer.study.routing import MAX_ROUTING_CELLS, routing_lattice


def routing_findings(
    settings: SitesSettings, layers: Sequence[MapLayer], tables: Mapping[str, TerrainTable], region: Region | None
) -> Iterator[Finding]:
    """Check how the routes of ties are asked for.

    Parameters
    ----------
    settings : SitesSettings
        ``routing``, ``routing_cell_km``, ``max_tie_km``, ``voltage_class``.
    layers : sequence of MapLayer
        Layers of the study, in its order.
    tables : mapping of str to TerrainTable
        Terrain tables by name.
    region : Region, optional
        Region of the study.

    Returns
    -------
    iterator of Finding
        Errors and warnings.
    """
    for number, layer in enumerate(layers, start=1):
        where = f"sites.layers#{number} ({layer.name})"
        if layer.settings.multipliers is not None:
            yield from _table(layer, where, tables)
        if layer.settings.rule == "friction":
            yield from _flat(layer, where)
        if layer.settings.rule in ("friction", "barrier") and settings.routing == "straight":
            text = f"the {layer.settings.rule} layer has no effect: ties are straight lines"
            remedy = 'give [sites] routing = "least_cost", or leave the layer out'
            yield Finding("study.routing.straight", where, text, "", remedy, "warning")
    yield from _extent(settings, region)
    if settings.voltage_class == "suggested":
        text = "the loads suggested for voltage classes are general knowledge, not verified"
        remedy = "read sites that they refuse with care, or correct them in a copy of the dataset"
        yield Finding("study.tie.voltage_class", "sites.voltage_class", text, "'suggested'", remedy, "warning")


def _table(layer: MapLayer, where: str, tables: Mapping[str, TerrainTable]) -> Iterator[Finding]:
    name = str(layer.settings.multipliers)
    if layer.settings.rule != "friction":
        text, remedy = "only friction layers have terrain multipliers", 'give rule = "friction", or leave them out'
        yield Finding("study.friction.multipliers", f"{where} multipliers", text, repr(name), remedy)
    elif name not in tables:
        text = "no such terrain table"
        yield Finding("study.friction.multipliers", f"{where} multipliers", text, repr(name), nearest(name, tables))


def _flat(layer: MapLayer, where: str) -> Iterator[Finding]:
    """Features of a friction layer that cover nothing."""
    if layer.features is None or layer.settings.buffer_m > 0:
        return
    flat = shapely.get_dimensions(layer.features.geometry.to_numpy()) < 2
    if flat.any():
        text = "points and lines have no area, so crossing them costs nothing"
        found, remedy = f"{int(flat.sum())} features", "give buffer_m, the distance around them that is meant"
        yield Finding("study.friction.no_area", where, text, found, remedy)


def _extent(settings: SitesSettings, region: Region | None) -> Iterator[Finding]:
    if settings.routing == "straight":
        return
    if region is None:
        text = "without a region no tie is made from geometry, so no route is looked for"
        remedy = "name a dataset in sites.region, or leave routing out"
        yield Finding("study.routing.no_region", "sites.routing", text, "'least_cost'", remedy, "warning")
        return
    lattice = routing_lattice(region, settings)
    cells = lattice.width * lattice.height
    if cells > MAX_ROUTING_CELLS:
        text = "the region would be cut into too many routing cells"
        found, remedy = f"{settings.routing_cell_km:g} km, {cells:,} cells", "give a larger routing_cell_km"
        yield Finding(
            "study.routing.too_many",
            "sites.routing_cell_km",
            text,
            found,
            remedy,
            value=cells,
            limit=MAX_ROUTING_CELLS,
        )
