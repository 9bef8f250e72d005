"""IEEE Common Data Format files, made ready for pypowsybl.

pypowsybl's own importer of the format keeps neither ratings nor shunt conductances and gives generators no limits. The
records of the format are few, and all of them are records of PSS/E: they are written as such and read as such.

Source of the columns: "Common format for exchange of solved load flow data", IEEE Trans. Power Apparatus and Systems
PAS-92(6), 1973.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from optimizer.errors import Finding, refuse_errors
from optimizer.grid.schema import errors_first, shorten
from optimizer.io.powsybl_raw_case import RawCase, complete
from optimizer.io.powsybl_raw_records import Record
from optimizer.io.reading import refuse

#: First and last column of the fields of a bus, from 1. Generation is taken one column wider than the format says,
#: as most files write it.
_BUS = {
    **{"I": (1, 4), "NAME": (6, 17), "ZONE": (21, 23), "IDE": (25, 26), "VM": (28, 33), "VA": (34, 40)},
    **{"PL": (41, 49), "QL": (50, 58), "PG": (59, 67), "QG": (68, 75), "BASKV": (77, 83), "VS": (85, 90)},
    **{"QT": (91, 98), "QB": (99, 106), "GL": (107, 114), "BL": (115, 122)},
}
_BRANCH = {
    **{"I": (1, 4), "J": (6, 9), "CKT": (17, 17), "TYPE": (19, 19), "R": (20, 29), "X": (30, 40), "B": (41, 50)},
    **{"RATE1": (51, 55), "RATE2": (57, 61), "RATE3": (63, 67), "WINDV1": (77, 82), "ANG1": (84, 90)},
}
_WHOLE = frozenset({"I", "J", "ZONE", "IDE", "TYPE"})
_TEXT = frozenset({"NAME", "CKT"})


def read_cdf(text: str, file: str) -> RawCase:
    """Read the text of an IEEE-CDF file.

    Parameters
    ----------
    text : str
        The whole file.
    file : str
        Its name in findings.

    Raises
    ------
    InputError
        Not this format, cut off, or values that are no numbers; with every finding.
    """
    lines = text.splitlines()
    case = RawCase()
    _title(lines, file, case)
    buses = _section(lines, "BUS DATA FOLLOWS", _BUS, file, case.findings)
    branches = _section(lines, "BRANCH DATA FOLLOWS", _BRANCH, file, case.findings)
    refuse_errors(errors_first(shorten(case.findings)))
    records: dict[str, list[Record]] = {
        "bus": [Record(r.where, {**r.cells, "IDE": str(_KINDS.get(r["IDE"], 1))}) for r in buses],
        "load": [_at(r, ("PL", "QL")) for r in buses if r.number("PL") or r.number("QL")],
        "generator": [_generator(r) for r in buses if r["IDE"] in ("2", "3") or r.number("PG")],
        "fixed shunt": [
            _at(r, (), GL=repr(r.number("GL") * case.base_mva), BL=repr(r.number("BL") * case.base_mva))
            for r in buses
            if r.number("GL") or r.number("BL")
        ],
        "branch": [r for r in branches if not _is_transformer(r)],
        "transformer": [_transformer(r) for r in branches if _is_transformer(r)],
    }
    complete(records, {}, file, case)
    for row in case.bus.values():  # those of PSS/E where none are given
        del row["v_max_pu"], row["v_min_pu"]
    return case


#: Types of buses of PSS/E, from those of the format.
_KINDS = {"0": 1, "1": 1, "2": 2, "3": 3}


def _title(lines: Sequence[str], file: str, case: RawCase) -> None:
    first = lines[0] if lines else ""
    if not re.match(r".?\d\d[/-]\d\d[/-]\d\d", first):
        text, remedy = "not an IEEE-CDF file", "it begins with a line that holds a date, MM/DD/YY, and the base in MVA"
        raise refuse("io.powsybl.cdf.title", f"{file} line 1", text, first[:40].strip(), remedy)
    base = _number(first[31:37])
    if not math.isfinite(base) or not 0 < base < 1e9:
        text, remedy = "columns 32 to 37 do not hold the base power", "give the base in MVA"
        raise refuse("io.powsybl.cdf.base", f"{file} line 1", text, repr(first[31:37]), remedy)
    case.base_mva = base


def _section(
    lines: Sequence[str], title: str, columns: Mapping[str, tuple[int, int]], file: str, findings: list[Finding]
) -> list[Record]:
    """Records from a title to the line that starts with -999."""
    starts = [i for i, line in enumerate(lines) if line.upper().startswith(title)]
    if len(starts) != 1:
        text, remedy = f"the file has {len(starts)} sections {title!r}, not one", "get the file again"
        findings.append(Finding("io.powsybl.cdf.section", file, text, "", remedy))
        return []
    records = []
    for position in range(starts[0] + 1, len(lines)):
        if lines[position].lstrip().startswith("-999"):
            break
        if lines[position].strip():
            records.append(_record(lines[position], columns, f"{file} line {position + 1}", findings))
    else:
        text, remedy = f"the file ends within the section {title!r}", "it is cut off: get it again"
        findings.append(Finding("io.powsybl.cdf.truncated", f"{file} line {len(lines)}", text, "", remedy))
    announced = re.search(r"(\d+)\s+ITEMS", lines[starts[0]].upper())
    if announced and int(announced[1][:9]) != len(records):
        text, remedy = f"the section {title!r} has {len(records)} rows, not as many as it says", "get the file again"
        where = f"{file} line {starts[0] + 1}"
        findings.append(Finding("io.powsybl.cdf.count", where, text, announced[1][:9], remedy, "warning"))
    return records


def _record(line: str, columns: Mapping[str, tuple[int, int]], where: str, findings: list[Finding]) -> Record:
    record = Record(where)
    for name, (first, last) in columns.items():
        text = line[first - 1 : last].strip()
        if name == "PG" and len(text.split()) == 2:  # the last digit of the load stands in the first column
            text = text.split()[1]
        elif name == "QL" and line[last : last + 1].strip() and line[last + 1 : last + 2] in ("", " "):
            text += line[last]
        if name in _TEXT:
            record[name] = text or "1"
            continue
        value = _number(text) if text else 0.0
        if not math.isfinite(value) or (name in _WHOLE and not value.is_integer()) or (name in "IJ" and value < 1):
            remedy = f"write a {'whole' if name in _WHOLE else 'finite'} number there"
            message = f"columns {first} to {last} do not hold a number that can be used"
            findings.append(Finding("io.powsybl.cdf.value", where, message, repr(text), remedy))
            value = 0.0
        record[name] = str(int(value)) if name in _WHOLE else repr(value)
    return record


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def _at(bus: Record, columns: Sequence[str], **others: str) -> Record:
    """A record of what is at a bus."""
    return Record(bus.where, {"I": bus["I"], "ID": "1", "STATUS": "1", **{c: bus[c] for c in columns}, **others})


def _generator(bus: Record) -> Record:
    """The generation at a bus, of which the format states no limits."""
    made = _at(bus, ("PG", "QG", "QT", "QB"), PT="9999.0", PB="-9999.0", STAT="1", MBASE="100.0")
    made["VS"] = bus["VS"] if bus.number("VS") > 0 else "1.0"
    if bus.number("QT") <= bus.number("QB"):
        made["QT"], made["QB"] = "9999.0", "-9999.0"
    return made


def _is_transformer(branch: Record) -> bool:
    return branch["TYPE"] not in ("0", "") or branch.number("WINDV1") != 0 or branch.number("ANG1") != 0


def _transformer(branch: Record) -> Record:
    """A branch with a ratio as a transformer with two windings, the tap at its first bus."""
    cells = {"K": "0", "CW": "1", "CZ": "1", "CM": "1", "STAT": "1", "NAME": "", "NMETR": "2", "NOMV1": "0"}
    ratio = branch["WINDV1"] if branch.number("WINDV1") else "1.0"
    rates = {f"RATE{k}_1": branch[f"RATE{k}"] for k in (1, 2, 3)}
    named = {"R12": branch["R"], "X12": branch["X"], "SBASE12": "100.0", "WINDV2": "1.0", "NOMV2": "0"}
    own = {c: branch[c] for c in ("I", "J", "CKT", "ANG1")}
    return Record(branch.where, {**own, **cells, **rates, **named, "WINDV1": ratio, "MAG1": "0", "MAG2": "0"})
