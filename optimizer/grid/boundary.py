"""The boundary of a study area (`area`): flows of the whole network, and what replaces the part that is cut off."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from optimizer.errors import Finding, InputError
from optimizer.grid.dc import DCNetwork
from optimizer.grid.equivalent import Outside, transfer_shares
from optimizer.grid.hvdc import scheduled_load
from optimizer.grid.network import BASE_MVA, Grid
from optimizer.grid.schema import shorten

Susceptance = Literal["x", "series"]

#: Power that no generator of an island can balance is named above this [MW].
UNBALANCED_MW = 1e-6


@dataclass(frozen=True, eq=False)
class WholeNetwork:
    """DC power flow of the network before it is cut; made by `solve`.

    Parameters
    ----------
    grid : Grid
        The network.
    network : DCNetwork
        Its branches in service.
    susceptance : {"x", "series"}
        How `network` was built.
    output_mw : Series, index ``generator``
        Dispatch of the generators in service [MW].
    generation_mw, load_mw : float array, shape (n_bus,)
        The dispatch, and existing load with shunts and scheduled DC links [MW].
    angle_rad : float array, shape (n_bus,)
        Angles [rad].
    flow_mw : float array, shape (n_branch,)
        Flows [MW].
    """

    grid: Grid
    network: DCNetwork
    susceptance: Susceptance
    output_mw: pd.Series
    generation_mw: np.ndarray
    load_mw: np.ndarray
    angle_rad: np.ndarray
    flow_mw: np.ndarray

    def within(self, inside: np.ndarray) -> np.ndarray:
        """Which branches in service have both ends inside."""
        return np.asarray(inside[self.network.from_position] & inside[self.network.to_position])


@dataclass(frozen=True, eq=False)
class Replacement:
    """What stands for the network outside.

    Parameters
    ----------
    one, other : int array, shape (n_equivalent,)
        Ends of the equivalent branches: bus positions in the whole network.
    susceptance_mw : float array, shape (n_equivalent,)
        Their susceptances [MW/rad].
    moved : DataFrame, index ``bus``
        ``outside_load_mw`` and ``outside_generation_mw`` by boundary bus [MW]; empty with fixed interchange.
    findings : tuple of Finding
        What was left out.
    """

    one: np.ndarray
    other: np.ndarray
    susceptance_mw: np.ndarray
    moved: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def solve(grid: Grid, dispatch: pd.Series | None, susceptance: Susceptance) -> tuple[WholeNetwork, list[Finding]]:
    """Return the DC power flow of a network at a dispatch, every island balanced, with what that dispatch is.

    Parameters
    ----------
    grid : Grid
        The network.
    dispatch : Series, index ``generator``, optional
        As for `optimizer.grid.area.cut_area`.
    susceptance : {"x", "series"}
        As for `DCNetwork.build`.

    Raises
    ------
    InputError
        The dispatch lacks a generator, or angles are not determined.
    """
    network = DCNetwork.build(grid.buses.index, grid.branches_in_service, susceptance)
    links_mw, findings = scheduled_load(grid)
    warnings = [f for f in findings if f.severity != "info"]
    load = (grid.buses["load_mw"] + grid.buses["shunt_mw"] + links_mw).to_numpy(dtype=float)
    output, notes = _dispatch(grid, network, load, dispatch)
    generation = np.zeros(len(load))
    np.add.at(generation, grid.buses.index.get_indexer(grid.generators.loc[output.index, "bus"]), output.to_numpy())
    angle, flow = network.angles(generation - load), network.flows(generation - load)
    return WholeNetwork(grid, network, susceptance, output, generation, load, angle, flow), [*notes, *warnings]


def _dispatch(
    grid: Grid, network: DCNetwork, load_mw: np.ndarray, given: pd.Series | None
) -> tuple[pd.Series, list[Finding]]:
    """Output of every generator in service, each island balanced [MW]."""
    running = grid.generators[grid.generators["in_service"]]
    output, source = _given_output(running, given)
    island = network.island[grid.buses.index.get_indexer(running["bus"])]
    count = len(network.reference)

    def by_island(values: np.ndarray) -> np.ndarray:
        return np.bincount(island, weights=values, minlength=count)

    missing = np.bincount(network.island, weights=load_mw, minlength=count) - by_island(output.to_numpy())
    weight = np.clip(output.to_numpy(), 0.0, None)
    capacity = np.clip(running["p_max_mw"].to_numpy(), 0.0, None)
    for instead in (capacity * least_availability(grid, running), capacity):
        weight = np.where((by_island(weight) <= 0)[island], instead, weight)
    total = by_island(weight)
    spread = np.divide(missing, total, out=np.zeros(count), where=total > 0)
    text = f"the flows over the boundary are those of one dispatch of the whole network: {source}"
    found = f"{missing[total > 0].sum():,.1f} MW by which load exceeds it spread over the generators of each island"
    notes = [Finding("grid.area.dispatch", "generators, p_mw", text, found, severity="info")]
    left = missing[(total <= 0) & (np.abs(missing) > UNBALANCED_MW)]
    if len(left):
        text = "islands without generation are not balanced: their bus of most circuits takes the rest"
        found = f"{len(left)} islands, {np.abs(left).sum():,.1f} MW"
        notes.append(Finding("grid.area.unbalanced", "area", text, found, "check the schedules of DC links", "warning"))
    return output + weight * spread[island], notes


def _given_output(running: pd.DataFrame, given: pd.Series | None) -> tuple[pd.Series, str]:
    """Output of each generator before islands are balanced [MW], and where it is from."""
    if given is None:
        if running["p_mw"].notna().all():
            return running["p_mw"], "p_mw of the generators"
        source = (
            "the same share of every generator of an island of what it can give in every snapshot (p_max_mw and its "
            "least availability), as not every one has p_mw"
        )
        return pd.Series(0.0, index=running.index), source
    output = given.reindex(running.index).astype(float)
    missing = running.index[~np.isfinite(output)]
    if len(missing):
        text, remedy = "the dispatch has no output for it", "give one for every generator in service"
        raise InputError(shorten([Finding("grid.area.dispatch", f"generator {g}", text, "", remedy) for g in missing]))
    return output, "the outputs that were given"


def least_availability(grid: Grid, generators: pd.DataFrame) -> np.ndarray:
    """Return the least availability of each generator in any snapshot, 1 where nothing is said.

    A row for the generator wins over one for its carrier in its zone, and that over one for its carrier everywhere.

    Parameters
    ----------
    grid : Grid
        ``availability`` and the zones of its buses.
    generators : DataFrame, index ``generator``
        Some of its generators.

    Returns
    -------
    float array, shape (n_generator,)
        Share of ``p_max_mw`` [-].
    """
    carriers = generators["carrier"].tolist()
    zones = grid.buses.loc[generators["bus"], "zone"].tolist()
    scopes = [
        [(g, "", ""), ("", carrier, zone), ("", carrier, "")]
        for g, carrier, zone in zip(generators.index, carriers, zones, strict=True)
    ]
    least = np.ones(len(generators))
    for _, rows in grid.availability.groupby("snapshot", sort=False):
        keys = zip(rows["generator"], rows["carrier"], rows["zone"].where(rows["generator"] == "", ""), strict=True)
        factors = dict(zip(keys, rows["factor"], strict=True))
        here = [next((factors[key] for key in scope if key in factors), 1.0) for scope in scopes]
        least = np.minimum(least, here)
    return least


def interchange_only() -> Replacement:
    """Nothing but what crosses the boundary stands for the outside."""
    nothing = np.empty(0, dtype=np.intp)
    columns = ("outside_load_mw", "outside_generation_mw")
    moved = pd.DataFrame({c: pd.Series(dtype=float) for c in columns}, index=pd.Index([], name="bus", dtype="str"))
    return Replacement(nothing, nothing, np.empty(0), moved)


def equivalent_network(state: WholeNetwork, inside: np.ndarray, least_share: float) -> Replacement:
    """Return the equivalent branches that matter, and what is moved to the boundary.

    Parameters
    ----------
    state : WholeNetwork
        The whole network.
    inside : bool array, shape (n_bus,)
        Which buses are kept.
    least_share : float
        Equivalent branches that carry less of any transfer are left out [MW/MW].

    Raises
    ------
    InputError
        Susceptances outside cancel, so that angles there are not determined.
    """
    buses, rows = state.grid.buses.index, state.grid.branches_in_service
    outside = Outside.build(buses, rows, inside, state.susceptance)
    if outside is None:
        return interchange_only()
    at = buses.get_indexer(outside.buses)
    moved = outside.moved(np.column_stack([state.load_mw[at], state.generation_mw[at]]))
    names = ["outside_load_mw", "outside_generation_mw"]
    table = pd.DataFrame(moved, index=pd.Index(outside.boundary, name="bus"), columns=names)
    one, other, susceptance = outside.joining()
    kept_buses, kept_rows = buses[inside], rows[state.within(inside)]
    boundary = kept_buses.get_indexer(outside.boundary)

    def network(chosen: np.ndarray) -> DCNetwork:
        from_bus, to_bus = (outside.boundary[end[chosen]] for end in (one, other))
        joined = joining_rows(range(len(from_bus)), from_bus, to_bus, susceptance[chosen])
        return DCNetwork.build(kept_buses, pd.concat([kept_rows[joined.columns], joined]), state.susceptance)

    full = network(np.ones(len(one), dtype=bool))
    kept = np.abs(transfer_shares(full, boundary, one, other, susceptance)) >= least_share
    findings = []
    if not kept.all():
        effect = _largest_change(full, network(kept), boundary, len(kept_rows))
        text = f"equivalent branches that carry less than {least_share:g} of any transfer are left out"
        found = f"{int((~kept).sum()):,} of {len(kept):,}, which changes a PTDF inside by at most {effect:.1g} MW/MW"
        findings.append(Finding("grid.area.small", "area", text, found, "", "info", effect, unit="MW/MW"))
    position = buses.get_indexer(outside.boundary)
    return Replacement(position[one[kept]], position[other[kept]], susceptance[kept], table, tuple(findings))


def joining_rows(
    names: Collection[object], from_bus: np.ndarray, to_bus: np.ndarray, susceptance_mw: np.ndarray
) -> pd.DataFrame:
    """Return equivalent branches in the columns that DC power flow reads: ``x_pu`` is the inverse of susceptance."""
    return pd.DataFrame(
        {
            "from_bus": from_bus,
            "to_bus": to_bus,
            "x_pu": BASE_MVA / susceptance_mw,
            "r_pu": 0.0,
            "tap": 1.0,
            "shift_deg": 0.0,
        },
        index=pd.Index(names, name="branch"),
    )


def _largest_change(full: DCNetwork, kept: DCNetwork, boundary: np.ndarray, n_inside: int) -> float:
    """Largest difference of a PTDF of the first `n_inside` branches, to the first boundary bus of the island.

    An injection inside is worth shares of one, all positive, at the boundary: where susceptances are positive no other
    bus has a larger difference.
    """
    first = {int(number): bus for number, bus in zip(full.island[boundary][::-1], boundary[::-1], strict=True)}
    sinks = list(first.values())
    column = {number: i for i, number in enumerate(first)}
    at = np.array([column[int(number)] for number in full.island[boundary]], dtype=np.intp)
    taken = {network: network.unit_angles(np.array(sinks, dtype=np.intp)) for network in (full, kept)}
    largest = 0.0
    for start in range(0, len(boundary), full.solve_block):
        chosen = slice(start, start + full.solve_block)
        one, other = (
            network.flows_of_angles(network.unit_angles(boundary[chosen]) - taken[network][:, at[chosen]])[:n_inside]
            for network in (full, kept)
        )
        largest = max(largest, float(np.abs(one - other).max(initial=0.0)))
    return largest


def fixed_load(state: WholeNetwork, inside: np.ndarray, cut: Replacement) -> tuple[pd.DataFrame, list[Finding]]:
    """Return what crosses the boundary and what is added to the load there, as `optimizer.grid.area.Area.fixed`.

    Parameters
    ----------
    state : WholeNetwork
        The whole network.
    inside : bool array, shape (n_bus,)
        Which buses are kept.
    cut : Replacement
        What stands for the rest.

    Returns
    -------
    fixed : DataFrame, index ``bus``
    findings : list of Finding
        A note of DC links over the boundary.
    """
    network = state.network
    interchange, touched, findings = _links(state.grid, inside)
    for near, far, sign in (
        (network.from_position, network.to_position, 1.0),
        (network.to_position, network.from_position, -1.0),
    ):
        leaving = inside[near] & ~inside[far]
        np.add.at(interchange, near[leaving], sign * state.flow_mw[leaving])
        touched[near[leaving]] = True
    carried = np.zeros(len(inside))
    flow = cut.susceptance_mw * (state.angle_rad[cut.one] - state.angle_rad[cut.other])
    np.add.at(carried, cut.one, flow)
    np.add.at(carried, cut.other, -flow)
    table = pd.DataFrame(
        {"interchange_mw": interchange[touched], "fixed_load_mw": (interchange - carried)[touched]},
        index=state.grid.buses.index[touched],
    )
    return table.join(cut.moved), findings


def _links(grid: Grid, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[Finding]]:
    """What DC links draw inside for ends outside [MW], the buses where they do, and a note of it."""
    links = grid.hvdc[grid.hvdc["in_service"]]
    one, other = (grid.buses.index.get_indexer(links[end]) for end in ("from_bus", "to_bus"))
    leaving = inside[one] != inside[other]
    touched = np.zeros(len(inside), dtype=bool)
    if not leaving.any():
        return np.zeros(len(inside)), touched, []
    there = links[leaving]
    scheduled, _ = scheduled_load(replace(grid, hvdc=there))
    touched[np.concatenate([one[leaving], other[leaving]])] = True
    text = "DC links over the boundary are fixed load at their schedule"
    found = f"{len(there)} links, the first {there.index[0]}"
    note = Finding("grid.area.hvdc", "hvdc", text, found, severity="info")
    return np.where(inside, scheduled, 0.0), touched & inside, [note]
