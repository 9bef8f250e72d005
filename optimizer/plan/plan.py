"""Plan: what a solve decided, with everything needed to show it, check it and repeat it.

A plan on disk is a folder: ``plan.json``, ``manifest.json``, ``study.toml``, ``solve.log``, ``findings.json``,
``tables/*.csv``, ``plan.gpkg``, and a folder of the same kind under ``scenarios/`` for every scenario solved beside it.
It appears in one step: whatever stops the writing leaves what was there before.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyogrio import list_layers, read_dataframe

from optimizer.config import StudyConfig, config_to_toml, load_config
from optimizer.errors import Finding, InputError, refuse_errors
from optimizer.plan.columns import DECIMALS
from optimizer.plan.manifest import Manifest, inputs_of, outputs_of, portable, read_manifest, write_manifest
from optimizer.plan.place import Places, write_geopackage
from optimizer.plan.reading import read_findings, read_summary, read_tables, scenario_folders
from optimizer.plan.rebuild import main_study_file, overrides_of
from optimizer.plan.table_text import table_to_csv, tidy_table
from optimizer.plan.tables import PLAN_TABLES, empty_table

if TYPE_CHECKING:
    import geopandas as gpd

    from optimizer.study.study import Study

NO_PLAN = ("infeasible", "limit_without_plan")
"""Statuses of a solve that made no plan: only ``plan.json`` and ``findings.json`` are written."""

_FIRST = (
    "name status objective objective_value bound_value unit objectives objective_musd bound_musd gap gap_musd "
    "baseline_musd common_musd it_mw n_sites n_contingencies_checked n_monitored_limits n_violations costs_musd "
    "binding seconds solver_seconds peak_memory_mb seed options versions data_notice"
).split()


@dataclass(frozen=True, eq=False)
class Plan:
    """What a solve decided.

    Parameters
    ----------
    summary : dict
        Content of ``plan.json``.
    tables : dict of str to DataFrame
        Tables by name, columns as `PLAN_TABLES` describes them.
    findings : tuple of Finding
        What reading and solving had to say.
    config : StudyConfig
        The resolved study.
    study : Study, optional
        The study solved; ``None`` for a plan that was read from disk.
    log : tuple of str
        Lines of the solver's log.
    scenarios : dict of str to Plan
        Plans of the scenarios solved beside this one.
    folder : Path, optional
        Where the plan was read from.
    start : object, optional
        What the solver can begin the next solve with, besides the tables; in memory only.
    """

    summary: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    findings: tuple[Finding, ...]
    config: StudyConfig
    study: Study | None = None
    log: tuple[str, ...] = ()
    scenarios: dict[str, Plan] = field(default_factory=dict)
    folder: Path | None = None
    start: object | None = field(default=None, repr=False)

    @property
    def has_plan(self) -> bool:
        """Whether the solve made a plan."""
        return self.summary.get("status") not in NO_PLAN

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by name; one without rows if the plan has none of that name.

        Raises
        ------
        KeyError
            No plan has such a table.
        """
        return self.tables[name] if name in self.tables else empty_table(name)

    def layer(self, name: str) -> pd.DataFrame | gpd.GeoDataFrame:
        """Return a table with its geometry joined, if its rows have a place and the plan knows it."""
        if self.study is not None:
            return Places.of(self.study).place(name, self.table(name))
        map_file = self.folder / "plan.gpkg" if self.folder is not None else None
        if map_file is None or not map_file.is_file() or name not in list_layers(map_file)[:, 0]:
            return self.table(name)
        return read_dataframe(map_file, layer=name)

    @property
    def sites(self) -> pd.DataFrame | gpd.GeoDataFrame:
        """Built sites by period, with their parcels."""
        return self.layer("sites")

    def _facts(self) -> list[tuple[str, str]]:
        summary = self.summary
        facts = [("plan", str(summary.get("name", ""))), ("status", str(summary.get("status", "")))]
        if self.has_plan:
            capacity = ", ".join(f"{t}: {mw:,.0f} MW" for t, mw in summary.get("it_mw", {}).items())
            facts += [("cost", f"{summary['objective_value']:,.1f} {summary['unit']}")]
            facts += [("gap", f"{summary['gap']:.2%}")]
            facts += [("IT load", capacity), ("sites", str(summary.get("n_sites", 0)))]
        return facts

    def __repr__(self) -> str:
        return "\n".join(f"{name:8} {value}" for name, value in self._facts())

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in self._facts())
        return f"<table>{rows}</table>"


def tidy_plan(plan: Plan) -> Plan:
    """Return the plan as it is written: tables in order and rounded, summary rounded, its list of limits the table's.

    Parameters
    ----------
    plan : Plan
        As the solver made it.
    """
    tables = {name: tidy_table(name, plan.tables[name]) for name in PLAN_TABLES if name in plan.tables}
    if unknown := sorted(set(plan.tables) - set(PLAN_TABLES)):
        raise ValueError(f"not tables of a plan: {', '.join(unknown)}")
    summary = dict(plan.summary)
    if "binding" in tables:
        summary["binding"] = table_to_records(tables["binding"])
    scenarios = {name: tidy_plan(other) for name, other in sorted(plan.scenarios.items())}
    return replace(plan, tables=tables, summary=_rounded(summary), scenarios=scenarios)


def table_to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as JSON objects; what is missing is null."""
    columns = {name: [None if pd.isna(v) else v for v in table[name].tolist()] for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def summary_to_json(summary: Mapping[str, Any]) -> str:
    """Text of plan.json: the answer first, then what it rests on."""
    first = [key for key in _FIRST if key in summary]
    ordered = {key: summary[key] for key in (*first, *sorted(set(summary) - set(first)))}
    return json.dumps(_rounded(ordered), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def findings_to_json(findings: Iterable[Finding]) -> str:
    """Text of findings.json."""
    return json.dumps([_rounded(f.to_dict()) for f in findings], indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, bool | str | int) or value is None:
        return value
    number = float(value)
    return round(number, DECIMALS) + 0.0 if math.isfinite(number) else None


def write_plan(plan: Plan, folder: str | Path, files: Mapping[str, str] | None = None) -> Path:
    """Write a plan folder in one step.

    Equal plans give equal bytes in every file that does not hold times (``plan.json`` and ``solve.log`` do).

    Parameters
    ----------
    plan : Plan
        The plan; its study is needed to hash the inputs and to draw the map.
    folder : path
        Folder to write. A plan that is already there is replaced.
    files : mapping of str to str, optional
        Further text files by name, such as a report.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        The folder holds something that is not a plan.
    """
    target = Path(folder)
    _refuse_other(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.parent / f".{target.name}.{os.getpid()}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        _fill(temporary, tidy_plan(plan), target.absolute(), files or {})
        _replace_folder(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def add_files(folder: str | Path, files: Mapping[str, str]) -> None:
    """Add text files to a plan folder, or replace them, and bring its manifest up to date.

    Parameters
    ----------
    folder : path
        A plan folder.
    files : mapping of str to str
        Content by file name.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    for name, text in files.items():
        temporary = root / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, root / name)
    write_manifest(replace(manifest, outputs=outputs_of(root)), root)


def _refuse_other(target: Path) -> None:
    if target.is_dir():
        other = any(target.iterdir()) and not (target / "plan.json").is_file()
    else:
        other = target.exists()
    if other:
        message, remedy = "holds something that is not a plan", "name a new or empty folder"
        raise InputError([Finding("plan.folder.not_a_plan", str(target), message, "", remedy)])


def _replace_folder(temporary: Path, target: Path) -> None:
    old = target.parent / f".{target.name}.{os.getpid()}.old"
    if not target.exists():
        os.rename(temporary, target)
        return
    os.rename(target, old)
    try:
        os.rename(temporary, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old)


def _fill(folder: Path, plan: Plan, target: Path, files: Mapping[str, str]) -> None:
    folder.mkdir()
    texts = {"plan.json": summary_to_json(plan.summary), "findings.json": findings_to_json(plan.findings)}
    if not plan.has_plan:
        _write_texts(folder, texts)
        return
    texts["study.toml"] = config_to_toml(plan.config)
    texts["solve.log"] = "".join(f"{line}\n" for line in plan.log)
    (folder / "tables").mkdir()
    texts |= {f"tables/{name}.csv": table_to_csv(name, table) for name, table in plan.tables.items()}
    _write_texts(folder, {**texts, **files})
    places = Places() if plan.study is None else Places.of(plan.study)
    write_geopackage(plan.tables, places, folder / "plan.gpkg")
    for name, scenario in plan.scenarios.items():
        (folder / "scenarios").mkdir(exist_ok=True)
        _fill(folder / "scenarios" / name, scenario, target / "scenarios" / name, {})
    write_manifest(_manifest(plan.study, folder, target), folder)


def _manifest(study: Study | None, folder: Path, target: Path) -> Manifest:
    """Hash what the study read and what the folder holds; paths are those seen from where the folder will be."""
    if study is None:
        return Manifest("", (), outputs_of(folder))
    inputs = inputs_of([(file.path, file.role) for file in study.inputs], target)
    return Manifest(portable(main_study_file(study), target), inputs, outputs_of(folder), overrides_of(study))


def _write_texts(folder: Path, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def refuse_not_a_plan(folder: Path) -> None:
    """Refuse what is not the folder of a plan.

    Raises
    ------
    InputError
        It has no ``plan.json``.
    """
    if not (folder / "plan.json").is_file():
        message, remedy = "is not the folder of a plan, plan.json is missing", "name the folder that `solve` wrote"
        raise InputError([Finding("plan.folder.not_a_plan", str(folder), message, "", remedy)])


def read_plan(folder: str | Path) -> Plan:
    """Read a plan folder.

    Parameters
    ----------
    folder : path
        As `write_plan` wrote it.

    Raises
    ------
    InputError
        The folder is not a plan, or one of its files cannot be read; with every finding.
    """
    root = Path(folder)
    refuse_not_a_plan(root)
    summary, found = read_summary(root)
    if summary.get("status") in NO_PLAN:
        message, remedy = "the solve made no plan", "read findings.json for the reasons"
        found = [*found, Finding("plan.folder.no_plan", str(root), message, str(summary["status"]), remedy)]
    refuse_errors(found)
    tables, found = read_tables(root)
    refuse_errors(found)
    log = (root / "solve.log").read_text(encoding="utf-8").splitlines() if (root / "solve.log").is_file() else []
    scenarios = {path.name: read_plan(path) for path in scenario_folders(root)}
    config = load_config(root / "study.toml")
    return Plan(summary, tables, read_findings(root), config, None, tuple(log), scenarios, root)
