"""Filters of map layers: which features count, in CQL2 text.

The text is parsed by a library and evaluated here, operator by operator, on columns: it never reaches a database, and
an operator that is not listed is refused. A comparison with a missing value is neither true nor false, so that neither
it nor its opposite selects the feature (OGC 21-065r2, Common Query Language (CQL2), clause 6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cql2
import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, nearest
from optimizer.io.where_values import ARITHMETIC, COMPARISONS, evaluate, kind_of

MAX_LENGTH = 500
"""Longest filter [characters]; with `MAX_NESTING` it bounds what the parser and the evaluation have to do."""

MAX_NESTING = 50
"""Deepest nesting of parentheses and of operators."""

EXACT = 2**53
"""Largest whole number that the parser keeps exactly."""

_LOGIC = ("and", "or", "not")
_OTHERS = ("between", "in", "isNull", "like")
_WANTED = {**dict.fromkeys(_LOGIC, "condition"), **dict.fromkeys(ARITHMETIC, "number"), "like": "text"}
_KNOWN = ", ".join((*COMPARISONS, *_OTHERS[:2], "is null", "like", *_LOGIC, *ARITHMETIC))


@dataclass(frozen=True)
class Filter:
    """A condition on the columns of a layer.

    Parameters
    ----------
    text : str
        As the user wrote it.
    where : str
        How findings name it.
    tree : object
        Operators and operands, in the form of CQL2 JSON.
    columns : tuple of str
        Columns that it names, in their order in the text.
    """

    text: str
    where: str
    tree: Any
    columns: tuple[str, ...]

    def check(self, frame: pd.DataFrame) -> list[Finding]:
        """Check the filter against the columns of a layer.

        Parameters
        ----------
        frame : DataFrame
            The layer's columns; of a raster, one column ``value``.

        Returns
        -------
        list of Finding
            Unknown columns with the nearest known one, and comparisons of different kinds of values.
        """
        known = [str(name) for name in frame.columns]
        unknown = [name for name in self.columns if name not in known]
        if unknown:
            text = "the filter names a column that the layer does not have"
            return [
                Finding("layer.where.column", self.where, text, repr(name), nearest(name, known)) for name in unknown
            ]
        kinds = {name: kind_of(frame[name]) for name in self.columns}
        return [
            Finding("layer.where.type", self.where, message, found, "compare like with like: text stands in 'quotes'")
            for message, found in _mismatches({"op": "and", "args": [self.tree]}, kinds)
        ]

    def mask(self, frame: pd.DataFrame) -> np.ndarray:
        """Which rows of a table the filter lets through.

        Parameters
        ----------
        frame : DataFrame
            Holds `columns`; of a raster, one column ``value``.

        Returns
        -------
        bool array, shape (n,)

        Raises
        ------
        InputError
            What `check` finds.
        """
        if findings := self.check(frame):
            raise InputError(findings)
        return evaluate(self.tree, frame)


def parse_where(text: str, where: str) -> Filter:
    """Parse a filter.

    Parameters
    ----------
    text : str
        CQL2 text, such as ``"status IN ('1', '2') AND area > 3"``.
    where : str
        How findings name it, such as ``"sites.layers#1.where"``.

    Returns
    -------
    Filter

    Raises
    ------
    InputError
        The text is too long or too deeply nested, is no CQL2, or uses something that is not evaluated here.
    """
    if len(text) > MAX_LENGTH or _parentheses(text) > MAX_NESTING:
        remedy = f"at most {MAX_LENGTH} characters and {MAX_NESTING} levels of parentheses are read"
        found = f"{len(text)} characters, {_parentheses(text)} levels of parentheses"
        raise InputError([Finding("layer.where.too_long", where, "the filter is too long", found, remedy)])
    try:
        tree = cql2.parse_text(text).to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError) as failure:
        remedy = "write CQL2 text, such as \"status IN ('1', '2')\" or \"value > 15\""
        found = f"{text!r}{_place(str(failure))}"
        raise InputError(
            [Finding("layer.where.syntax", where, "the filter cannot be read", found, remedy)]
        ) from failure
    if _depth(tree) > MAX_NESTING:
        text_ = f"the filter nests more than {MAX_NESTING} operators"
        raise InputError(
            [Finding("layer.where.too_long", where, text_, repr(text[:60]), "write a list with IN instead")]
        )
    if refused := list(dict.fromkeys(_unsupported(tree, truth=True))):
        remedy = f"operators that are read: {_KNOWN}"
        rule, message = "layer.where.operator", "the filter uses what is not read here"
        raise InputError([Finding(rule, where, message, found, remedy) for found in refused])
    return Filter(text, where, tree, tuple(dict.fromkeys(_columns(tree))))


def _parentheses(text: str) -> int:
    """Deepest nesting of parentheses, those inside quotes counted too."""
    depth = np.cumsum([(c in "([") - (c in ")]") for c in text])
    return int(depth.max(initial=0))


def _place(message: str) -> str:
    found = re.search(r"--> \d+:(\d+)", message)
    return f" at character {found.group(1)}" if found else ""


def _depth(tree: Any) -> int:
    """Depth of a tree, found without recursion."""
    level, depth = [tree], 0
    while level:
        depth += 1
        level = [below for node in level for below in _operands(node)]
    return depth


def _operands(node: Any) -> list[Any]:
    if isinstance(node, list):
        return node
    if isinstance(node, dict):
        return list(node["args"]) if "op" in node else [v for k, v in node.items() if k != "property"]
    return []


def _columns(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and "property" in node:
        yield node["property"]
    for below in _operands(node):
        yield from _columns(below)


def _unsupported(node: Any, truth: bool) -> Iterator[str]:
    """Parts of a filter that are not evaluated; `truth`: whether the part must be true or false."""
    if isinstance(node, dict) and "property" in node:
        return
    if not isinstance(node, dict) or "op" not in node:
        if isinstance(node, dict | list) or node is None or (truth and not isinstance(node, bool)):
            yield _shown(node)
        elif not isinstance(node, str | bool) and abs(node) > EXACT:
            yield f"number {node:.17g}, which is too large to be told from its neighbours"
        return
    operator, operands = node["op"], node["args"]
    if operator in _LOGIC:
        for part in operands:
            yield from _unsupported(part, truth=True)
    elif operator == "like":
        yield from _unsupported(operands[0], truth=False)
        if not isinstance(operands[1], str):
            yield "LIKE with a pattern that is not a text"
    elif operator == "in":
        if not isinstance(operands[1], list):
            yield "IN without a list in parentheses"
            return
        for part in [operands[0], *operands[1]]:
            yield from _unsupported(part, truth=False)
    elif operator in (*COMPARISONS, "between", "isNull") or (operator in ARITHMETIC and not truth):
        for part in operands:
            yield from _unsupported(part, truth=False)
    else:
        yield f"operator {operator}"


def _shown(node: Any) -> str:
    if node is None:
        return "NULL, which is asked for by IS NULL"
    if isinstance(node, dict):
        return f"a {', '.join(node)}"
    return f"a list outside of IN, {node!r}"[:80] if isinstance(node, list) else f"{node!r}, which is no condition"


def _mismatches(node: Any, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Comparisons of different kinds of values: what is wrong, and what was found."""
    if not (isinstance(node, dict) and "op" in node):
        return
    operator, operands = node["op"], node["args"]
    parts = [operands[0], *operands[1]] if operator == "in" else operands[:1] if operator == "like" else operands
    for part in parts:
        yield from _mismatches(part, kinds)
    if operator == "isNull":
        return
    wanted = _WANTED.get(operator, _kind(parts[0], kinds))
    if wanted == "other":
        yield "the column holds no numbers, text or conditions", _named(parts[0])
        return
    for part in parts:
        if (kind := _kind(part, kinds)) != wanted:
            place = "as a condition" if operator in _LOGIC else f"in {operator}"
            yield f"a {wanted} is needed and a {kind} is given", f"{_named(part)} {place}"


def _kind(node: Any, kinds: dict[str, str]) -> str:
    if isinstance(node, dict):
        if "property" in node:
            return kinds[node["property"]]
        return "number" if node["op"] in ARITHMETIC else "condition"
    return "condition" if isinstance(node, bool) else "text" if isinstance(node, str) else "number"


def _named(node: Any) -> str:
    if isinstance(node, dict):
        return str(node.get("property", node.get("op")))
    return repr(node)
