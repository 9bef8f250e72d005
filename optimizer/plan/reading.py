"""The files of a plan folder, read strictly: what is wrong with each as a file is a finding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.plan.table_text import parse_table
from optimizer.plan.tables import PLAN_TABLES

MAX_TABLE_MB = 500
"""Largest table that is read [MB]."""


def scenario_folders(folder: Path) -> list[Path]:
    """Folders of the comparison plans, in order of name."""
    return sorted(path.parent for path in folder.glob("scenarios/*/plan.json"))


def read_summary(folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """Content of plan.json, and what is wrong with it as a file."""
    where, remedy = "plan.json", "solve the study again"
    try:
        content = json.loads((folder / where).read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        return {}, [Finding("plan.summary.json", where, "cannot be read as JSON", str(error), remedy)]
    if not isinstance(content, dict):
        return {}, [Finding("plan.summary.json", where, "must hold one object", type(content).__name__, remedy)]
    return content, []


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number of JSON")


def read_tables(folder: Path) -> tuple[dict[str, pd.DataFrame], list[Finding]]:
    """Every table of a plan folder, and what is wrong with them as files."""
    tables: dict[str, pd.DataFrame] = {}
    findings: list[Finding] = []
    for path in sorted((folder / "tables").glob("*.csv")):
        where = f"tables/{path.name}"
        if path.stem not in PLAN_TABLES:
            findings.append(Finding("plan.table.unknown", where, "is not a table of a plan, so nothing checks it"))
        elif path.stat().st_size > MAX_TABLE_MB * 1e6:
            size = f"{path.stat().st_size / 1e6:.0f} MB"
            findings.append(Finding("plan.table.size", where, f"is larger than {MAX_TABLE_MB} MB", size))
        else:
            try:
                tables[path.stem], found = parse_table(path.stem, path.read_text(encoding="utf-8"))
                findings += found
            except UnicodeDecodeError as error:
                findings.append(Finding("plan.table.encoding", where, "is not UTF-8 text", str(error)))
    return {name: tables[name] for name in PLAN_TABLES if name in tables}, findings


def read_findings(folder: Path) -> tuple[Finding, ...]:
    """Findings written with a plan; none if there is no such file."""
    path = folder / "findings.json"
    if not path.is_file():
        return ()
    try:
        return tuple(Finding(**entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        remedy = "solve the study again"
        raise InputError([Finding("plan.findings.json", path.name, "cannot be read", str(error), remedy)]) from None
