"""The record: findings, data, the model, and what the plan was made with."""

from __future__ import annotations

from typing import Any

import pandas as pd

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.report import mathematics
from optimizer.report.page import Bullets, Column, Details, Formula, Section, Text, blocks, table
from optimizer.report.sources import Dataset, datasets_of
from optimizer.report.text import count, quantity, words
from optimizer.report.view import View

_SEVERITIES = ("error", "warning", "info")
_PLURALS = {"error": "errors", "warning": "warnings", "info": "notes"}
_SINGULARS = {"error": "error", "warning": "warning", "info": "note"}


def findings(view: View) -> Section:
    """Return the findings of reading, solving and verifying."""
    found = view.plan.findings
    items: list[Any] = []
    for severity in _SEVERITIES:
        rows = [finding for finding in found if finding.severity == severity]
        if not rows:
            continue
        title = count(len(rows), _SINGULARS[severity], _PLURALS[severity])
        listed = _findings_table(rows, title)
        items.append(Details(title, (listed,)) if severity == "info" else listed)
    if not items:
        items.append(Text("Reading the inputs and checking the plan found nothing to report.", "good"))
    return Section("findings", "Findings", tuple(items))


def _findings_table(rows: list[Finding], title: str) -> Any:
    frame = pd.DataFrame([finding.to_dict() for finding in rows])
    columns = (
        Column("where", "Where", text=True),
        Column("message", "What", text=True),
        Column("found", "Found", text=True),
        Column("remedy", "What to do", text=True),
        Column("rule", "Rule", text=True),
    )
    return table(frame, columns, title.capitalize(), file="findings.json")


def data(view: View) -> Section | None:
    """Return the datasets, their licences, and what is assumed."""
    datasets = datasets_of(view.plan.config, view.table("halls").get("archetype", ()))
    if not datasets:
        return None
    items = [item for dataset in datasets for item in _dataset(dataset)]
    return Section("data", "Data and assumptions", tuple(items))


def _dataset(dataset: Dataset) -> list[Any]:
    version = f", version {dataset.version}" if dataset.version else ""
    statement = f" {dataset.statement}" if dataset.statement else ""
    facts = pd.DataFrame([vars(fact) for fact in dataset.facts])
    fact_columns = (
        Column("row", "Fact", text=True),
        Column("why", "Why", text=True),
        Column("source", "Source", text=True),
        Column("table", "Table", text=True),
    )
    return list(
        blocks(
            Text(f"{dataset.title} ({dataset.name}{version}).{statement}"),
            Bullets(tuple(_attribution(source) for source in dataset.sources)) if dataset.sources else None,
            Details("Notices of its sources", (Formula("NOTICE.md", "", dataset.notice),)) if dataset.notice else None,
            Details(
                f"{count(len(facts), 'fact')} that are assumed or weakly proven",
                (table(facts, fact_columns, f"Unproven facts of {dataset.name}", most=500),),
            )
            if len(facts)
            else None,
        )
    )


def _attribution(source: dict[str, Any]) -> str:
    parts = [source.get("title"), source.get("authors"), source.get("reference"), source.get("licence")]
    text = "; ".join(str(part) for part in parts if part)
    return f"{text}. Changed: {source['changes']}." if source.get("changes") else f"{text}."


def model(view: View) -> Section:
    """Return what kind of model this is, its rules in words and algebra, and the tolerances."""
    parts = mathematics.parts()
    formulas = [formula for part in parts for formula in _formulas(part)]
    rules = count(sum(len(part.rules) for part in parts), "rule")
    return Section(
        "model",
        "Model and tolerances",
        blocks(
            Text(
                "One linear mixed-integer program decides sites, whole blocks, tie lines, cooling, upgrades and "
                "generation at once. Flows follow the DC approximation: small angles, voltages of 1, no losses. "
                "Reactive power, voltage and stability are not studied."
            ),
            Details(f"The {rules} of the model, in words and algebra", tuple(formulas)) if formulas else None,
            Text(
                "Stated figures are held against recomputed ones: powers and flows agree within "
                f"{tolerances.POWER_MW:g} MW, money within {tolerances.MONEY_MUSD:g} M$ plus "
                f"{tolerances.MONEY_SHARE:g} of the amount, water within {tolerances.WATER_M3_DAY:g} m³/day, "
                f"emissions within {tolerances.CARBON_T:g} t a year."
            ),
        ),
    )


def _formulas(part: mathematics.Part) -> list[Formula]:
    subject, _, what = part.subject.partition(": ")
    # Code marks are spaces on paper, so that the columns stay.
    symbols = part.symbols.replace("``", "  ")
    return [
        Formula(subject, what[:1].upper() + what[1:], symbols),
        *(Formula(f"{part.name}.{rule.name}", rule.sentence, rule.algebra) for rule in part.rules),
    ]


def provenance(view: View) -> Section:
    """Return versions, options, inputs and times."""
    summary = view.summary
    facts = [
        ("Status", words(str(summary.get("status", "")))),
        ("Objective", words(str(summary.get("objective", "")))),
        ("Objective value", quantity(summary.get("objective_musd"), "objective_musd", 3)),
        ("Proven bound", quantity(summary.get("bound_musd"), "bound_musd", 3)),
        ("Baseline, without new load", quantity(summary.get("baseline_musd"), "baseline_musd", 3)),
        ("Common to every plan", quantity(summary.get("common_musd"), "common_musd", 3)),
        ("Gap", f"{quantity(summary.get('gap_musd'), 'gap_musd', 3)}, {quantity(summary.get('gap'), 'gap', 3)}"),
        ("Seed", str(summary.get("seed", ""))),
        ("Solver time", quantity(summary.get("solver_seconds"), "solver_seconds")),
        ("Peak memory", quantity(summary.get("peak_memory_mb"), "peak_memory_mb")),
    ]
    columns = (Column("name", "What", text=True), Column("value", "Value", text=True))
    items: list[Any] = [table(pd.DataFrame(facts, columns=["name", "value"]), columns, "The solve")]
    if seconds := summary.get("seconds"):
        frame = pd.DataFrame({"name": [words(k) for k in seconds], "stage_seconds": list(seconds.values())})
        times = (Column("name", "Stage", text=True), Column("stage_seconds", "Time"))
        items.append(table(frame, times, "Time by stage"))
    for title, key in (("Versions", "versions"), ("Options of the solver", "options")):
        if pairs := summary.get(key):
            frame = pd.DataFrame({"name": list(pairs), "value": [str(value) for value in pairs.values()]})
            items.append(Details(title, (table(frame, columns, title),)))
    if entries := view.inputs():
        frame = pd.DataFrame(
            [(entry.path, entry.role, entry.sha256) for entry in entries], columns=["path", "role", "sha256"]
        )
        heads = (
            Column("path", "File", text=True),
            Column("role", "Read as", text=True),
            Column("sha256", "SHA-256", text=True),
        )
        items.append(Details(f"{count(len(entries), 'input file')}", (table(frame, heads, "Inputs", most=1000),)))
    return Section("provenance", "Provenance", tuple(items))
