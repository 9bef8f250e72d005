"""Reading all that a study names, each thing once, with every finding of all of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from optimizer.config import AreaSettings, GridSettings, LayerSettings, StudyConfig
from optimizer.errors import Finding, GridsiteError, InputError, nearest
from optimizer.grid.area import cut_area
from optimizer.grid.columns import KEYS, TABLES
from optimizer.grid.network import Grid
from optimizer.grid.schema import Column
from optimizer.io import join_coordinates, read_grid
from optimizer.io.detect import TABLES_FOLDER, detect_format
from optimizer.io.reading import TABLE_SUFFIXES
from optimizer.io.vector import read_vector
from optimizer.layers.land import Exclusion
from optimizer.resources import dataset_names, dataset_path, example_names, example_path, fetch_remedy
from optimizer.study.facts import read_checked
from optimizer.study.inputs import InputFile
from optimizer.study.own import read_own
from optimizer.study.region import read_region

STUDY_FILE = "study.toml"

ARCHETYPES = (
    Column("archetype", "id", required=True, meaning="Archetype."),
    Column("parameter", "id", required=True, meaning="Key of [facility]."),
    Column("value", "float", "", None, True, meaning="Value, in the unit of its row."),
)


@dataclass(frozen=True, eq=False)
class Loaded:
    """One thing that was read: its value, the files it came from, and what was noted."""

    value: Any
    inputs: tuple[InputFile, ...]
    findings: tuple[Finding, ...] = ()


@dataclass
class Reader:
    """Reads things by name, once; keeps the findings of all.

    Parameters
    ----------
    folder : Path
        Folder that paths are relative to.
    known : mapping
        What an earlier reader has read, by (role, name).
    """

    folder: Path
    known: Mapping[tuple[str, ...], Loaded]
    used: dict[tuple[str, ...], Loaded] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def read(self, key: tuple[str, ...], action: Callable[[], Loaded]) -> Any:
        """Return what is read under a key, ``None`` if it cannot be read (the findings then say why)."""
        try:
            loaded = self.known.get(key) or action()
        except GridsiteError as error:
            self.findings += error.findings
            return None
        self.used[key] = loaded
        self.findings += loaded.findings
        return loaded.value

    def inputs(self) -> tuple[InputFile, ...]:
        """Every file that was read, in a stable order."""
        return tuple(sorted({file for loaded in self.used.values() for file in loaded.inputs}))

    def grid(self, source: str, coordinates: str | None = None) -> Any:
        """Grid of a dataset, file or folder, with coordinates from a table where one is named."""
        table = None if coordinates is None else self.folder / coordinates
        return self.read(("grid", source, coordinates or ""), lambda: _grid(self._grid_path(source), table))

    def area(self, settings: GridSettings) -> Any:
        """Grid of a study: that of its source, or the area cut from it."""
        grid, area = self.grid(settings.source, settings.coordinates), settings.area
        if grid is None or area is None:
            return grid
        made_of = {"source", "coordinates", "area", "susceptance"}
        return self.read(("area", settings.model_dump_json(include=made_of)), lambda: _area(grid, area, settings))

    def region(self, source: str) -> Any:
        """Region of a dataset or folder."""
        return self.read(("region", source), lambda: _region(self._locate(source, "sites.region")))

    def archetypes(self) -> Any:
        """Archetypes of facilities by name, then parameter."""
        return self.read(("archetypes",), _archetypes)

    def own(self, table: str, ties: str | None) -> Any:
        """The user's sites and ties."""
        return self.read(("sites", table, ties or ""), lambda: _own(self.folder, table, ties))

    def outages(self, source: str) -> Any:
        """A list of outages."""
        return self.read(("outages", source), lambda: _outages(self.folder / source, source))

    def layer(self, settings: LayerSettings) -> Exclusion | None:
        """A layer that excludes land."""
        frame = self.read(
            ("layer", settings.source, settings.layer or ""),
            lambda: _layer(self.folder / settings.source, settings.layer, settings.source),
        )
        return None if frame is None else Exclusion(Path(settings.source).stem, frame, settings.buffer_m)

    def _grid_path(self, source: str) -> Path:
        path = self._locate(source, "grid.source")
        return path / "grid" if _is_dataset(source) else path

    def _locate(self, source: str, where: str) -> Path:
        if _is_dataset(source):
            return dataset_path(source)
        path = self.folder / source
        if path.exists():
            return path
        if fetch_remedy(source):
            text = "the dataset is not here yet"
            raise InputError([Finding("dataset.not_fetched", where, text, repr(source), fetch_remedy(source))])
        remedy = f"give a path relative to the study file, or a bundled dataset; {nearest(source, dataset_names())}"
        text = "neither a bundled dataset nor a file or folder that exists"
        raise InputError([Finding("study.source.unknown", where, text, repr(source), remedy)])


def _is_dataset(source: str) -> bool:
    return source in dataset_names()


def default_region(config: StudyConfig) -> str | None:
    """Region of a study: the one it names; else, if it has no table of sites, that of the dataset its grid is from."""
    if config.sites.region is not None:
        return config.sites.region
    source = config.grid.source if config.grid is not None else ""
    if config.sites.table is None and _is_dataset(source) and (dataset_path(source) / "counties.geojson").is_file():
        return source
    return None


def study_file(source: str | Path) -> Path:
    """Path of the study file that a user means.

    Parameters
    ----------
    source : str or Path
        A study file, the folder that holds ``study.toml``, or the name of a bundled example.

    Raises
    ------
    InputError
        There is no such file, folder or example.
    """
    path = Path(source)
    if path.is_dir():
        return path / STUDY_FILE
    if path.exists() or str(source) not in example_names():
        if path.exists() or path.suffix:
            return path
        remedy = f"give a study file, its folder, or an example; {nearest(str(source), example_names())}"
        text = "no such study file, folder or bundled example"
        raise InputError([Finding("study.not_found", str(source), text, "", remedy)])
    return example_path(str(source)) / STUDY_FILE


def study_files(path: Path) -> tuple[InputFile, ...]:
    """A study file that was read without findings, with the files that it extends."""
    files: list[InputFile] = []
    while path is not None and path not in [file.path for file in files]:
        files.append(InputFile(path, "study"))
        base = tomllib.loads(path.read_text(encoding="utf-8-sig")).get("extends")
        if base is None:
            break
        path = path.parent / str(base)
    return tuple(files)


def _grid(path: Path, coordinates: Path | None) -> Loaded:
    grid = read_grid(path)
    if not path.is_dir():
        files = [path]
    elif detect_format(path).format is TABLES_FOLDER:
        files = [f for f in sorted(path.iterdir()) if f.suffix.lower() in TABLE_SUFFIXES]
        files = [f for f in files if f.stem in TABLES or f.suffix.lower() == ".gpkg"]
    else:
        files = [f for f in sorted(path.iterdir()) if f.is_file()]
    inputs = [InputFile(f, "grid") for f in files]
    if coordinates is not None:
        grid = join_coordinates(grid, coordinates)
        inputs.append(InputFile(coordinates, "coordinates"))
    return Loaded(grid, tuple(inputs), grid.findings)


def _area(grid: Grid, area: AreaSettings, settings: GridSettings) -> Loaded:
    def shown(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(f, where=f"grid.{f.where}") if f.where.startswith("area") else f for f in findings)

    try:
        cut = cut_area(grid, area.center, area.hops, boundary=area.boundary, susceptance=settings.susceptance)
    except InputError as refused:
        raise InputError(shown(refused.findings)) from refused
    return Loaded(cut.grid, (), shown(cut.findings))


def _region(path: Path) -> Loaded:
    region = read_region(path)
    return Loaded(region, region.inputs)


def _archetypes() -> Loaded:
    path = dataset_path("facilities") / "archetypes.csv"
    table, findings = read_checked(path, ARCHETYPES, "archetypes.csv", ("archetype", "parameter"))
    if findings:
        raise InputError(findings)
    values = {
        str(a): dict(zip(rows["parameter"], rows["value"], strict=True)) for a, rows in table.groupby("archetype")
    }
    return Loaded(values, (InputFile(path, "archetypes"),))


def _own(folder: Path, table: str, ties: str | None) -> Loaded:
    own, findings = read_own(folder / table, None if ties is None else folder / ties)
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    files = [InputFile(folder / table, "sites"), *([] if ties is None else [InputFile(folder / ties, "ties")])]
    return Loaded(own, tuple(files), tuple(findings))


def _outages(path: Path, where: str) -> Loaded:
    table, findings = read_checked(path, TABLES["contingencies"], where, KEYS["contingencies"])
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return Loaded(table, (InputFile(path, "outages"),), tuple(findings))


def _layer(path: Path, layer: str | None, where: str) -> Loaded:
    # A Shapefile is several files; the others beside it hold its attributes and reference system.
    beside = [p for p in sorted(path.parent.glob(f"{path.stem}.*")) if path.suffix.lower() == ".shp"]
    frame = read_vector(path, layer, where)
    return Loaded(frame, tuple(InputFile(p, "layer") for p in beside or [path]))
