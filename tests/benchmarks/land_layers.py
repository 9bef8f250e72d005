"""Map layers made for measuring: as many features, vertices and overlaps as the layers of a real state, all invented.

Numbers of features are given per 1,000 km2, so that a part of a state gets its part of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import affine
import geopandas as gpd
import numpy as np
import pyproj
import rasterio
import scipy.sparse as sp
import shapely

from optimizer.config import LayerSettings
from optimizer.io.raster import Raster
from optimizer.layers.layer import MapLayer

SEED = 20_240_901
ROWS_AT_ONCE = 512
OCTAVES = 4


@dataclass(frozen=True)
class Ground:
    """Where layers are made: a footprint in an equal-area projection [m]."""

    footprint: shapely.Geometry
    crs: pyproj.CRS

    def count(self, per_1000_km2: float) -> int:
        """Number of features for a density."""
        return max(round(per_1000_km2 * self.footprint.area / 1e9), 1)

    def points(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Points in the footprint, shape (count, 2) [m]."""
        shapely.prepare(self.footprint)
        west, south, east, north = self.footprint.bounds
        found = np.empty((0, 2))
        while len(found) < count:
            drawn = rng.uniform((west, south), (east, north), (2 * count + 10, 2))
            found = np.concatenate([found, drawn[shapely.contains_xy(self.footprint, drawn)]])
        return found[:count]


def blobs(
    ground: Ground, rng: np.random.Generator, density: float, radius_m: float, vertices: int, rough: float = 0.25
) -> np.ndarray:
    """Lakes, parks, towns: closed curves whose radius is a sum of waves, sizes log-normal."""
    count = ground.count(density)
    centre = ground.points(count, rng)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    waves = np.arange(1, max(vertices // 4, 2))
    size = rng.normal(0, 1, (count, len(waves))) / waves
    phase = rng.uniform(0, 2 * np.pi, (count, len(waves)))
    shape = np.ones((count, vertices))
    for n, wave in enumerate(waves):
        shape += rough * size[:, [n]] * np.cos(wave * angle + phase[:, [n]])
    radius = radius_m * np.exp(rng.normal(0, 0.6, count))[:, None] * np.maximum(shape, 0.15)
    return _closed(centre[:, 0, None] + radius * np.cos(angle), centre[:, 1, None] + radius * np.sin(angle))


def _closed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    corners = np.stack([x, y], axis=-1)
    return np.asarray(shapely.polygons(np.concatenate([corners, corners[:, :1]], axis=1)))


def walks(
    ground: Ground, rng: np.random.Generator, density: float, steps: int, step_m: float, bend: float
) -> np.ndarray:
    """Roads, rivers, pipelines: lines that turn a little at each step; `bend` is the spread of a turn [rad]."""
    count = ground.count(density)
    turn = rng.normal(0, bend, (count, steps))
    heading = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(turn, axis=1) * 0.7
    path = np.cumsum(step_m * np.stack([np.cos(heading), np.sin(heading)], axis=-1), axis=1)
    return np.asarray(shapely.linestrings(ground.points(count, rng)[:, None, :] + path))


def parcels(ground: Ground, rng: np.random.Generator, density: float, side_m: float) -> np.ndarray:
    """Lots that share borders, in tracts of 20 by 20: four-sided, with a point inside each border."""
    lots = 20
    tracts = ground.count(density / lots**2)
    corner = ground.points(tracts, rng) - side_m * lots / 2
    at = np.arange(lots + 1) * side_m
    grid = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1)[None] + corner[:, None, None, :]
    grid = grid + rng.uniform(-0.25, 0.25, grid.shape) * side_m
    east = (grid[:, 1:] + grid[:, :-1]) / 2 + rng.uniform(-0.05, 0.05, (tracts, lots, lots + 1, 2)) * side_m
    north = (grid[:, :, 1:] + grid[:, :, :-1]) / 2 + rng.uniform(-0.05, 0.05, (tracts, lots + 1, lots, 2)) * side_m
    ring = [
        grid[:, :-1, :-1], east[:, :, :-1], grid[:, 1:, :-1], north[:, 1:], grid[:, 1:, 1:], east[:, :, 1:],
        grid[:, :-1, 1:], north[:, :-1],
    ]  # fmt: skip
    corners = np.stack(ring, axis=3).reshape(-1, len(ring), 2)
    kept = corners[rng.permutation(len(corners))[: max(int(len(corners) * 0.95), 1)]]
    return _closed(kept[..., 0], kept[..., 1])


def flood_zones(ground: Ground, rng: np.random.Generator, density: float) -> np.ndarray:
    """Ribbons of changing width along rivers: thousands of vertices each."""
    rivers = walks(ground, rng, density, 1500, 60.0, 0.25)
    wide = np.exp(rng.normal(0, 0.5, len(rivers))) * 250.0
    parts = []
    for river, width in zip(rivers, wide, strict=True):
        points = shapely.get_coordinates(river)
        pools = shapely.buffer(
            shapely.points(points[::7]), width * rng.uniform(0.4, 1.6, len(points[::7])), quad_segs=6
        )
        parts.append(shapely.union_all([shapely.buffer(river, width / 2, quad_segs=3), *pools]))
    return np.array(parts, dtype=object)


Maker = Callable[[Ground, np.random.Generator], np.ndarray]

VECTORS: dict[str, tuple[str, str, dict[str, object], Maker]] = {
    "parcels": ("gpkg", "EPSG:2277", {}, lambda g, r: parcels(g, r, 160.0, 450.0)),
    "roads": ("fgb", "EPSG:4269", {"buffer_m": 60.0}, lambda g, r: walks(g, r, 15.0, 40, 375.0, 0.1)),
    "county_roads": ("parquet", "EPSG:4326", {"buffer_m": 20.0}, lambda g, r: walks(g, r, 10.0, 25, 120.0, 0.3)),
    "railroads": ("fgb", "EPSG:4269", {"buffer_m": 50.0}, lambda g, r: walks(g, r, 0.6, 400, 200.0, 0.03)),
    "rivers": ("gpkg", "EPSG:5070", {"buffer_m": 100.0}, lambda g, r: walks(g, r, 3.0, 150, 160.0, 0.3)),
    "transmission": ("fgb", "EPSG:3857", {"buffer_m": 75.0}, lambda g, r: walks(g, r, 1.5, 40, 1500.0, 0.05)),
    "pipelines": ("parquet", "EPSG:4267", {"buffer_m": 40.0}, lambda g, r: walks(g, r, 2.0, 120, 500.0, 0.05)),
    "lakes": ("gpkg", "EPSG:4326", {"buffer_m": 30.0}, lambda g, r: blobs(g, r, 10.0, 350.0, 48)),
    "wetlands": ("fgb", "EPSG:5070", {}, lambda g, r: blobs(g, r, 80.0, 160.0, 20)),
    "protected": ("gpkg", "EPSG:5070", {}, lambda g, r: blobs(g, r, 0.5, 3500.0, 400, 0.2)),
    "flood_zones": ("fgb", "EPSG:4269", {}, lambda g, r: flood_zones(g, r, 0.4)),
    "habitat": ("parquet", "EPSG:4326", {}, lambda g, r: blobs(g, r, 0.4, 6000.0, 300, 0.15)),
    "towns": ("fgb", "EPSG:3083", {"buffer_m": 200.0}, lambda g, r: blobs(g, r, 2.5, 1300.0, 120)),
    "military": ("gpkg", "EPSG:4326", {}, lambda g, r: blobs(g, r, 0.03, 6000.0, 60, 0.1)),
    "wells": (
        "fgb",
        "EPSG:4267",
        {"buffer_m": 90.0},
        lambda g, r: np.asarray(shapely.points(g.points(g.count(30), r))),
    ),
}
"""Vector layers: format, reference system, settings, and what makes the shapes in the ground's projection."""

RASTERS: dict[str, tuple[float, str, str, float, float]] = {
    "slope": (250.0, "EPSG:5070", "value > 15", 4_000.0, 0.06),
    "land_cover": (100.0, "EPSG:5070", "value in (11, 21, 90)", 2_500.0, 0.08),
    "flood_depth": (200.0, "EPSG:32614", "value > 0", 3_000.0, 0.05),
    "population": (250.0, "EPSG:3083", "value >= 200", 8_000.0, 0.04),
    "peat": (150.0, "EPSG:3857", "value <> 0", 6_000.0, 0.03),
}
"""Raster layers: side of a cell [m], reference system, filter, length of their waves [m], share that counts [-]."""


def write_layers(
    folder: Path, ground: Ground, names: tuple[str, ...] = (*RASTERS, *VECTORS)
) -> tuple[LayerSettings, ...]:
    """Make the named layers as files in a folder; return what a study would say of each."""
    written = []
    for n, name in enumerate((*RASTERS, *VECTORS)):
        if name not in names:
            continue
        rng = np.random.default_rng((SEED, n))
        if name in RASTERS:
            where = RASTERS[name][2]
            path = _write_raster(folder / f"{name}.tif", ground, rng, *RASTERS[name][:2], *RASTERS[name][3:])
            written.append(LayerSettings(source=path.name, name=name, where=where, rule="exclude"))
        else:
            suffix, crs, settings, make = VECTORS[name]
            frame = gpd.GeoDataFrame(geometry=make(ground, rng), crs=ground.crs)
            path = _write_vector(folder / f"{name}.{suffix}", frame.assign(number=np.arange(len(frame))).to_crs(crs))
            written.append(LayerSettings(source=path.name, name=name, rule="exclude", **settings))
    return tuple(written)


def _write_vector(path: Path, frame: gpd.GeoDataFrame) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


def _write_raster(
    path: Path, ground: Ground, rng: np.random.Generator, side: float, crs: str, wave_m: float, share: float
) -> Path:
    """A number that rolls like hills; the filter of every raster is met where it exceeds the quantile of `share`."""
    to_raster = pyproj.Transformer.from_crs(ground.crs, crs, always_xy=True)
    west, south, east, north = to_raster.transform_bounds(*ground.footprint.bounds)
    west, north = np.floor(west / side) * side, np.ceil(north / side) * side
    width, height = int(np.ceil((east - west) / side)), int(np.ceil((north - south) / side))
    # Waves are drawn on coarse lattices of ever shorter lengths and interpolated.
    octaves = [_octave(rng, width, height, wave_m / side / 2**n, 0.55**n) for n in range(OCTAVES)]
    sample = np.concatenate([field[::37, ::7].ravel() for field in _fields(octaves, height, 997)])
    limit = np.quantile(sample, 1 - share)
    profile = dict(driver="GTiff", width=width, height=height, count=1, dtype="uint8", crs=crs, nodata=255)
    transform = affine.Affine(side, 0, west, 0, -side, north)
    with rasterio.open(path, "w", **profile, transform=transform, tiled=True, compress="deflate", zlevel=1) as file:
        row = 0
        for field in _fields(octaves, height, ROWS_AT_ONCE):
            values = np.where(field > limit, 11 if "cover" in path.name else 200, 0).astype("uint8")
            file.write(values, 1, window=((row, row + len(values)), (0, width)))
            row += len(values)
    return path


def _octave(
    rng: np.random.Generator, width: int, height: int, cells: float, weight: float
) -> tuple[sp.csr_array, np.ndarray]:
    rows, columns = int(height / cells) + 2, int(width / cells) + 2
    values = rng.normal(0, weight, (rows, columns)).astype("float32")
    across = (_between(width, columns, cells) @ values.T).T
    return _between(height, rows, cells), np.ascontiguousarray(across)


def _between(count: int, knots: int, cells: float) -> sp.csr_array:
    """Linear interpolation between knots, as a matrix of `count` rows."""
    at = np.arange(count) / cells
    left = np.minimum(at.astype(int), knots - 2)
    part = (at - left).astype("float32")
    row = np.arange(count)
    entries = (np.concatenate([1 - part, part]), (np.concatenate([row, row]), np.concatenate([left, left + 1])))
    return sp.csr_array(entries, shape=(count, knots))


def _fields(octaves: list[tuple[sp.csr_array, np.ndarray]], height: int, rows: int) -> Iterator[np.ndarray]:
    for first in range(0, height, rows):
        yield sum(down[first : first + rows] @ across for down, across in octaves)


def read_layers(folder: Path, settings: tuple[LayerSettings, ...]) -> tuple[MapLayer, ...]:
    """Layers as a study holds them, read without its checks."""
    return tuple(_read(folder / layer.source, layer) for layer in settings)


def _read(path: Path, settings: LayerSettings) -> MapLayer:
    name = settings.name or path.stem
    if path.suffix == ".tif":
        with rasterio.open(path) as file:
            crs, size = pyproj.CRS(file.crs.to_wkt()), (file.width, file.height)
            return MapLayer(name, settings, raster=Raster(path, 1, crs, file.transform, *size, file.nodata))
    frame = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    return MapLayer(name, settings, features=frame)


def part_of(ground: Ground, share: float) -> Ground:
    """A square in the middle of a ground with a share of its area."""
    middle, half = ground.footprint.centroid, np.sqrt(share * ground.footprint.area) / 2
    return Ground(shapely.box(middle.x - half, middle.y - half, middle.x + half, middle.y + half), ground.crs)
