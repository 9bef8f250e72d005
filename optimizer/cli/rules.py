"""The verb `rules`: which rules hold for a load at a place on a day, and why the others do not."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from optimizer.cli.options import JsonOption
from optimizer.cli.outcome import Outcome, run
from optimizer.errors import Finding, InputError, refuse_errors
from optimizer.progress import Progress

if TYPE_CHECKING:
    from optimizer.layers.regulation import RuleBook, Verdict
    from optimizer.layers.rule import Rule

_HEADS = {
    "applies": ("1 rule applies", "{:,} rules apply"),
    "may_apply": ("1 rule may apply", "{:,} rules may apply"),
    "does_not_apply": ("1 rule of this place does not apply", "{:,} rules of this place do not apply"),
}


def rules(
    place: Annotated[
        str,
        typer.Argument(metavar="PLACE", help="lat,lon, or a county, state, country, operator or utility; join by ';'."),
    ],
    load_mw: Annotated[float, typer.Argument(metavar="MW", help="Load at its connection.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="Day that is asked about, such as 2026-12-31.")],
    kv: Annotated[float | None, typer.Option("--kv", help="Voltage of the connection.", show_default=False)] = None,
    sources: Annotated[
        list[Path] | None,
        typer.Option("--sources", metavar="FILE", help="Further rules: TOML, or the table of moratoria."),
    ] = None,
    scenarios: Annotated[
        list[str] | None, typer.Option("--scenario", metavar="ID", help="Proposed rule to take as in force.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the rules that hold for a load at a place on a day, and why; and those that do not, and why."""

    def action(progress: Progress) -> Outcome:
        from optimizer.config import RulesSettings
        from optimizer.layers.regulation import Question, judge
        from optimizer.study.rule_places import find_place
        from optimizer.study.rule_sources import BUILTIN, read_rules

        on = _day(day)
        for what, value in (("MW", load_mw), ("--kv", kv)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                text, remedy = "not a size", "give a number of 0 or more"
                raise InputError([Finding("rules.size", what, text, f"{value:g}", remedy)])
        settings = RulesSettings(sources=(BUILTIN, *map(str, sources or ())), scenarios=tuple(scenarios or ()))
        book, _, findings = read_rules(Path(), settings)
        refuse_errors(findings)
        named = find_place(place, book.jurisdictions)
        least_kv, most_kv = (0.0, math.inf) if kv is None else (kv, kv)
        asked = Question(named.place, load_mw, load_mw, on, on, least_kv, most_kv)
        verdicts = [judge(rule, asked, named.jurisdictions, book.scenarios) for rule in book.rules]
        used = [v.rule for v in verdicts if v.outcome != "does_not_apply"]
        notes = (*named.findings, *(_unproven(rule, book, on) for rule in used if rule.reservations(on, on)))
        head = f"{named.title}: {load_mw:g} MW" + ("" if kv is None else f" at {kv:g} kV") + f" on {on.isoformat()}"
        more = {
            "place": {"named": place, "title": named.title, "jurisdictions": sorted(named.place.inside)},
            "load_mw": load_mw,
            "base_kv": kv,
            "date": on.isoformat(),
            "rules": [_entry(v, book, on) for v in verdicts],
        }
        return Outcome(text="\n".join([head, *_lines(verdicts)]), findings=notes, more=more)

    run(action, as_json, quiet=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        remedy = "give year, month and day, such as 2026-12-31"
        raise InputError([Finding("rules.date", "DATE", "not a day of the calendar", repr(text), remedy)]) from None


def _unproven(rule: Rule, book: RuleBook, on: date) -> Finding:
    where = f"{book.files.get(rule.id, 'rules')}: {rule.id}"
    remedy = "read its source before relying on it"
    return Finding(
        "rules.unproven", where, "the rule is not certain", "; ".join(rule.reservations(on, on)), remedy, "warning"
    )


def _lines(verdicts: list[Verdict]) -> list[str]:
    lines: list[str] = []
    for outcome, (one, many) in _HEADS.items():
        chosen = [v for v in verdicts if v.outcome == outcome and not v.elsewhere]
        lines.append(one if len(chosen) == 1 else many.format(len(chosen)))
        for verdict in chosen:
            lines += _long(verdict) if outcome != "does_not_apply" else [f"  {verdict.rule.id}: {verdict.why}"]
    elsewhere = sum(v.elsewhere for v in verdicts)
    return [*lines, f"{elsewhere:,} rules are of other places (--json lists all)"]


def _long(verdict: Verdict) -> list[str]:
    from optimizer.layers.rule import effects
    from optimizer.study.rule_lines import document, one_line

    rule = verdict.rule
    does = [
        one_line(e.text) + ("" if e.value is None else f": {e.value:,g}" + (f" {e.unit}" if e.unit != "-" else ""))
        for e in effects(rule)
    ]
    lines = [f"  {rule.id}: {one_line(rule.title)}", f"    why     {one_line(verdict.why)}"]
    lines += [f"    {'asks' if i == 0 else '    '}    {text}" for i, text in enumerate(does)]
    lines += [f"    note    {one_line(rule.note)}"] if rule.note else []
    lines.append(f"    source  {document(rule)} ({rule.confidence})")
    return lines


def _entry(verdict: Verdict, book: RuleBook, on: date) -> dict[str, Any]:
    from optimizer.layers.rule import effects

    rule = verdict.rule
    return {
        "rule": rule.id,
        "title": rule.title,
        "outcome": verdict.outcome,
        "why": verdict.why,
        "of_other_places": verdict.elsewhere,
        "jurisdiction": list(rule.jurisdiction),
        "status": rule.status,
        "effective": None if rule.effective is None else rule.effective.text,
        "end": None if rule.end is None else rule.end.text,
        "effects": [{"effect": e.name, "value": e.value, "unit": e.unit, "asks": e.text} for e in effects(rule)],
        "note": rule.note,
        "source": rule.source,
        "section": rule.section,
        "confidence": rule.confidence,
        "reservations": list(rule.reservations(on, on)),
        "file": book.files.get(rule.id, ""),
    }
