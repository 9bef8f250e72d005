"""What a plan's figures rest on: the datasets of its study, their licences, and facts that are not well proven."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer.config import StudyConfig
from optimizer.resources import dataset_names, dataset_path

#: Confidence of a fact that is an assumption, or little better.
UNPROVEN = ("unverified", "weak")


@dataclass(frozen=True)
class Fact:
    """One row of a dataset that is not well proven.

    Parameters
    ----------
    table : str
        File of the dataset.
    row : str
        What names the row: its first cells.
    why : str
        What the row says about itself.
    source : str
        Where it was read.
    confidence : str
        ``"unverified"`` or ``"weak"``.
    """

    table: str
    row: str
    why: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Dataset:
    """A bundled dataset that the study uses.

    Parameters
    ----------
    name, title, version, statement : str
        As it describes itself.
    sources : tuple of dict
        What it was made from: ``title``, ``authors``, ``reference``, ``licence``, ``changes``.
    notice : str
        Notices that its licences ask to be carried along.
    facts : tuple of Fact
        Rows that are assumptions, or weakly proven.
    """

    name: str
    title: str
    version: str
    statement: str
    sources: tuple[dict[str, Any], ...]
    notice: str
    facts: tuple[Fact, ...]


def datasets_of(config: StudyConfig, archetypes: Iterable[str] = ()) -> list[Dataset]:
    """Return the bundled datasets that a study names, each once, with what is assumed in the rows that it uses.

    Parameters
    ----------
    config : StudyConfig
        The study.
    archetypes : iterable of str
        Archetypes of sites, beside that of the study.
    """
    named = [
        config.grid.source if config.grid else "",
        config.sites.region or "",
        "facilities" if config.demand else "",
    ]
    known = set(dataset_names())
    used = frozenset([config.demand.archetype if config.demand else "", *archetypes])
    return [_dataset(name, used) for name in dict.fromkeys(named) if name in known]


@dataclass(frozen=True)
class WaterRegion:
    """What people call a water region, and how stressed it is: a name and a class of baseline water stress."""

    name: str
    stress: str


def water_regions(config: StudyConfig) -> dict[str, WaterRegion]:
    """Return the water regions that the study's dataset describes, by id; none where it describes none."""
    region = config.sites.region or (config.grid.source if config.grid else "")
    path = dataset_path(region) / "facts" / "water_regions.csv" if region in dataset_names() else None
    if path is None or not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["water_region"]: WaterRegion(row.get("name", ""), row.get("stress_class", ""))
            for row in csv.DictReader(file)
        }


def _dataset(name: str, archetypes: frozenset[str]) -> Dataset:
    folder = dataset_path(name)
    described = folder / "dataset.toml"
    about = tomllib.loads(described.read_text(encoding="utf-8")) if described.is_file() else {}
    notice = folder / "NOTICE.md"
    return Dataset(
        name,
        str(about.get("title", name)),
        str(about.get("version", "")),
        str(about.get("statement", "")),
        tuple(about.get("sources", ())),
        notice.read_text(encoding="utf-8").strip() if notice.is_file() else "",
        tuple(fact for path in sorted(folder.rglob("*.csv")) for fact in _facts(path, folder, archetypes)),
    )


def _facts(path: Path, folder: Path, archetypes: frozenset[str]) -> list[Fact]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"source", "confidence"} <= set(rows.fieldnames or ()):
            return []
        where = path.relative_to(folder).as_posix()
        used = (row for row in rows if row.get("archetype") is None or row["archetype"] in archetypes)
        return [_fact(where, row) for row in used if row["confidence"] in UNPROVEN]


def _fact(where: str, row: dict[str, str]) -> Fact:
    said = row.get("why") or row.get("note") or row.get("meaning") or ""
    apart = {"why", "note", "meaning", "source", "year", "confidence"}
    cells = [
        f"{key} {value}" for key, value in row.items() if value and key not in apart and not key.startswith("original")
    ]
    return Fact(where, ", ".join(cells[:3]), said, row.get("source", ""), row["confidence"])
