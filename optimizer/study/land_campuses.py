"""Campuses on land: which cells or parcels make one, and what is known of it.

A cell at least as large as the largest campus, and a parcel, is a campus by itself. Smaller cells are put together:

1. Cells of one county that share edges are a *block*. Permits, taxes and water are a county's, so a campus lies in one.
2. A block with more land than the largest campus needs is cut along squares of cells just large enough for it.
3. In each piece the campus takes whole cells that hang together, until their usable land is enough for as many blocks
   of capacity as the piece has land for: the cheapest land first, then what lies nearest to a point of interconnection
   (in rings as wide as a cell), then what keeps the campus compact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from optimizer.layers import blocks, land
from optimizer.layers.cells import Cells
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import M2_PER_HA, M_PER_KM, WGS84
from optimizer.layers.site_values import site_values
from optimizer.study.campus import Campus
from optimizer.study.land_places import LandPlaces
from optimizer.study.offers import Sieve

FLOOR = 1e-9
"""Added before rounding down to whole blocks, so that 10.0 computed as 9.999999999 stays 10 [-]."""

ROUNDING_MUSD = 1e-9
"""Prices of land closer than this are equal [M$/ha]."""


@dataclass(frozen=True, eq=False)
class Campuses:
    """Where campuses may stand, before their ties are known.

    Parameters
    ----------
    table : DataFrame, index name
        Columns of its places, ``area_ha`` and ``usable_ha`` summed, with ``max_blocks`` and ``min_blocks``.
    member_of : int array, one a place
        Position of the place's campus in `table`, -1 where it is part of none.
    """

    table: pd.DataFrame
    member_of: np.ndarray

    def places_of(self, campuses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places of some campuses, and the position of each place's campus among these."""
        number = np.full(len(self.table) + 1, -1)
        number[campuses] = np.arange(len(campuses))
        at = np.flatnonzero(number[self.member_of] >= 0)
        return at, number[self.member_of[at]]

    def shapes(self, land_places: LandPlaces, campuses: np.ndarray) -> np.ndarray:
        """Outline of campuses by position: their whole cells or parcels, in the region's projection."""
        at, of = self.places_of(campuses)
        order = np.argsort(of, kind="stable")
        parts = np.split(land_places.shapes(at[order]), np.flatnonzero(np.diff(of[order])) + 1)
        if len(at) == len(campuses):
            return land_places.shapes(at[order])
        return np.array([shapely.union_all(part) for part in parts], dtype=object)

    def taken_share(self, land_places: LandPlaces, campuses: np.ndarray) -> pd.DataFrame:
        """Share of the land of campuses that each layer takes, column ``<layer>_taken_share`` [-]."""
        at, of = self.places_of(campuses)
        sums = sparse.csr_array((np.ones(len(at)), (of, at)), shape=(len(campuses), len(self.member_of)))
        taken_ha = (sums @ land_places.found.taken_m2).toarray() / M2_PER_HA
        share = taken_ha / self.table["area_ha"].to_numpy()[campuses][:, None]
        names = [f"{name}_taken_share" for name in land_places.layers]
        return pd.DataFrame(share, columns=names, index=self.table.index[campuses])


def least_land_ha(campus: Campus, min_area_ha: float | None) -> float:
    """Land of the smallest campus [ha]."""
    return max(campus.min_campus_mw * campus.land_ha_per_mw, min_area_ha or 0.0)


def least_blocks(campus: Campus) -> int:
    """Fewest blocks of a campus [count]."""
    return max(1, int(np.ceil(campus.min_campus_mw / campus.block_mw - FLOOR)))


def most_blocks(campus: Campus, usable_ha: np.ndarray) -> np.ndarray:
    """Most blocks that fit on land [count]."""
    by_land = usable_ha / (campus.land_ha_per_mw * campus.block_mw) if campus.land_ha_per_mw else np.inf
    most = np.minimum(by_land, campus.max_campus_mw / campus.block_mw)
    return np.asarray(np.floor(np.broadcast_to(most, len(usable_ha)) + FLOOR).astype("int64"))


def one_by_one(sieve: Sieve, campus: Campus) -> Campuses:
    """Every place that is left is a campus."""
    places = sieve.left
    most = most_blocks(campus, places["usable_ha"].to_numpy())
    member_of = np.full(len(sieve.places), -1)
    member_of[sieve.is_left] = np.arange(len(places))
    return Campuses(places.assign(max_blocks=most, min_blocks=least_blocks(campus)), member_of)


def in_blocks(
    sieve: Sieve,
    land_places: LandPlaces,
    nearest_km: np.ndarray,
    layers: Sequence[MapLayer],
    campus: Campus,
    min_area_ha: float | None,
) -> Campuses:
    """Put cells that are left together to campuses, and refuse those that none takes.

    Parameters
    ----------
    sieve : Sieve
        Cells; those of blocks that are too small or that lie beside the best boundary are refused.
    land_places : LandPlaces
        The cells.
    nearest_km : array
        Distance of each cell to the nearest point of interconnection [km].
    layers : sequence of MapLayer
        Layers of the study; those that add a cost per hectare count in the choice of the boundary.
    campus : Campus
        What a campus is made of.
    min_area_ha : float, optional
        Least usable area of a site [ha].
    """
    lattice, row, column = land_places.cells.lattice, land_places.cells.row, land_places.cells.column
    usable_ha = sieve.places["usable_ha"].to_numpy()
    least_ha, block_ha = least_land_ha(campus, min_area_ha), campus.land_ha_per_mw * campus.block_mw
    edges = blocks.Edges.of(row, column)
    piece = _pieces(sieve, land_places, edges, least_ha, campus.max_campus_mw * campus.land_ha_per_mw)
    # One entry more than there are pieces: what cells of none, numbered -1, are given.
    land_ha = np.append(blocks.total(piece, usable_ha), np.nan)
    small = np.maximum(least_ha, least_blocks(campus) * block_ha)
    sieve.refuse((piece >= 0) & (land_ha < small - blocks.ROUNDING_HA)[piece], "block_area", land_ha[piece], small)
    piece = np.where(sieve.is_left, piece, blocks.NONE)
    need_ha = np.maximum(most_blocks(campus, np.nan_to_num(land_ha)) * block_ha, least_ha)
    ring = np.floor(nearest_km * M_PER_KM / lattice.side_m)
    keys = (_price(sieve, land_places, layers), ring)
    taken = blocks.boundary(edges, piece, usable_ha, need_ha, keys, (row, column))
    chosen = np.where(taken, piece, blocks.NONE)
    got_ha = np.append(blocks.total(chosen, usable_ha), np.nan)
    sieve.refuse((piece >= 0) & ~taken, "beside_campus", got_ha[piece], need_ha[piece])
    return _described(sieve, land_places, chosen, campus)


def _pieces(sieve: Sieve, land_places: LandPlaces, edges: blocks.Edges, least_ha: float, most_ha: float) -> np.ndarray:
    """Piece of each cell that is left: its block, cut where it has more land than the largest campus needs."""
    lattice, found = land_places.cells.lattice, land_places.cells
    county = pd.factorize(sieve.places["fips"])[0]
    block = blocks.connected(edges.within(np.where(sieve.is_left, county, blocks.NONE)), sieve.is_left)
    side = max(1, int(np.ceil(np.sqrt(most_ha * M2_PER_HA / lattice.area_m2) - FLOOR)))
    # Squares are counted from the projection's centre, as cells are: they do not move with the region's border.
    squares_wide = lattice.width // side + 2
    across, up = (lattice.west + found.column) // side, (lattice.south + found.row) // side
    square = (up - up.min(initial=0)) * squares_wide + across - across.min(initial=0)
    return blocks.cut(edges, block, square, sieve.places["usable_ha"].to_numpy(), least_ha, most_ha)


def _price(sieve: Sieve, land_places: LandPlaces, layers: Sequence[MapLayer]) -> np.ndarray:
    """What layers add to the price of each cell that is left, rounded so that equal prices are equal [M$/ha]."""
    price = np.zeros(len(sieve.places))
    costs = [layer for layer in layers if layer.settings.rule == "cost" and layer.settings.per == "ha"]
    if costs:
        at = np.flatnonzero(sieve.is_left)
        found = land_places.cells
        cells = Cells(found.lattice, found.row[at], found.column[at])
        price[at] = np.round(site_values(costs, cells).cost_musd_per_ha.to_numpy() / ROUNDING_MUSD)
    return price


def _described(sieve: Sieve, land_places: LandPlaces, piece: np.ndarray, campus: Campus) -> Campuses:
    """Campuses in the order of their first cells, named by the cell in their middle, which gives county and place."""
    at = np.flatnonzero(piece != blocks.NONE)
    _, of = np.unique(piece[at], return_inverse=True)
    count = int(of.max()) + 1 if len(at) else 0
    cells = sieve.places.iloc[at]
    usable = cells["usable_ha"].to_numpy()
    middle = _middle(land_places, at, of, usable, count)
    member_of = np.full(len(piece), -1)
    member_of[at] = of
    table = sieve.places.iloc[middle].set_axis(pd.Index(land_places.names(middle), name="cell"))
    table = table.assign(
        area_ha=np.bincount(of, cells["area_ha"], minlength=count),
        usable_ha=np.bincount(of, usable, minlength=count),
    )
    table = table.assign(**_on_usable_land(land_places, middle, table))
    most = most_blocks(campus, table["usable_ha"].to_numpy())
    return Campuses(table.assign(max_blocks=most, min_blocks=least_blocks(campus)), member_of)


def _middle(land_places: LandPlaces, at: np.ndarray, of: np.ndarray, usable: np.ndarray, count: int) -> np.ndarray:
    """Position of the cell nearest to the middle of each campus's land; a wholly usable one where there is any."""
    lattice, found = land_places.cells.lattice, land_places.cells
    land_ha = np.bincount(of, usable, minlength=count)
    squared = np.zeros(len(at))
    for axis in (found.row[at], found.column[at]):
        mean = np.bincount(of, usable * axis, minlength=count) / land_ha
        squared += (axis - mean[of]) ** 2
    partly = lattice.area_m2 - found.usable_m2[at] > land.LEAST_TAKEN_M2
    order = np.lexsort((at, squared.round(9), partly, of))
    return np.asarray(at[order[np.flatnonzero(np.diff(of[order], prepend=-1))]])


def _on_usable_land(land_places: LandPlaces, middle: np.ndarray, table: pd.DataFrame) -> dict[str, np.ndarray]:
    """Coordinates of the middle cell's centre, or of a point on its usable land where it is partly taken."""
    lattice, found = land_places.cells.lattice, land_places.cells
    lat, lon = table["lat"].to_numpy(copy=True), table["lon"].to_numpy(copy=True)
    partly = np.flatnonzero(lattice.area_m2 - found.usable_m2[middle] > land.LEAST_TAKEN_M2)
    if len(partly):
        usable = found.usable_shapes(middle[partly])
        centre = shapely.centroid(land_places.shapes(middle[partly]))
        aside = ~shapely.contains(usable, centre)
        points = gpd.GeoSeries(shapely.point_on_surface(usable[aside]), crs=land_places.crs).to_crs(WGS84)
        lat[partly[aside]], lon[partly[aside]] = points.y, points.x
    return {"lat": lat, "lon": lon}
