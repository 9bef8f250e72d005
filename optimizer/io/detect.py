"""Which format a file or folder has: by what is in it first, by its suffix where the content does not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from optimizer.errors import Finding, InputError
from optimizer.io.reading import check_file, refuse

#: Bytes of a file that are looked at.
HEAD_BYTES = 65_536


@dataclass(frozen=True)
class Format:
    """A format of a grid.

    Parameters
    ----------
    name : str
        Name shown to people.
    suffixes : tuple of str
        Suffixes that its files have; the first is the usual one. Empty for a folder.
    by_suffix : bool
        The reader tells formats by the suffix, so that a file of another suffix cannot be read.
    """

    name: str
    suffixes: tuple[str, ...]
    by_suffix: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.suffixes)})" if self.suffixes else f"a folder of {self.name}"


MATPOWER = Format("MATPOWER", (".m",))
MATPOWER_BINARY = Format("MATPOWER binary", (".mat",))
PYPSA = Format("PyPSA netCDF", (".nc",))
PYPSA_FOLDER = Format("PyPSA CSV tables", ())
PANDAPOWER = Format("pandapower", (".json",))
RAW = Format("PSS/E RAW", (".raw",), True)
RAWX = Format("PSS/E RAWX", (".rawx",), True)
CGMES = Format("CGMES", (".zip",), True)
CGMES_FOLDER = Format("CGMES files", ())
UCTE = Format("UCTE", (".uct",), True)
IEEE_CDF = Format("IEEE-CDF", (".txt", ".cdf"), True)
XIIDM = Format("XIIDM", (".xiidm", ".iidm", ".xml"), True)
GEOPACKAGE = Format("GeoPackage of tables", (".gpkg",))
TABLES_FOLDER = Format("tables (buses, branches, generators)", ())

#: Every format, in the order in which they are listed to people.
FORMATS = (
    MATPOWER,
    MATPOWER_BINARY,
    RAW,
    RAWX,
    CGMES,
    CGMES_FOLDER,
    UCTE,
    IEEE_CDF,
    XIIDM,
    PYPSA,
    PYPSA_FOLDER,
    PANDAPOWER,
    GEOPACKAGE,
    TABLES_FOLDER,
)
#: Formats that are read through pypowsybl.
POWSYBL = (RAW, RAWX, CGMES, CGMES_FOLDER, UCTE, IEEE_CDF, XIIDM)

_SIGNATURES = (
    (b"MATLAB ", MATPOWER_BINARY),
    (b"\x89HDF\r\n\x1a\n", PYPSA),
    (b"CDF\x01", PYPSA),
    (b"CDF\x02", PYPSA),
    (b"CDF\x05", PYPSA),
    (b"SQLite format 3\x00", GEOPACKAGE),
    (b"PK\x03\x04", CGMES),
)
# Looked for anywhere in the beginning; none can take longer than a few passes over it.
_PATTERNS = (
    (re.compile(r"\A\s*\{.*\"pandapowerNet\"", re.S), PANDAPOWER),
    (re.compile(r"\A\s*\{\s*\"(general|network)\"\s*:\s*\{.*\"(caseid|version)\"", re.S), RAWX),
    (re.compile(r"\A\s*<.*(powsybl\.org|itesla_project\.eu)/schema/iidm", re.S), XIIDM),
    (re.compile(r"\A\s*##C\b|^##(C|N|ZXX|L|T)\s", re.M), UCTE),
    (re.compile(r"^[ \t]*(function[ \t]+\w+|mpc\.\w+[ \t]*=)", re.M), MATPOWER),
    (re.compile(r"^[ \t]*BUS DATA FOLLOWS", re.M | re.I), IEEE_CDF),
    (re.compile(r"\A(\s*@!.*\n)*\s*['\"]?[01]['\"]?\s*,\s*[\d.]+(E[+-]?\d+)?\s*,\s*\d{2}\b", re.I), RAW),
)


@dataclass(frozen=True)
class Detected:
    """What a path is.

    Parameters
    ----------
    format : Format
        The format.
    findings : tuple of Finding
        A note where the suffix says something else.
    """

    format: Format
    findings: tuple[Finding, ...] = ()


def detect_format(path: Path) -> Detected:
    """Find the format of a file or folder.

    Parameters
    ----------
    path : Path
        The file or folder.

    Raises
    ------
    InputError
        Nothing is there, the format is not known, or the suffix says another one to a reader that goes by it.
    """
    if path.is_dir():
        return Detected(_folder(path))
    check_file(path, str(path))
    inside = _content(_head(path))
    suffix = path.suffix.lower()
    named = next((f for f in FORMATS if suffix in f.suffixes), None)
    if inside is None and named is None:
        known = "; ".join(map(str, FORMATS))
        raise refuse(
            "file.format", str(path), "unknown format of a grid", path.suffix or "no suffix", f"known: {known}"
        )
    if inside is None or inside is named or (named is not None and suffix in inside.suffixes):
        return Detected(inside or named or MATPOWER)
    said = str(named) if named else f"no format of a grid ({suffix or 'no suffix'})"
    text = f"the file holds {inside.name}, its suffix says {said}"
    if inside.by_suffix:
        remedy = f"rename it to {path.stem}{inside.suffixes[0]}"
        raise InputError([Finding("file.format.suffix", str(path), text, suffix, remedy)])
    note = Finding("file.format.suffix", str(path), f"{text}: read as {inside.name}", suffix, severity="info")
    return Detected(inside, (note,))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as failure:
        text = "the file cannot be read"
        raise refuse("file.unreadable", str(path), text, failure.strerror or "") from failure


def _content(head: bytes) -> Format | None:
    """The format that the first bytes of a file tell, if they do."""
    for signature, known in _SIGNATURES:
        if head.startswith(signature):
            return known
    # A cut through a character at the end of the head, or a file in another encoding, does not hide what it is.
    text = head.decode("utf-8-sig", "replace")
    for pattern, known in _PATTERNS:
        if pattern.search(text):
            return known
    return None


def _folder(path: Path) -> Format:
    names = sorted(p.name.lower() for p in path.iterdir() if p.is_file())
    if "buses.csv" in names and _is_pypsa(path, set(names)):
        return PYPSA_FOLDER
    if "buses.csv" not in names and any(name.endswith(".xml") for name in names):
        return CGMES_FOLDER
    return TABLES_FOLDER


def _is_pypsa(path: Path, names: set[str]) -> bool:
    """Whether a folder with buses.csv is of PyPSA: its voltage is ``v_nom``, ours ``base_kv``."""
    file = next(p for p in sorted(path.iterdir()) if p.name.lower() == "buses.csv")
    header = _head(file).decode("utf-8-sig", "replace").split("\n", 1)[0]
    columns = {column.strip().strip('"') for column in header.split(",")}
    if "base_kv" in columns or "bus" in columns:
        return False
    return "v_nom" in columns or "name" in columns or {"network.csv", "snapshots.csv"} <= names
