"""Readers and writers, one file per format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from optimizer.grid.network import Grid
from optimizer.io.coordinates import join_coordinates
from optimizer.io.detect import (
    MATPOWER,
    MATPOWER_BINARY,
    PANDAPOWER,
    POWSYBL,
    PYPSA,
    PYPSA_FOLDER,
    Format,
    detect_format,
)
from optimizer.io.matpower import read_matpower
from optimizer.io.names import grid_path
from optimizer.io.reading import read_table
from optimizer.io.tables import read_tables, write_tables

__all__ = ["join_coordinates", "read_grid", "read_matpower", "read_table", "read_tables", "write_tables"]


def read_grid(path: str | Path) -> Grid:
    """Read a grid of any format that `optimizer.io.detect` knows, found by content as well as suffix.

    Parameters
    ----------
    path : str or Path
        File, folder, or name of a dataset.

    Raises
    ------
    InputError
        With every finding: nothing there, unknown format, or what the reader of the format found.
    """
    path = grid_path(path)
    detected = detect_format(path)
    grid = _read(path, detected.format)
    return replace(grid, findings=(*grid.findings, *detected.findings)) if detected.findings else grid


def _read(path: Path, known: Format) -> Grid:
    # Readers whose libraries take long to load are imported when they are needed.
    if known is MATPOWER:
        return read_matpower(path)
    if known is MATPOWER_BINARY:
        from optimizer.io.matpower_binary import read_matpower_binary

        return read_matpower_binary(path)
    if known in (PYPSA, PYPSA_FOLDER):
        from optimizer.io.pypsa import read_pypsa

        return read_pypsa(path)
    if known is PANDAPOWER:
        from optimizer.io.pandapower import read_pandapower

        return read_pandapower(path)
    if known in POWSYBL:
        from optimizer.io.powsybl import read_powsybl

        return read_powsybl(path)
    return read_tables(path)
