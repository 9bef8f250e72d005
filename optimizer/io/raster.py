"""Raster map layers: where one lies, what its cells hold, and which of them count.

A raster is described when it is read and its cells are fetched window by window, so that one larger than memory can be
used.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import affine
import numpy as np
import pyproj
import rasterio
import rasterio.errors
from rasterio.windows import Window

from optimizer.errors import Finding, InputError
from optimizer.io.reading import check_file, refuse

SUFFIXES = (".tif", ".tiff")
"""Suffixes of GeoTIFF files, cloud-optimized ones among them."""

MAX_FILE_BYTES = 100_000_000_000
"""Largest raster file that is read [bytes]."""

MAX_WINDOW_CELLS = 200_000_000
"""Most cells that are read at once [count]."""

SAMPLED_BLOCKS = 16
"""Blocks of cells that are looked at when a raster is described [count]."""

_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_DRIVER = "GTiff"
_USUAL_NODATA = (-9999.0, -99999.0, -32768.0)
_HUGE = 1e30


@dataclass(frozen=True)
class Raster:
    """One band of a raster file.

    Parameters
    ----------
    path : Path
        The file.
    band : int
        Band, counted from 1.
    crs : CRS
        Its coordinate reference system.
    transform : Affine
        From column and row to coordinates, in units of `crs`; not rotated.
    width, height : int
        Columns and rows [count].
    nodata : float, optional
        What cells without a value hold.
    scale_factor, offset : float
        A cell's value is `scale_factor` times the number stored, plus `offset`.
    beside : tuple of Path
        Other files that the raster is described by.
    """

    path: Path
    band: int
    crs: pyproj.CRS
    transform: affine.Affine
    width: int
    height: int
    nodata: float | None
    scale_factor: float = 1.0
    offset: float = 0.0
    beside: tuple[Path, ...] = ()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north limit [units of `crs`]."""
        x0, y0 = self.transform @ (0, 0)
        x1, y1 = self.transform @ (self.width, self.height)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def window(self, bounds: tuple[float, float, float, float]) -> Window | None:
        """Cells that meet a rectangle.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east and north limit [units of `crs`].

        Returns
        -------
        Window, optional
            ``None`` where the rectangle and the raster do not meet.
        """
        west, south, east, north = bounds
        corners = (~self.transform @ (west, north), ~self.transform @ (east, south))
        columns, rows = (sorted(axis) for axis in zip(*corners, strict=True))
        first, top = max(math.floor(columns[0]), 0), max(math.floor(rows[0]), 0)
        width = min(math.ceil(columns[1]), self.width) - first
        height = min(math.ceil(rows[1]), self.height) - top
        return Window(first, top, width, height) if width > 0 and height > 0 else None

    def read(self, window: Window) -> tuple[np.ma.MaskedArray, affine.Affine]:
        """Values of a window of cells.

        Parameters
        ----------
        window : Window
            Columns and rows inside the raster.

        Returns
        -------
        values : masked array, shape (rows, columns)
            Values, masked where a cell has none; rows from north to south.
        transform : Affine
            From column and row of `values` to coordinates.

        Raises
        ------
        InputError
            The window holds more than `MAX_WINDOW_CELLS`, or the file cannot be read there.
        """
        cells = int(window.width) * int(window.height)
        if cells > MAX_WINDOW_CELLS:
            remedy = f"at most {MAX_WINDOW_CELLS:,} cells are read at once: give a coarser raster or a smaller region"
            raise refuse("raster.too_large", self.path.name, "too many cells", f"{cells:,} cells", remedy)
        try:
            with rasterio.open(self.path, driver=_DRIVER) as source:
                stored = source.read(self.band, window=window, masked=True)
        except (rasterio.errors.RasterioError, OSError) as error:
            raise _unreadable(self.path.name, error) from error
        values = _without_nan(stored)
        if (self.scale_factor, self.offset) != (1.0, 0.0):
            values = values * self.scale_factor + self.offset
        transform = self.transform @ affine.Affine.translation(window.col_off, window.row_off)
        if transform.e > 0:
            # Some rasters begin in the south: turned over, so that every reader sees north above.
            transform = transform @ affine.Affine.translation(0, window.height) @ affine.Affine.scale(1, -1)
            values = values[::-1]
        return values, transform

    def read_bounds(self, bounds: tuple[float, float, float, float]) -> tuple[np.ma.MaskedArray, affine.Affine]:
        """Values of the cells that meet a rectangle, as `read` gives them.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east and north limit [units of `crs`].

        Returns
        -------
        values : masked array, shape (rows, columns)
            No rows where the rectangle and the raster do not meet.
        transform : Affine
            From column and row of `values` to coordinates.

        Raises
        ------
        InputError
            As `read`.
        """
        window = self.window(bounds)
        if window is None:
            return np.ma.masked_all((0, 0)), self.transform
        return self.read(window)


def read_raster(path: Path, band: int = 1, where: str = "") -> tuple[Raster, list[Finding]]:
    """Describe one band of a raster file.

    Parameters
    ----------
    path : Path
        GeoTIFF file, cloud-optimized or not.
    band : int
        Band, counted from 1.
    where : str
        How findings name the file; its file name if empty.

    Returns
    -------
    raster : Raster
        Its cells are fetched by `Raster.read_bounds`.
    findings : list of Finding
        Warnings.

    Raises
    ------
    InputError
        With every problem found: missing or too large file, wrong content, unknown band, no or a local reference
        system, no position on the map, rotated rows, cells that are no numbers.
    """
    name = where or path.name
    check_file(path, name, MAX_FILE_BYTES)
    with path.open("rb") as file:
        start = file.read(4)
    if start not in _SIGNATURES:
        remedy = "give a GeoTIFF: GIS programs export any raster as one"
        raise refuse("raster.content", name, "the content is not GeoTIFF", repr(start), remedy)
    try:
        with warnings.catch_warnings():
            # A raster without a position is refused below, where it is said what to do about it.
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(path, driver=_DRIVER) as source:
                if findings := _check(source, band, name):
                    raise InputError(findings)
                raster = _described(source, path, band)
                return raster, _nodata_findings(source, raster, name)
    except (rasterio.errors.RasterioError, OSError) as error:
        raise _unreadable(name, error) from error


def _check(source: rasterio.DatasetReader, band: int, name: str) -> list[Finding]:
    findings = []
    if not 1 <= band <= source.count:
        remedy = f"give a band from 1 to {source.count}"
        findings.append(Finding("raster.band", name, "the raster has no such band", f"band {band}", remedy))
    elif np.dtype(source.dtypes[band - 1]).kind not in "iuf":
        found = f"cells of type {source.dtypes[band - 1]}"
        findings.append(Finding("raster.type", name, "the cells hold no real numbers", found, "export it as float32"))
    crs = source.crs
    if crs is None or not (crs.is_geographic or crs.is_projected):
        text = "the raster has no coordinate reference system that places it on the Earth"
        remedy = "assign the raster its coordinate reference system and export it again"
        findings.append(Finding("raster.no_crs", name, text, "none" if crs is None else "a local system", remedy))
    t = source.transform
    if t.is_identity:
        text = "the raster has no position: it does not say where its cells lie"
        findings.append(Finding("raster.no_position", name, text, "", "georeference it and export it again"))
    elif t.b != 0 or t.d != 0 or t.a <= 0 or t.e == 0:
        text, remedy = "the rows do not run from west to east", "warp the raster to rows and columns along the axes"
        findings.append(Finding("raster.rotated", name, text, f"transform {tuple(t)[:6]}", remedy))
    elif crs is not None and crs.is_geographic:
        findings += _outside(source, name)
    return findings


def _outside(source: rasterio.DatasetReader, name: str) -> list[Finding]:
    """Degrees that are none; edges may lie one cell beyond, where centres of cells stand on the limits."""
    west, south, east, north = source.bounds
    across, along = source.res
    outside = west < -180 - across or east > 180 + across or min(south, north) < -90 - along
    if not outside and max(south, north) <= 90 + along:
        return []
    text = "the raster does not lie between longitudes -180 and 180 and latitudes -90 and 90"
    remedy = "roll longitudes of 0 to 360 to -180 to 180, or state the right reference system"
    found = f"{west:g} to {east:g} and {south:g} to {north:g}"
    return [Finding("raster.coordinates", name, text, found, remedy)]


def _described(source: rasterio.DatasetReader, path: Path, band: int) -> Raster:
    at = band - 1
    beside = tuple(sorted(Path(file) for file in source.files if Path(file).name != path.name and Path(file).is_file()))
    crs, nodata = pyproj.CRS.from_wkt(source.crs.to_wkt()), source.nodatavals[at]
    return Raster(
        path,
        band,
        crs,
        source.transform,
        source.width,
        source.height,
        nodata,
        float(source.scales[at]),
        float(source.offsets[at]),
        beside,
    )


def _nodata_findings(source: rasterio.DatasetReader, raster: Raster, name: str) -> list[Finding]:
    """Numbers that usually mean a missing value and are not declared as one, in a sample of the cells."""
    rows, columns = source.block_shapes[raster.band - 1]
    across = math.ceil(raster.width / columns)
    blocks = across * math.ceil(raster.height / rows)
    lowest, highest, seen = math.inf, -math.inf, 0
    for number in np.unique(np.linspace(0, blocks - 1, SAMPLED_BLOCKS).astype(int)).tolist():
        row, column = divmod(number, across)
        height = min(rows, raster.height - row * rows)
        width = min(columns, raster.width - column * columns)
        part = min(height, max(MAX_WINDOW_CELLS // SAMPLED_BLOCKS // width, 1))
        values = _without_nan(
            source.read(raster.band, window=Window(column * columns, row * rows, width, part), masked=True)
        )
        if values.count():
            lowest, highest = min(lowest, float(values.min())), max(highest, float(values.max()))
        seen += values.size
    if lowest > highest and blocks <= SAMPLED_BLOCKS:
        text, remedy = "no cell of the raster has a value", "check the band and its value for missing data"
        return [Finding("raster.no_values", name, text, f"{seen:,} cells without value", remedy, "warning")]
    odd = [v for v in (lowest, highest) if v in _USUAL_NODATA or (math.isfinite(v) and abs(v) >= _HUGE)]
    if not odd:
        return []
    text = "a number that usually stands for missing data counts as a value"
    remedy = "declare it as the raster's nodata value if it means that, and export the raster again"
    return [Finding("raster.undeclared_nodata", name, text, f"{odd[0]:g}", remedy, "warning")]


def _without_nan(values: np.ma.MaskedArray) -> np.ma.MaskedArray:
    return np.ma.masked_invalid(values, copy=False) if values.dtype.kind == "f" else values


def _unreadable(name: str, error: Exception) -> InputError:
    reason = str(error).strip().split("\n")[0][:200]
    return refuse("file.unreadable", name, "the raster cannot be read", reason, "check that it opens in a GIS program")
