"""Edits to a good study, and what must be said of each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd


@dataclass(frozen=True)
class Case:
    """One edit.

    Parameters
    ----------
    edit : callable
        Changes the study in a folder.
    rule : str
        Rule of the finding that must come of it.
    where : tuple of str
        What the place must name: file, row, field.
    found : str
        The value as it must be quoted.
    """

    edit: Callable[[Path], None]
    rule: str
    where: tuple[str, ...]
    found: str


def text(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace one piece of text, which must be there once."""

    def edit(folder: Path) -> None:
        content = (folder / file).read_text(encoding="utf-8")
        assert content.count(old) == 1, f"{old!r} is {content.count(old)} times in {file}"
        (folder / file).write_text(content.replace(old, new), encoding="utf-8")

    return edit


def raw(file: str, content: bytes) -> Callable[[Path], None]:
    """Replace a file."""
    return lambda folder: (folder / file).write_bytes(content) and None


def gone(file: str) -> Callable[[Path], None]:
    """Remove a file."""
    return lambda folder: (folder / file).unlink()


def folder_for(file: str) -> Callable[[Path], None]:
    """Put a folder where a file was."""

    def edit(folder: Path) -> None:
        (folder / file).unlink()
        (folder / file).mkdir()

    return edit


def large(file: str, size: int) -> Callable[[Path], None]:
    """Make a file long, without taking the room on disk."""
    return lambda folder: os.truncate(folder / file, size)


def layer(frame: gpd.GeoDataFrame) -> Callable[[Path], None]:
    """Replace the map layer, by a file that can lack what GeoJSON always has."""

    def edit(folder: Path) -> None:
        text("study.toml", "parks.geojson", "parks.gpkg")(folder)
        with warnings.catch_warnings():
            # A layer without reference system is what some case is about.
            warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
            frame.to_file(folder / "parks.gpkg", layer="parks", geometry_type="Polygon")

    return edit


def circuit(row: str) -> Callable[[Path], None]:
    """Offer one new circuit, which may take the place of a branch."""
    header = "circuit,from_bus,to_bus,x_pu,rating_mw,cost_musd,max_count,ready"
    header += ",replaces" if row.count(",") > header.count(",") else ""
    return lambda folder: (folder / "grid" / "circuits.csv").write_text(f"{header}\n{row}\n", encoding="utf-8") and None


def both(first: Callable[[Path], None], second: Callable[[Path], None]) -> Callable[[Path], None]:
    """Two edits that make one mistake."""

    def edit(folder: Path) -> None:
        first(folder)
        second(folder)

    return edit
