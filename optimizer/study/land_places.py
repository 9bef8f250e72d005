"""Land: the cells or parcels that may become campuses, with all that layers say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from optimizer.errors import Finding, InputError
from optimizer.layers import community, land
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.overlay import overlay, overlay_places
from optimizer.layers.overlay_result import Overlay, PlacesOverlay
from optimizer.layers.places import M2_PER_HA, WGS84, cell_count
from optimizer.progress import Progress, silent
from optimizer.study.campus import Campus
from optimizer.study.region import Region

MAX_CELLS = 25_000_000
"""Most cells that a region is cut into: beyond this a slip in ``cell_km`` is likelier than a wish. Cells of 250 m over
Texas are 20 million, those of its bounding box included."""


@dataclass(frozen=True, eq=False)
class LandPlaces:
    """Cells of a lattice or parcels, one row a place.

    Parameters
    ----------
    table : DataFrame
        Columns of `optimizer.layers.community` and `optimizer.layers.land`. Index: names of the places; their
        positions, where cells are put together to blocks.
    found : Overlay or PlacesOverlay
        Areas of cells, or of parcels, in the same order.
    layers : tuple of str
        Layers of the overlay.
    crs : CRS
        Projection of the region.
    in_blocks : bool
        Whether cells are smaller than the largest campus, and put together to blocks.
    """

    table: pd.DataFrame
    found: Overlay | PlacesOverlay
    layers: tuple[str, ...]
    crs: pyproj.CRS
    in_blocks: bool

    @property
    def lattice(self) -> Lattice | None:
        """The lattice of cells; ``None`` for parcels."""
        return self.found.lattice if isinstance(self.found, Overlay) else None

    @property
    def cells(self) -> Overlay:
        """Areas of cells; not for parcels."""
        assert isinstance(self.found, Overlay)
        return self.found

    def names(self, at: np.ndarray) -> np.ndarray:
        """Names of places by position."""
        if not isinstance(self.found, Overlay) or not self.in_blocks:
            return np.asarray(self.table.index.to_numpy()[at], dtype=object)
        return self.found.lattice.names(self.found.row[at], self.found.column[at])

    def name_order(self, at: np.ndarray) -> np.ndarray:
        """Order of places by their names."""
        if not isinstance(self.found, Overlay):
            return np.argsort(self.names(at), kind="stable")
        return self.found.lattice.name_order(self.found.row[at], self.found.column[at])

    def shapes(self, at: np.ndarray) -> np.ndarray:
        """Whole polygons of places by position, in `crs`."""
        return self.found.outlines(at)

    def on_globe(self, at: np.ndarray) -> gpd.GeoSeries:
        """Whole polygons of places by position, in EPSG:4326."""
        if not isinstance(self.found, Overlay):
            return gpd.GeoSeries(self.shapes(at), crs=self.crs).to_crs(WGS84)
        lattice, row, column = self.found.lattice, self.found.row[at], self.found.column[at]
        # Cells share their corners: each corner is projected once. The ring is that of `shapely.box`.
        ring_row, ring_column = np.array([0, 1, 1, 0, 0]), np.array([1, 1, 0, 0, 1])
        corner = (row[:, None] + ring_row) * (lattice.width + 1) + column[:, None] + ring_column
        corners, place = np.unique(corner, return_inverse=True)
        rows, columns = np.divmod(corners, lattice.width + 1)
        x, y = (lattice.west + columns) * lattice.side_m, (lattice.south + rows) * lattice.side_m
        lat_lon = land.degrees(np.column_stack([x, y]), self.crs)
        ring = lat_lon[["lon", "lat"]].to_numpy()[place.reshape(corner.shape)]
        return gpd.GeoSeries(shapely.polygons(ring) if len(at) else [], crs=WGS84)

    def centres_on_globe(self, at: np.ndarray) -> gpd.GeoSeries:
        """Points of places by position, those of ``lat`` and ``lon``, in EPSG:4326."""
        spots = self.table.iloc[at]
        return gpd.GeoSeries(shapely.points(spots["lon"], spots["lat"]), crs=WGS84)


def land_lattice(region: Region, cell_km: float) -> Lattice:
    """Cells over a region, in its equal-area projection.

    Raises
    ------
    InputError
        There would be more than `MAX_CELLS`.
    """
    count = cell_count(region.footprint.bounds, cell_km)
    if count > MAX_CELLS:
        remedy = "give a larger cell_km"
        text = "the region would be cut into too many cells"
        found = f"{cell_km:g} km, about {count:.3g} cells"
        finding = Finding("study.cells.too_many", "sites.cell_km", text, found, remedy, value=count, limit=MAX_CELLS)
        raise InputError([finding])
    return Lattice.over(region.footprint, cell_km, region.crs)


def cells_of(
    region: Region, cell_km: float, campus: Campus, layers: Sequence[MapLayer], progress: Progress = silent
) -> LandPlaces:
    """Cut a region into cells, and lay layers over them.

    Parameters
    ----------
    region : Region
        Counties.
    cell_km : float
        Side of a cell [km].
    campus : Campus
        Cells smaller than its largest are put together to blocks.
    layers : sequence of MapLayer
        Layers of the study.
    progress : Progress
        Told how far it is.
    """
    lattice = land_lattice(region, cell_km)
    taken = land.taking(layers, region.crs, lattice.bounds, region.footprint)
    found = overlay(lattice, region.footprint, taken, progress)
    names = tuple(name for name, _ in taken)
    in_blocks = lattice.area_m2 / M2_PER_HA < campus.max_campus_mw * campus.land_ha_per_mw
    centre = np.column_stack(
        [(lattice.west + found.column + 0.5) * lattice.side_m, (lattice.south + found.row + 0.5) * lattice.side_m]
    )
    # Of cells that are put together only those that end up as the middle of a campus need a point on usable land.
    spot = land.degrees(centre, region.crs) if in_blocks else land.points(found, lattice.area_m2, centre, region.crs)
    counties = region.counties.set_geometry(region.projected)
    table = community.of_points(shapely.points(centre), counties).join(land.areas(found, names)).join(spot)
    if not in_blocks:
        table.index = pd.Index(lattice.names(found.row, found.column), name="cell")
    return LandPlaces(table, found, names, region.crs, in_blocks)


def parcels_of(
    region: Region, parcels: gpd.GeoDataFrame, layers: Sequence[MapLayer], progress: Progress = silent
) -> LandPlaces:
    """Lay layers over the user's parcels, each of which stands for itself.

    Parameters
    ----------
    region : Region
        Counties.
    parcels : GeoDataFrame, index name
        Polygons in any coordinate reference system.
    layers : sequence of MapLayer
        Layers of the study.
    progress : Progress
        Told how far it is.
    """
    polygons = shapely.make_valid(np.asarray(parcels.geometry.to_crs(region.crs).values))
    counties = region.counties.set_geometry(region.projected)
    taken = land.taking(layers, region.crs, region.footprint.bounds, region.footprint)
    found = overlay_places(polygons, region.footprint, taken, progress)
    names = tuple(name for name, _ in taken)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    spot = land.points(found, shapely.area(polygons), centre, region.crs)
    table = community.of_points(shapely.points(centre), counties).join(land.areas(found, names)).join(spot)
    return LandPlaces(table.set_axis(parcels.index), found, names, region.crs, False)
