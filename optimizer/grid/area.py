"""A study area cut from a large network: what is inside stays, what is outside becomes its boundary.

Two boundaries, both with the same flows inside as the whole network at the dispatch that is used:

* ``equivalent``: the network outside is reduced to branches without a rating between the boundary buses, so that power
  goes around the area as before: PTDFs and outage flows inside are those of the whole network (`equivalent`). What is
  served and generated outside becomes fixed load at the boundary buses.
* ``interchange``: nothing of the network outside is left; what crosses the boundary becomes fixed load.

With full-case angles ``a``, the load added at boundary bus i is what flows out of the area there, less what its
equivalent branches carry: ``sum_l f_l - sum_e b_e (a_i - a_j)``. If all equivalents are kept this is the Ward
distribution of the injections outside; if some are not, flows at this dispatch are exact all the same.

Limits and outages outside are not part of the area.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError, nearest
from optimizer.grid.boundary import (
    Replacement,
    Susceptance,
    WholeNetwork,
    equivalent_network,
    fixed_load,
    interchange_only,
    joining_rows,
    solve,
)
from optimizer.grid.columns import KEYS, TABLES
from optimizer.grid.network import Grid, make_grid
from optimizer.grid.schema import shorten
from optimizer.grid.topology import EQUIVALENT, is_equivalent, neighbourhood

Boundary = Literal["equivalent", "interchange"]

BOUNDARIES: tuple[str, ...] = get_args(Boundary)

#: An equivalent branch that carries less than this share of any transfer is left out [MW/MW].
LEAST_SHARE = 1e-6


@dataclass(frozen=True, eq=False)
class Area:
    """A study area and how it was cut.

    Parameters
    ----------
    grid : Grid
        The network of the area; ``p_mw`` of its generators is the dispatch that was used [MW].
    boundary : {"equivalent", "interchange"}
        What stands for the rest.
    fixed : DataFrame, index ``bus``
        Buses where something crosses the boundary, in table order: ``interchange_mw`` (flow out of the area there, DC
        links included) [MW], ``fixed_load_mw`` (added to ``load_mw``) [MW], and of the equivalent
        ``outside_load_mw`` and ``outside_generation_mw`` (what is served and generated outside, moved here; ``nan``
        with fixed interchange) [MW].
    equivalents : tuple of str
        Branches of the grid that stand for the network outside.
    findings : tuple of Finding
        How it was cut and what that means; they are among the grid's findings too.
    """

    grid: Grid
    boundary: Boundary
    fixed: pd.DataFrame
    equivalents: tuple[str, ...]
    findings: tuple[Finding, ...]


def area_of(grid: Grid, text: str, susceptance: Susceptance = "x") -> Area:
    """Cut the area that ``CENTRE:HOPS`` or ``CENTRE:HOPS:BOUNDARY`` names.

    Parameters
    ----------
    grid : Grid
        The whole network.
    text : str
        A bus or substation, a number of hops, and ``equivalent`` (where it is left out) or ``interchange``.
    susceptance : {"x", "series"}
        As for `DCNetwork.build`.

    Raises
    ------
    InputError
        The text says something else, or the area cannot be cut (`cut_area`).
    """
    parts = text.split(":")
    boundary = parts.pop() if len(parts) > 2 and not parts[-1].strip().lstrip("+-").isdecimal() else BOUNDARIES[0]
    hops = parts.pop().strip() if len(parts) > 1 else ""
    if not hops.lstrip("+-").isdecimal() or len(hops) > 9:
        remedy = "write BUS:HOPS or BUS:HOPS:interchange, such as 1001:4"
        raise InputError([Finding("grid.area.text", "area", "not a centre and a number of hops", repr(text), remedy)])
    centre = ":".join(parts).strip()
    return cut_area(grid, centre, int(hops), boundary=boundary.strip(), susceptance=susceptance)  # type: ignore[arg-type]


def cut_area(
    grid: Grid,
    centre: str | Collection[str],
    hops: int | None = None,
    *,
    boundary: Boundary = "equivalent",
    dispatch: pd.Series | None = None,
    susceptance: Susceptance = "x",
    least_share: float = LEAST_SHARE,
) -> Area:
    """Cut a study area from a network.

    Parameters
    ----------
    grid : Grid
        The whole network.
    centre : str or collection of str
        A bus, else a substation, with `hops`; or all buses of the area, without.
    hops : int, optional
        Branches in service from the centre that are still inside [count].
    boundary : {"equivalent", "interchange"}
        What stands for the network outside.
    dispatch : Series, index ``generator``, optional
        Output of every generator in service [MW]; by default ``p_mw`` where every one has it, else in each island the
        same share of ``p_max_mw`` times least availability, which can be given in every snapshot. What load and output
        differ by in an island (losses) is spread over its generators in proportion to output.
    susceptance : {"x", "series"}
        As for `DCNetwork.build`.
    least_share : float
        Equivalent branches that carry less of any transfer are left out [MW/MW]; 0 keeps all.

    Returns
    -------
    Area
        Its grid is checked as any other. Fixed load is part of ``load_mw``, so load factors and growth apply to it.

    Raises
    ------
    InputError
        With every finding: an unknown centre, bus or boundary, no hops, an area or a part of it without generation.
    """
    inside, about, problems = _inside(grid, centre, hops)
    if boundary not in BOUNDARIES:
        text = "not a boundary of an area"
        problems.append(
            Finding("grid.area.boundary", "area, boundary", text, repr(boundary), nearest(boundary, BOUNDARIES))
        )
    if problems:
        raise InputError(shorten(problems))
    if inside.all():
        text = f"the area is the whole network ({about}): nothing is cut off"
        whole = (Finding("grid.area.whole", "area", text, severity="info"),)
        return Area(replace(grid, findings=(*whole, *grid.findings)), boundary, _no_fixed(), (), whole)
    _refuse_dead(grid, inside)
    state, notes = solve(grid, dispatch, susceptance)
    cut = interchange_only() if boundary == "interchange" else equivalent_network(state, inside, least_share)
    fixed, crossing = fixed_load(state, inside, cut)
    tables, equivalents, dropped = _tables(state, inside, cut, fixed)
    findings = (
        _cut_finding(state, inside, about),
        _boundary_finding(boundary, fixed, len(equivalents)),
        *cut.findings,
        *notes,
        *crossing,
        *dropped,
        _limits_finding(boundary),
    )
    return Area(_made(grid, tables, findings), boundary, fixed, equivalents, findings)


def _inside(grid: Grid, centre: str | Collection[str], hops: int | None) -> tuple[np.ndarray, str, list[Finding]]:
    """Which buses are inside, what people call them, and what is wrong with the request."""
    if not isinstance(centre, str):
        wanted = list(dict.fromkeys(centre))
        text, remedy = "no such bus", "name buses of the buses table"
        unknown = [bus for bus in wanted if bus not in grid.buses.index]
        problems = [Finding("grid.area.bus", "area", text, repr(bus), remedy) for bus in unknown]
        if not wanted:
            problems.append(Finding("grid.area.empty", "area", "an area without buses", "", "name at least one bus"))
        return grid.buses.index.isin(wanted), f"{len(wanted)} given buses", problems
    if hops is None:
        return np.zeros(len(grid.buses), dtype=bool), "", [_no_hops()]
    try:
        near = neighbourhood(grid, centre, hops)
    except InputError as refused:
        return np.zeros(len(grid.buses), dtype=bool), "", list(refused.findings)
    kind = "bus" if centre in grid.buses.index else "substation"
    return grid.buses.index.isin(near.index), f"within {hops} hops of {kind} {centre}", []


def _no_hops() -> Finding:
    return Finding("grid.area.hops", "area, hops", "the number of hops is missing", "", "give a whole number above 0")


def _no_fixed() -> pd.DataFrame:
    nowhere = pd.DataFrame({c: pd.Series(dtype=float) for c in ("interchange_mw", "fixed_load_mw")})
    return nowhere.set_index(pd.Index([], name="bus", dtype="str")).join(interchange_only().moved)


def _refuse_dead(grid: Grid, inside: np.ndarray) -> None:
    running = grid.generators[grid.generators["in_service"]]
    if not running["bus"].isin(grid.buses.index[inside]).any():
        text = "no generator in service is inside: nothing in the area could serve its load"
        found, remedy = f"{int(inside.sum())} buses", "take more hops or another centre"
        raise InputError([Finding("grid.area.no_generation", "area", text, found, remedy)])


def _tables(
    state: WholeNetwork, inside: np.ndarray, cut: Replacement, fixed: pd.DataFrame
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...], list[Finding]]:
    """Tables of the area, its equivalent branches, and what is left out of the tables."""
    grid = state.grid
    kept = set(grid.buses.index[inside])
    tables = {table: getattr(grid, table) for table in TABLES}
    for table in ("branches", "hvdc", "circuits"):
        frame = tables[table]
        tables[table] = frame[frame["from_bus"].isin(kept) & frame["to_bus"].isin(kept)]
    units = grid.generators[grid.generators["bus"].isin(kept)]
    tables["generators"] = units.assign(p_mw=state.output_mw.reindex(units.index).fillna(units["p_mw"]))
    buses = grid.buses[inside]
    tables["buses"] = buses.assign(load_mw=buses["load_mw"].add(fixed["fixed_load_mw"], fill_value=0.0)[buses.index])
    tables["upgrades"] = grid.upgrades[grid.upgrades["branch"].isin(tables["branches"].index)]
    zones, carriers = {*buses["zone"], ""}, {*units["carrier"], ""}
    tables["load_factors"] = grid.load_factors[grid.load_factors["zone"].isin(zones - {""})]
    rows = grid.availability
    there = rows["generator"].isin({*units.index, ""}) & rows["carrier"].isin(carriers) & rows["zone"].isin(zones)
    tables["availability"] = rows[there]
    rows = grid.rating_factors
    there = rows["branch"].isin({*tables["branches"].index, *tables["circuits"].index, ""})
    tables["rating_factors"] = rows[there & rows["zone"].isin(zones)]
    elements = {e for table in ("branches", "generators", "hvdc", "circuits") for e in tables[table].index}
    lost = grid.contingencies.loc[~grid.contingencies["element"].isin(elements), "contingency"]
    tables["contingencies"] = grid.contingencies[~grid.contingencies["contingency"].isin(lost)]
    names = _names(grid, cut)
    if names:
        tables["branches"] = _with_equivalents(tables["branches"], grid.buses, cut, names)
    return tables, names, _dropped(grid, tables, lost.nunique())


def _names(grid: Grid, cut: Replacement) -> tuple[str, ...]:
    """A name for each equivalent branch that no element has."""
    used = {e for table in ("branches", "generators", "hvdc", "circuits") for e in getattr(grid, table).index}
    names: list[str] = []
    for one, other in zip(grid.buses.index[cut.one], grid.buses.index[cut.other], strict=True):
        name = f"equivalent {one} - {other}"
        while name in used:
            name += "'"
        used.add(name)
        names.append(name)
    return tuple(names)


def _with_equivalents(
    branches: pd.DataFrame, buses: pd.DataFrame, cut: Replacement, names: tuple[str, ...]
) -> pd.DataFrame:
    one, other = buses.index[cut.one], buses.index[cut.other]
    rows = joining_rows(names, one.to_numpy(), other.to_numpy(), cut.susceptance_mw)
    same = buses.loc[one, "base_kv"].to_numpy() == buses.loc[other, "base_kv"].to_numpy()
    rows = rows.assign(
        kind=np.where(same, "line", "transformer"), rating_mw=np.inf, in_service=True, **{EQUIVALENT: "1"}
    )
    real = branches.assign(**{EQUIVALENT: np.where(is_equivalent(branches), "1", "")})
    return pd.concat([real, rows])


def _dropped(grid: Grid, tables: dict[str, pd.DataFrame], outages: int) -> list[Finding]:
    """Candidates and listed outages that the area does not hold."""
    counts = {
        "candidate circuits": len(grid.circuits) - len(tables["circuits"]),
        "upgrades": len(grid.upgrades) - len(tables["upgrades"]),
        "listed outages": outages,
    }
    found = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    text = "what is not wholly inside is left out"
    return [Finding("grid.area.left_out", "area", text, found, severity="info")] if found else []


def _cut_finding(state: WholeNetwork, inside: np.ndarray, about: str) -> Finding:
    grid = state.grid
    branches = int((~state.within(inside)).sum())
    running = grid.generators[grid.generators["in_service"]]
    units = ~running["bus"].isin(grid.buses.index[inside])
    load = (grid.buses["load_mw"] + grid.buses["shunt_mw"])[~inside].sum()
    text = f"the network is the area of {int(inside.sum()):,} buses {about}; the rest is cut off"
    found = (
        f"{int((~inside).sum()):,} buses, {branches:,} branches, {load:,.0f} MW of load and "
        f"{running.loc[units, 'p_max_mw'].sum():,.0f} MW of generation cut off"
    )
    return Finding("grid.area.cut", "area", text, found, severity="info")


def _boundary_finding(boundary: Boundary, fixed: pd.DataFrame, n_equivalent: int) -> Finding:
    if boundary == "equivalent":
        text = (
            "the rest is its DC equivalent: branches without a rating or outage between boundary buses, and what is "
            "served and generated outside as fixed load there, to which load factors and growth apply"
        )
        held = (
            f"{n_equivalent:,} equivalent branches, {fixed['outside_load_mw'].sum():,.0f} MW of load and "
            f"{fixed['outside_generation_mw'].sum():,.0f} MW of generation at "
        )
    else:
        text = "the rest is its interchange, as fixed load at the boundary to which load factors and growth apply"
        held = ""
    found = f"{held}{len(fixed):,} boundary buses, net export {fixed['interchange_mw'].sum():,.1f} MW"
    return Finding("grid.area.boundary", "area", text, found, severity="info")


def _limits_finding(boundary: Boundary) -> Finding:
    text = "outages inside are judged without outside limits, and outages and redispatch outside are not judged"
    if boundary == "interchange":
        text += "; no power goes around the area, so flows that change near the boundary are not those of the whole"
    remedy = "take more hops where the answer lies near the boundary"
    return Finding("grid.area.limits", "area", text, "", remedy, "warning")


def _made(grid: Grid, tables: dict[str, pd.DataFrame], findings: tuple[Finding, ...]) -> Grid:
    """The checked grid of an area; what was said of the whole network is not said again."""

    def place(table: str, position: int) -> str:
        frame = tables[table]
        return f"{table} {frame.index[position]}" if len(KEYS[table]) == 1 else f"{table} row {position + 1}"

    try:
        made = make_grid(f"{grid.name}-area", tables, grid.base_mva, place=place)
    except InputError as refused:
        text = "the area falls into parts that cannot be operated"
        hint = Finding("grid.area.parts", "area", text, "", "take more hops, or buses that are connected inside")
        raise InputError([*refused.findings, hint]) from refused
    said = {f.rule for f in grid.findings}
    new = (f for f in made.findings if f.rule not in said)
    return replace(made, findings=(*findings, *grid.findings, *new))
