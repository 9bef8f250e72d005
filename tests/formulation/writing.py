"""A part of the model as text: its variables, what it posts to ledgers, and its rows.

Every row has its terms on the left, sorted by name, and its constant on the right; the first term is positive, so that
a row reads the same whichever side the code put it on. Numbers have six significant digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from types import ModuleType
from typing import Any

import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from optimizer.algebra import Ledgers
from optimizer.formulation import name_of
from optimizer.study.case import Case


def part_text(part: ModuleType, model: pyo.ConcreteModel, case: Case) -> str:
    """Variables, posts and rows of one part of a composed model."""
    block = model.component(name_of(part))
    sections = {"variables": _variables(block), "posts": _posts(part, case), "rows": row_lines(block)}
    return "\n".join(line for title, lines in sections.items() for line in (title, *(lines or ["  none"]))) + "\n"


def row_lines(block: pyo.Block) -> list[str]:
    """Rows of a block, sorted by name."""
    found = []
    for row in block.component_data_objects(pyo.Constraint, active=True):
        repn = generate_standard_repn(row.body, compute_values=True)
        assert repn.is_linear()
        terms = sorted((v.name, float(c)) for v, c in zip(repn.linear_vars, repn.linear_coefs, strict=True) if c)
        lower = None if row.lower is None else float(pyo.value(row.lower)) - repn.constant
        upper = None if row.upper is None else float(pyo.value(row.upper)) - repn.constant
        sense, bound = ("=", upper) if row.equality else ("<=", upper) if upper is not None else (">=", lower)
        if terms and terms[0][1] < 0:
            terms, bound = [(name, -c) for name, c in terms], -bound
            sense = {"=": "=", "<=": ">=", ">=": "<="}[sense]
        found.append(f"  {row.name}: {_sum(terms)} {sense} {_number(bound)}")
    return sorted(found)


def _variables(block: pyo.Block) -> list[str]:
    kinds = {True: "binary", False: "integer"}
    lines = []
    for v in block.component_data_objects(pyo.Var):
        kind = kinds[v.is_binary()] if v.is_integer() else "real"
        bounds = "-inf" if v.lb is None else _number(v.lb), "inf" if v.ub is None else _number(v.ub)
        lines.append(f"  {v.name}: {kind} {bounds[0]} .. {bounds[1]}")
    return sorted(lines)


def _posts(part: ModuleType, case: Case) -> list[str]:
    """What the part alone posts, declared on a model that holds nothing else."""
    alone, ledgers = pyo.ConcreteModel(), Ledgers()
    alone.add_component(name_of(part), pyo.Block())
    part.declare(alone.component(name_of(part)), case, ledgers)
    alone.ledger = pyo.Block()
    ledgers.close(alone.ledger)
    return sorted(line for entry in fields(ledgers) for line in _ledger(entry.name, getattr(ledgers, entry.name)))


def _ledger(name: str, ledger: Any) -> Iterator[str]:
    for key in ledger.keys():
        repn = generate_standard_repn(ledger[key], compute_values=True)
        terms = sorted((v.name, float(c)) for v, c in zip(repn.linear_vars, repn.linear_coefs, strict=True) if c)
        index = ",".join(map(str, key)) if isinstance(key, tuple) else str(key)
        constant = f" + {_number(repn.constant)}" if repn.constant else ""
        yield f"  {name}[{index}]: {_sum(terms)}{constant}"


def _sum(terms: Sequence[tuple[str, float]]) -> str:
    text = " ".join(f"{'-' if c < 0 else '+'} {_coefficient(abs(c))}{n}" for n, c in terms)
    return text.removeprefix("+ ") or "0"


def _coefficient(size: float) -> str:
    return "" if _number(size) == "1" else f"{_number(size)} "


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}"
