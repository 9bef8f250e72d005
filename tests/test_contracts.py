"""Rules that hold for the whole project, wherever a line of it stands.

Imports are checked by import-linter and docstrings by ruff, both from ``pyproject.toml``; here is the rest.
"""

import ast
import importlib
import re
import tomllib
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel

from optimizer.units import SUFFIXES

# Assembled, so that this file does not hold what it forbids.
INDEX_ADDRESS = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "ana" + r"conda\.(org|com)"]))
MACHINE_PATH = re.compile(r"(?<![\w$.~/])/(" + "|".join(["work", "tmp", "root", "home", "Users", "farm", "opt"]) + ")/")


def texts(repository: Path, files: tuple[Path, ...]) -> Iterator[tuple[Path, str]]:
    """Every file that is text, with its text."""
    for file in files:
        content = (repository / file).read_bytes()
        if b"\0" not in content:
            yield file, content.decode("utf-8")


def found(pattern: re.Pattern[str], repository: Path, files: tuple[Path, ...]) -> list[str]:
    return [
        f"{file}:{number}: {line.strip()[:100]}"
        for file, text in texts(repository, files)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_package_index_address_and_no_machine_path(repository: Path, project_files: tuple[Path, ...]) -> None:
    assert len(project_files) > 50
    assert found(INDEX_ADDRESS, repository, project_files) == []
    assert found(MACHINE_PATH, repository, project_files) == []


@pytest.mark.parametrize("line", ["see /" + "tmp/x", '"/' + 'root/.cache"', "file:///" + "opt/wheels"])
def test_machine_paths_are_recognized(line: str) -> None:
    assert MACHINE_PATH.search(line.replace("file://", ""))


@pytest.mark.parametrize("line", ["M$/work/year", "../work/data", "https://example.com/home/page", "out/tmp/x"])
def test_relative_paths_and_addresses_are_not_machine_paths(line: str) -> None:
    assert not MACHINE_PATH.search(line)


# What is locked


def locked(repository: Path) -> dict[str, tuple[str, list[str]]]:
    """Name, version and hashes of each requirement in constraints.txt."""
    text = (repository / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    pins = {}
    for line in lines:
        requirement, *hashes = re.split(r"\s+--hash=sha256:", line.strip())
        parsed = Requirement(requirement)
        (specifier,) = parsed.specifier
        assert specifier.operator == "==", line
        assert parsed.url is None, line
        pins[canonicalize_name(parsed.name)] = (specifier.version, hashes)
    assert len(pins) == len(lines)
    return pins


def test_every_pin_has_hashes(repository: Path) -> None:
    for name, (_, hashes) in locked(repository).items():
        assert hashes, name
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes), name


def test_every_requirement_is_pinned_to_a_version_it_allows(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(r for e in extras for r in e),
    ]
    pins = locked(repository)
    for requirement in map(Requirement, wanted):
        version, _ = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


# Units in names

COUNTS_AND_RATIOS = {
    "availability",
    "carbon_free_share_every_snapshot",
    "band",
    "cost_segments",
    "gap",
    "hops",
    "firmness",
    "hot_day_percentile",
    "hot_hour_percentile",
    "max_rounds",
    "most_branches",
    "most_circuits",
    "max_sites",
    "max_generators_per_site",
    "max_units",
    "per_circuit",
    "per_mw",
    "per_site",
    "per_tie",
    "per_upgrade",
    "per_year",
    "points_per_site",
    "probability",
    "risk_level",
    "reserve_margin",
    "risk_weight",
    "seed",
    "share",
    "storage_efficiency",
    "share_left",
    "share_per",
    "threads",
    "utilization",
    "weight",
    "work",
}
"""Numbers without a unit, by their whole name."""

UNIT_OF_ITS_RULE = {"value", "low", "high", "width"}
"""Names of numbers whose unit another key decides: the value of a map layer is what its rule needs, a range that of
what it varies."""

ENDINGS_OF_RATIOS = ("_factor", "_factors", "_growth", "_rate", "_share")
"""Endings of names of numbers without a unit: a share of something, or a factor on something."""

COORDINATES = {"lat", "lon"}
"""Names that mean degrees everywhere."""

CALENDAR = {
    "curtailable_hours_per_year",
    "currency_year",
    "decision_year",
    "early_until",
    "first_year",
    "hours",
    "hours_per_year",
    "periods",
}
"""Names that are their own unit: years of the calendar, and hours."""


def names_its_unit(name: str) -> bool:
    """Whether the name of a number says its unit, or is known to need none."""
    if name in COUNTS_AND_RATIOS | UNIT_OF_ITS_RULE | CALENDAR | COORDINATES:
        return True
    quantity = "_" + re.sub("^(min|max)_|_(min|max)$", "", name)
    divided = re.sub(r"_per_[a-z0-9]+(_year|_month)?$", "", quantity)
    return quantity.endswith(tuple(SUFFIXES)) or divided.endswith((*SUFFIXES, *ENDINGS_OF_RATIOS))


def is_number(annotation: object) -> bool:
    """Whether values of this type are numbers, or are filled with numbers."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return issubclass(annotation, int | float) and not issubclass(annotation, bool)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return any(is_number(type(value)) for value in arguments)
    if origin is typing.Annotated:
        return is_number(arguments[0])
    if isinstance(origin, type) and issubclass(origin, typing.Mapping):
        return is_number(arguments[1])
    return any(is_number(argument) for argument in arguments)


@pytest.mark.parametrize(
    "name", ["it_mw", "monitor_kv_min", "min_base_kv", "land_ha_per_mw", "carbon_t_per_year", "gap"]
)
def test_names_that_say_their_unit(name: str) -> None:
    assert names_its_unit(name)


@pytest.mark.parametrize("name", ["capacity", "tie_length", "cost", "max_tie", "cost_per_year", "limit_gap"])
def test_names_that_do_not_say_their_unit(name: str) -> None:
    assert not names_its_unit(name)


@pytest.mark.parametrize("annotation", [int, float | None, dict[int, float], tuple[float, ...], typing.Literal[5, 95]])
def test_numeric_types_are_recognized(annotation: object) -> None:
    assert is_number(annotation)


@pytest.mark.parametrize("annotation", [bool, str | None, dict[int, str], typing.Literal["x"], tuple[Path, ...]])
def test_other_types_are_not_numeric(annotation: object) -> None:
    assert not is_number(annotation)


@pytest.fixture(scope="module")
def tables() -> dict[str, type[BaseModel]]:
    """Every table of a study file, by the name of its class."""
    importlib.import_module("optimizer.config")
    models = list(BaseModel.__subclasses__())
    for model in models:
        models.extend(model.__subclasses__())
    mine = [model for model in models if model.__module__.startswith("optimizer.config") and model.model_fields]
    return {model.__name__: model for model in mine}


def test_every_number_of_a_study_says_its_unit(tables: dict[str, type[BaseModel]]) -> None:
    numbers = [
        (f"{table}.{name}", name)
        for table, model in tables.items()
        for name, field in model.model_fields.items()
        if is_number(field.annotation)
    ]
    assert len(numbers) > 30
    assert [where for where, name in numbers if not names_its_unit(name)] == []


def test_tables_of_a_study_are_closed_frozen_and_documented(tables: dict[str, type[BaseModel]]) -> None:
    assert len(tables) > 10
    assert [name for name, model in tables.items() if model.model_config.get("extra") != "forbid"] == []
    assert [name for name, model in tables.items() if not model.model_config.get("frozen")] == []
    fields = {f"{table}.{name}": field for table, model in tables.items() for name, field in model.model_fields.items()}
    assert [name for name, field in fields.items() if not field.description] == []


# What a constraint says of itself


def constraint_functions(repository: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted((repository / "optimizer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            called = [decorator.func for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
            if any(isinstance(function, ast.Name) and function.id == "constraint" for function in called):
                yield f"{path.stem}.{node.name}", node


def test_every_constraint_is_a_sentence_then_algebra(repository: Path) -> None:
    functions = dict(constraint_functions(repository))
    assert len(functions) > 10
    for name, function in functions.items():
        sentence, _, algebra = (ast.get_docstring(function) or "").partition("\n\n")
        assert sentence.endswith("."), name
        assert re.search(r"<=|>=|==?|≤|≥", algebra), name


# What a bundled dataset says of itself


def test_every_bundled_dataset_is_described(repository: Path) -> None:
    folders = [folder for folder in (repository / "datasets").iterdir() if folder.name[0] not in "._"]
    assert "texas" in {folder.name for folder in folders}
    for folder in folders:
        described = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))
        assert described, folder.name
