"""Rules from the sources that a study names: the bundled ones, files of its own, the published table of moratoria."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from optimizer.config import RulesSettings
from optimizer.errors import Finding, GridsiteError, nearest
from optimizer.layers.jurisdictions import Jurisdictions, merged
from optimizer.layers.moratoria import read_moratoria
from optimizer.layers.regulation import RuleBook
from optimizer.layers.rule import Rule
from optimizer.layers.rule_files import RuleSource, read_rule_file
from optimizer.resources import dataset_path

BUILTIN = "builtin"
"""Word for the bundled rules."""

DATASET = "rules"
"""Dataset that holds the bundled rules and jurisdictions."""

JURISDICTIONS = "jurisdictions.toml"
"""File of that dataset with the jurisdictions, which other sources may name too."""


def read_rules(folder: Path, settings: RulesSettings) -> tuple[RuleBook, list[Path], list[Finding]]:
    """Read every source of rules.

    Parameters
    ----------
    folder : Path
        Folder that paths are relative to.
    settings : RulesSettings
        ``[rules]``.

    Returns
    -------
    book : RuleBook
        Rules by id, of two of one id the later; jurisdictions.
    paths : list of Path
        Files that were read.
    findings : list of Finding
        Of every file, and about names in the settings.
    """
    base = dataset_path(DATASET)
    parts = [read_rule_file(base / JURISDICTIONS, JURISDICTIONS, Jurisdictions())]
    findings = list(parts[0].findings)
    rules: dict[str, Rule] = {}
    files: dict[str, str] = {}
    for shown, path in _files(folder, settings.sources):
        try:
            part = _read(path, shown, merged([p.jurisdictions for p in parts]))
        except GridsiteError as error:
            findings += error.findings
            continue
        findings += [*part.findings, *(_replaced(r.id, shown, files[r.id]) for r in part.rules if r.id in rules)]
        rules |= {rule.id: rule for rule in part.rules}
        files |= {rule.id: shown for rule in part.rules}
        parts.append(part)
    jurisdictions = merged([part.jurisdictions for part in parts])
    book = RuleBook(tuple(rules.values()), jurisdictions, files, frozenset(settings.scenarios))
    findings += [*_scenarios(settings, rules), *_everywhere(settings, jurisdictions)]
    return book, [path for part in parts for path in part.paths], findings


def _files(folder: Path, sources: Iterable[str]) -> list[tuple[str, Path]]:
    """Every file to read, with how findings name it."""
    files: list[tuple[str, Path]] = []
    for source in dict.fromkeys(sources):
        if source == BUILTIN:
            bundled = sorted(dataset_path(DATASET).glob("*.toml"))
            files += [(f.name, f) for f in bundled if f.name not in (JURISDICTIONS, "dataset.toml")]
        else:
            files.append((source, folder / source))
    return files


def _read(path: Path, shown: str, known: Jurisdictions) -> RuleSource:
    if path.suffix.lower() == ".csv":
        return read_moratoria(path, shown, known)
    return read_rule_file(path, shown, known)


def _replaced(rule: str, shown: str, before: str) -> Finding:
    text, remedy = f"it takes the place of the rule of the same id in {before}", "give it another id to keep both"
    return Finding("rules.replaced", f"{shown}: {rule}", text, "", remedy, "info")


def _scenarios(settings: RulesSettings, rules: dict[str, Rule]) -> list[Finding]:
    proposed = [rule.id for rule in rules.values() if rule.status == "proposed"]
    findings = []
    for name in settings.scenarios:
        if name not in proposed:
            text = "the rule is not a proposal" if name in rules else "no such rule"
            remedy = nearest(name, proposed) if proposed else "no rule read is a proposal: leave it out"
            findings.append(Finding("rules.scenario", "rules.scenarios", text, repr(name), remedy))
    return findings


def _everywhere(settings: RulesSettings, known: Jurisdictions) -> list[Finding]:
    findings = []
    for name in settings.jurisdictions:
        codes = known.named(name)
        if len(codes) != 1:
            text = "no such jurisdiction" if not codes else "the name means several jurisdictions"
            remedy = nearest(name, known.by_id) if not codes else f"give one code: {', '.join(codes)}"
            findings.append(Finding("rules.unknown_jurisdiction", "rules.jurisdictions", text, repr(name), remedy))
    return findings
