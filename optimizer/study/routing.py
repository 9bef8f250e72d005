"""Routes of ties over the friction and barrier layers of a study, from sites to points of interconnection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from optimizer.config import SitesSettings
from optimizer.errors import Finding, InputError
from optimizer.layers.friction import FrictionError, Surface, friction_surface
from optimizer.layers.lattice import Lattice
from optimizer.layers.layer import MapLayer
from optimizer.layers.places import M_PER_KM, WGS84, earth_centred_km, surface_km
from optimizer.layers.routes import RouteField, route_field
from optimizer.layers.terrain import TerrainTable
from optimizer.study.region import Region

WINDOW = 1.5
"""Routes stay within this many times ``sites.max_tie_km`` of a point, east-west and north-south. A choice of this
project, which bounds time: a longer detour is not found [-]."""

MAX_ROUTING_CELLS = 30_000_000
"""Most cells of a routing lattice: beyond this a slip in ``routing_cell_km`` is likelier than a wish [count]."""

PAIR_COLUMNS = ("place", "substation", "straight_km", "length_km", "weighted_km")


@dataclass(frozen=True, eq=False)
class Routing:
    """How the routes of ties are found.

    Parameters
    ----------
    surface : Surface
        Friction and barriers.
    stations : DataFrame, index ``substation``
        ``lat``, ``lon`` [deg], ``x_m``, ``y_m`` (in the lattice's projection) [m] of every substation with a point of
        interconnection on the lattice.
    max_km : float
        Longest straight line from a place to a substation [km].
    """

    surface: Surface
    stations: pd.DataFrame
    max_km: float

    def pairs(self, places: pd.DataFrame, points: pd.DataFrame) -> pd.DataFrame:
        """Every place and substation within reach of each other, between which there is a route.

        Parameters
        ----------
        places : DataFrame
            ``lat``, ``lon`` [deg]; one without coordinates reaches nothing.
        points : DataFrame
            Points of interconnection; their substations are asked for.

        Returns
        -------
        DataFrame
            `PAIR_COLUMNS`: place and substation, the straight line, the route's length, and its length times factor
            [km].
        """
        places = places[places["lat"].notna()]
        stations = self.stations[self.stations.index.isin(points["substation"])]
        empty = {c: pd.Series(dtype=object if c in ("place", "substation") else float) for c in PAIR_COLUMNS}
        if places.empty or stations.empty:
            return pd.DataFrame(empty)
        x_m, y_m = _metres(places, self.surface)
        near = cKDTree(earth_centred_km(places["lat"].to_numpy(), places["lon"].to_numpy()))
        centres = earth_centred_km(stations["lat"].to_numpy(), stations["lon"].to_numpy())
        place, station = [], []
        numbers: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for number, centre in enumerate(centres):
            # The chord through the Earth is never longer than the way over it; what is too far is dropped.
            at = np.array(near.query_ball_point(centre, self.max_km, return_sorted=True), dtype=int)
            straight = surface_km(np.linalg.norm(near.data[at] - centre, axis=1))
            at, straight = at[straight <= self.max_km], straight[straight <= self.max_km]
            if at.size:
                found = self._field(stations.index[number]).reached(x_m[at], y_m[at])
                routed = np.isfinite(found.weighted_km)
                place.append(at[routed])
                station.append(np.full(routed.sum(), number))
                numbers.append((straight[routed], found.length_km[routed], found.weighted_km[routed]))
        if not place:
            return pd.DataFrame(empty)
        names = places.index.take(np.concatenate(place)), stations.index.take(np.concatenate(station))
        lengths = (np.concatenate(column) for column in zip(*numbers, strict=True))
        return pd.DataFrame(dict(zip(PAIR_COLUMNS, (*names, *lengths), strict=True)))

    def lines(self, places: pd.DataFrame, ends: pd.DataFrame) -> gpd.GeoSeries:
        """Routes on the map.

        Parameters
        ----------
        places : DataFrame
            ``lat``, ``lon`` [deg].
        ends : DataFrame
            ``site`` (a place) and ``substation`` of each route wanted.

        Returns
        -------
        GeoSeries
            Index of `ends`, EPSG:4326; ``None`` where there is no route, or where both ends are one.
        """
        lines = np.full(len(ends), None, dtype=object)
        x_m, y_m = _metres(places.loc[ends["site"]], self.surface)
        for substation, at in ends.reset_index(drop=True).groupby("substation").indices.items():
            field = self._field(substation)
            drawn: dict[tuple[float, float], shapely.LineString | None] = {}
            for row in at:
                # Ties of several circuits share a route.
                place = (float(x_m[row]), float(y_m[row]))
                lines[row] = drawn[place] if place in drawn else drawn.setdefault(place, field.line(*place))
        return gpd.GeoSeries(lines, index=ends.index, crs=self.surface.lattice.crs).to_crs(WGS84)

    def _field(self, substation: str) -> RouteField:
        x_m, y_m = self.stations.loc[substation, ["x_m", "y_m"]]
        return route_field(self.surface, float(x_m), float(y_m), WINDOW * self.max_km * M_PER_KM)


def _metres(places: pd.DataFrame, surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates in the projection of a surface [m]."""
    to_metres = pyproj.Transformer.from_crs(WGS84, surface.lattice.crs, always_xy=True)
    x_m, y_m = to_metres.transform(places["lon"].to_numpy(dtype=float), places["lat"].to_numpy(dtype=float))
    return np.asarray(x_m), np.asarray(y_m)


def routing_lattice(region: Region, settings: SitesSettings) -> Lattice:
    """Cells that routes run over: the region, and as far around it as a point of interconnection may lie."""
    west, south, east, north = region.footprint.bounds
    margin = settings.max_tie_km * M_PER_KM + settings.routing_cell_km * M_PER_KM
    area = shapely.box(west - margin, south - margin, east + margin, north + margin)
    return Lattice.over(area, settings.routing_cell_km, region.crs)


def make_routing(
    region: Region,
    settings: SitesSettings,
    layers: Sequence[MapLayer],
    tables: Mapping[str, TerrainTable],
    points: pd.DataFrame,
) -> Routing:
    """Put the friction and barrier layers of a study on a lattice.

    Parameters
    ----------
    region : Region
        Gives the projection and the extent.
    settings : SitesSettings
        ``routing_cell_km``, ``max_tie_km``.
    layers : sequence of MapLayer
        Those with another rule are passed over.
    tables : mapping of str to TerrainTable
        Terrain tables by name.
    points : DataFrame
        Points of interconnection.

    Raises
    ------
    InputError
        A raster holds a friction factor that is not a positive number.
    """
    lattice = routing_lattice(region, settings)
    named = [(layer, tables.get(layer.settings.multipliers or "")) for layer in layers]
    try:
        surface = friction_surface(lattice, named)
    except FrictionError as error:
        remedy = "give positive factors, 1 for open country, or name in multipliers the table that the values belong to"
        text = "a friction factor is not a positive number"
        raise InputError([Finding("study.friction.value", f"sites.layers ({error})", text, "", remedy)]) from None
    west, south, east, north = lattice.bounds
    stations = points.groupby("substation", sort=True)[["lat", "lon"]].first()
    x_m, y_m = _metres(stations, surface)
    # Those beyond the lattice are out of every site's reach.
    inside = (x_m > west) & (x_m < east) & (y_m > south) & (y_m < north)
    return Routing(surface, stations.assign(x_m=x_m, y_m=y_m)[inside], settings.max_tie_km)
