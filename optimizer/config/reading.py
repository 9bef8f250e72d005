"""Read a study file, with the files it extends, and apply overrides.

Tables merge key by key: a key in the study replaces that key of its base file, lists are replaced whole. Every
problem of every file is reported at once.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from optimizer.config.checks import cross_checks
from optimizer.config.decision_tables import FacilitySettings
from optimizer.config.earlier import without_earlier
from optimizer.config.firmness import without_firmness
from optimizer.config.refusals import findings_of, found, table_of
from optimizer.config.tables import StudyConfig
from optimizer.errors import Finding, InputError, nearest

MAX_BYTES = 1_000_000  # a study file is read by people: one beyond this is another kind of file
MAX_DEPTH = 10  # files that extend one another

Data = dict[str, Any]


def load_config(path: str | Path) -> StudyConfig:
    """Read and check a study file.

    Parameters
    ----------
    path : str or Path
        The study file. Its ``extends`` names a base file, relative to itself.

    Returns
    -------
    StudyConfig
        The resolved study. Paths of a base file in another folder are rewritten relative to the study file.

    Raises
    ------
    InputError
        With every finding: unreadable file, unknown keys, unusable values, years that do not agree, and the same in
        every scenario.
    """
    merged = _read_merged(Path(path), Path(path).name, ())
    where = _Where(Path(path).name, merged.origin)
    findings = _check(merged.data, where) + _check_scenarios(merged.data, where)
    if findings:
        raise InputError(findings)
    return StudyConfig.model_validate(merged.data)


def apply_overrides(config: StudyConfig, overrides: Mapping[str, Any]) -> StudyConfig:
    """Return the study with some keys changed.

    Parameters
    ----------
    config : StudyConfig
        The study, left as it is.
    overrides : mapping of str to object
        Dotted key to new value, such as ``{"water.withdrawal_share": 0.0, "demand.it_mw.2030": 800.0}``. A mapping
        given for a whole table changes the keys it names; given for a key it replaces the value. ``None`` takes away
        an optional key or table.

    Raises
    ------
    InputError
        With every finding, if a key is unknown or a value unusable.
    """
    data: Data = _written(config)
    for key, value in overrides.items():
        _assign(data, key.split("."), value, StudyConfig)
    findings = _check(data, _Where("override", {}))
    if findings:
        raise InputError(findings)
    return StudyConfig.model_validate(data)


def scenario_config(config: StudyConfig, name: str) -> StudyConfig:
    """Return the study with the overrides of one of its scenarios, and no scenarios of its own.

    Raises
    ------
    InputError
        The study has no scenario of that name, or it cannot be applied.
    """
    if name not in config.scenario:
        known = nearest(name, config.scenario) if config.scenario else "the study has no [scenario.NAME] table"
        raise InputError([Finding("config.unknown_scenario", "scenario", "no such scenario", repr(name), known)])
    data = _scenario_data(_written(config), config.scenario[name])
    findings = _check(data, _Where(f"scenario.{name}", {}))
    if findings:
        raise InputError(findings)
    return StudyConfig.model_validate(data)


def fill_facility(config: StudyConfig, archetypes: Mapping[str, Mapping[str, float]]) -> StudyConfig:
    """Return the study with every [facility] key filled from its archetype.

    Parameters
    ----------
    config : StudyConfig
        The study; keys it gives are kept. Without demand it has no archetype and is returned as it is.
    archetypes : mapping of str to mapping of str to float
        Values by archetype and parameter, the parameters named as the keys of [facility].

    Raises
    ------
    InputError
        No such archetype, or the filled values contradict one another.
    """
    if config.demand is None:
        return config
    name = config.demand.archetype
    if name not in archetypes:
        remedy = nearest(name, archetypes)
        raise InputError(
            [Finding("config.unknown_archetype", "demand.archetype", "no such archetype", repr(name), remedy)]
        )
    values = {k: v for k, v in archetypes[name].items() if k in FacilitySettings.model_fields}
    given = config.facility.model_dump(exclude_none=True, exclude={"kind"})
    return apply_overrides(config, {f"facility.{k}": v for k, v in (values | given).items()})


@dataclass(frozen=True)
class _Merged:
    """Keys of a study file over those of its base, and the file each leaf came from."""

    data: Data
    origin: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Where:
    """Names the file in which a dotted key was written."""

    study: str
    origin: Mapping[tuple[str, ...], str]

    def place(self, finding: Finding, scenario: str = "") -> Finding:
        key = f"scenario.{scenario}.{finding.where}" if scenario else finding.where
        parts = tuple(key.replace("#", ".").split(" ")[0].split("."))
        cuts = (parts[:n] for n in range(len(parts), 0, -1))
        name = next((self.origin[cut] for cut in cuts if cut in self.origin), self.study)
        return replace(finding, where=f"{name}: {key}")


def _refuse(rule: str, where: str, message: str, value: str, remedy: str) -> InputError:
    return InputError([Finding(rule, where, message, value, remedy)])


def _read_merged(path: Path, shown: str, chain: tuple[Path, ...]) -> _Merged:
    """Read a file and the files it extends, base first."""
    data = read_toml(path, shown)
    real = Path(os.path.realpath(path))
    base = data.pop("extends", None)
    own = _Merged(data, dict.fromkeys(_leaves(data), shown))
    if base is None:
        return own
    if not isinstance(base, str) or not base:
        raise _refuse("config.extends", f"{shown}: extends", "not a file name", found(base), 'write "base.toml"')
    base_path = path.parent / base
    seen = (*chain, real)
    if Path(os.path.realpath(base_path)) in seen or len(seen) > MAX_DEPTH:
        files = " -> ".join(p.name for p in (*seen, base_path))
        raise _refuse(
            "config.extends_cycle", f"{shown}: extends", "files extend one another", files, "remove one extends"
        )
    under = _read_merged(base_path, str(Path(shown).parent / base), seen)
    rebased = _rebase(under.data, base_path.parent, path.parent)
    return _Merged(_merge(rebased, data), {**under.origin, **own.origin})


def read_toml(path: Path, shown: str) -> Data:
    """Read one TOML file, within limits, without a traceback for any content.

    Parameters
    ----------
    path : Path
        The file.
    shown : str
        How findings name it.

    Raises
    ------
    InputError
        It cannot be read, is too large, is not UTF-8 text or not TOML.
    """
    remedy = "check the path; it is taken relative to the file that names it"
    try:
        if path.is_dir():
            raise _refuse("config.not_a_file", str(path), "is a folder", "", "give the study.toml in it")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _refuse(
                "config.too_large",
                shown,
                "too large for a file of settings",
                f"{size} bytes",
                f"give at most {MAX_BYTES} bytes",
            )
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _refuse("config.missing_file", str(path), "no such file", "", remedy) from None
    except UnicodeDecodeError as error:
        value = f"byte 0x{error.object[error.start]:02x} at position {error.start}"
        raise _refuse("config.encoding", shown, "not UTF-8 text", value, "save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refuse(
            "config.unreadable", str(path), "cannot be read", reason, "check the path and its rights"
        ) from None
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except RecursionError:
        raise _refuse("config.toml", shown, "nested too deeply", "", "such a file has few levels") from None
    except ValueError as error:
        hint = "check quotes, brackets and = on that line; a table is [name], a list [1, 2]"
        raise _refuse("config.toml", shown, "not valid TOML", str(error), hint) from None


def _leaves(data: Mapping[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found_leaves: list[tuple[str, ...]] = []
    for key, value in data.items():
        found_leaves.append((*at, key))
        if isinstance(value, dict):
            found_leaves += _leaves(value, (*at, key))
    return found_leaves


def _merge(base: Data, over: Mapping[str, Any]) -> Data:
    """`over` on top of `base`: tables key by key, anything else replaced."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _rebase(data: Data, base_folder: Path, folder: Path) -> Data:
    """Rewrite the paths of a base file relative to the study's folder, where they name something beside the base."""
    if os.path.realpath(base_folder) == os.path.realpath(folder):
        return data

    def moved(value: Any) -> Any:
        if not isinstance(value, str) or os.path.isabs(value) or not (base_folder / value).exists():
            return value
        return Path(os.path.relpath(base_folder / value, folder)).as_posix()

    changed = {k: dict(v) if isinstance(v, dict) else v for k, v in data.items()}
    named = (
        ("grid", "source"),
        ("grid", "coordinates"),
        ("grid", "rating_factors"),
        ("sites", "region"),
        ("sites", "table"),
        ("sites", "ties"),
        ("cooling", "table"),
    )
    for table, key in named:
        if isinstance(changed.get(table), dict) and key in changed[table]:
            changed[table][key] = moved(changed[table][key])
    rules = changed.get("rules")
    if isinstance(rules, dict) and isinstance(rules.get("sources"), list):
        rules["sources"] = [moved(source) for source in rules["sources"]]
    layers = changed["sites"].get("layers") if isinstance(changed.get("sites"), dict) else None
    if isinstance(layers, list):
        changed["sites"]["layers"] = [
            {**item, "source": moved(item.get("source"))} if isinstance(item, dict) and "source" in item else item
            for item in layers
        ]
    return changed


def _check(data: Mapping[str, Any], where: _Where) -> list[Finding]:
    """Every finding on one set of keys: each table by itself, then the tables together."""
    usable: dict[str, Any] = {}
    try:
        StudyConfig.model_validate(data)
        return []
    except ValidationError as error:
        findings = findings_of(error, StudyConfig)
    for name, info in StudyConfig.model_fields.items():
        table = table_of(info.annotation)
        value = data.get(name)
        if table is None:
            usable[name] = value if isinstance(value, dict) else {}
        elif value is None and info.default is None:
            usable[name] = None
        elif name in data or not info.is_required():
            model = _without_unknown(table, data.get(name, {}))
            if model is not None:
                usable[name] = model
    findings += cross_checks(usable)
    return [where.place(f) for f in findings]


def _without_unknown(table: type[BaseModel], value: Any) -> BaseModel | None:
    """The table without the keys it does not know, so that checks across tables still run; ``None`` if unusable."""
    kept = {k: v for k, v in value.items() if k in table.model_fields} if isinstance(value, dict) else value
    try:
        return table.model_validate(kept)
    except ValidationError:
        return None


def _check_scenarios(data: Mapping[str, Any], where: _Where) -> list[Finding]:
    """Findings that a scenario adds to those of the study itself."""
    scenarios = data.get("scenario")
    if not isinstance(scenarios, dict):
        return []
    plain = _Where("", {})
    known = {(f.rule, f.where, f.found) for f in _check({k: v for k, v in data.items() if k != "scenario"}, plain)}
    findings = []
    for name, overrides in scenarios.items():
        if not isinstance(overrides, dict):
            continue  # the study's own check says so
        barred = [key for key in ("scenario", "extends") if key in overrides]
        for key in barred:
            place = Finding(
                "config.unknown_key", key, "not allowed in a scenario", found(overrides[key]), "take it out"
            )
            findings.append(where.place(place, name))
        changed = _scenario_data(dict(data), {k: v for k, v in overrides.items() if k not in barred})
        for finding in _check(changed, plain):
            if (finding.rule, finding.where, finding.found) not in known:
                findings.append(where.place(replace(finding, where=finding.where.removeprefix(": ")), name))
    return findings


def _scenario_data(data: Data, overrides: Mapping[str, Any]) -> Data:
    """Keys of the study under a scenario; a scenario compares with nothing and has no scenarios."""
    merged = _merge({k: v for k, v in data.items() if k != "scenario"}, overrides)
    if isinstance(merged.get("report"), dict):
        merged["report"] = {
            k: v for k, v in merged["report"].items() if k not in ("compare", "firmness", "earlier_months")
        }
    return merged


def _written(config: StudyConfig) -> Data:
    """Keys of the study as they were given, without defaults, so that a derived default follows an override."""
    data: Data = _text_keys(config.model_dump(exclude_unset=True))
    return without_earlier(without_firmness(data, config.report.firmness), config.report.earlier_months)


def _text_keys(value: Any) -> Any:
    """The same with text keys, as TOML has them, so that an override of a year meets the year it overrides."""
    return {str(k): _text_keys(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _assign(data: Data, parts: list[str], value: Any, table: type[BaseModel] | None) -> None:
    """Set one dotted key; a mapping given for a whole table is set key by key."""
    key, below = parts[0], data.get(parts[0])
    inner = None
    if table is not None and key in table.model_fields:
        annotation = table.model_fields[key].annotation
        inner = table_of(annotation) if "tuple" not in str(annotation) else None
    whole_table = inner is not None and isinstance(value, Mapping)
    if len(parts) == 1 and not whole_table:
        data[key] = _text_keys(value)
        return
    data[key] = below = dict(below) if isinstance(below, dict) else {}
    if len(parts) > 1:
        _assign(below, parts[1:], value, inner)
    else:
        for name, item in value.items():
            _assign(below, [str(name)], item, inner)
