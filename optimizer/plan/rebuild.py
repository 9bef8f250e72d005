"""The study behind a plan: which keys differ from its file when it is written, and the same study read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optimizer.config import StudyConfig, load_config
from optimizer.errors import Finding, InputError
from optimizer.plan.manifest import Manifest, locate_study
from optimizer.study.from_file import read_study

if TYPE_CHECKING:
    from optimizer.study.study import Study


def main_study_file(study: Study) -> Path:
    """The study file itself, not one that it extends."""
    return study.loaded["study",].inputs[0].path


def overrides_of(study: Study) -> dict[str, Any]:
    """Keys in which a study differs from its file, by dotted name, as `Study.override` takes them.

    Parameters
    ----------
    study : Study
        As read, or as an override or a scenario made it.
    """
    given, now = load_config(main_study_file(study)), study.written
    before, after = _written(given), _written(now)
    whole = json.loads(now.model_dump_json())
    found: dict[str, Any] = {}
    for table in StudyConfig.model_fields:
        old, new = before.get(table), after.get(table)
        if old == new:
            continue
        if table == "scenario" or new is None:
            found[table] = whole[table]
        else:
            old = old or {}
            found |= {
                f"{table}.{key}": whole[table][key] for key in sorted({*old, *new}) if old.get(key) != new.get(key)
            }
    return found


def _written(config: StudyConfig) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(config.model_dump_json(exclude_unset=True))
    return content


def rebuild_study(manifest: Manifest, folder: Path, inputs: Path | None) -> Study:
    """Read the study of a plan from the inputs that its manifest names.

    Parameters
    ----------
    manifest : Manifest
        Of the plan.
    folder : Path
        The plan folder.
    inputs : Path, optional
        Folder of the study file, where it is no longer where the manifest says.

    Raises
    ------
    InputError
        The manifest names no study file, or the study cannot be read.
    """
    path = locate_study(manifest, folder, inputs)
    if path is None:
        message, remedy = "names no study file, so nothing can be recomputed", "solve the study again"
        raise InputError([Finding("plan.manifest.study", "manifest.json study", message, manifest.study, remedy)])
    study = read_study(path)
    return study.override(manifest.overrides) if manifest.overrides else study
