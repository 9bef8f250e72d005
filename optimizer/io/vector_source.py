"""Where the features of a map layer are: the file, folder or archive, what is inside, and that it is what it says."""

from __future__ import annotations

import json
import stat
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyogrio

from optimizer.errors import InputError, nearest
from optimizer.io.reading import check_file, read_text, refuse
from optimizer.io.vector_repair import empty

SIGNATURES: dict[str, tuple[bytes, ...]] = {
    ".geojson": (b"{", b"\xef\xbb\xbf{"),
    ".json": (b"{", b"\xef\xbb\xbf{"),
    ".gpkg": (b"SQLite format 3\x00",),
    ".shp": (b"\x00\x00\x27\x0a",),
    ".fgb": (b"fgb",),
    ".parquet": (b"PAR1",),
    ".zip": (b"PK\x03\x04",),
}
"""First bytes of a file, by the suffix that names its format."""

GEODATABASE = ".gdb"
"""Suffix of a file geodatabase, which is a folder."""

MAX_LAYER_BYTES = 4_000_000_000
"""Largest vector file, or sum of files of a folder or an archive, that is read [bytes]."""

PARSED_BYTES = 20_000_000
"""A GeoJSON file up to this size is parsed here first, to say where it is wrong [bytes]; a larger one would need memory
many times its size, and is left to the reading library alone."""

MAX_MEMBERS = 10_000
"""Most files of an archive [count]."""

_SEVERAL = (".gpkg", ".zip", GEODATABASE)


@dataclass(frozen=True)
class Source:
    """One layer of features, found and checked, not yet read.

    Parameters
    ----------
    name : str
        How findings name it: the file, and the layer where the file may hold several.
    address : str
        What the reading library opens.
    layer : str, optional
        Its name in the file.
    parquet : bool
        Whether the file is GeoParquet.
    """

    name: str
    address: str
    layer: str | None
    parquet: bool


def locate(path: Path, layer: str | None, name: str) -> Source:
    """Find a layer in a file or folder.

    Parameters
    ----------
    path : Path
        File, or folder of a file geodatabase.
    layer : str, optional
        Layer that is wanted; may be left out when there is only one.
    name : str
        How findings name the file.

    Raises
    ------
    InputError
        The file is missing, too large, of an unknown format, not what its suffix says, or has no such layer.
    """
    suffix = path.suffix.lower()
    if suffix == GEODATABASE:
        _check_geodatabase(path, name)
    else:
        _check_content(path, suffix, name)
    address = str(path.resolve())
    if suffix == ".zip":
        address, layer = _inside(path, layer, name)
    elif suffix in (".gpkg", GEODATABASE):
        layer = _layer_name(address, layer, name)
    else:
        layer = None
    return Source(f"{name} layer {layer}" if suffix in _SEVERAL else name, address, layer, suffix == ".parquet")


def layers_of(path: Path, name: str) -> tuple[str, ...]:
    """Names of the layers of a file that can hold several and can be listed; none of others.

    Parameters
    ----------
    path : Path
        GeoPackage, or folder of a file geodatabase; of any other format nothing is listed.
    name : str
        How findings name the file.

    Raises
    ------
    InputError
        It is missing, too large, or not what its suffix says.
    """
    suffix = path.suffix.lower()
    if suffix == GEODATABASE:
        _check_geodatabase(path, name)
    elif suffix == ".gpkg":
        _check_content(path, suffix, name)
    else:
        return ()
    return tuple(layer for layer, _ in _listed(str(path.resolve()), name))


def _check_content(path: Path, suffix: str, name: str) -> None:
    """Refuse what is not a file of the format that its suffix names."""
    check_file(path, name, MAX_LAYER_BYTES)
    if suffix not in SIGNATURES:
        remedy = f"give one of {', '.join(SIGNATURES)} or a folder {GEODATABASE}"
        raise refuse("file.format", name, "unknown format of a map layer", path.suffix or "no suffix", remedy)
    # The suffix must be telling the truth: a library that guesses by content could follow a file that points elsewhere.
    with path.open("rb") as file:
        start = file.read(64).lstrip(b" \t\r\n")
    if not start.startswith(SIGNATURES[suffix]):
        raise _not_what_it_says(name, suffix, start)
    if suffix in (".geojson", ".json") and path.stat().st_size <= PARSED_BYTES:
        _check_json(path, name)


def _not_what_it_says(name: str, suffix: str, start: bytes) -> InputError:
    remedy = "export the layer again, or give the file the suffix of its format"
    return refuse("vector.content", name, f"the content is not {suffix[1:]}", repr(start[:16]), remedy)


def _check_json(path: Path, name: str) -> None:
    """Refuse malformed GeoJSON, or JSON of another kind, with the place of the error."""
    remedy = "export the layer as a GeoJSON feature collection (RFC 7946)"
    try:
        content = json.loads(read_text(path, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise refuse("vector.content", name, "the file is not valid JSON", str(error)[:200], remedy) from error
    kind = content.get("type")
    if kind != "FeatureCollection" or not isinstance(content.get("features"), list):
        raise refuse("vector.content", name, "the file is not a GeoJSON feature collection", repr(kind), remedy)
    if not content["features"]:
        raise InputError([empty(name)])


def _check_geodatabase(path: Path, name: str) -> None:
    if not path.exists():
        raise refuse("file.missing", name, "the folder does not exist", "", "check the path of the geodatabase")
    if not path.is_dir() or not (path / "a00000001.gdbtable").is_file():
        text = "this is no file geodatabase: a folder with its tables (.gdbtable) is needed"
        raise refuse("vector.content", name, text, "", "copy the whole folder, or export the layer to a GeoPackage")
    _check_size(sum(file.stat().st_size for file in path.iterdir() if file.is_file()), name)


def _check_size(size: int, name: str) -> None:
    if size > MAX_LAYER_BYTES:
        remedy = f"at most {MAX_LAYER_BYTES // 10**6} MB are read: keep only the features and columns that are needed"
        raise refuse("file.too_large", name, "the layer is too large", f"{size / 1e6:.0f} MB", remedy)


def _inside(path: Path, layer: str | None, name: str) -> tuple[str, str]:
    """Address and layer of a Shapefile, or of a layer of a file geodatabase, in an archive."""
    remedy = "zip one Shapefile with its .shp, .shx, .dbf and .prj, or a folder .gdb"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(members, name, remedy)
            found = _datasets(members)
            starts = {}
            for key, member in found.items():
                if member.lower().endswith(".shp"):
                    with archive.open(member) as file:
                        starts[key] = file.read(16)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise refuse("vector.content", name, "the archive cannot be read", str(error)[:200], remedy) from error
    if not found:
        raise refuse("vector.content", name, "the archive holds no Shapefile and no geodatabase", "", remedy)
    bases = [key for key in found if key.lower().endswith(GEODATABASE)]
    if bases and len(found) > 1:
        text = "the archive holds a geodatabase and other layers"
        raise refuse("vector.content", name, text, ", ".join(sorted(found)[:10]), "zip each by itself")
    # Braces keep the library from taking a folder of that name for the archive's end.
    if bases:
        address = f"/vsizip/{{{path.resolve()}}}/{found[bases[0]]}"
        return address, _layer_name(address, layer, name)
    if layer is None and len(found) == 1:
        layer = next(iter(found))
    if layer is None or layer not in found:
        raise _no_layer(layer, list(found), name)
    if not starts[layer].startswith(SIGNATURES[".shp"]):
        raise _not_what_it_says(f"{name} layer {layer}", ".shp", starts[layer])
    return f"/vsizip/{{{path.resolve()}}}/{found[layer]}", layer


def _check_members(members: list[zipfile.ZipInfo], name: str, remedy: str) -> None:
    if len(members) > MAX_MEMBERS:
        raise refuse("file.too_large", name, "the archive holds too many files", f"{len(members):,} files", remedy)
    _check_size(sum(member.file_size for member in members), name)
    for member in members:
        parts = PurePosixPath(member.filename).parts
        if ".." in parts or member.filename.startswith("/") or stat.S_ISLNK(member.external_attr >> 16):
            text = "the archive holds a file that points outside of it"
            raise refuse("vector.content", name, text, repr(member.filename[:80]), remedy)
        if member.flag_bits & 1:
            raise refuse("vector.content", name, "the archive is encrypted", repr(member.filename[:80]), remedy)


def _datasets(members: list[zipfile.ZipInfo]) -> dict[str, str]:
    """Path in the archive of each Shapefile and geodatabase, by its name."""
    found: dict[str, str] = {}
    for member in members:
        path = PurePosixPath(member.filename)
        if "__MACOSX" in path.parts:
            continue
        inside = next((n for n, part in enumerate(path.parts) if part.lower().endswith(GEODATABASE)), None)
        if inside is not None:
            found[path.parts[inside]] = "/".join(path.parts[: inside + 1])
        elif path.suffix.lower() == ".shp":
            found[path.stem if path.stem not in found else str(path)] = member.filename
    return found


def _layer_name(address: str, layer: str | None, name: str) -> str:
    listed = _listed(address, name)
    known = [found for found, _ in listed]
    # GIS programs keep tables of styles beside the one layer that a map has.
    drawn = [found for found, kind in listed if kind is not None]
    if layer is None and len(drawn) == 1:
        return drawn[0]
    if layer is None or layer not in known:
        raise _no_layer(layer, drawn or known, name)
    return layer


def _listed(address: str, name: str) -> list[tuple[str, str | None]]:
    """Layers of a file, each with the kind of its geometry, ``None`` for a plain table."""
    try:
        with warnings.catch_warnings():
            # Reading the features gives the same warnings again.
            warnings.simplefilter("ignore")
            return [(str(found), kind) for found, kind in pyogrio.list_layers(address)]
    except (pyogrio.errors.DataSourceError, ValueError, OSError) as error:
        reason = str(error).strip().split("\n")[0][:200]
        remedy = "check that it opens in a GIS program"
        raise refuse("file.unreadable", name, "the layers cannot be listed", reason, remedy) from error


def _no_layer(layer: str | None, known: list[str], name: str) -> InputError:
    text = "no such layer" if layer else "the file has more than one layer: name one"
    return refuse("file.layer", name, text, layer or "", nearest(layer or "", known))
