"""Write ``docs/model.md`` from the docstrings of the model: ``python docs/build_model.py``.

The page says what the code says, in the code's own words; a test keeps the two together.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from optimizer.report.mathematics import Part, parts

DOCS = Path(__file__).resolve().parent
PACKAGE = DOCS.parent / "optimizer"

ORDER = (
    "siting",
    "workloads",
    "supply",
    "supply_campus",
    "adequacy",
    "orbit",
    "interconnection",
    "service",
    "tariffs",
    "cooling",
    "water",
    "dispatch",
    "power_flow",
    "security",
    "upgrades",
    "expansion",
    "expansion_outages",
    "topology_rows",
    "phasing",
    "policy",
)
"""Parts in the order of reading; a part that is not named comes after them."""

AROUND = (
    ("Flows and factors", "grid/dc.py", ()),
    ("Outages", "grid/contingency.py", ()),
    ("Outages of several elements", "grid/joint.py", ()),
    ("Flows after them", "grid/joint_factors.py", ()),
    ("Limits broken before any new load", "solve/overloads.py", ()),
    ("Ratings by snapshot", "study/ratings.py", ("factors_of",)),
    ("Generation", "study/generation.py", ("output_limits", "cost_curves")),
    ("Points of interconnection and ties", "study/points.py", ("intake", "tie_options")),
    (
        "What ties and campuses cost, and how long they take",
        "study/costs.py",
        ("firm_tie_mw", "line_musd_per_km", "positions_musd", "transformers_musd", "tie_months", "campus_months"),
    ),
    (
        "Money over time",
        "study/economics.py",
        ("capital_recovery", "period_table", "yearly_factor", "ready_year"),
    ),
    ("Emissions", "objectives/carbon.py", ("carbon",)),
    ("Water over all years", "objectives/water.py", ("water",)),
    ("Delay", "objectives/delay.py", ("delay",)),
    ("Net present value", "objectives/net_present_value.py", ("net_cost",)),
    ("What orbit costs", "study/orbit.py", ("launch_kg_per_kw", "cost_musd_per_mw")),
    ("Limits on objectives", "objectives/totals.py", ()),
    ("How far angles can be apart", "formulation/angle_bounds.py", ()),
    ("The network that a plan makes", "study/circuits.py", ("realised",)),
    ("Search and proof", "solve/loop.py", ()),
    ("Plans that build circuits", "solve/topologies.py", ()),
    ("Programs without a grid", "solve/at_once.py", ()),
    ("Launch price at which orbit breaks even", "solve/break_even.py", ()),
    ("Sets of sites and branch and cut", "solve/search.py", ()),
    ("Good sets of sites", "solve/neighbours.py", ()),
    ("What opening a site costs", "solve/openings.py", ()),
    ("Limits on sizes", "solve/sizes.py", ()),
    ("Branch and cut", "solve/branching.py", ()),
    ("Proof outside the solver", "solve/proof.py", ()),
    ("The solver's own integer search", "solve/integer_rounds.py", ()),
    ("Whole plans out of solutions in part", "solve/making_whole.py", ()),
    ("One objective after the other", "solve/lexicographic.py", ()),
    ("Efficient plans", "solve/frontier.py", ()),
    ("What is left to explore", "solve/boxes.py", ()),
    ("Best distinct plans", "solve/alternatives.py", ()),
    ("Plans kept apart", "solve/apart.py", ()),
    ("Gap", "solve/money.py", ("without_new_load", "common_musd", "gap_of")),
)
"""What the rules rest on: a heading, the module that says it, and functions of it whose docstrings belong here."""

INTRODUCTION = """\
# The model

*Written by `docs/build_model.py` from the docstrings of the code; edit those, not this page.*

One linear mixed-integer program: no product of variables, no quadratic term. A part is one file of
`optimizer/formulation/`; a study builds only the parts that it uses. Units inside the model are MW, MWh, M$ (present
value, in dollars of the study's `currency_year`), km, m³/day and t CO2e.

Index letters: `s` site, `n` bus, `g` generator, `l` branch, `k` contingency, `u` upgrade, `t` period, `h` snapshot,
`e` new circuit, `c` cooling technology, `b` basin, `q` source of water or technology of supply, `o` tie option,
`d` demand region, `w` workload.

Rules marked *rows on demand* are built only where a solution breaks them. Whatever is not built is checked on every
solution: a plan is reported only after every outage has been checked on every rated branch.
"""

_SYMBOL = re.compile(r"^(?P<symbol>\S+)\s+(?:``(?P<name>\w+)``\s+)?(?P<meaning>.+)$")
_SECTION = re.compile(r"\n\n[A-Z][A-Za-z ]+\n-{3,}\n")
_LEDGER = re.compile(r"^(?P<names>[\w, ]+) : Ledger\n {4}(?P<meaning>.+)$", re.MULTILINE)


def page() -> str:
    """Return the text of the page."""
    found = sorted(parts(), key=lambda part: (ORDER.index(part.name) if part.name in ORDER else len(ORDER), part.name))
    chapters = [
        INTRODUCTION,
        _objective(),
        *(_part(part) for part in found),
        "## What the rules rest on\n",
        *(_around(heading, module, functions) for heading, module, functions in AROUND),
    ]
    return "\n".join(chapters)


def _objective() -> str:
    cost = _summary(_docstring("objectives/cost.py", "cost"))
    ledgers = _LEDGER.findall(_docstring("algebra.py", "Ledgers"))
    rows = [f"| {_code(names)} | {meaning} |" for names, meaning in ledgers]
    table = "\n".join(["| ledger | sum |", "|---|---|", *rows])
    text = (
        "A ledger is a sum to which any part may post terms; it is all that parts know of each other. The part that "
        "builds an upgrade posts rating and cost, the part that limits flow reads rating: neither names the other."
    )
    return f"## Objective and ledgers\n\n**Minimize** {cost[0].lower()}{cost[1:]}\n\n{text}\n\n{table}\n"


def _part(part: Part) -> str:
    title, _, subject = part.subject.partition(": ")
    tree = ast.parse((PACKAGE / "formulation" / f"{part.name}.py").read_text(encoding="utf-8"))
    on_demand = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "rows_on_demand" in map(_decorator, node.decorator_list)
    }
    lines = [f"## {title}", "", f"{subject[0].upper()}{subject[1:]} (`optimizer/formulation/{part.name}.py`)", ""]
    lines += ["| symbol | in the code | meaning |", "|---|---|---|", *map(_symbol, part.symbols.splitlines()), ""]
    for rule in part.rules:
        mark = " (*rows on demand*)" if rule.name in on_demand else ""
        lines += [f"**{part.name}.{rule.name}**{mark} — {rule.sentence}", "", _block(rule.algebra), ""]
    return "\n".join(lines)


def _decorator(node: ast.expr) -> str:
    called = node.func if isinstance(node, ast.Call) else node
    return called.id if isinstance(called, ast.Name) else ""


def _symbol(line: str) -> str:
    found = _SYMBOL.match(line)
    if found is None:
        raise ValueError(f"not a symbol, its name in the code and its meaning: {line!r}")
    name = f"`{found['name']}`" if found["name"] else ""
    return f"| `{found['symbol']}` | {name} | {found['meaning']} |"


def _around(heading: str, module: str, functions: tuple[str, ...]) -> str:
    lines = [f"### {heading}", "", f"`optimizer/{module}`", "", _summary(_docstring(module)), ""]
    for function in functions:
        lines += [f"**{function}** — {_summary(_docstring(module, function))}", ""]
    return "\n".join(lines)


def _docstring(module: str, name: str = "") -> str:
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    if not name:
        return ast.get_docstring(tree) or ""
    kinds = (ast.FunctionDef, ast.ClassDef)
    (node,) = (node for node in ast.walk(tree) if isinstance(node, kinds) and node.name == name)
    return ast.get_docstring(node) or ""


def _summary(docstring: str) -> str:
    """Return what stands before the first section (Parameters, Returns, ...), in Markdown."""
    return _SECTION.split(docstring)[0].strip().replace("``", "`")


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _block(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


if __name__ == "__main__":
    (DOCS / "model.md").write_text(page(), encoding="utf-8", newline="\n")
