"""``dataset.toml``: what each file is, the unit and meaning of each column, and a checksum of each file."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from texas_build.errors import BuildError
from texas_build.tables import read_rows
from texas_build.wheels import PINS, sha256_of

HERE = Path(__file__).parent
# Columns documented once for every hand-entered table.
EVERY_FACT = "facts/*.csv"

GEOJSON_COLUMNS = ["fips", "name", "geometry"]


def quoted(text: str) -> str:
    """A TOML basic string (JSON strings are a subset of it)."""
    return json.dumps(text, ensure_ascii=False)


def columns_of(path: Path) -> tuple[list[str], int]:
    """Columns and number of rows of a data file."""
    if path.suffix == ".geojson":
        return GEOJSON_COLUMNS, len(json.loads(path.read_text(encoding="utf-8"))["features"])
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.reader(handle)
        return next(reader), sum(1 for _ in reader)


def read_meanings() -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], str]]:
    """The hand-written descriptions: of files, and of columns by file and column."""
    files = read_rows((HERE / "files.csv").read_text(encoding="utf-8"), "files.csv", ["file", "origin", "description"])
    columns = read_rows(
        (HERE / "columns.csv").read_text(encoding="utf-8"), "columns.csv", ["file", "column", "unit", "meaning"]
    )
    meanings = {(row["file"], row["column"]): f"{row['unit']}: {row['meaning']}" for row in columns}
    return {row["file"]: row for row in files}, meanings


def package_lines() -> list[str]:
    """The pinned packages."""
    lines = []
    for pin in PINS:
        lines += ["[[packages]]", f"name = {quoted(pin.name)}", f"version = {quoted(pin.version)}"]
        lines += [f"wheel = {quoted(pin.filename)}", f"sha256 = {quoted(pin.sha256)}", ""]
    return lines


def file_lines(
    name: str, path: Path, described: Mapping[str, str], meanings: Mapping[tuple[str, str], str]
) -> list[str]:
    """The entry of one file."""
    columns, n_rows = columns_of(path)
    lines = [
        f"[files.{quoted(name)}]",
        f"description = {quoted(described['description'])}",
        f"origin = {quoted(described['origin'])}",
        f"rows = {n_rows}",
        f"sha256 = {quoted(sha256_of(path))}",
        "",
        f"[files.{quoted(name)}.columns]",
    ]
    for column in columns:
        meaning = meanings.get((name, column)) or meanings.get((EVERY_FACT, column))
        if meaning is None:
            raise BuildError(f"{name}: column {column} is not described: add it to texas_build/columns.csv")
        lines.append(f"{column} = {quoted(meaning)}")
    return [*lines, ""]


def write_description(files: Mapping[str, Path], target: Path) -> None:
    """Write ``dataset.toml``.

    Parameters
    ----------
    files : mapping
        Name in the dataset, such as ``grid/buses.csv``, to the file.
    target : Path
        The file to write.

    Raises
    ------
    BuildError
        If a file or a column is not described, or a described file is missing.
    """
    described, meanings = read_meanings()
    wrong = sorted(set(described) ^ set(files))
    if wrong:
        raise BuildError(
            f"texas_build/files.csv: {', '.join(wrong)} described but absent, or present but not described"
        )
    lines = (HERE / "header.toml").read_text(encoding="utf-8").splitlines()
    lines += ["", "# From here on written by build.py.", "", *package_lines()]
    for name in sorted(files):
        lines += file_lines(name, files[name], described[name], meanings)
    target.write_text("\n".join(lines), encoding="utf-8", newline="\n")
