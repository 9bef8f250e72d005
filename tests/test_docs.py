"""What the pages say is what the project is: generated pages are up to date, examples work, links lead somewhere."""

from __future__ import annotations

import ast
import csv
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import geopandas as gpd
import pytest
import typer.main
from packaging.requirements import Requirement
from shapely.geometry import box

import optimizer as gs
from optimizer.cli.outcome import ExitCode
from optimizer.cli.verbs import app

CORE = set(
    "pyomo highspy geopandas shapely networkx numpy scipy pandas pyarrow pydantic typer rich jinja2 matplotlib plotly "
    "matpowercaseframes".split()
)
"""Dependencies that need no reason."""

LINES_OF_A_DECISION = 3


@pytest.fixture(scope="module")
def readme(repository: Path) -> str:
    return (repository / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def decisions(repository: Path) -> str:
    return (repository / "docs" / "decisions.md").read_text(encoding="utf-8")


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


# Pages that are generated


@pytest.mark.parametrize("name", ["model", "parameters"])
def test_generated_page_is_up_to_date(repository: Path, name: str) -> None:
    written = (repository / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert written == script(repository / "docs" / f"build_{name}.py").page(), f"run python docs/build_{name}.py"


def test_the_model_page_has_every_rule(repository: Path) -> None:
    page = (repository / "docs" / "model.md").read_text(encoding="utf-8")
    rules = 0
    for path in sorted((repository / "optimizer" / "formulation").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for name, sentence in re.findall(r'@(?:constraint|rows_on_demand)\(.*\n +def (\w+)\(.*\n +"""(.+)\n', source):
            rules += 1
            assert f"**{path.stem}.{name}**" in page
            assert sentence in page
    assert rules > 20


def test_the_parameters_page_has_every_assumption(repository: Path) -> None:
    page = (repository / "docs" / "parameters.md").read_text(encoding="utf-8")
    with (repository / "datasets" / "texas" / "facts" / "assumptions.csv").open(encoding="utf-8", newline="") as file:
        unverified = [row for row in csv.DictReader(file) if row["confidence"] == "unverified"]
    assert len(unverified) > 5
    for row in unverified:
        assert f"{row['id']}, value {row['value']}" in page


def test_a_line_that_is_no_symbol_is_refused(repository: Path) -> None:
    with pytest.raises(ValueError, match="alone"):
        script(repository / "docs" / "build_model.py")._symbol("alone")


# Decisions


def test_a_decision_takes_three_lines_at_most(decisions: str) -> None:
    entries = [entry for entry in decisions.split("\n\n") if entry.startswith("**")]
    assert len(entries) > 30
    assert [entry.splitlines()[0] for entry in entries if len(entry.splitlines()) > LINES_OF_A_DECISION] == []


def test_every_dependency_beyond_the_core_has_its_reason(repository: Path, decisions: str) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(r for e in extras for r in e),
    ]
    further = {Requirement(text).name for text in wanted} - CORE
    assert len(further) > 5
    assert {name for name in further if f"`{name}`" not in decisions} == set()


# The front page


def test_the_front_page_has_every_verb_and_no_other(readme: str) -> None:
    group = typer.main.get_command(app)
    verbs = set(group.commands)  # type: ignore[attr-defined]
    shown = {verb for row in re.findall(r"^\| (`gridsite .*?) \|", readme, re.MULTILINE) for verb in _verbs(row)}
    assert shown == verbs


def _verbs(cell: str) -> Iterator[str]:
    yield from re.findall(r"gridsite (\w+)", cell)


def test_the_front_page_has_every_exit_code(readme: str) -> None:
    (said,) = re.findall(r"Exit codes: (.*?)\.", readme, re.DOTALL)
    assert [int(code) for code in re.findall(r"\b\d+\b", said)] == sorted(ExitCode)


def test_the_study_of_the_front_page_can_be_read(readme: str, tmp_path: Path) -> None:
    (text,) = blocks(readme, "toml")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    gpd.GeoDataFrame(geometry=[box(-98, 30, -97.5, 30.5)], crs="EPSG:4326").to_file(tmp_path / "parks.gpkg")
    study = gs.read_study(tmp_path)
    assert [finding for finding in study.findings if finding.severity != "info"] == []
    for name in study.config.report.compare:
        assert study.scenario(name).config != study.config


def test_the_python_of_the_front_page_uses_public_names_only(readme: str) -> None:
    (text,) = blocks(readme, "python")
    uses = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
    names = {node.attr for node in uses if isinstance(node.value, ast.Name) and node.value.id == "gs"}
    assert {"read_study", "solve", "map"} <= names <= set(gs.__all__)
    attributes = {node.attr for node in uses if isinstance(node.value, ast.Name) and node.value.id == "plan"}
    assert all(hasattr(gs.Plan, name) for name in attributes)


def test_the_front_page_has_the_layers_of_the_import_contract(repository: Path, readme: str) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    package = repository / "optimizer"
    layers = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    built = [[n for n in layer if (package / n).is_dir() or (package / f"{n}.py").is_file()] for layer in layers]
    assert "\n".join(" | ".join(layer) for layer in built if layer) + "\n" in blocks(readme, "text")


# Links


def test_every_link_leads_somewhere(repository: Path, project_files: tuple[Path, ...]) -> None:
    pages = [file for file in project_files if file.suffix == ".md"]
    assert Path("README.md") in pages
    links = [(page, link) for page in pages for link in _links((repository / page).read_text(encoding="utf-8"))]
    assert len(links) > 5
    missing = [f"{page}: {link}" for page, link in links if not (repository / page.parent / link).exists()]
    assert missing == []


def _links(text: str) -> Iterator[str]:
    """Links to files of the project, without what they point at inside."""
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:|#", link):
            yield link.partition("#")[0]
