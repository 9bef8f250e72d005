"""PSS/E RAW files of version 33, 34 and 35: sections and records, with what is wrong in them.

Source of the layout: the power flow raw data file of PSS/E, versions 33 to 35, as its program operation manuals
describe it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.schema import errors_first, shorten
from optimizer.io.powsybl_raw_case import RawCase, complete
from optimizer.io.powsybl_raw_records import FIELDS, LAYOUTS, SECTIONS, Record, tokens
from optimizer.io.powsybl_raw_stations import read_stations
from optimizer.io.reading import refuse

#: Versions that are read.
VERSIONS = (33, 34, 35)


def read_raw(text: str, file: str) -> RawCase:
    """Read the text of a RAW file.

    Parameters
    ----------
    text : str
        The whole file.
    file : str
        Its name in findings.

    Raises
    ------
    InputError
        Wrong version, cut off, sections out of order, or values that are no numbers; with every finding.
    """
    lines = text.splitlines()
    case = RawCase()
    version = _header(lines, file, case)
    sections = _sections(lines, version, file, case.findings)
    records = {
        name: _records(name, sections.get(name, []), version, file, case.findings)
        for name in FIELDS
        if name in sections
    }
    refuse_errors(errors_first(shorten(case.findings)))
    stations = read_stations(sections.pop("substation", []))
    complete(records, sections, file, case)
    for bus, station in stations.items():
        if bus in case.bus:
            case.bus[bus].update(station)
    return case


def _header(lines: Sequence[str], file: str, case: RawCase) -> int:
    """Version of the file; its base goes to the case."""
    first = next((line for line in lines if not line.startswith("@!")), "")
    cells = tokens(first)
    where = f"{file} line 1"
    known = f"give a RAW file of version {', '.join(map(str, VERSIONS[:-1]))} or {VERSIONS[-1]}"
    base, version = (_float(cells[k]) if len(cells) > k and cells[k] else math.nan for k in (1, 2))
    if not math.isfinite(base) or not math.isfinite(version):
        text = "the first line does not name a base and a version of PSS/E"
        raise refuse("io.powsybl.raw.header", where, text, first[:60], known)
    if version not in VERSIONS:
        text = "this version of the format is not read"
        raise refuse("io.powsybl.version", where, text, f"version {version:g}", known)
    if not 0 < base < 1e9:
        raise refuse("io.powsybl.raw.base", where, "the system base is not a power above 0 MVA", f"{base:g}", "give it")
    case.base_mva = base
    return int(version)


def _sections(
    lines: Sequence[str], version: int, file: str, findings: list[Finding]
) -> dict[str, list[tuple[int, list[str]]]]:
    """Rows of each section with their line numbers; they are told apart by their order."""
    order = SECTIONS[version]
    found: dict[str, list[tuple[int, list[str]]]] = {}
    current = 0
    skipped = 0
    ended = False
    for number, line in enumerate(lines, start=1):
        if line.startswith("@!"):
            continue
        if skipped < 3:  # identification and two lines of title
            skipped += 1
            continue
        if not line.strip() or current >= len(order):
            continue
        cells = tokens(line)
        if cells and cells[0] == "Q":
            ended = True
            break
        if order[current] == "substation":
            found.setdefault("substation", []).append((number, cells))
        elif cells and cells[0] == "0" and (len(cells) == 1 or order[current] != "system-wide"):
            current += 1
            findings += _misplaced(line, order, current, f"{file} line {number}")
        else:
            found.setdefault(order[current], []).append((number, cells))
    if not ended and current <= order.index("switched shunt"):
        text = f"the file ends in its {order[current]} data"
        remedy = "the file is cut off: get it again"
        findings.append(Finding("io.powsybl.raw.truncated", f"{file} line {len(lines)}", text, "", remedy))
    return found


def _misplaced(line: str, order: Sequence[str], current: int, where: str) -> Iterable[Finding]:
    """The comment of a line that ends a section says which one begins."""
    said = re.search(r"BEGIN\s+(BUS|LOAD|FIXED SHUNT|GENERATOR|BRANCH|TRANSFORMER)\s+DATA", line.upper())
    begins = order[current] if current < len(order) else ""
    if said and said[1].lower() != begins:
        text = f"the line begins the {said[1].lower()} data where {begins or 'nothing'} is to follow"
        remedy = "end every section, empty ones too, by a line that starts with 0"
        yield Finding("io.powsybl.raw.section", where, text, "", remedy)


def _records(
    section: str, rows: Sequence[tuple[int, list[str]]], version: int, file: str, findings: list[Finding]
) -> list[Record]:
    """Records of a section; one of a transformer or DC line goes over several rows."""
    records = []
    position = 0
    while position < len(rows):
        number = rows[position][0]
        layout = LAYOUTS[section](rows[position][1], version)
        taken = rows[position : position + len(layout)]
        where = f"{file} line {number} ({section} data)"
        position += len(layout)
        if len(taken) < len(layout):
            text = f"the record needs {len(layout)} lines"
            remedy = "the file may be cut off: get it again"
            findings.append(Finding("io.powsybl.raw.record", where, text, f"{len(taken)} lines", remedy))
            break
        record = Record(where)
        for names, (_, cells) in zip(layout, taken, strict=True):
            record.fill(names, cells, FIELDS[section], findings)
        records.append(record)
    return records


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
