"""What is looked at before a file goes to pypowsybl, and the handing over itself.

The importer is a compiled Java library. It gets nothing that could make it expand entities, unpack without end or read
outside the file: XML is parsed here first, document type declarations are refused, and an archive is unpacked here to a
limit. What it logs, and why it refuses a file, become findings.
"""

from __future__ import annotations

import io
import logging
import re
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.parsers import expat

from optimizer.errors import Finding, InputError
from optimizer.grid.schema import shorten
from optimizer.io.reading import read_bytes, refuse

#: Largest content of an archive or folder, unpacked [bytes].
MAX_UNPACKED_BYTES = 1_000_000_000

#: Most files in an archive or folder.
MAX_FILES = 1000

#: Deepest nesting of XML elements; networks need fewer than 20.
MAX_DEPTH = 100

#: Longest text of the importer that a finding quotes [characters].
_MOST_QUOTED = 200

#: Namespace of the vocabulary of CGMES, by the version that uses it.
CIM_VERSIONS = {
    "http://iec.ch/TC57/2013/CIM-schema-cim16#": "2.4.15",
    "http://iec.ch/TC57/CIM100#": "3.0",
}
_CIM = re.compile(r"iec\.ch/TC57/.*CIM", re.IGNORECASE)


@dataclass(frozen=True)
class XmlHead:
    """The root element of an XML file and every namespace declared on the way.

    Parameters
    ----------
    root : str
        Name of the root element, its namespace before a blank.
    namespaces : tuple of str
        Namespaces that the file declares, in order.
    """

    root: str
    namespaces: tuple[str, ...]


def check_xml(data: bytes, where: str) -> XmlHead:
    """Parse XML without building anything, and return its head.

    Parameters
    ----------
    data : bytes
        The file.
    where : str
        Its name in findings.

    Raises
    ------
    InputError
        Not well-formed, with a document type declaration, or nested too deeply.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0
    root: list[str] = []
    namespaces: dict[str, None] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            root.append(name)
        if depth > MAX_DEPTH:
            text, remedy = "XML elements are nested too deeply", f"at most {MAX_DEPTH} levels are read"
            raise refuse("io.powsybl.xml.depth", f"{where} line {parser.CurrentLineNumber}", text, "", remedy)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        text = "the file has a document type declaration, which could name other files or expand without end"
        raise refuse("io.powsybl.xml.doctype", where, text, "<!DOCTYPE", "remove the declaration and its entities")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = doctype
    parser.StartNamespaceDeclHandler = lambda prefix, uri: namespaces.setdefault(uri or "")
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as failure:
        remedy = "the file is damaged or cut off: get it again"
        found = str(failure)[:_MOST_QUOTED]
        raise refuse("io.powsybl.xml", where, "not XML that can be read", found, remedy) from failure
    return XmlHead(root[0], tuple(namespaces))


def read_cgmes(path: Path) -> tuple[bytes, list[str]]:
    """Return the XML files of a CGMES archive or folder as one archive, checked, with their names.

    Parameters
    ----------
    path : Path
        A ``.zip``, which may hold archives in turn, or a folder.

    Raises
    ------
    InputError
        Not an archive, too large unpacked, no XML, XML that is refused, or a version of CGMES that is not read.
    """
    files = dict(_folder(path)) if path.is_dir() else _archive(path)
    findings: list[Finding] = []
    profiles: set[str] = set()
    for name, data in files.items():
        try:
            profiles.update(_cim(check_xml(data, name).namespaces, name))
        except InputError as refused:
            findings += refused.findings
    if findings:
        raise InputError(shorten(findings))
    if not files or not profiles:
        text = "no CGMES file is here"
        remedy = "give a zip or a folder with the XML files of the EQ, TP, SSH and SV profiles"
        raise refuse("io.powsybl.cgmes.empty", path.name, text, ", ".join(files)[:_MOST_QUOTED], remedy)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return packed.getvalue(), sorted(files)


def _cim(namespaces: tuple[str, ...], where: str) -> list[str]:
    """Versions of CGMES that a file uses; an unknown one is refused."""
    found = [uri for uri in namespaces if _CIM.search(uri)]
    unknown = [uri for uri in found if uri not in CIM_VERSIONS]
    if unknown:
        remedy = f"give CGMES {' or '.join(CIM_VERSIONS.values())}"
        raise refuse("io.powsybl.version", where, "this version of CGMES is not read", unknown[0], remedy)
    return found


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    total = 0
    names = sorted(file for file in path.iterdir() if file.suffix.lower() == ".xml" and file.is_file())
    _limit_files(len(names), path.name)
    for file in names:
        total += file.stat().st_size
        _limit_bytes(total, path.name)
        yield file.name, read_bytes(file, f"{path.name}/{file.name}")


#: What a damaged or encrypted archive raises.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def _archive(path: Path) -> dict[str, bytes]:
    """XML files of an archive and of archives in it; unpacking stops at the limit, whatever the archives say."""
    left = [(path.name, read_bytes(path, path.name), True)]
    found: dict[str, bytes] = {}
    used = 0
    while left:
        where, data, outer = left.pop()
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = [e for e in archive.infolist() if Path(e.filename).suffix.lower() in (".xml", ".zip")]
                _limit_files(len(entries) + len(found), path.name)
                for entry in entries:
                    with archive.open(entry) as stream:
                        content = stream.read(MAX_UNPACKED_BYTES - used + 1)
                    used += len(content)
                    _limit_bytes(used, path.name)
                    if entry.filename.lower().endswith(".xml"):
                        name = Path(entry.filename).name
                        found[name if name not in found else f"{len(found)}_{name}"] = content
                    elif outer:
                        left.append((f"{where}/{entry.filename}", content, False))
        except _DAMAGED as failure:
            text, remedy = "not a zip archive that can be unpacked", "it may be damaged or cut off: get it again"
            raise refuse("io.powsybl.zip", where, text, str(failure)[:_MOST_QUOTED], remedy) from failure
    return found


def _limit_files(count: int, where: str) -> None:
    if count > MAX_FILES:
        remedy = f"at most {MAX_FILES} files are read"
        raise refuse("file.too_large", where, "there are too many files", f"{count}", remedy)


def _limit_bytes(count: int, where: str) -> None:
    if count > MAX_UNPACKED_BYTES:
        remedy = f"at most {MAX_UNPACKED_BYTES // 10**6} MB are unpacked"
        found = f"more than {MAX_UNPACKED_BYTES // 10**6} MB"
        raise refuse("file.too_large", where, "the files are too large when unpacked", found, remedy)


def read_plain(path: Path) -> tuple[str, list[Finding]]:
    """Return a text file as UTF-8, or as Latin-1 with a note; binary data is refused."""
    where = path.name
    data = read_bytes(path, where)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        text, remedy = "the file holds binary data", "save it as UTF-8 text"
        raise refuse("file.encoding", where, text, f"a zero byte in line {line}", remedy)
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        text = "the file is not UTF-8 text: read as Latin-1, which may change names"
        return data.decode("latin-1"), [Finding("io.powsybl.encoding", where, text, severity="info")]


class _Kept(logging.Handler):
    """Keeps the texts that are logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.texts) < 10_000:
            self.texts.append(str(record.msg)[:1000])


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Keep what the importer logs, and leave the logger as it was."""
    logger = logging.getLogger("powsybl")
    kept = _Kept()
    before = logger.level, logger.propagate
    logger.addHandler(kept)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield kept.texts
    finally:
        logger.removeHandler(kept)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def import_pypowsybl() -> ModuleType:
    """Import pypowsybl when it is needed, which takes seconds; what it says of other packages is not repeated."""
    with _listening(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pypowsybl
    return pypowsybl


def load_network(
    content: str | bytes, name: str, where: str, parameters: Mapping[str, str]
) -> tuple[Any, list[Finding]]:
    """Let pypowsybl read a case.

    Parameters
    ----------
    content : str or bytes
        Text of a file, or an archive of files.
    name : str
        File name that tells the importer the format.
    where : str
        Name of the file in findings.
    parameters : mapping of str to str
        Parameters of the importer.

    Returns
    -------
    network : pypowsybl.network.Network
    findings : list of Finding
        What the importer warned of.

    Raises
    ------
    InputError
        The importer refuses the file; with its reasons.
    """
    pypowsybl = import_pypowsybl()
    with _listening() as said:
        configured = pypowsybl.is_config_read()
        pypowsybl.set_config_read(False)  # one file gives one grid, whatever is set on the machine
        try:
            if isinstance(content, str):
                return pypowsybl.network.load_from_string(name, content, dict(parameters)), _warnings(said, where)
            # Boundary files of the user's home would be added, which belong to no case: an empty folder stands for it.
            with tempfile.TemporaryDirectory() as nothing:
                boundary = {"iidm.import.cgmes.boundary-location": nothing}
                network = pypowsybl.network.load_from_binary_buffer(io.BytesIO(content), {**parameters, **boundary})
            return network, _warnings(said, where)
        except (pypowsybl.PyPowsyblError, RuntimeError, ValueError, UnicodeError) as failure:
            raise InputError(_refusal(str(failure), said, where)) from failure
        finally:
            pypowsybl.set_config_read(configured)


def _refusal(failure: str, said: list[str], where: str) -> list[Finding]:
    """Why the importer refused a file: its own words, and what it logged before."""
    text = _one_line(failure) or "no reason given"
    if "not found for BaseVoltage" in text:
        text += " (the boundary files, EQBD and TPBD, belong into the same zip or folder)"
    unsupported = re.search(r"unsupported (?:file )?(?:format|version)|version .* (?:is )?not supported", text, re.I)
    rule = "io.powsybl.version" if unsupported else "io.powsybl.refused"
    remedy = (
        "read are PSS/E RAW 33 to 35, CGMES 2.4.15 and 3.0, UCTE 2003 and 2007, IEEE-CDF, and XIIDM 1.0 to 1.16"
        if unsupported
        else "the file may be damaged, cut off or of another format: get it again or correct what is named"
    )
    findings = [Finding(rule, where, "the importer of the format refuses the file", text, remedy)]
    reasons = [line for line in dict.fromkeys(map(_one_line, said)) if line != text and not _NOISE.search(line)]
    findings += [Finding("io.powsybl.reason", where, "the importer says", line) for line in reasons]
    return shorten(findings)


_NOISE = re.compile(r"^$|Validation (?:warnings|errors)")

#: Where the importer's words end and its inner state begins.
_INNER = re.compile(r"\s(?:java|com\.powsybl|org)\.[\w.$]+(?:Exception|Error)\b|\n")


def _warnings(said: list[str], where: str) -> list[Finding]:
    """Warnings of the importer, those that differ only in numbers and ids as one."""
    groups: dict[str, list[str]] = {}
    for text in map(_one_line, said):
        if not _NOISE.search(text):
            groups.setdefault(re.sub(r"[\w.+-]*\d[\w.+-]*|'[^']*'|\([^)]*\)|\"[^\"]*\"", "*", text), []).append(text)
    findings = [
        Finding("io.powsybl.importer", where, f"the importer warns ({len(texts)})", texts[0], severity="info")
        for texts in groups.values()
    ]
    return shorten(findings)


def _one_line(text: str) -> str:
    """The importer's words without its inner state."""
    return " ".join(_INNER.split(text.strip(), maxsplit=1)[0].split())[:_MOST_QUOTED]
