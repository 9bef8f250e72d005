"""Files of rules: TOML with tables ``[[rule]]`` and ``[[jurisdiction]]``, closed, every problem reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import shapely
from pydantic import BaseModel, ValidationError

from optimizer.config.reading import read_toml
from optimizer.config.refusals import findings_of, found
from optimizer.errors import Finding, GridsiteError, nearest
from optimizer.io.vector import read_vector
from optimizer.layers.jurisdictions import Jurisdiction, Jurisdictions, merged
from optimizer.layers.places import WGS84
from optimizer.layers.rule import Rule

TABLES = ("jurisdiction", "rule")

MOST_ROWS = 10_000
"""Most tables of one kind in a file: more is another kind of file."""

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, eq=False)
class RuleSource:
    """What one source of rules holds.

    Parameters
    ----------
    rules : tuple of Rule
        In the order of the file.
    jurisdictions : Jurisdictions
        Those that it adds.
    paths : tuple of Path
        Files that were read.
    findings : tuple of Finding
        Errors, warnings and notes.
    """

    rules: tuple[Rule, ...]
    jurisdictions: Jurisdictions
    paths: tuple[Path, ...]
    findings: tuple[Finding, ...]


def read_rule_file(path: Path, shown: str, known: Jurisdictions) -> RuleSource:
    """Read a TOML file of rules.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        How findings name it.
    known : Jurisdictions
        Those that its rules may name beside its own.

    Returns
    -------
    RuleSource
        What can be used, with findings about the rest; with an error among them it is to be refused.

    Raises
    ------
    InputError
        The file cannot be read, or is not TOML.
    """
    data = read_toml(path, shown)
    findings = _unknown_tables(data, shown)
    places, found_places = _tables(data, "jurisdiction", Jurisdiction, shown)
    rules, found_rules = _tables(data, "rule", Rule, shown)
    findings += found_places + found_rules + _repeated(places, shown) + _repeated(rules, shown)
    own, paths, found_areas = _areas({j.id: (where, j) for where, j in places}, path.parent)
    together = merged([known, own])
    for where, place in places:
        findings += _unknown_codes(place.within, f"{where}.within", together)
    for where, rule in rules:
        findings += [*_unknown_codes(rule.jurisdiction, f"{where}.jurisdiction", together), *_check(rule, where)]
    return RuleSource(tuple(r for _, r in rules), own, (path, *paths), tuple(findings + found_areas))


def _unknown_tables(data: Mapping[str, Any], shown: str) -> list[Finding]:
    return [
        Finding("rules.unknown_key", f"{shown}: {key}", "unknown key", found(value), nearest(key, TABLES))
        for key, value in data.items()
        if key not in TABLES
    ]


def _tables(
    data: Mapping[str, Any], name: str, model: type[T], shown: str
) -> tuple[list[tuple[str, T]], list[Finding]]:
    """The tables of one kind that can be used, each with where it is, and what is wrong with the others."""
    rows = data.get(name, [])
    if not isinstance(rows, list) or len(rows) > MOST_ROWS:
        text = f"write each as a table [[{name}]], at most {MOST_ROWS:,}"
        return [], [Finding("rules.wrong_type", f"{shown}: {name}", "not a list of tables", found(rows), text)]
    good: list[tuple[str, T]] = []
    findings: list[Finding] = []
    for number, row in enumerate(rows, start=1):
        said = row.get("id") if isinstance(row, dict) else None
        where = f"{shown}: {name}#{number}" + (f" ({said[:100]})" if isinstance(said, str) else "")
        try:
            good.append((where, model.model_validate(row)))
        except ValidationError as error:
            findings += [
                replace(f, rule=f.rule.replace("config.", "rules."), where=f"{where}.{f.where}")
                for f in findings_of(error, model)
            ] or [Finding("rules.wrong_type", where, "not a table", found(row), f"write [[{name}]]")]
    return good, findings


def _repeated(rows: list[tuple[str, Any]], shown: str) -> list[Finding]:
    ids = [row.id for _, row in rows]
    return [
        Finding("rules.duplicate_id", f"{shown}: {row}", "the id is given twice", repr(row), "give each id once")
        for row in sorted({i for i in ids if ids.count(i) > 1})
    ]


def _unknown_codes(codes: tuple[str, ...], where: str, known: Jurisdictions) -> Iterator[Finding]:
    for code in codes:
        if not known.knows(code):
            remedy = f"describe it in a table [[jurisdiction]], or use another; {nearest(code, known.by_id)}"
            yield Finding("rules.unknown_jurisdiction", where, "no such jurisdiction", repr(code), remedy)


def _check(rule: Rule, where: str) -> Iterator[Finding]:
    """What no single key can check."""
    for unit in ("mw", "kv"):
        threshold, above, up_to = (getattr(rule, f"{key}_{unit}") for key in ("threshold", "above", "up_to"))
        low = threshold if above is None else above
        if threshold is not None and above is not None:
            text = f"threshold_{unit} and above_{unit} are both given"
            remedy = f"keep above_{unit} if that size itself is outside, threshold_{unit} if it is inside"
            yield Finding("rules.two_thresholds", where, text, f"{threshold:g} and {above:g}", remedy)
        if low is not None and up_to is not None and (up_to < low or (up_to == low and above is not None)):
            text = f"no size is inside: up_to_{unit} is below the threshold"
            yield Finding("rules.empty_range", where, text, f"{low:g} to {up_to:g}", "correct one of them")
    if rule.effective is not None and rule.end is not None and rule.end.last < rule.effective.first:
        text = "it ends before it takes effect"
        yield Finding("rules.dates", where, text, f"{rule.effective.text} to {rule.end.text}", "correct one of them")
    if not rule.has_effect:
        remedy = "say what it does: forbid, study_months, fee_usd, ..., or duties"
        yield Finding("rules.no_effect", where, "the rule does nothing", "", remedy)


def _areas(
    places: Mapping[str, tuple[str, Jurisdiction]], folder: Path
) -> tuple[Jurisdictions, list[Path], list[Finding]]:
    """Read the area of every jurisdiction that names a map layer."""
    areas: dict[str, shapely.Geometry] = {}
    paths: list[Path] = []
    findings: list[Finding] = []
    for code, (where, place) in places.items():
        if place.polygon is None:
            continue
        try:
            layer, repairs = read_vector(folder / place.polygon, place.layer, place.polygon)
        except GridsiteError as error:
            findings += error.findings
            continue
        findings += repairs
        shapes = layer.to_crs(WGS84).geometry.to_numpy()
        if (shapely.get_dimensions(shapes) < 2).any():
            text = "the layer of a jurisdiction's area holds points or lines"
            findings.append(Finding("rules.no_area", f"{where}.polygon", text, place.polygon, "give polygons"))
            continue
        areas[code] = shapely.union_all(shapes)
        paths.append(folder / place.polygon)
    return Jurisdictions({code: place for code, (_, place) in places.items()}, areas), paths, findings
