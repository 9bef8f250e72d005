"""Reading all that a study names, each thing once, with every finding of all of them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd

from optimizer.config import (
    AreaSettings,
    GridSettings,
    LayerSettings,
    RulesSettings,
    SitesSettings,
    StudyConfig,
    SupplySettings,
    WorkloadsSettings,
)
from optimizer.errors import Finding, GridsiteError, InputError, nearest
from optimizer.grid.area import cut_area
from optimizer.grid.columns import KEYS, TABLES
from optimizer.grid.network import Grid
from optimizer.grid.schema import Column
from optimizer.io import join_coordinates, read_grid
from optimizer.io.detect import TABLES_FOLDER, detect_format
from optimizer.io.raster import Raster
from optimizer.io.reading import TABLE_SUFFIXES
from optimizer.io.vector import read_vector
from optimizer.layers.cooling_hours import Method
from optimizer.layers.layer import MapLayer
from optimizer.layers.weather import read_hours
from optimizer.resources import dataset_names, dataset_path, example_names, example_path, fetch_remedy
from optimizer.study import outdoors
from optimizer.study.facts import read_checked
from optimizer.study.inputs import InputFile
from optimizer.study.map_layers import MADE_OF, files_of, read_data, unique_names
from optimizer.study.outdoors import Outdoors
from optimizer.study.own import read_own
from optimizer.study.own_cooling import with_own_cooling
from optimizer.study.parcels import named_parcels
from optimizer.study.ratings import read_rating_factors
from optimizer.study.recipe_layers import read_recipe_layer
from optimizer.study.region import Region, read_region
from optimizer.study.reinforcements import HEADROOM
from optimizer.study.rule_sources import read_rules
from optimizer.study.supply_tables import read_supply
from optimizer.study.terrain import read_terrain
from optimizer.study.work import read_racks
from optimizer.study.workload_tables import read_workloads

STUDY_FILE = "study.toml"

COOLING = "cooling"
"""Bundled dataset of cooling methods and of water behind the electricity."""

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
            loaded = self.used.get(key) or self.known.get(key) or action()
        except GridsiteError as error:
            self.findings += error.findings
            return None
        if key not in self.used:
            self.findings += loaded.findings
        self.used[key] = loaded
        return loaded.value

    def inputs(self) -> tuple[InputFile, ...]:
        """Every file that was read, in a stable order."""
        return tuple(sorted({file for loaded in self.used.values() for file in loaded.inputs}))

    def grid(self, source: str, coordinates: str | None = None, factors: str | None = None) -> Any:
        """Grid of a dataset, file or folder, with coordinates and factors on ratings from tables that are named."""
        tables = [None if name is None else self.folder / name for name in (coordinates, factors)]
        key = ("grid", source, coordinates or "", *([] if factors is None else [factors]))
        return self.read(key, lambda: _grid(self._grid_path(source), *tables))

    def area(self, settings: GridSettings) -> Any:
        """Grid of a study: that of its source, or the area cut from it."""
        grid, area = self.grid(settings.source, settings.coordinates, settings.rating_factors), settings.area
        if grid is None or area is None:
            return grid
        made_of = {"source", "coordinates", "rating_factors", "area", "susceptance"}
        return self.read(("area", settings.model_dump_json(include=made_of)), lambda: _area(grid, area, settings))

    def region(self, source: str) -> Any:
        """Region of a dataset or folder."""
        return self.read(("region", source), lambda: _region(self._locate(source, "sites.region")))

    def own_cooling(self, region: Region, source: str, table: str) -> Any:
        """The region with the study's own cooling technologies."""
        path = self.folder / table
        return self.read(("own_cooling", source, table), lambda: _own_cooling(region, path, table))

    def archetypes(self) -> Any:
        """Archetypes of facilities by name, then parameter."""
        return self.read(("archetypes",), _archetypes)

    def terrain(self) -> Any:
        """Terrain tables by name."""
        return self.read(("terrain",), _terrain)

    def own(self, table: str, ties: str | None) -> Any:
        """The user's sites and ties."""
        return self.read(("sites", table, ties or ""), lambda: _own(self.folder, table, ties))

    def workloads(self, settings: WorkloadsSettings) -> Any:
        """Demand by region and workload, and pairs."""
        key = ("workloads", settings.demand, settings.pairs or "")
        return self.read(key, lambda: _workloads(self.folder, settings))

    def supply(self, settings: SupplySettings) -> Any:
        """Technologies of supply, and their availability."""
        key = ("supply", settings.table or "", settings.availability or "")
        return self.read(key, lambda: _supply(self.folder, settings))

    def racks(self, source: str | None) -> Any:
        """Catalogue of racks: the user's, or the bundled one."""
        path = dataset_path("facilities") / "racks.csv" if source is None else self.folder / source
        where = path.name if source is None else source
        return self.read(("racks", source or ""), lambda: Loaded(read_racks(path, where), (InputFile(path, "racks"),)))

    def outdoors(self, config: StudyConfig, region: str) -> Outdoors:
        """Weather, stress classes and water behind the electricity, each only where the study asks for it."""
        methods: Mapping[str, Method] = {}
        parameters: Mapping[str, float] = {}
        stations = outdoors.collect(config.cooling, lambda one: self.read(("weather", one.file), self._hours(one.file)))
        if stations:
            methods, parameters = self.read(("methods",), _methods) or ({}, {})
        stress: Mapping[str, str] = {}
        if config.water.forbid:
            stress = self.read(("stress", region), lambda: _stress(self._locate(region, "sites.region"))) or {}
        asked = config.water.indirect
        number: float | None = config.water.indirect_m3_per_mwh
        carriers: Mapping[str, float] = {}
        if asked == "mix":
            carriers = self.read(("carriers",), lambda: _numbers("carrier_water.csv", outdoors.CARRIERS)) or {}
        elif asked is not None:
            number = self.read(("electricity", asked), lambda: _electricity(asked))
        return Outdoors(stations, methods, parameters, stress, number, carriers)

    def _hours(self, file: str) -> Callable[[], Loaded]:
        return lambda: _weather(self.folder / file, file)

    def outages(self, source: str) -> Any:
        """A list of outages."""
        return self.read(("outages", source), lambda: _outages(self.folder / source, source))

    def headroom(self, source: str) -> Any:
        """What limits headroom at each bus."""
        return self.read(("headroom", source), lambda: _headroom(self.folder / source, source))

    def layers(self, settings: Sequence[LayerSettings], region: Region | None) -> tuple[MapLayer, ...]:
        """The map layers of the user that can be read, in the order of the study."""
        read = (self.layer(one, name, region) for one, name in zip(settings, unique_names(settings), strict=True))
        return tuple(layer for layer in read if layer is not None)

    def layer(self, settings: LayerSettings, name: str, region: Region | None) -> MapLayer | None:
        """A map layer of the user, under the name that results give it; its recipe fills what is not given.

        Tables of public data are joined to the counties of the region.
        """
        made_of = MADE_OF if settings.recipe is None else set(LayerSettings.model_fields)
        place = "" if settings.recipe is None or region is None else region.name
        key = ("layer", settings.model_dump_json(include=made_of), place)
        counties = None if region is None else region.counties
        found = self.read(key, lambda: _layer(self.folder / settings.source, settings, counties))
        if found is None:
            return None
        filled, features, raster = found
        return MapLayer(name, settings if settings.recipe is None else filled, features, raster)

    def parcels(self, settings: SitesSettings) -> Any:
        """The user's parcels by name."""
        source, layer, name = str(settings.parcels), settings.parcels_layer, settings.parcels_name
        return self.read(
            ("parcels", source, layer or "", name or ""),
            lambda: _parcels(self.folder / source, layer, name, source),
        )

    def rules(self, settings: RulesSettings) -> Any:
        """Regulation from the sources that a study names."""
        return self.read(("rules", settings.model_dump_json()), lambda: _rules(self.folder, settings))

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


def _grid(path: Path, coordinates: Path | None, factors: Path | None) -> Loaded:
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
    if factors is not None:
        grid = read_rating_factors(grid, factors)
        inputs.append(InputFile(factors, "ratings"))
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


def _own_cooling(region: Region, path: Path, where: str) -> Loaded:
    made, findings = with_own_cooling(region, path, where)
    return Loaded(made, (InputFile(path, "cooling"),), tuple(findings))


def archetypes_of_dataset() -> dict[str, dict[str, float]]:
    """Bundled archetypes of facilities by name, then parameter.

    Raises
    ------
    InputError
        The table cannot be read.
    """
    values: dict[str, dict[str, float]] = _archetypes().value
    return values


def _archetypes() -> Loaded:
    path = dataset_path("facilities") / "archetypes.csv"
    table, findings = read_checked(path, ARCHETYPES, "archetypes.csv", ("archetype", "parameter"))
    if findings:
        raise InputError(findings)
    values = {
        str(a): dict(zip(rows["parameter"], rows["value"], strict=True)) for a, rows in table.groupby("archetype")
    }
    return Loaded(values, (InputFile(path, "archetypes"),))


def _terrain() -> Loaded:
    path = dataset_path("interconnection") / "terrain_multipliers.csv"
    tables, findings = read_terrain(path)
    if findings:
        raise InputError(findings)
    return Loaded(tables, (InputFile(path, "terrain"),))


def _own(folder: Path, table: str, ties: str | None) -> Loaded:
    own, findings = read_own(folder / table, None if ties is None else folder / ties)
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    files = [InputFile(folder / table, "sites"), *([] if ties is None else [InputFile(folder / ties, "ties")])]
    return Loaded(own, tuple(files), tuple(findings))


def _workloads(folder: Path, settings: WorkloadsSettings) -> Loaded:
    pairs = None if settings.pairs is None else folder / settings.pairs
    tables, findings = read_workloads(folder / settings.demand, pairs)
    if findings:
        raise InputError(findings)
    files = [InputFile(folder / settings.demand, "workloads")]
    return Loaded(tables, (*files, *([] if pairs is None else [InputFile(pairs, "workloads")])))


def _supply(folder: Path, settings: SupplySettings) -> Loaded:
    dataset = dataset_path("supply") / "technologies.csv"
    own = [None if name is None else folder / name for name in (settings.table, settings.availability)]
    tables, findings = read_supply(dataset, own[0], own[1])
    if findings:
        raise InputError(findings)
    return Loaded(tables, (InputFile(dataset, "supply"), *(InputFile(path, "supply") for path in own if path)))


def _outages(path: Path, where: str) -> Loaded:
    table, findings = read_checked(path, TABLES["contingencies"], where, KEYS["contingencies"])
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return Loaded(table, (InputFile(path, "outages"),), tuple(findings))


def _headroom(path: Path, where: str) -> Loaded:
    table, findings = read_checked(path, HEADROOM, where, ())
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return Loaded(table, (InputFile(path, "headroom"),), tuple(findings))


def _parcels(path: Path, layer: str | None, column: str | None, where: str) -> Loaded:
    frame, findings = read_vector(path, layer, where, None, [] if column is None else [column])
    inputs = tuple(InputFile(p, "parcels") for p in files_of(path))
    return Loaded(named_parcels(frame, column, where), inputs, tuple(findings))


def _layer(path: Path, settings: LayerSettings, counties: gpd.GeoDataFrame | None) -> Loaded:
    if settings.recipe is None:
        filled, (data, inputs, findings) = settings, read_data(path, settings)
    else:
        filled, data, inputs, findings = read_recipe_layer(settings, path, counties)
    parts = (filled, None, data) if isinstance(data, Raster) else (filled, data, None)
    return Loaded(parts, inputs, findings)


def _weather(path: Path, where: str) -> Loaded:
    hours, findings = read_hours(path, where)
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return Loaded(hours, (InputFile(path, "weather"),), tuple(findings))


def _methods() -> Loaded:
    folder = dataset_path(COOLING)
    methods, parameters, findings = outdoors.read_methods(folder)
    if findings:
        raise InputError(findings)
    files = tuple(InputFile(folder / name, "cooling") for name in ("methods.csv", "parameters.csv"))
    return Loaded((methods, parameters), files)


def _stress(region: Path) -> Loaded:
    path = region / "facts" / "water_regions.csv"
    stress, findings = outdoors.read_stress(path)
    if findings:
        raise InputError(findings)
    return Loaded(stress, (InputFile(path, "region"),))


def _numbers(name: str, columns: tuple[Column, ...]) -> Loaded:
    path = dataset_path(COOLING) / name
    numbers, findings = outdoors.read_numbers(path, columns)
    if findings:
        raise InputError(findings)
    return Loaded(numbers, (InputFile(path, "cooling"),))


def _electricity(place: str) -> Loaded:
    numbers = _numbers("electricity_water.csv", outdoors.PLACES)
    if place not in numbers.value:
        text, remedy = "no water behind the electricity is known there", nearest(place, numbers.value)
        remedy = f'{remedy}; or give "mix", or indirect_m3_per_mwh'
        raise InputError([Finding("study.water.indirect", "water.indirect", text, repr(place), remedy)])
    return Loaded(numbers.value[place], numbers.inputs)


def _rules(folder: Path, settings: RulesSettings) -> Loaded:
    book, paths, findings = read_rules(folder, settings)
    if any(f.severity == "error" for f in findings):
        raise InputError(findings)
    return Loaded(book, tuple(InputFile(path, "rules") for path in paths), tuple(findings))
