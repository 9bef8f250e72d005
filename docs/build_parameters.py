"""Write ``docs/parameters.md`` from the bundled facts and the code: ``python docs/build_parameters.py``.

What is well proven and what is not is read where it is stated: the column ``confidence`` of a table of facts, the
description of a key of the study file, the docstring of a constant.
"""

from __future__ import annotations

import ast
import csv
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from optimizer.config import StudyConfig
from optimizer.study.facts import FACTS

DOCS = Path(__file__).resolve().parent
REPOSITORY = DOCS.parent

CONFIDENCE = {
    "primary": "read in the issuing body's own document",
    "secondary": "read in a publication that quotes the primary source",
    "weak": "read in pages that name no source of their own",
    "unverified": "an assumption, general knowledge, or derived with one",
}
"""Confidence of a row, the best first, and what it means."""

UNPROVEN = ("weak", "unverified")
MARK = "unverified"
MOST_CELLS = 6

_ABOUT = set("source year confidence note why description source_case original_value original_unit".split())
"""Columns that say something about a row, and are not its content."""

INTRODUCTION = """\
# Parameters, sources and what is not verified

*Written by `docs/build_parameters.py` from the bundled tables and the code; edit those, not this page.*

Every fact stands in a table, one row a fact, with its source, the source's year and how far it can be trusted. The
tables are plain CSV under `datasets/`; `gridsite data show NAME` lists every column with its unit. Nothing below is a
recommendation: replace what you know better, in a copy of the dataset or by a key of the study.
"""


def page() -> str:
    """Return the text of the page."""
    levels = [["confidence", "meaning"], *([f"`{name}`", meaning] for name, meaning in CONFIDENCE.items())]
    names = ("texas", "facilities", "supply", "cooling", "interconnection")
    chapters = [INTRODUCTION, _table(levels), *(_dataset(name) for name in names)]
    return "\n".join([*chapters, _rules(), _keys(), _constants()])


def _dataset(name: str) -> str:
    folder = REPOSITORY / "datasets" / name
    about = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))
    files = {path.relative_to(folder).as_posix(): _rows(path) for path in sorted(folder.rglob("*.csv"))}
    cited = {where: rows for where, rows in files.items() if rows and {"source", "confidence"} <= set(rows[0])}
    chapters = [f"## {about['title']}", "", f"`datasets/{name}/`. {about['description'].strip()}", ""]
    chapters += ["### Tables of facts, and how many rows of each can be trusted how far", "", _overview(about, cited)]
    if name == "texas":
        chapters += ["### What the model reads of them", "", _read_columns()]
    if "sources" in about:
        chapters += ["### Sources", "", _sources(about["sources"])]
    return "\n".join([*chapters, "### Rows that are not verified", "", *_unproven(cited)])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _overview(about: dict[str, Any], tables: dict[str, list[dict[str, str]]]) -> str:
    lines = [["table", "what it holds", "rows", *CONFIDENCE]]
    for where, rows in tables.items():
        found = Counter(row["confidence"] for row in rows)
        counts = (str(found[level] or "") for level in CONFIDENCE)
        lines.append([f"`{where}`", _described(about, where), str(len(rows)), *counts])
    return _table(lines)


def _described(about: dict[str, Any], where: str) -> str:
    listed = {entry["path"]: entry for entry in about.get("file", ())}
    return str({**listed, **about.get("files", {})}[where]["description"])


def _read_columns() -> str:
    names = {table: ", ".join(f"`{column.name}`" for column in columns) for table, columns in FACTS.items()}
    return _table([["table", "columns"], *([f"`facts/{table}.csv`", found] for table, found in names.items())])


def _sources(sources: Iterable[dict[str, Any]]) -> str:
    keys = ("title", "authors", "reference", "licence")
    lines = [[*keys, "used in"]]
    lines += [[*(s[key] for key in keys), ", ".join(f"`{file}`" for file in s["used_in"])] for s in sources]
    return _table(lines)


def _unproven(tables: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    for where, rows in tables.items():
        lines = [["row", "why, or what to know", "source", "confidence"]]
        for row in rows:
            if row["confidence"] in UNPROVEN:
                said = row.get("why") or row.get("note") or ""
                lines.append([_content(row), said, row["source"], row["confidence"]])
        if len(lines) > 1:
            yield f"`{where}`\n\n{_table(lines)}"


def _content(row: dict[str, str]) -> str:
    apart = ("_source", "_confidence")
    cells = [f"{key} {text}" for key, text in row.items() if text and key not in _ABOUT and not key.endswith(apart)]
    return ", ".join(cells[:MOST_CELLS])


def _rules() -> str:
    """Bundled rules: all with their status and confidence, and what is not certain about each."""
    folder = REPOSITORY / "datasets" / "rules"
    about = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))
    lines = [["rule", "title", "status", "confidence", "source", "what is not certain"]]
    for path in sorted(folder.glob("*.toml")):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ()):
            doubts = "; ".join(rule.get("doubts", ()))
            keys = (rule[key] for key in ("title", "status", "confidence", "source"))
            lines.append([f"`{rule['id']}`", *keys, doubts])
    return f"## {about['title']}\n\n`datasets/rules/`. {about['description']}\n\n{_table(lines)}"


def _keys() -> str:
    """Defaults of a study that are choices of this project."""
    lines = [["key", "default", "meaning"]]
    for table, outer in StudyConfig.model_fields.items():
        for key, inner in _inner(outer):
            if MARK in (inner.description or ""):
                lines.append([f"`{table}.{key}`", f"`{inner.default}`", inner.description or ""])
    text = "`gridsite schema` lists every key with its default and meaning; these are those that rest on no source.\n"
    return f"## Defaults of a study that are not verified\n\n{text}\n{_table(lines)}"


def _inner(field: FieldInfo) -> Iterator[tuple[str, FieldInfo]]:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        yield from getattr(kind, "model_fields", {}).items()


def _constants() -> str:
    """Constants of the code whose docstring says that they are not verified."""
    lines = [["constant", "value", "meaning"]]
    for path in sorted((REPOSITORY / "optimizer").rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, after in pairwise(body):
            text = _text(after)
            if isinstance(node, ast.Assign) and MARK in text:
                where = path.relative_to(REPOSITORY).as_posix()
                name = f"`{ast.unparse(node.targets[0])}` in `{where}`"
                lines.append([name, f"`{ast.unparse(node.value)}`", text.replace("``", "`")])
    text = "Most are numbers of the method: they change how long a solve takes, or what counts as zero.\n"
    return f"## Constants of the code that are not verified\n\n{text}\n{_table(lines)}"


def _text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


def _table(lines: list[list[str]]) -> str:
    """Return rows as a Markdown table, the first its head."""
    head, *body = [[_cell(text) for text in line] for line in lines]
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    (DOCS / "parameters.md").write_text(page(), encoding="utf-8", newline="\n")
