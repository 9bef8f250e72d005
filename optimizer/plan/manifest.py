"""What a plan was made from and what it consists of: sha256 of every input and of every output.

A hash tells that a file is another one; it never stands for a recomputation.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optimizer.errors import Finding, InputError
from optimizer.resources import dataset_names, dataset_path

MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the layout of a plan folder."""


@dataclass(frozen=True)
class Entry:
    """One file and its hash.

    Parameters
    ----------
    path : str
        Relative to the plan folder with forward slashes, or ``dataset:NAME/file`` for bundled data.
    sha256 : str
        Hash of its bytes, hexadecimal.
    role : str
        What an input is read as; empty for outputs.
    """

    path: str
    sha256: str
    role: str = ""


@dataclass(frozen=True)
class Manifest:
    """Content of manifest.json.

    Parameters
    ----------
    study : str
        Path of the study file among the inputs, empty when there was none.
    inputs : tuple of Entry
        Every file that was read.
    outputs : tuple of Entry
        Every file of the folder but the manifest and comparison plans, which have manifests of their own.
    overrides : mapping
        Keys of the study that differ from its file, by dotted name, as a scenario or `Study.override` set them.
    """

    study: str
    inputs: tuple[Entry, ...]
    outputs: tuple[Entry, ...]
    overrides: Mapping[str, Any] = field(default_factory=dict)


def sha256(path: Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def portable(path: Path, folder: Path) -> str:
    """Write the path of an input so that it can be found again.

    Parameters
    ----------
    path : Path
        The input.
    folder : Path
        The plan folder, which need not exist yet.
    """
    resolved = path.resolve()
    for name in dataset_names():
        root = dataset_path(name).resolve()
        if resolved.is_relative_to(root):
            return f"dataset:{name}/{resolved.relative_to(root).as_posix()}"
    return Path(os.path.relpath(resolved, folder.resolve())).as_posix()


def locate(entry: Entry, folder: Path, inputs: Path | None, manifest: Manifest) -> Path | None:
    """Where an input is; ``None`` when it names a dataset that is not bundled.

    Parameters
    ----------
    entry : Entry
        The input.
    folder : Path
        The plan folder.
    inputs : Path, optional
        Folder that holds the study file and what lies below it, instead of where the manifest says.
    manifest : Manifest
        Whose study file `inputs` holds.
    """
    if entry.path.startswith("dataset:"):
        name, _, file = entry.path.removeprefix("dataset:").partition("/")
        return dataset_path(name) / file if name in dataset_names() else None
    if inputs is not None and manifest.study:
        return inputs / os.path.relpath(entry.path, os.path.dirname(manifest.study))
    return folder / entry.path


def locate_study(manifest: Manifest, folder: Path, inputs: Path | None) -> Path | None:
    """Where the study file is; ``None`` when the manifest names none. Parameters as for `locate`."""
    entry = next((entry for entry in manifest.inputs if entry.path == manifest.study), None)
    return None if entry is None else locate(entry, folder, inputs, manifest)


def outputs_of(folder: Path) -> tuple[Entry, ...]:
    """Every file of a plan folder, in order of path, but its manifest, comparison plans and hidden files."""
    found = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and not hidden and relative.parts[0] != "scenarios" and relative.as_posix() != MANIFEST:
            found.append(Entry(relative.as_posix(), sha256(path)))
    return tuple(sorted(found, key=lambda entry: entry.path))


def inputs_of(files: Iterable[tuple[Path, str]], folder: Path) -> tuple[Entry, ...]:
    """Entries of the files that a study read, without repeats, in order of path.

    Parameters
    ----------
    files : iterable of (Path, str)
        Path and role of each input.
    folder : Path
        The plan folder.
    """
    entries = {Entry(portable(path, folder), sha256(path), role) for path, role in files}
    return tuple(sorted(entries, key=lambda entry: (entry.path, entry.role)))


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write manifest.json into a folder, through a temporary name."""
    content = {
        "format": FORMAT,
        "study": manifest.study,
        "inputs": [{"path": e.path, "role": e.role, "sha256": e.sha256} for e in manifest.inputs],
        "overrides": dict(manifest.overrides),
        "outputs": [{"path": e.path, "sha256": e.sha256} for e in manifest.outputs],
    }
    temporary = folder / f".{MANIFEST}.tmp"
    temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """Read manifest.json of a plan folder.

    Raises
    ------
    InputError
        It is missing, not JSON, or not of this layout.
    """
    path = folder / MANIFEST
    remedy = "solve the study again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError([Finding("plan.manifest.missing", MANIFEST, "the manifest is missing", "", remedy)]) from None
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError([Finding("plan.manifest.json", MANIFEST, "is not JSON", str(error), remedy)]) from None
    try:
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, known: {FORMAT}")
        inputs = tuple(_entry(e) for e in content["inputs"])
        outputs = tuple(_entry(e) for e in content["outputs"])
        return Manifest(str(content["study"]), inputs, outputs, dict(content["overrides"]))
    except (KeyError, TypeError, ValueError) as error:
        message = "is not the manifest of a plan"
        raise InputError([Finding("plan.manifest.layout", MANIFEST, message, str(error), remedy)]) from None


def _entry(content: Mapping[str, Any]) -> Entry:
    values = (content["path"], content["sha256"], content.get("role", ""))
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"entry {dict(content)!r}")
    return Entry(*values)
