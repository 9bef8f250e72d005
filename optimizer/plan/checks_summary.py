"""What plan.json states beside money, sites and counts: its copies of the study and the tables, and measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from optimizer.errors import Finding
from optimizer.plan import tolerances
from optimizer.plan.plan import table_to_records
from optimizer.plan.tables import PLAN_TABLES
from optimizer.plan.verify_compare import RECOMPUTED, finding, is_number
from optimizer.plan.verify_context import Context
from optimizer.resources import dataset_names, dataset_statement
from optimizer.study.orbit import asks_break_even

KEYS = frozenset(
    "name status objective objective_value bound_value unit objectives objective_musd bound_musd gap gap_musd "
    "baseline_musd common_musd it_mw n_sites n_contingencies_checked n_monitored_limits n_violations costs_musd "
    "binding seconds solver_seconds peak_memory_mb seed options versions data_notice".split()
)
"""Keys of plan.json; each is checked, by the file that its subject belongs to."""


BREAK_EVEN = "break_even_launch_usd_per_kg"
"""Key of plan.json in a study that asks for it."""


def check_keys(context: Context) -> list[Finding]:
    """plan.json holds what it must and nothing that no one checks."""
    keys = KEYS | ({BREAK_EVEN} if asks_break_even(context.study.config) else set())
    missing = [(key, "the key is missing") for key in sorted(keys - set(context.summary))]
    unknown = [(key, "nothing checks this key") for key in sorted(set(context.summary) - keys)]
    return [Finding("plan.summary.keys", context.summary_where(key), text) for key, text in missing + unknown]


def check_binding_copy(context: Context) -> list[Finding]:
    """The list of binding limits is that of the table."""
    stated, expected = context.summary.get("binding"), table_to_records(context.table("binding"))
    if not isinstance(stated, list) or len(stated) != len(expected):
        found = f"{len(stated)} rows" if isinstance(stated, list) else "no list"
        return [finding(context.summary_where("binding"), found, f"{len(expected)} rows, as tables/binding.csv")]
    units = {column.name: column.unit for column in PLAN_TABLES["binding"].columns}
    findings = []
    for number, (row, other) in enumerate(zip(stated, expected, strict=True), start=1):
        keys = set(other) | (set(row) if isinstance(row, dict) else set())
        for key in sorted(keys):
            a = row.get(key) if isinstance(row, dict) else row
            if not _same(a, other.get(key)):
                where = context.summary_where(f"binding row {number} {key}")
                findings.append(finding(where, a, other.get(key), units.get(key, ""), "as tables/binding.csv"))
    return findings


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool) or not isinstance(a, int | float) or not isinstance(b, int | float):
        return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=tolerances.ROUNDING)


def check_break_even(context: Context) -> list[Finding]:
    """The launch price at which orbit breaks even is above the study's just where a proven plan uses orbit."""
    stated, orbit = context.summary.get(BREAK_EVEN), context.study.config.orbit
    if orbit is None or stated is None:
        return []
    if not is_number(stated) or stated < 0:
        return [finding(context.summary_where(BREAK_EVEN), stated, "a price or nothing", "$/kg")]
    uses = bool((context.placed["kind"] == "orbital").any())
    near = math.isclose(stated, orbit.launch_usd_per_kg, rel_tol=1e-3)
    if context.summary.get("status") != "optimal" or near or uses == (orbit.launch_usd_per_kg < stated):
        return []
    text = "above" if uses else "below"
    return [finding(context.summary_where(BREAK_EVEN), stated, f"{text} {orbit.launch_usd_per_kg:g}", "$/kg")]


def check_options(context: Context) -> list[Finding]:
    """Name, seed, options and what is said of the data are those of the study."""
    config = context.study.config
    source = config.grid.source if config.grid is not None else ""
    notice = dataset_statement(source) if source in dataset_names() else ""
    expected = {"name": config.study.name, "seed": config.solve.seed, "data_notice": notice}
    findings = []
    for key, value in expected.items():
        if not _same(context.summary.get(key), value):
            findings.append(finding(context.summary_where(key), context.summary.get(key), value, "", "as the study"))
    options = config.solve.model_dump(mode="json")
    return findings + _compare(context, "options", context.summary.get("options"), options)


def _compare(context: Context, key: str, stated: Any, expected: Any) -> list[Finding]:
    if isinstance(stated, Mapping) and isinstance(expected, Mapping):
        findings = []
        for name in (*expected, *sorted(set(stated) - set(expected))):
            findings += _compare(context, f"{key} {name}", stated.get(name), expected.get(name))
        return findings
    if isinstance(stated, list) and isinstance(expected, list) and len(stated) == len(expected):
        pairs = enumerate(zip(stated, expected, strict=True), start=1)
        return [f for i, (a, b) in pairs for f in _compare(context, f"{key} item {i}", a, b)]
    if _same(stated, expected):
        return []
    return [finding(context.summary_where(key), stated, expected, "", "as the study")]


def check_measurements(context: Context) -> list[Finding]:
    """Seconds and memory are measurements of the run: not negative, and parts do not exceed their total."""
    findings = []
    seconds = context.summary.get("seconds")
    parts = dict(seconds) if isinstance(seconds, Mapping) else {}
    figures = {f"seconds {key}": value for key, value in parts.items()}
    figures |= {key: context.summary.get(key) for key in ("solver_seconds", "peak_memory_mb")}
    for key, value in figures.items():
        if not is_number(value) or value < 0:
            findings.append(finding(context.summary_where(key), value, "a number, 0 or more"))
    total = parts.get("total")
    if not findings and total is not None:
        spent = sum(value for key, value in parts.items() if key != "total")
        if spent > total * 1.01 + 1.0:
            where = context.summary_where("seconds total")
            text = f"{total:.3f} s, its parts {spent:.3f} s"
            findings.append(Finding(RECOMPUTED, where, "the parts exceed the total", text))
    return findings


def check_versions(context: Context) -> list[Finding]:
    """Say which packages are other ones than those that made the plan; figures must hold all the same."""
    stated = context.summary.get("versions")
    if not isinstance(stated, Mapping):
        return [finding(context.summary_where("versions"), stated, "a version for each package")]
    findings = []
    for name, made in stated.items():
        try:
            now = version(str(name))
        except PackageNotFoundError:
            continue
        if made != now:
            where = context.summary_where(f"versions {name}")
            message = f"this check runs with {now}"
            findings.append(Finding("plan.versions", where, message, str(made), severity="info"))
    return findings


CHECKS = (check_keys, check_binding_copy, check_options, check_break_even, check_measurements, check_versions)
