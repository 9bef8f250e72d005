"""Headroom with a distributed slack: a fixed dispatch, and new load picked up by generators in proportion.

With ``s_ln`` the flow on branch l of 1 MW taken at bus n and given by all generators of its island by participation,
every limit is a straight line in the load w:

* before any outage ``|f_l + w s_ln| <= R_l``;
* after the outage of k ``|f_l + D_lk f_k + (1 - x) w (s_ln + D_lk s_kn)| <= E_l``, x the share dropped.

So the largest w is the least quotient of margin and sensitivity over all limits, and nothing is solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.progress import Progress, silent
from optimizer.solve.headroom.case import HeadroomCase
from optimizer.solve.headroom.lp import NOTHING
from optimizer.solve.headroom.pairs import Pairs

#: A sensitivity below this is rounding: the limit does not see the load [MW/MW].
NO_SENSITIVITY = 1e-9

#: Buses looked at together: the work arrays stay at tens of megabytes.
BLOCK = 64

GENERATION, BASE, OUTAGE, CUT_OFF = "generation", "normal rating", "emergency rating", "disconnection"
"""What limits a headroom."""


@dataclass(frozen=True)
class Found:
    """Headroom at one bus.

    Parameters
    ----------
    headroom_mw, non_firm_mw : float
        Largest load that is firm, and largest load of which a share is dropped after an outage [MW].
    limited_by : str
        ``generation``, ``normal rating``, ``emergency rating`` or ``disconnection``.
    branch, outage : int
        Limiting branch position and outage number; -1 where there is none.
    snapshot : int
        Snapshot number; -1 where all are alike.
    relief : str
        Upgrade that raises the firm headroom most; empty if none does.
    relief_mw, relief_cost_musd : float
        The rise [MW], and its cost [M$].
    """

    headroom_mw: float
    non_firm_mw: float
    limited_by: str
    branch: int = -1
    outage: int = NOTHING
    snapshot: int = -1
    relief: str = ""
    relief_mw: float = 0.0
    relief_cost_musd: float = float("nan")


@dataclass(frozen=True, eq=False)
class State:
    """One snapshot before any new load.

    Parameters
    ----------
    output_mw : float array, shape (n_bus,)
        Output of each bus [MW].
    flow_mw : float array, shape (n_branch,)
        Flows [MW].
    pairs : Pairs, optional
        Outage limits that can be broken.
    pair_flow_mw, pair_limit_mw : float array, shape (n_pair,)
        Their flows after the outage, and limits [MW].
    """

    output_mw: np.ndarray
    flow_mw: np.ndarray
    pairs: Pairs | None
    pair_flow_mw: np.ndarray
    pair_limit_mw: np.ndarray

    @classmethod
    def of(cls, problem: HeadroomCase, snapshot: int, output_mw: np.ndarray, pairs: Pairs | None) -> State:
        """Return the state of a dispatch."""
        flow = problem.network.flows(output_mw - problem.load_mw[:, snapshot])
        if pairs is None:
            return cls(output_mw, flow, None, np.empty(0), np.empty(0))
        limit = problem.emergency_mw[pairs.branch, snapshot]
        for (l, k), mw in problem.extra_mw[snapshot].items():
            own = slice(*np.searchsorted(pairs.branch, [l, l + 1]))
            limit[own][pairs.outage[own] == k] += mw
        return cls(output_mw, flow, pairs, pairs.flows(flow), limit)


@dataclass(frozen=True, eq=False)
class _Lines:
    """Limits of some buses in one snapshot: largest load by branch, shape (n_branch, n_bus) [MW]."""

    before: np.ndarray
    after: np.ndarray


def distributed_headroom(
    problem: HeadroomCase,
    states: Sequence[State],
    buses: np.ndarray,
    share: float,
    cutoff: float = 0.0,
    progress: Progress = silent,
) -> dict[int, Found]:
    """Find the headroom of buses at fixed dispatch.

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    states : sequence of State
        One a snapshot.
    buses : int array
        Bus positions.
    share : float
        Part of the load that is dropped after an outage in the non-firm value [-].
    cutoff : float
        Limits that see less of the load than this do not count [MW/MW].
    progress : Progress
        Told how many buses are done.

    Returns
    -------
    dict of int to Found
        By bus position.
    """
    found: dict[int, Found] = {}
    for start in range(0, len(buses), BLOCK):
        chosen = buses[start : start + BLOCK]
        columns = problem.network.ptdf_columns(chosen)
        sensitivities = [sensitivity(problem, h, chosen, columns) for h in range(len(states))]
        lines = [_lines(problem, h, states[h], sensitivities[h], cutoff) for h in range(len(states))]
        spare = np.array([_spare(problem, h, states[h])[problem.network.island[chosen]] for h in range(len(states))])
        for i, bus in enumerate(chosen.tolist()):
            at = [s[:, i] for s in sensitivities]
            limits = [(x.before[:, i], x.after[:, i]) for x in lines]
            found[bus] = _of_bus(problem, states, at, limits, spare[:, i], cutoff)
            found[bus] = _with_non_firm(problem, found[bus], bus, lines, spare, i, share)
        progress("distributed", min(start + BLOCK, len(buses)) / len(buses), f"{start + len(chosen):,} buses")
    return found


def sensitivity(problem: HeadroomCase, snapshot: int, buses: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return flows of 1 MW taken at buses and given by participation, shape (n_branch, n_bus) [MW/MW].

    Parameters
    ----------
    problem : HeadroomCase
        The network.
    snapshot : int
        Number of the snapshot.
    buses : int array, shape (n_bus,)
        Bus positions.
    columns : float array, shape (n_branch, n_bus)
        Their PTDF columns.
    """
    network = problem.network
    result = -columns
    for island in np.unique(network.island[buses]).tolist():
        weight = np.where(network.island == island, problem.participation[:, snapshot], 0.0)
        shared = network.flows(weight) - network.shift_flow_mw
        result[:, network.island[buses] == island] += shared[:, None]
    return result


def _spare(problem: HeadroomCase, snapshot: int, state: State) -> np.ndarray:
    """What the generators of each island could give beyond their dispatch, shape (n_island,) [MW]."""
    network = problem.network
    most = np.bincount(network.island[problem.generator_bus], weights=problem.output_limits(snapshot)[1])
    given = np.bincount(network.island, weights=state.output_mw)
    return np.maximum(np.pad(most, (0, len(given) - len(most))) - given, 0.0)


def _quotient(flow: np.ndarray, low: np.ndarray, high: np.ndarray, sens: np.ndarray, cutoff: float) -> np.ndarray:
    """Largest w with ``low <= flow + w sens <= high``, no less than 0; flow and limits have one row a limit."""
    room = np.where(sens > 0, (high - flow)[:, None], (flow - low)[:, None])
    np.maximum(room, 0.0, out=room)
    size = np.abs(sens)
    unseen = size < max(cutoff, NO_SENSITIVITY)
    size[unseen] = 1.0
    room /= size
    room[unseen] = np.inf
    return room


def _lines(problem: HeadroomCase, snapshot: int, state: State, sens: np.ndarray, cutoff: float) -> _Lines:
    before = _quotient(state.flow_mw, problem.low_mw[:, snapshot], problem.high_mw[:, snapshot], sens, cutoff)
    after = np.full_like(before, np.inf)
    if state.pairs is None or not len(state.pairs):
        return _Lines(before, after)
    # The second least, because an upgrade may lift the least.
    second = np.partition(before, min(1, len(before) - 1), axis=0)[min(1, len(before) - 1)]
    most = min(float(second.max()), float(_spare(problem, snapshot, state).max()))
    at = _near(state, sens, most, cutoff)
    if len(at):
        branch, out = state.pairs.branch[at], state.pairs.out[at]
        both = sens[out]
        both *= state.pairs.factor[at, None]
        both += sens[branch]
        limit = state.pair_limit_mw[at]
        each = _quotient(state.pair_flow_mw[at], -limit, limit, both, cutoff)
        branches, starts = np.unique(branch, return_index=True)
        after[branches] = np.minimum.reduceat(each, starts, axis=0)
    return _Lines(before, after)


def _near(state: State, sens: np.ndarray, most_mw: float, cutoff: float) -> np.ndarray:
    """Pairs that could limit any bus of a block below what limits before outages allow: most are too far away."""
    assert state.pairs is not None
    largest = np.abs(sens).max(axis=1)
    bound = largest[state.pairs.out]
    bound *= np.abs(state.pairs.factor)
    bound += largest[state.pairs.branch]
    room = state.pair_limit_mw - np.abs(state.pair_flow_mw)
    return np.flatnonzero((bound * most_mw >= room) & (bound >= cutoff))


def _of_bus(
    problem: HeadroomCase,
    states: Sequence[State],
    sens: list[np.ndarray],
    lines: list[tuple[np.ndarray, np.ndarray]],
    spare: np.ndarray,
    cutoff: float,
) -> Found:
    """Firm headroom of one bus, what limits it, and the upgrade that raises it most."""
    by_branch = np.array([np.minimum(before, after) for before, after in lines])
    least = by_branch.min(axis=0)
    branch = int(least.argmin())
    most = float(spare.min())
    if not least[branch] < most:
        return Found(most, most, GENERATION, snapshot=int(spare.argmin()))
    value = float(least[branch])
    snapshot = int(by_branch[:, branch].argmin())
    before, after = lines[snapshot][0][branch], lines[snapshot][1][branch]
    if before <= after:
        found = Found(value, value, BASE, branch, NOTHING, snapshot)
    else:
        quotients, own = _of_branch(states[snapshot], sens[snapshot], branch, 0.0, cutoff)
        pairs = states[snapshot].pairs
        assert pairs is not None
        found = Found(value, value, OUTAGE, branch, int(pairs.outage[own][quotients.argmin()]), snapshot)
    # Only an upgrade of the limiting branch raises the least quotient, up to that of the next branch.
    least[branch] = np.inf
    return _with_relief(problem, states, sens, found, min(float(least.min()), most), cutoff)


def _of_branch(state: State, sens: np.ndarray, branch: int, added_mw: float, cutoff: float) -> tuple[np.ndarray, slice]:
    """Largest load by outage for one branch, its emergency rating raised, and where its pairs are."""
    pairs = state.pairs
    assert pairs is not None
    own = slice(*np.searchsorted(pairs.branch, [branch, branch + 1]))
    both = (sens[pairs.out[own]] * pairs.factor[own] + sens[branch])[:, None]
    limit = state.pair_limit_mw[own] + added_mw
    return _quotient(state.pair_flow_mw[own], -limit, limit, both, cutoff)[:, 0], own


def _with_relief(
    problem: HeadroomCase,
    states: Sequence[State],
    sens: list[np.ndarray],
    found: Found,
    ceiling: float,
    cutoff: float,
) -> Found:
    best, best_mw = None, 0.0
    for upgrade in problem.upgrades_at.get(found.branch, []):
        _, added, added_emergency, _ = upgrade
        raised = ceiling
        for h, state in enumerate(states):
            l = np.array([found.branch])
            before, after = problem.added_mw(h, found.branch, added, added_emergency)
            low, high = problem.low_mw[l, h] - before, problem.high_mw[l, h] + before
            raised = min(raised, float(_quotient(state.flow_mw[l], low, high, sens[h][l][:, None], cutoff)[0, 0]))
            if state.pairs is not None:
                quotients, _ = _of_branch(state, sens[h], found.branch, after, cutoff)
                raised = min(raised, float(quotients.min(initial=np.inf)))
        if raised - found.headroom_mw > best_mw:
            best, best_mw = upgrade, raised - found.headroom_mw
    return with_relief(found, best, best_mw)


def with_relief(found: Found, upgrade: tuple[str, float, float, float] | None, rise_mw: float) -> Found:
    """Return what was found with the upgrade that raises it most, if that is worth a name."""
    if upgrade is None or rise_mw < WORTH_MW:
        return found
    values = {**found.__dict__, "relief": upgrade[0], "relief_mw": rise_mw, "relief_cost_musd": upgrade[3]}
    return Found(**values)


WORTH_MW = 0.01
"""A rise below this is rounding [MW]."""


def _with_non_firm(
    problem: HeadroomCase, found: Found, bus: int, lines: list[_Lines], spare: np.ndarray, at: int, share: float
) -> Found:
    """The value with a share dropped after outages: it divides what outage limits allow by the firm share."""
    number = int(problem.cut_off_by[bus])
    before = min(float(x.before[:, at].min()) for x in lines)
    after = min(float(x.after[:, at].min()) for x in lines)
    firm = 1.0 - share
    non_firm = min(before, after / firm if firm > 0 else np.inf, float(spare[:, at].min()))
    if number >= 0:
        return cut_off(number, non_firm if firm <= 0 else 0.0)
    return Found(**{**found.__dict__, "non_firm_mw": non_firm})


def cut_off(outage: int, non_firm_mw: float) -> Found:
    """Return the headroom of a bus that one outage disconnects: none is firm."""
    return Found(0.0, non_firm_mw, CUT_OFF, outage=outage)
