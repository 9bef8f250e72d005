"""Outages that a study asks for beside those of single branches: generators, double circuits, campuses and lists.

Names: ``generator g``, ``double b1+b2`` and ``campus s``; those of a list are the user's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from optimizer.config import StudyConfig
from optimizer.config.network_tables import OUTAGE_KINDS
from optimizer.errors import Finding, nearest
from optimizer.grid.dc import DCNetwork
from optimizer.grid.joint import Elements
from optimizer.grid.network import Grid
from optimizer.grid.schema import shorten
from optimizer.grid.topology import common_corridors
from optimizer.study.operation import Operation

PREFIXES = {"generator": "generator ", "double_circuit": "double ", "campus": "campus "}
"""How the names of outages made here begin; names of a list may not."""

GRID_LIST = "contingencies"
"""What findings call the grid's own list."""


def list_files(config: StudyConfig) -> tuple[str, ...]:
    """Tables of outages that a study names, in its order."""
    return tuple(one for one in config.security.contingencies if one not in OUTAGE_KINDS)


def grid_outages(
    config: StudyConfig, grid: Grid, operation: Operation, tables: Mapping[str, pd.DataFrame]
) -> tuple[list[Elements], list[Finding]]:
    """Outages of generators, double circuits and lists.

    Parameters
    ----------
    config : StudyConfig
        ``security.contingencies`` says which.
    grid : Grid
        The network.
    operation : Operation
        Generators in service.
    tables : mapping of str to DataFrame
        Lists by the name of their file: ``contingency`` and ``element``.

    Returns
    -------
    outages : list of Elements
        Branch positions are those of the branches in service, generator positions those of `operation`.
    findings : list of Finding
        Names that mean nothing or two things: errors. Elements out of service, outages without any: warnings.
    """
    asked = config.security.contingencies
    made: list[Elements] = []
    findings: list[Finding] = []
    if "generator" in asked:
        prefix = PREFIXES["generator"]
        units = ((i, g) for i, g in enumerate(operation.generators.index) if not _is_end(operation)[i])
        made += [Elements(f"{prefix}{g}", "generator", generators=(i,)) for i, g in units]
        findings += _alone(grid, operation)
    if "double_circuit" in asked:
        made += _double_circuits(grid)
    lists = {GRID_LIST: grid.contingencies} if "list" in asked else {}
    lists |= {file: tables[file] for file in list_files(config) if file in tables}
    named: set[str] = set(grid.branches_in_service.index) if "branch" in asked else set()
    findings += [problem for b in sorted(named) for problem in _reserved("branches", b)]
    for where, table in lists.items():
        if table.empty:
            remedy = "add rows contingency, element, or do not ask for it"
            findings.append(Finding("security.contingency.none", where, "the list holds no outage", "", remedy))
        found, problems = _listed(where, table, grid, operation, named)
        made += found
        findings += problems
        named |= {one.name for one in found}
    return made, shorten(findings)


def _is_end(operation: Operation) -> np.ndarray:
    """Which rows are ends of links whose transfer is decided, not generators."""
    return np.asarray(operation.generators.index.isin(operation.links[["from_unit", "to_unit"]].to_numpy().ravel()))


def _double_circuits(grid: Grid) -> list[Elements]:
    position = {str(branch): i for i, branch in enumerate(grid.branches_in_service.index)}
    return [
        Elements(f"{PREFIXES['double_circuit']}{name}", "double_circuit", branches=tuple(position[b] for b in pair))
        for name, pair in common_corridors(grid).items()
    ]


def _listed(
    where: str, table: pd.DataFrame, grid: Grid, operation: Operation, named: set[str]
) -> tuple[list[Elements], list[Finding]]:
    """Outages of one list, in the order in which they are first named."""
    branch = {str(b): i for i, b in enumerate(grid.branches_in_service.index)}
    unit = {str(g): i for i, g in enumerate(operation.generators.index) if not _is_end(operation)[i]}
    made: list[Elements] = []
    findings: list[Finding] = []
    for name, elements in table.groupby("contingency", sort=False)["element"]:
        at = f"{where}, contingency {name}"
        wrong = [*_name_problems(at, str(name), named), *_element_problems(at, elements, grid)]
        findings += wrong
        branches = tuple(branch[e] for e in elements if e in branch)
        generators = tuple(unit[e] for e in elements if e in unit)
        if branches or generators:
            made.append(Elements(str(name), "list", branches, generators))
        elif not any(f.severity == "error" for f in wrong):
            text = "no element of the outage is in service: it is left out"
            findings.append(Finding("security.contingency.empty", at, text, "", "", "warning"))
    return made, findings


def _name_problems(at: str, name: str, named: set[str]) -> Iterator[Finding]:
    if name in named:
        text = "another outage of the study has this name"
        yield Finding("security.contingency.name", at, text, repr(name), "choose another name")
    yield from _reserved(at, name)


def _reserved(at: str, name: str) -> Iterator[Finding]:
    if name.startswith(tuple(PREFIXES.values())):
        text = "names that begin so are those of outages that the study makes itself"
        yield Finding("security.contingency.name", at, text, repr(name), "choose another name")


def _element_problems(at: str, elements: pd.Series, grid: Grid) -> Iterator[Finding]:
    for element in elements:
        homes = [table for table in ("branches", "generators") if element in getattr(grid, table).index]
        if len(homes) > 1:
            text = "the grid has both a branch and a generator of this name"
            yield Finding("security.contingency.ambiguous", at, text, repr(element), "give one of them another id")
        elif not homes:
            other = [table for table in ("hvdc", "circuits") if element in getattr(grid, table).index]
            text = f"it is one of {other[0]}: only branches and generators can be out" if other else "no such element"
            rule = "security.contingency.unsupported" if other else "security.contingency.unknown"
            remedy = "name branches and generators; " + nearest(str(element), grid.branches.index)
            yield Finding(rule, at, text, repr(element), remedy)
        elif not getattr(grid, homes[0]).at[element, "in_service"]:
            text = "the element is out of service already: the outage is that of the others"
            yield Finding("security.contingency.out_of_service", at, text, repr(element), "", "warning")


def _alone(grid: Grid, operation: Operation) -> Iterator[Finding]:
    """Generators that no other could replace in some snapshot."""
    parts = {bus: number for number, part in enumerate(grid.islands()) for bus in part}
    island = operation.generators["bus"].map(parts)
    able = (operation.output_max_mw > 0).mul(~_is_end(operation), axis=0)
    others = able.groupby(island).transform("sum") - able
    for g in operation.generators.index[(able & (others == 0)).any(axis=1)]:
        text = "it is the only generator of its island in some snapshot: nothing is checked after its outage then"
        yield Finding("security.contingency.alone", f"generator {g}", text, "", "", "warning")


def campus_outages(sites: pd.Index, ties: pd.DataFrame, network: DCNetwork) -> list[Elements]:
    """Outage of every campus that may be built: what it draws, at each bus that a tie of its may lead to.

    Parameters
    ----------
    sites : Index
        Candidate sites; one without a tie takes nothing off the network when it is lost.
    ties : DataFrame
        ``site`` and ``bus`` of every tie on offer.
    network : DCNetwork
        The network.
    """
    at = pd.Series(network.bus_ids.get_indexer(ties["bus"]), index=ties["site"].to_numpy(), dtype=np.intp)
    buses = {s: sorted(set(found.tolist())) for s, found in at.groupby(level=0, sort=False)}
    return [
        Elements(f"{PREFIXES['campus']}{s}", "campus", loads=tuple((str(s), n) for n in buses[s]))
        for s in sites
        if s in buses
    ]
