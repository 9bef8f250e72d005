"""Local moratoria as published by Bommarito (Moratorium Nation, 2026), read into the format of rules.

The table ``moratorium_inventory.csv`` has one instrument a row, partly extracted by machine: days that are only months,
terms in free text, and the mark ``[VERIFY]`` where its authors doubt. What cannot be dated is taken at its longest, and
every doubt stays with the rule.

Source: M. J. Bommarito, Moratorium Nation: U.S. Infrastructure Moratorium Data, version 2026.04.2, CC BY 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from optimizer.errors import Finding, InputError, nearest
from optimizer.io.reading import read_table
from optimizer.layers.jurisdictions import Jurisdiction, Jurisdictions, Kind
from optimizer.layers.rule import Rule, day_of
from optimizer.layers.rule_files import RuleSource

STATE_OF_DATA = date(2026, 4, 29)
"""Day up to which the published table was kept ("as of 2026-04-29" in its rows)."""

SOURCE = "M. J. Bommarito, Moratorium Nation: U.S. Infrastructure Moratorium Data, version 2026.04.2"

COLUMNS = (
    "moratorium_id",
    "state_abbrev",
    "jurisdiction",
    "jurisdiction_type",
    "date_enacted",
    "duration",
    "legal_basis",
    "current_status",
    "enacted_status",
    "date_enacted_iso",
    "date_enacted_uncertainty",
    "duration_days",
    "duration_kind",
    "sectors",
)

STATUS = {
    "active": "in_force",
    "extended": "in_force",
    "pending": "proposed",
    "replaced": "ended",
    "expired": "ended",
    "rescinded": "ended",
}
"""Status of a rule by ``enacted_status``."""

KINDS: dict[str, Kind] = {
    "County": "county",
    "Parish": "county",
    "City": "municipality",
    "Town": "municipality",
    "Township": "municipality",
    "Village": "municipality",
    "Tribal": "area",
    "Utility authority": "area",
}
"""Kind of jurisdiction by ``jurisdiction_type``."""

MARK = "[VERIFY"

_ISO_DAY = r"(?:19|20)\d{2}-\d{2}-\d{2}"
_END_DAY = rf"\b(?:through|until|to|expir\w*|end\w*)\b[^.;]{{0,40}}?(?<![\d#-])({_ISO_DAY})(?![\d-])"
# Only after a word that says so is a day an end: numbers of resolutions look like days, and hearings have one too.
_MOST_TEXT = 300

Row = Mapping[str, str]


def read_moratoria(path: Path, shown: str, known: Jurisdictions) -> RuleSource:
    """Read the published table of moratoria.

    Parameters
    ----------
    path : Path
        ``moratorium_inventory.csv``.
    shown : str
        How findings name it.
    known : Jurisdictions
        The states of the United States among them.

    Returns
    -------
    RuleSource
        A rule for each instrument and a jurisdiction for each body; findings about rows that are no instrument, days
        that are not exact, terms that are not stated, and marks of doubt.

    Raises
    ------
    InputError
        The file cannot be read, or lacks columns.
    """
    table = read_table(path, where=shown)
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        text, remedy = "a column of the table of moratoria is missing", "give moratorium_inventory.csv as published"
        raise InputError([Finding("rules.moratoria.column", shown, text, c, remedy) for c in missing])
    rules: dict[str, Rule] = {}
    places: dict[str, Jurisdiction] = {}
    findings: list[Finding] = []
    for line, row in table[list(COLUMNS)].astype(str).to_dict("index").items():
        where = f"{shown} row {line} ({row['moratorium_id'][:100]})"
        wrong = _unusable(row, where, known, rules)
        if wrong is not None:
            findings.append(wrong)
            continue
        place = _place(row)
        rule, notes = _rule(row, place, where)
        rules[rule.id], places[place.id] = rule, place
        findings += notes
    return RuleSource(tuple(rules.values()), Jurisdictions(places), (path,), tuple(findings))


def _unusable(row: Row, where: str, known: Jurisdictions, rules: Mapping[str, Rule]) -> Finding | None:
    """Why a row is no instrument; ``None`` if it is one."""
    name, state = row["moratorium_id"], f"US-{row['state_abbrev']}"
    if row["jurisdiction_type"].startswith("Aggregate"):
        text = "the row counts others and is no instrument: it is left out"
        return Finding("rules.moratoria.aggregate", where, text, row["jurisdiction"][:100], "", "info")
    checks = (
        ("moratorium_id", bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name)), "letters, digits, - and _"),
        ("moratorium_id", name not in rules, "each id once"),
        ("state_abbrev", known.knows(state), "a state's two letters"),
        ("jurisdiction", bool(_name(row["jurisdiction"])), "a name"),
        ("jurisdiction_type", row["jurisdiction_type"] in KINDS, nearest(row["jurisdiction_type"], KINDS)),
        ("enacted_status", row["enacted_status"] in STATUS, nearest(row["enacted_status"], STATUS)),
        ("date_enacted_iso", _is_day(row["date_enacted_iso"]), "YYYY, YYYY-MM or YYYY-MM-DD"),
        ("duration_days", bool(re.fullmatch(r"\d{0,5}", row["duration_days"])), "a whole number of days"),
    )
    for column, good, wanted in checks:
        if not good:
            text = "the cell cannot be read, and the row is left out"
            value, remedy = repr(row[column][:100]), f"give {wanted}"
            return Finding("rules.moratoria.cell", f"{where} column {column}", text, value, remedy, "warning")
    return None


def _is_day(text: str) -> bool:
    try:
        return not text or bool(day_of(text))
    except ValueError:
        return False


def _name(text: str) -> str:
    """Name of a body without what the table adds in brackets."""
    return re.sub(r"\s*\(.*", "", text).split(" - ")[0].strip()


def _place(row: Row) -> Jurisdiction:
    name, state = _name(row["jurisdiction"]), row["state_abbrev"]
    slug = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")
    kind = KINDS[row["jurisdiction_type"]]
    short = re.sub(r" (County|Parish|Township|City)( Fiscal Court)?$", "", name)
    aliases = tuple(dict.fromkeys(a for a in (name, f"{short}, {state}") if a != f"{name}, {state}"))
    return Jurisdiction(
        id=f"US-{state}.{slug}.{kind}", kind=kind, name=f"{name}, {state}", within=(f"US-{state}",), aliases=aliases
    )


def _rule(row: Row, place: Jurisdiction, where: str) -> tuple[Rule, list[Finding]]:
    marked = [column for column in COLUMNS if MARK in row[column]]
    unverified = row["date_enacted_uncertainty"] == "unverified" or bool(marked)
    end, end_doubt = _end(row)
    doubts = [*([end_doubt] if end_doubt else []), *_doubts(row, marked)]
    about = "data_center" in row["sectors"] or "general" in row["sectors"]
    term = _shortened(row["duration"]) or "not stated"
    rule = Rule(
        id=row["moratorium_id"],
        title=f"{place.name}: moratorium",
        jurisdiction=(place.id,),
        status=STATUS[row["enacted_status"]],  # type: ignore[arg-type]
        effective=row["date_enacted_iso"] or None,
        end=end,
        forbid=about,
        duties=() if about else ("a moratorium on cryptocurrency mining, not on other data centers",),
        note=f"term: {term}; status: {row['enacted_status']}",
        source=SOURCE,
        section=_shortened(row["legal_basis"]) or None,
        confidence="unverified" if unverified else "secondary",
        doubts=tuple(doubts),
    )
    return rule, _notes(rule, marked, where, row)


def _doubts(row: Row, marked: list[str]) -> list[str]:
    doubts = [f"marked [VERIFY] by its authors in {', '.join(marked)}"] if marked else []
    if not row["date_enacted_iso"]:
        doubts.append("the day of enactment is not stated")
    elif row["date_enacted_uncertainty"] == "unverified":
        doubts.append("the day of enactment is not verified")
    if "general" in row["sectors"]:
        doubts.append("the table does not say that it is about data centers")
    return doubts


def _end(row: Row) -> tuple[str | None, str]:
    """Last day in force and what is doubtful about it; the longest reading where several are possible."""
    kind, days = row["duration_kind"], row["duration_days"]
    text = re.sub(r"\[VERIFY[^\]]*\]", "", row["duration"])
    stated = [day for day in re.findall(_END_DAY, text, re.IGNORECASE) if _is_day(day)]
    begun = row["date_enacted_iso"]
    if days and re.fullmatch(_ISO_DAY, begun):
        stated.append((date.fromisoformat(begun) + timedelta(days=int(days))).isoformat())
    last = max(stated, default=None)
    if row["enacted_status"] in ("expired", "rescinded", "replaced"):
        return (last if last and last <= STATE_OF_DATA.isoformat() else None), ""
    if kind in ("until_event", "indefinite"):
        return None, "it ends by a later decision, not on a day" if kind == "until_event" else ""
    if last is None:
        return None, "the last day is not stated; it is taken to have none"
    if STATUS[row["enacted_status"]] == "in_force" and last < STATE_OF_DATA.isoformat():
        return None, f"it is called {row['enacted_status']} after its stated end, {last}; it is taken to have none"
    if row["enacted_status"] == "extended" and len(stated) == 1 and days:
        return None, "it was extended to a day that is not stated; it is taken to have none"
    return last, ""


def _notes(rule: Rule, marked: list[str], where: str, row: Row) -> list[Finding]:
    """Messy days and marks of doubt, one finding each."""
    notes: list[Finding] = []
    if rule.effective is None:
        text, value = "the day of enactment is not stated", _shortened(row["date_enacted"])
        notes.append(Finding("rules.moratoria.day", where, text, value, "taken as long in force", "info"))
    elif not rule.effective.is_exact:
        text, value = "the day of enactment is not exact", rule.effective.text
        notes.append(Finding("rules.moratoria.day", where, text, value, "the earliest day is taken", "info"))
    ends = [doubt for doubt in rule.doubts if doubt.startswith("it ") or doubt.startswith("the last day")]
    for doubt in ends:
        notes.append(Finding("rules.moratoria.end", where, doubt, _shortened(row["duration"]), "", "info"))
    if marked:
        text, remedy = "its authors mark it [VERIFY]", "look at the instrument before relying on it"
        notes.append(Finding("rules.moratoria.verify", where, text, ", ".join(marked), remedy, "info"))
    return notes


def _shortened(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _MOST_TEXT else f"{words[: _MOST_TEXT - 3]}..."
