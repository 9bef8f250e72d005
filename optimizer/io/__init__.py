"""Readers and writers, one file per format."""

from __future__ import annotations

from pathlib import Path

from optimizer.grid.network import Grid
from optimizer.io.matpower import read_matpower
from optimizer.io.reading import check_file, read_table, refuse
from optimizer.io.tables import read_tables, write_tables

__all__ = ["read_grid", "read_matpower", "read_table", "read_tables", "write_tables"]


def read_grid(path: str | Path) -> Grid:
    """Read a grid from a MATPOWER case (``.m``), a folder of tables, or a GeoPackage of tables.

    Parameters
    ----------
    path : str or Path
        File or folder.

    Raises
    ------
    InputError
        With every finding: nothing there, unknown format, or what the reader of the format found.
    """
    path = Path(path)
    if path.is_dir():
        return read_tables(path)
    check_file(path, str(path))
    if path.suffix.lower() == ".m":
        return read_matpower(path)
    if path.suffix.lower() == ".gpkg":
        return read_tables(path)
    remedy = "give a MATPOWER case (.m), a GeoPackage (.gpkg), or a folder of tables"
    raise refuse("file.format", str(path), "unknown format of a grid", path.suffix or "no suffix", remedy)
