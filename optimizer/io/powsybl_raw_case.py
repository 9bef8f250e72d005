"""Records of PSS/E as pypowsybl can read them.

pypowsybl reads versions 33 and 35 of RAW, takes the nearest tap of a regulating transformer for the actual one, refuses
a case that has a single branch of no reactance, and keeps neither the second rating nor zones. Here the records, of
whatever file they came from, are checked against each other, what it would lose is kept aside, and those that it turns
into a network are written as version 33.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from optimizer.errors import Finding, Severity, refuse_errors
from optimizer.grid.network import BASE_MVA
from optimizer.grid.schema import errors_first, shorten
from optimizer.io.powsybl_raw_records import FIELDS, LAYOUTS, SECTIONS, Record

#: Reactance written for a branch that has none, so that the importer accepts it; the reader restores 0 [pu].
_STAND_IN_X = "0.0001"

#: Sections that hold equipment of which nothing is read.
_UNREAD = {
    "multi-terminal dc": "multi-terminal DC lines",
    "facts": "FACTS devices",
    "gne": "GNE devices",
    "induction machine": "induction machines",
}


@dataclass
class RawCase:
    """What a RAW file holds, as text for pypowsybl and as what it would lose.

    Parameters
    ----------
    text : str
        The case as version 33.
    base_mva : float
        System base [MVA].
    bus : dict of str to dict
        By bus number, columns of our table: ``zone``, ``type``, voltage limits, substation and place.
    ratings : dict of str to tuple
        Ratings A, B and C [MVA] by id of the branch, or of the winding as ``id:1``; 0 is none.
    lines : dict of str to tuple
        Resistance, reactance and charging of each line [pu on 100 MVA] by id. The importer keeps them in ohm, with
        shunts that make up for two base voltages.
    no_reactance : set of str
        Ids of transformers whose reactance is 0.
    findings : list of Finding
        Warnings and notes.
    """

    text: str = ""
    base_mva: float = 100.0
    bus: dict[str, dict[str, object]] = field(default_factory=dict)
    ratings: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    lines: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    no_reactance: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def complete(
    records: dict[str, list[Record]], sections: dict[str, list[tuple[int, list[str]]]], file: str, case: RawCase
) -> None:
    """Change records into what pypowsybl can read, write them into the case, and keep what would be lost.

    Parameters
    ----------
    records : dict of str to list of Record
        Records by section; changed.
    sections : dict of str to list
        Lines of the sections, by which those that are not read are told.
    file : str
        Name of the file in findings.
    case : RawCase
        Receives text, tables and findings.

    Raises
    ------
    InputError
        Records that contradict each other; with every finding.
    """
    for name, rows in records.items():
        defaults = {c: str(value) for c, value in FIELDS[name].items() if value is not None}
        for record in rows:
            record.cells = {**defaults, **record.cells}
    _prepare(records, sections, file, case)
    refuse_errors(errors_first(shorten(case.findings)))
    case.text = _written(records, case.base_mva)


def _prepare(
    records: dict[str, list[Record]], sections: dict[str, list[tuple[int, list[str]]]], file: str, case: RawCase
) -> None:
    """Change records into what pypowsybl can read, and say so."""
    findings = case.findings
    for name in ("load", "fixed shunt", "generator", "branch", "transformer"):
        records.setdefault(name, [])
    records["branch"] += _switching(records.pop("system switching device", []), findings, file)
    _buses(records, file, case)
    _loads(records["load"], findings, file)
    records["fixed shunt"] += _switched(records.pop("switched shunt", []), findings, file)
    for name in ("load", "fixed shunt", "generator", "branch", "transformer"):
        _unique(records[name], name, findings, file)
    for record in records["branch"]:
        id_ = f"L-{record['I']}-{record['J']}-{record['CKT']}"
        case.ratings[id_] = (record.number("RATE1"), record.number("RATE2"), record.number("RATE3"))
        scale = BASE_MVA / case.base_mva
        charging = sum(record.number(c) for c in ("B", "BI", "BJ"))
        case.lines[id_] = (record.number("R") * scale, record.number("X") * scale, charging / scale)
        if record.number("X") == 0:
            record["X"] = _STAND_IN_X
    _transformers(records["transformer"], file, case)
    _corrected(records["transformer"], findings, file)
    links = [record["NAME"] for record in records.get("two-terminal dc", [])]
    if links:
        text = "DC lines state no largest transfer: 1.2 times the scheduled one, withdrawn at the rectifier, is taken"
        findings.append(_say("io.powsybl.raw.dc_limit", f"{file}, two-terminal dc data", text, links, "warning"))
    for name, what in _UNREAD.items():
        if sections.get(name):
            text, remedy = f"{what} are not read: what they do is not in the grid", "add them by hand where they matter"
            count = f"{len(sections[name])} lines"
            findings.append(Finding("io.powsybl.raw.unread", f"{file}, {name} data", text, count, remedy, "warning"))


def _say(rule: str, where: str, text: str, names: Sequence[str], severity: Severity = "info") -> Finding:
    """One finding about many elements: how many, and the first of them."""
    found = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    return Finding(rule, where, f"{text} ({len(names)})", found, "", severity)


def _buses(records: dict[str, list[Record]], file: str, case: RawCase) -> None:
    """Keep what pypowsybl drops of buses; leave out those of type 4 with what is connected to them."""
    where = f"{file}, bus data"
    buses = records.get("bus", [])
    known: dict[str, Record] = {}
    for record in buses:
        if record["I"] in known:
            text, remedy = "the bus is given twice", f"it is given already in {known[record['I']].where}"
            case.findings.append(Finding("io.powsybl.raw.bus_twice", record.where, text, record["I"], remedy))
        known.setdefault(record["I"], record)
    for name, rows in records.items():
        for record in rows:
            for end in [c for c in ("I", "J", "K", "IPR", "IPI", "IBUS1", "IBUS2") if c in record.cells]:
                if name != "bus" and record[end] != "0" and record[end] not in known:
                    text, remedy = "names a bus that is not in the bus data", "correct it or add the bus"
                    case.findings.append(Finding("io.powsybl.raw.bus", record.where, text, record[end], remedy))
    isolated = {number for number, record in known.items() if record["IDE"] == "4"}
    if isolated:
        text = "buses of type 4 and what is connected to them are out of service and left out"
        case.findings.append(_say("io.powsybl.raw.isolated", where, text, [bus for bus in known if bus in isolated]))
        for name, rows in records.items():
            ends = ("I", "J", "K", "IPR", "IPI", "IBUS1", "IBUS2")
            records[name] = [r for r in rows if not isolated.intersection(r[c] for c in ends if c in r.cells)]
    unknown = [number for number, record in known.items() if record.number("BASKV") == 0 and number not in isolated]
    if unknown:
        text = "buses have no base voltage: 1 kV is used, and per-unit values as they are"
        case.findings.append(_say("io.powsybl.raw.base_kv", where, text, unknown, "warning"))
    for number, record in known.items():
        if number in isolated:
            continue
        if record.number("BASKV") == 0:
            record["BASKV"] = "1.0"
        limits = {"v_max_pu": record.number("NVHI"), "v_min_pu": record.number("NVLO")}
        case.bus[number] = {"zone": record["ZONE"], "type": int(record["IDE"]), **limits}
    if unknown and any(r["CW"] != "1" for r in records["transformer"]):
        text = "transformer voltages are given in kV, but buses have no base voltage"
        remedy = "give BASKV of every bus"
        case.findings.append(Finding("io.powsybl.raw.base_kv", where, text, unknown[0], remedy))


def _loads(loads: Sequence[Record], findings: list[Finding], file: str) -> None:
    """Constant-current and -admittance parts, and generation within loads, become part of the load."""
    where = f"{file}, load data"
    mixed, inner = [], []
    for record in loads:
        p, q = record.number("PL"), record.number("QL")
        parts = [record.number(c) for c in ("IP", "IQ", "YP", "YQ")]
        if any(parts):
            p, q = p + parts[0] + parts[2], q + parts[1] - parts[3]
            mixed.append(f"{record['I']} {record['ID']}")
        if record["DGENM"] == "1" and (record.number("DGENP") or record.number("DGENQ")):
            p, q = p - record.number("DGENP"), q - record.number("DGENQ")
            inner.append(f"{record['I']} {record['ID']}")
        record["PL"], record["QL"] = repr(p), repr(q)
        for column in ("IP", "IQ", "YP", "YQ"):
            record[column] = "0"
    if mixed:
        text = "loads of constant current or admittance are taken as constant power, at 1.0 pu voltage"
        findings.append(_say("io.powsybl.raw.load_model", where, text, mixed))
    if inner:
        text = "distributed generation of loads is subtracted from them"
        findings.append(_say("io.powsybl.raw.load_generation", where, text, inner))


def _switching(devices: Sequence[Record], findings: list[Finding], file: str) -> list[Record]:
    """System switching devices as branches of their reactance."""
    made = []
    for record in devices:
        cells = {"R": "0", "B": "0", "GI": "0", "BI": "0", "GJ": "0", "BJ": "0", "ST": record["STATUS"], "LEN": "0"}
        made.append(Record(record.where, {**record.cells, **cells}))
    if made:
        text = "switching devices are read as branches of the reactance that they state"
        where = f"{file}, system switching device data"
        findings.append(_say("io.powsybl.raw.switch", where, text, [f"{r['I']}-{r['J']} {r['CKT']}" for r in made]))
    return made


def _switched(shunts: Sequence[Record], findings: list[Finding], file: str) -> list[Record]:
    """Switched shunts as fixed ones of their present susceptance."""
    made = [
        Record(r.where, {"I": r["I"], "ID": f"S{r['ID']}", "STATUS": r["STAT"], "GL": "0", "BL": r["BINIT"]})
        for r in shunts
    ]
    if made:
        text = "switched shunts are read as fixed ones, at their present susceptance"
        where = f"{file}, switched shunt data"
        findings.append(_say("io.powsybl.raw.switched_shunt", where, text, [r["I"] for r in made]))
    return made


def _unique(records: Sequence[Record], section: str, findings: list[Finding], file: str) -> None:
    """Give an element whose name is taken another one."""
    column = "CKT" if section in ("branch", "transformer") else "ID"
    seen: set[tuple[str, ...]] = set()
    renamed = []
    for record in records:
        ends = tuple(sorted(record[c] for c in ("I", "J", "K") if c in record.cells))
        name, count = record[column], 1
        while (*ends, record[column]) in seen:
            count += 1
            record[column] = f"{name}#{count}"
        if count > 1:
            renamed.append(" ".join((*ends, name)))
        seen.add((*ends, record[column]))
    if renamed:
        text = "elements are given more than once under one name: each is read, the later ones renamed"
        findings.append(_say("io.powsybl.raw.duplicate", f"{file}, {section} data", text, renamed, "warning"))


def _transformers(transformers: Sequence[Record], file: str, case: RawCase) -> None:
    """Keep ratings; fix taps where they are; stand in for reactances of zero."""
    regulating = []
    for record in transformers:
        windings = 3 if record["K"] != "0" else 2
        id_ = "-".join(["T", *(record[c] for c in "IJK"[:windings]), record["CKT"]])
        for w in range(1, windings + 1 if windings == 3 else 2):
            name = f"{id_}:{w}" if windings == 3 else id_
            rated = [record.number(f"RATE{k}_{w}") for k in (1, 2, 3)]
            case.ratings[name] = (rated[0], rated[1], rated[2])
            if record[f"COD{w}"] not in ("0", ""):
                regulating.append(name)
        for column in ("X12", "X23", "X31")[: 1 if windings == 2 else 3]:
            if record.number(column) == 0:
                case.no_reactance.add(id_)
                record[column] = _STAND_IN_X
    if regulating:
        text = "transformers that regulate are held at the ratio and angle that the case states"
        where = f"{file}, transformer data"
        case.findings.append(_say("io.powsybl.regulating", where, text, regulating))


def _corrected(transformers: Sequence[Record], findings: list[Finding], file: str) -> None:
    named = [f"{r['I']}-{r['J']} {r['CKT']}" for r in transformers if any(r[f"TAB{w}"] not in ("0", "") for w in "123")]
    if named:
        text = "impedance correction tables are not applied: impedances are those at the nominal tap"
        findings.append(_say("io.powsybl.raw.correction", f"{file}, transformer data", text, named, "warning"))


def _written(records: dict[str, list[Record]], base_mva: float) -> str:
    """The records as version 33, with the sections that pypowsybl turns into a network."""
    lines = [f"0,{base_mva!r},33,0,0,60.0", "", ""]
    for name in SECTIONS[33]:
        for record in records.get(name, []) if name in FIELDS else ():
            for names in LAYOUTS[name]([record.cells.get(c, "") for c in ("I", "J", "K")], 33):
                lines.append(",".join(_cell(c, record) for c in names))
        lines.append(f"0 / END OF {name.upper()} DATA")
    return "\n".join([*lines, "Q", ""])


#: Columns that are names, to be quoted.
_NAMES = frozenset({"NAME", "ID", "CKT", "IDR", "IDI", "METER"})

#: Control of transformers is written as none, so that pypowsybl makes no table of taps around the actual one.
_FIXED = {
    "COD": "0",
    "CONT": "0",
    "RMA": "1.1",
    "RMI": "0.9",
    "VMA": "1.1",
    "VMI": "0.9",
    "NTP": "33",
    "TAB": "0",
    "CR": "0",
    "CX": "0",
    "CNXA": "0",
}


def _cell(column: str, record: Record) -> str:
    fixed = _FIXED.get(column.rstrip("123")) if column[-1] in "123" else None
    if fixed is not None and "CW" in record.cells:
        return fixed
    value = record[column]
    if column in _NAMES:
        return "'" + value.replace("'", " ").replace(",", " ").replace("/", " ") + "'"
    return value
