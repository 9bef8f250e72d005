"""The rules of the model in words and algebra, as the formulation states them beside the code that builds them.

They are read from its source, so the report needs no model and cannot say anything else than the program does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.resources import files

# Decorators under which the formulation declares a rule.
_DECORATORS = ("constraint", "rows_on_demand")


@dataclass(frozen=True)
class Rule:
    """One constraint: its name, a sentence anyone can read, and its algebra."""

    name: str
    sentence: str
    algebra: str


@dataclass(frozen=True)
class Part:
    """One subject of the model: its name, what it is, its symbols with their units, and its rules."""

    name: str
    subject: str
    symbols: str
    rules: tuple[Rule, ...]


def parts() -> list[Part]:
    """Return the parts of the model that state rules, in alphabetical order."""
    sources = sorted((files("optimizer") / "formulation").iterdir(), key=lambda source: source.name)
    found = (_part(source.name[:-3], source.read_text("utf-8")) for source in sources if source.name.endswith(".py"))
    return [part for part in found if part.rules]


def _part(name: str, source: str) -> Part:
    tree = ast.parse(source)
    subject, _, rest = (ast.get_docstring(tree) or "").partition("\n\n")
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    rules = sorted((node for node in functions if _is_rule(node)), key=lambda node: node.lineno)
    return Part(name, " ".join(subject.split()), _symbols(rest), tuple(_rule(node) for node in rules))


def _symbols(text: str) -> str:
    """Return the lines below the underlined heading ``Symbols``, up to the next empty line."""
    _, _, below = text.partition("Symbols\n-------\n")
    return below.partition("\n\n")[0]


def _is_rule(function: ast.FunctionDef) -> bool:
    called = [decorator.func for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    return any(isinstance(name, ast.Name) and name.id in _DECORATORS for name in called)


def _rule(function: ast.FunctionDef) -> Rule:
    sentence, _, algebra = (ast.get_docstring(function) or "").partition("\n\n")
    return Rule(function.name, " ".join(sentence.split()), algebra)
